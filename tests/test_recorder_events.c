/*
 * The recorder's public calls, through the rings, the consumer and the file: what is given is what
 * is read.
 */
#include "hosted_trace.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* ---- a host ---- */

struct host {
	struct reel_recorder *recorder;
	const struct reel_function *functions[8];
};

static const uint8_t two_i32[] = {REEL_I32, REEL_I32};
static const uint8_t one_v128[] = {REEL_V128};

/* Functions 0 to 3 have no values, 4 takes two words and gives two (a v128), 5 has no listener. */
static void define_functions(struct host *host)
{
	for (uint32_t i = 0; i < 6; i++) {
		char name[] = {'f', (char)('0' + i), 0};
		const struct reel_function definition = {
			.size = sizeof(definition),
			.index = i,
			.module_name = "m",
			.name = name,
			.is_listened = i != 5,
			.param_count = i == 4 ? 2 : 0,
			.param_types = two_i32,
			.result_count = i == 4 ? 1 : 0,
			.result_types = one_v128,
		};

		assert_int_equal(reel_recorder_define_function(
					 host->recorder, &definition, &host->functions[i], NULL),
			0);
	}
}

static struct reel_recorder_options host_options(void)
{
	return (struct reel_recorder_options){
		.size = sizeof(struct reel_recorder_options),
		.on_full = REEL_ON_FULL_WAIT,
		.walk = REEL_WALK_FULL,
		.memory_bytes = 256 << 10,
		.host_time = true,
	};
}

static void host_open(struct host *host, const struct reel_recorder_options *options)
{
	struct reel_error error = {0};

	if (reel_recorder_open(trace_path(), options, &host->recorder, &error) < 0) {
		fail_msg("%s", error.text);
	}
	define_functions(host);
}

static void host_close(struct host *host)
{
	struct reel_error error = {0};

	if (reel_recorder_close(host->recorder, &error) < 0) {
		fail_msg("%s", error.text);
	}
}

static struct reel_recorder_stream *open_stream(struct host *host, uint32_t id)
{
	const struct reel_stream_info info = {.id = id, .name = "stream", .process = "test"};
	struct reel_recorder_stream *stream;

	assert_int_equal(reel_recorder_stream_open(host->recorder, &info, &stream, NULL), 0);
	return stream;
}

/* Shows functions by their numbers, top first; pc and offset follow from the place. */
static struct reel_stack_iterator *show(struct host *host,
	struct reel_frame_array_iterator *iterator, struct reel_frame *frames,
	const char *functions)
{
	size_t count = strlen(functions);

	for (size_t i = 0; i < count; i++) {
		frames[i] = (struct reel_frame){
			.function = host->functions[functions[i] - '0'],
			.pc = 0x10 * (count - i),
			.source_offset = count - i,
		};
	}
	return reel_frame_array_iterator_init(iterator, frames, count);
}

static void before(
	struct host *host, struct reel_recorder_stream *stream, uint64_t ns, const char *functions)
{
	struct reel_frame_array_iterator iterator;
	struct reel_frame frames[64];

	reel_stream_set_time(stream, ns);
	reel_stream_before(stream, REEL_NO_MODULE, host->functions[functions[0] - '0'], NULL,
		show(host, &iterator, frames, functions), NULL);
}

static void after(
	struct host *host, struct reel_recorder_stream *stream, uint64_t ns, uint32_t function)
{
	reel_stream_set_time(stream, ns);
	reel_stream_after(stream, REEL_NO_MODULE, host->functions[function], NULL, NULL);
}

static void assert_recorded(uint32_t stream, const char *const *wanted)
{
	struct trace_lines *got = trace_lines_read(trace_path(), stream);
	struct lines lines = {0};

	for (; *wanted; wanted++) {
		struct text text = {0};

		text_add(&text, "%s", *wanted);
		lines_add(&lines, &text);
	}
	assert_lines_equal(&got->lines, &lines);
	lines_free(&lines);
	trace_lines_free(got);
}

/* ---- values and errors ---- */

static void values_errors_and_captures_come_back(void **state)
{
	static const char *const wanted[] = {
		"B 10 4 7 [ffffffff00000001 2] {4:0:0} size=65536 g3=5,6 @8+3 \"abc\" @99+4=out",
		"B 11 0 70000 [] {0:0:0}",
		"X 12 0 70000 0 100 \"trap\"",
		"A 13 4 -1 [3 4]",
		"B 14 0 -1 [] {0:0:0}",
		"X 15 0 -1 0 4 \"trap\"",
		"B 16 0 -1 [] {0:0:0}",
		"X 17 0 -1 1 0 \"\"",
		NULL,
	};
	const uint64_t params[] = {UINT64_C(0xffffffff00000001), 2, 99};
	const uint64_t results[] = {3, 4, 99};
	const struct reel_captured_global global = {3, {5, 6}};
	const struct reel_captured_read reads[] = {{8, 3, "abc"}, {99, 4, NULL}};
	const struct reel_capture capture = {true, 65536, &global, 1, reads, 2};
	const struct reel_module modules[] = {{.id = 7, .name = "a"}, {.id = 70000, .name = "b"}};
	struct reel_abort trap = {REEL_ABORT_ERROR, "trap", 4, 100};
	const struct reel_abort quit = {REEL_ABORT_EXIT, "", 0, 0};
	struct reel_recorder_options options = host_options();
	struct host host;
	struct reel_recorder_stream *stream;

	host_open(&host, &options);
	assert_int_equal(reel_recorder_define_module(host.recorder, &modules[0], NULL), 0);
	assert_int_equal(reel_recorder_define_module(host.recorder, &modules[1], NULL), 0);
	stream = open_stream(&host, 5);
	reel_stream_set_time(stream, 10);
	reel_stream_before(stream, 7, host.functions[4], params, NULL, &capture);
	reel_stream_set_time(stream, 11);
	reel_stream_before(stream, 70000, host.functions[0], NULL, NULL, NULL);
	reel_stream_set_time(stream, 12);
	reel_stream_abort(stream, 70000, host.functions[0], &trap, NULL);
	reel_stream_set_time(stream, 13);
	reel_stream_after(stream, REEL_NO_MODULE, host.functions[4], results, NULL);
	before(&host, stream, 14, "0");
	reel_stream_set_time(stream, 15);
	trap.full_length = 0;
	reel_stream_abort(stream, REEL_NO_MODULE, host.functions[0], &trap, NULL);
	before(&host, stream, 16, "0");
	reel_stream_set_time(stream, 17);
	reel_stream_abort(stream, REEL_NO_MODULE, host.functions[0], &quit, NULL);
	host_close(&host);
	/* before() shows one frame with a pc; the others show none. */
	const char *shown[9];

	memcpy(shown, wanted, sizeof(wanted));
	shown[4] = "B 14 0 -1 [] {0:10:1}";
	shown[6] = "B 16 0 -1 [] {0:10:1}";
	assert_recorded(5, shown);
	remove_trace();
}

static void a_record_larger_than_a_ring_comes_in_pieces(void **state)
{
	struct reel_recorder_options options = host_options();
	size_t size = (size_t)3 << 20;
	char *text = malloc(size + 1);
	struct reel_abort error = {REEL_ABORT_ERROR, text, size, size};
	struct trace_lines *got;
	struct host host;
	struct reel_recorder_stream *stream;

	for (size_t i = 0; i < size; i++) {
		text[i] = (char)('a' + i * 7 % 23);
	}
	text[size] = 0;
	host_open(&host, &options);
	stream = open_stream(&host, 0);
	before(&host, stream, 1, "0");
	reel_stream_set_time(stream, 2);
	reel_stream_abort(stream, REEL_NO_MODULE, host.functions[0], &error, NULL);
	before(&host, stream, 3, "1");
	after(&host, stream, 4, 1);
	host_close(&host);
	got = trace_lines_read(trace_path(), 0);
	assert_int_equal(got->lines.count, 4);
	assert_non_null(strstr(got->lines.lines[1], text));
	trace_lines_free(got);
	free(text);
	remove_trace();
}

/* ---- stacks ---- */

static void a_full_walk_gives_back_what_was_shown(void **state)
{
	static const char *const wanted[] = {
		"B 1 0 -1 [] {0:10:1}",
		"B 2 1 -1 [] {1:30:3 5:20:2 0:10:1}",
		"B 3 2 -1 [] {2:40:4 1:30:3 5:20:2 0:10:1}",
		"A 4 2 -1 []",
		"B 5 2 -1 [] {2:20:2 1:10:1}", /* cut */
		"A 6 2 -1 []",
		"B 7 2 -1 [] {2:10:1}", /* a stack of its own */
		"B 8 3 -1 [] {3:20:2 2:10:1}",
		"A 9 3 -1 []",
		"A 10 2 -1 []",
		"A 11 1 -1 []",
		"A 12 0 -1 []",
		NULL,
	};
	struct reel_recorder_options options = host_options();
	struct host host;
	struct reel_recorder_stream *stream;

	host_open(&host, &options);
	stream = open_stream(&host, 1);
	before(&host, stream, 1, "0");
	before(&host, stream, 2, "150");
	before(&host, stream, 3, "2150");
	after(&host, stream, 4, 2);
	before(&host, stream, 5, "21");
	after(&host, stream, 6, 2);
	before(&host, stream, 7, "2");
	before(&host, stream, 8, "32");
	after(&host, stream, 9, 3);
	after(&host, stream, 10, 2);
	after(&host, stream, 11, 1);
	after(&host, stream, 12, 0);
	host_close(&host);
	assert_recorded(1, wanted);
	remove_trace();
}

static void a_trusted_walk_goes_on_to_the_bottom(void **state)
{
	static const char *const wanted[] = {
		"B 1 0 -1 [] {0:10:1}",
		"B 2 1 -1 [] {1:30:3 5:20:2 0:10:1}",
		"B 3 2 -1 [] {2:20:2 1:10:1 5:20:2 0:10:1}",
		"B 4 3 -1 [] {3:10:1 2:20:2 1:10:1 5:20:2 0:10:1}",
		"A 5 3 -1 []",
		"I 6 \"{}\"",
		"B 7 3 -1 [] {3:10:1}", /* a call of its own */
		"A 8 3 -1 []",
		"O 9 \"\"",
		"A 10 2 -1 []",
		"A 11 1 -1 []",
		"A 12 0 -1 []",
		NULL,
	};
	struct reel_recorder_options options = host_options();
	struct host host;
	struct reel_recorder_stream *stream;

	options.walk = REEL_WALK_TRUSTED;
	host_open(&host, &options);
	stream = open_stream(&host, 1);
	before(&host, stream, 1, "0");
	before(&host, stream, 2, "150");
	before(&host, stream, 3, "21");
	before(&host, stream, 4, "3");
	after(&host, stream, 5, 3);
	reel_stream_set_time(stream, 6);
	reel_stream_call_begin(stream, "{}");
	before(&host, stream, 7, "3");
	after(&host, stream, 8, 3);
	reel_stream_set_time(stream, 9);
	reel_stream_call_end(stream, NULL);
	after(&host, stream, 10, 2);
	after(&host, stream, 11, 1);
	after(&host, stream, 12, 0);
	host_close(&host);
	assert_recorded(1, wanted);
	remove_trace();
}

/* Counts how often it is asked. */
struct counting_iterator {
	struct reel_frame_array_iterator base;
	size_t steps;
};

static bool counting_next(struct reel_stack_iterator *base)
{
	struct counting_iterator *iterator = (struct counting_iterator *)base;

	iterator->steps++;
	if (iterator->base.position <= iterator->base.count) {
		iterator->base.position++;
	}
	return iterator->base.position <= iterator->base.count;
}

static const struct reel_frame *counting_frame(struct reel_stack_iterator *base)
{
	struct counting_iterator *iterator = (struct counting_iterator *)base;

	return &iterator->base.frames[iterator->base.position - 1];
}

static void a_trusted_walk_stops_at_the_innermost_open_call(void **state)
{
	static const struct reel_stack_iterator_ops ops = {counting_next, counting_frame, NULL};
	struct reel_recorder_options options = host_options();
	struct reel_frame frames[1000];
	struct counting_iterator iterator = {0};
	struct host host;
	struct reel_recorder_stream *stream;

	options.walk = REEL_WALK_TRUSTED;
	host_open(&host, &options);
	stream = open_stream(&host, 1);
	for (size_t depth = 1; depth <= 1000; depth++) {
		for (size_t i = 0; i < depth; i++) {
			frames[i] = (struct reel_frame){
				.function = host.functions[0], .identity = depth - i};
		}
		reel_frame_array_iterator_init(&iterator.base, frames, depth);
		iterator.base.base.ops = &ops;
		iterator.steps = 0;
		reel_stream_before(
			stream, REEL_NO_MODULE, host.functions[0], NULL, &iterator.base.base, NULL);
		/* The second call looks once for more below the first one. */
		assert_true(iterator.steps <= (depth == 2 ? 3 : 2));
	}
	host_close(&host);
	remove_trace();
}

/* ---- repairs ---- */

static void what_a_host_gets_wrong_is_repaired(void **state)
{
	static const char *const wanted[] = {
		"UA 1 0 -1 []",
		"B 2 0 -1 [] {0:10:1}",
		"B 3 1 -1 [] {1:20:2 0:10:1}",
		"B 4 2 -1 [] {2:30:3 1:20:2 0:10:1}",
		"X 5 2 -1 3 0 \"\" !unwound", /* the exit of 1 says that 2 is gone */
		"A 5 1 -1 []",
		"B 6 1 -1 [] {1:20:2 0:10:1}",
		"X 7 1 -1 3 0 \"\" !unwound", /* the stack of 2 leaves 1 out */
		"B 7 2 -1 [] {2:20:2 0:10:1}",
		"UA 8 3 -1 []",
		"I 9 \"\"",
		"B 10 3 -1 [] {3:10:1}",
		"X 11 3 -1 3 0 \"\" !unwound", /* left open in the call */
		"O 11 \"\"",
		"X 12 2 -1 3 0 \"\" !killed",
		"X 12 0 -1 3 0 \"\" !killed",
		NULL,
	};
	struct reel_recorder_options options = host_options();
	struct host host;
	struct reel_recorder_stream *stream;

	host_open(&host, &options);
	stream = open_stream(&host, 1);
	after(&host, stream, 1, 0);
	before(&host, stream, 2, "0");
	before(&host, stream, 3, "10");
	before(&host, stream, 4, "210");
	after(&host, stream, 5, 1);
	before(&host, stream, 6, "10");
	before(&host, stream, 7, "20");
	after(&host, stream, 8, 3);
	reel_stream_set_time(stream, 9);
	reel_stream_call_begin(stream, NULL);
	before(&host, stream, 10, "3");
	reel_stream_set_time(stream, 11);
	reel_stream_call_end(stream, NULL);
	reel_stream_set_time(stream, 12);
	reel_recorder_stream_close(stream, REEL_REASON_KILLED);
	host_close(&host);
	assert_recorded(1, wanted);
	remove_trace();
}

static void what_is_open_at_the_close_is_stopped(void **state)
{
	static const char *const wanted[] = {
		"B 2 0 -1 [] {0:10:1}",
		"G 2 9",
		"B 3 1 -1 [] {1:20:2 0:10:1}",
		"X 3 1 -1 3 0 \"\" !stopped",
		"X 3 0 -1 3 0 \"\" !stopped",
		NULL,
	};
	struct reel_recorder_options options = host_options();
	struct host host;
	struct reel_recorder_stream *stream;

	host_open(&host, &options);
	stream = open_stream(&host, 1);
	before(&host, stream, 2, "0");
	reel_stream_set_time(stream, 1); /* never backwards */
	reel_stream_gap(stream, 9);
	before(&host, stream, 3, "10");
	host_close(&host);
	assert_recorded(1, wanted);
	remove_trace();
}

/* ---- many streams, many threads ---- */

enum { STREAMS = 3000, ROUNDS = 20 };

static void thousands_of_streams_switch_at_every_event(void **state)
{
	struct reel_recorder_options options = host_options();
	static struct reel_recorder_stream *streams[STREAMS];
	struct host host;

	host_open(&host, &options);
	for (uint32_t i = 0; i < STREAMS; i++) {
		streams[i] = open_stream(&host, i);
	}
	for (uint64_t round = 0; round < ROUNDS; round++) {
		for (uint32_t i = 0; i < STREAMS; i++) {
			before(&host, streams[i], round * 2, round % 2 ? "150" : "0");
		}
	}
	for (uint64_t round = ROUNDS; round-- > 0;) {
		for (uint32_t i = 0; i < STREAMS; i++) {
			after(&host, streams[i], 100, round % 2);
		}
	}
	for (uint32_t i = 0; i < STREAMS; i += 2) {
		reel_recorder_stream_close(streams[i], REEL_REASON_EXIT);
	}
	host_close(&host);
	for (uint32_t i = 0; i < STREAMS; i += 997) {
		struct trace_lines *got = trace_lines_read(trace_path(), i);

		assert_int_equal(got->lines.count, 2 * ROUNDS);
		assert_int_equal(got->repaired, 0);
		trace_lines_free(got);
	}
	remove_trace();
}

enum { MOVERS = 4, MOVES = 2000, MOVED = 5 };

struct mover {
	struct host *host;
	struct reel_recorder_stream *streams[MOVED];
	pthread_mutex_t mutexes[MOVED];
	uint64_t counts[MOVED];
};

/* Takes one stream after the other, a call and its end at a time, sometimes leaving it open for the
 * next thread. */
static void *move_streams(void *argument)
{
	struct mover *mover = argument;

	for (size_t i = 0; i < MOVES; i++) {
		size_t at = i % MOVED;
		uint64_t count;

		pthread_mutex_lock(&mover->mutexes[at]);
		count = mover->counts[at]++;
		reel_stream_set_time(mover->streams[at], count);
		if (count % 2 == 0) {
			reel_stream_before(mover->streams[at], REEL_NO_MODULE,
				mover->host->functions[(count / 2) % 4], NULL, NULL, NULL);
		} else {
			reel_stream_after(mover->streams[at], REEL_NO_MODULE,
				mover->host->functions[(count / 2) % 4], NULL, NULL);
		}
		pthread_mutex_unlock(&mover->mutexes[at]);
	}
	return NULL;
}

static void streams_that_move_between_threads_stay_in_order(void **state)
{
	struct reel_recorder_options options = host_options();
	struct mover mover;
	struct host host;
	pthread_t threads[MOVERS];

	host_open(&host, &options);
	mover.host = &host;
	for (uint32_t i = 0; i < MOVED; i++) {
		mover.streams[i] = open_stream(&host, i);
		mover.counts[i] = 0;
		pthread_mutex_init(&mover.mutexes[i], NULL);
	}
	for (size_t i = 0; i < MOVERS; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, move_streams, &mover), 0);
	}
	for (size_t i = 0; i < MOVERS; i++) {
		pthread_join(threads[i], NULL);
	}
	host_close(&host);
	for (uint32_t i = 0; i < MOVED; i++) {
		struct trace_lines *got = trace_lines_read(trace_path(), i);

		assert_int_equal(got->repaired, 0);
		assert_int_equal(got->undelivered, 0);
		assert_int_equal(got->lines.count, (MOVERS * MOVES) / MOVED);
		for (uint64_t n = 0; n < got->lines.count; n++) {
			char wanted[64];

			snprintf(wanted, sizeof(wanted), "%s %" PRIu64 " %" PRIu64 " ",
				n % 2 ? "A" : "B", n, (n / 2) % 4);
			assert_memory_equal(got->lines.lines[n], wanted, strlen(wanted));
		}
		trace_lines_free(got);
		pthread_mutex_destroy(&mover.mutexes[i]);
	}
	remove_trace();
}

static void *one_call(void *argument)
{
	struct mover *mover = argument;

	reel_stream_before(
		mover->streams[0], REEL_NO_MODULE, mover->host->functions[0], NULL, NULL, NULL);
	reel_stream_after(mover->streams[0], REEL_NO_MODULE, mover->host->functions[0], NULL, NULL);
	return NULL;
}

static void threads_that_come_and_go_give_their_rings_back(void **state)
{
	struct reel_recorder_options options = host_options();
	struct mover mover = {0};
	struct host host;
	struct trace_lines *got;

	host_open(&host, &options);
	mover.host = &host;
	mover.streams[0] = open_stream(&host, 0);
	for (size_t i = 0; i < 500; i++) {
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, one_call, &mover), 0);
		pthread_join(thread, NULL);
	}
	host_close(&host);
	got = trace_lines_read(trace_path(), 0);
	assert_int_equal(got->lines.count, 1000);
	assert_int_equal(got->repaired + got->lost, 0);
	trace_lines_free(got);
	remove_trace();
}

/* ---- processes ---- */

static void a_forked_child_records_nothing_and_harms_nothing(void **state)
{
	struct reel_recorder_options options = host_options();
	struct host host;
	struct reel_recorder_stream *stream;
	struct trace_lines *got;
	int status = -1;
	pid_t child;

	host_open(&host, &options);
	stream = open_stream(&host, 0);
	before(&host, stream, 1, "0");
	child = fork();
	if (child == 0) {
		struct reel_recorder_stream *other;
		const struct reel_stream_info info = {.id = 9};

		for (int i = 0; i < 100000; i++) {
			before(&host, stream, 2, "10");
			after(&host, stream, 3, 1);
		}
		_exit(reel_recorder_stream_open(host.recorder, &info, &other, NULL) ==
						REEL_ECLOSED &&
					reel_recorder_close(host.recorder, NULL) == REEL_ECLOSED
				? 0
				: 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	after(&host, stream, 4, 0);
	host_close(&host);
	got = trace_lines_read(trace_path(), 0);
	assert_int_equal(got->lines.count, 2);
	assert_int_equal(got->repaired, 0);
	trace_lines_free(got);
	remove_trace();
}

/* ---- options and bad input ---- */

static void functions_left_out_make_no_events_but_show(void **state)
{
	static const char *const wanted[] = {
		"B 1 0 -1 [] {0:10:1}",
		"B 3 2 -1 [] {2:30:3 1:20:2 0:10:1}",
		"A 4 2 -1 []",
		"A 6 0 -1 []",
		NULL,
	};
	static const char *const exclude[] = {"m:f1", "f5"};
	struct reel_recorder_options options = host_options();
	struct host host;
	struct reel_recorder_stream *stream;

	options.exclude = exclude;
	options.exclude_count = 2;
	options.walk = REEL_WALK_TRUSTED;
	host_open(&host, &options);
	stream = open_stream(&host, 0);
	before(&host, stream, 1, "0");
	before(&host, stream, 2, "10");
	before(&host, stream, 3, "210");
	after(&host, stream, 4, 2);
	after(&host, stream, 5, 1);
	after(&host, stream, 6, 0);
	host_close(&host);
	assert_recorded(0, wanted);
	remove_trace();
}

static void deep_and_short_calls_can_be_left_out(void **state)
{
	static const char *const wanted[] = {
		"B 100 0 -1 [] {0:10:1}",
		"I 301 \"kept\"",
		"B 500 1 -1 [] {1:20:2 0:10:1}",
		"A 600 1 -1 []",
		"A 700 0 -1 []",
		NULL,
	};
	struct reel_recorder_options options = host_options();
	struct host host;
	struct reel_recorder_stream *stream;

	options.max_depth = 2;
	options.min_duration_ns = 50;
	host_open(&host, &options);
	stream = open_stream(&host, 0);
	before(&host, stream, 100, "0");
	before(&host, stream, 300, "10"); /* too short */
	reel_stream_set_time(stream, 301);
	reel_stream_call_begin(stream, "kept");
	reel_stream_set_time(stream, 302);
	after(&host, stream, 302, 1);
	before(&host, stream, 500, "10");
	before(&host, stream, 510, "210"); /* too deep */
	after(&host, stream, 590, 2);
	after(&host, stream, 600, 1);
	after(&host, stream, 700, 0);
	host_close(&host);
	assert_recorded(0, wanted);
	remove_trace();
}

static void wrong_options_and_places_are_refused(void **state)
{
	struct reel_recorder_options options = host_options();
	struct reel_recorder *recorder = (struct reel_recorder *)&options;
	struct reel_error error = {0};

	assert_int_equal(reel_recorder_open("/nonexistent/trace.reel", &options, &recorder, &error),
		REEL_EIO);
	assert_null(recorder);
	assert_non_null(strstr(error.text, "/nonexistent/"));
	options.codec_level = 99;
	assert_int_equal(
		reel_recorder_open(trace_path(), &options, &recorder, &error), REEL_EINVAL);
	options = host_options();
	options.memory_bytes = 1;
	assert_int_equal(
		reel_recorder_open(trace_path(), &options, &recorder, &error), REEL_EINVAL);
	options.size = 0;
	assert_int_equal(
		reel_recorder_open(trace_path(), &options, &recorder, &error), REEL_EINVAL);
	assert_int_not_equal(access(trace_path(), F_OK), 0);
	remove_trace();
}

/* A disk that is full: whoever waits for room is let go, and closing says what happened. */
static void a_trace_that_cannot_grow_fails_at_the_close(void **state)
{
	struct reel_recorder_options options = host_options();
	struct reel_error error = {0};
	struct rlimit old, limit;
	struct host host;
	struct reel_recorder_stream *stream;
	uint64_t random = 1;

	options.memory_bytes = 512 << 10;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	limit = old;
	limit.rlim_cur = 1 << 20; /* the session fits, the trace does not */
	setrlimit(RLIMIT_FSIZE, &limit);
	host_open(&host, &options);
	stream = open_stream(&host, 0);
	for (uint64_t i = 0; i < 200000; i++) {
		uint64_t params[2];

		params[0] = random *= UINT64_C(6364136223846793005);
		params[1] = ~random;
		reel_stream_before(stream, 7, host.functions[4], params, NULL, NULL);
		reel_stream_after(stream, 7, host.functions[4], params, NULL);
	}
	assert_int_equal(reel_recorder_close(host.recorder, &error), REEL_EIO);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(error.status, REEL_EIO);
	assert_non_null(strstr(error.text, "trace.reel"));
	remove_trace();
}

static void a_stream_id_is_used_once(void **state)
{
	struct reel_recorder_options options = host_options();
	const struct reel_stream_info info = {.id = 3};
	struct reel_recorder_stream *stream, *second;
	struct reel_error error;
	struct host host;

	host_open(&host, &options);
	stream = open_stream(&host, 3);
	assert_int_equal(
		reel_recorder_stream_open(host.recorder, &info, &second, &error), REEL_EINVAL);
	reel_recorder_stream_close(stream, REEL_REASON_EXIT);
	assert_int_equal(
		reel_recorder_stream_open(host.recorder, &info, &second, &error), REEL_EINVAL);
	host_close(&host);
	remove_trace();
}

static void discarding_leaves_what_was_there(void **state)
{
	struct reel_recorder_options options = host_options();
	struct host host;
	FILE *file = fopen(trace_path(), "w");
	char text[8] = "";

	fputs("before", file);
	fclose(file);
	host_open(&host, &options);
	before(&host, open_stream(&host, 0), 1, "0");
	reel_recorder_discard(host.recorder);
	file = fopen(trace_path(), "r");
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	assert_string_equal(text, "before");
	remove_trace();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_errors_and_captures_come_back),
		cmocka_unit_test(a_record_larger_than_a_ring_comes_in_pieces),
		cmocka_unit_test(a_full_walk_gives_back_what_was_shown),
		cmocka_unit_test(a_trusted_walk_goes_on_to_the_bottom),
		cmocka_unit_test(a_trusted_walk_stops_at_the_innermost_open_call),
		cmocka_unit_test(what_a_host_gets_wrong_is_repaired),
		cmocka_unit_test(what_is_open_at_the_close_is_stopped),
		cmocka_unit_test(thousands_of_streams_switch_at_every_event),
		cmocka_unit_test(streams_that_move_between_threads_stay_in_order),
		cmocka_unit_test(threads_that_come_and_go_give_their_rings_back),
		cmocka_unit_test(a_forked_child_records_nothing_and_harms_nothing),
		cmocka_unit_test(functions_left_out_make_no_events_but_show),
		cmocka_unit_test(deep_and_short_calls_can_be_left_out),
		cmocka_unit_test(wrong_options_and_places_are_refused),
		cmocka_unit_test(a_trace_that_cannot_grow_fails_at_the_close),
		cmocka_unit_test(a_stream_id_is_used_once),
		cmocka_unit_test(discarding_leaves_what_was_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
