/*
 * The attendant: the process beside a recorded program that owns the session and the trace, runs
 * the consumer, and stays as long as recorded processes live.
 *
 * It talks with the process that launched it over a socket of whole messages. Should that process
 * die, the attendant goes on until the program and its children have ended.
 */
#ifndef REEL_NATIVE_ATTENDANT_H
#define REEL_NATIVE_ATTENDANT_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <reel/recorder.h>
#include <reel/status.h>

enum attendant_message_kind {
	/* from the attendant */
	MESSAGE_READY = 1,    /* `text`: the session's path */
	MESSAGE_FAILED = 2,   /* `status`, `text`; it is gone afterwards */
	MESSAGE_LIVE = 3,     /* the program ended, `number` recorded processes live on */
	MESSAGE_FINISHED = 4, /* the trace is complete; it is gone afterwards */
	/* to the attendant */
	MESSAGE_STARTED = 5, /* `number`: pid of the program */
	MESSAGE_ENDED = 6,   /* `status`: as waitpid() gave it */
	MESSAGE_ABANDON = 7, /* the program did not start: leave nothing behind */
};

struct attendant_message {
	uint32_t kind; /* enum attendant_message_kind */
	int32_t status;
	uint64_t number;
	uint64_t events; /* taken so far; with live, finished and failed */
	char text[PATH_MAX];
};

/* What it is to do; all borrowed for the life of the process. */
struct attendant_request {
	const char *output;
	const struct reel_recorder_options *recorder;
	const char *metadata;
	bool wait_children; /* there is no use in telling that processes live on */
};

/* Sends it a signal of this number to have it look at its socket at once. */
#define ATTENDANT_WAKE SIGUSR1

/*
 * Is the attendant, in a process that was just forked for it: closes every descriptor but `socket`,
 * leaves the session of the terminal, and never returns.
 */
_Noreturn void attendant_run(const struct attendant_request *request, int socket);

#endif
