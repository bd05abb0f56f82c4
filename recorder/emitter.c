/*
 * The emitter: given a stream's paired events in order, gathers them in blocks that each start with
 * a key frame of the owner's stack. Promises that a block is closed before it passes its limits,
 * and that the first failure of any emitter stops all that share its target.
 */
#include "emitter.h"

#include <string.h>

void emitter_init(struct emitter *emitter, struct emitter_target *target, uint32_t stream,
	uint32_t (*depth)(void *owner), emitter_activation_fn activation, void *owner)
{
	memset(emitter, 0, sizeof(*emitter));
	event_block_init(&emitter->block);
	emitter->target = target;
	emitter->stream = stream;
	emitter->depth = depth;
	emitter->activation = activation;
	emitter->owner = owner;
}

void emitter_deinit(struct emitter *emitter)
{
	event_block_deinit(&emitter->block);
	event_block_init(&emitter->block);
	emitter->begun = false;
}

static int fail(struct emitter *emitter, int status)
{
	if (status < 0 && emitter->target->status == 0) {
		emitter->target->status = status;
	}
	return status;
}

/* A deep stack makes a long key frame, which must be spread over as many events. */
static uint32_t block_limit(const struct emitter_target *target, uint32_t depth)
{
	uint64_t limit = target->block_events;

	if (limit < (uint64_t)depth * 4) {
		limit = (uint64_t)depth * 4;
	}
	return limit < EVENT_BLOCK_EVENTS_MAX ? (uint32_t)limit : EVENT_BLOCK_EVENTS_MAX;
}

static int write_key_frame(struct emitter *emitter, uint32_t depth)
{
	struct activation activation;
	int status;

	for (uint32_t i = 0; i < depth; i++) {
		emitter->activation(emitter->owner, i, &activation);
		status = event_block_open(&emitter->block, &activation);
		if (status < 0) {
			return status;
		}
	}
	return 0;
}

static int begin_block(struct emitter *emitter)
{
	uint32_t depth = emitter->depth(emitter->owner);
	int status;

	status = event_block_begin(&emitter->block, emitter->stream);
	if (status == 0) {
		status = write_key_frame(emitter, depth);
	}
	if (status < 0) {
		return status;
	}
	emitter->limit = block_limit(emitter->target, depth);
	emitter->begun = true;
	return 0;
}

/* A key frame alone must not close the block that it opens. */
static bool is_heavy(const struct event_block *block)
{
	return event_block_bytes(block) - block->key_frame.size >= EMITTER_BLOCK_BYTES;
}

static bool is_full(const struct emitter *emitter, uint32_t count)
{
	return emitter->block.count > 0 &&
	       ((uint64_t)emitter->block.count + count > emitter->limit ||
		       is_heavy(&emitter->block));
}

int emitter_prepare(struct emitter *emitter, uint32_t count)
{
	int status = emitter->target->status;

	if (count > EVENT_BLOCK_EVENTS_MAX) {
		status = REEL_ELIMIT;
	}
	if (status == 0 && emitter->begun && is_full(emitter, count)) {
		status = emitter_flush(emitter);
	}
	if (status == 0 && !emitter->begun) {
		status = begin_block(emitter);
	}
	if (status == 0) {
		status = event_block_reserve(&emitter->block, count);
	}
	return fail(emitter, status);
}

int emitter_append(struct emitter *emitter, const struct event *event, uint32_t plain_module)
{
	if (emitter->target->status < 0) {
		return emitter->target->status;
	}
	return fail(emitter, event_block_append(&emitter->block, event, plain_module));
}

int emitter_flush(struct emitter *emitter)
{
	struct emitter_target *target = emitter->target;
	int status = target->status;

	if (status == 0 && emitter->begun && emitter->block.count > 0) {
		status = fail(emitter,
			writer_write_events(target->writer, &emitter->block, target->codec));
	}
	emitter->begun = false;
	return status;
}

int emitter_release(struct emitter *emitter)
{
	int status = emitter_flush(emitter);

	emitter_deinit(emitter);
	return status;
}

size_t emitter_memory(const struct emitter *emitter)
{
	const struct event_block *block = &emitter->block;
	size_t memory = block->capacity * (sizeof(*block->symbols) + sizeof(*block->ticks));

	memory += block->key_frame.capacity + block->extras.capacity + block->named_sites.capacity;
	memory += block->column_of_function_count * sizeof(*block->column_of_function);
	memory += 2 * block->value_bytes;
	return memory;
}
