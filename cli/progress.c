/*
 * The progress line: a label and a percentage that overwrite themselves on standard error, written
 * only while that is a terminal and only when the percentage changes.
 */
#include <stdio.h>
#include <unistd.h>

#include "command.h"

void progress_begin(struct progress *progress, const char *label)
{
	*progress = (struct progress){
		.label = label, .shown = isatty(STDERR_FILENO) == 1, .percent = -1};
}

void progress_show(void *user, double share)
{
	struct progress *progress = user;
	int percent = share >= 1 ? 100 : share > 0 ? (int)(share * 100) : 0;

	if (progress->shown && percent != progress->percent) {
		progress->percent = percent;
		fprintf(stderr, "\rreel: %s: %d%%", progress->label, percent);
		fflush(stderr);
	}
	if (percent == 100) { /* what the command prints now stands on a line of its own */
		progress_end(progress);
	}
}

void progress_end(struct progress *progress)
{
	if (progress->percent >= 0) {
		fputs("\r\033[K", stderr);
		fflush(stderr);
		progress->percent = -1;
	}
}
