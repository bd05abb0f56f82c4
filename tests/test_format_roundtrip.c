/*
 * What is written is read: events of every kind, with every codec, and all definitions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "format_model.h"

static struct reel_trace *open_trace(const char *path)
{
	struct reel_trace *trace;
	struct reel_error error;

	if (reel_trace_open(path, &trace, &error)) {
		fail_msg("%s", error.text);
	}
	return trace;
}

static void report(void *user, const char *line)
{
	(void)user;
	print_error("%s\n", line);
}

static void verify(struct reel_trace *trace)
{
	struct reel_error error;

	assert_int_equal(reel_trace_verify(trace, report, NULL, NULL, &error), REEL_OK);
}

static void compare_trace(struct model *model, const char *path)
{
	struct reel_trace *trace = open_trace(path);
	struct reel_error error;
	struct cursor *cursor;

	verify(trace);
	assert_int_equal(trace_event_block_count(trace), model->block_count);
	assert_int_equal(cursor_create(trace, &cursor), 0);
	for (uint32_t i = 0; i < model->block_count; i++) {
		assert_int_equal(trace_event_block(trace, i)->stream, model->blocks[i].stream);
		assert_int_equal(cursor_load(cursor, i, &error), 0);
		model_compare_block(model, cursor, i);
	}
	cursor_destroy(cursor);
	reel_trace_close(trace);
}

/* Random blocks of several sizes; the calls that are open go on from block to block. */
static void round_trip(enum reel_codec codec, uint64_t seed, bool plain_only)
{
	const char *path = model_path("roundtrip");
	struct model model;

	model_start(&model, path, codec, seed);
	model.plain_only = plain_only;
	for (unsigned i = 0; i < 5; i++) {
		model_write_block(&model, 7, 1 + model_below(&model, 3000), codec);
	}
	model_finish(&model);
	compare_trace(&model, path);
	model_free(&model);
	model_unlink(path);
}

static void random_events_come_back_with_every_codec(void **state)
{
	for (uint64_t seed = 1; seed <= 8; seed++) {
		round_trip(REEL_CODEC_ZSTD, seed, false);
		round_trip(REEL_CODEC_LZ4, seed + 100, false);
		round_trip(REEL_CODEC_NONE, seed + 200, false);
	}
}

static void random_plain_events_come_back(void **state)
{
	for (uint64_t seed = 1; seed <= 4; seed++) {
		round_trip(REEL_CODEC_ZSTD, seed, true);
	}
}

/* Goes through a block by runs, cursor_next() giving what is between them, and compares. */
static size_t compare_by_runs(struct model *model, struct cursor *cursor, size_t index)
{
	const struct model_block *block = &model->blocks[index];
	struct model_event *next = &model->events[block->first];
	const struct cursor_site *sites;
	const uint32_t *symbols;
	const uint64_t *ticks;
	struct event event = {0};
	uint32_t count, site_count;
	size_t in_runs = 0;

	sites = cursor_sites(cursor, &site_count);
	do {
		while ((count = cursor_run(cursor, &symbols, &ticks)) != 0) {
			for (uint32_t i = 0; i < count; i++, next++) {
				const struct event *expected = &next->event;

				assert_int_equal(ticks[i], expected->ticks);
				assert_int_equal(
					expected->kind, symbols[i] ? EVENT_BEFORE : EVENT_AFTER);
				assert_int_equal(expected->value_count, 0);
				if (symbols[i]) {
					assert_true(symbols[i] - 2 < site_count);
					assert_int_equal(
						sites[symbols[i] - 2].site, expected->site);
					assert_int_equal(
						sites[symbols[i] - 2].function, expected->function);
					assert_int_equal(
						sites[symbols[i] - 2].module, expected->module);
				}
			}
			in_runs += count;
		}
		if (cursor_next(cursor, &event)) {
			break;
		}
		model_compare_event(&event, model_event(next));
		next++;
	} while (true);
	assert_ptr_equal(next, &model->events[block->first + block->count]);
	assert_int_equal(cursor_next(cursor, &event), REEL_END);
	return in_runs;
}

/* Blocks with values, with extras but no values, and with neither. */
static void runs_give_the_same_events(void **state)
{
	const char *path = model_path("runs");
	struct reel_trace *trace;
	struct reel_error error;
	struct cursor *cursor;
	struct model model;
	size_t in_runs = 0;

	model_start(&model, path, REEL_CODEC_ZSTD, 9);
	model_write_block(&model, 7, 3000, REEL_CODEC_ZSTD);
	model.without_values = true;
	model_write_block(&model, 7, 3000, REEL_CODEC_ZSTD);
	model.plain_only = true;
	model_write_block(&model, 7, 3000, REEL_CODEC_ZSTD);
	model_finish(&model);
	trace = open_trace(path);
	assert_int_equal(cursor_create(trace, &cursor), 0);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(cursor_load(cursor, i, &error), 0);
		in_runs = compare_by_runs(&model, cursor, i);
		assert_true(i == 0 ? in_runs == 0 : i == 1 ? in_runs > 1000 : in_runs == 3000);
	}
	cursor_destroy(cursor);
	reel_trace_close(trace);
	model_free(&model);
	model_unlink(path);
}

static void next_after_a_run_of_bare_events_is_refused(void **state)
{
	const char *path = model_path("mixed");
	struct reel_trace *trace;
	struct cursor *cursor;
	const uint32_t *symbols;
	const uint64_t *ticks;
	struct event event = {0};
	struct model model;

	model_start(&model, path, REEL_CODEC_ZSTD, 9);
	model.without_values = model.plain_only = true;
	model_write_block(&model, 7, 3000, REEL_CODEC_ZSTD);
	model_finish(&model);
	trace = open_trace(path);
	assert_int_equal(cursor_create(trace, &cursor), 0);
	assert_int_equal(cursor_load(cursor, 0, NULL), 0);
	assert_true(cursor_run(cursor, &symbols, &ticks) > 0);
	assert_int_equal(cursor_next(cursor, &event), REEL_EINVAL);
	cursor_destroy(cursor);
	reel_trace_close(trace);
	model_free(&model);
	model_unlink(path);
}

/* One thread's share of reading one trace beside others. */
struct reading {
	struct reel_trace *trace;
	const struct model *model;
	unsigned failures;
};

static void *read_beside_others(void *user)
{
	struct reading *reading = user;
	struct cursor *cursor;

	if (cursor_create(reading->trace, &cursor)) {
		reading->failures++;
		return NULL;
	}
	for (uint32_t i = 0; i < reading->model->block_count; i++) {
		const struct model_block *block = &reading->model->blocks[i];
		struct event event = {0};
		size_t at = 0;

		reading->failures += cursor_load(cursor, i, NULL) != 0;
		while (cursor_next(cursor, &event) == REEL_OK) {
			reading->failures +=
				event.ticks !=
				reading->model->events[block->first + at++].event.ticks;
		}
		reading->failures += at != block->count;
		for (uint32_t id = 0; id < 20; id++) {
			uint8_t *bytes;
			size_t size;

			if (trace_blob(reading->trace, id, &bytes, &size)) {
				reading->failures++;
				continue;
			}
			reading->failures += strncmp((char *)bytes, "blob ", 5) != 0;
			free(bytes);
		}
	}
	cursor_destroy(cursor);
	return NULL;
}

static void many_threads_read_one_trace(void **state)
{
	enum { THREADS = 4 };
	const char *path = model_path("threads");
	struct reading readings[THREADS];
	pthread_t threads[THREADS];
	struct reel_trace *trace;
	struct model model;

	model_start(&model, path, REEL_CODEC_ZSTD, 11);
	for (unsigned i = 0; i < 20; i++) {
		model_write_block(&model, 7, 500, REEL_CODEC_ZSTD);
	}
	model_finish(&model);
	trace = open_trace(path);
	for (unsigned i = 0; i < THREADS; i++) {
		readings[i] = (struct reading){trace, &model, 0};
		assert_int_equal(
			pthread_create(&threads[i], NULL, read_beside_others, &readings[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(readings[i].failures, 0);
	}
	reel_trace_close(trace);
	model_free(&model);
	model_unlink(path);
}

static void a_trace_without_events_is_complete(void **state)
{
	const char *path = model_path("empty");
	struct model model;
	struct reel_trace_info info;
	struct reel_trace *trace;

	model_start(&model, path, REEL_CODEC_ZSTD, 1);
	model_finish(&model);
	trace = open_trace(path);
	verify(trace);
	reel_trace_describe(trace, &info);
	assert_true(info.complete);
	assert_int_equal(info.events, 0);
	assert_int_equal(info.functions, 0);
	assert_int_equal(info.duration_ns, 0);
	assert_int_equal(reel_trace_function_count(trace), MODEL_FUNCTIONS);
	assert_string_equal(reel_trace_metadata(trace), "{\"host\":\"model\"}");
	assert_string_equal(reel_trace_producer(trace), "test");
	assert_int_equal(trace_clock_kind(trace), CLOCK_HOST);
	reel_trace_close(trace);
	model_unlink(path);
}

/* Sums over the events of the model, as `info` counts them. */
static struct reel_trace_info expected_info(const struct model *model)
{
	struct reel_trace_info info = {.functions = 0};
	uint8_t has_events[MODEL_FUNCTIONS] = {0};
	uint64_t depth = 0;

	for (size_t i = 0; i < model->event_count; i++) {
		const struct event *event = &model->events[i].event;

		info.before += event->kind == EVENT_BEFORE;
		info.after += event->kind == EVENT_AFTER;
		info.abort += event->kind == EVENT_ABORT;
		info.repaired += event->repaired != 0;
		info.undelivered += event->kind == EVENT_UNDELIVERED_AFTER ||
				    event->kind == EVENT_UNDELIVERED_ABORT;
		info.lost += event->kind == EVENT_GAP ? event->lost : 0;
		depth = info.before - info.after - info.abort;
		info.max_depth = depth > info.max_depth ? depth : info.max_depth;
		if (event->kind == EVENT_BEFORE && !has_events[event->function]) {
			has_events[event->function] = 1;
			info.functions++;
		}
	}
	info.events = info.before + info.after + info.abort;
	return info;
}

static void info_counts_what_was_written(void **state)
{
	const char *path = model_path("info");
	struct reel_trace_info info, expected;
	struct reel_trace *trace;
	struct model model;

	model_start(&model, path, REEL_CODEC_ZSTD, 5);
	model_write_block(&model, 7, 500, REEL_CODEC_ZSTD);
	model_write_block(&model, 7, 700, REEL_CODEC_LZ4);
	model_finish(&model);
	expected = expected_info(&model);
	trace = open_trace(path);
	reel_trace_describe(trace, &info);
	assert_int_equal(info.events, expected.events);
	assert_int_equal(info.before, expected.before);
	assert_int_equal(info.after, expected.after);
	assert_int_equal(info.abort, expected.abort);
	assert_int_equal(info.repaired, expected.repaired);
	assert_int_equal(info.undelivered, expected.undelivered);
	assert_int_equal(info.lost, expected.lost);
	assert_int_equal(info.functions, expected.functions);
	assert_int_equal(info.max_depth, expected.max_depth);
	assert_int_equal(info.streams, 1);
	assert_int_equal(info.duration_ns,
		model.events[model.event_count - 1].event.ticks - model.events[0].event.ticks);
	assert_int_equal(info.version_major, 1);
	reel_trace_close(trace);
	model_free(&model);
	model_unlink(path);
}

/* ---- symbols and ticks at their edges ---- */

struct simple {
	const char *path;
	struct writer *writer;
	struct event_block block;
	uint32_t function;
};

static void simple_start(struct simple *simple, const char *name, enum clock_kind clock)
{
	const struct writer_options options = {.clock = clock};
	const struct reel_function function = {
		.size = sizeof(function), .name = "f", .index = REEL_NO_INDEX};
	struct reel_error error;

	simple->path = model_path(name);
	assert_int_equal(writer_create(simple->path, &options, &simple->writer, &error), 0);
	assert_int_equal(writer_define_function(simple->writer, &function, &simple->function), 0);
	event_block_init(&simple->block);
	assert_int_equal(event_block_begin(&simple->block, 0), 0);
}

static struct reel_trace *simple_finish(struct simple *simple)
{
	struct reel_error error;
	struct reel_trace *trace;

	assert_int_equal(writer_write_events(simple->writer, &simple->block, REEL_CODEC_ZSTD), 0);
	event_block_deinit(&simple->block);
	assert_int_equal(writer_finish(simple->writer, &error), 0);
	trace = open_trace(simple->path);
	verify(trace);
	return trace;
}

static void symbols_of_every_width_come_back(void **state)
{
	static const uint32_t counts[] = {1, 253, 254, 255, 65533, 65534, 65535, 70000};

	for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
		struct simple simple;
		struct reel_trace *trace;
		struct cursor *cursor;
		struct event event = {0};
		struct reel_error error;

		simple_start(&simple, "symbols", CLOCK_HOST);
		assert_int_equal(event_block_reserve(&simple.block, 2 * counts[c]), 0);
		for (uint32_t i = 0; i < counts[c]; i++) {
			const struct site site = {
				.function = simple.function, .module = NO_ID, .pc = i};
			uint32_t id;

			assert_int_equal(writer_intern_site(simple.writer, &site, &id), 0);
			assert_int_equal(id, i);
			event_block_before(&simple.block, i, id);
			event_block_after(&simple.block, i);
		}
		trace = simple_finish(&simple);
		assert_int_equal(cursor_create(trace, &cursor), 0);
		assert_int_equal(cursor_load(cursor, 0, &error), 0);
		for (uint32_t i = 0; i < counts[c]; i++) {
			assert_int_equal(cursor_next(cursor, &event), 0);
			assert_int_equal(event.site, i);
			assert_int_equal(trace_site(trace, i)->pc, i);
			assert_int_equal(cursor_next(cursor, &event), 0);
			assert_int_equal(event.kind, EVENT_AFTER);
			assert_int_equal(event.ticks, i);
		}
		cursor_destroy(cursor);
		reel_trace_close(trace);
		model_unlink(simple.path);
	}
}

static void check_ticks(const uint64_t *ticks, const uint64_t *expected, uint32_t count)
{
	const struct site site = {.function = 0, .module = NO_ID};
	struct simple simple;
	struct reel_trace *trace;
	struct cursor *cursor;
	struct event event = {0};
	struct reel_error error;
	uint32_t id;

	simple_start(&simple, "ticks", CLOCK_HOST);
	assert_int_equal(writer_intern_site(simple.writer, &site, &id), 0);
	assert_int_equal(event_block_reserve(&simple.block, count), 0);
	for (uint32_t i = 0; i < count; i++) {
		if (i % 2) {
			event_block_after(&simple.block, ticks[i]);
		} else {
			event_block_before(&simple.block, ticks[i], id);
		}
	}
	trace = simple_finish(&simple);
	assert_int_equal(cursor_create(trace, &cursor), 0);
	assert_int_equal(cursor_load(cursor, 0, &error), 0);
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(cursor_next(cursor, &event), 0);
		assert_int_equal(event.ticks, expected[i]);
	}
	cursor_destroy(cursor);
	reel_trace_close(trace);
	model_unlink(simple.path);
}

static void ticks_at_their_edges_come_back(void **state)
{
	static const uint64_t edges[] = {0, 0, 1, 255, 509, 510, 766, 66000, 131535, 131536,
		1ull << 32, (1ull << 32) + 254, 1ull << 63, UINT64_MAX - 1, UINT64_MAX, UINT64_MAX};
	static const uint64_t even[] = {1ull << 20, 1ull << 21, 1ull << 22, 5ull << 40};
	static const uint64_t equal[] = {5, 5, 5, 5, 5};
	static const uint64_t one[] = {UINT64_MAX};
	uint64_t wide[4000];

	for (uint32_t i = 0; i < 4000; i++) {
		wide[i] = 77 + (uint64_t)i * 3 * 1000 + (i % 7) * 3;
	}
	check_ticks(edges, edges, 16);
	check_ticks(even, even, 4);
	check_ticks(equal, equal, 5);
	check_ticks(one, one, 1);
	check_ticks(wide, wide, 4000);
}

static void ticks_that_run_backwards_are_clamped(void **state)
{
	static const uint64_t ticks[] = {100, 50, 120, 119, 7, 130};
	static const uint64_t expected[] = {100, 100, 120, 120, 120, 130};

	check_ticks(ticks, expected, 6);
}

static void an_event_without_room_in_the_block_is_refused(void **state)
{
	struct event_block block;

	event_block_init(&block);
	assert_int_equal(event_block_begin(&block, 0), 0);
	assert_int_equal(event_block_reserve(&block, EVENT_BLOCK_EVENTS_MAX + 1), REEL_ELIMIT);
	assert_int_equal(event_block_reserve(&block, EVENT_BLOCK_EVENTS_MAX), 0);
	event_block_deinit(&block);
}

static void a_block_that_names_an_unknown_site_is_refused(void **state)
{
	struct simple simple;
	struct reel_error error;

	simple_start(&simple, "badsite", CLOCK_HOST);
	assert_int_equal(event_block_reserve(&simple.block, 1), 0);
	event_block_before(&simple.block, 1, 5);
	assert_int_equal(
		writer_write_events(simple.writer, &simple.block, REEL_CODEC_ZSTD), REEL_EINVAL);
	event_block_deinit(&simple.block);
	assert_int_equal(writer_finish(simple.writer, &error), REEL_EINVAL);
	assert_int_not_equal(access(simple.path, F_OK), 0);
	model_unlink(simple.path);
}

/* ---- definitions ---- */

static void assert_same_string(const char *got, const char *expected)
{
	assert_int_equal(got != NULL, expected != NULL);
	if (got) {
		assert_string_equal(got, expected);
	}
}

static void assert_same_function(
	const struct reel_function *got, const struct reel_function *expected)
{
	assert_int_equal(got->index, expected->index);
	assert_same_string(got->module_name, expected->module_name);
	assert_same_string(got->name, expected->name);
	assert_same_string(got->debug_name, expected->debug_name);
	assert_same_string(got->import_module, expected->import_module);
	assert_same_string(got->import_name, expected->import_name);
	assert_int_equal(got->export_count, expected->export_count);
	for (uint32_t i = 0; i < got->export_count; i++) {
		assert_same_string(got->export_names[i], expected->export_names[i]);
	}
	assert_int_equal(got->param_count, expected->param_count);
	assert_int_equal(got->result_count, expected->result_count);
	assert_int_equal(got->param_names != NULL, expected->param_names != NULL);
	assert_int_equal(got->result_names != NULL, expected->result_names != NULL);
	for (uint32_t i = 0; i < got->param_count; i++) {
		assert_int_equal(got->param_types[i], expected->param_types[i]);
		if (got->param_names) {
			assert_same_string(got->param_names[i], expected->param_names[i]);
		}
	}
	for (uint32_t i = 0; i < got->result_count; i++) {
		assert_int_equal(got->result_types[i], expected->result_types[i]);
		if (got->result_names) {
			assert_same_string(got->result_names[i], expected->result_names[i]);
		}
	}
	assert_int_equal(got->is_host, expected->is_host);
	assert_int_equal(got->is_listened, expected->is_listened);
	assert_same_string(got->object, expected->object);
	assert_int_equal(got->address, expected->address);
	assert_int_equal(got->code_size, expected->code_size);
	assert_same_string(got->file, expected->file);
	assert_int_equal(got->line, expected->line);
}

static void functions_come_back_with_all_their_fields(void **state)
{
	static const char *const exports[] = {"run", "", "f\xc3\xbcr"};
	static const char *const names[] = {"a", NULL, "c"};
	static const uint8_t types[] = {REEL_I32, REEL_V128, REEL_EXTERNREF};
	const struct reel_function functions[] = {
		{.size = sizeof(functions[0]), .index = REEL_NO_INDEX},
		{.size = sizeof(functions[0]),
			.index = 3,
			.module_name = "",
			.name = "n",
			.debug_name = ".n",
			.import_module = "env",
			.import_name = "imported",
			.export_names = exports,
			.export_count = 3,
			.param_count = 3,
			.param_types = types,
			.param_names = names,
			.result_count = 2,
			.result_types = types + 1,
			.result_names = names,
			.is_host = true,
			.is_listened = true},
		{.size = sizeof(functions[0]),
			.index = UINT32_MAX - 1,
			.name = "native(int)",
			.object = "/usr/bin/program",
			.address = UINT64_MAX,
			.code_size = 17,
			.file = "program.c",
			.line = UINT32_MAX},
	};
	struct simple simple;
	struct reel_trace *trace;

	simple_start(&simple, "functions", CLOCK_HOST);
	for (uint32_t i = 0; i < 3; i++) {
		uint32_t id;

		assert_int_equal(writer_define_function(simple.writer, &functions[i], &id), 0);
		assert_int_equal(id, i + 1);
	}
	trace = simple_finish(&simple);
	assert_int_equal(reel_trace_function_count(trace), 4);
	for (uint32_t i = 0; i < 3; i++) {
		assert_same_function(reel_trace_function(trace, i + 1), &functions[i]);
		assert_int_equal(reel_trace_function(trace, i + 1)->id, i + 1);
	}
	assert_null(reel_trace_function(trace, 4));
	reel_trace_close(trace);
	model_unlink(simple.path);
}

static void a_redefined_stream_or_module_replaces_the_old_one(void **state)
{
	const struct reel_stream_info streams[] = {{.id = 9, .name = "nine", .process = "p"},
		{.id = 2, .name = "", .pid = 5, .tid = 6, .process = ""},
		{.id = 9, .name = "worker", .pid = 1, .tid = 9, .process = "p"}};
	const struct reel_module modules[] = {{.id = 70, .name = "old"},
		{.id = 4, .name = NULL, .has_memory = true, .global_count = 3},
		{.id = 70, .name = "new", .has_memory = true}};
	struct simple simple;
	struct reel_trace *trace;

	simple_start(&simple, "replace", CLOCK_HOST);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(writer_define_stream(simple.writer, &streams[i]), 0);
		assert_int_equal(writer_define_module(simple.writer, &modules[i]), 0);
	}
	trace = simple_finish(&simple);
	assert_int_equal(reel_trace_stream_count(trace), 2);
	assert_int_equal(reel_trace_stream(trace, 0)->id, 2);
	assert_int_equal(reel_trace_stream(trace, 0)->pid, 5);
	assert_string_equal(reel_trace_stream(trace, 1)->name, "worker");
	assert_int_equal(reel_trace_stream(trace, 1)->tid, 9);
	assert_null(reel_trace_stream(trace, 2));
	assert_int_equal(trace_module_count(trace), 2);
	assert_string_equal(trace_module(trace, 70)->name, "new");
	assert_true(trace_module(trace, 70)->has_memory);
	assert_null(trace_module(trace, 4)->name);
	assert_int_equal(trace_module(trace, 4)->global_count, 3);
	assert_ptr_equal(trace_module_at(trace, 0), trace_module(trace, 4));
	assert_null(trace_module(trace, 5));
	reel_trace_close(trace);
	model_unlink(simple.path);
}

static void sites_come_back_and_equal_ones_are_one(void **state)
{
	const struct site_frame frames[] = {{0, 10, 20}, {NO_ID, UINT64_MAX, 0}};
	const struct site sites[] = {
		{.function = 0, .module = NO_ID},
		{.function = NO_ID, .module = 0, .pc = 1, .offset = 2, .detached = true},
		{.function = 0,
			.module = 9,
			.has_caller = true,
			.caller_pc = 3,
			.caller_offset = 4,
			.shown = 5,
			.frame_count = 2,
			.frames = frames},
	};
	struct simple simple;
	struct reel_trace *trace;

	simple_start(&simple, "sites", CLOCK_HOST);
	for (uint32_t round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < 3; i++) {
			uint32_t id;

			assert_int_equal(writer_intern_site(simple.writer, &sites[i], &id), 0);
			assert_int_equal(id, i);
			assert_int_equal(
				writer_site(simple.writer, id)->frame_count, sites[i].frame_count);
		}
	}
	trace = simple_finish(&simple);
	assert_int_equal(trace_site_count(trace), 3);
	for (uint32_t i = 0; i < 3; i++) {
		const struct site *site = trace_site(trace, i);

		assert_int_equal(site->function, sites[i].function);
		assert_int_equal(site->module, sites[i].module);
		assert_int_equal(site->pc, sites[i].pc);
		assert_int_equal(site->offset, sites[i].offset);
		assert_int_equal(site->has_caller, sites[i].has_caller);
		assert_int_equal(site->detached, sites[i].detached);
		assert_int_equal(site->caller_pc, sites[i].caller_pc);
		assert_int_equal(site->caller_offset, sites[i].caller_offset);
		assert_int_equal(site->shown, sites[i].shown);
		assert_int_equal(site->frame_count, sites[i].frame_count);
		for (uint32_t f = 0; f < site->frame_count; f++) {
			assert_int_equal(site->frames[f].function, frames[f].function);
			assert_int_equal(site->frames[f].pc, frames[f].pc);
			assert_int_equal(site->frames[f].offset, frames[f].offset);
		}
	}
	assert_null(trace_site(trace, 3));
	reel_trace_close(trace);
	model_unlink(simple.path);
}

/* A blob of any size whose bytes follow from its number. */
static void fill_blob(uint8_t *bytes, size_t size, uint32_t number)
{
	for (size_t i = 0; i < size; i++) {
		bytes[i] = (uint8_t)(number * 31 + i * (number % 5 + 1));
	}
}

static void blobs_come_back_from_more_blocks_than_are_cached(void **state)
{
	enum { BLOBS = 600, LARGE = 3 << 20 };
	uint8_t *bytes = malloc(LARGE);
	struct simple simple;
	struct reel_trace *trace;

	assert_non_null(bytes);
	simple_start(&simple, "blobs", CLOCK_HOST);
	for (uint32_t round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < BLOBS; i++) {
			size_t size = i == 100 ? LARGE : i * 20;
			uint32_t id;

			fill_blob(bytes, size, i);
			assert_int_equal(writer_intern_blob(simple.writer, bytes, size, &id), 0);
			assert_int_equal(id, i);
		}
	}
	trace = simple_finish(&simple);
	for (uint32_t i = 0; i < 2 * BLOBS; i++) {
		uint32_t id = i * 577 % BLOBS;
		size_t size = 0;
		uint8_t *got = NULL;

		assert_int_equal(trace_blob(trace, id, &got, &size), 0);
		assert_int_equal(size, id == 100 ? LARGE : id * 20);
		fill_blob(bytes, size, id);
		assert_memory_equal(got, bytes, size);
		assert_int_equal(got[size], 0);
		free(got);
	}
	assert_int_equal(trace_blob(trace, BLOBS, &(uint8_t *){NULL}, &(size_t){0}), REEL_ENOENT);
	reel_trace_close(trace);
	model_unlink(simple.path);
	free(bytes);
}

static void an_oversized_blob_is_refused(void **state)
{
	struct simple simple;
	uint32_t id;

	simple_start(&simple, "bigblob", CLOCK_HOST);
	assert_int_equal(writer_intern_blob(simple.writer, "", (1u << 27) + 1, &id), REEL_ELIMIT);
	reel_trace_close(simple_finish(&simple));
	model_unlink(simple.path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_events_come_back_with_every_codec),
		cmocka_unit_test(random_plain_events_come_back),
		cmocka_unit_test(runs_give_the_same_events),
		cmocka_unit_test(next_after_a_run_of_bare_events_is_refused),
		cmocka_unit_test(many_threads_read_one_trace),
		cmocka_unit_test(a_trace_without_events_is_complete),
		cmocka_unit_test(info_counts_what_was_written),
		cmocka_unit_test(symbols_of_every_width_come_back),
		cmocka_unit_test(ticks_at_their_edges_come_back),
		cmocka_unit_test(ticks_that_run_backwards_are_clamped),
		cmocka_unit_test(an_event_without_room_in_the_block_is_refused),
		cmocka_unit_test(a_block_that_names_an_unknown_site_is_refused),
		cmocka_unit_test(functions_come_back_with_all_their_fields),
		cmocka_unit_test(a_redefined_stream_or_module_replaces_the_old_one),
		cmocka_unit_test(sites_come_back_and_equal_ones_are_one),
		cmocka_unit_test(blobs_come_back_from_more_blocks_than_are_cached),
		cmocka_unit_test(an_oversized_blob_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
