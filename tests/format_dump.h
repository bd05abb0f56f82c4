/*
 * A trace as text: everything that the reader gives, one item per line. What golden files and the
 * example of FORMAT.md are compared by.
 */
#ifndef REEL_TESTS_FORMAT_DUMP_H
#define REEL_TESTS_FORMAT_DUMP_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/definition.h"
#include "format/reader.h"

static inline void dump_string(FILE *out, const char *name, const char *string)
{
	if (string) {
		fprintf(out, " %s=\"%s\"", name, string);
	}
}

/* An id, or nothing when there is none. */
static inline void dump_id(FILE *out, const char *name, uint32_t id)
{
	if (id != NO_ID) {
		fprintf(out, " %s=%" PRIu32, name, id);
	}
}

static inline void dump_number(FILE *out, const char *name, uint64_t number)
{
	if (number) {
		fprintf(out, " %s=%" PRIu64, name, number);
	}
}

static inline void dump_types(
	FILE *out, const char *name, const uint8_t *types, const char *const *names, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		fprintf(out, " %s=%02x", name, types[i]);
		if (names) {
			fprintf(out, ":%s", names[i] ? names[i] : "-");
		}
	}
}

static inline void dump_function(FILE *out, const struct reel_function *function)
{
	fprintf(out, "function %" PRIu32, function->id);
	dump_id(out, "index", function->index);
	dump_string(out, "module", function->module_name);
	dump_string(out, "name", function->name);
	dump_string(out, "debug", function->debug_name);
	dump_string(out, "import_module", function->import_module);
	dump_string(out, "import", function->import_name);
	for (uint32_t i = 0; i < function->export_count; i++) {
		dump_string(out, "export", function->export_names[i]);
	}
	dump_types(
		out, "param", function->param_types, function->param_names, function->param_count);
	dump_types(out, "result", function->result_types, function->result_names,
		function->result_count);
	fprintf(out, "%s%s", function->is_host ? " host" : "",
		function->is_listened ? " listened" : "");
	dump_string(out, "object", function->object);
	dump_number(out, "address", function->address);
	dump_number(out, "size", function->code_size);
	dump_string(out, "file", function->file);
	dump_number(out, "line", function->line);
	fprintf(out, "\n");
}

static inline void dump_site(FILE *out, uint32_t id, const struct site *site)
{
	fprintf(out, "site %" PRIu32, id);
	dump_id(out, "function", site->function);
	dump_id(out, "module", site->module);
	fprintf(out, " pc=%" PRIu64 " offset=%" PRIu64, site->pc, site->offset);
	if (site->has_caller) {
		fprintf(out, " caller=%" PRIu64 ":%" PRIu64, site->caller_pc, site->caller_offset);
	}
	dump_number(out, "shown", site->shown);
	for (uint32_t i = 0; i < site->frame_count; i++) {
		fprintf(out, " frame=%" PRId32 ":%" PRIu64 ":%" PRIu64,
			(int32_t)site->frames[i].function, site->frames[i].pc,
			site->frames[i].offset);
	}
	fprintf(out, "%s\n", site->detached ? " detached" : "");
}

static inline void dump_definitions(FILE *out, const struct reel_trace *trace)
{
	for (uint32_t i = 0; i < reel_trace_function_count(trace); i++) {
		dump_function(out, reel_trace_function(trace, i));
	}
	for (uint32_t i = 0; i < trace_module_count(trace); i++) {
		const struct reel_module *module = trace_module_at(trace, i);

		fprintf(out, "module %" PRIu32, module->id);
		dump_string(out, "name", module->name);
		dump_number(out, "globals", module->global_count);
		fprintf(out, "%s\n", module->has_memory ? " memory" : "");
	}
	for (uint32_t i = 0; i < reel_trace_stream_count(trace); i++) {
		const struct reel_stream_info *stream = reel_trace_stream(trace, i);

		fprintf(out, "stream %" PRIu32 " name=\"%s\" process=\"%s\"", stream->id,
			stream->name, stream->process);
		dump_number(out, "pid", stream->pid);
		dump_number(out, "tid", stream->tid);
		fprintf(out, "\n");
	}
	for (uint32_t i = 0; i < trace_object_count(trace); i++) {
		const struct object *object = trace_object(trace, i);

		fprintf(out,
			"object pid=%" PRIu64 " path=\"%s\" from=%" PRIu64 " to=%" PRIu64 " id=",
			object->pid, object->path, object->base, object->end);
		for (uint32_t b = 0; b < object->build_id_size; b++) {
			fprintf(out, "%02x", object->build_id[b]);
		}
		fprintf(out, "\n");
	}
	for (uint32_t i = 0; i < trace_site_count(trace); i++) {
		dump_site(out, i, trace_site(trace, i));
	}
}

static inline void dump_blobs(FILE *out, const struct reel_trace *trace)
{
	uint8_t *bytes;
	size_t size;

	for (uint32_t id = 0; trace_blob(trace, id, &bytes, &size) == REEL_OK; id++) {
		fprintf(out, "blob %" PRIu32 " \"%s\"\n", id, (const char *)bytes);
		free(bytes);
	}
}

static inline void dump_capture(FILE *out, const struct event_capture *capture)
{
	fprintf(out, " capture");
	if (capture->has_memory_size) {
		fprintf(out, " memory=%" PRIu64, capture->memory_size_bytes);
	}
	for (uint32_t i = 0; i < capture->global_count; i++) {
		fprintf(out, " global=%" PRIu32 ":%" PRIu64 ":%" PRIu64, capture->globals[i].index,
			capture->globals[i].words[0], capture->globals[i].words[1]);
	}
	for (uint32_t i = 0; i < capture->read_count; i++) {
		fprintf(out, " read=%" PRIu64 ":%" PRIu64 ":%" PRId32, capture->reads[i].offset,
			capture->reads[i].length, (int32_t)capture->reads[i].blob);
	}
}

static inline void dump_event(FILE *out, const struct event *event)
{
	static const char *const kinds[] = {"after", "abort", "before", "undelivered after",
		"undelivered abort", "call begin", "call end", "gap"};

	fprintf(out, "  %" PRIu64 " %s", event->ticks, kinds[event->kind]);
	if (event->kind == EVENT_BEFORE) {
		dump_id(out, "site", event->site);
	}
	if (event->kind <= EVENT_UNDELIVERED_ABORT) {
		dump_id(out, "function", event->function);
		dump_id(out, "module", event->module);
	}
	for (uint32_t i = 0; i < event->value_count; i++) {
		fprintf(out, "%s%" PRIu64, i ? "," : " values=", event->values[i]);
	}
	dump_number(out, "repaired", (uint64_t)event->repaired);
	if (event->kind == EVENT_ABORT || event->kind == EVENT_UNDELIVERED_ABORT) {
		fprintf(out, " kind=%u", (unsigned)event->error_kind);
		dump_id(out, "error", event->error);
		dump_number(out, "full", event->error_full_length);
	}
	if (event->kind == EVENT_CALL_BEGIN || event->kind == EVENT_CALL_END) {
		dump_id(out, "text", event->text);
	}
	if (event->kind == EVENT_GAP) {
		fprintf(out, " lost=%" PRIu64, event->lost);
	}
	if (event->capture) {
		dump_capture(out, event->capture);
	}
	fprintf(out, "\n");
}

static inline void dump_key_frame(FILE *out, const struct cursor *cursor)
{
	uint32_t count;
	const struct activation *calls = cursor_key_frame(cursor, &count);

	for (uint32_t i = 0; i < count; i++) {
		fprintf(out, "  open site=%" PRIu32, calls[i].site);
		dump_id(out, "module", calls[i].module);
		fprintf(out, " since=%" PRIu64 " pc=%" PRIu64 " offset=%" PRIu64 " depth=%" PRIu32,
			calls[i].ticks, calls[i].pc, calls[i].offset, calls[i].call_depth);
		for (uint32_t w = 0; w < calls[i].param_count; w++) {
			fprintf(out, "%s%" PRIu64, w ? "," : " params=", calls[i].params[w]);
		}
		fprintf(out, "\n");
	}
}

/* The events of all blocks; a block that cannot be read gives the line of its error's status. */
static inline void dump_events(FILE *out, struct reel_trace *trace)
{
	struct cursor *cursor;
	struct event event = {0};

	if (cursor_create(trace, &cursor)) {
		fprintf(out, "no memory\n");
		return;
	}
	for (uint32_t i = 0; i < trace_event_block_count(trace); i++) {
		const struct event_block_info *info = trace_event_block(trace, i);
		int status = cursor_load(cursor, i, NULL);

		fprintf(out, "block of stream %" PRIu32 ", %" PRIu32 " events\n", info->stream,
			info->event_count);
		if (!status) {
			dump_key_frame(out, cursor);
		}
		while (!status && (status = cursor_next(cursor, &event)) == REEL_OK) {
			dump_event(out, &event);
		}
		if (status != REEL_END) {
			fprintf(out, "  %s\n", reel_status_str(status));
		}
	}
	cursor_destroy(cursor);
}

/* The whole trace, as a string that the caller frees. */
static inline char *dump_trace(struct reel_trace *trace)
{
	static const char *const clocks[] = {"tsc", "mono", "host"};
	struct reel_trace_info info;
	size_t size;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	if (!out) {
		return NULL;
	}
	reel_trace_describe(trace, &info);
	fprintf(out, "clock %s, producer \"%s\", metadata \"%s\"\n",
		clocks[trace_clock_kind(trace)], reel_trace_producer(trace),
		reel_trace_metadata(trace));
	fprintf(out,
		"%" PRIu64 " before, %" PRIu64 " after, %" PRIu64 " abort, %" PRIu64
		" repaired, %" PRIu64 " undelivered, %" PRIu64 " lost, %" PRIu64
		" functions, depth %" PRIu64 ", %" PRIu64 " ns%s\n",
		info.before, info.after, info.abort, info.repaired, info.undelivered, info.lost,
		info.functions, info.max_depth, info.duration_ns,
		info.complete ? ", complete" : "");
	dump_definitions(out, trace);
	dump_blobs(out, trace);
	dump_events(out, trace);
	fclose(out);
	return text;
}

#endif
