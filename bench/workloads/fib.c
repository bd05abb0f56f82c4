/*
 * Naive Fibonacci, the densest call load there is. Usage: fib N [THREADS]. The seconds of the calls
 * alone go to standard error. `fib 35` makes 59,721,406 events, two per call.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define UNRECORDED __attribute__((no_instrument_function))
#define THREADS_MAX 64

static int number;

__attribute__((noinline)) static long fib(int n)
{
	return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

UNRECORDED static void *run(void *result)
{
	*(long *)result = fib(number);
	return NULL;
}

UNRECORDED int main(int argc, char **argv)
{
	int count = argc > 2 ? atoi(argv[2]) : 1;
	pthread_t threads[THREADS_MAX];
	long results[THREADS_MAX];
	struct timespec begin, end;

	number = argc > 1 ? atoi(argv[1]) : 35;
	if (count < 1 || count > THREADS_MAX) {
		return 2;
	}
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (int i = 1; i < count; i++) {
		pthread_create(&threads[i], NULL, run, &results[i]);
	}
	run(&results[0]);
	for (int i = 1; i < count; i++) {
		pthread_join(threads[i], NULL);
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	fprintf(stderr, "%.6f s, %ld\n",
		(double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) * 1e-9,
		results[0]);
	return 0;
}
