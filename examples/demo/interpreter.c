/*
 * The interpreter's memory: an arena, names, values and the text that a script prints.
 */
#include "lisp.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK_SIZE = 1 << 20 };

struct chunk {
	struct chunk *next;
	_Alignas(16) char bytes[CHUNK_SIZE];
};

struct value nil = {.kind = KIND_NIL};

static void add_chunk(struct interpreter *interpreter)
{
	struct chunk *chunk = malloc(sizeof(*chunk));

	if (!chunk) {
		abort();
	}
	chunk->next = interpreter->chunks;
	interpreter->chunks = chunk;
	interpreter->chunk_used = 0;
}

void *allocate(struct interpreter *interpreter, size_t size)
{
	void *bytes;

	size = (size + 15) & ~(size_t)15;
	if (!interpreter->chunks || size > CHUNK_SIZE - interpreter->chunk_used) {
		add_chunk(interpreter);
	}
	bytes = interpreter->chunks->bytes + interpreter->chunk_used;
	interpreter->chunk_used += size;
	return bytes;
}

struct interpreter *interpreter_create(void)
{
	struct interpreter *interpreter = calloc(1, sizeof(*interpreter));

	if (!interpreter) {
		abort();
	}
	define_builtins(interpreter);
	return interpreter;
}

void interpreter_destroy(struct interpreter *interpreter)
{
	while (interpreter->chunks) {
		struct chunk *next = interpreter->chunks->next;

		free(interpreter->chunks);
		interpreter->chunks = next;
	}
	free(interpreter->output);
	free(interpreter);
}

const char *intern(struct interpreter *interpreter, const char *text, size_t length)
{
	struct binding *symbol;
	char *copy;

	for (symbol = interpreter->symbols; symbol; symbol = symbol->next) {
		if (strncmp(symbol->symbol, text, length) == 0 && !symbol->symbol[length]) {
			return symbol->symbol;
		}
	}
	copy = allocate(interpreter, length + 1);
	memcpy(copy, text, length);
	copy[length] = '\0';
	symbol = allocate(interpreter, sizeof(*symbol));
	*symbol = (struct binding){.symbol = copy, .next = interpreter->symbols};
	interpreter->symbols = symbol;
	return copy;
}

struct value *fail(struct interpreter *interpreter, const char *error)
{
	if (!interpreter->error) {
		interpreter->error = error;
	}
	return &nil;
}

static struct value *make_value(struct interpreter *interpreter, enum kind kind)
{
	struct value *value = allocate(interpreter, sizeof(*value));

	value->kind = kind;
	return value;
}

struct value *make_number(struct interpreter *interpreter, long number)
{
	struct value *value = make_value(interpreter, KIND_NUMBER);

	value->number = number;
	return value;
}

struct value *make_symbol(struct interpreter *interpreter, const char *text, size_t length)
{
	struct value *value = make_value(interpreter, KIND_SYMBOL);

	value->symbol = intern(interpreter, text, length);
	return value;
}

struct value *make_pair(struct interpreter *interpreter, struct value *first, struct value *rest)
{
	struct value *value = make_value(interpreter, KIND_PAIR);

	value->pair.first = first;
	value->pair.rest = rest;
	return value;
}

void define(struct interpreter *interpreter, struct environment *environment, const char *symbol,
	struct value *value)
{
	struct binding *binding = allocate(interpreter, sizeof(*binding));

	*binding = (struct binding){symbol, value, environment->bindings};
	environment->bindings = binding;
}

void write_text(struct interpreter *interpreter, const char *text)
{
	size_t length = strlen(text);

	if (interpreter->output_size + length + 1 > interpreter->output_capacity) {
		interpreter->output_capacity = 2 * (interpreter->output_size + length + 1);
		interpreter->output = realloc(interpreter->output, interpreter->output_capacity);
		if (!interpreter->output) {
			abort();
		}
	}
	memcpy(interpreter->output + interpreter->output_size, text, length + 1);
	interpreter->output_size += length;
}
