/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Types of objects, function by function. What the constructor writes into an
 * object is expected in it until the destructor, whoever has the object and
 * wherever it lies free.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_memory.h>
#include <rte_stdatomic.h>

#include "test_fastmem_peer.h"
#include "test_fastmem_type.h"
#include "test_fastmem_util.h"

#define MAX_OBJS 4000

#define BUILT UINT64_C(0xb1117b1117b1117b)
#define GONE UINT64_C(0x60e60e60e60e60e6)

struct fastmem_test_type_counts fastmem_test_counts[FASTMEM_TEST_TYPE_COUNTS];

static void *objs[MAX_OBJS];

static uint64_t
count(const RTE_ATOMIC(uint64_t) *counter)
{
	return rte_atomic_load_explicit(counter, rte_memory_order_relaxed);
}

uint64_t
fastmem_test_built(unsigned int type)
{
	return count(&fastmem_test_counts[type].n_built);
}

uint64_t
fastmem_test_gone(unsigned int type)
{
	return count(&fastmem_test_counts[type].n_gone);
}

uint64_t
fastmem_test_wrong(unsigned int type)
{
	return count(&fastmem_test_counts[type].n_wrong);
}

static void
count_one(RTE_ATOMIC(uint64_t) *counter)
{
	rte_atomic_fetch_add_explicit(counter, 1, rte_memory_order_relaxed);
}

bool
fastmem_test_object_is_built(const struct fastmem_test_typed *obj)
{
	return obj->mark == BUILT && obj->self == obj;
}

static void
object_ctor(void *ptr, void *arg)
{
	struct fastmem_test_typed *obj = ptr;
	struct fastmem_test_type_counts *c = arg;

	/* memory that is carved is no object's */
	if (fastmem_test_object_is_built(obj))
		count_one(&c->n_wrong);
	obj->mark = BUILT;
	obj->self = obj;
	rte_atomic_store_explicit(&obj->owner, 0, rte_memory_order_relaxed);
	count_one(&c->n_built);
}

static void
object_dtor(void *ptr, void *arg)
{
	struct fastmem_test_typed *obj = ptr;
	struct fastmem_test_type_counts *c = arg;

	if (!fastmem_test_object_is_built(obj) || rte_atomic_load_explicit(&obj->owner,
			rte_memory_order_relaxed) != 0)
		count_one(&c->n_wrong);
	obj->mark = GONE;
	count_one(&c->n_gone);
}

static void
count_ctor(void *obj __rte_unused, void *arg)
{
	count_one(&((struct fastmem_test_type_counts *)arg)->n_built);
}

static void
count_dtor(void *obj __rte_unused, void *arg)
{
	count_one(&((struct fastmem_test_type_counts *)arg)->n_gone);
}

int
fastmem_test_type_setup(void)
{
	memset(fastmem_test_counts, 0, sizeof(fastmem_test_counts));
	return fastmem_test_setup();
}

struct rte_fastmem_type_params
fastmem_test_type_params(const char *name, size_t size, size_t align)
{
	return (struct rte_fastmem_type_params){
		.name = name,
		.size = size,
		.align = align,
		.socket_id = SOCKET_ID_ANY,
	};
}

struct rte_fastmem_type_params
fastmem_test_type_built(const char *name, size_t size)
{
	struct rte_fastmem_type_params params = fastmem_test_type_params(name, size, 0);

	params.ctor = object_ctor;
	params.dtor = object_dtor;
	params.arg = &fastmem_test_counts[0];
	return params;
}

int
fastmem_test_type_create(const struct rte_fastmem_type_params *params,
	rte_fastmem_handle_t *handle)
{
	TEST_ASSERT_SUCCESS(rte_fastmem_type_create(params, handle),
		"cannot create type %s", params->name);
	return 0;
}

/* All objects were freed by this thread: nothing must be left. */
int
fastmem_test_type_destroy(rte_fastmem_handle_t handle)
{
	TEST_ASSERT_SUCCESS(rte_fastmem_type_destroy(handle),
		"cannot destroy a type");
	TEST_ASSERT(fastmem_test_built(0) == fastmem_test_gone(0) &&
		fastmem_test_wrong(0) == 0,
		"%" PRIu64 " objects constructed, %" PRIu64 " destroyed, %"
		PRIu64 " wrongly", fastmem_test_built(0),
		fastmem_test_gone(0), fastmem_test_wrong(0));
	return 0;
}

size_t
fastmem_test_type_size(size_t size, size_t align)
{
	align = align == 0 ? RTE_CACHE_LINE_SIZE : RTE_MAX(align, (size_t)8);
	return RTE_ALIGN_CEIL(RTE_MAX(size, (size_t)1), align);
}

static int
test_create(void)
{
	const char *longest = "a_name_of_31_characters_in_all_";
	const char *too_long = "a_name_of_32_characters_in_all__";
	struct rte_fastmem_type_params params = fastmem_test_type_params("a", 100, 0);
	int missing = fastmem_test_missing_socket();
	rte_fastmem_handle_t handle = 0, other;

	TEST_ASSERT_EQUAL(rte_fastmem_type_create(NULL, &handle), -EINVAL,
		"no parameters");
	TEST_ASSERT_EQUAL(rte_fastmem_type_create(&params, NULL), -EINVAL,
		"no handle");
	params.name = NULL;
	TEST_ASSERT_EQUAL(rte_fastmem_type_create(&params, &handle), -EINVAL,
		"no name");
	params.name = "";
	TEST_ASSERT_EQUAL(rte_fastmem_type_create(&params, &handle), -EINVAL,
		"empty name");
	params.name = too_long;
	TEST_ASSERT_EQUAL(rte_fastmem_type_create(&params, &handle), -EINVAL,
		"name too long");
	params.name = longest;
	params.align = 24;
	TEST_ASSERT_EQUAL(rte_fastmem_type_create(&params, &handle), -EINVAL,
		"odd alignment");
	params.align = FASTMEM_TEST_MAX_SIZE * 2;
	TEST_ASSERT_EQUAL(rte_fastmem_type_create(&params, &handle), -E2BIG,
		"alignment too large");
	params.align = 0;
	params.size = FASTMEM_TEST_MAX_SIZE + 1;
	TEST_ASSERT_EQUAL(rte_fastmem_type_create(&params, &handle), -E2BIG,
		"size too large");
	params.size = 100;
	if (missing >= 0) {
		params.socket_id = missing;
		TEST_ASSERT_EQUAL(rte_fastmem_type_create(&params, &handle),
			-EINVAL, "no such socket");
	}
	params.socket_id = RTE_MAX_NUMA_NODES;
	TEST_ASSERT_EQUAL(rte_fastmem_type_create(&params, &handle), -EINVAL,
		"no such socket");
	TEST_ASSERT_EQUAL(handle, 0, "handle was written to");

	params.socket_id = fastmem_test_socket();
	if (fastmem_test_type_create(&params, &handle) != 0)
		return TEST_FAILED;
	TEST_ASSERT(handle != 0, "no handle");
	TEST_ASSERT_EQUAL(rte_fastmem_type_create(&params, &other), -EEXIST,
		"two types of a name");
	TEST_ASSERT_SUCCESS(rte_fastmem_type_lookup(longest, &other), "lookup");
	TEST_ASSERT_EQUAL(other, handle, "other handle");
	TEST_ASSERT_EQUAL(rte_fastmem_type_lookup(NULL, &other), -EINVAL,
		"no name");
	TEST_ASSERT_EQUAL(rte_fastmem_type_lookup(longest, NULL), -EINVAL,
		"no handle");
	TEST_ASSERT_EQUAL(rte_fastmem_type_lookup("a", &other), -ENOENT,
		"no such type");
	TEST_ASSERT_EQUAL(rte_fastmem_type_lookup(too_long, &other), -ENOENT,
		"no such type");
	TEST_ASSERT_SUCCESS(rte_fastmem_type_destroy(handle), "destroy");
	TEST_ASSERT_EQUAL(rte_fastmem_type_lookup(longest, &other), -ENOENT,
		"type lives on");
	return TEST_SUCCESS;
}

/* All functions with what is not the handle of a type. */
static int
test_handles(void)
{
	struct rte_fastmem_type_params params = fastmem_test_type_params("a", 100, 0);
	struct rte_fastmem_class_stats cs;
	rte_fastmem_handle_t handles[6], handle;
	unsigned int i;

	if (fastmem_test_type_create(&params, &handle) != 0)
		return TEST_FAILED;
	TEST_ASSERT_EQUAL(rte_fastmem_type_stats(handle, NULL), -EINVAL,
		"no statistics");
	handles[0] = 0;
	handles[1] = UINT32_MAX;
	handles[2] = handle + 1;
	handles[3] = handle - 1;
	handles[4] = handle; /* once it is destroyed */
	TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(100, 0, SOCKET_ID_ANY,
		&handles[5]), "no handle");
	TEST_ASSERT_SUCCESS(rte_fastmem_type_destroy(handle), "destroy");
	for (i = 0; i < RTE_DIM(handles); i++) {
		handle = handles[i];
		TEST_ASSERT_EQUAL(rte_fastmem_type_destroy(handle), -EINVAL,
			"destroyed %#x", handle);
		TEST_ASSERT_EQUAL(rte_fastmem_type_purge(handle), -EINVAL,
			"purged %#x", handle);
		TEST_ASSERT_EQUAL(rte_fastmem_type_flush(handle), -EINVAL,
			"flushed %#x", handle);
		TEST_ASSERT_EQUAL(rte_fastmem_type_walk(handle, NULL, NULL),
			-EINVAL, "walked %#x", handle);
		TEST_ASSERT_EQUAL(rte_fastmem_type_mem_walk(handle, NULL,
			NULL), -EINVAL, "memory of %#x", handle);
		TEST_ASSERT_EQUAL(rte_fastmem_type_stats(handle, &cs), -EINVAL,
			"statistics of %#x", handle);
	}
	return TEST_SUCCESS;
}

static int
test_not_initialized(void)
{
	struct rte_fastmem_type_params params = fastmem_test_type_params("a", 100, 0);
	struct rte_fastmem_class_stats cs;
	rte_fastmem_handle_t handle = 0;

	if (fastmem_test_type_create(&params, &handle) != 0)
		return TEST_FAILED;
	rte_fastmem_deinit();
	TEST_ASSERT(rte_fastmem_type_create(&params, &handle) == -ENODEV &&
		rte_fastmem_type_create(NULL, NULL) == -ENODEV &&
		rte_fastmem_type_lookup("a", &handle) == -ENODEV &&
		rte_fastmem_type_destroy(handle) == -ENODEV &&
		rte_fastmem_type_purge(handle) == -ENODEV &&
		rte_fastmem_type_flush(handle) == -ENODEV &&
		rte_fastmem_type_walk(handle, NULL, NULL) == -ENODEV &&
		rte_fastmem_type_mem_walk(handle, NULL, NULL) == -ENODEV &&
		rte_fastmem_type_stats(handle, &cs) == -ENODEV,
		"not initialized");
	/* nothing of it is there after a new start */
	TEST_ASSERT_SUCCESS(rte_fastmem_init(), "cannot initialize");
	TEST_ASSERT_EQUAL(rte_fastmem_type_lookup("a", &handle), -ENOENT,
		"type lives on");
	return TEST_SUCCESS;
}

/* Objects of one size: what they are like, and that none overlaps. */
static int
check_size(size_t size, size_t align)
{
	struct rte_fastmem_type_params params =
		fastmem_test_type_params("size", size, align);
	size_t exact = fastmem_test_type_size(size, align), gap = SIZE_MAX, i;
	size_t n = FASTMEM_TEST_TYPE_BUDGET / exact;
	rte_fastmem_handle_t handle;
	rte_iova_t iova;

	n = RTE_MAX(RTE_MIN(n, (size_t)MAX_OBJS), (size_t)3);
	params.ctor = count_ctor;
	params.dtor = count_dtor;
	params.arg = &fastmem_test_counts[0];
	if (fastmem_test_type_create(&params, &handle) != 0)
		return -1;
	for (i = 0; i < n; i++) {
		objs[i] = rte_fastmem_halloc(handle, 0);
		TEST_ASSERT_NOT_NULL(objs[i], "object %zu of %zu B", i, size);
		TEST_ASSERT_EQUAL(rte_fastmem_usable_size(objs[i]), exact,
			"size %zu align %zu: %zu B usable", size, align,
			rte_fastmem_usable_size(objs[i]));
		TEST_ASSERT(((uintptr_t)objs[i] &
			((align == 0 ? RTE_CACHE_LINE_SIZE : align) - 1)) == 0,
			"size %zu align %zu: at %p", size, align, objs[i]);
		TEST_ASSERT_EQUAL(rte_fastmem_socket_id(objs[i]),
			fastmem_test_socket(), "other socket");
		iova = rte_fastmem_virt2iova(objs[i]);
		TEST_ASSERT(iova == RTE_BAD_IOVA || rte_fastmem_virt2iova(
			RTE_PTR_ADD(objs[i], exact - 1)) == iova + exact - 1,
			"IO addresses of an object");
		TEST_ASSERT(iova == RTE_BAD_IOVA || iova ==
			rte_mem_virt2iova(objs[i]), "wrong IO address");
		fastmem_test_fill(objs[i], exact, size);
	}
	fastmem_test_sort(objs, n);
	for (i = 0; i < n; i++) {
		if (i > 0)
			gap = RTE_MIN(gap, RTE_PTR_DIFF(objs[i], objs[i - 1]));
		TEST_ASSERT(gap >= exact, "objects of %zu B overlap at %p",
			size, objs[i]);
		TEST_ASSERT_SUCCESS(fastmem_test_check(objs[i], exact, size),
			"object was overwritten");
	}
	/* no room is lost between them */
	TEST_ASSERT(exact > FASTMEM_TEST_SLAB_SIZE / 3 || gap == exact,
		"objects of %zu B are %zu B apart", size, gap);

	/* content stays while objects are free, in caches and in slabs */
	rte_fastmem_hfree_bulk(handle, &objs[1], n - 1);
	TEST_ASSERT_SUCCESS(rte_fastmem_type_flush(handle), "cannot flush");
	for (i = 1; i < n; i++) {
		objs[i] = rte_fastmem_halloc(handle, 0);
		TEST_ASSERT_NOT_NULL(objs[i], "cannot allocate again");
		if (fastmem_test_gone(0) == 0)
			TEST_ASSERT_SUCCESS(fastmem_test_check(objs[i], exact,
				size), "free object was written to");
		rte_fastmem_hfree(handle, objs[i]);
	}
	rte_fastmem_hfree(handle, objs[0]);
	if (fastmem_test_type_destroy(handle) != 0)
		return -1;
	memset(fastmem_test_counts, 0, sizeof(fastmem_test_counts));
	return 0;
}

static int
test_sizes(void)
{
	static const size_t sizes[] = {
		0, 1, 2, 7, 8, 9, 24, 63, 65, 100, 191, 1000, 2368, 4097,
		65537, 100001, 349525, 349526, 524288, 524289, 699050, 699051,
		1048512, 1048513, 1048575, 1048576,
	};
	static const size_t aligns[] = { 0, 1, 8, 16, 32, 128 };
	unsigned int i, j;
	size_t align;

	for (i = 0; i < RTE_DIM(sizes); i++)
		for (j = 0; j < RTE_DIM(aligns); j++)
			if (check_size(sizes[i], aligns[j]) != 0)
				return TEST_FAILED;
	for (align = 1; align <= FASTMEM_TEST_MAX_SIZE; align *= 4)
		if (check_size(1, align) != 0 || check_size(align, align) != 0 ||
				(align < FASTMEM_TEST_MAX_SIZE &&
				check_size(align + 1, align) != 0))
			return TEST_FAILED;
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	return TEST_SUCCESS;
}

static void
walk_check(void *ptr, void *arg)
{
	uint64_t *n = arg;

	if (fastmem_test_object_is_built(ptr))
		(*n)++;
}

/* Each object is constructed once, as long as its slab stays. */
static int
test_constructor(void)
{
	struct rte_fastmem_type_params params = fastmem_test_type_built("built", 1000);
	unsigned int n = 3000, round, i;
	rte_fastmem_handle_t handle;
	uint64_t n_built = 0, seen;

	if (fastmem_test_type_create(&params, &handle) != 0)
		return TEST_FAILED;
	for (round = 0; round < 5; round++) {
		TEST_ASSERT_SUCCESS(rte_fastmem_halloc_bulk(handle, objs, n,
			0), "cannot allocate");
		for (i = 0; i < n; i++)
			TEST_ASSERT(fastmem_test_object_is_built(objs[i]), "not constructed");
		if (round == 0)
			n_built = fastmem_test_built(0);
		TEST_ASSERT(n_built >= n && n_built < n + 1100,
			"%" PRIu64 " constructed for %u", n_built, n);
		TEST_ASSERT_EQUAL(fastmem_test_built(0), n_built,
			"constructed again");
		seen = 0;
		TEST_ASSERT_EQUAL(rte_fastmem_type_walk(handle, walk_check,
			&seen), (int64_t)n_built, "walk");
		TEST_ASSERT_EQUAL(seen, n_built, "walk found others");
		rte_fastmem_hfree_bulk(handle, objs, n);
	}
	TEST_ASSERT_EQUAL(fastmem_test_gone(0), 0, "destroyed early");

	/* and destroyed before their memory serves others */
	TEST_ASSERT_SUCCESS(rte_fastmem_type_flush(handle), "cannot flush");
	TEST_ASSERT_EQUAL(fastmem_test_gone(0), n_built, "not destroyed");
	TEST_ASSERT_EQUAL(rte_fastmem_type_walk(handle, NULL, NULL), 0, "walk");
	for (i = 0; i < n; i++)
		TEST_ASSERT(!fastmem_test_object_is_built(objs[i]), "still constructed");
	for (round = 0; round < 3; round++) {
		TEST_ASSERT_SUCCESS(rte_fastmem_halloc_bulk(handle, objs, n,
			0), "cannot allocate");
		for (i = 0; i < n; i++)
			TEST_ASSERT(fastmem_test_object_is_built(objs[i]), "not constructed");
		rte_fastmem_hfree_bulk(handle, objs, n);
		TEST_ASSERT_SUCCESS(rte_fastmem_type_flush(handle), "flush");
		/* others write over them */
		TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(objs, n, 1024, 0,
			RTE_FASTMEM_F_ZERO), "cannot allocate");
		rte_fastmem_free_bulk(objs, n);
		rte_fastmem_cache_flush();
	}
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	return fastmem_test_type_destroy(handle) == 0 ? TEST_SUCCESS : TEST_FAILED;
}

static int
alloc_all(rte_fastmem_handle_t handle, unsigned int max_objs)
{
	unsigned int n = 0;

	while (n < MAX_OBJS && (objs[n] = rte_fastmem_halloc(handle, 0)) != NULL)
		n++;
	TEST_ASSERT_EQUAL(rte_errno, ENOMEM, "errno %d", rte_errno);
	TEST_ASSERT_EQUAL(n, max_objs, "%u objects of %u", n, max_objs);
	return 0;
}

static int
test_max_objs(void)
{
	static const unsigned int limits[] = { 1, 2, 7, 100, 1000, 3999 };
	static const unsigned int cache_sizes[] = { 0, 1, 32, 100000 };
	struct rte_fastmem_type_params params = fastmem_test_type_built("limited", 1500);
	struct rte_fastmem_class_stats cs;
	rte_fastmem_handle_t handle;
	unsigned int i, j, n;

	for (i = 0; i < RTE_DIM(limits); i++) {
		for (j = 0; j < RTE_DIM(cache_sizes); j++) {
			n = limits[i];
			params.max_objs = n;
			params.cache_size = cache_sizes[j];
			if (fastmem_test_type_create(&params, &handle) != 0)
				return TEST_FAILED;
			rte_errno = 0;
			if (alloc_all(handle, n) != 0)
				return TEST_FAILED;
			rte_fastmem_hfree_bulk(handle, objs, n);
			/* all or none */
			TEST_ASSERT_EQUAL(rte_fastmem_halloc_bulk(handle, objs,
				n + 1, 0), -ENOMEM, "more than the limit");
			TEST_ASSERT_SUCCESS(rte_fastmem_halloc_bulk(handle,
				objs, n, 0), "less than the limit %u", n);
			TEST_ASSERT_SUCCESS(rte_fastmem_type_stats(handle,
				&cs), "no statistics");
			TEST_ASSERT(cs.in_use == n && cs.alloc_nomem == n + 2,
				"%" PRIu64 " in use, %" PRIu64 " failed",
				cs.in_use, cs.alloc_nomem);
			TEST_ASSERT_EQUAL(fastmem_test_built(0), n,
				"%" PRIu64 " constructed of %u",
				fastmem_test_built(0), n);
			rte_fastmem_hfree_bulk(handle, objs, n);
			/* others have their share, too */
			TEST_ASSERT_SUCCESS(rte_fastmem_type_flush(handle),
				"cannot flush");
			if (alloc_all(handle, n) != 0)
				return TEST_FAILED;
			rte_fastmem_hfree_bulk(handle, objs, n);
			if (fastmem_test_type_destroy(handle) != 0)
				return TEST_FAILED;
			memset(fastmem_test_counts, 0, sizeof(fastmem_test_counts));
		}
	}
	return TEST_SUCCESS;
}

static int
take_rest(void *arg)
{
	const rte_fastmem_handle_t *handle = arg;
	void *obj[1000];
	int n = 0;

	while (n < 1000 && (obj[n] = rte_fastmem_halloc(*handle, 0)) != NULL)
		n++;
	rte_fastmem_hfree_bulk(*handle, obj, n);
	rte_fastmem_type_flush(*handle);
	return n;
}

/* What a thread keeps in its cache is out of reach for others, but no more. */
static int
test_cache_size(void)
{
	static const unsigned int cache_sizes[] = { 1, 2, 16, 100, 500 };
	struct rte_fastmem_type_params params = fastmem_test_type_built("cached", 512);
	rte_fastmem_handle_t handle;
	unsigned int i, least;
	int n;

	for (i = 0; i < RTE_DIM(cache_sizes); i++) {
		params.max_objs = 1000;
		params.cache_size = cache_sizes[i];
		if (fastmem_test_type_create(&params, &handle) != 0)
			return TEST_FAILED;
		TEST_ASSERT_SUCCESS(rte_fastmem_halloc_bulk(handle, objs, 1000,
			0), "cannot allocate");
		for (n = 0; n < 1000; n++)
			rte_fastmem_hfree(handle, objs[n]);
		n = fastmem_test_elsewhere(take_rest, &handle);
		/* two magazines of at least one object */
		least = 1000 - RTE_MAX(cache_sizes[i], 2u);
		TEST_ASSERT(n >= (int)least && n <= 1000,
			"with caches of %u, another thread gets %d of 1000",
			cache_sizes[i], n);
		if (fastmem_test_type_destroy(handle) != 0)
			return TEST_FAILED;
	}
	return TEST_SUCCESS;
}

/* The functions which find out by themselves what an object is. */
static int
test_general(void)
{
	struct rte_fastmem_type_params params = fastmem_test_type_built("general", 200);
	struct rte_fastmem_class_stats cs;
	rte_fastmem_handle_t handle;
	unsigned int n = 600, i;
	char *text;

	if (fastmem_test_type_create(&params, &handle) != 0)
		return TEST_FAILED;
	for (i = 0; i < n; i += 2) {
		objs[i] = rte_fastmem_halloc(handle, 0);
		objs[i + 1] = rte_fastmem_alloc(200, 0, 0);
		TEST_ASSERT(objs[i] != NULL && objs[i + 1] != NULL, "no memory");
		TEST_ASSERT(rte_fastmem_usable_size(objs[i]) == 256 &&
			rte_fastmem_usable_size((char *)objs[i] + 64) == 0,
			"usable size");
	}
	TEST_ASSERT_SUCCESS(fastmem_test_log_start(), "cannot catch the log");
	rte_errno = 0;
	TEST_ASSERT_NULL(rte_fastmem_realloc(objs[0], 100, 0), "reallocated");
	TEST_ASSERT_EQUAL(rte_errno, EINVAL, "errno %d", rte_errno);
	text = fastmem_test_log_stop();
	TEST_ASSERT_EQUAL(fastmem_test_log_lines(text, "of a type"), 1,
		"logged: %s", text);
	free(text);
	TEST_ASSERT(fastmem_test_object_is_built(objs[0]), "object was freed");

	rte_fastmem_free(objs[0]);
	/* freed as of a size, which is no constant, it is what it is */
	rte_fastmem_free_sized(objs[2],
		(uintptr_t)fastmem_test_opaque((void *)200), 0);
	rte_fastmem_free_sized(objs[4],
		(uintptr_t)fastmem_test_opaque((void *)8), 8);
	rte_fastmem_free(objs[1]);
	rte_fastmem_free(objs[3]);
	rte_fastmem_free(objs[5]);
	rte_fastmem_free_bulk(&objs[6], n - 6);
	TEST_ASSERT_SUCCESS(rte_fastmem_type_stats(handle, &cs), "statistics");
	TEST_ASSERT(cs.in_use == 0 && cs.free_cache_hits +
		cs.free_cache_misses == n / 2, "%" PRIu64 " in use", cs.in_use);
	TEST_ASSERT_EQUAL(fastmem_test_in_use(256), 0, "in use");

	/* zeros up to the last byte, and nobody else's */
	TEST_ASSERT_SUCCESS(rte_fastmem_halloc_bulk(handle, objs, 3, 0), "no");
	fastmem_test_sort(objs, 3);
	for (i = 0; i < 3; i++)
		memset(objs[i], 0xa5, 256);
	rte_fastmem_hfree(handle, objs[1]);
	objs[1] = rte_fastmem_halloc(handle, RTE_FASTMEM_F_ZERO);
	TEST_ASSERT(fastmem_test_all_bytes(objs[1], 256, 0) &&
		fastmem_test_all_bytes(objs[0], 256, 0xa5) &&
		fastmem_test_all_bytes(objs[2], 256, 0xa5), "zeros");
	for (i = 0; i < 3; i++)
		object_ctor(objs[i], &fastmem_test_counts[1]);
	rte_fastmem_hfree_bulk(handle, objs, 3);
	return fastmem_test_type_destroy(handle) == 0 ? fastmem_test_all_back() : TEST_FAILED;
}

static struct unit_test_suite fastmem_type_testsuite = {
	.suite_name = "fastmem types",
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_type_setup, fastmem_test_teardown,
			test_create),
		TEST_CASE_ST(fastmem_test_type_setup, fastmem_test_teardown,
			test_handles),
		TEST_CASE_ST(fastmem_test_type_setup, fastmem_test_teardown,
			test_not_initialized),
		TEST_CASE_ST(fastmem_test_type_setup, fastmem_test_teardown,
			test_sizes),
		TEST_CASE_ST(fastmem_test_type_setup, fastmem_test_teardown,
			test_constructor),
		TEST_CASE_ST(fastmem_test_type_setup, fastmem_test_teardown,
			test_max_objs),
		TEST_CASE_ST(fastmem_test_type_setup, fastmem_test_teardown,
			test_cache_size),
		TEST_CASE_ST(fastmem_test_type_setup, fastmem_test_teardown,
			test_general),
		TEST_CASES_END()
	}
};

static int
test_fastmem_type(void)
{
	int ret;

	if (rte_eal_process_type() == RTE_PROC_SECONDARY)
		return fastmem_test_peer_main(fastmem_test_type_peer);
	ret = fastmem_test_run(&fastmem_type_testsuite);
	if (ret == TEST_SUCCESS)
		ret = fastmem_test_run(&fastmem_type_fixed_testsuite);
	if (ret == TEST_SUCCESS)
		ret = fastmem_test_run(&fastmem_type_life_testsuite);
	return ret;
}

REGISTER_FAST_TEST(fastmem_type_autotest, NOHUGE_OK, ASAN_OK, test_fastmem_type);
