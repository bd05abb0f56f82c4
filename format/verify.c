/*
 * Verification: every block is read, decompressed and decoded, and what blocks, index and end say
 * of one another is compared.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "event_pack.h"
#include "trace_file.h"

struct verification {
	struct reel_trace *trace;
	void (*report)(void *user, const char *line);
	void (*progress)(void *user, uint64_t done, uint64_t total);
	void *user;
	struct block_reader reader;
	struct cursor *cursor;
	uint64_t defects;
	uint64_t block_count, event_block_count;
	uint32_t next_event_block; /* in the trace's list */
	uint64_t event_count;
	bool has_end;
};

__attribute__((format(printf, 2, 3))) static void defect(
	struct verification *verification, const char *format, ...)
{
	char line[REEL_ERROR_SIZE];
	va_list arguments;

	verification->defects++;
	if (!verification->report) {
		return;
	}
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	verification->report(verification->user, line);
}

static void count_event(struct event_block_info *counts, uint32_t *depth, const struct event *event)
{
	counts->event_count++;
	counts->repaired += event->repaired != REEL_REASON_NONE;
	switch (event->kind) {
	case EVENT_BEFORE:
		counts->before++;
		++*depth;
		counts->max_depth = *depth > counts->max_depth ? *depth : counts->max_depth;
		break;
	case EVENT_AFTER:
		counts->after++;
		--*depth;
		break;
	case EVENT_ABORT:
		counts->abort++;
		--*depth;
		break;
	case EVENT_UNDELIVERED_AFTER:
	case EVENT_UNDELIVERED_ABORT:
		counts->undelivered++;
		break;
	case EVENT_GAP:
		counts->lost += event->lost;
		break;
	case EVENT_CALL_BEGIN:
	case EVENT_CALL_END:
		break;
	}
}

static bool same_counts(const struct event_block_info *a, const struct event_block_info *b)
{
	return a->before == b->before && a->after == b->after && a->abort == b->abort &&
	       a->repaired == b->repaired && a->undelivered == b->undelivered &&
	       a->lost == b->lost && a->max_depth == b->max_depth && a->last_ticks == b->last_ticks;
}

static int verify_events(struct verification *verification, uint32_t index)
{
	const struct event_block_info *info = trace_event_block(verification->trace, index);
	struct event_block_info counts = {0};
	struct event event = {0};
	struct reel_error error;
	uint32_t depth;
	int status = cursor_load(verification->cursor, index, &error);

	if (status) {
		if (status == REEL_EDAMAGED) {
			defect(verification, "%s", error.text);
			status = REEL_OK;
		}
		return status;
	}
	cursor_key_frame(verification->cursor, &depth);
	counts.max_depth = depth;
	counts.last_ticks = info->first_ticks;
	while ((status = cursor_next(verification->cursor, &event)) == REEL_OK) {
		count_event(&counts, &depth, &event);
		counts.last_ticks = event.ticks;
	}
	if (status != REEL_END && status != REEL_EDAMAGED) {
		return status;
	}
	if (status == REEL_EDAMAGED) {
		defect(verification,
			"%s: block %" PRIu32 " at byte %" PRIu64 ": its events make no sense",
			verification->trace->path, info->number, info->offset);
	} else if (!same_counts(info, &counts)) {
		defect(verification,
			"%s: block %" PRIu32 " at byte %" PRIu64
			": its events are not those that its summary counts",
			verification->trace->path, info->number, info->offset);
	}
	return REEL_OK;
}

/* Whether this is the event block that the list of blocks has next. */
static int verify_event_block(struct verification *verification)
{
	const struct block_header *header = &verification->reader.header;
	uint32_t index = verification->next_event_block;
	const struct event_block_info *info = trace_event_block(verification->trace, index);
	struct event_block_info summary;
	struct byte_view view = view_of(verification->reader.summary, header->summary_size);

	if (!event_summary_get(&view, &summary)) {
		defect(verification,
			"%s: block %" PRIu32 " at byte %" PRIu64 ": its summary makes no sense",
			verification->trace->path, header->number, header->offset);
		return REEL_OK;
	}

	while (info && info->offset < header->offset) {
		info = trace_event_block(verification->trace, ++index);
	}
	verification->next_event_block = index;
	if (!info || info->offset != header->offset) {
		defect(verification,
			"%s: block %" PRIu32 " at byte %" PRIu64
			": not where the index has an event block",
			verification->trace->path, header->number, header->offset);
		return REEL_OK;
	}
	verification->next_event_block++;
	verification->event_block_count++;
	verification->event_count += info->before + info->after + info->abort;
	return verify_events(verification, index);
}

/* Decodes a payload that has just been read, into nothing. */
static int decode_payload(struct verification *verification)
{
	const struct block_reader *reader = &verification->reader;

	switch (reader->header.type) {
	case BLOCK_METADATA:
	case BLOCK_FUNCTIONS:
	case BLOCK_MODULES:
	case BLOCK_STREAMS:
	case BLOCK_OBJECTS:
	case BLOCK_SITES:
	case BLOCK_CLOCK:
		return trace_check_definitions(verification->trace, reader);
	case BLOCK_BLOBS:
		return blob_block_check(reader);
	case BLOCK_INDEX:
		return trace_check_index(verification->trace, reader);
	default:
		return REEL_OK;
	}
}

static int verify_block(struct verification *verification)
{
	struct block_reader *reader = &verification->reader;
	const struct block_header *header = &reader->header;
	struct reel_error error;
	int status;

	verification->has_end = header->type == BLOCK_END;
	if (header->type == BLOCK_EVENTS) {
		return verify_event_block(verification);
	}
	status = block_read_payload(verification->trace, reader, &error);
	if (status == REEL_EDAMAGED) {
		defect(verification, "%s", error.text);
		return REEL_OK;
	}
	if (!status) {
		status = decode_payload(verification);
	}
	if (status == REEL_EDAMAGED) {
		defect(verification,
			"%s: block %" PRIu32 " at byte %" PRIu64 ": its %s make no sense",
			verification->trace->path, header->number, header->offset,
			block_type_name(header->type));
		return REEL_OK;
	}
	return status;
}

/* Reports damage at `at` and finds where blocks go on. */
static int pass_over(struct verification *verification, uint64_t *at)
{
	uint64_t next;
	int status = find_block(verification->trace, &verification->reader, *at + 1, &next);

	if (!status) {
		defect(verification,
			"%s: block %" PRIu64 " at byte %" PRIu64 ": no intact block for %" PRIu64
			" bytes",
			verification->trace->path, verification->block_count, *at, next - *at);
		*at = next;
	}
	return status;
}

static void verify_number(struct verification *verification)
{
	const struct block_header *header = &verification->reader.header;

	if (header->number != (uint32_t)verification->block_count) {
		defect(verification,
			"%s: block %" PRIu32 " at byte %" PRIu64 ": block %" PRIu64
			" was expected here",
			verification->trace->path, header->number, header->offset,
			verification->block_count);
		verification->block_count = header->number;
	}
	verification->block_count++;
}

static int verify_blocks(struct verification *verification)
{
	const struct reel_trace *trace = verification->trace;
	struct block_reader *reader = &verification->reader;
	uint64_t at = FILE_HEADER_SIZE;

	while (at < trace->size) {
		int status = block_read_header(trace, reader, at);

		if (verification->progress) {
			verification->progress(verification->user, at, trace->size);
		}
		if (status == REEL_EDAMAGED) {
			defect(verification,
				"%s: block %" PRIu32 " at byte %" PRIu64 ": the file ends in it",
				trace->path, reader->header.number, at);
			return REEL_OK;
		}
		if (status == REEL_END) {
			status = pass_over(verification, &at);
		} else if (!status) {
			uint64_t next = at + block_size(&reader->header);

			verify_number(verification);
			status = verify_block(verification);
			at = next;
		}
		if (status) {
			return status;
		}
	}
	return REEL_OK;
}

static void verify_end(struct verification *verification)
{
	struct trace_end end;

	if (!verification->has_end ||
		trace_read_end(verification->trace, &verification->reader, &end)) {
		defect(verification, "%s: the end is missing", verification->trace->path);
		return;
	}
	if (end.block_count != verification->block_count ||
		end.event_block_count != verification->event_block_count ||
		end.event_count != verification->event_count) {
		defect(verification, "%s: the end counts other blocks or events than there are",
			verification->trace->path);
	}
}

int reel_trace_verify(struct reel_trace *trace, void (*report)(void *user, const char *line),
	void (*progress)(void *user, uint64_t done, uint64_t total), void *user,
	struct reel_error *error)
{
	struct verification verification = {
		.trace = trace, .report = report, .progress = progress, .user = user};
	int status = cursor_create(trace, &verification.cursor);

	if (trace->header_damaged) {
		defect(&verification, "%s: the file header is damaged", trace->path);
	}
	if (!status) {
		status = verify_blocks(&verification);
	}
	if (!status) {
		verify_end(&verification);
	}
	block_reader_deinit(&verification.reader);
	cursor_destroy(verification.cursor);
	if (status) {
		return reel_fail(error, status, "%s: %s", trace->path,
			status == REEL_EIO ? strerror(errno) : reel_status_str(status));
	}
	if (verification.defects) {
		return reel_fail(error, REEL_EDAMAGED, "%s: %" PRIu64 " defect%s", trace->path,
			verification.defects, verification.defects == 1 ? "" : "s");
	}
	return REEL_OK;
}
