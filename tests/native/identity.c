/*
 * Prints what a program can see of how it was started: environment, descriptors, working directory,
 * umask, signal mask and dispositions, limits, process group, name, auxiliary vector's secure bit.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static void show_environment(void)
{
	for (char **variable = environ; *variable; variable++) {
		if (strncmp(*variable, "REEL_SESSION=", 13) != 0 &&
			strncmp(*variable, "LD_PRELOAD=", 11) != 0) {
			printf("environment %s\n", *variable);
		}
	}
}

static void show_descriptors(void)
{
	for (int fd = 0; fd < 1024; fd++) {
		char path[64];
		struct stat status;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (lstat(path, &status) == 0) {
			char target[256] = "";

			if (readlink(path, target, sizeof(target) - 1) > 0) {
				printf("descriptor %d %.5s\n", fd, target);
			}
		}
	}
}

static void show_signals(void)
{
	sigset_t mask;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int number = 1; number < NSIG; number++) {
		struct sigaction action;

		if (sigaction(number, NULL, &action) == 0) {
			printf("signal %d blocked %d ignored %d default %d\n", number,
				sigismember(&mask, number), action.sa_handler == SIG_IGN,
				action.sa_handler == SIG_DFL);
		}
	}
}

static void show_limits(void)
{
	for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
		struct rlimit limit;

		getrlimit(resource, &limit);
		printf("limit %d %llx %llx\n", resource, (unsigned long long)limit.rlim_cur,
			(unsigned long long)limit.rlim_max);
	}
}

int main(int argc, char **argv)
{
	char directory[4096], name[16] = "";
	mode_t mask = umask(0);

	for (int i = 0; i < argc; i++) {
		printf("argument %s\n", argv[i]);
	}
	prctl(PR_GET_NAME, name);
	show_environment();
	show_descriptors();
	show_signals();
	show_limits();
	printf("directory %s\n", getcwd(directory, sizeof(directory)));
	printf("umask %o name %s secure %lu\n", (unsigned)mask, name, getauxval(AT_SECURE));
	printf("group %d session %d nice %d dumpable %d\n", (int)getpgrp() == (int)getpid(),
		(int)getsid(0) == (int)getpid(), getpriority(PRIO_PROCESS, 0),
		prctl(PR_GET_DUMPABLE));
	return 0;
}
