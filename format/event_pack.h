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

/* Columns by id. A reader skips ids that it does not know. */
enum column_id {
	COLUMN_KEY_FRAME = 1,
	COLUMN_SYMBOLS = 2,
	COLUMN_TICKS = 3,
	COLUMN_LONG_TICKS = 4,
	COLUMN_EXTRAS = 5,
	COLUMN_VALUES = 6,
};

/* Flags of an extra. */
#define EXTRA_MODULE 1u
#define EXTRA_VALUES 2u
#define EXTRA_CAPTURE 4u
#define EXTRA_ERROR 8u

/* Flags of a capture. */
#define CAPTURE_MEMORY_SIZE 1u

/* The two streams of words that a function has. */
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
	struct byte_buffer sites; /* the block's sites of this function, varints, when packed */
	uint32_t site_count;
};

/*
 * Appends the payload of a block to `raw` and leaves the block's ticks overwritten. `sites` are all
 * sites up to the largest that the block names. REEL_ENOMEM, REEL_EINVAL for a site that is not
 * there, or 0.
 */
int event_block_pack(struct event_block *block, const struct site *const *sites,
	uint32_t site_count, struct byte_buffer *raw);

/* The summary of an event block: what is known of it without decompressing. The bytes fit
 * SUMMARY_SIZE_MAX. */
size_t event_summary_put(uint8_t *to, const struct event_block *block);
bool event_summary_get(struct byte_view *view, struct event_block_info *info);

#endif
