/*
 * Capture specifications at work: what a recorder reads at the calls of one function, and the
 * parameters that it keeps until a call has returned.
 */
#ifndef REEL_RECORDER_CAPTURE_PLAN_H
#define REEL_RECORDER_CAPTURE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reel/recorder.h>

#include "notes.h"

/* One read, resolved for a function: parameters by the index of their word. */
struct planned_read {
	enum reel_capture_kind kind;
	enum reel_capture_when when;
	uint32_t global;
	uint32_t pointer_word, length_word;       /* length_word: REEL_NO_PARAM */
	bool is_narrow_pointer, is_narrow_length; /* 32 bits of the word count */
	uint64_t unit_size, fixed_size;
};

/* A function's; immutable. */
struct capture_plan {
	uint32_t count;
	bool has_before, has_after;
	bool is_narrow_result; /* the first one */
	uint32_t param_words, result_words;
	struct planned_read reads[];
};

/* Makes the plan of a function; *plan is NULL when nothing is to be read. REEL_ENOMEM or 0. */
int capture_plan_create(const struct reel_recorder_options *options,
	const struct reel_function *function, struct capture_plan **plan);

/* Reads through a module what is to be read before. */
void capture_plan_read_before(
	const struct capture_plan *plan, struct reel_module *module, const uint64_t *params);

/* The same after a call with these parameters. */
void capture_plan_read_after(const struct capture_plan *plan, struct reel_module *module,
	const uint64_t *params, const uint64_t *results);

/* ---- parameters kept for afters ---- */

struct kept_params {
	uint32_t depth; /* open calls below it */
	uint32_t first_word;
};

/* Of the open calls of one stream that will be read from after. A zeroed struct is empty. */
struct param_stack {
	struct kept_params *kept;
	uint64_t *words;
	uint32_t count, capacity, word_count, words_capacity;
};

/* Forgets the calls that had `depth` or more open calls below them. */
void param_stack_cut(struct param_stack *stack, uint32_t depth);

/* Keeps a call's parameters; without memory, nothing. */
void param_stack_push(
	struct param_stack *stack, uint32_t depth, const uint64_t *params, uint32_t count);

/* Parameters of the call with `depth` open calls below it; NULL: not kept. */
const uint64_t *param_stack_find(const struct param_stack *stack, uint32_t depth);

void param_stack_deinit(struct param_stack *stack);

#endif
