/*
 * Recorded processes: the consumer's tables of what is mapped where, and the definitions of
 * functions and sites that come of it.
 */
#define _GNU_SOURCE
#include "process.h"

#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "filter.h"

/* Marks a key of process_table.functions that is a process's token: code that belongs to no object.
 */
#define KEY_NO_OBJECT (UINT64_C(1) << 63)

#define OBJECT_PATH_MAX 4096u

/* A program that makes code at run time has many addresses in no object: after so many nobody looks
 * any more. */
#define FUTILE_LOOKS_MAX 256u

static void process_free(struct process *process)
{
	free(process->mappings);
	pair_map_clear(&process->functions);
	pair_map_clear(&process->sites);
	free(process);
}

void process_table_deinit(struct process_table *table)
{
	for (uint32_t i = 0; i < table->count; i++) {
		process_free(table->processes[i]);
	}
	for (uint32_t i = 0; i < table->object_count; i++) {
		free(table->objects[i].path);
	}
	free(table->processes);
	free(table->objects);
	free(table->unlistened);
	pair_map_clear(&table->functions);
}

struct process *process_find(const struct process_table *table, uint64_t token)
{
	for (uint32_t i = table->count; i-- > 0;) {
		if (table->processes[i]->token == token) {
			return table->processes[i];
		}
	}
	return NULL;
}

/* Makes room for one more in an array that doubles at powers of two. */
static void *grow(void *array, uint32_t count, size_t size)
{
	if (count & (count - 1)) {
		return array; /* not a power of two: there is room */
	}
	return reallocarray(array, count ? (size_t)count * 2 : 1, size);
}

static int add_mapping(struct process *process, const struct mapping *mapping)
{
	struct mapping *mappings =
		grow(process->mappings, process->mapping_count, sizeof(*mappings));

	if (!mappings) {
		return REEL_ENOMEM;
	}
	process->mappings = mappings;
	mappings[process->mapping_count++] = *mapping;
	return 0;
}

struct process *process_add(
	struct process_table *table, uint64_t token, uint32_t pid, const struct process *parent)
{
	struct process *process = calloc(1, sizeof(*process));
	struct process **processes = grow(table->processes, table->count, sizeof(struct process *));

	if (processes) {
		table->processes = processes;
	}
	if (!process || !processes) {
		free(process);
		return NULL;
	}
	process->token = token;
	process->pid = pid;
	for (uint32_t i = 0; parent && i < parent->mapping_count; i++) {
		if (add_mapping(process, &parent->mappings[i]) < 0) {
			process_free(process);
			return NULL;
		}
	}
	processes[table->count++] = process;
	return process;
}

void process_remove(struct process_table *table, struct process *process)
{
	for (uint32_t i = 0; i < table->count; i++) {
		if (table->processes[i] == process) {
			table->processes[i] = table->processes[table->count - 1];
			/* Keep grow()'s rule that a power of two is full: it only ever allocates
			 * too much. */
			table->count--;
			break;
		}
	}
	process_free(process);
}

/* ---- objects ---- */

/* The number of an object, added when it is new. UINT32_MAX: out of memory. */
static uint32_t intern_object(
	struct process_table *table, const char *path, const uint8_t *build_id, uint32_t size)
{
	for (uint32_t i = 0; i < table->object_count; i++) {
		const struct process_object *object = &table->objects[i];

		/* A look at /proc knows no build-id: the path has to do. */
		if (strcmp(object->path, path) == 0 &&
			(size == 0 || (object->build_id_size == size &&
					      memcmp(object->build_id, build_id, size) == 0))) {
			return i;
		}
	}
	struct process_object *objects =
		grow(table->objects, table->object_count, sizeof(*objects));

	if (!objects) {
		return UINT32_MAX;
	}
	table->objects = objects;
	objects[table->object_count] =
		(struct process_object){.path = strdup(path), .build_id_size = size};
	memcpy(objects[table->object_count].build_id, build_id, size);
	return objects[table->object_count].path ? table->object_count++ : UINT32_MAX;
}

static bool known(const struct process *process, const struct mapping *mapping)
{
	for (uint32_t i = 0; i < process->mapping_count; i++) {
		if (process->mappings[i].base == mapping->base &&
			process->mappings[i].object == mapping->object) {
			return true;
		}
	}
	return false;
}

int process_map_object(
	struct process_table *table, struct process *process, const void *payload, uint64_t size)
{
	struct record_object record;
	char path[OBJECT_PATH_MAX];
	int status;

	if (size <= sizeof(record) || size - sizeof(record) >= sizeof(path)) {
		return 0; /* the program scribbled: an object without a name is none */
	}
	memcpy(&record, payload, sizeof(record));
	memcpy(path, (const char *)payload + sizeof(record), size - sizeof(record));
	path[size - sizeof(record)] = '\0';
	if (record.build_id_size > sizeof(record.build_id) || record.begin >= record.end) {
		return 0;
	}
	/* What a plug-in was opened by may have dots and links in it. */
	char *real = realpath(path, NULL);

	if (real && strlen(real) < sizeof(path)) {
		strcpy(path, real);
	}
	free(real);

	struct mapping mapping = {record.base, record.begin, record.end,
		intern_object(table, path, record.build_id, record.build_id_size)};

	if (mapping.object == UINT32_MAX) {
		return REEL_ENOMEM;
	}
	if (known(process, &mapping)) {
		return 0;
	}
	status = writer_define_object(table->writer, process->pid, path, record.build_id,
		record.build_id_size, record.base, record.end);
	return status < 0 ? status : add_mapping(process, &mapping);
}

void process_objects_changed(struct process *process)
{
	process->mapping_count = 0;
	free(process->mappings);
	process->mappings = NULL;
	pair_map_clear(&process->functions);
	pair_map_clear(&process->sites);
}

static const struct mapping *find_mapping(const struct process *process, uint64_t address)
{
	/* From the newest: what was mapped later lies where something older was unmapped. */
	for (uint32_t i = process->mapping_count; i-- > 0;) {
		if (address >= process->mappings[i].begin && address < process->mappings[i].end) {
			return &process->mappings[i];
		}
	}
	return NULL;
}

uint64_t process_offset(const struct process *process, uint64_t address)
{
	const struct mapping *mapping = find_mapping(process, address);

	return mapping ? address - mapping->base : 0;
}

/* True for a program that is not position-independent: its addresses are those of the file. */
static bool is_fixed(const char *path)
{
	Elf64_Ehdr header;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool fixed = fd >= 0 && pread(fd, &header, sizeof(header), 0) == (ssize_t)sizeof(header) &&
		     memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_type == ET_EXEC;

	if (fd >= 0) {
		close(fd);
	}
	return fixed;
}

/* A line of /proc/PID/maps: the first one of a file begins a mapping, the others extend it. */
static int read_maps_line(struct process_table *table, struct process *process, const char *line)
{
	uint64_t begin, end, offset;
	char path[OBJECT_PATH_MAX];

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64 " %*s %*s %4095[^\n]", &begin, &end,
		    &offset, path) != 4 ||
		path[0] != '/') {
		return 0;
	}
	struct mapping *last =
		process->mapping_count ? &process->mappings[process->mapping_count - 1] : NULL;

	if (offset != 0) {
		if (last && strcmp(table->objects[last->object].path, path) == 0 &&
			end > last->end) {
			last->end = end;
		}
		return 0;
	}
	if (find_mapping(process, begin)) {
		return 0;
	}
	struct mapping mapping = {is_fixed(path) ? 0 : begin, begin, end,
		intern_object(table, path, (const uint8_t *)"", 0)};

	return mapping.object == UINT32_MAX ? REEL_ENOMEM : add_mapping(process, &mapping);
}

/* Looks what is mapped now: an object was opened that the program had no occasion to tell of. */
static int look(struct process_table *table, struct process *process)
{
	char name[64];
	char line[OBJECT_PATH_MAX + 256];
	int status = 0;

	snprintf(name, sizeof(name), "/proc/%" PRIu32 "/maps", process->pid);
	FILE *file = fopen(name, "re");

	while (file && status == 0 && fgets(line, sizeof(line), file)) {
		status = read_maps_line(table, process, line);
	}
	if (file) {
		fclose(file);
	}
	return status;
}

/* ---- functions ---- */

/* Notes a defined function and whether filters let it make events. */
static int note_function(
	struct process_table *table, const struct reel_function *definition, uint32_t id)
{
	if (id >= table->function_count) {
		uint32_t count = id < 512 ? 1024 : id * 2;
		uint8_t *unlistened = realloc(table->unlistened, count);

		if (!unlistened) {
			return REEL_ENOMEM;
		}
		memset(unlistened + table->function_count, 0, count - table->function_count);
		table->unlistened = unlistened;
		table->function_count = count;
	}
	table->unlistened[id] = !definition->is_listened;
	return 0;
}

static int define(struct process_table *table, const struct process_object *object, uint64_t offset,
	uint32_t *id)
{
	struct consumer_resolver *resolver = table->options->resolver;
	struct consumer_symbol symbol = {0};
	char fallback[64];
	const char *slash = object ? strrchr(object->path, '/') : NULL;
	const char *base = slash ? slash + 1 : "unknown";
	int status;

	if (object && resolver) {
		resolver->resolve(resolver, object->path,
			object->build_id_size ? object->build_id : NULL, object->build_id_size,
			offset, &symbol);
	}
	snprintf(fallback, sizeof(fallback), "0x%" PRIx64, offset);
	struct reel_function function = {
		.size = sizeof(function),
		.index = table->defined_count,
		.module_name = base,
		.name = symbol.name ? symbol.name : fallback,
		.object = object ? object->path : NULL,
		.address = symbol.address ? symbol.address : offset,
		.code_size = symbol.code_size,
		.file = symbol.file,
		.line = symbol.line,
		.is_listened = true,
	};

	function.is_listened = filter_function(table->options->recorder, &function);
	status = writer_define_function(table->writer, &function, id);
	table->defined_count++;
	return status < 0 ? status : note_function(table, &function, *id);
}

static int look_ahead(struct process_table *table, struct process *process, uint64_t address,
	const struct mapping **mapping)
{
	int status = table->look_ahead ? table->look_ahead(table->user, process) : 0;

	*mapping = find_mapping(process, address);
	return status;
}

/*
 * The mapping of an address, *mapping NULL when there is none: what was told, what is told further
 * ahead, what the kernel says.
 */
static int find_object(struct process_table *table, struct process *process, uint64_t address,
	const struct mapping **mapping)
{
	int status = 0;

	*mapping = find_mapping(process, address);
	if (!*mapping) {
		status = look_ahead(table, process, address, mapping);
	}
	if (status == 0 && !*mapping && process->futile_looks < FUTILE_LOOKS_MAX) {
		status = look(table, process);
		*mapping = find_mapping(process, address);
		process->futile_looks += !*mapping;
		/* It may have been unloaded in between: then that was told before. */
		if (status == 0 && !*mapping) {
			status = look_ahead(table, process, address, mapping);
		}
	}
	return status;
}

int process_function(
	struct process_table *table, struct process *process, uint64_t address, uint32_t *function)
{
	*function = pair_map_find(&process->functions, address, 0);
	if (*function != PAIR_MAP_EMPTY) {
		return 0;
	}
	const struct mapping *mapping;
	int status = find_object(table, process, address, &mapping);

	if (status < 0) {
		return status;
	}
	uint64_t key = mapping ? mapping->object : KEY_NO_OBJECT | process->token;
	uint64_t offset = mapping ? address - mapping->base : address;

	*function = pair_map_find(&table->functions, key, offset);
	if (*function == PAIR_MAP_EMPTY) {
		status = define(
			table, mapping ? &table->objects[mapping->object] : NULL, offset, function);
		status = status < 0 ? status
				    : pair_map_add(&table->functions, key, offset, *function);
	}
	return status < 0 ? status : pair_map_add(&process->functions, address, 0, *function);
}

int process_site(struct process_table *table, struct process *process, uint64_t function,
	uint64_t call_site, uint32_t *site)
{
	struct site definition = {
		.module = NO_ID, .pc = function, .has_caller = true, .caller_pc = call_site};
	int status = process_function(table, process, function, &definition.function);

	if (status < 0) {
		return status;
	}
	definition.offset = process_offset(process, function);
	definition.caller_offset = process_offset(process, call_site);
	status = writer_intern_site(table->writer, &definition, site);
	return status < 0 ? status : pair_map_add(&process->sites, function, call_site, *site);
}
