/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * The mempool driver "fastmem" by two processes. They run on the same lcore id,
 * hence share the same part of a pool.
 */

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_mempool.h>
#include <rte_stdatomic.h>

#include "test_fastmem_mempool.h"
#include "test_fastmem_peer.h"
#include "test_fastmem_util.h"

#define COMMAND "fastmem_mempool_autotest"
#define N_OBJS 1000
#define SECONDS_TO_WAIT 20

static void *table[N_OBJS];
static struct rte_mempool *pool;

/* What both processes see. */
struct shared {
	char name[RTE_MEMPOOL_NAMESIZE];
	RTE_ATOMIC(uint32_t) created;
	RTE_ATOMIC(uint32_t) done;
	struct fastmem_test_hammer hammer;
	unsigned int n;
	void *objs[N_OBJS];
};

enum task {
	TASK_DRAIN,
	TASK_HAMMER,
	TASK_CREATE,
};

static struct shared *shared;

/* The secondary process gets what the primary has put, and the reverse. */
static int
test_secondary_drain(void)
{
	unsigned int i;
	int ret;

	pool = fastmem_test_mempool("test_fm_drain", RTE_DIM(shared->objs), 0);
	TEST_ASSERT_NOT_NULL(pool, "no pool");
	snprintf(shared->name, sizeof(shared->name), "%s", pool->name);
	if (fastmem_test_pool_get_all(pool, table, 10) != 0 ||
			fastmem_test_pool_put_all(pool, table, 10) != 0)
		return TEST_FAILED;
	ret = fastmem_test_peer_run(COMMAND, TASK_DRAIN);
	if (ret != TEST_SUCCESS)
		return ret;
	if (fastmem_test_pool_count(pool, pool->size - shared->n) != 0)
		return TEST_FAILED;
	for (i = 0; i < shared->n; i++)
		rte_mempool_put(pool, shared->objs[i]);
	if (fastmem_test_pool_get_all(pool, table, 100) != 0)
		return TEST_FAILED;
	return fastmem_test_pool_put_all(pool, table, 100);
}

static int
secondary_drain(void)
{
	if (fastmem_test_pool_get_all(pool, shared->objs, 7) != 0)
		return -1;
	shared->n = pool->size / 2;
	fastmem_test_leave_objs(shared->objs, pool->size);
	rte_mempool_put_bulk(pool, &shared->objs[shared->n],
		pool->size - shared->n);
	return fastmem_test_pool_count(pool, pool->size - shared->n);
}

static void
set_hammer(void)
{
	struct fastmem_test_hammer *hammer = &shared->hammer;

	memset(hammer, 0, sizeof(*hammer));
	hammer->n_actors = 2;
	hammer->n_held = 100;
	hammer->n_calls = 50000;
	hammer->seed = fastmem_test_mempool_seed();
}

/* Both processes at once, on the same lcore id. */
static int
test_secondary_hammer(void)
{
	int ret, hammered;

	set_hammer();
	pool = fastmem_test_mempool("test_fm_hammer", 200, 0);
	TEST_ASSERT_NOT_NULL(pool, "no pool");
	snprintf(shared->name, sizeof(shared->name), "%s", pool->name);
	ret = fastmem_test_peer_start(COMMAND, TASK_HAMMER);
	if (ret != TEST_SUCCESS)
		return ret;
	hammered = fastmem_test_hammer(pool, &shared->hammer, 1);
	ret = fastmem_test_peer_end();
	TEST_ASSERT_SUCCESS(hammered, "failed in the primary process");
	if (ret != TEST_SUCCESS)
		return ret;
	return fastmem_test_pool_count(pool, pool->size);
}

static int
wait_for(const RTE_ATOMIC(uint32_t) *flag)
{
	unsigned int ms;

	for (ms = 0; ms < SECONDS_TO_WAIT * 1000; ms++) {
		if (rte_atomic_load_explicit(flag, rte_memory_order_acquire) != 0)
			return 0;
		rte_delay_us_sleep(1000);
	}
	TEST_ASSERT(0, "the other process is not there");
}

/*
 * A pool that the secondary process has made is everybody's. To free it is left
 * to that process, whose functions mempool has noted down for it.
 */
static int
test_secondary_create(void)
{
	int ret, hammered = -1;

	set_hammer();
	rte_atomic_store_explicit(&shared->created, 0, rte_memory_order_relaxed);
	rte_atomic_store_explicit(&shared->done, 0, rte_memory_order_relaxed);
	snprintf(shared->name, sizeof(shared->name), "test_fm_create");
	ret = fastmem_test_peer_start(COMMAND, TASK_CREATE);
	if (ret != TEST_SUCCESS)
		return ret;
	if (wait_for(&shared->created) == 0) {
		hammered = fastmem_test_hammer(rte_mempool_lookup(shared->name),
			&shared->hammer, 1);
		rte_atomic_store_explicit(&shared->done, 1,
			rte_memory_order_release);
	}
	ret = fastmem_test_peer_end();
	TEST_ASSERT_SUCCESS(hammered, "failed in the primary process");
	TEST_ASSERT_NULL(rte_mempool_lookup(shared->name), "not freed");
	return ret;
}

static int
secondary_create(void)
{
	pool = fastmem_test_mempool(shared->name, 200, 0);
	TEST_ASSERT_NOT_NULL(pool, "no pool: %s", rte_strerror(rte_errno));
	rte_atomic_store_explicit(&shared->created, 1, rte_memory_order_release);
	if (fastmem_test_hammer(pool, &shared->hammer, 2) != 0 ||
			wait_for(&shared->done) != 0 ||
			fastmem_test_pool_count(pool, 200) != 0)
		return -1;
	rte_mempool_free(pool);
	return 0;
}

static int
secondary_task(uint32_t task, void *ptr)
{
	shared = ptr;
	if (!fastmem_test_has_mempool_ops())
		return -1;
	if (task == TASK_CREATE)
		return secondary_create();
	pool = rte_mempool_lookup(shared->name);
	TEST_ASSERT_NOT_NULL(pool, "no pool '%s'", shared->name);
	if (task == TASK_HAMMER)
		return fastmem_test_hammer(pool, &shared->hammer, 2);
	return secondary_drain();
}

int
fastmem_test_mempool_peer(void)
{
	return fastmem_test_peer_main(secondary_task);
}

static void
free_pool(void)
{
	rte_mempool_free(pool);
	pool = NULL;
}

static int
suite_setup(void)
{
	void *ptr;
	int ret;

	ret = fastmem_test_peer_setup(sizeof(*shared), &ptr);
	if (ret == TEST_SUCCESS)
		shared = ptr;
	return ret;
}

struct unit_test_suite fastmem_mempool_mp_testsuite = {
	.suite_name = "fastmem mempool driver in secondary processes",
	.setup = suite_setup,
	.teardown = fastmem_test_peer_teardown,
	.unit_test_cases = {
		TEST_CASE_ST(NULL, free_pool, test_secondary_drain),
		TEST_CASE_ST(NULL, free_pool, test_secondary_hammer),
		TEST_CASE_ST(NULL, free_pool, test_secondary_create),
		TEST_CASES_END()
	}
};
