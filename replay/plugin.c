/*
 * Listener plug-ins; see plugin.h. The plug-in's factory is wrapped, so that its object stays
 * loaded exactly as long as it; hosts call its listeners themselves, without a detour.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <reel/plugin.h>

#include "plugin.h"

struct plugin_factory {
	struct reel_listener_factory base;
	struct reel_listener_factory *inner; /* what the plug-in made */
	void *object;
	struct reel_marks marks;
};

static struct reel_listener_factory *inner_of(struct reel_listener_factory *factory)
{
	return ((struct plugin_factory *)factory)->inner;
}

static int forward_begin(struct reel_listener_factory *factory, const struct reel_host_info *info,
	struct reel_error *error)
{
	struct reel_listener_factory *inner = inner_of(factory);

	return inner->begin ? inner->begin(inner, info, error) : 0;
}

static struct reel_listener *forward_listener_for(
	struct reel_listener_factory *factory, const struct reel_function *function)
{
	struct reel_listener_factory *inner = inner_of(factory);

	return inner->listener_for(inner, function);
}

static int forward_finish(struct reel_listener_factory *factory, struct reel_error *error)
{
	struct reel_listener_factory *inner = inner_of(factory);

	return inner->finish ? inner->finish(inner, error) : 0;
}

static void plugin_destroy(struct reel_listener_factory *factory)
{
	struct plugin_factory *plugin = (struct plugin_factory *)factory;

	reel_listener_factory_destroy(plugin->inner);
	dlclose(plugin->object);
	free(plugin);
}

static void forward_function_defined(
	struct reel_listener_factory *factory, const struct reel_function *function)
{
	struct reel_listener_factory *inner = inner_of(factory);

	inner->marks->function_defined(inner, function);
}

static void forward_module_defined(
	struct reel_listener_factory *factory, const struct reel_module *module)
{
	struct reel_listener_factory *inner = inner_of(factory);

	inner->marks->module_defined(inner, module);
}

static void forward_stream_begin(
	struct reel_listener_factory *factory, struct reel_context *context)
{
	struct reel_listener_factory *inner = inner_of(factory);

	inner->marks->stream_begin(inner, context);
}

static void forward_stream_end(struct reel_listener_factory *factory, struct reel_context *context)
{
	struct reel_listener_factory *inner = inner_of(factory);

	inner->marks->stream_end(inner, context);
}

static void forward_call_begin(
	struct reel_listener_factory *factory, struct reel_context *context, const char *text)
{
	struct reel_listener_factory *inner = inner_of(factory);

	inner->marks->call_begin(inner, context, text);
}

static void forward_call_end(
	struct reel_listener_factory *factory, struct reel_context *context, const char *text)
{
	struct reel_listener_factory *inner = inner_of(factory);

	inner->marks->call_end(inner, context, text);
}

static void forward_gap(
	struct reel_listener_factory *factory, struct reel_context *context, uint64_t lost)
{
	struct reel_listener_factory *inner = inner_of(factory);

	inner->marks->gap(inner, context, lost);
}

static void forward_undelivered(struct reel_listener_factory *factory, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *results,
	const struct reel_abort *error)
{
	struct reel_listener_factory *inner = inner_of(factory);

	inner->marks->undelivered(inner, context, module, function, results, error);
}

/* Offers the marks that the plug-in wants, and no others. */
static void forward_marks(struct plugin_factory *plugin)
{
	const struct reel_marks *wanted = plugin->inner->marks;

	if (!wanted) {
		return;
	}
	plugin->marks = (struct reel_marks){
		.function_defined = wanted->function_defined ? forward_function_defined : NULL,
		.module_defined = wanted->module_defined ? forward_module_defined : NULL,
		.stream_begin = wanted->stream_begin ? forward_stream_begin : NULL,
		.stream_end = wanted->stream_end ? forward_stream_end : NULL,
		.call_begin = wanted->call_begin ? forward_call_begin : NULL,
		.call_end = wanted->call_end ? forward_call_end : NULL,
		.gap = wanted->gap ? forward_gap : NULL,
		.undelivered = wanted->undelivered ? forward_undelivered : NULL,
	};
	plugin->base.marks = &plugin->marks;
}

/* dlopen() would search the system's directories for a name without a slash. The caller frees. */
static char *path_with_slash(const char *path)
{
	const char *directory = strchr(path, '/') ? "" : "./";
	size_t size = strlen(directory) + strlen(path) + 1;
	char *whole = malloc(size);

	if (whole) {
		snprintf(whole, size, "%s%s", directory, path);
	}
	return whole;
}

static void *open_object(const char *path, struct reel_error *error)
{
	char *whole = path_with_slash(path);
	void *object;

	if (!whole) {
		reel_fail(error, REEL_ENOMEM, "out of memory");
		return NULL;
	}
	object = dlopen(whole, RTLD_NOW | RTLD_LOCAL);
	if (!object) {
		reel_fail(error, REEL_EPLUGIN, "listener '%s' cannot be loaded: %.400s", path,
			dlerror());
	}
	free(whole);
	return object;
}

/* POSIX has dlsym() give functions as object pointers. */
static reel_plugin_fn entry_point(void *object)
{
	union {
		void *address;
		reel_plugin_fn function;
	} entry = {.address = dlsym(object, "reel_plugin")};

	return entry.function;
}

/* Runs the plug-in's entry point. NULL, with *error filled, when it has none or refuses. */
static struct reel_listener_factory *make_inner(
	void *object, const char *path, const char *options, struct reel_error *error)
{
	struct reel_error refusal = {.status = 0, .text = ""};
	reel_plugin_fn make = entry_point(object);
	struct reel_listener_factory *inner;

	if (!make) {
		reel_fail(error, REEL_EPLUGIN,
			"'%s' is no listener plug-in: it does not define reel_plugin", path);
		return NULL;
	}
	inner = make(REEL_PLUGIN_VERSION, options, &refusal);
	if (!inner) {
		reel_fail(error, REEL_EPLUGIN, "listener '%s': %.400s", path,
			*refusal.text ? refusal.text : "it refused to start");
		return NULL;
	}
	if (!inner->listener_for) {
		reel_fail(
			error, REEL_EPLUGIN, "listener '%s': its factory gives no listeners", path);
		reel_listener_factory_destroy(inner);
		return NULL;
	}
	return inner;
}

static int plugin_make(struct plugin_factory *plugin, const char *path, const char *options,
	struct reel_error *error)
{
	plugin->object = open_object(path, error);
	if (!plugin->object) {
		return REEL_EPLUGIN;
	}
	plugin->inner = make_inner(plugin->object, path, options, error);
	if (!plugin->inner) {
		dlclose(plugin->object);
		return REEL_EPLUGIN;
	}
	plugin->base.begin = forward_begin;
	plugin->base.listener_for = forward_listener_for;
	plugin->base.finish = forward_finish;
	plugin->base.destroy = plugin_destroy;
	forward_marks(plugin);
	return 0;
}

int plugin_load(const char *path, const char *options, struct reel_listener_factory **factory,
	struct reel_error *error)
{
	struct plugin_factory *plugin;
	int status;

	*factory = NULL;
	if (access(path, F_OK) < 0) {
		return reel_fail(error, REEL_ENOENT, "listener '%s': %s", path, strerror(errno));
	}
	plugin = calloc(1, sizeof(*plugin));
	if (!plugin) {
		return reel_fail(error, REEL_ENOMEM, "out of memory");
	}
	status = plugin_make(plugin, path, options, error);
	if (status < 0) {
		free(plugin);
		return status;
	}
	*factory = &plugin->base;
	return 0;
}
