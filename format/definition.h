/*
 * Definitions as records: functions, modules, streams, objects and sites to bytes and back.
 *
 * A record is a varint size and as many bytes of fields; fields that a newer minor version adds
 * stand behind the known ones and are skipped. Encoders append to a buffer (REEL_ENOMEM or 0).
 * Decoders take the record's fields and put what they point to into an arena: REEL_EDAMAGED when
 * the fields make no sense, REEL_ENOMEM, or 0.
 */
#ifndef REEL_FORMAT_DEFINITION_H
#define REEL_FORMAT_DEFINITION_H

#include <stddef.h>
#include <stdint.h>

#include <reel/context.h>
#include <reel/function.h>
#include <reel/module.h>

#include "arena.h"
#include "bytes.h"
#include "event.h"

/* An object file as it was mapped into a process. */
struct object {
	uint64_t pid;
	const char *path;
	const uint8_t *build_id;
	uint32_t build_id_size;
	uint64_t base, end;
};

/* A clock sample. */
struct clock_sample {
	uint64_t ticks, monotonic_ns, realtime_ns;
};

int function_encode(struct byte_buffer *to, const struct reel_function *function);
int module_encode(struct byte_buffer *to, const struct reel_module *module);
int stream_encode(struct byte_buffer *to, const struct reel_stream_info *stream);
int object_encode(struct byte_buffer *to, const struct object *object);
int site_encode(struct byte_buffer *to, const struct site *site);
int clock_sample_encode(struct byte_buffer *to, const struct clock_sample *sample);

int function_decode(struct byte_view *fields, struct arena *arena, struct reel_function *function);
int module_decode(struct byte_view *fields, struct arena *arena, struct reel_module *module);
int stream_decode(struct byte_view *fields, struct arena *arena, struct reel_stream_info *stream);
int object_decode(struct byte_view *fields, struct arena *arena, struct object *object);
int site_decode(struct byte_view *fields, struct arena *arena, struct site *site);
int clock_sample_decode(struct byte_view *fields, struct clock_sample *sample);

/* Appends a finished record's size and fields to `to`. */
int record_append(struct byte_buffer *to, const struct byte_buffer *fields);

/* Reads a string that may be NULL into the arena. A short view fails; *string is NULL then. */
int string_decode(struct byte_view *fields, struct arena *arena, const char **string);

#endif
