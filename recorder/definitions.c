/*
 * The queue of definitions: a list with one node that was taken already, so that the two sides
 * never touch the same pointer but `next`.
 */
#include "definitions.h"

#include <stdlib.h>
#include <string.h>

static struct definition *definition_create(enum definition_kind kind, size_t text_size)
{
	struct definition *definition = calloc(1, sizeof(*definition) + text_size);

	if (definition) {
		definition->kind = kind;
	}
	return definition;
}

static size_t text_size(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

/* Copies a text to *end and moves *end behind it. NULL stays NULL. */
static const char *copy_text(char **end, const char *text)
{
	size_t size = text_size(text);
	char *copy = *end;

	if (!text) {
		return NULL;
	}
	memcpy(copy, text, size);
	*end += size;
	return copy;
}

struct definition *definition_of_function(const struct reel_function *function)
{
	struct definition *definition = definition_create(DEFINITION_FUNCTION, 0);

	if (definition) {
		definition->function = function;
	}
	return definition;
}

struct definition *definition_of_module(const struct reel_module *module)
{
	struct definition *definition =
		definition_create(DEFINITION_MODULE, text_size(module->name));
	char *end = (char *)(definition + 1);

	if (definition) {
		definition->module.id = module->id;
		definition->module.global_count = module->global_count;
		definition->module.has_memory = module->has_memory;
		definition->module.name = copy_text(&end, module->name);
	}
	return definition;
}

struct definition *definition_of_stream(uint32_t stream, const struct reel_stream_info *info)
{
	struct definition *definition = definition_create(
		DEFINITION_STREAM, text_size(info->name) + text_size(info->process));
	char *end = (char *)(definition + 1);

	if (definition) {
		definition->stream = stream;
		definition->info = *info;
		definition->info.name = copy_text(&end, info->name);
		definition->info.process = copy_text(&end, info->process);
	}
	return definition;
}

struct definition *definition_of_stream_end(uint32_t stream)
{
	struct definition *definition = definition_create(DEFINITION_STREAM_END, 0);

	if (definition) {
		definition->stream = stream;
	}
	return definition;
}

int definitions_init(struct definitions *definitions)
{
	struct definition *taken = definition_create(DEFINITION_FUNCTION, 0);

	definitions->tail = taken;
	definitions->taken = taken;
	return taken ? 0 : REEL_ENOMEM;
}

void definitions_deinit(struct definitions *definitions)
{
	struct definition *next;

	for (struct definition *i = definitions->taken; i; i = next) {
		/* Relaxed: both sides have ended. */
		next = atomic_load_explicit(&i->next, memory_order_relaxed);
		free(i);
	}
	definitions->tail = NULL;
	definitions->taken = NULL;
}

void definitions_push(struct definitions *definitions, struct definition *definition)
{
	/* [D] release, acquired by definitions_take(): whoever sees the definition sees all of it.
	 */
	atomic_store_explicit(&definitions->tail->next, definition, memory_order_release);
	definitions->tail = definition;
}

const struct definition *definitions_take(struct definitions *definitions)
{
	struct definition *taken = definitions->taken;
	/* [D] acquire, released by definitions_push(). */
	struct definition *next = atomic_load_explicit(&taken->next, memory_order_acquire);

	if (next) {
		definitions->taken = next;
		/* The producers' tail has moved on: they wrote `next` through it for the last time.
		 */
		free(taken);
	}
	return next;
}
