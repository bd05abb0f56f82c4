/*
 * Importing: JSON lines of function events, from any host that can write them, into a trace.
 *
 * The lines are those of the `json` listener (docs/json.md): definitions of functions, modules and
 * streams, and before, after, abort, top-level calls and gaps. They are read as a stream, plain or
 * zstd-compressed, and drive a recorder as a live host would, with their own times. Memory is
 * bounded by the definitions, the deepest stack of each stream and the longest line.
 *
 * Threads: one import runs on its caller's thread; several may run at once.
 */
#ifndef REEL_IMPORT_H
#define REEL_IMPORT_H

#include <stddef.h>

#include <reel/recorder.h>
#include <reel/status.h>

#ifdef __cplusplus
extern "C" {
#endif

struct reel_import_options {
	size_t size;           /* sizeof(struct reel_import_options); a zeroed struct with this set
				  has the defaults */
	enum reel_walk walk;   /* default: trusted */
	enum reel_codec codec; /* default: zstd */
	int codec_level;       /* see struct reel_recorder_options */
	/* Called now and then with the share of the input that is done, 0 to 1; not for an input
	 * whose size is not known. May be NULL. */
	void (*progress)(void *user, double share);
	void *user;
};

/*
 * Imports `path` ("-": standard input) into the trace `output`, which appears under that name when
 * it is complete; a file that was there becomes `output`.old. `options` and `error` may be NULL.
 *
 * Keys that are not known are ignored, and so are lines of other kinds. Anything else that is wrong
 * (JSON, types, ids that nothing defined, word counts that differ from the definition) is
 * REEL_EFORMAT with "PATH:LINE: " in the error, a line longer than 64 MiB or more than 2^24
 * definitions REEL_ELIMIT; nothing is left under `output` then, and what was there stays.
 */
REEL_API int reel_import_jsonl(const char *path, const char *output,
	const struct reel_import_options *options, struct reel_error *error);

#ifdef __cplusplus
}
#endif

#endif
