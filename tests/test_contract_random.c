/*
 * Random hosts from end to end: many streams of well-behaved and misbehaving hosts are recorded
 * through the public interface and replayed, beside a reference recorder that keeps every event in
 * full, with its whole stack, as one line of text. What the replay gives must be the reference's
 * lines once the repaired events are left out, and listeners must keep their guarantee. With each
 * codec, with rings of a few records, and on several threads.
 */
#include <pthread.h>

#include "captured.h"
#include "fake_host.h"
#include "guarantee.h"
#include "hosted_trace.h"

enum {
	FUNCTIONS = 8,
	LISTENED = 6,
	MODULES = 3,
	STREAMS = 12,
	DEPTH = 40,
	STEPS = 250, /* of a stream */
	SEEDS = 8,
};

/* How a host misbehaves, in percent. */
struct manners {
	uint32_t loses_exit, exits_twice, jumps, cuts, shows_nothing, nests, marks, aborts,
		captures;
};

static const struct manners well_behaved = {.nests = 4, .marks = 100, .aborts = 5, .captures = 15};

static const struct manners misbehaved = {.loses_exit = 6,
	.exits_twice = 3,
	.jumps = 5,
	.cuts = 10,
	.shows_nothing = 4,
	.nests = 5,
	.marks = 50,
	.aborts = 10,
	.captures = 15};

/* ---- chance ---- */

static uint32_t random_below(uint64_t *state, uint32_t limit)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((*state >> 33) % limit);
}

static bool chance(uint64_t *state, uint32_t percent)
{
	return random_below(state, 100) < percent;
}

static uint64_t random_word(uint64_t *state)
{
	return (uint64_t)random_below(state, UINT32_MAX) << random_below(state, 33);
}

/* ---- lines ---- */

static void add_event_capture(struct text *text, const struct reel_capture *capture)
{
	if (!capture) {
		return;
	}
	if (capture->has_memory_size) {
		text_add(text, " size=%" PRIu64, capture->memory_size_bytes);
	}
	for (size_t i = 0; i < capture->global_count; i++) {
		text_add(text, " g%u=%" PRIx64, capture->globals[i].index,
			capture->globals[i].words[0]);
	}
	for (size_t i = 0; i < capture->read_count; i++) {
		const struct reel_captured_read *read = &capture->reads[i];

		text_add(text, " @%" PRIu64 "+%" PRIu64 "=", read->offset, read->length);
		for (uint64_t at = 0; read->bytes && at < read->length; at++) {
			text_add(text, "%02x", ((const uint8_t *)read->bytes)[at]);
		}
	}
}

static void add_head(
	struct text *text, const char *kind, uint64_t ns, const char *name, uint32_t module)
{
	text_add(text, "%s %" PRIu64 " %s %d", kind, ns, name, (int)module);
}

/* ---- the host ---- */

struct shared {
	struct reel_recorder *recorder;
	const struct reel_function *functions[FUNCTIONS];
	enum reel_walk walk;
};

struct host_frame {
	uint32_t function;
	uint64_t pc;
	bool starts;  /* what is shown ends here */
	bool is_call; /* a top-level call with marks begins here */
};

struct host {
	struct shared *shared;
	struct manners manners;
	struct reel_recorder_stream *stream;
	struct host_frame frames[DEPTH];
	uint32_t depth;
	uint64_t random, ns;
	struct lines lines; /* the reference's */
};

static const uint8_t types[] = {REEL_V128, REEL_I32, REEL_F64, REEL_I64};

/* Function i has i % 4 parameters, the first a v128, and i % 3 results. */
static void define_functions(struct shared *shared)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};

	for (uint32_t i = 0; i < FUNCTIONS; i++) {
		const struct reel_function definition = {
			.size = sizeof(definition),
			.index = i,
			.module_name = "m",
			.name = names[i],
			.is_listened = i < LISTENED,
			.param_count = i % 4,
			.param_types = types,
			.result_count = i % 3,
			.result_types = types + 1,
		};

		assert_int_equal(reel_recorder_define_function(shared->recorder, &definition,
					 &shared->functions[i], NULL),
			0);
	}
	for (uint32_t i = 0; i < MODULES; i++) {
		const struct reel_module module = {
			.id = i, .name = "module", .has_memory = true, .global_count = 4};

		assert_int_equal(reel_recorder_define_module(shared->recorder, &module, NULL), 0);
	}
}

static void random_words(struct host *host, uint64_t *words, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		words[i] = random_word(&host->random);
	}
}

static uint32_t random_module(struct host *host)
{
	uint32_t module = random_below(&host->random, MODULES + 1);

	return module < MODULES ? module : REEL_NO_MODULE;
}

/* What was read at an event: few different bytes, so that they repeat. */
struct host_capture {
	struct reel_capture capture;
	struct reel_captured_read reads[3];
	struct reel_captured_global global;
};

static const struct reel_capture *random_capture(struct host *host, struct host_capture *made)
{
	static const char bytes[] = "the bytes that were read from memory, in part";

	if (!chance(&host->random, host->manners.captures)) {
		return NULL;
	}
	*made = (struct host_capture){.capture = {.has_memory_size = chance(&host->random, 50),
					      .memory_size_bytes = 65536,
					      .reads = made->reads,
					      .globals = &made->global}};
	made->capture.memory_size_bytes *= made->capture.has_memory_size;
	made->capture.read_count = random_below(&host->random, 4);
	made->capture.global_count = 1;
	made->global.index = random_below(&host->random, 4);
	made->global.words[0] = random_word(&host->random);
	for (size_t i = 0; i < made->capture.read_count; i++) {
		made->reads[i] = (struct reel_captured_read){.offset = random_word(&host->random),
			.length = 1 + random_below(&host->random, 40),
			.bytes = chance(&host->random, 80) ? bytes : NULL};
	}
	return &made->capture;
}

/* ---- what the host tells, and the reference keeps ---- */

static void next_time(struct host *host)
{
	host->ns += random_below(&host->random, 50);
	reel_stream_set_time(host->stream, host->ns);
}

static void keep(struct host *host, struct text *text, const struct reel_capture *capture)
{
	add_event_capture(text, capture);
	lines_add(&host->lines, text);
}

static void tell_exit(struct host *host, uint32_t function)
{
	const struct reel_function *handle = host->shared->functions[function];
	uint32_t module = random_module(host);
	const struct reel_capture *capture;
	struct host_capture made;
	struct text text = {0};
	uint64_t words[8];

	if (function >= LISTENED) {
		return;
	}
	next_time(host);
	capture = random_capture(host, &made);
	if (chance(&host->random, host->manners.aborts)) {
		const char *error = chance(&host->random, 50) ? "wasm error: unreachable" : "";
		const struct reel_abort abort = {
			REEL_ABORT_ERROR, error, strlen(error), strlen(error)};

		reel_stream_abort(host->stream, module, handle, &abort, capture);
		add_head(&text, "X", host->ns, handle->name, module);
		text_add(&text, " '%s'", error);
	} else {
		random_words(host, words, reel_function_result_words(handle));
		reel_stream_after(host->stream, module, handle, words, capture);
		add_head(&text, "A", host->ns, handle->name, module);
		add_words(&text, words, reel_function_result_words(handle));
	}
	keep(host, &text, capture);
}

static void tell_mark(struct host *host, bool is_end)
{
	struct text text = {0};

	next_time(host);
	if (is_end) {
		reel_stream_call_end(host->stream, "{\"out\":1}");
	} else {
		reel_stream_call_begin(host->stream, "{\"in\":1}");
	}
	text_add(&text, "%s %" PRIu64 " %s", is_end ? "O" : "I", host->ns,
		is_end ? "{\"out\":1}" : "{\"in\":1}");
	lines_add(&host->lines, &text);
}

/* What is shown, top first. */
static size_t show(struct host *host, struct reel_frame *shown)
{
	size_t limit = chance(&host->random, host->manners.cuts)
			       ? 1 + random_below(&host->random, 6)
			       : DEPTH;
	size_t count = 0;

	for (uint32_t i = host->depth; i > 0 && count < limit; i--) {
		const struct host_frame *frame = &host->frames[i - 1];

		shown[count++] = (struct reel_frame){
			.function = host->shared->functions[frame->function],
			.pc = frame->pc,
			.source_offset = frame->pc / 2,
		};
		if (frame->starts) {
			break;
		}
	}
	return count;
}

static void tell_before(struct host *host, uint32_t function)
{
	const struct reel_function *handle = host->shared->functions[function];
	struct reel_frame_array_iterator iterator;
	struct reel_stack_iterator *stack = NULL;
	struct reel_frame shown[DEPTH] = {{.function = handle}};
	uint32_t module = random_module(host);
	const struct reel_capture *capture;
	struct host_capture made;
	struct text text = {0};
	size_t count = 1;
	uint64_t words[8];

	next_time(host);
	if (!chance(&host->random, host->manners.shows_nothing)) {
		count = show(host, shown);
		stack = reel_frame_array_iterator_init(&iterator, shown, count);
	}
	random_words(host, words, reel_function_param_words(handle));
	capture = random_capture(host, &made);
	reel_stream_before(host->stream, module, handle, words, stack, capture);
	add_head(&text, "B", host->ns, handle->name, module);
	add_words(&text, words, reel_function_param_words(handle));
	for (size_t i = 0; host->shared->walk == REEL_WALK_FULL && i < count; i++) {
		text_add(&text, " %s:%" PRIx64 ":%" PRIx64, shown[i].function->name, shown[i].pc,
			shown[i].source_offset);
	}
	keep(host, &text, capture);
}

static void push_frame(struct host *host)
{
	struct host_frame *frame = &host->frames[host->depth];
	uint32_t function = random_below(&host->random, chance(&host->random, 50) ? 3 : FUNCTIONS);
	bool nests = chance(&host->random, host->manners.nests);

	if (host->depth > 0) { /* the caller is at another place now */
		frame[-1].pc = 0x100 + random_below(&host->random, 4);
	}
	*frame = (struct host_frame){.function = function,
		.pc = 0x1000 * function,
		.starts = nests,
		.is_call = nests && chance(&host->random, host->manners.marks)};
	if (frame->is_call) {
		tell_mark(host, false);
	}
	host->depth++;
	if (function < LISTENED) {
		tell_before(host, function);
	}
}

static void pop_frame(struct host *host, bool is_told)
{
	struct host_frame frame = host->frames[--host->depth];

	if (is_told) {
		tell_exit(host, frame.function);
		if (chance(&host->random, host->manners.exits_twice)) {
			tell_exit(host, frame.function);
		}
	}
	if (frame.is_call) {
		tell_mark(host, true);
	}
}

static void step(struct host *host)
{
	if (host->depth == 0 || (host->depth < DEPTH && chance(&host->random, 52))) {
		push_frame(host);
	} else if (chance(&host->random, host->manners.jumps)) {
		for (uint32_t i = 1 + random_below(&host->random, 5); i > 0 && host->depth > 0;
			i--) {
			pop_frame(host, false);
		}
	} else {
		pop_frame(host, !chance(&host->random, host->manners.loses_exit));
	}
}

/* ---- what the replay gives ---- */

struct listener {
	struct reel_listener_factory factory;
	struct reel_listener listener;
	struct reel_marks marks;
	enum reel_walk walk;
	struct lines lines[STREAMS];
	uint64_t repaired;
};

static struct listener *listener_of(struct reel_listener *base)
{
	return (struct listener *)((char *)base - offsetof(struct listener, listener));
}

static void heard(struct listener *listener, const struct reel_context *context, struct text *text,
	const struct reel_module *module)
{
	if (context->repaired) {
		listener->repaired++;
		free(text->bytes);
		return;
	}
	if (module) {
		add_event_capture(text, module_capture(module));
	}
	assert_in_range(context->stream->id, 0, STREAMS - 1);
	lines_add(&listener->lines[context->stream->id], text);
}

static uint32_t id_of(const struct reel_module *module)
{
	return module ? module->id : REEL_NO_MODULE;
}

static void hear_before(struct reel_listener *base, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *params,
	struct reel_stack_iterator *stack)
{
	struct listener *listener = listener_of(base);
	struct text text = {0};

	add_head(&text, "B", reel_context_time_ns(context), function->name, id_of(module));
	add_words(&text, params, reel_function_param_words(function));
	while (listener->walk == REEL_WALK_FULL && reel_stack_next(stack)) {
		text_add(&text, " %s:%" PRIx64 ":%" PRIx64, reel_stack_function(stack)->name,
			reel_stack_pc(stack), reel_stack_source_offset(stack));
	}
	heard(listener, context, &text, module);
}

static void hear_exit(struct listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *results,
	const struct reel_abort *error)
{
	struct text text = {0};

	add_head(&text, error ? "X" : "A", reel_context_time_ns(context), function->name,
		id_of(module));
	if (error) {
		text_add(&text, " '%s'", error->text);
	} else {
		add_words(&text, results, reel_function_result_words(function));
	}
	heard(listener, context, &text, module);
}

static void hear_after(struct reel_listener *base, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *results)
{
	hear_exit(listener_of(base), context, module, function, results, NULL);
}

static void hear_abort(struct reel_listener *base, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function,
	const struct reel_abort *error)
{
	hear_exit(listener_of(base), context, module, function, NULL, error);
}

static void hear_undelivered(struct reel_listener_factory *factory, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *results,
	const struct reel_abort *error)
{
	hear_exit((struct listener *)factory, context, module, function, results, error);
}

static void hear_begin(
	struct reel_listener_factory *factory, struct reel_context *context, const char *given)
{
	struct text text = {0};

	text_add(&text, "I %" PRIu64 " %s", reel_context_time_ns(context), given);
	heard((struct listener *)factory, context, &text, NULL);
}

static void hear_end(
	struct reel_listener_factory *factory, struct reel_context *context, const char *given)
{
	struct text text = {0};

	text_add(&text, "O %" PRIu64 " %s", reel_context_time_ns(context), given);
	heard((struct listener *)factory, context, &text, NULL);
}

static struct reel_listener *listener_for(
	struct reel_listener_factory *factory, const struct reel_function *function)
{
	return function->is_listened ? &((struct listener *)factory)->listener : NULL;
}

static void listener_init(struct listener *listener, enum reel_walk walk)
{
	*listener = (struct listener){
		.factory = {.listener_for = listener_for},
		.listener = {.before = hear_before, .after = hear_after, .abort = hear_abort},
		.marks = {.call_begin = hear_begin,
			.call_end = hear_end,
			.undelivered = hear_undelivered},
		.walk = walk,
	};
	listener->factory.marks = &listener->marks;
}

/* ---- runs ---- */

struct run {
	enum reel_walk walk;
	enum reel_codec codec;
	struct manners manners;
	size_t memory_bytes;
	uint32_t threads; /* that take the streams in turn */
};

struct worker {
	pthread_t thread;
	struct host *hosts;
	uint32_t first, every;
};

/* Another stream at every step. */
static void *work(void *argument)
{
	const struct worker *worker = argument;

	for (uint32_t i = 0; i < STEPS; i++) {
		for (uint32_t at = worker->first; at < STREAMS; at += worker->every) {
			step(&worker->hosts[at]);
		}
	}
	return NULL;
}

static void run_workers(struct host *hosts, uint32_t count)
{
	struct worker workers[4];

	for (uint32_t i = 0; i < count; i++) {
		workers[i] = (struct worker){.hosts = hosts, .first = i, .every = count};
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (uint32_t i = 0; i < count; i++) {
		pthread_join(workers[i].thread, NULL);
	}
}

/* The second half of the streams goes on on this thread, when the first has ended. */
static void record_hosts(struct host *hosts, const struct run *run, uint64_t seed)
{
	const struct reel_recorder_options options = {.size = sizeof(options),
		.walk = run->walk,
		.codec = run->codec,
		.on_full = REEL_ON_FULL_WAIT,
		.memory_bytes = run->memory_bytes,
		.host_time = true};
	struct shared shared = {
		.recorder = fake_recorder(fake_path("t.reel"), &options), .walk = run->walk};

	define_functions(&shared);
	for (uint32_t i = 0; i < STREAMS; i++) {
		const struct reel_stream_info info = {.id = i, .name = "stream"};

		hosts[i] = (struct host){
			.shared = &shared, .manners = run->manners, .random = seed * 100 + i};
		assert_int_equal(
			reel_recorder_stream_open(shared.recorder, &info, &hosts[i].stream, NULL),
			0);
	}
	run_workers(hosts, run->threads);
	for (uint32_t i = 0; i < STREAMS; i += 2) { /* these end while others run */
		reel_recorder_stream_close(hosts[i].stream, REEL_REASON_EXIT);
	}
	for (uint32_t i = 1; i < STREAMS; i += 2) {
		for (uint32_t steps = 0; steps < STEPS / 2; steps++) {
			step(&hosts[i]);
		}
	}
	assert_int_equal(reel_recorder_close(shared.recorder, NULL), 0);
}

static void check_run(const struct run *run, uint64_t seed)
{
	struct host *hosts = calloc(STREAMS, sizeof(*hosts));
	struct listener *listener = malloc(sizeof(*listener));
	struct guarantee guarantee;
	struct reel_listener_factory *factories[] = {
		guarantee_init(&guarantee), &listener->factory};
	struct reel_listener_factory *multi;

	if (run->manners.loses_exit > 0) {
		guarantee.strangers =
			run->walk == REEL_WALK_FULL ? STRANGERS_ANYWHERE : STRANGERS_BELOW;
	}
	record_hosts(hosts, run, seed);
	listener_init(listener, run->walk);
	multi = reel_multi_factory_create(factories, 2);
	fake_replay(fake_path("t.reel"), multi);
	reel_listener_factory_destroy(multi);
	if (guarantee.broken > 0) {
		fail_msg("seed %d, walk %d: %" PRIu64 " times, first at %s", (int)seed, run->walk,
			guarantee.broken, guarantee.first);
	}
	assert_int_equal(guarantee.befores, guarantee.exits);
	for (uint32_t i = 0; i < STREAMS; i++) {
		assert_lines_equal(&listener->lines[i], &hosts[i].lines);
		lines_free(&listener->lines[i]);
		lines_free(&hosts[i].lines);
	}
	guarantee_deinit(&guarantee);
	free(listener);
	free(hosts);
}

static void check_seeds(struct run run)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		run.codec = (enum reel_codec)(seed % 3);
		run.memory_bytes = seed % 2 ? 256 << 10 : 0;
		run.threads = 1 + (uint32_t)seed % 4;
		check_run(&run, seed);
	}
}

static void well_behaved_hosts_come_back_from_a_full_walk(void **state)
{
	check_seeds((struct run){.walk = REEL_WALK_FULL, .manners = well_behaved});
}

static void well_behaved_hosts_come_back_from_a_trusted_walk(void **state)
{
	check_seeds((struct run){.walk = REEL_WALK_TRUSTED, .manners = well_behaved});
}

static void misbehaving_hosts_come_back_from_a_full_walk(void **state)
{
	check_seeds((struct run){.walk = REEL_WALK_FULL, .manners = misbehaved});
}

static void misbehaving_hosts_come_back_from_a_trusted_walk(void **state)
{
	check_seeds((struct run){.walk = REEL_WALK_TRUSTED, .manners = misbehaved});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(well_behaved_hosts_come_back_from_a_full_walk),
		cmocka_unit_test(well_behaved_hosts_come_back_from_a_trusted_walk),
		cmocka_unit_test(misbehaving_hosts_come_back_from_a_full_walk),
		cmocka_unit_test(misbehaving_hosts_come_back_from_a_trusted_walk),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	fake_remove_files();
	return failed;
}
