/*
 * Reads declarations and line tables with libdw; see lines.h. Given an ELF file with debug
 * information, it promises a file and line or the answer that there is none.
 */
#define _GNU_SOURCE
#include "lines.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdlib.h>
#include <string.h>

/* Namespaces and classes in one another; deeper ones are not looked into. */
#define NESTING_MAX 64

struct declaration {
	uint64_t address;
	Dwarf_Die die;
};

struct unit {
	Dwarf_Die die;
	struct declaration *declarations; /* by address, once they were read */
	size_t count, capacity;
	bool read;
};

/* A piece of code and the unit that it comes from. */
struct range {
	uint64_t begin, end;
	size_t unit;
};

struct lines {
	Dwarf *dwarf;
	struct unit *units;
	size_t unit_count, unit_capacity;
	struct range *ranges; /* by address */
	size_t range_count, range_capacity;
};

/* Makes room for one more item of an array; false when there is no memory. */
static bool make_room(void **items, size_t count, size_t *capacity, size_t size)
{
	if (count < *capacity) {
		return true;
	}
	size_t wanted = *capacity ? 2 * *capacity : 16;
	void *grown = reallocarray(*items, wanted, size);

	if (!grown) {
		return false;
	}
	*items = grown;
	*capacity = wanted;
	return true;
}

/* All arrays here hold structs that start with an address, which they are sorted by. */
static int compare_addresses(const void *left, const void *right)
{
	const uint64_t *a = left;
	const uint64_t *b = right;

	return (*a > *b) - (*a < *b);
}

static void sort_by_address(void *items, size_t count, size_t size)
{
	if (count > 1) {
		qsort(items, count, size, compare_addresses);
	}
}

/* ---- units ---- */

/* Adds the code of one unit. Code at address 0 is what the linker threw away. */
static bool add_ranges(struct lines *lines, Dwarf_Die *unit)
{
	Dwarf_Addr base, begin, end;
	ptrdiff_t offset = 0;

	while ((offset = dwarf_ranges(unit, offset, &base, &begin, &end)) > 0) {
		if (begin == 0 || begin >= end) {
			continue;
		}
		if (!make_room((void **)&lines->ranges, lines->range_count, &lines->range_capacity,
			    sizeof(*lines->ranges))) {
			return false;
		}
		lines->ranges[lines->range_count++] =
			(struct range){.begin = begin, .end = end, .unit = lines->unit_count};
	}
	return true;
}

/*
 * Lists what code comes from which unit. (.debug_aranges would say the same, but clang leaves it
 * out.)
 */
static void read_units(struct lines *lines)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die die;
	uint8_t type;

	while (dwarf_get_units(lines->dwarf, cu, &cu, NULL, &type, &die, NULL) == 0) {
		if (type != DW_UT_compile && type != DW_UT_skeleton) {
			continue;
		}
		if (!add_ranges(lines, &die) ||
			!make_room((void **)&lines->units, lines->unit_count, &lines->unit_capacity,
				sizeof(*lines->units))) {
			break;
		}
		lines->units[lines->unit_count++] = (struct unit){.die = die};
	}
	sort_by_address(lines->ranges, lines->range_count, sizeof(*lines->ranges));
}

static struct unit *unit_at(struct lines *lines, uint64_t address)
{
	size_t low = 0;

	for (size_t high = lines->range_count; low < high;) {
		size_t middle = low + (high - low) / 2;

		if (lines->ranges[middle].begin <= address) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	if (low == 0 || address >= lines->ranges[low - 1].end ||
		lines->ranges[low - 1].unit >= lines->unit_count) {
		return NULL;
	}
	return &lines->units[lines->ranges[low - 1].unit];
}

struct lines *lines_open(Elf *elf)
{
	struct lines *lines = calloc(1, sizeof(*lines));

	if (!lines) {
		return NULL;
	}
	lines->dwarf = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
	if (!lines->dwarf) {
		free(lines);
		return NULL;
	}
	read_units(lines);
	return lines;
}

void lines_close(struct lines *lines)
{
	if (!lines) {
		return;
	}
	for (size_t i = 0; i < lines->unit_count; i++) {
		free(lines->units[i].declarations);
	}
	free(lines->units);
	free(lines->ranges);
	dwarf_end(lines->dwarf);
	free(lines);
}

/* ---- declarations ---- */

static void add_declaration(struct unit *unit, Dwarf_Die *die)
{
	Dwarf_Addr address;

	if (dwarf_entrypc(die, &address) != 0 ||
		!make_room((void **)&unit->declarations, unit->count, &unit->capacity,
			sizeof(*unit->declarations))) {
		return;
	}
	unit->declarations[unit->count++] = (struct declaration){.address = address, .die = *die};
}

/* True for what functions with code of their own can be in. */
static bool is_scope(int tag)
{
	return tag == DW_TAG_namespace || tag == DW_TAG_structure_type ||
	       tag == DW_TAG_class_type || tag == DW_TAG_union_type;
}

/* Reads the functions of a unit: a walk with a stack of its own, since it is the file that says how
 * deep it goes. */
static void read_declarations(struct unit *unit)
{
	Dwarf_Die path[NESTING_MAX];
	int depth = 0;

	unit->read = true;
	if (dwarf_child(&unit->die, &path[0]) != 0) {
		return;
	}
	while (depth >= 0) {
		Dwarf_Die *die = &path[depth];
		int tag = dwarf_tag(die);

		if (tag == DW_TAG_subprogram) {
			add_declaration(unit, die);
		}
		if (is_scope(tag) && depth + 1 < NESTING_MAX &&
			dwarf_child(die, &path[depth + 1]) == 0) {
			depth++;
			continue;
		}
		while (depth >= 0 && dwarf_siblingof(&path[depth], &path[depth]) != 0) {
			depth--;
		}
	}
	sort_by_address(unit->declarations, unit->count, sizeof(*unit->declarations));
}

static struct declaration *declaration_at(struct unit *unit, uint64_t address)
{
	if (!unit->read) {
		read_declarations(unit);
	}
	if (unit->count == 0) {
		return NULL;
	}
	return bsearch(&address, unit->declarations, unit->count, sizeof(*unit->declarations),
		compare_addresses);
}

/* ---- line tables ---- */

static uint64_t row_address(Dwarf_Lines *rows, size_t index)
{
	Dwarf_Addr address = 0;

	dwarf_lineaddr(dwarf_onesrcline(rows, index), &address);
	return address;
}

/* The first row for `address`: compilers write several, a function's first is where it begins. */
static Dwarf_Line *row_at(Dwarf_Lines *rows, size_t count, uint64_t address)
{
	size_t low = 0;

	for (size_t high = count; low < high;) {
		size_t middle = low + (high - low) / 2;

		if (row_address(rows, middle) < address) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	for (; low < count && row_address(rows, low) == address; low++) {
		Dwarf_Line *row = dwarf_onesrcline(rows, low);
		bool ends;

		if (dwarf_lineendsequence(row, &ends) == 0 && !ends) {
			return row;
		}
	}
	return NULL;
}

static void instruction_at(struct unit *unit, uint64_t address, const char **file, uint32_t *line)
{
	Dwarf_Lines *rows;
	size_t count;
	int number;

	if (dwarf_getsrclines(&unit->die, &rows, &count) != 0) {
		return;
	}
	Dwarf_Line *row = row_at(rows, count, address);

	if (row && dwarf_lineno(row, &number) == 0 && number > 0) {
		*file = dwarf_linesrc(row, NULL, NULL);
		*line = (uint32_t)number;
	}
}

bool lines_at(struct lines *lines, uint64_t address, const char **file, uint32_t *line)
{
	struct unit *unit = unit_at(lines, address);
	int number;

	*file = NULL;
	if (!unit) {
		return false;
	}
	instruction_at(unit, address, file, line);

	struct declaration *declaration = declaration_at(unit, address);

	if (declaration && dwarf_decl_line(&declaration->die, &number) == 0 && number > 0) {
		/* libdw does not take DWARF 5's file 0, the unit's own, for one. */
		const char *declared_in = dwarf_decl_file(&declaration->die);

		*file = declared_in ? declared_in : *file;
		*line = (uint32_t)number;
	}
	return *file != NULL;
}
