/*
 * The built-in listener `json`: every event as a line of JSON.
 *
 * Given events and marks, it promises the schema that the importer reads: the host's description
 * first, then definitions before their first use, and per stream its events, top-level calls, gaps
 * and undelivered exits in order, with full stacks and all that was captured; a last line of type
 * E. What Reel made up says so ("repaired", "reason"). Option: file=PATH.
 */
#include "json.h"

#include <stdlib.h>
#include <string.h>

#include "builtins_list.h"

/* Copies the stack's frames, defining their functions, so that the event's line can be written in
 * one go. */
static int collect_frames(struct json *json, struct reel_stack_iterator *stack, size_t *frame_count)
{
	size_t count = 0;

	while (reel_stack_next(stack)) {
		const struct reel_frame *frame = reel_stack_frame(stack);
		struct json_frame *frames =
			array_grow(json->frames, &json->frame_capacity, count + 1, sizeof(*frames));
		uint32_t id = NUMBER_MAP_NONE;

		if (!frames) {
			return REEL_ENOMEM;
		}
		json->frames = frames;
		if (frame->function && json_define_function(json, frame->function,
					       frame->function->is_listened, &id) < 0) {
			return REEL_ENOMEM;
		}
		frames[count++] = (struct json_frame){id, frame->pc, frame->source_offset};
	}
	*frame_count = count;
	return 0;
}

static void before(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *params,
	struct reel_stack_iterator *stack)
{
	const struct json_function *called = (struct json_function *)listener;
	struct json *json = called->json;
	struct json_event event = {.type = 'B',
		.context = context,
		.module = module,
		.function = called->id,
		.words = params,
		.word_count = called->param_words};
	int status;

	(void)function;
	base_lock(&json->base);
	status = collect_frames(json, stack, &event.frame_count);
	base_fail(&json->base, status < 0 ? status : json_put_event(json, &event));
	base_unlock(&json->base);
}

static void after(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *results)
{
	const struct json_function *called = (struct json_function *)listener;
	const struct json_event event = {.type = 'A',
		.context = context,
		.module = module,
		.function = called->id,
		.words = results,
		.word_count = called->result_words};

	(void)function;
	base_lock(&called->json->base);
	base_fail(&called->json->base, json_put_event(called->json, &event));
	base_unlock(&called->json->base);
}

static void aborted(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function,
	const struct reel_abort *error)
{
	const struct json_function *called = (struct json_function *)listener;
	const struct json_event event = {.type = 'X',
		.context = context,
		.module = module,
		.function = called->id,
		.error = error};

	(void)function;
	base_lock(&called->json->base);
	base_fail(&called->json->base, json_put_event(called->json, &event));
	base_unlock(&called->json->base);
}

static struct reel_listener *add_function(struct json *json, const struct reel_function *definition)
{
	struct json_function **functions = array_grow(json->functions, &json->listener_capacity,
		json->listener_count + 1, sizeof(struct json_function *));
	const bool is_listened = json->base.is_replay ? definition->is_listened : true;
	struct json_function *function;

	if (!functions) {
		return NULL;
	}
	json->functions = functions;
	function = calloc(1, sizeof(*function));
	if (!function || json_define_function(json, definition, is_listened, &function->id) < 0) {
		free(function);
		return NULL;
	}
	function->listener = (struct reel_listener){before, after, aborted};
	function->json = json;
	function->param_words = reel_function_param_words(definition);
	function->result_words = reel_function_result_words(definition);
	functions[json->listener_count++] = function;
	return &function->listener;
}

static struct reel_listener *listener_for(
	struct reel_listener_factory *factory, const struct reel_function *definition)
{
	struct json *json = (struct json *)factory;
	struct reel_listener *listener;

	base_lock(&json->base);
	listener = add_function(json, definition);
	if (!listener) {
		base_fail(&json->base, REEL_ENOMEM);
	}
	base_unlock(&json->base);
	return listener;
}

static void function_defined(
	struct reel_listener_factory *factory, const struct reel_function *function)
{
	struct json *json = (struct json *)factory;
	uint32_t id;

	base_lock(&json->base);
	base_fail(&json->base, json_define_function(json, function, function->is_listened, &id));
	base_unlock(&json->base);
}

static void module_defined(struct reel_listener_factory *factory, const struct reel_module *module)
{
	struct json *json = (struct json *)factory;

	base_lock(&json->base);
	base_fail(&json->base, json_define_module(json, module));
	base_unlock(&json->base);
}

static void stream_begin(struct reel_listener_factory *factory, struct reel_context *context)
{
	struct json *json = (struct json *)factory;

	base_lock(&json->base);
	if (!json_define_stream(json, context)) {
		base_fail(&json->base, REEL_ENOMEM);
	}
	base_unlock(&json->base);
}

static void stream_end(struct reel_listener_factory *factory, struct reel_context *context)
{
	struct json *json = (struct json *)factory;
	const uint64_t ns = reel_context_time_ns(context);
	struct json_stream *stream;

	base_lock(&json->base);
	json->last_ns = ns > json->last_ns ? ns : json->last_ns;
	stream = json_define_stream(json, context);
	if (stream) {
		free(stream->error);
		*stream = (struct json_stream){.is_known = true};
	} else {
		base_fail(&json->base, REEL_ENOMEM);
	}
	base_unlock(&json->base);
}

static void call_begin(
	struct reel_listener_factory *factory, struct reel_context *context, const char *text)
{
	struct json *json = (struct json *)factory;

	base_lock(&json->base);
	base_fail(&json->base, json_put_call_mark(json, context, 'I', text));
	base_unlock(&json->base);
}

static void call_end(
	struct reel_listener_factory *factory, struct reel_context *context, const char *text)
{
	struct json *json = (struct json *)factory;

	base_lock(&json->base);
	base_fail(&json->base, json_put_call_mark(json, context, 'O', text));
	base_unlock(&json->base);
}

static void gap(struct reel_listener_factory *factory, struct reel_context *context, uint64_t lost)
{
	struct json *json = (struct json *)factory;

	base_lock(&json->base);
	base_fail(&json->base, json_put_gap(json, context, lost));
	base_unlock(&json->base);
}

static void undelivered(struct reel_listener_factory *factory, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *results,
	const struct reel_abort *error)
{
	struct json *json = (struct json *)factory;
	struct json_event event = {.type = error ? 'X' : 'A',
		.is_undelivered = true,
		.context = context,
		.module = module,
		.words = results,
		.word_count = reel_function_result_words(function),
		.error = error};
	int status;

	base_lock(&json->base);
	status = json_define_function(json, function, function->is_listened, &event.function);
	base_fail(&json->base, status < 0 ? status : json_put_event(json, &event));
	base_unlock(&json->base);
}

static int begin(struct reel_listener_factory *factory, const struct reel_host_info *info,
	struct reel_error *error)
{
	struct json *json = (struct json *)factory;

	json_put_meta(json, info->metadata);
	return base_begin(factory, info, error);
}

static int finish(struct reel_listener_factory *factory, struct reel_error *error)
{
	struct json *json = (struct json *)factory;

	json_put_end(json);
	return base_finish(&json->base, error);
}

static void destroy(struct reel_listener_factory *factory)
{
	struct json *json = (struct json *)factory;

	for (size_t i = 0; i < json->listener_count; i++) {
		free(json->functions[i]);
	}
	for (size_t i = 0; i < json->stream_capacity; i++) {
		free(json->streams[i].error);
	}
	free(json->functions);
	free(json->streams);
	free(json->frames);
	number_map_deinit(&json->function_ids);
	number_map_deinit(&json->module_ids);
	base_deinit(&json->base);
	free(json);
}

static const struct reel_marks marks = {
	.function_defined = function_defined,
	.module_defined = module_defined,
	.stream_begin = stream_begin,
	.stream_end = stream_end,
	.call_begin = call_begin,
	.call_end = call_end,
	.gap = gap,
	.undelivered = undelivered,
};

int json_create(const char *options_text, const char *default_output,
	struct reel_listener_factory **factory, struct reel_error *error)
{
	struct json *json = calloc(1, sizeof(*json));
	int status;

	if (!json) {
		return reel_fail(error, REEL_ENOMEM, "out of memory");
	}
	status = base_open(&json->base, "json", options_text, default_output, NULL, error);
	if (status < 0) {
		free(json);
		return status;
	}
	json->base.factory =
		(struct reel_listener_factory){begin, listener_for, finish, destroy, &marks};
	*factory = &json->base.factory;
	return 0;
}
