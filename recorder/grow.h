/*
 * Arrays that grow by doubling.
 */
#ifndef REEL_RECORDER_GROW_H
#define REEL_RECORDER_GROW_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/*
 * An array with room for `count` items of `size` bytes: `array` itself when it has, else a larger
 * one that takes its place, *capacity being its room. NULL when memory is short, `array` being as
 * it was.
 */
static inline void *grow(void *array, uint32_t *capacity, size_t count, size_t size)
{
	size_t larger = *capacity ? *capacity : 8;

	if (count <= *capacity) {
		return array;
	}
	while (larger < count) {
		larger *= 2;
	}
	if (larger > UINT32_MAX) {
		return NULL;
	}
	array = realloc(array, larger * size);
	if (array) {
		*capacity = (uint32_t)larger;
	}
	return array;
}

#endif
