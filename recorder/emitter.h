/*
 * The emitter: a stream's paired events on their way into event blocks.
 *
 * It starts blocks with key frames, closes them when they are full or the consumer says so, and
 * hands them to the writer. Whoever pairs the events owns the stack of open activations and shows
 * it when a key frame is needed.
 */
#ifndef REEL_RECORDER_EMITTER_H
#define REEL_RECORDER_EMITTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event_block.h"
#include "writer.h"

/* Events of a block as long as there are few streams and the stack is not deeper than that. */
#define EMITTER_BLOCK_EVENTS (1u << 16)

/* Values and captures that a block takes, whatever the number of its events. */
#define EMITTER_BLOCK_BYTES ((size_t)8 << 20)

/* What all emitters of a recording share. */
struct emitter_target {
	struct writer *writer;
	enum reel_codec codec;
	uint32_t block_events; /* close a block at so many */
	int status;            /* the first failure; everything is dropped from then on */
};

/* Shows open activation `index`, bottom first. Its params are lent until the next call. */
typedef void (*emitter_activation_fn)(void *owner, uint32_t index, struct activation *activation);

struct emitter {
	struct emitter_target *target;
	struct event_block block;
	bool begun; /* the block has its key frame */
	uint32_t stream;
	uint32_t limit; /* events that the block takes before it is closed */
	emitter_activation_fn activation;
	uint32_t (*depth)(void *owner);
	void *owner;
};

void emitter_init(struct emitter *emitter, struct emitter_target *target, uint32_t stream,
	uint32_t (*depth)(void *owner), emitter_activation_fn activation, void *owner);
/* Frees the block's memory; what it held is lost unless emitter_flush() was called. */
void emitter_deinit(struct emitter *emitter);

/*
 * Must be called before each event (or before a run of `count` plain events) and *before* the owner
 * changes its stack for it: closes a full block, starts one with a key frame of what is open.
 * Returns 0, or the target's status from its first failure on; no event may be added then.
 */
int emitter_prepare(struct emitter *emitter, uint32_t count);

/* Any event; see event_block_append(). emitter_prepare(emitter, 1) was called. */
int emitter_append(struct emitter *emitter, const struct event *event, uint32_t plain_module);

/* Writes what the block holds, if anything. */
int emitter_flush(struct emitter *emitter);

/* The same, and frees the block's memory: for a stream that rests. */
int emitter_release(struct emitter *emitter);

/* Bytes of memory that the block takes, more or less. */
size_t emitter_memory(const struct emitter *emitter);

#endif
