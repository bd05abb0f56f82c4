/*
 * Decoding of a library host's record; its layout is in hosted_record.h.
 *
 * The memory that records come from is the program's own and may have been scribbled on, so every
 * size is checked against the record's.
 */
#ifndef REEL_RECORDER_HOSTED_DECODE_H
#define REEL_RECORDER_HOSTED_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#include "definitions.h"
#include "event.h"
#include "hosted_record.h"
#include "hosted_stream.h"

/* A read or global as it stands in a record. */
struct decoded_read {
	uint64_t offset, length;
	const void *bytes; /* NULL: out of range */
};

/* A record, taken apart. Pointers go into the record or into the decoder. */
struct decoded {
	uint32_t kind, stream, function, module, reason, abort_kind;
	uint64_t ticks;
	bool has_sequence, has_lost, has_stack, has_capture, has_same_text;
	uint64_t sequence;
	struct lost_events lost;
	struct shown_stack shown; /* BEFORE: always at least the function's own frame */
	bool has_memory_size;
	uint64_t memory_size_bytes;
	uint32_t global_count, read_count;
	const struct event_global *globals;
	const struct decoded_read *reads;
	uint64_t full_length;
	const uint64_t *words; /* params or results, or the text's bytes */
	uint64_t size;         /* of that, in bytes */
};

/* Memory that is used again for every record. A zeroed one is ready. */
struct decoder {
	struct site_frame *frames;
	uint64_t *identities;
	struct event_global *globals;
	struct decoded_read *reads;
	uint32_t frames_capacity, identities_capacity, globals_capacity, reads_capacity;
};

void decoder_deinit(struct decoder *decoder);

/* REEL_EDAMAGED when the record makes no sense, REEL_ENOMEM, or 0. */
int decode_record(struct decoder *decoder, const struct slot *record, uint64_t slot_count,
	struct decoded *decoded);

#endif
