/*
 * Notes: what is read from a module at one event, to be recorded with it.
 *
 * A noting module stands in front of the host's: it passes questions on and notes each answer that
 * replay will have to give. Bytes are not copied: the host lends them until the event's callbacks
 * have returned, and the event is recorded before.
 *
 * Threads: notes belong to one event's callback.
 */
#ifndef REEL_RECORDER_NOTES_H
#define REEL_RECORDER_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reel/capture.h>
#include <reel/module.h>

#define NOTES_READS 16u
#define NOTES_GLOBALS 8u

struct notes {
	struct reel_captured_read *reads; /* `own_reads`, or allocated */
	struct reel_captured_global *globals;
	uint32_t read_count, read_capacity;
	uint32_t global_count, global_capacity;
	uint64_t bytes; /* of all reads */
	bool has_memory_size;
	uint64_t memory_size_bytes;
	struct reel_captured_read own_reads[NOTES_READS];
	struct reel_captured_global own_globals[NOTES_GLOBALS];
};

struct noting_module {
	struct reel_module base; /* first: listeners get it */
	struct reel_module *module;
	struct notes *notes;
};

void notes_init(struct notes *notes);
void notes_deinit(struct notes *notes);

/* Fills *capture, which is valid as long as the notes; false when nothing was read. */
bool notes_capture(const struct notes *notes, struct reel_capture *capture);

/* A module that answers as `module` does. Both are borrowed. */
struct reel_module *noting_module_init(
	struct noting_module *noting, struct reel_module *module, struct notes *notes);

#endif
