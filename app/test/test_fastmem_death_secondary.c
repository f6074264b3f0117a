/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * What the secondary processes of the suite of deaths do.
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
#include <rte_thread.h>

#include "test_fastmem_death.h"

/* After so many microseconds at most, a process waits for all its threads. */
#define ROUND_US 20000
/* It then attaches anew once in so many times. */
#define REATTACH 8
/* Work between two attachments, where that is what is done. */
#define ATTACHED_US 200
#define SLEEP_US 200

static struct death_actor actors[DEATH_N_ACTORS];
static RTE_ATOMIC(uint32_t) joining; /* whose end is waited for */

static uint64_t
rnd(uint64_t n)
{
	return (fastmem_test_rand(&actors[0].state) >> 16) % n;
}

static int
act_lcore(void *arg)
{
	return death_act(arg);
}

/* The end of a thread is a call of the library: so the thread is at work until
 * it was joined, and ends when somebody waits for it and for nobody else.
 */
static uint32_t
act_thread(void *arg)
{
	struct death_actor *a = arg;

	death_act(a);
	while (rte_atomic_load_explicit(&joining, rte_memory_order_relaxed) !=
			a->id)
		rte_delay_us_sleep(SLEEP_US);
	fastmem_test_ledger_enter(&death_area->all, a->id);
	return 0;
}

static int
join_threads(rte_thread_t *threads, unsigned int n)
{
	unsigned int i;

	for (i = n; i < DEATH_N_ACTORS; i++) {
		rte_atomic_store_explicit(&joining, actors[i].id,
			rte_memory_order_relaxed);
		TEST_ASSERT_SUCCESS(rte_thread_join(threads[i], NULL),
			"cannot join a thread");
		fastmem_test_ledger_leave(&death_area->all, actors[i].id);
	}
	return 0;
}

/* All threads work for a while. */
static int
run_round(uint32_t task)
{
	uint64_t end = rte_get_timer_cycles() +
		rnd(ROUND_US) * rte_get_timer_hz() / 1000000;
	unsigned int n_lcores = task == DEATH_TASK_THREADS ? 1 :
		rte_lcore_count();
	rte_thread_t threads[DEATH_N_ACTORS];
	unsigned int lcore_id = rte_lcore_id(), i;
	int ret = 0;

	rte_atomic_store_explicit(&joining, 0, rte_memory_order_relaxed);
	for (i = 0; i < DEATH_N_ACTORS; i++)
		actors[i].end = end;
	for (i = n_lcores; i < DEATH_N_ACTORS; i++)
		TEST_ASSERT_SUCCESS(rte_thread_create(&threads[i], NULL,
			act_thread, &actors[i]), "cannot create a thread");
	for (i = 1; i < n_lcores; i++) {
		lcore_id = rte_get_next_lcore(lcore_id, 1, 1);
		TEST_ASSERT_SUCCESS(rte_eal_remote_launch(act_lcore, &actors[i],
			lcore_id), "cannot launch on lcore %u", lcore_id);
	}
	if (task != DEATH_TASK_THREADS)
		death_act(&actors[0]);
	rte_eal_mp_wait_lcore();
	if (join_threads(threads, n_lcores) != 0)
		return -1;
	for (i = 0; i < DEATH_N_ACTORS; i++)
		if (actors[i].result != 0)
			ret = -1;
	return ret;
}

/* Only the main thread is there. */
static int
reattach(void)
{
	rte_fastmem_deinit();
	TEST_ASSERT_SUCCESS(rte_fastmem_init(), "cannot attach again");
	return 0;
}

static int
work(uint32_t task, uint32_t proc)
{
	uint32_t id = death_ledger_id(proc, 0);
	int ret = 0;

	while (ret == 0 && !death_stopped(proc) && !death_failed()) {
		fastmem_test_ledger_leave(&death_area->all, id);
		ret = run_round(task);
		fastmem_test_ledger_enter(&death_area->all, id);
		if (ret == 0 && rnd(REATTACH) == 0)
			ret = reattach();
	}
	return ret;
}

static int
work_attaching(uint32_t proc)
{
	uint32_t id = death_ledger_id(proc, 0);
	int ret = 0;

	while (ret == 0 && !death_stopped(proc) && !death_failed()) {
		actors[0].end = rte_get_timer_cycles() +
			rnd(ATTACHED_US) * rte_get_timer_hz() / 1000000;
		if (rnd(4) == 0)
			ret = death_act(&actors[0]);
		fastmem_test_ledger_enter(&death_area->all, id);
		if (ret == 0)
			ret = reattach();
	}
	return ret;
}

/* Free objects and keep them in the cache. */
static int
hoard(void)
{
	size_t size = fastmem_test_sizes[DEATH_HOARD_CLASS];
	void *objs[DEATH_N_HOARDED];
	unsigned int i;

	for (i = 0; i < DEATH_N_HOARDED; i++) {
		objs[i] = rte_fastmem_alloc(size, 8, 0);
		TEST_ASSERT_NOT_NULL(objs[i], "no memory for object %u", i);
	}
	for (i = 0; i < DEATH_N_HOARDED; i++)
		rte_fastmem_free(objs[i]);
	rte_atomic_store_explicit(&death_area->hoarded, 1,
		rte_memory_order_release);
	return 0;
}

static void
idle(uint32_t proc)
{
	fastmem_test_ledger_leave(&death_area->all, death_ledger_id(proc, 0));
	while (!death_stopped(proc) && !death_failed())
		rte_delay_us_sleep(SLEEP_US);
	fastmem_test_ledger_enter(&death_area->all, death_ledger_id(proc, 0));
}

unsigned int
death_read_points(struct death_point *points, unsigned int max)
{
	char *text = NULL, *line;
	unsigned int n = 0;
	size_t len = 0;
	FILE *f;

	f = open_memstream(&text, &len);
	if (f == NULL)
		return 0;
	rte_fastmem_dump(f);
	fclose(f);
	line = strstr(text, " race points, ");
	while (line != NULL && n < max) {
		line = strchr(line, '\n');
		if (line == NULL)
			break;
		line++;
		if (sscanf(line, " %31s %" SCNu64 " 1/", points[n].name,
				&points[n].n) == 2)
			n++;
	}
	free(text);
	return n;
}

int
death_secondary(uint32_t task)
{
	uint32_t proc = fastmem_test_mp_number(), i;
	int ret;

	for (i = 0; i < DEATH_N_ACTORS; i++)
		death_actor_init(&actors[i], proc, i, task, death_area->seed +
			death_area->n_spawned * 7919);
	fastmem_test_ledger_enter(&death_area->all, death_ledger_id(proc, 0));
	ret = rte_fastmem_init();
	if (ret != 0)
		printf("process %u cannot attach: %d\n", proc, ret);
	if (ret == 0 && rte_fastmem_process_reclaim() != -ENOTSUP) {
		printf("process %u may reclaim\n", proc);
		ret = -1;
	}
	if (ret == 0 && task == DEATH_TASK_HOARD)
		ret = hoard();
	if (ret != 0)
		;
	else if (task == DEATH_TASK_ATTACH)
		ret = work_attaching(proc);
	else if (task == DEATH_TASK_IDLE || task == DEATH_TASK_HOARD)
		idle(proc);
	else
		ret = work(task, proc);
	if (ret != 0)
		rte_atomic_store_explicit(&death_area->failed, 1,
			rte_memory_order_relaxed);
	death_area->n_points = death_read_points(death_area->points,
		DEATH_MAX_POINTS);
	rte_fastmem_deinit();
	fastmem_test_ledger_leave(&death_area->all, death_ledger_id(proc, 0));
	return ret;
}
