/*
 * Codecs: see codec.h. A thin layer over zstd (a payload is one zstd frame with its size in it) and
 * lz4 (a payload is one bare lz4 block).
 */
#include "codec.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <lz4.h>
#include <zstd.h>

#include <reel/status.h>

/* Payloads of fewer bytes are not worth a compressor's own header. */
#define SMALLEST_COMPRESSED 32u

void compressor_init(struct compressor *compressor, int level)
{
	*compressor = (struct compressor){.level = level ? level : 1};
}

void compressor_deinit(struct compressor *compressor)
{
	ZSTD_freeCCtx(compressor->zstd);
	free(compressor->lz4);
	*compressor = (struct compressor){0};
}

static int run_zstd(struct compressor *compressor, const void *bytes, size_t size,
	struct byte_buffer *out, size_t *written)
{
	size_t bound = ZSTD_compressBound(size);

	if (!compressor->zstd) {
		compressor->zstd = ZSTD_createCCtx();
	}
	if (!compressor->zstd || buffer_reserve(out, bound)) {
		return REEL_ENOMEM;
	}
	*written = ZSTD_compressCCtx(
		compressor->zstd, out->bytes + out->size, bound, bytes, size, compressor->level);
	return ZSTD_isError(*written) ? REEL_ENOMEM : REEL_OK;
}

static int run_lz4(struct compressor *compressor, const void *bytes, size_t size,
	struct byte_buffer *out, size_t *written)
{
	int bound = LZ4_compressBound((int)size);
	char *to;

	if (!compressor->lz4) {
		compressor->lz4 = malloc((size_t)LZ4_sizeofState());
	}
	if (!compressor->lz4 || buffer_reserve(out, (size_t)bound)) {
		return REEL_ENOMEM;
	}
	to = (char *)(out->bytes + out->size);
	*written =
		(size_t)LZ4_compress_fast_extState(compressor->lz4, bytes, to, (int)size, bound, 1);
	return *written ? REEL_OK : REEL_ENOMEM;
}

int compressor_run(struct compressor *compressor, enum reel_codec codec, const void *bytes,
	size_t size, struct byte_buffer *out, enum payload_codec *used)
{
	size_t written = size;
	int status = REEL_OK;

	*used = PAYLOAD_NONE;
	if (size >= SMALLEST_COMPRESSED && codec == REEL_CODEC_ZSTD) {
		*used = PAYLOAD_ZSTD;
		status = run_zstd(compressor, bytes, size, out, &written);
	} else if (size >= SMALLEST_COMPRESSED && size <= LZ4_MAX_INPUT_SIZE &&
		   codec == REEL_CODEC_LZ4) {
		*used = PAYLOAD_LZ4;
		status = run_lz4(compressor, bytes, size, out, &written);
	}
	if (status) {
		return status;
	}
	if (written >= size) {
		*used = PAYLOAD_NONE;
		return buffer_bytes(out, bytes, size);
	}
	out->size += written;
	return REEL_OK;
}

void decompressor_deinit(struct decompressor *decompressor)
{
	ZSTD_freeDCtx(decompressor->zstd);
	decompressor->zstd = NULL;
}

static int unpack_zstd(struct decompressor *decompressor, const void *stored, size_t stored_size,
	void *raw, size_t raw_size)
{
	size_t size;

	if (!decompressor->zstd) {
		decompressor->zstd = ZSTD_createDCtx();
		if (!decompressor->zstd) {
			return REEL_ENOMEM;
		}
	}
	size = ZSTD_decompressDCtx(decompressor->zstd, raw, raw_size, stored, stored_size);
	return size == raw_size ? REEL_OK : REEL_EDAMAGED;
}

int decompressor_run(struct decompressor *decompressor, unsigned codec, const void *stored,
	size_t stored_size, void *raw, size_t raw_size)
{
	int size;

	if (codec == PAYLOAD_ZSTD) {
		return unpack_zstd(decompressor, stored, stored_size, raw, raw_size);
	}
	if (codec == PAYLOAD_LZ4) {
		if (stored_size > INT_MAX || raw_size > INT_MAX) {
			return REEL_EDAMAGED;
		}
		size = LZ4_decompress_safe(stored, raw, (int)stored_size, (int)raw_size);
		return size >= 0 && (size_t)size == raw_size ? REEL_OK : REEL_EDAMAGED;
	}
	if (codec != PAYLOAD_NONE || stored_size != raw_size) {
		return REEL_EDAMAGED;
	}
	if (raw_size) {
		memcpy(raw, stored, raw_size);
	}
	return REEL_OK;
}
