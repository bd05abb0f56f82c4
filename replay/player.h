/*
 * One stream in replay: reads its blocks, keeps its stack and calls its listeners, in steps that
 * the merge of all streams orders.
 *
 * Whatever is missing or damaged, a player keeps the listeners' guarantee: at the start of each
 * block it compares what is open with the block's key frame, ends what is gone and begins what is
 * new, both as repaired.
 */
#ifndef REEL_REPLAY_PLAYER_H
#define REEL_REPLAY_PLAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "event.h"
#include "frames.h"
#include "plain.h"
#include "reader.h"
#include "run.h"

enum player_state {
	PLAYER_BLOCK,  /* the next block is to be read */
	PLAYER_EVENT,  /* `event` is to be delivered */
	PLAYER_CUT,    /* the range ends */
	PLAYER_ENDING, /* the stream ends */
	PLAYER_DONE,
};

struct player {
	struct reel_context context; /* first: callbacks receive it */
	struct run *run;
	const struct plan_stream *plan;
	struct reel_stream_info info;
	uint32_t order;      /* among streams of the same time */
	uint32_t next_block; /* in plan.blocks: the one that is being read, or comes next */
	uint64_t block_done; /* events of it that were read */
	struct cursor *cursor;
	enum player_state state;
	uint64_t key;               /* ticks at which the next step is due */
	uint64_t now;               /* ticks of what is being delivered */
	struct clock_stretch clock; /* around `now` */
	struct plain_run plain;     /* events that come next */
	struct event event;         /* the one that does while there are none */
	struct frame_stack stack;
	uint32_t call_depth;
	bool must_reconcile; /* the event is the first of its block */
	bool is_silent;      /* before the range: state is followed, nothing is delivered */
	bool has_begun;      /* stream_begin() was called */
	bool has_holes;      /* a block could not be read, or was read in part */
	uint64_t *padded;    /* results that are fewer than their definition says */
	size_t padded_capacity;
};

/* Makes a player for a stream of the plan; `cursor` is borrowed. NULL when memory is short. */
struct player *player_create(
	struct run *run, const struct plan_stream *plan, uint32_t order, struct cursor *cursor);
void player_destroy(struct player *player);

/* Plays everything that is due up to `last_ticks`. On success player->key says when it wants to
 * go on, unless it is PLAYER_DONE. REEL_ENOMEM, REEL_EIO or 0. */
int player_run(struct player *player, uint64_t last_ticks);

#endif
