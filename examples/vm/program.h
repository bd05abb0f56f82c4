/*
 * The program that the machines run, and the calls that each of them makes.
 */
#ifndef VM_PROGRAM_H
#define VM_PROGRAM_H

#include "machine.h"

extern const struct program program;

struct task {
	uint32_t function;
	uint64_t params[2];
};

enum { MACHINE_COUNT = 2, TASK_COUNT = 5 };

extern const struct task tasks[MACHINE_COUNT][TASK_COUNT];

#endif
