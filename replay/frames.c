/*
 * The stack of one stream; see frames.h.
 */
#include <stdlib.h>
#include <string.h>

#include "frames.h"

void frame_stack_deinit(struct frame_stack *stack)
{
	free(stack->frames);
	free(stack->calls);
	free(stack->words);
	*stack = (struct frame_stack){0};
}

/* The array with a greater capacity that holds `needed` items of `size` bytes; NULL, everything as
 * it was, when there is no memory. */
static void *grown(void *array, uint32_t *capacity, uint64_t needed, size_t size)
{
	const uint64_t twice = *capacity ? (uint64_t)*capacity * 2 : 64;
	const uint64_t wanted = twice > needed ? twice : needed;
	void *items = wanted > UINT32_MAX ? NULL : reallocarray(array, wanted, size);

	if (items) {
		*capacity = (uint32_t)wanted;
	}
	return items;
}

static int reserve_frames(struct frame_stack *stack, uint64_t needed)
{
	void *frames = grown(stack->frames, &stack->frame_capacity, needed, sizeof(*stack->frames));

	stack->frames = frames ? frames : stack->frames;
	return frames ? 0 : REEL_ENOMEM;
}

static int reserve_calls(struct frame_stack *stack, uint64_t needed)
{
	void *calls = grown(stack->calls, &stack->call_capacity, needed, sizeof(*stack->calls));

	stack->calls = calls ? calls : stack->calls;
	return calls ? 0 : REEL_ENOMEM;
}

/* Frames point to their parameters, so these move with them. */
static int reserve_words(struct frame_stack *stack, uint64_t needed)
{
	uint64_t *words = grown(stack->words, &stack->word_capacity, needed, sizeof(*stack->words));

	if (!words) {
		return REEL_ENOMEM;
	}
	stack->words = words;
	for (uint32_t i = 0; i < stack->call_count; i++) {
		const struct open_call *call = &stack->calls[i];

		stack->frames[call->frame].params = words + call->first_word;
	}
	return 0;
}

/* One word more than is used, so that a call without parameters has an address too. */
static int reserve(struct frame_stack *stack, uint64_t frames, uint64_t words)
{
	const uint64_t frames_needed = stack->frame_count + frames;
	const uint64_t words_needed = stack->word_count + words + 1;
	int status = 0;

	if (frames_needed > stack->frame_capacity) {
		status = reserve_frames(stack, frames_needed);
	}
	if (status == 0 && stack->call_count == stack->call_capacity) {
		status = reserve_calls(stack, (uint64_t)stack->call_count + 1);
	}
	if (status == 0 && words_needed > stack->word_capacity) {
		status = reserve_words(stack, words_needed);
	}
	return status;
}

/* Frames of functions without a listener, that the site lists from the top. */
static void push_frames_between(
	struct frame_stack *stack, const struct function_table *functions, const struct site *site)
{
	for (uint32_t i = site->frame_count; i-- > 0;) {
		const struct site_frame *frame = &site->frames[i];

		stack->frames[stack->frame_count++] = (struct reel_frame){
			.function = function_table_get(functions, frame->function)->definition,
			.pc = frame->pc,
			.source_offset = frame->offset,
		};
	}
}

/* Copies the parameters, padded to what a listener may read. */
static const uint64_t *push_words(
	struct frame_stack *stack, const struct pushed_call *call, uint32_t count)
{
	uint64_t *words = stack->words + stack->word_count;

	if (count > 0) {
		memset(words, 0, count * sizeof(*words));
		if (call->param_count > 0) {
			memcpy(words, call->params, call->param_count * sizeof(*words));
		}
		stack->word_count += count;
	}
	return words;
}

/* Whether the caller's frames are shown below the call's own; its pc is then the call site. */
static bool joins_caller(struct frame_stack *stack, const struct pushed_call *call)
{
	const struct open_call *caller = frame_stack_top(stack);

	return caller && !call->resolved->site->detached && caller->call_depth == call->call_depth;
}

static void set_caller_pc(struct frame_stack *stack, const struct site *site)
{
	struct reel_frame *frame = &stack->frames[frame_stack_top(stack)->frame];

	if (site->has_caller) {
		frame->pc = site->caller_pc;
		frame->source_offset = site->caller_offset;
	}
}

int frame_stack_push(struct frame_stack *stack, const struct function_table *functions,
	const struct pushed_call *call)
{
	const struct replay_function *function = function_table_get(functions, call->function);
	const struct site *site = call->resolved->site;
	const uint32_t words = call->param_count > function->param_words ? call->param_count
									 : function->param_words;
	struct open_call *open;
	int status = reserve(stack, (uint64_t)site->frame_count + 1, words);

	if (status < 0) {
		return status;
	}
	open = &stack->calls[stack->call_count];
	*open = (struct open_call){
		.site = call->site,
		.function = call->function,
		.module = call->module,
		.call_depth = call->call_depth,
		.ticks = call->ticks,
		.frame = stack->frame_count + site->frame_count,
		.first_frame = stack->frame_count,
		.base = stack->frame_count,
		.first_word = stack->word_count,
	};
	if (joins_caller(stack, call)) {
		set_caller_pc(stack, site);
		open->base = frame_stack_top(stack)->base;
	}
	push_frames_between(stack, functions, site);
	stack->frames[stack->frame_count++] = (struct reel_frame){
		.function = function->definition,
		.pc = site->pc,
		.source_offset = site->offset,
		.params = push_words(stack, call, words),
		.identity = ++stack->serial,
	};
	stack->call_count++;
	return 0;
}

static bool iterator_next(struct reel_stack_iterator *base)
{
	struct frames_iterator *iterator = (struct frames_iterator *)base;

	if (iterator->position <= iterator->count) {
		iterator->position++;
	}
	return iterator->position <= iterator->count;
}

static const struct reel_frame *iterator_frame(struct reel_stack_iterator *base)
{
	struct frames_iterator *iterator = (struct frames_iterator *)base;

	if (iterator->position == 0 || iterator->position > iterator->count) {
		return NULL;
	}
	return iterator->top - (iterator->position - 1);
}

static void iterator_rewind(struct reel_stack_iterator *base)
{
	((struct frames_iterator *)base)->position = 0;
}

const struct reel_stack_iterator_ops frames_iterator_ops = {
	.next = iterator_next,
	.frame = iterator_frame,
	.rewind = iterator_rewind,
};
