/*
 * How the listener `log` shows calls of WASI preview 1: parameters that point to results are shown
 * with the results, strings and structures as what they say, flags and errors by name. Given any
 * definition in that module, also one that is not WASI's own; promises wazero's choice of fields.
 */
#include <string.h>

#include "log.h"

static bool has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

struct named_kind {
	const char *name;
	enum log_kind kind;
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct named_kind clock_kinds[] = {
	{"id", LOG_CLOCK_ID},
	{"result.resolution", LOG_POINTED_I32},
	{"result.timestamp", LOG_POINTED_I64},
};

static const struct named_kind sock_kinds[] = {
	{"flags", LOG_FDFLAGS},
	{"ri_flags", LOG_RIFLAGS},
	{"si_flags", LOG_SIFLAGS},
	{"how", LOG_SDFLAGS},
	{"result.fd", LOG_POINTED_I32},
	{"result.ro_datalen", LOG_POINTED_I32},
	{"result.so_datalen", LOG_POINTED_I32},
	{"result.ro_flags", LOG_ROFLAGS},
};

static const struct named_kind other_kinds[] = {
	{"fdflags", LOG_FDFLAGS},
	{"flags", LOG_FDFLAGS},
	{"fst_flags", LOG_FSTFLAGS},
	{"oflags", LOG_OFLAGS},
	{"fs_rights_base", LOG_RIGHTS},
	{"fs_rights_inheriting", LOG_RIGHTS},
	{"result.nread", LOG_POINTED_I32},
	{"result.nwritten", LOG_POINTED_I32},
	{"result.opened_fd", LOG_POINTED_I32},
	{"result.nevents", LOG_POINTED_I32},
	{"result.bufused", LOG_POINTED_I32},
	{"result.newoffset", LOG_POINTED_I64},
	{"result.filestat", LOG_POINTED_FILESTAT},
	{"result.stat", LOG_POINTED_FDSTAT},
};

static enum log_kind find_kind(const struct named_kind *kinds, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(kinds[i].name, name) == 0) {
			return kinds[i].kind;
		}
	}
	return LOG_VALUE;
}

static bool is_lookup_flags(const char *function, const char *name)
{
	if (strcmp(function, "path_filestat_get") == 0 ||
		strcmp(function, "path_filestat_set_times") == 0) {
		return strcmp(name, "flags") == 0;
	}
	if (strcmp(function, "path_link") == 0) {
		return strcmp(name, "old_flags") == 0;
	}
	return strcmp(function, "path_open") == 0 && strcmp(name, "dirflags") == 0;
}

static enum log_kind kind_of(const char *function, const char *name)
{
	if (is_lookup_flags(function, name)) {
		return LOG_LOOKUPFLAGS;
	}
	if (strstr(name, "path")) {
		return has_prefix(name, "result.") ? LOG_POINTED_STRING : LOG_STRING;
	}
	if (has_prefix(function, "clock_")) {
		return find_kind(clock_kinds, COUNT(clock_kinds), name);
	}
	if (has_prefix(function, "sock_")) {
		return find_kind(sock_kinds, COUNT(sock_kinds), name);
	}
	return find_kind(other_kinds, COUNT(other_kinds), name);
}

/* Whether it is shown with the results. Others named "result." are plain parameters. */
static bool is_result(enum log_kind kind)
{
	return kind >= LOG_POINTED_I32 || kind == LOG_ROFLAGS;
}

static void add_param(struct log_format *format, struct log_field field)
{
	format->params[format->param_count++] = field;
}

static void add_out_param(struct log_format *format, struct log_field field)
{
	if (has_prefix(field.name, "result.")) {
		field.name += strlen("result.");
	}
	field.is_out_param = true;
	format->results[format->result_count++] = field;
}

static void add_errno(struct log_format *format)
{
	format->results[format->result_count++] =
		(struct log_field){.kind = LOG_ERRNO, .name = "errno"};
}

void log_wasi_format(struct log_format *format, const struct reel_function *function)
{
	if (strcmp(function->name, "fd_prestat_get") == 0) {
		add_param(format, (struct log_field){.type = REEL_I32, .name = "fd"});
		add_out_param(
			format, (struct log_field){
					.kind = LOG_POINTED_PRESTAT, .word = 1, .name = "prestat"});
		add_errno(format);
		return;
	}
	format->leaves_out_stdio =
		strcmp(function->name, "fd_read") == 0 || strcmp(function->name, "fd_write") == 0;
	for (uint32_t i = 0; i < function->param_count; i++) {
		const char *name = function->param_names ? function->param_names[i] : "";
		const struct log_field field = {.kind = kind_of(function->name, name),
			.type = function->param_types[i],
			.word = i,
			.name = name};

		if (is_result(field.kind)) {
			add_out_param(format, field);
		} else {
			add_param(format, field);
		}
		/* A string's length is shown as the string. */
		i += field.kind == LOG_STRING || field.kind == LOG_POINTED_STRING;
	}
	add_errno(format);
}

bool log_wasi_is_in_scope(const char *name, uint32_t scopes)
{
	uint32_t of_name = 0;

	if (has_prefix(name, "clock_")) {
		of_name = LOG_SCOPE_CLOCK;
	} else if (strcmp(name, "proc_exit") == 0) {
		of_name = LOG_SCOPE_PROC;
	} else if (has_prefix(name, "path_") || has_prefix(name, "fd_")) {
		of_name = LOG_SCOPE_FILESYSTEM;
	} else if (strcmp(name, "poll_oneoff") == 0) {
		of_name = LOG_SCOPE_POLL;
	} else if (strcmp(name, "random_get") == 0) {
		of_name = LOG_SCOPE_RANDOM;
	} else if (has_prefix(name, "sock_")) {
		of_name = LOG_SCOPE_SOCK;
	}
	return (scopes & of_name) != 0 || scopes == LOG_SCOPE_ALL;
}
