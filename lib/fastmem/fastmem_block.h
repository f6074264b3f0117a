/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_BLOCK_H
#define FASTMEM_BLOCK_H

/**
 * @file
 * Block: all caches of one lcore, or of one thread without an lcore id, of one
 * process, and how a thread finds them.
 *
 * A block stands in the memory of its user's socket. The process finds it by
 * an entry in a table of its own. Those without a block have an entry whose
 * caches are all empty and of no capacity: every allocation and every free
 * misses there, and the fast path needs no check of its own. Cache number 0 of
 * each block is like that too, as is that of an address which has no bin.
 *
 * Threads without an lcore id claim an entry when they first miss, and give it
 * up when they end or get an lcore id (see fastmem_thread.h). Those that find
 * all entries claimed do without caches.
 */

#include <pthread.h>

#include <rte_lcore.h>
#include <rte_per_lcore.h>

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

/**
 * A process's view of one lcore, or of one thread without an lcore id, in
 * cache lines that only that writes.
 */
struct __rte_cache_aligned fastmem_lcore {
	struct rte_fastmem_lcore core;
	struct fastmem_block *block;  /**< NULL if it has none. */
	/** A thread's only: its end against the library's being torn down. */
	struct fastmem_lock lock;
	/** A thread's only: acquired by the next one, released by the last. */
	RTE_ATOMIC(uint32_t) claimed;
};
static_assert(sizeof(struct rte_fastmem_lcore) <= RTE_CACHE_LINE_SIZE,
	"what inline functions use has to fit into a cache line");
static_assert(offsetof(struct fastmem_lcore, core) == 0,
	"an entry begins with what inline functions use");
static_assert(offsetof(struct rte_fastmem_cache, state) == 0 &&
	offsetof(struct rte_fastmem_lcore, caches) >= sizeof(uint64_t) &&
	offsetof(struct rte_fastmem_lcore, last) >
		offsetof(struct rte_fastmem_cache, index),
	"what is written has another offset than what is read of the other");

/* So many threads without an lcore id have caches, in each process. A thread's
 * take as much memory as an lcore's, and the default of lcores is 128, too.
 */
#define FASTMEM_MAX_THREADS 128

/** What a process knows by itself. */
extern struct fastmem_process {
	/** Copy of the root's; covers nothing when not initialized. */
	struct fastmem_dir dir;
	struct fastmem_root *root; /**< NULL when not initialized. */
	uint32_t n_bins;           /**< Copy of the root's. */
	/** By lcore id plus one; the first for threads without an entry. */
	struct fastmem_lcore lcores[RTE_MAX_LCORE + 1];
	/** Of threads without an lcore id, in no order. */
	struct fastmem_lcore threads[FASTMEM_MAX_THREADS];
	/** Entries of threads that are claimed; relaxed, a hint. */
	RTE_ATOMIC(uint32_t) n_threads;
	pthread_key_t thread_key; /**< Has the entry that a thread claimed. */
	struct fastmem_lock attach_lock;
	/** Creation of pools: the first one initializes the library. */
	struct fastmem_lock pool_lock;
	bool forked; /**< By a process that uses the library. */
} fastmem_process;

/**
 * The lcore id, or LCORE_ID_ANY, with which the calling thread has to do
 * without caches: it is about to get or to lose its lcore id, or to end, and
 * has given them up.
 */
RTE_DECLARE_PER_LCORE(uint32_t, _fastmem_bare_id);
#define FASTMEM_BARE_NEVER (LCORE_ID_ANY - 1)

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

/** Set up the tables of the process for a root; NULL leaves all blocks alone. */
void
fastmem_block_attach(struct fastmem_root *root);

/** Give up all blocks of the process, and detach from the root. */
void
fastmem_block_detach(void);

/**
 * Allocate n objects of a bin for the calling thread, all or none. A failure
 * is not counted: there may be other bins to turn to.
 *
 * @param flags
 *   RTE_FASTMEM_F_NO_GROW is obeyed.
 */
bool
fastmem_block_alloc(unsigned int index, void **ptrs, unsigned int n,
	unsigned int flags);

/** Count objects that the calling thread could not allocate. */
void
fastmem_block_count_nomem(unsigned int index, unsigned int n);

/** Free objects of a bin for the calling thread. */
void
fastmem_block_free(unsigned int index, void *const *ptrs, unsigned int n);

/** Let all caches follow the capacities of depots, which have changed. */
void
fastmem_block_resize_all(struct fastmem_root *root);

/** Put an lcore's or thread's objects into their slabs and give up its block.
 * A thread's only with its lock held.
 */
void
fastmem_block_retire(struct fastmem_lcore *lcore);

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

/** Give up what an entry of a thread has, and the entry. */
void
fastmem_block_release(struct fastmem_lcore *thread);

#endif /* FASTMEM_BLOCK_H */
