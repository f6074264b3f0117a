/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Part of fastmem_oom_autotest: EAL's memory at its end and in pieces, all of it
 * given back, and how much of it live objects take.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>

#include <rte_errno.h>
#include <rte_malloc.h>

#include "test_fastmem_util.h"

#define SLAB FASTMEM_TEST_SLAB_SIZE

#define MEGABYTE ((size_t)1 << 20)

/* Objects of 256 KiB and more, in all memory that a test may be given. */
#define MAX_OBJS ((size_t)1 << 20)

#define MAX_ZONES 64
#define MAX_BLOCKS 1024
#define LEAST_BLOCK (MEGABYTE / 4)

static void **objs;

static int
setup_eal(void)
{
	TEST_ASSERT_SUCCESS(fastmem_test_setup(), "setup failed");
	objs = calloc(MAX_OBJS, sizeof(*objs));
	TEST_ASSERT_NOT_NULL(objs, "no memory");
	return fastmem_test_limit(SIZE_MAX);
}

static void
teardown_eal(void)
{
	free(objs);
	objs = NULL;
	fastmem_test_teardown();
}

/* Use up EAL's memory itself, where it has little, and recover. */
static int
test_exhaust_eal(void)
{
	size_t max = (size_t)1 << 10, n, again, i;
	void **large;

	if (!fastmem_test_bounded()) {
		printf("EAL's memory is not bounded, skipped\n");
		return TEST_SKIPPED;
	}
	large = calloc(max, sizeof(*large));
	TEST_ASSERT_NOT_NULL(large, "no memory");
	n = fastmem_test_exhaust(large, max, FASTMEM_TEST_MAX_SIZE);
	if (n < max) {
		rte_errno = 0;
		TEST_ASSERT_NULL(rte_fastmem_alloc(FASTMEM_TEST_MAX_SIZE, 0, 0),
			"has memory");
		TEST_ASSERT_EQUAL(rte_errno, ENOMEM, "errno %d", rte_errno);
	}
	for (i = 0; i < n; i++)
		fastmem_test_fill(large[i], FASTMEM_TEST_MAX_SIZE, i);
	for (i = 0; i < n; i++)
		TEST_ASSERT_SUCCESS(fastmem_test_check(large[i],
			FASTMEM_TEST_MAX_SIZE, i), "object %zu", i);
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	fastmem_test_free_all(large, n);
	TEST_ASSERT_SUCCESS(rte_fastmem_trim(SOCKET_ID_ANY, NULL), "trim");
	again = fastmem_test_exhaust(large, max, FASTMEM_TEST_MAX_SIZE);
	TEST_ASSERT(again + 4 >= n, "%zu objects, then %zu", n, again);
	fastmem_test_free_all(large, again);
	free(large);
	return fastmem_test_all_back();
}

/*
 * EAL's memory in pieces: growth has to be content with small ones. Each hole
 * of 5 MiB has a slab of 2 MiB inside, wherever it lies.
 */
static int
test_fragmented_eal(void)
{
	int socket_id = fastmem_test_socket();
	unsigned int n_blocks = 0, n_holes = 0, i;
	void *blocks[MAX_ZONES], *fine[MAX_ZONES];
	unsigned int n_fine = 0;
	size_t n;

	if (!fastmem_test_bounded()) {
		printf("EAL's memory is not bounded, skipped\n");
		return TEST_SKIPPED;
	}
	while (n_blocks < MAX_ZONES) {
		blocks[n_blocks] = rte_malloc_socket(NULL, 5 * MEGABYTE, 0,
			socket_id);
		if (blocks[n_blocks] == NULL)
			break;
		n_blocks++;
	}
	/* what is left in larger pieces would spoil the test */
	while (n_fine < MAX_ZONES) {
		fine[n_fine] = rte_malloc_socket(NULL, MEGABYTE, 0, socket_id);
		if (fine[n_fine] == NULL)
			break;
		n_fine++;
	}
	if (n_blocks == MAX_ZONES || n_blocks < 4 || n_fine == MAX_ZONES) {
		printf("EAL's memory cannot be fragmented, skipped\n");
		n = 0;
	} else {
		for (i = 1; i < n_blocks; i += 2) {
			rte_free(blocks[i]);
			blocks[i] = NULL;
			n_holes++;
		}
		n = fastmem_test_exhaust(objs, MAX_OBJS, MEGABYTE / 4);
		TEST_ASSERT(n >= (n_holes - 1) * 7,
			"%zu objects of 256 KiB in %u holes of 5 MiB", n,
			n_holes);
		TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
		/* more than there is, in any pieces */
		TEST_ASSERT_EQUAL(rte_fastmem_reserve((size_t)1 << 40,
			socket_id), -ENOMEM, "has memory");
		fastmem_test_free_all(objs, n);
	}
	for (i = 0; i < n_blocks; i++)
		rte_free(blocks[i]);
	for (i = 0; i < n_fine; i++)
		rte_free(fine[i]);
	if (n == 0)
		return TEST_SKIPPED;
	return fastmem_test_all_back();
}

static void
free_all(void **blocks, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		rte_free(blocks[i]);
}

/* Take memory in blocks until there is none, at most as many as there is room for. */
static unsigned int
take_all(void **blocks, unsigned int n, size_t size, unsigned int align)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		blocks[i] = rte_malloc_socket(NULL, size, align,
			fastmem_test_socket());
		if (blocks[i] == NULL)
			break;
	}
	return i;
}

static bool
lies_in(const void *ptr, uintptr_t start, size_t len)
{
	return (uintptr_t)ptr - start < len;
}

/* Make a hole of nearly two slabs among blocks of a slab's size, so that none fits
 * into it where EAL would place it. Returns where that is, 0 if it cannot be.
 */
static uintptr_t
make_hole_askew(void **blocks, unsigned int n, void **guards)
{
	unsigned int low, high;
	uintptr_t start = 0;
	void *hole;

	for (low = 0; low < n; low++) {
		start = (uintptr_t)blocks[low];
		for (high = 0; high < n; high++)
			if ((uintptr_t)blocks[high] == start + SLAB)
				break;
		if (start % (2 * SLAB) == 0 && high < n)
			break;
	}
	if (low == n)
		return 0;
	rte_free(blocks[low]);
	rte_free(blocks[high]);
	blocks[low] = NULL;
	blocks[high] = NULL;
	guards[0] = rte_malloc_socket(NULL, LEAST_BLOCK, 2 * SLAB,
		fastmem_test_socket());
	guards[1] = rte_malloc_socket(NULL, LEAST_BLOCK, 0,
		fastmem_test_socket());
	/* what was freed last is what EAL offers first */
	hole = rte_malloc_socket(NULL, SLAB + MEGABYTE, 0, fastmem_test_socket());
	guards[2] = hole;
	return lies_in(guards[0], start, 1) &&
		lies_in(guards[1], start + SLAB, SLAB) &&
		lies_in(hole, start, 2 * SLAB) ? start : 0;
}

/*
 * EAL's memory as single pages, and a longer stretch which has no place for a slab,
 * but is what EAL offers first: growth finds the pages all the same.
 */
static int
test_pages_of_eal(void)
{
	unsigned int n_blocks, n_rest, n_pages = 0, i;
	void *blocks[MAX_BLOCKS], *rest[MAX_BLOCKS];
	void *guards[3] = { NULL };
	size_t n = 0;

	if (!fastmem_test_bounded()) {
		printf("EAL's memory is not bounded, skipped\n");
		return TEST_SKIPPED;
	}
	/* with EAL's header, as large as a page */
	n_blocks = take_all(blocks, RTE_DIM(blocks), SLAB - 128, SLAB);
	n_rest = take_all(rest, RTE_DIM(rest), MEGABYTE, 0);
	n_rest += take_all(&rest[n_rest], RTE_DIM(rest) - n_rest, LEAST_BLOCK, 0);
	if (n_blocks == RTE_DIM(blocks) || n_rest == RTE_DIM(rest) ||
			make_hole_askew(blocks, n_blocks, guards) == 0) {
		printf("EAL's memory cannot be fragmented, skipped\n");
	} else {
		/* each second one, as neighbours would be one stretch */
		for (i = 0; i < n_blocks; i++) {
			if (((uintptr_t)blocks[i] / SLAB) % 2 == 0)
				continue;
			rte_free(blocks[i]);
			blocks[i] = NULL;
			n_pages++;
		}
		rte_free(guards[2]);
		guards[2] = NULL;
		n = fastmem_test_exhaust(objs, MAX_OBJS, MEGABYTE);
		TEST_ASSERT(n + 1 >= n_pages, "%zu objects of 1 MiB in %u pages",
			n, n_pages);
		fastmem_test_free_all(objs, n);
	}
	free_all(blocks, n_blocks);
	free_all(rest, n_rest);
	free_all(guards, RTE_DIM(guards));
	if (n == 0)
		return TEST_SKIPPED;
	return fastmem_test_all_back();
}

/* The setup and the teardown around each check for leaks of memory. */
static int
test_init_cycles(void)
{
	struct rte_malloc_socket_stats before, now;
	int socket_id = fastmem_test_socket();
	unsigned int i, j;

	rte_fastmem_deinit();
	TEST_ASSERT_SUCCESS(rte_malloc_get_socket_stats(socket_id, &before),
		"no statistics");
	for (i = 0; i < 100; i++) {
		TEST_ASSERT_SUCCESS(rte_fastmem_init(), "cycle %u", i);
		for (j = 0; j < FASTMEM_TEST_N_CLASSES; j++) {
			objs[j] = rte_fastmem_alloc(fastmem_test_sizes[(i + j) %
				FASTMEM_TEST_N_CLASSES], 8, 0);
			TEST_ASSERT(objs[j] != NULL || rte_errno == ENOMEM,
				"cycle %u: errno %d", i, rte_errno);
			if (fastmem_test_backing() > 8 * SLAB)
				break;
		}
		/* with objects in use, in caches, or none */
		if (i % 3 != 0)
			rte_fastmem_free_bulk(objs, j);
		if (i % 3 == 2)
			rte_fastmem_cache_flush();
		rte_fastmem_deinit();
		TEST_ASSERT_EQUAL(fastmem_test_count_zones(), 0,
			"cycle %u leaks memzones", i);
		rte_malloc_get_socket_stats(socket_id, &now);
		TEST_ASSERT(now.heap_allocsz_bytes == before.heap_allocsz_bytes
			&& now.heap_totalsz_bytes == before.heap_totalsz_bytes,
			"cycle %u leaks memory", i);
	}
	return TEST_SUCCESS;
}

/* More memzones than are likely to be dealt with at once. */
static int
test_many_zones(void)
{
	unsigned int n = 0, i;
	void *live[150];

	/* the limit lets it grow by one slab at a time */
	for (i = 1; i <= RTE_DIM(live) && n < RTE_DIM(live); i++) {
		if (fastmem_test_limit(i * SLAB) != 0)
			return TEST_FAILED;
		n += fastmem_test_exhaust(&live[n], RTE_DIM(live) - n,
			FASTMEM_TEST_MAX_SIZE);
		if (fastmem_test_backing() < i * SLAB)
			break;
	}
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	i = fastmem_test_count_zones();
	rte_fastmem_deinit();
	TEST_ASSERT_EQUAL(fastmem_test_count_zones(), 0,
		"%u memzones of %u are left", fastmem_test_count_zones(), i);
	if (i < 100) {
		printf("EAL has memory for %u memzones only, skipped\n", i);
		return TEST_SKIPPED;
	}
	return TEST_SUCCESS;
}

/* Whether EAL has one stretch of memory of that size. With --legacy-mem it has what
 * it found when it started, which may be pages that lie here and there.
 */
static bool
eal_has_stretch(size_t size)
{
	void *stretch = rte_malloc_socket(NULL, size, 0, fastmem_test_socket());

	rte_free(stretch);
	return stretch != NULL;
}

/* A number of live objects takes at most so much memory, and room for one object more
 * at the edges of each stretch where EAL's memory is in fragments.
 */
static int
check_bound(size_t size, size_t n, size_t most)
{
	struct rte_malloc_socket_stats before, after;
	int socket_id = fastmem_test_socket();
	void **live = calloc(n, sizeof(*live));
	bool whole = eal_has_stretch(most);
	size_t got, taken;

	TEST_ASSERT_NOT_NULL(live, "no memory");
	TEST_ASSERT_SUCCESS(rte_malloc_get_socket_stats(socket_id, &before),
		"no statistics");
	/* one by one, as an application would */
	for (got = 0; got < n; got++) {
		live[got] = rte_fastmem_alloc(size, 0, 0);
		if (live[got] == NULL)
			break;
	}
	rte_malloc_get_socket_stats(socket_id, &after);
	taken = after.heap_totalsz_bytes - before.heap_totalsz_bytes;
	printf("%zu objects of %zu B: %" PRIu64 " KiB of backing in %u memzones, heap grew by %zu KiB\n",
		got, size, fastmem_test_backing() >> 10,
		fastmem_test_count_zones(), taken >> 10);
	if (!whole)
		most = RTE_MAX(most, (got + fastmem_test_count_zones()) * size);
	TEST_ASSERT(fastmem_test_backing() <= most, "%" PRIu64 " B of backing",
		fastmem_test_backing());
	/* and EAL agrees */
	TEST_ASSERT(taken <= most, "EAL's heap grew by %zu B", taken);
	fastmem_test_free_all(live, got);
	free(live);
	if (fastmem_test_all_back() != 0)
		return TEST_FAILED;
	if (got < n) {
		printf("EAL has too little memory, skipped\n");
		return TEST_SKIPPED;
	}
	return TEST_SUCCESS;
}

static int
test_bound_large(void)
{
	return check_bound(MEGABYTE, 100, 128 * MEGABYTE);
}

static int
test_bound_small(void)
{
	return check_bound(64, 1000000, 72 * MEGABYTE);
}

struct unit_test_suite fastmem_oom_eal_testsuite = {
	.suite_name = "fastmem shortage of EAL's memory",
	.unit_test_cases = {
		TEST_CASE_ST(setup_eal, teardown_eal, test_exhaust_eal),
		TEST_CASE_ST(setup_eal, teardown_eal, test_fragmented_eal),
		TEST_CASE_ST(setup_eal, teardown_eal, test_pages_of_eal),
		TEST_CASE_ST(setup_eal, teardown_eal, test_init_cycles),
		TEST_CASE_ST(setup_eal, teardown_eal, test_many_zones),
		TEST_CASE_ST(setup_eal, teardown_eal, test_bound_large),
		TEST_CASE_ST(setup_eal, teardown_eal, test_bound_small),
		TEST_CASES_END()
	}
};
