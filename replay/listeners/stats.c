/*
 * The built-in listener `stats`: a table of what each function cost.
 *
 * Given well-paired events, it promises per function: calls and aborts; total, the time between
 * begin and end of its calls, counted once where a call is inside another of the same function;
 * self, total without the listened calls made from it; and min, median, p99 and max of the time
 * of a single call, median and p99 to 1.6 % (see histogram.h). An event costs no string work and
 * no search. Options: file=PATH, top=N, sort=total|self|calls.
 */
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "builtins_list.h"
#include "histogram.h"
#include "stats_table.h"

struct stats;

struct stats_function {
	struct reel_listener listener; /* first */
	struct stats *stats;
	uint32_t number; /* index in stats->functions */
	/* What every exit touches, together. The histogram knows how many have ended. */
	uint64_t total_ns, self_ns, min_ns, max_ns;
	struct histogram histogram;
	struct stats_row row; /* filled at the end, but for the names and aborts */
};

struct open_call {
	struct stats_function *function;
	uint64_t begin_ns;
	uint64_t callees_ns;
};

struct stats_stream {
	struct open_call *calls; /* bottom first */
	size_t depth, capacity;
	uint32_t *open_counts; /* open activations, by the function's number */
	size_t open_count_capacity;
};

struct stats {
	struct base base; /* first */
	struct stats_function **functions;
	size_t function_count, function_capacity;
	struct stats_stream *streams; /* by slot */
	size_t stream_capacity;
	struct stats_table_options table;
};

/* Grows what an event needs, so that the hot path only compares. */
static struct stats_stream *prepare(
	struct stats *stats, uint32_t slot, const struct stats_function *function)
{
	struct stats_stream *streams = array_grow(
		stats->streams, &stats->stream_capacity, (size_t)slot + 1, sizeof(*streams));
	struct stats_stream *stream;
	struct open_call *calls;
	uint32_t *counts;

	if (!streams) {
		return NULL;
	}
	stats->streams = streams;
	stream = &streams[slot];
	calls = array_grow(stream->calls, &stream->capacity, stream->depth + 1, sizeof(*calls));
	if (!calls) {
		return NULL;
	}
	stream->calls = calls;
	counts = array_grow(stream->open_counts, &stream->open_count_capacity,
		(size_t)function->number + 1, sizeof(*counts));
	if (!counts) {
		return NULL;
	}
	stream->open_counts = counts;
	return stream;
}

static struct stats_stream *stream_for(
	struct stats *stats, uint32_t slot, const struct stats_function *function)
{
	struct stats_stream *stream;

	if (__builtin_expect(slot >= stats->stream_capacity, 0)) {
		return prepare(stats, slot, function);
	}
	stream = &stats->streams[slot];
	if (__builtin_expect(stream->depth == stream->capacity ||
				     function->number >= stream->open_count_capacity,
		    0)) {
		return prepare(stats, slot, function);
	}
	return stream;
}

static void before(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *params,
	struct reel_stack_iterator *stack)
{
	struct stats_function *called = (struct stats_function *)listener;
	struct stats *stats = called->stats;
	struct stats_stream *stream;

	(void)module;
	(void)function;
	(void)params;
	(void)stack;
	base_lock(&stats->base);
	stream = stream_for(stats, context->slot, called);
	if (stream) {
		stream->calls[stream->depth++] = (struct open_call){
			.function = called, .begin_ns = reel_context_time_ns(context)};
		stream->open_counts[called->number]++;
	} else {
		base_fail(&stats->base, REEL_ENOMEM);
	}
	base_unlock(&stats->base);
}

static void count_ended(struct stats *stats, struct stats_function *function, uint64_t ns)
{
	if (ns < function->min_ns) {
		function->min_ns = ns;
	}
	if (ns > function->max_ns) {
		function->max_ns = ns;
	}
	if (histogram_add(&function->histogram, ns) < 0) {
		base_fail(&stats->base, REEL_ENOMEM);
	}
}

/* Ends the innermost open call. */
static inline void end_top(struct stats *stats, struct stats_stream *stream, uint64_t now_ns)
{
	const struct open_call *call = &stream->calls[--stream->depth];
	struct stats_function *function = call->function;
	const uint64_t ns = now_ns > call->begin_ns ? now_ns - call->begin_ns : 0;

	if (--stream->open_counts[function->number] == 0) {
		function->total_ns += ns;
	}
	function->self_ns += ns > call->callees_ns ? ns - call->callees_ns : 0;
	if (stream->depth > 0) {
		stream->calls[stream->depth - 1].callees_ns += ns;
	}
	count_ended(stats, function, ns);
}

/*
 * An exit ends the innermost open activation of its function and what is open above it. With the
 * pairing kept that is the top; events replayed as they were delivered may say otherwise, and an
 * exit of what is not open is then passed over.
 */
static inline bool end_call(
	struct stats *stats, struct reel_context *context, const struct stats_function *function)
{
	const struct stats_function *ended;
	struct stats_stream *stream;
	uint64_t now_ns;

	if (context->slot >= stats->stream_capacity) {
		return false;
	}
	stream = &stats->streams[context->slot];
	if (function->number >= stream->open_count_capacity ||
		stream->open_counts[function->number] == 0) {
		return false;
	}
	now_ns = reel_context_time_ns(context);
	do {
		ended = stream->calls[stream->depth - 1].function;
		end_top(stats, stream, now_ns);
	} while (ended != function);
	return true;
}

static void after(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *results)
{
	struct stats_function *called = (struct stats_function *)listener;
	struct stats *stats = called->stats;

	(void)module;
	(void)function;
	(void)results;
	base_lock(&stats->base);
	end_call(stats, context, called);
	base_unlock(&stats->base);
}

static void aborted(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function,
	const struct reel_abort *error)
{
	struct stats_function *called = (struct stats_function *)listener;
	struct stats *stats = called->stats;

	(void)module;
	(void)function;
	(void)error;
	base_lock(&stats->base);
	if (end_call(stats, context, called)) {
		called->row.aborts++;
	}
	base_unlock(&stats->base);
}

static void function_destroy(struct stats_function *function)
{
	if (function) {
		histogram_deinit(&function->histogram);
		free(function->row.name);
		free(function->row.module);
		free(function);
	}
}

static struct stats_function *function_create(
	struct stats *stats, const struct reel_function *definition)
{
	struct stats_function *function = calloc(1, sizeof(*function));

	if (!function) {
		return NULL;
	}
	function->listener = (struct reel_listener){before, after, aborted};
	function->stats = stats;
	function->number = (uint32_t)stats->function_count;
	function->min_ns = UINT64_MAX;
	function->row.name = function_label(definition);
	function->row.module = printable_copy(definition->module_name);
	if (!function->row.name || !function->row.module) {
		function_destroy(function);
		return NULL;
	}
	return function;
}

static struct reel_listener *add_function(
	struct stats *stats, const struct reel_function *definition)
{
	struct stats_function **functions = array_grow(stats->functions, &stats->function_capacity,
		stats->function_count + 1, sizeof(struct stats_function *));
	struct stats_function *function;

	if (!functions) {
		return NULL;
	}
	stats->functions = functions;
	function = function_create(stats, definition);
	if (!function) {
		return NULL;
	}
	functions[stats->function_count++] = function;
	return &function->listener;
}

static struct reel_listener *listener_for(
	struct reel_listener_factory *factory, const struct reel_function *definition)
{
	struct stats *stats = (struct stats *)factory;
	struct reel_listener *listener;

	base_lock(&stats->base);
	listener = add_function(stats, definition);
	if (!listener) {
		base_fail(&stats->base, REEL_ENOMEM);
	}
	base_unlock(&stats->base);
	return listener;
}

/* Calls that never ended count as calls. */
static void stream_deinit(struct stats_stream *stream)
{
	for (size_t i = 0; i < stream->depth; i++) {
		stream->calls[i].function->row.calls++;
	}
	free(stream->calls);
	free(stream->open_counts);
	*stream = (struct stats_stream){0};
}

/* A stream that ended keeps no memory but its empty place. */
static void stream_end(struct reel_listener_factory *factory, struct reel_context *context)
{
	struct stats *stats = (struct stats *)factory;

	base_lock(&stats->base);
	if (context->slot < stats->stream_capacity) {
		stream_deinit(&stats->streams[context->slot]);
	}
	base_unlock(&stats->base);
}

/* The middle of a bucket may lie outside what was seen. */
static uint64_t quantile(const struct stats_function *function, uint64_t rank)
{
	const uint64_t ns = histogram_value_at(&function->histogram, rank);

	if (ns < function->min_ns) {
		return function->min_ns;
	}
	return ns > function->max_ns ? function->max_ns : ns;
}

static void fill_row(struct stats_function *function)
{
	struct stats_row *row = &function->row;
	const uint64_t ended = histogram_total(&function->histogram);

	row->ended = ended;
	row->calls += ended;
	row->total_ns = function->total_ns;
	row->self_ns = function->self_ns;
	if (ended > 0) {
		row->min_ns = function->min_ns;
		row->median_ns = quantile(function, ended - ended / 2);
		row->p99_ns = quantile(function, ended - ended / 100);
		row->max_ns = function->max_ns;
	}
}

static int write_table(struct stats *stats)
{
	const struct stats_row **rows = calloc(stats->function_count + 1, sizeof(*rows));
	size_t count = 0;

	if (!rows) {
		return REEL_ENOMEM;
	}
	for (size_t i = 0; i < stats->stream_capacity; i++) {
		stream_deinit(&stats->streams[i]);
	}
	for (size_t i = 0; i < stats->function_count; i++) {
		fill_row(stats->functions[i]);
		if (stats->functions[i]->row.calls > 0) {
			rows[count++] = &stats->functions[i]->row;
		}
	}
	stats_table_write(&stats->base.output, rows, count, &stats->table);
	free(rows);
	return 0;
}

static int finish(struct reel_listener_factory *factory, struct reel_error *error)
{
	struct stats *stats = (struct stats *)factory;

	if (!stats->base.status) {
		base_fail(&stats->base, write_table(stats));
	}
	return base_finish(&stats->base, error);
}

static void destroy(struct reel_listener_factory *factory)
{
	struct stats *stats = (struct stats *)factory;

	for (size_t i = 0; i < stats->stream_capacity; i++) {
		stream_deinit(&stats->streams[i]);
	}
	for (size_t i = 0; i < stats->function_count; i++) {
		function_destroy(stats->functions[i]);
	}
	free(stats->functions);
	free(stats->streams);
	base_deinit(&stats->base);
	free(stats);
}

static int take_sort(struct stats *stats, const char *sort, struct reel_error *error)
{
	static const char *const names[] = {[STATS_SORT_TOTAL] = "total",
		[STATS_SORT_SELF] = "self",
		[STATS_SORT_CALLS] = "calls"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(sort, names[i]) == 0) {
			stats->table.sort = (enum stats_sort)i;
			return 0;
		}
	}
	return reel_fail(error, REEL_EINVAL, "stats: sort=%s is none of total, self, calls", sort);
}

static int take_options(struct base *base, struct options *options, const char *default_output,
	struct reel_error *error)
{
	struct stats *stats = (struct stats *)base;
	const char *sort = options_take(options, "sort");
	int status = sort ? take_sort(stats, sort, error) : 0;

	(void)default_output;
	if (status < 0) {
		return status;
	}
	return options_take_number(options, "top", 1, UINT32_MAX, &stats->table.top, error);
}

static const struct reel_marks marks = {.stream_end = stream_end};

int stats_create(const char *options_text, const char *default_output,
	struct reel_listener_factory **factory, struct reel_error *error)
{
	struct stats *stats = calloc(1, sizeof(*stats));
	int status;

	if (!stats) {
		return reel_fail(error, REEL_ENOMEM, "out of memory");
	}
	status =
		base_open(&stats->base, "stats", options_text, default_output, take_options, error);
	if (status < 0) {
		free(stats);
		return status;
	}
	stats->base.factory =
		(struct reel_listener_factory){base_begin, listener_for, finish, destroy, &marks};
	*factory = &stats->base.factory;
	return 0;
}
