/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Part of fastmem_autotest: objects of some classes are shifted against each
 * other, unless they have to be aligned to more than a cache line.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_memory.h>

#include "test_fastmem_util.h"

#define SLAB FASTMEM_TEST_SLAB_SIZE
#define LINE RTE_CACHE_LINE_SIZE
/* Lines of a page, and of the sets of a common first-level cache. */
#define N_LINES (4096u / LINE)

/* Objects are shifted by a line more each time. */
#define PART ((size_t)32 << 10)

/* The classes of these objects, by number. */
#define FIRST_COLORED 4
#define LAST_COLORED 11

/* So many bytes may be live at a time, since EAL may have little. */
#define BUDGET ((size_t)6 << 20)
#define MAX_OBJS 4096

static struct {
	void *obj;
	size_t size, align;
} live[MAX_OBJS];
static unsigned int n_live;
static size_t live_bytes;

static int
setup(void)
{
	n_live = 0;
	live_bytes = 0;
	return fastmem_test_setup();
}

static bool
is_colored(size_t class_size)
{
	return class_size >= fastmem_test_sizes[FIRST_COLORED] &&
		class_size <= fastmem_test_sizes[LAST_COLORED];
}

/* More than the objects of a slab, sorted by address. */
static void **
slab_alloc(size_t size, size_t align, size_t *n)
{
	void **objs;
	size_t i;

	*n = SLAB / size + 3;
	objs = calloc(*n, sizeof(*objs));
	if (objs == NULL)
		return NULL;
	for (i = 0; i < *n; i++) {
		objs[i] = rte_fastmem_alloc(size, align, 0);
		if (objs[i] == NULL) {
			fastmem_test_free_all(objs, i);
			free(objs);
			return NULL;
		}
	}
	fastmem_test_sort(objs, *n);
	return objs;
}

static void
slab_free(void **objs, size_t n)
{
	fastmem_test_free_all(objs, n);
	free(objs);
}

static bool
same_slab(const void *a, const void *b)
{
	return (uintptr_t)a / SLAB == (uintptr_t)b / SLAB;
}

/* Objects begin at all lines of a page equally often. */
static int
check_spread(size_t size)
{
	unsigned int counts[N_LINES] = { 0 }, i;
	size_t n, k, mean;
	void **objs;

	objs = slab_alloc(size, 8, &n);
	TEST_ASSERT_NOT_NULL(objs, "cannot allocate");
	for (k = 0; k < n; k++) {
		TEST_ASSERT((uintptr_t)objs[k] % LINE == 0, "%p of %zu B",
			objs[k], size);
		counts[(uintptr_t)objs[k] / LINE % N_LINES]++;
	}
	mean = n / N_LINES;
	for (i = 0; i < N_LINES; i++)
		TEST_ASSERT(counts[i] >= (mean + 1) / 2 && counts[i] <= mean * 2,
			"%u of %zu objects of %zu B begin at line %u",
			counts[i], n, size, i);
	slab_free(objs, n);
	return fastmem_test_all_back();
}

static int
test_spread(void)
{
	unsigned int i;

	for (i = FIRST_COLORED; i <= LAST_COLORED; i++)
		if (check_spread(fastmem_test_sizes[i]) != 0)
			return TEST_FAILED;
	return TEST_SUCCESS;
}

/* So few objects already are, one after the other. */
static int
test_spread_few(void)
{
	unsigned int counts[N_LINES] = { 0 }, i;
	void *objs[512];

	for (i = 0; i < RTE_DIM(objs); i++) {
		objs[i] = rte_fastmem_alloc(4096, 0, 0);
		TEST_ASSERT_NOT_NULL(objs[i], "cannot allocate");
		counts[(uintptr_t)objs[i] / LINE % N_LINES]++;
	}
	for (i = 0; i < N_LINES; i++)
		TEST_ASSERT(counts[i] >= 6 && counts[i] <= 10,
			"%u of 512 pages begin at line %u", counts[i], i);
	rte_fastmem_free_bulk(objs, RTE_DIM(objs));
	return fastmem_test_all_back();
}

/* The shift costs a slab one place in 512, and one at its end. */
static int
check_places(size_t size, size_t align)
{
	size_t n, i, lost, run = 0, longest = 0;
	void **objs;

	objs = slab_alloc(size, align, &n);
	TEST_ASSERT_NOT_NULL(objs, "cannot allocate");
	for (i = 0; i < n; i++) {
		run = i > 0 && same_slab(objs[i], objs[i - 1]) ? run + 1 : 1;
		longest = RTE_MAX(longest, run);
		TEST_ASSERT(i == 0 || (uintptr_t)objs[i] -
			(uintptr_t)objs[i - 1] >= size,
			"objects of %zu B overlap at %p", size, objs[i]);
		TEST_ASSERT((uintptr_t)objs[i] % SLAB + size <= SLAB,
			"%zu B at %p are beyond the slab", size, objs[i]);
		fastmem_test_fill(objs[i], size, size);
	}
	for (i = 0; i < n; i++)
		TEST_ASSERT_SUCCESS(fastmem_test_check(objs[i], size, size),
			"object %zu of %zu B was overwritten", i, size);
	lost = align > LINE ? 0 : RTE_MAX(SLAB / size / 512, (size_t)1);
	/* EAL may have the first and the last one */
	TEST_ASSERT(longest <= SLAB / size - lost &&
		longest + lost + 2 * RTE_MAX((size_t)256 / size, (size_t)1) >=
		SLAB / size, "%zu objects of %zu B in a slab", longest, size);
	slab_free(objs, n);
	return fastmem_test_all_back();
}

static int
test_places(void)
{
	unsigned int i;
	size_t size;

	for (i = FIRST_COLORED; i <= LAST_COLORED; i++) {
		size = fastmem_test_sizes[i];
		if (check_places(size, 8) != 0 || check_places(size, size) != 0)
			return TEST_FAILED;
	}
	return TEST_SUCCESS;
}

/*
 * Memory that grows by one slab at a time has EAL's headers between slabs. If
 * objects that are filled wholly reach into them, it cannot be given back.
 */
static int
check_zone_ends(size_t size)
{
	unsigned int i, n_slabs = 12;
	size_t max = n_slabs * SLAB / size, n = 0, k;
	void **objs = calloc(max, sizeof(*objs));

	TEST_ASSERT_NOT_NULL(objs, "no memory");
	for (i = 1; i <= n_slabs; i++) {
		if (fastmem_test_limit(i * SLAB) != 0)
			return -1;
		n += fastmem_test_exhaust(&objs[n], max - n, size);
	}
	TEST_ASSERT(n > 0, "no memory");
	for (k = 0; k < n; k++)
		memset(objs[k], 0xa5, size);
	for (k = 0; k < n; k++)
		TEST_ASSERT(rte_fastmem_usable_size(objs[k]) == size &&
			(uintptr_t)objs[k] % SLAB + size <= SLAB,
			"%p of %zu B", objs[k], size);
	fastmem_test_free_all(objs, n);
	free(objs);
	if (fastmem_test_all_back() != 0)
		return -1;
	TEST_ASSERT_SUCCESS(rte_fastmem_trim(SOCKET_ID_ANY, NULL), "trim");
	return 0;
}

static int
test_zone_ends(void)
{
	unsigned int i;

	for (i = FIRST_COLORED; i <= LAST_COLORED; i++)
		if (check_zone_ends(fastmem_test_sizes[i]) != 0)
			return TEST_FAILED;
	return TEST_SUCCESS;
}

static int
live_check(void)
{
	unsigned int i;

	for (i = 0; i < n_live; i++) {
		size_t size = fastmem_test_class_of(live[i].size, live[i].align);

		TEST_ASSERT_SUCCESS(fastmem_test_check(live[i].obj, size, i),
			"object %u: size %zu align %zu", i, live[i].size,
			live[i].align);
	}
	return 0;
}

static int
hfree_as(void *obj, size_t size, size_t align)
{
	rte_fastmem_handle_t handle;

	TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(size, align,
		rte_fastmem_socket_id(obj), &handle), "no handle");
	rte_fastmem_hfree(handle, obj);
	return 0;
}

/* By each of the ways, by turns. */
static int
live_free(void)
{
	void *bulk[MAX_OBJS];
	unsigned int i, n = 0;
	size_t size, class;
	void *obj;

	if (live_check() != 0)
		return -1;
	for (i = 0; i < n_live; i++) {
		obj = live[i].obj;
		size = live[i].size;
		class = fastmem_test_class_of(size, live[i].align);
		if (i % 5 == 0)
			rte_fastmem_free(obj);
		else if (i % 5 == 1)
			rte_fastmem_free_sized(obj, size, live[i].align);
		else if (i % 5 == 2 && hfree_as(obj, class, 8) != 0)
			return -1;
		else if (i % 5 == 3 && hfree_as(obj, size, live[i].align) != 0)
			return -1;
		else if (i % 5 == 4)
			bulk[n++] = obj;
	}
	rte_fastmem_free_bulk(bulk, n);
	n_live = 0;
	live_bytes = 0;
	return 0;
}

static int
live_add(void *obj, size_t size, size_t align)
{
	size_t class = fastmem_test_class_of(size, align);

	TEST_ASSERT_NOT_NULL(obj, "size %zu align %zu: errno %d", size, align,
		rte_errno);
	TEST_ASSERT_SUCCESS(fastmem_test_check_object(obj, size, align),
		"size %zu align %zu", size, align);
	live[n_live].obj = obj;
	live[n_live].size = size;
	live[n_live].align = align;
	fastmem_test_fill(obj, class, n_live++);
	live_bytes += class;
	return 0;
}

static int
live_add_moved(size_t size, size_t align)
{
	void *obj = rte_fastmem_alloc(RTE_MAX(size / 2, (size_t)1), 1, 0);

	TEST_ASSERT_NOT_NULL(obj, "cannot allocate");
	memset(obj, 0x3c, RTE_MAX(size / 2, (size_t)1));
	obj = rte_fastmem_realloc(obj, size, align);
	TEST_ASSERT(obj != NULL && fastmem_test_all_bytes(obj, size / 2, 0x3c),
		"content was not copied");
	return live_add(obj, size, align);
}

/* By all functions that allocate. */
static int
check_ways(size_t size, size_t align)
{
	int socket_id = fastmem_test_socket();
	rte_fastmem_handle_t handle;
	unsigned int i, n = 0;
	void *objs[8];

	TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(size, align, socket_id,
		&handle), "no handle");
	objs[n++] = rte_fastmem_alloc(size, align, 0);
	objs[n++] = rte_fastmem_alloc_socket(size, align, 0, socket_id);
	objs[n++] = rte_fastmem_halloc(handle, 0);
	if (size <= BUDGET / 32) {
		TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(&objs[3], 2, size,
			align, 0), "bulk");
		TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk_socket(&objs[5], 1,
			size, align, 0, socket_id), "bulk");
		TEST_ASSERT_SUCCESS(rte_fastmem_halloc_bulk(handle, &objs[6], 2,
			0), "bulk");
		n = 8;
	}
	for (i = 0; i < n; i++)
		if (live_add(objs[i], size, align) != 0)
			TEST_ASSERT(0, "way %u", i);
	if (live_add_moved(size, align) != 0)
		TEST_ASSERT(0, "realloc");
	if (live_bytes < BUDGET / 2 && n_live + 10 < MAX_OBJS)
		return 0;
	if (live_free() != 0)
		return -1;
	if (align == 1024)
		TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	rte_fastmem_cache_flush();
	return 0;
}

/*
 * What has been freed by a handle for any alignment is served again, so all is
 * done more than once.
 */
static int
test_alignments(void)
{
	unsigned int round, i;
	size_t size, align;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
			size = fastmem_test_sizes[i];
			for (align = 1; align <= size; align *= 2)
				if (check_ways(size - (i > 3) * round, align)
						!= 0)
					return TEST_FAILED;
			/* the alignment decides on the class */
			if (check_ways(round + 1, size) != 0)
				return TEST_FAILED;
		}
		if (live_free() != 0)
			return TEST_FAILED;
		TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	}
	return fastmem_test_all_back();
}

/* Handles are equal if class, socket and what is aligned are. */
static int
test_handles_equal(void)
{
	rte_fastmem_handle_t plain[FASTMEM_TEST_N_CLASSES], handle;
	rte_fastmem_handle_t aligned[FASTMEM_TEST_N_CLASSES];
	int socket_id = fastmem_test_socket();
	size_t size, align;
	unsigned int i, j;

	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
		size = fastmem_test_sizes[i];
		TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(size, 1, socket_id,
			&plain[i]), "no handle");
		TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(size, size, socket_id,
			&aligned[i]), "no handle");
		TEST_ASSERT_EQUAL(plain[i] != aligned[i], is_colored(size),
			"class %zu", size);
		TEST_ASSERT(plain[i] != 0 && aligned[i] != 0, "handle 0");
		for (align = 1; align <= size; align *= 2) {
			TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(size / 2 + 1,
				align, socket_id, &handle), "no handle");
			TEST_ASSERT_EQUAL(handle,
				align > LINE ? aligned[i] : plain[i],
				"class %zu align %zu", size, align);
		}
		TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(1, size, socket_id,
			&handle), "no handle");
		TEST_ASSERT_EQUAL(handle, aligned[i], "align %zu", size);
		for (j = 0; j < i; j++)
			TEST_ASSERT(plain[i] != plain[j] &&
				plain[i] != aligned[j] &&
				aligned[i] != plain[j] &&
				aligned[i] != aligned[j],
				"classes %u and %u have one handle", i, j);
	}
	return TEST_SUCCESS;
}

/* An object that has to be aligned to more than it is moves. */
static int
check_realloc(size_t size, size_t align)
{
	void *obj = rte_fastmem_alloc(size, 8, 0), *moved, *aligned;

	TEST_ASSERT_NOT_NULL(obj, "cannot allocate");
	memset(obj, 0x77, size);
	TEST_ASSERT_EQUAL(rte_fastmem_realloc(obj, size - 1, LINE), obj,
		"moved for nothing");
	moved = rte_fastmem_realloc(obj, size, align);
	TEST_ASSERT_NOT_NULL(moved, "cannot reallocate");
	TEST_ASSERT(moved != obj, "%p was not moved", obj);
	if (fastmem_test_check_object(moved, size, align) != 0)
		return -1;
	TEST_ASSERT(fastmem_test_all_bytes(moved, size, 0x77),
		"%zu B at align %zu: content lost", size, align);
	TEST_ASSERT_EQUAL(fastmem_test_in_use(size), 1, "in use");
	/* now it has any alignment up to its size, and keeps it */
	TEST_ASSERT(rte_fastmem_realloc(moved, size, size) == moved &&
		rte_fastmem_realloc(moved, size, 8) == moved &&
		rte_fastmem_realloc(moved, size / 2 + 1, 128) == moved,
		"moved for nothing");
	/* one that was not asked for may be there by chance, and does not count */
	aligned = rte_fastmem_alloc(size, 8, 0);
	TEST_ASSERT_EQUAL(aligned, obj, "not the last one freed");
	rte_fastmem_free_sized(aligned, size, 8);
	rte_fastmem_free_sized(moved, size, align);
	return 0;
}

static int
test_realloc_aligned(void)
{
	unsigned int i;
	size_t align;

	for (i = FIRST_COLORED; i <= LAST_COLORED; i++) {
		for (align = 2 * LINE; align <= fastmem_test_sizes[i]; align *= 2)
			if (check_realloc(fastmem_test_sizes[i], align) != 0)
				TEST_ASSERT(0, "class %zu align %zu",
					fastmem_test_sizes[i], align);
		rte_fastmem_cache_flush();
	}
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	return fastmem_test_all_back();
}

/* Offsets of IO addresses in a slab are those of addresses. */
static int
check_translation(size_t size)
{
	rte_iova_t base = RTE_BAD_IOVA, iova;
	uintptr_t slab = 0;
	void **objs;
	size_t n, i;

	objs = slab_alloc(size, 8, &n);
	TEST_ASSERT_NOT_NULL(objs, "cannot allocate");
	for (i = 0; i < n; i++) {
		memset(objs[i], 1, size);
		TEST_ASSERT(rte_fastmem_usable_size(objs[i]) == size &&
			rte_fastmem_socket_id(objs[i]) ==
			rte_fastmem_socket_id(RTE_PTR_ADD(objs[i], size - 1)) &&
			rte_fastmem_socket_id(objs[i]) == fastmem_test_socket(),
			"%p of %zu B", objs[i], size);
		iova = rte_fastmem_virt2iova(objs[i]);
		if ((uintptr_t)objs[i] / SLAB != slab) {
			slab = (uintptr_t)objs[i] / SLAB;
			base = iova == RTE_BAD_IOVA ? iova :
				iova - (uintptr_t)objs[i] % SLAB;
		}
		if (base == RTE_BAD_IOVA) {
			TEST_ASSERT_EQUAL(iova, base, "%p has an IO address",
				objs[i]);
			continue;
		}
		TEST_ASSERT_EQUAL(iova, base + (uintptr_t)objs[i] % SLAB,
			"IO address of %p", objs[i]);
		TEST_ASSERT_EQUAL(rte_fastmem_virt2iova(RTE_PTR_ADD(objs[i],
			size - 1)), iova + size - 1, "IO address in %p", objs[i]);
		if (i % 64 == 0)
			TEST_ASSERT_EQUAL(rte_mem_virt2iova(objs[i]), iova,
				"EAL disagrees on %p", objs[i]);
	}
	slab_free(objs, n);
	return fastmem_test_all_back();
}

static int
test_translation(void)
{
	unsigned int i;

	for (i = FIRST_COLORED; i <= LAST_COLORED; i++)
		if (check_translation(fastmem_test_sizes[i]) != 0)
			return TEST_FAILED;
	return TEST_SUCCESS;
}

struct unit_test_suite fastmem_color_testsuite = {
	.suite_name = "fastmem colored objects",
	.unit_test_cases = {
		TEST_CASE_ST(setup, fastmem_test_teardown, test_spread),
		TEST_CASE_ST(setup, fastmem_test_teardown, test_spread_few),
		TEST_CASE_ST(setup, fastmem_test_teardown, test_places),
		TEST_CASE_ST(setup, fastmem_test_teardown, test_zone_ends),
		TEST_CASE_ST(setup, fastmem_test_teardown, test_alignments),
		TEST_CASE_ST(setup, fastmem_test_teardown, test_handles_equal),
		TEST_CASE_ST(setup, fastmem_test_teardown,
			test_realloc_aligned),
		TEST_CASE_ST(setup, fastmem_test_teardown, test_translation),
		TEST_CASES_END()
	}
};
