/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Part of fastmem_autotest: all ways to allocate, free and reallocate.
 */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_memory.h>

#include "test_fastmem_util.h"

/* More than an lcore can cache of the smallest class. */
#define N_MANY 3000
/* So many bytes may be live at a time, since EAL may have little. */
#define BUDGET ((size_t)6 << 20)

static void *many[N_MANY];

static size_t
many_of(size_t class_size)
{
	return RTE_MIN(BUDGET / class_size, (size_t)N_MANY);
}

/* Each way to allocate, and each to free. */
enum way { WAY_ONE, WAY_SOCKET, WAY_HANDLE, WAY_BULK, WAY_BULK_SOCKET,
	WAY_BULK_HANDLE, N_WAYS_ALLOC };
enum { FREE_ONE, FREE_SIZED, FREE_CONSTANT, FREE_HANDLE, FREE_BULK,
	FREE_BULK_HANDLE, N_WAYS_FREE };

static int
alloc_way(unsigned int way, void **objs, unsigned int n, size_t size,
	rte_fastmem_handle_t handle, unsigned int flags)
{
	int socket_id = fastmem_test_socket();
	unsigned int i;

	switch (way) {
	case WAY_BULK:
		return rte_fastmem_alloc_bulk(objs, n, size, 8, flags);
	case WAY_BULK_SOCKET:
		return rte_fastmem_alloc_bulk_socket(objs, n, size, 8, flags,
			socket_id);
	case WAY_BULK_HANDLE:
		return rte_fastmem_halloc_bulk(handle, objs, n, flags);
	}
	for (i = 0; i < n; i++) {
		if (way == WAY_ONE)
			objs[i] = rte_fastmem_alloc(size, 8, flags);
		else if (way == WAY_SOCKET)
			objs[i] = rte_fastmem_alloc_socket(size, 8, flags,
				socket_id);
		else
			objs[i] = rte_fastmem_halloc(handle, flags);
		if (objs[i] == NULL)
			return -rte_errno;
	}
	return 0;
}

static void
free_way(unsigned int way, void **objs, unsigned int n, size_t size,
	rte_fastmem_handle_t handle)
{
	unsigned int i;

	if (way == FREE_BULK) {
		rte_fastmem_free_bulk(objs, n);
		return;
	}
	if (way == FREE_BULK_HANDLE) {
		rte_fastmem_hfree_bulk(handle, objs, n);
		return;
	}
	/* the last one first: a stack's order, as in the bulk functions */
	for (i = n; i-- > 0; ) {
		if (way == FREE_ONE)
			rte_fastmem_free(objs[i]);
		else if (way == FREE_SIZED)
			rte_fastmem_free_sized(objs[i], size, 8);
		else if (way == FREE_CONSTANT)
			fastmem_test_free_constant(objs[i], size);
		else
			rte_fastmem_hfree(handle, objs[i]);
	}
}

/* All allocations and frees work on the same objects. */
static int
check_ways(size_t size, unsigned int alloc, unsigned int free_by)
{
	unsigned int n = RTE_MIN(many_of(size), (size_t)100), i;
	rte_fastmem_handle_t handle;

	TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(size, 8, fastmem_test_socket(),
		&handle), "no handle");
	TEST_ASSERT_SUCCESS(alloc_way(alloc, many, n, size, handle, 0),
		"way %u cannot allocate %u of %zu B", alloc, n, size);
	for (i = 0; i < n; i++) {
		if (fastmem_test_check_object(many[i], size, 8) != 0)
			return -1;
		fastmem_test_fill(many[i], size, alloc);
	}
	TEST_ASSERT_EQUAL(fastmem_test_in_use(size), n, "wrong number in use");
	for (i = 0; i < n; i++)
		TEST_ASSERT_SUCCESS(fastmem_test_check(many[i], size, alloc),
			"objects overlap");
	free_way(free_by, many, n, size, handle);
	TEST_ASSERT_EQUAL(fastmem_test_in_use(size), 0, "objects left");
	return 0;
}

static int
test_ways(void)
{
	unsigned int i, alloc, free_by;

	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
		for (alloc = 0; alloc < N_WAYS_ALLOC; alloc++)
			for (free_by = 0; free_by < N_WAYS_FREE; free_by++)
				TEST_ASSERT_SUCCESS(check_ways(
					fastmem_test_sizes[i], alloc, free_by),
					"allocated by way %u, freed by %u",
					alloc, free_by);
		rte_fastmem_cache_flush();
	}
	return fastmem_test_all_back();
}

/* The argument is only known to compilers that inline at all. */
static inline int
check_belief(size_t size)
{
	if (rte_lcore_id() == LCORE_ID_ANY || !__rte_constant(size)) {
		printf("no lcore or no optimization, skipped\n");
		return TEST_SKIPPED;
	}
	TEST_ASSERT(fastmem_test_believes_constants() ==
		(rte_socket_count() == 1), "constants are%s believed",
		rte_socket_count() == 1 ? " not" : "");
	return fastmem_test_all_back();
}

/* A constant of the right class is believed, where compilers can. */
static int
test_belief(void)
{
	return check_belief(4096);
}

/*
 * Constants that the inline function must not believe, or take for another
 * class. Without a lookup, the first ones would be in the wrong cache, and the
 * others written to memory that is none of the library's.
 */
static int
test_constants(void)
{
	static uint64_t foreign[4];
	void *room, *obj, *large, *other;
	unsigned int lines;
	char *text;

	/* the cache that is the wrong one has room */
	room = rte_fastmem_alloc(4096, 8, 0);
	obj = rte_fastmem_alloc(4096, 4096, 0);
	TEST_ASSERT(room != NULL && obj != NULL, "cannot allocate");
	rte_fastmem_free_sized(obj, 4096, 4096);
	if (rte_lcore_id() != LCORE_ID_ANY)
		TEST_ASSERT_EQUAL(rte_fastmem_alloc(4096, 4096, 0), obj,
			"not an aligned object any more");
	else
		obj = rte_fastmem_alloc(4096, 4096, 0);
	rte_fastmem_free_sized(obj, 1, 4096);
	rte_fastmem_free_sized(room, 4096, 8);

	/* not the sizes of classes */
	obj = rte_fastmem_alloc(100, 0, 0);
	large = rte_fastmem_alloc(RTE_BIT32(20) - 1, 8, 0);
	other = rte_fastmem_alloc(3, 0, 0);
	TEST_ASSERT(obj != NULL && large != NULL && other != NULL, "no memory");
	rte_fastmem_free_sized(obj, 100, 0);
	rte_fastmem_free_sized(large, RTE_BIT32(20) - 1, 8);
	rte_fastmem_free_sized(other, 3, 0);
	TEST_ASSERT(fastmem_test_in_use(128) == 0 &&
		fastmem_test_in_use(RTE_BIT32(20)) == 0 &&
		fastmem_test_in_use(64) == 0, "objects left");

	/* of no class */
	TEST_ASSERT_SUCCESS(fastmem_test_log_start(), "cannot catch the log");
	rte_fastmem_free_sized(fastmem_test_opaque(foreign), 0, 8);
	rte_fastmem_free_sized(fastmem_test_opaque(foreign), RTE_BIT32(20) + 1,
		8);
	rte_fastmem_free_sized(fastmem_test_opaque(foreign), RTE_BIT32(21), 8);
	rte_fastmem_free_sized(fastmem_test_opaque(foreign), SIZE_MAX, 0);
	rte_fastmem_free_sized(fastmem_test_opaque(foreign), 8, 4096);
	text = fastmem_test_log_stop();
	lines = fastmem_test_log_lines(text, "");
	free(text);
	TEST_ASSERT_EQUAL(lines, 5, "%u of 5 lines logged", lines);
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	return fastmem_test_all_back();
}

/* Dirty objects and have them again, zeroed, from the cache or the slab. */
static int
check_zero(size_t size, unsigned int way, bool flush)
{
	unsigned int n = RTE_MIN(many_of(size), (size_t)40), i;
	bool by_handle = way == WAY_HANDLE || way == WAY_BULK_HANDLE;
	/* through a handle the whole object is cleared */
	size_t ask = by_handle ? size : size - size / 4;
	rte_fastmem_handle_t handle;

	TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(size, 8, fastmem_test_socket(),
		&handle), "no handle");
	TEST_ASSERT_SUCCESS(alloc_way(way, many, n, size, handle, 0),
		"cannot allocate");
	for (i = 0; i < n; i++)
		memset(many[i], 0xa5, size);
	rte_fastmem_free_bulk(many, n);
	if (flush)
		rte_fastmem_cache_flush();
	TEST_ASSERT_SUCCESS(alloc_way(way, many, n, ask, handle,
		RTE_FASTMEM_F_ZERO), "cannot allocate");
	for (i = 0; i < n; i++)
		TEST_ASSERT(fastmem_test_all_bytes(many[i], ask, 0),
			"way %u: %zu B of class %zu not zeroed", way, ask, size);
	rte_fastmem_free_bulk(many, n);
	return 0;
}

static int
test_zero(void)
{
	unsigned int i, way;

	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
		for (way = 0; way < N_WAYS_ALLOC; way++)
			if (check_zero(fastmem_test_sizes[i], way, false) != 0 ||
					check_zero(fastmem_test_sizes[i], way,
					true) != 0)
				return TEST_FAILED;
		rte_fastmem_cache_flush();
	}
	return fastmem_test_all_back();
}

/*
 * The object freed last is the next one served, whatever the cache holds: try
 * while the cache empties, and again while it fills.
 */
static int
check_lifo(size_t size, unsigned int alloc, unsigned int free_by)
{
	unsigned int n = RTE_MIN(many_of(size), (size_t)N_MANY), i;
	rte_fastmem_handle_t handle;
	void *again;

	TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(size, 8, SOCKET_ID_ANY,
		&handle), "no handle");
	for (i = 0; i < n; i++) {
		TEST_ASSERT_SUCCESS(alloc_way(alloc, &many[i], 1, size, handle,
			0), "cannot allocate");
		free_way(free_by, &many[i], 1, size, handle);
		TEST_ASSERT_SUCCESS(alloc_way(alloc, &again, 1, size, handle,
			0), "cannot allocate");
		TEST_ASSERT_EQUAL(again, many[i],
			"%zu B, %u live: %p freed, %p served", size, i,
			many[i], again);
	}
	for (i = n; i-- > 0; ) {
		free_way(free_by, &many[i], 1, size, handle);
		TEST_ASSERT_SUCCESS(alloc_way(alloc, &again, 1, size, handle,
			0), "cannot allocate");
		TEST_ASSERT_EQUAL(again, many[i],
			"%zu B, %u live: %p freed, %p served", size, i,
			many[i], again);
		rte_fastmem_free(again);
	}
	return 0;
}

static int
test_lifo(void)
{
	unsigned int i, way;
	size_t size;

	if (rte_lcore_id() == LCORE_ID_ANY) {
		printf("no lcore, skipped\n");
		return TEST_SKIPPED;
	}
	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
		size = fastmem_test_sizes[i];
		for (way = 0; way < N_WAYS_ALLOC; way++)
			if (check_lifo(size, way, way % N_WAYS_FREE) != 0)
				TEST_ASSERT(0, "way %u", way);
		rte_fastmem_cache_flush();
	}
	return fastmem_test_all_back();
}

/* Two classes in turn, each in its own order. */
static int
test_lifo_classes(void)
{
	void *a[4], *b[4];
	unsigned int i;

	TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(a, 4, 64, 0, 0), "64");
	TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(b, 4, 200, 0, 0), "256");
	for (i = 0; i < 4; i++) {
		rte_fastmem_free(a[i]);
		rte_fastmem_free(b[i]);
	}
	for (i = 4; i-- > 0; ) {
		TEST_ASSERT_EQUAL(rte_fastmem_alloc(200, 0, 0), b[i],
			"order of 256 B");
		TEST_ASSERT_EQUAL(rte_fastmem_alloc(33, 0, 0), a[i],
			"order of 64 B");
	}
	rte_fastmem_free_bulk(a, 4);
	rte_fastmem_free_bulk(b, 4);
	return fastmem_test_all_back();
}

static int
check_realloc(size_t from, size_t to, size_t align)
{
	size_t old_class = fastmem_test_class_of(from, 8);
	size_t new_class = fastmem_test_class_of(to, align);
	size_t keep = RTE_MIN(old_class, new_class), i;
	struct rte_fastmem_stats before, after;
	uint8_t *obj, *moved;

	/* an object that is not aligned that much cannot stay */
	obj = rte_fastmem_alloc(from, old_class == new_class ? align : 8, 0);
	TEST_ASSERT_NOT_NULL(obj, "cannot allocate");
	for (i = 0; i < old_class; i++)
		obj[i] = i * 7 + (i >> 8);
	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&before), "no statistics");
	moved = rte_fastmem_realloc(obj, to, align);
	TEST_ASSERT_NOT_NULL(moved, "cannot reallocate");
	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&after), "no statistics");
	TEST_ASSERT((moved == obj) == (old_class == new_class),
		"from %zu to %zu, %zu aligned: %smoved", from, to, align,
		moved == obj ? "not " : "");
	if (fastmem_test_check_object(moved, to, align) != 0)
		return -1;
	for (i = 0; i < keep; i++)
		TEST_ASSERT_EQUAL(moved[i], (uint8_t)(i * 7 + (i >> 8)),
			"from %zu to %zu: byte %zu lost", from, to, i);
	TEST_ASSERT_EQUAL(after.bytes_in_use - before.bytes_in_use,
		(uint64_t)new_class - old_class, "old object kept");
	rte_fastmem_free(moved);
	return 0;
}

static int
test_realloc(void)
{
	unsigned int i, j;
	size_t size;
	void *obj;

	/* each class to each other, and both ends of the own class */
	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
		size = fastmem_test_sizes[i];
		for (j = 0; j < FASTMEM_TEST_N_CLASSES; j++)
			if (check_realloc(size, fastmem_test_sizes[j], 8) != 0)
				return TEST_FAILED;
		if (check_realloc(size, size / 2 + 1, 8) != 0 ||
				check_realloc(size / 2 + 1, size, 1) != 0)
			return TEST_FAILED;
		rte_fastmem_cache_flush();
	}
	/* the alignment alone asks for another class; the default too */
	if (check_realloc(64, 64, 4096) != 0 ||
			check_realloc(8, 8, 0) != 0 ||
			check_realloc(4096, 1, 4096) != 0 ||
			check_realloc(4096, 1, 0) != 0)
		return TEST_FAILED;

	obj = rte_fastmem_realloc(NULL, 300, 0);
	TEST_ASSERT_NOT_NULL(obj, "realloc of NULL");
	if (fastmem_test_check_object(obj, 300, 0) != 0)
		return TEST_FAILED;
	TEST_ASSERT_NULL(rte_fastmem_realloc(obj, 0, 0), "realloc to 0");
	TEST_ASSERT_EQUAL(fastmem_test_in_use(512), 0, "realloc to 0: not freed");
	/* NULL comes first: an object of the smallest size */
	obj = rte_fastmem_realloc(NULL, 0, 8);
	TEST_ASSERT_NOT_NULL(obj, "realloc of NULL to 0");
	if (fastmem_test_check_object(obj, 1, 8) != 0)
		return TEST_FAILED;
	rte_fastmem_free(obj);
	return fastmem_test_all_back();
}

/* Bulks from one object to more than any cache or magazine holds. */
static int
test_bulk_sizes(void)
{
	static const size_t sizes[] = { 8, 64, 2048, 65536,
		FASTMEM_TEST_MAX_SIZE };
	static const unsigned int counts[] = { 1, 2, 3, 7, 8, 31, 32, 33, 63,
		64, 65, 127, 128, 129, 255, 256, 257, 511, 512, 513, 1023,
		1025, N_MANY };
	unsigned int i, j, k, n;
	rte_fastmem_handle_t handle;

	for (i = 0; i < RTE_DIM(sizes); i++) {
		TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(sizes[i], 8,
			SOCKET_ID_ANY, &handle), "no handle");
		for (j = 0; j < RTE_DIM(counts) * 4; j++) {
			n = counts[j / 4];
			if (n > many_of(sizes[i]))
				break;
			memset(many, 0, sizeof(many));
			TEST_ASSERT_SUCCESS(alloc_way(j % 2 ? WAY_BULK :
				WAY_BULK_HANDLE, many, n, sizes[i], handle, 0),
				"bulk of %u objects of %zu B", n, sizes[i]);
			TEST_ASSERT(n == N_MANY || many[n] == NULL,
				"bulk of %u wrote more", n);
			for (k = 0; k < n; k++)
				TEST_ASSERT_NOT_NULL(many[k], "object missing");
			TEST_ASSERT_EQUAL(fastmem_test_in_use(sizes[i]), n,
				"wrong number in use");
			for (k = 0; k < n; k++)
				fastmem_test_fill(many[k], sizes[i], k);
			for (k = 0; k < n; k++)
				TEST_ASSERT_SUCCESS(fastmem_test_check(many[k],
					sizes[i], k), "objects overlap");
			free_way(j & 2 ? FREE_BULK : FREE_BULK_HANDLE, many, n,
				sizes[i], handle);
			TEST_ASSERT_EQUAL(fastmem_test_in_use(sizes[i]), 0,
				"objects left");
		}
		if (fastmem_test_all_back() != 0)
			return TEST_FAILED;
	}
	return TEST_SUCCESS;
}

/* One call frees objects of all classes, with NULLs between. */
static int
test_free_bulk_mixed(void)
{
	void *objs[FASTMEM_TEST_N_CLASSES * 5];
	void *copy[RTE_DIM(objs)];
	unsigned int i, round;
	size_t size;

	for (round = 0; round < 50; round++) {
		for (i = 0; i < RTE_DIM(objs); i++) {
			/* in each round another order, with runs of a class */
			size = fastmem_test_sizes[(i / (round % 4 + 1) * 7 +
				round) % FASTMEM_TEST_N_CLASSES];
			objs[i] = NULL;
			if ((i + round) % 5 == 0 || size > BUDGET / 16)
				continue;
			objs[i] = rte_fastmem_alloc(size, 8, 0);
			TEST_ASSERT_NOT_NULL(objs[i], "cannot allocate");
		}
		memcpy(copy, objs, sizeof(copy));
		rte_fastmem_free_bulk(objs, RTE_DIM(objs));
		TEST_ASSERT(memcmp(copy, objs, sizeof(copy)) == 0,
			"ptrs were written to");
		for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++)
			TEST_ASSERT_EQUAL(fastmem_test_in_use(
				fastmem_test_sizes[i]), 0, "objects left");
	}
	return fastmem_test_all_back();
}

static int
test_handles(void)
{
	rte_fastmem_handle_t handles[FASTMEM_TEST_N_CLASSES], other;
	unsigned int i, j, s;
	int socket_id;
	size_t size;

	for (s = 0; s < rte_socket_count(); s++) {
		socket_id = rte_socket_id_by_idx(s);
		for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
			size = fastmem_test_sizes[i];
			TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(size, 8,
				socket_id, &handles[i]), "no handle");
			TEST_ASSERT_NOT_EQUAL(handles[i], 0, "handle is 0");
			for (j = 0; j < i; j++)
				TEST_ASSERT_NOT_EQUAL(handles[i], handles[j],
					"classes share a handle");
			TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(size / 2 + 1, 1,
				socket_id, &other), "no handle");
			TEST_ASSERT_EQUAL(other, handles[i],
				"class has two handles");
			TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(1, size,
				socket_id, &other), "no handle");
			if (size <= RTE_CACHE_LINE_SIZE)
				TEST_ASSERT_EQUAL(other, handles[i],
					"alignment ignored");
			for (j = 0; j < i; j++)
				TEST_ASSERT_NOT_EQUAL(other, handles[j],
					"alignment ignored");
		}
		TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(0, 0, socket_id, &other),
			"no handle");
		TEST_ASSERT_EQUAL(other, handles[fastmem_test_class_index(
			RTE_CACHE_LINE_SIZE)], "default alignment");
	}
	TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(64, 8, SOCKET_ID_ANY, &other),
		"no handle for the own socket");
	TEST_ASSERT_NOT_EQUAL(other, 0, "handle is 0");
	return fastmem_test_all_back();
}

struct unit_test_suite fastmem_calls_testsuite = {
	.suite_name = "fastmem calls",
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_ways),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_constants),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_belief),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_zero),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_lifo),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_lifo_classes),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_realloc),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_bulk_sizes),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_free_bulk_mixed),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_handles),
		TEST_CASES_END()
	}
};
