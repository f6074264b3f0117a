/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_FIXED_H
#define FASTMEM_FIXED_H

/**
 * @file
 * The free objects of a fixed pool, which is one that mempool populates.
 *
 * magazine   An array of pointers to free objects. Full and empty ones change
 *            hands as a whole, in O(1).
 * shard      A part of the free objects, with a lock of its own. Each lcore has
 *            one, whose lock is free as a rule and in the lcore's own CPU
 *            cache; threads without an lcore id share a few.
 * loaded     The magazine of a shard that objects are put into and taken from.
 * chain      Magazines of a shard in a list: one of full ones, one of empty ones.
 * limit      How many magazines either chain of a shard may have, beyond which
 *            they go to the depot. It grows as the shard needs back what it gave
 *            to the depot, and shrinks as others need what the shard has.
 * depot      The magazines of no shard, in two lock-free stacks.
 * rob        To take out of another shard what neither the own one nor the depot
 *            has.
 *
 * A lock protects one shard. A thread that is preempted while it has a lock
 * stops nobody as long as there are objects and empty magazines elsewhere: who
 * does not get the lock of his own shard makes do with a shared one, and who
 * robs leaves out what is locked.
 *
 * Only who has the lock of some shard changes the depot, so with all locks
 * taken, or with none having been taken for a while, the count of all objects
 * is exact.
 *
 * Order of locks: a thread waits for a lock when it has none, or when those it
 * has are of shards before that one. Any other lock it tries only.
 *
 * There are magazines enough. Those that are full hold all objects there are at
 * most, and those loaded are one for each shard:
 *
 *   n_mags == size / mag_size + FIXED_N_SHARDS
 *
 * The objects in a thread's hands are in none of them, so there are as many
 * empty magazines that are not loaded as it takes to put these, whatever other
 * threads have. It collects them before it puts the first object, so as to put
 * all of a bulk or none.
 *
 * All of it is in one memzone, at the same address in each process, without a
 * pointer to anything else but objects.
 */

#include <assert.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_mempool.h>
#include <rte_memzone.h>
#include <rte_stdatomic.h>
#include <rte_vect.h>

extern int fastmem_fixed_logtype;
#define RTE_LOGTYPE_FASTMEM_FIXED fastmem_fixed_logtype
#define FIXED_LOG(level, ...) \
	RTE_LOG_LINE(level, FASTMEM_FIXED, "" __VA_ARGS__)

/* Shards for threads without an lcore id. They are for programs with a few such
 * threads, which they keep apart; with more, some wait for each other at times.
 */
#define FIXED_N_SHARED_SHARDS 8
#define FIXED_N_SHARDS (RTE_MAX_LCORE + FIXED_N_SHARED_SHARDS)

/* The CPU fetches lines in pairs; a shard shares none with its neighbours. */
#define FIXED_SHARD_ALIGN (2 * RTE_CACHE_LINE_SIZE)

/* A magazine by the distance from its pool, in cache lines. 0 is none. */
typedef uint32_t fixed_ref_t;

struct fixed_mag {
	/* The magazine below in a chain or stack; in a stack, with the number
	 * of magazines from this one on in the upper half.
	 */
	RTE_ATOMIC(uint64_t) link;
	alignas(RTE_CACHE_LINE_SIZE) void *objs[];
};

/* Written with the lock of its shard, and read without by who counts. */
struct fixed_chain {
	fixed_ref_t first;
	RTE_ATOMIC(uint32_t) count;
};

/*
 * The state of a shard is its lock, and while it is free what the loaded
 * magazine has: the number of objects, below a version which each release of
 * the lock increases. The one who takes the lock by an exchange is told it.
 */
#define FIXED_STATE_COUNT_MASK UINT64_C(0xff)
#define FIXED_STATE_VERSION_ONE (FIXED_STATE_COUNT_MASK + 1)
#define FIXED_STATE_TAKEN UINT64_MAX
/* Free, and no thread has ever come; the loaded magazine is empty. */
#define FIXED_STATE_UNUSED (FIXED_STATE_TAKEN - 1)

struct __rte_aligned(FIXED_SHARD_ALIGN) fixed_shard {
	RTE_ATOMIC(uint64_t) state;
	struct fixed_mag *loaded;
	/* The objects in it, while a slow path has the lock. */
	uint32_t n_loaded;
	uint32_t limit;
	struct fixed_chain full;
	struct fixed_chain empty;
	/* Magazines given to the depot, and not taken back since. */
	uint32_t n_full_spilled;
	uint32_t n_empty_spilled;
	/* What the state was before the slow path. */
	uint64_t last_state;
};

static_assert(sizeof(struct fixed_shard) == FIXED_SHARD_ALIGN,
	"shard is larger than its lines");

/* A tag, which each change increases, above the magazine on the top. A thread
 * would have to be preempted in a change for as long as four billion others
 * take, to the very one, to go wrong.
 */
struct __rte_aligned(FIXED_SHARD_ALIGN) fixed_stack {
	RTE_ATOMIC(uint64_t) head;
};

struct fixed_pool {
	const struct rte_memzone *zone;
	/* Objects in a full magazine. */
	uint32_t mag_size;
	/* A bit for each shard that a thread has come to. */
	RTE_ATOMIC(uint64_t) used[(FIXED_N_SHARDS + 63) / 64];
	struct fixed_shard shards[FIXED_N_SHARDS];
	struct fixed_stack full;
	struct fixed_stack empty;
};

/* rte_mempool_alloc_t: give an empty pool to a mempool. */
int
fastmem_fixed_create(struct rte_mempool *mp);

/* rte_mempool_free_t */
void
fastmem_fixed_free(struct rte_mempool *mp);

/* rte_mempool_get_count: exact, unless others change the pool meanwhile. */
unsigned int
fastmem_fixed_count(const struct rte_mempool *mp);

/* Put n objects into the pool: what the fast path does not. The home shard had
 * the given state, and has been locked unless it was so before. Fails with
 * -ENOBUFS, and nothing put, if there are more objects than the pool has, or if
 * what it takes is in shards that stay locked.
 */
int
fastmem_shard_enqueue(struct fixed_pool *pool, struct fixed_shard *home,
	uint64_t state, void * const *objs, unsigned int n);

/* Take n objects from the pool, as above. Fails with -ENOBUFS, and nothing
 * taken, only if there were fewer at some moment of the call.
 */
int
fastmem_shard_dequeue(struct fixed_pool *pool, struct fixed_shard *home,
	uint64_t state, void **objs, unsigned int n);

/* The shard of the calling thread. */
static inline struct fixed_shard *
fixed_home(struct fixed_pool *pool)
{
	unsigned int lcore_id = rte_lcore_id();
	uint64_t hash;

	if (unlikely(lcore_id >= RTE_MAX_LCORE)) {
		/* Something of the thread's own, of which the upper bits of a
		 * product with an odd number are a hash.
		 */
		hash = (uintptr_t)&RTE_PER_LCORE(_lcore_id) *
			UINT64_C(0x9e3779b97f4a7c15);
		lcore_id = RTE_MAX_LCORE + (hash >> 32) % FIXED_N_SHARED_SHARDS;
	}
	return &pool->shards[lcore_id];
}

/* Take the lock, unless it is taken. Returns the state that it was in.
 * Acquire: what the last holder has written.
 */
static inline uint64_t
fixed_lock_try(struct fixed_shard *shard)
{
	return rte_atomic_exchange_explicit(&shard->state, FIXED_STATE_TAKEN,
		rte_memory_order_acquire);
}

/* Release the lock of a shard that was in a state, with n objects more or less. */
static inline void
fixed_unlock(struct fixed_shard *shard, uint64_t state, int64_t n)
{
	rte_atomic_store_explicit(&shard->state,
		state + FIXED_STATE_VERSION_ONE + n, rte_memory_order_release);
}

/* Whether it was neither taken nor unused. */
static inline bool
fixed_state_is_free(uint64_t state)
{
	return state < FIXED_STATE_UNUSED;
}

static inline uint32_t
fixed_state_count(uint64_t state)
{
	return state & FIXED_STATE_COUNT_MASK;
}

/* Few bulks are so large that a call to memcpy() would pay. As few stores as
 * can be: the next exchange waits for all of them. Single objects come first, as
 * a branch costs them the most.
 */
static inline void
fixed_copy(void **dst, void * const *src, unsigned int n)
{
	rte_v256u64_t four;

	if (likely(n == 1)) {
		dst[0] = src[0];
		return;
	}
	for (; n >= 4; n -= 4, dst += 4, src += 4) {
		memcpy(&four, src, sizeof(four));
		memcpy(dst, &four, sizeof(four));
	}
	if (n == 0)
		return;
	switch (n) {
	case 3:
		dst[2] = src[2];
		/* fallthrough */
	case 2:
		dst[1] = src[1];
		/* fallthrough */
	case 1:
		dst[0] = src[0];
	}
}

#endif /* FASTMEM_FIXED_H */
