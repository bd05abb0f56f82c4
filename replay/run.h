/*
 * What the parts of one replay share: the trace, whom to call, the range, and the counts.
 */
#ifndef REEL_REPLAY_RUN_H
#define REEL_REPLAY_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include <reel/replay.h>

#include "functions.h"
#include "modules.h"
#include "plan.h"
#include "sites.h"

/* A text of the trace, kept because the next event often has the same. */
struct text_cache {
	uint32_t blob; /* NO_ID: none */
	uint8_t *bytes;
	size_t size;
};

struct run {
	struct reel_trace *trace;
	struct reel_listener_factory *factory;
	struct reel_marks marks; /* zeroed when the factory wants none */
	struct reel_replay_options options;
	struct plan plan;
	struct function_table functions;
	struct site_table sites;
	struct module_set modules;
	struct text_cache errors, texts;
	struct reel_replay_result result;
	struct reel_error *error; /* of the caller, may be NULL */
	uint64_t events_done;     /* of plan.event_count */
	uint32_t slot_count;      /* streams that have begun */
};

/* The text of a blob, with a NUL behind; "" for NO_ID or a text that was lost. Valid until the
 * cache is asked again. REEL_ENOMEM or 0. */
int run_text(struct run *run, struct text_cache *cache, uint32_t blob, const char **text,
	size_t *length);

#endif
