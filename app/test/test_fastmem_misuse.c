/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Part of fastmem_autotest: pointers which are not those of objects.
 */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_memory.h>
#include <rte_memzone.h>

#include "test_fastmem_util.h"

#define ZONE_NAME "test_fm_foreign"

/* Objects that must survive whatever is done with bad pointers. */
#define N_WITNESSES 16
static void *witnesses[N_WITNESSES];
static size_t witness_sizes[N_WITNESSES];

static int
witnesses_create(void)
{
	unsigned int i;

	for (i = 0; i < N_WITNESSES; i++) {
		witness_sizes[i] = fastmem_test_sizes[i % 12];
		witnesses[i] = rte_fastmem_alloc(witness_sizes[i], 8, 0);
		TEST_ASSERT_NOT_NULL(witnesses[i], "cannot allocate");
		fastmem_test_fill(witnesses[i], witness_sizes[i], i);
	}
	return 0;
}

static int
witnesses_release(void)
{
	unsigned int i;

	for (i = 0; i < N_WITNESSES; i++)
		TEST_ASSERT_SUCCESS(fastmem_test_check(witnesses[i],
			witness_sizes[i], i), "object %u was damaged", i);
	rte_fastmem_free_bulk(witnesses, N_WITNESSES);
	return 0;
}

/*
 * Give a pointer to each function that looks pointers up. None may take it for
 * an object, and those that free have to log one line each.
 */
static int
check_no_object(void *ptr)
{
	void *ptrs[3] = { NULL, ptr, NULL };
	struct rte_fastmem_stats before, after;
	unsigned int lines;
	void *moved;
	size_t size;
	char *text;
	int error;

	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&before), "no statistics");
	TEST_ASSERT_SUCCESS(fastmem_test_log_start(), "cannot catch the log");
	rte_fastmem_free(fastmem_test_opaque(ptr));
	text = fastmem_test_log_stop();
	lines = fastmem_test_log_lines(text, "");
	free(text);
	TEST_ASSERT_EQUAL(lines, 1, "free of %p logged %u lines", ptr, lines);

	TEST_ASSERT_SUCCESS(fastmem_test_log_start(), "cannot catch the log");
	rte_fastmem_free_bulk(ptrs, 3);
	text = fastmem_test_log_stop();
	lines = fastmem_test_log_lines(text, "");
	free(text);
	TEST_ASSERT_EQUAL(lines, 1, "bulk free of %p logged %u lines", ptr,
		lines);
	TEST_ASSERT(ptrs[0] == NULL && ptrs[1] == ptr && ptrs[2] == NULL,
		"ptrs were written to");

	/* whether it logs is not written down */
	TEST_ASSERT_SUCCESS(fastmem_test_log_start(), "cannot catch the log");
	rte_errno = 0;
	moved = rte_fastmem_realloc(fastmem_test_opaque(ptr), 64, 0);
	error = rte_errno;
	free(fastmem_test_log_stop());
	TEST_ASSERT_NULL(moved, "%p was reallocated", ptr);
	TEST_ASSERT_EQUAL(error, EINVAL, "realloc: errno %d", error);

	rte_errno = 0;
	size = rte_fastmem_usable_size(ptr);
	TEST_ASSERT_EQUAL(size, 0, "%p has %zu usable bytes", ptr, size);
	TEST_ASSERT_EQUAL(rte_errno, EINVAL, "usable_size: errno %d", rte_errno);

	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&after), "no statistics");
	TEST_ASSERT(before.free_total == after.free_total &&
		before.alloc_total == after.alloc_total &&
		before.bytes_in_use == after.bytes_in_use,
		"%p was counted", ptr);
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "%p did damage", ptr);
	return 0;
}

static int
test_foreign_pointers(void)
{
	const struct rte_memzone *mz;
	void *heap, *libc;
	uint64_t local[16];
	unsigned int i;

	mz = rte_memzone_reserve_aligned(ZONE_NAME, 4096, SOCKET_ID_ANY, 0,
		4096);
	heap = rte_malloc(NULL, 8192, 4096);
	libc = malloc(8192);
	TEST_ASSERT(mz != NULL && heap != NULL && libc != NULL, "no memory");
	memset(local, 0x11, sizeof(local));
	memset(heap, 0x22, 8192);
	memset(libc, 0x33, 8192);

	if (witnesses_create() != 0)
		return TEST_FAILED;
	{
		void *foreign[] = {
			local, &local[8], heap, RTE_PTR_ADD(heap, 4096), libc,
			mz->addr, (void *)(uintptr_t)&test_foreign_pointers,
			(void *)(uintptr_t)1, (void *)(uintptr_t)8,
			(void *)(uintptr_t)FASTMEM_TEST_SLAB_SIZE,
			(void *)UINTPTR_MAX, (void *)(UINTPTR_MAX - 7),
			(void *)(UINTPTR_MAX / 2 + 1),
			RTE_PTR_ALIGN_FLOOR(heap, FASTMEM_TEST_SLAB_SIZE),
		};

		for (i = 0; i < RTE_DIM(foreign); i++) {
			if (check_no_object(foreign[i]) != 0)
				return TEST_FAILED;
			TEST_ASSERT_EQUAL(rte_fastmem_socket_id(foreign[i]),
				-EINVAL, "%p has a socket", foreign[i]);
			TEST_ASSERT_EQUAL(rte_fastmem_virt2iova(foreign[i]),
				RTE_BAD_IOVA, "%p has an IO address",
				foreign[i]);
		}
	}
	TEST_ASSERT(fastmem_test_all_bytes(local, sizeof(local), 0x11) &&
		fastmem_test_all_bytes(heap, 8192, 0x22) &&
		fastmem_test_all_bytes(libc, 8192, 0x33),
		"foreign memory was written to");
	if (witnesses_release() != 0)
		return TEST_FAILED;
	rte_memzone_free(mz);
	rte_free(heap);
	free(libc);
	return fastmem_test_all_back();
}

static int
test_null(void)
{
	void *ptrs[4] = { NULL, NULL, NULL, NULL };
	rte_fastmem_handle_t handle;
	unsigned int lines;
	char *text;

	TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(64, 0, SOCKET_ID_ANY, &handle),
		"no handle");
	if (witnesses_create() != 0)
		return TEST_FAILED;
	TEST_ASSERT_SUCCESS(fastmem_test_log_start(), "cannot catch the log");
	rte_fastmem_free(NULL);
	rte_fastmem_free_sized(NULL, 64, 0);
	rte_fastmem_hfree(handle, NULL);
	rte_fastmem_free_bulk(ptrs, 4);
	text = fastmem_test_log_stop();
	lines = fastmem_test_log_lines(text, "");
	free(text);
	TEST_ASSERT_EQUAL(lines, 0, "NULL was logged");

	rte_errno = 0;
	TEST_ASSERT_EQUAL(rte_fastmem_usable_size(NULL), 0, "NULL has a size");
	TEST_ASSERT_EQUAL(rte_errno, EINVAL, "errno %d", rte_errno);
	TEST_ASSERT_EQUAL(rte_fastmem_socket_id(NULL), -EINVAL,
		"NULL has a socket");
	TEST_ASSERT_EQUAL(fastmem_test_in_use(64), 2, "NULL was counted");
	if (witnesses_release() != 0)
		return TEST_FAILED;
	return fastmem_test_all_back();
}

static int
test_inside_objects(void)
{
	size_t size, offsets[4];
	unsigned int i, j;
	void *obj, *ptr;
	int socket_id;

	if (witnesses_create() != 0)
		return TEST_FAILED;
	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
		size = fastmem_test_sizes[i];
		offsets[0] = 1;
		offsets[1] = size / 2;
		offsets[2] = size - 1;
		offsets[3] = size > 8 ? size - 8 : 4;
		obj = rte_fastmem_alloc(size, 8, 0);
		TEST_ASSERT_NOT_NULL(obj, "cannot allocate %zu B", size);
		fastmem_test_fill(obj, size, i);
		socket_id = rte_fastmem_socket_id(obj);
		TEST_ASSERT(socket_id >= 0, "no socket: %d", socket_id);
		for (j = 0; j < RTE_DIM(offsets); j++) {
			ptr = RTE_PTR_ADD(obj, offsets[j]);
			if (check_no_object(ptr) != 0)
				TEST_ASSERT(0, "%zu bytes into %zu", offsets[j],
					size);
			TEST_ASSERT_EQUAL(rte_fastmem_socket_id(ptr), socket_id,
				"socket inside of an object");
		}
		TEST_ASSERT_SUCCESS(fastmem_test_check(obj, size, i),
			"object was damaged");
		rte_fastmem_free(obj);
	}
	if (witnesses_release() != 0)
		return TEST_FAILED;
	return fastmem_test_all_back();
}

/* Tell if freeing a pointer is reported by whatever function does it. */
static int
check_reported(void *ptr, size_t size)
{
	void *ptrs[2] = { ptr, NULL };
	unsigned int lines;
	char *text;

	/* it would be believed if the compiler knew it */
	size = (uintptr_t)fastmem_test_opaque((void *)size);
	TEST_ASSERT_SUCCESS(fastmem_test_log_start(), "cannot catch the log");
	rte_fastmem_free(fastmem_test_opaque(ptr));
	rte_fastmem_free_sized(fastmem_test_opaque(ptr), size, 8);
	rte_fastmem_free_sized(fastmem_test_opaque(ptr), size, size);
	rte_fastmem_free_bulk(ptrs, 1);
	rte_fastmem_free_bulk(ptrs, 2);
	text = fastmem_test_log_stop();
	lines = fastmem_test_log_lines(text, "");
	free(text);
	TEST_ASSERT_EQUAL(lines, 5, "%p: %u of 5 lines logged", ptr, lines);
	return 0;
}

/* Nothing in a range, in steps of 8 bytes, is an object. */
static int
check_range(char *from, char *end, size_t size)
{
	struct rte_fastmem_stats before, after;
	unsigned int n = 0;
	char *ptr;

	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&before), "no statistics");
	for (ptr = from; ptr < end; ptr += 8, n++) {
		TEST_ASSERT_EQUAL(rte_fastmem_usable_size(ptr), 0,
			"%p has a size", (void *)ptr);
		/* all multiples of cache lines, and some others */
		if (((uintptr_t)ptr % 64 == 0 || n % 16 == 1) &&
				check_reported(ptr, size) != 0)
			return -1;
		if (n % 256 == 8 && check_no_object(ptr) != 0)
			return -1;
	}
	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&after), "no statistics");
	TEST_ASSERT(before.free_total == after.free_total &&
		before.alloc_total == after.alloc_total, "a pointer was counted");
	return 0;
}

/*
 * Between two objects of a slab there is nothing, some lines, or a place that
 * is lost, whose start could be that of an object as far as its address tells.
 */
static int
check_gap(char *from, char *end, size_t size)
{
	bool is_lost = (uintptr_t)end % ((size_t)32 << 10) == 0 &&
		((uintptr_t)end - size) % size == 0;

	TEST_ASSERT_EQUAL(end - from, 64, "%zu bytes between objects",
		(size_t)(end - from));
	if (is_lost)
		TEST_ASSERT_EQUAL(rte_fastmem_usable_size(from), 0,
			"%p has a size", (void *)from);
	return check_range(from + is_lost * 8, end, size);
}

static int
check_colored_slab(size_t size)
{
	size_t n = FASTMEM_TEST_SLAB_SIZE / size + 2, gaps = 0, i;
	char **objs = calloc(n, sizeof(*objs));

	TEST_ASSERT_NOT_NULL(objs, "no memory");
	for (i = 0; i < n; i++) {
		objs[i] = rte_fastmem_alloc(size, 8, 0);
		TEST_ASSERT_NOT_NULL(objs[i], "cannot allocate");
	}
	fastmem_test_sort((void **)objs, n);
	/* the class's cache is that used last, and has room */
	rte_fastmem_cache_flush();
	rte_fastmem_free(objs[n / 2]);
	for (i = 1; i < n; i++) {
		if (objs[i] == objs[i - 1] + size)
			continue;
		/* those around are checked, too: they extend into a part whose
		 * objects are shifted by more
		 */
		if (gaps++ % 8 == 0 && (check_range(objs[i - 1] + 8, objs[i - 1]
				+ size, size) != 0 || check_range(objs[i] + 8,
				objs[i] + size, size) != 0))
			return -1;
		if ((uintptr_t)objs[i] / FASTMEM_TEST_SLAB_SIZE ==
				(uintptr_t)objs[i - 1] / FASTMEM_TEST_SLAB_SIZE
				&& check_gap(objs[i - 1] + size, objs[i], size)
				!= 0)
			return -1;
	}
	TEST_ASSERT(gaps >= 60, "%zu gaps between objects of %zu B", gaps, size);
	objs[n / 2] = rte_fastmem_alloc(size, 8, 0);
	fastmem_test_free_all((void **)objs, n);
	free(objs);
	return fastmem_test_all_back();
}

static int
test_inside_colored(void)
{
	size_t size;

	for (size = 128; size <= 16384; size *= 2)
		if (check_colored_slab(size) != 0)
			TEST_ASSERT(0, "class %zu", size);
	return TEST_SUCCESS;
}

/* What would be an object if those were shifted that are not. */
static int
check_aligned_slab(size_t size)
{
	size_t n = FASTMEM_TEST_SLAB_SIZE / size, shift, i;
	char **objs = calloc(n, sizeof(*objs));

	TEST_ASSERT_NOT_NULL(objs, "no memory");
	for (i = 0; i < n; i++) {
		objs[i] = rte_fastmem_alloc(size, size, 0);
		TEST_ASSERT_NOT_NULL(objs[i], "cannot allocate");
	}
	fastmem_test_sort((void **)objs, n);
	rte_fastmem_cache_flush();
	rte_fastmem_free(objs[n / 2]);
	for (i = 0; i < n; i += RTE_MAX(n / 128, (size_t)1)) {
		shift = (uintptr_t)objs[i] % FASTMEM_TEST_SLAB_SIZE /
			((size_t)32 << 10) * 64 % size;
		if (shift != 0 && check_range(objs[i] + shift, objs[i] + shift +
				8, size) != 0)
			return -1;
	}
	objs[n / 2] = rte_fastmem_alloc(size, size, 0);
	fastmem_test_free_all((void **)objs, n);
	free(objs);
	return fastmem_test_all_back();
}

static int
test_inside_aligned(void)
{
	size_t size;

	for (size = 128; size <= FASTMEM_TEST_MAX_SIZE; size *= 2)
		if (check_aligned_slab(size) != 0)
			TEST_ASSERT(0, "class %zu", size);
	return TEST_SUCCESS;
}

/*
 * Slots of a slab that were not handed out to anybody yet: no objects for
 * whoever looks. To free one is like freeing an object twice, which only the
 * audit finds.
 */
static int
test_beyond_carved(void)
{
	static const size_t sizes[] = { 8, 64, 1024, 4096 };
	unsigned int i;
	uintptr_t last;
	size_t size;
	void *obj;

	for (i = 0; i < RTE_DIM(sizes); i++) {
		obj = rte_fastmem_alloc(sizes[i], 8, 0);
		TEST_ASSERT_NOT_NULL(obj, "cannot allocate");
		last = RTE_ALIGN_FLOOR((uintptr_t)obj, FASTMEM_TEST_SLAB_SIZE) +
			FASTMEM_TEST_SLAB_SIZE - sizes[i];
		TEST_ASSERT_NOT_EQUAL((uintptr_t)obj, last,
			"the first object is the slab's last");
		rte_errno = 0;
		size = rte_fastmem_usable_size((void *)last);
		TEST_ASSERT_EQUAL(size, 0, "last slot of %zu B has %zu B",
			sizes[i], size);
		TEST_ASSERT_EQUAL(rte_errno, EINVAL, "errno %d", rte_errno);
		TEST_ASSERT_SUCCESS(fastmem_test_log_start(), "no log");
		rte_errno = 0;
		obj = rte_fastmem_realloc(fastmem_test_opaque((void *)last),
			sizes[i] * 2, 8);
		free(fastmem_test_log_stop());
		TEST_ASSERT_NULL(obj, "last slot of %zu B was reallocated",
			sizes[i]);
		TEST_ASSERT_EQUAL(rte_errno, EINVAL, "errno %d", rte_errno);
	}
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	return TEST_SUCCESS;
}

/* A pointer kept after its slab went back to stock, or to EAL. */
static int
test_stale_pointers(void)
{
	void *objs[FASTMEM_TEST_N_CLASSES];
	unsigned int i;

	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
		objs[i] = rte_fastmem_alloc(fastmem_test_sizes[i], 8, 0);
		TEST_ASSERT_NOT_NULL(objs[i], "cannot allocate");
	}
	rte_fastmem_free_bulk(objs, RTE_DIM(objs));
	if (fastmem_test_all_back() != 0)
		return TEST_FAILED;
	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++)
		if (check_no_object(objs[i]) != 0)
			TEST_ASSERT(0, "of a slab in stock, class %zu",
				fastmem_test_sizes[i]);
	TEST_ASSERT_SUCCESS(rte_fastmem_trim(SOCKET_ID_ANY, NULL),
		"cannot trim");
	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++)
		if (check_no_object(objs[i]) != 0)
			TEST_ASSERT(0, "after a trim, class %zu",
				fastmem_test_sizes[i]);
	return fastmem_test_all_back();
}

struct unit_test_suite fastmem_misuse_testsuite = {
	.suite_name = "fastmem misuse",
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_foreign_pointers),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_null),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_inside_objects),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_inside_colored),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_inside_aligned),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_beyond_carved),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_stale_pointers),
		TEST_CASES_END()
	}
};
