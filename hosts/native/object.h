/*
 * An object file of a recorded program: its function symbols, and where their source is.
 *
 * Symbols come from the file's own symbol table, else from its separate debug file, else from its
 * dynamic symbols. Debug information is looked for in the file, then in the separate one: by
 * build-id, then by .gnu_debuglink. Addresses are those of the file, which are offsets from the
 * load base.
 */
#ifndef REEL_NATIVE_OBJECT_H
#define REEL_NATIVE_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

struct object;

struct object_symbol {
	uint64_t address, size;
	const char *name; /* as linked, valid as long as the object */
};

/*
 * Opens the file at `path` if its build-id is the one given (NULL: any). Returns NULL when there is
 * no such object, or no memory.
 */
struct object *object_open(const char *path, const uint8_t *build_id, uint32_t build_id_size,
	const char *debug_directory);
void object_close(struct object *object);

/* The function whose code covers `address`. */
bool object_symbol_at(struct object *object, uint64_t address, struct object_symbol *symbol);

/* Where the function that starts at `address` is declared; `file` valid as long as the object. */
bool object_line_at(struct object *object, uint64_t address, const char **file, uint32_t *line);

#endif
