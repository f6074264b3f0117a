/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_BLOCK_H
#define FASTMEM_BLOCK_H

/**
 * @file
 * Block: all caches of one lcore, or of one thread without an lcore id, of one
 * process.
 *
 * A block stands in the memory of its user's socket. It is given up rather than
 * freed, for the next one there.
 */

#include <rte_lcore.h>

#include "fastmem_journal.h"
#include "fastmem_root.h"

/** Processes, as owners of blocks. */
enum fastmem_process_number {
	FASTMEM_PROCESS_NONE,
	FASTMEM_PROCESS_PRIMARY,
	FASTMEM_PROCESS_PEERS /**< That of the first peer, see the root. */
};

struct __rte_cache_aligned fastmem_block {
	struct fastmem_block *next;  /**< In the root's list; set once. */
	/** At the last reset of the statistics, by bin. */
	struct fastmem_cache_base *base;
	uint32_t lcore_id;           /**< LCORE_ID_ANY for a thread's. */
	/** FASTMEM_PROCESS_*; written under the block lock, relaxed. */
	RTE_ATOMIC(uint32_t) owner;
	uint32_t own_row;            /**< Index of the own socket's first bin. */
	struct fastmem_journal journal;
	/** Of the thread that uses it, in a secondary process. */
	struct fastmem_request request;
	struct fastmem_cache caches[];
};

static inline uint32_t
fastmem_block_owner(const struct fastmem_block *block)
{
	return rte_atomic_load_explicit(&block->owner,
		rte_memory_order_relaxed);
}

static inline void
fastmem_block_set_owner(struct fastmem_block *block, uint32_t owner)
{
	rte_atomic_store_explicit(&block->owner, owner,
		rte_memory_order_relaxed);
}

/** Let all caches follow the capacities of depots, which have changed. */
void
fastmem_block_resize_all(struct fastmem_root *root);

/**
 * In the primary process, for any: find a block that is given up, or make one.
 *
 * @param lcore_id
 *   LCORE_ID_ANY for a thread that has none.
 */
struct fastmem_block *
fastmem_block_find(struct fastmem_root *root, unsigned int owner,
	unsigned int lcore_id, unsigned int socket_idx);

/** In the primary process: put a block's objects into their slabs. */
void
fastmem_block_flush(struct fastmem_root *root, struct fastmem_block *block);

/** The same, and give it up. */
void
fastmem_block_give_up(struct fastmem_root *root, struct fastmem_block *block);

/**
 * In the primary process: set up what a secondary process begins with.
 *
 * @return
 *   0, or -ENOMEM.
 */
int
fastmem_block_attach_peer(struct fastmem_root *root, unsigned int owner,
	unsigned int socket_idx, unsigned int flags);

/** Give up all that a secondary process has, which may have been killed. */
void
fastmem_block_detach_peer(struct fastmem_root *root, unsigned int owner);

/**
 * Check what holds of all blocks while no thread uses the library.
 *
 * @param meta_bytes
 *   Set to the bytes of meta memory that those of a socket take.
 * @return
 *   The number of violations.
 */
unsigned int
fastmem_block_audit(struct fastmem_root *root, unsigned int socket_idx,
	uint64_t *meta_bytes);

#endif /* FASTMEM_BLOCK_H */
