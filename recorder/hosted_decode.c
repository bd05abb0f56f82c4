/*
 * Decoding of records; see hosted_decode.h. A view walks the payload word by word and refuses to
 * leave it.
 */
#include "hosted_decode.h"

#include <stdlib.h>
#include <string.h>

#include "grow.h"

/* What is left of a payload. Once something did not fit, `is_short` stays true and all is 0. */
struct words_view {
	const uint64_t *next;
	uint64_t size; /* bytes */
	bool is_short;
};

/* `count` words, or NULL. */
static const uint64_t *take_words(struct words_view *view, uint64_t count)
{
	const uint64_t *words = view->next;

	if (view->is_short || count > view->size / sizeof(*words)) {
		view->is_short = true;
		return NULL;
	}
	view->next += count;
	view->size -= count * sizeof(*words);
	return words;
}

static uint64_t take_word(struct words_view *view)
{
	const uint64_t *word = take_words(view, 1);

	return word ? *word : 0;
}

void decoder_deinit(struct decoder *decoder)
{
	free(decoder->frames);
	free(decoder->identities);
	free(decoder->globals);
	free(decoder->reads);
	*decoder = (struct decoder){0};
}

static void take_lost(struct words_view *view, struct decoded *decoded)
{
	decoded->has_lost = true;
	decoded->lost.count = take_word(view);
	decoded->lost.before = take_word(view);
	decoded->lost.calls = (uint32_t)take_word(view);
}

static uint32_t take_module(
	struct words_view *view, const struct slot *record, const struct decoded *decoded)
{
	uint64_t bits = hosted_module_bits(record);

	if (bits == HOSTED_MODULE_WORD) {
		return (uint32_t)take_word(view);
	}
	return bits == HOSTED_NO_MODULE || decoded->kind > RECORD_ABORT ? NO_ID : (uint32_t)bits;
}

/* Room for `count` frames and one in front of them, for a stack that does not show its top. */
static int reserve_frames(struct decoder *decoder, uint64_t count)
{
	struct site_frame *frames =
		grow(decoder->frames, &decoder->frames_capacity, count + 1, sizeof(*frames));
	uint64_t *identities = grow(
		decoder->identities, &decoder->identities_capacity, count + 1, sizeof(*identities));

	decoder->frames = frames ? frames : decoder->frames;
	decoder->identities = identities ? identities : decoder->identities;
	return frames && identities ? 0 : REEL_ENOMEM;
}

static int take_stack(
	struct decoder *decoder, struct words_view *view, uint64_t flags, struct decoded *decoded)
{
	uint64_t count = flags & HOSTED_STACK ? take_word(view) : 0;
	uint64_t frame_words = hosted_frame_words(flags);
	uint64_t skip = 1;
	int status;

	if (count > view->size / sizeof(uint64_t) / frame_words) {
		return REEL_EDAMAGED;
	}
	status = reserve_frames(decoder, count);
	for (uint64_t i = 1; status == 0 && i <= count; i++) {
		const uint64_t *words = take_words(view, frame_words);

		decoder->frames[i] = (struct site_frame){(uint32_t)words[0], words[1], words[2]};
		decoder->identities[i] = flags & HOSTED_IDENTITY ? words[3] : 0;
	}
	if (status == 0 && (count == 0 || decoder->frames[1].function != decoded->function)) {
		decoder->frames[0] = (struct site_frame){decoded->function, 0, 0};
		decoder->identities[0] = 0;
		skip = 0;
	}
	decoded->shown = (struct shown_stack){
		.frames = decoder->frames + skip,
		.identities = flags & HOSTED_IDENTITY ? decoder->identities + skip : NULL,
		.count = (uint32_t)(count + 1 - skip),
	};
	return status;
}

static int take_globals(
	struct decoder *decoder, struct words_view *view, uint32_t count, struct decoded *decoded)
{
	struct event_global *globals;

	if (count > view->size / (3 * sizeof(uint64_t))) {
		return REEL_EDAMAGED;
	}
	globals = grow(
		decoder->globals, &decoder->globals_capacity, (size_t)count + 1, sizeof(*globals));
	if (!globals) {
		return REEL_ENOMEM;
	}
	decoder->globals = globals;
	for (uint32_t i = 0; i < count; i++) {
		const uint64_t *words = take_words(view, 3);

		globals[i] = (struct event_global){(uint32_t)words[0], {words[1], words[2]}};
	}
	decoded->globals = globals;
	decoded->global_count = count;
	return 0;
}

static int take_reads(
	struct decoder *decoder, struct words_view *view, uint32_t count, struct decoded *decoded)
{
	struct decoded_read *reads;

	if (count > view->size / (3 * sizeof(uint64_t))) {
		return REEL_EDAMAGED;
	}
	reads = grow(decoder->reads, &decoder->reads_capacity, (size_t)count + 1, sizeof(*reads));
	if (!reads) {
		return REEL_ENOMEM;
	}
	decoder->reads = reads;
	for (uint32_t i = 0; i < count && !view->is_short; i++) {
		reads[i] = (struct decoded_read){.offset = take_word(view)};
		reads[i].length = take_word(view);
		if (take_word(view) == 0) {
			continue;
		}
		if (reads[i].length > view->size) {
			return REEL_EDAMAGED;
		}
		reads[i].bytes = take_words(view, (reads[i].length + 7) / 8);
	}
	decoded->reads = reads;
	decoded->read_count = count;
	return 0;
}

static int take_capture(struct decoder *decoder, struct words_view *view, struct decoded *decoded)
{
	uint64_t counts = take_word(view);
	int status;

	decoded->has_capture = true;
	decoded->has_memory_size = take_word(view) != 0;
	decoded->memory_size_bytes = take_word(view);
	status = take_globals(decoder, view, (uint32_t)counts, decoded);
	return status < 0 ? status : take_reads(decoder, view, (uint32_t)(counts >> 32), decoded);
}

static int take_payload(struct decoder *decoder, struct words_view *view, uint64_t flags,
	const struct slot *record, struct decoded *decoded)
{
	int status = 0;

	if (flags & HOSTED_SWITCH) {
		decoded->has_sequence = true;
		decoded->sequence = take_word(view);
	}
	if (flags & HOSTED_LOST) {
		take_lost(view, decoded);
	}
	decoded->module = take_module(view, record, decoded);
	if (decoded->kind == RECORD_BEFORE) {
		status = take_stack(decoder, view, flags, decoded);
	}
	if (status == 0 && flags & HOSTED_CAPTURE) {
		status = take_capture(decoder, view, decoded);
	}
	if (decoded->kind == RECORD_ABORT) {
		decoded->full_length = take_word(view);
	}
	return view->is_short ? REEL_EDAMAGED : status;
}

int decode_record(struct decoder *decoder, const struct slot *record, uint64_t slot_count,
	struct decoded *decoded)
{
	uint64_t flags = hosted_flags(record);
	struct words_view view = {.next = record[1].words, .size = record->words[3]};
	int status;

	*decoded = (struct decoded){
		.kind = record_kind(record),
		.ticks = record->words[0],
		.stream = hosted_stream_number(record),
		.function = hosted_function(record),
		.reason = hosted_reason(record),
		.abort_kind = hosted_abort_kind(record),
		.has_same_text = (flags & HOSTED_SAME_TEXT) != 0,
	};
	if (slot_count == 0 || view.size > (slot_count - 1) * SLOT_SIZE ||
		decoded->kind < RECORD_BEFORE || decoded->kind > RECORD_HOST_GAP) {
		return REEL_EDAMAGED;
	}
	status = take_payload(decoder, &view, flags, record, decoded);
	decoded->words = view.next;
	decoded->size = view.size;
	return status;
}
