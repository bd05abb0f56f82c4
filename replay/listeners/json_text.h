/*
 * JSON as text: strings of any bytes, and objects that a host wrote.
 */
#ifndef REEL_LISTENERS_JSON_TEXT_H
#define REEL_LISTENERS_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

/* Writes a string with its quotes; what is no UTF-8 becomes U+FFFD. */
void json_put_string(struct text_output *output, const char *text, size_t size);

/* The same for a NUL-terminated text; NULL is written as "". */
void json_put_text(struct text_output *output, const char *text);

/* Whether a text is one JSON object, nested at most 100 deep. */
bool json_is_object(const char *text);

/*
 * Writes the members of an object for which json_is_object() holds, without white space and without
 * those whose key is in `skipped` (ends with NULL): ,"a":1,"b":2 with a comma before each.
 */
void json_put_members(struct text_output *output, const char *text, const char *const *skipped);

#endif
