/*
 * The functions of one replay; see functions.h.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "functions.h"

int function_table_init(struct function_table *table, const struct reel_trace *trace)
{
	uint32_t count = reel_trace_function_count(trace);

	table->count = count;
	table->functions = calloc((size_t)count + 1, sizeof(*table->functions));
	if (!table->functions) {
		return REEL_ENOMEM;
	}
	for (uint32_t id = 0; id < count; id++) {
		struct replay_function *function = &table->functions[id];

		function->definition = reel_trace_function(trace, id);
		if (function->definition) {
			function->param_words = reel_function_param_words(function->definition);
			function->result_words = reel_function_result_words(function->definition);
			function->is_wordless =
				function->param_words == 0 && function->result_words == 0;
		}
	}
	return 0;
}

void function_table_deinit(struct function_table *table)
{
	free(table->functions);
	free(table->left_out);
	*table = (struct function_table){0};
}

/* "module:name" in memory of its own; NULL when the function has no module or memory is short. */
static char *qualified_name(const struct reel_function *function)
{
	size_t size;
	char *text;

	if (!function->module_name || !function->name) {
		return NULL;
	}
	size = strlen(function->module_name) + strlen(function->name) + 2;
	text = malloc(size);
	if (text) {
		snprintf(text, size, "%s:%s", function->module_name, function->name);
	}
	return text;
}

/* The debug name in memory of its own; NULL when memory is short. */
static char *debug_name(const struct reel_function *function)
{
	size_t size = reel_function_debug_name(function, NULL, 0) + 1;
	char *text = malloc(size);

	if (text) {
		reel_function_debug_name(function, text, size);
	}
	return text;
}

static bool matches(const char *glob, const char *name)
{
	return name && fnmatch(glob, name, 0) == 0;
}

static bool matches_any(
	const struct reel_function *function, const char *const *globs, size_t glob_count)
{
	char *qualified, *debug;
	bool found = false;

	qualified = qualified_name(function);
	debug = debug_name(function);
	for (size_t i = 0; i < glob_count && !found; i++) {
		found = matches(globs[i], function->name) || matches(globs[i], qualified) ||
			matches(globs[i], debug);
	}
	free(qualified);
	free(debug);
	return found;
}

/* Gives the functions that match none of the globs a definition that says so. */
static int leave_out(struct function_table *table, const char *const *globs, size_t glob_count)
{
	table->left_out = calloc((size_t)table->count + 1, sizeof(*table->left_out));
	if (!table->left_out) {
		return REEL_ENOMEM;
	}
	for (uint32_t id = 0; id < table->count; id++) {
		struct replay_function *function = &table->functions[id];
		const struct reel_function *definition = function->definition;

		if (definition && definition->is_listened &&
			!matches_any(definition, globs, glob_count)) {
			table->left_out[id] = *definition;
			table->left_out[id].is_listened = false;
			function->definition = &table->left_out[id];
			function->is_left_out = true;
		}
	}
	return 0;
}

int function_table_choose(struct function_table *table, struct reel_listener_factory *factory,
	const char *const *globs, size_t glob_count)
{
	const struct reel_marks *marks = factory->marks;
	int status = glob_count > 0 ? leave_out(table, globs, glob_count) : 0;

	for (uint32_t id = 0; id < table->count && status == 0; id++) {
		struct replay_function *function = &table->functions[id];
		const struct reel_function *definition = function->definition;

		if (!definition) {
			continue;
		}
		if (marks && marks->function_defined) {
			marks->function_defined(factory, definition);
		}
		if (definition->is_listened) {
			function->listener = factory->listener_for(factory, definition);
		}
	}
	return status;
}
