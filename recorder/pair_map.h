/*
 * A map from two words to a 32-bit id: open addressing, for the consumer's hot path. Grows; never
 * shrinks but by pair_map_clear().
 *
 * Threads: one at a time.
 */
#ifndef REEL_RECORDER_PAIR_MAP_H
#define REEL_RECORDER_PAIR_MAP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <reel/status.h>

/* What a map never holds as an id: such an entry is empty. */
#define PAIR_MAP_EMPTY UINT32_MAX

struct pair_map_entry {
	uint64_t a, b;
	uint32_t id;
};

struct pair_map {
	struct pair_map_entry
		*entries; /* NULL while empty; else 1 << bits of them, at most half in use */
	uint32_t count;
	uint32_t bits;
};

static inline uint64_t pair_map_slot(const struct pair_map *map, uint64_t a, uint64_t b)
{
	return ((a + b * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xd6e8feb86659fd93)) >>
	       (64 - map->bits);
}

/* The id of (a, b), or PAIR_MAP_EMPTY. */
static inline uint32_t pair_map_find(const struct pair_map *map, uint64_t a, uint64_t b)
{
	if (!map->entries) {
		return PAIR_MAP_EMPTY;
	}
	uint64_t mask = (UINT64_C(1) << map->bits) - 1;

	for (uint64_t i = pair_map_slot(map, a, b);; i = (i + 1) & mask) {
		const struct pair_map_entry *entry = &map->entries[i];

		if ((entry->a == a && entry->b == b) || entry->id == PAIR_MAP_EMPTY) {
			return entry->id;
		}
	}
}

static inline void pair_map_put(struct pair_map *map, uint64_t a, uint64_t b, uint32_t id)
{
	uint64_t mask = (UINT64_C(1) << map->bits) - 1;
	uint64_t i = pair_map_slot(map, a, b);

	while (map->entries[i].id != PAIR_MAP_EMPTY) {
		i = (i + 1) & mask;
	}
	map->entries[i] = (struct pair_map_entry){a, b, id};
	map->count++;
}

static inline int pair_map_grow(struct pair_map *map)
{
	struct pair_map old = *map;
	uint32_t bits = old.entries ? old.bits + 1 : 6;
	struct pair_map_entry *entries = malloc(sizeof(*entries) << bits);

	if (!entries) {
		return REEL_ENOMEM;
	}
	/* All bits set: every id is PAIR_MAP_EMPTY. */
	memset(entries, 0xff, sizeof(*entries) << bits);
	*map = (struct pair_map){entries, 0, bits};
	for (uint64_t i = 0; old.entries && i < UINT64_C(1) << old.bits; i++) {
		if (old.entries[i].id != PAIR_MAP_EMPTY) {
			pair_map_put(map, old.entries[i].a, old.entries[i].b, old.entries[i].id);
		}
	}
	free(old.entries);
	return 0;
}

/* Adds (a, b), which is not in the map. 0 or REEL_ENOMEM. */
static inline int pair_map_add(struct pair_map *map, uint64_t a, uint64_t b, uint32_t id)
{
	if (!map->entries || map->count >= UINT32_C(1) << (map->bits - 1)) {
		int status = pair_map_grow(map);

		if (status < 0) {
			return status;
		}
	}
	pair_map_put(map, a, b, id);
	return 0;
}

static inline void pair_map_clear(struct pair_map *map)
{
	free(map->entries);
	*map = (struct pair_map){0};
}

#endif
