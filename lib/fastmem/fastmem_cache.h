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
 * The number of objects in the loaded magazine and the number of objects
 * allocated share one word, `state`, so that counting costs the fast path one
 * addition of another constant, and a reader on another lcore gets both
 * at the same moment. The latter has 48 bits, of which the slow path moves
 * what there is to a counter of 64 when it comes by and the uppermost bit is
 * set. (To leave the rest out, an lcore would have to allocate 140 trillion
 * objects without ever leaving its cache: four days at 400 millions a second.)
 * The rest follows:
 *
 *   objects freed = objects in the cache + objects given to the depot
 *                   + objects allocated - objects taken from the depot
 *   hits = objects allocated (freed) - misses
 */

#include "fastmem_depot.h"
#include "fastmem_private.h"

static_assert(FASTMEM_MAG_MAX_OBJECTS <= RTE_FASTMEM_COUNT_MASK,
	"the number of objects in a magazine has to fit into its bits");

struct __rte_cache_aligned fastmem_cache {
	struct rte_fastmem_cache core;
	struct fastmem_mag *prev;
	struct fastmem_depot *depot;
	/** Odd while the owner changes more than `state`. */
	RTE_ATOMIC(uint32_t) sequence;
	RTE_ATOMIC(uint32_t) n_prev; /**< Objects in the previous magazine. */

	/* Off the fast path. Written by the owner only, relaxed. */
	struct __rte_cache_aligned {
		RTE_ATOMIC(uint64_t) allocs;  /**< Not in `state` any more. */
		RTE_ATOMIC(uint64_t) taken;   /**< Objects from the depot. */
		RTE_ATOMIC(uint64_t) given;   /**< Objects to the depot. */
		RTE_ATOMIC(uint64_t) alloc_misses;
		RTE_ATOMIC(uint64_t) alloc_nomem;
		RTE_ATOMIC(uint64_t) free_misses;
		struct fastmem_journal *journal; /**< Of its block. */
	};
};
static_assert(sizeof(struct fastmem_cache) == RTE_FASTMEM_CACHE_STRIDE,
	"inline functions compute the addresses of caches");
static_assert(offsetof(struct fastmem_cache, core) == 0,
	"a cache begins with what inline functions use");

static inline uint64_t
fastmem_cache_state(const struct fastmem_cache *cache)
{
	return rte_atomic_load_explicit(&cache->core.state,
		rte_memory_order_relaxed);
}

/** Objects in the loaded magazine. */
static inline uint32_t
fastmem_cache_n_loaded(const struct fastmem_cache *cache)
{
	return fastmem_cache_state(cache) & RTE_FASTMEM_COUNT_MASK;
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

/** Count objects that could not be allocated. */
void
fastmem_cache_count_nomem(struct fastmem_cache *cache, unsigned int n);

/** Free objects. */
void
fastmem_cache_free_bulk(struct fastmem_cache *cache, void *const *ptrs,
	unsigned int n);

/** Follow the depot's capacity, which has changed. No object is in the cache. */
void
fastmem_cache_resize(struct fastmem_cache *cache);

enum fastmem_cache_result {
	FASTMEM_CACHE_HIT,  /**< Done without leaving the cache. */
	FASTMEM_CACHE_MISS, /**< Done with the help of the layers behind. */
	FASTMEM_CACHE_NONE  /**< There is no magazine, or no object. */
};

/** Make room for an object in a cache whose loaded magazine is full. */
enum fastmem_cache_result
fastmem_cache_make_room(struct fastmem_cache *cache);

/**
 * Add magazines with n objects or more to the chain of a cache's journal, whose
 * owner is waiting for it.
 *
 * @return
 *   False, with nothing added, if there is no memory for it.
 */
bool
fastmem_cache_collect(struct fastmem_cache *cache, unsigned int n,
	unsigned int flags);

/** Put the objects of a cache into their slabs. */
void
fastmem_cache_flush(struct fastmem_cache *cache);

/** Flush a cache, and give up its magazines. */
void
fastmem_cache_retire(struct fastmem_cache *cache);

#endif /* FASTMEM_CACHE_H */
