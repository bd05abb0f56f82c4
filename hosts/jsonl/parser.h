/*
 * A strict pull parser for one JSON text.
 *
 * It is given bytes, which it never changes, and walks them value by value: RFC 8259, valid UTF-8,
 * nothing behind the text, at most JSONL_MAX_DEPTH values inside each other, integers exact to 64
 * bits. Every function returns 0 (or what it says), or a negative enum reel_status, after which
 * `error` and `error_offset` say what is wrong and where, and the parser is of no further use.
 *
 * To read an object: jsonl_begin_object(), then while jsonl_next_member() returns 1, read or skip
 * one value. Arrays are alike.
 */
#ifndef JSONL_PARSER_H
#define JSONL_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"

enum { JSONL_MAX_DEPTH = 64, JSONL_MAX_MEMBERS = 128 };

enum jsonl_type {
	JSONL_NULL,
	JSONL_BOOL,
	JSONL_NUMBER,
	JSONL_STRING,
	JSONL_ARRAY,
	JSONL_OBJECT,
};

/* A decoded string: `size` bytes of UTF-8, which may have NULs in them, and a NUL behind them. */
struct jsonl_string {
	const char *text;
	size_t size;
};

struct jsonl_parser {
	const char *text;
	size_t size;
	size_t offset;
	bool needs_comma;          /* a value of this array or object has just been read */
	struct jsonl_arena *arena; /* where decoded strings go */
	const char *error;         /* static text */
	size_t error_offset;
};

void jsonl_parser_init(
	struct jsonl_parser *parser, const char *text, size_t size, struct jsonl_arena *arena);

/* Fails at the parser's place: sets `error` and returns REEL_EFORMAT. */
int jsonl_parser_fail(struct jsonl_parser *parser, const char *error);

/* The type of the value that comes next, an enum jsonl_type. */
int jsonl_peek(struct jsonl_parser *parser);

int jsonl_begin_object(struct jsonl_parser *parser);
/* 1: *key is the next member's key and its value comes next; 0: the object has ended. */
int jsonl_next_member(struct jsonl_parser *parser, struct jsonl_string *key);

int jsonl_begin_array(struct jsonl_parser *parser);
/* 1: an element comes next; 0: the array has ended. */
int jsonl_next_element(struct jsonl_parser *parser);

int jsonl_read_null(struct jsonl_parser *parser);
int jsonl_read_bool(struct jsonl_parser *parser, bool *value);
/* An integer from 0 to `max`, written without fraction and exponent. */
int jsonl_read_integer(struct jsonl_parser *parser, uint64_t max, uint64_t *value);
int jsonl_read_string(struct jsonl_parser *parser, struct jsonl_string *string);
/* A string without NUL in it. */
int jsonl_read_name(struct jsonl_parser *parser, const char **name);
/* Reads past one value of any type, checking it. */
int jsonl_skip(struct jsonl_parser *parser);
/* Nothing but white space may be left. */
int jsonl_finish(struct jsonl_parser *parser);

/* The value of a hexadecimal digit, or -1. */
int jsonl_hex_digit(int c);

/* An object's members, so that they can be read in any order. */
struct jsonl_member {
	struct jsonl_string key;
	size_t key_offset;   /* of the key's opening quote */
	size_t value_offset; /* of the value's first byte */
	size_t end_offset;   /* behind the value's last byte */
};

struct jsonl_object {
	size_t member_count;
	struct jsonl_member members[JSONL_MAX_MEMBERS];
};

/* Reads past an object and notes where its members are. */
int jsonl_read_object(struct jsonl_parser *parser, struct jsonl_object *object);

/*
 * Puts the parser before the value of `key`: 1; the last one where the key is repeated. 0: there is
 * no such member, or it is null.
 */
int jsonl_find(struct jsonl_parser *parser, const struct jsonl_object *object, const char *key);

#endif
