/*
 * Packing an event block: symbols and ticks become columns of few bytes, and all columns one
 * payload for the codec.
 *
 * Ticks are stored as differences divided by their greatest common divisor (a time stamp counter
 * often counts in steps), in one or two planes of bytes: the low bytes of all differences, then
 * their high bytes. Planes decode without a branch per event and compress well; the few
 * differences that do not fit are marked by all bits set and stand in a column of their own.
 */
#include "event_pack.h"

#include <reel/status.h>

static uint64_t latest_ticks(const struct event_block *block)
{
	uint64_t latest = 0;

	for (uint32_t i = 0; i < block->count; i++) {
		latest = block->ticks[i] > latest ? block->ticks[i] : latest;
	}
	return latest;
}

size_t event_summary_put(uint8_t *to, const struct event_block *block)
{
	uint64_t first = block->count ? block->ticks[0] : 0;
	uint64_t last = latest_ticks(block);
	const uint64_t fields[] = {block->stream, block->count, first, last - first, block->before,
		block->after, block->abort, block->repaired, block->undelivered, block->lost,
		block->max_depth, block->producer_pos_begin,
		block->producer_pos_end - block->producer_pos_begin};
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

static uint32_t largest_symbol(const struct event_block *block)
{
	uint32_t largest = 0;

	for (uint32_t i = 0; i < block->count; i++) {
		largest = block->symbols[i] > largest ? block->symbols[i] : largest;
	}
	return largest;
}

/* Symbols of one width, the narrowest that holds the largest. */
static int pack_symbols(const struct event_block *block, uint32_t largest, struct byte_buffer *to)
{
	uint8_t width = largest <= UINT8_MAX ? 1 : largest <= UINT16_MAX ? 2 : 4;
	uint8_t *bytes;

	if (buffer_reserve(to, 1 + (size_t)block->count * width)) {
		return REEL_ENOMEM;
	}
	buffer_byte(to, width);
	bytes = to->bytes + to->size;
	if (width == 1) {
		for (uint32_t i = 0; i < block->count; i++) {
			bytes[i] = (uint8_t)block->symbols[i];
		}
	} else if (width == 2) {
		for (uint32_t i = 0; i < block->count; i++) {
			store16(bytes + 2 * (size_t)i, (uint16_t)block->symbols[i]);
		}
	} else {
		for (uint32_t i = 0; i < block->count; i++) {
			store32(bytes + 4 * (size_t)i, block->symbols[i]);
		}
	}
	to->size += (size_t)block->count * width;
	return REEL_OK;
}

/* A divisor as a multiplication: x * inverse, rotated by `shift`, is x / divisor when that is
 * whole, and larger than `most` when it is not. */
struct exact_divisor {
	uint64_t divisor, inverse, most;
	unsigned shift;
};

static struct exact_divisor exact_divisor(uint64_t divisor)
{
	struct exact_divisor d = {.divisor = divisor, .most = UINT64_MAX / divisor};
	uint64_t odd;

	d.shift = (unsigned)__builtin_ctzll(divisor);
	odd = divisor >> d.shift;
	d.inverse = odd; /* Newton: right to 3 bits, then 6, 12, 24, 48, 96 */
	for (int i = 0; i < 5; i++) {
		d.inverse *= 2 - odd * d.inverse;
	}
	return d;
}

static inline uint64_t exact_quotient(const struct exact_divisor *d, uint64_t value)
{
	uint64_t product = value * d->inverse;

	return product >> d->shift | product << (-d->shift & 63);
}

static uint64_t gcd(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* Makes differences out of ticks, in place, the first being 0. Ticks that run backwards, which
 * the block's owner does not give, count as no step. Returns the first that is not 0, or 1. */
static uint64_t difference(uint64_t *ticks, uint32_t count)
{
	uint64_t previous = count ? ticks[0] : 0;
	uint64_t first = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t now = ticks[i] > previous ? ticks[i] : previous;

		ticks[i] = now - previous;
		previous = now;
		first = first ? first : ticks[i];
	}
	return first ? first : 1;
}

/* The greatest common divisor of all differences, `divisor` being one of them. */
static struct exact_divisor common_divisor(const uint64_t *ticks, uint32_t count, uint64_t divisor)
{
	struct exact_divisor d = exact_divisor(divisor);

	for (uint32_t i = 0; i < count && d.divisor > 1; i++) {
		if (exact_quotient(&d, ticks[i]) > d.most) {
			d = exact_divisor(gcd(d.divisor, ticks[i]));
		}
	}
	return d;
}

/* Planes for the differences: one while few need more than a byte, else two. */
static uint8_t tick_planes(const uint64_t *ticks, uint32_t count)
{
	uint32_t large = 0, any = 0;

	for (uint32_t i = 0; i < count; i++) {
		large += ticks[i] >= UINT8_MAX;
		any |= ticks[i] != 0;
	}
	return !any ? 0 : large <= count / 32 ? 1 : 2;
}

/* Writes the planes, and the differences that do not fit them to `longs`. */
static int pack_planes(const struct event_block *block, uint8_t planes, struct byte_buffer *to,
	struct byte_buffer *longs)
{
	uint64_t mark = planes == 1 ? UINT8_MAX : UINT16_MAX;
	size_t count = block->count;
	uint8_t *low, *high;

	if (planes == 0) {
		return REEL_OK;
	}
	if (buffer_reserve(to, count * planes)) {
		return REEL_ENOMEM;
	}
	low = to->bytes + to->size;
	high = planes == 2 ? low + count : NULL;
	to->size += count * planes;
	for (size_t i = 0; i < count; i++) {
		uint64_t ticks = block->ticks[i];

		if (ticks >= mark) {
			if (buffer_varint(longs, ticks)) {
				return REEL_ENOMEM;
			}
			ticks = mark;
		}
		low[i] = (uint8_t)ticks;
		if (high) {
			high[i] = (uint8_t)(ticks >> 8);
		}
	}
	return REEL_OK;
}

static int pack_ticks(struct event_block *block, struct byte_buffer *to, struct byte_buffer *longs)
{
	uint64_t first = difference(block->ticks, block->count);
	struct exact_divisor divisor = common_divisor(block->ticks, block->count, first);
	uint8_t planes;

	if (divisor.divisor > 1) {
		for (uint32_t i = 0; i < block->count; i++) {
			block->ticks[i] = exact_quotient(&divisor, block->ticks[i]);
		}
	}
	planes = tick_planes(block->ticks, block->count);
	if (buffer_byte(to, planes) || buffer_varint(to, divisor.divisor)) {
		return REEL_ENOMEM;
	}
	return pack_planes(block, planes, to, longs);
}

/* Lists, in each column, the block's sites of its function, so that the column can be found when
 * the site's definition is lost. `seen` has a byte per site. */
static int add_column_site(
	struct event_block *block, const struct site *const *sites, uint32_t site, uint8_t *seen)
{
	uint32_t function = sites[site]->function;
	uint32_t column;

	if (seen[site]) {
		return REEL_OK;
	}
	seen[site] = 1;
	if (function >= block->column_of_function_count) {
		return REEL_OK;
	}
	column = block->column_of_function[function];
	if (column == 0) {
		return REEL_OK;
	}
	block->columns[column - 1].site_count++;
	return buffer_varint(&block->columns[column - 1].sites, site);
}

static int list_column_sites(struct event_block *block, const struct site *const *sites,
	uint32_t site_count, struct byte_buffer *seen)
{
	const uint32_t *named = (const uint32_t *)(const void *)block->named_sites.bytes;
	size_t named_count = block->named_sites.size / sizeof(*named);
	int status = buffer_reserve(seen, site_count);

	if (status || !site_count) {
		return status;
	}
	memset(seen->bytes, 0, site_count);
	for (uint32_t i = 0; i < block->count && !status; i++) {
		if (block->symbols[i] >= SYMBOL_SITE) {
			status = add_column_site(
				block, sites, block->symbols[i] - SYMBOL_SITE, seen->bytes);
		}
	}
	for (size_t i = 0; i < named_count && !status; i++) {
		if (named[i] < site_count) {
			status = add_column_site(block, sites, named[i], seen->bytes);
		}
	}
	return status;
}

static int pack_column(struct byte_buffer *to, const struct value_column *column)
{
	const struct value_words *params = &column->words[WORDS_PARAMS];
	const struct value_words *results = &column->words[WORDS_RESULTS];
	const uint64_t head[] = {column->function, params->count, results->count,
		params->bytes.size, results->bytes.size, column->site_count, column->sites.size};
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
	if (!status) {
		status = buffer_bytes(to, results->bytes.bytes, results->bytes.size);
	}
	return status ? status : buffer_bytes(to, column->sites.bytes, column->sites.size);
}

static int pack_values(struct event_block *block, const struct site *const *sites,
	uint32_t site_count, struct byte_buffer *to)
{
	int status;

	if (block->column_count == 0) {
		return REEL_OK;
	}
	status = list_column_sites(block, sites, site_count, &block->record);
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

/* Puts the directory and then the columns that have anything in them. */
static int put_columns(const struct byte_buffer *columns, struct byte_buffer *raw)
{
	uint32_t count = 0;
	int status;

	for (size_t id = 0; id < EVENT_BLOCK_COLUMNS; id++) {
		count += columns[id].size != 0;
	}
	status = buffer_varint(raw, count);
	for (size_t id = 0; id < EVENT_BLOCK_COLUMNS && !status; id++) {
		if (columns[id].size) {
			status = buffer_varint(raw, id);
			status = status ? status : buffer_varint(raw, columns[id].size);
		}
	}
	for (size_t id = 0; id < EVENT_BLOCK_COLUMNS && !status; id++) {
		status = buffer_bytes(raw, columns[id].bytes, columns[id].size);
	}
	return status;
}

int event_block_pack(struct event_block *block, const struct site *const *sites,
	uint32_t site_count, struct byte_buffer *raw)
{
	struct byte_buffer *columns = block->packed;
	uint32_t largest = largest_symbol(block);
	int status;

	for (size_t id = 0; id < EVENT_BLOCK_COLUMNS; id++) {
		columns[id].size = 0;
	}
	if (largest >= SYMBOL_SITE && largest - SYMBOL_SITE >= site_count) {
		return REEL_EINVAL;
	}
	status = pack_key_frame(block, &columns[COLUMN_KEY_FRAME]);
	if (!status) {
		status = pack_symbols(block, largest, &columns[COLUMN_SYMBOLS]);
	}
	if (!status) {
		status = pack_ticks(block, &columns[COLUMN_TICKS], &columns[COLUMN_LONG_TICKS]);
	}
	if (!status) {
		status = buffer_bytes(
			&columns[COLUMN_EXTRAS], block->extras.bytes, block->extras.size);
	}
	if (!status) {
		status = pack_values(block, sites, site_count, &columns[COLUMN_VALUES]);
	}
	if (!status) {
		status = put_columns(columns, raw);
	}
	return status;
}
