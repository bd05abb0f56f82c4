/*
 * Alignment: what a shown stack proves about the calls that are held to be open (CONTRACT 4).
 *
 * Threads: pure functions.
 */
#ifndef REEL_RECORDER_ALIGNMENT_H
#define REEL_RECORDER_ALIGNMENT_H

#include <stdint.h>

/* A listened function on a stack, or an open call. */
struct aligned {
	uint32_t function;
	uint64_t identity; /* 0: the host gives none, and any fits */
};

struct alignment {
	uint32_t gone;     /* so many innermost calls are not open any more */
	uint32_t matched;  /* calls from the first that is left on that the stack shows, in a row */
	uint32_t position; /* index in `shown` of the first of them, when matched > 0 */
};

/*
 * `shown`: the listened functions that a stack shows below its top, topmost first. `open`: the open
 * calls, innermost *last*. Finds the alignment that shows most open calls and, among those, gives
 * up fewest. A stack that shows a beginning of what is open, or nothing of it, gives up none.
 */
struct alignment align(const struct aligned *shown, uint32_t shown_count,
	const struct aligned *open, uint32_t open_count);

#endif
