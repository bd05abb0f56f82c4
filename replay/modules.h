/*
 * The modules of one replay: one for each instance that the trace knows, answering from what was
 * captured at the event that is being delivered.
 */
#ifndef REEL_REPLAY_MODULES_H
#define REEL_REPLAY_MODULES_H

#include <stdint.h>

#include <reel/recorder.h>
#include <reel/trace.h>

#include "captured.h"
#include "event.h"

struct module_set {
	const struct reel_trace *trace;
	struct captured_module *modules; /* by id */
	size_t count;
	struct captured_module *last;   /* found last, NULL: none */
	struct captured_module unknown; /* for an id that has no definition */

	/* What the event that is being delivered captured. */
	struct captured_module *filled; /* its module, NULL when nothing was captured */
	struct reel_capture capture;
	struct reel_captured_read *reads;
	struct reel_captured_global *globals;
	size_t read_capacity, global_capacity;
};

/* REEL_ENOMEM or 0. */
int module_set_init(struct module_set *set, const struct reel_trace *trace);
void module_set_deinit(struct module_set *set);

/*
 * The module to pass with an event: *module is that of instance `id`, or NULL when the host gave
 * none and nothing was captured. With a capture, module_set_release() must follow when the event's
 * callbacks have returned. REEL_ENOMEM or 0; bytes that cannot be read from the trace count as not
 * captured.
 */
int module_set_take(struct module_set *set, uint32_t id, const struct event_capture *capture,
	struct reel_module **module);
void module_set_release_capture(struct module_set *set);

static inline void module_set_release(struct module_set *set)
{
	if (set->filled) {
		module_set_release_capture(set);
	}
}

#endif
