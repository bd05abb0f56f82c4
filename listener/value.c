/*
 * Names of value types and values as text. Given words as a host passed them, garbage in the upper
 * half of an i32 or f32 included; promises text that depends on the value alone.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <reel/value.h>

static const struct {
	uint8_t type;
	const char *name;
} type_names[] = {
	{REEL_I32, "i32"},
	{REEL_I64, "i64"},
	{REEL_F32, "f32"},
	{REEL_F64, "f64"},
	{REEL_V128, "v128"},
	{REEL_FUNCREF, "funcref"},
	{REEL_EXTERNREF, "externref"},
};

#define TYPE_COUNT (sizeof(type_names) / sizeof(type_names[0]))

const char *reel_value_type_name(uint8_t type)
{
	for (size_t i = 0; i < TYPE_COUNT; i++) {
		if (type_names[i].type == type) {
			return type_names[i].name;
		}
	}
	return "unknown";
}

uint8_t reel_value_type_from_name(const char *name)
{
	for (size_t i = 0; i < TYPE_COUNT; i++) {
		if (strcmp(type_names[i].name, name) == 0) {
			return type_names[i].type;
		}
	}
	return 0;
}

static size_t format_f32(uint64_t word, char *text)
{
	uint32_t bits = (uint32_t)word;
	float value;

	memcpy(&value, &bits, sizeof(value));
	return reel_float_format((double)value, 32, text);
}

static size_t format_f64(uint64_t word, char *text)
{
	double value;

	memcpy(&value, &word, sizeof(value));
	return reel_float_format(value, 64, text);
}

size_t reel_value_format(uint8_t type, const uint64_t *words, char text[REEL_VALUE_TEXT_SIZE])
{
	const size_t size = REEL_VALUE_TEXT_SIZE;

	switch (type) {
	case REEL_I32:
		return (size_t)snprintf(text, size, "%" PRId32, (int32_t)(uint32_t)words[0]);
	case REEL_I64:
		return (size_t)snprintf(text, size, "%" PRId64, (int64_t)words[0]);
	case REEL_F32:
		return format_f32(words[0], text);
	case REEL_F64:
		return format_f64(words[0], text);
	case REEL_V128:
		return (size_t)snprintf(
			text, size, "%016" PRIx64 "%016" PRIx64, words[1], words[0]);
	default:
		return (size_t)snprintf(text, size, "%016" PRIx64, words[0]);
	}
}
