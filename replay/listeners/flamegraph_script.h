/*
 * The script inside a flame graph: click a frame to zoom, "reset" to zoom out, "search" (or
 * Ctrl-F) to mark what matches. It needs nothing from outside the file, and the graph can be read
 * without it.
 */
#ifndef REEL_LISTENERS_FLAMEGRAPH_SCRIPT_H
#define REEL_LISTENERS_FLAMEGRAPH_SCRIPT_H

/* Without the CDATA marks round it. */
extern const char flamegraph_script[];

#endif
