/*
 * `reel record`: runs a program and records its function calls.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <reel/native.h>

#include "command.h"

/* As many --include and --exclude as anybody writes on a command line. */
#define GLOBS_MAX 256

static const char help[] =
	"Usage: reel record [OPTION...] [--] PROGRAM [ARGUMENT...]\n"
	"\n"
	"Runs PROGRAM and records every call of the functions that were compiled with\n"
	"-finstrument-functions (gcc or clang, C or C++), in it, its libraries and plug-ins, its\n"
	"threads, and the children that it forks and the programs that they execute.\n"
	"\n"
	"  -o, --output FILE    the trace to write (" DEFAULT_TRACE
	"); it gets its name once it is\n"
	"                       complete, a file that was there becomes FILE.old\n"
	"  --on-full=wait       when events come faster than they can be written, the program\n"
	"                       waits and nothing is lost (the default)\n"
	"  --on-full=drop       the program never waits; whole calls are lost, and counted\n"
	"  --codec=CODEC        zstd[:LEVEL] (the default, level 1), lz4 or none\n"
	"  --memory SIZE        shared memory for the events on their way (32M)\n"
	"  --wait-children      return when the last recorded child has ended; else, when the\n"
	"                       program has ended, children that live on are recorded in the\n"
	"                       background\n"
	"\n"
	"What is recorded (calls left out cost their share of time all the same):\n"
	"  --include GLOB       only functions whose name or MODULE:NAME matches; may be repeated\n"
	"  --exclude GLOB       no function whose name or MODULE:NAME matches; may be repeated\n"
	"  --max-depth N        no calls deeper than N open recorded calls\n"
	"  --min-duration T     no calls shorter than T (10us, 2ms, 0.5s)\n"
	"\n"
	"The exit status is the program's, or 128 + the number of the signal that ended it; 125\n"
	"when Reel itself failed, 126 when PROGRAM cannot be executed, 127 when there is none.\n"
	"\n"
	"Examples:\n"
	"  gcc -g -O2 -finstrument-functions program.c -o program\n"
	"  reel record ./program argument\n"
	"  reel record -o parse.reel --include 'parse_*' --exclude '*_char' ./program\n"
	"  reel record --on-full=drop --memory 128M -- ./server --port 8080\n";

enum {
	OPTION_ON_FULL = OPTION_LONG,
	OPTION_CODEC,
	OPTION_MEMORY,
	OPTION_INCLUDE,
	OPTION_EXCLUDE,
	OPTION_MAX_DEPTH,
	OPTION_MIN_DURATION,
	OPTION_WAIT_CHILDREN,
};

struct record_command {
	struct reel_native_options native;
	struct reel_recorder_options recorder;
	const char *include[GLOBS_MAX], *exclude[GLOBS_MAX];
};

static bool parse_on_full(const char *text, enum reel_on_full *on_full)
{
	*on_full = strcmp(text, "wait") == 0 ? REEL_ON_FULL_WAIT : REEL_ON_FULL_DROP;
	return *on_full == REEL_ON_FULL_WAIT || strcmp(text, "drop") == 0;
}

static bool parse_memory(const char *text, size_t *bytes)
{
	uint64_t size;

	if (!parse_size(text, &size) || size == 0 || size > SIZE_MAX) {
		return false;
	}
	*bytes = (size_t)size;
	return true;
}

static bool parse_depth(const char *text, uint32_t *depth)
{
	uint64_t number;

	if (!parse_number(text, UINT32_MAX, &number) || number == 0) {
		return false;
	}
	*depth = (uint32_t)number;
	return true;
}

static bool add_glob(const char *glob, const char **globs, size_t *count)
{
	if (*count == GLOBS_MAX) {
		return false;
	}
	globs[(*count)++] = glob;
	return true;
}

/* Takes one option. Returns what is wrong with its argument, NULL when nothing is. */
static const char *take_option(struct record_command *command, int option)
{
	struct reel_recorder_options *recorder = &command->recorder;

	switch (option) {
	case 'o':
		command->native.output = optarg;
		return optarg[0] ? NULL : "-o needs a file name";
	case OPTION_ON_FULL:
		return parse_on_full(optarg, &recorder->on_full) ? NULL
								 : "--on-full is wait or drop";
	case OPTION_CODEC:
		return parse_codec(optarg, &recorder->codec, &recorder->codec_level)
			       ? NULL
			       : "--codec is zstd[:LEVEL], lz4 or none";
	case OPTION_MEMORY:
		return parse_memory(optarg, &recorder->memory_bytes)
			       ? NULL
			       : "--memory is a size (64M, 1G)";
	case OPTION_INCLUDE:
		return add_glob(optarg, command->include, &recorder->include_count)
			       ? NULL
			       : "too many --include";
	case OPTION_EXCLUDE:
		return add_glob(optarg, command->exclude, &recorder->exclude_count)
			       ? NULL
			       : "too many --exclude";
	case OPTION_MAX_DEPTH:
		return parse_depth(optarg, &recorder->max_depth) ? NULL
								 : "--max-depth is a number from 1";
	case OPTION_MIN_DURATION:
		return parse_time(optarg, &recorder->min_duration_ns)
			       ? NULL
			       : "--min-duration is a time (10us, 2ms, 0.5s)";
	default:
		command->native.wait_children = true;
		return NULL;
	}
}

/* Fills the command from its options. OPTION_END, or the option that ends the command. */
static int read_options(int argc, char **argv, struct record_command *command)
{
	static const struct option options[] = {
		{"output", required_argument, NULL, 'o'},
		{"on-full", required_argument, NULL, OPTION_ON_FULL},
		{"codec", required_argument, NULL, OPTION_CODEC},
		{"memory", required_argument, NULL, OPTION_MEMORY},
		{"include", required_argument, NULL, OPTION_INCLUDE},
		{"exclude", required_argument, NULL, OPTION_EXCLUDE},
		{"max-depth", required_argument, NULL, OPTION_MAX_DEPTH},
		{"min-duration", required_argument, NULL, OPTION_MIN_DURATION},
		{"wait-children", no_argument, NULL, OPTION_WAIT_CHILDREN},
		HELP_OPTION,
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = next_option(argc, argv, "+o:", options, help)) != OPTION_END) {
		if (option == OPTION_WRONG || option == OPTION_HELP || option == 'h') {
			return option;
		}
		const char *wrong = take_option(command, option);

		if (wrong) {
			usage_error(argv[0], "%s, not '%s'", wrong, optarg);
			return OPTION_WRONG;
		}
	}
	return OPTION_END;
}

/* Says what the user could not see otherwise. */
static void report(const char *program, const char *output, const struct reel_native_result *result)
{
	if (result->live > 0) {
		failure("%" PRIu32 " recorded process%s on: %s is complete when %s ended",
			result->live, result->live == 1 ? " lives" : "es live", output,
			result->live == 1 ? "it has" : "they have");
	} else if (result->events == 0) {
		failure("no events: %s was not built with -finstrument-functions", program);
	}
}

int command_record(int argc, char **argv)
{
	struct record_command command = {
		.native = {.size = sizeof(command.native), .output = DEFAULT_TRACE},
		.recorder = {.size = sizeof(command.recorder), .on_full = REEL_ON_FULL_WAIT},
	};
	int option = read_options(argc, argv, &command);

	if (option == OPTION_HELP || option == 'h') {
		return option_exit_code(OPTION_HELP);
	}
	if (option != OPTION_END) {
		return REEL_NATIVE_FAILED;
	}
	if (optind == argc) {
		usage_error(argv[0], "which program?");
		return REEL_NATIVE_FAILED;
	}

	struct reel_native_result result;
	struct reel_error error;

	command.recorder.include = command.include;
	command.recorder.exclude = command.exclude;
	command.native.recorder = &command.recorder;
	if (reel_native_record(&command.native, &argv[optind], &result, &error) < 0) {
		failure("%s", error.text);
	} else {
		report(argv[optind], command.native.output, &result);
	}
	return result.exit_status;
}
