/*
 * What listeners read from the host at an event: the keys g0, globals, msz and mem of a line.
 */
#include "import_state.h"

#include <string.h>

static int read_hex(struct import *import, uint64_t length, const void **bytes)
{
	struct jsonl_string hex;
	unsigned char *decoded;
	int status = import_parsed(import, jsonl_read_string(&import->parser, &hex));

	if (status < 0) {
		return status;
	}
	if (hex.size % 2 != 0 || hex.size / 2 != length) {
		return import_fail(import, REEL_EFORMAT,
			"mem: %zu hexadecimal digits for %llu bytes", hex.size,
			(unsigned long long)length);
	}
	decoded = jsonl_arena_alloc(&import->arena, hex.size / 2 + 1);
	if (!decoded) {
		return import_no_memory(import);
	}
	for (size_t i = 0; i < hex.size / 2; i++) {
		int high = jsonl_hex_digit(hex.text[2 * i]);
		int low = jsonl_hex_digit(hex.text[2 * i + 1]);

		if (high < 0 || low < 0) {
			return import_fail(import, REEL_EFORMAT, "mem: bad hexadecimal digit");
		}
		decoded[i] = (unsigned char)(high << 4 | low);
	}
	*bytes = decoded;
	return 0;
}

/* One read: {off,len,hex} or, out of range, {off,len,oom:true}. Leaves the parser behind it. */
static int read_memory_read(struct import *import, struct reel_captured_read *read)
{
	struct jsonl_object object;
	bool out_of_range = false;
	size_t end;
	int status = import_parsed(import, jsonl_read_object(&import->parser, &object));

	end = import->parser.offset;
	*read = (struct reel_captured_read){0};
	if (status == 0) {
		status = import_optional_number(import, &object, "off", UINT64_MAX, &read->offset);
	}
	if (status == 0) {
		status = import_optional_number(import, &object, "len", UINT64_MAX, &read->length);
	}
	if (status == 0) {
		status = import_optional_bool(import, &object, "oom", &out_of_range);
	}
	if (status == 0 && !out_of_range) {
		status = jsonl_find(&import->parser, &object, "hex");
		status = status > 0 ? read_hex(import, read->length, &read->bytes)
				    : import_missing(import, "hex");
	}
	import->parser.offset = end;
	import->parser.needs_comma = true;
	return status;
}

static int read_memory_reads(struct import *import, struct reel_capture *capture)
{
	struct reel_captured_read *reads;
	uint32_t count;
	int status = import_find_array(import, "mem", &count);

	if (status <= 0) {
		return status;
	}
	reads = jsonl_arena_alloc(&import->arena, (size_t)count * sizeof(*reads));
	if (!reads) {
		return import_no_memory(import);
	}
	status = import_parsed(import, jsonl_begin_array(&import->parser));
	for (uint32_t i = 0; status >= 0 && i < count; i++) {
		status = import_parsed(import, jsonl_next_element(&import->parser));
		if (status > 0) {
			status = read_memory_read(import, &reads[i]);
		}
	}
	capture->reads = reads;
	capture->read_count = count;
	return status;
}

/* ---- globals ---- */

/* {index,words:[low,high]} */
static int read_global(struct import *import, struct reel_captured_global *global)
{
	struct jsonl_object object;
	size_t end;
	int more;
	int status = import_parsed(import, jsonl_read_object(&import->parser, &object));

	end = import->parser.offset;
	*global = (struct reel_captured_global){0};
	if (status == 0) {
		status = import_optional_u32(import, &object, "index", UINT32_MAX, &global->index);
	}
	if (status == 0 && jsonl_find(&import->parser, &object, "words") > 0) {
		more = jsonl_begin_array(&import->parser);
		for (int i = 0; more >= 0 && i < 2; i++) {
			more = jsonl_next_element(&import->parser);
			if (more == 0) {
				break;
			}
			if (more > 0) {
				more = jsonl_read_integer(
					&import->parser, UINT64_MAX, &global->words[i]);
			}
		}
		status = import_parsed(import, more);
	}
	import->parser.offset = end;
	import->parser.needs_comma = true;
	return status;
}

/* The elements of `globals` behind global 0, which has a key of its own. */
static int read_more_globals(
	struct import *import, struct reel_captured_global *globals, size_t *global_count)
{
	struct reel_captured_global global;
	int more = import_parsed(import, jsonl_begin_array(&import->parser));

	while (more == 0) {
		more = import_parsed(import, jsonl_next_element(&import->parser));
		if (more <= 0) {
			return more;
		}
		more = read_global(import, &global);
		if (*global_count > 0 && globals[0].index == global.index) {
			globals[0] = global;
		} else {
			globals[(*global_count)++] = global;
		}
	}
	return more;
}

static int read_globals(struct import *import, struct reel_capture *capture)
{
	struct reel_captured_global *globals;
	uint64_t first = 0;
	uint32_t count;
	size_t global_count = 0;
	int found = import_parsed(import, jsonl_find(&import->parser, &import->line, "g0"));
	int status;

	if (found > 0) {
		found = import_parsed(
			import, jsonl_read_integer(&import->parser, UINT64_MAX, &first));
		global_count = 1;
	}
	status = found < 0 ? found : import_find_array(import, "globals", &count);
	if (status < 0 || (status == 0 && global_count == 0)) {
		return status;
	}
	globals = jsonl_arena_alloc(&import->arena, ((size_t)count + 1) * sizeof(*globals));
	if (!globals) {
		return import_no_memory(import);
	}
	globals[0] = (struct reel_captured_global){.words = {first, 0}};
	if (status > 0) {
		status = read_more_globals(import, globals, &global_count);
	}
	capture->globals = globals;
	capture->global_count = global_count;
	return status;
}

int import_read_capture(struct import *import, struct import_capture *capture)
{
	struct reel_capture *all = &capture->capture;
	int status;

	*capture = (struct import_capture){0};
	status = read_globals(import, all);
	if (status < 0) {
		return status;
	}
	status = jsonl_find(&import->parser, &import->line, "msz");
	if (status > 0) {
		status = jsonl_read_integer(&import->parser, UINT64_MAX, &all->memory_size_bytes);
		all->has_memory_size = true;
	}
	status = import_parsed(import, status);
	if (status == 0) {
		status = read_memory_reads(import, all);
	}
	capture->present = all->has_memory_size || all->global_count > 0 || all->read_count > 0;
	return status;
}
