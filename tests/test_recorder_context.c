/*
 * Time reaches listeners through the context: a profiler that runs live beside a recorder computes
 * the numbers that it computes from the trace.
 */
#include "fake_host.h"

#define STREAMS 3u
#define DEPTH 64u

/* ---- a small profiler: self time per function ---- */

struct profile_call {
	enum fake_function function;
	uint64_t began_ns, in_callees_ns;
};

struct profiler {
	struct reel_listener_factory factory;
	struct reel_listener listener;
	uint64_t self_ns[FAKE_FUNCTIONS], calls[FAKE_FUNCTIONS], aborts;
	struct {
		const struct reel_context *context; /* by it streams are known */
		struct profile_call open[DEPTH];
		size_t depth;
	} streams[STREAMS];
};

static enum fake_function function_number(const struct reel_function *function)
{
	for (uint32_t i = 0; i < FAKE_FUNCTIONS; i++) {
		if (strcmp(fake_definitions[i].name, function->name) == 0) {
			return (enum fake_function)i;
		}
	}
	fail();
	return FAKE_MAIN;
}

static struct profiler *profiler_of(struct reel_listener *listener)
{
	return (struct profiler *)((char *)listener - offsetof(struct profiler, listener));
}

static uint32_t stream_of(struct profiler *profiler, const struct reel_context *context)
{
	uint32_t i = context->slot;

	assert_in_range(i, 0, STREAMS - 1);
	if (!profiler->streams[i].context) {
		profiler->streams[i].context = context;
	}
	assert_ptr_equal(profiler->streams[i].context, context);
	return i;
}

static void profiler_before(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *params,
	struct reel_stack_iterator *stack)
{
	struct profiler *profiler = profiler_of(listener);
	uint32_t stream = stream_of(profiler, context);

	(void)module;
	(void)params;
	(void)stack;
	profiler->streams[stream].open[profiler->streams[stream].depth++] =
		(struct profile_call){function_number(function), reel_context_time_ns(context), 0};
}

static void end_call(struct profiler *profiler, struct reel_context *context)
{
	uint32_t stream = stream_of(profiler, context);
	size_t depth = --profiler->streams[stream].depth;
	const struct profile_call *call = &profiler->streams[stream].open[depth];
	uint64_t total_ns = reel_context_time_ns(context) - call->began_ns;

	profiler->self_ns[call->function] += total_ns - call->in_callees_ns;
	profiler->calls[call->function]++;
	if (depth > 0) {
		profiler->streams[stream].open[depth - 1].in_callees_ns += total_ns;
	}
}

static void profiler_after(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *results)
{
	(void)module;
	(void)function;
	(void)results;
	end_call(profiler_of(listener), context);
}

static void profiler_abort(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function,
	const struct reel_abort *error)
{
	(void)module;
	(void)function;
	(void)error;
	profiler_of(listener)->aborts++;
	end_call(profiler_of(listener), context);
}

static struct reel_listener *profiler_for(
	struct reel_listener_factory *factory, const struct reel_function *function)
{
	(void)function;
	return &((struct profiler *)factory)->listener;
}

static struct profiler *profiler_create(void)
{
	struct profiler *profiler = calloc(1, sizeof(*profiler));

	assert_non_null(profiler);
	profiler->factory.listener_for = profiler_for;
	profiler->listener = (struct reel_listener){
		.before = profiler_before, .after = profiler_after, .abort = profiler_abort};
	return profiler;
}

static void assert_same_profile(const struct profiler *live, const struct profiler *replayed)
{
	assert_true(live->self_ns[FAKE_MAIN] > 0);
	assert_true(live->aborts > 0);
	assert_int_equal(live->aborts, replayed->aborts);
	for (uint32_t i = 0; i < FAKE_FUNCTIONS; i++) {
		assert_int_equal(live->calls[i], replayed->calls[i]);
		assert_int_equal(live->self_ns[i], replayed->self_ns[i]);
	}
}

/* ---- hosts ---- */

static const struct reel_recorder_options with_host_time = {
	.size = sizeof(with_host_time), .on_full = REEL_ON_FULL_WAIT, .host_time = true};

static void assert_replays_as(const struct profiler *live)
{
	struct profiler *replayed = profiler_create();

	fake_replay(fake_path("t.reel"), &replayed->factory);
	assert_same_profile(live, replayed);
	free(replayed);
}

static void a_profiler_has_the_same_numbers_live_and_replayed(void **state)
{
	struct profiler *live = profiler_create();
	struct reel_recorder *recorder = fake_recorder(fake_path("t.reel"), &with_host_time);
	struct reel_listener_factory *capturing =
		reel_capturing_factory_create(recorder, &live->factory);
	struct fake_host *host = fake_host_create(capturing);

	/* The host's clock moves at each look: the profiler's look is the recorder's. */
	fake_run(host);
	fake_run(host);
	fake_host_destroy(host);
	reel_listener_factory_destroy(capturing);
	assert_int_equal(reel_recorder_close(recorder, NULL), 0);
	assert_replays_as(live);
	free(live);
}

static uint64_t time_of_event(const struct reel_context *context)
{
	return ((const struct fake_host *)(const void *)context)->now_ns;
}

static void a_host_with_one_time_per_event_needs_no_capturing(void **state)
{
	struct profiler *live = profiler_create();
	struct reel_recorder *recorder = fake_recorder(fake_path("t.reel"), &with_host_time);
	struct reel_listener_factory *factories[] = {
		&live->factory, reel_recorder_factory(recorder)};
	struct reel_listener_factory *multi = reel_multi_factory_create(factories, 2);
	struct fake_host *host = fake_host_create(multi);

	host->context.time_ns = time_of_event;
	for (uint32_t i = 0; i < 50; i++) {
		host->now_ns += 13;
		fake_before(host, FAKE_MAIN, NULL);
		host->now_ns += i;
		fake_before(host, FAKE_PRESTAT, (const uint64_t[]){3, 4});
		host->now_ns += 5;
		if (i % 3) {
			fake_after(host, (const uint64_t[]){0});
		} else {
			fake_abort(host, "trap");
		}
		host->now_ns += i * i;
		fake_after(host, NULL);
	}
	fake_host_destroy(host);
	reel_listener_factory_destroy(multi);
	assert_int_equal(reel_recorder_close(recorder, NULL), 0);
	assert_replays_as(live);
	free(live);
}

static void stats_and_folded_print_the_same_live_and_replayed(void **state)
{
	static const char *const names[] = {"stats", "folded"};

	for (size_t i = 0; i < 2; i++) {
		struct reel_listener_factory *listener = fake_listener(names[i], fake_path("live"));
		struct reel_recorder *recorder =
			fake_recorder(fake_path("t.reel"), &with_host_time);
		struct reel_listener_factory *capturing =
			reel_capturing_factory_create(recorder, listener);
		struct fake_host *host = fake_host_create(capturing);

		fake_run(host);
		fake_host_destroy(host);
		reel_listener_factory_destroy(capturing);
		reel_listener_factory_destroy(listener);
		assert_int_equal(reel_recorder_close(recorder, NULL), 0);
		listener = fake_listener(names[i], fake_path("replayed"));
		fake_replay(fake_path("t.reel"), listener);
		reel_listener_factory_destroy(listener);
		assert_same_files(fake_path("live"), fake_path("replayed"));
	}
}

/* A clock that is set back: time stands still, for the listener and in the trace. */
static void time_never_runs_backwards_for_either(void **state)
{
	struct profiler *live = profiler_create();
	struct reel_recorder *recorder = fake_recorder(fake_path("t.reel"), &with_host_time);
	struct reel_listener_factory *capturing =
		reel_capturing_factory_create(recorder, &live->factory);
	struct fake_host *host = fake_host_create(capturing);

	host->now_ns = 100000;
	fake_before(host, FAKE_MAIN, NULL);
	host->now_ns = 50;
	fake_before(host, FAKE_PRESTAT, (const uint64_t[]){3, 4});
	fake_abort(host, "trap");
	host->now_ns = 100100;
	fake_after(host, NULL);
	fake_host_destroy(host);
	reel_listener_factory_destroy(capturing);
	assert_int_equal(reel_recorder_close(recorder, NULL), 0);
	assert_int_equal(live->self_ns[FAKE_PRESTAT], 0);
	assert_replays_as(live);
	free(live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_profiler_has_the_same_numbers_live_and_replayed),
		cmocka_unit_test(a_host_with_one_time_per_event_needs_no_capturing),
		cmocka_unit_test(stats_and_folded_print_the_same_live_and_replayed),
		cmocka_unit_test(time_never_runs_backwards_for_either),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	fake_remove_files();
	return failed;
}
