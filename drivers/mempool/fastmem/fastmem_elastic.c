/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/**
 * @file
 * The data path of elastic pools.
 *
 * As long as the store has enough objects, nothing but the store is used.
 * Otherwise what it has and what the type gives make up the number together.
 * Several threads that do so at once may each hold a part of what one of them
 * needs, and so may a thread that gives objects back; thus nobody gives up who
 * has seen another one at it.
 */

#include <errno.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_cycles.h>

#include "fastmem_elastic.h"
#include "fastmem_wait.h"

/* Objects that are taken from the type at a time, at least: about as many as
 * what it costs to find a slab is spread over.
 */
#define GROW_OBJS 64

/* Objects that are given back at a time. As long as that takes, others wait
 * for them who have found none.
 */
#define SHRINK_OBJS 128

/* The library looks for memory in the depots of all other sizes before it
 * says that there is none. So rarely is it asked again.
 */
#define STARVE_US 1000

#define TRANSIT_COUNT_MASK UINT64_C(0xffffffff)
#define TRANSIT_ENDED (TRANSIT_COUNT_MASK + 1)

/* How long a thread that finds no objects looks again, while others hold some
 * that they may put back. These may have been preempted, or killed at it.
 */
#define TRANSIT_WAIT_MS 10

/* Acquire and release: what the thread takes and puts back lies in between for
 * who reads the word before and after looking for it.
 */
static void
transit_begin(struct elastic_pool *pool)
{
	rte_atomic_fetch_add_explicit(&pool->transit, 1,
		rte_memory_order_acq_rel);
}

static void
transit_end(struct elastic_pool *pool)
{
	rte_atomic_fetch_add_explicit(&pool->transit, TRANSIT_ENDED - 1,
		rte_memory_order_acq_rel);
}

static uint64_t
transit_read(struct elastic_pool *pool)
{
	return rte_atomic_load_explicit(&pool->transit,
		rte_memory_order_acquire);
}

/* Tell if there was no memory for n objects lately; there may be for fewer. */
static bool
pool_is_starved(struct elastic_pool *pool, unsigned int n)
{
	uint64_t until = rte_atomic_load_explicit(&pool->starved_until,
		rte_memory_order_relaxed);

	return until != 0 && rte_get_tsc_cycles() < until &&
		n >= rte_atomic_load_explicit(&pool->starved_objs,
			rte_memory_order_relaxed);
}

/* Who sees one of the two without the other is mistaken for a while at most. */
static void
pool_set_starved(struct elastic_pool *pool, unsigned int n)
{
	rte_atomic_store_explicit(&pool->starved_objs, n,
		rte_memory_order_relaxed);
	rte_atomic_store_explicit(&pool->starved_until, rte_get_tsc_cycles() +
		rte_get_tsc_hz() / US_PER_S * STARVE_US,
		rte_memory_order_relaxed);
}

static void
pool_end_starved(struct elastic_pool *pool)
{
	rte_atomic_store_explicit(&pool->starved_until, 0,
		rte_memory_order_relaxed);
}

static bool
pool_ends(const struct elastic_pool *pool)
{
	return rte_atomic_load_explicit(&pool->ends,
		rte_memory_order_relaxed) != 0;
}

/* Tell if the store and the type might have n objects together. */
static bool
pool_may_have(struct elastic_pool *pool, unsigned int n)
{
	unsigned int n_stored = rte_stack_count(pool->store);

	if (n <= n_stored)
		return true;
	n -= n_stored;
	return !pool_ends(pool) && !pool_is_starved(pool, n) &&
		n <= pool->size - elastic_taken(pool);
}

/* Count objects as taken: as many as there may be, `least` to `most`. */
static unsigned int
pool_reserve(struct elastic_pool *pool, unsigned int least, unsigned int most)
{
	uint32_t taken = elastic_taken(pool);
	unsigned int n;

	do {
		n = RTE_MIN(most, pool->size - taken);
		if (n < least)
			return 0;
		/* Relaxed: the number alone matters. */
	} while (!rte_atomic_compare_exchange_weak_explicit(&pool->taken,
		&taken, taken + n, rte_memory_order_relaxed,
		rte_memory_order_relaxed));
	return n;
}

static void
pool_release(struct elastic_pool *pool, unsigned int n)
{
	rte_atomic_fetch_sub_explicit(&pool->taken, n,
		rte_memory_order_relaxed);
}

/* From typed objects to those of mempool, or back by a negative offset. */
static void
objs_shift(void **objs, unsigned int n, intptr_t offset)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		objs[i] = (char *)objs[i] + offset;
}

/* Put objects into the slabs of their type. */
static void
type_put(struct elastic_pool *pool, void **objs, unsigned int n)
{
	objs_shift(objs, n, -(intptr_t)pool->offset);
	rte_fastmem_hfree_bulk(pool->handle, objs, n);
	rte_fastmem_type_flush(pool->handle);
	pool_release(pool, n);
}

static int
type_get_exact(struct elastic_pool *pool, void **objs, unsigned int n)
{
	int ret = rte_fastmem_halloc_bulk(pool->handle, objs, n,
		RTE_FASTMEM_F_NO_GROW);

	if (ret != 0)
		return ret;
	/* What the library has taken beyond that is for all. */
	rte_fastmem_type_flush(pool->handle);
	objs_shift(objs, n, pool->offset);
	return 0;
}

void
fastmem_elastic_give_back(struct elastic_pool *pool, void * const *objs,
	unsigned int n)
{
	void *batch[SHRINK_OBJS];
	unsigned int k;

	for (; n > 0; n -= k, objs += k) {
		k = RTE_MIN(n, RTE_DIM(batch));
		memcpy(batch, objs, k * sizeof(batch[0]));
		transit_begin(pool);
		type_put(pool, batch, k);
		transit_end(pool);
	}
}

/* The store has room for all objects, unless a process was killed while it
 * used it.
 */
static void
store_put(struct elastic_pool *pool, void * const *objs, unsigned int n)
{
	if (n != 0 && unlikely(rte_stack_push(pool->store, objs, n) != n))
		fastmem_elastic_give_back(pool, objs, n);
}

/* Get n objects from the type, and some for the store if they are few. */
static bool
type_get(struct elastic_pool *pool, void **objs, unsigned int n)
{
	void *batch[GROW_OBJS];
	unsigned int k = 0;
	int ret;

	if (n < RTE_DIM(batch)) {
		k = pool_reserve(pool, n + 1, RTE_DIM(batch));
		if (k != 0 && type_get_exact(pool, batch, k) == 0) {
			memcpy(objs, batch, n * sizeof(objs[0]));
			store_put(pool, &batch[n], k - n);
			return true;
		}
		pool_release(pool, k);
	}
	if (pool_reserve(pool, n, n) == 0)
		return false;
	ret = type_get_exact(pool, objs, n);
	if (ret == 0)
		return true;
	pool_release(pool, n);
	/* What a process is not fit for, others may well be. */
	if (ret == -ENOMEM)
		pool_set_starved(pool, n);
	return false;
}

unsigned int
fastmem_elastic_pop(struct elastic_pool *pool, void **objs, unsigned int n)
{
	unsigned int k;

	/* All or none, so that it takes another try if others take some. */
	while ((k = RTE_MIN(n, rte_stack_count(pool->store))) != 0)
		if (rte_stack_pop(pool->store, objs, k) == k)
			break;
	return k;
}

static bool
grow_once(struct elastic_pool *pool, void **objs, unsigned int n)
{
	unsigned int k;
	bool ret = true;

	transit_begin(pool);
	k = fastmem_elastic_pop(pool, objs, n);
	if (k < n && !type_get(pool, objs + k, n - k)) {
		store_put(pool, objs, k);
		ret = false;
	}
	transit_end(pool);
	return ret;
}

int
fastmem_elastic_grow(struct elastic_pool *pool, void **objs, unsigned int n)
{
	uint64_t transit, own, until = 0;
	unsigned int spins = 0;

	for (;;) {
		transit = transit_read(pool);
		own = 0;
		if (pool_may_have(pool, n)) {
			if (grow_once(pool, objs, n))
				return 0;
			own = TRANSIT_ENDED;
		}
		/* If there was no other transit, there are no objects. */
		if ((transit & TRANSIT_COUNT_MASK) == 0 &&
				transit_read(pool) == transit + own)
			break;
		if (until == 0)
			until = rte_get_tsc_cycles() +
				rte_get_tsc_hz() / MS_PER_S * TRANSIT_WAIT_MS;
		else if (rte_get_tsc_cycles() > until)
			break;
		wait_for_others(&spins);
	}
	return -ENOBUFS;
}

void
fastmem_elastic_shrink(struct elastic_pool *pool, unsigned int keep)
{
	unsigned int left = rte_stack_count(pool->store), k;
	void *batch[SHRINK_OBJS];

	while (left > 0 && elastic_n_constructed(pool) > keep) {
		transit_begin(pool);
		k = fastmem_elastic_pop(pool, batch,
			RTE_MIN(left, RTE_DIM(batch)));
		if (k != 0)
			type_put(pool, batch, k);
		transit_end(pool);
		if (k == 0)
			break;
		left -= k;
	}
	/* There are objects in slabs, which need no memory. */
	pool_end_starved(pool);
}

static int
elastic_enqueue(struct rte_mempool *mp, void * const *objs, unsigned int n)
{
	store_put(mp->pool_data, objs, n);
	return 0;
}

static int
elastic_dequeue(struct rte_mempool *mp, void **objs, unsigned int n)
{
	struct elastic_pool *pool = mp->pool_data;

	if (unlikely(rte_stack_pop(pool->store, objs, n) != n) &&
			fastmem_elastic_grow(pool, objs, n) != 0)
		return -ENOBUFS;
	elastic_note_use(pool);
	return 0;
}

static unsigned int
elastic_get_count(const struct rte_mempool *mp)
{
	struct elastic_pool *pool = mp->pool_data;

	return pool->size - RTE_MIN(elastic_n_used(pool), pool->size);
}

static const struct rte_mempool_ops ops_fastmem_elastic = {
	.name = RTE_FASTMEM_ELASTIC_OPS_NAME,
	.alloc = fastmem_elastic_alloc,
	.free = fastmem_elastic_free,
	.enqueue = elastic_enqueue,
	.dequeue = elastic_dequeue,
	.get_count = elastic_get_count,
	.populate = fastmem_elastic_populate,
};

RTE_MEMPOOL_REGISTER_OPS(ops_fastmem_elastic);
