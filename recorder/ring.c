/*
 * The ring's two sides in C; see ring.h for the invariant. Native hooks have the producer's side in
 * machine code (hosts/native/hook_x86_64.S) and keep the same pairs.
 */
#include "ring.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

bool ring_peek(const struct ring *ring, uint64_t capacity, uint64_t consumer_pos, uint64_t *end)
{
	/* [P] acquire, released by ring_publish() and the hooks: slots below are whole. */
	*end = atomic_load_explicit(&ring->producer_pos, memory_order_acquire);
	return *end - consumer_pos <= capacity;
}

void ring_release(struct ring *ring, uint64_t pos)
{
	/*
	 * [C] release, acquired in ring_limit(): the consumer has read everything below. And [W]
	 * sequentially consistent with ring_wait(): either the producer sees the room or we see
	 * that it waits.
	 */
	atomic_store_explicit(&ring->consumer_pos, pos, memory_order_seq_cst);
	if (atomic_load_explicit(&ring->producer_waits, memory_order_seq_cst)) {
		atomic_store_explicit(&ring->producer_waits, 0, memory_order_relaxed);
		syscall(SYS_futex, &ring->producer_waits, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
}

uint64_t ring_limit(const struct ring *ring, uint64_t capacity)
{
	/* [C] acquire, released by ring_release(). */
	return atomic_load_explicit(&ring->consumer_pos, memory_order_acquire) + capacity;
}

void ring_publish(struct ring *ring, struct slot *slots, uint64_t capacity,
	const struct slot *records, uint64_t count)
{
	/* Relaxed: only this thread writes it. */
	uint64_t pos = atomic_load_explicit(&ring->producer_pos, memory_order_relaxed);

	for (uint64_t i = 0; i < count; i++) {
		slots[(pos + i) & (capacity - 1)] = records[i];
	}
	/* [P] release, acquired in ring_peek(): whoever sees the new position sees every slot below
	 * it. */
	atomic_store_explicit(&ring->producer_pos, pos + count, memory_order_release);
}

void ring_wait(struct ring *ring, uint64_t seen_consumer_pos, uint64_t timeout_ns)
{
	struct timespec timeout = {
		.tv_sec = (time_t)(timeout_ns / 1000000000u),
		.tv_nsec = (long)(timeout_ns % 1000000000u),
	};

	/* [W] sequentially consistent with ring_release(). */
	atomic_store_explicit(&ring->producer_waits, 1, memory_order_seq_cst);
	if (atomic_load_explicit(&ring->consumer_pos, memory_order_seq_cst) == seen_consumer_pos) {
		syscall(SYS_futex, &ring->producer_waits, FUTEX_WAIT, 1, &timeout, NULL, 0);
	}
	atomic_store_explicit(&ring->producer_waits, 0, memory_order_relaxed);
}
