/*
 * Options of the listener `log`; given text from a command line, promises a clear refusal of names
 * that do not exist.
 */
#include "log_options.h"

#include <string.h>

#include "log.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *name;
	uint32_t scopes;
} scope_names[] = {
	{"all", LOG_SCOPE_ALL},
	{"clock", LOG_SCOPE_CLOCK},
	{"exit", LOG_SCOPE_PROC},
	{"filesystem", LOG_SCOPE_FILESYSTEM},
	{"memory", LOG_SCOPE_MEMORY},
	{"poll", LOG_SCOPE_POLL},
	{"proc", LOG_SCOPE_PROC},
	{"random", LOG_SCOPE_RANDOM},
	{"sock", LOG_SCOPE_SOCK},
};

static const struct {
	const char *name;
	enum log_streams streams;
} stream_names[] = {
	{"prefix", LOG_STREAMS_PREFIX},
	{"split", LOG_STREAMS_SPLIT},
	{"plain", LOG_STREAMS_PLAIN},
};

static int add_scope(uint32_t *scopes, const char *name, size_t size, struct reel_error *error)
{
	for (size_t i = 0; i < COUNT(scope_names); i++) {
		if (strlen(scope_names[i].name) == size &&
			memcmp(scope_names[i].name, name, size) == 0) {
			*scopes |= scope_names[i].scopes;
			return 0;
		}
	}
	return reel_fail(error, REEL_EINVAL,
		"log: scope '%.*s' is none of all, clock, exit, filesystem, memory, poll, proc, "
		"random, sock",
		(int)(size < 100 ? size : 100), name);
}

static int parse_scopes(uint32_t *scopes, const char *text, struct reel_error *error)
{
	int status = 0;

	*scopes = 0;
	for (;;) {
		const size_t size = strcspn(text, "|+");

		status = add_scope(scopes, text, size, error);
		if (status < 0 || !text[size]) {
			return status;
		}
		text += size + 1;
	}
}

static int parse_streams(enum log_streams *streams, const char *text, struct reel_error *error)
{
	for (size_t i = 0; i < COUNT(stream_names); i++) {
		if (strcmp(stream_names[i].name, text) == 0) {
			*streams = stream_names[i].streams;
			return 0;
		}
	}
	return reel_fail(
		error, REEL_EINVAL, "log: streams=%s is none of prefix, split, plain", text);
}

int log_options_take(struct log_options *log, struct options *options, struct reel_error *error)
{
	const char *scope = options_take(options, "scope");
	const char *streams = options_take(options, "streams");
	int status;

	/* Scopes are groups of host functions. */
	log->host_only = scope != NULL;
	log->scopes = LOG_SCOPE_ALL;
	status = options_take_flag(options, "host", &log->host_only, error);
	if (status == 0 && scope) {
		status = parse_scopes(&log->scopes, scope, error);
	}
	if (status == 0 && streams) {
		status = parse_streams(&log->streams, streams, error);
	}
	return status;
}
