/*
 * Frames, the stack iterator, and an iterator over an array of frames.
 *
 * One order everywhere: frame 0 is the top, the function being called; the last is the bottom. An
 * iterator stands before its first frame until reel_stack_next() was called once; after the end,
 * that keeps returning false. Asked elsewhere than on a frame, the other questions answer NULL or
 * 0. A frame whose function is not known (NULL) is legal. A host may show only a part of the stack.
 *
 * Lifetime: an iterator and the arrays that it lends are valid only during the callback that
 * received it. Threads:  an iterator belongs to the callback's thread.
 */
#ifndef REEL_STACK_H
#define REEL_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reel/function.h>

#ifdef __cplusplus
extern "C" {
#endif

struct reel_frame {
	const struct reel_function *function; /* NULL: not known */
	uint64_t pc; /* opaque; for a caller its call site. The key is (function, pc): a pc may
			repeat across functions */
	uint64_t source_offset; /* 0: not known */
	const uint64_t
		*params; /* words of the frame's own before, NULL when it was not listened to */
	const uint64_t *results; /* words, NULL until the frame has ended */
	uint64_t identity; /* tells activations of one function apart, constant while open; 0: the
			      host gives none */
};

struct reel_stack_iterator;

struct reel_stack_iterator_ops {
	bool (*next)(struct reel_stack_iterator *iterator);
	/* The frame that the iterator is on; NULL before the first and after the last. Valid until
	 * the next call of `next` or `rewind`. */
	const struct reel_frame *(*frame)(struct reel_stack_iterator *iterator);
	/* Goes back before the first frame. NULL when the host can show its stack only once. */
	void (*rewind)(struct reel_stack_iterator *iterator);
};

/* A host puts this first in a struct of its own. */
struct reel_stack_iterator {
	const struct reel_stack_iterator_ops *ops;
};

/* These accept a NULL iterator, which is an empty stack. */
static inline bool reel_stack_next(struct reel_stack_iterator *iterator)
{
	return iterator && iterator->ops->next(iterator);
}

static inline const struct reel_frame *reel_stack_frame(struct reel_stack_iterator *iterator)
{
	return iterator ? iterator->ops->frame(iterator) : NULL;
}

static inline const struct reel_function *reel_stack_function(struct reel_stack_iterator *iterator)
{
	const struct reel_frame *frame = reel_stack_frame(iterator);

	return frame ? frame->function : NULL;
}

static inline uint64_t reel_stack_pc(struct reel_stack_iterator *iterator)
{
	const struct reel_frame *frame = reel_stack_frame(iterator);

	return frame ? frame->pc : 0;
}

static inline uint64_t reel_stack_source_offset(struct reel_stack_iterator *iterator)
{
	const struct reel_frame *frame = reel_stack_frame(iterator);

	return frame ? frame->source_offset : 0;
}

static inline const uint64_t *reel_stack_params(struct reel_stack_iterator *iterator)
{
	const struct reel_frame *frame = reel_stack_frame(iterator);

	return frame ? frame->params : NULL;
}

/* The frame-array iterator: walks frames[0], the top, to frames[count - 1]. */
struct reel_frame_array_iterator {
	struct reel_stack_iterator base;
	const struct reel_frame *frames;
	size_t count;
	size_t position; /* 0: before the first frame, i + 1: on frames[i], count + 1: after the end
			  */
};

/* `frames` is borrowed as long as the iterator is used; it may be NULL when count is 0. Returns
 * &iterator->base. */
REEL_API struct reel_stack_iterator *reel_frame_array_iterator_init(
	struct reel_frame_array_iterator *iterator, const struct reel_frame *frames, size_t count);

#ifdef __cplusplus
}
#endif

#endif
