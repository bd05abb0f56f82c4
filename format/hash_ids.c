/*
 * Ids by content: see hash_ids.h. Open addressing with linear probing; nothing is ever removed.
 */
#include "hash_ids.h"

#include <stdlib.h>

#include <xxhash.h>

static struct hash_id *probe(struct hash_id *places, size_t count, uint64_t low, uint64_t high)
{
	size_t at = (size_t)low & (count - 1);

	while (places[at].id_plus_one && (places[at].low != low || places[at].high != high)) {
		at = (at + 1) & (count - 1);
	}
	return &places[at];
}

static int grow(struct hash_ids *table)
{
	size_t count = table->place_count ? table->place_count * 2 : 256;
	struct hash_id *places = calloc(count, sizeof(*places));

	if (!places) {
		return -1;
	}
	for (size_t i = 0; i < table->place_count; i++) {
		const struct hash_id *old = &table->places[i];

		if (old->id_plus_one) {
			*probe(places, count, old->low, old->high) = *old;
		}
	}
	free(table->places);
	table->places = places;
	table->place_count = count;
	return 0;
}

struct hash_id *hash_ids_find(struct hash_ids *table, const void *bytes, size_t size)
{
	XXH128_hash_t hash = XXH3_128bits(bytes, size);
	struct hash_id *place;

	if (table->taken >= table->place_count / 4 * 3 && grow(table)) {
		return NULL;
	}
	place = probe(table->places, table->place_count, hash.low64, hash.high64);
	place->low = hash.low64;
	place->high = hash.high64;
	return place;
}

void hash_ids_deinit(struct hash_ids *table)
{
	free(table->places);
	*table = (struct hash_ids){0};
}
