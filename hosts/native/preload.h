/*
 * The hook library's place, and the environment by which a program finds library and session.
 */
#ifndef REEL_NATIVE_PRELOAD_H
#define REEL_NATIVE_PRELOAD_H

#include <reel/status.h>

/*
 * The path of the hook library: `chosen`, or when that is NULL the one beside this library or
 * program, or where it was installed. *path is the caller's to free.
 */
int preload_find(const char *chosen, char **path, struct reel_error *error);

/*
 * The caller's environment with `library` before whatever else is preloaded, and `session`. NULL:
 * no memory. Its strings are partly the environment's own; environment_destroy() frees the rest.
 */
struct environment {
	char **variables; /* as execve() takes them */
	char *preload, *session;
};

int environment_create(const char *library, const char *session, struct environment *environment);
void environment_destroy(struct environment *environment);

#endif
