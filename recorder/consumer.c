/*
 * The consumer: goes round the session's rings, hands native records to native streams and hosted
 * ones to hosted.c, keeps the tables of processes and streams, and sleeps when there is nothing to
 * do. Everything in the session's memory is read once, checked, and then used from the copy.
 */
#define _GNU_SOURCE
#include "consumer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "hosted.h"
#include "native.h"
#include "process.h"

/* A record may take this part of its ring at most; more is nonsense. */
#define RECORD_SLOTS_SHARE 2

/* Event blocks hold fewer events when many streams are open, so that a replay needs bounded memory.
 */
#define OPEN_EVENTS_MAX (UINT64_C(4) << 20)
#define BLOCK_EVENTS_MIN (UINT32_C(1) << 10)

/* Streams that wait this long with events in their block have it written. */
#define FLUSH_NS UINT64_C(1000000000)

/* A ring as the consumer sees it. */
struct lane {
	bool in_use;  /* a thread owns it and its stream is open */
	uint64_t pos; /* consumed up to here */
	uint64_t capacity, slots_offset;
	uint32_t pid, tid, stream_id;
	uint64_t token;
	char name[16];
	bool damaged; /* the program scribbled on its positions: nothing more is read */
	struct native_stream *stream; /* native sessions, once its process is known */
	uint64_t flushed_events;      /* of the stream, when its block was last written */
};

struct consumer {
	struct session *session;
	struct writer *writer;
	struct consumer_options options;
	struct emitter_target target;
	struct process_table table;
	struct lane *lanes;
	struct hosted *hosted; /* library sessions only */
	struct slot *scratch;  /* a record that wraps, in one piece */
	bool eager;            /* take also what is little */
	bool filtered;
	uint64_t min_duration_ticks;
	uint64_t slots_taken, events;
	uint64_t last_flush_ns;
	uint32_t open_streams;
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static bool is_native(const struct consumer *consumer)
{
	return consumer->options.resolver != NULL;
}

static uint64_t read_ticks(const struct consumer *consumer)
{
	return consumer->session->control->clock == CLOCK_TSC ? __builtin_ia32_rdtsc()
							      : clock_ns(CLOCK_MONOTONIC);
}

static int sample_clock(struct consumer *consumer)
{
	if (consumer->session->control->clock == CLOCK_HOST) {
		return 0;
	}
	return writer_clock_sample(consumer->writer, read_ticks(consumer),
		clock_ns(CLOCK_MONOTONIC), clock_ns(CLOCK_REALTIME));
}

/* ns as ticks of the session's clock, measured when it is the TSC: only durations need it, so 20 ms
 * are exact enough. */
static uint64_t ticks_of_ns(const struct consumer *consumer, uint64_t ns)
{
	if (consumer->session->control->clock != CLOCK_TSC || ns == 0) {
		return ns;
	}
	uint64_t ticks = read_ticks(consumer);
	uint64_t begin = clock_ns(CLOCK_MONOTONIC);

	nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	ticks = read_ticks(consumer) - ticks;
	begin = clock_ns(CLOCK_MONOTONIC) - begin;
	return (uint64_t)((double)ns * (double)ticks / (double)begin);
}

/* ---- life ---- */

static int init(struct consumer *consumer)
{
	const struct session *session = consumer->session;
	const struct reel_recorder_options *recorder = consumer->options.recorder;
	uint64_t largest = 0;

	consumer->target = (struct emitter_target){.writer = consumer->writer,
		.codec = recorder->codec,
		.block_events = EMITTER_BLOCK_EVENTS};
	consumer->table.writer = consumer->writer;
	consumer->table.options = &consumer->options;
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
		status = status < 0 ? status : sample_clock(made);
	}
	if (status < 0) {
		consumer_destroy(made);
		return reel_fail(
			error, status, "cannot start the consumer: %s", reel_status_str(status));
	}
	*consumer = made;
	return 0;
}

static void free_stream(struct lane *lane)
{
	if (lane->stream) {
		native_stream_deinit(lane->stream);
		free(lane->stream);
		lane->stream = NULL;
	}
}

void consumer_destroy(struct consumer *consumer)
{
	if (!consumer) {
		return;
	}
	for (uint32_t i = 0; consumer->lanes && i < consumer->session->ring_count; i++) {
		free_stream(&consumer->lanes[i]);
	}
	hosted_destroy(consumer->hosted);
	process_table_deinit(&consumer->table);
	free(consumer->lanes);
	free(consumer->scratch);
	free(consumer);
}

/* ---- streams ---- */

static int define_stream(struct consumer *consumer, const struct lane *lane)
{
	const struct process *process = process_find(&consumer->table, lane->token);
	struct reel_stream_info info = {
		.id = lane->stream_id,
		.name = lane->name,
		.pid = lane->pid,
		.tid = lane->tid,
		.process = process ? process->name : "",
	};

	return writer_define_stream(consumer->writer, &info);
}

static void share_block_events(struct consumer *consumer)
{
	uint64_t events = consumer->open_streams ? OPEN_EVENTS_MAX / consumer->open_streams
						 : EMITTER_BLOCK_EVENTS;

	events = events > EMITTER_BLOCK_EVENTS ? EMITTER_BLOCK_EVENTS : events;
	consumer->target.block_events =
		events < BLOCK_EVENTS_MIN ? BLOCK_EVENTS_MIN : (uint32_t)events;
}

/* Takes note of a thread that opened a ring. */
static void open_lane(struct consumer *consumer, struct lane *lane, const struct ring *ring)
{
	lane->in_use = true;
	lane->pid = ring->pid;
	lane->tid = ring->tid;
	lane->stream_id = ring->stream;
	lane->token = ring->token;
	lane->damaged = false;
	lane->flushed_events = 0;
	memset(lane->name, 0, sizeof(lane->name));
	consumer->open_streams++;
	share_block_events(consumer);
}

/* Makes the native stream of a lane once its process is known. */
static int start_stream(struct consumer *consumer, struct lane *lane, struct process *process)
{
	struct native_stream *stream = malloc(sizeof(*stream));
	int status =
		stream ? native_stream_init(stream, &consumer->table, &consumer->target,
				 lane->stream_id, consumer->filtered, consumer->min_duration_ticks)
		       : REEL_ENOMEM;

	lane->stream = stream;
	if (status == 0) {
		stream->process = process;
		status = define_stream(consumer, lane);
	}
	return status;
}

/* The thread's ring is drained and will not grow: ends its stream and frees the ring. */
static int close_lane(struct consumer *consumer, uint32_t index, enum reel_reason reason)
{
	struct lane *lane = &consumer->lanes[index];
	struct ring *ring = &consumer->session->rings[index];
	int status = 0;

	if (ring->name[0]) {
		memcpy(lane->name, ring->name, sizeof(lane->name) - 1);
	}
	if (lane->stream) {
		status = define_stream(consumer, lane);
		status = status < 0 ? status : native_stream_end(lane->stream, reason);
		free_stream(lane);
	}
	lane->in_use = false;
	consumer->open_streams--;
	share_block_events(consumer);
	/* A ring that was scribbled on starts again where the producer says it is. */
	lane->pos = atomic_load_explicit(&ring->producer_pos, memory_order_relaxed);
	ring_release(ring, lane->pos);
	atomic_store_explicit(&ring->state, RING_FREE, memory_order_release);
	return status;
}

/* ---- records ---- */

/* A record of several slots in one piece. NULL: its size makes no sense. */
static const struct slot *whole_record(struct consumer *consumer, const struct lane *lane,
	const struct slot *slots, uint64_t end, uint64_t *count)
{
	uint64_t mask = lane->capacity - 1;
	const struct slot *first = &slots[lane->pos & mask];

	*count = record_slots(first);
	if (*count == 0 || *count > end - lane->pos ||
		*count > lane->capacity / RECORD_SLOTS_SHARE) {
		return NULL;
	}
	for (uint64_t i = 0; i < *count; i++) {
		consumer->scratch[i] = slots[(lane->pos + i) & mask];
	}
	return consumer->scratch;
}

/* Payload bytes of a record, never more than it has slots for. */
static uint64_t payload_size(const struct slot *record, uint64_t count)
{
	uint64_t room = (count - 1) * SLOT_SIZE;

	return record->words[3] < room ? record->words[3] : room;
}

static int take_process(
	struct consumer *consumer, struct lane *lane, const struct slot *record, uint64_t count)
{
	struct record_process payload;
	struct process *process = process_find(&consumer->table, lane->token);

	if (payload_size(record, count) < sizeof(payload)) {
		return 0;
	}
	memcpy(&payload, record + 1, sizeof(payload));
	if (!process) {
		process = process_add(&consumer->table, lane->token, lane->pid,
			process_find(&consumer->table, payload.parent_token));
	}
	if (!process) {
		return REEL_ENOMEM;
	}
	memcpy(process->name, payload.name, sizeof(process->name) - 1);
	if (lane->stream) {
		return define_stream(consumer, lane);
	}
	return start_stream(consumer, lane, process);
}

static int take_thread(
	struct consumer *consumer, struct lane *lane, const struct slot *record, uint64_t count)
{
	uint64_t size = payload_size(record, count);

	memcpy(lane->name, record + 1, size < sizeof(lane->name) ? size : sizeof(lane->name) - 1);
	return define_stream(consumer, lane);
}

static int take_native_record(
	struct consumer *consumer, struct lane *lane, const struct slot *record, uint64_t count)
{
	struct native_stream *stream = lane->stream;

	switch (record_kind(record)) {
	case RECORD_GAP:
		return native_stream_gap(stream, record->words[0], record->words[1]);
	case RECORD_UNWIND:
		return native_stream_unwind(stream, record->words[0], record->words[1]);
	case RECORD_PROCESS:
		return take_process(consumer, lane, record, count);
	case RECORD_OBJECT:
		return process_map_object(
			&consumer->table, stream->process, record + 1, payload_size(record, count));
	case RECORD_OBJECTS_CHANGE:
		process_objects_changed(stream->process);
		return 0;
	case RECORD_THREAD:
		return take_thread(consumer, lane, record, count);
	case RECORD_EXIT:
		stream->process->exited = true;
		return 0;
	default:
		return 0; /* nonsense from a program that scribbled */
	}
}

/* The lane's stream; NULL with 0 while its process is not known yet: another ring tells of it. */
static int find_stream(struct consumer *consumer, struct lane *lane, const struct slot *first)
{
	struct process *process = process_find(&consumer->table, lane->token);

	if (lane->stream || (!process && record_kind(first) == RECORD_PROCESS)) {
		return 0;
	}
	return process ? start_stream(consumer, lane, process) : 0;
}

/* Takes native records up to `end`. */
static int drain_native(
	struct consumer *consumer, struct lane *lane, const struct slot *slots, uint64_t end)
{
	uint64_t mask = lane->capacity - 1;
	int status = find_stream(consumer, lane, &slots[lane->pos & mask]);

	while (status == 0 && lane->pos < end) {
		const struct slot *first = &slots[lane->pos & mask];
		uint64_t count;

		if (record_kind(first) <= RECORD_NATIVE_AFTER) {
			if (!lane->stream) {
				return 0;
			}
			uint64_t before = lane->stream->event_count;

			status = native_stream_consume(lane->stream, slots, mask, &lane->pos, end);
			consumer->events += lane->stream->event_count - before;
			continue;
		}
		if (!lane->stream && record_kind(first) != RECORD_PROCESS) {
			return 0;
		}
		const struct slot *record = whole_record(consumer, lane, slots, end, &count);

		if (!record) {
			lane->damaged = true;
			return 0;
		}
		status = take_native_record(consumer, lane, record, count);
		lane->pos += count;
	}
	return status;
}

static int drain_hosted(
	struct consumer *consumer, uint32_t index, const struct slot *slots, uint64_t end)
{
	struct lane *lane = &consumer->lanes[index];

	while (lane->pos < end) {
		uint64_t count;
		const struct slot *record = whole_record(consumer, lane, slots, end, &count);
		int status;

		if (!record) {
			lane->damaged = true;
			return 0;
		}
		status = hosted_consume(consumer->hosted, index, record, count);
		if (status == HOSTED_STALL) {
			/* What it waits for is in another ring, and may be little. */
			consumer->eager = true;
			return 0;
		}
		if (status < 0) {
			return status;
		}
		lane->pos += count;
		consumer->events++;
	}
	return 0;
}

/* Drains one ring; *taken grows by the slots. */
static int drain_lane(struct consumer *consumer, uint32_t index, bool eager, uint64_t *taken)
{
	struct lane *lane = &consumer->lanes[index];
	struct ring *ring = &consumer->session->rings[index];
	const struct slot *slots =
		(const struct slot *)(consumer->session->base + lane->slots_offset);
	uint64_t begin = lane->pos;
	uint64_t end;
	int status;

	if (!ring_peek(ring, lane->capacity, lane->pos, &end)) {
		lane->damaged = true;
	}
	/* Far behind the producer: a line that it is writing would move between the cores for every
	 * slot. */
	if (lane->damaged || end == begin || (!eager && end - begin < lane->capacity / 4)) {
		return 0;
	}
	if (is_native(consumer)) {
		status = drain_native(consumer, lane, slots, end);
	} else {
		status = drain_hosted(consumer, index, slots, end);
	}
	*taken += lane->pos - begin;
	if (lane->pos != begin) {
		ring_release(ring, lane->pos);
	}
	return status;
}

/* Looks at one ring: opens it, drains it, closes it when its thread said that it ended. */
static int visit(struct consumer *consumer, uint32_t index, bool eager, uint64_t *taken)
{
	struct lane *lane = &consumer->lanes[index];
	struct ring *ring = &consumer->session->rings[index];
	/* Acquire: what the thread wrote before it opened the ring or was done with it. */
	uint32_t state = atomic_load_explicit(&ring->state, memory_order_acquire);
	uint64_t end;
	int status;

	if (state != RING_OPEN && state != RING_DONE) {
		return 0;
	}
	if (!lane->in_use) {
		open_lane(consumer, lane, ring);
	}
	status = drain_lane(consumer, index, eager || state == RING_DONE, taken);
	if (status == 0 && state == RING_DONE &&
		(lane->damaged ||
			(ring_peek(ring, lane->capacity, lane->pos, &end) && end == lane->pos))) {
		status = close_lane(consumer, index, REEL_REASON_EXIT);
	}
	return status;
}

int64_t consumer_drain(struct consumer *consumer)
{
	uint64_t taken = 0;
	int status = consumer->target.status;
	bool eager = consumer->eager;

	consumer->eager = false;
	for (uint32_t i = 0; status == 0 && i < consumer->session->ring_count; i++) {
		status = visit(consumer, i, eager, &taken);
	}
	consumer->slots_taken += taken;
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

/* ---- housekeeping ---- */

/* The state letter of /proc/.../stat, or 0 when there is no such thread or process (or it may not
 * be seen: then it lives). */
static bool is_dead(const char *path)
{
	char text[512];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		return errno == ENOENT || errno == ESRCH;
	}
	ssize_t size = read(fd, text, sizeof(text) - 1);

	close(fd);
	if (size <= 0) {
		return true; /* it went away in between */
	}
	text[size] = '\0';
	const char *paren = strrchr(text, ')');
	return paren && (strncmp(paren, ") Z", 3) == 0 || strncmp(paren, ") X", 3) == 0);
	return paren && (strncmp(paren, ") Z", 3) == 0 || strncmp(paren, ") X", 3) == 0);
}

static bool process_dead(uint32_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/stat", pid);
	return is_dead(path);
}

static bool thread_dead(uint32_t pid, uint32_t tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/task/%" PRIu32 "/stat", pid, tid);
	return is_dead(path);
}

/* True when a younger entry has the same pid: the process called exec and its old image is gone. */
static bool replaced(const struct session_control *control, uint32_t pid, uint64_t token)
{
	for (uint32_t i = 0; i < SESSION_PROCESS_COUNT; i++) {
		const struct session_process *entry = &control->processes[i];

		if (atomic_load(&entry->state) == PROCESS_LIVE && entry->pid == pid &&
			entry->token > token) {
			return true;
		}
	}
	return false;
}

/* Ends a lane whose thread is gone without having said so. */
static int bury(struct consumer *consumer, uint32_t index, bool whole_process, bool exec)
{
	struct lane *lane = &consumer->lanes[index];
	uint64_t taken = 0;
	int status = drain_lane(consumer, index, true, &taken);

	if (status == 0 && whole_process &&
		!lane->stream) { /* nobody told of its process, and nobody will */
		struct process *process =
			process_add(&consumer->table, lane->token, lane->pid, NULL);

		status = process ? drain_lane(consumer, index, true, &taken) : REEL_ENOMEM;
	}
	const struct process *process = process_find(&consumer->table, lane->token);
	bool ended = exec || !whole_process || (process && process->exited);

	return status < 0
		       ? status
		       : close_lane(consumer, index, ended ? REEL_REASON_EXIT : REEL_REASON_KILLED);
}

static int tend_lanes(struct consumer *consumer)
{
	int status = 0;

	/* Lanes of a process that exited may tell so in any of its rings: drain them all before any
	 * is judged. */
	consumer->eager = true;
	if (consumer_drain(consumer) < 0) {
		return consumer->target.status;
	}
	for (uint32_t i = 0; status == 0 && i < consumer->session->ring_count; i++) {
		struct lane *lane = &consumer->lanes[i];

		if (!lane->in_use) {
			continue;
		}
		bool exec = replaced(consumer->session->control, lane->pid, lane->token);
		bool gone = exec || process_dead(lane->pid);

		if (gone || thread_dead(lane->pid, lane->tid)) {
			status = bury(consumer, i, gone, exec);
		}
	}
	return status;
}

static bool has_lanes(const struct consumer *consumer, uint64_t token)
{
	for (uint32_t i = 0; i < consumer->session->ring_count; i++) {
		if (consumer->lanes[i].in_use && consumer->lanes[i].token == token) {
			return true;
		}
	}
	return false;
}

/* Frees the entries of processes that are gone; returns how many live. */
static uint32_t tend_processes(struct consumer *consumer)
{
	struct session_control *control = consumer->session->control;
	uint32_t live = 0;

	for (uint32_t i = 0; i < SESSION_PROCESS_COUNT; i++) {
		struct session_process *entry = &control->processes[i];

		if (atomic_load_explicit(&entry->state, memory_order_acquire) != PROCESS_LIVE) {
			continue;
		}
		if (!replaced(control, entry->pid, entry->token) && !process_dead(entry->pid)) {
			live++;
		} else if (!has_lanes(consumer, entry->token)) {
			struct process *process = process_find(&consumer->table, entry->token);

			if (process) {
				process_remove(&consumer->table, process);
			}
			atomic_store(&entry->state, PROCESS_FREE);
		}
	}
	return live;
}

/* Writes the blocks of streams that had events but have rested since the last time. */
static int flush_resting(struct consumer *consumer)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	int status = 0;

	if (now - consumer->last_flush_ns < FLUSH_NS) {
		return 0;
	}
	consumer->last_flush_ns = now;
	if (consumer->hosted) {
		return hosted_flush_old(consumer->hosted);
	}
	for (uint32_t i = 0; status == 0 && i < consumer->session->ring_count; i++) {
		struct lane *lane = &consumer->lanes[i];

		if (lane->stream && lane->stream->event_count != lane->flushed_events) {
			lane->flushed_events = lane->stream->event_count;
			status = native_stream_flush(lane->stream);
		}
	}
	return status;
}

uint32_t consumer_tend(struct consumer *consumer)
{
	int status = consumer->target.status;

	consumer->eager = true;
	if (status == 0 && is_native(consumer)) {
		status = tend_lanes(consumer);
	}
	status = status < 0 ? status : flush_resting(consumer);
	status = status < 0 ? status : sample_clock(consumer);
	if (status < 0) {
		consumer->target.status = status;
	}
	return is_native(consumer) ? tend_processes(consumer) : 1;
}

/* Events of threads that never got a ring, in a stream of their own. */
static int tell_lost_without_ring(struct consumer *consumer)
{
	struct session_control *control = consumer->session->control;
	uint64_t lost = atomic_load(&control->lost_without_ring);
	struct lane lane = {
		.stream_id = atomic_fetch_add(&control->next_stream, 1), .name = "no ring"};
	int status;

	if (lost == 0) {
		return 0;
	}
	status = start_stream(consumer, &lane, NULL);
	status = status < 0 ? status : native_stream_gap(lane.stream, read_ticks(consumer), lost);
	status = status < 0 ? status : native_stream_end(lane.stream, REEL_REASON_LOST);
	free_stream(&lane);
	return status;
}

int consumer_finish(struct consumer *consumer, enum reel_reason reason)
{
	int status = 0;

	do {
		consumer->eager = true;
	} while (consumer_drain(consumer) > 0);
	status = consumer->target.status;
	for (uint32_t i = 0; status == 0 && i < consumer->session->ring_count; i++) {
		struct lane *lane = &consumer->lanes[i];

		if (lane->in_use) {
			const struct process *process = process_find(&consumer->table, lane->token);

			status = close_lane(consumer, i,
				process && process->exited ? REEL_REASON_EXIT : reason);
		}
	}
	if (status == 0 && consumer->hosted) {
		status = hosted_finish(consumer->hosted, reason);
	}
	if (status == 0 && is_native(consumer)) {
		status = tell_lost_without_ring(consumer);
	}
	return status < 0 ? status : sample_clock(consumer);
}

uint64_t consumer_event_count(const struct consumer *consumer)
{
	return consumer->events;
}
