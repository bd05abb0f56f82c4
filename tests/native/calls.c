/*
 * Plain calls of many kinds: recursion, mutual and deep, sibling calls, pointers, static and
 * inlined functions, varargs, alloca. Prints what it computed; usage: calls [EXIT_STATUS].
 */
#include <alloca.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int even(int n);

static int odd(int n)
{
	return n == 0 ? 0 : even(n - 1);
}

static int even(int n)
{
	return n == 0 ? 1 : odd(n - 1);
}

static int ackermann(int m, int n)
{
	if (m == 0) {
		return n + 1;
	}
	return n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}

static long deep(int n)
{
	return n == 0 ? 0 : 1 + deep(n - 1);
}

static inline int add(int a, int b)
{
	return a + b;
}

static inline int twice(int (*function)(int, int), int a)
{
	return function(a, a);
}

static int sum(int count, ...)
{
	va_list list;
	int total = 0;

	va_start(list, count);
	for (int i = 0; i < count; i++) {
		total = add(total, va_arg(list, int));
	}
	va_end(list);
	return total;
}

static size_t on_stack(size_t size)
{
	char *text = alloca(size + 1);

	memset(text, 'x', size);
	text[size] = '\0';
	return size > 8 ? on_stack(size / 2) + strlen(text) : strlen(text);
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void fail_quietly(void)
{
	errno = ERANGE;
}

static void at_end(void)
{
	printf("at the end: %d\n", add(20, 22));
}

int main(int argc, char **argv)
{
	int numbers[64];

	atexit(at_end);
	for (int i = 0; i < 64; i++) {
		numbers[i] = i * 37 % 64;
	}
	qsort(numbers, 64, sizeof(*numbers), compare);
	fail_quietly();
	printf("errno %d\n", errno == ERANGE);
	printf("even %d odd %d\n", even(101), odd(1001));
	printf("ackermann %d\n", ackermann(2, 7));
	printf("deep %ld\n", deep(1500));
	printf("sum %d twice %d\n", sum(5, 1, 2, 3, 4, 5), twice(add, 21));
	printf("stack %zu sorted %d\n", on_stack(1000), numbers[10]);
	return argc > 1 ? atoi(argv[1]) : 0;
}
