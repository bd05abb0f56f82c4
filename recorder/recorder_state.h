/*
 * What the parts of the public recorder share: recorder.c (its life and its definitions), stream.c
 * (the hot calls) and factory.c (the recorder as a listener factory).
 */
#ifndef REEL_RECORDER_STATE_H
#define REEL_RECORDER_STATE_H

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <reel/recorder.h>

#include "capture_plan.h"
#include "definitions.h"
#include "event.h"
#include "function_handle.h"
#include "id_set.h"
#include "pointer_map.h"
#include "producer.h"
#include "session.h"
#include "writer.h"

/*
 * An open activation as the producer knows it. It may know of more than are open: the consumer has
 * the last word.
 *
 * Anchored: what is below it is known, so that walks from calls in it may stop there. They may when
 * its own walk met the innermost open call, anchored itself; or when a later walk finds no more
 * below it than its own did, which was then not cut.
 */
struct shadow_call {
	const struct reel_function *function; /* as stacks show it */
	uint64_t identity;
	uint64_t number; /* of its before among the recorded ones */
	uint64_t below;  /* frames that its walk found below it */
	bool is_anchored;
};

/*
 * A stream in the producer. Its memory is not given back before the recorder is closed, but used
 * again, so that a hint to it may be looked at.
 *
 * Skipping: a before or a top-level call that found no room is left out with all that is in it.
 * The activations from skip_depth on, and the top-level calls from skip_calls on, were not
 * recorded.
 */
struct reel_recorder_stream {
	struct reel_recorder *recorder;
	uint32_t number, id;
	bool is_open;
	bool is_foreign; /* of the factory: stacks show the host's own functions */
	uint64_t time_ns;
	uint64_t producer; /* serial of the one that has its last record; 0: none */
	uint64_t sequence; /* records so far */
	uint64_t before_count;
	struct shadow_call *shadow; /* outermost first */
	uint32_t depth, shadow_capacity;
	uint32_t *calls; /* open top-level calls: the depth at which each began */
	uint32_t call_count, calls_capacity;
	bool is_skipping, has_lost;
	uint32_t skip_depth, skip_calls;
	struct lost_events lost; /* since the last record */
	uint64_t error_hash[2];
	size_t error_length; /* of the last recorded abort's text */
	bool has_error;
	struct definition *end;             /* made beforehand, so that closing cannot fail */
	struct reel_recorder_stream *next;  /* all of the recorder */
	struct reel_recorder_stream *spare; /* closed ones */
	/* Factory: the context that it stands for; NULL: none. */
	_Atomic(struct reel_context *) context;
	_Atomic uint32_t slot;
	struct reel_recorder_stream *context_next; /* in its bucket */
	struct param_stack params;                 /* of open calls that are read from after */
	struct reel_context seen; /* what a capturing factory shows for it: its time is time_ns */
};

struct reel_recorder {
	struct reel_recorder_options options; /* with copies of what it points to */
	char *path;
	enum clock_kind clock;
	struct session session;
	struct definitions definitions;
	struct producer_registry registry;

	pthread_t thread;
	sem_t started, stopping;
	_Atomic bool must_stop;
	bool must_discard;
	int status; /* the consumer's: of its start, then of its end */
	struct reel_error error;

	/* Under `mutex`, with all signals blocked. */
	pthread_mutex_t mutex;
	struct function_handle *functions;
	uint32_t function_count, stream_count;
	struct reel_recorder_stream *streams, *spare_streams;
	struct id_set stream_ids, module_ids;

	/* factory.c */
	struct reel_listener_factory factory;
	struct reel_marks marks;
	struct pointer_map foreign_functions;
	struct reel_recorder_stream **contexts; /* buckets by the context's address, a power of
						   two of them */
	uint32_t bucket_count, context_count;
	uint32_t next_stream_id; /* for contexts whose id is taken */
};

/* ---- recorder.c ---- */

/* Takes the mutex, with signals blocked; false in a forked child. */
bool recorder_lock(struct reel_recorder *recorder, sigset_t *signals);
void recorder_unlock(struct reel_recorder *recorder, const sigset_t *signals);

/* These want the mutex. */
int recorder_add_function(struct reel_recorder *recorder, const struct reel_function *definition,
	bool is_listened, struct function_handle **handle);
int recorder_add_module(struct reel_recorder *recorder, const struct reel_module *module);
int recorder_add_stream(struct reel_recorder *recorder, const struct reel_stream_info *info,
	struct reel_recorder_stream **stream);
void recorder_end_stream(struct reel_recorder_stream *stream, enum reel_reason reason);

/* ---- stream.c ---- */

/* Makes a stream ready for its first event. */
int stream_init(struct reel_recorder_stream *stream);

/* The end of a stream, into stream->end. */
void stream_describe_end(struct reel_recorder_stream *stream, enum reel_reason reason);

/* Open calls up to and with the innermost one of a function; 0: it is not open. */
uint32_t stream_find_call(
	const struct reel_recorder_stream *stream, const struct reel_function *function);

/* What a before, after or abort is, beside its function. `function` is as the stack shows it. */
struct recorded_event {
	uint32_t module_id;
	enum reel_reason reason; /* of an event that the host itself made up */
	const struct function_handle *handle;
	const struct reel_function *function;
	const struct reel_capture *capture;
};

void stream_before(struct reel_recorder_stream *stream, const struct recorded_event *event,
	const uint64_t *params, struct reel_stack_iterator *stack);
void stream_after(struct reel_recorder_stream *stream, const struct recorded_event *event,
	const uint64_t *results);
void stream_abort(struct reel_recorder_stream *stream, const struct recorded_event *event,
	const struct reel_abort *error);

/* ---- factory.c ---- */

int factory_init(struct reel_recorder *recorder);
void factory_deinit(struct reel_recorder *recorder);

/* The stream of a context, its time set where hosts give it; NULL: nothing can be recorded. */
struct reel_recorder_stream *factory_stream(
	struct reel_recorder *recorder, struct reel_context *context);

/* Ends a stream of a context. */
void factory_end_stream(struct reel_recorder_stream *stream);

/* Defines a module that is new; its id, or REEL_NO_MODULE. */
uint32_t factory_module(struct reel_recorder *recorder, const struct reel_module *module);

/* An event as the factory gets it. `notes`: what was read at it, to which specifications add. */
struct factory_event {
	struct reel_recorder_stream *stream;
	const struct function_handle *handle;
	struct reel_module *module;
	enum reel_reason repaired;
	struct notes *notes;
};

void factory_record_before(const struct factory_event *event, const uint64_t *params,
	struct reel_stack_iterator *stack);
/* `error` is NULL for an after, `results` for an abort. */
void factory_record_exit(
	const struct factory_event *event, const uint64_t *results, const struct reel_abort *error);

/* The function that one of the factory's listeners records. */
const struct function_handle *factory_handle(struct reel_listener *listener);

/* The recorder's function for a host's own, defined when it is new; NULL when memory is short. */
const struct function_handle *factory_function(
	struct reel_recorder *recorder, const struct reel_function *function);

#endif
