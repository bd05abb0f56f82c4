/*
 * Lines that define functions, modules and streams: each is read in full, checked, and told to the
 * recorder under an id of the file.
 */
#include "import_state.h"

#include <stdlib.h>
#include <string.h>

/* The object's id, which it must have, and which no other may have. */
static int read_new_id(struct import *import, const struct jsonl_object *object,
	const struct jsonl_id_map *map, const char *what, uint32_t *id)
{
	uint64_t number;
	int found = jsonl_find(&import->parser, object, "id");

	if (found == 0) {
		return import_fail(import, REEL_EFORMAT, "a %s without an id", what);
	}
	if (found > 0) {
		found = jsonl_read_integer(&import->parser, UINT32_MAX - 1, &number);
	}
	if (found < 0) {
		return import_parsed(import, found);
	}
	*id = (uint32_t)number;
	if (jsonl_id_map_get(map, *id)) {
		return import_fail(import, REEL_EFORMAT, "%s %u is defined twice", what, *id);
	}
	return 0;
}

static int add_id(struct import *import, struct jsonl_id_map *map, uint32_t id, void *value)
{
	int status = jsonl_id_map_add(map, id, value);

	if (status == REEL_ELIMIT) {
		return import_fail(import, status, "too many definitions");
	}
	return status < 0 ? import_no_memory(import) : 0;
}

/* ---- functions ---- */

/* An array of names, or none. */
static int read_names(struct import *import, const struct jsonl_object *object, const char *key,
	const char *const **names, uint32_t *count)
{
	const char **list;
	int found = jsonl_find(&import->parser, object, key);

	*names = NULL;
	*count = 0;
	if (found <= 0) {
		return import_parsed(import, found);
	}
	found = import_count_elements(import, count);
	if (found < 0) {
		return found;
	}
	list = jsonl_arena_alloc(&import->arena, (*count + 1) * sizeof(*list));
	if (!list) {
		return import_no_memory(import);
	}
	found = jsonl_begin_array(&import->parser);
	for (uint32_t i = 0; found >= 0 && i < *count; i++) {
		found = jsonl_next_element(&import->parser);
		if (found > 0) {
			found = jsonl_read_name(&import->parser, &list[i]);
		}
	}
	*names = list;
	return import_parsed(import, found < 0 ? found : 0);
}

static int read_types(struct import *import, const struct jsonl_object *object, const char *key,
	const uint8_t **types, uint32_t *count)
{
	const char *const *names;
	uint8_t *list;
	int status = read_names(import, object, key, &names, count);

	if (status < 0) {
		return status;
	}
	list = jsonl_arena_alloc(&import->arena, *count + 1);
	if (!list) {
		return import_no_memory(import);
	}
	for (uint32_t i = 0; i < *count; i++) {
		list[i] = reel_value_type_from_name(names[i]);
		if (list[i] == 0) {
			return import_fail(
				import, REEL_EFORMAT, "%s: no type \"%.32s\"", key, names[i]);
		}
	}
	*types = list;
	return 0;
}

/* Names for `count` parameters or results: as many, or none at all. */
static int read_value_names(struct import *import, const struct jsonl_object *object,
	const char *key, uint32_t count, const char *const **names)
{
	uint32_t name_count;
	int status = read_names(import, object, key, names, &name_count);

	if (status < 0) {
		return status;
	}
	if (name_count == 0) {
		*names = NULL;
	} else if (name_count != count) {
		return import_fail(
			import, REEL_EFORMAT, "%s: %u names for %u values", key, name_count, count);
	}
	return 0;
}

static int read_signature(
	struct import *import, const struct jsonl_object *object, struct reel_function *definition)
{
	int status = read_types(
		import, object, "param_types", &definition->param_types, &definition->param_count);

	if (status == 0) {
		status = read_types(import, object, "result_types", &definition->result_types,
			&definition->result_count);
	}
	if (status == 0) {
		status = read_value_names(import, object, "param_names", definition->param_count,
			&definition->param_names);
	}
	if (status == 0) {
		status = read_value_names(import, object, "result_names", definition->result_count,
			&definition->result_names);
	}
	return status;
}

static int read_import_pair(
	struct import *import, const struct jsonl_object *object, struct reel_function *definition)
{
	const char *const *names;
	uint32_t count;
	int status = read_names(import, object, "import", &names, &count);

	if (status < 0 || !names) {
		return status;
	}
	if (count != 2) {
		return import_fail(
			import, REEL_EFORMAT, "import: expected a module's and a name, or null");
	}
	definition->import_module = names[0];
	definition->import_name = names[1];
	return 0;
}

/* Where a native function's code is. */
static int read_place(
	struct import *import, const struct jsonl_object *object, struct reel_function *definition)
{
	int status = import_optional_name(import, object, "object", &definition->object);

	if (status == 0) {
		status = import_optional_name(import, object, "file", &definition->file);
	}
	if (status == 0) {
		status = import_optional_u32(import, object, "line", UINT32_MAX, &definition->line);
	}
	if (status == 0) {
		status = import_optional_number(
			import, object, "address", UINT64_MAX, &definition->address);
	}
	if (status == 0) {
		status = import_optional_number(
			import, object, "code_size", UINT64_MAX, &definition->code_size);
	}
	return status;
}

static int read_definition(
	struct import *import, const struct jsonl_object *object, struct reel_function *definition)
{
	int status = import_optional_u32(import, object, "index", UINT32_MAX, &definition->index);

	if (status == 0) {
		status = import_optional_name(import, object, "module", &definition->module_name);
	}
	if (status == 0) {
		status = import_optional_name(import, object, "name", &definition->name);
	}
	if (status == 0) {
		status =
			import_optional_name(import, object, "debug_name", &definition->debug_name);
	}
	if (status == 0) {
		status = read_names(import, object, "export_names", &definition->export_names,
			&definition->export_count);
	}
	if (status == 0) {
		status = read_import_pair(import, object, definition);
	}
	if (status == 0) {
		status = import_optional_bool(import, object, "host", &definition->is_host);
	}
	if (status == 0) {
		status = import_optional_bool(import, object, "listener", &definition->is_listened);
	}
	if (status == 0) {
		status = read_signature(import, object, definition);
	}
	if (status == 0) {
		status = read_place(import, object, definition);
	}
	return status;
}

static int add_function(struct import *import, uint32_t id, const struct reel_function *definition)
{
	struct reel_error error;
	struct import_function *function = malloc(sizeof(*function));
	int status;

	if (!function) {
		return import_no_memory(import);
	}
	status = reel_recorder_define_function(
		import->recorder, definition, &function->handle, &error);
	if (status < 0) {
		status = import_fail(import, status, "%s", error.text);
	} else {
		function->is_listened = definition->is_listened;
		function->param_words = reel_function_param_words(definition);
		function->result_words = reel_function_result_words(definition);
		status = add_id(import, &import->functions, id, function);
	}
	if (status < 0) {
		free(function);
	}
	return status;
}

int import_define_function(struct import *import)
{
	struct jsonl_object object;
	struct reel_function definition = {
		.size = sizeof(definition),
		.index = REEL_NO_INDEX,
		.is_listened = true,
	};
	uint32_t id;
	int status = import_parsed(import, jsonl_read_object(&import->parser, &object));

	if (status == 0) {
		status = read_new_id(import, &object, &import->functions, "function", &id);
	}
	if (status == 0) {
		status = read_definition(import, &object, &definition);
	}
	return status < 0 ? status : add_function(import, id, &definition);
}

/* ---- modules ---- */

int import_define_module(struct import *import)
{
	struct jsonl_object object;
	struct reel_module module = {0};
	struct reel_error error;
	int status = import_parsed(import, jsonl_read_object(&import->parser, &object));

	if (status == 0) {
		status = read_new_id(import, &object, &import->modules, "module", &module.id);
	}
	if (status == 0) {
		status = import_optional_name(import, &object, "name", &module.name);
	}
	if (status == 0) {
		status = import_optional_u32(
			import, &object, "globals", UINT32_MAX, &module.global_count);
	}
	if (status == 0) {
		status = import_optional_bool(import, &object, "has_memory", &module.has_memory);
	}
	if (status < 0) {
		return status;
	}
	status = reel_recorder_define_module(import->recorder, &module, &error);
	if (status < 0) {
		return import_fail(import, status, "%s", error.text);
	}
	return add_id(import, &import->modules, module.id, import);
}

/* ---- streams ---- */

static int open_stream(
	struct import *import, const struct reel_stream_info *info, struct import_stream **opened)
{
	struct reel_error error;
	struct import_stream *stream = calloc(1, sizeof(*stream));
	int status;

	if (!stream) {
		return import_no_memory(import);
	}
	status = add_id(import, &import->streams, info->id, stream);
	if (status < 0) {
		free(stream);
		return status;
	}
	status = reel_recorder_stream_open(import->recorder, info, &stream->recorder, &error);
	if (status < 0) {
		return import_fail(import, status, "%s", error.text);
	}
	*opened = stream;
	return 0;
}

int import_find_stream(struct import *import, struct import_stream **stream)
{
	struct reel_stream_info info = {.name = "", .process = ""};
	int status = import_get_id(import, "tid", &info.id);

	if (status < 0) {
		return status;
	}
	*stream = jsonl_id_map_get(&import->streams, info.id);
	return *stream ? 0 : open_stream(import, &info, stream);
}

int import_define_stream(struct import *import)
{
	struct jsonl_object object;
	struct reel_stream_info info = {.name = "", .process = ""};
	struct import_stream *stream;
	int status = import_parsed(import, jsonl_read_object(&import->parser, &object));

	if (status == 0) {
		status = read_new_id(import, &object, &import->streams, "stream", &info.id);
	}
	if (status == 0) {
		status = import_optional_name(import, &object, "name", &info.name);
	}
	if (status == 0) {
		status = import_optional_name(import, &object, "process", &info.process);
	}
	if (status == 0) {
		status = import_optional_number(import, &object, "pid", UINT64_MAX, &info.pid);
	}
	if (status == 0) {
		status = import_optional_number(import, &object, "tid", UINT64_MAX, &info.tid);
	}
	return status < 0 ? status : open_stream(import, &info, &stream);
}

static void close_stream(const struct import *import, struct import_stream *stream)
{
	enum reel_reason reason = import->ended ? REEL_REASON_EXIT : REEL_REASON_STOPPED;

	if (stream->last_repair > REEL_REASON_UNWOUND) {
		reason = stream->last_repair;
	}
	if (stream->recorder) {
		reel_recorder_stream_close(stream->recorder, reason);
	}
	free(stream->frames);
	free(stream->error);
	free(stream);
}

void import_close_streams(struct import *import)
{
	for (size_t i = 0; i < import->streams.capacity; i++) {
		if (import->streams.entries[i].value) {
			close_stream(import, import->streams.entries[i].value);
		}
	}
	jsonl_id_map_deinit(&import->streams);
}
