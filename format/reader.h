/*
 * The trace reader behind reel/trace.h: definitions, the list of event blocks, and a cursor over
 * the events of one block after another.
 *
 * Threads: a trace is read-only after reel_trace_open() but for an internally locked cache of
 * blobs; a cursor belongs to one thread.
 */
#ifndef REEL_FORMAT_READER_H
#define REEL_FORMAT_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reel/trace.h>

#include "event.h"

/* An event block as the index (or a scan) knows it. */
struct event_block_info {
	uint64_t offset;      /* of its header in the file */
	uint32_t stream;      /* id */
	uint32_t event_count; /* entries: befores and exits, undelivered ones, marks, gaps */
	uint64_t first_ticks, last_ticks;
	uint64_t before, after, abort, repaired, undelivered, lost;
	uint32_t max_depth;
	uint32_t number; /* of the block among all blocks of the file */
};

/* Event blocks in the order of the file, which for each stream is its order in time. */
uint32_t trace_event_block_count(const struct reel_trace *trace);
const struct event_block_info *trace_event_block(const struct reel_trace *trace, uint32_t index);

/* The ticks of the trace's first and last before, after or abort. False when it has none. */
bool trace_span(const struct reel_trace *trace, uint64_t *first, uint64_t *last);

/* Definitions by id; NULL: lost or never defined. A lost function gives "function #n" instead, up
 * to the highest id that is named anywhere. */
const struct site *trace_site(const struct reel_trace *trace, uint32_t id);
uint32_t trace_site_count(const struct reel_trace *trace);
const struct reel_module *trace_module(const struct reel_trace *trace, uint32_t id);
uint32_t trace_module_count(const struct reel_trace *trace);
const struct reel_module *trace_module_at(const struct reel_trace *trace, uint32_t index);

/* Objects that were mapped, in the order in which they were told; NULL past the end, or lost. See
 * definition.h. */
struct object;
uint32_t trace_object_count(const struct reel_trace *trace);
const struct object *trace_object(const struct reel_trace *trace, uint32_t index);

/* What ticks are, and ticks to ns: on the monotonic clock by the clock samples around them (see
 * clock.h), or, where ticks are ns already, the same number. */
enum clock_kind trace_clock_kind(const struct reel_trace *trace);
uint64_t trace_ticks_to_ns(const struct reel_trace *trace, uint64_t ticks);

/* The clock around `ticks`, for whoever asks often; see clock_stretch_at() in clock.h. */
struct clock_stretch;
void trace_clock_at(const struct reel_trace *trace, uint64_t ticks, struct clock_stretch *stretch);

/* Reads a blob: fills *bytes (malloc'd, the caller frees) and *size, with a NUL
 * behind. */
int trace_blob(const struct reel_trace *trace, uint32_t id, uint8_t **bytes, size_t *size);

/* A cursor over one block. */
struct cursor;

int cursor_create(struct reel_trace *trace, struct cursor **cursor);
void cursor_destroy(struct cursor *cursor);

/* Loads event block `index`: reads, checks and decompresses it. REEL_EDAMAGED, with *error filled,
 * when it cannot be used. */
int cursor_load(struct cursor *cursor, uint32_t index, struct reel_error *error);

/* A site of the loaded block: what a plain before at it is. */
struct cursor_site {
	uint32_t site, function, module;
	uint32_t column; /* the cursor's own: where its function's words are */
};

/* The block's sites: a symbol 2 + n is a before at sites[n]. Valid until the next cursor_load(). */
const struct cursor_site *cursor_sites(const struct cursor *cursor, uint32_t *count);

/*
 * The fast way through events that are neither extra nor have words: the symbols (0: an after of
 * the innermost open call, 2 + n: a before at the block's site n) and ticks of those that come
 * next, all of which count as read. Returns how many, or 0 when the next event is not of that kind,
 * the block has ended or is damaged, which cursor_next() then tells. Valid until the next call on
 * the cursor.
 *
 * The caller keeps the open calls itself. An after where none is open means damage. In a block
 * where this has returned events, cursor_next() may be called only when it has returned 0.
 */
uint32_t cursor_run(struct cursor *cursor, const uint32_t **symbols, const uint64_t **ticks);

/* The key frame of the loaded block: open activations, bottom first. Valid until the next
 * cursor_load(). */
const struct activation *cursor_key_frame(const struct cursor *cursor, uint32_t *count);

/*
 * The block's next event. 0 and *event; REEL_END after the last; REEL_EDAMAGED when the bytes make
 * no sense, *event as it was. What *event points to is valid until the next call on the cursor.
 * event->function, and for an exit event->module, come from the open activation that the cursor
 * keeps track of. Fields that an event of the kind does not have keep what was in them.
 */
int cursor_next(struct cursor *cursor, struct event *event);

#endif
