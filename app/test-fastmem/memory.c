/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <errno.h>

#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_memory.h>
#include <rte_memzone.h>

#include <rte_fastmem.h>

#include "memory.h"

/*
 * What fastmem takes at once for large objects, unless it has much already;
 * the others are made to take as much.
 */
#define GROWTH ((size_t)16 << 20)

/* Objects that make fastmem grow, and as many as there may be room for. */
#define GROW_OBJ ((size_t)1 << 20)
#define GROW_OBJS 1024

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
fastmem_refresh(const struct allocator *allocator __rte_unused, size_t size,
	unsigned int live, uintptr_t *key __rte_unused)
{
	return fastmem_reserve_anew(rte_align64pow2(size) * live +
			FASTMEM_SLACK);
}

static void
fastmem_restore(void)
{
	fastmem_reserve_anew(fastmem_reserved());
}

/*
 * Allocate until there is more memory than there was. The one object that
 * stays keeps memory which was reserved from being given back along with the
 * rest: what is reserved is one zone, in all but odd cases.
 */
static int
fastmem_grow(const struct allocator *allocator __rte_unused, uint64_t *cycles)
{
	static void *objs[GROW_OBJS];
	struct rte_fastmem_stats before, after;
	uint64_t start;
	unsigned int n;
	void *pin;

	pin = rte_fastmem_alloc(GROW_OBJ, 0, 0);
	if (pin == NULL || rte_fastmem_stats(&before) < 0) {
		rte_fastmem_free(pin);
		return -ENOMEM;
	}
	after = before;
	for (n = 0; n < GROW_OBJS &&
			after.bytes_backing == before.bytes_backing; n++) {
		start = rte_rdtsc_precise();
		objs[n] = rte_fastmem_alloc(GROW_OBJ, 0, 0);
		*cycles = rte_rdtsc_precise() - start;
		if (objs[n] == NULL)
			break;
		rte_fastmem_stats(&after);
	}
	while (n > 0)
		rte_fastmem_free(objs[--n]);
	rte_fastmem_trim(SOCKET_ID_ANY, NULL);
	rte_fastmem_free(pin);

	return after.bytes_backing == before.bytes_backing ? -ENOMEM : 0;
}

static const struct memory_ops fastmem_ops = {
	.refresh = fastmem_refresh,
	.restore = fastmem_restore,
	.grow = fastmem_grow,
};

/* A new pool. */
static int
mempool_refresh(const struct allocator *allocator, size_t size,
	unsigned int live, uintptr_t *key)
{
	allocator->close(*key);
	*key = 0;

	return allocator->open(size, live, key);
}

/* A pool does not grow: others that take memory from EAL do it in its place. */
static int
memzone_grow(const struct allocator *allocator __rte_unused, uint64_t *cycles)
{
	const struct rte_memzone *mz;
	uint64_t start;

	start = rte_rdtsc_precise();
	mz = rte_memzone_reserve("test_fastmem_growth", GROWTH, SOCKET_ID_ANY,
			0);
	*cycles = rte_rdtsc_precise() - start;

	return mz == NULL ? -rte_errno : rte_memzone_free(mz);
}

static const struct memory_ops mempool_ops = {
	.refresh = mempool_refresh,
	.grow = memzone_grow,
};

static int
rte_malloc_grow(const struct allocator *allocator __rte_unused,
	uint64_t *cycles)
{
	uint64_t start;
	void *obj;

	start = rte_rdtsc_precise();
	obj = rte_malloc(NULL, GROWTH, 0);
	*cycles = rte_rdtsc_precise() - start;
	rte_free(obj);

	return obj == NULL ? -ENOMEM : 0;
}

static const struct memory_ops rte_malloc_ops = {
	.grow = rte_malloc_grow,
};

/*
 * The C library, and those that replace its malloc: the kernel takes its time
 * when the pages are written to. The one that is no allocator takes no memory.
 */
static int
malloc_grow(const struct allocator *allocator, uint64_t *cycles)
{
	uint64_t start;
	uintptr_t key;
	char *obj;
	size_t i;
	int ret;

	if (allocator == NULL_ALLOCATOR)
		allocator = &libc_allocator;
	ret = allocator->open(GROWTH, 1, &key);
	if (ret < 0)
		return ret;

	start = rte_rdtsc_precise();
	obj = allocator->calls->alloc(key);
	if (obj == NULL)
		return -ENOMEM;
	for (i = 0; i < GROWTH; i += 4096)
		*(volatile char *)&obj[i] = 0;
	*cycles = rte_rdtsc_precise() - start;
	allocator->calls->free(key, obj);

	return 0;
}

static const struct memory_ops malloc_ops = {
	.grow = malloc_grow,
};

const struct memory_ops *
memory_ops(const struct allocator *allocator)
{
	/* However it is called, and whatever its driver. */
	if (allocator->start == fastmem_allocator.start)
		return &fastmem_ops;
	if (allocator->calls == mempool_allocator.calls)
		return &mempool_ops;
	if (allocator == &rte_malloc_allocator)
		return &rte_malloc_ops;

	return &malloc_ops;
}
