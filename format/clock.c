/*
 * The clock of a trace: see clock.h.
 */
#include "clock.h"

#include <stdlib.h>

#include <reel/status.h>

__extension__ typedef unsigned __int128 wide;

static int by_ticks(const void *a, const void *b)
{
	const struct clock_sample *left = a, *right = b;

	if (left->ticks != right->ticks) {
		return left->ticks < right->ticks ? -1 : 1;
	}
	return (left->monotonic_ns > right->monotonic_ns) -
	       (left->monotonic_ns < right->monotonic_ns);
}

/* Keeps the samples that go on from those before; returns how many. */
static size_t keep_consistent(struct clock_sample *samples, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (kept == 0 ||
			(samples[i].ticks > samples[kept - 1].ticks &&
				samples[i].monotonic_ns >= samples[kept - 1].monotonic_ns)) {
			samples[kept++] = samples[i];
		}
	}
	return kept;
}

static void segment_set(struct clock_segment *segment, uint64_t tick_step, uint64_t ns_step)
{
	segment->tick_step = tick_step;
	segment->ns_step = ns_step;
	segment->whole = ns_step / tick_step;
	segment->fraction = (uint64_t)(((wide)(ns_step % tick_step) << 64) / tick_step);
}

int clock_build(struct clock *clock, struct clock_sample *samples, size_t count)
{
	if (count) {
		qsort(samples, count, sizeof(*samples), by_ticks);
		count = keep_consistent(samples, count);
	}
	clock->count = count > 1 ? count - 1 : 1;
	clock->segments = calloc(clock->count, sizeof(*clock->segments));
	if (!clock->segments) {
		return REEL_ENOMEM;
	}
	if (count) {
		clock->segments[0].ticks = samples[0].ticks;
		clock->segments[0].ns = samples[0].monotonic_ns;
	}
	segment_set(&clock->segments[0], 1, 1);
	for (size_t i = 0; i + 1 < count; i++) {
		clock->segments[i].ticks = samples[i].ticks;
		clock->segments[i].ns = samples[i].monotonic_ns;
		segment_set(&clock->segments[i], samples[i + 1].ticks - samples[i].ticks,
			samples[i + 1].monotonic_ns - samples[i].monotonic_ns);
	}
	return REEL_OK;
}

void clock_deinit(struct clock *clock)
{
	free(clock->segments);
	*clock = (struct clock){0};
}

/* floor(ticks * ns_step / tick_step), by multiplication: the fixed-point quotient is at most one
 * too small, which the remainder, exact modulo 2^64, tells. */
static wide scale(const struct clock_segment *segment, uint64_t ticks)
{
	wide quotient =
		(wide)ticks * segment->whole + (uint64_t)((wide)ticks * segment->fraction >> 64);
	wide remainder = (wide)ticks * segment->ns_step - quotient * segment->tick_step;

	return quotient + (remainder >= segment->tick_step);
}

/* The last segment that begins at or before `ticks`, or the first. */
static const struct clock_segment *find_segment(const struct clock *clock, uint64_t ticks)
{
	size_t first = 0, count = clock->count;

	while (count > 1) {
		size_t half = count / 2;

		if (clock->segments[first + half].ticks <= ticks) {
			first += half;
			count -= half;
		} else {
			count = half;
		}
	}
	return &clock->segments[first];
}

uint64_t clock_ns(const struct clock *clock, uint64_t ticks)
{
	const struct clock_segment *segment = find_segment(clock, ticks);
	wide ns;

	if (ticks >= segment->ticks) {
		ns = segment->ns + scale(segment, ticks - segment->ticks);
		return ns > UINT64_MAX ? UINT64_MAX : (uint64_t)ns;
	}
	/* Before the first sample: rounded down as well, which is away from it. */
	ns = scale(segment, segment->ticks - ticks);
	if (ns * segment->tick_step != (wide)(segment->ticks - ticks) * segment->ns_step) {
		ns++;
	}
	return ns > segment->ns ? 0 : segment->ns - (uint64_t)ns;
}

/*
 * How far a product with the fraction rounded up, rounded down itself, is exact: with the fraction
 * too large by error / tick_step units of 2^-64, as long as ticks * error stays below 2^64, for the
 * quotient is at least 1 / tick_step away from the next whole number.
 */
static uint64_t exact_length(const struct clock_segment *segment, uint64_t fraction)
{
	const uint64_t error = fraction * segment->tick_step; /* modulo 2^64, where it fits */
	const uint64_t steps = segment->whole == UINT64_MAX ? 0 : segment->whole + 1;
	const uint64_t room = steps ? (UINT64_MAX - segment->ns) / steps : 0;
	const uint64_t length = error ? UINT64_MAX / error : UINT64_MAX;

	return length < room ? length : room;
}

void clock_stretch_at(const struct clock *clock, uint64_t ticks, struct clock_stretch *stretch)
{
	const struct clock_segment *segment = find_segment(clock, ticks);
	const bool is_last = segment == &clock->segments[clock->count - 1];
	const uint64_t last = is_last ? UINT64_MAX : segment[1].ticks - 1;
	const uint64_t reach = last - segment->ticks;
	const uint64_t rest = segment->ns_step % segment->tick_step;
	const bool is_whole = (wide)segment->fraction * segment->tick_step == (wide)rest << 64;
	const uint64_t fraction = segment->fraction + !is_whole;
	const uint64_t exact = exact_length(segment, fraction);

	*stretch = (struct clock_stretch){
		.ticks = segment->ticks,
		.length = exact < reach ? exact : reach,
		.ns = segment->ns,
		.whole = segment->whole,
		.fraction = fraction,
	};
	if (ticks < segment->ticks || !clock_stretch_has(stretch, ticks)) {
		*stretch = (struct clock_stretch){.ticks = ticks, .ns = clock_ns(clock, ticks)};
	}
}
