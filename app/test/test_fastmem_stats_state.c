/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Part of fastmem_stats_autotest: failures, slabs, resets and bad arguments.
 */

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_memory.h>

#include "test_fastmem_stats.h"
#include "test_fastmem_util.h"

#define SLAB FASTMEM_TEST_SLAB_SIZE
#define N_OBJS 1200

static void *objs[N_OBJS];

static int
shared_nomem(__rte_unused void *arg)
{
	void *ptrs[5];

	if (rte_fastmem_alloc(SLAB / 2, 0, 0) != NULL ||
			rte_fastmem_alloc_bulk(ptrs, 5, SLAB / 2, 0, 0) !=
			-ENOMEM)
		return -1;
	return 0;
}

/* Objects that could not be had, single and bulk, and nothing else. */
static int
test_nomem(void)
{
	struct fastmem_test_snapshot a, b, c, d;
	size_t size = SLAB / 2;
	unsigned int n, i;

	if (fastmem_test_limit(3 * SLAB) != 0)
		return TEST_FAILED;
	n = fastmem_test_exhaust(objs, N_OBJS, size);
	if (fastmem_test_snap(size, &a) != 0)
		return TEST_FAILED;
	for (i = 0; i < 10; i++)
		TEST_ASSERT_NULL(rte_fastmem_alloc(size, 0, 0), "has memory");
	if (fastmem_test_snap(size, &b) != 0 || fastmem_test_main_only(&a, &b, 0, 0) != 0)
		return TEST_FAILED;
	TEST_ASSERT_EQUAL(b.class.alloc_nomem - a.class.alloc_nomem,
		10, "%" PRIu64 " failures counted",
		b.class.alloc_nomem - a.class.alloc_nomem);
	TEST_ASSERT_EQUAL(b.all.alloc_nomem - a.all.alloc_nomem,
		b.class.alloc_nomem - a.class.alloc_nomem, "total");
	TEST_ASSERT_EQUAL(rte_fastmem_alloc_bulk(&objs[n], 7, size, 0, 0),
		-ENOMEM, "has memory");
	if (fastmem_test_snap(size, &c) != 0 || fastmem_test_main_only(&b, &c, 0, 0) != 0)
		return TEST_FAILED;
	TEST_ASSERT_EQUAL(c.class.alloc_nomem - b.class.alloc_nomem,
		7, "%" PRIu64 " failures counted",
		c.class.alloc_nomem - b.class.alloc_nomem);
	TEST_ASSERT_SUCCESS(fastmem_test_in_thread(shared_nomem, NULL),
		"has memory");
	if (fastmem_test_snap(size, &d) != 0)
		return TEST_FAILED;
	TEST_ASSERT_EQUAL(d.shared_class.alloc_nomem, 6,
		"%" PRIu64 " failures counted", d.shared_class.alloc_nomem);
	TEST_ASSERT_EQUAL(d.shared.alloc_nomem, d.shared_class.alloc_nomem,
		"shared");
	TEST_ASSERT_EQUAL(d.lcore.alloc_nomem, c.lcore.alloc_nomem, "lcore");

	/* what is refused for its arguments is no lack of memory */
	TEST_ASSERT_NULL(rte_fastmem_alloc(size, 3, 0), "bad alignment");
	TEST_ASSERT_NULL(rte_fastmem_alloc(size + 1, 0, 0), "too big");
	TEST_ASSERT_EQUAL(rte_fastmem_alloc_bulk(&objs[n], 9, size, 0, 1u << 9),
		-EINVAL, "bad flag");
	if (fastmem_test_snap(size, &a) != 0)
		return TEST_FAILED;
	TEST_ASSERT_EQUAL(a.all.alloc_nomem, d.all.alloc_nomem,
		"bad arguments counted as lack of memory");
	fastmem_test_free_all(objs, n);
	return fastmem_test_all_back();
}

/* Slabs taken and given back, with objects of half a slab and of many. */
static int
check_slabs(size_t size, unsigned int per_slab)
{
	struct rte_fastmem_class_stats cs;
	unsigned int n = RTE_MIN(per_slab * 3, (unsigned int)N_OBJS), i;
	uint64_t acquired;

	for (i = 0; i < n; i++) {
		objs[i] = rte_fastmem_alloc(size, 8, 0);
		TEST_ASSERT_NOT_NULL(objs[i], "cannot allocate");
	}
	rte_fastmem_cache_flush();
	TEST_ASSERT_SUCCESS(rte_fastmem_stats_class(size, &cs), "class");
	acquired = cs.slab_acquires - cs.slab_releases;
	TEST_ASSERT_EQUAL(cs.slabs_partial + cs.slabs_full, acquired,
		"class %zu: %u + %u slabs, %" PRIu64 " taken", size,
		cs.slabs_partial, cs.slabs_full, acquired);
	TEST_ASSERT(acquired * per_slab >= n &&
		cs.slabs_full * (uint64_t)(per_slab - 1) <= n,
		"class %zu: %" PRIu64 " slabs, %u full, for %u objects", size,
		acquired, cs.slabs_full, n);
	/* no more slabs than it takes, given that one may lack an object */
	TEST_ASSERT(acquired <= n / (per_slab - 1) + 1,
		"class %zu: %" PRIu64 " slabs for %u objects", size, acquired,
		n);

	/* an object of a full slab makes it partial */
	if (cs.slabs_full != 0) {
		uint32_t full = cs.slabs_full;

		for (i = 0; i < n && cs.slabs_full == full; i++) {
			rte_fastmem_free(objs[i]);
			objs[i] = NULL;
			rte_fastmem_cache_flush();
			TEST_ASSERT_SUCCESS(rte_fastmem_stats_class(size, &cs),
				"class");
		}
		TEST_ASSERT_EQUAL(cs.slabs_full, full - 1, "full slabs");
		TEST_ASSERT_EQUAL(cs.slabs_partial + cs.slabs_full,
			cs.slab_acquires - cs.slab_releases, "slabs");
	}
	rte_fastmem_free_bulk(objs, n);
	rte_fastmem_cache_flush();
	TEST_ASSERT_SUCCESS(rte_fastmem_stats_class(size, &cs), "class");
	TEST_ASSERT(cs.slab_acquires == cs.slab_releases &&
		cs.slab_acquires >= acquired && cs.slabs_partial == 0 &&
		cs.slabs_full == 0, "class %zu: %" PRIu64 " slabs taken, %"
		PRIu64 " given back, %u + %u left", size, cs.slab_acquires,
		cs.slab_releases, cs.slabs_partial, cs.slabs_full);
	return 0;
}

static int
test_slabs(void)
{
	unsigned int i;

	for (i = 9; i < FASTMEM_TEST_N_CLASSES; i++)
		if (check_slabs(fastmem_test_sizes[i],
				SLAB / fastmem_test_sizes[i]) != 0)
			return TEST_FAILED;
	return fastmem_test_all_back();
}

/* A flush moves objects, and changes no counter of the data path. */
static int
test_flush(void)
{
	struct fastmem_test_job job = { .class_idx = 4 };
	size_t size = fastmem_test_sizes[job.class_idx];
	struct fastmem_test_snapshot a, b;

	TEST_ASSERT_SUCCESS(fastmem_test_run_job(&job), "job");
	if (fastmem_test_snap(size, &a) != 0)
		return TEST_FAILED;
	rte_fastmem_cache_flush();
	if (fastmem_test_snap(size, &b) != 0 || fastmem_test_main_only(&a, &b, 0, 0) != 0)
		return TEST_FAILED;
	TEST_ASSERT_EQUAL(a.class.alloc_cache_hits, b.class.alloc_cache_hits,
		"hits");
	TEST_ASSERT_EQUAL(a.class.free_cache_misses, b.class.free_cache_misses,
		"misses");
	/* and the next one has to come from a slab */
	objs[0] = rte_fastmem_alloc(size, 8, 0);
	if (fastmem_test_snap(size, &a) != 0)
		return TEST_FAILED;
	TEST_ASSERT_EQUAL(a.class.alloc_cache_misses -
		b.class.alloc_cache_misses, 1, "hit in a flushed cache");
	rte_fastmem_free(objs[0]);
	rte_fastmem_free_bulk(job.left, RTE_DIM(job.left));
	return fastmem_test_all_back();
}

static int
test_reset(void)
{
	struct fastmem_test_job main_job = { .class_idx = 7 }, other = { .class_idx = 7 };
	size_t size = fastmem_test_sizes[main_job.class_idx];
	struct fastmem_test_snapshot a, b, zero;
	uint64_t in_use;

	memset(&zero, 0, sizeof(zero));
	TEST_ASSERT_SUCCESS(fastmem_test_run_job(&main_job), "job");
	TEST_ASSERT_SUCCESS(fastmem_test_in_thread(fastmem_test_run_job, &other), "job");
	if (fastmem_test_limit(0) != 0)
		return TEST_FAILED;
	TEST_ASSERT_EQUAL(rte_fastmem_alloc_bulk(objs, 200, SLAB / 2, 0, 0),
		-ENOMEM, "has memory");
	if (fastmem_test_limit(SIZE_MAX) != 0 || fastmem_test_snap(size, &a) != 0)
		return TEST_FAILED;
	in_use = RTE_DIM(main_job.left) + RTE_DIM(other.left);
	TEST_ASSERT_EQUAL(a.class.in_use, in_use, "in use");
	TEST_ASSERT(a.all.alloc_nomem > 0 && a.class.slab_acquires > 0,
		"nothing to reset");

	rte_fastmem_stats_reset();
	if (fastmem_test_snap(size, &b) != 0)
		return TEST_FAILED;
	ASSERT_COUNTS(b.class, zero.class, 0, 0, 0, 0, 0, "class");
	ASSERT_COUNTS(b.lcore, zero.lcore, 0, 0, 0, 0, 0, "lcore");
	ASSERT_COUNTS(b.lcore_class, zero.lcore_class, 0, 0, 0, 0, 0,
		"lcore and class");
	ASSERT_COUNTS(b.shared, zero.shared, 0, 0, 0, 0, 0, "shared");
	ASSERT_COUNTS(b.shared_class, zero.shared_class, 0, 0, 0, 0, 0,
		"shared and class");
	TEST_ASSERT(b.all.alloc_total == 0 && b.all.free_total == 0 &&
		b.all.alloc_nomem == 0, "totals");
	TEST_ASSERT(b.class.slab_acquires == 0 && b.class.slab_releases == 0,
		"slab counters");
	/* what is there stays */
	TEST_ASSERT(b.class.in_use == in_use &&
		b.all.bytes_in_use == in_use * size &&
		b.all.bytes_backing == a.all.bytes_backing &&
		b.class.slabs_partial == a.class.slabs_partial &&
		b.class.slabs_full == a.class.slabs_full, "state was reset");

	rte_fastmem_free_bulk(main_job.left, RTE_DIM(main_job.left));
	if (fastmem_test_snap(size, &a) != 0 || fastmem_test_main_only(&b, &a, 0,
			RTE_DIM(main_job.left)) != 0)
		return TEST_FAILED;
	TEST_ASSERT_EQUAL(a.all.free_total, RTE_DIM(main_job.left), "total");
	TEST_ASSERT_EQUAL(a.all.alloc_total, 0, "total");

	/* a second reset starts from the first */
	rte_fastmem_stats_reset();
	rte_fastmem_free_bulk(other.left, RTE_DIM(other.left));
	if (fastmem_test_snap(size, &a) != 0)
		return TEST_FAILED;
	TEST_ASSERT_EQUAL(a.all.free_total, RTE_DIM(other.left), "total");
	TEST_ASSERT_EQUAL(a.class.in_use, 0, "in use");
	return fastmem_test_all_back();
}

static int
test_realloc(void)
{
	struct fastmem_test_snapshot a, b;
	void *obj, *moved;

	obj = rte_fastmem_alloc(100, 0, 0);
	TEST_ASSERT_NOT_NULL(obj, "cannot allocate");
	/* in its place: nothing happened */
	if (fastmem_test_snap(128, &a) != 0)
		return TEST_FAILED;
	moved = rte_fastmem_realloc(obj, 128, 0);
	TEST_ASSERT_NOT_NULL(moved, "cannot reallocate");
	if (fastmem_test_snap(128, &b) != 0 || fastmem_test_main_only(&a, &b, 0, 0) != 0)
		return TEST_FAILED;
	/* moved: one allocated, one freed */
	moved = rte_fastmem_realloc(moved, 129, 0);
	TEST_ASSERT_NOT_NULL(moved, "cannot reallocate");
	if (fastmem_test_snap(128, &a) != 0)
		return TEST_FAILED;
	TEST_ASSERT(a.all.alloc_total - b.all.alloc_total == 1 &&
		a.all.free_total - b.all.free_total == 1 &&
		a.all.bytes_in_use == 256, "realloc that moved");
	TEST_ASSERT_NULL(rte_fastmem_realloc(moved, 0, 0), "to nothing");
	return fastmem_test_all_back();
}

static int
test_bad_arguments(void)
{
	static const size_t bad_sizes[] = { 0, 1, 4, 7, 9, 63, 65, 96,
		FASTMEM_TEST_MAX_SIZE - 1, FASTMEM_TEST_MAX_SIZE * 2, SIZE_MAX };
	struct rte_fastmem_lcore_class_stats lcs;
	struct rte_fastmem_lcore_stats ls, zero = { 0 };
	struct rte_fastmem_class_stats cs;
	unsigned int i, lcore_id;

	TEST_ASSERT_EQUAL(rte_fastmem_stats(NULL), -EINVAL, "NULL");
	TEST_ASSERT_EQUAL(rte_fastmem_stats_class(64, NULL), -EINVAL, "NULL");
	TEST_ASSERT_EQUAL(rte_fastmem_stats_lcore(0, NULL), -EINVAL, "NULL");
	TEST_ASSERT_EQUAL(rte_fastmem_stats_lcore_class(0, 64, NULL), -EINVAL,
		"NULL");
	TEST_ASSERT_EQUAL(rte_fastmem_stats_shared(NULL), -EINVAL, "NULL");
	TEST_ASSERT_EQUAL(rte_fastmem_stats_shared_class(64, NULL), -EINVAL,
		"NULL");
	for (i = 0; i < RTE_DIM(bad_sizes); i++) {
		TEST_ASSERT_EQUAL(rte_fastmem_stats_class(bad_sizes[i], &cs),
			-EINVAL, "class %zu", bad_sizes[i]);
		TEST_ASSERT_EQUAL(rte_fastmem_stats_lcore_class(0, bad_sizes[i],
			&lcs), -EINVAL, "class %zu", bad_sizes[i]);
		TEST_ASSERT_EQUAL(rte_fastmem_stats_shared_class(bad_sizes[i],
			&lcs), -EINVAL, "class %zu", bad_sizes[i]);
	}
	TEST_ASSERT_EQUAL(rte_fastmem_stats_lcore(RTE_MAX_LCORE, &ls), -EINVAL,
		"lcore RTE_MAX_LCORE");
	TEST_ASSERT_EQUAL(rte_fastmem_stats_lcore(LCORE_ID_ANY, &ls), -EINVAL,
		"lcore LCORE_ID_ANY");
	TEST_ASSERT_EQUAL(rte_fastmem_stats_lcore_class(RTE_MAX_LCORE, 64,
		&lcs), -EINVAL, "lcore RTE_MAX_LCORE");
	TEST_ASSERT_EQUAL(rte_fastmem_stats_lcore_class(UINT_MAX - 1, 64,
		&lcs), -EINVAL, "lcore UINT_MAX - 1");

	/* an lcore that never used the library, or is none */
	rte_fastmem_free(rte_fastmem_alloc(64, 0, 0));
	for (lcore_id = 0; lcore_id < RTE_MAX_LCORE; lcore_id++) {
		if (lcore_id == rte_lcore_id())
			continue;
		memset(&ls, 0xee, sizeof(ls));
		TEST_ASSERT_SUCCESS(rte_fastmem_stats_lcore(lcore_id, &ls),
			"lcore %u", lcore_id);
		TEST_ASSERT(memcmp(&ls, &zero, sizeof(ls)) == 0,
			"lcore %u has done nothing", lcore_id);
	}
	return fastmem_test_all_back();
}

struct unit_test_suite fastmem_stats_state_testsuite = {
	.suite_name = "fastmem statistics of states",
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_nomem),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_slabs),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_flush),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_reset),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_realloc),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_bad_arguments),
		TEST_CASES_END()
	}
};
