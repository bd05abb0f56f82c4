/*
 * The names of status codes and reasons, and the one-line way to report a failure. Given any code;
 * promises a text that is never NULL.
 */
#include <stdarg.h>
#include <stdio.h>

#include <reel/context.h>
#include <reel/status.h>

const char *reel_status_str(int status)
{
	switch (status) {
	case REEL_OK:
		return "ok";
	case REEL_END:
		return "end";
	case REEL_ENOMEM:
		return "out of memory";
	case REEL_EIO:
		return "input/output error";
	case REEL_EINVAL:
		return "invalid argument";
	case REEL_EFORMAT:
		return "wrong format";
	case REEL_EVERSION:
		return "unsupported version";
	case REEL_EDAMAGED:
		return "damaged";
	case REEL_ELIMIT:
		return "limit exceeded";
	case REEL_ENOENT:
		return "not found";
	case REEL_ECLOSED:
		return "closed";
	case REEL_EPLUGIN:
		return "plug-in failure";
	default:
		return "unknown status";
	}
}

int reel_fail(struct reel_error *error, int status, const char *format, ...)
{
	va_list arguments;

	if (!error) {
		return status;
	}
	error->status = status;
	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	return status;
}

const char *reel_reason_name(enum reel_reason reason)
{
	switch (reason) {
	case REEL_REASON_UNWOUND:
		return "unwound";
	case REEL_REASON_EXIT:
		return "exit";
	case REEL_REASON_KILLED:
		return "killed";
	case REEL_REASON_STOPPED:
		return "stopped";
	case REEL_REASON_LOST:
		return "lost";
	case REEL_REASON_NONE:
	default:
		return "";
	}
}
