/*
 * Symbols: names code addresses of recorded native programs, offline, for the consumer.
 *
 * Given the object file that was mapped, its build-id and an offset from its load base, it finds
 * the function's name (C++ demangled), source file and line. Objects are opened when the first of
 * their functions is asked for, their debug information when it is first needed, and a bounded
 * number of them is kept open, the least recently used going first.
 *
 * An object that is gone, or whose build-id is no longer the one that was mapped, gives no names.
 */
#ifndef REEL_NATIVE_SYMBOLS_H
#define REEL_NATIVE_SYMBOLS_H

#include <stddef.h>

#include "consumer.h"

struct symbols;

/*
 * `debug_directory` is searched for separate debug files; NULL: /usr/lib/debug. `object_limit` is
 * the number of objects kept open, 0: 64. NULL when there is no memory.
 *
 * Threads: one at a time.
 */
struct symbols *symbols_create(const char *debug_directory, size_t object_limit);
void symbols_destroy(struct symbols *symbols);

/* As the consumer takes it; valid as long as `symbols`. What it resolves is valid until the next
 * call. */
struct consumer_resolver *symbols_resolver(struct symbols *symbols);

#endif
