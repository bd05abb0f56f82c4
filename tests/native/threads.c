/*
 * Threads: long ones at once, many short ones, detached ones, with names; usage: threads LONG
 * SHORT.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static int fib(int n)
{
	return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static void *work(void *argument)
{
	char name[16];
	long number = (long)argument;

	snprintf(name, sizeof(name), "worker-%ld", number);
	pthread_setname_np(pthread_self(), name);
	return (void *)(long)fib(18 + (int)number % 3);
}

static void *short_work(void *argument)
{
	return (void *)(long)fib((int)(long)argument % 6);
}

static long run(int count, void *(*function)(void *))
{
	pthread_t *threads = calloc((size_t)count, sizeof(*threads));
	long total = 0;

	for (long i = 0; i < count; i++) {
		pthread_create(&threads[i], NULL, function, (void *)i);
	}
	for (int i = 0; i < count; i++) {
		void *result;

		pthread_join(threads[i], &result);
		total += (long)result;
	}
	free(threads);
	return total;
}

int main(int argc, char **argv)
{
	long total = run(argc > 1 ? atoi(argv[1]) : 4, work);
	int waves = (argc > 2 ? atoi(argv[2]) : 100) / 10;

	for (int i = 0; i < waves; i++) {
		total += run(10, short_work);
	}
	printf("total %ld\n", total);
	return 0;
}
