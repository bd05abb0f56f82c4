/*
 * Producers of library hosts: claiming rings, waiting for room, records larger than a ring likes.
 * Everything that takes a lock does it with all signals blocked, so that no handler meets a lock
 * that its own thread holds.
 */
#define _GNU_SOURCE
#include "producer.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A record takes this part of its ring at most; a larger one is cut. */
#define RECORD_SHARE 4u

/* The producer looks at the ring at least this often in a round, and wakes the consumer then. */
#define LOOK_SHARE 4u

/* How long a waiter sleeps before it looks whether its consumer lives. */
#define WAIT_NS UINT64_C(50000000)

/* Calls of a thread without a ring between two attempts to get one. */
#define RETRY_CALLS 1024u

/* Attempts to get a ring while waiting for one, and the time between them. */
#define CLAIM_TRIES 200u
#define CLAIM_NS 1000000

__thread struct producer_thread *producer_thread_current;

/* All states of this thread, one per recorder that it used. */
static __thread struct producer_thread *own_threads;

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool has_key;
static _Atomic uint64_t next_serial = 1;

/* ---- the lock of all registries ---- */

static void lock(sigset_t *signals)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, signals);
	pthread_mutex_lock(&registry_lock);
}

static void unlock(const sigset_t *signals)
{
	pthread_mutex_unlock(&registry_lock);
	pthread_sigmask(SIG_SETMASK, signals, NULL);
}

/* In a forked child the thread that held the lock may not exist. */
static void reset_lock(void)
{
	static const pthread_mutex_t unlocked = PTHREAD_MUTEX_INITIALIZER;

	registry_lock = unlocked;
}

/* ---- threads ---- */

static void unlink_thread(struct producer_registry *registry, struct producer_thread *thread)
{
	if (thread->next) {
		thread->next->previous = thread->previous;
	}
	if (thread->previous) {
		thread->previous->next = thread->next;
	} else {
		registry->threads = thread->next;
	}
}

static void free_thread(struct producer_thread *thread)
{
	for (uint32_t i = 0; i < PRODUCER_LEVELS; i++) {
		struct producer *producer = &thread->producers[i];

		if (producer->words != producer->own_words) {
			free(producer->words);
		}
	}
	munmap(thread, sizeof(*thread));
}

/* Gives the rings back to the consumer. */
static void leave_rings(struct producer_thread *thread)
{
	for (uint32_t i = 0; i < PRODUCER_LEVELS; i++) {
		if (thread->producers[i].ring) {
			/* Release, acquired by the consumer: all records are published. */
			atomic_store_explicit(
				&thread->producers[i].ring->state, RING_DONE, memory_order_release);
		}
	}
}

/* The thread ends: its destructors may record once more, and start anew then. */
static void thread_ends(void *unused)
{
	struct producer_thread *next;
	sigset_t signals;

	(void)unused;
	lock(&signals);
	producer_thread_current = NULL;
	for (struct producer_thread *thread = own_threads; thread; thread = next) {
		struct producer_registry *registry =
			atomic_load_explicit(&thread->registry, memory_order_relaxed);

		next = thread->thread_next;
		if (registry) {
			leave_rings(thread);
			unlink_thread(registry, thread);
			producer_wake_consumer(registry->session);
		}
		free_thread(thread);
	}
	own_threads = NULL;
	unlock(&signals);
}

static void make_key(void)
{
	has_key = pthread_key_create(&key, thread_ends) == 0;
	pthread_atfork(NULL, NULL, reset_lock);
}

/* Frees this thread's states of recorders that are closed, or that a fork left behind. */
static void sweep(void)
{
	struct producer_thread **link = &own_threads;

	while (*link) {
		struct producer_thread *thread = *link;

		if (atomic_load_explicit(&thread->registry, memory_order_relaxed)) {
			link = &thread->thread_next;
			continue;
		}
		*link = thread->thread_next;
		free_thread(thread);
	}
}

static struct producer_thread *find_own(const struct producer_registry *registry)
{
	struct producer_thread *thread = own_threads;

	while (thread &&
		atomic_load_explicit(&thread->registry, memory_order_relaxed) != registry) {
		thread = thread->thread_next;
	}
	return thread;
}

static struct producer_thread *create_thread(struct producer_registry *registry)
{
	struct producer_thread *thread = mmap(
		NULL, sizeof(*thread), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (thread == MAP_FAILED) {
		return NULL;
	}
	if (madvise(thread, sizeof(*thread), MADV_WIPEONFORK) != 0) {
		munmap(thread, sizeof(*thread));
		return NULL;
	}
	for (uint32_t i = 0; i < PRODUCER_LEVELS; i++) {
		thread->producers[i].thread = thread;
		thread->producers[i].words = thread->producers[i].own_words;
		thread->producers[i].words_capacity = PRODUCER_WORDS;
	}
	thread->next = registry->threads;
	if (thread->next) {
		thread->next->previous = thread;
	}
	registry->threads = thread;
	thread->thread_next = own_threads;
	own_threads = thread;
	atomic_store_explicit(&thread->registry, registry, memory_order_relaxed);
	return thread;
}

struct producer_thread *producer_thread_find(struct producer_registry *registry)
{
	struct producer_thread *thread;
	sigset_t signals;
	int saved_errno = errno;

	if (!producer_registry_is_alive(registry)) {
		return NULL;
	}
	lock(&signals);
	producer_thread_current = NULL;
	sweep();
	thread = find_own(registry);
	if (!thread && pthread_setspecific(key, registry) == 0) {
		thread = create_thread(registry);
	}
	producer_thread_current = thread;
	unlock(&signals);
	errno = saved_errno;
	return thread;
}

/* ---- registries ---- */

int producer_registry_init(struct producer_registry *registry, struct session *session, bool waits)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *alive = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (alive == MAP_FAILED) {
		return REEL_ENOMEM;
	}
	pthread_once(&once, make_key);
	if (!has_key || madvise(alive, page, MADV_WIPEONFORK) != 0) {
		munmap(alive, page);
		return REEL_EIO;
	}
	*registry = (struct producer_registry){.session = session, .waits = waits, .alive = alive};
	atomic_store(registry->alive, 1);
	return 0;
}

void producer_registry_deinit(struct producer_registry *registry)
{
	sigset_t signals;

	lock(&signals);
	for (struct producer_thread *thread = registry->threads; thread; thread = thread->next) {
		/* Its thread frees it; the caller orders that after this. */
		atomic_store_explicit(&thread->registry, NULL, memory_order_relaxed);
	}
	registry->threads = NULL;
	/* The closing thread may be the process's main one, which never ends as threads do. */
	producer_thread_current = NULL;
	sweep();
	unlock(&signals);
	munmap(registry->alive, (size_t)sysconf(_SC_PAGESIZE));
}

bool producer_registry_is_alive(const struct producer_registry *registry)
{
	/* Relaxed: it changes by fork only. */
	return atomic_load_explicit(registry->alive, memory_order_relaxed) != 0;
}

/* ---- the consumer ---- */

void producer_wake_consumer(const struct session *session)
{
	_Atomic uint32_t *sleeps = &session->control->consumer_sleeps;

	if (atomic_load(sleeps) && atomic_exchange(sleeps, 0)) {
		syscall(SYS_futex, sleeps, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
}

static bool is_drained(const struct session *session)
{
	return atomic_load_explicit(&session->control->state, memory_order_relaxed) !=
		       SESSION_CLOSED &&
	       !session_consumer_died(session);
}

/* ---- taking a producer ---- */

/* A ring for a thread; one that waits gives the consumer time to free those of threads that ended.
 */
static struct ring *claim_ring(const struct producer_registry *registry)
{
	struct ring *ring = session_claim_ring(registry->session);

	for (uint32_t i = 0; !ring && registry->waits && i < CLAIM_TRIES; i++) {
		if (!is_drained(registry->session)) {
			return NULL;
		}
		producer_wake_consumer(registry->session);
		nanosleep(&(struct timespec){.tv_nsec = CLAIM_NS}, NULL);
		ring = session_claim_ring(registry->session);
	}
	return ring;
}

static void open_ring(struct producer *producer, const struct session *session, struct ring *ring)
{
	ring->pid = (uint32_t)getpid();
	ring->tid = (uint32_t)syscall(SYS_gettid);
	ring->stream = 0;
	ring->token = 0;
	memset(ring->name, 0, sizeof(ring->name));
	producer->slots = (struct slot *)(void *)(session->base + ring->slots_offset);
	producer->capacity = ring->capacity;
	/* Relaxed: the claim was ordered after the last owner's records. */
	producer->pos = atomic_load_explicit(&ring->producer_pos, memory_order_relaxed);
	producer->limit = producer->pos;
	producer->serial = atomic_fetch_add_explicit(&next_serial, 1, memory_order_relaxed);
	producer->ring = ring;
	/* Release, acquired by the consumer: whoever sees it open sees its owner. */
	atomic_store_explicit(&ring->state, RING_OPEN, memory_order_release);
}

static bool has_ring(struct producer *producer, const struct producer_registry *registry)
{
	struct ring *ring;

	if (producer->ring) {
		return true;
	}
	if (producer->retry > 0) {
		producer->retry--;
		return false;
	}
	ring = claim_ring(registry);
	if (!ring) {
		producer->retry = RETRY_CALLS;
		return false;
	}
	open_ring(producer, registry->session, ring);
	return true;
}

/*
 * Levels that calls still hold which cannot be running any more: on one stack, a handler's frames
 * are below those of what it interrupted. On an alternate stack nothing is known.
 */
static uint32_t count_running(const struct producer_thread *thread, const void *frame)
{
	uint32_t level = thread->level;
	stack_t alternate;

	if (level == 0 || sigaltstack(NULL, &alternate) != 0 || (alternate.ss_flags & SS_ONSTACK)) {
		return level;
	}
	while (level > 0 && (uintptr_t)thread->producers[level - 1].frame <= (uintptr_t)frame) {
		level--;
	}
	return level;
}

struct producer *producer_take_nested(struct producer_thread *thread, const void *frame)
{
	const struct producer_registry *registry =
		atomic_load_explicit(&thread->registry, memory_order_relaxed);
	int saved_errno = errno;
	uint32_t level = count_running(thread, frame);
	struct producer *producer;

	if (level >= PRODUCER_LEVELS) {
		return NULL;
	}
	producer = &thread->producers[level];
	producer->frame = frame;
	thread->level = level + 1;
	atomic_signal_fence(memory_order_seq_cst);
	if (!has_ring(producer, registry)) {
		producer_give_back(producer);
		producer = NULL;
	}
	errno = saved_errno;
	return producer;
}

/* ---- records ---- */

uint64_t *producer_grow_words(struct producer *producer, size_t count)
{
	size_t needed = producer->word_count + count;
	size_t capacity = producer->words_capacity;
	uint64_t *words;
	int saved_errno = errno;

	if (count > HOSTED_SLOTS_MAX * HOSTED_WORDS_PER_SLOT ||
		needed > HOSTED_SLOTS_MAX * HOSTED_WORDS_PER_SLOT) {
		return NULL;
	}
	while (capacity < needed) {
		capacity *= 2;
	}
	if (producer->words == producer->own_words) {
		words = malloc(capacity * sizeof(*words));
		if (words) {
			memcpy(words, producer->own_words, producer->word_count * sizeof(*words));
		}
	} else {
		words = realloc(producer->words, capacity * sizeof(*words));
	}
	errno = saved_errno;
	if (!words) {
		return NULL;
	}
	producer->words = words;
	producer->words_capacity = capacity;
	return words + producer->word_count;
}

/* Looks at the ring: true when `count` slots fit. */
static bool look(struct producer *producer, uint64_t count)
{
	uint64_t limit = ring_limit(producer->ring, producer->capacity);
	uint64_t next_look = producer->pos + count + producer->capacity / LOOK_SHARE;

	producer->limit = limit < next_look ? limit : next_look;
	return producer->pos + count <= limit;
}

/* Makes sure that `count` slots fit, waiting if `waits`. */
static bool make_room(struct producer *producer, uint64_t count, bool waits)
{
	const struct producer_registry *registry =
		atomic_load_explicit(&producer->thread->registry, memory_order_relaxed);
	const struct session *session = registry->session;
	int saved_errno = errno;

	while (!look(producer, count)) {
		/* Relaxed: only compared by ring_wait(). */
		uint64_t seen =
			atomic_load_explicit(&producer->ring->consumer_pos, memory_order_relaxed);

		producer_wake_consumer(session);
		if (!waits || count > producer->capacity || !is_drained(session)) {
			errno = saved_errno;
			return false;
		}
		if (seen + producer->capacity < producer->pos + count) {
			ring_wait(producer->ring, seen, WAIT_NS);
		}
	}
	producer_wake_consumer(session);
	errno = saved_errno;
	return true;
}

static void publish(struct producer *producer, const void *slots, uint64_t count)
{
	ring_publish(producer->ring, producer->slots, producer->capacity, slots, count);
	producer->pos += count;
}

/* Publishes a large record piece by piece. Each piece's header takes the place of the slot before
 * it, which has been published already (or is the spare one in front). */
static bool publish_pieces(struct producer *producer, uint64_t slot_count, bool waits)
{
	uint64_t piece = producer->capacity / RECORD_SHARE - 1;
	uint64_t pieces = (slot_count + piece - 1) / piece;
	struct slot *slots = (struct slot *)(void *)producer->words;

	if (!waits && !make_room(producer, slot_count + pieces, false)) {
		return false;
	}
	for (uint64_t first = 0; first < slot_count; first += piece) {
		uint64_t left = slot_count - first;
		uint64_t count = left < piece ? left : piece;

		if (!make_room(producer, count + 1, waits)) {
			return false;
		}
		slots[first] = (struct slot){{first, slot_count,
			hosted_word2(count + 1, HOSTED_NO_MODULE, RECORD_CHUNK, 0),
			count * SLOT_SIZE}};
		publish(producer, slots + first, count + 1);
	}
	return true;
}

bool producer_publish(struct producer *producer)
{
	uint64_t *header = producer->words + HOSTED_WORDS_PER_SLOT;
	uint64_t word_count = producer->word_count - HOSTED_WORDS_PER_SLOT;
	uint64_t slot_count = (word_count + HOSTED_WORDS_PER_SLOT - 1) / HOSTED_WORDS_PER_SLOT;
	const struct producer_registry *registry =
		atomic_load_explicit(&producer->thread->registry, memory_order_relaxed);

	header[2] |= slot_count;
	if (slot_count > producer->capacity / RECORD_SHARE) {
		return publish_pieces(producer, slot_count, registry->waits);
	}
	if (producer->pos + slot_count > producer->limit &&
		!make_room(producer, slot_count, registry->waits)) {
		return false;
	}
	publish(producer, header, slot_count);
	return true;
}
