/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_LCORE_H
#define FASTMEM_LCORE_H

/**
 * @file
 * Lcore: what a process knows of its lcores and of its threads without an lcore
 * id, and how each of them finds its block.
 *
 * What the fast path has to know of the block, a thread keeps in thread-local
 * storage. From the start, and as long as it has no block, its caches are all
 * empty and of no capacity: every allocation and every free misses there, and
 * the fast path needs no check of its own. Cache number 0 of each block is like
 * that too, as is that of an address which has no bin.
 *
 * The process has a table with an entry for each lcore, and some that threads
 * without an lcore id claim. A thread takes its entry when it first misses, and
 * leaves it when it ends, or gets or loses an lcore id (see fastmem_thread.h).
 * Those that find all entries claimed do without caches.
 *
 * When the library is torn down, each thread has to know of no block any more,
 * whatever its next call is. So the entry points to what the thread keeps. That
 * is gone with the thread: hence the lock, and a thread whose end would not be
 * noticed gets no block.
 */

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_lcore.h>
#include <rte_per_lcore.h>

#include "fastmem_block.h"
#include "fastmem_lock.h"

/** A process's view of one lcore, or of one thread without an lcore id. */
struct fastmem_lcore {
	struct fastmem_block *block; /**< NULL if it has none. */
	/** What the thread itself knows of the block, as long as it has one. */
	struct rte_fastmem_lcore *core;
	/** The end of the thread against the library's being torn down. */
	struct fastmem_lock lock;
	/** A thread's only: acquired by the next one, released by the last. */
	RTE_ATOMIC(uint32_t) claimed;
};
static_assert(sizeof(struct rte_fastmem_lcore) == RTE_CACHE_LINE_SIZE,
	"what inline functions use has to fit into a cache line");
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
	/**
	 * The first for threads without an entry, which never has a block; then
	 * by lcore id; then of threads without one, in no order.
	 */
	struct fastmem_lcore lcores[1 + RTE_MAX_LCORE + FASTMEM_MAX_THREADS];
	/** Entries of threads that are claimed; relaxed, a hint. */
	RTE_ATOMIC(uint32_t) n_threads;
	pthread_key_t thread_key; /**< Has a thread's entry, if any. */
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

/** The thread's entry, or the first one as long as it has none.
 *
 * Entries never move, and are emptied rather than left when the library is
 * torn down, so this need not be set anew for each thread then.
 */
RTE_DECLARE_PER_LCORE(struct fastmem_lcore *, _fastmem_lcore);

static inline struct fastmem_lcore *
fastmem_lcore_self(void)
{
	return RTE_PER_LCORE(_fastmem_lcore);
}

/** Attach the process to a root; its threads learn of it when they first miss. */
void
fastmem_lcore_attach(struct fastmem_root *root);

/** Give up all blocks of the process, and detach from the root. */
void
fastmem_lcore_detach(void);

/** Detach from the root, whose memory is gone, and leave all blocks alone. */
void
fastmem_lcore_abandon(void);

/** The same in a forked process, where there are no other threads. */
void
fastmem_lcore_fork_child(void);

/** Set the directory in what a thread knows to that of the process. */
void
fastmem_lcore_get_dir(struct rte_fastmem_lcore *core);

/**
 * Allocate n objects of a bin for the calling thread, all or none. A failure
 * is not counted: there may be other bins to turn to.
 *
 * @param flags
 *   RTE_FASTMEM_F_NO_GROW is obeyed.
 */
bool
fastmem_lcore_alloc(unsigned int index, void **ptrs, unsigned int n,
	unsigned int flags);

/** Count objects that the calling thread could not allocate. */
void
fastmem_lcore_count_nomem(unsigned int index, unsigned int n);

/** Free objects of a bin for the calling thread. */
void
fastmem_lcore_free(unsigned int index, void *const *ptrs, unsigned int n);

/** For the thread of an entry: put its objects into their slabs, and give up its
 * block and the entry.
 */
void
fastmem_lcore_leave(struct fastmem_lcore *lcore);

#endif /* FASTMEM_LCORE_H */
