/*
 * Blocks: the unit of a trace file. A file is a 16-byte file header and then blocks, each a header
 * with a summary, and a payload. This is their layout and nothing about what is in them; FORMAT.md
 * has the tables.
 *
 * A block header says where it stands in the file and carries a checksum of itself and of its
 * summary, so that it can be told from anything else when a file is searched for blocks.
 */
#ifndef REEL_FORMAT_BLOCK_H
#define REEL_FORMAT_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FORMAT_MAJOR 1u
#define FORMAT_MINOR 0u

#define FILE_HEADER_SIZE 16u
#define BLOCK_HEADER_SIZE 48u
#define BLOCK_MARKER_SIZE 8u

/* A summary has fewer bytes than this; a payload, raw, at most these. */
#define SUMMARY_SIZE_MAX 1024u
#define PAYLOAD_SIZE_MAX (1u << 28)

/* The payload of the end block. */
#define END_PAYLOAD_SIZE 52u

/* A blob's bytes at most. */
#define BLOB_SIZE_MAX (1u << 27)

/* Flags of a block. */
#define BLOCK_REPEATED 1u /* its definitions stand once before in the file */

enum block_type {
	BLOCK_METADATA = 1,
	BLOCK_FUNCTIONS = 2,
	BLOCK_MODULES = 3,
	BLOCK_STREAMS = 4,
	BLOCK_OBJECTS = 5,
	BLOCK_SITES = 6,
	BLOCK_BLOBS = 7,
	BLOCK_EVENTS = 8,
	BLOCK_CLOCK = 9,
	BLOCK_INDEX = 10,
	BLOCK_END = 11,
};

struct block_header {
	uint8_t type, codec, flags;
	uint16_t summary_size;
	uint32_t number; /* of the block in the file, from 0 */
	uint32_t stored_size, raw_size;
	uint64_t offset;   /* of the header in the file */
	uint64_t checksum; /* of the stored payload */
};

extern const uint8_t block_marker[BLOCK_MARKER_SIZE];

enum file_header_state {
	FILE_HEADER_GOOD,
	FILE_HEADER_NEWER,   /* intact, of a newer major version */
	FILE_HEADER_DAMAGED, /* some of it is that of a trace, but not all */
	FILE_HEADER_FOREIGN,
};

void file_header_put(uint8_t to[FILE_HEADER_SIZE]);
enum file_header_state file_header_get(
	const uint8_t from[FILE_HEADER_SIZE], uint16_t *major, uint16_t *minor);

/* Writes a header; `summary` has header->summary_size bytes and is what follows it. */
void block_header_put(
	uint8_t to[BLOCK_HEADER_SIZE], const struct block_header *header, const uint8_t *summary);

/* Reads the fixed part: false when marker, offset or a size cannot be right. */
bool block_header_get(
	const uint8_t from[BLOCK_HEADER_SIZE], uint64_t offset, struct block_header *header);

/* Whether header and summary are what was written. */
bool block_header_intact(
	const uint8_t from[BLOCK_HEADER_SIZE], const uint8_t *summary, uint16_t summary_size);

uint64_t payload_checksum(const void *stored, size_t size);

/* Bytes of a whole block in the file. */
static inline uint64_t block_size(const struct block_header *header)
{
	return (uint64_t)BLOCK_HEADER_SIZE + header->summary_size + header->stored_size;
}

/* The name of a type for messages. */
const char *block_type_name(unsigned type);

#endif
