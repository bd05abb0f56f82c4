/*
 * The ring: records of one thread on their way to the consumer. Single producer, single consumer,
 * 32-byte slots, a power of two of them.
 *
 * Positions are free-running 64-bit counts of slots; slot = position & (capacity - 1).
 *
 * Invariant: consumer_pos <= producer_pos <= consumer_pos + capacity, and every slot in
 * [consumer_pos, producer_pos) holds a whole record or part of one that ends before producer_pos.
 *
 *   pair  released by                      acquired by                 what it orders
 *   [P]   producer: producer_pos = end     consumer: ring_peek()       slots below are written
 *   [C]   consumer: ring_release()         producer: ring_limit()      slots below may be reused
 *
 *   [W]   consumer: ring_release()         producer: ring_wait()       room is seen, or the waiter
 * is
 *
 * A signal handler may interrupt the producer at any instruction, record events itself, and never
 * come back (siglongjmp). Native hooks therefore write a record and publish it inside a restartable
 * sequence (rseq(2)): when a signal is delivered anywhere between reading producer_pos and storing
 * the new one, the kernel sends the thread back to the start, and an abandoned record was never
 * published. Nothing is ever reserved, so nothing can be left reserved.
 */
#ifndef REEL_RECORDER_RING_H
#define REEL_RECORDER_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLOT_SIZE 32u

struct slot {
	uint64_t words[4];
};

enum ring_state {
	RING_FREE = 0,
	RING_CLAIMED = 1, /* a thread is filling in the owner */
	RING_OPEN = 2,    /* in use */
	RING_DONE = 3,    /* its thread will write no more; the consumer drains and frees it */
};

/* In shared memory; on lines of their own what producer and consumer write. */
struct ring {
	_Alignas(64) _Atomic uint32_t state; /* enum ring_state */
	uint32_t pid, tid;                   /* owner */
	uint32_t stream;                     /* stream of the owner's own stack */
	uint64_t token;                      /* of the owner's process */
	uint64_t capacity;                   /* slots */
	uint64_t slots_offset;               /* bytes from the session's base */
	/*
	 * Events lost, and exits that found no room, since the thread took the ring: counted by its
	 * cold path. Records tell the consumer of them as totals, so that it can take from here
	 * what no record told any more.
	 */
	uint64_t lost, unwound;
	char name[16]; /* thread name when the thread ended; empty before */
	_Alignas(64) _Atomic uint64_t producer_pos;
	_Alignas(64) _Atomic uint64_t consumer_pos;
	_Atomic uint32_t producer_waits; /* futex: 1 while the producer sleeps for room */
};

/* The consumer's own copy of what it must not believe the shared memory about. */
struct ring_geometry {
	uint64_t capacity;
	uint64_t slots_offset;
};

/* ---- consumer ---- */

/*
 * Slots that may be read: sets *begin and *end and returns true, or returns false when the
 * positions make no sense (the program scribbled on them).
 */
bool ring_peek(const struct ring *ring, uint64_t capacity, uint64_t consumer_pos, uint64_t *end);

/* Gives the slots below `pos` back to the producer and wakes it when it waits. */
void ring_release(struct ring *ring, uint64_t pos);

/* ---- producer in C (library hosts, cold paths) ---- */

/* The position up to which the producer may write now. */
uint64_t ring_limit(const struct ring *ring, uint64_t capacity);

/* Copies `count` slots to the producer's position, wrapping as needed, and publishes them. There is
 * room. */
void ring_publish(struct ring *ring, struct slot *slots, uint64_t capacity,
	const struct slot *records, uint64_t count);

/* Sleeps until the consumer released something, at most `timeout_ns`. */
void ring_wait(struct ring *ring, uint64_t seen_consumer_pos, uint64_t timeout_ns);

#endif
