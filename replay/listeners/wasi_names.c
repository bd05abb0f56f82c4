/*
 * The tables behind wasi_names.h. Numbers and bits are those of the preview 1 snapshot; names of
 * rights and flags are without their prefix.
 */
#include "wasi_names.h"

#include <inttypes.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const errno_names[] = {"ESUCCESS", "E2BIG", "EACCES", "EADDRINUSE",
	"EADDRNOTAVAIL", "EAFNOSUPPORT", "EAGAIN", "EALREADY", "EBADF", "EBADMSG", "EBUSY",
	"ECANCELED", "ECHILD", "ECONNABORTED", "ECONNREFUSED", "ECONNRESET", "EDEADLK",
	"EDESTADDRREQ", "EDOM", "EDQUOT", "EEXIST", "EFAULT", "EFBIG", "EHOSTUNREACH", "EIDRM",
	"EILSEQ", "EINPROGRESS", "EINTR", "EINVAL", "EIO", "EISCONN", "EISDIR", "ELOOP", "EMFILE",
	"EMLINK", "EMSGSIZE", "EMULTIHOP", "ENAMETOOLONG", "ENETDOWN", "ENETRESET", "ENETUNREACH",
	"ENFILE", "ENOBUFS", "ENODEV", "ENOENT", "ENOEXEC", "ENOLCK", "ENOLINK", "ENOMEM", "ENOMSG",
	"ENOPROTOOPT", "ENOSPC", "ENOSYS", "ENOTCONN", "ENOTDIR", "ENOTEMPTY", "ENOTRECOVERABLE",
	"ENOTSOCK", "ENOTSUP", "ENOTTY", "ENXIO", "EOVERFLOW", "EOWNERDEAD", "EPERM", "EPIPE",
	"EPROTO", "EPROTONOSUPPORT", "EPROTOTYPE", "ERANGE", "EROFS", "ESPIPE", "ESRCH", "ESTALE",
	"ETIMEDOUT", "ETXTBSY", "EXDEV", "ENOTCAPABLE"};

static const char *const filetype_names[] = {"UNKNOWN", "BLOCK_DEVICE", "CHARACTER_DEVICE",
	"DIRECTORY", "REGULAR_FILE", "SOCKET_DGRAM", "SOCKET_STREAM", "SYMBOLIC_LINK"};

static const char *const fdflag_names[] = {"APPEND", "DSYNC", "NONBLOCK", "RSYNC", "SYNC"};
static const char *const fstflag_names[] = {"ATIM", "ATIM_NOW", "MTIM", "MTIM_NOW"};
static const char *const lookupflag_names[] = {"SYMLINK_FOLLOW"};
static const char *const oflag_names[] = {"CREAT", "DIRECTORY", "EXCL", "TRUNC"};
static const char *const right_names[] = {"FD_DATASYNC", "FD_READ", "FD_SEEK", "FDSTAT_SET_FLAGS",
	"FD_SYNC", "FD_TELL", "FD_WRITE", "FD_ADVISE", "FD_ALLOCATE", "PATH_CREATE_DIRECTORY",
	"PATH_CREATE_FILE", "PATH_LINK_SOURCE", "PATH_LINK_TARGET", "PATH_OPEN", "FD_READDIR",
	"PATH_READLINK", "PATH_RENAME_SOURCE", "PATH_RENAME_TARGET", "PATH_FILESTAT_GET",
	"PATH_FILESTAT_SET_SIZE", "PATH_FILESTAT_SET_TIMES", "FD_FILESTAT_GET",
	"FD_FILESTAT_SET_SIZE", "FD_FILESTAT_SET_TIMES", "PATH_SYMLINK", "PATH_REMOVE_DIRECTORY",
	"PATH_UNLINK_FILE", "POLL_FD_READWRITE", "SOCK_SHUTDOWN"};
static const char *const sdflag_names[] = {"RD", "WR"};
static const char *const riflag_names[] = {"RECV_PEEK", "RECV_WAITALL"};
static const char *const roflag_names[] = {"RECV_DATA_TRUNCATED"};

static const struct {
	const char *const *names;
	size_t count;
} flag_tables[] = {
	[WASI_FDFLAGS] = {fdflag_names, COUNT(fdflag_names)},
	[WASI_FSTFLAGS] = {fstflag_names, COUNT(fstflag_names)},
	[WASI_LOOKUPFLAGS] = {lookupflag_names, COUNT(lookupflag_names)},
	[WASI_OFLAGS] = {oflag_names, COUNT(oflag_names)},
	[WASI_RIGHTS] = {right_names, COUNT(right_names)},
	[WASI_SDFLAGS] = {sdflag_names, COUNT(sdflag_names)},
	[WASI_RIFLAGS] = {riflag_names, COUNT(riflag_names)},
	[WASI_ROFLAGS] = {roflag_names, COUNT(roflag_names)},
};

void wasi_put_errno(struct text_output *output, uint32_t number)
{
	if (number < COUNT(errno_names)) {
		text_string(output, errno_names[number]);
	} else {
		text_format(output, "errno(%" PRIu32 ")", number);
	}
}

void wasi_put_filetype(struct text_output *output, uint8_t type)
{
	if (type < COUNT(filetype_names)) {
		text_string(output, filetype_names[type]);
	} else {
		text_format(output, "filetype(%u)", type);
	}
}

void wasi_put_flags(struct text_output *output, enum wasi_flags kind, uint64_t flags)
{
	const char *separator = "";

	for (size_t i = 0; i < flag_tables[kind].count; i++) {
		if (flags >> i & 1) {
			text_string(output, separator);
			text_string(output, flag_tables[kind].names[i]);
			separator = "|";
		}
	}
}
