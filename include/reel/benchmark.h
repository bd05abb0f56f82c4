/*
 * The listener benchmark: what a listener costs, per before and per after, over captured calls.
 *
 * A captured call keeps its function, module, parameters, results and stack together, and the walk
 * over its stack is charged in every round (the listener gets a fresh iterator each time).
 */
#ifndef REEL_BENCHMARK_H
#define REEL_BENCHMARK_H

#include <stddef.h>
#include <stdint.h>

#include <reel/listener.h>

#ifdef __cplusplus
extern "C" {
#endif

struct reel_captured_call {
	const struct reel_function *function;
	struct reel_module *module; /* may be NULL */
	const uint64_t *params;     /* the function's words; may be NULL when it has none */
	const uint64_t *results;
	const struct reel_frame *frames; /* frames[0] is `function`, with the same words */
	size_t frame_count;
};

struct reel_benchmark_result {
	uint64_t rounds; /* timed rounds */
	uint64_t events; /* befores (and as many afters) in all timed rounds */
	double before_min_ns, before_median_ns, before_p99_ns; /* per call of before, over rounds */
	double after_min_ns, after_median_ns, after_p99_ns;
};

/*
 * Calls begin() and finish() of `factory`, asks it for the listeners of the calls' functions, and
 * calls these: per round, the captured calls in their order, in groups of up to 64, of each group
 * the before of every call and then, innermost first, their afters; `rounds` timed rounds after a
 * tenth as many that are not. Calls whose function gets no listener are left out. The cost of the
 * loop itself is not subtracted: measure it with a listener that does nothing. Returns REEL_EINVAL
 * when nothing was listened to.
 */
REEL_API int reel_listener_benchmark(struct reel_listener_factory *factory,
	const struct reel_captured_call *calls, size_t call_count, uint64_t rounds,
	struct reel_benchmark_result *result);

#ifdef __cplusplus
}
#endif

#endif
