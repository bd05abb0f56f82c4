/*
 * Well-formed UTF-8 as the Unicode standard's table 3-7 has it: no overlong forms, no surrogates,
 * nothing above U+10FFFF.
 */
#include "utf8.h"

#include <stdbool.h>

static bool is_between(char byte, unsigned low, unsigned high)
{
	return (unsigned char)byte >= low && (unsigned char)byte <= high;
}

/* The second byte is what rules out overlong forms, surrogates and too large values. */
static bool is_second(char first, char second)
{
	switch ((unsigned char)first) {
	case 0xe0:
		return is_between(second, 0xa0, 0xbf);
	case 0xed:
		return is_between(second, 0x80, 0x9f);
	case 0xf0:
		return is_between(second, 0x90, 0xbf);
	case 0xf4:
		return is_between(second, 0x80, 0x8f);
	default:
		return is_between(second, 0x80, 0xbf);
	}
}

size_t utf8_character_size(const char *text, size_t size)
{
	size_t length = 0;

	if (is_between(text[0], 0x00, 0x7f)) {
		return 1;
	}
	if (is_between(text[0], 0xc2, 0xdf)) {
		length = 2;
	} else if (is_between(text[0], 0xe0, 0xef)) {
		length = 3;
	} else if (is_between(text[0], 0xf0, 0xf4)) {
		length = 4;
	}
	if (length == 0 || length > size || !is_second(text[0], text[1])) {
		return 0;
	}
	for (size_t i = 2; i < length; i++) {
		if (!is_between(text[i], 0x80, 0xbf)) {
			return 0;
		}
	}
	return length;
}
