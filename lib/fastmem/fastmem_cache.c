/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <sched.h>

#include <rte_memcpy.h>
#include <rte_pause.h>
#include <rte_prefetch.h>

#include "fastmem_cache.h"

/* A reader gives up on a consistent view of a cache after so many tries: its
 * owner may have been killed in the middle of a change. It may also have been
 * preempted, so that most of the tries let others run first.
 */
#define READ_TRIES 2000
#define READ_SPINS 200

/* From here on, allocations are moved out of the state. */
#define STATE_ALLOCS_MAX RTE_BIT64(63 - RTE_FASTMEM_COUNT_BITS)

enum cache_result {
	CACHE_HIT,  /**< Done without leaving the cache. */
	CACHE_MISS, /**< Done with the help of the layers behind. */
	CACHE_NONE  /**< There is no magazine, or no object. */
};

/* The owner's side of the sequence: what lies between is seen whole, or the
 * reader notices. The fence keeps the changes behind the odd number, and the
 * release keeps them before the even one.
 */
static void
cache_begin(struct fastmem_cache *cache)
{
	uint32_t seq = rte_atomic_load_explicit(&cache->sequence,
		rte_memory_order_relaxed);

	rte_atomic_store_explicit(&cache->sequence, seq + 1,
		rte_memory_order_relaxed);
	rte_atomic_thread_fence(rte_memory_order_release);
	fastmem_race_point(FASTMEM_RACE_CACHE_BEGUN);
}

static void
cache_end(struct fastmem_cache *cache)
{
	uint32_t seq = rte_atomic_load_explicit(&cache->sequence,
		rte_memory_order_relaxed);

	fastmem_race_point(FASTMEM_RACE_CACHE_CHANGED);
	rte_atomic_store_explicit(&cache->sequence, seq + 1,
		rte_memory_order_release);
}

/* Add to a counter that only this thread writes; relaxed: for readers. */
static void
cache_count(RTE_ATOMIC(uint64_t) *counter, uint64_t n)
{
	fastmem_race_point(FASTMEM_RACE_CACHE_COUNTS);
	rte_atomic_store_explicit(counter,
		rte_atomic_load_explicit(counter, rte_memory_order_relaxed) + n,
		rte_memory_order_relaxed);
}

static uint32_t
cache_n_prev(const struct fastmem_cache *cache)
{
	return rte_atomic_load_explicit(&cache->n_prev,
		rte_memory_order_relaxed);
}

static void
cache_set_n_prev(struct fastmem_cache *cache, uint32_t n)
{
	rte_atomic_store_explicit(&cache->n_prev, n, rte_memory_order_relaxed);
}

static void
cache_set_state(struct fastmem_cache *cache, uint64_t state)
{
	rte_atomic_store_explicit(&cache->core.state, state,
		rte_memory_order_relaxed);
}

static void
cache_set_n_loaded(struct fastmem_cache *cache, uint32_t n)
{
	uint64_t allocs = fastmem_cache_state(cache) >> RTE_FASTMEM_COUNT_BITS;

	if (unlikely(allocs >= STATE_ALLOCS_MAX)) {
		cache_count(&cache->allocs, allocs);
		allocs = 0;
	}
	cache_set_state(cache, allocs << RTE_FASTMEM_COUNT_BITS | n);
}

static struct fastmem_mag *
cache_loaded(const struct fastmem_cache *cache)
{
	return cache->core.objs == NULL ? NULL : (struct fastmem_mag *)
		RTE_PTR_SUB(cache->core.objs, offsetof(struct fastmem_mag, objs));
}

static void
cache_load(struct fastmem_cache *cache, struct fastmem_mag *mag)
{
	cache->core.objs = mag->objs;
	cache->core.capacity = cache->depot->capacity;
}

/* A magazine from the depot was filled, or emptied, by another lcore, most
 * likely: get all of its cache lines at once rather than one after the other.
 * Those used first come first: the last objects, or the first places.
 */
static void
mag_prefetch(const struct fastmem_mag *mag, uint32_t n)
{
	uint32_t line = RTE_CACHE_LINE_SIZE / sizeof(mag->objs[0]);

	for (; n > line; n -= line)
		rte_prefetch0(&mag->objs[n - 1]);
	rte_prefetch0(&mag->objs[0]);
}

static void
mag_prefetch_write(struct fastmem_mag *mag, uint32_t n)
{
	uint32_t line = RTE_CACHE_LINE_SIZE / sizeof(mag->objs[0]), i;

	for (i = 0; i < n; i += line)
		rte_prefetch0_write(&mag->objs[i]);
}

/* Exchange the two magazines. */
static void
cache_swap(struct fastmem_cache *cache)
{
	struct fastmem_mag *mag = cache->prev;
	uint32_t n_prev = cache_n_prev(cache);

	cache_begin(cache);
	cache_set_n_prev(cache, fastmem_cache_n_loaded(cache));
	fastmem_race_point(FASTMEM_RACE_CACHE_HALF_SWAPPED);
	cache_set_n_loaded(cache, n_prev);
	cache->prev = cache_loaded(cache);
	cache_load(cache, mag);
	cache_end(cache);
}

/* Put an empty magazine that the cache has no use for back. */
static void
cache_put_empty(struct fastmem_cache *cache, struct fastmem_mag *mag)
{
	if (mag == NULL)
		return;
	mag->count = 0;
	fastmem_depot_put(cache->depot, mag);
}

/* Load a magazine with objects in place of the loaded one, which is empty. */
static void
cache_load_full(struct fastmem_cache *cache, struct fastmem_mag *mag)
{
	struct fastmem_mag *old = cache_loaded(cache);

	mag_prefetch(mag, mag->count);
	fastmem_race_point(FASTMEM_RACE_CACHE_FULL_TAKEN);
	cache_begin(cache);
	cache_load(cache, mag);
	cache_set_n_loaded(cache, mag->count);
	cache_count(&cache->taken, mag->count);
	cache_end(cache);
	cache_put_empty(cache, old);
}

/* The loaded magazine is empty, or there is none: get objects. */
static enum cache_result
cache_refill(struct fastmem_cache *cache, unsigned int flags)
{
	struct fastmem_depot *depot = cache->depot;
	struct fastmem_mag *mag;
	unsigned int n;

	if (cache_n_prev(cache) != 0) {
		cache_swap(cache);
		return CACHE_HIT;
	}
	mag = fastmem_depot_get_full(depot);
	if (mag != NULL) {
		cache_load_full(cache, mag);
		return CACHE_MISS;
	}
	if (cache->core.objs == NULL) {
		mag = fastmem_depot_get_empty(depot, fastmem_mag_use(flags));
		if (mag == NULL)
			return CACHE_NONE;
		cache_load(cache, mag);
	}
	n = fastmem_depot_fill(depot, cache->core.objs, cache->core.capacity, flags, 0);
	fastmem_race_point(FASTMEM_RACE_CACHE_FILLED);
	if (n == 0)
		return CACHE_NONE;
	cache_begin(cache);
	cache_set_n_loaded(cache, n);
	cache_count(&cache->taken, n);
	cache_end(cache);
	return CACHE_MISS;
}

/* Put the objects of a cache's magazine straight into slabs. */
static void
cache_drain_loaded(struct fastmem_cache *cache)
{
	uint32_t n = fastmem_cache_n_loaded(cache);

	if (n == 0)
		return;
	fastmem_bin_drain(&cache->depot->bin, cache->core.objs, n);
	fastmem_race_point(FASTMEM_RACE_CACHE_DRAINED);
	cache_begin(cache);
	cache_set_n_loaded(cache, 0);
	cache_count(&cache->given, n);
	cache_end(cache);
}

static void
cache_drain_prev(struct fastmem_cache *cache)
{
	uint32_t n = cache_n_prev(cache);

	if (n == 0)
		return;
	fastmem_bin_drain(&cache->depot->bin, cache->prev->objs, n);
	fastmem_race_point(FASTMEM_RACE_CACHE_DRAINED);
	cache_begin(cache);
	cache_set_n_prev(cache, 0);
	cache_count(&cache->given, n);
	cache_end(cache);
}

/* The loaded magazine is full, or there is none: make room. */
static enum cache_result
cache_make_room(struct fastmem_cache *cache)
{
	struct fastmem_depot *depot = cache->depot;
	struct fastmem_mag *empty, *prev = cache->prev;

	if (prev != NULL && cache_n_prev(cache) != cache->core.capacity) {
		/* Bulk allocations may leave a few objects in it. */
		cache_swap(cache);
		return CACHE_HIT;
	}
	empty = fastmem_depot_get_empty(depot, prev != NULL ?
		FASTMEM_MAG_HOARD : FASTMEM_MAG_KEEP);
	fastmem_race_point(FASTMEM_RACE_CACHE_EMPTY_TAKEN);
	if (cache->core.objs == NULL) {
		if (empty == NULL)
			return CACHE_NONE;
		cache_load(cache, empty);
		return CACHE_HIT;
	}
	if (empty == NULL) {
		/* Keep what was freed last. */
		if (prev != NULL) {
			cache_drain_prev(cache);
			cache_swap(cache);
		} else {
			cache_drain_loaded(cache);
		}
		return CACHE_MISS;
	}
	mag_prefetch_write(empty, cache->core.capacity);
	cache_begin(cache);
	cache->prev = cache_loaded(cache);
	cache_set_n_prev(cache, cache->core.capacity);
	cache_load(cache, empty);
	cache_set_n_loaded(cache, 0);
	if (prev != NULL)
		cache_count(&cache->given, cache->core.capacity);
	cache_end(cache);
	if (prev == NULL)
		return CACHE_HIT;
	fastmem_race_point(FASTMEM_RACE_CACHE_EXCHANGED);
	prev->count = cache->core.capacity;
	fastmem_depot_put(depot, prev);
	return CACHE_MISS;
}

/* Count objects that were allocated past the loaded magazine: all misses. */
static void
cache_count_direct(struct fastmem_cache *cache, unsigned int n)
{
	cache_begin(cache);
	cache_count(&cache->taken, n);
	cache_set_state(cache, fastmem_cache_state(cache) +
		n * RTE_FASTMEM_ONE_ALLOC);
	/* All that an lcore does may be this. */
	cache_set_n_loaded(cache, fastmem_cache_n_loaded(cache));
	cache_count(&cache->alloc_misses, n);
	cache_end(cache);
}

/* Take an object after a visit to the depot. */
static void *
cache_pop_miss(struct fastmem_cache *cache)
{
	void *obj = NULL;

	cache_begin(cache);
	if (__rte_fastmem_pop(&cache->core, &obj))
		cache_count(&cache->alloc_misses, 1);
	cache_end(cache);
	return obj;
}

/* Serve one object past the magazines, of which there are none to be had. */
static void *
cache_alloc_direct(struct fastmem_cache *cache, unsigned int flags)
{
	void *obj;

	if (fastmem_depot_fill(cache->depot, &obj, 1, flags, 0) == 0)
		return NULL;
	cache_count_direct(cache, 1);
	return obj;
}

void *
fastmem_cache_alloc(struct fastmem_cache *cache, unsigned int flags)
{
	enum cache_result result;
	void *obj;

	if (__rte_fastmem_pop(&cache->core, &obj))
		return obj;

	result = cache_refill(cache, flags);
	if (result == CACHE_MISS)
		return cache_pop_miss(cache);
	if (result == CACHE_HIT && __rte_fastmem_pop(&cache->core, &obj))
		return obj;
	return cache->core.objs == NULL ? cache_alloc_direct(cache, flags) : NULL;
}

/* Take objects from the loaded magazine. */
static unsigned int
cache_take(struct fastmem_cache *cache, void **ptrs, unsigned int n)
{
	unsigned int n_loaded = fastmem_cache_n_loaded(cache);

	n = RTE_MIN(n, n_loaded);
	if (n != 0)
		rte_memcpy(ptrs, &cache->core.objs[n_loaded - n], n * sizeof(ptrs[0]));
	cache_set_state(cache, fastmem_cache_state(cache) +
		n * RTE_FASTMEM_ONE_ALLOC - n);
	return n;
}

/* Take objects out of a chain. Of what it holds beyond them, one magazine is
 * loaded, the cache being empty, and others go to the depot.
 */
static void
cache_take_chain(struct fastmem_cache *cache, struct fastmem_chain *chain,
	void **ptrs, unsigned int n)
{
	struct fastmem_mag *mag;
	unsigned int k;

	cache_count_direct(cache, n);
	k = fastmem_chain_take_slabs(chain, cache->depot, ptrs, n);
	fastmem_race_point(FASTMEM_RACE_CACHE_CHAIN_TAKEN);
	ptrs += k;
	n -= k;
	while ((mag = fastmem_chain_pop(chain)) != NULL) {
		k = RTE_MIN(n, mag->count);
		mag->count -= k;
		rte_memcpy(ptrs, &mag->objs[mag->count], k * sizeof(ptrs[0]));
		ptrs += k;
		n -= k;
		if (mag->count != 0 && fastmem_cache_n_loaded(cache) == 0)
			cache_load_full(cache, mag);
		else
			fastmem_depot_put(cache->depot, mag);
	}
}

bool
fastmem_cache_alloc_bulk(struct fastmem_cache *cache, void **ptrs,
	unsigned int n, unsigned int flags)
{
	unsigned int cached = fastmem_cache_n_loaded(cache) + cache_n_prev(cache), k;
	struct fastmem_chain chain;

	if (n > cached && !fastmem_depot_collect(cache->depot, n - cached,
			flags, &chain))
		return false;
	k = cache_take(cache, ptrs, n);
	if (k < n && cache_n_prev(cache) != 0) {
		cache_swap(cache);
		k += cache_take(cache, ptrs + k, n - k);
	}
	if (k < n)
		cache_take_chain(cache, &chain, ptrs + k, n - k);
	return true;
}

void
fastmem_cache_count_nomem(struct fastmem_cache *cache, unsigned int n)
{
	cache_count(&cache->alloc_nomem, n);
}

void
fastmem_cache_free_bulk(struct fastmem_cache *cache, void *const *ptrs,
	unsigned int n)
{
	enum cache_result result = CACHE_HIT;
	unsigned int n_loaded, k;

	for (; n > 0; n -= k, ptrs += k) {
		n_loaded = fastmem_cache_n_loaded(cache);
		if (n_loaded == cache->core.capacity) {
			k = 0;
			result = cache_make_room(cache);
			if (result == CACHE_NONE)
				break;
			continue;
		}
		k = RTE_MIN(n, cache->core.capacity - n_loaded);
		rte_memcpy(&cache->core.objs[n_loaded], ptrs, k * sizeof(ptrs[0]));
		cache_begin(cache);
		cache_set_state(cache, fastmem_cache_state(cache) + k);
		if (result == CACHE_MISS)
			cache_count(&cache->free_misses, k);
		cache_end(cache);
	}
	if (n > 0) {
		fastmem_bin_drain(&cache->depot->bin, ptrs, n);
		cache_begin(cache);
		cache_count(&cache->given, n);
		cache_count(&cache->free_misses, n);
		cache_end(cache);
	}
}

void
fastmem_cache_resize(struct fastmem_cache *cache)
{
	/* An allocation that failed may have left a magazine. */
	if (cache->core.objs != NULL)
		cache->core.capacity = cache->depot->capacity;
}

void
fastmem_cache_flush(struct fastmem_cache *cache)
{
	cache_drain_loaded(cache);
	cache_drain_prev(cache);
}

void
fastmem_cache_retire(struct fastmem_cache *cache)
{
	fastmem_cache_flush(cache);
	cache_put_empty(cache, cache_loaded(cache));
	cache_put_empty(cache, cache->prev);
	cache->core.objs = NULL;
	cache->prev = NULL;
	cache->core.capacity = 0;
}

void
fastmem_cache_read(const struct fastmem_cache *cache,
	struct fastmem_cache_counts *counts)
{
	uint64_t state, allocs, taken, given;
	unsigned int tries;
	uint32_t seq;

	for (tries = 0; tries < READ_TRIES; tries++) {
		/* Acquire: nothing is read before the number. */
		seq = rte_atomic_load_explicit(&cache->sequence,
			rte_memory_order_acquire);
		state = fastmem_cache_state(cache);
		fastmem_race_point(FASTMEM_RACE_CACHE_STATE_READ);
		counts->cached = cache_n_prev(cache);
		allocs = rte_atomic_load_explicit(&cache->allocs,
			rte_memory_order_relaxed);
		taken = rte_atomic_load_explicit(&cache->taken,
			rte_memory_order_relaxed);
		given = rte_atomic_load_explicit(&cache->given,
			rte_memory_order_relaxed);
		counts->alloc_misses = rte_atomic_load_explicit(
			&cache->alloc_misses, rte_memory_order_relaxed);
		counts->free_misses = rte_atomic_load_explicit(
			&cache->free_misses, rte_memory_order_relaxed);
		fastmem_race_point(FASTMEM_RACE_CACHE_COUNTERS_READ);
		/* Nor after it is read again. */
		rte_atomic_thread_fence(rte_memory_order_acquire);
		if ((seq & 1) == 0 && seq == rte_atomic_load_explicit(
				&cache->sequence, rte_memory_order_relaxed))
			break;
		if (tries < READ_SPINS)
			rte_pause();
		else
			sched_yield();
	}
	counts->allocs = allocs + (state >> RTE_FASTMEM_COUNT_BITS);
	counts->cached += state & RTE_FASTMEM_COUNT_MASK;
	counts->frees = counts->cached + given + counts->allocs - taken;
	counts->alloc_nomem = rte_atomic_load_explicit(&cache->alloc_nomem,
		rte_memory_order_relaxed);
}
