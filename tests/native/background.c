/*
 * Leaves children behind: a daemon that goes on calling after its parent has ended. usage:
 * background MILLISECONDS [eager|lazy]: lazy sleeps before its first call.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fib(int n)
{
	return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

int main(int argc, char **argv)
{
	int milliseconds = argc > 1 ? atoi(argv[1]) : 500;
	int lazy = argc > 2 && strcmp(argv[2], "lazy") == 0;

	fib(5);
	if (fork() == 0) {
		close(0);
		close(1);
		close(2);
		if (!lazy) {
			fib(10);
		}
		usleep((useconds_t)milliseconds * 1000);
		_exit(fib(10) == 55 ? 0 : 1);
	}
	return 4;
}
