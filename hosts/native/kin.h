/*
 * Kin: processes that belong to a recording but have not told the session of themselves yet: a
 * child just forked whose parent has ended, a program that is still being loaded.
 */
#ifndef REEL_NATIVE_KIN_H
#define REEL_NATIVE_KIN_H

#include <stdbool.h>

/* True while a process other than the caller, started after it, has the file at `session` mapped or
 * its path in its environment. Looks through /proc. */
bool kin_alive(const char *session);

#endif
