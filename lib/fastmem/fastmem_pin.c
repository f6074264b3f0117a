/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/**
 * @file
 * Zones that stay: which bins are bound to, and devices may be told of.
 */

#include <rte_memory.h>

#include "fastmem_backing.h"

/* Change the pins of a zone, and let its slabs in stock stand accordingly. */
static void
zone_pin(struct fastmem_backing *backing, struct fastmem_zone *zone, int n)
	__rte_requires_capability(&backing->grow_lock)
{
	struct fastmem_slab *slab;
	uint32_t i;
	bool moves;

	fastmem_lock(&backing->lock);
	moves = zone->n_pins == 0 || zone->n_pins + n == 0;
	zone->n_pins += n;
	backing->pins_change = moves;
	fastmem_unlock(&backing->lock);
	if (!moves)
		return;
	for (i = 0; i < zone->n_slabs; i++) {
		slab = &zone->slabs[i];
		/* Each under a lock of its own: nobody waits for the zone. */
		fastmem_lock(&backing->lock);
		if (slab->state == FASTMEM_SLAB_STOCK)
			fastmem_backing_restock(backing, slab);
		fastmem_unlock(&backing->lock);
	}
	fastmem_lock(&backing->lock);
	backing->pins_change = false;
	fastmem_unlock(&backing->lock);
}

bool
fastmem_backing_pin(struct fastmem_backing *backing, uint64_t bytes,
	uint32_t *zone_end)
{
	struct fastmem_zone *zone;
	uint32_t zone_begin;
	bool ret;

	fastmem_lock(&backing->grow_lock);
	/* Relaxed: this socket's numbers are taken under the lock. */
	zone_begin = rte_atomic_load_explicit(backing->zone_ids,
		rte_memory_order_relaxed);
	ret = fastmem_backing_grow_to(backing, bytes);
	if (!ret)
		fastmem_backing_trim_from(backing, zone_begin);
	*zone_end = rte_atomic_load_explicit(backing->zone_ids,
		rte_memory_order_relaxed);
	for (zone = backing->zones; ret && zone != NULL; zone = zone->next)
		zone_pin(backing, zone, 1);
	fastmem_unlock(&backing->grow_lock);
	return ret;
}

void
fastmem_backing_unpin(struct fastmem_backing *backing, uint32_t zone_end)
{
	struct fastmem_zone *zone;

	fastmem_lock(&backing->grow_lock);
	for (zone = backing->zones; zone != NULL; zone = zone->next)
		if (zone->id < zone_end)
			zone_pin(backing, zone, -1);
	fastmem_unlock(&backing->grow_lock);
}

/* A range of addresses whose IO addresses are contiguous, too, or all bad. */
struct range {
	uintptr_t start;
	uintptr_t end;
	rte_iova_t iova;
};

/* The part of a slab that may be made known to devices. What is not the slab's
 * belongs to EAL, and where it is on the same page it is left in, so that
 * neighbours make one range.
 */
static struct range
slab_range(const struct fastmem_slab *slab)
{
	const struct rte_memseg_list *msl = rte_mem_virt2memseg_list(
		(void *)(slab->addr + slab->head));
	const bool whole = msl != NULL && msl->page_sz >= FASTMEM_SLAB_SIZE;
	struct range range = {
		.start = slab->addr + (whole ? 0 : slab->head),
		.end = slab->addr + FASTMEM_SLAB_SIZE - (whole ? 0 : slab->tail),
		.iova = slab->iova,
	};

	if (slab->iova != RTE_BAD_IOVA)
		range.iova += range.start - slab->addr;
	return range;
}

static bool
ranges_join(const struct range *a, const struct range *b)
{
	return a->end == b->start && (a->iova == RTE_BAD_IOVA ?
		b->iova == RTE_BAD_IOVA : b->iova == a->iova + (a->end - a->start));
}

/* The next zone in the order of addresses. */
static const struct fastmem_zone *
zone_above(struct fastmem_backing *backing, uint32_t zone_end, uintptr_t addr)
	__rte_requires_capability(&backing->grow_lock)
{
	const struct fastmem_zone *zone, *found = NULL;

	for (zone = backing->zones; zone != NULL; zone = zone->next)
		if (zone->id < zone_end && zone->addr >= addr &&
				(found == NULL || zone->addr < found->addr))
			found = zone;
	return found;
}

unsigned int
fastmem_backing_walk(struct fastmem_backing *backing, uint32_t zone_end,
	void (*func)(void *addr, rte_iova_t iova, size_t len, void *arg),
	void *arg)
{
	struct range range = { 0 }, next;
	const struct fastmem_zone *zone;
	unsigned int n = 0;
	uintptr_t addr = 0;
	uint32_t i;

	fastmem_lock(&backing->grow_lock);
	while ((zone = zone_above(backing, zone_end, addr)) != NULL) {
		for (i = 0; i < zone->n_slabs; i++) {
			next = slab_range(&zone->slabs[i]);
			if (n != 0 && ranges_join(&range, &next)) {
				range.end = next.end;
				continue;
			}
			if (n++ != 0 && func != NULL)
				func((void *)range.start, range.iova,
					range.end - range.start, arg);
			range = next;
		}
		addr = zone->addr + 1;
	}
	if (n != 0 && func != NULL)
		func((void *)range.start, range.iova, range.end - range.start,
			arg);
	fastmem_unlock(&backing->grow_lock);
	return n;
}
