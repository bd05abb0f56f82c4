/*
 * Definitions on their way from a library host to the consumer: functions, modules, and streams
 * that begin and end. They go beside the rings, so that none is ever dropped.
 *
 * A queue: many threads push, one at a time (they hold the recorder's mutex), one consumer takes
 * without a lock, so that it needs nothing that a recorded thread may hold.
 *
 *   pair  released by                    acquired by          what it orders
 *   [D]   definitions_push(): next       definitions_take()   the definition is whole
 */
#ifndef REEL_RECORDER_DEFINITIONS_H
#define REEL_RECORDER_DEFINITIONS_H

#include <stdatomic.h>
#include <stdint.h>

#include <reel/context.h>
#include <reel/function.h>
#include <reel/module.h>

enum definition_kind {
	DEFINITION_FUNCTION = 0, /* its id is the number of functions defined before it */
	DEFINITION_MODULE = 1,
	DEFINITION_STREAM = 2,
	DEFINITION_STREAM_END = 3, /* to be carried out once all of its records were consumed */
};

/* What a stream lost since its last record; see hosted.h. */
struct lost_events {
	uint64_t count;  /* events that were not recorded */
	uint64_t before; /* activations whose before has this number or a higher one are gone */
	uint32_t calls;  /* top-level calls that are still open at most */
};

struct stream_end {
	uint64_t sequence; /* records of the stream in all rings together */
	uint64_t ticks;
	struct lost_events lost;
	enum reel_reason reason;
};

struct definition {
	struct definition *_Atomic next;
	enum definition_kind kind;
	uint32_t stream;                      /* STREAM, STREAM_END: its number in records */
	const struct reel_function *function; /* FUNCTION: lives as long as the recorder */
	struct reel_module module;            /* MODULE */
	struct reel_stream_info info;         /* STREAM */
	struct stream_end end;                /* STREAM_END */
					      /* Copies of the texts follow. */
};

struct definitions {
	struct definition *tail;  /* producers' */
	struct definition *taken; /* the consumer's: the last one that was taken */
};

int definitions_init(struct definitions *definitions);
void definitions_deinit(struct definitions *definitions);

/* Make a definition; NULL when memory is short. What they are given is copied, but for the
 * function. */
struct definition *definition_of_function(const struct reel_function *function);
struct definition *definition_of_module(const struct reel_module *module);
struct definition *definition_of_stream(uint32_t stream, const struct reel_stream_info *info);
struct definition *definition_of_stream_end(uint32_t stream);

/* Hands a definition over. One thread at a time. */
void definitions_push(struct definitions *definitions, struct definition *definition);

/* The next definition, or NULL when there is none. It is valid until the next call. Consumer only.
 */
const struct definition *definitions_take(struct definitions *definitions);

#endif
