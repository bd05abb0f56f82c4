/*
 * What the tests of replay share: a maker of synthetic traces, written straight with the trace
 * writer, and a listener that checks the contract and writes down what it is told.
 *
 * Ticks are the host's ns, so that times come back exactly.
 */
#ifndef REEL_TESTS_REPLAY_FIXTURE_H
#define REEL_TESTS_REPLAY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <reel/replay.h>

#include "event_block.h"
#include "reader.h"
#include "writer.h"

#define MAKER_DEPTH 256
#define MAKER_STREAMS 512
#define MAKER_WORDS 4

#define UNUSED __attribute__((unused))

/* ---- making traces ---- */

struct maker_stream {
	struct maker *maker;
	uint32_t id;
	struct event_block block;
	bool is_begun, is_used;
	struct activation open[MAKER_DEPTH];
	uint32_t functions[MAKER_DEPTH];
	uint64_t words[MAKER_DEPTH][MAKER_WORDS];
	uint32_t depth, call_depth;
};

struct maker {
	char path[64];
	struct writer *writer;
	uint32_t block_events; /* a block is closed at so many */
	uint32_t function_count;
	struct maker_stream *streams;
};

static UNUSED void maker_init(struct maker *maker, uint32_t block_events)
{
	const struct writer_options options = {
		.codec = REEL_CODEC_ZSTD, .clock = CLOCK_HOST, .metadata = "{\"host\":\"test\"}"};
	struct reel_error error = {0};
	int fd;

	memset(maker, 0, sizeof(*maker));
	strcpy(maker->path, "/tmp/reel-replay-XXXXXX");
	fd = mkstemp(maker->path);
	assert_true(fd >= 0);
	close(fd);
	unlink(maker->path);
	maker->block_events = block_events;
	maker->streams = calloc(MAKER_STREAMS, sizeof(*maker->streams));
	assert_non_null(maker->streams);
	assert_int_equal(writer_create(maker->path, &options, &maker->writer, &error), 0);
}

/* A function with i64 parameters and results. */
static UNUSED uint32_t maker_function(struct maker *maker, const char *name, uint32_t param_count,
	uint32_t result_count, bool is_listened)
{
	static const uint8_t types[MAKER_WORDS] = {REEL_I64, REEL_I64, REEL_I64, REEL_I64};
	const struct reel_function function = {
		.size = sizeof(function),
		.index = maker->function_count++,
		.module_name = "mod",
		.name = name,
		.param_count = param_count,
		.param_types = types,
		.result_count = result_count,
		.result_types = types,
		.is_listened = is_listened,
	};
	uint32_t id;

	assert_int_equal(writer_define_function(maker->writer, &function, &id), 0);
	return id;
}

static UNUSED struct maker_stream *maker_stream(
	struct maker *maker, uint32_t number, const char *name)
{
	struct maker_stream *stream = &maker->streams[number];
	const struct reel_stream_info info = {.id = number, .name = name, .process = "test"};

	stream->maker = maker;
	stream->id = number;
	stream->is_used = true;
	event_block_init(&stream->block);
	assert_int_equal(writer_define_stream(maker->writer, &info), 0);
	return stream;
}

static UNUSED void maker_flush(struct maker_stream *stream)
{
	assert_int_equal(
		writer_write_events(stream->maker->writer, &stream->block, REEL_CODEC_ZSTD), 0);
	stream->is_begun = false;
}

static UNUSED void maker_prepare(struct maker_stream *stream)
{
	if (stream->is_begun && stream->block.count >= stream->maker->block_events) {
		maker_flush(stream);
	}
	if (stream->is_begun) {
		return;
	}
	assert_int_equal(event_block_begin(&stream->block, stream->id), 0);
	for (uint32_t i = 0; i < stream->depth; i++) {
		assert_int_equal(event_block_open(&stream->block, &stream->open[i]), 0);
	}
	stream->is_begun = true;
}

/* Any event but a before; an exit's function is the innermost open one. */
static UNUSED void maker_event(struct maker_stream *stream, struct event event)
{
	uint32_t module = NO_ID;

	maker_prepare(stream);
	if (event.kind == EVENT_AFTER || event.kind == EVENT_ABORT) {
		assert_true(stream->depth > 0);
		stream->depth--;
		event.function = stream->functions[stream->depth];
		module = stream->open[stream->depth].module;
	}
	if (event.kind == EVENT_CALL_BEGIN) {
		stream->call_depth++;
	}
	if (event.kind == EVENT_CALL_END) {
		stream->call_depth--;
	}
	assert_int_equal(event_block_append(&stream->block, &event, module), 0);
}

static UNUSED void maker_before_event(
	struct maker_stream *stream, const struct site *site, struct event event)
{
	struct activation *open;
	uint64_t *words;

	assert_true(stream->depth < MAKER_DEPTH);
	maker_prepare(stream);
	event.kind = EVENT_BEFORE;
	event.function = site->function;
	assert_int_equal(writer_intern_site(stream->maker->writer, site, &event.site), 0);
	assert_int_equal(event_block_append(&stream->block, &event, site->module), 0);
	if (site->has_caller && stream->depth > 0) {
		stream->open[stream->depth - 1].pc = site->caller_pc;
		stream->open[stream->depth - 1].offset = site->caller_offset;
	}
	words = stream->words[stream->depth];
	if (event.value_count > 0) {
		memcpy(words, event.values, event.value_count * sizeof(*words));
	}
	open = &stream->open[stream->depth];
	*open = (struct activation){
		.site = event.site,
		.module = event.module,
		.ticks = event.ticks,
		.pc = site->pc,
		.offset = site->offset,
		.params = event.value_count > 0 ? words : NULL,
		.param_count = event.value_count,
		.call_depth = stream->call_depth,
	};
	stream->functions[stream->depth++] = site->function;
}

/* A before called from `caller_pc` of the innermost open call. */
static UNUSED void maker_before(
	struct maker_stream *stream, uint64_t ticks, uint32_t function, uint64_t caller_pc)
{
	const struct site site = {
		.function = function,
		.module = NO_ID,
		.pc = 1000 + function,
		.offset = 10 + function,
		.has_caller = caller_pc != 0,
		.caller_pc = caller_pc,
		.caller_offset = caller_pc / 10,
	};

	maker_before_event(stream, &site, (struct event){.ticks = ticks, .module = NO_ID});
}

static UNUSED void maker_after(struct maker_stream *stream, uint64_t ticks)
{
	maker_event(
		stream, (struct event){.kind = EVENT_AFTER,
				.ticks = ticks,
				.module = stream->depth > 0 ? stream->open[stream->depth - 1].module
							    : NO_ID});
}

static UNUSED uint32_t maker_blob(struct maker *maker, const char *text)
{
	uint32_t id;

	assert_int_equal(writer_intern_blob(maker->writer, text, strlen(text), &id), 0);
	return id;
}

/* Writes what is left and finishes the file. */
static UNUSED void maker_finish(struct maker *maker)
{
	struct reel_error error = {0};

	for (size_t i = 0; i < MAKER_STREAMS; i++) {
		if (maker->streams[i].is_used) {
			maker_flush(&maker->streams[i]);
			event_block_deinit(&maker->streams[i].block);
		}
	}
	assert_int_equal(writer_finish(maker->writer, &error), 0);
	free(maker->streams);
	maker->streams = NULL;
}

static UNUSED struct reel_trace *maker_open(const struct maker *maker)
{
	struct reel_error error = {0};
	struct reel_trace *trace;

	if (reel_trace_open(maker->path, &trace, &error) < 0) {
		fail_msg("%s", error.text);
	}
	return trace;
}

static UNUSED void maker_remove(const struct maker *maker)
{
	unlink(maker->path);
}

/* ---- checking listener ---- */

#define CHECKER_STREAMS 1024
#define CHECKER_DEPTH 512

/* One callback as it was seen. */
struct seen {
	char kind; /* B A X, U undelivered, ( ) call marks, G gap, S E stream begin and end */
	enum reel_reason repaired;
	uint32_t stream;
	uint64_t ns;
	const struct reel_function *function;
};

struct checker {
	struct reel_listener_factory factory; /* first */
	struct reel_listener listener;
	struct reel_marks marks;
	bool is_lenient;    /* the host's pairing is not the contract's */
	bool is_filtered;   /* functions in stacks may be without a listener */
	bool writes_stacks; /* into `text` */
	char *text;         /* one line per callback */
	size_t length, capacity;
	struct seen *seen;
	size_t seen_count, seen_capacity;
	struct {
		const struct reel_context *context;
		const struct reel_function *open[CHECKER_DEPTH];
		size_t depth;
		bool is_open;
	} streams[CHECKER_STREAMS];
	size_t open_streams, open_streams_max;
	uint64_t last_ns;
	unsigned begins, finishes;
	bool refuses;
	const char *only; /* listens to functions of this name alone */
};

/* A piece of text, at most 4095 bytes of it. */
static UNUSED void checker_print(struct checker *checker, const char *format, ...)
{
	va_list arguments;
	int length;

	if (checker->capacity - checker->length < 4096) {
		checker->capacity = checker->capacity ? checker->capacity * 2 : 1 << 16;
		checker->text = realloc(checker->text, checker->capacity);
		assert_non_null(checker->text);
	}
	va_start(arguments, format);
	length = vsnprintf(checker->text + checker->length, 4096, format, arguments);
	va_end(arguments);
	checker->length += length < 4096 ? (size_t)length : 4095;
}

static struct checker *checker_of(struct reel_listener *listener)
{
	return (struct checker *)((char *)listener - offsetof(struct checker, listener));
}

static void checker_note(struct checker *checker, char kind, struct reel_context *context,
	const struct reel_function *function)
{
	uint64_t ns = reel_context_time_ns(context);

	assert_true(context->slot < CHECKER_STREAMS);
	assert_ptr_equal(checker->streams[context->slot].context, context);
	/* Across streams, order is by time. */
	assert_true(ns >= checker->last_ns);
	checker->last_ns = ns;
	if (checker->seen_count == checker->seen_capacity) {
		checker->seen_capacity = checker->seen_capacity ? checker->seen_capacity * 2 : 1024;
		checker->seen =
			realloc(checker->seen, checker->seen_capacity * sizeof(*checker->seen));
		assert_non_null(checker->seen);
	}
	checker->seen[checker->seen_count++] = (struct seen){
		.kind = kind,
		.repaired = context->repaired,
		.stream = context->stream->id,
		.ns = ns,
		.function = function,
	};
	checker_print(checker, "%c%" PRIu32 " %" PRIu64, kind, context->stream->id, ns);
	if (context->repaired) {
		checker_print(checker, " %s", reel_reason_name(context->repaired));
	}
	if (function) {
		checker_print(checker, " %s", function->name);
	}
}

static void checker_words(struct checker *checker, const uint64_t *words, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		checker_print(checker, " %" PRIu64, words[i]);
	}
}

static void checker_stack(struct checker *checker, struct reel_stack_iterator *stack)
{
	const struct reel_frame *frame;

	assert_null(reel_stack_frame(stack));
	checker_print(checker, " |");
	while (reel_stack_next(stack)) {
		frame = reel_stack_frame(stack);
		checker_print(checker, " %s@%" PRIu64 "+%" PRIu64,
			frame->function ? frame->function->name : "?", frame->pc,
			frame->source_offset);
		if (frame->params && frame->function) {
			uint32_t count = reel_function_param_words(frame->function);

			for (uint32_t i = 0; i < count; i++) {
				checker_print(
					checker, "%c%" PRIu64, i ? ',' : '=', frame->params[i]);
			}
		}
	}
	assert_null(reel_stack_frame(stack));
	assert_false(reel_stack_next(stack));
}

/* Frames of functions with open calls are these calls, innermost first, none left out. */
static void checker_align(struct checker *checker, const struct reel_context *context,
	struct reel_stack_iterator *stack)
{
	size_t depth = checker->streams[context->slot].depth;

	while (reel_stack_next(stack)) {
		const struct reel_function *function = reel_stack_function(stack);

		if (!function || !function->is_listened) {
			continue;
		}
		assert_true(depth > 0);
		depth--;
		assert_ptr_equal(checker->streams[context->slot].open[depth], function);
	}
	stack->ops->rewind(stack);
}

static void checker_before(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *params,
	struct reel_stack_iterator *stack)
{
	struct checker *checker = checker_of(listener);
	size_t *depth = &checker->streams[context->slot].depth;

	checker_note(checker, 'B', context, function);
	assert_true(*depth < CHECKER_DEPTH);
	checker->streams[context->slot].open[(*depth)++] = function;
	if (module) {
		checker_print(checker, " m%" PRIu32, module->id);
	}
	checker_words(checker, params, reel_function_param_words(function));
	if (!checker->is_lenient && !checker->is_filtered) {
		checker_align(checker, context, stack);
	}
	assert_true(reel_stack_next(stack));
	assert_ptr_equal(reel_stack_function(stack), function);
	assert_ptr_equal(reel_stack_params(stack), params);
	stack->ops->rewind(stack);
	if (checker->writes_stacks) {
		checker_stack(checker, stack);
	}
	checker_print(checker, "\n");
}

static void checker_pop(
	struct checker *checker, struct reel_context *context, const struct reel_function *function)
{
	size_t *depth = &checker->streams[context->slot].depth;

	if (checker->is_lenient) {
		return;
	}
	assert_true(*depth > 0);
	(*depth)--;
	assert_ptr_equal(checker->streams[context->slot].open[*depth], function);
}

static void checker_after(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *results)
{
	struct checker *checker = checker_of(listener);

	checker_note(checker, 'A', context, function);
	checker_pop(checker, context, function);
	checker_words(checker, results, reel_function_result_words(function));
	checker_print(checker, "\n");
}

static void checker_abort(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function,
	const struct reel_abort *error)
{
	struct checker *checker = checker_of(listener);

	checker_note(checker, 'X', context, function);
	checker_pop(checker, context, function);
	assert_int_equal(strlen(error->text), error->length);
	checker_print(checker, " %d '%s' %zu\n", (int)error->kind, error->text, error->full_length);
}

static void checker_stream_begin(
	struct reel_listener_factory *factory, struct reel_context *context)
{
	struct checker *checker = (struct checker *)factory;

	assert_true(context->slot < CHECKER_STREAMS);
	assert_null(checker->streams[context->slot].context);
	checker->streams[context->slot].context = context;
	checker->streams[context->slot].is_open = true;
	checker->open_streams++;
	if (checker->open_streams > checker->open_streams_max) {
		checker->open_streams_max = checker->open_streams;
	}
	checker_note(checker, 'S', context, NULL);
	checker_print(checker, " %s\n", context->stream->name);
}

static void checker_stream_end(struct reel_listener_factory *factory, struct reel_context *context)
{
	struct checker *checker = (struct checker *)factory;

	checker_note(checker, 'E', context, NULL);
	checker_print(checker, "\n");
	if (!checker->is_lenient) {
		assert_int_equal(checker->streams[context->slot].depth, 0);
	}
	checker->streams[context->slot].is_open = false;
	checker->open_streams--;
}

static void checker_call_begin(
	struct reel_listener_factory *factory, struct reel_context *context, const char *text)
{
	struct checker *checker = (struct checker *)factory;

	checker_note(checker, '(', context, NULL);
	checker_print(checker, " %s\n", text);
}

static void checker_call_end(
	struct reel_listener_factory *factory, struct reel_context *context, const char *text)
{
	struct checker *checker = (struct checker *)factory;

	checker_note(checker, ')', context, NULL);
	checker_print(checker, " %s\n", text);
}

static void checker_gap(
	struct reel_listener_factory *factory, struct reel_context *context, uint64_t lost)
{
	struct checker *checker = (struct checker *)factory;

	checker_note(checker, 'G', context, NULL);
	checker_print(checker, " %" PRIu64 "\n", lost);
}

static void checker_undelivered(struct reel_listener_factory *factory, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *results,
	const struct reel_abort *error)
{
	struct checker *checker = (struct checker *)factory;

	checker_note(checker, 'U', context, function);
	if (error) {
		checker_print(checker, " '%s'", error->text);
	} else {
		checker_words(checker, results, reel_function_result_words(function));
	}
	checker_print(checker, "\n");
}

static int checker_begin(struct reel_listener_factory *factory, const struct reel_host_info *info,
	struct reel_error *error)
{
	struct checker *checker = (struct checker *)factory;

	checker->begins++;
	assert_true(info->replay);
	assert_false(info->concurrent);
	assert_string_equal(info->metadata, "{\"host\":\"test\"}");
	return checker->refuses ? reel_fail(error, REEL_EINVAL, "refused") : 0;
}

static int checker_finish(struct reel_listener_factory *factory, struct reel_error *error)
{
	((struct checker *)factory)->finishes++;
	return 0;
}

static struct reel_listener *checker_listener_for(
	struct reel_listener_factory *factory, const struct reel_function *function)
{
	struct checker *checker = (struct checker *)factory;

	assert_true(function->is_listened);
	if (checker->only && strcmp(checker->only, function->name) != 0) {
		return NULL;
	}
	return &checker->listener;
}

static UNUSED struct checker *checker_create(void)
{
	struct checker *checker = calloc(1, sizeof(*checker));

	assert_non_null(checker);
	checker->factory.begin = checker_begin;
	checker->factory.listener_for = checker_listener_for;
	checker->factory.finish = checker_finish;
	checker->factory.marks = &checker->marks;
	checker->listener = (struct reel_listener){checker_before, checker_after, checker_abort};
	checker->marks = (struct reel_marks){
		.stream_begin = checker_stream_begin,
		.stream_end = checker_stream_end,
		.call_begin = checker_call_begin,
		.call_end = checker_call_end,
		.gap = checker_gap,
		.undelivered = checker_undelivered,
	};
	checker_print(checker, "%s", "");
	return checker;
}

static UNUSED void checker_destroy(struct checker *checker)
{
	free(checker->text);
	free(checker->seen);
	free(checker);
}

/* Replays; every stream that began has ended, and with it every call. */
static UNUSED struct reel_replay_result checker_replay(struct checker *checker,
	struct reel_trace *trace, const struct reel_replay_options *options)
{
	struct reel_replay_result result;
	struct reel_error error = {0};

	if (reel_replay(trace, &checker->factory, options, &result, &error) < 0) {
		fail_msg("%s", error.text);
	}
	assert_int_equal(checker->open_streams, 0);
	assert_int_equal(checker->begins, 1);
	assert_int_equal(checker->finishes, 1);
	return result;
}

/* ---- random numbers ---- */

static UNUSED uint32_t random_below(uint64_t *seed, uint32_t limit)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (uint32_t)((*seed >> 16) % limit);
}

#endif
