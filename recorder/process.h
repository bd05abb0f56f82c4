/*
 * Recorded processes as the consumer knows them: what is mapped where, and so which function an
 * address is.
 *
 * Threads: the consumer's.
 */
#ifndef REEL_RECORDER_PROCESS_H
#define REEL_RECORDER_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "consumer.h"
#include "pair_map.h"
#include "record.h"

/* An object file that was mapped into any process, once for all. */
struct process_object {
	char *path;
	uint8_t build_id[20];
	uint32_t build_id_size;
};

/* Where an object is in one process. */
struct mapping {
	uint64_t base, begin, end;
	uint32_t object;
};

struct process {
	uint64_t token;
	uint32_t pid;
	char name[16];
	struct mapping *mappings;
	uint32_t mapping_count;
	struct pair_map functions; /* address, 0 -> function id; rebuilt when objects change */
	struct pair_map sites;     /* function address, call site -> site id */
	uint32_t futile_looks;     /* at /proc/PID/maps that found nothing for an address */
};

/* What all processes of a recording share. */
struct process_table {
	/*
	 * Asked for an address that is in no known object: takes the object records that lie
	 * further ahead in the ring at hand, for a program tells of a plug-in at the latest before
	 * it unloads it. May be NULL.
	 */
	int (*look_ahead)(void *user, struct process *process);
	void *user;
	struct writer *writer;
	const struct consumer_options *options;
	struct process **processes;
	uint32_t count;
	struct process_object *objects;
	uint32_t object_count;
	struct pair_map
		functions; /* object (or a process's token, high bit set), offset -> function id */
	uint8_t *unlistened;     /* by function id: 1 when filters leave it out */
	uint32_t function_count; /* room in it */
	uint32_t defined_count;
};

void process_table_deinit(struct process_table *table);

/* The process of a token, or NULL. */
struct process *process_find(const struct process_table *table, uint64_t token);

/* Adds a process that knows what its parent (may be NULL) has mapped. NULL: out of memory. */
struct process *process_add(
	struct process_table *table, uint64_t token, uint32_t pid, const struct process *parent);
void process_remove(struct process_table *table, struct process *process);

/* An object record: `size` bytes of payload, which are checked. 0 or a negative status. */
int process_map_object(
	struct process_table *table, struct process *process, const void *payload, uint64_t size);

/* Forgets all mappings: they are told anew. */
void process_objects_changed(struct process *process);

/* The function at an address, defined in the trace on its first use. */
int process_function(
	struct process_table *table, struct process *process, uint64_t address, uint32_t *function);

/* Offset of an address from the base of its object, or 0 when it is in none. */
uint64_t process_offset(const struct process *process, uint64_t address);

/* The site of a native before whose caller is listened to: (function, call site). */
int process_site(struct process_table *table, struct process *process, uint64_t function,
	uint64_t call_site, uint32_t *site);

#endif
