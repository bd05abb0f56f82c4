/*
 * An event block in the making: see event_block.h. Values are encoded as they arrive; symbols and
 * ticks when the block is packed (event_pack.c).
 */
#include "event_block.h"

#include <stdlib.h>

#include <reel/status.h>

#include "event_pack.h"

void event_block_init(struct event_block *block)
{
	*block = (struct event_block){0};
}

static void value_column_deinit(struct value_column *column)
{
	for (unsigned kind = 0; kind < WORDS_KINDS; kind++) {
		free(column->words[kind].previous);
		buffer_deinit(&column->words[kind].bytes);
	}
}

void event_block_deinit(struct event_block *block)
{
	for (uint32_t i = 0; i < block->column_capacity; i++) {
		value_column_deinit(&block->columns[i]);
	}
	free(block->columns);
	free(block->column_of_function);
	free(block->symbols);
	free(block->ticks);
	buffer_deinit(&block->key_frame);
	buffer_deinit(&block->extras);
	buffer_deinit(&block->extra_kinds);
	buffer_deinit(&block->record);
	buffer_deinit(&block->named_sites);
	event_block_init(block);
}

static void value_column_reset(struct value_column *column)
{
	for (unsigned kind = 0; kind < WORDS_KINDS; kind++) {
		column->words[kind].known = false;
		column->words[kind].count = 0;
		column->words[kind].bytes.size = 0;
	}
}

int event_block_begin(struct event_block *block, uint32_t stream)
{
	for (uint32_t i = 0; i < block->column_count; i++) {
		block->column_of_function[block->columns[i].function] = 0;
		value_column_reset(&block->columns[i]);
	}
	block->stream = stream;
	block->column_count = 0;
	block->count = 0;
	block->before = block->after = block->abort = 0;
	block->repaired = block->undelivered = block->lost = 0;
	block->max_depth = block->key_frame_count = 0;
	block->producer_pos_begin = block->producer_pos_end = 0;
	block->key_frame.size = 0;
	block->extras.size = 0;
	block->extra_kinds.size = 0;
	block->named_sites.size = 0;
	block->value_bytes = 0;
	block->last_open = (struct key_frame_position){0};
	return REEL_OK;
}

int event_block_reserve(struct event_block *block, uint32_t count)
{
	uint32_t capacity = block->capacity ? block->capacity : 32;
	uint32_t *symbols;
	uint64_t *ticks;

	if (count <= block->capacity - block->count) {
		return REEL_OK;
	}
	if (count > EVENT_BLOCK_EVENTS_MAX - block->count) {
		return REEL_ELIMIT;
	}
	while (capacity - block->count < count) {
		capacity *= 2;
	}
	symbols = realloc(block->symbols, capacity * sizeof(*symbols));
	if (!symbols) {
		return REEL_ENOMEM;
	}
	block->symbols = symbols;
	ticks = realloc(block->ticks, capacity * sizeof(*ticks));
	if (!ticks) {
		return REEL_ENOMEM;
	}
	block->ticks = ticks;
	block->capacity = capacity;
	return REEL_OK;
}

static int put_words(struct byte_buffer *to, const uint64_t *words, uint32_t count)
{
	int status = buffer_varint(to, count);

	for (uint32_t i = 0; i < count && !status; i++) {
		status = buffer_varint(to, words[i]);
	}
	return status;
}

static int put_fields(struct byte_buffer *to, const uint64_t *fields, size_t count)
{
	int status = REEL_OK;

	for (size_t i = 0; i < count && !status; i++) {
		status = buffer_varint(to, fields[i]);
	}
	return status;
}

/* Ids with a last value that means "none" are stored plus one, that value being 0. */
static uint64_t id_field(uint32_t id)
{
	return (uint32_t)(id + 1);
}

int event_block_open(struct event_block *block, const struct activation *activation)
{
	struct key_frame_position *last = &block->last_open;
	const uint64_t fields[] = {id_field(activation->site), id_field(activation->module),
		zigzag((int64_t)(activation->ticks - last->ticks)),
		zigzag((int64_t)(activation->pc - last->pc)),
		zigzag((int64_t)(activation->offset - last->offset)), activation->call_depth};
	size_t size = block->key_frame.size;
	int status = put_fields(&block->key_frame, fields, sizeof(fields) / sizeof(fields[0]));

	if (!status) {
		status = put_words(&block->key_frame, activation->params, activation->param_count);
	}
	if (!status) {
		status = buffer_bytes(
			&block->named_sites, &activation->site, sizeof(activation->site));
	}
	if (status) {
		block->key_frame.size = size;
		return status;
	}
	*last = (struct key_frame_position){activation->ticks, activation->pc, activation->offset};
	block->key_frame_count++;
	return REEL_OK;
}

static int grow_column_map(struct event_block *block, uint32_t function)
{
	uint32_t count = block->column_of_function_count;
	uint32_t wanted = function < 32 ? 64 : function * 2;
	uint32_t *map;

	if (function < count) {
		return REEL_OK;
	}
	if (function >= UINT32_MAX / 2) {
		return REEL_EINVAL;
	}
	map = realloc(block->column_of_function, wanted * sizeof(*map));
	if (!map) {
		return REEL_ENOMEM;
	}
	memset(map + count, 0, (wanted - count) * sizeof(*map));
	block->column_of_function = map;
	block->column_of_function_count = wanted;
	return REEL_OK;
}

static int grow_columns(struct event_block *block)
{
	uint32_t capacity = block->column_capacity ? block->column_capacity * 2 : 4;
	struct value_column *columns;

	if (block->column_count < block->column_capacity) {
		return REEL_OK;
	}
	columns = realloc(block->columns, capacity * sizeof(*columns));
	if (!columns) {
		return REEL_ENOMEM;
	}
	memset(columns + block->column_capacity, 0,
		(capacity - block->column_capacity) * sizeof(*columns));
	block->columns = columns;
	block->column_capacity = capacity;
	return REEL_OK;
}

/* The column of a function, made when there is none yet. */
static int column_of(struct event_block *block, uint32_t function, struct value_column **column)
{
	int status = grow_column_map(block, function);

	if (!status && block->column_of_function[function] == 0) {
		status = grow_columns(block);
		if (!status) {
			block->columns[block->column_count].function = function;
			block->column_of_function[function] = ++block->column_count;
		}
	}
	if (!status) {
		*column = &block->columns[block->column_of_function[function] - 1];
	}
	return status;
}

/* Fixes how many words a function's events have, by the first of them. */
static int words_learn(struct value_words *words, uint32_t count)
{
	if (words->known) {
		return REEL_OK;
	}
	if (count > words->capacity) {
		uint64_t *previous = realloc(words->previous, count * sizeof(*previous));

		if (!previous) {
			return REEL_ENOMEM;
		}
		words->previous = previous;
		words->capacity = count;
	}
	if (count) {
		memset(words->previous, 0, count * sizeof(*words->previous));
	}
	words->count = count;
	words->known = true;
	return REEL_OK;
}

static int words_append(
	struct event_block *block, struct value_words *words, const uint64_t *values)
{
	size_t size = words->bytes.size;
	uint8_t *to;

	if (buffer_reserve(&words->bytes, (size_t)words->count * VARINT_MAX)) {
		return REEL_ENOMEM;
	}
	to = words->bytes.bytes + size;
	for (uint32_t i = 0; i < words->count; i++) {
		to = varint_put(to, zigzag((int64_t)(values[i] - words->previous[i])));
		words->previous[i] = values[i];
	}
	words->bytes.size = (size_t)(to - words->bytes.bytes);
	block->value_bytes += words->bytes.size - size;
	return REEL_OK;
}

/* Whether an event may stand as a bare symbol, but for its words. */
static bool is_plain(const struct event *event, uint32_t plain_module)
{
	return (event->kind == EVENT_BEFORE || event->kind == EVENT_AFTER) && !event->repaired &&
	       !event->capture && event->module == plain_module && event->function != NO_ID &&
	       (event->kind == EVENT_AFTER || event->site < UINT32_MAX - SYMBOL_SITE);
}

/* Appends a plain event; REEL_END when its words are not those of its function's other events. */
static int append_plain(struct event_block *block, const struct event *event)
{
	struct value_column *column = NULL;
	int status = column_of(block, event->function, &column);
	struct value_words *words;

	if (status) {
		return status;
	}
	words = &column->words[event->kind == EVENT_BEFORE ? WORDS_PARAMS : WORDS_RESULTS];
	status = words_learn(words, event->value_count);
	if (status) {
		return status;
	}
	if (words->count != event->value_count) {
		return REEL_END;
	}
	status = words_append(block, words, event->values);
	if (status) {
		return status;
	}
	if (event->kind == EVENT_BEFORE) {
		event_block_before(block, event->ticks, event->site);
	} else {
		event_block_after(block, event->ticks);
	}
	return REEL_OK;
}

static int put_capture(struct byte_buffer *to, const struct event_capture *capture)
{
	const uint64_t head[] = {
		capture->has_memory_size ? CAPTURE_MEMORY_SIZE : 0, capture->memory_size_bytes};
	int status = put_fields(to, head, capture->has_memory_size ? 2 : 1);

	if (!status) {
		status = buffer_varint(to, capture->global_count);
	}
	for (uint32_t i = 0; i < capture->global_count && !status; i++) {
		const struct event_global *global = &capture->globals[i];
		const uint64_t fields[] = {global->index, global->words[0], global->words[1]};

		status = put_fields(to, fields, 3);
	}
	if (!status) {
		status = buffer_varint(to, capture->read_count);
	}
	for (uint32_t i = 0; i < capture->read_count && !status; i++) {
		const struct event_read *read = &capture->reads[i];
		const uint64_t fields[] = {read->offset, read->length, id_field(read->blob)};

		status = put_fields(to, fields, 3);
	}
	return status;
}

/* The fields that only this kind of event has. */
static int put_kind_fields(struct byte_buffer *to, const struct event *event, unsigned flags)
{
	const uint64_t before[] = {id_field(event->site), id_field(event->function)};
	const uint64_t error[] = {
		event->error_kind, id_field(event->error), event->error_full_length};
	int status = REEL_OK;

	switch (event->kind) {
	case EVENT_AFTER:
	case EVENT_ABORT:
		break;
	case EVENT_BEFORE:
		status = put_fields(to, before, 2);
		break;
	case EVENT_UNDELIVERED_AFTER:
	case EVENT_UNDELIVERED_ABORT:
		status = buffer_varint(to, id_field(event->function));
		break;
	case EVENT_CALL_BEGIN:
	case EVENT_CALL_END:
		status = buffer_varint(to, id_field(event->text));
		break;
	case EVENT_GAP:
		status = buffer_varint(to, event->lost);
		break;
	}
	return !status && flags & EXTRA_ERROR ? put_fields(to, error, 3) : status;
}

static unsigned extra_flags(const struct event *event, uint32_t plain_module)
{
	bool is_abort = event->kind == EVENT_ABORT || event->kind == EVENT_UNDELIVERED_ABORT;
	bool has_module = event->kind <= EVENT_UNDELIVERED_ABORT;
	uint32_t usual = event->kind <= EVENT_BEFORE ? plain_module : NO_ID;

	return (has_module && event->module != usual ? EXTRA_MODULE : 0) |
	       (event->value_count ? EXTRA_VALUES : 0) | (event->capture ? EXTRA_CAPTURE : 0) |
	       (is_abort && (event->error_kind || event->error != NO_ID || event->error_full_length)
			       ? EXTRA_ERROR
			       : 0);
}

/* Encodes an event's details into block->record. */
static int put_extra(struct event_block *block, const struct event *event, uint32_t plain_module)
{
	struct byte_buffer *to = &block->record;
	unsigned flags = extra_flags(event, plain_module);
	const uint64_t head[] = {
		(uint64_t)event->kind, event->repaired, flags, id_field(event->module)};
	int status;

	to->size = 0;
	status = put_fields(to, head, flags & EXTRA_MODULE ? 4 : 3);
	if (!status) {
		status = put_kind_fields(to, event, flags);
	}
	if (!status && flags & EXTRA_VALUES) {
		status = put_words(to, event->values, event->value_count);
	}
	return !status && flags & EXTRA_CAPTURE ? put_capture(to, event->capture) : status;
}

static void count_extra(struct event_block *block, const struct event *event)
{
	switch (event->kind) {
	case EVENT_BEFORE:
		block->before++;
		break;
	case EVENT_AFTER:
		block->after++;
		break;
	case EVENT_ABORT:
		block->abort++;
		break;
	case EVENT_UNDELIVERED_AFTER:
	case EVENT_UNDELIVERED_ABORT:
		block->undelivered++;
		break;
	case EVENT_GAP:
		block->lost += event->lost;
		break;
	case EVENT_CALL_BEGIN:
	case EVENT_CALL_END:
		break;
	}
	block->repaired += event->repaired != REEL_REASON_NONE;
}

static int append_extra(struct event_block *block, const struct event *event, uint32_t plain_module)
{
	int status = put_extra(block, event, plain_module);

	if (!status) {
		status = buffer_reserve(&block->extras, VARINT_MAX + block->record.size);
	}
	if (!status) {
		status = buffer_reserve(&block->extra_kinds, 1);
	}
	if (!status && event->kind == EVENT_BEFORE) {
		status = buffer_bytes(&block->named_sites, &event->site, sizeof(event->site));
	}
	if (status) {
		return status;
	}
	buffer_byte(&block->extra_kinds, (uint8_t)event->kind);
	buffer_varint(&block->extras, block->record.size);
	buffer_bytes(&block->extras, block->record.bytes, block->record.size);
	block->symbols[block->count] = SYMBOL_EXTRA;
	block->ticks[block->count++] = event->ticks;
	count_extra(block, event);
	return REEL_OK;
}

int event_block_append(struct event_block *block, const struct event *event, uint32_t plain_module)
{
	int status = event_block_reserve(block, 1);

	if (status) {
		return status;
	}
	if (is_plain(event, plain_module)) {
		status = append_plain(block, event);
		if (status != REEL_END) {
			return status;
		}
	}
	return append_extra(block, event, plain_module);
}
