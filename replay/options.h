/*
 * Options of listeners, "key=value,key,key=value", and the file that a listener writes to.
 *
 * Use: options_parse(), take what is known, output_open() if there is output, options_finish() to
 * refuse what is left, options_deinit().
 */
#ifndef REEL_REPLAY_OPTIONS_H
#define REEL_REPLAY_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

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

/*
 * Where a listener writes. A file is written under a temporary name beside its own until
 * output_close(), so that a run that fails leaves nothing half-written; what is no regular file is
 * written to directly.
 */
struct output {
	FILE *file;
	char *path;      /* NULL: standard output */
	char *temporary; /* NULL: `file` is written directly */
};

/* Takes the option "file"; without it, `default_output`; when that is NULL too, or either is "-",
 * standard output. */
int output_open(struct output *output, struct options *options, const char *default_output,
	struct reel_error *error);

/* Flushes, and gives the file its name. Afterwards there is nothing left to abandon. */
int output_close(struct output *output, struct reel_error *error);

/* Gives up: removes the unfinished file. Does nothing after output_close(), or to a zeroed struct.
 */
void output_abandon(struct output *output);

#endif
