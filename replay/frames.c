/*
 * The stack of one stream; see frames.h.
 */
#include <stdlib.h>
#include <string.h>

#include "frames.h"

void frame_stack_init(struct frame_stack *stack, const struct site_table *sites,
	const struct function_table *functions)
{
	*stack = (struct frame_stack){.sites = sites, .functions = functions};
}

void frame_stack_deinit(struct frame_stack *stack)
{
	free(stack->calls);
	free(stack->words);
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

/* Room for a call with `words`, and a word more, so that a call without parameters has an address
 * too. */
static int reserve(struct frame_stack *stack, uint64_t words)
{
	const uint64_t calls_needed = (uint64_t)stack->call_count + 1;
	const uint64_t words_needed = stack->word_count + words + 1;

	if (calls_needed > stack->call_capacity) {
		struct open_call *calls =
			grown(stack->calls, &stack->call_capacity, calls_needed, sizeof(*calls));

		if (!calls) {
			return REEL_ENOMEM;
		}
		stack->calls = calls;
	}
	if (words_needed > stack->word_capacity) {
		uint64_t *grown_words = grown(
			stack->words, &stack->word_capacity, words_needed, sizeof(*grown_words));

		if (!grown_words) {
			return REEL_ENOMEM;
		}
		stack->words = grown_words;
	}
	return 0;
}

/* Copies parameters, padded to `count` words, which is what a listener may read. */
static void push_words(
	struct frame_stack *stack, const uint64_t *params, uint32_t param_count, uint32_t count)
{
	uint64_t *words = stack->words + stack->word_count;

	memset(words, 0, count * sizeof(*words));
	if (param_count > 0) {
		memcpy(words, params, param_count * sizeof(*words));
	}
	stack->word_count += count;
}

/* What joins its caller's frames shows them, and where in the caller it was called. Returns the
 * bottom of what it shows. */
static uint32_t join_caller(struct frame_stack *stack, const struct site *site, uint32_t call_depth)
{
	struct open_call *caller = frame_stack_top(stack);

	if (!caller || site->detached || caller->call_depth != call_depth) {
		return stack->call_count;
	}
	if (site->has_caller) {
		caller->pc = site->caller_pc;
		caller->offset = site->caller_offset;
	}
	return caller->base;
}

int frame_stack_push(struct frame_stack *stack, const struct pushed_call *call,
	const uint64_t *params, uint32_t param_count)
{
	const struct site *site = site_table_get(stack->sites, call->site)->site;
	const uint32_t least = call->function->param_words;
	const uint32_t words = param_count > least ? param_count : least;
	int status = reserve(stack, words);

	if (status < 0) {
		return status;
	}
	stack->calls[stack->call_count] = (struct open_call){
		.function = call->function,
		.ticks = call->ticks,
		.pc = site->pc,
		.offset = site->offset,
		.identity = ++stack->serial,
		.site = call->site,
		.module = call->module,
		.call_depth = call->call_depth,
		.base = join_caller(stack, site, call->call_depth),
		.first_word = stack->word_count,
		.is_plain = call->module == NO_ID && words == 0 && call->function->is_wordless,
	};
	stack->call_count++;
	push_words(stack, params, param_count, words);
	return 0;
}

/* ---- the iterator ---- */

static struct reel_frame own_frame(const struct frame_stack *stack, const struct open_call *call)
{
	return (struct reel_frame){
		.function = call->function->definition,
		.pc = call->pc,
		.source_offset = call->offset,
		.params = frame_stack_params(stack, call),
		.identity = call->identity,
	};
}

/*
 * A frame that the site lists. In a detached one these may be frames of calls that are open, which
 * come innermost first.
 */
static struct reel_frame frame_below(struct frames_iterator *iterator, const struct open_call *call,
	const struct site *site, const struct site_frame *frame)
{
	const struct frame_stack *stack = iterator->stack;
	const struct replay_function *function =
		function_table_get(stack->functions, frame->function);
	const struct open_call *open =
		site->detached && iterator->open > 0 ? &stack->calls[iterator->open - 1] : NULL;
	struct reel_frame shown = {
		.function = function->definition,
		.pc = frame->pc,
		.source_offset = frame->offset,
	};

	if (open && open->function == function && open->call_depth == call->call_depth) {
		shown.params = frame_stack_params(stack, open);
		shown.identity = open->identity;
		iterator->open--;
	}
	return shown;
}

static bool iterator_next(struct reel_stack_iterator *base)
{
	struct frames_iterator *iterator = (struct frames_iterator *)base;
	const struct frame_stack *stack = iterator->stack;
	const struct open_call *top = &stack->calls[stack->call_count - 1];

	iterator->is_on_frame = iterator->given < iterator->shown && iterator->call > top->base;
	if (iterator->is_on_frame) {
		const struct open_call *call = &stack->calls[iterator->call - 1];
		const struct site *site = site_table_get(stack->sites, call->site)->site;

		if (iterator->below == 0) {
			iterator->frame = own_frame(stack, call);
			if (iterator->given == 0) {
				/* The function being called is at its start, also when a range
				 * begins it again after calls from it. */
				iterator->frame.pc = site->pc;
				iterator->frame.source_offset = site->offset;
			}
			iterator->open = iterator->call - 1;
		} else {
			iterator->frame = frame_below(
				iterator, call, site, &site->frames[iterator->below - 1]);
		}
		iterator->given++;
		if (iterator->below++ == site->frame_count) {
			iterator->call--;
			iterator->below = 0;
		}
	}
	return iterator->is_on_frame;
}

static const struct reel_frame *iterator_frame(struct reel_stack_iterator *base)
{
	struct frames_iterator *iterator = (struct frames_iterator *)base;

	return iterator->is_on_frame ? &iterator->frame : NULL;
}

static void iterator_rewind(struct reel_stack_iterator *base)
{
	struct frames_iterator *iterator = (struct frames_iterator *)base;

	iterator->given = 0;
	iterator->call = iterator->stack->call_count;
	iterator->below = 0;
	iterator->is_on_frame = false;
}

const struct reel_stack_iterator_ops frames_iterator_ops = {
	.next = iterator_next,
	.frame = iterator_frame,
	.rewind = iterator_rewind,
};
