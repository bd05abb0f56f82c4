/*
 * Bytes: see bytes.h. The out-of-line part: growth, appending, and the reads that are not hot.
 */
#include "bytes.h"

#include <stdlib.h>

#include <reel/status.h>

int buffer_reserve(struct byte_buffer *buffer, size_t more)
{
	size_t capacity = buffer->capacity ? buffer->capacity : 256;
	uint8_t *bytes;

	if (more <= buffer->capacity - buffer->size) {
		return REEL_OK;
	}
	if (more > SIZE_MAX / 4 || buffer->size > SIZE_MAX / 4) {
		return REEL_ENOMEM;
	}
	while (capacity - buffer->size < more) {
		capacity += capacity / 2;
	}
	bytes = realloc(buffer->bytes, capacity);
	if (!bytes) {
		return REEL_ENOMEM;
	}
	buffer->bytes = bytes;
	buffer->capacity = capacity;
	return REEL_OK;
}

void buffer_deinit(struct byte_buffer *buffer)
{
	free(buffer->bytes);
	*buffer = (struct byte_buffer){0};
}

int buffer_bytes(struct byte_buffer *buffer, const void *bytes, size_t size)
{
	if (buffer_reserve(buffer, size)) {
		return REEL_ENOMEM;
	}
	if (size) {
		memcpy(buffer->bytes + buffer->size, bytes, size);
		buffer->size += size;
	}
	return REEL_OK;
}

int buffer_byte(struct byte_buffer *buffer, uint8_t byte)
{
	return buffer_bytes(buffer, &byte, 1);
}

int buffer_varint(struct byte_buffer *buffer, uint64_t value)
{
	if (buffer_reserve(buffer, VARINT_MAX)) {
		return REEL_ENOMEM;
	}
	buffer->size = (size_t)(varint_put(buffer->bytes + buffer->size, value) - buffer->bytes);
	return REEL_OK;
}

int buffer_string(struct byte_buffer *buffer, const char *string)
{
	size_t length = string ? strlen(string) : 0;

	if (buffer_reserve(buffer, VARINT_MAX + length)) {
		return REEL_ENOMEM;
	}
	buffer_varint(buffer, string ? (uint64_t)length + 1 : 0);
	return buffer_bytes(buffer, string, length);
}

uint8_t view_byte(struct byte_view *view)
{
	if (view->next == view->end) {
		view->failed = true;
		return 0;
	}
	return *view->next++;
}

uint64_t view_varint_long(struct byte_view *view)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64 && view->next < view->end; shift += 7) {
		uint8_t byte = *view->next++;

		if (shift == 63 && byte > 1) {
			break;
		}
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			return value;
		}
	}
	view_fail(view);
	return 0;
}

uint32_t view_varint32(struct byte_view *view)
{
	uint64_t value = view_varint(view);

	if (value > UINT32_MAX) {
		view_fail(view);
		return 0;
	}
	return (uint32_t)value;
}

uint32_t view_count(struct byte_view *view, size_t least)
{
	uint32_t count = view_varint32(view);

	if (count > view_left(view) / least) {
		view_fail(view);
		return 0;
	}
	return count;
}

const uint8_t *view_bytes(struct byte_view *view, uint64_t size)
{
	const uint8_t *bytes = view->next;

	if (view->failed || size > view_left(view)) {
		view_fail(view);
		return NULL;
	}
	view->next += size;
	return bytes;
}

struct byte_view view_part(struct byte_view *view, uint64_t size)
{
	const uint8_t *bytes = view_bytes(view, size);
	struct byte_view part = view_of(bytes, bytes ? (size_t)size : 0);

	part.failed = !bytes;
	return part;
}
