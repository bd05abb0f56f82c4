/*
 * A map from 64-bit keys to 32-bit numbers, for keys that are only ever added: addresses of
 * functions, ids of modules, (parent, function) pairs of a call tree.
 *
 * Threads: a map belongs to one thread at a time.
 */
#ifndef REEL_LISTENERS_NUMBER_MAP_H
#define REEL_LISTENERS_NUMBER_MAP_H

#include <stddef.h>
#include <stdint.h>

/* What number_map_get() answers for a key that is not there. */
#define NUMBER_MAP_NONE UINT32_MAX

struct number_map_entry {
	uint64_t key;
	uint32_t number; /* NUMBER_MAP_NONE: the entry is free */
};

/* A zeroed struct is an empty map. */
struct number_map {
	struct number_map_entry *entries;
	size_t capacity; /* a power of two, or 0 */
	size_t count;
};

uint32_t number_map_get(const struct number_map *map, uint64_t key);

/* Adds a key that is not there; `number` is not NUMBER_MAP_NONE. REEL_ENOMEM or 0. */
int number_map_put(struct number_map *map, uint64_t key, uint32_t number);

void number_map_deinit(struct number_map *map);

#endif
