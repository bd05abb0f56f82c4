/*
 * Listener plug-ins: shared objects with the entry point of reel/plugin.h.
 */
#ifndef REEL_REPLAY_PLUGIN_H
#define REEL_REPLAY_PLUGIN_H

#include <reel/listener.h>

/*
 * Loads the shared object at `path` and makes its factory. Destroying the factory that comes back
 * destroys the plug-in's and then unloads the object. REEL_EPLUGIN, or REEL_ENOENT for a file that
 * does not exist, with *error filled.
 */
int plugin_load(const char *path, const char *options, struct reel_listener_factory **factory,
	struct reel_error *error);

#endif
