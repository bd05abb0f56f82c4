/*
 * Real engines break the pairing; listeners never see it. Every run of the wazero traces that lie
 * beside the source tree is imported, with both walks, whole and cut at many events, and replayed
 * into a checking listener. Without the traces the test is skipped.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zstd.h>

#include <reel/import.h>
#include <reel/replay.h>

#include "guarantee.h"

/* Places at which each run is cut, evenly spread; and events of all cuts of a run, which bounds the
 * time. */
#define CUTS 5
#define CUT_LINES_MAX 3000

static char traces[1024];
static char work[] = "/tmp/reel-test-XXXXXX";

/* A run: its lines as one text. */
struct run_text {
	char name[256];
	char *text;
	size_t size;
	size_t *ends; /* of the lines */
	size_t line_count;
};

/* ---- reading ---- */

static void read_file(const char *path, char **bytes, size_t *size)
{
	FILE *file = fopen(path, "rb");

	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	*size = (size_t)ftell(file);
	rewind(file);
	*bytes = malloc(*size + 1);
	assert_int_equal(fread(*bytes, 1, *size, file), *size);
	fclose(file);
}

static void unpack(const char *packed, size_t packed_size, struct run_text *run)
{
	ZSTD_DCtx *context = ZSTD_createDCtx();
	ZSTD_inBuffer in = {packed, packed_size, 0};
	ZSTD_outBuffer out = {NULL, 0, 0};

	while (in.pos < in.size || out.pos == out.size) {
		size_t before = out.pos;

		out.size = out.size * 2 + 65536;
		run->text = realloc(run->text, out.size);
		out.dst = run->text;
		assert_false(ZSTD_isError(ZSTD_decompressStream(context, &out, &in)));
		if (in.pos == in.size && out.pos == before) {
			break;
		}
	}
	run->size = out.pos;
	ZSTD_freeDCtx(context);
}

static void read_run(const char *name, struct run_text *run)
{
	char path[1400];
	char *packed;
	size_t packed_size;

	*run = (struct run_text){0};
	snprintf(run->name, sizeof(run->name), "%s", name);
	snprintf(path, sizeof(path), "%s/%s", traces, name);
	read_file(path, &packed, &packed_size);
	unpack(packed, packed_size, run);
	free(packed);
	for (size_t i = 0; i < run->size; i++) {
		if (run->text[i] == '\n') {
			run->ends = realloc(run->ends, (run->line_count + 1) * sizeof(size_t));
			run->ends[run->line_count++] = i + 1;
		}
	}
	assert_true(run->line_count > 0);
}

static void free_run(struct run_text *run)
{
	free(run->text);
	free(run->ends);
}

/* Befores, afters and aborts among the first lines. */
static uint64_t count_events(const struct run_text *run, size_t lines)
{
	uint64_t count = 0;
	size_t begin = 0;

	for (size_t i = 0; i < lines; i++) {
		count += memmem(run->text + begin, run->ends[i] - begin, "\"t\":\"B\"", 7) ||
			 memmem(run->text + begin, run->ends[i] - begin, "\"t\":\"A\"", 7) ||
			 memmem(run->text + begin, run->ends[i] - begin, "\"t\":\"X\"", 7);
		begin = run->ends[i];
	}
	return count;
}

/* ---- checking ---- */

static const char *work_path(const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "%s/%s", work, name);
	return path;
}

static void import_lines(const struct run_text *run, size_t lines, enum reel_walk walk)
{
	const struct reel_import_options options = {.size = sizeof(options), .walk = walk};
	struct reel_error error;
	char from[64];
	FILE *file;

	snprintf(from, sizeof(from), "%s", work_path("cut.jsonl"));
	file = fopen(from, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(run->text, 1, run->ends[lines - 1], file), run->ends[lines - 1]);
	assert_int_equal(fclose(file), 0);
	unlink(work_path("t.reel"));
	if (reel_import_jsonl(from, work_path("t.reel"), &options, &error) < 0) {
		fail_msg("%s: %s", run->name, error.text);
	}
}

/* Replays the imported trace into the checking listener. */
static void check_replay(const struct run_text *run, enum reel_walk walk,
	const struct reel_replay_options *options, struct guarantee *guarantee)
{
	struct reel_listener_factory *factory = guarantee_init(guarantee);
	struct reel_trace *trace;
	struct reel_error error;

	/* An engine that rewinds its stack shows frames that are not those of open calls; a full
	 * walk gives back all that was shown. */
	if (walk == REEL_WALK_FULL && strncmp(run->name, "snap_", 5) == 0) {
		guarantee->strangers = STRANGERS_ANYWHERE;
	}
	assert_int_equal(reel_trace_open(work_path("t.reel"), &trace, NULL), 0);
	if (reel_replay(trace, factory, options, NULL, &error) < 0) {
		fail_msg("%s: %s", run->name, error.text);
	}
	reel_trace_close(trace);
	guarantee_deinit(guarantee);
}

static void assert_kept(const struct run_text *run, size_t lines, enum reel_walk walk,
	const struct guarantee *guarantee)
{
	if (guarantee->broken > 0) {
		fail_msg("%s, %zu of %zu lines, %s walk: %" PRIu64 " times, first at %s", run->name,
			lines, run->line_count, walk == REEL_WALK_FULL ? "full" : "trusted",
			guarantee->broken, guarantee->first);
	}
	assert_int_equal(guarantee->befores, guarantee->exits);
}

/* The first lines of a run, with nothing of the host's lost. */
static void check_lines(const struct run_text *run, size_t lines, enum reel_walk walk)
{
	struct guarantee guarantee;

	import_lines(run, lines, walk);
	check_replay(run, walk, NULL, &guarantee);
	assert_kept(run, lines, walk, &guarantee);
	assert_int_equal(
		guarantee.befores + guarantee.exits - guarantee.repaired + guarantee.undelivered,
		count_events(run, lines));
}

/* A range of the imported trace, in sevenths of its time. */
static void check_range(const struct run_text *run, enum reel_walk walk, uint64_t from, uint64_t to)
{
	struct reel_trace_info info;
	struct reel_trace *trace;
	struct guarantee guarantee;

	assert_int_equal(reel_trace_open(work_path("t.reel"), &trace, NULL), 0);
	reel_trace_describe(trace, &info);
	reel_trace_close(trace);
	const struct reel_replay_options options = {.size = sizeof(options),
		.from_ns = info.duration_ns * from / 7,
		.to_ns = info.duration_ns * to / 7 + 1};

	check_replay(run, walk, &options, &guarantee);
	assert_kept(run, run->line_count, walk, &guarantee);
}

static void for_each_run(void (*check)(const struct run_text *run, enum reel_walk walk))
{
	DIR *directory = opendir(traces);
	const struct dirent *entry;
	size_t count = 0;

	assert_non_null(directory);
	while ((entry = readdir(directory))) {
		struct run_text run;

		if (!strstr(entry->d_name, ".jsonl.zst")) {
			continue;
		}
		read_run(entry->d_name, &run);
		check(&run, REEL_WALK_TRUSTED);
		check(&run, REEL_WALK_FULL);
		free_run(&run);
		count++;
	}
	closedir(directory);
	assert_true(count > 0);
}

static void check_whole(const struct run_text *run, enum reel_walk walk)
{
	check_lines(run, run->line_count, walk);
	check_range(run, walk, 0, 4);
	check_range(run, walk, 2, 5);
	check_range(run, walk, 3, 7);
}

static void check_cuts(const struct run_text *run, enum reel_walk walk)
{
	size_t count = CUT_LINES_MAX * 2 / run->line_count;

	count = count > CUTS ? CUTS : count < 3 ? 3 : count;
	/* The two walks are cut at places of their own. */
	for (size_t i = 0; i < count; i++) {
		size_t lines = (run->line_count - 1) * (2 * i + 1 + (walk == REEL_WALK_FULL)) /
			       (2 * count);

		check_lines(run, lines > 0 ? lines : 1, walk);
	}
}

static void listeners_keep_their_guarantee_over_real_runs(void **state)
{
	for_each_run(check_whole);
}

static void listeners_keep_their_guarantee_wherever_a_run_is_cut(void **state)
{
	for_each_run(check_cuts);
}

/* ---- the checking listener itself ---- */

static uint64_t no_time(const struct reel_context *context)
{
	(void)context;
	return 0;
}

static void the_checking_listener_finds_what_is_broken(void **state)
{
	const struct reel_function f = {.size = sizeof(f), .name = "f", .is_listened = true};
	const struct reel_function g = {.size = sizeof(g), .name = "g", .is_listened = true};
	const struct reel_frame frames[] = {{.function = &f}, {.function = &g}};
	const struct reel_stream_info info = {.id = 0, .name = "", .process = ""};
	struct reel_frame_array_iterator iterator;
	struct guarantee guarantee;
	struct reel_context context = {.stream = &info, .time_ns = no_time};
	struct reel_listener *listener;

	guarantee_init(&guarantee);
	listener = &guarantee.listener;
	listener->before(listener, &context, NULL, &f, NULL,
		reel_frame_array_iterator_init(&iterator, frames, 1));
	listener->after(listener, &context, NULL, &f, NULL);
	assert_int_equal(guarantee.broken, 0);
	listener->before(listener, &context, NULL, &f, NULL,
		reel_frame_array_iterator_init(&iterator, frames, 2));
	assert_int_equal(guarantee.broken, 1);
	listener->after(listener, &context, NULL, &g, NULL);
	assert_int_equal(guarantee.broken, 2);
	guarantee.factory.finish(&guarantee.factory, NULL);
	assert_int_equal(guarantee.broken, 3);
	guarantee_deinit(&guarantee);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_checking_listener_finds_what_is_broken),
		cmocka_unit_test(listeners_keep_their_guarantee_over_real_runs),
		cmocka_unit_test(listeners_keep_their_guarantee_wherever_a_run_is_cut),
	};
	const char *given = getenv("REEL_WAZERO_TRACES");
	const char *source = getenv("SRC");
	int failed;

	snprintf(traces, sizeof(traces), "%s%s",
		given    ? given
		: source ? source
			 : ".",
		given ? "" : "/../shared/wazero-traces");
	if (access(traces, R_OK) != 0) {
		printf("skipped: no traces in %s\n", traces);
		return 77;
	}
	if (!mkdtemp(work)) {
		return 1;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(work_path("cut.jsonl"));
	unlink(work_path("t.reel"));
	rmdir(work);
	return failed;
}
