/*
 * What a replay will read; see plan.h.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "plan.h"
#include "reader.h"

struct numbered_block {
	uint32_t stream, number;
};

static int by_stream(const void *left, const void *right)
{
	const struct numbered_block *a = left;
	const struct numbered_block *b = right;

	if (a->stream != b->stream) {
		return a->stream < b->stream ? -1 : 1;
	}
	return (a->number > b->number) - (a->number < b->number);
}

static int by_begin(const void *left, const void *right)
{
	const struct plan_stream *a = left;
	const struct plan_stream *b = right;

	if (a->open_ticks != b->open_ticks) {
		return a->open_ticks < b->open_ticks ? -1 : 1;
	}
	return (a->id > b->id) - (a->id < b->id);
}

static bool is_chosen(const struct reel_replay_options *options, uint32_t stream)
{
	if (options->stream_count == 0) {
		return true;
	}
	for (size_t i = 0; i < options->stream_count; i++) {
		if (options->streams[i] == stream) {
			return true;
		}
	}
	return false;
}

/* ---- the range ---- */

/* The last entry may be a mark behind the last event: the range cuts marks as well. */
static uint64_t last_entry_ticks(const struct reel_trace *trace)
{
	uint64_t last = 0;

	for (uint32_t i = 0; i < trace_event_block_count(trace); i++) {
		const struct event_block_info *block = trace_event_block(trace, i);

		last = block->last_ticks > last ? block->last_ticks : last;
	}
	return last;
}

/* The first tick in [first, last] whose time is not before `ns`; UINT64_MAX when there is none. */
static uint64_t ticks_at_ns(
	const struct reel_trace *trace, uint64_t ns, uint64_t first, uint64_t last)
{
	if (trace_ticks_to_ns(trace, last) < ns) {
		return UINT64_MAX;
	}
	while (first < last) {
		uint64_t middle = first + (last - first) / 2;

		if (trace_ticks_to_ns(trace, middle) < ns) {
			first = middle + 1;
		} else {
			last = middle;
		}
	}
	return first;
}

static uint64_t add_saturated(uint64_t a, uint64_t b)
{
	return b > UINT64_MAX - a ? UINT64_MAX : a + b;
}

static void plan_range(struct plan *plan, const struct reel_trace *trace,
	const struct reel_replay_options *options)
{
	uint64_t first, last, first_ns;

	plan->from_ticks = 0;
	plan->to_ticks = UINT64_MAX;
	if (!trace_span(trace, &first, &last)) {
		return;
	}
	last = last_entry_ticks(trace);
	first_ns = trace_ticks_to_ns(trace, first);
	if (options->from_ns > 0) {
		plan->from_ticks =
			ticks_at_ns(trace, add_saturated(first_ns, options->from_ns), first, last);
	}
	if (options->to_ns > 0) {
		plan->to_ticks =
			ticks_at_ns(trace, add_saturated(first_ns, options->to_ns), first, last);
	}
}

/* ---- the streams ---- */

/* Leaves out the blocks that end before the range. False when the stream has no part in it. */
static bool stream_cut(
	struct plan_stream *stream, const struct plan *plan, const struct reel_trace *trace)
{
	const uint32_t begin = stream->begin;
	uint64_t first_ticks;

	while (stream->begin < stream->end &&
		trace_event_block(trace, plan->blocks[stream->begin])->last_ticks <
			plan->from_ticks) {
		stream->begin++;
	}
	if (stream->begin == stream->end) {
		return false;
	}
	first_ticks = trace_event_block(trace, plan->blocks[stream->begin])->first_ticks;
	stream->is_open_at_from = stream->begin > begin || first_ticks < plan->from_ticks;
	stream->open_ticks = stream->is_open_at_from ? plan->from_ticks : first_ticks;
	return stream->open_ticks < plan->to_ticks;
}

static int by_id(const void *left, const void *right)
{
	const struct reel_stream_info *a = *(const struct reel_stream_info *const *)left;
	const struct reel_stream_info *b = *(const struct reel_stream_info *const *)right;

	return (a->id > b->id) - (a->id < b->id);
}

/* The trace's streams by id. There may be many of them. */
struct stream_list {
	const struct reel_stream_info **infos;
	size_t count;
};

static int stream_list_init(struct stream_list *list, const struct reel_trace *trace)
{
	const uint32_t count = reel_trace_stream_count(trace);

	list->count = 0;
	list->infos = calloc((size_t)count + 1, sizeof(const struct reel_stream_info *));
	if (!list->infos) {
		return REEL_ENOMEM;
	}
	for (uint32_t i = 0; i < count; i++) {
		const struct reel_stream_info *info = reel_trace_stream(trace, i);

		if (info) {
			list->infos[list->count++] = info;
		}
	}
	qsort(list->infos, list->count, sizeof(const struct reel_stream_info *), by_id);
	return 0;
}

static const struct reel_stream_info *stream_list_find(const struct stream_list *list, uint32_t id)
{
	const struct reel_stream_info key = {.id = id};
	const struct reel_stream_info *wanted = &key;
	const struct reel_stream_info **found =
		list->count == 0 ? NULL
				 : bsearch(&wanted, list->infos, list->count,
					   sizeof(const struct reel_stream_info *), by_id);

	return found ? *found : NULL;
}

static uint32_t choose_blocks(struct numbered_block *chosen, const struct reel_trace *trace,
	const struct reel_replay_options *options)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < trace_event_block_count(trace); i++) {
		uint32_t stream = trace_event_block(trace, i)->stream;

		if (is_chosen(options, stream)) {
			chosen[count++] = (struct numbered_block){.stream = stream, .number = i};
		}
	}
	qsort(chosen, count, sizeof(*chosen), by_stream);
	return count;
}

static void plan_streams(struct plan *plan, const struct reel_trace *trace,
	const struct stream_list *list, const struct numbered_block *chosen, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		plan->blocks[i] = chosen[i].number;
	}
	for (uint32_t begin = 0, end; begin < count; begin = end) {
		struct plan_stream stream = {.id = chosen[begin].stream, .begin = begin};

		end = begin;
		while (end < count && chosen[end].stream == stream.id) {
			end++;
		}
		stream.end = end;
		if (!stream_cut(&stream, plan, trace)) {
			continue;
		}
		stream.info = stream_list_find(list, stream.id);
		plan->streams[plan->stream_count++] = stream;
	}
	qsort(plan->streams, plan->stream_count, sizeof(*plan->streams), by_begin);
}

static void count_events(struct plan *plan, const struct reel_trace *trace)
{
	for (uint32_t i = 0; i < plan->stream_count; i++) {
		for (uint32_t j = plan->streams[i].begin; j < plan->streams[i].end; j++) {
			const struct event_block_info *block =
				trace_event_block(trace, plan->blocks[j]);

			if (block->first_ticks < plan->to_ticks) {
				plan->event_count += block->event_count;
			}
		}
	}
}

/* A stream that was asked for and is not there is a mistake, not an empty answer. */
static int check_streams(const struct reel_replay_options *options, const struct stream_list *list,
	const struct numbered_block *chosen, uint32_t count, struct reel_error *error)
{
	for (size_t i = 0; options->streams && i < options->stream_count; i++) {
		bool found = stream_list_find(list, options->streams[i]) != NULL;

		for (uint32_t j = 0; j < count && !found; j++) {
			found = chosen[j].stream == options->streams[i];
		}
		if (!found) {
			return reel_fail(error, REEL_ENOENT, "there is no stream %" PRIu32,
				options->streams[i]);
		}
	}
	return 0;
}

static int plan_fill(struct plan *plan, const struct reel_trace *trace,
	const struct reel_replay_options *options, const struct stream_list *list,
	struct numbered_block *chosen, struct reel_error *error)
{
	uint32_t count = choose_blocks(chosen, trace, options);

	plan_range(plan, trace, options);
	plan_streams(plan, trace, list, chosen, count);
	count_events(plan, trace);
	return check_streams(options, list, chosen, count, error);
}

int plan_init(struct plan *plan, const struct reel_trace *trace,
	const struct reel_replay_options *options, struct reel_error *error)
{
	const size_t block_count = trace_event_block_count(trace);
	struct numbered_block *chosen = calloc(block_count + 1, sizeof(*chosen));
	struct stream_list list = {0};
	int status;

	*plan = (struct plan){
		.streams = calloc(block_count + 1, sizeof(*plan->streams)),
		.blocks = calloc(block_count + 1, sizeof(*plan->blocks)),
	};
	if (!chosen || !plan->streams || !plan->blocks || stream_list_init(&list, trace) < 0) {
		status = reel_fail(error, REEL_ENOMEM, "out of memory");
	} else {
		status = plan_fill(plan, trace, options, &list, chosen, error);
	}
	free(list.infos);
	free(chosen);
	if (status < 0) {
		plan_deinit(plan);
	}
	return status;
}

void plan_deinit(struct plan *plan)
{
	free(plan->streams);
	free(plan->blocks);
	*plan = (struct plan){0};
}
