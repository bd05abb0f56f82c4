/*
 * Options, arguments and messages that the commands share; see command.h. Given the program's
 * arguments, it promises one line on standard error for whatever is wrong with them.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

int failure(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("reel: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	return EXIT_FAILED;
}

int library_failure(const struct reel_error *error)
{
	failure("%s", error->text);
	return error->status == REEL_EINVAL ? EXIT_USAGE : EXIT_FAILED;
}

int usage_error(const char *command, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fprintf(stderr, "reel %s: ", command);
	vfprintf(stderr, format, arguments);
	fprintf(stderr, " (see reel %s --help)\n", command);
	va_end(arguments);
	return EXIT_USAGE;
}

int flush_output(int status)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		return failure("standard output: %s", strerror(errno ? errno : EIO));
	}
	return status;
}

/* Says what getopt_long() refused, as the user wrote it. */
static int refuse_option(char **argv)
{
	if (optopt == 0) {
		usage_error(argv[0], "unknown option '%s'", argv[optind - 1]);
	} else if (optopt >= OPTION_LONG) {
		usage_error(argv[0], "option '%s' takes no argument", argv[optind - 1]);
	} else {
		usage_error(argv[0], "unknown option '-%c'", optopt);
	}
	return OPTION_WRONG;
}

int next_option(int argc, char **argv, const char *short_options, const struct option *long_options,
	const char *help)
{
	char letters[64];
	const char *mode = short_options[0] == '+' ? "+" : "";

	/* ":" first makes getopt_long() tell a missing argument from an unknown option. */
	snprintf(letters, sizeof(letters), "%s:h%s", mode, short_options + strlen(mode));
	opterr = 0;
	int option = getopt_long(argc, argv, letters, long_options, NULL);

	switch (option) {
	case ':':
		usage_error(argv[0], "option '%s' needs an argument", argv[optind - 1]);
		return OPTION_WRONG;
	case '?':
		return refuse_option(argv);
	case 'h':
	case OPTION_HELP:
		fputs(help, stdout);
		return OPTION_HELP;
	default:
		return option;
	}
}

int option_exit_code(int option)
{
	return option == OPTION_HELP ? flush_output(EXIT_DONE) : EXIT_USAGE;
}

bool single_operand(int argc, char **argv, const char *otherwise, const char **operand)
{
	if (argc - optind > 1) {
		usage_error(argv[0], "one argument too many: '%s'", argv[optind + 1]);
		return false;
	}
	*operand = optind < argc ? argv[optind] : otherwise;
	return true;
}

/* Reads decimal digits; false when there are none or the number does not fit. */
static bool read_digits(const char **text, uint64_t *number)
{
	const char *digit = *text;

	*number = 0;
	for (; *digit >= '0' && *digit <= '9'; digit++) {
		if (__builtin_mul_overflow(*number, 10, number) ||
			__builtin_add_overflow(*number, (uint64_t)(*digit - '0'), number)) {
			return false;
		}
	}
	if (digit == *text) {
		return false;
	}
	*text = digit;
	return true;
}

bool parse_number(const char *text, uint64_t max, uint64_t *number)
{
	return read_digits(&text, number) && *text == 0 && *number <= max;
}

bool parse_size(const char *text, uint64_t *bytes)
{
	static const char letters[] = "KMGT";
	unsigned shift = 0;

	if (!read_digits(&text, bytes)) {
		return false;
	}
	const char *letter = *text ? strchr(letters, *text & ~0x20) : NULL;
	if (letter) {
		shift = 10 * (unsigned)(letter - letters + 1);
		text++;
		text += strncmp(text, "iB", 2) == 0 ? 2 : *text == 'B';
	}
	return *text == 0 && !__builtin_mul_overflow(*bytes, UINT64_C(1) << shift, bytes);
}

/* The unit's ns; 0 for a suffix that is none. */
static uint64_t unit_ns(const char *suffix)
{
	static const struct {
		const char *suffix;
		uint64_t ns;
	} units[] = {{"", 1000000000}, {"s", 1000000000}, {"ms", 1000000}, {"us", 1000}, {"ns", 1}};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(suffix, units[i].suffix) == 0) {
			return units[i].ns;
		}
	}
	return 0;
}

bool parse_time(const char *text, uint64_t *time_ns)
{
	uint64_t whole;
	const char *fraction = NULL;

	if (!read_digits(&text, &whole)) {
		return false;
	}
	if (*text == '.') {
		fraction = ++text;
		text += strspn(text, "0123456789");
	}
	uint64_t unit = unit_ns(text);
	if (unit == 0 || fraction == text || __builtin_mul_overflow(whole, unit, time_ns)) {
		return false;
	}
	/* Digits beyond a nanosecond are dropped. */
	for (; fraction && fraction < text; fraction++) {
		unit /= 10;
		if (__builtin_add_overflow(*time_ns, (uint64_t)(*fraction - '0') * unit, time_ns)) {
			return false;
		}
	}
	return true;
}

bool parse_codec(const char *text, enum reel_codec *codec, int *level)
{
	*level = 0;
	if (strcmp(text, "lz4") == 0) {
		*codec = REEL_CODEC_LZ4;
		return true;
	}
	if (strcmp(text, "none") == 0) {
		*codec = REEL_CODEC_NONE;
		return true;
	}
	if (strncmp(text, "zstd", 4) != 0) {
		return false;
	}
	*codec = REEL_CODEC_ZSTD;
	if (text[4] == 0) {
		return true;
	}

	const char *digits = text + 5;
	bool negative = *digits == '-';
	uint64_t number;

	/* Level 0 would be read as "the default"; it has no meaning of its own. */
	if (text[4] != ':' || !parse_number(digits + negative, negative ? 7 : 19, &number) ||
		number == 0) {
		return false;
	}
	*level = negative ? -(int)number : (int)number;
	return true;
}
