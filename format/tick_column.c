/*
 * The column of ticks: see tick_column.h. The loops over events are written so that compilers make
 * vector code of them; what is rare (a long step, ticks that run backwards, another divisor) is
 * found out chunk by chunk and then done one by one.
 */
#include "tick_column.h"

#include <reel/status.h>

/* A difference that does not fit 32 bits. */
struct long_step {
	uint64_t step;
	uint32_t index;
};

void tick_packer_deinit(struct tick_packer *packer)
{
	buffer_deinit(&packer->steps);
	buffer_deinit(&packer->long_steps);
}

/* ---- the unit ---- */

/* A divisor as a multiplication: x * inverse, rotated by `shift`, is x / divisor when that is
 * whole, and more than `most` when it is not. */
struct exact_divisor {
	uint32_t divisor, inverse, most;
	unsigned shift;
};

static struct exact_divisor exact_divisor(uint32_t divisor)
{
	struct exact_divisor d = {.divisor = divisor, .most = UINT32_MAX / divisor};
	uint32_t odd;

	d.shift = (unsigned)__builtin_ctz(divisor);
	odd = divisor >> d.shift;
	d.inverse = odd; /* Newton: right to 3 bits, then 6, 12, 24, 48 */
	for (int i = 0; i < 4; i++) {
		d.inverse *= 2 - odd * d.inverse;
	}
	return d;
}

static inline uint32_t exact_quotient(const struct exact_divisor *d, uint32_t value)
{
	uint32_t product = value * d->inverse;

	return product >> d->shift | product << (-d->shift & 31);
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

/* Whether the divisor divides these steps. Compared once at the end: comparing each quotient, gcc
 * sees a test for overflow and makes no vector code. */
static bool divides(const struct exact_divisor *d, const uint32_t *steps, size_t count)
{
	const struct exact_divisor divisor = *d;
	uint32_t largest = 0;

	for (size_t i = 0; i < count; i++) {
		const uint32_t quotient = exact_quotient(&divisor, steps[i]);

		largest = quotient > largest ? quotient : largest;
	}
	return largest <= divisor.most;
}

/* The greatest common divisor of `unit` (0: of nothing yet) and these steps. */
static uint64_t reduce_unit(uint64_t unit, const uint32_t *steps, size_t count)
{
	struct exact_divisor d = {0};

	for (size_t i = 0; i < count; i++) {
		if (d.divisor ? exact_quotient(&d, steps[i]) > d.most : steps[i] != 0) {
			unit = gcd(unit, steps[i]);
			d = exact_divisor((uint32_t)unit);
		}
	}
	return unit;
}

static uint64_t settle_unit(uint64_t unit, const uint32_t *steps, size_t count)
{
	if (unit && unit <= UINT32_MAX) {
		struct exact_divisor d = exact_divisor((uint32_t)unit);

		if (divides(&d, steps, count)) {
			return unit;
		}
	}
	return unit == 1 ? 1 : reduce_unit(unit, steps, count);
}

/* ---- differences ---- */

/* Differences of ticks[from, to), from > 0. Returns bits that are set when one does not fit. */
static uint64_t subtract(
	const uint64_t *restrict ticks, uint32_t *restrict steps, size_t from, size_t to)
{
	uint64_t high = 0;

	for (size_t i = from; i < to; i++) {
		uint64_t step = ticks[i] - ticks[i - 1];

		high |= step >> 32;
		steps[i] = (uint32_t)step;
	}
	return high;
}

/* The same, one by one: clamps ticks that run backwards and sets long steps aside, a 0 in their
 * place. */
static int subtract_carefully(struct byte_buffer *long_steps, uint64_t *ticks, uint32_t *steps,
	size_t from, size_t to, uint64_t *unit)
{
	for (size_t i = from; i < to; i++) {
		struct long_step step = {.index = (uint32_t)i};

		ticks[i] = ticks[i] > ticks[i - 1] ? ticks[i] : ticks[i - 1];
		step.step = ticks[i] - ticks[i - 1];
		steps[i] = step.step <= UINT32_MAX ? (uint32_t)step.step : 0;
		if (step.step <= UINT32_MAX) {
			continue;
		}
		if (buffer_bytes(long_steps, &step, sizeof(step))) {
			return REEL_ENOMEM;
		}
		*unit = gcd(*unit, step.step);
	}
	return REEL_OK;
}

/* Makes the differences and finds their unit, 0 when all are 0. The first difference is 0. */
static int find_steps(
	struct tick_packer *packer, uint64_t *ticks, uint32_t *steps, size_t count, uint64_t *unit)
{
	*unit = 0;
	steps[0] = 0;
	for (size_t from = 1; from < count; from += TICK_CHUNK) {
		size_t to = count - from < TICK_CHUNK ? count : from + TICK_CHUNK;

		if (subtract(ticks, steps, from, to) &&
			subtract_carefully(&packer->long_steps, ticks, steps, from, to, unit)) {
			return REEL_ENOMEM;
		}
		*unit = settle_unit(*unit, steps + from, to - from);
	}
	return REEL_OK;
}

/* Divides all steps; a long one becomes the largest value, which no code has. */
static void divide_steps(
	const struct tick_packer *packer, uint32_t *steps, size_t count, uint64_t unit)
{
	const struct long_step *longs = (const void *)packer->long_steps.bytes;

	if (unit > 1 && unit <= UINT32_MAX) {
		struct exact_divisor d = exact_divisor((uint32_t)unit);

		for (size_t i = 0; i < count; i++) {
			steps[i] = exact_quotient(&d, steps[i]);
		}
	}
	for (size_t i = 0; i < packer->long_steps.size / sizeof(*longs); i++) {
		steps[longs[i].index] = UINT32_MAX;
	}
}

/* ---- codes ---- */

struct coding {
	unsigned bits;
	uint32_t base;
};

#define SAMPLE_STRIDE 8u
#define SAMPLE_VALUES 256u

/* What a long step costs, in bits of codes: its varint, and that it comes as a surprise. */
static uint32_t long_step_cost(uint32_t step)
{
	return step < 1u << 7 ? 10 : step < 1u << 14 ? 18 : 26;
}

/* What every eighth step would cost as a long one. */
struct sample {
	uint32_t costs[SAMPLE_VALUES]; /* by step, of all that are equal */
	uint64_t total, beyond;        /* of all; of those that 16 bits do not hold */
	uint32_t count;
};

static void take_sample(struct sample *sample, const uint32_t *steps, size_t count)
{
	*sample = (struct sample){.count = (uint32_t)((count + SAMPLE_STRIDE - 1) / SAMPLE_STRIDE)};
	for (size_t i = 0; i < count; i += SAMPLE_STRIDE) {
		uint32_t cost = long_step_cost(steps[i]);

		sample->total += cost;
		if (steps[i] < SAMPLE_VALUES) {
			sample->costs[steps[i]] += cost;
		} else if (steps[i] >= UINT16_MAX) {
			sample->beyond += cost;
		}
	}
}

/* The window of `width` steps that saves most by not being long, by where it begins. */
static uint32_t best_window(const struct sample *sample, uint32_t width, uint32_t *base)
{
	uint32_t inside = 0, best = 0;

	*base = 0;
	for (uint32_t end = 0; end < SAMPLE_VALUES; end++) {
		inside += sample->costs[end] - (end >= width ? sample->costs[end - width] : 0);
		if (inside > best) {
			best = inside;
			*base = end >= width ? end - width + 1 : 0;
		}
	}
	return best;
}

/*
 * The coding that comes out smallest. After zstd it mostly does too, and fewer bytes take it less
 * time: tried on recordings of several programs and clocks.
 */
static struct coding choose_coding(const uint32_t *steps, size_t count)
{
	static const unsigned widths[] = {2, 4, 8, 16};
	struct coding best = {0};
	uint64_t best_cost = UINT64_MAX;
	struct sample sample;

	take_sample(&sample, steps, count);
	for (unsigned i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		struct coding coding = {.bits = widths[i]};
		uint64_t inside =
			widths[i] == 16 ? sample.total - sample.beyond
					: best_window(&sample, (1u << widths[i]) - 1, &coding.base);
		uint64_t cost = (uint64_t)coding.bits * sample.count + sample.total - inside;

		if (cost < best_cost) {
			best_cost = cost;
			best = coding;
		}
	}
	return best;
}

static bool all_equal(const uint32_t *steps, size_t count)
{
	uint32_t different = 0;

	for (size_t i = 1; i < count; i++) {
		different |= steps[i] ^ steps[0];
	}
	return different == 0;
}

static inline uint32_t code_of(uint32_t step, uint32_t base, uint32_t largest)
{
	return step - base < largest ? step - base : largest;
}

/* Codes of 2, 4 or 8 bits, low bits first; `count` is a multiple of the codes in a byte. */
static inline __attribute__((always_inline)) void put_codes(const uint32_t *restrict steps,
	uint8_t *restrict to, size_t count, uint32_t base, unsigned bits)
{
	const uint32_t largest = (1u << bits) - 1;
	const unsigned in_byte = 8 / bits;

	for (size_t i = 0; i < count / in_byte; i++) {
		uint32_t byte = 0;

		for (unsigned k = 0; k < in_byte; k++) {
			byte |= code_of(steps[i * in_byte + k], base, largest) << k * bits;
		}
		to[i] = (uint8_t)byte;
	}
}

static void put_all_codes(
	const uint32_t *steps, uint8_t *to, size_t count, const struct coding *coding)
{
	if (coding->bits == 2) {
		put_codes(steps, to, count, coding->base, 2);
	} else if (coding->bits == 4) {
		put_codes(steps, to, count, coding->base, 4);
	} else if (coding->bits == 8) {
		put_codes(steps, to, count, coding->base, 8);
	} else {
		for (size_t i = 0; i < count; i++) {
			store16(to + 2 * i, (uint16_t)code_of(steps[i], 0, UINT16_MAX));
		}
	}
}

/* Finds the steps of [from, to) that have no code. No branch: where they are cannot be foreseen. */
static size_t find_uncoded(
	const uint32_t *steps, size_t from, size_t to, const struct coding *coding, uint32_t *found)
{
	const uint32_t base = coding->base, largest = (1u << coding->bits) - 1;
	size_t count = 0;

	for (size_t i = from; i < to; i++) {
		found[count] = (uint32_t)i;
		count += steps[i] - base >= largest;
	}
	return count;
}

/* Writes the steps that have no code, in order. */
static int put_long_steps(const struct tick_packer *packer, const uint32_t *steps, size_t count,
	uint64_t unit, const struct coding *coding, struct byte_buffer *longs)
{
	const struct long_step *next = (const void *)packer->long_steps.bytes;
	const struct long_step *end = next + packer->long_steps.size / sizeof(*next);
	uint32_t found[TICK_CHUNK];

	for (size_t from = 0; from < count; from += TICK_CHUNK) {
		const size_t to = count - from < TICK_CHUNK ? count : from + TICK_CHUNK;
		const size_t found_count = find_uncoded(steps, from, to, coding, found);
		uint8_t *at;

		if (found_count == 0) {
			continue;
		}
		if (buffer_reserve(longs, found_count * VARINT_MAX)) {
			return REEL_ENOMEM;
		}
		at = longs->bytes + longs->size;
		for (size_t i = 0; i < found_count; i++) {
			const bool is_wide = next < end && next->index == found[i];

			at = varint_put(at, is_wide ? next++->step / unit : steps[found[i]]);
		}
		longs->size = (size_t)(at - longs->bytes);
	}
	return REEL_OK;
}

static int put_head(struct byte_buffer *column, uint64_t unit, const struct coding *coding)
{
	int status = buffer_byte(column, (uint8_t)coding->bits);

	if (!status) {
		status = buffer_varint(column, unit);
	}
	return status ? status : buffer_varint(column, coding->base);
}

int tick_column_pack(struct tick_packer *packer, uint64_t *ticks, uint32_t count,
	struct byte_buffer *column, struct byte_buffer *longs)
{
	size_t padded = ((size_t)count + 3) & ~(size_t)3;
	struct coding coding = {0};
	uint32_t *steps;
	uint64_t unit;

	packer->steps.size = packer->long_steps.size = 0;
	if (buffer_reserve(&packer->steps, padded * sizeof(*steps))) {
		return REEL_ENOMEM;
	}
	steps = (uint32_t *)(void *)packer->steps.bytes;
	if (find_steps(packer, ticks, steps, count, &unit)) {
		return REEL_ENOMEM;
	}
	divide_steps(packer, steps, count, unit);
	if (all_equal(steps + 1, count - 1) && !packer->long_steps.size) {
		coding.base = count > 1 ? steps[1] : 0;
		return put_head(column, unit, &coding);
	}
	coding = choose_coding(steps, count);
	for (size_t i = count; i < padded; i++) {
		steps[i] = coding.base;
	}
	steps[0] = coding.base; /* the first event's code is 0 and says nothing */
	if (put_head(column, unit, &coding) || buffer_reserve(column, padded * 2)) {
		return REEL_ENOMEM;
	}
	put_all_codes(steps, column->bytes + column->size, padded, &coding);
	column->size += ((size_t)count * coding.bits + 7) / 8;
	return put_long_steps(packer, steps, count, unit, &coding, longs);
}

/* ---- reading ---- */

/* Which of a byte's codes are the largest: a bit for each, at its lowest bit. */
static inline __attribute__((always_inline)) unsigned long_codes(unsigned byte, unsigned bits)
{
	for (unsigned width = 1; width < bits; width *= 2) {
		byte &= byte >> width;
	}
	return byte & 0xff / ((1u << bits) - 1);
}

/* Codes of a byte are read together; this is what all of them come to. */
static void sum_codes(struct tick_reader *reader)
{
	const unsigned bits = reader->bits, largest = (1u << bits) - 1;
	const uint64_t least = reader->base * reader->unit;

	for (unsigned byte = 0; byte < 256; byte++) {
		uint64_t sum = 0;

		for (unsigned k = 0; k < 8 / bits; k++) {
			unsigned code = byte >> k * bits & largest;

			sum += code == largest ? 0 : least + code * reader->unit;
			reader->sums[byte][k] = sum;
		}
	}
}

int tick_reader_init(struct tick_reader *reader, struct byte_view column, struct byte_view longs,
	uint32_t count, uint64_t first)
{
	unsigned bits = view_byte(&column);

	reader->unit = view_varint(&column);
	reader->base = view_varint(&column);
	if (column.failed || (bits && bits != 2 && bits != 4 && bits != 8 && bits != 16) ||
		view_left(&column) != ((uint64_t)count * bits + 7) / 8) {
		return REEL_EDAMAGED;
	}
	reader->bits = bits;
	reader->codes = column.next;
	reader->next = 0;
	reader->longs = longs;
	reader->ticks = first - reader->base * reader->unit; /* the first code is 0 */
	if (bits && bits <= 8) {
		sum_codes(reader);
	}
	return REEL_OK;
}

/* Adds the long steps of a byte's codes, each to its own event and those behind it. Out of line, so
 * that the loop around it keeps its registers. */
static __attribute__((noinline)) void add_long_steps(
	struct tick_reader *reader, uint64_t *ticks, unsigned longs, unsigned bits)
{
	for (; longs; longs &= longs - 1) {
		const uint64_t step = view_varint(&reader->longs) * reader->unit;

		for (unsigned k = (unsigned)__builtin_ctz(longs) / bits; k < 8 / bits; k++) {
			ticks[k] += step;
		}
	}
}

/* Codes of 2, 4 or 8 bits; those behind the last one in its byte are not there. */
static inline __attribute__((always_inline)) void take_codes(
	struct tick_reader *reader, uint64_t *restrict ticks, uint32_t count, unsigned bits)
{
	const unsigned in_byte = 8 / bits;
	const uint8_t *from = reader->codes + reader->next / in_byte;
	uint64_t now = reader->ticks;

	for (uint32_t i = 0; i < count; i += in_byte) {
		unsigned byte = from[i / in_byte], longs;

		if (count - i < in_byte) {
			byte &= (1u << (count - i) * bits) - 1;
		}
		for (unsigned k = 0; k < in_byte; k++) {
			ticks[i + k] = now + reader->sums[byte][k];
		}
		longs = long_codes(byte, bits);
		if (longs) {
			add_long_steps(reader, ticks + i, longs, bits);
		}
		now = ticks[i + in_byte - 1];
	}
	reader->ticks = now;
}

static void take_wide_codes(struct tick_reader *reader, uint64_t *ticks, uint32_t count)
{
	const uint8_t *from = reader->codes + (size_t)reader->next * 2;

	for (uint32_t i = 0; i < count; i++) {
		uint16_t code = load16(from + 2 * (size_t)i);
		uint64_t multiple =
			code < UINT16_MAX ? reader->base + code : view_varint(&reader->longs);

		reader->ticks += multiple * reader->unit;
		ticks[i] = reader->ticks;
	}
}

bool tick_reader_unpack(struct tick_reader *reader, uint64_t *ticks, uint32_t count)
{
	if (reader->bits == 2) {
		take_codes(reader, ticks, count, 2);
	} else if (reader->bits == 4) {
		take_codes(reader, ticks, count, 4);
	} else if (reader->bits == 8) {
		take_codes(reader, ticks, count, 8);
	} else if (reader->bits == 16) {
		take_wide_codes(reader, ticks, count);
	} else {
		for (uint32_t i = 0; i < count; i++) {
			reader->ticks += reader->base * reader->unit;
			ticks[i] = reader->ticks;
		}
	}
	reader->next += count;
	return !reader->longs.failed;
}
