/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_MAG_H
#define FASTMEM_MAG_H

/**
 * @file
 * Stacks of magazines, which are lock-free, and chains, which belong to the
 * holder of a shard's lock.
 */

#include <rte_bitops.h>
#include <rte_common.h>

#include "fastmem_fixed.h"

#define STACK_TAG_ONE RTE_BIT64(32)
#define STACK_REF_MASK (STACK_TAG_ONE - 1)
#define STACK_DEPTH_SHIFT 32

static inline struct fixed_mag *
mag_from_ref(const struct fixed_pool *pool, fixed_ref_t ref)
{
	return RTE_PTR_ADD(pool, (size_t)ref * RTE_CACHE_LINE_SIZE);
}

static inline fixed_ref_t
mag_ref(const struct fixed_pool *pool, const struct fixed_mag *mag)
{
	return RTE_PTR_DIFF(mag, pool) / RTE_CACHE_LINE_SIZE;
}

/* Relaxed: the stack's head orders it, or the shard's lock. */
static inline uint64_t
mag_link(const struct fixed_mag *mag)
{
	return rte_atomic_load_explicit(&mag->link, rte_memory_order_relaxed);
}

static inline void
mag_set_link(struct fixed_mag *mag, uint64_t link)
{
	rte_atomic_store_explicit(&mag->link, link, rte_memory_order_relaxed);
}

static inline void
stack_push(struct fixed_pool *pool, struct fixed_stack *stack,
	struct fixed_mag *mag)
{
	/* Relaxed: the value is only compared, and its reference stored. */
	uint64_t head = rte_atomic_load_explicit(&stack->head,
		rte_memory_order_relaxed);
	uint64_t depth, next;
	fixed_ref_t below;

	do {
		below = head & STACK_REF_MASK;
		depth = below == 0 ? 0 :
			mag_link(mag_from_ref(pool, below)) >> STACK_DEPTH_SHIFT;
		mag_set_link(mag, (depth + 1) << STACK_DEPTH_SHIFT | below);
		next = ((head + STACK_TAG_ONE) & ~STACK_REF_MASK) |
			mag_ref(pool, mag);
		/* Release the magazine to the one who takes it, and that the
		 * shard's lock is taken to who counts.
		 */
	} while (!rte_atomic_compare_exchange_weak_explicit(&stack->head, &head,
		next, rte_memory_order_release, rte_memory_order_relaxed));
}

static inline struct fixed_mag *
stack_pop(struct fixed_pool *pool, struct fixed_stack *stack)
{
	/* Acquire: the link of the first one is read next. */
	uint64_t head = rte_atomic_load_explicit(&stack->head,
		rte_memory_order_acquire);
	struct fixed_mag *mag;
	uint64_t next;

	do {
		if ((head & STACK_REF_MASK) == 0)
			return NULL;
		mag = mag_from_ref(pool, head & STACK_REF_MASK);
		next = ((head + STACK_TAG_ONE) & ~STACK_REF_MASK) |
			(mag_link(mag) & STACK_REF_MASK);
		/* Acquire the magazine; release as above. */
	} while (!rte_atomic_compare_exchange_weak_explicit(&stack->head, &head,
		next, rte_memory_order_acq_rel, rte_memory_order_acquire));
	return mag;
}

/* The magazines in a stack. */
static inline uint32_t
stack_count(const struct fixed_pool *pool, const struct fixed_stack *stack)
{
	uint64_t head, last, depth;

	/* Acquire: what was done to the stack before is seen as well. */
	head = rte_atomic_load_explicit(&stack->head, rte_memory_order_acquire);
	do {
		last = head;
		depth = (head & STACK_REF_MASK) == 0 ? 0 :
			mag_link(mag_from_ref(pool, head & STACK_REF_MASK));
		/* The link is that of a magazine on the top if it still is
		 * there afterwards.
		 */
		rte_atomic_thread_fence(rte_memory_order_acquire);
		head = rte_atomic_load_explicit(&stack->head,
			rte_memory_order_acquire);
	} while (head != last);
	return depth >> STACK_DEPTH_SHIFT;
}

static inline uint32_t
chain_count(const struct fixed_chain *chain)
{
	return rte_atomic_load_explicit(&chain->count, rte_memory_order_relaxed);
}

/* Release: who reads the count sees that the lock is taken. */
static inline void
chain_set_count(struct fixed_chain *chain, uint32_t count)
{
	rte_atomic_store_explicit(&chain->count, count,
		rte_memory_order_release);
}

static inline void
chain_push(struct fixed_pool *pool, struct fixed_chain *chain,
	struct fixed_mag *mag)
{
	mag_set_link(mag, chain->first);
	chain->first = mag_ref(pool, mag);
	chain_set_count(chain, chain_count(chain) + 1);
}

static inline struct fixed_mag *
chain_pop(struct fixed_pool *pool, struct fixed_chain *chain)
{
	struct fixed_mag *mag;

	if (chain->first == 0)
		return NULL;
	mag = mag_from_ref(pool, chain->first);
	chain->first = mag_link(mag);
	chain_set_count(chain, chain_count(chain) - 1);
	return mag;
}

#endif /* FASTMEM_MAG_H */
