/*
 * Filters: which functions are recorded (globs), and the stage that leaves out calls that are too
 * deep or too short.
 */
#ifndef REEL_RECORDER_FILTER_H
#define REEL_RECORDER_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reel/recorder.h>

#include "emitter.h"

/* True when one of these globs (fnmatch) matches name, debug name or module:name. */
bool filter_matches(const char *const *globs, size_t count, const struct reel_function *function);

/* True when include and exclude let this function make events. */
bool filter_function(
	const struct reel_recorder_options *options, const struct reel_function *function);

/*
 * The stage between pairing and emitter: takes paired events in order, holds back a before until
 * its call is known to be long enough (then gives all that waits, outermost first, with their own
 * times), leaves out calls deeper than max_depth and shorter than min_duration_ticks. What it gives
 * to the emitter is paired again; it owns the stack that the emitter's key frames show. Copies of
 * params and captures live as long as their call is open.
 */
struct filter;

int filter_create(struct emitter_target *target, uint32_t stream, uint32_t max_depth,
	uint64_t min_duration_ticks, struct filter **filter);
void filter_destroy(struct filter *filter);
int filter_event(struct filter *filter, const struct event *event, uint32_t plain_module);
int filter_flush(struct filter *filter);

/* The emitter behind it, to be released or asked for its memory. */
struct emitter *filter_emitter(struct filter *filter);

#endif
