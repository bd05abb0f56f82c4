/*
 * The multi factory: several factories as one. Given borrowed factories; promises that each of
 * their listeners is called in order, with a stack of its own to walk, and that nothing is shared
 * between the callbacks of two streams: a multi listener never changes once it is made, and the
 * list of them only grows.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include <reel/listener.h>

#include "walk.h"

struct multi_listener {
	struct reel_listener base;
	struct multi_listener *next; /* made before this one */
	size_t count;
	struct reel_listener *listeners[];
};

struct multi_factory {
	struct reel_listener_factory base;
	_Atomic(struct multi_listener *) made; /* all listeners, to be freed */
	atomic_bool is_short;                  /* memory was: some listener was left out */
	size_t count;
	struct reel_listener_factory *factories[];
};

static void before_one(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *params,
	struct reel_stack_iterator *stack)
{
	if (listener->before) {
		listener->before(listener, context, module, function, params, stack);
	}
}

/* For a host that can show its stack only once. */
static void before_each_by_walk(const struct multi_listener *multi, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *params,
	struct reel_stack_iterator *stack)
{
	struct walk walk;

	walk_init(&walk, stack);
	for (size_t i = 0; i < multi->count; i++) {
		struct walk_iterator iterator;

		before_one(multi->listeners[i], context, module, function, params,
			walk_iterator_init(&iterator, &walk));
	}
	walk_deinit(&walk);
}

static void multi_before(struct reel_listener *base, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *params,
	struct reel_stack_iterator *stack)
{
	const struct multi_listener *multi = (const struct multi_listener *)base;

	if (stack && !stack->ops->rewind) {
		before_each_by_walk(multi, context, module, function, params, stack);
		return;
	}
	for (size_t i = 0; i < multi->count; i++) {
		if (stack && i > 0) {
			stack->ops->rewind(stack);
		}
		before_one(multi->listeners[i], context, module, function, params, stack);
	}
}

static void multi_after(struct reel_listener *base, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *results)
{
	const struct multi_listener *multi = (const struct multi_listener *)base;

	for (size_t i = 0; i < multi->count; i++) {
		struct reel_listener *listener = multi->listeners[i];

		if (listener->after) {
			listener->after(listener, context, module, function, results);
		}
	}
}

static void multi_abort(struct reel_listener *base, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function,
	const struct reel_abort *error)
{
	const struct multi_listener *multi = (const struct multi_listener *)base;

	for (size_t i = 0; i < multi->count; i++) {
		struct reel_listener *listener = multi->listeners[i];

		if (listener->abort) {
			listener->abort(listener, context, module, function, error);
		}
	}
}

/* Hosts may define functions on several threads at once, so the list is pushed to atomically. */
static void multi_keep(struct multi_factory *factory, struct multi_listener *listener)
{
	/* Relaxed: nobody follows the list until the factory is destroyed, which the caller orders
	 * after everything else. */
	listener->next = atomic_load_explicit(&factory->made, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&factory->made, &listener->next, listener,
		memory_order_relaxed, memory_order_relaxed)) {
	}
}

/* Callbacks that no listener has stay NULL, so that a host need not call for nothing. */
static void multi_add(struct multi_listener *multi, struct reel_listener *listener)
{
	multi->listeners[multi->count++] = listener;
	if (listener->before) {
		multi->base.before = multi_before;
	}
	if (listener->after) {
		multi->base.after = multi_after;
	}
	if (listener->abort) {
		multi->base.abort = multi_abort;
	}
}

static struct reel_listener *multi_listener_for(
	struct reel_listener_factory *base, const struct reel_function *function)
{
	struct multi_factory *factory = (struct multi_factory *)base;
	struct multi_listener *multi = NULL;
	struct reel_listener *only = NULL;

	for (size_t i = 0; i < factory->count; i++) {
		struct reel_listener_factory *child = factory->factories[i];
		struct reel_listener *listener = child->listener_for(child, function);

		if (!listener) {
			continue;
		}
		if (!only) {
			only = listener;
			continue;
		}
		if (!multi) {
			multi = calloc(
				1, sizeof(*multi) + factory->count * sizeof(*multi->listeners));
			if (!multi) {
				/* Relaxed: read by finish(), which the host orders after. */
				atomic_store_explicit(
					&factory->is_short, true, memory_order_relaxed);
				return only;
			}
			multi_add(multi, only);
		}
		multi_add(multi, listener);
	}
	if (!multi) {
		return only;
	}
	multi_keep(factory, multi);
	return &multi->base;
}

static int multi_begin(struct reel_listener_factory *base, const struct reel_host_info *info,
	struct reel_error *error)
{
	struct multi_factory *factory = (struct multi_factory *)base;

	for (size_t i = 0; i < factory->count; i++) {
		struct reel_listener_factory *child = factory->factories[i];
		int status = child->begin ? child->begin(child, info, error) : 0;

		if (status < 0) {
			return status;
		}
	}
	return 0;
}

/* Every factory gets its finish; the first failure is the one that is told. */
static int multi_finish(struct reel_listener_factory *base, struct reel_error *error)
{
	struct multi_factory *factory = (struct multi_factory *)base;
	int first = 0;

	if (atomic_load_explicit(&factory->is_short, memory_order_relaxed)) {
		first = reel_fail(error, REEL_ENOMEM, "out of memory: a listener was left out");
	}
	for (size_t i = 0; i < factory->count; i++) {
		struct reel_listener_factory *child = factory->factories[i];
		int status = child->finish ? child->finish(child, first ? NULL : error) : 0;

		if (status < 0 && first == 0) {
			first = status;
		}
	}
	return first;
}

static void multi_destroy(struct reel_listener_factory *base)
{
	struct multi_factory *factory = (struct multi_factory *)base;
	/* Relaxed: see multi_keep(). */
	struct multi_listener *listener =
		atomic_load_explicit(&factory->made, memory_order_relaxed);

	while (listener) {
		struct multi_listener *next = listener->next;

		free(listener);
		listener = next;
	}
	free(factory);
}

static void mark_function_defined(
	struct reel_listener_factory *base, const struct reel_function *function)
{
	struct multi_factory *factory = (struct multi_factory *)base;

	for (size_t i = 0; i < factory->count; i++) {
		struct reel_listener_factory *child = factory->factories[i];

		if (child->marks && child->marks->function_defined) {
			child->marks->function_defined(child, function);
		}
	}
}

static void mark_module_defined(
	struct reel_listener_factory *base, const struct reel_module *module)
{
	struct multi_factory *factory = (struct multi_factory *)base;

	for (size_t i = 0; i < factory->count; i++) {
		struct reel_listener_factory *child = factory->factories[i];

		if (child->marks && child->marks->module_defined) {
			child->marks->module_defined(child, module);
		}
	}
}

static void mark_stream_begin(struct reel_listener_factory *base, struct reel_context *context)
{
	struct multi_factory *factory = (struct multi_factory *)base;

	for (size_t i = 0; i < factory->count; i++) {
		struct reel_listener_factory *child = factory->factories[i];

		if (child->marks && child->marks->stream_begin) {
			child->marks->stream_begin(child, context);
		}
	}
}

static void mark_stream_end(struct reel_listener_factory *base, struct reel_context *context)
{
	struct multi_factory *factory = (struct multi_factory *)base;

	for (size_t i = 0; i < factory->count; i++) {
		struct reel_listener_factory *child = factory->factories[i];

		if (child->marks && child->marks->stream_end) {
			child->marks->stream_end(child, context);
		}
	}
}

static void mark_call_begin(
	struct reel_listener_factory *base, struct reel_context *context, const char *text)
{
	struct multi_factory *factory = (struct multi_factory *)base;

	for (size_t i = 0; i < factory->count; i++) {
		struct reel_listener_factory *child = factory->factories[i];

		if (child->marks && child->marks->call_begin) {
			child->marks->call_begin(child, context, text);
		}
	}
}

static void mark_call_end(
	struct reel_listener_factory *base, struct reel_context *context, const char *text)
{
	struct multi_factory *factory = (struct multi_factory *)base;

	for (size_t i = 0; i < factory->count; i++) {
		struct reel_listener_factory *child = factory->factories[i];

		if (child->marks && child->marks->call_end) {
			child->marks->call_end(child, context, text);
		}
	}
}

static void mark_gap(
	struct reel_listener_factory *base, struct reel_context *context, uint64_t lost)
{
	struct multi_factory *factory = (struct multi_factory *)base;

	for (size_t i = 0; i < factory->count; i++) {
		struct reel_listener_factory *child = factory->factories[i];

		if (child->marks && child->marks->gap) {
			child->marks->gap(child, context, lost);
		}
	}
}

static void mark_undelivered(struct reel_listener_factory *base, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *results,
	const struct reel_abort *error)
{
	struct multi_factory *factory = (struct multi_factory *)base;

	for (size_t i = 0; i < factory->count; i++) {
		struct reel_listener_factory *child = factory->factories[i];

		if (child->marks && child->marks->undelivered) {
			child->marks->undelivered(child, context, module, function, results, error);
		}
	}
}

static const struct reel_marks forwarders = {
	.function_defined = mark_function_defined,
	.module_defined = mark_module_defined,
	.stream_begin = mark_stream_begin,
	.stream_end = mark_stream_end,
	.call_begin = mark_call_begin,
	.call_end = mark_call_end,
	.gap = mark_gap,
	.undelivered = mark_undelivered,
};

struct reel_listener_factory *reel_multi_factory_create(
	struct reel_listener_factory *const *factories, size_t count)
{
	struct multi_factory *factory =
		calloc(1, sizeof(*factory) + count * sizeof(*factory->factories));

	if (!factory) {
		return NULL;
	}
	factory->base.begin = multi_begin;
	factory->base.listener_for = multi_listener_for;
	factory->base.finish = multi_finish;
	factory->base.destroy = multi_destroy;
	factory->count = count;
	for (size_t i = 0; i < count; i++) {
		factory->factories[i] = factories[i];
		if (factories[i]->marks) {
			factory->base.marks = &forwarders;
		}
	}
	return &factory->base;
}
