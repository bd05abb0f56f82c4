/*
 * Plain C functions as listeners and as factories, in memory that the caller provides.
 */
#include <string.h>

#include <reel/listener.h>

void reel_listener_factory_destroy(struct reel_listener_factory *factory)
{
	if (factory && factory->destroy) {
		factory->destroy(factory);
	}
}

static void call_before(struct reel_listener *base, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *params,
	struct reel_stack_iterator *stack)
{
	struct reel_function_listener *listener = (struct reel_function_listener *)base;

	listener->before(listener->user, context, module, function, params, stack);
}

struct reel_listener *reel_function_listener_init(
	struct reel_function_listener *listener, reel_before_fn before, void *user)
{
	memset(listener, 0, sizeof(*listener));
	listener->base.before = call_before;
	listener->before = before;
	listener->user = user;
	return &listener->base;
}

static struct reel_listener *call_listener_for(
	struct reel_listener_factory *base, const struct reel_function *function)
{
	struct reel_function_factory *factory = (struct reel_function_factory *)base;

	return factory->listener_for(factory->user, function);
}

struct reel_listener_factory *reel_function_factory_init(
	struct reel_function_factory *factory, reel_factory_fn listener_for, void *user)
{
	memset(factory, 0, sizeof(*factory));
	factory->base.listener_for = call_listener_for;
	factory->listener_for = listener_for;
	factory->user = user;
	return &factory->base;
}
