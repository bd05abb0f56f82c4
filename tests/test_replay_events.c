/*
 * Replay of hand-made streams: what listeners are told, and the stacks that they are shown.
 */
#include "replay_fixture.h"

static struct maker maker;

/* Replays the finished maker with these options and compares what was told with `expected`. */
static struct reel_replay_result expect(
	const struct reel_replay_options *options, struct checker *checker, const char *expected)
{
	struct reel_trace *trace;
	struct reel_replay_result result;

	trace = maker_open(&maker);
	result = checker_replay(checker, trace, options);
	assert_string_equal(checker->text, expected);
	checker_destroy(checker);
	reel_trace_close(trace);
	maker_remove(&maker);
	return result;
}

static struct checker *stack_checker(void)
{
	struct checker *checker = checker_create();

	checker->writes_stacks = true;
	return checker;
}

static void calls_come_in_order_with_their_stacks(void **state)
{
	struct maker_stream *stream;
	struct reel_replay_result result;
	uint32_t f, g;

	maker_init(&maker, 1000);
	f = maker_function(&maker, "f", 0, 0, true);
	g = maker_function(&maker, "g", 0, 0, true);
	stream = maker_stream(&maker, 7, "main");
	maker_before(stream, 100, f, 0);
	maker_before(stream, 110, g, 50);
	maker_after(stream, 120);
	maker_before(stream, 130, g, 60);
	maker_before(stream, 140, f, 70);
	maker_after(stream, 150);
	maker_after(stream, 160);
	maker_after(stream, 170);
	maker_finish(&maker);
	result = expect(NULL, stack_checker(),
		"S7 100 main\n"
		"B7 100 f | f@1000+10\n"
		"B7 110 g | g@1001+11 f@50+5\n"
		"A7 120 g\n"
		"B7 130 g | g@1001+11 f@60+6\n"
		"B7 140 f | f@1000+10 g@70+7 f@60+6\n"
		"A7 150 f\n"
		"A7 160 g\n"
		"A7 170 f\n"
		"E7 170\n");
	assert_int_equal(result.events, 8);
	assert_int_equal(result.lost, 0);
	assert_int_equal(result.damaged_blocks, 0);
}

static void frames_without_listener_stand_between(void **state)
{
	const struct site_frame between[2] = {{1, 300, 30}, {2, 200, 20}};
	struct site site = {.function = 0,
		.module = NO_ID,
		.pc = 1,
		.has_caller = true,
		.caller_pc = 44,
		.caller_offset = 4,
		.frame_count = 2,
		.frames = between};
	struct maker_stream *stream;

	maker_init(&maker, 1000);
	maker_function(&maker, "f", 0, 0, true);
	maker_function(&maker, "quiet1", 0, 0, false);
	maker_function(&maker, "quiet2", 0, 0, false);
	stream = maker_stream(&maker, 0, "");
	maker_before(stream, 1, 0, 0);
	maker_before_event(stream, &site, (struct event){.ticks = 2, .module = NO_ID});
	maker_before(stream, 3, 0, 55);
	maker_after(stream, 4);
	maker_after(stream, 5);
	maker_after(stream, 6);
	maker_finish(&maker);
	expect(NULL, stack_checker(),
		"S0 1 \n"
		"B0 1 f | f@1000+10\n"
		"B0 2 f | f@1+0 quiet1@300+30 quiet2@200+20 f@44+4\n"
		"B0 3 f | f@1000+10 f@55+5 quiet1@300+30 quiet2@200+20 f@44+4\n"
		"A0 4 f\n"
		"A0 5 f\n"
		"A0 6 f\n"
		"E0 6\n");
}

static void detached_and_cut_stacks_show_what_the_host_showed(void **state)
{
	const struct site_frame below = {NO_ID, 9, 0};
	const struct site detached = {.function = 1,
		.module = NO_ID,
		.pc = 1,
		.detached = true,
		.frame_count = 1,
		.frames = &below};
	const struct site cut = {.function = 0,
		.module = NO_ID,
		.pc = 2,
		.has_caller = true,
		.caller_pc = 77,
		.shown = 2};
	struct maker_stream *stream;

	maker_init(&maker, 1000);
	maker_function(&maker, "f", 0, 0, true);
	maker_function(&maker, "g", 0, 0, true);
	stream = maker_stream(&maker, 0, "");
	maker_before(stream, 1, 0, 0);
	maker_before_event(stream, &detached, (struct event){.ticks = 2, .module = NO_ID});
	maker_before_event(stream, &cut, (struct event){.ticks = 3, .module = NO_ID});
	maker_before(stream, 4, 0, 88);
	maker_after(stream, 5);
	maker_after(stream, 6);
	maker_after(stream, 7);
	maker_after(stream, 8);
	maker_finish(&maker);
	expect(NULL, stack_checker(),
		"S0 1 \n"
		"B0 1 f | f@1000+10\n"
		"B0 2 g | g@1+0 ?@9+0\n"
		"B0 3 f | f@2+0 g@77+0\n"
		"B0 4 f | f@1000+10 f@88+8 g@77+0 ?@9+0\n"
		"A0 5 f\nA0 6 f\nA0 7 g\nA0 8 f\n"
		"E0 8\n");
}

static void stacks_begin_at_the_innermost_top_level_call(void **state)
{
	struct maker_stream *stream;
	uint32_t text;

	maker_init(&maker, 3);
	maker_function(&maker, "f", 0, 0, true);
	maker_function(&maker, "g", 0, 0, true);
	stream = maker_stream(&maker, 0, "");
	text = maker_blob(&maker, "{\"call\":\"run\"}");
	maker_event(stream, (struct event){.kind = EVENT_CALL_BEGIN, .ticks = 1, .text = text});
	maker_before(stream, 2, 0, 0);
	maker_event(stream, (struct event){.kind = EVENT_CALL_BEGIN, .ticks = 3, .text = NO_ID});
	maker_before(stream, 4, 1, 0);
	maker_before(stream, 5, 0, 66);
	maker_after(stream, 6);
	maker_after(stream, 7);
	maker_event(stream, (struct event){.kind = EVENT_CALL_END, .ticks = 8, .text = text});
	maker_before(stream, 9, 1, 55);
	maker_after(stream, 10);
	maker_after(stream, 11);
	maker_event(stream, (struct event){.kind = EVENT_CALL_END, .ticks = 12, .text = NO_ID});
	maker_finish(&maker);
	expect(NULL, stack_checker(),
		"S0 1 \n"
		"(0 1 {\"call\":\"run\"}\n"
		"B0 2 f | f@1000+10\n"
		"(0 3 \n"
		"B0 4 g | g@1001+11\n"
		"B0 5 f | f@1000+10 g@66+6\n"
		"A0 6 f\n"
		"A0 7 g\n"
		")0 8 {\"call\":\"run\"}\n"
		"B0 9 g | g@1001+11 f@55+5\n"
		"A0 10 g\n"
		"A0 11 f\n"
		")0 12 \n"
		"E0 12\n");
}

static void frames_keep_the_parameters_of_their_before(void **state)
{
	const struct site site = {.function = 0, .module = NO_ID, .pc = 5};
	struct maker_stream *stream;

	maker_init(&maker, 1000);
	maker_function(&maker, "f", 2, 1, true);
	stream = maker_stream(&maker, 0, "");
	for (uint64_t i = 1; i <= 3; i++) {
		const uint64_t words[2] = {i * 10, i * 11};

		maker_before_event(stream, &site,
			(struct event){
				.ticks = i, .module = NO_ID, .values = words, .value_count = 2});
	}
	for (uint64_t i = 4; i <= 6; i++) {
		const uint64_t result = i * 100;

		maker_event(stream, (struct event){.kind = EVENT_AFTER,
					    .ticks = i,
					    .module = NO_ID,
					    .values = &result,
					    .value_count = 1});
	}
	maker_finish(&maker);
	expect(NULL, stack_checker(),
		"S0 1 \n"
		"B0 1 f 10 11 | f@5+0=10,11\n"
		"B0 2 f 20 22 | f@5+0=20,22 f@5+0=10,11\n"
		"B0 3 f 30 33 | f@5+0=30,33 f@5+0=20,22 f@5+0=10,11\n"
		"A0 4 f 400\n"
		"A0 5 f 500\n"
		"A0 6 f 600\n"
		"E0 6\n");
}

static void missing_words_read_as_zero(void **state)
{
	const struct site site = {.function = 0, .module = NO_ID, .pc = 5};
	const uint64_t word = 9;
	struct maker_stream *stream;

	maker_init(&maker, 1000);
	maker_function(&maker, "f", 3, 2, true);
	stream = maker_stream(&maker, 0, "");
	maker_before_event(stream, &site, (struct event){.ticks = 1, .module = NO_ID});
	maker_before_event(stream, &site,
		(struct event){.ticks = 2,
			.module = NO_ID,
			.repaired = REEL_REASON_LOST,
			.values = &word,
			.value_count = 1});
	maker_event(stream, (struct event){.kind = EVENT_AFTER,
				    .ticks = 3,
				    .module = NO_ID,
				    .repaired = REEL_REASON_LOST,
				    .values = &word,
				    .value_count = 1});
	maker_event(stream, (struct event){.kind = EVENT_AFTER, .ticks = 4, .module = NO_ID});
	maker_finish(&maker);
	expect(NULL, checker_create(),
		"S0 1 \n"
		"B0 1 f 0 0 0\n"
		"B0 2 lost f 9 0 0\n"
		"A0 3 lost f 9 0\n"
		"A0 4 f 0 0\n"
		"E0 4\n");
}

/* A stream in which the host broke the pairing: an abort, a repair, an exit too many, a gap. */
static void make_broken_stream(void)
{
	struct maker_stream *stream;
	uint32_t text;

	maker_init(&maker, 1000);
	maker_function(&maker, "f", 0, 1, true);
	maker_function(&maker, "g", 0, 0, true);
	stream = maker_stream(&maker, 0, "");
	text = maker_blob(&maker, "boom");
	maker_before(stream, 1, 0, 0);
	maker_before(stream, 2, 1, 0);
	maker_before(stream, 3, 1, 0);
	maker_event(stream, (struct event){.kind = EVENT_ABORT,
				    .ticks = 4,
				    .repaired = REEL_REASON_UNWOUND,
				    .module = NO_ID,
				    .error_kind = REEL_ABORT_REPAIRED,
				    .error = NO_ID});
	maker_event(stream, (struct event){.kind = EVENT_ABORT,
				    .ticks = 4,
				    .module = NO_ID,
				    .error_kind = REEL_ABORT_ERROR,
				    .error = text,
				    .error_full_length = 99});
	maker_event(stream, (struct event){.kind = EVENT_UNDELIVERED_ABORT,
				    .ticks = 5,
				    .function = 1,
				    .module = NO_ID,
				    .error = text,
				    .error_full_length = 4});
	maker_event(stream, (struct event){.kind = EVENT_GAP, .ticks = 6, .lost = 12});
	maker_event(stream, (struct event){.kind = EVENT_ABORT,
				    .ticks = 7,
				    .module = NO_ID,
				    .error_kind = REEL_ABORT_EXIT,
				    .error = NO_ID});
	maker_event(stream, (struct event){.kind = EVENT_UNDELIVERED_AFTER,
				    .ticks = 8,
				    .function = 0,
				    .module = NO_ID,
				    .values = &(uint64_t){5},
				    .value_count = 1});
	maker_finish(&maker);
}

static void broken_pairing_is_told_as_repairs_and_marks(void **state)
{
	struct reel_replay_result result;

	make_broken_stream();
	result = expect(NULL, checker_create(),
		"S0 1 \n"
		"B0 1 f\n"
		"B0 2 g\n"
		"B0 3 g\n"
		"X0 4 unwound g 3 'unwound' 7\n"
		"X0 4 g 0 'boom' 99\n"
		"U0 5 g 'boom'\n"
		"G0 6 12\n"
		"X0 7 f 1 '' 0\n"
		"U0 8 f 5\n"
		"E0 8\n");
	assert_int_equal(result.events, 6);
	assert_int_equal(result.lost, 12);
}

static void as_delivered_gives_exactly_what_the_host_gave(void **state)
{
	const struct reel_replay_options options = {.size = sizeof(options), .as_delivered = true};
	struct checker *checker = checker_create();
	struct reel_replay_result result;

	checker->is_lenient = true;
	make_broken_stream();
	result = expect(&options, checker,
		"S0 1 \n"
		"B0 1 f\n"
		"B0 2 g\n"
		"B0 3 g\n"
		"X0 4 g 0 'boom' 99\n"
		"X0 5 g 0 'boom' 4\n"
		"G0 6 12\n"
		"X0 7 f 1 '' 0\n"
		"A0 8 f 5\n"
		"E0 8\n");
	assert_int_equal(result.events, 7);
}

static void calls_left_open_at_the_end_are_lost(void **state)
{
	struct maker_stream *stream;

	maker_init(&maker, 2);
	maker_function(&maker, "f", 0, 0, true);
	maker_function(&maker, "g", 0, 0, true);
	stream = maker_stream(&maker, 0, "");
	maker_before(stream, 1, 0, 0);
	maker_before(stream, 2, 1, 0);
	maker_before(stream, 3, 1, 0);
	maker_finish(&maker);
	expect(NULL, checker_create(),
		"S0 1 \n"
		"B0 1 f\nB0 2 g\nB0 3 g\n"
		"X0 3 lost g 3 'lost' 4\nX0 3 lost g 3 'lost' 4\nX0 3 lost f 3 'lost' 4\n"
		"E0 3\n");
}

static void make_two_functions(void)
{
	struct maker_stream *stream;

	maker_init(&maker, 1000);
	maker_function(&maker, "f", 0, 0, true);
	maker_function(&maker, "g", 0, 0, true);
	stream = maker_stream(&maker, 0, "");
	maker_before(stream, 1, 0, 0);
	maker_before(stream, 2, 1, 40);
	maker_before(stream, 3, 0, 50);
	maker_after(stream, 4);
	maker_after(stream, 5);
	maker_after(stream, 6);
	maker_finish(&maker);
}

#define ONLY_F \
	"S0 1 \n" \
	"B0 1 f | f@1000+10\n" \
	"B0 3 f | f@1000+10 g@50+5 f@40+4\n" \
	"A0 4 f\n" \
	"A0 6 f\n" \
	"E0 6\n"

static void functions_without_listener_still_show_in_stacks(void **state)
{
	struct checker *checker = stack_checker();
	struct reel_replay_result result;

	checker->only = "f";
	checker->is_filtered = true;
	make_two_functions();
	result = expect(NULL, checker, ONLY_F);
	assert_int_equal(result.events, 6);
}

static void globs_choose_functions_by_name_and_by_module(void **state)
{
	static const char *const globs[] = {"f", "mod:f", "m*:[!g]", "mod.f", "[f]", "nothing"};

	for (size_t i = 0; i < sizeof(globs) / sizeof(globs[0]); i++) {
		const struct reel_replay_options options = {
			.size = sizeof(options), .functions = &globs[i], .function_count = 1};
		struct checker *checker = stack_checker();
		struct reel_trace *trace;

		checker->is_filtered = true;
		make_two_functions();
		trace = maker_open(&maker);
		checker_replay(checker, trace, &options);
		assert_string_equal(
			checker->text, strcmp(globs[i], "nothing") == 0 ? "S0 1 \nE0 6\n" : ONLY_F);
		checker_destroy(checker);
		reel_trace_close(trace);
		maker_remove(&maker);
	}
}

static void listeners_may_leave_callbacks_out(void **state)
{
	struct checker *checker = checker_create();

	checker->listener.before = NULL;
	checker->listener.abort = NULL;
	checker->is_lenient = true;
	make_two_functions();
	expect(NULL, checker, "S0 1 \nA0 4 f\nA0 5 g\nA0 6 f\nE0 6\n");
}

static void a_factory_may_refuse_to_begin(void **state)
{
	struct checker *checker = checker_create();
	struct reel_error error = {0};
	struct reel_trace *trace;

	checker->refuses = true;
	make_two_functions();
	trace = maker_open(&maker);
	assert_int_equal(reel_replay(trace, &checker->factory, NULL, NULL, &error), REEL_EINVAL);
	assert_string_equal(error.text, "refused");
	assert_int_equal(checker->finishes, 0);
	assert_int_equal(checker->seen_count, 0);
	checker_destroy(checker);
	reel_trace_close(trace);
	maker_remove(&maker);
}

static void wrong_options_are_refused(void **state)
{
	const uint32_t stream = 5;
	const struct reel_replay_options backwards = {
		.size = sizeof(backwards), .from_ns = 10, .to_ns = 10};
	const struct reel_replay_options nobody = {
		.size = sizeof(nobody), .streams = &stream, .stream_count = 1};
	const struct reel_replay_options unsized = {.from_ns = 1};
	struct checker *checker = checker_create();
	struct reel_error error = {0};
	struct reel_trace *trace;

	make_two_functions();
	trace = maker_open(&maker);
	assert_int_equal(
		reel_replay(trace, &checker->factory, &backwards, NULL, &error), REEL_EINVAL);
	assert_int_equal(reel_replay(trace, &checker->factory, &nobody, NULL, &error), REEL_ENOENT);
	assert_string_equal(error.text, "there is no stream 5");
	assert_int_equal(
		reel_replay(trace, &checker->factory, &unsized, NULL, &error), REEL_EINVAL);
	assert_int_equal(checker->begins, 0);
	checker_destroy(checker);
	reel_trace_close(trace);
	maker_remove(&maker);
}

/* ---- captured memory ---- */

static unsigned capture_checks;

static void check_capture(void *user, struct reel_context *context, struct reel_module *module,
	const struct reel_function *function, const uint64_t *params,
	struct reel_stack_iterator *stack)
{
	const void *bytes;
	uint64_t words[2], size;

	assert_non_null(module);
	assert_int_equal(module->id, 3);
	assert_string_equal(module->name, "instance");
	if (capture_checks++ > 0) {
		/* The second call captured nothing. */
		assert_int_equal(reel_module_memory_size(module, &size), REEL_READ_NOT_CAPTURED);
		assert_int_equal(
			reel_module_memory_read(module, 64, 2, &bytes), REEL_READ_NOT_CAPTURED);
		return;
	}
	assert_int_equal(reel_module_memory_size(module, &size), REEL_READ_OK);
	assert_int_equal(size, 65536);
	assert_int_equal(reel_module_memory_read(module, 64, 5, &bytes), REEL_READ_OK);
	assert_memory_equal(bytes, "hello", 5);
	assert_int_equal(reel_module_memory_read(module, 66, 2, &bytes), REEL_READ_OK);
	assert_memory_equal(bytes, "ll", 2);
	assert_int_equal(reel_module_memory_read(module, 66, 4, &bytes), REEL_READ_NOT_CAPTURED);
	assert_int_equal(reel_module_memory_read(module, 0, 1, &bytes), REEL_READ_NOT_CAPTURED);
	assert_int_equal(
		reel_module_memory_read(module, 65530, 100, &bytes), REEL_READ_OUT_OF_RANGE);
	assert_int_equal(reel_module_global_get(module, 0, words), REEL_READ_OK);
	assert_int_equal(words[0], 1234);
	assert_int_equal(reel_module_global_get(module, 1, words), REEL_READ_NOT_CAPTURED);
	assert_int_equal(reel_module_global_get(module, 2, words), REEL_READ_NO_MEMORY);
}

static struct reel_listener *always(void *user, const struct reel_function *function)
{
	return user;
}

static unsigned deepest;

/* The frame at depth d has the parameters d and 3 d and the identity of its before. */
static void check_deep_stack(void *user, struct reel_context *context, struct reel_module *module,
	const struct reel_function *function, const uint64_t *params,
	struct reel_stack_iterator *stack)
{
	uint64_t depth = params[0], identity = UINT64_MAX;

	deepest = depth > deepest ? (unsigned)depth : deepest;
	while (reel_stack_next(stack)) {
		const struct reel_frame *frame = reel_stack_frame(stack);

		assert_int_equal(frame->params[0], depth);
		assert_int_equal(frame->params[1], 3 * depth);
		assert_null(frame->results);
		assert_in_range(frame->identity, 1, identity - 1);
		identity = frame->identity;
		depth--;
	}
	assert_int_equal(depth, 0);
}

static void deep_stacks_keep_every_parameter(void **state)
{
	const struct site site = {.function = 0, .module = NO_ID, .pc = 5};
	struct reel_function_listener listener;
	struct reel_function_factory factory;
	struct maker_stream *stream;
	struct reel_trace *trace;

	maker_init(&maker, 100);
	maker_function(&maker, "f", 2, 0, true);
	stream = maker_stream(&maker, 0, "");
	for (uint64_t i = 1; i <= 250; i++) {
		const uint64_t params[2] = {i, 3 * i};

		maker_before_event(stream, &site,
			(struct event){
				.ticks = i, .module = NO_ID, .values = params, .value_count = 2});
	}
	while (stream->depth > 0) {
		maker_after(stream, 1000);
	}
	maker_finish(&maker);
	trace = maker_open(&maker);
	reel_function_listener_init(&listener, check_deep_stack, NULL);
	reel_function_factory_init(&factory, always, &listener.base);
	assert_int_equal(reel_replay(trace, &factory.base, NULL, NULL, NULL), 0);
	assert_int_equal(deepest, 250);
	reel_trace_close(trace);
	maker_remove(&maker);
}

static void modules_answer_from_what_the_event_captured(void **state)
{
	const struct reel_module definition = {
		.id = 3, .name = "instance", .global_count = 2, .has_memory = true};
	const struct event_global global = {.index = 0, .words = {1234, 0}};
	struct event_read reads[2] = {
		{.offset = 64, .length = 5},
		{.offset = 65530, .length = 100, .blob = NO_ID},
	};
	const struct event_capture capture = {.has_memory_size = true,
		.memory_size_bytes = 65536,
		.globals = &global,
		.global_count = 1,
		.reads = reads,
		.read_count = 2};
	const struct site site = {.function = 0, .module = 3, .pc = 5};
	struct reel_function_listener listener;
	struct reel_function_factory factory;
	struct maker_stream *stream;
	struct reel_trace *trace;

	maker_init(&maker, 1000);
	assert_int_equal(writer_define_module(maker.writer, &definition), 0);
	maker_function(&maker, "f", 0, 0, true);
	stream = maker_stream(&maker, 0, "");
	reads[0].blob = maker_blob(&maker, "hello");
	maker_before_event(
		stream, &site, (struct event){.ticks = 1, .module = 3, .capture = &capture});
	maker_after(stream, 2);
	maker_before_event(stream, &site, (struct event){.ticks = 3, .module = 3});
	maker_after(stream, 4);
	maker_finish(&maker);
	trace = maker_open(&maker);
	capture_checks = 0;
	reel_function_listener_init(&listener, check_capture, NULL);
	reel_function_factory_init(&factory, always, &listener.base);
	assert_int_equal(reel_replay(trace, &factory.base, NULL, NULL, NULL), 0);
	assert_int_equal(capture_checks, 2);
	reel_trace_close(trace);
	maker_remove(&maker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_come_in_order_with_their_stacks),
		cmocka_unit_test(frames_without_listener_stand_between),
		cmocka_unit_test(detached_and_cut_stacks_show_what_the_host_showed),
		cmocka_unit_test(stacks_begin_at_the_innermost_top_level_call),
		cmocka_unit_test(frames_keep_the_parameters_of_their_before),
		cmocka_unit_test(missing_words_read_as_zero),
		cmocka_unit_test(broken_pairing_is_told_as_repairs_and_marks),
		cmocka_unit_test(as_delivered_gives_exactly_what_the_host_gave),
		cmocka_unit_test(calls_left_open_at_the_end_are_lost),
		cmocka_unit_test(functions_without_listener_still_show_in_stacks),
		cmocka_unit_test(globs_choose_functions_by_name_and_by_module),
		cmocka_unit_test(listeners_may_leave_callbacks_out),
		cmocka_unit_test(a_factory_may_refuse_to_begin),
		cmocka_unit_test(wrong_options_are_refused),
		cmocka_unit_test(deep_stacks_keep_every_parameter),
		cmocka_unit_test(modules_answer_from_what_the_event_captured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
