/*
 * The stack of a before: the frames that its line shows, and those below that it shares with the
 * stream's before ahead of it.
 */
#include "import_state.h"

#include <stdlib.h>
#include <string.h>

static int reserve_frames(
	struct import *import, struct reel_frame **frames, size_t *capacity, size_t count)
{
	size_t larger = *capacity ? *capacity : 16;
	struct reel_frame *moved;

	if (count <= *capacity) {
		return 0;
	}
	while (larger < count) {
		larger *= 2;
	}
	moved = realloc(*frames, larger * sizeof(*moved));
	if (!moved) {
		return import_no_memory(import);
	}
	*frames = moved;
	*capacity = larger;
	return 0;
}

static int read_frame_function(struct import *import, struct reel_frame *frame)
{
	const struct import_function *function;
	uint64_t id;
	int status;

	if (jsonl_peek(&import->parser) == JSONL_NULL) {
		return import_parsed(import, jsonl_read_null(&import->parser));
	}
	status = import_parsed(import, jsonl_read_integer(&import->parser, UINT32_MAX, &id));
	if (status < 0) {
		return status;
	}
	function = jsonl_id_map_get(&import->functions, (uint32_t)id);
	if (!function) {
		return import_fail(
			import, REEL_EFORMAT, "stack: function %u is not defined", (uint32_t)id);
	}
	frame->function = function->handle;
	return 0;
}

static int read_frame_member(
	struct import *import, const struct jsonl_string *key, struct reel_frame *frame)
{
	struct jsonl_parser *parser = &import->parser;

	if (strcmp(key->text, "fn") == 0) {
		return read_frame_function(import, frame);
	}
	if (strcmp(key->text, "pc") == 0) {
		return import_parsed(import, jsonl_read_integer(parser, UINT64_MAX, &frame->pc));
	}
	if (strcmp(key->text, "off") == 0) {
		return import_parsed(
			import, jsonl_read_integer(parser, UINT64_MAX, &frame->source_offset));
	}
	return import_parsed(import, jsonl_skip(parser));
}

static int read_frame(struct import *import, struct reel_frame *frame)
{
	struct jsonl_string key;
	int more = import_parsed(import, jsonl_begin_object(&import->parser));

	*frame = (struct reel_frame){0};
	while (more == 0) {
		more = import_parsed(import, jsonl_next_member(&import->parser, &key));
		if (more <= 0) {
			return more;
		}
		more = read_frame_member(import, &key, frame);
	}
	return more;
}

/* Reads the line's `stack` into import->shown. */
static int read_shown(struct import *import)
{
	int more = import_parsed(import, jsonl_begin_array(&import->parser));

	import->shown_count = 0;
	while (more == 0) {
		more = import_parsed(import, jsonl_next_element(&import->parser));
		if (more <= 0) {
			return more;
		}
		more = reserve_frames(
			import, &import->shown, &import->shown_capacity, import->shown_count + 1);
		if (more == 0) {
			more = read_frame(import, &import->shown[import->shown_count++]);
		}
	}
	return more;
}

/* Makes the stream's stack of the shown frames and the bottom `tail` frames of the one before. */
static int replace_stack(struct import *import, struct import_stream *stream, size_t tail)
{
	size_t shown = import->shown_count;
	int status = reserve_frames(import, &stream->frames, &stream->frame_capacity, shown + tail);

	if (status < 0) {
		return status;
	}
	if (tail > 0 && shown != stream->frame_count - tail) {
		memmove(stream->frames + shown, stream->frames + stream->frame_count - tail,
			tail * sizeof(*stream->frames));
	}
	if (shown > 0) {
		memcpy(stream->frames, import->shown, shown * sizeof(*stream->frames));
	}
	stream->frame_count = shown + tail;
	return 0;
}

int import_read_stack(struct import *import, struct import_stream *stream)
{
	uint64_t tail = 0;
	int status = import_optional_number(import, &import->line, "tail", UINT64_MAX, &tail);
	int found;

	if (status < 0) {
		return status;
	}
	if (tail > stream->frame_count) {
		return import_fail(import, REEL_EFORMAT, "tail: the stack before has %zu frames",
			stream->frame_count);
	}
	found = jsonl_find(&import->parser, &import->line, "stack");
	if (found == 0 && tail == 0) {
		return 0;
	}
	import->shown_count = 0;
	if (found > 0) {
		found = read_shown(import);
	}
	status = found < 0 ? import_parsed(import, found)
			   : replace_stack(import, stream, (size_t)tail);
	return status < 0 ? status : 1;
}
