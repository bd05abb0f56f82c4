/*
 * The players of open streams, ordered by when they want to go on: a binary heap.
 */
#ifndef REEL_REPLAY_MERGE_H
#define REEL_REPLAY_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "player.h"

/* A zeroed struct is an empty heap. */
struct merge {
	struct player **players; /* players[0] is due first */
	size_t count, capacity;
};

void merge_deinit(struct merge *merge);

/* REEL_ENOMEM or 0. */
int merge_add(struct merge *merge, struct player *player);

/* Puts players[0] where its new key belongs. */
void merge_update_first(struct merge *merge);
void merge_remove_first(struct merge *merge);

/* The last tick that players[0] may play before another player is due; equal ticks go by order. */
uint64_t merge_first_limit(const struct merge *merge);

#endif
