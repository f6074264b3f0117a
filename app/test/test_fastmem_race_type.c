/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Part of fastmem_race_autotest: types are created and destroyed while other
 * threads reset and read all statistics, those of the types' bins among them.
 */

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

#include <rte_cycles.h>
#include <rte_memory.h>
#include <rte_stdatomic.h>
#include <rte_thread.h>

#include "test_fastmem_stress.h"
#include "test_fastmem_util.h"

#define N_RESETTERS 2
#define N_TYPES 32
#define N_OBJS 40

static RTE_ATOMIC(uint32_t) stop;
static RTE_ATOMIC(uint32_t) n_resets;

static uint32_t
reset_main(void *arg __rte_unused)
{
	struct rte_fastmem_stats stats;

	while (rte_atomic_load_explicit(&stop, rte_memory_order_relaxed) == 0) {
		rte_fastmem_stats_reset();
		if (rte_fastmem_stats(&stats) != 0)
			return 1;
		rte_atomic_fetch_add_explicit(&n_resets, 1,
			rte_memory_order_relaxed);
	}
	return 0;
}

static int
create_type(unsigned int i, rte_fastmem_handle_t *handle)
{
	char name[16];
	struct rte_fastmem_type_params params = {
		.name = name,
		.size = 64 + i % 7 * 200,
		.socket_id = SOCKET_ID_ANY,
	};

	snprintf(name, sizeof(name), "race %u", i);
	TEST_ASSERT_SUCCESS(rte_fastmem_type_create(&params, handle),
		"cannot create type %u", i);
	return 0;
}

/* Nobody helps a reader out of a count that was left in the middle. */
static int
use_type(rte_fastmem_handle_t handle)
{
	struct rte_fastmem_class_stats cs;
	void *objs[N_OBJS];

	TEST_ASSERT_SUCCESS(rte_fastmem_type_stats(handle, &cs),
		"no statistics");
	TEST_ASSERT_SUCCESS(rte_fastmem_halloc_bulk(handle, objs, N_OBJS, 0),
		"cannot allocate");
	TEST_ASSERT_SUCCESS(rte_fastmem_type_stats(handle, &cs),
		"no statistics");
	TEST_ASSERT_EQUAL(cs.in_use, N_OBJS, "%" PRIu64 " of %u in use",
		cs.in_use, N_OBJS);
	rte_fastmem_hfree_bulk(handle, objs, N_OBJS);
	return 0;
}

/* Types are created while statistics are reset, and used when they are not. */
static int
run_round(void)
{
	rte_fastmem_handle_t handles[N_TYPES];
	rte_thread_t threads[N_RESETTERS];
	unsigned int i, n;
	uint32_t failed;
	int ret = 0;

	rte_atomic_store_explicit(&stop, 0, rte_memory_order_relaxed);
	rte_atomic_store_explicit(&n_resets, 0, rte_memory_order_relaxed);
	for (i = 0; i < N_RESETTERS; i++)
		TEST_ASSERT_SUCCESS(rte_thread_create(&threads[i], NULL,
			reset_main, NULL), "no thread");
	while (rte_atomic_load_explicit(&n_resets,
			rte_memory_order_relaxed) == 0)
		rte_delay_us_sleep(1);
	for (n = 0; n < N_TYPES; n++) {
		ret = create_type(n, &handles[n]);
		if (ret != 0)
			break;
	}
	rte_atomic_store_explicit(&stop, 1, rte_memory_order_relaxed);
	for (i = 0; i < N_RESETTERS; i++) {
		rte_thread_join(threads[i], &failed);
		if (failed != 0)
			ret = -1;
	}
	for (i = 0; i < n && ret == 0; i++)
		ret = use_type(handles[i]);
	for (i = 0; i < n; i++)
		if (rte_fastmem_type_destroy(handles[i]) != 0)
			ret = -1;
	return ret;
}

static int
test_create_meanwhile(void)
{
	uint64_t end = rte_get_timer_cycles() + rte_get_timer_hz() / 4 *
		fastmem_test_env("FASTMEM_TEST_SECONDS", FASTMEM_TEST_SECONDS);
	unsigned int n = 0;

	do {
		TEST_ASSERT_SUCCESS(run_round(), "round %u", n);
		n++;
	} while (rte_get_timer_cycles() < end);
	printf("%u rounds\n", n);
	return fastmem_test_all_back();
}

struct unit_test_suite fastmem_race_type_testsuite = {
	.suite_name = "fastmem race of types",
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_create_meanwhile),
		TEST_CASES_END()
	}
};
