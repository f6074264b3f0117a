/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * The mempool driver "fastmem" by many threads at once. Each object says whose
 * it is, so that one that is lost, or is handed out twice, is found.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_pause.h>
#include <rte_random.h>
#include <rte_thread.h>

#include "test_fastmem_mempool.h"
#include "test_fastmem_stress.h"
#include "test_fastmem_util.h"

#define N_THREADS 4
#define MAX_ACTORS (RTE_MAX_LCORE + N_THREADS)
#define MAX_HELD 1000
/* To come together, and for the calls of a round; what was done then will do. */
#define SECONDS_TO_WAIT 20
#define MAX_SECONDS 2
#define SPINS 1000

static struct rte_mempool *pool;
static struct fastmem_test_hammer hammer;
static RTE_ATOMIC(uint32_t) next_number;

/* How a suite's actors go about it. */
static int (*act)(unsigned int number);

void
fastmem_test_obj_init(__rte_unused struct rte_mempool *mp,
	__rte_unused void *arg, void *ptr, unsigned int number)
{
	struct fastmem_test_obj *obj = ptr;

	obj->number = number;
	rte_atomic_store_explicit(&obj->owner, 0, rte_memory_order_relaxed);
}

uint64_t
fastmem_test_mempool_seed(void)
{
	uint64_t seed = fastmem_test_env("FASTMEM_TEST_SEED", rte_rand() >> 32);

	printf("FASTMEM_TEST_SEED=%" PRIu64 "\n", seed);
	return seed;
}

static int
take_objs(void **objs, unsigned int n, uint32_t owner)
{
	struct fastmem_test_obj *obj;
	unsigned int i;
	uint32_t last;

	for (i = 0; i < n; i++) {
		obj = objs[i];
		last = rte_atomic_exchange_explicit(&obj->owner, owner,
			rte_memory_order_relaxed);
		TEST_ASSERT_EQUAL(last, 0, "object %u of %u has got %u",
			obj->number, last, owner);
	}
	return 0;
}

int
fastmem_test_take_objs(void **objs, unsigned int n)
{
	return take_objs(objs, n, 1);
}

void
fastmem_test_leave_objs(void **objs, unsigned int n)
{
	struct fastmem_test_obj *obj;
	unsigned int i;

	for (i = 0; i < n; i++) {
		obj = objs[i];
		rte_atomic_store_explicit(&obj->owner, 0,
			rte_memory_order_relaxed);
	}
}

/* Where an actor's random numbers begin; never 0. */
static uint64_t
actor_state(uint64_t seed, unsigned int number)
{
	return (seed + number) * UINT64_C(0x9e3779b97f4a7c15) | 1;
}

/* What an actor holds goes up and down; the rest of it is free in the pool. */
static int
hammer_calls(struct rte_mempool *mp, struct fastmem_test_hammer *h,
	unsigned int number, uint64_t end)
{
	uint64_t state = actor_state(h->seed, number);
	unsigned int n = 0, i, k, most;
	void *objs[MAX_HELD];

	for (i = 0; i < h->n_calls; i++) {
		/* mostly small bulks, and sometimes all that is possible */
		k = fastmem_test_rand(&state) >> 32;
		most = k % 4 == 0 ? h->n_held : RTE_MIN(h->n_held, 32U);
		k = 1 + k / 4 % most;
		if (n + k > h->n_held || (n > 0 && k % 2 == 0)) {
			k = RTE_MIN(k, n);
			n -= k;
			fastmem_test_leave_objs(&objs[n], k);
			rte_mempool_put_bulk(mp, &objs[n], k);
			continue;
		}
		TEST_ASSERT_SUCCESS(rte_mempool_get_bulk(mp, &objs[n], k),
			"actor %u, call %u: %u held and no %u more of %u",
			number, i, n, k, h->n_held);
		if (take_objs(&objs[n], k, number) != 0)
			return -1;
		n += k;
		if (i % 64 == 0 && (rte_get_timer_cycles() > end ||
				rte_atomic_load_explicit(&h->n_failed,
				rte_memory_order_relaxed) != 0))
			break;
	}
	fastmem_test_leave_objs(objs, n);
	if (n > 0)
		rte_mempool_put_bulk(mp, objs, n);
	return 0;
}

/* Spin, so as to begin together, but not for a thread that has no CPU. */
static void
wait_for_others(unsigned int *spins)
{
	if (++*spins < SPINS)
		rte_pause();
	else
		rte_delay_us_sleep(1);
}

int
fastmem_test_hammer(struct rte_mempool *mp, struct fastmem_test_hammer *h,
	unsigned int number)
{
	uint64_t end = rte_get_timer_cycles() +
		SECONDS_TO_WAIT * rte_get_timer_hz();
	unsigned int spins = 0;
	int ret;

	/* all of them at once */
	rte_atomic_fetch_add_explicit(&h->n_ready, 1, rte_memory_order_relaxed);
	while (rte_atomic_load_explicit(&h->n_ready, rte_memory_order_relaxed) <
			h->n_actors && rte_get_timer_cycles() < end)
		wait_for_others(&spins);
	ret = hammer_calls(mp, h, number, rte_get_timer_cycles() +
		MAX_SECONDS * rte_get_timer_hz());
	if (ret != 0)
		rte_atomic_fetch_add_explicit(&h->n_failed, 1,
			rte_memory_order_relaxed);
	return ret;
}

static int
lcore_main(__rte_unused void *arg)
{
	return act(rte_atomic_fetch_add_explicit(&next_number, 1,
		rte_memory_order_relaxed));
}

static uint32_t
thread_main(__rte_unused void *arg)
{
	return lcore_main(NULL) == 0 ? 0 : 1;
}

/* All lcores and some threads without lcore id. */
static int
run_actors(int (*fn)(unsigned int number))
{
	rte_thread_t threads[N_THREADS];
	unsigned int lcore_id, i;
	int ret = 0;
	uint32_t result;

	act = fn;
	rte_atomic_store_explicit(&next_number, 1, rte_memory_order_relaxed);
	for (i = 0; i < N_THREADS; i++)
		TEST_ASSERT_SUCCESS(rte_thread_create(&threads[i], NULL,
			thread_main, NULL), "no thread");
	RTE_LCORE_FOREACH_WORKER(lcore_id)
		rte_eal_remote_launch(lcore_main, NULL, lcore_id);
	ret |= lcore_main(NULL);
	RTE_LCORE_FOREACH_WORKER(lcore_id)
		ret |= rte_eal_wait_lcore(lcore_id);
	for (i = 0; i < N_THREADS; i++) {
		rte_thread_join(threads[i], &result);
		ret |= result;
	}
	return ret;
}

/* Afterwards: each object is there once. */
static int
check_pool(void)
{
	static void *objs[MAX_ACTORS * MAX_HELD];
	void *obj;

	rte_mempool_audit(pool);
	TEST_ASSERT_EQUAL(rte_mempool_avail_count(pool), pool->size,
		"count is %u, not %u", rte_mempool_avail_count(pool),
		pool->size);
	TEST_ASSERT_SUCCESS(rte_mempool_get_bulk(pool, objs, pool->size),
		"objects are lost");
	if (take_objs(objs, pool->size, 1) != 0)
		return -1;
	TEST_ASSERT_EQUAL(rte_mempool_get(pool, &obj), -ENOBUFS, "too many");
	fastmem_test_leave_objs(objs, pool->size);
	rte_mempool_put_bulk(pool, objs, pool->size);
	return 0;
}

static int
act_hammer(unsigned int number)
{
	return fastmem_test_hammer(pool, &hammer, number);
}

/*
 * Never too few objects for anybody: a driver that overlooks some which are on
 * their way from one thread's hands to another's is found out when all hold
 * as much as they may.
 */
static int
test_hammer(void)
{
	static const struct {
		unsigned int n_held, n_calls;
	} rounds[] = {
		{ 1, 500000 }, { 2, 500000 }, { 33, 200000 }, { 130, 50000 },
		{ MAX_HELD, 10000 },
	};
	unsigned int i;

	for (i = 0; i < RTE_DIM(rounds); i++) {
		memset(&hammer, 0, sizeof(hammer));
		hammer.seed = fastmem_test_mempool_seed();
		hammer.n_actors = rte_lcore_count() + N_THREADS;
		hammer.n_held = rounds[i].n_held;
		hammer.n_calls = rounds[i].n_calls / rte_lcore_count();
		pool = fastmem_test_mempool("test_fm_hammer",
			hammer.n_actors * hammer.n_held, 0);
		TEST_ASSERT_NOT_NULL(pool, "no pool");
		TEST_ASSERT_SUCCESS(run_actors(act_hammer), "with %u held",
			rounds[i].n_held);
		if (check_pool() != 0)
			return TEST_FAILED;
		rte_mempool_free(pool);
		pool = NULL;
	}
	return TEST_SUCCESS;
}

static RTE_ATOMIC(uint64_t) n_gets;

/* Whether there are enough objects is a matter of luck. */
static int
act_scarce(unsigned int number)
{
	uint64_t state = actor_state(hammer.seed, number);
	unsigned int i, k, n = 0, gets = 0;
	void *objs[MAX_HELD];

	for (i = 0; i < 20000 / rte_lcore_count(); i++) {
		k = 1 + (fastmem_test_rand(&state) >> 32) % 200;
		if (n + k <= MAX_HELD &&
				rte_mempool_get_bulk(pool, &objs[n], k) == 0) {
			if (take_objs(&objs[n], k, number) != 0)
				return -1;
			n += k;
			gets++;
			continue;
		}
		k = RTE_MIN(k, n);
		if (k == 0)
			continue;
		n -= k;
		fastmem_test_leave_objs(&objs[n], k);
		rte_mempool_put_bulk(pool, &objs[n], k);
	}
	fastmem_test_leave_objs(objs, n);
	if (n > 0)
		rte_mempool_put_bulk(pool, objs, n);
	rte_atomic_fetch_add_explicit(&n_gets, gets, rte_memory_order_relaxed);
	return 0;
}

/* Everyone wants more than there is. */
static int
test_scarce(void)
{
	static const unsigned int sizes[] = { 200, 500, 1500 };
	unsigned int i;

	memset(&hammer, 0, sizeof(hammer));
	hammer.seed = fastmem_test_mempool_seed();
	for (i = 0; i < RTE_DIM(sizes); i++) {
		rte_atomic_store_explicit(&n_gets, 0, rte_memory_order_relaxed);
		pool = fastmem_test_mempool("test_fm_scarce", sizes[i], 0);
		TEST_ASSERT_NOT_NULL(pool, "no pool");
		TEST_ASSERT_SUCCESS(run_actors(act_scarce), "pool of %u",
			sizes[i]);
		TEST_ASSERT(rte_atomic_load_explicit(&n_gets,
			rte_memory_order_relaxed) > 100, "hardly any object");
		if (check_pool() != 0)
			return TEST_FAILED;
		rte_mempool_free(pool);
		pool = NULL;
	}
	return TEST_SUCCESS;
}

static void
free_pool(void)
{
	rte_mempool_free(pool);
	pool = NULL;
}

struct unit_test_suite fastmem_mempool_stress_testsuite = {
	.suite_name = "fastmem mempool driver by many threads",
	.unit_test_cases = {
		TEST_CASE_ST(NULL, free_pool, test_hammer),
		TEST_CASE_ST(NULL, free_pool, test_scarce),
		TEST_CASES_END()
	}
};
