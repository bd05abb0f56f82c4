/*
 * Blocks: see block.h. Puts and gets the file header and block headers, byte by byte as FORMAT.md
 * has them.
 */
#include "block.h"

#include <string.h>

#include <xxhash.h>

#include "bytes.h"

/* Bytes that no text and no usual machine code has in a row; the line ends show a file that was
 * sent as text. */
static const uint8_t file_magic[8] = {0x89, 'R', 'e', 'e', 'l', '\r', '\n', 0x1a};
const uint8_t block_marker[BLOCK_MARKER_SIZE] = {0xb1, 0x0c, 'R', 'e', 'e', 'l', 0xf1, 0x9e};

#define HEADER_CHECKED 40u /* bytes of a block header that its checksum covers */

void file_header_put(uint8_t to[FILE_HEADER_SIZE])
{
	memcpy(to, file_magic, sizeof(file_magic));
	store16(to + 8, FORMAT_MAJOR);
	store16(to + 10, FORMAT_MINOR);
	store32(to + 12, (uint32_t)XXH3_64bits(to, 12));
}

enum file_header_state file_header_get(
	const uint8_t from[FILE_HEADER_SIZE], uint16_t *major, uint16_t *minor)
{
	bool magic = memcmp(from, file_magic, sizeof(file_magic)) == 0;
	bool intact = load32(from + 12) == (uint32_t)XXH3_64bits(from, 12);

	*major = FORMAT_MAJOR;
	*minor = FORMAT_MINOR;
	if (!magic || !intact) {
		return magic ? FILE_HEADER_DAMAGED : FILE_HEADER_FOREIGN;
	}
	*major = load16(from + 8);
	*minor = load16(from + 10);
	return *major > FORMAT_MAJOR ? FILE_HEADER_NEWER : FILE_HEADER_GOOD;
}

static uint64_t header_checksum(const uint8_t *from, const uint8_t *summary, size_t summary_size)
{
	uint8_t checked[HEADER_CHECKED + SUMMARY_SIZE_MAX];

	memcpy(checked, from, HEADER_CHECKED);
	if (summary_size) {
		memcpy(checked + HEADER_CHECKED, summary, summary_size);
	}
	return XXH3_64bits(checked, HEADER_CHECKED + summary_size);
}

void block_header_put(
	uint8_t to[BLOCK_HEADER_SIZE], const struct block_header *header, const uint8_t *summary)
{
	memcpy(to, block_marker, BLOCK_MARKER_SIZE);
	to[8] = header->type;
	to[9] = (uint8_t)(header->codec | header->flags << 4);
	store16(to + 10, header->summary_size);
	store32(to + 12, header->number);
	store32(to + 16, header->stored_size);
	store32(to + 20, header->raw_size);
	store64(to + 24, header->offset);
	store64(to + 32, header->checksum);
	store64(to + 40, header_checksum(to, summary, header->summary_size));
}

bool block_header_get(
	const uint8_t from[BLOCK_HEADER_SIZE], uint64_t offset, struct block_header *header)
{
	*header = (struct block_header){
		.type = from[8],
		.codec = from[9] & 0x0f,
		.flags = from[9] >> 4,
		.summary_size = load16(from + 10),
		.number = load32(from + 12),
		.stored_size = load32(from + 16),
		.raw_size = load32(from + 20),
		.offset = load64(from + 24),
		.checksum = load64(from + 32),
	};
	return memcmp(from, block_marker, BLOCK_MARKER_SIZE) == 0 && header->offset == offset &&
	       header->summary_size < SUMMARY_SIZE_MAX && header->raw_size <= PAYLOAD_SIZE_MAX &&
	       header->stored_size <= PAYLOAD_SIZE_MAX;
}

bool block_header_intact(
	const uint8_t from[BLOCK_HEADER_SIZE], const uint8_t *summary, uint16_t summary_size)
{
	return load64(from + 40) == header_checksum(from, summary, summary_size);
}

uint64_t payload_checksum(const void *stored, size_t size)
{
	return XXH3_64bits(stored, size);
}

const char *block_type_name(unsigned type)
{
	static const char *const names[] = {
		[BLOCK_METADATA] = "metadata",
		[BLOCK_FUNCTIONS] = "functions",
		[BLOCK_MODULES] = "modules",
		[BLOCK_STREAMS] = "streams",
		[BLOCK_OBJECTS] = "objects",
		[BLOCK_SITES] = "sites",
		[BLOCK_BLOBS] = "blobs",
		[BLOCK_EVENTS] = "events",
		[BLOCK_CLOCK] = "clock",
		[BLOCK_INDEX] = "index",
		[BLOCK_END] = "end",
	};

	return type < sizeof(names) / sizeof(names[0]) && names[type] ? names[type] : "unknown";
}
