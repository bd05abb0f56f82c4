/*
 * Replay: given a trace and a listener factory, chooses the listeners, plays the streams in the
 * order of time, and promises the contract of reel/listener.h whatever the trace lacks.
 */
#include <stdlib.h>
#include <string.h>

#include <reel/replay.h>

#include "merge.h"
#include "run.h"

/* Cursors of streams that ended, to be used again: a cursor's memory is that of a block. */
struct cursor_pool {
	struct cursor **cursors;
	size_t count, capacity;
};

static void pool_deinit(struct cursor_pool *pool)
{
	for (size_t i = 0; i < pool->count; i++) {
		cursor_destroy(pool->cursors[i]);
	}
	free(pool->cursors);
}

static int pool_take(struct cursor_pool *pool, struct reel_trace *trace, struct cursor **cursor)
{
	if (pool->count > 0) {
		*cursor = pool->cursors[--pool->count];
		return 0;
	}
	return cursor_create(trace, cursor);
}

/* A cursor that cannot be kept is freed. */
static void pool_give(struct cursor_pool *pool, struct cursor *cursor)
{
	if (pool->count == pool->capacity) {
		size_t capacity = pool->capacity ? pool->capacity * 2 : 8;
		struct cursor **cursors =
			reallocarray(pool->cursors, capacity, sizeof(struct cursor *));

		if (!cursors) {
			cursor_destroy(cursor);
			return;
		}
		pool->cursors = cursors;
		pool->capacity = capacity;
	}
	pool->cursors[pool->count++] = cursor;
}

int run_text(
	struct run *run, struct text_cache *cache, uint32_t blob, const char **text, size_t *length)
{
	int status = 0;

	*text = "";
	*length = 0;
	if (blob == NO_ID) {
		return 0;
	}
	if (cache->blob != blob || !cache->bytes) {
		free(cache->bytes);
		*cache = (struct text_cache){.blob = blob};
		status = trace_blob(run->trace, blob, &cache->bytes, &cache->size);
	}
	if (status < 0) {
		cache->bytes = NULL;
		return status == REEL_ENOMEM ? status : 0;
	}
	*text = (const char *)cache->bytes;
	*length = cache->size;
	return 0;
}

/* ---- the streams ---- */

static int open_stream(struct run *run, struct merge *merge, struct cursor_pool *pool,
	const struct plan_stream *stream, uint32_t order)
{
	struct cursor *cursor;
	struct player *player;
	int status = pool_take(pool, run->trace, &cursor);

	if (status < 0) {
		return status;
	}
	player = player_create(run, stream, order, cursor);
	status = player ? merge_add(merge, player) : REEL_ENOMEM;
	if (status < 0) {
		player_destroy(player);
		pool_give(pool, cursor);
	}
	return status;
}

static void close_first(struct merge *merge, struct cursor_pool *pool)
{
	struct player *player = merge->players[0];

	merge_remove_first(merge);
	pool_give(pool, player->cursor);
	player_destroy(player);
}

/* Plays the stream that is due first until another one is, or `opening`, if any, begins. */
static int play_first(
	struct merge *merge, struct cursor_pool *pool, const struct plan_stream *opening)
{
	struct player *player = merge->players[0];
	uint64_t limit = merge_first_limit(merge);
	int status;

	if (opening && opening->open_ticks <= limit) {
		limit = opening->open_ticks - 1;
	}
	status = player_run(player, limit);
	if (status == 0 && player->state == PLAYER_DONE) {
		close_first(merge, pool);
	} else {
		merge_update_first(merge);
	}
	return status;
}

static int play_streams(struct run *run, struct merge *merge, struct cursor_pool *pool)
{
	const struct plan *plan = &run->plan;
	uint32_t next = 0;
	int status = 0;

	while (status == 0 && (next < plan->stream_count || merge->count > 0)) {
		const struct plan_stream *opening =
			next < plan->stream_count ? &plan->streams[next] : NULL;

		if (opening &&
			(merge->count == 0 || opening->open_ticks <= merge->players[0]->key)) {
			status = open_stream(run, merge, pool, opening, next);
			next++;
			continue;
		}
		status = play_first(merge, pool, opening);
	}
	return status;
}

static int play_all(struct run *run)
{
	struct merge merge = {0};
	struct cursor_pool pool = {0};
	int status = play_streams(run, &merge, &pool);

	while (merge.count > 0) {
		close_first(&merge, &pool);
	}
	merge_deinit(&merge);
	pool_deinit(&pool);
	return status;
}

/* ---- the run ---- */

static int read_options(struct reel_replay_options *to, const struct reel_replay_options *from,
	struct reel_error *error)
{
	*to = (struct reel_replay_options){.size = sizeof(*to)};
	if (!from) {
		return 0;
	}
	if (from->size < sizeof(from->size)) {
		return reel_fail(error, REEL_EINVAL, "the options' size is not set");
	}
	memcpy(to, from, from->size < sizeof(*to) ? from->size : sizeof(*to));
	if (to->to_ns > 0 && to->from_ns >= to->to_ns) {
		return reel_fail(error, REEL_EINVAL, "the range ends before it begins");
	}
	return 0;
}

static int begin_factory(struct run *run)
{
	struct reel_listener_factory *factory = run->factory;
	const struct reel_host_info info = {
		.size = sizeof(info),
		.replay = true,
		.metadata = reel_trace_metadata(run->trace),
	};
	int status = factory->begin ? factory->begin(factory, &info, run->error) : 0;

	if (status < 0) {
		return status;
	}
	if (factory->marks) {
		run->marks = *factory->marks;
	}
	return 0;
}

/* Everything that listeners may hear of is defined before the first event. REEL_ENOMEM or 0. */
static int define_all(struct run *run)
{
	for (uint32_t i = 0; i < trace_module_count(run->trace); i++) {
		const struct reel_module *module = trace_module_at(run->trace, i);

		if (module && run->marks.module_defined) {
			run->marks.module_defined(run->factory, module);
		}
	}
	return function_table_choose(&run->functions, run->factory, run->options.functions,
		run->options.functions ? run->options.function_count : 0);
}

static int out_of_memory(struct run *run)
{
	return reel_fail(run->error, REEL_ENOMEM, "out of memory");
}

/* A run that failed is not finished: the factory's outputs are not whole. */
static int run_replay(struct run *run)
{
	int status = begin_factory(run);

	if (status < 0) {
		return status;
	}
	status = define_all(run);
	status = status < 0 ? status : play_all(run);
	if (status < 0) {
		return status == REEL_ENOMEM ? out_of_memory(run) : status;
	}
	if (run->options.progress) {
		run->options.progress(run->options.user, 1.0);
	}
	return run->factory->finish ? run->factory->finish(run->factory, run->error) : 0;
}

static int run_init(struct run *run, const struct reel_replay_options *options)
{
	int status = read_options(&run->options, options, run->error);

	if (status == 0) {
		status = plan_init(&run->plan, run->trace, &run->options, run->error);
	}
	if (status == 0 && (function_table_init(&run->functions, run->trace) < 0 ||
				   site_table_init(&run->sites, run->trace, &run->functions) < 0 ||
				   module_set_init(&run->modules, run->trace) < 0)) {
		status = out_of_memory(run);
	}
	return status;
}

static void run_deinit(struct run *run)
{
	plan_deinit(&run->plan);
	function_table_deinit(&run->functions);
	site_table_deinit(&run->sites);
	module_set_deinit(&run->modules);
	free(run->errors.bytes);
	free(run->texts.bytes);
}

int reel_replay(struct reel_trace *trace, struct reel_listener_factory *factory,
	const struct reel_replay_options *options, struct reel_replay_result *result,
	struct reel_error *error)
{
	struct run run = {
		.trace = trace,
		.factory = factory,
		.error = error,
		.errors = {.blob = NO_ID},
		.texts = {.blob = NO_ID},
	};
	int status = run_init(&run, options);

	if (status == 0) {
		status = run_replay(&run);
	}
	if (result) {
		*result = run.result;
	}
	run_deinit(&run);
	return status;
}
