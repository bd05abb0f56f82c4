/*
 * Filters. The stage for depth and duration rests on this: whoever is deeper or shorter than his
 * callee is not; so what is left out is always a whole subtree of calls, and the calls that are
 * kept are paired as they are.
 */
#include "filter.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grow.h"

/* ---- globs ---- */

/* The text is longer than this: compared only so far. */
#define NAME_SIZE 4096

static bool matches_any(const char *const *globs, size_t count, const char *text)
{
	for (size_t i = 0; text && i < count; i++) {
		if (fnmatch(globs[i], text, 0) == 0) {
			return true;
		}
	}
	return false;
}

bool filter_matches(const char *const *globs, size_t count, const struct reel_function *function)
{
	char text[NAME_SIZE];

	if (count == 0) {
		return false;
	}
	if (matches_any(globs, count, function->name)) {
		return true;
	}
	reel_function_debug_name(function, text, sizeof(text));
	if (matches_any(globs, count, text)) {
		return true;
	}
	snprintf(text, sizeof(text), "%s:%s", function->module_name ? function->module_name : "",
		function->name ? function->name : "");
	return matches_any(globs, count, text);
}

bool filter_function(
	const struct reel_recorder_options *options, const struct reel_function *function)
{
	if (options->include_count > 0 &&
		!filter_matches(options->include, options->include_count, function)) {
		return false;
	}
	return !filter_matches(options->exclude, options->exclude_count, function);
}

/* ---- copies of events ---- */

/* An event that owns what it points to. */
struct held_event {
	struct event event;
	uint32_t plain_module;
	struct event_capture capture;
	void *memory; /* values, globals and reads */
	size_t capacity;
};

static size_t capture_size(const struct event_capture *capture)
{
	return capture ? capture->global_count * sizeof(*capture->globals) +
				 capture->read_count * sizeof(*capture->reads)
		       : 0;
}

static void *copy_part(uint8_t **end, const void *bytes, size_t size)
{
	uint8_t *copy = *end;

	if (size > 0) {
		memcpy(copy, bytes, size);
	}
	*end += size;
	return copy;
}

static int held_event_reserve(struct held_event *held, size_t size)
{
	void *memory;

	if (size <= held->capacity) {
		return 0;
	}
	memory = realloc(held->memory, size);
	if (!memory) {
		return REEL_ENOMEM;
	}
	held->memory = memory;
	held->capacity = size;
	return 0;
}

static int held_event_set(struct held_event *held, const struct event *event, uint32_t plain_module)
{
	size_t values_size = event->value_count * sizeof(*event->values);
	const struct event_capture *capture = event->capture;
	int status = held_event_reserve(held, values_size + capture_size(capture));
	uint8_t *end = held->memory;

	if (status < 0) {
		return status;
	}
	held->event = *event;
	held->plain_module = plain_module;
	held->event.values = copy_part(&end, event->values, values_size);
	if (capture) {
		held->capture = *capture;
		held->capture.globals = copy_part(
			&end, capture->globals, capture->global_count * sizeof(*capture->globals));
		held->capture.reads = copy_part(
			&end, capture->reads, capture->read_count * sizeof(*capture->reads));
		held->event.capture = &held->capture;
	}
	return 0;
}

/* ---- the stage ---- */

/* An open call that is not too deep. */
struct filter_call {
	struct held_event before;
	uint64_t pc, offset; /* of its frame, as calls from it that were given left them */
	uint32_t call_depth;
};

/* What waits, in the order of the stream. */
struct held_item {
	struct held_event *mark; /* NULL: the before of the call that is open at `call` */
	uint32_t call;
};

struct filter {
	struct emitter emitter;
	uint32_t max_depth;
	uint64_t min_duration_ticks;
	struct filter_call **calls; /* open ones; those above open_count are kept for their memory
				     */
	uint32_t open_count, made_count, calls_capacity;
	uint32_t given_count; /* the outermost so many were given to the emitter */
	uint32_t too_deep;    /* open calls above max_depth */
	uint32_t call_depth;  /* open top-level calls */
	struct held_item *items;
	uint32_t item_begin, item_end, items_capacity;
};

static uint32_t filter_depth(void *owner)
{
	return ((struct filter *)owner)->given_count;
}

static void filter_activation(void *owner, uint32_t index, struct activation *activation)
{
	const struct filter_call *call = ((struct filter *)owner)->calls[index];
	const struct event *event = &call->before.event;

	*activation = (struct activation){
		.site = event->site,
		.module = event->module,
		.ticks = event->ticks,
		.pc = call->pc,
		.offset = call->offset,
		.params = event->values,
		.param_count = event->value_count,
		.call_depth = call->call_depth,
	};
}

static int emit(struct filter *filter, const struct event *event, uint32_t plain_module)
{
	int status = emitter_prepare(&filter->emitter, 1);

	return status < 0 ? status : emitter_append(&filter->emitter, event, plain_module);
}

/* Keeps the frames of the open calls as the before's site changes them. */
static void take_site(struct filter *filter, struct filter_call *call)
{
	const struct site *site =
		writer_site(filter->emitter.target->writer, call->before.event.site);

	if (!site) {
		return;
	}
	call->pc = site->pc;
	call->offset = site->offset;
	if (filter->given_count > 0 && site->has_caller && !site->detached) {
		struct filter_call *caller = filter->calls[filter->given_count - 1];

		caller->pc = site->caller_pc;
		caller->offset = site->caller_offset;
	}
}

/* Gives the before of the outermost call that was not given yet. */
static int give_before(struct filter *filter)
{
	struct filter_call *call = filter->calls[filter->given_count];
	int status = emit(filter, &call->before.event, call->before.plain_module);

	if (status == 0) {
		take_site(filter, call);
		filter->given_count++;
	}
	return status;
}

/* ---- what waits ---- */

static int hold(struct filter *filter, struct held_item item)
{
	struct held_item *items = grow(filter->items, &filter->items_capacity,
		(size_t)filter->item_end + 1, sizeof(*items));

	if (!items) {
		return REEL_ENOMEM;
	}
	filter->items = items;
	items[filter->item_end++] = item;
	return 0;
}

static void free_mark(struct held_event *mark)
{
	if (mark) {
		free(mark->memory);
		free(mark);
	}
}

static int give_mark(struct filter *filter, struct held_event *mark)
{
	int status = emit(filter, &mark->event, mark->plain_module);

	free_mark(mark);
	return status;
}

/* Gives what waits at the front and need not wait any longer at `ticks`. */
static int give_due(struct filter *filter, uint64_t ticks)
{
	int status = 0;

	while (status == 0 && filter->item_begin < filter->item_end) {
		const struct held_item *item = &filter->items[filter->item_begin];

		if (item->mark) {
			status = give_mark(filter, item->mark);
		} else if (ticks - filter->calls[item->call]->before.event.ticks >=
			   filter->min_duration_ticks) {
			status = give_before(filter);
		} else {
			return 0;
		}
		filter->item_begin++;
	}
	filter->item_begin = 0;
	filter->item_end = 0;
	return status;
}

/* Forgets the before of the innermost call, which waits: only marks can wait behind it. */
static void drop_before(struct filter *filter)
{
	uint32_t i = filter->item_end - 1;

	while (filter->items[i].mark) {
		i--;
	}
	memmove(&filter->items[i], &filter->items[i + 1],
		(filter->item_end - i - 1) * sizeof(*filter->items));
	filter->item_end--;
}

/* ---- events ---- */

/* The place of the next open call. */
static struct filter_call *next_call(struct filter *filter)
{
	struct filter_call **calls = grow(filter->calls, &filter->calls_capacity,
		(size_t)filter->open_count + 1, sizeof(struct filter_call *));

	if (!calls) {
		return NULL;
	}
	filter->calls = calls;
	if (filter->open_count == filter->made_count) {
		calls[filter->made_count] = calloc(1, sizeof(*calls[0]));
		filter->made_count += calls[filter->made_count] != NULL;
	}
	return filter->open_count < filter->made_count ? calls[filter->open_count] : NULL;
}

static int take_before(struct filter *filter, const struct event *event, uint32_t plain_module)
{
	struct filter_call *call;
	int status;

	if (filter->too_deep > 0 ||
		(filter->max_depth && filter->open_count >= filter->max_depth)) {
		filter->too_deep++;
		return 0;
	}
	call = next_call(filter);
	status = call ? held_event_set(&call->before, event, plain_module) : REEL_ENOMEM;
	if (status < 0) {
		return status;
	}
	call->call_depth = filter->call_depth;
	filter->open_count++;
	if (filter->min_duration_ticks == 0) {
		return give_before(filter);
	}
	return hold(filter, (struct held_item){.call = filter->open_count - 1});
}

static int take_exit(struct filter *filter, const struct event *event, uint32_t plain_module)
{
	int status = 0;

	if (filter->too_deep > 0) {
		filter->too_deep--;
		return 0;
	}
	if (filter->given_count < filter->open_count) {
		drop_before(filter);
		filter->open_count--;
		return give_due(filter, event->ticks);
	}
	status = emit(filter, event, plain_module);
	if (status == 0) {
		filter->open_count--;
		filter->given_count--;
	}
	return status;
}

static void count_call(struct filter *filter, enum event_kind kind)
{
	if (kind == EVENT_CALL_BEGIN) {
		filter->call_depth++;
	} else if (kind == EVENT_CALL_END && filter->call_depth > 0) {
		filter->call_depth--;
	}
}

static int take_mark(struct filter *filter, const struct event *event, uint32_t plain_module)
{
	struct held_event *mark;
	int status;

	count_call(filter, event->kind);
	if (filter->item_end == 0) {
		return emit(filter, event, plain_module);
	}
	mark = calloc(1, sizeof(*mark));
	if (!mark) {
		return REEL_ENOMEM;
	}
	status = held_event_set(mark, event, plain_module);
	if (status == 0) {
		status = hold(filter, (struct held_item){.mark = mark});
	}
	if (status < 0) {
		free_mark(mark);
	}
	return status;
}

int filter_event(struct filter *filter, const struct event *event, uint32_t plain_module)
{
	int status = give_due(filter, event->ticks);

	if (status < 0) {
		return status;
	}
	switch (event->kind) {
	case EVENT_BEFORE:
		return take_before(filter, event, plain_module);
	case EVENT_AFTER:
	case EVENT_ABORT:
		return take_exit(filter, event, plain_module);
	default:
		return take_mark(filter, event, plain_module);
	}
}

/* ---- life ---- */

int filter_create(struct emitter_target *target, uint32_t stream, uint32_t max_depth,
	uint64_t min_duration_ticks, struct filter **filter)
{
	struct filter *made = calloc(1, sizeof(*made));

	*filter = made;
	if (!made) {
		return REEL_ENOMEM;
	}
	made->max_depth = max_depth;
	made->min_duration_ticks = min_duration_ticks;
	emitter_init(&made->emitter, target, stream, filter_depth, filter_activation, made);
	return 0;
}

void filter_destroy(struct filter *filter)
{
	if (!filter) {
		return;
	}
	for (uint32_t i = filter->item_begin; i < filter->item_end; i++) {
		free_mark(filter->items[i].mark);
	}
	for (uint32_t i = 0; i < filter->made_count; i++) {
		free(filter->calls[i]->before.memory);
		free(filter->calls[i]);
	}
	emitter_deinit(&filter->emitter);
	free(filter->calls);
	free(filter->items);
	free(filter);
}

int filter_flush(struct filter *filter)
{
	return emitter_flush(&filter->emitter);
}

struct emitter *filter_emitter(struct filter *filter)
{
	return &filter->emitter;
}
