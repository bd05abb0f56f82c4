/*
 * The built-in functions: a table of names and function pointers.
 */
#include "lisp.h"

#include <stdio.h>
#include <string.h>

static struct value *argument(struct value *arguments, int index)
{
	while (index-- > 0 && arguments->kind == KIND_PAIR) {
		arguments = arguments->pair.rest;
	}
	return arguments->kind == KIND_PAIR ? arguments->pair.first : &nil;
}

static long number_argument(struct interpreter *interpreter, struct value *arguments, int index)
{
	struct value *value = argument(arguments, index);

	if (value->kind != KIND_NUMBER) {
		fail(interpreter, "expected a number");
		return 0;
	}
	return value->number;
}

static struct value *truth(struct interpreter *interpreter, int condition)
{
	return condition ? make_number(interpreter, 1) : &nil;
}

static struct value *add(struct interpreter *interpreter, struct value *arguments)
{
	long left = number_argument(interpreter, arguments, 0);

	return make_number(interpreter, left + number_argument(interpreter, arguments, 1));
}

static struct value *subtract(struct interpreter *interpreter, struct value *arguments)
{
	long left = number_argument(interpreter, arguments, 0);

	return make_number(interpreter, left - number_argument(interpreter, arguments, 1));
}

static struct value *multiply(struct interpreter *interpreter, struct value *arguments)
{
	long left = number_argument(interpreter, arguments, 0);

	return make_number(interpreter, left * number_argument(interpreter, arguments, 1));
}

static struct value *remainder_of(struct interpreter *interpreter, struct value *arguments)
{
	long left = number_argument(interpreter, arguments, 0);
	long right = number_argument(interpreter, arguments, 1);

	if (right == 0) {
		return fail(interpreter, "division by zero");
	}
	return make_number(interpreter, left % right);
}

static struct value *less(struct interpreter *interpreter, struct value *arguments)
{
	long left = number_argument(interpreter, arguments, 0);

	return truth(interpreter, left < number_argument(interpreter, arguments, 1));
}

static struct value *equal(struct interpreter *interpreter, struct value *arguments)
{
	long left = number_argument(interpreter, arguments, 0);

	return truth(interpreter, left == number_argument(interpreter, arguments, 1));
}

static struct value *cons(struct interpreter *interpreter, struct value *arguments)
{
	return make_pair(interpreter, argument(arguments, 0), argument(arguments, 1));
}

static struct value *first(struct interpreter *interpreter, struct value *arguments)
{
	struct value *pair = argument(arguments, 0);

	return pair->kind == KIND_PAIR ? pair->pair.first
				       : fail(interpreter, "first of what is no list");
}

static struct value *rest(struct interpreter *interpreter, struct value *arguments)
{
	struct value *pair = argument(arguments, 0);

	return pair->kind == KIND_PAIR ? pair->pair.rest
				       : fail(interpreter, "rest of what is no list");
}

static struct value *is_empty(struct interpreter *interpreter, struct value *arguments)
{
	return truth(interpreter, argument(arguments, 0)->kind == KIND_NIL);
}

static void print_value(struct interpreter *interpreter, const struct value *value)
{
	char text[32];

	switch (value->kind) {
	case KIND_NUMBER:
		snprintf(text, sizeof(text), "%ld", value->number);
		write_text(interpreter, text);
		break;
	case KIND_SYMBOL:
		write_text(interpreter, value->symbol);
		break;
	case KIND_PAIR:
		write_text(interpreter, "(");
		print_value(interpreter, value->pair.first);
		write_text(interpreter, " . ");
		print_value(interpreter, value->pair.rest);
		write_text(interpreter, ")");
		break;
	default:
		write_text(interpreter, value->kind == KIND_NIL ? "nil" : "function");
	}
}

static struct value *print(struct interpreter *interpreter, struct value *arguments)
{
	for (; arguments->kind == KIND_PAIR; arguments = arguments->pair.rest) {
		print_value(interpreter, arguments->pair.first);
		write_text(interpreter, arguments->pair.rest->kind == KIND_PAIR ? " " : "\n");
	}
	return &nil;
}

void define_builtins(struct interpreter *interpreter)
{
	static const struct {
		const char *name;
		builtin_fn function;
	} builtins[] = {{"+", add}, {"-", subtract}, {"*", multiply}, {"%", remainder_of},
		{"<", less}, {"=", equal}, {"cons", cons}, {"first", first}, {"rest", rest},
		{"empty", is_empty}, {"print", print}};

	define(interpreter, &interpreter->global, intern(interpreter, "nil", 3), &nil);
	for (size_t i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++) {
		struct value *value = allocate(interpreter, sizeof(*value));

		value->kind = KIND_BUILTIN;
		value->builtin = builtins[i].function;
		define(interpreter, &interpreter->global,
			intern(interpreter, builtins[i].name, strlen(builtins[i].name)), value);
	}
}
