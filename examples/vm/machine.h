/*
 * A small stack machine. A program is an array of functions in bytecode or in C; a machine runs one
 * call at a time, instruction by instruction, and tells its hooks of calls and their ends.
 *
 * The machine knows nothing of listeners: host.c joins the two.
 */
#ifndef VM_MACHINE_H
#define VM_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum opcode {
	OP_PUSH,  /* push the operand */
	OP_LOCAL, /* push local `operand`; parameters come first */
	OP_SET,   /* pop into local `operand` */
	OP_ADD,   /* pop b, pop a, push a + b; the other operators are alike */
	OP_SUBTRACT,
	OP_MULTIPLY,
	OP_DIVIDE,    /* traps when b is 0 */
	OP_LESS,      /* signed; 1 or 0 */
	OP_JUMP,      /* to instruction `operand` */
	OP_JUMP_ZERO, /* pop; jump when it is 0 */
	OP_CALL,      /* function `operand`; its parameters are popped, its results pushed */
	OP_RETURN,    /* the results are on top of the stack */
	OP_LOAD,      /* pop an address, push the word there; traps outside the memory */
	OP_STORE,     /* pop a value, pop an address */
	OP_COUNT,     /* add 1 to the machine's global */
};

struct instruction {
	enum opcode opcode;
	int64_t operand;
};

enum { MACHINE_STACK_WORDS = 4096, MACHINE_FRAMES = 64, MACHINE_MEMORY_WORDS = 64 };

struct machine;

struct vm_function {
	const char *name;
	const char *parameters; /* one letter each: i, l, f, d, v for i32, i64, f32, f64, v128 */
	const char *results;
	uint32_t local_count; /* words besides the parameters */
	const struct instruction *code;
	size_t code_size;
	bool (*native)(struct machine *machine, const uint64_t *params, uint64_t *results);
	bool quiet; /* the host offers it to no listener */
};

struct program {
	const struct vm_function *functions;
	uint32_t count;
};

struct frame {
	uint32_t function;
	size_t pc;
	size_t base;        /* of its locals in the stack */
	uint64_t params[8]; /* as they were when it was called; locals change */
};

struct machine_hooks {
	void (*entered)(struct machine *machine, const struct frame *frame);
	void (*left)(struct machine *machine, const struct frame *frame, const uint64_t *results);
	void (*trapped)(struct machine *machine, const struct frame *frame, const char *trap);
};

struct machine {
	const struct program *program;
	const struct machine_hooks *hooks;
	void *host;
	uint64_t stack[MACHINE_STACK_WORDS];
	size_t stack_size;
	struct frame frames[MACHINE_FRAMES]; /* the bottom first */
	size_t frame_count;
	uint64_t memory[MACHINE_MEMORY_WORDS];
	uint64_t global;
	const char *trap; /* why the last call did not return; NULL: it did, or still runs */
};

/* Words of parameters or results, from their letters. */
uint32_t count_words(const char *types);

/* Begins a call from outside; the machine must not be running. */
void machine_call(struct machine *machine, uint32_t function, const uint64_t *params);

/* Runs one instruction. False: the call has ended, by its return or a trap. */
bool machine_step(struct machine *machine);

#endif
