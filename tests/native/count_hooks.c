/*
 * An independent count of hook calls: compiled as a library and preloaded in the recorder's place,
 * or linked into a program, when it counts what the recorder gets in the very same run and passes
 * it on with registers and stack as they came.
 *
 * The counts are two 64-bit words, enters and exits, in the file that COUNT_FILE names, mapped and
 * shared by every process of the run, so that no way of ending loses any.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

typedef void (*hook_fn)(void *function, void *call_site);

void __cyg_profile_func_enter(void *function, void *call_site);
void __cyg_profile_func_exit(void *function, void *call_site);

static uint64_t *counts;

static uint64_t *open_counts(void)
{
	static uint64_t nowhere[2];
	const char *path = getenv("COUNT_FILE");
	int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
	void *map = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, sizeof(nowhere)) == 0) {
		map = mmap(NULL, sizeof(nowhere), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	}
	if (fd >= 0) {
		close(fd);
	}
	return map == MAP_FAILED ? nowhere : map;
}

static void count(int which)
{
	if (!__atomic_load_n(&counts, __ATOMIC_ACQUIRE)) {
		__atomic_store_n(&counts, open_counts(), __ATOMIC_RELEASE);
	}
	__atomic_fetch_add(&counts[which], 1, __ATOMIC_RELAXED);
}

static void find_enter(void *function, void *call_site);
static void find_exit(void *function, void *call_site);

static hook_fn next_enter = find_enter;
static hook_fn next_exit = find_exit;

static void find_enter(void *function, void *call_site)
{
	next_enter = (hook_fn)dlsym(RTLD_NEXT, "__cyg_profile_func_enter");
	next_enter(function, call_site);
}

static void find_exit(void *function, void *call_site)
{
	next_exit = (hook_fn)dlsym(RTLD_NEXT, "__cyg_profile_func_exit");
	next_exit(function, call_site);
}

/* The last calls are jumps (-O2): the next hook sees the caller's own return address and stack. */
void __cyg_profile_func_enter(void *function, void *call_site)
{
	count(0);
	next_enter(function, call_site);
}

void __cyg_profile_func_exit(void *function, void *call_site)
{
	count(1);
	next_exit(function, call_site);
}
