/*
 * The payload of an event block: what block builder, packer and cursor agree on beyond
 * event_block.h. FORMAT.md says the same for people.
 */
#ifndef REEL_FORMAT_EVENT_PACK_H
#define REEL_FORMAT_EVENT_PACK_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "event_block.h"
#include "reader.h"
#include "tick_column.h"

/* Columns by id. A reader skips ids that it does not know. */
enum column_id {
	COLUMN_SITES = 1,
	COLUMN_SYMBOLS = 2,
	COLUMN_TICKS = 3,
	COLUMN_LONG_STEPS = 4,
	COLUMN_KEY_FRAME = 5,
	COLUMN_EXTRAS = 6,
	COLUMN_VALUES = 7,
	COLUMN_COUNT, /* ids and one for 0, which is not used */
};

/* Flags of an extra. */
#define EXTRA_MODULE 1u
#define EXTRA_VALUES 2u
#define EXTRA_CAPTURE 4u
#define EXTRA_ERROR 8u

/* Flags of a capture. */
#define CAPTURE_MEMORY_SIZE 1u

/* The two sequences of words that a function has. */
enum { WORDS_PARAMS, WORDS_RESULTS, WORDS_KINDS };

/* Words of one function's plain events, each as its difference to the word at the same position of
 * the event before. */
struct value_column {
	uint32_t function;
	struct value_words {
		bool known; /* an event has told how many words there are */
		uint32_t count, capacity;
		uint64_t *previous;
		struct byte_buffer bytes;
	} words[WORDS_KINDS];
};

/*
 * Memory for packing that is kept from block to block. All zero is a good start.
 *
 * In a packed block sites have numbers of the block's own, in the order of their first use, so that
 * symbols stay small however many sites a trace has; the column of sites tells which they are.
 */
struct event_packer {
	struct byte_buffer columns[COLUMN_COUNT];
	struct tick_packer ticks;
	uint32_t *local_of_symbol; /* a symbol's number in the block plus 1; 0: not used in it */
	uint32_t local_capacity;
	struct byte_buffer sites;  /* of the block packed last, uint32_t each, by their numbers */
	size_t cuts[COLUMN_COUNT]; /* of the payload packed last: where its larger columns begin */
	size_t cut_count;
};

void event_packer_deinit(struct event_packer *packer);

/*
 * Makes the payload of a block that is not empty, in `raw`, which is empty, clamps its ticks where
 * they ran backwards, and completes its counts. `sites` are all that there are. packer->sites has
 * those of the block afterwards. REEL_ENOMEM, REEL_EINVAL for a site that is not there, or 0.
 */
int event_block_pack(struct event_packer *packer, struct event_block *block,
	const struct site *const *sites, uint32_t site_count, struct byte_buffer *raw);

/* The summary of an event block: what is known of it without decompressing. Puts that of a block
 * which is packed; the bytes fit SUMMARY_SIZE_MAX. */
size_t event_summary_put(uint8_t *to, const struct event_block *block);
bool event_summary_get(struct byte_view *view, struct event_block_info *info);

#endif
