/*
 * Lanes: one ring each, from the thread that took it to its stream's end. Given what the program
 * wrote into the ring, of which nothing is believed: positions, sizes and kinds are checked, a lane
 * that makes no sense is damaged and read no further.
 */
#define _GNU_SOURCE
#include "consumer_state.h"

/* Event blocks hold fewer events when many streams are open, so that a replay needs bounded memory.
 */
#define OPEN_EVENTS_MAX (UINT64_C(4) << 20)
#define BLOCK_EVENTS_MIN (UINT32_C(1) << 10)

/* ---- streams ---- */

void lane_free_stream(struct lane *lane)
{
	if (lane->stream) {
		native_stream_deinit(lane->stream);
		free(lane->stream);
		lane->stream = NULL;
	}
}

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
	lane->lost_seen = lane->unwound_seen = 0;
	memset(lane->name, 0, sizeof(lane->name));
	consumer->open_streams++;
	share_block_events(consumer);
}

/* Makes the native stream of a lane once its process is known. */
int lane_start_stream(struct consumer *consumer, struct lane *lane, struct process *process)
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

/* Exits found no room: `total` of them so far. */
static int take_unwound(struct lane *lane, uint64_t ticks, uint64_t total)
{
	uint64_t count = total - lane->unwound_seen;

	lane->unwound_seen = total;
	return count ? native_stream_unwind(lane->stream, ticks, count) : 0;
}

/* Events were lost: `total` of them so far. */
static int take_lost(struct lane *lane, uint64_t ticks, uint64_t total)
{
	uint64_t count = total - lane->lost_seen;

	lane->lost_seen = total;
	return count ? native_stream_gap(lane->stream, ticks, count) : 0;
}

/* Ends the stream with what the thread had no room to tell. */
static int end_stream(struct lane *lane, const struct ring *ring, enum reel_reason reason)
{
	uint64_t ticks = lane->stream->last_ticks;
	int status = take_unwound(lane, ticks, ring->unwound);

	status = status < 0 ? status : take_lost(lane, ticks, ring->lost);
	return status < 0 ? status : native_stream_end(lane->stream, reason);
}

/* The thread's ring is drained and will not grow: ends its stream and frees the ring. */
int lane_close(struct consumer *consumer, uint32_t index, enum reel_reason reason)
{
	struct lane *lane = &consumer->lanes[index];
	struct ring *ring = &consumer->session->rings[index];
	int status = 0;

	if (ring->name[0]) {
		memcpy(lane->name, ring->name, sizeof(lane->name) - 1);
	}
	if (lane->stream) {
		status = define_stream(consumer, lane);
		status = status < 0 ? status : end_stream(lane, ring, reason);
		lane_free_stream(lane);
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

static const struct slot *lane_slots(const struct consumer *consumer, const struct lane *lane)
{
	return (const struct slot *)(consumer->session->base + lane->slots_offset);
}

/* The record of several slots at `pos`, in one piece. NULL: its size makes no sense. */
static const struct slot *whole_record(struct consumer *consumer, const struct lane *lane,
	uint64_t pos, uint64_t end, uint64_t *count)
{
	const struct slot *slots = lane_slots(consumer, lane);
	uint64_t mask = lane->capacity - 1;

	*count = record_slots(&slots[pos & mask]);
	if (*count == 0 || *count > end - pos || *count > lane->capacity / RECORD_SLOTS_SHARE) {
		return NULL;
	}
	for (uint64_t i = 0; i < *count; i++) {
		consumer->scratch[i] = slots[(pos + i) & mask];
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
	return lane_start_stream(consumer, lane, process);
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
		return take_lost(lane, record->words[0], record->words[1]);
	case RECORD_UNWIND:
		return take_unwound(lane, record->words[0], record->words[1]);
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
	return process ? lane_start_stream(consumer, lane, process) : 0;
}

int lane_look_ahead(void *user, struct process *process)
{
	struct consumer *consumer = user;
	struct lane *lane = consumer->draining;
	uint64_t pos = lane->ahead - lane->pos <= lane->capacity ? lane->ahead : lane->pos;
	uint64_t count = 1;
	uint64_t end;
	int status = 0;

	/* Not only what was there when the draining began: the program goes on telling. */
	if (!ring_peek(&consumer->session->rings[lane - consumer->lanes], lane->capacity, lane->pos,
		    &end)) {
		return 0;
	}
	for (; status == 0 && pos < end; pos += count) {
		const struct slot *first = &lane_slots(consumer, lane)[pos & (lane->capacity - 1)];
		const struct slot *record;

		count = 1;
		if (record_kind(first) <= RECORD_NATIVE_AFTER) {
			continue;
		}
		record = whole_record(consumer, lane, pos, end, &count);
		if (!record || record_kind(record) == RECORD_OBJECTS_CHANGE) {
			break; /* what follows is told of another time */
		}
		if (record_kind(record) == RECORD_OBJECT) {
			status = process_map_object(
				&consumer->table, process, record + 1, payload_size(record, count));
		}
	}
	lane->ahead = pos;
	return status;
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
		const struct slot *record = whole_record(consumer, lane, lane->pos, end, &count);

		if (!record) {
			lane->damaged = true;
			return 0;
		}
		status = take_native_record(consumer, lane, record, count);
		lane->pos += count;
	}
	return status;
}

static int drain_hosted(struct consumer *consumer, uint32_t index, uint64_t end)
{
	struct lane *lane = &consumer->lanes[index];

	while (lane->pos < end) {
		uint64_t count;
		const struct slot *record = whole_record(consumer, lane, lane->pos, end, &count);
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
int lane_drain(struct consumer *consumer, uint32_t index, bool eager, uint64_t *taken)
{
	struct lane *lane = &consumer->lanes[index];
	struct ring *ring = &consumer->session->rings[index];
	const struct slot *slots = lane_slots(consumer, lane);
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
	consumer->draining = lane;
	if (is_native(consumer)) {
		status = drain_native(consumer, lane, slots, end);
	} else {
		status = drain_hosted(consumer, index, end);
	}
	*taken += lane->pos - begin;
	if (lane->pos != begin) {
		ring_release(ring, lane->pos);
	}
	return status;
}

/* Looks at one ring: opens it, drains it, closes it when its thread said that it ended. */
int lane_visit(struct consumer *consumer, uint32_t index, bool eager, uint64_t *taken)
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
	status = lane_drain(consumer, index, eager || state == RING_DONE, taken);
	if (status == 0 && state == RING_DONE &&
		(lane->damaged ||
			(ring_peek(ring, lane->capacity, lane->pos, &end) && end == lane->pos))) {
		status = lane_close(consumer, index, REEL_REASON_EXIT);
	}
	return status;
}
