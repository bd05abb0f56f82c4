/*
 * Options of listeners, "key=value,key,key=value".
 *
 * Use: options_parse(), take what is known, options_finish() to refuse what is left,
 * options_deinit(). listeners/output.h writes to the path that options_take_output() gives.
 */
#ifndef REEL_REPLAY_OPTIONS_H
#define REEL_REPLAY_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reel/status.h>

struct option {
	const char *key;
	const char *value; /* "" for a key alone */
	bool is_taken;
};

struct options {
	char *text;
	struct option *items;
	size_t count;
};

/* `text` is copied; NULL counts as "". An empty key or a key that comes twice is refused. */
int options_parse(struct options *options, const char *text, struct reel_error *error);
void options_deinit(struct options *options);

/* The value of `key` ("" when it stands alone), or NULL when it is not there. Valid until
 * options_deinit(). */
const char *options_take(struct options *options, const char *key);

/* Whether `key` is there, which must have no value or one of yes, no, true, false, 1, 0. */
int options_take_flag(
	struct options *options, const char *key, bool *value, struct reel_error *error);

/* A decimal number between `min` and `max`; *value stays when the key is not there. */
int options_take_number(struct options *options, const char *key, uint64_t min, uint64_t max,
	uint64_t *value, struct reel_error *error);

/* REEL_EINVAL, naming the first option that nobody took; `listener` says whose they were. */
int options_finish(const struct options *options, const char *listener, struct reel_error *error);

/* The path that a listener writes to: the option "file", or else `default_output`; NULL, also for
 * "-", is standard output. REEL_EINVAL for an empty one. */
int options_take_output(struct options *options, const char *default_output, const char **path,
	struct reel_error *error);

#endif
