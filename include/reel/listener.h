/*
 * Listeners, listener factories, marks, adapters and the multi factory.
 *
 * A host asks a factory once per function definition which listener it wants, if any, and calls
 * that listener around every call of the function. The promise to a listener: each before is
 * followed by exactly one after or abort, nested last-in-first-out on its stream, aborts innermost
 * first; so a listener may keep a stack of its own.
 *
 * Threads: callbacks of one stream never overlap; callbacks of different streams may run at the
 * same time when the factory's begin() was told `concurrent`. Nothing in Reel shares mutable state
 * between the callbacks of two streams. Lifetime: contexts last as long as their stream, functions
 * as long as their module or trace; params, results, errors, iterators and modules are lent for the
 * call alone.
 */
#ifndef REEL_LISTENER_H
#define REEL_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reel/context.h>
#include <reel/function.h>
#include <reel/module.h>
#include <reel/stack.h>

#ifdef __cplusplus
extern "C" {
#endif

enum reel_abort_kind {
	REEL_ABORT_ERROR = 0,     /* trap, host error or anything else that has a text */
	REEL_ABORT_EXIT = 1,      /* the program or module exited on purpose */
	REEL_ABORT_EXCEPTION = 2, /* an exception or longjmp passed through */
	REEL_ABORT_REPAIRED = 3,  /* Reel ended the call itself: the context's `repaired` says why,
				     the text is its name */
};

/* Why a call will never return. */
struct reel_abort {
	enum reel_abort_kind kind;
	const char *text; /* not NULL; `length` bytes and a NUL */
	size_t length;
	size_t full_length; /* of the host's text, more than `length` when it was cut */
};

/* A host puts this first in a struct of its own. Each callback may be NULL. */
struct reel_listener {
	/* Before the body runs. The stack's first frame is `function` itself. */
	void (*before)(struct reel_listener *listener, struct reel_context *context,
		struct reel_module *module, const struct reel_function *function,
		const uint64_t *params, struct reel_stack_iterator *stack);
	void (*after)(struct reel_listener *listener, struct reel_context *context,
		struct reel_module *module, const struct reel_function *function,
		const uint64_t *results);
	void (*abort)(struct reel_listener *listener, struct reel_context *context,
		struct reel_module *module, const struct reel_function *function,
		const struct reel_abort *error);
};

struct reel_listener_factory;

/*
 * Marks: what is in a stream and is no call. All optional. `text` is the host's own description, a
 * JSON object without the keys t, tid and ns, or empty.
 */
struct reel_marks {
	void (*function_defined)(
		struct reel_listener_factory *factory, const struct reel_function *function);
	void (*module_defined)(
		struct reel_listener_factory *factory, const struct reel_module *module);
	void (*stream_begin)(struct reel_listener_factory *factory, struct reel_context *context);
	void (*stream_end)(struct reel_listener_factory *factory, struct reel_context *context);
	void (*call_begin)(struct reel_listener_factory *factory, struct reel_context *context,
		const char *text);
	void (*call_end)(struct reel_listener_factory *factory, struct reel_context *context,
		const char *text);
	/* `lost` events of this stream are missing here. */
	void (*gap)(
		struct reel_listener_factory *factory, struct reel_context *context, uint64_t lost);
	/* An exit of a function that is not open. `error` is NULL for an after, `results` for an
	 * abort. */
	void (*undelivered)(struct reel_listener_factory *factory, struct reel_context *context,
		struct reel_module *module, const struct reel_function *function,
		const uint64_t *results, const struct reel_abort *error);
};

/* What a host tells a factory before it asks for the first listener. */
struct reel_host_info {
	size_t size;      /* sizeof(struct reel_host_info) */
	bool concurrent;  /* callbacks of different streams may run at the same time */
	bool replay;      /* the host is the replayer */
	bool stack_delta; /* reserved for hosts that show partial stacks: always false in replay */
	const char *metadata; /* what the recording host said of itself: a JSON object, or empty */
};

struct reel_listener_factory {
	/* Once, before any other callback. Optional. A negative status refuses the run. */
	int (*begin)(struct reel_listener_factory *factory, const struct reel_host_info *info,
		struct reel_error *error);
	/* Which listener for this function; NULL: none, it makes no events for this factory. Never
	 * called for one function twice. */
	struct reel_listener *(*listener_for)(
		struct reel_listener_factory *factory, const struct reel_function *function);
	/* Once, after the last callback: flush outputs. Optional. */
	int (*finish)(struct reel_listener_factory *factory, struct reel_error *error);
	/* Frees the factory and its listeners. Optional. */
	void (*destroy)(struct reel_listener_factory *factory);
	const struct reel_marks *marks; /* NULL: none wanted */
};

/* Calls factory->destroy() if there is one. NULL is accepted. */
REEL_API void reel_listener_factory_destroy(struct reel_listener_factory *factory);

/* ---- function adapters ---- */

typedef void (*reel_before_fn)(void *user, struct reel_context *context, struct reel_module *module,
	const struct reel_function *function, const uint64_t *params,
	struct reel_stack_iterator *stack);
typedef struct reel_listener *(*reel_factory_fn)(void *user, const struct reel_function *function);

/* A plain function as a listener: before only. */
struct reel_function_listener {
	struct reel_listener base;
	reel_before_fn before;
	void *user;
};

REEL_API struct reel_listener *reel_function_listener_init(
	struct reel_function_listener *listener, reel_before_fn before, void *user);

/* A plain function as a factory. */
struct reel_function_factory {
	struct reel_listener_factory base;
	reel_factory_fn listener_for;
	void *user;
};

REEL_API struct reel_listener_factory *reel_function_factory_init(
	struct reel_function_factory *factory, reel_factory_fn listener_for, void *user);

/* ---- multi factory ---- */

/*
 * Several factories as one. Every listener gets an iterator of its own that walks the whole stack
 * afresh. Listeners are called in the order of `factories`, which are borrowed: destroying the
 * multi factory leaves them alone. NULL when memory is short.
 */
REEL_API struct reel_listener_factory *reel_multi_factory_create(
	struct reel_listener_factory *const *factories, size_t count);

#ifdef __cplusplus
}
#endif

#endif
