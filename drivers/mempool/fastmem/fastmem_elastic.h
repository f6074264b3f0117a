/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_ELASTIC_H
#define FASTMEM_ELASTIC_H

/**
 * @file
 * The parts of an elastic pool.
 *
 * type     Where the objects come from: the slabs of a type of objects of the
 *          fastmem library.
 * store    The free objects of the pool, in a lock-free stack.
 * taken    How many objects are out of the type's slabs: in use, in mempool's
 *          caches, or in the store. Counted before they are taken, so that
 *          they are never more than the size of the pool.
 * transit  How many threads hold objects between the type and the store, and
 *          how often that ended. Who finds no objects knows by this that there
 *          may be some.
 *
 *   objects in use or in caches = taken - objects in the store
 *   taken <= size of the pool
 *   objects of the type outside of its slabs = taken, but for transit
 *
 * The type's own caches and depot are left empty: what a thread does not need
 * of what it took goes to the store or to the slabs, where all find it.
 *
 * Mempool's list of objects is kept by the constructor and the destructor. So
 * that an object can be taken off, the address of the pointer to it is noted
 * in front of its header.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>
#include <rte_fastmem.h>
#include <rte_lock_annotations.h>
#include <rte_log.h>
#include <rte_mempool.h>
#include <rte_memzone.h>
#include <rte_stack.h>
#include <rte_stdatomic.h>

#include "rte_mempool_fastmem.h"

#define ELASTIC_SLAB_BYTES (UINT64_C(2) << 20)

/** At the edges of its memory, and to shift its objects, a slab may lack pages. */
#define ELASTIC_SLAB_LEAST_BYTES (ELASTIC_SLAB_BYTES - 3 * 4096)

/**
 * A lock of the primary process: threads spin for a while, and then sleep until
 * it is free, since its holder may have been preempted.
 */
struct __rte_capability("lock") elastic_lock {
	pthread_mutex_t mutex;
};

#ifdef PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP
#define ELASTIC_LOCK_INITIALIZER { .mutex = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP }
#else
#define ELASTIC_LOCK_INITIALIZER { .mutex = PTHREAD_MUTEX_INITIALIZER }
#endif

struct elastic_local;

/** What all processes see of a pool. */
struct __rte_cache_aligned elastic_pool {
	const struct rte_memzone *zone; /**< Where this is. */
	struct rte_mempool *mp;
	struct rte_stack *store;
	/** What only the primary process may look at. */
	struct elastic_local *local;
	rte_fastmem_handle_t handle;
	uint32_t size;
	/** From the start of a typed object to that of the mempool's. */
	uint32_t offset;
	uint64_t obj_bytes; /**< Of a typed object. */

	struct __rte_cache_aligned {
		RTE_ATOMIC(uint32_t) taken;
		/** The most in use since the last reckoning; relaxed. */
		RTE_ATOMIC(uint32_t) used_max;
		RTE_ATOMIC(uint32_t) n_constructed;
		/** Nothing is taken from the type any more; relaxed. */
		RTE_ATOMIC(uint32_t) ends;
		RTE_ATOMIC(uint64_t) transit;
		/** Until when it is in vain to look for memory; relaxed. */
		RTE_ATOMIC(uint64_t) starved_until;
		/** For so many objects, or more; relaxed. */
		RTE_ATOMIC(uint32_t) starved_objs;
	};
};

/** What the primary process needs for it. */
struct elastic_local {
	struct elastic_pool *pool;
	/** Enters an object into mempool's list. */
	rte_mempool_populate_obj_cb_t *enter;
	void *enter_arg;
	rte_mempool_obj_cb_t *init;
	void *init_arg;
	unsigned int n_ranges; /**< Not yet published. */

	/** Guards mempool's list of objects; taken last of all. */
	struct elastic_lock list_lock;
	/** Guards the rest, and is held while objects are given back: before
	 * the locks of the library.
	 */
	struct elastic_lock trim_lock;
	struct rte_fastmem_elastic_policy policy __rte_guarded_var;
	unsigned int n_ticks __rte_guarded_var;
};

extern int fastmem_elastic_logtype;
#define RTE_LOGTYPE_FASTMEM_ELASTIC fastmem_elastic_logtype
#define ELASTIC_LOG(level, ...) \
	RTE_LOG_LINE(level, FASTMEM_ELASTIC, "" __VA_ARGS__)

static inline void
elastic_lock_init(struct elastic_lock *lock)
{
	*lock = (struct elastic_lock)ELASTIC_LOCK_INITIALIZER;
}

static inline void
elastic_lock(struct elastic_lock *lock)
	__rte_acquire_capability(lock)
	__rte_no_thread_safety_analysis
{
	pthread_mutex_lock(&lock->mutex);
}

static inline void
elastic_unlock(struct elastic_lock *lock)
	__rte_release_capability(lock)
	__rte_no_thread_safety_analysis
{
	pthread_mutex_unlock(&lock->mutex);
}

static inline uint32_t
elastic_taken(const struct elastic_pool *pool)
{
	return rte_atomic_load_explicit(&pool->taken, rte_memory_order_relaxed);
}

static inline uint32_t
elastic_n_constructed(const struct elastic_pool *pool)
{
	return rte_atomic_load_explicit(&pool->n_constructed,
		rte_memory_order_relaxed);
}

/** Objects that are in use or in mempool's caches. */
static inline uint32_t
elastic_n_used(struct elastic_pool *pool)
{
	uint32_t n_free = rte_stack_count(pool->store);
	uint32_t taken = elastic_taken(pool);

	return taken > n_free ? taken - n_free : 0;
}

/** Note how many are used if it is more than before. */
static inline void
elastic_note_use(struct elastic_pool *pool)
{
	uint32_t used = elastic_n_used(pool);
	uint32_t max = rte_atomic_load_explicit(&pool->used_max,
		rte_memory_order_relaxed);

	while (unlikely(used > max))
		if (rte_atomic_compare_exchange_weak_explicit(&pool->used_max,
				&max, used, rte_memory_order_relaxed,
				rte_memory_order_relaxed))
			break;
}

/** Tell if a mempool is an elastic one. */
bool
fastmem_elastic_is(const struct rte_mempool *mp);

/** Set the policy of a pool, and begin an interval. */
void
fastmem_elastic_set_policy(struct elastic_pool *pool,
	const struct rte_fastmem_elastic_policy *policy);

/** Take what the store has, n at most. */
unsigned int
fastmem_elastic_pop(struct elastic_pool *pool, void **objs, unsigned int n);

/** Get n objects which the store alone does not have. */
int
fastmem_elastic_grow(struct elastic_pool *pool, void **objs, unsigned int n);

/** Give free objects back until there are no more than `keep`. */
void
fastmem_elastic_shrink(struct elastic_pool *pool, unsigned int keep);

/** Mempool's operations that are not for the data path. */
int
fastmem_elastic_alloc(struct rte_mempool *mp);

void
fastmem_elastic_free(struct rte_mempool *mp);

int
fastmem_elastic_populate(struct rte_mempool *mp, unsigned int max_objs,
	void *vaddr, rte_iova_t iova, size_t len,
	rte_mempool_populate_obj_cb_t *obj_cb, void *obj_cb_arg);

/** Put objects that the store has no room for back into the slabs. */
void
fastmem_elastic_give_back(struct elastic_pool *pool, void * const *objs,
	unsigned int n);

#endif /* FASTMEM_ELASTIC_H */
