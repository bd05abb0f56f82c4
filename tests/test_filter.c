/*
 * Filters: globs, and the stage that leaves out deep and short calls, against whole trees of calls
 * of which all is known.
 */
#include "hosted_trace.h"

#include "filter.h"
#include "writer.h"

/* ---- globs ---- */

static bool passes(const char *include, const char *exclude, const struct reel_function *function)
{
	const struct reel_recorder_options options = {
		.include = &include,
		.include_count = include != NULL,
		.exclude = &exclude,
		.exclude_count = exclude != NULL,
	};

	return filter_function(&options, function);
}

static void globs_match_names_and_modules(void **state)
{
	const struct reel_function main_function = {
		.size = sizeof(main_function), .name = "ns::main(int)", .module_name = "app"};

	assert_true(passes(NULL, NULL, &main_function));
	assert_true(passes("ns::*", NULL, &main_function));
	assert_true(passes("app:ns::main*", NULL, &main_function));
	assert_true(passes("app:*", NULL, &main_function));
	assert_true(passes("app.ns::*", NULL, &main_function));
	assert_false(passes("lib:*", NULL, &main_function));
	assert_false(passes("main", NULL, &main_function));
	assert_false(passes("*", "app:*", &main_function));
	assert_false(passes(NULL, "ns::*", &main_function));
	assert_true(passes("*main*", "other*", &main_function));
	assert_true(passes("*[(]int)", NULL, &main_function));
}

static void functions_without_a_name_match_by_what_they_have(void **state)
{
	const struct reel_function nameless = {
		.size = sizeof(nameless), .index = 7, .module_name = "m"};
	const struct reel_function nothing = {.size = sizeof(nothing)};

	assert_true(passes("m:*", NULL, &nameless));
	assert_true(passes("m.$7", NULL, &nameless));
	assert_false(passes("x", NULL, &nothing));
	assert_true(passes("*", NULL, &nothing));
	assert_true(passes(NULL, "x", &nothing));
}

/* ---- depth and duration ---- */

enum { CALLS = 400, MAX_EVENTS = 4 * CALLS };

/* An event of the host, and whether it must come through. */
struct planned {
	struct event event;
	uint64_t value;
	size_t begin; /* an exit: the index of its before */
	bool is_kept;
};

static uint64_t random_state;

static uint32_t random_below(uint32_t limit)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(random_state >> 33) % limit;
}

static struct planned *add_planned(
	struct planned *plan, size_t *count, enum event_kind kind, uint64_t ticks)
{
	struct planned *planned = &plan[(*count)++];

	*planned = (struct planned){.event = {.kind = kind,
					    .ticks = ticks,
					    .site = NO_ID,
					    .function = 0,
					    .module = NO_ID,
					    .error = NO_ID,
					    .text = NO_ID},
		.value = ticks};
	return planned;
}

/* A random tree of calls with marks in it; then what is kept of it. */
static size_t make_plan(struct planned *plan, uint32_t max_depth, uint64_t min_ticks)
{
	size_t open[CALLS];
	size_t depth = 0, count = 0;
	uint64_t ticks = 1;

	for (int calls = 0; calls < CALLS || depth > 0;) {
		uint32_t what = random_below(20);

		ticks += random_below(4) == 0 ? random_below(30) : random_below(3);
		if (what == 0) {
			add_planned(plan, &count, EVENT_GAP, ticks)->event.lost = 1 + count;
			plan[count - 1].is_kept = true;
		} else if (what == 1) {
			add_planned(plan, &count, EVENT_UNDELIVERED_AFTER, ticks)->is_kept = true;
		} else if (what < 11 && calls < CALLS) {
			open[depth++] = count;
			add_planned(plan, &count, EVENT_BEFORE, ticks)->is_kept =
				!max_depth || depth <= max_depth;
			calls++;
		} else if (depth > 0) {
			size_t begin = open[--depth];
			struct planned *end = add_planned(
				plan, &count, random_below(5) ? EVENT_AFTER : EVENT_ABORT, ticks);

			plan[begin].is_kept &= ticks - plan[begin].event.ticks >= min_ticks;
			end->is_kept = plan[begin].is_kept;
			end->begin = begin;
		}
		assert_true(count < MAX_EVENTS - 1);
	}
	return count;
}

static void add_wanted(struct lines *lines, const struct planned *planned)
{
	const struct event *event = &planned->event;
	struct text text = {0};

	switch (event->kind) {
	case EVENT_BEFORE:
		text_add(&text, "B %" PRIu64 " 0 -1 [%" PRIx64 "]", event->ticks, planned->value);
		break;
	case EVENT_AFTER:
		text_add(&text, "A %" PRIu64 " 0 -1 [%" PRIx64 "]", event->ticks, planned->value);
		break;
	case EVENT_ABORT:
		text_add(&text, "X %" PRIu64 " 0 -1 0 0 \"\"", event->ticks);
		break;
	case EVENT_GAP:
		text_add(&text, "G %" PRIu64 " %" PRIu64, event->ticks, event->lost);
		break;
	default:
		text_add(&text, "UA %" PRIu64 " 0 -1 [%" PRIx64 "]", event->ticks, planned->value);
	}
	lines_add(lines, &text);
}

static struct writer *create_writer(void)
{
	const struct writer_options options = {.clock = CLOCK_HOST};
	const struct reel_function function = {
		.size = sizeof(function), .name = "f", .is_listened = true};
	const struct reel_stream_info info = {.id = 0};
	struct writer *writer;
	uint32_t id;

	assert_int_equal(writer_create(trace_path(), &options, &writer, NULL), 0);
	assert_int_equal(writer_define_function(writer, &function, &id), 0);
	assert_int_equal(writer_define_stream(writer, &info), 0);
	return writer;
}

static void give(struct filter *filter, struct writer *writer, struct planned *planned)
{
	const struct site site = {.function = 0,
		.module = NO_ID,
		.has_caller = true,
		.caller_pc = planned->value % 5};
	struct event *event = &planned->event;

	if (event->kind == EVENT_BEFORE) {
		assert_int_equal(writer_intern_site(writer, &site, &event->site), 0);
	}
	if (event->kind != EVENT_ABORT && event->kind != EVENT_GAP) {
		event->values = &planned->value;
		event->value_count = 1;
	}
	assert_int_equal(filter_event(filter, event, NO_ID), 0);
	/* Nothing of it may be needed any more. */
	planned->value ^= UINT64_MAX;
}

/* The stacks are left out of the comparison: the lines end where they begin. */
static void cut_stacks(struct lines *lines)
{
	for (size_t i = 0; i < lines->count; i++) {
		char *stack = strstr(lines->lines[i], " {");

		if (stack) {
			*stack = '\0';
		}
	}
}

static void check_filter(uint32_t max_depth, uint64_t min_ticks, uint32_t block_events)
{
	struct planned *plan = calloc(MAX_EVENTS, sizeof(*plan));
	size_t count = make_plan(plan, max_depth, min_ticks);
	struct writer *writer = create_writer();
	struct emitter_target target = {.writer = writer, .block_events = block_events};
	struct lines wanted = {0};
	struct trace_lines *got;
	struct filter *filter;

	assert_int_equal(filter_create(&target, 0, max_depth, min_ticks, &filter), 0);
	for (size_t i = 0; i < count; i++) {
		if (plan[i].is_kept) {
			add_wanted(&wanted, &plan[i]);
		}
		give(filter, writer, &plan[i]);
	}
	assert_int_equal(filter_flush(filter), 0);
	filter_destroy(filter);
	assert_int_equal(writer_finish(writer, NULL), 0);
	got = trace_lines_read(trace_path(), 0);
	cut_stacks(&got->lines);
	assert_lines_equal(&got->lines, &wanted);
	trace_lines_free(got);
	lines_free(&wanted);
	free(plan);
	remove_trace();
}

static void what_is_left_out_is_whole_calls(void **state)
{
	for (uint32_t seed = 1; seed <= 100; seed++) {
		random_state = seed;
		check_filter(
			seed % 3 ? seed % 7 : 0, seed % 2 ? seed % 50 : 0, seed % 5 ? 8 : 1000);
	}
}

static void a_filter_may_be_destroyed_while_calls_wait(void **state)
{
	struct writer *writer = create_writer();
	struct emitter_target target = {.writer = writer, .block_events = 8};
	struct planned plan[3];
	struct filter *filter;
	size_t count = 0;

	assert_int_equal(filter_create(&target, 0, 0, 1000, &filter), 0);
	add_planned(plan, &count, EVENT_BEFORE, 1);
	add_planned(plan, &count, EVENT_GAP, 2);
	add_planned(plan, &count, EVENT_BEFORE, 3);
	for (size_t i = 0; i < count; i++) {
		give(filter, writer, &plan[i]);
	}
	filter_destroy(filter);
	filter_destroy(NULL);
	writer_abandon(writer);
	remove_trace();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(globs_match_names_and_modules),
		cmocka_unit_test(functions_without_a_name_match_by_what_they_have),
		cmocka_unit_test(what_is_left_out_is_whole_calls),
		cmocka_unit_test(a_filter_may_be_destroyed_while_calls_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
