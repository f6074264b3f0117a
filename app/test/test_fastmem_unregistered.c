/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Caches of threads without an lcore id: how a thread comes by them, and what
 * becomes of them when it ends or is registered.
 *
 * FASTMEM_TEST_SECONDS makes it longer, or shorter.
 */

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_memory.h>
#include <rte_per_lcore.h>
#include <rte_thread.h>

#include "test_fastmem_stats.h"
#include "test_fastmem_stress.h"
#include "test_fastmem_util.h"

#define SLAB FASTMEM_TEST_SLAB_SIZE

/* So many threads have caches at a time, as documented. */
#define MAX_CACHED 128

/* The round of destructors in which the library's has run and, but for
 * ThreadSanitizer, which ends before the last one, will not run again.
 */
#ifdef __SANITIZE_THREAD__
#define BARE_ROUND 2
#else
#define BARE_ROUND PTHREAD_DESTRUCTOR_ITERATIONS
#endif

/* What a destructor of thread-specific data is to run, and when. */
struct bare {
	int (*fn)(void *arg);
	void *arg;
	pthread_key_t key;
	unsigned int round;
	int result;
};

static void
bare_destructor(void *arg)
{
	struct bare *bare = arg;

	if (++bare->round < BARE_ROUND) {
		pthread_setspecific(bare->key, bare);
		return;
	}
	bare->result = bare->fn(bare->arg);
}

static int
bare_main(void *arg)
{
	struct bare *bare = arg;
	void *obj;

	obj = rte_fastmem_alloc(8, 8, 0);
	TEST_ASSERT_NOT_NULL(obj, "cannot allocate");
	rte_fastmem_free(obj);
	rte_fastmem_stats_reset();
	TEST_ASSERT_SUCCESS(pthread_setspecific(bare->key, bare),
		"no thread-specific data");
	return 0;
}

int
fastmem_test_in_bare_thread(int (*fn)(void *arg), void *arg)
{
	struct bare bare = { .fn = fn, .arg = arg, .result = -1 };
	int ret;

	TEST_ASSERT_SUCCESS(pthread_key_create(&bare.key, bare_destructor),
		"cannot create a key");
	ret = fastmem_test_in_thread(bare_main, &bare);
	pthread_key_delete(bare.key);
	return ret != 0 ? ret : bare.result;
}

/* Threads that have or had caches at the same time, in this process. */
static unsigned int
n_blocks(void)
{
	char *text = NULL;
	size_t len = 0;
	unsigned int n;
	FILE *f;

	f = open_memstream(&text, &len);
	if (f == NULL)
		return UINT32_MAX;
	rte_fastmem_dump(f);
	fclose(f);
	n = fastmem_test_log_lines(text, "caches of a thread");
	free(text);
	return n;
}

/* Objects come from and go to the caller's own cache. */
int
fastmem_test_check_caches(__rte_unused void *arg)
{
	struct rte_fastmem_lcore_class_stats a, b;
	void *obj, *again, *bulk[8];
	rte_fastmem_handle_t handle;
	unsigned int i, n = 100;

	TEST_ASSERT_EQUAL(rte_lcore_id(), LCORE_ID_ANY, "an lcore");
	TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(256, 8,
		fastmem_test_socket(), &handle), "no handle");
	TEST_ASSERT_SUCCESS(rte_fastmem_stats_shared_class(256, &a),
		"no statistics");
	obj = rte_fastmem_alloc_socket(256, 8, 0, fastmem_test_socket());
	TEST_ASSERT_NOT_NULL(obj, "cannot allocate");
	rte_fastmem_free(obj);
	for (i = 0; i < n; i++) {
		again = rte_fastmem_halloc(handle, 0);
		TEST_ASSERT(again == obj, "%p after %p was freed", again, obj);
		rte_fastmem_hfree(handle, again);
		TEST_ASSERT_SUCCESS(rte_fastmem_halloc_bulk(handle, bulk, 8, 0),
			"bulk");
		rte_fastmem_free_bulk(bulk, 8);
		obj = bulk[7];
	}
	TEST_ASSERT_SUCCESS(rte_fastmem_stats_shared_class(256, &b),
		"no statistics");
	ASSERT_COUNTS(b, a, 9 * n, 1, 0, 9 * n + 1, 0, "shared");
	return 0;
}

static int
test_caches(void)
{
	struct rte_fastmem_lcore_stats ls;
	unsigned int lcore_id;

	if (fastmem_test_in_thread(fastmem_test_check_caches, NULL) != 0)
		return TEST_FAILED;
	for (lcore_id = 0; lcore_id < RTE_MAX_LCORE; lcore_id++) {
		TEST_ASSERT_SUCCESS(rte_fastmem_stats_lcore(lcore_id, &ls),
			"no statistics");
		TEST_ASSERT(ALLOCS(ls) == 0 && FREES(ls) == 0,
			"counted under lcore %u", lcore_id);
	}
	TEST_ASSERT_EQUAL(n_blocks(), 1, "%u threads", n_blocks());
	return fastmem_test_all_back();
}

/* The only slab there may be serves one class at a time. */
static int
take_slab(void *arg)
{
	size_t *size = arg;
	void *obj;

	obj = rte_fastmem_alloc(*size, 8, 0);
	if (obj == NULL)
		return -rte_errno;
	rte_fastmem_free(obj);
	return 0;
}

static int
take_slab_twice(__rte_unused void *arg)
{
	size_t size = 64, other = 1024;

	TEST_ASSERT_SUCCESS(take_slab(&size), "cannot allocate");
	TEST_ASSERT_EQUAL(take_slab(&other), -ENOMEM,
		"nothing was kept in a cache");
	rte_fastmem_cache_flush();
	TEST_ASSERT_SUCCESS(take_slab(&other), "flushed in vain");
	return 0;
}

static int
test_flush_and_end(void)
{
	size_t size = 4096;

	if (fastmem_test_limit(SLAB) != 0)
		return TEST_FAILED;
	if (fastmem_test_in_thread(take_slab_twice, NULL) != 0)
		return TEST_FAILED;
	/* what the thread kept to its end is back already */
	TEST_ASSERT_SUCCESS(take_slab(&size), "the thread left something");
	return fastmem_test_all_back();
}

/* A short life; some objects are left for others to free. */
static int
live(void *arg)
{
	void **left = arg, *mine[40];
	unsigned int i;

	for (i = 0; i < RTE_DIM(mine); i++) {
		mine[i] = rte_fastmem_alloc(8 << i % 5, 8, 0);
		TEST_ASSERT_NOT_NULL(mine[i], "cannot allocate");
	}
	memcpy(left, mine, 10 * sizeof(left[0]));
	rte_fastmem_free_bulk(&mine[10], RTE_DIM(mine) - 10);
	return 0;
}

static int
test_many_lives(void)
{
	unsigned int n = fastmem_test_scale(2000, 2 * MAX_CACHED + 1), i;
	struct rte_fastmem_lcore_stats ls;
	uint64_t backing = 0;
	void *left[10];

	for (i = 0; i < n; i++) {
		if (fastmem_test_in_thread(live, left) != 0)
			return TEST_FAILED;
		rte_fastmem_free_bulk(left, RTE_DIM(left));
		if (i == 10)
			backing = fastmem_test_backing();
	}
	TEST_ASSERT_EQUAL(fastmem_test_backing(), backing,
		"memory grew from %" PRIu64 " B", backing);
	/* each inherited from the one before */
	TEST_ASSERT_EQUAL(n_blocks(), 1, "%u threads", n_blocks());
	TEST_ASSERT_SUCCESS(rte_fastmem_stats_shared(&ls), "no statistics");
	TEST_ASSERT(ALLOCS(ls) == n * 40 && FREES(ls) == n * 30,
		"%" PRIu64 " and %" PRIu64 " objects", ALLOCS(ls), FREES(ls));
	return fastmem_test_all_back();
}

static pthread_barrier_t barrier;

/* So many threads at once; ones in excess do without caches. */
#define N_CROWD 200
#define N_HELD 60

static struct one_of_many {
	unsigned int index;
	int result;
	void *objs[N_HELD];
} crowd[N_CROWD];

static int
crowd_alloc(struct one_of_many *self)
{
	unsigned int i;

	for (i = 0; i < N_HELD; i++) {
		self->objs[i] = rte_fastmem_alloc(16 << i % 3, 8, 0);
		TEST_ASSERT_NOT_NULL(self->objs[i], "cannot allocate");
		fastmem_test_fill(self->objs[i], 16 << i % 3, self->index);
	}
	return 0;
}

static int
crowd_free(struct one_of_many *other)
{
	unsigned int i;

	for (i = 0; i < N_HELD; i++) {
		TEST_ASSERT_SUCCESS(fastmem_test_check(other->objs[i],
			16 << i % 3, other->index), "wrong content");
		rte_fastmem_free(other->objs[i]);
	}
	return 0;
}

static uint32_t
crowd_thread(void *arg)
{
	struct one_of_many *self = arg;

	self->result = crowd_alloc(self);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	if (self->result == 0)
		self->result = crowd_free(&crowd[(self->index + 1) % N_CROWD]);
	return 0;
}

static int
run_crowd(unsigned int *n)
{
	static rte_thread_t threads[N_CROWD];
	unsigned int i;

	pthread_barrier_init(&barrier, NULL, N_CROWD + 1);
	for (i = 0; i < N_CROWD; i++) {
		crowd[i].index = i;
		TEST_ASSERT_SUCCESS(rte_thread_create(&threads[i], NULL,
			crowd_thread, &crowd[i]), "cannot create a thread");
	}
	pthread_barrier_wait(&barrier);
	*n = n_blocks();
	pthread_barrier_wait(&barrier);
	for (i = 0; i < N_CROWD; i++)
		TEST_ASSERT_SUCCESS(rte_thread_join(threads[i], NULL),
			"cannot join a thread");
	pthread_barrier_destroy(&barrier);
	for (i = 0; i < N_CROWD; i++)
		TEST_ASSERT_SUCCESS(crowd[i].result, "thread %u", i);
	return 0;
}

static int
test_crowd(void)
{
	struct rte_fastmem_lcore_stats ls;
	unsigned int i, n;

	/* small caches, since all are emptied at once */
	TEST_ASSERT_SUCCESS(rte_fastmem_set_cache_limit(2048), "cannot limit");
	for (i = 1; i <= 3; i++) {
		if (run_crowd(&n) != 0)
			return TEST_FAILED;
		/* some may have found no memory for caches */
		TEST_ASSERT(n > MAX_CACHED / 2 && n <= MAX_CACHED,
			"%u threads have caches", n);
		TEST_ASSERT_SUCCESS(rte_fastmem_stats_shared(&ls),
			"no statistics");
		TEST_ASSERT(ALLOCS(ls) == i * N_CROWD * N_HELD &&
			FREES(ls) == ALLOCS(ls),
			"%" PRIu64 " and %" PRIu64 " objects", ALLOCS(ls),
			FREES(ls));
		TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	}
	/* there is room again, which tearing down would not make */
	rte_fastmem_deinit();
	TEST_ASSERT_SUCCESS(rte_fastmem_init(), "cannot initialize");
	if (fastmem_test_in_thread(fastmem_test_check_caches, NULL) != 0)
		return TEST_FAILED;
	return fastmem_test_all_back();
}

/* A thread at its end is served without caches, and leaves nothing behind. */
static int
check_bare(__rte_unused void *arg)
{
	struct rte_fastmem_lcore_stats ls;
	void *obj, *bulk[600];

	TEST_ASSERT_EQUAL(n_blocks(), 1, "%u threads", n_blocks());
	obj = rte_fastmem_alloc(64, 8, 0);
	TEST_ASSERT_NOT_NULL(obj, "cannot allocate");
	TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(bulk, RTE_DIM(bulk), 64, 8,
		0), "cannot allocate");
	rte_fastmem_free(obj);
	rte_fastmem_free_bulk(bulk, RTE_DIM(bulk));
	rte_fastmem_cache_flush();
	TEST_ASSERT_SUCCESS(rte_fastmem_stats_shared(&ls), "no statistics");
	TEST_ASSERT(ALLOCS(ls) == 601 && FREES(ls) == 601,
		"%" PRIu64 " and %" PRIu64 " objects", ALLOCS(ls), FREES(ls));
	return rte_fastmem_audit();
}

static int
test_destructors(void)
{
	unsigned int i;

	/* more than there are places for, so that none may be lost */
	for (i = 0; i < 2 * MAX_CACHED; i++)
		if (fastmem_test_in_bare_thread(check_bare, NULL) != 0)
			return TEST_FAILED;
	if (fastmem_test_in_thread(fastmem_test_check_caches, NULL) != 0)
		return TEST_FAILED;
	return fastmem_test_all_back();
}

/* The library is called by callbacks that EAL runs after those of the library. */
static RTE_DEFINE_PER_LCORE(void *, callback_obj);
static RTE_DEFINE_PER_LCORE(bool, callback_wanted);

static int
on_register(unsigned int lcore_id __rte_unused, void *arg __rte_unused)
{
	if (RTE_PER_LCORE(callback_wanted))
		RTE_PER_LCORE(callback_obj) = rte_fastmem_alloc(64, 8, 0);
	return 0;
}

static void
on_unregister(unsigned int lcore_id __rte_unused, void *arg __rte_unused)
{
	if (RTE_PER_LCORE(callback_wanted))
		rte_fastmem_free(RTE_PER_LCORE(callback_obj));
}

/* Allocate and free objects, and compare what is counted for whom. */
static int
use_counted(uint64_t *lcore, uint64_t *shared, unsigned int lcore_id)
{
	struct rte_fastmem_lcore_stats ls;
	unsigned int i;
	void *objs[20];

	for (i = 0; i < RTE_DIM(objs); i++) {
		objs[i] = rte_fastmem_alloc(64, 8, 0);
		TEST_ASSERT_NOT_NULL(objs[i], "cannot allocate");
	}
	rte_fastmem_free_bulk(objs, RTE_DIM(objs));
	*(rte_lcore_id() == LCORE_ID_ANY ? shared : lcore) += RTE_DIM(objs);
	TEST_ASSERT_SUCCESS(rte_fastmem_stats_shared(&ls), "no statistics");
	TEST_ASSERT_EQUAL(ALLOCS(ls), *shared,
		"%" PRIu64 " objects counted as shared", ALLOCS(ls));
	if (lcore_id == LCORE_ID_ANY)
		return 0;
	TEST_ASSERT_SUCCESS(rte_fastmem_stats_lcore(lcore_id, &ls),
		"no statistics");
	TEST_ASSERT_EQUAL(ALLOCS(ls), *lcore,
		"%" PRIu64 " objects counted under an lcore", ALLOCS(ls));
	return 0;
}

static int
register_often(__rte_unused void *arg)
{
	unsigned int lcore_id = LCORE_ID_ANY, i;
	uint64_t lcore = 0, shared = 0;

	RTE_PER_LCORE(callback_wanted) = true;
	for (i = 0; i < 2 * MAX_CACHED; i++) {
		/* not in each round, so that an lcore id may follow another */
		if (i % 4 != 3 && use_counted(&lcore, &shared, lcore_id) != 0)
			return -1;
		TEST_ASSERT_SUCCESS(rte_thread_register(),
			"cannot register a thread: %d", rte_errno);
		TEST_ASSERT_NOT_NULL(RTE_PER_LCORE(callback_obj),
			"cannot allocate");
		shared++;
		lcore_id = rte_lcore_id();
		if (i % 4 != 2 && use_counted(&lcore, &shared, lcore_id) != 0)
			return -1;
		rte_thread_unregister();
	}
	RTE_PER_LCORE(callback_wanted) = false;
	TEST_ASSERT_EQUAL(n_blocks(), 1, "%u threads", n_blocks());
	return fastmem_test_check_caches(NULL);
}

/* A thread may end with nothing but an lcore id that it once had. */
static int
register_and_end(void *arg)
{
	if (live(arg) != 0)
		return -1;
	rte_fastmem_free_bulk(arg, 10);
	TEST_ASSERT_SUCCESS(rte_thread_register(), "cannot register a thread");
	rte_thread_unregister();
	return 0;
}

static int
test_register(void)
{
	void *callback, *left[10];
	int ret;

	if (fastmem_test_shared_config()) {
		printf("threads cannot be registered where there may be secondary processes, skipped\n");
		return TEST_SKIPPED;
	}
	if (!rte_mp_disable()) {
		printf("multi-process is in use, skipped\n");
		return TEST_SKIPPED;
	}
	callback = rte_lcore_callback_register("test_fastmem", on_register,
		on_unregister, NULL);
	TEST_ASSERT_NOT_NULL(callback, "cannot register a callback");
	ret = fastmem_test_in_thread(register_often, NULL);
	rte_lcore_callback_unregister(callback);
	if (ret != 0 || fastmem_test_in_thread(register_and_end, left) != 0 ||
			fastmem_test_in_thread(fastmem_test_check_caches,
			NULL) != 0)
		return TEST_FAILED;
	return fastmem_test_all_back();
}

static struct unit_test_suite fastmem_unregistered_testsuite = {
	.suite_name = "fastmem unregistered threads",
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_caches),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_flush_and_end),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_many_lives),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_crowd),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_destructors),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_register),
		TEST_CASES_END()
	}
};

static int
test_fastmem_unregistered(void)
{
	int ret = fastmem_test_run(&fastmem_unregistered_testsuite);

	if (ret == TEST_SUCCESS)
		ret = fastmem_test_run(&fastmem_outlive_testsuite);
	if (ret == TEST_SUCCESS)
		ret = fastmem_test_run(&fastmem_kinds_testsuite);
	return ret;
}

REGISTER_FAST_TEST(fastmem_unregistered_autotest, NOHUGE_OK, ASAN_OK, test_fastmem_unregistered);
