/*
 * An arena: see arena.h. Chunks of 64 KiB, and one of its own for anything large.
 */
#include "arena.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE ((size_t)64 << 10)

struct arena_chunk {
	struct arena_chunk *previous;
	uint64_t memory[];
};

static struct arena_chunk *add_chunk(struct arena *arena, size_t size)
{
	struct arena_chunk *chunk = calloc(1, sizeof(*chunk) + size);

	if (chunk) {
		chunk->previous = arena->chunks;
		arena->chunks = chunk;
	}
	return chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct arena_chunk *chunk;
	uint8_t *memory;

	if (size > SIZE_MAX / 2) {
		return NULL;
	}
	size = size ? (size + 7) & ~(size_t)7 : 8;
	if (size > CHUNK_SIZE / 4) {
		chunk = add_chunk(arena, size);
		return chunk ? chunk->memory : NULL;
	}
	if (size > arena->left) {
		chunk = add_chunk(arena, CHUNK_SIZE);
		if (!chunk) {
			return NULL;
		}
		arena->next = (uint8_t *)chunk->memory;
		arena->left = CHUNK_SIZE;
	}
	memory = arena->next;
	arena->next += size;
	arena->left -= size;
	return memory;
}

char *arena_copy(struct arena *arena, const void *bytes, size_t size)
{
	char *copy = arena_alloc(arena, size + 1);

	if (copy && size) {
		memcpy(copy, bytes, size);
	}
	return copy;
}

void arena_deinit(struct arena *arena)
{
	while (arena->chunks) {
		struct arena_chunk *chunk = arena->chunks;

		arena->chunks = chunk->previous;
		free(chunk);
	}
	*arena = (struct arena){0};
}
