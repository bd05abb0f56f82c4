/*
 * The modules of one replay; see modules.h.
 */
#include <stdlib.h>
#include <string.h>

#include "modules.h"
#include "reader.h"

static int by_id(const void *left, const void *right)
{
	const struct captured_module *a = left;
	const struct captured_module *b = right;

	return (a->base.id > b->base.id) - (a->base.id < b->base.id);
}

int module_set_init(struct module_set *set, const struct reel_trace *trace)
{
	/* Nothing is known of it, so nothing may be said of its memory but "not captured". */
	const struct reel_module unknown = {.id = REEL_NO_MODULE, .name = "", .has_memory = true};
	const uint32_t count = trace_module_count(trace);

	*set = (struct module_set){.trace = trace};
	captured_module_init(&set->unknown, &unknown);
	set->modules = calloc((size_t)count + 1, sizeof(*set->modules));
	if (!set->modules) {
		return REEL_ENOMEM;
	}
	for (uint32_t i = 0; i < count; i++) {
		const struct reel_module *definition = trace_module_at(trace, i);

		if (definition) {
			captured_module_init(&set->modules[set->count++], definition);
		}
	}
	qsort(set->modules, set->count, sizeof(*set->modules), by_id);
	return 0;
}

void module_set_deinit(struct module_set *set)
{
	module_set_release(set);
	free(set->modules);
	free(set->reads);
	free(set->globals);
	*set = (struct module_set){0};
}

static struct captured_module *find(struct module_set *set, uint32_t id)
{
	struct captured_module key = {.base = {.id = id}};
	struct captured_module *found;

	if (set->last && set->last->base.id == id) {
		return set->last;
	}
	found = bsearch(&key, set->modules, set->count, sizeof(key), by_id);
	if (!found) {
		found = &set->unknown;
		found->base.id = id;
	}
	set->last = found;
	return found;
}

static int reserve(struct module_set *set, const struct event_capture *capture)
{
	if (capture->read_count > set->read_capacity) {
		void *reads = reallocarray(set->reads, capture->read_count, sizeof(*set->reads));

		if (!reads) {
			return REEL_ENOMEM;
		}
		set->reads = reads;
		set->read_capacity = capture->read_count;
	}
	if (capture->global_count > set->global_capacity) {
		void *globals =
			reallocarray(set->globals, capture->global_count, sizeof(*set->globals));

		if (!globals) {
			return REEL_ENOMEM;
		}
		set->globals = globals;
		set->global_capacity = capture->global_count;
	}
	return 0;
}

/* Adds a read with its bytes, which the capture then owns. */
static int add_read(struct module_set *set, const struct event_read *read)
{
	struct reel_captured_read *to = &set->reads[set->capture.read_count];
	uint8_t *bytes = NULL;
	size_t size = 0;

	if (read->blob != NO_ID) {
		int status = trace_blob(set->trace, read->blob, &bytes, &size);

		if (status == REEL_ENOMEM) {
			return status;
		}
		if (status < 0 || size < read->length) {
			free(bytes);
			return 0;
		}
	}
	*to = (struct reel_captured_read){
		.offset = read->offset,
		.length = read->length,
		.bytes = bytes,
	};
	set->capture.read_count++;
	return 0;
}

static int fill(struct module_set *set, const struct event_capture *capture)
{
	int status = reserve(set, capture);

	if (status < 0) {
		return status;
	}
	set->capture = (struct reel_capture){
		.has_memory_size = capture->has_memory_size,
		.memory_size_bytes = capture->memory_size_bytes,
		.globals = set->globals,
		.global_count = capture->global_count,
		.reads = set->reads,
	};
	for (uint32_t i = 0; i < capture->global_count; i++) {
		set->globals[i].index = capture->globals[i].index;
		memcpy(set->globals[i].words, capture->globals[i].words,
			sizeof(set->globals[i].words));
	}
	for (uint32_t i = 0; i < capture->read_count && status == 0; i++) {
		status = add_read(set, &capture->reads[i]);
	}
	return status;
}

int module_set_take(struct module_set *set, uint32_t id, const struct event_capture *capture,
	struct reel_module **module)
{
	struct captured_module *found;

	if (id == NO_ID && !capture) {
		*module = NULL;
		return 0;
	}
	found = find(set, id);
	*module = &found->base;
	if (!capture) {
		return 0;
	}
	set->filled = found;
	found->capture = &set->capture;
	return fill(set, capture);
}

void module_set_release_capture(struct module_set *set)
{
	for (size_t i = 0; i < set->capture.read_count; i++) {
		free((void *)(uintptr_t)set->reads[i].bytes);
	}
	set->capture.read_count = 0;
	set->filled->capture = NULL;
	set->filled = NULL;
}
