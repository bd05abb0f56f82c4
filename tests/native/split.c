/*
 * Functions that compilers split: a cheap test that is inlined into the callers, and the rest that
 * is called. gcc's entry hook is then in the caller's frame, the exit hook in the rest's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {
	struct node *next;
	char text[24];
	long value;
};

static struct node *list;
static long released;

__attribute__((noinline)) static void note(long value)
{
	released += value;
}

/* Nothing to do most of the time; else a good deal, with calls in it. */
static void shrink(int force)
{
	struct node **link = &list;

	if (__builtin_expect(!force, 1)) {
		return;
	}
	while (*link) {
		struct node *node = *link;

		if (node->value % 3 == force % 3) {
			*link = node->next;
			note(node->value);
			memset(node, 0, sizeof(*node));
			free(node);
		} else {
			link = &node->next;
		}
	}
	for (int i = 0; i < force; i++) {
		note(i);
	}
}

static void add(long value)
{
	struct node *node = calloc(1, sizeof(*node));

	if (!node) {
		return;
	}
	snprintf(node->text, sizeof(node->text), "%ld", value);
	node->value = value;
	node->next = list;
	list = node;
	shrink(value % 16 == 0 ? (int)(value % 7) + 1 : 0);
}

static long walk(int depth)
{
	shrink(depth % 5 == 0 ? 1 : 0);
	if (depth == 0) {
		return 0;
	}
	add(depth);
	shrink(depth % 7 == 0 ? 2 : 0);
	long below = walk(depth - 1);

	shrink(depth % 11 == 0 ? depth : 0);
	return below + 1;
}

int main(void)
{
	long steps = 0;

	for (int i = 0; i < 50; i++) {
		steps += walk(i);
		shrink(i & 1);
	}
	printf("%ld steps, %ld\n", steps, released);
	return 0;
}
