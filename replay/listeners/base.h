/*
 * What the built-in listeners share: a factory with an output, a lock that is taken only when the
 * host is concurrent, a first failure that finish() reports, and small helpers.
 *
 * Threads: callbacks of a concurrent host hold the lock for their whole length, so a built-in
 * listener's state needs no other care.
 */
#ifndef REEL_LISTENERS_BASE_H
#define REEL_LISTENERS_BASE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reel/listener.h>

#include "options.h"
#include "text.h"

struct base {
	struct reel_listener_factory factory; /* first */
	struct text_output output;
	pthread_mutex_t mutex;
	bool concurrent;
	bool is_replay;
	bool has_own_output; /* set by base_open()'s `take`: `output` is not opened */
	int status; /* the first failure in a callback, a negative enum reel_status, or 0 */
};

/*
 * Parses the options of listener `name`, lets `take` (may be NULL) have those that it knows, opens
 * the output unless base->has_own_output says otherwise, and refuses what nobody knows. On failure
 * nothing is left to be freed but the struct itself, and what `take` made.
 */
int base_open(struct base *base, const char *name, const char *options_text,
	const char *default_output,
	int (*take)(struct base *base, struct options *options, const char *default_output,
		struct reel_error *error),
	struct reel_error *error);
void base_deinit(struct base *base);

/* The begin() of a factory: remembers what the host is. */
int base_begin(struct reel_listener_factory *factory, const struct reel_host_info *info,
	struct reel_error *error);

/* The end of a factory's finish(): reports the first failure of a callback or of the output. */
int base_finish(struct base *base, struct reel_error *error);

static inline void base_lock(struct base *base)
{
	if (__builtin_expect(base->concurrent, 0)) {
		pthread_mutex_lock(&base->mutex);
	}
}

static inline void base_unlock(struct base *base)
{
	if (__builtin_expect(base->concurrent, 0)) {
		pthread_mutex_unlock(&base->mutex);
	}
}

/* Remembers a failure of a callback, which cannot return one. */
static inline void base_fail(struct base *base, int status)
{
	if (!base->status) {
		base->status = status;
	}
}

/*
 * Makes an array hold at least `count` items of `size` bytes, growing by doubling; new ones are
 * zeroed. Returns the array, or NULL when memory is short and the old one stays.
 */
void *array_grow(void *array, size_t *capacity, size_t count, size_t size);

/* A function's name for people: its name, or its debug name when it has none; control characters
 * become '?'. malloc'd; NULL when memory is short. */
char *function_label(const struct reel_function *function);

/* The debug name as a malloc'd string. NULL when memory is short. */
char *function_debug_name(const struct reel_function *function);

/* A copy of a text in which control characters are '?'. NULL is copied as "". */
char *printable_copy(const char *text);

#endif
