/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/**
 * @file
 * Counters are written by their owners only. A reset notes down their values
 * instead of clearing them; statistics are differences to those.
 */

#include <errno.h>
#include <string.h>

#include <eal_export.h>

#include "fastmem_stats.h"
#include "rte_fastmem.h"

static void
counts_add(struct fastmem_cache_counts *sum,
	const struct fastmem_cache_counts *counts,
	const struct fastmem_cache_counts *base)
{
	sum->allocs += counts->allocs - base->allocs;
	sum->alloc_misses += counts->alloc_misses - base->alloc_misses;
	sum->alloc_nomem += counts->alloc_nomem - base->alloc_nomem;
	sum->frees += counts->frees - base->frees;
	sum->free_misses += counts->free_misses - base->free_misses;
	sum->cached += counts->cached;
}

static const struct fastmem_cache_counts no_counts;

static struct fastmem_block *
stats_first_block(struct fastmem_root *root)
{
	/* Acquire: what was set up before the block was listed. */
	return (struct fastmem_block *)rte_atomic_load_explicit(&root->blocks,
		rte_memory_order_acquire);
}

void
fastmem_stats_add_bin(struct fastmem_root *root, uint32_t lcore_id,
	unsigned int index, bool raw, struct fastmem_cache_counts *sum)
{
	struct fastmem_cache_counts counts;
	const struct fastmem_block *block;

	for (block = stats_first_block(root); block != NULL;
			block = block->next) {
		if (lcore_id != FASTMEM_STATS_ALL_BLOCKS &&
				lcore_id != block->lcore_id)
			continue;
		fastmem_race_point(FASTMEM_RACE_STATS_BETWEEN_BLOCKS);
		fastmem_cache_read(&block->caches[index], &counts);
		counts_add(sum, &counts, raw ? &no_counts : &block->base[index]);
	}
}

static void
stats_read_shared(struct fastmem_depot *depot,
	struct fastmem_cache_counts *counts)
{
	memset(counts, 0, sizeof(*counts));
	/* Acquire: misses are read after what they are part of. */
	counts->allocs = rte_atomic_load_explicit(&depot->shared.allocs,
		rte_memory_order_acquire);
	counts->frees = rte_atomic_load_explicit(&depot->shared.frees,
		rte_memory_order_acquire);
	fastmem_race_point(FASTMEM_RACE_STATS_SHARED_TOTALS_READ);
	counts->alloc_misses = rte_atomic_load_explicit(
		&depot->shared.alloc_misses, rte_memory_order_relaxed);
	counts->alloc_nomem = rte_atomic_load_explicit(
		&depot->shared.alloc_nomem, rte_memory_order_relaxed);
	counts->free_misses = rte_atomic_load_explicit(
		&depot->shared.free_misses, rte_memory_order_relaxed);
}

void
fastmem_stats_add_shared(struct fastmem_root *root, unsigned int index,
	bool raw, struct fastmem_cache_counts *sum)
{
	struct fastmem_cache_counts counts;

	stats_read_shared(fastmem_root_depot(root, index), &counts);
	counts_add(sum, &counts, raw ? &no_counts : &root->shared_base[index]);
}

/* Sum over all bins of a class, all threads, and all time. */
static void
stats_sum_raw(struct fastmem_root *root, unsigned int class_idx,
	struct fastmem_cache_counts *sum)
{
	unsigned int i;

	for (i = 1; i <= root->n_bins; i++) {
		if (fastmem_root_bin_class(i) != class_idx)
			continue;
		fastmem_stats_add_bin(root, FASTMEM_STATS_ALL_BLOCKS, i, true,
			sum);
		fastmem_stats_add_shared(root, i, true, sum);
	}
}

uint64_t
fastmem_stats_in_use(struct fastmem_root *root, unsigned int class_idx)
{
	struct fastmem_cache_counts early = { 0 }, late = { 0 };

	/* An object may be allocated and freed between the reading of two
	 * caches. Frees are taken from a first reading and allocations from a
	 * second, so that none is missed that is allocated throughout; what
	 * was freed meanwhile counts as in use.
	 */
	stats_sum_raw(root, class_idx, &early);
	stats_sum_raw(root, class_idx, &late);
	return late.allocs < early.frees ? 0 : late.allocs - early.frees;
}

/* The class of a given size, or -1. */
static int
stats_class(size_t class_size)
{
	unsigned int i;

	for (i = 0; i < FASTMEM_N_CLASSES; i++)
		if (fastmem_class_bytes(i) == class_size)
			return i;
	return -1;
}

/* Sum over all bins of a class. */
static void
stats_sum_class(struct fastmem_root *root, uint32_t lcore_id,
	unsigned int class_idx, struct fastmem_cache_counts *sum)
{
	unsigned int i;

	for (i = 1; i <= root->n_bins; i++)
		if (fastmem_root_bin_class(i) == class_idx)
			fastmem_stats_add_bin(root, lcore_id, i, false, sum);
}

static void
stats_sum_shared_class(struct fastmem_root *root, unsigned int class_idx,
	struct fastmem_cache_counts *sum)
{
	unsigned int i;

	for (i = 1; i <= root->n_bins; i++)
		if (fastmem_root_bin_class(i) == class_idx)
			fastmem_stats_add_shared(root, i, false, sum);
}

/* A miss may be counted while its object is not yet. */
static uint64_t
stats_hits(uint64_t total, uint64_t misses)
{
	return total > misses ? total - misses : 0;
}

static void
stats_to_lcore(const struct fastmem_cache_counts *sum,
	struct rte_fastmem_lcore_stats *stats)
{
	stats->alloc_cache_hits = stats_hits(sum->allocs, sum->alloc_misses);
	stats->alloc_cache_misses = sum->alloc_misses;
	stats->alloc_nomem = sum->alloc_nomem;
	stats->free_cache_hits = stats_hits(sum->frees, sum->free_misses);
	stats->free_cache_misses = sum->free_misses;
}

static void
stats_to_lcore_class(const struct fastmem_cache_counts *sum, size_t class_size,
	struct rte_fastmem_lcore_class_stats *stats)
{
	struct rte_fastmem_lcore_stats lcore;

	stats_to_lcore(sum, &lcore);
	stats->class_size = class_size;
	stats->alloc_cache_hits = lcore.alloc_cache_hits;
	stats->alloc_cache_misses = lcore.alloc_cache_misses;
	stats->alloc_nomem = lcore.alloc_nomem;
	stats->free_cache_hits = lcore.free_cache_hits;
	stats->free_cache_misses = lcore.free_cache_misses;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_stats, 26.11)
int
rte_fastmem_stats(struct rte_fastmem_stats *stats)
{
	struct fastmem_root *root = fastmem_process.root;
	struct fastmem_cache_counts sum = { 0 };
	unsigned int i;

	if (root == NULL)
		return -ENODEV;
	if (stats == NULL)
		return -EINVAL;

	memset(stats, 0, sizeof(*stats));
	stats->n_classes = FASTMEM_N_CLASSES;
	for (i = 0; i < root->n_sockets; i++)
		stats->bytes_backing += fastmem_backing_bytes(
			&root->sockets[i].backing);
	rte_spinlock_lock(&root->stats_lock);
	for (i = 0; i < FASTMEM_N_CLASSES; i++)
		stats->bytes_in_use += fastmem_stats_in_use(root, i) *
			fastmem_class_bytes(i);
	for (i = 1; i <= root->n_bins; i++) {
		fastmem_stats_add_bin(root, FASTMEM_STATS_ALL_BLOCKS, i, false,
			&sum);
		fastmem_stats_add_shared(root, i, false, &sum);
	}
	rte_spinlock_unlock(&root->stats_lock);
	stats->alloc_total = sum.allocs;
	stats->free_total = sum.frees;
	stats->alloc_nomem = sum.alloc_nomem;
	return 0;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_stats_class, 26.11)
int
rte_fastmem_stats_class(size_t class_size,
	struct rte_fastmem_class_stats *stats)
{
	struct fastmem_root *root = fastmem_process.root;
	struct fastmem_cache_counts sum = { 0 };
	int class_idx = stats_class(class_size);
	struct fastmem_bin_info info;
	unsigned int i;

	if (root == NULL)
		return -ENODEV;
	if (class_idx < 0 || stats == NULL)
		return -EINVAL;

	memset(stats, 0, sizeof(*stats));
	stats->class_size = class_size;
	rte_spinlock_lock(&root->stats_lock);
	stats_sum_class(root, FASTMEM_STATS_ALL_BLOCKS, class_idx, &sum);
	stats_sum_shared_class(root, class_idx, &sum);
	stats->in_use = fastmem_stats_in_use(root, class_idx);
	for (i = 1; i <= root->n_bins; i++) {
		if (fastmem_root_bin_class(i) != (unsigned int)class_idx)
			continue;
		fastmem_bin_get_info(&fastmem_root_depot(root, i)->bin, &info);
		stats->slab_acquires += info.slab_acquires;
		stats->slab_releases += info.slab_releases;
		stats->slabs_partial += info.n_partial;
		stats->slabs_full += info.n_full;
	}
	rte_spinlock_unlock(&root->stats_lock);
	stats->alloc_cache_hits = stats_hits(sum.allocs, sum.alloc_misses);
	stats->alloc_cache_misses = sum.alloc_misses;
	stats->alloc_nomem = sum.alloc_nomem;
	stats->free_cache_hits = stats_hits(sum.frees, sum.free_misses);
	stats->free_cache_misses = sum.free_misses;
	return 0;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_stats_lcore, 26.11)
int
rte_fastmem_stats_lcore(unsigned int lcore_id,
	struct rte_fastmem_lcore_stats *stats)
{
	struct fastmem_root *root = fastmem_process.root;
	struct fastmem_cache_counts sum = { 0 };
	unsigned int i;

	if (root == NULL)
		return -ENODEV;
	if (lcore_id >= RTE_MAX_LCORE || stats == NULL)
		return -EINVAL;
	rte_spinlock_lock(&root->stats_lock);
	for (i = 1; i <= root->n_bins; i++)
		fastmem_stats_add_bin(root, lcore_id, i, false, &sum);
	rte_spinlock_unlock(&root->stats_lock);
	stats_to_lcore(&sum, stats);
	return 0;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_stats_lcore_class, 26.11)
int
rte_fastmem_stats_lcore_class(unsigned int lcore_id, size_t class_size,
	struct rte_fastmem_lcore_class_stats *stats)
{
	struct fastmem_root *root = fastmem_process.root;
	struct fastmem_cache_counts sum = { 0 };
	int class_idx = stats_class(class_size);

	if (root == NULL)
		return -ENODEV;
	if (lcore_id >= RTE_MAX_LCORE || class_idx < 0 || stats == NULL)
		return -EINVAL;
	rte_spinlock_lock(&root->stats_lock);
	stats_sum_class(root, lcore_id, class_idx, &sum);
	rte_spinlock_unlock(&root->stats_lock);
	stats_to_lcore_class(&sum, class_size, stats);
	return 0;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_stats_shared, 26.11)
int
rte_fastmem_stats_shared(struct rte_fastmem_lcore_stats *stats)
{
	struct fastmem_root *root = fastmem_process.root;
	struct fastmem_cache_counts sum = { 0 };
	unsigned int i;

	if (root == NULL)
		return -ENODEV;
	if (stats == NULL)
		return -EINVAL;
	rte_spinlock_lock(&root->stats_lock);
	for (i = 1; i <= root->n_bins; i++) {
		fastmem_stats_add_bin(root, LCORE_ID_ANY, i, false, &sum);
		fastmem_stats_add_shared(root, i, false, &sum);
	}
	rte_spinlock_unlock(&root->stats_lock);
	stats_to_lcore(&sum, stats);
	return 0;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_stats_shared_class, 26.11)
int
rte_fastmem_stats_shared_class(size_t class_size,
	struct rte_fastmem_lcore_class_stats *stats)
{
	struct fastmem_root *root = fastmem_process.root;
	struct fastmem_cache_counts sum = { 0 };
	int class_idx = stats_class(class_size);

	if (root == NULL)
		return -ENODEV;
	if (class_idx < 0 || stats == NULL)
		return -EINVAL;
	rte_spinlock_lock(&root->stats_lock);
	stats_sum_class(root, LCORE_ID_ANY, class_idx, &sum);
	stats_sum_shared_class(root, class_idx, &sum);
	rte_spinlock_unlock(&root->stats_lock);
	stats_to_lcore_class(&sum, class_size, stats);
	return 0;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_stats_reset, 26.11)
void
rte_fastmem_stats_reset(void)
{
	struct fastmem_root *root = fastmem_process.root;
	struct fastmem_block *block;
	unsigned int i;

	if (root == NULL)
		return;
	rte_spinlock_lock(&root->stats_lock);
	for (i = 1; i <= root->n_bins; i++) {
		struct fastmem_depot *depot = fastmem_root_depot(root, i);

		stats_read_shared(depot, &root->shared_base[i]);
		fastmem_bin_reset(&depot->bin);
		for (block = stats_first_block(root); block != NULL;
				block = block->next)
			fastmem_cache_read(&block->caches[i], &block->base[i]);
	}
	rte_spinlock_unlock(&root->stats_lock);
}
