/*
 * The frame-array iterator: given frames that somebody else keeps, walks them from the top, as
 * often as it is rewound.
 */
#include <reel/stack.h>

static bool array_next(struct reel_stack_iterator *base)
{
	struct reel_frame_array_iterator *iterator = (struct reel_frame_array_iterator *)base;

	if (iterator->position <= iterator->count) {
		iterator->position++;
	}
	return iterator->position <= iterator->count;
}

static const struct reel_frame *array_frame(struct reel_stack_iterator *base)
{
	struct reel_frame_array_iterator *iterator = (struct reel_frame_array_iterator *)base;

	if (iterator->position == 0 || iterator->position > iterator->count) {
		return NULL;
	}
	return &iterator->frames[iterator->position - 1];
}

static void array_rewind(struct reel_stack_iterator *base)
{
	((struct reel_frame_array_iterator *)base)->position = 0;
}

static const struct reel_stack_iterator_ops array_ops = {
	.next = array_next,
	.frame = array_frame,
	.rewind = array_rewind,
};

struct reel_stack_iterator *reel_frame_array_iterator_init(
	struct reel_frame_array_iterator *iterator, const struct reel_frame *frames, size_t count)
{
	iterator->base.ops = &array_ops;
	iterator->frames = frames;
	iterator->count = count;
	iterator->position = 0;
	return &iterator->base;
}
