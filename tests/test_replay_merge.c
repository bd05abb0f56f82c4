/*
 * Many streams as one: the order of time against a control that sorts everything, and streams that
 * are opened late and freed early.
 */
#include <pthread.h>

#include "replay_fixture.h"

#define STREAMS 300

static struct maker maker;

struct control {
	uint64_t ns;
	uint32_t stream;
	uint32_t number; /* in its stream */
	char kind;
};

static int by_time(const void *left, const void *right)
{
	const struct control *a = left;
	const struct control *b = right;

	if (a->ns != b->ns) {
		return a->ns < b->ns ? -1 : 1;
	}
	if (a->stream != b->stream) {
		return a->stream < b->stream ? -1 : 1;
	}
	return (a->number > b->number) - (a->number < b->number);
}

/* All streams begin at the same time, so that equal times go by the streams' ids. */
static size_t make_streams(uint64_t seed, struct control *control, size_t events)
{
	uint32_t numbers[STREAMS] = {0};
	uint64_t ticks[STREAMS];
	size_t count = 0;

	maker_init(&maker, 40);
	maker_function(&maker, "f", 0, 0, true);
	for (uint32_t i = 0; i < STREAMS; i++) {
		maker_stream(&maker, i, "");
		ticks[i] = 1;
	}
	while (count < events) {
		uint32_t id = count < STREAMS ? (uint32_t)count : random_below(&seed, STREAMS);
		struct maker_stream *stream = &maker.streams[id];
		bool is_before =
			stream->depth == 0 || (stream->depth < 9 && random_below(&seed, 2) == 0);

		ticks[id] += numbers[id] ? random_below(&seed, 40) : 0;
		control[count++] = (struct control){
			.ns = ticks[id],
			.stream = id,
			.number = numbers[id]++,
			.kind = is_before ? 'B' : 'A',
		};
		if (is_before) {
			maker_before(stream, ticks[id], 0, 0);
		} else {
			maker_after(stream, ticks[id]);
		}
	}
	maker_finish(&maker);
	return count;
}

static void streams_merge_as_sorting_everything_does(void **state)
{
	enum { EVENTS = 30000 };
	struct control *control = calloc(EVENTS, sizeof(*control));
	struct checker *checker = checker_create();
	struct reel_trace *trace;
	size_t position = 0;

	make_streams(2024, control, EVENTS);
	qsort(control, EVENTS, sizeof(*control), by_time);
	trace = maker_open(&maker);
	checker_replay(checker, trace, NULL);
	for (size_t i = 0; i < checker->seen_count; i++) {
		const struct seen *seen = &checker->seen[i];

		if (!strchr("BA", seen->kind)) {
			continue;
		}
		assert_true(position < EVENTS);
		assert_int_equal(seen->ns, control[position].ns);
		assert_int_equal(seen->stream, control[position].stream);
		assert_int_equal(seen->kind, control[position].kind);
		position++;
	}
	assert_int_equal(position, EVENTS);
	free(control);
	checker_destroy(checker);
	reel_trace_close(trace);
	maker_remove(&maker);
}

static void streams_are_open_only_while_they_have_events(void **state)
{
	struct checker *checker = checker_create();
	struct reel_trace *trace;

	maker_init(&maker, 10);
	maker_function(&maker, "f", 0, 0, true);
	for (uint32_t i = 0; i < STREAMS; i++) {
		struct maker_stream *stream = maker_stream(&maker, i, "");

		/* Each overlaps with the next one alone. */
		maker_before(stream, i * 100, 0, 0);
		maker_after(stream, i * 100 + 150);
	}
	maker_finish(&maker);
	trace = maker_open(&maker);
	checker_replay(checker, trace, NULL);
	assert_int_equal(checker->open_streams_max, 2);
	checker_destroy(checker);
	reel_trace_close(trace);
	maker_remove(&maker);
}

static void a_trace_without_events_calls_nobody(void **state)
{
	struct checker *checker = checker_create();
	struct reel_trace *trace;

	maker_init(&maker, 10);
	maker_function(&maker, "f", 0, 0, true);
	maker_finish(&maker);
	trace = maker_open(&maker);
	assert_int_equal(checker_replay(checker, trace, NULL).events, 0);
	assert_int_equal(checker->seen_count, 0);
	checker_destroy(checker);
	reel_trace_close(trace);
	maker_remove(&maker);
}

/* ---- several replays at once ---- */

enum { REPLAYS = 4 };

struct counting {
	struct reel_listener_factory factory; /* first */
	struct reel_listener listener;
	struct reel_trace *trace;
	pthread_t thread;
	uint64_t befores, aborts, ns, text_bytes;
	int status;
};

static struct counting *counting_of(struct reel_listener *listener)
{
	return (struct counting *)((char *)listener - offsetof(struct counting, listener));
}

static void counting_before(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *params,
	struct reel_stack_iterator *stack)
{
	counting_of(listener)->befores++;
	counting_of(listener)->ns += reel_context_time_ns(context);
}

static void counting_abort(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function,
	const struct reel_abort *error)
{
	counting_of(listener)->aborts++;
	counting_of(listener)->text_bytes += strlen(error->text);
}

static struct reel_listener *counting_listener_for(
	struct reel_listener_factory *factory, const struct reel_function *function)
{
	return &((struct counting *)factory)->listener;
}

static void *run_counting(void *argument)
{
	struct counting *counting = argument;

	counting->status = reel_replay(counting->trace, &counting->factory, NULL, NULL, NULL);
	return NULL;
}

static void several_replays_of_one_trace_run_at_once(void **state)
{
	struct counting counting[REPLAYS] = {0};
	struct reel_trace *trace;

	maker_init(&maker, 30);
	maker_function(&maker, "f", 0, 0, true);
	for (uint32_t i = 0; i < 20; i++) {
		maker_stream(&maker, i, "");
	}
	for (uint64_t i = 0; i < 4000; i++) {
		struct maker_stream *stream = &maker.streams[i % 20];
		char text[32];

		snprintf(text, sizeof(text), "error %d", (int)(i % 300));
		maker_before(stream, i, 0, 0);
		maker_event(stream, (struct event){.kind = EVENT_ABORT,
					    .ticks = i,
					    .module = NO_ID,
					    .error = maker_blob(&maker, text)});
	}
	maker_finish(&maker);
	trace = maker_open(&maker);
	for (size_t i = 0; i < REPLAYS; i++) {
		counting[i].factory.listener_for = counting_listener_for;
		counting[i].listener.before = counting_before;
		counting[i].listener.abort = counting_abort;
		counting[i].trace = trace;
		assert_int_equal(
			pthread_create(&counting[i].thread, NULL, run_counting, &counting[i]), 0);
	}
	for (size_t i = 0; i < REPLAYS; i++) {
		pthread_join(counting[i].thread, NULL);
		assert_int_equal(counting[i].status, 0);
		assert_int_equal(counting[i].befores, 4000);
		assert_int_equal(counting[i].aborts, 4000);
		assert_int_equal(counting[i].ns, 3999 * 4000 / 2);
		assert_int_equal(counting[i].text_bytes, counting[0].text_bytes);
	}
	reel_trace_close(trace);
	maker_remove(&maker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_merge_as_sorting_everything_does),
		cmocka_unit_test(streams_are_open_only_while_they_have_events),
		cmocka_unit_test(several_replays_of_one_trace_run_at_once),
		cmocka_unit_test(a_trace_without_events_calls_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
