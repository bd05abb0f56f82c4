/*
 * Importing JSON lines: opens the input and a recorder, and gives line after line to the step for
 * its kind. Either everything has been imported and the trace stands under its name, or nothing has
 * changed.
 */
#include "import_state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lines between two calls of the progress callback. */
enum { PROGRESS_LINES = 4096 };

int import_fail(struct import *import, int status, const char *format, ...)
{
	char text[REEL_ERROR_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return reel_fail(import->error, status, "%s:%llu: %s", import->reader.path,
		(unsigned long long)import->reader.line, text);
}

int import_parsed(struct import *import, int status)
{
	if (status < 0 && import->parser.error) {
		const char *error = import->parser.error;

		import->parser.error = NULL;
		return import_fail(
			import, status, "%s at column %zu", error, import->parser.error_offset + 1);
	}
	return status;
}

int import_no_memory(struct import *import)
{
	return import_fail(import, REEL_ENOMEM, "out of memory");
}

/* ---- one line ---- */

/* Reads the line's members. 1: there is a line; 0: it is blank. */
static int read_line(struct import *import, const char *text, size_t size)
{
	int status;

	jsonl_arena_reset(&import->arena);
	jsonl_parser_init(&import->parser, text, size, &import->arena);
	if (jsonl_finish(&import->parser) == 0) {
		return 0;
	}
	import->parser.error = NULL;
	status = jsonl_read_object(&import->parser, &import->line);
	if (status == 0) {
		status = jsonl_finish(&import->parser);
	}
	return status < 0 ? import_parsed(import, status) : 1;
}

/* Gives the line to the step for its kind; lines of no kind that is known are left out. */
static int import_line(struct import *import)
{
	struct jsonl_parser *parser = &import->parser;
	const char *kind;
	int found = jsonl_find(parser, &import->line, "t");

	if (found > 0) {
		int status = import_parsed(import, jsonl_read_name(parser, &kind));

		return status < 0 ? status : import_event(import, kind);
	}
	if (jsonl_find(parser, &import->line, "def") > 0) {
		return import_define_function(import);
	}
	if (jsonl_find(parser, &import->line, "mod") > 0) {
		return import_define_module(import);
	}
	if (jsonl_find(parser, &import->line, "stream") > 0) {
		return import_define_stream(import);
	}
	if (jsonl_find(parser, &import->line, "meta") > 0) {
		return import_fail(import, REEL_EFORMAT, "meta stands on the first line alone");
	}
	return 0;
}

/* ---- metadata ---- */

/*
 * The host's description of itself, as it stands in the line but for stack_delta: a trace holds
 * whole stacks.
 */
static int copy_metadata(struct import *import, char **metadata)
{
	static const char replaced[] = "\"stack_delta\":false";
	struct jsonl_object object;
	size_t size = 1;
	char *copy;
	int status = import_parsed(import, jsonl_read_object(&import->parser, &object));

	if (status < 0) {
		return status;
	}
	copy = malloc(import->parser.size + JSONL_MAX_MEMBERS * sizeof(replaced) + 3);
	if (!copy) {
		return import_no_memory(import);
	}
	for (size_t i = 0; i < object.member_count; i++) {
		const struct jsonl_member *member = &object.members[i];
		bool replace = strcmp(member->key.text, "stack_delta") == 0;
		const char *text = replace ? replaced : import->parser.text + member->key_offset;
		size_t length =
			replace ? sizeof(replaced) - 1 : member->end_offset - member->key_offset;

		copy[size - 1] = i == 0 ? '{' : ',';
		memcpy(copy + size, text, length);
		size += length + 1;
	}
	memcpy(copy + size - 1, object.member_count ? "}" : "{}", object.member_count ? 2 : 3);
	*metadata = copy;
	return 0;
}

/* ---- all lines ---- */

static int open_recorder(struct import *import, const char *output,
	const struct reel_import_options *options, const char *metadata)
{
	const struct reel_recorder_options recorder_options = {
		.size = sizeof(recorder_options),
		.on_full = REEL_ON_FULL_WAIT,
		.walk = options->walk,
		.codec = options->codec,
		.codec_level = options->codec_level,
		.metadata = metadata,
		.host_time = true,
	};

	return reel_recorder_open(output, &recorder_options, &import->recorder, import->error);
}

/* Opens the recorder; the first line, when it is metadata, goes into the trace's. */
static int start(
	struct import *import, const char *output, const struct reel_import_options *options)
{
	char *metadata = NULL;
	const char *text;
	size_t size;
	int status = jsonl_line_reader_next(&import->reader, &text, &size, import->error);

	if (status == REEL_END) {
		return reel_fail(import->error, REEL_EFORMAT, "%s: no lines", import->reader.path);
	}
	if (status == 0) {
		status = read_line(import, text, size);
	}
	if (status < 0) {
		return status;
	}
	if (status == 0 || jsonl_find(&import->parser, &import->line, "meta") <= 0) {
		int opened = open_recorder(import, output, options, NULL);

		return opened < 0 || status == 0 ? opened : import_line(import);
	}
	status = copy_metadata(import, &metadata);
	if (status == 0) {
		status = open_recorder(import, output, options, metadata);
	}
	free(metadata);
	return status;
}

static void report_progress(const struct import *import, const struct reel_import_options *options)
{
	const struct jsonl_line_reader *reader = &import->reader;

	if (options->progress && reader->size_bytes > 0) {
		double share = (double)reader->done_bytes / (double)reader->size_bytes;

		options->progress(options->user, share < 1 ? share : 1);
	}
}

static int import_lines(struct import *import, const struct reel_import_options *options)
{
	for (;;) {
		const char *text;
		size_t size;
		int status = jsonl_line_reader_next(&import->reader, &text, &size, import->error);

		if (status == REEL_END) {
			return 0;
		}
		if (status == 0) {
			status = read_line(import, text, size);
		}
		if (status > 0) {
			status = import_line(import);
		}
		if (status < 0) {
			return status;
		}
		if (import->reader.line % PROGRESS_LINES == 0) {
			report_progress(import, options);
		}
	}
}

static void free_functions(struct import *import)
{
	for (size_t i = 0; i < import->functions.capacity; i++) {
		free(import->functions.entries[i].value);
	}
	jsonl_id_map_deinit(&import->functions);
}

/* Frees what the import has, but for the recorder. */
static void deinit(struct import *import)
{
	free_functions(import);
	jsonl_id_map_deinit(&import->modules);
	jsonl_arena_deinit(&import->arena);
	free(import->shown);
	jsonl_line_reader_close(&import->reader);
}

int reel_import_jsonl(const char *path, const char *output,
	const struct reel_import_options *options, struct reel_error *error)
{
	static const struct reel_import_options defaults = {.size = sizeof(defaults)};
	struct reel_error ignored;
	struct import *import = calloc(1, sizeof(*import));
	int status;

	if (!import) {
		return reel_fail(error, REEL_ENOMEM, "%s: out of memory", path);
	}
	import->error = error ? error : &ignored;
	options = options ? options : &defaults;
	status = jsonl_line_reader_open(&import->reader, path, import->error);
	if (status < 0) {
		free(import);
		return status;
	}
	status = start(import, output, options);
	if (status == 0) {
		status = import_lines(import, options);
	}
	import_close_streams(import);
	if (status == 0) {
		status = reel_recorder_close(import->recorder, import->error);
	} else {
		reel_recorder_discard(import->recorder);
	}
	deinit(import);
	free(import);
	return status;
}
