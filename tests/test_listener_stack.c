/*
 * Iterators, modules and adapters of the contract.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <reel/listener.h>

#include "walk.h"

static const struct reel_function f = {.name = "f"};
static const struct reel_function g = {.name = "g"};
static const uint64_t words[2] = {11, 12};

static const struct reel_frame frames[3] = {
	{.function = &f, .pc = 1, .source_offset = 10, .params = words},
	{.function = NULL, .pc = 2, .source_offset = 20},
	{.function = &g, .pc = 1, .source_offset = 30, .identity = 7},
};

static void check_walk(struct reel_stack_iterator *stack)
{
	assert_null(reel_stack_function(stack));
	assert_int_equal(reel_stack_pc(stack), 0);
	assert_int_equal(reel_stack_source_offset(stack), 0);
	assert_null(reel_stack_params(stack));
	assert_true(reel_stack_next(stack));
	assert_ptr_equal(reel_stack_function(stack), &f);
	assert_int_equal(reel_stack_pc(stack), 1);
	assert_int_equal(reel_stack_source_offset(stack), 10);
	assert_ptr_equal(reel_stack_params(stack), words);
	assert_true(reel_stack_next(stack));
	assert_null(reel_stack_function(stack));
	assert_int_equal(reel_stack_pc(stack), 2);
	assert_true(reel_stack_next(stack));
	assert_ptr_equal(reel_stack_function(stack), &g);
	assert_int_equal(reel_stack_frame(stack)->identity, 7);
	for (int i = 0; i < 3; i++) {
		assert_false(reel_stack_next(stack));
		assert_null(reel_stack_frame(stack));
		assert_int_equal(reel_stack_pc(stack), 0);
	}
}

static void an_array_is_walked_from_its_first_frame(void **state)
{
	struct reel_frame_array_iterator iterator;
	struct reel_stack_iterator *stack = reel_frame_array_iterator_init(&iterator, frames, 3);

	check_walk(stack);
	stack->ops->rewind(stack);
	check_walk(stack);
	reel_stack_next(stack);
	stack->ops->rewind(stack);
	check_walk(stack);
}

static void empty_and_missing_stacks_have_no_frames(void **state)
{
	struct reel_frame_array_iterator iterator;
	struct reel_stack_iterator *stack = reel_frame_array_iterator_init(&iterator, NULL, 0);

	assert_false(reel_stack_next(stack));
	assert_null(reel_stack_frame(stack));
	assert_false(reel_stack_next(NULL));
	assert_null(reel_stack_frame(NULL));
	assert_null(reel_stack_params(NULL));
	assert_int_equal(reel_stack_pc(NULL), 0);
}

static void a_walk_gives_each_walker_the_whole_stack(void **state)
{
	struct reel_frame_array_iterator iterator;
	struct walk walk;
	struct walk_iterator first, second;

	walk_init(&walk, reel_frame_array_iterator_init(&iterator, frames, 3));
	walk_iterator_init(&first, &walk);
	walk_iterator_init(&second, &walk);
	/* The first stops half-way; what it saw is not lost to the second. */
	assert_true(reel_stack_next(&first.base));
	check_walk(&second.base);
	assert_true(reel_stack_next(&first.base));
	assert_int_equal(reel_stack_pc(&first.base), 2);
	first.base.ops->rewind(&first.base);
	check_walk(&first.base);
	walk_deinit(&walk);
}

static void a_walk_takes_no_frame_that_nobody_asks_for(void **state)
{
	struct reel_frame_array_iterator iterator;
	struct walk walk;
	struct walk_iterator walker;

	walk_init(&walk, reel_frame_array_iterator_init(&iterator, frames, 3));
	walk_iterator_init(&walker, &walk);
	assert_int_equal(iterator.position, 0);
	reel_stack_next(&walker.base);
	assert_int_equal(iterator.position, 1);
	walk_deinit(&walk);
}

static void a_walk_keeps_deep_stacks(void **state)
{
	enum { DEPTH = 1000 };
	static struct reel_frame deep[DEPTH];
	struct reel_frame_array_iterator iterator;
	struct walk walk;

	for (uint64_t i = 0; i < DEPTH; i++) {
		deep[i].pc = i + 1;
	}
	walk_init(&walk, reel_frame_array_iterator_init(&iterator, deep, DEPTH));
	for (int round = 0; round < 2; round++) {
		struct walk_iterator walker;
		uint64_t pc = 0;

		walk_iterator_init(&walker, &walk);
		while (reel_stack_next(&walker.base)) {
			assert_int_equal(reel_stack_pc(&walker.base), ++pc);
		}
		assert_int_equal(pc, DEPTH);
	}
	walk_deinit(&walk);
}

/* ---- modules ---- */

static enum reel_read read_memory(
	struct reel_module *module, uint64_t offset, uint64_t length, const void **bytes)
{
	*bytes = "memory";
	return offset + length > 6 ? REEL_READ_OUT_OF_RANGE : REEL_READ_OK;
}

static void check_no_memory(struct reel_module *module)
{
	uint64_t size = 5, globals[2] = {1, 2};
	const void *bytes = &size;

	assert_int_equal(reel_module_memory_size(module, &size), REEL_READ_NO_MEMORY);
	assert_int_equal(size, 0);
	assert_int_equal(reel_module_memory_read(module, 0, 1, &bytes), REEL_READ_NO_MEMORY);
	assert_null(bytes);
	assert_int_equal(reel_module_global_get(module, 0, globals), REEL_READ_NO_MEMORY);
	assert_int_equal(globals[0], 0);
}

static void modules_without_memory_answer_and_do_not_crash(void **state)
{
	static const struct reel_module_ops none;
	static const struct reel_module_ops some = {.memory_read = read_memory};
	struct reel_module without_ops = {.id = 1};
	struct reel_module without_callbacks = {.id = 2, .ops = &none};
	struct reel_module with_memory = {.id = 3, .has_memory = true, .ops = &some};
	const void *bytes;
	uint64_t size;

	check_no_memory(NULL);
	check_no_memory(&without_ops);
	check_no_memory(&without_callbacks);
	assert_int_equal(reel_module_memory_read(&with_memory, 0, 6, &bytes), REEL_READ_OK);
	assert_memory_equal(bytes, "memory", 6);
	assert_int_equal(
		reel_module_memory_read(&with_memory, 0, 7, &bytes), REEL_READ_OUT_OF_RANGE);
	assert_int_equal(reel_module_memory_size(&with_memory, &size), REEL_READ_NO_MEMORY);
}

/* ---- adapters ---- */

static void count_call(void *user, struct reel_context *context, struct reel_module *module,
	const struct reel_function *function, const uint64_t *params,
	struct reel_stack_iterator *stack)
{
	assert_ptr_equal(function, &f);
	assert_ptr_equal(params, words);
	assert_true(reel_stack_next(stack));
	++*(int *)user;
}

static struct reel_listener *only_f(void *user, const struct reel_function *function)
{
	return function == &f ? user : NULL;
}

static void plain_functions_serve_as_listener_and_factory(void **state)
{
	struct reel_frame_array_iterator iterator;
	struct reel_function_listener listener;
	struct reel_function_factory factory;
	struct reel_listener_factory *made;
	struct reel_listener *chosen;
	int calls = 0;

	made = reel_function_factory_init(
		&factory, only_f, reel_function_listener_init(&listener, count_call, &calls));
	assert_null(made->listener_for(made, &g));
	chosen = made->listener_for(made, &f);
	assert_ptr_equal(chosen, &listener.base);
	assert_null(chosen->after);
	assert_null(chosen->abort);
	chosen->before(chosen, NULL, NULL, &f, words,
		reel_frame_array_iterator_init(&iterator, frames, 3));
	assert_int_equal(calls, 1);
	reel_listener_factory_destroy(made);
	reel_listener_factory_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_array_is_walked_from_its_first_frame),
		cmocka_unit_test(empty_and_missing_stacks_have_no_frames),
		cmocka_unit_test(a_walk_gives_each_walker_the_whole_stack),
		cmocka_unit_test(a_walk_takes_no_frame_that_nobody_asks_for),
		cmocka_unit_test(a_walk_keeps_deep_stacks),
		cmocka_unit_test(modules_without_memory_answer_and_do_not_crash),
		cmocka_unit_test(plain_functions_serve_as_listener_and_factory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
