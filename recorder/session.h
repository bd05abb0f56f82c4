/*
 * A session: the shared memory of a live recording. One file, mapped whole by the consumer and by
 * every recorded process: a control page, a table of processes, a table of rings, and the rings'
 * slots. The consumer creates it; recorded processes attach at start and need nothing but this
 * mapping from then on, so that a thread started after chroot, with every descriptor closed or
 * under seccomp still gets a ring.
 *
 * The recorded program may scribble on all of it. The consumer keeps its own copy of the geometry
 * and checks every number that it reads here.
 */
#ifndef REEL_RECORDER_SESSION_H
#define REEL_RECORDER_SESSION_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reel/recorder.h>

#include "ring.h"

/* Environment variable by which a recorded program finds its session: the file's path. */
#define SESSION_ENVIRONMENT "REEL_SESSION"

#define SESSION_MAGIC UINT64_C(0x316e6f6973736572) /* "ression1" */
#define SESSION_PROCESS_COUNT 4096u
#define SESSION_RING_COUNT_MAX 4096u

enum session_state {
	SESSION_ON = 1,
	SESSION_OFF = 2,    /* switched off, may be switched on again */
	SESSION_CLOSED = 3, /* no one drains any more: recorded programs stop for good */
};

enum process_state {
	PROCESS_FREE = 0,
	PROCESS_CLAIMED = 1, /* being filled in */
	PROCESS_LIVE = 2,
	PROCESS_ENDED = 3, /* it said that it exits; the consumer frees the entry when it is gone */
};

/* A recorded process, entered by itself when it starts or is forked. */
struct session_process {
	_Atomic uint32_t state; /* enum process_state */
	uint32_t pid;
	uint64_t token;            /* unique in the session, from 1 */
	_Atomic uint32_t recorded; /* 1: it, or what it was forked from, has made events */
};

struct session_control {
	uint64_t magic;
	uint64_t size_bytes; /* of the whole session */
	uint32_t ring_count;
	uint32_t on_full;                   /* enum reel_on_full */
	uint32_t clock;                     /* enum clock_kind */
	_Atomic uint32_t state;             /* enum session_state */
	_Atomic uint32_t next_stream;       /* stream ids are given out here */
	_Atomic uint64_t next_token;        /* process tokens */
	_Atomic uint64_t lost_without_ring; /* events of threads that got no ring */
	/*
	 * 1 while the consumer sleeps: whoever sets it to 0 wakes it (futex). The consumer sleeps
	 * with a time limit, so a wake that is lost costs time, not events.
	 */
	_Alignas(64) _Atomic uint32_t consumer_sleeps;
	/* Held by the consumer as long as it lives; robust, so the kernel marks it when it dies. */
	pthread_mutex_t consumer_alive;
	struct session_process processes[SESSION_PROCESS_COUNT];
};

/* Where the rings begin: whole pages behind the control page. */
#define SESSION_CONTROL_SIZE ((sizeof(struct session_control) + 4095) / 4096 * 4096)

struct session {
	char *path; /* of the file; NULL when attached by a recorded process */
	struct session_control *control;
	struct ring *rings;  /* control->ring_count of them, in the mapping */
	unsigned char *base; /* the mapping */
	size_t size_bytes;
	uint32_t ring_count;            /* the creator's own copies */
	struct ring_geometry *geometry; /* creator only: where each ring's slots are */
};

/*
 * Creates a session of about `memory_bytes` of ring memory in a new directory (mode 0700, a name
 * that cannot be guessed) under the first of `directories` (NULL-terminated) that has room; the
 * memory is reserved, so that it cannot run out later. The calling thread becomes the consumer: it
 * holds consumer_alive until session_destroy() or its death (call session_take_over() in another
 * process).
 */
int session_create(const char *const *directories, size_t memory_bytes, enum reel_on_full on_full,
	uint32_t clock, struct session *session, struct reel_error *error);

/* The usual directories: $XDG_RUNTIME_DIR, /dev/shm, $TMPDIR, /tmp. */
const char *const *session_directories(void);

/* Makes the calling thread the consumer, after fork. */
int session_take_over(struct session *session, struct reel_error *error);

/* Marks the session closed, unmaps it and removes its file and directory. */
void session_destroy(struct session *session);

/* In a recorded process: maps the session in `path`. 0 or a negative status; allocates nothing. */
int session_attach(const char *path, struct session *session);
void session_detach(struct session *session);

/* Points the session's fields into its mapping. */
void session_locate(struct session *session, void *base);

/* Claims a free ring, the largest there is, for the calling thread; NULL when there is none. */
struct ring *session_claim_ring(const struct session *session);

/* True once the consumer has died without closing the session. A stopped consumer lives. */
bool session_consumer_died(const struct session *session);

#endif
