/*
 * The clock of a trace: ticks to nanoseconds by the clock samples around them.
 *
 * Between two samples the way is straight; before the first and after the last the nearest two
 * samples' slope goes on. The result is the exact quotient rounded down, so it never runs
 * backwards while ticks do not, and it stops at 0 and at 2^64 - 1 instead of wrapping. With one
 * sample, or none, a tick counts as a nanosecond, from that sample on.
 */
#ifndef REEL_FORMAT_CLOCK_H
#define REEL_FORMAT_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "definition.h"

/* From `ticks` on, ns advances by ns_step for each tick_step ticks. */
struct clock_segment {
	uint64_t ticks, ns;
	uint64_t tick_step, ns_step;
	uint64_t whole, fraction; /* ns_step / tick_step in 64.64 fixed point, rounded down */
};

struct clock {
	struct clock_segment *segments; /* at least one after clock_build(), by ticks */
	size_t count;
};

/* Builds the clock from samples, which are sorted in place. Samples that contradict those before
 * them (ns running backwards, or equal ticks) are left out. REEL_ENOMEM or 0. */
int clock_build(struct clock *clock, struct clock_sample *samples, size_t count);
void clock_deinit(struct clock *clock);

uint64_t clock_ns(const struct clock *clock, uint64_t ticks);

#endif
