/*
 * Native streams: rebuilds a thread's call stack from the hooks' records, restores the pairing and
 * feeds the emitter.
 *
 * The program keeps no shadow stack, so what is open is known only here. Exits match by function
 * and call site; befores unwind by stack pointer. What that has to survive (seen with gcc 12 and
 * clang 14):
 *
 * - both instrument before inlining: several open functions can share one physical frame, with
 * equal stack pointer and call site;
 * - a longjmp out of an inlined function, in a loop, gives befores with equal function, site and
 * stack pointer: the hook's return address tells that it is the same instance, which cannot nest in
 * itself;
 * - the exit hook is often a sibling call, and alloca moves the stack pointer: an exit's stack
 * pointer says nothing;
 * - a handler on an alternate stack, or a fiber, runs in another region, where above and below mean
 * nothing.
 *
 * Threads: the consumer's.
 */
#ifndef REEL_RECORDER_NATIVE_H
#define REEL_RECORDER_NATIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "emitter.h"
#include "filter.h"
#include "process.h"
#include "record.h"

/* An open call, bottom first in the stream's stack. */
struct native_call {
	uint64_t function, call_site, stack_pointer;
	uint64_t ticks;
	uint32_t site;
	uint16_t instance; /* low bits of the hook's return address */
	bool listened;     /* filters let it make events */
	bool region_start; /* the first call in a region of stack */
};

struct native_stream {
	struct process_table *table;
	struct process *process;
	struct emitter emitter;
	struct filter *filter; /* NULL: events go straight to the emitter */
	struct native_call *calls;
	uint32_t depth, capacity;
	uint64_t last_ticks;
	uint64_t event_count; /* recorded by the hooks, repaired ones not */
};

/* With `filtered`, events go through a filter stage with these limits; see filter_create(). */
int native_stream_init(struct native_stream *stream, struct process_table *table,
	struct emitter_target *target, uint32_t id, bool filtered, uint64_t min_duration_ticks);
void native_stream_deinit(struct native_stream *stream);

/*
 * Takes befores and afters from slots[*pos & mask] on, up to `end`, or to the first record of
 * another kind. Moves *pos. 0 or a negative status.
 */
int native_stream_consume(struct native_stream *stream, const struct slot *slots, uint64_t mask,
	uint64_t *pos, uint64_t end);

/* `count` events are missing here. */
int native_stream_gap(struct native_stream *stream, uint64_t ticks, uint64_t count);

/* The innermost `count` calls have ended, but their exits were lost. */
int native_stream_unwind(struct native_stream *stream, uint64_t ticks, uint64_t count);

/* Aborts what is open and writes what is left. */
int native_stream_end(struct native_stream *stream, enum reel_reason reason);

/* Writes the events so far. */
int native_stream_flush(struct native_stream *stream);

#endif
