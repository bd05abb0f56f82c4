/*
 * Opening and describing a trace: the public part of reel/trace.h but for verification, and the
 * look-ups of reader.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace_file.h"

/* Definitions and index may take this much memory in any file, and so many times the file's size in
 * a larger one; ids as many as the file has bytes, and these. */
#define DEFINITIONS_FREE ((uint64_t)16 << 20)
#define DEFINITIONS_RATIO 64u
#define IDS_FREE 65536u
#define IDS_MAX ((uint64_t)1 << 28)

static int open_file(struct reel_trace *trace, const char *path, struct reel_error *error)
{
	struct stat status;

	trace->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (trace->fd < 0 || fstat(trace->fd, &status)) {
		return reel_fail(error, errno == ENOENT ? REEL_ENOENT : REEL_EIO, "%s: %s", path,
			strerror(errno));
	}
	if (!S_ISREG(status.st_mode)) {
		return reel_fail(error, REEL_EFORMAT, "%s: not a Reel trace", path);
	}
	trace->size = (uint64_t)status.st_size;
	trace->id_limit =
		(uint32_t)(trace->size < IDS_MAX - IDS_FREE ? trace->size + IDS_FREE : IDS_MAX);
	trace->definition_limit = DEFINITIONS_FREE + trace->size * DEFINITIONS_RATIO;
	trace->definition_budget = trace->definition_limit;
	return REEL_OK;
}

/* Whether the first block is where it belongs: then a damaged file header matters little. */
static bool has_first_block(const struct reel_trace *trace)
{
	struct block_reader reader = {0};
	int status = block_read_header(trace, &reader, FILE_HEADER_SIZE);

	block_reader_deinit(&reader);
	return status == REEL_OK || status == REEL_EDAMAGED;
}

static int check_header(struct reel_trace *trace, struct reel_error *error)
{
	uint8_t bytes[FILE_HEADER_SIZE] = {0};
	enum file_header_state state;
	int status = file_read(trace, 0, bytes, sizeof(bytes));

	if (status == REEL_EIO) {
		return reel_fail(error, status, "%s: %s", trace->path, strerror(errno));
	}
	state = file_header_get(bytes, &trace->version_major, &trace->version_minor);
	if (state == FILE_HEADER_NEWER) {
		return reel_fail(error, REEL_EVERSION,
			"%s: version %u.%u of the trace format is newer than this program's %u.%u",
			trace->path, trace->version_major, trace->version_minor, FORMAT_MAJOR,
			FORMAT_MINOR);
	}
	trace->header_damaged = state != FILE_HEADER_GOOD;
	if (trace->header_damaged && !has_first_block(trace)) {
		return reel_fail(error, REEL_EFORMAT, "%s: not a Reel trace", trace->path);
	}
	return REEL_OK;
}

/* Functions that have a site, and so, but for events that were filtered out again, those with
 * events: for a file whose end does not tell. */
static int count_functions(struct reel_trace *trace)
{
	uint8_t *seen = calloc((size_t)trace->functions.count + 1, 1);

	if (!seen) {
		return REEL_ENOMEM;
	}
	for (uint32_t i = 0; i < trace->sites.count; i++) {
		const struct site *site = trace->sites.items[i];
		uint32_t function = site ? site->function : NO_ID;

		if (function < trace->functions.count && !seen[function]) {
			seen[function] = 1;
			trace->function_with_events_count++;
		}
	}
	free(seen);
	return REEL_OK;
}

static void sum_up(struct reel_trace *trace)
{
	struct reel_trace_info *info = &trace->info;
	uint64_t first, last;

	for (size_t i = 0; i < trace->event_block_count; i++) {
		const struct event_block_info *block = &trace->event_blocks[i];

		info->before += block->before;
		info->after += block->after;
		info->abort += block->abort;
		info->repaired += block->repaired;
		info->undelivered += block->undelivered;
		info->lost += block->lost;
		info->max_depth =
			block->max_depth > info->max_depth ? block->max_depth : info->max_depth;
	}
	info->events = info->before + info->after + info->abort;
	info->streams = trace->streams.count;
	info->functions = trace->function_with_events_count;
	if (trace_span(trace, &first, &last)) {
		info->duration_ns =
			trace_ticks_to_ns(trace, last) - trace_ticks_to_ns(trace, first);
	}
	info->bytes = trace->size;
	info->blocks = trace->block_count;
	info->version_major = trace->version_major;
	info->version_minor = trace->version_minor;
	info->complete = trace->complete;
}

static int load(struct reel_trace *trace, const char *path, struct reel_error *error)
{
	int status = open_file(trace, path, error);

	if (!status) {
		status = check_header(trace, error);
	}
	if (!status) {
		status = trace_list_blocks(trace, error);
	}
	if (!status) {
		status = trace_load_definitions(trace, error);
	}
	if (!status && !trace->complete) {
		trace->function_with_events_count = 0;
		if (count_functions(trace)) {
			return reel_fail(error, REEL_ENOMEM, "%s: out of memory", path);
		}
	}
	if (!status && trace_find_span(trace)) {
		return reel_fail(error, REEL_ENOMEM, "%s: out of memory", path);
	}
	if (!status) {
		sum_up(trace);
	}
	return status;
}

int reel_trace_open(const char *path, struct reel_trace **trace, struct reel_error *error)
{
	struct reel_trace *made = calloc(1, sizeof(*made));
	int status;

	*trace = NULL;
	if (!made) {
		return reel_fail(error, REEL_ENOMEM, "%s: out of memory", path);
	}
	made->fd = -1;
	made->path = strdup(path);
	made->blobs = blob_cache_create();
	if (!made->path || !made->blobs) {
		status = reel_fail(error, REEL_ENOMEM, "%s: out of memory", path);
	} else {
		status = load(made, path, error);
	}
	if (status) {
		reel_trace_close(made);
		return status;
	}
	*trace = made;
	return REEL_OK;
}

void reel_trace_close(struct reel_trace *trace)
{
	if (!trace) {
		return;
	}
	trace_unload_definitions(trace);
	blob_cache_destroy(trace->blobs);
	trace_forget_blocks(trace);
	if (trace->fd >= 0) {
		close(trace->fd);
	}
	free(trace->path);
	free(trace);
}

void reel_trace_describe(const struct reel_trace *trace, struct reel_trace_info *info)
{
	*info = trace->info;
}

const char *reel_trace_metadata(const struct reel_trace *trace)
{
	return trace->metadata;
}

const char *reel_trace_producer(const struct reel_trace *trace)
{
	return trace->producer;
}

uint32_t reel_trace_function_count(const struct reel_trace *trace)
{
	return trace->functions.count;
}

const struct reel_function *reel_trace_function(const struct reel_trace *trace, uint32_t id)
{
	return table_get(&trace->functions, id);
}

uint32_t reel_trace_stream_count(const struct reel_trace *trace)
{
	return trace->streams.count;
}

const struct reel_stream_info *reel_trace_stream(const struct reel_trace *trace, uint32_t index)
{
	return table_get(&trace->streams, index);
}

uint32_t trace_event_block_count(const struct reel_trace *trace)
{
	return (uint32_t)trace->event_block_count;
}

const struct event_block_info *trace_event_block(const struct reel_trace *trace, uint32_t index)
{
	return index < trace->event_block_count ? &trace->event_blocks[index] : NULL;
}

const struct site *trace_site(const struct reel_trace *trace, uint32_t id)
{
	return table_get(&trace->sites, id);
}

uint32_t trace_site_count(const struct reel_trace *trace)
{
	return trace->sites.count;
}

uint32_t trace_module_count(const struct reel_trace *trace)
{
	return trace->modules.count;
}

const struct reel_module *trace_module_at(const struct reel_trace *trace, uint32_t index)
{
	return table_get(&trace->modules, index);
}

const struct reel_module *trace_module(const struct reel_trace *trace, uint32_t id)
{
	uint32_t first = 0, last = trace->modules.count;

	while (first < last) {
		uint32_t middle = first + (last - first) / 2;
		const struct reel_module *module = trace->modules.items[middle];

		if (module->id == id) {
			return module;
		}
		if (module->id < id) {
			first = middle + 1;
		} else {
			last = middle;
		}
	}
	return NULL;
}

uint32_t trace_object_count(const struct reel_trace *trace)
{
	return trace->objects.count;
}

const struct object *trace_object(const struct reel_trace *trace, uint32_t index)
{
	return table_get(&trace->objects, index);
}

enum clock_kind trace_clock_kind(const struct reel_trace *trace)
{
	return trace->clock_kind;
}

uint64_t trace_ticks_to_ns(const struct reel_trace *trace, uint64_t ticks)
{
	return clock_ns(&trace->clock, ticks);
}

void trace_clock_at(const struct reel_trace *trace, uint64_t ticks, struct clock_stretch *stretch)
{
	clock_stretch_at(&trace->clock, ticks, stretch);
}
