/*
 * The players of open streams as a heap; see merge.h.
 */
#include <stdlib.h>

#include "merge.h"

static bool is_before(const struct player *a, const struct player *b)
{
	return a->key != b->key ? a->key < b->key : a->order < b->order;
}

static void swap(struct merge *merge, size_t i, size_t j)
{
	struct player *player = merge->players[i];

	merge->players[i] = merge->players[j];
	merge->players[j] = player;
}

/* The child of `i` that is due first; merge->count when it has none. */
static size_t first_child(const struct merge *merge, size_t i)
{
	size_t left = 2 * i + 1;
	size_t right = left + 1;

	if (left >= merge->count) {
		return merge->count;
	}
	if (right < merge->count && is_before(merge->players[right], merge->players[left])) {
		return right;
	}
	return left;
}

void merge_deinit(struct merge *merge)
{
	free(merge->players);
	*merge = (struct merge){0};
}

int merge_add(struct merge *merge, struct player *player)
{
	size_t i = merge->count;

	if (merge->count == merge->capacity) {
		size_t capacity = merge->capacity ? merge->capacity * 2 : 16;
		struct player **players =
			reallocarray(merge->players, capacity, sizeof(struct player *));

		if (!players) {
			return REEL_ENOMEM;
		}
		merge->players = players;
		merge->capacity = capacity;
	}
	merge->players[merge->count++] = player;
	while (i > 0 && is_before(merge->players[i], merge->players[(i - 1) / 2])) {
		swap(merge, i, (i - 1) / 2);
		i = (i - 1) / 2;
	}
	return 0;
}

void merge_update_first(struct merge *merge)
{
	size_t i = 0;
	size_t child = first_child(merge, i);

	while (child < merge->count && is_before(merge->players[child], merge->players[i])) {
		swap(merge, i, child);
		i = child;
		child = first_child(merge, i);
	}
}

void merge_remove_first(struct merge *merge)
{
	merge->players[0] = merge->players[--merge->count];
	merge_update_first(merge);
}

uint64_t merge_first_limit(const struct merge *merge)
{
	const struct player *first = merge->players[0];
	const struct player *second;
	size_t child = first_child(merge, 0);

	if (child == merge->count) {
		return UINT64_MAX;
	}
	second = merge->players[child];
	/* A key of 0 is the least, so whoever is first at it is so by order. */
	return first->order < second->order || second->key == 0 ? second->key : second->key - 1;
}
