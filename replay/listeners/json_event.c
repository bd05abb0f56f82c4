/*
 * Lines of the listener `json` for what happened in a stream. Given events whose functions and
 * modules are defined; promises numbers as exact decimals and everything that was captured.
 */
#include <stdlib.h>
#include <string.h>

#include "captured.h"
#include "json.h"
#include "json_text.h"

static void put_key_u64(struct text_output *output, const char *key, uint64_t value)
{
	text_string(output, key);
	text_u64(output, value);
}

/* What every line of a stream starts with. */
static void put_start(struct json *json, const struct reel_context *context, char type)
{
	struct text_output *output = &json->base.output;
	const uint64_t ns = reel_context_time_ns(context);

	if (ns > json->last_ns) {
		json->last_ns = ns;
	}
	text_string(output, "{\"t\":\"");
	text_char(output, type);
	put_key_u64(output, "\",\"tid\":", context->stream->id);
	put_key_u64(output, ",\"ns\":", ns);
}

static void put_words(
	struct text_output *output, const char *key, const uint64_t *words, uint32_t count)
{
	text_string(output, key);
	text_char(output, '[');
	for (uint32_t i = 0; words && i < count; i++) {
		if (i > 0) {
			text_char(output, ',');
		}
		text_u64(output, words[i]);
	}
	text_char(output, ']');
}

static void put_stack(struct text_output *output, const struct json_frame *frames, size_t count)
{
	text_string(output, ",\"stack\":[");
	for (size_t i = 0; i < count; i++) {
		if (i > 0) {
			text_char(output, ',');
		}
		if (frames[i].function == NUMBER_MAP_NONE) {
			text_string(output, "{\"fn\":null");
		} else {
			put_key_u64(output, "{\"fn\":", frames[i].function);
		}
		put_key_u64(output, ",\"pc\":", frames[i].pc);
		put_key_u64(output, ",\"off\":", frames[i].source_offset);
		text_char(output, '}');
	}
	text_char(output, ']');
}

/* Global 0 has a key of its own; others stand in a list. */
static void put_globals(struct text_output *output, const struct reel_capture *capture)
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
			text_string(output, separator);
			put_key_u64(output, "{\"index\":", global->index);
			put_words(output, ",\"words\":", global->words, 2);
			text_char(output, '}');
			separator = ",";
		}
	}
	if (*separator == ',' && separator[1] == '\0') {
		text_char(output, ']');
	}
}

static void put_reads(struct text_output *output, const struct reel_capture *capture)
{
	text_string(output, ",\"mem\":[");
	for (size_t i = 0; i < capture->read_count; i++) {
		const struct reel_captured_read *read = &capture->reads[i];

		put_key_u64(output, i > 0 ? ",{\"off\":" : "{\"off\":", read->offset);
		put_key_u64(output, ",\"len\":", read->length);
		if (read->bytes) {
			text_string(output, ",\"hex\":\"");
			text_hex_bytes(output, read->bytes, read->length);
			text_string(output, "\"}");
		} else {
			text_string(output, ",\"oom\":true}");
		}
	}
	text_char(output, ']');
}

static void put_capture_numbers(struct text_output *output, const struct reel_capture *capture)
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
	struct text_output *output = &json->base.output;
	const struct reel_abort *error = event->error;
	const bool is_repaired = event->context->repaired != REEL_REASON_NONE;

	text_string(output, ",\"err\":");
	if (!is_repaired && is_same_error(stream, error)) {
		text_string(output, "\"=\"");
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
	struct text_output *output = &json->base.output;

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
	struct text_output *output = &json->base.output;
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
		text_string(output, ",\"repaired\":true,\"reason\":");
		json_put_text(output, reel_reason_name(event->context->repaired));
	}
	if (event->is_undelivered) {
		text_string(output, ",\"delivered\":false");
	}
	text_string(output, "}\n");
	return status;
}

int json_put_call_mark(
	struct json *json, const struct reel_context *context, char type, const char *text)
{
	static const char *const skipped[] = {"t", "tid", "ns", NULL};
	struct text_output *output = &json->base.output;

	if (!json_define_stream(json, context)) {
		return REEL_ENOMEM;
	}
	put_start(json, context, type);
	if (text && json_is_object(text)) {
		json_put_members(output, text, skipped);
	} else if (text && *text) {
		text_string(output, ",\"text\":");
		json_put_text(output, text);
	}
	text_string(output, "}\n");
	return 0;
}

int json_put_gap(struct json *json, const struct reel_context *context, uint64_t lost)
{
	struct text_output *output = &json->base.output;

	if (!json_define_stream(json, context)) {
		return REEL_ENOMEM;
	}
	put_start(json, context, 'G');
	put_key_u64(output, ",\"lost\":", lost);
	text_string(output, "}\n");
	return 0;
}

void json_put_end(struct json *json)
{
	struct text_output *output = &json->base.output;

	json_put_meta(json, NULL);
	put_key_u64(output, "{\"t\":\"E\",\"tid\":", json->first_tid);
	put_key_u64(output, ",\"ns\":", json->last_ns);
	text_string(output, "}\n");
}
