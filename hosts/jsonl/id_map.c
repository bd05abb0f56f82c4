/*
 * The id map: at most half of the entries are in use, so that probing stays short.
 */
#include "id_map.h"

#include <stdlib.h>

#include <reel/status.h>

enum { FIRST_CAPACITY = 64 };

/* The entry of `id`, or the free one where it belongs. */
static struct jsonl_id_entry *find_entry(
	struct jsonl_id_entry *entries, size_t capacity, uint32_t id)
{
	size_t index = (id * UINT32_C(2654435769)) & (capacity - 1);

	while (entries[index].value && entries[index].id != id) {
		index = (index + 1) & (capacity - 1);
	}
	return &entries[index];
}

void *jsonl_id_map_get(const struct jsonl_id_map *map, uint32_t id)
{
	return map->capacity ? find_entry(map->entries, map->capacity, id)->value : NULL;
}

static int grow(struct jsonl_id_map *map)
{
	size_t capacity = map->capacity ? map->capacity * 2 : FIRST_CAPACITY;
	struct jsonl_id_entry *entries = calloc(capacity, sizeof(*entries));

	if (!entries) {
		return REEL_ENOMEM;
	}
	for (size_t i = 0; i < map->capacity; i++) {
		if (map->entries[i].value) {
			*find_entry(entries, capacity, map->entries[i].id) = map->entries[i];
		}
	}
	free(map->entries);
	map->entries = entries;
	map->capacity = capacity;
	return 0;
}

int jsonl_id_map_add(struct jsonl_id_map *map, uint32_t id, void *value)
{
	if (map->count == JSONL_MAX_IDS) {
		return REEL_ELIMIT;
	}
	if (map->count * 2 >= map->capacity) {
		int status = grow(map);

		if (status < 0) {
			return status;
		}
	}
	*find_entry(map->entries, map->capacity, id) = (struct jsonl_id_entry){id, value};
	map->count++;
	return 0;
}

void jsonl_id_map_deinit(struct jsonl_id_map *map)
{
	free(map->entries);
	*map = (struct jsonl_id_map){0};
}
