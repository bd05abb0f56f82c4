/*
 * Processes: fork, nested and from a thread, vfork and exec, exec in place, posix_spawn, system,
 * children that leave by _exit, by a signal and by exec. usage: processes [child STATUS]
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char *self;

static int fib(int n)
{
	return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static int reap(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid) {
		return -1;
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int forked(int depth)
{
	pid_t pid = fork();

	if (pid == 0) {
		int inner = depth > 0 ? forked(depth - 1) : 0;

		_exit(fib(depth) + inner);
	}
	return reap(pid);
}

static int killed(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		fib(5);
		raise(SIGKILL);
	}
	return reap(pid);
}

static int executed(int (*start)(void))
{
	pid_t pid = start();

	if (pid == 0) {
		execl(self, self, "child", "5", (char *)NULL);
		_exit(99);
	}
	return reap(pid);
}

static int start_by_fork(void)
{
	return fork();
}

static int spawned(void)
{
	char *arguments[] = {(char *)self, "child", "6", NULL};
	pid_t pid;

	if (posix_spawn(&pid, self, NULL, NULL, arguments, environ) != 0) {
		return -1;
	}
	return reap(pid);
}

static int vforked(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execl(self, self, "child", "7", (char *)NULL);
		_exit(99);
	}
	return reap(pid);
}

static int by_shell(void)
{
	char command[4200];

	snprintf(command, sizeof(command), "'%s' child 8", self);
	int status = system(command);

	return WEXITSTATUS(status);
}

static void *from_thread(void *argument)
{
	(void)argument;
	return (void *)(long)forked(2);
}

int main(int argc, char **argv)
{
	pthread_t thread;
	void *result;

	self = argv[0];
	if (argc > 2 && strcmp(argv[1], "child") == 0) {
		return fib(atoi(argv[2]));
	}
	printf("forked %d\n", forked(5));
	printf("killed %d\n", killed());
	printf("executed %d\n", executed(start_by_fork));
	printf("spawned %d\n", spawned());
	printf("vforked %d\n", vforked());
	printf("by shell %d\n", by_shell());
	pthread_create(&thread, NULL, from_thread, NULL);
	pthread_join(thread, &result);
	printf("from a thread %ld\n", (long)result);
	fflush(stdout);
	execl(self, self, "child", "9", (char *)NULL);
	return 99;
}
