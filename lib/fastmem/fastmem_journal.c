/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include "fastmem_journal.h"

/* A reader gives up on a consistent view of a cache after so many tries: its
 * owner may have been killed in the middle of a change. It may also have been
 * preempted, so that most of the tries let others run first.
 */
#define READ_TRIES 2000

static uint64_t
cache_counter(const RTE_ATOMIC(uint64_t) *counter)
{
	return rte_atomic_load_explicit(counter, rte_memory_order_relaxed);
}

struct fastmem_change *
fastmem_change_begin(struct fastmem_cache *cache)
{
	struct fastmem_change *change = &cache->journal->change;

	fastmem_cache_fold(cache);
	change->cache = cache;
	change->objs = cache->core.objs;
	change->prev = cache->prev;
	change->state = fastmem_cache_state(cache);
	change->taken = cache_counter(&cache->taken);
	change->given = cache_counter(&cache->given);
	change->alloc_misses = cache_counter(&cache->alloc_misses);
	change->n_prev = fastmem_cache_n_prev(cache);
	change->first = NULL;
	change->chain = cache->journal->chain;
	change->in = NULL;
	change->out = NULL;
	return change;
}

static void
change_apply(struct fastmem_journal *journal)
{
	const struct fastmem_change *change = &journal->change;
	struct fastmem_cache *cache = change->cache;

	fastmem_cache_begin(cache);
	fastmem_cache_set_n_prev(cache, change->n_prev);
	cache->core.objs = change->objs;
	cache->core.capacity = change->objs == NULL ? 0 :
		cache->depot->capacity;
	cache->prev = change->prev;
	fastmem_race_point(FASTMEM_RACE_CACHE_HALF_SWAPPED);
	fastmem_cache_set_state(cache, change->state);
	rte_atomic_store_explicit(&cache->taken, change->taken,
		rte_memory_order_relaxed);
	rte_atomic_store_explicit(&cache->given, change->given,
		rte_memory_order_relaxed);
	rte_atomic_store_explicit(&cache->alloc_misses, change->alloc_misses,
		rte_memory_order_relaxed);
	if (change->first != NULL)
		change->first->count = change->n_first;
	journal->chain = change->chain;
	rte_atomic_store_explicit(&journal->hand.in, (uintptr_t)change->in,
		rte_memory_order_relaxed);
	rte_atomic_store_explicit(&journal->hand.out, (uintptr_t)change->out,
		rte_memory_order_relaxed);
	fastmem_cache_end(cache);
}

void
fastmem_change_commit(struct fastmem_cache *cache)
{
	struct fastmem_journal *journal = cache->journal;

	rte_atomic_store_explicit(&journal->pending, 1,
		rte_memory_order_release);
	fastmem_race_point(FASTMEM_RACE_CHANGE_PENDING);
	change_apply(journal);
	rte_atomic_store_explicit(&journal->pending, 0,
		rte_memory_order_release);
	fastmem_race_point(FASTMEM_RACE_CHANGE_DONE);
}

void
fastmem_journal_redo(struct fastmem_journal *journal)
{
	/* Acquire: the change was written before. */
	if (rte_atomic_load_explicit(&journal->pending,
			rte_memory_order_acquire) == 0)
		return;
	change_apply(journal);
	rte_atomic_store_explicit(&journal->pending, 0,
		rte_memory_order_release);
}

void
fastmem_journal_finish(struct fastmem_journal *journal,
	struct fastmem_depot *(*find)(void *arg, unsigned int index), void *arg)
{
	RTE_ATOMIC(uintptr_t) *const sides[] = {
		&journal->hand.in, &journal->hand.out
	};
	struct fastmem_mag *mag;
	unsigned int i;

	fastmem_journal_redo(journal);
	for (i = 0; i < RTE_DIM(sides); i++) {
		mag = (struct fastmem_mag *)rte_atomic_load_explicit(sides[i],
			rte_memory_order_relaxed);
		if (mag != NULL && fastmem_mag_claim(mag, journal->hand.owner))
			fastmem_depot_rescue(find(arg, mag->bin), mag);
		rte_atomic_store_explicit(sides[i], 0, rte_memory_order_relaxed);
	}
	while ((mag = journal->chain) != NULL) {
		journal->chain = fastmem_mag_linked(mag);
		fastmem_depot_put(find(arg, mag->bin), mag, NULL);
	}
}

void
fastmem_cache_settle(struct fastmem_cache *cache)
{
	uint32_t seq = rte_atomic_load_explicit(&cache->sequence,
		rte_memory_order_relaxed);

	if ((seq & 1) != 0)
		rte_atomic_store_explicit(&cache->sequence, seq + 1,
			rte_memory_order_release);
}

void
fastmem_cache_read(const struct fastmem_cache *cache,
	struct fastmem_cache_counts *counts)
{
	uint64_t state, allocs, taken, given;
	unsigned int tries = 0;
	uint32_t seq;

	while (tries < READ_TRIES) {
		/* Acquire: nothing is read before the number. */
		seq = rte_atomic_load_explicit(&cache->sequence,
			rte_memory_order_acquire);
		state = fastmem_cache_state(cache);
		fastmem_race_point(FASTMEM_RACE_CACHE_STATE_READ);
		counts->cached = fastmem_cache_n_prev(cache);
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
		fastmem_wait(&tries);
	}
	counts->allocs = allocs + (state >> RTE_FASTMEM_COUNT_BITS);
	counts->cached += state & RTE_FASTMEM_COUNT_MASK;
	counts->frees = counts->cached + given + counts->allocs - taken;
	counts->alloc_nomem = rte_atomic_load_explicit(&cache->alloc_nomem,
		rte_memory_order_relaxed);
}
