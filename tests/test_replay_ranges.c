/*
 * Ranges of time and chosen streams, over random traces: each replay of a part against the full
 * replay, cut by a straightforward rule.
 */
#include "replay_fixture.h"

#define FUNCTIONS 5

static struct maker maker;

static void random_event(struct maker_stream *stream, uint64_t *seed, uint64_t ticks)
{
	if (stream->depth == 0 || (stream->depth < 12 && random_below(seed, 2) == 0)) {
		maker_before(
			stream, ticks, random_below(seed, FUNCTIONS), 1 + random_below(seed, 50));
	} else {
		maker_after(stream, ticks);
	}
}

/* Events of several streams, some of which end early or begin late. */
static void make_random(uint64_t seed, uint32_t stream_count, uint32_t events, uint32_t block)
{
	static const char *const names[FUNCTIONS] = {"a", "b", "c", "d", "e"};
	uint64_t ticks = 1000;

	maker_init(&maker, block);
	for (uint32_t i = 0; i < FUNCTIONS; i++) {
		maker_function(&maker, names[i], 0, 0, true);
	}
	for (uint32_t i = 0; i < stream_count; i++) {
		maker_stream(&maker, i, "thread");
	}
	for (uint32_t i = 0; i < events; i++) {
		struct maker_stream *stream = &maker.streams[random_below(&seed, stream_count)];

		ticks += random_below(&seed, 3);
		random_event(stream, &seed, ticks);
		if (random_below(&seed, 40) == 0) {
			while (stream->depth > 0) {
				maker_after(stream, ticks);
			}
		}
	}
	for (uint32_t i = 0; i < stream_count; i++) {
		while (maker.streams[i].depth > 0) {
			maker_after(&maker.streams[i], ticks + i);
		}
	}
	maker_finish(&maker);
}

/* ---- the control ---- */

struct model_stream {
	const struct reel_function *open[64];
	size_t depth;
};

static void expect_next(const struct checker *part, size_t *position, char kind, uint32_t stream,
	uint64_t ns, enum reel_reason reason, const struct reel_function *function)
{
	const struct seen *seen;

	while (*position < part->seen_count && strchr("SE", part->seen[*position].kind)) {
		(*position)++;
	}
	assert_true(*position < part->seen_count);
	seen = &part->seen[(*position)++];
	assert_int_equal(seen->kind, kind);
	assert_int_equal(seen->stream, stream);
	assert_int_equal(seen->ns, ns);
	assert_int_equal(seen->repaired, reason);
	assert_ptr_equal(seen->function, function);
}

/* Follows one event of the full replay. */
static void model_play(struct model_stream *model, const struct seen *seen)
{
	if (seen->kind == 'B') {
		model->open[model->depth++] = seen->function;
	} else if (seen->kind == 'A') {
		model->depth--;
	}
}

/* One stream of the part is the full replay's, begun at `from` and cut at `to`. */
static void check_stream(const struct checker *full, const struct checker *part, uint32_t stream,
	uint64_t from, uint64_t to)
{
	struct model_stream model = {0};
	struct checker *mine = calloc(1, sizeof(*mine));
	size_t position = 0, i = 0;

	mine->seen = calloc(part->seen_count + 1, sizeof(*mine->seen));
	for (size_t j = 0; j < part->seen_count; j++) {
		if (part->seen[j].stream == stream) {
			mine->seen[mine->seen_count++] = part->seen[j];
		}
	}
	for (; i < full->seen_count && full->seen[i].ns < from; i++) {
		if (full->seen[i].stream == stream) {
			model_play(&model, &full->seen[i]);
		}
	}
	for (size_t j = 0; j < model.depth; j++) {
		expect_next(mine, &position, 'B', stream, from, REEL_REASON_STOPPED, model.open[j]);
	}
	for (; i < full->seen_count && full->seen[i].ns < to; i++) {
		const struct seen *seen = &full->seen[i];

		if (seen->stream == stream && strchr("BA", seen->kind)) {
			model_play(&model, seen);
			expect_next(mine, &position, seen->kind, stream, seen->ns, REEL_REASON_NONE,
				seen->function);
		}
	}
	while (model.depth > 0) {
		expect_next(mine, &position, 'X', stream, to, REEL_REASON_STOPPED,
			model.open[--model.depth]);
	}
	while (position < mine->seen_count && strchr("SE", mine->seen[position].kind)) {
		position++;
	}
	assert_int_equal(position, mine->seen_count);
	free(mine->seen);
	free(mine);
}

static uint64_t first_event_ns(const struct checker *full)
{
	for (size_t i = 0; i < full->seen_count; i++) {
		if (full->seen[i].kind == 'B') {
			return full->seen[i].ns;
		}
	}
	return 0;
}

static void check_range(struct reel_trace *trace, const struct checker *full, uint32_t streams,
	uint64_t from, uint64_t to)
{
	const struct reel_replay_options options = {
		.size = sizeof(options), .from_ns = from, .to_ns = to};
	const uint64_t first = first_event_ns(full);
	struct checker *part = checker_create();

	checker_replay(part, trace, &options);
	for (uint32_t i = 0; i < streams; i++) {
		check_stream(full, part, i, from ? first + from : 0, to ? first + to : UINT64_MAX);
	}
	checker_destroy(part);
}

static void check_random_ranges(uint64_t seed, uint32_t streams, uint32_t events, uint32_t block)
{
	struct checker *full = checker_create();
	struct reel_trace *trace;
	uint32_t duration;

	make_random(seed, streams, events, block);
	trace = maker_open(&maker);
	checker_replay(full, trace, NULL);
	duration = (uint32_t)(full->last_ns - first_event_ns(full));
	for (int i = 0; i < 40; i++) {
		uint64_t from = random_below(&seed, duration + 2);
		uint64_t to = random_below(&seed, duration + 10);

		check_range(trace, full, streams, from, to <= from ? 0 : to);
	}
	check_range(trace, full, streams, 0, 1);
	check_range(trace, full, streams, duration, 0);
	check_range(trace, full, streams, 0, duration);
	checker_destroy(full);
	reel_trace_close(trace);
	maker_remove(&maker);
}

static void a_range_of_one_stream_is_the_full_replay_cut(void **state)
{
	for (uint64_t seed = 1; seed <= 6; seed++) {
		check_random_ranges(seed * 7919, 1, 600, 1 + (uint32_t)seed * 13);
	}
}

static void a_range_of_many_streams_is_the_full_replay_cut(void **state)
{
	for (uint64_t seed = 1; seed <= 6; seed++) {
		check_random_ranges(seed * 104729, 9, 3000, (uint32_t)seed * 17);
	}
}

static void a_range_past_the_end_is_empty(void **state)
{
	const struct reel_replay_options options = {
		.size = sizeof(options), .from_ns = UINT64_MAX - 5};
	struct checker *checker = checker_create();
	struct reel_trace *trace;

	make_random(99, 3, 300, 20);
	trace = maker_open(&maker);
	assert_int_equal(checker_replay(checker, trace, &options).events, 0);
	assert_int_equal(checker->seen_count, 0);
	checker_destroy(checker);
	reel_trace_close(trace);
	maker_remove(&maker);
}

static void a_stack_at_the_beginning_of_a_range_is_whole(void **state)
{
	const struct reel_replay_options options = {
		.size = sizeof(options), .from_ns = 25, .to_ns = 36};
	struct checker *checker = checker_create();
	struct maker_stream *stream;
	struct reel_trace *trace;

	maker_init(&maker, 2);
	maker_function(&maker, "f", 0, 0, true);
	maker_function(&maker, "g", 0, 0, true);
	stream = maker_stream(&maker, 4, "main");
	maker_before(stream, 100, 0, 0);
	maker_before(stream, 110, 1, 50);
	maker_before(stream, 120, 0, 60);
	maker_after(stream, 122);
	maker_before(stream, 130, 0, 70);
	maker_after(stream, 140);
	maker_after(stream, 150);
	maker_after(stream, 160);
	maker_finish(&maker);
	trace = maker_open(&maker);
	checker->writes_stacks = true;
	checker_replay(checker, trace, &options);
	assert_string_equal(checker->text, "S4 125 main\n"
					   "B4 125 stopped f | f@1000+10\n"
					   "B4 125 stopped g | g@1001+11 f@50+5\n"
					   "B4 130 f | f@1000+10 g@70+7 f@50+5\n"
					   "X4 136 stopped f 3 'stopped' 7\n"
					   "X4 136 stopped g 3 'stopped' 7\n"
					   "X4 136 stopped f 3 'stopped' 7\n"
					   "E4 136\n");
	checker_destroy(checker);
	reel_trace_close(trace);
	maker_remove(&maker);
}

static void as_delivered_adds_nothing_at_the_ends_of_a_range(void **state)
{
	const struct reel_replay_options options = {
		.size = sizeof(options), .from_ns = 20, .to_ns = 30, .as_delivered = true};
	struct checker *checker = checker_create();
	struct maker_stream *stream;
	struct reel_trace *trace;

	maker_init(&maker, 2);
	maker_function(&maker, "f", 0, 0, true);
	stream = maker_stream(&maker, 0, "");
	maker_before(stream, 100, 0, 0);
	maker_before(stream, 120, 0, 50);
	maker_before(stream, 125, 0, 50);
	maker_after(stream, 126);
	maker_after(stream, 140);
	maker_after(stream, 150);
	maker_finish(&maker);
	trace = maker_open(&maker);
	checker->is_lenient = true;
	checker_replay(checker, trace, &options);
	assert_string_equal(checker->text, "S0 120 \nB0 120 f\nB0 125 f\nA0 126 f\nE0 130\n");
	checker_destroy(checker);
	reel_trace_close(trace);
	maker_remove(&maker);
}

static void chosen_streams_are_replayed_alone(void **state)
{
	const uint32_t ids[2] = {1, 4};
	const struct reel_replay_options options = {
		.size = sizeof(options), .streams = ids, .stream_count = 2};
	struct checker *full = checker_create();
	struct checker *part = checker_create();
	struct reel_trace *trace;

	make_random(4711, 6, 2000, 50);
	trace = maker_open(&maker);
	checker_replay(full, trace, NULL);
	checker_replay(part, trace, &options);
	for (uint32_t i = 0; i < 6; i++) {
		if (i == 1 || i == 4) {
			check_stream(full, part, i, 0, UINT64_MAX);
		}
	}
	for (size_t i = 0; i < part->seen_count; i++) {
		assert_true(part->seen[i].stream == 1 || part->seen[i].stream == 4);
	}
	checker_destroy(full);
	checker_destroy(part);
	reel_trace_close(trace);
	maker_remove(&maker);
}

struct progress {
	unsigned calls;
	double last;
};

static void note_progress(void *user, double share)
{
	struct progress *progress = user;

	assert_true(share >= progress->last && share <= 1);
	progress->last = share;
	progress->calls++;
}

static void progress_goes_up_to_one(void **state)
{
	struct progress progress = {0};
	const struct reel_replay_options options = {
		.size = sizeof(options), .progress = note_progress, .user = &progress};
	struct checker *checker = checker_create();
	struct reel_trace *trace;

	make_random(5, 3, 1000, 50);
	trace = maker_open(&maker);
	checker_replay(checker, trace, &options);
	assert_true(progress.calls > 10);
	assert_true(progress.last >= 1);
	checker_destroy(checker);
	reel_trace_close(trace);
	maker_remove(&maker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_range_of_one_stream_is_the_full_replay_cut),
		cmocka_unit_test(a_range_of_many_streams_is_the_full_replay_cut),
		cmocka_unit_test(a_range_past_the_end_is_empty),
		cmocka_unit_test(a_stack_at_the_beginning_of_a_range_is_whole),
		cmocka_unit_test(as_delivered_adds_nothing_at_the_ends_of_a_range),
		cmocka_unit_test(chosen_streams_are_replayed_alone),
		cmocka_unit_test(progress_goes_up_to_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
