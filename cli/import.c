/*
 * `reel import`: JSON lines of function events, from any host, into a trace.
 */
#include <string.h>

#include <reel/import.h>

#include "command.h"

static const char help[] =
	"Usage: reel import EVENTS.jsonl[.zst] [-o FILE] [--walk=trusted|full] [--codec=CODEC]\n"
	"\n"
	"Reads function events as JSON lines, plain or zstd-compressed (\"-\": standard\n"
	"input), and writes them as a trace. The lines are what `reel replay --listener json`\n"
	"writes.\n"
	"\n"
	"  -o FILE          the trace to write (" DEFAULT_TRACE "); it gets its name once it is\n"
	"                   complete, a file that was there becomes FILE.old\n"
	"  --walk=trusted   stacks are followed down to the innermost open call (the default)\n"
	"  --walk=full      keep each stack exactly as the host showed it\n"
	"  --codec=CODEC    zstd[:LEVEL] (the default), lz4 or none\n"
	"\n"
	"Examples:\n"
	"  reel import events.jsonl.zst -o events.reel\n"
	"  zstdcat events.jsonl.zst | reel import - --walk=full\n";

/* Fills path, output and options from the command line. OPTION_END, or the option that ends the
 * command. */
static int read_options(
	int argc, char **argv, const char **output, struct reel_import_options *import)
{
	enum { OPTION_WALK = OPTION_LONG, OPTION_CODEC };
	static const struct option options[] = {{"output", required_argument, NULL, 'o'},
		{"walk", required_argument, NULL, OPTION_WALK},
		{"codec", required_argument, NULL, OPTION_CODEC}, HELP_OPTION, {NULL, 0, NULL, 0}};
	int option;

	while ((option = next_option(argc, argv, "o:", options, help)) != OPTION_END) {
		switch (option) {
		case 'o':
			*output = optarg;
			break;
		case OPTION_WALK:
			import->walk = REEL_WALK_FULL;
			if (strcmp(optarg, "trusted") == 0) {
				import->walk = REEL_WALK_TRUSTED;
			} else if (strcmp(optarg, "full") != 0) {
				usage_error(argv[0], "--walk is trusted or full, not '%s'", optarg);
				return OPTION_WRONG;
			}
			break;
		case OPTION_CODEC:
			if (!parse_codec(optarg, &import->codec, &import->codec_level)) {
				usage_error(argv[0],
					"--codec is zstd[:LEVEL], lz4 or none, not '%s'", optarg);
				return OPTION_WRONG;
			}
			break;
		default:
			return option;
		}
	}
	return OPTION_END;
}

int command_import(int argc, char **argv)
{
	struct progress progress;
	struct reel_import_options import = {
		.size = sizeof(import), .progress = progress_show, .user = &progress};
	const char *output = DEFAULT_TRACE;
	const char *path;
	int option = read_options(argc, argv, &output, &import);

	if (option != OPTION_END) {
		return option_exit_code(option);
	}
	if (!single_operand(argc, argv, NULL, &path)) {
		return EXIT_USAGE;
	}
	if (!path) {
		return usage_error(argv[0], "which file of events?");
	}

	struct reel_error error;

	progress_begin(&progress, "import");
	int status = reel_import_jsonl(path, output, &import, &error);
	progress_end(&progress);
	return status == REEL_OK ? EXIT_DONE : library_failure(&error);
}
