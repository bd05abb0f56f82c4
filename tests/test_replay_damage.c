/*
 * Replay of traces that lack something: each event block damaged in turn, files cut anywhere, and a
 * trace whose first blocks are gone. The checking listener asserts the contract throughout.
 */
#include <sys/stat.h>

#include "block.h"
#include "replay_fixture.h"

static struct maker maker;

static void random_event(struct maker_stream *stream, uint64_t *seed, uint64_t ticks)
{
	const uint32_t choice = random_below(seed, 20);

	if (stream->depth == 0 || (stream->depth < 15 && choice < 10)) {
		maker_before(stream, ticks, random_below(seed, 4), 1 + random_below(seed, 50));
	} else if (choice == 19) {
		maker_event(stream, (struct event){.kind = EVENT_ABORT,
					    .ticks = ticks,
					    .module = NO_ID,
					    .error = NO_ID});
	} else {
		maker_after(stream, ticks);
	}
}

static void make_random(uint64_t seed, uint32_t stream_count, uint32_t events)
{
	static const char *const names[4] = {"a", "b", "c", "d"};
	uint64_t ticks = 1000;

	maker_init(&maker, 23);
	for (uint32_t i = 0; i < 4; i++) {
		maker_function(&maker, names[i], 0, 0, true);
	}
	for (uint32_t i = 0; i < stream_count; i++) {
		maker_stream(&maker, i, "thread");
	}
	for (uint32_t i = 0; i < events; i++) {
		ticks += random_below(&seed, 3);
		random_event(&maker.streams[random_below(&seed, stream_count)], &seed, ticks);
	}
	for (uint32_t i = 0; i < stream_count; i++) {
		while (maker.streams[i].depth > 0) {
			maker_after(&maker.streams[i], ticks);
		}
	}
	maker_finish(&maker);
}

static void flip_byte(const char *path, uint64_t offset)
{
	FILE *file = fopen(path, "r+b");
	int byte;

	assert_non_null(file);
	assert_int_equal(fseek(file, (long)offset, SEEK_SET), 0);
	byte = fgetc(file);
	assert_int_equal(fseek(file, (long)offset, SEEK_SET), 0);
	fputc(byte ^ 0x40, file);
	assert_int_equal(fclose(file), 0);
}

/* The middle of the payload of the block at `offset`. */
static uint64_t payload_middle(const char *path, uint64_t offset)
{
	uint8_t bytes[BLOCK_HEADER_SIZE];
	struct block_header header;
	FILE *file = fopen(path, "rb");

	assert_non_null(file);
	assert_int_equal(fseek(file, (long)offset, SEEK_SET), 0);
	assert_int_equal(fread(bytes, 1, sizeof(bytes), file), sizeof(bytes));
	assert_true(block_header_get(bytes, offset, &header));
	fclose(file);
	return offset + sizeof(bytes) + header.summary_size + header.stored_size / 2;
}

static bool same(const struct seen *a, const struct seen *b)
{
	return a->kind == b->kind && a->ns == b->ns && a->repaired == b->repaired &&
	       strcmp(a->function ? a->function->name : "", b->function ? b->function->name : "") ==
		       0;
}

/* The stream's events outside [first, last] came through as they are in the whole trace. */
static void check_rest(const struct checker *whole, const struct checker *part, uint32_t stream,
	uint64_t first, uint64_t last)
{
	size_t position = 0;

	for (size_t i = 0; i < whole->seen_count; i++) {
		const struct seen *seen = &whole->seen[i];

		if (seen->stream != stream || !strchr("BAX", seen->kind) ||
			(seen->ns >= first && seen->ns <= last)) {
			continue;
		}
		while (position < part->seen_count && (part->seen[position].stream != stream ||
							      !same(&part->seen[position], seen))) {
			position++;
		}
		assert_true(position < part->seen_count);
		position++;
	}
}

static uint64_t count_gaps(const struct checker *checker)
{
	uint64_t gaps = 0;

	for (size_t i = 0; i < checker->seen_count; i++) {
		gaps += checker->seen[i].kind == 'G';
	}
	return gaps;
}

static void check_damaged_block(const struct checker *whole, uint32_t index, uint64_t offset)
{
	struct event_block_info info;
	struct checker *part = checker_create();
	struct reel_replay_result result;
	struct reel_trace *trace;

	flip_byte(maker.path, offset);
	trace = maker_open(&maker);
	info = *trace_event_block(trace, index);
	result = checker_replay(part, trace, NULL);
	assert_int_equal(result.damaged_blocks, 1);
	assert_int_equal(result.lost, info.before + info.after + info.abort);
	assert_int_equal(count_gaps(part), 1);
	check_rest(whole, part, info.stream, info.first_ticks, info.last_ticks);
	checker_destroy(part);
	reel_trace_close(trace);
	flip_byte(maker.path, offset);
}

static void a_damaged_block_costs_no_more_than_itself(void **state)
{
	struct checker *whole = checker_create();
	struct reel_trace *trace;
	uint32_t count;

	make_random(1234567, 3, 1500);
	trace = maker_open(&maker);
	checker_replay(whole, trace, NULL);
	count = trace_event_block_count(trace);
	assert_in_range(count, 60, 200);
	for (uint32_t i = 0; i < count; i++) {
		check_damaged_block(
			whole, i, payload_middle(maker.path, trace_event_block(trace, i)->offset));
	}
	checker_destroy(whole);
	reel_trace_close(trace);
	maker_remove(&maker);
}

static void cut_file(const char *from, const char *to, size_t size)
{
	char *bytes = malloc(size + 1);
	FILE *in = fopen(from, "rb");
	FILE *out = fopen(to, "wb");

	assert_true(in && out && bytes);
	assert_int_equal(fread(bytes, 1, size, in), size);
	assert_int_equal(fwrite(bytes, 1, size, out), size);
	fclose(in);
	fclose(out);
	free(bytes);
}

static void a_file_cut_anywhere_keeps_the_contract(void **state)
{
	char path[128];
	struct stat status;
	unsigned replayed = 0;

	make_random(42, 3, 600);
	snprintf(path, sizeof(path), "%s.cut", maker.path);
	assert_int_equal(stat(maker.path, &status), 0);
	for (long size = 16; size < status.st_size; size += 61) {
		struct checker *checker = checker_create();
		struct reel_trace *trace;

		/* The host's description may be cut off too. */
		checker->factory.begin = NULL;
		checker->begins = 1;
		cut_file(maker.path, path, (size_t)size);
		if (reel_trace_open(path, &trace, NULL) == 0) {
			checker_replay(checker, trace, NULL);
			replayed += checker->seen_count > 0;
			reel_trace_close(trace);
		}
		checker_destroy(checker);
	}
	assert_true(replayed > 10);
	unlink(path);
	maker_remove(&maker);
}

static void any_flipped_byte_keeps_the_contract(void **state)
{
	uint64_t seed = 77;
	struct stat status;
	unsigned replayed = 0;

	make_random(43, 3, 600);
	assert_int_equal(stat(maker.path, &status), 0);
	for (int i = 0; i < 300; i++) {
		const uint64_t offset = random_below(&seed, (uint32_t)status.st_size);
		struct checker *checker = checker_create();
		struct reel_trace *trace;

		checker->factory.begin = NULL;
		checker->begins = 1;
		flip_byte(maker.path, offset);
		if (reel_trace_open(maker.path, &trace, NULL) == 0) {
			checker_replay(checker, trace, NULL);
			replayed += checker->seen_count > 0;
			reel_trace_close(trace);
		}
		flip_byte(maker.path, offset);
		checker_destroy(checker);
	}
	assert_true(replayed > 250);
	maker_remove(&maker);
}

/* Damages every block of a type. */
static unsigned flip_blocks(const char *path, unsigned type)
{
	FILE *file = fopen(path, "rb");
	uint8_t bytes[BLOCK_HEADER_SIZE];
	uint64_t offset = FILE_HEADER_SIZE;
	unsigned count = 0;

	assert_non_null(file);
	while (fseek(file, (long)offset, SEEK_SET) == 0 &&
		fread(bytes, 1, sizeof(bytes), file) == sizeof(bytes)) {
		struct block_header header;

		assert_true(block_header_get(bytes, offset, &header));
		if (header.type == type && header.stored_size > 0) {
			flip_byte(path, payload_middle(path, offset));
			count++;
		}
		offset += block_size(&header);
	}
	fclose(file);
	return count;
}

static void lost_definitions_cost_no_event(void **state)
{
	static const unsigned types[] = {
		BLOCK_FUNCTIONS, BLOCK_STREAMS, BLOCK_SITES, BLOCK_METADATA, BLOCK_CLOCK};
	struct reel_replay_result whole;
	struct reel_trace *trace;
	struct checker *checker;

	make_random(4, 3, 600);
	trace = maker_open(&maker);
	checker = checker_create();
	whole = checker_replay(checker, trace, NULL);
	checker_destroy(checker);
	reel_trace_close(trace);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		unsigned flipped = flip_blocks(maker.path, types[i]);

		checker = checker_create();
		checker->factory.begin = NULL;
		checker->begins = 1;
		trace = maker_open(&maker);
		assert_int_equal(checker_replay(checker, trace, NULL).events, whole.events);
		reel_trace_close(trace);
		checker_destroy(checker);
		assert_int_equal(flip_blocks(maker.path, types[i]), flipped);
	}
	maker_remove(&maker);
}

static void calls_that_are_open_at_the_first_block_are_begun(void **state)
{
	struct checker *checker = checker_create();
	struct maker_stream *stream;
	struct reel_trace *trace;

	maker_init(&maker, 1000);
	maker_function(&maker, "f", 0, 0, true);
	maker_function(&maker, "g", 0, 0, true);
	stream = maker_stream(&maker, 0, "");
	maker_before(stream, 1, 0, 0);
	maker_before(stream, 2, 1, 40);
	/* What came so far is thrown away, as a bounded buffer does. */
	assert_int_equal(event_block_begin(&stream->block, 0), 0);
	stream->is_begun = false;
	maker_before(stream, 30, 0, 50);
	maker_after(stream, 31);
	maker_after(stream, 32);
	maker_after(stream, 33);
	maker_finish(&maker);
	trace = maker_open(&maker);
	checker->writes_stacks = true;
	checker_replay(checker, trace, NULL);
	assert_string_equal(checker->text, "S0 30 \n"
					   "B0 30 lost f | f@1000+10\n"
					   "B0 30 lost g | g@1001+11 f@40+4\n"
					   "B0 30 f | f@1000+10 g@50+5 f@40+4\n"
					   "A0 31 f\nA0 32 g\nA0 33 f\n"
					   "E0 33\n");
	checker_destroy(checker);
	reel_trace_close(trace);
	maker_remove(&maker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_damaged_block_costs_no_more_than_itself),
		cmocka_unit_test(a_file_cut_anywhere_keeps_the_contract),
		cmocka_unit_test(any_flipped_byte_keeps_the_contract),
		cmocka_unit_test(lost_definitions_cost_no_event),
		cmocka_unit_test(calls_that_are_open_at_the_first_block_are_begun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
