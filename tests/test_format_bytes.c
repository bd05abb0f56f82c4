/*
 * The small parts of the format: varints and views, the arena, ids by content, codecs, and the
 * column of ticks against a straight reference.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <reel/status.h>

#include "format/arena.h"
#include "format/bytes.h"
#include "format/codec.h"
#include "format/hash_ids.h"
#include "format/tick_column.h"

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void varints_of_every_length_come_back(void **state)
{
	for (unsigned shift = 0; shift < 64; shift++) {
		for (int near = -1; near <= 1; near++) {
			uint64_t value = ((uint64_t)1 << shift) + (uint64_t)near;
			uint8_t bytes[VARINT_MAX];
			size_t size = (size_t)(varint_put(bytes, value) - bytes);
			struct byte_view view = view_of(bytes, size);

			assert_int_equal(view_varint(&view), value);
			assert_int_equal(view_left(&view), 0);
			assert_false(view.failed);
			view = view_of(bytes, size - 1);
			assert_int_equal(view_varint(&view), 0);
			assert_true(view.failed);
			assert_int_equal(unzigzag(zigzag((int64_t)value)), value);
		}
	}
}

static void a_varint_beyond_64_bits_fails(void **state)
{
	uint8_t bytes[12];
	struct byte_view view;

	memset(bytes, 0xff, sizeof(bytes));
	view = view_of(bytes, sizeof(bytes));
	assert_int_equal(view_varint(&view), 0);
	assert_true(view.failed);
	memcpy(bytes, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10);
	view = view_of(bytes, 10);
	view_varint(&view);
	assert_true(view.failed);
	bytes[9] = 1;
	view = view_of(bytes, 10);
	assert_int_equal(view_varint(&view), UINT64_MAX);
	assert_false(view.failed);
	memcpy(bytes, "\xff\xff\xff\xff\x1f", 5);
	view = view_of(bytes, 5);
	assert_int_equal(view_varint32(&view), 0);
	assert_true(view.failed);
}

static void a_view_never_gives_more_than_it_has(void **state)
{
	static const uint8_t bytes[] = {3, 1, 2, 3};
	struct byte_view view = view_of(bytes, sizeof(bytes)), part;

	assert_int_equal(view_count(&view, 1), 3);
	assert_ptr_equal(view_bytes(&view, 2), bytes + 1);
	assert_null(view_bytes(&view, 2));
	assert_true(view.failed);
	assert_null(view_bytes(&view, 0));
	view = view_of(bytes, sizeof(bytes));
	assert_int_equal(view_count(&view, 2), 0);
	assert_true(view.failed);
	view = view_of(bytes, sizeof(bytes));
	part = view_part(&view, UINT64_MAX);
	assert_true(part.failed && view.failed);
	assert_int_equal(view_left(&part), 0);
	view = view_of(NULL, 0);
	assert_int_equal(view_byte(&view), 0);
	assert_true(view.failed);
}

static void a_buffer_grows_and_refuses_what_cannot_be(void **state)
{
	struct byte_buffer buffer = {0};

	for (unsigned i = 0; i < 10000; i++) {
		assert_int_equal(buffer_byte(&buffer, (uint8_t)i), 0);
	}
	assert_int_equal(buffer.size, 10000);
	assert_int_equal(buffer.bytes[9999], 9999 & 255);
	assert_int_equal(buffer_reserve(&buffer, SIZE_MAX), REEL_ENOMEM);
	assert_int_equal(buffer.size, 10000);
	buffer_deinit(&buffer);
}

static void an_arena_gives_zeroed_memory_that_stays(void **state)
{
	struct arena arena = {0};
	char *kept[300];

	for (unsigned i = 0; i < 300; i++) {
		size_t size = i * 97 % 30000;
		uint8_t *memory = arena_alloc(&arena, size);

		assert_non_null(memory);
		assert_int_equal((uintptr_t)memory % 8, 0);
		for (size_t b = 0; b < size; b++) {
			assert_int_equal(memory[b], 0);
		}
		if (size) {
			memset(memory, 0xee, size);
		}
		kept[i] = arena_copy(&arena, &i, sizeof(i));
	}
	for (unsigned i = 0; i < 300; i++) {
		assert_memory_equal(kept[i], &i, sizeof(i));
		assert_int_equal(kept[i][sizeof(i)], 0);
	}
	assert_null(arena_alloc(&arena, SIZE_MAX));
	arena_deinit(&arena);
}

static void ids_are_found_by_content(void **state)
{
	struct hash_ids table = {0};

	for (unsigned round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < 5000; i++) {
			struct hash_id *place = hash_ids_find(&table, &i, sizeof(i));

			assert_non_null(place);
			assert_int_equal(place->id_plus_one, round ? i + 1 : 0);
			if (!round) {
				hash_ids_take(&table, place, i);
			}
		}
	}
	hash_ids_deinit(&table);
}

static void check_codec(enum reel_codec codec, const uint8_t *bytes, size_t size, size_t most)
{
	struct compressor compressor;
	struct decompressor decompressor = {0};
	struct byte_buffer out = {0};
	enum payload_codec used;
	const size_t cuts[] = {1000, 1000, 4000};
	struct payload payload;
	uint8_t *back = malloc(size + 1);

	assert_non_null(back);
	compressor_init(&compressor, 0);
	payload = (struct payload){bytes, size, cuts, size > 4000 ? 3 : 0};
	assert_int_equal(compressor_run(&compressor, codec, &payload, &out, &used), 0);
	assert_true(out.size <= most);
	assert_int_equal(decompressor_run(&decompressor, used, out.bytes, out.size, back, size), 0);
	assert_true(size == 0 || memcmp(bytes, back, size) == 0);
	if (size > 1) {
		assert_int_equal(
			decompressor_run(&decompressor, used, out.bytes, out.size, back, size - 1),
			REEL_EDAMAGED);
	}
	compressor_deinit(&compressor);
	decompressor_deinit(&decompressor);
	buffer_deinit(&out);
	free(back);
}

static void codecs_give_back_what_they_were_given_and_never_grow_it(void **state)
{
	uint8_t bytes[5000] = {0};
	uint64_t random = 99;

	for (unsigned codec = 0; codec < 3; codec++) {
		check_codec(codec, bytes, 0, 0);
		check_codec(codec, bytes, 1, 1);
		check_codec(codec, bytes, sizeof(bytes),
			codec == REEL_CODEC_NONE ? sizeof(bytes) : 100);
	}
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (uint8_t)next_random(&random);
	}
	for (unsigned codec = 0; codec < 3; codec++) {
		check_codec(codec, bytes, sizeof(bytes), sizeof(bytes));
	}
}

/* ---- ticks ---- */

/* Packs and unpacks; returns how many bits a code has. */
static unsigned check_ticks(uint64_t *ticks, uint32_t count)
{
	struct tick_packer packer = {0};
	struct byte_buffer column = {0}, longs = {0};
	struct tick_reader reader;
	uint64_t *expected = malloc(count * sizeof(*expected));
	uint64_t chunk[TICK_CHUNK], latest = 0;
	unsigned bits;

	assert_non_null(expected);
	for (uint32_t i = 0; i < count; i++) {
		latest = ticks[i] > latest ? ticks[i] : latest;
		expected[i] = latest;
	}
	assert_int_equal(tick_column_pack(&packer, ticks, count, &column, &longs), 0);
	assert_memory_equal(ticks, expected, count * sizeof(*ticks));
	bits = column.bytes[0];
	assert_int_equal(tick_reader_init(&reader, view_of(column.bytes, column.size),
				 view_of(longs.bytes, longs.size), count, ticks[0]),
		0);
	for (uint32_t at = 0; at < count; at += TICK_CHUNK) {
		uint32_t size = count - at < TICK_CHUNK ? count - at : TICK_CHUNK;

		assert_true(tick_reader_unpack(&reader, chunk, size));
		assert_memory_equal(chunk, expected + at, size * sizeof(*chunk));
	}
	assert_int_equal(view_left(&reader.longs), 0);
	assert_int_equal(tick_reader_init(&reader, view_of(column.bytes, column.size - 1),
				 view_of(NULL, 0), count, ticks[0]),
		REEL_EDAMAGED);
	tick_packer_deinit(&packer);
	buffer_deinit(&column);
	buffer_deinit(&longs);
	free(expected);
	return bits;
}

/* Ticks whose steps are base + 0 to spread - 1 units, and now and then far more. */
static unsigned check_steps(uint32_t count, uint64_t unit, uint64_t base, uint64_t spread,
	unsigned rare, unsigned rare_bits)
{
	uint64_t *ticks = malloc(count * sizeof(*ticks));
	uint64_t random = count * 31 + unit * 7 + spread, now = next_random(&random) >> 20;
	unsigned bits;

	assert_non_null(ticks);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t step = base + next_random(&random) % spread;

		if (rare && next_random(&random) % rare == 0) {
			step = next_random(&random) >> (64 - rare_bits);
		}
		now += step * unit;
		ticks[i] = now;
	}
	bits = check_ticks(ticks, count);
	free(ticks);
	return bits;
}

static void steps_of_every_size_get_as_many_bits_as_they_need(void **state)
{
	assert_int_equal(check_steps(5000, 1, 7, 1, 0, 0), 0);
	assert_int_equal(check_steps(5000, 26, 0, 1, 0, 0), 0);
	assert_int_equal(check_steps(5000, 26, 1, 3, 0, 0), 2);
	assert_int_equal(check_steps(5000, 2, 10, 3, 50, 40), 2);
	assert_int_equal(check_steps(5000, 1, 200, 14, 100, 16), 4);
	assert_int_equal(check_steps(5000, 1000, 0, 240, 0, 0), 8);
	assert_int_equal(check_steps(5000, 3, 0, 60000, 0, 0), 16);
	assert_int_equal(check_steps(5000, 1, 1ull << 31, 1ull << 33, 0, 0), 2);
}

static void columns_of_every_length_come_back(void **state)
{
	for (uint32_t count = 1; count < 40; count++) {
		check_steps(count, 26, 1, 3, 0, 0);
		check_steps(count, 1, 0, 15, 3, 50);
		check_steps(count, 5, 0, 200, 0, 0);
		check_steps(count, 1, 0, 1ull << 40, 0, 0);
	}
	for (uint32_t count = TICK_CHUNK - 2; count < TICK_CHUNK + 3; count++) {
		check_steps(count, 26, 1, 3, 10, 45);
		check_steps(2 * count, 1, 0, 15, 10, 45);
	}
}

static void a_unit_that_shows_late_is_found(void **state)
{
	uint64_t ticks[4000];

	for (uint32_t i = 0; i < 4000; i++) {
		ticks[i] = i < 3000 ? i * 1200ull : 3000 * 1200ull + (i - 3000) * 90ull;
	}
	check_ticks(ticks, 4000);
	for (uint32_t i = 0; i < 4000; i++) {
		ticks[i] = i * (1ull << 40) + (i == 3999);
	}
	check_ticks(ticks, 4000);
	for (uint32_t i = 0; i < 4000; i++) {
		ticks[i] = 4000 - i; /* backwards all the way */
	}
	check_ticks(ticks, 4000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(varints_of_every_length_come_back),
		cmocka_unit_test(a_varint_beyond_64_bits_fails),
		cmocka_unit_test(a_view_never_gives_more_than_it_has),
		cmocka_unit_test(a_buffer_grows_and_refuses_what_cannot_be),
		cmocka_unit_test(an_arena_gives_zeroed_memory_that_stays),
		cmocka_unit_test(ids_are_found_by_content),
		cmocka_unit_test(codecs_give_back_what_they_were_given_and_never_grow_it),
		cmocka_unit_test(steps_of_every_size_get_as_many_bits_as_they_need),
		cmocka_unit_test(columns_of_every_length_come_back),
		cmocka_unit_test(a_unit_that_shows_late_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
