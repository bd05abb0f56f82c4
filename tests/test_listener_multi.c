/*
 * The multi factory: who is called, in which order, with which stack, and on many threads.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <reel/listener.h>

static const struct reel_function functions[3] = {{.name = "a"}, {.name = "b"}, {.name = "c"}};

/* A factory whose listener walks stacks and adds up what it sees, per context. */
struct summing {
	struct reel_listener_factory factory; /* first */
	struct reel_listener listener;
	struct reel_marks marks;
	const struct reel_function *not_for;
	size_t walk_limit; /* frames that it looks at; 0: all */
	int begin_status, finish_status;
	unsigned begins, finishes;
	char *trail; /* appended to by each call, when not NULL */
	char name;
};

/* What one thread's callbacks write to: reached through the context, so nothing is shared. */
struct thread_context {
	struct reel_context base; /* first */
	uint64_t pc_sum;
	uint64_t frame_count, befores, afters, aborts;
};

static struct summing *summing_of(struct reel_listener *listener)
{
	return (struct summing *)((char *)listener - offsetof(struct summing, listener));
}

static void leave_trail(struct summing *summing, char event)
{
	if (summing->trail) {
		size_t length = strlen(summing->trail);

		summing->trail[length] = summing->name;
		summing->trail[length + 1] = event;
		summing->trail[length + 2] = '\0';
	}
}

static void sum_before(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *params,
	struct reel_stack_iterator *stack)
{
	struct summing *summing = summing_of(listener);
	struct thread_context *mine = (struct thread_context *)context;
	size_t seen = 0;

	leave_trail(summing, 'B');
	mine->befores++;
	while ((summing->walk_limit == 0 || seen < summing->walk_limit) && reel_stack_next(stack)) {
		mine->pc_sum += reel_stack_pc(stack);
		mine->frame_count++;
		seen++;
	}
}

static void sum_after(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *results)
{
	leave_trail(summing_of(listener), 'A');
	((struct thread_context *)context)->afters++;
}

static void sum_abort(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function,
	const struct reel_abort *error)
{
	leave_trail(summing_of(listener), 'X');
	((struct thread_context *)context)->aborts++;
}

static struct reel_listener *sum_listener_for(
	struct reel_listener_factory *factory, const struct reel_function *function)
{
	struct summing *summing = (struct summing *)factory;

	return function == summing->not_for ? NULL : &summing->listener;
}

static int sum_begin(struct reel_listener_factory *factory, const struct reel_host_info *info,
	struct reel_error *error)
{
	struct summing *summing = (struct summing *)factory;

	summing->begins++;
	if (summing->begin_status < 0) {
		return reel_fail(error, summing->begin_status, "%c will not", summing->name);
	}
	return 0;
}

static int sum_finish(struct reel_listener_factory *factory, struct reel_error *error)
{
	struct summing *summing = (struct summing *)factory;

	summing->finishes++;
	if (summing->finish_status < 0) {
		return reel_fail(error, summing->finish_status, "%c failed", summing->name);
	}
	return 0;
}

static void sum_gap(
	struct reel_listener_factory *factory, struct reel_context *context, uint64_t lost)
{
	leave_trail((struct summing *)factory, 'G');
	assert_int_equal(lost, 5);
}

static void sum_call_begin(
	struct reel_listener_factory *factory, struct reel_context *context, const char *text)
{
	leave_trail((struct summing *)factory, '(');
	assert_string_equal(text, "text");
}

static void summing_init(struct summing *summing, char name)
{
	*summing = (struct summing){
		.factory =
			{
				.begin = sum_begin,
				.listener_for = sum_listener_for,
				.finish = sum_finish,
			},
		.listener = {sum_before, sum_after, sum_abort},
		.marks = {.gap = sum_gap, .call_begin = sum_call_begin},
		.name = name,
	};
	summing->factory.marks = &summing->marks;
}

/* ---- a host that can show its stack only once ---- */

struct once_iterator {
	struct reel_stack_iterator base;
	struct reel_frame frame; /* one that is filled anew for each step */
	uint64_t depth, position;
};

static bool once_next(struct reel_stack_iterator *base)
{
	struct once_iterator *iterator = (struct once_iterator *)base;

	if (iterator->position > iterator->depth) {
		return false;
	}
	iterator->position++;
	iterator->frame.pc = iterator->position;
	return iterator->position <= iterator->depth;
}

static const struct reel_frame *once_frame(struct reel_stack_iterator *base)
{
	struct once_iterator *iterator = (struct once_iterator *)base;

	if (iterator->position == 0 || iterator->position > iterator->depth) {
		return NULL;
	}
	return &iterator->frame;
}

static const struct reel_stack_iterator_ops once_ops = {once_next, once_frame, NULL};

static struct reel_stack_iterator *once_init(struct once_iterator *iterator, uint64_t depth)
{
	*iterator = (struct once_iterator){.base = {&once_ops}, .depth = depth};
	return &iterator->base;
}

static uint64_t sum_to(uint64_t count)
{
	return count * (count + 1) / 2;
}

/* ---- cases ---- */

static struct reel_listener_factory *make_multi(struct summing *summing, size_t count)
{
	struct reel_listener_factory *factories[8];
	struct reel_listener_factory *multi;

	for (size_t i = 0; i < count; i++) {
		summing_init(&summing[i], (char)('a' + (int)i));
		factories[i] = &summing[i].factory;
	}
	multi = reel_multi_factory_create(factories, count);
	assert_non_null(multi);
	return multi;
}

static void a_function_with_one_listener_gets_it_directly(void **state)
{
	struct summing summing[2];
	struct reel_listener_factory *multi = make_multi(summing, 2);
	struct reel_listener *both;

	summing[0].not_for = &functions[0];
	summing[1].not_for = &functions[1];
	assert_ptr_equal(multi->listener_for(multi, &functions[0]), &summing[1].listener);
	assert_ptr_equal(multi->listener_for(multi, &functions[1]), &summing[0].listener);
	both = multi->listener_for(multi, &functions[2]);
	assert_non_null(both);
	assert_ptr_not_equal(both, &summing[0].listener);
	assert_ptr_not_equal(both, &summing[1].listener);
	summing[0].not_for = summing[1].not_for = &functions[2];
	assert_null(multi->listener_for(multi, &functions[2]));
	reel_listener_factory_destroy(multi);
}

static void a_multi_factory_of_none_listens_to_nothing(void **state)
{
	struct reel_listener_factory *multi = reel_multi_factory_create(NULL, 0);

	assert_non_null(multi);
	assert_null(multi->listener_for(multi, &functions[0]));
	assert_null(multi->marks);
	assert_int_equal(multi->begin(multi, NULL, NULL), 0);
	assert_int_equal(multi->finish(multi, NULL), 0);
	reel_listener_factory_destroy(multi);
}

static void listeners_are_called_in_order(void **state)
{
	struct summing summing[3];
	struct reel_listener_factory *multi = make_multi(summing, 3);
	struct thread_context context = {0};
	struct reel_listener *listener;
	const struct reel_abort error = {.text = ""};
	char trail[64] = "";

	for (size_t i = 0; i < 3; i++) {
		summing[i].trail = trail;
	}
	summing[1].listener.after = NULL;
	listener = multi->listener_for(multi, &functions[0]);
	listener->before(listener, &context.base, NULL, &functions[0], NULL, NULL);
	listener->after(listener, &context.base, NULL, &functions[0], NULL);
	listener->abort(listener, &context.base, NULL, &functions[0], &error);
	assert_string_equal(trail, "aBbBcBaAcAaXbXcX");
	reel_listener_factory_destroy(multi);
}

static void callbacks_that_nobody_has_stay_null(void **state)
{
	struct summing summing[2];
	struct reel_listener_factory *multi = make_multi(summing, 2);
	struct reel_listener *listener;

	summing[0].listener.abort = summing[1].listener.abort = NULL;
	summing[0].listener.before = NULL;
	listener = multi->listener_for(multi, &functions[0]);
	assert_non_null(listener->before);
	assert_non_null(listener->after);
	assert_null(listener->abort);
	reel_listener_factory_destroy(multi);
}

static void check_whole_walks(struct reel_listener_factory *multi, size_t listeners,
	struct reel_stack_iterator *stack, uint64_t depth)
{
	struct reel_listener *listener = multi->listener_for(multi, &functions[0]);
	struct thread_context context = {0};

	listener->before(listener, &context.base, NULL, &functions[0], NULL, stack);
	assert_int_equal(context.befores, listeners);
	assert_int_equal(context.frame_count, listeners * depth);
	assert_int_equal(context.pc_sum, listeners * sum_to(depth));
}

static void each_listener_walks_the_whole_stack(void **state)
{
	struct summing summing[4];
	struct reel_listener_factory *multi = make_multi(summing, 4);
	struct reel_frame frames[100];
	struct reel_frame_array_iterator array;
	struct once_iterator once;

	for (uint64_t i = 0; i < 100; i++) {
		frames[i] = (struct reel_frame){.pc = i + 1};
	}
	check_whole_walks(multi, 4, reel_frame_array_iterator_init(&array, frames, 100), 100);
	for (uint64_t depth = 0; depth < 200; depth += 7) {
		check_whole_walks(multi, 4, once_init(&once, depth), depth);
	}
	check_whole_walks(multi, 4, NULL, 0);
	reel_listener_factory_destroy(multi);
}

static void a_listener_that_stops_early_takes_nothing_from_the_next(void **state)
{
	struct summing summing[2];
	struct reel_listener_factory *multi = make_multi(summing, 2);
	struct reel_listener *listener = multi->listener_for(multi, &functions[0]);
	struct thread_context context = {0};
	struct once_iterator once;

	summing[0].walk_limit = 3;
	listener->before(listener, &context.base, NULL, &functions[0], NULL, once_init(&once, 50));
	assert_int_equal(context.frame_count, 53);
	assert_int_equal(context.pc_sum, sum_to(3) + sum_to(50));
	reel_listener_factory_destroy(multi);
}

static void marks_reach_those_that_want_them(void **state)
{
	struct summing summing[3];
	struct reel_listener_factory *multi = make_multi(summing, 3);
	struct thread_context context = {0};
	char trail[64] = "";

	for (size_t i = 0; i < 3; i++) {
		summing[i].trail = trail;
	}
	summing[1].factory.marks = NULL;
	summing[2].marks.gap = NULL;
	multi->marks->gap(multi, &context.base, 5);
	multi->marks->call_begin(multi, &context.base, "text");
	multi->marks->call_end(multi, &context.base, "text");
	multi->marks->stream_begin(multi, &context.base);
	multi->marks->stream_end(multi, &context.base);
	multi->marks->function_defined(multi, &functions[0]);
	multi->marks->module_defined(multi, NULL);
	multi->marks->undelivered(multi, &context.base, NULL, &functions[0], NULL, NULL);
	assert_string_equal(trail, "aGa(c(");
	reel_listener_factory_destroy(multi);
}

static void the_first_refusal_and_the_first_failure_are_told(void **state)
{
	struct summing summing[3];
	struct reel_listener_factory *multi = make_multi(summing, 3);
	struct reel_host_info info = {.size = sizeof(info)};
	struct reel_error error = {0};

	assert_int_equal(multi->begin(multi, &info, &error), 0);
	summing[1].begin_status = REEL_EINVAL;
	assert_int_equal(multi->begin(multi, &info, &error), REEL_EINVAL);
	assert_string_equal(error.text, "b will not");
	assert_int_equal(summing[2].begins, 1);
	summing[0].finish_status = REEL_EIO;
	summing[2].finish_status = REEL_ENOMEM;
	assert_int_equal(multi->finish(multi, &error), REEL_EIO);
	assert_string_equal(error.text, "a failed");
	assert_int_equal(summing[1].finishes, 1);
	assert_int_equal(summing[2].finishes, 1);
	reel_listener_factory_destroy(multi);
}

/* ---- threads ---- */

enum { THREADS = 8, ROUNDS = 2000, LISTENERS = 3 };

struct worker {
	pthread_t thread;
	struct reel_listener_factory *multi;
	struct reel_listener *listener; /* made before the threads */
	struct thread_context context;
	uint64_t expected_frames, expected_pcs;
	bool failed;
};

static void *run_worker(void *argument)
{
	struct worker *worker = argument;
	struct reel_listener *own = worker->multi->listener_for(worker->multi, &functions[1]);

	if (!own) {
		worker->failed = true;
		return NULL;
	}
	for (uint64_t i = 0; i < ROUNDS; i++) {
		struct reel_listener *listener = i % 2 ? own : worker->listener;
		struct once_iterator once;
		uint64_t depth = i % 90;

		listener->before(listener, &worker->context.base, NULL, &functions[0], NULL,
			once_init(&once, depth));
		listener->after(listener, &worker->context.base, NULL, &functions[0], NULL);
		worker->expected_frames += LISTENERS * depth;
		worker->expected_pcs += LISTENERS * sum_to(depth);
	}
	return NULL;
}

static void many_threads_share_nothing(void **state)
{
	struct summing summing[LISTENERS];
	struct reel_listener_factory *multi = make_multi(summing, LISTENERS);
	struct worker *workers = calloc(THREADS, sizeof(*workers));

	for (size_t i = 0; i < THREADS; i++) {
		workers[i].multi = multi;
		workers[i].listener = multi->listener_for(multi, &functions[0]);
		assert_int_equal(
			pthread_create(&workers[i].thread, NULL, run_worker, &workers[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_false(workers[i].failed);
		assert_int_equal(workers[i].context.befores, ROUNDS * LISTENERS);
		assert_int_equal(workers[i].context.afters, ROUNDS * LISTENERS);
		assert_int_equal(workers[i].context.frame_count, workers[i].expected_frames);
		assert_int_equal(workers[i].context.pc_sum, workers[i].expected_pcs);
	}
	free(workers);
	reel_listener_factory_destroy(multi);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_function_with_one_listener_gets_it_directly),
		cmocka_unit_test(a_multi_factory_of_none_listens_to_nothing),
		cmocka_unit_test(listeners_are_called_in_order),
		cmocka_unit_test(callbacks_that_nobody_has_stay_null),
		cmocka_unit_test(each_listener_walks_the_whole_stack),
		cmocka_unit_test(a_listener_that_stops_early_takes_nothing_from_the_next),
		cmocka_unit_test(marks_reach_those_that_want_them),
		cmocka_unit_test(the_first_refusal_and_the_first_failure_are_told),
		cmocka_unit_test(many_threads_share_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
