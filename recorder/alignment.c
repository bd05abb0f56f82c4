/*
 * Alignment of a shown stack with the open calls. Calls nest, so those that are gone are always the
 * innermost ones: the question is only how many. The usual answer, none, takes one pass; another
 * one is searched for with a bound on the work, because a host that is wrong all the time must not
 * stop the consumer.
 */
#include "alignment.h"

#include <stdbool.h>

/* Comparisons that a search may take. */
#define STEPS_MAX (UINT64_C(1) << 22)

static bool is_same(const struct aligned *shown, const struct aligned *open)
{
	return shown->function == open->function &&
	       (shown->identity == open->identity || !shown->identity || !open->identity);
}

/* Open calls shown in a row when the `gone` innermost are given up. Frames that are not open at all
 * are passed over. */
static struct alignment align_after(const struct aligned *shown, uint32_t shown_count,
	const struct aligned *open, uint32_t open_count, uint32_t gone)
{
	struct alignment alignment = {.gone = gone};
	uint32_t left = open_count - gone;

	for (uint32_t i = 0; i < shown_count && alignment.matched < left; i++) {
		if (is_same(&shown[i], &open[left - 1 - alignment.matched])) {
			if (alignment.matched == 0) {
				alignment.position = i;
			}
			alignment.matched++;
		}
	}
	return alignment;
}

struct alignment align(const struct aligned *shown, uint32_t shown_count,
	const struct aligned *open, uint32_t open_count)
{
	struct alignment best = align_after(shown, shown_count, open, open_count, 0);
	uint64_t steps = 0;

	/* As long as more could be shown than is. */
	for (uint32_t gone = 1; best.matched < shown_count && gone < open_count &&
				open_count - gone > best.matched && steps < STEPS_MAX;
		gone++) {
		struct alignment other = align_after(shown, shown_count, open, open_count, gone);

		if (other.matched > best.matched) {
			best = other;
		}
		steps += shown_count;
	}
	return best;
}
