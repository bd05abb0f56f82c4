/*
 * Watching over the program: signals of the calling process are blocked and read from a
 * descriptor, passed on to the program or not, and job control is followed.
 */
#ifndef REEL_NATIVE_WATCH_H
#define REEL_NATIVE_WATCH_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include <reel/status.h>

struct watch {
	int fd; /* signalfd; -1: not begun */
	sigset_t old_mask;
	struct sigaction old_child; /* SIGCHLD's action */
	pid_t program;
	bool stopped; /* the program is, by job control or a signal */
	bool ended;
	int wait_status; /* once it ended */
};

/* Blocks the caller's signals. 0 or a negative status. */
int watch_begin(struct watch *watch, struct reel_error *error);

/* Gives a forked child the caller's signals back. */
void watch_release_child(const struct watch *watch);

/* Gives the caller its signals back; those that came meanwhile are gone. */
void watch_end(struct watch *watch);

/* Reads the signals that came: passes them on, notices that the program stopped, went on or ended.
 * Never waits. */
void watch_program(struct watch *watch);

/* The same when the program has ended: true when one came that asks to end the waiting as well. */
bool watch_asks_to_end(struct watch *watch);

#endif
