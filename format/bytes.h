/*
 * Bytes: a growing buffer to write into, a bounded view to read from, and the three encodings that
 * everything in a trace is made of: little-endian integers, LEB128 varints, and zigzag for signed
 * differences.
 *
 * A view never reads past its end: the first read that would sets `failed`, and every read from
 * then on gives 0, so that a decoder may check once behind a group of fields.
 */
#ifndef REEL_FORMAT_BYTES_H
#define REEL_FORMAT_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct byte_buffer {
	uint8_t *bytes;
	size_t size, capacity;
};

/* Longest varint of a 64-bit value. */
#define VARINT_MAX 10u

/* Makes room for `more` bytes behind the contents. REEL_ENOMEM or 0. */
int buffer_reserve(struct byte_buffer *buffer, size_t more);
void buffer_deinit(struct byte_buffer *buffer);

/* Appends. These allocate: REEL_ENOMEM or 0, the buffer being as it was on failure. */
int buffer_bytes(struct byte_buffer *buffer, const void *bytes, size_t size);
int buffer_byte(struct byte_buffer *buffer, uint8_t byte);
int buffer_varint(struct byte_buffer *buffer, uint64_t value);

/* A string that may be NULL: its length + 1 (0: NULL) and its bytes. */
int buffer_string(struct byte_buffer *buffer, const char *string);

static inline uint64_t zigzag(int64_t value)
{
	return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

static inline uint64_t unzigzag(uint64_t value)
{
	return (value >> 1) ^ (0 - (value & 1));
}

/* Writes a varint where there is room for VARINT_MAX bytes; returns the end. */
static inline uint8_t *varint_put(uint8_t *to, uint64_t value)
{
	while (value >= 0x80) {
		*to++ = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	*to++ = (uint8_t)value;
	return to;
}

static inline uint16_t load16(const uint8_t *from)
{
	return (uint16_t)(from[0] | from[1] << 8);
}

static inline uint32_t load32(const uint8_t *from)
{
	return (uint32_t)load16(from) | (uint32_t)load16(from + 2) << 16;
}

static inline uint64_t load64(const uint8_t *from)
{
	return load32(from) | (uint64_t)load32(from + 4) << 32;
}

static inline void store16(uint8_t *to, uint16_t value)
{
	to[0] = (uint8_t)value;
	to[1] = (uint8_t)(value >> 8);
}

static inline void store32(uint8_t *to, uint32_t value)
{
	store16(to, (uint16_t)value);
	store16(to + 2, (uint16_t)(value >> 16));
}

static inline void store64(uint8_t *to, uint64_t value)
{
	store32(to, (uint32_t)value);
	store32(to + 4, (uint32_t)(value >> 32));
}

struct byte_view {
	const uint8_t *next, *end;
	bool failed;
};

static inline struct byte_view view_of(const void *bytes, size_t size)
{
	const uint8_t *first = bytes;

	return (struct byte_view){.next = first, .end = size ? first + size : first};
}

static inline size_t view_left(const struct byte_view *view)
{
	return (size_t)(view->end - view->next);
}

/* Marks the view as failed and leaves nothing in it. */
static inline void view_fail(struct byte_view *view)
{
	view->failed = true;
	view->next = view->end;
}

uint8_t view_byte(struct byte_view *view);
uint64_t view_varint_long(struct byte_view *view);

/* A varint; one of more than 64 bits fails. */
static inline uint64_t view_varint(struct byte_view *view)
{
	if (view->next < view->end && *view->next < 0x80) {
		return *view->next++;
	}
	return view_varint_long(view);
}

/* A varint that must fit 32 bits. */
uint32_t view_varint32(struct byte_view *view);

/* A number of things that take at least `least` bytes each: one that cannot fit fails. */
uint32_t view_count(struct byte_view *view, size_t least);

/* Borrows the next `size` bytes; NULL, and failed, when there are fewer. */
const uint8_t *view_bytes(struct byte_view *view, uint64_t size);

/* The next `size` bytes as a view of their own; an empty failed one when there are fewer. */
struct byte_view view_part(struct byte_view *view, uint64_t size);

#endif
