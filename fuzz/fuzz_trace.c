/*
 * Any bytes as a trace: opened, described, verified and replayed into a listener that walks every
 * stack.
 */
#include <reel/replay.h>
#include <reel/trace.h>

#include "fuzz.h"

static void walk_stack(void *user, struct reel_context *context, struct reel_module *module,
	const struct reel_function *function, const uint64_t *params,
	struct reel_stack_iterator *stack)
{
	uint64_t *sum = user;

	(void)module;
	*sum += reel_context_time_ns(context);
	for (uint32_t i = 0; params && i < reel_function_param_words(function); i++) {
		*sum += params[i];
	}
	while (reel_stack_next(stack)) {
		*sum += reel_stack_pc(stack) + reel_stack_source_offset(stack);
	}
}

static struct reel_listener *listener_for(void *user, const struct reel_function *function)
{
	(void)function;
	return user;
}

static void replay(struct reel_trace *trace)
{
	uint64_t sum = 0;
	struct reel_function_listener listener;
	struct reel_function_factory factory;
	struct reel_error error;

	reel_function_listener_init(&listener, walk_stack, &sum);
	reel_function_factory_init(&factory, listener_for, &listener);
	reel_replay(trace, &factory.base, NULL, NULL, &error);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct memory_file file;
	struct reel_trace *trace;
	struct reel_error error;

	memory_file_open(&file, bytes, size);
	if (reel_trace_open(file.path, &trace, &error) == REEL_OK) {
		struct reel_trace_info info;

		reel_trace_describe(trace, &info);
		reel_trace_verify(trace, NULL, NULL, NULL, &error);
		replay(trace);
		reel_trace_close(trace);
	}
	memory_file_close(&file);
	return 0;
}
