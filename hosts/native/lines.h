/*
 * Lines: where in the source the functions of an object are declared, from its DWARF.
 *
 * Only the list of compilation units is read at first; a unit is read when a function of it is
 * asked for.
 */
#ifndef REEL_NATIVE_LINES_H
#define REEL_NATIVE_LINES_H

#include <libelf.h>
#include <stdbool.h>
#include <stdint.h>

struct lines;

/* Reads the debug information in `elf`, which is borrowed. NULL when there is none, or no memory.
 */
struct lines *lines_open(Elf *elf);
void lines_close(struct lines *lines);

/*
 * The declaration of the function that starts at `address`, else the source line of the instruction
 * there. `file` is valid as long as `lines`.
 */
bool lines_at(struct lines *lines, uint64_t address, const char **file, uint32_t *line);

#endif
