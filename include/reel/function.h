/*
 * Function definitions, which are also the stable handles of functions.
 *
 * A `const struct reel_function *` stays valid, and stays the same pointer for the same function,
 * as long as its module (live) or its trace (replay) is open. Everything in it is immutable while
 * it is shared, so any thread may read it.
 */
#ifndef REEL_FUNCTION_H
#define REEL_FUNCTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reel/value.h>

#ifdef __cplusplus
extern "C" {
#endif

/* `index` of a function that has none. */
#define REEL_NO_INDEX UINT32_MAX

/*
 * A definition. Strings are UTF-8 and NUL-terminated; a NULL string means "not known", an empty one
 * was given as empty. A host zeroes the struct, sets `size` and what it knows.
 */
struct reel_function {
	size_t size;    /* sizeof(struct reel_function): lets the struct grow */
	uint32_t id;    /* number in a trace; a recorder and a host's own definitions ignore it */
	uint32_t index; /* index in its module, imports first; native: number in the trace; or
			   REEL_NO_INDEX */
	const char *module_name; /* native: the base name of its object file */
	const char *name; /* from the name section, or the demangled symbol; empty when unnamed */
	const char *debug_name;    /* "module.name", or "module.$index" when unnamed; NULL:
				      reel_function_debug_name() makes it */
	const char *import_module; /* both NULL when the function is not imported */
	const char *import_name;
	const char *const *export_names;
	uint32_t export_count;
	uint32_t param_count; /* parameters; see reel_function_param_words() for words */
	uint32_t result_count;
	const uint8_t *param_types; /* enum reel_value_type each */
	const uint8_t *result_types;
	const char *const *param_names;  /* NULL, or param_count names */
	const char *const *result_names; /* NULL, or result_count names */
	bool is_host;                    /* implemented by the host, not by a module's own code */
	bool is_listened; /* a listener was chosen for it; one without makes no events but shows in
			     stacks */

	/* Native functions; 0 or NULL for others. */
	const char *object; /* path of the object file */
	uint64_t address;   /* first byte, as an offset from the object's load base */
	uint64_t code_size; /* bytes, 0 when not known */
	const char *file;   /* source file */
	uint32_t line;      /* line in it, from 1; 0 when not known */

	/*
	 * Source offset for a program counter: the byte offset in the module's code section
	 * (native: the pc minus the object's base) of the instruction at `pc`, which it must
	 * honour; 0 when not known. May be NULL. `host` is the host's own.
	 */
	uint64_t (*source_offset_for_pc)(const struct reel_function *function, uint64_t pc);
	void *host;
};

/* Words of all parameters, and of all results. */
REEL_API uint32_t reel_function_param_words(const struct reel_function *function);
REEL_API uint32_t reel_function_result_words(const struct reel_function *function);

/* function->source_offset_for_pc(), or 0 for a NULL function or callback. */
REEL_API uint64_t reel_function_source_offset(const struct reel_function *function, uint64_t pc);

/* Writes the debug name, made from module, name and index when the definition has none. Cut to
 * `size`; returns the full length. */
REEL_API size_t reel_function_debug_name(
	const struct reel_function *function, char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif
