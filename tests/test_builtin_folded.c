/*
 * The built-in listeners over the call tree, `folded` and `flamegraph`, with events made by hand.
 */
#include "builtin_drive.h"

#include <ctype.h>

static void folded_writes_nothing_for_no_calls(void **state)
{
	struct drive drive;

	drive_begin(&drive, "folded");
	assert_string_equal(drive_finish(&drive), "");
	drive_end(&drive);
}

/* main calls b, a, b, and b calls itself. */
static void run_paths(struct drive *drive, const char *spec)
{
	struct drive_function start, a, b;

	drive_begin(drive, spec);
	drive_function(drive, &start, "app", "main");
	drive_function(drive, &a, "app", "a");
	drive_function(drive, &b, "app", "b");
	drive_before(drive, 0, 0, &start);
	drive_before(drive, 0, 10, &b);
	drive_before(drive, 0, 20, &b);
	drive_after(drive, 0, 5, &b);
	drive_after(drive, 0, 1, &b);
	drive_before(drive, 0, 3, &a);
	drive_after(drive, 0, 100, &a);
	drive_before(drive, 0, 0, &b);
	drive_abort(drive, 0, 7, &b, "trap");
	drive_after(drive, 0, 4, &start);
}

static void folded_gives_the_own_time_of_each_path(void **state)
{
	struct drive drive;

	run_paths(&drive, "folded");
	assert_string_equal(drive_finish(&drive), "main 17\n"
						  "main;a 100\n"
						  "main;b 28\n"
						  "main;b;b 5\n");
	drive_end(&drive);
}

static void folded_counts_calls_when_told(void **state)
{
	struct drive drive;

	run_paths(&drive, "folded:value=calls");
	assert_string_equal(drive_finish(&drive), "main 1\n"
						  "main;a 1\n"
						  "main;b 2\n"
						  "main;b;b 1\n");
	drive_end(&drive);
}

static void folded_ends_long_paths_in_dots(void **state)
{
	struct drive drive;

	run_paths(&drive, "folded:depth=1");
	assert_string_equal(drive_finish(&drive), "main 17\n"
						  "main;... 133\n");
	drive_end(&drive);
	run_paths(&drive, "folded:value=calls,depth=2");
	assert_string_equal(drive_finish(&drive), "main 1\n"
						  "main;a 1\n"
						  "main;b 2\n"
						  "main;b;... 1\n");
	drive_end(&drive);
}

static void folded_adds_up_streams_unless_threads_are_asked_for(void **state)
{
	const char *const specs[] = {"folded", "folded:threads"};
	const char *const expected[] = {
		"f 12\nf;g 4\n",
		"prog;main;f 5\nprog;worker;f 3\nprog;worker;f;g 4\nstream 3;f 4\n",
	};

	for (size_t i = 0; i < 2; i++) {
		struct drive drive;
		struct drive_function f, g;

		drive_begin(&drive, specs[i]);
		drive.infos[0].process = drive.infos[1].process = drive.infos[2].process = "prog";
		drive.infos[0].name = "main";
		drive.infos[1].name = drive.infos[2].name = "worker";
		drive_function(&drive, &f, "m", "f");
		drive_function(&drive, &g, "m", "g");
		drive_before(&drive, 0, 0, &f);
		drive_before(&drive, 3, 1, &f);
		drive_after(&drive, 0, 4, &f);
		drive_before(&drive, 1, 0, &f);
		drive_after(&drive, 3, 0, &f);
		drive_before(&drive, 1, 1, &g);
		drive_after(&drive, 1, 4, &g);
		drive_after(&drive, 1, 1, &f);
		drive.factory->marks->stream_end(drive.factory, &drive.contexts[1]);
		drive_before(&drive, 2, 0, &f);
		drive_after(&drive, 2, 1, &f);
		assert_string_equal(drive_finish(&drive), expected[i]);
		drive_end(&drive);
	}
}

static void folded_keeps_separators_out_of_names(void **state)
{
	struct drive drive;
	struct drive_function odd, unnamed;

	drive_begin(&drive, "folded");
	drive_function(&drive, &odd, "m", "a;b\nc d");
	drive_function(&drive, &unnamed, "m", "");
	unnamed.definition.index = 7;
	unnamed.listener = drive.factory->listener_for(drive.factory, &unnamed.definition);
	drive_before(&drive, 0, 0, &odd);
	drive_before(&drive, 0, 1, &unnamed);
	drive_after(&drive, 0, 2, &unnamed);
	drive_after(&drive, 0, 0, &odd);
	assert_string_equal(drive_finish(&drive), "a:b?c d 1\na:b?c d;m.$7 2\n");
	drive_end(&drive);
}

static void folded_survives_exits_that_are_not_paired(void **state)
{
	struct drive drive;
	struct drive_function f, g;

	drive_begin(&drive, "folded");
	drive_function(&drive, &f, "m", "f");
	drive_function(&drive, &g, "m", "g");
	drive_after(&drive, 1, 5, &g);
	drive_before(&drive, 0, 0, &f);
	drive_after(&drive, 0, 1, &g);
	drive_before(&drive, 0, 1, &g);
	drive_after(&drive, 0, 2, &f);
	drive_after(&drive, 0, 2, &f);
	assert_string_equal(drive_finish(&drive), "f 2\nf;g 2\n");
	drive_end(&drive);
}

static void folded_follows_recursion_to_any_depth(void **state)
{
	struct drive drive;
	struct drive_function f;

	drive_begin(&drive, "folded:depth=3");
	drive_function(&drive, &f, "m", "f");
	for (int i = 0; i < 100000; i++) {
		drive_before(&drive, 0, 1, &f);
	}
	for (int i = 0; i < 100000; i++) {
		drive_after(&drive, 0, 1, &f);
	}
	assert_string_equal(drive_finish(&drive), "f 2\n"
						  "f;f 2\n"
						  "f;f;f 2\n"
						  "f;f;f;... 199993\n");
	drive_end(&drive);
}

static void folded_refuses_options_that_make_no_sense(void **state)
{
	drive_expect_refusal("folded:value=bytes", "folded: value=bytes is neither time nor calls");
	drive_expect_refusal("flamegraph:width=1", "listener 'flamegraph' has no option 'width'");
	drive_expect_refusal(
		"folded:depth=x", "option 'depth' is a number from 1 to 10000, not 'x'");
	drive_expect_refusal("folded:threads=7", "option 'threads' is yes or no, not '7'");
}

/* ---- flamegraph ---- */

/* Reads "<name ...>", "</name>" or "<name/>" at `at`; checks that they nest. */
static const char *check_tag(const char *at, char stack[][32], size_t *depth)
{
	const char *end = strchr(at, '>');
	size_t size = 0;

	assert_non_null(end);
	if (at[1] == '/') {
		assert_true(*depth > 0);
		--*depth;
		size = strlen(stack[*depth]);
		assert_memory_equal(at + 2, stack[*depth], size);
		assert_ptr_equal(at + 2 + size, end);
		return end + 1;
	}
	while (isalpha((unsigned char)at[1 + size])) {
		size++;
	}
	assert_in_range(size, 1, 31);
	if (end[-1] != '/') {
		memcpy(stack[*depth], at + 1, size);
		stack[(*depth)++][size] = '\0';
		assert_true(*depth < 8);
	}
	return end + 1;
}

/* That a text is one well-formed element (this small part of XML), and without a bare '&'. */
static void check_xml(const char *text)
{
	char stack[8][32];
	size_t depth = 0;

	assert_memory_equal(text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg ", 44);
	text = strchr(text, '\n') + 1;
	do {
		if (strncmp(text, "<![CDATA[", 9) == 0) {
			text = strstr(text, "]]>") + 3;
		} else if (*text == '<') {
			text = check_tag(text, stack, &depth);
		} else {
			if (*text == '&') {
				assert_true(strncmp(text, "&amp;", 5) == 0 ||
					    strncmp(text, "&lt;", 4) == 0 ||
					    strncmp(text, "&gt;", 4) == 0 ||
					    strncmp(text, "&quot;", 6) == 0);
			}
			assert_true((unsigned char)*text >= 0x20 || *text == '\n' || *text == '\t');
			text++;
		}
	} while (depth > 0);
	assert_string_equal(text, "\n");
}

static void flamegraph_of_no_calls_is_a_valid_picture(void **state)
{
	struct drive drive;
	const char *text;

	drive_begin(&drive, "flamegraph");
	text = drive_finish(&drive);
	check_xml(text);
	assert_non_null(strstr(text, "nothing to show"));
	assert_null(strstr(text, "class=\"f\""));
	drive_end(&drive);
}

static void flamegraph_draws_each_path_as_wide_as_its_share(void **state)
{
	struct drive drive;
	const char *text;

	run_paths(&drive, "flamegraph");
	text = drive_finish(&drive);
	check_xml(text);
	assert_non_null(strstr(text, "<title>all (150 ns, 100.00%)</title>"
				     "<rect x=\"0.0000\" y=\"88\" width=\"1200.0000\""));
	assert_non_null(strstr(text, "<title>main (150 ns, 100.00%)</title>"
				     "<rect x=\"0.0000\" y=\"72\" width=\"1200.0000\""));
	assert_non_null(strstr(text, "<title>a (100 ns, 66.66%)</title>"
				     "<rect x=\"0.0000\" y=\"56\" width=\"800.0000\""));
	assert_non_null(strstr(text, "<title>b (33 ns, 22.00%)</title>"
				     "<rect x=\"800.0000\" y=\"56\" width=\"264.0000\""));
	assert_non_null(strstr(text, "<title>b (5 ns, 3.33%)</title>"
				     "<rect x=\"800.0000\" y=\"40\" width=\"40.0000\""));
	drive_end(&drive);
}

static void flamegraph_refers_to_nothing_outside(void **state)
{
	struct drive drive;
	const char *text;
	const char *found;

	run_paths(&drive, "flamegraph");
	text = drive_finish(&drive);
	assert_null(strstr(text, "href"));
	assert_null(strstr(text, "url("));
	assert_null(strstr(text, "@import"));
	found = strstr(text, "http");
	assert_non_null(found);
	assert_memory_equal(found - 7, "xmlns=\"http://www.w3.org/2000/svg\"", 34);
	assert_null(strstr(found + 1, "http"));
	drive_end(&drive);
}

static void flamegraph_escapes_whatever_a_name_holds(void **state)
{
	struct drive drive;
	struct drive_function odd, broken;
	const char *text;

	drive_begin(&drive, "flamegraph");
	drive_function(&drive, &odd, "m", "operator<< <a&b>(\"x\")]]>");
	drive_function(&drive, &broken, "m", "caf\xc3\xa9 \xff\xed\xa0\x80\xef\xbf\xbf\x01");
	drive_before(&drive, 0, 0, &odd);
	drive_before(&drive, 0, 1, &broken);
	drive_after(&drive, 0, 2, &broken);
	drive_after(&drive, 0, 0, &odd);
	text = drive_finish(&drive);
	check_xml(text);
	assert_non_null(
		strstr(text, "<title>operator&lt;&lt; &lt;a&amp;b&gt;(&quot;x&quot;)]]&gt; (3 ns"));
#define BAD "\xef\xbf\xbd"
	assert_non_null(strstr(text, "<title>caf\xc3\xa9 " BAD BAD BAD BAD BAD "? (2 ns"));
	drive_end(&drive);
}

static void flamegraph_clips_names_to_their_frames(void **state)
{
	struct drive drive;
	struct drive_function wide, narrow, tiny;
	const char *text;

	drive_begin(&drive, "flamegraph");
	drive_function(&drive, &wide, "m", "wide");
	drive_function(&drive, &narrow, "m", "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9");
	drive_function(&drive, &tiny, "m", "tiny");
	drive_before(&drive, 0, 0, &wide);
	drive_before(&drive, 0, 0, &narrow);
	drive_after(&drive, 0, 3600, &narrow);
	drive_before(&drive, 0, 0, &tiny);
	drive_after(&drive, 0, 1, &tiny);
	drive_after(&drive, 0, 96399, &wide);
	text = drive_finish(&drive);
	check_xml(text);
	/* 43.2 pixels hold five characters, and 0.012 are not drawn. */
	assert_non_null(strstr(text, ">\xc3\xa9\xc3\xa9\xc3\xa9..</text>"));
	assert_non_null(strstr(text, ">wide</text>"));
	assert_null(strstr(text, "tiny"));
	drive_end(&drive);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folded_writes_nothing_for_no_calls),
		cmocka_unit_test(folded_gives_the_own_time_of_each_path),
		cmocka_unit_test(folded_counts_calls_when_told),
		cmocka_unit_test(folded_ends_long_paths_in_dots),
		cmocka_unit_test(folded_adds_up_streams_unless_threads_are_asked_for),
		cmocka_unit_test(folded_keeps_separators_out_of_names),
		cmocka_unit_test(folded_survives_exits_that_are_not_paired),
		cmocka_unit_test(folded_follows_recursion_to_any_depth),
		cmocka_unit_test(folded_refuses_options_that_make_no_sense),
		cmocka_unit_test(flamegraph_of_no_calls_is_a_valid_picture),
		cmocka_unit_test(flamegraph_draws_each_path_as_wide_as_its_share),
		cmocka_unit_test(flamegraph_refers_to_nothing_outside),
		cmocka_unit_test(flamegraph_escapes_whatever_a_name_holds),
		cmocka_unit_test(flamegraph_clips_names_to_their_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
