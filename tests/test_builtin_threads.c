/*
 * The built-in listeners under a live host whose threads call them at the same time: each thread
 * is a stream of its own. Meant to be run under the thread sanitizer as well.
 */
#include "builtin_drive.h"

#include <pthread.h>

#define THREADS 4
#define ROUNDS 500
#define DEPTH 5

struct worker {
	struct drive *drive;
	struct drive_function *function;
	uint32_t stream;
	pthread_t thread;
};

static uint64_t own_time(const struct reel_context *context)
{
	(void)context;
	return 5000;
}

static void before(const struct worker *worker)
{
	const struct reel_frame top = {.function = &worker->function->definition};
	struct reel_listener *listener = worker->function->listener;
	struct reel_frame_array_iterator stack;

	reel_frame_array_iterator_init(&stack, &top, 1);
	listener->before(listener, &worker->drive->contexts[worker->stream], NULL,
		&worker->function->definition, NULL, &stack.base);
}

static void after(const struct worker *worker)
{
	struct reel_listener *listener = worker->function->listener;

	listener->after(listener, &worker->drive->contexts[worker->stream], NULL,
		&worker->function->definition, NULL);
}

static void *work(void *argument)
{
	const struct worker *worker = argument;

	for (int round = 0; round < ROUNDS; round++) {
		for (int depth = 0; depth < DEPTH; depth++) {
			before(worker);
		}
		for (int depth = 0; depth < DEPTH; depth++) {
			after(worker);
		}
	}
	if (worker->drive->factory->marks && worker->drive->factory->marks->stream_end) {
		worker->drive->factory->marks->stream_end(
			worker->drive->factory, &worker->drive->contexts[worker->stream]);
	}
	return NULL;
}

static void run_threads(struct drive *drive, const char *spec)
{
	const struct reel_host_info info = {
		.size = sizeof(info), .concurrent = true, .metadata = ""};
	struct worker workers[THREADS];
	struct drive_function function;

	drive_begin_as(drive, spec, &info);
	drive_function(drive, &function, "m", "f");
	for (uint32_t i = 0; i < THREADS; i++) {
		drive->contexts[i].time_ns = own_time;
		workers[i] = (struct worker){drive, &function, i, 0};
	}
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
	}
}

static size_t count_lines(const char *text, const char *part)
{
	size_t count = 0;

	for (const char *at = strstr(text, part); at; at = strstr(at + 1, part)) {
		count++;
	}
	return count;
}

static void stats_counts_every_call_of_every_thread(void **state)
{
	struct drive drive;

	run_threads(&drive, "stats");
	assert_non_null(strstr(drive_finish(&drive), "\n10000   0 ns"));
	drive_end(&drive);
}

static void folded_counts_every_call_of_every_thread(void **state)
{
	struct drive drive;

	run_threads(&drive, "folded:value=calls");
	assert_string_equal(drive_finish(&drive),
		"f 2000\nf;f 2000\nf;f;f 2000\nf;f;f;f 2000\nf;f;f;f;f 2000\n");
	drive_end(&drive);
}

static void log_keeps_lines_of_threads_whole(void **state)
{
	struct drive drive;
	const char *text;

	run_threads(&drive, "log:streams=prefix");
	text = drive_finish(&drive);
	assert_int_equal(count_lines(text, "[3] \t\t--> m.f()\n"), ROUNDS);
	assert_int_equal(count_lines(text, "--> m.f()\n"), THREADS * ROUNDS * DEPTH);
	assert_int_equal(count_lines(text, "<--\n"), THREADS * ROUNDS * DEPTH);
	drive_end(&drive);
}

static void json_keeps_lines_of_threads_whole(void **state)
{
	struct drive drive;
	const char *text;

	run_threads(&drive, "json");
	text = drive_finish(&drive);
	assert_int_equal(count_lines(text, "}\n{\"t\":\"A\",\"tid\":"), THREADS * ROUNDS * DEPTH);
	assert_int_equal(count_lines(text, "{\"stream\":"), THREADS);
	drive_end(&drive);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stats_counts_every_call_of_every_thread),
		cmocka_unit_test(folded_counts_every_call_of_every_thread),
		cmocka_unit_test(log_keeps_lines_of_threads_whole),
		cmocka_unit_test(json_keeps_lines_of_threads_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
