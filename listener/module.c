/*
 * What listeners ask a module: passes the question on where the host can answer it, and answers for
 * a module that is missing or has no memory, so that nobody crashes on one.
 */
#include <reel/module.h>

enum reel_read reel_module_memory_size(struct reel_module *module, uint64_t *size_bytes)
{
	*size_bytes = 0;
	if (!module || !module->ops || !module->ops->memory_size) {
		return REEL_READ_NO_MEMORY;
	}
	return module->ops->memory_size(module, size_bytes);
}

enum reel_read reel_module_memory_read(
	struct reel_module *module, uint64_t offset, uint64_t length, const void **bytes)
{
	*bytes = NULL;
	if (!module || !module->ops || !module->ops->memory_read) {
		return REEL_READ_NO_MEMORY;
	}
	return module->ops->memory_read(module, offset, length, bytes);
}

enum reel_read reel_module_global_get(struct reel_module *module, uint32_t index, uint64_t words[2])
{
	words[0] = 0;
	words[1] = 0;
	if (!module || !module->ops || !module->ops->global_get) {
		return REEL_READ_NO_MEMORY;
	}
	return module->ops->global_get(module, index, words);
}
