/*
 * The map of number_map.h: open addressing with linear probing, at most half full. Given keys
 * that differ, it promises a lookup in a few steps.
 */
#include "number_map.h"

#include <stdlib.h>

#include <reel/status.h>

#define FIRST_CAPACITY 64u

/* Fibonacci hashing: the high bits of the product depend on all bits of the key. */
static size_t slot_of(const struct number_map *map, uint64_t key)
{
	const uint64_t mixed = (key ^ (key >> 32)) * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(mixed >> 32) & (map->capacity - 1);
}

static struct number_map_entry *find(const struct number_map *map, uint64_t key)
{
	size_t slot = slot_of(map, key);

	while (map->entries[slot].number != NUMBER_MAP_NONE && map->entries[slot].key != key) {
		slot = (slot + 1) & (map->capacity - 1);
	}
	return &map->entries[slot];
}

uint32_t number_map_get(const struct number_map *map, uint64_t key)
{
	return map->capacity ? find(map, key)->number : NUMBER_MAP_NONE;
}

static int grow(struct number_map *map)
{
	struct number_map bigger = {.count = map->count};

	bigger.capacity = map->capacity ? map->capacity * 2 : FIRST_CAPACITY;
	bigger.entries = malloc(bigger.capacity * sizeof(*bigger.entries));
	if (!bigger.entries) {
		return REEL_ENOMEM;
	}
	for (size_t i = 0; i < bigger.capacity; i++) {
		bigger.entries[i].number = NUMBER_MAP_NONE;
	}
	for (size_t i = 0; i < map->capacity; i++) {
		if (map->entries[i].number != NUMBER_MAP_NONE) {
			*find(&bigger, map->entries[i].key) = map->entries[i];
		}
	}
	free(map->entries);
	*map = bigger;
	return 0;
}

int number_map_put(struct number_map *map, uint64_t key, uint32_t number)
{
	if (map->count * 2 >= map->capacity && grow(map) < 0) {
		return REEL_ENOMEM;
	}
	*find(map, key) = (struct number_map_entry){.key = key, .number = number};
	map->count++;
	return 0;
}

void number_map_deinit(struct number_map *map)
{
	free(map->entries);
	*map = (struct number_map){0};
}
