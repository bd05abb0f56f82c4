/*
 * The built-in listener `json` and its JSON text, with events made by hand.
 */
#include "builtin_drive.h"

#include "captured.h"
#include "listeners/json_text.h"

static const char meta[] = "{\"meta\":{\"stack_delta\":false}}\n";

static void json_of_no_events_has_a_first_and_a_last_line(void **state)
{
	struct drive drive;

	drive_begin(&drive, "json");
	assert_string_equal(drive_finish(&drive), "{\"meta\":{\"stack_delta\":false}}\n"
						  "{\"t\":\"E\",\"tid\":0,\"ns\":0}\n");
	drive_end(&drive);
}

static void json_keeps_the_hosts_description_but_for_stack_delta(void **state)
{
	const struct reel_host_info info = {.size = sizeof(info),
		.replay = true,
		.metadata = " { \"name\" : \"a \\\"b\\\" c\",\n\"stack_delta\": true, "
			    "\"more\":[1, {\"stack_delta\":2}] } "};
	struct drive drive;

	drive_begin_as(&drive, "json", &info);
	assert_string_equal(drive_finish(&drive),
		"{\"meta\":{\"stack_delta\":false,\"name\":\"a \\\"b\\\" c\","
		"\"more\":[1,{\"stack_delta\":2}]}}\n"
		"{\"t\":\"E\",\"tid\":0,\"ns\":0}\n");
	drive_end(&drive);
}

static const char *skip_meta(const char *text)
{
	assert_memory_equal(text, meta, sizeof(meta) - 1);
	return text + sizeof(meta) - 1;
}

static void json_writes_every_field_of_a_definition(void **state)
{
	static const uint8_t params[] = {REEL_I32, REEL_V128}, results[] = {REEL_FUNCREF};
	static const char *const names[] = {"n", "v"}, *const exports[] = {"run", "go"};
	struct drive drive;
	struct reel_function function = {.size = sizeof(function),
		.index = 7,
		.module_name = "m",
		.name = "f\n",
		.import_module = "env",
		.import_name = "imported",
		.export_names = exports,
		.export_count = 2,
		.param_count = 2,
		.result_count = 1,
		.param_types = params,
		.result_types = results,
		.param_names = names,
		.is_host = true,
		.file = "dir/a.c",
		.line = 12};

	drive_begin(&drive, "json");
	drive.factory->marks->function_defined(drive.factory, &function);
	drive.factory->marks->function_defined(drive.factory, &function);
	assert_string_equal(skip_meta(drive_finish(&drive)),
		"{\"def\":{\"id\":0,\"module\":\"m\",\"index\":7,\"name\":\"f\\n\","
		"\"debug_name\":\"m.f\\n\",\"export_names\":[\"run\",\"go\"],"
		"\"import\":[\"env\",\"imported\"],\"host\":true,\"listener\":false,"
		"\"param_types\":[\"i32\",\"v128\"],\"param_names\":[\"n\",\"v\"],"
		"\"result_types\":[\"funcref\"],\"result_names\":[],"
		"\"file\":\"dir/a.c\",\"line\":12}}\n"
		"{\"t\":\"E\",\"tid\":0,\"ns\":0}\n");
	drive_end(&drive);
}

/* What comes after the definitions of the functions. */
static const char *skip_definitions(const char *text)
{
	text = skip_meta(text);
	while (strncmp(text, "{\"def\":", 7) == 0) {
		text = strchr(text, '\n') + 1;
	}
	return text;
}

#define STREAM_0 "{\"stream\":{\"id\":0,\"name\":\"\",\"pid\":0,\"tid\":0,\"process\":\"\"}}\n"

static void json_writes_calls_with_their_stacks_and_exact_numbers(void **state)
{
	static const uint8_t types[] = {REEL_I64, REEL_I32};
	const uint64_t words[] = {UINT64_MAX, UINT64_C(9007199254740993)};
	struct drive drive;
	struct drive_function f;
	struct reel_function unlistened = {.size = sizeof(unlistened), .name = "u", .index = 9};
	struct reel_module module = {.id = 3, .global_count = 2, .name = "inst"};

	drive_begin(&drive, "json");
	f = (struct drive_function){.definition = {.size = sizeof(f.definition),
					    .name = "f",
					    .param_types = types,
					    .result_types = types,
					    .param_count = 2,
					    .result_count = 1}};
	f.listener = drive.factory->listener_for(drive.factory, &f.definition);
	const struct reel_frame frames[] = {
		{.function = &f.definition, .pc = 1, .source_offset = 2},
		{.function = &unlistened, .pc = UINT64_MAX, .source_offset = 0},
		{.function = NULL, .pc = 5, .source_offset = 6},
	};
	drive.infos[0] = (struct reel_stream_info){
		.id = 40, .name = "worker \"1\"", .pid = 11, .tid = 12, .process = "p"};
	drive_before_with(&drive, 0, 5, &f, &module, words, frames, 3);
	drive_after_with(&drive, 0, 1, &f, &module, words);
	assert_string_equal(strstr(skip_meta(drive_finish(&drive)), "{\"def\":{\"id\":1"),
		"{\"def\":{\"id\":1,\"module\":\"\",\"index\":9,\"name\":\"u\","
		"\"debug_name\":\"u\",\"export_names\":[],\"import\":null,\"host\":false,"
		"\"listener\":false,\"param_types\":[],\"param_names\":[],\"result_types\":[],"
		"\"result_names\":[]}}\n"
		"{\"stream\":{\"id\":40,\"name\":\"worker \\\"1\\\"\",\"pid\":11,\"tid\":12,"
		"\"process\":\"p\"}}\n"
		"{\"mod\":{\"id\":3,\"name\":\"inst\",\"globals\":2,\"has_memory\":false}}\n"
		"{\"t\":\"B\",\"tid\":40,\"ns\":1005,\"fn\":0,\"mod\":3,"
		"\"params\":[18446744073709551615,9007199254740993],"
		"\"stack\":[{\"fn\":0,\"pc\":1,\"off\":2},"
		"{\"fn\":1,\"pc\":18446744073709551615,\"off\":0},"
		"{\"fn\":null,\"pc\":5,\"off\":6}]}\n"
		"{\"t\":\"A\",\"tid\":40,\"ns\":1006,\"fn\":0,\"mod\":3,"
		"\"results\":[18446744073709551615]}\n"
		"{\"t\":\"E\",\"tid\":40,\"ns\":1006}\n");
	drive_end(&drive);
}

static void json_writes_what_was_captured(void **state)
{
	const struct reel_captured_read reads[] = {
		{.offset = 16, .length = 3, .bytes = "\x00\xff\x10"},
		{.offset = UINT64_MAX, .length = 4, .bytes = NULL},
		{.offset = 5, .length = 0, .bytes = ""},
	};
	const struct reel_captured_global globals[] = {
		{.index = 2, .words = {7, 0}},
		{.index = 0, .words = {65536, 0}},
	};
	const struct reel_capture capture = {.has_memory_size = true,
		.memory_size_bytes = 131072,
		.globals = globals,
		.global_count = 2,
		.reads = reads,
		.read_count = 3};
	const struct reel_module definition = {.id = 0, .global_count = 3, .has_memory = true};
	struct captured_module module;
	struct drive drive;
	struct drive_function f;

	drive_begin(&drive, "json");
	drive_function(&drive, &f, "m", "f");
	captured_module_init(&module, &definition);
	module.capture = &capture;
	drive_before_with(&drive, 0, 0, &f, &module.base, NULL, NULL, 0);
	module.capture = NULL;
	drive_after_with(&drive, 0, 0, &f, &module.base, NULL);
	assert_string_equal(skip_definitions(drive_finish(&drive)),
		STREAM_0 "{\"mod\":{\"id\":0,\"name\":\"\",\"globals\":3,\"has_memory\":true}}\n"
			 "{\"t\":\"B\",\"tid\":0,\"ns\":1000,\"fn\":0,\"mod\":0,\"g0\":65536,"
			 "\"globals\":[{\"index\":2,\"words\":[7,0]}],\"msz\":131072,\"params\":[],"
			 "\"stack\":[{\"fn\":0,\"pc\":0,\"off\":0}],"
			 "\"mem\":[{\"off\":16,\"len\":3,\"hex\":\"00ff10\"},"
			 "{\"off\":18446744073709551615,\"len\":4,\"oom\":true},"
			 "{\"off\":5,\"len\":0,\"hex\":\"\"}]}\n"
			 "{\"t\":\"A\",\"tid\":0,\"ns\":1000,\"fn\":0,\"mod\":0,\"results\":[]}\n"
			 "{\"t\":\"E\",\"tid\":0,\"ns\":1000}\n");
	drive_end(&drive);
}

static void json_repeats_no_error_text_of_a_stream(void **state)
{
	struct reel_abort cut = {.text = "trap", .length = 4, .full_length = 20000};
	struct drive drive;
	struct drive_function f;

	drive_begin(&drive, "json");
	drive_function(&drive, &f, "m", "f");
	drive_abort(&drive, 0, 0, &f, "trap\tat 7");
	drive_abort(&drive, 1, 0, &f, "trap\tat 7");
	drive_abort(&drive, 0, 0, &f, "trap\tat 7");
	drive.contexts[0].repaired = REEL_REASON_UNWOUND;
	drive_abort(&drive, 0, 0, &f, "unwound");
	drive_abort(&drive, 0, 0, &f, "unwound");
	drive.contexts[0].repaired = REEL_REASON_NONE;
	drive_abort(&drive, 0, 0, &f, "trap\tat 7");
	f.listener->abort(f.listener, &drive.contexts[0], NULL, &f.definition, &cut);
	f.listener->abort(f.listener, &drive.contexts[0], NULL, &f.definition, &cut);
	drive_abort(&drive, 0, 0, &f, "trap");
	assert_string_equal(skip_definitions(drive_finish(&drive)), STREAM_0
		"{\"t\":\"X\",\"tid\":0,\"ns\":1000,\"fn\":0,\"err\":\"trap\\tat 7\"}\n"
		"{\"stream\":{\"id\":1,\"name\":\"\",\"pid\":0,\"tid\":0,\"process\":\"\"}}\n"
		"{\"t\":\"X\",\"tid\":1,\"ns\":1000,\"fn\":0,\"err\":\"trap\\tat 7\"}\n"
		"{\"t\":\"X\",\"tid\":0,\"ns\":1000,\"fn\":0,\"err\":\"=\"}\n"
		"{\"t\":\"X\",\"tid\":0,\"ns\":1000,\"fn\":0,\"err\":\"unwound\","
		"\"repaired\":true,\"reason\":\"unwound\"}\n"
		"{\"t\":\"X\",\"tid\":0,\"ns\":1000,\"fn\":0,\"err\":\"unwound\","
		"\"repaired\":true,\"reason\":\"unwound\"}\n"
		"{\"t\":\"X\",\"tid\":0,\"ns\":1000,\"fn\":0,\"err\":\"=\"}\n"
		"{\"t\":\"X\",\"tid\":0,\"ns\":1000,\"fn\":0,\"err\":\"trap\","
		"\"err_len\":20000}\n"
		"{\"t\":\"X\",\"tid\":0,\"ns\":1000,\"fn\":0,\"err\":\"=\"}\n"
		"{\"t\":\"X\",\"tid\":0,\"ns\":1000,\"fn\":0,\"err\":\"trap\"}\n"
		"{\"t\":\"E\",\"tid\":0,\"ns\":1000}\n");
	drive_end(&drive);
}

static void json_writes_marks_in_their_place(void **state)
{
	const struct reel_abort error = {.text = "late", .length = 4, .full_length = 4};
	const uint64_t result = 5;
	static const uint8_t type = REEL_I32;
	struct reel_function ended = {.size = sizeof(ended),
		.name = "ended",
		.result_count = 1,
		.result_types = &type,
		.is_listened = true};
	struct drive drive;

	drive_begin(&drive, "json");
	const struct reel_marks *marks = drive.factory->marks;
	struct reel_context *context = &drive.contexts[0];

	marks->stream_begin(drive.factory, context);
	marks->call_begin(drive.factory, context, "{\"op\": \"call\", \"args\":[1, 2],\"tid\":9}");
	marks->function_defined(drive.factory, &ended);
	marks->undelivered(drive.factory, context, NULL, &ended, &result, NULL);
	marks->undelivered(drive.factory, context, NULL, &ended, NULL, &error);
	drive_now_ns++;
	marks->gap(drive.factory, context, 12);
	marks->call_end(drive.factory, context, "");
	marks->call_end(drive.factory, context, "{broken");
	drive_now_ns = 2000;
	marks->stream_end(drive.factory, context);
	assert_string_equal(strstr(skip_meta(drive_finish(&drive)), "{\"t\":\"I\""),
		"{\"t\":\"I\",\"tid\":0,\"ns\":1000,\"op\":\"call\",\"args\":[1,2]}\n"
		"{\"def\":{\"id\":0,\"module\":\"\",\"index\":0,\"name\":\"ended\","
		"\"debug_name\":\"ended\",\"export_names\":[],\"import\":null,\"host\":false,"
		"\"listener\":true,\"param_types\":[],\"param_names\":[],"
		"\"result_types\":[\"i32\"],\"result_names\":[]}}\n"
		"{\"t\":\"A\",\"tid\":0,\"ns\":1000,\"fn\":0,\"results\":[5],"
		"\"delivered\":false}\n"
		"{\"t\":\"X\",\"tid\":0,\"ns\":1000,\"fn\":0,\"err\":\"late\","
		"\"delivered\":false}\n"
		"{\"t\":\"G\",\"tid\":0,\"ns\":1001,\"lost\":12}\n"
		"{\"t\":\"O\",\"tid\":0,\"ns\":1001}\n"
		"{\"t\":\"O\",\"tid\":0,\"ns\":1001,\"text\":\"{broken\"}\n"
		"{\"t\":\"E\",\"tid\":0,\"ns\":2000}\n");
	drive_end(&drive);
}

static void json_objects_are_told_from_other_text(void **state)
{
	static const char *const good[] = {"{}", " {\"a\":[]}\n", "{\"a\":-0.5e+10,\"b\":null}",
		"{\"\\u00e9\\n\":{\"x\":[true,false,[[]]]}}"};
	static const char *const bad[] = {"", "[]", "{", "{}x", "{\"a\"}", "{\"a\":}", "{\"a\":1,}",
		"{\"a\":01}", "{\"a\":\"\n\"}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12g4\"}",
		"{\"a\":[1 2]}", "{\"a\":tru}", "{\"a\":1.}", "{a:1}", "{\"a\":\"", "{\"a\":\"\\"};
	char deep[1000] = "{\"a\":";

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(json_is_object(good[i]));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(json_is_object(bad[i]));
	}
	memset(deep + 5, '[', 400);
	memset(deep + 405, ']', 400);
	deep[805] = '}';
	assert_false(json_is_object(deep));
}

static void json_strings_hold_any_bytes(void **state)
{
	struct drive drive;
	struct text_output output;
	char *text;

	drive_make_directory(&drive);
	assert_int_equal(text_open(&output, drive.path, NULL), 0);
	json_put_string(&output, "a\0\x1f\"\\\b\x7f/\xc3\xa9\xff\xe2\x82", 13);
	json_put_text(&output, NULL);
	assert_int_equal(text_close(&output, NULL), 0);
	text_deinit(&output);
	text = drive_read_file(drive.path);
	assert_string_equal(text, "\"a\\u0000\\u001f\\\"\\\\\\b\\u007f/\xc3\xa9\xef\xbf\xbd"
				  "\xef\xbf\xbd\xef\xbf\xbd\"\"\"");
	free(text);
	unlink(drive.path);
	rmdir(drive.directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_of_no_events_has_a_first_and_a_last_line),
		cmocka_unit_test(json_keeps_the_hosts_description_but_for_stack_delta),
		cmocka_unit_test(json_writes_every_field_of_a_definition),
		cmocka_unit_test(json_writes_calls_with_their_stacks_and_exact_numbers),
		cmocka_unit_test(json_writes_what_was_captured),
		cmocka_unit_test(json_repeats_no_error_text_of_a_stream),
		cmocka_unit_test(json_writes_marks_in_their_place),
		cmocka_unit_test(json_objects_are_told_from_other_text),
		cmocka_unit_test(json_strings_hold_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
