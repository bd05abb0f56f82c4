/*
 * The recorder: a listener factory that writes a trace.
 *
 * Open a recorder on a file, then either give its factory to whatever drives listeners, or call
 * before, after and abort on a stream directly. Events go into a ring of the calling thread; a
 * consumer thread of this process restores the pairing, compresses and writes.
 *
 * Threads: any thread may open streams and define functions; a stream is used by one thread at a
 * time, but may move between threads when the moves happen one after the other (a mutex, a channel,
 * a join). One thread may switch between many streams.
 * Signals: a handler must not record on the stream that its thread was recording on; give it a
 * stream of its own. A thread's first event allocates, so it should not come from a handler.
 * Fork: in a forked child the recorder is dead: events do nothing, all else answers REEL_ECLOSED.
 */
#ifndef REEL_RECORDER_H
#define REEL_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reel/capture.h>
#include <reel/listener.h>

#ifdef __cplusplus
extern "C" {
#endif

enum reel_on_full {
	REEL_ON_FULL_DROP = 0, /* never wait: lose whole calls and count them */
	REEL_ON_FULL_WAIT = 1, /* wait for room: lose nothing */
};

enum reel_walk {
	/* Down to the innermost open listened call, O(1) per event, and on with what is known to be
	 * below. Listened functions that are shown above it, but are not open, are left out. Exact
	 * for hosts that give frame identities; without these recursion can hide an exit that the
	 * host lost, until the next mark or the exit of a call further out. */
	REEL_WALK_TRUSTED = 0,
	REEL_WALK_FULL = 1, /* exactly what the host showed, every time */
};

enum reel_codec {
	REEL_CODEC_ZSTD = 0,
	REEL_CODEC_LZ4 = 1,
	REEL_CODEC_NONE = 2,
};

struct reel_recorder_options {
	size_t size; /* sizeof(struct reel_recorder_options); a zeroed struct with this set has the
			defaults */
	enum reel_on_full on_full;  /* default: drop */
	enum reel_walk walk;        /* default: trusted */
	enum reel_codec codec;      /* default: zstd */
	int codec_level;            /* zstd: -7 to 19; 0: 1 */
	size_t memory_bytes;        /* for all rings; 0: 32 MiB */
	const char *const *include; /* globs over name and module:name; functions that match none
				       have no events but stay in stacks */
	size_t include_count;       /* 0: all functions */
	const char *const *exclude;
	size_t exclude_count;
	uint32_t max_depth;       /* open listened calls; deeper ones make no events; 0: no limit */
	uint64_t min_duration_ns; /* calls that were shorter make no events; 0: no limit */
	const char *metadata;     /* a JSON object that describes the host; NULL: none */
	/*
	 * The host gives the time itself, in ns, with reel_stream_set_time(), for instance when it
	 * imports a recording. As a factory, the recorder takes the context's time: what listeners
	 * beside it are told is then what is recorded. Default: the recorder reads the clock.
	 */
	bool host_time;
	/* What to read at which functions, when the recorder is driven as a factory; see capture.h.
	 * Copied. */
	const struct reel_capture_spec *captures;
	size_t capture_count;
};

struct reel_recorder;
struct reel_recorder_stream;

/*
 * Starts recording to `path`, under a temporary name beside it until reel_recorder_close(), when a
 * file that was there becomes `path`.old. On failure *recorder is NULL.
 */
REEL_API int reel_recorder_open(const char *path, const struct reel_recorder_options *options,
	struct reel_recorder **recorder, struct reel_error *error);

/*
 * Writes what is still in the rings, aborts what is open (`stopped`), finishes the file and frees
 * the recorder and its streams, also when it fails. No other thread may be recording any more. NULL
 * is accepted.
 */
REEL_API int reel_recorder_close(struct reel_recorder *recorder, struct reel_error *error);

/*
 * Gives up: frees the recorder and its streams and removes the unfinished file; what stood under
 * the final name stays as it was. No other thread may be recording any more. NULL is accepted.
 */
REEL_API void reel_recorder_discard(struct reel_recorder *recorder);

/*
 * The recorder as a factory. It learns the stream from the context (contexts of one address are one
 * stream), modules and functions from the callbacks. Borrowed: valid until the recorder is closed,
 * destroy() does nothing.
 */
REEL_API struct reel_listener_factory *reel_recorder_factory(struct reel_recorder *recorder);

/*
 * A factory that runs live listeners beside a recorder and has it keep what they read: each event
 * goes first to the listener, whose module notes the memory size, memory and globals that are asked
 * for, and then into the recorder, with these as its capture. For several listeners give it a multi
 * factory. Do not drive the recorder's own factory as well.
 *
 * With options.host_time the listener is told the very time that is recorded, through a context of
 * the capturing factory's own, which is one per stream like the host's; without, it has the host's
 * context.
 *
 * Both are borrowed. Free the factory with reel_listener_factory_destroy(), before the recorder is
 * closed, after the host has called its finish(). NULL when memory is short.
 */
REEL_API struct reel_listener_factory *reel_capturing_factory_create(
	struct reel_recorder *recorder, struct reel_listener_factory *listeners);

/*
 * Defines a function; its definition is copied. The handle that comes back is what a stream's calls
 * take, and is valid until the recorder is closed. Defining the same address twice gives a second
 * function. One that is not `is_listened`, or that the globs leave out, has no events: what is told
 * of it is ignored, but it shows in stacks.
 */
REEL_API int reel_recorder_define_function(struct reel_recorder *recorder,
	const struct reel_function *definition, const struct reel_function **function,
	struct reel_error *error);

/* Tells the recorder of a module instance (id, name, globals, memory), once, before the first event
 * that names its id. */
REEL_API int reel_recorder_define_module(
	struct reel_recorder *recorder, const struct reel_module *module, struct reel_error *error);

/* Opens a stream. `info` is copied. Ids must differ within a recorder. */
REEL_API int reel_recorder_stream_open(struct reel_recorder *recorder,
	const struct reel_stream_info *info, struct reel_recorder_stream **stream,
	struct reel_error *error);

/* Ends a stream: what is open is aborted with `reason`. The stream is gone afterwards. */
REEL_API void reel_recorder_stream_close(
	struct reel_recorder_stream *stream, enum reel_reason reason);

/* Host time only: the time in ns of the events that follow on this stream. Times that run backwards
 * are clamped. */
REEL_API void reel_stream_set_time(struct reel_recorder_stream *stream, uint64_t time_ns);

/*
 * The hot calls. They cannot fail: what cannot be recorded is counted in the trace. `function` is a
 * handle of this recorder; params and results have the words of its definition; `module_id` is
 * REEL_NO_MODULE when not known. `stack` shows the frames, frame 0 being `function` itself, with
 * functions of this recorder; NULL: nothing shown but the call itself. `capture` may be NULL.
 */
REEL_API void reel_stream_before(struct reel_recorder_stream *stream, uint32_t module_id,
	const struct reel_function *function, const uint64_t *params,
	struct reel_stack_iterator *stack, const struct reel_capture *capture);
REEL_API void reel_stream_after(struct reel_recorder_stream *stream, uint32_t module_id,
	const struct reel_function *function, const uint64_t *results,
	const struct reel_capture *capture);
REEL_API void reel_stream_abort(struct reel_recorder_stream *stream, uint32_t module_id,
	const struct reel_function *function, const struct reel_abort *error,
	const struct reel_capture *capture);

/* Marks: a top-level call begins or ends; what was opened in it and left open is aborted. `text`:
 * see struct reel_marks; NULL: "". */
REEL_API void reel_stream_call_begin(struct reel_recorder_stream *stream, const char *text);
REEL_API void reel_stream_call_end(struct reel_recorder_stream *stream, const char *text);

/* `lost` events of this stream are missing here: the host could not give them. Counted in the
 * trace, and a mark in its place. */
REEL_API void reel_stream_gap(struct reel_recorder_stream *stream, uint64_t lost);

#ifdef __cplusplus
}
#endif

#endif
