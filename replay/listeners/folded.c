/*
 * The built-in listener `folded`: one line per call path, "a;b;c 123", bottom first, as flame graph
 * tools read.
 *
 * Given a call tree, it promises lines sorted by path whose values add up to all that was spent:
 * each has the path's own time in ns (or its calls), and paths with none have no line. A ';' in a
 * name becomes ':', so that the frames of a line can be told apart. Options: file=PATH and those
 * of call_tree.h.
 */
#include <stdlib.h>
#include <string.h>

#include "builtins_list.h"
#include "call_tree.h"

struct path {
	char *text;
	size_t length, capacity;
};

/* Adds a frame to the path; REEL_ENOMEM or 0. */
static int push_frame(struct path *path, const char *label)
{
	const size_t size = strlen(label) + 1;
	char *text = array_grow(path->text, &path->capacity, path->length + size + 1, 1);

	if (!text) {
		return REEL_ENOMEM;
	}
	path->text = text;
	if (path->length > 0) {
		text[path->length++] = ';';
	}
	for (; *label; label++) {
		text[path->length++] = *label == ';' ? ':' : *label;
	}
	return 0;
}

static int write_node(struct call_tree *tree, const struct call_tree_order *order, uint32_t node,
	struct path *path)
{
	const uint64_t weight = call_tree_weight(tree, &tree->nodes[node]);
	const size_t length = path->length;
	int status = 0;

	if (node != CALL_TREE_ROOT) {
		status = push_frame(path, tree->labels[tree->nodes[node].label]);
	}
	if (status == 0 && weight > 0) {
		text_bytes(&tree->base.output, path->text, path->length);
		text_char(&tree->base.output, ' ');
		text_u64(&tree->base.output, weight);
		text_char(&tree->base.output, '\n');
	}
	for (uint32_t i = order->first[node]; status == 0 && i < order->first[node + 1]; i++) {
		status = write_node(tree, order, order->children[i], path);
	}
	path->length = length;
	return status;
}

static int write_folded(struct call_tree *tree)
{
	struct call_tree_order order;
	struct path path = {0};
	int status = call_tree_order_init(&order, tree);

	if (status < 0) {
		return status;
	}
	status = write_node(tree, &order, CALL_TREE_ROOT, &path);
	free(path.text);
	call_tree_order_deinit(&order);
	return status;
}

int folded_create(const char *options_text, const char *default_output,
	struct reel_listener_factory **factory, struct reel_error *error)
{
	return call_tree_create(
		"folded", write_folded, options_text, default_output, factory, error);
}
