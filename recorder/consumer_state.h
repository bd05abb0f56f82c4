/*
 * The consumer's parts and what they share: consumer.c (life, going round, sleeping), lane.c (one
 * ring: its records and its stream), tend.c (housekeeping and the end).
 */
#ifndef REEL_RECORDER_CONSUMER_STATE_H
#define REEL_RECORDER_CONSUMER_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "consumer.h"
#include "hosted.h"
#include "native.h"
#include "process.h"

/* A record may take this part of its ring at most; more is nonsense. */
#define RECORD_SLOTS_SHARE 2

/* A ring as the consumer sees it. */
struct lane {
	bool in_use;  /* a thread owns it and its stream is open */
	uint64_t pos; /* consumed up to here */
	uint64_t capacity, slots_offset;
	uint32_t pid, tid, stream_id;
	uint64_t token;
	char name[16];
	uint64_t ahead;                   /* object records below this position were taken */
	uint64_t lost_seen, unwound_seen; /* of the ring's counts */
	bool damaged; /* the program scribbled on its positions: nothing more is read */
	struct native_stream *stream; /* native sessions, once its process is known */
	uint64_t flushed_events;      /* of the stream, when its block was last written */
};

struct consumer {
	struct session *session;
	struct writer *writer;
	struct consumer_options options;
	uint32_t clock; /* enum clock_kind: the session's, as it was created */
	struct emitter_target target;
	struct process_table table;
	struct lane *lanes;
	struct hosted *hosted; /* library sessions only */
	struct lane *draining; /* whose records are being taken */
	struct slot *scratch;  /* a record that wraps, in one piece */
	bool eager;            /* take also what is little */
	bool filtered;
	uint64_t min_duration_ticks;
	uint64_t events;
	uint64_t last_flush_ns;
	uint32_t open_streams;
	uint32_t process_bound; /* the session's process entries in use are below it */
	uint32_t tends;         /* counts housekeeping */
};

/* Native sessions have a resolver, library hosts have none. */
static inline bool is_native(const struct consumer *consumer)
{
	return consumer->options.resolver != NULL;
}

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The session's clock now. */
uint64_t consumer_ticks(const struct consumer *consumer);
int consumer_sample_clock(struct consumer *consumer);

/*
 * Looks at one ring: opens its lane when a thread has taken it, drains it (a little only when
 * `eager`), closes it when the thread said that it ended. *taken grows by the slots.
 */
int lane_visit(struct consumer *consumer, uint32_t index, bool eager, uint64_t *taken);

/* Takes what is in the ring. */
int lane_drain(struct consumer *consumer, uint32_t index, bool eager, uint64_t *taken);

/* For struct process_table: takes the object records ahead in the lane that is being drained. */
int lane_look_ahead(void *consumer, struct process *process);

/* Ends the lane's stream with `reason` and frees its ring, which was drained and will not grow. */
int lane_close(struct consumer *consumer, uint32_t index, enum reel_reason reason);

void lane_free_stream(struct lane *lane);

/* Makes the native stream of a lane whose process is known; NULL: of no process. */
int lane_start_stream(struct consumer *consumer, struct lane *lane, struct process *process);

#endif
