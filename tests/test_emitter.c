/*
 * The emitter: blocks start with what is open, are closed in time, and a failure is the end.
 */
#include "hosted_trace.h"

#include <signal.h>
#include <sys/resource.h>

#include "emitter.h"
#include "writer.h"

/* A stack of one function's calls. */
struct owner {
	struct emitter_target target;
	struct emitter emitter;
	uint32_t site, depth;
	uint64_t ticks[70000];
};

static uint32_t owner_depth(void *argument)
{
	return ((struct owner *)argument)->depth;
}

static void owner_activation(void *argument, uint32_t index, struct activation *activation)
{
	const struct owner *owner = argument;

	*activation = (struct activation){
		.site = owner->site, .module = NO_ID, .ticks = owner->ticks[index]};
}

static struct owner *create_owner(uint32_t block_events)
{
	const struct writer_options options = {.clock = CLOCK_HOST};
	const struct reel_function function = {
		.size = sizeof(function), .name = "f", .is_listened = true};
	const struct reel_stream_info info = {.id = 4};
	const struct site site = {.module = NO_ID};
	struct owner *owner = calloc(1, sizeof(*owner));
	uint32_t id;

	owner->target.block_events = block_events;
	assert_int_equal(writer_create(trace_path(), &options, &owner->target.writer, NULL), 0);
	assert_int_equal(writer_define_function(owner->target.writer, &function, &id), 0);
	assert_int_equal(writer_define_stream(owner->target.writer, &info), 0);
	assert_int_equal(writer_intern_site(owner->target.writer, &site, &owner->site), 0);
	emitter_init(&owner->emitter, &owner->target, 4, owner_depth, owner_activation, owner);
	return owner;
}

static int give(struct owner *owner, enum event_kind kind, uint64_t ticks)
{
	const struct event event = {.kind = kind,
		.ticks = ticks,
		.site = owner->site,
		.module = NO_ID,
		.error = NO_ID,
		.text = NO_ID};
	int status = emitter_prepare(&owner->emitter, 1);

	if (status == 0) {
		status = emitter_append(&owner->emitter, &event, NO_ID);
	}
	if (status == 0 && kind == EVENT_BEFORE) {
		owner->ticks[owner->depth++] = ticks;
	} else if (status == 0) {
		owner->depth--;
	}
	return status;
}

static void finish(struct owner *owner)
{
	assert_int_equal(emitter_flush(&owner->emitter), 0);
	emitter_deinit(&owner->emitter);
	assert_int_equal(writer_finish(owner->target.writer, NULL), 0);
	free(owner);
}

/* Reads the trace back, which checks the key frames; returns its blocks. */
static uint32_t check_blocks(size_t events)
{
	struct trace_lines *got = trace_lines_read(trace_path(), 4);
	uint32_t blocks = trace_event_block_count(got->trace);

	assert_int_equal(got->lines.count, events);
	trace_lines_free(got);
	return blocks;
}

static void a_block_is_closed_when_it_is_full(void **state)
{
	struct owner *owner = create_owner(10);

	for (uint64_t i = 0; i < 100; i++) {
		assert_int_equal(give(owner, EVENT_BEFORE, 2 * i), 0);
		assert_int_equal(give(owner, EVENT_AFTER, 2 * i + 1), 0);
	}
	finish(owner);
	assert_int_equal(check_blocks(200), 20);
	remove_trace();
}

static void a_deep_stack_makes_blocks_longer(void **state)
{
	struct owner *owner = create_owner(10);

	for (uint64_t i = 0; i < 1000; i++) {
		assert_int_equal(give(owner, EVENT_BEFORE, i), 0);
	}
	for (uint64_t i = 0; i < 1000; i++) {
		assert_int_equal(give(owner, EVENT_AFTER, 1000 + i), 0);
	}
	finish(owner);
	assert_in_range(check_blocks(2000), 4, 30);
	remove_trace();
}

static void a_run_of_events_fits_into_one_block(void **state)
{
	struct owner *owner = create_owner(10);

	assert_int_equal(give(owner, EVENT_BEFORE, 1), 0);
	assert_int_equal(emitter_prepare(&owner->emitter, 25), 0);
	assert_int_equal(owner->emitter.block.count, 0); /* the full one was written */
	for (uint64_t i = 0; i < 24; i += 2) {
		event_block_before(&owner->emitter.block, 2 + i, owner->site);
		event_block_after(&owner->emitter.block, 3 + i);
	}
	assert_int_equal(give(owner, EVENT_AFTER, 99), 0);
	finish(owner);
	assert_int_equal(check_blocks(26), 3);
	remove_trace();
}

static void too_long_a_run_is_refused(void **state)
{
	struct owner *owner = create_owner(10);

	assert_int_equal(emitter_prepare(&owner->emitter, EVENT_BLOCK_EVENTS_MAX + 1), REEL_ELIMIT);
	emitter_deinit(&owner->emitter);
	writer_abandon(owner->target.writer);
	free(owner);
	remove_trace();
}

static void a_block_is_closed_when_its_values_are_large(void **state)
{
	static uint64_t values[4096];
	struct owner *owner = create_owner(1 << 16);
	uint64_t random = 1;

	for (uint64_t i = 0; i < 1000; i++) {
		const struct event event = {.kind = EVENT_UNDELIVERED_AFTER,
			.ticks = i,
			.function = 0,
			.module = NO_ID,
			.values = values,
			.value_count = 4096};

		for (size_t j = 0; j < 4096; j += 64) {
			random = random * UINT64_C(6364136223846793005) + 1;
			values[j] = random;
		}
		assert_int_equal(emitter_prepare(&owner->emitter, 1), 0);
		assert_int_equal(emitter_append(&owner->emitter, &event, NO_ID), 0);
		assert_true(emitter_memory(&owner->emitter) < 8 * EMITTER_BLOCK_BYTES);
	}
	assert_int_equal(emitter_release(&owner->emitter), 0);
	assert_int_equal(emitter_memory(&owner->emitter), 0);
	finish(owner);
	remove_trace();
}

static void a_flush_without_events_writes_nothing(void **state)
{
	struct owner *owner = create_owner(10);

	assert_int_equal(emitter_flush(&owner->emitter), 0);
	assert_int_equal(emitter_prepare(&owner->emitter, 1), 0);
	assert_int_equal(emitter_flush(&owner->emitter), 0);
	assert_int_equal(give(owner, EVENT_BEFORE, 1), 0);
	assert_int_equal(emitter_release(&owner->emitter), 0);
	assert_int_equal(give(owner, EVENT_AFTER, 2), 0);
	finish(owner);
	assert_int_equal(check_blocks(2), 2);
	remove_trace();
}

static void the_first_failure_stops_all_that_share_the_target(void **state)
{
	struct owner *owner = create_owner(4);
	struct emitter other;
	struct rlimit old, limit;
	int status = 0;

	emitter_init(&other, &owner->target, 5, owner_depth, owner_activation, owner);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	limit = old;
	limit.rlim_cur = writer_bytes(owner->target.writer) + 10;
	setrlimit(RLIMIT_FSIZE, &limit);
	for (uint64_t i = 0; i < 10 && status == 0; i++) {
		status = give(owner, EVENT_BEFORE, i);
	}
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(status, REEL_EIO);
	assert_int_equal(owner->target.status, REEL_EIO);
	assert_int_equal(emitter_prepare(&other, 1), REEL_EIO);
	assert_int_equal(emitter_flush(&other), REEL_EIO);
	emitter_deinit(&other);
	emitter_deinit(&owner->emitter);
	writer_abandon(owner->target.writer);
	free(owner);
	remove_trace();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_is_closed_when_it_is_full),
		cmocka_unit_test(a_deep_stack_makes_blocks_longer),
		cmocka_unit_test(a_run_of_events_fits_into_one_block),
		cmocka_unit_test(too_long_a_run_is_refused),
		cmocka_unit_test(a_block_is_closed_when_its_values_are_large),
		cmocka_unit_test(a_flush_without_events_writes_nothing),
		cmocka_unit_test(the_first_failure_stops_all_that_share_the_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
