/*
 * JSON as text; see json_text.h. Given bytes from names, errors and hosts, it promises output that
 * any JSON reader takes, on one line.
 */
#include "json_text.h"

#include <string.h>

#include "utf8.h"

#define DEPTH_MAX 100

static void put_escaped(struct text_output *output, char byte)
{
	static const char digits[] = "0123456789abcdef";
	static const char named[] = "\"\\\b\f\n\r\t";
	static const char letters[] = "\"\\bfnrt";
	const char *found = byte ? strchr(named, byte) : NULL;

	text_char(output, '\\');
	if (found) {
		text_char(output, letters[found - named]);
		return;
	}
	text_string(output, "u00");
	text_char(output, digits[(unsigned char)byte >> 4]);
	text_char(output, digits[(unsigned char)byte & 15]);
}

static bool needs_escape(char byte)
{
	return (unsigned char)byte < 0x20 || byte == '"' || byte == '\\' || byte == 0x7f;
}

void json_put_string(struct text_output *output, const char *text, size_t size)
{
	size_t plain = 0; /* begin of what is written as it is */
	size_t at = 0;

	text_char(output, '"');
	while (at < size) {
		const size_t length = utf8_character_size(text + at, size - at);

		if (length > 0 && !needs_escape(text[at])) {
			at += length;
			continue;
		}
		text_bytes(output, text + plain, at - plain);
		if (length > 0) {
			put_escaped(output, text[at]);
		} else {
			text_string(output, UTF8_REPLACEMENT);
		}
		plain = ++at;
	}
	text_bytes(output, text + plain, at - plain);
	text_char(output, '"');
}

void json_put_text(struct text_output *output, const char *text)
{
	json_put_string(output, text ? text : "", text ? strlen(text) : 0);
}

static const char *skip_space(const char *at)
{
	return at + strspn(at, " \t\r\n");
}

/* These return what follows the thing that `at` points to, or NULL when it is not there. */
static const char *skip_value(const char *at, int depth);

static const char *skip_escape(const char *at)
{
	if (*at == 'u') {
		return strspn(at + 1, "0123456789abcdefABCDEF") >= 4 ? at + 5 : NULL;
	}
	return *at && strchr("\"\\/bfnrt", *at) ? at + 1 : NULL;
}

static const char *skip_string(const char *at)
{
	if (*at++ != '"') {
		return NULL;
	}
	while (at && *at != '"') {
		if ((unsigned char)*at < 0x20) {
			return NULL;
		}
		at = *at == '\\' ? skip_escape(at + 1) : at + 1;
	}
	return at ? at + 1 : NULL;
}

static const char *skip_digits(const char *at)
{
	const size_t count = strspn(at, "0123456789");

	return count > 0 ? at + count : NULL;
}

static const char *skip_number(const char *at)
{
	at += *at == '-';
	at = *at == '0' ? at + 1 : skip_digits(at);
	if (at && *at == '.') {
		at = skip_digits(at + 1);
	}
	if (at && (*at == 'e' || *at == 'E')) {
		at++;
		at = skip_digits(at + (*at == '+' || *at == '-'));
	}
	return at;
}

static const char *skip_word(const char *at)
{
	static const char *const words[] = {"true", "false", "null"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strncmp(at, words[i], strlen(words[i])) == 0) {
			return at + strlen(words[i]);
		}
	}
	return NULL;
}

static const char *skip_key(const char *at)
{
	at = skip_string(at);
	at = at ? skip_space(at) : NULL;
	return at && *at == ':' ? skip_space(at + 1) : NULL;
}

/* An object or an array: what stands between the brackets, and the closing one. */
static const char *skip_items(const char *at, char close, int depth)
{
	at = skip_space(at + 1);
	if (*at == close) {
		return at + 1;
	}
	for (;;) {
		at = close == '}' ? skip_key(at) : at;
		at = at ? skip_value(at, depth + 1) : NULL;
		if (!at) {
			return NULL;
		}
		at = skip_space(at);
		if (*at != ',') {
			return *at == close ? at + 1 : NULL;
		}
		at = skip_space(at + 1);
	}
}

static const char *skip_value(const char *at, int depth)
{
	if (depth > DEPTH_MAX) {
		return NULL;
	}
	switch (*at) {
	case '{':
		return skip_items(at, '}', depth);
	case '[':
		return skip_items(at, ']', depth);
	case '"':
		return skip_string(at);
	case 't':
	case 'f':
	case 'n':
		return skip_word(at);
	default:
		return skip_number(at);
	}
}

bool json_is_object(const char *text)
{
	const char *at = skip_space(text);

	at = *at == '{' ? skip_value(at, 0) : NULL;
	return at && *skip_space(at) == '\0';
}

/* A string as it stands in JSON, quotes included, but for what is no UTF-8. */
static void put_raw_string(struct text_output *output, const char *at, size_t size)
{
	while (size > 0) {
		const size_t length = utf8_character_size(at, size);

		text_bytes(output, length ? at : UTF8_REPLACEMENT,
			length ? length : strlen(UTF8_REPLACEMENT));
		at += length ? length : 1;
		size -= length ? length : 1;
	}
}

/* Copies well-formed JSON without the white space between its parts. */
static void put_compact(struct text_output *output, const char *at, const char *end)
{
	while (at < end) {
		const char *next = at + 1;

		if (*at == '"') {
			next = skip_string(at);
			put_raw_string(output, at, (size_t)(next - at));
		} else if (!strchr(" \t\r\n", *at)) {
			text_char(output, *at);
		}
		at = next;
	}
}

static bool is_skipped(const char *key, size_t size, const char *const *skipped)
{
	for (; skipped && *skipped; skipped++) {
		if (strlen(*skipped) == size && memcmp(*skipped, key, size) == 0) {
			return true;
		}
	}
	return false;
}

void json_put_members(struct text_output *output, const char *text, const char *const *skipped)
{
	const char *at = skip_space(skip_space(text) + 1);

	while (*at == '"') {
		const char *key_end = skip_string(at);
		const char *end = skip_value(skip_key(at), 1);

		if (!is_skipped(at + 1, (size_t)(key_end - at) - 2, skipped)) {
			text_char(output, ',');
			put_compact(output, at, end);
		}
		at = skip_space(end);
		at = *at == ',' ? skip_space(at + 1) : at;
	}
}
