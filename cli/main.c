/*
 * The `reel` program: finds the command, gives it its arguments and passes its exit status on.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
};

static const struct command commands[] = {
	{"record", command_record, "run a program and record its function calls"},
	{"import", command_import, "turn JSON lines of another host into a trace"},
	{"replay", command_replay, "drive listeners with a trace"},
	{"bench", command_bench, "measure what a listener costs per event"},
	{"info", command_info, "say what is in a trace"},
	{"verify", command_verify, "check every byte of a trace"},
	{"listeners", command_listeners, "list the built-in listeners"},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *out)
{
	fputs("Usage: reel COMMAND [OPTION...] [ARGUMENT...]\n"
	      "\n"
	      "Records every function call of a running program and replays it into listeners.\n"
	      "\n"
	      "Commands:\n",
		out);
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
	}
	fputs("\n"
	      "Examples:\n"
	      "  gcc -g -O2 -finstrument-functions program.c -o program\n"
	      "  reel record -- ./program argument    writes trace.reel\n"
	      "  reel info                            how many events, streams, functions\n"
	      "  reel replay                          a table of calls and times per function\n"
	      "  reel replay --listener flamegraph -o flame.svg\n"
	      "\n"
	      "reel COMMAND --help says more about a command, reel --version which this is.\n"
	      "Exit status: 0; 1 for a failure; 2 for wrong usage; 3 for a damaged or incomplete\n"
	      "trace where that was asked. `record` ends with the program's own status.\n",
		out);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(commands[i].name, name) == 0) {
			return &commands[i];
		}
	}
	return NULL;
}

/*
 * Makes the three standard descriptors exist and writes to closed ones fail, so that no file that
 * is opened later takes their place, and makes a closed pipe an error instead of a signal.
 */
static void guard_standard_files(void)
{
	int descriptor;

	do {
		descriptor = open("/dev/null", O_RDONLY);
	} while (descriptor >= 0 && descriptor <= STDERR_FILENO);
	if (descriptor >= 0) {
		close(descriptor);
	}
	signal(SIGPIPE, SIG_IGN);
}

static int run_command(const struct command *command, int argc, char **argv)
{
	/* A recorded program gets descriptors and signals as they came. */
	if (command->run != command_record) {
		guard_standard_files();
	}
	return command->run(argc, argv);
}

static int help(const char *topic)
{
	const struct command *command = topic ? find_command(topic) : NULL;

	if (command) {
		char *arguments[] = {(char *)command->name, (char *)"--help", NULL};

		return run_command(command, 2, arguments);
	}
	if (topic) {
		failure("no command '%s' (see reel --help)", topic);
		return EXIT_USAGE;
	}
	guard_standard_files();
	print_help(stdout);
	return flush_output(EXIT_DONE);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	const char *name = argv[1];

	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
		return help(argc > 2 && name[0] != '-' ? argv[2] : NULL);
	}
	if (strcmp(name, "--version") == 0) {
		guard_standard_files();
		puts("reel " REEL_VERSION);
		return flush_output(EXIT_DONE);
	}
	const struct command *command = find_command(name);

	if (!command) {
		failure("no %s '%s' (see reel --help)", name[0] == '-' ? "option" : "command",
			name);
		return EXIT_USAGE;
	}
	return run_command(command, argc - 1, argv + 1);
}
