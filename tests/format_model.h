/*
 * Random traces for the format's tests, and their reference: every event as the writer was given
 * it, copied flat into memory. A model drives a writer and later compares what a cursor gives.
 *
 * Include it after cmocka.h; it asserts.
 */
#ifndef REEL_TESTS_FORMAT_MODEL_H
#define REEL_TESTS_FORMAT_MODEL_H

#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/reader.h"
#include "format/writer.h"

#define MODEL_FUNCTIONS 12u
#define MODEL_DEPTH_MAX 40u

/* An event with everything that it points to. */
struct model_event {
	struct event event;
	uint64_t values[8];
	struct event_capture capture;
	struct event_global globals[2];
	struct event_read reads[3];
};

struct model_block {
	uint32_t stream;
	size_t first, count; /* in events */
	struct activation open[MODEL_DEPTH_MAX];
	uint64_t params[MODEL_DEPTH_MAX][8];
	uint32_t open_count;
};

struct model {
	uint64_t random;
	struct writer *writer;
	struct event_block block;
	struct model_event *events;
	size_t event_count, event_capacity;
	struct model_block *blocks;
	size_t block_count;
	/* The stream being written. */
	struct activation open[MODEL_DEPTH_MAX];
	uint64_t params[MODEL_DEPTH_MAX][8];
	uint32_t open_function[MODEL_DEPTH_MAX];
	uint32_t depth;
	uint64_t ticks;
	/* What was defined. */
	uint32_t function_count, site_count, blob_count;
	uint32_t site_function[64];
	uint32_t tick_unit;
	bool plain_only, without_values;
};

static inline uint64_t model_random(struct model *model)
{
	model->random ^= model->random << 13;
	model->random ^= model->random >> 7;
	model->random ^= model->random << 17;
	return model->random;
}

static inline uint32_t model_below(struct model *model, uint32_t limit)
{
	return (uint32_t)(model_random(model) % limit);
}

/* A temporary path that belongs to this process. */
static inline const char *model_path(const char *name)
{
	static char path[256];
	const char *directory = getenv("TMPDIR");

	snprintf(path, sizeof(path), "%s/reel-test-%ld-%s.reel", directory ? directory : "/tmp",
		(long)getpid(), name);
	return path;
}

/* Removes a file and what unfinished writers left beside it. */
static inline void model_unlink(const char *path)
{
	char pattern[300];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s*", path);
	if (glob(pattern, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++) {
			unlink(found.gl_pathv[i]);
		}
		globfree(&found);
	}
}

static inline uint32_t model_param_words(uint32_t function)
{
	return function % 4;
}

static inline uint32_t model_result_words(uint32_t function)
{
	return function % 3;
}

static inline void model_define(struct model *model)
{
	static const uint8_t types[3] = {REEL_I64, REEL_F64, REEL_I32};

	for (uint32_t i = 0; i < MODEL_FUNCTIONS; i++) {
		struct reel_function function = {.size = sizeof(function),
			.index = i,
			.name = "function",
			.module_name = "module",
			.is_listened = true,
			.param_count = model_param_words(i),
			.param_types = types,
			.result_count = model_result_words(i),
			.result_types = types};
		uint32_t id;

		assert_int_equal(writer_define_function(model->writer, &function, &id), 0);
		assert_int_equal(id, i);
	}
	model->function_count = MODEL_FUNCTIONS;
	for (uint32_t i = 0; i < 4; i++) {
		const struct reel_module module = {.id = 100 + i, .name = "instance"};

		assert_int_equal(writer_define_module(model->writer, &module), 0);
	}
}

static inline uint32_t model_site(struct model *model)
{
	struct site_frame frames[2] = {{1, 77, 78}, {NO_ID, 99, 0}};
	uint32_t which = model_below(model, 40);
	struct site site = {.function = which % model->function_count,
		.module = which % 5 ? 100 + which % 5 - 1 : NO_ID,
		.pc = which,
		.offset = 1000 + which,
		.has_caller = which % 2,
		.detached = which % 7 == 0,
		.caller_pc = which % 2 ? which * 3 : 0,
		.caller_offset = which % 2 ? 1 : 0,
		.shown = which % 11,
		.frame_count = which % 3,
		.frames = frames};
	uint32_t id;

	assert_int_equal(writer_intern_site(model->writer, &site, &id), 0);
	assert_true(id < 64);
	model->site_function[id] = site.function;
	return id;
}

static inline uint32_t model_blob(struct model *model)
{
	char text[64];
	uint32_t id;
	int length = snprintf(text, sizeof(text), "blob %u", model_below(model, 50));

	if (model_below(model, 10) == 0) {
		return NO_ID;
	}
	assert_int_equal(writer_intern_blob(model->writer, text, (size_t)length, &id), 0);
	return id;
}

static inline uint64_t model_word(struct model *model)
{
	uint64_t word = model_random(model);

	return word >> (model_random(model) & 63);
}

static inline struct model_event *model_add_event(struct model *model)
{
	struct model_event *added;

	if (model->event_count == model->event_capacity) {
		model->event_capacity = model->event_capacity ? model->event_capacity * 2 : 1024;
		model->events =
			realloc(model->events, model->event_capacity * sizeof(*model->events));
		assert_non_null(model->events);
	}
	added = &model->events[model->event_count++];
	memset(added, 0, sizeof(*added));
	added->event.site = added->event.function = added->event.module = NO_ID;
	added->event.error = added->event.text = NO_ID;
	return added;
}

static inline void model_capture(struct model *model, struct model_event *added)
{
	struct event_capture *capture = &added->capture;

	capture->has_memory_size = model_below(model, 2);
	capture->memory_size_bytes = capture->has_memory_size ? model_word(model) : 0;
	capture->global_count = model_below(model, 3);
	capture->read_count = model_below(model, 4);
	for (uint32_t i = 0; i < capture->global_count; i++) {
		added->globals[i] = (struct event_global){
			model_below(model, 9), {model_word(model), model_word(model)}};
	}
	for (uint32_t i = 0; i < capture->read_count; i++) {
		added->reads[i] = (struct event_read){
			model_word(model), model_word(model), model_blob(model)};
	}
	added->event.capture = capture;
}

/* Sets the pointers, which go stale when the array of events grows. */
static inline const struct event *model_event(struct model_event *added)
{
	added->event.values = added->event.value_count ? added->values : NULL;
	added->capture.globals = added->globals;
	added->capture.reads = added->reads;
	added->event.capture = added->event.capture ? &added->capture : NULL;
	return &added->event;
}

static inline void model_values(struct model *model, struct model_event *added, uint32_t count)
{
	count = model->without_values ? 0 : count;
	added->event.value_count = count;
	for (uint32_t i = 0; i < count; i++) {
		added->values[i] = model_word(model);
	}
}

static inline void model_before(struct model *model, struct model_event *added, bool odd)
{
	struct event *event = &added->event;
	struct activation *call = &model->open[model->depth];

	event->kind = EVENT_BEFORE;
	event->site = model_site(model);
	event->function = model->site_function[event->site];
	event->module = odd && model_below(model, 2)
				? 100 + model_below(model, 4)
				: writer_site(model->writer, event->site)->module;
	model_values(model, added,
		odd && model_below(model, 4) == 0 ? model_below(model, 8)
						  : model_param_words(event->function));
	*call = (struct activation){.site = event->site,
		.module = event->module,
		.ticks = event->ticks,
		.pc = model_random(model),
		.offset = model_below(model, 100),
		.param_count = event->value_count,
		.call_depth = model_below(model, 3)};
	memcpy(model->params[model->depth], added->values, sizeof(added->values));
	model->open_function[model->depth++] = event->function;
}

static inline void model_exit(
	struct model *model, struct model_event *added, bool odd, bool is_abort)
{
	struct event *event = &added->event;
	uint32_t top = --model->depth;

	event->kind = is_abort ? EVENT_ABORT : EVENT_AFTER;
	event->function = model->open_function[top];
	event->module = odd && model_below(model, 2) ? NO_ID : model->open[top].module;
	if (!is_abort) {
		model_values(model, added, model_result_words(event->function));
		return;
	}
	event->error_kind = (enum reel_abort_kind)model_below(model, 4);
	event->repaired = (enum reel_reason)model_below(model, 6);
	event->error = model_blob(model);
	event->error_full_length = model_below(model, 3) ? 0 : model_word(model);
}

static inline void model_mark(struct model *model, struct model_event *added)
{
	struct event *event = &added->event;

	event->kind = (enum event_kind)(EVENT_UNDELIVERED_AFTER + model_below(model, 5));
	switch (event->kind) {
	case EVENT_UNDELIVERED_AFTER:
	case EVENT_UNDELIVERED_ABORT:
		event->function = model_below(model, model->function_count);
		event->module = model_below(model, 2) ? 100 : NO_ID;
		if (event->kind == EVENT_UNDELIVERED_AFTER) {
			model_values(model, added, model_below(model, 4));
		} else {
			event->error = model_blob(model);
		}
		break;
	case EVENT_GAP:
		event->lost = model_word(model) >> 20;
		break;
	default:
		event->text = model_blob(model);
	}
}

/* The module that a reader assumes for an event. */
static inline uint32_t model_plain_module(const struct model *model, const struct event *event)
{
	if (event->kind == EVENT_BEFORE) {
		return writer_site(model->writer, event->site)->module;
	}
	return event->kind < EVENT_BEFORE ? model->open[model->depth].module : NO_ID;
}

/* Makes up an event and appends it to the block. */
static inline void model_step(struct model *model)
{
	struct model_event *added = model_add_event(model);
	uint32_t choice = model_below(model, 100);
	bool odd = !model->plain_only && choice % 10 == 0;

	model->ticks +=
		(uint64_t)model->tick_unit *
		(model_below(model, 50) ? model_below(model, 100) : model_word(model) >> 34);
	added->event.ticks = model->ticks;
	if (!model->plain_only && choice < 4) {
		model_mark(model, added);
	} else if (model->depth == 0 || (choice < 52 && model->depth < MODEL_DEPTH_MAX)) {
		model_before(model, added, odd);
	} else {
		model_exit(model, added, odd, !model->plain_only && choice > 95);
	}
	if (odd && added->event.kind <= EVENT_UNDELIVERED_ABORT && model_below(model, 2)) {
		model_capture(model, added);
	}
	assert_int_equal(event_block_append(&model->block, model_event(added),
				 model_plain_module(model, &added->event)),
		0);
	model->blocks[model->block_count - 1].count++;
}

/* Starts a block with the calls that are open. */
static inline void model_begin_block(struct model *model, uint32_t stream)
{
	struct model_block *block;

	model->blocks = realloc(model->blocks, (model->block_count + 1) * sizeof(*model->blocks));
	assert_non_null(model->blocks);
	block = &model->blocks[model->block_count++];
	memset(block, 0, sizeof(*block));
	block->stream = stream;
	block->first = model->event_count;
	block->open_count = model->depth;
	memcpy(block->open, model->open, sizeof(block->open));
	memcpy(block->params, model->params, sizeof(block->params));
	assert_int_equal(event_block_begin(&model->block, stream), 0);
	for (uint32_t i = 0; i < model->depth; i++) {
		model->open[i].params = model->params[i];
		assert_int_equal(event_block_open(&model->block, &model->open[i]), 0);
	}
}

static inline void model_write_block(
	struct model *model, uint32_t stream, size_t event_count, enum reel_codec codec)
{
	model_begin_block(model, stream);
	for (size_t i = 0; i < event_count; i++) {
		model_step(model);
	}
	assert_int_equal(writer_write_events(model->writer, &model->block, codec), 0);
}

static inline void model_start(
	struct model *model, const char *path, enum reel_codec codec, uint64_t seed)
{
	const struct writer_options options = {.codec = codec,
		.clock = CLOCK_HOST,
		.producer = "test",
		.metadata = "{\"host\":\"model\"}"};
	const struct reel_stream_info stream = {.id = 7, .name = "main", .process = "model"};
	struct reel_error error;

	memset(model, 0, sizeof(*model));
	model->random = seed * 2654435761u + 88172645463325252u;
	model->tick_unit = (uint32_t[]){1, 26, 64, 1000}[seed % 4];
	model->ticks = 1000000;
	assert_int_equal(writer_create(path, &options, &model->writer, &error), 0);
	model_define(model);
	assert_int_equal(writer_define_stream(model->writer, &stream), 0);
	event_block_init(&model->block);
}

static inline void model_finish(struct model *model)
{
	struct reel_error error;

	event_block_deinit(&model->block);
	assert_int_equal(writer_finish(model->writer, &error), 0);
	model->writer = NULL;
}

static inline void model_free(struct model *model)
{
	free(model->events);
	free(model->blocks);
}

/* ---- comparison ---- */

static inline void model_compare_capture(
	const struct event_capture *got, const struct event_capture *expected)
{
	assert_int_equal(got->has_memory_size, expected->has_memory_size);
	assert_int_equal(got->memory_size_bytes, expected->memory_size_bytes);
	assert_int_equal(got->global_count, expected->global_count);
	assert_int_equal(got->read_count, expected->read_count);
	for (uint32_t i = 0; i < got->global_count; i++) {
		assert_int_equal(got->globals[i].index, expected->globals[i].index);
		assert_int_equal(got->globals[i].words[0], expected->globals[i].words[0]);
		assert_int_equal(got->globals[i].words[1], expected->globals[i].words[1]);
	}
	for (uint32_t i = 0; i < got->read_count; i++) {
		assert_int_equal(got->reads[i].offset, expected->reads[i].offset);
		assert_int_equal(got->reads[i].length, expected->reads[i].length);
		assert_int_equal(got->reads[i].blob, expected->reads[i].blob);
	}
}

static inline void model_compare_event(const struct event *got, const struct event *expected)
{
	assert_int_equal(got->kind, expected->kind);
	assert_int_equal(got->repaired, expected->repaired);
	assert_int_equal(got->ticks, expected->ticks);
	assert_int_equal(got->module, expected->module);
	assert_int_equal(got->function, expected->function);
	assert_int_equal(got->value_count, expected->value_count);
	for (uint32_t i = 0; i < got->value_count; i++) {
		assert_int_equal(got->values[i], expected->values[i]);
	}
	assert_int_equal(got->capture != NULL, expected->capture != NULL);
	if (got->capture) {
		model_compare_capture(got->capture, expected->capture);
	}
	if (got->kind == EVENT_BEFORE) {
		assert_int_equal(got->site, expected->site);
	}
	if (got->kind == EVENT_ABORT || got->kind == EVENT_UNDELIVERED_ABORT) {
		assert_int_equal(got->error_kind, expected->error_kind);
		assert_int_equal(got->error, expected->error);
		assert_int_equal(got->error_full_length, expected->error_full_length);
	}
	if (got->kind == EVENT_CALL_BEGIN || got->kind == EVENT_CALL_END) {
		assert_int_equal(got->text, expected->text);
	}
	if (got->kind == EVENT_GAP) {
		assert_int_equal(got->lost, expected->lost);
	}
}

static inline void model_compare_key_frame(
	const struct cursor *cursor, const struct model_block *block)
{
	uint32_t count;
	const struct activation *calls = cursor_key_frame(cursor, &count);

	assert_int_equal(count, block->open_count);
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(calls[i].site, block->open[i].site);
		assert_int_equal(calls[i].module, block->open[i].module);
		assert_int_equal(calls[i].ticks, block->open[i].ticks);
		assert_int_equal(calls[i].pc, block->open[i].pc);
		assert_int_equal(calls[i].offset, block->open[i].offset);
		assert_int_equal(calls[i].call_depth, block->open[i].call_depth);
		assert_int_equal(calls[i].param_count, block->open[i].param_count);
		for (uint32_t w = 0; w < calls[i].param_count; w++) {
			assert_int_equal(calls[i].params[w], block->params[i][w]);
		}
	}
}

/* Compares one block; the cursor has loaded it. */
static inline void model_compare_block(struct model *model, struct cursor *cursor, size_t index)
{
	const struct model_block *block = &model->blocks[index];
	struct event event = {0};

	model_compare_key_frame(cursor, block);
	for (size_t i = 0; i < block->count; i++) {
		assert_int_equal(cursor_next(cursor, &event), REEL_OK);
		model_compare_event(&event, model_event(&model->events[block->first + i]));
	}
	assert_int_equal(cursor_next(cursor, &event), REEL_END);
	assert_int_equal(cursor_next(cursor, &event), REEL_END);
}

#endif
