/*
 * The order in which a call tree is written, and the totals of its nodes. Given a finished tree
 * whose parents come before their children; promises children sorted by name, so that the same
 * events give the same output whatever order they came in.
 */
#include <stdlib.h>
#include <string.h>

#include "call_tree.h"

struct sort_item {
	uint32_t parent;
	uint32_t node;
	const char *label;
};

static int compare_items(const void *left, const void *right)
{
	const struct sort_item *a = left;
	const struct sort_item *b = right;
	int order;

	if (a->parent != b->parent) {
		return a->parent < b->parent ? -1 : 1;
	}
	order = strcmp(a->label, b->label);
	return order ? order : (a->node > b->node) - (a->node < b->node);
}

static int sort_children(struct call_tree_order *order, const struct call_tree *tree)
{
	struct sort_item *items = calloc(tree->node_count, sizeof(*items));
	uint32_t next = 0;

	if (!items) {
		return REEL_ENOMEM;
	}
	for (uint32_t i = 1; i < tree->node_count; i++) {
		items[i - 1] = (struct sort_item){
			tree->nodes[i].parent, i, tree->labels[tree->nodes[i].label]};
	}
	qsort(items, tree->node_count - 1, sizeof(*items), compare_items);
	for (uint32_t node = 0; node < tree->node_count; node++) {
		order->first[node] = next;
		while (next < tree->node_count - 1 && items[next].parent == node) {
			order->children[next] = items[next].node;
			next++;
		}
	}
	order->first[tree->node_count] = next;
	free(items);
	return 0;
}

static void sum_up(struct call_tree_order *order, const struct call_tree *tree)
{
	for (size_t i = tree->node_count; i-- > 0;) {
		order->totals[i] += call_tree_weight(tree, &tree->nodes[i]);
		if (i > 0) {
			order->totals[tree->nodes[i].parent] += order->totals[i];
		}
	}
}

int call_tree_order_init(struct call_tree_order *order, const struct call_tree *tree)
{
	order->children = calloc(tree->node_count, sizeof(*order->children));
	order->first = calloc(tree->node_count + 1, sizeof(*order->first));
	order->totals = calloc(tree->node_count, sizeof(*order->totals));
	if (!order->children || !order->first || !order->totals || sort_children(order, tree) < 0) {
		call_tree_order_deinit(order);
		return REEL_ENOMEM;
	}
	sum_up(order, tree);
	return 0;
}

void call_tree_order_deinit(struct call_tree_order *order)
{
	free(order->children);
	free(order->first);
	free(order->totals);
	*order = (struct call_tree_order){0};
}
