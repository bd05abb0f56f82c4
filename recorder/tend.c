/*
 * Housekeeping: notices threads and processes that ended without a word, closes blocks that rest,
 * and brings a recording to its end.
 */
#define _GNU_SOURCE
#include "consumer_state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* Streams that wait this long with events in their block have it written. */
#define FLUSH_NS UINT64_C(1000000000)

/* Every so many times it is also looked whether processes still have the session mapped. */
#define LOOK_TENDS 4u

/* ---- housekeeping ---- */

/*
 * Reads a /proc/.../stat: true when there is no such thread or process, or when it is a zombie with
 * at most `threads` threads left. One that may not be seen lives.
 */
static bool is_dead(const char *path, unsigned threads)
{
	char text[512];
	char state;
	unsigned count;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		return errno == ENOENT || errno == ESRCH;
	}
	ssize_t size = read(fd, text, sizeof(text) - 1);

	close(fd);
	if (size <= 0) {
		return true; /* it went away in between */
	}
	text[size] = '\0';
	const char *paren = strrchr(text, ')'); /* the name before it may hold anything */

	/* The state is field 3, the number of threads field 20: proc(5). */
	return paren &&
	       sscanf(paren,
		       ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %u",
		       &state, &count) == 2 &&
	       (state == 'Z' || state == 'X') && count <= threads;
}

static bool process_dead(uint32_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/stat", pid);
	/* A main thread that ended before the others is a zombie among living ones. */
	return is_dead(path, 1);
}

static bool thread_dead(uint32_t pid, uint32_t tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/task/%" PRIu32 "/stat", pid, tid);
	return is_dead(path, UINT32_MAX);
}

/*
 * True when a living process no longer has the session mapped: it became, by exec, a program that
 * is not recorded. One that may not be looked into has it.
 */
static bool left_session(const struct consumer *consumer, uint32_t pid)
{
	char path[64];
	char *line = NULL;
	size_t size = 0;
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/maps", pid);
	FILE *file = fopen(path, "re");

	if (!file) {
		return false;
	}
	while (!found && getline(&line, &size, file) > 0) {
		found = strstr(line, consumer->session->path) != NULL;
	}
	/* An empty file is that of a process which is just ending. */
	bool read_any = line != NULL && size > 0 && !ferror(file);

	free(line);
	fclose(file);
	return read_any && !found;
}

/* True when a younger entry has the same pid: the process called exec and its old image is gone. */
static bool replaced(const struct consumer *consumer, uint32_t pid, uint64_t token)
{
	for (uint32_t i = 0; i < consumer->process_bound; i++) {
		const struct session_process *entry = &consumer->session->control->processes[i];

		if (atomic_load(&entry->state) >= PROCESS_LIVE && entry->pid == pid &&
			entry->token > token) {
			return true;
		}
	}
	return false;
}

/* True when the process said that it exits. */
static bool exited(const struct consumer *consumer, uint64_t token)
{
	for (uint32_t i = 0; i < consumer->process_bound; i++) {
		const struct session_process *entry = &consumer->session->control->processes[i];

		if (entry->token == token) {
			return atomic_load(&entry->state) == PROCESS_ENDED;
		}
	}
	return false;
}

/* Ends a lane whose thread is gone without having said so. */
static int bury(struct consumer *consumer, uint32_t index, bool whole_process, bool exec)
{
	struct lane *lane = &consumer->lanes[index];
	uint64_t taken = 0;
	int status = lane_drain(consumer, index, true, &taken);

	if (status == 0 && whole_process &&
		!lane->stream) { /* nobody told of its process, and nobody will */
		struct process *process =
			process_add(&consumer->table, lane->token, lane->pid, NULL);

		status = process ? lane_drain(consumer, index, true, &taken) : REEL_ENOMEM;
	}
	bool ended = exec || !whole_process || exited(consumer, lane->token);

	return status < 0
		       ? status
		       : lane_close(consumer, index, ended ? REEL_REASON_EXIT : REEL_REASON_KILLED);
}

/* Entries of processes lie below this: so much has to be searched. */
static uint32_t process_bound(const struct session_control *control)
{
	uint32_t bound = SESSION_PROCESS_COUNT;

	while (bound > 0 && atomic_load_explicit(&control->processes[bound - 1].state,
				    memory_order_relaxed) == PROCESS_FREE) {
		bound--;
	}
	return bound;
}

static int tend_lanes(struct consumer *consumer)
{
	int status = 0;

	/* What the dead had still to tell may be in any ring of their process. */
	consumer->eager = true;
	if (consumer_drain(consumer) < 0) {
		return consumer->target.status;
	}
	bool look = ++consumer->tends % LOOK_TENDS == 0;

	for (uint32_t i = 0; status == 0 && i < consumer->session->ring_count; i++) {
		struct lane *lane = &consumer->lanes[i];

		if (!lane->in_use) {
			continue;
		}
		bool exec = replaced(consumer, lane->pid, lane->token) ||
			    (look && lane->pid == lane->tid && left_session(consumer, lane->pid));
		bool gone = exec || process_dead(lane->pid);

		if (gone || thread_dead(lane->pid, lane->tid)) {
			status = bury(consumer, i, gone, exec);
		}
	}
	return status;
}

static bool has_lanes(const struct consumer *consumer, uint64_t token)
{
	for (uint32_t i = 0; i < consumer->session->ring_count; i++) {
		if (consumer->lanes[i].in_use && consumer->lanes[i].token == token) {
			return true;
		}
	}
	return false;
}

/* Frees the entries of processes that are gone; returns how many live. */
static uint32_t tend_processes(struct consumer *consumer)
{
	struct session_control *control = consumer->session->control;
	bool look = consumer->tends % LOOK_TENDS == 0;
	uint32_t live = 0;

	for (uint32_t i = 0; i < consumer->process_bound; i++) {
		struct session_process *entry = &control->processes[i];

		uint32_t state = atomic_load_explicit(&entry->state, memory_order_acquire);

		if (state != PROCESS_LIVE && state != PROCESS_ENDED) {
			continue;
		}
		bool gone = replaced(consumer, entry->pid, entry->token) ||
			    process_dead(entry->pid) ||
			    (look && left_session(consumer, entry->pid));

		if (!gone) {
			live += atomic_load(&entry->recorded) != 0;
		} else if (!has_lanes(consumer, entry->token)) {
			struct process *process = process_find(&consumer->table, entry->token);

			if (process) {
				process_remove(&consumer->table, process);
			}
			atomic_store(&entry->state, PROCESS_FREE);
		}
	}
	return live;
}

/* Writes the blocks of streams that had events but have rested since the last time. */
static int flush_resting(struct consumer *consumer)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	int status = 0;

	if (now - consumer->last_flush_ns < FLUSH_NS) {
		return 0;
	}
	consumer->last_flush_ns = now;
	if (consumer->hosted) {
		return hosted_flush_old(consumer->hosted);
	}
	for (uint32_t i = 0; status == 0 && i < consumer->session->ring_count; i++) {
		struct lane *lane = &consumer->lanes[i];

		if (lane->stream && lane->stream->event_count != lane->flushed_events) {
			lane->flushed_events = lane->stream->event_count;
			status = native_stream_flush(lane->stream);
		}
	}
	return status;
}

uint32_t consumer_tend(struct consumer *consumer)
{
	int status = consumer->target.status;

	consumer->eager = true;
	consumer->process_bound = process_bound(consumer->session->control);
	if (status == 0 && is_native(consumer)) {
		status = tend_lanes(consumer);
	}
	status = status < 0 ? status : flush_resting(consumer);
	status = status < 0 ? status : consumer_sample_clock(consumer);
	if (status < 0) {
		consumer->target.status = status;
	}
	return is_native(consumer) ? tend_processes(consumer) : 1;
}

/* Events of threads that never got a ring, in a stream of their own. */
static int tell_lost_without_ring(struct consumer *consumer)
{
	struct session_control *control = consumer->session->control;
	uint64_t lost = atomic_load(&control->lost_without_ring);
	struct lane lane = {
		.stream_id = atomic_fetch_add(&control->next_stream, 1), .name = "no ring"};
	int status;

	if (lost == 0) {
		return 0;
	}
	status = lane_start_stream(consumer, &lane, NULL);
	status = status < 0 ? status
			    : native_stream_gap(lane.stream, consumer_ticks(consumer), lost);
	status = status < 0 ? status : native_stream_end(lane.stream, REEL_REASON_LOST);
	lane_free_stream(&lane);
	return status;
}

int consumer_finish(struct consumer *consumer, enum reel_reason reason)
{
	int status = 0;

	consumer->process_bound = process_bound(consumer->session->control);
	do {
		consumer->eager = true;
	} while (consumer_drain(consumer) > 0);
	status = consumer->target.status;
	for (uint32_t i = 0; status == 0 && i < consumer->session->ring_count; i++) {
		struct lane *lane = &consumer->lanes[i];

		if (lane->in_use) {
			status = lane_close(consumer, i,
				exited(consumer, lane->token) ? REEL_REASON_EXIT : reason);
		}
	}
	if (status == 0 && consumer->hosted) {
		status = hosted_finish(consumer->hosted, reason);
	}
	if (status == 0 && is_native(consumer)) {
		status = tell_lost_without_ring(consumer);
	}
	return status < 0 ? status : consumer_sample_clock(consumer);
}

uint64_t consumer_event_count(const struct consumer *consumer)
{
	return consumer->events;
}
