/*
 * The stack of one stream as replay rebuilds it: open calls, and copies of their parameters.
 *
 * A call is a push and its end a pop; the frames that a listener is shown are made when it walks
 * them, for few do. A call's frames are its own, on top, and then those of functions without a
 * listener between it and its caller, which its site lists. What is shown begins at the top and
 * ends at the `base` of the innermost call: where its stack was detached from what was below, or
 * where its top-level call began.
 */
#ifndef REEL_REPLAY_FRAMES_H
#define REEL_REPLAY_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include <reel/stack.h>

#include "event.h"
#include "functions.h"
#include "sites.h"

/* One cache line. Calls and words are counted in 32 bits: more would not fit into memory. */
struct open_call {
	const struct replay_function *function;
	uint64_t ticks;      /* of its before */
	uint64_t pc, offset; /* of its own frame: where the last call from it was made */
	uint64_t identity;
	uint32_t site, module; /* ids */
	uint32_t call_depth;   /* top-level calls that were open when it began */
	uint32_t base;         /* index of the bottom call that it shows */
	uint32_t first_word;   /* of its parameters in `words` */
	bool is_plain;         /* it has neither words nor a module: its after is plain too */
};

struct frame_stack {
	const struct site_table *sites;
	const struct function_table *functions;
	struct open_call *calls; /* bottom first */
	uint64_t *words;
	uint32_t call_count, call_capacity;
	uint32_t word_count, word_capacity;
	uint64_t serial; /* identities given so far */
};

/* An empty stack; the tables are borrowed. */
void frame_stack_init(struct frame_stack *stack, const struct site_table *sites,
	const struct function_table *functions);
void frame_stack_deinit(struct frame_stack *stack);

/* What is pushed: an event or an activation of a key frame. */
struct pushed_call {
	const struct replay_function *function;
	uint64_t ticks;
	uint32_t site, module, call_depth;
	uint64_t identity; /* frame_stack_push() gives both */
	uint32_t first_word;
};

/* Opens a call with these parameters, of which fewer than the definition's are padded. REEL_ENOMEM,
 * the stack as it was, or 0. */
int frame_stack_push(struct frame_stack *stack, const struct pushed_call *call,
	const uint64_t *params, uint32_t param_count);

/* Ends the innermost call, of which there must be one. */
static inline void frame_stack_pop(struct frame_stack *stack)
{
	stack->word_count = stack->calls[--stack->call_count].first_word;
}

/* The innermost call; NULL when none is open. */
static inline struct open_call *frame_stack_top(struct frame_stack *stack)
{
	return stack->call_count ? &stack->calls[stack->call_count - 1] : NULL;
}

/* The parameters of an open call. */
static inline const uint64_t *frame_stack_params(
	const struct frame_stack *stack, const struct open_call *call)
{
	return stack->words + call->first_word;
}

/* Walks frames from the top down. */
struct frames_iterator {
	struct reel_stack_iterator base;
	const struct frame_stack *stack;
	uint32_t shown; /* frames that there are to see at most */
	uint32_t given; /* frames so far */
	uint32_t call;  /* 1 + the index of the call whose frame is next */
	uint32_t below; /* which of its frames: 0 its own, 1 + i the i-th of its site */
	uint32_t open;  /* 1 + the index of the innermost open call not shown yet */
	bool is_on_frame;
	struct reel_frame frame; /* that it is on */
};

extern const struct reel_stack_iterator_ops frames_iterator_ops;

/* An iterator over what the innermost call shows, at most `shown` frames of it (0: all). Valid
 * until the stack changes. */
static inline struct reel_stack_iterator *frames_iterator_init(
	struct frames_iterator *iterator, const struct frame_stack *stack, uint32_t shown)
{
	iterator->base.ops = &frames_iterator_ops;
	iterator->stack = stack;
	iterator->shown = shown ? shown : UINT32_MAX;
	iterator->given = 0;
	iterator->call = stack->call_count;
	iterator->below = 0;
	iterator->is_on_frame = false;
	return &iterator->base;
}

#endif
