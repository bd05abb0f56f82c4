/*
 * Lines of the listener `json` that events refer to: the host, functions, modules, streams. Given
 * definitions as hosts fill them, with any field missing; promises that each is written once,
 * before the first line that names it.
 */
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "json_text.h"

void json_put_meta(struct json *json, const char *metadata)
{
	static const char *const skipped[] = {"stack_delta", NULL};
	struct text_output *output = &json->base.output;

	if (json->has_meta) {
		return;
	}
	json->has_meta = true;
	text_string(output, "{\"meta\":{\"stack_delta\":false");
	if (metadata && json_is_object(metadata)) {
		json_put_members(output, metadata, skipped);
	}
	text_string(output, "}}\n");
}

static void put_key_text(struct text_output *output, const char *key, const char *text)
{
	text_string(output, ",\"");
	text_string(output, key);
	text_string(output, "\":");
	json_put_text(output, text);
}

static void put_key_flag(struct text_output *output, const char *key, bool value)
{
	text_string(output, ",\"");
	text_string(output, key);
	text_string(output, value ? "\":true" : "\":false");
}

static void put_names(
	struct text_output *output, const char *key, const char *const *names, uint32_t count)
{
	text_string(output, ",\"");
	text_string(output, key);
	text_string(output, "\":[");
	for (uint32_t i = 0; names && i < count; i++) {
		if (i > 0) {
			text_char(output, ',');
		}
		json_put_text(output, names[i]);
	}
	text_char(output, ']');
}

static void put_types(
	struct text_output *output, const char *key, const uint8_t *types, uint32_t count)
{
	text_string(output, ",\"");
	text_string(output, key);
	text_string(output, "\":[");
	for (uint32_t i = 0; types && i < count; i++) {
		if (i > 0) {
			text_char(output, ',');
		}
		json_put_text(output, reel_value_type_name(types[i]));
	}
	text_char(output, ']');
}

static void put_import(struct text_output *output, const struct reel_function *function)
{
	if (!function->import_module || !function->import_name) {
		text_string(output, ",\"import\":null");
		return;
	}
	text_string(output, ",\"import\":[");
	json_put_text(output, function->import_module);
	text_char(output, ',');
	json_put_text(output, function->import_name);
	text_char(output, ']');
}

static void put_source(struct text_output *output, const struct reel_function *function)
{
	if (function->file) {
		put_key_text(output, "file", function->file);
	}
	if (function->line) {
		text_string(output, ",\"line\":");
		text_u64(output, function->line);
	}
}

static int put_definition(struct text_output *output, const struct reel_function *function,
	uint32_t id, bool is_listened)
{
	char *debug_name = function_debug_name(function);

	if (!debug_name) {
		return REEL_ENOMEM;
	}
	text_string(output, "{\"def\":{\"id\":");
	text_u64(output, id);
	put_key_text(output, "module", function->module_name);
	text_string(output, ",\"index\":");
	text_u64(output, function->index == REEL_NO_INDEX ? id : function->index);
	put_key_text(output, "name", function->name);
	put_key_text(output, "debug_name", debug_name);
	put_names(output, "export_names", function->export_names, function->export_count);
	put_import(output, function);
	put_key_flag(output, "host", function->is_host);
	put_key_flag(output, "listener", is_listened);
	put_types(output, "param_types", function->param_types, function->param_count);
	put_names(output, "param_names", function->param_names, function->param_count);
	put_types(output, "result_types", function->result_types, function->result_count);
	put_names(output, "result_names", function->result_names, function->result_count);
	put_source(output, function);
	text_string(output, "}}\n");
	free(debug_name);
	return 0;
}

int json_define_function(
	struct json *json, const struct reel_function *function, bool is_listened, uint32_t *id)
{
	const uint64_t key = (uint64_t)(uintptr_t)function;

	*id = number_map_get(&json->function_ids, key);
	if (*id != NUMBER_MAP_NONE) {
		return 0;
	}
	*id = json->function_count;
	if (number_map_put(&json->function_ids, key, *id) < 0) {
		return REEL_ENOMEM;
	}
	json->function_count++;
	json_put_meta(json, NULL);
	return put_definition(&json->base.output, function, *id, is_listened);
}

int json_define_module(struct json *json, const struct reel_module *module)
{
	struct text_output *output = &json->base.output;

	if (!module || module->id == REEL_NO_MODULE ||
		number_map_get(&json->module_ids, module->id) != NUMBER_MAP_NONE) {
		return 0;
	}
	if (number_map_put(&json->module_ids, module->id, 0) < 0) {
		return REEL_ENOMEM;
	}
	json_put_meta(json, NULL);
	text_string(output, "{\"mod\":{\"id\":");
	text_u64(output, module->id);
	put_key_text(output, "name", module->name);
	text_string(output, ",\"globals\":");
	text_u64(output, module->global_count);
	put_key_flag(output, "has_memory", module->has_memory);
	text_string(output, "}}\n");
	return 0;
}

static void put_stream(struct json *json, const struct reel_stream_info *info)
{
	struct text_output *output = &json->base.output;

	json_put_meta(json, NULL);
	text_string(output, "{\"stream\":{\"id\":");
	text_u64(output, info->id);
	put_key_text(output, "name", info->name);
	text_string(output, ",\"pid\":");
	text_u64(output, info->pid);
	text_string(output, ",\"tid\":");
	text_u64(output, info->tid);
	put_key_text(output, "process", info->process);
	text_string(output, "}}\n");
	if (!json->has_stream || info->id < json->first_tid) {
		json->first_tid = info->id;
		json->has_stream = true;
	}
}

struct json_stream *json_define_stream(struct json *json, const struct reel_context *context)
{
	struct json_stream *streams = array_grow(
		json->streams, &json->stream_capacity, (size_t)context->slot + 1, sizeof(*streams));
	struct json_stream *stream;

	if (!streams) {
		return NULL;
	}
	json->streams = streams;
	stream = &streams[context->slot];
	if (!stream->is_known) {
		stream->is_known = true;
		put_stream(json, context->stream);
	}
	return stream;
}
