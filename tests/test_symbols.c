/*
 * Symbols: names and lines of objects that the test compiles itself, with and without debug
 * information, stripped, replaced and deleted.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "debug_file.h"
#include "symbols.h"

static char folder[] = "/tmp/reel-symbols-XXXXXX";

static void write_file(const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fputs(text, file) >= 0, 1);
	assert_int_equal(fclose(file), 0);
}

/* Runs a shell command in the test's folder; skips the test when a tool of it is missing. */
static void run(const char *command)
{
	char line[1024];

	snprintf(line, sizeof(line), "cd %s && { %s; } >log 2>&1", folder, command);
	int status = system(line);

	if (WEXITSTATUS(status) == 127) {
		print_message("missing tool: %s\n", command);
		skip();
	}
	if (status != 0) {
		fail_msg("%s: status %d, see %s/log", command, status, folder);
	}
}

static char *path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

/* The address of a symbol, as the file's own table or that of `table` has it. */
static uint64_t address_of(const char *table, const char *name)
{
	Elf *elf = elf_file_open(path_of(table));

	assert_non_null(elf);
	Elf_Scn *section = elf_file_section(elf, SHT_SYMTAB, NULL);

	section = section ? section : elf_file_section(elf, SHT_DYNSYM, NULL);
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Shdr header;
	GElf_Sym sym;
	uint64_t address = 0;

	assert_non_null(gelf_getshdr(section, &header));
	for (int i = 0; gelf_getsym(data, i, &sym); i++) {
		const char *found = elf_strptr(elf, header.sh_link, sym.st_name);

		if (strcmp(found, name) == 0 && sym.st_value != 0) {
			address = sym.st_value;
		}
	}
	elf_end(elf);
	if (address == 0) {
		fail_msg("%s has no symbol %s", table, name);
	}
	return address;
}

static bool resolve(
	struct symbols *symbols, const char *name, uint64_t offset, struct consumer_symbol *symbol)
{
	struct consumer_resolver *resolver = symbols_resolver(symbols);
	Elf *elf = elf_file_open(path_of(name));
	const uint8_t *bytes = NULL;
	uint8_t id[64];
	size_t size = elf ? elf_file_build_id(elf, &bytes) : 0;

	assert_true(size <= sizeof(id));
	if (size > 0) {
		memcpy(id, bytes, size);
	}
	elf_end(elf);
	return resolver->resolve(
		resolver, path_of(name), size ? id : NULL, (uint32_t)size, offset, symbol);
}

static const char c_source[] = "/* line 1 */\n"
			       "static __attribute__((noinline)) int hidden(int x)\n"
			       "{\n"
			       "	return x * 3;\n"
			       "}\n"
			       "\n"
			       "int shown(int x)\n"
			       "{\n"
			       "	return hidden(x) + 1;\n"
			       "}\n"
			       "\n"
			       "int shown_too(int x) __attribute__((alias(\"shown\")));\n"
			       "static int one(void) { return 1; }\n"
			       "static void *choose(void) { return one; }\n"
			       "int chosen(void) __attribute__((ifunc(\"choose\")));\n"
			       "int main(int argc, char **argv)\n"
			       "{\n"
			       "	(void)argv;\n"
			       "	return shown(argc) + chosen();\n"
			       "}\n";

static const char cxx_source[] = "namespace space {\n"
				 "template <class T> struct box {\n"
				 "	T get(T x, const char *) const;\n"
				 "	box();\n"
				 "};\n"
				 "template <class T> T box<T>::get(T x, const char *) const\n"
				 "{\n"
				 "	return x;\n"
				 "}\n"
				 "template <class T> box<T>::box()\n"
				 "{\n"
				 "}\n"
				 "template struct box<int>;\n"
				 "}\n"
				 "int main()\n"
				 "{\n"
				 "}\n";

static int set_up(void **state)
{
	if (!mkdtemp(folder)) {
		return -1;
	}
	write_file("c.c", c_source);
	write_file("cxx.cc", cxx_source);
	return 0;
}

static int tear_down(void **state)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void assert_symbol(struct symbols *symbols, const char *object, uint64_t offset,
	const char *name, const char *file, uint32_t line)
{
	struct consumer_symbol symbol;

	assert_true(resolve(symbols, object, offset, &symbol));
	assert_string_equal(symbol.name, name);
	assert_true(symbol.address <= offset && offset - symbol.address < symbol.code_size);
	if (file) {
		assert_non_null(symbol.file);
		assert_string_equal(symbol.file, path_of(file));
	} else {
		assert_null(symbol.file);
	}
	assert_int_equal(symbol.line, line);
}

static void check_c_program(const char *object)
{
	struct symbols *symbols = symbols_create(NULL, 0);

	assert_symbol(symbols, object, address_of(object, "hidden"), "hidden", "c.c", 2);
	assert_symbol(symbols, object, address_of(object, "shown"), "shown", "c.c", 7);
	assert_symbol(symbols, object, address_of(object, "shown") + 2, "shown", "c.c", 7);
	assert_symbol(symbols, object, address_of(object, "main"), "main", "c.c", 16);
	symbols_destroy(symbols);
}

static void functions_of_a_pie_have_names_and_lines(void **state)
{
	run("gcc -g -O2 -fpie -pie -o pie c.c");
	check_c_program("pie");
}

static void functions_of_a_program_at_a_fixed_address_have_names_and_lines(void **state)
{
	run("gcc -g -O2 -fno-pie -no-pie -o fixed c.c");
	check_c_program("fixed");
}

static void clang_objects_without_aranges_have_lines(void **state)
{
	run("clang -g -O2 -fpie -pie -o clanged c.c");
	check_c_program("clanged");
}

static void compressed_debug_sections_are_read(void **state)
{
	run("gcc -g -gz -O2 -o zipped c.c");
	check_c_program("zipped");
}

static void dwarf_4_is_read(void **state)
{
	run("gcc -gdwarf-4 -O2 -o four c.c");
	check_c_program("four");
}

static void an_ifunc_has_a_name(void **state)
{
	struct symbols *symbols = symbols_create(NULL, 0);
	struct consumer_symbol symbol;

	run("gcc -g -O2 -o pie c.c");
	assert_true(resolve(symbols, "pie", address_of("pie", "chosen"), &symbol));
	assert_string_equal(symbol.name, "chosen");
	symbols_destroy(symbols);
}

static void names_without_debug_information_have_no_line(void **state)
{
	struct symbols *symbols = symbols_create(NULL, 0);

	run("gcc -O2 -o plain c.c");
	assert_symbol(symbols, "plain", address_of("plain", "hidden"), "hidden", NULL, 0);
	symbols_destroy(symbols);
}

static void a_stripped_object_has_its_dynamic_names(void **state)
{
	struct symbols *symbols = symbols_create(NULL, 0);
	struct consumer_symbol symbol;

	run("gcc -O2 -fPIC -shared -o whole.so c.c && strip -o bare.so whole.so");
	uint64_t shown = address_of("whole.so", "shown");

	assert_true(resolve(symbols, "bare.so", shown, &symbol));
	assert_string_equal(symbol.name, "shown");
	assert_false(resolve(symbols, "bare.so", address_of("whole.so", "hidden"), &symbol) &&
		     strcmp(symbol.name, "hidden") == 0);
	symbols_destroy(symbols);
}

static void a_debug_file_is_found_by_its_link(void **state)
{
	static const char *const places[] = {"linked.debug", ".debug/linked.debug"};
	static const char *const ids[] = {"sha1", "none"};

	for (int i = 0; i < 4; i++) {
		struct symbols *symbols = symbols_create(NULL, 0);
		char command[512];

		snprintf(command, sizeof(command),
			"rm -rf .debug linked*; mkdir .debug;"
			"gcc -g -O2 -Wl,--build-id=%s -o linked.whole c.c && "
			"objcopy --only-keep-debug linked.whole linked.debug && "
			"strip -o linked linked.whole && "
			"objcopy --add-gnu-debuglink=linked.debug linked && "
			"{ test linked.debug = %s || mv linked.debug %s; }",
			ids[i / 2], places[i % 2], places[i % 2]);
		run(command);
		assert_symbol(symbols, "linked", address_of("linked.whole", "hidden"), "hidden",
			"c.c", 2);
		symbols_destroy(symbols);
	}
}

static void a_debug_file_is_found_by_its_build_id(void **state)
{
	struct symbols *symbols = symbols_create(path_of("debug"), 0);

	run("rm -rf debug && gcc -g -O2 -Wl,--build-id=0x0123456789 -o by-id.whole c.c && "
	    "mkdir -p debug/.build-id/01 && strip -o by-id by-id.whole && "
	    "objcopy --only-keep-debug by-id.whole debug/.build-id/01/23456789.debug");
	assert_symbol(symbols, "by-id", address_of("by-id.whole", "hidden"), "hidden", "c.c", 2);
	symbols_destroy(symbols);
}

static void a_debug_file_of_another_build_is_passed_over(void **state)
{
	static const char *const ids[] = {"0xabcd", "none"};

	for (int i = 0; i < 2; i++) {
		struct symbols *symbols = symbols_create(NULL, 0);
		struct consumer_symbol symbol;
		char command[512];

		snprintf(command, sizeof(command),
			"rm -rf .debug; gcc -g -O2 -Wl,--build-id=%s -o other.whole c.c && "
			"objcopy --only-keep-debug other.whole other.debug && "
			"strip -o other other.whole && "
			"objcopy --add-gnu-debuglink=other.debug other && "
			"gcc -g -O0 -Wl,--build-id=%s -o second c.c && "
			"objcopy --only-keep-debug second other.debug",
			ids[i], i == 0 ? "0xdcba" : "none");
		run(command);
		assert_false(
			resolve(symbols, "other", address_of("other.whole", "hidden"), &symbol));
		symbols_destroy(symbols);
	}
}

static void cxx_names_are_demangled(void **state)
{
	struct symbols *symbols = symbols_create(NULL, 0);

	run("g++ -g -O2 -fno-pie -no-pie -o cxx cxx.cc");
	assert_symbol(symbols, "cxx", address_of("cxx", "_ZNK5space3boxIiE3getEiPKc"),
		"space::box<int>::get(int, char const*) const", "cxx.cc", 6);
	assert_symbol(symbols, "cxx", address_of("cxx", "_ZN5space3boxIiEC1Ev"),
		"space::box<int>::box()", "cxx.cc", 10);
	symbols_destroy(symbols);
}

/* Assembly, so that the names are there whatever the compiler would have done. */
static void clones_keep_their_base_name(void **state)
{
	struct symbols *symbols = symbols_create(NULL, 0);
	struct consumer_symbol symbol;

	write_file("clone.s", ".text\n"
			      ".type foo.part.0, @function\nfoo.part.0: nop\nnop\n"
			      ".size foo.part.0, .-foo.part.0\n"
			      ".type _ZN1a3fooEi.cold, @function\n_ZN1a3fooEi.cold: nop\nnop\n"
			      ".size _ZN1a3fooEi.cold, .-_ZN1a3fooEi.cold\n"
			      ".type _Zbroken, @function\n_Zbroken: nop\n.size _Zbroken, 1\n"
			      ".section .note.GNU-stack,\"\",@progbits\n");
	run("gcc -shared -o clone.so clone.s");
	assert_true(resolve(symbols, "clone.so", address_of("clone.so", "foo.part.0"), &symbol));
	assert_string_equal(symbol.name, "foo.part.0");
	assert_true(
		resolve(symbols, "clone.so", address_of("clone.so", "_ZN1a3fooEi.cold"), &symbol));
	assert_string_equal(symbol.name, "a::foo(int) [clone .cold]");
	assert_true(resolve(symbols, "clone.so", address_of("clone.so", "_Zbroken"), &symbol));
	assert_string_equal(symbol.name, "_Zbroken");
	symbols_destroy(symbols);
}

static void an_address_between_functions_has_no_name(void **state)
{
	struct symbols *symbols = symbols_create(NULL, 0);
	struct consumer_symbol symbol;

	write_file("gap.s", ".text\n.globl first\n.type first, @function\nfirst: nop\n"
			    ".size first, 1\n.zero 64\n"
			    ".globl second\n.type second, @function\nsecond: nop\nnop\n"
			    ".section .note.GNU-stack,\"\",@progbits\n");
	run("gcc -shared -nostdlib -o gap.so gap.s");
	uint64_t first = address_of("gap.so", "first");

	assert_true(resolve(symbols, "gap.so", first, &symbol));
	assert_false(resolve(symbols, "gap.so", first + 1, &symbol));
	assert_false(resolve(symbols, "gap.so", first - 1, &symbol));
	assert_true(resolve(symbols, "gap.so", address_of("gap.so", "second") + 1, &symbol));
	assert_string_equal(symbol.name, "second");
	assert_false(resolve(symbols, "gap.so", UINT64_MAX, &symbol));
	symbols_destroy(symbols);
}

static void a_replaced_or_deleted_object_gives_no_names(void **state)
{
	struct symbols *symbols = symbols_create(NULL, 0);
	struct consumer_resolver *resolver = symbols_resolver(symbols);
	struct consumer_symbol symbol;
	static const uint8_t mapped[] = {1, 2, 3, 4}, now[] = {9, 9, 9, 9};

	run("gcc -g -O2 -Wl,--build-id=0x09090909 -o swapped c.c");
	uint64_t offset = address_of("swapped", "shown");

	assert_true(
		resolver->resolve(resolver, path_of("swapped"), now, sizeof(now), offset, &symbol));
	assert_false(resolver->resolve(
		resolver, path_of("swapped"), mapped, sizeof(mapped), offset, &symbol));
	assert_null(symbol.name);
	run("rm swapped");
	assert_false(resolver->resolve(resolver, path_of("swapped"), mapped, 3, offset, &symbol));
	assert_false(resolver->resolve(
		resolver, path_of("swapped (deleted)"), now, sizeof(now), offset, &symbol));
	assert_false(resolver->resolve(resolver, "linux-vdso.so.1", NULL, 0, offset, &symbol));
	symbols_destroy(symbols);
}

static void files_that_are_no_objects_give_no_names(void **state)
{
	struct symbols *symbols = symbols_create(NULL, 0);
	struct consumer_symbol symbol;

	write_file("empty", "");
	write_file("text", "no object at all\n");
	run("gcc -g -O2 -o whole c.c && mkdir -p folder && rm -f pipe && mkfifo pipe");
	uint64_t offset = address_of("whole", "shown");

	static const char *const names[] = {"empty", "text", "folder", "pipe", "nowhere"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_false(resolve(symbols, names[i], offset, &symbol));
	}
	/* Cut anywhere it must do no harm; what is left may still have names. */
	for (int size = 16; size < 16000; size += 1499) {
		char command[128];

		snprintf(command, sizeof(command), "head -c %d whole > cut%d", size, size);
		run(command);
		snprintf(command, sizeof(command), "cut%d", size);
		resolve(symbols, command, offset, &symbol);
	}
	symbols_destroy(symbols);
}

static void the_cache_keeps_names_right_when_it_is_smaller_than_the_program(void **state)
{
	struct symbols *symbols = symbols_create(NULL, 2);

	for (int i = 0; i < 4; i++) {
		char command[128];

		snprintf(command, sizeof(command),
			"echo 'int f%d(void) { return %d; }' > f%d.c && gcc -g -shared -o f%d.so "
			"f%d.c",
			i, i, i, i, i);
		run(command);
	}
	for (int i = 0; i < 32; i++) {
		int object = i * 7 % 4;
		char name[16], function[16], source[16];

		snprintf(name, sizeof(name), "f%d.so", object);
		snprintf(function, sizeof(function), "f%d", object);
		snprintf(source, sizeof(source), "f%d.c", object);
		assert_symbol(symbols, name, address_of(name, function), function, source, 1);
	}
	symbols_destroy(symbols);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_of_a_pie_have_names_and_lines),
		cmocka_unit_test(functions_of_a_program_at_a_fixed_address_have_names_and_lines),
		cmocka_unit_test(clang_objects_without_aranges_have_lines),
		cmocka_unit_test(compressed_debug_sections_are_read),
		cmocka_unit_test(dwarf_4_is_read),
		cmocka_unit_test(an_ifunc_has_a_name),
		cmocka_unit_test(names_without_debug_information_have_no_line),
		cmocka_unit_test(a_stripped_object_has_its_dynamic_names),
		cmocka_unit_test(a_debug_file_is_found_by_its_link),
		cmocka_unit_test(a_debug_file_is_found_by_its_build_id),
		cmocka_unit_test(a_debug_file_of_another_build_is_passed_over),
		cmocka_unit_test(cxx_names_are_demangled),
		cmocka_unit_test(clones_keep_their_base_name),
		cmocka_unit_test(an_address_between_functions_has_no_name),
		cmocka_unit_test(a_replaced_or_deleted_object_gives_no_names),
		cmocka_unit_test(files_that_are_no_objects_give_no_names),
		cmocka_unit_test(the_cache_keeps_names_right_when_it_is_smaller_than_the_program),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
