/*
 * The stack of one stream as replay rebuilds it: open calls, the frames that they show, and copies
 * of their parameters.
 *
 * Frames lie bottom first, so that a call is a push and its end a pop. A call's frames are those
 * of functions without a listener between it and its caller, and then its own. What a listener is
 * shown begins at the top and ends at the `base` of the innermost call: where its stack was
 * detached from what was below, or where its top-level call began.
 */
#ifndef REEL_REPLAY_FRAMES_H
#define REEL_REPLAY_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include <reel/stack.h>

#include "event.h"
#include "functions.h"

struct open_call {
	uint32_t site, function, module; /* ids */
	uint32_t call_depth;             /* top-level calls that were open when it began */
	uint64_t ticks;                  /* of its before */
	size_t frame;                    /* its own frame in `frames` */
	size_t first_frame;              /* of all its frames */
	size_t base;                     /* bottom of what it shows */
	size_t first_word;               /* of its parameters in `words` */
};

struct frame_stack {
	struct reel_frame *frames;
	size_t frame_count, frame_capacity;
	struct open_call *calls;
	size_t call_count, call_capacity;
	uint64_t *words;
	size_t word_count, word_capacity;
	uint64_t serial; /* identities given so far */
};

/* A zeroed struct is an empty stack. */
void frame_stack_deinit(struct frame_stack *stack);

/* What is pushed: an event or an activation of a key frame, and what it refers to. */
struct pushed_call {
	uint32_t site_id, function, module, call_depth;
	uint64_t ticks;
	const struct site *site; /* never NULL */
	const uint64_t *params;  /* param_count words; fewer than the definition's are padded */
	uint32_t param_count;
};

/* Opens a call: sets its caller's pc, pushes its frames and copies its parameters. REEL_ENOMEM,
 * the stack as it was, or 0. */
int frame_stack_push(struct frame_stack *stack, const struct function_table *functions,
	const struct pushed_call *call);

/* Ends the innermost call, of which there must be one. */
static inline void frame_stack_pop(struct frame_stack *stack)
{
	const struct open_call *call = &stack->calls[--stack->call_count];

	stack->frame_count = call->first_frame;
	stack->word_count = call->first_word;
}

/* The innermost call; NULL when none is open. */
static inline struct open_call *frame_stack_top(struct frame_stack *stack)
{
	return stack->call_count ? &stack->calls[stack->call_count - 1] : NULL;
}

/* Walks frames from the top down. */
struct frames_iterator {
	struct reel_stack_iterator base;
	const struct reel_frame *top;
	size_t count;
	size_t position; /* 0: before the first frame, i + 1: on frame i, count + 1: after the end
			  */
};

extern const struct reel_stack_iterator_ops frames_iterator_ops;

/* An iterator over what the innermost call shows, at most `shown` frames of it (0: all). Valid
 * until the stack changes. */
static inline struct reel_stack_iterator *frames_iterator_init(
	struct frames_iterator *iterator, const struct frame_stack *stack, uint32_t shown)
{
	const struct open_call *call = &stack->calls[stack->call_count - 1];
	size_t count = call->frame - call->base + 1;

	iterator->base.ops = &frames_iterator_ops;
	iterator->top = &stack->frames[call->frame];
	iterator->count = shown && shown < count ? shown : count;
	iterator->position = 0;
	return &iterator->base;
}

#endif
