/*
 * The resolver: a cache of open objects and the demangler in front of object.h; see symbols.h.
 * Given a path, build-id and offset, it promises what that build says or nothing.
 */
#include "symbols.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "object.h"

#define OBJECT_LIMIT 64
#define DEBUG_DIRECTORY "/usr/lib/debug"

/* abi::__cxa_demangle() */
typedef char *(*demangle_fn)(const char *mangled, char *buffer, size_t *size, int *status);

struct cached {
	char *path;
	uint8_t *build_id; /* NULL: the object has none */
	uint32_t build_id_size;
	struct object *object; /* NULL: there is no such object, which is worth remembering too */
	uint64_t used;         /* when, in requests */
};

struct symbols {
	struct consumer_resolver resolver;
	char *debug_directory;
	struct cached *cache;
	size_t count, limit;
	uint64_t requests;
	demangle_fn demangle;
	bool demangle_searched;
	void *cxx;  /* the C++ library that demangles */
	char *text; /* what it wrote last */
	size_t text_size;
	char *plain; /* a name cut at its version */
};

static bool same_object(const struct cached *cached, const char *path, const uint8_t *build_id,
	uint32_t build_id_size)
{
	if (strcmp(cached->path, path) != 0 || cached->build_id_size != build_id_size) {
		return false;
	}
	return build_id_size == 0 || memcmp(cached->build_id, build_id, build_id_size) == 0;
}

static void forget(struct cached *cached)
{
	object_close(cached->object);
	free(cached->build_id);
	free(cached->path);
	memset(cached, 0, sizeof(*cached));
}

/* A place for one more object: a new one, or that of the least recently used. */
static struct cached *make_place(struct symbols *symbols)
{
	struct cached *oldest = symbols->cache;

	if (symbols->count < symbols->limit) {
		return &symbols->cache[symbols->count];
	}
	for (size_t i = 1; i < symbols->count; i++) {
		if (symbols->cache[i].used < oldest->used) {
			oldest = &symbols->cache[i];
		}
	}
	forget(oldest);
	*oldest = symbols->cache[--symbols->count];
	memset(&symbols->cache[symbols->count], 0, sizeof(*oldest));
	return &symbols->cache[symbols->count];
}

static struct cached *open_cached(
	struct symbols *symbols, const char *path, const uint8_t *build_id, uint32_t build_id_size)
{
	struct cached *cached = make_place(symbols);

	cached->path = strdup(path);
	if (build_id_size > 0) {
		cached->build_id = malloc(build_id_size);
	}
	if (!cached->path || (build_id_size > 0 && !cached->build_id)) {
		forget(cached);
		return NULL;
	}
	if (build_id_size > 0) {
		memcpy(cached->build_id, build_id, build_id_size);
	}
	cached->build_id_size = build_id_size;
	cached->object =
		object_open(path, cached->build_id, build_id_size, symbols->debug_directory);
	symbols->count++;
	return cached;
}

static struct object *find_object(
	struct symbols *symbols, const char *path, const uint8_t *build_id, uint32_t build_id_size)
{
	struct cached *cached = NULL;

	for (size_t i = 0; !cached && i < symbols->count; i++) {
		if (same_object(&symbols->cache[i], path, build_id, build_id_size)) {
			cached = &symbols->cache[i];
		}
	}
	if (!cached) {
		cached = open_cached(symbols, path, build_id, build_id_size);
	}
	if (!cached) {
		return NULL;
	}
	cached->used = ++symbols->requests;
	return cached->object;
}

/*
 * The demangler is the C++ library's own. It is loaded when the first mangled name turns up, so
 * that C programs do not pay for it and machines without it keep the mangled names.
 */
static demangle_fn find_demangler(struct symbols *symbols)
{
	static const char *const libraries[] = {"libstdc++.so.6", "libc++abi.so.1"};

	for (size_t i = 0; !symbols->demangle_searched && i < 2; i++) {
		symbols->cxx = dlopen(libraries[i], RTLD_NOW | RTLD_LOCAL);
		symbols->demangle =
			symbols->cxx ? (demangle_fn)dlsym(symbols->cxx, "__cxa_demangle") : NULL;
		symbols->demangle_searched = symbols->demangle != NULL || i == 1;
	}
	return symbols->demangle;
}

/* The name as people write it: without a symbol version, C++ demangled. */
static const char *readable_name(struct symbols *symbols, const char *name)
{
	size_t length = strcspn(name, "@");
	int status;

	if (name[length] == '@') {
		free(symbols->plain);
		symbols->plain = strndup(name, length);
		name = symbols->plain ? symbols->plain : name;
	}
	if (strncmp(name, "_Z", 2) != 0 || !find_demangler(symbols)) {
		return name;
	}
	char *text = symbols->demangle(name, symbols->text, &symbols->text_size, &status);

	if (status != 0 || !text) {
		return name;
	}
	symbols->text = text;
	return text;
}

static bool resolve(struct consumer_resolver *resolver, const char *path, const uint8_t *build_id,
	uint32_t build_id_size, uint64_t offset, struct consumer_symbol *symbol)
{
	struct symbols *symbols = (struct symbols *)resolver;
	struct object *object = find_object(symbols, path, build_id, build_id ? build_id_size : 0);
	struct object_symbol found;

	memset(symbol, 0, sizeof(*symbol));
	if (!object) {
		return false;
	}
	if (object_symbol_at(object, offset, &found)) {
		symbol->name = readable_name(symbols, found.name);
		symbol->address = found.address;
		symbol->code_size = found.size;
		offset = found.address;
	}
	if (!object_line_at(object, offset, &symbol->file, &symbol->line)) {
		symbol->file = NULL;
		symbol->line = 0;
	}
	return symbol->name || symbol->file;
}

struct symbols *symbols_create(const char *debug_directory, size_t object_limit)
{
	struct symbols *symbols = calloc(1, sizeof(*symbols));

	if (!symbols) {
		return NULL;
	}
	symbols->resolver.resolve = resolve;
	symbols->limit = object_limit ? object_limit : OBJECT_LIMIT;
	symbols->cache = calloc(symbols->limit, sizeof(*symbols->cache));
	symbols->debug_directory = strdup(debug_directory ? debug_directory : DEBUG_DIRECTORY);
	if (!symbols->cache || !symbols->debug_directory) {
		symbols_destroy(symbols);
		return NULL;
	}
	return symbols;
}

void symbols_destroy(struct symbols *symbols)
{
	if (!symbols) {
		return;
	}
	for (size_t i = 0; i < symbols->count; i++) {
		forget(&symbols->cache[i]);
	}
	if (symbols->cxx) {
		dlclose(symbols->cxx);
	}
	free(symbols->text);
	free(symbols->plain);
	free(symbols->debug_directory);
	free(symbols->cache);
	free(symbols);
}

struct consumer_resolver *symbols_resolver(struct symbols *symbols)
{
	return &symbols->resolver;
}
