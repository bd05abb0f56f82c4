/*
 * Traces in memory, put together block by block with whatever is to be wrong in them: for the tests
 * of damaged and foreign traces, and for fuzzing behind the checksums.
 *
 * It aborts the process when memory or a file fails; nothing here is under test.
 */
#ifndef REEL_TESTS_FORMAT_IMAGE_H
#define REEL_TESTS_FORMAT_IMAGE_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/block.h"
#include "format/bytes.h"
#include "format/codec.h"

struct image {
	uint8_t *bytes;
	size_t size;
	uint32_t block_count;
};

static inline void image_require(int condition, const char *what)
{
	if (!condition) {
		perror(what);
		abort();
	}
}

static inline void image_append(struct image *image, const void *bytes, size_t size)
{
	image->bytes = realloc(image->bytes, image->size + size + 1);
	image_require(image->bytes != NULL, "image");
	if (bytes && size) {
		memcpy(image->bytes + image->size, bytes, size);
	}
	image->size += size;
}

/* Starts with an intact file header. */
static inline void image_start(struct image *image)
{
	uint8_t header[FILE_HEADER_SIZE];

	*image = (struct image){0};
	file_header_put(header);
	image_append(image, header, sizeof(header));
}

/* Adds a block as it is described; offset, number and checksums are made right. */
static inline void image_add(
	struct image *image, struct block_header header, const void *summary, const void *stored)
{
	uint8_t bytes[BLOCK_HEADER_SIZE];

	header.offset = image->size;
	header.number = image->block_count++;
	header.checksum = payload_checksum(stored, header.stored_size);
	block_header_put(bytes, &header, summary);
	image_append(image, bytes, sizeof(bytes));
	image_append(image, summary, header.summary_size);
	image_append(image, stored, header.stored_size);
}

/* Adds a block that is not compressed. */
static inline void image_add_raw(struct image *image, uint8_t type, const void *summary,
	size_t summary_size, const void *raw, size_t raw_size)
{
	const struct block_header header = {.type = type,
		.summary_size = (uint16_t)summary_size,
		.stored_size = (uint32_t)raw_size,
		.raw_size = (uint32_t)raw_size};

	image_add(image, header, summary, raw);
}

/* The header of the block at `offset`. */
static inline struct block_header image_block(const struct image *image, size_t offset)
{
	struct block_header header = {0};

	image_require(offset + BLOCK_HEADER_SIZE <= image->size &&
			      block_header_get(image->bytes + offset, offset, &header),
		"a block of an image");
	return header;
}

static inline const uint8_t *image_summary(const struct image *image, size_t offset)
{
	return image->bytes + offset + BLOCK_HEADER_SIZE;
}

/* The decompressed payload of the block at `offset`; the caller frees it. */
static inline uint8_t *image_payload(const struct image *image, size_t offset)
{
	struct block_header header = image_block(image, offset);
	struct decompressor decompressor = {0};
	uint8_t *raw = malloc((size_t)header.raw_size + 1);

	image_require(raw != NULL, "image");
	image_require(decompressor_run(&decompressor, header.codec,
			      image_summary(image, offset) + header.summary_size,
			      header.stored_size, raw, header.raw_size) == 0,
		"a payload of an image");
	decompressor_deinit(&decompressor);
	return raw;
}

static inline void image_free(struct image *image)
{
	free(image->bytes);
	*image = (struct image){0};
}

/* Overwrites a file in place: file systems flush one that was emptied first, which takes long when
 * it is done ten thousand times. */
static inline void image_save(const struct image *image, const char *path)
{
	int file = open(path, O_WRONLY | O_CREAT, 0644);

	image_require(file >= 0, path);
	image_require(write(file, image->bytes ? image->bytes : (uint8_t *)"", image->size) ==
			      (ssize_t)image->size,
		path);
	image_require(ftruncate(file, (off_t)image->size) == 0 && close(file) == 0, path);
}

static inline void image_load(struct image *image, const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t buffer[4096];
	size_t got;

	*image = (struct image){0};
	image_require(file != NULL, path);
	while ((got = fread(buffer, 1, sizeof(buffer), file)) > 0) {
		image_append(image, buffer, got);
	}
	fclose(file);
}

#endif
