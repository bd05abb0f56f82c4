/*
 * Options of the listener `log`.
 */
#ifndef REEL_LISTENERS_LOG_OPTIONS_H
#define REEL_LISTENERS_LOG_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <reel/status.h>

#include "options.h"

/* How the lines of several streams are told apart. */
enum log_streams {
	LOG_STREAMS_AUTO = 0, /* lines of the first stream as they are, of others with "[ID] " */
	LOG_STREAMS_PREFIX,   /* every line with "[ID] " */
	LOG_STREAMS_SPLIT,    /* a file per stream */
	LOG_STREAMS_PLAIN,    /* not at all */
};

struct log_options {
	bool host_only;  /* functions of the host, and exported ones */
	uint32_t scopes; /* enum log_scope, or LOG_SCOPE_ALL */
	enum log_streams streams;
};

/* Takes host, scope=NAME[|NAME]... and streams=prefix|split|plain. */
int log_options_take(struct log_options *log, struct options *options, struct reel_error *error);

#endif
