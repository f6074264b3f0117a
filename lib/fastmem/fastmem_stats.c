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

#include "fastmem_control.h"
#include "fastmem_keeper.h"
#include "fastmem_lcore.h"
#include "fastmem_remote.h"
#include "fastmem_stats.h"
#include "rte_fastmem.h"

static void
counts_add(struct fastmem_cache_counts *sum,
	const struct fastmem_cache_counts *counts,
	const struct fastmem_cache_base *base)
{
	sum->allocs += counts->allocs - fastmem_figure(&base->allocs);
	sum->alloc_misses += counts->alloc_misses -
		fastmem_figure(&base->alloc_misses);
	sum->alloc_nomem += counts->alloc_nomem -
		fastmem_figure(&base->alloc_nomem);
	sum->frees += counts->frees - fastmem_figure(&base->frees);
	sum->free_misses += counts->free_misses -
		fastmem_figure(&base->free_misses);
	sum->cached += counts->cached;
}

static const struct fastmem_cache_base no_counts;

static void
base_set(struct fastmem_cache_base *base,
	const struct fastmem_cache_counts *counts)
{
	fastmem_figure_set(&base->allocs, counts->allocs);
	fastmem_figure_set(&base->alloc_misses, counts->alloc_misses);
	fastmem_figure_set(&base->alloc_nomem, counts->alloc_nomem);
	fastmem_figure_set(&base->frees, counts->frees);
	fastmem_figure_set(&base->free_misses, counts->free_misses);
}

/* Tell if what was read has to be read again, since there was a reset. */
static bool
stats_again(const struct fastmem_root *root, uint32_t sequence,
	unsigned int *spins)
{
	if (!rte_seqcount_read_retry(&root->stats_sequence, sequence))
		return false;
	/* Who resets them may have been preempted. */
	return (sequence & 1) == 0 || fastmem_wait_primary(spins);
}

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

/* Sum up all that was counted of one bin, from the beginning. */
static void
stats_sum_raw(struct fastmem_root *root, unsigned int index,
	struct fastmem_cache_counts *sum)
{
	fastmem_stats_add_bin(root, FASTMEM_STATS_ALL_BLOCKS, index, true, sum);
	fastmem_stats_add_shared(root, index, true, sum);
}

uint64_t
fastmem_stats_in_use(struct fastmem_root *root, unsigned int index)
{
	struct fastmem_cache_counts early = { 0 }, late = { 0 };
	struct fastmem_depot *depot = fastmem_root_depot(root, index);
	unsigned int kin = depot->bin.kin != NULL ? depot->bin.kin->index : 0;

	/* An object may be allocated and freed between the reading of two
	 * caches. Frees are taken from a first reading and allocations from a
	 * second, so that none is missed that is allocated throughout; what
	 * was freed meanwhile counts as in use.
	 */
	stats_sum_raw(root, index, &early);
	if (kin != 0)
		stats_sum_raw(root, kin, &early);
	stats_sum_raw(root, index, &late);
	if (kin != 0)
		stats_sum_raw(root, kin, &late);
	return late.allocs < early.frees ? 0 : late.allocs - early.frees;
}

/* Objects of a class in use, on all sockets. */
static uint64_t
stats_in_use_class(struct fastmem_root *root, unsigned int class_idx)
{
	uint64_t n = 0;
	unsigned int i;

	for (i = 0; i < root->n_sockets; i++)
		n += fastmem_stats_in_use(root, fastmem_root_bin_index(i,
			fastmem_bin_number(class_idx, 0)));
	return n;
}

/* Bytes of all objects in use. */
static uint64_t
stats_bytes_in_use(struct fastmem_root *root)
{
	unsigned int i, index;
	uint64_t bytes = 0;

	for (i = 0; i < FASTMEM_N_CLASSES; i++)
		bytes += stats_in_use_class(root, i) * fastmem_class_bytes(i);
	for (i = 0; i < FASTMEM_MAX_TYPES; i++) {
		index = fastmem_root_type_index(root, i);
		if (fastmem_root_has_bin(root, index))
			bytes += fastmem_stats_in_use(root, index) *
				fastmem_bin_size(&root->types[i].depot.bin);
	}
	return bytes;
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

#define ALL_CLASSES (-1)

static bool
stats_is_of(const struct fastmem_root *root, unsigned int index, int class_idx)
{
	return class_idx == ALL_CLASSES || (index <= root->n_bins &&
		fastmem_root_bin_class(index) == (unsigned int)class_idx);
}

/* Sum over all bins of a class, and over some blocks. */
static void
stats_sum(struct fastmem_root *root, uint32_t lcore_id, int class_idx,
	struct fastmem_cache_counts *sum)
{
	unsigned int spins = 0, i;
	uint32_t sequence;

	do {
		sequence = rte_seqcount_read_begin(&root->stats_sequence);
		memset(sum, 0, sizeof(*sum));
		for (i = 1; i <= root->n_caches; i++) {
			if (!stats_is_of(root, i, class_idx))
				continue;
			fastmem_stats_add_bin(root, lcore_id, i, false, sum);
			/* Threads without caches are no lcore's. */
			if (lcore_id >= RTE_MAX_LCORE)
				fastmem_stats_add_shared(root, i, false, sum);
		}
	} while (stats_again(root, sequence, &spins));
}

/* Sum over the slabs of a class. */
static void
stats_sum_slabs(struct fastmem_root *root, int class_idx,
	struct rte_fastmem_class_stats *stats)
{
	struct fastmem_bin_info info, sum;
	unsigned int spins = 0, i;
	uint32_t sequence;

	do {
		sequence = rte_seqcount_read_begin(&root->stats_sequence);
		memset(&sum, 0, sizeof(sum));
		for (i = 1; i <= root->n_bins; i++) {
			if (!stats_is_of(root, i, class_idx))
				continue;
			fastmem_bin_get_info(&fastmem_root_depot(root, i)->bin,
				&info);
			sum.slab_acquires += info.slab_acquires;
			sum.slab_releases += info.slab_releases;
			sum.n_partial += info.n_partial;
			sum.n_full += info.n_full;
		}
	} while (stats_again(root, sequence, &spins));
	stats->slab_acquires = sum.slab_acquires;
	stats->slab_releases = sum.slab_releases;
	stats->slabs_partial = sum.n_partial;
	stats->slabs_full = sum.n_full;
}

/* A miss may be counted while its object is not yet. */
static uint64_t
stats_hits(uint64_t total, uint64_t misses)
{
	return total > misses ? total - misses : 0;
}

static void
stats_to_class(const struct fastmem_cache_counts *sum,
	struct rte_fastmem_class_stats *stats)
{
	stats->alloc_cache_misses = sum->alloc_misses;
	stats->alloc_cache_hits = stats_hits(sum->allocs, sum->alloc_misses);
	stats->alloc_nomem = sum->alloc_nomem;
	stats->free_cache_misses = sum->free_misses;
	stats->free_cache_hits = stats_hits(sum->frees, sum->free_misses);
}

void
fastmem_stats_start_type(struct fastmem_root *root, struct fastmem_type *type)
{
	struct fastmem_cache_counts counts = { 0 };

	stats_sum_raw(root, type->depot.bin.index, &counts);
	base_set(&type->start, &counts);
}

void
fastmem_stats_get_type(struct fastmem_root *root, struct fastmem_type *type,
	struct rte_fastmem_class_stats *stats)
{
	const unsigned int index = type->depot.bin.index;
	struct fastmem_cache_counts counts, sum;
	struct fastmem_bin_info info;
	unsigned int spins = 0;
	uint32_t sequence;

	do {
		sequence = rte_seqcount_read_begin(&root->stats_sequence);
		memset(&counts, 0, sizeof(counts));
		memset(&sum, 0, sizeof(sum));
		stats_sum_raw(root, index, &counts);
		counts_add(&sum, &counts, &type->start);
		fastmem_bin_get_info(&type->depot.bin, &info);
	} while (stats_again(root, sequence, &spins));
	memset(stats, 0, sizeof(*stats));
	stats->class_size = fastmem_bin_size(&type->depot.bin);
	stats->in_use = fastmem_stats_in_use(root, index);
	stats_to_class(&sum, stats);
	stats->slab_acquires = info.slab_acquires;
	stats->slab_releases = info.slab_releases;
	stats->slabs_partial = info.n_partial;
	stats->slabs_full = info.n_full;
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
	stats->bytes_in_use = stats_bytes_in_use(root);
	stats_sum(root, FASTMEM_STATS_ALL_BLOCKS, ALL_CLASSES, &sum);
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
	struct fastmem_cache_counts sum;
	int class_idx = stats_class(class_size);

	if (root == NULL)
		return -ENODEV;
	if (class_idx < 0 || stats == NULL)
		return -EINVAL;

	memset(stats, 0, sizeof(*stats));
	stats->class_size = class_size;
	stats_sum(root, FASTMEM_STATS_ALL_BLOCKS, class_idx, &sum);
	stats_sum_slabs(root, class_idx, stats);
	stats->in_use = stats_in_use_class(root, class_idx);
	stats_to_class(&sum, stats);
	return 0;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_stats_lcore, 26.11)
int
rte_fastmem_stats_lcore(unsigned int lcore_id,
	struct rte_fastmem_lcore_stats *stats)
{
	struct fastmem_root *root = fastmem_process.root;
	struct fastmem_cache_counts sum;

	if (root == NULL)
		return -ENODEV;
	if (lcore_id >= RTE_MAX_LCORE || stats == NULL)
		return -EINVAL;
	stats_sum(root, lcore_id, ALL_CLASSES, &sum);
	stats_to_lcore(&sum, stats);
	return 0;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_stats_lcore_class, 26.11)
int
rte_fastmem_stats_lcore_class(unsigned int lcore_id, size_t class_size,
	struct rte_fastmem_lcore_class_stats *stats)
{
	struct fastmem_root *root = fastmem_process.root;
	struct fastmem_cache_counts sum;
	int class_idx = stats_class(class_size);

	if (root == NULL)
		return -ENODEV;
	if (lcore_id >= RTE_MAX_LCORE || class_idx < 0 || stats == NULL)
		return -EINVAL;
	stats_sum(root, lcore_id, class_idx, &sum);
	stats_to_lcore_class(&sum, class_size, stats);
	return 0;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_stats_shared, 26.11)
int
rte_fastmem_stats_shared(struct rte_fastmem_lcore_stats *stats)
{
	struct fastmem_root *root = fastmem_process.root;
	struct fastmem_cache_counts sum;

	if (root == NULL)
		return -ENODEV;
	if (stats == NULL)
		return -EINVAL;
	stats_sum(root, LCORE_ID_ANY, ALL_CLASSES, &sum);
	stats_to_lcore(&sum, stats);
	return 0;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_stats_shared_class, 26.11)
int
rte_fastmem_stats_shared_class(size_t class_size,
	struct rte_fastmem_lcore_class_stats *stats)
{
	struct fastmem_root *root = fastmem_process.root;
	struct fastmem_cache_counts sum;
	int class_idx = stats_class(class_size);

	if (root == NULL)
		return -ENODEV;
	if (class_idx < 0 || stats == NULL)
		return -EINVAL;
	stats_sum(root, LCORE_ID_ANY, class_idx, &sum);
	stats_to_lcore_class(&sum, class_size, stats);
	return 0;
}

void
fastmem_control_reset(struct fastmem_root *root)
{
	struct fastmem_cache_counts counts;
	struct fastmem_block *block;
	unsigned int i;

	fastmem_lock(&root->stats_lock);
	rte_seqcount_write_begin(&root->stats_sequence);
	for (i = 1; i <= root->n_caches; i++) {
		struct fastmem_depot *depot = fastmem_root_depot(root, i);

		stats_read_shared(depot, &counts);
		base_set(&root->shared_base[i], &counts);
		fastmem_bin_reset(&depot->bin);
		for (block = stats_first_block(root); block != NULL;
				block = block->next) {
			fastmem_cache_read(&block->caches[i], &counts);
			base_set(&block->base[i], &counts);
		}
	}
	for (i = 0; i < FASTMEM_MAX_TYPES; i++)
		if (fastmem_root_has_bin(root, fastmem_root_type_index(root, i)))
			fastmem_stats_start_type(root, &root->types[i]);
	rte_seqcount_write_end(&root->stats_sequence);
	fastmem_unlock(&root->stats_lock);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_stats_reset, 26.11)
void
rte_fastmem_stats_reset(void)
{
	if (fastmem_process.root == NULL)
		return;
	if (fastmem_is_remote()) {
		fastmem_remote_reset();
		return;
	}
	/* What a killed process had half counted would be set to zero in half. */
	fastmem_keeper_reclaim(true);
	fastmem_control_reset(fastmem_process.root);
}
