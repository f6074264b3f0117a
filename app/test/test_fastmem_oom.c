/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Shortage of memory: at a limit, what it leaves behind, and how memory of one
 * class becomes available to others. EAL's end is in test_fastmem_oom_eal.c.
 */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>

#include "test_fastmem_util.h"

#define SLAB FASTMEM_TEST_SLAB_SIZE

/* Memory under the limit of most cases; few slabs make borders frequent. */
#define LIMIT_SLABS 4u
#define LIMIT (LIMIT_SLABS * SLAB)
#define MAX_OBJS (LIMIT / 8)

static void **objs;

static int
setup_limited(void)
{
	TEST_ASSERT_SUCCESS(fastmem_test_setup(), "setup failed");
	objs = calloc(MAX_OBJS, sizeof(*objs));
	TEST_ASSERT_NOT_NULL(objs, "no memory");
	return fastmem_test_limit(LIMIT);
}

static void
teardown_limited(void)
{
	free(objs);
	objs = NULL;
	fastmem_test_teardown();
}

/*
 * How many objects of a class there must be at least in a number of slabs.
 * EAL's header may cost each slab a few bytes, and bookkeeping one slab.
 */
static size_t
least_objects(size_t size, unsigned int n_slabs)
{
	/* what a slab's objects are shifted by takes the place of one, or 4 KiB */
	size_t lost = size >= 128 && size <= 16384 ? RTE_MAX(size, 4096u) : 0;

	return (n_slabs - 1) * ((SLAB - 4096 - lost) / size);
}

/* Tell if two numbers of objects differ by no more than a slab's. */
static bool
within_a_slab(size_t a, size_t b, size_t size)
{
	return (a > b ? a - b : b - a) * size <= SLAB;
}

static int
check_exhausted(size_t size)
{
	rte_fastmem_handle_t handle;
	void *ptrs[2];

	TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(size, 8, fastmem_test_socket(),
		&handle), "no handle");
	rte_errno = 0;
	TEST_ASSERT_NULL(rte_fastmem_alloc(size, 8, 0), "has memory");
	TEST_ASSERT_EQUAL(rte_errno, ENOMEM, "errno %d", rte_errno);
	rte_errno = 0;
	TEST_ASSERT_NULL(rte_fastmem_alloc_socket(size, 8, RTE_FASTMEM_F_ZERO,
		fastmem_test_socket()), "has memory");
	TEST_ASSERT_EQUAL(rte_errno, ENOMEM, "errno %d", rte_errno);
	rte_errno = 0;
	TEST_ASSERT_NULL(rte_fastmem_halloc(handle, 0), "has memory");
	TEST_ASSERT_EQUAL(rte_errno, ENOMEM, "errno %d", rte_errno);
	TEST_ASSERT_EQUAL(rte_fastmem_halloc_bulk(handle, ptrs, 2, 0), -ENOMEM,
		"has memory");
	return 0;
}

/* Fill all memory with each class, twice. */
static int
check_class_exhausted(size_t size)
{
	void *moved, *obj;
	size_t n, again, i;

	n = fastmem_test_exhaust(objs, MAX_OBJS, size);
	TEST_ASSERT(n >= least_objects(size, LIMIT_SLABS) && n * size <= LIMIT,
		"%zu objects of %zu B", n, size);
	TEST_ASSERT(fastmem_test_backing() <= LIMIT, "limit exceeded");
	TEST_ASSERT_EQUAL(fastmem_test_in_use(size), n, "in use");
	if (check_exhausted(size) != 0)
		return -1;
	for (i = 0; i < n; i++)
		fastmem_test_fill(objs[i], size, i);

	/* a realloc that cannot move leaves its object */
	if (size < FASTMEM_TEST_MAX_SIZE) {
		rte_errno = 0;
		moved = rte_fastmem_realloc(objs[0], size + 1, 8);
		TEST_ASSERT_NULL(moved, "has memory");
		TEST_ASSERT_EQUAL(rte_errno, ENOMEM, "errno %d", rte_errno);
		TEST_ASSERT_EQUAL(rte_fastmem_realloc(objs[0], size, 8),
			objs[0], "object moved");
	}
	/* one object back is one object to have */
	rte_fastmem_free(objs[n / 2]);
	objs[n / 2] = rte_fastmem_alloc(size, 8, 0);
	TEST_ASSERT_NOT_NULL(objs[n / 2], "freed object is lost");
	if (check_exhausted(size) != 0)
		return -1;
	fastmem_test_fill(objs[n / 2], size, n / 2);
	for (i = 0; i < n; i++)
		TEST_ASSERT_SUCCESS(fastmem_test_check(objs[i], size, i),
			"object %zu of %zu B", i, size);

	/* the last one freed is the next one served, here too */
	for (i = 0; i < n; i++) {
		rte_fastmem_free(objs[i]);
		if (i % 5 != 0)
			continue;
		obj = rte_fastmem_alloc(size, 8, 0);
		TEST_ASSERT_EQUAL(obj, objs[i], "%zu B: %p freed, %p served",
			size, objs[i], obj);
		rte_fastmem_free(obj);
	}

	again = fastmem_test_exhaust(objs, MAX_OBJS, size);
	TEST_ASSERT(within_a_slab(again, n, size),
		"%zu B: %zu objects, then %zu", size, n, again);
	/* none of them twice */
	for (i = 0; i < again; i++)
		fastmem_test_fill(objs[i], size, i);
	for (i = 0; i < again; i++)
		TEST_ASSERT_SUCCESS(fastmem_test_check(objs[i], size, i),
			"object %zu of %zu B", i, size);
	fastmem_test_free_all(objs, again);
	return fastmem_test_all_back();
}

static int
test_exhaust_classes(void)
{
	unsigned int i;

	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++)
		if (check_class_exhausted(fastmem_test_sizes[i]) != 0)
			return TEST_FAILED;
	return TEST_SUCCESS;
}

/* A bulk that asks for more than there is takes nothing. */
static int
check_bulk_at_edge(size_t size)
{
	unsigned int left, k;
	void *ptrs[600];
	size_t n, i;

	n = fastmem_test_exhaust(objs, MAX_OBJS, size);
	for (left = 1; left <= RTE_MIN(n, (size_t)512); left = left * 3 + 1) {
		for (i = n - left; i < n; i++)
			rte_fastmem_free(objs[i]);
		memset(ptrs, 0x5a, sizeof(ptrs));
		for (k = left + 1; k <= RTE_MIN(left + 40, 599u); k += 13)
			TEST_ASSERT_EQUAL(rte_fastmem_alloc_bulk(ptrs, k, size,
				8, 0), -ENOMEM, "%u left, %u served", left, k);
		TEST_ASSERT(fastmem_test_all_bytes(ptrs, sizeof(ptrs), 0x5a),
			"ptrs were written to");
		TEST_ASSERT_EQUAL(fastmem_test_in_use(size), n - left,
			"objects lost");
		/* and it spoils nothing for a bulk that fits */
		TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(&objs[n - left],
			left, size, 8, 0), "%zu B: %u left, not served", size,
			left);
	}
	fastmem_test_free_all(objs, n);
	rte_fastmem_cache_flush();
	return 0;
}

static int
test_bulk_at_edge(void)
{
	unsigned int i;

	for (i = 3; i < FASTMEM_TEST_N_CLASSES; i++)
		if (check_bulk_at_edge(fastmem_test_sizes[i]) != 0)
			return TEST_FAILED;
	return fastmem_test_all_back();
}

static int
check_bulk_edge_in_thread(void *arg)
{
	return check_bulk_at_edge(*(size_t *)arg);
}

static int
test_bulk_at_edge_shared(void)
{
	unsigned int i;

	for (i = 3; i < FASTMEM_TEST_N_CLASSES; i += 3)
		if (fastmem_test_in_thread(check_bulk_edge_in_thread,
				&fastmem_test_sizes[i]) != 0 ||
				fastmem_test_in_bare_thread(
				check_bulk_edge_in_thread,
				&fastmem_test_sizes[i]) != 0)
			return TEST_FAILED;
	return fastmem_test_all_back();
}

static int
fill_and_free(size_t size, size_t *n)
{
	size_t i;

	*n = fastmem_test_exhaust(objs, MAX_OBJS, size);
	for (i = 0; i < *n; i += 61)
		fastmem_test_fill(objs[i], size, i);
	for (i = 0; i < *n; i += 61)
		TEST_ASSERT_SUCCESS(fastmem_test_check(objs[i], size, i),
			"objects of %zu B overlap", size);
	fastmem_test_free_all(objs, *n);
	return 0;
}

/*
 * All memory in one class, then all of it in another, for each pair: as much
 * is there as the first time.
 */
static int
test_repurpose(void)
{
	size_t first[FASTMEM_TEST_N_CLASSES], n, size;
	unsigned int i, j;

	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
		if (fill_and_free(fastmem_test_sizes[i], &first[i]) != 0)
			return TEST_FAILED;
		rte_fastmem_cache_flush();
	}
	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
		for (j = 0; j < FASTMEM_TEST_N_CLASSES; j++) {
			if (i == j)
				continue;
			if (fill_and_free(fastmem_test_sizes[i], &n) != 0)
				return TEST_FAILED;
			rte_fastmem_cache_flush();
			size = fastmem_test_sizes[j];
			if (fill_and_free(size, &n) != 0)
				return TEST_FAILED;
			rte_fastmem_cache_flush();
			TEST_ASSERT(within_a_slab(n, first[j], size),
				"after %zu B: %zu objects of %zu B, at first %zu",
				fastmem_test_sizes[i], n, size, first[j]);
			TEST_ASSERT(n >= least_objects(size, LIMIT_SLABS),
				"after %zu B: %zu objects of %zu B",
				fastmem_test_sizes[i], n, size);
		}
	}
	return fastmem_test_all_back();
}

/*
 * Large bulks, where the memory at hand is too little for the objects and for
 * what it takes to collect them: both have to make it grow.
 */
static int
test_bulk_grows(void)
{
	size_t total = 0, n, size;
	unsigned int i;

	for (i = 0; i < 8; i++) {
		size = fastmem_test_sizes[i];
		n = SLAB / size - 1;
		TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(&objs[total], n,
			size, 8, 0), "%zu objects of %zu B", n, size);
		total += n;
	}
	fastmem_test_free_all(objs, total);
	return fastmem_test_all_back();
}

static int
bulk_grows_in_thread(__rte_unused void *arg)
{
	return test_bulk_grows();
}

static int
test_bulk_grows_shared(void)
{
	if (fastmem_test_in_thread(bulk_grows_in_thread, NULL) != 0)
		return TEST_FAILED;
	return fastmem_test_in_bare_thread(bulk_grows_in_thread, NULL);
}

struct batch {
	void **objs;
	size_t n;
};

static int
free_batch(void *arg)
{
	struct batch *batch = arg;

	fastmem_test_free_all(batch->objs, batch->n);
	return 0;
}

/*
 * Objects that another thread has freed lie in the depot of their class. They
 * have to be found when another class needs memory, with no flush.
 */
static int
test_depots_given_back(void)
{
	static const size_t sizes[] = { 64, 256, 2048, 16384, 262144,
		FASTMEM_TEST_MAX_SIZE };
	struct batch batch = { .objs = objs };
	unsigned int i, j;
	size_t n;

	for (i = 0; i < RTE_DIM(sizes); i++) {
		for (j = 0; j < RTE_DIM(sizes); j++) {
			if (i == j)
				continue;
			batch.n = fastmem_test_exhaust(objs, MAX_OBJS, sizes[i]);
			/* this thread's own cache must not keep any */
			rte_fastmem_cache_flush();
			TEST_ASSERT_SUCCESS(fastmem_test_in_thread(free_batch,
				&batch), "cannot free");
			n = fastmem_test_exhaust(objs, MAX_OBJS, sizes[j]);
			TEST_ASSERT(n >= least_objects(sizes[j], LIMIT_SLABS),
				"%zu objects of %zu B, then %zu of %zu B",
				batch.n, sizes[i], n, sizes[j]);
			fastmem_test_free_all(objs, n);
			rte_fastmem_cache_flush();
		}
	}
	return fastmem_test_all_back();
}

/* The same within a class, and without asking for growth. */
static int
test_depot_serves_class(void)
{
	struct batch batch = { .objs = objs };
	size_t size = 1024, n;

	batch.n = fastmem_test_exhaust(objs, MAX_OBJS, size);
	TEST_ASSERT_SUCCESS(fastmem_test_in_thread(free_batch, &batch),
		"cannot free");
	for (n = 0; n < batch.n; n++) {
		objs[n] = rte_fastmem_alloc(size, 8, RTE_FASTMEM_F_NO_GROW);
		if (objs[n] == NULL)
			break;
	}
	TEST_ASSERT_EQUAL(n, batch.n, "%zu objects of %zu", n, batch.n);
	fastmem_test_free_all(objs, n);
	return fastmem_test_all_back();
}

static int
setup_unlimited(void)
{
	TEST_ASSERT_SUCCESS(setup_limited(), "setup failed");
	return fastmem_test_limit(SIZE_MAX);
}

static struct unit_test_suite fastmem_oom_testsuite = {
	.suite_name = "fastmem shortage of memory",
	.unit_test_cases = {
		TEST_CASE_ST(setup_limited, teardown_limited,
			test_exhaust_classes),
		TEST_CASE_ST(setup_limited, teardown_limited,
			test_bulk_at_edge),
		TEST_CASE_ST(setup_limited, teardown_limited,
			test_bulk_at_edge_shared),
		TEST_CASE_ST(setup_limited, teardown_limited, test_repurpose),
		TEST_CASE_ST(setup_limited, teardown_limited,
			test_depots_given_back),
		TEST_CASE_ST(setup_limited, teardown_limited,
			test_depot_serves_class),
		TEST_CASE_ST(setup_unlimited, teardown_limited,
			test_bulk_grows),
		TEST_CASE_ST(setup_unlimited, teardown_limited,
			test_bulk_grows_shared),
		TEST_CASES_END()
	}
};

static int
test_fastmem_oom(void)
{
	struct unit_test_suite *suites[] = {
		&fastmem_oom_testsuite,
		&fastmem_oom_eal_testsuite,
	};

	return fastmem_test_run_all(suites, RTE_DIM(suites));
}

REGISTER_FAST_TEST(fastmem_oom_autotest, NOHUGE_OK, ASAN_OK, test_fastmem_oom);
