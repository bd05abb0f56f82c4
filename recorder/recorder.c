/*
 * The recorder's life, its consumer thread and its definitions. The consumer thread owns the
 * session and the writer from beginning to end; other threads reach it through the rings and the
 * queue of definitions alone.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture_plan.h"
#include "consumer.h"
#include "filter.h"
#include "recorder_state.h"

/* How long the consumer sleeps when there is nothing to do, and how often it keeps house. */
#define SLEEP_NS UINT64_C(20000000)
#define TEND_NS UINT64_C(100000000)

/* ---- options ---- */

static bool is_known_codec(const struct reel_recorder_options *options)
{
	return (unsigned)options->codec <= REEL_CODEC_NONE && options->codec_level >= -7 &&
	       options->codec_level <= 19;
}

static int check_captures(const struct reel_recorder_options *options, struct reel_error *error)
{
	if (options->capture_count > 0 && !options->captures) {
		return reel_fail(error, REEL_EINVAL, "options: captures are counted but not there");
	}
	for (size_t i = 0; i < options->capture_count; i++) {
		const struct reel_capture_spec *spec = &options->captures[i];

		if (!spec->function || (unsigned)spec->kind > REEL_CAPTURE_BYTES ||
			(unsigned)spec->when > REEL_CAPTURE_AFTER_ZERO) {
			return reel_fail(error, REEL_EINVAL,
				"options: capture %zu has no function, or an unknown kind or time",
				i);
		}
	}
	return 0;
}

static int check_options(const struct reel_recorder_options *options, struct reel_error *error)
{
	if ((unsigned)options->on_full > REEL_ON_FULL_WAIT ||
		(unsigned)options->walk > REEL_WALK_FULL) {
		return reel_fail(error, REEL_EINVAL, "options: unknown mode");
	}
	if (!is_known_codec(options)) {
		return reel_fail(error, REEL_EINVAL,
			"options: unknown codec, or a level that is not from -7 to 19");
	}
	if ((options->include_count > 0 && !options->include) ||
		(options->exclude_count > 0 && !options->exclude)) {
		return reel_fail(error, REEL_EINVAL, "options: globs are counted but not there");
	}
	return check_captures(options, error);
}

static void free_globs(const char *const *globs, size_t count)
{
	for (size_t i = 0; globs && i < count; i++) {
		free((void *)(uintptr_t)globs[i]);
	}
	free((void *)(uintptr_t)globs);
}

static const char *const *copy_globs(const char *const *globs, size_t count)
{
	const char **copies = calloc(count + 1, sizeof(*copies));

	for (size_t i = 0; copies && i < count; i++) {
		copies[i] = strdup(globs[i]);
		if (!copies[i]) {
			free_globs(copies, count);
			return NULL;
		}
	}
	return copies;
}

/* The options in the size that this library knows; what they point to stays the caller's. */
static int read_options(const struct reel_recorder_options *from, struct reel_recorder_options *to,
	struct reel_error *error)
{
	size_t size = from && from->size < sizeof(*to) ? from->size : sizeof(*to);

	*to = (struct reel_recorder_options){0};
	if (from) {
		if (size < sizeof(from->size)) {
			return reel_fail(error, REEL_EINVAL, "options: size is not set");
		}
		memcpy(to, from, size);
	}
	to->size = sizeof(*to);
	return check_options(to, error);
}

static void free_captures(const struct reel_capture_spec *captures, size_t count)
{
	for (size_t i = 0; captures && i < count; i++) {
		free((void *)(uintptr_t)captures[i].function);
	}
	free((void *)(uintptr_t)captures);
}

static const struct reel_capture_spec *copy_captures(
	const struct reel_capture_spec *captures, size_t count)
{
	struct reel_capture_spec *copies = calloc(count + 1, sizeof(*copies));

	for (size_t i = 0; copies && i < count; i++) {
		copies[i] = captures[i];
		copies[i].function = strdup(captures[i].function);
		if (!copies[i].function) {
			free_captures(copies, i);
			return NULL;
		}
	}
	return copies;
}

/* Takes copies of what the options point to. */
static int own_options(struct reel_recorder *recorder)
{
	struct reel_recorder_options *options = &recorder->options;
	const char *const *include = copy_globs(options->include, options->include_count);
	const char *const *exclude = copy_globs(options->exclude, options->exclude_count);

	options->captures = copy_captures(options->captures, options->capture_count);
	options->include = include;
	options->exclude = exclude;
	if (options->metadata) {
		options->metadata = strdup(options->metadata);
		if (!options->metadata) {
			return REEL_ENOMEM;
		}
	}
	return include && exclude && options->captures ? 0 : REEL_ENOMEM;
}

/* Whether the time stamp counter runs at one rate on all processors. */
static bool has_invariant_tsc(void)
{
	unsigned eax, ebx, ecx, edx;

	return __get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx) && (edx & (1u << 8));
}

/* ---- the consumer's thread ---- */

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int open_writer(struct reel_recorder *recorder, struct writer **writer)
{
	const struct writer_options options = {
		.codec = recorder->options.codec,
		.codec_level = recorder->options.codec_level,
		.clock = recorder->clock,
		.metadata = recorder->options.metadata,
		.producer = "library",
	};

	return writer_create(recorder->path, &options, writer, &recorder->error);
}

static int open_consumer(
	struct reel_recorder *recorder, struct writer *writer, struct consumer **consumer)
{
	const struct consumer_options options = {
		.recorder = &recorder->options,
		.definitions = &recorder->definitions,
	};
	int status = session_create(session_directories(), recorder->options.memory_bytes,
		recorder->options.on_full, recorder->clock, &recorder->session, &recorder->error);

	if (status < 0) {
		return status;
	}
	status = consumer_create(&recorder->session, writer, &options, consumer, &recorder->error);
	if (status < 0) {
		session_destroy(&recorder->session);
	}
	return status;
}

/* Drains until it is told to stop or the trace cannot grow any more. */
static int drain_until_stopped(struct reel_recorder *recorder, struct consumer *consumer)
{
	uint64_t tended_ns = monotonic_ns();

	/* Acquire: what was recorded before the recorder was closed. */
	while (!atomic_load_explicit(&recorder->must_stop, memory_order_acquire)) {
		int64_t drained = consumer_drain(consumer);
		uint64_t now_ns = monotonic_ns();

		if (drained < 0) {
			return (int)drained;
		}
		if (now_ns - tended_ns >= TEND_NS) {
			consumer_tend(consumer);
			tended_ns = now_ns;
		} else if (drained == 0) {
			consumer_sleep(consumer, SLEEP_NS);
		}
	}
	return 0;
}

/* Those who wait for room, and who would, must not wait for a consumer that has failed. */
static void wait_for_stop(struct reel_recorder *recorder)
{
	struct session_control *control = recorder->session.control;

	atomic_store(&control->state, SESSION_CLOSED);
	while (!atomic_load_explicit(&recorder->must_stop, memory_order_acquire)) {
		const struct timespec pause = {.tv_nsec = SLEEP_NS};

		nanosleep(&pause, NULL);
	}
}

static int consume(struct reel_recorder *recorder, struct writer *writer, struct consumer *consumer)
{
	int status = drain_until_stopped(recorder, consumer);

	if (status < 0) {
		wait_for_stop(recorder);
	} else if (!recorder->must_discard) {
		status = consumer_finish(consumer, REEL_REASON_STOPPED);
	}
	if (status < 0) {
		const char *text = writer_error(writer);

		reel_fail(&recorder->error, status, "%s",
			text && *text ? text : reel_status_str(status));
	}
	consumer_destroy(consumer);
	/* Whoever told it to stop has done with the session. */
	while (sem_wait(&recorder->stopping) != 0) {
		/* A signal came in between. */
	}
	session_destroy(&recorder->session);
	return status;
}

/* What was written stays readable when recording failed on the way. */
static int close_writer(struct reel_recorder *recorder, struct writer *writer, int status)
{
	struct reel_error error;
	int finished;

	if (recorder->must_discard) {
		writer_abandon(writer);
		return status;
	}
	finished = writer_finish(writer, &error);
	if (status == 0 && finished < 0) {
		recorder->error = error;
		status = finished;
	}
	return status;
}

static void *run_consumer(void *argument)
{
	struct reel_recorder *recorder = argument;
	struct writer *writer = NULL;
	struct consumer *consumer = NULL;
	int status;

	pthread_setname_np(pthread_self(), "reel-consumer");
	status = open_writer(recorder, &writer);
	if (status == 0) {
		status = open_consumer(recorder, writer, &consumer);
		if (status < 0) {
			writer_abandon(writer);
		}
	}
	recorder->status = status;
	sem_post(&recorder->started);
	if (status == 0) {
		status = consume(recorder, writer, consumer);
		recorder->status = close_writer(recorder, writer, status);
	}
	return NULL;
}

/* Starts the thread, which no signal of the program ever runs on, and waits until it is ready. */
static int start_consumer(struct reel_recorder *recorder, struct reel_error *error)
{
	sigset_t all, signals;
	int failed;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &signals);
	failed = pthread_create(&recorder->thread, NULL, run_consumer, recorder);
	pthread_sigmask(SIG_SETMASK, &signals, NULL);
	if (failed) {
		return reel_fail(error, REEL_EIO, "cannot start the consumer's thread: %s",
			strerror(failed));
	}
	while (sem_wait(&recorder->started) != 0) {
		/* A signal came in between. */
	}
	if (recorder->status < 0) {
		pthread_join(recorder->thread, NULL);
		return reel_fail(error, recorder->status, "%s", recorder->error.text);
	}
	return 0;
}

static void stop_consumer(struct reel_recorder *recorder)
{
	/* Release, acquired by the consumer. */
	atomic_store_explicit(&recorder->must_stop, true, memory_order_release);
	producer_wake_consumer(&recorder->session);
	sem_post(&recorder->stopping);
	pthread_join(recorder->thread, NULL);
}

/* ---- opening and closing ---- */

static void free_streams(struct reel_recorder *recorder)
{
	struct reel_recorder_stream *next;

	for (struct reel_recorder_stream *stream = recorder->streams; stream; stream = next) {
		next = stream->next;
		free(stream->end);
		free(stream->shadow);
		free(stream->calls);
		param_stack_deinit(&stream->params);
		free(stream);
	}
}

static void free_functions(struct reel_recorder *recorder)
{
	struct function_handle *next;

	for (struct function_handle *handle = recorder->functions; handle; handle = next) {
		next = handle->next;
		free(handle->plan);
		free(handle);
	}
}

static void free_recorder(struct reel_recorder *recorder)
{
	struct reel_recorder_options *options = &recorder->options;

	free_streams(recorder);
	free_functions(recorder);
	factory_deinit(recorder);
	definitions_deinit(&recorder->definitions);
	id_set_deinit(&recorder->stream_ids);
	id_set_deinit(&recorder->module_ids);
	free_globs(options->include, options->include_count);
	free_globs(options->exclude, options->exclude_count);
	free_captures(options->captures, options->capture_count);
	free((void *)(uintptr_t)options->metadata);
	pthread_mutex_destroy(&recorder->mutex);
	sem_destroy(&recorder->started);
	sem_destroy(&recorder->stopping);
	free(recorder->path);
	free(recorder);
}

static int init_recorder(struct reel_recorder *recorder, const char *path)
{
	int status = own_options(recorder);

	recorder->clock = recorder->options.host_time ? CLOCK_HOST
			  : has_invariant_tsc()       ? CLOCK_TSC
						      : CLOCK_MONO;
	recorder->path = strdup(path);
	if (status == 0) {
		status = recorder->path ? definitions_init(&recorder->definitions) : REEL_ENOMEM;
	}
	return status < 0 ? status : factory_init(recorder);
}

static struct reel_recorder *allocate_recorder(const struct reel_recorder_options *options)
{
	struct reel_recorder *recorder = calloc(1, sizeof(*recorder));

	if (recorder) {
		recorder->options = *options;
		pthread_mutex_init(&recorder->mutex, NULL);
		sem_init(&recorder->started, 0, 0);
		sem_init(&recorder->stopping, 0, 0);
	}
	return recorder;
}

int reel_recorder_open(const char *path, const struct reel_recorder_options *options,
	struct reel_recorder **recorder, struct reel_error *error)
{
	struct reel_recorder_options known;
	struct reel_recorder *made;
	int status = read_options(options, &known, error);

	*recorder = NULL;
	if (status < 0) {
		return status;
	}
	made = allocate_recorder(&known);
	if (!made) {
		return reel_fail(error, REEL_ENOMEM, "%s: out of memory", path);
	}
	status = init_recorder(made, path);
	if (status < 0) {
		reel_fail(error, status, "%s: out of memory", path);
	} else {
		status = start_consumer(made, error);
	}
	if (status < 0) {
		free_recorder(made);
		return status;
	}
	status = producer_registry_init(
		&made->registry, &made->session, known.on_full == REEL_ON_FULL_WAIT);
	if (status < 0) {
		made->must_discard = true;
		stop_consumer(made);
		free_recorder(made);
		return reel_fail(error, status, "%s: no memory for the recorder's state", path);
	}
	*recorder = made;
	return 0;
}

/* Tells the consumer how each stream that is still open ends. */
static void end_streams(struct reel_recorder *recorder)
{
	struct reel_recorder_stream *next;

	for (struct reel_recorder_stream *stream = recorder->streams; stream; stream = next) {
		next = stream->next;
		if (stream->is_open) {
			reel_recorder_stream_close(stream, REEL_REASON_STOPPED);
		}
	}
}

int reel_recorder_close(struct reel_recorder *recorder, struct reel_error *error)
{
	int status;

	if (!recorder) {
		return 0;
	}
	if (!producer_registry_is_alive(&recorder->registry)) {
		return reel_fail(error, REEL_ECLOSED,
			"the recorder belongs to the process that this one was forked from");
	}
	end_streams(recorder);
	producer_registry_deinit(&recorder->registry);
	stop_consumer(recorder);
	status = recorder->status;
	if (status < 0) {
		reel_fail(error, status, "%s", recorder->error.text);
	}
	free_recorder(recorder);
	return status;
}

void reel_recorder_discard(struct reel_recorder *recorder)
{
	if (recorder && producer_registry_is_alive(&recorder->registry)) {
		recorder->must_discard = true;
		reel_recorder_close(recorder, NULL);
	}
}

/* ---- definitions ---- */

bool recorder_lock(struct reel_recorder *recorder, sigset_t *signals)
{
	sigset_t all;

	if (!producer_registry_is_alive(&recorder->registry)) {
		return false;
	}
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, signals);
	pthread_mutex_lock(&recorder->mutex);
	return true;
}

void recorder_unlock(struct reel_recorder *recorder, const sigset_t *signals)
{
	pthread_mutex_unlock(&recorder->mutex);
	pthread_sigmask(SIG_SETMASK, signals, NULL);
}

int recorder_add_function(struct reel_recorder *recorder, const struct reel_function *definition,
	bool is_listened, struct function_handle **handle)
{
	struct definition *message;
	struct function_handle *made;

	if (recorder->function_count > HOSTED_FUNCTION_MAX) {
		return REEL_ELIMIT;
	}
	made = function_handle_create(definition);
	message = made ? definition_of_function(&made->definition) : NULL;
	if (!message) {
		free(made);
		return REEL_ENOMEM;
	}
	made->recorder = recorder;
	made->definition.id = recorder->function_count++;
	made->definition.is_listened =
		is_listened && filter_function(&recorder->options, &made->definition);
	made->next = recorder->functions;
	recorder->functions = made;
	definitions_push(&recorder->definitions, message);
	*handle = made;
	return 0;
}

int recorder_add_module(struct reel_recorder *recorder, const struct reel_module *module)
{
	struct definition *message;

	if (module->id == REEL_NO_MODULE) {
		return REEL_EINVAL;
	}
	message = definition_of_module(module);
	if (!message || id_set_add(&recorder->module_ids, module->id) < 0) {
		free(message);
		return REEL_ENOMEM;
	}
	definitions_push(&recorder->definitions, message);
	return 0;
}

/* A stream's memory: that of one that was closed, or new. */
static struct reel_recorder_stream *take_stream(struct reel_recorder *recorder)
{
	struct reel_recorder_stream *stream = recorder->spare_streams;

	if (stream) {
		recorder->spare_streams = stream->spare;
		stream->spare = NULL;
		return stream;
	}
	stream = calloc(1, sizeof(*stream));
	if (stream) {
		stream->recorder = recorder;
		stream->next = recorder->streams;
		recorder->streams = stream;
	}
	return stream;
}

static void put_stream_back(struct reel_recorder *recorder, struct reel_recorder_stream *stream)
{
	stream->is_open = false;
	stream->spare = recorder->spare_streams;
	recorder->spare_streams = stream;
}

int recorder_add_stream(struct reel_recorder *recorder, const struct reel_stream_info *info,
	struct reel_recorder_stream **stream)
{
	uint32_t number = recorder->stream_count;
	struct definition *message = definition_of_stream(number, info);
	struct definition *end = definition_of_stream_end(number);
	struct reel_recorder_stream *made = message && end ? take_stream(recorder) : NULL;

	if (number == UINT32_MAX || !made || stream_init(made) < 0 ||
		id_set_add(&recorder->stream_ids, info->id) < 0) {
		if (made) {
			put_stream_back(recorder, made);
		}
		free(message);
		free(end);
		return number == UINT32_MAX ? REEL_ELIMIT : REEL_ENOMEM;
	}
	recorder->stream_count++;
	made->number = number;
	made->id = info->id;
	made->end = end;
	made->is_open = true;
	made->is_foreign = false;
	definitions_push(&recorder->definitions, message);
	*stream = made;
	return 0;
}

void recorder_end_stream(struct reel_recorder_stream *stream, enum reel_reason reason)
{
	stream_describe_end(stream, reason);
	definitions_push(&stream->recorder->definitions, stream->end);
	stream->end = NULL;
	put_stream_back(stream->recorder, stream);
}

static int fail_dead(struct reel_error *error)
{
	return reel_fail(error, REEL_ECLOSED,
		"the recorder is of the process that this one was forked from");
}

int reel_recorder_define_function(struct reel_recorder *recorder,
	const struct reel_function *definition, const struct reel_function **function,
	struct reel_error *error)
{
	struct function_handle *handle = NULL;
	sigset_t signals;
	int status;

	*function = NULL;
	if (definition->size < sizeof(definition->size)) {
		return reel_fail(error, REEL_EINVAL, "a definition whose size is not set");
	}
	if (!recorder_lock(recorder, &signals)) {
		return fail_dead(error);
	}
	status = recorder_add_function(recorder, definition, definition->is_listened, &handle);
	recorder_unlock(recorder, &signals);
	if (status < 0) {
		return reel_fail(
			error, status, "cannot define a function: %s", reel_status_str(status));
	}
	*function = &handle->definition;
	return 0;
}

int reel_recorder_define_module(
	struct reel_recorder *recorder, const struct reel_module *module, struct reel_error *error)
{
	sigset_t signals;
	int status;

	if (!recorder_lock(recorder, &signals)) {
		return fail_dead(error);
	}
	status = recorder_add_module(recorder, module);
	recorder_unlock(recorder, &signals);
	if (status < 0) {
		return reel_fail(
			error, status, "cannot define a module: %s", reel_status_str(status));
	}
	return 0;
}

int reel_recorder_stream_open(struct reel_recorder *recorder, const struct reel_stream_info *info,
	struct reel_recorder_stream **stream, struct reel_error *error)
{
	sigset_t signals;
	int status;

	*stream = NULL;
	if (!recorder_lock(recorder, &signals)) {
		return fail_dead(error);
	}
	status = id_set_has(&recorder->stream_ids, info->id)
			 ? REEL_EINVAL
			 : recorder_add_stream(recorder, info, stream);
	recorder_unlock(recorder, &signals);
	if (status == REEL_EINVAL) {
		return reel_fail(error, status, "there was a stream %u already", info->id);
	}
	if (status < 0) {
		return reel_fail(
			error, status, "cannot open a stream: %s", reel_status_str(status));
	}
	return 0;
}

void reel_recorder_stream_close(struct reel_recorder_stream *stream, enum reel_reason reason)
{
	struct reel_recorder *recorder = stream->recorder;
	sigset_t signals;

	if (recorder_lock(recorder, &signals)) {
		recorder_end_stream(stream, reason);
		recorder_unlock(recorder, &signals);
	}
}

struct reel_listener_factory *reel_recorder_factory(struct reel_recorder *recorder)
{
	return &recorder->factory;
}
