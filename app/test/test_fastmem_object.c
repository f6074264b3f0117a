/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Part of fastmem_autotest: what objects are like and what becomes of them.
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

/* Objects of sizes around a class's, with each alignment. */
static int
test_size_and_align(void)
{
	size_t sizes[3], size, align, bytes;
	unsigned int i, j, n;

	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
		sizes[0] = fastmem_test_sizes[i] - 1;
		sizes[1] = fastmem_test_sizes[i];
		sizes[2] = RTE_MIN(fastmem_test_sizes[i] + 1,
			FASTMEM_TEST_MAX_SIZE);
		n = 0;
		bytes = 0;
		for (j = 0; j < 3 * 22; j++) {
			size = sizes[j % 3];
			/* 0, then 1 to the maximum */
			align = j < 3 ? 0 : (size_t)1 << (j / 3 - 1);
			many[n] = rte_fastmem_alloc(size, align, 0);
			TEST_ASSERT_NOT_NULL(many[n], "size %zu align %zu",
				size, align);
			if (fastmem_test_check_object(many[n], size, align) != 0)
				return TEST_FAILED;
			memset(many[n], j, size);
			bytes += fastmem_test_class_of(size, align);
			n++;
			if (bytes < BUDGET)
				continue;
			rte_fastmem_free_bulk(many, n);
			n = 0;
			bytes = 0;
		}
		rte_fastmem_free_bulk(many, n);
		rte_fastmem_cache_flush();
	}

	/* no size is the smallest size */
	many[0] = rte_fastmem_alloc(0, 0, 0);
	many[1] = rte_fastmem_alloc(0, 1, 0);
	many[2] = rte_fastmem_alloc(0, 512, 0);
	TEST_ASSERT(many[0] != NULL && many[1] != NULL && many[2] != NULL,
		"cannot allocate size 0");
	if (fastmem_test_check_object(many[0], 1, 0) != 0 ||
			fastmem_test_check_object(many[1], 1, 1) != 0 ||
			fastmem_test_check_object(many[2], 1, 512) != 0)
		return TEST_FAILED;
	rte_fastmem_free_bulk(many, 3);
	return fastmem_test_all_back();
}

/*
 * More objects of each class than a slab holds: all different, none
 * overlapping, each keeping its content while all others are written.
 */
static int
check_disjoint(size_t size, size_t align)
{
	size_t n = FASTMEM_TEST_SLAB_SIZE / size + 3, i;
	void **objs = calloc(n, sizeof(*objs));

	TEST_ASSERT_NOT_NULL(objs, "no memory");
	for (i = 0; i < n; i++) {
		objs[i] = rte_fastmem_alloc(size, align, 0);
		TEST_ASSERT_NOT_NULL(objs[i], "object %zu of %zu B", i, size);
		fastmem_test_fill(objs[i], size, size);
	}
	fastmem_test_sort(objs, n);
	for (i = 0; i < n; i++) {
		TEST_ASSERT(i == 0 || (uintptr_t)objs[i] -
			(uintptr_t)objs[i - 1] >= size,
			"objects of %zu B overlap at %p", size, objs[i]);
		TEST_ASSERT(((uintptr_t)objs[i] & (align - 1)) == 0,
			"object of %zu B at %p", size, objs[i]);
		TEST_ASSERT_SUCCESS(fastmem_test_check(objs[i], size, size),
			"object %zu of %zu B was overwritten", i, size);
	}
	TEST_ASSERT_EQUAL(fastmem_test_in_use(size), n, "wrong number in use");
	fastmem_test_free_all(objs, n);
	free(objs);
	return fastmem_test_all_back();
}

static int
test_disjoint(void)
{
	unsigned int i;

	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++)
		if (check_disjoint(fastmem_test_sizes[i], 8) != 0 ||
				check_disjoint(fastmem_test_sizes[i],
				fastmem_test_sizes[i]) != 0)
			return TEST_FAILED;
	return TEST_SUCCESS;
}

/* Objects of all classes live at once, so that slabs lie side by side. */
static int
test_classes_disjoint(void)
{
	unsigned int i, j, n = 0;
	size_t size;

	for (j = 0; j < 4; j++) {
		for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
			size = fastmem_test_sizes[i];
			if (size * 4 > BUDGET / 4)
				continue;
			many[n] = rte_fastmem_alloc(size, 8, 0);
			TEST_ASSERT_NOT_NULL(many[n], "cannot allocate");
			fastmem_test_fill(many[n], size, j);
			n++;
		}
	}
	fastmem_test_sort(many, n);
	for (i = 0; i + 1 < n; i++) {
		size = rte_fastmem_usable_size(many[i]);
		TEST_ASSERT((uintptr_t)many[i + 1] - (uintptr_t)many[i] >= size,
			"objects overlap");
	}
	rte_fastmem_free_bulk(many, n);
	return fastmem_test_all_back();
}

static int
test_sockets(void)
{
	rte_fastmem_handle_t handle;
	unsigned int i, served = 0;
	void *objs[4];
	int socket_id;

	for (i = 0; i < rte_socket_count(); i++) {
		socket_id = rte_socket_id_by_idx(i);
		objs[0] = rte_fastmem_alloc_socket(100, 0, 0, socket_id);
		if (objs[0] == NULL) {
			TEST_ASSERT_EQUAL(rte_errno, ENOMEM, "errno %d",
				rte_errno);
			printf("socket %d has no memory\n", socket_id);
			continue;
		}
		served++;
		TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(100, 0, socket_id,
			&handle), "no handle");
		objs[1] = rte_fastmem_halloc(handle, 0);
		TEST_ASSERT_NOT_NULL(objs[1], "cannot allocate");
		TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk_socket(&objs[2], 2,
			100, 0, 0, socket_id), "cannot allocate");
		TEST_ASSERT(rte_fastmem_socket_id(objs[0]) == socket_id &&
			rte_fastmem_socket_id(objs[1]) == socket_id &&
			rte_fastmem_socket_id(objs[2]) == socket_id &&
			rte_fastmem_socket_id((char *)objs[3] + 99) == socket_id,
			"object on another socket");
		rte_fastmem_free_bulk(objs, 4);
	}
	TEST_ASSERT(served > 0, "no socket has memory");
	objs[0] = rte_fastmem_alloc(100, 0, 0);
	objs[1] = rte_fastmem_alloc_socket(100, 0, 0, SOCKET_ID_ANY);
	TEST_ASSERT(objs[0] != NULL && objs[1] != NULL, "cannot allocate");
	TEST_ASSERT_EQUAL(rte_fastmem_socket_id(objs[0]), fastmem_test_socket(),
		"not the own socket");
	TEST_ASSERT_EQUAL(rte_fastmem_socket_id(objs[1]), fastmem_test_socket(),
		"not the own socket");
	rte_fastmem_free_bulk(objs, 2);
	return fastmem_test_all_back();
}

/*
 * Nothing is ever written into a free object, be it in a cache, a depot or a
 * slab, so the content is still there when it is served again.
 */
static int
test_content_kept(void)
{
	unsigned int i, j, n;
	size_t size;

	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
		size = fastmem_test_sizes[i];
		n = many_of(size);
		TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(many, n, size, 8, 0),
			"cannot allocate");
		for (j = 0; j < n; j++)
			fastmem_test_fill(many[j], size, i);
		/* one stays, so that its slab does too */
		for (j = 1; j < n; j++)
			rte_fastmem_free(many[j]);
		for (j = 0; j < n; j++)
			TEST_ASSERT_SUCCESS(fastmem_test_check(many[j], size,
				i), "freed object was written to");
		rte_fastmem_cache_flush();
		for (j = 0; j < n; j++)
			TEST_ASSERT_SUCCESS(fastmem_test_check(many[j], size,
				i), "flushed object was written to");
		TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(&many[1], n - 1,
			size, 8, 0), "cannot allocate");
		for (j = 1; j < n; j++)
			TEST_ASSERT(rte_fastmem_usable_size(many[j]) == size &&
				many[j] != many[0], "object served twice");
		rte_fastmem_free_bulk(many, n);
		rte_fastmem_cache_flush();
	}
	return fastmem_test_all_back();
}

/* A freed object's memory is used again rather than fresh memory. */
static int
test_reuse(void)
{
	uint64_t backing;
	unsigned int i, n;

	n = many_of(2048);
	for (i = 0; i < 20; i++) {
		TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(many, n, 2048, 0, 0),
			"cannot allocate");
		if (i == 0)
			backing = fastmem_test_backing();
		TEST_ASSERT_EQUAL(fastmem_test_backing(), backing,
			"memory grew in round %u", i);
		fastmem_test_free_all(many, n);
		if (i % 3 == 0)
			rte_fastmem_cache_flush();
	}
	return fastmem_test_all_back();
}

struct unit_test_suite fastmem_object_testsuite = {
	.suite_name = "fastmem objects",
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_size_and_align),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_disjoint),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_classes_disjoint),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_sockets),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_content_kept),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_reuse),
		TEST_CASES_END()
	}
};
