/*
 * What listeners read is recorded: around live listeners, and by specification. A host made by hand
 * changes its memory between before and after, so that only what was kept at the very event gives
 * the right answer.
 */
#include "fake_host.h"

#include <sys/stat.h>

static const struct reel_recorder_options lossless = {
	.size = sizeof(lossless), .on_full = REEL_ON_FULL_WAIT, .host_time = true};

/* ---- around a live listener ---- */

/* Runs the host into `listeners` beside a recorder. */
static void record_beside(struct reel_listener_factory *listeners,
	const struct reel_recorder_options *options, bool shows_once)
{
	struct reel_recorder *recorder = fake_recorder(fake_path("t.reel"), options);
	struct reel_listener_factory *capturing =
		reel_capturing_factory_create(recorder, listeners);
	struct fake_host *host;

	assert_non_null(capturing);
	host = fake_host_create(capturing);
	host->shows_once = shows_once;
	fake_run(host);
	fake_host_destroy(host);
	reel_listener_factory_destroy(capturing);
	assert_int_equal(reel_recorder_close(recorder, NULL), 0);
}

static void replay_log(const char *path)
{
	struct reel_listener_factory *log = fake_listener("log", path);

	fake_replay(fake_path("t.reel"), log);
	reel_listener_factory_destroy(log);
}

static void log_prints_the_same_live_and_replayed(void **state)
{
	for (int walk = REEL_WALK_TRUSTED; walk <= REEL_WALK_FULL; walk++) {
		for (int shows_once = 0; shows_once <= 1; shows_once++) {
			struct reel_listener_factory *log = fake_listener("log", fake_path("live"));
			struct reel_recorder_options options = lossless;

			options.walk = (enum reel_walk)walk;
			record_beside(log, &options, shows_once);
			reel_listener_factory_destroy(log);
			replay_log(fake_path("replayed"));
			assert_same_files(fake_path("live"), fake_path("replayed"));
		}
	}
}

static void the_log_shows_what_was_read(void **state)
{
	size_t size;
	char *text = fake_read_file(fake_path("replayed"), &size);

	assert_non_null(strstr(text, "path=dir/file"));
	assert_non_null(strstr(text, "opened_fd=48"));
	assert_non_null(strstr(text, "path=missing"));
	assert_non_null(strstr(text, "pr_name_len=11"));
	assert_null(strchr(text, '?'));
	free(text);
}

/* A listener that reads, walks and writes down what it got: through a multi factory. */
struct reader {
	struct reel_listener_factory factory;
	struct reel_listener listener;
	struct reel_marks marks;
	FILE *file;
};

static void note_read(
	struct reader *reader, struct reel_module *module, uint64_t offset, uint64_t length)
{
	const void *bytes;
	enum reel_read answer = reel_module_memory_read(module, offset, length, &bytes);

	fprintf(reader->file, " %d", answer);
	for (uint64_t i = 0; answer == REEL_READ_OK && i < length; i++) {
		fprintf(reader->file, "%02x", ((const uint8_t *)bytes)[i]);
	}
}

static void note_module(struct reader *reader, const struct reel_context *context,
	struct reel_module *module, const struct reel_function *function)
{
	uint64_t words[2], size_bytes;
	enum reel_read size = reel_module_memory_size(module, &size_bytes);
	enum reel_read global = reel_module_global_get(module, 0, words);
	enum reel_read none = reel_module_global_get(module, 9, (uint64_t[2]){0});

	fprintf(reader->file, "%llu %u %s %u %d:%llu %d:%llu %d",
		(unsigned long long)reel_context_time_ns(context), context->stream->id,
		function->name, module->id, size, (unsigned long long)size_bytes, global,
		(unsigned long long)words[0], none);
	note_read(reader, module, 0x100, 8);
	note_read(reader, module, 0x300, 8);
	note_read(reader, module, 0x302, 0);
	note_read(reader, module, FAKE_MEMORY - 2, 4);
	note_read(reader, module, UINT64_MAX, 2);
}

static struct reader *reader_of(struct reel_listener *listener)
{
	return (struct reader *)((char *)listener - offsetof(struct reader, listener));
}

static void reader_before(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *params,
	struct reel_stack_iterator *stack)
{
	struct reader *reader = reader_of(listener);

	(void)params;
	note_module(reader, context, module, function);
	while (reel_stack_next(stack)) {
		fprintf(reader->file, " %s@%llu", reel_stack_function(stack)->name,
			(unsigned long long)reel_stack_pc(stack));
	}
	fputc('\n', reader->file);
}

static void reader_after(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *results)
{
	(void)results;
	note_module(reader_of(listener), context, module, function);
	fputc('\n', reader_of(listener)->file);
}

static void reader_abort(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function,
	const struct reel_abort *error)
{
	note_module(reader_of(listener), context, module, function);
	fprintf(reader_of(listener)->file, " %s\n", error->text);
}

static struct reel_listener *reader_for(
	struct reel_listener_factory *factory, const struct reel_function *function)
{
	return function->is_listened ? &((struct reader *)factory)->listener : NULL;
}

static void reader_stream(struct reel_listener_factory *factory, struct reel_context *context)
{
	fprintf(((struct reader *)factory)->file, "the end of %u\n", context->stream->id);
}

static void reader_open(struct reader *reader, const char *path)
{
	*reader = (struct reader){
		.factory = {.listener_for = reader_for},
		.listener = {.before = reader_before, .after = reader_after, .abort = reader_abort},
		.marks = {.stream_end = reader_stream},
		.file = fopen(path, "w"),
	};
	reader->factory.marks = &reader->marks;
	assert_non_null(reader->file);
}

static void several_listeners_read_the_same_live_and_replayed(void **state)
{
	struct reel_listener_factory *factories[2];
	struct reel_listener_factory *multi;
	struct reader reader;

	factories[0] = fake_listener("log", fake_path("live"));
	factories[1] = &reader.factory;
	reader_open(&reader, fake_path("live2"));
	multi = reel_multi_factory_create(factories, 2);
	record_beside(multi, &lossless, true);
	reel_listener_factory_destroy(multi);
	reel_listener_factory_destroy(factories[0]);
	fclose(reader.file);

	replay_log(fake_path("replayed"));
	reader_open(&reader, fake_path("replayed2"));
	fake_replay(fake_path("t.reel"), &reader.factory);
	fclose(reader.file);
	assert_same_files(fake_path("live"), fake_path("replayed"));
	assert_same_files(fake_path("live2"), fake_path("replayed2"));
}

static void a_capturing_factory_may_be_one_of_several(void **state)
{
	struct reel_recorder *recorder = fake_recorder(fake_path("t.reel"), &lossless);
	struct reel_listener_factory *log = fake_listener("log", fake_path("live"));
	struct reel_listener_factory *other = fake_listener("log", fake_path("live2"));
	struct reel_listener_factory *factories[2] = {
		other, reel_capturing_factory_create(recorder, log)};
	struct reel_listener_factory *multi = reel_multi_factory_create(factories, 2);
	struct fake_host *host = fake_host_create(multi);

	fake_run(host);
	fake_host_destroy(host);
	reel_listener_factory_destroy(multi);
	reel_listener_factory_destroy(factories[1]);
	reel_listener_factory_destroy(log);
	reel_listener_factory_destroy(other);
	assert_int_equal(reel_recorder_close(recorder, NULL), 0);
	replay_log(fake_path("replayed"));
	assert_same_files(fake_path("live"), fake_path("replayed"));
	assert_same_files(fake_path("live2"), fake_path("replayed"));
}

/* ---- by specification ---- */

static void run_with(const struct reel_capture_spec *specs, size_t count)
{
	struct reel_recorder_options options = lossless;
	struct reel_recorder *recorder;
	struct fake_host *host;

	options.captures = specs;
	options.capture_count = count;
	recorder = fake_recorder(fake_path("t.reel"), &options);
	host = fake_host_create(reel_recorder_factory(recorder));
	fake_run(host);
	fake_host_destroy(host);
	assert_int_equal(reel_recorder_close(recorder, NULL), 0);
}

/* A factory that never records: what log prints live, without anything beside it. */
static void log_live(void)
{
	struct reel_listener_factory *log = fake_listener("log", fake_path("live"));
	struct fake_host *host = fake_host_create(log);

	fake_run(host);
	fake_host_destroy(host);
	reel_listener_factory_destroy(log);
}

static const struct reel_capture_spec wasi_specs[] = {
	{.function = "path_open",
		.kind = REEL_CAPTURE_BYTES,
		.pointer_param = 2,
		.length_param = 3},
	{.function = "path_open",
		.kind = REEL_CAPTURE_BYTES,
		.when = REEL_CAPTURE_AFTER_ZERO,
		.pointer_param = 8,
		.length_param = REEL_NO_PARAM,
		.fixed_size = 4},
	{.function = "wasi_*:clock_time_get",
		.kind = REEL_CAPTURE_BYTES,
		.when = REEL_CAPTURE_AFTER_ZERO,
		.pointer_param = 2,
		.length_param = REEL_NO_PARAM,
		.fixed_size = 8},
	{.function = "fd_prestat_get",
		.kind = REEL_CAPTURE_BYTES,
		.when = REEL_CAPTURE_AFTER_ZERO,
		.pointer_param = 1,
		.length_param = REEL_NO_PARAM,
		.fixed_size = 8},
};

static void specifications_keep_what_log_will_read(void **state)
{
	log_live();
	run_with(wasi_specs, 4);
	replay_log(fake_path("replayed"));
	assert_same_files(fake_path("live"), fake_path("replayed"));
}

static void what_no_specification_names_is_not_captured(void **state)
{
	size_t size;
	char *text;

	run_with(wasi_specs + 1, 1);
	replay_log(fake_path("replayed"));
	text = fake_read_file(fake_path("replayed"), &size);
	assert_non_null(strstr(text, "opened_fd=48"));
	assert_null(strstr(text, "dir/file"));
	free(text);
}

/* ---- what replay answers ---- */

struct expected {
	struct reel_listener_factory factory;
	struct reel_listener listener;
	void (*before)(struct reel_module *module);
	void (*after)(struct reel_module *module);
	uint32_t befores, afters;
};

static void expected_before(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *params,
	struct reel_stack_iterator *stack)
{
	struct expected *expected =
		(struct expected *)((char *)listener - offsetof(struct expected, listener));

	(void)context;
	(void)function;
	(void)params;
	(void)stack;
	expected->befores++;
	expected->before(module);
}

static void expected_after(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *results)
{
	struct expected *expected =
		(struct expected *)((char *)listener - offsetof(struct expected, listener));

	(void)context;
	(void)function;
	(void)results;
	expected->afters++;
	expected->after(module);
}

static struct reel_listener *expected_for(
	struct reel_listener_factory *factory, const struct reel_function *function)
{
	return strcmp(function->name, "alloc") == 0 ? &((struct expected *)factory)->listener
						    : NULL;
}

static void assert_replayed(
	void (*before)(struct reel_module *module), void (*after)(struct reel_module *module))
{
	struct expected expected = {
		.factory = {.listener_for = expected_for},
		.listener = {.before = expected_before, .after = expected_after},
		.before = before,
		.after = after,
	};

	fake_replay(fake_path("t.reel"), &expected.factory);
	assert_int_equal(expected.befores, 1);
	assert_int_equal(expected.afters, 1);
}

/* One call of alloc(v128, pointer, length) that gives `result`. */
static void record_alloc(const struct reel_capture_spec *specs, size_t count, uint64_t pointer,
	uint64_t length, uint64_t result)
{
	const uint64_t params[] = {~UINT64_C(0), ~UINT64_C(0), pointer, length};
	struct reel_recorder_options options = lossless;
	struct reel_recorder *recorder;
	struct fake_host *host;

	options.captures = specs;
	options.capture_count = count;
	recorder = fake_recorder(fake_path("t.reel"), &options);
	host = fake_host_create(reel_recorder_factory(recorder));
	memcpy(host->memory + 0x40, "abcdefgh", 8);
	host->global = 77;
	fake_before(host, FAKE_ALLOC, params);
	memcpy(host->memory + 0x40, "ABCDEFGH", 8);
	host->global = 78;
	fake_after(host, &result);
	fake_host_destroy(host);
	assert_int_equal(reel_recorder_close(recorder, NULL), 0);
}

static void assert_bytes(struct reel_module *module, uint64_t offset, const char *text)
{
	const void *bytes;

	assert_int_equal(
		reel_module_memory_read(module, offset, strlen(text), &bytes), REEL_READ_OK);
	assert_memory_equal(bytes, text, strlen(text));
}

static void assert_answer(
	struct reel_module *module, uint64_t offset, uint64_t length, enum reel_read wanted)
{
	const void *bytes;

	assert_int_equal(reel_module_memory_read(module, offset, length, &bytes), wanted);
}

static void assert_global(struct reel_module *module, uint64_t wanted)
{
	uint64_t words[2];

	assert_int_equal(reel_module_global_get(module, 0, words), REEL_READ_OK);
	assert_int_equal(words[0], wanted);
}

static void expect_small_letters(struct reel_module *module)
{
	uint64_t size_bytes;

	assert_bytes(module, 0x40, "abcde");
	assert_bytes(module, 0x42, "cd");
	assert_answer(module, 0x40, 6, REEL_READ_NOT_CAPTURED);
	assert_answer(module, 0x3f, 1, REEL_READ_NOT_CAPTURED);
	assert_global(module, 77);
	assert_int_equal(reel_module_memory_size(module, &size_bytes), REEL_READ_NOT_CAPTURED);
}

static void expect_capitals(struct reel_module *module)
{
	uint64_t words[2], size_bytes;

	assert_bytes(module, 0x40, "ABCDEFGH");
	assert_answer(module, 0x48, 1, REEL_READ_NOT_CAPTURED);
	assert_answer(module, FAKE_MEMORY, 1, REEL_READ_OUT_OF_RANGE);
	assert_int_equal(reel_module_global_get(module, 0, words), REEL_READ_NOT_CAPTURED);
	assert_int_equal(reel_module_memory_size(module, &size_bytes), REEL_READ_OK);
	assert_int_equal(size_bytes, FAKE_MEMORY);
}

static void expect_nothing(struct reel_module *module)
{
	uint64_t words[2], size_bytes;

	assert_answer(module, 0x40, 1, REEL_READ_NOT_CAPTURED);
	assert_answer(module, UINT64_MAX, 1, REEL_READ_NOT_CAPTURED);
	assert_int_equal(reel_module_global_get(module, 0, words), REEL_READ_NOT_CAPTURED);
	assert_int_equal(reel_module_global_get(module, 1, words), REEL_READ_NO_MEMORY);
	assert_int_equal(reel_module_memory_size(module, &size_bytes), REEL_READ_NOT_CAPTURED);
}

static const struct reel_capture_spec alloc_specs[] = {
	{.function = "guest:alloc",
		.kind = REEL_CAPTURE_BYTES,
		.pointer_param = 1,
		.length_param = 2},
	{.function = "all*", .kind = REEL_CAPTURE_GLOBAL},
	{.function = "alloc",
		.kind = REEL_CAPTURE_BYTES,
		.when = REEL_CAPTURE_AFTER_ZERO,
		.pointer_param = 1,
		.length_param = 2,
		.unit_size = 1,
		.fixed_size = 3},
	{.function = "alloc", .kind = REEL_CAPTURE_MEMORY_SIZE, .when = REEL_CAPTURE_AFTER_ZERO},
};

static void parameters_are_found_by_index_and_read_at_their_time(void **state)
{
	/* An i32 has garbage in its upper half, and results do, too. */
	record_alloc(alloc_specs, 4, 0xbad00000040, 5, UINT64_C(0xbad00000000));
	assert_replayed(expect_small_letters, expect_capitals);
}

static void nothing_is_read_after_a_failure(void **state)
{
	record_alloc(alloc_specs, 4, 0x40, 5, 3);
	assert_replayed(expect_small_letters, expect_nothing);
}

static void expect_out_of_range(struct reel_module *module)
{
	assert_answer(module, FAKE_MEMORY - 2, 5, REEL_READ_OUT_OF_RANGE);
	assert_answer(module, FAKE_MEMORY - 2, 2, REEL_READ_NOT_CAPTURED);
	assert_answer(module, 0, 1, REEL_READ_NOT_CAPTURED);
}

static void out_of_range_is_kept_and_told_from_not_captured(void **state)
{
	record_alloc(alloc_specs, 1, FAKE_MEMORY - 2, 5, 0);
	assert_replayed(expect_out_of_range, expect_nothing);
}

static void lengths_without_measure_are_out_of_range(void **state)
{
	struct reel_capture_spec spec = alloc_specs[0];

	spec.unit_size = UINT64_C(1) << 40;
	spec.fixed_size = UINT64_MAX;
	record_alloc(&spec, 1, 0x40, UINT64_C(1) << 60, 0);
	assert_replayed(expect_nothing, expect_nothing);
}

static void functions_without_such_parameters_are_passed_over(void **state)
{
	const struct reel_capture_spec specs[] = {
		{.function = "*",
			.kind = REEL_CAPTURE_BYTES,
			.pointer_param = 0, /* of alloc: a v128 */
			.length_param = REEL_NO_PARAM,
			.fixed_size = 1},
		{.function = "*",
			.kind = REEL_CAPTURE_BYTES,
			.pointer_param = 1,
			.length_param = 3, /* of alloc: none */
			.fixed_size = 1},
	};

	record_alloc(specs, 2, 0x40, 5, 0);
	assert_replayed(expect_nothing, expect_nothing);
}

static void specifications_that_make_no_sense_are_refused(void **state)
{
	struct reel_capture_spec spec = {.kind = REEL_CAPTURE_GLOBAL};
	struct reel_recorder_options options = lossless;
	struct reel_recorder *recorder;
	struct reel_error error;

	options.capture_count = 1;
	assert_int_equal(
		reel_recorder_open(fake_path("t.reel"), &options, &recorder, &error), REEL_EINVAL);
	options.captures = &spec;
	assert_int_equal(
		reel_recorder_open(fake_path("t.reel"), &options, &recorder, &error), REEL_EINVAL);
	spec.function = "f";
	spec.kind = (enum reel_capture_kind)9;
	assert_int_equal(
		reel_recorder_open(fake_path("t.reel"), &options, &recorder, &error), REEL_EINVAL);
	spec.kind = REEL_CAPTURE_GLOBAL;
	spec.when = (enum reel_capture_when)9;
	assert_int_equal(
		reel_recorder_open(fake_path("t.reel"), &options, &recorder, &error), REEL_EINVAL);
	assert_null(recorder);
}

/* ---- how it is stored ---- */

static void equal_bytes_are_stored_once(void **state)
{
	const struct reel_capture_spec spec = {.function = "clock_time_get",
		.kind = REEL_CAPTURE_BYTES,
		.pointer_param = 2,
		.length_param = REEL_NO_PARAM,
		.fixed_size = 0x4000};
	const uint64_t params[] = {0, 1, 0x1000};
	const uint64_t success[] = {0};
	struct reel_recorder_options options = lossless;
	struct reel_recorder *recorder;
	struct fake_host *host;
	struct stat status;
	uint32_t random = 1;

	options.captures = &spec;
	options.capture_count = 1;
	options.codec = REEL_CODEC_NONE;
	recorder = fake_recorder(fake_path("t.reel"), &options);
	host = fake_host_create(reel_recorder_factory(recorder));
	for (uint32_t i = 0; i < FAKE_MEMORY; i++) {
		host->memory[i] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
	}
	for (uint32_t i = 0; i < 2000; i++) {
		fake_before(host, FAKE_CLOCK, params);
		fake_after(host, success);
	}
	fake_host_destroy(host);
	assert_int_equal(reel_recorder_close(recorder, NULL), 0);
	assert_int_equal(stat(fake_path("t.reel"), &status), 0);
	assert_in_range(status.st_size, 0x4000, 6 * 0x4000); /* and not 32 MB */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(log_prints_the_same_live_and_replayed),
		cmocka_unit_test(the_log_shows_what_was_read),
		cmocka_unit_test(several_listeners_read_the_same_live_and_replayed),
		cmocka_unit_test(a_capturing_factory_may_be_one_of_several),
		cmocka_unit_test(specifications_keep_what_log_will_read),
		cmocka_unit_test(what_no_specification_names_is_not_captured),
		cmocka_unit_test(parameters_are_found_by_index_and_read_at_their_time),
		cmocka_unit_test(nothing_is_read_after_a_failure),
		cmocka_unit_test(out_of_range_is_kept_and_told_from_not_captured),
		cmocka_unit_test(lengths_without_measure_are_out_of_range),
		cmocka_unit_test(functions_without_such_parameters_are_passed_over),
		cmocka_unit_test(specifications_that_make_no_sense_are_refused),
		cmocka_unit_test(equal_bytes_are_stored_once),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	fake_remove_files();
	return failed;
}
