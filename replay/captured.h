/*
 * Modules that answer from what was captured at an event: what the replayer passes to listeners.
 *
 * The replayer points `capture` at the event's own before each callback; the module then answers
 * memory reads, the memory's size and globals from it alone. A built-in listener that writes the
 * whole set (json) gets it with module_capture(), which no live host's module answers.
 *
 * Threads: a captured module belongs to the replay that made it.
 */
#ifndef REEL_REPLAY_CAPTURED_H
#define REEL_REPLAY_CAPTURED_H

#include <stdint.h>

#include <reel/module.h>
#include <reel/recorder.h>

struct captured_module {
	struct reel_module base;            /* first: the ops get back to the rest by it */
	const struct reel_capture *capture; /* of the event that is being delivered; NULL: none */
};

/* Makes a module that answers from `capture`. The definition is copied, its name is borrowed; its
 * ops and host are not used. */
void captured_module_init(struct captured_module *module, const struct reel_module *definition);

/* What was captured at the event that `module` was passed with; NULL when nothing was, or when the
 * module is a live host's. */
const struct reel_capture *module_capture(const struct reel_module *module);

#endif
