/*
 * The recorder as a listener factory: finds the recorder's streams, functions and modules for those
 * of the host that drives it, and records. Contexts of one address are one stream; a context whose
 * slot has changed is another one in the same place.
 */
#include <stdlib.h>

#include "recorder_state.h"

static struct reel_recorder *recorder_of(struct reel_listener_factory *factory)
{
	return (struct reel_recorder *)((char *)factory - offsetof(struct reel_recorder, factory));
}

const struct function_handle *factory_handle(struct reel_listener *listener)
{
	return (struct function_handle *)((char *)listener -
					  offsetof(struct function_handle, listener));
}

static size_t hash_of(const void *address)
{
	return (size_t)((uint64_t)(uintptr_t)address * UINT64_C(0x9e3779b97f4a7c15) >> 24);
}

/* ---- streams ---- */

static bool stands_for(
	const struct reel_recorder_stream *stream, const struct reel_context *context)
{
	/* Relaxed: when it is this context's, then the host has ordered its calls; else any value
	 * says no. */
	return atomic_load_explicit(&stream->context, memory_order_relaxed) == context &&
	       atomic_load_explicit(&stream->slot, memory_order_relaxed) == context->slot;
}

static struct reel_recorder_stream **bucket_of(
	const struct reel_recorder *recorder, const struct reel_context *context)
{
	return &recorder->contexts[hash_of(context) & (recorder->bucket_count - 1)];
}

static int grow_buckets(struct reel_recorder *recorder)
{
	struct reel_recorder_stream **old = recorder->contexts;
	uint32_t old_count = recorder->bucket_count;
	uint32_t count = old_count ? old_count * 2 : 64;
	struct reel_recorder_stream **buckets =
		calloc(count, sizeof(struct reel_recorder_stream *));

	if (!buckets) {
		return REEL_ENOMEM;
	}
	recorder->contexts = buckets;
	recorder->bucket_count = count;
	for (uint32_t i = 0; i < old_count; i++) {
		struct reel_recorder_stream *next;

		for (struct reel_recorder_stream *stream = old[i]; stream; stream = next) {
			struct reel_recorder_stream **bucket =
				bucket_of(recorder, atomic_load(&stream->context));

			next = stream->context_next;
			stream->context_next = *bucket;
			*bucket = stream;
		}
	}
	free(old);
	return 0;
}

/* Wants the mutex, as all of these do. */
static struct reel_recorder_stream *find_stream(
	const struct reel_recorder *recorder, const struct reel_context *context)
{
	struct reel_recorder_stream *stream =
		recorder->bucket_count ? *bucket_of(recorder, context) : NULL;

	while (stream && atomic_load(&stream->context) != context) {
		stream = stream->context_next;
	}
	return stream;
}

static void end_stream(struct reel_recorder *recorder, struct reel_recorder_stream *stream)
{
	struct reel_recorder_stream **link = bucket_of(recorder, atomic_load(&stream->context));

	while (*link != stream) {
		link = &(*link)->context_next;
	}
	*link = stream->context_next;
	atomic_store(&stream->context, NULL);
	recorder->context_count--;
	recorder_end_stream(stream, REEL_REASON_EXIT);
}

/* The id that the context's stream has, or another one when a stream of this recorder had it. */
static uint32_t free_stream_id(struct reel_recorder *recorder, uint32_t id)
{
	while (id_set_has(&recorder->stream_ids, id)) {
		id = recorder->next_stream_id++;
	}
	return id;
}

static uint64_t seen_time_ns(const struct reel_context *context)
{
	return ((const struct reel_recorder_stream *)((const char *)context -
						      offsetof(struct reel_recorder_stream, seen)))
		->time_ns;
}

static struct reel_recorder_stream *add_stream(
	struct reel_recorder *recorder, struct reel_context *context)
{
	struct reel_stream_info info =
		context->stream ? *context->stream : (struct reel_stream_info){0};
	struct reel_recorder_stream *stream;

	if (recorder->context_count >= recorder->bucket_count && grow_buckets(recorder) < 0) {
		return NULL;
	}
	info.id = free_stream_id(recorder, info.id);
	if (recorder_add_stream(recorder, &info, &stream) < 0) {
		return NULL;
	}
	stream->is_foreign = true;
	stream->seen = (struct reel_context){
		.stream = context->stream, .slot = context->slot, .time_ns = seen_time_ns};
	atomic_store(&stream->slot, context->slot);
	atomic_store(&stream->context, context);
	stream->context_next = *bucket_of(recorder, context);
	*bucket_of(recorder, context) = stream;
	recorder->context_count++;
	return stream;
}

/* Finds or makes the stream of a context that the thread has no hint to. */
static struct reel_recorder_stream *look_up_stream(
	struct reel_recorder *recorder, struct reel_context *context)
{
	struct reel_recorder_stream *stream;
	sigset_t signals;

	if (!recorder_lock(recorder, &signals)) {
		return NULL;
	}
	stream = find_stream(recorder, context);
	if (stream && !stands_for(stream, context)) {
		end_stream(recorder, stream);
		stream = NULL;
	}
	if (!stream) {
		stream = add_stream(recorder, context);
	}
	recorder_unlock(recorder, &signals);
	return stream;
}

struct reel_recorder_stream *factory_stream(
	struct reel_recorder *recorder, struct reel_context *context)
{
	struct producer_thread *thread = producer_thread(&recorder->registry);
	struct reel_recorder_stream *stream;
	void **hint;

	if (!thread) {
		return NULL;
	}
	hint = &thread->streams[hash_of(context) & (PRODUCER_STREAMS - 1)];
	stream = *hint;
	if (!stream || !stands_for(stream, context)) {
		stream = look_up_stream(recorder, context);
		*hint = stream;
	}
	if (stream && recorder->clock == CLOCK_HOST) {
		uint64_t time_ns = reel_context_time_ns(context);

		stream->time_ns = time_ns > stream->time_ns ? time_ns : stream->time_ns;
	}
	return stream;
}

/* ---- modules and functions ---- */

static bool define_module(struct reel_recorder *recorder, const struct reel_module *module)
{
	sigset_t signals;
	int status = 0;

	if (!recorder_lock(recorder, &signals)) {
		return false;
	}
	if (!id_set_has(&recorder->module_ids, module->id)) {
		status = recorder_add_module(recorder, module);
	}
	recorder_unlock(recorder, &signals);
	return status == 0;
}

uint32_t factory_module(struct reel_recorder *recorder, const struct reel_module *module)
{
	struct producer_thread *thread = producer_thread(&recorder->registry);
	uint32_t *hint;

	if (!module || module->id == REEL_NO_MODULE || !thread) {
		return REEL_NO_MODULE;
	}
	hint = &thread->modules[module->id & (PRODUCER_MODULES - 1)];
	if (*hint != module->id + 1) {
		if (!define_module(recorder, module)) {
			return REEL_NO_MODULE;
		}
		*hint = module->id + 1;
	}
	return module->id;
}

/* Wants the mutex. */
static struct function_handle *add_function(
	struct reel_recorder *recorder, const struct reel_function *function, bool is_listened)
{
	struct function_handle *handle;

	if (recorder_add_function(recorder, function, is_listened, &handle) < 0) {
		return NULL;
	}
	handle->foreign = function;
	if (handle->definition.is_listened &&
		capture_plan_create(&recorder->options, &handle->definition, &handle->plan) < 0) {
		return NULL;
	}
	return pointer_map_set(&recorder->foreign_functions, function, handle) < 0 ? NULL : handle;
}

const struct function_handle *factory_function(
	struct reel_recorder *recorder, const struct reel_function *function)
{
	struct function_handle *handle = pointer_map_find(&recorder->foreign_functions, function);
	sigset_t signals;

	if (handle || !recorder_lock(recorder, &signals)) {
		return handle;
	}
	handle = pointer_map_find(&recorder->foreign_functions, function);
	if (!handle) {
		handle = add_function(recorder, function, false);
	}
	recorder_unlock(recorder, &signals);
	return handle;
}

/* ---- callbacks ---- */

static struct recorded_event describe(
	const struct factory_event *event, struct reel_capture *capture)
{
	bool has_capture = event->notes && notes_capture(event->notes, capture);

	return (struct recorded_event){
		.module_id = factory_module(event->handle->recorder, event->module),
		.reason = event->repaired,
		.handle = event->handle,
		.function = event->handle->foreign,
		.capture = has_capture ? capture : NULL,
	};
}

void factory_record_before(const struct factory_event *event, const uint64_t *params,
	struct reel_stack_iterator *stack)
{
	struct reel_recorder_stream *stream = event->stream;
	const struct capture_plan *plan = event->handle->plan;
	uint32_t depth = stream->depth;
	struct recorded_event recorded;
	struct noting_module noting;
	struct reel_capture capture;

	if (plan && event->notes) {
		capture_plan_read_before(
			plan, noting_module_init(&noting, event->module, event->notes), params);
	}
	recorded = describe(event, &capture);
	stream_before(stream, &recorded, params, stack);
	param_stack_cut(&stream->params, depth);
	if (plan && plan->has_after && stream->depth == depth + 1) {
		param_stack_push(&stream->params, depth, params, event->handle->param_words);
	}
}

/* Reads what is to be read once a call has returned. */
static void read_after(const struct factory_event *event, const uint64_t *results)
{
	struct reel_recorder_stream *stream = event->stream;
	uint32_t count = stream_find_call(stream, event->handle->foreign);
	struct noting_module noting;
	struct reel_module *module = noting_module_init(&noting, event->module, event->notes);

	capture_plan_read_after(event->handle->plan, module,
		count > 0 ? param_stack_find(&stream->params, count - 1) : NULL, results);
}

void factory_record_exit(
	const struct factory_event *event, const uint64_t *results, const struct reel_abort *error)
{
	const struct capture_plan *plan = event->handle->plan;
	struct recorded_event recorded;
	struct reel_capture capture;

	if (plan && plan->has_after && event->notes && !error) {
		read_after(event, results);
	}
	recorded = describe(event, &capture);
	if (error) {
		stream_abort(event->stream, &recorded, error);
	} else {
		stream_after(event->stream, &recorded, results);
	}
}

/* The same with notes for what the specifications read. */
static void __attribute__((noinline)) record_before_noting(
	struct factory_event *event, const uint64_t *params, struct reel_stack_iterator *stack)
{
	struct notes notes;

	notes_init(&notes);
	event->notes = &notes;
	factory_record_before(event, params, stack);
	notes_deinit(&notes);
}

static void __attribute__((noinline))
record_after_noting(struct factory_event *event, const uint64_t *results)
{
	struct notes notes;

	notes_init(&notes);
	event->notes = &notes;
	factory_record_exit(event, results, NULL);
	notes_deinit(&notes);
}

static struct factory_event event_of(const struct function_handle *handle,
	struct reel_context *context, struct reel_module *module)
{
	return (struct factory_event){
		.stream = factory_stream(handle->recorder, context),
		.handle = handle,
		.module = module,
		.repaired = context->repaired,
	};
}

static void factory_before(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *params,
	struct reel_stack_iterator *stack)
{
	struct factory_event event = event_of(factory_handle(listener), context, module);

	(void)function;
	if (event.stream && event.handle->plan) {
		record_before_noting(&event, params, stack);
	} else if (event.stream) {
		factory_record_before(&event, params, stack);
	}
}

static void factory_after(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *results)
{
	struct factory_event event = event_of(factory_handle(listener), context, module);

	(void)function;
	if (event.stream && event.handle->plan) {
		record_after_noting(&event, results);
	} else if (event.stream) {
		factory_record_exit(&event, results, NULL);
	}
}

static void factory_abort(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function,
	const struct reel_abort *error)
{
	struct factory_event event = event_of(factory_handle(listener), context, module);

	(void)function;
	if (event.stream) {
		factory_record_exit(&event, NULL, error);
	}
}

static struct reel_listener *factory_listener_for(
	struct reel_listener_factory *factory, const struct reel_function *function)
{
	struct reel_recorder *recorder = recorder_of(factory);
	struct function_handle *handle;
	sigset_t signals;

	if (!recorder_lock(recorder, &signals)) {
		return NULL;
	}
	handle = add_function(recorder, function, true);
	if (handle) {
		handle->listener = (struct reel_listener){
			.before = factory_before, .after = factory_after, .abort = factory_abort};
	}
	recorder_unlock(recorder, &signals);
	return handle && handle->definition.is_listened ? &handle->listener : NULL;
}

/* ---- marks ---- */

/* The others are defined when a listener is asked for. */
static void mark_function(
	struct reel_listener_factory *factory, const struct reel_function *function)
{
	if (!function->is_listened) {
		factory_function(recorder_of(factory), function);
	}
}

static void mark_module(struct reel_listener_factory *factory, const struct reel_module *module)
{
	factory_module(recorder_of(factory), module);
}

static void mark_stream_begin(struct reel_listener_factory *factory, struct reel_context *context)
{
	factory_stream(recorder_of(factory), context);
}

void factory_end_stream(struct reel_recorder_stream *stream)
{
	struct reel_recorder *recorder = stream->recorder;
	sigset_t signals;

	if (recorder_lock(recorder, &signals)) {
		end_stream(recorder, stream);
		recorder_unlock(recorder, &signals);
	}
}

static void mark_stream_end(struct reel_listener_factory *factory, struct reel_context *context)
{
	struct reel_recorder_stream *stream = factory_stream(recorder_of(factory), context);

	if (stream) {
		factory_end_stream(stream);
	}
}

static void mark_call_begin(
	struct reel_listener_factory *factory, struct reel_context *context, const char *text)
{
	struct reel_recorder_stream *stream = factory_stream(recorder_of(factory), context);

	if (stream) {
		reel_stream_call_begin(stream, text);
	}
}

static void mark_call_end(
	struct reel_listener_factory *factory, struct reel_context *context, const char *text)
{
	struct reel_recorder_stream *stream = factory_stream(recorder_of(factory), context);

	if (stream) {
		reel_stream_call_end(stream, text);
	}
}

static void mark_gap(
	struct reel_listener_factory *factory, struct reel_context *context, uint64_t lost)
{
	struct reel_recorder_stream *stream = factory_stream(recorder_of(factory), context);

	if (stream) {
		reel_stream_gap(stream, lost);
	}
}

static void mark_undelivered(struct reel_listener_factory *factory, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *results,
	const struct reel_abort *error)
{
	const struct function_handle *handle = factory_function(recorder_of(factory), function);
	struct factory_event event;

	if (!handle || !handle->definition.is_listened) {
		return;
	}
	event = event_of(handle, context, module);
	if (event.stream) {
		factory_record_exit(&event, results, error);
	}
}

/* ---- life ---- */

int factory_init(struct reel_recorder *recorder)
{
	recorder->marks = (struct reel_marks){
		.function_defined = mark_function,
		.module_defined = mark_module,
		.stream_begin = mark_stream_begin,
		.stream_end = mark_stream_end,
		.call_begin = mark_call_begin,
		.call_end = mark_call_end,
		.gap = mark_gap,
		.undelivered = mark_undelivered,
	};
	recorder->factory = (struct reel_listener_factory){
		.listener_for = factory_listener_for, .marks = &recorder->marks};
	recorder->next_stream_id = UINT32_C(1) << 31;
	return grow_buckets(recorder);
}

void factory_deinit(struct reel_recorder *recorder)
{
	pointer_map_deinit(&recorder->foreign_functions);
	free(recorder->contexts);
}
