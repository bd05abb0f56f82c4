/*
 * Captured modules: given the reads, globals and memory size that were kept at one event, they
 * answer a listener's questions from these alone. A read inside a captured one is answered; one
 * that the host could not have answered is out of range; all others were not captured. Nothing is
 * allocated and nothing is made up.
 */
#include "captured.h"

#include <string.h>

static const struct reel_capture *capture_of(struct reel_module *module)
{
	return ((struct captured_module *)module)->capture;
}

/* Overflow of offset + length counts as past any end. */
static bool ends_past(uint64_t offset, uint64_t length, uint64_t end)
{
	return offset > end || length > end - offset;
}

static bool read_contains(const struct reel_captured_read *read, uint64_t offset, uint64_t length)
{
	return offset >= read->offset && !ends_past(offset - read->offset, length, read->length);
}

static enum reel_read memory_size(struct reel_module *module, uint64_t *size_bytes)
{
	const struct reel_capture *capture = capture_of(module);

	if (!capture || !capture->has_memory_size) {
		return module->has_memory ? REEL_READ_NOT_CAPTURED : REEL_READ_NO_MEMORY;
	}
	*size_bytes = capture->memory_size_bytes;
	return REEL_READ_OK;
}

/* Whether the captured facts show that the host's memory did not have all these bytes. */
static bool is_out_of_range(const struct reel_capture *capture, uint64_t offset, uint64_t length)
{
	if (capture->has_memory_size && ends_past(offset, length, capture->memory_size_bytes)) {
		return true;
	}
	for (size_t i = 0; i < capture->read_count; i++) {
		const struct reel_captured_read *read = &capture->reads[i];

		if (!read->bytes && read->offset >= offset &&
			!ends_past(read->offset - offset, read->length, length)) {
			return true;
		}
	}
	return false;
}

static enum reel_read memory_read(
	struct reel_module *module, uint64_t offset, uint64_t length, const void **bytes)
{
	const struct reel_capture *capture = capture_of(module);

	for (size_t i = 0; capture && i < capture->read_count; i++) {
		const struct reel_captured_read *read = &capture->reads[i];

		if (read->bytes && read_contains(read, offset, length)) {
			*bytes = (const uint8_t *)read->bytes + (offset - read->offset);
			return REEL_READ_OK;
		}
	}
	if (capture && is_out_of_range(capture, offset, length)) {
		return REEL_READ_OUT_OF_RANGE;
	}
	return module->has_memory ? REEL_READ_NOT_CAPTURED : REEL_READ_NO_MEMORY;
}

static enum reel_read global_get(struct reel_module *module, uint32_t index, uint64_t words[2])
{
	const struct reel_capture *capture = capture_of(module);

	for (size_t i = 0; capture && i < capture->global_count; i++) {
		if (capture->globals[i].index == index) {
			memcpy(words, capture->globals[i].words, sizeof(capture->globals[i].words));
			return REEL_READ_OK;
		}
	}
	return index < module->global_count ? REEL_READ_NOT_CAPTURED : REEL_READ_NO_MEMORY;
}

static const struct reel_module_ops captured_ops = {
	.memory_size = memory_size,
	.memory_read = memory_read,
	.global_get = global_get,
};

void captured_module_init(struct captured_module *module, const struct reel_module *definition)
{
	module->base = *definition;
	module->base.ops = &captured_ops;
	module->base.host = NULL;
	module->capture = NULL;
}

const struct reel_capture *module_capture(const struct reel_module *module)
{
	if (!module || module->ops != &captured_ops) {
		return NULL;
	}
	return ((const struct captured_module *)module)->capture;
}
