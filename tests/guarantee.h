/*
 * A checking listener: a factory that is driven like any other and finds whatever breaks the
 * promise of listener.h. It keeps every stream's open calls, and checks that each exit is that of
 * the innermost one, that top-level calls and streams end with nothing open in them, that time
 * never runs backwards, and that each stack is consistent with what is open: its first frame is the
 * function that is called, with the parameters that are passed, and of the listened functions
 * below, those that are open come innermost first, none left out, each with the parameters and the
 * identity of its own before. A stack may be cut anywhere.
 *
 * It counts what breaks in place of failing at once, and keeps the first break as a line of text.
 */
#ifndef REEL_TESTS_GUARANTEE_H
#define REEL_TESTS_GUARANTEE_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <reel/listener.h>

struct guarantee_call {
	const struct reel_function *function;
	uint64_t *params;
	uint64_t identity;
};

struct guarantee_stream {
	struct guarantee_call *open; /* outermost first */
	size_t depth, capacity;
	size_t *calls; /* open top-level calls: the depth at which each began */
	size_t call_count, calls_capacity;
	uint64_t time_ns;
	bool has_ended;
};

/* Listened functions that are not open, on a stack: where they may show. */
enum guarantee_strangers {
	STRANGERS_NOWHERE = 0,
	STRANGERS_BELOW,    /* below all that is open: calls whose before never came */
	STRANGERS_ANYWHERE, /* a full walk gives back what hosts show that lose exits or rewind
			       their stack */
};

struct guarantee {
	struct reel_listener_factory factory;
	struct reel_listener listener;
	struct reel_marks marks;
	enum guarantee_strangers strangers;
	struct guarantee_stream *streams; /* by slot */
	size_t stream_count;
	uint64_t befores, exits, repaired, undelivered;
	uint64_t frames_with_params; /* below the top */
	uint64_t broken;
	char first[300];
};

__attribute__((format(printf, 2, 3))) static inline void guarantee_breaks(
	struct guarantee *guarantee, const char *format, ...)
{
	va_list arguments;

	if (guarantee->broken++ == 0) {
		size_t length = (size_t)snprintf(guarantee->first, sizeof(guarantee->first),
			"event %" PRIu64 ": ", guarantee->befores + guarantee->exits);

		va_start(arguments, format);
		vsnprintf(guarantee->first + length, sizeof(guarantee->first) - length, format,
			arguments);
		va_end(arguments);
	}
}

static inline const char *guarantee_name(const struct reel_function *function)
{
	return function && function->name ? function->name : "?";
}

static inline struct guarantee_stream *guarantee_stream(
	struct guarantee *guarantee, struct reel_context *context)
{
	struct guarantee_stream *stream;
	uint64_t time_ns = reel_context_time_ns(context);

	while (guarantee->stream_count <= context->slot) {
		guarantee->streams = realloc(guarantee->streams,
			(guarantee->stream_count + 1) * sizeof(*guarantee->streams));
		guarantee->streams[guarantee->stream_count++] = (struct guarantee_stream){0};
	}
	stream = &guarantee->streams[context->slot];
	if (stream->has_ended) {
		guarantee_breaks(guarantee, "stream %u goes on after its end", context->stream->id);
	}
	if (time_ns < stream->time_ns) {
		guarantee_breaks(guarantee, "time runs backwards");
	}
	stream->time_ns = time_ns;
	guarantee->repaired += context->repaired != REEL_REASON_NONE;
	return stream;
}

static inline size_t guarantee_floor(const struct guarantee_stream *stream)
{
	return stream->call_count ? stream->calls[stream->call_count - 1] : 0;
}

static inline bool guarantee_same_words(const uint64_t *left, const uint64_t *right, uint32_t count)
{
	return count == 0 || (left && right && memcmp(left, right, count * sizeof(*left)) == 0);
}

/* A listened frame that is the open call `call`. */
static inline void guarantee_check_frame(struct guarantee *guarantee,
	const struct reel_frame *frame, const struct guarantee_call *call)
{
	if (!guarantee_same_words(
		    frame->params, call->params, reel_function_param_words(call->function))) {
		guarantee_breaks(guarantee, "a frame of %s has not the parameters of its before",
			guarantee_name(call->function));
	}
	guarantee->frames_with_params += frame->params != NULL;
	if (frame->identity && call->identity && frame->identity != call->identity) {
		guarantee_breaks(guarantee, "a frame of %s has changed its identity",
			guarantee_name(call->function));
	}
	if (frame->results) {
		guarantee_breaks(guarantee, "a frame of %s has results before it has ended",
			guarantee_name(call->function));
	}
}

static inline bool guarantee_is_open(const struct guarantee_stream *stream, size_t floor,
	size_t depth, const struct reel_function *function)
{
	for (size_t i = floor; i < depth; i++) {
		if (stream->open[i].function == function) {
			return true;
		}
	}
	return false;
}

/* What is shown below the top. */
static inline void guarantee_check_callers(struct guarantee *guarantee,
	const struct guarantee_stream *stream, const struct reel_function *called,
	struct reel_stack_iterator *stack)
{
	size_t floor = guarantee_floor(stream);
	size_t next = stream->depth;

	while (reel_stack_next(stack)) {
		const struct reel_frame *frame = reel_stack_frame(stack);
		const struct reel_function *function = frame->function;

		if (!function || !function->is_listened) {
			continue;
		}
		if (next > floor && stream->open[next - 1].function == function) {
			guarantee_check_frame(guarantee, frame, &stream->open[--next]);
		} else if (guarantee->strangers == STRANGERS_NOWHERE ||
			   (guarantee->strangers == STRANGERS_BELOW && next > floor)) {
			guarantee_breaks(guarantee,
				"the stack of %s shows %s, which is not what is open there",
				guarantee_name(called), guarantee_name(function));
			return;
		}
	}
	if (reel_stack_next(stack) || reel_stack_frame(stack)) {
		guarantee_breaks(guarantee, "a stack goes on after its end");
	}
}

static inline void guarantee_open(struct guarantee_stream *stream,
	const struct reel_function *function, const uint64_t *params, uint64_t identity)
{
	uint32_t words = reel_function_param_words(function);
	struct guarantee_call *call;

	if (stream->depth == stream->capacity) {
		stream->capacity = stream->capacity ? stream->capacity * 2 : 64;
		stream->open = realloc(stream->open, stream->capacity * sizeof(*stream->open));
	}
	call = &stream->open[stream->depth++];
	*call = (struct guarantee_call){function, malloc((words + 1) * sizeof(*params)), identity};
	if (words > 0) {
		memcpy(call->params, params, words * sizeof(*params));
	}
}

static inline void guarantee_before(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *params,
	struct reel_stack_iterator *stack)
{
	struct guarantee *guarantee =
		(struct guarantee *)((char *)listener - offsetof(struct guarantee, listener));
	struct guarantee_stream *stream = guarantee_stream(guarantee, context);
	const struct reel_frame *top;
	uint64_t identity = 0;

	(void)module;
	guarantee->befores++;
	if (reel_stack_frame(stack)) {
		guarantee_breaks(guarantee, "a stack does not stand before its first frame");
	}
	if (!reel_stack_next(stack) || !(top = reel_stack_frame(stack)) ||
		top->function != function) {
		guarantee_breaks(guarantee, "the first frame is not %s", guarantee_name(function));
	} else {
		identity = top->identity;
		if (!guarantee_same_words(
			    top->params, params, reel_function_param_words(function))) {
			guarantee_breaks(guarantee, "the first frame of %s has other parameters",
				guarantee_name(function));
		}
		guarantee_check_callers(guarantee, stream, function, stack);
	}
	guarantee_open(stream, function, params, identity);
}

static inline void guarantee_exit(struct guarantee *guarantee, struct reel_context *context,
	const struct reel_function *function)
{
	struct guarantee_stream *stream = guarantee_stream(guarantee, context);

	guarantee->exits++;
	if (stream->depth == 0 || stream->open[stream->depth - 1].function != function) {
		guarantee_breaks(guarantee, "an exit of %s, where %s is the innermost call",
			guarantee_name(function),
			stream->depth ? guarantee_name(stream->open[stream->depth - 1].function)
				      : "none");
		return;
	}
	free(stream->open[--stream->depth].params);
	if (guarantee_floor(stream) > stream->depth) {
		stream->calls[stream->call_count - 1] = stream->depth;
	}
}

static inline void guarantee_after(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *results)
{
	struct guarantee *guarantee =
		(struct guarantee *)((char *)listener - offsetof(struct guarantee, listener));

	(void)module;
	if (!results && reel_function_result_words(function) > 0) {
		guarantee_breaks(guarantee, "%s has no results", guarantee_name(function));
	}
	guarantee_exit(guarantee, context, function);
}

static inline void guarantee_abort(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function,
	const struct reel_abort *error)
{
	struct guarantee *guarantee =
		(struct guarantee *)((char *)listener - offsetof(struct guarantee, listener));

	(void)module;
	if (context->repaired && strcmp(error->text, reel_reason_name(context->repaired)) != 0) {
		guarantee_breaks(guarantee, "a repaired abort's text is %s", error->text);
	}
	guarantee_exit(guarantee, context, function);
}

static inline void guarantee_call_begin(
	struct reel_listener_factory *factory, struct reel_context *context, const char *text)
{
	struct guarantee_stream *stream = guarantee_stream((struct guarantee *)factory, context);

	(void)text;
	if (stream->call_count == stream->calls_capacity) {
		stream->calls_capacity = stream->calls_capacity * 2 + 8;
		stream->calls =
			realloc(stream->calls, stream->calls_capacity * sizeof(*stream->calls));
	}
	stream->calls[stream->call_count++] = stream->depth;
}

static inline void guarantee_call_end(
	struct reel_listener_factory *factory, struct reel_context *context, const char *text)
{
	struct guarantee *guarantee = (struct guarantee *)factory;
	struct guarantee_stream *stream = guarantee_stream(guarantee, context);
	size_t floor = guarantee_floor(stream);

	(void)text;
	if (stream->depth > floor && stream->call_count > 0) {
		guarantee_breaks(guarantee, "a top-level call ends with calls open in it");
	}
	stream->call_count -= stream->call_count > 0;
	if (guarantee_floor(stream) > floor) {
		stream->calls[stream->call_count - 1] = floor;
	}
}

static inline void guarantee_undelivered(struct reel_listener_factory *factory,
	struct reel_context *context, struct reel_module *module,
	const struct reel_function *function, const uint64_t *results,
	const struct reel_abort *error)
{
	struct guarantee *guarantee = (struct guarantee *)factory;
	struct guarantee_stream *stream = guarantee_stream(guarantee, context);

	(void)module;
	(void)results;
	(void)error;
	guarantee->undelivered++;
	if (guarantee_is_open(stream, 0, stream->depth, function)) {
		guarantee_breaks(guarantee, "an exit of %s is not delivered, but it is open",
			guarantee_name(function));
	}
}

static inline void guarantee_stream_end(
	struct reel_listener_factory *factory, struct reel_context *context)
{
	struct guarantee *guarantee = (struct guarantee *)factory;
	struct guarantee_stream *stream = guarantee_stream(guarantee, context);

	if (stream->depth > 0) {
		guarantee_breaks(guarantee, "a stream ends with %zu calls open", stream->depth);
	}
	stream->has_ended = true;
}

static inline struct reel_listener *guarantee_listener_for(
	struct reel_listener_factory *factory, const struct reel_function *function)
{
	return function->is_listened ? &((struct guarantee *)factory)->listener : NULL;
}

static inline int guarantee_finish(struct reel_listener_factory *factory, struct reel_error *error)
{
	struct guarantee *guarantee = (struct guarantee *)factory;

	(void)error;
	for (size_t i = 0; i < guarantee->stream_count; i++) {
		if (!guarantee->streams[i].has_ended) {
			guarantee_breaks(guarantee, "a stream has no end");
		}
	}
	return 0;
}

static inline struct reel_listener_factory *guarantee_init(struct guarantee *guarantee)
{
	*guarantee = (struct guarantee){
		.factory = {.listener_for = guarantee_listener_for, .finish = guarantee_finish},
		.listener = {.before = guarantee_before,
			.after = guarantee_after,
			.abort = guarantee_abort},
		.marks = {.call_begin = guarantee_call_begin,
			.call_end = guarantee_call_end,
			.undelivered = guarantee_undelivered,
			.stream_end = guarantee_stream_end},
	};
	guarantee->factory.marks = &guarantee->marks;
	return &guarantee->factory;
}

static inline void guarantee_deinit(struct guarantee *guarantee)
{
	for (size_t i = 0; i < guarantee->stream_count; i++) {
		struct guarantee_stream *stream = &guarantee->streams[i];

		while (stream->depth > 0) {
			free(stream->open[--stream->depth].params);
		}
		free(stream->open);
		free(stream->calls);
	}
	free(guarantee->streams);
}

#endif
