/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Part of fastmem_malloc_autotest: whose memory is whose, and what the heap
 * does where fastmem cannot.
 */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_memory.h>
#include <rte_memzone.h>

#include <rte_fastmem_malloc.h>

#include "test_fastmem_malloc.h"
#include "test_fastmem_util.h"

#define MAX_SIZE FASTMEM_TEST_MAX_SIZE

/* The memory of external heaps stays theirs. */
static int
check_external(int heap, char *mem, size_t len)
{
	int socket = fastmem_test_socket();
	char *ptr, *moved;
	unsigned int way;

	for (way = WAY_SOCKET; way < N_WAYS; way++) {
		ptr = fastmem_test_malloc(way, 1000, 0, heap);
		TEST_ASSERT(ptr >= mem && ptr < mem + len,
			"not of the heap, way %u", way);
		TEST_ASSERT(!rte_fastmem_contains(ptr), "taken for fastmem's");
		TEST_ASSERT(!fastmem_test_malloc_zeroes(way) ||
			fastmem_test_all_bytes(ptr, 1000, 0), "not zeroed");
		memset(ptr, 0x5a, 1000);
		moved = rte_fastmem_heap_realloc_socket(ptr, 3000, 0, heap);
		TEST_ASSERT(moved >= mem && moved < mem + len, "left the heap");
		TEST_ASSERT(fastmem_test_all_bytes(moved, 1000, 0x5a), "lost");
		ptr = rte_fastmem_heap_realloc_socket(moved, 2000, 0, socket);
		TEST_ASSERT(ptr != NULL && (ptr < mem || ptr >= mem + len),
			"on the wrong socket");
		TEST_ASSERT(fastmem_test_all_bytes(ptr, 1000, 0x5a), "lost");
		rte_fastmem_heap_free(ptr);

		ptr = fastmem_test_malloc(way, 1000, 0, socket);
		TEST_ASSERT(ptr != NULL && rte_fastmem_contains(ptr),
			"not fastmem's");
		memset(ptr, 0xa5, 1000);
		moved = rte_fastmem_heap_realloc_socket(ptr, 800, 0, heap);
		TEST_ASSERT(moved >= mem && moved < mem + len,
			"not moved to the heap");
		TEST_ASSERT(fastmem_test_all_bytes(moved, 800, 0xa5), "lost");
		rte_fastmem_heap_free(moved);
	}
	/* larger than the heap */
	TEST_ASSERT_NULL(rte_fastmem_heap_malloc_socket(NULL, len, 0, heap),
		"memory that is not there");
	return 0;
}

static int
test_external(void)
{
	size_t page = sysconf(_SC_PAGESIZE), len = RTE_ALIGN(1 << 16, page);
	char *mem = aligned_alloc(page, len);
	int ret;

	TEST_ASSERT_NOT_NULL(mem, "no memory");
	TEST_ASSERT_SUCCESS(rte_malloc_heap_create("fastmem_test"), "no heap");
	TEST_ASSERT_SUCCESS(rte_malloc_heap_memory_add("fastmem_test", mem, len,
		NULL, 0, page), "no memory added");
	ret = check_external(rte_malloc_heap_get_socket("fastmem_test"), mem,
		len);
	TEST_ASSERT_SUCCESS(rte_malloc_heap_memory_remove("fastmem_test", mem,
		len), "memory of the heap left in use");
	TEST_ASSERT_SUCCESS(rte_malloc_heap_destroy("fastmem_test"), "heap");
	free(mem);
	return ret == 0 ? fastmem_test_all_back() : ret;
}

/* Map memory out of EAL's range whose addresses have the directory's entry of an
 * object's slab, but for the bits that the directory does not look at.
 */
static char *
map_alias(const void *obj, size_t len)
{
	uintptr_t range = (RTE_PER_LCORE(_rte_fastmem_lcore).dir_mask + 1) *
		FASTMEM_TEST_SLAB_SIZE;
	uintptr_t at = RTE_ALIGN_FLOOR((uintptr_t)obj, FASTMEM_TEST_SLAB_SIZE);
	unsigned int i;
	void *mem;

	for (i = 0; i < 64; i++) {
		at += range;
		mem = mmap((void *)at, len, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (mem == (void *)at)
			return mem;
		if (mem != MAP_FAILED)
			munmap(mem, len);
	}
	return NULL;
}

/* Nor is such memory taken for fastmem's, wherever it is. */
static int
test_external_alias(void)
{
	size_t page = sysconf(_SC_PAGESIZE), len = RTE_ALIGN(1 << 16, page);
	void *obj = rte_fastmem_heap_malloc(NULL, RTE_CACHE_LINE_SIZE, 0);
	char *mem = map_alias(obj, len), *ptr;
	int heap;

	TEST_ASSERT_NOT_NULL(obj, "no memory");
	if (mem == NULL) {
		printf("No such address is free, skipped\n");
		rte_fastmem_heap_free(obj);
		return TEST_SKIPPED;
	}
	TEST_ASSERT_SUCCESS(rte_malloc_heap_create("fastmem_test"), "no heap");
	TEST_ASSERT_SUCCESS(rte_malloc_heap_memory_add("fastmem_test", mem, len,
		NULL, 0, page), "no memory added");
	heap = rte_malloc_heap_get_socket("fastmem_test");
	ptr = rte_fastmem_heap_malloc_socket(NULL, 1000, 0, heap);
	TEST_ASSERT(ptr >= mem && ptr < mem + len, "not of the heap");
	TEST_ASSERT(!rte_fastmem_contains(ptr), "taken for fastmem's");
	TEST_ASSERT_SUCCESS(rte_fastmem_heap_validate(ptr, NULL), "not valid");
	/* the cache used last is that of the other object, and has room */
	rte_fastmem_heap_free(ptr);
	TEST_ASSERT_EQUAL(fastmem_test_in_use(RTE_CACHE_LINE_SIZE), 1,
		"freed in fastmem");
	rte_fastmem_heap_free(obj);
	TEST_ASSERT_SUCCESS(rte_malloc_heap_memory_remove("fastmem_test", mem,
		len), "memory of the heap left in use");
	TEST_ASSERT_SUCCESS(rte_malloc_heap_destroy("fastmem_test"), "heap");
	munmap(mem, len);
	return fastmem_test_all_back();
}

/* Memory from all sources goes back to where it is from. */
static int
test_mixed_frees(void)
{
	void *ptrs[600], *swap;
	uint64_t state = 12345;
	unsigned int i, k;

	for (i = 0; i < RTE_DIM(ptrs); i++) {
		switch (i % 4) {
		case 0:
			ptrs[i] = rte_malloc(NULL, 1 + i, 0);
			break;
		case 1:
			ptrs[i] = rte_fastmem_alloc(1 + i, 8, 0);
			break;
		case 2:
			ptrs[i] = rte_fastmem_heap_malloc(NULL, 1 + i, 0);
			break;
		default:
			ptrs[i] = rte_zmalloc_socket(NULL, 1 + i, 0,
				fastmem_test_socket());
		}
		TEST_ASSERT_NOT_NULL(ptrs[i], "no memory");
		TEST_ASSERT(rte_fastmem_contains(ptrs[i]) ==
			(i % 4 == 1 || i % 4 == 2), "whose is it?");
		memset(ptrs[i], (int)i, 1 + i);
	}
	for (i = RTE_DIM(ptrs) - 1; i > 0; i--) {
		k = (fastmem_test_rand(&state) >> 20) % (i + 1);
		swap = ptrs[i];
		ptrs[i] = ptrs[k];
		ptrs[k] = swap;
	}
	for (i = 0; i < RTE_DIM(ptrs); i++)
		if (i % 5 == 0)
			rte_fastmem_heap_free_sensitive(ptrs[i]);
		else if (i % 5 == 1)
			rte_fastmem_heap_realloc(ptrs[i], 0, 0);
		else
			rte_fastmem_heap_free(ptrs[i]);
	return fastmem_test_all_back();
}

static int
contains_in_thread(void *arg)
{
	return rte_fastmem_contains(arg) ? 0 : -1;
}

static int
test_contains(void)
{
	char *ptr = rte_fastmem_alloc(100, 0, 0), *heap, *large;
	char local;

	TEST_ASSERT_NOT_NULL(ptr, "no memory");
	heap = rte_malloc(NULL, 100, 0);
	large = rte_malloc(NULL, 2 * MAX_SIZE, 0);
	TEST_ASSERT(heap != NULL && large != NULL, "no memory");
	TEST_ASSERT(rte_fastmem_contains(ptr), "object");
	TEST_ASSERT(rte_fastmem_contains(ptr + 99), "end of an object");
	TEST_ASSERT_SUCCESS(fastmem_test_in_thread(contains_in_thread, ptr),
		"object, in a thread without caches");
	TEST_ASSERT(!rte_fastmem_contains(NULL), "NULL");
	TEST_ASSERT(!rte_fastmem_contains(&local), "stack");
	TEST_ASSERT(!rte_fastmem_contains(fastmem_test_sizes), "data");
	TEST_ASSERT(!rte_fastmem_contains((void *)UINTPTR_MAX), "end");
	TEST_ASSERT(!rte_fastmem_contains(heap), "heap");
	TEST_ASSERT(!rte_fastmem_contains(large), "large");
	rte_free(heap);
	rte_free(large);
	rte_fastmem_free(ptr);
	TEST_ASSERT_SUCCESS(fastmem_test_all_back(), "objects left");
	/* its slab serves no size any more */
	TEST_ASSERT(!rte_fastmem_contains(ptr), "stock");
	rte_fastmem_deinit();
	TEST_ASSERT(!rte_fastmem_contains(ptr), "no library");
	return TEST_SUCCESS;
}

/* What the heap reallocates by itself. */
static int
test_heap_realloc(void)
{
	/* not known to the compiler, which would complain */
	volatile size_t huge[] = { SIZE_MAX, SIZE_MAX - 100, SIZE_MAX - 128,
		SIZE_MAX - 4095, SIZE_MAX / 2 };
	char *ptr = rte_malloc(NULL, 3 * MAX_SIZE, 0);
	unsigned int i;

	TEST_ASSERT_NOT_NULL(ptr, "no memory");
	fastmem_test_fill(ptr, 3 * MAX_SIZE, 1);
	for (i = 0; i < RTE_DIM(huge); i++)
		TEST_ASSERT_NULL(rte_fastmem_heap_realloc(ptr, huge[i], 0),
			"realloc to %zu B", huge[i]);
	TEST_ASSERT_NULL(rte_fastmem_heap_realloc(ptr, 100, 3), "aligned to 3");
	TEST_ASSERT(rte_fastmem_heap_usable_size(ptr) >= 3 * MAX_SIZE &&
		fastmem_test_check(ptr, 3 * MAX_SIZE, 1) == 0, "content lost");
	/* no memory may be left for a copy */
	TEST_ASSERT(rte_fastmem_heap_realloc(ptr, 2 * MAX_SIZE, 0) == ptr,
		"moved to become smaller");
	TEST_ASSERT(rte_fastmem_heap_realloc(ptr, 1000, 32) == ptr,
		"moved to become smaller");
	TEST_ASSERT_NULL(rte_fastmem_heap_realloc(ptr, 0, 0), "not freed");
	return fastmem_test_all_back();
}

/* Without fastmem, and from then on with it. */
static int
test_uninitialized(void)
{
	void *ptrs[N_WAYS];
	unsigned int way;

	rte_fastmem_deinit();
	for (way = 0; way < N_WAYS; way++) {
		TEST_ASSERT_NULL(fastmem_test_malloc(way, 0, 0, SOCKET_ID_ANY),
			"0 B");
		ptrs[way] = fastmem_test_malloc(way, 1000, 256,
			fastmem_test_socket());
		TEST_ASSERT(ptrs[way] != NULL &&
			((uintptr_t)ptrs[way] & 255) == 0, "way %u", way);
		TEST_ASSERT(!rte_fastmem_contains(ptrs[way]), "way %u", way);
		TEST_ASSERT_SUCCESS(rte_malloc_validate(ptrs[way], NULL),
			"not the heap's");
		TEST_ASSERT(!fastmem_test_malloc_zeroes(way) ||
			fastmem_test_all_bytes(ptrs[way], 1000, 0), "zero");
		memset(ptrs[way], 0x10 + (int)way, 1000);
	}
	ptrs[0] = rte_fastmem_heap_realloc(ptrs[0], 3000, 0);
	TEST_ASSERT(ptrs[0] != NULL && fastmem_test_all_bytes(ptrs[0], 1000,
		0x10), "not reallocated");
	rte_fastmem_heap_free(ptrs[1]);
	TEST_ASSERT_SUCCESS(rte_fastmem_init(), "cannot initialize");
	for (way = 2; way < N_WAYS; way++) {
		TEST_ASSERT_SUCCESS(rte_fastmem_heap_validate(ptrs[way], NULL),
			"way %u", way);
		ptrs[way] = rte_fastmem_heap_realloc(ptrs[way], 500, 0);
		TEST_ASSERT(fastmem_test_all_bytes(ptrs[way], 500, 0x10 + way),
			"content lost");
		rte_fastmem_heap_free(ptrs[way]);
	}
	rte_fastmem_heap_free(ptrs[0]);
	return fastmem_test_all_back();
}

/* Where fastmem may not grow any more, the heap serves. */
static int
test_limit(void)
{
	void *ptrs[8];
	unsigned int i, n_heap = 0;

	TEST_ASSERT_SUCCESS(fastmem_test_limit(2 * FASTMEM_TEST_SLAB_SIZE),
		"no limit");
	for (i = 0; i < RTE_DIM(ptrs); i++) {
		ptrs[i] = rte_fastmem_heap_zmalloc(NULL, MAX_SIZE, 0);
		TEST_ASSERT(ptrs[i] != NULL && fastmem_test_all_bytes(ptrs[i],
			MAX_SIZE, 0), "no memory, or not zeroed");
		memset(ptrs[i], 0x33, MAX_SIZE);
		n_heap += !rte_fastmem_contains(ptrs[i]);
	}
	TEST_ASSERT(n_heap >= 4 && n_heap < RTE_DIM(ptrs),
		"%u of %zu from the heap", n_heap, RTE_DIM(ptrs));
	for (i = 0; i < RTE_DIM(ptrs); i++)
		rte_fastmem_heap_free(ptrs[i]);
	TEST_ASSERT_SUCCESS(fastmem_test_limit(SIZE_MAX), "limit");
	return fastmem_test_all_back();
}

/* Have fastmem take all memory and use none, and then make an object of the
 * heap, or a new one, as large as a half of what was free.
 */
static int
check_trim(void *old)
{
	static void *objs[1024];
	struct rte_malloc_socket_stats stats;
	size_t n, size;
	void *ptr;

	TEST_ASSERT_SUCCESS(rte_malloc_get_socket_stats(fastmem_test_socket(),
		&stats), "no statistics");
	size = stats.greatest_free_size / 2;
	/* what is smaller need not contain a slab */
	if (size < 2 * FASTMEM_TEST_SLAB_SIZE) {
		printf("EAL's memory is in fragments, skipped\n");
		return TEST_SKIPPED;
	}
	n = fastmem_test_exhaust(objs, RTE_DIM(objs), MAX_SIZE);
	TEST_ASSERT(n == RTE_DIM(objs) || rte_malloc(NULL, size, 0) == NULL,
		"fastmem has left memory");
	fastmem_test_free_all(objs, n);
	TEST_ASSERT(n == RTE_DIM(objs) || rte_malloc(NULL, size, 0) == NULL,
		"memory is free");
	ptr = rte_fastmem_heap_realloc(old, size, 0);
	TEST_ASSERT_NOT_NULL(ptr, "memory was not made free");
	TEST_ASSERT(!rte_fastmem_contains(ptr), "%zu B of fastmem's", size);
	TEST_ASSERT(old == NULL || fastmem_test_all_bytes(ptr, 1000, 0x3c),
		"content lost");
	rte_fastmem_heap_free(ptr);
	return TEST_SUCCESS;
}

/* What fastmem has no use for makes room for what the heap lacks. */
static int
test_trim(void)
{
	void *old;
	int ret;

	if (!fastmem_test_bounded()) {
		printf("EAL's memory has no bound, skipped\n");
		return TEST_SKIPPED;
	}
	ret = check_trim(NULL);
	if (ret != TEST_SUCCESS)
		return ret;
	old = rte_malloc(NULL, 1000, 0);
	TEST_ASSERT_NOT_NULL(old, "no memory");
	memset(old, 0x3c, 1000);
	ret = check_trim(old);
	return ret != TEST_SUCCESS ? ret : fastmem_test_all_back();
}

static void
free_zone(const struct rte_memzone *mz, void *arg)
{
	const struct rte_memzone **found = arg;

	if (strncmp(mz->name, "fastmem_", 8) == 0)
		*found = mz;
}

/* What librte_fastmem_malloc.so does around rte_eal_cleanup(). */
static int
test_cleanup(void)
{
	const struct rte_memzone *mz;
	void *ptr, *before = rte_fastmem_heap_malloc(NULL, 100, 0);

	__rte_fastmem_cleanup_begin();
	ptr = rte_fastmem_heap_malloc(NULL, 5000, 0);
	TEST_ASSERT(before != NULL && ptr != NULL && rte_fastmem_contains(ptr),
		"out of service too early");
	rte_fastmem_heap_free(before);
	rte_fastmem_heap_free(ptr);
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	__rte_fastmem_cleanup_end();
	__rte_fastmem_cleanup_end();
	__rte_fastmem_cleanup_begin();
	TEST_ASSERT(!rte_fastmem_contains(ptr), "still in service");
	TEST_ASSERT_EQUAL(rte_fastmem_audit(), -ENODEV, "still in service");
	TEST_ASSERT(rte_fastmem_alloc(64, 0, 0) == NULL && rte_errno == ENODEV,
		"still in service");
	/* which otherwise is EAL's business */
	do {
		mz = NULL;
		rte_memzone_walk(free_zone, &mz);
	} while (mz != NULL && rte_memzone_free(mz) == 0);
	TEST_ASSERT_EQUAL(fastmem_test_count_zones(), 0, "memory left");
	TEST_ASSERT_SUCCESS(rte_fastmem_init(), "not to be used again");
	ptr = rte_fastmem_heap_zmalloc(NULL, 100, 0);
	TEST_ASSERT_SUCCESS(fastmem_test_check_malloc(ptr, 100, 0), "object");
	rte_fastmem_heap_free(ptr);
	return fastmem_test_all_back();
}

struct unit_test_suite fastmem_malloc_heap_testsuite = {
	.suite_name = "fastmem malloc, and the heap",
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_external),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_external_alias),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_mixed_frees),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_contains),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_heap_realloc),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_uninitialized),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_limit),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_trim),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_cleanup),
		TEST_CASES_END()
	}
};
