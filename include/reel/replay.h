/*
 * Replay: drives listeners with a trace as if the program were running.
 *
 * The replayer is a host: it asks the factory for listeners, merges the streams by time, rebuilds
 * each stack and calls. The contract of listener.h holds whatever is missing or damaged in the
 * trace.
 *
 * Memory: one decoded block per stream that is open at the time, plus the trace's definitions.
 * Threads: one replay runs on its caller's thread; several may run over one trace at once.
 */
#ifndef REEL_REPLAY_H
#define REEL_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reel/benchmark.h>
#include <reel/listener.h>
#include <reel/trace.h>

#ifdef __cplusplus
extern "C" {
#endif

struct reel_replay_options {
	size_t size; /* sizeof(struct reel_replay_options) */
	/*
	 * Range in ns from the trace's first event: [from_ns, to_ns), to_ns 0 meaning the end.
	 * Calls open at the start get a repaired before there; calls open at the end are aborted,
	 * `stopped`.
	 */
	uint64_t from_ns, to_ns;
	const uint32_t *streams; /* ids to replay; none: all */
	size_t stream_count;
	const char *const *functions; /* globs over name and module:name that choose which functions
					 have listeners; NULL: all */
	size_t function_count;
	bool as_delivered; /* exactly what the host gave: nothing repaired, nothing withheld */
	/* Called now and then with the share that is done, 0 to 1. May be NULL. */
	void (*progress)(void *user, double share);
	void *user;
};

struct reel_replay_result {
	uint64_t events;         /* befores, afters and aborts of the range, listened to or not */
	uint64_t lost;           /* events that gaps in the range count as missing */
	uint64_t damaged_blocks; /* blocks that could not be read and were left out */
};

/* Replays a trace into a factory. `options` and `result` may be NULL. */
REEL_API int reel_replay(struct reel_trace *trace, struct reel_listener_factory *factory,
	const struct reel_replay_options *options, struct reel_replay_result *result,
	struct reel_error *error);

/*
 * Captures up to `limit` calls of a trace, spread over it, with their stacks, for
 * reel_listener_benchmark(). They are valid until reel_captured_calls_destroy().
 */
struct reel_captured_calls {
	struct reel_captured_call *calls;
	size_t count;
	void *storage;
};

REEL_API int reel_trace_capture_calls(struct reel_trace *trace, size_t limit,
	struct reel_captured_calls *calls, struct reel_error *error);
REEL_API void reel_captured_calls_destroy(struct reel_captured_calls *calls);

/* ---- listeners by name ---- */

/*
 * Makes a listener factory from "NAME[:OPTIONS]", NAME being a built-in listener, or
 * "PATH.so[:OPTIONS]" (see plugin.h; a path has a slash or ends in .so). `default_output` is the
 * file that it writes to when its options name none with file=PATH; NULL: standard output. Free it
 * with reel_listener_factory_destroy().
 */
REEL_API int reel_listener_create(const char *spec, const char *default_output,
	struct reel_listener_factory **factory, struct reel_error *error);

/* The built-in listeners: name and one line of description of number `index`; NULL past the last.
 */
REEL_API const char *reel_listener_name(size_t index, const char **description);

#ifdef __cplusplus
}
#endif

#endif
