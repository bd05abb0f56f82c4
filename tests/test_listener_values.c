/*
 * Values and definitions as text: floats against what Go prints, and against a search that tries
 * every length.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <locale.h>
#include <math.h>

#include <cmocka.h>

#include <reel/context.h>
#include <reel/function.h>
#include <reel/value.h>

struct float_case {
	uint64_t bits;
	const char *text;
};

/* Bits and what Go's strconv.FormatFloat(v, 'g', -1, 64) gives for them. */
static const struct float_case doubles[] = {
	{0x0000000000000000, "0"},
	{0x8000000000000000, "-0"},
	{0x3ff0000000000000, "1"},
	{0xbff0000000000000, "-1"},
	{0x3fb999999999999a, "0.1"},
	{0x3fd3333333333333, "0.3"},
	{0x3fd3333333333334, "0.30000000000000004"},
	{0x4034000000000000, "20"},
	{0x4059000000000000, "100"},
	{0x40934a456d5cfaad, "1234.5678"},
	{0x412e847e00000000, "999999"},
	{0x412e847f00000000, "999999.5"},
	{0x412e848000000000, "1e+06"},
	{0x413e848000000000, "2e+06"},
	{0x4132d687cccccccd, "1.2345678e+06"},
	{0x42000000000eaaab, "8.589934593833334e+09"},
	{0x4415af1d78b58c40, "1e+20"},
	{0x444b1ae4d6e2ef50, "1e+21"},
	{0x4480f0cf064dd592, "1e+22"},
	{0x44b52d02c7e14af5, "9.999999999999997e+22"},
	{0x44b52d02c7e14af6, "1e+23"},
	{0x44b52d02c7e14af7, "1.0000000000000001e+23"},
	{0x3f1a36e2eb1c432d, "0.0001"},
	{0x3f1a36e2eb1c432c, "9.999999999999999e-05"},
	{0x3ee4f8b588e368f1, "1e-05"},
	{0x3f202e4b6ce5dc68, "0.00012345"},
	{0x0000000000000001, "5e-324"},
	{0x0000000000000002, "1e-323"},
	{0x0000000000000003, "1.5e-323"},
	{0x000fffffffffffff, "2.225073858507201e-308"},
	{0x0010000000000000, "2.2250738585072014e-308"},
	{0x7fefffffffffffff, "1.7976931348623157e+308"},
	{0xffefffffffffffff, "-1.7976931348623157e+308"},
	{0x3d30000000000000, "5.684341886080802e-14"},
	{0x4340000000000000, "9.007199254740992e+15"},
	{0x4330000000000001, "4.503599627370497e+15"},
	{0x3ff0000000000001, "1.0000000000000002"},
	{0x3fefffffffffffff, "0.9999999999999999"},
	{0x400921fb54442d18, "3.141592653589793"},
	{0x7ff0000000000000, "+Inf"},
	{0xfff0000000000000, "-Inf"},
	{0x7ff8000000000000, "NaN"},
	{0xfff8000000000001, "NaN"},
};

static const struct float_case floats[] = {
	{0x00000000, "0"},
	{0x80000000, "-0"},
	{0x3f800000, "1"},
	{0x3dcccccd, "0.1"},
	{0x3e99999a, "0.3"},
	{0x3eaaaaab, "0.33333334"},
	{0x42f6e979, "123.456"},
	{0x49742400, "1e+06"},
	{0x497423f8, "999999.5"},
	{0x4b800000, "1.6777216e+07"},
	{0x4b000001, "8.388609e+06"},
	{0x7f61b1e6, "3e+38"},
	{0x7f7fffff, "3.4028235e+38"},
	{0x00000001, "1e-45"},
	{0x0000000a, "1.4e-44"},
	{0x00800000, "1.1754944e-38"},
	{0x38d1b717, "0.0001"},
	{0x38d1b716, "9.999999e-05"},
	{0x7f800000, "+Inf"},
	{0xff800000, "-Inf"},
	{0x7fc00000, "NaN"},
};

static double double_of(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static float float_of(uint64_t bits)
{
	uint32_t low = (uint32_t)bits;
	float value;

	memcpy(&value, &low, sizeof(value));
	return value;
}

static void doubles_print_as_go_prints_them(void **state)
{
	char text[REEL_VALUE_TEXT_SIZE];

	for (size_t i = 0; i < sizeof(doubles) / sizeof(doubles[0]); i++) {
		size_t length = reel_float_format(double_of(doubles[i].bits), 64, text);

		assert_string_equal(text, doubles[i].text);
		assert_int_equal(length, strlen(text));
	}
}

static void floats_print_the_shortest_text_that_reads_back_as_a_float(void **state)
{
	char text[REEL_VALUE_TEXT_SIZE];

	for (size_t i = 0; i < sizeof(floats) / sizeof(floats[0]); i++) {
		reel_float_format((double)float_of(floats[i].bits), 32, text);
		assert_string_equal(text, floats[i].text);
	}
}

static size_t count_digits(const char *text)
{
	size_t digits = 0;
	bool leading = true;

	for (; *text && *text != 'e'; text++) {
		if (*text >= '0' && *text <= '9' && !(leading && *text == '0')) {
			leading = false;
			digits++;
		}
	}
	return digits;
}

/* The fewest digits for which the printf() text reads back; at most one more than the shortest. */
static size_t digits_by_search(double value, int bits)
{
	char text[64];

	for (int digits = 1; digits < 17; digits++) {
		double back;

		snprintf(text, sizeof(text), "%.*e", digits - 1, value);
		back = bits == 32 ? (double)strtof(text, NULL) : strtod(text, NULL);
		if (back == value) {
			return (size_t)digits;
		}
	}
	return 17;
}

static void check_random(double value, int bits)
{
	char text[REEL_VALUE_TEXT_SIZE];
	double back;

	reel_float_format(value, bits, text);
	back = bits == 32 ? (double)strtof(text, NULL) : strtod(text, NULL);
	assert_true(back == value);
	/* Trailing zeros before the point are not digits of the shortest text. */
	if (!strpbrk(text, ".e")) {
		return;
	}
	assert_true(count_digits(text) <= digits_by_search(value, bits));
}

static void random_floats_read_back_and_are_short(void **state)
{
	uint64_t seed = 88172645463325252u;

	for (int i = 0; i < 40000; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		if (isfinite(double_of(seed))) {
			check_random(double_of(seed), 64);
		}
		if (isfinite(float_of(seed))) {
			check_random((double)float_of(seed), 32);
		}
	}
}

static void powers_of_two_read_back(void **state)
{
	for (int exponent = -1074; exponent <= 1023; exponent++) {
		check_random(ldexp(1.0, exponent), 64);
	}
	for (int exponent = -149; exponent <= 127; exponent++) {
		check_random(ldexp(1.0, exponent), 32);
	}
}

static void floats_do_not_depend_on_the_locale(void **state)
{
	char text[REEL_VALUE_TEXT_SIZE];
	const char *comma[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "fr_FR"};
	bool found = false;

	for (size_t i = 0; i < 4 && !found; i++) {
		found = setlocale(LC_NUMERIC, comma[i]) != NULL;
	}
	if (!found) {
		print_message("no locale with a decimal comma is installed\n");
		skip();
	}
	reel_float_format(1234.5678, 64, text);
	setlocale(LC_NUMERIC, "C");
	assert_string_equal(text, "1234.5678");
}

static void check_value(uint8_t type, uint64_t low, uint64_t high, const char *expected)
{
	const uint64_t words[2] = {low, high};
	char text[REEL_VALUE_TEXT_SIZE];

	assert_int_equal(reel_value_format(type, words, text), strlen(expected));
	assert_string_equal(text, expected);
}

static void values_mask_the_upper_half_of_narrow_types(void **state)
{
	check_value(REEL_I32, 0xdeadbeefffffffff, 0, "-1");
	check_value(REEL_I32, 0xffffffff00000007, 0, "7");
	check_value(REEL_F32, 0xdeadbeef3f800000, 0, "1");
	check_value(REEL_I64, 0x8000000000000000, 0, "-9223372036854775808");
	check_value(REEL_F64, 0x3ff8000000000000, 0, "1.5");
	check_value(REEL_EXTERNREF, 0x12ab, 0, "00000000000012ab");
	check_value(REEL_FUNCREF, 0, 0, "0000000000000000");
	check_value(REEL_V128, 0x1, 0xabcdef, "0000000000abcdef0000000000000001");
}

static void type_names_go_both_ways(void **state)
{
	const uint8_t types[] = {
		REEL_I32, REEL_I64, REEL_F32, REEL_F64, REEL_V128, REEL_FUNCREF, REEL_EXTERNREF};

	for (size_t i = 0; i < sizeof(types); i++) {
		assert_int_equal(
			reel_value_type_from_name(reel_value_type_name(types[i])), types[i]);
	}
	assert_string_equal(reel_value_type_name(1), "unknown");
	assert_int_equal(reel_value_type_from_name("i33"), 0);
	assert_int_equal(reel_value_type_from_name(""), 0);
}

static void words_count_v128_twice(void **state)
{
	const uint8_t types[] = {REEL_I32, REEL_V128, REEL_F64};
	const struct reel_function function = {.size = sizeof(function),
		.param_types = types,
		.param_count = 3,
		.result_types = types,
		.result_count = 1};

	assert_int_equal(reel_function_param_words(&function), 4);
	assert_int_equal(reel_function_result_words(&function), 1);
}

static void check_debug_name(const struct reel_function *function, const char *expected)
{
	char text[64];

	assert_int_equal(reel_function_debug_name(function, text, sizeof(text)), strlen(expected));
	assert_string_equal(text, expected);
}

static void debug_names_are_made_from_what_is_known(void **state)
{
	check_debug_name(
		&(struct reel_function){.module_name = "env", .name = "print"}, "env.print");
	check_debug_name(&(struct reel_function){.module_name = "", .name = "f"}, ".f");
	check_debug_name(
		&(struct reel_function){.module_name = "m", .name = "", .index = 7}, "m.$7");
	check_debug_name(&(struct reel_function){.name = "main"}, "main");
	check_debug_name(&(struct reel_function){.debug_name = "x.y", .name = "z"}, "x.y");
	check_debug_name(
		&(struct reel_function){.module_name = "m", .index = REEL_NO_INDEX}, "m.$?");
}

static void a_debug_name_is_cut_to_its_room(void **state)
{
	const struct reel_function function = {.module_name = "module", .name = "name"};
	char text[5] = "????";

	assert_int_equal(reel_function_debug_name(&function, text, sizeof(text)), 11);
	assert_string_equal(text, "modu");
	assert_int_equal(reel_function_debug_name(&function, NULL, 0), 11);
}

static uint64_t offset_of_pc(const struct reel_function *function, uint64_t pc)
{
	return pc - function->address;
}

static void a_source_offset_honours_the_pc(void **state)
{
	const struct reel_function function = {
		.address = 100, .source_offset_for_pc = offset_of_pc};
	const struct reel_function without = {.address = 100};

	assert_int_equal(reel_function_source_offset(&function, 120), 20);
	assert_int_equal(reel_function_source_offset(&function, 130), 30);
	assert_int_equal(reel_function_source_offset(&without, 130), 0);
	assert_int_equal(reel_function_source_offset(NULL, 130), 0);
}

static void every_status_and_reason_has_a_name(void **state)
{
	for (int status = 1; status >= -10; status--) {
		assert_string_not_equal(reel_status_str(status), "unknown status");
	}
	assert_string_equal(reel_status_str(-99), "unknown status");
	assert_string_equal(reel_reason_name(REEL_REASON_NONE), "");
	assert_string_equal(reel_reason_name(REEL_REASON_UNWOUND), "unwound");
	assert_string_equal(reel_reason_name(REEL_REASON_LOST), "lost");
	assert_string_equal(reel_reason_name((enum reel_reason)99), "");
}

static void a_failure_fills_its_error_and_cuts_long_texts(void **state)
{
	struct reel_error error = {0};
	char text[2 * REEL_ERROR_SIZE];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(reel_fail(&error, REEL_EIO, "%s: %d", "file", 3), REEL_EIO);
	assert_int_equal(error.status, REEL_EIO);
	assert_string_equal(error.text, "file: 3");
	assert_int_equal(reel_fail(&error, REEL_EINVAL, "%s", text), REEL_EINVAL);
	assert_int_equal(strlen(error.text), REEL_ERROR_SIZE - 1);
	assert_int_equal(reel_fail(NULL, REEL_ENOMEM, "no place"), REEL_ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doubles_print_as_go_prints_them),
		cmocka_unit_test(floats_print_the_shortest_text_that_reads_back_as_a_float),
		cmocka_unit_test(random_floats_read_back_and_are_short),
		cmocka_unit_test(powers_of_two_read_back),
		cmocka_unit_test(floats_do_not_depend_on_the_locale),
		cmocka_unit_test(values_mask_the_upper_half_of_narrow_types),
		cmocka_unit_test(type_names_go_both_ways),
		cmocka_unit_test(words_count_v128_twice),
		cmocka_unit_test(debug_names_are_made_from_what_is_known),
		cmocka_unit_test(a_debug_name_is_cut_to_its_room),
		cmocka_unit_test(a_source_offset_honours_the_pc),
		cmocka_unit_test(every_status_and_reason_has_a_name),
		cmocka_unit_test(a_failure_fills_its_error_and_cuts_long_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
