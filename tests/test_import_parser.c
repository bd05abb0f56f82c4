/*
 * The JSON parser, the line reader and the id map of the importer, on good and bad input. Every
 * text is parsed out of a buffer of exactly its size, so that the address sanitizer sees a read
 * behind it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zstd.h>

#include <reel/status.h>

#include "hosts/jsonl/arena.h"
#include "hosts/jsonl/id_map.h"
#include "hosts/jsonl/line_reader.h"
#include "hosts/jsonl/parser.h"

struct text {
	struct jsonl_parser parser;
	struct jsonl_arena arena;
	char *bytes;
};

static void open_text(struct text *text, const char *bytes, size_t size)
{
	text->arena = (struct jsonl_arena){0};
	text->bytes = malloc(size ? size : 1);
	assert_non_null(text->bytes);
	memcpy(text->bytes, bytes, size);
	jsonl_parser_init(&text->parser, text->bytes, size, &text->arena);
}

static void close_text(struct text *text)
{
	jsonl_arena_deinit(&text->arena);
	free(text->bytes);
}

/* Parses a whole text; the column of the error, or 0. */
static size_t check_bytes(const char *bytes, size_t size, const char **error)
{
	struct text text;
	size_t column = 0;
	int status;

	open_text(&text, bytes, size);
	status = jsonl_skip(&text.parser);
	if (status == 0) {
		status = jsonl_finish(&text.parser);
	}
	*error = status < 0 ? text.parser.error : NULL;
	if (status < 0) {
		column = text.parser.error_offset + 1;
		assert_non_null(text.parser.error);
	}
	close_text(&text);
	return column;
}

static void assert_good(const char *json)
{
	const char *error;

	if (check_bytes(json, strlen(json), &error) != 0) {
		fail_msg("%s: %s", json, error);
	}
}

static void assert_bad(const char *json, size_t column)
{
	const char *error;

	if (check_bytes(json, strlen(json), &error) != column) {
		fail_msg("%s: %s", json, error ? error : "no error");
	}
}

/* ---- the grammar ---- */

static void parser_accepts_what_the_grammar_allows(void **state)
{
	assert_good("null");
	assert_good(" { } ");
	assert_good("[]");
	assert_good("[1,-0,0.5,1e5,1E-5,-12.25e+3]");
	assert_good("{\"a\":[{\"b\":[true,false,null]},\"\"],\"a\":1}");
	assert_good("\t\r\n [ 1 , 2 ] \n");
	assert_good("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\uD834\\uDD1E \x7f \xc3\xa9 "
		    "\xf0\x9f\x8e\x9e\"");
}

static void parser_refuses_what_the_grammar_forbids_and_says_where(void **state)
{
	assert_bad("", 1);
	assert_bad("  ", 3);
	assert_bad("nul", 1);
	assert_bad("True", 1);
	assert_bad("[1,]", 4);
	assert_bad("[,1]", 2);
	assert_bad("[1 2]", 4);
	assert_bad("[1", 3);
	assert_bad("{\"a\":1,}", 8);
	assert_bad("{\"a\" 1}", 6);
	assert_bad("{\"a\":}", 6);
	assert_bad("{a:1}", 2);
	assert_bad("{\"a\":1", 7);
	assert_bad("[}", 2);
	assert_bad("{]", 2);
	assert_bad("1 2", 3);
	assert_bad("01", 3);
	assert_bad("-", 2);
	assert_bad("+1", 1);
	assert_bad(".5", 1);
	assert_bad("1.", 3);
	assert_bad("1e", 3);
	assert_bad("NaN", 1);
	assert_bad("'a'", 1);
	assert_bad("\xef\xbb\xbf{}", 1);
}

static void parser_refuses_every_cut_of_a_text(void **state)
{
	static const char whole[] =
		"{\"a\":[1,-2.5e3,\"x\\u00e9\\ud834\\udd1e\xc3\xa9\",null,true,false],\"b\":{}}";
	const char *error;

	assert_int_equal(check_bytes(whole, sizeof(whole) - 1, &error), 0);
	for (size_t size = 0; size < sizeof(whole) - 1; size++) {
		assert_int_not_equal(check_bytes(whole, size, &error), 0);
	}
}

static void parser_refuses_a_nul_byte(void **state)
{
	const char *error;

	assert_int_equal(check_bytes("{}\0", 3, &error), 3);
	assert_int_equal(check_bytes("\"a\0b\"", 5, &error), 3);
	assert_int_equal(check_bytes("[\0]", 3, &error), 2);
}

static void parser_refuses_bad_strings(void **state)
{
	assert_bad("\"abc", 5);
	assert_bad("\"a\\", 4);
	assert_bad("\"\\x41\"", 3);
	assert_bad("\"\\u12\"", 6);
	assert_bad("\"\\u12g4\"", 6);
	assert_bad("\"a\nb\"", 3);
	assert_bad("\"\\ud834\"", 8);
	assert_bad("\"\\ud834x\"", 8);
	assert_bad("\"\\udd1e\"", 8);
	assert_bad("\"\\ud834\\ud834\"", 14);
}

static void parser_refuses_bad_utf8(void **state)
{
	static const char *const bad[] = {"\x80", "\xc3", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80",
		"\xe2\x82", "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80", "\xff", "\xc3\xc3"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char json[16];

		snprintf(json, sizeof(json), "\"%s\"", bad[i]);
		assert_bad(json, 2);
	}
}

static void parser_bounds_the_depth(void **state)
{
	char json[2 * JSONL_MAX_DEPTH + 3];
	const char *error;

	memset(json, '[', JSONL_MAX_DEPTH);
	memset(json + JSONL_MAX_DEPTH, ']', JSONL_MAX_DEPTH);
	assert_int_equal(check_bytes(json, 2 * JSONL_MAX_DEPTH, &error), 0);
	memset(json, '[', JSONL_MAX_DEPTH + 1);
	memset(json + JSONL_MAX_DEPTH + 1, ']', JSONL_MAX_DEPTH + 1);
	assert_int_equal(check_bytes(json, 2 * JSONL_MAX_DEPTH + 2, &error), JSONL_MAX_DEPTH + 1);
	assert_string_equal(error, "nested too deeply");
}

/* ---- values ---- */

static int read_integer(const char *json, uint64_t max, uint64_t *value)
{
	struct text text;
	int status;

	open_text(&text, json, strlen(json));
	status = jsonl_read_integer(&text.parser, max, value);
	close_text(&text);
	return status;
}

static void integers_are_exact_to_64_bits(void **state)
{
	uint64_t value = 7;

	assert_int_equal(read_integer("18446744073709551615", UINT64_MAX, &value), 0);
	assert_true(value == UINT64_MAX);
	assert_int_equal(read_integer("9007199254740993", UINT64_MAX, &value), 0);
	assert_true(value == UINT64_C(9007199254740993));
	assert_int_equal(read_integer("0", 0, &value), 0);
	assert_true(value == 0);
	assert_int_equal(read_integer("4294967295", UINT32_MAX, &value), 0);
	assert_true(value == UINT32_MAX);
}

static void integers_out_of_range_or_of_another_form_are_refused(void **state)
{
	static const char *const bad[] = {"18446744073709551616", "99999999999999999999999", "-1",
		"1.0", "1e3", "007", "\"1\"", "true", ""};
	uint64_t value = 7;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(read_integer(bad[i], UINT64_MAX, &value), REEL_EFORMAT);
	}
	assert_int_equal(read_integer("4294967296", UINT32_MAX, &value), REEL_EFORMAT);
	assert_int_equal(read_integer("5", 4, &value), REEL_EFORMAT);
	assert_true(value == 7);
}

static void strings_are_decoded(void **state)
{
	static const char json[] =
		"\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20ac\\uD834\\uDD1E"
		"\xc3\xa9\\u0000z\"";
	static const char decoded[] =
		"a\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e\xc3\xa9\0z";
	struct jsonl_string string;
	struct text text;

	open_text(&text, json, sizeof(json) - 1);
	assert_int_equal(jsonl_read_string(&text.parser, &string), 0);
	assert_int_equal(string.size, sizeof(decoded) - 1);
	assert_memory_equal(string.text, decoded, sizeof(decoded));
	assert_int_equal(jsonl_finish(&text.parser), 0);
	close_text(&text);
}

static void names_have_no_nul_in_them(void **state)
{
	const char *name;
	struct text text;

	open_text(&text, "\"a\\u0000b\"", 10);
	assert_int_equal(jsonl_read_name(&text.parser, &name), REEL_EFORMAT);
	close_text(&text);
}

static void object_members_are_found_in_any_order_and_the_last_of_equal_keys_counts(void **state)
{
	static const char json[] =
		"{\"a\":1,\"\\u0062\":[1,{\"a\":5}],\"c\":null,\"a\":18446744073709551615}";
	struct jsonl_object object;
	uint64_t value = 0;
	struct text text;

	open_text(&text, json, sizeof(json) - 1);
	assert_int_equal(jsonl_read_object(&text.parser, &object), 0);
	assert_int_equal(object.member_count, 4);
	assert_int_equal(jsonl_find(&text.parser, &object, "a"), 1);
	assert_int_equal(jsonl_read_integer(&text.parser, UINT64_MAX, &value), 0);
	assert_true(value == UINT64_MAX);
	assert_int_equal(jsonl_find(&text.parser, &object, "b"), 1);
	assert_int_equal(jsonl_peek(&text.parser), JSONL_ARRAY);
	assert_int_equal(jsonl_find(&text.parser, &object, "c"), 0);
	assert_int_equal(jsonl_find(&text.parser, &object, "d"), 0);
	close_text(&text);
}

static void objects_with_too_many_members_are_refused(void **state)
{
	struct jsonl_object object;
	struct text text;
	char json[8 * (JSONL_MAX_MEMBERS + 1) + 2];
	size_t size = 0;

	for (int i = 0; i <= JSONL_MAX_MEMBERS; i++) {
		size += (size_t)snprintf(
			json + size, sizeof(json) - size, "%c\"k\":1", i == 0 ? '{' : ',');
	}
	json[size++] = '}';
	open_text(&text, json, size);
	assert_int_equal(jsonl_read_object(&text.parser, &object), REEL_EFORMAT);
	close_text(&text);
}

/* ---- lines ---- */

/* A file that is gone as soon as it is closed, with its name under /proc. */
static int make_file(const void *bytes, size_t size, char path[64])
{
	char name[] = "/tmp/reel-test-XXXXXX";
	int fd = mkstemp(name);

	assert_true(fd >= 0);
	unlink(name);
	assert_int_equal(write(fd, bytes, size), (ssize_t)size);
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

/* Reads all lines, joined by '|', into `text`. */
static int read_all(const void *bytes, size_t size, char *text, size_t text_size)
{
	struct jsonl_line_reader reader;
	struct reel_error error;
	const char *line;
	size_t line_size;
	char path[64];
	int fd = make_file(bytes, size, path);
	int status = jsonl_line_reader_open(&reader, path, &error);

	text[0] = '\0';
	assert_int_equal(status, 0);
	while ((status = jsonl_line_reader_next(&reader, &line, &line_size, &error)) == 0) {
		snprintf(text + strlen(text), text_size - strlen(text), "%.*s|", (int)line_size,
			line);
	}
	if (status < 0) {
		snprintf(text + strlen(text), text_size - strlen(text), "!%llu",
			(unsigned long long)reader.line);
	}
	jsonl_line_reader_close(&reader);
	close(fd);
	return status;
}

static void lines_end_at_newlines_or_at_the_end(void **state)
{
	char text[64];

	assert_int_equal(read_all("", 0, text, sizeof(text)), REEL_END);
	assert_string_equal(text, "");
	assert_int_equal(read_all("a", 1, text, sizeof(text)), REEL_END);
	assert_string_equal(text, "a|");
	assert_int_equal(read_all("a\n\nbc\n", 6, text, sizeof(text)), REEL_END);
	assert_string_equal(text, "a||bc|");
	assert_int_equal(read_all("a\nbc", 4, text, sizeof(text)), REEL_END);
	assert_string_equal(text, "a|bc|");
}

static void zstd_is_told_by_its_magic_and_frames_may_follow_each_other(void **state)
{
	unsigned char packed[256];
	size_t size = ZSTD_compress(packed, sizeof(packed), "one\ntw", 6, 1);
	char text[64];

	size += ZSTD_compress(packed + size, sizeof(packed) - size, "o\nthree", 7, 1);
	assert_int_equal(read_all(packed, size, text, sizeof(text)), REEL_END);
	assert_string_equal(text, "one|two|three|");
}

static void zstd_that_is_cut_off_or_damaged_is_an_error(void **state)
{
	unsigned char packed[256];
	size_t size = ZSTD_compress(packed, sizeof(packed), "one\ntwo\nthree", 13, 1);
	char text[64];

	for (size_t cut = 4; cut < size; cut++) {
		assert_int_equal(read_all(packed, cut, text, sizeof(text)), REEL_EFORMAT);
	}
	packed[4] ^= 0x08;
	assert_int_equal(read_all(packed, size, text, sizeof(text)), REEL_EFORMAT);
	packed[4] ^= 0x08;
	memcpy(packed + size, "tail", 4);
	assert_int_equal(read_all(packed, size + 4, text, sizeof(text)), REEL_EFORMAT);
}

static void long_lines_are_whole_and_too_long_ones_refused(void **state)
{
	size_t size = (size_t)3 << 20;
	size_t total = size + 1 + JSONL_MAX_LINE + 1;
	char *bytes = malloc(total);
	struct jsonl_line_reader reader;
	struct reel_error error;
	const char *line;
	size_t line_size;
	char path[64];
	int fd;

	assert_non_null(bytes);
	memset(bytes, 'x', total);
	bytes[size] = '\n';
	fd = make_file(bytes, total, path);
	assert_int_equal(jsonl_line_reader_open(&reader, path, &error), 0);
	assert_int_equal(jsonl_line_reader_next(&reader, &line, &line_size, &error), 0);
	assert_int_equal(line_size, size);
	assert_int_equal(jsonl_line_reader_next(&reader, &line, &line_size, &error), REEL_ELIMIT);
	assert_non_null(strstr(error.text, ":2: "));
	jsonl_line_reader_close(&reader);
	close(fd);
	free(bytes);
}

static void files_that_cannot_be_read_are_errors(void **state)
{
	struct jsonl_line_reader reader;
	struct reel_error error;

	assert_int_equal(jsonl_line_reader_open(&reader, "/nonexistent", &error), REEL_ENOENT);
	assert_string_equal(error.text, "/nonexistent: No such file or directory");
	assert_int_equal(jsonl_line_reader_open(&reader, "/", &error), REEL_EIO);
}

/* ---- ids ---- */

static void ids_may_be_sparse(void **state)
{
	static int values[3000];
	struct jsonl_id_map map = {0};

	assert_null(jsonl_id_map_get(&map, 0));
	for (uint32_t i = 0; i < 3000; i++) {
		assert_int_equal(jsonl_id_map_add(&map, i * UINT32_C(1431655), &values[i]), 0);
	}
	assert_int_equal(jsonl_id_map_add(&map, UINT32_MAX, &map), 0);
	for (uint32_t i = 0; i < 3000; i++) {
		assert_ptr_equal(jsonl_id_map_get(&map, i * UINT32_C(1431655)), &values[i]);
		assert_null(jsonl_id_map_get(&map, i * UINT32_C(1431655) + 1));
	}
	assert_ptr_equal(jsonl_id_map_get(&map, UINT32_MAX), &map);
	jsonl_id_map_deinit(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parser_accepts_what_the_grammar_allows),
		cmocka_unit_test(parser_refuses_what_the_grammar_forbids_and_says_where),
		cmocka_unit_test(parser_refuses_every_cut_of_a_text),
		cmocka_unit_test(parser_refuses_a_nul_byte),
		cmocka_unit_test(parser_refuses_bad_strings),
		cmocka_unit_test(parser_refuses_bad_utf8),
		cmocka_unit_test(parser_bounds_the_depth),
		cmocka_unit_test(integers_are_exact_to_64_bits),
		cmocka_unit_test(integers_out_of_range_or_of_another_form_are_refused),
		cmocka_unit_test(strings_are_decoded),
		cmocka_unit_test(names_have_no_nul_in_them),
		cmocka_unit_test(
			object_members_are_found_in_any_order_and_the_last_of_equal_keys_counts),
		cmocka_unit_test(objects_with_too_many_members_are_refused),
		cmocka_unit_test(lines_end_at_newlines_or_at_the_end),
		cmocka_unit_test(zstd_is_told_by_its_magic_and_frames_may_follow_each_other),
		cmocka_unit_test(zstd_that_is_cut_off_or_damaged_is_an_error),
		cmocka_unit_test(long_lines_are_whole_and_too_long_ones_refused),
		cmocka_unit_test(files_that_cannot_be_read_are_errors),
		cmocka_unit_test(ids_may_be_sparse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
