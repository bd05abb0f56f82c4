/*
 * The column of ticks: when each event of a block was, as codes of a few bits.
 *
 * Ticks become differences, differences whole multiples of their greatest common divisor (the
 * unit: a time stamp counter often counts in steps), and a multiple m the code m - base where that
 * is less than the largest code. The largest code stands for a multiple that is in the column of
 * long steps, as a varint. Codes have 0, 2, 4, 8 or 16 bits, whatever comes out smallest. Packing
 * several into a byte leaves less to compress than a byte each, and it compresses better.
 */
#ifndef REEL_FORMAT_TICK_COLUMN_H
#define REEL_FORMAT_TICK_COLUMN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

/* Memory that a packer keeps from block to block. All zero is a good start. */
struct tick_packer {
	struct byte_buffer steps;      /* uint32_t each */
	struct byte_buffer long_steps; /* those that do not fit 32 bits */
};

void tick_packer_deinit(struct tick_packer *packer);

/*
 * Appends the column of `count` > 0 ticks to `column` and the long steps to `longs`. Ticks that run
 * backwards are clamped, in place. REEL_ENOMEM or 0.
 */
int tick_column_pack(struct tick_packer *packer, uint64_t *ticks, uint32_t count,
	struct byte_buffer *column, struct byte_buffer *longs);

struct tick_reader {
	unsigned bits;
	uint64_t unit, base;
	const uint8_t *codes;
	uint32_t next; /* code */
	uint64_t ticks;
	struct byte_view longs;
	uint64_t sums[256]
		     [4]; /* of the steps of a byte's codes, up to each; a long step counts 0 */
};

/* Codes that tick_reader_unpack() takes at once; every call but the last takes them all. */
#define TICK_CHUNK 1024u

/* Starts reading `count` ticks, the first being `first`. REEL_EDAMAGED when the column's size is
 * not that of `count` codes, or 0. */
int tick_reader_init(struct tick_reader *reader, struct byte_view column, struct byte_view longs,
	uint32_t count, uint64_t first);

/* Unpacks the next `count`, at most TICK_CHUNK, for which there is room whatever `count` is. False
 * when the long steps are not right. */
bool tick_reader_unpack(struct tick_reader *reader, uint64_t *ticks, uint32_t count);

#endif
