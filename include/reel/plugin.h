/*
 * Listener plug-ins: a shared object with one entry point, `reel_plugin`.
 *
 *     struct reel_listener_factory *reel_plugin(unsigned version, const char *options, struct
 * reel_error *error)
 *
 * `version` is the REEL_PLUGIN_VERSION that the loader was built with; a plug-in that needs another
 * fills *error and returns NULL. `options` is what stood behind the colon on the command line
 * ("file=out.txt,top=10"), or empty. The factory is destroyed, and then the object unloaded, when
 * the run has ended. A plug-in writes data to standard output unless its options say otherwise.
 */
#ifndef REEL_PLUGIN_H
#define REEL_PLUGIN_H

#include <reel/listener.h>

#ifdef __cplusplus
extern "C" {
#endif

#define REEL_PLUGIN_VERSION 1u

typedef struct reel_listener_factory *(*reel_plugin_fn)(
	unsigned version, const char *options, struct reel_error *error);

/* What the plug-in defines. */
REEL_API struct reel_listener_factory *reel_plugin(
	unsigned version, const char *options, struct reel_error *error);

#ifdef __cplusplus
}
#endif

#endif
