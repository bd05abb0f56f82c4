/*
 * An open trace from within: what its loader, cursor, blob cache and verifier share.
 *
 * Nothing in a file is trusted: offsets and sizes are checked against the file before they are
 * used, ids against a limit that grows with the file, and all definitions together against a
 * multiple of the file's size, so that what a trace takes in memory is bounded by what it is.
 */
#ifndef REEL_FORMAT_TRACE_FILE_H
#define REEL_FORMAT_TRACE_FILE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reel/trace.h>

#include "arena.h"
#include "block.h"
#include "bytes.h"
#include "clock.h"
#include "codec.h"
#include "definition.h"
#include "reader.h"

/* Records by number: NULL where one is missing. */
struct table {
	void **items;
	uint32_t count, capacity;
};

/* What every definition block has as its summary. */
struct record_range {
	uint32_t first, count;
};

struct definition_block {
	uint64_t offset;
	uint8_t type, flags;
};

struct blob_block {
	uint64_t offset;
	struct record_range range;
};

#define BLOB_CACHE_BLOCKS 8u

/* A block of blobs, decompressed: blob i of it is from starts[i] to starts[i + 1]. */
struct blob_cache_block {
	uint64_t used; /* when it was used last; 0: empty */
	uint64_t offset;
	uint8_t *bytes;
	uint32_t *starts;
};

struct blob_cache;

struct reel_trace {
	int fd;
	char *path;
	uint64_t size;
	uint16_t version_major, version_minor;
	bool header_damaged;
	bool complete;
	uint64_t block_count, index_block_count;
	uint64_t function_with_events_count;

	struct event_block_info *event_blocks;
	size_t event_block_count, event_block_capacity;
	struct definition_block *definition_blocks;
	size_t definition_block_count, definition_block_capacity;
	struct blob_block *blob_blocks;
	size_t blob_block_count, blob_block_capacity;

	uint32_t id_limit;          /* ids of functions, sites and the like are below */
	uint64_t definition_limit;  /* raw bytes of definitions and index */
	uint64_t definition_budget; /* what is left of the limit */
	struct arena arena;
	enum clock_kind clock_kind;
	const char *producer, *metadata;
	struct table functions, sites, modules, streams, objects, samples;
	struct clock clock;
	uint64_t first_ticks, last_ticks; /* of events; first > last: there are none */
	struct reel_trace_info info;
	struct blob_cache *blobs;
};

/* One block read from the file: header, summary and payload. */
struct block_reader {
	struct block_header header;
	uint8_t summary[SUMMARY_SIZE_MAX];
	struct byte_buffer stored, raw; /* the payload as stored; as it was before */
	struct decompressor decompressor;
};

void block_reader_deinit(struct block_reader *reader);

/*
 * Reads the header and summary at `offset`, checking them. REEL_END: there is no intact header;
 * REEL_EDAMAGED: there is one, but the file ends before the block does; REEL_EIO; or 0.
 */
int block_read_header(const struct reel_trace *trace, struct block_reader *reader, uint64_t offset);

/* Reads, checks and decompresses the block at `offset`. REEL_EDAMAGED and other failures with
 * *error filled; `type` is what the block has to be. */
int block_read(const struct reel_trace *trace, struct block_reader *reader, uint64_t offset,
	enum block_type type, struct reel_error *error);

/* The same for a block whose header has just been read. */
int block_read_payload(
	const struct reel_trace *trace, struct block_reader *reader, struct reel_error *error);

/* Reads `size` bytes at `offset`, all of them or failing: REEL_EIO (0 bytes more: REEL_END). */
int file_read(const struct reel_trace *trace, uint64_t offset, void *to, size_t size);

/* The offset of the first intact block header at or after `offset`; the file's size when there is
 * none. */
int find_block(const struct reel_trace *trace, struct block_reader *reader, uint64_t offset,
	uint64_t *found);

/* Looks at a block's type and summary and adds it to the trace's lists. REEL_EDAMAGED when the
 * summary makes no sense, REEL_ENOMEM, or 0. */
int trace_add_block(struct reel_trace *trace, uint8_t type, uint8_t flags, uint32_t number,
	uint64_t offset, const uint8_t *summary, size_t summary_size);

/* Lists all blocks: by the index when the file is whole, else by going from block to block. */
int trace_list_blocks(struct reel_trace *trace, struct reel_error *error);
void trace_forget_blocks(struct reel_trace *trace);

/* Reads the end block and checks it. REEL_END when there is none at the file's end. */
struct trace_end {
	uint64_t offset; /* of the end block */
	uint64_t repeated_offset, index_offset;
	uint64_t block_count, event_block_count, event_count, function_count;
};

int trace_read_end(
	const struct reel_trace *trace, struct block_reader *reader, struct trace_end *end);

/* Loads all definitions. REEL_ENOMEM, REEL_EIO or 0; damage only leaves gaps. */
int trace_load_definitions(struct reel_trace *trace, struct reel_error *error);
void trace_unload_definitions(struct reel_trace *trace);

/* Finds the first and the last event among the listed blocks. REEL_ENOMEM or 0. */
int trace_find_span(struct reel_trace *trace);

/* Decode a payload that was read, and forget it: REEL_EDAMAGED, REEL_ENOMEM, or 0. */
int trace_check_definitions(const struct reel_trace *trace, const struct block_reader *reader);
int trace_check_index(const struct reel_trace *trace, const struct block_reader *reader);
int blob_block_check(const struct block_reader *reader);

struct blob_cache *blob_cache_create(void);
void blob_cache_destroy(struct blob_cache *cache);

static inline void *table_get(const struct table *table, uint32_t id)
{
	return id < table->count ? table->items[id] : NULL;
}

#endif
