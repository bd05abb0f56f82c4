/*
 * The cursor: the events of one block after another.
 *
 * Symbols and ticks are unpacked a chunk at a time, in loops without branches, into two small
 * arrays; an event without details is then a look-up of its site and a push or a pop. The open
 * activations are kept as function and module, so that an exit needs no definition.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "event_pack.h"
#include "trace_file.h"

#define CHUNK_EVENTS TICK_CHUNK

/* Kept out of line, so that the way of a plain event saves no registers for it. */
#define COLD __attribute__((noinline))

/* The words of one function's plain events in the block. */
struct words_reader {
	uint32_t count;
	struct byte_view bytes;
	uint64_t *previous; /* in cursor->previous_words */
};

struct column_reader {
	uint32_t function;
	struct words_reader words[WORDS_KINDS];
};

struct cursor {
	/* Hot. */
	uint32_t next, filled; /* in the chunk */
	uint32_t depth;
	bool has_values;
	bool bare; /* neither extras nor values: the stack is not needed */
	bool ran;  /* by cursor_run(): a bare block's stack is not kept */
	struct cursor_site *stack;
	struct cursor_site *sites; /* of the block, by number */
	uint32_t symbols[CHUNK_EVENTS];
	uint64_t ticks[CHUNK_EVENTS];

	/* The block. */
	struct reel_trace *trace;
	struct block_reader reader;
	struct event_block_info info;
	uint32_t unpacked; /* events that went into chunks */
	const uint8_t *symbol_bytes;
	uint8_t symbol_width;
	struct tick_reader tick_reader;
	struct byte_view extras;
	int failed; /* sticky status */

	/* Memory that is kept from block to block. */
	uint32_t stack_capacity;
	uint32_t site_count, site_capacity;
	struct activation *key_frame;
	uint32_t key_frame_count, key_frame_capacity;
	struct byte_buffer key_words; /* parameters of the key frame, uint64_t each */
	struct column_reader *columns;
	uint32_t column_count, column_capacity;
	struct byte_buffer previous_words;
	struct byte_buffer values; /* words of the event given last */
	struct event_capture capture;
	struct byte_buffer globals, reads;
};

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

static uint32_t decode_id(struct byte_view *view)
{
	return view_varint32(view) - 1;
}

/* Room for `count` items in a buffer that is overwritten; not NULL when there are none. */
static void *scratch(struct byte_buffer *buffer, size_t count, size_t size)
{
	buffer->size = 0;
	return buffer_reserve(buffer, count * size + 1) ? NULL : buffer->bytes;
}

/* ---- loading a block ---- */

static int reserve_stack(struct cursor *cursor, uint32_t more)
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
		cursor->sites[i].function = decode_id(&view);
		cursor->sites[i].module = decode_id(&view);
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
	uint64_t *words = scratch(&cursor->previous_words, count, sizeof(*words));

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

/* The number, plus 1, of the function's column; 0: there is none. Columns are sorted. */
static uint32_t find_column(const struct cursor *cursor, uint32_t function)
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

		call->column = find_column(cursor, call->function);
	}
	return place_previous_words(cursor, previous_count);
}

/* What is known of a site that the block names by its id: by its definition, or, when that is
 * lost, by the block. */
static struct cursor_site call_at(const struct cursor *cursor, uint32_t id)
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
	call.column = find_column(cursor, call.function);
	return call;
}

/* Opens a call. There is room. */
static inline void push(struct cursor *cursor, const struct cursor_site *call)
{
	cursor->stack[cursor->depth++] = *call;
}

static int load_activation(struct cursor *cursor, struct byte_view *view,
	const struct activation *below, struct activation *call)
{
	uint64_t call_depth;

	call->site = decode_id(view);
	call->module = decode_id(view);
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
		status = reserve_stack(cursor, count);
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
		open = call_at(cursor, call->site);
		open.module = call->module;
		push(cursor, &open);
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

/* Whether every symbol is one of the block's. */
static bool symbols_known(const struct cursor *cursor, uint32_t count)
{
	uint32_t largest = 0;

	for (uint32_t i = 0; i < count; i++) {
		largest = cursor->symbols[i] > largest ? cursor->symbols[i] : largest;
	}
	return largest < SYMBOL_SITE || largest - SYMBOL_SITE < cursor->site_count;
}

/* Unpacks the next chunk. REEL_END after the last; there is then room on the stack for a chunk. */
static COLD int unpack(struct cursor *cursor)
{
	uint32_t left = cursor->info.event_count - cursor->unpacked;
	uint32_t count = left < CHUNK_EVENTS ? left : CHUNK_EVENTS;

	if (cursor->failed || count == 0) {
		return cursor->failed ? cursor->failed : REEL_END;
	}
	if (reserve_stack(cursor, CHUNK_EVENTS)) {
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
	values = scratch(&cursor->values, words->count, sizeof(*values));
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

static uint64_t *take_varints(struct byte_view *view, uint32_t count, struct byte_buffer *to)
{
	uint64_t *words = scratch(to, count, sizeof(*words));

	for (uint32_t i = 0; i < count && words; i++) {
		words[i] = view_varint(view);
	}
	return words;
}

static int read_globals(struct cursor *cursor, struct byte_view *view)
{
	uint32_t count = view_count(view, 3);
	struct event_global *globals = scratch(&cursor->globals, count, sizeof(*globals));

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
	struct event_read *reads = scratch(&cursor->reads, count, sizeof(*reads));

	if (!reads) {
		return REEL_ENOMEM;
	}
	for (uint32_t i = 0; i < count; i++) {
		reads[i].offset = view_varint(view);
		reads[i].length = view_varint(view);
		reads[i].blob = decode_id(view);
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
		event->site = decode_id(view);
		event->function = decode_id(view);
		break;
	case EVENT_UNDELIVERED_AFTER:
	case EVENT_UNDELIVERED_ABORT:
		event->function = decode_id(view);
		break;
	case EVENT_CALL_BEGIN:
	case EVENT_CALL_END:
		event->text = decode_id(view);
		break;
	case EVENT_GAP:
		event->lost = view_varint(view);
		break;
	}
	if (flags & EXTRA_ERROR) {
		event->error_kind = (enum reel_abort_kind)view_varint32(view);
		event->error = decode_id(view);
		event->error_full_length = view_varint(view);
	}
	if (event->error_kind > REEL_ABORT_REPAIRED) {
		view_fail(view);
	}
}

/* Decodes an extra's fields. REEL_END for a kind that a newer minor version has. */
static int read_extra(
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
	event->module = *has_module ? decode_id(view) : NO_ID;
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

/* Applies an extra to the open calls, and gives it what it takes from them. */
static int settle_extra(struct cursor *cursor, struct event *event, bool has_module)
{
	if (event->kind == EVENT_BEFORE) {
		struct cursor_site call = call_at(cursor, event->site);

		event->module = has_module ? event->module : call.module;
		call.module = event->module;
		call.function = event->function;
		call.column = find_column(cursor, call.function);
		push(cursor, &call);
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
	int status =
		fields.failed ? REEL_EDAMAGED : read_extra(cursor, &fields, &decoded, &has_module);

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

		push(cursor, site);
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
			push(cursor, &cursor->sites[cursor->symbols[at] - SYMBOL_SITE]);
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
