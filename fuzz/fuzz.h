/*
 * What a fuzz target is: libFuzzer's entry, which replay_corpus.c calls as well.
 */
#ifndef REEL_FUZZ_H
#define REEL_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Feeds one input; returns 0. Whatever the bytes are, nothing may crash, hang or leak. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/*
 * A file without a name that holds the bytes, for code that opens paths: the path is good until
 * memory_file_close(). Ends the process when the system has no memory for it.
 */
struct memory_file {
	int descriptor;
	char path[32];
};

void memory_file_open(struct memory_file *file, const uint8_t *bytes, size_t size);
void memory_file_close(struct memory_file *file);

#endif
