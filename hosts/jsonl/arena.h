/*
 * Memory for one line: blocks that are handed out and taken back all at once.
 *
 * What jsonl_arena_alloc() gives stays where it is until jsonl_arena_reset(), which keeps one block
 * for the next line. A zeroed arena is ready for use.
 */
#ifndef JSONL_ARENA_H
#define JSONL_ARENA_H

#include <stddef.h>

struct jsonl_arena_block;

struct jsonl_arena {
	struct jsonl_arena_block *blocks; /* the one in use first */
	size_t used;                      /* bytes of blocks[0] */
};

/* `size` bytes, aligned for anything, not zeroed; NULL when memory is short. */
void *jsonl_arena_alloc(struct jsonl_arena *arena, size_t size);

/* Takes everything back. */
void jsonl_arena_reset(struct jsonl_arena *arena);

/* Frees everything; the arena may be used again. */
void jsonl_arena_deinit(struct jsonl_arena *arena);

#endif
