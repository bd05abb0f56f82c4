/*
 * Prints what `reel bench` measured: the least of all minima, and the medians over the repetitions
 * of each repetition's median and 99th percentile.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "command.h"

/* Before, after, or their sum. */
enum side { SIDE_BEFORE, SIDE_AFTER, SIDE_BOTH };

static const char *const side_names[] = {"before", "after"};

static int by_value(const void *left, const void *right)
{
	double a = *(const double *)left;
	double b = *(const double *)right;

	return (a > b) - (a < b);
}

static double median_of(double values[REPETITIONS])
{
	qsort(values, REPETITIONS, sizeof(values[0]), by_value);
	return values[REPETITIONS / 2];
}

static double result_median(const struct reel_benchmark_result *result, enum side side)
{
	return (side != SIDE_AFTER ? result->before_median_ns : 0) +
	       (side != SIDE_BEFORE ? result->after_median_ns : 0);
}

static double subject_min(const struct subject *subject, enum side side)
{
	double values[REPETITIONS];

	for (size_t i = 0; i < REPETITIONS; i++) {
		const struct reel_benchmark_result *result = &subject->results[i];

		values[i] = side == SIDE_BEFORE ? result->before_min_ns : result->after_min_ns;
	}
	median_of(values);
	return values[0];
}

static double subject_median(const struct subject *subject, enum side side)
{
	double values[REPETITIONS];

	for (size_t i = 0; i < REPETITIONS; i++) {
		values[i] = result_median(&subject->results[i], side);
	}
	return median_of(values);
}

static double subject_p99(const struct subject *subject, enum side side)
{
	double values[REPETITIONS];

	for (size_t i = 0; i < REPETITIONS; i++) {
		const struct reel_benchmark_result *result = &subject->results[i];

		values[i] = side == SIDE_BEFORE ? result->before_p99_ns : result->after_p99_ns;
	}
	return median_of(values);
}

/* Of the two subjects that --vs compares: the median over pairs of repetitions that ran together.
 */
static double versus_ratio(const struct bench *bench, enum side side)
{
	double values[REPETITIONS];

	for (size_t i = 0; i < REPETITIONS; i++) {
		double other = result_median(&bench->subjects[1].results[i], side);

		values[i] =
			other > 0 ? result_median(&bench->subjects[0].results[i], side) / other : 0;
	}
	return median_of(values);
}

void bench_print_table(const struct bench *bench)
{
	printf("%zu calls of %s, %d repetitions of at least %d rounds, ns per event\n",
		bench->calls.count, bench->path, REPETITIONS, ROUNDS_MIN);
	printf("%-24s %-6s %10s %10s %10s\n", "listener", "event", "min", "median", "p99");
	for (size_t i = 0; i < bench->subject_count; i++) {
		const struct subject *subject = &bench->subjects[i];

		for (enum side side = SIDE_BEFORE; side <= SIDE_AFTER; side++) {
			printf("%-24s %-6s %10.2f %10.2f %10.2f\n", subject->spec, side_names[side],
				subject_min(subject, side), subject_median(subject, side),
				subject_p99(subject, side));
		}
	}
	if (bench->versus) {
		printf("%s / %s: before %.3f, after %.3f, both %.3f\n", bench->subjects[0].spec,
			bench->subjects[1].spec, versus_ratio(bench, SIDE_BEFORE),
			versus_ratio(bench, SIDE_AFTER), versus_ratio(bench, SIDE_BOTH));
	}
}

static void print_json_string(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte == '"' || byte == '\\') {
			printf("\\%c", byte);
		} else if (byte < 0x20) {
			printf("\\u%04x", byte);
		} else {
			putchar(byte);
		}
	}
	putchar('"');
}

static void print_json_context(const struct bench *bench)
{
	char host[256] = "";
	char date[64] = "";
	double load[3] = {0};
	time_t now = time(NULL);
	struct tm local;

	gethostname(host, sizeof(host) - 1);
	if (localtime_r(&now, &local)) {
		strftime(date, sizeof(date), "%FT%T%z", &local);
	}
	getloadavg(load, 3);
	printf("{\n  \"context\": {\n    \"date\": \"%s\",\n    \"host_name\": ", date);
	print_json_string(host);
	printf(",\n    \"executable\": \"reel bench\",\n    \"num_cpus\": %ld,\n",
		sysconf(_SC_NPROCESSORS_ONLN));
	printf("    \"load_avg\": [%g,%g,%g],\n", load[0], load[1], load[2]);
	printf("    \"library_version\": \"" REEL_VERSION "\",\n    \"trace\": ");
	print_json_string(bench->path);
	printf(",\n    \"captured_calls\": %zu\n  },\n", bench->calls.count);
}

/* One side of one subject as an iteration of Google Benchmark's. */
static void print_json_benchmark(const struct bench *bench, size_t index, enum side side)
{
	const struct subject *subject = &bench->subjects[index];
	double median_ns = subject_median(subject, side);
	double cpu_share = subject->real_ns > 0 ? subject->cpu_ns / subject->real_ns : 1;
	char name[512];

	snprintf(name, sizeof(name), "%s/%s", subject->spec, side_names[side]);
	printf("    {\n      \"name\": ");
	print_json_string(name);
	printf(",\n      \"family_index\": %zu,\n      \"per_family_instance_index\": %d,\n"
	       "      \"run_name\": ",
		index, (int)side);
	print_json_string(name);
	printf(",\n      \"run_type\": \"iteration\",\n      \"repetitions\": %d,\n"
	       "      \"repetition_index\": 0,\n      \"threads\": 1,\n",
		REPETITIONS);
	printf("      \"iterations\": %" PRIu64 ",\n", subject->events);
	printf("      \"real_time\": %.6e,\n      \"cpu_time\": %.6e,\n", median_ns,
		median_ns * cpu_share);
	printf("      \"time_unit\": \"ns\",\n");
	if (bench->versus && index == 0) {
		printf("      \"ratio\": %.6e,\n", versus_ratio(bench, side));
	}
	printf("      \"min_ns\": %.6e,\n      \"p99_ns\": %.6e\n    }", subject_min(subject, side),
		subject_p99(subject, side));
}

void bench_print_json(const struct bench *bench)
{
	print_json_context(bench);
	printf("  \"benchmarks\": [\n");
	for (size_t i = 0; i < bench->subject_count; i++) {
		print_json_benchmark(bench, i, SIDE_BEFORE);
		printf(",\n");
		print_json_benchmark(bench, i, SIDE_AFTER);
		printf(i + 1 < bench->subject_count ? ",\n" : "\n");
	}
	printf("  ]\n}\n");
}
