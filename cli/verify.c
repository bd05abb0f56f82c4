/*
 * `reel verify`: reads every byte of a trace and says what is wrong with it.
 */
#include <inttypes.h>
#include <stdio.h>

#include <reel/trace.h>

#include "command.h"

static const char help[] =
	"Usage: reel verify [TRACE]\n"
	"\n"
	"Reads every block of a trace (" DEFAULT_TRACE " unless told) and checks checksums,\n"
	"structure and that the counts agree. Prints one line per defect on standard error.\n"
	"Exit status: 0 for a whole trace, 3 for damage or a missing end, 1 for a file that\n"
	"cannot be read or is no trace.\n"
	"\n"
	"Example:\n"
	"  reel verify run.reel\n";

struct verification {
	struct progress progress;
	uint64_t defects;
};

static void report_defect(void *user, const char *line)
{
	struct verification *verification = user;

	progress_end(&verification->progress);
	failure("%s", line);
	verification->defects++;
}

static void show_progress(void *user, uint64_t done, uint64_t total)
{
	struct verification *verification = user;

	progress_show(&verification->progress, total ? (double)done / (double)total : 1);
}

static int verify(const char *path, struct reel_trace *trace)
{
	struct verification verification = {.defects = 0};
	struct reel_error error;

	progress_begin(&verification.progress, "verify");
	int status = reel_trace_verify(trace, report_defect, show_progress, &verification, &error);
	progress_end(&verification.progress);

	if (status == REEL_EDAMAGED) {
		if (verification.defects == 0) {
			failure("%s", error.text);
		}
		return EXIT_DAMAGE;
	}
	if (status != REEL_OK) {
		return library_failure(&error);
	}

	struct reel_trace_info info;

	reel_trace_describe(trace, &info);
	printf("%s: whole: %" PRIu64 " events in %" PRIu64 " blocks\n", path, info.events,
		info.blocks);
	return flush_output(EXIT_DONE);
}

int command_verify(int argc, char **argv)
{
	static const struct option options[] = {HELP_OPTION, {NULL, 0, NULL, 0}};
	const char *path;
	int option = next_option(argc, argv, "", options, help);

	if (option != OPTION_END) {
		return option_exit_code(option);
	}
	if (!single_operand(argc, argv, DEFAULT_TRACE, &path)) {
		return EXIT_USAGE;
	}

	struct reel_trace *trace;
	struct reel_error error;
	int status = reel_trace_open(path, &trace, &error);

	if (status != REEL_OK) {
		failure("%s", error.text);
		return status == REEL_EDAMAGED ? EXIT_DAMAGE : EXIT_FAILED;
	}
	int exit_code = verify(path, trace);

	reel_trace_close(trace);
	return exit_code;
}
