/*
 * The evaluator: numbers are themselves, symbols are looked up, lists are special forms or calls.
 */
#include "lisp.h"

#include <string.h>

static struct value *look_up(
	struct interpreter *interpreter, struct environment *environment, const char *symbol)
{
	for (; environment; environment = environment->outer) {
		struct binding *binding;

		for (binding = environment->bindings; binding; binding = binding->next) {
			if (binding->symbol == symbol) {
				return binding->value;
			}
		}
	}
	return fail(interpreter, "a name is not defined");
}

static struct value *nth(struct value *list, int index)
{
	while (index-- > 0 && list->kind == KIND_PAIR) {
		list = list->pair.rest;
	}
	return list->kind == KIND_PAIR ? list->pair.first : &nil;
}

static struct value *evaluate_all(
	struct interpreter *interpreter, struct environment *environment, struct value *list)
{
	struct value *first;

	if (list->kind != KIND_PAIR) {
		return &nil;
	}
	first = evaluate(interpreter, environment, list->pair.first);
	return make_pair(
		interpreter, first, evaluate_all(interpreter, environment, list->pair.rest));
}

static struct value *evaluate_if(
	struct interpreter *interpreter, struct environment *environment, struct value *form)
{
	struct value *condition = evaluate(interpreter, environment, nth(form, 1));

	return evaluate(interpreter, environment, nth(form, condition->kind != KIND_NIL ? 2 : 3));
}

static struct value *make_lambda(struct interpreter *interpreter, struct environment *environment,
	struct value *parameters, struct value *body)
{
	struct value *value = allocate(interpreter, sizeof(*value));

	value->kind = KIND_LAMBDA;
	value->lambda.parameters = parameters;
	value->lambda.body = body;
	value->lambda.environment = environment;
	return value;
}

/* (define name value) or (define (name parameter ...) body) */
static struct value *evaluate_define(
	struct interpreter *interpreter, struct environment *environment, struct value *form)
{
	struct value *target = nth(form, 1);
	struct value *value;

	if (target->kind == KIND_PAIR) {
		value = make_lambda(interpreter, environment, target->pair.rest, nth(form, 2));
		target = target->pair.first;
	} else {
		value = evaluate(interpreter, environment, nth(form, 2));
	}
	if (target->kind != KIND_SYMBOL) {
		return fail(interpreter, "define needs a name");
	}
	define(interpreter, environment, target->symbol, value);
	return value;
}

/* A special form, or NULL when the list is a call. */
static struct value *evaluate_form(
	struct interpreter *interpreter, struct environment *environment, struct value *form)
{
	const struct value *head = form->pair.first;

	if (head->kind != KIND_SYMBOL) {
		return NULL;
	}
	if (strcmp(head->symbol, "if") == 0) {
		return evaluate_if(interpreter, environment, form);
	}
	if (strcmp(head->symbol, "define") == 0) {
		return evaluate_define(interpreter, environment, form);
	}
	if (strcmp(head->symbol, "lambda") == 0) {
		return make_lambda(interpreter, environment, nth(form, 1), nth(form, 2));
	}
	return NULL;
}

static struct value *apply_lambda(
	struct interpreter *interpreter, struct value *function, struct value *arguments)
{
	struct environment *environment = allocate(interpreter, sizeof(*environment));
	struct value *parameter = function->lambda.parameters;

	*environment = (struct environment){.outer = function->lambda.environment};
	for (; parameter->kind == KIND_PAIR; parameter = parameter->pair.rest) {
		define(interpreter, environment, parameter->pair.first->symbol, nth(arguments, 0));
		if (arguments->kind == KIND_PAIR) {
			arguments = arguments->pair.rest;
		}
	}
	return evaluate(interpreter, environment, function->lambda.body);
}

struct value *apply(
	struct interpreter *interpreter, struct value *function, struct value *arguments)
{
	if (interpreter->error) {
		return &nil;
	}
	if (function->kind == KIND_BUILTIN) {
		return function->builtin(interpreter, arguments);
	}
	if (function->kind == KIND_LAMBDA) {
		return apply_lambda(interpreter, function, arguments);
	}
	return fail(interpreter, "what is called is not a function");
}

static struct value *evaluate_call(
	struct interpreter *interpreter, struct environment *environment, struct value *form)
{
	struct value *function = evaluate(interpreter, environment, form->pair.first);

	return apply(
		interpreter, function, evaluate_all(interpreter, environment, form->pair.rest));
}

struct value *evaluate(
	struct interpreter *interpreter, struct environment *environment, struct value *expression)
{
	struct value *value;

	if (expression->kind == KIND_SYMBOL) {
		return look_up(interpreter, environment, expression->symbol);
	}
	if (expression->kind != KIND_PAIR) {
		return expression;
	}
	value = evaluate_form(interpreter, environment, expression);
	return value ? value : evaluate_call(interpreter, environment, expression);
}
