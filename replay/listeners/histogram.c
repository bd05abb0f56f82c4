/*
 * The histogram of histogram.h. Group 0 holds the values 0 to 31; group g the values from
 * 2^(g + 4) to 2^(g + 5) - 1, in buckets 2^(g - 1) wide. Only the groups between the smallest and
 * the largest value are held.
 */
#include "histogram.h"

#include <stdlib.h>
#include <string.h>

#include <reel/status.h>

#define GROUP_BITS 5u
#define GROUP_SIZE (1u << GROUP_BITS)

static uint32_t group_of(uint64_t value)
{
	return value < GROUP_SIZE ? 0 : 64 - (uint32_t)__builtin_clzll(value) - GROUP_BITS;
}

static uint32_t bucket_in_group(uint64_t value, uint32_t group)
{
	return (uint32_t)(group == 0 ? value : value >> (group - 1)) & (GROUP_SIZE - 1);
}

/* The middle of a bucket. */
static uint64_t bucket_value(uint32_t group, uint32_t bucket)
{
	const uint64_t width = group == 0 ? 1 : UINT64_C(1) << (group - 1);

	return group == 0 ? bucket : (GROUP_SIZE + bucket) * width + (width - 1) / 2;
}

static int hold_group(struct histogram *histogram, uint32_t group)
{
	const uint32_t end = histogram->first_group + histogram->group_count;
	uint32_t first = group < histogram->first_group ? group : histogram->first_group;
	uint32_t last = group >= end ? group : end - 1;
	uint64_t *counts;

	if (histogram->group_count == 0) {
		first = last = group;
	}
	counts = calloc((size_t)(last - first + 1) * GROUP_SIZE, sizeof(*counts));
	if (!counts) {
		return REEL_ENOMEM;
	}
	if (histogram->group_count > 0) {
		memcpy(counts + (size_t)(histogram->first_group - first) * GROUP_SIZE,
			histogram->counts,
			(size_t)histogram->group_count * GROUP_SIZE * sizeof(*counts));
	}
	free(histogram->counts);
	*histogram = (struct histogram){counts, first, last - first + 1};
	return 0;
}

int histogram_add(struct histogram *histogram, uint64_t value)
{
	const uint32_t group = group_of(value);

	if (group - histogram->first_group >= histogram->group_count &&
		hold_group(histogram, group) < 0) {
		return REEL_ENOMEM;
	}
	histogram->counts[(group - histogram->first_group) * GROUP_SIZE +
			  bucket_in_group(value, group)]++;
	return 0;
}

uint64_t histogram_value_at(const struct histogram *histogram, uint64_t rank)
{
	const uint32_t buckets = histogram->group_count * GROUP_SIZE;
	uint64_t seen = 0;

	for (uint32_t i = 0; i < buckets; i++) {
		seen += histogram->counts[i];
		if (seen >= rank) {
			return bucket_value(
				histogram->first_group + i / GROUP_SIZE, i % GROUP_SIZE);
		}
	}
	return 0;
}

void histogram_deinit(struct histogram *histogram)
{
	free(histogram->counts);
	*histogram = (struct histogram){0};
}
