/*
 * A trace as lines of text, for tests of the recorder: one line per event, with the stack that a
 * reader rebuilds from sites. It is a reader of its own, straight from the rules in format/event.h,
 * and checks on the way that events are paired and that every key frame is what is open there.
 *
 *   B ns function module [params] {function:pc:offset ...} capture     !reason when repaired
 *   A ns function module [results] capture
 *   X ns function module kind length "text" capture
 *   UA, UX  the same, undelivered;  I, O ns "text";  G ns lost
 */
#ifndef REEL_TESTS_HOSTED_TRACE_H
#define REEL_TESTS_HOSTED_TRACE_H

#include <dirent.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <reel/recorder.h>
#include <reel/trace.h>

#include "reader.h"

/* ---- texts that grow ---- */

struct text {
	char *bytes;
	size_t size, capacity;
};

__attribute__((format(printf, 2, 3))) static inline void text_add(
	struct text *text, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (text->size + (size_t)length + 1 > text->capacity) {
		text->capacity = (text->size + (size_t)length + 1) * 2;
		text->bytes = realloc(text->bytes, text->capacity);
		assert_non_null(text->bytes);
	}
	va_start(arguments, format);
	vsnprintf(text->bytes + text->size, (size_t)length + 1, format, arguments);
	va_end(arguments);
	text->size += (size_t)length;
}

struct lines {
	char **lines;
	size_t count, capacity;
};

/* Takes the text's bytes. */
static inline void lines_add(struct lines *lines, struct text *text)
{
	if (lines->count == lines->capacity) {
		lines->capacity = lines->capacity ? lines->capacity * 2 : 64;
		lines->lines = realloc(lines->lines, lines->capacity * sizeof(char *));
		assert_non_null(lines->lines);
	}
	lines->lines[lines->count++] = text->bytes;
	*text = (struct text){0};
}

static inline void lines_free(struct lines *lines)
{
	for (size_t i = 0; i < lines->count; i++) {
		free(lines->lines[i]);
	}
	free(lines->lines);
	*lines = (struct lines){0};
}

/* The lines' differences, and a failure if there is one. */
static inline void assert_lines_equal(const struct lines *got, const struct lines *wanted)
{
	for (size_t i = 0; i < got->count && i < wanted->count; i++) {
		if (strcmp(got->lines[i], wanted->lines[i]) != 0) {
			print_error("line %zu\n  got    %s\n  wanted %s\n", i, got->lines[i],
				wanted->lines[i]);
			fail();
		}
	}
	if (got->count != wanted->count) {
		const struct lines *longer = got->count > wanted->count ? got : wanted;
		size_t first = got->count > wanted->count ? wanted->count : got->count;

		print_error("%zu lines, %zu wanted; the first that is too %s: %s\n", got->count,
			wanted->count, longer == got ? "many" : "few", longer->lines[first]);
		fail();
	}
}

/* ---- a reader of its own ---- */

struct read_call {
	uint32_t site, module, function, call_depth;
	uint64_t ticks;
	size_t frame, frames_end, floor;
	uint64_t *params;
	uint32_t param_count;
};

struct trace_lines {
	struct reel_trace *trace;
	struct lines lines;
	struct read_call calls[4096];
	size_t depth;
	struct site_frame frames[1 << 16];
	size_t frame_count;
	uint32_t call_depth;
	uint64_t ticks;
	uint64_t repaired, lost, undelivered, events;
};

static inline void add_blob(struct text *text, struct reel_trace *trace, uint32_t id)
{
	uint8_t *bytes;
	size_t size;

	if (id == NO_ID) {
		text_add(text, " \"\"");
		return;
	}
	assert_int_equal(trace_blob(trace, id, &bytes, &size), 0);
	text_add(text, " \"%.*s\"", (int)size, (const char *)bytes);
	free(bytes);
}

static inline void add_words(struct text *text, const uint64_t *words, uint32_t count)
{
	text_add(text, " [");
	for (uint32_t i = 0; i < count; i++) {
		text_add(text, "%s%" PRIx64, i ? " " : "", words[i]);
	}
	text_add(text, "]");
}

static inline void add_captured(
	struct text *text, struct reel_trace *trace, const struct event_capture *capture)
{
	if (!capture) {
		return;
	}
	if (capture->has_memory_size) {
		text_add(text, " size=%" PRIu64, capture->memory_size_bytes);
	}
	for (uint32_t i = 0; i < capture->global_count; i++) {
		text_add(text, " g%u=%" PRIx64 ",%" PRIx64, capture->globals[i].index,
			capture->globals[i].words[0], capture->globals[i].words[1]);
	}
	for (uint32_t i = 0; i < capture->read_count; i++) {
		text_add(text, " @%" PRIu64 "+%" PRIu64, capture->reads[i].offset,
			capture->reads[i].length);
		if (capture->reads[i].blob == NO_ID) {
			text_add(text, "=out");
		} else {
			add_blob(text, trace, capture->reads[i].blob);
		}
	}
}

/* Opens a call as event.h says that it is seen. */
static inline void read_push(struct trace_lines *to, uint32_t site_id, uint32_t module,
	uint64_t ticks, const uint64_t *params, uint32_t param_count, uint32_t call_depth)
{
	const struct site *site = trace_site(to->trace, site_id);
	struct read_call *call = &to->calls[to->depth];
	struct read_call *caller = to->depth ? call - 1 : NULL;

	assert_non_null(site);
	assert_true(to->depth < 4096);
	*call = (struct read_call){.site = site_id,
		.module = module,
		.function = site->function,
		.call_depth = call_depth,
		.ticks = ticks,
		.frames_end = to->frame_count,
		.floor = to->frame_count};
	if (!site->detached && caller && caller->call_depth == call_depth) {
		call->floor = caller->floor;
		if (site->has_caller) {
			to->frames[caller->frame].pc = site->caller_pc;
			to->frames[caller->frame].offset = site->caller_offset;
		}
	}
	for (uint32_t i = site->frame_count; i > 0; i--) {
		to->frames[to->frame_count++] = site->frames[i - 1];
	}
	call->frame = to->frame_count;
	to->frames[to->frame_count++] = (struct site_frame){site->function, site->pc, site->offset};
	call->params = malloc((param_count + 1) * sizeof(*params));
	call->param_count = param_count;
	if (param_count) {
		memcpy(call->params, params, param_count * sizeof(*params));
	}
	to->depth++;
}

static inline void read_pop(struct trace_lines *to)
{
	assert_true(to->depth > 0);
	to->depth--;
	to->frame_count = to->calls[to->depth].frames_end;
	free(to->calls[to->depth].params);
}

static inline void add_stack(struct text *text, const struct trace_lines *from, uint32_t shown)
{
	const struct read_call *call = &from->calls[from->depth - 1];
	size_t count = call->frame - call->floor + 1;

	count = shown && shown < count ? shown : count;
	text_add(text, " {");
	for (size_t i = 0; i < count; i++) {
		const struct site_frame *frame = &from->frames[call->frame - i];

		text_add(text, "%s%d:%" PRIx64 ":%" PRIx64, i ? " " : "", (int)frame->function,
			frame->pc, frame->offset);
	}
	text_add(text, "}");
}

static inline void read_event(struct trace_lines *to, const struct event *event)
{
	static const char *const names[] = {"A", "X", "B", "UA", "UX", "I", "O", "G"};
	struct text text = {0};

	assert_true(event->ticks >= to->ticks);
	to->ticks = event->ticks;
	text_add(&text, "%s %" PRIu64, names[event->kind], event->ticks);
	if (event->kind <= EVENT_UNDELIVERED_ABORT) {
		text_add(&text, " %d %d", (int)event->function, (int)event->module);
	}
	switch (event->kind) {
	case EVENT_BEFORE:
		read_push(to, event->site, event->module, event->ticks, event->values,
			event->value_count, to->call_depth);
		assert_int_equal(event->function, to->calls[to->depth - 1].function);
		add_words(&text, event->values, event->value_count);
		add_stack(&text, to, trace_site(to->trace, event->site)->shown);
		to->events++;
		break;
	case EVENT_AFTER:
	case EVENT_ABORT:
		assert_true(to->depth > 0);
		assert_int_equal(event->function, to->calls[to->depth - 1].function);
		read_pop(to);
		to->events++;
		break;
	case EVENT_CALL_BEGIN:
		to->call_depth++;
		break;
	case EVENT_CALL_END:
		to->call_depth -= to->call_depth > 0;
		assert_true(
			to->depth == 0 || to->calls[to->depth - 1].call_depth <= to->call_depth);
		break;
	default:
		break;
	}
	if (event->kind == EVENT_AFTER || event->kind == EVENT_UNDELIVERED_AFTER) {
		add_words(&text, event->values, event->value_count);
	}
	if (event->kind == EVENT_ABORT || event->kind == EVENT_UNDELIVERED_ABORT) {
		text_add(&text, " %d %" PRIu64, event->error_kind, event->error_full_length);
		add_blob(&text, to->trace, event->error);
	}
	if (event->kind == EVENT_CALL_BEGIN || event->kind == EVENT_CALL_END) {
		add_blob(&text, to->trace, event->text);
	}
	if (event->kind == EVENT_GAP) {
		text_add(&text, " %" PRIu64, event->lost);
		to->lost += event->lost;
	}
	to->undelivered +=
		event->kind == EVENT_UNDELIVERED_AFTER || event->kind == EVENT_UNDELIVERED_ABORT;
	add_captured(&text, to->trace, event->capture);
	if (event->repaired) {
		text_add(&text, " !%s", reel_reason_name(event->repaired));
		to->repaired++;
	}
	lines_add(&to->lines, &text);
}

/* A block must begin with what is open there. */
static inline void check_key_frame(
	const struct trace_lines *to, const struct activation *key, uint32_t count)
{
	assert_int_equal(count, to->depth);
	for (uint32_t i = 0; i < count; i++) {
		const struct read_call *call = &to->calls[i];

		assert_int_equal(key[i].site, call->site);
		assert_int_equal(key[i].module, call->module);
		assert_int_equal(key[i].ticks, call->ticks);
		assert_int_equal(key[i].call_depth, call->call_depth);
		assert_int_equal(key[i].pc, to->frames[call->frame].pc);
		assert_int_equal(key[i].offset, to->frames[call->frame].offset);
		assert_int_equal(key[i].param_count, call->param_count);
		if (call->param_count) {
			assert_memory_equal(key[i].params, call->params,
				call->param_count * sizeof(*call->params));
		}
	}
}

/* All events of a stream, with what is open at its end: nothing. Free with trace_lines_free(). */
static inline struct trace_lines *trace_lines_read(const char *path, uint32_t stream)
{
	struct trace_lines *to = calloc(1, sizeof(*to));
	struct reel_error error = {0};
	struct cursor *cursor;

	assert_non_null(to);
	if (reel_trace_open(path, &to->trace, &error) < 0) {
		fail_msg("%s", error.text);
	}
	assert_int_equal(cursor_create(to->trace, &cursor), 0);
	for (uint32_t i = 0; i < trace_event_block_count(to->trace); i++) {
		const struct activation *key;
		struct event event;
		uint32_t count;
		int status;

		if (trace_event_block(to->trace, i)->stream != stream) {
			continue;
		}
		assert_int_equal(cursor_load(cursor, i, &error), 0);
		key = cursor_key_frame(cursor, &count);
		check_key_frame(to, key, count);
		while ((status = cursor_next(cursor, &event)) == 0) {
			read_event(to, &event);
		}
		assert_int_equal(status, REEL_END);
	}
	assert_int_equal(to->depth, 0);
	cursor_destroy(cursor);
	return to;
}

static inline void trace_lines_free(struct trace_lines *lines)
{
	if (lines) {
		while (lines->depth) {
			read_pop(lines);
		}
		lines_free(&lines->lines);
		reel_trace_close(lines->trace);
		free(lines);
	}
}

/* A path for a trace of this test, in a directory of its own, which remove_trace() removes. */
static inline const char *trace_path(void)
{
	static char directory[32];
	static char path[64];

	if (directory[0] == '\0' || access(directory, F_OK) != 0) {
		strcpy(directory, "/tmp/reel-test-XXXXXX");
		assert_non_null(mkdtemp(directory));
		snprintf(path, sizeof(path), "%s/trace.reel", directory);
	}
	return path;
}

static inline void remove_trace(void)
{
	char directory[80], path[400];
	struct dirent *entry;
	DIR *files;

	snprintf(directory, sizeof(directory), "%s", trace_path());
	*strrchr(directory, '/') = '\0';
	files = opendir(directory);
	assert_non_null(files);
	while ((entry = readdir(files))) {
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		unlink(path);
	}
	closedir(files);
	rmdir(directory);
}

#endif
