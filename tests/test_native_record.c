/*
 * Recording native programs by the library, without the command: results, errors, and what the
 * calling process keeps. Needs gcc, and SRC and BUILD in the environment.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <reel/native.h>
#include <reel/trace.h>

static char folder[] = "/tmp/reel-record-XXXXXX";
static char library[4096], program[64], background[64], trace[64];

static int compile(const char *source, const char *output)
{
	char command[8192];

	snprintf(command, sizeof(command),
		"gcc -g -O1 -w -finstrument-functions -o %s '%s/tests/native/%s.c'", output,
		getenv("SRC"), source);
	return system(command);
}

static int set_up(void **state)
{
	if (!getenv("SRC") || !getenv("BUILD") || !mkdtemp(folder)) {
		return -1;
	}
	snprintf(library, sizeof(library), "%s/libreel-native.so", getenv("BUILD"));
	snprintf(program, sizeof(program), "%s/calls", folder);
	snprintf(background, sizeof(background), "%s/background", folder);
	snprintf(trace, sizeof(trace), "%s/trace.reel", folder);
	return compile("calls", program) || compile("background", background);
}

static int tear_down(void **state)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static struct reel_native_options options_for_tests(void)
{
	return (struct reel_native_options){
		.size = sizeof(struct reel_native_options),
		.output = trace,
		.hook_library = library,
	};
}

static void assert_trace(uint64_t events)
{
	struct reel_trace_info info;
	struct reel_trace *opened;

	assert_int_equal(reel_trace_open(trace, &opened, NULL), REEL_OK);
	reel_trace_describe(opened, &info);
	reel_trace_close(opened);
	assert_true(info.complete);
	assert_int_equal(info.events, events);
	assert_int_equal(info.lost, 0);
}

static void a_program_is_recorded_and_its_status_returned(void **state)
{
	struct reel_native_options options = options_for_tests();
	char *argv[] = {program, "42", NULL};
	struct reel_native_result result;

	assert_int_equal(reel_native_record(&options, argv, &result, NULL), REEL_OK);
	assert_int_equal(result.exit_status, 42);
	assert_true(result.events > 1000);
	assert_int_equal(result.live, 0);
	assert_int_equal(result.consumer, 0);
	assert_trace(result.events);
}

static void recorder_options_are_used(void **state)
{
	static const char *const include[] = {"odd"};
	struct reel_recorder_options recorder = {.size = sizeof(recorder),
		.on_full = REEL_ON_FULL_WAIT,
		.codec = REEL_CODEC_LZ4,
		.memory_bytes = 1 << 20,
		.include = include,
		.include_count = 1};
	struct reel_native_options options = options_for_tests();
	char *argv[] = {program, NULL};
	struct reel_native_result result;

	options.recorder = &recorder;
	assert_int_equal(reel_native_record(&options, argv, &result, NULL), REEL_OK);
	assert_trace(2 * 552); /* odd(1001) and even(101) reach it so often */
}

static void a_program_without_instrumentation_has_no_events(void **state)
{
	struct reel_native_options options = options_for_tests();
	char *argv[] = {"sh", "-c", "kill -USR2 $$", NULL};
	struct reel_native_result result;

	assert_int_equal(reel_native_record(&options, argv, &result, NULL), REEL_OK);
	assert_int_equal(result.exit_status, 128 + SIGUSR2);
	assert_int_equal(result.events, 0);
	assert_trace(0);
}

static void assert_refused(const struct reel_native_options *options, char *const argv[],
	int status, int exit_status, const char *text)
{
	struct reel_native_result result = {.exit_status = -1};
	struct reel_error error = {0};

	assert_int_equal(reel_native_record(options, argv, &result, &error), status);
	assert_int_equal(error.status, status);
	assert_int_equal(result.exit_status, exit_status);
	if (!strstr(error.text, text)) {
		fail_msg("no '%s' in '%s'", text, error.text);
	}
	assert_int_equal(access(trace, F_OK), -1);
}

static void failures_say_what_and_leave_nothing(void **state)
{
	struct reel_native_options options = options_for_tests();
	char *missing[] = {"/missing/program", NULL};
	char *directory[] = {folder, NULL};
	char *runs[] = {"true", NULL};
	char *none[] = {NULL};

	unlink(trace);
	assert_refused(&options, missing, REEL_ENOENT, REEL_NATIVE_NOT_FOUND, "/missing/program");
	assert_refused(&options, directory, REEL_EIO, REEL_NATIVE_NOT_EXECUTABLE, "directory");
	assert_refused(&options, none, REEL_EINVAL, REEL_NATIVE_FAILED, "no program");
	assert_refused(&options, NULL, REEL_EINVAL, REEL_NATIVE_FAILED, "no program");
	options.hook_library = "/missing/library.so";
	assert_refused(&options, runs, REEL_ENOENT, REEL_NATIVE_FAILED, "/missing/library.so");
	options.hook_library = library;
	options.output = "/missing/trace.reel";
	assert_refused(&options, runs, REEL_EIO, REEL_NATIVE_FAILED, "/missing/trace.reel");
}

static void signals_of_the_caller_are_as_they_were(void **state)
{
	struct reel_native_options options = options_for_tests();
	char *argv[] = {"sh", "-c", "kill -USR1 $PPID; sleep 0.1", NULL};
	struct sigaction ignore = {.sa_handler = SIG_IGN}, old, after;
	struct reel_native_result result;
	sigset_t blocked, before, now;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGWINCH);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	sigaction(SIGCHLD, &ignore, &old);
	assert_int_equal(reel_native_record(&options, argv, &result, NULL), REEL_OK);
	assert_int_equal(result.exit_status, 0);
	sigprocmask(SIG_SETMASK, &before, &now);
	sigaction(SIGCHLD, &old, &after);
	assert_true(sigismember(&now, SIGWINCH) && !sigismember(&now, SIGUSR1) &&
		    !sigismember(&now, SIGTERM));
	assert_ptr_equal(after.sa_handler, SIG_IGN);
}

static void other_children_of_the_caller_stay_its_own(void **state)
{
	struct reel_native_options options = options_for_tests();
	char *argv[] = {program, NULL};
	pid_t other = fork();
	int status;

	if (other == 0) {
		_exit(33);
	}
	assert_int_equal(reel_native_record(&options, argv, NULL, NULL), REEL_OK);
	assert_int_equal(waitpid(other, &status, 0), other);
	assert_int_equal(WEXITSTATUS(status), 33);
	assert_int_equal(waitpid(-1, &status, 0), -1);
}

static void children_that_live_on_are_told_of(void **state)
{
	struct reel_native_options options = options_for_tests();
	char *argv[] = {background, "700", NULL};
	struct reel_native_result result;
	int status;

	unlink(trace);
	assert_int_equal(reel_native_record(&options, argv, &result, NULL), REEL_OK);
	assert_int_equal(result.exit_status, 4);
	assert_int_equal(result.live, 1);
	assert_int_equal(access(trace, F_OK), -1);
	assert_int_equal(waitpid(result.consumer, &status, 0), result.consumer);
	assert_int_equal(status, 0);

	uint64_t so_far = result.events;

	options.wait_children = true;
	assert_int_equal(reel_native_record(&options, argv, &result, NULL), REEL_OK);
	assert_int_equal(result.live, 0);
	assert_true(result.events > so_far);
	assert_trace(result.events);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_is_recorded_and_its_status_returned),
		cmocka_unit_test(recorder_options_are_used),
		cmocka_unit_test(a_program_without_instrumentation_has_no_events),
		cmocka_unit_test(failures_say_what_and_leave_nothing),
		cmocka_unit_test(signals_of_the_caller_are_as_they_were),
		cmocka_unit_test(other_children_of_the_caller_stay_its_own),
		cmocka_unit_test(children_that_live_on_are_told_of),
	};

	if (!getenv("SRC") || !getenv("BUILD") || system("gcc --version >/dev/null 2>&1") != 0) {
		puts("skipped: needs gcc, and SRC and BUILD in the environment");
		return 77;
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
