/*
 * Any bytes as blocks: an input says types, summaries and payloads, which get headers and checksums
 * that are right, so that what is behind the checksums is reached. Then everything that the reader
 * offers is asked of the trace.
 *
 * An input is a byte of flags (1: an index and an end; 2: codec numbers are the input's own), and
 * for each block: type, flags and codec, size of the summary, two bytes of the payload's size, two
 * of its size when decompressed (with flag 2), summary, payload. What is short is filled with what
 * is there.
 */
#include "fuzz.h"

#include "format/definition.h"
#include "format/reader.h"
#include "tests/format_image.h"

/* The rest of an input. */
struct input {
	const uint8_t *next, *end;
};

static uint8_t take_byte(struct input *input)
{
	return input->next < input->end ? *input->next++ : 0;
}

static const uint8_t *take(struct input *input, size_t *size)
{
	const uint8_t *bytes = input->next;
	size_t left = (size_t)(input->end - input->next);

	*size = *size < left ? *size : left;
	input->next += *size;
	return bytes;
}

static void add_block(struct image *image, struct input *input, bool own_codec)
{
	struct block_header header = {.type = take_byte(input)};
	uint8_t codec = take_byte(input);
	size_t summary_size = take_byte(input), stored_size = take_byte(input);
	const uint8_t *summary, *stored;

	stored_size |= (size_t)take_byte(input) << 8;
	header.flags = codec >> 4;
	if (own_codec) {
		header.codec = codec & 15;
		header.raw_size = take_byte(input);
		header.raw_size |= (uint32_t)take_byte(input) << 8;
	}
	summary = take(input, &summary_size);
	stored = take(input, &stored_size);
	header.summary_size = (uint16_t)summary_size;
	header.stored_size = (uint32_t)stored_size;
	if (!own_codec) {
		header.raw_size = header.stored_size;
	}
	image_add(image, header, summary, stored);
}

static void add_index_record(struct byte_buffer *raw, const struct image *image, size_t at)
{
	struct block_header header = image_block(image, at);
	struct byte_buffer fields = {0};

	buffer_varint(&fields, header.type);
	buffer_varint(&fields, header.flags);
	buffer_varint(&fields, at);
	buffer_varint(&fields, header.summary_size);
	buffer_bytes(&fields, image_summary(image, at), header.summary_size);
	record_append(raw, &fields);
	buffer_deinit(&fields);
}

/* Adds an index and an end that fit what is there. */
static void add_end(struct image *image)
{
	struct byte_buffer raw = {0};
	uint8_t end[END_PAYLOAD_SIZE] = {0};
	uint64_t event_blocks = 0;
	size_t index_offset = image->size;

	for (size_t at = FILE_HEADER_SIZE; at < index_offset;) {
		struct block_header header = image_block(image, at);

		add_index_record(&raw, image, at);
		event_blocks += header.type == BLOCK_EVENTS;
		at += (size_t)block_size(&header);
	}
	image_add_raw(image, BLOCK_INDEX, "\0\0", 2, raw.bytes, raw.size);
	store64(end + 8, index_offset);
	store64(end + 16, image->block_count + 1);
	store64(end + 24, event_blocks);
	store32(end + 48, BLOCK_HEADER_SIZE + END_PAYLOAD_SIZE);
	image_add_raw(image, BLOCK_END, NULL, 0, end, sizeof(end));
	buffer_deinit(&raw);
}

static uint64_t read_string(const char *string)
{
	return string ? strlen(string) : 0;
}

static uint64_t read_definitions(struct reel_trace *trace)
{
	uint64_t sum = read_string(reel_trace_metadata(trace));

	for (uint32_t i = 0; i < reel_trace_function_count(trace); i++) {
		const struct reel_function *function = reel_trace_function(trace, i);

		sum += read_string(function->name) + read_string(function->file);
		for (uint32_t p = 0; p < function->param_count; p++) {
			sum += function->param_types[p];
		}
	}
	for (uint32_t i = 0; i < trace_site_count(trace); i++) {
		const struct site *site = trace_site(trace, i);

		for (uint32_t f = 0; site && f < site->frame_count; f++) {
			sum += site->frames[f].pc;
		}
	}
	for (uint32_t i = 0; i < trace_module_count(trace); i++) {
		sum += trace_module(trace, trace_module_at(trace, i)->id) != NULL;
	}
	for (uint32_t i = 0; i < reel_trace_stream_count(trace); i++) {
		sum += read_string(reel_trace_stream(trace, i)->name);
	}
	for (uint32_t i = 0; i < trace_object_count(trace); i++) {
		const struct object *object = trace_object(trace, i);

		sum += object ? read_string(object->path) + object->build_id_size : 0;
	}
	return sum;
}

static uint64_t read_blob(struct reel_trace *trace, uint32_t id)
{
	uint8_t *bytes;
	size_t size;
	uint64_t sum = 0;

	if (trace_blob(trace, id, &bytes, &size) == REEL_OK) {
		sum = bytes[size] + (size ? bytes[size - 1] : 0u);
		free(bytes);
	}
	return sum;
}

static uint64_t read_event(struct reel_trace *trace, const struct event *event)
{
	uint64_t sum = trace_ticks_to_ns(trace, event->ticks) + event->function;

	for (uint32_t i = 0; i < event->value_count; i++) {
		sum += event->values[i];
	}
	for (uint32_t i = 0; event->capture && i < event->capture->global_count; i++) {
		sum += event->capture->globals[i].words[1];
	}
	for (uint32_t i = 0; event->capture && i < event->capture->read_count; i++) {
		sum += read_blob(trace, event->capture->reads[i].blob);
	}
	return sum;
}

static uint64_t read_events(struct reel_trace *trace, struct cursor *cursor, uint32_t index)
{
	struct event event = {0};
	uint64_t sum = 0;
	uint32_t count;
	const struct activation *calls;

	if (cursor_load(cursor, index, NULL)) {
		return 0;
	}
	calls = cursor_key_frame(cursor, &count);
	for (uint32_t i = 0; i < count; i++) {
		for (uint32_t w = 0; w < calls[i].param_count; w++) {
			sum += calls[i].params[w];
		}
	}
	while (cursor_next(cursor, &event) == REEL_OK) {
		sum += read_event(trace, &event);
	}
	return sum;
}

/* The same events in runs; cursor_next() has the rest. */
static uint64_t read_runs(struct reel_trace *trace, struct cursor *cursor, uint32_t index)
{
	struct event event = {0};
	const struct cursor_site *sites;
	const uint32_t *symbols;
	const uint64_t *ticks;
	uint32_t count, site_count;
	uint64_t sum = 0;

	if (cursor_load(cursor, index, NULL)) {
		return 0;
	}
	sites = cursor_sites(cursor, &site_count);
	do {
		while ((count = cursor_run(cursor, &symbols, &ticks)) != 0) {
			for (uint32_t i = 0; i < count; i++) {
				sum += ticks[i] + (symbols[i] ? sites[symbols[i] - 2].function : 0);
			}
		}
	} while (cursor_next(cursor, &event) == REEL_OK && (sum += read_event(trace, &event), 1));
	return sum;
}

static void read_trace(struct reel_trace *trace)
{
	uint64_t sum = read_definitions(trace);
	volatile uint64_t kept; /* so that nothing is read in vain */
	struct cursor *cursor;
	struct reel_error error;

	reel_trace_verify(trace, NULL, NULL, NULL, &error);
	if (cursor_create(trace, &cursor) == REEL_OK) {
		for (uint32_t i = 0; i < trace_event_block_count(trace); i++) {
			sum += read_events(trace, cursor, i);
			sum += read_runs(trace, cursor, i);
		}
		cursor_destroy(cursor);
	}
	sum += read_blob(trace, 0) + read_blob(trace, NO_ID);
	kept = sum;
	(void)kept;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct input input = {bytes, size ? bytes + size : bytes};
	uint8_t flags = take_byte(&input);
	struct memory_file file;
	struct image image;
	struct reel_trace *trace;
	struct reel_error error;

	image_start(&image);
	while (input.next < input.end) {
		add_block(&image, &input, flags & 2);
	}
	if (flags & 1) {
		add_end(&image);
	}
	memory_file_open(&file, image.bytes, image.size);
	if (reel_trace_open(file.path, &trace, &error) == REEL_OK) {
		read_trace(trace);
		reel_trace_close(trace);
	}
	memory_file_close(&file);
	image_free(&image);
	return 0;
}
