/*
 * `reel info`: what is in a trace, as a table for people or one JSON object for programs.
 */
#include <inttypes.h>
#include <stdio.h>

#include <reel/trace.h>

#include "command.h"

static const char help[] =
	"Usage: reel info [TRACE] [--json]\n"
	"\n"
	"Says what is in a trace (" DEFAULT_TRACE
	" unless told): events, streams, functions, depth,\n"
	"duration, size, and whether its end is there.\n"
	"\n"
	"  --json    one JSON object: events, before, after, abort, repaired, undelivered, lost,\n"
	"            streams, functions, max_depth, duration_ns, bytes, blocks, version, complete\n"
	"\n"
	"before, after and abort count repaired events and not undelivered ones; events is their\n"
	"sum; functions counts those with events; max_depth counts open listened calls.\n"
	"\n"
	"Examples:\n"
	"  reel info\n"
	"  reel info run.reel --json\n";

/* The counts by their names in JSON. */
struct count {
	const char *name;
	uint64_t value;
};

#define COUNT_MAX 13

static size_t list_counts(const struct reel_trace_info *info, struct count counts[COUNT_MAX])
{
	const struct count all[COUNT_MAX] = {
		{"events", info->events},
		{"before", info->before},
		{"after", info->after},
		{"abort", info->abort},
		{"repaired", info->repaired},
		{"undelivered", info->undelivered},
		{"lost", info->lost},
		{"streams", info->streams},
		{"functions", info->functions},
		{"max_depth", info->max_depth},
		{"duration_ns", info->duration_ns},
		{"bytes", info->bytes},
		{"blocks", info->blocks},
	};

	for (size_t i = 0; i < COUNT_MAX; i++) {
		counts[i] = all[i];
	}
	return COUNT_MAX;
}

static void print_json(const struct reel_trace_info *info)
{
	struct count counts[COUNT_MAX];
	size_t count = list_counts(info, counts);

	putchar('{');
	for (size_t i = 0; i < count; i++) {
		printf("\"%s\":%" PRIu64 ",", counts[i].name, counts[i].value);
	}
	printf("\"version\":\"%" PRIu32 ".%" PRIu32 "\",\"complete\":%s}\n", info->version_major,
		info->version_minor, info->complete ? "true" : "false");
}

/* Prints a name that a recorded program chose; bytes that would steer the terminal become '?'. */
static void print_name(const char *name)
{
	for (; *name; name++) {
		unsigned char byte = (unsigned char)*name;

		putchar(byte < 0x20 || byte == 0x7f ? '?' : byte);
	}
}

static void print_stream(const struct reel_stream_info *stream)
{
	printf("stream %-7" PRIu32 " ", stream->id);
	print_name(stream->process ? stream->process : "");
	if (stream->pid) {
		printf(" pid %" PRIu64, stream->pid);
	}
	if (stream->tid) {
		printf(" thread %" PRIu64, stream->tid);
	}
	if (stream->name && stream->name[0]) {
		fputs(" \"", stdout);
		print_name(stream->name);
		putchar('"');
	}
	putchar('\n');
}

/* More streams than this are counted, not listed. */
#define STREAMS_LISTED 16

static void print_streams(const struct reel_trace *trace)
{
	uint32_t count = reel_trace_stream_count(trace);

	for (uint32_t i = 0; i < count && i < STREAMS_LISTED; i++) {
		print_stream(reel_trace_stream(trace, i));
	}
	if (count > STREAMS_LISTED) {
		printf("... and %" PRIu32 " streams more\n", count - STREAMS_LISTED);
	}
}

static void print_table(
	const char *path, const struct reel_trace *trace, const struct reel_trace_info *info)
{
	struct count counts[COUNT_MAX];
	size_t count = list_counts(info, counts);

	printf("%s: trace version %" PRIu32 ".%" PRIu32 ", %s\n", path, info->version_major,
		info->version_minor,
		info->complete ? "complete" : "INCOMPLETE: its end is missing");
	for (size_t i = 0; i < count; i++) {
		printf("%-14s %16" PRIu64 "\n", counts[i].name, counts[i].value);
	}
	if (info->events > 0) {
		printf("%-14s %16.3f\n", "bytes/event", (double)info->bytes / (double)info->events);
	}
	if (reel_trace_metadata(trace)[0]) {
		fputs("metadata       ", stdout);
		print_name(reel_trace_metadata(trace));
		putchar('\n');
	}
	print_streams(trace);
}

int command_info(int argc, char **argv)
{
	enum { OPTION_JSON = OPTION_LONG };
	static const struct option options[] = {
		{"json", no_argument, NULL, OPTION_JSON}, HELP_OPTION, {NULL, 0, NULL, 0}};
	bool json = false;
	const char *path;
	int option;

	while ((option = next_option(argc, argv, "", options, help)) != OPTION_END) {
		if (option != OPTION_JSON) {
			return option_exit_code(option);
		}
		json = true;
	}
	if (!single_operand(argc, argv, DEFAULT_TRACE, &path)) {
		return EXIT_USAGE;
	}

	struct reel_trace *trace;
	struct reel_trace_info info;
	struct reel_error error;

	if (reel_trace_open(path, &trace, &error) != REEL_OK) {
		return library_failure(&error);
	}
	reel_trace_describe(trace, &info);
	if (json) {
		print_json(&info);
	} else {
		print_table(path, trace, &info);
	}
	reel_trace_close(trace);
	return flush_output(EXIT_DONE);
}
