/*
 * Looks for kin in /proc; see kin.h. Given a session's path, which nobody else can have, it
 * promises to find every process of the recording that this user may look into.
 */
#define _GNU_SOURCE
#include "kin.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Fields of /proc/PID/stat behind the name, which ends with the last parenthesis. */
#define STAT_FIELDS_TO_START 19

/* When a process started, in the kernel's ticks; 0 when it is gone. */
static unsigned long long start_of(const char *pid)
{
	char path[sizeof("/proc//environ") + NAME_MAX];
	char text[1024] = "";
	unsigned long long start = 0;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	FILE *file = fopen(path, "re");

	if (!file) {
		return 0;
	}
	size_t size = fread(text, 1, sizeof(text) - 1, file);

	fclose(file);
	text[size] = '\0';
	char *field = strrchr(text, ')');

	field = field ? strchr(field, ' ') : NULL;
	for (int i = 0; field && i < STAT_FIELDS_TO_START; i++) {
		field = strchr(field + 1, ' ');
	}
	return field ? strtoull(field, NULL, 10) : start;
}

/* True when one of the process's files in /proc has the text in it. `delimiter` ends its items. */
static bool mentions(const char *pid, const char *name, int delimiter, const char *text)
{
	char path[sizeof("/proc//environ") + NAME_MAX];
	char *item = NULL;
	size_t size = 0;
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%s/%s", pid, name);
	FILE *file = fopen(path, "re");

	if (!file) {
		return false;
	}
	while (!found && getdelim(&item, &size, delimiter, file) > 0) {
		found = strstr(item, text) != NULL;
	}
	free(item);
	fclose(file);
	return found;
}

bool kin_alive(const char *session)
{
	DIR *processes = opendir("/proc");
	unsigned long long own_start = start_of("self");
	bool found = false;
	struct dirent *entry;

	if (!processes) {
		return false;
	}
	while (!found && (entry = readdir(processes))) {
		const char *pid = entry->d_name;

		found = isdigit((unsigned char)pid[0]) && atol(pid) != getpid() &&
			start_of(pid) >= own_start &&
			(mentions(pid, "maps", '\n', session) ||
				mentions(pid, "environ", '\0', session));
	}
	closedir(processes);
	return found;
}
