/*
 * Random hosts, well-behaved and not, against a straightforward reference that keeps every stack in
 * full: lost exits, exits that come twice, longjmps, stacks that are cut or start afresh, nested
 * top-level calls with and without marks, functions without listeners, recursion, streams that move
 * between threads, tiny rings, tiny blocks.
 */
#include "hosted_by_hand.h"

enum { FUNCTIONS = 8, LISTENED = 5, DEPTH = 200, EVENTS = 1500, SEEDS = 25 };

/* ---- random numbers ---- */

static uint64_t random_state;

static uint32_t random_below(uint32_t limit)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(random_state >> 33) % limit;
}

static bool chance(uint32_t percent)
{
	return random_below(100) < percent;
}

/* ---- the reference ---- */

struct kept_call {
	uint32_t function;
	uint64_t identity;
	struct site_frame
		*stack; /* top first: its own frame, as calls from it left it, and below */
	size_t count;
};

struct reference {
	enum reel_walk walk;
	struct kept_call calls[DEPTH * 4];
	size_t depth;
	size_t floors[DEPTH * 4];
	size_t floor_count;
	struct lines lines;
};

static size_t reference_floor(const struct reference *reference)
{
	return reference->floor_count ? reference->floors[reference->floor_count - 1] : 0;
}

static void reference_pop(struct reference *reference)
{
	free(reference->calls[--reference->depth].stack);
	for (size_t i = 0; i < reference->floor_count; i++) {
		if (reference->floors[i] > reference->depth) {
			reference->floors[i] = reference->depth;
		}
	}
}

static void reference_abort_to(
	struct reference *reference, size_t depth, uint64_t ns, const char *reason)
{
	while (reference->depth > depth) {
		struct text text = {0};

		text_add(&text, "X %" PRIu64 " %u -1 3 0 \"\" !%s", ns,
			reference->calls[reference->depth - 1].function, reason);
		lines_add(&reference->lines, &text);
		reference_pop(reference);
	}
}

static bool is_same_call(
	const struct kept_call *call, const struct reel_frame *frame, uint32_t function)
{
	return call->function == function &&
	       (call->identity == frame->identity || !call->identity || !frame->identity);
}

static uint32_t function_of(const struct reel_frame *frame)
{
	return frame->function ? frame->function->id : NO_ID;
}

/* How many of the shown frames are open calls, one below the other, from call `from` downwards.
 * *first: where the first of them is shown. */
static size_t match(const struct reference *reference, const struct reel_frame *frames,
	size_t count, size_t from, size_t *first)
{
	size_t matched = 0;

	for (size_t i = 1; i < count && from > reference_floor(reference); i++) {
		uint32_t function = function_of(&frames[i]);

		if (function < LISTENED &&
			is_same_call(&reference->calls[from - 1], &frames[i], function)) {
			*first = matched++ == 0 ? i : *first;
			from--;
		}
	}
	return matched;
}

/* Gives up what the stack leaves out. Returns where the innermost open call is shown, or 0. */
static size_t reference_align(
	struct reference *reference, const struct reel_frame *frames, size_t count, uint64_t ns)
{
	size_t best = 0, best_matched = 0, caller = 0;

	for (size_t gone = 0; reference->depth - gone > reference_floor(reference); gone++) {
		size_t first = 0;
		size_t matched = match(reference, frames, count, reference->depth - gone, &first);

		if (matched > best_matched) {
			best = gone;
			best_matched = matched;
			caller = first;
		}
	}
	reference_abort_to(reference, reference->depth - best, ns, "unwound");
	return caller;
}

static struct site_frame *copy_shown(
	const struct reel_frame *frames, size_t count, size_t extra, struct site_frame **end)
{
	struct site_frame *copy = calloc(count + extra + 1, sizeof(*copy));

	for (size_t i = 0; i < count; i++) {
		copy[i] = (struct site_frame){
			function_of(&frames[i]), frames[i].pc, frames[i].source_offset};
	}
	*end = copy + count;
	return copy;
}

/* The stack as a trusted walk gives it: what was shown, and what is known to be below. */
static void reference_extend(struct reference *reference, struct kept_call *call,
	const struct reel_frame *frames, size_t count, size_t caller)
{
	struct kept_call *inner = call - 1;
	size_t shown_below = caller ? count - caller - 1 : 0;
	struct site_frame *end;

	free(call->stack);
	if (reference->depth == reference_floor(reference)) {
		call->stack = copy_shown(frames, count, 0, &end);
		call->count = count;
		return;
	}
	call->stack = copy_shown(frames, count, inner->count, &end);
	call->count = count;
	bool is_moved = false;

	for (size_t i = 0; i < shown_below; i++) {
		const struct site_frame *shown = &call->stack[caller + 1 + i];
		const struct site_frame *kept = &inner->stack[1 + i];

		if (1 + i >= inner->count || kept->function != shown->function) {
			return;
		}
		is_moved |= kept->pc != shown->pc || kept->offset != shown->offset;
	}
	if (caller && !is_moved) {
		inner->stack[0] = call->stack[caller];
	}
	for (size_t i = caller ? 1 + shown_below : 0; i < inner->count; i++) {
		*end++ = inner->stack[i];
		call->count++;
	}
}

static void reference_before(struct reference *reference, uint64_t ns, uint32_t function,
	const struct reel_frame *frames, size_t count)
{
	size_t caller = reference_align(reference, frames, count, ns);
	struct kept_call *call = &reference->calls[reference->depth];
	struct text text = {0};

	*call = (struct kept_call){.function = function, .identity = frames[0].identity};
	if (reference->walk == REEL_WALK_FULL) {
		struct site_frame *end;

		call->stack = copy_shown(frames, count, 0, &end);
		call->count = count;
	} else {
		reference_extend(reference, call, frames, count, caller);
	}
	text_add(&text, "B %" PRIu64 " %u -1 [] {", ns, function);
	for (size_t i = 0; i < call->count; i++) {
		text_add(&text, "%s%d:%" PRIx64 ":%" PRIx64, i ? " " : "",
			(int)call->stack[i].function, call->stack[i].pc, call->stack[i].offset);
	}
	text_add(&text, "}");
	lines_add(&reference->lines, &text);
	reference->depth++;
}

static void reference_after(struct reference *reference, uint64_t ns, uint32_t function)
{
	size_t depth = reference->depth;
	struct text text = {0};

	while (depth > 0 && reference->calls[depth - 1].function != function) {
		depth--;
	}
	if (depth > 0) {
		reference_abort_to(reference, depth, ns, "unwound");
		reference_pop(reference);
	}
	text_add(&text, "%s %" PRIu64 " %u -1 []", depth > 0 ? "A" : "UA", ns, function);
	lines_add(&reference->lines, &text);
}

static void reference_mark(struct reference *reference, uint64_t ns, bool is_end)
{
	struct text text = {0};

	if (is_end) {
		reference_abort_to(reference, reference_floor(reference), ns, "unwound");
		reference->floor_count -= reference->floor_count > 0;
	} else {
		reference->floors[reference->floor_count++] = reference->depth;
	}
	text_add(&text, "%s %" PRIu64 " \"\"", is_end ? "O" : "I", ns);
	lines_add(&reference->lines, &text);
}

static void reference_free(struct reference *reference)
{
	while (reference->depth > 0) {
		reference_pop(reference);
	}
	lines_free(&reference->lines);
}

/* ---- the host ---- */

/* How a host misbehaves, in percent. */
struct manners {
	uint32_t loses_exit, exits_twice, jumps, cuts, starts_afresh, nests, marks;
	size_t shows; /* frames at most; 0: all */
	bool gives_identities, gives_no_frames;
};

struct host_frame {
	uint32_t function;
	uint64_t pc, offset, identity;
	bool starts;  /* the stack that is shown ends here */
	bool is_call; /* a top-level call with marks begins here */
};

struct host {
	struct by_hand *hand;
	const struct reel_function *functions[FUNCTIONS];
	struct reel_recorder_stream *stream;
	struct manners manners;
	struct host_frame frames[DEPTH];
	size_t depth;
	uint64_t ns, serial;
	struct reference *reference; /* NULL: not compared */
	uint64_t produced;
};

static void tell_after(struct host *host, uint32_t function)
{
	if (function >= LISTENED) {
		return;
	}
	reel_stream_set_time(host->stream, ++host->ns);
	reel_stream_after(host->stream, REEL_NO_MODULE, host->functions[function], NULL, NULL);
	host->produced++;
	if (host->reference) {
		reference_after(host->reference, host->ns, function);
	}
}

static void tell_mark(struct host *host, bool is_end)
{
	reel_stream_set_time(host->stream, ++host->ns);
	if (is_end) {
		reel_stream_call_end(host->stream, NULL);
	} else {
		reel_stream_call_begin(host->stream, NULL);
	}
	if (host->reference) {
		reference_mark(host->reference, host->ns, is_end);
	}
}

static void pop_frame(struct host *host, bool is_told)
{
	struct host_frame frame = host->frames[--host->depth];

	if (is_told) {
		tell_after(host, frame.function);
		if (chance(host->manners.exits_twice)) {
			tell_after(host, frame.function);
		}
	}
	if (frame.is_call) {
		tell_mark(host, true);
	}
}

/* What the host shows, top first, into `shown`. */
static size_t show(struct host *host, struct reel_frame *shown)
{
	size_t limit = host->manners.shows ? host->manners.shows : DEPTH;
	size_t count = 0;

	if (chance(host->manners.cuts)) {
		limit = 1 + random_below(6);
	}
	for (size_t i = host->depth; i > 0 && count < limit; i--) {
		const struct host_frame *frame = &host->frames[i - 1];

		shown[count++] = (struct reel_frame){
			.function = host->functions[frame->function],
			.pc = frame->pc,
			.source_offset = frame->offset,
			.identity = host->manners.gives_identities ? frame->identity : 0,
		};
		if (frame->starts) {
			break;
		}
	}
	return count;
}

static void tell_before(struct host *host, uint32_t function)
{
	struct reel_frame_array_iterator iterator;
	struct reel_frame shown[DEPTH];
	size_t count = show(host, shown);
	struct reel_stack_iterator *stack = reel_frame_array_iterator_init(&iterator, shown, count);

	if (host->manners.gives_no_frames) {
		stack = NULL;
		shown[0] = (struct reel_frame){.function = host->functions[function]};
		count = 1;
	}
	reel_stream_set_time(host->stream, ++host->ns);
	reel_stream_before(
		host->stream, REEL_NO_MODULE, host->functions[function], NULL, stack, NULL);
	host->produced++;
	if (host->reference) {
		reference_before(host->reference, host->ns, function, shown, count);
	}
}

static void push_frame(struct host *host)
{
	struct host_frame *frame = &host->frames[host->depth];
	uint32_t function = random_below(chance(50) ? 3 : FUNCTIONS);
	bool nests = chance(host->manners.nests);

	if (host->depth > 0) { /* the caller is at another place now */
		frame[-1].pc = 0x100 + random_below(4);
		frame[-1].offset = frame[-1].pc & 0xff;
	}
	*frame = (struct host_frame){
		.function = function,
		.pc = 0x1000 * function,
		.offset = function,
		.identity = ++host->serial,
		.starts = nests || chance(host->manners.starts_afresh),
		.is_call = nests && chance(host->manners.marks),
	};
	if (frame->is_call) {
		tell_mark(host, false);
	}
	host->depth++;
	if (function < LISTENED) {
		tell_before(host, function);
	}
}

static void step(struct host *host)
{
	bool goes_down = host->depth == 0 || (host->depth < DEPTH - 1 && chance(52));

	if (goes_down) {
		push_frame(host);
	} else if (chance(host->manners.jumps)) {
		for (size_t i = 1 + random_below(5); i > 0 && host->depth > 0; i--) {
			pop_frame(host, false);
		}
	} else {
		pop_frame(host, !chance(host->manners.loses_exit));
	}
}

/* ---- runs ---- */

struct run {
	enum reel_walk walk;
	enum reel_on_full on_full;
	enum reel_codec codec;
	struct manners manners;
	uint64_t ring_slots;
	uint32_t block_events;
	bool moves; /* between threads */
};

static void *take_steps(void *argument)
{
	struct host *host = argument;

	for (int i = 0; i < 20; i++) {
		step(host);
		if (host->hand->recorder.options.on_full == REEL_ON_FULL_WAIT) {
			by_hand_drain(host->hand);
		}
	}
	return NULL;
}

static void run_host(struct host *host, const struct run *run)
{
	const struct reel_recorder_options options = {
		.size = sizeof(options),
		.walk = run->walk,
		.codec = run->codec,
		.on_full = run->on_full,
		.host_time = true,
	};

	host->hand = by_hand_create(&options, run->block_events, run->ring_slots);
	host->manners = run->manners;
	for (uint32_t i = 0; i < FUNCTIONS; i++) {
		host->functions[i] = by_hand_function(
			host->hand, (const char[]){(char)('a' + i), 0}, i < LISTENED);
	}
	host->stream = by_hand_stream(host->hand, 0);
	for (int i = 0; i < EVENTS / 20; i++) {
		pthread_t thread;

		if (!run->moves) {
			take_steps(host);
		} else {
			assert_int_equal(pthread_create(&thread, NULL, take_steps, host), 0);
			pthread_join(thread, NULL);
		}
		if (chance(30)) {
			by_hand_drain(host->hand);
		}
	}
	if (host->reference) {
		reference_abort_to(host->reference, 0, host->ns, "stopped");
	}
	by_hand_finish(host->hand);
}

static void run_against_reference(const struct run *run, uint64_t seed)
{
	struct reference *reference = calloc(1, sizeof(*reference));
	struct host *host = calloc(1, sizeof(*host));
	struct trace_lines *got;

	random_state = seed;
	reference->walk = run->walk;
	host->reference = reference;
	run_host(host, run);
	got = trace_lines_read(trace_path(), 0);
	assert_lines_equal(&got->lines, &reference->lines);
	trace_lines_free(got);
	reference_free(reference);
	free(reference);
	free(host);
	remove_trace();
}

static const struct manners well_behaved = {.nests = 3, .marks = 100};
static const struct manners misbehaved = {.loses_exit = 5,
	.exits_twice = 3,
	.jumps = 5,
	.cuts = 5,
	.starts_afresh = 3,
	.nests = 5,
	.marks = 50};

static void run_seeds(struct run run)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		run.codec = (enum reel_codec)(seed % 3);
		run.block_events = seed % 2 ? 7 : 1000;
		run_against_reference(&run, seed);
	}
}

static void a_full_walk_of_misbehaving_hosts_is_what_the_reference_keeps(void **state)
{
	run_seeds((struct run){.walk = REEL_WALK_FULL,
		.on_full = REEL_ON_FULL_WAIT,
		.manners = misbehaved,
		.ring_slots = 4096});
}

static void a_full_walk_goes_through_tiny_rings(void **state)
{
	run_seeds((struct run){.walk = REEL_WALK_FULL,
		.on_full = REEL_ON_FULL_WAIT,
		.manners = misbehaved,
		.ring_slots = 1024});
}

static void a_trusted_walk_of_hosts_with_identities_is_what_the_reference_keeps(void **state)
{
	struct manners manners = well_behaved;

	manners.gives_identities = true;
	manners.shows = 7;
	run_seeds((struct run){.walk = REEL_WALK_TRUSTED,
		.on_full = REEL_ON_FULL_WAIT,
		.manners = manners,
		.ring_slots = 4096});
}

static void a_trusted_walk_of_well_behaved_hosts_is_what_the_reference_keeps(void **state)
{
	struct manners manners = well_behaved;

	manners.starts_afresh = 3;
	manners.shows = 5;
	run_seeds((struct run){.walk = REEL_WALK_TRUSTED,
		.on_full = REEL_ON_FULL_WAIT,
		.manners = manners,
		.ring_slots = 4096});
}

static void hosts_without_stacks_are_paired_as_the_reference_does(void **state)
{
	struct manners manners = misbehaved;

	manners.gives_no_frames = true;
	for (int walk = REEL_WALK_TRUSTED; walk <= REEL_WALK_FULL; walk++) {
		run_seeds((struct run){.walk = (enum reel_walk)walk,
			.on_full = REEL_ON_FULL_WAIT,
			.manners = manners,
			.ring_slots = 64});
	}
}

static void a_stream_that_changes_threads_all_the_time_is_in_order(void **state)
{
	run_seeds((struct run){.walk = REEL_WALK_FULL,
		.on_full = REEL_ON_FULL_WAIT,
		.manners = misbehaved,
		.ring_slots = 4096,
		.moves = true});
}

static void well_behaved_hosts_need_no_repair(void **state)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		const struct run run = {.walk = (enum reel_walk)(seed % 2),
			.on_full = REEL_ON_FULL_WAIT,
			.manners = {.nests = 5, .marks = 50, .cuts = 20, .starts_afresh = 5},
			.ring_slots = 4096,
			.block_events = 100};
		struct host *host = calloc(1, sizeof(*host));
		struct trace_lines *got;
		size_t stopped = 0;

		random_state = seed;
		run_host(host, &run);
		got = trace_lines_read(trace_path(), 0);
		for (size_t i = 0; i < got->lines.count; i++) {
			stopped += strstr(got->lines.lines[i], "!stopped") != NULL;
		}
		assert_int_equal(got->repaired, stopped);
		assert_int_equal(got->undelivered, 0);
		trace_lines_free(got);
		free(host);
		remove_trace();
	}
}

/* In a trusted walk recursion can hide what misbehaves, but nothing is lost of what was given, and
 * each stack starts with what the host showed down to its first listened function. */
static void a_trusted_walk_of_misbehaving_hosts_keeps_all_events(void **state)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		const struct run run = {.walk = REEL_WALK_TRUSTED,
			.on_full = REEL_ON_FULL_WAIT,
			.manners = misbehaved,
			.ring_slots = 4096,
			.block_events = 50};
		struct host *host = calloc(1, sizeof(*host));
		struct trace_lines *got;

		random_state = seed;
		run_host(host, &run);
		got = trace_lines_read(trace_path(), 0);
		assert_int_equal(got->events - got->repaired + got->undelivered, host->produced);
		trace_lines_free(got);
		free(host);
		remove_trace();
	}
}

static void every_event_that_finds_no_room_is_counted(void **state)
{
	uint64_t lost = 0;

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		const struct run run = {.walk = (enum reel_walk)(seed % 2),
			.on_full = REEL_ON_FULL_DROP,
			.manners = seed % 3 ? misbehaved : well_behaved,
			.ring_slots = seed % 5 ? 64 : 512,
			.block_events = 20,
			.moves = seed % 4 == 0};
		struct host *host = calloc(1, sizeof(*host));
		struct trace_lines *got;

		random_state = seed;
		run_host(host, &run);
		got = trace_lines_read(trace_path(), 0);
		assert_int_equal(
			got->events - got->repaired + got->undelivered + got->lost, host->produced);
		lost += got->lost;
		trace_lines_free(got);
		free(host);
		remove_trace();
	}
	assert_true(lost > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_walk_of_misbehaving_hosts_is_what_the_reference_keeps),
		cmocka_unit_test(a_full_walk_goes_through_tiny_rings),
		cmocka_unit_test(
			a_trusted_walk_of_hosts_with_identities_is_what_the_reference_keeps),
		cmocka_unit_test(a_trusted_walk_of_well_behaved_hosts_is_what_the_reference_keeps),
		cmocka_unit_test(hosts_without_stacks_are_paired_as_the_reference_does),
		cmocka_unit_test(a_stream_that_changes_threads_all_the_time_is_in_order),
		cmocka_unit_test(well_behaved_hosts_need_no_repair),
		cmocka_unit_test(a_trusted_walk_of_misbehaving_hosts_keeps_all_events),
		cmocka_unit_test(every_event_that_finds_no_room_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
