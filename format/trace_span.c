/*
 * From when to when a trace has events. Blocks say when their first and last entries are, but an
 * entry may be a mark, a gap or an undelivered exit: only blocks that have such entries and lie at
 * the edge are decoded. One that cannot be decoded counts from its first entry to its last.
 */
#include "trace_file.h"

static bool is_event(const struct event *event)
{
	return event->kind <= EVENT_BEFORE;
}

static bool has_events(const struct event_block_info *block)
{
	return block->before + block->after + block->abort > 0;
}

static bool has_only_events(const struct event_block_info *block)
{
	return block->before + block->after + block->abort == block->event_count;
}

/* The ticks of the first event of a block that has some, and of the last one when it is wanted. */
static void span_of_block(struct cursor *cursor, uint32_t index,
	const struct event_block_info *block, uint64_t *last, uint64_t *first)
{
	struct event event;
	bool found = false;

	*first = block->first_ticks;
	if (last) {
		*last = block->last_ticks;
	}
	if (has_only_events(block) || cursor_load(cursor, index, NULL) < 0) {
		return;
	}
	while ((!found || last) && cursor_next(cursor, &event) == 0) {
		if (!is_event(&event)) {
			continue;
		}
		if (!found) {
			*first = event.ticks;
			found = true;
		}
		if (last) {
			*last = event.ticks;
		}
	}
}

static void find_first(const struct reel_trace *trace, struct cursor *cursor, uint64_t *first)
{
	uint64_t ticks;

	*first = UINT64_MAX;
	for (size_t i = 0; i < trace->event_block_count; i++) {
		const struct event_block_info *block = &trace->event_blocks[i];

		if (has_events(block) && block->first_ticks < *first) {
			span_of_block(cursor, (uint32_t)i, block, NULL, &ticks);
			*first = ticks < *first ? ticks : *first;
		}
	}
}

/* From the file's end, where the last ones are. */
static void find_last(const struct reel_trace *trace, struct cursor *cursor, uint64_t *last)
{
	uint64_t first, ticks;

	*last = 0;
	for (size_t i = trace->event_block_count; i-- > 0;) {
		const struct event_block_info *block = &trace->event_blocks[i];

		if (has_events(block) && block->last_ticks > *last) {
			span_of_block(cursor, (uint32_t)i, block, &ticks, &first);
			*last = ticks > *last ? ticks : *last;
		}
	}
}

int trace_find_span(struct reel_trace *trace)
{
	struct cursor *cursor;
	int status = cursor_create(trace, &cursor);

	if (status < 0) {
		return status;
	}
	find_first(trace, cursor, &trace->first_ticks);
	find_last(trace, cursor, &trace->last_ticks);
	cursor_destroy(cursor);
	return 0;
}

bool trace_span(const struct reel_trace *trace, uint64_t *first, uint64_t *last)
{
	*first = trace->first_ticks;
	*last = trace->last_ticks;
	return trace->first_ticks <= trace->last_ticks;
}
