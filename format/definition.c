/*
 * Definitions as records: see definition.h. Each pair of encoder and decoder lists its fields in
 * the order of FORMAT.md.
 */
#include "definition.h"

#include <reel/status.h>

/* Flags of a function. */
#define FUNCTION_HOST 1u
#define FUNCTION_LISTENED 2u
#define FUNCTION_PARAM_NAMES 4u
#define FUNCTION_RESULT_NAMES 8u

/* Flags of a site. */
#define SITE_CALLER 1u
#define SITE_DETACHED 2u

int record_append(struct byte_buffer *to, const struct byte_buffer *fields)
{
	if (buffer_reserve(to, VARINT_MAX + fields->size)) {
		return REEL_ENOMEM;
	}
	buffer_varint(to, fields->size);
	return buffer_bytes(to, fields->bytes, fields->size);
}

/* Ids and indexes whose last value means "none" are stored plus one, as 0 to 2^32 - 1. */
static int encode_id(struct byte_buffer *to, uint32_t id)
{
	return buffer_varint(to, id + 1);
}

static uint32_t decode_id(struct byte_view *fields)
{
	return view_varint32(fields) - 1;
}

static int encode_strings(struct byte_buffer *to, const char *const *strings, uint32_t count)
{
	int status = REEL_OK;

	for (uint32_t i = 0; i < count && !status; i++) {
		status = buffer_string(to, strings[i]);
	}
	return status;
}

static int encode_types(struct byte_buffer *to, const uint8_t *types, uint32_t count)
{
	int status = buffer_varint(to, count);

	return status ? status : buffer_bytes(to, types, count);
}

static int function_encode_names(struct byte_buffer *to, const struct reel_function *function)
{
	const char *const names[] = {function->module_name, function->name, function->debug_name,
		function->import_module, function->import_name};
	int status = encode_strings(to, names, sizeof(names) / sizeof(names[0]));

	if (!status) {
		status = buffer_varint(to, function->export_count);
	}
	return status ? status : encode_strings(to, function->export_names, function->export_count);
}

static int function_encode_types(struct byte_buffer *to, const struct reel_function *function)
{
	int status = encode_types(to, function->param_types, function->param_count);

	if (!status) {
		status = encode_types(to, function->result_types, function->result_count);
	}
	if (!status && function->param_names) {
		status = encode_strings(to, function->param_names, function->param_count);
	}
	if (!status && function->result_names) {
		status = encode_strings(to, function->result_names, function->result_count);
	}
	return status;
}

static int function_encode_native(struct byte_buffer *to, const struct reel_function *function)
{
	int status = buffer_string(to, function->object);

	if (!status) {
		status = buffer_varint(to, function->address);
	}
	if (!status) {
		status = buffer_varint(to, function->code_size);
	}
	if (!status) {
		status = buffer_string(to, function->file);
	}
	return status ? status : buffer_varint(to, function->line);
}

int function_encode(struct byte_buffer *to, const struct reel_function *function)
{
	unsigned flags = (function->is_host ? FUNCTION_HOST : 0) |
			 (function->is_listened ? FUNCTION_LISTENED : 0) |
			 (function->param_names ? FUNCTION_PARAM_NAMES : 0) |
			 (function->result_names ? FUNCTION_RESULT_NAMES : 0);
	int status = buffer_varint(to, flags);

	if (!status) {
		status = encode_id(to, function->index);
	}
	if (!status) {
		status = function_encode_names(to, function);
	}
	if (!status) {
		status = function_encode_types(to, function);
	}
	return status ? status : function_encode_native(to, function);
}

int string_decode(struct byte_view *fields, struct arena *arena, const char **string)
{
	uint64_t size = view_varint(fields);
	const uint8_t *bytes;

	*string = NULL;
	if (size == 0) {
		return fields->failed ? REEL_EDAMAGED : REEL_OK;
	}
	bytes = view_bytes(fields, size - 1);
	if (!bytes) {
		return REEL_EDAMAGED;
	}
	*string = arena_copy(arena, bytes, (size_t)size - 1);
	return *string ? REEL_OK : REEL_ENOMEM;
}

static int decode_strings(
	struct byte_view *fields, struct arena *arena, uint32_t count, const char *const **strings)
{
	const char **array;
	int status = REEL_OK;

	if (count > view_left(fields)) {
		view_fail(fields);
		return REEL_EDAMAGED;
	}
	array = arena_alloc(arena, count * sizeof(*array));
	if (!array) {
		return REEL_ENOMEM;
	}
	for (uint32_t i = 0; i < count && !status; i++) {
		status = string_decode(fields, arena, &array[i]);
	}
	*strings = array;
	return status;
}

static int decode_types(
	struct byte_view *fields, struct arena *arena, const uint8_t **types, uint32_t *count)
{
	const uint8_t *bytes;

	*count = view_count(fields, 1);
	bytes = view_bytes(fields, *count);
	if (!bytes) {
		return REEL_EDAMAGED;
	}
	*types = (const uint8_t *)arena_copy(arena, bytes, *count);
	return *types ? REEL_OK : REEL_ENOMEM;
}

static int function_decode_names(
	struct byte_view *fields, struct arena *arena, struct reel_function *function)
{
	const char **const names[] = {&function->module_name, &function->name,
		&function->debug_name, &function->import_module, &function->import_name};
	int status = REEL_OK;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !status; i++) {
		status = string_decode(fields, arena, names[i]);
	}
	if (status) {
		return status;
	}
	function->export_count = view_count(fields, 1);
	return decode_strings(fields, arena, function->export_count, &function->export_names);
}

static int function_decode_types(struct byte_view *fields, struct arena *arena, uint64_t flags,
	struct reel_function *function)
{
	int status = decode_types(fields, arena, &function->param_types, &function->param_count);

	if (!status) {
		status = decode_types(
			fields, arena, &function->result_types, &function->result_count);
	}
	if (!status && flags & FUNCTION_PARAM_NAMES) {
		status = decode_strings(
			fields, arena, function->param_count, &function->param_names);
	}
	if (!status && flags & FUNCTION_RESULT_NAMES) {
		status = decode_strings(
			fields, arena, function->result_count, &function->result_names);
	}
	return status;
}

static int function_decode_native(
	struct byte_view *fields, struct arena *arena, struct reel_function *function)
{
	int status = string_decode(fields, arena, &function->object);

	function->address = view_varint(fields);
	function->code_size = view_varint(fields);
	if (!status) {
		status = string_decode(fields, arena, &function->file);
	}
	function->line = view_varint32(fields);
	return status;
}

int function_decode(struct byte_view *fields, struct arena *arena, struct reel_function *function)
{
	uint64_t flags = view_varint(fields);
	int status;

	*function = (struct reel_function){
		.size = sizeof(*function),
		.is_host = flags & FUNCTION_HOST,
		.is_listened = flags & FUNCTION_LISTENED,
		.index = decode_id(fields),
	};
	status = function_decode_names(fields, arena, function);
	if (!status) {
		status = function_decode_types(fields, arena, flags, function);
	}
	if (!status) {
		status = function_decode_native(fields, arena, function);
	}
	return !status && fields->failed ? REEL_EDAMAGED : status;
}

int module_encode(struct byte_buffer *to, const struct reel_module *module)
{
	int status = buffer_varint(to, module->id);

	if (!status) {
		status = buffer_byte(to, module->has_memory);
	}
	if (!status) {
		status = buffer_varint(to, module->global_count);
	}
	return status ? status : buffer_string(to, module->name);
}

int module_decode(struct byte_view *fields, struct arena *arena, struct reel_module *module)
{
	int status;

	*module = (struct reel_module){.id = view_varint32(fields)};
	module->has_memory = view_byte(fields) != 0;
	module->global_count = view_varint32(fields);
	status = string_decode(fields, arena, &module->name);
	return !status && fields->failed ? REEL_EDAMAGED : status;
}

int stream_encode(struct byte_buffer *to, const struct reel_stream_info *stream)
{
	int status = buffer_varint(to, stream->id);

	if (!status) {
		status = buffer_varint(to, stream->pid);
	}
	if (!status) {
		status = buffer_varint(to, stream->tid);
	}
	if (!status) {
		status = buffer_string(to, stream->name ? stream->name : "");
	}
	return status ? status : buffer_string(to, stream->process ? stream->process : "");
}

int stream_decode(struct byte_view *fields, struct arena *arena, struct reel_stream_info *stream)
{
	int status;

	*stream = (struct reel_stream_info){.id = view_varint32(fields)};
	stream->pid = view_varint(fields);
	stream->tid = view_varint(fields);
	status = string_decode(fields, arena, &stream->name);
	if (!status) {
		status = string_decode(fields, arena, &stream->process);
	}
	return !status && (fields->failed || !stream->name || !stream->process) ? REEL_EDAMAGED
										: status;
}

int object_encode(struct byte_buffer *to, const struct object *object)
{
	int status = buffer_varint(to, object->pid);

	if (!status) {
		status = buffer_string(to, object->path);
	}
	if (!status) {
		status = buffer_varint(to, object->build_id_size);
	}
	if (!status) {
		status = buffer_bytes(to, object->build_id, object->build_id_size);
	}
	if (!status) {
		status = buffer_varint(to, object->base);
	}
	return status ? status : buffer_varint(to, object->end);
}

int object_decode(struct byte_view *fields, struct arena *arena, struct object *object)
{
	int status;

	*object = (struct object){.pid = view_varint(fields)};
	status = string_decode(fields, arena, &object->path);
	if (!status) {
		status = decode_types(fields, arena, &object->build_id, &object->build_id_size);
	}
	object->base = view_varint(fields);
	object->end = view_varint(fields);
	return !status && fields->failed ? REEL_EDAMAGED : status;
}

static int site_encode_frames(struct byte_buffer *to, const struct site *site)
{
	int status = buffer_varint(to, site->frame_count);

	for (uint32_t i = 0; i < site->frame_count && !status; i++) {
		status = encode_id(to, site->frames[i].function);
		if (!status) {
			status = buffer_varint(to, site->frames[i].pc);
		}
		if (!status) {
			status = buffer_varint(to, site->frames[i].offset);
		}
	}
	return status;
}

int site_encode(struct byte_buffer *to, const struct site *site)
{
	const uint64_t fields[] = {
		(site->has_caller ? SITE_CALLER : 0) | (site->detached ? SITE_DETACHED : 0),
		(uint32_t)(site->function + 1), (uint32_t)(site->module + 1), site->pc,
		site->offset, site->shown, site->caller_pc, site->caller_offset};
	size_t count = site->has_caller ? 8 : 6;
	int status = REEL_OK;

	for (size_t i = 0; i < count && !status; i++) {
		status = buffer_varint(to, fields[i]);
	}
	return status ? status : site_encode_frames(to, site);
}

static int site_decode_frames(struct byte_view *fields, struct arena *arena, struct site *site)
{
	struct site_frame *frames;

	site->frame_count = view_count(fields, 3);
	if (fields->failed) {
		return REEL_EDAMAGED;
	}
	frames = arena_alloc(arena, site->frame_count * sizeof(*frames));
	if (!frames) {
		return REEL_ENOMEM;
	}
	for (uint32_t i = 0; i < site->frame_count; i++) {
		frames[i].function = decode_id(fields);
		frames[i].pc = view_varint(fields);
		frames[i].offset = view_varint(fields);
	}
	site->frames = frames;
	return REEL_OK;
}

int site_decode(struct byte_view *fields, struct arena *arena, struct site *site)
{
	uint64_t flags = view_varint(fields);
	int status;

	*site = (struct site){
		.has_caller = flags & SITE_CALLER,
		.detached = flags & SITE_DETACHED,
	};
	site->function = decode_id(fields);
	site->module = decode_id(fields);
	site->pc = view_varint(fields);
	site->offset = view_varint(fields);
	site->shown = view_varint32(fields);
	if (site->has_caller) {
		site->caller_pc = view_varint(fields);
		site->caller_offset = view_varint(fields);
	}
	status = site_decode_frames(fields, arena, site);
	return !status && fields->failed ? REEL_EDAMAGED : status;
}

int clock_sample_encode(struct byte_buffer *to, const struct clock_sample *sample)
{
	int status = buffer_varint(to, sample->ticks);

	if (!status) {
		status = buffer_varint(to, sample->monotonic_ns);
	}
	return status ? status : buffer_varint(to, sample->realtime_ns);
}

int clock_sample_decode(struct byte_view *fields, struct clock_sample *sample)
{
	sample->ticks = view_varint(fields);
	sample->monotonic_ns = view_varint(fields);
	sample->realtime_ns = view_varint(fields);
	return fields->failed ? REEL_EDAMAGED : REEL_OK;
}
