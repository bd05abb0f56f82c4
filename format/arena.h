/*
 * An arena: memory for many small things that are all freed together.
 */
#ifndef REEL_FORMAT_ARENA_H
#define REEL_FORMAT_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct arena_chunk;

/* All zero is an empty arena. */
struct arena {
	struct arena_chunk *chunks;
	uint8_t *next;
	size_t left;
};

/* Zeroed memory, fit for any type of at most 8 bytes' alignment; NULL when there is none. */
void *arena_alloc(struct arena *arena, size_t size);

/* A copy of bytes with a NUL behind. */
char *arena_copy(struct arena *arena, const void *bytes, size_t size);

void arena_deinit(struct arena *arena);

#endif
