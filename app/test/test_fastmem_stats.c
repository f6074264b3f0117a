/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Statistics of the fastmem library, to the exact count.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_memory.h>

#include "test_fastmem_stats.h"
#include "test_fastmem_util.h"

#define N_OBJS 1200

static void *objs[N_OBJS];

int
fastmem_test_snap(size_t size, struct fastmem_test_snapshot *s)
{
	unsigned int lcore_id = rte_get_main_lcore();

	/* so that a figure which is not filled in is noticed */
	memset(s, 0xee, sizeof(*s));
	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&s->all), "stats");
	TEST_ASSERT_SUCCESS(rte_fastmem_stats_class(size, &s->class), "class");
	TEST_ASSERT_SUCCESS(rte_fastmem_stats_lcore(lcore_id, &s->lcore),
		"lcore");
	TEST_ASSERT_SUCCESS(rte_fastmem_stats_lcore_class(lcore_id, size,
		&s->lcore_class), "lcore and class");
	TEST_ASSERT_SUCCESS(rte_fastmem_stats_shared(&s->shared), "shared");
	TEST_ASSERT_SUCCESS(rte_fastmem_stats_shared_class(size,
		&s->shared_class), "shared and class");
	TEST_ASSERT(s->class.class_size == size &&
		s->lcore_class.class_size == size &&
		s->shared_class.class_size == size, "wrong class");
	return 0;
}

int
fastmem_test_main_only(const struct fastmem_test_snapshot *was,
	const struct fastmem_test_snapshot *now, uint64_t allocs,
	uint64_t frees)
{
	const struct rte_fastmem_class_stats *c = &now->class;
	const struct rte_fastmem_class_stats *w = &was->class;

	TEST_ASSERT_EQUAL(ALLOCS(*c) - ALLOCS(*w), allocs,
		"%" PRIu64 " allocations counted, not %" PRIu64,
		ALLOCS(*c) - ALLOCS(*w), allocs);
	TEST_ASSERT_EQUAL(FREES(*c) - FREES(*w), frees,
		"%" PRIu64 " frees counted, not %" PRIu64,
		FREES(*c) - FREES(*w), frees);
	TEST_ASSERT_EQUAL(c->in_use - w->in_use, allocs - frees, "in use");
	TEST_ASSERT_EQUAL(now->all.alloc_total - was->all.alloc_total, allocs,
		"total allocations");
	TEST_ASSERT_EQUAL(now->all.free_total - was->all.free_total, frees,
		"total frees");
	TEST_ASSERT_EQUAL(now->all.bytes_in_use - was->all.bytes_in_use,
		(allocs - frees) * c->class_size, "bytes in use");

#define SAME_AS_CLASS(now_, was_, what) \
	ASSERT_COUNTS(now_, was_, \
		c->alloc_cache_hits - w->alloc_cache_hits, \
		c->alloc_cache_misses - w->alloc_cache_misses, \
		c->alloc_nomem - w->alloc_nomem, \
		c->free_cache_hits - w->free_cache_hits, \
		c->free_cache_misses - w->free_cache_misses, what)
	SAME_AS_CLASS(now->lcore, was->lcore, "lcore");
	SAME_AS_CLASS(now->lcore_class, was->lcore_class, "lcore and class");
	ASSERT_COUNTS(now->shared, was->shared, 0, 0, 0, 0, 0, "shared");
	ASSERT_COUNTS(now->shared_class, was->shared_class, 0, 0, 0, 0, 0,
		"shared and class");
	return 0;
}

int
fastmem_test_run_job(void *arg)
{
	struct fastmem_test_job *job = arg;
	size_t size = fastmem_test_sizes[job->class_idx];
	uint64_t state = 17 + job->class_idx;
	void *mine[700];
	unsigned int n = 0, i;

	job->n_allocs = 0;
	job->n_frees = 0;
	for (i = 0; i < 5000; i++) {
		/* fill up, then empty, back and forth */
		if ((i / 600) % 2 == 0 ? n < RTE_DIM(mine) :
				n <= RTE_DIM(job->left)) {
			mine[n] = rte_fastmem_alloc(size, 8, 0);
			if (mine[n] == NULL)
				return -1;
			n++;
			job->n_allocs++;
		} else if (n > RTE_DIM(job->left)) {
			unsigned int k = fastmem_test_rand(&state) % n;

			rte_fastmem_free(mine[k]);
			mine[k] = mine[--n];
			job->n_frees++;
		}
	}
	while (n > RTE_DIM(job->left)) {
		rte_fastmem_free(mine[--n]);
		job->n_frees++;
	}
	memcpy(job->left, mine, sizeof(job->left));
	return 0;
}

static int
test_starts_at_zero(void)
{
	struct rte_fastmem_class_stats zero_class = { 0 };
	struct fastmem_test_snapshot s, zero;
	unsigned int i;

	memset(&zero, 0, sizeof(zero));
	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
		if (fastmem_test_snap(fastmem_test_sizes[i], &s) != 0)
			return TEST_FAILED;
		zero_class.class_size = fastmem_test_sizes[i];
		TEST_ASSERT(memcmp(&s.class, &zero_class, sizeof(zero_class)) ==
			0, "class %zu does not start at zero",
			zero_class.class_size);
		ASSERT_COUNTS(s.lcore, zero.lcore, 0, 0, 0, 0, 0, "lcore");
		ASSERT_COUNTS(s.lcore_class, zero.lcore_class, 0, 0, 0, 0, 0,
			"lcore and class");
		ASSERT_COUNTS(s.shared, zero.shared, 0, 0, 0, 0, 0, "shared");
		ASSERT_COUNTS(s.shared_class, zero.shared_class, 0, 0, 0, 0, 0,
			"shared and class");
		TEST_ASSERT(s.all.alloc_total == 0 && s.all.free_total == 0 &&
			s.all.alloc_nomem == 0 && s.all.bytes_in_use == 0,
			"totals do not start at zero");
	}
	return TEST_SUCCESS;
}

static int
check_single(size_t size)
{
	struct fastmem_test_snapshot a, b, c, d;
	unsigned int i;

	if (fastmem_test_snap(size, &a) != 0)
		return -1;
	objs[0] = rte_fastmem_alloc(size, 8, 0);
	TEST_ASSERT_NOT_NULL(objs[0], "cannot allocate");
	if (fastmem_test_snap(size, &b) != 0 || fastmem_test_main_only(&a, &b, 1, 0) != 0)
		return -1;
	/* the cache was empty */
	TEST_ASSERT_EQUAL(b.class.alloc_cache_misses, 1, "first object: a hit");
	rte_fastmem_free(objs[0]);
	if (fastmem_test_snap(size, &c) != 0 || fastmem_test_main_only(&b, &c, 0, 1) != 0)
		return -1;

	/* pairs that never leave the cache, by all functions */
	for (i = 0; i < 1000; i++) {
		objs[0] = i & 1 ? rte_fastmem_alloc(size, 8, 0) :
			rte_fastmem_alloc_socket(size, 8, RTE_FASTMEM_F_ZERO,
				fastmem_test_socket());
		if (i & 2)
			rte_fastmem_free(objs[0]);
		else if (i & 4)
			rte_fastmem_free_sized(objs[0], size, 8);
		else
			fastmem_test_free_constant(objs[0], size);
	}
	if (fastmem_test_snap(size, &d) != 0 ||
			fastmem_test_main_only(&c, &d, 1000, 1000) != 0)
		return -1;
	TEST_ASSERT(d.class.alloc_cache_hits - c.class.alloc_cache_hits == 1000
		&& d.class.free_cache_hits - c.class.free_cache_hits == 1000,
		"class %zu: %" PRIu64 " and %" PRIu64
		" hits of 1000", size,
		d.class.alloc_cache_hits - c.class.alloc_cache_hits,
		d.class.free_cache_hits - c.class.free_cache_hits);
	return 0;
}

static int
test_single(void)
{
	unsigned int i;

	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
		if (check_single(fastmem_test_sizes[i]) != 0)
			TEST_ASSERT(0, "class %zu", fastmem_test_sizes[i]);
		rte_fastmem_cache_flush();
	}
	return fastmem_test_all_back();
}

static int
check_bulk(size_t size, unsigned int n, rte_fastmem_handle_t handle)
{
	struct fastmem_test_snapshot a, b, c;

	if (fastmem_test_snap(size, &a) != 0)
		return -1;
	if (handle != 0)
		TEST_ASSERT_SUCCESS(rte_fastmem_halloc_bulk(handle, objs, n, 0),
			"cannot allocate");
	else
		TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(objs, n, size, 8, 0),
			"cannot allocate");
	if (fastmem_test_snap(size, &b) != 0 || fastmem_test_main_only(&a, &b, n, 0) != 0)
		return -1;
	if (handle != 0)
		rte_fastmem_hfree_bulk(handle, objs, n);
	else
		rte_fastmem_free_bulk(objs, n);
	if (fastmem_test_snap(size, &c) != 0 || fastmem_test_main_only(&b, &c, 0, n) != 0)
		return -1;
	/* no cache holds that many */
	if (n == N_OBJS)
		TEST_ASSERT(b.class.alloc_cache_misses >
			a.class.alloc_cache_misses &&
			c.class.free_cache_misses > b.class.free_cache_misses,
			"%u objects of %zu B without a miss", n, size);
	return 0;
}

static int
test_bulk(void)
{
	static const unsigned int counts[] = { 1, 2, 8, 32, 100, 253, 254, 255,
		256, 300, 508, 509, 600, 1000, N_OBJS };
	static const size_t sizes[] = { 8, 64, 1024, 4096 };
	rte_fastmem_handle_t handle;
	unsigned int i, j;

	for (i = 0; i < RTE_DIM(sizes); i++) {
		TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(sizes[i], 8,
			SOCKET_ID_ANY, &handle), "no handle");
		for (j = 0; j < RTE_DIM(counts) * 4; j++)
			if (check_bulk(sizes[i], counts[j / 4],
					j % 2 ? handle : 0) != 0)
				TEST_ASSERT(0, "bulk of %u objects of %zu B",
					counts[j / 4], sizes[i]);
		rte_fastmem_cache_flush();
	}
	return fastmem_test_all_back();
}

static int
check_lcore(unsigned int lcore_id, const struct fastmem_test_job *job)
{
	struct rte_fastmem_lcore_class_stats lcs;
	struct rte_fastmem_lcore_stats ls;
	unsigned int i;

	TEST_ASSERT_SUCCESS(rte_fastmem_stats_lcore(lcore_id, &ls), "lcore");
	TEST_ASSERT(ALLOCS(ls) == job->n_allocs && FREES(ls) == job->n_frees,
		"lcore %u: %" PRIu64 " and %" PRIu64 " counted, not %u and %u",
		lcore_id, ALLOCS(ls), FREES(ls), job->n_allocs, job->n_frees);
	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
		TEST_ASSERT_SUCCESS(rte_fastmem_stats_lcore_class(lcore_id,
			fastmem_test_sizes[i], &lcs), "lcore and class");
		TEST_ASSERT(ALLOCS(lcs) ==
			(i == job->class_idx ? job->n_allocs : 0) &&
			FREES(lcs) == (i == job->class_idx ? job->n_frees : 0),
			"lcore %u, class %zu: %" PRIu64 " and %" PRIu64,
			lcore_id, fastmem_test_sizes[i], ALLOCS(lcs),
			FREES(lcs));
	}
	return 0;
}

/* Each lcore's work is counted under it, in its class, and in the sums. */
static int
test_lcores(void)
{
	static struct fastmem_test_job jobs[RTE_MAX_LCORE];
	uint64_t allocs = 0, frees = 0, hits = 0, class_hits = 0, in_use = 0;
	struct rte_fastmem_class_stats cs;
	struct rte_fastmem_lcore_stats ls;
	struct rte_fastmem_stats stats;
	unsigned int lcore_id, i = 0;

	RTE_LCORE_FOREACH(lcore_id)
		jobs[lcore_id].class_idx = i++ % 8;
	RTE_LCORE_FOREACH_WORKER(lcore_id)
		TEST_ASSERT_SUCCESS(rte_eal_remote_launch(fastmem_test_run_job,
			&jobs[lcore_id], lcore_id), "cannot launch");
	TEST_ASSERT_SUCCESS(fastmem_test_run_job(&jobs[rte_get_main_lcore()]), "job");
	RTE_LCORE_FOREACH_WORKER(lcore_id)
		TEST_ASSERT_SUCCESS(rte_eal_wait_lcore(lcore_id), "job");

	RTE_LCORE_FOREACH(lcore_id) {
		if (check_lcore(lcore_id, &jobs[lcore_id]) != 0)
			return TEST_FAILED;
		TEST_ASSERT_SUCCESS(rte_fastmem_stats_lcore(lcore_id, &ls),
			"lcore");
		hits += ls.alloc_cache_hits;
		allocs += jobs[lcore_id].n_allocs;
		frees += jobs[lcore_id].n_frees;
	}
	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&stats), "stats");
	TEST_ASSERT(stats.alloc_total == allocs && stats.free_total == frees,
		"totals: %" PRIu64 " and %" PRIu64 ", not %" PRIu64 " and %"
		PRIu64, stats.alloc_total, stats.free_total, allocs, frees);
	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
		TEST_ASSERT_SUCCESS(rte_fastmem_stats_class(
			fastmem_test_sizes[i], &cs), "class");
		TEST_ASSERT_EQUAL(cs.in_use, ALLOCS(cs) - FREES(cs), "in use");
		class_hits += cs.alloc_cache_hits;
		in_use += cs.in_use * cs.class_size;
	}
	TEST_ASSERT_EQUAL(hits, class_hits, "sums of hits differ");
	TEST_ASSERT_EQUAL(in_use, stats.bytes_in_use, "bytes in use");
	/* freed by another lcore than allocated */
	RTE_LCORE_FOREACH(lcore_id)
		rte_fastmem_free_bulk(jobs[lcore_id].left,
			RTE_DIM(jobs[lcore_id].left));
	return fastmem_test_all_back();
}

/* Threads without an lcore id are counted under none. */
static int
test_shared(void)
{
	struct fastmem_test_job job = { .class_idx = 6 };
	size_t size = fastmem_test_sizes[job.class_idx];
	struct fastmem_test_snapshot a, b;

	objs[0] = rte_fastmem_alloc(size, 8, 0);
	TEST_ASSERT_NOT_NULL(objs[0], "cannot allocate");
	if (fastmem_test_snap(size, &a) != 0)
		return TEST_FAILED;
	TEST_ASSERT_SUCCESS(fastmem_test_in_thread(fastmem_test_run_job, &job), "job");
	if (fastmem_test_snap(size, &b) != 0)
		return TEST_FAILED;
	ASSERT_COUNTS(b.lcore, a.lcore, 0, 0, 0, 0, 0, "lcore");
	ASSERT_COUNTS(b.lcore_class, a.lcore_class, 0, 0, 0, 0, 0,
		"lcore and class");
	TEST_ASSERT(ALLOCS(b.shared) == job.n_allocs &&
		FREES(b.shared) == job.n_frees,
		"shared: %" PRIu64 " and %" PRIu64 ", not %u and %u",
		ALLOCS(b.shared), FREES(b.shared), job.n_allocs, job.n_frees);
	TEST_ASSERT(ALLOCS(b.shared_class) == job.n_allocs &&
		FREES(b.shared_class) == job.n_frees, "shared and class");
	TEST_ASSERT(b.shared.alloc_cache_hits > 0 &&
		b.shared.alloc_cache_misses > 0, "hits and misses not told");
	TEST_ASSERT_EQUAL(ALLOCS(b.class) - ALLOCS(a.class), job.n_allocs,
		"class");
	TEST_ASSERT_EQUAL(b.all.alloc_total - a.all.alloc_total, job.n_allocs,
		"total");
	TEST_ASSERT_EQUAL(b.class.in_use, 1 + RTE_DIM(job.left), "in use");
	rte_fastmem_free_bulk(job.left, RTE_DIM(job.left));
	rte_fastmem_free(objs[0]);
	return fastmem_test_all_back();
}

static int
shared_bulk(void *arg)
{
	unsigned int n = *(unsigned int *)arg;

	return rte_fastmem_alloc_bulk(objs, n, 64, 8, 0);
}

static int
shared_free_bulk(void *arg)
{
	rte_fastmem_free_bulk(objs, *(unsigned int *)arg);
	return 0;
}

static int
test_shared_bulk(void)
{
	static const unsigned int counts[] = { 1, 7, 253, 254, 255, 600 };
	struct fastmem_test_snapshot a, b, c;
	unsigned int i, n;

	for (i = 0; i < RTE_DIM(counts) * 2; i++) {
		n = counts[i / 2];
		if (fastmem_test_snap(64, &a) != 0)
			return TEST_FAILED;
		TEST_ASSERT_SUCCESS(fastmem_test_in_thread(shared_bulk, &n),
			"cannot allocate");
		if (fastmem_test_snap(64, &b) != 0)
			return TEST_FAILED;
		TEST_ASSERT_SUCCESS(fastmem_test_in_thread(shared_free_bulk,
			&n), "cannot free");
		if (fastmem_test_snap(64, &c) != 0)
			return TEST_FAILED;
		TEST_ASSERT_EQUAL(ALLOCS(b.shared) - ALLOCS(a.shared), n,
			"bulk of %u", n);
		TEST_ASSERT_EQUAL(ALLOCS(b.class) - ALLOCS(a.class), n,
			"bulk of %u", n);
		TEST_ASSERT_EQUAL(FREES(c.shared_class) -
			FREES(b.shared_class), n, "bulk of %u", n);
		TEST_ASSERT_EQUAL(FREES(c.class) - FREES(b.class), n,
			"bulk of %u", n);
	}
	return fastmem_test_all_back();
}

static struct unit_test_suite fastmem_stats_testsuite = {
	.suite_name = "fastmem statistics",
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_starts_at_zero),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_single),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_bulk),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_lcores),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_shared),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_shared_bulk),
		TEST_CASES_END()
	}
};

static int
test_fastmem_stats(void)
{
	int ret = fastmem_test_run(&fastmem_stats_testsuite);

	if (ret == TEST_SUCCESS)
		ret = fastmem_test_run(&fastmem_stats_state_testsuite);
	if (ret == TEST_SUCCESS)
		ret = fastmem_test_run(&fastmem_capacity_testsuite);
	return ret;
}

REGISTER_FAST_TEST(fastmem_stats_autotest, NOHUGE_OK, ASAN_OK, test_fastmem_stats);
