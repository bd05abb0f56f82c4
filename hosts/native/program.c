/*
 * Finds and inspects the program to record; see program.h. Given a name or path, it promises that
 * what it lets pass takes a preloaded library, as far as the file itself can tell.
 */
#define _GNU_SOURCE
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <reel/native.h>

#include "debug_file.h"
#include "session.h"

/* The kernel reads so much of a script's first line, and follows so many interpreters. */
#define SCRIPT_LINE_MAX 256
#define SCRIPT_NESTING_MAX 5

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#else
#error "the hooks are not written for this machine"
#endif

/* ---- finding ---- */

/* 0 when `path` can be executed, else the errno that exec would give. */
static int executable(const char *path)
{
	struct stat status;

	if (stat(path, &status) != 0) {
		return errno;
	}
	if (!S_ISREG(status.st_mode)) {
		return S_ISDIR(status.st_mode) ? EISDIR : EACCES;
	}
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

static int refuse_path(const char *name, int number, int *exit_status, struct reel_error *error)
{
	bool missing = number == ENOENT || number == ENOTDIR;

	*exit_status = missing ? REEL_NATIVE_NOT_FOUND : REEL_NATIVE_NOT_EXECUTABLE;
	return reel_fail(error, missing ? REEL_ENOENT : REEL_EIO, "%s: %s", name, strerror(number));
}

/* PATH, or where the system's own programs are. The caller frees it. */
static char *search_path(void)
{
	const char *path = getenv("PATH");
	size_t size;
	char *otherwise;

	if (path) {
		return strdup(path);
	}
	size = confstr(_CS_PATH, NULL, 0);
	otherwise = malloc(size + 1);
	if (otherwise) {
		confstr(_CS_PATH, otherwise, size + 1);
	}
	return otherwise;
}

/* Looks in each directory of `list`, which it cuts up. Returns 0 and *found, or an errno. */
static int search(char *list, const char *name, char **found)
{
	int failure = ENOENT;
	char *directory;

	while ((directory = strsep(&list, ":"))) {
		if (asprintf(found, "%s/%s", directory[0] ? directory : ".", name) < 0) {
			*found = NULL;
			return ENOMEM;
		}
		int number = executable(*found);

		if (number == 0) {
			return 0;
		}
		failure = number == ENOENT || number == ENOTDIR ? failure : number;
		free(*found);
		*found = NULL;
	}
	return failure;
}

int program_find(const char *name, char **path, int *exit_status, struct reel_error *error)
{
	int number = ENOENT;

	*path = NULL;
	if (strchr(name, '/')) {
		number = executable(name);
		*path = number == 0 ? strdup(name) : NULL;
		number = number == 0 && !*path ? ENOMEM : number;
	} else if (name[0] != '\0') {
		char *list = search_path();

		number = list ? search(list, name, path) : ENOMEM;
		free(list);
	}
	if (number == ENOMEM) {
		*exit_status = REEL_NATIVE_FAILED;
		return reel_fail(error, REEL_ENOMEM, "out of memory");
	}
	return number == 0 ? 0 : refuse_path(name, number, exit_status, error);
}

/* ---- checking ---- */

/* A program that gains rights when it is executed ignores LD_PRELOAD. */
static int check_rights(const char *path, struct reel_error *error)
{
	struct stat status;
	const char *what = NULL;

	if (stat(path, &status) != 0) {
		return 0;
	}
	if (status.st_mode & S_ISUID) {
		what = "setuid";
	} else if ((status.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP)) {
		what = "setgid";
	} else if (getxattr(path, "security.capability", NULL, 0) > 0) {
		what = "privileged by file capabilities";
	}
	if (!what) {
		return 0;
	}
	return reel_fail(error, REEL_EINVAL,
		"%s is %s: the dynamic loader preloads nothing into it; record a copy without "
		"these rights",
		path, what);
}

static bool has_segment(Elf *elf, uint32_t type)
{
	size_t count = 0;
	GElf_Phdr segment;

	if (elf_getphdrnum(elf, &count) != 0) {
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		if (gelf_getphdr(elf, (int)i, &segment) && segment.p_type == type) {
			return true;
		}
	}
	return false;
}

/* True when the dynamic section has a string under `tag` that starts with `prefix`. */
static bool has_dynamic(Elf *elf, int64_t tag, const char *prefix)
{
	Elf_Scn *section = elf_file_section(elf, SHT_DYNAMIC, NULL);
	Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;
	GElf_Shdr header;
	GElf_Dyn entry;

	if (!data || !gelf_getshdr(section, &header)) {
		return false;
	}
	for (int i = 0; gelf_getdyn(data, i, &entry) && entry.d_tag != DT_NULL; i++) {
		const char *text = entry.d_tag == tag
					   ? elf_strptr(elf, header.sh_link, entry.d_un.d_val)
					   : NULL;

		if (text && strncmp(text, prefix, strlen(prefix)) == 0) {
			return true;
		}
	}
	return false;
}

static bool has_symbol(Elf *elf, uint32_t table, const char *name)
{
	Elf_Scn *section = elf_file_section(elf, table, NULL);
	Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;
	GElf_Shdr header;
	GElf_Sym symbol;

	if (!data || !gelf_getshdr(section, &header)) {
		return false;
	}
	for (int i = 0; gelf_getsym(data, i, &symbol); i++) {
		const char *found = elf_strptr(elf, header.sh_link, symbol.st_name);

		if (found && strcmp(found, name) == 0) {
			return true;
		}
	}
	return false;
}

/* The hook library's own variable is in a static program that has it linked in. */
static bool has_hooks_inside(Elf *elf)
{
	size_t size = 0;
	const char *bytes = elf_rawfile(elf, &size);

	return bytes &&
	       memmem(bytes, size, SESSION_ENVIRONMENT, sizeof(SESSION_ENVIRONMENT)) != NULL;
}

/* Without an interpreter nothing is preloaded, unless the file is the dynamic loader itself. */
static bool takes_no_preload(Elf *elf)
{
	return !has_segment(elf, PT_INTERP) && !has_dynamic(elf, DT_SONAME, "") &&
	       !has_hooks_inside(elf);
}

static bool has_address_sanitizer(Elf *elf)
{
	return has_dynamic(elf, DT_NEEDED, "libasan.so") ||
	       has_dynamic(elf, DT_NEEDED, "libclang_rt.asan") ||
	       has_symbol(elf, SHT_DYNSYM, "__asan_init") ||
	       has_symbol(elf, SHT_SYMTAB, "__asan_init");
}

static int check_elf(const char *path, Elf *elf, int *exit_status, struct reel_error *error)
{
	GElf_Ehdr header;

	if (!gelf_getehdr(elf, &header) || (header.e_type != ET_EXEC && header.e_type != ET_DYN)) {
		*exit_status = REEL_NATIVE_NOT_EXECUTABLE;
		return reel_fail(error, REEL_EINVAL, "%s: not an executable program", path);
	}
	if (gelf_getclass(elf) != ELFCLASS64) {
		return reel_fail(error, REEL_EINVAL,
			"%s is a 32-bit program: only 64-bit ones can be recorded", path);
	}
	if (header.e_machine != MACHINE) {
		return reel_fail(
			error, REEL_EINVAL, "%s is built for another machine than this", path);
	}
	if (takes_no_preload(elf)) {
		return reel_fail(error, REEL_EINVAL,
			"%s is static: nothing can be preloaded into it; link it dynamically, or "
			"with the hook library",
			path);
	}
	if (has_address_sanitizer(elf)) {
		return reel_fail(error, REEL_EINVAL,
			"%s is built with the address sanitizer, whose runtime must be loaded "
			"before all else; build it without -fsanitize=address",
			path);
	}
	return 0;
}

/* Reads the interpreter out of "#!INTERPRETER [ARGUMENT]"; false when it is no script. */
static bool script_interpreter(const char *path, char interpreter[SCRIPT_LINE_MAX + 1])
{
	char line[SCRIPT_LINE_MAX + 1] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t size = fd >= 0 ? pread(fd, line, SCRIPT_LINE_MAX, 0) : -1;

	if (fd >= 0) {
		close(fd);
	}
	if (size < 3 || strncmp(line, "#!", 2) != 0) {
		return false;
	}
	const char *begin = line + 2 + strspn(line + 2, " \t");
	size_t length = strcspn(begin, " \t\n");

	memcpy(interpreter, begin, length);
	interpreter[length] = '\0';
	return length > 0;
}

/* The machine's own words for a file that is neither a program nor a script: the shell runs it,
 * unless it is not even text. */
static int check_plain(const char *path, int *exit_status, struct reel_error *error)
{
	char bytes[SCRIPT_LINE_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t size = fd >= 0 ? pread(fd, bytes, sizeof(bytes), 0) : 0;

	if (fd >= 0) {
		close(fd);
	}
	if (size <= 0 || !memchr(bytes, '\0', (size_t)size)) {
		return 0;
	}
	*exit_status = REEL_NATIVE_NOT_EXECUTABLE;
	return reel_fail(error, REEL_EINVAL, "%s: %s", path, strerror(ENOEXEC));
}

static int check_file(const char *path, int *exit_status, struct reel_error *error)
{
	Elf *elf = elf_file_open(path);

	if (!elf) {
		return check_plain(path, exit_status, error);
	}
	int status = check_rights(path, error);

	status = status < 0 ? status : check_elf(path, elf, exit_status, error);
	elf_end(elf);
	return status;
}

int program_check(const char *path, int *exit_status, struct reel_error *error)
{
	char names[2][SCRIPT_LINE_MAX + 1];
	const char *file = path;

	*exit_status = REEL_NATIVE_FAILED;
	for (int i = 0; i < SCRIPT_NESTING_MAX && script_interpreter(file, names[i % 2]); i++) {
		file = names[i % 2];
		int number = executable(file);

		if (number != 0) {
			*exit_status = REEL_NATIVE_NOT_EXECUTABLE;
			return reel_fail(error, REEL_EIO, "%s: interpreter %s: %s", path, file,
				strerror(number));
		}
	}
	return check_file(file, exit_status, error);
}
