/*
 * What the listener `log` shows of a function, and which group it belongs to. Given any
 * definition; promises the choices of wazero's logging listener: each value with its parameter's
 * name where there is one, and special forms for WASI functions alone.
 */
#include <stdlib.h>
#include <string.h>

#include "log.h"

static uint32_t add_values(
	struct log_field *fields, const uint8_t *types, const char *const *names, uint32_t count)
{
	uint32_t word = 0;

	for (uint32_t i = 0; i < count; i++) {
		fields[i] = (struct log_field){
			.type = types[i], .word = word, .name = names ? names[i] : NULL};
		word += reel_value_words(types[i]);
	}
	return count;
}

static bool is_wasi(const struct reel_function *function)
{
	return function->module_name && strcmp(function->module_name, WASI_MODULE) == 0 &&
	       function->name && strcmp(function->name, "proc_exit") != 0;
}

int log_format_init(struct log_format *format, const struct reel_function *function)
{
	/* A WASI function shows parameters among its results, and an errno. */
	const size_t room = (size_t)function->param_count + (size_t)function->result_count + 2;

	*format = (struct log_format){0};
	format->params = calloc(room, sizeof(*format->params));
	format->results = calloc(room, sizeof(*format->results));
	if (!format->params || !format->results) {
		log_format_deinit(format);
		return REEL_ENOMEM;
	}
	if (is_wasi(function)) {
		log_wasi_format(format, function);
		return 0;
	}
	format->param_count = add_values(format->params, function->param_types,
		function->param_names, function->param_count);
	format->result_count = add_values(format->results, function->result_types,
		function->result_names, function->result_count);
	return 0;
}

void log_format_deinit(struct log_format *format)
{
	free(format->params);
	free(format->results);
	*format = (struct log_format){0};
}

/* Host functions of several toolchains share the module name "env". */
static bool env_is_in_scope(const struct reel_function *function, uint32_t scopes)
{
	const char *export_name = function->export_count > 0 ? function->export_names[0] : "";

	if (function->name && strcmp(function->name, "emscripten_notify_memory_growth") == 0) {
		return (scopes & LOG_SCOPE_MEMORY) != 0;
	}
	if (strcmp(export_name, "abort") == 0) {
		return (scopes & LOG_SCOPE_PROC) != 0;
	}
	if (strcmp(export_name, "seed") == 0) {
		return (scopes & LOG_SCOPE_RANDOM) != 0;
	}
	return scopes == LOG_SCOPE_ALL;
}

bool log_is_in_scope(const struct reel_function *function, uint32_t scopes)
{
	const char *module = function->module_name ? function->module_name : "";

	if (strcmp(module, WASI_MODULE) == 0) {
		return log_wasi_is_in_scope(function->name ? function->name : "", scopes);
	}
	if (strcmp(module, "env") == 0) {
		return env_is_in_scope(function, scopes);
	}
	/* Other modules have no groups. */
	return scopes == LOG_SCOPE_ALL;
}
