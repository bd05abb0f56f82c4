/*
 * The built-in listener `stats` and its histogram, with events made by hand.
 */
#include "builtin_drive.h"

#include <signal.h>

#include "listeners/histogram.h"

static void stats_writes_only_the_head_when_nothing_was_called(void **state)
{
	struct drive drive;
	struct drive_function unused;

	drive_begin(&drive, "stats");
	drive_function(&drive, &unused, "app", "unused");
	assert_string_equal(drive_finish(&drive),
		"calls  total  self  min  median  p99  max  module  function\n");
	drive_end(&drive);
}

static void stats_splits_time_between_callers_and_callees(void **state)
{
	struct drive drive;
	struct drive_function outer, inner;

	drive_begin(&drive, "stats");
	drive_function(&drive, &outer, "app", "outer");
	drive_function(&drive, &inner, "lib.so", "inner");
	drive_before(&drive, 0, 0, &outer);
	drive_before(&drive, 0, 10, &inner);
	drive_after(&drive, 0, 5, &inner);
	drive_before(&drive, 0, 1, &inner);
	drive_after(&drive, 0, 7, &inner);
	drive_after(&drive, 0, 1977, &outer);
	assert_string_equal(drive_finish(&drive),
		"calls     total      self       min    median       p99       max  module  "
		"function\n"
		"    1  2.000 us  1.988 us  2.000 us  2.000 us  2.000 us  2.000 us  app     outer\n"
		"    2     12 ns     12 ns      5 ns      5 ns      7 ns      7 ns  lib.so  "
		"inner\n");
	drive_end(&drive);
}

static void stats_counts_the_time_of_recursive_calls_once(void **state)
{
	struct drive drive;
	struct drive_function fib, other;

	drive_begin(&drive, "stats");
	drive_function(&drive, &fib, NULL, "fib");
	drive_function(&drive, &other, NULL, "other");
	drive_before(&drive, 0, 0, &fib);
	drive_before(&drive, 0, 10, &other);
	drive_before(&drive, 0, 1, &fib);
	drive_after(&drive, 0, 4, &fib);
	drive_after(&drive, 0, 2, &other);
	drive_after(&drive, 0, 3, &fib);
	assert_string_equal(drive_finish(&drive),
		"calls  total   self   min  median    p99    max  module  function\n"
		"    2  20 ns  17 ns  4 ns    4 ns  20 ns  20 ns  -       fib\n"
		"    1   7 ns   3 ns  7 ns    7 ns   7 ns   7 ns  -       other\n");
	drive_end(&drive);
}

static void stats_keeps_streams_apart(void **state)
{
	struct drive drive;
	struct drive_function work;

	drive_begin(&drive, "stats");
	drive_function(&drive, &work, "app", "work");
	drive_before(&drive, 0, 0, &work);
	drive_before(&drive, 3, 10, &work);
	drive_after(&drive, 0, 10, &work);
	drive_after(&drive, 3, 10, &work);
	drive.factory->marks->stream_end(drive.factory, &drive.contexts[3]);
	assert_string_equal(drive_finish(&drive),
		"calls  total   self    min  median    p99    max  module  function\n"
		"    2  40 ns  40 ns  20 ns   20 ns  20 ns  20 ns  app     work\n");
	drive_end(&drive);
}

static void stats_counts_aborted_calls_in_a_column_of_their_own(void **state)
{
	struct drive drive;
	struct drive_function outer, inner;

	drive_begin(&drive, "stats");
	drive_function(&drive, &outer, "m", "outer");
	drive_function(&drive, &inner, "m", "inner");
	drive_before(&drive, 0, 0, &outer);
	drive_before(&drive, 0, 1, &inner);
	drive_abort(&drive, 0, 1, &inner, "trap");
	drive_before(&drive, 0, 1, &inner);
	drive_after(&drive, 0, 1, &inner);
	drive_after(&drive, 0, 1, &outer);
	assert_string_equal(drive_finish(&drive),
		"calls  aborts  total  self   min  median   p99   max  module  function\n"
		"    1       0   5 ns  3 ns  5 ns    5 ns  5 ns  5 ns  m       outer\n"
		"    2       1   2 ns  2 ns  1 ns    1 ns  1 ns  1 ns  m       inner\n");
	drive_end(&drive);
}

static void stats_survives_exits_that_are_not_paired(void **state)
{
	struct drive drive;
	struct drive_function outer, inner;

	drive_begin(&drive, "stats");
	drive_function(&drive, &outer, "m", "outer");
	drive_function(&drive, &inner, "m", "inner");
	drive_after(&drive, 2, 0, &inner);
	drive_before(&drive, 0, 0, &outer);
	drive_abort(&drive, 0, 1, &inner, "not open");
	drive_before(&drive, 0, 1, &inner);
	drive_after(&drive, 0, 2, &outer);
	drive_after(&drive, 0, 1, &inner);
	drive_before(&drive, 0, 1, &inner);
	assert_string_equal(drive_finish(&drive),
		"calls  total  self   min  median   p99   max  module  function\n"
		"    1   4 ns  2 ns  4 ns    4 ns  4 ns  4 ns  m       outer\n"
		"    2   2 ns  2 ns  2 ns    2 ns  2 ns  2 ns  m       inner\n");
	drive_end(&drive);
}

static void run_three(struct drive *drive, const char *spec)
{
	struct drive_function a, b, c;

	drive_begin(drive, spec);
	drive_function(drive, &a, "m", "a");
	drive_function(drive, &b, "m", "b");
	drive_function(drive, &c, "m", "c");
	drive_before(drive, 0, 0, &a);
	drive_before(drive, 0, 1, &b);
	drive_before(drive, 0, 3, &c);
	drive_after(drive, 0, 2, &c);
	drive_before(drive, 0, 0, &c);
	drive_after(drive, 0, 2, &c);
	drive_after(drive, 0, 3, &b);
	drive_after(drive, 0, 1, &a);
}

static void stats_sorts_and_cuts_as_told(void **state)
{
	struct drive drive;

	run_three(&drive, "stats:sort=calls,top=1");
	assert_string_equal(drive_finish(&drive),
		"calls  total  self   min  median   p99   max  module  function\n"
		"    2   4 ns  4 ns  2 ns    2 ns  2 ns  2 ns  m       c\n"
		"and 2 more functions\n");
	drive_end(&drive);
	run_three(&drive, "stats:sort=self");
	assert_string_equal(drive_finish(&drive),
		"calls  total  self    min  median    p99    max  module  function\n"
		"    1  10 ns  6 ns  10 ns   10 ns  10 ns  10 ns  m       b\n"
		"    2   4 ns  4 ns   2 ns    2 ns   2 ns   2 ns  m       c\n"
		"    1  12 ns  2 ns  12 ns   12 ns  12 ns  12 ns  m       a\n");
	drive_end(&drive);
}

static void stats_shows_a_call_that_never_ended_without_times(void **state)
{
	struct drive drive;
	struct drive_function open;

	drive_begin(&drive, "stats");
	drive_function(&drive, &open, "m", "open\nfor ever");
	drive_before(&drive, 0, 0, &open);
	assert_string_equal(drive_finish(&drive),
		"calls  total  self  min  median  p99  max  module  function\n"
		"    1      -     -    -       -    -    -  m       open?for ever\n");
	drive_end(&drive);
}

static void stats_refuses_options_that_make_no_sense(void **state)
{
	drive_expect_refusal("stats:sort=size", "stats: sort=size is none of total, self, calls");
	drive_expect_refusal("stats:colour=red", "listener 'stats' has no option 'colour'");
	drive_expect_refusal(
		"stats:top=0", "option 'top' is a number from 1 to 4294967295, not '0'");
	drive_expect_refusal(
		"stats:file=/nowhere/at/all", "/nowhere/at/all: No such file or directory");
}

static void stats_reports_a_full_disk_once(void **state)
{
	struct reel_listener_factory *factory;
	struct reel_error error = {0};

	assert_int_equal(reel_listener_create("stats:file=/dev/full", NULL, &factory, &error), 0);
	assert_int_equal(factory->finish(factory, &error), REEL_EIO);
	assert_string_equal(error.text, "/dev/full: No space left on device");
	reel_listener_factory_destroy(factory);
}

static void stats_reports_a_closed_pipe(void **state)
{
	struct reel_listener_factory *factory;
	struct reel_error error = {0};
	char spec[64], expected[64];
	int ends[2];

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	snprintf(spec, sizeof(spec), "stats:file=/proc/self/fd/%d", ends[1]);
	snprintf(expected, sizeof(expected), "/proc/self/fd/%d: Broken pipe", ends[1]);
	assert_int_equal(reel_listener_create(spec, NULL, &factory, &error), 0);
	close(ends[0]);
	assert_int_equal(factory->finish(factory, &error), REEL_EIO);
	assert_string_equal(error.text, expected);
	reel_listener_factory_destroy(factory);
	close(ends[1]);
}

static void a_listener_that_is_not_finished_leaves_no_file(void **state)
{
	struct drive drive;

	drive_begin(&drive, "stats");
	reel_listener_factory_destroy(drive.factory);
	assert_int_equal(access(drive.path, F_OK), -1);
	assert_int_equal(rmdir(drive.directory), 0);
}

static void the_null_listener_takes_every_function_and_writes_nothing(void **state)
{
	struct reel_listener_factory *factory;
	struct reel_function function = {.size = sizeof(function), .name = "f"};
	struct reel_listener *listener;

	assert_int_equal(reel_listener_create("null", NULL, &factory, NULL), 0);
	listener = factory->listener_for(factory, &function);
	assert_non_null(listener);
	assert_null(listener->before);
	reel_listener_factory_destroy(factory);
	drive_expect_refusal("null:file=x", "listener 'null' has no option 'file'");
}

static void a_quantile_is_off_by_a_64th_at_most(void **state)
{
	struct histogram histogram = {0};

	for (uint64_t value = 1; value < UINT64_C(1) << 62; value += value / 3 + 1) {
		uint64_t found;

		assert_int_equal(histogram_add(&histogram, value), 0);
		found = histogram_value_at(&histogram, 1);
		assert_true((found > value ? found - value : value - found) <= value / 64);
		histogram_deinit(&histogram);
	}
	assert_int_equal(histogram_add(&histogram, UINT64_MAX), 0);
	assert_int_equal(histogram_add(&histogram, 0), 0);
	assert_int_equal(histogram_value_at(&histogram, 1), 0);
	assert_true(histogram_value_at(&histogram, 2) > UINT64_MAX - UINT64_MAX / 64);
	assert_int_equal(histogram_value_at(&histogram, 3), 0);
	histogram_deinit(&histogram);
}

static void a_histogram_counts_small_values_exactly_in_any_order(void **state)
{
	struct histogram histogram = {0};

	for (uint64_t i = 0; i < 1000; i++) {
		assert_int_equal(histogram_add(&histogram, i * 7 % 10), 0);
	}
	for (uint64_t rank = 1; rank <= 1000; rank++) {
		assert_int_equal(histogram_value_at(&histogram, rank), (rank - 1) / 100);
	}
	histogram_deinit(&histogram);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stats_writes_only_the_head_when_nothing_was_called),
		cmocka_unit_test(stats_splits_time_between_callers_and_callees),
		cmocka_unit_test(stats_counts_the_time_of_recursive_calls_once),
		cmocka_unit_test(stats_keeps_streams_apart),
		cmocka_unit_test(stats_counts_aborted_calls_in_a_column_of_their_own),
		cmocka_unit_test(stats_survives_exits_that_are_not_paired),
		cmocka_unit_test(stats_sorts_and_cuts_as_told),
		cmocka_unit_test(stats_shows_a_call_that_never_ended_without_times),
		cmocka_unit_test(stats_refuses_options_that_make_no_sense),
		cmocka_unit_test(stats_reports_a_full_disk_once),
		cmocka_unit_test(stats_reports_a_closed_pipe),
		cmocka_unit_test(a_listener_that_is_not_finished_leaves_no_file),
		cmocka_unit_test(the_null_listener_takes_every_function_and_writes_nothing),
		cmocka_unit_test(a_quantile_is_off_by_a_64th_at_most),
		cmocka_unit_test(a_histogram_counts_small_values_exactly_in_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
