/*
 * Files per stream; see log_split.h. Given a path, promises names that differ by stream and one
 * error for all files together.
 */
#include "log_split.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int log_split_init(struct log_split *split, const char *path, struct reel_error *error)
{
	if (!path) {
		return reel_fail(error, REEL_EINVAL, "log: streams=split needs file=PATH");
	}
	split->path = strdup(path);
	return split->path ? 0 : reel_fail(error, REEL_ENOMEM, "out of memory");
}

void log_split_deinit(struct log_split *split)
{
	free(split->path);
	*split = (struct log_split){0};
}

/* The stream's id goes before the name's last dot, or at its end. malloc'd. */
static char *stream_path(const struct log_split *split, uint32_t stream)
{
	const size_t size = strlen(split->path) + 32;
	const char *slash = strrchr(split->path, '/');
	const char *dot = strrchr(slash ? slash + 1 : split->path, '.');
	const char *suffix = dot ? dot : split->path + strlen(split->path);
	char *path = malloc(size);

	if (path) {
		snprintf(path, size, "%.*s.tid%" PRIu32 "%s", (int)(suffix - split->path),
			split->path, stream, suffix);
	}
	return path;
}

struct text_output *log_split_open(struct log_split *split, uint32_t stream)
{
	struct text_output *output;
	char *path;

	if (split->error.status < 0) {
		return NULL;
	}
	output = malloc(sizeof(*output));
	path = stream_path(split, stream);
	if (!output || !path) {
		reel_fail(&split->error, REEL_ENOMEM, "out of memory");
	}
	if (split->error.status < 0 || text_open(output, path, &split->error) < 0) {
		free(output);
		output = NULL;
	}
	free(path);
	return output;
}

void log_split_close(struct log_split *split, struct text_output *output)
{
	struct reel_error error;

	if (text_close(output, &error) < 0 && split->error.status == 0) {
		split->error = error;
	}
	log_split_abandon(output);
}

void log_split_abandon(struct text_output *output)
{
	if (output) {
		text_deinit(output);
		free(output);
	}
}
