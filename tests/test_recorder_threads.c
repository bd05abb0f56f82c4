/*
 * The recorder under threads and signals: handlers that record in the middle of recording, that
 * never come back, threads without a ring, destructors that record, several recorders at once.
 */
#include "hosted_trace.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>

struct host {
	struct reel_recorder *recorder;
	const struct reel_function *function;
};

static void host_open(struct host *host, enum reel_on_full on_full, size_t memory_bytes)
{
	const struct reel_recorder_options options = {
		.size = sizeof(options), .on_full = on_full, .memory_bytes = memory_bytes};
	const struct reel_function definition = {
		.size = sizeof(definition), .name = "f", .is_listened = true};
	struct reel_error error;

	if (reel_recorder_open(trace_path(), &options, &host->recorder, &error) < 0) {
		fail_msg("%s", error.text);
	}
	assert_int_equal(
		reel_recorder_define_function(host->recorder, &definition, &host->function, NULL),
		0);
}

static struct reel_recorder_stream *open_stream(struct host *host, uint32_t id)
{
	const struct reel_stream_info info = {.id = id};
	struct reel_recorder_stream *stream = NULL;

	if (reel_recorder_stream_open(host->recorder, &info, &stream, NULL) != 0) {
		abort();
	}
	return stream;
}

static void record_call(struct host *host, struct reel_recorder_stream *stream)
{
	reel_stream_before(stream, REEL_NO_MODULE, host->function, NULL, NULL, NULL);
	reel_stream_after(stream, REEL_NO_MODULE, host->function, NULL, NULL);
}

static void host_close(struct host *host)
{
	struct reel_error error;

	if (reel_recorder_close(host->recorder, &error) < 0) {
		fail_msg("%s", error.text);
	}
}

/* Every event of the stream is there or counted, in pairs. */
static struct trace_lines *check_account(uint32_t stream, uint64_t produced)
{
	struct trace_lines *got = trace_lines_read(trace_path(), stream);

	assert_int_equal(got->events - got->repaired + got->undelivered + got->lost, produced);
	return got;
}

/* ---- signals ---- */

static struct host signalled;
static struct reel_recorder_stream *handler_stream;
static sigjmp_buf out_of_handler;
static bool leaves;

static void on_signal(int number)
{
	for (int i = 0; i < 10; i++) {
		record_call(&signalled, handler_stream);
	}
	if (leaves) {
		siglongjmp(out_of_handler, 1);
	}
}

/* A stack whose first step is interrupted: the producer is in the middle of a record. */
static bool interrupted_next(struct reel_stack_iterator *iterator)
{
	raise(SIGUSR1);
	return false;
}

static const struct reel_frame *no_frame(struct reel_stack_iterator *iterator)
{
	return NULL;
}

static const struct reel_stack_iterator_ops interrupted_ops = {interrupted_next, no_frame, NULL};

static void set_handler(int flags)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};

	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
}

static void interrupt_records(uint32_t rounds)
{
	struct reel_recorder_stream *stream = open_stream(&signalled, 1);
	struct reel_stack_iterator iterator = {&interrupted_ops};

	handler_stream = open_stream(&signalled, 2);
	record_call(&signalled, handler_stream);
	for (uint32_t i = 0; i < rounds; i++) {
		if (sigsetjmp(out_of_handler, 1) == 0) {
			reel_stream_before(
				stream, REEL_NO_MODULE, signalled.function, NULL, &iterator, NULL);
			reel_stream_after(stream, REEL_NO_MODULE, signalled.function, NULL, NULL);
		}
	}
}

static void handlers_record_in_the_middle_of_a_record(void **state)
{
	leaves = false;
	set_handler(0);
	host_open(&signalled, REEL_ON_FULL_WAIT, 256 << 10);
	interrupt_records(2000);
	host_close(&signalled);
	trace_lines_free(check_account(1, 4000));
	struct trace_lines *got = check_account(2, 2 + 2000 * 20);

	assert_int_equal(got->repaired + got->lost, 0);
	trace_lines_free(got);
	remove_trace();
}

static void handlers_record_on_an_alternate_stack(void **state)
{
	static char memory[1 << 16];
	const stack_t alternate = {.ss_sp = memory, .ss_size = sizeof(memory)};
	const stack_t none = {.ss_flags = SS_DISABLE};

	leaves = false;
	assert_int_equal(sigaltstack(&alternate, NULL), 0);
	set_handler(SA_ONSTACK);
	host_open(&signalled, REEL_ON_FULL_WAIT, 256 << 10);
	interrupt_records(500);
	host_close(&signalled);
	assert_int_equal(sigaltstack(&none, NULL), 0);
	trace_lines_free(check_account(1, 1000));
	trace_lines_free(check_account(2, 2 + 500 * 20));
	remove_trace();
}

static void handlers_that_never_come_back_harm_nothing(void **state)
{
	struct reel_recorder_stream *stream;
	struct trace_lines *got;

	leaves = true;
	set_handler(0);
	host_open(&signalled, REEL_ON_FULL_WAIT, 256 << 10);
	interrupt_records(500);
	leaves = false;
	stream = open_stream(&signalled, 3);
	for (int i = 0; i < 100; i++) {
		record_call(&signalled, stream);
	}
	host_close(&signalled);
	/* No record of stream 1 was ever finished. */
	trace_lines_free(check_account(1, 0));
	got = check_account(2, 2 + 500 * 20);
	assert_int_equal(got->repaired + got->lost, 0);
	trace_lines_free(got);
	got = check_account(3, 200);
	assert_int_equal(got->repaired + got->lost, 0);
	trace_lines_free(got);
	remove_trace();
}

/* ---- threads ---- */

enum { THREADS = 40, CALLS = 500 };

struct worker {
	struct host *host;
	uint32_t id;
	pthread_barrier_t *barrier;
};

static void *work(void *argument)
{
	struct worker *worker = argument;
	struct reel_recorder_stream *stream = open_stream(worker->host, worker->id);

	record_call(worker->host, stream);
	pthread_barrier_wait(worker->barrier);
	for (int i = 0; i < CALLS; i++) {
		reel_stream_before(
			stream, REEL_NO_MODULE, worker->host->function, NULL, NULL, NULL);
		record_call(worker->host, stream);
		reel_stream_after(stream, REEL_NO_MODULE, worker->host->function, NULL, NULL);
	}
	pthread_barrier_wait(worker->barrier);
	if (worker->id % 2) {
		reel_recorder_stream_close(stream, REEL_REASON_EXIT);
	}
	return NULL;
}

static void threads_without_a_ring_are_a_counted_gap(void **state)
{
	struct worker workers[THREADS];
	pthread_t threads[THREADS];
	pthread_barrier_t barrier;
	struct host host;
	uint64_t lost = 0;

	host_open(&host, REEL_ON_FULL_DROP, 256 << 10);
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (uint32_t i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){&host, i, &barrier};
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (uint32_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
	}
	host_close(&host);
	for (uint32_t i = 0; i < THREADS; i++) {
		struct trace_lines *got = check_account(i, 2 + 4 * CALLS);

		lost += got->lost;
		trace_lines_free(got);
	}
	assert_true(lost > 0);
	pthread_barrier_destroy(&barrier);
	remove_trace();
}

static struct host destructed;
static pthread_key_t late_key;

static void record_late(void *stream)
{
	record_call(&destructed, stream);
}

static void *record_and_end(void *stream)
{
	pthread_setspecific(late_key, stream);
	record_call(&destructed, stream);
	return NULL;
}

static void destructors_of_threads_may_record(void **state)
{
	struct trace_lines *got;
	pthread_t thread;

	host_open(&destructed, REEL_ON_FULL_WAIT, 256 << 10);
	/* Made after the recorder's own key: runs after it. */
	assert_int_equal(pthread_key_create(&late_key, record_late), 0);
	for (uint32_t i = 0; i < 50; i++) {
		assert_int_equal(
			pthread_create(&thread, NULL, record_and_end, open_stream(&destructed, i)),
			0);
		pthread_join(thread, NULL);
	}
	pthread_key_delete(late_key);
	host_close(&destructed);
	for (uint32_t i = 0; i < 50; i += 7) {
		got = check_account(i, 4);
		assert_int_equal(got->repaired + got->lost, 0);
		trace_lines_free(got);
	}
	remove_trace();
}

/* ---- several recorders ---- */

static void one_thread_uses_two_recorders_in_turn(void **state)
{
	const struct reel_recorder_options options = {
		.size = sizeof(options), .on_full = REEL_ON_FULL_WAIT, .memory_bytes = 256 << 10};
	const struct reel_function definition = {
		.size = sizeof(definition), .name = "g", .is_listened = true};
	struct host first, second;
	struct reel_recorder_stream *streams[2];
	char path[80];

	snprintf(path, sizeof(path), "%s.second", trace_path());
	host_open(&first, REEL_ON_FULL_WAIT, 256 << 10);
	assert_int_equal(reel_recorder_open(path, &options, &second.recorder, NULL), 0);
	assert_int_equal(
		reel_recorder_define_function(second.recorder, &definition, &second.function, NULL),
		0);
	streams[0] = open_stream(&first, 0);
	streams[1] = open_stream(&second, 0);
	for (int i = 0; i < 1000; i++) {
		record_call(&first, streams[0]);
		record_call(&second, streams[1]);
	}
	host_close(&second);
	record_call(&first, streams[0]);
	host_close(&first);
	trace_lines_free(check_account(0, 2002));
	unlink(path);
	remove_trace();
}

static void recorders_come_and_go(void **state)
{
	for (int i = 0; i < 30; i++) {
		struct host host;
		struct reel_recorder_stream *stream;

		host_open(&host, i % 2 ? REEL_ON_FULL_DROP : REEL_ON_FULL_WAIT, 256 << 10);
		stream = open_stream(&host, 5);
		record_call(&host, stream);
		host_close(&host);
		trace_lines_free(check_account(5, 2));
	}
	remove_trace();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(handlers_record_in_the_middle_of_a_record),
		cmocka_unit_test(handlers_record_on_an_alternate_stack),
		cmocka_unit_test(handlers_that_never_come_back_harm_nothing),
		cmocka_unit_test(threads_without_a_ring_are_a_counted_gap),
		cmocka_unit_test(destructors_of_threads_may_record),
		cmocka_unit_test(one_thread_uses_two_recorders_in_turn),
		cmocka_unit_test(recorders_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
