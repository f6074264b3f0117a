/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Part of fastmem_autotest: reserving, limiting and giving back memory.
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
#define UNIT ((size_t)128 << 20)
#define N_LARGE 64

static void *large[N_LARGE];

static size_t
heap_used(void)
{
	struct rte_malloc_socket_stats stats;

	if (rte_malloc_get_socket_stats(fastmem_test_socket(), &stats) != 0)
		return 0;
	return stats.heap_allocsz_bytes;
}

/* Initialization takes memory for the directory alone. */
static int
test_starts_empty(void)
{
	TEST_ASSERT_EQUAL(fastmem_test_backing(), 0, "%" PRIu64 " B of backing",
		fastmem_test_backing());
	rte_fastmem_free(rte_fastmem_alloc(64, 0, 0));
	TEST_ASSERT(fastmem_test_backing() > 0, "no backing counted");
	/* what is counted is what EAL gave: not less, and hardly more */
	TEST_ASSERT(fastmem_test_backing() <= 8 * SLAB,
		"one object takes %" PRIu64 " B", fastmem_test_backing());
	return fastmem_test_all_back();
}

static int
test_backing_is_real(void)
{
	size_t before = heap_used(), taken;
	uint64_t backing;
	unsigned int n;

	for (n = 0; n < 10; n++) {
		large[n] = rte_fastmem_alloc(FASTMEM_TEST_MAX_SIZE, 0, 0);
		TEST_ASSERT_NOT_NULL(large[n], "cannot allocate");
	}
	backing = fastmem_test_backing();
	taken = heap_used() - before;
	TEST_ASSERT(backing >= 10 * FASTMEM_TEST_MAX_SIZE &&
		backing % SLAB == 0, "%" PRIu64 " B of backing", backing);
	/* alignment may cost some, other bookkeeping nothing */
	TEST_ASSERT(taken + SLAB >= backing && taken <= backing + SLAB,
		"backing is %" PRIu64 " B, EAL gave %zu B", backing, taken);
	rte_fastmem_free_bulk(large, n);
	return fastmem_test_all_back();
}

static int
test_reserve(void)
{
	int socket_id = fastmem_test_socket();
	uint64_t backing, asked = 0;
	unsigned int i, n = 0;

	TEST_ASSERT_SUCCESS(rte_fastmem_reserve(0, socket_id), "nothing");
	TEST_ASSERT_EQUAL(fastmem_test_backing(), 0, "took memory for nothing");

	/* cumulative: backing follows the sum of what was asked for */
	for (i = 0; i < 6; i++) {
		TEST_ASSERT_SUCCESS(rte_fastmem_reserve(SLAB - i, socket_id),
			"cannot reserve %zu B, round %u", SLAB - i, i);
		asked += SLAB;
		backing = fastmem_test_backing();
		TEST_ASSERT(backing >= asked, "%" PRIu64 " B asked for, %"
			PRIu64 " B there", asked, backing);
	}
	/* a reservation covered by a larger unit takes nothing more */
	if (backing >= UNIT) {
		TEST_ASSERT_EQUAL(backing, UNIT, "%" PRIu64 " B for %" PRIu64,
			backing, asked);
		TEST_ASSERT_SUCCESS(rte_fastmem_reserve(UNIT - asked,
			socket_id), "the rest of the unit");
		TEST_ASSERT_EQUAL(fastmem_test_backing(), UNIT,
			"not added up: %" PRIu64 " B", fastmem_test_backing());
	} else {
		printf("EAL has no 128 MiB in one piece, units not checked\n");
	}

	/* most of it is there for objects, without growth */
	while (n < 4) {
		large[n] = rte_fastmem_alloc(FASTMEM_TEST_MAX_SIZE, 0,
			RTE_FASTMEM_F_NO_GROW);
		TEST_ASSERT_NOT_NULL(large[n], "reserved memory has no room");
		n++;
	}
	rte_fastmem_free_bulk(large, n);
	return fastmem_test_all_back();
}

/* What allocations made the library take does not count as reserved. */
static int
test_reserve_after_growth(void)
{
	int socket_id = fastmem_test_socket();
	uint64_t before;
	unsigned int n;

	for (n = 0; n < 8; n++) {
		large[n] = rte_fastmem_alloc(FASTMEM_TEST_MAX_SIZE, 0, 0);
		TEST_ASSERT_NOT_NULL(large[n], "cannot allocate");
	}
	rte_fastmem_free_bulk(large, n);
	rte_fastmem_cache_flush();
	before = fastmem_test_backing();
	TEST_ASSERT_SUCCESS(rte_fastmem_reserve(2 * SLAB, socket_id),
		"cannot reserve");
	TEST_ASSERT(fastmem_test_backing() >= before + 2 * SLAB,
		"%" PRIu64 " B before, %" PRIu64 " B after", before,
		fastmem_test_backing());
	return fastmem_test_all_back();
}

static int
test_reserve_any_socket(void)
{
	TEST_ASSERT_SUCCESS(rte_fastmem_reserve(2 * SLAB, SOCKET_ID_ANY),
		"cannot reserve");
	TEST_ASSERT(fastmem_test_backing() >= 2 * SLAB, "%" PRIu64 " B there",
		fastmem_test_backing());
	large[0] = rte_fastmem_alloc_socket(4096, 0, RTE_FASTMEM_F_NO_GROW,
		fastmem_test_socket());
	TEST_ASSERT_NOT_NULL(large[0], "not reserved on the own socket");
	rte_fastmem_free(large[0]);
	return fastmem_test_all_back();
}

static int
test_reserve_limit(void)
{
	int socket_id = fastmem_test_socket();

	if (fastmem_test_limit(4 * SLAB) != 0)
		return TEST_FAILED;
	/* no room for a unit of 128 MiB, so it has to be taken in less */
	TEST_ASSERT_SUCCESS(rte_fastmem_reserve(2 * SLAB, socket_id),
		"below the limit");
	TEST_ASSERT_EQUAL(rte_fastmem_reserve(SIZE_MAX, socket_id), -ENOMEM,
		"everything");
	TEST_ASSERT_EQUAL(rte_fastmem_reserve(SIZE_MAX - SLAB, SOCKET_ID_ANY),
		-ENOMEM, "nearly everything");
	TEST_ASSERT_EQUAL(rte_fastmem_reserve((SIZE_MAX >> 1) + 1, socket_id),
		-ENOMEM, "half of everything");
	TEST_ASSERT(fastmem_test_backing() <= 4 * SLAB, "limit exceeded");
	TEST_ASSERT_EQUAL(rte_fastmem_reserve(3 * SLAB, socket_id), -ENOMEM,
		"above the limit");
	TEST_ASSERT_EQUAL(fastmem_test_backing(), 4 * SLAB, "%" PRIu64
		" B after failure", fastmem_test_backing());
	/* what the failed calls took is used now */
	TEST_ASSERT_SUCCESS(rte_fastmem_reserve(2 * SLAB, socket_id),
		"up to the limit");
	TEST_ASSERT_EQUAL(rte_fastmem_reserve(1, socket_id), -ENOMEM,
		"above the limit");
	TEST_ASSERT_EQUAL(rte_fastmem_reserve(1, SOCKET_ID_ANY), -ENOMEM,
		"above all limits");
	return fastmem_test_all_back();
}

static int
test_limit(void)
{
	int socket_id = fastmem_test_socket();
	unsigned int i, n, again;
	uint64_t backing;

	for (i = 0; i < rte_socket_count(); i++)
		TEST_ASSERT_EQUAL(rte_fastmem_get_limit(
			rte_socket_id_by_idx(i)), SIZE_MAX, "limited at first");

	/* growth stops at the limit, be it a multiple of slabs or not */
	if (fastmem_test_limit(6 * SLAB - 1) != 0)
		return TEST_FAILED;
	TEST_ASSERT_EQUAL(rte_fastmem_get_limit(socket_id), 6 * SLAB - 1,
		"other limit");
	n = fastmem_test_exhaust(large, N_LARGE, FASTMEM_TEST_MAX_SIZE);
	backing = fastmem_test_backing();
	TEST_ASSERT_EQUAL(backing, 5 * SLAB, "limit 6 slabs less a byte, %"
		PRIu64 " B taken", backing);
	TEST_ASSERT(n >= 4, "%u objects of 1 MiB", n);
	rte_errno = 0;
	TEST_ASSERT_NULL(rte_fastmem_alloc(FASTMEM_TEST_MAX_SIZE, 0, 0),
		"beyond the limit");
	TEST_ASSERT_EQUAL(rte_errno, ENOMEM, "errno %d", rte_errno);

	/* a limit below what is taken: nothing lost, nothing more taken */
	TEST_ASSERT_SUCCESS(rte_fastmem_set_limit(socket_id, 1), "limit 1");
	TEST_ASSERT_EQUAL(fastmem_test_backing(), backing, "took back memory");
	rte_fastmem_free_bulk(large, n);
	again = fastmem_test_exhaust(large, N_LARGE, FASTMEM_TEST_MAX_SIZE);
	TEST_ASSERT_EQUAL(again, n, "%u objects before, %u after", n, again);
	TEST_ASSERT_EQUAL(fastmem_test_backing(), backing, "memory grew");

	/* and growth goes on when the limit allows it */
	TEST_ASSERT_SUCCESS(rte_fastmem_set_limit(socket_id, 7 * SLAB), "7");
	again += fastmem_test_exhaust(&large[n], N_LARGE - n,
		FASTMEM_TEST_MAX_SIZE);
	TEST_ASSERT(again > n, "no growth below the limit");
	TEST_ASSERT_EQUAL(fastmem_test_backing(), 7 * SLAB, "%" PRIu64
		" B with 7 slabs", fastmem_test_backing());
	TEST_ASSERT_SUCCESS(rte_fastmem_set_limit(socket_id, SIZE_MAX), "none");
	TEST_ASSERT_EQUAL(rte_fastmem_get_limit(socket_id), SIZE_MAX, "other");
	rte_fastmem_free_bulk(large, again);
	large[0] = rte_fastmem_alloc(64, 0, 0);
	TEST_ASSERT_NOT_NULL(large[0], "no recovery");
	rte_fastmem_free(large[0]);
	return fastmem_test_all_back();
}

/* A limit of 0 from the start: not even the first slab. */
static int
test_limit_zero(void)
{
	size_t i;

	if (fastmem_test_limit(0) != 0)
		return TEST_FAILED;
	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
		rte_errno = 0;
		TEST_ASSERT_NULL(rte_fastmem_alloc(fastmem_test_sizes[i], 8, 0),
			"memory from nowhere");
		TEST_ASSERT_EQUAL(rte_errno, ENOMEM, "errno %d", rte_errno);
	}
	TEST_ASSERT_EQUAL(fastmem_test_backing(), 0, "limit exceeded");
	if (fastmem_test_limit(SIZE_MAX) != 0)
		return TEST_FAILED;
	large[0] = rte_fastmem_alloc(1, 0, 0);
	TEST_ASSERT_NOT_NULL(large[0], "no recovery");
	rte_fastmem_free(large[0]);
	return fastmem_test_all_back();
}

static int
test_no_grow(void)
{
	const unsigned int flags = RTE_FASTMEM_F_NO_GROW;
	rte_fastmem_handle_t handle;
	uint64_t backing;
	void *obj;

	TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(64, 0, SOCKET_ID_ANY, &handle),
		"no handle");
	rte_errno = 0;
	TEST_ASSERT_NULL(rte_fastmem_alloc(64, 0, flags), "no memory needed");
	TEST_ASSERT_EQUAL(rte_errno, ENOMEM, "errno %d", rte_errno);
	rte_errno = 0;
	TEST_ASSERT_NULL(rte_fastmem_halloc(handle, flags), "no memory needed");
	TEST_ASSERT_EQUAL(rte_errno, ENOMEM, "errno %d", rte_errno);
	TEST_ASSERT_EQUAL(rte_fastmem_alloc_bulk(large, 8, 64, 0, flags),
		-ENOMEM, "no memory needed");
	TEST_ASSERT_EQUAL(rte_fastmem_halloc_bulk(handle, large, 8, flags),
		-ENOMEM, "no memory needed");
	TEST_ASSERT_EQUAL(fastmem_test_backing(), 0, "memory grew");

	/* with memory at hand the flag changes nothing */
	obj = rte_fastmem_alloc(64, 0, 0);
	TEST_ASSERT_NOT_NULL(obj, "cannot allocate");
	backing = fastmem_test_backing();
	TEST_ASSERT_SUCCESS(rte_fastmem_halloc_bulk(handle, large, 8,
		flags | RTE_FASTMEM_F_ZERO), "has memory");
	rte_fastmem_free_bulk(large, 8);
	rte_fastmem_free(obj);
	rte_fastmem_cache_flush();
	/* a slab in stock is at hand for every class */
	obj = rte_fastmem_alloc(4096, 0, flags);
	TEST_ASSERT_NOT_NULL(obj, "stock is not used");
	rte_fastmem_free(obj);
	TEST_ASSERT_EQUAL(fastmem_test_backing(), backing, "memory grew");
	return fastmem_test_all_back();
}

static int
test_trim(void)
{
	size_t bytes = 1, heap;
	uint64_t backing;
	unsigned int n;
	void *obj;

	TEST_ASSERT_SUCCESS(rte_fastmem_trim(SOCKET_ID_ANY, &bytes), "empty");
	TEST_ASSERT_EQUAL(bytes, 0, "%zu B from nothing", bytes);

	obj = rte_fastmem_alloc(1000, 0, 0);
	TEST_ASSERT_NOT_NULL(obj, "cannot allocate");
	fastmem_test_fill(obj, 1000, 5);
	for (n = 0; n < 12; n++) {
		large[n] = rte_fastmem_alloc(FASTMEM_TEST_MAX_SIZE, 0, 0);
		TEST_ASSERT_NOT_NULL(large[n], "cannot allocate");
	}
	backing = fastmem_test_backing();
	/* memory with objects stays */
	TEST_ASSERT_SUCCESS(rte_fastmem_trim(fastmem_test_socket(), &bytes),
		"cannot trim");
	TEST_ASSERT_EQUAL(fastmem_test_backing(), backing - bytes,
		"%zu B given back, %" PRIu64 " B left of %" PRIu64, bytes,
		fastmem_test_backing(), backing);
	for (n = 0; n < 12; n++)
		fastmem_test_fill(large[n], FASTMEM_TEST_MAX_SIZE, n);
	for (n = 0; n < 12; n++)
		TEST_ASSERT_SUCCESS(fastmem_test_check(large[n],
			FASTMEM_TEST_MAX_SIZE, n), "object was given back");
	backing = fastmem_test_backing();

	/* memory of freed ones goes, also out of the caller's cache */
	for (n = 0; n < 12; n++)
		rte_fastmem_free(large[n]);
	heap = heap_used();
	TEST_ASSERT_SUCCESS(rte_fastmem_trim(SOCKET_ID_ANY, &bytes),
		"cannot trim");
	TEST_ASSERT(bytes >= 8 * FASTMEM_TEST_MAX_SIZE, "%zu B given back",
		bytes);
	/* to EAL, that is; alignment may have cost some */
	heap -= heap_used();
	TEST_ASSERT(heap + SLAB / 16 >= bytes && heap <= bytes + SLAB,
		"EAL got %zu B of %zu B", heap, bytes);
	TEST_ASSERT_EQUAL(fastmem_test_backing(), backing - bytes,
		"%zu B given back, %" PRIu64 " B left of %" PRIu64, bytes,
		fastmem_test_backing(), backing);
	TEST_ASSERT_SUCCESS(fastmem_test_check(obj, 1000, 5),
		"content lost");
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged by trim");

	/* and it can be taken again */
	large[0] = rte_fastmem_alloc(FASTMEM_TEST_MAX_SIZE, 0, 0);
	TEST_ASSERT_NOT_NULL(large[0], "cannot allocate");
	fastmem_test_fill(large[0], FASTMEM_TEST_MAX_SIZE, 1);
	TEST_ASSERT_SUCCESS(fastmem_test_check(obj, 1000, 5), "content lost");
	rte_fastmem_free(large[0]);
	rte_fastmem_free(obj);
	return fastmem_test_all_back();
}

/* EAL has its memory back after a trim, and reservations are forgotten. */
static int
test_trim_reserved(void)
{
	int socket_id = fastmem_test_socket();
	size_t bytes, before, heap;
	unsigned int i;

	before = heap_used();
	for (i = 0; i < 3; i++) {
		TEST_ASSERT_SUCCESS(rte_fastmem_reserve(4 * SLAB, socket_id),
			"cannot reserve, round %u", i);
		TEST_ASSERT(fastmem_test_backing() >= 4 * SLAB,
			"round %u: %" PRIu64 " B", i, fastmem_test_backing());
		TEST_ASSERT_SUCCESS(rte_fastmem_trim(socket_id, &bytes),
			"cannot trim");
		TEST_ASSERT(bytes >= 4 * SLAB, "%zu B given back", bytes);
		TEST_ASSERT_EQUAL(fastmem_test_backing(), 0, "%" PRIu64
			" B left", fastmem_test_backing());
		heap = heap_used();
		TEST_ASSERT_EQUAL(heap, before, "EAL lacks %zu B",
			heap - before);
	}
	return fastmem_test_all_back();
}

struct unit_test_suite fastmem_backing_testsuite = {
	.suite_name = "fastmem backing",
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_starts_empty),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_backing_is_real),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_reserve),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_reserve_after_growth),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_reserve_any_socket),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_reserve_limit),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_limit),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_limit_zero),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_no_grow),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_trim),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_trim_reserved),
		TEST_CASES_END()
	}
};
