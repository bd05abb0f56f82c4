/*
 * Memory that cannot be had: a trace is written and read again and again, the n-th allocation
 * failing, for every n. Each time there is a plain status, nothing leaks, and what was finished
 * reads.
 *
 * The program brings its own malloc, which sanitizers do not like: built with one it is skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <glob.h>

#include "format/reader.h"
#include "format/writer.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#endif

#ifdef SANITIZED

int main(void)
{
	printf("skipped: a sanitizer has its own malloc\n");
	return 77;
}

#else

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void __libc_free(void *memory);

/* Counts allocations while it is on; the one with number `failing` fails. */
static struct {
	bool on;
	unsigned long count, failing;
	long live;
} allocations;

static bool fails(void)
{
	return allocations.on && ++allocations.count == allocations.failing;
}

/* Seen by the shared libraries, too. */
#pragma GCC visibility push(default)

void *malloc(size_t size)
{
	void *memory = fails() ? NULL : __libc_malloc(size);

	allocations.live += allocations.on && memory;
	return memory;
}

void *calloc(size_t count, size_t size)
{
	void *memory = fails() ? NULL : __libc_calloc(count, size);

	allocations.live += allocations.on && memory;
	return memory;
}

void *realloc(void *memory, size_t size)
{
	void *moved = fails() ? NULL : __libc_realloc(memory, size);

	allocations.live += allocations.on && moved && !memory;
	return moved;
}

void free(void *memory)
{
	allocations.live -= allocations.on && memory;
	__libc_free(memory);
}

#pragma GCC visibility pop

static char path[] = "/tmp/reel-test-memory-XXXXXX";

static int define(struct writer *writer, uint32_t *site)
{
	static const uint8_t types[] = {REEL_I64};
	static const struct site_frame frame = {NO_ID, 1, 2};
	const struct reel_function function = {.size = sizeof(function),
		.name = "f",
		.param_count = 1,
		.param_types = types,
		.result_count = 1,
		.result_types = types};
	const struct reel_module module = {.id = 1, .name = "m"};
	const struct reel_stream_info stream = {.id = 1, .name = "s", .process = "p"};
	const struct site where = {.function = 0, .module = 1, .frame_count = 1, .frames = &frame};
	uint32_t id;
	int status = writer_define_function(writer, &function, &id);

	if (!status) {
		status = writer_define_module(writer, &module);
	}
	if (!status) {
		status = writer_define_stream(writer, &stream);
	}
	if (!status) {
		status = writer_clock_sample(writer, 1, 2, 3);
	}
	if (!status) {
		status = writer_define_object(writer, 1, "/o", NULL, 0, 1, 2);
	}
	return status ? status : writer_intern_site(writer, &where, site);
}

static int fill(struct writer *writer, struct event_block *block, uint32_t site, uint64_t seed)
{
	const uint64_t words[] = {seed};
	const struct event_global global = {1, {2, 3}};
	struct event_read read = {.offset = 1, .length = 2};
	const struct event_capture capture = {
		.globals = &global, .global_count = 1, .reads = &read, .read_count = 1};
	struct event event = {.kind = EVENT_BEFORE,
		.ticks = seed * 100,
		.site = site,
		.function = 0,
		.module = 1,
		.values = words,
		.value_count = 1};
	int status = writer_intern_blob(writer, &seed, sizeof(seed), &read.blob);

	for (unsigned i = 0; i < 700 && !status; i++) {
		event.kind = EVENT_BEFORE;
		event.capture = i % 50 == 0 ? &capture : NULL;
		event.ticks += i * i;
		status = event_block_append(block, &event, 1);
		event.kind = EVENT_AFTER;
		event.ticks += 7;
		if (!status) {
			status = event_block_append(block, &event, 1);
		}
	}
	return status;
}

static int write_block(struct writer *writer, uint32_t site, uint64_t seed, enum reel_codec codec)
{
	const uint64_t params[] = {5};
	const struct activation open = {
		.site = site, .module = 1, .params = params, .param_count = 1};
	struct event_block block;
	int status;

	event_block_init(&block);
	status = event_block_begin(&block, 1);
	if (!status) {
		status = event_block_open(&block, &open);
	}
	if (!status) {
		status = fill(writer, &block, site, seed);
	}
	if (!status) {
		status = writer_write_events(writer, &block, codec);
	}
	event_block_deinit(&block);
	return status;
}

static int write_trace(void)
{
	const struct writer_options options = {
		.codec = REEL_CODEC_ZSTD, .clock = CLOCK_TSC, .metadata = "{}"};
	struct reel_error error;
	struct writer *writer;
	uint32_t site;
	int status = writer_create(path, &options, &writer, &error);

	if (status) {
		return status;
	}
	status = define(writer, &site);
	for (unsigned i = 0; i < 3 && !status; i++) {
		status = write_block(writer, site, i + 1, (enum reel_codec)i);
	}
	if (status) {
		writer_abandon(writer);
		return status;
	}
	return writer_finish(writer, &error);
}

static int read_events(struct reel_trace *trace, struct cursor *cursor)
{
	struct event event = {0};
	int status = REEL_OK;
	uint8_t *bytes;
	size_t size;

	for (uint32_t i = 0; i < trace_event_block_count(trace) && !status; i++) {
		status = cursor_load(cursor, i, NULL);
		while (!status) {
			status = cursor_next(cursor, &event);
		}
		status = status == REEL_END ? REEL_OK : status;
	}
	if (!status) {
		status = trace_blob(trace, 1, &bytes, &size);
		if (!status) {
			free(bytes);
		}
	}
	return status;
}

static int read_trace(void)
{
	struct cursor *cursor = NULL;
	struct reel_trace *trace;
	struct reel_error error;
	int status = reel_trace_open(path, &trace, &error);

	if (status) {
		return status;
	}
	status = cursor_create(trace, &cursor);
	if (!status) {
		status = read_events(trace, cursor);
	}
	if (!status) {
		status = reel_trace_verify(trace, NULL, NULL, NULL, &error);
	}
	cursor_destroy(cursor);
	reel_trace_close(trace);
	return status;
}

/* Runs with the n-th allocation failing until there are fewer. */
static void fail_each(int (*run)(void), int (*check)(void))
{
	unsigned long failed = 0;

	for (unsigned long n = 1;; n++) {
		int status;

		memset(&allocations, 0, sizeof(allocations));
		allocations.failing = n;
		allocations.on = true;
		status = run();
		allocations.on = false;
		assert_true(status == REEL_OK || status == REEL_ENOMEM);
		assert_int_equal(allocations.live, 0);
		failed += status != REEL_OK;
		if (status == REEL_OK && check) {
			assert_int_equal(check(), REEL_OK);
		}
		if (allocations.count < n) {
			break;
		}
	}
	assert_true(failed > 20);
}

static void writing_survives_each_failed_allocation(void **state)
{
	fail_each(write_trace, read_trace);
}

static void reading_survives_each_failed_allocation(void **state)
{
	assert_int_equal(write_trace(), REEL_OK);
	fail_each(read_trace, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writing_survives_each_failed_allocation),
		cmocka_unit_test(reading_survives_each_failed_allocation),
	};
	char pattern[sizeof(path) + 1];
	glob_t found;
	int failures;

	close(mkstemp(path));
	failures = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(pattern, sizeof(pattern), "%s*", path);
	if (glob(pattern, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++) {
			unlink(found.gl_pathv[i]);
		}
		globfree(&found);
	}
	return failures;
}

#endif
