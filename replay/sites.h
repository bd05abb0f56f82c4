/*
 * The sites of one replay: each with its function, in a flat array by id, because befores look
 * here.
 */
#ifndef REEL_REPLAY_SITES_H
#define REEL_REPLAY_SITES_H

#include <stdint.h>

#include "event.h"
#include "functions.h"

struct replay_site {
	const struct replay_function *function;
	const struct site *site; /* never NULL: of a lost definition, one without anything known */
};

struct site_table {
	struct replay_site *sites; /* `count`, and behind them the unknown site */
	uint32_t count;
};

/* `functions` is borrowed. REEL_ENOMEM or 0. */
int site_table_init(struct site_table *table, const struct reel_trace *trace,
	const struct function_table *functions);
void site_table_deinit(struct site_table *table);

/* Any id gives an entry: that of the unknown site when its definition was lost. */
static inline const struct replay_site *site_table_get(const struct site_table *table, uint32_t id)
{
	return &table->sites[id < table->count ? id : table->count];
}

#endif
