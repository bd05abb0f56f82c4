/*
 * Names of WASI preview 1: error numbers, file types and flags, as people know them (POSIX names
 * of errors).
 */
#ifndef REEL_LISTENERS_WASI_NAMES_H
#define REEL_LISTENERS_WASI_NAMES_H

#include <stdint.h>

#include "text.h"

enum wasi_flags {
	WASI_FDFLAGS,
	WASI_FSTFLAGS,
	WASI_LOOKUPFLAGS,
	WASI_OFLAGS,
	WASI_RIGHTS,
	WASI_SDFLAGS,
	WASI_RIFLAGS,
	WASI_ROFLAGS,
};

/* "ESUCCESS", ..., or "errno(N)". */
void wasi_put_errno(struct text_output *output, uint32_t number);

/* "REGULAR_FILE", ..., or "filetype(N)". */
void wasi_put_filetype(struct text_output *output, uint8_t type);

/* The names of the flags that are set, with '|' between them; flags without a name are left out. */
void wasi_put_flags(struct text_output *output, enum wasi_flags kind, uint64_t flags);

#endif
