/*
 * Recording a native program: what `reel record` does, for those who want it without the command.
 *
 * The program's objects were built with -finstrument-functions; it is started with the hook library
 * preloaded, and a process of its own beside it drains its events into a trace. Children made by
 * fork and programs started by exec are recorded into the same trace.
 */
#ifndef REEL_NATIVE_H
#define REEL_NATIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <reel/recorder.h>
#include <reel/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Exit statuses that are not the program's own. */
enum reel_native_exit {
	REEL_NATIVE_FAILED = 125,         /* Reel itself failed */
	REEL_NATIVE_NOT_EXECUTABLE = 126, /* the program cannot be executed */
	REEL_NATIVE_NOT_FOUND = 127,      /* there is no such program */
};

struct reel_native_options {
	size_t size;        /* sizeof(struct reel_native_options); a zeroed struct with this set has
			       the defaults */
	const char *output; /* the trace; NULL: trace.reel */
	/* on_full, codec, memory and filters; the rest is not used. NULL: the defaults, but for
	 * on_full, which is *wait*. */
	const struct reel_recorder_options *recorder;
	bool wait_children;       /* return when the last recorded process has ended */
	const char *hook_library; /* libreel-native.so; NULL: found beside this library or program,
				     or where it was installed */
};

struct reel_native_result {
	int exit_status; /* the program's, 128 + signal when a signal ended it, or an enum
			    reel_native_exit */
	uint64_t events; /* taken from the program so far; 0: nothing of it was built with
			    -finstrument-functions */
	/*
	 * Recorded processes that outlived the program. While it is not 0, a process of Reel's
	 * keeps the trace open; it is a child of the calling process and `consumer` is its pid.
	 */
	uint32_t live;
	pid_t consumer;
};

/*
 * Runs the program argv[0] (searched for in PATH as execvp() does) with these arguments and records
 * it. Returns when it has ended and the trace is complete, or recorded children alone live on.
 *
 * The trace appears under its name when it is complete; a file that was there becomes NAME.old. A
 * program that cannot be recorded (it is static, setuid, of another machine, built with the address
 * sanitizer) is refused before it starts, and then nothing is left behind.
 *
 * Returns 0 when the program ran, whatever became of it, and the trace is good; else a negative
 * status with one line in *error (may be NULL). *result is filled in both cases.
 *
 * Descriptors, working directory, umask, signal mask and dispositions of the caller are the
 * program's. Signals that other processes send to the caller while it runs are passed on to the
 * program, those that the terminal sends to the whole process group are not, and a program that
 * job control stops stops the caller too. For this the caller's signals are blocked and its SIGCHLD
 * is at its default meanwhile.
 *
 * Threads: forks; call it from a process with one thread, or with all signals blocked in the
 * others.
 */
REEL_API int reel_native_record(const struct reel_native_options *options, char *const argv[],
	struct reel_native_result *result, struct reel_error *error);

#ifdef __cplusplus
}
#endif

#endif
