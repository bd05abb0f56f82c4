/*
 * Where a built-in listener writes: standard output or a file, through one large buffer.
 *
 * A file is written under a temporary name beside its own and gets its name when text_close()
 * succeeds, so that nothing half-written is left there; what exists and is no regular file (a
 * device, a pipe) is written directly. Write errors are kept and reported once, by text_close();
 * what comes after the first is dropped.
 *
 * Threads: an output belongs to one thread at a time.
 */
#ifndef REEL_LISTENERS_TEXT_H
#define REEL_LISTENERS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <reel/status.h>

#define TEXT_BUFFER_SIZE (256u * 1024)

struct text_output {
	char *buffer; /* TEXT_BUFFER_SIZE bytes */
	size_t used;
	int fd;          /* -1: closed */
	int error;       /* errno of the first failure, 0: none */
	char *path;      /* the final name; NULL: standard output */
	char *temporary; /* the name until the end; NULL: written directly */
};

/* Opens `path`, or standard output when it is NULL. On failure nothing is left to be freed. */
int text_open(struct text_output *output, const char *path, struct reel_error *error);

/* Writes what is left, closes, and gives the file its name. REEL_EIO with one line of text for the
 * first failure since text_open(). */
int text_close(struct text_output *output, struct reel_error *error);

/* Frees; a file that was not closed is removed. A zeroed struct is accepted. */
void text_deinit(struct text_output *output);

/* Hands the buffer to the operating system. */
void text_flush(struct text_output *output);

/* Writes bytes that do not fit into the buffer's rest. */
void text_spill(struct text_output *output, const void *bytes, size_t size);

static inline void text_bytes(struct text_output *output, const void *bytes, size_t size)
{
	if (__builtin_expect(size > TEXT_BUFFER_SIZE - output->used, 0)) {
		text_spill(output, bytes, size);
		return;
	}
	memcpy(output->buffer + output->used, bytes, size);
	output->used += size;
}

static inline void text_string(struct text_output *output, const char *text)
{
	text_bytes(output, text, strlen(text));
}

static inline void text_char(struct text_output *output, char byte)
{
	text_bytes(output, &byte, 1);
}

/* `count` times the same byte. */
void text_repeat(struct text_output *output, char byte, size_t count);

/* Decimal. */
void text_u64(struct text_output *output, uint64_t value);
void text_i64(struct text_output *output, int64_t value);

/* Sixteen hexadecimal digits. */
void text_hex64(struct text_output *output, uint64_t value);

/* Two hexadecimal digits per byte. */
void text_hex_bytes(struct text_output *output, const void *bytes, size_t size);

/* A short text: what is longer than 1023 bytes is cut. */
void text_format(struct text_output *output, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
