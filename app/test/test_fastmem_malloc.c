/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * rte_fastmem_malloc.h: the interface of rte_malloc.h on fastmem.
 */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_memory.h>
#include <rte_memzone.h>

#include <rte_fastmem_malloc.h>

#include "test_fastmem_malloc.h"
#include "test_fastmem_util.h"

#define MAX_SIZE FASTMEM_TEST_MAX_SIZE

bool
fastmem_test_malloc_zeroes(unsigned int way)
{
	return way == WAY_ZMALLOC || way == WAY_CALLOC || way == WAY_ZSOCKET ||
		way == WAY_CSOCKET;
}

void *
fastmem_test_malloc(unsigned int way, size_t size, unsigned int align,
	int socket)
{
	switch (way) {
	case WAY_MALLOC:
		return rte_fastmem_heap_malloc("test", size, align);
	case WAY_ZMALLOC:
		return rte_fastmem_heap_zmalloc("test", size, align);
	case WAY_CALLOC:
		return rte_fastmem_heap_calloc("test", size, 1, align);
	case WAY_REALLOC:
		return rte_fastmem_heap_realloc(NULL, size, align);
	case WAY_SOCKET:
		return rte_fastmem_heap_malloc_socket("test", size, align,
			socket);
	case WAY_ZSOCKET:
		return rte_fastmem_heap_zmalloc_socket("test", size, align,
			socket);
	case WAY_CSOCKET:
		return rte_fastmem_heap_calloc_socket("test", 1, size, align,
			socket);
	default:
		return rte_fastmem_heap_realloc_socket(NULL, size, align,
			socket);
	}
}

int
fastmem_test_check_malloc(const void *ptr, size_t size, unsigned int align)
{
	bool ours = size <= MAX_SIZE && align <= MAX_SIZE;
	size_t usable = 0;

	TEST_ASSERT_NOT_NULL(ptr, "no memory of %zu B aligned to %u", size,
		align);
	TEST_ASSERT(rte_fastmem_contains(ptr) == ours,
		"%zu B aligned to %u from the wrong allocator", size, align);
	align = RTE_MAX(align, (unsigned int)RTE_CACHE_LINE_SIZE);
	TEST_ASSERT(((uintptr_t)ptr & (align - 1)) == 0,
		"%zu B aligned to %u at %p", size, align, ptr);
	TEST_ASSERT_SUCCESS(rte_fastmem_heap_validate(ptr, &usable),
		"%zu B not valid", size);
	TEST_ASSERT_SUCCESS(rte_fastmem_heap_validate(ptr, NULL),
		"%zu B not valid without its size", size);
	TEST_ASSERT(usable >= size, "%zu B are only %zu", size, usable);
	TEST_ASSERT_EQUAL(rte_fastmem_heap_usable_size(ptr), usable,
		"different sizes of %zu B", size);
	if (ours)
		TEST_ASSERT_EQUAL(usable, fastmem_test_class_of(size, align),
			"%zu B in the wrong class", size);
	TEST_ASSERT(rte_fastmem_heap_virt2iova(ptr) == rte_mem_virt2iova(ptr),
		"wrong IO address");
	return 0;
}

static int
check_alloc(unsigned int way, size_t size, unsigned int align)
{
	void *ptr = fastmem_test_malloc(way, size, align, fastmem_test_socket());

	if (fastmem_test_check_malloc(ptr, size, align) != 0)
		return -1;
	TEST_ASSERT(!fastmem_test_malloc_zeroes(way) ||
		fastmem_test_all_bytes(ptr, size, 0),
		"%zu B aligned to %u not zeroed", size, align);
	/* what is allocated next is to be dirty */
	memset(ptr, 0xa5, size);
	rte_fastmem_heap_free(ptr);
	return 0;
}

static int
test_sizes(void)
{
	static const unsigned int aligns[] = { 0, 1, 8, 32, RTE_CACHE_LINE_SIZE,
		2 * RTE_CACHE_LINE_SIZE, 4096, MAX_SIZE, 2 * MAX_SIZE };
	size_t sizes[3 * FASTMEM_TEST_N_CLASSES + 2];
	unsigned int n = 0, i, k, way;

	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
		sizes[n++] = fastmem_test_sizes[i] - 1;
		sizes[n++] = fastmem_test_sizes[i];
		sizes[n++] = fastmem_test_sizes[i] + 1;
	}
	sizes[n++] = 1;
	sizes[n++] = 3 * MAX_SIZE + 17;
	for (i = 0; i < n; i++)
		for (k = 0; k < RTE_DIM(aligns); k++)
			for (way = 0; way < N_WAYS; way++)
				TEST_ASSERT_SUCCESS(check_alloc(way, sizes[i],
					aligns[k]), "way %u", way);
	return fastmem_test_all_back();
}

/* What rte_malloc.h refuses. */
static int
test_refused(void)
{
	/* not known to the compiler, which would complain */
	volatile size_t huge[] = { SIZE_MAX, SIZE_MAX - 7, SIZE_MAX / 2,
		SIZE_MAX - RTE_CACHE_LINE_SIZE, SIZE_MAX - 128, SIZE_MAX - 191,
		SIZE_MAX - 4095, SIZE_MAX - MAX_SIZE, SIZE_MAX / 2 + 1 };
	static const unsigned int wrong[] = { 3, 17, 48, 63, 65, 4095,
		UINT32_MAX, 3 * MAX_SIZE };
	int missing = fastmem_test_missing_socket();
	int socket = fastmem_test_socket();
	volatile size_t half = SIZE_MAX / 2 + 1;
	unsigned int way, i;
	char *ptr;

	for (way = 0; way < N_WAYS; way++) {
		TEST_ASSERT_NULL(fastmem_test_malloc(way, 0, 0, socket),
			"0 B, way %u", way);
		for (i = 0; i < RTE_DIM(wrong); i++)
			TEST_ASSERT_NULL(fastmem_test_malloc(way, 100, wrong[i],
				socket), "aligned to %u, way %u", wrong[i], way);
		for (i = 0; i < RTE_DIM(huge); i++)
			TEST_ASSERT_NULL(fastmem_test_malloc(way, huge[i], 0,
				socket), "%zu B, way %u", huge[i], way);
		if (way < WAY_SOCKET)
			continue;
		ptr = fastmem_test_malloc(way, 100, 0, SOCKET_ID_ANY);
		if (fastmem_test_check_malloc(ptr, 100, 0) != 0)
			return -1;
		rte_fastmem_heap_free(ptr);
		/* without hugepages, all sockets are one to the heap */
		if (!rte_eal_has_hugepages())
			continue;
		TEST_ASSERT_NULL(fastmem_test_malloc(way, 100, 0, -2), "socket -2");
		TEST_ASSERT(missing < 0 ||
			fastmem_test_malloc(way, 100, 0, missing) == NULL,
			"socket %d", missing);
	}
	/* products that are small, modulo the size of the address space */
	TEST_ASSERT_NULL(rte_fastmem_heap_calloc(NULL, half, 2, 0), "overflow");
	TEST_ASSERT_NULL(rte_fastmem_heap_calloc(NULL, 2, half, 0), "overflow");
	TEST_ASSERT_NULL(rte_fastmem_heap_calloc(NULL, half + 32, 2, 0),
		"overflow to 64");
	TEST_ASSERT_NULL(rte_fastmem_heap_calloc_socket(NULL, half + 32, 2, 0,
		socket), "overflow to 64");
	TEST_ASSERT_NULL(rte_fastmem_heap_calloc(NULL, 0, 8, 0), "none");
	TEST_ASSERT_NULL(rte_fastmem_heap_calloc(NULL, 8, 0, 0), "of nothing");

	ptr = rte_fastmem_heap_malloc(NULL, 100, 0);
	TEST_ASSERT_NOT_NULL(ptr, "no memory");
	fastmem_test_fill(ptr, 100, 1);
	TEST_ASSERT_NULL(rte_fastmem_heap_realloc(ptr, 50, 3), "realloc");
	for (i = 0; i < RTE_DIM(huge); i++)
		TEST_ASSERT_NULL(rte_fastmem_heap_realloc(ptr, huge[i], 0),
			"realloc to %zu B", huge[i]);
	TEST_ASSERT(!rte_eal_has_hugepages() ||
		rte_fastmem_heap_realloc_socket(ptr, 100, 0, -2) == NULL,
		"realloc to socket -2");
	TEST_ASSERT_SUCCESS(fastmem_test_check(ptr, 100, 1), "content lost");
	TEST_ASSERT_EQUAL(fastmem_test_in_use(128), 1, "freed");
	rte_fastmem_heap_free(ptr);
	rte_fastmem_heap_free(NULL);
	rte_fastmem_heap_free_sensitive(NULL);
	return fastmem_test_all_back();
}

static int
test_sockets(void)
{
	unsigned int way, i;
	int socket;
	void *ptr;

	for (i = 0; i < rte_socket_count(); i++) {
		socket = rte_socket_id_by_idx(i);
		for (way = WAY_SOCKET; way < N_WAYS; way++) {
			ptr = fastmem_test_malloc(way, 100, 0, socket);
			if (ptr == NULL && socket != fastmem_test_socket())
				continue; /* it may have no memory */
			if (fastmem_test_check_malloc(ptr, 100, 0) != 0)
				return -1;
			TEST_ASSERT_EQUAL(rte_fastmem_socket_id(ptr), socket,
				"on the wrong socket");
			TEST_ASSERT(rte_fastmem_heap_realloc_socket(ptr, 90, 0,
				socket) == ptr, "moved on its socket");
			rte_fastmem_heap_free(ptr);
		}
	}
	return fastmem_test_all_back();
}

/* All pairs of sizes, within fastmem, within the heap and from one to the
 * other; content is kept.
 */
static int
test_realloc_pairs(void)
{
	static const size_t sizes[] = { 1, 64, 65, 1000, 4096, 5000, 100000,
		MAX_SIZE - 1, MAX_SIZE, MAX_SIZE + 1, 2 * MAX_SIZE + 1000 };
	size_t both;
	unsigned int i, k;
	void *ptr, *to;

	for (i = 0; i < RTE_DIM(sizes); i++)
		for (k = 0; k < RTE_DIM(sizes); k++) {
			ptr = rte_fastmem_heap_malloc(NULL, sizes[i], 0);
			TEST_ASSERT_NOT_NULL(ptr, "no memory");
			memset(ptr, 1 + (int)i, sizes[i]);
			to = rte_fastmem_heap_realloc(ptr, sizes[k], 0);
			TEST_ASSERT_NOT_NULL(to, "no memory");
			both = RTE_MIN(sizes[i], sizes[k]);
			TEST_ASSERT(fastmem_test_all_bytes(to, both, 1 + i),
				"%zu B became %zu, content lost", sizes[i],
				sizes[k]);
			TEST_ASSERT(rte_fastmem_heap_usable_size(to) >= sizes[k],
				"%zu B became too few", sizes[i]);
			/* the heap's stays the heap's */
			TEST_ASSERT(rte_fastmem_contains(to) ==
				(sizes[i] <= MAX_SIZE && sizes[k] <= MAX_SIZE),
				"%zu B became %zu", sizes[i], sizes[k]);
			if (sizes[i] <= MAX_SIZE && sizes[k] <= sizes[i] &&
					sizes[k] > sizes[i] / 2)
				TEST_ASSERT(to == ptr, "moved in its class");
			memset(to, 0xa5, sizes[k]);
			TEST_ASSERT_NULL(rte_fastmem_heap_realloc(to, 0, 0),
				"not freed");
		}
	return fastmem_test_all_back();
}

/* What stays where it is, and what does not. */
static int
test_realloc_place(void)
{
	char *ptr = rte_fastmem_heap_malloc(NULL, 4096, 0), *to;
	unsigned int align;

	TEST_ASSERT_NOT_NULL(ptr, "no memory");
	TEST_ASSERT(rte_fastmem_heap_realloc(ptr, 1, 0) != ptr,
		"a page for a byte");
	ptr = rte_fastmem_heap_malloc(NULL, 4000, 0);
	TEST_ASSERT_NOT_NULL(ptr, "no memory");
	TEST_ASSERT(rte_fastmem_heap_realloc(ptr, 4096, 0) == ptr, "room");
	TEST_ASSERT(rte_fastmem_heap_realloc(ptr, 1025, 0) == ptr, "shrunk");
	TEST_ASSERT(rte_fastmem_heap_realloc(ptr, 4096, 0) == ptr, "grown");
	TEST_ASSERT(rte_fastmem_heap_realloc(ptr, 4096, 8) == ptr, "aligned");

	/* an alignment that it happens not to have */
	for (align = 128; ((uintptr_t)ptr & (align - 1)) == 0; align *= 2)
		;
	memset(ptr, 0x77, 2000);
	if (align <= MAX_SIZE) {
		to = rte_fastmem_heap_realloc(ptr, 2000, align);
		TEST_ASSERT(to != NULL && to != ptr &&
			((uintptr_t)to & (align - 1)) == 0, "not aligned");
		TEST_ASSERT(fastmem_test_all_bytes(to, 2000, 0x77), "lost");
		ptr = to;
	}
	/* one that no class has */
	to = rte_fastmem_heap_realloc(ptr, 2000, 2 * MAX_SIZE);
	if (((uintptr_t)ptr & (2 * MAX_SIZE - 1)) != 0)
		TEST_ASSERT(to != NULL && !rte_fastmem_contains(to),
			"aligned too well");
	TEST_ASSERT(fastmem_test_all_bytes(to, 2000, 0x77), "lost");
	rte_fastmem_heap_free(to);
	TEST_ASSERT_EQUAL(fastmem_test_in_use(4096), 0, "left");
	TEST_ASSERT_EQUAL(fastmem_test_in_use(64), 1, "lost");
	return TEST_SUCCESS;
}

/* Any random series of sizes. */
static int
test_realloc_random(void)
{
	uint64_t state = 4711, seed = 1;
	size_t size = 100, next;
	unsigned int i, align;
	char *ptr, *to;

	ptr = rte_fastmem_heap_malloc(NULL, size, 0);
	TEST_ASSERT_NOT_NULL(ptr, "no memory");
	memset(ptr, (uint8_t)seed, size);
	for (i = 0; i < 3000; i++) {
		next = 1 + (fastmem_test_rand(&state) >> 20) %
			((size_t)1 << (3 + (fastmem_test_rand(&state) >> 20) %
			19));
		align = 1U << (fastmem_test_rand(&state) >> 20) % 13;
		to = rte_fastmem_heap_realloc(ptr, next, align);
		TEST_ASSERT(to != NULL && ((uintptr_t)to & (align - 1)) == 0,
			"%zu B not reallocated to %zu", size, next);
		TEST_ASSERT(fastmem_test_all_bytes(to, RTE_MIN(size, next),
			(uint8_t)seed), "%zu B reallocated to %zu, content lost",
			size, next);
		ptr = to;
		size = next;
		memset(ptr, (uint8_t)++seed, size);
		if (rte_fastmem_contains(ptr) || i % 8 != 0)
			continue;
		/* back from the heap, where it would stay otherwise */
		rte_fastmem_heap_free(ptr);
		ptr = rte_fastmem_heap_zmalloc(NULL, size, 0);
		TEST_ASSERT(ptr != NULL &&
			fastmem_test_all_bytes(ptr, size, 0), "not zeroed");
		memset(ptr, (uint8_t)seed, size);
	}
	rte_fastmem_heap_free(ptr);
	return fastmem_test_all_back();
}

static int
test_validate(void)
{
	char *ptr = rte_fastmem_heap_malloc(NULL, 1024, 0);
	unsigned int i;
	size_t size = 7;
	char *text;

	TEST_ASSERT_NOT_NULL(ptr, "no memory");
	TEST_ASSERT_EQUAL(rte_fastmem_heap_validate(NULL, NULL), -1, "NULL");
	TEST_ASSERT_EQUAL(rte_fastmem_heap_validate(NULL, &size), -1, "NULL");
	TEST_ASSERT_EQUAL(rte_fastmem_heap_usable_size(NULL), 0, "NULL");
	for (i = 1; i < 1024; i++) {
		TEST_ASSERT_EQUAL(rte_fastmem_heap_validate(ptr + i, &size), -1,
			"%u B from its start", i);
		TEST_ASSERT_EQUAL(rte_fastmem_heap_usable_size(ptr + i), 0,
			"%u B from its start", i);
		TEST_ASSERT(rte_fastmem_heap_virt2iova(ptr + i) ==
			rte_fastmem_heap_virt2iova(ptr) + i ||
			rte_mem_virt2iova(ptr) == RTE_BAD_IOVA, "IO address");
	}
	TEST_ASSERT_EQUAL(size, 7, "a size of what is not valid");
	TEST_ASSERT(rte_fastmem_heap_virt2iova(NULL) == RTE_BAD_IOVA, "NULL");

	TEST_ASSERT_SUCCESS(fastmem_test_log_start(), "cannot catch the log");
	rte_fastmem_heap_free(ptr + 8);
	TEST_ASSERT_NULL(rte_fastmem_heap_realloc(ptr + 64, 100, 0),
		"the middle was reallocated");
	text = fastmem_test_log_stop();
	TEST_ASSERT(text != NULL && fastmem_test_log_lines(text,
		"is not an object") == 1, "nothing was said of a wrong free");
	free(text);
	TEST_ASSERT_EQUAL(fastmem_test_in_use(1024), 1, "wrongly freed");
	rte_fastmem_heap_free(ptr);
	return fastmem_test_all_back();
}

/* An object that is freed like this is found empty when it is handed out. */
static int
test_free_sensitive(void)
{
	unsigned int i;
	char *ptr;

	for (i = fastmem_test_class_index(RTE_CACHE_LINE_SIZE);
			i < FASTMEM_TEST_N_CLASSES; i++) {
		ptr = rte_fastmem_heap_malloc(NULL, fastmem_test_sizes[i], 0);
		TEST_ASSERT_NOT_NULL(ptr, "no memory");
		memset(ptr, 0xff, fastmem_test_sizes[i]);
		rte_fastmem_heap_free_sensitive(ptr);
		TEST_ASSERT(rte_fastmem_heap_malloc(NULL, fastmem_test_sizes[i],
			0) == ptr, "another object");
		TEST_ASSERT(fastmem_test_all_bytes(ptr, fastmem_test_sizes[i],
			0), "not zeroed");
		rte_fastmem_heap_free(ptr);
	}
	return fastmem_test_all_back();
}

static struct unit_test_suite fastmem_malloc_testsuite = {
	.suite_name = "fastmem malloc",
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_sizes),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_refused),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_sockets),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_realloc_pairs),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_realloc_place),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_realloc_random),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_validate),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_free_sensitive),
		TEST_CASES_END()
	}
};

static int
test_fastmem_malloc(void)
{
	struct unit_test_suite *suites[] = {
		&fastmem_malloc_testsuite,
		&fastmem_malloc_heap_testsuite,
		&fastmem_malloc_macro_testsuite,
	};

	return fastmem_test_run_all(suites, RTE_DIM(suites));
}

REGISTER_FAST_TEST(fastmem_malloc_autotest, NOHUGE_OK, ASAN_OK, test_fastmem_malloc);
