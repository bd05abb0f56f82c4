/*
 * The reader: text to expressions.
 */
#include "lisp.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static void skip_space(const char **script)
{
	while (isspace((unsigned char)**script)) {
		++*script;
	}
}

static struct value *read_list(struct interpreter *interpreter, const char **script)
{
	struct value *first;

	skip_space(script);
	if (**script == ')') {
		++*script;
		return &nil;
	}
	first = read_expression(interpreter, script);
	if (!first) {
		return fail(interpreter, "a list is not closed");
	}
	return make_pair(interpreter, first, read_list(interpreter, script));
}

static struct value *read_atom(struct interpreter *interpreter, const char **script)
{
	const char *start = *script;
	size_t length = strcspn(start, " \t\n()");
	char *end;
	long number = strtol(start, &end, 10);

	*script += length;
	if (end == start + length) {
		return make_number(interpreter, number);
	}
	return make_symbol(interpreter, start, length);
}

struct value *read_expression(struct interpreter *interpreter, const char **script)
{
	skip_space(script);
	switch (**script) {
	case '\0':
		return NULL;
	case '(':
		++*script;
		return read_list(interpreter, script);
	case ')':
		++*script;
		return fail(interpreter, "a list is closed twice");
	default:
		return read_atom(interpreter, script);
	}
}
