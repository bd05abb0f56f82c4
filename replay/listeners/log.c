/*
 * The built-in listener `log`: wazero's logging listener, byte for byte.
 *
 * Given events, it promises a line "--> name(params)" per before and "<-- results" per after ("==>"
 * and "<==" for host functions), indented by the open calls that are shown, and none for an abort.
 * Results may show what parameters point to, so a call's parameters are kept while it is open. Like
 * its model it takes each exit for that of the innermost open call. Options: file=PATH and those of
 * log_options.h; with a live host every line is written at once.
 */
#include "log.h"

#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "builtins_list.h"
#include "log_options.h"
#include "log_split.h"

struct log;

struct log_function {
	struct reel_listener listener; /* first */
	struct log *log;
	char *debug_name;
	bool is_host;
	uint32_t param_words, result_words;
	struct log_format format;
};

struct log_call {
	size_t first_word; /* of its parameters, in the stream's words */
	uint32_t word_count;
	bool is_shown;
};

struct log_stream {
	struct log_call *calls; /* bottom first */
	size_t depth, call_capacity;
	size_t shown_depth; /* how many of them are shown */
	uint64_t *words;    /* parameters of all open calls */
	size_t word_count, word_capacity;
	struct text_output *output; /* of its own, or NULL */
};

struct log {
	struct base base; /* first */
	struct log_options options;
	struct log_split split;
	struct log_function **functions;
	size_t function_count, function_capacity;
	struct log_stream *streams; /* by slot */
	size_t stream_capacity;
};

/* The stream's state with room for a call of so many words; NULL when memory is short. */
static struct log_stream *prepare(struct log *log, uint32_t slot, uint32_t word_count)
{
	struct log_stream *streams =
		array_grow(log->streams, &log->stream_capacity, (size_t)slot + 1, sizeof(*streams));
	struct log_stream *stream;
	struct log_call *calls;
	uint64_t *words;

	if (!streams) {
		return NULL;
	}
	log->streams = streams;
	stream = &streams[slot];
	calls = array_grow(
		stream->calls, &stream->call_capacity, stream->depth + 1, sizeof(*calls));
	if (!calls) {
		return NULL;
	}
	stream->calls = calls;
	words = array_grow(stream->words, &stream->word_capacity,
		stream->word_count + word_count + 1, sizeof(*words));
	if (!words) {
		return NULL;
	}
	stream->words = words;
	return stream;
}

/* Where the stream's lines go; NULL when its file cannot be opened, which is remembered. */
static struct text_output *output_of(
	struct log *log, struct log_stream *stream, const struct reel_context *context)
{
	if (log->options.streams != LOG_STREAMS_SPLIT) {
		return &log->base.output;
	}
	if (!stream->output) {
		stream->output = log_split_open(&log->split, context->stream->id);
	}
	return stream->output;
}

static bool has_prefix(const struct log *log, const struct reel_context *context)
{
	return log->options.streams == LOG_STREAMS_PREFIX ||
	       (log->options.streams == LOG_STREAMS_AUTO && context->slot > 0);
}

/* Starts a line; NULL when there is nowhere to write. */
static struct text_output *start_line(
	struct log *log, struct log_stream *stream, const struct reel_context *context)
{
	struct text_output *output = output_of(log, stream, context);

	if (!output) {
		return NULL;
	}
	if (has_prefix(log, context)) {
		text_char(output, '[');
		text_u64(output, context->stream->id);
		text_string(output, "] ");
	}
	text_repeat(output, '\t', stream->shown_depth);
	return output;
}

static void end_line(const struct log *log, struct text_output *output)
{
	text_char(output, '\n');
	if (!log->base.is_replay) {
		text_flush(output);
	}
}

/* Reads and writes of standard streams would clutter the log. */
static bool is_stdio(const struct log_function *function, const uint64_t *params)
{
	return function->format.leaves_out_stdio && function->param_words > 0 &&
	       (int32_t)(uint32_t)params[0] <= 2;
}

static void push_call(
	struct log_stream *stream, const uint64_t *params, uint32_t word_count, bool is_shown)
{
	stream->calls[stream->depth++] =
		(struct log_call){stream->word_count, word_count, is_shown};
	if (word_count > 0) {
		memcpy(stream->words + stream->word_count, params, word_count * sizeof(*params));
		stream->word_count += word_count;
	}
	stream->shown_depth += is_shown;
}

static void show_call(const struct log_function *function, struct log_stream *stream,
	const struct reel_context *context, struct reel_module *module, const uint64_t *params)
{
	const struct log_words words = {
		.params = params, .param_count = params ? function->param_words : 0};
	struct text_output *output = start_line(function->log, stream, context);

	if (output) {
		text_string(output, function->is_host ? "==> " : "--> ");
		text_string(output, function->debug_name);
		log_put_params(output, &function->format, module, &words);
		end_line(function->log, output);
	}
}

static void before(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *definition, const uint64_t *params,
	struct reel_stack_iterator *stack)
{
	const struct log_function *function = (struct log_function *)listener;
	struct log *log = function->log;
	const uint32_t word_count = params ? function->param_words : 0;
	struct log_stream *stream;

	(void)definition;
	(void)stack;
	base_lock(&log->base);
	stream = prepare(log, context->slot, word_count);
	if (!stream) {
		base_fail(&log->base, REEL_ENOMEM);
	} else {
		const bool is_shown = word_count == 0 || !is_stdio(function, params);

		if (is_shown) {
			show_call(function, stream, context, module, params);
		}
		push_call(stream, params, word_count, is_shown);
	}
	base_unlock(&log->base);
}

/* Ends the innermost open call; false: none is open. Its words stay until the next before. */
static bool pop_call(struct log *log, const struct reel_context *context, struct log_call *call)
{
	struct log_stream *stream;

	if (context->slot >= log->stream_capacity || log->streams[context->slot].depth == 0) {
		return false;
	}
	stream = &log->streams[context->slot];
	*call = stream->calls[--stream->depth];
	stream->word_count = call->first_word;
	stream->shown_depth -= call->is_shown;
	return true;
}

static void show_return(const struct log_function *function, const struct log_call *call,
	const struct reel_context *context, struct reel_module *module, const uint64_t *results)
{
	struct log_stream *stream = &function->log->streams[context->slot];
	const struct log_words words = {
		.params = stream->words + call->first_word,
		.param_count = call->word_count,
		.results = results,
		.result_count = results ? function->result_words : 0,
	};
	struct text_output *output = start_line(function->log, stream, context);

	if (output) {
		text_string(output, function->is_host ? "<==" : "<--");
		log_put_results(output, &function->format, module, &words);
		end_line(function->log, output);
	}
}

static void after(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *definition, const uint64_t *results)
{
	const struct log_function *function = (struct log_function *)listener;
	struct log_call call;

	(void)definition;
	base_lock(&function->log->base);
	if (pop_call(function->log, context, &call) && call.is_shown) {
		show_return(function, &call, context, module, results);
	}
	base_unlock(&function->log->base);
}

static void aborted(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *definition,
	const struct reel_abort *error)
{
	const struct log_function *function = (struct log_function *)listener;
	struct log_call call;

	(void)module;
	(void)definition;
	(void)error;
	base_lock(&function->log->base);
	pop_call(function->log, context, &call);
	base_unlock(&function->log->base);
}

static void function_destroy(struct log_function *function)
{
	log_format_deinit(&function->format);
	free(function->debug_name);
	free(function);
}

static struct log_function *function_create(struct log *log, const struct reel_function *definition)
{
	struct log_function *function = calloc(1, sizeof(*function));

	if (!function) {
		return NULL;
	}
	function->listener = (struct reel_listener){before, after, aborted};
	function->log = log;
	function->is_host = definition->is_host;
	function->param_words = reel_function_param_words(definition);
	function->result_words = reel_function_result_words(definition);
	function->debug_name = function_debug_name(definition);
	if (!function->debug_name || log_format_init(&function->format, definition) < 0) {
		function_destroy(function);
		return NULL;
	}
	return function;
}

static struct reel_listener *add_function(struct log *log, const struct reel_function *definition)
{
	struct log_function **functions = array_grow(log->functions, &log->function_capacity,
		log->function_count + 1, sizeof(struct log_function *));
	struct log_function *function = functions ? function_create(log, definition) : NULL;

	if (functions) {
		log->functions = functions;
	}
	if (!function) {
		base_fail(&log->base, REEL_ENOMEM);
		return NULL;
	}
	functions[log->function_count++] = function;
	return &function->listener;
}

static struct reel_listener *listener_for(
	struct reel_listener_factory *factory, const struct reel_function *definition)
{
	struct log *log = (struct log *)factory;
	struct reel_listener *listener;

	if (log->options.host_only && !definition->is_host && definition->export_count == 0) {
		return NULL;
	}
	if (!log_is_in_scope(definition, log->options.scopes)) {
		return NULL;
	}
	base_lock(&log->base);
	listener = add_function(log, definition);
	base_unlock(&log->base);
	return listener;
}

static void end_stream(struct log *log, struct log_stream *stream)
{
	if (stream->output) {
		log_split_close(&log->split, stream->output);
	}
	free(stream->calls);
	free(stream->words);
	*stream = (struct log_stream){0};
}

static void stream_end(struct reel_listener_factory *factory, struct reel_context *context)
{
	struct log *log = (struct log *)factory;

	base_lock(&log->base);
	if (context->slot < log->stream_capacity) {
		end_stream(log, &log->streams[context->slot]);
	}
	base_unlock(&log->base);
}

static int finish(struct reel_listener_factory *factory, struct reel_error *error)
{
	struct log *log = (struct log *)factory;

	for (size_t i = 0; i < log->stream_capacity; i++) {
		end_stream(log, &log->streams[i]);
	}
	if (log->split.error.status < 0) {
		return reel_fail(error, log->split.error.status, "%s", log->split.error.text);
	}
	return base_finish(&log->base, error);
}

static void destroy(struct reel_listener_factory *factory)
{
	struct log *log = (struct log *)factory;

	for (size_t i = 0; i < log->stream_capacity; i++) {
		struct log_stream *stream = &log->streams[i];

		log_split_abandon(stream->output);
		free(stream->calls);
		free(stream->words);
	}
	for (size_t i = 0; i < log->function_count; i++) {
		function_destroy(log->functions[i]);
	}
	free(log->streams);
	free(log->functions);
	log_split_deinit(&log->split);
	base_deinit(&log->base);
	free(log);
}

static int take_options(struct base *base, struct options *options, const char *default_output,
	struct reel_error *error)
{
	struct log *log = (struct log *)base;
	const char *path;
	int status = log_options_take(&log->options, options, error);

	if (status < 0 || log->options.streams != LOG_STREAMS_SPLIT) {
		return status;
	}
	base->has_own_output = true;
	status = options_take_output(options, default_output, &path, error);
	return status < 0 ? status : log_split_init(&log->split, path, error);
}

static const struct reel_marks marks = {.stream_end = stream_end};

int log_create(const char *options_text, const char *default_output,
	struct reel_listener_factory **factory, struct reel_error *error)
{
	struct log *log = calloc(1, sizeof(*log));
	int status;

	if (!log) {
		return reel_fail(error, REEL_ENOMEM, "out of memory");
	}
	status = base_open(&log->base, "log", options_text, default_output, take_options, error);
	if (status < 0) {
		log_split_deinit(&log->split);
		free(log);
		return status;
	}
	log->base.factory =
		(struct reel_listener_factory){base_begin, listener_for, finish, destroy, &marks};
	*factory = &log->base.factory;
	return 0;
}
