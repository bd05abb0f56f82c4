/*
 * Floats as Go's strconv.FormatFloat(v, 'g', -1, bits) writes them: the fewest digits that read
 * back to the same value and, among those, the ones nearest to it; exponent form below 1e-4 and
 * from 1e6 on. Promises the same text under every locale.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <reel/value.h>

/* Digits that tell any double from its neighbours. */
#define DIGITS_MAX 17

/* Decimal exponents with plain text. */
#define PLAIN_EXPONENT_MIN (-4)
#define PLAIN_EXPONENT_MAX 5

/* digits[0].digits[1]digits[2]... times ten to the exponent. */
struct decimal {
	char digits[DIGITS_MAX + 1];
	int count;
	int exponent;
};

/* Takes the digits out of "%e" text, whatever the locale's decimal point is. */
static void decimal_round(struct decimal *decimal, double value, int count)
{
	char text[64];
	const char *from = text;

	snprintf(text, sizeof(text), "%.*e", count - 1, value);
	decimal->count = 0;
	for (; *from && *from != 'e'; from++) {
		if (*from >= '0' && *from <= '9' && decimal->count < DIGITS_MAX) {
			decimal->digits[decimal->count++] = *from;
		}
	}
	decimal->digits[decimal->count] = '\0';
	decimal->exponent = *from ? (int)strtol(from + 1, NULL, 10) : 0;
}

/* The next greater decimal of as many digits. */
static void decimal_increment(struct decimal *decimal)
{
	int i = decimal->count - 1;

	while (i >= 0 && decimal->digits[i] == '9') {
		decimal->digits[i--] = '0';
	}
	if (i >= 0) {
		decimal->digits[i]++;
		return;
	}
	decimal->digits[0] = '1';
	decimal->exponent++;
}

/* No decimal point is written, so that strtod() reads it under every locale. */
static bool decimal_reads_back(const struct decimal *decimal, double value, int bits)
{
	char text[48];

	snprintf(text, sizeof(text), "%se%d", decimal->digits,
		decimal->exponent - (decimal->count - 1));
	if (bits == 32) {
		return (double)strtof(text, NULL) == value;
	}
	return strtod(text, NULL) == value;
}

/*
 * The decimal of `count` digits to be used, if one reads back. The nearest does, or else the next
 * one up: at a power of two the interval reaches twice as far upwards as downwards.
 */
static bool decimal_try(struct decimal *decimal, double value, int bits, int count)
{
	decimal_round(decimal, value, count);
	if (decimal_reads_back(decimal, value, bits)) {
		return true;
	}
	decimal_increment(decimal);
	return decimal_reads_back(decimal, value, bits);
}

/* What reads back with n digits does with n + 1, so the search may halve. `value` > 0. */
static void decimal_shortest(struct decimal *decimal, double value, int bits)
{
	int low = 1;
	int high = bits == 32 ? 9 : DIGITS_MAX;

	while (low < high) {
		int middle = (low + high) / 2;

		if (decimal_try(decimal, value, bits, middle)) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	decimal_try(decimal, value, bits, low);
}

static size_t write_exponent_form(const struct decimal *decimal, char *text, size_t size)
{
	return (size_t)snprintf(text, size, "%c%s%se%c%02d", decimal->digits[0],
		decimal->count > 1 ? "." : "", decimal->digits + 1,
		decimal->exponent < 0 ? '-' : '+', abs(decimal->exponent));
}

static size_t write_plain(const struct decimal *decimal, char *text, size_t size)
{
	int whole = decimal->exponent + 1;

	if (whole <= 0) {
		return (size_t)snprintf(text, size, "0.%.*s%s", -whole, "0000", decimal->digits);
	}
	if (whole >= decimal->count) {
		return (size_t)snprintf(
			text, size, "%s%.*s", decimal->digits, whole - decimal->count, "000000");
	}
	return (size_t)snprintf(
		text, size, "%.*s.%s", whole, decimal->digits, decimal->digits + whole);
}

static size_t write_text(char *text, const char *from)
{
	size_t length = strlen(from);

	memcpy(text, from, length + 1);
	return length;
}

size_t reel_float_format(double value, int bits, char text[REEL_VALUE_TEXT_SIZE])
{
	struct decimal decimal;
	size_t length = 0;

	if (isnan(value)) {
		return write_text(text, "NaN");
	}
	if (isinf(value)) {
		return write_text(text, value < 0 ? "-Inf" : "+Inf");
	}
	if (signbit(value)) {
		text[length++] = '-';
		value = -value;
	}
	if (value == 0) {
		return length + write_text(text + length, "0");
	}
	decimal_shortest(&decimal, value, bits);
	if (decimal.exponent < PLAIN_EXPONENT_MIN || decimal.exponent > PLAIN_EXPONENT_MAX) {
		return length +
		       write_exponent_form(&decimal, text + length, REEL_VALUE_TEXT_SIZE - length);
	}
	return length + write_plain(&decimal, text + length, REEL_VALUE_TEXT_SIZE - length);
}
