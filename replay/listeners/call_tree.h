/*
 * The call tree behind `folded` and `flamegraph`: one node per call path, with the calls that took
 * it and the time spent in it itself.
 *
 * It is a listener factory; whoever makes one gives `write`, which is called at the end to put the
 * tree into the output. Options that it takes: value=time|calls, threads (a first frame for the
 * process and the thread), depth=N (paths longer than that end in "...", which holds all that was
 * deeper).
 *
 * Cost: an event is a look at its stream's top node and that node's most recent child; other
 * children are found by hash. Memory: about 100 bytes per path.
 */
#ifndef REEL_LISTENERS_CALL_TREE_H
#define REEL_LISTENERS_CALL_TREE_H

#include "base.h"
#include "number_map.h"

#define CALL_TREE_ROOT 0u

struct call_node {
	uint32_t parent; /* less than the node's own number */
	uint32_t label;  /* index in `labels` */
	uint32_t recent; /* the child that was called last, or the root: none yet */
	uint32_t depth;  /* frames of the path; 0: the root */
	uint64_t calls;
	uint64_t self_ns;
};

struct call_tree_stream;
struct call_tree_function;

struct call_tree {
	struct base base; /* first */
	const char *name; /* the listener's */
	int (*write)(struct call_tree *tree);

	struct call_node *nodes; /* nodes[CALL_TREE_ROOT] stands for everything */
	size_t node_count, node_capacity;
	struct number_map children; /* (parent, label) -> node */
	char **labels;              /* printable names: of functions, processes, threads */
	size_t label_count, label_capacity;
	uint32_t deeper_label;
	uint32_t *roots; /* nodes of processes and threads */
	size_t root_count, root_capacity;

	struct call_tree_function **functions; /* the listeners */
	size_t function_count, function_capacity;
	struct call_tree_stream *streams; /* by slot */
	size_t stream_capacity;

	bool by_calls; /* the weight of a path is its calls, not its time */
	bool has_threads;
	uint64_t depth_max;
};

/* Makes a tree for listener `name`. */
int call_tree_create(const char *name, int (*write)(struct call_tree *tree),
	const char *options_text, const char *default_output,
	struct reel_listener_factory **factory, struct reel_error *error);

/* A node's own weight: time in ns or calls, as the options say. */
static inline uint64_t call_tree_weight(const struct call_tree *tree, const struct call_node *node)
{
	return tree->by_calls ? node->calls : node->self_ns;
}

/*
 * The tree in the order in which it is written: children by name. children[first[n]] to
 * children[first[n + 1] - 1] are the children of node n; totals[n] is the weight of n and all
 * below it.
 */
struct call_tree_order {
	uint32_t *children;
	uint32_t *first;
	uint64_t *totals;
};

/* REEL_ENOMEM or 0. */
int call_tree_order_init(struct call_tree_order *order, const struct call_tree *tree);
void call_tree_order_deinit(struct call_tree_order *order);

#endif
