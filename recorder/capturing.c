/*
 * The capturing factory: runs live listeners beside a recorder. Each event goes to the listener
 * first, with a module that notes what it reads, then into the recorder together with the notes.
 * Nothing is shared between streams; what a stream needs is in the recorder's stream.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "recorder_state.h"
#include "walk.h"

struct capturing_listener {
	struct reel_listener base;
	struct capturing_listener *next; /* made before this one */
	struct reel_recorder *recorder;
	struct reel_listener *listener;  /* NULL: only recorded */
	struct reel_listener *recording; /* NULL: not recorded */
};

struct capturing_factory {
	struct reel_listener_factory base;
	struct reel_listener_factory *listeners;
	struct reel_recorder *recorder;
	_Atomic(struct capturing_listener *) made; /* to be freed */
	atomic_bool is_short;                      /* memory was: a function has no listener */
};

/* One event: what is recorded, and what the listener sees. */
struct capturing_event {
	struct factory_event recorded;
	struct reel_context *context;
	struct reel_module *module;
	struct noting_module noting;
	struct notes notes;
};

/* ---- what listeners see ---- */

/* The context for listeners: where the host's time is recorded, one that holds this event's. */
static struct reel_context *see(struct reel_recorder_stream *stream, struct reel_context *context)
{
	if (!stream || stream->recorder->clock != CLOCK_HOST) {
		return context;
	}
	stream->seen.repaired = context->repaired;
	return &stream->seen;
}

static void begin_event(struct capturing_event *event, struct reel_recorder *recorder,
	const struct function_handle *handle, struct reel_context *context,
	struct reel_module *module)
{
	struct reel_recorder_stream *stream = factory_stream(recorder, context);

	notes_init(&event->notes);
	event->recorded = (struct factory_event){
		.stream = stream,
		.handle = handle,
		.module = module,
		.repaired = context->repaired,
		.notes = &event->notes,
	};
	event->context = see(stream, context);
	event->module = noting_module_init(&event->noting, module, &event->notes);
}

static void begin_call(struct capturing_event *event, const struct capturing_listener *capturing,
	struct reel_context *context, struct reel_module *module)
{
	begin_event(event, capturing->recorder,
		capturing->recording ? factory_handle(capturing->recording) : NULL, context,
		module);
}

static bool is_recorded(const struct capturing_event *event)
{
	return event->recorded.stream && event->recorded.handle;
}

/* ---- callbacks ---- */

/* For a host that can show its stack only once. */
static void before_by_walk(struct capturing_event *event, struct reel_listener *listener,
	const struct reel_function *function, const uint64_t *params,
	struct reel_stack_iterator *stack)
{
	struct walk_iterator iterator;
	struct walk walk;

	walk_init(&walk, stack);
	listener->before(listener, event->context, event->module, function, params,
		walk_iterator_init(&iterator, &walk));
	if (is_recorded(event)) {
		factory_record_before(
			&event->recorded, params, walk_iterator_init(&iterator, &walk));
	}
	walk_deinit(&walk);
}

static void capturing_before(struct reel_listener *base, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *params,
	struct reel_stack_iterator *stack)
{
	const struct capturing_listener *capturing = (const struct capturing_listener *)base;
	struct reel_listener *listener = capturing->listener;
	bool is_heard = listener && listener->before;
	struct capturing_event event;

	begin_call(&event, capturing, context, module);
	if (is_heard && stack && !stack->ops->rewind) {
		before_by_walk(&event, listener, function, params, stack);
	} else {
		if (is_heard) {
			listener->before(
				listener, event.context, event.module, function, params, stack);
		}
		if (is_heard && stack) {
			stack->ops->rewind(stack);
		}
		if (is_recorded(&event)) {
			factory_record_before(&event.recorded, params, stack);
		}
	}
	notes_deinit(&event.notes);
}

static void capturing_after(struct reel_listener *base, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *results)
{
	const struct capturing_listener *capturing = (const struct capturing_listener *)base;
	struct reel_listener *listener = capturing->listener;
	struct capturing_event event;

	begin_call(&event, capturing, context, module);
	if (listener && listener->after) {
		listener->after(listener, event.context, event.module, function, results);
	}
	if (is_recorded(&event)) {
		factory_record_exit(&event.recorded, results, NULL);
	}
	notes_deinit(&event.notes);
}

static void capturing_abort(struct reel_listener *base, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function,
	const struct reel_abort *error)
{
	const struct capturing_listener *capturing = (const struct capturing_listener *)base;
	struct reel_listener *listener = capturing->listener;
	struct capturing_event event;

	begin_call(&event, capturing, context, module);
	if (listener && listener->abort) {
		listener->abort(listener, event.context, event.module, function, error);
	}
	if (is_recorded(&event)) {
		factory_record_exit(&event.recorded, NULL, error);
	}
	notes_deinit(&event.notes);
}

/* Hosts may define functions on several threads at once, so the list is pushed to atomically. */
static void keep(struct capturing_factory *factory, struct capturing_listener *listener)
{
	/* Relaxed: nobody follows the list until the factory is destroyed, which the caller orders
	 * after everything else. */
	listener->next = atomic_load_explicit(&factory->made, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&factory->made, &listener->next, listener,
		memory_order_relaxed, memory_order_relaxed)) {
	}
}

static struct reel_listener *capturing_listener_for(
	struct reel_listener_factory *base, const struct reel_function *function)
{
	struct capturing_factory *factory = (struct capturing_factory *)base;
	struct reel_listener_factory *recording = reel_recorder_factory(factory->recorder);
	struct capturing_listener made = {
		.base = {.before = capturing_before,
			.after = capturing_after,
			.abort = capturing_abort},
		.recorder = factory->recorder,
		.listener = factory->listeners->listener_for(factory->listeners, function),
		.recording = recording->listener_for(recording, function),
	};
	struct capturing_listener *kept;

	if (!made.listener) {
		return made.recording;
	}
	kept = malloc(sizeof(*kept));
	if (!kept) {
		/* Relaxed: read by finish(), which the host orders after. */
		atomic_store_explicit(&factory->is_short, true, memory_order_relaxed);
		return made.recording;
	}
	*kept = made;
	keep(factory, kept);
	return &kept->base;
}

/* ---- marks ---- */

/* The listeners' marks; one without any when they want none. */
static const struct reel_marks *marks_of(const struct capturing_factory *factory)
{
	static const struct reel_marks none;

	return factory->listeners->marks ? factory->listeners->marks : &none;
}

static void mark_function(struct reel_listener_factory *base, const struct reel_function *function)
{
	struct capturing_factory *factory = (struct capturing_factory *)base;
	struct reel_listener_factory *recording = reel_recorder_factory(factory->recorder);

	if (marks_of(factory)->function_defined) {
		marks_of(factory)->function_defined(factory->listeners, function);
	}
	recording->marks->function_defined(recording, function);
}

static void mark_module(struct reel_listener_factory *base, const struct reel_module *module)
{
	struct capturing_factory *factory = (struct capturing_factory *)base;

	if (marks_of(factory)->module_defined) {
		marks_of(factory)->module_defined(factory->listeners, module);
	}
	factory_module(factory->recorder, module);
}

static void mark_stream_begin(struct reel_listener_factory *base, struct reel_context *context)
{
	struct capturing_factory *factory = (struct capturing_factory *)base;
	struct reel_recorder_stream *stream = factory_stream(factory->recorder, context);

	if (marks_of(factory)->stream_begin) {
		marks_of(factory)->stream_begin(factory->listeners, see(stream, context));
	}
}

static void mark_stream_end(struct reel_listener_factory *base, struct reel_context *context)
{
	struct capturing_factory *factory = (struct capturing_factory *)base;
	struct reel_recorder_stream *stream = factory_stream(factory->recorder, context);

	if (marks_of(factory)->stream_end) {
		marks_of(factory)->stream_end(factory->listeners, see(stream, context));
	}
	if (stream) {
		factory_end_stream(stream);
	}
}

static void mark_call_begin(
	struct reel_listener_factory *base, struct reel_context *context, const char *text)
{
	struct capturing_factory *factory = (struct capturing_factory *)base;
	struct reel_recorder_stream *stream = factory_stream(factory->recorder, context);

	if (marks_of(factory)->call_begin) {
		marks_of(factory)->call_begin(factory->listeners, see(stream, context), text);
	}
	if (stream) {
		reel_stream_call_begin(stream, text);
	}
}

static void mark_call_end(
	struct reel_listener_factory *base, struct reel_context *context, const char *text)
{
	struct capturing_factory *factory = (struct capturing_factory *)base;
	struct reel_recorder_stream *stream = factory_stream(factory->recorder, context);

	if (marks_of(factory)->call_end) {
		marks_of(factory)->call_end(factory->listeners, see(stream, context), text);
	}
	if (stream) {
		reel_stream_call_end(stream, text);
	}
}

static void mark_gap(
	struct reel_listener_factory *base, struct reel_context *context, uint64_t lost)
{
	struct capturing_factory *factory = (struct capturing_factory *)base;
	struct reel_recorder_stream *stream = factory_stream(factory->recorder, context);

	if (marks_of(factory)->gap) {
		marks_of(factory)->gap(factory->listeners, see(stream, context), lost);
	}
	if (stream) {
		reel_stream_gap(stream, lost);
	}
}

static void mark_undelivered(struct reel_listener_factory *base, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *results,
	const struct reel_abort *error)
{
	struct capturing_factory *factory = (struct capturing_factory *)base;
	const struct function_handle *handle = factory_function(factory->recorder, function);
	struct capturing_event event;

	begin_event(&event, factory->recorder, handle, context, module);
	if (marks_of(factory)->undelivered) {
		marks_of(factory)->undelivered(
			factory->listeners, event.context, event.module, function, results, error);
	}
	if (is_recorded(&event) && handle->definition.is_listened) {
		factory_record_exit(&event.recorded, results, error);
	}
	notes_deinit(&event.notes);
}

static const struct reel_marks capturing_marks = {
	.function_defined = mark_function,
	.module_defined = mark_module,
	.stream_begin = mark_stream_begin,
	.stream_end = mark_stream_end,
	.call_begin = mark_call_begin,
	.call_end = mark_call_end,
	.gap = mark_gap,
	.undelivered = mark_undelivered,
};

/* ---- life ---- */

static int capturing_begin(struct reel_listener_factory *base, const struct reel_host_info *info,
	struct reel_error *error)
{
	struct reel_listener_factory *listeners = ((struct capturing_factory *)base)->listeners;

	return listeners->begin ? listeners->begin(listeners, info, error) : 0;
}

static int capturing_finish(struct reel_listener_factory *base, struct reel_error *error)
{
	struct capturing_factory *factory = (struct capturing_factory *)base;
	struct reel_listener_factory *listeners = factory->listeners;
	int status = listeners->finish ? listeners->finish(listeners, error) : 0;

	if (status == 0 && atomic_load_explicit(&factory->is_short, memory_order_relaxed)) {
		status = reel_fail(error, REEL_ENOMEM, "out of memory: a listener was left out");
	}
	return status;
}

static void capturing_destroy(struct reel_listener_factory *base)
{
	struct capturing_factory *factory = (struct capturing_factory *)base;
	/* Relaxed: see keep(). */
	struct capturing_listener *listener =
		atomic_load_explicit(&factory->made, memory_order_relaxed);

	while (listener) {
		struct capturing_listener *next = listener->next;

		free(listener);
		listener = next;
	}
	free(factory);
}

struct reel_listener_factory *reel_capturing_factory_create(
	struct reel_recorder *recorder, struct reel_listener_factory *listeners)
{
	struct capturing_factory *factory = calloc(1, sizeof(*factory));

	if (!factory) {
		return NULL;
	}
	factory->base = (struct reel_listener_factory){
		.begin = capturing_begin,
		.listener_for = capturing_listener_for,
		.finish = capturing_finish,
		.destroy = capturing_destroy,
		.marks = &capturing_marks,
	};
	factory->listeners = listeners;
	factory->recorder = recorder;
	return &factory->base;
}
