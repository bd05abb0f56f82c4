/*
 * The line reader: read(), then zstd's streaming decoder when the input starts with its magic, then
 * a buffer that is cut at newlines.
 */
#include "line_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INPUT_SIZE = 128 * 1024, FIRST_LINES_SIZE = 256 * 1024 };

/* Fills the input buffer; `ended` is set when there is nothing more. */
static int read_input(struct jsonl_line_reader *reader, struct reel_error *error)
{
	ssize_t got;

	do {
		got = read(reader->fd, reader->input, INPUT_SIZE);
	} while (got < 0 && errno == EINTR);
	if (got < 0) {
		return reel_fail(error, REEL_EIO, "%s: %s", reader->path, strerror(errno));
	}
	reader->input_offset = 0;
	reader->input_size = (size_t)got;
	reader->done_bytes += (size_t)got;
	reader->ended = got == 0;
	return 0;
}

/* Reads until the magic of a zstd frame (or of a skippable one) can be told from anything else. */
static int read_magic(struct jsonl_line_reader *reader, uint32_t *magic, struct reel_error *error)
{
	unsigned char bytes[4] = {0};

	while (reader->input_size < sizeof(bytes)) {
		ssize_t got = read(reader->fd, reader->input + reader->input_size,
			INPUT_SIZE - reader->input_size);

		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got < 0) {
			return reel_fail(error, REEL_EIO, "%s: %s", reader->path, strerror(errno));
		}
		if (got == 0) {
			break;
		}
		reader->input_size += (size_t)got;
		reader->done_bytes += (size_t)got;
	}
	memcpy(bytes, reader->input,
		reader->input_size < sizeof(bytes) ? reader->input_size : sizeof(bytes));
	*magic = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
		 (uint32_t)bytes[3] << 24;
	return 0;
}

static int start_decoding(struct jsonl_line_reader *reader, struct reel_error *error)
{
	uint32_t magic = 0;
	int status = read_magic(reader, &magic, error);

	if (status < 0) {
		return status;
	}
	if (magic != ZSTD_MAGICNUMBER &&
		(magic & ZSTD_MAGIC_SKIPPABLE_MASK) != ZSTD_MAGIC_SKIPPABLE_START) {
		return 0;
	}
	reader->zstd = ZSTD_createDStream();
	if (!reader->zstd) {
		return reel_fail(error, REEL_ENOMEM, "%s: out of memory", reader->path);
	}
	return 0;
}

static int open_input(struct jsonl_line_reader *reader, const char *path, struct reel_error *error)
{
	struct stat status;

	if (strcmp(path, "-") == 0) {
		reader->path = "standard input";
		reader->fd = STDIN_FILENO;
		return 0;
	}
	reader->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (reader->fd < 0) {
		return reel_fail(error, errno == ENOENT ? REEL_ENOENT : REEL_EIO, "%s: %s", path,
			strerror(errno));
	}
	reader->owns_fd = true;
	if (fstat(reader->fd, &status) == 0 && S_ISREG(status.st_mode)) {
		reader->size_bytes = (uint64_t)status.st_size;
	}
	return 0;
}

int jsonl_line_reader_open(
	struct jsonl_line_reader *reader, const char *path, struct reel_error *error)
{
	int status;

	*reader = (struct jsonl_line_reader){.path = path, .fd = -1};
	status = open_input(reader, path, error);
	if (status < 0) {
		return status;
	}
	reader->input = malloc(INPUT_SIZE);
	reader->lines = malloc(FIRST_LINES_SIZE);
	reader->capacity = FIRST_LINES_SIZE;
	if (!reader->input || !reader->lines) {
		status = reel_fail(error, REEL_ENOMEM, "%s: out of memory", reader->path);
	} else {
		status = start_decoding(reader, error);
	}
	if (status < 0) {
		jsonl_line_reader_close(reader);
	}
	return status;
}

void jsonl_line_reader_close(struct jsonl_line_reader *reader)
{
	if (reader->owns_fd) {
		close(reader->fd);
	}
	ZSTD_freeDStream(reader->zstd);
	free(reader->input);
	free(reader->lines);
	*reader = (struct jsonl_line_reader){.fd = -1};
}

/* Makes room behind `end`. A line fills the whole buffer only when it is longer than all before. */
static int make_room(struct jsonl_line_reader *reader, struct reel_error *error)
{
	size_t capacity = reader->capacity;
	char *lines;

	if (reader->start > 0) {
		memmove(reader->lines, reader->lines + reader->start, reader->end - reader->start);
		reader->end -= reader->start;
		reader->start = 0;
	}
	if (reader->end < capacity) {
		return 0;
	}
	if (capacity >= JSONL_MAX_LINE) {
		return reel_fail(error, REEL_ELIMIT, "%s:%llu: the line is longer than 64 MiB",
			reader->path, (unsigned long long)reader->line + 1);
	}
	lines = realloc(reader->lines, capacity * 2);
	if (!lines) {
		return reel_fail(error, REEL_ENOMEM, "%s: out of memory", reader->path);
	}
	reader->lines = lines;
	reader->capacity = capacity * 2;
	return 0;
}

/* Moves decoded bytes from the input buffer behind `end`. */
static int decode_input(struct jsonl_line_reader *reader, struct reel_error *error)
{
	ZSTD_inBuffer in = {reader->input, reader->input_size, reader->input_offset};
	ZSTD_outBuffer out = {reader->lines, reader->capacity, reader->end};
	size_t result;

	if (!reader->zstd) {
		size_t size = in.size - in.pos;

		if (size > out.size - out.pos) {
			size = out.size - out.pos;
		}
		memcpy(reader->lines + reader->end, reader->input + reader->input_offset, size);
		reader->input_offset += size;
		reader->end += size;
		return 0;
	}
	result = ZSTD_decompressStream(reader->zstd, &out, &in);
	if (ZSTD_isError(result)) {
		return reel_fail(error, REEL_EFORMAT, "%s:%llu: damaged zstd data: %s",
			reader->path, (unsigned long long)reader->line + 1,
			ZSTD_getErrorName(result));
	}
	reader->inside_frame = result != 0;
	reader->input_offset = in.pos;
	reader->end = out.pos;
	return 0;
}

/* Gets more decoded bytes, if there are any. */
static int fill(struct jsonl_line_reader *reader, struct reel_error *error)
{
	int status = make_room(reader, error);
	size_t end = reader->end;

	while (status == 0 && reader->end == end && !reader->ended) {
		if (reader->input_offset < reader->input_size || reader->inside_frame) {
			status = decode_input(reader, error);
		}
		if (status == 0 && reader->end == end &&
			reader->input_offset == reader->input_size) {
			status = read_input(reader, error);
		}
	}
	if (status == 0 && reader->ended && reader->inside_frame) {
		return reel_fail(error, REEL_EFORMAT, "%s:%llu: the zstd data is cut off",
			reader->path, (unsigned long long)reader->line + 1);
	}
	return status;
}

static void lend(
	struct jsonl_line_reader *reader, size_t size, const char **text, size_t *text_size)
{
	*text = reader->lines + reader->start;
	*text_size = size;
	reader->line++;
}

int jsonl_line_reader_next(
	struct jsonl_line_reader *reader, const char **text, size_t *size, struct reel_error *error)
{
	size_t searched = 0;

	for (;;) {
		size_t have = reader->end - reader->start;
		const char *newline = have == searched
					      ? NULL
					      : memchr(reader->lines + reader->start + searched,
							'\n', have - searched);
		int status;

		if (newline) {
			size_t length = (size_t)(newline - reader->lines) - reader->start;

			lend(reader, length, text, size);
			reader->start += length + 1;
			return 0;
		}
		searched = have;
		if (reader->ended) {
			if (have == 0) {
				return REEL_END;
			}
			lend(reader, have, text, size);
			reader->start = reader->end;
			return 0;
		}
		status = fill(reader, error);
		if (status < 0) {
			return status;
		}
	}
}
