/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * What the harness itself costs: nothing is allocated, but called and measured
 * like an allocator. Each lcore hands out the objects of an array of its own,
 * one after another, and begins again when all that may be alive at once have
 * had their turn. To free one takes nothing, wherever it is done.
 */

#include <errno.h>
#include <sys/mman.h>

#include <rte_atomic.h>
#include <rte_bitops.h>
#include <rte_common.h>
#include <rte_lcore.h>

#include "allocator.h"

/* Systems without it reserve nothing for such memory. */
#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

/* Addresses for each array; memory comes with those that are written to. */
#define ARRAY_BYTES ((size_t)1 << 29)

/* The last object may begin just before the end, and be of the largest size. */
#define MAPPED_BYTES (ARRAY_BYTES + ((size_t)1 << 20))

/* Objects in more than this are not even read, in any scenario. */
#define WRITTEN_BYTES ((size_t)32 << 20)

#define PAGE_BYTES 4096

/*
 * A key is the bytes of an object, which are a multiple of a cache line, and in
 * the bits below, the logarithm of the bytes of the array which are used.
 */
#define KEY_LOG_MASK (RTE_CACHE_LINE_SIZE - 1)

struct __rte_cache_aligned null_array {
	size_t next;
	char *objs;
};

/* Of each lcore, and the first one for threads without an lcore id. */
static struct null_array arrays[RTE_MAX_LCORE + 1];

static inline struct null_array *
own_array(void)
{
	static_assert(LCORE_ID_ANY + 1 == 0, "no array for other threads");

	return &arrays[rte_lcore_id() + 1];
}

static void
null_stop(void)
{
	unsigned int i;

	for (i = 0; i < RTE_DIM(arrays); i++) {
		if (arrays[i].objs != NULL)
			munmap(arrays[i].objs, MAPPED_BYTES);
		arrays[i].objs = NULL;
	}
}

static int
null_start(void)
{
	unsigned int i;
	void *objs;

	for (i = 0; i < RTE_DIM(arrays); i++) {
		if (i > 0 && !rte_lcore_is_enabled(i - 1))
			continue;
		objs = mmap(NULL, MAPPED_BYTES, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
				-1, 0);
		if (objs == MAP_FAILED) {
			null_stop();
			return -ENOMEM;
		}
		arrays[i].objs = objs;
	}

	return 0;
}

/*
 * Pages that were never written to are one and the same to the CPU's caches,
 * so objects which are read get pages of their own.
 */
static void
write_pages(size_t bytes)
{
	unsigned int i;
	size_t offset;

	for (i = 0; i < RTE_DIM(arrays); i++)
		for (offset = 0; offset < bytes && arrays[i].objs != NULL;
				offset += PAGE_BYTES)
			arrays[i].objs[offset] = 1;
}

static int
null_open(size_t size, unsigned int live, uintptr_t *key)
{
	const size_t obj_bytes = RTE_ALIGN_CEIL(size, RTE_CACHE_LINE_SIZE);
	const uint64_t bytes = rte_align64pow2((uint64_t)obj_bytes * live);

	if (bytes > ARRAY_BYTES)
		return -ENOMEM;
	if (bytes <= WRITTEN_BYTES)
		write_pages(bytes);
	*key = obj_bytes | rte_bsf64(bytes);

	return 0;
}

static void
null_close(uintptr_t key)
{
	const size_t bytes = (size_t)1 << (key & KEY_LOG_MASK);
	unsigned int i;

	for (i = 0; i < RTE_DIM(arrays) && bytes <= WRITTEN_BYTES; i++)
		if (arrays[i].objs != NULL)
			madvise(arrays[i].objs, bytes, MADV_DONTNEED);
}

static inline size_t
key_stride(uintptr_t key)
{
	return key & ~(uintptr_t)KEY_LOG_MASK;
}

static inline size_t
key_mask(uintptr_t key)
{
	return ((size_t)1 << (key & KEY_LOG_MASK)) - 1;
}

ADAPTER void *
null_alloc(uintptr_t key)
{
	struct null_array *array = own_array();
	const size_t next = array->next;

	array->next = next + key_stride(key);

	return array->objs + (next & key_mask(key));
}

/* The barrier keeps a compiler that sees through it from leaving out the call. */
ADAPTER void
null_free(uintptr_t key __rte_unused, void *obj __rte_unused)
{
	rte_compiler_barrier();
}

ADAPTER int
null_alloc_bulk(uintptr_t key, void **objs, unsigned int n)
{
	struct null_array *array = own_array();
	const size_t stride = key_stride(key);
	const size_t mask = key_mask(key);
	const size_t next = array->next;
	char *base = array->objs;
	unsigned int i;

	for (i = 0; i < n; i++)
		objs[i] = base + ((next + i * stride) & mask);
	array->next = next + n * stride;

	return 0;
}

ADAPTER void
null_free_bulk(uintptr_t key __rte_unused, void **objs __rte_unused,
	unsigned int n __rte_unused)
{
	rte_compiler_barrier();
}

CALLS(null, null_alloc, null_free, null_alloc_bulk, null_free_bulk);

const struct allocator null_allocator = {
	.name = "null",
	.desc = "no allocator: what the measurement itself takes",
	.fake = true,
	.start = null_start,
	.stop = null_stop,
	.open = null_open,
	.close = null_close,
	.calls = &null_calls,
};
