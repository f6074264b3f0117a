/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * The allocators of any size which DPDK programs use today: the DPDK heap and
 * the C library. Neither has bulk calls, so the adapters loop.
 */

#include <errno.h>
#include <stdlib.h>

#include <rte_malloc.h>

#include "allocator.h"

static int
rte_malloc_open(size_t size, unsigned int live __rte_unused, uintptr_t *key)
{
	*key = size;
	return 0;
}

/* An alignment of 0 is that of a cache line. */
ADAPTER void *
rte_malloc_alloc(uintptr_t key)
{
	return rte_malloc(NULL, key, 0);
}

ADAPTER void
rte_malloc_free(uintptr_t key __rte_unused, void *obj)
{
	rte_free(obj);
}

ADAPTER void
rte_malloc_free_bulk(uintptr_t key __rte_unused, void **objs, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		rte_free(objs[i]);
}

ADAPTER int
rte_malloc_alloc_bulk(uintptr_t key, void **objs, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		objs[i] = rte_malloc(NULL, key, 0);
		if (unlikely(objs[i] == NULL)) {
			rte_malloc_free_bulk(key, objs, i);
			return -ENOMEM;
		}
	}

	return 0;
}

CALLS(rte_malloc, rte_malloc_alloc, rte_malloc_free, rte_malloc_alloc_bulk, rte_malloc_free_bulk);

const struct allocator rte_malloc_allocator = {
	.name = "rte_malloc",
	.desc = "rte_malloc and rte_free, aligned to a cache line",
	.open = rte_malloc_open,
	.calls = &rte_malloc_calls,
};

/* aligned_alloc() wants a multiple of the alignment. */
static int
libc_open(size_t size, unsigned int live __rte_unused, uintptr_t *key)
{
	*key = RTE_ALIGN_CEIL(size, RTE_CACHE_LINE_SIZE);
	return 0;
}

ADAPTER void *
libc_alloc(uintptr_t key)
{
	return aligned_alloc(RTE_CACHE_LINE_SIZE, key);
}

ADAPTER void
libc_free(uintptr_t key __rte_unused, void *obj)
{
	free(obj);
}

ADAPTER void
libc_free_bulk(uintptr_t key __rte_unused, void **objs, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		free(objs[i]);
}

ADAPTER int
libc_alloc_bulk(uintptr_t key, void **objs, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		objs[i] = aligned_alloc(RTE_CACHE_LINE_SIZE, key);
		if (unlikely(objs[i] == NULL)) {
			libc_free_bulk(key, objs, i);
			return -ENOMEM;
		}
	}

	return 0;
}

CALLS(libc, libc_alloc, libc_free, libc_alloc_bulk, libc_free_bulk);

const struct allocator libc_allocator = {
	.name = "libc",
	.desc = "aligned_alloc and free, aligned to a cache line",
	.open = libc_open,
	.calls = &libc_calls,
};
