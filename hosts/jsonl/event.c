/*
 * Lines of events: before, after, abort, the marks of top-level calls, gaps and the end. Each is
 * checked against what is defined and given to the recorder with its own time.
 */
#include "import_state.h"

#include <stdlib.h>
#include <string.h>

/* What is common to before, after and abort. */
struct event_head {
	struct import_stream *stream;
	const struct import_function *function;
	uint32_t module_id;
};

/* ---- what lines have in common ---- */

/* The stream of the line, with its time set. */
static int read_stream(struct import *import, struct import_stream **stream)
{
	uint64_t time_ns;
	int status = import_find_stream(import, stream);

	if (status == 0) {
		status = import_get_number(import, "ns", &time_ns);
	}
	if (status == 0) {
		reel_stream_set_time((*stream)->recorder, time_ns);
	}
	return status;
}

static int read_module_id(struct import *import, uint32_t *id)
{
	uint64_t number = REEL_NO_MODULE;
	int status = import_optional_number(import, &import->line, "mod", UINT32_MAX, &number);

	*id = (uint32_t)number;
	if (status == 0 && *id != REEL_NO_MODULE && !jsonl_id_map_get(&import->modules, *id)) {
		return import_fail(import, REEL_EFORMAT, "module %u is not defined", *id);
	}
	return status;
}

static int read_head(struct import *import, struct event_head *head)
{
	uint32_t id;
	int status = read_stream(import, &head->stream);

	if (status == 0) {
		status = import_get_id(import, "fn", &id);
	}
	if (status == 0) {
		status = read_module_id(import, &head->module_id);
	}
	if (status < 0) {
		return status;
	}
	head->function = jsonl_id_map_get(&import->functions, id);
	if (!head->function) {
		return import_fail(import, REEL_EFORMAT, "function %u is not defined", id);
	}
	if (!head->function->is_listened) {
		return import_fail(import, REEL_EFORMAT, "function %u has no listener", id);
	}
	head->stream->last_repair = REEL_REASON_NONE;
	return 0;
}

/* `count` words: params or results. The key may be missing where there are none. */
static int read_words(
	struct import *import, const char *key, uint32_t count, const uint64_t **words)
{
	uint64_t *list = jsonl_arena_alloc(&import->arena, (size_t)count * sizeof(*list));
	uint32_t read = 0;
	int more = jsonl_find(&import->parser, &import->line, key);

	if (!list) {
		return import_no_memory(import);
	}
	if (more > 0) {
		more = jsonl_begin_array(&import->parser);
		while (more == 0 && (more = jsonl_next_element(&import->parser)) > 0) {
			if (read == count) {
				return import_fail(import, REEL_EFORMAT,
					"%s: more than the %u words of the definition", key, count);
			}
			more = jsonl_read_integer(&import->parser, UINT64_MAX, &list[read]);
			read++;
		}
	}
	if (more < 0) {
		return import_parsed(import, more);
	}
	if (read < count) {
		return import_fail(import, REEL_EFORMAT, "%s: %u words where the definition has %u",
			key, read, count);
	}
	*words = list;
	return 0;
}

/* ---- before, after, abort ---- */

static int import_before(struct import *import)
{
	struct event_head head;
	struct import_capture capture;
	struct reel_frame_array_iterator iterator;
	struct reel_stack_iterator *stack = NULL;
	const uint64_t *params;
	int shown;
	int status = read_head(import, &head);

	if (status == 0) {
		status = read_words(import, "params", head.function->param_words, &params);
	}
	if (status == 0) {
		status = import_read_capture(import, &capture);
	}
	if (status < 0) {
		return status;
	}
	shown = import_read_stack(import, head.stream);
	if (shown < 0) {
		return shown;
	}
	if (shown) {
		stack = reel_frame_array_iterator_init(
			&iterator, head.stream->frames, head.stream->frame_count);
	}
	reel_stream_before(head.stream->recorder, head.module_id, head.function->handle, params,
		stack, capture.present ? &capture.capture : NULL);
	return 0;
}

static int import_after(struct import *import)
{
	struct event_head head;
	struct import_capture capture;
	const uint64_t *results;
	int status = read_head(import, &head);

	if (status == 0) {
		status = read_words(import, "results", head.function->result_words, &results);
	}
	if (status == 0) {
		status = import_read_capture(import, &capture);
	}
	if (status == 0) {
		reel_stream_after(head.stream->recorder, head.module_id, head.function->handle,
			results, capture.present ? &capture.capture : NULL);
	}
	return status;
}

/* Keeps an error's text for an err of "=". */
static int keep_error(
	struct import *import, struct import_stream *stream, const struct jsonl_string *text)
{
	char *copy = realloc(stream->error, text->size + 1);

	if (!copy) {
		return import_no_memory(import);
	}
	memcpy(copy, text->text, text->size + 1);
	stream->error = copy;
	stream->error_length = text->size;
	stream->error_full_length = text->size;
	return 0;
}

/* wazero's way of saying that a module ended itself. */
static bool is_exit(const char *text)
{
	static const char start[] = "module closed with exit_code(";

	return strncmp(text, start, sizeof(start) - 1) == 0;
}

static int read_error(struct import *import, struct import_stream *stream, struct reel_abort *error)
{
	struct jsonl_string text = {"", 0};
	uint64_t full_length;
	int found = jsonl_find(&import->parser, &import->line, "err");
	int status;

	if (found > 0) {
		found = jsonl_read_string(&import->parser, &text);
	}
	status = import_parsed(import, found);
	if (status == 0 && (strcmp(text.text, "=") != 0 || !stream->error)) {
		status = keep_error(import, stream, &text);
	}
	if (status < 0) {
		return status;
	}
	full_length = stream->error_full_length;
	status = import_optional_number(import, &import->line, "err_len", SIZE_MAX, &full_length);
	stream->error_full_length = (size_t)full_length;
	if (stream->error_full_length < stream->error_length) {
		return import_fail(import, REEL_EFORMAT, "err_len: less than err has");
	}
	*error = (struct reel_abort){
		.kind = is_exit(stream->error) ? REEL_ABORT_EXIT : REEL_ABORT_ERROR,
		.text = stream->error,
		.length = stream->error_length,
		.full_length = stream->error_full_length,
	};
	return status;
}

static int import_abort(struct import *import)
{
	struct event_head head;
	struct import_capture capture;
	struct reel_abort error;
	int status = read_head(import, &head);

	if (status == 0) {
		status = read_error(import, head.stream, &error);
	}
	if (status == 0) {
		status = import_read_capture(import, &capture);
	}
	if (status == 0) {
		reel_stream_abort(head.stream->recorder, head.module_id, head.function->handle,
			&error, capture.present ? &capture.capture : NULL);
	}
	return status;
}

/* An event that a recorder made up: this one will make it up again. Notes why. */
static int skip_repaired(struct import *import)
{
	struct import_stream *stream;
	const char *reason = "";
	int status = read_stream(import, &stream);

	if (status == 0) {
		status = import_optional_name(import, &import->line, "reason", &reason);
	}
	if (status < 0) {
		return status;
	}
	stream->last_repair = REEL_REASON_NONE;
	for (enum reel_reason i = REEL_REASON_UNWOUND; i <= REEL_REASON_LOST; i++) {
		if (strcmp(reason, reel_reason_name(i)) == 0) {
			stream->last_repair = i;
		}
	}
	return 0;
}

/* ---- marks ---- */

static bool is_event_key(const struct jsonl_string *key)
{
	return strcmp(key->text, "t") == 0 || strcmp(key->text, "tid") == 0 ||
	       strcmp(key->text, "ns") == 0;
}

/* The line as it stands, but for t, tid and ns; empty when nothing else is in it. */
static int copy_text(struct import *import, const char **text)
{
	const struct jsonl_object *line = &import->line;
	char *copy = jsonl_arena_alloc(&import->arena, import->parser.size + 1);
	size_t size = 0;

	if (!copy) {
		return import_no_memory(import);
	}
	for (size_t i = 0; i < line->member_count; i++) {
		const struct jsonl_member *member = &line->members[i];
		size_t length = member->end_offset - member->key_offset;

		if (!is_event_key(&member->key)) {
			copy[size] = size == 0 ? '{' : ',';
			memcpy(copy + size + 1, import->parser.text + member->key_offset, length);
			size += length + 1;
		}
	}
	if (size > 0) {
		copy[size++] = '}';
	}
	copy[size] = '\0';
	*text = copy;
	return 0;
}

static int import_mark(
	struct import *import, void (*mark)(struct reel_recorder_stream *stream, const char *text))
{
	struct import_stream *stream;
	const char *text = "";
	int status = read_stream(import, &stream);

	if (status == 0) {
		status = copy_text(import, &text);
	}
	if (status == 0) {
		stream->last_repair = REEL_REASON_NONE;
		mark(stream->recorder, text);
	}
	return status;
}

static int import_gap(struct import *import)
{
	struct import_stream *stream;
	uint64_t lost;
	int status = read_stream(import, &stream);

	if (status == 0) {
		status = import_get_number(import, "lost", &lost);
	}
	if (status == 0) {
		reel_stream_gap(stream->recorder, lost);
	}
	return status;
}

static int import_end(struct import *import)
{
	struct import_stream *stream;
	int status = read_stream(import, &stream);

	import->ended = true;
	return status;
}

int import_event(struct import *import, const char *kind)
{
	bool repaired = false;
	int status;

	if (strlen(kind) != 1 || !strchr("BAXIOGE", kind[0])) {
		return 0;
	}
	status = import_optional_bool(import, &import->line, "repaired", &repaired);
	if (status < 0) {
		return status;
	}
	switch (kind[0]) {
	case 'B':
		return import_before(import);
	case 'A':
		return import_after(import);
	case 'X':
		return repaired ? skip_repaired(import) : import_abort(import);
	case 'I':
		return import_mark(import, reel_stream_call_begin);
	case 'O':
		return import_mark(import, reel_stream_call_end);
	case 'G':
		return import_gap(import);
	default:
		return import_end(import);
	}
}
