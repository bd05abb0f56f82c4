/*
 * Library hosts' side of the consumer; see hosted.h. It takes definitions from their queue, puts
 * records that came in pieces together, finds each record's stream, keeps the order of streams that
 * moved between rings, and hands the events to the streams (hosted_stream.c).
 */
#include "hosted.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "grow.h"
#include "hosted_decode.h"
#include "hosted_stream.h"

/* Memory of all blocks together before some are written to make room. */
#define BUFFERED_BYTES_MAX ((size_t)16 << 20)

/* Age at which a block is written, in ns. */
#define BLOCK_AGE_MAX UINT64_C(1000000000)

/* A record that comes in pieces. */
struct pieces {
	struct slot *slots;
	uint32_t capacity;
	uint32_t count; /* slots that have come */
};

struct hosted {
	struct hosted_shared shared;
	struct definitions *definitions;
	struct decoder decoder;
	bool host_time;
	struct pieces *rings; /* by number of the ring */
	uint32_t ring_count, rings_capacity;
	struct hosted_stream **buckets; /* open streams by number; a power of two of them */
	uint32_t bucket_count, stream_count;
	struct hosted_stream *last; /* found last */
	size_t buffered_bytes;      /* memory of all streams' blocks, as last counted */
	struct event_read *reads;   /* scratch */
	uint32_t reads_capacity;
};

/* ---- streams ---- */

static struct hosted_stream **bucket_of(const struct hosted *hosted, uint32_t number)
{
	return &hosted->buckets[number & (hosted->bucket_count - 1)];
}

static struct hosted_stream *find_stream(struct hosted *hosted, uint32_t number)
{
	struct hosted_stream *stream = hosted->last;

	if (!stream || stream->number != number) {
		stream = *bucket_of(hosted, number);
		while (stream && stream->number != number) {
			stream = stream->next;
		}
		hosted->last = stream;
	}
	return stream;
}

/* Numbers are dense, so their low bits spread the streams evenly. */
static int grow_buckets(struct hosted *hosted)
{
	struct hosted_stream **old = hosted->buckets;
	uint32_t old_count = hosted->bucket_count;

	hosted->bucket_count = old_count ? old_count * 2 : 64;
	hosted->buckets = calloc(hosted->bucket_count, sizeof(struct hosted_stream *));
	if (!hosted->buckets) {
		hosted->buckets = old;
		hosted->bucket_count = old_count;
		return REEL_ENOMEM;
	}
	for (uint32_t i = 0; i < old_count; i++) {
		struct hosted_stream *next;

		for (struct hosted_stream *stream = old[i]; stream; stream = next) {
			struct hosted_stream **bucket = bucket_of(hosted, stream->number);

			next = stream->next;
			stream->next = *bucket;
			*bucket = stream;
		}
	}
	free(old);
	return 0;
}

static void remove_stream(struct hosted *hosted, struct hosted_stream *stream)
{
	struct hosted_stream **link = bucket_of(hosted, stream->number);

	while (*link != stream) {
		link = &(*link)->next;
	}
	*link = stream->next;
	hosted->last = NULL;
	hosted->stream_count--;
	hosted->buffered_bytes -= stream->buffered_bytes;
	hosted_stream_destroy(stream);
}

/* Calls `visit` for every open stream until one fails. */
static int for_each_stream(struct hosted *hosted,
	int (*visit)(struct hosted *hosted, struct hosted_stream *stream, void *user), void *user)
{
	int status = 0;

	for (uint32_t i = 0; i < hosted->bucket_count; i++) {
		struct hosted_stream *next;

		for (struct hosted_stream *stream = hosted->buckets[i]; stream && status == 0;
			stream = next) {
			next = stream->next;
			status = visit(hosted, stream, user);
		}
	}
	return status;
}

/* ---- memory of blocks ---- */

static void count_bytes(struct hosted *hosted, struct hosted_stream *stream)
{
	size_t bytes = hosted_stream_bytes(stream);

	hosted->buffered_bytes += bytes - stream->buffered_bytes;
	stream->buffered_bytes = bytes;
}

static int release_stream(struct hosted *hosted, struct hosted_stream *stream)
{
	int status = hosted_stream_release(stream);

	stream->block_since = 0;
	count_bytes(hosted, stream);
	return status;
}

static int release_if_large(struct hosted *hosted, struct hosted_stream *stream, void *user)
{
	const size_t *least = user;

	return stream->buffered_bytes >= *least ? release_stream(hosted, stream) : 0;
}

/* Writes the blocks that take more than half of the average: more than half of the memory. */
static int make_room(struct hosted *hosted)
{
	size_t least = hosted->buffered_bytes / hosted->stream_count / 2;

	return for_each_stream(hosted, release_if_large, &least);
}

/* ---- definitions ---- */

static unsigned function_flags(const struct reel_function *function)
{
	bool has_words = function->param_count > 0 || function->result_count > 0;

	return (function->is_listened ? FUNCTION_IS_LISTENED : 0u) |
	       (has_words ? FUNCTION_HAS_WORDS : 0u);
}

static int define_function(struct hosted *hosted, const struct reel_function *function)
{
	struct hosted_shared *shared = &hosted->shared;
	uint8_t *functions = grow(shared->functions, &shared->function_capacity,
		(size_t)shared->function_count + 1, sizeof(*functions));
	uint32_t id;
	int status;

	if (!functions) {
		return REEL_ENOMEM;
	}
	shared->functions = functions;
	functions[shared->function_count] = (uint8_t)function_flags(function);
	status = writer_define_function(shared->target->writer, function, &id);
	shared->function_count += status == 0;
	return status;
}

static int open_stream(struct hosted *hosted, const struct definition *definition)
{
	struct hosted_stream *stream;
	int status = 0;

	if (hosted->stream_count >= hosted->bucket_count) {
		status = grow_buckets(hosted);
	}
	if (status == 0) {
		status = hosted_stream_create(
			&hosted->shared, definition->stream, definition->info.id, &stream);
	}
	if (status < 0) {
		return status;
	}
	stream->next = *bucket_of(hosted, stream->number);
	*bucket_of(hosted, stream->number) = stream;
	hosted->stream_count++;
	return writer_define_stream(hosted->shared.target->writer, &definition->info);
}

/* Ends a stream whose end was announced, once all of its records have come. */
static int end_if_consumed(struct hosted *hosted, struct hosted_stream *stream)
{
	const struct stream_end *end = &stream->end;
	int status;

	if (!stream->ends || stream->consumed < end->sequence) {
		return 0;
	}
	status = hosted_stream_lose(stream, end->ticks, &end->lost);
	if (status == 0) {
		status = hosted_stream_end(stream, end->ticks, end->reason);
	}
	remove_stream(hosted, stream);
	return status;
}

static int announce_end(struct hosted *hosted, const struct definition *definition)
{
	struct hosted_stream *stream = find_stream(hosted, definition->stream);

	if (!stream) {
		return 0;
	}
	stream->ends = true;
	stream->end = definition->end;
	return end_if_consumed(hosted, stream);
}

static int take_definition(struct hosted *hosted, const struct definition *definition)
{
	switch (definition->kind) {
	case DEFINITION_FUNCTION:
		return define_function(hosted, definition->function);
	case DEFINITION_MODULE:
		return writer_define_module(hosted->shared.target->writer, &definition->module);
	case DEFINITION_STREAM:
		return open_stream(hosted, definition);
	case DEFINITION_STREAM_END:
		return announce_end(hosted, definition);
	}
	return 0;
}

/* Takes what was defined since the last time. What a record names was defined before it. */
static int take_definitions(struct hosted *hosted)
{
	const struct definition *definition;
	int status = hosted->shared.target->status;

	while (status == 0 && (definition = definitions_take(hosted->definitions))) {
		status = take_definition(hosted, definition);
	}
	return status;
}

/* ---- events ---- */

static int intern(struct hosted *hosted, const void *bytes, uint64_t size, uint32_t *blob)
{
	return writer_intern_blob(hosted->shared.target->writer, bytes, size, blob);
}

static int take_capture(
	struct hosted *hosted, const struct decoded *decoded, struct event_capture *capture)
{
	struct event_read *reads = grow(hosted->reads, &hosted->reads_capacity,
		(size_t)decoded->read_count + 1, sizeof(*reads));
	int status = reads ? 0 : REEL_ENOMEM;

	hosted->reads = reads ? reads : hosted->reads;
	for (uint32_t i = 0; status == 0 && i < decoded->read_count; i++) {
		const struct decoded_read *read = &decoded->reads[i];

		reads[i] = (struct event_read){read->offset, read->length, NO_ID};
		if (read->bytes) {
			status = intern(hosted, read->bytes, read->length, &reads[i].blob);
		}
	}
	*capture = (struct event_capture){
		.has_memory_size = decoded->has_memory_size,
		.memory_size_bytes = decoded->memory_size_bytes,
		.globals = decoded->globals,
		.global_count = decoded->global_count,
		.reads = reads,
		.read_count = decoded->read_count,
	};
	return status;
}

static int take_error(struct hosted *hosted, struct hosted_stream *stream,
	const struct decoded *decoded, struct event *event)
{
	int status = 0;

	event->error_kind = (enum reel_abort_kind)decoded->abort_kind;
	event->error_full_length = decoded->full_length;
	if (event->error_kind == REEL_ABORT_REPAIRED) {
		/* The reason says it all; a host that gave none had something unwound. */
		event->repaired = event->repaired ? event->repaired : REEL_REASON_UNWOUND;
		event->error_full_length = 0;
		return 0;
	}
	if (!decoded->has_same_text) {
		status = intern(hosted, decoded->words, decoded->size, &stream->error);
	}
	event->error = stream->error;
	return status;
}

static int take_before(
	struct hosted_stream *stream, const struct decoded *decoded, struct event *event)
{
	event->kind = EVENT_BEFORE;
	event->values = decoded->words;
	event->value_count = (uint32_t)(decoded->size / sizeof(uint64_t));
	return hosted_stream_before(stream, event, &decoded->shown);
}

static int take_after(
	struct hosted_stream *stream, const struct decoded *decoded, struct event *event)
{
	event->kind = EVENT_AFTER;
	event->values = decoded->words;
	event->value_count = (uint32_t)(decoded->size / sizeof(uint64_t));
	return hosted_stream_exit(stream, event);
}

static int take_abort(struct hosted *hosted, struct hosted_stream *stream,
	const struct decoded *decoded, struct event *event)
{
	int status = take_error(hosted, stream, decoded, event);

	event->kind = EVENT_ABORT;
	return status < 0 ? status : hosted_stream_exit(stream, event);
}

static int take_call(struct hosted *hosted, struct hosted_stream *stream,
	const struct decoded *decoded, struct event *event)
{
	int status = 0;

	event->kind = decoded->kind == RECORD_CALL_BEGIN ? EVENT_CALL_BEGIN : EVENT_CALL_END;
	if (decoded->size > 0) {
		status = intern(hosted, decoded->words, decoded->size, &event->text);
	}
	return status < 0 ? status : hosted_stream_mark(stream, event);
}

static int take_gap(
	struct hosted_stream *stream, const struct decoded *decoded, struct event *event)
{
	event->kind = EVENT_GAP;
	event->lost = decoded->size >= sizeof(uint64_t) ? decoded->words[0] : 0;
	return hosted_stream_mark(stream, event);
}

static int take_event(
	struct hosted *hosted, struct hosted_stream *stream, const struct decoded *decoded)
{
	struct event_capture capture;
	struct event event = {
		.repaired = (enum reel_reason)decoded->reason,
		.ticks = decoded->ticks,
		.site = NO_ID,
		.function = decoded->kind <= RECORD_ABORT ? decoded->function : NO_ID,
		.module = decoded->module,
		.error = NO_ID,
		.text = NO_ID,
	};

	if (decoded->has_capture) {
		int status = take_capture(hosted, decoded, &capture);

		if (status < 0) {
			return status;
		}
		event.capture = &capture;
	}
	switch (decoded->kind) {
	case RECORD_BEFORE:
		return take_before(stream, decoded, &event);
	case RECORD_AFTER:
		return take_after(stream, decoded, &event);
	case RECORD_ABORT:
		return take_abort(hosted, stream, decoded, &event);
	case RECORD_CALL_BEGIN:
	case RECORD_CALL_END:
		return take_call(hosted, stream, decoded, &event);
	default:
		return take_gap(stream, decoded, &event);
	}
}

/* ---- records ---- */

/* A record in one piece. One that makes no sense is passed over: somebody scribbled on it. */
static int take_record(struct hosted *hosted, const struct slot *record, uint64_t slot_count)
{
	struct decoded decoded;
	struct hosted_stream *stream;
	int status = decode_record(&hosted->decoder, record, slot_count, &decoded);

	if (status < 0) {
		return status == REEL_EDAMAGED ? 0 : status;
	}
	stream = find_stream(hosted, decoded.stream);
	if (!stream || (decoded.kind <= RECORD_ABORT &&
			       decoded.function >= hosted->shared.function_count)) {
		return 0;
	}
	if (decoded.has_sequence && stream->consumed < decoded.sequence) {
		return HOSTED_STALL;
	}
	stream->consumed++;
	if (decoded.has_lost) {
		status = hosted_stream_lose(stream, decoded.ticks, &decoded.lost);
	}
	if (status == 0) {
		status = take_event(hosted, stream, &decoded);
	}
	count_bytes(hosted, stream);
	return status < 0 ? status : end_if_consumed(hosted, stream);
}

static struct pieces *pieces_of(struct hosted *hosted, uint32_t ring)
{
	struct pieces *rings;

	if (ring < hosted->ring_count) {
		return &hosted->rings[ring];
	}
	rings = grow(hosted->rings, &hosted->rings_capacity, (size_t)ring + 1, sizeof(*rings));
	if (!rings) {
		return NULL;
	}
	memset(rings + hosted->ring_count, 0, (ring + 1 - hosted->ring_count) * sizeof(*rings));
	hosted->rings = rings;
	hosted->ring_count = ring + 1;
	return &rings[ring];
}

/* One piece of a record; the last one has the whole record consumed. */
static int take_piece(
	struct hosted *hosted, uint32_t ring, const struct slot *record, uint64_t slot_count)
{
	struct pieces *pieces = pieces_of(hosted, ring);
	uint64_t first = record->words[0];
	uint64_t total = record->words[1];
	uint64_t count = slot_count - 1;
	struct slot *slots;
	int status;

	if (!pieces) {
		return REEL_ENOMEM;
	}
	pieces->count = first == 0 ? 0 : pieces->count;
	if (first != pieces->count || total > HOSTED_SLOTS_MAX || count == 0 || first > total ||
		count > total - first) {
		pieces->count = 0;
		return 0;
	}
	slots = grow(pieces->slots, &pieces->capacity, first + count, sizeof(*slots));
	if (!slots) {
		return REEL_ENOMEM;
	}
	pieces->slots = slots;
	memcpy(slots + first, record + 1, count * sizeof(*slots));
	if (first + count < total) {
		pieces->count = (uint32_t)(first + count);
		return 0;
	}
	status = take_record(hosted, slots, total);
	if (status != HOSTED_STALL) {
		*pieces = (struct pieces){0};
		free(slots);
	}
	return status;
}

int hosted_consume(
	struct hosted *hosted, uint32_t ring, const struct slot *record, uint64_t slot_count)
{
	int status = take_definitions(hosted);

	if (status < 0 || slot_count == 0) {
		return status;
	}
	if (record_kind(record) == RECORD_CHUNK) {
		status = take_piece(hosted, ring, record, slot_count);
	} else {
		status = take_record(hosted, record, slot_count);
	}
	if (status == 0 && hosted->buffered_bytes > BUFFERED_BYTES_MAX) {
		status = make_room(hosted);
	}
	return status;
}

/* ---- life ---- */

int hosted_create(struct emitter_target *target, const struct reel_recorder_options *options,
	uint64_t min_duration_ticks, struct definitions *definitions, struct hosted **hosted)
{
	struct hosted *made = calloc(1, sizeof(*made));
	int status = made ? grow_buckets(made) : REEL_ENOMEM;

	*hosted = NULL;
	if (status < 0) {
		free(made);
		return status;
	}
	made->shared.target = target;
	made->shared.walk = options->walk;
	made->shared.max_depth = options->max_depth;
	made->shared.min_duration_ticks = min_duration_ticks;
	made->definitions = definitions;
	made->host_time = options->host_time;
	*hosted = made;
	return 0;
}

static int drop_stream(struct hosted *hosted, struct hosted_stream *stream, void *user)
{
	(void)user;
	remove_stream(hosted, stream);
	return 0;
}

void hosted_destroy(struct hosted *hosted)
{
	if (!hosted) {
		return;
	}
	for_each_stream(hosted, drop_stream, NULL);
	for (uint32_t i = 0; i < hosted->ring_count; i++) {
		free(hosted->rings[i].slots);
	}
	decoder_deinit(&hosted->decoder);
	free(hosted->shared.functions);
	free(hosted->shared.aligned);
	free(hosted->shared.frames);
	free(hosted->shared.known);
	free(hosted->rings);
	free(hosted->buckets);
	free(hosted->reads);
	free(hosted);
}

/* ---- now and then ---- */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int release_if_old(struct hosted *hosted, struct hosted_stream *stream, void *user)
{
	const uint64_t *now = user;

	if (stream->buffered_bytes == 0) {
		return 0;
	}
	if (stream->block_since == 0) {
		stream->block_since = *now;
	}
	return *now - stream->block_since >= BLOCK_AGE_MAX ? release_stream(hosted, stream) : 0;
}

int hosted_flush_old(struct hosted *hosted)
{
	uint64_t now = now_ns();
	int status = take_definitions(hosted);

	/* A recording with a time of its own does not depend on how fast it is given. */
	if (status < 0 || hosted->host_time) {
		return status;
	}
	return for_each_stream(hosted, release_if_old, &now);
}

static int finish_stream(struct hosted *hosted, struct hosted_stream *stream, void *user)
{
	const enum reel_reason *reason = user;
	int status = 0;

	if (stream->ends) { /* and records of it will never come */
		status = hosted_stream_lose(stream, stream->end.ticks, &stream->end.lost);
	}
	if (status == 0) {
		status = hosted_stream_end(stream, stream->ticks, *reason);
	}
	remove_stream(hosted, stream);
	return status;
}

int hosted_finish(struct hosted *hosted, enum reel_reason reason)
{
	int status = take_definitions(hosted);

	return status < 0 ? status : for_each_stream(hosted, finish_stream, &reason);
}
