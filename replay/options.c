/*
 * Options of listeners; see options.h. Given text from a command line; promises a clear refusal of
 * what makes no sense.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

static struct option *find(const struct options *options, const char *key)
{
	for (size_t i = 0; i < options->count; i++) {
		if (strcmp(options->items[i].key, key) == 0) {
			return &options->items[i];
		}
	}
	return NULL;
}

static size_t count_items(const char *text)
{
	size_t count = *text ? 1 : 0;

	for (; *text; text++) {
		count += *text == ',';
	}
	return count;
}

/* Splits "key=value" in place. */
static int add_item(struct options *options, char *item, struct reel_error *error)
{
	char *equals = strchr(item, '=');

	if (equals) {
		*equals = '\0';
	}
	if (*item == '\0') {
		return reel_fail(error, REEL_EINVAL, "an option without a name");
	}
	if (find(options, item)) {
		return reel_fail(error, REEL_EINVAL, "option '%s' is given twice", item);
	}
	options->items[options->count++] = (struct option){
		.key = item,
		.value = equals ? equals + 1 : item + strlen(item),
	};
	return 0;
}

int options_parse(struct options *options, const char *text, struct reel_error *error)
{
	size_t count = count_items(text ? text : "");
	char *rest;
	int status = 0;

	*options = (struct options){0};
	if (count == 0) {
		return 0;
	}
	options->text = strdup(text);
	options->items = calloc(count, sizeof(*options->items));
	if (!options->text || !options->items) {
		options_deinit(options);
		return reel_fail(error, REEL_ENOMEM, "out of memory");
	}
	rest = options->text;
	while (rest && status == 0) {
		char *item = strsep(&rest, ",");

		status = add_item(options, item, error);
	}
	if (status < 0) {
		options_deinit(options);
	}
	return status;
}

void options_deinit(struct options *options)
{
	free(options->text);
	free(options->items);
	*options = (struct options){0};
}

const char *options_take(struct options *options, const char *key)
{
	struct option *option = find(options, key);

	if (!option) {
		return NULL;
	}
	option->is_taken = true;
	return option->value;
}

static bool is_one_of(const char *value, const char *const words[4])
{
	for (size_t i = 0; i < 4; i++) {
		if (strcmp(value, words[i]) == 0) {
			return true;
		}
	}
	return false;
}

int options_take_flag(
	struct options *options, const char *key, bool *value, struct reel_error *error)
{
	static const char *const yes[4] = {"", "yes", "true", "1"};
	static const char *const no[4] = {"no", "false", "0", "no"};
	const char *text = options_take(options, key);

	if (!text) {
		return 0;
	}
	if (!is_one_of(text, yes) && !is_one_of(text, no)) {
		return reel_fail(
			error, REEL_EINVAL, "option '%s' is yes or no, not '%s'", key, text);
	}
	*value = is_one_of(text, yes);
	return 0;
}

int options_take_number(struct options *options, const char *key, uint64_t min, uint64_t max,
	uint64_t *value, struct reel_error *error)
{
	const char *text = options_take(options, key);
	unsigned long long number;
	char *end;

	if (!text) {
		return 0;
	}
	errno = 0;
	number = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || number < min ||
		number > max) {
		return reel_fail(error, REEL_EINVAL,
			"option '%s' is a number from %" PRIu64 " to %" PRIu64 ", not '%s'", key,
			min, max, text);
	}
	*value = number;
	return 0;
}

int options_take_output(struct options *options, const char *default_output, const char **path,
	struct reel_error *error)
{
	const char *file = options_take(options, "file");

	file = file ? file : default_output;
	if (file && *file == '\0') {
		return reel_fail(error, REEL_EINVAL, "option 'file' needs a path");
	}
	*path = file && strcmp(file, "-") != 0 ? file : NULL;
	return 0;
}

int options_finish(const struct options *options, const char *listener, struct reel_error *error)
{
	for (size_t i = 0; i < options->count; i++) {
		if (!options->items[i].is_taken) {
			return reel_fail(error, REEL_EINVAL, "listener '%s' has no option '%s'",
				listener, options->items[i].key);
		}
	}
	return 0;
}
