/*
 * Calls captured from a trace for the listener benchmark.
 */
#include "replay_fixture.h"

static struct maker maker;

static void make_calls(uint32_t count)
{
	const struct reel_module module = {.id = 2, .name = "m", .has_memory = true};
	struct maker_stream *stream;
	uint32_t blob;

	maker_init(&maker, 50);
	assert_int_equal(writer_define_module(maker.writer, &module), 0);
	maker_function(&maker, "outer", 1, 1, true);
	maker_function(&maker, "inner", 1, 1, true);
	stream = maker_stream(&maker, 0, "");
	blob = maker_blob(&maker, "bytes");
	for (uint64_t i = 0; i < count; i++) {
		const struct site outer = {.function = 0, .module = 2, .pc = 1};
		const struct site inner = {.function = 1,
			.module = 2,
			.pc = 2,
			.has_caller = true,
			.caller_pc = 3 + i};
		const struct event_read read = {.offset = 8, .length = 5, .blob = blob};
		const struct event_capture capture = {.reads = &read, .read_count = 1};
		const uint64_t outer_param = i, inner_param = 1000 + i;
		const uint64_t outer_result = 2000 + i, inner_result = 3000 + i;

		maker_before_event(stream, &outer,
			(struct event){.ticks = 10 * i,
				.module = 2,
				.values = &outer_param,
				.value_count = 1});
		maker_before_event(stream, &inner,
			(struct event){.ticks = 10 * i + 1,
				.module = 2,
				.values = &inner_param,
				.value_count = 1,
				.capture = &capture});
		maker_event(stream, (struct event){.kind = EVENT_AFTER,
					    .ticks = 10 * i + 2,
					    .module = 2,
					    .values = &inner_result,
					    .value_count = 1});
		maker_event(stream, (struct event){.kind = EVENT_AFTER,
					    .ticks = 10 * i + 3,
					    .module = 2,
					    .values = &outer_result,
					    .value_count = 1});
	}
	/* One call that does not return. */
	maker_before(stream, 10 * count, 1, 0);
	maker_event(stream,
		(struct event){
			.kind = EVENT_ABORT, .ticks = 10 * count, .module = NO_ID, .error = NO_ID});
	maker_finish(&maker);
}

static void check_call(const struct reel_captured_call *call)
{
	const bool is_inner = strcmp(call->function->name, "inner") == 0;
	const uint64_t number = call->params[0] - (is_inner ? 1000 : 0);
	const void *bytes;

	assert_int_equal(call->results[0], number + (is_inner ? 3000 : 2000));
	assert_int_equal(call->frame_count, is_inner ? 2 : 1);
	assert_ptr_equal(call->frames[0].function, call->function);
	assert_int_equal(call->frames[0].params[0], call->params[0]);
	assert_ptr_equal(call->frames[0].results, call->results); /* it has ended */
	assert_int_equal(call->module->id, 2);
	if (is_inner) {
		assert_int_equal(call->frames[1].pc, 3 + number);
		assert_int_equal(call->frames[1].params[0], number);
		assert_null(call->frames[1].results);
		assert_int_equal(reel_module_memory_read(call->module, 9, 3, &bytes), REEL_READ_OK);
		assert_memory_equal(bytes, "yte", 3);
	} else {
		assert_int_equal(reel_module_memory_read(call->module, 9, 3, &bytes),
			REEL_READ_NOT_CAPTURED);
	}
}

static void captured_calls_are_whole_and_spread_over_the_trace(void **state)
{
	struct reel_captured_calls calls;
	struct reel_error error = {0};
	struct reel_trace *trace;
	bool late = false;

	make_calls(500);
	trace = maker_open(&maker);
	assert_int_equal(reel_trace_capture_calls(trace, 101, &calls, &error), 0);
	assert_in_range(calls.count, 90, 101);
	for (size_t i = 0; i < calls.count; i++) {
		check_call(&calls.calls[i]);
		late = late || calls.calls[i].params[0] % 1000 > 450;
	}
	assert_true(late);
	reel_captured_calls_destroy(&calls);
	reel_trace_close(trace);
	maker_remove(&maker);
}

static void a_small_trace_gives_every_call_that_returned(void **state)
{
	struct reel_captured_calls calls;
	struct reel_trace *trace;

	make_calls(3);
	trace = maker_open(&maker);
	assert_int_equal(reel_trace_capture_calls(trace, 1000, &calls, NULL), 0);
	assert_int_equal(calls.count, 6);
	reel_captured_calls_destroy(&calls);
	assert_int_equal(reel_trace_capture_calls(trace, 0, &calls, NULL), 0);
	assert_int_equal(calls.count, 0);
	reel_captured_calls_destroy(&calls);
	reel_captured_calls_destroy(&calls);
	reel_trace_close(trace);
	maker_remove(&maker);
}

static unsigned benchmark_befores;

static void count_before(void *user, struct reel_context *context, struct reel_module *module,
	const struct reel_function *function, const uint64_t *params,
	struct reel_stack_iterator *stack)
{
	benchmark_befores++;
	assert_true(reel_stack_next(stack));
	assert_ptr_equal(reel_stack_function(stack), function);
}

static struct reel_listener *same_listener(void *user, const struct reel_function *function)
{
	return user;
}

static void captured_calls_drive_the_benchmark(void **state)
{
	struct reel_function_listener listener;
	struct reel_function_factory factory;
	struct reel_benchmark_result result;
	struct reel_captured_calls calls;
	struct reel_trace *trace;

	make_calls(50);
	trace = maker_open(&maker);
	assert_int_equal(reel_trace_capture_calls(trace, 20, &calls, NULL), 0);
	reel_function_listener_init(&listener, count_before, NULL);
	reel_function_factory_init(&factory, same_listener, &listener.base);
	benchmark_befores = 0;
	assert_int_equal(
		reel_listener_benchmark(&factory.base, calls.calls, calls.count, 10, &result), 0);
	assert_int_equal(benchmark_befores, 11 * calls.count);
	assert_int_equal(result.events, 10 * calls.count);
	reel_captured_calls_destroy(&calls);
	reel_trace_close(trace);
	maker_remove(&maker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(captured_calls_are_whole_and_spread_over_the_trace),
		cmocka_unit_test(a_small_trace_gives_every_call_that_returned),
		cmocka_unit_test(captured_calls_drive_the_benchmark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
