/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <string.h>

#include "allocator.h"

const struct allocator * const allocators[] = {
	&fastmem_allocator,
	&fastmem_sized_allocator,
	&fastmem_handle_allocator,
	&mempool_allocator,
	&mempool_stack_allocator,
	&mempool_lf_stack_allocator,
	&mempool_fastmem_allocator,
	&rte_malloc_allocator,
	&libc_allocator,
	&mimalloc_allocator,
	&jemalloc_allocator,
	&tcmalloc_allocator,
	&null_allocator,
	NULL,
};

const char *
allocator_missing(const struct allocator *allocator)
{
	return allocator->missing == NULL ? NULL : allocator->missing();
}

const struct calls *
allocator_calls(const struct allocator *allocator, size_t size)
{
	const struct calls *calls = allocator->calls_of == NULL ? NULL :
		allocator->calls_of(size);

	return calls != NULL ? calls : allocator->calls;
}

const struct allocator *
allocator_find(const char *name)
{
	unsigned int i;

	for (i = 0; allocators[i] != NULL; i++)
		if (strcmp(allocators[i]->name, name) == 0)
			return allocators[i];

	return NULL;
}
