/*
 * The pull parser: one function per kind of JSON value over a buffer and an offset into it.
 */
#include "parser.h"

#include <string.h>

#include <reel/status.h>

void jsonl_parser_init(
	struct jsonl_parser *parser, const char *text, size_t size, struct jsonl_arena *arena)
{
	*parser = (struct jsonl_parser){.text = text, .size = size, .arena = arena};
}

int jsonl_parser_fail(struct jsonl_parser *parser, const char *error)
{
	parser->error = error;
	parser->error_offset = parser->offset;
	return REEL_EFORMAT;
}

static int fail_no_memory(struct jsonl_parser *parser)
{
	jsonl_parser_fail(parser, "out of memory");
	return REEL_ENOMEM;
}

/* The byte at the offset, or -1 at the end. */
static int current(const struct jsonl_parser *parser)
{
	return parser->offset < parser->size ? (unsigned char)parser->text[parser->offset] : -1;
}

static void skip_space(struct jsonl_parser *parser)
{
	int c = current(parser);

	while (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
		parser->offset++;
		c = current(parser);
	}
}

static int expect(struct jsonl_parser *parser, char wanted, const char *error)
{
	if (current(parser) != wanted) {
		return jsonl_parser_fail(parser, error);
	}
	parser->offset++;
	return 0;
}

int jsonl_peek(struct jsonl_parser *parser)
{
	int c;

	skip_space(parser);
	c = current(parser);
	switch (c) {
	case 'n':
		return JSONL_NULL;
	case 't':
	case 'f':
		return JSONL_BOOL;
	case '"':
		return JSONL_STRING;
	case '[':
		return JSONL_ARRAY;
	case '{':
		return JSONL_OBJECT;
	case -1:
		return jsonl_parser_fail(parser, "the line ends inside a value");
	default:
		if (c == '-' || (c >= '0' && c <= '9')) {
			return JSONL_NUMBER;
		}
		return jsonl_parser_fail(parser, "expected a value");
	}
}

static int read_word(struct jsonl_parser *parser, const char *word, const char *error)
{
	size_t length = strlen(word);

	if (parser->size - parser->offset < length ||
		memcmp(parser->text + parser->offset, word, length) != 0) {
		return jsonl_parser_fail(parser, error);
	}
	parser->offset += length;
	parser->needs_comma = true;
	return 0;
}

int jsonl_read_null(struct jsonl_parser *parser)
{
	skip_space(parser);
	return read_word(parser, "null", "expected null");
}

int jsonl_read_bool(struct jsonl_parser *parser, bool *value)
{
	skip_space(parser);
	*value = current(parser) == 't';
	return read_word(parser, *value ? "true" : "false", "expected true or false");
}

int jsonl_read_integer(struct jsonl_parser *parser, uint64_t max, uint64_t *value)
{
	uint64_t number = 0;
	size_t start;
	int c;

	skip_space(parser);
	start = parser->offset;
	for (c = current(parser); c >= '0' && c <= '9'; c = current(parser)) {
		uint64_t digit = (uint64_t)(c - '0');

		if (number > (max - digit) / 10 || digit > max) {
			return jsonl_parser_fail(parser, "the number is too large");
		}
		number = number * 10 + digit;
		parser->offset++;
	}
	if (parser->offset == start) {
		return jsonl_parser_fail(parser, "expected an integer from 0 on");
	}
	if (parser->text[start] == '0' && parser->offset > start + 1) {
		return jsonl_parser_fail(parser, "a number may not start with 0");
	}
	if (c == '.' || c == 'e' || c == 'E') {
		return jsonl_parser_fail(parser, "expected an integer");
	}
	*value = number;
	parser->needs_comma = true;
	return 0;
}

static size_t skip_digits(struct jsonl_parser *parser)
{
	size_t start = parser->offset;

	while (current(parser) >= '0' && current(parser) <= '9') {
		parser->offset++;
	}
	return parser->offset - start;
}

static int skip_number(struct jsonl_parser *parser)
{
	size_t digits;
	bool zero;

	if (current(parser) == '-') {
		parser->offset++;
	}
	zero = current(parser) == '0';
	digits = skip_digits(parser);
	if (digits == 0 || (zero && digits > 1)) {
		return jsonl_parser_fail(parser, "bad number");
	}
	if (current(parser) == '.') {
		parser->offset++;
		if (skip_digits(parser) == 0) {
			return jsonl_parser_fail(parser, "bad number");
		}
	}
	if (current(parser) == 'e' || current(parser) == 'E') {
		parser->offset++;
		if (current(parser) == '+' || current(parser) == '-') {
			parser->offset++;
		}
		if (skip_digits(parser) == 0) {
			return jsonl_parser_fail(parser, "bad number");
		}
	}
	parser->needs_comma = true;
	return 0;
}

/* ---- strings ---- */

int jsonl_hex_digit(int c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	if (c >= 'a' && c <= 'f') {
		return c - 'a' + 10;
	}
	if (c >= 'A' && c <= 'F') {
		return c - 'A' + 10;
	}
	return -1;
}

/* The four digits behind \u. */
static int read_code_unit(struct jsonl_parser *parser, uint32_t *unit)
{
	*unit = 0;
	for (int i = 0; i < 4; i++) {
		int digit = jsonl_hex_digit(current(parser));

		if (digit < 0) {
			return jsonl_parser_fail(parser, "expected four hexadecimal digits");
		}
		*unit = *unit << 4 | (uint32_t)digit;
		parser->offset++;
	}
	return 0;
}

/* The code point of a \u escape, from one code unit or a pair of surrogates. */
static int read_code_point(struct jsonl_parser *parser, uint32_t *point)
{
	uint32_t low;
	int status = read_code_unit(parser, point);

	if (status < 0 || *point < 0xd800 || *point > 0xdfff) {
		return status;
	}
	if (*point > 0xdbff || parser->size - parser->offset < 2 ||
		memcmp(parser->text + parser->offset, "\\u", 2) != 0) {
		return jsonl_parser_fail(parser, "half a surrogate pair");
	}
	parser->offset += 2;
	status = read_code_unit(parser, &low);
	if (status < 0) {
		return status;
	}
	if (low < 0xdc00 || low > 0xdfff) {
		return jsonl_parser_fail(parser, "half a surrogate pair");
	}
	*point = 0x10000 + ((*point - 0xd800) << 10) + (low - 0xdc00);
	return 0;
}

/* Writes a code point as UTF-8 and returns the number of bytes. */
static size_t encode_utf8(uint32_t point, char *out)
{
	if (point < 0x80) {
		out[0] = (char)point;
		return 1;
	}
	if (point < 0x800) {
		out[0] = (char)(0xc0 | point >> 6);
		out[1] = (char)(0x80 | (point & 0x3f));
		return 2;
	}
	if (point < 0x10000) {
		out[0] = (char)(0xe0 | point >> 12);
		out[1] = (char)(0x80 | (point >> 6 & 0x3f));
		out[2] = (char)(0x80 | (point & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | point >> 18);
	out[1] = (char)(0x80 | (point >> 12 & 0x3f));
	out[2] = (char)(0x80 | (point >> 6 & 0x3f));
	out[3] = (char)(0x80 | (point & 0x3f));
	return 4;
}

/* The bytes of the UTF-8 character at `text`; 0 when it is none (overlong, a surrogate, too large,
 * cut off). */
static size_t utf8_length(const unsigned char *text, size_t size)
{
	unsigned char first = text[0];
	size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	unsigned char least = 0x80;
	unsigned char most = 0xbf;

	if (first < 0xc2 || first > 0xf4 || size < length) {
		return 0;
	}
	if (first == 0xe0) {
		least = 0xa0;
	} else if (first == 0xed) {
		most = 0x9f;
	} else if (first == 0xf0) {
		least = 0x90;
	} else if (first == 0xf4) {
		most = 0x8f;
	}
	if (text[1] < least || text[1] > most) {
		return 0;
	}
	for (size_t i = 2; i < length; i++) {
		if (text[i] < 0x80 || text[i] > 0xbf) {
			return 0;
		}
	}
	return length;
}

/* What stands behind a backslash, decoded into `out`; adds to *size. */
static int read_escape(struct jsonl_parser *parser, char *out, size_t *size)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char meanings[] = "\"\\/\b\f\n\r\t";
	int c = current(parser);
	const char *letter = c > 0 ? strchr(letters, c) : NULL;
	uint32_t point;
	int status;

	if (letter) {
		parser->offset++;
		out[(*size)++] = meanings[letter - letters];
		return 0;
	}
	if (c != 'u') {
		return jsonl_parser_fail(parser, "bad escape in a string");
	}
	parser->offset++;
	status = read_code_point(parser, &point);
	if (status < 0) {
		return status;
	}
	*size += encode_utf8(point, out + *size);
	return 0;
}

/* One character of a string that is not plain ASCII; decodes it into `out` and adds to *size. */
static int read_special(struct jsonl_parser *parser, char *out, size_t *size)
{
	const unsigned char *text = (const unsigned char *)parser->text + parser->offset;
	size_t length;

	if (parser->offset == parser->size) {
		return jsonl_parser_fail(parser, "the line ends inside a string");
	}
	if (text[0] == '\\') {
		parser->offset++;
		return read_escape(parser, out, size);
	}
	if (text[0] < 0x20) {
		return jsonl_parser_fail(parser, "a control character in a string");
	}
	length = utf8_length(text, parser->size - parser->offset);
	if (length == 0) {
		return jsonl_parser_fail(parser, "bad UTF-8 in a string");
	}
	memcpy(out + *size, text, length);
	*size += length;
	parser->offset += length;
	return 0;
}

static bool is_plain(int c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/*
 * Reads past a string and checks it. `out`, when not NULL, gets it decoded, which never takes more
 * bytes than the string has between its quotes; *size gets the number of bytes.
 */
static int scan_string(struct jsonl_parser *parser, char *out, size_t *size)
{
	char scratch[4];
	size_t length = 0;
	int status = expect(parser, '"', "expected a string");

	while (status == 0 && current(parser) != '"') {
		if (is_plain(current(parser))) {
			if (out) {
				out[length] = parser->text[parser->offset];
			}
			length++;
			parser->offset++;
		} else if (out) {
			status = read_special(parser, out, &length);
		} else {
			size_t ignored = 0;

			status = read_special(parser, scratch, &ignored);
			length += ignored;
		}
	}
	if (status < 0) {
		return status;
	}
	parser->offset++;
	parser->needs_comma = true;
	*size = length;
	return 0;
}

int jsonl_read_string(struct jsonl_parser *parser, struct jsonl_string *string)
{
	struct jsonl_parser ahead;
	size_t size;
	char *out;
	int status;

	skip_space(parser);
	ahead = *parser;
	status = scan_string(&ahead, NULL, &size);
	if (status < 0) {
		*parser = ahead;
		return status;
	}
	out = jsonl_arena_alloc(parser->arena, size + 1);
	if (!out) {
		return fail_no_memory(parser);
	}
	status = scan_string(parser, out, &string->size);
	out[size] = '\0';
	string->text = out;
	return status;
}

int jsonl_read_name(struct jsonl_parser *parser, const char **name)
{
	struct jsonl_string string;
	int status = jsonl_read_string(parser, &string);

	if (status < 0) {
		return status;
	}
	if (memchr(string.text, '\0', string.size)) {
		return jsonl_parser_fail(parser, "a NUL in a name");
	}
	*name = string.text;
	return 0;
}

/* ---- arrays and objects ---- */

int jsonl_begin_object(struct jsonl_parser *parser)
{
	skip_space(parser);
	parser->needs_comma = false;
	return expect(parser, '{', "expected an object");
}

int jsonl_begin_array(struct jsonl_parser *parser)
{
	skip_space(parser);
	parser->needs_comma = false;
	return expect(parser, '[', "expected an array");
}

/* Reads the closing bracket or what separates two items: 1 when an item comes next. */
static int next_item(struct jsonl_parser *parser, char closing)
{
	skip_space(parser);
	if (current(parser) == closing) {
		parser->offset++;
		parser->needs_comma = true;
		return 0;
	}
	if (parser->needs_comma) {
		int status = expect(parser, ',',
			closing == '}' ? "expected , or } in an object"
				       : "expected , or ] in an array");

		if (status < 0) {
			return status;
		}
		skip_space(parser);
	}
	parser->needs_comma = false;
	return 1;
}

int jsonl_next_element(struct jsonl_parser *parser)
{
	return next_item(parser, ']');
}

static int expect_colon(struct jsonl_parser *parser)
{
	skip_space(parser);
	parser->needs_comma = false;
	return expect(parser, ':', "expected : behind a key");
}

int jsonl_next_member(struct jsonl_parser *parser, struct jsonl_string *key)
{
	int more = next_item(parser, '}');
	int status;

	if (more <= 0) {
		return more;
	}
	status = jsonl_read_string(parser, key);
	if (status == 0) {
		status = expect_colon(parser);
	}
	return status < 0 ? status : 1;
}

static int skip_scalar(struct jsonl_parser *parser, int type)
{
	size_t size;
	bool value;

	switch (type) {
	case JSONL_NULL:
		return jsonl_read_null(parser);
	case JSONL_BOOL:
		return jsonl_read_bool(parser, &value);
	case JSONL_NUMBER:
		return skip_number(parser);
	default:
		return scan_string(parser, NULL, &size);
	}
}

/* Goes to the next item of the innermost open container: 1 when there is one, 0 when it ended. */
static int skip_to_item(struct jsonl_parser *parser, char closing)
{
	size_t size;
	int more = next_item(parser, closing);
	int status;

	if (more <= 0 || closing == ']') {
		return more;
	}
	status = scan_string(parser, NULL, &size);
	if (status == 0) {
		status = expect_colon(parser);
	}
	return status < 0 ? status : 1;
}

/* Leaves the containers that end here: 1 when an item comes next, 0 when all have ended. */
static int skip_ends(struct jsonl_parser *parser, const char *closing, size_t *depth)
{
	while (*depth > 0) {
		int more = skip_to_item(parser, closing[*depth - 1]);

		if (more != 0) {
			return more;
		}
		--*depth;
	}
	return 0;
}

int jsonl_skip(struct jsonl_parser *parser)
{
	char closing[JSONL_MAX_DEPTH];
	size_t depth = 0;
	int status;

	do {
		int type = jsonl_peek(parser);

		if (type < 0) {
			return type;
		}
		if (type != JSONL_ARRAY && type != JSONL_OBJECT) {
			status = skip_scalar(parser, type);
			if (status < 0) {
				return status;
			}
		} else if (depth == JSONL_MAX_DEPTH) {
			return jsonl_parser_fail(parser, "nested too deeply");
		} else {
			parser->offset++;
			parser->needs_comma = false;
			closing[depth++] = type == JSONL_ARRAY ? ']' : '}';
		}
		status = skip_ends(parser, closing, &depth);
	} while (status > 0);
	return status;
}

int jsonl_finish(struct jsonl_parser *parser)
{
	skip_space(parser);
	if (parser->offset != parser->size) {
		return jsonl_parser_fail(parser, "something stands behind the value");
	}
	return 0;
}

/* Notes the member that comes next: 1, or 0 at the object's end. */
static int read_member(struct jsonl_parser *parser, struct jsonl_member *member)
{
	int more = next_item(parser, '}');
	int status;

	if (more <= 0) {
		return more;
	}
	member->key_offset = parser->offset;
	status = jsonl_read_string(parser, &member->key);
	if (status == 0) {
		status = expect_colon(parser);
	}
	if (status < 0) {
		return status;
	}
	skip_space(parser);
	member->value_offset = parser->offset;
	status = jsonl_skip(parser);
	member->end_offset = parser->offset;
	return status < 0 ? status : 1;
}

int jsonl_read_object(struct jsonl_parser *parser, struct jsonl_object *object)
{
	int status = jsonl_begin_object(parser);

	object->member_count = 0;
	while (status == 0) {
		struct jsonl_member member;
		int more = read_member(parser, &member);

		if (more <= 0) {
			return more;
		}
		if (object->member_count == JSONL_MAX_MEMBERS) {
			return jsonl_parser_fail(parser, "too many keys in an object");
		}
		object->members[object->member_count++] = member;
	}
	return status;
}

int jsonl_find(struct jsonl_parser *parser, const struct jsonl_object *object, const char *key)
{
	size_t length = strlen(key);

	for (size_t i = object->member_count; i-- > 0;) {
		const struct jsonl_member *member = &object->members[i];

		if (member->key.size == length && memcmp(member->key.text, key, length) == 0) {
			parser->offset = member->value_offset;
			parser->needs_comma = false;
			return jsonl_peek(parser) == JSONL_NULL ? 0 : 1;
		}
	}
	return 0;
}
