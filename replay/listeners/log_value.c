/*
 * Fields of the listener `log` as text. Given words as a host passed them and a module that may
 * refuse any read; promises wazero's text byte for byte. Bytes that were not captured show as "?",
 * which the live listener has no word for.
 */
#include <inttypes.h>
#include <string.h>

#include "log.h"
#include "wasi_names.h"

#define CLOCK_REALTIME_ID 0
#define CLOCK_MONOTONIC_ID 1

#define PRESTAT_LENGTH_OFFSET 4
#define FILESTAT_SIZE 64
#define FDSTAT_SIZE 24

static uint64_t little_endian(const uint8_t *bytes, size_t size)
{
	uint64_t value = 0;

	while (size-- > 0) {
		value = value << 8 | bytes[size];
	}
	return value;
}

/* Two words of a v128 are shown in their order, low word first. */
static void put_value(struct text_output *output, uint8_t type, const uint64_t *words)
{
	char text[REEL_VALUE_TEXT_SIZE];

	if (type == REEL_V128) {
		text_hex64(output, words[0]);
		text_hex64(output, words[1]);
		return;
	}
	text_bytes(output, text, reel_value_format(type, words, text));
}

static void put_string(
	struct text_output *output, struct reel_module *module, uint32_t offset, uint32_t length)
{
	const void *bytes;

	switch (reel_module_memory_read(module, offset, length, &bytes)) {
	case REEL_READ_OK:
		text_bytes(output, bytes, length);
		break;
	case REEL_READ_NOT_CAPTURED:
		text_char(output, '?');
		break;
	default:
		text_format(output, "OOM(%" PRIu32 ",%" PRIu32 ")", offset, length);
	}
}

/* `size` bytes of memory; NULL, and "?" if that is why, when they cannot be had. */
static const uint8_t *read_pointed(
	struct text_output *output, struct reel_module *module, uint32_t offset, uint32_t size)
{
	const void *bytes;
	const enum reel_read answer = reel_module_memory_read(module, offset, size, &bytes);

	if (answer == REEL_READ_NOT_CAPTURED) {
		text_char(output, '?');
	}
	return answer == REEL_READ_OK ? bytes : NULL;
}

static void put_clock_id(struct text_output *output, uint32_t id)
{
	if (id == CLOCK_REALTIME_ID) {
		text_string(output, "realtime");
	} else if (id == CLOCK_MONOTONIC_ID) {
		text_string(output, "monotonic");
	} else {
		text_i64(output, (int32_t)id);
	}
}

static void put_prestat(struct text_output *output, struct reel_module *module, uint32_t offset)
{
	const uint8_t *bytes =
		read_pointed(output, module, offset + PRESTAT_LENGTH_OFFSET, sizeof(uint32_t));

	if (bytes) {
		text_string(output, "{pr_name_len=");
		text_i64(output, (int32_t)little_endian(bytes, sizeof(uint32_t)));
		text_char(output, '}');
	}
}

static void put_filestat(struct text_output *output, struct reel_module *module, uint32_t offset)
{
	const uint8_t *bytes = read_pointed(output, module, offset, FILESTAT_SIZE);

	if (bytes) {
		text_string(output, "{filetype=");
		wasi_put_filetype(output, bytes[16]);
		text_string(output, ",size=");
		text_i64(output, (int64_t)little_endian(bytes + 32, 8));
		text_string(output, ",mtim=");
		text_i64(output, (int64_t)little_endian(bytes + 48, 8));
		text_char(output, '}');
	}
}

/* wazero looks at the low 16 bits of the rights. */
static void put_fdstat(struct text_output *output, struct reel_module *module, uint32_t offset)
{
	const uint8_t *bytes = read_pointed(output, module, offset, FDSTAT_SIZE);

	if (bytes) {
		text_string(output, "{filetype=");
		wasi_put_filetype(output, bytes[0]);
		text_string(output, ",fdflags=");
		wasi_put_flags(output, WASI_FDFLAGS, little_endian(bytes + 2, 2));
		text_string(output, ",fs_rights_base=");
		wasi_put_flags(output, WASI_RIGHTS, little_endian(bytes + 8, 2));
		text_string(output, ",fs_rights_inheriting=");
		wasi_put_flags(output, WASI_RIGHTS, little_endian(bytes + 16, 2));
		text_char(output, '}');
	}
}

static void put_pointed_integer(
	struct text_output *output, struct reel_module *module, uint32_t offset, uint32_t size)
{
	const uint8_t *bytes = read_pointed(output, module, offset, size);

	if (bytes && size == sizeof(uint32_t)) {
		text_i64(output, (int32_t)little_endian(bytes, size));
	} else if (bytes) {
		text_i64(output, (int64_t)little_endian(bytes, size));
	}
}

static void put_pointed_string(
	struct text_output *output, struct reel_module *module, const uint64_t *words)
{
	const uint8_t *bytes = read_pointed(output, module, (uint32_t)words[0], (uint32_t)words[1]);

	if (bytes) {
		text_bytes(output, bytes, (uint32_t)words[1]);
	}
}

/* Kinds that look into the module's memory. */
static void put_pointed(struct text_output *output, enum log_kind kind, struct reel_module *module,
	const uint64_t *words)
{
	const uint32_t offset = (uint32_t)words[0];

	switch (kind) {
	case LOG_POINTED_I32:
		put_pointed_integer(output, module, offset, 4);
		break;
	case LOG_POINTED_I64:
		put_pointed_integer(output, module, offset, 8);
		break;
	case LOG_POINTED_STRING:
		put_pointed_string(output, module, words);
		break;
	case LOG_POINTED_PRESTAT:
		put_prestat(output, module, offset);
		break;
	case LOG_POINTED_FILESTAT:
		put_filestat(output, module, offset);
		break;
	default:
		put_fdstat(output, module, offset);
	}
}

/* The table of names for a kind that shows flags; -1: it shows something else. */
static int flags_of(enum log_kind kind)
{
	switch (kind) {
	case LOG_FDFLAGS:
		return WASI_FDFLAGS;
	case LOG_FSTFLAGS:
		return WASI_FSTFLAGS;
	case LOG_LOOKUPFLAGS:
		return WASI_LOOKUPFLAGS;
	case LOG_OFLAGS:
		return WASI_OFLAGS;
	case LOG_RIGHTS:
		return WASI_RIGHTS;
	case LOG_SDFLAGS:
		return WASI_SDFLAGS;
	case LOG_RIFLAGS:
		return WASI_RIFLAGS;
	case LOG_ROFLAGS:
		return WASI_ROFLAGS;
	default:
		return -1;
	}
}

static void put_field_value(struct text_output *output, const struct log_field *field,
	struct reel_module *module, const uint64_t *words)
{
	const int flags = flags_of(field->kind);

	if (flags >= 0) {
		wasi_put_flags(output, (enum wasi_flags)flags, words[0]);
		return;
	}
	switch (field->kind) {
	case LOG_VALUE:
		put_value(output, field->type, words);
		break;
	case LOG_STRING:
		put_string(output, module, (uint32_t)words[0], (uint32_t)words[1]);
		break;
	case LOG_ERRNO:
		wasi_put_errno(output, (uint32_t)words[0]);
		break;
	case LOG_CLOCK_ID:
		put_clock_id(output, (uint32_t)words[0]);
		break;
	case LOG_SIFLAGS:
		if (words[0] != 0) {
			text_i64(output, (int64_t)words[0]);
		}
		break;
	default:
		put_pointed(output, field->kind, module, words);
	}
}

static uint32_t words_of(const struct log_field *field)
{
	if (field->kind == LOG_STRING || field->kind == LOG_POINTED_STRING) {
		return 2;
	}
	return field->kind == LOG_VALUE ? reel_value_words(field->type) : 1;
}

static void put_name(struct text_output *output, const struct log_field *field)
{
	if (field->name) {
		text_string(output, field->name);
		text_char(output, '=');
	}
}

static void put_field(struct text_output *output, const struct log_field *field,
	struct reel_module *module, const uint64_t *words, uint32_t count)
{
	if (words && field->word + words_of(field) <= count) {
		put_field_value(output, field, module, words + field->word);
	}
}

void log_put_params(struct text_output *output, const struct log_format *format,
	struct reel_module *module, const struct log_words *words)
{
	text_char(output, '(');
	for (uint32_t i = 0; i < format->param_count; i++) {
		if (i > 0) {
			text_char(output, ',');
		}
		put_name(output, &format->params[i]);
		put_field(output, &format->params[i], module, words->params, words->param_count);
	}
	text_char(output, ')');
}

static void put_result(struct text_output *output, const struct log_field *field,
	struct reel_module *module, const struct log_words *words)
{
	put_name(output, field);
	if (!field->is_out_param) {
		put_field(output, field, module, words->results, words->result_count);
	} else if (words->result_count > 0 && (uint32_t)words->results[0] == 0) {
		put_field(output, field, module, words->params, words->param_count);
	}
}

void log_put_results(struct text_output *output, const struct log_format *format,
	struct reel_module *module, const struct log_words *words)
{
	if (format->result_count == 0) {
		return;
	}
	text_string(output, format->result_count == 1 ? " " : " (");
	for (uint32_t i = 0; i < format->result_count; i++) {
		if (i > 0) {
			text_char(output, ',');
		}
		put_result(output, &format->results[i], module, words);
	}
	if (format->result_count > 1) {
		text_char(output, ')');
	}
}
