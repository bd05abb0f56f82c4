/*
 * The floor: what -finstrument-functions costs when the hooks do nothing. Linked into a program in
 * place of glibc's own empty hooks, as a shared library, so that they are called the same way.
 */
#define HOOK __attribute__((no_instrument_function))

HOOK void __cyg_profile_func_enter(void *function, void *call_site);
HOOK void __cyg_profile_func_exit(void *function, void *call_site);

void __cyg_profile_func_enter(void *function, void *call_site)
{
	(void)function;
	(void)call_site;
}

void __cyg_profile_func_exit(void *function, void *call_site)
{
	(void)function;
	(void)call_site;
}
