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

/* A zeroed struct is an empty histogram. */
struct histogram {
	uint64_t *counts;     /* 32 per group */
	uint32_t first_group; /* number of the first group that is held */
	uint32_t group_count;
};

/* Counts a value. REEL_ENOMEM or 0. */
int histogram_add(struct histogram *histogram, uint64_t value);

/* The value of rank `rank` in ascending order, 1 being the smallest; 0 when there are not so
 * many. */
uint64_t histogram_value_at(const struct histogram *histogram, uint64_t rank);

void histogram_deinit(struct histogram *histogram);

#endif
