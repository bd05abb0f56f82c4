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
#include "sites.h"

/* Frames and words are counted in 32 bits: more of them would not fit into memory. */
struct open_call {
	uint32_t site, function, module; /* ids */
	uint32_t call_depth;             /* top-level calls that were open when it began */
	uint64_t ticks;                  /* of its before */
	uint32_t frame;                  /* its own frame in `frames` */
	uint32_t first_frame;            /* of all its frames */
	uint32_t base;                   /* bottom of what it shows */
	uint32_t first_word;             /* of its parameters in `words` */
};

struct frame_stack {
	struct reel_frame *frames;
	struct open_call *calls;
	uint64_t *words;
	uint32_t frame_count, frame_capacity;
	uint32_t call_count, call_capacity;
	uint32_t word_count, word_capacity;
	uint64_t serial; /* identities given so far */
};

/* A zeroed struct is an empty stack. */
void frame_stack_deinit(struct frame_stack *stack);

/* What is pushed: an event or an activation of a key frame, and what it refers to. */
struct pushed_call {
	uint32_t site, function, module, call_depth; /* ids */
	uint64_t ticks;
	const struct replay_site *resolved; /* what `site` is */
	const uint64_t *params; /* param_count words; fewer than the definition's are padded */
	uint32_t param_count;
};

/* Opens a call: sets its caller's pc, pushes its frames and copies its parameters. REEL_ENOMEM,
 * the stack as it was, or 0. */
int frame_stack_push(struct frame_stack *stack, const struct function_table *functions,
	const struct pushed_call *call);

/* Whether frame_stack_push_plain() has room. */
static inline bool frame_stack_has_room(const struct frame_stack *stack)
{
	return stack->frame_count < stack->frame_capacity &&
	       stack->call_count < stack->call_capacity;
}

/* The same as frame_stack_push() for a plain site. There is room. */
static inline void frame_stack_push_plain(struct frame_stack *stack, const struct pushed_call *call)
{
	const struct site *site = call->resolved->site;
	struct open_call *open = &stack->calls[stack->call_count];
	struct reel_frame *frame = &stack->frames[stack->frame_count];
	uint32_t base = stack->frame_count;

	if (stack->call_count > 0 && open[-1].call_depth == call->call_depth) {
		struct reel_frame *caller = &stack->frames[open[-1].frame];

		base = open[-1].base;
		if (site->has_caller) {
			caller->pc = site->caller_pc;
			caller->source_offset = site->caller_offset;
		}
	}
	*open = (struct open_call){
		.site = call->site,
		.function = call->function,
		.module = call->module,
		.call_depth = call->call_depth,
		.ticks = call->ticks,
		.frame = stack->frame_count,
		.first_frame = stack->frame_count,
		.base = base,
		.first_word = stack->word_count,
	};
	*frame = (struct reel_frame){
		.function = call->resolved->function->definition,
		.pc = site->pc,
		.source_offset = site->offset,
		.params = stack->words + stack->word_count,
		.identity = ++stack->serial,
	};
	stack->frame_count++;
	stack->call_count++;
}

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
	const size_t count = (size_t)call->frame - call->base + 1;

	iterator->base.ops = &frames_iterator_ops;
	iterator->top = &stack->frames[call->frame];
	iterator->count = shown && shown < count ? shown : count;
	iterator->position = 0;
	return &iterator->base;
}

#endif
