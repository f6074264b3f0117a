/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Several NUMA nodes of which one has no memory left, or never had any: who
 * is served from elsewhere and who is refused, and that what was allocated on
 * a node comes back to it.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_memory.h>

#include "test_fastmem_numa.h"
#include "test_fastmem_stats.h"
#include "test_fastmem_util.h"

#define SLAB FASTMEM_TEST_SLAB_SIZE
#define SIZE FASTMEM_TEST_NUMA_SIZE
#define LIMIT (4 * SLAB)
#define N_ROUNDS 1000
#define N_FALLBACKS 100
#define TELLS_AT_ONCE 2000   /* in parts of a second */
#define N_REFUSED 8          /* objects asked for by expect_refused() */
#define N_NOWHERE 4          /* and by expect_nothing() */

/* What is taken of a socket at most to find its end. */
#define MAX_LARGE 1024
#define LARGE FASTMEM_TEST_MAX_SIZE

static void *objs[FASTMEM_TEST_NUMA_OBJS], *again[FASTMEM_TEST_NUMA_OBJS];
static void *large[MAX_LARGE];

/* Free on a socket what was allocated on another one, and allocate here. */
static int
free_elsewhere(void *arg)
{
	struct fastmem_test_numa_work *work = arg;
	void *obj, *last;
	unsigned int i;

	for (i = 0; i < work->n; i++) {
		TEST_ASSERT_SUCCESS(fastmem_test_check(work->objs[i], SIZE, i),
			"object %u", i);
		rte_fastmem_free(work->objs[i]);
	}
	/* they are in this lcore's cache of their socket, the last one on top */
	last = rte_fastmem_alloc_socket(SIZE, 0, 0, work->socket_id);
	TEST_ASSERT(last == work->objs[work->n - 1], "%p, not %p", last,
		work->objs[work->n - 1]);
	obj = rte_fastmem_alloc(SIZE, 0, 0);
	if (fastmem_test_lies_on(obj, SIZE, fastmem_test_home()) != 0)
		return -1;
	rte_fastmem_free(obj);
	rte_fastmem_free(last);
	return 0;
}

static int
check_lcore_counts(unsigned int lcore_id, unsigned int n_allocs,
	unsigned int n_frees, unsigned int n_nomem)
{
	struct rte_fastmem_lcore_class_stats lcs;

	TEST_ASSERT_SUCCESS(rte_fastmem_stats_lcore_class(lcore_id, SIZE, &lcs),
		"no statistics");
	TEST_ASSERT(ALLOCS(lcs) == n_allocs && FREES(lcs) == n_frees &&
		lcs.alloc_nomem == n_nomem,
		"lcore %u: %" PRIu64 " allocated, %" PRIu64 " freed, %" PRIu64
		" refused, not %u, %u, %u", lcore_id, ALLOCS(lcs), FREES(lcs),
		lcs.alloc_nomem, n_allocs, n_frees, n_nomem);
	return 0;
}

/* All memory of one socket, allocated there and freed on the other one. */
static int
check_way_home(const struct fastmem_test_numa_socket *from,
	const struct fastmem_test_numa_socket *to)
{
	struct fastmem_test_numa_work work = { .socket_id = from->id, .objs = objs };
	struct fastmem_test_numa_work second = { .socket_id = from->id, .objs = again };
	unsigned int i;

	rte_fastmem_stats_reset();
	if (fastmem_test_on_lcore(from->lcore_id, fastmem_test_numa_exhaust, &work) != 0 ||
			fastmem_test_on_lcore(to->lcore_id, free_elsewhere,
				&work) != 0)
		return -1;
	TEST_ASSERT(work.n >= (LIMIT - SLAB) / SIZE - 4, "%u objects", work.n);
	TEST_ASSERT_EQUAL(fastmem_test_in_use(SIZE), 0, "in use");
	if (check_lcore_counts(from->lcore_id, work.n, 0, 1) != 0 ||
			check_lcore_counts(to->lcore_id, 2, work.n + 2, 0) != 0)
		return -1;
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	TEST_ASSERT_SUCCESS(fastmem_test_flush_all(), "cannot flush");
	/* home again: the same objects, none more and none less */
	if (fastmem_test_on_lcore(from->lcore_id, fastmem_test_numa_exhaust, &second) != 0)
		return -1;
	TEST_ASSERT_EQUAL(second.n, work.n, "%u objects, then %u", work.n,
		second.n);
	fastmem_test_sort(objs, work.n);
	fastmem_test_sort(again, second.n);
	for (i = 0; i < work.n; i++)
		TEST_ASSERT(objs[i] == again[i], "%p went, %p came", objs[i],
			again[i]);
	fastmem_test_free_all(again, second.n);
	return fastmem_test_all_back();
}

static int
test_way_home(void)
{
	const struct fastmem_test_numa_socket *from, *to;
	unsigned int n_ways = 0;

	FASTMEM_TEST_FOREACH_SOCKET(from) {
		if (from->bare || from->lcore_id == LCORE_ID_ANY)
			continue;
		TEST_ASSERT_SUCCESS(rte_fastmem_set_limit(from->id, LIMIT),
			"no limit");
		FASTMEM_TEST_FOREACH_SOCKET(to) {
			if (to == from || to->lcore_id == LCORE_ID_ANY)
				continue;
			TEST_ASSERT_SUCCESS(rte_fastmem_set_limit(to->id,
				SIZE_MAX), "no limit");
			if (check_way_home(from, to) != 0)
				TEST_ASSERT(0, "from socket %d to %d", from->id,
					to->id);
			n_ways++;
		}
		TEST_ASSERT_SUCCESS(rte_fastmem_set_limit(from->id, SIZE_MAX),
			"no limit");
	}
	if (n_ways == 0) {
		printf("lcores of one socket only, skipped\n");
		return TEST_SKIPPED;
	}
	return TEST_SUCCESS;
}

/* Requests for a socket that has nothing to give are refused. */
static int
expect_refused(int socket_id)
{
	void *ptrs[3] = { NULL, NULL, NULL }, *obj;
	rte_fastmem_handle_t handle;

	obj = rte_fastmem_alloc_socket(SIZE, 0, 0, socket_id);
	TEST_ASSERT(obj == NULL && rte_errno == ENOMEM, "%p: %s", obj,
		rte_strerror(rte_errno));
	TEST_ASSERT(rte_fastmem_alloc_bulk_socket(ptrs, 3, SIZE, 0, 0,
		socket_id) == -ENOMEM && ptrs[0] == NULL, "a bulk");
	TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(SIZE, 0, socket_id, &handle),
		"no handle");
	obj = rte_fastmem_halloc(handle, 0);
	TEST_ASSERT(obj == NULL && rte_errno == ENOMEM, "%p: %s", obj,
		rte_strerror(rte_errno));
	TEST_ASSERT(rte_fastmem_halloc_bulk(handle, ptrs, 3, 0) == -ENOMEM &&
		ptrs[0] == NULL, "a bulk by handle");
	return 0;
}

/* Requests for any socket are served, by one that has memory. */
static int
expect_served(int without, unsigned int *n)
{
	void *ptrs[6];
	unsigned int i;
	int node;

	ptrs[0] = rte_fastmem_alloc(SIZE, 0, 0);
	ptrs[1] = rte_fastmem_alloc_socket(SIZE, 0, 0, SOCKET_ID_ANY);
	ptrs[2] = rte_fastmem_realloc(NULL, SIZE, 0);
	TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(&ptrs[3], 3, SIZE, 0, 0),
		"no bulk");
	for (i = 0; i < 6; i++) {
		node = ptrs[i] == NULL ? -1 : fastmem_test_node(ptrs[i]);
		TEST_ASSERT(node >= 0 && node != without,
			"object %u is on node %d", i, node);
		if (fastmem_test_lies_on(ptrs[i], SIZE, node) != 0)
			return -1;
	}
	rte_fastmem_free_bulk(ptrs, 6);
	*n += 6;
	return 0;
}

/* Where no socket has memory, what fails is counted once. */
static int
expect_nothing(void)
{
	const struct fastmem_test_numa_socket *s;
	void *ptrs[3] = { NULL, NULL, NULL };

	rte_fastmem_cache_flush();
	TEST_ASSERT_SUCCESS(rte_fastmem_trim(SOCKET_ID_ANY, NULL), "trim");
	FASTMEM_TEST_FOREACH_SOCKET(s)
		TEST_ASSERT_SUCCESS(rte_fastmem_set_limit(s->id, 0), "no limit");
	TEST_ASSERT_NULL(rte_fastmem_alloc(SIZE, 0, 0), "has memory");
	TEST_ASSERT(rte_fastmem_alloc_bulk_socket(ptrs, 3, SIZE, 0, 0,
		SOCKET_ID_ANY) == -ENOMEM && ptrs[0] == NULL, "a bulk");
	FASTMEM_TEST_FOREACH_SOCKET(s)
		TEST_ASSERT_SUCCESS(rte_fastmem_set_limit(s->id, SIZE_MAX),
			"no limit");
	return 0;
}

/* On an lcore of a socket whose limit allows nothing, and then something. */
static int
check_fallback(void *arg)
{
	const struct fastmem_test_numa_socket *s = arg;
	unsigned int n = 0;
	void *obj;

	TEST_ASSERT_SUCCESS(rte_fastmem_set_limit(s->id, 0), "no limit");
	if (expect_refused(s->id) != 0 || expect_served(s->id, &n) != 0 ||
			expect_refused(s->id) != 0 ||
			expect_served(s->id, &n) != 0)
		return -1;
	if (check_lcore_counts(rte_lcore_id(), n, n, 2 * N_REFUSED) != 0)
		return -1;
	if (expect_nothing() != 0 || check_lcore_counts(rte_lcore_id(), n, n,
			2 * N_REFUSED + N_NOWHERE) != 0)
		return -1;
	/* as soon as there is something, it is preferred */
	TEST_ASSERT_SUCCESS(rte_fastmem_set_limit(s->id, SIZE_MAX), "no limit");
	obj = rte_fastmem_alloc(SIZE, 0, 0);
	if (fastmem_test_lies_on(obj, SIZE, s->id) != 0)
		return -1;
	rte_fastmem_free(obj);
	return 0;
}

static int
test_fallback(void)
{
	struct fastmem_test_numa_socket *s;

	FASTMEM_TEST_FOREACH_SOCKET(s) {
		if (s->bare || s->lcore_id == LCORE_ID_ANY)
			continue;
		TEST_ASSERT_SUCCESS(fastmem_test_all_back(), "not back");
		TEST_ASSERT_SUCCESS(rte_fastmem_trim(SOCKET_ID_ANY, NULL),
			"cannot trim");
		rte_fastmem_stats_reset();
		if (fastmem_test_on_lcore(s->lcore_id, check_fallback, s) != 0)
			TEST_ASSERT(0, "socket %d", s->id);
	}
	return fastmem_test_all_back();
}

/*
 * Who is served by another node does not wait for EAL each time to find that
 * the own one has no more.
 */
static int
check_fallback_time(int socket_id)
{
	uint64_t start, refused, served;
	unsigned int i;

	start = rte_rdtsc();
	for (i = 0; i < 4; i++)
		TEST_ASSERT_NULL(rte_fastmem_alloc_socket(SIZE, 0, 0,
			socket_id), "has memory");
	refused = (rte_rdtsc() - start) / 4;
	start = rte_rdtsc();
	for (i = 0; i < N_FALLBACKS; i++) {
		objs[i] = rte_fastmem_alloc(SIZE, 0, 0);
		TEST_ASSERT_NOT_NULL(objs[i], "no memory");
	}
	served = (rte_rdtsc() - start) / N_FALLBACKS;
	printf("socket %d: refused in %" PRIu64 " cycles, served elsewhere in %"
		PRIu64 "\n", socket_id, refused, served);
	fastmem_test_free_all(objs, N_FALLBACKS);
	/* where memory is fixed, EAL says so at once */
	TEST_ASSERT(served < refused / 2 ||
		refused < rte_get_tsc_hz() / TELLS_AT_ONCE,
		"each allocation waits for EAL");
	return 0;
}

/* No limit anywhere, but EAL has no more on one node. */
static int
check_end_of_node(void *arg)
{
	const struct fastmem_test_numa_socket *s = arg;
	unsigned int n = 0, n_served = 0, i;
	void *obj;

	while (n < MAX_LARGE && (large[n] = rte_fastmem_alloc_socket(LARGE, 0,
			0, s->id)) != NULL)
		n++;
	for (i = 0; i < n; i++)
		if (fastmem_test_lies_on(large[i], LARGE, s->id) != 0)
			return -1;
	if (n < MAX_LARGE) {
		/* what is too small for one of those */
		while (n < MAX_LARGE && (obj = rte_fastmem_alloc_socket(SIZE, 0,
				0, s->id)) != NULL)
			large[n++] = obj;
		if (expect_refused(s->id) != 0 ||
				expect_served(s->id, &n_served) != 0)
			return -1;
		if (rte_socket_id() == (unsigned int)s->id &&
				check_fallback_time(s->id) != 0)
			return -1;
	}
	printf("socket %d: %u objects\n", s->id, n);
	TEST_ASSERT(n > 8, "%u objects on socket %d", n, s->id);
	fastmem_test_free_all(large, n);
	/* what came back serves again, without EAL */
	rte_fastmem_cache_flush();
	obj = rte_fastmem_alloc_socket(SIZE, 0, RTE_FASTMEM_F_NO_GROW, s->id);
	if (fastmem_test_lies_on(obj, SIZE, s->id) != 0)
		return -1;
	rte_fastmem_free(obj);
	return n == MAX_LARGE ? TEST_SKIPPED : 0;
}

static int
test_end_of_node(void)
{
	struct fastmem_test_numa_socket *s;
	unsigned int lcore_id, n_ends = 0;
	int ret;

	FASTMEM_TEST_FOREACH_SOCKET(s) {
		if (s->bare)
			continue;
		lcore_id = s->lcore_id == LCORE_ID_ANY ? rte_lcore_id() :
			s->lcore_id;
		ret = fastmem_test_on_lcore(lcore_id, check_end_of_node, s);
		TEST_ASSERT(ret == 0 || ret == TEST_SKIPPED, "socket %d", s->id);
		n_ends += ret == 0;
		if (fastmem_test_all_back() != 0)
			return TEST_FAILED;
		TEST_ASSERT_SUCCESS(rte_fastmem_trim(SOCKET_ID_ANY, NULL),
			"cannot trim");
		TEST_ASSERT_EQUAL(fastmem_test_backing(), 0, "not trimmed");
	}
	if (n_ends == 0) {
		printf("no node is at its end after 1 GiB, skipped\n");
		return TEST_SKIPPED;
	}
	return TEST_SUCCESS;
}

/* On an lcore of a socket without memory: as fast as on others. */
static int
check_bare(void *arg)
{
	const struct fastmem_test_numa_socket *s = arg;
	struct rte_fastmem_lcore_class_stats lcs;
	rte_fastmem_handle_t handle;
	unsigned int n = 0, i;
	void *obj;

	if (expect_refused(s->id) != 0 || expect_served(s->id, &n) != 0)
		return -1;
	TEST_ASSERT_EQUAL(rte_fastmem_reserve(1, s->id), -ENOMEM, "reserved");
	TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(SIZE, 0, SOCKET_ID_ANY,
		&handle), "no handle");
	rte_fastmem_stats_reset();
	for (i = 0; i < N_ROUNDS; i++) {
		obj = i % 2 == 0 ? rte_fastmem_alloc(SIZE, 0, 0) :
			rte_fastmem_halloc(handle, 0);
		TEST_ASSERT_NOT_NULL(obj, "no memory");
		TEST_ASSERT(i % 100 != 0 || fastmem_test_lies_on(obj, SIZE,
			fastmem_test_home()) == 0, "elsewhere");
		if (i % 2 == 0)
			rte_fastmem_free_sized(obj, SIZE, 0);
		else
			rte_fastmem_hfree(handle, obj);
	}
	/* by its own caches */
	TEST_ASSERT_SUCCESS(rte_fastmem_stats_lcore_class(rte_lcore_id(), SIZE,
		&lcs), "no statistics");
	TEST_ASSERT(lcs.alloc_cache_hits == N_ROUNDS &&
		lcs.free_cache_hits == N_ROUNDS && lcs.alloc_nomem == 0,
		"%" PRIu64 " and %" PRIu64 " hits, %" PRIu64 " refused",
		lcs.alloc_cache_hits, lcs.free_cache_hits, lcs.alloc_nomem);
	return 0;
}

static int
test_bare_node(void)
{
	struct fastmem_test_numa_socket *s;
	unsigned int lcore_id, n = 0;

	FASTMEM_TEST_FOREACH_SOCKET(s)
		for (lcore_id = 0; lcore_id < RTE_MAX_LCORE; lcore_id++) {
			if (!s->bare || !rte_lcore_is_enabled(lcore_id) ||
					(int)rte_lcore_to_socket_id(lcore_id) !=
					s->id)
				continue;
			if (fastmem_test_on_lcore(lcore_id, check_bare, s) != 0)
				TEST_ASSERT(0, "lcore %u", lcore_id);
			n++;
		}
	if (n == 0) {
		printf("each node with lcores has memory, skipped\n");
		return TEST_SKIPPED;
	}
	return fastmem_test_all_back();
}

struct unit_test_suite fastmem_numa_shortage_testsuite = {
	.suite_name = "fastmem NUMA nodes short of memory",
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_bare_node),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_way_home),
		TEST_CASE_ST(fastmem_test_setup_several, fastmem_test_teardown,
			test_fallback),
		TEST_CASE_ST(fastmem_test_setup_several, fastmem_test_teardown,
			test_end_of_node),
		TEST_CASES_END()
	}
};
