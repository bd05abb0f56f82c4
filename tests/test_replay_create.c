/*
 * Listeners by name: options, built-in listeners, and plug-ins that the test compiles itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <reel/replay.h>

#include "builtins.h"
#include "options.h"

/* ---- options ---- */

static void options_are_keys_with_and_without_values(void **state)
{
	struct options options;

	assert_int_equal(options_parse(&options, "top=10,host,scope=a=b,empty=", NULL), 0);
	assert_string_equal(options_take(&options, "host"), "");
	assert_string_equal(options_take(&options, "top"), "10");
	assert_string_equal(options_take(&options, "scope"), "a=b");
	assert_string_equal(options_take(&options, "empty"), "");
	assert_null(options_take(&options, "to"));
	assert_int_equal(options_finish(&options, "x", NULL), 0);
	options_deinit(&options);
	assert_int_equal(options_parse(&options, "", NULL), 0);
	assert_null(options_take(&options, ""));
	options_deinit(&options);
	assert_int_equal(options_parse(&options, NULL, NULL), 0);
	options_deinit(&options);
}

static void options_that_nobody_took_are_named(void **state)
{
	struct reel_error error = {0};
	struct options options;

	assert_int_equal(options_parse(&options, "top=1,colour=red", &error), 0);
	options_take(&options, "top");
	assert_int_equal(options_finish(&options, "stats", &error), REEL_EINVAL);
	assert_string_equal(error.text, "listener 'stats' has no option 'colour'");
	options_deinit(&options);
}

static void malformed_options_are_refused(void **state)
{
	static const char *const texts[] = {",", "a,", ",a", "a,,b", "=1", "a=1,a=2", "a,a"};
	struct reel_error error;
	struct options options;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		error.text[0] = '\0';
		assert_int_equal(options_parse(&options, texts[i], &error), REEL_EINVAL);
		assert_true(strlen(error.text) > 5);
	}
}

static void numbers_and_flags_are_checked(void **state)
{
	static const char *const bad[] = {
		"n=", "n", "n=x", "n=-1", "n=1x", "n= 1", "n=11", "n=2", "n=99999999999999999999"};
	struct options options;
	uint64_t number = 7;
	bool flag = false;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(options_parse(&options, bad[i], NULL), 0);
		assert_int_equal(
			options_take_number(&options, "n", 3, 10, &number, NULL), REEL_EINVAL);
		assert_int_equal(number, 7);
		options_deinit(&options);
	}
	assert_int_equal(options_parse(&options, "n=10,yes,no=no,bad=maybe", NULL), 0);
	assert_int_equal(options_take_number(&options, "n", 3, 10, &number, NULL), 0);
	assert_int_equal(number, 10);
	assert_int_equal(options_take_number(&options, "other", 0, 1, &number, NULL), 0);
	assert_int_equal(number, 10);
	assert_int_equal(options_take_flag(&options, "yes", &flag, NULL), 0);
	assert_true(flag);
	assert_int_equal(options_take_flag(&options, "no", &flag, NULL), 0);
	assert_false(flag);
	assert_int_equal(options_take_flag(&options, "bad", &flag, NULL), REEL_EINVAL);
	options_deinit(&options);
}

static void check_output(const char *text, const char *fallback, const char *expected)
{
	struct options options;
	const char *path = "unset";

	assert_int_equal(options_parse(&options, text, NULL), 0);
	assert_int_equal(options_take_output(&options, fallback, &path, NULL), 0);
	if (expected) {
		assert_string_equal(path, expected);
	} else {
		assert_null(path);
	}
	options_deinit(&options);
}

static void output_goes_to_the_option_then_the_default_then_standard_output(void **state)
{
	struct options options;
	const char *path;

	check_output("file=a.txt", "b.txt", "a.txt");
	check_output("", "b.txt", "b.txt");
	check_output("", NULL, NULL);
	check_output("file=-", "b.txt", NULL);
	check_output("", "-", NULL);
	assert_int_equal(options_parse(&options, "file", NULL), 0);
	assert_int_equal(options_take_output(&options, "b.txt", &path, NULL), REEL_EINVAL);
	options_deinit(&options);
}

/* ---- built-in listeners ---- */

static void every_builtin_has_a_name_and_a_description_and_can_be_made(void **state)
{
	size_t count = 0;

	for (; builtin_listeners[count].name; count++) {
		struct reel_listener_factory *factory;
		struct reel_error error = {0};
		const char *description = NULL;
		const char *name = reel_listener_name(count, &description);

		assert_string_equal(name, builtin_listeners[count].name);
		assert_true(strlen(description) > 0);
		assert_null(strchr(description, '\n'));
		assert_int_equal(reel_listener_create(name, "/dev/null", &factory, &error), 0);
		assert_non_null(factory->listener_for);
		reel_listener_factory_destroy(factory);
	}
	assert_true(count > 0);
	assert_null(reel_listener_name(count, NULL));
	assert_null(reel_listener_name(SIZE_MAX, NULL));
}

static void check_refused(const char *spec, int status, const char *part)
{
	struct reel_listener_factory *factory = (struct reel_listener_factory *)&status;
	struct reel_error error = {0};

	assert_int_equal(reel_listener_create(spec, NULL, &factory, &error), status);
	assert_null(factory);
	assert_int_equal(error.status, status);
	if (!strstr(error.text, part) || strchr(error.text, '\n')) {
		fail_msg("'%s' does not say '%s'", error.text, part);
	}
}

static void unknown_names_and_options_are_refused(void **state)
{
	check_refused("nonsense", REEL_ENOENT, "there is no listener 'nonsense'");
	check_refused("", REEL_ENOENT, "there is no listener ''");
	check_refused("nonsense:a=b", REEL_ENOENT, "'nonsense'");
	check_refused("null:nonsense=1", REEL_EINVAL, "nonsense");
}

/* ---- plug-ins ---- */

static char folder[] = "/tmp/reel-plugins-XXXXXX";

static int make_folder(void **state)
{
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char line[128];

	snprintf(line, sizeof(line), "rm -r %s", folder);
	return system(line);
}

static const char *in_folder(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void write_text(const char *name, const char *text)
{
	FILE *file = fopen(in_folder(name), "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* Compiles a shared object; skips the test where that is not possible. */
static void compile(const char *name, const char *text)
{
	const char *source = getenv("SRC");
	const char *compiler = getenv("CC");
	char line[1024], file[64];

	if (!source) {
		print_message("SRC is not set\n");
		skip();
	}
	snprintf(file, sizeof(file), "%s.c", name);
	write_text(file, text);
	snprintf(line, sizeof(line), "%s -shared -fPIC -I%s/include -o %s/%s %s/%s.c",
		compiler ? compiler : "cc", source, folder, name, folder, name);
	if (system(line) != 0) {
		print_message("no compiler\n");
		skip();
	}
}

static const char good_plugin[] =
	"#include <string.h>\n"
	"#include <stdlib.h>\n"
	"#include <reel/plugin.h>\n"
	"static int *trace;\n"
	"static struct reel_listener listener;\n"
	"static struct reel_listener *listener_for(struct reel_listener_factory *factory,\n"
	"	const struct reel_function *function) { return &listener; }\n"
	"static int finish(struct reel_listener_factory *f, struct reel_error *e) { return 5; }\n"
	"static void gap(struct reel_listener_factory *f, struct reel_context *c, uint64_t lost)\n"
	"{ *trace += (int)lost; }\n"
	"static void destroy(struct reel_listener_factory *f) { *trace += 100; free(f); }\n"
	"static const struct reel_marks marks = {.gap = gap};\n"
	"struct reel_listener_factory *reel_plugin(unsigned version, const char *options,\n"
	"	struct reel_error *error) {\n"
	"	struct reel_listener_factory *factory;\n"
	"	if (version != REEL_PLUGIN_VERSION || strncmp(options, \"at=\", 3) != 0) {\n"
	"		error->status = REEL_EINVAL;\n"
	"		strcpy(error->text, \"needs the option at\"); return NULL;\n"
	"	}\n"
	"	trace = (int *)strtoull(options + 3, NULL, 16);\n"
	"	factory = calloc(1, sizeof(*factory));\n"
	"	factory->listener_for = listener_for; factory->finish = finish;\n"
	"	factory->destroy = destroy; factory->marks = &marks;\n"
	"	return factory;\n"
	"}\n";

static bool is_mapped(const char *name)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[1024];
	bool found = false;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		found = found || strstr(line, name);
	}
	fclose(maps);
	return found;
}

static void a_plugin_is_loaded_used_and_unloaded(void **state)
{
	struct reel_listener_factory *factory;
	struct reel_error error = {0};
	char spec[512];
	int trace = 0;

	compile("good.so", good_plugin);
	snprintf(spec, sizeof(spec), "%s:at=%llx", in_folder("good.so"),
		(unsigned long long)(uintptr_t)&trace);
	if (reel_listener_create(spec, NULL, &factory, &error) < 0) {
		fail_msg("%s", error.text);
	}
	assert_true(is_mapped("good.so"));
	assert_int_equal(factory->begin(factory, NULL, NULL), 0);
	assert_non_null(factory->listener_for(factory, NULL));
	assert_non_null(factory->marks->gap);
	assert_null(factory->marks->stream_begin);
	factory->marks->gap(factory, NULL, 23);
	assert_int_equal(factory->finish(factory, NULL), 5);
	assert_int_equal(trace, 23);
	reel_listener_factory_destroy(factory);
	assert_int_equal(trace, 123);
	assert_false(is_mapped("good.so"));
}

static void a_plugin_in_the_current_directory_needs_no_slash(void **state)
{
	struct reel_listener_factory *factory;
	char spec[128], before[512];
	int trace = 0, status;

	compile("good.so", good_plugin);
	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(chdir(folder), 0);
	snprintf(spec, sizeof(spec), "good.so:at=%llx", (unsigned long long)(uintptr_t)&trace);
	status = reel_listener_create(spec, NULL, &factory, NULL);
	assert_int_equal(chdir(before), 0);
	assert_int_equal(status, 0);
	reel_listener_factory_destroy(factory);
	assert_int_equal(trace, 100);
}

static void a_plugin_that_refuses_its_options_is_quoted(void **state)
{
	char spec[512];

	compile("good.so", good_plugin);
	snprintf(spec, sizeof(spec), "%s:nonsense", in_folder("good.so"));
	check_refused(spec, REEL_EPLUGIN, "good.so': needs the option at");
	assert_false(is_mapped("good.so"));
}

static void a_plugin_that_refuses_silently_gets_a_text(void **state)
{
	compile("silent.so", "void *reel_plugin(unsigned v, const char *o, void *e) { return 0; }");
	check_refused(in_folder("silent.so"), REEL_EPLUGIN, "it refused to start");
}

static void an_object_without_entry_point_is_no_plugin(void **state)
{
	compile("other.so", "int other;");
	check_refused(in_folder("other.so"), REEL_EPLUGIN, "does not define reel_plugin");
}

static void an_object_with_missing_symbols_is_refused(void **state)
{
	compile("missing.so", "int nobody_defines_this(void);\n"
			      "void *reel_plugin(unsigned v, const char *o, void *e)\n"
			      "{ return (void *)(long)nobody_defines_this(); }");
	check_refused(in_folder("missing.so"), REEL_EPLUGIN, "nobody_defines_this");
}

static void what_is_no_object_is_refused(void **state)
{
	write_text("text.so", "this is no object\n");
	check_refused(in_folder("text.so"), REEL_EPLUGIN, "cannot be loaded");
	check_refused(in_folder("absent.so"), REEL_ENOENT, "No such file");
	check_refused("absent.so:x=1", REEL_ENOENT, "'absent.so'");
	check_refused(folder, REEL_EPLUGIN, "cannot be loaded");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_keys_with_and_without_values),
		cmocka_unit_test(options_that_nobody_took_are_named),
		cmocka_unit_test(malformed_options_are_refused),
		cmocka_unit_test(numbers_and_flags_are_checked),
		cmocka_unit_test(output_goes_to_the_option_then_the_default_then_standard_output),
		cmocka_unit_test(every_builtin_has_a_name_and_a_description_and_can_be_made),
		cmocka_unit_test(unknown_names_and_options_are_refused),
		cmocka_unit_test(a_plugin_is_loaded_used_and_unloaded),
		cmocka_unit_test(a_plugin_in_the_current_directory_needs_no_slash),
		cmocka_unit_test(a_plugin_that_refuses_its_options_is_quoted),
		cmocka_unit_test(a_plugin_that_refuses_silently_gets_a_text),
		cmocka_unit_test(an_object_without_entry_point_is_no_plugin),
		cmocka_unit_test(an_object_with_missing_symbols_is_refused),
		cmocka_unit_test(what_is_no_object_is_refused),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
