/*
 * UTF-8 in names and texts that come from outside and may be anything.
 */
#ifndef REEL_LISTENERS_UTF8_H
#define REEL_LISTENERS_UTF8_H

#include <stddef.h>

/* U+FFFD, which stands for a byte that is no UTF-8. */
#define UTF8_REPLACEMENT "\xef\xbf\xbd"

/* The bytes, 1 to 4, of the well-formed character that `text` starts with; 0: there is none.
 * `size` is not 0. */
size_t utf8_character_size(const char *text, size_t size);

#endif
