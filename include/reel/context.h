/*
 * Streams and contexts: where an event happened, and when.
 *
 * A stream is one strictly sequential call stack: a native thread, a goroutine, a coroutine, an
 * instance. Order and pairing hold within a stream; across streams, order is by time. A context
 * belongs to one stream and keeps its address as long as the stream lives, so a listener may keep
 * per-stream state by it, or by `slot` in an array.
 */
#ifndef REEL_CONTEXT_H
#define REEL_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

#include <reel/status.h>

#ifdef __cplusplus
extern "C" {
#endif

struct reel_stream_info {
	uint32_t id;      /* what --stream takes and the JSON calls tid */
	const char *name; /* thread name, goroutine label, ...; may be empty, not NULL in replay */
	uint64_t pid;     /* 0: not known */
	uint64_t tid;     /* the operating system's thread, 0: not known */
	const char *process; /* the process's name, may be empty */
};

enum reel_reason {
	REEL_REASON_NONE = 0,    /* the host gave the event */
	REEL_REASON_UNWOUND = 1, /* something below it ended first: longjmp, exception, trap */
	REEL_REASON_EXIT = 2,    /* the program ended */
	REEL_REASON_KILLED = 3,  /* the program was killed or crashed */
	REEL_REASON_STOPPED = 4, /* recording (or the replayed range) ended */
	REEL_REASON_LOST = 5,    /* the exit could not be recorded */
};

/* "unwound", "exit", "killed", "stopped", "lost"; "" for none. */
REEL_API const char *reel_reason_name(enum reel_reason reason);

struct reel_context {
	const struct reel_stream_info *stream;
	uint32_t slot; /* dense number of the stream in this run: 0, 1, 2, ...; never used again */
	enum reel_reason repaired; /* why Reel made this event up, or REEL_REASON_NONE */
	/* The event's time in ns on the monotonic clock: recorded in replay, now when live, where a
	 * host that wants several listeners to agree gives all callbacks of an event the same. Use
	 * reel_context_time_ns(). */
	uint64_t (*time_ns)(const struct reel_context *context);
};

static inline uint64_t reel_context_time_ns(const struct reel_context *context)
{
	return context->time_ns(context);
}

#ifdef __cplusplus
}
#endif

#endif
