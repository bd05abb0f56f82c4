/*
 * Any bytes as JSON lines (plain or zstd): imported into a trace that is then thrown away.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <reel/import.h>

#include "fuzz.h"

/* Where the trace goes: one file per process. */
static const char *output_path(void)
{
	static char path[64];

	if (path[0] == 0) {
		snprintf(path, sizeof(path), "/tmp/reel-fuzz-import-%ld.reel", (long)getpid());
	}
	return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct reel_import_options options = {.size = sizeof(options)};
	struct memory_file file;
	struct reel_error error;

	memory_file_open(&file, bytes, size);
	if (reel_import_jsonl(file.path, output_path(), &options, &error) == REEL_OK) {
		/* Removed at once, so that nothing becomes .old. */
		unlink(output_path());
	}
	memory_file_close(&file);
	return 0;
}
