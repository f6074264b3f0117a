/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * The memory of elastic mempools: that they take what is needed, and give back
 * what is not; and what becomes of them when there is none.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mempool.h>
#include <rte_mempool_fastmem.h>

#include "test_fastmem_elastic.h"
#include "test_fastmem_peer.h"
#include "test_fastmem_util.h"

#define N_OBJS FASTMEM_TEST_ELASTIC_OBJS
#define ELT_SIZE FASTMEM_TEST_ELASTIC_SIZE
#define N_CYCLES 100
/* Longer than a pool waits until it looks for memory again. */
#define STARVE_US 3000

static void *objs[N_OBJS + 1];

/* What both processes see. */
struct shared {
	unsigned int n;
	void *objs[N_OBJS];
};

static struct shared *shared;

/* Where a secondary process was. A case that has failed leaves its pool. */
static void
teardown_shared(void)
{
	rte_mempool_free(rte_mempool_lookup("elastic"));
	fastmem_test_teardown_shared();
}

/* It holds what is needed, and gives it back. */
static int
test_trim(void)
{
	struct rte_fastmem_elastic_stats stats;
	unsigned int round, i;
	struct rte_mempool *mp;
	size_t bytes;

	mp = fastmem_test_elastic(N_OBJS, ELT_SIZE, 0);
	TEST_ASSERT_NOT_NULL(mp, "cannot create: %d", rte_errno);
	for (round = 0; round < 4; round++) {
		/* a few, and not much more is there */
		TEST_ASSERT_SUCCESS(rte_mempool_get_bulk(mp, objs, 100), "get");
		TEST_ASSERT(fastmem_test_constructed(mp) < 250, "%u objects for 100",
			fastmem_test_constructed(mp));
		TEST_ASSERT_SUCCESS(rte_mempool_get_bulk(mp, &objs[100],
			N_OBJS - 100), "get");
		TEST_ASSERT_SUCCESS(rte_fastmem_elastic_stats(mp, &stats), "");
		TEST_ASSERT(stats.n_constructed == N_OBJS && stats.n_used ==
			N_OBJS && stats.n_used_max == N_OBJS && stats.bytes >=
			(uint64_t)N_OBJS * ELT_SIZE, "%" PRIu64 " B",
			stats.bytes);
		/* what is used stays */
		TEST_ASSERT_SUCCESS(rte_fastmem_elastic_trim(mp, 0, &bytes),
			"trim");
		TEST_ASSERT(bytes == 0 && fastmem_test_constructed(mp) == N_OBJS, "%zu B "
			"given back of objects in use", bytes);
		/* all but one from the middle */
		fastmem_test_sort(objs, N_OBJS);
		rte_mempool_put_bulk(mp, objs, 1500);
		rte_mempool_put_bulk(mp, &objs[1501], N_OBJS - 1501);
		if (round % 2 == 0) {
			TEST_ASSERT_SUCCESS(rte_fastmem_elastic_trim(mp, N_OBJS,
				&bytes), "trim");
			TEST_ASSERT(bytes == 0 && fastmem_test_constructed(mp) == N_OBJS,
				"more than asked for");
			TEST_ASSERT_SUCCESS(rte_fastmem_elastic_trim(mp, 2500,
				&bytes), "trim");
			TEST_ASSERT(bytes == FASTMEM_TEST_SLAB_SIZE &&
				fastmem_test_constructed(mp) <= 2500, "%u objects",
				fastmem_test_constructed(mp));
		}
		TEST_ASSERT_SUCCESS(rte_fastmem_elastic_trim(mp, 0, &bytes),
			"trim");
		TEST_ASSERT_SUCCESS(rte_fastmem_elastic_stats(mp, &stats), "");
		TEST_ASSERT(stats.bytes == FASTMEM_TEST_SLAB_SIZE &&
			stats.n_used == 1 && fastmem_test_elastic_built(objs[1500]), "%" PRIu64
			" B for one object", stats.bytes);
		if (fastmem_test_elastic_counts(mp, 1) != 0 || fastmem_test_elastic_list(mp) != 0)
			return TEST_FAILED;
		rte_mempool_put(mp, objs[1500]);
		TEST_ASSERT_SUCCESS(rte_fastmem_elastic_trim(mp, 0, &bytes),
			"trim");
		TEST_ASSERT(bytes == FASTMEM_TEST_SLAB_SIZE &&
			fastmem_test_constructed(mp) == 0, "%zu B", bytes);
		if (fastmem_test_elastic_counts(mp, 0) != 0 || fastmem_test_elastic_list(mp) != 0 ||
				fastmem_test_all_back() != 0)
			return TEST_FAILED;
		/* its memory serves others, who write over it */
		for (i = 0; i < 4; i++) {
			objs[i] = rte_fastmem_alloc(FASTMEM_TEST_MAX_SIZE / 2,
				0, RTE_FASTMEM_F_NO_GROW);
			TEST_ASSERT_NOT_NULL(objs[i], "no memory");
			memset(objs[i], 0xff, FASTMEM_TEST_MAX_SIZE / 2);
		}
		rte_fastmem_free_bulk(objs, 4);
		rte_fastmem_cache_flush();
	}
	rte_mempool_free(mp);
	return fastmem_test_all_back();
}

static int
tick(struct rte_mempool *mp, unsigned int n)
{
	int ret = 0;

	while (n-- > 0)
		ret = rte_fastmem_elastic_tick(mp);
	return ret;
}

/* What was needed lately stays, with a reserve, and the rest goes at last. */
static int
test_policy(void)
{
	struct rte_fastmem_elastic_policy policy =
		RTE_FASTMEM_ELASTIC_POLICY_DEFAULT;
	struct rte_mempool *mp = fastmem_test_elastic(N_OBJS, ELT_SIZE * 4, 0);
	unsigned int slab = FASTMEM_TEST_SLAB_SIZE / (ELT_SIZE * 4), i;

	TEST_ASSERT_NOT_NULL(mp, "cannot create: %d", rte_errno);
	TEST_ASSERT_SUCCESS(rte_mempool_get_bulk(mp, objs, N_OBJS), "get");
	fastmem_test_sort(objs, N_OBJS);
	rte_mempool_put_bulk(mp, objs, N_OBJS);
	/* the interval with the peak is over with its eighth tick */
	for (i = 0; i < policy.n_ticks; i++)
		TEST_ASSERT_EQUAL(tick(mp, 1), 0, "gave back in tick %u", i);
	TEST_ASSERT_EQUAL(fastmem_test_constructed(mp), N_OBJS, "gave back");
	/* a smaller peak in the next one */
	TEST_ASSERT_SUCCESS(rte_mempool_get_bulk(mp, objs, 1000), "get");
	rte_mempool_put_bulk(mp, objs, 1000);
	for (i = 1; i < policy.n_ticks; i++)
		TEST_ASSERT_EQUAL(tick(mp, 1), 0, "gave back in tick %u", i);
	TEST_ASSERT_EQUAL(fastmem_test_constructed(mp), N_OBJS, "gave back");
	TEST_ASSERT_EQUAL(tick(mp, 1), 1, "did not give back");
	TEST_ASSERT(fastmem_test_constructed(mp) <= 1250 && fastmem_test_constructed(mp) + slab >=
		1250, "%u objects for 1000", fastmem_test_constructed(mp));
	if (fastmem_test_elastic_counts(mp, 0) != 0 || fastmem_test_elastic_list(mp) != 0)
		return TEST_FAILED;

	/* what is in use counts, too */
	TEST_ASSERT_SUCCESS(rte_mempool_get_bulk(mp, objs, 2000), "get");
	rte_mempool_put_bulk(mp, objs, 1200);
	tick(mp, policy.n_ticks);
	policy.n_ticks = 2;
	policy.spare_percent = 0;
	policy.min_objs = 1500;
	TEST_ASSERT_SUCCESS(rte_fastmem_elastic_policy_set(mp, &policy), "set");
	tick(mp, 2);
	TEST_ASSERT(fastmem_test_constructed(mp) >= 1500 - slab && fastmem_test_constructed(mp) <=
		2000 + slab, "%u objects", fastmem_test_constructed(mp));
	policy.min_objs = 0;
	TEST_ASSERT_SUCCESS(rte_fastmem_elastic_policy_set(mp, &policy), "set");
	rte_mempool_put_bulk(mp, &objs[1200], 800);
	tick(mp, 4);
	TEST_ASSERT(fastmem_test_constructed(mp) == 0, "%u objects for nothing",
		fastmem_test_constructed(mp));
	/* never */
	policy.n_ticks = 0;
	TEST_ASSERT_SUCCESS(rte_fastmem_elastic_policy_set(mp, &policy), "set");
	TEST_ASSERT_SUCCESS(rte_mempool_get_bulk(mp, objs, 1000), "get");
	rte_mempool_put_bulk(mp, objs, 1000);
	TEST_ASSERT(tick(mp, 100) == 0 && fastmem_test_constructed(mp) >= 1000, "gave back");
	rte_mempool_free(mp);
	return fastmem_test_all_back();
}

/* When there is no memory, a pool has what it has, until there is some. */
static int
test_exhaustion(void)
{
	struct rte_mempool *mp;
	unsigned int n = 0, big = 0;
	static void *large[1000];

	mp = fastmem_test_elastic(N_OBJS, ELT_SIZE, 0);
	TEST_ASSERT_NOT_NULL(mp, "cannot create: %d", rte_errno);
	TEST_ASSERT_SUCCESS(rte_mempool_get_bulk(mp, objs, 10), "get");
	/* what else there is */
	while (big < RTE_DIM(large) && (large[big] = rte_fastmem_alloc(
			FASTMEM_TEST_MAX_SIZE / 2, 0, RTE_FASTMEM_F_NO_GROW)) !=
			NULL)
		big++;
	TEST_ASSERT(big > 0 && big < RTE_DIM(large), "%u large objects", big);
	/* who wants too much keeps nobody from getting less */
	TEST_ASSERT_EQUAL(rte_mempool_get_bulk(mp, &objs[10], N_OBJS - 10),
		-ENOBUFS, "get");
	TEST_ASSERT_SUCCESS(rte_mempool_get_bulk(mp, &objs[10], 200),
		"get fewer");
	for (n = 210; n < N_OBJS && rte_mempool_get(mp, &objs[n]) == 0; n++)
		;
	TEST_ASSERT(n < N_OBJS, "%u objects without memory", n);
	if (fastmem_test_elastic_counts(mp, n) != 0)
		return TEST_FAILED;
	TEST_ASSERT_EQUAL(rte_mempool_get(mp, &objs[n]), -ENOBUFS, "get");
	/* its own objects are there at once */
	rte_mempool_put_bulk(mp, objs, n);
	TEST_ASSERT_SUCCESS(rte_mempool_get_bulk(mp, objs, n), "get");
	TEST_ASSERT_EQUAL(rte_mempool_get_bulk(mp, &objs[n], N_OBJS - n),
		-ENOBUFS, "get");
	/* memory of others a little later */
	rte_fastmem_free_bulk(large, big);
	rte_fastmem_cache_flush();
	rte_delay_us_sleep(STARVE_US);
	TEST_ASSERT_SUCCESS(rte_mempool_get_bulk(mp, &objs[n], N_OBJS - n),
		"get");
	rte_mempool_put_bulk(mp, objs, N_OBJS);
	if (fastmem_test_elastic_counts(mp, 0) != 0 || fastmem_test_elastic_list(mp) != 0)
		return TEST_FAILED;
	/* a pool that can never have all its objects is none */
	TEST_ASSERT_SUCCESS(fastmem_test_limit(fastmem_test_backing()), "limit");
	TEST_ASSERT(rte_fastmem_elastic_create("too_large",
		fastmem_test_backing() / ELT_SIZE, ELT_SIZE, 0, 0, NULL, NULL,
		fastmem_test_socket(), 0) == NULL &&
		rte_errno == ENOMEM, "pool without memory: %d", rte_errno);
	rte_mempool_free(mp);
	return fastmem_test_all_back();
}

/* Pools of all sizes in turns over one stock, which does not grow. */
static int
test_sizes(void)
{
	static const unsigned int sizes[] = {
		16, 64, 200, 1000, 2304, 9000, 70000,
	};
	struct rte_mempool *mps[RTE_DIM(sizes)];
	unsigned int numbers[RTE_DIM(sizes)], i, j, round;
	uint64_t backing = 0;
	char name[32];

	for (i = RTE_DIM(sizes); i-- > 0;) {
		snprintf(name, sizeof(name), "size%u", sizes[i]);
		numbers[i] = RTE_MIN((6u << 20) / sizes[i], (unsigned int)N_OBJS);
		mps[i] = rte_fastmem_elastic_create(name, numbers[i], sizes[i],
			32, 0, fastmem_test_elastic_init, &fastmem_test_n_built,
			fastmem_test_socket(), 0);
		TEST_ASSERT_NOT_NULL(mps[i], "cannot create: %d", rte_errno);
	}
	for (round = 0; round < 3; round++) {
		for (i = 0; i < RTE_DIM(sizes); i++) {
			for (j = 0; j < numbers[i]; j++) {
				TEST_ASSERT_SUCCESS(rte_mempool_get(mps[i],
					&objs[j]), "object %u of %u B", j,
					sizes[i]);
				TEST_ASSERT(fastmem_test_elastic_built(objs[j]), "constructor");
				memset((char *)objs[j] + 16, j, sizes[i] - 16);
			}
			for (j = 0; j < numbers[i]; j++) {
				TEST_ASSERT(fastmem_test_all_bytes((char *)
					objs[j] + 16, sizes[i] - 16, j),
					"overwritten");
				rte_mempool_put(mps[i], objs[j]);
			}
			TEST_ASSERT_SUCCESS(rte_fastmem_elastic_trim(mps[i], 0,
				NULL), "trim");
			if (fastmem_test_elastic_counts(mps[i], 0) != 0 ||
					fastmem_test_elastic_list(mps[i]) != 0)
				return TEST_FAILED;
			TEST_ASSERT_EQUAL(fastmem_test_constructed(mps[i]), 0, "trim");
			if (round == 0 && i == 0)
				backing = fastmem_test_backing();
			TEST_ASSERT_EQUAL(fastmem_test_backing(), backing,
				"memory grew");
		}
	}
	for (i = 0; i < RTE_DIM(sizes); i++)
		rte_mempool_free(mps[i]);
	return fastmem_test_all_back();
}

static unsigned int n_ready, n_destroyed;

static void
count_event(enum rte_mempool_event event, struct rte_mempool *mp, void *arg)
{
	/* all of its memory is known by then */
	if (event == RTE_MEMPOOL_EVENT_READY && mp->nb_mem_chunks ==
			rte_mempool_mem_iter(mp, (rte_mempool_mem_cb_t *)arg,
				NULL))
		n_ready++;
	if (event == RTE_MEMPOOL_EVENT_DESTROY)
		n_destroyed++;
}

static void
see_memory(struct rte_mempool *mp __rte_unused, void *arg __rte_unused,
	struct rte_mempool_memhdr *memhdr __rte_unused,
	unsigned int idx __rte_unused)
{
}

/* Pools come and go, with objects in caches and lost ones. */
static int
test_cycles(void)
{
	uint64_t backing = 0;
	struct rte_mempool *mp;
	unsigned int i, n;

	n_ready = 0;
	n_destroyed = 0;
	TEST_ASSERT_SUCCESS(rte_mempool_event_callback_register(count_event,
		(void *)(uintptr_t)see_memory), "cannot register");
	for (i = 0; i < N_CYCLES; i++) {
		mp = fastmem_test_elastic(N_OBJS, ELT_SIZE, i % 3 == 0 ? 0 : 256);
		TEST_ASSERT_NOT_NULL(mp, "cannot create: %d", rte_errno);
		n = i * 37 % N_OBJS;
		TEST_ASSERT_SUCCESS(rte_mempool_get_bulk(mp, objs, n), "get");
		/* some are lost */
		rte_mempool_put_bulk(mp, objs, n - n % 7);
		if (i % 4 == 0)
			rte_fastmem_elastic_trim(mp, 0, NULL);
		if (fastmem_test_elastic_counts(mp, n % 7) != 0 ||
				(i % 10 == 0 && fastmem_test_elastic_list(mp) != 0))
			return TEST_FAILED;
		rte_mempool_free(mp);
		TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
		if (i == 0)
			backing = fastmem_test_backing();
		TEST_ASSERT_EQUAL(fastmem_test_backing(), backing, "leak");
	}
	rte_mempool_event_callback_unregister(count_event,
		(void *)(uintptr_t)see_memory);
	TEST_ASSERT(n_ready == N_CYCLES && n_destroyed == N_CYCLES,
		"%u pools ready, %u destroyed", n_ready, n_destroyed);
	/* as many as types, and no more */
	for (i = 0; i < 100; i++) {
		char name[32];

		snprintf(name, sizeof(name), "pool%u", i);
		objs[i] = rte_fastmem_elastic_create(name, 10, 100, 0, 0, NULL,
			NULL, fastmem_test_socket(), 0);
		if (objs[i] == NULL)
			break;
	}
	TEST_ASSERT(i == 64 && rte_errno == ENOSPC, "%u pools, then %d", i,
		rte_errno);
	while (i-- > 0)
		rte_mempool_free(objs[i]);
	return fastmem_test_all_back();
}

/* In the secondary process. */
int
fastmem_test_elastic_peer(uint32_t task __rte_unused, void *data)
{
	struct rte_mempool *mp = rte_mempool_lookup("elastic");
	struct rte_fastmem_elastic_stats stats;
	unsigned int i, round;

	shared = data;
	TEST_ASSERT_NOT_NULL(mp, "no pool");
	TEST_ASSERT_SUCCESS(rte_fastmem_init(), "cannot attach");
	TEST_ASSERT(rte_fastmem_elastic_create("other", 10, 100, 0, 0, NULL,
		NULL, SOCKET_ID_ANY, 0) == NULL && rte_errno == ENOTSUP,
		"created");
	TEST_ASSERT(rte_fastmem_elastic_trim(mp, 0, NULL) == -ENOTSUP &&
		rte_fastmem_elastic_tick(mp) == -ENOTSUP, "trimmed");
	TEST_ASSERT_SUCCESS(rte_fastmem_elastic_stats(mp, &stats), "stats");
	TEST_ASSERT_EQUAL(stats.n_used, shared->n, "%u used", stats.n_used);
	for (i = 0; i < shared->n; i++)
		TEST_ASSERT(fastmem_test_elastic_built(shared->objs[i]), "not constructed");
	rte_mempool_put_bulk(mp, shared->objs, shared->n);
	/* the primary constructs the rest */
	for (round = 0; round < 3; round++) {
		for (i = 0; i < N_OBJS; i += 10)
			TEST_ASSERT_SUCCESS(rte_mempool_get_bulk(mp,
				&shared->objs[i], 10), "object %u", i);
		TEST_ASSERT_EQUAL(rte_mempool_get(mp, &objs[0]), -ENOBUFS,
			"too many");
		for (i = 0; i < N_OBJS; i++)
			TEST_ASSERT(fastmem_test_elastic_built(shared->objs[i]), "constructor");
		if (round < 2)
			rte_mempool_put_bulk(mp, shared->objs, N_OBJS);
	}
	shared->n = N_OBJS;
	rte_fastmem_deinit();
	return 0;
}

static int
run_peer(void)
{
	struct rte_mempool *mp = fastmem_test_elastic(N_OBJS, ELT_SIZE, 0);
	int ret;

	TEST_ASSERT_NOT_NULL(mp, "cannot create: %d", rte_errno);
	shared->n = 200;
	TEST_ASSERT_SUCCESS(rte_mempool_get_bulk(mp, shared->objs, shared->n),
		"get");
	ret = fastmem_test_peer_run(FASTMEM_TEST_ELASTIC_COMMAND, 0);
	if (ret == TEST_FAILED)
		return ret;
	if (ret == TEST_SUCCESS)
		TEST_ASSERT_EQUAL(fastmem_test_n_built, N_OBJS, "%u constructed",
			fastmem_test_n_built);
	if (fastmem_test_elastic_counts(mp, shared->n) != 0 || fastmem_test_elastic_list(mp) != 0)
		return TEST_FAILED;
	rte_mempool_put_bulk(mp, shared->objs, shared->n);
	TEST_ASSERT_SUCCESS(rte_fastmem_elastic_trim(mp, 0, NULL), "trim");
	TEST_ASSERT_EQUAL(fastmem_test_constructed(mp), 0, "objects are left");
	rte_mempool_free(mp);
	return ret;
}

static int
test_secondary(void)
{
	int ret;

	ret = fastmem_test_peer_setup(sizeof(*shared), (void **)&shared);
	if (ret != TEST_SUCCESS)
		return ret;
	ret = run_peer();
	fastmem_test_peer_teardown();
	return ret == TEST_SUCCESS ? fastmem_test_all_back() : ret;
}

struct unit_test_suite fastmem_elastic_memory_testsuite = {
	.suite_name = "fastmem elastic mempools, memory",
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_elastic_setup,
			fastmem_test_elastic_teardown, test_trim),
		TEST_CASE_ST(fastmem_test_elastic_setup,
			fastmem_test_elastic_teardown, test_policy),
		TEST_CASE_ST(fastmem_test_elastic_setup,
			fastmem_test_elastic_teardown, test_exhaustion),
		TEST_CASE_ST(fastmem_test_elastic_setup,
			fastmem_test_elastic_teardown, test_sizes),
		TEST_CASE_ST(fastmem_test_elastic_setup,
			fastmem_test_elastic_teardown, test_cycles),
		TEST_CASE_ST(fastmem_test_elastic_setup,
			teardown_shared, test_secondary),
		TEST_CASES_END()
	}
};
