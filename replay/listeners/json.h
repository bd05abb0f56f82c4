/*
 * The listener `json` inside: what its files share. See json.c for what it promises.
 */
#ifndef REEL_LISTENERS_JSON_H
#define REEL_LISTENERS_JSON_H

#include "base.h"
#include "number_map.h"

struct json;

struct json_function {
	struct reel_listener listener; /* first */
	struct json *json;
	uint32_t id;
	uint32_t param_words, result_words;
};

struct json_stream {
	bool is_known;  /* its line is written */
	bool has_error; /* the three fields below hold the last X that was not repaired */
	char *error;
	size_t error_length, error_full_length;
};

/* A frame as it is written. */
struct json_frame {
	uint32_t function; /* id, or NUMBER_MAP_NONE */
	uint64_t pc, source_offset;
};

struct json {
	struct base base;               /* first */
	bool has_meta;                  /* the first line is written */
	struct number_map function_ids; /* by address of the definition */
	uint32_t function_count;
	struct number_map module_ids;     /* the modules whose lines are written */
	struct json_function **functions; /* the listeners */
	size_t listener_count, listener_capacity;
	struct json_stream *streams; /* by slot */
	size_t stream_capacity;
	struct json_frame *frames; /* of the event that is being written */
	size_t frame_capacity;
	bool has_stream;
	uint32_t first_tid; /* smallest id of a stream */
	uint64_t last_ns;   /* latest time seen */
};

/* ---- json_define.c: what events refer to. Each writes a line when it is new. ---- */

/* The first line, which describes the host. */
void json_put_meta(struct json *json, const char *metadata);

/* A function's id. REEL_ENOMEM or 0. */
int json_define_function(
	struct json *json, const struct reel_function *function, bool is_listened, uint32_t *id);

/* REEL_ENOMEM or 0. `module` may be NULL. */
int json_define_module(struct json *json, const struct reel_module *module);

/* The stream's state; NULL when memory is short. */
struct json_stream *json_define_stream(struct json *json, const struct reel_context *context);

/* ---- json_event.c: lines of events. ---- */

/* An event as the callbacks give it. */
struct json_event {
	char type; /* 'B', 'A' or 'X' */
	bool is_undelivered;
	const struct reel_context *context;
	const struct reel_module *module;
	uint32_t function;
	const uint64_t *words; /* params or results */
	uint32_t word_count;
	size_t frame_count;             /* 'B': of json->frames */
	const struct reel_abort *error; /* 'X' */
};

/* REEL_ENOMEM or 0. */
int json_put_event(struct json *json, const struct json_event *event);

/* A line of type 'I' or 'O' with the host's text. */
int json_put_call_mark(
	struct json *json, const struct reel_context *context, char type, const char *text);
int json_put_gap(struct json *json, const struct reel_context *context, uint64_t lost);

/* The last line. */
void json_put_end(struct json *json);

#endif
