/*
 * Modules that answer listeners from what was captured at an event.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "captured.h"

static const struct reel_captured_read reads[] = {
	{.offset = 100, .length = 8, .bytes = "abcdefgh"},
	{.offset = 1000, .length = 16, .bytes = NULL},
};
static const struct reel_captured_global globals[] = {{.index = 4, .words = {7, 9}}};
static const struct reel_capture all = {.has_memory_size = true,
	.memory_size_bytes = 1010,
	.globals = globals,
	.global_count = 1,
	.reads = reads,
	.read_count = 2};
static const struct reel_capture without_size = {.reads = reads, .read_count = 2};

static struct captured_module make(const struct reel_capture *capture, bool has_memory)
{
	const struct reel_module definition = {
		.id = 3, .global_count = 6, .name = "m", .has_memory = has_memory};
	struct captured_module module;

	captured_module_init(&module, &definition);
	module.capture = capture;
	return module;
}

static void a_read_inside_a_captured_one_is_answered(void **state)
{
	struct captured_module module = make(&all, true);
	const void *bytes = NULL;

	assert_int_equal(reel_module_memory_read(&module.base, 100, 8, &bytes), REEL_READ_OK);
	assert_memory_equal(bytes, "abcdefgh", 8);
	assert_int_equal(reel_module_memory_read(&module.base, 103, 2, &bytes), REEL_READ_OK);
	assert_memory_equal(bytes, "de", 2);
	assert_int_equal(reel_module_memory_read(&module.base, 108, 0, &bytes), REEL_READ_OK);
}

static void a_read_that_was_not_kept_is_told_from_one_out_of_range(void **state)
{
	struct captured_module module = make(&all, true);
	const void *bytes = NULL;

	assert_int_equal(
		reel_module_memory_read(&module.base, 103, 6, &bytes), REEL_READ_NOT_CAPTURED);
	assert_int_equal(
		reel_module_memory_read(&module.base, 1000, 10, &bytes), REEL_READ_NOT_CAPTURED);
	assert_int_equal(
		reel_module_memory_read(&module.base, 1000, 11, &bytes), REEL_READ_OUT_OF_RANGE);
	assert_int_equal(reel_module_memory_read(&module.base, UINT64_MAX, 2, &bytes),
		REEL_READ_OUT_OF_RANGE);
	assert_int_equal(reel_module_memory_read(&module.base, 101, UINT64_MAX, &bytes),
		REEL_READ_OUT_OF_RANGE);
}

static void a_refused_read_refuses_what_contains_it(void **state)
{
	struct captured_module module = make(&without_size, true);
	const void *bytes = NULL;

	assert_int_equal(
		reel_module_memory_read(&module.base, 1000, 16, &bytes), REEL_READ_OUT_OF_RANGE);
	assert_int_equal(
		reel_module_memory_read(&module.base, 990, 40, &bytes), REEL_READ_OUT_OF_RANGE);
	assert_int_equal(
		reel_module_memory_read(&module.base, 1000, 15, &bytes), REEL_READ_NOT_CAPTURED);
}

static void sizes_and_globals_are_what_was_captured(void **state)
{
	struct captured_module module = make(&all, true);
	uint64_t size = 0, words[2] = {0};

	assert_int_equal(reel_module_memory_size(&module.base, &size), REEL_READ_OK);
	assert_int_equal(size, 1010);
	assert_int_equal(reel_module_global_get(&module.base, 4, words), REEL_READ_OK);
	assert_int_equal(words[0], 7);
	assert_int_equal(words[1], 9);
	assert_int_equal(reel_module_global_get(&module.base, 0, words), REEL_READ_NOT_CAPTURED);
	assert_int_equal(reel_module_global_get(&module.base, 6, words), REEL_READ_NO_MEMORY);
}

static void a_module_without_memory_says_so(void **state)
{
	struct captured_module module = make(NULL, false);
	const void *bytes;
	uint64_t size;

	assert_int_equal(reel_module_memory_size(&module.base, &size), REEL_READ_NO_MEMORY);
	assert_int_equal(reel_module_memory_read(&module.base, 0, 1, &bytes), REEL_READ_NO_MEMORY);
	module = make(NULL, true);
	assert_int_equal(reel_module_memory_size(&module.base, &size), REEL_READ_NOT_CAPTURED);
	assert_int_equal(
		reel_module_memory_read(&module.base, 0, 1, &bytes), REEL_READ_NOT_CAPTURED);
}

static void only_captured_modules_give_their_capture(void **state)
{
	struct captured_module module = make(&all, true);
	const struct reel_module live = {.id = 3};

	assert_ptr_equal(module_capture(&module.base), &all);
	assert_null(module_capture(&live));
	assert_null(module_capture(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_read_inside_a_captured_one_is_answered),
		cmocka_unit_test(a_read_that_was_not_kept_is_told_from_one_out_of_range),
		cmocka_unit_test(a_refused_read_refuses_what_contains_it),
		cmocka_unit_test(sizes_and_globals_are_what_was_captured),
		cmocka_unit_test(a_module_without_memory_says_so),
		cmocka_unit_test(only_captured_modules_give_their_capture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
