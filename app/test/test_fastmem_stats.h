/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef TEST_FASTMEM_STATS_H
#define TEST_FASTMEM_STATS_H

/*
 * What the tests of statistics share.
 */

#include <stdint.h>

#include <rte_fastmem.h>

#include "test.h"

/* All statistics of one class. */
struct fastmem_test_snapshot {
	struct rte_fastmem_stats all;
	struct rte_fastmem_class_stats class;
	struct rte_fastmem_lcore_stats lcore; /* of the main lcore */
	struct rte_fastmem_lcore_class_stats lcore_class;
	struct rte_fastmem_lcore_stats shared;
	struct rte_fastmem_lcore_class_stats shared_class;
};

/* Work of one thread, in one class. */
struct fastmem_test_job {
	unsigned int class_idx;
	unsigned int n_allocs;
	unsigned int n_frees;
	void *left[32];
};

/* Differences of five counters of two structures that have them. */
#define ASSERT_COUNTS(now, was, alloc_hits, alloc_misses, nomem, free_hits, \
		free_misses, what) do { \
	TEST_ASSERT_EQUAL((now).alloc_cache_hits - (was).alloc_cache_hits, \
		(uint64_t)(alloc_hits), "%s: alloc hits", what); \
	TEST_ASSERT_EQUAL((now).alloc_cache_misses - (was).alloc_cache_misses, \
		(uint64_t)(alloc_misses), "%s: alloc misses", what); \
	TEST_ASSERT_EQUAL((now).alloc_nomem - (was).alloc_nomem, \
		(uint64_t)(nomem), "%s: alloc nomem", what); \
	TEST_ASSERT_EQUAL((now).free_cache_hits - (was).free_cache_hits, \
		(uint64_t)(free_hits), "%s: free hits", what); \
	TEST_ASSERT_EQUAL((now).free_cache_misses - (was).free_cache_misses, \
		(uint64_t)(free_misses), "%s: free misses", what); \
} while (0)

#define ALLOCS(s) ((s).alloc_cache_hits + (s).alloc_cache_misses)
#define FREES(s) ((s).free_cache_hits + (s).free_cache_misses)

extern struct unit_test_suite fastmem_stats_state_testsuite;
extern struct unit_test_suite fastmem_capacity_testsuite;

int
fastmem_test_snap(size_t size, struct fastmem_test_snapshot *s);

/*
 * Everything that happened between two snapshots was the main lcore's, in one
 * class: so many objects allocated and freed.
 */
int
fastmem_test_main_only(const struct fastmem_test_snapshot *was,
	const struct fastmem_test_snapshot *now, uint64_t allocs,
	uint64_t frees);

/* Allocate and free in an order that misses the cache often. */
int
fastmem_test_run_job(void *arg);

#endif /* TEST_FASTMEM_STATS_H */
