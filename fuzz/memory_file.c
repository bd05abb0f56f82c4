/*
 * Fuzz inputs as files; see fuzz.h.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

void memory_file_open(struct memory_file *file, const uint8_t *bytes, size_t size)
{
	file->descriptor = memfd_create("input", MFD_CLOEXEC);
	if (file->descriptor < 0 || write(file->descriptor, bytes, size) != (ssize_t)size) {
		perror("memory file");
		exit(1);
	}
	snprintf(file->path, sizeof(file->path), "/proc/self/fd/%d", file->descriptor);
}

void memory_file_close(struct memory_file *file)
{
	close(file->descriptor);
}
