/*
 * What `reel bench` measured, and how it is printed.
 */
#ifndef REEL_CLI_BENCH_H
#define REEL_CLI_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reel/benchmark.h>
#include <reel/replay.h>

#define REPETITIONS 9
#define ROUNDS_MIN 10
#define SUBJECTS_MAX 3

/* A listener under test. */
struct subject {
	const char *spec;
	uint64_t rounds; /* in each repetition */
	uint64_t events;
	double real_ns, cpu_ns; /* of all repetitions */
	struct reel_benchmark_result results[REPETITIONS];
};

struct bench {
	const char *path;
	struct subject subjects[SUBJECTS_MAX];
	size_t subject_count;
	bool versus; /* subjects[1] is what --vs named */
	bool json;
	struct reel_captured_calls calls;
};

/* A table for people. */
void bench_print_table(const struct bench *bench);

/* The JSON of Google Benchmark. */
void bench_print_json(const struct bench *bench);

#endif
