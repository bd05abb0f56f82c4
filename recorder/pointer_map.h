/*
 * A map from addresses to addresses that any thread reads without a lock while one at a time adds
 * to it. Entries are never taken out; a table that became too small is kept until the end, for
 * those who still read it.
 *
 *   pair  released by                      acquired by          what it orders
 *   [K]   pointer_map_set(): entry's key   pointer_map_find()   the entry's value
 *   [V]   pointer_map_set(): the value     pointer_map_find()   what it points to
 *   [T]   pointer_map_set(): the table     pointer_map_find()   the table's entries
 */
#ifndef REEL_RECORDER_POINTER_MAP_H
#define REEL_RECORDER_POINTER_MAP_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct pointer_entry {
	_Atomic(const void *) key; /* NULL: free */
	_Atomic(void *) value;
};

struct pointer_table {
	struct pointer_table *smaller; /* the one before it */
	size_t capacity;               /* a power of two */
	struct pointer_entry entries[];
};

/* A zeroed map is empty. */
struct pointer_map {
	_Atomic(struct pointer_table *) table;
	size_t count;
};

/* The value of a key that is not NULL, or NULL. Any thread. */
void *pointer_map_find(struct pointer_map *map, const void *key);

/* Sets the value of a key, which is added when it is new. REEL_ENOMEM or 0. One thread at a time.
 */
int pointer_map_set(struct pointer_map *map, const void *key, void *value);

void pointer_map_deinit(struct pointer_map *map);

#endif
