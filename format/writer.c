/*
 * The trace writer: see writer.h. Definitions are kept as encoded records, which are written when
 * an event block is and, all together, once more at the end; blobs are kept as hashes only.
 */
#include "writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "block.h"
#include "bytes.h"
#include "codec.h"
#include "definition.h"
#include "event_pack.h"
#include "hash_ids.h"
#include "output.h"

/* Raw bytes of a block of records, but for a single larger record; and of blobs that are gathered.
 */
#define RECORDS_SIZE ((size_t)1 << 20)
#define BLOBS_SIZE ((size_t)256 << 10)

/* Ids stay below this, so that id + 2 is a symbol and id + 1 a field. */
#define ID_LIMIT (UINT32_MAX - 16)

/* The kinds of records, in the order in which they are written. */
enum record_kind {
	RECORDS_MODULES,
	RECORDS_FUNCTIONS,
	RECORDS_SITES,
	RECORDS_STREAMS,
	RECORDS_OBJECTS,
	RECORDS_CLOCK,
	RECORDS_INDEX,
	RECORD_KINDS,
};

static const uint8_t record_types[RECORD_KINDS] = {
	[RECORDS_MODULES] = BLOCK_MODULES,
	[RECORDS_FUNCTIONS] = BLOCK_FUNCTIONS,
	[RECORDS_SITES] = BLOCK_SITES,
	[RECORDS_STREAMS] = BLOCK_STREAMS,
	[RECORDS_OBJECTS] = BLOCK_OBJECTS,
	[RECORDS_CLOCK] = BLOCK_CLOCK,
	[RECORDS_INDEX] = BLOCK_INDEX,
};

struct records {
	struct byte_buffer all;
	uint32_t count;
	size_t written_size; /* of `all` that is in the file */
	uint32_t written_count;
};

struct writer {
	struct output output;
	struct compressor compressor;
	enum reel_codec codec;
	struct reel_error error; /* sticky: status 0 while all is well */
	uint32_t block_count, event_block_count;
	uint64_t event_count;
	struct byte_buffer metadata; /* payload of the metadata block */
	struct records records[RECORD_KINDS];
	struct byte_buffer fields;      /* scratch: the record being encoded */
	struct byte_buffer raw, stored; /* scratch: the block being written */
	struct arena site_memory;
	const struct site **sites;
	uint32_t site_capacity;
	uint8_t *site_used; /* an event block names it */
	struct event_packer packer;
	struct hash_ids site_ids, blob_ids;
	uint32_t blob_count;
	struct byte_buffer blob_sizes, blob_bytes; /* not written yet */
	uint32_t blob_pending;
};

static int out_of_memory(struct writer *writer)
{
	return reel_fail(
		&writer->error, REEL_ENOMEM, "%s: out of memory", writer->output.temporary);
}

/* ---- blocks ---- */

/* Notes a block for the index. */
static int index_block(
	struct writer *writer, const struct block_header *header, const uint8_t *summary)
{
	struct records *index = &writer->records[RECORDS_INDEX];
	const uint64_t fields[] = {
		header->type, header->flags, header->offset, header->summary_size};
	int status = REEL_OK;

	writer->fields.size = 0;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]) && !status; i++) {
		status = buffer_varint(&writer->fields, fields[i]);
	}
	if (!status) {
		status = buffer_bytes(&writer->fields, summary, header->summary_size);
	}
	if (!status) {
		status = record_append(&index->all, &writer->fields);
	}
	index->count += !status;
	return status;
}

/* Compresses a payload behind the room for a header and the summary, in writer->stored. */
static int store_payload(struct writer *writer, struct block_header *header, const uint8_t *summary,
	const struct payload *payload, enum reel_codec codec)
{
	struct byte_buffer *stored = &writer->stored;
	size_t head_size = BLOCK_HEADER_SIZE + (size_t)header->summary_size;
	enum payload_codec used;

	stored->size = 0;
	if (buffer_reserve(stored, head_size)) {
		return REEL_ENOMEM;
	}
	memset(stored->bytes, 0, BLOCK_HEADER_SIZE);
	if (header->summary_size) {
		memcpy(stored->bytes + BLOCK_HEADER_SIZE, summary, header->summary_size);
	}
	stored->size = head_size;
	if (compressor_run(&writer->compressor, codec, payload, stored, &used)) {
		return REEL_ENOMEM;
	}
	header->codec = (uint8_t)used;
	header->raw_size = (uint32_t)payload->size;
	header->stored_size = (uint32_t)(stored->size - head_size);
	header->checksum = payload_checksum(stored->bytes + head_size, header->stored_size);
	return REEL_OK;
}

/* Writes a block. Every failure is sticky: the file may end in half a block. */
static int write_payload(struct writer *writer, struct block_header *header, const uint8_t *summary,
	const struct payload *payload, enum reel_codec codec)
{
	int status;

	if (payload->size > PAYLOAD_SIZE_MAX) {
		return reel_fail(&writer->error, REEL_ELIMIT, "%s: a block of %zu bytes",
			writer->output.temporary, payload->size);
	}
	header->number = writer->block_count;
	header->offset = writer->output.size;
	status = store_payload(writer, header, summary, payload, codec);
	if (!status && header->type != BLOCK_INDEX && header->type != BLOCK_END) {
		status = index_block(writer, header, summary);
	}
	if (status) {
		return out_of_memory(writer);
	}
	block_header_put(writer->stored.bytes, header, summary);
	status = output_write(
		&writer->output, writer->stored.bytes, writer->stored.size, &writer->error);
	writer->block_count += !status;
	return status;
}

static int write_block(struct writer *writer, struct block_header *header, const uint8_t *summary,
	const void *raw, size_t raw_size, enum reel_codec codec)
{
	const struct payload payload = {.bytes = raw, .size = raw_size};

	return write_payload(writer, header, summary, &payload, codec);
}

/* ---- records ---- */

/* Bytes of whole records from `from` on, about RECORDS_SIZE of them; counts them in *count. */
static size_t records_extent(const struct byte_buffer *all, size_t from, uint32_t *count)
{
	struct byte_view view = view_of(all->bytes + from, all->size - from);
	const uint8_t *first = view.next;

	*count = 0;
	while (view_left(&view) && (size_t)(view.next - first) < RECORDS_SIZE) {
		view_bytes(&view, view_varint(&view));
		++*count;
	}
	return (size_t)(view.next - first);
}

/* Writes records from byte `from`, number `first`, on. */
static int write_records(
	struct writer *writer, enum record_kind kind, size_t from, uint32_t first, uint8_t flags)
{
	const struct byte_buffer *all = &writer->records[kind].all;
	int status = REEL_OK;

	while (from < all->size && !status) {
		uint32_t count;
		size_t size = records_extent(all, from, &count);
		uint8_t summary[2 * VARINT_MAX];
		uint8_t *end = varint_put(varint_put(summary, first), count);
		struct block_header header = {.type = record_types[kind],
			.flags = flags,
			.summary_size = (uint16_t)(end - summary)};

		status = write_block(
			writer, &header, summary, all->bytes + from, size, writer->codec);
		from += size;
		first += count;
	}
	return status;
}

static int write_pending_records(struct writer *writer)
{
	int status = REEL_OK;

	for (unsigned kind = 0; kind < RECORDS_INDEX && !status; kind++) {
		struct records *records = &writer->records[kind];

		status = write_records(
			writer, kind, records->written_size, records->written_count, 0);
		records->written_size = records->all.size;
		records->written_count = records->count;
	}
	return status;
}

static int write_pending_blobs(struct writer *writer)
{
	uint8_t summary[2 * VARINT_MAX];
	uint8_t *end = varint_put(summary, writer->blob_count - writer->blob_pending);
	struct block_header header = {.type = BLOCK_BLOBS};
	int status;

	if (!writer->blob_pending) {
		return REEL_OK;
	}
	end = varint_put(end, writer->blob_pending);
	header.summary_size = (uint16_t)(end - summary);
	if (buffer_bytes(&writer->blob_sizes, writer->blob_bytes.bytes, writer->blob_bytes.size)) {
		return out_of_memory(writer);
	}
	status = write_block(writer, &header, summary, writer->blob_sizes.bytes,
		writer->blob_sizes.size, writer->codec);
	writer->blob_pending = 0;
	writer->blob_bytes.size = 0;
	writer->blob_sizes.size = 0;
	return status;
}

static int write_pending(struct writer *writer)
{
	int status = write_pending_blobs(writer);

	return status ? status : write_pending_records(writer);
}

/* ---- creation and end ---- */

static int write_metadata(struct writer *writer, uint8_t flags)
{
	struct block_header header = {.type = BLOCK_METADATA, .flags = flags};

	return write_block(writer, &header, NULL, writer->metadata.bytes, writer->metadata.size,
		writer->codec);
}

static int write_start(struct writer *writer, const struct writer_options *options)
{
	uint8_t header[FILE_HEADER_SIZE];
	int status;

	if (buffer_varint(&writer->metadata, options->clock) ||
		buffer_string(&writer->metadata, options->producer ? options->producer : "") ||
		buffer_string(&writer->metadata, options->metadata ? options->metadata : "")) {
		return out_of_memory(writer);
	}
	file_header_put(header);
	status = output_write(&writer->output, header, sizeof(header), &writer->error);
	return status ? status : write_metadata(writer, 0);
}

static void writer_free(struct writer *writer)
{
	compressor_deinit(&writer->compressor);
	for (unsigned kind = 0; kind < RECORD_KINDS; kind++) {
		buffer_deinit(&writer->records[kind].all);
	}
	buffer_deinit(&writer->metadata);
	buffer_deinit(&writer->fields);
	buffer_deinit(&writer->raw);
	buffer_deinit(&writer->stored);
	buffer_deinit(&writer->blob_sizes);
	buffer_deinit(&writer->blob_bytes);
	arena_deinit(&writer->site_memory);
	free(writer->sites);
	free(writer->site_used);
	event_packer_deinit(&writer->packer);
	hash_ids_deinit(&writer->site_ids);
	hash_ids_deinit(&writer->blob_ids);
	free(writer);
}

int writer_create(const char *path, const struct writer_options *options, struct writer **writer,
	struct reel_error *error)
{
	struct writer *made = calloc(1, sizeof(*made));
	int status;

	*writer = NULL;
	if (!made) {
		return reel_fail(error, REEL_ENOMEM, "%s: out of memory", path);
	}
	made->codec = options->codec;
	compressor_init(&made->compressor, options->codec_level);
	status = output_create(&made->output, path, error);
	if (!status && write_start(made, options)) {
		status = reel_fail(error, made->error.status, "%s", made->error.text);
		output_abandon(&made->output);
	}
	if (status) {
		writer_free(made);
		return status;
	}
	*writer = made;
	return REEL_OK;
}

/* How many functions have an event in the file. */
static int count_functions(const struct writer *writer, uint64_t *count)
{
	uint32_t function_count = writer->records[RECORDS_FUNCTIONS].count;
	uint8_t *has_events = calloc((size_t)function_count + 1, 1);

	*count = 0;
	if (!has_events) {
		return REEL_ENOMEM;
	}
	for (uint32_t i = 0; i < writer->records[RECORDS_SITES].count; i++) {
		uint32_t function = writer->sites[i]->function;

		if (writer->site_used[i] && function < function_count && !has_events[function]) {
			has_events[function] = 1;
			++*count;
		}
	}
	free(has_events);
	return REEL_OK;
}

static int write_end(struct writer *writer, uint64_t repeated_offset, uint64_t index_offset)
{
	uint8_t payload[END_PAYLOAD_SIZE];
	struct block_header header = {.type = BLOCK_END};
	uint64_t function_count;

	if (count_functions(writer, &function_count)) {
		return out_of_memory(writer);
	}
	store64(payload, repeated_offset);
	store64(payload + 8, index_offset);
	store64(payload + 16, writer->block_count + 1);
	store64(payload + 24, writer->event_block_count);
	store64(payload + 32, writer->event_count);
	store64(payload + 40, function_count);
	store32(payload + 48, BLOCK_HEADER_SIZE + END_PAYLOAD_SIZE);
	return write_block(writer, &header, NULL, payload, sizeof(payload), REEL_CODEC_NONE);
}

/* Everything behind the last event block. */
static int write_tail(struct writer *writer)
{
	uint64_t repeated_offset, index_offset;
	int status = write_pending(writer);

	repeated_offset = writer->output.size;
	if (!status) {
		status = write_metadata(writer, BLOCK_REPEATED);
	}
	for (unsigned kind = 0; kind < RECORDS_INDEX && !status; kind++) {
		status = write_records(writer, kind, 0, 0, BLOCK_REPEATED);
	}
	index_offset = writer->output.size;
	if (!status) {
		status = write_records(writer, RECORDS_INDEX, 0, 0, 0);
	}
	return status ? status : write_end(writer, repeated_offset, index_offset);
}

int writer_finish(struct writer *writer, struct reel_error *error)
{
	int status = writer->error.status;

	if (!status) {
		status = write_tail(writer);
	}
	if (status) {
		reel_fail(error, status, "%s", writer->error.text);
		output_close(&writer->output);
	} else {
		status = output_finish(&writer->output, error);
	}
	writer_free(writer);
	return status;
}

void writer_abandon(struct writer *writer)
{
	if (writer) {
		output_abandon(&writer->output);
		writer_free(writer);
	}
}

/* ---- definitions ---- */

/* Adds the record in writer->fields; its id is its number. */
static int add_record(struct writer *writer, enum record_kind kind, int status, uint32_t *id)
{
	struct records *records = &writer->records[kind];

	if (!status && records->count >= ID_LIMIT) {
		return REEL_ELIMIT;
	}
	if (!status) {
		status = record_append(&records->all, &writer->fields);
	}
	if (!status) {
		if (id) {
			*id = records->count;
		}
		records->count++;
	}
	return status;
}

int writer_define_function(
	struct writer *writer, const struct reel_function *function, uint32_t *id)
{
	writer->fields.size = 0;
	return writer->error.status ? writer->error.status
				    : add_record(writer, RECORDS_FUNCTIONS,
					      function_encode(&writer->fields, function), id);
}

int writer_define_module(struct writer *writer, const struct reel_module *module)
{
	writer->fields.size = 0;
	return writer->error.status ? writer->error.status
				    : add_record(writer, RECORDS_MODULES,
					      module_encode(&writer->fields, module), NULL);
}

int writer_define_stream(struct writer *writer, const struct reel_stream_info *stream)
{
	writer->fields.size = 0;
	return writer->error.status ? writer->error.status
				    : add_record(writer, RECORDS_STREAMS,
					      stream_encode(&writer->fields, stream), NULL);
}

int writer_define_object(struct writer *writer, uint64_t pid, const char *path,
	const uint8_t *build_id, size_t build_id_size, uint64_t base, uint64_t end)
{
	const struct object object = {.pid = pid,
		.path = path,
		.build_id = build_id,
		.build_id_size = build_id ? (uint32_t)build_id_size : 0,
		.base = base,
		.end = end};

	writer->fields.size = 0;
	return writer->error.status ? writer->error.status
				    : add_record(writer, RECORDS_OBJECTS,
					      object_encode(&writer->fields, &object), NULL);
}

int writer_clock_sample(
	struct writer *writer, uint64_t ticks, uint64_t monotonic_ns, uint64_t realtime_ns)
{
	const struct clock_sample sample = {ticks, monotonic_ns, realtime_ns};

	writer->fields.size = 0;
	return writer->error.status ? writer->error.status
				    : add_record(writer, RECORDS_CLOCK,
					      clock_sample_encode(&writer->fields, &sample), NULL);
}

static int grow_sites(struct writer *writer)
{
	uint32_t capacity = writer->site_capacity ? writer->site_capacity * 2 : 256;
	const struct site **sites;
	uint8_t *used;

	if (writer->records[RECORDS_SITES].count < writer->site_capacity) {
		return REEL_OK;
	}
	sites = realloc(writer->sites, capacity * sizeof(*sites));
	if (!sites) {
		return REEL_ENOMEM;
	}
	writer->sites = sites;
	used = realloc(writer->site_used, capacity);
	if (!used) {
		return REEL_ENOMEM;
	}
	memset(used + writer->site_capacity, 0, capacity - writer->site_capacity);
	writer->site_used = used;
	writer->site_capacity = capacity;
	return REEL_OK;
}

static const struct site *copy_site(struct arena *arena, const struct site *site)
{
	size_t frames_size = site->frame_count * sizeof(*site->frames);
	struct site *copy = arena_alloc(arena, sizeof(*copy));
	struct site_frame *frames = arena_alloc(arena, frames_size);

	if (!copy || !frames) {
		return NULL;
	}
	if (frames_size) {
		memcpy(frames, site->frames, frames_size);
	}
	*copy = *site;
	copy->frames = frames;
	return copy;
}

int writer_intern_site(struct writer *writer, const struct site *site, uint32_t *id)
{
	const struct site *copy;
	struct hash_id *place;
	int status;

	writer->fields.size = 0;
	if (writer->error.status) {
		return writer->error.status;
	}
	if (site_encode(&writer->fields, site) || grow_sites(writer)) {
		return REEL_ENOMEM;
	}
	place = hash_ids_find(&writer->site_ids, writer->fields.bytes, writer->fields.size);
	if (!place) {
		return REEL_ENOMEM;
	}
	if (place->id_plus_one) {
		*id = place->id_plus_one - 1;
		return REEL_OK;
	}
	copy = copy_site(&writer->site_memory, site);
	status = add_record(writer, RECORDS_SITES, copy ? REEL_OK : REEL_ENOMEM, id);
	if (!status) {
		writer->sites[*id] = copy;
		hash_ids_take(&writer->site_ids, place, *id);
	}
	return status;
}

const struct site *writer_site(const struct writer *writer, uint32_t id)
{
	return id < writer->records[RECORDS_SITES].count ? writer->sites[id] : NULL;
}

/* Gathers a blob for the next block of blobs. */
static int gather_blob(struct writer *writer, const void *bytes, size_t size)
{
	int status = buffer_reserve(&writer->blob_bytes, size);

	if (!status) {
		status = buffer_varint(&writer->blob_sizes, size);
	}
	if (!status) {
		buffer_bytes(&writer->blob_bytes, bytes, size);
		writer->blob_pending++;
		writer->blob_count++;
	}
	return status;
}

int writer_intern_blob(struct writer *writer, const void *bytes, size_t size, uint32_t *id)
{
	struct hash_id *place;
	int status = writer->error.status;

	if (status || size > BLOB_SIZE_MAX || writer->blob_count >= ID_LIMIT) {
		return status ? status : REEL_ELIMIT;
	}
	place = hash_ids_find(&writer->blob_ids, bytes, size);
	if (!place) {
		return REEL_ENOMEM;
	}
	if (place->id_plus_one) {
		*id = place->id_plus_one - 1;
		return REEL_OK;
	}
	status = gather_blob(writer, bytes, size);
	if (status) {
		return status;
	}
	*id = writer->blob_count - 1;
	hash_ids_take(&writer->blob_ids, place, *id);
	return writer->blob_bytes.size < BLOBS_SIZE ? REEL_OK : write_pending_blobs(writer);
}

/* ---- events ---- */

/* Packs a block into writer->raw; notes which sites have events. */
static int pack(struct writer *writer, struct event_block *block)
{
	const uint32_t *named;
	int status = REEL_ELIMIT;

	writer->raw.size = 0;
	if (event_block_bytes(block) <= EVENT_BLOCK_BYTES_MAX) {
		status = event_block_pack(&writer->packer, block, writer->sites,
			writer->records[RECORDS_SITES].count, &writer->raw);
	}
	if (status) {
		return status;
	}
	named = (const uint32_t *)(const void *)writer->packer.sites.bytes;
	for (size_t i = 0; i < writer->packer.sites.size / sizeof(*named); i++) {
		writer->site_used[named[i]] = 1;
	}
	return REEL_OK;
}

static int write_packed(struct writer *writer, struct event_block *block, enum reel_codec codec)
{
	uint8_t summary[SUMMARY_SIZE_MAX];
	struct block_header header = {.type = BLOCK_EVENTS};
	struct payload payload;
	int status = pack(writer, block);

	if (status) {
		return reel_fail(&writer->error, status, "%s: a block of events: %s",
			writer->output.temporary, reel_status_str(status));
	}
	header.summary_size = (uint16_t)event_summary_put(summary, block);
	payload = (struct payload){
		writer->raw.bytes, writer->raw.size, writer->packer.cuts, writer->packer.cut_count};
	return write_payload(writer, &header, summary, &payload, codec);
}

int writer_write_events(struct writer *writer, struct event_block *block, enum reel_codec codec)
{
	int status = writer->error.status;

	if (!status && block->count) {
		status = write_pending(writer);
	}
	if (!status && block->count) {
		status = write_packed(writer, block, codec);
		if (!status) {
			writer->event_block_count++;
			writer->event_count += block->before + block->after + block->abort;
		}
	}
	event_block_begin(block, block->stream);
	return status;
}

uint64_t writer_bytes(const struct writer *writer)
{
	return writer->output.size;
}

const char *writer_error(const struct writer *writer)
{
	return writer->error.text;
}
