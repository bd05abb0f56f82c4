/*
 * `reel replay`: drives listeners with a trace, as if the program were running.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <reel/replay.h>

#include "command.h"

static const char help[] =
	"Usage: reel replay [TRACE] [--listener NAME|PATH.so[:OPTIONS]]... [OPTION...]\n"
	"\n"
	"Replays a trace (" DEFAULT_TRACE
	" unless told) into listeners: `stats` unless told. `reel\n"
	"listeners` lists those that are built in; PATH.so is a listener of your own.\n"
	"\n"
	"  --listener L       may be given several times; each then writes to its own file:\n"
	"                     --listener stats --listener flamegraph:file=flame.svg\n"
	"  -o FILE            the listener's output instead of standard output\n"
	"  --from T, --to T   only this range, counted from the first event, in seconds or with a\n"
	"                     suffix (1.5, 200ms, 3us, 17ns); calls open at its edges are begun\n"
	"                     and ended there\n"
	"  --stream ID        only this stream; may be given several times\n"
	"  --function GLOB    only functions whose name or module:name matches have listeners,\n"
	"                     the others still show in stacks; may be given several times\n"
	"  --as-delivered     exactly what the host gave: nothing repaired, nothing withheld\n"
	"  --fail-on-loss     exit with 3 when events are missing in the trace or blocks damaged\n"
	"  --jobs N           accepted for scripts: one thread replays, whatever N is\n"
	"\n"
	"Examples:\n"
	"  reel replay\n"
	"  reel replay run.reel --listener json -o events.jsonl\n"
	"  reel replay --listener log --from 100ms --to 101ms --stream 0\n"
	"  reel replay --listener ./mine.so:top=10 --function 'sqlite3*'\n";

enum {
	OPTION_LISTENER = OPTION_LONG,
	OPTION_FROM,
	OPTION_TO,
	OPTION_STREAM,
	OPTION_FUNCTION,
	OPTION_JOBS,
	OPTION_AS_DELIVERED,
	OPTION_FAIL_ON_LOSS,
};

static const struct option options[] = {
	{"listener", required_argument, NULL, OPTION_LISTENER},
	{"output", required_argument, NULL, 'o'},
	{"from", required_argument, NULL, OPTION_FROM},
	{"to", required_argument, NULL, OPTION_TO},
	{"stream", required_argument, NULL, OPTION_STREAM},
	{"function", required_argument, NULL, OPTION_FUNCTION},
	{"jobs", required_argument, NULL, OPTION_JOBS},
	{"as-delivered", no_argument, NULL, OPTION_AS_DELIVERED},
	{"fail-on-loss", no_argument, NULL, OPTION_FAIL_ON_LOSS},
	HELP_OPTION,
	{NULL, 0, NULL, 0},
};

/* What the command line asks for. The arrays have room for every argument. */
struct request {
	const char *path;
	const char *output;
	const char **listeners;
	size_t listener_count;
	struct reel_listener_factory **factories; /* one per listener, once made */
	uint32_t *streams;
	const char **functions;
	struct reel_replay_options replay;
	bool has_to;
	bool fail_on_loss;
};

static void request_deinit(struct request *request)
{
	free(request->factories);
	free(request->listeners);
	free(request->streams);
	free(request->functions);
}

static bool request_init(struct request *request, int argc)
{
	size_t room = (size_t)argc + 1;

	*request = (struct request){
		.listeners = calloc(room, sizeof(*request->listeners)),
		.factories = calloc(room, sizeof(struct reel_listener_factory *)),
		.streams = calloc(room, sizeof(*request->streams)),
		.functions = calloc(room, sizeof(*request->functions)),
		.replay = {.size = sizeof(request->replay)},
	};
	request->replay.streams = request->streams;
	request->replay.functions = request->functions;
	return request->listeners && request->factories && request->streams && request->functions;
}

/* The time or number that an option takes; false with a line printed. */
static bool take_time(const char *command, const char *option, uint64_t *time_ns)
{
	if (parse_time(optarg, time_ns)) {
		return true;
	}
	usage_error(command, "%s takes a time such as 1.5, 200ms, 3us or 17ns, not '%s'", option,
		optarg);
	return false;
}

static bool take_number(
	const char *command, const char *option, uint64_t min, uint64_t max, uint64_t *number)
{
	if (parse_number(optarg, max, number) && *number >= min) {
		return true;
	}
	usage_error(command, "%s takes a number from %" PRIu64 " to %" PRIu64 ", not '%s'", option,
		min, max, optarg);
	return false;
}

/* One option into the request; false when its argument makes no sense. */
static bool apply_option(struct request *request, const char *command, int option)
{
	struct reel_replay_options *replay = &request->replay;
	uint64_t number;

	switch (option) {
	case OPTION_LISTENER:
		request->listeners[request->listener_count++] = optarg;
		return true;
	case 'o':
		request->output = optarg;
		return true;
	case OPTION_FROM:
		return take_time(command, "--from", &replay->from_ns);
	case OPTION_TO:
		request->has_to = true;
		return take_time(command, "--to", &replay->to_ns);
	case OPTION_STREAM:
		if (!take_number(command, "--stream", 0, UINT32_MAX, &number)) {
			return false;
		}
		request->streams[replay->stream_count++] = (uint32_t)number;
		return true;
	case OPTION_FUNCTION:
		request->functions[replay->function_count++] = optarg;
		return true;
	case OPTION_JOBS:
		return take_number(command, "--jobs", 1, 4096, &number);
	case OPTION_AS_DELIVERED:
		replay->as_delivered = true;
		return true;
	default:
		request->fail_on_loss = true;
		return true;
	}
}

static bool has_own_file(const char *listener)
{
	const char *listener_options = strchr(listener, ':');

	return listener_options && strstr(listener_options, "file=");
}

/* Only one listener can have standard output or -o to itself. */
static bool outputs_differ(const struct request *request, const char *command)
{
	size_t sharing = 0;

	for (size_t i = 0; i < request->listener_count; i++) {
		sharing += !has_own_file(request->listeners[i]);
	}
	if (request->output && sharing > 1) {
		usage_error(command, "with several listeners each takes its own NAME:file=PATH");
		return false;
	}
	return true;
}

/* OPTION_END with a whole request, or the option that ends the command. */
static int read_request(struct request *request, int argc, char **argv)
{
	int option;

	while ((option = next_option(argc, argv, "o:", options, help)) != OPTION_END) {
		if (option == OPTION_HELP || option == OPTION_WRONG) {
			return option;
		}
		if (!apply_option(request, argv[0], option)) {
			return OPTION_WRONG;
		}
	}
	if (!single_operand(argc, argv, DEFAULT_TRACE, &request->path)) {
		return OPTION_WRONG;
	}
	if (request->has_to && request->replay.to_ns <= request->replay.from_ns) {
		usage_error(argv[0], "--to must be later than --from");
		return OPTION_WRONG;
	}
	if (request->listener_count == 0) {
		request->listeners[request->listener_count++] = "stats";
	}
	return outputs_differ(request, argv[0]) ? OPTION_END : OPTION_WRONG;
}

static bool is_built_in(const char *listener)
{
	const size_t length = strcspn(listener, ":");
	const char *name;

	for (size_t i = 0; (name = reel_listener_name(i, NULL)) != NULL; i++) {
		if (strlen(name) == length && strncmp(name, listener, length) == 0) {
			return true;
		}
	}
	return false;
}

/* Plug-ins know nothing of -o and write to standard output: that is the file then. False with a
 * line printed. */
static bool redirect_plugin(const struct request *request)
{
	for (size_t i = 0; request->output && i < request->listener_count; i++) {
		const char *listener = request->listeners[i];

		if (!is_built_in(listener) && !has_own_file(listener) &&
			!freopen(request->output, "w", stdout)) {
			failure("%s: %s", request->output, strerror(errno));
			return false;
		}
	}
	return true;
}

/* Whether a listener writes to the terminal while the replay runs, where a progress line would get
 * in its way. */
static bool writes_to_terminal(const struct request *request)
{
	static const char *const at_end[] = {"stats", "folded", "flamegraph", "null"};
	size_t silent = 0;

	for (size_t i = 0; i < request->listener_count; i++) {
		const char *listener = request->listeners[i];
		bool is_silent = has_own_file(listener);

		for (size_t j = 0; j < sizeof(at_end) / sizeof(at_end[0]); j++) {
			is_silent |= strncmp(listener, at_end[j], strcspn(listener, ":")) == 0;
		}
		silent += is_silent;
	}
	return silent < request->listener_count && !request->output && isatty(STDOUT_FILENO) == 1;
}

static int make_factories(struct request *request, struct reel_error *error)
{
	for (size_t i = 0; i < request->listener_count; i++) {
		int status = reel_listener_create(
			request->listeners[i], request->output, &request->factories[i], error);

		if (status != REEL_OK) {
			return status;
		}
	}
	return REEL_OK;
}

/* Replays into one factory and says what was not whole. */
static int replay_into(
	struct request *request, struct reel_trace *trace, struct reel_listener_factory *factory)
{
	struct progress progress;
	struct reel_replay_result result = {0};
	struct reel_error error;

	request->replay.progress = writes_to_terminal(request) ? NULL : progress_show;
	request->replay.user = &progress;
	progress_begin(&progress, "replay");
	int status = reel_replay(trace, factory, &request->replay, &result, &error);
	progress_end(&progress);
	if (status != REEL_OK) {
		return library_failure(&error);
	}
	if (result.damaged_blocks > 0) {
		failure("%s: %" PRIu64 " damaged blocks were left out", request->path,
			result.damaged_blocks);
	}
	if (request->fail_on_loss && result.lost > 0) {
		failure("%s: %" PRIu64 " events are missing", request->path, result.lost);
	}
	bool loss = result.lost > 0 || result.damaged_blocks > 0;

	return flush_output(request->fail_on_loss && loss ? EXIT_DAMAGE : EXIT_DONE);
}

/* A trace must not be overwritten by its own replay. */
static bool is_same_file(const char *path, const char *other)
{
	struct stat a, b;

	return stat(path, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

static int replay_trace(struct request *request, struct reel_trace *trace)
{
	struct reel_trace_info info;
	struct reel_error error;

	if (request->output && is_same_file(request->output, request->path)) {
		return failure("%s: is the trace itself", request->output);
	}
	if (!redirect_plugin(request)) {
		return EXIT_FAILED;
	}
	if (make_factories(request, &error) != REEL_OK) {
		return library_failure(&error);
	}
	reel_trace_describe(trace, &info);
	if (!info.complete) {
		failure("%s: the end is missing: replaying what is there", request->path);
	}
	if (request->listener_count == 1) {
		return replay_into(request, trace, request->factories[0]);
	}

	struct reel_listener_factory *all =
		reel_multi_factory_create(request->factories, request->listener_count);

	if (!all) {
		return failure("out of memory");
	}
	int exit_code = replay_into(request, trace, all);

	reel_listener_factory_destroy(all);
	return exit_code;
}

static int run_request(struct request *request)
{
	struct reel_trace *trace;
	struct reel_error error;

	if (reel_trace_open(request->path, &trace, &error) != REEL_OK) {
		failure("%s", error.text);
		return EXIT_FAILED;
	}
	int exit_code = replay_trace(request, trace);

	/* Listeners go first: they may hold functions of the trace. */
	for (size_t i = 0; i < request->listener_count; i++) {
		reel_listener_factory_destroy(request->factories[i]);
	}
	reel_trace_close(trace);
	return exit_code;
}

int command_replay(int argc, char **argv)
{
	struct request request;
	int exit_code;

	if (!request_init(&request, argc)) {
		exit_code = failure("out of memory");
	} else {
		int option = read_request(&request, argc, argv);

		exit_code = option == OPTION_END ? run_request(&request) : option_exit_code(option);
	}
	request_deinit(&request);
	return exit_code;
}
