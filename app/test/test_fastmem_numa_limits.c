/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Several NUMA nodes: what belongs to one socket and must not touch another:
 * limits, reservations and trimming.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>

#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_memory.h>

#include "test_fastmem_numa.h"
#include "test_fastmem_util.h"

#define SLAB FASTMEM_TEST_SLAB_SIZE
#define SIZE FASTMEM_TEST_NUMA_SIZE
#define LIMIT (4 * SLAB)

static void *objs[FASTMEM_TEST_NUMA_OBJS];

/* Bytes that are allocated of EAL's heap on a socket. */
static size_t
heap_used(int socket_id)
{
	struct rte_malloc_socket_stats stats = { 0 };

	rte_malloc_get_socket_stats(socket_id, &stats);
	return stats.heap_allocsz_bytes;
}

/* A limit, and what is reserved, are of one socket each. */
static int
test_limits(void)
{
	const struct fastmem_test_numa_socket *s, *other;
	unsigned int i = 0;

	FASTMEM_TEST_FOREACH_SOCKET(s)
		TEST_ASSERT_SUCCESS(rte_fastmem_set_limit(s->id,
			LIMIT + SLAB * i++), "no limit");
	i = 0;
	FASTMEM_TEST_FOREACH_SOCKET(s) {
		struct fastmem_test_numa_work work = { .socket_id = s->id, .objs = objs };
		size_t limit = LIMIT + SLAB * i++, used[RTE_MAX_NUMA_NODES];

		TEST_ASSERT_EQUAL(rte_fastmem_get_limit(s->id), limit, "limit");
		if (s->bare)
			continue;
		FASTMEM_TEST_FOREACH_SOCKET(other)
			used[other->id] = heap_used(other->id);
		if (fastmem_test_numa_exhaust(&work) != 0)
			return TEST_FAILED;
		TEST_ASSERT(work.n * SIZE <= limit &&
			work.n * SIZE >= limit - SLAB - 4 * SIZE,
			"%u objects within %zu B", work.n, limit);
		TEST_ASSERT_EQUAL(fastmem_test_backing(), limit, "%" PRIu64
			" B of backing", fastmem_test_backing());
		/* by EAL's books: nothing on the other sockets */
		FASTMEM_TEST_FOREACH_SOCKET(other)
			TEST_ASSERT(other == s ? heap_used(s->id) >=
				used[s->id] + limit - SLAB :
				heap_used(other->id) == used[other->id],
				"socket %d: from %zu B to %zu", other->id,
				used[other->id], heap_used(other->id));
		fastmem_test_free_all(objs, work.n);
		if (fastmem_test_all_back() != 0)
			return TEST_FAILED;
		TEST_ASSERT_SUCCESS(rte_fastmem_trim(s->id, NULL), "trim");
		TEST_ASSERT_EQUAL(fastmem_test_backing(), 0, "not trimmed");
	}
	return TEST_SUCCESS;
}

static int
test_reserve(void)
{
	const struct fastmem_test_numa_socket *s, *other;
	size_t before[RTE_MAX_NUMA_NODES];
	void *obj;

	FASTMEM_TEST_FOREACH_SOCKET(s) {
		if (s->bare)
			continue;
		FASTMEM_TEST_FOREACH_SOCKET(other)
			before[other->id] = heap_used(other->id);
		TEST_ASSERT_SUCCESS(rte_fastmem_reserve(2 * LIMIT, s->id),
			"cannot reserve on socket %d", s->id);
		FASTMEM_TEST_FOREACH_SOCKET(other)
			TEST_ASSERT(other == s ? heap_used(s->id) >=
				before[s->id] + 2 * LIMIT - SLAB :
				heap_used(other->id) == before[other->id],
				"socket %d: from %zu B to %zu", other->id,
				before[other->id], heap_used(other->id));
		FASTMEM_TEST_FOREACH_SOCKET(other) {
			obj = rte_fastmem_alloc_socket(SIZE, 0,
				RTE_FASTMEM_F_NO_GROW, other->id);
			TEST_ASSERT((obj != NULL) == (other == s),
				"socket %d, reserved on %d", other->id, s->id);
			if (obj != NULL && fastmem_test_lies_on(obj, SIZE,
					s->id) != 0)
				return TEST_FAILED;
			rte_fastmem_free(obj);
		}
		if (fastmem_test_all_back() != 0)
			return TEST_FAILED;
		TEST_ASSERT_SUCCESS(rte_fastmem_trim(s->id, NULL), "trim");
	}
	return TEST_SUCCESS;
}

/* What the own socket may not give comes from others, if any socket will do. */
static int
reserve_any(__rte_unused void *arg)
{
	int home = fastmem_test_home(), other;
	size_t before, before_other;

	other = fastmem_test_other_socket(home)->id;
	before = heap_used(home);
	before_other = heap_used(other);
	TEST_ASSERT_SUCCESS(rte_fastmem_set_limit(home, LIMIT), "no limit");
	TEST_ASSERT_EQUAL(rte_fastmem_reserve(2 * LIMIT, home), -ENOMEM,
		"more than the limit");
	TEST_ASSERT_SUCCESS(rte_fastmem_reserve(LIMIT / 2, SOCKET_ID_ANY),
		"cannot reserve");
	TEST_ASSERT_EQUAL(heap_used(other), before_other, "on another one");
	TEST_ASSERT_SUCCESS(rte_fastmem_reserve(LIMIT, SOCKET_ID_ANY),
		"cannot reserve on two sockets");
	TEST_ASSERT(heap_used(home) >= before + LIMIT - SLAB &&
		heap_used(home) <= before + LIMIT + SLAB &&
		heap_used(other) >= before_other + LIMIT / 2 - SLAB,
		"%zu B on socket %d, %zu on %d", heap_used(home) - before, home,
		heap_used(other) - before_other, other);
	TEST_ASSERT_SUCCESS(rte_fastmem_set_limit(home, SIZE_MAX), "no limit");
	return 0;
}

static int
test_reserve_any(void)
{
	unsigned int lcore_id;

	RTE_LCORE_FOREACH(lcore_id) {
		if (fastmem_test_on_lcore(lcore_id, reserve_any, NULL) != 0)
			TEST_ASSERT(0, "lcore %u", lcore_id);
		TEST_ASSERT_SUCCESS(rte_fastmem_trim(SOCKET_ID_ANY, NULL),
			"cannot trim");
		TEST_ASSERT_EQUAL(fastmem_test_backing(), 0, "not trimmed");
	}
	return TEST_SUCCESS;
}

/* Idle memory of all sockets is given back for the one that is named. */
static int
test_trim(void)
{
	const struct fastmem_test_numa_socket *s, *other;
	size_t before[RTE_MAX_NUMA_NODES], bytes;
	uint64_t backing;
	unsigned int n = 0;
	void *obj;

	FASTMEM_TEST_FOREACH_SOCKET(s) {
		if (s->bare)
			continue;
		TEST_ASSERT_SUCCESS(rte_fastmem_reserve(LIMIT, s->id), "reserve");
		objs[n++] = rte_fastmem_alloc_socket(SIZE, 0, 0, s->id);
	}
	while (n-- > 0)
		rte_fastmem_free(objs[n]);
	FASTMEM_TEST_FOREACH_SOCKET(s) {
		FASTMEM_TEST_FOREACH_SOCKET(other)
			before[other->id] = heap_used(other->id);
		backing = fastmem_test_backing();
		TEST_ASSERT_SUCCESS(rte_fastmem_trim(s->id, &bytes), "trim");
		TEST_ASSERT(s->bare ? bytes == 0 : bytes >= LIMIT,
			"%zu B given back", bytes);
		TEST_ASSERT_EQUAL(fastmem_test_backing(), backing - bytes,
			"backing");
		FASTMEM_TEST_FOREACH_SOCKET(other)
			TEST_ASSERT(other == s ? heap_used(s->id) <=
				before[s->id] - bytes + SLAB :
				heap_used(other->id) == before[other->id],
				"trim of socket %d: %d from %zu B to %zu",
				s->id, other->id, before[other->id],
				heap_used(other->id));
		FASTMEM_TEST_FOREACH_SOCKET(other) {
			obj = rte_fastmem_alloc_socket(SIZE, 0,
				RTE_FASTMEM_F_NO_GROW, other->id);
			TEST_ASSERT((obj != NULL) == (!other->bare && other > s),
				"socket %d after trimming %d", other->id, s->id);
			rte_fastmem_free(obj);
		}
	}
	TEST_ASSERT_EQUAL(fastmem_test_backing(), 0, "not trimmed");
	return TEST_SUCCESS;
}

struct unit_test_suite fastmem_numa_limits_testsuite = {
	.suite_name = "fastmem NUMA limits",
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_limits),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_reserve),
		TEST_CASE_ST(fastmem_test_setup_several, fastmem_test_teardown,
			test_reserve_any),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_trim),
		TEST_CASES_END()
	}
};
