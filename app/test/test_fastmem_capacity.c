/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Part of fastmem_stats_autotest: how much caches hold, seen by their hits and
 * misses, and counters that have come far.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include <rte_bitops.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_memory.h>

#include "test_fastmem_stats.h"
#include "test_fastmem_util.h"

#define MOST_OBJECTS 510
#define MOST_BYTES ((size_t)2 << 20)
/* of objects of a page or less */
#define MOST_BYTES_PAGES ((size_t)4 << 20)

static const size_t limits[] = {
	0, 1, 4096, 64 << 10, MOST_BYTES, MOST_BYTES_PAGES, SIZE_MAX
};

static void *objs[2 * MOST_OBJECTS + 2];

/* Objects in each of a cache's two magazines. */
static unsigned int
capacity_of(size_t size, size_t limit)
{
	size_t n = RTE_MIN(limit, size <= 4096 ? MOST_BYTES_PAGES :
		MOST_BYTES) / 2 / size;

	/* the header of a magazine takes the place of two */
	if (n > 2 && (n & (n - 1)) == 0)
		n -= 2;
	return RTE_MAX(RTE_MIN(n, (size_t)MOST_OBJECTS), (size_t)1);
}

static int
alloc_objs(unsigned int from, unsigned int to, size_t size, size_t align)
{
	unsigned int i;

	for (i = from; i < to; i++) {
		objs[i] = rte_fastmem_alloc(size, align, 0);
		TEST_ASSERT_NOT_NULL(objs[i], "object %u", i);
	}
	return 0;
}

static void
free_objs(unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		rte_fastmem_free(objs[i]);
}

/* Expect so many more misses, and hits for the rest of so many calls. */
static int
expect_misses(size_t size, uint64_t *hits, uint64_t *misses, bool alloc,
	unsigned int n, unsigned int more)
{
	struct rte_fastmem_lcore_class_stats lcs;
	uint64_t h, m;

	TEST_ASSERT_SUCCESS(rte_fastmem_stats_lcore_class(rte_lcore_id(), size,
		&lcs), "no statistics");
	h = alloc ? lcs.alloc_cache_hits : lcs.free_cache_hits;
	m = alloc ? lcs.alloc_cache_misses : lcs.free_cache_misses;
	TEST_ASSERT(h - *hits == n - more && m - *misses == more,
		"%u %s: %" PRIu64 " hits and %" PRIu64 " misses, not %u", n,
		alloc ? "allocations" : "frees", h - *hits, m - *misses, more);
	*hits = h;
	*misses = m;
	return 0;
}

/* Caches are empty, and there is no slab of the class. */
static int
check_capacity(size_t size, size_t align, unsigned int c)
{
	uint64_t hits = 0, misses = 0, free_hits = 0, free_misses = 0;
	unsigned int n = 2 * c + 2, more = (n - 2 * c + c - 1) / c;

	rte_fastmem_stats_reset();
	if (alloc_objs(0, 1, size, align) != 0 ||
			expect_misses(size, &hits, &misses, true, 1, 1) != 0 ||
			alloc_objs(1, c, size, align) != 0 ||
			expect_misses(size, &hits, &misses, true, c - 1, 0)
			!= 0 || alloc_objs(c, c + 1, size, align) != 0 ||
			expect_misses(size, &hits, &misses, true, 1, 1) != 0 ||
			alloc_objs(c + 1, n, size, align) != 0)
		return -1;
	rte_fastmem_cache_flush();

	rte_fastmem_stats_reset();
	hits = misses = 0;
	free_objs(2 * c);
	if (expect_misses(size, &free_hits, &free_misses, false, 2 * c, 0) != 0)
		return -1;
	rte_fastmem_free(objs[2 * c]);
	if (expect_misses(size, &free_hits, &free_misses, false, 1, 1) != 0)
		return -1;
	rte_fastmem_free(objs[2 * c + 1]);
	if (expect_misses(size, &free_hits, &free_misses, false, 1, more - 1)
			!= 0)
		return -1;
	/* two magazines, and what the depot has */
	if (alloc_objs(0, n, size, align) != 0 ||
			expect_misses(size, &hits, &misses, true, n, more) != 0)
		return -1;
	fastmem_test_free_all(objs, n);
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	rte_fastmem_cache_flush();
	return 0;
}

static int
check_capacities(size_t limit)
{
	unsigned int i;
	size_t size;

	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
		size = fastmem_test_sizes[i];
		if (check_capacity(size, 8, capacity_of(size, limit)) != 0 ||
				check_capacity(size, size,
				capacity_of(size, limit)) != 0)
			TEST_ASSERT(0, "limit %zu class %zu", limit, size);
	}
	return fastmem_test_all_back();
}

static int
test_default_capacity(void)
{
	return check_capacities(SIZE_MAX);
}

static int
test_cache_limits(void)
{
	unsigned int i;

	for (i = 0; i < RTE_DIM(limits); i++) {
		/* the last one counts, also if it is larger than others */
		TEST_ASSERT_SUCCESS(rte_fastmem_set_cache_limit(
			limits[RTE_DIM(limits) - 1 - i]), "cannot limit");
		TEST_ASSERT_SUCCESS(rte_fastmem_set_cache_limit(limits[i]),
			"limit %zu", limits[i]);
		if (check_capacities(limits[i]) != 0)
			return TEST_FAILED;
		TEST_ASSERT_EQUAL(rte_fastmem_set_cache_limit(1), -EBUSY,
			"objects have been allocated");
		/* which changes nothing */
		if (check_capacities(limits[i]) != 0)
			return TEST_FAILED;
		rte_fastmem_deinit();
		TEST_ASSERT_EQUAL(rte_fastmem_set_cache_limit(1), -ENODEV,
			"not initialized");
		TEST_ASSERT_SUCCESS(rte_fastmem_init(), "cannot initialize");
	}
	/* it is forgotten */
	return check_capacities(SIZE_MAX);
}

/* A magazine is what threads without caches share. */
static int
check_shared(void *arg)
{
	size_t size = *(size_t *)arg;
	unsigned int c = capacity_of(size, 4096), i;
	struct rte_fastmem_lcore_class_stats lcs;

	if (alloc_objs(0, c + 1, size, 8) != 0)
		return -1;
	TEST_ASSERT_SUCCESS(rte_fastmem_stats_shared_class(size, &lcs),
		"no statistics");
	TEST_ASSERT(lcs.alloc_cache_hits == c - 1 && lcs.alloc_cache_misses == 2,
		"class %zu: %" PRIu64 " hits and %" PRIu64 " misses", size,
		lcs.alloc_cache_hits, lcs.alloc_cache_misses);
	fastmem_test_free_all(objs, c + 1);
	for (i = 1; i <= 2 * c + 2; i += c) {
		TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(objs, i, size, 8, 0),
			"bulk of %u", i);
		rte_fastmem_free_bulk(objs, i);
	}
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	return 0;
}

static int
test_cache_limit_shared(void)
{
	unsigned int i;

	TEST_ASSERT_SUCCESS(rte_fastmem_set_cache_limit(4096), "cannot limit");
	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++)
		if (fastmem_test_in_bare_thread(check_shared,
				&fastmem_test_sizes[i]) != 0)
			return TEST_FAILED;
	return fastmem_test_all_back();
}

static int
alloc_there(void *arg)
{
	objs[0] = rte_fastmem_alloc(*(size_t *)arg, 8, 0);
	return objs[0] == NULL;
}

/* Allocations of all kinds come before. */
static int
test_cache_limit_busy(void)
{
	size_t size = 1024;
	unsigned int i;
	void *obj;

	for (i = 0; i < 6; i++) {
		TEST_ASSERT_SUCCESS(rte_fastmem_set_cache_limit(0), "limit");
		switch (i) {
		case 0:
			objs[0] = rte_fastmem_alloc(8, 8, 0);
			break;
		case 1:
			objs[0] = rte_fastmem_alloc(16384, 128, 0);
			break;
		case 2:
			objs[0] = rte_fastmem_alloc(FASTMEM_TEST_MAX_SIZE, 0, 0);
			break;
		case 3:
			TEST_ASSERT_SUCCESS(fastmem_test_in_thread(alloc_there,
				&size), "thread");
			break;
		case 4:
			TEST_ASSERT_SUCCESS(fastmem_test_elsewhere(alloc_there,
				&size), "lcore");
			break;
		default:
			TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(objs, 2, 64,
				0, 0), "bulk");
			rte_fastmem_free(objs[1]);
		}
		TEST_ASSERT_NOT_NULL(objs[0], "cannot allocate");
		obj = objs[0];
		TEST_ASSERT_EQUAL(rte_fastmem_set_cache_limit(SIZE_MAX), -EBUSY,
			"object %u", i);
		/* nor is that of other classes changed */
		if (check_capacity(i == 0 ? 16 : 8, 8, 1) != 0)
			TEST_ASSERT(0, "object %u", i);
		rte_fastmem_free(obj);
		TEST_ASSERT_EQUAL(rte_fastmem_set_cache_limit(SIZE_MAX), -EBUSY,
			"object %u", i);
		rte_fastmem_stats_reset();
		if (fastmem_test_all_back() != 0)
			return TEST_FAILED;
		TEST_ASSERT_SUCCESS(rte_fastmem_trim(SOCKET_ID_ANY, NULL),
			"cannot trim");
		TEST_ASSERT_EQUAL(rte_fastmem_set_cache_limit(SIZE_MAX), -EBUSY,
			"object %u", i);
		TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
		rte_fastmem_deinit();
		TEST_ASSERT_SUCCESS(rte_fastmem_init(), "cannot initialize");
	}
	return TEST_SUCCESS;
}

/* An allocation that failed does not count as one. */
static int
test_cache_limit_after_failure(void)
{
	unsigned int i;
	size_t size;

	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
		size = fastmem_test_sizes[i];
		TEST_ASSERT_NULL(rte_fastmem_alloc(size, 8,
			RTE_FASTMEM_F_NO_GROW), "has memory");
		TEST_ASSERT_NULL(rte_fastmem_alloc(size, size,
			RTE_FASTMEM_F_NO_GROW), "has memory");
	}
	TEST_ASSERT_SUCCESS(rte_fastmem_set_cache_limit(4096), "cannot limit");
	return check_capacities(4096);
}

/* The lcore's cache of a class on its own socket. */
static struct rte_fastmem_cache *
own_cache(size_t size)
{
	return __rte_fastmem_own_cache(&RTE_PER_LCORE(_rte_fastmem_lcore),
		__rte_fastmem_zeros(size, 8));
}

static uint64_t
cache_state(const struct rte_fastmem_cache *cache)
{
	return rte_atomic_load_explicit(&cache->state,
		rte_memory_order_relaxed);
}

/*
 * An lcore's allocations are counted in some bits of its cache's state until
 * the upper one of them is set, and in 64 bits from then on. To come there
 * takes days, unless the state is helped along.
 */
static int
check_deep_counter(size_t size)
{
	const uint64_t top = RTE_BIT64(63 - RTE_FASTMEM_COUNT_BITS);
	struct rte_fastmem_cache *cache = own_cache(size);
	uint64_t allocs = 0, misses = 0, count, steps;
	struct rte_fastmem_lcore_class_stats lcs;
	struct rte_fastmem_class_stats cs;
	unsigned int i, n = 600;

	for (i = 0; i < 8; i++) {
		count = cache_state(cache) >> RTE_FASTMEM_COUNT_BITS;
		/* just below, at and above the bit, or not there yet */
		steps = i % 4 == 3 ? top / 4 : top - 1 + i % 4 * 700 - count;
		rte_atomic_store_explicit(&cache->state, cache_state(cache) +
			steps * RTE_FASTMEM_ONE_ALLOC, rte_memory_order_relaxed);
		if (alloc_objs(0, n, size, 8) != 0)
			return -1;
		count = cache_state(cache) >> RTE_FASTMEM_COUNT_BITS;
		TEST_ASSERT(count < top + n, "state %#" PRIx64,
			cache_state(cache));
		allocs += steps + n;
		TEST_ASSERT_SUCCESS(rte_fastmem_stats_lcore_class(
			rte_lcore_id(), size, &lcs), "no statistics");
		TEST_ASSERT(ALLOCS(lcs) == allocs && FREES(lcs) == allocs - n,
			"%" PRIu64 " allocations and %" PRIu64 " frees",
			ALLOCS(lcs), FREES(lcs));
		TEST_ASSERT(lcs.alloc_cache_misses - misses <= 2,
			"%" PRIu64 " misses", lcs.alloc_cache_misses);
		misses = lcs.alloc_cache_misses;
		TEST_ASSERT_SUCCESS(rte_fastmem_stats_class(size, &cs),
			"no statistics");
		TEST_ASSERT(cs.in_use == n && ALLOCS(cs) == allocs,
			"%" PRIu64 " in use", cs.in_use);
		fastmem_test_free_all(objs, n);
		rte_fastmem_cache_flush();
		TEST_ASSERT(cache_state(cache) >> RTE_FASTMEM_COUNT_BITS < top,
			"state %#" PRIx64 " after a flush", cache_state(cache));
		TEST_ASSERT_EQUAL(fastmem_test_in_use(size), 0, "in use");
		TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	}
	rte_fastmem_stats_reset();
	TEST_ASSERT_SUCCESS(rte_fastmem_stats_class(size, &cs), "no statistics");
	TEST_ASSERT_EQUAL(ALLOCS(cs), 0, "not reset");
	return 0;
}

/* Bulks that never leave anything in the cache have to do it, too. */
static int
check_deep_bulks(size_t size)
{
	const uint64_t top = RTE_BIT64(63 - RTE_FASTMEM_COUNT_BITS);
	const unsigned int n = 2 * capacity_of(size, SIZE_MAX);
	struct rte_fastmem_cache *cache = own_cache(size);
	struct rte_fastmem_lcore_class_stats lcs;
	uint64_t allocs = 0, steps;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		steps = top - (cache_state(cache) >> RTE_FASTMEM_COUNT_BITS);
		rte_atomic_store_explicit(&cache->state, cache_state(cache) +
			steps * RTE_FASTMEM_ONE_ALLOC, rte_memory_order_relaxed);
		TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(objs, n, size, 8, 0),
			"cannot allocate");
		allocs += steps + n;
		TEST_ASSERT(cache_state(cache) >> RTE_FASTMEM_COUNT_BITS < top,
			"state %#" PRIx64, cache_state(cache));
		TEST_ASSERT_SUCCESS(rte_fastmem_stats_lcore_class(
			rte_lcore_id(), size, &lcs), "no statistics");
		TEST_ASSERT(ALLOCS(lcs) == allocs && FREES(lcs) == allocs - n,
			"%" PRIu64 " allocations and %" PRIu64 " frees",
			ALLOCS(lcs), FREES(lcs));
		fastmem_test_free_all(objs, n);
		rte_fastmem_cache_flush();
		TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	}
	rte_fastmem_stats_reset();
	return 0;
}

static int
test_deep_counters(void)
{
	static const size_t sizes[] = { 8, 128, 1024 };
	unsigned int i;

	/* an lcore has no caches before its first allocation */
	rte_fastmem_free(rte_fastmem_alloc(FASTMEM_TEST_MAX_SIZE, 0, 0));
	for (i = 0; i < RTE_DIM(sizes); i++)
		if (check_deep_counter(sizes[i]) != 0 ||
				check_deep_bulks(sizes[i]) != 0)
			TEST_ASSERT(0, "class %zu", sizes[i]);
	return fastmem_test_all_back();
}

struct unit_test_suite fastmem_capacity_testsuite = {
	.suite_name = "fastmem capacity of caches",
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_default_capacity),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_cache_limits),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_cache_limit_shared),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_cache_limit_busy),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_cache_limit_after_failure),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_deep_counters),
		TEST_CASES_END()
	}
};
