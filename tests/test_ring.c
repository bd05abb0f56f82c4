/*
 * The ring and the session: invariants at every position, hostile positions, a self-checking stress
 * between two threads, and what a session hands out.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "recorder/ring.h"
#include "recorder/session.h"

#define CAPACITY 8u

static const uint64_t starts[] = {0, UINT32_MAX - 3ull, UINT64_MAX - 3ull};

static void start_at(struct ring *ring, uint64_t pos)
{
	memset(ring, 0, sizeof(*ring));
	atomic_store(&ring->producer_pos, pos);
	atomic_store(&ring->consumer_pos, pos);
}

static void ring_gives_back_what_was_published_in_order_wherever_its_positions_start(void **state)
{
	(void)state;
	for (size_t s = 0; s < sizeof(starts) / sizeof(starts[0]); s++) {
		struct ring ring;
		struct slot slots[CAPACITY];
		uint64_t pos = starts[s];
		uint64_t next = 0, expected = 0;

		start_at(&ring, pos);
		for (int round = 0; round < 40; round++) {
			uint64_t count = 1 + (uint64_t)round % CAPACITY;
			struct slot records[CAPACITY];
			uint64_t end;

			for (uint64_t i = 0; i < count; i++) {
				records[i].words[0] = next++;
			}
			ring_publish(&ring, slots, CAPACITY, records, count);
			assert_true(ring_peek(&ring, CAPACITY, pos, &end));
			assert_int_equal(end - pos, count);
			for (; pos != end; pos++) {
				assert_int_equal(slots[pos & (CAPACITY - 1)].words[0], expected++);
			}
			ring_release(&ring, pos);
		}
	}
}

static void ring_reports_no_room_beyond_the_consumer(void **state)
{
	struct ring ring;

	(void)state;
	start_at(&ring, 5);
	assert_int_equal(ring_limit(&ring, CAPACITY), 5 + CAPACITY);
	ring_release(&ring, 7);
	assert_int_equal(ring_limit(&ring, CAPACITY), 7 + CAPACITY);
}

static void ring_refuses_positions_that_make_no_sense(void **state)
{
	struct ring ring;
	uint64_t end;

	(void)state;
	start_at(&ring, 100);
	atomic_store(&ring.producer_pos, 100 + CAPACITY);
	assert_true(ring_peek(&ring, CAPACITY, 100, &end));
	atomic_store(&ring.producer_pos, 101 + CAPACITY);
	assert_false(ring_peek(&ring, CAPACITY, 100, &end));
	atomic_store(&ring.producer_pos, 99);
	assert_false(ring_peek(&ring, CAPACITY, 100, &end));
}

#define STRESS_RECORDS 300000u

struct stress {
	struct ring ring;
	struct slot slots[CAPACITY];
	uint64_t wrong;
};

static void *consume(void *argument)
{
	struct stress *stress = argument;
	uint64_t pos = 0, expected = 0, end;

	while (expected < STRESS_RECORDS) {
		if (!ring_peek(&stress->ring, CAPACITY, pos, &end)) {
			stress->wrong++;
			break;
		}
		for (; pos != end; pos++, expected++) {
			const struct slot *slot = &stress->slots[pos & (CAPACITY - 1)];

			for (uint64_t w = 0; w < 4; w++) {
				stress->wrong += slot->words[w] != expected * 4 + w;
			}
		}
		ring_release(&stress->ring, pos);
	}
	return NULL;
}

static void ring_carries_whole_records_between_two_threads(void **state)
{
	static struct stress stress;
	pthread_t consumer;

	(void)state;
	assert_int_equal(pthread_create(&consumer, NULL, consume, &stress), 0);
	for (uint64_t i = 0; i < STRESS_RECORDS; i++) {
		struct slot slot = {{i * 4, i * 4 + 1, i * 4 + 2, i * 4 + 3}};

		while (atomic_load(&stress.ring.producer_pos) + 1 >
			ring_limit(&stress.ring, CAPACITY)) {
			ring_wait(&stress.ring, ring_limit(&stress.ring, CAPACITY) - CAPACITY,
				1000000);
		}
		ring_publish(&stress.ring, stress.slots, CAPACITY, &slot, 1);
	}
	pthread_join(consumer, NULL);
	assert_int_equal(stress.wrong, 0);
}

static void session_is_private_to_its_owner_and_leaves_nothing_behind(void **state)
{
	struct session session;
	struct stat status;
	char path[4096];

	(void)state;
	assert_int_equal(session_create(session_directories(), 1 << 20, REEL_ON_FULL_WAIT, 0,
				 &session, NULL),
		0);
	strcpy(path, session.path);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	*strrchr(path, '/') = '\0';
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0700);
	session_destroy(&session);
	assert_int_equal(stat(path, &status), -1);
}

static void session_hands_out_each_ring_once_and_its_slots_do_not_overlap(void **state)
{
	struct session session;
	uint64_t end;
	uint32_t count = 0;
	struct ring *ring;

	(void)state;
	assert_int_equal(
		session_create(session_directories(), 0, REEL_ON_FULL_WAIT, 0, &session, NULL), 0);
	end = (uint64_t)((unsigned char *)&session.rings[session.ring_count] - session.base);
	while ((ring = session_claim_ring(&session))) {
		assert_true(ring->slots_offset >= end);
		assert_int_equal(ring->capacity & (ring->capacity - 1), 0);
		end = ring->slots_offset + ring->capacity * SLOT_SIZE;
		count++;
	}
	assert_true(end <= session.size_bytes);
	assert_int_equal(count, session.ring_count);
	assert_true(count >= 300);
	session_destroy(&session);
}

static void session_says_when_there_is_no_room_for_it(void **state)
{
	static const char *const nowhere[] = {"/proc", "/nonexistent", NULL};
	struct session session;
	struct reel_error error = {0};

	(void)state;
	assert_int_equal(
		session_create(nowhere, 0, REEL_ON_FULL_WAIT, 0, &session, &error), REEL_EIO);
	assert_non_null(strstr(error.text, "shared memory"));
	assert_int_equal(
		session_create(session_directories(), 1, REEL_ON_FULL_WAIT, 0, &session, &error),
		REEL_EINVAL);
}

static void session_refuses_a_file_that_is_none(void **state)
{
	struct session session;

	(void)state;
	assert_int_equal(session_attach("/proc/self/exe", &session), REEL_EIO);
	assert_int_equal(session_attach("/nonexistent", &session), REEL_EIO);
}

/* A consumer in a child process; returns its pid once it holds the session. */
static pid_t start_consumer(struct session *session)
{
	int pipes[2];
	char byte;

	assert_int_equal(pipe(pipes), 0);
	pid_t child = fork();

	if (child == 0) {
		int status = session_take_over(session, NULL);

		_exit(status < 0 || write(pipes[1], "x", 1) != 1 || pause() ? 1 : 0);
	}
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	close(pipes[0]);
	close(pipes[1]);
	return child;
}

static void session_notices_a_killed_consumer_and_not_a_stopped_one(void **state)
{
	struct session session;
	int status;

	(void)state;
	assert_int_equal(session_create(session_directories(), 1 << 20, REEL_ON_FULL_WAIT, 0,
				 &session, NULL),
		0);
	pid_t child = start_consumer(&session);

	assert_false(session_consumer_died(&session));
	kill(child, SIGSTOP);
	assert_int_equal(waitpid(child, &status, WUNTRACED), child);
	assert_false(session_consumer_died(&session));
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(session_consumer_died(&session));
	session_destroy(&session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			ring_gives_back_what_was_published_in_order_wherever_its_positions_start),
		cmocka_unit_test(ring_reports_no_room_beyond_the_consumer),
		cmocka_unit_test(ring_refuses_positions_that_make_no_sense),
		cmocka_unit_test(ring_carries_whole_records_between_two_threads),
		cmocka_unit_test(session_is_private_to_its_owner_and_leaves_nothing_behind),
		cmocka_unit_test(session_hands_out_each_ring_once_and_its_slots_do_not_overlap),
		cmocka_unit_test(session_says_when_there_is_no_room_for_it),
		cmocka_unit_test(session_refuses_a_file_that_is_none),
		cmocka_unit_test(session_notices_a_killed_consumer_and_not_a_stopped_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
