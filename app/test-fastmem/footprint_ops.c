/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * The memory of fastmem and of mempools is what they have taken from the DPDK
 * heap. That of the heap itself is the pages that it cannot give back: where
 * memory grows, it takes pages from the kernel and gives them back as soon as
 * no part of them is in use. Where it was taken in advance, by -m or without
 * hugepages, it would be the same pages, which is why they are counted rather
 * than the size of the heap read.
 */

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_bitops.h>
#include <rte_common.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_memory.h>
#include <rte_mempool.h>

#include <rte_fastmem.h>

#include "footprint_ops.h"

/* With more sizes than this, there is a pool for each power of two. */
#define MAX_POOLS 64
#define MIN_POOL 8

/* What the heap has in front of an object. */
#define HEAP_HEADER (2 * RTE_CACHE_LINE_SIZE)

/* Areas of the address space that the heap has its pages in. */
#define MAX_AREAS 32

/* What the others have in the DPDK heap. */
static uint64_t start_bytes;

static struct rte_mempool *pools[MAX_POOLS];
static unsigned int n_pools;

/* The pages of an area, and in which sample each was last found in use. */
static struct area {
	uintptr_t base;
	size_t len;
	size_t page;
	uint32_t *samples;
} areas[MAX_AREAS];
static unsigned int n_areas;
static uint32_t sample;

static uint64_t
heap_bytes(void)
{
	struct rte_malloc_socket_stats stats;
	uint64_t bytes = 0;
	unsigned int i;

	for (i = 0; i < rte_socket_count(); i++)
		if (rte_malloc_get_socket_stats(rte_socket_id_by_idx(i),
				&stats) == 0)
			bytes += stats.heap_allocsz_bytes;

	return bytes;
}

static const char *
keys_are_sizes(struct footprint_state *state)
{
	uint32_t type;

	for (type = 0; type < state->trace->n_sizes; type++)
		state->keys[type] = state->trace->sizes[type];

	return NULL;
}

static const char *
fastmem_start(struct footprint_state *state)
{
	const struct trace *trace = state->trace;
	int ret;

	if (trace->sizes[trace->n_sizes - 1] > rte_fastmem_max_size())
		return "there are objects that are too large for it";
	start_bytes = heap_bytes();
	ret = rte_fastmem_init();

	return ret < 0 ? rte_strerror(-ret) : keys_are_sizes(state);
}

/* As an application may do it now and then, on each lcore and once for all. */
static void
fastmem_trim(void)
{
	rte_fastmem_cache_flush();
	rte_fastmem_trim(SOCKET_ID_ANY, NULL);
}

/*
 * What caches and depots hold is told by rte_fastmem_dump() alone: lines with
 * the size of a class, and then numbers of objects and of magazines.
 */
static uint64_t
fastmem_cached(void)
{
	uint64_t size, cached, full, capacity, bytes = 0;
	char *text = NULL, *line, *next;
	size_t len;
	FILE *f;

	f = open_memstream(&text, &len);
	if (f == NULL)
		return FOOTPRINT_UNKNOWN;
	rte_fastmem_dump(f);
	if (fclose(f) == EOF) {
		free(text);
		return FOOTPRINT_UNKNOWN;
	}
	for (line = text; line != NULL && *line != '\0'; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		if (sscanf(line, " %" SCNu64 "%*[ a] %*u %*u %" SCNu64
				" %*u %*u %" SCNu64 " %*u %" SCNu64,
				&size, &cached, &full, &capacity) == 4)
			bytes += size * (cached + full * capacity);
	}
	free(text);

	return bytes;
}

/*
 * As for pools, all that it has in the heap, which is more than bytes_backing:
 * there are the directory and the bookkeeping that it takes at the start.
 */
static void
fastmem_read(const struct footprint_state *state __rte_unused,
	struct footprint_point *point)
{
	struct rte_fastmem_stats stats = { 0 };

	rte_fastmem_stats(&stats);
	point->live = stats.bytes_in_use;
	point->backing = heap_bytes() - start_bytes;
	point->cached = fastmem_cached();
}

static void
fastmem_stop(void)
{
	rte_fastmem_deinit();
}

const struct footprint_ops footprint_fastmem = {
	.name = "fastmem",
	.desc = "keeps what it has taken",
	.alloc = &fastmem_allocator,
	.start = fastmem_start,
	.read = fastmem_read,
	.stop = fastmem_stop,
};

const struct footprint_ops footprint_fastmem_trim = {
	.name = "fastmem-trim",
	.desc = "rte_fastmem_cache_flush and rte_fastmem_trim before each sample",
	.alloc = &fastmem_allocator,
	.start = fastmem_start,
	.trim = fastmem_trim,
	.read = fastmem_read,
	.stop = fastmem_stop,
};

/*
 * As large as it gets with this many objects. Nothing is added for objects in
 * the caches of other lcores, though programs with several of them need that.
 */
static struct rte_mempool *
pool_create(uint32_t size, uint32_t n)
{
	char name[RTE_MEMPOOL_NAMESIZE];
	uint32_t cache = RTE_MIN(n * 2 / 3, (uint32_t)MEMPOOL_CACHE);

	snprintf(name, sizeof(name), "test_fastmem_fp_%u", n_pools);

	return rte_mempool_create(name, n, size, cache, 0, NULL, NULL, NULL,
			NULL, rte_socket_id(), 0);
}

/* Sizes that share a pool are neighbors. */
static const char *
mempool_start(struct footprint_state *state)
{
	const struct trace *trace = state->trace;
	const bool shared = trace->n_sizes > MAX_POOLS;
	uint32_t first, last, size, i;

	start_bytes = heap_bytes();
	if (trace->sizes[trace->n_sizes - 1] > rte_fastmem_max_size())
		return "there are objects that are too large for a pool";
	for (first = 0; first < trace->n_sizes; first = last) {
		size = trace->sizes[first];
		if (shared)
			size = RTE_MAX(rte_align32pow2(size), (uint32_t)MIN_POOL);
		last = first + 1;
		while (last < trace->n_sizes && trace->sizes[last] <= size)
			last++;
		pools[n_pools] = pool_create(size,
				trace_peak(trace, first, last));
		if (pools[n_pools] == NULL)
			return rte_strerror(rte_errno);
		for (i = first; i < last; i++)
			state->keys[i] = (uintptr_t)pools[n_pools];
		n_pools++;
	}

	return NULL;
}

static void
mempool_read(const struct footprint_state *state __rte_unused,
	struct footprint_point *point)
{
	struct rte_mempool_cache *cache;
	struct rte_mempool *mp;
	uint32_t bytes;
	unsigned int i;

	point->live = 0;
	point->cached = 0;
	for (i = 0; i < n_pools; i++) {
		mp = pools[i];
		bytes = mp->header_size + mp->elt_size + mp->trailer_size;
		point->live += (uint64_t)bytes * rte_mempool_in_use_count(mp);
		cache = rte_mempool_default_cache(mp, rte_lcore_id());
		if (cache != NULL)
			point->cached += (uint64_t)bytes * cache->len;
	}
	point->backing = heap_bytes() - start_bytes;
}

static void
mempool_stop(void)
{
	while (n_pools > 0)
		rte_mempool_free(pools[--n_pools]);
}

const struct footprint_ops footprint_mempool = {
	.name = "mempool",
	.desc = "a pool for each type, as large as it gets",
	.alloc = &mempool_allocator,
	.start = mempool_start,
	.read = mempool_read,
	.stop = mempool_stop,
};

static const char *
rte_malloc_start(struct footprint_state *state)
{
	start_bytes = heap_bytes();
	sample = 0;

	return keys_are_sizes(state);
}

static struct area *
find_area(const void *addr)
{
	const struct rte_memseg_list *list;
	struct area *area;
	unsigned int i;

	for (i = 0; i < n_areas; i++)
		if ((uintptr_t)addr - areas[i].base < areas[i].len)
			return &areas[i];

	list = rte_mem_virt2memseg_list(addr);
	if (list == NULL || n_areas == MAX_AREAS)
		return NULL;
	area = &areas[n_areas];
	area->base = (uintptr_t)list->base_va;
	area->len = list->len;
	area->page = list->page_sz;
	area->samples = calloc(area->len / area->page, sizeof(*area->samples));
	if (area->samples == NULL)
		return NULL;
	n_areas++;

	return area;
}

/* The bytes of the pages of an object which no other one has in this sample. */
static uint64_t
count_pages(const void *obj, size_t size)
{
	const char *start = (const char *)obj - HEAP_HEADER;
	const struct area *area = find_area(obj);
	uint64_t bytes = 0;
	size_t page, last;

	if (area == NULL)
		return 0;
	page = ((uintptr_t)start - area->base) / area->page;
	last = ((uintptr_t)obj + size - 1 - area->base) / area->page;
	for (; page <= last; page++) {
		if (area->samples[page] == sample)
			continue;
		area->samples[page] = sample;
		bytes += area->page;
	}

	return bytes;
}

static void
rte_malloc_read(const struct footprint_state *state,
	struct footprint_point *point)
{
	uint32_t i;

	sample++;
	point->live = heap_bytes() - start_bytes;
	point->cached = 0;
	point->backing = 0;
	for (i = 0; i < state->trace->n_slots; i++)
		if (state->objs[i] != NULL)
			point->backing += count_pages(state->objs[i],
				state->keys[state->types[i]]);
}

static void
rte_malloc_stop(void)
{
	while (n_areas > 0)
		free(areas[--n_areas].samples);
}

const struct footprint_ops footprint_rte_malloc = {
	.name = "rte_malloc",
	.desc = "pages which it cannot give back",
	.alloc = &rte_malloc_allocator,
	.start = rte_malloc_start,
	.read = rte_malloc_read,
	.stop = rte_malloc_stop,
};

#ifdef TEST_FASTMEM_MALLINFO2
/* All that the C library has but what others use in it. */
static uint64_t start_others;

static const char *
libc_start(struct footprint_state *state)
{
	uint32_t type;
	struct mallinfo2 info;
	uintptr_t key;

	for (type = 0; type < state->trace->n_sizes; type++) {
		libc_allocator.open(state->trace->sizes[type], 0, &key);
		state->keys[type] = key;
	}
	malloc_trim(0);
	info = mallinfo2();
	start_others = info.uordblks + info.hblkhd;

	return NULL;
}

static void
libc_read(const struct footprint_state *state __rte_unused,
	struct footprint_point *point)
{
	const struct mallinfo2 info = mallinfo2();

	point->live = info.uordblks + info.hblkhd - start_others;
	point->backing = info.arena + info.hblkhd - start_others;
	point->cached = FOOTPRINT_UNKNOWN;
}
#else
static const char *
libc_start(struct footprint_state *state __rte_unused)
{
	return "there is no mallinfo2 in this C library";
}

static void
libc_read(const struct footprint_state *state __rte_unused,
	struct footprint_point *point __rte_unused)
{
}
#endif

static void
libc_stop(void)
{
}

const struct footprint_ops footprint_libc = {
	.name = "libc",
	.desc = "its arenas, as mallinfo2 tells them",
	.alloc = &libc_allocator,
	.start = libc_start,
	.read = libc_read,
	.stop = libc_stop,
};
