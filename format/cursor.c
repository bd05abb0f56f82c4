/*
 * The cursor: the events of one block after another.
 *
 * Symbols and ticks are unpacked a chunk at a time, in loops without branches, into two small
 * arrays; an event without details is then a look-up of its site and a push or a pop. The open
 * activations are kept as function and module, so that an exit needs no definition.
 */
#include <stdlib.h>

#include "cursor_state.h"

/* Kept out of line, so that the way of a plain event saves no registers for it. */
#define COLD __attribute__((noinline))

int cursor_create(struct reel_trace *trace, struct cursor **cursor)
{
	*cursor = calloc(1, sizeof(**cursor));
	if (!*cursor) {
		return REEL_ENOMEM;
	}
	(*cursor)->trace = trace;
	return REEL_OK;
}

void cursor_destroy(struct cursor *cursor)
{
	if (!cursor) {
		return;
	}
	block_reader_deinit(&cursor->reader);
	free(cursor->stack);
	free(cursor->key_frame);
	free(cursor->columns);
	free(cursor->sites);
	buffer_deinit(&cursor->key_words);
	buffer_deinit(&cursor->previous_words);
	buffer_deinit(&cursor->values);
	buffer_deinit(&cursor->globals);
	buffer_deinit(&cursor->reads);
	free(cursor);
}

const struct activation *cursor_key_frame(const struct cursor *cursor, uint32_t *count)
{
	*count = cursor->key_frame_count;
	return cursor->key_frame;
}

/* ---- unpacking ---- */

static void unpack_symbols(struct cursor *cursor, uint32_t count)
{
	const uint8_t *bytes =
		cursor->symbol_bytes + (size_t)cursor->unpacked * cursor->symbol_width;

	if (cursor->symbol_width == 1) {
		for (uint32_t i = 0; i < count; i++) {
			cursor->symbols[i] = bytes[i];
		}
	} else if (cursor->symbol_width == 2) {
		for (uint32_t i = 0; i < count; i++) {
			cursor->symbols[i] = load16(bytes + 2 * (size_t)i);
		}
	} else {
		for (uint32_t i = 0; i < count; i++) {
			cursor->symbols[i] = load32(bytes + 4 * (size_t)i);
		}
	}
}

/* Whether every symbol is one of the block's, and none is an extra's when there are no extras. */
static bool symbols_known(const struct cursor *cursor, uint32_t count)
{
	uint32_t largest = 0, extras = 0;

	for (uint32_t i = 0; i < count; i++) {
		largest = cursor->symbols[i] > largest ? cursor->symbols[i] : largest;
		extras |= cursor->symbols[i] == SYMBOL_EXTRA;
	}
	return (largest < SYMBOL_SITE || largest - SYMBOL_SITE < cursor->site_count) &&
	       !(extras && cursor->bare);
}

/* Unpacks the next chunk. REEL_END after the last; there is then room on the stack for a chunk. */
static COLD int unpack(struct cursor *cursor)
{
	uint32_t left = cursor->info.event_count - cursor->unpacked;
	uint32_t count = left < CHUNK_EVENTS ? left : CHUNK_EVENTS;

	if (cursor->failed || count == 0) {
		return cursor->failed ? cursor->failed : REEL_END;
	}
	if (cursor_reserve_stack(cursor, CHUNK_EVENTS)) {
		return REEL_ENOMEM;
	}
	unpack_symbols(cursor, count);
	if (!tick_reader_unpack(&cursor->tick_reader, cursor->ticks, count) ||
		!symbols_known(cursor, count)) {
		cursor->failed = REEL_EDAMAGED;
		return REEL_EDAMAGED;
	}
	cursor->unpacked += count;
	cursor->next = 0;
	cursor->filled = count;
	return REEL_OK;
}

/* ---- events ---- */

static COLD int fail(struct cursor *cursor, int status)
{
	cursor->failed = status;
	cursor->next = cursor->filled = 0;
	cursor->unpacked = cursor->info.event_count;
	return status;
}

/* Gives an event the next words of a column. */
static int take_words(struct cursor *cursor, struct words_reader *words, struct event *event)
{
	uint64_t *values;

	if (words->count == 0) {
		return REEL_OK;
	}
	if (view_left(&words->bytes) < words->count) {
		return REEL_EDAMAGED;
	}
	values = buffer_scratch(&cursor->values, words->count, sizeof(*values));
	if (!values) {
		return REEL_ENOMEM;
	}
	for (uint32_t i = 0; i < words->count; i++) {
		words->previous[i] += unzigzag(view_varint(&words->bytes));
		values[i] = words->previous[i];
	}
	event->values = values;
	event->value_count = words->count;
	return words->bytes.failed ? REEL_EDAMAGED : REEL_OK;
}

/* Applies an extra to the open calls, and gives it what it takes from them. */
static int settle_extra(struct cursor *cursor, struct event *event, bool has_module)
{
	if (event->kind == EVENT_BEFORE) {
		struct cursor_site call = cursor_call_at(cursor, event->site);

		event->module = has_module ? event->module : call.module;
		call.module = event->module;
		call.function = event->function;
		call.column = cursor_find_column(cursor, call.function);
		cursor_push(cursor, &call);
	} else if (event->kind == EVENT_AFTER || event->kind == EVENT_ABORT) {
		const struct cursor_site *call;

		if (cursor->depth == 0) {
			return REEL_EDAMAGED;
		}
		call = &cursor->stack[--cursor->depth];
		event->function = call->function;
		event->module = has_module ? event->module : call->module;
	}
	return REEL_OK;
}

/* An event of a kind that is not known was passed over. */
#define EVENT_SKIPPED 2

/* The event of a SYMBOL_EXTRA. */
static COLD int next_extra(struct cursor *cursor, uint64_t ticks, struct event *event)
{
	struct byte_view fields = view_part(&cursor->extras, view_varint(&cursor->extras));
	struct event decoded = {.site = NO_ID,
		.function = NO_ID,
		.module = NO_ID,
		.error = NO_ID,
		.text = NO_ID,
		.ticks = ticks};
	bool has_module = false;
	int status = fields.failed ? REEL_EDAMAGED
				   : cursor_read_extra(cursor, &fields, &decoded, &has_module);

	if (status == REEL_END) {
		return EVENT_SKIPPED;
	}
	if (!status) {
		status = settle_extra(cursor, &decoded, has_module);
	}
	if (status) {
		return fail(cursor, status);
	}
	*event = decoded;
	return REEL_OK;
}

/* What a plain event has but for its words. */
static inline void set_plain(struct event *event, enum event_kind kind, uint64_t ticks,
	uint32_t site, uint32_t function, uint32_t module)
{
	event->kind = kind;
	event->repaired = REEL_REASON_NONE;
	event->ticks = ticks;
	event->site = site;
	event->function = function;
	event->module = module;
	event->values = NULL;
	event->value_count = 0;
	event->capture = NULL;
}

/* The event of a symbol that has no words. */
static inline int next_plain(
	struct cursor *cursor, uint32_t symbol, uint64_t ticks, struct event *event)
{
	if (symbol == SYMBOL_AFTER) {
		const struct cursor_site *call;

		if (__builtin_expect(cursor->depth == 0, 0)) {
			return fail(cursor, REEL_EDAMAGED);
		}
		call = &cursor->stack[--cursor->depth];
		set_plain(event, EVENT_AFTER, ticks, NO_ID, call->function, call->module);
	} else {
		const struct cursor_site *site = &cursor->sites[symbol - SYMBOL_SITE];

		cursor_push(cursor, site);
		set_plain(event, EVENT_BEFORE, ticks, site->site, site->function, site->module);
	}
	return REEL_OK;
}

/* The event of a symbol that may have words. */
static COLD int next_with_words(
	struct cursor *cursor, uint32_t symbol, uint64_t ticks, struct event *event)
{
	struct event decoded = *event;
	bool is_after = symbol == SYMBOL_AFTER;
	int status = next_plain(cursor, symbol, ticks, &decoded);
	uint32_t column;

	if (status) {
		return status;
	}
	column = cursor->stack[is_after ? cursor->depth : cursor->depth - 1].column;
	if (column) {
		struct words_reader *words = cursor->columns[column - 1].words;

		status = take_words(
			cursor, &words[is_after ? WORDS_RESULTS : WORDS_PARAMS], &decoded);
	}
	if (status) {
		return fail(cursor, status);
	}
	*event = decoded;
	return REEL_OK;
}

const struct cursor_site *cursor_sites(const struct cursor *cursor, uint32_t *count)
{
	*count = cursor->site_count;
	return cursor->sites;
}

/* The plain events from cursor->next on; their calls are kept, for an extra will need them. */
static uint32_t run_to_extra(struct cursor *cursor)
{
	uint32_t at = cursor->next;

	for (; at < cursor->filled && cursor->symbols[at] != SYMBOL_EXTRA; at++) {
		if (cursor->symbols[at] != SYMBOL_AFTER) {
			cursor_push(cursor, &cursor->sites[cursor->symbols[at] - SYMBOL_SITE]);
		} else if (cursor->depth) {
			cursor->depth--;
		} else {
			break; /* cursor_next() fails at it */
		}
	}
	return at - cursor->next;
}

uint32_t cursor_run(struct cursor *cursor, const uint32_t **symbols, const uint64_t **ticks)
{
	uint32_t count;

	if (cursor->has_values || (cursor->next == cursor->filled && unpack(cursor))) {
		return 0;
	}
	cursor->ran = true;
	count = cursor->bare ? cursor->filled - cursor->next : run_to_extra(cursor);
	*symbols = cursor->symbols + cursor->next;
	*ticks = cursor->ticks + cursor->next;
	cursor->next += count;
	return count;
}

int cursor_next(struct cursor *cursor, struct event *event)
{
	for (;;) {
		uint32_t symbol;
		uint64_t ticks;
		int status;

		if (__builtin_expect(cursor->next == cursor->filled, 0)) {
			status = unpack(cursor);
			if (status) {
				return status;
			}
			if (cursor->ran && cursor->bare) {
				return fail(cursor, REEL_EINVAL);
			}
		}
		symbol = cursor->symbols[cursor->next];
		ticks = cursor->ticks[cursor->next++];
		if (__builtin_expect(symbol == SYMBOL_EXTRA, 0)) {
			status = next_extra(cursor, ticks, event);
			if (status == EVENT_SKIPPED) {
				continue;
			}
			return status;
		}
		return __builtin_expect(cursor->has_values, 0)
			       ? next_with_words(cursor, symbol, ticks, event)
			       : next_plain(cursor, symbol, ticks, event);
	}
}
