/*
 * Full rings: what is lost is whole calls or the moment of an exit, and the account is exact.
 */
#include "hosted_by_hand.h"

static struct reel_recorder_options drop_options(void)
{
	return (struct reel_recorder_options){
		.size = sizeof(struct reel_recorder_options),
		.walk = REEL_WALK_TRUSTED,
		.on_full = REEL_ON_FULL_DROP,
		.host_time = true,
	};
}

struct host {
	struct by_hand *hand;
	const struct reel_function *functions[4];
	struct reel_recorder_stream *stream;
	uint64_t ns;
	uint64_t produced; /* befores and exits */
};

static void host_open(struct host *host, uint64_t capacity)
{
	const struct reel_recorder_options options = drop_options();

	*host = (struct host){.hand = by_hand_create(&options, 16, capacity)};
	for (uint32_t i = 0; i < 4; i++) {
		host->functions[i] =
			by_hand_function(host->hand, (const char[]){(char)('a' + i), 0}, true);
	}
	host->stream = by_hand_stream(host->hand, 0);
}

static void before(struct host *host, uint32_t function)
{
	reel_stream_set_time(host->stream, ++host->ns);
	reel_stream_before(
		host->stream, REEL_NO_MODULE, host->functions[function], NULL, NULL, NULL);
	host->produced++;
}

static void after(struct host *host, uint32_t function)
{
	reel_stream_set_time(host->stream, ++host->ns);
	reel_stream_after(host->stream, REEL_NO_MODULE, host->functions[function], NULL, NULL);
	host->produced++;
}

/* Fills the ring to its last slot with exits of what is not open, one slot each. Returns how many.
 */
static size_t fill(struct host *host)
{
	const struct ring *ring = &host->hand->recorder.session.rings[0];
	size_t count = 0;

	while (ring->producer_pos - ring->consumer_pos < ring->capacity) {
		after(host, 3);
		count++;
	}
	return count;
}

/* The lines from number `first` on. */
static void assert_lines_from(
	const struct trace_lines *got, size_t first, const char *const *wanted)
{
	for (size_t i = first; *wanted; i++, wanted++) {
		const char *line = i < got->lines.count ? got->lines.lines[i] : "(no line)";
		char kind[32] = "";
		unsigned function = 99;
		const char *reason = strchr(line, '!');

		/* Times and stacks are of no interest here. */
		if (strchr("ABXU", line[0]) && sscanf(line, "%*s %*u %u", &function) == 1) {
			snprintf(kind, sizeof(kind), "%.*s %u%s%s", (int)strcspn(line, " "), line,
				function, reason ? " " : "", reason ? reason : "");
		} else {
			snprintf(kind, sizeof(kind), "%.*s", (int)strcspn(line, " "), line);
		}
		if (strcmp(kind, *wanted) != 0) {
			print_error("line %zu: \"%s\", wanted \"%s\"\n", i, line, *wanted);
			fail();
		}
	}
}

static void check_account(const struct host *host, const struct trace_lines *got)
{
	uint64_t recorded = got->events - got->repaired + got->undelivered;

	assert_int_equal(recorded + got->lost, host->produced);
}

static void a_call_without_room_is_left_out_with_all_that_is_in_it(void **state)
{
	static const char *const wanted[] = {"G", "A 0", "B 2", "A 2", NULL};
	struct host host;
	struct trace_lines *got;
	size_t filled;

	host_open(&host, 16);
	before(&host, 0);
	filled = fill(&host);
	before(&host, 1); /* no room: left out */
	before(&host, 2);
	by_hand_drain(host.hand);
	after(&host, 2); /* room again, but inside */
	before(&host, 2);
	after(&host, 1);
	assert_false(host.stream->is_skipping);
	after(&host, 0);
	before(&host, 2);
	after(&host, 2);
	by_hand_finish(host.hand);
	got = trace_lines_read(trace_path(), 0);
	check_account(&host, got);
	assert_int_equal(got->lost, 5);
	assert_lines_from(got, 1 + filled, wanted);
	trace_lines_free(got);
	remove_trace();
}

static void exits_without_room_are_folded_and_delivered_as_lost(void **state)
{
	static const char *const wanted[] = {
		"G", "X 2 !lost", "X 1 !lost", "B 3", "A 3", "A 0", NULL};
	struct host host;
	struct trace_lines *got;
	size_t filled;

	host_open(&host, 16);
	before(&host, 0);
	before(&host, 1);
	before(&host, 2);
	filled = fill(&host);
	after(&host, 2);
	after(&host, 1);
	assert_int_equal(host.stream->lost.count, 2);
	by_hand_drain(host.hand);
	before(&host, 3);
	after(&host, 3);
	after(&host, 0);
	by_hand_finish(host.hand);
	got = trace_lines_read(trace_path(), 0);
	check_account(&host, got);
	assert_lines_from(got, 3 + filled, wanted);
	trace_lines_free(got);
	remove_trace();
}

static void what_is_lost_at_the_end_is_counted(void **state)
{
	static const char *const wanted[] = {"G", "X 1 !lost", "X 0 !stopped", NULL};
	struct host host;
	struct trace_lines *got;
	size_t filled;

	host_open(&host, 16);
	before(&host, 0);
	before(&host, 1);
	filled = fill(&host);
	after(&host, 1);
	by_hand_finish(host.hand);
	got = trace_lines_read(trace_path(), 0);
	check_account(&host, got);
	assert_int_equal(got->lines.count, 2 + filled + 3);
	assert_lines_from(got, 2 + filled, wanted);
	trace_lines_free(got);
	remove_trace();
}

static void a_top_level_call_without_room_is_left_out_whole(void **state)
{
	static const char *const wanted[] = {"G", "A 0", NULL};
	struct host host;
	struct trace_lines *got;
	size_t filled;

	host_open(&host, 16);
	before(&host, 0);
	filled = fill(&host);
	reel_stream_call_begin(host.stream, "left out");
	before(&host, 1);
	by_hand_drain(host.hand);
	after(&host, 1);
	before(&host, 1);
	before(&host, 1);
	reel_stream_call_end(host.stream, "left out");
	assert_false(host.stream->is_skipping);
	after(&host, 0);
	by_hand_finish(host.hand);
	got = trace_lines_read(trace_path(), 0);
	check_account(&host, got);
	assert_int_equal(got->lost, 4);
	assert_int_equal(got->lines.count, 1 + filled + 2);
	assert_lines_from(got, 1 + filled, wanted);
	trace_lines_free(got);
	remove_trace();
}

static void a_top_level_call_whose_end_has_no_room_ends_all_the_same(void **state)
{
	static const char *const wanted[] = {"X 1 !lost", "O", "A 0", NULL};
	struct host host;
	struct trace_lines *got;
	size_t filled;

	host_open(&host, 16);
	before(&host, 0);
	reel_stream_call_begin(host.stream, NULL);
	before(&host, 1);
	filled = fill(&host);
	reel_stream_call_end(host.stream, NULL);
	by_hand_drain(host.hand);
	after(&host, 0);
	by_hand_finish(host.hand);
	got = trace_lines_read(trace_path(), 0);
	check_account(&host, got);
	assert_int_equal(got->lines.count, 3 + filled + 3);
	assert_lines_from(got, 3 + filled, wanted);
	trace_lines_free(got);
	remove_trace();
}

static void recursion_deeper_than_the_ring_keeps_its_account(void **state)
{
	struct host host;
	struct trace_lines *got;

	host_open(&host, 16);
	for (int round = 0; round < 3; round++) {
		for (int depth = 0; depth < 1000; depth++) {
			before(&host, (uint32_t)depth % 3);
			if (depth % 100 == 0) {
				by_hand_drain(host.hand);
			}
		}
		for (int depth = 1000; depth-- > 0;) {
			after(&host, (uint32_t)depth % 3);
			if (depth % 50 == 0) {
				by_hand_drain(host.hand);
			}
		}
	}
	by_hand_finish(host.hand);
	got = trace_lines_read(trace_path(), 0);
	check_account(&host, got);
	assert_true(got->lost > 0);
	trace_lines_free(got);
	remove_trace();
}

static void a_record_larger_than_the_ring_is_lost_when_dropping(void **state)
{
	char text[8192];
	struct reel_abort error = {REEL_ABORT_ERROR, text, sizeof(text) - 1, 0};
	struct host host;
	struct trace_lines *got;

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = 0;
	host_open(&host, 64);
	before(&host, 0);
	reel_stream_abort(host.stream, REEL_NO_MODULE, host.functions[0], &error, NULL);
	host.produced++;
	before(&host, 1);
	error.length = 1000; /* comes in pieces */
	reel_stream_abort(host.stream, REEL_NO_MODULE, host.functions[1], &error, NULL);
	host.produced++;
	by_hand_finish(host.hand);
	got = trace_lines_read(trace_path(), 0);
	check_account(&host, got);
	assert_int_equal(got->lost, 1);
	assert_int_equal(got->lines.count, 5);
	trace_lines_free(got);
	remove_trace();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_without_room_is_left_out_with_all_that_is_in_it),
		cmocka_unit_test(exits_without_room_are_folded_and_delivered_as_lost),
		cmocka_unit_test(what_is_lost_at_the_end_is_counted),
		cmocka_unit_test(a_top_level_call_without_room_is_left_out_whole),
		cmocka_unit_test(a_top_level_call_whose_end_has_no_room_ends_all_the_same),
		cmocka_unit_test(recursion_deeper_than_the_ring_keeps_its_account),
		cmocka_unit_test(a_record_larger_than_the_ring_is_lost_when_dropping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
