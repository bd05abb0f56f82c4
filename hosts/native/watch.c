/*
 * Signals and job control around the program; see watch.h. Given the program's pid, it promises
 * that the program gets what was meant for it once, and that the caller's own signals are as they
 * were afterwards.
 *
 * A signal that a process sent is passed on: it was sent to this process alone, since the program
 * was not known to the sender. One that the terminal sent (its code is the kernel's) went to the
 * whole process group, the program included.
 */
#define _GNU_SOURCE
#include "watch.h"

#include <errno.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* Faults of this process itself stay what they are. */
static const int own_signals[] = {
	SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, SIGKILL, SIGSTOP};

/* What a terminal sends to its foreground process group. */
static const int terminal_signals[] = {
	SIGINT, SIGQUIT, SIGHUP, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGWINCH};

static bool is_terminal_signal(int number)
{
	for (size_t i = 0; i < sizeof(terminal_signals) / sizeof(terminal_signals[0]); i++) {
		if (terminal_signals[i] == number) {
			return true;
		}
	}
	return false;
}

int watch_begin(struct watch *watch, struct reel_error *error)
{
	struct sigaction child = {.sa_handler = SIG_DFL};
	sigset_t watched;

	*watch = (struct watch){.fd = -1};
	sigfillset(&watched);
	for (size_t i = 0; i < sizeof(own_signals) / sizeof(own_signals[0]); i++) {
		sigdelset(&watched, own_signals[i]);
	}
	watch->fd = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
	if (watch->fd < 0) {
		return reel_fail(error, REEL_EIO, "cannot watch signals: %s", strerror(errno));
	}
	pthread_sigmask(SIG_BLOCK, &watched, &watch->old_mask);
	/* Ignored, it would have the kernel throw the program's status away. */
	sigemptyset(&child.sa_mask);
	sigaction(SIGCHLD, &child, &watch->old_child);
	return 0;
}

void watch_release_child(const struct watch *watch)
{
	sigaction(SIGCHLD, &watch->old_child, NULL);
	pthread_sigmask(SIG_SETMASK, &watch->old_mask, NULL);
}

static bool next_signal(struct watch *watch, struct signalfd_siginfo *info)
{
	ssize_t size;

	do {
		size = read(watch->fd, info, sizeof(*info));
	} while (size < 0 && errno == EINTR);
	return size == (ssize_t)sizeof(*info);
}

void watch_end(struct watch *watch)
{
	struct signalfd_siginfo info;

	if (watch->fd < 0) {
		return;
	}
	while (next_signal(watch, &info)) {
	}
	close(watch->fd);
	watch->fd = -1;
	sigaction(SIGCHLD, &watch->old_child, NULL);
	pthread_sigmask(SIG_SETMASK, &watch->old_mask, NULL);
}

/* ---- job control ---- */

/* Stops this process as the program was stopped, so that the shell notices; returns when it goes
 * on. In a process group that no shell cares for the signal does nothing, which is right. */
static void stop_too(int number)
{
	struct sigaction action = {.sa_handler = SIG_DFL}, old;
	sigset_t set;

	sigemptyset(&action.sa_mask);
	sigemptyset(&set);
	sigaddset(&set, number);
	sigaction(number, &action, &old);
	raise(number);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	sigaction(number, &old, NULL);
}

static void note_state(struct watch *watch, int status)
{
	if (WIFSTOPPED(status)) {
		int number = WSTOPSIG(status);

		watch->stopped = true;
		if (number == SIGTSTP || number == SIGTTIN || number == SIGTTOU) {
			stop_too(number);
		}
	} else if (WIFCONTINUED(status)) {
		watch->stopped = false;
	} else {
		watch->ended = true;
		watch->wait_status = status;
	}
}

static void look_at_program(struct watch *watch)
{
	int status;

	while (!watch->ended &&
		waitpid(watch->program, &status, WNOHANG | WUNTRACED | WCONTINUED) > 0) {
		note_state(watch, status);
	}
}

/* ---- passing on ---- */

static bool meant_for_program(const struct watch *watch, const struct signalfd_siginfo *info)
{
	pid_t sender = (pid_t)info->ssi_pid;

	switch (info->ssi_code) {
	case SI_USER:
	case SI_TKILL:
	case SI_QUEUE:
		return sender != watch->program && sender != getpid();
	case SI_KERNEL:
		/* An alarm, for instance, that was set before this program was started. */
		return !is_terminal_signal((int)info->ssi_signo);
	default:
		return false;
	}
}

static void pass_on(struct watch *watch, const struct signalfd_siginfo *info)
{
	int number = (int)info->ssi_signo;

	if (!meant_for_program(watch, info)) {
		return;
	}
	if (number == SIGCONT) {
		/* A shell continues the whole group; one more would be seen by a handler. */
		look_at_program(watch);
		if (!watch->stopped) {
			return;
		}
	}
	if (watch->ended) {
		return;
	}
	if (info->ssi_code == SI_QUEUE) {
		sigqueue(watch->program, number,
			(union sigval){.sival_ptr = (void *)(uintptr_t)info->ssi_ptr});
	} else {
		kill(watch->program, number);
	}
}

void watch_program(struct watch *watch)
{
	struct signalfd_siginfo info;

	while (next_signal(watch, &info)) {
		if (info.ssi_signo != SIGCHLD) {
			pass_on(watch, &info);
		}
	}
	look_at_program(watch);
}

bool watch_asks_to_end(struct watch *watch)
{
	struct signalfd_siginfo info;
	bool asked = false;

	while (next_signal(watch, &info)) {
		asked = asked || info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT ||
			info.ssi_signo == SIGHUP || info.ssi_signo == SIGQUIT;
	}
	return asked;
}
