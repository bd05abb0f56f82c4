/*
 * Sessions: attaching to the shared memory of a recording and taking its rings. Also part of the
 * hook library, so it needs nothing but the C library and allocates nothing.
 */
#include "session.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void session_locate(struct session *session, void *base)
{
	session->base = base;
	session->control = base;
	session->rings = (struct ring *)(session->base + SESSION_CONTROL_SIZE);
}

int session_attach(const char *path, struct session *session)
{
	struct stat status;
	void *base = MAP_FAILED;
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	memset(session, 0, sizeof(*session));
	if (fd < 0) {
		return REEL_EIO;
	}
	if (fstat(fd, &status) == 0 && (uint64_t)status.st_size > sizeof(struct session_control)) {
		session->size_bytes = (size_t)status.st_size;
		base = mmap(NULL, session->size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	}
	close(fd);
	if (base == MAP_FAILED) {
		return REEL_EIO;
	}
	session_locate(session, base);
	session->ring_count = session->control->ring_count;
	if (session->control->magic != SESSION_MAGIC ||
		session->control->size_bytes != session->size_bytes ||
		session->ring_count > SESSION_RING_COUNT_MAX) {
		session_detach(session);
		return REEL_EFORMAT;
	}
	return 0;
}

void session_detach(struct session *session)
{
	if (session->base) {
		munmap(session->base, session->size_bytes);
	}
	session->base = NULL;
	session->control = NULL;
	session->rings = NULL;
}

struct ring *session_claim_ring(const struct session *session)
{
	for (uint32_t i = 0; i < session->ring_count; i++) {
		struct ring *ring = &session->rings[i];
		uint32_t expected = RING_FREE;

		/* Relaxed first, so that a search does not pull every line over; acquire pairs with
		 * the consumer's freeing it. */
		if (atomic_load_explicit(&ring->state, memory_order_relaxed) == RING_FREE &&
			atomic_compare_exchange_strong_explicit(&ring->state, &expected,
				RING_CLAIMED, memory_order_acquire, memory_order_relaxed)) {
			return ring;
		}
	}
	return NULL;
}

bool session_consumer_died(const struct session *session)
{
	/*
	 * The futex word of a robust mutex: the kernel sets the owner-died bit when the thread that
	 * holds it ends, however it ends; a stopped one keeps holding it. 0: it let go on purpose
	 * (closed).
	 */
	int word =
		__atomic_load_n(&session->control->consumer_alive.__data.__lock, __ATOMIC_RELAXED);

	return word == 0 || ((uint32_t)word & FUTEX_OWNER_DIED);
}
