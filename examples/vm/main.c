/*
 * A small bytecode virtual machine that drives listeners, with a recorder beside the live ones:
 *
 *     ./vm trace.reel log:file=live.txt ./edges.so
 *     reel replay trace.reel --listener log
 *
 * What a listener writes live and what it writes when the trace is replayed into it are the same.
 */
#include <reel/recorder.h>
#include <reel/replay.h>

#include <stdio.h>
#include <stdlib.h>

#include "host.h"

enum { MAX_LISTENERS = 8 };

static int create_listeners(
	int count, char **specs, struct reel_listener_factory **factories, struct reel_error *error)
{
	int status = 0;

	for (int i = 0; status == 0 && i < count; i++) {
		status = reel_listener_create(specs[i], NULL, &factories[i], error);
	}
	return status;
}

/* Runs the program into all of the factories at once. */
static int run(struct reel_listener_factory **factories, size_t count, struct reel_error *error)
{
	struct reel_listener_factory *all = reel_multi_factory_create(factories, count);
	int status;

	if (!all) {
		return reel_fail(error, REEL_ENOMEM, "out of memory");
	}
	status = host_run(all, error);
	reel_listener_factory_destroy(all);
	return status;
}

static int record(const char *path, int count, char **specs, struct reel_error *error)
{
	const struct reel_recorder_options options = {.size = sizeof(options),
		.on_full = REEL_ON_FULL_WAIT,
		.metadata = "{\"name\":\"vm\"}",
		.host_time = true};
	struct reel_listener_factory *factories[MAX_LISTENERS + 1] = {NULL};
	struct reel_recorder *recorder;
	int status = reel_recorder_open(path, &options, &recorder, error);
	int closed;

	if (status < 0) {
		return status;
	}
	factories[0] = reel_recorder_factory(recorder);
	status = create_listeners(count, specs, factories + 1, error);
	if (status == 0) {
		status = run(factories, (size_t)count + 1, error);
	}
	closed = reel_recorder_close(recorder, status == 0 ? error : NULL);
	for (int i = 0; i < count; i++) {
		reel_listener_factory_destroy(factories[i + 1]);
	}
	return status < 0 ? status : closed;
}

int main(int argc, char **argv)
{
	struct reel_error error;

	if (argc < 2 || argc > MAX_LISTENERS + 2) {
		fputs("Usage: vm TRACE [LISTENER[:OPTIONS]]...\n", stderr);
		return 2;
	}
	if (record(argv[1], argc - 2, argv + 2, &error) < 0) {
		fprintf(stderr, "vm: %s\n", error.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
