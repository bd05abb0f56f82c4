/*
 * The built-in listener `null`: listens to everything and does nothing, which is what a replay
 * costs by itself. It writes nothing.
 */
#include <stdlib.h>

#include "builtins_list.h"
#include "options.h"

static struct reel_listener silent;

static struct reel_listener *listener_for(
	struct reel_listener_factory *factory, const struct reel_function *function)
{
	(void)factory;
	(void)function;
	return &silent;
}

static void destroy(struct reel_listener_factory *factory)
{
	free(factory);
}

int null_create(const char *options_text, const char *default_output,
	struct reel_listener_factory **factory, struct reel_error *error)
{
	struct options options;
	int status = options_parse(&options, options_text, error);

	(void)default_output;
	if (status < 0) {
		return status;
	}
	status = options_finish(&options, "null", error);
	options_deinit(&options);
	if (status < 0) {
		return status;
	}
	*factory = calloc(1, sizeof(**factory));
	if (!*factory) {
		return reel_fail(error, REEL_ENOMEM, "out of memory");
	}
	(*factory)->listener_for = listener_for;
	(*factory)->destroy = destroy;
	return 0;
}
