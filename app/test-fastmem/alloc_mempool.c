/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mempool.h>

#include "allocator.h"

/*
 * Pools with the drivers that programs choose from. They differ in nothing but
 * what is behind mempool's caches, so the adapters are the same functions, and
 * so are the loops.
 */

#define REFERENCE_DRIVER "ring_mp_mc"

/* Pools with more bytes are few, and matter to others. */
#define LARGE_POOL ((size_t)64 << 20)

static bool
has_driver(const char *driver)
{
	unsigned int i;

	for (i = 0; i < rte_mempool_ops_table.num_ops; i++)
		if (strcmp(rte_mempool_ops_table.ops[i].name, driver) == 0)
			return true;

	return false;
}

/*
 * Who is no reference leaves as much memory as its pool takes to each of two
 * others, which take theirs object by object: fastmem and the DPDK heap.
 */
static bool
leaves_memory(size_t bytes)
{
	const struct rte_memzone *mz;

	if (bytes < LARGE_POOL)
		return true;
	mz = rte_memzone_reserve("test_fastmem_room", 3 * bytes,
			SOCKET_ID_ANY, 0);

	return mz != NULL && rte_memzone_free(mz) == 0;
}

static int
pool_open(const char *driver, size_t size, unsigned int live, uintptr_t *key)
{
	static unsigned int serial;
	char name[RTE_MEMPOOL_NAMESIZE];
	struct rte_mempool *mp;
	unsigned int n;
	int ret;

	/*
	 * An lcore's cache grows to half as much again as its size before it
	 * is flushed, and fills up to its size when it is empty. With room
	 * for both in the pool, no lcore ever finds the pool empty. There is
	 * one more than this process has: that of a secondary process.
	 */
	n = live + (rte_lcore_count() + 1) * 2 * MEMPOOL_CACHE;

	if (strcmp(driver, REFERENCE_DRIVER) != 0 &&
			!leaves_memory(n * size))
		return -ENOMEM;

	snprintf(name, sizeof(name), "test_fastmem_%u", serial++);
	mp = rte_mempool_create_empty(name, n, size, MEMPOOL_CACHE, 0,
			rte_socket_id(), 0);
	if (mp == NULL)
		return -rte_errno;

	/* What rte_mempool_create() does, yet it does not tell what failed. */
	ret = rte_mempool_set_ops_byname(mp, driver, NULL);
	if (ret == 0)
		ret = rte_mempool_populate_default(mp);
	if (ret < 0) {
		rte_mempool_free(mp);
		return ret;
	}

	*key = (uintptr_t)mp;
	return 0;
}

static void
mempool_close(uintptr_t key)
{
	rte_mempool_free((struct rte_mempool *)key);
}

ADAPTER void *
mempool_alloc(uintptr_t key)
{
	void *obj;

	if (unlikely(rte_mempool_get((struct rte_mempool *)key, &obj) < 0))
		return NULL;

	return obj;
}

ADAPTER void
mempool_free(uintptr_t key, void *obj)
{
	rte_mempool_put((struct rte_mempool *)key, obj);
}

ADAPTER int
mempool_alloc_bulk(uintptr_t key, void **objs, unsigned int n)
{
	return rte_mempool_get_bulk((struct rte_mempool *)key, objs, n);
}

ADAPTER void
mempool_free_bulk(uintptr_t key, void **objs, unsigned int n)
{
	rte_mempool_put_bulk((struct rte_mempool *)key, objs, n);
}

CALLS(mempool, mempool_alloc, mempool_free, mempool_alloc_bulk, mempool_free_bulk);

/*
 * An allocator with a driver. The reference is always there: EAL needs its
 * driver, too. The first parameter is what is appended to names.
 */
#define MEMPOOL_ALLOCATOR(id, suffix, driver, missing_func) \
static int \
mempool##id##_open(size_t size, unsigned int live, uintptr_t *key) \
{ \
	return pool_open(driver, size, live, key); \
} \
\
const struct allocator mempool##id##_allocator = { \
	.name = "mempool" suffix, \
	.desc = "rte_mempool, cache of " RTE_STR(MEMPOOL_CACHE) \
		" objects, driver " driver, \
	.missing = missing_func, \
	.pooled = true, \
	.open = mempool##id##_open, \
	.close = mempool_close, \
	.calls = &mempool_calls, \
}

static const char *
stack_missing(void)
{
	return has_driver("stack") ? NULL :
		"no mempool driver 'stack' unless EAL loads librte_mempool_stack.so, see -d";
}

static const char *
lf_stack_missing(void)
{
	return has_driver("lf_stack") ? NULL :
		"no mempool driver 'lf_stack' unless EAL loads librte_mempool_stack.so, see -d";
}

static const char *
fastmem_missing(void)
{
	return has_driver("fastmem") ? NULL :
		"no mempool driver 'fastmem' unless EAL loads librte_mempool_fastmem.so, see -d";
}

MEMPOOL_ALLOCATOR(, "", REFERENCE_DRIVER, NULL);
MEMPOOL_ALLOCATOR(_stack, "-stack", "stack", stack_missing);
MEMPOOL_ALLOCATOR(_lf_stack, "-lf-stack", "lf_stack", lf_stack_missing);
MEMPOOL_ALLOCATOR(_fastmem, "-fastmem", "fastmem", fastmem_missing);
