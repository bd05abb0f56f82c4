/*
 * A host of one's own, in one file: opens a recorder and tells it of calls in the two ways that
 * there are, by calling before, after and abort on a stream, and by driving the listeners that the
 * recorder's factory gives, as a host does that knows nothing of recorders.
 *
 *     ./embed trace.reel && reel replay trace.reel --listener log
 */
#include <reel/recorder.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const uint8_t one_i64[] = {REEL_I64};
static const char *const n_name[] = {"n"};

/* ---- one: a stream ---- */

struct direct {
	struct reel_recorder *recorder;
	struct reel_recorder_stream *stream;
	const struct reel_function *factorial, *check;
};

/* A function with one parameter and `result_count` results, all i64. */
static int define(struct direct *direct, uint32_t index, const char *name, uint32_t result_count,
	const struct reel_function **function, struct reel_error *error)
{
	const struct reel_function definition = {
		.size = sizeof(definition),
		.index = index,
		.module_name = "direct",
		.name = name,
		.param_count = 1,
		.param_types = one_i64,
		.param_names = n_name,
		.result_count = result_count,
		.result_types = one_i64,
		.is_listened = true,
	};

	return reel_recorder_define_function(direct->recorder, &definition, function, error);
}

/* A call that never returns when n is too large: its end is an abort. */
static int check(struct direct *direct, uint64_t n)
{
	static const char too_large[] = "the result would not fit";
	const struct reel_abort error = {.kind = REEL_ABORT_ERROR,
		.text = too_large,
		.length = sizeof(too_large) - 1,
		.full_length = sizeof(too_large) - 1};

	reel_stream_before(direct->stream, REEL_NO_MODULE, direct->check, &n, NULL, NULL);
	if (n > 20) {
		reel_stream_abort(direct->stream, REEL_NO_MODULE, direct->check, &error, NULL);
		return -1;
	}
	reel_stream_after(direct->stream, REEL_NO_MODULE, direct->check, NULL, NULL);
	return 0;
}

static uint64_t factorial(struct direct *direct, uint64_t n)
{
	uint64_t result = 1;

	reel_stream_before(direct->stream, REEL_NO_MODULE, direct->factorial, &n, NULL, NULL);
	if (check(direct, n) == 0 && n > 1) {
		result = n * factorial(direct, n - 1);
	}
	reel_stream_after(direct->stream, REEL_NO_MODULE, direct->factorial, &result, NULL);
	return result;
}

static int run_directly(struct reel_recorder *recorder, struct reel_error *error)
{
	struct direct direct = {.recorder = recorder};
	const struct reel_stream_info info = {.id = 0, .name = "direct", .process = "embed"};
	int status = define(&direct, 0, "factorial", 1, &direct.factorial, error);

	if (status == 0) {
		status = define(&direct, 1, "check", 0, &direct.check, error);
	}
	if (status == 0) {
		status = reel_recorder_stream_open(recorder, &info, &direct.stream, error);
	}
	if (status < 0) {
		return status;
	}
	reel_stream_call_begin(direct.stream, "{\"export\":\"factorial\"}");
	printf("5! = %llu\n", (unsigned long long)factorial(&direct, 5));
	reel_stream_call_end(direct.stream, NULL);
	factorial(&direct, 21);
	reel_recorder_stream_close(direct.stream, REEL_REASON_EXIT);
	return 0;
}

/* ---- two: the factory ---- */

static uint64_t now_ns(const struct reel_context *context)
{
	struct timespec now;

	(void)context;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

struct host {
	struct reel_function function;
	struct reel_listener *listener; /* NULL: nobody listens */
	struct reel_context context;
	struct reel_frame frames[64]; /* top last here, but first for listeners */
	size_t depth;
};

/* Counts n down to 0, one call inside the other. */
static void count_down(struct host *host, uint64_t n)
{
	struct reel_frame stack[64];
	struct reel_frame_array_iterator iterator;

	host->frames[host->depth++] = (struct reel_frame){.function = &host->function, .pc = n};
	for (size_t i = 0; i < host->depth; i++) {
		stack[i] = host->frames[host->depth - 1 - i];
	}
	if (host->listener && host->listener->before) {
		host->listener->before(host->listener, &host->context, NULL, &host->function, &n,
			reel_frame_array_iterator_init(&iterator, stack, host->depth));
	}
	if (n > 0) {
		count_down(host, n - 1);
	}
	if (host->listener && host->listener->after) {
		host->listener->after(host->listener, &host->context, NULL, &host->function, NULL);
	}
	host->depth--;
}

static int run_through_factory(struct reel_recorder *recorder, struct reel_error *error)
{
	const struct reel_stream_info stream = {.id = 1, .name = "factory", .process = "embed"};
	const struct reel_host_info info = {.size = sizeof(info), .metadata = ""};
	struct reel_listener_factory *factory = reel_recorder_factory(recorder);
	struct host host = {
		.function = {.size = sizeof(host.function),
			.index = 0,
			.module_name = "factory",
			.name = "count_down",
			.param_count = 1,
			.param_types = one_i64,
			.param_names = n_name,
			.is_listened = true},
		.context = {.stream = &stream, .time_ns = now_ns},
	};
	int status = factory->begin ? factory->begin(factory, &info, error) : 0;

	if (status < 0) {
		return status;
	}
	host.listener = factory->listener_for(factory, &host.function);
	if (factory->marks && factory->marks->stream_begin) {
		factory->marks->stream_begin(factory, &host.context);
	}
	count_down(&host, 9);
	if (factory->marks && factory->marks->stream_end) {
		factory->marks->stream_end(factory, &host.context);
	}
	return factory->finish ? factory->finish(factory, error) : 0;
}

int main(int argc, char **argv)
{
	const struct reel_recorder_options options = {.size = sizeof(options),
		.on_full = REEL_ON_FULL_WAIT,
		.metadata = "{\"name\":\"embed\"}"};
	struct reel_recorder *recorder;
	struct reel_error error;
	int status;
	int closed;

	if (argc != 2) {
		fputs("Usage: embed TRACE\n", stderr);
		return 2;
	}
	status = reel_recorder_open(argv[1], &options, &recorder, &error);
	if (status == 0) {
		status = run_directly(recorder, &error);
	}
	if (status == 0) {
		status = run_through_factory(recorder, &error);
	}
	closed = reel_recorder_close(recorder, status == 0 ? &error : NULL);
	if (status < 0 || closed < 0) {
		fprintf(stderr, "embed: %s\n", error.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
