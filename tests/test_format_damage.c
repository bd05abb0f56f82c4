/*
 * Damaged, cut, foreign and newer traces: what is wrong is noticed, what is whole is read, and no
 * bytes harm the reader.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format_image.h"
#include "format_model.h"

/* A small trace and what is in it. */
struct small {
	struct model model;
	struct image image;
	const char *path; /* a file to write variants to */
};

static void small_make(struct small *small, enum reel_codec codec, size_t events)
{
	small->path = model_path("damage");
	model_start(&small->model, small->path, codec, 3);
	model_write_block(&small->model, 7, events, codec);
	model_write_block(&small->model, 7, events / 2, codec);
	model_write_block(&small->model, 7, events, codec);
	model_finish(&small->model);
	image_load(&small->image, small->path);
}

static void small_free(struct small *small)
{
	model_unlink(small->path);
	model_free(&small->model);
	image_free(&small->image);
}

static void count_line(void *user, const char *line)
{
	assert_non_null(line);
	++*(unsigned *)user;
}

/* Compares every event block that can be loaded; returns how many could. */
static size_t compare_blocks(struct small *small, struct reel_trace *trace)
{
	struct cursor *cursor;
	size_t loaded = 0, model_index = 0;

	assert_int_equal(cursor_create(trace, &cursor), 0);
	for (uint32_t i = 0; i < trace_event_block_count(trace); i++) {
		const struct event_block_info *info = trace_event_block(trace, i);
		const struct model *model = &small->model;
		struct reel_error error;

		while (model->events[model->blocks[model_index].first].event.ticks !=
			info->first_ticks) {
			model_index++; /* a block that the scan did not find */
			assert_true(model_index < model->block_count);
		}
		if (cursor_load(cursor, i, &error) == REEL_OK) {
			model_compare_block(&small->model, cursor, model_index);
			loaded++;
		} else {
			assert_int_equal(error.status, REEL_EDAMAGED);
			assert_non_null(strstr(error.text, " at byte "));
		}
		model_index++;
	}
	cursor_destroy(cursor);
	return loaded;
}

static void a_trace_cut_anywhere_is_read_to_its_last_whole_block(void **state)
{
	struct small small;

	small_make(&small, REEL_CODEC_ZSTD, 20);
	for (size_t size = 0; size < small.image.size; size++) {
		struct image cut = {small.image.bytes, size, 0};
		struct reel_trace_info info;
		struct reel_trace *trace;
		struct reel_error error;
		size_t whole = 0, at = FILE_HEADER_SIZE;
		int status;

		image_save(&cut, small.path);
		status = reel_trace_open(small.path, &trace, &error);
		if (size < FILE_HEADER_SIZE) {
			assert_int_equal(status, REEL_EFORMAT);
			assert_non_null(strstr(error.text, "not a Reel trace"));
			continue;
		}
		assert_int_equal(status, REEL_OK);
		while (at < size) {
			struct block_header header = image_block(&small.image, at);

			at += (size_t)block_size(&header);
			whole += at <= size && header.type == BLOCK_EVENTS;
		}
		reel_trace_describe(trace, &info);
		assert_false(info.complete);
		assert_int_equal(trace_event_block_count(trace), whole);
		assert_int_equal(compare_blocks(&small, trace), whole);
		assert_int_equal(reel_trace_verify(trace, NULL, NULL, NULL, &error), REEL_EDAMAGED);
		reel_trace_close(trace);
	}
	small_free(&small);
}

/* All definitions are there twice, so no single damage may cost one. */
static void assert_definitions_whole(const struct reel_trace *trace)
{
	assert_int_equal(reel_trace_function_count(trace), MODEL_FUNCTIONS);
	for (uint32_t i = 0; i < MODEL_FUNCTIONS; i++) {
		assert_string_equal(reel_trace_function(trace, i)->name, "function");
	}
	assert_int_equal(reel_trace_stream_count(trace), 1);
	assert_int_equal(trace_module_count(trace), 4);
	for (uint32_t i = 0; i < trace_site_count(trace); i++) {
		assert_non_null(trace_site(trace, i));
	}
	assert_string_equal(reel_trace_metadata(trace), "{\"host\":\"model\"}");
	assert_int_equal(trace_clock_kind(trace), CLOCK_HOST);
}

static void every_flipped_bit_is_noticed_and_costs_one_block_at_most(void **state)
{
	struct small small;

	small_make(&small, REEL_CODEC_ZSTD, 20);
	for (size_t bit = 0; bit < small.image.size * 8; bit++) {
		struct reel_trace *trace;
		struct reel_error error;
		unsigned lines = 0;

		small.image.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		image_save(&small.image, small.path);
		small.image.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (reel_trace_open(small.path, &trace, &error)) {
			fail_msg("bit %zu: %s", bit, error.text);
		}
		assert_true(compare_blocks(&small, trace) >= small.model.block_count - 1);
		assert_definitions_whole(trace);
		if (reel_trace_verify(trace, count_line, NULL, &lines, &error) != REEL_EDAMAGED) {
			fail_msg("bit %zu was not noticed", bit);
		}
		assert_true(lines >= 1);
		reel_trace_close(trace);
	}
	small_free(&small);
}

static void bytes_behind_the_end_are_noticed_and_harmless(void **state)
{
	struct small small;
	struct reel_trace *trace;
	struct reel_error error;

	small_make(&small, REEL_CODEC_LZ4, 20);
	image_append(&small.image, "more", 4);
	image_save(&small.image, small.path);
	assert_int_equal(reel_trace_open(small.path, &trace, &error), 0);
	assert_int_equal(compare_blocks(&small, trace), 3);
	assert_definitions_whole(trace);
	assert_int_equal(reel_trace_verify(trace, NULL, NULL, NULL, &error), REEL_EDAMAGED);
	reel_trace_close(trace);
	small_free(&small);
}

static void zeros_in_the_middle_cost_the_blocks_that_they_are_in(void **state)
{
	struct small small;
	struct reel_trace *trace;
	struct reel_error error;
	size_t at = 0;

	small_make(&small, REEL_CODEC_NONE, 300);
	/* From the middle of the first event block into the second. */
	for (size_t offset = FILE_HEADER_SIZE, seen = 0; seen < 2;) {
		struct block_header header = image_block(&small.image, offset);

		if (header.type == BLOCK_EVENTS && seen++ == 0) {
			at = offset + (size_t)block_size(&header) / 2;
		} else if (header.type == BLOCK_EVENTS) {
			memset(small.image.bytes + at, 0, offset + 60 - at);
		}
		offset += (size_t)block_size(&header);
	}
	image_save(&small.image, small.path);
	assert_int_equal(reel_trace_open(small.path, &trace, &error), 0);
	assert_int_equal(compare_blocks(&small, trace), 1);
	assert_definitions_whole(trace);
	reel_trace_close(trace);
	small.image.size -= 10; /* without the end: found by scanning */
	image_save(&small.image, small.path);
	assert_int_equal(reel_trace_open(small.path, &trace, &error), 0);
	assert_int_equal(compare_blocks(&small, trace), 1);
	assert_definitions_whole(trace);
	reel_trace_close(trace);
	small_free(&small);
}

static void damage_is_named_by_path_block_and_byte(void **state)
{
	struct small small;
	struct reel_trace *trace;
	struct reel_error error;
	struct cursor *cursor;
	char expected[300];
	const struct event_block_info *info;

	small_make(&small, REEL_CODEC_ZSTD, 20);
	image_save(&small.image, small.path);
	assert_int_equal(reel_trace_open(small.path, &trace, &error), 0);
	info = trace_event_block(trace, 1);
	small.image.bytes[info->offset + 100] ^= 1;
	image_save(&small.image, small.path);
	assert_int_equal(cursor_create(trace, &cursor), 0);
	assert_int_equal(cursor_load(cursor, 1, &error), REEL_EDAMAGED);
	snprintf(expected, sizeof(expected),
		"%s: block %" PRIu32 " at byte %" PRIu64 ": checksum mismatch", small.path,
		info->number, info->offset);
	assert_string_equal(error.text, expected);
	assert_int_equal(cursor_next(cursor, &(struct event){0}), REEL_EDAMAGED);
	assert_int_equal(cursor_load(cursor, 0, &error), REEL_OK);
	assert_int_equal(cursor_load(cursor, 99, &error), REEL_EINVAL);
	cursor_destroy(cursor);
	reel_trace_close(trace);
	small_free(&small);
}

/* ---- lost definitions ---- */

/* Copies blocks but those of one type. */
static void copy_without(const struct image *from, struct image *to, uint8_t type)
{
	image_start(to);
	for (size_t at = FILE_HEADER_SIZE; at < from->size;) {
		struct block_header header = image_block(from, at);

		if (header.type != type && header.type != BLOCK_INDEX && header.type != BLOCK_END) {
			image_add(to, header, image_summary(from, at),
				image_summary(from, at) + header.summary_size);
		}
		at += (size_t)block_size(&header);
	}
}

static struct reel_trace *open_without(struct small *small, uint8_t type)
{
	struct image image;
	struct reel_trace *trace;
	struct reel_error error;

	copy_without(&small->image, &image, type);
	image_save(&image, small->path);
	image_free(&image);
	assert_int_equal(reel_trace_open(small->path, &trace, &error), 0);
	return trace;
}

static void lost_functions_are_named_by_their_number(void **state)
{
	struct small small;
	struct reel_trace *trace;

	small_make(&small, REEL_CODEC_ZSTD, 200);
	trace = open_without(&small, BLOCK_FUNCTIONS);
	assert_int_equal(reel_trace_function_count(trace), MODEL_FUNCTIONS);
	assert_string_equal(reel_trace_function(trace, 3)->name, "function #3");
	assert_int_equal(compare_blocks(&small, trace), 3);
	reel_trace_close(trace);
	small_free(&small);
}

static void lost_sites_leave_functions_modules_and_values(void **state)
{
	struct small small;
	struct reel_trace *trace;

	small_make(&small, REEL_CODEC_ZSTD, 300);
	trace = open_without(&small, BLOCK_SITES);
	assert_int_equal(trace_site_count(trace), 0);
	assert_int_equal(compare_blocks(&small, trace), 3);
	reel_trace_close(trace);
	small_free(&small);
}

static void lost_blobs_are_told_from_empty_ones(void **state)
{
	struct small small;
	struct reel_trace *trace;
	uint8_t *bytes;
	size_t size;

	small_make(&small, REEL_CODEC_ZSTD, 300);
	trace = open_without(&small, BLOCK_BLOBS);
	assert_int_equal(trace_blob(trace, 0, &bytes, &size), REEL_ENOENT);
	assert_int_equal(compare_blocks(&small, trace), 3);
	reel_trace_close(trace);
	small_free(&small);
}

/* ---- what is no trace, and what is newer ---- */

static int open_bytes(const void *bytes, size_t size, struct reel_error *error)
{
	const char *path = model_path("bytes");
	struct image image = {0};
	struct reel_trace *trace;
	int status;

	image_append(&image, bytes, size);
	image_save(&image, path);
	image_free(&image);
	status = reel_trace_open(path, &trace, error);
	assert_int_equal(trace != NULL, status == REEL_OK);
	reel_trace_close(trace);
	unlink(path);
	return status;
}

static void what_is_no_trace_is_refused(void **state)
{
	static const char text[] = "#!/bin/sh\necho this is not a trace, whatever its name says\n";
	struct reel_trace *trace;
	struct reel_error error;

	assert_int_equal(open_bytes(text, sizeof(text), &error), REEL_EFORMAT);
	assert_non_null(strstr(error.text, ".reel: not a Reel trace"));
	assert_int_equal(open_bytes("", 0, &error), REEL_EFORMAT);
	assert_int_equal(reel_trace_open("/", &trace, &error), REEL_EFORMAT);
	assert_int_equal(reel_trace_open("/dev/null", &trace, &error), REEL_EFORMAT);
	assert_int_equal(reel_trace_open("/nonexistent/x.reel", &trace, &error), REEL_ENOENT);
	assert_string_equal(error.text, "/nonexistent/x.reel: No such file or directory");
	assert_null(trace);
}

/* A file header with other version numbers. */
static void set_version(struct image *image, uint16_t major, uint16_t minor)
{
	store16(image->bytes + 8, major);
	store16(image->bytes + 10, minor);
	store32(image->bytes + 12, (uint32_t)payload_checksum(image->bytes, 12));
}

static void a_newer_major_version_is_refused_and_a_newer_minor_one_is_read(void **state)
{
	struct small small;
	struct reel_trace_info info;
	struct reel_trace *trace;
	struct reel_error error;

	small_make(&small, REEL_CODEC_ZSTD, 20);
	set_version(&small.image, FORMAT_MAJOR + 1, 3);
	assert_int_equal(open_bytes(small.image.bytes, small.image.size, &error), REEL_EVERSION);
	assert_non_null(strstr(error.text, "version 2.3 of the trace format is newer"));
	set_version(&small.image, FORMAT_MAJOR, FORMAT_MINOR + 9);
	image_save(&small.image, small.path);
	assert_int_equal(reel_trace_open(small.path, &trace, &error), 0);
	reel_trace_describe(trace, &info);
	assert_int_equal(info.version_minor, FORMAT_MINOR + 9);
	assert_int_equal(compare_blocks(&small, trace), 3);
	reel_trace_close(trace);
	small_free(&small);
}

/* Rewrites an event payload with one more column, of an unknown id, in front of the others. */
static uint8_t *add_column(const uint8_t *raw, size_t size, size_t *new_size)
{
	struct byte_view view = view_of(raw, size);
	struct byte_buffer made = {0};
	uint64_t count = view_varint(&view);
	const uint8_t *directory = view.next;

	for (uint64_t i = 0; i < 2 * count; i++) {
		view_varint(&view);
	}
	buffer_varint(&made, count + 1);
	buffer_varint(&made, 99);
	buffer_varint(&made, 5);
	buffer_bytes(&made, directory, (size_t)(view.next - directory));
	buffer_bytes(&made, "hello", 5);
	buffer_bytes(&made, view.next, view_left(&view));
	*new_size = made.size;
	return made.bytes;
}

/* Rewrites records with bytes behind the known fields. */
static uint8_t *add_fields(const uint8_t *raw, size_t size, size_t *new_size)
{
	struct byte_view view = view_of(raw, size);
	struct byte_buffer made = {0};

	while (view_left(&view)) {
		uint64_t record = view_varint(&view);
		const uint8_t *fields = view_bytes(&view, record);

		assert_non_null(fields);
		buffer_varint(&made, record + 3);
		buffer_bytes(&made, fields, (size_t)record);
		buffer_bytes(&made, "\x81\x02\xff", 3);
	}
	*new_size = made.size;
	return made.bytes;
}

/* Adds a block with what a newer minor version might have in it. */
static void add_newer(struct image *image, const struct image *from, size_t at)
{
	struct block_header header = image_block(from, at);
	uint8_t summary[SUMMARY_SIZE_MAX] = {0};
	uint8_t *raw = image_payload(from, at), *newer = NULL;
	size_t size = header.raw_size;

	memcpy(summary, image_summary(from, at), header.summary_size);
	if (header.type == BLOCK_EVENTS) {
		newer = add_column(raw, size, &size);
	} else if (header.type != BLOCK_BLOBS && header.type != BLOCK_METADATA) {
		newer = add_fields(raw, size, &size);
	}
	image_add_raw(image, 200, "summary", 7, "a block of an unknown type", 26);
	image_add_raw(
		image, header.type, summary, header.summary_size + 4u, newer ? newer : raw, size);
	free(newer);
	free(raw);
}

static void unknown_blocks_columns_and_fields_are_passed_over(void **state)
{
	struct small small;
	struct image image;
	struct reel_trace *trace;
	struct reel_error error;

	small_make(&small, REEL_CODEC_ZSTD, 200);
	image_start(&image);
	for (size_t at = FILE_HEADER_SIZE; at < small.image.size;) {
		struct block_header header = image_block(&small.image, at);

		if (header.type != BLOCK_INDEX && header.type != BLOCK_END) {
			add_newer(&image, &small.image, at);
		}
		at += (size_t)block_size(&header);
	}
	image_save(&image, small.path);
	assert_int_equal(reel_trace_open(small.path, &trace, &error), 0);
	assert_int_equal(compare_blocks(&small, trace), 3);
	assert_definitions_whole(trace);
	reel_trace_close(trace);
	image_free(&image);
	small_free(&small);
}

static void a_trace_within_a_trace_is_not_taken_for_blocks(void **state)
{
	struct small small;
	struct image outer;
	struct reel_trace *trace;
	struct reel_error error;

	small_make(&small, REEL_CODEC_NONE, 50);
	image_start(&outer);
	image_add_raw(&outer, 201, NULL, 0, small.image.bytes, small.image.size);
	outer.bytes[FILE_HEADER_SIZE + 20] ^= 1; /* its header is damaged: the search goes in */
	image_add_raw(&outer, 202, NULL, 0, "", 0);
	image_save(&outer, small.path);
	outer.bytes[FILE_HEADER_SIZE + 20] ^= 1;
	assert_int_equal(reel_trace_open(small.path, &trace, &error), 0);
	assert_int_equal(trace_event_block_count(trace), 0);
	reel_trace_close(trace);
	image_free(&outer);
	small_free(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_trace_cut_anywhere_is_read_to_its_last_whole_block),
		cmocka_unit_test(every_flipped_bit_is_noticed_and_costs_one_block_at_most),
		cmocka_unit_test(bytes_behind_the_end_are_noticed_and_harmless),
		cmocka_unit_test(zeros_in_the_middle_cost_the_blocks_that_they_are_in),
		cmocka_unit_test(damage_is_named_by_path_block_and_byte),
		cmocka_unit_test(lost_functions_are_named_by_their_number),
		cmocka_unit_test(lost_sites_leave_functions_modules_and_values),
		cmocka_unit_test(lost_blobs_are_told_from_empty_ones),
		cmocka_unit_test(what_is_no_trace_is_refused),
		cmocka_unit_test(a_newer_major_version_is_refused_and_a_newer_minor_one_is_read),
		cmocka_unit_test(unknown_blocks_columns_and_fields_are_passed_over),
		cmocka_unit_test(a_trace_within_a_trace_is_not_taken_for_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
