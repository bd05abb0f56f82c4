/*
 * The table of built-in listeners, in the order in which they are listed to people.
 */
#include "builtins_list.h"

#include <stddef.h>

const struct builtin_listener builtin_listeners[] = {
	{"stats", "a table per function: calls, total and self time, min, median, p99, max",
		stats_create},
	{"log", "one indented line per call and return, as wazero's logging listener", log_create},
	{"json", "every event as a line of JSON, in the schema that import reads", json_create},
	{"folded", "one line per call path with its time, as flame graph tools read",
		folded_create},
	{"flamegraph", "a flame graph as one SVG file that needs nothing else", flamegraph_create},
	{"null", "does nothing: what the replay itself costs", null_create},
	{NULL, NULL, NULL},
};
