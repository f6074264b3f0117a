/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Types of fixed memory: where their objects are, and that it stays.
 */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_memory.h>

#include "test_fastmem_type.h"
#include "test_fastmem_util.h"

#define MAX_OBJS 4000

static void *objs[MAX_OBJS];

struct ranges {
	unsigned int n;
	struct {
		uintptr_t addr;
		rte_iova_t iova;
		size_t len;
	} r[256];
	unsigned int n_unordered;
};

static void
add_range(void *addr, rte_iova_t iova, size_t len, void *arg)
{
	struct ranges *ranges = arg;
	unsigned int n = ranges->n++;

	if (n >= RTE_DIM(ranges->r))
		return;
	ranges->r[n].addr = (uintptr_t)addr;
	ranges->r[n].iova = iova;
	ranges->r[n].len = len;
	if (n > 0 && (uintptr_t)addr < ranges->r[n - 1].addr +
			ranges->r[n - 1].len)
		ranges->n_unordered++;
}

static bool
in_ranges(const struct ranges *ranges, const void *obj, size_t size)
{
	unsigned int i;

	for (i = 0; i < ranges->n; i++)
		if ((uintptr_t)obj >= ranges->r[i].addr && (uintptr_t)obj + size
				<= ranges->r[i].addr + ranges->r[i].len)
			return ranges->r[i].iova == RTE_BAD_IOVA ||
				rte_fastmem_virt2iova(obj) == ranges->r[i].iova +
				((uintptr_t)obj - ranges->r[i].addr);
	return false;
}

static size_t
ranges_bytes(const struct ranges *ranges)
{
	size_t bytes = 0;
	unsigned int i;

	for (i = 0; i < ranges->n; i++)
		bytes += ranges->r[i].len;
	return bytes;
}

/* All objects lie in memory that was there, and that memory stays. */
static int
test_fixed_memory(void)
{
	struct rte_fastmem_type_params params = fastmem_test_type_built("fixed", 4000);
	int socket_id = fastmem_test_socket();
	static struct ranges ranges, again;
	rte_fastmem_handle_t handles[3], plain;
	unsigned int n, i, others;
	void *large[20];
	uint64_t backing;

	TEST_ASSERT_SUCCESS(fastmem_test_type_create(&params, &plain), "plain");
	TEST_ASSERT_EQUAL(rte_fastmem_type_mem_walk(plain, NULL, NULL), -EINVAL,
		"memory that is not fixed");
	/* none is there yet, or next to none */
	params.fixed_memory = 1;
	params.name = "first";
	backing = fastmem_test_backing();
	TEST_ASSERT_SUCCESS(fastmem_test_type_create(&params, &handles[0]), "first");
	memset(&ranges, 0, sizeof(ranges));
	TEST_ASSERT_EQUAL(rte_fastmem_type_mem_walk(handles[0], add_range,
		&ranges), (int)ranges.n, "number of ranges");
	TEST_ASSERT(ranges_bytes(&ranges) <= RTE_MAX(backing,
		FASTMEM_TEST_SLAB_SIZE), "too much memory");
	n = 0;
	while (n < MAX_OBJS && (objs[n] = rte_fastmem_halloc(handles[0], 0)) !=
			NULL)
		n++;
	for (i = 0; i < n; i++)
		TEST_ASSERT(in_ranges(&ranges, objs[i], 4032), "elsewhere");
	rte_fastmem_hfree_bulk(handles[0], objs, n);

	/* on top of what has come meanwhile, with others growing on */
	others = 0;
	while (others < 4) {
		large[others] = rte_fastmem_alloc(FASTMEM_TEST_MAX_SIZE, 0, 0);
		TEST_ASSERT_NOT_NULL(large[others++], "no memory");
	}
	params.name = "second";
	params.fixed_memory = 4 * FASTMEM_TEST_MAX_SIZE;
	TEST_ASSERT_SUCCESS(fastmem_test_type_create(&params, &handles[1]), "second");
	memset(&ranges, 0, sizeof(ranges));
	rte_fastmem_type_mem_walk(handles[1], add_range, &ranges);
	TEST_ASSERT(ranges.n > 0 && ranges.n_unordered == 0, "%u ranges",
		ranges.n);
	TEST_ASSERT(ranges_bytes(&ranges) >= 4 * FASTMEM_TEST_MAX_SIZE &&
		ranges_bytes(&ranges) <= fastmem_test_backing(), "%zu B",
		ranges_bytes(&ranges));
	while (others < RTE_DIM(large)) {
		large[others] = rte_fastmem_alloc(FASTMEM_TEST_MAX_SIZE, 0, 0);
		TEST_ASSERT_NOT_NULL(large[others++], "no memory");
	}
	rte_fastmem_free_bulk(large, others);
	rte_fastmem_cache_flush();
	n = 0;
	while (n < MAX_OBJS && (objs[n] = rte_fastmem_halloc(handles[1], 0)) !=
			NULL)
		n++;
	TEST_ASSERT(n >= 500 && n <= ranges_bytes(&ranges) / 4032,
		"%u objects in %zu B", n, ranges_bytes(&ranges));
	for (i = 0; i < n; i++)
		TEST_ASSERT(in_ranges(&ranges, objs[i], 4032), "elsewhere");
	rte_fastmem_hfree_bulk(handles[1], objs, n);

	/* memory is taken for it if it has to be */
	params.name = "third";
	params.fixed_memory = fastmem_test_backing() + 3 *
		FASTMEM_TEST_SLAB_SIZE - 1;
	backing = fastmem_test_backing();
	TEST_ASSERT_SUCCESS(fastmem_test_type_create(&params, &handles[2]), "third");
	TEST_ASSERT_EQUAL(fastmem_test_backing(), backing + 3 *
		FASTMEM_TEST_SLAB_SIZE, "other growth");
	TEST_ASSERT_SUCCESS(rte_fastmem_type_destroy(handles[2]), "destroy");
	TEST_ASSERT_SUCCESS(fastmem_test_limit(fastmem_test_backing()), "limit");
	params.fixed_memory = fastmem_test_backing() + 1;
	TEST_ASSERT_EQUAL(rte_fastmem_type_create(&params, &handles[2]),
		-ENOMEM, "more than the limit");
	params.fixed_memory = SIZE_MAX;
	TEST_ASSERT_EQUAL(rte_fastmem_type_create(&params, &handles[2]),
		-ENOMEM, "all memory");

	/* what is taken before it turns out to be too little goes back */
	backing = fastmem_test_backing();
	TEST_ASSERT_SUCCESS(fastmem_test_limit(backing + 2 *
		FASTMEM_TEST_SLAB_SIZE), "limit");
	params.fixed_memory = backing + 3 * FASTMEM_TEST_SLAB_SIZE;
	TEST_ASSERT_EQUAL(rte_fastmem_type_create(&params, &handles[2]),
		-ENOMEM, "more than there may be");
	TEST_ASSERT_EQUAL(fastmem_test_backing(), backing, "memory was kept");

	/* what is known to devices is not trimmed, what is not is */
	backing = fastmem_test_backing();
	TEST_ASSERT_SUCCESS(rte_fastmem_trim(socket_id, NULL), "trim");
	TEST_ASSERT(fastmem_test_backing() < backing, "nothing was trimmed");
	memset(&again, 0, sizeof(again));
	rte_fastmem_type_mem_walk(handles[1], add_range, &again);
	TEST_ASSERT(memcmp(&again, &ranges, sizeof(ranges)) == 0,
		"other memory");
	for (i = 0; i < 3; i++) {
		TEST_ASSERT_SUCCESS(rte_fastmem_halloc_bulk(handles[1], objs,
			n, 0), "less memory");
		rte_fastmem_hfree_bulk(handles[1], objs, n);
	}
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	TEST_ASSERT_SUCCESS(rte_fastmem_type_destroy(handles[0]), "destroy");
	TEST_ASSERT_SUCCESS(rte_fastmem_type_destroy(handles[1]), "destroy");
	if (fastmem_test_type_destroy(plain) != 0)
		return TEST_FAILED;
	TEST_ASSERT_SUCCESS(rte_fastmem_trim(socket_id, NULL), "trim");
	/* but for what serves as meta memory */
	TEST_ASSERT(fastmem_test_backing() < ranges_bytes(&ranges),
		"memory stays");
	return fastmem_test_all_back();
}

struct unit_test_suite fastmem_type_fixed_testsuite = {
	.suite_name = "fastmem types of fixed memory",
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_type_setup, fastmem_test_teardown,
			test_fixed_memory),
		TEST_CASES_END()
	}
};
