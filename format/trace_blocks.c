/*
 * The list of a trace's blocks: from the index of a whole file, else by going from block to block,
 * and searching for the next where one is damaged.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "event_pack.h"
#include "trace_file.h"

/* Makes room for one more item in an array that doubles. */
static int grow(void **items, size_t *capacity, size_t count, size_t item_size)
{
	size_t wanted = *capacity ? *capacity * 2 : 64;
	void *grown;

	if (count < *capacity) {
		return REEL_OK;
	}
	grown = realloc(*items, wanted * item_size);
	if (!grown) {
		return REEL_ENOMEM;
	}
	*items = grown;
	*capacity = wanted;
	return REEL_OK;
}

static int add_event_block(
	struct reel_trace *trace, uint32_t number, uint64_t offset, struct byte_view *summary)
{
	struct event_block_info info = {.offset = offset, .number = number};

	if (!event_summary_get(summary, &info)) {
		return REEL_EDAMAGED;
	}
	if (trace->event_block_count == UINT32_MAX ||
		grow((void **)&trace->event_blocks, &trace->event_block_capacity,
			trace->event_block_count, sizeof(info))) {
		return REEL_ENOMEM;
	}
	trace->event_blocks[trace->event_block_count++] = info;
	return REEL_OK;
}

/* Blocks of blobs are in the order of their ids. */
static int add_blob_block(struct reel_trace *trace, uint64_t offset, struct byte_view *summary)
{
	struct blob_block block = {.offset = offset};
	uint64_t least = 0;

	block.range.first = view_varint32(summary);
	block.range.count = view_varint32(summary);
	if (trace->blob_block_count) {
		const struct record_range *last =
			&trace->blob_blocks[trace->blob_block_count - 1].range;

		least = (uint64_t)last->first + last->count;
	}
	if (summary->failed || block.range.first < least) {
		return REEL_EDAMAGED;
	}
	if (grow((void **)&trace->blob_blocks, &trace->blob_block_capacity, trace->blob_block_count,
		    sizeof(block))) {
		return REEL_ENOMEM;
	}
	trace->blob_blocks[trace->blob_block_count++] = block;
	return REEL_OK;
}

static int add_definition_block(
	struct reel_trace *trace, uint8_t type, uint8_t flags, uint64_t offset)
{
	if (grow((void **)&trace->definition_blocks, &trace->definition_block_capacity,
		    trace->definition_block_count, sizeof(*trace->definition_blocks))) {
		return REEL_ENOMEM;
	}
	trace->definition_blocks[trace->definition_block_count++] =
		(struct definition_block){.offset = offset, .type = type, .flags = flags};
	return REEL_OK;
}

int trace_add_block(struct reel_trace *trace, uint8_t type, uint8_t flags, uint32_t number,
	uint64_t offset, const uint8_t *summary, size_t summary_size)
{
	struct byte_view view = view_of(summary, summary_size);

	trace->block_count++;
	switch (type) {
	case BLOCK_EVENTS:
		return add_event_block(trace, number, offset, &view);
	case BLOCK_BLOBS:
		return add_blob_block(trace, offset, &view);
	case BLOCK_METADATA:
	case BLOCK_FUNCTIONS:
	case BLOCK_MODULES:
	case BLOCK_STREAMS:
	case BLOCK_OBJECTS:
	case BLOCK_SITES:
	case BLOCK_CLOCK:
		return add_definition_block(trace, type, flags, offset);
	default:
		return REEL_OK; /* index, end, and what a newer minor version may have */
	}
}

void trace_forget_blocks(struct reel_trace *trace)
{
	free(trace->event_blocks);
	free(trace->definition_blocks);
	free(trace->blob_blocks);
	trace->event_blocks = NULL;
	trace->definition_blocks = NULL;
	trace->blob_blocks = NULL;
	trace->event_block_capacity = 0;
	trace->definition_block_capacity = 0;
	trace->blob_block_capacity = 0;
	trace->block_count = 0;
	trace->index_block_count = 0;
	trace->event_block_count = 0;
	trace->definition_block_count = 0;
	trace->blob_block_count = 0;
}

/* ---- by the index ---- */

int trace_read_end(
	const struct reel_trace *trace, struct block_reader *reader, struct trace_end *end)
{
	uint8_t tail[4];
	uint32_t size;
	int status;

	if (trace->size < FILE_HEADER_SIZE + BLOCK_HEADER_SIZE + END_PAYLOAD_SIZE) {
		return REEL_END;
	}
	status = file_read(trace, trace->size - sizeof(tail), tail, sizeof(tail));
	size = load32(tail);
	if (status || size < BLOCK_HEADER_SIZE + END_PAYLOAD_SIZE ||
		size > trace->size - FILE_HEADER_SIZE) {
		return status ? status : REEL_END;
	}
	end->offset = trace->size - size;
	status = block_read(trace, reader, end->offset, BLOCK_END, NULL);
	if (status || block_size(&reader->header) != size || reader->raw.size < END_PAYLOAD_SIZE) {
		return status == REEL_ENOMEM || status == REEL_EIO ? status : REEL_END;
	}
	end->repeated_offset = load64(reader->raw.bytes);
	end->index_offset = load64(reader->raw.bytes + 8);
	end->block_count = load64(reader->raw.bytes + 16);
	end->event_block_count = load64(reader->raw.bytes + 24);
	end->event_count = load64(reader->raw.bytes + 32);
	end->function_count = load64(reader->raw.bytes + 40);
	return REEL_OK;
}

/* Adds the block of one index record, which must stand behind the ones before. */
static int add_index_record(struct reel_trace *trace, struct byte_view *fields, uint64_t *least)
{
	uint64_t type = view_varint(fields);
	uint64_t flags = view_varint(fields);
	uint64_t offset = view_varint(fields);
	uint64_t size = view_varint(fields);
	const uint8_t *summary = view_bytes(fields, size);

	if (!summary || size >= SUMMARY_SIZE_MAX || type > UINT8_MAX || flags > 15 ||
		offset < *least || offset >= trace->size) {
		return REEL_EDAMAGED;
	}
	*least = offset + 1;
	return trace_add_block(trace, (uint8_t)type, (uint8_t)flags, (uint32_t)trace->block_count,
		offset, summary, (size_t)size);
}

static int add_index_block(
	struct reel_trace *trace, const struct block_reader *reader, uint64_t *least)
{
	struct byte_view records = view_of(reader->raw.bytes, reader->raw.size);
	int status = REEL_OK;

	if (reader->raw.size > trace->definition_budget) {
		return REEL_EDAMAGED;
	}
	trace->definition_budget -= reader->raw.size;
	while (!status && view_left(&records)) {
		struct byte_view fields = view_part(&records, view_varint(&records));

		status = fields.failed ? REEL_EDAMAGED : add_index_record(trace, &fields, least);
	}
	return status;
}

int trace_check_index(const struct reel_trace *trace, const struct block_reader *reader)
{
	struct reel_trace scratch = {.size = trace->size, .definition_budget = UINT64_MAX};
	uint64_t least = FILE_HEADER_SIZE;
	int status = add_index_block(&scratch, reader, &least);

	trace_forget_blocks(&scratch);
	return status;
}

/* REEL_END, or damage, when the index cannot be used. */
static int list_by_index(struct reel_trace *trace, struct block_reader *reader)
{
	struct trace_end end;
	uint64_t least = FILE_HEADER_SIZE;
	int status = trace_read_end(trace, reader, &end);

	if (status) {
		return status;
	}
	for (uint64_t at = end.index_offset; at < end.offset && !status;) {
		status = block_read(trace, reader, at, BLOCK_INDEX, NULL);
		if (!status) {
			at += block_size(&reader->header);
			status = at <= end.offset ? add_index_block(trace, reader, &least)
						  : REEL_EDAMAGED;
			trace->index_block_count++;
		}
	}
	trace->block_count += trace->index_block_count + 1;
	if (!status && (trace->block_count != end.block_count ||
			       trace->event_block_count != end.event_block_count)) {
		return REEL_EDAMAGED;
	}
	trace->function_with_events_count = end.function_count;
	return status;
}

/* ---- by going from block to block ---- */

/* Lists the blocks up to the last whole one. Damage costs the blocks that it is in. */
static int list_by_scan(struct reel_trace *trace, struct block_reader *reader)
{
	uint64_t at = FILE_HEADER_SIZE;
	int status = REEL_OK;

	while (at < trace->size) {
		const struct block_header *header = &reader->header;

		status = block_read_header(trace, reader, at);
		if (status == REEL_END) {
			status = find_block(trace, reader, at + 1, &at);
			if (status) {
				break;
			}
			continue;
		}
		if (status == REEL_EDAMAGED) {
			return REEL_OK; /* the last block, cut short */
		}
		if (!status) {
			status = trace_add_block(trace, header->type, header->flags, header->number,
				at, reader->summary, header->summary_size);
		}
		if (status && status != REEL_EDAMAGED) {
			break;
		}
		at += block_size(header);
		status = REEL_OK;
	}
	return status;
}

int trace_list_blocks(struct reel_trace *trace, struct reel_error *error)
{
	struct block_reader reader = {0};
	uint64_t budget = trace->definition_budget;
	int status = list_by_index(trace, &reader);

	trace->complete = status == REEL_OK && !trace->header_damaged;
	if (status == REEL_END || status == REEL_EDAMAGED) {
		trace_forget_blocks(trace);
		trace->definition_budget = budget;
		status = list_by_scan(trace, &reader);
	}
	block_reader_deinit(&reader);
	if (status) {
		return reel_fail(error, status, "%s: %s", trace->path,
			status == REEL_EIO ? strerror(errno) : reel_status_str(status));
	}
	return REEL_OK;
}
