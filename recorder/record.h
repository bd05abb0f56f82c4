/*
 * Records: an event's bytes in a ring. The first slot's word 2 has the kind in its bits 48 to 55.
 *
 * A native before or after is one slot, written by hooks in machine code:
 *
 *   word 0   ticks
 *   word 1   bits 0-47 function address; before: bits 48-63 low bits of the hook's return address
 *   word 2   bits 0-47 call site (return address of the function); bits 48-55 kind
 *   word 3   stack pointer in the hook
 *
 * Every other record has in its first slot: word 0 ticks, word 1 as its kind says, word 2 the kind
 * and in bits 0-31 the number of slots of the whole record, word 3 the number of payload bytes that
 * follow the first slot.
 */
#ifndef REEL_RECORDER_RECORD_H
#define REEL_RECORDER_RECORD_H

#include <stdint.h>

#include "ring.h"

#define RECORD_ADDRESS_MASK ((UINT64_C(1) << 48) - 1)

enum record_kind {
	RECORD_NATIVE_BEFORE = 0,
	RECORD_NATIVE_AFTER = 1,
	RECORD_GAP = 2, /* word 1: events lost since the thread took the ring; here, those not told
			   before */
	RECORD_UNWIND = 3,  /* word 1: exits that found no room, likewise; innermost first */
	RECORD_PROCESS = 4, /* word 1: parent process's token; payload: struct record_process */
	RECORD_OBJECT = 5,  /* payload: struct record_object and the path */
	RECORD_OBJECTS_CHANGE =
		6,          /* a dlclose() comes: addresses may mean something else from here on */
	RECORD_THREAD = 7,  /* the thread starts here; payload: its name, maybe empty */
	RECORD_HOSTED = 16, /* and above: of library hosts, see hosted.h */
};

static inline uint32_t record_kind(const struct slot *slot)
{
	return (uint32_t)(slot->words[2] >> 48) & 0xff;
}

/* Slots of a record of another kind than the native two; a hostile number is the caller's to check.
 */
static inline uint64_t record_slots(const struct slot *slot)
{
	return slot->words[2] & UINT32_MAX;
}

struct record_process {
	uint64_t token, parent_token;
	uint32_t pid, parent_pid;
	char name[16]; /* comm */
};

struct record_object {
	uint64_t base;          /* load bias */
	uint64_t begin, end;    /* mapped addresses */
	uint32_t build_id_size; /* 0: none */
	uint8_t build_id[20];
	/* the path follows, without a NUL, to the end of the payload */
};

#endif
