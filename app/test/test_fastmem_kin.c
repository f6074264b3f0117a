/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Part of fastmem_autotest: objects aligned to their size and others of their
 * class. The former serve as the latter too, but not the other way round.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_memory.h>

#include "test_fastmem_stats.h"
#include "test_fastmem_util.h"

#define SLAB FASTMEM_TEST_SLAB_SIZE
#define LIMIT (4 * SLAB)
#define MAX_OBJS (LIMIT / 128)
#define N_SOME 10u

static const size_t sizes[] = { 128, 1024, 4096, 16384 };

static void **objs, **others;

static int
setup(void)
{
	objs = calloc(MAX_OBJS, sizeof(*objs));
	others = calloc(MAX_OBJS, sizeof(*others));
	TEST_ASSERT(objs != NULL && others != NULL, "no memory");
	return fastmem_test_setup();
}

static int
setup_limited(void)
{
	TEST_ASSERT_SUCCESS(setup(), "setup failed");
	return fastmem_test_limit(LIMIT);
}

static void
teardown(void)
{
	free(objs);
	free(others);
	fastmem_test_teardown();
}

/* Tell if two arrays have the same objects; both are sorted. */
static bool
same_objects(void **a, void **b, unsigned int n)
{
	fastmem_test_sort(a, n);
	fastmem_test_sort(b, n);
	return memcmp(a, b, n * sizeof(a[0])) == 0;
}

/* The number of objects that two arrays, of different objects, have both. */
static unsigned int
n_common(void **a, void **b, unsigned int n)
{
	unsigned int i = 0, j = 0, common = 0;

	fastmem_test_sort(a, n);
	fastmem_test_sort(b, n);
	while (i < n && j < n) {
		common += a[i] == b[j];
		if ((uintptr_t)a[i] < (uintptr_t)b[j])
			i++;
		else
			j++;
	}
	return common;
}

enum way {
	WAY_FREE,
	WAY_SIZED,
	WAY_BULK,
	WAY_ALIGNED_HANDLE,
	WAY_ALIGNED_HANDLE_BULK,
	WAY_SIZED_AS_PLAIN,
	/* from here on they go where other objects do */
	WAY_PLAIN_HANDLE,
	WAY_PLAIN_HANDLE_BULK,
	WAY_CONSTANT_AS_PLAIN,
	N_WAYS
};

static int
free_by(enum way way, void **ptrs, unsigned int n, size_t size)
{
	rte_fastmem_handle_t plain, aligned;
	unsigned int i;

	TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(size, 8, fastmem_test_socket(),
		&plain), "no handle");
	TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(size, 128,
		fastmem_test_socket(), &aligned), "no handle");
	switch (way) {
	case WAY_BULK:
		rte_fastmem_free_bulk(ptrs, n);
		return 0;
	case WAY_ALIGNED_HANDLE_BULK:
		rte_fastmem_hfree_bulk(aligned, ptrs, n);
		return 0;
	case WAY_PLAIN_HANDLE_BULK:
		rte_fastmem_hfree_bulk(plain, ptrs, n);
		return 0;
	default:
		break;
	}
	for (i = 0; i < n; i++) {
		if (way == WAY_FREE)
			rte_fastmem_free(ptrs[i]);
		else if (way == WAY_SIZED)
			rte_fastmem_free_sized(ptrs[i], size, size);
		else if (way == WAY_SIZED_AS_PLAIN)
			rte_fastmem_free_sized(ptrs[i], size - 1, 0);
		else if (way == WAY_CONSTANT_AS_PLAIN)
			fastmem_test_free_constant(ptrs[i], size);
		else
			rte_fastmem_hfree(way == WAY_PLAIN_HANDLE ? plain :
				aligned, ptrs[i]);
	}
	return 0;
}

static int
alloc_n(void **ptrs, unsigned int n, size_t size, size_t align)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		ptrs[i] = rte_fastmem_alloc(size, align, 0);
		TEST_ASSERT_NOT_NULL(ptrs[i], "object %u of %zu B", i, size);
		if (fastmem_test_check_object(ptrs[i], size, align) != 0)
			return -1;
		fastmem_test_fill(ptrs[i], size, 5);
	}
	for (i = 0; i < n; i++)
		TEST_ASSERT_SUCCESS(fastmem_test_check(ptrs[i], size, 5),
			"object %u of %zu B", i, size);
	return 0;
}

/*
 * Aligned objects are freed in a way, allocated again as others if that way
 * says so, freed once more and allocated as aligned ones.
 */
static int
check_journey(size_t size, enum way way)
{
	unsigned int n = RTE_MIN(((size_t)1 << 20) / size - 2, (size_t)300);
	struct fastmem_test_snapshot a, b;

	if (alloc_n(objs, n, size, size) != 0 ||
			fastmem_test_snap(size, &a) != 0 ||
			free_by(way, objs, n, size) != 0 ||
			fastmem_test_snap(size, &b) != 0 ||
			fastmem_test_main_only(&a, &b, 0, n) != 0)
		return -1;
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "freed");

	if (alloc_n(others, n, size, 8) != 0 ||
			fastmem_test_snap(size, &a) != 0 ||
			fastmem_test_main_only(&b, &a, n, 0) != 0)
		return -1;
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "allocated");
	if (way < WAY_PLAIN_HANDLE) {
		TEST_ASSERT_EQUAL(n_common(objs, others, n), 0,
			"aligned objects of %zu B served others", size);
		fastmem_test_free_all(others, n);
	} else {
		TEST_ASSERT(same_objects(objs, others, n),
			"not the last ones freed");
		/* each goes where objects of its slab belong */
		fastmem_test_free_all(others, n);
	}
	if (alloc_n(others, n, size, 128) != 0)
		return -1;
	TEST_ASSERT(same_objects(objs, others, n), "not the last ones freed");
	rte_fastmem_free_bulk(others, n);
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "at the end");
	TEST_ASSERT_EQUAL(fastmem_test_in_use(size), 0, "in use");
	return fastmem_test_all_back();
}

/* All objects of the slabs are where others are, and go back from there. */
static int
check_way_back(size_t size, enum way way)
{
	unsigned int n = RTE_MIN(((size_t)1 << 20) / size - 2, (size_t)300);

	if (alloc_n(objs, n, size, size) != 0)
		return -1;
	rte_fastmem_cache_flush();
	if (free_by(way, objs, n, size) != 0)
		return -1;
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "freed");
	if (fastmem_test_all_back() != 0)
		return -1;
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "flushed");
	return 0;
}

static int
test_journeys(void)
{
	const bool believes = fastmem_test_believes_constants();
	unsigned int i;
	enum way way;

	rte_fastmem_cache_flush();
	for (i = 0; i < RTE_DIM(sizes); i++)
		for (way = 0; way < N_WAYS; way++) {
			if (way == WAY_CONSTANT_AS_PLAIN && !believes)
				continue;
			if (check_journey(sizes[i], way) != 0 ||
					check_way_back(sizes[i], way) != 0)
				TEST_ASSERT(0, "%zu B, way %u", sizes[i], way);
		}
	return TEST_SUCCESS;
}

struct job {
	size_t size;
	unsigned int n;
	enum way way;
};

static int
run_job(void *arg)
{
	struct job *job = arg;

	if (free_by(job->way, objs, job->n, job->size) != 0)
		return -1;
	TEST_ASSERT_EQUAL(fastmem_test_in_use(job->size), 0, "in use");
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "freed");
	return alloc_n(others, job->n, job->size, 8);
}

/* The same between threads: by way of another thread's or lcore's cache. */
static int
check_threads(size_t size, int (*in)(int (*fn)(void *arg), void *arg),
	enum way way)
{
	struct job job = { .size = size, .way = way, .n = 40 };
	unsigned int common;

	if (alloc_n(objs, job.n, size, size) != 0)
		return -1;
	TEST_ASSERT_SUCCESS(in(run_job, &job), "cannot serve");
	TEST_ASSERT_EQUAL(fastmem_test_in_use(size), job.n, "in use");
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "allocated");
	common = n_common(objs, others, job.n);
	TEST_ASSERT_EQUAL(common, way < WAY_PLAIN_HANDLE ? 0 : job.n,
		"%u objects of %zu B served again", common, size);
	rte_fastmem_free_bulk(others, job.n);
	return fastmem_test_all_back();
}

static int
test_threads(void)
{
	unsigned int i;
	enum way way;

	/* a thread's first call looks up what is freed as of a constant size */
	for (i = 0; i < RTE_DIM(sizes); i++)
		for (way = 0; way < WAY_CONSTANT_AS_PLAIN; way++)
			if (check_threads(sizes[i], fastmem_test_in_thread, way)
					!= 0 || check_threads(sizes[i],
					fastmem_test_elsewhere, way) != 0)
				TEST_ASSERT(0, "%zu B, way %u", sizes[i], way);
	return TEST_SUCCESS;
}

/* Slabs of both kinds of objects are counted as the class's. */
static int
test_slabs_counted(void)
{
	struct rte_fastmem_class_stats cs;

	objs[0] = rte_fastmem_alloc(512, 8, 0);
	objs[1] = rte_fastmem_alloc(512, 512, 0);
	TEST_ASSERT(objs[0] != NULL && objs[1] != NULL, "cannot allocate");
	TEST_ASSERT((uintptr_t)objs[0] / SLAB != (uintptr_t)objs[1] / SLAB,
		"both in one slab");
	TEST_ASSERT_SUCCESS(rte_fastmem_stats_class(512, &cs), "no statistics");
	TEST_ASSERT(cs.in_use == 2 && cs.slab_acquires == 2 &&
		cs.slab_releases == 0 && cs.slabs_partial == 2 &&
		cs.slabs_full == 0 && cs.alloc_cache_misses == 2,
		"%" PRIu64 " objects, %" PRIu64 " slabs", cs.in_use,
		cs.slab_acquires);
	rte_fastmem_stats_reset();
	free_by(WAY_PLAIN_HANDLE, objs, 2, 512);
	rte_fastmem_cache_flush();
	TEST_ASSERT_SUCCESS(rte_fastmem_stats_class(512, &cs), "no statistics");
	TEST_ASSERT(cs.in_use == 0 && cs.slab_acquires == 0 &&
		cs.slab_releases == 2 && cs.slabs_partial == 0 &&
		cs.free_cache_hits == 2 && cs.free_cache_misses == 0 &&
		cs.alloc_cache_misses == 0, "%" PRIu64 " slabs released",
		cs.slab_releases);
	return fastmem_test_all_back();
}

/* Allocate until there is no memory; returns how many. */
static unsigned int
exhaust(void **ptrs, size_t max, size_t size, size_t align)
{
	unsigned int bulk = 256, n = 0;

	while (bulk > 0) {
		if (n + bulk > max || rte_fastmem_alloc_bulk(&ptrs[n], bulk,
				size, align, 0) != 0)
			bulk /= 2;
		else
			n += bulk;
	}
	return n;
}

/* All failures, and those of one kind of threads. */
static int
nomem_of(size_t size, bool shared, uint64_t *nomem)
{
	struct fastmem_test_snapshot s;

	if (fastmem_test_snap(size, &s) != 0)
		return -1;
	*nomem = s.all.alloc_nomem;
	TEST_ASSERT(*nomem == s.class.alloc_nomem &&
		s.lcore.alloc_nomem == s.lcore_class.alloc_nomem &&
		s.shared.alloc_nomem == s.shared_class.alloc_nomem &&
		s.lcore.alloc_nomem + s.shared.alloc_nomem == *nomem,
		"statistics of failures differ");
	TEST_ASSERT_EQUAL(*nomem, shared ? s.shared.alloc_nomem :
		s.lcore.alloc_nomem, "counted elsewhere");
	return 0;
}

/* Allocate an object that need not be aligned, in one of several ways. */
static void *
alloc_plain(size_t size, unsigned int way)
{
	rte_fastmem_handle_t handle = 0;
	int socket_id = fastmem_test_socket();
	void *obj = NULL;

	rte_fastmem_hlookup(size, 8, socket_id, &handle);
	rte_errno = ENOMEM;
	switch (way % 6) {
	case 0:
		return rte_fastmem_alloc(size, 8, 0);
	case 1:
		return rte_fastmem_alloc(size, 0, RTE_FASTMEM_F_NO_GROW);
	case 2:
		return rte_fastmem_alloc_socket(size, 8, RTE_FASTMEM_F_ZERO,
			socket_id);
	case 3:
		return rte_fastmem_halloc(handle, 0);
	case 4:
		return rte_fastmem_halloc_bulk(handle, &obj, 1, 0) == 0 ? obj :
			NULL;
	default:
		return rte_fastmem_realloc(NULL, size, 8);
	}
}

struct shortage {
	size_t size;
	bool shared;
};

/* All memory is in aligned objects, some of which are freed. */
static int
check_shortage(const struct shortage *s)
{
	struct rte_fastmem_class_stats cs;
	uint64_t nomem, now;
	unsigned int n, i, way;
	void *ptrs[N_SOME + 1];

	rte_fastmem_stats_reset();
	n = exhaust(objs, MAX_OBJS, s->size, s->size);
	TEST_ASSERT(n >= 3 * (SLAB / s->size - 2), "%u objects", n);
	for (way = 0; way < 12; way++) {
		free_by(way % WAY_SIZED_AS_PLAIN, objs, N_SOME, s->size);
		if (nomem_of(s->size, s->shared, &nomem) != 0)
			return -1;
		for (i = 0; i < N_SOME; i++) {
			ptrs[i] = alloc_plain(s->size, way);
			TEST_ASSERT_NOT_NULL(ptrs[i], "way %u: object %u of %zu B",
				way, i, s->size);
			TEST_ASSERT((uintptr_t)ptrs[i] % s->size == 0,
				"%p is new", ptrs[i]);
		}
		TEST_ASSERT(same_objects(objs, ptrs, N_SOME), "other objects");
		if (nomem_of(s->size, s->shared, &now) != 0)
			return -1;
		TEST_ASSERT_EQUAL(now, nomem, "way %u: success is counted",
			way);
		TEST_ASSERT_NULL(alloc_plain(s->size, way), "way %u: memory",
			way);
		TEST_ASSERT_EQUAL(rte_errno, ENOMEM, "errno %d", rte_errno);
		if (nomem_of(s->size, s->shared, &now) != 0)
			return -1;
		TEST_ASSERT_EQUAL(now, nomem + 1, "way %u: %" PRIu64 " counted",
			way, now - nomem);
	}
	/* bulks: all or none */
	rte_fastmem_free_bulk(objs, N_SOME);
	memset(ptrs, 0x5a, sizeof(ptrs));
	if (nomem_of(s->size, s->shared, &nomem) != 0)
		return -1;
	TEST_ASSERT_EQUAL(rte_fastmem_alloc_bulk(ptrs, N_SOME + 1, s->size, 8,
		0), -ENOMEM, "one too many");
	TEST_ASSERT(fastmem_test_all_bytes(ptrs, sizeof(ptrs), 0x5a),
		"ptrs were written to");
	if (nomem_of(s->size, s->shared, &now) != 0)
		return -1;
	TEST_ASSERT_EQUAL(now, nomem + N_SOME + 1, "%" PRIu64 " counted",
		now - nomem);
	TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(ptrs, N_SOME, s->size, 8,
		0), "a bulk that fits");
	TEST_ASSERT(same_objects(objs, ptrs, N_SOME), "other objects");
	TEST_ASSERT_SUCCESS(rte_fastmem_stats_class(s->size, &cs), "no stats");
	TEST_ASSERT_EQUAL(cs.in_use, n, "%" PRIu64 " in use", cs.in_use);
	/* an object has its alignment, whatever it was allocated as */
	TEST_ASSERT(rte_fastmem_realloc(objs[0], s->size, s->size) == objs[0],
		"moved for nothing");
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	fastmem_test_free_all(objs, n);
	rte_fastmem_cache_flush();
	return 0;
}

static int
shortage_in_thread(void *arg)
{
	return check_shortage(arg);
}

static int
test_shortage(void)
{
	struct shortage s = { .shared = false };
	unsigned int i;

	for (i = 0; i < RTE_DIM(sizes); i++) {
		s.size = sizes[i];
		if (check_shortage(&s) != 0)
			TEST_ASSERT(0, "%zu B", s.size);
	}
	return fastmem_test_all_back();
}

static int
test_shortage_shared(void)
{
	struct shortage s = { .shared = true };
	unsigned int i;

	for (i = 0; i < RTE_DIM(sizes); i++) {
		s.size = sizes[i];
		if (fastmem_test_in_thread(shortage_in_thread, &s) != 0 ||
				fastmem_test_in_bare_thread(shortage_in_thread,
				&s) != 0)
			TEST_ASSERT(0, "%zu B", s.size);
	}
	return fastmem_test_all_back();
}

/* Objects which are not aligned do not serve as such when memory is short. */
static int
check_never_back(size_t size)
{
	uint64_t nomem, now;
	unsigned int n, i;
	void *ptrs[2 * N_SOME];

	rte_fastmem_stats_reset();
	n = exhaust(objs, MAX_OBJS, size, 8);
	rte_fastmem_free_bulk(objs, N_SOME);
	/* that some of them are aligned by chance does not matter */
	if (nomem_of(size, false, &nomem) != 0)
		return -1;
	TEST_ASSERT_NULL(rte_fastmem_alloc(size, size, 0), "aligned to %zu",
		size);
	TEST_ASSERT_EQUAL(rte_errno, ENOMEM, "errno %d", rte_errno);
	if (nomem_of(size, false, &now) != 0)
		return -1;
	TEST_ASSERT_EQUAL(now, nomem + 1, "%" PRIu64 " counted", now - nomem);
	rte_errno = 0;
	TEST_ASSERT_NULL(rte_fastmem_realloc(objs[N_SOME], size, 128),
		"aligned to 128");
	TEST_ASSERT_EQUAL(rte_errno, ENOMEM, "errno %d", rte_errno);
	for (i = 0; i < N_SOME; i++) {
		objs[i] = rte_fastmem_alloc(size, 8, 0);
		TEST_ASSERT_NOT_NULL(objs[i], "object is lost");
	}
	fastmem_test_free_all(objs, n);
	rte_fastmem_cache_flush();

	/* some of both */
	TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(others, N_SOME, size, 8, 0),
		"cannot allocate");
	rte_fastmem_cache_flush();
	n = exhaust(objs, MAX_OBJS, size, size);
	/* in caches of others, they are found again after a flush */
	free_by(WAY_PLAIN_HANDLE, objs, N_SOME, size);
	rte_fastmem_cache_flush();
	if (alloc_n(ptrs, N_SOME, size, size) != 0)
		return -1;
	TEST_ASSERT(same_objects(objs, ptrs, N_SOME), "other objects");
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	fastmem_test_free_all(objs, n);
	rte_fastmem_free_bulk(others, N_SOME);
	rte_fastmem_cache_flush();
	return 0;
}

static int
test_never_back(void)
{
	unsigned int i;

	for (i = 0; i < RTE_DIM(sizes); i++)
		if (check_never_back(sizes[i]) != 0)
			TEST_ASSERT(0, "%zu B", sizes[i]);
	return fastmem_test_all_back();
}

struct unit_test_suite fastmem_kin_testsuite = {
	.suite_name = "fastmem aligned objects",
	.unit_test_cases = {
		TEST_CASE_ST(setup, teardown, test_journeys),
		TEST_CASE_ST(setup, teardown, test_threads),
		TEST_CASE_ST(setup, teardown, test_slabs_counted),
		TEST_CASE_ST(setup_limited, teardown, test_shortage),
		TEST_CASE_ST(setup_limited, teardown, test_shortage_shared),
		TEST_CASE_ST(setup_limited, teardown, test_never_back),
		TEST_CASES_END()
	}
};
