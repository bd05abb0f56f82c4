/*
 * The recorder as a listener factory: driven by a replay, and by hosts of many threads.
 */
#include "hosted_by_hand.h"

#include <reel/replay.h>

static struct reel_recorder_options full_options(void)
{
	return (struct reel_recorder_options){
		.size = sizeof(struct reel_recorder_options),
		.on_full = REEL_ON_FULL_WAIT,
		.walk = REEL_WALK_FULL,
		.host_time = true,
	};
}

static struct reel_recorder *open_recorder(
	const char *path, const struct reel_recorder_options *options)
{
	struct reel_recorder *recorder;
	struct reel_error error;

	if (reel_recorder_open(path, options, &recorder, &error) < 0) {
		fail_msg("%s", error.text);
	}
	return recorder;
}

static void close_recorder(struct reel_recorder *recorder)
{
	struct reel_error error;

	if (reel_recorder_close(recorder, &error) < 0) {
		fail_msg("%s", error.text);
	}
}

/* ---- a replay as the host ---- */

/* A trace with everything in it that a replay can give. */
static void record_something(const char *path)
{
	const struct reel_recorder_options options = full_options();
	struct reel_recorder *recorder = open_recorder(path, &options);
	const struct reel_module module = {.id = 7, .name = "module", .has_memory = true};
	const struct reel_stream_info info = {.id = 3, .name = "three"};
	const struct reel_function *functions[3];
	struct reel_recorder_stream *stream;
	const struct reel_abort trap = {REEL_ABORT_ERROR, "trap", 4, 4};

	for (uint32_t i = 0; i < 3; i++) {
		const struct reel_function definition = {
			.size = sizeof(definition), .index = i, .is_listened = i < 2};

		assert_int_equal(
			reel_recorder_define_function(recorder, &definition, &functions[i], NULL),
			0);
	}
	reel_recorder_define_module(recorder, &module, NULL);
	assert_int_equal(reel_recorder_stream_open(recorder, &info, &stream, NULL), 0);
	for (uint64_t i = 0; i < 50; i++) {
		const struct reel_frame frames[] = {{functions[i % 2], i, i, NULL, NULL, 0},
			{functions[2], 5, 5, NULL, NULL, 0}, {functions[0], i, 2, NULL, NULL, 0}};
		struct reel_frame_array_iterator iterator;

		reel_stream_set_time(stream, 10 * i);
		if (i % 7 == 0) {
			reel_stream_call_begin(stream, "{\"i\":1}");
		}
		reel_stream_before(stream, 7, functions[i % 2], NULL,
			reel_frame_array_iterator_init(&iterator, frames, i ? 3 : 1), NULL);
		reel_stream_set_time(stream, 10 * i + 1);
		if (i % 3 == 0) {
			reel_stream_after(stream, 7, functions[i % 2], NULL, NULL);
		} else if (i % 3 == 1) {
			reel_stream_abort(stream, REEL_NO_MODULE, functions[i % 2], &trap, NULL);
		}
		if (i % 5 == 0) {
			reel_stream_gap(stream, i + 1);
			reel_stream_after(stream, 7, functions[1], NULL, NULL);
		}
		if (i % 7 == 5) {
			reel_stream_call_end(stream, "{\"o\":1}");
		}
	}
	close_recorder(recorder);
}

static void a_replay_into_the_recorder_gives_the_same_trace(void **state)
{
	const struct reel_recorder_options options = full_options();
	char copy[80];
	struct reel_recorder *recorder;
	struct trace_lines *first, *second;
	struct reel_trace *trace;
	struct reel_error error;

	snprintf(copy, sizeof(copy), "%s.copy", trace_path());
	record_something(trace_path());
	recorder = open_recorder(copy, &options);
	assert_int_equal(reel_trace_open(trace_path(), &trace, &error), 0);
	if (reel_replay(trace, reel_recorder_factory(recorder), NULL, NULL, &error) < 0) {
		fail_msg("%s", error.text);
	}
	reel_trace_close(trace);
	close_recorder(recorder);
	first = trace_lines_read(trace_path(), 3);
	second = trace_lines_read(copy, 3);
	assert_true(first->repaired > 0);
	assert_true(first->undelivered > 0);
	assert_lines_equal(&second->lines, &first->lines);
	assert_int_equal(reel_trace_function_count(second->trace), 3);
	assert_false(reel_trace_function(second->trace, 2)->is_listened);
	trace_lines_free(first);
	trace_lines_free(second);
	unlink(copy);
	remove_trace();
}

/* ---- contexts ---- */

static uint64_t no_time(const struct reel_context *context)
{
	return 0;
}

struct live_host {
	struct reel_listener_factory *factory;
	struct reel_function functions[4];
	struct reel_listener *listeners[4];
};

static void ask_for_listeners(struct live_host *host, struct reel_recorder *recorder)
{
	host->factory = reel_recorder_factory(recorder);
	for (uint32_t i = 0; i < 4; i++) {
		host->functions[i] = (struct reel_function){.size = sizeof(host->functions[i]),
			.index = i,
			.module_name = "live",
			.name = i == 3 ? "left_out" : "f"};
		host->listeners[i] =
			host->factory->listener_for(host->factory, &host->functions[i]);
	}
}

static void call_before(struct live_host *host, struct reel_context *context, uint32_t function)
{
	struct reel_module module = {.id = function, .name = "instance"};
	const struct reel_frame frame = {.function = &host->functions[function]};
	struct reel_frame_array_iterator iterator;
	struct reel_listener *listener = host->listeners[function];

	listener->before(listener, context, &module, &host->functions[function], NULL,
		reel_frame_array_iterator_init(&iterator, &frame, 1));
}

static void call_after(struct live_host *host, struct reel_context *context, uint32_t function)
{
	struct reel_listener *listener = host->listeners[function];

	listener->after(listener, context, NULL, &host->functions[function], NULL);
}

static void a_context_is_a_stream_as_long_as_its_slot_stays(void **state)
{
	static const char *const exclude[] = {"live:left_*"};
	struct reel_recorder_options options = full_options();
	const struct reel_stream_info info = {.id = 8};
	struct reel_context context = {.stream = &info, .slot = 0, .time_ns = no_time};
	struct reel_recorder *recorder;
	struct live_host host;
	struct trace_lines *got;

	options.exclude = exclude;
	options.exclude_count = 1;
	recorder = open_recorder(trace_path(), &options);
	ask_for_listeners(&host, recorder);
	assert_null(host.listeners[3]);
	call_before(&host, &context, 0);
	call_before(&host, &context, 1);
	call_after(&host, &context, 1);
	context.slot = 1; /* another stream in the same place, with an id that is taken */
	call_before(&host, &context, 2);
	call_after(&host, &context, 2);
	host.factory->marks->stream_end(host.factory, &context);
	call_before(&host, &context, 2);
	close_recorder(recorder);
	got = trace_lines_read(trace_path(), 8);
	assert_int_equal(got->lines.count, 4);
	assert_string_equal(strchr(got->lines.lines[3], '!'), "!exit");
	assert_int_equal(reel_trace_stream_count(got->trace), 3);
	assert_int_equal(trace_module_count(got->trace), 3);
	trace_lines_free(got);
	remove_trace();
}

enum { THREADS = 4, CONTEXTS = 200, CALLS = 20 };

struct worker {
	struct live_host *host;
	uint32_t first_id;
};

/* Many contexts that take turns, come and go. */
static void *drive(void *argument)
{
	struct worker *worker = argument;
	struct reel_stream_info infos[CONTEXTS];
	struct reel_context contexts[CONTEXTS];

	for (uint32_t i = 0; i < CONTEXTS; i++) {
		infos[i] = (struct reel_stream_info){.id = worker->first_id + i};
		contexts[i] = (struct reel_context){
			.stream = &infos[i], .slot = infos[i].id, .time_ns = no_time};
	}
	for (uint32_t call = 0; call < 2 * CALLS; call++) {
		for (uint32_t i = 0; i < CONTEXTS; i++) {
			if (call < CALLS) {
				call_before(worker->host, &contexts[i], call % 3);
			} else {
				call_after(worker->host, &contexts[i], (2 * CALLS - 1 - call) % 3);
			}
		}
	}
	for (uint32_t i = 0; i < CONTEXTS; i++) {
		worker->host->factory->marks->stream_end(worker->host->factory, &contexts[i]);
	}
	return NULL;
}

static void threads_drive_many_contexts_at_once(void **state)
{
	const struct reel_recorder_options options = full_options();
	struct reel_recorder *recorder = open_recorder(trace_path(), &options);
	struct live_host host;
	struct worker workers[THREADS];
	pthread_t threads[THREADS];

	ask_for_listeners(&host, recorder);
	for (uint32_t i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){&host, i * CONTEXTS};
		assert_int_equal(pthread_create(&threads[i], NULL, drive, &workers[i]), 0);
	}
	for (uint32_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
	}
	close_recorder(recorder);
	for (uint32_t id = 0; id < THREADS * CONTEXTS; id += 37) {
		struct trace_lines *got = trace_lines_read(trace_path(), id);

		assert_int_equal(got->lines.count, 2 * CALLS);
		assert_int_equal(got->repaired + got->undelivered + got->lost, 0);
		trace_lines_free(got);
	}
	remove_trace();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_replay_into_the_recorder_gives_the_same_trace),
		cmocka_unit_test(a_context_is_a_stream_as_long_as_its_slot_stays),
		cmocka_unit_test(threads_drive_many_contexts_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
