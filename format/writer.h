/*
 * The trace writer: definitions and event blocks in, a trace file out.
 *
 * The file grows under a temporary name beside `path` and gets its name when it is finished.
 * Definitions are numbered from 0 in the order in which they arrive and are written before the
 * first event block that may need them, and once more at the end. A failed write is remembered:
 * later calls return it, what was written stays readable.
 *
 * Threads: one at a time.
 */
#ifndef REEL_FORMAT_WRITER_H
#define REEL_FORMAT_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include <reel/context.h>
#include <reel/function.h>
#include <reel/module.h>
#include <reel/recorder.h>

#include "event.h"
#include "event_block.h"

struct writer;

struct writer_options {
	enum reel_codec codec;
	int codec_level; /* zstd; 0: 1 */
	enum clock_kind clock;
	const char *metadata; /* JSON object of the host, may be NULL */
	const char *producer; /* what recorded: "native", "library", "import"; may be NULL */
};

int writer_create(const char *path, const struct writer_options *options, struct writer **writer,
	struct reel_error *error);

/* Writes the last definitions, index and end, renames a file that was there to path.old and the new
 * one to path. Frees the writer always. */
int writer_finish(struct writer *writer, struct reel_error *error);

/* Frees the writer and removes the unfinished file. NULL is accepted. */
void writer_abandon(struct writer *writer);

/* Definitions. Each copies what it is given. 0 and an id, or a negative status. */
int writer_define_function(
	struct writer *writer, const struct reel_function *function, uint32_t *id);

/* A module instance: its id is the host's own; defining it again replaces it. */
int writer_define_module(struct writer *writer, const struct reel_module *module);

/* A stream: its id is the recorder's own; defining it again (it got a name) replaces it. */
int writer_define_stream(struct writer *writer, const struct reel_stream_info *stream);

/* An object file that was mapped: path, build-id (may be NULL) and load base in process `pid`. For
 * people and tools; replay needs it not. */
int writer_define_object(struct writer *writer, uint64_t pid, const char *path,
	const uint8_t *build_id, size_t build_id_size, uint64_t base, uint64_t end);

/* The id of a site or of a string of bytes, the same for equal ones. */
int writer_intern_site(struct writer *writer, const struct site *site, uint32_t *id);
int writer_intern_blob(struct writer *writer, const void *bytes, size_t size, uint32_t *id);

/* The site of an id; frames valid until the next intern. */
const struct site *writer_site(const struct writer *writer, uint32_t id);

/* One reading of the clocks, taken together. At least two are needed for ticks to become ns, well
 * apart; more, over a long run. */
int writer_clock_sample(
	struct writer *writer, uint64_t ticks, uint64_t monotonic_ns, uint64_t realtime_ns);

/* Writes pending definitions and then the block, with this codec, and empties it. A block without
 * events is not written. */
int writer_write_events(struct writer *writer, struct event_block *block, enum reel_codec codec);

/* Bytes written so far. */
uint64_t writer_bytes(const struct writer *writer);

const char *writer_error(const struct writer *writer);

#endif
