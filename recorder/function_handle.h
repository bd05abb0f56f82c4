/*
 * Functions of a recorder: what hosts get as handles.
 *
 * Threads: immutable once they were handed out.
 */
#ifndef REEL_RECORDER_FUNCTION_HANDLE_H
#define REEL_RECORDER_FUNCTION_HANDLE_H

#include <stdint.h>

#include <reel/listener.h>

struct capture_plan;
struct reel_recorder;

/* Hosts hold the address of its definition. */
struct function_handle {
	struct reel_function definition; /* first; is_listened: it makes events */
	uint32_t param_words, result_words;
	struct reel_recorder *recorder;
	struct function_handle *next;        /* all of the recorder */
	const struct reel_function *foreign; /* factory: the host's own; else NULL */
	struct reel_listener listener;       /* factory */
	struct capture_plan *plan;           /* factory: what to read; NULL: nothing */
};

static inline const struct function_handle *function_handle(const struct reel_function *function)
{
	return (const struct function_handle *)function;
}

/* A handle with a copy of the definition, to be freed with free(); NULL when memory is short. The
 * host's callback for source offsets is left out: stacks show offsets. */
struct function_handle *function_handle_create(const struct reel_function *definition);

#endif
