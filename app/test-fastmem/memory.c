/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <errno.h>

#include <rte_common.h>
#include <rte_memory.h>

#include <rte_fastmem.h>

#include "memory.h"

/* Each lcore's caches and what is cut to pieces come on top of the objects. */
#define FASTMEM_SLACK (UINT64_C(8) << 20)

/*
 * A reservation is no less than what is there: it is all given back first.
 * That is possible when the caches are empty, which close() sees to.
 */
static int
fastmem_reserve_anew(size_t bytes)
{
	fastmem_allocator.close(0);
	rte_fastmem_trim(SOCKET_ID_ANY, NULL);

	return bytes == 0 ? 0 : rte_fastmem_reserve(bytes, SOCKET_ID_ANY);
}

/* Objects are of a power of two bytes. The key stays what it is. */
static int
fastmem_refresh(size_t size, unsigned int live, uintptr_t *key __rte_unused)
{
	return fastmem_reserve_anew(rte_align64pow2(size) * live +
			FASTMEM_SLACK);
}

static void
fastmem_restore(void)
{
	fastmem_reserve_anew(fastmem_reserved());
}

static const struct memory_ops fastmem_ops = {
	.refresh = fastmem_refresh,
	.restore = fastmem_restore,
};

/* A new pool. */
static int
mempool_refresh(size_t size, unsigned int live, uintptr_t *key)
{
	mempool_allocator.close(*key);
	*key = 0;

	return mempool_allocator.open(size, live, key);
}

static const struct memory_ops mempool_ops = {
	.refresh = mempool_refresh,
};

static const struct memory_ops other_ops;

const struct memory_ops *
memory_ops(const struct allocator *allocator)
{
	/* However it is called. */
	if (allocator->start == fastmem_allocator.start)
		return &fastmem_ops;
	if (allocator == &mempool_allocator)
		return &mempool_ops;

	return &other_ops;
}
