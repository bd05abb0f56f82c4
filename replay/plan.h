/*
 * What a replay will read: the streams that take part, each with its blocks, in the order in which
 * they begin, and the range in ticks. Made from the index alone, before any block is read.
 */
#ifndef REEL_REPLAY_PLAN_H
#define REEL_REPLAY_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include <reel/replay.h>

struct plan_stream {
	uint32_t id;
	const struct reel_stream_info *info; /* NULL: its definition was lost */
	uint32_t begin, end;                 /* its blocks in `blocks` */
	uint64_t open_ticks;                 /* when it takes part first */
	bool is_open_at_from; /* it may have events before the range, so its state is to be found */
};

struct plan {
	struct plan_stream *streams; /* by open_ticks */
	uint32_t stream_count;
	uint32_t *blocks;              /* numbers of event blocks */
	uint64_t from_ticks, to_ticks; /* [from, to); UINT64_MAX: to the end */
	uint64_t event_count;          /* of all blocks, about */
};

/* `options` is complete: its size field has been dealt with. */
int plan_init(struct plan *plan, const struct reel_trace *trace,
	const struct reel_replay_options *options, struct reel_error *error);
void plan_deinit(struct plan *plan);

#endif
