/*
 * The makers of the built-in listeners, for the table in builtins.c; see builtins.h for what they
 * are given and promise.
 */
#ifndef REEL_LISTENERS_BUILTINS_LIST_H
#define REEL_LISTENERS_BUILTINS_LIST_H

#include "builtins.h"

int flamegraph_create(const char *options_text, const char *default_output,
	struct reel_listener_factory **factory, struct reel_error *error);
int folded_create(const char *options_text, const char *default_output,
	struct reel_listener_factory **factory, struct reel_error *error);
int json_create(const char *options_text, const char *default_output,
	struct reel_listener_factory **factory, struct reel_error *error);
int log_create(const char *options_text, const char *default_output,
	struct reel_listener_factory **factory, struct reel_error *error);
int null_create(const char *options_text, const char *default_output,
	struct reel_listener_factory **factory, struct reel_error *error);
int stats_create(const char *options_text, const char *default_output,
	struct reel_listener_factory **factory, struct reel_error *error);

#endif
