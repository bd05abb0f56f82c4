/*
 * A cursor from within: what loading a block (cursor_load.c), decoding extras (cursor_extra.c) and
 * giving events (cursor.c) share.
 */
#ifndef REEL_FORMAT_CURSOR_STATE_H
#define REEL_FORMAT_CURSOR_STATE_H

#include "event_pack.h"
#include "trace_file.h"

#define CHUNK_EVENTS TICK_CHUNK

/* The words of one function's plain events in the block. */
struct words_reader {
	uint32_t count;
	struct byte_view bytes;
	uint64_t *previous; /* in cursor->previous_words */
};

struct column_reader {
	uint32_t function;
	struct words_reader words[WORDS_KINDS];
};

struct cursor {
	/* Hot. */
	uint32_t next, filled; /* in the chunk */
	uint32_t depth;
	bool has_values;
	bool bare; /* neither extras nor values: the stack is not needed */
	bool ran;  /* by cursor_run(): a bare block's stack is not kept */
	struct cursor_site *stack;
	struct cursor_site *sites; /* of the block, by number */
	uint32_t symbols[CHUNK_EVENTS];
	uint64_t ticks[CHUNK_EVENTS];

	/* The block. */
	struct reel_trace *trace;
	struct block_reader reader;
	struct event_block_info info;
	uint32_t unpacked; /* events that went into chunks */
	const uint8_t *symbol_bytes;
	uint8_t symbol_width;
	struct tick_reader tick_reader;
	struct byte_view extras;
	int failed; /* sticky status */

	/* Memory that is kept from block to block. */
	uint32_t stack_capacity;
	uint32_t site_count, site_capacity;
	struct activation *key_frame;
	uint32_t key_frame_count, key_frame_capacity;
	struct byte_buffer key_words; /* parameters of the key frame, uint64_t each */
	struct column_reader *columns;
	uint32_t column_count, column_capacity;
	struct byte_buffer previous_words;
	struct byte_buffer values; /* words of the event given last */
	struct event_capture capture;
	struct byte_buffer globals, reads;
};

/* Makes room on the stack of open calls. REEL_ENOMEM or 0. */
int cursor_reserve_stack(struct cursor *cursor, uint32_t more);

/* The number, plus 1, of the function's column of values; 0: there is none. */
uint32_t cursor_find_column(const struct cursor *cursor, uint32_t function);

/* What is known of a site that the block names by its id: by its definition, or, when that is
 * lost, by the block. */
struct cursor_site cursor_call_at(const struct cursor *cursor, uint32_t id);

/* Decodes an extra's fields into *event. REEL_END for a kind that a newer minor version has;
 * REEL_EDAMAGED, REEL_ENOMEM, or 0. */
int cursor_read_extra(
	struct cursor *cursor, struct byte_view *view, struct event *event, bool *has_module);

/* Opens a call. There is room. */
static inline void cursor_push(struct cursor *cursor, const struct cursor_site *call)
{
	cursor->stack[cursor->depth++] = *call;
}

/* An id that is stored plus one, 0 being NO_ID. */
static inline uint32_t view_id(struct byte_view *view)
{
	return view_varint32(view) - 1;
}

/* Room for `count` items in a buffer that is overwritten; not NULL when there are none. NULL when
 * memory is short. */
static inline void *buffer_scratch(struct byte_buffer *buffer, size_t count, size_t size)
{
	buffer->size = 0;
	return buffer_reserve(buffer, count * size + 1) ? NULL : buffer->bytes;
}

#endif
