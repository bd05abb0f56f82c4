/*
 * What the preloaded hook library puts in front of the C library: leaving without destructors, and
 * unloading objects. A static program links the hooks without it and is recorded all the same:
 * leaving by _exit() then looks like being killed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hook.h"

#define INTERPOSED __attribute__((visibility("default")))

static int (*real_dlclose)(void *handle);
static void (*real_exit)(int status) __attribute__((noreturn));
static void (*real_quick_exit)(int status) __attribute__((noreturn));

__attribute__((constructor)) static void find_real(void)
{
	int saved = errno;

	*(void **)&real_dlclose = dlsym(RTLD_NEXT, "dlclose");
	*(void **)&real_exit = dlsym(RTLD_NEXT, "_exit");
	*(void **)&real_quick_exit = dlsym(RTLD_NEXT, "quick_exit");
	errno = saved;
}

INTERPOSED int dlclose(void *handle)
{
	unsigned long long unloads = reel_hook_before_unload();
	int result = real_dlclose ? real_dlclose(handle) : -1;

	reel_hook_after_unload(unloads);
	return result;
}

INTERPOSED __attribute__((noreturn)) void _exit(int status)
{
	reel_hook_exits();
	if (real_exit) {
		real_exit(status);
	}
	for (;;) {
		syscall(SYS_exit_group, status);
	}
}

INTERPOSED __attribute__((noreturn)) void _Exit(int status)
{
	_exit(status);
}

INTERPOSED __attribute__((noreturn)) void quick_exit(int status)
{
	reel_hook_exits();
	if (real_quick_exit) {
		real_quick_exit(status);
	}
	_exit(status);
}
