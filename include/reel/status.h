/*
 * Status codes and error texts, shared by everything in Reel.
 *
 * Functions on cold paths return an int: REEL_OK (0), for iterators also REEL_END (1), or a
 * negative enum reel_status. Functions that can say more than a code take a `struct reel_error *`,
 * which may be NULL; on failure it gets the code and one line of text without a newline, fit to be
 * printed after "reel: ". On success it is left alone.
 *
 * Threads: everything here may be called from any thread.
 */
#ifndef REEL_STATUS_H
#define REEL_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/* Marks what the shared library exports; everything else is hidden. */
#define REEL_API __attribute__((visibility("default")))

enum reel_status {
	REEL_OK = 0,
	REEL_END = 1,       /* iterators: there is no further item */
	REEL_ENOMEM = -1,   /* memory could not be had */
	REEL_EIO = -2,      /* the operating system refused: open, read, write, map, ... */
	REEL_EINVAL = -3,   /* an argument or option makes no sense */
	REEL_EFORMAT = -4,  /* the bytes are not a Reel trace (or not the expected JSON lines) */
	REEL_EVERSION = -5, /* a trace of a newer major version */
	REEL_EDAMAGED = -6, /* a Reel trace with damage at the place that was asked for */
	REEL_ELIMIT = -7,   /* a stated limit would be passed */
	REEL_ENOENT = -8,   /* the named thing does not exist */
	REEL_ECLOSED = -9,  /* the recorder, stream or session is closed already */
	REEL_EPLUGIN = -10, /* a listener plug-in could not be loaded or refused its options */
};

/* Longest error text with its NUL. A longer one is cut. */
#define REEL_ERROR_SIZE 512

struct reel_error {
	int status; /* a negative enum reel_status */
	char text[REEL_ERROR_SIZE];
};

/* The name of a status ("damaged"), for any int; never NULL, never freed. */
REEL_API const char *reel_status_str(int status);

/*
 * Fills *error (when it is not NULL) with a status and a printf-like text and returns the status,
 * so that a failure is one line: `return reel_fail(error, REEL_EIO, "%s: %s", path,
 * strerror(errno));`
 */
REEL_API int reel_fail(struct reel_error *error, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#ifdef __cplusplus
}
#endif

#endif
