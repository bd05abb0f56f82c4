/*
 * ELF files and the separate debug files that belong to them.
 *
 * Everything is read from local files; nothing is ever fetched.
 */
#ifndef REEL_NATIVE_DEBUG_FILE_H
#define REEL_NATIVE_DEBUG_FILE_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Opens an ELF file for reading, keeping no descriptor. NULL when it is none, or no regular file.
 * elf_end() frees it. */
Elf *elf_file_open(const char *path);

/* The build-id: its size, *bytes valid as long as `elf`; 0 when it has none. */
size_t elf_file_build_id(Elf *elf, const uint8_t **bytes);

/* The first section of this type, or of this name (either may be 0 or NULL). */
Elf_Scn *elf_file_section(Elf *elf, uint32_t type, const char *name);

/*
 * Opens the debug file of the object at `path`: DIRECTORY/.build-id/xx/rest.debug, or what
 * .gnu_debuglink names beside the object, in .debug beside it or under DIRECTORY. One that belongs
 * to another build is passed over. NULL when there is none.
 */
Elf *debug_file_open(const char *path, Elf *elf, const char *directory);

#endif
