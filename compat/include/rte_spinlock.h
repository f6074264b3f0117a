/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_COMPAT_RTE_SPINLOCK_H
#define FASTMEM_COMPAT_RTE_SPINLOCK_H

#include_next <rte_spinlock.h>
#include <rte_lock_annotations.h>

/*
 * DPDK's spinlock is annotated since 23.03. For older releases, and only while
 * clang checks the locks, one with the same layout takes its place, because an
 * attribute cannot be added to a type that is defined already.
 */

#if defined(RTE_ANNOTATE_LOCKS) && !__has_include_next(<rte_lock_annotations.h>)

struct __rte_capability("spinlock") fastmem_compat_spinlock {
	rte_spinlock_t lock;
};

static inline void
fastmem_compat_spinlock_init(struct fastmem_compat_spinlock *sl)
{
	rte_spinlock_init(&sl->lock);
}

static inline void
fastmem_compat_spinlock_lock(struct fastmem_compat_spinlock *sl)
	__rte_acquire_capability(sl)
	__rte_no_thread_safety_analysis
{
	rte_spinlock_lock(&sl->lock);
}

static inline void
fastmem_compat_spinlock_unlock(struct fastmem_compat_spinlock *sl)
	__rte_release_capability(sl)
	__rte_no_thread_safety_analysis
{
	rte_spinlock_unlock(&sl->lock);
}

static inline int
fastmem_compat_spinlock_trylock(struct fastmem_compat_spinlock *sl)
	__rte_try_acquire_capability(1, sl)
	__rte_no_thread_safety_analysis
{
	return rte_spinlock_trylock(&sl->lock);
}

static inline int
fastmem_compat_spinlock_is_locked(struct fastmem_compat_spinlock *sl)
{
	return rte_spinlock_is_locked(&sl->lock);
}

#define rte_spinlock_t struct fastmem_compat_spinlock
#undef RTE_SPINLOCK_INITIALIZER
#define RTE_SPINLOCK_INITIALIZER { { 0 } }
#define rte_spinlock_init fastmem_compat_spinlock_init
#define rte_spinlock_lock fastmem_compat_spinlock_lock
#define rte_spinlock_unlock fastmem_compat_spinlock_unlock
#define rte_spinlock_trylock fastmem_compat_spinlock_trylock
#define rte_spinlock_is_locked fastmem_compat_spinlock_is_locked

#endif

#endif /* FASTMEM_COMPAT_RTE_SPINLOCK_H */
