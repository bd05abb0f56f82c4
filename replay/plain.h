/*
 * Plain events: given by the host, without values, module or captures, which is what native
 * programs have throughout. The cursor hands them out many at a time, and they are played in one
 * loop.
 */
#ifndef REEL_REPLAY_PLAIN_H
#define REEL_REPLAY_PLAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "event.h"
#include "reader.h"
#include "sites.h"

struct player;
struct open_call;

/* A site of a block whose befores are plain and join their caller's frames. */
struct plain_site {
	const struct replay_function *function; /* NULL: it is not such a site */
	const struct reel_function *definition;
	struct reel_listener *listener; /* NULL: there is nobody to tell */
	uint64_t pc, offset, caller_pc, caller_offset;
	uint32_t site, shown;
};

/* Events that the cursor gave at once and that are still to be played. Zeroed: none. */
struct plain_run {
	const uint32_t *symbols;
	const uint64_t *ticks;
	uint32_t next, count;
	const struct cursor_site *block_sites; /* by their numbers */
	struct plain_site *sites;              /* likewise */
	uint32_t site_capacity;
};

void plain_run_deinit(struct plain_run *run);

/* Prepares for the block that was loaded. REEL_ENOMEM or 0. */
int plain_run_load(
	struct plain_run *run, const struct cursor *cursor, const struct site_table *sites);

static inline bool plain_run_is_empty(const struct plain_run *run)
{
	return run->next == run->count;
}

/* Takes the next events off the cursor; none when the run stays empty. */
static inline void plain_run_refill(struct plain_run *run, struct cursor *cursor)
{
	run->next = 0;
	run->count = cursor_run(cursor, &run->symbols, &run->ticks);
}

/*
 * Makes the next event one of its own, `top` being the innermost open call. False, and nothing
 * taken, when it is an exit and nothing is open.
 */
bool plain_run_take(struct plain_run *run, const struct open_call *top, struct event *event);

/*
 * Plays events of the run that are plain and due up to `last_ticks`. Returns how many; 0 when the
 * next one is not plain, which the player has to take one by one.
 */
uint32_t play_plain(struct player *player, uint64_t last_ticks);

#endif
