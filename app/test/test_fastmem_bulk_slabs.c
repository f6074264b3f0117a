/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Part of fastmem_autotest: bulks at the borders of slabs and magazines, and
 * bulks to free of three slabs.
 */

#include <stdint.h>
#include <string.h>

#include <rte_common.h>

#include "test_fastmem_util.h"

#define SLAB FASTMEM_TEST_SLAB_SIZE
/* The longest bulk. */
#define MAX_BULK 11
/* A slab holds two magazines and a few objects more of this size. */
#define BORDER_SIZE ((size_t)8192)
#define BORDER_MAG 126
#define BORDER_BULK 8
/* A few of them fill a slab. */
#define SLABS_SIZE ((size_t)256 << 10)

/* Tell if an object is one of several. */
static bool
is_among(const void *obj, void *const *objs, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (objs[i] == obj)
			return true;
	return false;
}

/*
 * The slab has fewer objects left than a bulk takes, and some of these are in
 * the cache already: there is no need to take both.
 */
static int
slab_border(void)
{
	void *objs[2 * BORDER_MAG + 1], *bulk[BORDER_BULK];
	unsigned int i, round;

	for (i = 0; i < RTE_DIM(objs); i++) {
		objs[i] = rte_fastmem_alloc(BORDER_SIZE, 8, 0);
		TEST_ASSERT_NOT_NULL(objs[i], "object %u", i);
	}
	for (round = 0; round < 3; round++) {
		TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(bulk, BORDER_BULK,
			BORDER_SIZE, 8, 0), "cannot allocate");
		for (i = 1; i < BORDER_BULK; i++)
			TEST_ASSERT_EQUAL((uintptr_t)bulk[i] / SLAB,
				(uintptr_t)bulk[0] / SLAB,
				"round %u: objects 0 and %u: slabs", round, i);
		rte_fastmem_free_bulk(bulk, BORDER_BULK);
	}
	fastmem_test_free_all(objs, RTE_DIM(objs));
	rte_fastmem_cache_flush();
	return 0;
}

/* A bulk comes from one magazine and goes into one, if there is such a one. */
static int
magazine_border(void)
{
	void *objs[2 * BORDER_MAG], *bulk[BORDER_BULK];
	void **last = &objs[BORDER_MAG];
	unsigned int i;

	TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(objs, RTE_DIM(objs),
		BORDER_SIZE, 8, 0), "cannot allocate");
	rte_fastmem_cache_flush();
	for (i = 0; i < RTE_DIM(objs); i++)
		rte_fastmem_free(objs[i]);
	for (i = BORDER_MAG; i > BORDER_BULK / 2; i--)
		TEST_ASSERT_EQUAL(rte_fastmem_alloc(BORDER_SIZE, 8, 0),
			last[i - 1], "not what was freed last");

	TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(bulk, BORDER_BULK,
		BORDER_SIZE, 8, 0), "cannot allocate");
	for (i = 0; i < BORDER_BULK; i++)
		TEST_ASSERT(is_among(bulk[i], last - BORDER_BULK, BORDER_BULK),
			"object %u is of the other magazine", i);
	for (i = 0; i < BORDER_BULK / 2; i++)
		rte_fastmem_free(last[BORDER_MAG - 1 - i]);

	rte_fastmem_free_bulk(bulk, BORDER_BULK);
	for (i = 0; i < BORDER_BULK; i++)
		TEST_ASSERT(is_among(rte_fastmem_alloc(BORDER_SIZE, 8, 0), bulk,
			BORDER_BULK), "the bulk is in both magazines");

	rte_fastmem_free_bulk(bulk, BORDER_BULK);
	fastmem_test_free_all(&last[BORDER_BULK / 2], BORDER_MAG - BORDER_BULK);
	return 0;
}

int
fastmem_test_borders(void)
{
	return slab_border() == 0 ? magazine_border() : -1;
}

static int
test_borders(void)
{
	return fastmem_test_borders() == 0 ? fastmem_test_all_back() :
		TEST_FAILED;
}

/* The bits in which the number of an object's slab differs from another one's. */
static uintptr_t
slab_differs(const void *a, const void *b)
{
	struct rte_fastmem_lcore *self = &RTE_PER_LCORE(_rte_fastmem_lcore);

	return (((uintptr_t)a - self->dir_base) ^
		((uintptr_t)b - self->dir_base)) / SLAB;
}

/* Tell if what is an object of another class might be one of a cache's bin. */
static bool
might_be_of(const struct rte_fastmem_cache *cache, const void *obj)
{
	struct rte_fastmem_lcore *self = &RTE_PER_LCORE(_rte_fastmem_lcore);

	return (__rte_fastmem_shift_back((uintptr_t)obj - self->dir_base,
		cache->color) & cache->misalign) == 0;
}

/*
 * Move objects of three slabs to the end of a bulk whose first one is that of the
 * array. The one in the middle is of the other class, but in a place where the
 * first class has an object, too; and all bits in which any slab differs from
 * the first one are those in which the last one does.
 */
static bool
find_three(void **own, unsigned int n_own, void **other, unsigned int n_other,
	unsigned int n)
{
	const struct rte_fastmem_cache *cache =
		RTE_PER_LCORE(_rte_fastmem_lcore).last;
	unsigned int b, c;
	uintptr_t differ;

	for (c = n; c < n_own; c++) {
		differ = slab_differs(own[0], own[c]);
		for (b = 0; differ != 0 && b < n_other; b++) {
			if ((slab_differs(own[0], other[b]) & ~differ) != 0 ||
					!might_be_of(cache, other[b]))
				continue;
			RTE_SWAP(own[n - 1], own[c]);
			RTE_SWAP(other[0], other[b]);
			return true;
		}
	}
	return false;
}

/* Free three slabs' objects at the end of a bulk, and get them back. */
static int
check_three(void **own, unsigned int n_own, void **other, unsigned int n_other,
	unsigned int n)
{
	void *bulk[MAX_BULK];
	unsigned int first;

	/* the class to be checked for is that used last */
	rte_fastmem_free(rte_fastmem_alloc(SLABS_SIZE, 8, 0));
	for (first = 0; first + n < n_own; first++)
		if (find_three(own + first, n_own - first, other, n_other, n))
			break;
	TEST_ASSERT(first + n < n_own, "there are no such slabs");
	memcpy(bulk, own + first, n * sizeof(bulk[0]));
	bulk[n - 2] = other[0];
	rte_fastmem_free_bulk(bulk, n);
	TEST_ASSERT_EQUAL(fastmem_test_in_use(SLABS_SIZE), n_own - n + 1,
		"in use of the class, bulk of %u", n);
	TEST_ASSERT_EQUAL(fastmem_test_in_use(2 * SLABS_SIZE), n_other - 1,
		"in use of the other class, bulk of %u", n);
	other[0] = rte_fastmem_alloc(2 * SLABS_SIZE, 8, 0);
	TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(bulk, n - 1, SLABS_SIZE, 8,
		0), "no memory");
	memcpy(own + first, bulk, (n - 2) * sizeof(bulk[0]));
	own[first + n - 1] = bulk[n - 2];
	return rte_fastmem_audit();
}

static int
test_three_slabs(void)
{
	static const unsigned int counts[] = { 3, 4, 5, 7, 8, 9, 11 };
	void *objs[2][4 * SLAB / SLABS_SIZE];
	unsigned int n[2] = { 0 }, i, k, b;

	/* slabs of the two classes, in an order that makes such three likely */
	for (i = 0; i < 8; i++) {
		b = i % 4 % 3 != 0;
		for (k = SLAB / (SLABS_SIZE << b); k > 0; k--) {
			objs[b][n[b]] = rte_fastmem_alloc(SLABS_SIZE << b, 8, 0);
			TEST_ASSERT_NOT_NULL(objs[b][n[b]], "no memory");
			n[b]++;
		}
	}
	for (i = 0; i < RTE_DIM(counts); i++)
		if (check_three(objs[0], n[0], objs[1], n[1], counts[i]) != 0)
			return TEST_FAILED;
	fastmem_test_free_all(objs[0], n[0]);
	fastmem_test_free_all(objs[1], n[1]);
	return fastmem_test_all_back();
}

struct unit_test_suite fastmem_bulk_slabs_testsuite = {
	.suite_name = "fastmem bulks of several slabs",
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_borders),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_three_slabs),
		TEST_CASES_END()
	}
};
