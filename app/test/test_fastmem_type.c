/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Types of objects. What the constructor writes into an object is expected in
 * it until the destructor, whoever has the object and wherever it lies free.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_memory.h>
#include <rte_stdatomic.h>

#include "test_fastmem_peer.h"
#include "test_fastmem_stress.h"
#include "test_fastmem_util.h"

#define COMMAND "fastmem_type_autotest"
#define MAX_TYPES 64
#define N_CYCLES 200
#define MAX_OBJS 4000
/* Live bytes at a time, since EAL may have little. */
#define BUDGET ((size_t)6 << 20)
#define STRESS_LIVE 64
#define STRESS_TYPES 3
#define STRESS_FLUSHES 300

#define BUILT UINT64_C(0xb1117b1117b1117b)
#define GONE UINT64_C(0x60e60e60e60e60e6)

/* What the constructor makes. */
struct object {
	uint64_t mark;
	struct object *self;
	RTE_ATOMIC(uint32_t) owner; /* 0 while it is free */
};

/* How often constructors and destructors ran, by type. */
struct counts {
	RTE_ATOMIC(uint64_t) n_built;
	RTE_ATOMIC(uint64_t) n_gone;
	RTE_ATOMIC(uint64_t) n_wrong;
};

static struct counts counts[STRESS_TYPES];
static void *objs[MAX_OBJS];

/* What both processes see. */
struct shared {
	rte_fastmem_handle_t handle;
	unsigned int n;
	void *objs[256];
};

static struct shared *shared;

static uint64_t
count(const RTE_ATOMIC(uint64_t) *counter)
{
	return rte_atomic_load_explicit(counter, rte_memory_order_relaxed);
}

static void
count_one(RTE_ATOMIC(uint64_t) *counter)
{
	rte_atomic_fetch_add_explicit(counter, 1, rte_memory_order_relaxed);
}

static bool
object_is_built(const struct object *obj)
{
	return obj->mark == BUILT && obj->self == obj;
}

static void
object_ctor(void *ptr, void *arg)
{
	struct object *obj = ptr;
	struct counts *c = arg;

	/* memory that is carved is no object's */
	if (object_is_built(obj))
		count_one(&c->n_wrong);
	obj->mark = BUILT;
	obj->self = obj;
	rte_atomic_store_explicit(&obj->owner, 0, rte_memory_order_relaxed);
	count_one(&c->n_built);
}

static void
object_dtor(void *ptr, void *arg)
{
	struct object *obj = ptr;
	struct counts *c = arg;

	if (!object_is_built(obj) || rte_atomic_load_explicit(&obj->owner,
			rte_memory_order_relaxed) != 0)
		count_one(&c->n_wrong);
	obj->mark = GONE;
	count_one(&c->n_gone);
}

static void
count_ctor(void *obj __rte_unused, void *arg)
{
	count_one(&((struct counts *)arg)->n_built);
}

static void
count_dtor(void *obj __rte_unused, void *arg)
{
	count_one(&((struct counts *)arg)->n_gone);
}

static int
setup(void)
{
	memset(counts, 0, sizeof(counts));
	return fastmem_test_setup();
}

static struct rte_fastmem_type_params
params_of(const char *name, size_t size, size_t align)
{
	return (struct rte_fastmem_type_params){
		.name = name,
		.size = size,
		.align = align,
		.socket_id = SOCKET_ID_ANY,
	};
}

static struct rte_fastmem_type_params
params_built(const char *name, size_t size)
{
	struct rte_fastmem_type_params params = params_of(name, size, 0);

	params.ctor = object_ctor;
	params.dtor = object_dtor;
	params.arg = &counts[0];
	return params;
}

static int
create(const struct rte_fastmem_type_params *params,
	rte_fastmem_handle_t *handle)
{
	TEST_ASSERT_SUCCESS(rte_fastmem_type_create(params, handle),
		"cannot create type %s", params->name);
	return 0;
}

/* All objects were freed by this thread: nothing must be left. */
static int
destroy(rte_fastmem_handle_t handle)
{
	TEST_ASSERT_SUCCESS(rte_fastmem_type_destroy(handle),
		"cannot destroy a type");
	TEST_ASSERT(count(&counts[0].n_built) == count(&counts[0].n_gone) &&
		count(&counts[0].n_wrong) == 0,
		"%" PRIu64 " objects constructed, %" PRIu64 " destroyed, %"
		PRIu64 " wrongly", count(&counts[0].n_built),
		count(&counts[0].n_gone), count(&counts[0].n_wrong));
	return 0;
}

static size_t
size_of(size_t size, size_t align)
{
	align = align == 0 ? RTE_CACHE_LINE_SIZE : RTE_MAX(align, (size_t)8);
	return RTE_ALIGN_CEIL(RTE_MAX(size, (size_t)1), align);
}

static int
test_create(void)
{
	const char *longest = "a_name_of_31_characters_in_all_";
	const char *too_long = "a_name_of_32_characters_in_all__";
	struct rte_fastmem_type_params params = params_of("a", 100, 0);
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
	if (create(&params, &handle) != 0)
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
	struct rte_fastmem_type_params params = params_of("a", 100, 0);
	struct rte_fastmem_class_stats cs;
	rte_fastmem_handle_t handles[6], handle;
	unsigned int i;

	if (create(&params, &handle) != 0)
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
	struct rte_fastmem_type_params params = params_of("a", 100, 0);
	struct rte_fastmem_class_stats cs;
	rte_fastmem_handle_t handle = 0;

	if (create(&params, &handle) != 0)
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
	struct rte_fastmem_type_params params = params_of("size", size, align);
	size_t exact = size_of(size, align), n = BUDGET / exact, gap = SIZE_MAX, i;
	rte_fastmem_handle_t handle;
	rte_iova_t iova;

	n = RTE_MAX(RTE_MIN(n, (size_t)MAX_OBJS), (size_t)3);
	params.ctor = count_ctor;
	params.dtor = count_dtor;
	params.arg = &counts[0];
	if (create(&params, &handle) != 0)
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
		if (count(&counts[0].n_gone) == 0)
			TEST_ASSERT_SUCCESS(fastmem_test_check(objs[i], exact,
				size), "free object was written to");
		rte_fastmem_hfree(handle, objs[i]);
	}
	rte_fastmem_hfree(handle, objs[0]);
	if (destroy(handle) != 0)
		return -1;
	memset(counts, 0, sizeof(counts));
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

	if (object_is_built(ptr))
		(*n)++;
}

/* Each object is constructed once, as long as its slab stays. */
static int
test_constructor(void)
{
	struct rte_fastmem_type_params params = params_built("built", 1000);
	unsigned int n = 3000, round, i;
	rte_fastmem_handle_t handle;
	uint64_t n_built = 0, seen;

	if (create(&params, &handle) != 0)
		return TEST_FAILED;
	for (round = 0; round < 5; round++) {
		TEST_ASSERT_SUCCESS(rte_fastmem_halloc_bulk(handle, objs, n,
			0), "cannot allocate");
		for (i = 0; i < n; i++)
			TEST_ASSERT(object_is_built(objs[i]), "not constructed");
		if (round == 0)
			n_built = count(&counts[0].n_built);
		TEST_ASSERT(n_built >= n && n_built < n + 1100,
			"%" PRIu64 " constructed for %u", n_built, n);
		TEST_ASSERT_EQUAL(count(&counts[0].n_built), n_built,
			"constructed again");
		seen = 0;
		TEST_ASSERT_EQUAL(rte_fastmem_type_walk(handle, walk_check,
			&seen), (int64_t)n_built, "walk");
		TEST_ASSERT_EQUAL(seen, n_built, "walk found others");
		rte_fastmem_hfree_bulk(handle, objs, n);
	}
	TEST_ASSERT_EQUAL(count(&counts[0].n_gone), 0, "destroyed early");

	/* and destroyed before their memory serves others */
	TEST_ASSERT_SUCCESS(rte_fastmem_type_flush(handle), "cannot flush");
	TEST_ASSERT_EQUAL(count(&counts[0].n_gone), n_built, "not destroyed");
	TEST_ASSERT_EQUAL(rte_fastmem_type_walk(handle, NULL, NULL), 0, "walk");
	for (i = 0; i < n; i++)
		TEST_ASSERT(!object_is_built(objs[i]), "still constructed");
	for (round = 0; round < 3; round++) {
		TEST_ASSERT_SUCCESS(rte_fastmem_halloc_bulk(handle, objs, n,
			0), "cannot allocate");
		for (i = 0; i < n; i++)
			TEST_ASSERT(object_is_built(objs[i]), "not constructed");
		rte_fastmem_hfree_bulk(handle, objs, n);
		TEST_ASSERT_SUCCESS(rte_fastmem_type_flush(handle), "flush");
		/* others write over them */
		TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(objs, n, 1024, 0,
			RTE_FASTMEM_F_ZERO), "cannot allocate");
		rte_fastmem_free_bulk(objs, n);
		rte_fastmem_cache_flush();
	}
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	return destroy(handle) == 0 ? TEST_SUCCESS : TEST_FAILED;
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
	struct rte_fastmem_type_params params = params_built("limited", 1500);
	struct rte_fastmem_class_stats cs;
	rte_fastmem_handle_t handle;
	unsigned int i, j, n;

	for (i = 0; i < RTE_DIM(limits); i++) {
		for (j = 0; j < RTE_DIM(cache_sizes); j++) {
			n = limits[i];
			params.max_objs = n;
			params.cache_size = cache_sizes[j];
			if (create(&params, &handle) != 0)
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
			TEST_ASSERT_EQUAL(count(&counts[0].n_built), n,
				"%" PRIu64 " constructed of %u",
				count(&counts[0].n_built), n);
			rte_fastmem_hfree_bulk(handle, objs, n);
			/* others have their share, too */
			TEST_ASSERT_SUCCESS(rte_fastmem_type_flush(handle),
				"cannot flush");
			if (alloc_all(handle, n) != 0)
				return TEST_FAILED;
			rte_fastmem_hfree_bulk(handle, objs, n);
			if (destroy(handle) != 0)
				return TEST_FAILED;
			memset(counts, 0, sizeof(counts));
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
	struct rte_fastmem_type_params params = params_built("cached", 512);
	rte_fastmem_handle_t handle;
	unsigned int i, least;
	int n;

	for (i = 0; i < RTE_DIM(cache_sizes); i++) {
		params.max_objs = 1000;
		params.cache_size = cache_sizes[i];
		if (create(&params, &handle) != 0)
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
		if (destroy(handle) != 0)
			return TEST_FAILED;
	}
	return TEST_SUCCESS;
}

/* The functions which find out by themselves what an object is. */
static int
test_general(void)
{
	struct rte_fastmem_type_params params = params_built("general", 200);
	struct rte_fastmem_class_stats cs;
	rte_fastmem_handle_t handle;
	unsigned int n = 600, i;
	char *text;

	if (create(&params, &handle) != 0)
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
	TEST_ASSERT(object_is_built(objs[0]), "object was freed");

	rte_fastmem_free(objs[0]);
	rte_fastmem_free_sized(objs[2], 200, 0);
	/* freed sized as something else, it is what it is */
	rte_fastmem_free_sized(objs[4], 8, 8);
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
		object_ctor(objs[i], &counts[1]);
	rte_fastmem_hfree_bulk(handle, objs, 3);
	return destroy(handle) == 0 ? fastmem_test_all_back() : TEST_FAILED;
}

static int
check_stats(rte_fastmem_handle_t handle, uint64_t in_use, uint64_t allocs,
	uint64_t frees, uint64_t nomem)
{
	struct rte_fastmem_class_stats cs;
	struct rte_fastmem_stats stats;

	TEST_ASSERT_SUCCESS(rte_fastmem_type_stats(handle, &cs), "statistics");
	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&stats), "statistics");
	TEST_ASSERT(cs.in_use == in_use &&
		cs.alloc_cache_hits + cs.alloc_cache_misses == allocs &&
		cs.free_cache_hits + cs.free_cache_misses == frees &&
		cs.alloc_nomem == nomem, "%" PRIu64 " in use, %" PRIu64 " + %"
		PRIu64 " allocated, %" PRIu64 " + %" PRIu64 " freed, %" PRIu64
		" failed", cs.in_use, cs.alloc_cache_hits,
		cs.alloc_cache_misses, cs.free_cache_hits,
		cs.free_cache_misses, cs.alloc_nomem);
	TEST_ASSERT_EQUAL(stats.bytes_in_use, in_use * cs.class_size,
		"%" PRIu64 " B in use", stats.bytes_in_use);
	TEST_ASSERT_EQUAL(cs.slab_acquires - cs.slab_releases,
		cs.slabs_partial + cs.slabs_full, "%" PRIu64 " - %" PRIu64
		" slabs, %u + %u", cs.slab_acquires, cs.slab_releases,
		cs.slabs_partial, cs.slabs_full);
	return 0;
}

static int
test_stats(void)
{
	struct rte_fastmem_type_params params = params_built("counted", 1000);
	struct rte_fastmem_class_stats cs;
	struct rte_fastmem_stats before, after;
	rte_fastmem_handle_t handle;
	unsigned int i;

	params.max_objs = 2500;
	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&before), "statistics");
	if (create(&params, &handle) != 0 ||
			check_stats(handle, 0, 0, 0, 0) != 0)
		return TEST_FAILED;
	for (i = 0; i < 10; i++)
		objs[i] = rte_fastmem_halloc(handle, 0);
	if (check_stats(handle, 10, 10, 0, 0) != 0)
		return TEST_FAILED;
	TEST_ASSERT_SUCCESS(rte_fastmem_halloc_bulk(handle, &objs[10], 2400, 0),
		"cannot allocate");
	TEST_ASSERT_EQUAL(rte_fastmem_halloc_bulk(handle, &objs[2410], 100, 0),
		-ENOMEM, "more than the limit");
	if (check_stats(handle, 2410, 2410, 0, 100) != 0)
		return TEST_FAILED;
	TEST_ASSERT_SUCCESS(rte_fastmem_type_stats(handle, &cs), "statistics");
	TEST_ASSERT(cs.class_size == 1024 && cs.slab_acquires == 2 &&
		cs.slab_releases == 0, "%" PRIu64 " slabs", cs.slab_acquires);
	rte_fastmem_hfree_bulk(handle, &objs[10], 2400);
	for (i = 0; i < 9; i++)
		rte_fastmem_hfree(handle, objs[i]);
	if (check_stats(handle, 1, 2410, 2409, 100) != 0)
		return TEST_FAILED;
	TEST_ASSERT_SUCCESS(rte_fastmem_type_flush(handle), "cannot flush");
	if (check_stats(handle, 1, 2410, 2409, 100) != 0)
		return TEST_FAILED;
	TEST_ASSERT_SUCCESS(rte_fastmem_type_stats(handle, &cs), "statistics");
	TEST_ASSERT(cs.slab_releases == 1 && cs.slabs_partial == 1,
		"%" PRIu64 " slabs released", cs.slab_releases);
	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&after), "statistics");
	TEST_ASSERT(after.alloc_total - before.alloc_total == 2410 &&
		after.free_total - before.free_total == 2409 &&
		after.alloc_nomem - before.alloc_nomem == 100, "totals");

	/* a reset is one for types, too */
	rte_fastmem_stats_reset();
	TEST_ASSERT_SUCCESS(rte_fastmem_type_stats(handle, &cs), "statistics");
	TEST_ASSERT(cs.in_use == 1 && cs.slabs_partial == 1 &&
		cs.alloc_cache_hits + cs.alloc_cache_misses +
		cs.free_cache_hits + cs.free_cache_misses + cs.alloc_nomem +
		cs.slab_acquires + cs.slab_releases == 0,
		"counters were not reset");
	rte_fastmem_hfree(handle, objs[9]);
	return destroy(handle) == 0 ? TEST_SUCCESS : TEST_FAILED;
}

static int
test_destroy(void)
{
	struct rte_fastmem_type_params params = params_built("gone", 1000);
	rte_fastmem_handle_t handle;
	unsigned int i;

	if (create(&params, &handle) != 0)
		return TEST_FAILED;
	TEST_ASSERT_SUCCESS(rte_fastmem_halloc_bulk(handle, objs, 3000, 0),
		"cannot allocate");
	rte_fastmem_hfree_bulk(handle, &objs[1], 2999);
	for (i = 0; i < 3; i++) {
		TEST_ASSERT_EQUAL(rte_fastmem_type_destroy(handle), -EBUSY,
			"destroyed with an object in use");
		TEST_ASSERT(object_is_built(objs[0]), "object was destroyed");
		TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
		/* and it serves on */
		objs[1] = rte_fastmem_halloc(handle, 0);
		TEST_ASSERT(object_is_built(objs[1]), "not constructed");
		rte_fastmem_hfree(handle, objs[1]);
	}
	rte_fastmem_hfree(handle, objs[0]);
	if (destroy(handle) != 0)
		return TEST_FAILED;
	/* of the same name, and never used */
	if (create(&params, &handle) != 0)
		return TEST_FAILED;
	return destroy(handle) == 0 ? TEST_SUCCESS : TEST_FAILED;
}

/* Objects are taken back from those who have them, wherever they are. */
static int
test_purge(void)
{
	struct rte_fastmem_type_params params = params_built("purged", 1000);
	rte_fastmem_handle_t handle;
	unsigned int round, n;

	if (create(&params, &handle) != 0)
		return TEST_FAILED;
	TEST_ASSERT_EQUAL(rte_fastmem_type_purge(handle), 0, "none was there");
	for (round = 0; round < 3; round++) {
		TEST_ASSERT_SUCCESS(rte_fastmem_halloc_bulk(handle, objs, 3000,
			0), "cannot allocate");
		n = round * 1000;
		rte_fastmem_hfree_bulk(handle, &objs[3000 - n], n);
		TEST_ASSERT_EQUAL(rte_fastmem_type_purge(handle), 3000 - n,
			"not as many as allocated");
		TEST_ASSERT_EQUAL(rte_fastmem_type_walk(handle, NULL, NULL), 0,
			"objects are left");
		TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
		if (check_stats(handle, 0, (round + 1) * 3000,
				(round + 1) * 3000, 0) != 0)
			return TEST_FAILED;
	}
	return destroy(handle) == 0 ? fastmem_test_all_back() : TEST_FAILED;
}

struct ranges {
	unsigned int n;
	struct {
		uintptr_t addr;
		rte_iova_t iova;
		size_t len;
	} r[256];
	unsigned int n_unordered;
};

static void
add_range(void *addr, rte_iova_t iova, size_t len, void *arg)
{
	struct ranges *ranges = arg;
	unsigned int n = ranges->n++;

	if (n >= RTE_DIM(ranges->r))
		return;
	ranges->r[n].addr = (uintptr_t)addr;
	ranges->r[n].iova = iova;
	ranges->r[n].len = len;
	if (n > 0 && (uintptr_t)addr < ranges->r[n - 1].addr +
			ranges->r[n - 1].len)
		ranges->n_unordered++;
}

static bool
in_ranges(const struct ranges *ranges, const void *obj, size_t size)
{
	unsigned int i;

	for (i = 0; i < ranges->n; i++)
		if ((uintptr_t)obj >= ranges->r[i].addr && (uintptr_t)obj + size
				<= ranges->r[i].addr + ranges->r[i].len)
			return ranges->r[i].iova == RTE_BAD_IOVA ||
				rte_fastmem_virt2iova(obj) == ranges->r[i].iova +
				((uintptr_t)obj - ranges->r[i].addr);
	return false;
}

static size_t
ranges_bytes(const struct ranges *ranges)
{
	size_t bytes = 0;
	unsigned int i;

	for (i = 0; i < ranges->n; i++)
		bytes += ranges->r[i].len;
	return bytes;
}

/* All objects lie in memory that was there, and that memory stays. */
static int
test_fixed_memory(void)
{
	struct rte_fastmem_type_params params = params_built("fixed", 4000);
	int socket_id = fastmem_test_socket();
	static struct ranges ranges, again;
	rte_fastmem_handle_t handles[3], plain;
	unsigned int n, i, others;
	void *large[20];
	uint64_t backing;

	TEST_ASSERT_SUCCESS(create(&params, &plain), "plain");
	TEST_ASSERT_EQUAL(rte_fastmem_type_mem_walk(plain, NULL, NULL), -EINVAL,
		"memory that is not fixed");
	/* none is there yet, or next to none */
	params.fixed_memory = 1;
	params.name = "first";
	backing = fastmem_test_backing();
	TEST_ASSERT_SUCCESS(create(&params, &handles[0]), "first");
	memset(&ranges, 0, sizeof(ranges));
	TEST_ASSERT_EQUAL(rte_fastmem_type_mem_walk(handles[0], add_range,
		&ranges), (int)ranges.n, "number of ranges");
	TEST_ASSERT(ranges_bytes(&ranges) <= RTE_MAX(backing,
		FASTMEM_TEST_SLAB_SIZE), "too much memory");
	n = 0;
	while (n < MAX_OBJS && (objs[n] = rte_fastmem_halloc(handles[0], 0)) !=
			NULL)
		n++;
	for (i = 0; i < n; i++)
		TEST_ASSERT(in_ranges(&ranges, objs[i], 4032), "elsewhere");
	rte_fastmem_hfree_bulk(handles[0], objs, n);

	/* on top of what has come meanwhile, with others growing on */
	others = 0;
	while (others < 4) {
		large[others] = rte_fastmem_alloc(FASTMEM_TEST_MAX_SIZE, 0, 0);
		TEST_ASSERT_NOT_NULL(large[others++], "no memory");
	}
	params.name = "second";
	params.fixed_memory = 4 * FASTMEM_TEST_MAX_SIZE;
	TEST_ASSERT_SUCCESS(create(&params, &handles[1]), "second");
	memset(&ranges, 0, sizeof(ranges));
	rte_fastmem_type_mem_walk(handles[1], add_range, &ranges);
	TEST_ASSERT(ranges.n > 0 && ranges.n_unordered == 0, "%u ranges",
		ranges.n);
	TEST_ASSERT(ranges_bytes(&ranges) >= 4 * FASTMEM_TEST_MAX_SIZE &&
		ranges_bytes(&ranges) <= fastmem_test_backing(), "%zu B",
		ranges_bytes(&ranges));
	while (others < RTE_DIM(large)) {
		large[others] = rte_fastmem_alloc(FASTMEM_TEST_MAX_SIZE, 0, 0);
		TEST_ASSERT_NOT_NULL(large[others++], "no memory");
	}
	rte_fastmem_free_bulk(large, others);
	rte_fastmem_cache_flush();
	n = 0;
	while (n < MAX_OBJS && (objs[n] = rte_fastmem_halloc(handles[1], 0)) !=
			NULL)
		n++;
	TEST_ASSERT(n >= 500 && n <= ranges_bytes(&ranges) / 4032,
		"%u objects in %zu B", n, ranges_bytes(&ranges));
	for (i = 0; i < n; i++)
		TEST_ASSERT(in_ranges(&ranges, objs[i], 4032), "elsewhere");
	rte_fastmem_hfree_bulk(handles[1], objs, n);

	/* memory is taken for it if it has to be */
	params.name = "third";
	params.fixed_memory = fastmem_test_backing() + 3 *
		FASTMEM_TEST_SLAB_SIZE - 1;
	backing = fastmem_test_backing();
	TEST_ASSERT_SUCCESS(create(&params, &handles[2]), "third");
	TEST_ASSERT_EQUAL(fastmem_test_backing(), backing + 3 *
		FASTMEM_TEST_SLAB_SIZE, "other growth");
	TEST_ASSERT_SUCCESS(rte_fastmem_type_destroy(handles[2]), "destroy");
	TEST_ASSERT_SUCCESS(fastmem_test_limit(fastmem_test_backing()), "limit");
	params.fixed_memory = fastmem_test_backing() + 1;
	TEST_ASSERT_EQUAL(rte_fastmem_type_create(&params, &handles[2]),
		-ENOMEM, "more than the limit");
	params.fixed_memory = SIZE_MAX;
	TEST_ASSERT_EQUAL(rte_fastmem_type_create(&params, &handles[2]),
		-ENOMEM, "all memory");

	/* what is known to devices is not trimmed, what is not is */
	backing = fastmem_test_backing();
	TEST_ASSERT_SUCCESS(rte_fastmem_trim(socket_id, NULL), "trim");
	TEST_ASSERT(fastmem_test_backing() < backing, "nothing was trimmed");
	memset(&again, 0, sizeof(again));
	rte_fastmem_type_mem_walk(handles[1], add_range, &again);
	TEST_ASSERT(memcmp(&again, &ranges, sizeof(ranges)) == 0,
		"other memory");
	for (i = 0; i < 3; i++) {
		TEST_ASSERT_SUCCESS(rte_fastmem_halloc_bulk(handles[1], objs,
			n, 0), "less memory");
		rte_fastmem_hfree_bulk(handles[1], objs, n);
	}
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	TEST_ASSERT_SUCCESS(rte_fastmem_type_destroy(handles[0]), "destroy");
	TEST_ASSERT_SUCCESS(rte_fastmem_type_destroy(handles[1]), "destroy");
	if (destroy(plain) != 0)
		return TEST_FAILED;
	TEST_ASSERT_SUCCESS(rte_fastmem_trim(socket_id, NULL), "trim");
	/* but for what serves as meta memory */
	TEST_ASSERT(fastmem_test_backing() < ranges_bytes(&ranges),
		"memory stays");
	return fastmem_test_all_back();
}

/* Types come and go in the same place, and so do the caches of their objects. */
static int
test_cycles(void)
{
	struct rte_fastmem_type_params params;
	rte_fastmem_handle_t handle;
	uint64_t state = 1, total = 0;
	struct rte_fastmem_stats stats;
	unsigned int i, n;
	size_t size;

	for (i = 0; i < N_CYCLES; i++) {
		size = 32 + fastmem_test_rand(&state) % (i % 4 == 0 ? 200000 :
			4000);
		params = params_built("cycle", size);
		params.cache_size = fastmem_test_rand(&state) % 600;
		if (create(&params, &handle) != 0)
			return TEST_FAILED;
		n = RTE_MIN(BUDGET / 2 / size, (size_t)1500);
		TEST_ASSERT_SUCCESS(rte_fastmem_halloc_bulk(handle, objs, n,
			0), "cannot allocate");
		TEST_ASSERT_EQUAL(rte_fastmem_usable_size(objs[0]),
			size_of(size, 0), "size of another type");
		if (check_stats(handle, n, n, 0, 0) != 0)
			return TEST_FAILED;
		if (i % 10 == 0)
			TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
		rte_fastmem_hfree_bulk(handle, objs, n);
		if (check_stats(handle, 0, n, n, 0) != 0 || destroy(handle) != 0)
			return TEST_FAILED;
		if (i % 10 == 0)
			TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
		total += n;
	}
	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&stats), "statistics");
	TEST_ASSERT(stats.alloc_total == total && stats.free_total == total &&
		stats.bytes_in_use == 0, "%" PRIu64 " allocated of %" PRIu64,
		stats.alloc_total, total);
	return fastmem_test_all_back();
}

static int
test_many(void)
{
	struct rte_fastmem_type_params params;
	rte_fastmem_handle_t handles[MAX_TYPES], handle;
	char name[32];
	unsigned int i;

	for (i = 0; i < MAX_TYPES; i++) {
		snprintf(name, sizeof(name), "type%u", i);
		params = params_of(name, 32 + 8 * i, 8);
		if (create(&params, &handles[i]) != 0)
			return TEST_FAILED;
	}
	params.name = "one_more";
	TEST_ASSERT_EQUAL(rte_fastmem_type_create(&params, &handle), -ENOSPC,
		"too many types");
	for (i = 0; i < MAX_TYPES; i++) {
		snprintf(name, sizeof(name), "type%u", i);
		TEST_ASSERT_SUCCESS(rte_fastmem_type_lookup(name, &handle),
			"lookup");
		TEST_ASSERT_EQUAL(handle, handles[i], "another one");
		/* a slab for each */
		objs[i] = i % 8 == 0 ? rte_fastmem_halloc(handle, 0) : NULL;
		TEST_ASSERT(objs[i] == NULL || rte_fastmem_usable_size(objs[i])
			== 32 + 8 * i, "usable size");
	}
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	/* a free place serves again, with the others in use */
	TEST_ASSERT_SUCCESS(rte_fastmem_type_destroy(handles[33]), "destroy");
	if (create(&params, &handles[33]) != 0)
		return TEST_FAILED;
	for (i = 0; i < MAX_TYPES; i++) {
		rte_fastmem_hfree(handles[i], objs[i]);
		TEST_ASSERT_SUCCESS(rte_fastmem_type_destroy(handles[i]),
			"destroy");
	}
	return fastmem_test_all_back();
}

/* When memory is short, what types hold idle serves others, destroyed before. */
static int
test_shortage(void)
{
	struct rte_fastmem_type_params params = params_built("idle", 4000);
	rte_fastmem_handle_t handle;
	unsigned int n = 0;

	TEST_ASSERT_SUCCESS(fastmem_test_limit(8 << 20), "limit");
	if (create(&params, &handle) != 0)
		return TEST_FAILED;
	while (n < MAX_OBJS && (objs[n] = rte_fastmem_halloc(handle, 0)) != NULL)
		n++;
	TEST_ASSERT(n > 1000 && n <= 2080, "%u objects in 8 MiB", n);
	TEST_ASSERT_NULL(rte_fastmem_alloc(FASTMEM_TEST_MAX_SIZE / 2, 0, 0),
		"more than 8 MiB");
	rte_fastmem_hfree_bulk(handle, objs, n);
	/* but for what is in the cache, see rte_fastmem_cache_flush() */
	n = 0;
	while ((objs[n] = rte_fastmem_alloc(65536, 0, 0)) != NULL)
		n++;
	TEST_ASSERT(n >= 32, "%u objects of 64 KiB", n);
	TEST_ASSERT(count(&counts[0].n_gone) >= n * 16, "%" PRIu64
		" destroyed", count(&counts[0].n_gone));
	rte_fastmem_free_bulk(objs, n);
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	return destroy(handle) == 0 ? fastmem_test_all_back() : TEST_FAILED;
}

enum task { TASK_USE, TASK_KEEP };

/* In the secondary process. */
static int
peer(uint32_t task, void *data)
{
	struct rte_fastmem_type_params params = params_of("new", 8, 0);
	struct rte_fastmem_class_stats cs;
	rte_fastmem_handle_t handle;
	unsigned int i;

	shared = data;
	TEST_ASSERT_SUCCESS(rte_fastmem_init(), "cannot attach");
	TEST_ASSERT_EQUAL(rte_fastmem_type_lookup("none", &handle), -ENOENT,
		"no such type");
	TEST_ASSERT_SUCCESS(rte_fastmem_type_lookup("shared", &handle),
		"lookup");
	TEST_ASSERT_EQUAL(handle, shared->handle, "other handle");
	TEST_ASSERT_EQUAL(rte_fastmem_type_create(&params, &handle), -ENOTSUP,
		"created");
	TEST_ASSERT_EQUAL(rte_fastmem_type_destroy(handle), -ENOTSUP, "destroyed");
	TEST_ASSERT_EQUAL(rte_fastmem_type_purge(handle), -ENOTSUP, "purged");
	TEST_ASSERT_EQUAL(rte_fastmem_type_walk(handle, NULL, NULL), -ENOTSUP,
		"walked");
	/* what the primary has allocated, it frees, in all ways */
	for (i = 0; i < shared->n; i++) {
		TEST_ASSERT(object_is_built(shared->objs[i]) &&
			rte_fastmem_usable_size(shared->objs[i]) == 1024,
			"object of the primary process");
		if (i % 2 == 0)
			rte_fastmem_free(shared->objs[i]);
		else
			rte_fastmem_hfree(handle, shared->objs[i]);
	}
	for (i = 0; i < 3; i++) {
		TEST_ASSERT_SUCCESS(rte_fastmem_halloc_bulk(handle, objs, 1000,
			0), "cannot allocate");
		rte_fastmem_hfree_bulk(handle, objs, 1000);
		TEST_ASSERT_SUCCESS(rte_fastmem_type_flush(handle), "flush");
	}
	TEST_ASSERT_EQUAL(rte_fastmem_halloc_bulk(handle, objs, 1001, 0),
		-ENOMEM, "more than the limit");
	TEST_ASSERT_SUCCESS(rte_fastmem_halloc_bulk(handle, shared->objs, 256,
		0), "cannot allocate");
	for (i = 0; i < 256; i++)
		TEST_ASSERT(object_is_built(shared->objs[i]), "not constructed");
	TEST_ASSERT_SUCCESS(rte_fastmem_type_stats(handle, &cs), "statistics");
	TEST_ASSERT_EQUAL(cs.in_use, 256, "%" PRIu64 " in use", cs.in_use);
	shared->n = 256;
	if (task == TASK_USE) {
		rte_fastmem_hfree_bulk(handle, shared->objs, shared->n);
		shared->n = 0;
	}
	rte_fastmem_deinit();
	return 0;
}

static int
run_peer(enum task task)
{
	struct rte_fastmem_type_params params = params_built("shared", 1000);
	int ret;

	params.max_objs = 1000;
	if (create(&params, &shared->handle) != 0)
		return TEST_FAILED;
	shared->n = 100;
	TEST_ASSERT_SUCCESS(rte_fastmem_halloc_bulk(shared->handle,
		shared->objs, shared->n, 0), "cannot allocate");
	TEST_ASSERT_SUCCESS(rte_fastmem_type_flush(shared->handle), "flush");
	ret = fastmem_test_peer_run(COMMAND, task);
	if (ret == TEST_FAILED)
		return ret;
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	rte_fastmem_hfree_bulk(shared->handle, shared->objs, shared->n);
	return destroy(shared->handle) == 0 ? ret : TEST_FAILED;
}

static int
test_secondary(void)
{
	int ret;

	ret = fastmem_test_peer_setup(sizeof(*shared), (void **)&shared);
	if (ret != TEST_SUCCESS)
		return ret;
	ret = run_peer(TASK_USE);
	if (ret == TEST_SUCCESS)
		ret = run_peer(TASK_KEEP);
	fastmem_test_peer_teardown();
	return ret == TEST_SUCCESS ? fastmem_test_all_back() : ret;
}

static struct fastmem_test_mailbox mailbox;
static rte_fastmem_handle_t stress_handles[STRESS_TYPES];
static RTE_ATOMIC(uint32_t) stop;

/* Take an object: it is constructed, and nobody else has it. */
static bool
own(struct object *obj, uint32_t owner)
{
	return object_is_built(obj) && rte_atomic_exchange_explicit(&obj->owner,
		owner, rte_memory_order_relaxed) == 0;
}

static bool
disown(struct object *obj, uint32_t owner)
{
	return object_is_built(obj) && rte_atomic_exchange_explicit(&obj->owner,
		0, rte_memory_order_relaxed) == owner;
}

static int
stress_bulk(uint64_t *state, uint32_t owner)
{
	rte_fastmem_handle_t handle;
	struct object *mine[STRESS_LIVE];
	unsigned int n = 1 + fastmem_test_rand(state) % STRESS_LIVE, i;

	handle = stress_handles[fastmem_test_rand(state) % STRESS_TYPES];
	if (rte_fastmem_halloc_bulk(handle, (void **)mine, n, 0) != 0)
		return 0;
	for (i = 0; i < n; i++)
		TEST_ASSERT(own(mine[i], owner), "object is another's");
	for (i = 0; i < n; i++)
		TEST_ASSERT(disown(mine[i], owner), "object was taken");
	if (n % 3 == 0)
		rte_fastmem_free_bulk((void **)mine, n);
	else
		rte_fastmem_hfree_bulk(handle, (void **)mine, n);
	return 0;
}

/* Objects wander from one lcore to another in between. */
static int
stress_send(uint64_t *state, uint32_t owner)
{
	struct object *obj;

	obj = rte_fastmem_halloc(stress_handles[fastmem_test_rand(state) %
		STRESS_TYPES], 0);
	if (obj != NULL) {
		TEST_ASSERT(own(obj, owner), "object is another's");
		TEST_ASSERT(disown(obj, owner), "object was taken");
		if (!fastmem_test_mailbox_put(&mailbox,
				fastmem_test_rand(state), obj))
			rte_fastmem_free(obj);
	}
	obj = fastmem_test_mailbox_get(&mailbox, fastmem_test_rand(state));
	if (obj != NULL) {
		TEST_ASSERT(own(obj, owner), "object is another's");
		TEST_ASSERT(disown(obj, owner), "object was taken");
		rte_fastmem_free(obj);
	}
	return 0;
}

static int
stress(void *arg)
{
	uint64_t state = (uintptr_t)arg * UINT64_C(0x9e3779b97f4a7c15) | 1;
	uint32_t owner = (uintptr_t)arg;
	int ret = 0;

	while (ret == 0 && rte_atomic_load_explicit(&stop,
			rte_memory_order_relaxed) == 0) {
		ret = fastmem_test_rand(&state) % 2 == 0 ?
			stress_bulk(&state, owner) : stress_send(&state, owner);
		if (fastmem_test_rand(&state) % STRESS_FLUSHES == 0)
			rte_fastmem_type_flush(stress_handles[
				fastmem_test_rand(&state) % STRESS_TYPES]);
	}
	rte_fastmem_cache_flush();
	return ret;
}

static int
test_stress(void)
{
	static const size_t sizes[STRESS_TYPES] = { 24, 1000, 30000 };
	struct rte_fastmem_type_params params;
	unsigned int lcore_id, i;
	uint64_t end;
	int ret = 0;
	void *obj;

	memset(&mailbox, 0, sizeof(mailbox));
	rte_atomic_store_explicit(&stop, 0, rte_memory_order_relaxed);
	for (i = 0; i < STRESS_TYPES; i++) {
		params = params_built(i == 0 ? "one" : i == 1 ? "two" : "three",
			sizes[i]);
		params.arg = &counts[i];
		params.cache_size = i == 1 ? 16 : 0;
		params.max_objs = i == 1 ? 150 : 0;
		if (create(&params, &stress_handles[i]) != 0)
			return TEST_FAILED;
	}
	RTE_LCORE_FOREACH_WORKER(lcore_id)
		TEST_ASSERT_SUCCESS(rte_eal_remote_launch(stress,
			(void *)(uintptr_t)(lcore_id + 1), lcore_id), "launch");
	end = rte_get_timer_cycles() + rte_get_timer_hz() *
		fastmem_test_env("FASTMEM_TEST_SECONDS", 2);
	while (ret == 0 && rte_get_timer_cycles() < end) {
		uint64_t state = end;

		for (i = 0; i < 100 && ret == 0; i++)
			ret = stress_bulk(&state, rte_lcore_id() + 1) |
				stress_send(&state, rte_lcore_id() + 1);
		for (i = 0; i < STRESS_TYPES && ret == 0; i++)
			rte_fastmem_type_walk(stress_handles[i], NULL, NULL);
	}
	rte_atomic_store_explicit(&stop, 1, rte_memory_order_relaxed);
	RTE_LCORE_FOREACH_WORKER(lcore_id)
		ret |= rte_eal_wait_lcore(lcore_id);
	while ((obj = fastmem_test_mailbox_get(&mailbox, 0)) != NULL)
		rte_fastmem_free(obj);
	TEST_ASSERT_SUCCESS(ret, "an lcore failed");
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	for (i = 0; i < STRESS_TYPES; i++) {
		TEST_ASSERT_SUCCESS(rte_fastmem_type_destroy(stress_handles[i]),
			"objects are missing");
		TEST_ASSERT(count(&counts[i].n_built) ==
			count(&counts[i].n_gone) && count(&counts[i].n_wrong)
			== 0, "%" PRIu64 " constructed, %" PRIu64
			" destroyed, %" PRIu64 " wrongly",
			count(&counts[i].n_built), count(&counts[i].n_gone),
			count(&counts[i].n_wrong));
	}
	return fastmem_test_all_back();
}

static struct unit_test_suite fastmem_type_testsuite = {
	.suite_name = "fastmem types",
	.unit_test_cases = {
		TEST_CASE_ST(setup, fastmem_test_teardown, test_create),
		TEST_CASE_ST(setup, fastmem_test_teardown, test_handles),
		TEST_CASE_ST(setup, fastmem_test_teardown, test_not_initialized),
		TEST_CASE_ST(setup, fastmem_test_teardown, test_sizes),
		TEST_CASE_ST(setup, fastmem_test_teardown, test_constructor),
		TEST_CASE_ST(setup, fastmem_test_teardown, test_max_objs),
		TEST_CASE_ST(setup, fastmem_test_teardown, test_cache_size),
		TEST_CASE_ST(setup, fastmem_test_teardown, test_general),
		TEST_CASE_ST(setup, fastmem_test_teardown, test_stats),
		TEST_CASE_ST(setup, fastmem_test_teardown, test_destroy),
		TEST_CASE_ST(setup, fastmem_test_teardown, test_purge),
		TEST_CASE_ST(setup, fastmem_test_teardown, test_fixed_memory),
		TEST_CASE_ST(setup, fastmem_test_teardown, test_cycles),
		TEST_CASE_ST(setup, fastmem_test_teardown, test_many),
		TEST_CASE_ST(setup, fastmem_test_teardown, test_shortage),
		TEST_CASE_ST(setup, fastmem_test_teardown_shared,
			test_secondary),
		TEST_CASE_ST(setup, fastmem_test_teardown, test_stress),
		TEST_CASES_END()
	}
};

static int
test_fastmem_type(void)
{
	if (rte_eal_process_type() == RTE_PROC_SECONDARY)
		return fastmem_test_peer_main(peer);
	return fastmem_test_run(&fastmem_type_testsuite);
}

REGISTER_FAST_TEST(fastmem_type_autotest, NOHUGE_OK, ASAN_OK, test_fastmem_type);
