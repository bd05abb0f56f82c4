/*
 * The definitions of an open trace: loaded from the repetition at the end when that is there, from
 * everywhere else when it is not whole.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace_file.h"

static int table_put(struct table *table, uint32_t id, void *item)
{
	if (id >= table->capacity) {
		uint32_t capacity = table->capacity ? table->capacity : 64;
		void **items;

		while (capacity <= id) {
			capacity *= 2;
		}
		items = realloc(table->items, capacity * sizeof(*items));
		if (!items) {
			return REEL_ENOMEM;
		}
		table->items = items;
		table->capacity = capacity;
	}
	while (table->count <= id) {
		table->items[table->count++] = NULL;
	}
	table->items[id] = item;
	return REEL_OK;
}

static void table_deinit(struct table *table)
{
	free(table->items);
	*table = (struct table){0};
}

/* One kind of definitions: where they go and how they are decoded. */
struct kind {
	struct table *table;
	size_t item_size;
};

static struct kind kind_of(struct reel_trace *trace, unsigned type)
{
	switch (type) {
	case BLOCK_FUNCTIONS:
		return (struct kind){&trace->functions, sizeof(struct reel_function)};
	case BLOCK_MODULES:
		return (struct kind){&trace->modules, sizeof(struct reel_module)};
	case BLOCK_STREAMS:
		return (struct kind){&trace->streams, sizeof(struct reel_stream_info)};
	case BLOCK_OBJECTS:
		return (struct kind){&trace->objects, sizeof(struct object)};
	case BLOCK_SITES:
		return (struct kind){&trace->sites, sizeof(struct site)};
	case BLOCK_CLOCK:
		return (struct kind){&trace->samples, sizeof(struct clock_sample)};
	default:
		return (struct kind){0};
	}
}

static int decode_item(
	struct byte_view *fields, struct arena *arena, unsigned type, uint32_t id, void *item)
{
	int status;

	switch (type) {
	case BLOCK_FUNCTIONS:
		status = function_decode(fields, arena, item);
		((struct reel_function *)item)->id = id;
		return status;
	case BLOCK_MODULES:
		return module_decode(fields, arena, item);
	case BLOCK_STREAMS:
		return stream_decode(fields, arena, item);
	case BLOCK_OBJECTS:
		return object_decode(fields, arena, item);
	case BLOCK_SITES:
		return site_decode(fields, arena, item);
	default:
		return clock_sample_decode(fields, item);
	}
}

static int load_record(
	struct reel_trace *trace, struct byte_view *fields, unsigned type, uint32_t id)
{
	struct kind kind = kind_of(trace, type);
	void *item = arena_alloc(&trace->arena, kind.item_size);
	int status = item ? decode_item(fields, &trace->arena, type, id, item) : REEL_ENOMEM;

	return status ? status : table_put(kind.table, id, item);
}

/* Decodes a block of records into the tables. */
static int load_records(struct reel_trace *trace, const struct block_reader *reader)
{
	struct byte_view summary = view_of(reader->summary, reader->header.summary_size);
	struct byte_view records = view_of(reader->raw.bytes, reader->raw.size);
	struct record_range range;
	int status = REEL_OK;

	range.first = view_varint32(&summary);
	range.count = view_varint32(&summary);
	if (summary.failed || range.first > trace->id_limit ||
		range.count > trace->id_limit - range.first) {
		return REEL_EDAMAGED;
	}
	for (uint32_t i = 0; i < range.count && !status; i++) {
		struct byte_view fields = view_part(&records, view_varint(&records));

		status = fields.failed ? REEL_EDAMAGED
				       : load_record(trace, &fields, reader->header.type,
						 range.first + i);
	}
	return !status && view_left(&records) ? REEL_EDAMAGED : status;
}

static int load_metadata(struct reel_trace *trace, const struct block_reader *reader)
{
	struct byte_view fields = view_of(reader->raw.bytes, reader->raw.size);
	uint64_t clock_kind = view_varint(&fields);
	const char *producer, *metadata;
	int status = string_decode(&fields, &trace->arena, &producer);

	if (!status) {
		status = string_decode(&fields, &trace->arena, &metadata);
	}
	if (status || clock_kind > CLOCK_HOST || !producer || !metadata) {
		return status ? status : REEL_EDAMAGED;
	}
	trace->clock_kind = (enum clock_kind)clock_kind;
	trace->producer = producer;
	trace->metadata = metadata;
	return REEL_OK;
}

static int load_payload(struct reel_trace *trace, const struct block_reader *reader)
{
	return reader->header.type == BLOCK_METADATA ? load_metadata(trace, reader)
						     : load_records(trace, reader);
}

int trace_check_definitions(const struct reel_trace *trace, const struct block_reader *reader)
{
	struct reel_trace scratch = {.id_limit = trace->id_limit};
	int status = REEL_EDAMAGED;

	if (reader->raw.size <= trace->definition_limit) {
		status = load_payload(&scratch, reader);
	}
	trace_unload_definitions(&scratch);
	return status;
}

static int load_block(
	struct reel_trace *trace, struct block_reader *reader, const struct definition_block *block)
{
	int status = block_read_header(trace, reader, block->offset);

	if (status || reader->header.type != block->type ||
		reader->header.raw_size > trace->definition_budget) {
		return status < 0 ? status : REEL_EDAMAGED;
	}
	trace->definition_budget -= reader->header.raw_size;
	status = block_read_payload(trace, reader, NULL);
	if (status) {
		return status;
	}
	return load_payload(trace, reader);
}

/* Loads the repeated definitions, or all but those. Damage is passed over and counted. */
static int load_blocks(struct reel_trace *trace, bool repeated, size_t *loaded, size_t *damaged)
{
	struct block_reader reader = {0};
	int status = REEL_OK;

	for (size_t i = 0; i < trace->definition_block_count; i++) {
		const struct definition_block *block = &trace->definition_blocks[i];

		if (((block->flags & BLOCK_REPEATED) != 0) != repeated) {
			continue;
		}
		status = load_block(trace, &reader, block);
		if (status && status != REEL_EDAMAGED) {
			break;
		}
		*loaded += !status;
		*damaged += status == REEL_EDAMAGED;
		status = REEL_OK;
	}
	block_reader_deinit(&reader);
	return status;
}

/* ---- what follows from the definitions ---- */

/* A function whose definition is lost: it has a name, so that people can tell it from others. */
static int name_lost_function(struct reel_trace *trace, uint32_t id)
{
	struct reel_function *function = arena_alloc(&trace->arena, sizeof(*function));
	char name[32];
	int length = snprintf(name, sizeof(name), "function #%u", id);

	if (!function) {
		return REEL_ENOMEM;
	}
	function->size = sizeof(*function);
	function->id = id;
	function->index = REEL_NO_INDEX;
	function->is_listened = true;
	function->name = arena_copy(&trace->arena, name, (size_t)length);
	function->debug_name = function->name;
	return function->name ? table_put(&trace->functions, id, function) : REEL_ENOMEM;
}

/* The number of functions that are defined or named by a site. */
static uint32_t named_functions(const struct reel_trace *trace)
{
	uint32_t count = trace->functions.count;

	for (uint32_t i = 0; i < trace->sites.count; i++) {
		const struct site *site = trace->sites.items[i];

		if (!site) {
			continue;
		}
		if (site->function < trace->id_limit && site->function >= count) {
			count = site->function + 1;
		}
		for (uint32_t f = 0; f < site->frame_count; f++) {
			uint32_t function = site->frames[f].function;

			count = function < trace->id_limit && function >= count ? function + 1
										: count;
		}
	}
	return count;
}

static int name_lost_functions(struct reel_trace *trace)
{
	uint32_t count = named_functions(trace);
	int status = REEL_OK;

	for (uint32_t id = 0; id < count && !status; id++) {
		if (!table_get(&trace->functions, id)) {
			status = name_lost_function(trace, id);
		}
	}
	return status;
}

/* An item under its own id, which its first field but for `name` tells; later ones replace. */
struct keyed {
	uint32_t key, number;
	void *item;
};

static int by_key(const void *a, const void *b)
{
	const struct keyed *left = a, *right = b;

	if (left->key != right->key) {
		return left->key < right->key ? -1 : 1;
	}
	return (left->number > right->number) - (left->number < right->number);
}

static uint32_t module_key(const void *item)
{
	return ((const struct reel_module *)item)->id;
}

static uint32_t stream_key(const void *item)
{
	return ((const struct reel_stream_info *)item)->id;
}

/* Sorts a table by its items' own ids, leaving the last definition of each. */
static int sort_table(struct table *table, uint32_t (*key)(const void *item))
{
	struct keyed *keyed = malloc((table->count + 1u) * sizeof(*keyed));
	uint32_t count = 0, kept = 0;

	if (!keyed) {
		return REEL_ENOMEM;
	}
	for (uint32_t i = 0; i < table->count; i++) {
		if (table->items[i]) {
			keyed[count++] = (struct keyed){key(table->items[i]), i, table->items[i]};
		}
	}
	qsort(keyed, count, sizeof(*keyed), by_key);
	for (uint32_t i = 0; i < count; i++) {
		if (i + 1 == count || keyed[i + 1].key != keyed[i].key) {
			table->items[kept++] = keyed[i].item;
		}
	}
	table->count = kept;
	free(keyed);
	return REEL_OK;
}

static int build_clock(struct reel_trace *trace)
{
	struct clock_sample *samples = malloc((trace->samples.count + 1u) * sizeof(*samples));
	size_t count = 0;
	int status;

	if (!samples) {
		return REEL_ENOMEM;
	}
	for (uint32_t i = 0; i < trace->samples.count && trace->clock_kind == CLOCK_TSC; i++) {
		if (trace->samples.items[i]) {
			samples[count++] = *(struct clock_sample *)trace->samples.items[i];
		}
	}
	status = clock_build(&trace->clock, samples, count);
	free(samples);
	return status;
}

static int complete_definitions(struct reel_trace *trace)
{
	int status = name_lost_functions(trace);

	if (!status) {
		status = sort_table(&trace->modules, module_key);
	}
	if (!status) {
		status = sort_table(&trace->streams, stream_key);
	}
	return status ? status : build_clock(trace);
}

int trace_load_definitions(struct reel_trace *trace, struct reel_error *error)
{
	size_t loaded = 0, damaged = 0;
	int status = REEL_OK;

	trace->clock_kind = CLOCK_TSC;
	trace->producer = trace->metadata = "";
	if (trace->complete) {
		status = load_blocks(trace, true, &loaded, &damaged);
	}
	if (!status && (loaded == 0 || damaged)) {
		status = load_blocks(trace, false, &loaded, &damaged);
	}
	if (!status && !trace->complete) {
		status = load_blocks(trace, true, &loaded, &damaged);
	}
	if (!status) {
		status = complete_definitions(trace);
	}
	if (status) {
		return reel_fail(error, status, "%s: %s", trace->path,
			status == REEL_EIO ? strerror(errno) : "out of memory");
	}
	return REEL_OK;
}

void trace_unload_definitions(struct reel_trace *trace)
{
	table_deinit(&trace->functions);
	table_deinit(&trace->sites);
	table_deinit(&trace->modules);
	table_deinit(&trace->streams);
	table_deinit(&trace->objects);
	table_deinit(&trace->samples);
	clock_deinit(&trace->clock);
	arena_deinit(&trace->arena);
}
