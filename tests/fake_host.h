/*
 * A host made by hand, with linear memory and globals: a guest's own functions and a few of WASI
 * preview 1, driven into any factory. Its clock moves at every look, as live ones do.
 */
#ifndef REEL_TESTS_FAKE_HOST_H
#define REEL_TESTS_FAKE_HOST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <reel/recorder.h>
#include <reel/replay.h>

#define FAKE_MEMORY 65536u
#define FAKE_DEPTH 16u

enum fake_function {
	FAKE_MAIN,      /* () -> () */
	FAKE_ALLOC,     /* (v128, i32 pointer, i64 length) -> i32 */
	FAKE_PATH_OPEN, /* WASI */
	FAKE_CLOCK,     /* WASI clock_time_get */
	FAKE_PRESTAT,   /* WASI fd_prestat_get */
	FAKE_FUNCTIONS,
};

static const uint8_t fake_types[] = {
	REEL_I32, REEL_I32, REEL_I32, REEL_I32, REEL_I32, REEL_I64, REEL_I64, REEL_I32, REEL_I32};
static const uint8_t fake_clock_types[] = {REEL_I32, REEL_I64, REEL_I32};
static const uint8_t fake_alloc_types[] = {REEL_V128, REEL_I32, REEL_I64};
static const char *const fake_alloc_names[] = {"v", "p", "n"};
static const char *const fake_open_names[] = {"fd", "dirflags", "path", "path_len", "oflags",
	"fs_rights_base", "fs_rights_inheriting", "fdflags", "result.opened_fd"};
static const char *const fake_clock_names[] = {"id", "precision", "result.timestamp"};
static const char *const fake_prestat_names[] = {"fd", "result.prestat"};
static const char *const fake_errno_names[] = {"errno"};

#define FAKE_WASI(text, param_total, types, names) \
	{ \
		.size = sizeof(struct reel_function), .module_name = "wasi_snapshot_preview1", \
		.name = text, .is_host = true, .is_listened = true, .param_count = param_total, \
		.param_types = types, .param_names = names, .result_count = 1, \
		.result_types = fake_types, .result_names = fake_errno_names \
	}

static const struct reel_function fake_definitions[FAKE_FUNCTIONS] = {
	[FAKE_MAIN] = {.size = sizeof(struct reel_function),
		.module_name = "guest",
		.name = "main",
		.is_listened = true},
	[FAKE_ALLOC] = {.size = sizeof(struct reel_function),
		.module_name = "guest",
		.name = "alloc",
		.index = 1,
		.is_listened = true,
		.param_count = 3,
		.param_types = fake_alloc_types,
		.param_names = fake_alloc_names,
		.result_count = 1,
		.result_types = fake_types},
	[FAKE_PATH_OPEN] = FAKE_WASI("path_open", 9, fake_types, fake_open_names),
	[FAKE_CLOCK] = FAKE_WASI("clock_time_get", 3, fake_clock_types, fake_clock_names),
	[FAKE_PRESTAT] = FAKE_WASI("fd_prestat_get", 2, fake_types, fake_prestat_names),
};

struct fake_host {
	struct reel_context context; /* first */
	struct reel_stream_info info;
	struct reel_module module;
	struct reel_listener_factory *factory;
	struct reel_listener *listeners[FAKE_FUNCTIONS];
	uint8_t memory[FAKE_MEMORY];
	uint64_t global;
	uint64_t now_ns;
	bool shows_once;                      /* its iterator cannot be rewound */
	struct reel_frame frames[FAKE_DEPTH]; /* outermost first */
	enum fake_function open[FAKE_DEPTH];
	uint32_t depth;
};

static inline uint64_t fake_time(const struct reel_context *context)
{
	struct fake_host *host = (struct fake_host *)(uintptr_t)context;

	return host->now_ns += 7;
}

static inline enum reel_read fake_memory_size(struct reel_module *module, uint64_t *size_bytes)
{
	(void)module;
	*size_bytes = FAKE_MEMORY;
	return REEL_READ_OK;
}

static inline enum reel_read fake_memory_read(
	struct reel_module *module, uint64_t offset, uint64_t length, const void **bytes)
{
	const struct fake_host *host = module->host;

	if (offset > FAKE_MEMORY || length > FAKE_MEMORY - offset) {
		return REEL_READ_OUT_OF_RANGE;
	}
	*bytes = host->memory + offset;
	return REEL_READ_OK;
}

static inline enum reel_read fake_global_get(
	struct reel_module *module, uint32_t index, uint64_t words[2])
{
	const struct fake_host *host = module->host;

	if (index > 0) {
		return REEL_READ_NO_MEMORY;
	}
	words[0] = host->global;
	return REEL_READ_OK;
}

static const struct reel_module_ops fake_ops = {
	.memory_size = fake_memory_size,
	.memory_read = fake_memory_read,
	.global_get = fake_global_get,
};

static inline struct fake_host *fake_host_create(struct reel_listener_factory *factory)
{
	const struct reel_host_info about = {.size = sizeof(about), .metadata = ""};
	struct fake_host *host = calloc(1, sizeof(*host));

	assert_non_null(host);
	host->factory = factory;
	host->info = (struct reel_stream_info){.id = 5, .name = "five", .process = ""};
	host->context = (struct reel_context){.stream = &host->info, .time_ns = fake_time};
	host->module = (struct reel_module){.id = 1,
		.name = "guest",
		.has_memory = true,
		.global_count = 1,
		.ops = &fake_ops,
		.host = host};
	if (factory->begin) {
		assert_int_equal(factory->begin(factory, &about, NULL), 0);
	}
	for (uint32_t i = 0; i < FAKE_FUNCTIONS; i++) {
		host->listeners[i] = factory->listener_for(factory, &fake_definitions[i]);
	}
	if (factory->marks && factory->marks->stream_begin) {
		factory->marks->stream_begin(factory, &host->context);
	}
	return host;
}

/* Ends the stream and the listeners; the factory is the caller's. */
static inline void fake_host_destroy(struct fake_host *host)
{
	struct reel_listener_factory *factory = host->factory;

	if (factory->marks && factory->marks->stream_end) {
		factory->marks->stream_end(factory, &host->context);
	}
	if (factory->finish) {
		assert_int_equal(factory->finish(factory, NULL), 0);
	}
	free(host);
}

struct fake_iterator {
	struct reel_stack_iterator base;
	struct reel_stack_iterator *inner;
};

static inline bool fake_next(struct reel_stack_iterator *base)
{
	return reel_stack_next(((struct fake_iterator *)base)->inner);
}

static inline const struct reel_frame *fake_frame(struct reel_stack_iterator *base)
{
	return reel_stack_frame(((struct fake_iterator *)base)->inner);
}

static const struct reel_stack_iterator_ops fake_once_ops = {
	.next = fake_next, .frame = fake_frame};

static inline void fake_before(
	struct fake_host *host, enum fake_function function, const uint64_t *params)
{
	struct reel_listener *listener = host->listeners[function];
	struct reel_frame shown[FAKE_DEPTH];
	struct reel_frame_array_iterator iterator;
	struct fake_iterator once = {.base = {&fake_once_ops}};

	host->open[host->depth] = function;
	host->frames[host->depth++] = (struct reel_frame){
		.function = &fake_definitions[function], .pc = 16u * function, .params = params};
	for (uint32_t i = 0; i < host->depth; i++) {
		shown[i] = host->frames[host->depth - 1 - i];
	}
	once.inner = reel_frame_array_iterator_init(&iterator, shown, host->depth);
	if (listener && listener->before) {
		listener->before(listener, &host->context, &host->module,
			&fake_definitions[function], params,
			host->shows_once ? &once.base : once.inner);
	}
}

static inline void fake_after(struct fake_host *host, const uint64_t *results)
{
	enum fake_function function = host->open[--host->depth];
	struct reel_listener *listener = host->listeners[function];

	if (listener && listener->after) {
		listener->after(listener, &host->context, &host->module,
			&fake_definitions[function], results);
	}
}

static inline void fake_abort(struct fake_host *host, const char *text)
{
	enum fake_function function = host->open[--host->depth];
	struct reel_listener *listener = host->listeners[function];
	const struct reel_abort error = {REEL_ABORT_ERROR, text, strlen(text), strlen(text)};

	if (listener && listener->abort) {
		listener->abort(listener, &host->context, &host->module,
			&fake_definitions[function], &error);
	}
}

/* ---- a run with something to read in every call ---- */

static inline void fake_open(struct fake_host *host, const char *path, uint32_t errno_result)
{
	uint32_t length = (uint32_t)strlen(path);
	const uint64_t params[] = {3, 1, 0xdead00000100, length, 9, 2, 0, 4, 0x200};
	const uint64_t results[] = {errno_result};

	memcpy(host->memory + 0x100, path, length);
	fake_before(host, FAKE_PATH_OPEN, params);
	memset(host->memory + 0x100, '#', length); /* what is read after is not what was before */
	host->memory[0x200] = (uint8_t)(length + 40);
	fake_after(host, results);
}

static inline void fake_run(struct fake_host *host)
{
	const uint64_t clock_params[] = {0, 1, 0x300};
	const uint64_t outside[] = {1, 1, FAKE_MEMORY - 4};
	const uint64_t prestat_params[] = {3, 0x400};
	const uint64_t success[] = {0}, badf[] = {8};

	fake_before(host, FAKE_MAIN, NULL);
	fake_open(host, "dir/file", 0);
	fake_open(host, "missing", 44);
	for (uint32_t i = 0; i < 20; i++) {
		host->global = i / 4;
		fake_before(host, FAKE_CLOCK, clock_params);
		host->memory[0x300] = (uint8_t)(i / 2);
		host->memory[0x305] = 9;
		fake_after(host, success);
	}
	fake_before(host, FAKE_CLOCK, outside);
	fake_after(host, success);
	fake_before(host, FAKE_PRESTAT, prestat_params);
	host->memory[0x404] = 11;
	fake_after(host, success);
	fake_before(host, FAKE_PRESTAT, prestat_params);
	fake_after(host, badf);
	fake_before(host, FAKE_PRESTAT, prestat_params);
	fake_abort(host, "host error");
	fake_after(host, NULL);
}

/* ---- files ---- */

static char fake_directory[32]; /* empty: not made yet */

static inline const char *fake_path(const char *name)
{
	static char paths[8][96];
	static unsigned next;
	char *path = paths[next++ % 8];

	if (fake_directory[0] == '\0') {
		strcpy(fake_directory, "/tmp/reel-test-XXXXXX");
		assert_non_null(mkdtemp(fake_directory));
	}
	snprintf(path, sizeof(paths[0]), "%s/%s", fake_directory, name);
	return path;
}

static inline void fake_remove_files(void)
{
	char command[128];

	if (fake_directory[0] != '\0') {
		snprintf(command, sizeof(command), "rm -rf %s", fake_directory);
		assert_int_equal(system(command), 0);
	}
}

/* A file's bytes with a NUL. */
static inline char *fake_read_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	char *text = malloc(1 << 22);

	assert_non_null(file);
	*size = fread(text, 1, (1 << 22) - 1, file);
	text[*size] = '\0';
	fclose(file);
	return text;
}

static inline void assert_same_files(const char *left, const char *right)
{
	size_t left_size, right_size;
	char *left_text = fake_read_file(left, &left_size);
	char *right_text = fake_read_file(right, &right_size);

	assert_true(left_size > 0);
	assert_string_equal(left_text, right_text);
	assert_int_equal(left_size, right_size);
	free(left_text);
	free(right_text);
}

static inline struct reel_listener_factory *fake_listener(const char *spec, const char *path)
{
	struct reel_listener_factory *factory;
	struct reel_error error;

	if (reel_listener_create(spec, path, &factory, &error) < 0) {
		fail_msg("%s", error.text);
	}
	return factory;
}

static inline struct reel_recorder *fake_recorder(
	const char *path, const struct reel_recorder_options *options)
{
	struct reel_recorder *recorder;
	struct reel_error error;

	if (reel_recorder_open(path, options, &recorder, &error) < 0) {
		fail_msg("%s", error.text);
	}
	return recorder;
}

static inline void fake_replay(const char *path, struct reel_listener_factory *factory)
{
	struct reel_trace *trace;
	struct reel_error error;

	assert_int_equal(reel_trace_open(path, &trace, NULL), 0);
	if (reel_replay(trace, factory, NULL, NULL, &error) < 0) {
		fail_msg("%s", error.text);
	}
	reel_trace_close(trace);
}

#endif
