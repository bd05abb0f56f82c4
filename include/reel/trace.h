/*
 * Traces: opening, describing and checking a trace file.
 *
 * To get events out of one, see replay.h. A trace is opened read-only; a file that lacks its end
 * (the recorder was killed) opens as well, to the last whole block, and says so in `complete`.
 *
 * Threads: a trace may be read by many threads at once; it must outlive everything made from it.
 */
#ifndef REEL_TRACE_H
#define REEL_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reel/context.h>
#include <reel/function.h>
#include <reel/module.h>

#ifdef __cplusplus
extern "C" {
#endif

struct reel_trace;

/* What `reel info` prints. */
struct reel_trace_info {
	uint64_t events;               /* before + after + abort */
	uint64_t before, after, abort; /* repaired ones included, undelivered ones not */
	uint64_t repaired;
	uint64_t undelivered;
	uint64_t lost;
	uint64_t streams;
	uint64_t functions;   /* with events */
	uint64_t max_depth;   /* open listened calls */
	uint64_t duration_ns; /* first to last event */
	uint64_t bytes;       /* of the file */
	uint64_t blocks;      /* of all types */
	uint32_t version_major, version_minor;
	bool complete; /* the end is present and intact */
};

/* Opens a trace. On failure *trace is NULL and *error (may be NULL) says why. */
REEL_API int reel_trace_open(const char *path, struct reel_trace **trace, struct reel_error *error);
REEL_API void reel_trace_close(struct reel_trace *trace);

REEL_API void reel_trace_describe(const struct reel_trace *trace, struct reel_trace_info *info);

/* The recording host's description of itself, a JSON object or "". Valid as long as the trace. */
REEL_API const char *reel_trace_metadata(const struct reel_trace *trace);

/* What recorded: "native", "library", "import", or "". Valid as long as the trace. */
REEL_API const char *reel_trace_producer(const struct reel_trace *trace);

/* Definitions, by id from 0 to count - 1. Ids that were lost give a function named "function #n".
 * NULL past the end. */
REEL_API uint32_t reel_trace_function_count(const struct reel_trace *trace);
REEL_API const struct reel_function *reel_trace_function(
	const struct reel_trace *trace, uint32_t id);
REEL_API uint32_t reel_trace_stream_count(const struct reel_trace *trace);
REEL_API const struct reel_stream_info *reel_trace_stream(
	const struct reel_trace *trace, uint32_t index);

/*
 * Reads every block and checks checksums, structure and that counts agree. Calls `report` (may be
 * NULL) with one line per defect. Returns REEL_OK for a whole trace, REEL_EDAMAGED for damage or a
 * missing end, other failures as they are. `progress`, when not NULL, is called with bytes done and
 * in all.
 */
REEL_API int reel_trace_verify(struct reel_trace *trace,
	void (*report)(void *user, const char *line),
	void (*progress)(void *user, uint64_t done, uint64_t total), void *user,
	struct reel_error *error);

#ifdef __cplusplus
}
#endif

#endif
