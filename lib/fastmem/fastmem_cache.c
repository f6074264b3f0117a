/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <rte_memcpy.h>
#include <rte_prefetch.h>

#include "fastmem_cache.h"
#include "fastmem_journal.h"
#include "fastmem_remote.h"

static struct fastmem_mag *
cache_loaded(const struct fastmem_cache *cache)
{
	return cache->core.objs == NULL ? NULL : (struct fastmem_mag *)
		RTE_PTR_SUB(cache->core.objs, offsetof(struct fastmem_mag, objs));
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
	struct fastmem_change *change = fastmem_change_begin(cache);

	change->n_prev = fastmem_cache_n_loaded(cache);
	change->state = fastmem_state_with_n(change->state, fastmem_cache_n_prev(cache));
	change->objs = cache->prev->objs;
	change->prev = cache_loaded(cache);
	fastmem_change_commit(cache);
}

/* Put an empty magazine that the cache has no use for back. */
static void
cache_put_empty(struct fastmem_cache *cache, struct fastmem_mag *mag)
{
	if (mag == NULL)
		return;
	mag->count = 0;
	fastmem_depot_put(cache->depot, mag, &cache->journal->hand);
}

/* Load a magazine with objects, which is in the hand, or which is the chain's
 * first one. It takes the place of the loaded one if that is empty; if not, it
 * takes that of the previous one, which is empty, or is not there.
 */
static void
cache_load_full(struct fastmem_cache *cache, struct fastmem_mag *mag,
	struct fastmem_mag *chain)
{
	uint32_t n_loaded = fastmem_cache_n_loaded(cache);
	struct fastmem_mag *old = cache_loaded(cache);
	struct fastmem_change *change;

	mag_prefetch(mag, mag->count);
	fastmem_race_point(FASTMEM_RACE_CACHE_FULL_TAKEN);
	change = fastmem_change_begin(cache);
	if (n_loaded != 0) {
		change->prev = old;
		change->n_prev = n_loaded;
		old = cache->prev;
	}
	change->objs = mag->objs;
	change->state = fastmem_state_with_n(change->state, mag->count);
	change->taken += mag->count;
	change->chain = chain;
	change->out = old;
	if (old != NULL)
		old->count = 0;
	fastmem_change_commit(cache);
	cache_put_empty(cache, old);
}

/* Load an empty magazine, which is in the hand, when there is none. */
static void
cache_load_empty(struct fastmem_cache *cache, struct fastmem_mag *mag)
{
	struct fastmem_change *change = fastmem_change_begin(cache);

	change->objs = mag->objs;
	change->state = fastmem_state_with_n(change->state, 0);
	fastmem_change_commit(cache);
}

/* Get objects without asking slabs for them. */
static enum fastmem_cache_result
cache_refill_here(struct fastmem_cache *cache)
{
	struct fastmem_journal *journal = cache->journal;
	struct fastmem_mag *mag;

	if (fastmem_cache_n_prev(cache) != 0) {
		cache_swap(cache);
		return FASTMEM_CACHE_HIT;
	}
	mag = fastmem_depot_get_full(cache->depot, &journal->hand);
	if (mag == NULL)
		return FASTMEM_CACHE_NONE;
	cache_load_full(cache, mag, journal->chain);
	return FASTMEM_CACHE_MISS;
}

/* The loaded magazine is empty, or there is none: get objects. */
static enum fastmem_cache_result
cache_refill(struct fastmem_cache *cache, unsigned int flags)
{
	enum fastmem_cache_result result = cache_refill_here(cache);
	struct fastmem_depot *depot = cache->depot;
	struct fastmem_mag *mag;
	unsigned int n;

	if (result != FASTMEM_CACHE_NONE)
		return result;
	if (cache->core.objs == NULL) {
		mag = fastmem_depot_get_empty(depot, fastmem_mag_use(flags),
			&cache->journal->hand);
		if (mag == NULL)
			return FASTMEM_CACHE_NONE;
		cache_load_empty(cache, mag);
	}
	n = fastmem_depot_fill(depot, cache->core.objs, cache->core.capacity, flags, 0);
	fastmem_race_point(FASTMEM_RACE_CACHE_FILLED);
	if (n == 0)
		return FASTMEM_CACHE_NONE;
	fastmem_cache_begin(cache);
	fastmem_cache_set_n_loaded(cache, n);
	fastmem_cache_count(&cache->taken, n);
	fastmem_cache_end(cache);
	fastmem_cache_fold(cache);
	return FASTMEM_CACHE_MISS;
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
	fastmem_cache_begin(cache);
	fastmem_cache_set_n_loaded(cache, 0);
	fastmem_cache_count(&cache->given, n);
	fastmem_cache_end(cache);
	fastmem_cache_fold(cache);
}

static void
cache_drain_prev(struct fastmem_cache *cache)
{
	uint32_t n = fastmem_cache_n_prev(cache);

	if (n == 0)
		return;
	fastmem_bin_drain(&cache->depot->bin, cache->prev->objs, n);
	fastmem_race_point(FASTMEM_RACE_CACHE_DRAINED);
	fastmem_cache_begin(cache);
	fastmem_cache_set_n_prev(cache, 0);
	fastmem_cache_count(&cache->given, n);
	fastmem_cache_end(cache);
}

/* The loaded magazine is full and so is the previous one, if there is any: load
 * an empty one, which is in the hand, and push the previous one.
 */
static void
cache_unload_full(struct fastmem_cache *cache, struct fastmem_mag *empty)
{
	struct fastmem_mag *prev = cache->prev;
	struct fastmem_change *change;

	mag_prefetch_write(empty, cache->core.capacity);
	change = fastmem_change_begin(cache);
	change->prev = cache_loaded(cache);
	change->n_prev = cache->core.capacity;
	change->objs = empty->objs;
	change->state = fastmem_state_with_n(change->state, 0);
	if (prev != NULL) {
		prev->count = cache->core.capacity;
		change->given += prev->count;
		change->out = prev;
	}
	fastmem_change_commit(cache);
	fastmem_race_point(FASTMEM_RACE_CACHE_EXCHANGED);
	if (prev != NULL)
		fastmem_depot_put(cache->depot, prev, &cache->journal->hand);
}

/* Keep what was freed last. */
static void
cache_drain_older(struct fastmem_cache *cache)
{
	if (cache->prev != NULL) {
		cache_drain_prev(cache);
		cache_swap(cache);
	} else {
		cache_drain_loaded(cache);
	}
}

enum fastmem_cache_result
fastmem_cache_make_room(struct fastmem_cache *cache)
{
	struct fastmem_mag *empty, *prev = cache->prev;

	if (fastmem_cache_n_loaded(cache) < cache->core.capacity)
		return FASTMEM_CACHE_HIT;
	if (prev != NULL && fastmem_cache_n_prev(cache) != cache->core.capacity) {
		/* Bulk allocations may leave a few objects in it. */
		cache_swap(cache);
		return FASTMEM_CACHE_HIT;
	}
	empty = fastmem_depot_get_empty(cache->depot, prev != NULL ?
		FASTMEM_MAG_HOARD : FASTMEM_MAG_KEEP, &cache->journal->hand);
	fastmem_race_point(FASTMEM_RACE_CACHE_EMPTY_TAKEN);
	if (empty == NULL) {
		if (fastmem_is_remote())
			return fastmem_remote_make_room(cache);
		if (cache->core.objs == NULL)
			return FASTMEM_CACHE_NONE;
		cache_drain_older(cache);
		return FASTMEM_CACHE_MISS;
	}
	if (cache->core.objs == NULL) {
		cache_load_empty(cache, empty);
		return FASTMEM_CACHE_HIT;
	}
	cache_unload_full(cache, empty);
	return prev == NULL ? FASTMEM_CACHE_HIT : FASTMEM_CACHE_MISS;
}

/* Count objects that were allocated past the loaded magazine: all misses. */
static void
cache_count_direct(struct fastmem_cache *cache, unsigned int n)
{
	fastmem_cache_begin(cache);
	fastmem_cache_count(&cache->taken, n);
	fastmem_cache_set_state(cache, fastmem_cache_state(cache) +
		n * RTE_FASTMEM_ONE_ALLOC);
	fastmem_cache_count(&cache->alloc_misses, n);
	fastmem_cache_end(cache);
	/* All that an lcore does may be this. */
	fastmem_cache_fold(cache);
}

/* Take an object after a visit to the depot. */
static void *
cache_pop_miss(struct fastmem_cache *cache)
{
	void *obj = NULL;

	fastmem_cache_begin(cache);
	if (__rte_fastmem_pop(&cache->core, &obj))
		fastmem_cache_count(&cache->alloc_misses, 1);
	fastmem_cache_end(cache);
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
	enum fastmem_cache_result result;
	void *obj;

	if (__rte_fastmem_pop(&cache->core, &obj))
		return obj;

	result = fastmem_is_remote() ? cache_refill_here(cache) :
		cache_refill(cache, flags);
	if (result == FASTMEM_CACHE_MISS)
		return cache_pop_miss(cache);
	if (result == FASTMEM_CACHE_HIT && __rte_fastmem_pop(&cache->core, &obj))
		return obj;
	if (fastmem_is_remote())
		return fastmem_remote_alloc(cache, flags);
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
	fastmem_cache_set_state(cache, fastmem_cache_state(cache) +
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
			cache_load_full(cache, mag, cache->journal->chain);
		else
			fastmem_depot_put(cache->depot, mag,
				&cache->journal->hand);
	}
}

/* Put a magazine, which is in the hand, or which nobody knows, on the chain. */
static void
cache_chain(struct fastmem_cache *cache, struct fastmem_mag *mag)
{
	struct fastmem_change *change = fastmem_change_begin(cache);

	fastmem_mag_link(mag, change->chain);
	change->chain = mag;
	fastmem_change_commit(cache);
}

/* Give the chain's first magazine back. */
static void
cache_unchain(struct fastmem_cache *cache)
{
	struct fastmem_mag *mag = cache->journal->chain;
	struct fastmem_change *change = fastmem_change_begin(cache);

	change->chain = fastmem_mag_linked(mag);
	change->out = mag;
	fastmem_change_commit(cache);
	fastmem_depot_put(cache->depot, mag, &cache->journal->hand);
}

/* Collect magazines with n objects for an allocation, in a secondary process. */
static bool
cache_collect_remote(struct fastmem_cache *cache, unsigned int n,
	unsigned int flags)
{
	struct fastmem_journal *journal = cache->journal;
	struct fastmem_mag *mag;
	unsigned int got = 0;

	while (got < n && (mag = fastmem_depot_get_used(cache->depot,
			&journal->hand)) != NULL) {
		got += mag->count;
		cache_chain(cache, mag);
	}
	fastmem_race_point(FASTMEM_RACE_CACHE_CHAINED);
	if (got >= n || fastmem_remote_collect(cache, n - got, flags))
		return true;
	while (journal->chain != NULL)
		cache_unchain(cache);
	return false;
}

bool
fastmem_cache_collect(struct fastmem_cache *cache, unsigned int n,
	unsigned int flags)
{
	struct fastmem_mag *mag, *filled = NULL;
	struct fastmem_chain chain;

	if (!fastmem_depot_collect(cache->depot, n, flags | FASTMEM_F_MAGAZINES,
			&chain))
		return false;
	while ((mag = fastmem_chain_pop(&chain)) != NULL) {
		fastmem_mag_link(mag, filled);
		filled = mag;
	}
	/* What was filled last, and most, comes first again. */
	while ((mag = filled) != NULL) {
		filled = fastmem_mag_linked(mag);
		fastmem_mag_give(mag, &cache->journal->hand);
		cache_chain(cache, mag);
	}
	return true;
}

/* Take n objects out of the chain. The cache is empty. */
static void
cache_take_remote(struct fastmem_cache *cache, void **ptrs, unsigned int n)
{
	struct fastmem_journal *journal = cache->journal;
	struct fastmem_change *change;
	struct fastmem_mag *mag;
	unsigned int k;

	while ((mag = journal->chain) != NULL) {
		k = RTE_MIN(n, mag->count);
		rte_memcpy(ptrs, &mag->objs[mag->count - k],
			k * sizeof(ptrs[0]));
		change = fastmem_change_begin(cache);
		change->first = mag;
		change->n_first = mag->count - k;
		change->taken += k;
		change->state += k * RTE_FASTMEM_ONE_ALLOC;
		change->alloc_misses += k;
		fastmem_change_commit(cache);
		ptrs += k;
		n -= k;
		if (mag->count != 0 && fastmem_cache_n_loaded(cache) == 0)
			cache_load_full(cache, mag, fastmem_mag_linked(mag));
		else
			cache_unchain(cache);
	}
}

/* Take n objects out of the chain's first magazine, if that holds so many and
 * there is a place for it.
 */
static bool
cache_take_first(struct fastmem_cache *cache, struct fastmem_chain *chain,
	void **ptrs, unsigned int n)
{
	unsigned int n_loaded = fastmem_cache_n_loaded(cache);
	unsigned int n_prev = fastmem_cache_n_prev(cache);
	struct fastmem_mag *mag = chain->first, *rest = cache->journal->chain;

	if (fastmem_is_remote()) {
		mag = rest;
		rest = mag == NULL ? NULL : fastmem_mag_linked(mag);
	}
	if (chain->slabs != NULL || mag == NULL || mag->count < n ||
			(n_loaded != 0 && n_prev != 0))
		return false;
	if (!fastmem_is_remote())
		fastmem_chain_pop(chain);
	cache_load_full(cache, mag, rest);
	fastmem_cache_begin(cache);
	cache_take(cache, ptrs, n);
	fastmem_cache_count(&cache->alloc_misses, n - n_loaded - n_prev);
	fastmem_cache_end(cache);
	return true;
}

bool
fastmem_cache_alloc_bulk(struct fastmem_cache *cache, void **ptrs,
	unsigned int n, unsigned int flags)
{
	unsigned int n_loaded = fastmem_cache_n_loaded(cache);
	unsigned int n_prev = fastmem_cache_n_prev(cache), cached, k = 0;
	struct fastmem_chain chain = { 0 };

	/* All of it from one magazine, if possible: were the border between two
	 * crossed instead, freeing as much would cross it back, and so each
	 * time; and they may hold objects of different slabs.
	 */
	if (n > n_loaded && n <= n_prev)
		cache_swap(cache);
	cached = n_loaded + n_prev;
	if (n > cached && !(fastmem_is_remote() ?
			cache_collect_remote(cache, n - cached, flags) :
			fastmem_depot_collect(cache->depot, n - cached, flags,
				&chain)))
		return false;
	if (n > cached && cache_take_first(cache, &chain, ptrs, n))
		k = n;
	else
		k = cache_take(cache, ptrs, n);
	if (k < n && fastmem_cache_n_prev(cache) != 0) {
		cache_swap(cache);
		k += cache_take(cache, ptrs + k, n - k);
	}
	if (n > cached && fastmem_is_remote())
		cache_take_remote(cache, ptrs + k, n - k);
	else if (n > cached)
		cache_take_chain(cache, &chain, ptrs + k, n - k);
	return true;
}

void
fastmem_cache_count_nomem(struct fastmem_cache *cache, unsigned int n)
{
	fastmem_cache_count(&cache->alloc_nomem, n);
}

void
fastmem_cache_free_bulk(struct fastmem_cache *cache, void *const *ptrs,
	unsigned int n)
{
	enum fastmem_cache_result result = FASTMEM_CACHE_HIT;
	unsigned int n_loaded = fastmem_cache_n_loaded(cache), k;

	/* All of it into one magazine, see fastmem_cache_alloc_bulk(). */
	if (n > cache->core.capacity - n_loaded && cache->prev != NULL &&
			n <= cache->core.capacity - fastmem_cache_n_prev(cache))
		cache_swap(cache);
	for (; n > 0; n -= k, ptrs += k) {
		n_loaded = fastmem_cache_n_loaded(cache);
		if (n_loaded == cache->core.capacity) {
			k = 0;
			result = fastmem_cache_make_room(cache);
			if (result == FASTMEM_CACHE_NONE)
				break;
			continue;
		}
		k = RTE_MIN(n, cache->core.capacity - n_loaded);
		rte_memcpy(&cache->core.objs[n_loaded], ptrs, k * sizeof(ptrs[0]));
		fastmem_cache_begin(cache);
		fastmem_cache_set_state(cache, fastmem_cache_state(cache) + k);
		if (result == FASTMEM_CACHE_MISS)
			fastmem_cache_count(&cache->free_misses, k);
		fastmem_cache_end(cache);
	}
	if (n > 0 && fastmem_is_remote()) {
		for (; n > 0; n--)
			fastmem_remote_free(cache, *ptrs++);
	} else if (n > 0) {
		fastmem_bin_drain(&cache->depot->bin, ptrs, n);
		fastmem_cache_begin(cache);
		fastmem_cache_count(&cache->given, n);
		fastmem_cache_count(&cache->free_misses, n);
		fastmem_cache_end(cache);
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
	struct fastmem_mag *loaded = cache_loaded(cache), *prev = cache->prev;

	fastmem_cache_flush(cache);
	cache->core.objs = NULL;
	cache->prev = NULL;
	cache->core.capacity = 0;
	cache_put_empty(cache, loaded);
	cache_put_empty(cache, prev);
}
