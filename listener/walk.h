/*
 * One stack for several walkers: given a host's iterator that can be walked only once, gives any
 * number of iterators that each walk the whole stack.
 *
 * Frames are taken from the host as the first walker reaches them and kept for the others, so
 * nobody pays for frames that nobody looks at. Few frames are kept in the struct itself, more on
 * the heap; where memory runs out, or past WALK_FRAMES_MAX, the stack ends early, which is legal.
 * Belongs to one callback, like the iterator that it was made from.
 */
#ifndef REEL_LISTENER_WALK_H
#define REEL_LISTENER_WALK_H

#include <stdbool.h>
#include <stddef.h>

#include <reel/stack.h>

#define WALK_FRAMES_LOCAL 32
#define WALK_FRAMES_MAX (1u << 24)

struct walk {
	struct reel_stack_iterator *host;
	struct reel_frame *frames; /* `local`, or on the heap */
	size_t count, capacity;
	bool ended; /* the host has no further frame, or none can be kept */
	struct reel_frame local[WALK_FRAMES_LOCAL];
};

struct walk_iterator {
	struct reel_stack_iterator base;
	struct walk *walk;
	size_t position; /* 0: before the first frame, i + 1: on frames[i] or after the end */
};

void walk_init(struct walk *walk, struct reel_stack_iterator *host);
void walk_deinit(struct walk *walk);

/* Starts an iterator before the first frame. Returns &iterator->base. */
struct reel_stack_iterator *walk_iterator_init(struct walk_iterator *iterator, struct walk *walk);

#endif
