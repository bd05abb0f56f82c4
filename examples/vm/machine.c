/*
 * The machine: one function per group of instructions, and the calls and traps between them.
 */
#include "machine.h"

#include <string.h>

uint32_t count_words(const char *types)
{
	uint32_t words = 0;

	for (; *types; types++) {
		words += *types == 'v' ? 2 : 1;
	}
	return words;
}

static const struct vm_function *function_of(
	const struct machine *machine, const struct frame *frame)
{
	return &machine->program->functions[frame->function];
}

/* Ends all calls, innermost first. */
static void trap(struct machine *machine, const char *text)
{
	machine->trap = text;
	while (machine->frame_count > 0) {
		struct frame *frame = &machine->frames[machine->frame_count - 1];

		machine->hooks->trapped(machine, frame, text);
		machine->frame_count--;
	}
	machine->stack_size = 0;
}

static void push(struct machine *machine, uint64_t word)
{
	machine->stack[machine->stack_size++] = word;
}

static uint64_t pop(struct machine *machine)
{
	return machine->stack[--machine->stack_size];
}

/* Ends the innermost call: its locals make room for its results, and its caller, which stood on the
 * call until now, goes on. */
static void leave(struct machine *machine, const uint64_t *results)
{
	const struct frame *frame = &machine->frames[machine->frame_count - 1];
	uint32_t count = count_words(function_of(machine, frame)->results);

	machine->hooks->left(machine, frame, results);
	memmove(machine->stack + frame->base, results, count * sizeof(*results));
	machine->stack_size = frame->base + count;
	machine->frame_count--;
	if (machine->frame_count > 0) {
		machine->frames[machine->frame_count - 1].pc++;
	}
}

static void call_native(struct machine *machine, const struct frame *frame)
{
	uint64_t results[8] = {0};

	if (function_of(machine, frame)->native(machine, frame->params, results)) {
		leave(machine, results);
	} else {
		trap(machine, "the host refused");
	}
}

static void enter(struct machine *machine, uint32_t index)
{
	const struct vm_function *function = &machine->program->functions[index];
	uint32_t words = count_words(function->parameters);
	struct frame *frame;

	if (machine->frame_count == MACHINE_FRAMES) {
		trap(machine, "stack overflow");
		return;
	}
	frame = &machine->frames[machine->frame_count++];
	*frame = (struct frame){.function = index, .base = machine->stack_size - words};
	memcpy(frame->params, machine->stack + frame->base, words * sizeof(*frame->params));
	machine->hooks->entered(machine, frame);
	for (uint32_t i = 0; i < function->local_count; i++) {
		push(machine, 0);
	}
	if (function->native) {
		call_native(machine, frame);
	}
}

void machine_call(struct machine *machine, uint32_t function, const uint64_t *params)
{
	uint32_t words = count_words(machine->program->functions[function].parameters);

	machine->trap = NULL;
	machine->stack_size = 0;
	for (uint32_t i = 0; i < words; i++) {
		push(machine, params[i]);
	}
	enter(machine, function);
}

/* Instructions that take two words and give one. */
static void operate(struct machine *machine, enum opcode opcode)
{
	uint64_t b = pop(machine);
	uint64_t a = pop(machine);

	switch (opcode) {
	case OP_ADD:
		push(machine, a + b);
		break;
	case OP_SUBTRACT:
		push(machine, a - b);
		break;
	case OP_MULTIPLY:
		push(machine, a * b);
		break;
	case OP_LESS:
		push(machine, (int64_t)a < (int64_t)b);
		break;
	default:
		if (b == 0) {
			trap(machine, "division by zero");
		} else {
			push(machine, a / b);
		}
	}
}

static void access_memory(struct machine *machine, enum opcode opcode)
{
	uint64_t value = opcode == OP_STORE ? pop(machine) : 0;
	uint64_t address = pop(machine);

	if (address >= MACHINE_MEMORY_WORDS) {
		trap(machine, "out of bounds memory access");
	} else if (opcode == OP_STORE) {
		machine->memory[address] = value;
	} else {
		push(machine, machine->memory[address]);
	}
}

static void jump(
	struct machine *machine, struct frame *frame, const struct instruction *instruction)
{
	if (instruction->opcode == OP_JUMP || pop(machine) == 0) {
		frame->pc = (size_t)instruction->operand;
	}
}

static void return_from(struct machine *machine, const struct frame *frame)
{
	uint32_t count = count_words(function_of(machine, frame)->results);

	leave(machine, machine->stack + machine->stack_size - count);
}

bool machine_step(struct machine *machine)
{
	const struct instruction *instruction;
	struct frame *frame;

	if (machine->frame_count == 0) {
		return false;
	}
	frame = &machine->frames[machine->frame_count - 1];
	instruction = &function_of(machine, frame)->code[frame->pc];
	switch (instruction->opcode) {
	case OP_PUSH:
		push(machine, (uint64_t)instruction->operand);
		break;
	case OP_LOCAL:
		push(machine, machine->stack[frame->base + (size_t)instruction->operand]);
		break;
	case OP_SET:
		machine->stack[frame->base + (size_t)instruction->operand] = pop(machine);
		break;
	case OP_JUMP:
	case OP_JUMP_ZERO:
		frame->pc++;
		jump(machine, frame, instruction);
		return true;
	case OP_CALL:
		enter(machine, (uint32_t)instruction->operand);
		return machine->frame_count > 0;
	case OP_RETURN:
		return_from(machine, frame);
		return machine->frame_count > 0;
	case OP_LOAD:
	case OP_STORE:
		access_memory(machine, instruction->opcode);
		break;
	case OP_COUNT:
		machine->global++;
		break;
	default:
		operate(machine, instruction->opcode);
	}
	frame->pc++;
	return machine->frame_count > 0;
}
