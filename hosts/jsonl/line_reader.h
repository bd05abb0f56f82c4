/*
 * Lines of a file, one after the other, plain or zstd-compressed.
 *
 * It is given a path, "-" being standard input, finds out by itself which of the two the bytes are,
 * and lends one line at a time. Memory is bounded by the longest line and zstd's window.
 */
#ifndef JSONL_LINE_READER_H
#define JSONL_LINE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zstd.h>

#include <reel/status.h>

/* The longest line that is read, in bytes. */
#define JSONL_MAX_LINE ((size_t)64 << 20)

struct jsonl_line_reader {
	const char *path; /* borrowed; what errors call the input */
	int fd;
	bool owns_fd;
	ZSTD_DStream *zstd;   /* NULL: the input is plain */
	bool inside_frame;    /* zstd has not yet reached the end of its current frame */
	bool ended;           /* the input has no further bytes */
	unsigned char *input; /* bytes as they were read */
	size_t input_size, input_offset;
	char *lines; /* decoded bytes: [start, end) is not yet lent */
	size_t start, end, capacity;
	uint64_t line;       /* number of the line that was lent last, from 1 */
	uint64_t size_bytes; /* of the file, 0 when not known */
	uint64_t done_bytes; /* read so far */
};

/* On failure the reader is as if it had never been opened. */
int jsonl_line_reader_open(
	struct jsonl_line_reader *reader, const char *path, struct reel_error *error);
void jsonl_line_reader_close(struct jsonl_line_reader *reader);

/*
 * Lends the next line without its newline, until the next call: 0, or REEL_END. The last line may
 * lack its newline. A failure leaves `line` at the last line that was whole.
 */
int jsonl_line_reader_next(struct jsonl_line_reader *reader, const char **text, size_t *size,
	struct reel_error *error);

#endif
