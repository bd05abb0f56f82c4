/*
 * Finds the hook library and makes a program's environment; see preload.h. Given nothing but where
 * this code was loaded from, it promises the library that was built with it.
 */
#define _GNU_SOURCE
#include "preload.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session.h"

#define HOOK_LIBRARY "libreel-native.so"

#define PRELOAD "LD_PRELOAD"

/* Where it is, seen from the directory of the program or library that this code is in: the build
 * tree, beside an installed library, and beside an installed program. */
static const char *const places[] = {
	HOOK_LIBRARY,
	("reel/" HOOK_LIBRARY),
#ifdef REEL_HOOK_LIBRARY
	REEL_HOOK_LIBRARY,
#endif
};

/* The file that this code was loaded from: the shared library, or the program. */
static bool own_file(char path[PATH_MAX])
{
	struct link_map *map = NULL;
	Dl_info info;

	if (dladdr1(&places, &info, (void **)&map, RTLD_DL_LINKMAP) && map &&
		map->l_name[0] != '\0') {
		return realpath(map->l_name, path) != NULL;
	}
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);

	if (length > 0) {
		path[length] = '\0';
	}
	return length > 0;
}

/* LD_PRELOAD has no way to quote its separators. */
static int check_path(const char *path, struct reel_error *error)
{
	if (path[strcspn(path, " :")] == '\0') {
		return 0;
	}
	return reel_fail(error, REEL_EINVAL,
		"the hook library cannot be preloaded from a path with a space or colon: %s", path);
}

static int find_chosen(const char *chosen, char **path, struct reel_error *error)
{
	*path = realpath(chosen, NULL);
	if (!*path) {
		return reel_fail(
			error, REEL_ENOENT, "hook library %s: %s", chosen, strerror(errno));
	}
	return 0;
}

static int find_installed(char **path, struct reel_error *error)
{
	char own[PATH_MAX];

	if (!own_file(own)) {
		return reel_fail(
			error, REEL_ENOENT, "cannot find where reel is: %s", strerror(errno));
	}
	*strrchr(own, '/') = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char *candidate;

		if (asprintf(&candidate, "%s/%s", own, places[i]) < 0) {
			return reel_fail(error, REEL_ENOMEM, "out of memory");
		}
		*path = realpath(candidate, NULL);
		free(candidate);
		if (*path) {
			return 0;
		}
	}
	return reel_fail(error, REEL_ENOENT, "the hook library %s is not in %s, nor installed",
		HOOK_LIBRARY, own);
}

int preload_find(const char *chosen, char **path, struct reel_error *error)
{
	*path = NULL;
	int status = chosen ? find_chosen(chosen, path, error) : find_installed(path, error);

	if (status == 0) {
		status = check_path(*path, error);
	}
	if (status < 0) {
		free(*path);
		*path = NULL;
	}
	return status;
}

/* Puts a variable in the place of the one of the same name, else at the end. */
static void set_variable(char **variables, size_t *count, char *variable)
{
	size_t length = strcspn(variable, "=") + 1;

	for (size_t i = 0; i < *count; i++) {
		if (strncmp(variables[i], variable, length) == 0) {
			variables[i] = variable;
			return;
		}
	}
	variables[(*count)++] = variable;
}

int environment_create(const char *library, const char *session, struct environment *environment)
{
	const char *existing = getenv(PRELOAD);
	bool keep = existing && existing[0] != '\0';
	size_t count = 0;

	*environment = (struct environment){0};
	while (environ && environ[count]) {
		count++;
	}
	environment->variables = calloc(count + 3, sizeof(*environment->variables));
	if (asprintf(&environment->preload, "%s=%s%s%s", PRELOAD, library, keep ? ":" : "",
		    keep ? existing : "") < 0) {
		environment->preload = NULL;
	}
	if (asprintf(&environment->session, "%s=%s", SESSION_ENVIRONMENT, session) < 0) {
		environment->session = NULL;
	}
	if (!environment->variables || !environment->preload || !environment->session) {
		environment_destroy(environment);
		return REEL_ENOMEM;
	}
	if (count > 0) {
		memcpy(environment->variables, environ, count * sizeof(*environ));
	}
	set_variable(environment->variables, &count, environment->preload);
	set_variable(environment->variables, &count, environment->session);
	return 0;
}

void environment_destroy(struct environment *environment)
{
	free(environment->variables);
	free(environment->preload);
	free(environment->session);
	*environment = (struct environment){0};
}
