/*
 * Codecs: compression of one block's payload at a time, with contexts that are kept between blocks.
 *
 * Decompression is bounded: it writes exactly the size that was announced, or fails. Threads: an
 * object belongs to one thread at a time.
 */
#ifndef REEL_FORMAT_CODEC_H
#define REEL_FORMAT_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include <reel/recorder.h>

#include "bytes.h"

/* How a payload is stored; the numbers stand in files. */
enum payload_codec {
	PAYLOAD_NONE = 0,
	PAYLOAD_ZSTD = 1,
	PAYLOAD_LZ4 = 2,
};

struct compressor {
	void *zstd, *lz4;
	int level;
};

/* `level` is zstd's; 0 means 1. The contexts are made when they are first needed. */
void compressor_init(struct compressor *compressor, int level);
void compressor_deinit(struct compressor *compressor);

/*
 * What is to be compressed. Cuts, ascending offsets, are where bytes of another kind begin: zstd
 * then has statistics of its own for each part, which makes columns a tenth smaller.
 */
struct payload {
	const uint8_t *bytes;
	size_t size;
	const size_t *cuts; /* may be NULL when there are none */
	size_t cut_count;
};

/*
 * Appends the compressed bytes to `out` and gives the codec that was used in *used: PAYLOAD_NONE
 * when nothing is gained by compressing. REEL_ENOMEM or 0.
 */
int compressor_run(struct compressor *compressor, enum reel_codec codec,
	const struct payload *payload, struct byte_buffer *out, enum payload_codec *used);

struct decompressor {
	void *zstd;
};

void decompressor_deinit(struct decompressor *decompressor);

/* Fills exactly raw_size bytes of `raw`. REEL_EDAMAGED when the payload does not give them,
 * REEL_ENOMEM, or 0. */
int decompressor_run(struct decompressor *decompressor, unsigned codec, const void *stored,
	size_t stored_size, void *raw, size_t raw_size);

#endif
