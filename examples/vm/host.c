/*
 * Joins machines and listeners: definitions, modules, contexts, the stack iterator, and the calls
 * around each call. Everything that a listener may ask is answered from the machine.
 */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

/* Instructions that a machine runs before it is the next one's turn. */
enum { TURN = 37 };

enum { MAX_FUNCTIONS = 16, MAX_VALUES = 8 };

struct stream {
	struct reel_context context; /* first: listeners give it back */
	struct reel_stream_info info;
	struct reel_module module;
	struct machine machine;
	struct host *host;
	size_t task; /* the one that runs, or comes next */
	bool running;
};

struct host {
	struct reel_listener_factory *factory;
	struct reel_function functions[MAX_FUNCTIONS];
	uint8_t types[MAX_FUNCTIONS][2][MAX_VALUES];
	struct reel_listener *listeners[MAX_FUNCTIONS]; /* NULL: nobody listens */
	struct stream streams[MACHINE_COUNT];
	uint64_t clock_ns;
};

/* ---- the stack, as listeners see it: the machine's frames from the top down ---- */

struct machine_iterator {
	struct reel_stack_iterator base;
	const struct stream *stream;
	size_t position; /* 0: before the first */
	struct reel_frame frame;
};

static bool iterator_next(struct reel_stack_iterator *base)
{
	struct machine_iterator *iterator = (struct machine_iterator *)base;

	if (iterator->position <= iterator->stream->machine.frame_count) {
		iterator->position++;
	}
	return iterator->position <= iterator->stream->machine.frame_count;
}

static const struct reel_frame *iterator_frame(struct reel_stack_iterator *base)
{
	struct machine_iterator *iterator = (struct machine_iterator *)base;
	const struct stream *stream = iterator->stream;
	size_t count = stream->machine.frame_count;
	const struct reel_function *function;
	const struct frame *frame;

	if (iterator->position == 0 || iterator->position > count) {
		return NULL;
	}
	frame = &stream->machine.frames[count - iterator->position];
	function = &stream->host->functions[frame->function];
	iterator->frame = (struct reel_frame){
		.function = function,
		.pc = frame->pc,
		.source_offset = reel_function_source_offset(function, frame->pc),
		.params = frame->params,
		.identity = count - iterator->position + 1,
	};
	return &iterator->frame;
}

static void iterator_rewind(struct reel_stack_iterator *base)
{
	((struct machine_iterator *)base)->position = 0;
}

static const struct reel_stack_iterator_ops iterator_ops = {
	.next = iterator_next, .frame = iterator_frame, .rewind = iterator_rewind};

/* ---- the machine's hooks: before, after, abort ---- */

static void entered(struct machine *machine, const struct frame *frame)
{
	struct stream *stream = machine->host;
	struct reel_listener *listener = stream->host->listeners[frame->function];
	struct machine_iterator iterator = {.base.ops = &iterator_ops, .stream = stream};

	if (listener && listener->before) {
		listener->before(listener, &stream->context, &stream->module,
			&stream->host->functions[frame->function], frame->params, &iterator.base);
	}
}

static void left(struct machine *machine, const struct frame *frame, const uint64_t *results)
{
	struct stream *stream = machine->host;
	struct reel_listener *listener = stream->host->listeners[frame->function];

	if (listener && listener->after) {
		listener->after(listener, &stream->context, &stream->module,
			&stream->host->functions[frame->function], results);
	}
}

static void trapped(struct machine *machine, const struct frame *frame, const char *trap)
{
	struct stream *stream = machine->host;
	struct reel_listener *listener = stream->host->listeners[frame->function];
	const struct reel_abort error = {.kind = REEL_ABORT_ERROR,
		.text = trap,
		.length = strlen(trap),
		.full_length = strlen(trap)};

	if (listener && listener->abort) {
		listener->abort(listener, &stream->context, &stream->module,
			&stream->host->functions[frame->function], &error);
	}
}

static const struct machine_hooks hooks = {entered, left, trapped};

/* ---- the module: what listeners may read of a machine ---- */

static struct machine *machine_of(struct reel_module *module)
{
	return module->host;
}

static enum reel_read memory_size(struct reel_module *module, uint64_t *size_bytes)
{
	*size_bytes = sizeof(machine_of(module)->memory);
	return REEL_READ_OK;
}

static enum reel_read memory_read(
	struct reel_module *module, uint64_t offset, uint64_t length, const void **bytes)
{
	const struct machine *machine = machine_of(module);

	if (offset > sizeof(machine->memory) || length > sizeof(machine->memory) - offset) {
		return REEL_READ_OUT_OF_RANGE;
	}
	*bytes = (const char *)machine->memory + offset;
	return REEL_READ_OK;
}

static enum reel_read global_get(struct reel_module *module, uint32_t index, uint64_t words[2])
{
	if (index != 0) {
		return REEL_READ_NO_MEMORY;
	}
	words[0] = machine_of(module)->global;
	words[1] = 0;
	return REEL_READ_OK;
}

static const struct reel_module_ops module_ops = {memory_size, memory_read, global_get};

/* ---- definitions ---- */

static uint32_t read_types(const char *letters, uint8_t *types)
{
	uint32_t count = 0;

	for (; letters[count] && count < MAX_VALUES; count++) {
		switch (letters[count]) {
		case 'i':
			types[count] = REEL_I32;
			break;
		case 'l':
			types[count] = REEL_I64;
			break;
		case 'f':
			types[count] = REEL_F32;
			break;
		case 'd':
			types[count] = REEL_F64;
			break;
		default:
			types[count] = REEL_V128;
		}
	}
	return count;
}

/* The offset as if the functions stood one behind the other, a thousand bytes each. */
static uint64_t source_offset(const struct reel_function *function, uint64_t pc)
{
	return 1000 * (uint64_t)(function->index + 1) + pc;
}

static void define_function(struct host *host, uint32_t index)
{
	const struct vm_function *from = &program.functions[index];
	struct reel_function *function = &host->functions[index];

	*function = (struct reel_function){
		.size = sizeof(*function),
		.id = index,
		.index = index,
		.module_name = "vm",
		.name = from->name,
		.param_count = read_types(from->parameters, host->types[index][0]),
		.param_types = host->types[index][0],
		.result_count = read_types(from->results, host->types[index][1]),
		.result_types = host->types[index][1],
		.is_host = from->native != NULL,
		.is_listened = !from->quiet,
		.source_offset_for_pc = source_offset,
	};
	if (!from->quiet) {
		host->listeners[index] = host->factory->listener_for(host->factory, function);
	}
}

static void define_functions(struct host *host)
{
	const struct reel_marks *marks = host->factory->marks;

	for (uint32_t i = 0; i < program.count; i++) {
		define_function(host, i);
		if (marks && marks->function_defined) {
			marks->function_defined(host->factory, &host->functions[i]);
		}
	}
}

/* ---- streams ---- */

static uint64_t clock_of(const struct reel_context *context)
{
	return ((const struct stream *)context)->host->clock_ns;
}

static void begin_stream(struct host *host, uint32_t id)
{
	static const char *const names[MACHINE_COUNT] = {"first", "second"};
	const struct reel_marks *marks = host->factory->marks;
	struct stream *stream = &host->streams[id];

	stream->host = host;
	stream->info = (struct reel_stream_info){.id = id, .name = names[id], .process = "vm"};
	stream->context =
		(struct reel_context){.stream = &stream->info, .slot = id, .time_ns = clock_of};
	stream->module = (struct reel_module){.id = id,
		.global_count = 1,
		.name = names[id],
		.has_memory = true,
		.ops = &module_ops,
		.host = &stream->machine};
	stream->machine.program = &program;
	stream->machine.hooks = &hooks;
	stream->machine.host = stream;
	if (marks && marks->module_defined) {
		marks->module_defined(host->factory, &stream->module);
	}
	if (marks && marks->stream_begin) {
		marks->stream_begin(host->factory, &stream->context);
	}
}

static void begin_task(struct stream *stream)
{
	const struct task *task = &tasks[stream->info.id][stream->task];
	const struct reel_marks *marks = stream->host->factory->marks;
	char text[64];

	snprintf(text, sizeof(text), "{\"export\":\"%s\"}", program.functions[task->function].name);
	if (marks && marks->call_begin) {
		marks->call_begin(stream->host->factory, &stream->context, text);
	}
	stream->running = true;
	machine_call(&stream->machine, task->function, task->params);
}

static void end_task(struct stream *stream)
{
	const struct task *task = &tasks[stream->info.id][stream->task];
	const char *name = program.functions[task->function].name;
	const struct machine *machine = &stream->machine;
	const struct reel_marks *marks = stream->host->factory->marks;
	char text[64];

	if (machine->trap) {
		printf("%s: trap: %s\n", name, machine->trap);
		snprintf(text, sizeof(text), "{\"err\":\"%s\"}", machine->trap);
	} else {
		printf("%s: %llu\n", name, (unsigned long long)machine->stack[0]);
		snprintf(text, sizeof(text), "{\"err\":null,\"results\":[%llu]}",
			(unsigned long long)machine->stack[0]);
	}
	if (marks && marks->call_end) {
		marks->call_end(stream->host->factory, &stream->context, text);
	}
	stream->running = false;
	stream->task++;
}

/* Lets a machine run for its turn. False: it has nothing more to do. */
static bool take_turn(struct stream *stream)
{
	if (stream->task == TASK_COUNT) {
		return false;
	}
	if (!stream->running) {
		begin_task(stream);
	}
	for (int i = 0; i < TURN; i++) {
		stream->host->clock_ns++;
		if (!machine_step(&stream->machine)) {
			end_task(stream);
			break;
		}
	}
	return true;
}

static void end_streams(struct host *host)
{
	const struct reel_marks *marks = host->factory->marks;

	for (uint32_t i = 0; i < MACHINE_COUNT && marks && marks->stream_end; i++) {
		marks->stream_end(host->factory, &host->streams[i].context);
	}
}

int host_run(struct reel_listener_factory *factory, struct reel_error *error)
{
	const struct reel_host_info info = {.size = sizeof(info), .metadata = "{\"name\":\"vm\"}"};
	struct host *host = calloc(1, sizeof(*host));
	bool running = true;
	int status;

	if (!host) {
		return reel_fail(error, REEL_ENOMEM, "out of memory");
	}
	host->factory = factory;
	status = factory->begin ? factory->begin(factory, &info, error) : 0;
	if (status == 0) {
		define_functions(host);
		for (uint32_t i = 0; i < MACHINE_COUNT; i++) {
			begin_stream(host, i);
		}
		while (running) {
			running = false;
			for (uint32_t i = 0; i < MACHINE_COUNT; i++) {
				running |= take_turn(&host->streams[i]);
			}
		}
		end_streams(host);
		status = factory->finish ? factory->finish(factory, error) : 0;
	}
	free(host);
	return status;
}
