/*
 * Launching: starts the attendant, then the program with the hooks preloaded, watches over it, and
 * hands back its status; see include/reel/native.h. Given a command, it promises that either the
 * program runs with everything in place or nothing is left behind.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reel/native.h>

#include "attendant.h"
#include "preload.h"
#include "program.h"
#include "watch.h"

#define DEFAULT_OUTPUT "trace.reel"

struct launch {
	const struct reel_native_options *options;
	struct reel_recorder_options recorder;
	char *const *argv;
	struct reel_native_result *result;
	struct reel_error *error;
	char *program, *library, *metadata;
	struct watch watch;
	int socket; /* to the attendant */
	pid_t attendant;
	struct attendant_message message; /* the last one from it */
};

static int out_of_memory(struct launch *launch)
{
	return reel_fail(launch->error, REEL_ENOMEM, "out of memory");
}

/* ---- what is known before anything starts ---- */

/* Bytes of the UTF-8 character at `text`; 0 when there is none: arguments are any bytes. */
static size_t utf8_size(const char *text)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *bytes = (const unsigned char *)text;
	size_t size = bytes[0] < 0x80   ? 1
		      : bytes[0] < 0xc0 ? 0
		      : bytes[0] < 0xe0 ? 2
		      : bytes[0] < 0xf0 ? 3
		      : bytes[0] < 0xf8 ? 4
					: 0;
	uint32_t code = size > 1 ? bytes[0] & (0x7fu >> size) : bytes[0];

	for (size_t i = 1; i < size; i++) {
		if ((bytes[i] & 0xc0) != 0x80) {
			return 0;
		}
		code = code << 6 | (bytes[i] & 0x3f);
	}
	bool legal = size > 0 && code >= least[size] && code <= 0x10ffff &&
		     (code < 0xd800 || code > 0xdfff);

	return legal ? size : 0;
}

static void write_json_string(FILE *out, const char *text)
{
	fputc('"', out);
	while (*text) {
		unsigned char byte = (unsigned char)*text;
		size_t size = utf8_size(text);

		if (byte == '"' || byte == '\\') {
			fprintf(out, "\\%c", byte);
		} else if (byte < 0x20 || size == 0) {
			fprintf(out, "\\u%04x", byte);
		} else {
			fwrite(text, 1, size, out);
		}
		text += size ? size : 1;
	}
	fputc('"', out);
}

/* What the trace says of its host. NULL: no memory. */
static char *describe(const char *program, char *const argv[])
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out) {
		return NULL;
	}
	fputs("{\"host\":\"native\",\"program\":", out);
	write_json_string(out, program);
	fputs(",\"arguments\":[", out);
	for (size_t i = 1; argv[0] && argv[i]; i++) {
		fputs(i > 1 ? "," : "", out);
		write_json_string(out, argv[i]);
	}
	fputs("]}", out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static int prepare(struct launch *launch)
{
	int *exit_status = &launch->result->exit_status;

	if (!launch->argv || !launch->argv[0]) {
		return reel_fail(launch->error, REEL_EINVAL, "no program was named");
	}
	int status = program_find(launch->argv[0], &launch->program, exit_status, launch->error);

	if (status == 0) {
		status = program_check(launch->program, exit_status, launch->error);
	}
	if (status == 0) {
		status = preload_find(
			launch->options->hook_library, &launch->library, launch->error);
	}
	if (status < 0) {
		return status;
	}
	launch->metadata = describe(launch->program, launch->argv);
	return launch->metadata ? 0 : out_of_memory(launch);
}

/* ---- the attendant ---- */

/* Waits for the attendant's next message. False: it is gone. */
static bool receive(struct launch *launch)
{
	ssize_t size;

	do {
		size = recv(launch->socket, &launch->message, sizeof(launch->message), 0);
	} while (size < 0 && errno == EINTR);
	return size == (ssize_t)sizeof(launch->message);
}

static void send_message(
	struct launch *launch, enum attendant_message_kind kind, int status, uint64_t number)
{
	struct attendant_message message = {.kind = kind, .status = status, .number = number};

	send(launch->socket, &message, sizeof(message), MSG_NOSIGNAL);
	kill(launch->attendant, ATTENDANT_WAKE);
}

/* Takes the attendant's place among the caller's children away; only when it ends by itself. */
static void reap_attendant(struct launch *launch)
{
	while (waitpid(launch->attendant, NULL, 0) < 0 && errno == EINTR) {
	}
	launch->attendant = 0;
}

static int attendant_failed(struct launch *launch)
{
	return reel_fail(launch->error, launch->message.status, "%s", launch->message.text);
}

static int attendant_died(struct launch *launch)
{
	reap_attendant(launch);
	return reel_fail(launch->error, REEL_ECLOSED,
		"the recording process died; what it wrote is in %s.part-*",
		launch->options->output ? launch->options->output : DEFAULT_OUTPUT);
}

static int start_attendant(struct launch *launch)
{
	const char *output = launch->options->output;
	struct attendant_request request = {
		.output = output ? output : DEFAULT_OUTPUT,
		.recorder = &launch->recorder,
		.metadata = launch->metadata,
		.wait_children = launch->options->wait_children,
	};
	int sockets[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) {
		return reel_fail(
			launch->error, REEL_EIO, "cannot make a socket: %s", strerror(errno));
	}
	launch->attendant = fork();
	if (launch->attendant == 0) {
		attendant_run(&request, sockets[1]);
	}
	close(sockets[1]);
	launch->socket = sockets[0];
	if (launch->attendant < 0) {
		return reel_fail(launch->error, REEL_EIO, "cannot fork: %s", strerror(errno));
	}
	if (!receive(launch)) {
		return attendant_died(launch);
	}
	if (launch->message.kind != MESSAGE_READY) {
		reap_attendant(launch);
		return attendant_failed(launch);
	}
	return 0;
}

/* The program did not start: waits until the attendant has cleaned up. */
static void dismiss_attendant(struct launch *launch)
{
	send_message(launch, MESSAGE_ABANDON, 0, 0);
	reap_attendant(launch);
}

/* ---- the program ---- */

_Noreturn static void become_program(
	struct launch *launch, const struct environment *environment, int failure_pipe)
{
	int number;

	watch_release_child(&launch->watch);
	execvpe(launch->program, launch->argv, environment->variables);
	number = errno;
	while (write(failure_pipe, &number, sizeof(number)) < 0 && errno == EINTR) {
	}
	_exit(REEL_NATIVE_FAILED);
}

/* Waits until exec has closed the pipe, or tells through it why it failed. Returns 0 or an errno.
 */
static int exec_result(int pipe)
{
	int number = 0;
	ssize_t size;

	do {
		size = read(pipe, &number, sizeof(number));
	} while (size < 0 && errno == EINTR);
	return size == (ssize_t)sizeof(number) ? number : 0;
}

static int exec_failed(struct launch *launch, int number)
{
	while (waitpid(launch->watch.program, NULL, 0) < 0 && errno == EINTR) {
	}
	launch->result->exit_status = REEL_NATIVE_NOT_EXECUTABLE;
	return reel_fail(launch->error, REEL_EIO, "%s: %s", launch->program, strerror(number));
}

static int fork_program(struct launch *launch, const struct environment *environment)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0) {
		return reel_fail(
			launch->error, REEL_EIO, "cannot make a pipe: %s", strerror(errno));
	}
	launch->watch.program = fork();
	if (launch->watch.program == 0) {
		become_program(launch, environment, ends[1]);
	}
	int number = launch->watch.program < 0 ? errno : 0;

	close(ends[1]);
	if (number == 0) {
		number = exec_result(ends[0]);
	}
	close(ends[0]);
	if (launch->watch.program < 0) {
		return reel_fail(launch->error, REEL_EIO, "cannot fork: %s", strerror(number));
	}
	return number == 0 ? 0 : exec_failed(launch, number);
}

static int start_program(struct launch *launch)
{
	struct environment environment;

	if (environment_create(launch->library, launch->message.text, &environment) < 0) {
		return out_of_memory(launch);
	}
	int status = fork_program(launch, &environment);

	environment_destroy(&environment);
	return status;
}

static void wait_for_program(struct launch *launch)
{
	struct pollfd signals = {.fd = launch->watch.fd, .events = POLLIN};

	for (;;) {
		watch_program(&launch->watch);
		if (launch->watch.ended) {
			return;
		}
		poll(&signals, 1, -1);
	}
}

static int shell_status(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

/* ---- the end ---- */

/* Waits for the attendant's last word. With wait_children a signal ends the waiting. */
static bool wait_for_attendant(struct launch *launch)
{
	struct pollfd events[2] = {{.fd = launch->socket, .events = POLLIN},
		{.fd = launch->watch.fd, .events = POLLIN}};

	while (launch->options->wait_children && poll(events, 2, -1) >= 0 && !events[0].revents) {
		if (watch_asks_to_end(&launch->watch)) {
			launch->message =
				(struct attendant_message){.kind = MESSAGE_LIVE, .number = 1};
			return true;
		}
	}
	return receive(launch);
}

static int conclude(struct launch *launch)
{
	struct reel_native_result *result = launch->result;

	send_message(launch, MESSAGE_ENDED, launch->watch.wait_status, 0);
	if (!wait_for_attendant(launch)) {
		return attendant_died(launch);
	}
	result->events = launch->message.events;
	if (launch->message.kind == MESSAGE_LIVE) {
		result->live = (uint32_t)launch->message.number;
		result->consumer = launch->attendant;
	} else {
		reap_attendant(launch);
	}
	if (launch->message.kind == MESSAGE_FAILED) {
		return attendant_failed(launch);
	}
	result->exit_status = shell_status(launch->watch.wait_status);
	return 0;
}

static int run(struct launch *launch)
{
	int status = watch_begin(&launch->watch, launch->error);

	if (status == 0) {
		status = start_attendant(launch);
	}
	if (status < 0) {
		return status;
	}
	status = start_program(launch);
	if (status < 0) {
		dismiss_attendant(launch);
		return status;
	}
	send_message(launch, MESSAGE_STARTED, 0, (uint64_t)launch->watch.program);
	wait_for_program(launch);
	return conclude(launch);
}

int reel_native_record(const struct reel_native_options *options, char *const argv[],
	struct reel_native_result *result, struct reel_error *error)
{
	static const struct reel_native_options defaults = {.size = sizeof(defaults)};
	struct reel_native_result unwanted;
	struct launch launch = {
		.options = options ? options : &defaults,
		.argv = argv,
		.result = result ? result : &unwanted,
		.error = error,
		.watch = {.fd = -1},
		.socket = -1,
		.recorder = {.size = sizeof(launch.recorder), .on_full = REEL_ON_FULL_WAIT},
	};

	*launch.result = (struct reel_native_result){.exit_status = REEL_NATIVE_FAILED};
	if (launch.options->recorder) {
		launch.recorder = *launch.options->recorder;
	}
	int status = prepare(&launch);

	if (status == 0) {
		status = run(&launch);
	}
	watch_end(&launch.watch);
	if (launch.socket >= 0) {
		close(launch.socket);
	}
	free(launch.program);
	free(launch.library);
	free(launch.metadata);
	return status;
}
