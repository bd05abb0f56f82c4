/*
 * A file in the making: written under a temporary name beside its own, and renamed when it is
 * whole.
 *
 * A file that has the name already becomes `path`.old. Anything but a regular file under that
 * name is refused. Threads: one at a time.
 */
#ifndef REEL_FORMAT_OUTPUT_H
#define REEL_FORMAT_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include <reel/status.h>

struct output {
	int fd;
	uint64_t size; /* bytes written */
	char *path, *temporary, *old;
};

/* Makes the temporary file, readable by its owner only. */
int output_create(struct output *output, const char *path, struct reel_error *error);

/* Writes all of it, whatever the system does by halves. */
int output_write(struct output *output, const void *bytes, size_t size, struct reel_error *error);

/* Gives the file its name. Frees the output always; on failure the temporary file stays, for it may
 * hold what cannot be had again, and the error names it. */
int output_finish(struct output *output, struct reel_error *error);

/* Closes the temporary file and leaves it there. Frees the output. */
void output_close(struct output *output);

/* Removes the temporary file and frees the output. */
void output_abandon(struct output *output);

#endif
