/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef SCEN_PAIR_H
#define SCEN_PAIR_H

/*
 * Pairs of lcores that send objects to each other over rings, as many pairs
 * as there are lcores for.
 */

#include <stdint.h>

#include <rte_ring.h>

#include "scenario.h"

/* Of entries, or more for several bursts at once if they are large. */
#define RING_SIZE 1024
#define RING_BURSTS 8
#define PAIR_RING(burst) \
	((burst) <= RING_SIZE / RING_BURSTS ? RING_SIZE : \
		RING_BURSTS * MAX_BURST)

/*
 * Objects of a pair with one ring: those in the ring, and a burst on either
 * side of it.
 */
#define PAIR_LIVE(burst) (PAIR_RING(burst) + 2 * (burst))

struct pair;

/* One of the two lcores. */
struct side {
	struct pair *pair;
	/* What it sends to, or receives from, or both. */
	struct rte_ring *out;
	struct rte_ring *in;
	unsigned int lcore;
	/* Bursts that were sent, as soon as there are no more to come. */
	RTE_ATOMIC(uint64_t) sent;
	/* When to send no more, even if it was not all. */
	uint64_t deadline;
	/* Written by the lcore. */
	uint64_t start;
	uint64_t end;
	uint64_t sum;
	int ret;
	char padding[RTE_CACHE_LINE_SIZE];
};

struct pair {
	const struct subject *subject;
	int (*role[2])(struct side *side);
	unsigned int burst;
	/* Bursts that an lcore sends, and after how many it looks at the time. */
	uint64_t n;
	uint64_t n_check;
	/* One lcore has given up, and the other one is not to wait for it. */
	RTE_ATOMIC(bool) failed;
	char padding[RTE_CACHE_LINE_SIZE];
	struct side sides[2];
};

/* One ring, from the first lcore to the second, or one for each direction. */
int
pairs_setup(unsigned int burst, bool both_ways);

void
pairs_teardown(void);

/*
 * Let the lcores play their roles, in each pair n bursts for an lcore that
 * sends. Frees what is left in the rings. Gives the time from the first start
 * to the last end: lcores which share a CPU do not begin and end at one time,
 * yet what they do together takes as long as it takes.
 * Who is far too slow sends fewer bursts; gives their mean for a pair. That is
 * for allocators whose lcores wait for each other without yielding the CPU.
 */
int
pairs_run(const struct subject *subject, uint64_t n,
	int (*first)(struct side *side), int (*second)(struct side *side),
	uint64_t *cycles, double *bursts);

/* No more bursts will be sent. */
static inline void
side_stop(struct side *side, uint64_t sent)
{
	rte_atomic_store_explicit(&side->sent, sent, rte_memory_order_release);
}

#endif /* SCEN_PAIR_H */
