/*
 * Captured calls for the listener benchmark: given a trace, replays it into a listener that copies
 * every n-th call that returned, with its stack, values and what was captured at it.
 */
#include <stdlib.h>
#include <string.h>

#include <reel/replay.h>

#include "captured.h"
#include "reader.h"

/* Memory that is freed as a whole: a list of pieces, newest first. */
struct piece {
	struct piece *next;
	uint64_t bytes[];
};

/* A call that is open, and whether it is one to be captured. */
struct open_capture {
	struct reel_captured_call call;
	struct reel_frame *top; /* of the call's frames: its own */
	struct captured_module *module;
	bool is_wanted;
};

struct stream_captures {
	struct open_capture *open;
	size_t count, capacity;
};

struct capturer {
	struct reel_listener_factory factory; /* first */
	struct reel_listener listener;
	struct reel_marks marks;
	struct piece *pieces;
	struct reel_captured_call *calls;
	size_t count, limit;
	uint64_t befores, account; /* of the trace; grows by limit, one is wanted when it is full */
	struct stream_captures *streams; /* by slot */
	size_t stream_count;
	int status;
};

static struct capturer *capturer_of(struct reel_listener *listener)
{
	return (struct capturer *)((char *)listener - offsetof(struct capturer, listener));
}

/* Zeroed memory; NULL, and the failure kept, when there is none. */
static void *piece_allocate(struct capturer *capturer, size_t size)
{
	struct piece *piece = calloc(1, sizeof(*piece) + size);

	if (!piece) {
		capturer->status = REEL_ENOMEM;
		return NULL;
	}
	piece->next = capturer->pieces;
	capturer->pieces = piece;
	return piece->bytes;
}

static void *piece_copy(struct capturer *capturer, const void *bytes, size_t size)
{
	void *copy = piece_allocate(capturer, size);

	if (copy && size > 0) {
		memcpy(copy, bytes, size);
	}
	return copy;
}

static void pieces_free(struct piece *piece)
{
	while (piece) {
		struct piece *next = piece->next;

		free(piece);
		piece = next;
	}
}

/* ---- copies ---- */

static const uint64_t *copy_words(struct capturer *capturer, const uint64_t *words, uint32_t count)
{
	return words ? piece_copy(capturer, words, count * sizeof(*words)) : NULL;
}

static size_t count_frames(struct reel_stack_iterator *stack)
{
	size_t count = 0;

	while (reel_stack_next(stack)) {
		count++;
	}
	stack->ops->rewind(stack);
	return count;
}

static bool copy_frames(
	struct capturer *capturer, struct reel_stack_iterator *stack, struct open_capture *open)
{
	const size_t count = count_frames(stack);
	struct reel_frame *frames = piece_allocate(capturer, count * sizeof(*frames));

	if (!frames) {
		return false;
	}
	for (size_t i = 0; i < count && reel_stack_next(stack); i++) {
		frames[i] = *reel_stack_frame(stack);
		if (frames[i].function) {
			frames[i].params = copy_words(capturer, frames[i].params,
				reel_function_param_words(frames[i].function));
		}
	}
	open->top = frames;
	open->call.frames = frames;
	open->call.frame_count = count;
	return true;
}

static bool copy_read(struct capturer *capturer, struct reel_captured_read *to,
	const struct reel_captured_read *from)
{
	*to = *from;
	if (from->bytes) {
		to->bytes = piece_copy(capturer, from->bytes, from->length);
	}
	return !from->bytes || to->bytes;
}

/* A copy of what is in `from`, behind what `to` holds already (a call has two events). */
static bool add_capture(
	struct capturer *capturer, struct reel_capture *to, const struct reel_capture *from)
{
	const size_t global_count = to->global_count + from->global_count;
	const size_t read_count = to->read_count + from->read_count;
	struct reel_captured_global *globals =
		piece_allocate(capturer, global_count * sizeof(*globals));
	struct reel_captured_read *reads = piece_allocate(capturer, read_count * sizeof(*reads));
	bool done = globals && reads;

	if (!done) {
		return false;
	}
	for (size_t i = 0; i < global_count; i++) {
		globals[i] =
			i < to->global_count ? to->globals[i] : from->globals[i - to->global_count];
	}
	for (size_t i = 0; i < read_count && done; i++) {
		if (i < to->read_count) {
			reads[i] = to->reads[i];
		} else {
			done = copy_read(capturer, &reads[i], &from->reads[i - to->read_count]);
		}
	}
	to->globals = globals;
	to->global_count = global_count;
	to->reads = reads;
	to->read_count = read_count;
	to->has_memory_size = to->has_memory_size || from->has_memory_size;
	to->memory_size_bytes =
		from->has_memory_size ? from->memory_size_bytes : to->memory_size_bytes;
	return done;
}

static bool copy_module(
	struct capturer *capturer, struct open_capture *open, const struct reel_module *module)
{
	const struct reel_capture *captured = module_capture(module);
	struct reel_capture *copy;

	if (!module) {
		return true;
	}
	if (!open->module) {
		open->module = piece_allocate(capturer, sizeof(*open->module));
		copy = piece_allocate(capturer, sizeof(*copy));
		if (!open->module || !copy) {
			return false;
		}
		captured_module_init(open->module, module);
		open->module->capture = copy;
		open->call.module = &open->module->base;
	}
	copy = (struct reel_capture *)(uintptr_t)open->module->capture;
	return !captured || add_capture(capturer, copy, captured);
}

/* ---- the listener ---- */

static struct open_capture *push_open(struct capturer *capturer, uint32_t slot)
{
	struct stream_captures *stream = &capturer->streams[slot];

	if (stream->count == stream->capacity) {
		size_t capacity = stream->capacity ? stream->capacity * 2 : 64;
		struct open_capture *open = reallocarray(stream->open, capacity, sizeof(*open));

		if (!open) {
			capturer->status = REEL_ENOMEM;
			return NULL;
		}
		stream->open = open;
		stream->capacity = capacity;
	}
	stream->open[stream->count] = (struct open_capture){0};
	return &stream->open[stream->count++];
}

/* Chooses `limit` of all befores, evenly spread, the first among them. */
static bool is_wanted(struct capturer *capturer)
{
	capturer->account += capturer->limit;
	if (capturer->account < capturer->befores) {
		return false;
	}
	capturer->account -= capturer->befores;
	return true;
}

static void capture_before(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *params,
	struct reel_stack_iterator *stack)
{
	struct capturer *capturer = capturer_of(listener);
	struct open_capture *open;

	if (capturer->status < 0) {
		return;
	}
	open = push_open(capturer, context->slot);
	if (!open || !is_wanted(capturer)) {
		return;
	}
	open->is_wanted = true;
	open->call.function = function;
	open->call.params = copy_words(capturer, params, reel_function_param_words(function));
	if (!copy_frames(capturer, stack, open) || !copy_module(capturer, open, module)) {
		open->is_wanted = false;
	}
}

static struct open_capture *pop_open(struct capturer *capturer, uint32_t slot)
{
	struct stream_captures *stream = &capturer->streams[slot];

	if (capturer->status < 0 || stream->count == 0) {
		return NULL;
	}
	return &stream->open[--stream->count];
}

static void capture_after(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *results)
{
	struct capturer *capturer = capturer_of(listener);
	struct open_capture *open = pop_open(capturer, context->slot);

	if (!open || !open->is_wanted || capturer->count == capturer->limit ||
		!copy_module(capturer, open, module)) {
		return;
	}
	open->call.results = copy_words(capturer, results, reel_function_result_words(function));
	open->top->results = open->call.results;
	capturer->calls[capturer->count++] = open->call;
}

/* A call that did not return has no results to give to an after. */
static void capture_abort(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function,
	const struct reel_abort *error)
{
	(void)module;
	(void)function;
	(void)error;
	pop_open(capturer_of(listener), context->slot);
}

static struct reel_listener *capture_listener_for(
	struct reel_listener_factory *factory, const struct reel_function *function)
{
	(void)function;
	return &((struct capturer *)factory)->listener;
}

static void capture_stream_begin(
	struct reel_listener_factory *factory, struct reel_context *context)
{
	struct capturer *capturer = (struct capturer *)factory;
	const size_t count = (size_t)context->slot + 1;
	struct stream_captures *streams;

	if (count <= capturer->stream_count) {
		return;
	}
	streams = reallocarray(capturer->streams, count, sizeof(*streams));
	if (!streams) {
		capturer->status = REEL_ENOMEM;
		return;
	}
	memset(streams + capturer->stream_count, 0,
		(count - capturer->stream_count) * sizeof(*streams));
	capturer->streams = streams;
	capturer->stream_count = count;
}

static void capture_stream_end(struct reel_listener_factory *factory, struct reel_context *context)
{
	struct capturer *capturer = (struct capturer *)factory;

	if (context->slot < capturer->stream_count) {
		free(capturer->streams[context->slot].open);
		capturer->streams[context->slot] = (struct stream_captures){0};
	}
}

/* ---- the run ---- */

static uint64_t count_befores(const struct reel_trace *trace)
{
	uint64_t befores = 0;

	for (uint32_t i = 0; i < trace_event_block_count(trace); i++) {
		befores += trace_event_block(trace, i)->before;
	}
	return befores;
}

static int capturer_init(struct capturer *capturer, const struct reel_trace *trace, size_t limit)
{
	const uint64_t befores = count_befores(trace);

	if (limit > befores) {
		limit = befores;
	}
	*capturer = (struct capturer){
		.factory = {.listener_for = capture_listener_for},
		.listener =
			{
				.before = capture_before,
				.after = capture_after,
				.abort = capture_abort,
			},
		.marks =
			{
				.stream_begin = capture_stream_begin,
				.stream_end = capture_stream_end,
			},
		.limit = limit,
		.befores = befores,
		.account = befores - limit,
		.calls = calloc(limit + 1, sizeof(struct reel_captured_call)),
	};
	capturer->factory.marks = &capturer->marks;
	return capturer->calls ? 0 : REEL_ENOMEM;
}

static void capturer_deinit(struct capturer *capturer)
{
	for (size_t i = 0; i < capturer->stream_count; i++) {
		free(capturer->streams[i].open);
	}
	free(capturer->streams);
}

int reel_trace_capture_calls(struct reel_trace *trace, size_t limit,
	struct reel_captured_calls *calls, struct reel_error *error)
{
	struct capturer capturer;
	int status = capturer_init(&capturer, trace, limit);

	*calls = (struct reel_captured_calls){0};
	if (status == 0) {
		status = reel_replay(trace, &capturer.factory, NULL, NULL, error);
	}
	if (status == 0) {
		status = capturer.status;
	}
	capturer_deinit(&capturer);
	if (status < 0) {
		free(capturer.calls);
		pieces_free(capturer.pieces);
		return status == REEL_ENOMEM ? reel_fail(error, status, "out of memory") : status;
	}
	calls->calls = capturer.calls;
	calls->count = capturer.count;
	calls->storage = capturer.pieces;
	return 0;
}

void reel_captured_calls_destroy(struct reel_captured_calls *calls)
{
	free(calls->calls);
	pieces_free(calls->storage);
	*calls = (struct reel_captured_calls){0};
}
