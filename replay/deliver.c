/*
 * Deliveries: the callbacks of one stream; see deliver.h.
 */
#include <stdlib.h>
#include <string.h>

#include "deliver.h"

void ensure_begun(struct player *player)
{
	struct run *run = player->run;

	if (player->has_begun) {
		return;
	}
	player->has_begun = true;
	player->context.slot = run->slot_count++;
	if (run->marks.stream_begin) {
		run->marks.stream_begin(run->factory, &player->context);
	}
}

/* Whether an event reaches listeners at all, and counts. */
static bool is_delivered(const struct player *player, enum reel_reason repaired)
{
	if (player->is_silent) {
		return false;
	}
	return repaired == REEL_REASON_NONE || !player->run->options.as_delivered;
}

int deliver_before(
	struct player *player, enum reel_reason repaired, const struct event_capture *capture)
{
	struct run *run = player->run;
	const struct open_call *call = frame_stack_top(&player->stack);
	const struct replay_function *function = call->function;
	const struct site *site = site_table_get(&run->sites, call->site)->site;
	struct reel_listener *listener = function->listener;
	struct frames_iterator iterator;
	struct reel_module *module;
	int status;

	if (!is_delivered(player, repaired)) {
		return 0;
	}
	run->result.events++;
	if (!listener || !listener->before) {
		return 0;
	}
	status = module_set_take(&run->modules, call->module, capture, &module);
	if (status == 0) {
		player->context.repaired = repaired;
		listener->before(listener, &player->context, module, function->definition,
			frame_stack_params(&player->stack, call),
			frames_iterator_init(&iterator, &player->stack, site->shown));
		player->context.repaired = REEL_REASON_NONE;
	}
	module_set_release(&run->modules);
	return status;
}

/* The results, padded to what a listener may read by the definition. NULL: out of memory. */
static const uint64_t *padded_results(
	struct player *player, const struct replay_function *function, const struct event *event)
{
	if (event->value_count >= function->result_words && event->values) {
		return event->values;
	}
	if (player->padded_capacity <= function->result_words) {
		size_t capacity = (size_t)function->result_words + 1;
		uint64_t *padded = reallocarray(player->padded, capacity, sizeof(*padded));

		if (!padded) {
			return NULL;
		}
		player->padded = padded;
		player->padded_capacity = capacity;
	}
	memset(player->padded, 0, player->padded_capacity * sizeof(*player->padded));
	if (event->value_count > 0 && event->values) {
		memcpy(player->padded, event->values, event->value_count * sizeof(*player->padded));
	}
	return player->padded;
}

static int fill_abort(struct run *run, const struct event *event, struct reel_abort *error)
{
	int status;

	if (event->repaired != REEL_REASON_NONE && event->error == NO_ID) {
		error->kind = REEL_ABORT_REPAIRED;
		error->text = reel_reason_name(event->repaired);
		error->length = strlen(error->text);
		error->full_length = error->length;
		return 0;
	}
	status = run_text(run, &run->errors, event->error, &error->text, &error->length);
	error->kind = event->error_kind;
	error->full_length =
		event->error_full_length > error->length ? event->error_full_length : error->length;
	return status;
}

static int call_after(struct player *player, const struct replay_function *function,
	struct reel_module *module, const struct event *event)
{
	struct reel_listener *listener = function->listener;
	const uint64_t *results = padded_results(player, function, event);

	if (!results) {
		return REEL_ENOMEM;
	}
	listener->after(listener, &player->context, module, function->definition, results);
	return 0;
}

static int call_abort(struct player *player, const struct replay_function *function,
	struct reel_module *module, const struct event *event)
{
	struct reel_listener *listener = function->listener;
	struct reel_abort error;
	int status = fill_abort(player->run, event, &error);

	if (status < 0) {
		return status;
	}
	listener->abort(listener, &player->context, module, function->definition, &error);
	return 0;
}

static bool is_abort(const struct event *event)
{
	return event->kind == EVENT_ABORT || event->kind == EVENT_UNDELIVERED_ABORT;
}

static bool wants_exit(const struct reel_listener *listener, const struct event *event)
{
	if (!listener) {
		return false;
	}
	return is_abort(event) ? listener->abort != NULL : listener->after != NULL;
}

int deliver_exit(struct player *player, const struct event *event)
{
	struct run *run = player->run;
	const struct replay_function *function =
		function_table_get(&run->functions, event->function);
	const struct reel_listener *listener = function->listener;
	struct reel_module *module;
	int status;

	if (!is_delivered(player, event->repaired)) {
		return 0;
	}
	run->result.events++;
	if (!wants_exit(listener, event)) {
		return 0;
	}
	player->context.repaired = event->repaired;
	status = module_set_take(&run->modules, event->module, event->capture, &module);
	if (status == 0) {
		status = is_abort(event) ? call_abort(player, function, module, event)
					 : call_after(player, function, module, event);
	}
	player->context.repaired = REEL_REASON_NONE;
	module_set_release(&run->modules);
	return status;
}

/* ---- marks ---- */

void deliver_gap(struct player *player, uint64_t lost)
{
	struct run *run = player->run;

	if (player->is_silent) {
		return;
	}
	ensure_begun(player);
	run->result.lost += lost;
	if (run->marks.gap) {
		run->marks.gap(run->factory, &player->context, lost);
	}
}

int deliver_call_mark(struct player *player, const struct event *event)
{
	struct run *run = player->run;
	void (*mark)(struct reel_listener_factory *, struct reel_context *, const char *) =
		event->kind == EVENT_CALL_BEGIN ? run->marks.call_begin : run->marks.call_end;
	const char *text;
	size_t length;
	int status;

	if (player->is_silent || !mark) {
		return 0;
	}
	status = run_text(run, &run->texts, event->text, &text, &length);
	if (status == 0) {
		mark(run->factory, &player->context, text);
	}
	return status;
}

int deliver_undelivered(struct player *player, const struct event *event)
{
	struct run *run = player->run;
	const struct replay_function *function =
		function_table_get(&run->functions, event->function);
	const uint64_t *results = NULL;
	struct reel_module *module;
	struct reel_abort error;
	int status;

	if (player->is_silent || !run->marks.undelivered || function->is_left_out) {
		return 0;
	}
	status = module_set_take(&run->modules, event->module, event->capture, &module);
	if (status == 0 && is_abort(event)) {
		status = fill_abort(run, event, &error);
	} else if (status == 0) {
		results = padded_results(player, function, event);
		status = results ? 0 : REEL_ENOMEM;
	}
	if (status == 0) {
		run->marks.undelivered(run->factory, &player->context, module, function->definition,
			results, is_abort(event) ? &error : NULL);
	}
	module_set_release(&run->modules);
	return status;
}
