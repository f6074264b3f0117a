/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_STATS_H
#define FASTMEM_STATS_H

/**
 * @file
 * Statistics: sums over what the layers count.
 */

#include "fastmem_block.h"
#include "rte_fastmem.h"

/** Which blocks to sum over, if not those of one lcore: LCORE_ID_ANY stands for
 * those of threads without an lcore id, and this for all.
 */
#define FASTMEM_STATS_ALL_BLOCKS (LCORE_ID_ANY - 1)

/**
 * Sum up the counters of the caches of one bin.
 *
 * @param raw
 *   Whether to count from the beginning rather than from the last reset.
 */
void
fastmem_stats_add_bin(struct fastmem_root *root, uint32_t lcore_id,
	unsigned int index, bool raw, struct fastmem_cache_counts *sum);

/** Add what threads without caches did. */
void
fastmem_stats_add_shared(struct fastmem_root *root, unsigned int index,
	bool raw, struct fastmem_cache_counts *sum);

/** Let the statistics of a type start from zero. */
void
fastmem_stats_start_type(struct fastmem_root *root, struct fastmem_type *type);

/** Make statistics of what a type has counted since. */
void
fastmem_stats_get_type(struct fastmem_root *root, struct fastmem_type *type,
	struct rte_fastmem_class_stats *stats);

/** Objects of a bin, and of its kin, allocated and not yet freed. */
uint64_t
fastmem_stats_in_use(struct fastmem_root *root, unsigned int index);

#endif /* FASTMEM_STATS_H */
