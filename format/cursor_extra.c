/*
 * Extras: the details of events that are more than a symbol, from the column's bytes to the fields
 * of an event. What they point to is in the cursor until the next event.
 */
#include "cursor_state.h"

static uint64_t *take_varints(struct byte_view *view, uint32_t count, struct byte_buffer *to)
{
	uint64_t *words = buffer_scratch(to, count, sizeof(*words));

	for (uint32_t i = 0; i < count && words; i++) {
		words[i] = view_varint(view);
	}
	return words;
}

static int read_globals(struct cursor *cursor, struct byte_view *view)
{
	uint32_t count = view_count(view, 3);
	struct event_global *globals = buffer_scratch(&cursor->globals, count, sizeof(*globals));

	if (!globals) {
		return REEL_ENOMEM;
	}
	for (uint32_t i = 0; i < count; i++) {
		globals[i].index = view_varint32(view);
		globals[i].words[0] = view_varint(view);
		globals[i].words[1] = view_varint(view);
	}
	cursor->capture.globals = globals;
	cursor->capture.global_count = count;
	return REEL_OK;
}

static int read_reads(struct cursor *cursor, struct byte_view *view)
{
	uint32_t count = view_count(view, 3);
	struct event_read *reads = buffer_scratch(&cursor->reads, count, sizeof(*reads));

	if (!reads) {
		return REEL_ENOMEM;
	}
	for (uint32_t i = 0; i < count; i++) {
		reads[i].offset = view_varint(view);
		reads[i].length = view_varint(view);
		reads[i].blob = view_id(view);
	}
	cursor->capture.reads = reads;
	cursor->capture.read_count = count;
	return REEL_OK;
}

static int read_capture(struct cursor *cursor, struct byte_view *view)
{
	uint64_t flags = view_varint(view);
	int status;

	cursor->capture = (struct event_capture){.has_memory_size = flags & CAPTURE_MEMORY_SIZE};
	if (cursor->capture.has_memory_size) {
		cursor->capture.memory_size_bytes = view_varint(view);
	}
	status = read_globals(cursor, view);
	return status ? status : read_reads(cursor, view);
}

/* What only this kind of event has. */
static void read_kind_fields(struct byte_view *view, uint64_t flags, struct event *event)
{
	switch (event->kind) {
	case EVENT_AFTER:
	case EVENT_ABORT:
		break;
	case EVENT_BEFORE:
		event->site = view_id(view);
		event->function = view_id(view);
		break;
	case EVENT_UNDELIVERED_AFTER:
	case EVENT_UNDELIVERED_ABORT:
		event->function = view_id(view);
		break;
	case EVENT_CALL_BEGIN:
	case EVENT_CALL_END:
		event->text = view_id(view);
		break;
	case EVENT_GAP:
		event->lost = view_varint(view);
		break;
	}
	if (flags & EXTRA_ERROR) {
		event->error_kind = (enum reel_abort_kind)view_varint32(view);
		event->error = view_id(view);
		event->error_full_length = view_varint(view);
	}
	if (event->error_kind > REEL_ABORT_REPAIRED) {
		view_fail(view);
	}
}

int cursor_read_extra(
	struct cursor *cursor, struct byte_view *view, struct event *event, bool *has_module)
{
	uint64_t kind = view_varint(view);
	uint64_t reason = view_varint(view);
	uint64_t flags = view_varint(view);
	int status = REEL_OK;

	if (view->failed || reason > REEL_REASON_LOST) {
		return REEL_EDAMAGED;
	}
	if (kind > EVENT_GAP) {
		return REEL_END;
	}
	event->kind = (enum event_kind)kind;
	event->repaired = (enum reel_reason)reason;
	*has_module = flags & EXTRA_MODULE;
	event->module = *has_module ? view_id(view) : NO_ID;
	read_kind_fields(view, flags, event);
	if (flags & EXTRA_VALUES) {
		event->value_count = view_count(view, 1);
		event->values = take_varints(view, event->value_count, &cursor->values);
		status = event->values ? REEL_OK : REEL_ENOMEM;
	}
	if (!status && flags & EXTRA_CAPTURE) {
		event->capture = &cursor->capture;
		status = read_capture(cursor, view);
	}
	return !status && view->failed ? REEL_EDAMAGED : status;
}
