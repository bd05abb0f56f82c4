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

#include <stdbool.h>
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

/* A stretch of a clock, from `ticks` to `ticks + length`, on which clock_ns() is what
 * clock_stretch_ns() says: one multiplication. */
struct clock_stretch {
	uint64_t ticks, length, ns;
	uint64_t whole, fraction; /* ns per tick in 64.64 fixed point, rounded up */
};

/* A stretch that begins at or before `ticks` and reaches it at least. */
void clock_stretch_at(const struct clock *clock, uint64_t ticks, struct clock_stretch *stretch);

static inline bool clock_stretch_has(const struct clock_stretch *stretch, uint64_t ticks)
{
	return ticks - stretch->ticks <= stretch->length;
}

static inline uint64_t clock_stretch_ns(const struct clock_stretch *stretch, uint64_t ticks)
{
	__extension__ typedef unsigned __int128 wide;
	const uint64_t passed = ticks - stretch->ticks;

	return stretch->ns + passed * stretch->whole +
	       (uint64_t)((wide)passed * stretch->fraction >> 64);
}

#endif
