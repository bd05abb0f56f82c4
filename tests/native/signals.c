/*
 * Says "ready", then prints every signal that it gets with the number of times, until SIGTERM.
 * usage: signals [stop]: with "stop" it stops itself first (job control).
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t counts[NSIG], values;

static void note(int number, siginfo_t *info, void *context)
{
	(void)context;
	counts[number]++;
	if (info->si_code == SI_QUEUE) {
		values += info->si_value.sival_int;
	}
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
	sigset_t all, old;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	for (int number = 1; number < NSIG; number++) {
		if (number != SIGTSTP && number != SIGCHLD) {
			sigaction(number, &action, NULL);
		}
	}
	printf("ready\n");
	fflush(stdout);
	if (argc > 1 && strcmp(argv[1], "stop") == 0) {
		raise(SIGTSTP);
	}
	while (counts[SIGTERM] == 0) {
		sigsuspend(&old);
	}
	for (int number = 1; number < NSIG; number++) {
		if (counts[number]) {
			printf("signal %d: %d\n", number, (int)counts[number]);
		}
	}
	printf("values %d\n", (int)values);
	return 9;
}
