/*
 * A map from 32-bit ids to pointers, for ids that a file chose: sparse, in any order.
 *
 * Open addressing with linear probing. A zeroed map is empty and ready. Entries are never removed.
 */
#ifndef JSONL_ID_MAP_H
#define JSONL_ID_MAP_H

#include <stddef.h>
#include <stdint.h>

/* The most entries of one map. */
enum { JSONL_MAX_IDS = 1 << 24 };

struct jsonl_id_entry {
	uint32_t id;
	void *value; /* NULL: the entry is free */
};

struct jsonl_id_map {
	struct jsonl_id_entry *entries;
	size_t capacity; /* 0 or a power of two */
	size_t count;
};

/* NULL when the id is not in the map. */
void *jsonl_id_map_get(const struct jsonl_id_map *map, uint32_t id);

/* Adds an id that is not in the map, with a value that is not NULL. REEL_ELIMIT when it is full. */
int jsonl_id_map_add(struct jsonl_id_map *map, uint32_t id, void *value);

/* Frees the map, not the values. */
void jsonl_id_map_deinit(struct jsonl_id_map *map);

#endif
