/*
 * Buffered output to a file or to standard output: given bytes, it promises that they are all
 * there under the final name, or that one clear error says why not.
 */
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Attempts at a temporary name that nobody has. */
#define NAME_ATTEMPTS 100

#define FORMAT_SIZE 1024

static const char hex_digits[] = "0123456789abcdef";

/* A regular file, or nothing yet, is replaced as a whole at the end. */
static bool is_replaceable(const char *path)
{
	struct stat status;

	return lstat(path, &status) < 0 ? errno == ENOENT : S_ISREG(status.st_mode);
}

static int open_temporary(struct text_output *output)
{
	const size_t size = strlen(output->path) + 32;

	output->temporary = malloc(size);
	if (!output->temporary) {
		return ENOMEM;
	}
	for (int attempt = 0; attempt < NAME_ATTEMPTS; attempt++) {
		snprintf(output->temporary, size, "%s.tmp%ld-%d", output->path, (long)getpid(),
			attempt);
		output->fd = open(output->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (output->fd >= 0) {
			return 0;
		}
		if (errno != EEXIST) {
			break;
		}
	}
	return errno;
}

static int open_file(struct text_output *output, const char *path)
{
	int code = 0;

	output->fd = -1;
	output->path = strdup(path);
	if (!output->path) {
		return ENOMEM;
	}
	if (is_replaceable(path)) {
		code = open_temporary(output);
	} else {
		output->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		code = output->fd < 0 ? errno : 0;
	}
	if (code) {
		/* It is not ours, or not there: nothing to remove. */
		free(output->temporary);
		output->temporary = NULL;
	}
	return code;
}

int text_open(struct text_output *output, const char *path, struct reel_error *error)
{
	int code = 0;

	*output = (struct text_output){.fd = STDOUT_FILENO};
	output->buffer = malloc(TEXT_BUFFER_SIZE);
	if (!output->buffer) {
		code = ENOMEM;
	} else if (path) {
		code = open_file(output, path);
	} else {
		/* What the program wrote by stdio so far comes first. */
		fflush(stdout);
	}
	if (code == 0) {
		return 0;
	}
	text_deinit(output);
	return code == ENOMEM ? reel_fail(error, REEL_ENOMEM, "out of memory")
			      : reel_fail(error, REEL_EIO, "%s: %s", path, strerror(code));
}

static void write_all(struct text_output *output, const char *bytes, size_t size)
{
	while (size > 0 && !output->error) {
		const ssize_t written = write(output->fd, bytes, size);

		if (written > 0) {
			bytes += written;
			size -= (size_t)written;
		} else if (written < 0 && errno != EINTR) {
			output->error = errno;
		}
	}
}

void text_flush(struct text_output *output)
{
	write_all(output, output->buffer, output->used);
	output->used = 0;
}

void text_spill(struct text_output *output, const void *bytes, size_t size)
{
	text_flush(output);
	if (size > TEXT_BUFFER_SIZE) {
		write_all(output, bytes, size);
		return;
	}
	memcpy(output->buffer, bytes, size);
	output->used = size;
}

void text_repeat(struct text_output *output, char byte, size_t count)
{
	for (; count > 0; count--) {
		text_char(output, byte);
	}
}

void text_u64(struct text_output *output, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	text_bytes(output, digits + at, sizeof(digits) - at);
}

void text_i64(struct text_output *output, int64_t value)
{
	uint64_t magnitude = (uint64_t)value;

	if (value < 0) {
		text_char(output, '-');
		magnitude = 0 - magnitude;
	}
	text_u64(output, magnitude);
}

void text_hex64(struct text_output *output, uint64_t value)
{
	for (int shift = 60; shift >= 0; shift -= 4) {
		text_char(output, hex_digits[(value >> shift) & 15]);
	}
}

void text_hex_bytes(struct text_output *output, const void *bytes, size_t size)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < size; i++) {
		text_char(output, hex_digits[at[i] >> 4]);
		text_char(output, hex_digits[at[i] & 15]);
	}
}

void text_format(struct text_output *output, const char *format, ...)
{
	char text[FORMAT_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	text_string(output, text);
}

/* Standard output stays open: it belongs to the process. */
static void close_file(struct text_output *output)
{
	if (output->path && output->fd >= 0 && close(output->fd) < 0 && !output->error) {
		output->error = errno;
	}
	output->fd = -1;
}

static void give_name(struct text_output *output)
{
	if (!output->error && rename(output->temporary, output->path) < 0) {
		output->error = errno;
	}
	if (output->error) {
		unlink(output->temporary);
	}
	free(output->temporary);
	output->temporary = NULL;
}

int text_close(struct text_output *output, struct reel_error *error)
{
	text_flush(output);
	close_file(output);
	if (output->temporary) {
		give_name(output);
	}
	if (output->error) {
		return reel_fail(error, REEL_EIO, "%s: %s",
			output->path ? output->path : "standard output", strerror(output->error));
	}
	return 0;
}

void text_deinit(struct text_output *output)
{
	if (output->path && output->fd >= 0) {
		close(output->fd);
	}
	if (output->temporary) {
		unlink(output->temporary);
	}
	free(output->temporary);
	free(output->path);
	free(output->buffer);
	*output = (struct text_output){.fd = -1};
}
