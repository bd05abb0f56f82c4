/*
 * The writer's file: its name until it is whole, the file that was there before, and writes that
 * fail half way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>

#include "format_image.h"
#include "format_model.h"

/* The only file that matches `path` and then anything. */
static void find_beside(const char *path, char found[512])
{
	char pattern[300];
	glob_t matches;

	snprintf(pattern, sizeof(pattern), "%s.part-*", path);
	assert_int_equal(glob(pattern, 0, NULL, &matches), 0);
	assert_int_equal(matches.gl_pathc, 1);
	snprintf(found, 512, "%s", matches.gl_pathv[0]);
	globfree(&matches);
}

static uint64_t size_of(const char *path)
{
	struct stat status;

	return stat(path, &status) ? 0 : (uint64_t)status.st_size;
}

static void a_trace_gets_its_name_when_it_is_whole(void **state)
{
	const char *path = model_path("name");
	char temporary[512];
	struct stat status;
	struct model model;

	model_start(&model, path, REEL_CODEC_ZSTD, 1);
	model_write_block(&model, 7, 100, REEL_CODEC_ZSTD);
	assert_int_not_equal(access(path, F_OK), 0);
	find_beside(path, temporary);
	assert_int_equal(stat(temporary, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal((uint64_t)status.st_size, writer_bytes(model.writer));
	model_finish(&model);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_not_equal(access(temporary, F_OK), 0);
	model_free(&model);
	model_unlink(path);
}

static void an_unfinished_trace_reads_while_it_grows(void **state)
{
	const char *path = model_path("grows");
	char temporary[512];
	struct reel_trace_info info;
	struct reel_trace *trace;
	struct model model;

	model_start(&model, path, REEL_CODEC_ZSTD, 1);
	for (uint32_t i = 1; i <= 5; i++) {
		model_write_block(&model, 7, 100, REEL_CODEC_ZSTD);
		find_beside(path, temporary);
		assert_int_equal(reel_trace_open(temporary, &trace, NULL), 0);
		reel_trace_describe(trace, &info);
		assert_int_equal(trace_event_block_count(trace), i);
		assert_int_equal(reel_trace_function_count(trace), MODEL_FUNCTIONS);
		assert_false(info.complete);
		reel_trace_close(trace);
	}
	writer_abandon(model.writer);
	event_block_deinit(&model.block);
	assert_int_not_equal(access(temporary, F_OK), 0);
	assert_int_not_equal(access(path, F_OK), 0);
	model_free(&model);
}

static void write_trace(const char *path, size_t events)
{
	struct model model;

	model_start(&model, path, REEL_CODEC_ZSTD, 1);
	model_write_block(&model, 7, events, REEL_CODEC_ZSTD);
	model_finish(&model);
	model_free(&model);
}

static void the_file_that_was_there_becomes_old(void **state)
{
	const char *path = model_path("old");
	char old[300];
	uint64_t first_size;

	snprintf(old, sizeof(old), "%s.old", path);
	write_trace(path, 100);
	first_size = size_of(path);
	assert_int_not_equal(access(old, F_OK), 0);
	write_trace(path, 1000);
	assert_int_equal(size_of(old), first_size);
	assert_true(size_of(path) > first_size);
	write_trace(path, 10);
	assert_true(size_of(old) > first_size);
	model_unlink(path);
}

static void what_is_not_a_regular_file_is_not_replaced(void **state)
{
	const struct writer_options options = {.codec = REEL_CODEC_NONE};
	const char *path = model_path("link");
	struct writer *writer;
	struct reel_error error;

	assert_int_equal(writer_create("/dev/null", &options, &writer, &error), REEL_EINVAL);
	assert_string_equal(error.text, "/dev/null: exists and is not a regular file");
	assert_null(writer);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(writer_create(path, &options, &writer, &error), REEL_EINVAL);
	unlink(path);
	assert_int_equal(writer_create(path, &options, &writer, &error), 0);
	assert_int_equal(mkdir(path, 0700), 0); /* came to be in the meantime */
	assert_int_equal(writer_finish(writer, &error), REEL_EINVAL);
	rmdir(path);
	model_unlink(path);
}

static void a_directory_that_is_not_there_is_said_so(void **state)
{
	const struct writer_options options = {.codec = REEL_CODEC_NONE};
	struct writer *writer;
	struct reel_error error;

	assert_int_equal(writer_create("/nonexistent/t.reel", &options, &writer, &error), REEL_EIO);
	assert_string_equal(error.text, "/nonexistent/t.reel: No such file or directory");
}

/* Lets files grow to `size` bytes only; writes beyond fail or come short, as on a full disk. */
static void limit_files(rlim_t size)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Writes blocks until it fails; returns how many were written. */
static uint32_t write_until_failure(struct model *model, int *status)
{
	for (uint32_t i = 0; i < 1000; i++) {
		model_begin_block(model, 7);
		for (unsigned e = 0; e < 200; e++) {
			model_step(model);
		}
		*status = writer_write_events(model->writer, &model->block, REEL_CODEC_LZ4);
		if (*status) {
			return i;
		}
	}
	return 1000;
}

static void a_failed_write_is_remembered_and_what_was_written_reads(void **state)
{
	const char *path = model_path("full");
	const struct reel_stream_info stream = {.id = 9, .name = "late", .process = ""};
	char temporary[512];
	struct reel_trace *trace;
	struct reel_error error;
	struct model model;
	uint32_t written;
	int status;

	signal(SIGXFSZ, SIG_IGN);
	for (rlim_t size = 5000; size < 20000; size += 1777) {
		model_start(&model, path, REEL_CODEC_LZ4, 1);
		limit_files(size);
		written = write_until_failure(&model, &status);
		assert_true(written < 1000);
		assert_int_equal(status, REEL_EIO);
		assert_non_null(strstr(writer_error(model.writer), "File too large"));
		assert_int_equal(writer_define_stream(model.writer, &stream), REEL_EIO);
		assert_int_equal(writer_clock_sample(model.writer, 1, 1, 1), REEL_EIO);
		find_beside(path, temporary);
		event_block_deinit(&model.block);
		assert_int_equal(writer_finish(model.writer, &error), REEL_EIO);
		assert_non_null(strstr(error.text, "File too large"));
		limit_files(RLIM_INFINITY);
		assert_int_not_equal(access(path, F_OK), 0);
		assert_int_equal(reel_trace_open(temporary, &trace, &error), 0);
		assert_int_equal(trace_event_block_count(trace), written);
		assert_int_equal(reel_trace_function_count(trace), MODEL_FUNCTIONS);
		reel_trace_close(trace);
		model_free(&model);
		model_unlink(path);
	}
}

static void an_end_that_cannot_be_written_leaves_the_rest(void **state)
{
	const char *path = model_path("noend");
	char temporary[512];
	struct reel_trace *trace;
	struct reel_error error;
	struct model model;

	signal(SIGXFSZ, SIG_IGN);
	model_start(&model, path, REEL_CODEC_LZ4, 1);
	model_write_block(&model, 7, 500, REEL_CODEC_LZ4);
	find_beside(path, temporary);
	event_block_deinit(&model.block);
	limit_files(size_of(temporary) + 100);
	assert_int_equal(writer_finish(model.writer, &error), REEL_EIO);
	limit_files(RLIM_INFINITY);
	assert_int_not_equal(access(path, F_OK), 0);
	assert_int_equal(reel_trace_open(temporary, &trace, &error), 0);
	assert_int_equal(trace_event_block_count(trace), 1);
	reel_trace_close(trace);
	model_free(&model);
	model_unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_trace_gets_its_name_when_it_is_whole),
		cmocka_unit_test(an_unfinished_trace_reads_while_it_grows),
		cmocka_unit_test(the_file_that_was_there_becomes_old),
		cmocka_unit_test(what_is_not_a_regular_file_is_not_replaced),
		cmocka_unit_test(a_directory_that_is_not_there_is_said_so),
		cmocka_unit_test(a_failed_write_is_remembered_and_what_was_written_reads),
		cmocka_unit_test(an_end_that_cannot_be_written_leaves_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
