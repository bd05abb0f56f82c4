/*
 * Finds and checks separate debug files; see debug_file.h. Given an object's ELF, it promises a
 * debug file of the same build or none.
 */
#define _GNU_SOURCE
#include "debug_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A build-id is a SHA-1 as a rule; longer ones are legal, these are not worth a path. */
#define BUILD_ID_MAX 64

Elf *elf_file_open(const char *path)
{
	struct stat status;
	Elf *elf = NULL;
	/* Never wait for a fifo that stands in an object's place. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		return NULL;
	}
	elf_version(EV_CURRENT);
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
		elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	}
	if (elf && (elf_kind(elf) != ELF_K_ELF || elf_cntl(elf, ELF_C_FDREAD) != 0)) {
		elf_end(elf);
		elf = NULL;
	}
	close(fd);
	return elf;
}

/* The build-id in one block of notes. */
static size_t build_id_of_notes(Elf_Data *data, const uint8_t **bytes)
{
	size_t offset = 0;
	size_t next, name, description;
	GElf_Nhdr header;

	while (data && (next = gelf_getnote(data, offset, &header, &name, &description)) > 0) {
		const uint8_t *base = data->d_buf;

		if (header.n_type == NT_GNU_BUILD_ID && header.n_namesz == sizeof("GNU") &&
			memcmp(base + name, "GNU", sizeof("GNU")) == 0) {
			*bytes = base + description;
			return header.n_descsz;
		}
		offset = next;
	}
	return 0;
}

size_t elf_file_build_id(Elf *elf, const uint8_t **bytes)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	size_t size = 0;

	while (size == 0 && (section = elf_nextscn(elf, section))) {
		if (gelf_getshdr(section, &header) && header.sh_type == SHT_NOTE) {
			size = build_id_of_notes(elf_getdata(section, NULL), bytes);
		}
	}
	if (size > 0) {
		return size;
	}

	/* Section headers may have been stripped; segments are always there. */
	size_t count = 0;
	GElf_Phdr segment;

	if (elf_getphdrnum(elf, &count) != 0) {
		return 0;
	}
	for (size_t i = 0; size == 0 && i < count; i++) {
		if (gelf_getphdr(elf, (int)i, &segment) && segment.p_type == PT_NOTE) {
			size = build_id_of_notes(
				elf_getdata_rawchunk(elf, (int64_t)segment.p_offset,
					segment.p_filesz,
					segment.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR),
				bytes);
		}
	}
	return size;
}

Elf_Scn *elf_file_section(Elf *elf, uint32_t type, const char *name)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	size_t names;

	if (elf_getshdrstrndx(elf, &names) != 0) {
		return NULL;
	}
	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &header) || (type && header.sh_type != type)) {
			continue;
		}
		const char *found = name ? elf_strptr(elf, names, header.sh_name) : NULL;

		if (!name || (found && strcmp(found, name) == 0)) {
			return section;
		}
	}
	return NULL;
}

/* The CRC-32 that .gnu_debuglink keeps of the debug file. */
static uint32_t crc32_of(const uint8_t *bytes, size_t size)
{
	uint32_t table[256];
	uint32_t crc = ~UINT32_C(0);

	for (uint32_t i = 0; i < 256; i++) {
		table[i] = i;
		for (int bit = 0; bit < 8; bit++) {
			table[i] = (table[i] >> 1) ^ (table[i] & 1 ? UINT32_C(0xedb88320) : 0);
		}
	}
	for (size_t i = 0; i < size; i++) {
		crc = (crc >> 8) ^ table[(crc ^ bytes[i]) & 0xff];
	}
	return ~crc;
}

/* True when `debug` belongs to `elf`: by build-id where both have one, else by checksum. */
static bool belongs(Elf *elf, Elf *debug, const uint32_t *crc)
{
	const uint8_t *id, *debug_id;
	size_t id_size = elf_file_build_id(elf, &id);
	size_t debug_id_size = elf_file_build_id(debug, &debug_id);

	if (id_size > 0 && debug_id_size > 0) {
		return id_size == debug_id_size && memcmp(id, debug_id, id_size) == 0;
	}

	size_t size = 0;
	const char *bytes = crc ? elf_rawfile(debug, &size) : NULL;

	return bytes && crc32_of((const uint8_t *)bytes, size) == *crc;
}

/* Opens a candidate; takes over `path`, which may be NULL. */
static Elf *try_candidate(Elf *elf, char *path, const uint32_t *crc)
{
	Elf *debug = path ? elf_file_open(path) : NULL;

	free(path);
	if (debug && !belongs(elf, debug, crc)) {
		elf_end(debug);
		return NULL;
	}
	return debug;
}

static char *build_id_path(const char *directory, const uint8_t *id, size_t size)
{
	char digits[2 * BUILD_ID_MAX + 1];
	char *path;

	for (size_t i = 0; i < size; i++) {
		snprintf(digits + 2 * i, 3, "%02x", id[i]);
	}
	if (asprintf(&path, "%s/.build-id/%.2s/%s.debug", directory, digits, digits + 2) < 0) {
		return NULL;
	}
	return path;
}

static Elf *open_by_build_id(Elf *elf, const char *directory)
{
	const uint8_t *id;
	size_t size = elf_file_build_id(elf, &id);

	if (size < 2 || size > BUILD_ID_MAX) {
		return NULL;
	}
	return try_candidate(elf, build_id_path(directory, id, size), NULL);
}

/* The file name in .gnu_debuglink; NULL when there is none that makes sense. */
static const char *debug_link(Elf *elf, uint32_t *crc)
{
	Elf_Scn *section = elf_file_section(elf, SHT_PROGBITS, ".gnu_debuglink");
	Elf_Data *data = section ? elf_rawdata(section, NULL) : NULL;

	if (!data || !data->d_buf) {
		return NULL;
	}
	const char *name = data->d_buf;
	size_t length = strnlen(name, data->d_size);
	size_t crc_offset = (length + 4) & ~(size_t)3;

	if (length == 0 || crc_offset + sizeof(*crc) > data->d_size || strchr(name, '/')) {
		return NULL;
	}
	memcpy(crc, name + crc_offset, sizeof(*crc));
	return name;
}

static Elf *open_by_link(const char *object, Elf *elf, const char *directory)
{
	uint32_t crc;
	const char *link = debug_link(elf, &crc);
	char *folder = link ? realpath(object, NULL) : NULL;
	Elf *debug = NULL;

	if (!folder) {
		return NULL;
	}
	*strrchr(folder, '/') = '\0';

	const char *const patterns[][3] = {
		{"", folder, "/"}, {"", folder, "/.debug/"}, {directory, folder, "/"}};

	for (size_t i = 0; !debug && i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		char *path;

		if (asprintf(&path, "%s%s%s%s", patterns[i][0], patterns[i][1], patterns[i][2],
			    link) < 0) {
			path = NULL;
		}
		debug = try_candidate(elf, path, &crc);
	}
	free(folder);
	return debug;
}

Elf *debug_file_open(const char *path, Elf *elf, const char *directory)
{
	Elf *debug = open_by_build_id(elf, directory);

	return debug ? debug : open_by_link(path, elf, directory);
}
