/* Loads, runs and unloads plug-ins, again and again, so that addresses are used again. usage:
 * plugin_host ROUNDS PATH.so... */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static int run(const char *path, int n)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	int (*function)(int);
	int result;

	if (!library) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	*(void **)&function = dlsym(library, "plugin_run");
	result = function(n);
	dlclose(library);
	return result;
}

int main(int argc, char **argv)
{
	int total = 0;

	for (int i = 0; i < atoi(argv[1]); i++) {
		for (int j = 2; j < argc; j++) {
			total += run(argv[j], 10 * j);
		}
	}
	printf("total %d\n", total);
	return 0;
}
