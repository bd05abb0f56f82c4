/*
 * Sets of ids: open addressing with linear probing, half full at most.
 */
#include "id_set.h"

#include <stdlib.h>

#include <reel/status.h>

/* The place of an id, or the free one where it belongs. */
static uint32_t *find(const struct id_set *set, uint32_t id)
{
	uint32_t place = id * UINT32_C(0x9e3779b1);

	while (set->ids[place & (set->capacity - 1)] != 0 &&
		set->ids[place & (set->capacity - 1)] != id) {
		place++;
	}
	return &set->ids[place & (set->capacity - 1)];
}

bool id_set_has(const struct id_set *set, uint32_t id)
{
	if (id == 0) {
		return set->has_zero;
	}
	return set->capacity > 0 && *find(set, id) == id;
}

static int enlarge(struct id_set *set)
{
	struct id_set larger = {.capacity = set->capacity ? set->capacity * 2 : 64};

	larger.ids = larger.capacity ? calloc(larger.capacity, sizeof(*larger.ids)) : NULL;
	if (!larger.ids) {
		return REEL_ENOMEM;
	}
	for (uint32_t i = 0; i < set->capacity; i++) {
		if (set->ids[i] != 0) {
			*find(&larger, set->ids[i]) = set->ids[i];
		}
	}
	free(set->ids);
	set->ids = larger.ids;
	set->capacity = larger.capacity;
	return 0;
}

int id_set_add(struct id_set *set, uint32_t id)
{
	if (id == 0) {
		set->has_zero = true;
		return 0;
	}
	if (set->count >= set->capacity / 2) {
		int status = enlarge(set);

		if (status < 0) {
			return status;
		}
	}
	if (*find(set, id) == 0) {
		*find(set, id) = id;
		set->count++;
	}
	return 0;
}

void id_set_deinit(struct id_set *set)
{
	free(set->ids);
	*set = (struct id_set){0};
}
