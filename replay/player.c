/*
 * One stream in replay; see player.h.
 */
#include <stdlib.h>
#include <string.h>

#include "deliver.h"
#include "player.h"

static uint64_t player_time_ns(const struct reel_context *context)
{
	struct player *player = (struct player *)context;

	if (__builtin_expect(!clock_stretch_has(&player->clock, player->now), 0)) {
		trace_clock_at(player->run->trace, player->now, &player->clock);
	}
	return clock_stretch_ns(&player->clock, player->now);
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
	frame_stack_init(&player->stack, &run->sites, &run->functions);
	player->next_block = plan->begin;
	player->is_silent = plan->is_open_at_from;
	player->key = plan->open_ticks;
	player->now = plan->open_ticks;
	player->info = plan->info ? *plan->info : (struct reel_stream_info){.id = plan->id};
	player->info.name = player->info.name ? player->info.name : "";
	player->info.process = player->info.process ? player->info.process : "";
	trace_clock_at(run->trace, player->now, &player->clock);
	player->context.stream = &player->info;
	player->context.time_ns = player_time_ns;
	return player;
}

void player_destroy(struct player *player)
{
	if (player) {
		frame_stack_deinit(&player->stack);
		plain_run_deinit(&player->plain);
		free(player->padded);
		free(player);
	}
}

/* ---- events ---- */

static int play_before(struct player *player, const struct event *event)
{
	struct run *run = player->run;
	const struct pushed_call call = {
		.function = function_table_get(&run->functions, event->function),
		.ticks = event->ticks,
		.site = event->site,
		.module = event->module,
		.call_depth = player->call_depth,
	};
	const uint32_t count = event->values ? event->value_count : 0;
	int status = frame_stack_push(&player->stack, &call, event->values, count);

	return status < 0 ? status : deliver_before(player, event->repaired, event->capture);
}

/*
 * Ends the innermost open call; it says whose exit this is, so that whoever got the before gets it.
 * An exit with nothing open can only come from bytes that are wrong: there is nobody to tell.
 */
static int play_exit(struct player *player, const struct event *event)
{
	struct event exit = *event;

	if (player->stack.call_count == 0) {
		player->has_holes = true;
		return 0;
	}
	exit.function = function_table_id(
		&player->run->functions, frame_stack_top(&player->stack)->function);
	frame_stack_pop(&player->stack);
	return deliver_exit(player, &exit);
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
	return deliver_undelivered(player, event);
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
		return deliver_call_mark(player, event);
	case EVENT_CALL_END:
		end_call(player);
		return deliver_call_mark(player, event);
	case EVENT_GAP:
		deliver_gap(player, event->lost);
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
	struct run *run = player->run;
	const struct pushed_call call = {
		.function = site_table_get(&run->sites, activation->site)->function,
		.ticks = activation->ticks,
		.site = activation->site,
		.module = activation->module,
		.call_depth = activation->call_depth,
	};
	const uint32_t count = activation->params ? activation->param_count : 0;
	int status = frame_stack_push(&player->stack, &call, activation->params, count);

	return status < 0 ? status : deliver_before(player, reason, NULL);
}

/* Ends the innermost open call as one whose exit is not in the trace. */
static int abort_top(struct player *player, enum reel_reason reason)
{
	const struct open_call *call = frame_stack_top(&player->stack);
	const struct event event = {
		.kind = EVENT_ABORT,
		.repaired = reason,
		.ticks = player->now,
		.function = function_table_id(&player->run->functions, call->function),
		.module = call->module,
		.error = NO_ID,
	};

	frame_stack_pop(&player->stack);
	return deliver_exit(player, &event);
}

/* The frames' pcs as the last calls from them left them, which only the key frame knows. */
static void restore_pcs(struct frame_stack *stack, const struct activation *open, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		stack->calls[i].pc = open[i].pc;
		stack->calls[i].offset = open[i].offset;
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
	deliver_gap(player, events > player->block_done ? events - player->block_done : 0);
	leave_block(player);
}

/* What follows when the block gave no event but this status. */
static int leave_events(struct player *player, int status)
{
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

/* Finds the next event of the block, to be delivered when it is due. */
static int advance(struct player *player)
{
	struct plain_run *plain = &player->plain;
	uint64_t ticks;
	int status = 0;

	if (plain_run_is_empty(plain)) {
		plain_run_refill(plain, player->cursor);
	}
	if (plain_run_is_empty(plain)) {
		status = cursor_next(player->cursor, &player->event);
		ticks = player->event.ticks;
	} else {
		ticks = plain->ticks[plain->next];
	}
	if (status != 0) {
		return leave_events(player, status);
	}
	due(player, PLAYER_EVENT, ticks);
	return 0;
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
	status = plain_run_load(&player->plain, player->cursor, &run->sites);
	if (status < 0) {
		return status;
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
	const uint32_t count = stack->call_count;
	int status = 0;

	if (count == 0) {
		return 0;
	}
	ensure_begun(player);
	for (uint32_t i = 1; i <= count && status == 0; i++) {
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
		run->marks.stream_end(run->factory, &player->context);
	}
	return status;
}

/* The next event as one of its own. An exit where nothing is open comes from bytes that are wrong.
 */
static int take_event(struct player *player)
{
	if (!plain_run_is_empty(&player->plain) &&
		!plain_run_take(&player->plain, frame_stack_top(&player->stack), &player->event)) {
		return REEL_EDAMAGED;
	}
	player->block_done++;
	return 0;
}

/* Plays the event that is due. */
static int play_due(struct player *player)
{
	int status = take_event(player);

	if (status < 0) {
		return leave_events(player, status);
	}
	player->now = player->key;
	status = play(player, &player->event);
	return status < 0 ? status : advance(player);
}

/* The same, whatever has to be done first. */
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
	return status < 0 ? status : play_due(player);
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

/* Plays events of the loaded block up to `last_ticks`, the first of which is due. */
static int play_events(struct player *player, uint64_t last_ticks)
{
	const uint64_t to = player->run->plan.to_ticks;
	const uint64_t last = last_ticks < to ? last_ticks : to - 1;
	int status;

	do {
		status = play_plain(player, last) > 0 ? advance(player) : play_due(player);
	} while (status == 0 && player->state == PLAYER_EVENT && player->key <= last);
	return status;
}

int player_run(struct player *player, uint64_t last_ticks)
{
	int status = player->is_silent ? catch_up(player) : 0;

	while (status == 0 && player->state != PLAYER_DONE && player->key <= last_ticks) {
		if (player->state == PLAYER_EVENT && player->has_begun && !player->must_reconcile) {
			status = play_events(player, last_ticks);
		} else {
			status = step(player);
		}
	}
	return status;
}
