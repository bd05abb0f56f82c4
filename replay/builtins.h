/*
 * The table of built-in listeners, which listeners/builtins.c fills and reel_listener_create()
 * searches.
 */
#ifndef REEL_REPLAY_BUILTINS_H
#define REEL_REPLAY_BUILTINS_H

#include <reel/listener.h>

struct builtin_listener {
	const char *name;
	const char *description; /* one line */
	/*
	 * Makes a factory. `options` is what stood behind the colon, or ""; `default_output` the
	 * file to write to when the options name none, NULL being standard output. See options.h.
	 */
	int (*create)(const char *options, const char *default_output,
		struct reel_listener_factory **factory, struct reel_error *error);
};

/* Ends with an entry whose name is NULL. */
extern const struct builtin_listener builtin_listeners[];

#endif
