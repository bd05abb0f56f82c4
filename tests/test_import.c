/*
 * Importing as a whole: small inputs through reel_import_jsonl(), and what a listener then sees of
 * the trace; bad inputs, which name their line and leave nothing behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <reel/import.h>
#include <reel/replay.h>

/* ---- a directory with the input and the trace ---- */

static char directory[64];
static char input[96];
static char output[96];

static int make_directory(void **state)
{
	snprintf(directory, sizeof(directory), "/tmp/reel-import-XXXXXX");
	if (!mkdtemp(directory)) {
		return -1;
	}
	snprintf(input, sizeof(input), "%s/in.jsonl", directory);
	snprintf(output, sizeof(output), "%s/out.reel", directory);
	return 0;
}

static void write_file(const char *path, const char *text, size_t size)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static size_t count_files(void)
{
	DIR *open_directory = opendir(directory);
	const struct dirent *entry;
	size_t count = 0;

	assert_non_null(open_directory);
	while ((entry = readdir(open_directory)) != NULL) {
		count += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
	}
	closedir(open_directory);
	return count;
}

static int remove_directory(void **state)
{
	DIR *open_directory = opendir(directory);
	const struct dirent *entry;
	char path[384];

	while (open_directory && (entry = readdir(open_directory)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		unlink(path);
	}
	closedir(open_directory);
	return rmdir(directory);
}

/* ---- what a listener sees ---- */

static char seen[8192];

static void see(const char *format, ...)
{
	size_t length = strlen(seen);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(seen + length, sizeof(seen) - length, format, arguments);
	va_end(arguments);
}

static void see_head(const char *kind, const struct reel_context *context,
	const struct reel_module *module, const struct reel_function *function)
{
	see("%s%u@%llu ", kind, context->stream->id,
		(unsigned long long)reel_context_time_ns(context));
	if (module && module->id != REEL_NO_MODULE) {
		see("m%u ", module->id);
	}
	see("%s", function->name);
}

static void see_words(const uint64_t *words, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		see(" %llu", (unsigned long long)words[i]);
	}
}

static void see_before(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *params,
	struct reel_stack_iterator *stack)
{
	see_head("B", context, module, function);
	see_words(params, reel_function_param_words(function));
	see(" [");
	while (reel_stack_next(stack)) {
		const struct reel_frame *frame = reel_stack_frame(stack);

		see("%s:%llu:%llu ", frame->function ? frame->function->name : "?",
			(unsigned long long)frame->pc, (unsigned long long)frame->source_offset);
	}
	see("]\n");
}

static void see_after(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *results)
{
	see_head("A", context, module, function);
	see_words(results, reel_function_result_words(function));
	see("\n");
}

static void see_abort(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function,
	const struct reel_abort *error)
{
	see_head("X", context, module, function);
	see(" '%.*s'", (int)error->length, error->text);
	if (error->full_length != error->length) {
		see("/%zu", error->full_length);
	}
	see("%s%s\n", context->repaired ? " repaired " : "", reel_reason_name(context->repaired));
}

static void see_begin(
	struct reel_listener_factory *factory, struct reel_context *context, const char *text)
{
	see("I%u %s\n", context->stream->id, text);
}

static void see_end(
	struct reel_listener_factory *factory, struct reel_context *context, const char *text)
{
	see("O%u %s\n", context->stream->id, text);
}

static void see_gap(
	struct reel_listener_factory *factory, struct reel_context *context, uint64_t lost)
{
	see("G%u %llu\n", context->stream->id, (unsigned long long)lost);
}

static void see_undelivered(struct reel_listener_factory *factory, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *results,
	const struct reel_abort *error)
{
	see_head(error ? "undelivered X" : "undelivered A", context, module, function);
	see("\n");
}

static struct reel_listener *see_function(
	struct reel_listener_factory *factory, const struct reel_function *function)
{
	static struct reel_listener listener = {see_before, see_after, see_abort};

	return &listener;
}

/* Imports a text and replays it; what was seen is in `seen`. */
static void import_and_see(const char *text, enum reel_walk walk)
{
	static const struct reel_marks marks = {.call_begin = see_begin,
		.call_end = see_end,
		.gap = see_gap,
		.undelivered = see_undelivered};
	struct reel_listener_factory factory = {.listener_for = see_function, .marks = &marks};
	const struct reel_import_options options = {.size = sizeof(options), .walk = walk};
	struct reel_error error = {0};
	struct reel_trace *trace;

	write_file(input, text, strlen(text));
	if (reel_import_jsonl(input, output, &options, &error) < 0) {
		fail_msg("%s", error.text);
	}
	if (reel_trace_open(output, &trace, &error) < 0) {
		fail_msg("%s", error.text);
	}
	seen[0] = '\0';
	if (reel_replay(trace, &factory, NULL, NULL, &error) < 0) {
		fail_msg("%s", error.text);
	}
	reel_trace_close(trace);
}

/* ---- good input ---- */

#define DEFINE(id, name) "{\"def\":{\"id\":" #id ",\"name\":\"" name "\"}}\n"
#define FUNCTION \
	"{\"def\":{\"id\":3000000000,\"module\":\"m\",\"index\":7,\"name\":\"f\"," \
	"\"param_types\":[\"i64\",\"v128\"],\"result_types\":[\"i32\"]}}\n"

static void values_times_and_ids_come_back_exactly(void **state)
{
	import_and_see(
		"{\"meta\":{\"name\":\"x\",\"stack_delta\":true}}\n" FUNCTION
		"{\"mod\":{\"id\":5,\"name\":\"i\",\"globals\":1,\"has_memory\":true}}\n"
		"{\"mod\":null,\"t\":\"I\",\"op\":\"call\",\"tid\":4,\"ns\":10,\"args\":[ 1 ]}\n"
		"\n"
		"{\"t\":\"B\",\"tid\":4,\"ns\":18446744073709551614,\"fn\":3000000000,\"mod\":5,"
		"\"params\":[18446744073709551615,0,9007199254740993],"
		"\"stack\":[{\"pc\":18446744073709551615,\"fn\":3000000000,\"off\":12}]}\n"
		"{\"t\":\"A\",\"tid\":4,\"ns\":18446744073709551614,\"fn\":3000000000,"
		"\"results\":[12297829382473034411]}\n"
		"{\"t\":\"E\",\"tid\":4,\"ns\":18446744073709551615,\"events\":2}\n",
		REEL_WALK_FULL);
	assert_string_equal(seen,
		"I4 {\"mod\":null,\"op\":\"call\",\"args\":[ 1 ]}\n"
		"B4@18446744073709551614 m5 f 18446744073709551615 0 9007199254740993 "
		"[f:18446744073709551615:12 ]\n"
		"A4@18446744073709551614 f 12297829382473034411\n");
}

static void stacks_share_the_tail_of_the_one_before(void **state)
{
	import_and_see(DEFINE(0, "a") DEFINE(1, "b")
			       DEFINE(2, "c") "{\"t\":\"B\",\"tid\":0,\"ns\":1,\"fn\":0,"
					      "\"stack\":[{\"fn\":0,\"pc\":1,\"off\":1}]}\n"
					      "{\"t\":\"B\",\"tid\":0,\"ns\":2,\"fn\":1,\"tail\":0,"
					      "\"stack\":[{\"fn\":1,\"pc\":2,\"off\":2},{\"fn\":0,"
					      "\"pc\":3,\"off\":3}]}\n"
					      "{\"t\":\"B\",\"tid\":0,\"ns\":3,\"fn\":2,\"tail\":1,"
					      "\"stack\":[{\"fn\":2,\"pc\":4,\"off\":4},{\"fn\":1,"
					      "\"pc\":5,\"off\":5}]}\n"
					      "{\"t\":\"A\",\"tid\":0,\"ns\":4,\"fn\":2}\n"
					      "{\"t\":\"B\",\"tid\":0,\"ns\":5,\"fn\":2,\"tail\":2,"
					      "\"stack\":[{\"fn\":2,\"pc\":6,\"off\":6}]}\n"
					      "{\"t\":\"E\",\"tid\":0,\"ns\":6}\n",
		REEL_WALK_FULL);
	assert_string_equal(seen, "B0@1 a [a:1:1 ]\n"
				  "B0@2 b [b:2:2 a:3:3 ]\n"
				  "B0@3 c [c:4:4 b:5:5 a:3:3 ]\n"
				  "A0@4 c\n"
				  "B0@5 c [c:6:6 b:5:5 a:3:3 ]\n"
				  "X0@6 c 'exit' repaired exit\n"
				  "X0@6 b 'exit' repaired exit\n"
				  "X0@6 a 'exit' repaired exit\n");
}

static void an_error_of_equals_is_the_previous_one(void **state)
{
	import_and_see(
		DEFINE(0, "a") DEFINE(
			1, "b") "{\"t\":\"B\",\"tid\":0,\"ns\":1,\"fn\":0}\n"
				"{\"t\":\"B\",\"tid\":0,\"ns\":1,\"fn\":1}\n"
				"{\"t\":\"B\",\"tid\":0,\"ns\":1,\"fn\":1}\n"
				"{\"t\":\"X\",\"tid\":0,\"ns\":2,\"fn\":1,\"err\":\"=\"}\n"
				"{\"t\":\"X\",\"tid\":0,\"ns\":2,\"fn\":1,\"err\":\"tr\\u00e4p\","
				"\"err_len\":99}\n"
				"{\"t\":\"X\",\"tid\":0,\"ns\":3,\"fn\":0,\"err\":\"=\"}\n",
		REEL_WALK_TRUSTED);
	assert_string_equal(seen, "B0@1 a [a:0:0 ]\n"
				  "B0@1 b [b:0:0 a:0:0 ]\n"
				  "B0@1 b [b:0:0 b:0:0 a:0:0 ]\n"
				  "X0@2 b '='\n"
				  "X0@2 b 'tr\xc3\xa4p'/99\n"
				  "X0@3 a 'tr\xc3\xa4p'/99\n");
}

static void repaired_aborts_are_made_again_and_say_how_the_stream_ended(void **state)
{
	import_and_see(
		DEFINE(0, "a") DEFINE(
			1, "b") "{\"stream\":{\"id\":9,\"name\":\"n\",\"pid\":1,\"tid\":2,"
				"\"process\":\"p\"}}\n"
				"{\"t\":\"B\",\"tid\":9,\"ns\":1,\"fn\":0}\n"
				"{\"t\":\"B\",\"tid\":9,\"ns\":2,\"fn\":1}\n"
				"{\"t\":\"X\",\"tid\":9,\"ns\":3,\"fn\":1,\"err\":\"unwound\","
				"\"repaired\":true,\"reason\":\"unwound\"}\n"
				"{\"t\":\"A\",\"tid\":9,\"ns\":3,\"fn\":0}\n"
				"{\"t\":\"A\",\"tid\":9,\"ns\":4,\"fn\":1,\"delivered\":false}\n"
				"{\"t\":\"G\",\"tid\":9,\"ns\":5,\"lost\":12}\n"
				"{\"t\":\"B\",\"tid\":9,\"ns\":6,\"fn\":0}\n"
				"{\"t\":\"X\",\"tid\":9,\"ns\":7,\"fn\":0,\"err\":\"killed\","
				"\"repaired\":true,\"reason\":\"killed\"}\n"
				"{\"t\":\"E\",\"tid\":9,\"ns\":7}\n",
		REEL_WALK_TRUSTED);
	assert_string_equal(seen, "B9@1 a [a:0:0 ]\n"
				  "B9@2 b [b:0:0 a:0:0 ]\n"
				  "X9@3 b 'unwound' repaired unwound\n"
				  "A9@3 a\n"
				  "undelivered A9@4 b\n"
				  "G9 12\n"
				  "B9@6 a [a:0:0 ]\n"
				  "X9@7 a 'killed' repaired killed\n");
}

static void unknown_keys_and_kinds_of_lines_are_left_out(void **state)
{
	import_and_see(
		"{\"future\":{\"a\":[1,2,{}]}}\n"
		"{\"t\":\"Q\",\"what\":-1.5e3}\n"
		"{}\n"
		"   \n" DEFINE(0,
			"a") "{\"t\":\"B\",\"tid\":0,\"ns\":1,\"fn\":0,\"new\":[[]],\"mod\":null}\n"
			     "{\"t\":\"A\",\"tid\":0,\"ns\":2,\"fn\":0,\"xresults\":[1]}",
		REEL_WALK_TRUSTED);
	assert_string_equal(seen, "B0@1 a [a:0:0 ]\nA0@2 a\n");
}

static void a_trace_that_was_there_is_kept_as_old(void **state)
{
	char old[128];

	write_file(output, "before", 6);
	import_and_see(DEFINE(0, "a"), REEL_WALK_TRUSTED);
	snprintf(old, sizeof(old), "%s.old", output);
	assert_int_equal(access(old, F_OK), 0);
	assert_int_equal(count_files(), 3);
}

/* ---- bad input ---- */

#define A DEFINE(0, "a")
#define BEFORE "{\"t\":\"B\",\"tid\":0,\"ns\":1,\"fn\":0}\n"

static const struct {
	const char *text;
	unsigned line;
	const char *message;
} bad_inputs[] = {
	{A "{\"t\":\"B\"\n", 2, "expected , or } in an object at column 9"},
	{A "hello\n", 2, "expected an object at column 1"},
	{A "[1]\n", 2, "expected an object at column 1"},
	{A BEFORE "{\"t\":\"A\",\"tid\":0,\"ns\":2,\"fn\":0} x\n", 3,
		"something stands behind the value at column 33"},
	{A BEFORE "{\"t\":\"A\",\"tid\":0,\"ns\":2,\"fn", 3, NULL},
	{"{\"t\":7}\n", 1, "expected a string at column 6"},
	{A "{\"t\":\"B\",\"ns\":1,\"fn\":0}\n", 2, "the key \"tid\" is missing"},
	{A "{\"t\":\"B\",\"tid\":0,\"fn\":0}\n", 2, "the key \"ns\" is missing"},
	{A "{\"t\":\"B\",\"tid\":0,\"ns\":1}\n", 2, "the key \"fn\" is missing"},
	{A "{\"t\":\"B\",\"tid\":4294967296,\"ns\":1,\"fn\":0}\n", 2,
		"the number is too large at column 25"},
	{A "{\"t\":\"B\",\"tid\":-1,\"ns\":1,\"fn\":0}\n", 2,
		"expected an integer from 0 on at column 16"},
	{A "{\"t\":\"B\",\"tid\":0,\"ns\":18446744073709551616,\"fn\":0}\n", 2,
		"the number is too large at column 42"},
	{A "{\"t\":\"B\",\"tid\":0,\"ns\":1.5,\"fn\":0}\n", 2, "expected an integer at column 24"},
	{A "{\"t\":\"B\",\"tid\":0,\"ns\":1,\"fn\":1}\n", 2, "function 1 is not defined"},
	{A "{\"t\":\"B\",\"tid\":0,\"ns\":1,\"fn\":0,\"mod\":3}\n", 2, "module 3 is not defined"},
	{A "{\"t\":\"B\",\"tid\":0,\"ns\":1,\"fn\":0,\"stack\":[{\"fn\":9}]}\n", 2,
		"stack: function 9 is not defined"},
	{A "{\"t\":\"B\",\"tid\":0,\"ns\":1,\"fn\":0,\"stack\":{}}\n", 2,
		"expected an array at column 40"},
	{A "{\"t\":\"B\",\"tid\":0,\"ns\":1,\"fn\":0,\"stack\":[7]}\n", 2,
		"expected an object at column 41"},
	{A "{\"t\":\"B\",\"tid\":0,\"ns\":1,\"fn\":0,\"tail\":1,\"stack\":[]}\n", 2,
		"tail: the stack before has 0 frames"},
	{A "{\"t\":\"B\",\"tid\":0,\"ns\":1,\"fn\":0,\"params\":[1]}\n", 2,
		"params: more than the 0 words of the definition"},
	{FUNCTION "{\"t\":\"B\",\"tid\":0,\"ns\":1,\"fn\":3000000000,\"params\":[1,2]}\n", 2,
		"params: 2 words where the definition has 3"},
	{FUNCTION "{\"t\":\"A\",\"tid\":0,\"ns\":1,\"fn\":3000000000}\n", 2,
		"results: 0 words where the definition has 1"},
	{A "{\"t\":\"B\",\"tid\":0,\"ns\":1,\"fn\":0,\"mem\":[{\"off\":0,\"len\":2,\"hex\":\"00\"}]"
	   "}\n",
		2, "mem: 2 hexadecimal digits for 2 bytes"},
	{A "{\"t\":\"B\",\"tid\":0,\"ns\":1,\"fn\":0,\"mem\":[{\"off\":0,\"len\":1,\"hex\":\"0g\"}]"
	   "}\n",
		2, "mem: bad hexadecimal digit"},
	{A "{\"t\":\"B\",\"tid\":0,\"ns\":1,\"fn\":0,\"mem\":[{\"off\":0,\"len\":1}]}\n", 2,
		"the key \"hex\" is missing"},
	{A "{\"t\":\"B\",\"tid\":0,\"ns\":1,\"fn\":0,\"g0\":\"1\"}\n", 2, NULL},
	{A BEFORE "{\"t\":\"X\",\"tid\":0,\"ns\":1,\"fn\":0,\"err\":\"abc\",\"err_len\":2}\n", 3,
		"err_len: less than err has"},
	{A BEFORE "{\"t\":\"X\",\"tid\":0,\"ns\":1,\"fn\":0,\"err\":5}\n", 3, NULL},
	{A A, 2, "function 0 is defined twice"},
	{"{\"def\":{\"name\":\"a\"}}\n", 1, "a function without an id"},
	{"{\"def\":{\"id\":4294967295}}\n", 1, "the number is too large at column 23"},
	{"{\"def\":[]}\n", 1, "expected an object at column 8"},
	{"{\"def\":{\"id\":0,\"name\":\"a\\u0000b\"}}\n", 1, NULL},
	{"{\"def\":{\"id\":0,\"param_types\":[\"i31\"]}}\n", 1, "param_types: no type \"i31\""},
	{"{\"def\":{\"id\":0,\"param_types\":[\"i32\"],\"param_names\":[\"a\",\"b\"]}}\n", 1,
		"param_names: 2 names for 1 values"},
	{"{\"def\":{\"id\":0,\"import\":[\"a\"]}}\n", 1,
		"import: expected a module's and a name, or null"},
	{"{\"def\":{\"id\":0,\"listener\":false}}\n{\"t\":\"B\",\"tid\":0,\"ns\":1,\"fn\":0}\n", 2,
		"function 0 has no listener"},
	{"{\"mod\":{\"id\":1}}\n{\"mod\":{\"id\":1}}\n", 2, "module 1 is defined twice"},
	{A BEFORE "{\"stream\":{\"id\":0}}\n", 3, "stream 0 is defined twice"},
	{A "{\"t\":\"G\",\"tid\":0,\"ns\":1}\n", 2, "the key \"lost\" is missing"},
	{A "{\"meta\":{}}\n", 2, "meta stands on the first line alone"},
	{"{\"meta\":7}\n", 1, "expected an object at column 9"},
};

static void bad_input_names_its_line_and_leaves_nothing(void **state)
{
	for (size_t i = 0; i < sizeof(bad_inputs) / sizeof(bad_inputs[0]); i++) {
		struct reel_error error = {0};
		char start[128];

		write_file(input, bad_inputs[i].text, strlen(bad_inputs[i].text));
		if (reel_import_jsonl(input, output, NULL, &error) != REEL_EFORMAT) {
			fail_msg("case %zu was taken: %s", i, bad_inputs[i].text);
		}
		assert_int_equal(error.status, REEL_EFORMAT);
		snprintf(start, sizeof(start), "%s:%u: ", input, bad_inputs[i].line);
		assert_memory_equal(error.text, start, strlen(start));
		if (bad_inputs[i].message) {
			assert_string_equal(error.text + strlen(start), bad_inputs[i].message);
		}
		assert_int_equal(count_files(), 1);
	}
}

static void bad_input_leaves_the_trace_that_was_there(void **state)
{
	struct reel_error error;
	char bytes[7] = {0};
	FILE *file;

	write_file(output, "before", 6);
	write_file(input, "{\n", 2);
	assert_int_equal(reel_import_jsonl(input, output, NULL, &error), REEL_EFORMAT);
	file = fopen(output, "r");
	assert_non_null(file);
	assert_int_equal(fread(bytes, 1, 6, file), 6);
	fclose(file);
	assert_string_equal(bytes, "before");
	assert_int_equal(count_files(), 2);
}

static void an_input_without_lines_is_refused(void **state)
{
	struct reel_error error;

	write_file(input, "", 0);
	assert_int_equal(reel_import_jsonl(input, output, NULL, &error), REEL_EFORMAT);
	assert_int_equal(reel_import_jsonl("/nonexistent", output, NULL, &error), REEL_ENOENT);
	assert_int_equal(reel_import_jsonl("/nonexistent", output, NULL, NULL), REEL_ENOENT);
	assert_int_equal(count_files(), 1);
}

static void an_output_that_cannot_be_written_is_an_error(void **state)
{
	struct reel_error error = {0};

	write_file(input, A, strlen(A));
	assert_true(reel_import_jsonl(input, "/nonexistent/out.reel", NULL, &error) < 0);
	assert_non_null(strstr(error.text, "/nonexistent/out.reel"));
}

static void every_cut_of_an_input_is_imported_or_refused(void **state)
{
	static const char text[] = FUNCTION
		"{\"t\":\"B\",\"tid\":4,\"ns\":1,\"fn\":3000000000,\"params\":[1,2,3],"
		"\"stack\":[{\"pc\":1,\"fn\":3000000000,\"off\":12}],\"msz\":65536}\n"
		"{\"t\":\"X\",\"tid\":4,\"ns\":2,\"fn\":3000000000,\"err\":\"\\ud834\\udd1e\"}\n";

	for (size_t size = 1; size < sizeof(text) - 1; size++) {
		struct reel_error error = {0};
		bool whole = text[size - 1] == '\n' || text[size] == '\n';
		int status;

		write_file(input, text, size);
		status = reel_import_jsonl(input, output, NULL, &error);
		assert_int_equal(status, whole ? 0 : REEL_EFORMAT);
		unlink(output);
	}
}

static void report_share(void *user, double share)
{
	double *last = user;

	assert_true(share >= *last && share <= 1);
	*last = share;
}

static void progress_grows_and_many_ids_are_kept_apart(void **state)
{
	double last = 0;
	const struct reel_import_options options = {
		.size = sizeof(options), .progress = report_share, .user = &last};
	struct reel_error error = {0};
	struct reel_trace *trace;
	FILE *file = fopen(input, "w");

	assert_non_null(file);
	for (unsigned i = 0; i < 20000; i++) {
		fprintf(file, "{\"def\":{\"id\":%u,\"name\":\"f%u\"}}\n", i * 200003, i);
	}
	for (unsigned i = 0; i < 20000; i++) {
		fprintf(file, "{\"t\":\"B\",\"tid\":%u,\"ns\":%u,\"fn\":%u}\n", i % 100, i,
			i * 200003);
	}
	fclose(file);
	if (reel_import_jsonl(input, output, &options, &error) < 0) {
		fail_msg("%s", error.text);
	}
	assert_true(last > 0);
	assert_int_equal(reel_trace_open(output, &trace, &error), 0);
	assert_int_equal(reel_trace_stream_count(trace), 100);
	reel_trace_close(trace);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(values_times_and_ids_come_back_exactly),
		CASE(stacks_share_the_tail_of_the_one_before),
		CASE(an_error_of_equals_is_the_previous_one),
		CASE(repaired_aborts_are_made_again_and_say_how_the_stream_ended),
		CASE(unknown_keys_and_kinds_of_lines_are_left_out),
		CASE(a_trace_that_was_there_is_kept_as_old),
		CASE(bad_input_names_its_line_and_leaves_nothing),
		CASE(bad_input_leaves_the_trace_that_was_there),
		CASE(an_input_without_lines_is_refused),
		CASE(an_output_that_cannot_be_written_is_an_error),
		CASE(every_cut_of_an_input_is_imported_or_refused),
		CASE(progress_grows_and_many_ids_are_kept_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
