/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_JOURNAL_H
#define FASTMEM_JOURNAL_H

/**
 * @file
 * Journal: how a thread changes its caches so that others can read their
 * counters at any time, and finish what it had begun when it was killed.
 */

#include "fastmem_cache.h"

/* From here on, allocations are moved out of the state. */
#define FASTMEM_STATE_ALLOCS_MAX RTE_BIT64(63 - RTE_FASTMEM_COUNT_BITS)

/**
 * A change of several words of a cache: what they shall be.
 *
 * Its values are final, so that it may be carried out twice.
 */
struct fastmem_change {
	struct fastmem_cache *cache;
	void **objs;               /**< Of the loaded magazine. */
	struct fastmem_mag *prev;
	uint64_t state;
	uint64_t taken;
	uint64_t given;
	uint64_t alloc_misses;
	uint32_t n_prev;
	uint32_t n_first;          /**< Objects in the chain's first magazine. */
	struct fastmem_mag *first; /**< Of the chain, before the change. */
	struct fastmem_mag *chain; /**< And after it. */
	struct fastmem_mag *in;    /**< What is in the hand then. */
	struct fastmem_mag *out;
};

/**
 * What a thread is doing to its caches.
 *
 * A thread that is killed in the middle of a change leaves it in the journal,
 * and a thread of the primary process finishes it; if it was a keeper that
 * served a request, who waits for that does. A change is one step: at any
 * moment, a magazine is in a stack, in a hand, in the chain or in a cache.
 * The processor lets others see what a killed thread had done in the order of
 * its program; the compiler is made to keep that by release.
 */
struct fastmem_journal {
	/** Whether the change is to be carried out. */
	RTE_ATOMIC(uint32_t) pending;
	struct fastmem_change change;
	struct fastmem_hand hand;
	/** What an allocation in a secondary process collects, see there. */
	struct fastmem_mag *chain;
	/** Where a secondary process asks for what it cannot do by itself. */
	struct fastmem_request *request;
};

/* The owner's side of the sequence: what lies between is seen whole, or the
 * reader notices. The fence keeps the changes behind the odd number, and the
 * release keeps them before the even one. A thread that was killed in between
 * has left an odd number to who finishes its change.
 */
static inline void
fastmem_cache_begin(struct fastmem_cache *cache)
{
	uint32_t seq = rte_atomic_load_explicit(&cache->sequence,
		rte_memory_order_relaxed);

	rte_atomic_store_explicit(&cache->sequence, seq | 1,
		rte_memory_order_relaxed);
	rte_atomic_thread_fence(rte_memory_order_release);
	fastmem_race_point(FASTMEM_RACE_CACHE_BEGUN);
}

static inline void
fastmem_cache_end(struct fastmem_cache *cache)
{
	uint32_t seq = rte_atomic_load_explicit(&cache->sequence,
		rte_memory_order_relaxed);

	fastmem_race_point(FASTMEM_RACE_CACHE_CHANGED);
	rte_atomic_store_explicit(&cache->sequence, seq + 1,
		rte_memory_order_release);
}

/* Add to a counter that only this thread writes; relaxed: for readers. */
static inline void
fastmem_cache_count(RTE_ATOMIC(uint64_t) *counter, uint64_t n)
{
	fastmem_race_point(FASTMEM_RACE_CACHE_COUNTS);
	rte_atomic_store_explicit(counter,
		rte_atomic_load_explicit(counter, rte_memory_order_relaxed) + n,
		rte_memory_order_relaxed);
}

static inline uint32_t
fastmem_cache_n_prev(const struct fastmem_cache *cache)
{
	return rte_atomic_load_explicit(&cache->n_prev,
		rte_memory_order_relaxed);
}

static inline void
fastmem_cache_set_n_prev(struct fastmem_cache *cache, uint32_t n)
{
	rte_atomic_store_explicit(&cache->n_prev, n, rte_memory_order_relaxed);
}

static inline void
fastmem_cache_set_state(struct fastmem_cache *cache, uint64_t state)
{
	rte_atomic_store_explicit(&cache->core.state, state,
		rte_memory_order_relaxed);
}

/* Move the allocations out of the state when they get too many for it. */
static inline void
fastmem_cache_fold(struct fastmem_cache *cache)
{
	uint64_t state = fastmem_cache_state(cache);
	uint64_t allocs = state >> RTE_FASTMEM_COUNT_BITS;

	if (likely(allocs < FASTMEM_STATE_ALLOCS_MAX))
		return;
	fastmem_cache_begin(cache);
	fastmem_cache_count(&cache->allocs, allocs);
	fastmem_cache_set_state(cache, state & RTE_FASTMEM_COUNT_MASK);
	fastmem_cache_end(cache);
}

/* A state with another number of objects. */
static inline uint64_t
fastmem_state_with_n(uint64_t state, uint32_t n)
{
	return (state & ~RTE_FASTMEM_COUNT_MASK) | n;
}

static inline void
fastmem_cache_set_n_loaded(struct fastmem_cache *cache, uint32_t n)
{
	fastmem_cache_set_state(cache,
		fastmem_state_with_n(fastmem_cache_state(cache), n));
}

/**
 * Begin a change of a cache: as it is, with empty hands. Nothing has happened
 * until it is committed.
 */
struct fastmem_change *
fastmem_change_begin(struct fastmem_cache *cache);

/** Carry a change out. */
void
fastmem_change_commit(struct fastmem_cache *cache);

/** Carry out the change that a thread was killed at, if there is one. */
void
fastmem_journal_redo(struct fastmem_journal *journal);

/**
 * Finish what a thread that was killed did to its caches, and give back what it
 * had in its hand and in its chain.
 *
 * @param find
 *   Finds the depot of a bin.
 * @param arg
 *   Its first argument.
 */
void
fastmem_journal_finish(struct fastmem_journal *journal,
	struct fastmem_depot *(*find)(void *arg, unsigned int index), void *arg);

/** Let readers of its counters see that the cache of a killed thread is at
 * rest.
 */
void
fastmem_cache_settle(struct fastmem_cache *cache);

/** Read a cache's counters, from any thread. */
void
fastmem_cache_read(const struct fastmem_cache *cache,
	struct fastmem_cache_counts *counts);

#endif /* FASTMEM_JOURNAL_H */
