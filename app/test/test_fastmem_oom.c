/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Shortage of memory: at a limit and at EAL's end, what it leaves behind, and
 * how memory of one class becomes available to others.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_memory.h>

#include "test_fastmem_util.h"

#define SLAB FASTMEM_TEST_SLAB_SIZE

/* Memory under the limit of most cases; few slabs make borders frequent. */
#define LIMIT_SLABS 4u
#define LIMIT (LIMIT_SLABS * SLAB)
#define MAX_OBJS (LIMIT / 8)

#define MAX_ZONES 64
#define MAX_BLOCKS 1024
#define MEGABYTE ((size_t)1 << 20)
#define LEAST_BLOCK (MEGABYTE / 4)

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

static int
setup_unlimited(void)
{
	TEST_ASSERT_SUCCESS(setup_limited(), "setup failed");
	return fastmem_test_limit(SIZE_MAX);
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
		TEST_CASE_ST(setup_unlimited, teardown_limited,
			test_exhaust_eal),
		TEST_CASE_ST(setup_unlimited, teardown_limited,
			test_fragmented_eal),
		TEST_CASE_ST(setup_unlimited, teardown_limited,
			test_pages_of_eal),
		TEST_CASE_ST(setup_unlimited, teardown_limited,
			test_init_cycles),
		TEST_CASE_ST(setup_unlimited, teardown_limited,
			test_many_zones),
		TEST_CASE_ST(setup_unlimited, teardown_limited,
			test_bound_large),
		TEST_CASE_ST(setup_unlimited, teardown_limited,
			test_bound_small),
		TEST_CASES_END()
	}
};

static int
test_fastmem_oom(void)
{
	return fastmem_test_run(&fastmem_oom_testsuite);
}

REGISTER_FAST_TEST(fastmem_oom_autotest, NOHUGE_OK, ASAN_OK, test_fastmem_oom);
