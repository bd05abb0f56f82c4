/*
 * Copies of function definitions: one piece of memory with everything that a definition points to.
 * Measured first, then filled, by the same walk.
 */
#include "function_handle.h"

#include <stdlib.h>
#include <string.h>

/* Where the next part goes; with `base` NULL only counts. */
struct packer {
	unsigned char *base;
	size_t size;
};

/* A copy of `size` bytes, aligned for pointers. NULL stays NULL. */
static void *pack(struct packer *packer, const void *bytes, size_t size)
{
	size_t at = (packer->size + sizeof(void *) - 1) / sizeof(void *) * sizeof(void *);

	if (!bytes) {
		return NULL;
	}
	packer->size = at + size;
	if (!packer->base) {
		return NULL;
	}
	memcpy(packer->base + at, bytes, size);
	return packer->base + at;
}

static const char *pack_text(struct packer *packer, const char *text)
{
	return pack(packer, text, text ? strlen(text) + 1 : 0);
}

static const char *const *pack_texts(
	struct packer *packer, const char *const *texts, uint32_t count)
{
	const char **copies = pack(packer, texts, count * sizeof(*texts));

	for (uint32_t i = 0; texts && i < count; i++) {
		const char *copy = pack_text(packer, texts[i]);

		if (copies) {
			copies[i] = copy;
		}
	}
	return copies;
}

static void pack_definition(
	struct packer *packer, const struct reel_function *from, struct reel_function *to)
{
	to->module_name = pack_text(packer, from->module_name);
	to->name = pack_text(packer, from->name);
	to->debug_name = pack_text(packer, from->debug_name);
	to->import_module = pack_text(packer, from->import_module);
	to->import_name = pack_text(packer, from->import_name);
	to->export_names = pack_texts(packer, from->export_names, from->export_count);
	to->param_types = pack(packer, from->param_types, from->param_count);
	to->result_types = pack(packer, from->result_types, from->result_count);
	to->param_names = pack_texts(packer, from->param_names, from->param_count);
	to->result_names = pack_texts(packer, from->result_names, from->result_count);
	to->object = pack_text(packer, from->object);
	to->file = pack_text(packer, from->file);
}

/* The definition in the size that this library knows. */
static struct reel_function known_part(const struct reel_function *definition)
{
	struct reel_function known = {0};
	size_t size = definition->size < sizeof(known) ? definition->size : sizeof(known);

	memcpy(&known, definition, size);
	known.size = sizeof(known);
	known.source_offset_for_pc = NULL;
	return known;
}

struct function_handle *function_handle_create(const struct reel_function *definition)
{
	struct reel_function known = known_part(definition);
	struct packer packer = {.size = sizeof(struct function_handle)};
	struct reel_function measured = known;
	struct function_handle *handle;

	pack_definition(&packer, &known, &measured);
	handle = calloc(1, packer.size);
	if (!handle) {
		return NULL;
	}
	packer = (struct packer){(unsigned char *)handle, sizeof(*handle)};
	handle->definition = known;
	pack_definition(&packer, &known, &handle->definition);
	handle->param_words = reel_function_param_words(&handle->definition);
	handle->result_words = reel_function_result_words(&handle->definition);
	return handle;
}
