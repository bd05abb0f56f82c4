/*
 * `reel bench`: what a listener costs per before and per after, over calls that were captured from
 * a trace, beside the null listener and, with --vs, beside another one.
 *
 * All listeners run in turn, several times over, so that whatever else the machine does strikes all
 * of them alike.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <reel/benchmark.h>
#include <reel/replay.h>

#include "bench.h"
#include "command.h"

static const char help[] =
	"Usage: reel bench [TRACE] --listener L [--vs M] [--json]\n"
	"\n"
	"Drives the listener L with calls captured from a trace (" DEFAULT_TRACE " unless told),\n"
	"each with its own function, parameters, results and stack, from memory, and prints what\n"
	"a before and an after cost, in ns: minimum, median and 99th percentile over rounds.\n"
	"The null listener runs beside it: its figure is the loop itself. What listeners write is\n"
	"thrown away.\n"
	"\n"
	"  --listener L    a built-in listener or PATH.so, with :OPTIONS\n"
	"  --vs M          another one, run in turn with L; prints the ratio of L to M\n"
	"  --json          the JSON of Google Benchmark; min_ns, p99_ns and ratio are counters\n"
	"\n"
	"Examples:\n"
	"  reel bench --listener stats\n"
	"  reel bench run.reel --listener ./mine.so --vs stats --json\n";

#define CALLS_MAX 1024
#define REPETITION_NS 20000000.0
#define ROUNDS_MAX 100000

static double clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int run_once(const struct bench *bench, struct subject *subject, uint64_t rounds,
	struct reel_benchmark_result *result, struct reel_error *error)
{
	struct reel_listener_factory *factory;
	int status = reel_listener_create(subject->spec, "/dev/null", &factory, error);

	if (status != REEL_OK) {
		return status;
	}
	double real_begin_ns = clock_ns(CLOCK_MONOTONIC);
	double cpu_begin_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);

	status = reel_listener_benchmark(
		factory, bench->calls.calls, bench->calls.count, rounds, result);
	subject->cpu_ns += clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_begin_ns;
	subject->real_ns += clock_ns(CLOCK_MONOTONIC) - real_begin_ns;
	reel_listener_factory_destroy(factory);
	return status == REEL_OK
		       ? REEL_OK
		       : reel_fail(error, REEL_EIO, "%s: listens to none of the captured calls: %s",
				 subject->spec, reel_status_str(status));
}

/* Chooses the rounds of a repetition by how long a few of them take. */
static int calibrate(const struct bench *bench, struct subject *subject, struct reel_error *error)
{
	struct reel_benchmark_result trial;
	int status = run_once(bench, subject, ROUNDS_MIN, &trial, error);
	double round_ns = subject->real_ns / ROUNDS_MIN;

	subject->rounds = ROUNDS_MIN;
	if (round_ns * ROUNDS_MIN < REPETITION_NS) {
		double rounds = REPETITION_NS / round_ns;

		subject->rounds = rounds < ROUNDS_MAX ? (uint64_t)rounds : ROUNDS_MAX;
	}
	subject->real_ns = subject->cpu_ns = 0;
	return status;
}

static int run_all(struct bench *bench, struct reel_error *error)
{
	struct progress progress;
	int status = REEL_OK;

	for (size_t i = 0; status == REEL_OK && i < bench->subject_count; i++) {
		status = calibrate(bench, &bench->subjects[i], error);
	}
	progress_begin(&progress, "bench");
	for (size_t i = 0; status == REEL_OK && i < REPETITIONS * bench->subject_count; i++) {
		struct subject *subject = &bench->subjects[i % bench->subject_count];
		struct reel_benchmark_result *result = &subject->results[i / bench->subject_count];

		progress_show(&progress, (double)i / (double)(REPETITIONS * bench->subject_count));
		status = run_once(bench, subject, subject->rounds, result, error);
		subject->events += result->events;
	}
	progress_end(&progress);
	return status;
}

/* Turns standard output, to which plug-ins write, into /dev/null. Returns what it was, for
 * speak_again(); -1 when it could not be done. */
static int fall_silent(void)
{
	int null_file = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int output = null_file < 0 ? -1 : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

	fflush(stdout);
	if (output >= 0) {
		dup2(null_file, STDOUT_FILENO);
	}
	if (null_file >= 0) {
		close(null_file);
	}
	return output;
}

static void speak_again(int output)
{
	fflush(stdout);
	if (output >= 0) {
		dup2(output, STDOUT_FILENO);
		close(output);
	}
}

static int bench_trace(struct bench *bench)
{
	struct reel_trace *trace;
	struct reel_error error;

	if (reel_trace_open(bench->path, &trace, &error) != REEL_OK) {
		failure("%s", error.text);
		return EXIT_FAILED;
	}
	int status = reel_trace_capture_calls(trace, CALLS_MAX, &bench->calls, &error);

	if (status == REEL_OK && bench->calls.count == 0) {
		status = reel_fail(&error, REEL_EIO, "%s: holds no finished call", bench->path);
	}
	if (status == REEL_OK) {
		int output = fall_silent();

		status = run_all(bench, &error);
		speak_again(output);
	}
	int exit_code = status == REEL_OK ? EXIT_DONE : library_failure(&error);

	if (status == REEL_OK) {
		(bench->json ? bench_print_json : bench_print_table)(bench);
		exit_code = flush_output(EXIT_DONE);
	}
	reel_captured_calls_destroy(&bench->calls);
	reel_trace_close(trace);
	return exit_code;
}

int command_bench(int argc, char **argv)
{
	enum { OPTION_LISTENER = OPTION_LONG, OPTION_VS, OPTION_JSON };
	static const struct option options[] = {
		{"listener", required_argument, NULL, OPTION_LISTENER},
		{"vs", required_argument, NULL, OPTION_VS},
		{"json", no_argument, NULL, OPTION_JSON}, HELP_OPTION, {NULL, 0, NULL, 0}};
	struct bench bench = {0};
	const char *listener = NULL;
	const char *versus = NULL;
	int option;

	while ((option = next_option(argc, argv, "", options, help)) != OPTION_END) {
		switch (option) {
		case OPTION_LISTENER:
			listener = optarg;
			break;
		case OPTION_VS:
			versus = optarg;
			break;
		case OPTION_JSON:
			bench.json = true;
			break;
		default:
			return option_exit_code(option);
		}
	}
	if (!single_operand(argc, argv, DEFAULT_TRACE, &bench.path)) {
		return EXIT_USAGE;
	}
	if (!listener) {
		return usage_error(argv[0], "which --listener?");
	}
	bench.versus = versus != NULL;
	bench.subjects[bench.subject_count++].spec = listener;
	if (versus) {
		bench.subjects[bench.subject_count++].spec = versus;
	}
	if (strcmp(listener, "null") != 0 && (!versus || strcmp(versus, "null") != 0)) {
		bench.subjects[bench.subject_count++].spec = "null";
	}
	return bench_trace(&bench);
}
