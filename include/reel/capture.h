/*
 * Captures: what is read from the host at an event and kept with it, so that replay can answer.
 *
 * A host that records its events itself gives a struct reel_capture with each. For a recorder that
 * is driven as a factory there are two other ways, which may be used together: a capturing factory
 * (see recorder.h) keeps whatever a live listener reads; and capture specifications, below, have
 * the recorder read given places at given functions. Equal bytes are stored once in a trace.
 *
 * In replay a module answers reads of what was captured at that very event; a read that the live
 * host could not answer is out of range, and anything else was not captured.
 */
#ifndef REEL_CAPTURE_H
#define REEL_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a host or a live listener read at an event. Given with an event, borrowed for the call. */
struct reel_captured_read {
	uint64_t offset, length; /* bytes */
	const void *bytes;       /* `length` bytes; NULL: out of range */
};

struct reel_captured_global {
	uint32_t index;
	uint64_t words[2]; /* the second is 0 but for v128 */
};

struct reel_capture {
	bool has_memory_size;
	uint64_t memory_size_bytes;
	const struct reel_captured_global *globals;
	size_t global_count;
	const struct reel_captured_read *reads;
	size_t read_count;
};

/* ---- specifications ---- */

enum reel_capture_kind {
	REEL_CAPTURE_MEMORY_SIZE = 0,
	REEL_CAPTURE_GLOBAL = 1,
	REEL_CAPTURE_BYTES = 2, /* of memory, at a parameter that is a pointer */
};

enum reel_capture_when {
	REEL_CAPTURE_BEFORE = 0,
	REEL_CAPTURE_AFTER = 1,      /* with the parameters of the call's own before */
	REEL_CAPTURE_AFTER_ZERO = 2, /* the same, if the first result is 0: not after a failure */
};

/* `length_param` of a specification with a fixed size. */
#define REEL_NO_PARAM UINT32_MAX

/*
 * One thing to read, at the calls of some functions. Pointers and lengths are parameters by their
 * index, from 0, of type i32 or i64; functions that have no such parameters are passed over. The
 * bytes read are `fixed_size` and, with a length parameter, so many units of `unit_size` more.
 */
struct reel_capture_spec {
	const char *function; /* glob over name and module:name */
	enum reel_capture_kind kind;
	enum reel_capture_when when;
	uint32_t global;        /* GLOBAL: its index */
	uint32_t pointer_param; /* BYTES: where they begin */
	uint32_t length_param;  /* BYTES: how many units; REEL_NO_PARAM: fixed_size alone */
	uint64_t unit_size;     /* bytes per unit; 0: 1 */
	uint64_t fixed_size;
};

/* Bytes that are captured at one event at most; what would pass this is left out, and so was "not
 * captured". */
#define REEL_CAPTURE_BYTES_MAX (UINT64_C(16) << 20)

#ifdef __cplusplus
}
#endif

#endif
