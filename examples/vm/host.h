/*
 * The host: runs machines and drives the listeners of a factory around their calls. Each machine is
 * one stream; all run in turns on one thread, and time is the number of instructions so far.
 */
#ifndef VM_HOST_H
#define VM_HOST_H

#include <reel/listener.h>

/* Runs the whole program into a factory. Prints the result of each call. */
int host_run(struct reel_listener_factory *factory, struct reel_error *error);

#endif
