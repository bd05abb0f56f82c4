/*
 * The small tables of library hosts: sets of ids, the map that is read without a lock, the queue of
 * definitions, copies of function definitions.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <reel/status.h>

#include "definitions.h"
#include "function_handle.h"
#include "id_set.h"
#include "pointer_map.h"

static void a_set_has_what_was_added(void **state)
{
	struct id_set set = {0};

	assert_false(id_set_has(&set, 0));
	assert_false(id_set_has(&set, 7));
	for (uint32_t i = 0; i < 10000; i++) {
		assert_int_equal(id_set_add(&set, i * 0x10001), 0);
	}
	assert_int_equal(id_set_add(&set, UINT32_MAX), 0);
	assert_int_equal(id_set_add(&set, UINT32_MAX), 0);
	for (uint32_t i = 0; i < 10000; i++) {
		assert_true(id_set_has(&set, i * 0x10001));
		assert_false(id_set_has(&set, i * 0x10001 + 3));
	}
	assert_true(id_set_has(&set, UINT32_MAX));
	assert_int_equal(set.count, 10000);
	id_set_deinit(&set);
}

enum { KEYS = 20000 };

static uint64_t keys[KEYS];
static struct pointer_map shared_map;

/* Finds what is there and never anything else. */
static void *read_map(void *unused)
{
	size_t found = 0, wrong = 0;

	while (found < KEYS) {
		found = 0;
		for (size_t i = 0; i < KEYS; i++) {
			const void *value = pointer_map_find(&shared_map, &keys[i]);

			wrong += value && value != &keys[KEYS - 1 - i];
			found += value != NULL;
		}
	}
	return wrong ? &shared_map : NULL;
}

static void a_map_is_read_while_it_grows(void **state)
{
	pthread_t reader;
	void *wrong;

	assert_null(pointer_map_find(&shared_map, &keys[0]));
	assert_int_equal(pthread_create(&reader, NULL, read_map, NULL), 0);
	for (size_t i = 0; i < KEYS; i++) {
		assert_int_equal(pointer_map_set(&shared_map, &keys[i], &keys[KEYS - 1 - i]), 0);
	}
	pthread_join(reader, &wrong);
	assert_null(wrong);
	assert_int_equal(pointer_map_set(&shared_map, &keys[3], &keys[3]), 0);
	assert_ptr_equal(pointer_map_find(&shared_map, &keys[3]), &keys[3]);
	pointer_map_deinit(&shared_map);
}

static void *push_definitions(void *argument)
{
	for (uint32_t i = 0; i < 10000; i++) {
		struct reel_module module = {.id = i, .name = "module", .has_memory = i % 2};

		definitions_push(argument, definition_of_module(&module));
	}
	return NULL;
}

static void definitions_come_in_their_order(void **state)
{
	struct definitions queue;
	pthread_t pusher;
	uint32_t next = 0;

	assert_int_equal(definitions_init(&queue), 0);
	assert_null(definitions_take(&queue));
	assert_int_equal(pthread_create(&pusher, NULL, push_definitions, &queue), 0);
	while (next < 10000) {
		const struct definition *definition = definitions_take(&queue);

		if (definition) {
			assert_int_equal(definition->kind, DEFINITION_MODULE);
			assert_int_equal(definition->module.id, next);
			assert_int_equal(definition->module.has_memory, next % 2);
			assert_string_equal(definition->module.name, "module");
			next++;
		}
	}
	pthread_join(pusher, NULL);
	assert_null(definitions_take(&queue));
	/* One that is never taken is freed with the queue. */
	definitions_push(&queue,
		definition_of_stream(1, &(struct reel_stream_info){.id = 3, .name = "name"}));
	definitions_deinit(&queue);
}

static void a_stream_definition_keeps_missing_names(void **state)
{
	const struct reel_stream_info info = {.id = 9, .process = "p", .pid = 4, .tid = 5};
	struct definition *definition = definition_of_stream(2, &info);

	assert_int_equal(definition->stream, 2);
	assert_int_equal(definition->info.id, 9);
	assert_null(definition->info.name);
	assert_string_equal(definition->info.process, "p");
	assert_int_equal(definition->info.tid, 5);
	free(definition);
}

static void a_handle_is_a_copy_of_everything(void **state)
{
	char name[] = "name", file[] = "file.c", parameter[] = "p0", export[] = "out";
	uint8_t types[] = {REEL_I32, REEL_V128};
	const char *parameters[] = {parameter, NULL};
	const char *exports[] = {export};
	const struct reel_function definition = {
		.size = sizeof(definition),
		.index = 3,
		.module_name = "",
		.name = name,
		.export_names = exports,
		.export_count = 1,
		.param_count = 2,
		.param_types = types,
		.param_names = parameters,
		.is_host = true,
		.file = file,
		.line = 12,
	};
	struct function_handle *handle = function_handle_create(&definition);
	const struct reel_function *copy = &handle->definition;

	memset(name, 'x', 4);
	memset(file, 'x', 4);
	memset(parameter, 'x', 2);
	memset(export, 'x', 3);
	memset(types, 0, 2);
	assert_string_equal(copy->name, "name");
	assert_string_equal(copy->module_name, "");
	assert_null(copy->debug_name);
	assert_string_equal(copy->export_names[0], "out");
	assert_string_equal(copy->param_names[0], "p0");
	assert_null(copy->param_names[1]);
	assert_int_equal(copy->param_types[1], REEL_V128);
	assert_string_equal(copy->file, "file.c");
	assert_int_equal(copy->line, 12);
	assert_int_equal(copy->index, 3);
	assert_int_equal(handle->param_words, 3);
	assert_int_equal(handle->result_words, 0);
	assert_true(copy->is_host);
	free(handle);
}

static void a_definition_of_an_older_host_is_shorter(void **state)
{
	const struct reel_function definition = {
		.size = offsetof(struct reel_function, object), .name = "f", .line = 77};
	struct function_handle *handle = function_handle_create(&definition);

	assert_string_equal(handle->definition.name, "f");
	assert_int_equal(handle->definition.line, 0);
	assert_int_equal(handle->definition.size, sizeof(struct reel_function));
	free(handle);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_has_what_was_added),
		cmocka_unit_test(a_map_is_read_while_it_grows),
		cmocka_unit_test(definitions_come_in_their_order),
		cmocka_unit_test(a_stream_definition_keeps_missing_names),
		cmocka_unit_test(a_handle_is_a_copy_of_everything),
		cmocka_unit_test(a_definition_of_an_older_host_is_shorter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
