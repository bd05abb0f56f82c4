/*
 * The map of addresses: open addressing with linear probing, half full at most.
 */
#include "pointer_map.h"

#include <stdlib.h>

#include <reel/status.h>

static size_t place_of(const struct pointer_table *table, const void *key)
{
	uint64_t hash = (uint64_t)(uintptr_t)key * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(hash >> 20) & (table->capacity - 1);
}

void *pointer_map_find(struct pointer_map *map, const void *key)
{
	/* [T] acquire, released by pointer_map_set(). */
	struct pointer_table *table = atomic_load_explicit(&map->table, memory_order_acquire);

	if (!table) {
		return NULL;
	}
	for (size_t i = place_of(table, key);; i = (i + 1) & (table->capacity - 1)) {
		struct pointer_entry *entry = &table->entries[i];
		/* [K] acquire, released by put(). */
		const void *found = atomic_load_explicit(&entry->key, memory_order_acquire);

		if (!found) {
			return NULL;
		}
		if (found == key) {
			/* [V] acquire, released by put(). */
			return atomic_load_explicit(&entry->value, memory_order_acquire);
		}
	}
}

/* The entry of a key, or the free one where it belongs. For the thread that adds. */
static struct pointer_entry *entry_of(struct pointer_table *table, const void *key)
{
	for (size_t i = place_of(table, key);; i = (i + 1) & (table->capacity - 1)) {
		/* Relaxed: only the thread that adds writes keys. */
		const void *found =
			atomic_load_explicit(&table->entries[i].key, memory_order_relaxed);

		if (!found || found == key) {
			return &table->entries[i];
		}
	}
}

static void put(struct pointer_entry *entry, const void *key, void *value)
{
	/* [V] release, acquired by pointer_map_find(). */
	atomic_store_explicit(&entry->value, value, memory_order_release);
	/* [K] release, acquired by pointer_map_find(): whoever sees the key sees the value. */
	atomic_store_explicit(&entry->key, key, memory_order_release);
}

static struct pointer_table *enlarge(struct pointer_map *map, struct pointer_table *table)
{
	size_t capacity = table ? table->capacity * 2 : 64;
	struct pointer_table *larger =
		calloc(1, sizeof(*larger) + capacity * sizeof(larger->entries[0]));

	if (!larger) {
		return NULL;
	}
	larger->smaller = table;
	larger->capacity = capacity;
	for (size_t i = 0; table && i < table->capacity; i++) {
		struct pointer_entry *entry = &table->entries[i];
		/* Relaxed, both: only this thread writes them. */
		const void *key = atomic_load_explicit(&entry->key, memory_order_relaxed);

		if (key) {
			put(entry_of(larger, key), key,
				atomic_load_explicit(&entry->value, memory_order_relaxed));
		}
	}
	/* [T] release, acquired by pointer_map_find(): whoever sees the table sees its entries. */
	atomic_store_explicit(&map->table, larger, memory_order_release);
	return larger;
}

int pointer_map_set(struct pointer_map *map, const void *key, void *value)
{
	/* Relaxed: only the thread that adds writes it. */
	struct pointer_table *table = atomic_load_explicit(&map->table, memory_order_relaxed);
	struct pointer_entry *entry;

	if (!table || map->count >= table->capacity / 2) {
		table = enlarge(map, table);
	}
	if (!table) {
		return REEL_ENOMEM;
	}
	entry = entry_of(table, key);
	/* Relaxed, as above. */
	map->count += atomic_load_explicit(&entry->key, memory_order_relaxed) == NULL;
	put(entry, key, value);
	return 0;
}

void pointer_map_deinit(struct pointer_map *map)
{
	struct pointer_table *table = atomic_load_explicit(&map->table, memory_order_relaxed);

	while (table) {
		struct pointer_table *smaller = table->smaller;

		free(table);
		table = smaller;
	}
	atomic_store_explicit(&map->table, NULL, memory_order_relaxed);
	map->count = 0;
}
