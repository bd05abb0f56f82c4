/*
 * The table that the listener `stats` writes: rows of figures as aligned text.
 */
#ifndef REEL_LISTENERS_STATS_TABLE_H
#define REEL_LISTENERS_STATS_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "text.h"

/* What one function cost; see stats.c for what the figures mean. */
struct stats_row {
	char *name, *module; /* printable */
	uint64_t calls, aborts;
	uint64_t ended; /* calls that have a time */
	uint64_t total_ns, self_ns;
	uint64_t min_ns, median_ns, p99_ns, max_ns; /* of one call; 0 when none has ended */
};

enum stats_sort {
	STATS_SORT_TOTAL = 0,
	STATS_SORT_SELF,
	STATS_SORT_CALLS,
};

struct stats_table_options {
	enum stats_sort sort;
	uint64_t top; /* rows at most; 0: all */
};

/*
 * Sorts the rows, largest first and then by name, and writes them under a head line. A column of
 * aborts is there when any function has some. Write errors stay in the output.
 */
void stats_table_write(struct text_output *output, const struct stats_row **rows, size_t count,
	const struct stats_table_options *options);

#endif
