/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <string.h>

#include "fastmem_meta.h"

/* Chunks larger than this are not aligned to their size. */
#define META_MAX_ALIGN RTE_BIT64(12)

static unsigned int
meta_order(size_t size)
{
	size = RTE_MAX(size, RTE_BIT64(FASTMEM_META_MIN_ORDER));
	return 64 - rte_clz64(size - 1);
}

void
fastmem_meta_init(struct fastmem_meta *meta)
{
	memset(meta, 0, sizeof(*meta));
	fastmem_lock_init(&meta->lock);
}

static void
meta_push(struct fastmem_meta *meta, enum fastmem_meta_kind kind, void *mem,
	unsigned int order)
	__rte_requires_capability(&meta->lock)
{
	struct fastmem_meta_chunk **head =
		&meta->free[kind][order - FASTMEM_META_MIN_ORDER];
	struct fastmem_meta_chunk *chunk = mem;

	fastmem_race_point(FASTMEM_RACE_META_PUSHES);
	/* Relaxed: the lock orders it; atomic for a late reader of a magazine. */
	rte_atomic_store_explicit(&chunk->next, (uintptr_t)*head,
		rte_memory_order_relaxed);
	*head = chunk;
}

static void *
meta_pop(struct fastmem_meta *meta, enum fastmem_meta_kind kind,
	unsigned int order)
	__rte_requires_capability(&meta->lock)
{
	struct fastmem_meta_chunk **head =
		&meta->free[kind][order - FASTMEM_META_MIN_ORDER];
	struct fastmem_meta_chunk *chunk = *head;

	fastmem_race_point(FASTMEM_RACE_META_POPS);
	if (chunk != NULL)
		*head = (struct fastmem_meta_chunk *)(uintptr_t)
			rte_atomic_load_explicit(&chunk->next,
				rte_memory_order_relaxed);
	return chunk;
}

/* Keep the memory between two addresses as plain chunks, largest first. */
static void
meta_push_range(struct fastmem_meta *meta, uintptr_t from, uintptr_t to)
	__rte_requires_capability(&meta->lock)
{
	unsigned int order;

	from = RTE_ALIGN_CEIL(from, RTE_BIT64(FASTMEM_META_MIN_ORDER));
	while (from + RTE_BIT64(FASTMEM_META_MIN_ORDER) <= to) {
		order = RTE_MIN(63 - rte_clz64(to - from), rte_ctz64(from));
		order = RTE_MIN(order, (unsigned int)FASTMEM_META_MAX_ORDER);
		meta_push(meta, FASTMEM_META_PLAIN, (void *)from, order);
		from += RTE_BIT64(order);
	}
}

void
fastmem_meta_add(struct fastmem_meta *meta, void *mem, size_t len)
{
	fastmem_lock(&meta->lock);
	meta_push_range(meta, meta->cur, meta->end);
	fastmem_race_point(FASTMEM_RACE_META_ADDS);
	meta->cur = (uintptr_t)mem;
	meta->end = (uintptr_t)mem + len;
	fastmem_figure_add(&meta->bytes_total, len);
	fastmem_unlock(&meta->lock);
}

static void *
meta_carve(struct fastmem_meta *meta, unsigned int order)
	__rte_requires_capability(&meta->lock)
{
	size_t size = RTE_BIT64(order);
	uintptr_t start = RTE_ALIGN_CEIL(meta->cur, RTE_MIN(size, META_MAX_ALIGN));

	if (meta->end < start || meta->end - start < size)
		return NULL;
	meta_push_range(meta, meta->cur, start);
	meta->cur = start + size;
	return (void *)start;
}

/* Cut a larger chunk down to size and keep the rest. */
static void *
meta_split(struct fastmem_meta *meta, unsigned int order)
	__rte_requires_capability(&meta->lock)
{
	unsigned int o;
	void *chunk;

	for (o = order + 1; o <= FASTMEM_META_MAX_ORDER; o++) {
		chunk = meta_pop(meta, FASTMEM_META_PLAIN, o);
		if (chunk == NULL)
			continue;
		while (o-- > order)
			meta_push(meta, FASTMEM_META_PLAIN,
				RTE_PTR_ADD(chunk, RTE_BIT64(o)), o);
		return chunk;
	}
	return NULL;
}

void *
fastmem_meta_alloc(struct fastmem_meta *meta, enum fastmem_meta_kind kind,
	size_t size)
{
	unsigned int order = meta_order(size);
	void *chunk;

	fastmem_lock(&meta->lock);
	chunk = meta_pop(meta, kind, order);
	if (chunk == NULL && kind != FASTMEM_META_PLAIN)
		chunk = meta_pop(meta, FASTMEM_META_PLAIN, order);
	if (chunk == NULL)
		chunk = meta_carve(meta, order);
	if (chunk == NULL)
		chunk = meta_split(meta, order);
	fastmem_race_point(FASTMEM_RACE_META_GIVES);
	if (chunk != NULL)
		fastmem_figure_add(&meta->bytes_used, RTE_BIT64(order));
	fastmem_unlock(&meta->lock);
	return chunk;
}

void
fastmem_meta_free(struct fastmem_meta *meta, enum fastmem_meta_kind kind,
	void *chunk, size_t size)
{
	unsigned int order = meta_order(size);

	fastmem_lock(&meta->lock);
	meta_push(meta, kind, chunk, order);
	fastmem_figure_add(&meta->bytes_used, -RTE_BIT64(order));
	fastmem_unlock(&meta->lock);
}

size_t
fastmem_meta_chunk_bytes(size_t size)
{
	return RTE_BIT64(meta_order(size));
}

void
fastmem_meta_usage(struct fastmem_meta *meta, uint64_t *used, uint64_t *total)
{
	*used = fastmem_figure(&meta->bytes_used);
	*total = fastmem_figure(&meta->bytes_total);
}
