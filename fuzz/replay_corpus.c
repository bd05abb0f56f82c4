/*
 * Runs a fuzz target as an ordinary test: over every file of a corpus directory, and over cuts and
 * changes of it that depend on nothing but the file. Each input lies right before a page that may
 * not be touched, so that a read past its end is a crash.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

/* Inputs made from each file; the larger files are changed at fewer places. */
#define CUTS 64
#define CHANGES 256

/* Memory for one input, with its guard page. */
struct guarded {
	uint8_t *mapping;
	size_t mapping_size;
	uint8_t *guard;
};

static void require(int condition, const char *what)
{
	if (!condition) {
		perror(what);
		exit(1);
	}
}

static void guarded_init(struct guarded *guarded, size_t size_max)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t usable = (size_max + page - 1) / page * page + page;

	guarded->mapping_size = usable + page;
	guarded->mapping = mmap(NULL, guarded->mapping_size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(guarded->mapping != MAP_FAILED, "mmap");
	guarded->guard = guarded->mapping + usable;
	require(mprotect(guarded->guard, page, PROT_NONE) == 0, "mprotect");
}

static void guarded_deinit(struct guarded *guarded)
{
	munmap(guarded->mapping, guarded->mapping_size);
}

/* Where an input of this size lies. */
static uint8_t *guarded_place(struct guarded *guarded, size_t size)
{
	return guarded->guard - size;
}

static uint8_t *read_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	struct stat status;

	require(file && fstat(fileno(file), &status) == 0, path);
	*size = (size_t)status.st_size;
	uint8_t *bytes = malloc(*size + 1);

	require(bytes && fread(bytes, 1, *size, file) == *size, path);
	fclose(file);
	return bytes;
}

static void feed(struct guarded *guarded, const uint8_t *bytes, size_t size)
{
	uint8_t *input = guarded_place(guarded, size);

	memcpy(input, bytes, size);
	LLVMFuzzerTestOneInput(input, size);
}

/* A small generator: the same changes in every run. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* One to four bytes become others, often at the edges of what an integer holds. */
static void change(uint8_t *bytes, size_t size, uint64_t *state)
{
	static const uint8_t edges[] = {0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff};
	uint64_t count = 1 + next_random(state) % 4;

	for (uint64_t i = 0; i < count; i++) {
		uint8_t *byte = &bytes[next_random(state) % size];
		uint64_t choice = next_random(state);

		if (choice & 1) {
			*byte = edges[(choice >> 1) % sizeof(edges)];
		} else {
			*byte = (uint8_t)(*byte ^ (1u << (choice >> 1) % 8));
		}
	}
}

static unsigned feed_changes(struct guarded *guarded, const uint8_t *bytes, size_t size)
{
	uint64_t state = 0x9e3779b97f4a7c15u ^ size;
	unsigned inputs = 0;

	for (size_t i = 0; i < CUTS; i++, inputs++) {
		feed(guarded, bytes, size * i / CUTS);
	}
	for (size_t i = 0; size > 0 && i < CHANGES; i++, inputs++) {
		uint8_t *input = guarded_place(guarded, size);

		memcpy(input, bytes, size);
		change(input, size, &state);
		LLVMFuzzerTestOneInput(input, size);
	}
	return inputs;
}

static unsigned feed_file(const char *path)
{
	size_t size;
	uint8_t *bytes = read_file(path, &size);
	struct guarded guarded;

	guarded_init(&guarded, size);
	feed(&guarded, bytes, size);
	unsigned inputs = 1 + feed_changes(&guarded, bytes, size);

	guarded_deinit(&guarded);
	free(bytes);
	return inputs;
}

int main(int argc, char **argv)
{
	DIR *directory = argc == 2 ? opendir(argv[1]) : NULL;
	struct dirent *entry;
	unsigned files = 0;
	unsigned inputs = 0;

	require(directory != NULL, argc == 2 ? argv[1] : "usage: NAME CORPUS");
	while ((entry = readdir(directory))) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
		if (entry->d_name[0] != '.') {
			inputs += feed_file(path);
			files++;
		}
	}
	closedir(directory);
	printf("%u files, %u inputs\n", files, inputs);
	/* A corpus without files would test nothing. */
	return files > 0 ? 0 : 1;
}
