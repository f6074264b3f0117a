/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_KEEPER_H
#define FASTMEM_KEEPER_H

/**
 * @file
 * Keeper: the threads of the primary process that serve secondary processes
 * and clear up after those which were killed.
 *
 * There are two, from the first attachment on. The first one serves all that
 * takes no memory from EAL, so that nobody waits for EAL who need not; what it
 * finds no memory for, and is allowed to grow, it leaves to the second one.
 *
 * Each attached process, and the primary one, holds a POSIX record lock on one
 * byte of a file in EAL's runtime directory. The kernel drops it with the process, however that
 * ends, so a used peer without a lock is dead. Such locks are not inherited by
 * fork(), and know nothing of numbers of processes, which recur and differ
 * between containers.
 */

#include <stdbool.h>
#include <stdint.h>

#include <rte_stdatomic.h>

#include "fastmem_futex.h"
#include "fastmem_remote.h"

/** Name of the action of EAL's multi-process channel. */
#define FASTMEM_KEEPER_ACTION "fastmem_attach"

/** Rung when there is something to do; counts. */
struct __rte_cache_aligned fastmem_bell {
	RTE_ATOMIC(uint32_t) rings;
};

static inline void
fastmem_keeper_ring(struct fastmem_bell *bell)
{
	/* Release: what there is to do comes first. */
	rte_atomic_fetch_add_explicit(&bell->rings, 1,
		rte_memory_order_release);
	fastmem_futex_wake(&bell->rings);
}

/** Open the file with the locks, or make it; -1 with errno set if that fails. */
int
fastmem_keeper_open_locks(bool create);

/** Lock a peer's place; false if another process holds it. */
bool
fastmem_keeper_lock_peer(int fd, unsigned int peer);

void
fastmem_keeper_unlock_peer(int fd, unsigned int peer);

/** In a secondary process: tell if the primary one serves nobody any more. */
bool
fastmem_keeper_has_ended(int fd);

/** In the primary process: be ready for others to attach. */
void
fastmem_keeper_open(struct fastmem_root *root);

/** Stop serving. Nobody may be attached. */
void
fastmem_keeper_close(void);

/**
 * Clear up after all processes that were killed.
 *
 * @param wait
 *   Whether to wait for growth that one of them asked for.
 * @return
 *   Their number.
 */
unsigned int
fastmem_keeper_reclaim(bool wait);

/** Let no request be served, but for growth, nor a process be cleared up after. */
void
fastmem_keeper_pause(void);

void
fastmem_keeper_resume(void);

#endif /* FASTMEM_KEEPER_H */
