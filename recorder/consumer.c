/*
 * The consumer: goes round the session's rings, hands native records to native streams and hosted
 * ones to hosted.c, keeps the tables of processes and streams, and sleeps when there is nothing to
 * do. Everything in the session's memory is read once, checked, and then used from the copy.
 */
#define _GNU_SOURCE
#include "consumer_state.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

uint64_t consumer_ticks(const struct consumer *consumer)
{
	return consumer->clock == CLOCK_TSC ? __builtin_ia32_rdtsc() : clock_ns(CLOCK_MONOTONIC);
}

int consumer_sample_clock(struct consumer *consumer)
{
	if (consumer->clock == CLOCK_HOST) {
		return 0;
	}
	return writer_clock_sample(consumer->writer, consumer_ticks(consumer),
		clock_ns(CLOCK_MONOTONIC), clock_ns(CLOCK_REALTIME));
}

/* ns as ticks of the session's clock, measured when it is the TSC: only durations need it, so 20 ms
 * are exact enough. */
static uint64_t ticks_of_ns(const struct consumer *consumer, uint64_t ns)
{
	if (consumer->clock != CLOCK_TSC || ns == 0) {
		return ns;
	}
	uint64_t ticks = consumer_ticks(consumer);
	uint64_t begin = clock_ns(CLOCK_MONOTONIC);

	nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	ticks = consumer_ticks(consumer) - ticks;
	begin = clock_ns(CLOCK_MONOTONIC) - begin;
	return (uint64_t)((double)ns * (double)ticks / (double)begin);
}

/* ---- life ---- */

static int init(struct consumer *consumer)
{
	const struct session *session = consumer->session;
	const struct reel_recorder_options *recorder = consumer->options.recorder;
	uint64_t largest = 0;

	consumer->clock = session->control->clock;
	consumer->target = (struct emitter_target){.writer = consumer->writer,
		.codec = recorder->codec,
		.block_events = EMITTER_BLOCK_EVENTS};
	consumer->table.writer = consumer->writer;
	consumer->table.options = &consumer->options;
	consumer->table.look_ahead = lane_look_ahead;
	consumer->table.user = consumer;
	consumer->filtered = recorder->include_count || recorder->exclude_count ||
			     recorder->max_depth || recorder->min_duration_ns;
	consumer->min_duration_ticks = ticks_of_ns(consumer, recorder->min_duration_ns);
	consumer->lanes = calloc(session->ring_count, sizeof(*consumer->lanes));
	for (uint32_t i = 0; consumer->lanes && i < session->ring_count; i++) {
		consumer->lanes[i].capacity = session->geometry[i].capacity;
		consumer->lanes[i].slots_offset = session->geometry[i].slots_offset;
		largest = largest > session->geometry[i].capacity ? largest
								  : session->geometry[i].capacity;
	}
	consumer->scratch = malloc(largest / RECORD_SLOTS_SHARE * sizeof(struct slot));
	if (!consumer->lanes || !consumer->scratch) {
		return REEL_ENOMEM;
	}
	if (!is_native(consumer)) {
		return hosted_create(&consumer->target, recorder, consumer->min_duration_ticks,
			consumer->options.definitions, &consumer->hosted);
	}
	return 0;
}

int consumer_create(struct session *session, struct writer *writer,
	const struct consumer_options *options, struct consumer **consumer,
	struct reel_error *error)
{
	struct consumer *made = calloc(1, sizeof(*made));
	int status = made ? 0 : REEL_ENOMEM;

	*consumer = NULL;
	if (made) {
		made->session = session;
		made->writer = writer;
		made->options = *options;
		status = init(made);
		status = status < 0 ? status : consumer_sample_clock(made);
	}
	if (status < 0) {
		consumer_destroy(made);
		return reel_fail(
			error, status, "cannot start the consumer: %s", reel_status_str(status));
	}
	*consumer = made;
	return 0;
}

void consumer_destroy(struct consumer *consumer)
{
	if (!consumer) {
		return;
	}
	for (uint32_t i = 0; consumer->lanes && i < consumer->session->ring_count; i++) {
		lane_free_stream(&consumer->lanes[i]);
	}
	hosted_destroy(consumer->hosted);
	process_table_deinit(&consumer->table);
	free(consumer->lanes);
	free(consumer->scratch);
	free(consumer);
}

/* ---- going round ---- */

int64_t consumer_drain(struct consumer *consumer)
{
	uint64_t taken = 0;
	int status = consumer->target.status;
	bool eager = consumer->eager;

	consumer->eager = false;
	for (uint32_t i = 0; status == 0 && i < consumer->session->ring_count; i++) {
		status = lane_visit(consumer, i, eager, &taken);
	}
	if (status < 0) {
		consumer->target.status = status;
		return status;
	}
	return (int64_t)taken;
}

/* True when some ring holds enough to be worth draining now. */
static bool work_waits(const struct consumer *consumer)
{
	for (uint32_t i = 0; i < consumer->session->ring_count; i++) {
		const struct ring *ring = &consumer->session->rings[i];
		uint32_t state = atomic_load_explicit(&ring->state, memory_order_relaxed);
		const struct lane *lane = &consumer->lanes[i];
		uint64_t pos = atomic_load_explicit(&ring->producer_pos, memory_order_relaxed);

		if (state == RING_DONE || (state == RING_OPEN && !lane->damaged &&
						  pos - lane->pos >= lane->capacity / 4)) {
			return true;
		}
	}
	return false;
}

void consumer_sleep(struct consumer *consumer, uint64_t timeout_ns)
{
	_Atomic uint32_t *sleeps = &consumer->session->control->consumer_sleeps;
	struct timespec timeout = {
		.tv_sec = (time_t)(timeout_ns / 1000000000u),
		.tv_nsec = (long)(timeout_ns % 1000000000u),
	};

	/* Sequentially consistent, so that a producer either sees us sleep or we see its position.
	 */
	atomic_store(sleeps, 1);
	if (!consumer->eager && !work_waits(consumer)) {
		syscall(SYS_futex, sleeps, FUTEX_WAIT, 1, &timeout, NULL, 0);
	}
	atomic_store(sleeps, 0);
}
