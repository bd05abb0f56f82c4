/*
 * Codecs: see codec.h. A thin layer over zstd (a payload is one zstd frame with its size in it) and
 * lz4 (a payload is one bare lz4 block).
 */
#include "codec.h"

#include <limits.h>
#include <stdbool.h>
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

static int zstd_start(struct compressor *compressor, size_t size)
{
	if (!compressor->zstd) {
		compressor->zstd = ZSTD_createCCtx();
	}
	if (!compressor->zstd) {
		return REEL_ENOMEM;
	}
	ZSTD_CCtx_reset(compressor->zstd, ZSTD_reset_session_only);
	ZSTD_CCtx_setParameter(compressor->zstd, ZSTD_c_compressionLevel, compressor->level);
	ZSTD_CCtx_setPledgedSrcSize(compressor->zstd, size);
	return REEL_OK;
}

/* Compresses the parts of a payload into one frame, each with blocks of its own. What does not fit
 * `out` is not worth it: *written stays the payload's size then. */
static int run_zstd(struct compressor *compressor, const struct payload *payload,
	struct byte_buffer *out, size_t *written)
{
	size_t bound = ZSTD_compressBound(payload->size);
	ZSTD_outBuffer to;
	size_t from = 0;

	if (zstd_start(compressor, payload->size) || buffer_reserve(out, bound)) {
		return REEL_ENOMEM;
	}
	to = (ZSTD_outBuffer){out->bytes + out->size, bound, 0};
	for (size_t i = 0; i <= payload->cut_count; i++) {
		bool last = i == payload->cut_count;
		size_t end = last ? payload->size : payload->cuts[i];
		ZSTD_inBuffer part = {payload->bytes + from, end - from, 0};
		size_t left = ZSTD_compressStream2(
			compressor->zstd, &to, &part, last ? ZSTD_e_end : ZSTD_e_flush);

		if (ZSTD_isError(left)) {
			return REEL_ENOMEM;
		}
		if (left || part.pos < part.size) {
			return REEL_OK;
		}
		from = end;
	}
	*written = to.pos;
	return REEL_OK;
}

static int run_lz4(struct compressor *compressor, const struct payload *payload,
	struct byte_buffer *out, size_t *written)
{
	int bound = LZ4_compressBound((int)payload->size);
	char *to;

	if (!compressor->lz4) {
		compressor->lz4 = malloc((size_t)LZ4_sizeofState());
	}
	if (!compressor->lz4 || buffer_reserve(out, (size_t)bound)) {
		return REEL_ENOMEM;
	}
	to = (char *)(out->bytes + out->size);
	*written = (size_t)LZ4_compress_fast_extState(
		compressor->lz4, (const char *)payload->bytes, to, (int)payload->size, bound, 1);
	return *written ? REEL_OK : REEL_ENOMEM;
}

int compressor_run(struct compressor *compressor, enum reel_codec codec,
	const struct payload *payload, struct byte_buffer *out, enum payload_codec *used)
{
	size_t written = payload->size;
	int status = REEL_OK;

	*used = PAYLOAD_NONE;
	if (payload->size >= SMALLEST_COMPRESSED && codec == REEL_CODEC_ZSTD) {
		*used = PAYLOAD_ZSTD;
		status = run_zstd(compressor, payload, out, &written);
	} else if (payload->size >= SMALLEST_COMPRESSED && payload->size <= LZ4_MAX_INPUT_SIZE &&
		   codec == REEL_CODEC_LZ4) {
		*used = PAYLOAD_LZ4;
		status = run_lz4(compressor, payload, out, &written);
	}
	if (status) {
		return status;
	}
	if (written >= payload->size) {
		*used = PAYLOAD_NONE;
		return buffer_bytes(out, payload->bytes, payload->size);
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
