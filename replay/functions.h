/*
 * The functions of one replay: each definition with the listener that was chosen for it, in a flat
 * array by id, because every event looks here.
 */
#ifndef REEL_REPLAY_FUNCTIONS_H
#define REEL_REPLAY_FUNCTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <reel/replay.h>

struct replay_function {
	const struct reel_function *definition; /* NULL: not known */
	struct reel_listener *listener;         /* NULL: none */
	uint32_t param_words, result_words;     /* that a listener may read by the definition */
	bool is_wordless;                       /* there are none of either */
	bool is_left_out;                       /* the globs leave it out */
};

struct function_table {
	struct replay_function *functions; /* `count`, and behind them the unknown function */
	uint32_t count;
	struct reel_function *left_out; /* by id: definitions of those that the globs leave out */
};

/* Fills the table without listeners. REEL_ENOMEM or 0. */
int function_table_init(struct function_table *table, const struct reel_trace *trace);
void function_table_deinit(struct function_table *table);

/* Tells the factory of each definition and asks it for the listeners of those that were listened to
 * when they were recorded and that match one of the globs (all when there are none); the others'
 * definitions are not `is_listened`. REEL_ENOMEM or 0. */
int function_table_choose(struct function_table *table, struct reel_listener_factory *factory,
	const char *const *globs, size_t glob_count);

/* Any id gives an entry: that of the unknown function when there is no such definition. */
static inline const struct replay_function *function_table_get(
	const struct function_table *table, uint32_t id)
{
	return &table->functions[id < table->count ? id : table->count];
}

/* The id of an entry; of the unknown function's, one that gives it. */
static inline uint32_t function_table_id(
	const struct function_table *table, const struct replay_function *function)
{
	return (uint32_t)(function - table->functions);
}

#endif
