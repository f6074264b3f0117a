/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * How a secondary process comes to what is shared, while others hold what it
 * must not wait for.
 */

#include <stdio.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_memzone.h>
#include <rte_stdatomic.h>

#include "test_fastmem_peer.h"
#include "test_fastmem_util.h"

#define COMMAND "fastmem_attach_autotest"
#define SECONDS_TO_START 60
#define SECONDS_TO_ATTACH 10

/* The steps that the two processes have come to. */
struct shared {
	RTE_ATOMIC(uint32_t) ready;
	RTE_ATOMIC(uint32_t) taken;
	RTE_ATOMIC(uint32_t) attached;
};

static struct shared *shared;

static void
set(RTE_ATOMIC(uint32_t) *step)
{
	rte_atomic_store_explicit(step, 1, rte_memory_order_release);
}

/* Wait until the other process has come to a step; false if it does not. */
static bool
wait_for(const RTE_ATOMIC(uint32_t) *step, unsigned int seconds)
{
	uint64_t end = rte_get_timer_cycles() + seconds * rte_get_timer_hz();

	while (rte_atomic_load_explicit(step, rte_memory_order_acquire) == 0) {
		if (rte_get_timer_cycles() >= end)
			return false;
		rte_delay_us_sleep(100);
	}
	return true;
}

static int
secondary_task(uint32_t task __rte_unused, void *arg)
{
	struct shared *steps = arg;

	TEST_ASSERT_SUCCESS(rte_fastmem_init(), "cannot attach");
	set(&steps->ready);
	TEST_ASSERT(wait_for(&steps->taken, SECONDS_TO_START),
		"the primary process does nothing");
	rte_fastmem_deinit();
	TEST_ASSERT_SUCCESS(rte_fastmem_init(), "cannot attach again");
	set(&steps->attached);
	rte_fastmem_deinit();
	return 0;
}

/* Want EAL's lock of memzones for itself. */
static int
reserve_zone(void *arg __rte_unused)
{
	const struct rte_memzone *mz;

	mz = rte_memzone_reserve("test_fm_attach_zone", 64, SOCKET_ID_ANY, 0);
	TEST_ASSERT_NOT_NULL(mz, "no memory");
	TEST_ASSERT_SUCCESS(rte_memzone_free(mz), "cannot free");
	return 0;
}

/* With the lock taken, and another lcore waiting for it so that no one else gets
 * it, let the secondary process attach. This is called for each zone.
 */
static void
attach_meanwhile(const struct rte_memzone *mz __rte_unused, void *arg)
{
	bool *attached = arg;

	if (rte_atomic_load_explicit(&shared->taken,
			rte_memory_order_relaxed) != 0)
		return;
	rte_eal_remote_launch(reserve_zone, NULL, rte_get_next_lcore(-1, 1, 0));
	rte_delay_us_sleep(20000);
	set(&shared->taken);
	*attached = wait_for(&shared->attached, SECONDS_TO_ATTACH);
}

/* Killed with that lock, a process would stop all others, so those which attach
 * again do without.
 */
static int
test_attach_without_lock(void)
{
	bool attached = false, ready;
	int ret;

	if (rte_lcore_count() < 2) {
		printf("one lcore is too few to wait for another one, skipped\n");
		return TEST_SKIPPED;
	}
	ret = fastmem_test_peer_start(COMMAND, 0);
	if (ret != TEST_SUCCESS)
		return ret;
	ready = wait_for(&shared->ready, SECONDS_TO_START);
	if (ready)
		rte_memzone_walk(attach_meanwhile, &attached);
	if (rte_eal_wait_lcore(rte_get_next_lcore(-1, 1, 0)) != 0 ||
			fastmem_test_peer_end() != TEST_SUCCESS || !ready)
		return TEST_FAILED;
	TEST_ASSERT(attached, "attaching has waited for EAL's lock");
	return fastmem_test_all_back();
}

static int
suite_setup(void)
{
	void *arg;
	int ret = fastmem_test_peer_setup(sizeof(*shared), &arg);

	if (ret == TEST_SUCCESS)
		shared = arg;
	return ret;
}

static struct unit_test_suite fastmem_attach_testsuite = {
	.suite_name = "fastmem attachment of secondary processes",
	.setup = suite_setup,
	.teardown = fastmem_test_peer_teardown,
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_shared,
			test_attach_without_lock),
		TEST_CASES_END()
	}
};

static int
test_fastmem_attach(void)
{
	if (rte_eal_process_type() == RTE_PROC_SECONDARY)
		return fastmem_test_peer_main(secondary_task);
	return fastmem_test_run(&fastmem_attach_testsuite);
}

REGISTER_FAST_TEST(fastmem_attach_autotest, NOHUGE_OK, ASAN_OK,
	test_fastmem_attach);
