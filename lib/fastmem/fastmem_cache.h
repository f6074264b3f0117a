/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_CACHE_H
#define FASTMEM_CACHE_H

/**
 * @file
 * Cache: an lcore's magazines of one bin.
 *
 * A cache has two magazines, as Bonwick and Adams describe: objects are taken
 * from and put into the loaded one; when that is empty (full) and the previous
 * one is not, the two change places; otherwise the previous one is exchanged
 * at the depot. So an lcore has to allocate or free a whole magazine between
 * two visits to the depot.
 *
 * The number of objects in the loaded magazine and the number of objects ever
 * allocated share one word, `state`, so that counting costs the fast path one
 * addition of another constant, and a reader on another lcore gets both
 * at the same moment. The rest follows:
 *
 *   objects freed = objects in the cache + objects given to the depot
 *                   + objects allocated - objects taken from the depot
 *   hits = objects allocated (freed) - misses
 */

#include "fastmem_depot.h"
#include "fastmem_private.h"

#define FASTMEM_CACHE_COUNT_BITS 12
#define FASTMEM_CACHE_COUNT_MASK (RTE_BIT64(FASTMEM_CACHE_COUNT_BITS) - 1)
#define FASTMEM_CACHE_ONE_ALLOC RTE_BIT64(FASTMEM_CACHE_COUNT_BITS)
static_assert(FASTMEM_MAG_MAX_OBJECTS <= FASTMEM_CACHE_COUNT_MASK,
	"the number of objects in a magazine has to fit into its bits");

struct __rte_cache_aligned fastmem_cache {
	/** Allocations above, objects in the loaded magazine below.
	 * Written by the owner only; relaxed, a counter for readers.
	 */
	RTE_ATOMIC(uint64_t) state;
	void **objs;         /**< The loaded magazine's. */
	uint32_t capacity;   /**< Of a magazine; 0 before the first use. */
	uint32_t index;      /**< Of the bin. */
	uintptr_t misalign;  /**< Bits that are zero in an object's address. */
	struct fastmem_mag *prev;
	struct fastmem_depot *depot;
	/** Odd while the owner changes more than `state`. */
	RTE_ATOMIC(uint32_t) sequence;
	RTE_ATOMIC(uint32_t) n_prev; /**< Objects in the previous magazine. */

	/* Off the fast path. Written by the owner only, relaxed. */
	struct __rte_cache_aligned {
		RTE_ATOMIC(uint64_t) taken;   /**< Objects from the depot. */
		RTE_ATOMIC(uint64_t) given;   /**< Objects to the depot. */
		RTE_ATOMIC(uint64_t) alloc_misses;
		RTE_ATOMIC(uint64_t) alloc_nomem;
		RTE_ATOMIC(uint64_t) free_misses;
	};
};

/** What the counters of a cache say. */
struct fastmem_cache_counts {
	uint64_t allocs;
	uint64_t alloc_misses;
	uint64_t alloc_nomem;
	uint64_t frees;
	uint64_t free_misses;
	uint64_t cached; /**< Objects in the cache. */
};

static inline uint64_t
fastmem_cache_state(const struct fastmem_cache *cache)
{
	return rte_atomic_load_explicit(&cache->state,
		rte_memory_order_relaxed);
}

static inline void
fastmem_cache_set_state(struct fastmem_cache *cache, uint64_t state)
{
	rte_atomic_store_explicit(&cache->state, state,
		rte_memory_order_relaxed);
}

/** Take an object from the loaded magazine; false if it is empty. */
static inline bool
fastmem_cache_pop(struct fastmem_cache *cache, void **obj)
{
	uint64_t state = fastmem_cache_state(cache);
	unsigned int n = state & FASTMEM_CACHE_COUNT_MASK;

	if (unlikely(n == 0))
		return false;
	fastmem_cache_set_state(cache, state + FASTMEM_CACHE_ONE_ALLOC - 1);
	*obj = cache->objs[n - 1];
	return true;
}

/** Put an object into the loaded magazine; false if it is full. */
static inline bool
fastmem_cache_push(struct fastmem_cache *cache, void *obj)
{
	uint64_t state = fastmem_cache_state(cache);
	unsigned int n = state & FASTMEM_CACHE_COUNT_MASK;

	if (unlikely(n == cache->capacity))
		return false;
	cache->objs[n] = obj;
	fastmem_cache_set_state(cache, state + 1);
	return true;
}

/**
 * Allocate an object, by all means.
 *
 * @param flags
 *   RTE_FASTMEM_F_NO_GROW is obeyed.
 */
void *
fastmem_cache_alloc(struct fastmem_cache *cache, unsigned int flags);

/** Allocate n objects, all or none. */
bool
fastmem_cache_alloc_bulk(struct fastmem_cache *cache, void **ptrs,
	unsigned int n, unsigned int flags);

/** Free objects. */
void
fastmem_cache_free_bulk(struct fastmem_cache *cache, void *const *ptrs,
	unsigned int n);

/** Put the objects of a cache into their slabs. */
void
fastmem_cache_flush(struct fastmem_cache *cache);

/** Flush a cache, and give up its magazines. */
void
fastmem_cache_retire(struct fastmem_cache *cache);

/** Read a cache's counters, from any thread. */
void
fastmem_cache_read(const struct fastmem_cache *cache,
	struct fastmem_cache_counts *counts);

#endif /* FASTMEM_CACHE_H */
