/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * The mempool driver "fastmem": what mempool's documentation promises, no more
 * and no less than all objects, from any thread and process. Without mempool's
 * caches but where they are mentioned, so that the driver sees each call.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_memzone.h>

#include "test_fastmem_mempool.h"
#include "test_fastmem_util.h"

#define MAX_OBJS 200000
#define N_THREADS 20

/* The sizes around those at which the driver's magazines differ, and others. */
static const unsigned int sizes[] = {
	1, 2, 3, 7, 8, 9, 16, 17, 63, 64, 65, 100, 127, 128, 129, 255, 256, 257,
	1000, 1023, 1024, 4095, 20000, MAX_OBJS,
};

static void **table;
static struct rte_mempool *pool;

bool
fastmem_test_has_mempool_ops(void)
{
	unsigned int i;

	for (i = 0; i < rte_mempool_ops_table.num_ops; i++)
		if (strcmp(rte_mempool_ops_table.ops[i].name, "fastmem") == 0)
			return true;
	printf("the mempool driver is not loaded, skipped\n");
	return false;
}

struct rte_mempool *
fastmem_test_mempool(const char *name, unsigned int n, unsigned int cache)
{
	struct rte_mempool *mp;

	mp = rte_mempool_create_empty(name, n, sizeof(struct fastmem_test_obj),
		cache, 0, SOCKET_ID_ANY, RTE_MEMPOOL_F_NO_CACHE_ALIGN);
	if (mp == NULL)
		return NULL;
	if (rte_mempool_set_ops_byname(mp, "fastmem", NULL) != 0 ||
			rte_mempool_populate_default(mp) < 0) {
		rte_mempool_free(mp);
		return NULL;
	}
	rte_mempool_obj_iter(mp, fastmem_test_obj_init, NULL);
	return mp;
}

int
fastmem_test_pool_count(const struct rte_mempool *mp, unsigned int n)
{
	TEST_ASSERT_EQUAL(rte_mempool_avail_count(mp), n, "count is %u, not %u",
		rte_mempool_avail_count(mp), n);
	TEST_ASSERT_EQUAL(rte_mempool_in_use_count(mp), mp->size - n,
		"other count in use");
	TEST_ASSERT_EQUAL(rte_mempool_full(mp), n == mp->size, "full");
	TEST_ASSERT_EQUAL(rte_mempool_empty(mp), n == 0, "empty");
	return 0;
}

int
fastmem_test_pool_get_all(struct rte_mempool *mp, void **objs,
	unsigned int bulk)
{
	unsigned int n = 0, k;
	void *obj;

	while (n < mp->size) {
		k = RTE_MIN(bulk, mp->size - n);
		TEST_ASSERT_SUCCESS(rte_mempool_get_bulk(mp, &objs[n], k),
			"no %u objects after %u of %u", k, n, mp->size);
		if (fastmem_test_take_objs(&objs[n], k) != 0)
			return -1;
		n += k;
	}
	TEST_ASSERT_EQUAL(rte_mempool_get(mp, &obj), -ENOBUFS,
		"more than %u objects", mp->size);
	return fastmem_test_pool_count(mp, 0);
}

int
fastmem_test_pool_put_all(struct rte_mempool *mp, void **objs,
	unsigned int bulk)
{
	unsigned int n = 0, k;

	while (n < mp->size) {
		k = RTE_MIN(bulk, mp->size - n);
		fastmem_test_leave_objs(&objs[n], k);
		rte_mempool_put_bulk(mp, &objs[n], k);
		n += k;
	}
	rte_mempool_audit(mp);
	return fastmem_test_pool_count(mp, mp->size);
}

/* The same, on the pool of the test. */
static int
check_count(unsigned int n)
{
	return fastmem_test_pool_count(pool, n);
}

static int
get_all(unsigned int bulk)
{
	return fastmem_test_pool_get_all(pool, table, bulk);
}

static int
put_all(unsigned int bulk)
{
	return fastmem_test_pool_put_all(pool, table, bulk);
}

static int
test_sizes(void)
{
	static const unsigned int bulks[] = {
		1, 3, 32, 127, 128, 129, 512, 1000, MAX_OBJS,
	};
	unsigned int i, b;

	for (i = 0; i < RTE_DIM(sizes); i++) {
		/* where EAL has little memory */
		if (sizes[i] > 20000 && fastmem_test_bounded())
			continue;
		pool = fastmem_test_mempool("test_fm_sizes", sizes[i], 0);
		TEST_ASSERT_NOT_NULL(pool, "no pool of %u: %s", sizes[i],
			rte_strerror(rte_errno));
		if (check_count(sizes[i]) != 0)
			return TEST_FAILED;
		for (b = 0; b < RTE_DIM(bulks); b++)
			if (get_all(bulks[b]) != 0 || put_all(
					bulks[RTE_DIM(bulks) - 1 - b]) != 0)
				TEST_ASSERT(0, "pool of %u, bulks of %u",
					sizes[i], bulks[b]);
		rte_mempool_free(pool);
		pool = NULL;
	}
	return TEST_SUCCESS;
}

/* All objects of a bulk or none, for any number that is there. */
static int
test_all_or_nothing(void)
{
	unsigned int n, k, i;
	void *objs[300];

	for (i = 0; i < 14; i++) {
		n = sizes[i];
		pool = fastmem_test_mempool("test_fm_all", n, 0);
		TEST_ASSERT_NOT_NULL(pool, "no pool");
		for (k = 0; k <= n; k++) {
			TEST_ASSERT(k == 0 || rte_mempool_get_bulk(pool, table,
				k) == 0, "%u of %u", k, n);
			memset(objs, 0x55, sizeof(objs));
			TEST_ASSERT_EQUAL(rte_mempool_get_bulk(pool, objs,
				n - k + 1), -ENOBUFS, "%u of %u", n + 1, n);
			TEST_ASSERT(fastmem_test_all_bytes(objs, sizeof(objs),
				0x55), "touched");
			if (check_count(n - k) != 0)
				return TEST_FAILED;
			TEST_ASSERT(k == n || rte_mempool_get_bulk(pool,
				&table[k], n - k) == 0, "%u of %u", n - k, n);
			rte_mempool_put_bulk(pool, table, n);
		}
		rte_mempool_free(pool);
		pool = NULL;
	}
	return TEST_SUCCESS;
}

struct turn {
	unsigned int get, put;
};

static int
take_turn(void *arg)
{
	const struct turn *turn = arg;

	return get_all(turn->get) != 0 || put_all(turn->put) != 0 ?
		-1 : 0;
}

/* What one thread has put, it has for itself: others have to get at it. */
static int
test_elsewhere(void)
{
	static const struct turn turns[] = {
		{ 1, 1 }, { 32, 1 }, { 1000, 7 }, { 7, 128 }, { 128, 500 },
		{ 3000, 3000 },
	};
	unsigned int n = 3000, i;
	struct turn turn;

	pool = fastmem_test_mempool("test_fm_elsewhere", n, 0);
	TEST_ASSERT_NOT_NULL(pool, "no pool");
	for (i = 0; i < RTE_DIM(turns); i++) {
		turn = turns[i];
		TEST_ASSERT_SUCCESS(fastmem_test_elsewhere(take_turn, &turn),
			"another lcore, turn %u", i);
		TEST_ASSERT_SUCCESS(take_turn(&turn), "turn %u", i);
		TEST_ASSERT_SUCCESS(fastmem_test_in_thread(take_turn, &turn),
			"thread without lcore id, turn %u", i);
	}
	return take_turn(&turn);
}

static int
get_one(void *arg)
{
	return rte_mempool_get(pool, arg);
}

static int
put_one(void *arg)
{
	rte_mempool_put(pool, arg);
	return 0;
}

/* More threads without lcore id than places for them; each leaves an object. */
static int
test_threads(void)
{
	unsigned int i;

	pool = fastmem_test_mempool("test_fm_threads", N_THREADS, 0);
	TEST_ASSERT_NOT_NULL(pool, "no pool");
	for (i = 0; i < N_THREADS; i++)
		TEST_ASSERT_SUCCESS(fastmem_test_in_thread(get_one, &table[i]),
			"thread %u", i);
	TEST_ASSERT_EQUAL(fastmem_test_in_thread(get_one, &table[i]), -ENOBUFS,
		"more than all");
	for (i = 0; i < N_THREADS; i++)
		fastmem_test_in_thread(put_one, table[i]);
	if (get_all(N_THREADS) != 0 || put_all(1) != 0)
		return TEST_FAILED;
	return get_all(1) == 0 ? put_all(N_THREADS) : TEST_FAILED;
}

/* With mempool's caches, of which the caller's own is emptied here. */
static int
test_cache(void)
{
	unsigned int n = 5000, i, b;

	pool = fastmem_test_mempool("test_fm_cache", n, 512);
	TEST_ASSERT_NOT_NULL(pool, "no pool");
	for (i = 0; i < 3; i++) {
		for (b = 1; b < n; b = b * 3 + i) {
			if (get_all(b) != 0 || put_all(33) != 0)
				return TEST_FAILED;
		}
	}
	rte_mempool_cache_flush(NULL, pool);
	return check_count(n);
}

/* More objects than the pool has, which is a bug of the caller's: an error, and
 * none of them is there.
 */
static int
test_too_many(void)
{
	unsigned int n = 1000, k = 300;

	pool = fastmem_test_mempool("test_fm_too_many", n, 0);
	TEST_ASSERT_NOT_NULL(pool, "no pool");
	if (get_all(32) != 0 || put_all(32) != 0)
		return TEST_FAILED;
	TEST_ASSERT_EQUAL(rte_mempool_ops_enqueue_bulk(pool, table, k),
		-ENOBUFS, "%u objects beyond all %u", k, n);
	if (check_count(n) != 0 || get_all(32) != 0)
		return TEST_FAILED;
	return put_all(n);
}

static int
test_mbufs(void)
{
	struct rte_mbuf *mbufs[256];
	unsigned int i, k;

	pool = rte_pktmbuf_pool_create_by_ops("test_fm_mbufs", 1023, 250, 0,
		RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY, "fastmem");
	TEST_ASSERT_NOT_NULL(pool, "no pool: %s", rte_strerror(rte_errno));
	for (i = 0; i < 100; i++) {
		TEST_ASSERT_SUCCESS(rte_pktmbuf_alloc_bulk(pool, mbufs,
			RTE_DIM(mbufs)), "no mbufs");
		for (k = 0; k < RTE_DIM(mbufs); k++)
			TEST_ASSERT(mbufs[k]->pool == pool &&
				rte_mbuf_refcnt_read(mbufs[k]) == 1 &&
				rte_pktmbuf_append(mbufs[k], 100) != NULL,
				"bad mbuf");
		rte_pktmbuf_free_bulk(mbufs, RTE_DIM(mbufs));
	}
	return check_count(1023);
}

static unsigned int n_zones;

static void
count_zone(__rte_unused const struct rte_memzone *zone, __rte_unused void *arg)
{
	n_zones++;
}

static unsigned int
count_zones(void)
{
	n_zones = 0;
	rte_memzone_walk(count_zone, NULL);
	return n_zones;
}

/* Used and freed time and again, a pool leaves nothing behind. */
static int
test_recreate(void)
{
	unsigned int zones = count_zones(), i;
	struct rte_malloc_socket_stats stats;
	size_t used = 0;

	for (i = 0; i < 100; i++) {
		pool = fastmem_test_mempool("test_fm_recreate", 1000 + i, 0);
		TEST_ASSERT_NOT_NULL(pool, "pool %u: %s", i,
			rte_strerror(rte_errno));
		TEST_ASSERT(count_zones() > zones, "no memzones");
		if (get_all(100) != 0 || put_all(10) != 0)
			return TEST_FAILED;
		rte_mempool_free(pool);
		pool = NULL;
		TEST_ASSERT_EQUAL(count_zones(), zones, "memzones remain");
		rte_malloc_get_socket_stats(fastmem_test_socket(), &stats);
		if (i == 0)
			used = stats.heap_allocsz_bytes;
		TEST_ASSERT_EQUAL(stats.heap_allocsz_bytes, used,
			"memory remains");
	}
	return TEST_SUCCESS;
}

/* A name as long as it can be, and one that is in use. */
static int
test_names(void)
{
	char name[RTE_MEMPOOL_NAMESIZE];

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	pool = fastmem_test_mempool(name, 100, 0);
	TEST_ASSERT_NOT_NULL(pool, "no pool of a long name");
	TEST_ASSERT_NULL(fastmem_test_mempool(name, 100, 0), "the same name");
	return get_all(1) == 0 ? put_all(1) : TEST_FAILED;
}

/* Too little memory for the pool: an error, and nothing remains. */
static int
test_no_memory(void)
{
	unsigned int zones = count_zones();

	/* its magazines alone take 32 GiB */
	pool = rte_mempool_create_empty("test_fm_nomem", UINT32_MAX - 1, 8, 0,
		0, SOCKET_ID_ANY, RTE_MEMPOOL_F_NO_CACHE_ALIGN);
	if (pool == NULL)
		return TEST_SUCCESS;
	TEST_ASSERT_SUCCESS(rte_mempool_set_ops_byname(pool, "fastmem", NULL),
		"no driver");
	TEST_ASSERT_EQUAL(rte_mempool_populate_default(pool), -ENOMEM,
		"populated");
	rte_mempool_free(pool);
	pool = NULL;
	TEST_ASSERT_EQUAL(count_zones(), zones, "memzones remain");
	return TEST_SUCCESS;
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
	if (!fastmem_test_has_mempool_ops())
		return TEST_SKIPPED;
	table = calloc(MAX_OBJS, sizeof(*table));
	TEST_ASSERT_NOT_NULL(table, "no memory");
	return TEST_SUCCESS;
}

static void
suite_teardown(void)
{
	free(table);
	table = NULL;
}

static struct unit_test_suite pool_testsuite = {
	.suite_name = "fastmem mempool driver",
	.setup = suite_setup,
	.teardown = suite_teardown,
	.unit_test_cases = {
		TEST_CASE_ST(NULL, free_pool, test_sizes),
		TEST_CASE_ST(NULL, free_pool, test_all_or_nothing),
		TEST_CASE_ST(NULL, free_pool, test_elsewhere),
		TEST_CASE_ST(NULL, free_pool, test_threads),
		TEST_CASE_ST(NULL, free_pool, test_cache),
		TEST_CASE_ST(NULL, free_pool, test_too_many),
		TEST_CASE_ST(NULL, free_pool, test_mbufs),
		TEST_CASE_ST(NULL, free_pool, test_recreate),
		TEST_CASE_ST(NULL, free_pool, test_names),
		TEST_CASE_ST(NULL, free_pool, test_no_memory),
		TEST_CASES_END()
	}
};

static int
test_fastmem_mempool(void)
{
	struct unit_test_suite *suites[] = {
		&pool_testsuite,
		&fastmem_mempool_stress_testsuite,
		&fastmem_mempool_mp_testsuite,
	};
	int result = TEST_SUCCESS;
	unsigned int i;
	int ret;

	if (rte_eal_process_type() == RTE_PROC_SECONDARY)
		return fastmem_test_mempool_peer();
	if (!fastmem_test_has_mempool_ops())
		return TEST_SKIPPED;
	for (i = 0; i < RTE_DIM(suites); i++) {
		ret = fastmem_test_run(suites[i]);
		/* where there are no secondary processes, the rest counts */
		if (ret != TEST_SUCCESS && ret != TEST_SKIPPED)
			result = TEST_FAILED;
	}
	return result;
}

REGISTER_FAST_TEST(fastmem_mempool_autotest, NOHUGE_OK, ASAN_OK, test_fastmem_mempool);
