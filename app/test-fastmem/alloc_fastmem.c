/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <errno.h>

#include <rte_eal.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_memory.h>

#include <rte_fastmem.h>

#include "allocator.h"

/*
 * Objects of a class are aligned to the class's size, so this alignment gives
 * objects of a cache line or more the alignment that the other allocators are
 * asked for, and leaves smaller ones in their own class.
 */
#define OBJ_ALIGN 8

#define RESERVE_MAX (UINT64_C(128) << 20)
#define RESERVE_MIN (UINT64_C(2) << 20)

static unsigned int users;
static size_t reserved;

/*
 * Less than wanted, or nothing at all, is no error: memory is then taken while
 * warming up. The other allocators need some, too, which matters where
 * the memory cannot grow.
 */
static void
reserve_memory(void)
{
	struct rte_malloc_socket_stats stats;
	size_t max = RESERVE_MAX;
	size_t size;

	if (!rte_eal_has_hugepages() &&
			rte_malloc_get_socket_stats(rte_socket_id(), &stats) == 0)
		max = RTE_MIN(max, stats.heap_freesz_bytes / 4);

	reserved = 0;
	for (size = RESERVE_MAX; size >= RESERVE_MIN; size /= 2) {
		if (size > max)
			continue;
		if (rte_fastmem_reserve(size, SOCKET_ID_ANY) == 0) {
			reserved = size;
			break;
		}
		/* What a reservation got before it failed is kept otherwise. */
		rte_fastmem_trim(SOCKET_ID_ANY, NULL);
	}
}

/*
 * Fastmem is one allocator however many ways of calling it are compared.
 */
static int
fastmem_start(void)
{
	int ret;

	if (users > 0) {
		users++;
		return 0;
	}

	ret = rte_fastmem_init();
	if (ret < 0)
		return ret;
	users++;
	if (rte_eal_process_type() == RTE_PROC_PRIMARY)
		reserve_memory();

	return 0;
}

static void
fastmem_stop(void)
{
	if (--users == 0)
		rte_fastmem_deinit();
}

size_t
fastmem_reserved(void)
{
	return reserved;
}

static void
fastmem_flush(void)
{
	rte_fastmem_cache_flush();
}

static int
flush_lcore(void *arg __rte_unused)
{
	fastmem_flush();
	return 0;
}

/*
 * Let the next size start from what this one started from: free objects in
 * caches would keep their slabs from being used for it.
 */
static void
fastmem_close(uintptr_t key __rte_unused)
{
	rte_eal_mp_remote_launch(flush_lcore, NULL, CALL_MAIN);
	rte_eal_mp_wait_lcore();
}

static int
fastmem_open(size_t size, unsigned int live __rte_unused, uintptr_t *key)
{
	*key = size;
	return 0;
}

ADAPTER void *
fastmem_alloc(uintptr_t key)
{
	return rte_fastmem_alloc(key, OBJ_ALIGN, 0);
}

ADAPTER void
fastmem_free(uintptr_t key __rte_unused, void *obj)
{
	rte_fastmem_free(obj);
}

ADAPTER int
fastmem_alloc_bulk(uintptr_t key, void **objs, unsigned int n)
{
	return rte_fastmem_alloc_bulk(objs, n, key, OBJ_ALIGN, 0);
}

ADAPTER void
fastmem_free_bulk(uintptr_t key __rte_unused, void **objs, unsigned int n)
{
	rte_fastmem_free_bulk(objs, n);
}

static int
fastmem_hopen(size_t size, unsigned int live __rte_unused, uintptr_t *key)
{
	rte_fastmem_handle_t handle;
	int ret;

	ret = rte_fastmem_hlookup(size, OBJ_ALIGN, SOCKET_ID_ANY, &handle);
	if (ret == 0)
		*key = handle;

	return ret;
}

ADAPTER void *
fastmem_halloc(uintptr_t key)
{
	return rte_fastmem_halloc(key, 0);
}

ADAPTER void
fastmem_hfree(uintptr_t key, void *obj)
{
	rte_fastmem_hfree(key, obj);
}

ADAPTER int
fastmem_halloc_bulk(uintptr_t key, void **objs, unsigned int n)
{
	return rte_fastmem_halloc_bulk(key, objs, n, 0);
}

ADAPTER void
fastmem_hfree_bulk(uintptr_t key, void **objs, unsigned int n)
{
	rte_fastmem_hfree_bulk(key, objs, n);
}

CALLS(fastmem, fastmem_alloc, fastmem_free, fastmem_alloc_bulk, fastmem_free_bulk);

const struct allocator fastmem_allocator = {
	.name = "fastmem",
	.desc = "rte_fastmem_alloc and rte_fastmem_free, and their bulk calls",
	.start = fastmem_start,
	.stop = fastmem_stop,
	.open = fastmem_open,
	.close = fastmem_close,
	.flush = fastmem_flush,
	.calls = &fastmem_calls,
};

/*
 * For objects of one size, which may be an adapter's key or a constant, as
 * sizeof() is. There is no bulk call to free objects of a known size, so the
 * adapter loops, as those of the allocators without any bulk calls do.
 */
#define SIZED_CALLS(name, size) \
ADAPTER void * \
fastmem_alloc_##name(uintptr_t key __rte_unused) \
{ \
	return rte_fastmem_alloc(size, OBJ_ALIGN, 0); \
} \
\
ADAPTER void \
fastmem_free_##name(uintptr_t key __rte_unused, void *obj) \
{ \
	rte_fastmem_free_sized(obj, size, OBJ_ALIGN); \
} \
\
ADAPTER int \
fastmem_alloc_bulk_##name(uintptr_t key __rte_unused, void **objs, \
	unsigned int n) \
{ \
	return rte_fastmem_alloc_bulk(objs, n, size, OBJ_ALIGN, 0); \
} \
\
ADAPTER void \
fastmem_free_bulk_##name(uintptr_t key __rte_unused, void **objs, \
	unsigned int n) \
{ \
	unsigned int i; \
\
	for (i = 0; i < n; i++) \
		rte_fastmem_free_sized(objs[i], size, OBJ_ALIGN); \
} \
\
CALLS(fastmem_##name, fastmem_alloc_##name, fastmem_free_##name, \
	fastmem_alloc_bulk_##name, fastmem_free_bulk_##name)

SIZED_CALLS(sized, key);
SIZED_CALLS(8, 8);
SIZED_CALLS(16, 16);
SIZED_CALLS(32, 32);
SIZED_CALLS(64, 64);
SIZED_CALLS(128, 128);
SIZED_CALLS(256, 256);
SIZED_CALLS(512, 512);
SIZED_CALLS(1024, 1024);
SIZED_CALLS(2048, 2048);
SIZED_CALLS(4096, 4096);
SIZED_CALLS(8192, 8192);
SIZED_CALLS(16384, 16384);
SIZED_CALLS(32768, 32768);
SIZED_CALLS(65536, 65536);
SIZED_CALLS(131072, 131072);
SIZED_CALLS(262144, 262144);
SIZED_CALLS(524288, 524288);
SIZED_CALLS(1048576, 1048576);

static const struct calls *
fastmem_calls_of(size_t size)
{
	static const struct calls * const calls[] = {
		&fastmem_8_calls, &fastmem_16_calls, &fastmem_32_calls,
		&fastmem_64_calls, &fastmem_128_calls, &fastmem_256_calls,
		&fastmem_512_calls, &fastmem_1024_calls, &fastmem_2048_calls,
		&fastmem_4096_calls, &fastmem_8192_calls, &fastmem_16384_calls,
		&fastmem_32768_calls, &fastmem_65536_calls,
		&fastmem_131072_calls, &fastmem_262144_calls,
		&fastmem_524288_calls, &fastmem_1048576_calls,
	};
	unsigned int i;

	for (i = 0; i < RTE_DIM(calls); i++)
		if (size == (size_t)8 << i)
			return calls[i];

	return NULL;
}

const struct allocator fastmem_sized_allocator = {
	.name = "fastmem-sized",
	.desc = "rte_fastmem_alloc and rte_fastmem_free_sized, constant sizes",
	.start = fastmem_start,
	.stop = fastmem_stop,
	.open = fastmem_open,
	.close = fastmem_close,
	.flush = fastmem_flush,
	.calls = &fastmem_sized_calls,
	.calls_of = fastmem_calls_of,
};

CALLS(fastmem_handle, fastmem_halloc, fastmem_hfree, fastmem_halloc_bulk,
	fastmem_hfree_bulk);

const struct allocator fastmem_handle_allocator = {
	.name = "fastmem-handle",
	.desc = "rte_fastmem_halloc and rte_fastmem_hfree, and their bulk calls",
	.start = fastmem_start,
	.stop = fastmem_stop,
	.open = fastmem_hopen,
	.close = fastmem_close,
	.flush = fastmem_flush,
	.calls = &fastmem_handle_calls,
};
