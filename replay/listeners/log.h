/*
 * The listener `log` inside: how the parameters and results of a function are shown.
 *
 * A field is one "name=value" of a line. Most show a word of the parameters or results; those of
 * WASI functions also show names of flags, and strings and structures in the module's memory.
 */
#ifndef REEL_LISTENERS_LOG_H
#define REEL_LISTENERS_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reel/function.h>
#include <reel/module.h>

#include "text.h"

enum log_kind {
	LOG_VALUE,  /* as its type says */
	LOG_STRING, /* parameter: bytes at a word, as many as the next one says; OOM(offset,length)
		       when they are out of range */
	LOG_ERRNO,
	LOG_CLOCK_ID,
	LOG_FDFLAGS,
	LOG_FSTFLAGS,
	LOG_LOOKUPFLAGS,
	LOG_OFLAGS,
	LOG_RIGHTS,
	LOG_SDFLAGS,
	LOG_SIFLAGS,
	LOG_RIFLAGS,
	LOG_ROFLAGS,
	/* What the word points to; nothing when that is out of range. */
	LOG_POINTED_I32,
	LOG_POINTED_I64,
	LOG_POINTED_STRING,
	LOG_POINTED_PRESTAT,
	LOG_POINTED_FILESTAT,
	LOG_POINTED_FDSTAT,
};

struct log_field {
	enum log_kind kind;
	uint8_t type;      /* LOG_VALUE: enum reel_value_type */
	bool is_out_param; /* in a line of results: shows a parameter, and only on success */
	uint32_t word;     /* index in the parameters or results */
	const char *name;  /* NULL: shown without a name */
};

struct log_format {
	struct log_field *params, *results; /* malloc'd */
	uint32_t param_count, result_count;
	bool leaves_out_stdio; /* calls whose first parameter is a standard stream are not shown */
};

/* Groups of host functions, as bits. */
enum log_scope {
	LOG_SCOPE_CLOCK = 1,
	LOG_SCOPE_PROC = 2,
	LOG_SCOPE_FILESYSTEM = 4,
	LOG_SCOPE_MEMORY = 8,
	LOG_SCOPE_POLL = 16,
	LOG_SCOPE_RANDOM = 32,
	LOG_SCOPE_SOCK = 64,
};

#define LOG_SCOPE_ALL UINT32_MAX

#define WASI_MODULE "wasi_snapshot_preview1"

/* ---- log_format.c ---- */

/* How a function's lines look. The names are borrowed from the definition. REEL_ENOMEM or 0. */
int log_format_init(struct log_format *format, const struct reel_function *function);
void log_format_deinit(struct log_format *format);

/* Whether a function belongs to one of the scopes. */
bool log_is_in_scope(const struct reel_function *function, uint32_t scopes);

/* ---- log_wasi.c ---- */

/* The same for functions of WASI_MODULE; room for as many fields as words was made. */
void log_wasi_format(struct log_format *format, const struct reel_function *function);
bool log_wasi_is_in_scope(const char *name, uint32_t scopes);

/* ---- log_value.c ---- */

/* The words that a line is about; a field that asks for one past the end shows nothing. */
struct log_words {
	const uint64_t *params, *results;
	uint32_t param_count, result_count;
};

/* "(a=1,b=2)" */
void log_put_params(struct text_output *output, const struct log_format *format,
	struct reel_module *module, const struct log_words *words);

/* "", " 1" or " (1,2)" */
void log_put_results(struct text_output *output, const struct log_format *format,
	struct reel_module *module, const struct log_words *words);

#endif
