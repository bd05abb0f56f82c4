/*
 * Native streams: see native.h for what the rules are and why.
 */
#include "native.h"

/*
 * A before so far above the bottom call of its region lies in another region: code that runs below
 * the first recorded call has small frames.
 */
#define REGION_GAP (UINT64_C(256) << 10)

#define PREFETCH_SLOTS 32

static uint32_t stream_depth(void *owner)
{
	return ((struct native_stream *)owner)->depth;
}

/* For key frames: without filters every open call is listened to. */
static void stream_activation(void *owner, uint32_t index, struct activation *activation)
{
	const struct native_stream *stream = owner;
	const struct native_call *call = &stream->calls[index];
	bool is_top = index + 1 == stream->depth;
	uint64_t pc = is_top ? call->function : call[1].call_site;

	*activation = (struct activation){
		.site = call->site,
		.module = NO_ID,
		.ticks = call->ticks,
		.pc = pc,
		.offset = process_offset(stream->process, pc),
	};
}

int native_stream_init(struct native_stream *stream, struct process_table *table,
	struct emitter_target *target, uint32_t id, bool filtered, uint64_t min_duration_ticks)
{
	*stream = (struct native_stream){.table = table};
	emitter_init(&stream->emitter, target, id, stream_depth, stream_activation, stream);
	if (!filtered) {
		return 0;
	}
	return filter_create(target, id, table->options->recorder->max_depth, min_duration_ticks,
		&stream->filter);
}

void native_stream_deinit(struct native_stream *stream)
{
	emitter_deinit(&stream->emitter);
	filter_destroy(stream->filter);
	free(stream->calls);
}

/* ---- events out ---- */

static int give(struct native_stream *stream, const struct event *event)
{
	if (stream->filter) {
		return filter_event(stream->filter, event, NO_ID);
	}
	int status = emitter_prepare(&stream->emitter, 1);

	return status < 0 ? status : emitter_append(&stream->emitter, event, NO_ID);
}

/* The innermost call ends with `kind`; the events go out before the stack changes. */
static int end_call(
	struct native_stream *stream, enum event_kind kind, enum reel_reason reason, uint64_t ticks)
{
	const struct native_call *call = &stream->calls[stream->depth - 1];
	struct event event = {
		.kind = kind,
		.repaired = reason,
		.ticks = ticks,
		.site = NO_ID,
		.function = NO_ID,
		.module = NO_ID,
		.error_kind = REEL_ABORT_REPAIRED,
		.error = NO_ID,
		.text = NO_ID,
	};
	int status = 0;

	if (call->listened) {
		status = process_function(
			stream->table, stream->process, call->function, &event.function);
		status = status < 0 ? status : give(stream, &event);
	}
	if (status == 0) {
		stream->depth--;
	}
	return status;
}

static int abort_down_to(
	struct native_stream *stream, uint32_t depth, enum reel_reason reason, uint64_t ticks)
{
	int status = 0;

	while (status == 0 && stream->depth > depth) {
		status = end_call(stream, EVENT_ABORT, reason, ticks);
	}
	return status;
}

/* ---- befores ---- */

static uint64_t bottom_of_region(const struct native_stream *stream)
{
	uint32_t i = stream->depth - 1;

	while (!stream->calls[i].region_start) {
		i--;
	}
	return stream->calls[i].stack_pointer;
}

/*
 * How many of the open calls are still there when a call begins with this stack pointer. Frames
 * below it are gone; so is one at the same place with another call site (another physical frame),
 * and, among calls that share the physical frame, the same instance of the same function with all
 * that is above it.
 */
static uint32_t surviving_depth(const struct native_stream *stream, const struct native_call *next)
{
	uint32_t depth = stream->depth;
	const struct native_call *calls = stream->calls;

	if (next->stack_pointer > bottom_of_region(stream) + REGION_GAP) {
		return depth;
	}
	while (depth > 0 && calls[depth - 1].stack_pointer < next->stack_pointer) {
		depth--;
		if (calls[depth].region_start) {
			return depth;
		}
	}
	for (uint32_t i = depth; i > 0 && calls[i - 1].stack_pointer == next->stack_pointer; i--) {
		bool same_frame = calls[i - 1].call_site == next->call_site;

		if (!same_frame || (calls[i - 1].function == next->function &&
					   calls[i - 1].instance == next->instance)) {
			depth = i - 1;
		}
	}
	return depth;
}

static int push(struct native_stream *stream, const struct native_call *call)
{
	if (stream->depth == stream->capacity) {
		uint32_t capacity = stream->capacity ? stream->capacity * 2 : 64;
		struct native_call *calls = reallocarray(stream->calls, capacity, sizeof(*calls));

		if (!calls) {
			return REEL_ENOMEM;
		}
		stream->calls = calls;
		stream->capacity = capacity;
	}
	stream->calls[stream->depth++] = *call;
	return 0;
}

/* A site whose callers include functions that filters leave out: they are its frames, down to the
 * first that is listened to. */
static int filtered_site(struct native_stream *stream, const struct native_call *call,
	uint32_t function, uint32_t *id)
{
	struct process *process = stream->process;
	uint64_t pc = call->call_site;
	uint32_t count = 0;

	while (count < stream->depth && !stream->calls[stream->depth - 1 - count].listened) {
		count++;
	}
	struct site_frame *frames = calloc(count + 1, sizeof(*frames));
	int status = frames ? 0 : REEL_ENOMEM;

	for (uint32_t i = 0; i < count && status == 0; i++) {
		const struct native_call *caller = &stream->calls[stream->depth - 1 - i];

		status = process_function(
			stream->table, process, caller->function, &frames[i].function);
		frames[i].pc = pc;
		frames[i].offset = process_offset(process, pc);
		pc = caller->call_site;
	}
	struct site site = {
		.function = function,
		.module = NO_ID,
		.pc = call->function,
		.offset = process_offset(process, call->function),
		.has_caller = true,
		.caller_pc = pc,
		.caller_offset = process_offset(process, pc),
		.frame_count = count,
		.frames = frames,
	};

	status = status < 0 ? status : writer_intern_site(stream->table->writer, &site, id);
	free(frames);
	return status;
}

/* A call begins behind a filter: its site depends on which callers make events. */
static int begin_filtered(struct native_stream *stream, struct native_call *call)
{
	uint32_t function;
	int status = process_function(stream->table, stream->process, call->function, &function);

	if (status < 0) {
		return status;
	}
	call->listened = !stream->table->unlistened[function];
	if (call->listened) {
		status = filtered_site(stream, call, function, &call->site);
		struct event event = {
			.kind = EVENT_BEFORE,
			.ticks = call->ticks,
			.site = call->site,
			.function = function,
			.module = NO_ID,
			.error = NO_ID,
			.text = NO_ID,
		};

		status = status < 0 ? status : give(stream, &event);
	}
	return status < 0 ? status : push(stream, call);
}

static int begin_call(struct native_stream *stream, struct native_call *call)
{
	int status = 0;

	if (stream->depth > 0) {
		status = abort_down_to(
			stream, surviving_depth(stream, call), REEL_REASON_UNWOUND, call->ticks);
	}
	call->region_start =
		stream->depth == 0 || call->stack_pointer > bottom_of_region(stream) + REGION_GAP;
	if (status < 0) {
		return status;
	}
	if (stream->filter) {
		return begin_filtered(stream, call);
	}
	call->site = pair_map_find(&stream->process->sites, call->function, call->call_site);
	if (call->site == PAIR_MAP_EMPTY) {
		status = process_site(stream->table, stream->process, call->function,
			call->call_site, &call->site);
	}
	status = status < 0 ? status : emitter_prepare(&stream->emitter, 1);
	status = status < 0 ? status : push(stream, call);
	if (status == 0) {
		event_block_before(&stream->emitter.block, call->ticks, call->site);
	}
	return status;
}

/* ---- exits ---- */

/* An exit of a function that is not open: kept, not delivered. */
static int keep_undelivered(struct native_stream *stream, uint64_t function, uint64_t ticks)
{
	struct event event = {
		.kind = EVENT_UNDELIVERED_AFTER,
		.ticks = ticks,
		.site = NO_ID,
		.module = NO_ID,
		.error = NO_ID,
		.text = NO_ID,
	};
	int status = process_function(stream->table, stream->process, function, &event.function);

	if (status < 0 || stream->table->unlistened[event.function]) {
		return status;
	}
	return give(stream, &event);
}

/*
 * Which open call ends, as one more than its index, or 0: the innermost one of the function that
 * was called from the same place. Where there is none, it is the innermost one of the function:
 * compilers that split a function inline its head, whose entry then names the caller's own caller,
 * and call the rest, whose exit names a place in the caller.
 */
static uint32_t find_call(const struct native_stream *stream, uint64_t function, uint64_t call_site)
{
	const struct native_call *calls = stream->calls;
	uint32_t innermost = 0;

	for (uint32_t i = stream->depth; i > 0; i--) {
		if (calls[i - 1].function != function) {
			continue;
		}
		if (calls[i - 1].call_site == call_site) {
			return i;
		}
		innermost = innermost ? innermost : i;
	}
	return innermost;
}

static int finish_call(
	struct native_stream *stream, uint64_t function, uint64_t call_site, uint64_t ticks)
{
	uint32_t i = find_call(stream, function, call_site);

	if (i == 0) {
		return keep_undelivered(stream, function, ticks);
	}
	int status = abort_down_to(stream, i, REEL_REASON_UNWOUND, ticks);

	return status < 0 ? status : end_call(stream, EVENT_AFTER, REEL_REASON_NONE, ticks);
}

/* ---- records in ---- */

static int take_slot(struct native_stream *stream, const struct slot *slot, uint64_t ticks)
{
	uint64_t function = slot->words[1] & RECORD_ADDRESS_MASK;
	uint64_t call_site = slot->words[2] & RECORD_ADDRESS_MASK;

	if (record_kind(slot) == RECORD_NATIVE_AFTER) {
		return finish_call(stream, function, call_site, ticks);
	}
	struct native_call call = {
		.function = function,
		.call_site = call_site,
		.stack_pointer = slot->words[3],
		.ticks = ticks,
		.instance = (uint16_t)(slot->words[1] >> 48),
		.listened = true,
	};

	return begin_call(stream, &call);
}

/*
 * The fast path: as many as possible of the slots that need no repair, at known sites, into the
 * block at hand. Stops at the first that needs more; take_slot() has that one then.
 */
static uint64_t take_plain(struct native_stream *stream, const struct slot *slots, uint64_t mask,
	uint64_t pos, uint64_t end)
{
	struct event_block *block = &stream->emitter.block;
	/* Copies, because the compiler must think that a store into the block changes the rest. */
	const struct pair_map sites = stream->process->sites;
	struct native_call *const calls = stream->calls;
	uint32_t *symbols = block->symbols + block->count;
	uint64_t *times = block->ticks + block->count;
	const uint32_t capacity = stream->capacity;
	const uint64_t begin = pos;
	uint32_t depth = stream->depth;
	uint64_t last = stream->last_ticks;

	for (; pos < end && depth > 0; pos++) {
		const struct slot *slot = &slots[pos & mask];
		const struct native_call *top = &calls[depth - 1];

		/* The lines come from the producer's core, one slow transfer each: ask ahead. */
		__builtin_prefetch(&slots[(pos + PREFETCH_SLOTS) & mask]);

		uint64_t kind = slot->words[2] >> 48;
		uint64_t function = slot->words[1] & RECORD_ADDRESS_MASK;
		uint64_t call_site = slot->words[2] & RECORD_ADDRESS_MASK;
		uint64_t stack_pointer = slot->words[3];
		uint64_t ticks = slot->words[0] > last ? slot->words[0] : last;

		if (kind == RECORD_NATIVE_AFTER && top->function == function &&
			top->call_site == call_site) {
			depth--;
			*symbols++ = SYMBOL_AFTER;
		} else if (kind == RECORD_NATIVE_BEFORE && stack_pointer < top->stack_pointer &&
			   depth < capacity) {
			uint32_t site = pair_map_find(&sites, function, call_site);

			if (site == PAIR_MAP_EMPTY) {
				break;
			}
			calls[depth++] = (struct native_call){
				.function = function,
				.call_site = call_site,
				.stack_pointer = stack_pointer,
				.ticks = ticks,
				.site = site,
				.instance = (uint16_t)(slot->words[1] >> 48),
				.listened = true,
			};
			*symbols++ = SYMBOL_SITE + site;
		} else {
			break;
		}
		*times++ = ticks;
		last = ticks;
	}
	block->count += (uint32_t)(pos - begin);
	stream->depth = depth;
	stream->last_ticks = last;
	return pos;
}

int native_stream_consume(struct native_stream *stream, const struct slot *slots, uint64_t mask,
	uint64_t *pos, uint64_t end)
{
	struct emitter *emitter = &stream->emitter;
	uint64_t begin = *pos;
	int status = 0;

	while (*pos < end && status == 0) {
		if (!stream->filter && (status = emitter_prepare(emitter, 1)) == 0) {
			uint64_t room = emitter->limit - emitter->block.count;
			uint64_t count = end - *pos < room ? end - *pos : room;

			status = event_block_reserve(&emitter->block, (uint32_t)count);
			*pos = status < 0 ? *pos
					  : take_plain(stream, slots, mask, *pos, *pos + count);
		}
		if (*pos == end || status < 0) {
			break;
		}
		const struct slot *slot = &slots[*pos & mask];
		uint64_t ticks =
			slot->words[0] > stream->last_ticks ? slot->words[0] : stream->last_ticks;

		if (record_kind(slot) > RECORD_NATIVE_AFTER) {
			break;
		}
		status = take_slot(stream, slot, ticks);
		stream->last_ticks = ticks;
		(*pos)++;
	}
	stream->event_count += *pos - begin;
	return status;
}

static uint64_t clamp(struct native_stream *stream, uint64_t ticks)
{
	if (ticks > stream->last_ticks) {
		stream->last_ticks = ticks;
	}
	return stream->last_ticks;
}

int native_stream_gap(struct native_stream *stream, uint64_t ticks, uint64_t count)
{
	struct event event = {
		.kind = EVENT_GAP,
		.ticks = clamp(stream, ticks),
		.site = NO_ID,
		.function = NO_ID,
		.module = NO_ID,
		.error = NO_ID,
		.text = NO_ID,
		.lost = count,
	};

	return give(stream, &event);
}

int native_stream_unwind(struct native_stream *stream, uint64_t ticks, uint64_t count)
{
	uint32_t depth = count < stream->depth ? stream->depth - (uint32_t)count : 0;
	int status = abort_down_to(stream, depth, REEL_REASON_LOST, clamp(stream, ticks));

	return status < 0 ? status : native_stream_gap(stream, ticks, count);
}

int native_stream_end(struct native_stream *stream, enum reel_reason reason)
{
	int status = abort_down_to(stream, 0, reason, stream->last_ticks);

	return status < 0 ? status : native_stream_flush(stream);
}

int native_stream_flush(struct native_stream *stream)
{
	return stream->filter ? filter_flush(stream->filter) : emitter_flush(&stream->emitter);
}
