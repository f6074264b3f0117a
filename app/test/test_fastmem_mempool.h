/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef TEST_FASTMEM_MEMPOOL_H
#define TEST_FASTMEM_MEMPOOL_H

/*
 * What the tests of the mempool driver share.
 */

#include <stdbool.h>
#include <stdint.h>

#include <rte_mempool.h>
#include <rte_stdatomic.h>

#include "test.h"

/* An object of a pool under test. */
struct fastmem_test_obj {
	/* Who has got it, 0 if it is in the pool. */
	RTE_ATOMIC(uint32_t) owner;
	uint32_t number;
};

/*
 * Some actors, which hold as many objects as the pool has when each of them
 * holds what it may. None of them is ever to find too few objects.
 */
struct fastmem_test_hammer {
	unsigned int n_actors;
	unsigned int n_held;
	unsigned int n_calls;
	uint64_t seed;
	RTE_ATOMIC(uint32_t) n_ready;
	RTE_ATOMIC(uint32_t) n_failed;
};

extern struct unit_test_suite fastmem_mempool_mp_testsuite;
extern struct unit_test_suite fastmem_mempool_stress_testsuite;

/* Tell if the driver is there, and say so otherwise. */
bool
fastmem_test_has_mempool_ops(void);

/* A pool of the driver, or NULL. */
struct rte_mempool *
fastmem_test_mempool(const char *name, unsigned int n, unsigned int cache);

/* Expect a pool to have so many free objects. */
int
fastmem_test_pool_count(const struct rte_mempool *mp, unsigned int n);

/* Get all objects in bulks, and expect as many as there are, each once. */
int
fastmem_test_pool_get_all(struct rte_mempool *mp, void **objs,
	unsigned int bulk);

/* Put all of them, and expect the pool to be full. */
int
fastmem_test_pool_put_all(struct rte_mempool *mp, void **objs,
	unsigned int bulk);

/* What the secondary process does. */
int
fastmem_test_mempool_peer(void);

/* For rte_mempool_obj_iter(). */
void
fastmem_test_obj_init(struct rte_mempool *mp, void *arg, void *obj,
	unsigned int number);

/* Note that objects have left a pool, where they were until then. */
int
fastmem_test_take_objs(void **objs, unsigned int n);

/* Note that they are about to go there. */
void
fastmem_test_leave_objs(void **objs, unsigned int n);

/* What the random numbers of actors depend on; FASTMEM_TEST_SEED repeats it. */
uint64_t
fastmem_test_mempool_seed(void);

/* Be the actor of that number, from 1 on, until all calls are done. */
int
fastmem_test_hammer(struct rte_mempool *mp, struct fastmem_test_hammer *hammer,
	unsigned int number);

#endif /* TEST_FASTMEM_MEMPOOL_H */
