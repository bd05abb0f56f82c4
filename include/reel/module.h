/*
 * Module instances: what listeners read from the host beyond the arguments.
 *
 * A module is passed with every event and is valid during that call; its id tells instances apart.
 * A module without memory answers REEL_READ_NO_MEMORY, it never crashes. In replay a module answers
 * from what was captured at that very event.
 */
#ifndef REEL_MODULE_H
#define REEL_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reel/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* `id` of a module when the host did not say which. */
#define REEL_NO_MODULE UINT32_MAX

enum reel_read {
	REEL_READ_OK = 0,
	REEL_READ_OUT_OF_RANGE = 1, /* the host itself could not have answered */
	REEL_READ_NOT_CAPTURED = 2, /* replay only: the live run did not keep these bytes */
	REEL_READ_NO_MEMORY = 3,    /* the module has no memory (or no such global) */
};

struct reel_module;

/* Any of these may be NULL: the answer is then that of a module without memory and globals. */
struct reel_module_ops {
	/* The linear memory's size in bytes. */
	enum reel_read (*memory_size)(struct reel_module *module, uint64_t *size_bytes);
	/* Lends `length` bytes at `offset`; *bytes is valid until the event's callbacks have
	 * returned. */
	enum reel_read (*memory_read)(
		struct reel_module *module, uint64_t offset, uint64_t length, const void **bytes);
	/* The value of global `index`: one word, or two for v128; `words` has room for two. */
	enum reel_read (*global_get)(struct reel_module *module, uint32_t index, uint64_t words[2]);
};

struct reel_module {
	uint32_t id; /* instance, unique in the host; REEL_NO_MODULE: unknown */
	uint32_t global_count;
	const char *name; /* may be empty or NULL */
	bool has_memory;
	const struct reel_module_ops *ops; /* may be NULL */
	void *host;
};

/* These accept a NULL module, NULL ops and NULL callbacks. */
REEL_API enum reel_read reel_module_memory_size(struct reel_module *module, uint64_t *size_bytes);
REEL_API enum reel_read reel_module_memory_read(
	struct reel_module *module, uint64_t offset, uint64_t length, const void **bytes);
REEL_API enum reel_read reel_module_global_get(
	struct reel_module *module, uint32_t index, uint64_t words[2]);

#ifdef __cplusplus
}
#endif

#endif
