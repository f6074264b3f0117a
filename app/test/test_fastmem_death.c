/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Secondary processes that come and go, and are killed wherever they are.
 *
 * FASTMEM_TEST_KILLS is the number of those killed while they do all they can;
 * other cases take a part of it. FASTMEM_TEST_SEED repeats a run as far as
 * processes can be repeated.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_lcore.h>
#include <rte_memzone.h>
#include <rte_random.h>

#include "test_fastmem_death.h"
#include "test_fastmem_stress.h"

#define KILLS 20

/* The keeper's work is waited for so long. The programmer's guide promises it
 * within a second; a loaded machine may let the keeper wait.
 */
#define SECONDS_TO_RECLAIM 10

/* Memory that is used up, so that only hoarded objects are left. */
#define HOARD_LIMIT ((uint64_t)16 << 20)

/* Memory where race points are what matters. */
#define POINTS_LIMIT ((uint64_t)160 << 20)

static const struct rte_memzone *area_zone;
static struct death_run run;

static unsigned int
n_kills(unsigned int part)
{
	unsigned int n = fastmem_test_env("FASTMEM_TEST_KILLS", KILLS);

	return RTE_MAX(n / part, 2u);
}

/* Set up a run with as many processes as there can be at a time. */
static void
init_run(enum death_task task, unsigned int n_deaths)
{
	memset(&run, 0, sizeof(run));
	run.task = task;
	run.n_procs = DEATH_N_PROCS - 1;
	run.n_deaths = n_deaths;
}

/* Processes come and go as they like, and leave objects behind. */
static int
test_leave(void)
{
	init_run(DEATH_TASK_WORK, n_kills(4));
	run.polite = true;
	return death_run(&run);
}

static int
test_killed(void)
{
	init_run(DEATH_TASK_WORK, n_kills(1));
	return death_run(&run);
}

/* Most of the time, they wait for memory. */
static int
test_killed_growing(void)
{
	init_run(DEATH_TASK_GROW, n_kills(4));
	run.always_trim = true;
	return death_run(&run);
}

static int
test_killed_threads(void)
{
	init_run(DEATH_TASK_THREADS, n_kills(4));
	return death_run(&run);
}

static int
test_killed_attaching(void)
{
	init_run(DEATH_TASK_ATTACH, n_kills(4));
	return death_run(&run);
}

static int
test_killed_idle(void)
{
	init_run(DEATH_TASK_IDLE, n_kills(10));
	return death_run(&run);
}

/* All but what the process hoards is the primary's. */
static int
exhaust(void **objs, unsigned int max, unsigned int *n)
{
	size_t size = fastmem_test_sizes[DEATH_HOARD_CLASS];

	*n += fastmem_test_exhaust(&objs[*n], max - *n, size);
	TEST_ASSERT(*n < max, "there is no limit");
	return 0;
}

static int
hoard_and_die(void **objs, unsigned int max, unsigned int *n)
{
	unsigned int before, i;
	uint64_t start;
	bool self;

	if (death_run_begin(&run) != 0 || death_spawn(&run, 1, run.task,
			NULL) != TEST_SUCCESS)
		return TEST_FAILED;
	if (death_await_start(&run, 1, run.task) != TEST_SUCCESS)
		return TEST_SKIPPED;
	death_where("waits for objects in the cache of another process");
	while (rte_atomic_load_explicit(&death_area->hoarded,
			rte_memory_order_acquire) == 0 && !death_failed())
		rte_delay_us_sleep(1000);
	if (exhaust(objs, max, n) != 0 ||
			death_await_end(&run, 1, 0, &self) != TEST_SUCCESS)
		return TEST_FAILED;
	/* nobody asks for it */
	death_where("waits for the objects of the dead process");
	before = *n;
	start = rte_get_timer_cycles();
	for (i = 0; *n < before + DEATH_N_HOARDED &&
			i < SECONDS_TO_RECLAIM * 100; i++) {
		if (exhaust(objs, max, n) != 0)
			return TEST_FAILED;
		rte_delay_us_sleep(10000);
	}
	TEST_ASSERT(*n >= before + DEATH_N_HOARDED,
		"%u of %u objects came back", *n - before, DEATH_N_HOARDED);
	printf("objects came back after %.2f s\n",
		(rte_get_timer_cycles() - start) / (double)rte_get_timer_hz());
	TEST_ASSERT_EQUAL(rte_fastmem_process_reclaim(), 0,
		"there is something left to reclaim");
	return TEST_SUCCESS;
}

/* The primary reclaims without being asked. */
static int
test_reclaimed_alone(void)
{
	unsigned int max = 4 * HOARD_LIMIT /
		fastmem_test_sizes[DEATH_HOARD_CLASS], n = 0;
	void **objs = calloc(max, sizeof(*objs));
	int ret;

	TEST_ASSERT_NOT_NULL(objs, "no memory");
	init_run(DEATH_TASK_HOARD, 1);
	run.quiet = true;
	run.limit = HOARD_LIMIT;
	ret = hoard_and_die(objs, max, &n);
	fastmem_test_free_all(objs, n);
	free(objs);
	return death_run_finish(&run, ret);
}

static int
test_reclaim(void)
{
	TEST_ASSERT_EQUAL(rte_fastmem_process_reclaim(), 0, "nobody is dead");
	rte_fastmem_deinit();
	TEST_ASSERT_EQUAL(rte_fastmem_process_reclaim(), -ENODEV,
		"not initialized");
	TEST_ASSERT_SUCCESS(rte_fastmem_init(), "cannot initialize");
	return TEST_SUCCESS;
}

static int
test_killed_at_points(void)
{
	struct death_point points[DEATH_MAX_POINTS];

	if (death_read_points(points, DEATH_MAX_POINTS) == 0) {
		printf("the library has no race points, skipped\n");
		return TEST_SKIPPED;
	}
	init_run(DEATH_TASK_WORK, n_kills(1));
	run.at_points = true;
	/* what is seldom come to is so because memory is scarce */
	run.limit = POINTS_LIMIT;
	return death_run_points(&run);
}

static int
suite_setup(void)
{
	if (!fastmem_test_mp_possible())
		return TEST_SKIPPED;
	area_zone = fastmem_test_mp_reserve(DEATH_AREA_NAME,
		sizeof(struct death_area) +
		fastmem_test_ledgers_bytes(DEATH_N_LEDGERS));
	TEST_ASSERT_NOT_NULL(area_zone, "no memory");
	death_area = area_zone->addr;
	death_area->seed = fastmem_test_env("FASTMEM_TEST_SEED",
		rte_rand() >> 32);
	printf("FASTMEM_TEST_SEED=%" PRIu64 " FASTMEM_TEST_KILLS=%u\n",
		death_area->seed, n_kills(1));
	return TEST_SUCCESS;
}

static void
suite_teardown(void)
{
	rte_memzone_free(area_zone);
}

static struct unit_test_suite fastmem_death_testsuite = {
	.suite_name = "fastmem deaths of processes",
	.setup = suite_setup,
	.teardown = suite_teardown,
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_shared,
			test_reclaim),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_shared,
			test_leave),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_shared,
			test_killed_idle),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_shared,
			test_reclaimed_alone),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_shared,
			test_killed),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_shared,
			test_killed_growing),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_shared,
			test_killed_threads),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_shared,
			test_killed_attaching),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_shared,
			test_killed_at_points),
		TEST_CASES_END()
	}
};

/*
 * A process that attaches for the first time looks up a memzone, with EAL's lock
 * in shared memory, as EAL does before: none is to be killed in either. Those
 * which kill themselves do so elsewhere, and are to meet each point once only.
 */
static int
death_main(void)
{
	death_area = fastmem_test_mp_lookup(DEATH_AREA_NAME);
	if (death_area == NULL)
		return TEST_SKIPPED;
	if (getenv("FASTMEM_RACE_KILL") == NULL) {
		TEST_ASSERT_SUCCESS(rte_fastmem_init(), "cannot attach");
		rte_fastmem_deinit();
	}
	return fastmem_test_mp_main(&death_area->procs[
		fastmem_test_mp_number()], death_secondary);
}

static int
test_fastmem_death(void)
{
	if (rte_eal_process_type() == RTE_PROC_SECONDARY)
		return death_main();
	return fastmem_test_run(&fastmem_death_testsuite);
}

REGISTER_FAST_TEST(fastmem_death_autotest, NOHUGE_OK, ASAN_OK,
	test_fastmem_death);
