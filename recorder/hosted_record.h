/*
 * Records of library hosts: what recorder.c writes into a ring and hosted.c reads.
 *
 *   word 0   ticks
 *   word 1   bits 0-31 number of the stream; 32-55 id of the function; 56-58 enum reel_reason;
 *            59-60 enum reel_abort_kind
 *   word 2   bits 0-31 slots of the record; 32-47 module; 48-55 kind; 56-63 flags
 *   word 3   payload bytes; the payload follows the first slot
 *
 * Payload, as 64-bit words, each part only where its flag is set:
 *
 *   HOSTED_SWITCH   records of the stream before this one: the stream comes from another ring
 *   HOSTED_LOST     struct lost_events as three words: what went missing before this record
 *   HOSTED_MODULE_WORD (in the module's bits)  the module
 *   HOSTED_STACK    number of frames shown, then per frame: function id, pc, offset and, with
 *                   HOSTED_IDENTITY, identity
 *   HOSTED_CAPTURE  globals (low half) and reads (high half), 1 when a memory size was given, the
 *                   memory size; the globals as three words each; the reads as three words
 *                   (offset, length, 1 when bytes follow) and bytes, filled up to whole words
 *   ABORT           full length of the text
 *   the rest        params, results, or the bytes of a text
 *
 * A record that is larger than a ring likes is cut into RECORD_CHUNK records: word 0 the first slot
 * of this piece in the whole record, word 1 the slots of the whole record, and the slots as
 * payload.
 *
 * Sequence numbers: the n-th record of a stream, from 0, in all rings together; chunks count as the
 * one record that they are. Befores are numbered likewise, among the stream's recorded befores.
 */
#ifndef REEL_RECORDER_HOSTED_RECORD_H
#define REEL_RECORDER_HOSTED_RECORD_H

#include <stdint.h>

#include "record.h"

enum hosted_kind {
	RECORD_BEFORE = RECORD_HOSTED,
	RECORD_AFTER,
	RECORD_ABORT,
	RECORD_CALL_BEGIN,
	RECORD_CALL_END,
	RECORD_HOST_GAP, /* payload: events that the host could not give */
	RECORD_CHUNK,
};

enum hosted_flag {
	HOSTED_SWITCH = 1u << 0,
	HOSTED_LOST = 1u << 1,
	HOSTED_STACK = 1u << 2,
	HOSTED_IDENTITY = 1u << 3,
	HOSTED_CAPTURE = 1u << 4,
	HOSTED_SAME_TEXT = 1u << 5, /* ABORT: the text of the stream's previous recorded abort */
};

/* Values of the module's bits that are no module ids. */
#define HOSTED_NO_MODULE UINT64_C(0xffff)
#define HOSTED_MODULE_WORD UINT64_C(0xfffe)

#define HOSTED_FUNCTION_MAX ((UINT32_C(1) << 24) - 1)

/* Slots of a record at most: 256 MiB. */
#define HOSTED_SLOTS_MAX (UINT64_C(1) << 23)

#define HOSTED_WORDS_PER_SLOT 4u

/* Words of a frame. */
static inline uint64_t hosted_frame_words(uint64_t flags)
{
	return flags & HOSTED_IDENTITY ? 4 : 3;
}

static inline uint64_t hosted_flags(const struct slot *slot)
{
	return slot->words[2] >> 56;
}

static inline uint32_t hosted_stream_number(const struct slot *slot)
{
	return (uint32_t)slot->words[1];
}

static inline uint32_t hosted_function(const struct slot *slot)
{
	return (uint32_t)(slot->words[1] >> 32) & HOSTED_FUNCTION_MAX;
}

static inline uint32_t hosted_reason(const struct slot *slot)
{
	return (uint32_t)(slot->words[1] >> 56) & 7;
}

static inline uint32_t hosted_abort_kind(const struct slot *slot)
{
	return (uint32_t)(slot->words[1] >> 59) & 3;
}

static inline uint64_t hosted_module_bits(const struct slot *slot)
{
	return (slot->words[2] >> 32) & 0xffff;
}

/* Word 1 and word 2 of a record. */
static inline uint64_t hosted_word1(
	uint32_t stream, uint32_t function, uint32_t reason, uint32_t abort_kind)
{
	return stream | (uint64_t)function << 32 | (uint64_t)reason << 56 |
	       (uint64_t)abort_kind << 59;
}

static inline uint64_t hosted_word2(
	uint64_t slots, uint64_t module_bits, enum hosted_kind kind, uint64_t flags)
{
	return slots | module_bits << 32 | (uint64_t)kind << 48 | flags << 56;
}

#endif
