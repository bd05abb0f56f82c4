/*
 * Deliveries: the callbacks of one stream, each made from an event and the stream's stack. What is
 * not to be told (before a range, repaired events when they are not wanted, functions without a
 * listener) is left out here and nowhere else.
 *
 * The context's `repaired` is REEL_REASON_NONE but within a delivery.
 */
#ifndef REEL_REPLAY_DELIVER_H
#define REEL_REPLAY_DELIVER_H

#include "player.h"

/* Calls stream_begin() unless it was: before the stream's first callback. */
void ensure_begun(struct player *player);

/* The before of the innermost open call. REEL_ENOMEM or 0, like all that follow. */
int deliver_before(
	struct player *player, enum reel_reason repaired, const struct event_capture *capture);

/* An after or abort of the event's function. */
int deliver_exit(struct player *player, const struct event *event);

/* Marks. */
void deliver_gap(struct player *player, uint64_t lost);
int deliver_call_mark(struct player *player, const struct event *event);
int deliver_undelivered(struct player *player, const struct event *event);

#endif
