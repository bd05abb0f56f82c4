/*
 * What the built-in listeners share; see base.h. Given a path and a host's description, it
 * promises an output that is open and one place where failures are kept.
 */
#include "base.h"

#include <stdlib.h>
#include <string.h>

static int take_and_open(struct base *base, struct options *options, const char *default_output,
	int (*take)(struct base *base, struct options *options, const char *default_output,
		struct reel_error *error),
	struct reel_error *error)
{
	int status = take ? take(base, options, default_output, error) : 0;
	const char *path;

	if (status < 0 || base->has_own_output) {
		return status;
	}
	status = options_take_output(options, default_output, &path, error);
	return status < 0 ? status : text_open(&base->output, path, error);
}

int base_open(struct base *base, const char *name, const char *options_text,
	const char *default_output,
	int (*take)(struct base *base, struct options *options, const char *default_output,
		struct reel_error *error),
	struct reel_error *error)
{
	struct options options;
	int status = options_parse(&options, options_text, error);

	if (status < 0) {
		return status;
	}
	status = take_and_open(base, &options, default_output, take, error);
	if (status == 0) {
		status = options_finish(&options, name, error);
	}
	options_deinit(&options);
	if (status == 0 && pthread_mutex_init(&base->mutex, NULL) != 0) {
		status = reel_fail(error, REEL_ENOMEM, "out of memory");
	}
	if (status < 0) {
		text_deinit(&base->output);
	}
	return status;
}

void base_deinit(struct base *base)
{
	pthread_mutex_destroy(&base->mutex);
	text_deinit(&base->output);
}

int base_begin(struct reel_listener_factory *factory, const struct reel_host_info *info,
	struct reel_error *error)
{
	struct base *base = (struct base *)factory;

	(void)error;
	base->concurrent = info->concurrent;
	base->is_replay = info->replay;
	return 0;
}

int base_finish(struct base *base, struct reel_error *error)
{
	int status;

	if (base->status) {
		return reel_fail(error, base->status, "%s",
			base->status == REEL_ENOMEM ? "out of memory in a listener"
						    : reel_status_str(base->status));
	}
	status = base->has_own_output ? 0 : text_close(&base->output, error);
	base_fail(base, status);
	return status;
}

void *array_grow(void *array, size_t *capacity, size_t count, size_t size)
{
	size_t wanted = *capacity ? *capacity : 16;
	void *bigger;

	if (count <= *capacity) {
		return array;
	}
	while (wanted < count) {
		wanted *= 2;
	}
	bigger = reallocarray(array, wanted, size);
	if (bigger) {
		memset((char *)bigger + *capacity * size, 0, (wanted - *capacity) * size);
		*capacity = wanted;
	}
	return bigger;
}

static char *make_printable(char *text)
{
	for (char *at = text; at && *at; at++) {
		if ((unsigned char)*at < 0x20 || *at == 0x7f) {
			*at = '?';
		}
	}
	return text;
}

char *printable_copy(const char *text)
{
	return make_printable(strdup(text ? text : ""));
}

char *function_debug_name(const struct reel_function *function)
{
	size_t size;
	char *text;

	if (function->debug_name) {
		return strdup(function->debug_name);
	}
	size = reel_function_debug_name(function, NULL, 0) + 1;
	text = malloc(size);
	if (text) {
		reel_function_debug_name(function, text, size);
	}
	return text;
}

char *function_label(const struct reel_function *function)
{
	if (function->name && *function->name) {
		return printable_copy(function->name);
	}
	return make_printable(function_debug_name(function));
}
