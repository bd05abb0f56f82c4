/*
 * One stack for several walkers; see walk.h.
 */
#include <stdlib.h>
#include <string.h>

#include "walk.h"

void walk_init(struct walk *walk, struct reel_stack_iterator *host)
{
	walk->host = host;
	walk->frames = walk->local;
	walk->count = 0;
	walk->capacity = WALK_FRAMES_LOCAL;
	walk->ended = false;
}

void walk_deinit(struct walk *walk)
{
	if (walk->frames != walk->local) {
		free(walk->frames);
	}
}

static bool walk_grow(struct walk *walk)
{
	bool is_local = walk->frames == walk->local;
	size_t capacity = walk->capacity * 4;
	struct reel_frame *frames;

	if (walk->capacity >= WALK_FRAMES_MAX) {
		return false;
	}
	frames = realloc(is_local ? NULL : walk->frames, capacity * sizeof(*frames));
	if (!frames) {
		return false;
	}
	if (is_local) {
		memcpy(frames, walk->local, sizeof(walk->local));
	}
	walk->frames = frames;
	walk->capacity = capacity;
	return true;
}

/* Takes the host's next frame. False at the end. */
static bool walk_pull(struct walk *walk)
{
	const struct reel_frame *frame;

	if (walk->ended) {
		return false;
	}
	if (!reel_stack_next(walk->host) || (walk->count == walk->capacity && !walk_grow(walk))) {
		walk->ended = true;
		return false;
	}
	frame = reel_stack_frame(walk->host);
	walk->frames[walk->count++] = frame ? *frame : (struct reel_frame){0};
	return true;
}

static bool walk_next(struct reel_stack_iterator *base)
{
	struct walk_iterator *iterator = (struct walk_iterator *)base;
	struct walk *walk = iterator->walk;

	if (iterator->position > walk->count) {
		return false;
	}
	if (iterator->position == walk->count && !walk_pull(walk)) {
		iterator->position = walk->count + 1;
		return false;
	}
	iterator->position++;
	return true;
}

static const struct reel_frame *walk_frame(struct reel_stack_iterator *base)
{
	struct walk_iterator *iterator = (struct walk_iterator *)base;

	if (iterator->position == 0 || iterator->position > iterator->walk->count) {
		return NULL;
	}
	return &iterator->walk->frames[iterator->position - 1];
}

static void walk_rewind(struct reel_stack_iterator *base)
{
	((struct walk_iterator *)base)->position = 0;
}

static const struct reel_stack_iterator_ops walk_ops = {
	.next = walk_next,
	.frame = walk_frame,
	.rewind = walk_rewind,
};

struct reel_stack_iterator *walk_iterator_init(struct walk_iterator *iterator, struct walk *walk)
{
	iterator->base.ops = &walk_ops;
	iterator->walk = walk;
	iterator->position = 0;
	return &iterator->base;
}
