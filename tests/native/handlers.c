/*
 * Instrumented signal handlers that interrupt instrumented code: nested, on an alternate stack, and
 * leaving by siglongjmp, until each has come so many times. Prints nothing that varies. usage:
 * handlers [JUMPS]
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#define TIMES 200

static volatile sig_atomic_t ticks, jumps;
static sigjmp_buf back;

static int fib(int n)
{
	return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static void on_tick(int number)
{
	(void)number;
	fib(3);
	ticks++;
	if (ticks % 3 == 0) {
		raise(SIGUSR1);
	}
}

static void on_nested(int number)
{
	(void)number;
	fib(2);
}

static void on_jump(int number)
{
	(void)number;
	fib(2);
	jumps++;
	siglongjmp(back, 1);
}

static void handle(int number, void (*handler)(int), int flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

	sigaction(number, &action, NULL);
}

static void tick(int which, int microseconds)
{
	struct itimerval timer = {{0, microseconds}, {0, microseconds}};

	setitimer(which, &timer, NULL);
}

int main(int argc, char **argv)
{
	stack_t stack = {.ss_size = 65536};

	stack.ss_sp = malloc(stack.ss_size);
	sigaltstack(&stack, NULL);
	handle(SIGALRM, on_tick, SA_ONSTACK | SA_RESTART);
	handle(SIGUSR1, on_nested, SA_ONSTACK);
	handle(SIGVTALRM, on_jump, SA_NODEFER);
	tick(ITIMER_REAL, 500);
	while (ticks < TIMES) {
		fib(12);
	}
	tick(ITIMER_REAL, 0);
	int wanted = argc > 1 ? atoi(argv[1]) : 0;

	tick(ITIMER_VIRTUAL, wanted ? 1000 : 0);
	while (jumps < wanted) {
		if (sigsetjmp(back, 1) == 0) {
			for (;;) {
				fib(12);
			}
		}
	}
	tick(ITIMER_VIRTUAL, 0);
	printf("done\n");
	return 0;
}
