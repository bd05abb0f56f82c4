/*
 * An event block in the making: the events of one stream, gathered as columns until the writer
 * encodes and writes them.
 *
 * Symbols: 0 is a plain after of the innermost open activation, 1 an event whose details are in the
 * column of extras, and 2 + n a plain before at site n. Plain means: delivered by the host, in the
 * site's (for an after: the activation's) usual module, nothing captured. A plain event carries its
 * function's words in the column of that function.
 *
 * Use: event_block_begin(), event_block_open() for every open activation, bottom first, then
 * events, then writer_write_events(), which leaves the block empty but keeps its memory. The caller
 * keeps the events paired; the block checks nothing. Threads: a block belongs to one thread.
 */
#ifndef REEL_FORMAT_EVENT_BLOCK_H
#define REEL_FORMAT_EVENT_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "event.h"

#define SYMBOL_AFTER 0u
#define SYMBOL_EXTRA 1u
#define SYMBOL_SITE 2u

/* Events of one block at most. */
#define EVENT_BLOCK_EVENTS_MAX (1u << 20)

struct value_column; /* words of one function's plain events, in order */

struct event_block {
	uint32_t stream;
	uint32_t count, capacity; /* events held; room in the two arrays */
	uint32_t *symbols;
	uint64_t *ticks;
	/* Counts of this block. Until it is packed they are those of its extras only; packing adds
	 * the plain events, so that these cost nothing but two stores each. */
	uint64_t before, after, abort, repaired, undelivered, lost;
	uint32_t max_depth; /* open activations at most; known when packed */
	uint32_t key_frame_count;
	uint64_t producer_pos_begin, producer_pos_end; /* ring positions that the block covers, set
							  by the recorder; 0, 0: none */
	struct byte_buffer key_frame;                  /* encoded activations */
	struct byte_buffer extra_kinds; /* a byte each: what the extra is, for the depth */
	struct byte_buffer extras;      /* encoded details of SYMBOL_EXTRA events */
	struct key_frame_position {
		uint64_t ticks, pc, offset;
	} last_open;               /* what the next activation's are stored as differences to */
	struct byte_buffer record; /* scratch: the extra being encoded */
	struct byte_buffer named_sites; /* uint32_t each: sites of the key frame and of extras */
	size_t value_bytes;             /* in all columns */
	struct value_column *columns;
	uint32_t column_count, column_capacity; /* in use; entries that own memory */
	uint32_t *column_of_function; /* function id -> index in columns + 1; grown on demand */
	uint32_t column_of_function_count;
};

void event_block_init(struct event_block *block);
void event_block_deinit(struct event_block *block);

/* Starts an empty block for a stream. 0. */
int event_block_begin(struct event_block *block, uint32_t stream);

/* Adds an open activation to the key frame, bottom first, before any event. REEL_ENOMEM or 0. */
int event_block_open(struct event_block *block, const struct activation *activation);

/* Makes sure that `count` more plain events fit without allocation. REEL_ELIMIT when they are more
 * than a block holds, REEL_ENOMEM, or 0. */
int event_block_reserve(struct event_block *block, uint32_t count);

/* A plain before of a function without parameter words; room was reserved. */
static inline void event_block_before(struct event_block *block, uint64_t ticks, uint32_t site)
{
	uint32_t at = block->count;

	block->symbols[at] = SYMBOL_SITE + site;
	block->ticks[at] = ticks;
	block->count = at + 1;
}

/* A plain after of a function without result words; room was reserved. */
static inline void event_block_after(struct event_block *block, uint64_t ticks)
{
	uint32_t at = block->count;

	block->symbols[at] = SYMBOL_AFTER;
	block->ticks[at] = ticks;
	block->count = at + 1;
}

/*
 * Adds any event. `plain_module` is the module that a reader would assume: for a before its site's,
 * for an exit that of the activation that it ends. For an after or abort event->function is the
 * activation's function. REEL_ELIMIT when the block is full, REEL_ENOMEM or 0; on failure the block
 * is as it was.
 */
int event_block_append(struct event_block *block, const struct event *event, uint32_t plain_module);

/*
 * Bytes gathered beside symbols and ticks: key frame, extras and values. Whoever fills a block
 * writes it when this has grown large; more than EVENT_BLOCK_BYTES_MAX is refused then.
 */
static inline size_t event_block_bytes(const struct event_block *block)
{
	return block->key_frame.size + block->extras.size + block->value_bytes;
}

#define EVENT_BLOCK_BYTES_MAX ((size_t)200 << 20)

#endif
