/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Elastic mempools under load: what memory many of them take, and growth and
 * shrinking while others get and put objects.
 *
 * FASTMEM_TEST_POOL_OBJS is the number of mbufs of a pool (of 10),
 * FASTMEM_TEST_SECONDS how long the load lasts.
 */

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_mempool_fastmem.h>
#include <rte_stdatomic.h>

#include "test_fastmem_stress.h"
#include "test_fastmem_util.h"

#define N_POOLS 10
#define POOL_OBJS 5000
#define CACHE_SIZE 250
#define BURST 32
#define SECONDS 2

#define LOAD_OBJS 20000
#define LOAD_SIZE 2000
#define LOAD_BULK 64
#define LOAD_FEW 20
/* Times that the figures are looked at while nothing else changes, about. */
#define CALM_STEPS 50
/* A busy machine gets this much longer. */
#define SECONDS_MORE 20
#define LOAD_TOO_MANY (LOAD_OBJS / 2)
#define BUILT UINT64_C(0xb1117b1117b1117b)

struct object {
	uint64_t mark;
	struct object *self;
	RTE_ATOMIC(uint32_t) owner;
};

struct actor {
	struct object *held[LOAD_OBJS];
	unsigned int n;
	uint64_t n_gets, n_puts, n_failed;
	uint64_t state;
	int result;
};

static RTE_ATOMIC(uint64_t) n_built;
static RTE_ATOMIC(uint64_t) n_out;
static RTE_ATOMIC(uint32_t) stop;
static RTE_ATOMIC(uint32_t) is_calm;
static struct rte_mempool *pool;

static struct rte_mempool *mps[N_POOLS];

static void
teardown(void)
{
	unsigned int i;

	for (i = 0; i < N_POOLS; i++) {
		rte_mempool_free(mps[i]);
		mps[i] = NULL;
	}
	rte_mempool_free(pool);
	pool = NULL;
	fastmem_test_teardown();
}

/* What EAL has given away. */
static uint64_t
heap_bytes(void)
{
	struct rte_malloc_socket_stats stats;
	uint64_t bytes = 0;
	unsigned int i;

	for (i = 0; i < rte_socket_count(); i++)
		if (rte_malloc_get_socket_stats(rte_socket_id_by_idx(i),
				&stats) == 0)
			bytes += stats.heap_allocsz_bytes;
	return bytes;
}

/* All mbufs of a pool on their way, and back again. */
static int
be_busy(struct rte_mempool *mp, struct rte_mbuf **mbufs, unsigned int n)
{
	unsigned int i, k;
	char *data;

	for (i = 0; i < n; i += k) {
		k = RTE_MIN(n - i, (unsigned int)BURST);
		TEST_ASSERT_SUCCESS(rte_pktmbuf_alloc_bulk(mp, &mbufs[i], k),
			"%s: mbuf %u of %u", mp->name, i, n);
	}
	TEST_ASSERT_NULL(rte_pktmbuf_alloc(mp), "too many mbufs");
	for (i = 0; i < n; i++) {
		data = rte_pktmbuf_append(mbufs[i], 64);
		TEST_ASSERT_NOT_NULL(data, "no room");
		memcpy(data, &mbufs[i], sizeof(mbufs[i]));
	}
	for (i = 0; i < n; i++) {
		data = rte_pktmbuf_mtod(mbufs[i], char *);
		TEST_ASSERT(memcmp(data, &mbufs[i], sizeof(mbufs[i])) == 0,
			"mbuf was overwritten");
		rte_pktmbuf_free(mbufs[i]);
	}
	TEST_ASSERT_EQUAL(rte_mempool_in_use_count(mp), 0, "mbufs were lost");
	return 0;
}

static int
test_memory(void)
{
	unsigned int n = fastmem_test_env("FASTMEM_TEST_POOL_OBJS", POOL_OBJS);
	/* Caches of all lcores that there may ever be, which any pool has. */
	const uint64_t caches = (uint64_t)N_POOLS * RTE_MAX_LCORE *
		sizeof(struct rte_mempool_cache);
	uint64_t before, plain, elastic, backing;
	int socket_id = fastmem_test_socket();
	struct rte_mbuf **mbufs;
	struct rte_mempool *mp;
	unsigned int i, round;
	size_t bytes, n_large;
	void **large;
	char name[32];

	mbufs = calloc(n, sizeof(mbufs[0]));
	large = calloc(4096, sizeof(large[0]));
	TEST_ASSERT(mbufs != NULL && large != NULL, "no memory");

	before = heap_bytes();
	mp = rte_pktmbuf_pool_create("plain", n, CACHE_SIZE, 0,
		RTE_MBUF_DEFAULT_BUF_SIZE, socket_id);
	TEST_ASSERT_NOT_NULL(mp, "no memory for a plain pool of %u", n);
	plain = (heap_bytes() - before) * N_POOLS;
	rte_mempool_free(mp);

	before = heap_bytes();
	for (i = 0; i < N_POOLS; i++) {
		snprintf(name, sizeof(name), "elastic%u", i);
		mps[i] = rte_fastmem_pktmbuf_pool_create(name, n, CACHE_SIZE,
			0, RTE_MBUF_DEFAULT_BUF_SIZE, socket_id);
		TEST_ASSERT_NOT_NULL(mps[i], "no memory for pool %u: %d", i,
			rte_errno);
	}
	for (round = 0; round < 2; round++) {
		for (i = 0; i < N_POOLS; i++) {
			if (be_busy(mps[i], mbufs, n) != 0)
				return TEST_FAILED;
			TEST_ASSERT_SUCCESS(rte_fastmem_elastic_trim(mps[i],
				0, &bytes), "trim");
			TEST_ASSERT(bytes >= (uint64_t)n *
				RTE_MBUF_DEFAULT_BUF_SIZE, "%zu B given back",
				bytes);
		}
	}
	elastic = heap_bytes() - before;
	backing = fastmem_test_backing();
	printf("%u pools of %u mbufs: %" PRIu64 " KiB plain, %" PRIu64
		" KiB elastic (%.1f %%), of these %" PRIu64
		" KiB of stock and %" PRIu64 " KiB of lcores' caches\n",
		N_POOLS, n, plain >> 10, elastic >> 10,
		100.0 * elastic / plain, backing >> 10, caches >> 10);
	TEST_ASSERT(elastic - caches < (plain - caches) / 4, "%" PRIu64
		" B of %" PRIu64 ", with caches", elastic, plain);

	/* all of it serves another size */
	n_large = 0;
	while (n_large < 4096 && (large[n_large] = rte_fastmem_alloc(
			FASTMEM_TEST_MAX_SIZE / 2, 0, RTE_FASTMEM_F_NO_GROW)) !=
			NULL)
		memset(large[n_large++], 0xff, FASTMEM_TEST_MAX_SIZE / 2);
	printf("after that: %zu KiB in objects of %zu KiB (%.1f %% of the stock)\n",
		(n_large * FASTMEM_TEST_MAX_SIZE / 2) >> 10,
		FASTMEM_TEST_MAX_SIZE / 2 >> 10, 50.0 * n_large *
		FASTMEM_TEST_MAX_SIZE / backing);
	TEST_ASSERT(n_large * FASTMEM_TEST_MAX_SIZE / 2 >= backing / 10 * 8,
		"%zu objects", n_large);
	fastmem_test_free_all(large, n_large);
	rte_fastmem_cache_flush();
	/* and these again */
	if (be_busy(mps[3], mbufs, n) != 0)
		return TEST_FAILED;
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	for (i = 0; i < N_POOLS; i++) {
		rte_mempool_free(mps[i]);
		mps[i] = NULL;
	}
	free(mbufs);
	free(large);
	return fastmem_test_all_back();
}

static uint64_t
add(RTE_ATOMIC(uint64_t) *counter, int64_t n)
{
	return rte_atomic_fetch_add_explicit(counter, n,
		rte_memory_order_relaxed) + n;
}

static void
object_init(struct rte_mempool *mp __rte_unused, void *arg __rte_unused,
	void *ptr, unsigned int idx __rte_unused)
{
	struct object *obj = ptr;

	add(&n_built, 1);
	obj->self = obj;
	rte_atomic_store_explicit(&obj->owner, 0, rte_memory_order_relaxed);
	obj->mark = BUILT;
}

static bool
object_pass(struct object *obj, uint32_t from, uint32_t to)
{
	return obj->mark == BUILT && obj->self == obj &&
		rte_atomic_exchange_explicit(&obj->owner, to,
			rte_memory_order_relaxed) == from;
}

static int
load_get(struct actor *a, uint32_t owner)
{
	unsigned int n = 1 + fastmem_test_rand(&a->state) % LOAD_BULK, i;
	struct object **objs = &a->held[a->n];

	if (a->n + n > LOAD_OBJS)
		return 0;
	if (rte_mempool_get_bulk(pool, (void **)objs, n) != 0) {
		a->n_failed++;
		return 0;
	}
	a->n += n;
	a->n_gets += n;
	TEST_ASSERT(add(&n_out, n) <= LOAD_OBJS, "more than there may be");
	for (i = 0; i < n; i++)
		TEST_ASSERT(object_pass(objs[i], 0, owner),
			"object %p is another's", (void *)objs[i]);
	return 0;
}

static int
load_put(struct actor *a, uint32_t owner, unsigned int n)
{
	unsigned int i, k;

	/* from anywhere, so that slabs become mixed */
	n = RTE_MIN(n, a->n);
	for (i = 0; i < n; i++) {
		k = fastmem_test_rand(&a->state) % (a->n - i);
		RTE_SWAP(a->held[k], a->held[a->n - 1 - i]);
	}
	a->n -= n;
	for (i = 0; i < n; i++)
		TEST_ASSERT(object_pass(a->held[a->n + i], owner, 0),
			"object was taken");
	add(&n_out, -(int64_t)n);
	rte_mempool_put_bulk(pool, (void **)&a->held[a->n], n);
	a->n_puts += n;
	return 0;
}

/* By turns up to many objects and down to few. */
static int
load(void *arg)
{
	struct actor *a = arg;
	uint32_t owner = rte_lcore_id() + 1;
	unsigned int goal = 0;
	int ret = 0;

	while (ret == 0 && rte_atomic_load_explicit(&stop,
			rte_memory_order_relaxed) == 0) {
		if (a->n < goal) {
			ret = load_get(a, owner);
			if (a->n >= goal || fastmem_test_rand(&a->state) % 2000
					== 0)
				goal = 0;
		} else {
			ret = load_put(a, owner, 1 + fastmem_test_rand(
				&a->state) % LOAD_BULK);
			if (a->n == 0) {
				rte_mempool_cache_flush(
					rte_mempool_default_cache(pool,
						rte_lcore_id()), pool);
				goal = 1 + fastmem_test_rand(&a->state) %
					(rte_atomic_load_explicit(&is_calm,
					rte_memory_order_relaxed) != 0 ?
					LOAD_FEW : LOAD_TOO_MANY);
			}
		}
	}
	while (ret == 0 && a->n > 0)
		ret = load_put(a, owner, LOAD_BULK);
	rte_mempool_cache_flush(rte_mempool_default_cache(pool, rte_lcore_id()),
		pool);
	a->result = ret;
	return ret;
}

static void
count_built(struct rte_mempool *mp __rte_unused, void *arg, void *ptr,
	unsigned int idx __rte_unused)
{
	const struct object *obj = ptr;
	unsigned int *n = arg;

	if (obj->mark == BUILT && obj->self == obj)
		(*n)++;
}

/* In the meantime: trim in all ways, and look at the figures. */
static int
load_control(uint64_t *state, uint64_t *n_given)
{
	struct rte_fastmem_elastic_stats stats;
	unsigned int n = 0;
	size_t bytes = 0;
	int64_t found;

	/* now and then, all need little, and slabs become free */
	if (fastmem_test_rand(state) % CALM_STEPS == 0)
		rte_atomic_store_explicit(&is_calm, fastmem_test_rand(state) %
			2, rte_memory_order_relaxed);
	switch (fastmem_test_rand(state) % 4) {
	case 0:
		TEST_ASSERT_SUCCESS(rte_fastmem_elastic_trim(pool, 0, &bytes),
			"trim");
		*n_given += bytes / FASTMEM_TEST_SLAB_SIZE;
		break;
	case 1:
		TEST_ASSERT(rte_fastmem_elastic_tick(pool) >= 0, "tick");
		break;
	case 2:
		TEST_ASSERT_SUCCESS(rte_fastmem_elastic_stats(pool, &stats),
			"statistics");
		TEST_ASSERT(stats.n_constructed <= LOAD_OBJS && stats.n_used <=
			LOAD_OBJS && stats.n_used_max <= LOAD_OBJS,
			"%u constructed, %u used", stats.n_constructed,
			stats.n_used);
		TEST_ASSERT(rte_mempool_avail_count(pool) <= LOAD_OBJS, "count");
		break;
	default:
		found = rte_fastmem_elastic_obj_iter(pool, count_built, &n);
		TEST_ASSERT(found == n && n <= LOAD_OBJS, "%u objects of %"
			PRId64, n, found);
	}
	return 0;
}

static int
run_load(struct actor *actors, unsigned int cache_size, uint64_t seconds)
{
	uint64_t start, so_far = 0, state = 1, n_given = 0, gets = 0, failed = 0;
	struct rte_fastmem_elastic_stats stats;
	struct rte_fastmem_class_stats ts;
	rte_fastmem_handle_t handle;
	unsigned int lcore_id, n;
	int ret = 0;

	memset(actors, 0, sizeof(*actors) * RTE_MAX_LCORE);
	rte_atomic_store_explicit(&stop, 0, rte_memory_order_relaxed);
	rte_atomic_store_explicit(&n_built, 0, rte_memory_order_relaxed);
	rte_atomic_store_explicit(&n_out, 0, rte_memory_order_relaxed);
	pool = rte_fastmem_elastic_create("load", LOAD_OBJS, LOAD_SIZE,
		cache_size, 0, object_init, NULL, fastmem_test_socket(), 0);
	TEST_ASSERT_NOT_NULL(pool, "cannot create: %d", rte_errno);
	RTE_LCORE_FOREACH_WORKER(lcore_id) {
		actors[lcore_id].state = lcore_id * 7919 + 1;
		TEST_ASSERT_SUCCESS(rte_eal_remote_launch(load,
			&actors[lcore_id], lcore_id), "launch");
	}
	start = rte_get_timer_cycles();
	do {
		ret = load_control(&state, &n_given);
		/* where steps are slow, there may not have been time for that */
		if (so_far >= seconds)
			rte_atomic_store_explicit(&is_calm, 1,
				rte_memory_order_relaxed);
		rte_delay_us_sleep(500);
		so_far = (rte_get_timer_cycles() - start) / rte_get_timer_hz();
	} while (ret == 0 && (so_far < seconds || (n_given == 0 &&
		so_far < seconds + SECONDS_MORE)));
	rte_atomic_store_explicit(&stop, 1, rte_memory_order_relaxed);
	RTE_LCORE_FOREACH_WORKER(lcore_id) {
		ret |= rte_eal_wait_lcore(lcore_id);
		gets += actors[lcore_id].n_gets;
		failed += actors[lcore_id].n_failed;
		TEST_ASSERT_EQUAL(actors[lcore_id].n_gets,
			actors[lcore_id].n_puts, "lcore %u", lcore_id);
	}
	TEST_ASSERT_SUCCESS(ret, "an lcore failed");
	TEST_ASSERT_EQUAL(rte_mempool_in_use_count(pool), 0, "%u are lost",
		rte_mempool_in_use_count(pool));
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	n = 0;
	TEST_ASSERT(rte_mempool_obj_iter(pool, count_built, &n) == n, "list");
	TEST_ASSERT_SUCCESS(rte_fastmem_elastic_trim(pool, 0, NULL), "trim");
	TEST_ASSERT_EQUAL(rte_mempool_obj_iter(pool, count_built, &n), 0,
		"objects are left");
	/* constructors less destructors, which run for each object of a slab */
	TEST_ASSERT_SUCCESS(rte_fastmem_elastic_stats(pool, &stats), "statistics");
	TEST_ASSERT_EQUAL(stats.n_constructed, 0, "%u were not constructed once",
		stats.n_constructed);
	TEST_ASSERT_SUCCESS(rte_fastmem_type_lookup("mpe_load", &handle), "type");
	TEST_ASSERT_SUCCESS(rte_fastmem_type_stats(handle, &ts), "statistics");
	printf("cache of %u: %" PRIu64 " objects got in %" PRIu64 " s, %" PRIu64
		" calls in vain, %" PRIu64 " constructed, %" PRIu64
		" slabs taken and %" PRIu64 " given back, %" PRIu64 " by trims\n",
		cache_size, gets, so_far, failed, rte_atomic_load_explicit(
			&n_built, rte_memory_order_relaxed), ts.slab_acquires,
		ts.slab_releases, n_given);
	TEST_ASSERT(n_given > 0 && gets > 0, "no growth and shrinking");
	rte_mempool_free(pool);
	pool = NULL;
	return fastmem_test_all_back();
}

static int
test_load(void)
{
	uint64_t seconds = fastmem_test_env("FASTMEM_TEST_SECONDS", SECONDS);
	struct actor *actors;
	int ret;

	if (rte_lcore_count() < 2) {
		printf("one lcore is too few for a load, skipped\n");
		return TEST_SKIPPED;
	}
	actors = calloc(RTE_MAX_LCORE, sizeof(*actors));
	TEST_ASSERT_NOT_NULL(actors, "no memory");
	ret = run_load(actors, 0, RTE_MAX(seconds / 2, UINT64_C(1)));
	if (ret == TEST_SUCCESS)
		ret = run_load(actors, 128, RTE_MAX(seconds / 2, UINT64_C(1)));
	free(actors);
	return ret;
}

static struct unit_test_suite fastmem_elastic_load_testsuite = {
	.suite_name = "fastmem elastic mempools under load",
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_setup, teardown, test_memory),
		TEST_CASE_ST(fastmem_test_setup, teardown, test_load),
		TEST_CASES_END()
	}
};

static int
test_fastmem_elastic_load(void)
{
#ifdef RTE_LIBRTE_MEMPOOL_DEBUG
	printf("for mempool's debugging, pools have all objects at once, skipped\n");
	return TEST_SKIPPED;
#endif
	return fastmem_test_run(&fastmem_elastic_load_testsuite);
}

REGISTER_FAST_TEST(fastmem_elastic_load_autotest, NOHUGE_OK, ASAN_OK, test_fastmem_elastic_load);
