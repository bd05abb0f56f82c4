/*
 * The program in bytecode: recursion, loops, memory, calls of the host, traps of three kinds.
 */
#include "program.h"

#include <math.h>
#include <string.h>

enum {
	FIBONACCI,
	ACKERMANN,
	DECREMENT,
	SUM_MEMORY,
	FILL_MEMORY,
	DIVIDE,
	FOREVER,
	TRAMPOLINE,
	HALVES,
	HYPOTENUSE,
	SQUARE_ROOT,
	OVERRUN,
	FUNCTION_COUNT,
};

/* fibonacci(n): n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2), the first by way of decrement */
static const struct instruction fibonacci[] = {{OP_COUNT, 0}, {OP_LOCAL, 0}, {OP_PUSH, 2},
	{OP_LESS, 0}, {OP_JUMP_ZERO, 7}, {OP_LOCAL, 0}, {OP_RETURN, 0}, {OP_LOCAL, 0},
	{OP_CALL, DECREMENT}, {OP_CALL, FIBONACCI}, {OP_LOCAL, 0}, {OP_PUSH, 2}, {OP_SUBTRACT, 0},
	{OP_CALL, FIBONACCI}, {OP_ADD, 0}, {OP_RETURN, 0}};

/* ackermann(m, n) */
static const struct instruction ackermann[] = {{OP_LOCAL, 0}, {OP_JUMP_ZERO, 14}, {OP_LOCAL, 1},
	{OP_JUMP_ZERO, 18}, {OP_LOCAL, 0}, {OP_PUSH, 1}, {OP_SUBTRACT, 0}, {OP_LOCAL, 0},
	{OP_LOCAL, 1}, {OP_PUSH, 1}, {OP_SUBTRACT, 0}, {OP_CALL, ACKERMANN}, {OP_CALL, ACKERMANN},
	{OP_RETURN, 0}, {OP_LOCAL, 1}, {OP_PUSH, 1}, {OP_ADD, 0}, {OP_RETURN, 0}, {OP_LOCAL, 0},
	{OP_PUSH, 1}, {OP_SUBTRACT, 0}, {OP_PUSH, 1}, {OP_CALL, ACKERMANN}, {OP_RETURN, 0}};

static const struct instruction decrement[] = {
	{OP_LOCAL, 0}, {OP_PUSH, 1}, {OP_SUBTRACT, 0}, {OP_RETURN, 0}};

/* sum_memory(n): fills n words and adds them up, from the last to the first */
static const struct instruction sum_memory[] = {{OP_LOCAL, 0}, {OP_CALL, FILL_MEMORY},
	{OP_LOCAL, 0}, {OP_JUMP_ZERO, 12}, {OP_LOCAL, 0}, {OP_CALL, DECREMENT}, {OP_SET, 0},
	{OP_LOCAL, 0}, {OP_LOAD, 0}, {OP_LOCAL, 1}, {OP_ADD, 0}, {OP_JUMP, 14}, {OP_LOCAL, 1},
	{OP_RETURN, 0}, {OP_SET, 1}, {OP_JUMP, 2}};

/* fill_memory(n): memory[i] = 3 i for i from n - 1 to 0 */
static const struct instruction fill_memory[] = {{OP_LOCAL, 0}, {OP_JUMP_ZERO, 11}, {OP_LOCAL, 0},
	{OP_CALL, DECREMENT}, {OP_SET, 0}, {OP_LOCAL, 0}, {OP_LOCAL, 0}, {OP_PUSH, 3},
	{OP_MULTIPLY, 0}, {OP_STORE, 0}, {OP_JUMP, 0}, {OP_RETURN, 0}};

/* divide(a, b): traps for b = 0, below another call of itself */
static const struct instruction divide[] = {{OP_LOCAL, 0}, {OP_LOCAL, 1}, {OP_JUMP_ZERO, 6},
	{OP_LOCAL, 1}, {OP_DIVIDE, 0}, {OP_RETURN, 0}, {OP_PUSH, 0}, {OP_DIVIDE, 0},
	{OP_RETURN, 0}};

/* forever(n): forever(n + 1), by way of trampoline, until the machine has no frame left */
static const struct instruction forever[] = {
	{OP_LOCAL, 0}, {OP_PUSH, 1}, {OP_ADD, 0}, {OP_CALL, TRAMPOLINE}, {OP_RETURN, 0}};

static const struct instruction trampoline[] = {{OP_LOCAL, 0}, {OP_CALL, FOREVER}, {OP_RETURN, 0}};

/* halves(v): both words of a v128, added */
static const struct instruction halves[] = {
	{OP_LOCAL, 0}, {OP_LOCAL, 1}, {OP_ADD, 0}, {OP_RETURN, 0}};

/* hypotenuse(bits of a double): its square root, the host's */
static const struct instruction hypotenuse[] = {
	{OP_LOCAL, 0}, {OP_CALL, SQUARE_ROOT}, {OP_RETURN, 0}};

/* overrun(): reads behind the memory, two calls deep */
static const struct instruction overrun[] = {{OP_LOCAL, 0}, {OP_CALL, SUM_MEMORY}, {OP_RETURN, 0}};

static bool square_root(struct machine *machine, const uint64_t *params, uint64_t *results)
{
	double value;

	(void)machine;
	memcpy(&value, params, sizeof(value));
	value = sqrt(value);
	memcpy(results, &value, sizeof(value));
	return value >= 0;
}

#define CODE(name) .code = name, .code_size = sizeof(name) / sizeof(name[0])

static const struct vm_function functions[FUNCTION_COUNT] = {
	[FIBONACCI] = {"fibonacci", "l", "l", 0, CODE(fibonacci)},
	[ACKERMANN] = {"ackermann", "ll", "l", 0, CODE(ackermann)},
	[DECREMENT] = {"decrement", "l", "l", 0, CODE(decrement), .quiet = true},
	[SUM_MEMORY] = {"sum_memory", "l", "l", 1, CODE(sum_memory)},
	[FILL_MEMORY] = {"fill_memory", "l", "", 0, CODE(fill_memory), .quiet = true},
	[DIVIDE] = {"divide", "ll", "l", 0, CODE(divide)},
	[FOREVER] = {"forever", "i", "i", 0, CODE(forever)},
	[TRAMPOLINE] = {"trampoline", "i", "i", 0, CODE(trampoline), .quiet = true},
	[HALVES] = {"halves", "v", "l", 0, CODE(halves)},
	[HYPOTENUSE] = {"hypotenuse", "d", "d", 0, CODE(hypotenuse)},
	[SQUARE_ROOT] = {"square_root", "d", "d", 0, .native = square_root},
	[OVERRUN] = {"overrun", "l", "l", 0, CODE(overrun), .quiet = true},
};

const struct program program = {functions, FUNCTION_COUNT};

const struct task tasks[MACHINE_COUNT][TASK_COUNT] = {
	{{FIBONACCI, {9, 0}}, {DIVIDE, {84, 0}}, {ACKERMANN, {2, 3}}, {HALVES, {40, 2}},
		{DECREMENT, {1, 0}}},
	{{SUM_MEMORY, {20, 0}}, {FOREVER, {0, 0}}, {HYPOTENUSE, {0x4000000000000000, 0}},
		{OVERRUN, {70, 0}}, {HYPOTENUSE, {0xbff0000000000000, 0}}},
};
