/*
 * A small Lisp: what its reader, its evaluator and its built-in functions share.
 *
 * An interpreter belongs to one thread; any number of them may run side by side. Values live in the
 * interpreter's arena until it is destroyed. What goes wrong in a script is remembered as the
 * interpreter's error, and everything then returns nil.
 */
#ifndef DEMO_LISP_H
#define DEMO_LISP_H

#include <stddef.h>

enum kind { KIND_NIL, KIND_NUMBER, KIND_SYMBOL, KIND_PAIR, KIND_BUILTIN, KIND_LAMBDA };

struct interpreter;
struct environment;
struct value;

typedef struct value *(*builtin_fn)(struct interpreter *interpreter, struct value *arguments);

struct value {
	enum kind kind;
	union {
		long number;
		const char *symbol; /* equal names are one pointer */
		builtin_fn builtin;
		struct {
			struct value *first, *rest;
		} pair;
		struct {
			struct value *parameters, *body;
			struct environment *environment;
		} lambda;
	};
};

/* The variables of one call, or of the whole script. */
struct binding {
	const char *symbol;
	struct value *value;
	struct binding *next;
};

struct environment {
	struct binding *bindings;
	struct environment *outer;
};

struct chunk;

struct interpreter {
	struct environment global;
	struct binding *symbols; /* all names, each once */
	struct chunk *chunks;
	size_t chunk_used;
	const char *error; /* NULL: nothing went wrong */
	char *output;
	size_t output_size, output_capacity;
};

/* interpreter.c */
struct interpreter *interpreter_create(void);
void interpreter_destroy(struct interpreter *interpreter);
void *allocate(struct interpreter *interpreter, size_t size);
const char *intern(struct interpreter *interpreter, const char *text, size_t length);
struct value *fail(struct interpreter *interpreter, const char *error);
struct value *make_number(struct interpreter *interpreter, long number);
struct value *make_symbol(struct interpreter *interpreter, const char *text, size_t length);
struct value *make_pair(struct interpreter *interpreter, struct value *first, struct value *rest);
void define(struct interpreter *interpreter, struct environment *environment, const char *symbol,
	struct value *value);
void write_text(struct interpreter *interpreter, const char *text);
extern struct value nil;

/* read.c: the next expression of a script, NULL at its end. */
struct value *read_expression(struct interpreter *interpreter, const char **script);

/* evaluate.c */
struct value *evaluate(
	struct interpreter *interpreter, struct environment *environment, struct value *expression);
struct value *apply(
	struct interpreter *interpreter, struct value *function, struct value *arguments);

/* builtins.c */
void define_builtins(struct interpreter *interpreter);

#endif
