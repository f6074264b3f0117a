/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Part of fastmem_autotest: states of the library, bad arguments and queries.
 */

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_memory.h>

#include "test_fastmem_util.h"

#define SENTINEL ((void *)(uintptr_t)0x5a5a5a50)

/* Expect NULL and an errno. */
#define ASSERT_NULL_ERRNO(call, error) do { \
	rte_errno = 0; \
	TEST_ASSERT_NULL(call, "%s succeeded", #call); \
	TEST_ASSERT_EQUAL(rte_errno, error, "%s: errno %d", #call, rte_errno); \
} while (0)

#define ASSERT_RETURN(call, expected) do { \
	int ret_ = (call); \
	TEST_ASSERT_EQUAL(ret_, expected, "%s returned %d", #call, ret_); \
} while (0)

/* With a handle of a former life, or 0. */
static int
check_down_handle(rte_fastmem_handle_t handle)
{
	void *ptrs[2] = { SENTINEL, SENTINEL };
	char *text;

	ASSERT_NULL_ERRNO(rte_fastmem_halloc(handle, 0), ENODEV);
	ASSERT_RETURN(rte_fastmem_halloc_bulk(handle, ptrs, 2, 0), -ENODEV);
	TEST_ASSERT(ptrs[0] == SENTINEL && ptrs[1] == SENTINEL,
		"ptrs were written to");
	TEST_ASSERT_SUCCESS(fastmem_test_log_start(), "cannot catch the log");
	rte_fastmem_hfree(handle, fastmem_test_opaque(ptrs));
	rte_fastmem_hfree_bulk(handle, ptrs, 2);
	text = fastmem_test_log_stop();
	free(text);
	TEST_ASSERT(ptrs[0] == SENTINEL && ptrs[1] == SENTINEL,
		"foreign memory was written to");
	return 0;
}

static int
check_down_alloc(void)
{
	void *ptrs[4] = { SENTINEL, SENTINEL, SENTINEL, SENTINEL };
	rte_fastmem_handle_t handle = 0xabcd;
	int socket_id = fastmem_test_socket();
	uint64_t local = 1;
	unsigned int i;

	ASSERT_NULL_ERRNO(rte_fastmem_alloc(64, 0, 0), ENODEV);
	ASSERT_NULL_ERRNO(rte_fastmem_alloc_socket(64, 0, 0, socket_id), ENODEV);
	ASSERT_NULL_ERRNO(rte_fastmem_realloc(NULL, 64, 0), ENODEV);
	ASSERT_NULL_ERRNO(rte_fastmem_realloc(fastmem_test_opaque(&local), 64,
		0), ENODEV);
	ASSERT_RETURN(rte_fastmem_alloc_bulk(ptrs, 4, 64, 0, 0), -ENODEV);
	ASSERT_RETURN(rte_fastmem_alloc_bulk_socket(ptrs, 4, 64, 0, 0,
		socket_id), -ENODEV);
	ASSERT_RETURN(rte_fastmem_hlookup(64, 0, socket_id, &handle), -ENODEV);
	TEST_ASSERT_EQUAL(handle, 0xabcd, "handle was written to");
	for (i = 0; i < 4; i++)
		TEST_ASSERT_EQUAL(ptrs[i], SENTINEL, "ptrs were written to");
	return 0;
}

static int
check_down_control(void)
{
	struct rte_fastmem_lcore_class_stats lcs;
	struct rte_fastmem_class_stats cs;
	struct rte_fastmem_lcore_stats ls;
	struct rte_fastmem_stats stats;
	int socket_id = fastmem_test_socket();
	size_t bytes = 1;
	uint64_t local;

	ASSERT_RETURN(rte_fastmem_reserve(1, socket_id), -ENODEV);
	ASSERT_RETURN(rte_fastmem_reserve(1, SOCKET_ID_ANY), -ENODEV);
	ASSERT_RETURN(rte_fastmem_set_limit(socket_id, 1), -ENODEV);
	ASSERT_RETURN(rte_fastmem_set_cache_limit(0), -ENODEV);
	ASSERT_RETURN(rte_fastmem_set_cache_limit(SIZE_MAX), -ENODEV);
	rte_errno = 0;
	TEST_ASSERT_EQUAL(rte_fastmem_get_limit(socket_id), 0, "has a limit");
	TEST_ASSERT_EQUAL(rte_errno, ENODEV, "errno %d", rte_errno);
	ASSERT_RETURN(rte_fastmem_trim(socket_id, &bytes), -ENODEV);
	rte_errno = 0;
	TEST_ASSERT_EQUAL(rte_fastmem_usable_size(&local), 0, "has a size");
	TEST_ASSERT_EQUAL(rte_errno, ENODEV, "errno %d", rte_errno);
	ASSERT_RETURN(rte_fastmem_socket_id(&local), -ENODEV);
	TEST_ASSERT_EQUAL(rte_fastmem_virt2iova(&local), RTE_BAD_IOVA,
		"has an IO address");
	ASSERT_RETURN(rte_fastmem_stats(&stats), -ENODEV);
	ASSERT_RETURN(rte_fastmem_stats_class(64, &cs), -ENODEV);
	ASSERT_RETURN(rte_fastmem_stats_lcore(0, &ls), -ENODEV);
	ASSERT_RETURN(rte_fastmem_stats_lcore_class(0, 64, &lcs), -ENODEV);
	ASSERT_RETURN(rte_fastmem_stats_shared(&ls), -ENODEV);
	ASSERT_RETURN(rte_fastmem_stats_shared_class(64, &lcs), -ENODEV);
	ASSERT_RETURN(rte_fastmem_audit(), -ENODEV);
	return 0;
}

/* All that must be possible, and do nothing, while not initialized. */
static int
check_down_ignored(void)
{
	uint64_t local = 0x1234;
	void *ptrs[2] = { &local, NULL };
	char *text;
	FILE *f;
	size_t len;

	TEST_ASSERT_SUCCESS(fastmem_test_log_start(), "cannot catch the log");
	rte_fastmem_free(fastmem_test_opaque(&local));
	rte_fastmem_free(NULL);
	rte_fastmem_free_sized(fastmem_test_opaque(&local), 8, 0);
	rte_fastmem_free_bulk(ptrs, 2);
	rte_fastmem_cache_flush();
	rte_fastmem_stats_reset();
	rte_fastmem_deinit();
	text = fastmem_test_log_stop();
	free(text);
	TEST_ASSERT_EQUAL(local, 0x1234, "foreign memory was written to");

	f = open_memstream(&text, &len);
	TEST_ASSERT_NOT_NULL(f, "no memory for a stream");
	rte_fastmem_dump(f);
	fclose(f);
	free(text);
	return 0;
}

static int
test_before_init(void)
{
	TEST_ASSERT_EQUAL(fastmem_test_count_zones(), 0, "has memzones");
	if (check_down_handle(0) != 0 || check_down_alloc() != 0 ||
			check_down_control() != 0 || check_down_ignored() != 0)
		return TEST_FAILED;
	TEST_ASSERT_EQUAL(fastmem_test_count_zones(), 0, "has memzones");
	return TEST_SUCCESS;
}

static int
test_after_deinit(void)
{
	rte_fastmem_handle_t handle;
	void *obj;

	ASSERT_RETURN(rte_fastmem_hlookup(64, 0, SOCKET_ID_ANY, &handle), 0);
	/* caches and depots with objects, and objects in use, must not matter */
	obj = rte_fastmem_alloc(64, 0, 0);
	TEST_ASSERT_NOT_NULL(obj, "cannot allocate");
	rte_fastmem_free(rte_fastmem_alloc(64, 0, 0));
	rte_fastmem_deinit();
	TEST_ASSERT_EQUAL(fastmem_test_count_zones(), 0, "has memzones");

	if (check_down_handle(handle) != 0 || check_down_alloc() != 0 ||
			check_down_control() != 0 || check_down_ignored() != 0)
		return TEST_FAILED;

	/* the lcores' caches must not serve what they had before */
	TEST_ASSERT_SUCCESS(rte_fastmem_init(), "cannot initialize again");
	TEST_ASSERT_EQUAL(fastmem_test_in_use(64), 0, "object survived");
	obj = rte_fastmem_alloc(64, 0, 0);
	TEST_ASSERT_NOT_NULL(obj, "cannot allocate");
	fastmem_test_fill(obj, 64, 1);
	TEST_ASSERT_EQUAL(rte_fastmem_usable_size(obj), 64,
		"object of a former life");
	rte_fastmem_free(obj);
	return fastmem_test_all_back();
}

static int
test_init_twice(void)
{
	void *obj = rte_fastmem_alloc(100, 0, 0);

	TEST_ASSERT_NOT_NULL(obj, "cannot allocate");
	fastmem_test_fill(obj, 100, 7);
	ASSERT_RETURN(rte_fastmem_init(), -EBUSY);
	TEST_ASSERT_SUCCESS(fastmem_test_check(obj, 100, 7), "content lost");
	TEST_ASSERT_EQUAL(fastmem_test_in_use(128), 1, "object lost");
	rte_fastmem_free(obj);
	return TEST_SUCCESS;
}

/* Bad arguments of one of the functions that allocate by size. */
static int
check_bad_alloc(size_t size, size_t align, unsigned int flags, int socket_id,
	int error)
{
	void *ptrs[3] = { SENTINEL, SENTINEL, SENTINEL };

	ASSERT_NULL_ERRNO(rte_fastmem_alloc_socket(size, align, flags,
		socket_id), error);
	ASSERT_RETURN(rte_fastmem_alloc_bulk_socket(ptrs, 3, size, align, flags,
		socket_id), -error);
	if (socket_id == SOCKET_ID_ANY) {
		ASSERT_NULL_ERRNO(rte_fastmem_alloc(size, align, flags), error);
		ASSERT_RETURN(rte_fastmem_alloc_bulk(ptrs, 3, size, align,
			flags), -error);
	}
	TEST_ASSERT(ptrs[0] == SENTINEL && ptrs[1] == SENTINEL &&
		ptrs[2] == SENTINEL, "ptrs were written to");
	return 0;
}

static int
check_bad_lookup(size_t size, size_t align, int socket_id, int error)
{
	rte_fastmem_handle_t handle = 0xabcd;

	ASSERT_RETURN(rte_fastmem_hlookup(size, align, socket_id, &handle),
		-error);
	TEST_ASSERT_EQUAL(handle, 0xabcd, "handle was written to");
	return 0;
}

static int
test_bad_size_align(void)
{
	static const struct {
		size_t size, align;
		int error;
	} bad[] = {
		{ FASTMEM_TEST_MAX_SIZE + 1, 0, E2BIG },
		{ FASTMEM_TEST_MAX_SIZE + 1, 8, E2BIG },
		{ FASTMEM_TEST_MAX_SIZE * 2, 64, E2BIG },
		{ SIZE_MAX, 0, E2BIG },
		{ SIZE_MAX - 7, 8, E2BIG },
		{ SIZE_MAX / 2 + 1, 1, E2BIG },
		{ 1, FASTMEM_TEST_MAX_SIZE * 2, E2BIG },
		{ 0, SIZE_MAX / 2 + 1, E2BIG },
		{ 64, 3, EINVAL },
		{ 64, 48, EINVAL },
		{ 0, 65, EINVAL },
		{ FASTMEM_TEST_MAX_SIZE, 6, EINVAL },
	};
	void *obj = rte_fastmem_alloc(64, 64, 0);
	unsigned int i;

	TEST_ASSERT_NOT_NULL(obj, "cannot allocate");
	fastmem_test_fill(obj, 64, 3);
	for (i = 0; i < RTE_DIM(bad); i++) {
		if (check_bad_alloc(bad[i].size, bad[i].align, 0, SOCKET_ID_ANY,
				bad[i].error) != 0 ||
				check_bad_lookup(bad[i].size, bad[i].align,
				SOCKET_ID_ANY, bad[i].error) != 0)
			TEST_ASSERT(0, "size %zu align %zu", bad[i].size,
				bad[i].align);
		ASSERT_NULL_ERRNO(rte_fastmem_realloc(NULL, bad[i].size,
			bad[i].align), bad[i].error);
		/* freed by size 0, whatever the alignment */
		if (bad[i].size == 0)
			continue;
		ASSERT_NULL_ERRNO(rte_fastmem_realloc(obj, bad[i].size,
			bad[i].align), bad[i].error);
		TEST_ASSERT_SUCCESS(fastmem_test_check(obj, 64, 3),
			"failed realloc changed the object");
		TEST_ASSERT_EQUAL(fastmem_test_in_use(64), 1,
			"failed realloc freed the object");
	}
	rte_fastmem_free(obj);
	return fastmem_test_all_back();
}

static int
test_bad_flags(void)
{
	static const unsigned int bad[] = {
		RTE_BIT32(2), RTE_BIT32(31), UINT_MAX,
		RTE_FASTMEM_F_ZERO | RTE_BIT32(2),
	};
	void *ptrs[2] = { SENTINEL, SENTINEL };
	rte_fastmem_handle_t handle;
	unsigned int i;

	ASSERT_RETURN(rte_fastmem_hlookup(64, 0, SOCKET_ID_ANY, &handle), 0);
	for (i = 0; i < RTE_DIM(bad); i++) {
		if (check_bad_alloc(64, 0, bad[i], SOCKET_ID_ANY, EINVAL) != 0)
			return TEST_FAILED;
		ASSERT_NULL_ERRNO(rte_fastmem_halloc(handle, bad[i]), EINVAL);
		ASSERT_RETURN(rte_fastmem_halloc_bulk(handle, ptrs, 2, bad[i]),
			-EINVAL);
		TEST_ASSERT(ptrs[0] == SENTINEL && ptrs[1] == SENTINEL,
			"ptrs were written to");
	}
	return fastmem_test_all_back();
}

static int
test_bad_socket(void)
{
	int bad[] = {
		fastmem_test_missing_socket(), -2, INT_MIN, INT_MAX,
		RTE_MAX_NUMA_NODES, 1 << 16, 1 << 20,
	};
	size_t bytes = 77;
	unsigned int i;

	for (i = 0; i < RTE_DIM(bad); i++) {
		if (bad[i] == SOCKET_ID_ANY)
			continue;
		if (check_bad_alloc(64, 0, 0, bad[i], EINVAL) != 0 ||
				check_bad_lookup(64, 0, bad[i], EINVAL) != 0)
			TEST_ASSERT(0, "socket %d", bad[i]);
		ASSERT_RETURN(rte_fastmem_reserve(1, bad[i]), -EINVAL);
		ASSERT_RETURN(rte_fastmem_set_limit(bad[i], 1), -EINVAL);
		rte_errno = 0;
		TEST_ASSERT_EQUAL(rte_fastmem_get_limit(bad[i]), 0,
			"socket %d has a limit", bad[i]);
		TEST_ASSERT_EQUAL(rte_errno, EINVAL, "errno %d", rte_errno);
		ASSERT_RETURN(rte_fastmem_trim(bad[i], &bytes), -EINVAL);
	}
	/* limits are of one socket each */
	ASSERT_RETURN(rte_fastmem_set_limit(SOCKET_ID_ANY, 1), -EINVAL);
	TEST_ASSERT_EQUAL(rte_fastmem_get_limit(SOCKET_ID_ANY), 0,
		"any socket has a limit");
	return fastmem_test_all_back();
}

static int
test_bad_handle(void)
{
	void *ptrs[2] = { SENTINEL, SENTINEL };

	ASSERT_RETURN(rte_fastmem_hlookup(64, 0, SOCKET_ID_ANY, NULL), -EINVAL);
	ASSERT_NULL_ERRNO(rte_fastmem_halloc(0, 0), EINVAL);
	ASSERT_RETURN(rte_fastmem_halloc_bulk(0, ptrs, 2, 0), -EINVAL);
	TEST_ASSERT(ptrs[0] == SENTINEL && ptrs[1] == SENTINEL,
		"ptrs were written to");
	return fastmem_test_all_back();
}

/* More objects than memory, or than a number of bytes, can count. */
static int
test_bulk_overflow(void)
{
	static const size_t sizes[] = { 8, 64, 4096, FASTMEM_TEST_MAX_SIZE };
	static const unsigned int counts[] = {
		UINT_MAX, UINT_MAX - 1, 1u << 31, (1u << 31) + 1,
	};
	size_t len = FASTMEM_TEST_SLAB_SIZE * sizeof(void *) / 4;
	rte_fastmem_handle_t handle;
	unsigned int i, j;
	void **ptrs;
	void *obj;

	/* the search for so much memory must end soon */
	if (fastmem_test_limit(8 << 20) != 0)
		return TEST_FAILED;
	ptrs = malloc(len);
	TEST_ASSERT_NOT_NULL(ptrs, "no memory");
	memset(ptrs, 0x5a, len);
	for (i = 0; i < RTE_DIM(sizes); i++) {
		ASSERT_RETURN(rte_fastmem_hlookup(sizes[i], 8, SOCKET_ID_ANY,
			&handle), 0);
		for (j = 0; j < RTE_DIM(counts); j++) {
			ASSERT_RETURN(rte_fastmem_alloc_bulk(ptrs, counts[j],
				sizes[i], 8, 0), -ENOMEM);
			ASSERT_RETURN(rte_fastmem_alloc_bulk_socket(ptrs,
				counts[j], sizes[i], 8, RTE_FASTMEM_F_ZERO,
				fastmem_test_socket()), -ENOMEM);
			ASSERT_RETURN(rte_fastmem_halloc_bulk(handle, ptrs,
				counts[j], 0), -ENOMEM);
			TEST_ASSERT(fastmem_test_all_bytes(ptrs, len, 0x5a),
				"ptrs were written to, size %zu count %u",
				sizes[i], counts[j]);
			TEST_ASSERT_EQUAL(fastmem_test_in_use(sizes[i]), 0,
				"objects lost");
		}
		obj = rte_fastmem_alloc(sizes[i], 8, 0);
		TEST_ASSERT_NOT_NULL(obj, "no memory after a failed bulk");
		rte_fastmem_free(obj);
		if (fastmem_test_all_back() != 0)
			return TEST_FAILED;
	}
	free(ptrs);
	return TEST_SUCCESS;
}

static int
test_bulk_of_none(void)
{
	void *ptrs[1] = { SENTINEL };
	rte_fastmem_handle_t handle;

	ASSERT_RETURN(rte_fastmem_alloc_bulk(ptrs, 0, 64, 0, 0), 0);
	ASSERT_RETURN(rte_fastmem_alloc_bulk_socket(ptrs, 0, 64, 0,
		RTE_FASTMEM_F_ZERO, fastmem_test_socket()), 0);
	ASSERT_RETURN(rte_fastmem_hlookup(64, 0, SOCKET_ID_ANY, &handle), 0);
	ASSERT_RETURN(rte_fastmem_halloc_bulk(handle, ptrs, 0, 0), 0);
	rte_fastmem_free_bulk(ptrs, 0);
	rte_fastmem_hfree_bulk(handle, ptrs, 0);
	TEST_ASSERT_EQUAL(ptrs[0], SENTINEL, "ptrs were written to");
	TEST_ASSERT_EQUAL(fastmem_test_in_use(64), 0, "objects appeared");
	return fastmem_test_all_back();
}

static int
test_classes(void)
{
	size_t sizes[FASTMEM_TEST_N_CLASSES + 1];
	struct rte_fastmem_class_stats cs;
	struct rte_fastmem_stats stats;
	unsigned int i;

	sizes[FASTMEM_TEST_N_CLASSES] = 12345;
	TEST_ASSERT_EQUAL(rte_fastmem_classes(NULL), FASTMEM_TEST_N_CLASSES,
		"number of classes");
	TEST_ASSERT_EQUAL(rte_fastmem_classes(sizes), FASTMEM_TEST_N_CLASSES,
		"number of classes");
	TEST_ASSERT_EQUAL(sizes[FASTMEM_TEST_N_CLASSES], 12345,
		"one class too many");
	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++)
		TEST_ASSERT_EQUAL(sizes[i], ((size_t)8 << i), "class %u is %zu",
			i, sizes[i]);
	TEST_ASSERT_EQUAL(rte_fastmem_max_size(), sizes[i - 1], "largest size");

	/* the two above need no initialization, what follows does */
	TEST_ASSERT_SUCCESS(fastmem_test_setup(), "setup failed");
	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&stats), "no statistics");
	TEST_ASSERT_EQUAL(stats.n_classes, FASTMEM_TEST_N_CLASSES,
		"number of classes in statistics");
	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
		ASSERT_RETURN(rte_fastmem_stats_class(sizes[i], &cs), 0);
		TEST_ASSERT_EQUAL(cs.class_size, sizes[i], "wrong class");
		ASSERT_RETURN(rte_fastmem_stats_class(sizes[i] - 1, &cs),
			-EINVAL);
		ASSERT_RETURN(rte_fastmem_stats_class(sizes[i] + 1, &cs),
			-EINVAL);
	}
	return TEST_SUCCESS;
}

static int
test_dump(void)
{
	void *objs[3];
	char *text;
	size_t len;
	FILE *f;

	ASSERT_RETURN(rte_fastmem_alloc_bulk(objs, 3, 16384, 0, 0), 0);
	f = open_memstream(&text, &len);
	TEST_ASSERT_NOT_NULL(f, "no memory for a stream");
	rte_fastmem_dump(f);
	fclose(f);
	/* whatever its form, it has to name the class in use */
	TEST_ASSERT(len > 0 && strstr(text, "16384") != NULL &&
		strstr(text, "16384a") == NULL,
		"class in use is missing in: %s", text);
	free(text);
	rte_fastmem_free_bulk(objs, 3);

	/* and to tell aligned objects from others */
	ASSERT_RETURN(rte_fastmem_alloc_bulk(objs, 3, 16384, 16384, 0), 0);
	f = open_memstream(&text, &len);
	TEST_ASSERT_NOT_NULL(f, "no memory for a stream");
	rte_fastmem_dump(f);
	fclose(f);
	TEST_ASSERT(strstr(text, "16384a") != NULL,
		"aligned objects are missing in: %s", text);
	free(text);
	rte_fastmem_free_bulk(objs, 3);
	return fastmem_test_all_back();
}

static int
check_iova(const void *obj, size_t size)
{
	rte_iova_t iova = rte_fastmem_virt2iova(obj), eal;
	size_t offset;

	for (offset = 0; offset < size;
			offset += RTE_MAX(size / 64, (size_t)1)) {
		const char *ptr = (const char *)obj + offset;

		eal = rte_mem_virt2iova(ptr);
		TEST_ASSERT_EQUAL(rte_fastmem_virt2iova(ptr), eal,
			"object of %zu B at offset %zu: %#" PRIx64
			" instead of %#" PRIx64, size, offset,
			rte_fastmem_virt2iova(ptr), eal);
		if (iova != RTE_BAD_IOVA)
			TEST_ASSERT_EQUAL(eal, iova + offset,
				"object of %zu B is not contiguous", size);
	}
	return 0;
}

static int
test_virt2iova(void)
{
	void *objs[FASTMEM_TEST_N_CLASSES][3];
	unsigned int i, j;
	size_t size;

	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
		size = fastmem_test_sizes[i];
		ASSERT_RETURN(rte_fastmem_alloc_bulk(objs[i], 3, size, size, 0),
			0);
		for (j = 0; j < 3; j++) {
			/* EAL asks the kernel, which knows touched pages only */
			memset(objs[i][j], 1, size);
			if (check_iova(objs[i][j], size) != 0)
				return TEST_FAILED;
		}
		rte_fastmem_free_bulk(objs[i], 3);
	}
	TEST_ASSERT_EQUAL(rte_fastmem_virt2iova(NULL), RTE_BAD_IOVA,
		"NULL has an IO address");
	TEST_ASSERT_EQUAL(rte_fastmem_virt2iova(&size), RTE_BAD_IOVA,
		"the stack has an IO address");
	return fastmem_test_all_back();
}

struct unit_test_suite fastmem_api_testsuite = {
	.suite_name = "fastmem API",
	.unit_test_cases = {
		TEST_CASE(test_before_init),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_after_deinit),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_init_twice),
		TEST_CASE_ST(NULL, fastmem_test_teardown, test_classes),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_bad_size_align),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_bad_flags),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_bad_socket),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_bad_handle),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_bulk_overflow),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_bulk_of_none),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_dump),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_virt2iova),
		TEST_CASES_END()
	}
};
