/*
 * Files of the listener `log` with streams=split: one per stream, "out.log" giving "out.tid7.log".
 */
#ifndef REEL_LISTENERS_LOG_SPLIT_H
#define REEL_LISTENERS_LOG_SPLIT_H

#include <stdint.h>

#include "text.h"

/* A zeroed struct is one that has no files. */
struct log_split {
	char *path;              /* what the user named */
	struct reel_error error; /* the first failure; status 0: none */
};

/* REEL_EINVAL when `path` is NULL: standard output cannot be split. */
int log_split_init(struct log_split *split, const char *path, struct reel_error *error);
void log_split_deinit(struct log_split *split);

/* Opens a stream's file; NULL when that fails, now or for a stream before. */
struct text_output *log_split_open(struct log_split *split, uint32_t stream);

/* Finishes a stream's file. */
void log_split_close(struct log_split *split, struct text_output *output);

/* Removes an unfinished one. NULL is accepted. */
void log_split_abandon(struct text_output *output);

#endif
