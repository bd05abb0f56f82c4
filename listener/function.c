/*
 * Questions about function definitions that any definition answers, whatever its host left out.
 */
#include <inttypes.h>
#include <stdio.h>

#include <reel/function.h>

static uint32_t count_words(const uint8_t *types, uint32_t count)
{
	uint32_t words = 0;

	if (!types) {
		return 0;
	}
	for (uint32_t i = 0; i < count; i++) {
		words += reel_value_words(types[i]);
	}
	return words;
}

uint32_t reel_function_param_words(const struct reel_function *function)
{
	return count_words(function->param_types, function->param_count);
}

uint32_t reel_function_result_words(const struct reel_function *function)
{
	return count_words(function->result_types, function->result_count);
}

uint64_t reel_function_source_offset(const struct reel_function *function, uint64_t pc)
{
	if (!function || !function->source_offset_for_pc) {
		return 0;
	}
	return function->source_offset_for_pc(function, pc);
}

size_t reel_function_debug_name(const struct reel_function *function, char *text, size_t size)
{
	const char *module = function->module_name;
	const char *dot = module ? "." : "";

	module = module ? module : "";
	if (function->debug_name) {
		return (size_t)snprintf(text, size, "%s", function->debug_name);
	}
	if (function->name && *function->name) {
		return (size_t)snprintf(text, size, "%s%s%s", module, dot, function->name);
	}
	if (function->index == REEL_NO_INDEX) {
		return (size_t)snprintf(text, size, "%s%s$?", module, dot);
	}
	return (size_t)snprintf(text, size, "%s%s$%" PRIu32, module, dot, function->index);
}
