/*
 * Listeners by name: given "NAME[:OPTIONS]" or "PATH.so[:OPTIONS]", finds the built-in listener or
 * loads the plug-in.
 */
#include <stdlib.h>
#include <string.h>

#include <reel/replay.h>

#include "builtins.h"
#include "plugin.h"

static size_t builtin_count(void)
{
	size_t count = 0;

	while (builtin_listeners[count].name) {
		count++;
	}
	return count;
}

const char *reel_listener_name(size_t index, const char **description)
{
	if (index >= builtin_count()) {
		return NULL;
	}
	if (description) {
		*description = builtin_listeners[index].description;
	}
	return builtin_listeners[index].name;
}

static const struct builtin_listener *find_builtin(const char *name)
{
	for (const struct builtin_listener *listener = builtin_listeners; listener->name;
		listener++) {
		if (strcmp(listener->name, name) == 0) {
			return listener;
		}
	}
	return NULL;
}

static bool ends_in_so(const char *name)
{
	size_t length = strlen(name);

	return length > 3 && strcmp(name + length - 3, ".so") == 0;
}

/* The colon before the options, NULL for none. A path may hold colons itself: there it is the one
 * behind ".so". */
static const char *find_colon(const char *spec)
{
	const char *colon = strchr(spec, ':');
	const char *slash = strchr(spec, '/');
	const char *dot_so = strstr(spec, ".so:");

	if (!colon || !slash || slash > colon) {
		return colon;
	}
	if (dot_so) {
		return dot_so + 3;
	}
	return ends_in_so(spec) ? NULL : colon;
}

static int create_by_name(const char *name, const char *options, const char *default_output,
	struct reel_listener_factory **factory, struct reel_error *error)
{
	const struct builtin_listener *listener;

	if (strchr(name, '/') || ends_in_so(name)) {
		return plugin_load(name, options, factory, error);
	}
	listener = find_builtin(name);
	if (!listener) {
		return reel_fail(error, REEL_ENOENT, "there is no listener '%s'", name);
	}
	return listener->create(options, default_output, factory, error);
}

int reel_listener_create(const char *spec, const char *default_output,
	struct reel_listener_factory **factory, struct reel_error *error)
{
	const char *colon = find_colon(spec);
	char *name = strndup(spec, colon ? (size_t)(colon - spec) : strlen(spec));
	int status;

	*factory = NULL;
	if (!name) {
		return reel_fail(error, REEL_ENOMEM, "out of memory");
	}
	status = create_by_name(name, colon ? colon + 1 : "", default_output, factory, error);
	free(name);
	return status;
}
