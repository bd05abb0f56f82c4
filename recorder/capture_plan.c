/*
 * Capture specifications at work; see capture_plan.h.
 */
#include "capture_plan.h"

#include <stdlib.h>
#include <string.h>

#include "filter.h"
#include "grow.h"

/* ---- plans ---- */

/* The word of parameter `index`; false when it is not an integer. */
static bool find_param(
	const struct reel_function *function, uint32_t index, uint32_t *word, bool *is_narrow)
{
	if (index >= function->param_count || !function->param_types) {
		return false;
	}
	*word = 0;
	for (uint32_t i = 0; i < index; i++) {
		*word += reel_value_words(function->param_types[i]);
	}
	*is_narrow = function->param_types[index] == REEL_I32;
	return *is_narrow || function->param_types[index] == REEL_I64;
}

static bool resolve(const struct reel_capture_spec *spec, const struct reel_function *function,
	struct planned_read *read)
{
	*read = (struct planned_read){
		.kind = spec->kind,
		.when = spec->when,
		.global = spec->global,
		.length_word = REEL_NO_PARAM,
		.unit_size = spec->unit_size ? spec->unit_size : 1,
		.fixed_size = spec->fixed_size,
	};
	if (spec->when == REEL_CAPTURE_AFTER_ZERO && function->result_count == 0) {
		return false;
	}
	if (spec->kind != REEL_CAPTURE_BYTES) {
		return true;
	}
	if (!find_param(
		    function, spec->pointer_param, &read->pointer_word, &read->is_narrow_pointer)) {
		return false;
	}
	return spec->length_param == REEL_NO_PARAM ||
	       find_param(
		       function, spec->length_param, &read->length_word, &read->is_narrow_length);
}

static void add_read(struct capture_plan *plan, const struct planned_read *read)
{
	plan->reads[plan->count++] = *read;
	plan->has_before |= read->when == REEL_CAPTURE_BEFORE;
	plan->has_after |= read->when != REEL_CAPTURE_BEFORE;
}

int capture_plan_create(const struct reel_recorder_options *options,
	const struct reel_function *function, struct capture_plan **plan)
{
	struct capture_plan *made;

	*plan = NULL;
	if (options->capture_count == 0) {
		return 0;
	}
	made = calloc(1, sizeof(*made) + options->capture_count * sizeof(*made->reads));
	if (!made) {
		return REEL_ENOMEM;
	}
	made->param_words = reel_function_param_words(function);
	made->result_words = reel_function_result_words(function);
	made->is_narrow_result = function->result_types && function->result_types[0] != REEL_I64;
	for (size_t i = 0; i < options->capture_count; i++) {
		const struct reel_capture_spec *spec = &options->captures[i];
		struct planned_read read;

		if (filter_matches(&spec->function, 1, function) &&
			resolve(spec, function, &read)) {
			add_read(made, &read);
		}
	}
	if (made->count == 0) {
		free(made);
		return 0;
	}
	*plan = made;
	return 0;
}

/* ---- reading ---- */

static uint64_t param_value(const uint64_t *params, uint32_t word, bool is_narrow)
{
	return is_narrow ? (uint32_t)params[word] : params[word];
}

/* The module notes what is read. A length that no memory can have is read as it is: out of range.
 */
static void read_bytes(
	const struct planned_read *read, struct reel_module *module, const uint64_t *params)
{
	uint64_t offset = param_value(params, read->pointer_word, read->is_narrow_pointer);
	uint64_t length = 0;
	const void *bytes;

	if (read->length_word != REEL_NO_PARAM &&
		__builtin_mul_overflow(
			param_value(params, read->length_word, read->is_narrow_length),
			read->unit_size, &length)) {
		length = UINT64_MAX;
	}
	if (__builtin_add_overflow(length, read->fixed_size, &length)) {
		length = UINT64_MAX;
	}
	reel_module_memory_read(module, offset, length, &bytes);
}

static void perform(
	const struct planned_read *read, struct reel_module *module, const uint64_t *params)
{
	uint64_t words[2];

	switch (read->kind) {
	case REEL_CAPTURE_MEMORY_SIZE:
		reel_module_memory_size(module, words);
		break;
	case REEL_CAPTURE_GLOBAL:
		reel_module_global_get(module, read->global, words);
		break;
	case REEL_CAPTURE_BYTES:
		if (params) {
			read_bytes(read, module, params);
		}
		break;
	}
}

void capture_plan_read_before(
	const struct capture_plan *plan, struct reel_module *module, const uint64_t *params)
{
	for (uint32_t i = 0; i < plan->count; i++) {
		if (plan->reads[i].when == REEL_CAPTURE_BEFORE) {
			perform(&plan->reads[i], module, params);
		}
	}
}

static bool is_first_zero(const struct capture_plan *plan, const uint64_t *results)
{
	return results && (plan->is_narrow_result ? (uint32_t)results[0] : results[0]) == 0;
}

void capture_plan_read_after(const struct capture_plan *plan, struct reel_module *module,
	const uint64_t *params, const uint64_t *results)
{
	for (uint32_t i = 0; i < plan->count; i++) {
		enum reel_capture_when when = plan->reads[i].when;

		if (when == REEL_CAPTURE_AFTER ||
			(when == REEL_CAPTURE_AFTER_ZERO && is_first_zero(plan, results))) {
			perform(&plan->reads[i], module, params);
		}
	}
}

/* ---- parameters kept for afters ---- */

void param_stack_cut(struct param_stack *stack, uint32_t depth)
{
	while (stack->count > 0 && stack->kept[stack->count - 1].depth >= depth) {
		stack->word_count = stack->kept[--stack->count].first_word;
	}
}

void param_stack_push(
	struct param_stack *stack, uint32_t depth, const uint64_t *params, uint32_t count)
{
	struct kept_params *kept =
		grow(stack->kept, &stack->capacity, (size_t)stack->count + 1, sizeof(*kept));
	uint64_t *words = grow(stack->words, &stack->words_capacity,
		(size_t)stack->word_count + count + 1, sizeof(*words));

	stack->kept = kept ? kept : stack->kept;
	stack->words = words ? words : stack->words;
	if (!kept || !words) {
		return;
	}
	kept[stack->count++] = (struct kept_params){depth, stack->word_count};
	if (count > 0 && params) {
		memcpy(words + stack->word_count, params, count * sizeof(*words));
	}
	stack->word_count += count;
}

const uint64_t *param_stack_find(const struct param_stack *stack, uint32_t depth)
{
	for (uint32_t i = stack->count; i > 0 && stack->kept[i - 1].depth >= depth; i--) {
		if (stack->kept[i - 1].depth == depth) {
			return stack->words + stack->kept[i - 1].first_word;
		}
	}
	return NULL;
}

void param_stack_deinit(struct param_stack *stack)
{
	free(stack->kept);
	free(stack->words);
	*stack = (struct param_stack){0};
}
