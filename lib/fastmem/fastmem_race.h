/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_RACE_H
#define FASTMEM_RACE_H

/**
 * @file
 * Race points: delays between the steps of what threads do to each other.
 *
 * Two steps that follow each other within nanoseconds hardly ever have another
 * thread's steps between them. In a library built with RTE_FASTMEM_DEBUG_RACES
 * a thread that comes to a race point sometimes spins, yields or sleeps there.
 * Otherwise a race point is no code.
 *
 * How often it does that differs from point to point, and with the seed, which
 * is logged and can be set by the environment variable FASTMEM_RACE_SEED: so
 * each seed has its own few points where threads get stuck.
 *
 * A point is also where a process can be made to die: FASTMEM_RACE_KILL=POINT:N
 * in the environment kills it when any of its threads comes to that point for
 * the Nth time.
 *
 * A delay orders nothing: neither does it touch shared memory but a relaxed
 * counter, nor is there a lock in it. So it hides nothing from a checker of
 * data races.
 */

#include <stdio.h>

/** The points, by layer, from the top down. */
#define FASTMEM_RACE_POINTS(point) \
	point(STATS_BETWEEN_BLOCKS) \
	point(STATS_SHARED_TOTALS_READ) \
	point(BLOCK_SEARCHED) \
	point(BLOCK_CREATED) \
	point(BLOCK_FOUND) \
	point(BLOCK_SET) \
	point(BLOCK_EMPTIED) \
	point(BLOCK_LEFT) \
	point(THREAD_CLAIMED) \
	point(THREAD_LEAVES) \
	point(PEER_LOCKED) \
	point(PEER_CLEARED) \
	point(PEER_USED) \
	point(PEER_DEAD) \
	point(REQUEST_WRITTEN) \
	point(REQUEST_POSTED) \
	point(REQUEST_WAITS) \
	point(REQUEST_SERVED) \
	point(KEEPER_SERVED) \
	point(KEEPER_GROWN) \
	point(KEEPER_SLEEPS) \
	point(CHANGE_PENDING) \
	point(CHANGE_DONE) \
	point(CACHE_CHAINED) \
	point(CACHE_COUNTS) \
	point(CACHE_BEGUN) \
	point(CACHE_CHANGED) \
	point(CACHE_HALF_SWAPPED) \
	point(CACHE_FULL_TAKEN) \
	point(CACHE_EMPTY_TAKEN) \
	point(CACHE_EXCHANGED) \
	point(CACHE_FILLED) \
	point(CACHE_DRAINED) \
	point(CACHE_CHAIN_TAKEN) \
	point(CACHE_STATE_READ) \
	point(CACHE_COUNTERS_READ) \
	point(STACK_PUSH_HEAD_READ) \
	point(STACK_PUSH_DISOWNED) \
	point(STACK_PUSH_LINKED) \
	point(STACK_PUSHED) \
	point(STACK_POP_HEAD_READ) \
	point(STACK_POP_NEXT_READ) \
	point(STACK_POPPED) \
	point(STACK_CLAIMED) \
	point(DEPOT_NO_EMPTY) \
	point(DEPOT_REAP_TAKEN) \
	point(DEPOT_REAP_DRAINED) \
	point(DEPOT_FILL_IDLE) \
	point(DEPOT_FILL_GROWS) \
	point(DEPOT_FILL_TRANSIT_READ) \
	point(DEPOT_FILL_REAPED) \
	point(DEPOT_NO_PARTIAL) \
	point(DEPOT_EMPTY_TAKEN) \
	point(DEPOT_SLAB_COLLECTED) \
	point(DEPOT_COLLECTED) \
	point(DEPOT_GIVES_BACK) \
	point(SHARED_ALLOC_TAKEN) \
	point(SHARED_ALLOC_PUT) \
	point(SHARED_ALLOC_HALF_COUNTED) \
	point(SHARED_FREE_TAKEN) \
	point(SHARED_FREE_PUT) \
	point(BIN_LOCKED) \
	point(BIN_TAKEN) \
	point(BIN_SLAB_GOT) \
	point(BIN_BITMAP_GOT) \
	point(BIN_SLAB_FORMATTED) \
	point(BIN_SLAB_ACQUIRED) \
	point(BIN_SLAB_SPARE) \
	point(BIN_ADOPT_CARVED) \
	point(BIN_PUT) \
	point(BIN_HALF_COUNTED) \
	point(BIN_HALF_READ) \
	point(BIN_SLAB_EMPTY) \
	point(BIN_SLAB_UNSET) \
	point(BIN_BITMAP_FREED) \
	point(SLAB_CARVING) \
	point(STOCK_GETS) \
	point(STOCK_PUTS) \
	point(BACKING_FEEDS_META) \
	point(BACKING_GROW_WAITS) \
	point(BACKING_GROW_LOCKED) \
	point(BACKING_ZONE_RESERVED) \
	point(BACKING_ZONE_LISTED) \
	point(BACKING_SLAB_SET) \
	point(BACKING_ZONE_ADDED) \
	point(BACKING_RESERVES) \
	point(BACKING_TRIM_UNSET) \
	point(BACKING_TRIM_UNLISTED) \
	point(BACKING_TRIM_FREED) \
	point(META_ADDS) \
	point(META_PUSHES) \
	point(META_POPS) \
	point(META_GIVES)

#define FASTMEM_RACE_ENUM(name) FASTMEM_RACE_ ## name,
enum fastmem_race {
	FASTMEM_RACE_POINTS(FASTMEM_RACE_ENUM)
	FASTMEM_RACE_N
};

#ifdef RTE_FASTMEM_DEBUG_RACES

/** Perhaps delay the calling thread. */
void
fastmem_race_point(enum fastmem_race point);

/** Print how often each point was come to. */
void
fastmem_race_dump(FILE *f);

#else

static inline void
fastmem_race_point(enum fastmem_race point)
{
	(void)point;
}

static inline void
fastmem_race_dump(FILE *f)
{
	(void)f;
}

#endif

#endif /* FASTMEM_RACE_H */
