/*
 * Reading blocks: from an offset to a checked header and a decompressed payload, and the search
 * for the next block where one is damaged.
 */
#define _GNU_SOURCE /* memmem */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace_file.h"

/* Bytes that a search looks at in one go. */
#define SEARCH_SIZE ((size_t)64 << 10)

void block_reader_deinit(struct block_reader *reader)
{
	buffer_deinit(&reader->stored);
	buffer_deinit(&reader->raw);
	decompressor_deinit(&reader->decompressor);
}

int file_read(const struct reel_trace *trace, uint64_t offset, void *to, size_t size)
{
	uint8_t *next = to;

	if (offset > trace->size || size > trace->size - offset) {
		return REEL_END;
	}
	while (size) {
		ssize_t got = pread(trace->fd, next, size, (off_t)offset);

		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got <= 0) {
			return got < 0 ? REEL_EIO : REEL_END;
		}
		next += got;
		size -= (size_t)got;
		offset += (uint64_t)got;
	}
	return REEL_OK;
}

int block_read_header(const struct reel_trace *trace, struct block_reader *reader, uint64_t offset)
{
	uint8_t bytes[BLOCK_HEADER_SIZE];
	struct block_header *header = &reader->header;
	int status = file_read(trace, offset, bytes, sizeof(bytes));

	if (status) {
		return status;
	}
	if (!block_header_get(bytes, offset, header)) {
		return REEL_END;
	}
	status =
		file_read(trace, offset + BLOCK_HEADER_SIZE, reader->summary, header->summary_size);
	if (status) {
		return status;
	}
	if (!block_header_intact(bytes, reader->summary, header->summary_size)) {
		return REEL_END;
	}
	return block_size(header) <= trace->size - offset ? REEL_OK : REEL_EDAMAGED;
}

static int fail_block(const struct reel_trace *trace, const struct block_header *header, int status,
	const char *what, struct reel_error *error)
{
	return reel_fail(error, status, "%s: block %" PRIu32 " at byte %" PRIu64 ": %s",
		trace->path, header->number, header->offset, what);
}

int block_read_payload(
	const struct reel_trace *trace, struct block_reader *reader, struct reel_error *error)
{
	const struct block_header *header = &reader->header;
	uint64_t from = header->offset + BLOCK_HEADER_SIZE + header->summary_size;
	int status;

	reader->stored.size = reader->raw.size = 0;
	if (buffer_reserve(&reader->stored, header->stored_size) ||
		buffer_reserve(&reader->raw, header->raw_size)) {
		return fail_block(trace, header, REEL_ENOMEM, "out of memory", error);
	}
	status = file_read(trace, from, reader->stored.bytes, header->stored_size);
	if (status == REEL_END) {
		return fail_block(trace, header, REEL_EDAMAGED, "the file ends in it", error);
	}
	if (status) {
		return fail_block(trace, header, status, strerror(errno), error);
	}
	reader->stored.size = header->stored_size;
	if (payload_checksum(reader->stored.bytes, header->stored_size) != header->checksum) {
		return fail_block(trace, header, REEL_EDAMAGED, "checksum mismatch", error);
	}
	status = decompressor_run(&reader->decompressor, header->codec, reader->stored.bytes,
		header->stored_size, reader->raw.bytes, header->raw_size);
	if (status) {
		return fail_block(trace, header, status,
			status == REEL_ENOMEM ? "out of memory" : "it does not decompress", error);
	}
	reader->raw.size = header->raw_size;
	return REEL_OK;
}

int block_read(const struct reel_trace *trace, struct block_reader *reader, uint64_t offset,
	enum block_type type, struct reel_error *error)
{
	int status = block_read_header(trace, reader, offset);

	if (status == REEL_END) {
		return reel_fail(error, REEL_EDAMAGED,
			"%s: block at byte %" PRIu64 ": its header is damaged", trace->path,
			offset);
	}
	if (status == REEL_EIO) {
		return reel_fail(error, status, "%s: %s", trace->path, strerror(errno));
	}
	if (status) {
		return fail_block(trace, &reader->header, status, "the file ends in it", error);
	}
	if (reader->header.type != type) {
		return fail_block(trace, &reader->header, REEL_EDAMAGED,
			"another type than the index says", error);
	}
	return block_read_payload(trace, reader, error);
}

/* Looks for a block header whose marker begins in a piece of the file. */
static int find_in_piece(const struct reel_trace *trace, struct block_reader *reader,
	const uint8_t *bytes, size_t size, uint64_t offset, uint64_t *found)
{
	const uint8_t *next = bytes, *end = bytes + size;

	while ((next = memmem(next, (size_t)(end - next), block_marker, BLOCK_MARKER_SIZE))) {
		uint64_t at = offset + (uint64_t)(next - bytes);
		int status = block_read_header(trace, reader, at);

		if (status == REEL_OK || status == REEL_EDAMAGED) {
			*found = at;
			return REEL_OK;
		}
		if (status != REEL_END) {
			return status;
		}
		next++;
	}
	return REEL_END;
}

int find_block(const struct reel_trace *trace, struct block_reader *reader, uint64_t offset,
	uint64_t *found)
{
	uint8_t *bytes = malloc(SEARCH_SIZE);
	int status = bytes ? REEL_END : REEL_ENOMEM;

	*found = trace->size;
	while (status == REEL_END && offset < trace->size) {
		uint64_t left = trace->size - offset;
		size_t size = left < SEARCH_SIZE ? (size_t)left : SEARCH_SIZE;

		status = file_read(trace, offset, bytes, size);
		if (!status) {
			status = find_in_piece(trace, reader, bytes, size, offset, found);
		}
		if (size < SEARCH_SIZE) {
			break;
		}
		offset += size - (BLOCK_MARKER_SIZE - 1);
	}
	free(bytes);
	return status == REEL_END ? REEL_OK : status;
}
