/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_LOCK_H
#define FASTMEM_LOCK_H

/**
 * @file
 * The lock of everything that is not done without one; their order is in
 * fastmem_private.h.
 *
 * Threads of any kind take these locks, perhaps many more than there are CPUs.
 * Who spins while the holder is preempted keeps it from going on, for a whole
 * time slice of each that spins. Who yields leaves it to the scheduler when
 * either of them goes on. So threads spin for no longer than a lock is held
 * when its holder runs, and then sleep until it is free, which is what
 * an adaptive mutex does.
 *
 * A mutex in shared memory is of use to one process only, and of none when its
 * holder is killed. Those that lie there are taken by the primary process alone,
 * and end with it.
 */

#include <pthread.h>
#include <stdbool.h>

#include <rte_cycles.h>
#include <rte_lock_annotations.h>
#include <rte_pause.h>

#include "fastmem_private.h"

struct __rte_capability("lock") fastmem_lock {
	pthread_mutex_t mutex;
};

#ifdef PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP
#define FASTMEM_LOCK_INITIALIZER { .mutex = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP }
#else
#define FASTMEM_LOCK_INITIALIZER { .mutex = PTHREAD_MUTEX_INITIALIZER }
#endif

/** Also of one that other threads held when the process was forked. */
static inline void
fastmem_lock_init(struct fastmem_lock *lock)
{
	*lock = (struct fastmem_lock)FASTMEM_LOCK_INITIALIZER;
}

static inline void
fastmem_lock(struct fastmem_lock *lock)
	__rte_acquire_capability(lock)
	__rte_no_thread_safety_analysis
{
	pthread_mutex_lock(&lock->mutex);
}

/** Return whether it was free, and is held now. */
static inline bool
fastmem_trylock(struct fastmem_lock *lock)
	__rte_try_acquire_capability(true, lock)
	__rte_no_thread_safety_analysis
{
	return pthread_mutex_trylock(&lock->mutex) == 0;
}

static inline void
fastmem_unlock(struct fastmem_lock *lock)
	__rte_release_capability(lock)
	__rte_no_thread_safety_analysis
{
	pthread_mutex_unlock(&lock->mutex);
}

/* Spins of some ten cycles each, before a waiting thread sleeps. */
#define FASTMEM_WAIT_SPINS 64

/**
 * Wait, where there is no lock to wait for, for what another thread is about
 * to do, which may have been preempted.
 *
 * @param spins
 *   0 at first; counts the calls.
 */
static inline void
fastmem_wait(unsigned int *spins)
{
	if (++*spins < FASTMEM_WAIT_SPINS)
		rte_pause();
	else
		rte_delay_us_sleep(1);
}

/* Such calls before a secondary process looks whether the primary one lives. */
#define FASTMEM_WAIT_ALIVE 1000

/**
 * The same, for what a thread of the primary process is about to do.
 *
 * @return
 *   False if it never will: the process has died in the middle of it.
 */
static inline bool
fastmem_wait_primary(unsigned int *spins)
{
	fastmem_wait(spins);
	return !fastmem_is_remote() || !fastmem_primary_has_ended(
		*spins % FASTMEM_WAIT_ALIVE == 0);
}

#endif /* FASTMEM_LOCK_H */
