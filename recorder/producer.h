/*
 * Producers: a recorded thread's way into its ring, for library hosts. A thread has one per
 * recorder, made on first use and given back when the thread ends.
 *
 * A signal handler may interrupt a producer at any instruction and record on streams of its own: it
 * then gets another producer of the thread, with a ring of its own. A handler that never comes back
 * leaves a producer taken; it is taken back by the next call that comes from further up the stack.
 *
 * After fork nothing of this exists in the child: the memory is wiped, so that it falls into the
 * cold path, which finds its recorder dead.
 *
 * Threads: a producer belongs to one thread; the registry of a recorder is locked.
 */
#ifndef REEL_RECORDER_PRODUCER_H
#define REEL_RECORDER_PRODUCER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hosted_record.h"
#include "session.h"

/* How deep handlers may interrupt each other in the middle of recording. */
#define PRODUCER_LEVELS 3u

/* Words of a record that fit without allocation. */
#define PRODUCER_WORDS 256u

/* Contexts and modules that a thread remembers, see factory.c. Powers of two. */
#define PRODUCER_STREAMS 1024u
#define PRODUCER_MODULES 64u

struct producer {
	struct producer_thread *thread;
	uint64_t serial;   /* never used again; 0: it has no ring */
	struct ring *ring; /* NULL: none was free */
	struct slot *slots;
	uint64_t capacity;
	uint64_t pos;          /* own copy of the ring's */
	uint64_t limit;        /* may write up to here without a look at the ring */
	uint32_t retry;        /* calls until it asks for a ring again */
	const void *frame;     /* stack frame of the call that has taken it */
	uint64_t *words;       /* the record in the making: `own_words`, or allocated */
	size_t words_capacity; /* of `words` */
	size_t word_count;
	uint64_t own_words[PRODUCER_WORDS];
};

/* A thread's producers for one recorder. Wiped by fork. */
struct producer_thread {
	struct producer_registry *_Atomic registry; /* NULL: the recorder is closed, or this is a
						       forked child */
	struct producer_thread *thread_next;        /* the thread's own list */
	struct producer_thread *next, *previous;    /* the registry's, under its lock */
	volatile uint32_t level;                    /* producers that are taken */
	struct producer producers[PRODUCER_LEVELS];
	void *streams[PRODUCER_STREAMS];    /* hints only */
	uint32_t modules[PRODUCER_MODULES]; /* id + 1 of modules that are defined */
};

/* A recorder's threads. */
struct producer_registry {
	struct session *session;
	bool waits;                      /* for room, in place of dropping */
	_Atomic uint32_t *alive;         /* a page of its own: 1, or 0 in a forked child */
	struct producer_thread *threads; /* under the lock of all registries */
};

int producer_registry_init(struct producer_registry *registry, struct session *session, bool waits);

/* Lets go of all threads. None may be recording. */
void producer_registry_deinit(struct producer_registry *registry);

/* False in a forked child. */
bool producer_registry_is_alive(const struct producer_registry *registry);

/* The calling thread's state; NULL: there is none, and nothing can be recorded. */
struct producer_thread *producer_thread_find(struct producer_registry *registry);

extern __thread struct producer_thread *producer_thread_current;

static inline struct producer_thread *producer_thread(struct producer_registry *registry)
{
	struct producer_thread *thread = producer_thread_current;

	/* Relaxed: it is this thread's; closing the recorder is ordered by the caller. */
	if (thread && atomic_load_explicit(&thread->registry, memory_order_relaxed) == registry) {
		return thread;
	}
	return producer_thread_find(registry);
}

/* Takes a producer, or NULL. `frame` is the caller's stack frame. */
struct producer *producer_take_nested(struct producer_thread *thread, const void *frame);

static inline struct producer *producer_take(struct producer_registry *registry, const void *frame)
{
	struct producer_thread *thread = producer_thread(registry);
	struct producer *producer;

	if (!thread) {
		return NULL;
	}
	producer = &thread->producers[0];
	if (thread->level > 0 || !producer->ring) {
		return producer_take_nested(thread, frame);
	}
	producer->frame = frame;
	thread->level = 1;
	atomic_signal_fence(memory_order_seq_cst);
	return producer;
}

static inline void producer_give_back(struct producer *producer)
{
	struct producer_thread *thread = producer->thread;

	atomic_signal_fence(memory_order_seq_cst);
	thread->level = (uint32_t)(producer - thread->producers);
}

/* ---- the record in the making ---- */

/* Room for `count` more words; NULL when memory is short or the record too large. */
uint64_t *producer_grow_words(struct producer *producer, size_t count);

/* Lends `count` words at the record's end; NULL as above. */
static inline uint64_t *producer_put(struct producer *producer, size_t count)
{
	uint64_t *words = producer->words + producer->word_count;

	if (count > producer->words_capacity - producer->word_count) {
		words = producer_grow_words(producer, count);
		if (!words) {
			return NULL;
		}
	}
	producer->word_count += count;
	return words;
}

/*
 * Publishes the record: `words`, its header filled in but for the number of slots. False when there
 * is no room and the recorder drops, or when nobody drains any more.
 */
bool producer_publish(struct producer *producer);

/* Wakes the consumer if it sleeps. */
void producer_wake_consumer(const struct session *session);

#endif
