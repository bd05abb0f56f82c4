/*
 * The built-in listener `log` with events made by hand; runs of real programs are in
 * test_log_wazero.sh.
 */
#include "builtin_drive.h"

#include "captured.h"

/* A function with one-letter parameter names, or those that are given. */
struct signature {
	const char *module, *name;
	bool is_host;
	uint32_t param_count, result_count;
	const uint8_t *param_types, *result_types;
	const char *const *param_names, *const *result_names;
};

static void choose(
	struct drive *drive, struct drive_function *function, const struct signature *signature)
{
	*function = (struct drive_function){.definition = {
						    .size = sizeof(function->definition),
						    .index = 3,
						    .module_name = signature->module,
						    .name = signature->name,
						    .is_host = signature->is_host,
						    .is_listened = true,
						    .param_count = signature->param_count,
						    .result_count = signature->result_count,
						    .param_types = signature->param_types,
						    .result_types = signature->result_types,
						    .param_names = signature->param_names,
						    .result_names = signature->result_names,
					    }};
	function->listener = drive->factory->listener_for(drive->factory, &function->definition);
}

static void call(struct drive *drive, uint32_t stream, struct drive_function *function,
	const uint64_t *params)
{
	drive_before_with(drive, stream, 1, function, NULL, params, NULL, 0);
}

static void log_of_no_calls_is_empty(void **state)
{
	struct drive drive;

	drive_begin(&drive, "log");
	assert_string_equal(drive_finish(&drive), "");
	drive_end(&drive);
}

static void log_indents_calls_and_names_values(void **state)
{
	static const uint8_t i32 = REEL_I32, two[] = {REEL_I64, REEL_F64};
	static const char *const names[] = {"n"}, *const result_names[] = {"count", "mean"};
	const uint64_t param = UINT64_C(0xdeadbeefffffffff),
		       results[] = {UINT64_MAX, UINT64_C(0x3fe0000000000000)};
	struct drive drive;
	struct drive_function outer, host, bare;

	drive_begin(&drive, "log");
	choose(&drive, &outer,
		&(struct signature){"m", "outer", .param_count = 1, .param_types = &i32,
			.param_names = names, .result_count = 2, .result_types = two,
			.result_names = result_names});
	choose(&drive, &host,
		&(struct signature){"env", "get", .is_host = true, .param_count = 1,
			.param_types = &i32, .result_count = 1, .result_types = two});
	choose(&drive, &bare, &(struct signature){.module = "m", .name = ""});
	call(&drive, 0, &outer, &param);
	call(&drive, 0, &host, &param);
	drive_after_with(&drive, 0, 1, &host, NULL, results);
	call(&drive, 0, &bare, NULL);
	drive_after_with(&drive, 0, 1, &bare, NULL, NULL);
	drive_after_with(&drive, 0, 1, &outer, NULL, results);
	assert_string_equal(drive_finish(&drive), "--> m.outer(n=-1)\n"
						  "\t==> env.get(-1)\n"
						  "\t<== -1\n"
						  "\t--> m.$3()\n"
						  "\t<--\n"
						  "<-- (count=-1,mean=0.5)\n");
	drive_end(&drive);
}

static void log_shows_every_type(void **state)
{
	static const uint8_t types[] = {REEL_V128, REEL_F32, REEL_FUNCREF, REEL_EXTERNREF};
	const uint64_t words[] = {1, 2, UINT64_C(0xffffffff7fc00000), 0, 0xabc};
	struct drive drive;
	struct drive_function f;

	drive_begin(&drive, "log");
	choose(&drive, &f,
		&(struct signature){"m", "f", .param_count = 4, .param_types = types,
			.result_count = 1, .result_types = types});
	call(&drive, 0, &f, words);
	drive_after_with(&drive, 0, 1, &f, NULL, words);
	assert_string_equal(drive_finish(&drive),
		"--> m.f(00000000000000010000000000000002,NaN,0000000000000000,0000000000000abc)\n"
		"<-- 00000000000000010000000000000002\n");
	drive_end(&drive);
}

static void log_writes_no_line_for_an_abort(void **state)
{
	struct drive drive;
	struct drive_function f;

	drive_begin(&drive, "log");
	choose(&drive, &f, &(struct signature){.module = "m", .name = "f"});
	call(&drive, 0, &f, NULL);
	call(&drive, 0, &f, NULL);
	drive_abort(&drive, 0, 1, &f, "trap");
	call(&drive, 0, &f, NULL);
	drive_abort(&drive, 0, 1, &f, "trap");
	drive_abort(&drive, 0, 1, &f, "trap");
	drive_abort(&drive, 0, 1, &f, "not open");
	drive_after(&drive, 0, 1, &f);
	call(&drive, 0, &f, NULL);
	assert_string_equal(
		drive_finish(&drive), "--> m.f()\n\t--> m.f()\n\t--> m.f()\n--> m.f()\n");
	drive_end(&drive);
}

#define WASI "wasi_snapshot_preview1"

static const uint8_t i32s[] = {REEL_I32, REEL_I32, REEL_I32, REEL_I32, REEL_I32};
static const uint8_t path_open_types[] = {
	REEL_I32, REEL_I32, REEL_I32, REEL_I32, REEL_I32, REEL_I64, REEL_I64, REEL_I32, REEL_I32};
static const char *const path_open_names[] = {"fd", "dirflags", "path", "path_len", "oflags",
	"fs_rights_base", "fs_rights_inheriting", "fdflags", "result.opened_fd"};
static const char *const fd_write_names[] = {"fd", "iovs", "iovs_len", "result.nwritten"};
static const char *const errno_names[] = {"errno"};

static const struct signature path_open = {
	WASI, "path_open", true, 9, 1, path_open_types, i32s, path_open_names, errno_names};
static const struct signature fd_write = {
	WASI, "fd_write", true, 4, 1, i32s, i32s, fd_write_names, errno_names};

static void log_reads_what_wasi_calls_point_to(void **state)
{
	const struct reel_captured_read at_before[] = {
		{.offset = 100, .length = 3, .bytes = "a/b"}};
	const struct reel_captured_read at_after[] = {
		{.offset = 8, .length = 4, .bytes = "\x05\x00\x00\x00"}};
	const struct reel_capture before = {.reads = at_before, .read_count = 1};
	const struct reel_capture after = {.reads = at_after, .read_count = 1};
	const struct reel_module definition = {.id = 0, .has_memory = true};
	const uint64_t params[] = {3, 1, 100, 3, 5, 6, 2, 4, 8}, ok = 0, failed = 44, odd = 200;
	struct captured_module module;
	struct drive drive;
	struct drive_function open;

	drive_begin(&drive, "log");
	choose(&drive, &open, &path_open);
	captured_module_init(&module, &definition);
	module.capture = &before;
	drive_before_with(&drive, 0, 0, &open, &module.base, params, NULL, 0);
	module.capture = &after;
	drive_after_with(&drive, 0, 0, &open, &module.base, &ok);
	module.capture = NULL;
	drive_before_with(&drive, 0, 0, &open, &module.base, params, NULL, 0);
	drive_after_with(&drive, 0, 0, &open, &module.base, &failed);
	drive_before_with(&drive, 0, 0, &open, NULL, params, NULL, 0);
	drive_after_with(&drive, 0, 0, &open, NULL, &odd);
#define OPEN(path) \
	"==> " WASI ".path_open(fd=3,dirflags=SYMLINK_FOLLOW,path=" path \
	",oflags=CREAT|EXCL,fs_rights_base=FD_READ|FD_SEEK,fs_rights_inheriting=FD_READ," \
	"fdflags=NONBLOCK)\n"
	assert_string_equal(drive_finish(&drive),
		OPEN("a/b") "<== (opened_fd=5,errno=ESUCCESS)\n" OPEN(
			"?") "<== (opened_fd=,errno=ENOENT)\n" OPEN("OOM(100,3)") "<== "
										  "(opened_fd=,"
										  "errno=errno(200)"
										  ")\n");
	drive_end(&drive);
}

static void log_leaves_out_writes_to_standard_streams(void **state)
{
	const uint64_t to_stdout[] = {1, 0, 0, 0}, to_file[] = {4, 0, 0, 0}, failed = 8;
	struct drive drive;
	struct drive_function write, inner;

	drive_begin(&drive, "log");
	choose(&drive, &write, &fd_write);
	choose(&drive, &inner, &(struct signature){.module = "m", .name = "inner"});
	call(&drive, 0, &write, to_stdout);
	call(&drive, 0, &inner, NULL);
	drive_after(&drive, 0, 1, &inner);
	drive_after_with(&drive, 0, 1, &write, NULL, &failed);
	call(&drive, 0, &write, to_file);
	drive_after_with(&drive, 0, 1, &write, NULL, &failed);
	assert_string_equal(drive_finish(&drive), "--> m.inner()\n<--\n"
						  "==> " WASI ".fd_write(fd=4,iovs=0,iovs_len=0)\n"
						  "<== (nwritten=,errno=EBADF)\n");
	drive_end(&drive);
}

/* Which of a few functions a spec listens to, as letters. */
static void check_choice(const char *spec, const char *expected)
{
	static const char *const exports[] = {"abort"};
	const struct reel_function functions[] = {
		{.module_name = "m", .name = "inner"},
		{.module_name = "m", .name = "run", .export_names = exports, .export_count = 1},
		{.module_name = "m", .name = "host", .is_host = true},
		{.module_name = "env",
			.name = "abort",
			.is_host = true,
			.export_names = exports,
			.export_count = 1},
		{.module_name = "env", .name = "emscripten_notify_memory_growth", .is_host = true},
		{.module_name = WASI, .name = "clock_time_get", .is_host = true},
		{.module_name = WASI, .name = "path_open", .is_host = true},
		{.module_name = WASI, .name = "proc_exit", .is_host = true},
		{.module_name = WASI, .name = "random_get", .is_host = true},
		{.module_name = WASI, .name = "sock_send", .is_host = true},
		{.module_name = WASI, .name = "poll_oneoff", .is_host = true},
		{.module_name = WASI, .name = "sched_yield", .is_host = true},
	};
	struct drive drive;
	char chosen[sizeof(functions) / sizeof(functions[0]) + 1] = "";

	drive_begin(&drive, spec);
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		if (drive.factory->listener_for(drive.factory, &functions[i])) {
			chosen[strlen(chosen)] = "irhamcpxgslyz"[i];
		}
	}
	drive_finish(&drive);
	drive_end(&drive);
	assert_string_equal(chosen, expected);
}

static void log_scopes_choose_groups_of_host_functions(void **state)
{
	check_choice("log", "irhamcpxgsly");
	check_choice("log:host", "rhamcpxgsly");
	check_choice("log:scope=all", "rhamcpxgsly");
	check_choice("log:scope=filesystem", "p");
	check_choice("log:scope=clock", "c");
	check_choice("log:scope=exit", "ax");
	check_choice("log:scope=proc", "ax");
	check_choice("log:scope=memory", "m");
	check_choice("log:scope=poll", "l");
	check_choice("log:scope=random", "g");
	check_choice("log:scope=sock", "s");
	check_choice("log:scope=clock|sock+poll", "csl");
}

/* Two streams that call each other's function in turn. */
static void run_streams(struct drive *drive, const char *spec)
{
	struct drive_function f;

	drive_begin(drive, spec);
	drive->infos[0].id = 7;
	drive->infos[1].id = 9;
	choose(drive, &f, &(struct signature){.module = "m", .name = "f"});
	call(drive, 0, &f, NULL);
	call(drive, 1, &f, NULL);
	call(drive, 0, &f, NULL);
	drive_after(drive, 1, 1, &f);
	drive_after(drive, 0, 1, &f);
	drive->factory->marks->stream_end(drive->factory, &drive->contexts[1]);
	drive_after(drive, 0, 1, &f);
}

static void log_tells_streams_apart_as_told(void **state)
{
	struct drive drive;

	run_streams(&drive, "log");
	assert_string_equal(drive_finish(&drive),
		"--> m.f()\n[9] --> m.f()\n\t--> m.f()\n[9] <--\n\t<--\n<--\n");
	drive_end(&drive);
	run_streams(&drive, "log:streams=prefix");
	assert_string_equal(drive_finish(&drive),
		"[7] --> m.f()\n[9] --> m.f()\n[7] \t--> m.f()\n[9] <--\n[7] \t<--\n[7] <--\n");
	drive_end(&drive);
	run_streams(&drive, "log:streams=plain");
	assert_string_equal(
		drive_finish(&drive), "--> m.f()\n--> m.f()\n\t--> m.f()\n<--\n\t<--\n<--\n");
	drive_end(&drive);
}

static void expect_file(const struct drive *drive, const char *name, const char *expected)
{
	char path[200];
	char *text;

	snprintf(path, sizeof(path), "%s/%s", drive->directory, name);
	text = drive_read_file(path);
	assert_string_equal(text, expected);
	free(text);
	unlink(path);
}

static void log_splits_streams_into_files(void **state)
{
	struct reel_error error = {0};
	struct drive drive;

	run_streams(&drive, "log:streams=split");
	assert_int_equal(drive.factory->finish(drive.factory, &error), 0);
	expect_file(&drive, "out.tid7", "--> m.f()\n\t--> m.f()\n\t<--\n<--\n");
	expect_file(&drive, "out.tid9", "--> m.f()\n<--\n");
	drive_end(&drive);
}

static void log_reports_a_split_file_that_cannot_be_opened(void **state)
{
	struct reel_listener_factory *factory;
	struct reel_error error = {0};
	struct drive drive;
	struct drive_function f;

	drive_begin(&drive, "null");
	reel_listener_factory_destroy(drive.factory);
	assert_int_equal(reel_listener_create("log:streams=split,file=/nowhere/a.b/x.log", NULL,
				 &factory, &error),
		0);
	drive.factory = factory;
	choose(&drive, &f, &(struct signature){.module = "m", .name = "f"});
	call(&drive, 0, &f, NULL);
	call(&drive, 1, &f, NULL);
	drive_after(&drive, 0, 0, &f);
	assert_int_equal(factory->finish(factory, &error), REEL_EIO);
	assert_string_equal(error.text, "/nowhere/a.b/x.tid0.log: No such file or directory");
	drive_end(&drive);
}

static void log_refuses_options_that_make_no_sense(void **state)
{
	drive_expect_refusal("log:scope=fs",
		"log: scope 'fs' is none of all, clock, exit, filesystem, memory, poll, proc, "
		"random, sock");
	drive_expect_refusal("log:scope=clock|",
		"log: scope '' is none of all, clock, exit, filesystem, memory, poll, proc, "
		"random, sock");
	drive_expect_refusal(
		"log:streams=many", "log: streams=many is none of prefix, split, plain");
	drive_expect_refusal("log:streams=split", "log: streams=split needs file=PATH");
	drive_expect_refusal("log:hosts", "listener 'log' has no option 'hosts'");
}

static void log_flushes_every_line_of_a_live_host(void **state)
{
	const struct reel_host_info info = {
		.size = sizeof(info), .concurrent = true, .metadata = ""};
	struct drive drive;
	struct drive_function f;
	int ends[2];
	char line[32] = "";
	char spec[64];

	assert_int_equal(pipe(ends), 0);
	snprintf(spec, sizeof(spec), "log:file=/proc/self/fd/%d", ends[1]);
	drive_begin_as(&drive, spec, &info);
	choose(&drive, &f, &(struct signature){.module = "m", .name = "f"});
	call(&drive, 0, &f, NULL);
	assert_int_equal(read(ends[0], line, sizeof(line)), 10);
	assert_string_equal(line, "--> m.f()\n");
	close(ends[0]);
	close(ends[1]);
	drive_end(&drive);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(log_of_no_calls_is_empty),
		cmocka_unit_test(log_indents_calls_and_names_values),
		cmocka_unit_test(log_shows_every_type),
		cmocka_unit_test(log_writes_no_line_for_an_abort),
		cmocka_unit_test(log_reads_what_wasi_calls_point_to),
		cmocka_unit_test(log_leaves_out_writes_to_standard_streams),
		cmocka_unit_test(log_scopes_choose_groups_of_host_functions),
		cmocka_unit_test(log_tells_streams_apart_as_told),
		cmocka_unit_test(log_splits_streams_into_files),
		cmocka_unit_test(log_reports_a_split_file_that_cannot_be_opened),
		cmocka_unit_test(log_refuses_options_that_make_no_sense),
		cmocka_unit_test(log_flushes_every_line_of_a_live_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
