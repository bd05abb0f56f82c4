/*
 * Packing an event block: symbols and ticks become columns of few bytes, and all columns one
 * payload for the codec.
 */
#include "event_pack.h"

#include <stdlib.h>

#include <reel/status.h>

size_t event_summary_put(uint8_t *to, const struct event_block *block)
{
	uint64_t first = block->ticks[0];
	const uint64_t fields[] = {block->stream, block->count, first,
		block->ticks[block->count - 1] - first, block->before, block->after, block->abort,
		block->repaired, block->undelivered, block->lost, block->max_depth,
		block->producer_pos_begin, block->producer_pos_end - block->producer_pos_begin};
	uint8_t *end = to;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		end = varint_put(end, fields[i]);
	}
	return (size_t)(end - to);
}

bool event_summary_get(struct byte_view *view, struct event_block_info *info)
{
	info->stream = view_varint32(view);
	info->event_count = view_varint32(view);
	info->first_ticks = view_varint(view);
	info->last_ticks = info->first_ticks + view_varint(view);
	info->before = view_varint(view);
	info->after = view_varint(view);
	info->abort = view_varint(view);
	info->repaired = view_varint(view);
	info->undelivered = view_varint(view);
	info->lost = view_varint(view);
	info->max_depth = view_varint32(view);
	view_varint(view); /* producer positions are for recovery only */
	view_varint(view);
	return !view->failed && info->event_count <= EVENT_BLOCK_EVENTS_MAX &&
	       info->last_ticks >= info->first_ticks && info->before <= info->event_count &&
	       info->after <= info->event_count && info->abort <= info->event_count &&
	       info->repaired <= info->event_count && info->undelivered <= info->event_count;
}

void event_packer_deinit(struct event_packer *packer)
{
	for (size_t id = 0; id < COLUMN_COUNT; id++) {
		buffer_deinit(&packer->columns[id]);
	}
	tick_packer_deinit(&packer->ticks);
	free(packer->local_of_symbol);
	buffer_deinit(&packer->sites);
	*packer = (struct event_packer){0};
}

/* ---- symbols ---- */

/* How an extra changes the depth. */
static int32_t extra_step(uint8_t kind)
{
	return kind == EVENT_BEFORE ? 1 : kind == EVENT_AFTER || kind == EVENT_ABORT ? -1 : 0;
}

/* Counts the plain events and finds the greatest depth. Returns the largest symbol. */
static uint32_t count_symbols(struct event_block *block)
{
	const uint32_t *symbols = block->symbols;
	const uint8_t *kinds = block->extra_kinds.bytes;
	int32_t depth = (int32_t)block->key_frame_count, max_depth = depth;
	uint32_t before = 0, extra = 0, largest = 0;

	for (uint32_t i = 0; i < block->count; i++) {
		uint32_t symbol = symbols[i];
		uint32_t is_before = symbol >= SYMBOL_SITE;

		largest = symbol > largest ? symbol : largest;
		before += is_before;
		depth += (int32_t)(2 * is_before) - 1; /* a branch would often be mispredicted */
		if (__builtin_expect(symbol == SYMBOL_EXTRA, 0)) {
			depth += 1 + extra_step(kinds[extra++]);
		}
		max_depth = depth > max_depth ? depth : max_depth;
	}
	block->before += before;
	block->after += block->count - before - extra;
	block->max_depth = (uint32_t)max_depth;
	return largest;
}

/* Makes room to number symbols below `limit`, the first two being themselves. */
static int reserve_locals(struct event_packer *packer, uint64_t limit)
{
	uint32_t *locals;
	uint64_t capacity = limit + limit / 2;

	if (limit <= packer->local_capacity) {
		return REEL_OK;
	}
	locals = capacity > UINT32_MAX
			 ? NULL
			 : realloc(packer->local_of_symbol, capacity * sizeof(*locals));
	if (!locals) {
		return REEL_ENOMEM;
	}
	memset(locals + packer->local_capacity, 0,
		(capacity - packer->local_capacity) * sizeof(*locals));
	locals[SYMBOL_AFTER] = SYMBOL_AFTER + 1;
	locals[SYMBOL_EXTRA] = SYMBOL_EXTRA + 1;
	packer->local_of_symbol = locals;
	packer->local_capacity = (uint32_t)capacity;
	return REEL_OK;
}

static uint32_t local_count(const struct event_packer *packer)
{
	return (uint32_t)(packer->sites.size / sizeof(uint32_t));
}

/* Numbers a site that the block has not named before. There is room: at most as many sites are
 * named as the block has events and named sites. */
static uint32_t number_site(struct event_packer *packer, uint32_t symbol)
{
	uint32_t site = symbol - SYMBOL_SITE;
	uint32_t local = SYMBOL_SITE + local_count(packer);

	buffer_bytes(&packer->sites, &site, sizeof(site));
	packer->local_of_symbol[symbol] = local + 1;
	return local + 1;
}

/* Writes the block's symbols with `width` bytes each; false when one needs more. */
static inline __attribute__((always_inline)) bool put_symbols(
	struct event_packer *packer, const struct event_block *block, uint8_t *to, unsigned width)
{
	const uint32_t *locals = packer->local_of_symbol;

	for (size_t i = 0; i < block->count; i++) {
		uint32_t local = locals[block->symbols[i]];

		if (__builtin_expect(local == 0, 0)) {
			local = number_site(packer, block->symbols[i]);
			if (width < 4 && local - 1 >= 1u << 8 * width) {
				return false;
			}
		}
		local--;
		if (width == 1) {
			to[i] = (uint8_t)local;
		} else if (width == 2) {
			store16(to + 2 * i, (uint16_t)local);
		} else {
			store32(to + 4 * i, local);
		}
	}
	return true;
}

/* Symbols of one width, the narrowest that holds them all. */
static int pack_symbols(
	struct event_packer *packer, const struct event_block *block, struct byte_buffer *to)
{
	unsigned width = 1;
	uint8_t *head;

	if (buffer_reserve(to, 1 + (size_t)block->count * 4) ||
		buffer_reserve(&packer->sites,
			block->count * sizeof(uint32_t) + block->named_sites.size)) {
		return REEL_ENOMEM;
	}
	head = to->bytes + to->size;
	if (!put_symbols(packer, block, head + 1, 1)) {
		width = put_symbols(packer, block, head + 1, 2) ? 2 : 4;
	}
	if (width == 4) {
		put_symbols(packer, block, head + 1, 4);
	}
	*head = (uint8_t)width;
	to->size += 1 + (size_t)block->count * width;
	return REEL_OK;
}

/* Numbers the sites of the key frame and of extras too: their functions are in the column. */
static void number_named_sites(
	struct event_packer *packer, const struct event_block *block, uint32_t site_count)
{
	const uint32_t *named = (const uint32_t *)(const void *)block->named_sites.bytes;

	for (size_t i = 0; i < block->named_sites.size / sizeof(*named); i++) {
		if (named[i] < site_count && !packer->local_of_symbol[SYMBOL_SITE + named[i]]) {
			number_site(packer, SYMBOL_SITE + named[i]);
		}
	}
}

/* Writes which sites the numbers are, and forgets the numbers. */
static int pack_sites(
	struct event_packer *packer, const struct site *const *sites, struct byte_buffer *to)
{
	const uint32_t *locals = (const uint32_t *)(const void *)packer->sites.bytes;
	uint32_t count = local_count(packer), previous = 0;
	uint8_t *next;

	for (uint32_t i = 0; i < count; i++) {
		packer->local_of_symbol[SYMBOL_SITE + locals[i]] = 0;
	}
	if (buffer_reserve(to, VARINT_MAX + (size_t)count * 3 * VARINT_MAX)) {
		return REEL_ENOMEM;
	}
	next = varint_put(to->bytes + to->size, count);
	for (uint32_t i = 0; i < count; i++) {
		const struct site *site = sites[locals[i]];

		next = varint_put(next, zigzag((int64_t)locals[i] - previous));
		next = varint_put(next, (uint32_t)(site->function + 1));
		next = varint_put(next, (uint32_t)(site->module + 1));
		previous = locals[i];
	}
	to->size = (size_t)(next - to->bytes);
	return REEL_OK;
}

/* ---- the other columns ---- */

static int pack_column(struct byte_buffer *to, const struct value_column *column)
{
	const struct value_words *params = &column->words[WORDS_PARAMS];
	const struct value_words *results = &column->words[WORDS_RESULTS];
	const uint64_t head[] = {column->function, params->count, results->count,
		params->bytes.size, results->bytes.size};
	int status = REEL_OK;

	if (!params->count && !results->count) {
		return REEL_OK;
	}
	for (size_t i = 0; i < sizeof(head) / sizeof(head[0]) && !status; i++) {
		status = buffer_varint(to, head[i]);
	}
	if (!status) {
		status = buffer_bytes(to, params->bytes.bytes, params->bytes.size);
	}
	return status ? status : buffer_bytes(to, results->bytes.bytes, results->bytes.size);
}

static int pack_values(const struct event_block *block, struct byte_buffer *to)
{
	int status = REEL_OK;

	for (uint32_t i = 0; i < block->column_count && !status; i++) {
		status = pack_column(to, &block->columns[i]);
	}
	return status;
}

static int pack_key_frame(const struct event_block *block, struct byte_buffer *to)
{
	int status = REEL_OK;

	if (block->key_frame_count) {
		status = buffer_varint(to, block->key_frame_count);
	}
	return status ? status : buffer_bytes(to, block->key_frame.bytes, block->key_frame.size);
}

/* A column of at least so many bytes is compressed as a part of its own. */
#define LARGE_COLUMN 1024u

/* Puts the directory and then the columns that have anything in them. */
static int put_columns(struct event_packer *packer, struct byte_buffer *raw)
{
	const struct byte_buffer *columns = packer->columns;
	bool was_large = false;
	uint32_t count = 0;
	int status;

	packer->cut_count = 0;
	for (size_t id = 0; id < COLUMN_COUNT; id++) {
		count += columns[id].size != 0;
	}
	status = buffer_varint(raw, count);
	for (size_t id = 0; id < COLUMN_COUNT && !status; id++) {
		if (columns[id].size) {
			status = buffer_varint(raw, id);
			status = status ? status : buffer_varint(raw, columns[id].size);
		}
	}
	for (size_t id = 0; id < COLUMN_COUNT && !status; id++) {
		bool is_large = columns[id].size >= LARGE_COLUMN;

		if (is_large || was_large) {
			packer->cuts[packer->cut_count++] = raw->size;
		}
		was_large = is_large;
		status = buffer_bytes(raw, columns[id].bytes, columns[id].size);
	}
	return status;
}

int event_block_pack(struct event_packer *packer, struct event_block *block,
	const struct site *const *sites, uint32_t site_count, struct byte_buffer *raw)
{
	struct byte_buffer *columns = packer->columns;
	uint64_t symbol_limit = (uint64_t)SYMBOL_SITE + site_count;
	int status;

	for (size_t id = 0; id < COLUMN_COUNT; id++) {
		columns[id].size = 0;
	}
	packer->sites.size = 0;
	if (count_symbols(block) >= symbol_limit) {
		return REEL_EINVAL;
	}
	status = reserve_locals(packer, symbol_limit);
	if (!status) {
		status = pack_symbols(packer, block, &columns[COLUMN_SYMBOLS]);
	}
	if (status) {
		return status;
	}
	number_named_sites(packer, block, site_count);
	status = pack_sites(packer, sites, &columns[COLUMN_SITES]);
	if (!status) {
		status = tick_column_pack(&packer->ticks, block->ticks, block->count,
			&columns[COLUMN_TICKS], &columns[COLUMN_LONG_STEPS]);
	}
	if (!status) {
		status = pack_key_frame(block, &columns[COLUMN_KEY_FRAME]);
	}
	if (!status) {
		status = buffer_bytes(
			&columns[COLUMN_EXTRAS], block->extras.bytes, block->extras.size);
	}
	if (!status) {
		status = pack_values(block, &columns[COLUMN_VALUES]);
	}
	return status ? status : put_columns(packer, raw);
}
