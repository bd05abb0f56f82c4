/*
 * Values: what functions take and return.
 *
 * A value is one 64-bit word, a v128 is two, low word first; so a word's index is not a parameter's
 * index. How many words there are comes from the function's definition, never from what a host
 * happened to pass. The upper half of an i32 or f32 word is undefined: it is kept when recorded and
 * masked when interpreted. References are opaque words, 0 is null.
 *
 * The codes of the types are those of the WebAssembly core specification 2.0, 5.3.
 */
#ifndef REEL_VALUE_H
#define REEL_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include <reel/status.h>

#ifdef __cplusplus
extern "C" {
#endif

enum reel_value_type {
	REEL_I32 = 0x7f,
	REEL_I64 = 0x7e,
	REEL_F32 = 0x7d,
	REEL_F64 = 0x7c,
	REEL_V128 = 0x7b,
	REEL_FUNCREF = 0x70,
	REEL_EXTERNREF = 0x6f,
};

/* Words that a value of this type takes: 2 for v128, else 1. */
static inline uint32_t reel_value_words(uint8_t type)
{
	return type == REEL_V128 ? 2 : 1;
}

/* The specification's name of a type ("i32"), or "unknown". */
REEL_API const char *reel_value_type_name(uint8_t type);

/* Parses such a name; 0 when it is none. */
REEL_API uint8_t reel_value_type_from_name(const char *name);

/* The longest text of reel_value_format() and reel_float_format(), with the NUL. */
#define REEL_VALUE_TEXT_SIZE 40

/*
 * Writes a value as text: i32 and i64 signed decimal, floats as reel_float_format() does,
 * references as 16 and v128 as 32 hexadecimal digits (high word first). `words` has
 * reel_value_words(type) words. Returns the length.
 */
REEL_API size_t reel_value_format(
	uint8_t type, const uint64_t *words, char text[REEL_VALUE_TEXT_SIZE]);

/*
 * Writes a float as Go's strconv.FormatFloat(v, 'g', -1, bits) does, bits being 32 or 64: the
 * shortest text that reads back to the same value, in exponent form below 1e-4 and from 1e6 on,
 * else plain; NaN, +Inf, -Inf. Returns the length.
 */
REEL_API size_t reel_float_format(double value, int bits, char text[REEL_VALUE_TEXT_SIZE]);

#ifdef __cplusplus
}
#endif

#endif
