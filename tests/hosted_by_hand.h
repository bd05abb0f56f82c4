/*
 * A recorder without a consumer thread: the test drains the rings itself, when it wants to, so that
 * full rings and streams that move come in an order that the test chose.
 */
#ifndef REEL_TESTS_HOSTED_BY_HAND_H
#define REEL_TESTS_HOSTED_BY_HAND_H

#include "hosted_trace.h"

#include "hosted.h"
#include "recorder_state.h"

struct by_hand {
	struct reel_recorder recorder;
	struct writer *writer;
	struct emitter_target target;
	struct hosted *hosted;
	uint64_t positions[SESSION_RING_COUNT_MAX];
	struct slot *scratch;
};

/* `capacity`: slots of every ring, a power of two, at most what the session has. */
static inline struct by_hand *by_hand_create(
	const struct reel_recorder_options *options, uint32_t block_events, uint64_t capacity)
{
	const struct writer_options writer_options = {.codec = options->codec, .clock = CLOCK_HOST};
	struct by_hand *made = calloc(1, sizeof(*made));
	struct reel_recorder *recorder = &made->recorder;

	recorder->options = *options;
	recorder->clock = CLOCK_HOST;
	pthread_mutex_init(&recorder->mutex, NULL);
	assert_int_equal(definitions_init(&recorder->definitions), 0);
	assert_int_equal(session_create(session_directories(), 512 << 10, options->on_full,
				 CLOCK_HOST, &recorder->session, NULL),
		0);
	for (uint32_t i = 0; i < recorder->session.ring_count; i++) {
		if (recorder->session.rings[i].capacity > capacity) {
			recorder->session.rings[i].capacity = capacity;
		}
	}
	assert_int_equal(producer_registry_init(&recorder->registry, &recorder->session,
				 options->on_full == REEL_ON_FULL_WAIT),
		0);
	assert_int_equal(factory_init(recorder), 0);
	assert_int_equal(writer_create(trace_path(), &writer_options, &made->writer, NULL), 0);
	made->target = (struct emitter_target){
		.writer = made->writer, .codec = options->codec, .block_events = block_events};
	assert_int_equal(hosted_create(&made->target, options, options->min_duration_ns,
				 &recorder->definitions, &made->hosted),
		0);
	made->scratch = calloc(1 << 16, sizeof(struct slot));
	return made;
}

/* One ring: true when something was taken from it. */
static inline bool by_hand_drain_ring(struct by_hand *hand, uint32_t index)
{
	struct ring *ring = &hand->recorder.session.rings[index];
	const struct slot *slots =
		(const struct slot *)(void *)(hand->recorder.session.base + ring->slots_offset);
	uint64_t *pos = &hand->positions[index];
	uint64_t begin = *pos;
	uint64_t end;

	assert_true(ring_peek(ring, ring->capacity, *pos, &end));
	while (*pos < end) {
		uint64_t count = record_slots(&slots[*pos & (ring->capacity - 1)]);
		int status;

		assert_in_range(count, 1, end - *pos);
		for (uint64_t i = 0; i < count; i++) {
			hand->scratch[i] = slots[(*pos + i) & (ring->capacity - 1)];
		}
		status = hosted_consume(hand->hosted, index, hand->scratch, count);
		if (status == HOSTED_STALL) {
			break;
		}
		assert_int_equal(status, 0);
		*pos += count;
	}
	ring_release(ring, *pos);
	if (*pos == end && atomic_load(&ring->state) == RING_DONE) {
		atomic_store(&ring->state, RING_FREE);
	}
	return *pos > begin;
}

/* Everything that is in the rings. */
static inline void by_hand_drain(struct by_hand *hand)
{
	bool again = true;

	while (again) {
		again = false;
		for (uint32_t i = 0; i < hand->recorder.session.ring_count; i++) {
			again |= by_hand_drain_ring(hand, i);
		}
	}
}

static inline const struct reel_function *by_hand_function(
	struct by_hand *hand, const char *name, bool is_listened)
{
	const struct reel_function definition = {.size = sizeof(definition),
		.name = name,
		.module_name = "m",
		.is_listened = is_listened};
	const struct reel_function *function;

	assert_int_equal(
		reel_recorder_define_function(&hand->recorder, &definition, &function, NULL), 0);
	return function;
}

static inline struct reel_recorder_stream *by_hand_stream(struct by_hand *hand, uint32_t id)
{
	const struct reel_stream_info info = {.id = id};
	struct reel_recorder_stream *stream;

	assert_int_equal(reel_recorder_stream_open(&hand->recorder, &info, &stream, NULL), 0);
	return stream;
}

/* Ends what is open, finishes the file and frees everything. */
static inline void by_hand_finish(struct by_hand *hand)
{
	struct reel_recorder *recorder = &hand->recorder;

	for (struct reel_recorder_stream *i = recorder->streams; i; i = i->next) {
		if (i->is_open) {
			reel_recorder_stream_close(i, REEL_REASON_STOPPED);
		}
	}
	by_hand_drain(hand);
	assert_int_equal(hosted_finish(hand->hosted, REEL_REASON_STOPPED), 0);
	hosted_destroy(hand->hosted);
	assert_int_equal(writer_finish(hand->writer, NULL), 0);
	producer_registry_deinit(&recorder->registry);
	session_destroy(&recorder->session);
	while (recorder->streams) {
		struct reel_recorder_stream *stream = recorder->streams;

		recorder->streams = stream->next;
		free(stream->end);
		free(stream->shadow);
		free(stream->calls);
		free(stream);
	}
	while (recorder->functions) {
		struct function_handle *handle = recorder->functions;

		recorder->functions = handle->next;
		free(handle);
	}
	factory_deinit(recorder);
	definitions_deinit(&recorder->definitions);
	id_set_deinit(&recorder->stream_ids);
	id_set_deinit(&recorder->module_ids);
	pthread_mutex_destroy(&recorder->mutex);
	free(hand->scratch);
	free(hand);
}

#endif
