/*
 * The histogram of histogram.h. Group 0 holds the values 0 to 31; group g the values from
 * 2^(g + 4) to 2^(g + 5) - 1, in buckets 2^(g - 1) wide. Only the groups between the smallest and
 * the largest value are held.
 */
#include "histogram.h"

#include <stdlib.h>
#include <string.h>

/* The middle of a bucket. */
static uint64_t bucket_value(uint32_t group, uint32_t bucket)
{
	const uint64_t width = group == 0 ? 1 : UINT64_C(1) << (group - 1);

	return group == 0 ? bucket : (HISTOGRAM_GROUP_SIZE + bucket) * width + (width - 1) / 2;
}

int histogram_hold_group(struct histogram *histogram, uint32_t group)
{
	const uint32_t end = histogram->first_group + histogram->group_count;
	uint32_t first = group < histogram->first_group ? group : histogram->first_group;
	uint32_t last = group >= end ? group : end - 1;
	uint64_t *counts;

	if (histogram->group_count == 0) {
		first = last = group;
	}
	counts = calloc((size_t)(last - first + 1) * HISTOGRAM_GROUP_SIZE, sizeof(*counts));
	if (!counts) {
		return REEL_ENOMEM;
	}
	if (histogram->group_count > 0) {
		memcpy(counts + (size_t)(histogram->first_group - first) * HISTOGRAM_GROUP_SIZE,
			histogram->counts,
			(size_t)histogram->group_count * HISTOGRAM_GROUP_SIZE * sizeof(*counts));
	}
	free(histogram->counts);
	*histogram = (struct histogram){counts, first, last - first + 1};
	return 0;
}

uint64_t histogram_total(const struct histogram *histogram)
{
	const uint32_t buckets = histogram->group_count * HISTOGRAM_GROUP_SIZE;
	uint64_t total = 0;

	for (uint32_t i = 0; i < buckets; i++) {
		total += histogram->counts[i];
	}
	return total;
}

uint64_t histogram_value_at(const struct histogram *histogram, uint64_t rank)
{
	const uint32_t buckets = histogram->group_count * HISTOGRAM_GROUP_SIZE;
	uint64_t seen = 0;

	for (uint32_t i = 0; i < buckets; i++) {
		seen += histogram->counts[i];
		if (seen >= rank) {
			return bucket_value(histogram->first_group + i / HISTOGRAM_GROUP_SIZE,
				i % HISTOGRAM_GROUP_SIZE);
		}
	}
	return 0;
}

void histogram_deinit(struct histogram *histogram)
{
	free(histogram->counts);
	*histogram = (struct histogram){0};
}
