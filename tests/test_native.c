/*
 * Native pairing: what gcc and clang programs put into a ring, slot by slot, and the paired events
 * that must come of it.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "format/reader.h"
#include "recorder/native.h"

#define SLOTS 4096u

/* Functions and call sites are addresses that belong to no object. */
enum { F = 0x1000, G = 0x2000, H = 0x3000, HANDLER = 0x4000 };

struct fixture {
	char path[64];
	struct writer *writer;
	struct reel_recorder_options recorder;
	struct consumer_options options;
	struct process_table table;
	struct emitter_target target;
	struct native_stream stream;
	struct slot slots[SLOTS];
	uint64_t count, taken;
	uint64_t ticks;
	struct reel_trace *trace;
};

static void begin(struct fixture *fixture, const struct reel_recorder_options *recorder)
{
	struct writer_options options = {.clock = CLOCK_HOST};

	memset(fixture, 0, sizeof(*fixture));
	fixture->recorder = recorder ? *recorder : (struct reel_recorder_options){0};
	fixture->options.recorder = &fixture->recorder;
	strcpy(fixture->path, "/tmp/reel-test-native-XXXXXX");
	close(mkstemp(fixture->path));
	assert_int_equal(writer_create(fixture->path, &options, &fixture->writer, NULL), 0);
	fixture->table.writer = fixture->writer;
	fixture->table.options = &fixture->options;
	fixture->target = (struct emitter_target){.writer = fixture->writer, .block_events = 16};
	assert_int_equal(native_stream_init(&fixture->stream, &fixture->table, &fixture->target, 0,
				 recorder != NULL, 0),
		0);
	fixture->stream.process = process_add(&fixture->table, 1, (uint32_t)getpid(), NULL);
	fixture->stream.process->futile_looks = UINT32_MAX;
	assert_int_equal(writer_define_stream(fixture->writer,
				 &(struct reel_stream_info){.id = 0, .name = "t", .process = "p"}),
		0);
}

static void put(struct fixture *fixture, uint64_t function, uint64_t site, uint64_t sp,
	uint16_t instance, enum record_kind kind)
{
	fixture->slots[fixture->count++ % SLOTS] = (struct slot){{fixture->ticks += 10,
		function | (uint64_t)instance << 48, site | (uint64_t)kind << 48, sp}};
}

static void enter(
	struct fixture *fixture, uint64_t function, uint64_t site, uint64_t sp, uint16_t instance)
{
	put(fixture, function, site, sp, instance, RECORD_NATIVE_BEFORE);
}

static void leave(struct fixture *fixture, uint64_t function, uint64_t site)
{
	put(fixture, function, site, 0xdead, 0,
		RECORD_NATIVE_AFTER); /* an exit's stack pointer says nothing */
}

static void consume(struct fixture *fixture)
{
	assert_int_equal(native_stream_consume(&fixture->stream, fixture->slots, SLOTS - 1,
				 &fixture->taken, fixture->count),
		0);
	assert_int_equal(fixture->taken, fixture->count);
}

/* Ends the stream, reads the trace back and describes its events: "(F" before, "F)" after, "F!u"
 * abort, "?F" undelivered, "~3" gap. */
static const char *finish(struct fixture *fixture)
{
	static char text[1 << 16];
	struct cursor *cursor;
	struct event event;
	size_t length = 0;

	consume(fixture);
	assert_int_equal(native_stream_end(&fixture->stream, REEL_REASON_EXIT), 0);
	native_stream_deinit(&fixture->stream);
	process_table_deinit(&fixture->table);
	assert_int_equal(writer_finish(fixture->writer, NULL), 0);
	assert_int_equal(reel_trace_open(fixture->path, &fixture->trace, NULL), 0);
	assert_int_equal(cursor_create(fixture->trace, &cursor), 0);
	text[0] = '\0';
	for (uint32_t i = 0; i < trace_event_block_count(fixture->trace); i++) {
		assert_int_equal(cursor_load(cursor, i, NULL), 0);
		while (cursor_next(cursor, &event) == 0) {
			const struct reel_function *function =
				reel_trace_function(fixture->trace, event.function);
			uint64_t address = function ? function->address : 0;
			char name = address == F   ? 'F'
				    : address == G ? 'G'
				    : address == H ? 'H'
						   : 'S';
			char reason = reel_reason_name(event.repaired)[0];

			length += (size_t)snprintf(text + length, sizeof(text) - length,
				event.kind == EVENT_BEFORE  ? "(%c "
				: event.kind == EVENT_AFTER ? "%c) "
				: event.kind == EVENT_ABORT ? "%c!%c "
				: event.kind == EVENT_GAP   ? "~ "
							    : "?%c ",
				name, reason);
		}
	}
	cursor_destroy(cursor);
	return text;
}

static void end(struct fixture *fixture)
{
	reel_trace_close(fixture->trace);
	unlink(fixture->path);
	strcat(fixture->path, ".old");
	unlink(fixture->path);
}

static void plain_nesting_stays_as_it_is(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, NULL);
	enter(&f, F, 1, 1000, 1);
	enter(&f, G, 2, 900, 1);
	leave(&f, G, 2);
	enter(&f, G, 3, 900, 1);
	enter(&f, G, 4, 800, 1);
	leave(&f, G, 4);
	leave(&f, G, 3);
	leave(&f, F, 1);
	assert_string_equal(finish(&f), "(F (G G) (G (G G) G) F) ");
	end(&f);
}

static void inlined_functions_share_a_frame_and_are_all_open(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, NULL);
	enter(&f, F, 1, 1000, 1);
	enter(&f, G, 1, 1000, 2);
	enter(&f, H, 1, 1000, 3);
	leave(&f, H, 1);
	leave(&f, G, 1);
	enter(&f, G, 1, 1000, 4); /* another instance of G in the same frame */
	leave(&f, G, 1);
	leave(&f, F, 1);
	assert_string_equal(finish(&f), "(F (G (H H) G) (G G) F) ");
	end(&f);
}

static void an_inlined_instance_that_comes_again_cannot_nest_in_itself(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, NULL);
	enter(&f, F, 1, 1000, 1);
	for (int i = 0; i < 3; i++) { /* a loop that G leaves by longjmp */
		enter(&f, G, 1, 1000, 2);
		enter(&f, H, 1, 1000, 3);
	}
	leave(&f, F, 1);
	assert_string_equal(finish(&f), "(F (G (H H!u G!u (G (H H!u G!u (G (H H!u G!u F) ");
	end(&f);
}

static void a_call_from_the_same_place_after_longjmp_ends_the_one_before(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, NULL);
	enter(&f, F, 1, 1000, 1);
	enter(&f, G, 2, 900, 1);
	enter(&f, H, 3, 800, 1);
	enter(&f, G, 2, 900, 1);
	leave(&f, G, 2);
	leave(&f, F, 1);
	assert_string_equal(finish(&f), "(F (G (H H!u G!u (G G) F) ");
	end(&f);
}

static void frames_that_an_exception_left_end_at_the_next_call_or_exit(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, NULL);
	enter(&f, F, 1, 1000, 1);
	enter(&f, G, 2, 900, 1);
	enter(&f, H, 3, 800, 1);
	enter(&f, H, 4, 900,
		1); /* the catch block in F calls H: equal stack pointer, another place */
	leave(&f, H, 4);
	enter(&f, G, 2, 900, 1);
	enter(&f, H, 3, 800, 1);
	leave(&f, F, 1);
	assert_string_equal(finish(&f), "(F (G (H H!u G!u (H H) (G (H H!u G!u F) ");
	end(&f);
}

static void recursion_matches_the_innermost_call_of_the_same_site(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, NULL);
	enter(&f, F, 1, 1000, 1);
	enter(&f, F, 2, 900, 1);
	enter(&f, F, 2, 800, 1);
	leave(&f, F, 1); /* the outermost: both inner ones were thrown through */
	assert_string_equal(finish(&f), "(F (F (F F!u F!u F) ");
	end(&f);
}

static void an_exit_of_what_is_not_open_is_kept_and_not_delivered(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, NULL);
	leave(&f, G, 9);
	enter(&f, F, 1, 1000, 1);
	leave(&f, G, 2);
	leave(&f, F, 1);
	assert_string_equal(finish(&f), "?G (F ?G F) ");
	end(&f);
}

static void an_exit_from_elsewhere_ends_the_innermost_call_of_its_function(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, NULL);
	enter(&f, F, 1, 1000, 1);
	enter(&f, G, 1, 1000, 1); /* split by the compiler: its head is inlined into F */
	leave(&f, G, 5);          /* and its rest is called from F */
	enter(&f, F, 2, 900, 1);
	enter(&f, H, 3, 800, 1);
	leave(&f, F, 7);
	leave(&f, F, 1);
	assert_string_equal(finish(&f), "(F (G G) (F (H H!u F) F) ");
	end(&f);
}

static void a_handler_on_a_stack_far_above_aborts_nothing(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, NULL);
	enter(&f, F, 1, 1000, 1);
	enter(&f, G, 2, 900, 1);
	enter(&f, HANDLER, 5, 1 << 24, 1);
	enter(&f, H, 6, (1 << 24) - 100, 1);
	leave(&f, H, 6);
	leave(&f, HANDLER, 5);
	leave(&f, G, 2);
	leave(&f, F, 1);
	assert_string_equal(finish(&f), "(F (G (S (H H) S) G) F) ");
	end(&f);
}

static void what_is_open_at_the_end_is_aborted_innermost_first(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, NULL);
	enter(&f, F, 1, 1000, 1);
	enter(&f, G, 2, 900, 1);
	assert_string_equal(finish(&f), "(F (G G!e F!e ");
	end(&f);
}

static void lost_exits_end_their_calls_and_are_counted(void **state)
{
	struct fixture f;
	struct reel_trace_info info;

	(void)state;
	begin(&f, NULL);
	enter(&f, F, 1, 1000, 1);
	enter(&f, G, 2, 900, 1);
	consume(&f);
	assert_int_equal(native_stream_unwind(&f.stream, f.ticks, 1), 0);
	assert_int_equal(native_stream_gap(&f.stream, f.ticks, 5), 0);
	leave(&f, F, 1);
	assert_string_equal(finish(&f), "(F (G G!l ~ ~ F) ");
	reel_trace_describe(f.trace, &info);
	assert_int_equal(info.lost, 6);
	end(&f);
}

static void times_never_run_backwards(void **state)
{
	struct fixture f;
	struct cursor *cursor;
	struct event event;
	uint64_t last = 0;

	(void)state;
	begin(&f, NULL);
	enter(&f, F, 1, 1000, 1);
	f.ticks = 3;
	enter(&f, G, 2, 900, 1);
	leave(&f, G, 2);
	leave(&f, F, 1);
	finish(&f);
	assert_int_equal(cursor_create(f.trace, &cursor), 0);
	assert_int_equal(cursor_load(cursor, 0, NULL), 0);
	while (cursor_next(cursor, &event) == 0) {
		assert_true(event.ticks >= last);
		last = event.ticks;
	}
	cursor_destroy(cursor);
	end(&f);
}

static void deep_stacks_and_many_blocks_come_back_whole(void **state)
{
	struct fixture f;
	struct reel_trace_info info;

	(void)state;
	begin(&f, NULL);
	for (uint64_t round = 0; round < 20; round++) {
		for (uint64_t i = 0; i < 200; i++) {
			enter(&f, F + i * 16, i + 10, 100000 - i * 32, 1);
		}
		for (uint64_t i = 200; i-- > 0;) {
			leave(&f, F + i * 16, i + 10);
		}
		consume(&f);
	}
	finish(&f);
	reel_trace_describe(f.trace, &info);
	assert_int_equal(info.before, 4000);
	assert_int_equal(info.after, 4000);
	assert_int_equal(info.repaired, 0);
	assert_int_equal(info.max_depth, 200);
	assert_int_equal(info.functions, 200);
	assert_true(info.complete);
	end(&f);
}

static void functions_that_filters_leave_out_are_frames_of_their_callees(void **state)
{
	static const char *const exclude[] = {"0x2000"};
	struct reel_recorder_options options = {
		.size = sizeof(options), .exclude = exclude, .exclude_count = 1};
	struct fixture f;
	const struct site *site = NULL;

	(void)state;
	begin(&f, &options);
	enter(&f, F, 1, 1000, 1);
	enter(&f, G, 2, 900, 1);
	enter(&f, H, 3, 800, 1);
	leave(&f, H, 3);
	leave(&f, G, 2);
	leave(&f, F, 1);
	assert_string_equal(finish(&f), "(F (H H) F) ");
	for (uint32_t i = 0; i < trace_site_count(f.trace); i++) {
		const struct site *s = trace_site(f.trace, i);

		site = s && s->pc == H ? s : site;
	}
	assert_non_null(site);
	assert_int_equal(site->frame_count, 1);
	assert_int_equal(site->frames[0].pc, 3);
	assert_int_equal(site->caller_pc, 2);
	end(&f);
}

static void garbage_from_a_scribbling_program_is_survived(void **state)
{
	struct fixture f;
	uint64_t seed = 88172645463325252u;

	(void)state;
	begin(&f, NULL);
	for (int i = 0; i < 3000; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		put(&f, F + (seed & 7) * 16, seed >> 61, 1000 + (seed >> 20 & 0xff) * 8,
			(uint16_t)(seed >> 40 & 3),
			seed >> 50 & 1 ? RECORD_NATIVE_AFTER : RECORD_NATIVE_BEFORE);
	}
	finish(&f);
	assert_int_equal(reel_trace_verify(f.trace, NULL, NULL, NULL, NULL), 0);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_nesting_stays_as_it_is),
		cmocka_unit_test(inlined_functions_share_a_frame_and_are_all_open),
		cmocka_unit_test(an_inlined_instance_that_comes_again_cannot_nest_in_itself),
		cmocka_unit_test(a_call_from_the_same_place_after_longjmp_ends_the_one_before),
		cmocka_unit_test(frames_that_an_exception_left_end_at_the_next_call_or_exit),
		cmocka_unit_test(recursion_matches_the_innermost_call_of_the_same_site),
		cmocka_unit_test(an_exit_of_what_is_not_open_is_kept_and_not_delivered),
		cmocka_unit_test(an_exit_from_elsewhere_ends_the_innermost_call_of_its_function),
		cmocka_unit_test(a_handler_on_a_stack_far_above_aborts_nothing),
		cmocka_unit_test(what_is_open_at_the_end_is_aborted_innermost_first),
		cmocka_unit_test(lost_exits_end_their_calls_and_are_counted),
		cmocka_unit_test(times_never_run_backwards),
		cmocka_unit_test(deep_stacks_and_many_blocks_come_back_whole),
		cmocka_unit_test(functions_that_filters_leave_out_are_frames_of_their_callees),
		cmocka_unit_test(garbage_from_a_scribbling_program_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
