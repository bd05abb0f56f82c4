/*
 * The sites of one replay; see sites.h.
 */
#include <stdlib.h>

#include "reader.h"
#include "sites.h"

/* Stands for a site whose definition was lost: events and pairing survive it. */
static const struct site lost_site = {.function = NO_ID, .module = NO_ID};

static struct replay_site make_site(const struct site *site, const struct function_table *functions)
{
	return (struct replay_site){
		.function = function_table_get(functions, site->function),
		.site = site,
	};
}

int site_table_init(struct site_table *table, const struct reel_trace *trace,
	const struct function_table *functions)
{
	const uint32_t count = trace_site_count(trace);

	table->count = count;
	table->sites = calloc((size_t)count + 1, sizeof(*table->sites));
	if (!table->sites) {
		return REEL_ENOMEM;
	}
	for (uint32_t id = 0; id <= count; id++) {
		const struct site *site = id < count ? trace_site(trace, id) : NULL;

		table->sites[id] = make_site(site ? site : &lost_site, functions);
	}
	return 0;
}

void site_table_deinit(struct site_table *table)
{
	free(table->sites);
	table->sites = NULL;
}
