/* A plug-in that plugin_host loads, twice, from two files that differ in NAME alone. */
#ifndef NAME
#define NAME one
#endif

#define JOIN(a, b) a##b
#define FUNCTION(name) JOIN(plugin_, name)

int plugin_run(int n);
int FUNCTION(NAME)(int n);

int FUNCTION(NAME)(int n)
{
	return n == 0 ? 1 : FUNCTION(NAME)(n - 1) + 1;
}

int plugin_run(int n)
{
	return FUNCTION(NAME)(n);
}
