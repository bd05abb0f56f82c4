/*
 * The listener benchmark: given captured calls, times a factory's listeners over them.
 *
 * The clock costs more than a cheap listener, so it is read only around groups of calls: the before
 * of each call of a group, then, innermost first, their afters. That keeps the contract's nesting.
 */
#include <stdlib.h>
#include <time.h>

#include <reel/benchmark.h>

#define GROUP_CALLS 64

/* Time that passes between two events, as listeners see it through their context. */
#define EVENT_NS 100

struct timed_call {
	const struct reel_captured_call *call;
	struct reel_listener *listener;
};

struct benchmark {
	struct reel_context context;
	uint64_t now_ns; /* what the context answers */
	struct timed_call *calls;
	size_t call_count;
	double *before_ns, *after_ns; /* per round, per call */
};

static const struct reel_stream_info benchmark_stream = {.name = "benchmark", .process = ""};

static uint64_t benchmark_time_ns(const struct reel_context *context)
{
	return ((const struct benchmark *)context)->now_ns;
}

static double clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void call_before(struct benchmark *benchmark, const struct timed_call *timed)
{
	const struct reel_captured_call *call = timed->call;
	struct reel_frame_array_iterator iterator;

	benchmark->now_ns += EVENT_NS;
	if (timed->listener->before) {
		timed->listener->before(timed->listener, &benchmark->context, call->module,
			call->function, call->params,
			reel_frame_array_iterator_init(&iterator, call->frames, call->frame_count));
	}
}

static void call_after(struct benchmark *benchmark, const struct timed_call *timed)
{
	const struct reel_captured_call *call = timed->call;

	benchmark->now_ns += EVENT_NS;
	if (timed->listener->after) {
		timed->listener->after(timed->listener, &benchmark->context, call->module,
			call->function, call->results);
	}
}

/* One round over all calls; the times per call go to *before_ns and *after_ns. */
static void run_round(struct benchmark *benchmark, double *before_ns, double *after_ns)
{
	const double count = (double)benchmark->call_count;
	double before = 0;
	double after = 0;

	for (size_t first = 0; first < benchmark->call_count; first += GROUP_CALLS) {
		size_t rest = benchmark->call_count - first;
		size_t end = first + (rest < GROUP_CALLS ? rest : GROUP_CALLS);
		double begin_ns = clock_ns();
		double middle_ns;

		for (size_t i = first; i < end; i++) {
			call_before(benchmark, &benchmark->calls[i]);
		}
		middle_ns = clock_ns();
		for (size_t i = end; i-- > first;) {
			call_after(benchmark, &benchmark->calls[i]);
		}
		before += middle_ns - begin_ns;
		after += clock_ns() - middle_ns;
	}
	*before_ns = before / count;
	*after_ns = after / count;
}

static int by_function(const void *left, const void *right)
{
	const struct timed_call *a = left;
	const struct timed_call *b = right;
	uintptr_t x = (uintptr_t)a->call->function;
	uintptr_t y = (uintptr_t)b->call->function;

	return (x > y) - (x < y);
}

static int by_position(const void *left, const void *right)
{
	const struct timed_call *a = left;
	const struct timed_call *b = right;

	return (a->call > b->call) - (a->call < b->call);
}

/* Asks for each function's listener once and keeps the calls that have one, in their order. */
static void choose_listeners(struct benchmark *benchmark, struct reel_listener_factory *factory)
{
	struct timed_call *calls = benchmark->calls;
	size_t kept = 0;

	qsort(calls, benchmark->call_count, sizeof(*calls), by_function);
	for (size_t i = 0; i < benchmark->call_count; i++) {
		const struct reel_function *function = calls[i].call->function;

		if (i > 0 && calls[i - 1].call->function == function) {
			calls[i].listener = calls[i - 1].listener;
		} else {
			calls[i].listener = factory->listener_for(factory, function);
		}
	}
	qsort(calls, benchmark->call_count, sizeof(*calls), by_position);
	for (size_t i = 0; i < benchmark->call_count; i++) {
		if (calls[i].listener) {
			calls[kept++] = calls[i];
		}
	}
	benchmark->call_count = kept;
}

static int by_value(const void *left, const void *right)
{
	double a = *(const double *)left;
	double b = *(const double *)right;

	return (a > b) - (a < b);
}

static void summarize(double *samples, uint64_t count, double *min, double *median, double *p99)
{
	qsort(samples, count, sizeof(*samples), by_value);
	*min = samples[0];
	*median = samples[count / 2];
	*p99 = samples[count - 1 - count / 100];
}

static int benchmark_run(struct benchmark *benchmark, struct reel_listener_factory *factory,
	uint64_t rounds, struct reel_benchmark_result *result)
{
	choose_listeners(benchmark, factory);
	if (benchmark->call_count == 0) {
		return REEL_EINVAL;
	}
	for (uint64_t i = 0; i < rounds / 10; i++) {
		run_round(benchmark, &benchmark->before_ns[0], &benchmark->after_ns[0]);
	}
	for (uint64_t i = 0; i < rounds; i++) {
		run_round(benchmark, &benchmark->before_ns[i], &benchmark->after_ns[i]);
	}
	result->rounds = rounds;
	result->events = rounds * benchmark->call_count;
	summarize(benchmark->before_ns, rounds, &result->before_min_ns, &result->before_median_ns,
		&result->before_p99_ns);
	summarize(benchmark->after_ns, rounds, &result->after_min_ns, &result->after_median_ns,
		&result->after_p99_ns);
	return 0;
}

static int benchmark_init(struct benchmark *benchmark, const struct reel_captured_call *calls,
	size_t call_count, uint64_t rounds)
{
	*benchmark = (struct benchmark){
		.context = {.stream = &benchmark_stream, .time_ns = benchmark_time_ns},
		.calls = calloc(call_count, sizeof(*benchmark->calls)),
		.call_count = call_count,
		.before_ns = calloc(rounds, sizeof(double)),
		.after_ns = calloc(rounds, sizeof(double)),
	};
	if (!benchmark->calls || !benchmark->before_ns || !benchmark->after_ns) {
		return REEL_ENOMEM;
	}
	for (size_t i = 0; i < call_count; i++) {
		benchmark->calls[i].call = &calls[i];
	}
	return 0;
}

static void benchmark_deinit(struct benchmark *benchmark)
{
	free(benchmark->calls);
	free(benchmark->before_ns);
	free(benchmark->after_ns);
}

int reel_listener_benchmark(struct reel_listener_factory *factory,
	const struct reel_captured_call *calls, size_t call_count, uint64_t rounds,
	struct reel_benchmark_result *result)
{
	const struct reel_host_info info = {.size = sizeof(info), .replay = true, .metadata = ""};
	struct benchmark benchmark;
	int status, finish_status;

	if (call_count == 0 || rounds == 0) {
		return REEL_EINVAL;
	}
	status = factory->begin ? factory->begin(factory, &info, NULL) : 0;
	if (status < 0) {
		return status;
	}
	status = benchmark_init(&benchmark, calls, call_count, rounds);
	if (status == 0) {
		status = benchmark_run(&benchmark, factory, rounds, result);
	}
	benchmark_deinit(&benchmark);
	finish_status = factory->finish ? factory->finish(factory, NULL) : 0;
	return status < 0 ? status : finish_status;
}
