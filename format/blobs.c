/*
 * Blobs of an open trace: found by the id ranges of their blocks, a few of which are kept
 * decompressed. The cache is the only part of an open trace that changes, and has a lock.
 */
#include <stdlib.h>
#include <string.h>

#include "trace_file.h"

/* A larger block is read for one blob and not kept. */
#define CACHED_SIZE_MAX ((size_t)1 << 20)

struct blob_cache {
	pthread_mutex_t lock;
	uint64_t clock; /* counts uses */
	struct blob_cache_block blocks[BLOB_CACHE_BLOCKS];
	struct block_reader reader;
};

struct blob_cache *blob_cache_create(void)
{
	struct blob_cache *cache = calloc(1, sizeof(*cache));

	if (cache && pthread_mutex_init(&cache->lock, NULL)) {
		free(cache);
		return NULL;
	}
	return cache;
}

static void cache_block_free(struct blob_cache_block *block)
{
	free(block->bytes);
	free(block->starts);
	*block = (struct blob_cache_block){0};
}

void blob_cache_destroy(struct blob_cache *cache)
{
	if (!cache) {
		return;
	}
	for (unsigned i = 0; i < BLOB_CACHE_BLOCKS; i++) {
		cache_block_free(&cache->blocks[i]);
	}
	block_reader_deinit(&cache->reader);
	pthread_mutex_destroy(&cache->lock);
	free(cache);
}

/* The block that has a blob; NULL when it is lost. */
static const struct blob_block *find_blob_block(const struct reel_trace *trace, uint32_t id)
{
	size_t first = 0, last = trace->blob_block_count;

	while (first < last) {
		size_t middle = first + (last - first) / 2;
		const struct record_range *range = &trace->blob_blocks[middle].range;

		if (id < range->first) {
			last = middle;
		} else if (id - range->first >= range->count) {
			first = middle + 1;
		} else {
			return &trace->blob_blocks[middle];
		}
	}
	return NULL;
}

/* Finds where each blob of a decompressed block begins: count + 1 offsets. */
static int find_starts(const struct byte_buffer *raw, uint32_t count, uint32_t **starts)
{
	struct byte_view view = view_of(raw->bytes, raw->size);
	uint64_t start = 0;

	if (count > raw->size) {
		return REEL_EDAMAGED;
	}
	*starts = malloc(((size_t)count + 1) * sizeof(**starts));
	if (!*starts) {
		return REEL_ENOMEM;
	}
	for (uint32_t i = 0; i < count; i++) {
		(*starts)[i] = (uint32_t)start;
		start += view_varint32(&view);
	}
	(*starts)[count] = (uint32_t)start;
	if (view.failed || start != view_left(&view)) {
		free(*starts);
		*starts = NULL;
		return REEL_EDAMAGED;
	}
	for (uint32_t i = 0; i <= count; i++) {
		(*starts)[i] += (uint32_t)(view.next - raw->bytes);
	}
	return REEL_OK;
}

int blob_block_check(const struct block_reader *reader)
{
	struct byte_view summary = view_of(reader->summary, reader->header.summary_size);
	uint32_t *starts = NULL;
	uint32_t count;
	int status;

	view_varint32(&summary);
	count = view_varint32(&summary);
	status = summary.failed ? REEL_EDAMAGED : find_starts(&reader->raw, count, &starts);
	free(starts);
	return status;
}

/* Reads a block into a cache place; its memory goes over to the place. */
static int load_blob_block(const struct reel_trace *trace, const struct blob_block *block,
	struct blob_cache_block *place)
{
	struct block_reader *reader = &trace->blobs->reader;
	int status = block_read(trace, reader, block->offset, BLOCK_BLOBS, NULL);
	uint32_t *starts = NULL;

	if (!status) {
		status = find_starts(&reader->raw, block->range.count, &starts);
	}
	if (status) {
		return status;
	}
	cache_block_free(place);
	place->offset = block->offset;
	place->starts = starts;
	place->bytes = reader->raw.bytes;
	reader->raw = (struct byte_buffer){0};
	return REEL_OK;
}

/* The place that has the block already, or else the one to reuse. */
static struct blob_cache_block *find_place(struct blob_cache *cache, uint64_t offset)
{
	struct blob_cache_block *oldest = &cache->blocks[0];

	for (unsigned i = 0; i < BLOB_CACHE_BLOCKS; i++) {
		struct blob_cache_block *block = &cache->blocks[i];

		if (block->used && block->offset == offset) {
			return block;
		}
		if (block->used < oldest->used) {
			oldest = block;
		}
	}
	return oldest;
}

static int copy_blob(
	const struct blob_cache_block *block, uint32_t index, uint8_t **bytes, size_t *size)
{
	size_t length = block->starts[index + 1] - block->starts[index];
	uint8_t *copy = malloc(length + 1);

	if (!copy) {
		return REEL_ENOMEM;
	}
	memcpy(copy, block->bytes + block->starts[index], length);
	copy[length] = 0;
	*bytes = copy;
	*size = length;
	return REEL_OK;
}

int trace_blob(const struct reel_trace *trace, uint32_t id, uint8_t **bytes, size_t *size)
{
	const struct blob_block *block = find_blob_block(trace, id);
	struct blob_cache *cache = trace->blobs;
	struct blob_cache_block *place;
	int status = REEL_OK;

	if (!block) {
		return REEL_ENOENT;
	}
	pthread_mutex_lock(&cache->lock);
	place = find_place(cache, block->offset);
	if (!place->used || place->offset != block->offset) {
		status = load_blob_block(trace, block, place);
	}
	if (!status) {
		place->used = ++cache->clock;
		status = copy_blob(place, id - block->range.first, bytes, size);
		if (place->starts[block->range.count] > CACHED_SIZE_MAX) {
			cache_block_free(place);
		}
	}
	pthread_mutex_unlock(&cache->lock);
	return status;
}
