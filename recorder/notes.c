/*
 * What is read at one event; see notes.h. What finds no memory is not noted, and then was not
 * captured.
 */
#include "notes.h"

#include <stdlib.h>
#include <string.h>

/* Reads that a new one is compared with: listeners repeat themselves at once or not at all. */
#define REPEATS_MAX 16u

void notes_init(struct notes *notes)
{
	notes->reads = notes->own_reads;
	notes->globals = notes->own_globals;
	notes->read_count = 0;
	notes->read_capacity = NOTES_READS;
	notes->global_count = 0;
	notes->global_capacity = NOTES_GLOBALS;
	notes->bytes = 0;
	notes->has_memory_size = false;
	notes->memory_size_bytes = 0;
}

void notes_deinit(struct notes *notes)
{
	if (notes->reads != notes->own_reads) {
		free(notes->reads);
	}
	if (notes->globals != notes->own_globals) {
		free(notes->globals);
	}
}

bool notes_capture(const struct notes *notes, struct reel_capture *capture)
{
	*capture = (struct reel_capture){
		.has_memory_size = notes->has_memory_size,
		.memory_size_bytes = notes->memory_size_bytes,
		.globals = notes->globals,
		.global_count = notes->global_count,
		.reads = notes->reads,
		.read_count = notes->read_count,
	};
	return notes->has_memory_size || notes->global_count > 0 || notes->read_count > 0;
}

/* Twice as many items of `size` bytes as `*capacity`, out of an array that is `own` or allocated;
 * NULL when memory is short. */
static void *more(void *items, const void *own, uint32_t *capacity, size_t size)
{
	void *larger = realloc(items == own ? NULL : items, 2 * (size_t)*capacity * size);

	if (larger && items == own) {
		memcpy(larger, own, *capacity * size);
	}
	*capacity *= larger ? 2 : 1;
	return larger;
}

static bool is_noted(const struct notes *notes, const struct reel_captured_read *read)
{
	uint32_t first = notes->read_count > REPEATS_MAX ? notes->read_count - REPEATS_MAX : 0;

	for (uint32_t i = first; i < notes->read_count; i++) {
		const struct reel_captured_read *noted = &notes->reads[i];

		if (noted->offset == read->offset && noted->length == read->length &&
			!noted->bytes == !read->bytes) {
			return true;
		}
	}
	return false;
}

/* `bytes` NULL: out of range. */
static void note_read(struct notes *notes, uint64_t offset, uint64_t length, const void *bytes)
{
	const struct reel_captured_read read = {offset, length, bytes};
	uint64_t size = bytes ? length : 0;

	if (size > REEL_CAPTURE_BYTES_MAX - notes->bytes || is_noted(notes, &read)) {
		return;
	}
	if (notes->read_count == notes->read_capacity) {
		void *larger = more(notes->reads, notes->own_reads, &notes->read_capacity,
			sizeof(*notes->reads));

		if (!larger) {
			return;
		}
		notes->reads = larger;
	}
	notes->reads[notes->read_count++] = read;
	notes->bytes += size;
}

static void note_global(struct notes *notes, uint32_t index, const uint64_t words[2])
{
	for (uint32_t i = 0; i < notes->global_count; i++) {
		if (notes->globals[i].index == index) {
			return;
		}
	}
	if (notes->global_count == notes->global_capacity) {
		void *larger = more(notes->globals, notes->own_globals, &notes->global_capacity,
			sizeof(*notes->globals));

		if (!larger) {
			return;
		}
		notes->globals = larger;
	}
	notes->globals[notes->global_count++] =
		(struct reel_captured_global){index, {words[0], words[1]}};
}

/* ---- the module in front ---- */

static enum reel_read noting_memory_size(struct reel_module *base, uint64_t *size_bytes)
{
	const struct noting_module *noting = (const struct noting_module *)base;
	enum reel_read result = reel_module_memory_size(noting->module, size_bytes);

	if (result == REEL_READ_OK) {
		noting->notes->has_memory_size = true;
		noting->notes->memory_size_bytes = *size_bytes;
	}
	return result;
}

static enum reel_read noting_memory_read(
	struct reel_module *base, uint64_t offset, uint64_t length, const void **bytes)
{
	const struct noting_module *noting = (const struct noting_module *)base;
	enum reel_read result = reel_module_memory_read(noting->module, offset, length, bytes);

	if (result == REEL_READ_OK) {
		note_read(noting->notes, offset, length, *bytes ? *bytes : "");
	} else if (result == REEL_READ_OUT_OF_RANGE) {
		note_read(noting->notes, offset, length, NULL);
	}
	return result;
}

static enum reel_read noting_global_get(struct reel_module *base, uint32_t index, uint64_t words[2])
{
	const struct noting_module *noting = (const struct noting_module *)base;
	enum reel_read result = reel_module_global_get(noting->module, index, words);

	if (result == REEL_READ_OK) {
		note_global(noting->notes, index, words);
	}
	return result;
}

static const struct reel_module_ops noting_ops = {
	.memory_size = noting_memory_size,
	.memory_read = noting_memory_read,
	.global_get = noting_global_get,
};

struct reel_module *noting_module_init(
	struct noting_module *noting, struct reel_module *module, struct notes *notes)
{
	if (!module) {
		return NULL;
	}
	noting->base = *module;
	noting->base.ops = &noting_ops;
	noting->base.host = NULL;
	noting->module = module;
	noting->notes = notes;
	return &noting->base;
}
