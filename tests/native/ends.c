/*
 * Ways to end, from inside a few calls. usage: ends exit|_exit|quick_exit|abort|segv|kill|term|
 * pthread_exit|exec|return
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void at_end(void)
{
	printf("at the end\n");
	fflush(stdout);
}

static void *other(void *argument)
{
	usleep(20000);
	return argument;
}

static void end(const char *how)
{
	static const struct {
		const char *how;
		int number;
	} signals[] = {{"abort", SIGABRT}, {"segv", SIGSEGV}, {"kill", SIGKILL}, {"term", SIGTERM}};

	for (int i = 0; i < 4; i++) {
		if (strcmp(how, signals[i].how) == 0) {
			kill(getpid(), signals[i].number);
			pause();
		}
	}
	if (strcmp(how, "exit") == 0) {
		exit(11);
	} else if (strcmp(how, "_exit") == 0) {
		_exit(12);
	} else if (strcmp(how, "quick_exit") == 0) {
		quick_exit(13);
	} else if (strcmp(how, "exec") == 0) {
		execl("/bin/sh", "sh", "-c", "exit 14", (char *)NULL);
	} else if (strcmp(how, "pthread_exit") == 0) {
		pthread_t thread;

		pthread_create(&thread, NULL, other, NULL);
		pthread_exit(NULL);
	}
}

static int nested(int depth, const char *how)
{
	if (depth == 0) {
		end(how);
		return 15;
	}
	return nested(depth - 1, how);
}

int main(int argc, char **argv)
{
	atexit(at_end);
	at_quick_exit(at_end);
	printf("begins\n");
	fflush(stdout);
	return nested(10, argc > 1 ? argv[1] : "return");
}
