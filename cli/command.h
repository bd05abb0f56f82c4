/*
 * What the commands of the `reel` program share: their entry points, options and arguments, exit
 * codes, messages and progress. A command is given its own name as argv[0] and returns the
 * program's exit status; it prints data to standard output and one line per failure to standard
 * error.
 */
#ifndef REEL_CLI_COMMAND_H
#define REEL_CLI_COMMAND_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reel/recorder.h>
#include <reel/status.h>

/* Exit codes; `record` has its own. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1, /* a file is missing, foreign or cannot be read or written */
	EXIT_USAGE = 2,
	EXIT_DAMAGE = 3, /* verify: damage or no end; --fail-on-loss: events are missing */
};

/* What the commands read when they are not told. */
#define DEFAULT_TRACE "trace.reel"

int command_record(int argc, char **argv);
int command_import(int argc, char **argv);
int command_replay(int argc, char **argv);
int command_bench(int argc, char **argv);
int command_info(int argc, char **argv);
int command_verify(int argc, char **argv);
int command_listeners(int argc, char **argv);

/* ---- messages ---- */

/* Prints "reel: TEXT" and returns EXIT_FAILED. */
int failure(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same for an error of the library: EXIT_USAGE when an argument made no sense. */
int library_failure(const struct reel_error *error);

/* Prints "reel COMMAND: TEXT (see reel COMMAND --help)" and returns EXIT_USAGE. */
int usage_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Flushes standard output. Returns `status`, or EXIT_FAILED with a line when it could not be
 * written. */
int flush_output(int status);

/* ---- options ---- */

/*
 * What next_option() returns: a letter, or the `val` of a long option, which counts from
 * OPTION_LONG; or one of these.
 */
enum {
	OPTION_END = -1,
	OPTION_WRONG = '?',  /* a line was printed */
	OPTION_HELP = 0x100, /* the text was printed */
	OPTION_LONG,
};

/* Stands in every table of long options. */
#define HELP_OPTION \
	{ \
		"help", no_argument, NULL, OPTION_HELP \
	}

/*
 * The next option of a command, by getopt_long(): `optarg` is its argument, `optind` the first
 * operand at the end. `short_options` starts with "+" for a command whose operands have options of
 * their own, and is "" for most. Every command has -h and --help, which print `help`.
 */
int next_option(int argc, char **argv, const char *short_options, const struct option *long_options,
	const char *help);

/* The exit code for an option that the caller does not handle itself. */
int option_exit_code(int option);

/* The one operand of a command, or `otherwise`. False, with a line printed, when there are more. */
bool single_operand(int argc, char **argv, const char *otherwise, const char **operand);

/* ---- arguments: each returns false when the text makes no sense ---- */

/* "10", "64K", "64MiB", "1G": bytes, suffixes by 1024. */
bool parse_size(const char *text, uint64_t *bytes);

/* "1.5", "200ms", "3us", "17ns", "2s" in ns; without a suffix seconds. */
bool parse_time(const char *text, uint64_t *time_ns);

/* A decimal number of at most `max`. */
bool parse_number(const char *text, uint64_t max, uint64_t *number);

/* "zstd", "zstd:LEVEL", "lz4", "none". */
bool parse_codec(const char *text, enum reel_codec *codec, int *level);

/* ---- progress ---- */

/* A line "LABEL: 42%" on standard error while it is a terminal, else nothing. */
struct progress {
	const char *label;
	bool shown;
	int percent;
};

void progress_begin(struct progress *progress, const char *label);
void progress_show(void *progress, double share);
void progress_end(struct progress *progress);

#endif
