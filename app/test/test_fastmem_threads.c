/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Threads with and without lcore ids: objects freed elsewhere than allocated,
 * threads that come and go, and all of them at once.
 *
 * FASTMEM_TEST_SECONDS makes it longer, or shorter.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_memory.h>
#include <rte_ring.h>
#include <rte_stdatomic.h>
#include <rte_thread.h>

#include "test_fastmem_stress.h"
#include "test_fastmem_util.h"

#define SLAB FASTMEM_TEST_SLAB_SIZE
#define N_OBJS 3000
#define N_SIZES 10
#define RING_SIZE 1024
#define N_THREADS 8

static void *objs[N_OBJS];
static struct rte_ring *ring;
static RTE_ATOMIC(uint32_t) stop;

static size_t
size_of(unsigned int i)
{
	/* 8 B to 4 KiB, none of them a power of two but the first */
	return ((size_t)8 << (i % N_SIZES)) - (i % N_SIZES);
}

static int
setup_ring(void)
{
	/* before the library, since EAL's memory is compared afterwards */
	ring = rte_ring_create("test_fm_threads", RING_SIZE,
		SOCKET_ID_ANY, 0);
	TEST_ASSERT_NOT_NULL(ring, "cannot create a ring");
	return fastmem_test_setup();
}

static void
teardown_ring(void)
{
	fastmem_test_teardown();
	rte_ring_free(ring);
	ring = NULL;
}

static int
alloc_objs(__rte_unused void *arg)
{
	unsigned int i;

	for (i = 0; i < N_OBJS; i++) {
		objs[i] = rte_fastmem_alloc(size_of(i), 8, 0);
		TEST_ASSERT_NOT_NULL(objs[i], "cannot allocate");
		fastmem_test_fill(objs[i], size_of(i), i);
	}
	return 0;
}

static int
free_objs(__rte_unused void *arg)
{
	unsigned int i;

	for (i = 0; i < N_OBJS; i++) {
		TEST_ASSERT_SUCCESS(fastmem_test_check(objs[i], size_of(i), i),
			"object %u", i);
		if (i % 3 == 0)
			rte_fastmem_free_sized(objs[i], size_of(i), 8);
		else
			rte_fastmem_free(objs[i]);
	}
	return 0;
}

/* Each kind of thread frees what each kind has allocated. */
static int
test_free_elsewhere(void)
{
	typedef int (*runner)(int (*fn)(void *arg), void *arg);
	static const runner runners[] = {
		NULL, fastmem_test_in_thread, fastmem_test_elsewhere,
	};
	unsigned int n_rounds = fastmem_test_scale(5, 4), i, a, f;
	uint64_t backing = 0;
	int ret;

	for (i = 0; i < n_rounds * RTE_DIM(runners) * RTE_DIM(runners); i++) {
		a = i % RTE_DIM(runners);
		f = i / RTE_DIM(runners) % RTE_DIM(runners);
		ret = a == 0 ? alloc_objs(NULL) : runners[a](alloc_objs, NULL);
		if (ret != 0)
			TEST_ASSERT(0, "allocated by %u", a);
		ret = f == 0 ? free_objs(NULL) : runners[f](free_objs, NULL);
		if (ret != 0)
			TEST_ASSERT(0, "allocated by %u, freed by %u", a, f);
		/* by then the caches on both sides hold what they can */
		if (i == n_rounds / 2 * RTE_DIM(runners) * RTE_DIM(runners))
			backing = fastmem_test_backing();
	}
	/* objects did not pile up where they were freed */
	TEST_ASSERT(fastmem_test_backing() <= backing + SLAB,
		"memory grew from %" PRIu64 " B to %" PRIu64, backing,
		fastmem_test_backing());
	return fastmem_test_all_back();
}

static int
consume(void *arg)
{
	unsigned int left = *(unsigned int *)arg, n, i;
	void *burst[32];
	int ret = 0;

	while (left > 0) {
		n = rte_ring_dequeue_burst(ring, burst, 32, NULL);
		if (n == 0) {
			rte_delay_us_sleep(1);
			continue;
		}
		for (i = 0; i < n; i++)
			if (fastmem_test_check(burst[i], 1000, 9) != 0)
				ret = -1;
		if (left & 64)
			rte_fastmem_free_bulk(burst, n);
		else
			for (i = 0; i < n; i++)
				rte_fastmem_free(burst[i]);
		left -= n;
	}
	return ret;
}

struct consumer {
	unsigned int n;
	int result;
};

static uint32_t
consumer_thread(void *arg)
{
	struct consumer *consumer = arg;

	consumer->result = consume(&consumer->n);
	return 0;
}

/* Hand objects over; the ring bounds how many live, the limit their memory. */
static int
produce(unsigned int n)
{
	void *burst[16];
	unsigned int i, k;

	for (; n > 0; n -= k) {
		k = RTE_MIN(n, RTE_DIM(burst));
		if (n & 128) {
			TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(burst, k,
				1000, 8, 0), "no memory");
		} else {
			for (i = 0; i < k; i++) {
				burst[i] = rte_fastmem_alloc(1000, 8, 0);
				TEST_ASSERT_NOT_NULL(burst[i], "no memory");
			}
		}
		for (i = 0; i < k; i++)
			fastmem_test_fill(burst[i], 1000, 9);
		i = 0;
		while (i < k) {
			i += rte_ring_enqueue_burst(ring, &burst[i], k - i,
				NULL);
			if (i < k)
				rte_delay_us_sleep(1);
		}
	}
	return 0;
}

static int
test_producer_consumer(void)
{
	unsigned int lcore_id = rte_get_next_lcore(-1, 1, 0);
	struct consumer consumer = { .n = fastmem_test_scale(60000, 1000) };
	unsigned int n = consumer.n;
	rte_thread_t thread;
	unsigned int round;

	/* some 3 MiB live or in caches: it never needs more than this */
	if (fastmem_test_limit(5 * SLAB) != 0)
		return TEST_FAILED;
	for (round = 0; round < 4; round++) {
		if (round % 2 == 0 && lcore_id < RTE_MAX_LCORE) {
			TEST_ASSERT_SUCCESS(rte_eal_remote_launch(consume, &n,
				lcore_id), "cannot launch");
			if (produce(n) != 0)
				return TEST_FAILED;
			TEST_ASSERT_SUCCESS(rte_eal_wait_lcore(lcore_id),
				"wrong content");
		} else {
			TEST_ASSERT_SUCCESS(rte_thread_create(&thread, NULL,
				consumer_thread, &consumer),
				"cannot create a thread");
			if (produce(n) != 0)
				return TEST_FAILED;
			TEST_ASSERT_SUCCESS(rte_thread_join(thread, NULL),
				"cannot join a thread");
			TEST_ASSERT_SUCCESS(consumer.result, "wrong content");
		}
		TEST_ASSERT_EQUAL(fastmem_test_in_use(1024), 0, "objects lost");
	}
	return fastmem_test_all_back();
}

struct visitor {
	uint64_t seed;
	bool registers;
	unsigned int lcore_id;
	unsigned int n_allocs;
	unsigned int n_frees;
	int result;
	void *left[20];
};

/* A short life: some objects freed, some left behind for others to free. */
static int
visit(struct visitor *v)
{
	void *mine[200];
	unsigned int i, k, n = RTE_DIM(mine);

	if (v->registers)
		TEST_ASSERT_SUCCESS(rte_thread_register(),
			"cannot register a thread: %d", rte_errno);
	v->lcore_id = rte_lcore_id();
	TEST_ASSERT((v->lcore_id != LCORE_ID_ANY) == v->registers,
		"lcore %u", v->lcore_id);
	for (i = 0; i < n; i++) {
		mine[i] = rte_fastmem_alloc(size_of(i), 8, 0);
		TEST_ASSERT_NOT_NULL(mine[i], "cannot allocate");
		fastmem_test_fill(mine[i], size_of(i), v->seed);
	}
	v->n_allocs = n;
	for (i = 0; i < n; i++)
		TEST_ASSERT_SUCCESS(fastmem_test_check(mine[i], size_of(i),
			v->seed), "object %u", i);
	memcpy(v->left, mine, sizeof(v->left));
	for (i = RTE_DIM(v->left); i < n; i += k) {
		k = fastmem_test_rand(&v->seed) % 4 + 1;
		k = RTE_MIN(k, n - i);
		rte_fastmem_free_bulk(&mine[i], k);
		v->n_frees += k;
	}
	if (v->registers)
		rte_thread_unregister();
	return 0;
}

static uint32_t
visitor_thread(void *arg)
{
	struct visitor *v = arg;

	v->result = visit(v);
	return 0;
}

/* Generations of some threads at a time. */
static int
check_visitors(unsigned int n_generations, bool registers)
{
	static struct visitor visitors[N_THREADS];
	uint64_t allocs = 0, frees = 0, backing = 0;
	struct rte_fastmem_lcore_stats ls;
	struct rte_fastmem_stats stats;
	rte_thread_t threads[N_THREADS];
	unsigned int i, round;

	for (round = 0; round < n_generations; round++) {
		memset(visitors, 0, sizeof(visitors));
		for (i = 0; i < N_THREADS; i++) {
			visitors[i].seed = round * N_THREADS + i + 1;
			visitors[i].registers = registers;
			TEST_ASSERT_SUCCESS(rte_thread_create(&threads[i],
				NULL, visitor_thread, &visitors[i]),
				"cannot create a thread");
		}
		for (i = 0; i < N_THREADS; i++)
			TEST_ASSERT_SUCCESS(rte_thread_join(threads[i], NULL),
				"cannot join a thread");
		for (i = 0; i < N_THREADS; i++) {
			TEST_ASSERT_SUCCESS(visitors[i].result, "thread %u", i);
			rte_fastmem_free_bulk(visitors[i].left,
				RTE_DIM(visitors[i].left));
			allocs += visitors[i].n_allocs;
			frees += visitors[i].n_frees +
				RTE_DIM(visitors[i].left);
		}
		if (round == n_generations / 2)
			backing = fastmem_test_backing();
	}
	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&stats), "no statistics");
	TEST_ASSERT(stats.alloc_total == allocs && stats.free_total == frees,
		"%" PRIu64 " and %" PRIu64 " objects counted, not %" PRIu64
		" and %" PRIu64, stats.alloc_total, stats.free_total, allocs,
		frees);
	if (registers)
		TEST_ASSERT_SUCCESS(rte_fastmem_stats_lcore(
			visitors[0].lcore_id, &ls), "no statistics");
	else
		TEST_ASSERT_SUCCESS(rte_fastmem_stats_shared(&ls),
			"no statistics");
	TEST_ASSERT(ls.alloc_cache_hits + ls.alloc_cache_misses >=
		visitors[0].n_allocs, "not counted under lcore %d",
		visitors[0].lcore_id);
	/*
	 * What a thread leaves behind serves the next ones. More of them may
	 * overlap later, and take another slab of each class at most.
	 */
	TEST_ASSERT(fastmem_test_backing() <= backing + N_SIZES * SLAB,
		"memory grew from %" PRIu64 " B to %" PRIu64, backing,
		fastmem_test_backing());
	return fastmem_test_all_back();
}

static int
test_come_and_go(void)
{
	return check_visitors(fastmem_test_scale(40, 4), false);
}

static int
test_come_and_go_registered(void)
{
	if (fastmem_test_shared_config()) {
		printf("threads cannot be registered where there may be secondary processes, skipped\n");
		return TEST_SKIPPED;
	}
	if (!rte_mp_disable()) {
		printf("multi-process is in use, skipped\n");
		return TEST_SKIPPED;
	}
	return check_visitors(fastmem_test_scale(40, 4), true);
}

/* The first thread ever to use the library has no lcore id. */
static int
test_thread_is_first(void)
{
	if (fastmem_test_in_thread(alloc_objs, NULL) != 0 ||
			fastmem_test_in_thread(free_objs, NULL) != 0)
		return TEST_FAILED;
	/* nothing stays with the thread, so no other flush is needed */
	return fastmem_test_all_back();
}

struct mixer {
	unsigned int id;
	int result;
};

/* All threads on the same few classes, so that they meet in the depots. */
static int
mix(void *arg)
{
	struct mixer *mixer = arg;
	uint64_t state = mixer->id + 1;
	size_t sizes[400], size;
	void *mine[400];
	unsigned int n = 0, k;

	mixer->result = 0;
	while (!rte_atomic_load_explicit(&stop, rte_memory_order_relaxed)) {
		k = fastmem_test_rand(&state) % RTE_DIM(mine);
		if (k >= n) {
			size = size_of(k % 5 + 3);
			mine[n] = rte_fastmem_alloc(size, 8, 0);
			if (mine[n] == NULL) {
				mixer->result = -rte_errno;
				break;
			}
			fastmem_test_fill(mine[n], size, mixer->id);
			sizes[n++] = size;
			continue;
		}
		if (fastmem_test_check(mine[k], sizes[k], mixer->id) != 0) {
			mixer->result = -EFAULT;
			break;
		}
		rte_fastmem_free(mine[k]);
		n--;
		mine[k] = mine[n];
		sizes[k] = sizes[n];
		if (fastmem_test_rand(&state) % 5000 == 0)
			rte_fastmem_cache_flush();
	}
	rte_fastmem_free_bulk(mine, n);
	return mixer->result;
}

static uint32_t
mixer_thread(void *arg)
{
	mix(arg);
	return 0;
}

static int
test_all_at_once(void)
{
	static struct mixer mixers[N_THREADS], lcores[RTE_MAX_LCORE];
	rte_thread_t threads[N_THREADS];
	struct rte_fastmem_stats stats;
	unsigned int i, lcore_id;
	uint64_t end;

	rte_atomic_store_explicit(&stop, 0, rte_memory_order_relaxed);
	for (i = 0; i < N_THREADS; i++) {
		mixers[i].id = 1000 + i;
		TEST_ASSERT_SUCCESS(rte_thread_create(&threads[i], NULL,
			mixer_thread, &mixers[i]), "cannot create a thread");
	}
	RTE_LCORE_FOREACH_WORKER(lcore_id) {
		lcores[lcore_id].id = lcore_id;
		TEST_ASSERT_SUCCESS(rte_eal_remote_launch(mix,
			&lcores[lcore_id], lcore_id), "cannot launch");
	}
	/* this thread reads meanwhile */
	end = rte_get_timer_cycles() + rte_get_timer_hz() *
		fastmem_test_scale(1000, 1) / 1000;
	for (i = 0; rte_get_timer_cycles() < end; i++) {
		rte_fastmem_stats(&stats);
		rte_delay_us_sleep(2000);
		if (i % 50 == 0)
			rte_fastmem_cache_flush();
	}
	rte_atomic_store_explicit(&stop, 1, rte_memory_order_relaxed);
	for (i = 0; i < N_THREADS; i++)
		TEST_ASSERT_SUCCESS(rte_thread_join(threads[i], NULL),
			"cannot join a thread");
	rte_eal_mp_wait_lcore();
	for (i = 0; i < N_THREADS; i++)
		TEST_ASSERT_SUCCESS(mixers[i].result, "thread %u: %d", i,
			mixers[i].result);
	RTE_LCORE_FOREACH_WORKER(lcore_id)
		TEST_ASSERT_SUCCESS(lcores[lcore_id].result, "lcore %u: %d",
			lcore_id, lcores[lcore_id].result);
	return fastmem_test_all_back();
}

/*
 * Threads which do nothing but exchange magazines of one depot. Each marks the
 * objects that it holds, so that one which two of them hold is noticed.
 */
static int
contend(void *arg)
{
	struct mixer *mixer = arg;
	uint32_t *held[3];
	unsigned int i, k;

	mixer->result = 0;
	while (!rte_atomic_load_explicit(&stop, rte_memory_order_relaxed)) {
		for (i = 0; i < RTE_DIM(held); i++) {
			held[i] = rte_fastmem_alloc(sizeof(*held[i]), 1, 0);
			if (held[i] == NULL) {
				mixer->result = -rte_errno;
				break;
			}
			*held[i] = mixer->id;
		}
		for (k = 0; k < i; k++) {
			if (*held[k] != mixer->id)
				mixer->result = -EFAULT;
			*held[k] = 0;
			rte_fastmem_free(held[k]);
		}
		if (mixer->result != 0)
			rte_atomic_store_explicit(&stop, 1,
				rte_memory_order_relaxed);
	}
	return mixer->result;
}

static uint32_t
contender_thread(void *arg)
{
	contend(arg);
	return 0;
}

static int
test_depot_contention(void)
{
	static struct mixer mixers[N_THREADS];
	rte_thread_t threads[N_THREADS];
	unsigned int i;

	rte_atomic_store_explicit(&stop, 0, rte_memory_order_relaxed);
	for (i = 0; i < N_THREADS; i++) {
		mixers[i].id = 1 + i;
		TEST_ASSERT_SUCCESS(rte_thread_create(&threads[i], NULL,
			contender_thread, &mixers[i]),
			"cannot create a thread");
	}
	rte_delay_us_sleep(fastmem_test_scale(1000000, 1));
	rte_atomic_store_explicit(&stop, 1, rte_memory_order_relaxed);
	for (i = 0; i < N_THREADS; i++)
		TEST_ASSERT_SUCCESS(rte_thread_join(threads[i], NULL),
			"cannot join a thread");
	for (i = 0; i < N_THREADS; i++)
		TEST_ASSERT_SUCCESS(mixers[i].result, "thread %u: %d", i,
			mixers[i].result);
	return fastmem_test_all_back();
}

static struct unit_test_suite fastmem_threads_testsuite = {
	.suite_name = "fastmem threads",
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_free_elsewhere),
		TEST_CASE_ST(setup_ring, teardown_ring,
			test_producer_consumer),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_come_and_go),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_come_and_go_registered),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_thread_is_first),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_all_at_once),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_depot_contention),
		TEST_CASES_END()
	}
};

static int
test_fastmem_threads(void)
{
	int ret = fastmem_test_run(&fastmem_threads_testsuite);

	if (ret == TEST_SUCCESS)
		ret = fastmem_test_run(&fastmem_lcore_testsuite);
	return ret;
}

REGISTER_FAST_TEST(fastmem_threads_autotest, NOHUGE_OK, ASAN_OK, test_fastmem_threads);
