/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_BLOCK_H
#define FASTMEM_BLOCK_H

/**
 * @file
 * Block: all caches of one lcore of one process, and how a thread finds them.
 *
 * A block stands in the memory of its lcore's socket. The process finds it by
 * a table of its own, where lcores without a block, and threads without an
 * lcore id, have caches that are all empty and of no capacity: every
 * allocation and every free misses there, and the fast path needs no check of
 * its own. Cache number 0 of each block is like that too, as is that of an
 * address which has no bin.
 */

#include <rte_lcore.h>
#include <rte_per_lcore.h>

#include "fastmem_cache.h"
#include "fastmem_root.h"

struct __rte_cache_aligned fastmem_block {
	struct fastmem_block *next;  /**< In the root's list; set once. */
	/** At the last reset of the statistics, by bin. */
	struct fastmem_cache_counts *base;
	uint32_t lcore_id;
	uint32_t owner;              /**< Process, or 0 if none uses it. */
	uint32_t own_row;            /**< Index of the own socket's first bin. */
	struct fastmem_cache caches[];
};

/** A process's view of one lcore, in a cache line that only that writes. */
struct __rte_cache_aligned fastmem_lcore {
	struct rte_fastmem_lcore core;
	struct fastmem_block *block;  /**< NULL if it has none. */
};
static_assert(sizeof(struct fastmem_lcore) == RTE_CACHE_LINE_SIZE,
	"an lcore's entry has to fit into a cache line");
static_assert(offsetof(struct fastmem_lcore, core) == 0,
	"an entry begins with what inline functions use");

/** What a process knows by itself. */
extern struct fastmem_process {
	/** Copy of the root's; covers nothing when not initialized. */
	struct fastmem_dir dir;
	struct fastmem_root *root; /**< NULL when not initialized. */
	/** By lcore id plus one; the first for threads without an lcore id. */
	struct fastmem_lcore lcores[RTE_MAX_LCORE + 1];
} fastmem_process;

/** The thread's entry, or the first one as long as it has not asked for it.
 *
 * Entries never move, and are emptied rather than left when the library is
 * torn down, so this need not be set anew for each thread then. To compute it
 * from the lcore id in each call costs a quarter of a free.
 */
static inline struct fastmem_lcore *
fastmem_lcore_self(void)
{
	return (struct fastmem_lcore *)RTE_PER_LCORE(_rte_fastmem_lcore);
}

static inline void
fastmem_lcore_set_self(struct fastmem_lcore *lcore)
{
	RTE_PER_LCORE(_rte_fastmem_lcore) = &lcore->core;
}

/** Set up the tables of the process for a root; NULL detaches. */
void
fastmem_block_attach(struct fastmem_root *root);

/**
 * Allocate n objects of a bin for the calling thread, all or none.
 *
 * @param flags
 *   RTE_FASTMEM_F_NO_GROW is obeyed.
 */
bool
fastmem_block_alloc(unsigned int index, void **ptrs, unsigned int n,
	unsigned int flags);

/** Free objects of a bin for the calling thread. */
void
fastmem_block_free(unsigned int index, void *const *ptrs, unsigned int n);

/** Put the objects of the calling lcore's caches into their slabs. */
void
fastmem_block_flush_self(void);

/** Let all caches follow the capacities of depots, which have changed. */
void
fastmem_block_resize_all(struct fastmem_root *root);

/** Put an lcore's objects into their slabs and give up its block. */
void
fastmem_block_retire(unsigned int lcore_id);

/** The calling thread is about to lose its lcore id. */
void
fastmem_block_forget_self(void);

#endif /* FASTMEM_BLOCK_H */
