/*
 * Sessions: creating, attaching and removing the shared memory of a recording, and handing out its
 * rings.
 */
#define _GNU_SOURCE
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096u
#define MEMORY_DEFAULT (UINT64_C(32) << 20)
#define MEMORY_MIN (UINT64_C(256) << 10)
#define MEMORY_MAX (UINT64_C(4) << 30)

/*
 * Ring sizes: half of the memory in the largest rings, a quarter in the next and an eighth each in
 * the two smallest, so that one thread has a ring that fills the second-level cache and hundreds of
 * threads have one at all. Sizes shrink with the budget.
 */
static const struct {
	unsigned share; /* eighths of the memory */
	unsigned shift; /* capacity in bytes of the largest, divided by 2^shift */
} ring_classes[] = {{4, 0}, {2, 2}, {1, 5}, {1, 7}};

#define RING_BYTES_MAX (UINT64_C(2) << 20)
#define RING_BYTES_MIN (UINT64_C(16) << 10)

static uint64_t round_up(uint64_t value, uint64_t unit)
{
	return (value + unit - 1) / unit * unit;
}

/* The largest ring of a budget: four of them fit in its half. */
static uint64_t largest_ring(uint64_t memory)
{
	uint64_t bytes = RING_BYTES_MAX;

	while (bytes > RING_BYTES_MIN && bytes > memory / 8) {
		bytes /= 2;
	}
	return bytes;
}

/* Lays out the rings' slots from `offset`; with geometry NULL only counts. Returns the count, *end
 * where the slots end. */
static uint32_t lay_out(
	uint64_t memory, uint64_t offset, struct ring_geometry *geometry, uint64_t *end)
{
	uint64_t largest = largest_ring(memory);
	uint32_t count = 0;

	for (size_t i = 0; i < sizeof(ring_classes) / sizeof(ring_classes[0]); i++) {
		uint64_t bytes = largest >> ring_classes[i].shift;
		uint64_t share = memory / 8 * ring_classes[i].share;

		bytes = bytes < RING_BYTES_MIN ? RING_BYTES_MIN : bytes;
		for (; share >= bytes && count < SESSION_RING_COUNT_MAX; share -= bytes) {
			if (geometry) {
				geometry[count].capacity = bytes / SLOT_SIZE;
				geometry[count].slots_offset = offset;
			}
			offset += bytes;
			count++;
		}
	}
	*end = offset;
	return count;
}

const char *const *session_directories(void)
{
	static const char *directories[5];
	size_t count = 0;
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	const char *temporary = getenv("TMPDIR");

	if (runtime && runtime[0] == '/') {
		directories[count++] = runtime;
	}
	directories[count++] = "/dev/shm";
	if (temporary && temporary[0] == '/') {
		directories[count++] = temporary;
	}
	directories[count++] = "/tmp";
	directories[count] = NULL;
	return directories;
}

/* Makes DIRECTORY/reel-XXXXXX/session with `size` reserved bytes. Returns a descriptor or -1 with
 * errno. */
static int create_file(const char *directory, uint64_t size, char **path)
{
	char *name = NULL;
	int fd = -1;
	int error;

	if (asprintf(path, "%s/reel-XXXXXX/session", directory) < 0) {
		*path = NULL;
		return -1;
	}
	name = *path;
	char *slash = strrchr(name, '/');

	*slash = '\0';
	if (!mkdtemp(name)) {
		goto fail;
	}
	*slash = '/';
	fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	/* Reserved, not assumed: a full file system must be an error now, not a SIGBUS later. */
	if (fd >= 0 && (error = posix_fallocate(fd, 0, (off_t)size)) == 0) {
		return fd;
	}
	error = fd >= 0 ? error : errno;
	if (fd >= 0) {
		close(fd);
		unlink(name);
	}
	*slash = '\0';
	rmdir(name);
	errno = error;
fail:
	error = errno;
	free(*path);
	*path = NULL;
	errno = error;
	return -1;
}

static int init_alive(struct session_control *control)
{
	pthread_mutexattr_t attributes;
	int error = pthread_mutexattr_init(&attributes);

	if (error) {
		return error;
	}
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	error = pthread_mutex_init(&control->consumer_alive, &attributes);
	pthread_mutexattr_destroy(&attributes);
	return error ? error : pthread_mutex_lock(&control->consumer_alive);
}

static int fill_control(struct session *session, enum reel_on_full on_full, uint32_t clock)
{
	struct session_control *control = session->control;

	control->size_bytes = session->size_bytes;
	control->ring_count = session->ring_count;
	control->on_full = on_full;
	control->clock = clock;
	atomic_store(&control->next_token, 1);
	for (uint32_t i = 0; i < session->ring_count; i++) {
		session->rings[i].capacity = session->geometry[i].capacity;
		session->rings[i].slots_offset = session->geometry[i].slots_offset;
	}
	if (init_alive(control) != 0) {
		return REEL_ENOMEM;
	}
	atomic_store(&control->state, SESSION_ON);
	control->magic = SESSION_MAGIC;
	return 0;
}

/* Maps a new session file; prefaulted, so that no hook meets a page's first touch in the kernel's
 * allocator. */
static int map_new(struct session *session, int fd, struct reel_error *error)
{
	void *base = mmap(NULL, session->size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (base == MAP_FAILED) {
		return reel_fail(
			error, REEL_EIO, "%s: cannot map: %s", session->path, strerror(errno));
	}
	session_locate(session, base);
	return 0;
}

int session_create(const char *const *directories, size_t memory_bytes, enum reel_on_full on_full,
	uint32_t clock, struct session *session, struct reel_error *error)
{
	uint64_t memory = memory_bytes ? memory_bytes : MEMORY_DEFAULT;
	uint64_t end;
	int fd = -1;
	int saved = ENOENT;
	int status;

	memset(session, 0, sizeof(*session));
	if (memory < MEMORY_MIN || memory > MEMORY_MAX) {
		return reel_fail(error, REEL_EINVAL, "ring memory must be from 256K to 4G");
	}
	session->ring_count = lay_out(memory, 0, NULL, &end);
	uint64_t slots =
		round_up(SESSION_CONTROL_SIZE + session->ring_count * sizeof(struct ring), PAGE);

	session->geometry = calloc(session->ring_count, sizeof(*session->geometry));
	if (!session->geometry) {
		return reel_fail(error, REEL_ENOMEM, "out of memory");
	}
	lay_out(memory, slots, session->geometry, &end);
	session->size_bytes = round_up(end, PAGE);
	for (; *directories && fd < 0; directories++) {
		fd = create_file(*directories, session->size_bytes, &session->path);
		saved = fd < 0 ? errno : 0;
	}
	if (fd < 0) {
		free(session->geometry);
		session->geometry = NULL;
		return reel_fail(error, REEL_EIO,
			"no directory has room for %llu bytes of shared memory (%s); give less "
			"with "
			"--memory, or set TMPDIR",
			(unsigned long long)session->size_bytes, strerror(saved));
	}
	status = map_new(session, fd, error);
	close(fd);
	if (status == 0) {
		status = fill_control(session, on_full, clock);
	}
	if (status != 0) {
		session_destroy(session);
	}
	return status;
}

int session_take_over(struct session *session, struct reel_error *error)
{
	/* The creator held the mutex; a forked child is another owner and starts with a fresh one.
	 */
	if (init_alive(session->control) != 0) {
		return reel_fail(error, REEL_ENOMEM, "cannot make the session's mutex");
	}
	return 0;
}

void session_destroy(struct session *session)
{
	if (session->control) {
		atomic_store(&session->control->state, SESSION_CLOSED);
		pthread_mutex_unlock(&session->control->consumer_alive);
	}
	session_detach(session);
	if (session->path) {
		unlink(session->path);
		*strrchr(session->path, '/') = '\0';
		rmdir(session->path);
		free(session->path);
	}
	free(session->geometry);
	memset(session, 0, sizeof(*session));
}
