/*
 * Plain events; see plain.h.
 */
#include <stdlib.h>

#include "event_block.h"
#include "plain.h"
#include "player.h"

void plain_run_deinit(struct plain_run *run)
{
	free(run->sites);
}

/* Whether befores there are plain, and what they need. */
static struct plain_site make_site(const struct cursor_site *given, const struct site_table *sites)
{
	const struct replay_site *resolved = site_table_get(sites, given->site);
	const struct replay_function *function = resolved->function;
	const struct site *site = resolved->site;

	if (given->module != NO_ID || given->function != site->function || !function->is_wordless ||
		site->detached || !site->has_caller) {
		return (struct plain_site){0};
	}
	return (struct plain_site){
		.function = function,
		.definition = function->definition,
		.listener = function->listener && function->listener->before ? function->listener
									     : NULL,
		.pc = site->pc,
		.offset = site->offset,
		.caller_pc = site->caller_pc,
		.caller_offset = site->caller_offset,
		.site = given->site,
		.shown = site->shown,
	};
}

int plain_run_load(
	struct plain_run *run, const struct cursor *cursor, const struct site_table *sites)
{
	uint32_t count;

	run->block_sites = cursor_sites(cursor, &count);
	run->next = run->count = 0;
	if (count > run->site_capacity) {
		struct plain_site *grown = reallocarray(run->sites, count, sizeof(*grown));

		if (!grown) {
			return REEL_ENOMEM;
		}
		run->sites = grown;
		run->site_capacity = count;
	}
	for (uint32_t i = 0; i < count; i++) {
		run->sites[i] = make_site(&run->block_sites[i], sites);
	}
	return 0;
}

bool plain_run_take(struct plain_run *run, const struct open_call *top, struct event *event)
{
	const uint32_t symbol = run->symbols[run->next];

	*event = (struct event){
		.kind = EVENT_AFTER,
		.ticks = run->ticks[run->next],
		.site = NO_ID,
		.function = NO_ID,
		.module = NO_ID,
		.error = NO_ID,
		.text = NO_ID,
	};
	if (symbol != SYMBOL_AFTER) {
		const struct cursor_site *site = &run->block_sites[symbol - SYMBOL_SITE];

		event->kind = EVENT_BEFORE;
		event->site = site->site;
		event->function = site->function;
		event->module = site->module;
	} else if (top) {
		event->module = top->module;
	} else {
		return false;
	}
	run->next++;
	return true;
}

/* Opens a call above those that are open, of which `bottom` is the lowest. */
static inline void open_plain(struct open_call *open, const struct open_call *bottom,
	const struct plain_site *site, const struct open_call *like)
{
	open->base = (uint32_t)(open - bottom);
	if (open > bottom && open[-1].call_depth == like->call_depth) {
		open->base = open[-1].base;
		open[-1].pc = site->caller_pc;
		open[-1].offset = site->caller_offset;
	}
	open->function = site->function;
	open->ticks = like->ticks;
	open->pc = site->pc;
	open->offset = site->offset;
	open->identity = like->identity;
	open->site = site->site;
	open->module = NO_ID;
	open->call_depth = like->call_depth;
	open->first_word = like->first_word;
	open->is_plain = true;
}

/* Tells of the before of the call at `depth`. */
static inline void tell_before(
	struct player *player, const struct open_call *call, const struct plain_site *site)
{
	struct frames_iterator iterator;

	player->stack.call_count = (uint32_t)(call - player->stack.calls) + 1;
	site->listener->before(site->listener, &player->context, NULL, site->definition,
		frame_stack_params(&player->stack, call),
		frames_iterator_init(&iterator, &player->stack, site->shown));
}

static inline void tell_after(struct player *player, const struct open_call *call)
{
	struct reel_listener *listener = call->function->listener;

	if (listener && listener->after) {
		listener->after(listener, &player->context, NULL, call->function->definition,
			frame_stack_params(&player->stack, call));
	}
}

/* The stack's counts, and what calls that are opened have in common, stay in registers. */
uint32_t play_plain(struct player *player, uint64_t last_ticks)
{
	struct plain_run *run = &player->plain;
	struct frame_stack *stack = &player->stack;
	const struct plain_site *sites = run->sites;
	const uint32_t *symbols = run->symbols;
	const uint64_t *ticks = run->ticks;
	struct open_call *const bottom = stack->calls, *next = bottom + stack->call_count;
	struct open_call *const end = bottom + stack->call_capacity;
	struct open_call like = {
		.ticks = player->key,
		.identity = stack->serial,
		.call_depth = player->call_depth,
		.first_word = stack->word_count,
	};
	const uint32_t first = run->next, count = run->count;
	uint32_t i = first;

	for (; i < count; i++) {
		like.ticks = ticks[i] > like.ticks ? ticks[i] : like.ticks;
		if (like.ticks > last_ticks) {
			break;
		}
		player->now = like.ticks;
		if (symbols[i] == SYMBOL_AFTER) {
			if (next == bottom || !next[-1].is_plain) {
				break;
			}
			tell_after(player, --next);
		} else {
			const struct plain_site *site = &sites[symbols[i] - SYMBOL_SITE];

			if (!site->function || next == end) {
				break;
			}
			like.identity++;
			open_plain(next++, bottom, site, &like);
			if (site->listener) {
				tell_before(player, next - 1, site);
			}
		}
	}
	stack->call_count = (uint32_t)(next - bottom);
	stack->serial = like.identity;
	run->next = i;
	player->block_done += i - first;
	player->run->result.events += i - first;
	return i - first;
}
