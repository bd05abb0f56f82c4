/*
 * The listener benchmark: what it calls, how often, in which order and with which stack. Times are
 * only checked for making sense.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <reel/benchmark.h>

enum { CALLS = 150, ROUNDS = 20 };

static const uint8_t types[1] = {REEL_I64};
static const struct reel_function functions[3] = {
	{.name = "a", .param_types = types, .param_count = 1},
	{.name = "b", .param_types = types, .param_count = 1},
	{.name = "unheard"},
};

static struct reel_captured_call calls[CALLS];
static struct reel_frame frames[CALLS][4];
static uint64_t params[CALLS], results[CALLS];

struct watcher {
	struct reel_listener_factory factory; /* first */
	struct reel_listener listener;
	unsigned asked, begins, finishes;
	uint64_t befores, afters, frames;
	uint64_t last_ns;
	const uint64_t *open[CALLS]; /* params of open calls */
	size_t depth;
};

static struct watcher *watcher_of(struct reel_listener *listener)
{
	return (struct watcher *)((char *)listener - offsetof(struct watcher, listener));
}

static void watch_time(struct watcher *watcher, struct reel_context *context)
{
	uint64_t now = reel_context_time_ns(context);

	assert_true(now > watcher->last_ns);
	watcher->last_ns = now;
}

static void watch_before(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *given,
	struct reel_stack_iterator *stack)
{
	struct watcher *watcher = watcher_of(listener);
	size_t call = (size_t)(given - params);

	watch_time(watcher, context);
	/* Function, parameters and stack are of one and the same call. */
	assert_true(call < CALLS);
	assert_ptr_equal(function, calls[call].function);
	assert_true(reel_stack_next(stack));
	assert_ptr_equal(reel_stack_function(stack), function);
	assert_int_equal(reel_stack_pc(stack), call);
	do {
		watcher->frames++;
	} while (reel_stack_next(stack));
	watcher->befores++;
	watcher->open[watcher->depth++] = given;
}

static void watch_after(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *given)
{
	struct watcher *watcher = watcher_of(listener);

	watch_time(watcher, context);
	assert_true(watcher->depth > 0);
	watcher->depth--;
	assert_int_equal(given - results, watcher->open[watcher->depth] - params);
	assert_ptr_equal(function, calls[given - results].function);
	watcher->afters++;
}

static int watch_begin(struct reel_listener_factory *factory, const struct reel_host_info *info,
	struct reel_error *error)
{
	((struct watcher *)factory)->begins++;
	assert_string_equal(info->metadata, "");
	return 0;
}

static int watch_finish(struct reel_listener_factory *factory, struct reel_error *error)
{
	((struct watcher *)factory)->finishes++;
	return 0;
}

static struct reel_listener *watch_listener_for(
	struct reel_listener_factory *factory, const struct reel_function *function)
{
	struct watcher *watcher = (struct watcher *)factory;

	watcher->asked++;
	return function == &functions[2] ? NULL : &watcher->listener;
}

static void watcher_init(struct watcher *watcher)
{
	*watcher = (struct watcher){
		.factory =
			{
				.begin = watch_begin,
				.listener_for = watch_listener_for,
				.finish = watch_finish,
			},
		.listener = {.before = watch_before, .after = watch_after},
	};
	for (size_t i = 0; i < CALLS; i++) {
		size_t depth = 1 + i % 4;

		frames[i][0] = (struct reel_frame){.function = &functions[i % 3], .pc = i};
		calls[i] = (struct reel_captured_call){
			.function = &functions[i % 3],
			.params = &params[i],
			.results = &results[i],
			.frames = frames[i],
			.frame_count = depth,
		};
	}
}

static void every_round_calls_every_listened_call_with_a_fresh_stack(void **state)
{
	struct reel_benchmark_result result;
	struct watcher watcher;
	uint64_t frame_count = 0;

	watcher_init(&watcher);
	for (size_t i = 0; i < CALLS; i++) {
		frame_count += i % 3 == 2 ? 0 : calls[i].frame_count;
	}
	assert_int_equal(
		reel_listener_benchmark(&watcher.factory, calls, CALLS, ROUNDS, &result), 0);
	assert_int_equal(watcher.asked, 3);
	assert_int_equal(watcher.begins, 1);
	assert_int_equal(watcher.finishes, 1);
	assert_int_equal(watcher.depth, 0);
	assert_int_equal(watcher.befores, 100 * (ROUNDS + ROUNDS / 10));
	assert_int_equal(watcher.afters, watcher.befores);
	assert_int_equal(watcher.frames, frame_count * (ROUNDS + ROUNDS / 10));
	assert_int_equal(result.rounds, ROUNDS);
	assert_int_equal(result.events, 100 * ROUNDS);
	assert_true(result.before_min_ns <= result.before_median_ns);
	assert_true(result.before_median_ns <= result.before_p99_ns);
	assert_true(result.after_min_ns <= result.after_median_ns);
	assert_true(result.after_median_ns <= result.after_p99_ns);
	assert_true(result.before_min_ns >= 0);
}

static void listeners_without_callbacks_are_measured_too(void **state)
{
	struct reel_benchmark_result result;
	struct watcher watcher;

	watcher_init(&watcher);
	watcher.listener = (struct reel_listener){0};
	assert_int_equal(reel_listener_benchmark(&watcher.factory, calls, CALLS, 1, &result), 0);
	assert_int_equal(result.events, 100);
}

static void measuring_nothing_is_refused(void **state)
{
	struct reel_benchmark_result result;
	struct watcher watcher;

	watcher_init(&watcher);
	assert_int_equal(
		reel_listener_benchmark(&watcher.factory, calls, 0, 5, &result), REEL_EINVAL);
	assert_int_equal(
		reel_listener_benchmark(&watcher.factory, calls, CALLS, 0, &result), REEL_EINVAL);
	assert_int_equal(
		reel_listener_benchmark(&watcher.factory, &calls[2], 1, 5, &result), REEL_EINVAL);
	assert_int_equal(watcher.befores, 0);
	assert_int_equal(watcher.begins, watcher.finishes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_round_calls_every_listened_call_with_a_fresh_stack),
		cmocka_unit_test(listeners_without_callbacks_are_measured_too),
		cmocka_unit_test(measuring_nothing_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
