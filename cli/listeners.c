/*
 * `reel listeners`: the built-in listeners, one per line.
 */
#include <stdio.h>

#include <reel/replay.h>

#include "command.h"

static const char help[] =
	"Usage: reel listeners\n"
	"\n"
	"Lists the listeners that `reel replay --listener NAME` knows. A listener of your\n"
	"own is a shared object: `reel replay --listener ./mine.so` (see reel/plugin.h).\n";

int command_listeners(int argc, char **argv)
{
	static const struct option options[] = {HELP_OPTION, {NULL, 0, NULL, 0}};
	int option = next_option(argc, argv, "", options, help);

	if (option != OPTION_END) {
		return option_exit_code(option);
	}
	if (optind < argc) {
		return usage_error(argv[0], "takes no argument");
	}

	const char *description;
	const char *name;

	for (size_t i = 0; (name = reel_listener_name(i, &description)) != NULL; i++) {
		printf("%-12s %s\n", name, description);
	}
	return flush_output(EXIT_DONE);
}
