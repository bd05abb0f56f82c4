/*
 * Drives a built-in listener by hand: a host of a few functions and streams whose clock only moves
 * when the test says so, and whose listener writes to a scratch file that is read back as text.
 */
#ifndef REEL_TESTS_BUILTIN_DRIVE_H
#define REEL_TESTS_BUILTIN_DRIVE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <reel/replay.h>

#define DRIVE_STREAMS 4

static uint64_t drive_now_ns;

struct drive {
	struct reel_listener_factory *factory;
	char directory[64];
	char path[128];
	char *text; /* what the listener wrote; freed by drive_end() */
	struct reel_stream_info infos[DRIVE_STREAMS];
	struct reel_context contexts[DRIVE_STREAMS];
};

/* A function and the listener that was chosen for it. */
struct drive_function {
	struct reel_function definition;
	struct reel_listener *listener;
};

static inline uint64_t drive_time(const struct reel_context *context)
{
	(void)context;
	return drive_now_ns;
}

static inline void drive_make_directory(struct drive *drive)
{
	strcpy(drive->directory, "/tmp/reel-builtin-XXXXXX");
	assert_non_null(mkdtemp(drive->directory));
	snprintf(drive->path, sizeof(drive->path), "%s/out", drive->directory);
}

/* Creates the listener "NAME" or "NAME:OPTIONS" and tells it of the host. */
static inline void drive_begin_as(
	struct drive *drive, const char *spec, const struct reel_host_info *info)
{
	struct reel_error error = {0};

	*drive = (struct drive){0};
	drive_now_ns = 1000;
	drive_make_directory(drive);
	for (uint32_t i = 0; i < DRIVE_STREAMS; i++) {
		drive->infos[i] = (struct reel_stream_info){.id = i, .name = "", .process = ""};
		drive->contexts[i] = (struct reel_context){
			.stream = &drive->infos[i], .slot = i, .time_ns = drive_time};
	}
	if (reel_listener_create(spec, drive->path, &drive->factory, &error) < 0) {
		fail_msg("%s: %s", spec, error.text);
	}
	if (drive->factory->begin) {
		assert_int_equal(drive->factory->begin(drive->factory, info, &error), 0);
	}
}

static inline void drive_begin(struct drive *drive, const char *spec)
{
	const struct reel_host_info info = {.size = sizeof(info), .replay = true, .metadata = ""};

	drive_begin_as(drive, spec, &info);
}

static inline void drive_function(
	struct drive *drive, struct drive_function *function, const char *module, const char *name)
{
	*function = (struct drive_function){0};
	function->definition.size = sizeof(function->definition);
	function->definition.module_name = module;
	function->definition.name = name;
	function->definition.is_listened = true;
	function->listener = drive->factory->listener_for(drive->factory, &function->definition);
}

/* A before after `ns` more; frame 0 of the stack is the function. */
static inline void drive_before_with(struct drive *drive, uint32_t stream, uint64_t ns,
	struct drive_function *function, struct reel_module *module, const uint64_t *params,
	const struct reel_frame *frames, size_t frame_count)
{
	const struct reel_frame top = {.function = &function->definition, .params = params};
	struct reel_frame_array_iterator stack;

	drive_now_ns += ns;
	reel_frame_array_iterator_init(&stack, frames ? frames : &top, frames ? frame_count : 1);
	function->listener->before(function->listener, &drive->contexts[stream], module,
		&function->definition, params, &stack.base);
}

static inline void drive_before(
	struct drive *drive, uint32_t stream, uint64_t ns, struct drive_function *function)
{
	drive_before_with(drive, stream, ns, function, NULL, NULL, NULL, 0);
}

static inline void drive_after_with(struct drive *drive, uint32_t stream, uint64_t ns,
	struct drive_function *function, struct reel_module *module, const uint64_t *results)
{
	drive_now_ns += ns;
	function->listener->after(function->listener, &drive->contexts[stream], module,
		&function->definition, results);
}

static inline void drive_after(
	struct drive *drive, uint32_t stream, uint64_t ns, struct drive_function *function)
{
	drive_after_with(drive, stream, ns, function, NULL, NULL);
}

static inline void drive_abort(struct drive *drive, uint32_t stream, uint64_t ns,
	struct drive_function *function, const char *text)
{
	const struct reel_abort error = {
		.text = text, .length = strlen(text), .full_length = strlen(text)};

	drive_now_ns += ns;
	function->listener->abort(
		function->listener, &drive->contexts[stream], NULL, &function->definition, &error);
}

static inline char *drive_read_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	char *text = calloc(1, 1 << 22);

	if (!file || !text) {
		fail_msg("%s cannot be read", path);
	}
	text[fread(text, 1, (1 << 22) - 1, file)] = '\0';
	fclose(file);
	return text;
}

/* Finishes the listener and reads what it wrote. */
static inline const char *drive_finish(struct drive *drive)
{
	struct reel_error error = {0};

	if (drive->factory->finish && drive->factory->finish(drive->factory, &error) < 0) {
		fail_msg("finish: %s", error.text);
	}
	drive->text = drive_read_file(drive->path);
	return drive->text;
}

static inline void drive_end(struct drive *drive)
{
	reel_listener_factory_destroy(drive->factory);
	unlink(drive->path);
	assert_int_equal(rmdir(drive->directory), 0);
	free(drive->text);
}

/* That a spec is refused, with this text. */
static inline void drive_expect_refusal(const char *spec, const char *text)
{
	struct reel_listener_factory *factory = NULL;
	struct reel_error error = {0};

	assert_true(reel_listener_create(spec, NULL, &factory, &error) < 0);
	assert_null(factory);
	assert_string_equal(error.text, text);
}

#endif
