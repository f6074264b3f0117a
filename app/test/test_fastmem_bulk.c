/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Part of fastmem_autotest: bulks of objects to free, in which not all are of
 * one slab, or are objects at all.
 */

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <rte_lcore.h>
#include <rte_memory.h>

#include "test_fastmem_util.h"

#define SLAB FASTMEM_TEST_SLAB_SIZE
#define LINE RTE_CACHE_LINE_SIZE
/* Fits into a magazine of any class used here, together with one more. */
#define MAX_BULK 33
#define N_RANDOM 200
/* More than two magazines hold. */
#define N_FULL 1100

static const size_t sizes[] = { 64, 128, 1024, 4096, 16384 };

/* What may stand among objects of one slab. */
enum kind {
	KIND_SAME,
	KIND_OTHER_SLAB,
	KIND_OTHER_CLASS,
	KIND_ALIGNED,
	/* from here on, it is no object */
	KIND_NULL,
	KIND_INSIDE,
	KIND_SHIFTED,
	KIND_FOREIGN,
	KIND_FAR,
	N_KINDS
};

/* Where the thread has freed to last. */
enum last {
	LAST_SAME,
	LAST_OTHER_CLASS,
	LAST_ALIGNED,
	N_LAST
};

/* Objects of a class in several slabs, and others. */
static struct {
	size_t size;
	size_t other_size;
	size_t n_all;
	void **all;
	void *here[MAX_BULK]; /* in one slab, far from each other */
	void *there;          /* in another one */
	void *spare;
	void *other;
	void *aligned;
	uint64_t foreign[LINE];
} pool;

/* The size of aligned objects, and their alignment. */
static size_t
aligned_size(size_t size)
{
	return size > LINE ? size : 2 * LINE;
}

static int
pool_alloc(size_t size)
{
	size_t n = SLAB / size + 8, i, first = 0, end = 0, from = 0;
	unsigned int k;

	pool.size = size;
	pool.other_size = size == 128 ? 256 : 128;
	pool.n_all = n;
	pool.all = calloc(n, sizeof(*pool.all));
	TEST_ASSERT_NOT_NULL(pool.all, "no memory");
	for (i = 0; i < n; i++) {
		pool.all[i] = rte_fastmem_alloc(size, 8, 0);
		TEST_ASSERT_NOT_NULL(pool.all[i], "object %zu", i);
	}
	pool.other = rte_fastmem_alloc(pool.other_size, 8, 0);
	pool.aligned = rte_fastmem_alloc(size, aligned_size(size), 0);
	TEST_ASSERT(pool.other != NULL && pool.aligned != NULL, "no objects");
	memset(pool.foreign, 0x42, sizeof(pool.foreign));
	fastmem_test_sort(pool.all, n);
	/* slabs lie in any order: the longest run is a whole one */
	for (i = 1; i <= n; i++) {
		if (i < n && (uintptr_t)pool.all[i] / SLAB ==
				(uintptr_t)pool.all[from] / SLAB)
			continue;
		if (i - from > end - first) {
			first = from;
			end = i;
		}
		from = i;
	}
	TEST_ASSERT(end - first > 2 * MAX_BULK && end - first + 2 < n,
		"objects are in another number of slabs");
	for (k = 0; k < MAX_BULK; k++)
		pool.here[k] = pool.all[first + k * (end - first) / MAX_BULK];
	pool.spare = pool.all[first + 1];
	pool.there = pool.all[first == 0 ? n - 1 : 0];
	rte_fastmem_cache_flush();
	return 0;
}

static int
pool_free(void)
{
	TEST_ASSERT(fastmem_test_all_bytes(pool.foreign, sizeof(pool.foreign),
		0x42), "foreign memory was written to");
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	rte_fastmem_free(pool.other);
	rte_fastmem_free(pool.aligned);
	fastmem_test_free_all(pool.all, pool.n_all);
	free(pool.all);
	return fastmem_test_all_back();
}

/* The element of a kind, in place of an object. */
static void *
element(enum kind kind, void *obj)
{
	struct rte_fastmem_lcore dir;

	switch (kind) {
	case KIND_OTHER_SLAB:
		return pool.there;
	case KIND_OTHER_CLASS:
		return pool.other;
	case KIND_ALIGNED:
		return pool.aligned;
	case KIND_NULL:
		return NULL;
	case KIND_INSIDE:
		return RTE_PTR_ADD(obj, pool.size / 2);
	case KIND_SHIFTED:
		/* by what objects may be shifted by */
		return RTE_PTR_ADD(obj, pool.size > LINE ?
			pool.size - LINE : LINE / 2);
	case KIND_FOREIGN:
		return &pool.foreign[LINE / 2];
	case KIND_FAR:
		/* as far as the directory is wide */
		__rte_fastmem_get_dir(&dir);
		return RTE_PTR_ADD(obj, (dir.dir_mask + 1) * SLAB);
	default:
		return obj;
	}
}

static bool
kind_is_object(enum kind kind)
{
	return kind < KIND_NULL;
}

/* As if the last bulk had been of one slab, or of several. */
static void
set_last(enum last last, bool mixed)
{
	struct rte_fastmem_cache *cache;

	/* one object below all others: the caches have room for many */
	rte_fastmem_free(pool.spare);
	if (last == LAST_OTHER_CLASS)
		rte_fastmem_free(rte_fastmem_alloc(32, 8, 0));
	if (last == LAST_ALIGNED)
		rte_fastmem_free(rte_fastmem_alloc(pool.size,
			aligned_size(pool.size), 0));
	cache = RTE_PER_LCORE(_rte_fastmem_lcore).last;
	if (cache->capacity != 0)
		cache->mixed = mixed;
}

/* Free a bulk, and tell how many lines were logged. */
static int
free_logged(void **ptrs, unsigned int n, unsigned int *lines)
{
	void *copy[N_RANDOM];
	char *text;

	memcpy(copy, ptrs, n * sizeof(ptrs[0]));
	TEST_ASSERT_SUCCESS(fastmem_test_log_start(), "cannot catch the log");
	rte_fastmem_free_bulk(ptrs, n);
	text = fastmem_test_log_stop();
	*lines = fastmem_test_log_lines(text, "");
	free(text);
	TEST_ASSERT(memcmp(copy, ptrs, n * sizeof(ptrs[0])) == 0,
		"ptrs were written to");
	return 0;
}

/* The last objects freed are those in the array, in any order. */
static int
expect_served(void **objs, unsigned int n, size_t size, size_t align)
{
	void *served[N_RANDOM];

	if (n == 0)
		return 0;
	TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(served, n, size, align, 0),
		"cannot allocate");
	fastmem_test_sort(served, n);
	fastmem_test_sort(objs, n);
	TEST_ASSERT(memcmp(served, objs, n * sizeof(objs[0])) == 0,
		"objects of %zu B were lost", size);
	return 0;
}

static int
check_bulk(unsigned int n, unsigned int pos, enum kind kind, enum last last,
	bool mixed)
{
	size_t large = aligned_size(pool.size);
	unsigned int n_own = 0, expected, lines, i;
	uint64_t own, other, aligned;
	void *ptrs[MAX_BULK], *freed[MAX_BULK];

	for (i = 0; i < n; i++) {
		ptrs[i] = i == pos ? element(kind, pool.here[i]) : pool.here[i];
		if (i != pos || kind == KIND_SAME || kind == KIND_OTHER_SLAB)
			freed[n_own++] = ptrs[i];
	}
	set_last(last, mixed);
	own = fastmem_test_in_use(pool.size);
	other = fastmem_test_in_use(pool.other_size);
	aligned = fastmem_test_in_use(large);
	if (free_logged(ptrs, n, &lines) != 0)
		return -1;
	expected = !kind_is_object(kind) && kind != KIND_NULL;
	TEST_ASSERT_EQUAL(lines, expected, "%u lines logged", lines);
	TEST_ASSERT_EQUAL(own - fastmem_test_in_use(pool.size), n_own +
		((kind == KIND_ALIGNED && large == pool.size) ||
		(kind == KIND_OTHER_CLASS && pool.other_size == pool.size)),
		"freed of the class");
	if (pool.other_size != large)
		TEST_ASSERT_EQUAL(other - fastmem_test_in_use(pool.other_size),
			kind == KIND_OTHER_CLASS, "freed of the other class");
	if (pool.size != large && pool.other_size != large)
		TEST_ASSERT_EQUAL(aligned - fastmem_test_in_use(large),
			kind == KIND_ALIGNED, "freed of the aligned");
	/* each is where it belongs, and only once */
	if ((kind == KIND_OTHER_CLASS && expect_served(&pool.other, 1,
			pool.other_size, 8) != 0) ||
			(kind == KIND_ALIGNED && expect_served(&pool.aligned, 1,
			large, large) != 0))
		return -1;
	freed[n_own++] = pool.spare;
	return expect_served(freed, n_own, pool.size, 8);
}

static int
check_kinds(unsigned int n, unsigned int pos, enum last last)
{
	enum kind kind;

	for (kind = 0; kind < N_KINDS; kind++)
		if (check_bulk(n, pos, kind, last, false) != 0 ||
				check_bulk(n, pos, kind, last, true) != 0)
			TEST_ASSERT(0, "kind %u", kind);
	return 0;
}

static int
check_positions(size_t size)
{
	static const unsigned int counts[] = { 1, 2, 3, 4, 5, 8, 16, 17, 32 };
	unsigned int i, pos;
	enum last last;

	if (pool_alloc(size) != 0)
		return -1;
	for (last = 0; last < N_LAST; last++)
		for (i = 0; i < RTE_DIM(counts); i++)
			for (pos = 0; pos < counts[i]; pos++)
				if (check_kinds(counts[i], pos, last) != 0)
					TEST_ASSERT(0, "%zu B: at %u of %u, last %u",
						size, pos, counts[i], last);
	return pool_free();
}

static int
test_positions(void)
{
	unsigned int i;

	for (i = 0; i < RTE_DIM(sizes); i++)
		if (check_positions(sizes[i]) != 0)
			return TEST_FAILED;
	return TEST_SUCCESS;
}

static int
positions_in_thread(void *arg)
{
	return check_positions(*(const size_t *)arg);
}

static int
test_positions_shared(void)
{
	size_t size = 1024;

	if (fastmem_test_in_thread(positions_in_thread, &size) != 0)
		return TEST_FAILED;
	return fastmem_test_in_bare_thread(positions_in_thread, &size);
}

/* Bulks that do not fit into a magazine, of one bin and several slabs. */
static int
test_large_bulks(void)
{
	unsigned int i, n, lines, rest;
	void **objs;

	for (i = 0; i < RTE_DIM(sizes); i++) {
		if (pool_alloc(sizes[i]) != 0)
			return TEST_FAILED;
		objs = pool.all;
		for (n = 1; n <= pool.n_all; n = n * 3 + 1) {
			/* from both ends, so that slabs take turns */
			for (rest = 1; rest < n; rest += 2) {
				void *tmp = objs[rest];

				objs[rest] = objs[pool.n_all - rest];
				objs[pool.n_all - rest] = tmp;
			}
			if (n <= N_RANDOM) {
				TEST_ASSERT_SUCCESS(free_logged(objs, n,
					&lines), "free");
				TEST_ASSERT_EQUAL(lines, 0, "%u lines", lines);
			} else {
				rte_fastmem_free_bulk(objs, n);
			}
			TEST_ASSERT_EQUAL(fastmem_test_in_use(sizes[i]),
				pool.n_all - n + (sizes[i] > LINE) +
				(sizes[i] == pool.other_size), "in use");
			TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "bulk of %u",
				n);
			TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(objs, n,
				sizes[i], 8, 0), "cannot allocate");
		}
		if (pool_free() != 0)
			return TEST_FAILED;
	}
	return TEST_SUCCESS;
}

static int
check_last(rte_fastmem_handle_t handle)
{
	struct rte_fastmem_lcore *self = &RTE_PER_LCORE(_rte_fastmem_lcore);

	TEST_ASSERT_EQUAL(self->last, __rte_fastmem_handle_cache(self, handle),
		"not the cache used last");
	return 0;
}

/*
 * Functions that look objects up are fast where the cache is that used last,
 * which all of them have to note therefore.
 */
static int
test_last_cache(void)
{
	rte_fastmem_handle_t handles[3];
	void *objs[3][4];
	unsigned int i;

	for (i = 0; i < 3; i++) {
		/* those of one class, and aligned ones of it */
		TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(512 << i / 2,
			i == 1 ? 512 : 8, fastmem_test_socket(), &handles[i]),
			"no handle");
		TEST_ASSERT_SUCCESS(rte_fastmem_halloc_bulk(handles[i], objs[i],
			4, 0), "cannot allocate");
	}
	for (i = 0; i < 3; i++) {
		rte_fastmem_free(objs[i][0]);
		if (check_last(handles[i]) != 0)
			TEST_ASSERT(0, "free %u", i);
	}
	for (i = 0; i < 3; i++) {
		rte_fastmem_free_bulk(&objs[i][1], 2);
		if (check_last(handles[i]) != 0)
			TEST_ASSERT(0, "bulk %u", i);
	}
	for (i = 0; i < 3; i += 2) {
		/* frees have looked in vain, and go on to */
		RTE_PER_LCORE(_rte_fastmem_lcore).noting = 1;
		objs[i][0] = rte_fastmem_alloc(512 << i / 2, 8, 0);
		TEST_ASSERT_NOT_NULL(objs[i][0], "cannot allocate");
		if (check_last(handles[i]) != 0)
			TEST_ASSERT(0, "allocation %u", i);
	}
	for (i = 0; i < 3; i += 2) {
		TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(&objs[i][1], 2,
			512 << i / 2, 8, 0), "cannot allocate");
		if (check_last(handles[i]) != 0)
			TEST_ASSERT(0, "allocation of bulk %u", i);
		rte_fastmem_free_bulk(objs[i], 3);
	}
	for (i = 0; i < 3; i++)
		rte_fastmem_free_sized(objs[i][3], 512 << i / 2,
			i == 1 ? 512 : 8);
	return fastmem_test_all_back();
}

/*
 * Allocations leave out noting the cache while frees find it without, and note
 * it again for some time once they do not.
 */
static int
test_noting(void)
{
	struct rte_fastmem_lcore *self = &RTE_PER_LCORE(_rte_fastmem_lcore);
	rte_fastmem_handle_t small, large;
	static void *many[N_FULL];
	unsigned int i, n;
	void *objs[2];

	if (rte_lcore_id() == LCORE_ID_ANY) {
		printf("no lcore, skipped\n");
		return TEST_SKIPPED;
	}
	TEST_ASSERT(rte_fastmem_hlookup(64, 8, fastmem_test_socket(),
		&small) == 0 && rte_fastmem_hlookup(512, 8,
		fastmem_test_socket(), &large) == 0, "no handles");
	for (i = 0; i < 3; i++) {
		/* a pair of one class each, which both frees look for in vain */
		objs[0] = rte_fastmem_alloc(64, 8, 0);
		objs[1] = rte_fastmem_alloc(512, 8, 0);
		TEST_ASSERT(objs[0] != NULL && objs[1] != NULL, "no memory");
		rte_fastmem_free(objs[0]);
		rte_fastmem_free(objs[1]);
		TEST_ASSERT(self->noting != 0 && check_last(large) == 0,
			"a free in vain did not matter");

		objs[0] = rte_fastmem_alloc(64, 8, 0);
		TEST_ASSERT_SUCCESS(check_last(small), "not noted");
		rte_fastmem_free(objs[0]);
		for (n = 1; self->noting != 0 && n < 2000; n++)
			rte_fastmem_free(rte_fastmem_alloc(64, 8, 0));
		TEST_ASSERT(n <= 1024, "noted for %u allocations", n);
		/* the next one of another class is not noted, but its free is */
		objs[0] = rte_fastmem_alloc(512, 8, 0);
		TEST_ASSERT(self->noting == 0 && check_last(small) == 0,
			"noted without need");
		rte_fastmem_free(objs[0]);
		TEST_ASSERT(self->noting != 0 && check_last(large) == 0,
			"a free in vain did not matter");
		/* a full magazine is no reason */
		self->noting = 0;
		TEST_ASSERT_SUCCESS(rte_fastmem_halloc_bulk(large, many,
			N_FULL, 0), "cannot allocate");
		for (n = 0; n < N_FULL; n++)
			rte_fastmem_free(many[n]);
		TEST_ASSERT_EQUAL(self->noting, 0, "noted for a full magazine");
	}
	return fastmem_test_all_back();
}

/* All statistics that freeing changes. */
struct freed {
	uint64_t in_use[FASTMEM_TEST_N_CLASSES];
	uint64_t total;
	unsigned int lines;
};

static int
freed_snap(struct freed *f)
{
	struct rte_fastmem_stats stats;
	unsigned int i;

	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&stats), "no statistics");
	f->total = stats.free_total;
	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++)
		f->in_use[i] = fastmem_test_in_use(fastmem_test_sizes[i]);
	return 0;
}

/* Some objects of any class and alignment, with others that are none. */
static int
random_array(void **ptrs, unsigned int n, uint64_t seed)
{
	static const size_t aligns[] = { 8, 8, 8, 128, 1024 };
	unsigned int i, r, run = 0;
	size_t size = 8, align = 8;

	for (i = 0; i < n; i++) {
		r = fastmem_test_rand(&seed) % 16;
		if (run == 0) {
			size = fastmem_test_sizes[fastmem_test_rand(&seed) % 12];
			align = aligns[fastmem_test_rand(&seed) %
				RTE_DIM(aligns)];
			run = 1 + fastmem_test_rand(&seed) % 24;
		}
		run--;
		if (r == 0 || (r == 1 && i == 0)) {
			ptrs[i] = NULL;
		} else if (r == 1) {
			ptrs[i] = &pool.foreign[i % LINE];
		} else {
			ptrs[i] = rte_fastmem_alloc(size, align, 0);
			TEST_ASSERT_NOT_NULL(ptrs[i], "cannot allocate");
		}
	}
	return 0;
}

static int
check_random(uint64_t seed, bool bulk, struct freed *diff)
{
	struct freed before;
	void *ptrs[N_RANDOM];
	unsigned int i, lines;

	if (random_array(ptrs, N_RANDOM, seed) != 0 || freed_snap(&before) != 0)
		return -1;
	diff->lines = 0;
	if (bulk) {
		if (free_logged(ptrs, N_RANDOM, &diff->lines) != 0)
			return -1;
	} else {
		for (i = 0; i < N_RANDOM; i++) {
			char *text;

			TEST_ASSERT_SUCCESS(fastmem_test_log_start(), "no log");
			rte_fastmem_free(ptrs[i]);
			text = fastmem_test_log_stop();
			lines = fastmem_test_log_lines(text, "");
			free(text);
			diff->lines += lines;
		}
	}
	if (freed_snap(diff) != 0)
		return -1;
	diff->total -= before.total;
	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++)
		diff->in_use[i] = before.in_use[i] - diff->in_use[i];
	return 0;
}

/* A bulk does what freeing one by one does. */
static int
test_random_mixtures(void)
{
	struct freed singles, bulk;
	uint64_t seed;

	memset(pool.foreign, 0x42, sizeof(pool.foreign));
	for (seed = 1; seed <= 100; seed++) {
		memset(&singles, 0, sizeof(singles));
		memset(&bulk, 0, sizeof(bulk));
		if (check_random(seed * 77, seed % 2, &bulk) != 0 ||
				check_random(seed * 77, !(seed % 2), &singles)
				!= 0)
			return TEST_FAILED;
		TEST_ASSERT(memcmp(&singles, &bulk, sizeof(bulk)) == 0,
			"seed %" PRIu64 ": %" PRIu64 " and %" PRIu64
			" objects freed, %u and %u lines", seed, bulk.total,
			singles.total, bulk.lines, singles.lines);
		if (seed % 10 == 0)
			TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
		if (seed % 7 == 0)
			rte_fastmem_cache_flush();
	}
	TEST_ASSERT(fastmem_test_all_bytes(pool.foreign, sizeof(pool.foreign),
		0x42), "foreign memory was written to");
	return fastmem_test_all_back();
}

/*
 * Bulks of pointers which are all as far from objects as the directory is wide:
 * nothing is freed.
 */
static int
test_far_bulks(void)
{
	void *far[MAX_BULK];
	unsigned int lines, n, i;
	uint64_t in_use;

	if (pool_alloc(1024) != 0)
		return TEST_FAILED;
	for (n = 1; n <= MAX_BULK; n++) {
		for (i = 0; i < n; i++)
			far[i] = element(KIND_FAR, pool.here[i]);
		set_last(LAST_SAME, false);
		in_use = fastmem_test_in_use(pool.size);
		if (free_logged(far, n, &lines) != 0)
			return TEST_FAILED;
		TEST_ASSERT_EQUAL(lines, n, "%u lines logged for %u", lines, n);
		TEST_ASSERT_EQUAL(fastmem_test_in_use(pool.size), in_use,
			"bulk of %u freed", n);
		if (expect_served(&pool.spare, 1, pool.size, 8) != 0)
			return TEST_FAILED;
	}
	return pool_free();
}

static int
check_mixed(void *a, void *b, bool expected)
{
	void *pair[2] = { a, b };
	unsigned int lines;

	if (free_logged(pair, RTE_DIM(pair), &lines) != 0)
		return -1;
	TEST_ASSERT_EQUAL(lines, 0, "%u lines logged", lines);
	TEST_ASSERT_EQUAL(RTE_PER_LCORE(_rte_fastmem_lcore).last->mixed,
		expected, "not noted");
	return expect_served(pair, RTE_DIM(pair), pool.size, 8);
}

/*
 * It is noted if a bulk was of several slabs, and when one was not again. What
 * is of another bin changes nothing.
 */
static int
test_mixed(void)
{
	unsigned int lines, i;
	void *pair[2];

	if (pool_alloc(1024) != 0)
		return TEST_FAILED;
	for (i = 0; i < 3; i++) {
		if (check_mixed(pool.here[0], pool.here[1], false) != 0 ||
				check_mixed(pool.here[0], pool.there, true) != 0 ||
				check_mixed(pool.there, pool.here[0], true) != 0)
			return TEST_FAILED;
		pair[0] = pool.here[0];
		pair[1] = &pool.foreign[LINE / 2];
		if (free_logged(pair, RTE_DIM(pair), &lines) != 0)
			return TEST_FAILED;
		TEST_ASSERT_EQUAL(lines, 1, "%u lines logged", lines);
		TEST_ASSERT_EQUAL(RTE_PER_LCORE(_rte_fastmem_lcore).last->mixed,
			1, "changed by what is no bulk of the bin");
		if (expect_served(pair, 1, pool.size, 8) != 0)
			return TEST_FAILED;
	}
	return pool_free();
}

struct unit_test_suite fastmem_bulk_testsuite = {
	.suite_name = "fastmem bulks to free",
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_positions),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_positions_shared),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_large_bulks),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_last_cache),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_noting),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_random_mixtures),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_mixed),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_far_bulks),
		TEST_CASES_END()
	}
};
