/*
 * The clock: ticks to nanoseconds against plain arithmetic of 128 bits, at every edge.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/clock.h"

__extension__ typedef unsigned __int128 wide;

static struct clock clock_of(struct clock_sample *samples, size_t count)
{
	struct clock clock;

	assert_int_equal(clock_build(&clock, samples, count), 0);
	return clock;
}

static void samples_are_met_exactly(void **state)
{
	struct clock_sample samples[] = {
		{5000, 900, 0}, {1000, 100, 0}, {5001, 901, 0}, {UINT64_MAX, UINT64_MAX, 0}};
	struct clock clock = clock_of(samples, 4);

	assert_int_equal(clock_ns(&clock, 1000), 100);
	assert_int_equal(clock_ns(&clock, 5000), 900);
	assert_int_equal(clock_ns(&clock, 5001), 901);
	assert_int_equal(clock_ns(&clock, UINT64_MAX), UINT64_MAX);
	assert_int_equal(clock_ns(&clock, 3000), 500);
	clock_deinit(&clock);
}

static void times_beyond_the_samples_follow_the_nearest_slope(void **state)
{
	struct clock_sample samples[] = {{1000, 1000, 0}, {2000, 1500, 0}, {3000, 3500, 0}};
	struct clock clock = clock_of(samples, 3);

	assert_int_equal(clock_ns(&clock, 998), 999);
	assert_int_equal(clock_ns(&clock, 997), 998); /* 1.5 below is rounded away */
	assert_int_equal(clock_ns(&clock, 0), 500);
	assert_int_equal(clock_ns(&clock, 3500), 4500);
	clock_deinit(&clock);
}

static void times_stop_at_the_ends_of_64_bits(void **state)
{
	struct clock_sample samples[] = {{1000, 10, 0}, {1001, 1ull << 62, 0}};
	struct clock clock = clock_of(samples, 2);

	assert_int_equal(clock_ns(&clock, 0), 0);
	assert_int_equal(clock_ns(&clock, 999), 0);
	assert_int_equal(clock_ns(&clock, 1000), 10);
	assert_int_equal(clock_ns(&clock, 2000), UINT64_MAX);
	assert_int_equal(clock_ns(&clock, UINT64_MAX), UINT64_MAX);
	clock_deinit(&clock);
}

static void one_sample_or_none_makes_a_tick_a_nanosecond(void **state)
{
	struct clock_sample sample = {700, 1700, 0};
	struct clock none = clock_of(NULL, 0), one = clock_of(&sample, 1);

	assert_int_equal(clock_ns(&none, 0), 0);
	assert_int_equal(clock_ns(&none, 12345), 12345);
	assert_int_equal(clock_ns(&none, UINT64_MAX), UINT64_MAX);
	assert_int_equal(clock_ns(&one, 700), 1700);
	assert_int_equal(clock_ns(&one, 701), 1701);
	assert_int_equal(clock_ns(&one, 0), 1000);
	clock_deinit(&none);
	clock_deinit(&one);
}

static void samples_that_contradict_are_left_out(void **state)
{
	struct clock_sample samples[] = {{10, 100, 0}, {20, 90, 0}, {10, 105, 0}, {30, 300, 0}};
	struct clock clock = clock_of(samples, 4);

	assert_int_equal(clock_ns(&clock, 10), 100);
	assert_int_equal(clock_ns(&clock, 20), 200);
	assert_int_equal(clock_ns(&clock, 30), 300);
	clock_deinit(&clock);
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* What FORMAT.md says, with a division. */
static uint64_t plain_ns(const struct clock_sample *a, const struct clock_sample *b, uint64_t ticks)
{
	wide rise = (wide)(ticks - a->ticks) * (b->monotonic_ns - a->monotonic_ns);

	return a->monotonic_ns + (uint64_t)(rise / (b->ticks - a->ticks));
}

static void every_quotient_is_exact(void **state)
{
	uint64_t random = 88172645463325252u;

	for (unsigned round = 0; round < 20000; round++) {
		uint64_t shift = next_random(&random) % 60, ns_shift = next_random(&random) % 60;
		struct clock_sample samples[2] = {
			{next_random(&random) >> 2, next_random(&random) >> 2, 0}, {0, 0, 0}};
		struct clock_sample first = samples[0], second;
		struct clock clock;

		samples[1].ticks = first.ticks + 1 + (next_random(&random) >> 2 >> shift);
		samples[1].monotonic_ns =
			first.monotonic_ns + (next_random(&random) >> 2 >> ns_shift);
		second = samples[1];
		clock = clock_of(samples, 2);
		for (unsigned i = 0; i < 20; i++) {
			uint64_t width = second.ticks - first.ticks;
			uint64_t ticks = first.ticks + next_random(&random) % width;

			assert_int_equal(clock_ns(&clock, ticks), plain_ns(&first, &second, ticks));
		}
		assert_int_equal(clock_ns(&clock, second.ticks), second.monotonic_ns);
		clock_deinit(&clock);
	}
}

static void time_never_runs_backwards(void **state)
{
	uint64_t random = 1234567;
	struct clock_sample samples[50];
	struct clock clock;
	uint64_t previous = 0;

	for (unsigned i = 0; i < 50; i++) {
		samples[i].ticks = 100000 + i * 1000 + next_random(&random) % 1000;
		samples[i].monotonic_ns = 50000 + i * 313 + next_random(&random) % 400;
	}
	clock = clock_of(samples, 50);
	for (uint64_t ticks = 0; ticks < 200000; ticks++) {
		uint64_t now = clock_ns(&clock, ticks);

		assert_true(now >= previous);
		previous = now;
	}
	clock_deinit(&clock);
}

static void expect_stretch_is_right_at(
	const struct clock *clock, const struct clock_stretch *stretch, uint64_t ticks)
{
	assert_true(clock_stretch_has(stretch, ticks));
	assert_int_equal(clock_stretch_ns(stretch, ticks), clock_ns(clock, ticks));
}

static void a_stretch_says_what_the_clock_says(void **state)
{
	uint64_t random = 987654321;

	for (unsigned round = 0; round < 20000; round++) {
		uint64_t shift = next_random(&random) % 62, ns_shift = next_random(&random) % 62;
		struct clock_sample samples[4] = {
			{next_random(&random) >> 2, next_random(&random) >> 2, 0}};
		struct clock clock;

		for (unsigned i = 1; i < 4; i++) {
			samples[i].ticks =
				samples[i - 1].ticks + 1 + (next_random(&random) >> 2 >> shift);
			samples[i].monotonic_ns = samples[i - 1].monotonic_ns +
						  (next_random(&random) >> 2 >> ns_shift);
		}
		clock = clock_of(samples, 1 + round % 4);
		for (unsigned i = 0; i < 20; i++) {
			uint64_t ticks = samples[i % 4].ticks + (next_random(&random) >> shift) - 1;
			struct clock_stretch stretch;

			clock_stretch_at(&clock, ticks, &stretch);
			expect_stretch_is_right_at(&clock, &stretch, ticks);
			expect_stretch_is_right_at(&clock, &stretch, stretch.ticks);
			ticks = stretch.ticks + stretch.length;
			expect_stretch_is_right_at(&clock, &stretch, ticks);
			ticks -= stretch.length ? next_random(&random) % stretch.length : 0;
			expect_stretch_is_right_at(&clock, &stretch, ticks);
		}
		clock_deinit(&clock);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_are_met_exactly),
		cmocka_unit_test(times_beyond_the_samples_follow_the_nearest_slope),
		cmocka_unit_test(times_stop_at_the_ends_of_64_bits),
		cmocka_unit_test(one_sample_or_none_makes_a_tick_a_nanosecond),
		cmocka_unit_test(samples_that_contradict_are_left_out),
		cmocka_unit_test(every_quotient_is_exact),
		cmocka_unit_test(time_never_runs_backwards),
		cmocka_unit_test(a_stretch_says_what_the_clock_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
