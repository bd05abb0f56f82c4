/*
 * Reading members of an object by key: given a line whose members are known, promises a value of
 * the right type or a failure that names the line.
 */
#include "import_state.h"

int import_missing(struct import *import, const char *key)
{
	return import_fail(import, REEL_EFORMAT, "the key \"%s\" is missing", key);
}

int import_get_number(struct import *import, const char *key, uint64_t *value)
{
	int found = jsonl_find(&import->parser, &import->line, key);

	if (found == 0) {
		return import_missing(import, key);
	}
	if (found > 0) {
		found = jsonl_read_integer(&import->parser, UINT64_MAX, value);
	}
	return import_parsed(import, found);
}

int import_get_id(struct import *import, const char *key, uint32_t *value)
{
	uint64_t number = 0;
	int found = jsonl_find(&import->parser, &import->line, key);

	if (found == 0) {
		return import_missing(import, key);
	}
	if (found > 0) {
		found = jsonl_read_integer(&import->parser, UINT32_MAX, &number);
	}
	*value = (uint32_t)number;
	return import_parsed(import, found);
}

int import_optional_number(struct import *import, const struct jsonl_object *object,
	const char *key, uint64_t max, uint64_t *value)
{
	int found = jsonl_find(&import->parser, object, key);

	if (found > 0) {
		found = jsonl_read_integer(&import->parser, max, value);
	}
	return import_parsed(import, found);
}

int import_optional_bool(
	struct import *import, const struct jsonl_object *object, const char *key, bool *value)
{
	int found = jsonl_find(&import->parser, object, key);

	if (found > 0) {
		found = jsonl_read_bool(&import->parser, value);
	}
	return import_parsed(import, found);
}

int import_optional_name(struct import *import, const struct jsonl_object *object, const char *key,
	const char **value)
{
	int found = jsonl_find(&import->parser, object, key);

	if (found > 0) {
		found = jsonl_read_name(&import->parser, value);
	}
	return import_parsed(import, found);
}

int import_optional_u32(struct import *import, const struct jsonl_object *object, const char *key,
	uint32_t max, uint32_t *value)
{
	uint64_t number = *value;
	int status = import_optional_number(import, object, key, max, &number);

	*value = (uint32_t)number;
	return status;
}

int import_count_elements(struct import *import, uint32_t *count)
{
	struct jsonl_parser ahead = import->parser;
	int more = jsonl_begin_array(&ahead);

	*count = 0;
	while (more == 0 && (more = jsonl_next_element(&ahead)) > 0) {
		++*count;
		more = jsonl_skip(&ahead);
	}
	if (more < 0) {
		import->parser = ahead;
	}
	return import_parsed(import, more);
}

int import_find_array(struct import *import, const char *key, uint32_t *count)
{
	int found = jsonl_find(&import->parser, &import->line, key);
	int status;

	*count = 0;
	if (found <= 0) {
		return import_parsed(import, found);
	}
	status = import_count_elements(import, count);
	return status < 0 ? status : 1;
}
