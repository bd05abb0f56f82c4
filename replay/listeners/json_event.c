/*
 * Lines of the listener `json` for what happened in a stream. Given events whose functions and
 * modules are defined; promises numbers as exact decimals and everything that was captured.
 */
#include <stdlib.h>
#include <string.h>

#include "captured.h"
#include "json.h"
#include "json_text.h"

static void put_key_u64(struct output *output, const char *key, uint64_t value)
{
	output_text(output, key);
	output_u64(output, value);
}

/* What every line of a stream starts with. */
static void put_start(struct json *json, const struct reel_context *context, char type)
{
	struct output *output = &json->base.output;
	const uint64_t ns = reel_context_time_ns(context);

	if (ns > json->last_ns) {
		json->last_ns = ns;
	}
	output_text(output, "{\"t\":\"");
	output_char(output, type);
	put_key_u64(output, "\",\"tid\":", context->stream->id);
	put_key_u64(output, ",\"ns\":", ns);
}

static void put_words(struct output *output, const char *key, const uint64_t *words, uint32_t count)
{
	output_text(output, key);
	output_char(output, '[');
	for (uint32_t i = 0; words && i < count; i++) {
		if (i > 0) {
			output_char(output, ',');
		}
		output_u64(output, words[i]);
	}
	output_char(output, ']');
}

static void put_stack(struct output *output, const struct json_frame *frames, size_t count)
{
	output_text(output, ",\"stack\":[");
	for (size_t i = 0; i < count; i++) {
		if (i > 0) {
			output_char(output, ',');
		}
		if (frames[i].function == NUMBER_MAP_NONE) {
			output_text(output, "{\"fn\":null");
		} else {
			put_key_u64(output, "{\"fn\":", frames[i].function);
		}
		put_key_u64(output, ",\"pc\":", frames[i].pc);
		put_key_u64(output, ",\"off\":", frames[i].source_offset);
		output_char(output, '}');
	}
	output_char(output, ']');
}

/* Global 0 has a key of its own; others stand in a list. */
static void put_globals(struct output *output, const struct reel_capture *capture)
{
	const char *separator = ",\"globals\":[";

	for (size_t i = 0; i < capture->global_count; i++) {
		if (capture->globals[i].index == 0) {
			put_key_u64(output, ",\"g0\":", capture->globals[i].words[0]);
		}
	}
	for (size_t i = 0; i < capture->global_count; i++) {
		const struct reel_captured_global *global = &capture->globals[i];

		if (global->index != 0 || global->words[1] != 0) {
			output_text(output, separator);
			put_key_u64(output, "{\"index\":", global->index);
			put_words(output, ",\"words\":", global->words, 2);
			output_char(output, '}');
			separator = ",";
		}
	}
	if (*separator == ',' && separator[1] == '\0') {
		output_char(output, ']');
	}
}

static void put_reads(struct output *output, const struct reel_capture *capture)
{
	output_text(output, ",\"mem\":[");
	for (size_t i = 0; i < capture->read_count; i++) {
		const struct reel_captured_read *read = &capture->reads[i];

		put_key_u64(output, i > 0 ? ",{\"off\":" : "{\"off\":", read->offset);
		put_key_u64(output, ",\"len\":", read->length);
		if (read->bytes) {
			output_text(output, ",\"hex\":\"");
			output_hex_bytes(output, read->bytes, read->length);
			output_text(output, "\"}");
		} else {
			output_text(output, ",\"oom\":true}");
		}
	}
	output_char(output, ']');
}

static void put_capture_numbers(struct output *output, const struct reel_capture *capture)
{
	put_globals(output, capture);
	if (capture->has_memory_size) {
		put_key_u64(output, ",\"msz\":", capture->memory_size_bytes);
	}
}

static bool is_same_error(const struct json_stream *stream, const struct reel_abort *error)
{
	return stream->has_error && stream->error_length == error->length &&
	       stream->error_full_length == error->full_length &&
	       memcmp(stream->error, error->text, error->length) == 0;
}

static int keep_error(struct json_stream *stream, const struct reel_abort *error)
{
	char *copy = malloc(error->length + 1);

	if (!copy) {
		return REEL_ENOMEM;
	}
	memcpy(copy, error->text, error->length);
	free(stream->error);
	stream->has_error = true;
	stream->error = copy;
	stream->error_length = error->length;
	stream->error_full_length = error->full_length;
	return 0;
}

/* "=" stands for the text of the stream's previous X that was not repaired. */
static int put_error(struct json *json, struct json_stream *stream, const struct json_event *event)
{
	struct output *output = &json->base.output;
	const struct reel_abort *error = event->error;
	const bool is_repaired = event->context->repaired != REEL_REASON_NONE;

	output_text(output, ",\"err\":");
	if (!is_repaired && is_same_error(stream, error)) {
		output_text(output, "\"=\"");
		return 0;
	}
	json_put_string(output, error->text, error->length);
	if (error->full_length > error->length) {
		put_key_u64(output, ",\"err_len\":", error->full_length);
	}
	return is_repaired ? 0 : keep_error(stream, error);
}

static int put_details(
	struct json *json, struct json_stream *stream, const struct json_event *event)
{
	struct output *output = &json->base.output;

	switch (event->type) {
	case 'B':
		put_words(output, ",\"params\":", event->words, event->word_count);
		put_stack(output, json->frames, event->frame_count);
		return 0;
	case 'A':
		put_words(output, ",\"results\":", event->words, event->word_count);
		return 0;
	default:
		return put_error(json, stream, event);
	}
}

int json_put_event(struct json *json, const struct json_event *event)
{
	struct json_stream *stream = json_define_stream(json, event->context);
	const struct reel_capture *capture = module_capture(event->module);
	struct output *output = &json->base.output;
	int status;

	if (!stream || json_define_module(json, event->module) < 0) {
		return REEL_ENOMEM;
	}
	put_start(json, event->context, event->type);
	put_key_u64(output, ",\"fn\":", event->function);
	if (event->module && event->module->id != REEL_NO_MODULE) {
		put_key_u64(output, ",\"mod\":", event->module->id);
	}
	if (capture) {
		put_capture_numbers(output, capture);
	}
	status = put_details(json, stream, event);
	if (capture && capture->read_count > 0) {
		put_reads(output, capture);
	}
	if (event->context->repaired != REEL_REASON_NONE) {
		output_text(output, ",\"repaired\":true,\"reason\":");
		json_put_text(output, reel_reason_name(event->context->repaired));
	}
	if (event->is_undelivered) {
		output_text(output, ",\"delivered\":false");
	}
	output_text(output, "}\n");
	return status;
}

int json_put_call_mark(
	struct json *json, const struct reel_context *context, char type, const char *text)
{
	static const char *const skipped[] = {"t", "tid", "ns", NULL};
	struct output *output = &json->base.output;

	if (!json_define_stream(json, context)) {
		return REEL_ENOMEM;
	}
	put_start(json, context, type);
	if (text && json_is_object(text)) {
		json_put_members(output, text, skipped);
	} else if (text && *text) {
		output_text(output, ",\"text\":");
		json_put_text(output, text);
	}
	output_text(output, "}\n");
	return 0;
}

int json_put_gap(struct json *json, const struct reel_context *context, uint64_t lost)
{
	struct output *output = &json->base.output;

	if (!json_define_stream(json, context)) {
		return REEL_ENOMEM;
	}
	put_start(json, context, 'G');
	put_key_u64(output, ",\"lost\":", lost);
	output_text(output, "}\n");
	return 0;
}

void json_put_end(struct json *json)
{
	struct output *output = &json->base.output;

	json_put_meta(json, NULL);
	put_key_u64(output, "{\"t\":\"E\",\"tid\":", json->first_tid);
	put_key_u64(output, ",\"ns\":", json->last_ns);
	output_text(output, "}\n");
}
