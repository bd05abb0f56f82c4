/*
 * A histogram of durations in bounded memory, log-linear: values below 32 are counted exactly,
 * larger ones in 32 equal buckets per power of two. So a quantile is off by at most half a bucket,
 * 1/64 (1.6 %) of the value.
 *
 * Memory: 256 bytes per power of two between the smallest and the largest value, 15 KiB at most.
 * Threads: a histogram belongs to one thread at a time.
 */
#ifndef REEL_LISTENERS_HISTOGRAM_H
#define REEL_LISTENERS_HISTOGRAM_H

#include <stdint.h>

#include <reel/status.h>

/* A zeroed struct is an empty histogram. */
struct histogram {
	uint64_t *counts;     /* 32 per group */
	uint32_t first_group; /* number of the first group that is held */
	uint32_t group_count;
};

#define HISTOGRAM_GROUP_BITS 5u
#define HISTOGRAM_GROUP_SIZE (1u << HISTOGRAM_GROUP_BITS)

/* Makes room for the values of a group. REEL_ENOMEM or 0. */
int histogram_hold_group(struct histogram *histogram, uint32_t group);

/* No branch: which durations come next is anybody's guess. */
static inline uint32_t histogram_group(uint64_t value)
{
	return 64 - HISTOGRAM_GROUP_BITS -
	       (uint32_t)__builtin_clzll(value | (HISTOGRAM_GROUP_SIZE - 1));
}

/* Counts a value. REEL_ENOMEM or 0. */
static inline int histogram_add(struct histogram *histogram, uint64_t value)
{
	const uint32_t group = histogram_group(value);
	const uint64_t in_group = value >> (group - (group != 0));

	if (__builtin_expect(group - histogram->first_group >= histogram->group_count, 0) &&
		histogram_hold_group(histogram, group) < 0) {
		return REEL_ENOMEM;
	}
	histogram->counts[(group - histogram->first_group) * HISTOGRAM_GROUP_SIZE +
			  (in_group & (HISTOGRAM_GROUP_SIZE - 1))]++;
	return 0;
}

/* How many values were counted. */
uint64_t histogram_total(const struct histogram *histogram);

/* The value of rank `rank` in ascending order, 1 being the smallest; 0 when there are not so
 * many. */
uint64_t histogram_value_at(const struct histogram *histogram, uint64_t rank);

void histogram_deinit(struct histogram *histogram);

#endif
