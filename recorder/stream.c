/*
 * The hot calls of a stream: each makes one record and publishes it in the calling thread's ring.
 *
 * The stream keeps a shadow of its open calls, only to know how far down a before must walk, and
 * what is lost when a record finds no room. It need not be right: pairing is the consumer's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <xxhash.h>

#include "grow.h"
#include "recorder_state.h"

#define CALL_FRAME() __builtin_frame_address(0)

/* Activations that a stream has room for from the beginning. */
#define SHADOW_CALLS 32u

#define NOTHING_LOST ((struct lost_events){0, UINT64_MAX, UINT32_MAX})

/* ---- the shadow ---- */

int stream_init(struct reel_recorder_stream *stream)
{
	struct shadow_call *shadow =
		grow(stream->shadow, &stream->shadow_capacity, SHADOW_CALLS, sizeof(*shadow));
	uint32_t *calls =
		grow(stream->calls, &stream->calls_capacity, SHADOW_CALLS, sizeof(*calls));

	stream->shadow = shadow ? shadow : stream->shadow;
	stream->calls = calls ? calls : stream->calls;
	stream->time_ns = 0;
	stream->producer = 0;
	stream->sequence = 0;
	stream->before_count = 0;
	stream->depth = 0;
	stream->call_count = 0;
	stream->is_skipping = false;
	stream->has_lost = false;
	stream->lost = NOTHING_LOST;
	stream->has_error = false;
	param_stack_cut(&stream->params, 0);
	return shadow && calls ? 0 : REEL_ENOMEM;
}

/* A call that finds no memory here is not known to be open, which costs others a longer walk. */
static void push_call(struct reel_recorder_stream *stream, const struct shadow_call *call)
{
	if (stream->depth == stream->shadow_capacity) {
		int saved_errno = errno;
		struct shadow_call *shadow = grow(stream->shadow, &stream->shadow_capacity,
			(size_t)stream->depth + 1, sizeof(*shadow));

		errno = saved_errno;
		if (!shadow) {
			return;
		}
		stream->shadow = shadow;
	}
	stream->shadow[stream->depth++] = *call;
}

uint32_t stream_find_call(
	const struct reel_recorder_stream *stream, const struct reel_function *function)
{
	uint32_t count = stream->depth;

	while (count > 0 && stream->shadow[count - 1].function != function) {
		count--;
	}
	return count;
}

static uint32_t call_floor(const struct reel_recorder_stream *stream)
{
	return stream->call_count ? stream->calls[stream->call_count - 1] : 0;
}

static void truncate_calls(struct reel_recorder_stream *stream, uint32_t depth)
{
	stream->depth = depth;
	if (call_floor(stream) > depth) {
		stream->calls[stream->call_count - 1] = depth;
	}
}

static void push_top_level(struct reel_recorder_stream *stream)
{
	int saved_errno = errno;
	uint32_t *calls = grow(stream->calls, &stream->calls_capacity,
		(size_t)stream->call_count + 1, sizeof(*calls));

	errno = saved_errno;
	if (calls) {
		stream->calls = calls;
		calls[stream->call_count++] = stream->depth;
	}
}

static void pop_top_level(struct reel_recorder_stream *stream)
{
	uint32_t floor = call_floor(stream);

	stream->depth = floor;
	if (stream->call_count > 0) {
		stream->call_count--;
		truncate_calls(stream, floor);
	}
}

/* ---- what is lost ---- */

static void lose(struct reel_recorder_stream *stream, uint64_t events)
{
	stream->lost.count += events;
	stream->has_lost = true;
}

/* A before or a top-level call's begin finds no room: all that is in it is left out. */
static void begin_skip(struct reel_recorder_stream *stream)
{
	stream->is_skipping = true;
	stream->skip_depth = stream->depth;
	stream->skip_calls = stream->call_count;
}

static void end_skip_if_over(struct reel_recorder_stream *stream)
{
	if (stream->depth <= stream->skip_depth && stream->call_count <= stream->skip_calls) {
		stream->is_skipping = false;
	}
}

/* Activations from `depth` on are gone without a record that says so. */
static void lose_exit(struct reel_recorder_stream *stream, uint32_t depth)
{
	if (depth < stream->depth && stream->shadow[depth].number < stream->lost.before) {
		stream->lost.before = stream->shadow[depth].number;
	}
	stream->has_lost = true;
}

/* Counts an exit that belongs to what is skipped; false when it belongs to a call outside. */
static bool skip_exit(struct reel_recorder_stream *stream, uint32_t count)
{
	if (count > 0 && count <= stream->skip_depth) {
		stream->is_skipping = false;
		return false;
	}
	lose(stream, 1);
	if (count > 0) {
		truncate_calls(stream, count - 1);
		end_skip_if_over(stream);
	}
	return true;
}

/* ---- records ---- */

/* What is handed from the beginning of a record to its end. */
struct making {
	struct producer *producer; /* NULL: the record cannot be made */
	uint64_t word1;
	uint64_t module_bits;
	uint64_t flags;
	enum hosted_kind kind;
	bool failed; /* memory was short */
};

static uint64_t read_ticks(const struct reel_recorder_stream *stream)
{
	struct timespec now;

	switch (stream->recorder->clock) {
	case CLOCK_TSC:
		return __builtin_ia32_rdtsc();
	case CLOCK_HOST:
		return stream->time_ns;
	case CLOCK_MONO:
		break;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t *put(struct making *making, size_t count)
{
	uint64_t *words = making->failed ? NULL : producer_put(making->producer, count);

	making->failed = words == NULL;
	return words;
}

static void put_word(struct making *making, uint64_t word)
{
	uint64_t *words = put(making, 1);

	if (words) {
		*words = word;
	}
}

/* `size` bytes, filled up to whole words. */
static void put_bytes(struct making *making, const void *bytes, size_t size)
{
	uint64_t *words = put(making, size / sizeof(*words) + (size % sizeof(*words) != 0));

	if (words && size > 0) {
		memcpy(words, bytes, size);
	}
}

/* What is in front of every record's payload when the stream comes from elsewhere or has lost
 * something. */
static void put_prefix(struct making *making, const struct reel_recorder_stream *stream)
{
	if (stream->producer != making->producer->serial && stream->sequence > 0) {
		making->flags |= HOSTED_SWITCH;
		put_word(making, stream->sequence);
	}
	if (stream->has_lost) {
		making->flags |= HOSTED_LOST;
		put_word(making, stream->lost.count);
		put_word(making, stream->lost.before);
		put_word(making, stream->lost.calls);
	}
}

static void begin_record(struct making *making, struct reel_recorder_stream *stream,
	struct producer *producer, enum hosted_kind kind)
{
	*making = (struct making){
		.producer = producer,
		.word1 = hosted_word1(stream->number, 0, 0, 0),
		.module_bits = HOSTED_NO_MODULE,
		.kind = kind,
	};
	producer->word_count = 0;
	/* A spare slot for producer_publish(), and the header. */
	uint64_t *words = put(making, 2 * HOSTED_WORDS_PER_SLOT);

	words[HOSTED_WORDS_PER_SLOT] = read_ticks(stream);
	put_prefix(making, stream);
}

static void begin_event(struct making *making, struct reel_recorder_stream *stream,
	struct producer *producer, enum hosted_kind kind, const struct recorded_event *event)
{
	begin_record(making, stream, producer, kind);
	making->word1 = hosted_word1(
		stream->number, event->handle->definition.id, (uint32_t)event->reason, 0);
	if (event->module_id < HOSTED_MODULE_WORD) {
		making->module_bits = event->module_id;
	} else if (event->module_id != REEL_NO_MODULE) {
		making->module_bits = HOSTED_MODULE_WORD;
		put_word(making, event->module_id);
	}
}

/* Publishes the record, whose last word has `unused` bytes behind its payload. */
static bool end_record(struct making *making, struct reel_recorder_stream *stream, size_t unused)
{
	struct producer *producer = making->producer;
	uint64_t *header = producer->words + HOSTED_WORDS_PER_SLOT;

	if (making->failed) {
		return false;
	}
	header[1] = making->word1;
	header[2] = hosted_word2(0, making->module_bits, making->kind, making->flags);
	header[3] = (producer->word_count - 2 * HOSTED_WORDS_PER_SLOT) * sizeof(*header) - unused;
	if (!producer_publish(producer)) {
		return false;
	}
	stream->sequence++;
	stream->producer = producer->serial;
	if (making->flags & HOSTED_LOST) {
		stream->has_lost = false;
		stream->lost = NOTHING_LOST;
	}
	return true;
}

/* ---- parts of records ---- */

static void put_read(struct making *making, const struct reel_captured_read *read)
{
	put_word(making, read->offset);
	put_word(making, read->length);
	put_word(making, read->bytes != NULL);
	if (read->bytes) {
		put_bytes(making, read->bytes, read->length);
	}
}

static void put_capture(struct making *making, const struct reel_capture *capture)
{
	if (!capture) {
		return;
	}
	if (capture->global_count > UINT32_MAX || capture->read_count > UINT32_MAX) {
		making->failed = true;
		return;
	}
	making->flags |= HOSTED_CAPTURE;
	put_word(making, capture->global_count | (uint64_t)capture->read_count << 32);
	put_word(making, capture->has_memory_size);
	put_word(making, capture->memory_size_bytes);
	for (size_t i = 0; i < capture->global_count; i++) {
		put_word(making, capture->globals[i].index);
		put_word(making, capture->globals[i].words[0]);
		put_word(making, capture->globals[i].words[1]);
	}
	for (size_t i = 0; i < capture->read_count && !making->failed; i++) {
		put_read(making, &capture->reads[i]);
	}
}

static void put_values(struct making *making, const uint64_t *values, uint32_t count)
{
	uint64_t *words = values ? put(making, count) : NULL;

	if (words && count > 0) {
		memcpy(words, values, count * sizeof(*words));
	}
}

/* The recorder's function for one that a stack shows; NULL: not known. */
static const struct function_handle *shown_function(
	const struct reel_recorder_stream *stream, const struct reel_function *function)
{
	if (!function || !stream->is_foreign) {
		return function_handle(function);
	}
	return factory_function(stream->recorder, function);
}

static void put_frame(struct making *making, const struct reel_frame *frame, uint32_t function)
{
	bool has_identity = making->flags & HOSTED_IDENTITY;
	uint64_t *words = put(making, hosted_frame_words(making->flags));

	if (words) {
		words[0] = function;
		words[1] = frame->pc;
		words[2] = frame->source_offset;
		if (has_identity) {
			words[3] = frame->identity;
		}
	}
}

/* Whether a frame is the innermost open call, of this top-level call. */
static bool is_innermost(const struct reel_recorder_stream *stream, const struct reel_frame *frame)
{
	const struct shadow_call *call;

	if (stream->depth == call_floor(stream)) {
		return false;
	}
	call = &stream->shadow[stream->depth - 1];
	return call->function == frame->function &&
	       (call->identity == frame->identity || !call->identity || !frame->identity);
}

enum walk_state {
	WALK_SEEKS,   /* no listened function was met below the top */
	WALK_MET,     /* the innermost open call was, and it is not anchored: all is recorded */
	WALK_RECORDS, /* another one was: all is recorded */
};

/* A listened function below the top. False: the walk is over. */
static bool meet(const struct reel_recorder_stream *stream, const struct reel_frame *frame,
	enum walk_state *state)
{
	if (*state != WALK_SEEKS) {
		return true;
	}
	*state = WALK_RECORDS;
	if (is_innermost(stream, frame)) {
		*state = WALK_MET;
		return !stream->shadow[stream->depth - 1].is_anchored;
	}
	return true;
}

/* After a walk to the end: the innermost open call, whose frame has `below` frames below it, is
 * anchored if its own before showed as many. */
static bool confirm(struct reel_recorder_stream *stream, enum walk_state state, uint64_t below)
{
	struct shadow_call *inner;

	if (state != WALK_MET) {
		return false;
	}
	inner = &stream->shadow[stream->depth - 1];
	inner->is_anchored |= inner->below == below;
	return inner->is_anchored;
}

/*
 * The frames of a stack: down to the innermost open call when that is the first listened function
 * below the top and anchored, else all that are shown. Fills in what the walk says of the new call.
 */
static void put_stack(struct making *making, struct reel_recorder_stream *stream,
	const struct recorded_event *event, struct reel_stack_iterator *stack,
	struct shadow_call *call)
{
	bool may_stop = stream->recorder->options.walk == REEL_WALK_TRUSTED;
	enum walk_state state = may_stop ? WALK_SEEKS : WALK_RECORDS;
	const struct reel_frame *frame;
	uint64_t met_at = 0;
	uint64_t count = 0;
	size_t at = making->producer->word_count;

	if (!stack) {
		return;
	}
	making->flags |= HOSTED_STACK;
	put_word(making, 0);
	while (!making->failed && reel_stack_next(stack) && (frame = reel_stack_frame(stack))) {
		const struct function_handle *handle =
			frame->function == event->function
				? event->handle
				: shown_function(stream, frame->function);

		if (count == 0 && frame->identity != 0) {
			call->identity = frame->identity;
			making->flags |= HOSTED_IDENTITY;
		}
		put_frame(making, frame, handle ? handle->definition.id : NO_ID);
		met_at += state == WALK_SEEKS;
		if (count++ > 0 && handle && handle->definition.is_listened &&
			!meet(stream, frame, &state)) {
			call->is_anchored = true;
			break;
		}
	}
	if (!making->failed) {
		making->producer->words[at] = count;
		call->below = count > 0 ? count - 1 : 0;
		call->is_anchored |= confirm(stream, state, count - met_at);
	}
}

/* ---- before, after, abort ---- */

static bool record_before(struct reel_recorder_stream *stream, const struct recorded_event *event,
	const uint64_t *params, struct reel_stack_iterator *stack, struct shadow_call *call)
{
	struct producer *producer = producer_take(&stream->recorder->registry, CALL_FRAME());
	struct making making;
	bool is_published;

	if (!producer) {
		return false;
	}
	begin_event(&making, stream, producer, RECORD_BEFORE, event);
	put_stack(&making, stream, event, stack, call);
	put_capture(&making, event->capture);
	put_values(&making, params, event->handle->param_words);
	is_published = end_record(&making, stream, 0);
	producer_give_back(producer);
	return is_published;
}

void stream_before(struct reel_recorder_stream *stream, const struct recorded_event *event,
	const uint64_t *params, struct reel_stack_iterator *stack)
{
	struct shadow_call call = {.function = event->function, .number = stream->before_count};

	if (!stream->is_skipping && record_before(stream, event, params, stack, &call)) {
		push_call(stream, &call);
		stream->before_count++;
		return;
	}
	if (!stream->is_skipping) {
		begin_skip(stream);
	}
	lose(stream, 1);
	push_call(stream, &call);
}

static bool record_after(struct reel_recorder_stream *stream, const struct recorded_event *event,
	const uint64_t *results)
{
	struct producer *producer = producer_take(&stream->recorder->registry, CALL_FRAME());
	struct making making;
	bool is_published;

	if (!producer) {
		return false;
	}
	begin_event(&making, stream, producer, RECORD_AFTER, event);
	put_capture(&making, event->capture);
	put_values(&making, results, event->handle->result_words);
	is_published = end_record(&making, stream, 0);
	producer_give_back(producer);
	return is_published;
}

/* The shadow after an exit that belongs to open call number `count`; 0: to none. */
static void finish_exit(struct reel_recorder_stream *stream, uint32_t count, bool is_recorded)
{
	if (!is_recorded) {
		lose(stream, 1);
	}
	if (count > 0) {
		if (!is_recorded) {
			lose_exit(stream, count - 1);
		}
		truncate_calls(stream, count - 1);
	}
}

void stream_after(struct reel_recorder_stream *stream, const struct recorded_event *event,
	const uint64_t *results)
{
	uint32_t count = stream_find_call(stream, event->function);

	if (stream->is_skipping && skip_exit(stream, count)) {
		return;
	}
	finish_exit(stream, count, record_after(stream, event, results));
}

static bool is_last_text(const struct reel_recorder_stream *stream, const struct reel_abort *error,
	XXH128_hash_t hash)
{
	return stream->has_error && stream->error_length == error->length &&
	       stream->error_hash[0] == hash.low64 && stream->error_hash[1] == hash.high64;
}

static void keep_text(
	struct reel_recorder_stream *stream, const struct reel_abort *error, XXH128_hash_t hash)
{
	stream->has_error = true;
	stream->error_length = error->length;
	stream->error_hash[0] = hash.low64;
	stream->error_hash[1] = hash.high64;
}

/* Bytes that whole words have behind a text. */
static size_t unused_bytes(size_t length)
{
	return (sizeof(uint64_t) - length % sizeof(uint64_t)) % sizeof(uint64_t);
}

/* The error's text, or that it is the stream's last one. */
static bool end_abort(
	struct making *making, struct reel_recorder_stream *stream, const struct reel_abort *error)
{
	XXH128_hash_t hash = XXH3_128bits(error->text, error->length);

	if (is_last_text(stream, error, hash)) {
		making->flags |= HOSTED_SAME_TEXT;
		return end_record(making, stream, 0);
	}
	put_bytes(making, error->text, error->length);
	if (!end_record(making, stream, unused_bytes(error->length))) {
		return false;
	}
	keep_text(stream, error, hash);
	return true;
}

/* The reason that a repaired abort's text names. */
static enum reel_reason reason_of(const struct reel_abort *error)
{
	for (int reason = REEL_REASON_UNWOUND; reason <= REEL_REASON_LOST; reason++) {
		if (strcmp(error->text, reel_reason_name((enum reel_reason)reason)) == 0) {
			return (enum reel_reason)reason;
		}
	}
	return REEL_REASON_UNWOUND;
}

static bool record_abort(struct reel_recorder_stream *stream, const struct recorded_event *event,
	const struct reel_abort *error)
{
	struct producer *producer = producer_take(&stream->recorder->registry, CALL_FRAME());
	struct making making;
	bool is_published;

	if (!producer) {
		return false;
	}
	begin_event(&making, stream, producer, RECORD_ABORT, event);
	making.word1 |= hosted_word1(0, 0, 0, (uint32_t)error->kind & 3);
	put_capture(&making, event->capture);
	put_word(&making, error->full_length > error->length ? error->full_length : error->length);
	if (error->kind == REEL_ABORT_REPAIRED) {
		making.word1 |=
			event->reason ? 0 : hosted_word1(0, 0, (uint32_t)reason_of(error), 0);
		is_published = end_record(&making, stream, 0);
	} else {
		is_published = end_abort(&making, stream, error);
	}
	producer_give_back(producer);
	return is_published;
}

void stream_abort(struct reel_recorder_stream *stream, const struct recorded_event *event,
	const struct reel_abort *error)
{
	static const struct reel_abort no_error = {.text = ""};
	uint32_t count = stream_find_call(stream, event->function);

	if (stream->is_skipping && skip_exit(stream, count)) {
		return;
	}
	finish_exit(stream, count,
		record_abort(stream, event, error && error->text ? error : &no_error));
}

/* ---- marks ---- */

static bool record_text(
	struct reel_recorder_stream *stream, enum hosted_kind kind, const char *text)
{
	struct producer *producer = producer_take(&stream->recorder->registry, CALL_FRAME());
	size_t length = text ? strlen(text) : 0;
	struct making making;
	bool is_published;

	if (!producer) {
		return false;
	}
	begin_record(&making, stream, producer, kind);
	put_bytes(&making, text, length);
	is_published = end_record(
		&making, stream, (sizeof(uint64_t) - length % sizeof(uint64_t)) % sizeof(uint64_t));
	producer_give_back(producer);
	return is_published;
}

static bool record_gap(struct reel_recorder_stream *stream, uint64_t lost)
{
	struct producer *producer = producer_take(&stream->recorder->registry, CALL_FRAME());
	struct making making;
	bool is_published;

	if (!producer) {
		return false;
	}
	begin_record(&making, stream, producer, RECORD_HOST_GAP);
	put_word(&making, lost);
	is_published = end_record(&making, stream, 0);
	producer_give_back(producer);
	return is_published;
}

void reel_stream_call_begin(struct reel_recorder_stream *stream, const char *text)
{
	if (!stream->is_skipping && !record_text(stream, RECORD_CALL_BEGIN, text)) {
		begin_skip(stream);
	}
	push_top_level(stream);
}

/* The end of a top-level call inside what is skipped; false when it is one outside. */
static bool skip_call_end(struct reel_recorder_stream *stream)
{
	if (stream->call_count <= stream->skip_calls) {
		stream->is_skipping = false;
		return false;
	}
	pop_top_level(stream);
	end_skip_if_over(stream);
	return true;
}

void reel_stream_call_end(struct reel_recorder_stream *stream, const char *text)
{
	if (stream->is_skipping && skip_call_end(stream)) {
		return;
	}
	if (!record_text(stream, RECORD_CALL_END, text)) {
		lose_exit(stream, call_floor(stream));
		stream->lost.calls = stream->call_count > 0 ? stream->call_count - 1 : 0;
	}
	pop_top_level(stream);
}

void reel_stream_gap(struct reel_recorder_stream *stream, uint64_t lost)
{
	if (stream->is_skipping || !record_gap(stream, lost)) {
		lose(stream, lost);
	}
}

/* ---- the public calls ---- */

void reel_stream_set_time(struct reel_recorder_stream *stream, uint64_t time_ns)
{
	if (time_ns > stream->time_ns) {
		stream->time_ns = time_ns;
	}
}

static struct recorded_event event_of(uint32_t module_id, const struct reel_function *function,
	const struct reel_capture *capture)
{
	return (struct recorded_event){
		.module_id = module_id,
		.handle = function_handle(function),
		.function = function,
		.capture = capture,
	};
}

void reel_stream_before(struct reel_recorder_stream *stream, uint32_t module_id,
	const struct reel_function *function, const uint64_t *params,
	struct reel_stack_iterator *stack, const struct reel_capture *capture)
{
	const struct recorded_event event = event_of(module_id, function, capture);

	if (function->is_listened) {
		stream_before(stream, &event, params, stack);
	}
}

void reel_stream_after(struct reel_recorder_stream *stream, uint32_t module_id,
	const struct reel_function *function, const uint64_t *results,
	const struct reel_capture *capture)
{
	const struct recorded_event event = event_of(module_id, function, capture);

	if (function->is_listened) {
		stream_after(stream, &event, results);
	}
}

void reel_stream_abort(struct reel_recorder_stream *stream, uint32_t module_id,
	const struct reel_function *function, const struct reel_abort *error,
	const struct reel_capture *capture)
{
	const struct recorded_event event = event_of(module_id, function, capture);

	if (function->is_listened) {
		stream_abort(stream, &event, error);
	}
}

void stream_describe_end(struct reel_recorder_stream *stream, enum reel_reason reason)
{
	stream->end->end = (struct stream_end){
		.sequence = stream->sequence,
		.ticks = read_ticks(stream),
		.lost = stream->lost,
		.reason = reason,
	};
}
