/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <rte_memory.h>
#include <rte_memzone.h>

#include "fastmem_zone.h"

/* How much shorter than its granules a zone is: EAL's header. If that has
 * another size, as in debug builds, zones are placed less well, nothing else.
 */
#define ZONE_SLACK 128

/* Slabs lack no more than a page at either end. */
#define ZONE_EDGE_MAX 4096

#define ZONE_PREFIX "fastmem_"

static rte_iova_t
zone_iova(uintptr_t addr)
{
	const struct rte_memseg_list *msl = rte_mem_virt2memseg_list((void *)addr);
	const struct rte_memseg *ms = rte_mem_virt2memseg((void *)addr, msl);
	uintptr_t a, end = RTE_ALIGN_FLOOR(addr, FASTMEM_SLAB_SIZE) +
		FASTMEM_SLAB_SIZE;
	rte_iova_t iova;

	if (ms == NULL || ms->iova == RTE_BAD_IOVA)
		return RTE_BAD_IOVA;
	iova = ms->iova + (addr - ms->addr_64);

	/* One page, or else pages that happen to be contiguous. */
	for (a = ms->addr_64 + ms->hugepage_sz; a < end; a += ms->hugepage_sz) {
		const struct rte_memseg *m = rte_mem_virt2memseg((void *)a, msl);

		if (m == NULL || m->iova != iova + (a - addr))
			return RTE_BAD_IOVA;
	}
	return iova - (addr & (FASTMEM_SLAB_SIZE - 1));
}

static void
zone_name(char *name, size_t len, uint32_t id)
{
	snprintf(name, len, ZONE_PREFIX "%" PRIu32, id);
}

/* Tell if a memzone covers n granules but for the edges, and find its place.
 * A few bytes beyond the last border are of no use.
 */
static bool
zone_fits(const struct rte_memzone *mz, unsigned int n,
	struct fastmem_zone_place *place)
{
	uintptr_t start = mz->addr_64, end = start + mz->len;
	uintptr_t last = RTE_ALIGN_CEIL(end, FASTMEM_SLAB_SIZE);

	place->addr = RTE_ALIGN_FLOOR(start, FASTMEM_SLAB_SIZE);
	if (start - place->addr > ZONE_EDGE_MAX)
		return false;
	if (last - end > ZONE_EDGE_MAX) {
		last -= FASTMEM_SLAB_SIZE;
		end = last;
	}
	place->head = start - place->addr;
	place->tail = last - end;
	return last - place->addr == n * FASTMEM_SLAB_SIZE;
}

/* Get a memzone that, with its header, fills n granules; within a bound, if that is
 * not 0.
 */
static const struct rte_memzone *
zone_reserve_exact(const char *name, int socket_id, unsigned int n,
	unsigned int bound, struct fastmem_zone_place *place)
{
	const struct rte_memzone *mz = rte_memzone_reserve_bounded(name,
		n * FASTMEM_SLAB_SIZE - ZONE_SLACK, socket_id, 0,
		RTE_CACHE_LINE_SIZE, bound);

	if (mz != NULL && !zone_fits(mz, n, place)) {
		rte_memzone_free(mz);
		mz = NULL;
	}
	return mz;
}

bool
fastmem_zone_reserve(const struct fastmem_dir *dir, int socket_id, uint32_t id,
	unsigned int n, struct fastmem_zone_place *place)
{
	char name[RTE_MEMZONE_NAMESIZE];
	const struct rte_memzone *mz;

	zone_name(name, sizeof(name), id);
	mz = zone_reserve_exact(name, socket_id, n, 0, place);
	if (mz == NULL) {
		mz = rte_memzone_reserve_aligned(name, n * FASTMEM_SLAB_SIZE,
			socket_id, 0, FASTMEM_SLAB_SIZE);
		if (mz != NULL)
			*place = (struct fastmem_zone_place){ .addr = mz->addr_64 };
	}
	/* EAL offers the first stretch of memory that is long enough, and no other
	 * one where that lies askew. A granule alone lies right within a bound.
	 */
	if (mz == NULL && n == 1)
		mz = zone_reserve_exact(name, socket_id, n, FASTMEM_SLAB_SIZE,
			place);
	if (mz != NULL && (mz->addr_64 < dir->base ||
			mz->addr_64 - dir->base + mz->len > dir->bytes)) {
		FASTMEM_LOG(ERR, "memzone %s lies outside of EAL's address ranges",
			name);
		rte_memzone_free(mz);
		mz = NULL;
	}
	return mz != NULL;
}

size_t
fastmem_zone_bytes(unsigned int n)
{
	return sizeof(struct fastmem_zone) + n * sizeof(struct fastmem_slab);
}

uint64_t
fastmem_zone_meta_bytes(const struct fastmem_zone *zone)
{
	return (uintptr_t)zone - zone->addr <
			zone->n_slabs * FASTMEM_SLAB_SIZE ?
		0 : fastmem_meta_chunk_bytes(fastmem_zone_bytes(zone->n_slabs));
}

/* Get memory for the description of a zone. */
static struct fastmem_zone *
zone_memory(struct fastmem_meta *meta, const struct fastmem_zone_place *place,
	unsigned int n, unsigned int *n_meta)
{
	uintptr_t start = place->addr + RTE_MAX((uint32_t)place->head,
		(uint32_t)FASTMEM_ZONE_PAGE_EDGE);
	uintptr_t end = place->addr + FASTMEM_SLAB_SIZE -
		(n == 1 ? place->tail : 0);
	size_t bytes = RTE_ALIGN_CEIL(fastmem_zone_bytes(n), RTE_CACHE_LINE_SIZE);
	struct fastmem_zone *zone;

	*n_meta = 0;
	zone = fastmem_meta_alloc(meta, FASTMEM_META_PLAIN,
		fastmem_zone_bytes(n));
	if (zone != NULL)
		return zone;
	*n_meta = 1;
	start = RTE_ALIGN_CEIL(start, RTE_CACHE_LINE_SIZE);
	fastmem_meta_add(meta, (void *)(start + bytes),
		end - start - bytes);
	return (struct fastmem_zone *)start;
}

struct fastmem_zone *
fastmem_zone_describe(struct fastmem_meta *meta,
	const struct fastmem_zone_place *place, uint32_t id, unsigned int n,
	unsigned int *n_meta)
{
	struct fastmem_zone *zone = zone_memory(meta, place, n, n_meta);

	memset(zone, 0, fastmem_zone_bytes(n));
	zone->addr = place->addr;
	zone->id = id;
	zone->n_slabs = n;
	return zone;
}

void
fastmem_zone_init_slab(struct fastmem_zone *zone,
	const struct fastmem_zone_place *place, unsigned int i)
{
	struct fastmem_slab *slab = &zone->slabs[i];

	slab->addr = place->addr + i * FASTMEM_SLAB_SIZE;
	slab->head = i == 0 ? place->head : 0;
	slab->tail = i == zone->n_slabs - 1 ? place->tail : 0;
	slab->iova = zone_iova(slab->addr + slab->head);
	slab->zone = zone;
	slab->state = FASTMEM_SLAB_META;
}

void
fastmem_zone_free(uint32_t id)
{
	char name[RTE_MEMZONE_NAMESIZE];

	zone_name(name, sizeof(name), id);
	if (rte_memzone_free(rte_memzone_lookup(name)) != 0)
		FASTMEM_LOG(ERR, "cannot free memzone %s", name);
}

struct zone_batch {
	const struct rte_memzone *zones[64];
	unsigned int n;
};

static void
zone_batch_add(const struct rte_memzone *mz, void *arg)
{
	struct zone_batch *batch = arg;
	char name[RTE_MEMZONE_NAMESIZE];
	uint32_t id;

	/* An application's memzone may be named alike, but not the same. */
	if (batch->n == RTE_DIM(batch->zones) ||
			sscanf(mz->name, ZONE_PREFIX "%" SCNu32, &id) != 1)
		return;
	zone_name(name, sizeof(name), id);
	if (strcmp(name, mz->name) == 0)
		batch->zones[batch->n++] = mz;
}

void
fastmem_zone_free_all(void)
{
	unsigned int i, n_freed;
	struct zone_batch batch;

	/* EAL's list is gone by, as the library's own lies in the zones; in
	 * batches, as nothing can be freed during a walk.
	 */
	do {
		batch.n = 0;
		n_freed = 0;
		rte_memzone_walk(zone_batch_add, &batch);
		for (i = 0; i < batch.n; i++)
			if (rte_memzone_free(batch.zones[i]) == 0)
				n_freed++;
			else
				FASTMEM_LOG(ERR, "cannot free memzone %s",
					batch.zones[i]->name);
	} while (n_freed != 0);
}
