/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Threads without an lcore id that live longer than the allocator, or that end
 * while it is torn down.
 *
 * FASTMEM_TEST_SECONDS makes it longer, or shorter.
 */

#include <errno.h>
#include <pthread.h>
#include <stdint.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_thread.h>

#include "test_fastmem_stress.h"
#include "test_fastmem_util.h"

static pthread_barrier_t barrier;

/* Leave something in caches of several classes. */
static int
live(void)
{
	void *objs[40];
	unsigned int i;

	for (i = 0; i < RTE_DIM(objs); i++) {
		objs[i] = rte_fastmem_alloc(8 << i % 5, 8, 0);
		TEST_ASSERT_NOT_NULL(objs[i], "cannot allocate");
		fastmem_test_fill(objs[i], 8 << i % 5, i);
	}
	for (i = 0; i < RTE_DIM(objs); i++) {
		TEST_ASSERT_SUCCESS(fastmem_test_check(objs[i], 8 << i % 5, i),
			"wrong content");
		rte_fastmem_free(objs[i]);
	}
	return 0;
}

/* More threads, one after the other, than may have caches at a time. */
#define N_THREADS 256

/* Threads that live while the library is torn down and initialized again. */
enum outlives {
	ENDS_DETACHED, /* before it is initialized again */
	ENDS_IDLE,     /* after that, without another call */
	GOES_ON,
	N_OUTLIVES
};

static struct survivor {
	enum outlives kind;
	int result;
} survivors[4 * N_OUTLIVES];

static pthread_barrier_t late;

static int
survive(const struct survivor *self)
{
	int ret = live();

	pthread_barrier_wait(&barrier);
	/* torn down by the main thread */
	pthread_barrier_wait(&barrier);
	if (self->kind != ENDS_IDLE && (rte_fastmem_alloc(64, 8, 0) != NULL ||
			rte_errno != ENODEV))
		ret = -1;
	pthread_barrier_wait(&barrier);
	if (self->kind == ENDS_DETACHED)
		return ret;
	/* initialized again */
	pthread_barrier_wait(&late);
	if (self->kind == GOES_ON)
		ret |= live();
	return ret;
}

static uint32_t
survivor_thread(void *arg)
{
	struct survivor *self = arg;

	self->result = survive(self);
	return 0;
}

static int
run_survivors(void)
{
	rte_thread_t threads[RTE_DIM(survivors)];
	unsigned int i;

	for (i = 0; i < RTE_DIM(survivors); i++) {
		survivors[i].kind = i % N_OUTLIVES;
		TEST_ASSERT_SUCCESS(rte_thread_create(&threads[i], NULL,
			survivor_thread, &survivors[i]),
			"cannot create a thread");
	}
	pthread_barrier_wait(&barrier);
	rte_fastmem_deinit();
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	for (i = ENDS_DETACHED; i < RTE_DIM(threads); i += N_OUTLIVES)
		TEST_ASSERT_SUCCESS(rte_thread_join(threads[i], NULL),
			"cannot join a thread");
	TEST_ASSERT_SUCCESS(rte_fastmem_init(), "cannot initialize");
	pthread_barrier_wait(&late);
	for (i = 0; i < RTE_DIM(threads); i++) {
		if (survivors[i].kind != ENDS_DETACHED)
			TEST_ASSERT_SUCCESS(rte_thread_join(threads[i], NULL),
				"cannot join a thread");
		TEST_ASSERT_SUCCESS(survivors[i].result, "thread %u", i);
	}
	return 0;
}

static int
test_outlives(void)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; ret == 0 && i < N_THREADS / RTE_DIM(survivors); i++) {
		pthread_barrier_init(&barrier, NULL, RTE_DIM(survivors) + 1);
		pthread_barrier_init(&late, NULL, RTE_DIM(survivors) -
			RTE_DIM(survivors) / N_OUTLIVES + 1);
		ret = run_survivors();
		pthread_barrier_destroy(&barrier);
		pthread_barrier_destroy(&late);
	}
	if (ret != 0 || fastmem_test_in_thread(fastmem_test_check_caches,
			NULL) != 0)
		return TEST_FAILED;
	return fastmem_test_all_back();
}

/* The library is torn down, and initialized, while threads are ending. */
static uint32_t
ending_thread(void *arg)
{
	*(int *)arg = live();
	pthread_barrier_wait(&barrier);
	return 0;
}

static int
test_ends_meanwhile(void)
{
	unsigned int n_rounds = fastmem_test_scale(200, 20), round, i;
	rte_thread_t threads[10];
	int results[10];

	pthread_barrier_init(&barrier, NULL, RTE_DIM(threads) + 1);
	for (round = 0; round < n_rounds; round++) {
		for (i = 0; i < RTE_DIM(threads); i++)
			TEST_ASSERT_SUCCESS(rte_thread_create(&threads[i],
				NULL, ending_thread, &results[i]),
				"cannot create a thread");
		pthread_barrier_wait(&barrier);
		if (round % 2 == 0)
			rte_delay_us_block(round);
		rte_fastmem_deinit();
		TEST_ASSERT_SUCCESS(rte_fastmem_init(), "cannot initialize");
		TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
		for (i = 0; i < RTE_DIM(threads); i++) {
			TEST_ASSERT_SUCCESS(rte_thread_join(threads[i], NULL),
				"cannot join a thread");
			TEST_ASSERT_SUCCESS(results[i], "thread %u", i);
		}
	}
	pthread_barrier_destroy(&barrier);
	if (fastmem_test_in_thread(fastmem_test_check_caches, NULL) != 0)
		return TEST_FAILED;
	return fastmem_test_all_back();
}

struct unit_test_suite fastmem_outlive_testsuite = {
	.suite_name = "fastmem threads that outlive it",
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_outlives),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_ends_meanwhile),
		TEST_CASES_END()
	}
};
