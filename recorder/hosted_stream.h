/*
 * One stream of a library host in the consumer: takes the host's events as they came, restores the
 * pairing (CONTRACT 4), describes each before's stack as a site, and gives the result to an emitter
 * or, where calls are left out by depth or duration, to a filter.
 *
 * It keeps the stack as a reader of the trace will rebuild it, so that it can tell whether that is
 * what the host showed.
 *
 * Threads: the consumer's.
 */
#ifndef REEL_RECORDER_HOSTED_STREAM_H
#define REEL_RECORDER_HOSTED_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include <reel/recorder.h>

#include "alignment.h"
#include "definitions.h"
#include "emitter.h"
#include "filter.h"

/* What a stream must know of a function. */
enum function_flag {
	FUNCTION_IS_LISTENED = 1, /* it has events, and stacks are aligned by it */
	FUNCTION_HAS_WORDS = 2,   /* parameters or results */
};

/* Sites that were described lately, without frames between: a power of two. */
#define SITE_CACHE_SIZE 1024u

struct cached_site {
	uint32_t function, module, id;
	bool has_caller, detached, is_known;
	uint32_t shown;
	uint64_t pc, offset, caller_pc, caller_offset;
};

/* What all streams of a recording share. */
struct hosted_shared {
	struct emitter_target *target;
	enum reel_walk walk;
	uint32_t max_depth;
	uint64_t min_duration_ticks;
	uint8_t *functions; /* enum function_flag, by id */
	uint32_t function_count, function_capacity;
	struct aligned *aligned;   /* scratch: listened functions that are shown */
	struct site_frame *frames; /* scratch: of a site */
	struct site_frame *known;  /* scratch: what is shown, without frames that are left out */
	uint32_t aligned_capacity, frames_capacity, known_capacity;
	struct cached_site sites[SITE_CACHE_SIZE];
};

/* Frames that a host showed at a before, the called function's own first. */
struct shown_stack {
	const struct site_frame *frames;
	const uint64_t *identities; /* NULL: the host gives none */
	uint32_t count;             /* at least 1 */
};

/* An open activation; its function and identity are in the stream's `functions`. */
struct open_call {
	uint64_t ticks;
	uint64_t number; /* of its before among the stream's recorded befores */
	uint32_t site, module;
	uint32_t call_depth; /* top-level calls that were open when it began */
	uint32_t frame;      /* its own frame */
	uint32_t frames_end; /* frames that were there before it */
	uint32_t floor;      /* where its stack ends, downwards */
	uint32_t first_param, param_count;
};

struct hosted_stream {
	struct hosted_shared *shared;
	struct hosted_stream *next; /* in its bucket */
	uint32_t number, id;
	uint64_t consumed;     /* records */
	uint64_t before_count; /* recorded befores */
	uint64_t ticks;        /* of its last event */
	uint32_t error;        /* blob of its last abort's text */
	bool ends;             /* `end` says when and how */
	struct stream_end end;
	size_t buffered_bytes; /* in its block, as last counted */
	uint64_t block_since;  /* see hosted_flush_old(); 0: not seen yet */

	struct aligned *functions; /* of the open activations, outermost first */
	struct open_call *open;
	uint32_t open_count, functions_capacity, open_capacity;
	uint32_t *calls; /* top-level calls: how many activations were open when it began */
	uint32_t call_count, calls_capacity;
	struct site_frame *frames; /* bottom first */
	uint32_t frame_count, frames_capacity;
	uint64_t *params;
	uint32_t param_count, params_capacity;

	struct filter *filter; /* NULL: straight to the emitter */
	struct emitter emitter;
};

int hosted_stream_create(
	struct hosted_shared *shared, uint32_t number, uint32_t id, struct hosted_stream **stream);
void hosted_stream_destroy(struct hosted_stream *stream);

/*
 * Events as the host gave them. Each returns 0 or the target's status. Times that run backwards are
 * clamped.
 *
 * A before takes its function, module, values, capture, reason and ticks from `event`.
 */
int hosted_stream_before(
	struct hosted_stream *stream, struct event *event, const struct shown_stack *shown);

/* An after or abort: the same, and the error. */
int hosted_stream_exit(struct hosted_stream *stream, struct event *event);

/* The begin or end of a top-level call, or a gap. */
int hosted_stream_mark(struct hosted_stream *stream, struct event *event);

/* Something was lost here, and calls with it. */
int hosted_stream_lose(
	struct hosted_stream *stream, uint64_t ticks, const struct lost_events *lost);

/* Aborts what is open and writes the block. */
int hosted_stream_end(struct hosted_stream *stream, uint64_t ticks, enum reel_reason reason);

/* Bytes of memory that the stream's block takes. */
size_t hosted_stream_bytes(struct hosted_stream *stream);

/* Writes the block and frees its memory. */
int hosted_stream_release(struct hosted_stream *stream);

#endif
