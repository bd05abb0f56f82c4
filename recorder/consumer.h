/*
 * The consumer: drains a session's rings into a trace. One implementation, run by a thread of the
 * recorded process (library hosts) or outside of it (`reel record`).
 *
 * Threads: all calls on one consumer come from one thread, the one that holds the session's
 * consumer_alive.
 */
#ifndef REEL_RECORDER_CONSUMER_H
#define REEL_RECORDER_CONSUMER_H

#include <stdbool.h>
#include <stdint.h>

#include <reel/recorder.h>

#include "definitions.h"
#include "definitions.h"
#include "emitter.h"
#include "session.h"

/* What is known of a code address of a recorded process. Strings valid until the resolver is asked
 * again. */
struct consumer_symbol {
	const char *name; /* demangled; NULL: not known */
	const char *file; /* NULL: not known */
	uint32_t line;
	uint64_t address, code_size; /* from the object's base; address 0: not known */
};

/* Names code addresses: given by whoever runs the consumer for native programs, so that recorder/
 * needs no ELF. */
struct consumer_resolver {
	/* `path`: object file, `build_id` may be NULL, `offset` from its load base. False: nothing
	 * is known. */
	bool (*resolve)(struct consumer_resolver *resolver, const char *path,
		const uint8_t *build_id, uint32_t build_id_size, uint64_t offset,
		struct consumer_symbol *symbol);
};

struct consumer_options {
	const struct reel_recorder_options *recorder; /* filters, codec; borrowed */
	struct consumer_resolver *resolver;           /* NULL: library hosts */
	struct definitions *definitions; /* what a library host defines, for hosted_create(); NULL:
					    native programs */
};

struct consumer;

/* `writer` is borrowed: finish or abandon it after consumer_destroy(). */
int consumer_create(struct session *session, struct writer *writer,
	const struct consumer_options *options, struct consumer **consumer,
	struct reel_error *error);
void consumer_destroy(struct consumer *consumer);

/* Drains what there is, once round. Returns the slots drained, or a negative status: the trace
 * cannot grow any more. */
int64_t consumer_drain(struct consumer *consumer);

/* Sleeps until a producer asks for room or `timeout_ns` has passed. */
void consumer_sleep(struct consumer *consumer, uint64_t timeout_ns);

/*
 * Housekeeping, to be called now and then (every 100 ms or so): notices processes and threads that
 * died, ends their streams, frees their rings, closes blocks that wait too long, takes a clock
 * sample. Returns the number of living processes that have made events.
 */
uint32_t consumer_tend(struct consumer *consumer);

/* Drains all that is left, ends every stream that is open with `reason`, writes all blocks. 0 or
 * the first failure. */
int consumer_finish(struct consumer *consumer, enum reel_reason reason);

/* Events taken from the rings so far, and what could not be recorded. */
uint64_t consumer_event_count(const struct consumer *consumer);

#endif
