/*
 * Alignment of shown stacks with open calls, as CONTRACT 4 has it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "alignment.h"

/* Functions as letters: `shown` topmost first, `open` innermost first. */
static struct alignment align_letters(const char *shown, const char *open)
{
	struct aligned a[64], b[64];
	size_t count = strlen(open);

	for (size_t i = 0; i < strlen(shown); i++) {
		a[i] = (struct aligned){.function = (uint32_t)shown[i]};
	}
	for (size_t i = 0; i < count; i++) {
		b[count - 1 - i] = (struct aligned){.function = (uint32_t)open[i]};
	}
	return align(a, (uint32_t)strlen(shown), b, (uint32_t)count);
}

static void assert_gone(const char *shown, const char *open, uint32_t gone, uint32_t matched)
{
	struct alignment alignment = align_letters(shown, open);

	if (alignment.gone != gone || alignment.matched != matched) {
		fail_msg("shown %s, open %s: %u gone, %u matched; wanted %u and %u", shown, open,
			alignment.gone, alignment.matched, gone, matched);
	}
}

static void a_stack_that_begins_as_the_open_calls_proves_nothing(void **state)
{
	assert_gone("", "", 0, 0);
	assert_gone("", "abc", 0, 0);
	assert_gone("a", "", 0, 0);
	assert_gone("abc", "abc", 0, 3);
	assert_gone("ab", "abc", 0, 2);
	assert_gone("a", "abc", 0, 1);
	assert_gone("f", "fff", 0, 1);
	assert_gone("ff", "fff", 0, 2);
}

static void a_stack_of_other_functions_proves_nothing(void **state)
{
	assert_gone("xyz", "abc", 0, 0);
	assert_gone("axb", "abc", 0, 2);
	assert_gone("abx", "abc", 0, 2);
}

static void calls_above_a_shown_one_are_gone(void **state)
{
	assert_gone("b", "abc", 1, 1);
	assert_gone("c", "abc", 2, 1);
	assert_gone("bc", "abc", 1, 2);
	assert_gone("xc", "abc", 2, 1);
}

static void recursion_gives_up_as_few_as_possible(void **state)
{
	assert_gone("gf", "fgf", 1, 2);
	assert_gone("ff", "gff", 1, 2);
	assert_gone("fg", "ffg", 1, 2);
	assert_gone("fgfg", "gfgfg", 1, 4);
	assert_gone("fff", "ff", 0, 2);
	assert_gone("f", "gfgf", 1, 1);
}

static void what_shows_more_open_calls_is_more_likely(void **state)
{
	assert_gone("dabc", "abcd", 0, 3);
	assert_gone("dea", "abcde", 3, 2);
}

static void identities_tell_activations_apart(void **state)
{
	const struct aligned open[] = {{1, 10}, {1, 20}, {1, 30}};
	const struct aligned second = {1, 20}, unknown = {1, 0}, other = {1, 99};
	struct alignment alignment = align(&second, 1, open, 3);

	assert_int_equal(alignment.gone, 1);
	assert_int_equal(alignment.matched, 1);
	assert_int_equal(align(&unknown, 1, open, 3).gone, 0);
	assert_int_equal(align(&other, 1, open, 3).matched, 0);
	assert_int_equal(align(&other, 1, open, 3).gone, 0);
}

static void the_first_match_is_told(void **state)
{
	assert_int_equal(align_letters("xyb", "abc").position, 2);
	assert_int_equal(align_letters("abc", "abc").position, 0);
}

static void a_search_is_bounded(void **state)
{
	enum { COUNT = 20000 };
	static struct aligned shown[COUNT], open[COUNT];

	for (uint32_t i = 0; i < COUNT; i++) {
		shown[i].function = i % 2 ? 1 : 3;
		open[i].function = i % 2 ? 2 : 1;
	}
	/* Any answer will do, in a moment. */
	assert_true(align(shown, COUNT, open, COUNT).gone < COUNT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stack_that_begins_as_the_open_calls_proves_nothing),
		cmocka_unit_test(a_stack_of_other_functions_proves_nothing),
		cmocka_unit_test(calls_above_a_shown_one_are_gone),
		cmocka_unit_test(recursion_gives_up_as_few_as_possible),
		cmocka_unit_test(what_shows_more_open_calls_is_more_likely),
		cmocka_unit_test(identities_tell_activations_apart),
		cmocka_unit_test(the_first_match_is_told),
		cmocka_unit_test(a_search_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
