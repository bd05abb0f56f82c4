/*
 * Golden traces: those of every version are read for ever, those with a named defect give the
 * status that belongs to it, and the worked example of FORMAT.md means what it says.
 *
 * The files stand in tests/golden and are never edited. With REEL_GOLDEN_WRITE=DIRECTORY in the
 * environment the program writes them there instead, for a new version or a new defect.
 */
#define _GNU_SOURCE /* strchrnul */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "format/writer.h"
#include "format_dump.h"
#include "format_image.h"

static const char *golden_path(const char *name)
{
	static char path[4096];
	const char *write_to = getenv("REEL_GOLDEN_WRITE");
	const char *source = getenv("SRC");

	snprintf(path, sizeof(path), "%s%s/%s",
		write_to ? write_to
		: source ? source
			 : ".",
		write_to ? "" : "/tests/golden", name);
	return path;
}

static char *read_text(const char *path)
{
	struct image image;

	image_load(&image, path);
	image_append(&image, "", 1);
	return (char *)image.bytes;
}

static void report(void *user, const char *line)
{
	(void)user;
	print_error("%s\n", line);
}

/* ---- whole traces of version 1 ---- */

static uint32_t blob(struct writer *writer, const char *text)
{
	uint32_t id;

	assert_int_equal(writer_intern_blob(writer, text, strlen(text), &id), 0);
	return id;
}

static void define(struct writer *writer)
{
	static const uint8_t types[] = {REEL_I32, REEL_V128};
	static const char *const names[] = {"size", NULL};
	static const char *const exports[] = {"memory.grow", "grow"};
	static const uint8_t build_id[] = {0xde, 0xad, 0xbe, 0xef};
	static const struct site_frame frames[] = {{2, 4096, 96}, {NO_ID, 77, 0}};
	const struct reel_function functions[] = {
		{.size = sizeof(functions[0]),
			.index = 0,
			.module_name = "guest",
			.name = "main",
			.is_listened = true,
			.result_count = 1,
			.result_types = types},
		{.size = sizeof(functions[0]),
			.index = 1,
			.module_name = "guest",
			.name = "grow",
			.debug_name = "guest.grow",
			.export_names = exports,
			.export_count = 2,
			.is_listened = true,
			.param_count = 2,
			.param_types = types,
			.param_names = names,
			.result_count = 1,
			.result_types = types},
		{.size = sizeof(functions[0]),
			.index = REEL_NO_INDEX,
			.name = "native(int)",
			.import_module = "env",
			.import_name = "native",
			.is_host = true,
			.object = "/usr/lib/native.so",
			.address = 4096,
			.code_size = 128,
			.file = "native.cc",
			.line = 17},
	};
	const struct reel_module module = {
		.id = 5, .name = "guest", .has_memory = true, .global_count = 2};
	const struct reel_stream_info streams[] = {
		{.id = 1, .name = "main", .process = "host", .pid = 10, .tid = 11},
		{.id = 3, .name = "worker", .process = "host", .pid = 10, .tid = 12}};
	const struct site sites[] = {
		{.function = 0, .module = 5, .pc = 1, .offset = 2, .detached = true},
		{.function = 1,
			.module = 5,
			.pc = 3,
			.offset = 4,
			.has_caller = true,
			.caller_pc = 9,
			.caller_offset = 10,
			.shown = 4,
			.frame_count = 2,
			.frames = frames}};
	uint32_t id;

	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(writer_define_function(writer, &functions[i], &id), 0);
	}
	assert_int_equal(writer_define_module(writer, &module), 0);
	assert_int_equal(writer_define_stream(writer, &streams[0]), 0);
	assert_int_equal(writer_define_stream(writer, &streams[1]), 0);
	assert_int_equal(writer_define_object(writer, 10, "/usr/lib/native.so", build_id,
				 sizeof(build_id), 0x7f0000000000, 0x7f0000001000),
		0);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(writer_intern_site(writer, &sites[i], &id), 0);
	}
}

static void append(struct event_block *block, struct event event)
{
	assert_int_equal(event_block_append(block, &event, 5), 0);
}

static struct event before(uint64_t ticks, const uint64_t *params)
{
	return (struct event){.kind = EVENT_BEFORE,
		.ticks = ticks,
		.site = params ? 1 : 0,
		.function = params ? 1 : 0,
		.module = 5,
		.values = params,
		.value_count = params ? 3 : 0};
}

static struct event after(uint64_t ticks, uint32_t function, const uint64_t *result)
{
	return (struct event){.kind = EVENT_AFTER,
		.ticks = ticks,
		.site = NO_ID,
		.function = function,
		.module = 5,
		.values = result,
		.value_count = 1};
}

/* Events of every kind, plain ones and those with everything that one may have. */
static void write_first_block(struct writer *writer, struct event_block *block)
{
	static const uint64_t params[] = {64, UINT64_MAX, 1};
	static const uint64_t more[] = {65, 3, 1ull << 63};
	static const struct event_global globals[] = {{1, {7, 8}}};
	const struct event_read reads[] = {
		{1024, 5, blob(writer, "bytes")}, {1ull << 40, 8, NO_ID}};
	const struct event_capture capture = {.has_memory_size = true,
		.memory_size_bytes = 65536,
		.globals = globals,
		.global_count = 1,
		.reads = reads,
		.read_count = 2};
	struct event captured = before(1450, more);
	struct event other_module = after(1500, 1, params);

	captured.capture = &capture;
	other_module.module = NO_ID;
	append(block, (struct event){.kind = EVENT_CALL_BEGIN,
			      .ticks = 1000,
			      .text = blob(writer, "{\"call\":\"main\"}")});
	append(block, before(1050, NULL));
	append(block, before(1100, params));
	append(block, after(1150, 1, params));
	append(block, before(1400, more));
	append(block, captured);
	append(block, other_module);
	append(block, (struct event){.kind = EVENT_ABORT,
			      .ticks = 1550,
			      .function = 1,
			      .module = 5,
			      .error_kind = REEL_ABORT_ERROR,
			      .error = blob(writer, "out of memory"),
			      .error_full_length = 400});
	append(block, (struct event){.kind = EVENT_UNDELIVERED_AFTER,
			      .ticks = 1550,
			      .function = 1,
			      .module = NO_ID,
			      .values = more,
			      .value_count = 1});
	append(block, (struct event){.kind = EVENT_UNDELIVERED_ABORT,
			      .ticks = 1600,
			      .function = 2,
			      .module = 5,
			      .error_kind = REEL_ABORT_EXIT,
			      .error = NO_ID});
	append(block, (struct event){.kind = EVENT_GAP, .ticks = 900000, .lost = 12});
	append(block, before(900050, params));
}

static void write_second_block(struct event_block *block)
{
	static const uint64_t params[] = {64, UINT64_MAX, 1};
	const struct activation open[] = {
		{.site = 0, .module = 5, .ticks = 1050, .pc = 9, .offset = 10, .call_depth = 1},
		{.site = 1,
			.module = 5,
			.ticks = 900050,
			.pc = 3,
			.offset = 4,
			.call_depth = 1,
			.params = params,
			.param_count = 3}};

	assert_int_equal(event_block_open(block, &open[0]), 0);
	assert_int_equal(event_block_open(block, &open[1]), 0);
	append(block, after(900100, 1, params));
	append(block, (struct event){.kind = EVENT_ABORT,
			      .ticks = 900100,
			      .function = 0,
			      .module = 5,
			      .repaired = REEL_REASON_UNWOUND,
			      .error_kind = REEL_ABORT_REPAIRED,
			      .error = NO_ID});
	append(block, (struct event){.kind = EVENT_CALL_END, .ticks = 900100, .text = NO_ID});
}

static void write_golden(const char *path, enum reel_codec codec)
{
	const struct writer_options options = {.codec = codec,
		.clock = CLOCK_TSC,
		.producer = "golden",
		.metadata = "{\"engine\":\"none\"}"};
	struct event_block block;
	struct writer *writer;

	assert_int_equal(writer_create(path, &options, &writer, NULL), 0);
	define(writer);
	assert_int_equal(writer_clock_sample(writer, 1000, 50000, 1700000000000000000), 0);
	event_block_init(&block);
	assert_int_equal(event_block_begin(&block, 1), 0);
	write_first_block(writer, &block);
	assert_int_equal(writer_write_events(writer, &block, codec), 0);
	assert_int_equal(event_block_begin(&block, 1), 0);
	write_second_block(&block);
	assert_int_equal(writer_write_events(writer, &block, codec), 0);
	assert_int_equal(event_block_begin(&block, 3), 0);
	append(&block, before(2000, NULL));
	append(&block, after(2600, 0, &(uint64_t){0}));
	assert_int_equal(writer_write_events(writer, &block, codec), 0);
	event_block_deinit(&block);
	assert_int_equal(writer_clock_sample(writer, 901000, 350000, 1700000000000300000), 0);
	assert_int_equal(writer_finish(writer, NULL), 0);
}

static void check_golden(const char *name, enum reel_codec codec)
{
	const char *path = golden_path(name);
	struct reel_trace *trace;
	struct reel_error error;
	char *text, *expected;

	if (getenv("REEL_GOLDEN_WRITE")) {
		write_golden(path, codec);
	}
	if (reel_trace_open(path, &trace, &error)) {
		fail_msg("%s", error.text);
	}
	assert_int_equal(reel_trace_verify(trace, report, NULL, NULL, &error), REEL_OK);
	text = dump_trace(trace);
	assert_non_null(text);
	path = golden_path("v1/every-kind.txt");
	if (getenv("REEL_GOLDEN_WRITE") && codec == REEL_CODEC_NONE) {
		image_save(&(struct image){(uint8_t *)text, strlen(text), 0}, path);
	}
	expected = read_text(path);
	assert_string_equal(text, expected);
	free(expected);
	free(text);
	reel_trace_close(trace);
}

static void a_golden_trace_without_compression_is_read(void **state)
{
	check_golden("v1/every-kind-none.reel", REEL_CODEC_NONE);
}

static void a_golden_trace_with_zstd_is_read(void **state)
{
	check_golden("v1/every-kind-zstd.reel", REEL_CODEC_ZSTD);
}

static void a_golden_trace_with_lz4_is_read(void **state)
{
	check_golden("v1/every-kind-lz4.reel", REEL_CODEC_LZ4);
}

/* ---- the worked example ---- */

/* The lines between "```NAME" and "```", without these. NULL when there is no such place. */
static char *fenced_text(const char *page, const char *name)
{
	char opening[32];
	const char *start, *end;

	snprintf(opening, sizeof(opening), "\n```%s\n", name);
	start = strstr(page, opening);
	end = start ? strstr(start + strlen(opening), "\n```") : NULL;
	return end ? strndup(start + strlen(opening), (size_t)(end + 1 - start) - strlen(opening))
		   : NULL;
}

/* Makes bytes of lines of hexadecimal pairs; what is behind a semicolon is a comment. */
static void parse_hex(const char *text, struct image *image)
{
	while (*text) {
		const char *line_end = strchrnul(text, '\n');
		unsigned byte;
		int used;

		while (text < line_end && sscanf(text, " %2x%n", &byte, &used) == 1 &&
			text + used <= line_end) {
			image_append(image, &(uint8_t){(uint8_t)byte}, 1);
			text += used;
		}
		text += strspn(text, " ");
		assert_true(text == line_end || *text == ';');
		text = *line_end ? line_end + 1 : line_end;
	}
}

static void the_example_in_the_format_page_says_what_the_page_says(void **state)
{
	const char *source = getenv("SRC");
	char page_path[4096], path[] = "/tmp/reel-test-example-XXXXXX";
	struct image image = {0};
	struct reel_trace *trace;
	struct reel_error error;
	char *page, *hex, *expected, *text;

	snprintf(page_path, sizeof(page_path), "%s/format/FORMAT.md", source ? source : ".");
	page = read_text(page_path);
	hex = fenced_text(page, "hex");
	expected = fenced_text(page, "text");
	assert_non_null(hex);
	assert_non_null(expected);
	parse_hex(hex, &image);
	assert_true(image.size > 500);
	close(mkstemp(path));
	image_save(&image, path);
	image_free(&image);
	assert_int_equal(reel_trace_open(path, &trace, &error), REEL_OK);
	assert_int_equal(reel_trace_verify(trace, report, NULL, NULL, &error), REEL_OK);
	text = dump_trace(trace);
	assert_string_equal(text, expected);
	free(text);
	reel_trace_close(trace);
	unlink(path);
	free(expected);
	free(hex);
	free(page);
}

/* ---- traces with one defect ---- */

/* What a small trace is made of, uncompressed; records without their size. */
enum part {
	METADATA,
	FUNCTION_SUMMARY,
	FUNCTION,
	SITE_SUMMARY,
	SITE,
	STREAM,
	BLOB_SUMMARY,
	BLOBS,
	CLOCK_SAMPLE,
	EVENT_SUMMARY,
	EVENT_PAYLOAD, /* stands for all columns when it is set */
	COLUMN_1_SITES,
	COLUMN_2_SYMBOLS,
	COLUMN_3_TICKS,
	COLUMN_4_LONG_STEPS,
	COLUMN_5_KEY_FRAME,
	COLUMN_6_EXTRAS,
	COLUMN_7_VALUES,
	PARTS,
};

struct bytes {
	const char *bytes;
	size_t size;
};

#define BYTES(literal) \
	{ \
		literal, sizeof(literal) - 1 \
	}

/* Four events of one function that takes and returns an i32: before, before, after, after. */
static const struct bytes sound_parts[PARTS] = {
	[METADATA] = BYTES("\x02\x01\x01"),
	[FUNCTION_SUMMARY] = BYTES("\x00\x01"),
	[FUNCTION] = BYTES("\x02\x01\x00\x02"
			   "f\x00\x00\x00\x00\x01\x7f\x01\x7f\x00\x00\x00\x00\x00"),
	[SITE_SUMMARY] = BYTES("\x00\x01"),
	[SITE] = BYTES("\x00\x01\x00\x00\x00\x00\x00"),
	[STREAM] = BYTES("\x01\x00\x00\x01\x01"),
	[BLOB_SUMMARY] = BYTES("\x00\x02"),
	[BLOBS] = BYTES("\x01\x02"
			"abc"),
	[CLOCK_SAMPLE] = BYTES("\x64\x64\x64"),
	[EVENT_SUMMARY] = BYTES("\x01\x04\x64\x1e\x02\x02\x00\x00\x00\x00\x02\x00\x00"),
	[COLUMN_1_SITES] = BYTES("\x01\x00\x01\x00"),
	[COLUMN_2_SYMBOLS] = BYTES("\x01\x02\x02\x00\x00"),
	[COLUMN_3_TICKS] = BYTES("\x08\x0a\x00\x00\x01\x01\x01"),
	[COLUMN_7_VALUES] = BYTES("\x00\x01\x01\x02\x02\x02\x02\x04\x04"),
};

static void put(struct byte_buffer *to, struct bytes bytes)
{
	assert_int_equal(buffer_bytes(to, bytes.bytes, bytes.size), 0);
}

static void add_records(
	struct image *image, uint8_t type, struct bytes summary, struct bytes fields)
{
	struct byte_buffer raw = {0};

	buffer_varint(&raw, fields.size);
	put(&raw, fields);
	image_add_raw(image, type, summary.bytes, summary.size, raw.bytes, raw.size);
	buffer_deinit(&raw);
}

static void add_events(struct image *image, const struct bytes *parts)
{
	struct byte_buffer raw = {0};
	unsigned count = 0;

	for (unsigned part = COLUMN_1_SITES; part < PARTS; part++) {
		count += parts[part].size != 0;
	}
	buffer_varint(&raw, count);
	for (unsigned part = COLUMN_1_SITES; part < PARTS; part++) {
		if (parts[part].size) {
			buffer_varint(&raw, part - COLUMN_1_SITES + 1);
			buffer_varint(&raw, parts[part].size);
		}
	}
	for (unsigned part = COLUMN_1_SITES; part < PARTS; part++) {
		put(&raw, parts[part]);
	}
	if (parts[EVENT_PAYLOAD].size) {
		raw.size = 0;
		put(&raw, parts[EVENT_PAYLOAD]);
	}
	image_add_raw(image, BLOCK_EVENTS, parts[EVENT_SUMMARY].bytes, parts[EVENT_SUMMARY].size,
		raw.bytes, raw.size);
	buffer_deinit(&raw);
}

/* Adds an index of all blocks, `shift` being added to the last one's offset. */
static void add_index(struct image *image, int shift)
{
	struct byte_buffer raw = {0}, fields = {0};
	uint8_t summary[4] = {0, (uint8_t)image->block_count};
	size_t next;

	for (size_t at = FILE_HEADER_SIZE; at < image->size; at = next) {
		struct block_header header = image_block(image, at);

		next = at + (size_t)block_size(&header);
		fields.size = 0;
		buffer_varint(&fields, header.type);
		buffer_varint(&fields, header.flags);
		buffer_varint(&fields, at + (next == image->size ? (size_t)shift : 0));
		buffer_varint(&fields, header.summary_size);
		buffer_bytes(&fields, image_summary(image, at), header.summary_size);
		record_append(&raw, &fields);
	}
	image_add_raw(image, BLOCK_INDEX, summary, 2, raw.bytes, raw.size);
	buffer_deinit(&raw);
	buffer_deinit(&fields);
}

static void add_end(struct image *image, size_t index_offset, uint64_t event_count)
{
	uint8_t end[END_PAYLOAD_SIZE];

	store64(end, index_offset);
	store64(end + 8, index_offset);
	store64(end + 16, image->block_count + 1);
	store64(end + 24, 1);
	store64(end + 32, event_count);
	store64(end + 40, 1);
	store32(end + 48, BLOCK_HEADER_SIZE + END_PAYLOAD_SIZE);
	image_add_raw(image, BLOCK_END, NULL, 0, end, sizeof(end));
}

static void add_parts(struct image *image, const struct bytes *parts)
{
	image_start(image);
	image_add_raw(image, BLOCK_METADATA, NULL, 0, parts[METADATA].bytes, parts[METADATA].size);
	add_records(image, BLOCK_FUNCTIONS, parts[FUNCTION_SUMMARY], parts[FUNCTION]);
	add_records(image, BLOCK_SITES, parts[SITE_SUMMARY], parts[SITE]);
	add_records(image, BLOCK_STREAMS, (struct bytes)BYTES("\x00\x01"), parts[STREAM]);
	add_records(image, BLOCK_CLOCK, (struct bytes)BYTES("\x00\x01"), parts[CLOCK_SAMPLE]);
	image_add_raw(image, BLOCK_BLOBS, parts[BLOB_SUMMARY].bytes, parts[BLOB_SUMMARY].size,
		parts[BLOBS].bytes, parts[BLOBS].size);
	add_events(image, parts);
}

/* The whole trace, sound but for its parts. */
static void make_image(struct image *image, const struct bytes *parts)
{
	size_t index_offset;

	add_parts(image, parts);
	index_offset = image->size;
	add_index(image, 0);
	add_end(image, index_offset, 4);
}

/* Where the first block of a type is. */
static size_t find_type(const struct image *image, uint8_t type)
{
	size_t at = FILE_HEADER_SIZE;

	while (image_block(image, at).type != type) {
		struct block_header header = image_block(image, at);

		at += (size_t)block_size(&header);
	}
	return at;
}

/* A file whose defect is in one part; verification reports `line`. */
struct part_defect {
	const char *name;
	enum part part;
	struct bytes bytes;
	const char *line;
};

static const struct part_defect part_defects[] = {
	{"metadata-clock-unknown", METADATA, BYTES("\x09\x01\x01"), "its metadata make no sense"},
	{"metadata-string-beyond", METADATA, BYTES("\x02\x01\x7f"), "its metadata make no sense"},
	{"metadata-empty", METADATA, BYTES(""), "its metadata make no sense"},
	{"functions-count-beyond", FUNCTION_SUMMARY, BYTES("\x00\x02"),
		"its functions make no sense"},
	{"functions-count-less", FUNCTION_SUMMARY, BYTES("\x00\x00"),
		"its functions make no sense"},
	{"functions-ids-huge", FUNCTION_SUMMARY, BYTES("\xff\xff\xff\xff\x0f\x01"),
		"its functions make no sense"},
	{"functions-ids-wide", FUNCTION_SUMMARY, BYTES("\xff\xff\xff\xff\xff\xff\x0f\x01"),
		"its functions make no sense"},
	{"function-short", FUNCTION, BYTES("\x02\x01\x00"), "its functions make no sense"},
	{"function-name-beyond", FUNCTION,
		BYTES("\x02\x01\x00\xff\xff\xff\xff\x7f"
		      "f"),
		"its functions make no sense"},
	{"function-exports-huge", FUNCTION, BYTES("\x02\x01\x00\x00\x00\x00\x00\xff\xff\xff\x7f"),
		"its functions make no sense"},
	{"function-params-huge", FUNCTION,
		BYTES("\x02\x01\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\x0f\x7f"),
		"its functions make no sense"},
	{"site-short", SITE, BYTES("\x01\x01\x00"), "its sites make no sense"},
	{"site-frames-huge", SITE, BYTES("\x00\x01\x00\x00\x00\x00\xff\xff\xff\xff\x0f"),
		"its sites make no sense"},
	{"site-varint-endless", SITE, BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
		"its sites make no sense"},
	{"stream-without-name", STREAM, BYTES("\x01\x00\x00\x00\x01"), "its streams make no sense"},
	{"clock-short", CLOCK_SAMPLE, BYTES("\x64\x64"), "its clock make no sense"},
	{"blobs-beyond", BLOBS,
		BYTES("\x01\x7f"
		      "abc"),
		"its blobs make no sense"},
	{"blobs-count-huge", BLOB_SUMMARY, BYTES("\x00\xff\xff\xff\xff\x0f"),
		"its blobs make no sense"},
	{"events-count-huge", EVENT_SUMMARY,
		BYTES("\x01\xff\xff\xff\x7f\x64\x1e\x02\x02\x00\x00\x00\x00\x02\x00\x00"),
		"its summary makes no sense"},
	{"events-summary-short", EVENT_SUMMARY, BYTES("\x01\x04\x64"),
		"its summary makes no sense"},
	{"events-counts-wrong", EVENT_SUMMARY,
		BYTES("\x01\x04\x64\x1e\x03\x01\x00\x00\x00\x00\x02\x00\x00"),
		"its events are not those that its summary counts"},
	{"events-depth-wrong", EVENT_SUMMARY,
		BYTES("\x01\x04\x64\x1e\x02\x02\x00\x00\x00\x00\x09\x00\x00"),
		"its events are not those that its summary counts"},
	{"events-last-ticks-wrong", EVENT_SUMMARY,
		BYTES("\x01\x04\x64\x1f\x02\x02\x00\x00\x00\x00\x02\x00\x00"),
		"its events are not those that its summary counts"},
	{"payload-columns-huge", EVENT_PAYLOAD, BYTES("\xff\xff\xff\xff\x0f\x01\x01"),
		"its columns make no sense"},
	{"payload-column-beyond", EVENT_PAYLOAD, BYTES("\x01\x02\x7f\x01\x02\x02"),
		"its columns make no sense"},
	{"payload-bytes-left", EVENT_PAYLOAD, BYTES("\x01\x02\x01\x01\x02\x02"),
		"its columns make no sense"},
	{"payload-without-columns", EVENT_PAYLOAD, BYTES("\x00"), "its columns make no sense"},
	{"sites-count-huge", COLUMN_1_SITES, BYTES("\xff\xff\xff\xff\x0f\x00\x01\x00"),
		"its columns make no sense"},
	{"symbols-width-3", COLUMN_2_SYMBOLS, BYTES("\x03\x02\x02\x00\x00"),
		"its columns make no sense"},
	{"symbols-short", COLUMN_2_SYMBOLS, BYTES("\x01\x02\x02\x00"), "its columns make no sense"},
	{"symbol-unknown", COLUMN_2_SYMBOLS, BYTES("\x01\x02\x03\x00\x00"),
		"its events make no sense"},
	{"after-without-before", COLUMN_2_SYMBOLS, BYTES("\x01\x02\x00\x00\x02"),
		"its events make no sense"},
	{"ticks-bits-3", COLUMN_3_TICKS, BYTES("\x03\x0a\x00\x00\x01\x01\x01"),
		"its columns make no sense"},
	{"ticks-short", COLUMN_3_TICKS, BYTES("\x08\x0a\x00\x00\x01\x01"),
		"its columns make no sense"},
	{"long-step-missing", COLUMN_3_TICKS, BYTES("\x08\x0a\x00\x00\x01\xff\x01"),
		"its events make no sense"},
	{"key-frame-huge", COLUMN_5_KEY_FRAME, BYTES("\xff\xff\xff\xff\x0f\x01\x00\x00\x00\x00"),
		"its columns make no sense"},
	{"key-frame-short", COLUMN_5_KEY_FRAME, BYTES("\x01\x01\x00\x64\x00\x00\x01\x7f\x00"),
		"its columns make no sense"},
	{"extra-missing", COLUMN_2_SYMBOLS, BYTES("\x01\x02\x01\x00\x00"),
		"its events make no sense"},
	{"values-short", COLUMN_7_VALUES, BYTES("\x00\x01\x01\x01\x02\x02\x04\x04"),
		"its events make no sense"},
	{"values-beyond", COLUMN_7_VALUES, BYTES("\x00\x01\x01\x7f\x02\x02\x02\x04\x04"),
		"its columns make no sense"},
	{"values-words-huge", COLUMN_7_VALUES,
		BYTES("\x00\xff\xff\xff\xff\x0f\x01\x02\x02\x02\x02\x04\x04"),
		"its events make no sense"},
};

/* Extras stand in for the second event; each is "EXTRA what is wrong". */
static const struct part_defect extra_defects[] = {
	{"extra-size-beyond", COLUMN_6_EXTRAS, BYTES("\x7f\x02\x00\x00\x01\x01"),
		"its events make no sense"},
	{"extra-short", COLUMN_6_EXTRAS, BYTES("\x02\x02\x00"), "its events make no sense"},
	{"extra-reason-unknown", COLUMN_6_EXTRAS, BYTES("\x05\x02\x09\x00\x01\x01"),
		"its events make no sense"},
	{"extra-values-huge", COLUMN_6_EXTRAS,
		BYTES("\x0a\x02\x00\x02\x01\x01\xff\xff\xff\xff\x0f"), "its events make no sense"},
	{"extra-reads-huge", COLUMN_6_EXTRAS,
		BYTES("\x0c\x02\x00\x04\x01\x01\x00\x00\xff\xff\xff\xff\x0f"),
		"its events make no sense"},
	{"extra-globals-huge", COLUMN_6_EXTRAS,
		BYTES("\x0b\x02\x00\x04\x01\x01\x00\xff\xff\xff\xff\x0f"),
		"its events make no sense"},
	{"extra-error-kind-unknown", COLUMN_6_EXTRAS, BYTES("\x08\x02\x00\x08\x01\x01\x09\x00\x00"),
		"its events make no sense"},
	{"extra-abort-without-before", COLUMN_6_EXTRAS, BYTES("\x06\x01\x00\x08\x00\x00\x00"),
		"its events make no sense"},
};

struct seen_line {
	const char *expected;
	bool found;
};

static void look_for_line(void *user, const char *line)
{
	struct seen_line *seen = user;

	seen->found |= strstr(line, seen->expected) != NULL;
}

/* Checks, or writes, the file and that it gives these. `line` NULL: it is not even opened. */
static void check_bad(
	const struct image *image, const char *name, int open_status, const char *line)
{
	struct seen_line seen = {line, false};
	char file[128];
	const char *path;
	struct image golden;
	struct reel_trace *trace;
	struct reel_error error;
	int status;

	snprintf(file, sizeof(file), "bad/%s.reel", name);
	path = golden_path(file);
	if (getenv("REEL_GOLDEN_WRITE")) {
		image_save(image, path);
	}
	image_load(&golden, path);
	if (golden.size != image->size ||
		(image->size && memcmp(golden.bytes, image->bytes, image->size) != 0)) {
		fail_msg("%s: not the bytes that the defect is described by", path);
	}
	image_free(&golden);
	status = reel_trace_open(path, &trace, &error);
	if (status != open_status) {
		fail_msg("%s: opening gives %s", name, reel_status_str(status));
	}
	if (status) {
		return;
	}
	free(dump_trace(trace));
	status = reel_trace_verify(trace, look_for_line, NULL, &seen, &error);
	if (status != REEL_EDAMAGED || !seen.found) {
		reel_trace_verify(trace, report, NULL, NULL, &error);
		fail_msg("%s: verifying gives %s, \"%s\" %s", name, reel_status_str(status), line,
			seen.found ? "seen" : "not seen");
	}
	reel_trace_close(trace);
}

static void the_trace_that_bad_ones_are_made_of_is_sound(void **state)
{
	char path[] = "/tmp/reel-test-sound-XXXXXX";
	struct image image;
	struct reel_trace_info info;
	struct reel_trace *trace;
	struct reel_error error;

	close(mkstemp(path));
	make_image(&image, sound_parts);
	image_save(&image, path);
	image_free(&image);
	assert_int_equal(reel_trace_open(path, &trace, &error), REEL_OK);
	assert_int_equal(reel_trace_verify(trace, report, NULL, NULL, &error), REEL_OK);
	reel_trace_describe(trace, &info);
	assert_int_equal(info.events, 4);
	assert_int_equal(info.duration_ns, 30);
	reel_trace_close(trace);
	unlink(path);
}

static void a_defect_in_a_part_is_noticed(void **state)
{
	for (size_t i = 0; i < sizeof(part_defects) / sizeof(part_defects[0]); i++) {
		const struct part_defect *defect = &part_defects[i];
		struct bytes parts[PARTS];
		struct image image;

		memcpy(parts, sound_parts, sizeof(parts));
		parts[defect->part] = defect->bytes;
		make_image(&image, parts);
		check_bad(&image, defect->name, REEL_OK, defect->line);
		image_free(&image);
	}
}

static void a_defect_in_an_extra_is_noticed(void **state)
{
	for (size_t i = 0; i < sizeof(extra_defects) / sizeof(extra_defects[0]); i++) {
		const struct part_defect *defect = &extra_defects[i];
		struct bytes parts[PARTS];
		struct image image;

		memcpy(parts, sound_parts, sizeof(parts));
		parts[COLUMN_2_SYMBOLS] = (struct bytes)BYTES("\x01\x01\x02\x00\x00");
		parts[defect->part] = defect->bytes;
		make_image(&image, parts);
		check_bad(&image, defect->name, REEL_OK, defect->line);
		image_free(&image);
	}
}

static void a_file_that_is_no_trace_is_refused(void **state)
{
	struct image image;

	image = (struct image){0};
	image_append(&image, "", 0);
	check_bad(&image, "empty", REEL_EFORMAT, NULL);
	image_append(&image, "\x89Reel\r\n\x1a", 8);
	check_bad(&image, "header-cut", REEL_EFORMAT, NULL);
	image_append(&image, "some text that goes on behind the magic bytes", 45);
	check_bad(&image, "header-only-magic", REEL_EFORMAT, NULL);
	image_free(&image);
	image_append(&image, "{\"t\":\"B\",\"fn\":1}\n{\"t\":\"A\",\"fn\":1}\n", 34);
	check_bad(&image, "foreign", REEL_EFORMAT, NULL);
	image_free(&image);
	make_image(&image, sound_parts);
	store16(image.bytes + 8, 2);
	store32(image.bytes + 12, (uint32_t)payload_checksum(image.bytes, 12));
	check_bad(&image, "newer-major", REEL_EVERSION, NULL);
	image_free(&image);
}

static void damage_of_the_file_as_a_whole_is_noticed(void **state)
{
	struct image image;
	size_t at;

	make_image(&image, sound_parts);
	image.bytes[3] ^= 0x20;
	check_bad(&image, "header-flip", REEL_OK, "the file header is damaged");
	image.bytes[3] ^= 0x20;
	at = find_type(&image, BLOCK_EVENTS);
	image.bytes[at + 90] ^= 1;
	check_bad(&image, "payload-flip", REEL_OK, "checksum mismatch");
	image.bytes[at + 90] ^= 1;
	image.bytes[at + 20] ^= 1;
	check_bad(&image, "block-header-flip", REEL_OK, "no intact block for");
	image.bytes[at + 20] ^= 1;
	image.size -= 10;
	check_bad(&image, "end-cut", REEL_OK, "the file ends in it");
	image.size = find_type(&image, BLOCK_END);
	check_bad(&image, "end-missing", REEL_OK, "the end is missing");
	image_free(&image);
	make_image(&image, sound_parts);
	image_append(&image, "more", 4);
	check_bad(&image, "end-not-last", REEL_OK, "no intact block for 4 bytes");
	image_free(&image);
}

static void an_index_or_end_that_does_not_fit_is_noticed(void **state)
{
	struct image image;
	size_t index_offset;

	add_parts(&image, sound_parts);
	index_offset = image.size;
	add_index(&image, 1);
	add_end(&image, index_offset, 4);
	check_bad(&image, "index-offset-wrong", REEL_OK, "not where the index has an event block");
	image_free(&image);
	add_parts(&image, sound_parts);
	index_offset = image.size;
	add_index(&image, 0);
	add_end(&image, index_offset, 5);
	check_bad(&image, "end-counts-wrong", REEL_OK, "the end counts other blocks or events");
	image_free(&image);
	add_parts(&image, sound_parts);
	image_add_raw(&image, BLOCK_INDEX, "\x00\x01", 2, "\x05\x08\x00\xff\xff\xff\x7f", 7);
	add_end(&image, index_offset, 4);
	check_bad(&image, "index-record-short", REEL_OK, "its index make no sense");
	image_free(&image);
	add_parts(&image, sound_parts);
	image.block_count += 3;
	index_offset = image.size;
	add_index(&image, 0);
	add_end(&image, index_offset, 4);
	check_bad(&image, "block-missing", REEL_OK, "block 7 was expected here");
	image_free(&image);
}

/* The event block with another header, and bytes that are not what the header says. */
static void check_stored(
	const char *name, struct block_header header, const void *stored, const char *line)
{
	struct image image;
	size_t index_offset, at;

	add_parts(&image, sound_parts);
	at = find_type(&image, BLOCK_EVENTS);
	image.size = at;
	image.block_count--;
	header.type = BLOCK_EVENTS;
	header.summary_size = (uint16_t)sound_parts[EVENT_SUMMARY].size;
	image_add(&image, header, sound_parts[EVENT_SUMMARY].bytes, stored);
	index_offset = image.size;
	if (header.raw_size <= PAYLOAD_SIZE_MAX) {
		add_index(&image, 0);
		add_end(&image, index_offset, 4);
	}
	check_bad(&image, name, REEL_OK, line);
	image_free(&image);
}

static void payloads_that_are_not_what_their_header_says_are_noticed(void **state)
{
	/* A zstd frame of 1,000,000 zero bytes, and an lz4 block of 1,000. */
	static const uint8_t zstd_bomb[] = {0x28, 0xb5, 0x2f, 0xfd, 0x80, 0x48, 0x40, 0x42, 0x0f,
		0x00, 0x54, 0x00, 0x00, 0x10, 0x00, 0x00, 0x01, 0x00, 0xfb, 0xff, 0x39, 0xc0, 0x02,
		0x02, 0x00, 0x10, 0x00, 0x02, 0x00, 0x10, 0x00, 0x02, 0x00, 0x10, 0x00, 0x02, 0x00,
		0x10, 0x00, 0x02, 0x00, 0x10, 0x00, 0x02, 0x00, 0x10, 0x00, 0x03, 0x12, 0x0a, 0x00};
	static const uint8_t lz4_bomb[] = {
		0x1f, 0x00, 0x01, 0x00, 0xff, 0xff, 0xff, 0xd2, 0x50, 0x00, 0x00, 0x00, 0x00, 0x00};

	check_stored("codec-unknown",
		(struct block_header){.codec = 9, .stored_size = 4, .raw_size = 4}, "abcd",
		"it does not decompress");
	check_stored("stored-size-wrong", (struct block_header){.stored_size = 4, .raw_size = 5},
		"abcd", "it does not decompress");
	check_stored("zstd-bomb",
		(struct block_header){
			.codec = PAYLOAD_ZSTD, .stored_size = sizeof(zstd_bomb), .raw_size = 64},
		zstd_bomb, "it does not decompress");
	check_stored("zstd-raw-size-wrong",
		(struct block_header){.codec = PAYLOAD_ZSTD,
			.stored_size = sizeof(zstd_bomb),
			.raw_size = PAYLOAD_SIZE_MAX},
		zstd_bomb, "it does not decompress");
	check_stored("lz4-bomb",
		(struct block_header){
			.codec = PAYLOAD_LZ4, .stored_size = sizeof(lz4_bomb), .raw_size = 64},
		lz4_bomb, "it does not decompress");
	check_stored("lz4-cut",
		(struct block_header){.codec = PAYLOAD_LZ4, .stored_size = 5, .raw_size = 1000},
		lz4_bomb, "it does not decompress");
	check_stored("raw-size-huge",
		(struct block_header){.codec = PAYLOAD_ZSTD,
			.stored_size = sizeof(zstd_bomb),
			.raw_size = UINT32_MAX},
		zstd_bomb, "no intact block for");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_golden_trace_without_compression_is_read),
		cmocka_unit_test(a_golden_trace_with_zstd_is_read),
		cmocka_unit_test(a_golden_trace_with_lz4_is_read),
		cmocka_unit_test(the_example_in_the_format_page_says_what_the_page_says),
		cmocka_unit_test(the_trace_that_bad_ones_are_made_of_is_sound),
		cmocka_unit_test(a_defect_in_a_part_is_noticed),
		cmocka_unit_test(a_defect_in_an_extra_is_noticed),
		cmocka_unit_test(a_file_that_is_no_trace_is_refused),
		cmocka_unit_test(damage_of_the_file_as_a_whole_is_noticed),
		cmocka_unit_test(an_index_or_end_that_does_not_fit_is_noticed),
		cmocka_unit_test(payloads_that_are_not_what_their_header_says_are_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
