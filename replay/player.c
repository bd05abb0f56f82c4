/*
 * One stream in replay; see player.h.
 */
#include <stdlib.h>
#include <string.h>

#include "player.h"

/* Stands for a site whose definition was lost: events and pairing survive it. */
static const struct site lost_site = {.function = NO_ID, .module = NO_ID};

static uint64_t player_time_ns(const struct reel_context *context)
{
	const struct player *player = (const struct player *)context;

	return trace_ticks_to_ns(player->run->trace, player->now);
}

/* When the block at next_block is due. */
static uint64_t block_ticks(const struct player *player)
{
	const struct plan *plan = &player->run->plan;

	return trace_event_block(player->run->trace, plan->blocks[player->next_block])->first_ticks;
}

struct player *player_create(
	struct run *run, const struct plan_stream *plan, uint32_t order, struct cursor *cursor)
{
	struct player *player = calloc(1, sizeof(*player));

	if (!player) {
		return NULL;
	}
	player->run = run;
	player->plan = plan;
	player->order = order;
	player->cursor = cursor;
	player->next_block = plan->begin;
	player->is_silent = plan->is_open_at_from;
	player->key = plan->open_ticks;
	player->now = plan->open_ticks;
	player->info = plan->info ? *plan->info : (struct reel_stream_info){.id = plan->id};
	player->info.name = player->info.name ? player->info.name : "";
	player->info.process = player->info.process ? player->info.process : "";
	player->context.stream = &player->info;
	player->context.time_ns = player_time_ns;
	return player;
}

void player_destroy(struct player *player)
{
	if (player) {
		frame_stack_deinit(&player->stack);
		free(player->padded);
		free(player);
	}
}

/* ---- delivering ---- */

/* Marks and contexts belong to a stream that has begun. */
static void ensure_begun(struct player *player)
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

/* The before of the innermost open call. */
static int deliver_before(
	struct player *player, enum reel_reason repaired, const struct event_capture *capture)
{
	struct run *run = player->run;
	const struct open_call *call = frame_stack_top(&player->stack);
	const struct replay_function *function =
		function_table_get(&run->functions, call->function);
	struct reel_listener *listener = function->listener;
	const struct site *site;
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
		site = trace_site(run->trace, call->site);
		player->context.repaired = repaired;
		listener->before(listener, &player->context, module, function->definition,
			player->stack.frames[call->frame].params,
			frames_iterator_init(&iterator, &player->stack, site ? site->shown : 0));
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

/* An after or abort of the event's function, to its listener. */
static int deliver_exit(struct player *player, const struct event *event)
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
	module_set_release(&run->modules);
	return status;
}

/* Ends the innermost open call as one whose exit is not in the trace. */
static int abort_top(struct player *player, enum reel_reason reason)
{
	const struct open_call *call = frame_stack_top(&player->stack);
	const struct event event = {
		.kind = EVENT_ABORT,
		.repaired = reason,
		.ticks = player->now,
		.function = call->function,
		.module = call->module,
		.error = NO_ID,
	};

	frame_stack_pop(&player->stack);
	return deliver_exit(player, &event);
}

/* ---- marks ---- */

static void mark_gap(struct player *player, uint64_t lost)
{
	struct run *run = player->run;

	if (player->is_silent) {
		return;
	}
	ensure_begun(player);
	run->result.lost += lost;
	if (run->marks.gap) {
		player->context.repaired = REEL_REASON_NONE;
		run->marks.gap(run->factory, &player->context, lost);
	}
}

static int mark_call(struct player *player, const struct event *event)
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
		player->context.repaired = REEL_REASON_NONE;
		mark(run->factory, &player->context, text);
	}
	return status;
}

static int mark_undelivered(struct player *player, const struct event *event)
{
	struct run *run = player->run;
	const struct replay_function *function =
		function_table_get(&run->functions, event->function);
	const uint64_t *results = NULL;
	struct reel_module *module;
	struct reel_abort error;
	int status;

	if (player->is_silent || !run->marks.undelivered) {
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
		player->context.repaired = REEL_REASON_NONE;
		run->marks.undelivered(run->factory, &player->context, module, function->definition,
			results, is_abort(event) ? &error : NULL);
	}
	module_set_release(&run->modules);
	return status;
}

/* ---- events ---- */

static int play_before(struct player *player, const struct event *event)
{
	const struct site *site = trace_site(player->run->trace, event->site);
	const struct pushed_call call = {
		.site_id = event->site,
		.function = event->function,
		.module = event->module,
		.call_depth = player->call_depth,
		.ticks = event->ticks,
		.site = site ? site : &lost_site,
		.params = event->values,
		.param_count = event->values ? event->value_count : 0,
	};
	int status = frame_stack_push(&player->stack, &player->run->functions, &call);

	return status < 0 ? status : deliver_before(player, event->repaired, event->capture);
}

/* An exit with nothing open can only come from bytes that are wrong: there is nobody to tell. */
static int play_exit(struct player *player, const struct event *event)
{
	if (player->stack.call_count == 0) {
		player->has_holes = true;
		return 0;
	}
	frame_stack_pop(&player->stack);
	return deliver_exit(player, event);
}

/* Open calls that began in an outer top-level call say how deep it is at least. */
static void end_call(struct player *player)
{
	const struct open_call *top = frame_stack_top(&player->stack);
	uint32_t least = top ? top->call_depth : 0;

	if (player->call_depth > least) {
		player->call_depth--;
	}
}

static int play_undelivered(struct player *player, const struct event *event)
{
	if (player->run->options.as_delivered) {
		return deliver_exit(player, event);
	}
	return mark_undelivered(player, event);
}

static int play(struct player *player, const struct event *event)
{
	switch (event->kind) {
	case EVENT_BEFORE:
		return play_before(player, event);
	case EVENT_AFTER:
	case EVENT_ABORT:
		return play_exit(player, event);
	case EVENT_UNDELIVERED_AFTER:
	case EVENT_UNDELIVERED_ABORT:
		return play_undelivered(player, event);
	case EVENT_CALL_BEGIN:
		player->call_depth++;
		return mark_call(player, event);
	case EVENT_CALL_END:
		end_call(player);
		return mark_call(player, event);
	case EVENT_GAP:
		mark_gap(player, event->lost);
		return 0;
	default:
		return 0;
	}
}

/* ---- key frames ---- */

/* How many calls, from the bottom, are open both here and in the key frame. */
static size_t common_calls(
	const struct frame_stack *stack, const struct activation *open, uint32_t open_count)
{
	size_t common = 0;

	while (common < open_count && common < stack->call_count &&
		stack->calls[common].site == open[common].site &&
		stack->calls[common].ticks == open[common].ticks) {
		common++;
	}
	return common;
}

static int open_activation(
	struct player *player, const struct activation *activation, enum reel_reason reason)
{
	const struct site *site = trace_site(player->run->trace, activation->site);
	const struct pushed_call call = {
		.site_id = activation->site,
		.function = site ? site->function : NO_ID,
		.module = activation->module,
		.call_depth = activation->call_depth,
		.ticks = activation->ticks,
		.site = site ? site : &lost_site,
		.params = activation->params,
		.param_count = activation->params ? activation->param_count : 0,
	};
	int status = frame_stack_push(&player->stack, &player->run->functions, &call);

	return status < 0 ? status : deliver_before(player, reason, NULL);
}

/* The frames' pcs as the last calls from them left them, which only the key frame knows. */
static void restore_pcs(struct frame_stack *stack, const struct activation *open, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct reel_frame *frame = &stack->frames[stack->calls[i].frame];

		frame->pc = open[i].pc;
		frame->source_offset = open[i].offset;
	}
}

/* Makes what is open be what the block's key frame says. */
static int reconcile(struct player *player)
{
	struct frame_stack *stack = &player->stack;
	uint32_t count;
	const struct activation *open = cursor_key_frame(player->cursor, &count);
	const size_t common = common_calls(stack, open, count);
	int status = 0;

	player->must_reconcile = false;
	if (common < count || stack->call_count > common || player->has_holes) {
		player->call_depth = count > 0 ? open[count - 1].call_depth : 0;
	}
	player->has_holes = false;
	while (stack->call_count > common && status == 0) {
		status = abort_top(player, REEL_REASON_LOST);
	}
	for (size_t i = common; i < count && status == 0; i++) {
		status = open_activation(player, &open[i], REEL_REASON_LOST);
	}
	if (status == 0) {
		restore_pcs(stack, open, count);
	}
	return status;
}

/* ---- blocks ---- */

static void due(struct player *player, enum player_state state, uint64_t ticks)
{
	const uint64_t to = player->run->plan.to_ticks;

	player->state = state;
	player->key = ticks > player->key ? ticks : player->key;
	if (player->key >= to) {
		player->state = PLAYER_CUT;
		player->key = to;
	}
}

/* Goes on to the next block, or to the end of the stream. */
static void leave_block(struct player *player)
{
	const struct plan_stream *plan = player->plan;

	player->next_block++;
	if (player->next_block == plan->end) {
		player->state = PLAYER_ENDING;
		return;
	}
	due(player, PLAYER_BLOCK, block_ticks(player));
}

static void report_progress(struct run *run)
{
	if (run->options.progress && run->plan.event_count > 0) {
		double share = (double)run->events_done / (double)run->plan.event_count;

		run->options.progress(run->options.user, share < 1 ? share : 1);
	}
}

static const struct event_block_info *current_block(const struct player *player)
{
	const struct run *run = player->run;

	return trace_event_block(run->trace, run->plan.blocks[player->next_block]);
}

/* What could not be read is a gap; the next key frame says what became of the open calls. */
static void skip_damaged(struct player *player)
{
	const struct event_block_info *block = current_block(player);
	uint64_t events = block->before + block->after + block->abort + block->lost;

	player->run->result.damaged_blocks++;
	player->has_holes = true;
	player->now = player->key;
	mark_gap(player, events > player->block_done ? events - player->block_done : 0);
	leave_block(player);
}

/* Takes the next event out of the block, to be delivered when it is due. */
static int advance(struct player *player)
{
	int status = cursor_next(player->cursor, &player->event);

	if (status == 0) {
		player->block_done++;
		due(player, PLAYER_EVENT, player->event.ticks);
		return 0;
	}
	if (status == REEL_END) {
		leave_block(player);
		return 0;
	}
	if (status == REEL_EDAMAGED) {
		skip_damaged(player);
		return 0;
	}
	return status;
}

static int load_block(struct player *player)
{
	struct run *run = player->run;
	struct reel_error error = {0};
	int status;

	player->block_done = 0;
	run->events_done += current_block(player)->event_count;
	report_progress(run);
	status = cursor_load(player->cursor, run->plan.blocks[player->next_block], &error);
	if (status == REEL_EDAMAGED) {
		skip_damaged(player);
		return 0;
	}
	if (status < 0) {
		return reel_fail(run->error, status, "%s", error.text);
	}
	player->must_reconcile = true;
	return advance(player);
}

/* ---- the range ---- */

/* One step, whatever is due. */
static int step(struct player *player);

/* Begins the calls that are open where the range begins. */
static int begin_open_calls(struct player *player)
{
	struct frame_stack *stack = &player->stack;
	const size_t count = stack->call_count;
	int status = 0;

	if (count == 0) {
		return 0;
	}
	ensure_begun(player);
	for (size_t i = 1; i <= count && status == 0; i++) {
		/* Each is delivered as the innermost one. */
		stack->call_count = i;
		status = deliver_before(player, REEL_REASON_STOPPED, NULL);
	}
	stack->call_count = count;
	return status;
}

/* Follows the stream silently up to the range. */
static int catch_up(struct player *player)
{
	const uint64_t from = player->run->plan.from_ticks;
	int status = 0;

	player->key = 0;
	while (status == 0 && player->key < from &&
		(player->state == PLAYER_BLOCK || player->state == PLAYER_EVENT)) {
		status = step(player);
	}
	if (status == 0 && player->must_reconcile) {
		status = reconcile(player);
	}
	if (player->state == PLAYER_ENDING && player->key < from) {
		player->state = PLAYER_DONE;
		return status;
	}
	player->is_silent = false;
	player->now = from;
	return status < 0 ? status : begin_open_calls(player);
}

static int finish(struct player *player, enum reel_reason reason)
{
	struct run *run = player->run;
	int status = 0;

	if (player->state == PLAYER_CUT) {
		player->now = run->plan.to_ticks;
	}
	while (player->stack.call_count > 0 && status == 0) {
		status = abort_top(player, reason);
	}
	player->state = PLAYER_DONE;
	if (status == 0 && player->has_begun && run->marks.stream_end) {
		player->context.repaired = REEL_REASON_NONE;
		run->marks.stream_end(run->factory, &player->context);
	}
	return status;
}

static int play_event(struct player *player)
{
	int status = 0;

	player->now = player->key;
	if (!player->is_silent) {
		ensure_begun(player);
	}
	if (player->must_reconcile) {
		status = reconcile(player);
	}
	if (status == 0) {
		status = play(player, &player->event);
	}
	return status < 0 ? status : advance(player);
}

static int step(struct player *player)
{
	switch (player->state) {
	case PLAYER_BLOCK:
		return load_block(player);
	case PLAYER_EVENT:
		return play_event(player);
	case PLAYER_CUT:
		return finish(player, REEL_REASON_STOPPED);
	case PLAYER_ENDING:
		return finish(player, REEL_REASON_LOST);
	case PLAYER_DONE:
	default:
		return 0;
	}
}

int player_run(struct player *player, uint64_t last_ticks)
{
	int status = player->is_silent ? catch_up(player) : 0;

	while (status == 0 && player->state != PLAYER_DONE && player->key <= last_ticks) {
		status = step(player);
	}
	return status;
}
