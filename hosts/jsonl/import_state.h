/*
 * What an import knows while it runs, and the steps that it is made of: definitions (define.c),
 * events (event.c, capture.c, stack.c) and, in import.c, the loop over the lines.
 *
 * A step gets the import with `parser` and `line` set to the line at hand and returns 0 or a
 * negative enum reel_status with import->error filled, the file and the line in it.
 */
#ifndef JSONL_IMPORT_STATE_H
#define JSONL_IMPORT_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reel/import.h>

#include "arena.h"
#include "id_map.h"
#include "line_reader.h"
#include "parser.h"

struct import_function {
	const struct reel_function *handle; /* the recorder's */
	uint32_t param_words, result_words;
	bool is_listened;
};

struct import_stream {
	struct reel_recorder_stream *recorder;
	/* The stack of the last before, top first: what `tail` refers to. */
	struct reel_frame *frames;
	size_t frame_count, frame_capacity;
	/* The text of the last abort: what an err of "=" refers to. NULL: there was none. */
	char *error;
	size_t error_length, error_full_length;
	/* Why the last event was made up, when the host did not give it: how the stream ended. */
	enum reel_reason last_repair;
};

struct import {
	struct jsonl_line_reader reader;
	struct reel_recorder *recorder;
	struct jsonl_id_map functions; /* struct import_function */
	struct jsonl_id_map modules;   /* marks the ids that are defined */
	struct jsonl_id_map streams;   /* struct import_stream */
	bool ended;                    /* the line of kind E was there: the program ended */
	struct jsonl_arena arena;      /* of the line */
	struct jsonl_parser parser;
	struct jsonl_object line;
	/* The frames that a before's line shows. */
	struct reel_frame *shown;
	size_t shown_count, shown_capacity;
	struct reel_error *error;
};

/* Fails with "PATH:LINE: " before the text. */
int import_fail(struct import *import, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Fails with what the parser found, when `status` is negative; else returns it. */
int import_parsed(struct import *import, int status);

/* Fails because memory is short. */
int import_no_memory(struct import *import);

/*
 * Reads a member of the line. The optional ones leave *value alone when it is missing or null; the
 * others fail.
 */
int import_get_id(struct import *import, const char *key, uint32_t *value);
int import_get_number(struct import *import, const char *key, uint64_t *value);
int import_optional_number(struct import *import, const struct jsonl_object *object,
	const char *key, uint64_t max, uint64_t *value);
int import_optional_bool(
	struct import *import, const struct jsonl_object *object, const char *key, bool *value);
int import_optional_name(struct import *import, const struct jsonl_object *object, const char *key,
	const char **value);

int import_optional_u32(struct import *import, const struct jsonl_object *object, const char *key,
	uint32_t max, uint32_t *value);
/* Counts the elements of the array that comes next, without moving. */
int import_count_elements(struct import *import, uint32_t *count);
/* Goes to the line's array under `key`: 1 and its elements; 0 and none when there is no array. */
int import_find_array(struct import *import, const char *key, uint32_t *count);
/* Fails because a key is missing. */
int import_missing(struct import *import, const char *key);

/* What listeners read at an event, pointing into itself and the line's arena. */
struct import_capture {
	struct reel_capture capture;
	bool present;
};

int import_read_capture(struct import *import, struct import_capture *capture);

/* Brings the stream's stack up to date: 1 when the line shows one, 0 when it shows none. */
int import_read_stack(struct import *import, struct import_stream *stream);

/* Lines that define. The parser stands before the value of the line's only key. */
int import_define_function(struct import *import);
int import_define_module(struct import *import);
int import_define_stream(struct import *import);

/* The stream of the line's tid, opened if it is new. */
int import_find_stream(struct import *import, struct import_stream **stream);

/* A line with a `t`, which is `kind`. */
int import_event(struct import *import, const char *kind);

/* Ends all streams and frees what they hold. */
void import_close_streams(struct import *import);

#endif
