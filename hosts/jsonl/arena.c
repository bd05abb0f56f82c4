/*
 * The arena of a line: a list of malloced blocks, the newest first and the largest kept.
 */
#include "arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

enum { FIRST_BLOCK_SIZE = 64 * 1024 };

struct jsonl_arena_block {
	struct jsonl_arena_block *next;
	size_t size;
	alignas(max_align_t) unsigned char bytes[];
};

/* Makes a block that holds `size` bytes and is at least twice the one before it. */
static struct jsonl_arena_block *add_block(struct jsonl_arena *arena, size_t size)
{
	size_t capacity = arena->blocks ? arena->blocks->size * 2 : FIRST_BLOCK_SIZE;
	struct jsonl_arena_block *block;

	if (capacity < size) {
		capacity = size;
	}
	block = malloc(sizeof(*block) + capacity);
	if (!block) {
		return NULL;
	}
	block->next = arena->blocks;
	block->size = capacity;
	arena->blocks = block;
	arena->used = 0;
	return block;
}

void *jsonl_arena_alloc(struct jsonl_arena *arena, size_t size)
{
	const size_t mask = alignof(max_align_t) - 1;
	struct jsonl_arena_block *block = arena->blocks;
	void *bytes;

	if (size > SIZE_MAX / 4) {
		return NULL;
	}
	size = (size + mask) & ~mask;
	if (!block || size > block->size - arena->used) {
		block = add_block(arena, size);
		if (!block) {
			return NULL;
		}
	}
	bytes = block->bytes + arena->used;
	arena->used += size;
	return bytes;
}

static void free_blocks(struct jsonl_arena_block *block)
{
	while (block) {
		struct jsonl_arena_block *next = block->next;

		free(block);
		block = next;
	}
}

void jsonl_arena_reset(struct jsonl_arena *arena)
{
	if (arena->blocks) {
		free_blocks(arena->blocks->next);
		arena->blocks->next = NULL;
	}
	arena->used = 0;
}

void jsonl_arena_deinit(struct jsonl_arena *arena)
{
	free_blocks(arena->blocks);
	arena->blocks = NULL;
	arena->used = 0;
}
