/*
 * What the hooks' machine code (hook_x86_64.S) and their cold path (hooks.c) share.
 */
#ifndef REEL_NATIVE_HOOK_H
#define REEL_NATIVE_HOOK_H

#include <stdint.h>

#include "ring.h"

/*
 * A thread's producer. The offsets of the first five are written out in hook_x86_64.S. `limit`
 * points into a page that fork wipes: a forked child finds 0 there and goes to the cold path. Until
 * a thread has its ring, position and limit point to a zero, which leads there as well.
 */
struct hook_producer {
	_Atomic uint64_t *producer_pos;
	struct slot *slots;
	uint64_t mask_bytes; /* (capacity - 1) * SLOT_SIZE */
	uint64_t *limit;     /* position at which the hooks go to the cold path */
	uint64_t *rseq_cs;   /* the thread's rseq area, or `no_rseq` */
};

extern __thread struct hook_producer reel_hook_producer
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/* The hooks' cold path. Keeps errno. `kind` is enum record_kind. */
void reel_hook_slow(uint64_t function, uint64_t call_site, uint64_t stack_pointer,
	uint64_t return_address, uint32_t kind) __attribute__((visibility("hidden")));

/* The process ends on purpose: calls that are still open then were not killed. */
void reel_hook_exits(void) __attribute__((visibility("hidden")));

/*
 * Around dlclose(): addresses may be used again afterwards, so what was mapped is told before, and
 * what is left after. The first returns what the second is given.
 */
unsigned long long reel_hook_before_unload(void) __attribute__((visibility("hidden")));
void reel_hook_after_unload(unsigned long long unloads) __attribute__((visibility("hidden")));

int reel_hook_publish(const struct slot *records, uint64_t count, uint64_t limit)
	__attribute__((visibility("hidden")));

#endif
