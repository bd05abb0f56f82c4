/*
 * An event as it stands in a trace: what pairing gives to the block builder and the block reader
 * gives to replay.
 *
 * Events of a stream are well paired here: every EVENT_AFTER and EVENT_ABORT ends the innermost
 * open activation. What a host got wrong is either repaired (`repaired` says why) or kept as one of
 * the UNDELIVERED kinds.
 */
#ifndef REEL_FORMAT_EVENT_H
#define REEL_FORMAT_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reel/context.h>
#include <reel/listener.h>

/* No function, site, blob or module. */
#define NO_ID UINT32_MAX

/* What the ticks of a trace are. */
enum clock_kind {
	CLOCK_TSC = 0,  /* the processor's invariant time stamp counter */
	CLOCK_MONO = 1, /* ns of CLOCK_MONOTONIC */
	CLOCK_HOST = 2, /* ns that the host gave */
};

enum event_kind {
	EVENT_AFTER = 0,
	EVENT_ABORT = 1,
	EVENT_BEFORE = 2,
	EVENT_UNDELIVERED_AFTER = 3, /* an exit of a function that is not open */
	EVENT_UNDELIVERED_ABORT = 4,
	EVENT_CALL_BEGIN = 5, /* a top-level call begins; `text` describes it */
	EVENT_CALL_END = 6,
	EVENT_GAP = 7, /* `lost` events are missing here */
};

/* A read of memory: `blob` holds the bytes, or NO_ID for one that was out of range. */
struct event_read {
	uint64_t offset, length;
	uint32_t blob;
};

struct event_global {
	uint32_t index;
	uint64_t words[2];
};

struct event_capture {
	bool has_memory_size;
	uint64_t memory_size_bytes;
	const struct event_global *globals;
	uint32_t global_count;
	const struct event_read *reads;
	uint32_t read_count;
};

struct event {
	enum event_kind kind;
	enum reel_reason repaired;
	uint64_t ticks;    /* never runs backwards within a stream */
	uint32_t site;     /* BEFORE: what was called and the stack around it */
	uint32_t function; /* the function: of the site, of the open activation, or (UNDELIVERED) as
			      given */
	uint32_t module;   /* the instance that the host passed, or NO_ID */
	const uint64_t *values; /* params or results, value_count words */
	uint32_t value_count;
	enum reel_abort_kind error_kind; /* ABORT kinds */
	uint32_t error; /* ABORT kinds: blob of the text, or NO_ID (a repaired one: the reason's
			   name) */
	uint64_t error_full_length;          /* of the host's text before it was cut */
	uint32_t text;                       /* CALL kinds: blob of the JSON text, or NO_ID */
	uint64_t lost;                       /* GAP */
	const struct event_capture *capture; /* NULL: nothing was captured */
};

/*
 * A site: a function called from a place, and so everything about a before's stack that does not
 * change from call to call. The stack of a before is: the top frame (function, pc, offset); then
 * `frames`, the frames of functions without a listener between it and the innermost open
 * activation; then that activation's frame, its pc replaced by caller_pc / caller_offset when
 * has_caller; then what was below it. With `detached`, nothing is below: `frames` is all that the
 * host showed (or this is a fresh stack). `shown` cuts the walk: the host showed only so many
 * frames; 0: not cut.
 */
struct site_frame {
	uint32_t function; /* or NO_ID */
	uint64_t pc, offset;
};

struct site {
	uint32_t function;
	uint32_t module;     /* usual module instance of events here, or NO_ID */
	uint64_t pc, offset; /* of the top frame */
	bool has_caller;
	bool detached;
	uint64_t caller_pc, caller_offset;
	uint32_t shown;
	uint32_t frame_count;
	const struct site_frame *frames; /* top first */
};

/* An activation that is open where a block starts: bottom first in a key frame. */
struct activation {
	uint32_t site;
	uint32_t module;
	uint64_t ticks;      /* of its before */
	uint64_t pc, offset; /* of its frame as the last call from it left them (the site's own when
				it made none) */
	const uint64_t *params;
	uint32_t param_count;
	uint32_t call_depth; /* top-level calls that were open when it began: a CALL_END aborts
				those with more */
};

#endif
