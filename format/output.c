/*
 * A file in the making: see output.h.
 */
#define _GNU_SOURCE /* mkostemp */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMPORARY_SUFFIX ".part-XXXXXX"
#define OLD_SUFFIX ".old"

static char *path_with(const char *path, const char *suffix)
{
	size_t size = strlen(path) + strlen(suffix) + 1;
	char *joined = malloc(size);

	if (joined) {
		snprintf(joined, size, "%s%s", path, suffix);
	}
	return joined;
}

static void output_free(struct output *output)
{
	free(output->path);
	free(output->temporary);
	free(output->old);
	*output = (struct output){.fd = -1};
}

/* REEL_ENOENT when nothing has the name, 0 for a regular file. */
static int check_name(const char *path, struct reel_error *error)
{
	struct stat status;

	if (lstat(path, &status)) {
		return errno == ENOENT
			       ? REEL_ENOENT
			       : reel_fail(error, REEL_EIO, "%s: %s", path, strerror(errno));
	}
	if (!S_ISREG(status.st_mode)) {
		return reel_fail(error, REEL_EINVAL, "%s: exists and is not a regular file", path);
	}
	return REEL_OK;
}

int output_create(struct output *output, const char *path, struct reel_error *error)
{
	int status = check_name(path, error);

	*output = (struct output){.fd = -1};
	if (status && status != REEL_ENOENT) {
		return status;
	}
	output->path = path_with(path, "");
	output->temporary = path_with(path, TEMPORARY_SUFFIX);
	output->old = path_with(path, OLD_SUFFIX);
	if (!output->path || !output->temporary || !output->old) {
		output_free(output);
		return reel_fail(error, REEL_ENOMEM, "%s: out of memory", path);
	}
	output->fd = mkostemp(output->temporary, O_CLOEXEC);
	if (output->fd < 0) {
		status = reel_fail(error, REEL_EIO, "%s: %s", path, strerror(errno));
		output_free(output);
		return status;
	}
	return REEL_OK;
}

int output_write(struct output *output, const void *bytes, size_t size, struct reel_error *error)
{
	const uint8_t *next = bytes;

	while (size) {
		ssize_t written = write(output->fd, next, size);

		if (written < 0 && errno == EINTR) {
			continue;
		}
		if (written <= 0) {
			return reel_fail(error, REEL_EIO, "%s: %s", output->temporary,
				strerror(written < 0 ? errno : ENOSPC));
		}
		next += written;
		size -= (size_t)written;
		output->size += (uint64_t)written;
	}
	return REEL_OK;
}

int output_finish(struct output *output, struct reel_error *error)
{
	int status = check_name(output->path, error);

	if (close(output->fd) && errno != EINTR) {
		status = reel_fail(error, REEL_EIO, "%s: %s", output->temporary, strerror(errno));
	}
	if (status == REEL_OK && rename(output->path, output->old)) {
		status = reel_fail(error, REEL_EIO, "%s: %s", output->old, strerror(errno));
	}
	if (status == REEL_ENOENT) {
		status = REEL_OK;
	}
	if (!status && rename(output->temporary, output->path)) {
		status = reel_fail(error, REEL_EIO, "%s: %s (the trace is in %s)", output->path,
			strerror(errno), output->temporary);
	}
	output_free(output);
	return status;
}

void output_close(struct output *output)
{
	close(output->fd);
	output_free(output);
}

void output_abandon(struct output *output)
{
	if (output->fd >= 0) {
		close(output->fd);
		unlink(output->temporary);
	}
	output_free(output);
}
