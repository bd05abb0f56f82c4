/*
 * Pairing of a library host's events; see hosted_stream.h. The rules are CONTRACT 4's: an exit
 * belongs to the innermost open activation of its function, what is above it is gone; a stack is
 * evidence only where it contradicts; the end of a top-level call or of the stream ends what is in
 * it.
 */
#include "hosted_stream.h"

#include <stdlib.h>
#include <string.h>

#include "grow.h"

/* ---- the open activations ---- */

static uint32_t stream_depth(void *owner)
{
	return ((struct hosted_stream *)owner)->open_count;
}

static void stream_activation(void *owner, uint32_t index, struct activation *activation)
{
	const struct hosted_stream *stream = owner;
	const struct open_call *call = &stream->open[index];

	*activation = (struct activation){
		.site = call->site,
		.module = call->module,
		.ticks = call->ticks,
		.pc = stream->frames[call->frame].pc,
		.offset = stream->frames[call->frame].offset,
		.params = stream->params + call->first_param,
		.param_count = call->param_count,
		.call_depth = call->call_depth,
	};
}

/* Activations below this one were opened before the current top-level call. */
static uint32_t call_floor(const struct hosted_stream *stream)
{
	return stream->call_count ? stream->calls[stream->call_count - 1] : 0;
}

static void pop_activation(struct hosted_stream *stream)
{
	const struct open_call *call = &stream->open[--stream->open_count];

	stream->frame_count = call->frames_end;
	stream->param_count = call->first_param;
	/* What is opened from here on belongs to the call that goes on. */
	if (call_floor(stream) > stream->open_count) {
		stream->calls[stream->call_count - 1] = stream->open_count;
	}
}

/* Room for one more activation that pushes `frames` frames and `words` parameters. */
static int reserve_activation(struct hosted_stream *stream, size_t frames, size_t words)
{
	struct aligned *functions = grow(stream->functions, &stream->functions_capacity,
		(size_t)stream->open_count + 1, sizeof(*functions));
	struct open_call *open = grow(stream->open, &stream->open_capacity,
		(size_t)stream->open_count + 1, sizeof(*open));
	struct site_frame *all = grow(stream->frames, &stream->frames_capacity,
		stream->frame_count + frames, sizeof(*all));
	uint64_t *params = grow(stream->params, &stream->params_capacity,
		stream->param_count + words + 1, sizeof(*params));

	stream->functions = functions ? functions : stream->functions;
	stream->open = open ? open : stream->open;
	stream->frames = all ? all : stream->frames;
	stream->params = params ? params : stream->params;
	return functions && open && all && params ? 0 : REEL_ENOMEM;
}

static void push_frames(struct hosted_stream *stream, const struct site *site)
{
	for (uint32_t i = site->frame_count; i > 0; i--) {
		stream->frames[stream->frame_count++] = site->frames[i - 1];
	}
	stream->frames[stream->frame_count++] =
		(struct site_frame){site->function, site->pc, site->offset};
}

/* Opens the activation of a before. Room was reserved. */
static void push_activation(struct hosted_stream *stream, const struct event *event,
	const struct site *site, uint64_t identity)
{
	struct open_call *call = &stream->open[stream->open_count];
	uint32_t floor = stream->frame_count;

	if (!site->detached && stream->open_count > 0) {
		const struct open_call *caller = call - 1;

		floor = caller->floor;
		if (site->has_caller) {
			stream->frames[caller->frame].pc = site->caller_pc;
			stream->frames[caller->frame].offset = site->caller_offset;
		}
	}
	*call = (struct open_call){
		.ticks = event->ticks,
		.number = stream->before_count - 1,
		.site = event->site,
		.module = event->module,
		.call_depth = stream->call_count,
		.frames_end = stream->frame_count,
		.floor = floor,
		.first_param = stream->param_count,
		.param_count = event->value_count,
	};
	push_frames(stream, site);
	call->frame = stream->frame_count - 1;
	if (event->value_count) {
		memcpy(stream->params + stream->param_count, event->values,
			event->value_count * sizeof(*event->values));
		stream->param_count += event->value_count;
	}
	stream->functions[stream->open_count++] = (struct aligned){event->function, identity};
}

/* ---- what goes out ---- */

static int fail(struct hosted_stream *stream, int status)
{
	if (status < 0 && stream->shared->target->status == 0) {
		stream->shared->target->status = status;
	}
	return status;
}

/* Whether an event is a bare symbol in a block: nothing about it is to be kept but site and time.
 */
static bool is_bare(
	const struct hosted_shared *shared, const struct event *event, uint32_t plain_module)
{
	return (event->kind == EVENT_BEFORE || event->kind == EVENT_AFTER) && !event->repaired &&
	       !event->capture && event->module == plain_module &&
	       !(shared->functions[event->function] & FUNCTION_HAS_WORDS);
}

/* Gives an event away, before the stack changes for it. */
static int emit(struct hosted_stream *stream, const struct event *event, uint32_t plain_module)
{
	int status;

	if (stream->filter) {
		return fail(stream, filter_event(stream->filter, event, plain_module));
	}
	status = emitter_prepare(&stream->emitter, 1);
	if (status < 0) {
		return status;
	}
	if (!is_bare(stream->shared, event, plain_module)) {
		return emitter_append(&stream->emitter, event, plain_module);
	}
	if (event->kind == EVENT_BEFORE) {
		event_block_before(&stream->emitter.block, event->ticks, event->site);
	} else {
		event_block_after(&stream->emitter.block, event->ticks);
	}
	return 0;
}

/* Never lets a stream's time run backwards. */
static void take_time(struct hosted_stream *stream, uint64_t *ticks)
{
	if (*ticks < stream->ticks) {
		*ticks = stream->ticks;
	}
	stream->ticks = *ticks;
}

/* Aborts the innermost activations until `count` are left. */
static int abort_until(
	struct hosted_stream *stream, uint32_t count, uint64_t ticks, enum reel_reason reason)
{
	while (stream->open_count > count) {
		const struct open_call *call = &stream->open[stream->open_count - 1];
		const struct event event = {
			.kind = EVENT_ABORT,
			.repaired = reason,
			.ticks = ticks,
			.site = NO_ID,
			.function = stream->functions[stream->open_count - 1].function,
			.module = call->module,
			.error_kind = REEL_ABORT_REPAIRED,
			.error = NO_ID,
			.text = NO_ID,
		};
		int status = emit(stream, &event, call->module);

		if (status < 0) {
			return status;
		}
		pop_activation(stream);
	}
	return 0;
}

/* ---- befores ---- */

static bool is_listened(const struct hosted_shared *shared, uint32_t function)
{
	return function < shared->function_count &&
	       (shared->functions[function] & FUNCTION_IS_LISTENED);
}

/* Gathers the listened functions that are shown below the top, and where they stand. */
static int gather_listened(
	struct hosted_shared *shared, const struct shown_stack *shown, uint32_t *count)
{
	struct aligned *aligned =
		grow(shared->aligned, &shared->aligned_capacity, shown->count, sizeof(*aligned));

	*count = 0;
	if (!aligned) {
		return REEL_ENOMEM;
	}
	shared->aligned = aligned;
	for (uint32_t i = 1; i < shown->count; i++) {
		uint32_t function = shown->frames[i].function;

		if (is_listened(shared, function)) {
			aligned[(*count)++] = (struct aligned){
				function, shown->identities ? shown->identities[i] : 0};
		}
	}
	return 0;
}

/* The index in `shown` of the listened frame number `position`. */
static uint32_t shown_index(
	const struct hosted_shared *shared, const struct shown_stack *shown, uint32_t position)
{
	for (uint32_t i = 1; i < shown->count; i++) {
		if (is_listened(shared, shown->frames[i].function) && position-- == 0) {
			return i;
		}
	}
	return 0;
}

/*
 * Aborts what the stack proves to be gone. *caller: the index of the innermost open activation's
 * frame in `shown`, or 0 when it is not shown.
 */
static int take_evidence(struct hosted_stream *stream, uint64_t ticks,
	const struct shown_stack *shown, uint32_t *caller)
{
	struct hosted_shared *shared = stream->shared;
	uint32_t floor = call_floor(stream);
	uint32_t listened;
	struct alignment alignment;
	int status = gather_listened(shared, shown, &listened);

	*caller = 0;
	if (status < 0 || listened == 0 || stream->open_count == floor) {
		return fail(stream, status);
	}
	alignment = align(
		shared->aligned, listened, stream->functions + floor, stream->open_count - floor);
	if (alignment.matched == 0) {
		return 0;
	}
	*caller = shown_index(shared, shown, alignment.position);
	return abort_until(stream, stream->open_count - alignment.gone, ticks, REEL_REASON_UNWOUND);
}

/* Leaves out the listened functions that are shown from the top's caller to before index `end`. */
static int leave_out_listened(struct hosted_shared *shared, struct shown_stack *shown, uint32_t end)
{
	struct site_frame *frames =
		grow(shared->known, &shared->known_capacity, shown->count, sizeof(*frames));
	uint32_t count = 1;

	if (!frames) {
		return REEL_ENOMEM;
	}
	shared->known = frames;
	frames[0] = shown->frames[0];
	for (uint32_t i = 1; i < end; i++) {
		if (!is_listened(shared, shown->frames[i].function)) {
			frames[count++] = shown->frames[i];
		}
	}
	memcpy(frames + count, shown->frames + end, (shown->count - end) * sizeof(*frames));
	shown->count -= end - count;
	shown->frames = frames;
	return 0;
}

/* Cuts a stack where it shows another listened function than the one that is open there. */
static void cut_at_contradiction(
	const struct hosted_stream *stream, struct shown_stack *shown, uint32_t caller)
{
	uint32_t floor = call_floor(stream);
	uint32_t left = stream->open_count - 1;

	for (uint32_t i = caller + 1; i < shown->count && left > floor; i++) {
		uint32_t function = shown->frames[i].function;

		if (!is_listened(stream->shared, function)) {
			continue;
		}
		if (stream->functions[left - 1].function != function) {
			shown->count = i;
			return;
		}
		left--;
	}
}

/*
 * A trusted walk gives stacks that agree with the open calls, whatever a host shows that has lost
 * exits or rewinds its stack: listened functions above the innermost open activation's frame are
 * left out, for no call of theirs is open there, and what contradicts below gives way to what is
 * kept.
 */
static int agree(struct hosted_stream *stream, struct shown_stack *shown, uint32_t *caller)
{
	struct hosted_shared *shared = stream->shared;
	uint32_t end = *caller ? *caller : shown->count;
	uint32_t count = shown->count;
	uint32_t stranger = 1;

	if (stream->open_count == call_floor(stream)) {
		return 0;
	}
	while (stranger < end && !is_listened(shared, shown->frames[stranger].function)) {
		stranger++;
	}
	if (stranger < end) {
		int status = leave_out_listened(shared, shown, end);

		if (status < 0) {
			return fail(stream, status);
		}
		*caller -= *caller ? count - shown->count : 0;
	}
	if (*caller) {
		cut_at_contradiction(stream, shown, *caller);
	}
	return 0;
}

/* How what is shown goes on below the innermost open activation's frame. */
enum continuation {
	CONTINUES_AS_KEPT,       /* with the frames that are kept there */
	CONTINUES_AT_NEW_PLACES, /* with these functions, but they are at other places now */
	CONTINUES_OTHERWISE,
};

/* Compares the frames shown from index `from` on with those that are kept below the caller's. */
static enum continuation compare_below(const struct hosted_stream *stream,
	const struct open_call *caller, const struct shown_stack *shown, uint32_t from)
{
	enum continuation result = CONTINUES_AS_KEPT;

	if (shown->count - from > caller->frame - caller->floor) {
		return CONTINUES_OTHERWISE;
	}
	for (uint32_t i = from; i < shown->count; i++) {
		const struct site_frame *kept = &stream->frames[caller->frame - 1 - (i - from)];
		const struct site_frame *frame = &shown->frames[i];

		if (kept->function != frame->function) {
			return CONTINUES_OTHERWISE;
		}
		if (kept->pc != frame->pc || kept->offset != frame->offset) {
			result = CONTINUES_AT_NEW_PLACES;
		}
	}
	return result;
}

/*
 * A stack that goes on with the innermost open activation: in a full walk only when a reader will
 * then see exactly what the host showed.
 */
static void attach_site(const struct hosted_stream *stream, const struct shown_stack *shown,
	uint32_t caller, const struct open_call *inner, struct site *site)
{
	uint32_t below = caller ? caller + 1 : shown->count;

	site->frame_count = below - 1 - (caller ? 1 : 0);
	if (caller) {
		site->has_caller = true;
		site->caller_pc = shown->frames[caller].pc;
		site->caller_offset = shown->frames[caller].offset;
	}
	if (stream->shared->walk == REEL_WALK_FULL &&
		shown->count - below < inner->frame - inner->floor) {
		site->shown = shown->count;
	}
}

/* A stack of its own: what was shown and, when `inner` is given, what is kept below that. */
static int detach_site(const struct hosted_stream *stream, const struct shown_stack *shown,
	uint32_t caller, const struct open_call *inner, struct site *site)
{
	struct hosted_shared *shared = stream->shared;
	uint32_t count = shown->count - 1;
	uint32_t left = inner ? inner->frame - inner->floor - (count - caller) : 0;
	struct site_frame *frames;

	site->detached = true;
	site->frame_count = count + left;
	if (left == 0) {
		return 0;
	}
	frames = grow(
		shared->frames, &shared->frames_capacity, (size_t)count + left, sizeof(*frames));
	if (!frames) {
		return REEL_ENOMEM;
	}
	shared->frames = frames;
	site->frames = frames;
	memcpy(frames, shown->frames + 1, count * sizeof(*frames));
	for (uint32_t i = 0; i < left; i++) {
		frames[count + i] = stream->frames[inner->floor + left - 1 - i];
	}
	return 0;
}

static int describe_site(const struct hosted_stream *stream, const struct event *event,
	const struct shown_stack *shown, uint32_t caller, struct site *site)
{
	bool is_full = stream->shared->walk == REEL_WALK_FULL;
	const struct open_call *inner = stream->open_count > call_floor(stream)
						? &stream->open[stream->open_count - 1]
						: NULL;
	enum continuation continuation;

	*site = (struct site){
		.function = event->function,
		.module = event->module,
		.pc = shown->frames[0].pc,
		.offset = shown->frames[0].offset,
		.frames = shown->frames + 1,
	};
	if (!inner || (is_full && !caller)) {
		return detach_site(stream, shown, caller, NULL, site);
	}
	continuation = compare_below(stream, inner, shown, caller ? caller + 1 : shown->count);
	if (continuation == CONTINUES_AS_KEPT) {
		attach_site(stream, shown, caller, inner, site);
		return 0;
	}
	if (is_full || continuation == CONTINUES_OTHERWISE) {
		inner = NULL;
	}
	return detach_site(stream, shown, caller, inner, site);
}

static struct cached_site *cached_site_of(struct hosted_shared *shared, const struct site *site)
{
	uint64_t hash = site->function + site->pc * 31 + site->caller_pc * 127;

	hash *= UINT64_C(0x9e3779b97f4a7c15);
	return &shared->sites[hash >> 32 & (SITE_CACHE_SIZE - 1)];
}

static bool is_cached(const struct cached_site *cached, const struct site *site)
{
	return cached->is_known && cached->function == site->function &&
	       cached->module == site->module && cached->pc == site->pc &&
	       cached->offset == site->offset && cached->has_caller == site->has_caller &&
	       cached->detached == site->detached && cached->caller_pc == site->caller_pc &&
	       cached->caller_offset == site->caller_offset && cached->shown == site->shown;
}

/* The site's id, from the cache when it has no frames between. */
static int intern_site(struct hosted_shared *shared, const struct site *site, uint32_t *id)
{
	struct cached_site *cached = cached_site_of(shared, site);
	int status;

	if (site->frame_count == 0 && is_cached(cached, site)) {
		*id = cached->id;
		return 0;
	}
	status = writer_intern_site(shared->target->writer, site, id);
	if (status == 0 && site->frame_count == 0) {
		*cached = (struct cached_site){
			.function = site->function,
			.module = site->module,
			.id = *id,
			.has_caller = site->has_caller,
			.detached = site->detached,
			.is_known = true,
			.shown = site->shown,
			.pc = site->pc,
			.offset = site->offset,
			.caller_pc = site->caller_pc,
			.caller_offset = site->caller_offset,
		};
	}
	return status;
}

int hosted_stream_before(
	struct hosted_stream *stream, struct event *event, const struct shown_stack *given)
{
	struct shown_stack shown = *given;
	struct site site;
	uint32_t caller;
	int status;

	stream->before_count++;
	take_time(stream, &event->ticks);
	status = take_evidence(stream, event->ticks, &shown, &caller);
	if (status == 0 && stream->shared->walk == REEL_WALK_TRUSTED) {
		status = agree(stream, &shown, &caller);
	}
	if (status < 0) {
		return status;
	}
	status = describe_site(stream, event, &shown, caller, &site);
	if (status == 0) {
		status = intern_site(stream->shared, &site, &event->site);
	}
	if (status == 0) {
		status = reserve_activation(
			stream, (size_t)site.frame_count + 1, event->value_count);
	}
	if (status == 0) {
		status = emit(stream, event, site.module);
	}
	if (status == 0) {
		push_activation(stream, event, &site, shown.identities ? shown.identities[0] : 0);
	}
	return fail(stream, status);
}

/* ---- exits ---- */

/* The number of activations up to and with the innermost one of a function; 0: it is not open. */
static uint32_t find_open(const struct hosted_stream *stream, uint32_t function)
{
	uint32_t count = stream->open_count;

	while (count > 0 && stream->functions[count - 1].function != function) {
		count--;
	}
	return count;
}

static int leave_undelivered(struct hosted_stream *stream, struct event *event)
{
	event->kind =
		event->kind == EVENT_AFTER ? EVENT_UNDELIVERED_AFTER : EVENT_UNDELIVERED_ABORT;
	return emit(stream, event, NO_ID);
}

int hosted_stream_exit(struct hosted_stream *stream, struct event *event)
{
	uint32_t count = find_open(stream, event->function);
	int status;

	take_time(stream, &event->ticks);
	if (count == 0) {
		return leave_undelivered(stream, event);
	}
	status = abort_until(stream, count, event->ticks, REEL_REASON_UNWOUND);
	if (status == 0) {
		status = emit(stream, event, stream->open[count - 1].module);
	}
	if (status == 0) {
		pop_activation(stream);
	}
	return status;
}

/* ---- marks and ends ---- */

static int begin_call(struct hosted_stream *stream)
{
	uint32_t *calls = grow(stream->calls, &stream->calls_capacity,
		(size_t)stream->call_count + 1, sizeof(*calls));

	if (!calls) {
		return fail(stream, REEL_ENOMEM);
	}
	stream->calls = calls;
	calls[stream->call_count++] = stream->open_count;
	return 0;
}

static void end_call(struct hosted_stream *stream)
{
	uint32_t floor = call_floor(stream);

	if (stream->call_count > 0) {
		stream->call_count--;
		/* Its caller may have been popped while it was the innermost call. */
		if (call_floor(stream) > floor) {
			stream->calls[stream->call_count - 1] = floor;
		}
	}
}

/* The event of a top-level call's end, after what it leaves open. */
static int emit_call_end(
	struct hosted_stream *stream, const struct event *event, enum reel_reason reason)
{
	int status = abort_until(stream, call_floor(stream), event->ticks, reason);

	if (status == 0) {
		status = emit(stream, event, NO_ID);
	}
	if (status == 0) {
		end_call(stream);
	}
	return status;
}

int hosted_stream_mark(struct hosted_stream *stream, struct event *event)
{
	int status;

	take_time(stream, &event->ticks);
	if (event->kind == EVENT_CALL_END) {
		return emit_call_end(stream, event, REEL_REASON_UNWOUND);
	}
	status = emit(stream, event, NO_ID);
	if (status == 0 && event->kind == EVENT_CALL_BEGIN) {
		status = begin_call(stream);
	}
	return status;
}

/* Activations whose before has a lower number than this. */
static uint32_t count_before(const struct hosted_stream *stream, uint64_t number)
{
	uint32_t count = stream->open_count;

	while (count > 0 && stream->open[count - 1].number >= number) {
		count--;
	}
	return count;
}

int hosted_stream_lose(struct hosted_stream *stream, uint64_t ticks, const struct lost_events *lost)
{
	struct event event = {
		.kind = EVENT_GAP,
		.site = NO_ID,
		.function = NO_ID,
		.module = NO_ID,
		.error = NO_ID,
		.text = NO_ID,
		.lost = lost->count,
	};
	int status = 0;

	take_time(stream, &ticks);
	event.ticks = ticks;
	if (lost->count > 0) {
		status = emit(stream, &event, NO_ID);
	}
	if (status == 0) {
		status = abort_until(
			stream, count_before(stream, lost->before), ticks, REEL_REASON_LOST);
	}
	event.kind = EVENT_CALL_END;
	event.lost = 0;
	while (status == 0 && stream->call_count > lost->calls) {
		status = emit_call_end(stream, &event, REEL_REASON_LOST);
	}
	return status;
}

int hosted_stream_end(struct hosted_stream *stream, uint64_t ticks, enum reel_reason reason)
{
	int status;

	take_time(stream, &ticks);
	status = abort_until(stream, 0, ticks, reason);
	return status < 0 ? status : hosted_stream_release(stream);
}

/* ---- life and memory ---- */

int hosted_stream_create(
	struct hosted_shared *shared, uint32_t number, uint32_t id, struct hosted_stream **stream)
{
	struct hosted_stream *made = calloc(1, sizeof(*made));
	int status = 0;

	*stream = NULL;
	if (!made) {
		return REEL_ENOMEM;
	}
	made->shared = shared;
	made->number = number;
	made->id = id;
	made->error = NO_ID;
	if (shared->max_depth || shared->min_duration_ticks) {
		status = filter_create(shared->target, id, shared->max_depth,
			shared->min_duration_ticks, &made->filter);
	}
	if (status < 0) {
		free(made);
		return status;
	}
	emitter_init(&made->emitter, shared->target, id, stream_depth, stream_activation, made);
	*stream = made;
	return 0;
}

void hosted_stream_destroy(struct hosted_stream *stream)
{
	if (!stream) {
		return;
	}
	filter_destroy(stream->filter);
	emitter_deinit(&stream->emitter);
	free(stream->functions);
	free(stream->open);
	free(stream->calls);
	free(stream->frames);
	free(stream->params);
	free(stream);
}

static struct emitter *stream_emitter(struct hosted_stream *stream)
{
	return stream->filter ? filter_emitter(stream->filter) : &stream->emitter;
}

size_t hosted_stream_bytes(struct hosted_stream *stream)
{
	return emitter_memory(stream_emitter(stream));
}

int hosted_stream_release(struct hosted_stream *stream)
{
	return emitter_release(stream_emitter(stream));
}
