/*
 * Library hosts' side of the consumer: decodes the records that recorder.c writes, restores the
 * pairing (CONTRACT 4) and feeds emitters.
 */
#ifndef REEL_RECORDER_HOSTED_H
#define REEL_RECORDER_HOSTED_H

#include <stdint.h>

#include <reel/recorder.h>

#include "definitions.h"
#include "emitter.h"
#include "record.h"

struct hosted;

/* hosted_consume(): the record must wait until another ring was drained further (a stream that
 * moved between threads). */
#define HOSTED_STALL 2

/* All borrowed until hosted_destroy(). */
int hosted_create(struct emitter_target *target, const struct reel_recorder_options *options,
	uint64_t min_duration_ticks, struct definitions *definitions, struct hosted **hosted);
void hosted_destroy(struct hosted *hosted);

/*
 * One whole record of ring number `ring`, in one piece of memory. Returns 0, HOSTED_STALL (give it
 * again later), or a negative status.
 */
int hosted_consume(
	struct hosted *hosted, uint32_t ring, const struct slot *record, uint64_t slot_count);

/* Closes blocks that are older than about a second of recording. */
int hosted_flush_old(struct hosted *hosted);

/* Ends every open stream with `reason` and writes all blocks. */
int hosted_finish(struct hosted *hosted, enum reel_reason reason);

#endif
