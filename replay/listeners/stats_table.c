/*
 * The table of `stats` as text. Given rows, it promises columns that line up, whatever the
 * figures, times with a unit and four digits or so, and one line when rows were left out.
 */
#include "stats_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define CELL_SIZE 32

enum column {
	COLUMN_CALLS,
	COLUMN_ABORTS,
	COLUMN_TOTAL,
	COLUMN_SELF,
	COLUMN_MIN,
	COLUMN_MEDIAN,
	COLUMN_P99,
	COLUMN_MAX,
	COLUMN_COUNT,
};

static const char *const heads[COLUMN_COUNT] = {
	"calls", "aborts", "total", "self", "min", "median", "p99", "max"};

struct layout {
	bool has_aborts;
	size_t widths[COLUMN_COUNT];
	size_t module_width;
};

static int compare_names(const struct stats_row *a, const struct stats_row *b)
{
	const int order = strcmp(a->name, b->name);

	return order ? order : strcmp(a->module, b->module);
}

static int compare(
	const struct stats_row *a, const struct stats_row *b, uint64_t a_key, uint64_t b_key)
{
	if (a_key != b_key) {
		return a_key < b_key ? 1 : -1;
	}
	return compare_names(a, b);
}

static int compare_totals(const void *left, const void *right)
{
	const struct stats_row *a = *(const struct stats_row *const *)left;
	const struct stats_row *b = *(const struct stats_row *const *)right;

	return compare(a, b, a->total_ns, b->total_ns);
}

static int compare_selves(const void *left, const void *right)
{
	const struct stats_row *a = *(const struct stats_row *const *)left;
	const struct stats_row *b = *(const struct stats_row *const *)right;

	return compare(a, b, a->self_ns, b->self_ns);
}

static int compare_calls(const void *left, const void *right)
{
	const struct stats_row *a = *(const struct stats_row *const *)left;
	const struct stats_row *b = *(const struct stats_row *const *)right;

	return compare(a, b, a->calls, b->calls);
}

static int (*const comparisons[])(const void *, const void *) = {
	[STATS_SORT_TOTAL] = compare_totals,
	[STATS_SORT_SELF] = compare_selves,
	[STATS_SORT_CALLS] = compare_calls,
};

/* "999 ns", "1.234 us", "12.35 ms", "123.5 s". */
static void format_ns(uint64_t ns, char text[CELL_SIZE])
{
	static const char *const units[] = {"ns", "us", "ms", "s"};
	double value = (double)ns;
	size_t unit = 0;

	if (ns < 1000) {
		snprintf(text, CELL_SIZE, "%" PRIu64 " ns", ns);
		return;
	}
	/* 999.95 would be rounded to 1000.0 */
	while (value >= 999.95 && unit < 3) {
		value /= 1000;
		unit++;
	}
	snprintf(text, CELL_SIZE, "%.*f %s",
		value < 9.9995   ? 3
		: value < 99.995 ? 2
				 : 1,
		value, units[unit]);
}

static uint64_t figure(const struct stats_row *row, enum column column)
{
	const uint64_t figures[COLUMN_COUNT] = {row->calls, row->aborts, row->total_ns,
		row->self_ns, row->min_ns, row->median_ns, row->p99_ns, row->max_ns};

	return figures[column];
}

static void format_cell(const struct stats_row *row, enum column column, char text[CELL_SIZE])
{
	const uint64_t value = figure(row, column);

	if (column == COLUMN_CALLS || column == COLUMN_ABORTS) {
		snprintf(text, CELL_SIZE, "%" PRIu64, value);
	} else if (row->ended == 0) {
		snprintf(text, CELL_SIZE, "-");
	} else {
		format_ns(value, text);
	}
}

static const char *module_text(const struct stats_row *row)
{
	return *row->module ? row->module : "-";
}

static void widen(size_t *width, size_t length)
{
	if (length > *width) {
		*width = length;
	}
}

static void lay_out(struct layout *layout, const struct stats_row **rows, size_t count)
{
	char text[CELL_SIZE];

	layout->module_width = strlen("module");
	for (enum column column = 0; column < COLUMN_COUNT; column++) {
		layout->widths[column] = strlen(heads[column]);
	}
	for (size_t i = 0; i < count; i++) {
		widen(&layout->module_width, strlen(module_text(rows[i])));
		layout->has_aborts = layout->has_aborts || rows[i]->aborts > 0;
		for (enum column column = 0; column < COLUMN_COUNT; column++) {
			format_cell(rows[i], column, text);
			widen(&layout->widths[column], strlen(text));
		}
	}
}

/* One line; `row` is NULL for the head. */
static void write_line(
	struct text_output *output, const struct layout *layout, const struct stats_row *row)
{
	const char *module = row ? module_text(row) : "module";
	char text[CELL_SIZE];

	for (enum column column = 0; column < COLUMN_COUNT; column++) {
		if (column == COLUMN_ABORTS && !layout->has_aborts) {
			continue;
		}
		if (row) {
			format_cell(row, column, text);
		} else {
			snprintf(text, sizeof(text), "%s", heads[column]);
		}
		text_repeat(output, ' ', layout->widths[column] - strlen(text));
		text_string(output, text);
		text_string(output, "  ");
	}
	text_string(output, module);
	text_repeat(output, ' ', layout->module_width - strlen(module) + 2);
	text_string(output, row ? row->name : "function");
	text_char(output, '\n');
}

void stats_table_write(struct text_output *output, const struct stats_row **rows, size_t count,
	const struct stats_table_options *options)
{
	const size_t shown = options->top > 0 && options->top < count ? options->top : count;
	struct layout layout = {0};

	qsort(rows, count, sizeof(struct stats_row *), comparisons[options->sort]);
	lay_out(&layout, rows, shown);
	write_line(output, &layout, NULL);
	for (size_t i = 0; i < shown; i++) {
		write_line(output, &layout, rows[i]);
	}
	if (shown < count) {
		text_format(output, "and %zu more functions\n", count - shown);
	}
}
