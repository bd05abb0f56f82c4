/*
 * Builds the call tree of call_tree.h from events. Given well-paired events it promises exact
 * calls and times per path; events that are replayed as they were delivered may not be paired, and
 * an exit of what is not open is then passed over.
 */
#include "call_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Deep recursion has a path per level, and a folded line holds a whole path. */
#define DEFAULT_DEPTH_MAX 1000u
#define LARGEST_DEPTH_MAX 10000u

struct call_tree_function {
	struct reel_listener listener; /* first */
	struct call_tree *tree;
	uint32_t label;
};

struct open_path {
	uint32_t node;
	uint32_t label; /* of the function that was called: the node may stand for "..." */
};

struct call_tree_stream {
	struct open_path *open; /* bottom first */
	size_t depth, capacity;
	uint64_t last_ns; /* of the stream's last event */
	uint32_t root;    /* node of the thread, or CALL_TREE_ROOT */
	bool has_root;
};

static int add_label(struct call_tree *tree, char *text, uint32_t *label)
{
	char **labels = array_grow(
		tree->labels, &tree->label_capacity, tree->label_count + 1, sizeof(*labels));

	if (!text || !labels) {
		free(text);
		return REEL_ENOMEM;
	}
	tree->labels = labels;
	*label = (uint32_t)tree->label_count;
	labels[tree->label_count++] = text;
	return 0;
}

static int add_node(struct call_tree *tree, uint32_t parent, uint32_t label, uint32_t *node)
{
	struct call_node *nodes =
		array_grow(tree->nodes, &tree->node_capacity, tree->node_count + 1, sizeof(*nodes));

	if (!nodes) {
		return REEL_ENOMEM;
	}
	tree->nodes = nodes;
	*node = (uint32_t)tree->node_count;
	if (number_map_put(&tree->children, ((uint64_t)parent << 32) | label, *node) < 0) {
		return REEL_ENOMEM;
	}
	nodes[tree->node_count++] = (struct call_node){
		.parent = parent, .label = label, .depth = nodes[parent].depth + 1};
	return 0;
}

/* Finds or makes the child of `parent` with this label. */
static int find_child(struct call_tree *tree, uint32_t parent, uint32_t label, uint32_t *node)
{
	const uint64_t key = ((uint64_t)parent << 32) | label;

	*node = number_map_get(&tree->children, key);
	if (*node == NUMBER_MAP_NONE && add_node(tree, parent, label, node) < 0) {
		return REEL_ENOMEM;
	}
	tree->nodes[parent].recent = *node;
	return 0;
}

/* The node of a call of `label` from `parent`; see `depth` in call_tree.h. */
static int enter(struct call_tree *tree, uint32_t parent, uint32_t label, uint32_t *node)
{
	const struct call_node *from = &tree->nodes[parent];

	if (tree->nodes[from->recent].label == label && from->recent != CALL_TREE_ROOT) {
		*node = from->recent;
		return 0;
	}
	if (from->depth > tree->depth_max) {
		*node = parent;
		return 0;
	}
	return find_child(
		tree, parent, from->depth == tree->depth_max ? tree->deeper_label : label, node);
}

/* The node of a process or thread. These are few, so a search among them will do. */
static int named_child(struct call_tree *tree, uint32_t parent, const char *name, uint32_t *node)
{
	uint32_t *roots;
	uint32_t label;

	for (size_t i = 0; i < tree->root_count; i++) {
		*node = tree->roots[i];
		if (tree->nodes[*node].parent == parent &&
			strcmp(tree->labels[tree->nodes[*node].label], name) == 0) {
			return 0;
		}
	}
	roots = array_grow(tree->roots, &tree->root_capacity, tree->root_count + 1, sizeof(*roots));
	if (!roots) {
		return REEL_ENOMEM;
	}
	tree->roots = roots;
	if (add_label(tree, printable_copy(name), &label) < 0 ||
		find_child(tree, parent, label, node) < 0) {
		return REEL_ENOMEM;
	}
	roots[tree->root_count++] = *node;
	return 0;
}

static int thread_root(struct call_tree *tree, const struct reel_stream_info *info, uint32_t *root)
{
	char unnamed[32];
	const char *name = info->name;

	*root = CALL_TREE_ROOT;
	if (info->process && *info->process &&
		named_child(tree, CALL_TREE_ROOT, info->process, root) < 0) {
		return REEL_ENOMEM;
	}
	if (!name || !*name) {
		snprintf(unnamed, sizeof(unnamed), "stream %u", info->id);
		name = unnamed;
	}
	return named_child(tree, *root, name, root);
}

/* The stream's state with room for one more open call; NULL when memory is short. */
static struct call_tree_stream *prepare(struct call_tree *tree, const struct reel_context *context)
{
	struct call_tree_stream *streams = array_grow(
		tree->streams, &tree->stream_capacity, (size_t)context->slot + 1, sizeof(*streams));
	struct call_tree_stream *stream;
	struct open_path *open;

	if (!streams) {
		return NULL;
	}
	tree->streams = streams;
	stream = &streams[context->slot];
	if (!stream->has_root && tree->has_threads &&
		thread_root(tree, context->stream, &stream->root) < 0) {
		return NULL;
	}
	stream->has_root = true;
	open = array_grow(stream->open, &stream->capacity, stream->depth + 1, sizeof(*open));
	if (!open) {
		return NULL;
	}
	stream->open = open;
	return stream;
}

static struct call_tree_stream *stream_for(
	struct call_tree *tree, const struct reel_context *context)
{
	if (__builtin_expect(context->slot < tree->stream_capacity, 1)) {
		struct call_tree_stream *stream = &tree->streams[context->slot];

		if (__builtin_expect(stream->depth < stream->capacity, 1)) {
			return stream;
		}
	}
	return prepare(tree, context);
}

/* What went by since the stream's last event belongs to its innermost open call. */
static void spend(struct call_tree *tree, struct call_tree_stream *stream, uint64_t now_ns)
{
	if (stream->depth > 0 && now_ns > stream->last_ns) {
		tree->nodes[stream->open[stream->depth - 1].node].self_ns +=
			now_ns - stream->last_ns;
	}
	stream->last_ns = now_ns;
}

static int begin_call(struct call_tree *tree, struct reel_context *context, uint32_t label)
{
	struct call_tree_stream *stream = stream_for(tree, context);
	uint32_t parent;
	uint32_t node;

	if (!stream) {
		return REEL_ENOMEM;
	}
	spend(tree, stream, reel_context_time_ns(context));
	parent = stream->depth > 0 ? stream->open[stream->depth - 1].node : stream->root;
	if (enter(tree, parent, label, &node) < 0) {
		return REEL_ENOMEM;
	}
	tree->nodes[node].calls++;
	stream->open[stream->depth++] = (struct open_path){node, label};
	return 0;
}

static void end_call(struct call_tree *tree, struct reel_context *context, uint32_t label)
{
	struct call_tree_stream *stream;
	size_t depth;

	if (context->slot >= tree->stream_capacity) {
		return;
	}
	stream = &tree->streams[context->slot];
	spend(tree, stream, reel_context_time_ns(context));
	depth = stream->depth;
	while (depth > 0 && stream->open[depth - 1].label != label) {
		depth--;
	}
	if (depth > 0) {
		stream->depth = depth - 1;
	}
}

static void before(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *params,
	struct reel_stack_iterator *stack)
{
	const struct call_tree_function *called = (struct call_tree_function *)listener;
	struct call_tree *tree = called->tree;

	(void)module;
	(void)function;
	(void)params;
	(void)stack;
	base_lock(&tree->base);
	base_fail(&tree->base, begin_call(tree, context, called->label));
	base_unlock(&tree->base);
}

static void ended(struct reel_listener *listener, struct reel_context *context)
{
	const struct call_tree_function *called = (struct call_tree_function *)listener;
	struct call_tree *tree = called->tree;

	base_lock(&tree->base);
	end_call(tree, context, called->label);
	base_unlock(&tree->base);
}

static void after(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *results)
{
	(void)module;
	(void)function;
	(void)results;
	ended(listener, context);
}

static void aborted(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function,
	const struct reel_abort *error)
{
	(void)module;
	(void)function;
	(void)error;
	ended(listener, context);
}

static struct reel_listener *add_function(
	struct call_tree *tree, const struct reel_function *definition)
{
	struct call_tree_function **functions = array_grow(tree->functions,
		&tree->function_capacity, tree->function_count + 1, sizeof(*functions));
	struct call_tree_function *function;

	if (!functions) {
		return NULL;
	}
	tree->functions = functions;
	function = calloc(1, sizeof(*function));
	if (!function || add_label(tree, function_label(definition), &function->label) < 0) {
		free(function);
		return NULL;
	}
	function->listener = (struct reel_listener){before, after, aborted};
	function->tree = tree;
	functions[tree->function_count++] = function;
	return &function->listener;
}

static struct reel_listener *listener_for(
	struct reel_listener_factory *factory, const struct reel_function *definition)
{
	struct call_tree *tree = (struct call_tree *)factory;
	struct reel_listener *listener;

	base_lock(&tree->base);
	listener = add_function(tree, definition);
	if (!listener) {
		base_fail(&tree->base, REEL_ENOMEM);
	}
	base_unlock(&tree->base);
	return listener;
}

static void stream_end(struct reel_listener_factory *factory, struct reel_context *context)
{
	struct call_tree *tree = (struct call_tree *)factory;

	base_lock(&tree->base);
	if (context->slot < tree->stream_capacity) {
		free(tree->streams[context->slot].open);
		tree->streams[context->slot] = (struct call_tree_stream){0};
	}
	base_unlock(&tree->base);
}

static int finish(struct reel_listener_factory *factory, struct reel_error *error)
{
	struct call_tree *tree = (struct call_tree *)factory;

	if (!tree->base.status) {
		base_fail(&tree->base, tree->write(tree));
	}
	return base_finish(&tree->base, error);
}

static void free_contents(struct call_tree *tree)
{
	for (size_t i = 0; i < tree->label_count; i++) {
		free(tree->labels[i]);
	}
	for (size_t i = 0; i < tree->function_count; i++) {
		free(tree->functions[i]);
	}
	for (size_t i = 0; i < tree->stream_capacity; i++) {
		free(tree->streams[i].open);
	}
	free(tree->labels);
	free(tree->functions);
	free(tree->streams);
	free(tree->nodes);
	free(tree->roots);
	number_map_deinit(&tree->children);
}

static void destroy(struct reel_listener_factory *factory)
{
	struct call_tree *tree = (struct call_tree *)factory;

	free_contents(tree);
	base_deinit(&tree->base);
	free(tree);
}

static int take_options(struct base *base, struct options *options, const char *default_output,
	struct reel_error *error)
{
	struct call_tree *tree = (struct call_tree *)base;
	const char *value = options_take(options, "value");
	int status;

	(void)default_output;
	if (value && strcmp(value, "calls") != 0 && strcmp(value, "time") != 0) {
		return reel_fail(error, REEL_EINVAL, "%s: value=%s is neither time nor calls",
			tree->name, value);
	}
	tree->by_calls = value && strcmp(value, "calls") == 0;
	tree->depth_max = DEFAULT_DEPTH_MAX;
	status = options_take_flag(options, "threads", &tree->has_threads, error);
	if (status < 0) {
		return status;
	}
	return options_take_number(options, "depth", 1, LARGEST_DEPTH_MAX, &tree->depth_max, error);
}

/* Labels and nodes that are there from the start. */
static int add_root(struct call_tree *tree)
{
	uint32_t all;

	tree->nodes = array_grow(NULL, &tree->node_capacity, 1, sizeof(*tree->nodes));
	if (!tree->nodes || add_label(tree, strdup("all"), &all) < 0 ||
		add_label(tree, strdup("..."), &tree->deeper_label) < 0) {
		return REEL_ENOMEM;
	}
	tree->nodes[CALL_TREE_ROOT] = (struct call_node){.label = all};
	tree->node_count = 1;
	return 0;
}

static const struct reel_marks marks = {.stream_end = stream_end};

int call_tree_create(const char *name, int (*write)(struct call_tree *tree),
	const char *options_text, const char *default_output,
	struct reel_listener_factory **factory, struct reel_error *error)
{
	struct call_tree *tree = calloc(1, sizeof(*tree));
	int status;

	if (!tree) {
		return reel_fail(error, REEL_ENOMEM, "out of memory");
	}
	tree->name = name;
	tree->write = write;
	status = add_root(tree) < 0 ? reel_fail(error, REEL_ENOMEM, "out of memory")
				    : base_open(&tree->base, name, options_text, default_output,
					      take_options, error);
	if (status < 0) {
		free_contents(tree);
		free(tree);
		return status;
	}
	tree->base.factory =
		(struct reel_listener_factory){base_begin, listener_for, finish, destroy, &marks};
	*factory = &tree->base.factory;
	return 0;
}
