/*
 * Ids by content: a table from the 128-bit hash of some bytes to the id that they got. The bytes
 * themselves are not kept: equal hashes are taken for equal bytes.
 */
#ifndef REEL_FORMAT_HASH_IDS_H
#define REEL_FORMAT_HASH_IDS_H

#include <stddef.h>
#include <stdint.h>

struct hash_id {
	uint64_t low, high;
	uint32_t id_plus_one; /* 0: an empty place */
};

/* All zero is an empty table. */
struct hash_ids {
	struct hash_id *places; /* a power of two of them, at most 3/4 taken */
	size_t place_count, taken;
};

/* The place of these bytes, empty (with its hash filled in) when they are new: the caller then
 * sets the id with hash_ids_take(). NULL when memory is short. */
struct hash_id *hash_ids_find(struct hash_ids *table, const void *bytes, size_t size);

static inline void hash_ids_take(struct hash_ids *table, struct hash_id *place, uint32_t id)
{
	place->id_plus_one = id + 1;
	table->taken++;
}

void hash_ids_deinit(struct hash_ids *table);

#endif
