/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_LOCK_H
#define FASTMEM_LOCK_H

/**
 * @file
 * To wait for a spinlock whose holder may have been preempted.
 *
 * Threads without an lcore id may be many more than there are CPUs. If all of
 * them spin for as long as they are let, the holder comes last.
 */

#include <sched.h>

#include <rte_lock_annotations.h>
#include <rte_pause.h>
#include <rte_spinlock.h>

/* More than anyone takes who holds a lock for some instructions. */
#define FASTMEM_LOCK_SPINS 256

static inline void
fastmem_lock(rte_spinlock_t *lock)
	__rte_acquire_capability(lock)
	__rte_no_thread_safety_analysis
{
	unsigned int spins = 0;

	while (rte_spinlock_trylock(lock) == 0) {
		if (++spins % FASTMEM_LOCK_SPINS == 0)
			sched_yield();
		else
			rte_pause();
	}
}

#endif /* FASTMEM_LOCK_H */
