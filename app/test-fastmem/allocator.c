/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <string.h>

#include <rte_fastmem.h>

#include "allocator.h"

/*
 * There is no bulk call to free objects of a known size, so an adapter loops,
 * as those of the allocators without any bulk calls do. This is the allocator
 * with that.
 */
static struct allocator fastmem_sized;

ADAPTER void
fastmem_free_sized_bulk(uintptr_t key, void **objs, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		rte_fastmem_free_sized(objs[i], key, 8);
}

RTE_INIT(allocator_init_sized)
{
	fastmem_sized = fastmem_sized_allocator;
	if (fastmem_sized.free_bulk != NULL)
		return;
	fastmem_sized.alloc_bulk = fastmem_allocator.alloc_bulk;
	fastmem_sized.free_bulk = fastmem_free_sized_bulk;
}

const struct allocator * const allocators[] = {
	&fastmem_allocator,
	&fastmem_sized,
	&fastmem_handle_allocator,
	&mempool_allocator,
	&rte_malloc_allocator,
	&libc_allocator,
	NULL,
};

const struct allocator *
allocator_find(const char *name)
{
	unsigned int i;

	for (i = 0; allocators[i] != NULL; i++)
		if (strcmp(allocators[i]->name, name) == 0)
			return allocators[i];

	return NULL;
}
