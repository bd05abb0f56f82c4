/*
 * A listener plug-in: the edges of the call graph. Counts who called whom, from the first two
 * frames of each stack, and writes one line per pair, the most frequent first:
 *
 *     reel replay trace.reel --listener ./edges.so:top=20,file=edges.txt
 *
 * Options: top=N (default: all), file=PATH (default: standard output). CMakeLists.txt says how to
 * build it.
 */
#include <reel/plugin.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct edge {
	const struct reel_function *caller; /* NULL: the host */
	const struct reel_function *callee; /* NULL: the entry is free */
	uint64_t count;
};

/* The factory, and the one listener that it gives for every function. */
struct edges {
	struct reel_listener_factory factory;
	struct reel_listener listener;
	pthread_mutex_t lock; /* streams may call at the same time; guards what follows */
	struct edge *table;   /* open addressing, at most half full */
	size_t capacity, count;
	uint64_t lost; /* calls that found no memory for their edge */
	uint64_t top;
	char *path; /* NULL: standard output */
};

static struct edges *of_factory(struct reel_listener_factory *factory)
{
	return (struct edges *)factory;
}

static struct edges *of_listener(struct reel_listener *listener)
{
	return (struct edges *)((char *)listener - offsetof(struct edges, listener));
}

/* ---- counting ---- */

static struct edge *find_edge(struct edge *table, size_t capacity,
	const struct reel_function *caller, const struct reel_function *callee)
{
	uint64_t hash = ((uintptr_t)caller * 31 + (uintptr_t)callee) * UINT64_C(0x9e3779b97f4a7c15);
	size_t index = (size_t)(hash >> 32) & (capacity - 1);

	while (table[index].callee &&
		(table[index].caller != caller || table[index].callee != callee)) {
		index = (index + 1) & (capacity - 1);
	}
	return &table[index];
}

static int grow(struct edges *edges)
{
	size_t capacity = edges->capacity ? edges->capacity * 2 : 256;
	struct edge *table = calloc(capacity, sizeof(*table));

	if (!table) {
		return -1;
	}
	for (size_t i = 0; i < edges->capacity; i++) {
		const struct edge *edge = &edges->table[i];

		if (edge->callee) {
			*find_edge(table, capacity, edge->caller, edge->callee) = *edge;
		}
	}
	free(edges->table);
	edges->table = table;
	edges->capacity = capacity;
	return 0;
}

static void count_edge(
	struct edges *edges, const struct reel_function *caller, const struct reel_function *callee)
{
	struct edge *edge;

	if (edges->count * 2 >= edges->capacity && grow(edges) < 0) {
		edges->lost++;
		return;
	}
	edge = find_edge(edges->table, edges->capacity, caller, callee);
	if (!edge->callee) {
		*edge = (struct edge){caller, callee, 0};
		edges->count++;
	}
	edge->count++;
}

static void before(struct reel_listener *listener, struct reel_context *context,
	struct reel_module *module, const struct reel_function *function, const uint64_t *params,
	struct reel_stack_iterator *stack)
{
	struct edges *edges = of_listener(listener);
	const struct reel_function *caller;

	(void)context;
	(void)module;
	(void)params;
	reel_stack_next(stack); /* the first frame is the function itself */
	reel_stack_next(stack);
	caller = reel_stack_function(stack);
	pthread_mutex_lock(&edges->lock);
	count_edge(edges, caller, function);
	pthread_mutex_unlock(&edges->lock);
}

/* ---- the factory ---- */

static struct reel_listener *listener_for(
	struct reel_listener_factory *factory, const struct reel_function *function)
{
	(void)function;
	return &of_factory(factory)->listener;
}

static const char *name_of(const struct reel_function *function)
{
	if (!function) {
		return "(host)";
	}
	return function->name && *function->name ? function->name : "(unnamed)";
}

/* The most frequent first; equal ones by name, so that the order never depends on addresses. */
static int compare_edges(const void *left, const void *right)
{
	const struct edge *a = left;
	const struct edge *b = right;
	int order;

	if (a->count != b->count) {
		return a->count < b->count ? 1 : -1;
	}
	order = strcmp(name_of(a->caller), name_of(b->caller));
	return order != 0 ? order : strcmp(name_of(a->callee), name_of(b->callee));
}

static void write_edges(struct edges *edges, FILE *file)
{
	size_t count = 0;

	for (size_t i = 0; i < edges->capacity; i++) {
		if (edges->table[i].callee) {
			edges->table[count++] = edges->table[i];
		}
	}
	if (count > 0) {
		qsort(edges->table, count, sizeof(*edges->table), compare_edges);
	}
	for (size_t i = 0; i < count && (edges->top == 0 || i < edges->top); i++) {
		const struct edge *edge = &edges->table[i];

		fprintf(file, "%12llu  %s -> %s\n", (unsigned long long)edge->count,
			name_of(edge->caller), name_of(edge->callee));
	}
}

static int fail(struct reel_error *error, int status, const char *what, const char *why)
{
	if (error) {
		error->status = status;
		snprintf(error->text, sizeof(error->text), "edges: %s: %s", what, why);
	}
	return status;
}

static int finish(struct reel_listener_factory *factory, struct reel_error *error)
{
	struct edges *edges = of_factory(factory);
	FILE *file = edges->path ? fopen(edges->path, "w") : stdout;
	const char *name = edges->path ? edges->path : "standard output";

	if (!file) {
		return fail(error, REEL_EIO, name, strerror(errno));
	}
	write_edges(edges, file);
	if ((edges->path ? fclose(file) : fflush(file)) != 0) {
		return fail(error, REEL_EIO, name, strerror(errno));
	}
	if (edges->lost > 0) {
		return fail(error, REEL_ENOMEM, name, "some calls were not counted");
	}
	return REEL_OK;
}

static void destroy(struct reel_listener_factory *factory)
{
	struct edges *edges = of_factory(factory);

	pthread_mutex_destroy(&edges->lock);
	free(edges->table);
	free(edges->path);
	free(edges);
}

/* ---- options ---- */

/* One option, `length` bytes at `option`. */
static int read_option(
	struct edges *edges, const char *option, size_t length, struct reel_error *error)
{
	char *end;

	if (length > 5 && strncmp(option, "file=", 5) == 0) {
		free(edges->path);
		edges->path = strndup(option + 5, length - 5);
		return edges->path ? REEL_OK : fail(error, REEL_ENOMEM, "file", "out of memory");
	}
	if (length > 4 && strncmp(option, "top=", 4) == 0) {
		edges->top = strtoull(option + 4, &end, 10);
		return end == option + length ? REEL_OK
					      : fail(error, REEL_EINVAL, "top", "not a number");
	}
	return length == 0 ? REEL_OK
			   : fail(error, REEL_EINVAL, option, "options are top=N and file=PATH");
}

static int read_options(struct edges *edges, const char *options, struct reel_error *error)
{
	int status;

	do {
		size_t length = strcspn(options, ",");

		status = read_option(edges, options, length, error);
		options += length + (options[length] == ',');
	} while (status == REEL_OK && *options);
	return status;
}

struct reel_listener_factory *reel_plugin(
	unsigned version, const char *options, struct reel_error *error)
{
	struct edges *edges;

	if (version != REEL_PLUGIN_VERSION) {
		fail(error, REEL_EPLUGIN, "plug-in", "made for another version of Reel");
		return NULL;
	}
	edges = calloc(1, sizeof(*edges));
	if (!edges) {
		fail(error, REEL_ENOMEM, "plug-in", "out of memory");
		return NULL;
	}
	pthread_mutex_init(&edges->lock, NULL);
	edges->listener.before = before;
	edges->factory.listener_for = listener_for;
	edges->factory.finish = finish;
	edges->factory.destroy = destroy;
	if (read_options(edges, options, error) != REEL_OK) {
		destroy(&edges->factory);
		return NULL;
	}
	return &edges->factory;
}
