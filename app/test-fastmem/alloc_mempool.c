/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <errno.h>
#include <stdio.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mempool.h>

#include "allocator.h"

static int
mempool_open(size_t size, unsigned int live, uintptr_t *key)
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

	snprintf(name, sizeof(name), "test_fastmem_%u", serial++);
	mp = rte_mempool_create_empty(name, n, size, MEMPOOL_CACHE, 0,
			rte_socket_id(), 0);
	if (mp == NULL)
		return -rte_errno;

	/* What rte_mempool_create() does, yet it does not tell what failed. */
	ret = rte_mempool_set_ops_byname(mp, "ring_mp_mc", NULL);
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

LOOPS(mempool, mempool_alloc, mempool_free, mempool_alloc_bulk, mempool_free_bulk);

const struct allocator mempool_allocator = {
	.name = "mempool",
	.desc = "rte_mempool, cache of " RTE_STR(MEMPOOL_CACHE)
		" objects, driver ring_mp_mc",
	.pooled = true,
	.open = mempool_open,
	.close = mempool_close,
	.alloc = mempool_alloc,
	.free = mempool_free,
	.alloc_bulk = mempool_alloc_bulk,
	.free_bulk = mempool_free_bulk,
	.loops = &mempool_loops,
};
