/*
 * longjmp in all the ways that break a call stack: across many frames, in a loop, out of inlined
 * functions, into a frame that goes on calling, and nested. Prints "unwound N": the calls that
 * never return.
 */
#include <setjmp.h>
#include <stdio.h>

static jmp_buf outer, inner;
static volatile int unwound;

__attribute__((no_instrument_function)) static void leave(jmp_buf target, int frames)
{
	unwound += frames;
	longjmp(target, 1);
}

__attribute__((noinline)) static int leaf(int x)
{
	return x * 2;
}

/* Jumps from `n` frames deep, this one included. */
__attribute__((noinline)) static int dive(int n, int frames, jmp_buf target)
{
	if (n == 1) {
		leave(target, frames);
	}
	return dive(n - 1, frames, target) + leaf(n);
}

static inline __attribute__((always_inline)) void inlined(int n, jmp_buf target)
{
	if (n > 0) {
		leave(target, 1);
	}
	leaf(n);
}

__attribute__((noinline)) static int in_loop(int rounds)
{
	volatile int done = 0;

	for (volatile int i = 0; i < rounds; i++) {
		if (setjmp(outer) == 0) {
			dive(1 + i % 7, 1 + i % 7, outer);
		}
		done += leaf(1);
	}
	return done;
}

__attribute__((noinline)) static int out_of_inlined(int rounds)
{
	volatile int done = 0;

	for (volatile int i = 0; i < rounds; i++) {
		if (setjmp(outer) == 0) {
			inlined(1, outer);
		}
		done++;
	}
	leaf(done);
	return done;
}

/* Catches inside and jumps on, as error handlers do. */
__attribute__((noinline)) static void rethrow(int n)
{
	if (setjmp(inner) == 0) {
		dive(3, 3, inner);
	}
	leaf(n);
	leave(outer, 1);
}

int main(void)
{
	volatile int total = in_loop(100);

	total += out_of_inlined(100);
	for (volatile int i = 0; i < 20; i++) {
		if (setjmp(outer) == 0) {
			rethrow(i);
		}
	}
	total += leaf(1);
	printf("total %d\n", total);
	printf("unwound %d\n", unwound);
	return 0;
}
