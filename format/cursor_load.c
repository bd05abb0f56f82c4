/*
 * Loading an event block into a cursor: its bytes are read and checked, its columns found, and what
 * is not read event by event (sites, where values are, the key frame) is decoded.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cursor_state.h"

int cursor_reserve_stack(struct cursor *cursor, uint32_t more)
{
	uint64_t wanted = (uint64_t)cursor->depth + more;
	struct cursor_site *stack;

	if (wanted <= cursor->stack_capacity) {
		return REEL_OK;
	}
	wanted += wanted / 2;
	stack = wanted > UINT32_MAX ? NULL : realloc(cursor->stack, wanted * sizeof(*stack));
	if (!stack) {
		return REEL_ENOMEM;
	}
	cursor->stack = stack;
	cursor->stack_capacity = (uint32_t)wanted;
	return REEL_OK;
}

static int load_symbols(struct cursor *cursor, struct byte_view column)
{
	uint8_t width = view_byte(&column);

	if ((width != 1 && width != 2 && width != 4) ||
		view_left(&column) != (uint64_t)cursor->info.event_count * width) {
		return REEL_EDAMAGED;
	}
	cursor->symbol_width = width;
	cursor->symbol_bytes = column.next;
	return REEL_OK;
}

static int load_sites(struct cursor *cursor, struct byte_view view)
{
	uint32_t count = view_left(&view) ? view_count(&view, 3) : 0;
	uint64_t site = 0;

	if (count > cursor->site_capacity) {
		struct cursor_site *sites = realloc(cursor->sites, count * sizeof(*sites));

		if (!sites) {
			return REEL_ENOMEM;
		}
		cursor->sites = sites;
		cursor->site_capacity = count;
	}
	for (uint32_t i = 0; i < count; i++) {
		site += unzigzag(view_varint(&view));
		cursor->sites[i].site = site < NO_ID ? (uint32_t)site : NO_ID;
		cursor->sites[i].function = view_id(&view);
		cursor->sites[i].module = view_id(&view);
		cursor->sites[i].column = 0;
	}
	cursor->site_count = count;
	return view.failed ? REEL_EDAMAGED : REEL_OK;
}

/* A column of values: its function and where its words are. */
static int load_column(struct byte_view *view, struct column_reader *column, size_t *previous_count)
{
	uint64_t sizes[WORDS_KINDS];

	column->function = view_varint32(view);
	for (unsigned kind = 0; kind < WORDS_KINDS; kind++) {
		column->words[kind].count = view_varint32(view);
	}
	for (unsigned kind = 0; kind < WORDS_KINDS; kind++) {
		sizes[kind] = view_varint(view);
	}
	for (unsigned kind = 0; kind < WORDS_KINDS; kind++) {
		/* A word takes a byte at least: what has more words than bytes has no event. */
		column->words[kind].bytes = view_part(view, sizes[kind]);
		if (column->words[kind].count > sizes[kind]) {
			column->words[kind].bytes = view_of(NULL, 0);
		} else {
			*previous_count += column->words[kind].count;
		}
	}
	return view->failed ? REEL_EDAMAGED : REEL_OK;
}

static struct column_reader *add_column(struct cursor *cursor)
{
	if (cursor->column_count == cursor->column_capacity) {
		uint32_t capacity = cursor->column_capacity ? cursor->column_capacity * 2 : 16;
		struct column_reader *columns =
			realloc(cursor->columns, capacity * sizeof(*columns));

		if (!columns) {
			return NULL;
		}
		cursor->columns = columns;
		cursor->column_capacity = capacity;
	}
	return &cursor->columns[cursor->column_count];
}

/* Gives each column its words of the event before, all 0 at first. */
static int place_previous_words(struct cursor *cursor, size_t count)
{
	uint64_t *words = buffer_scratch(&cursor->previous_words, count, sizeof(*words));

	if (!words) {
		return REEL_ENOMEM;
	}
	memset(words, 0, count * sizeof(*words));
	for (uint32_t i = 0; i < cursor->column_count; i++) {
		for (unsigned kind = 0; kind < WORDS_KINDS; kind++) {
			struct words_reader *reader = &cursor->columns[i].words[kind];

			reader->previous = words;
			words += reader->bytes.next ? reader->count : 0;
		}
	}
	return REEL_OK;
}

static int by_function(const void *a, const void *b)
{
	uint32_t left = ((const struct column_reader *)a)->function;
	uint32_t right = ((const struct column_reader *)b)->function;

	return (left > right) - (left < right);
}

uint32_t cursor_find_column(const struct cursor *cursor, uint32_t function)
{
	uint32_t first = 0, last = cursor->column_count;

	while (first < last) {
		uint32_t middle = first + (last - first) / 2;

		if (cursor->columns[middle].function == function) {
			return middle + 1;
		}
		if (cursor->columns[middle].function < function) {
			first = middle + 1;
		} else {
			last = middle;
		}
	}
	return 0;
}

static int load_values(struct cursor *cursor, struct byte_view view)
{
	size_t previous_count = 0;

	while (view_left(&view)) {
		struct column_reader *column = add_column(cursor);
		int status = column ? load_column(&view, column, &previous_count) : REEL_ENOMEM;

		if (status) {
			return status;
		}
		cursor->column_count++;
	}
	cursor->has_values = cursor->column_count != 0;
	if (!cursor->has_values) {
		return REEL_OK;
	}
	qsort(cursor->columns, cursor->column_count, sizeof(*cursor->columns), by_function);
	for (uint32_t i = 0; i < cursor->site_count; i++) {
		struct cursor_site *call = &cursor->sites[i];

		call->column = cursor_find_column(cursor, call->function);
	}
	return place_previous_words(cursor, previous_count);
}

struct cursor_site cursor_call_at(const struct cursor *cursor, uint32_t id)
{
	const struct site *site = trace_site(cursor->trace, id);
	struct cursor_site call = {id, NO_ID, NO_ID, 0};

	if (site) {
		call.function = site->function;
		call.module = site->module;
	}
	for (uint32_t i = 0; i < cursor->site_count && !site; i++) {
		if (cursor->sites[i].site == id) {
			call = cursor->sites[i];
			break;
		}
	}
	call.column = cursor_find_column(cursor, call.function);
	return call;
}

static int load_activation(struct cursor *cursor, struct byte_view *view,
	const struct activation *below, struct activation *call)
{
	uint64_t call_depth;

	call->site = view_id(view);
	call->module = view_id(view);
	call->ticks = below->ticks + unzigzag(view_varint(view));
	call->pc = below->pc + unzigzag(view_varint(view));
	call->offset = below->offset + unzigzag(view_varint(view));
	call_depth = view_varint(view);
	call->call_depth = (uint32_t)(call_depth < UINT32_MAX ? call_depth : UINT32_MAX);
	call->param_count = view_count(view, 1);
	call->params = NULL; /* until all words are there */
	if (buffer_reserve(&cursor->key_words, call->param_count * sizeof(uint64_t))) {
		return REEL_ENOMEM;
	}
	for (uint32_t i = 0; i < call->param_count; i++) {
		uint64_t word = view_varint(view);

		buffer_bytes(&cursor->key_words, &word, sizeof(word));
	}
	return view->failed ? REEL_EDAMAGED : REEL_OK;
}

static int reserve_key_frame(struct cursor *cursor, uint32_t count)
{
	struct activation *calls;

	if (count <= cursor->key_frame_capacity) {
		return REEL_OK;
	}
	calls = realloc(cursor->key_frame, count * sizeof(*calls));
	if (!calls) {
		return REEL_ENOMEM;
	}
	cursor->key_frame = calls;
	cursor->key_frame_capacity = count;
	return REEL_OK;
}

/* The key frame's calls become the open ones. Values come first: they tell the columns. */
static int load_key_frame(struct cursor *cursor, struct byte_view view)
{
	const struct activation bottom = {0};
	const uint64_t *words;
	uint32_t count = view_count(&view, 7);
	int status = view.failed ? REEL_EDAMAGED : reserve_key_frame(cursor, count);

	if (!status) {
		status = cursor_reserve_stack(cursor, count);
	}
	for (uint32_t i = 0; i < count && !status; i++) {
		status = load_activation(cursor, &view, i ? &cursor->key_frame[i - 1] : &bottom,
			&cursor->key_frame[i]);
	}
	if (status) {
		return status;
	}
	words = (const uint64_t *)(const void *)cursor->key_words.bytes;
	for (uint32_t i = 0; i < count; i++) {
		struct activation *call = &cursor->key_frame[i];
		struct cursor_site open;

		if (call->param_count) {
			call->params = words;
			words += call->param_count;
		}
		open = cursor_call_at(cursor, call->site);
		open.module = call->module;
		cursor_push(cursor, &open);
	}
	cursor->key_frame_count = count;
	return REEL_OK;
}

/* Reads the directory: the columns by id, those that are not there or not known left out. */
static int read_directory(const struct cursor *cursor, struct byte_view *columns)
{
	struct byte_view view = view_of(cursor->reader.raw.bytes, cursor->reader.raw.size);
	uint32_t count = view_count(&view, 2);
	struct byte_view directory = view;

	for (uint32_t i = 0; i < 2 * count; i++) {
		view_varint(&view);
	}
	for (uint32_t i = 0; i < count; i++) {
		uint64_t id = view_varint(&directory);
		struct byte_view column = view_part(&view, view_varint(&directory));

		if (id < COLUMN_COUNT) {
			columns[id] = column;
		}
	}
	return view.failed || directory.failed || view_left(&view) ? REEL_EDAMAGED : REEL_OK;
}

static int load_columns(struct cursor *cursor)
{
	struct byte_view columns[COLUMN_COUNT] = {0};
	int status = read_directory(cursor, columns);

	if (!status) {
		status = load_symbols(cursor, columns[COLUMN_SYMBOLS]);
	}
	if (!status) {
		status = tick_reader_init(&cursor->tick_reader, columns[COLUMN_TICKS],
			columns[COLUMN_LONG_STEPS], cursor->info.event_count,
			cursor->info.first_ticks);
	}
	if (!status) {
		status = load_sites(cursor, columns[COLUMN_SITES]);
	}
	cursor->extras = columns[COLUMN_EXTRAS];
	if (!status) {
		status = load_values(cursor, columns[COLUMN_VALUES]);
	}
	cursor->bare = !view_left(&cursor->extras) && !cursor->has_values;
	if (!status && view_left(&columns[COLUMN_KEY_FRAME])) {
		status = load_key_frame(cursor, columns[COLUMN_KEY_FRAME]);
	}
	return status;
}

static void forget_block(struct cursor *cursor)
{
	cursor->column_count = 0;
	cursor->site_count = 0;
	cursor->next = cursor->filled = cursor->unpacked = 0;
	cursor->depth = 0;
	cursor->has_values = false;
	cursor->bare = cursor->ran = false;
	cursor->key_frame_count = 0;
	cursor->key_words.size = 0;
	cursor->info.event_count = 0;
	cursor->failed = REEL_OK;
}

/* The summary that counts is the one in front of the payload, not the index's copy. */
static int read_summary(struct cursor *cursor)
{
	struct byte_view summary =
		view_of(cursor->reader.summary, cursor->reader.header.summary_size);

	if (!event_summary_get(&summary, &cursor->info)) {
		cursor->info.event_count = 0;
		return REEL_EDAMAGED;
	}
	return REEL_OK;
}

int cursor_load(struct cursor *cursor, uint32_t index, struct reel_error *error)
{
	const struct event_block_info *info = trace_event_block(cursor->trace, index);
	int status;

	forget_block(cursor);
	cursor->failed = REEL_EDAMAGED;
	if (!info) {
		return reel_fail(error, REEL_EINVAL, "%s: there is no event block %" PRIu32,
			cursor->trace->path, index);
	}
	status = block_read(cursor->trace, &cursor->reader, info->offset, BLOCK_EVENTS, error);
	if (status) {
		return status;
	}
	status = read_summary(cursor);
	if (!status) {
		status = load_columns(cursor);
	}
	cursor->failed = status;
	if (status) {
		return reel_fail(error, status, "%s: block %" PRIu32 " at byte %" PRIu64 ": %s",
			cursor->trace->path, cursor->reader.header.number, info->offset,
			status == REEL_ENOMEM ? "out of memory" : "its columns make no sense");
	}
	return REEL_OK;
}
