/*
 * A set of 32-bit ids. Grows; ids are never taken out.
 *
 * Threads: one at a time.
 */
#ifndef REEL_RECORDER_ID_SET_H
#define REEL_RECORDER_ID_SET_H

#include <stdbool.h>
#include <stdint.h>

/* A zeroed set is empty. */
struct id_set {
	uint32_t *ids; /* a power of two of them; 0: free */
	uint32_t capacity, count;
	bool has_zero;
};

bool id_set_has(const struct id_set *set, uint32_t id);

/* Adds an id, which may be there already. REEL_ENOMEM or 0. */
int id_set_add(struct id_set *set, uint32_t id);

void id_set_deinit(struct id_set *set);

#endif
