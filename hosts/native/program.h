/*
 * The program that is to be recorded: where it is, and whether it can be recorded at all.
 */
#ifndef REEL_NATIVE_PROGRAM_H
#define REEL_NATIVE_PROGRAM_H

#include <reel/status.h>

/*
 * Finds `name` as execvp() would. 0 and *path (the caller frees it; it always has a slash), or a
 * negative status and *exit_status, 126 or 127.
 */
int program_find(const char *name, char **path, int *exit_status, struct reel_error *error);

/*
 * Looks at the file that is to be executed, or the interpreter that its first line names: refuses
 * what no library can be preloaded into and what would not start with one. A file that cannot be
 * read is left to exec to judge. *exit_status is 125 or 126 on failure.
 */
int program_check(const char *path, int *exit_status, struct reel_error *error);

#endif
