/*
 * Reads one object file's functions and lines; see object.h. Given a path and a build-id, it
 * promises answers about that very build or none.
 */
#include "object.h"

#include <stdlib.h>
#include <string.h>

#include "debug_file.h"
#include "lines.h"

struct object {
	char *path;
	const char *debug_directory;
	Elf *elf;
	Elf *debug; /* separate debug file; NULL: none, or not looked for yet */
	bool debug_searched;
	struct function {
		struct object_symbol symbol;
		unsigned rank; /* among names of one address the lowest is taken */
	} * functions;         /* by address, one each */
	size_t function_count;
	bool functions_read;
	struct lines *lines; /* NULL: no debug information, or not looked for yet */
	bool lines_opened;
};

struct object *object_open(const char *path, const uint8_t *build_id, uint32_t build_id_size,
	const char *debug_directory)
{
	struct object *object = calloc(1, sizeof(*object));
	const uint8_t *found;

	if (!object) {
		return NULL;
	}
	object->debug_directory = debug_directory;
	object->path = strdup(path);
	object->elf = object->path ? elf_file_open(path) : NULL;
	if (!object->elf || (build_id && (elf_file_build_id(object->elf, &found) != build_id_size ||
						 memcmp(found, build_id, build_id_size) != 0))) {
		object_close(object);
		return NULL;
	}
	return object;
}

void object_close(struct object *object)
{
	if (!object) {
		return;
	}
	free(object->functions);
	lines_close(object->lines);
	elf_end(object->debug);
	elf_end(object->elf);
	free(object->path);
	free(object);
}

static Elf *separate_debug(struct object *object)
{
	if (!object->debug_searched) {
		object->debug_searched = true;
		object->debug = debug_file_open(object->path, object->elf, object->debug_directory);
	}
	return object->debug;
}

/* ---- functions ---- */

/* Lower is better, then shorter: names that others can refer to, with a size, without leading
 * underscores. */
static unsigned symbol_rank(const GElf_Sym *sym, const char *name)
{
	unsigned binding = GELF_ST_BIND(sym->st_info);
	unsigned rank = binding == STB_GLOBAL ? 0 : binding == STB_LOCAL ? 2 : 1;

	rank = rank * 2 + (sym->st_size == 0);
	return rank * 4 + (unsigned)(strspn(name, "_") > 3 ? 3 : strspn(name, "_"));
}

static int compare_functions(const void *left, const void *right)
{
	const struct function *a = left;
	const struct function *b = right;

	if (a->symbol.address != b->symbol.address) {
		return a->symbol.address < b->symbol.address ? -1 : 1;
	}
	if (a->rank != b->rank) {
		return a->rank < b->rank ? -1 : 1;
	}

	size_t a_length = strlen(a->symbol.name);
	size_t b_length = strlen(b->symbol.name);

	if (a_length != b_length) {
		return a_length < b_length ? -1 : 1;
	}
	return strcmp(a->symbol.name, b->symbol.name);
}

/* A symbol without a size reaches to the end of its section; the next symbol cuts it. */
static uint64_t size_in_section(Elf *elf, const GElf_Sym *sym)
{
	GElf_Shdr section;

	if (sym->st_shndx >= SHN_LORESERVE ||
		!gelf_getshdr(elf_getscn(elf, sym->st_shndx), &section) ||
		sym->st_value - section.sh_addr > section.sh_size) {
		return 0;
	}
	return section.sh_addr + section.sh_size - sym->st_value;
}

static bool read_function(
	Elf *elf, Elf_Data *data, size_t index, uint32_t names, struct function *function)
{
	GElf_Sym sym;

	if (!gelf_getsym(data, (int)index, &sym)) {
		return false;
	}
	unsigned type = GELF_ST_TYPE(sym.st_info);
	const char *name = elf_strptr(elf, names, sym.st_name);

	if ((type != STT_FUNC && type != STT_GNU_IFUNC) || sym.st_shndx == SHN_UNDEF || !name ||
		name[0] == '\0') {
		return false;
	}
	function->symbol.address = sym.st_value;
	function->symbol.size = sym.st_size ? sym.st_size : size_in_section(elf, &sym);
	function->symbol.name = name;
	function->rank = symbol_rank(&sym, name);
	return true;
}

/* Keeps the best name of each address and cuts what reaches into the next function. */
static void tidy_functions(struct object *object)
{
	struct function *functions = object->functions;
	size_t kept = 0;

	qsort(functions, object->function_count, sizeof(*functions), compare_functions);
	for (size_t i = 0; i < object->function_count; i++) {
		if (kept == 0 ||
			functions[kept - 1].symbol.address != functions[i].symbol.address) {
			functions[kept++] = functions[i];
		}
	}
	for (size_t i = 0; i + 1 < kept; i++) {
		uint64_t room = functions[i + 1].symbol.address - functions[i].symbol.address;

		if (functions[i].symbol.size > room) {
			functions[i].symbol.size = room;
		}
	}
	object->function_count = kept;
}

/* Reads the functions of a symbol table; false when it has none. */
static bool read_table(struct object *object, Elf *elf, uint32_t type)
{
	Elf_Scn *section = elf ? elf_file_section(elf, type, NULL) : NULL;
	Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;
	GElf_Shdr header;

	if (!data || !gelf_getshdr(section, &header)) {
		return false;
	}
	size_t count = data->d_size / gelf_fsize(elf, ELF_T_SYM, 1, EV_CURRENT);

	object->functions = calloc(count ? count : 1, sizeof(*object->functions));
	for (size_t i = 0; object->functions && i < count; i++) {
		object->function_count += read_function(
			elf, data, i, header.sh_link, &object->functions[object->function_count]);
	}
	if (object->function_count == 0) {
		free(object->functions);
		object->functions = NULL;
		return false;
	}
	tidy_functions(object);
	return true;
}

static void read_functions(struct object *object)
{
	object->functions_read = true;
	if (!read_table(object, object->elf, SHT_SYMTAB) &&
		!read_table(object, separate_debug(object), SHT_SYMTAB)) {
		read_table(object, object->elf, SHT_DYNSYM);
	}
}

bool object_symbol_at(struct object *object, uint64_t address, struct object_symbol *symbol)
{
	size_t low = 0;

	if (!object->functions_read) {
		read_functions(object);
	}
	for (size_t high = object->function_count; low < high;) {
		size_t middle = low + (high - low) / 2;

		if (object->functions[middle].symbol.address <= address) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	if (low == 0) {
		return false;
	}
	*symbol = object->functions[low - 1].symbol;
	return address - symbol->address < symbol->size;
}

/* ---- lines ---- */

static bool has_debug_information(Elf *elf)
{
	return elf_file_section(elf, 0, ".debug_info") || elf_file_section(elf, 0, ".zdebug_info");
}

bool object_line_at(struct object *object, uint64_t address, const char **file, uint32_t *line)
{
	if (!object->lines_opened) {
		Elf *elf =
			has_debug_information(object->elf) ? object->elf : separate_debug(object);

		object->lines = elf ? lines_open(elf) : NULL;
		object->lines_opened = true;
	}
	return object->lines && lines_at(object->lines, address, file, line);
}
