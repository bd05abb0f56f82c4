/*
 * Streams come and go: thousands of them on a few threads, each moved from thread to thread and
 * ended while others run. What a recorder keeps in memory grows with what is open, not with what
 * has ended.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>

#include "fake_host.h"
#include "guarantee.h"

enum {
	THREADS = 4,
	ALIVE = 64,     /* streams that are open at any time */
	CALLS = 6,      /* of a stream */
	WARM_UP = 4000, /* streams that end before memory is first looked at */
	STREAMS = 40000,
};

/* The bytes that an ended stream may leave behind: its id, which must not be used again, and its
 * place in the trace's list of streams, with its definition and index entries. A stream with its
 * block takes tens of thousands. */
#define BYTES_PER_ENDED_STREAM 1000u

static const struct reel_recorder_options lossless = {
	.size = sizeof(lossless), .on_full = REEL_ON_FULL_WAIT, .host_time = true};

/* A stream in a slot of the table, which threads take one after the other. */
struct moving {
	pthread_mutex_t mutex;
	struct reel_recorder_stream *stream;
	uint32_t steps;
};

struct table {
	struct reel_recorder *recorder;
	const struct reel_function *functions[2];
	struct moving moving[ALIVE];
	atomic_uint opened, ended, failed;
	uint32_t limit;
};

static void take_step(struct table *table, struct moving *moving)
{
	const struct reel_function *function = table->functions[moving->steps / 2 % 2];

	if (!moving->stream) {
		const struct reel_stream_info info = {
			.id = atomic_fetch_add(&table->opened, 1), .name = "moving"};

		moving->steps = 0;
		if (reel_recorder_stream_open(table->recorder, &info, &moving->stream, NULL) < 0) {
			atomic_fetch_add(&table->failed, 1);
		}
		return;
	}
	reel_stream_set_time(moving->stream, moving->steps);
	if (moving->steps % 2 == 0) {
		reel_stream_before(moving->stream, REEL_NO_MODULE, function, NULL, NULL, NULL);
	} else {
		reel_stream_after(moving->stream, REEL_NO_MODULE, function, NULL, NULL);
	}
	if (++moving->steps == 2 * CALLS) {
		reel_recorder_stream_close(moving->stream, REEL_REASON_EXIT);
		moving->stream = NULL;
		atomic_fetch_add(&table->ended, 1);
	}
}

/* Another stream at every step. */
static void *work(void *argument)
{
	struct table *table = argument;
	uint32_t at = (uint32_t)((uintptr_t)&argument >> 4);

	while (atomic_load(&table->ended) < table->limit) {
		struct moving *moving = &table->moving[at++ % ALIVE];

		if (pthread_mutex_trylock(&moving->mutex) == 0) {
			take_step(table, moving);
			pthread_mutex_unlock(&moving->mutex);
		}
	}
	return NULL;
}

static void run_until(struct table *table, uint32_t limit)
{
	pthread_t threads[THREADS];

	table->limit = limit;
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, work, table), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
	}
}

static void open_table(struct table *table)
{
	*table = (struct table){.recorder = fake_recorder(fake_path("t.reel"), &lossless)};
	for (uint32_t i = 0; i < 2; i++) {
		const struct reel_function definition = {.size = sizeof(definition),
			.index = i,
			.name = i ? "g" : "f",
			.is_listened = true};

		assert_int_equal(reel_recorder_define_function(
					 table->recorder, &definition, &table->functions[i], NULL),
			0);
	}
	for (size_t i = 0; i < ALIVE; i++) {
		pthread_mutex_init(&table->moving[i].mutex, NULL);
	}
}

static void close_table(struct table *table)
{
	for (size_t i = 0; i < ALIVE; i++) {
		pthread_mutex_destroy(&table->moving[i].mutex);
	}
	assert_int_equal(reel_recorder_close(table->recorder, NULL), 0);
}

static size_t heap_bytes(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* Sanitizers have an allocator of their own, of which this tells nothing. */
static bool is_heap_known(void)
{
	size_t before = heap_bytes();
	void *volatile memory = malloc(1 << 16);
	bool has_grown = heap_bytes() >= before + (1 << 16);

	free(memory);
	return has_grown;
}

static void streams_that_ended_take_no_memory(void **state)
{
	struct table *table = malloc(sizeof(*table));
	size_t warm, end;

	open_table(table);
	run_until(table, WARM_UP);
	warm = heap_bytes();
	run_until(table, STREAMS);
	end = heap_bytes();
	if (is_heap_known() && end > warm) {
		assert_in_range((end - warm) / (STREAMS - WARM_UP), 0, BYTES_PER_ENDED_STREAM);
	}
	assert_int_equal(atomic_load(&table->failed), 0);
	close_table(table);
	free(table);
}

static void streams_that_moved_and_ended_are_whole(void **state)
{
	struct reel_trace_info info;
	struct guarantee guarantee;
	struct reel_trace *trace;

	guarantee_init(&guarantee);
	assert_int_equal(reel_trace_open(fake_path("t.reel"), &trace, NULL), 0);
	reel_trace_describe(trace, &info);
	assert_int_equal(reel_replay(trace, &guarantee.factory, NULL, NULL, NULL), 0);
	reel_trace_close(trace);
	assert_string_equal(guarantee.first, "");
	assert_true(info.streams >= STREAMS);
	assert_true(info.before >= STREAMS * CALLS);
	assert_int_equal(info.undelivered, 0);
	/* Those that were open at the close had one call open at most. */
	assert_in_range(info.repaired, 0, ALIVE);
	assert_int_equal(guarantee.befores, info.before);
	guarantee_deinit(&guarantee);
}

/* ---- depth ---- */

/* What is held while `depth` calls are open grows with them, and goes with them. */
static void memory_grows_with_open_frames(void **state)
{
	struct reel_recorder *recorder = fake_recorder(fake_path("t.reel"), &lossless);
	const struct reel_function definition = {
		.size = sizeof(definition), .name = "deep", .is_listened = true};
	const struct reel_stream_info info = {.id = 1, .name = "one"};
	const struct reel_function *function;
	struct reel_recorder_stream *stream;
	size_t first = 0, last = 0;

	assert_int_equal(reel_recorder_define_function(recorder, &definition, &function, NULL), 0);
	assert_int_equal(reel_recorder_stream_open(recorder, &info, &stream, NULL), 0);
	for (uint32_t round = 0; round < 60; round++) {
		for (uint32_t i = 0; i < 5000; i++) {
			reel_stream_before(stream, REEL_NO_MODULE, function, NULL, NULL, NULL);
		}
		for (uint32_t i = 0; i < 5000; i++) {
			reel_stream_after(stream, REEL_NO_MODULE, function, NULL, NULL);
		}
		first = round == 9 ? heap_bytes() : first;
		last = heap_bytes();
	}
	if (is_heap_known() && last > first) {
		assert_in_range(last - first, 0, 8 << 20);
	}
	assert_int_equal(reel_recorder_close(recorder, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_that_ended_take_no_memory),
		cmocka_unit_test(streams_that_moved_and_ended_are_whole),
		cmocka_unit_test(memory_grows_with_open_frames),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	fake_remove_files();
	return failed;
}
