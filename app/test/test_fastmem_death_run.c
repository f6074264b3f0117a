/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Runs in which secondary processes die, as the primary process sees it.
 */

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_memory.h>
#include <rte_pause.h>
#include <rte_thread.h>

#include "test_fastmem_death.h"

/* Nothing takes so long, whatever else the machine has to do. EAL waits up to
 * 5 seconds for the answer of a process that has died.
 */
#define WATCH_SECONDS 30
#define WATCH_LOOK_MS 20

/* Bytes that all threads hold together, about, and backing memory. */
#define BUDGET ((uint64_t)24 << 20)
/* What one holds where all that matters is growth. */
#define BUDGET_GROW ((uint64_t)4 << 20)
#define LIMIT_MIN ((uint64_t)48 << 20)
#define LIMIT_MAX ((uint64_t)112 << 20)

static RTE_ATOMIC(uintptr_t) watch_where;
static RTE_ATOMIC(uint32_t) watch_looks;
static RTE_ATOMIC(uint32_t) watch_stop;
static rte_thread_t watch_thread;

uint64_t
death_rnd(struct death_run *run, uint64_t n)
{
	return (fastmem_test_rand(&run->state) >> 16) % n;
}

void
death_where(const char *where)
{
	rte_atomic_store_explicit(&watch_looks, 0, rte_memory_order_relaxed);
	rte_atomic_store_explicit(&watch_where, (uintptr_t)where,
		rte_memory_order_release);
}

static void
kill_all(void)
{
	unsigned int i;

	for (i = 1; i < DEATH_N_PROCS; i++)
		if (death_area->procs[i].pid != 0)
			kill(death_area->procs[i].pid, SIGKILL);
}

static void
print_file(const char *task, const char *name)
{
	char path[PATH_MAX], line[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%s/%s", task, name);
	f = fopen(path, "r");
	if (f == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL)
		printf("  %s%s", line, strchr(line, '\n') == NULL ? "\n" : "");
	fclose(f);
}

/* Where the threads of this process are in the kernel. */
static void
print_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		printf("thread %s\n", entry->d_name);
		print_file(entry->d_name, "comm");
		print_file(entry->d_name, "syscall");
		print_file(entry->d_name, "stack");
	}
	closedir(dir);
}

/* Someone waits for ever: there is no way back from there. */
static void
watch_bite(void)
{
	unsigned int i;

	printf("no progress for %u s: the test %s\n", WATCH_SECONDS,
		(const char *)rte_atomic_load_explicit(&watch_where,
			rte_memory_order_acquire));
	for (i = 0; i < death_area->all.n; i++)
		fastmem_test_ledger_print(&death_area->all, i,
			death_call_name(rte_atomic_load_explicit(
				&death_area->all.ledgers[i].call,
				rte_memory_order_relaxed)));
	print_threads();
	kill_all();
	fflush(NULL);
	abort();
}

static uint32_t
watch_main(void *arg __rte_unused)
{
	while (rte_atomic_load_explicit(&watch_stop,
			rte_memory_order_relaxed) == 0) {
		/* the time that a machine stands still does not count */
		if (rte_atomic_fetch_add_explicit(&watch_looks, 1,
				rte_memory_order_relaxed) >
				WATCH_SECONDS * 1000 / WATCH_LOOK_MS)
			watch_bite();
		rte_delay_us_sleep(WATCH_LOOK_MS * 1000);
	}
	return 0;
}

static int
act_lcore(void *arg)
{
	return death_act(arg);
}

static uint32_t
act_thread(void *arg)
{
	death_act(arg);
	return 0;
}

/* The primary's threads; the calling lcore is for the test itself. */
static int
start_threads(struct death_run *run)
{
	unsigned int lcore_id, i;

	run->n_threads = 0;
	RTE_LCORE_FOREACH_WORKER(lcore_id) {
		if (run->n_threads == DEATH_N_PRIMARY_LCORES)
			break;
		i = run->n_threads++;
		death_actor_init(&run->actors[i], 0, i, DEATH_TASK_WORK,
			run->state);
		TEST_ASSERT_SUCCESS(rte_eal_remote_launch(act_lcore,
			&run->actors[i], lcore_id), "cannot launch on lcore %u",
			lcore_id);
	}
	i = run->n_threads++;
	death_actor_init(&run->actors[i], 0, i, DEATH_TASK_WORK, run->state);
	TEST_ASSERT_SUCCESS(rte_thread_create(&run->thread, NULL, act_thread,
		&run->actors[i]), "cannot create a thread");
	return 0;
}

static int
stop_threads(struct death_run *run)
{
	unsigned int i;

	if (run->n_threads == 0)
		return 0;
	rte_atomic_store_explicit(&death_area->stops[0], 1,
		rte_memory_order_relaxed);
	rte_eal_mp_wait_lcore();
	rte_thread_join(run->thread, NULL);
	for (i = 0; i < run->n_threads; i++)
		TEST_ASSERT_SUCCESS(run->actors[i].result, "thread %u", i);
	run->n_threads = 0;
	return 0;
}

int
death_run_begin(struct death_run *run)
{
	uint64_t seed = death_area->seed;
	unsigned int i;

	fastmem_test_log_expect("ended without detaching");
	memset(death_area, 0, sizeof(*death_area));
	death_area->seed = seed;
	rte_atomic_store_explicit(&watch_stop, 0, rte_memory_order_relaxed);
	death_where("starts");
	TEST_ASSERT_SUCCESS(rte_thread_create(&watch_thread, NULL, watch_main,
		NULL), "cannot create a thread");
	run->watched = true;
	run->state = seed * 2 + 1 + run->task * 100;
	fastmem_test_rand(&run->state);
	fastmem_test_ledgers_init(&death_area->all, DEATH_N_LEDGERS);
	death_area->budget = run->task == DEATH_TASK_GROW ? BUDGET_GROW :
		BUDGET / DEATH_N_LEDGERS;
	death_area->socket_id = fastmem_test_socket();
	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++)
		TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(fastmem_test_sizes[i],
			8, death_area->socket_id, &death_area->handles[i]),
			"no handle");
	if (run->limit == 0)
		run->limit = LIMIT_MIN + death_rnd(run, LIMIT_MAX - LIMIT_MIN);
	TEST_ASSERT_SUCCESS(fastmem_test_limit(run->limit),
		"cannot set the limit");
	return run->quiet ? 0 : start_threads(run);
}

int
death_spawn(struct death_run *run, unsigned int proc, enum death_task task,
	const char *env)
{
	struct fastmem_test_mp_args *args = &run->args[proc];

	args->command = DEATH_COMMAND;
	args->number = proc;
	args->lcore_id = 0;
	args->n_lcores = DEATH_N_LCORES;
	args->env = env;
	death_area->n_spawned++;
	rte_atomic_store_explicit(&death_area->stops[proc], 0,
		rte_memory_order_relaxed);
	return fastmem_test_mp_spawn(&death_area->procs[proc], task, args);
}

int
death_await_start(struct death_run *run, unsigned int proc,
	enum death_task task)
{
	uint64_t start = rte_get_timer_cycles();
	int ret;

	death_where("waits for a process to start");
	ret = fastmem_test_mp_wait_start(&death_area->procs[proc], task,
		&run->args[proc]);
	run->cycles_start += rte_get_timer_cycles() - start;
	return ret;
}

struct killing {
	struct fastmem_test_mp *mp;
	uint64_t start;
};

static int
kill_now(const struct rte_memseg_list *msl __rte_unused, void *arg)
{
	struct killing *killing = arg;

	killing->start = rte_get_timer_cycles();
	death_where("waits for a killed process to die");
	kill(killing->mp->pid, SIGKILL);
	fastmem_test_mp_wait(killing->mp);
	return 1;
}

/*
 * EAL's own thread in a secondary process maps what the primary takes and gives
 * back, with locks of EAL in shared memory; the primary waits for that with
 * the memory map locked. So a reader of the map finds no process at that.
 * Returns when the process was killed.
 */
static uint64_t
kill_process(struct death_run *run, struct fastmem_test_mp *mp)
{
	struct killing killing = { .mp = mp };
	uint64_t start = rte_get_timer_cycles();

	death_where("waits for EAL's map of memory to be free");
	rte_memseg_list_walk(kill_now, &killing);
	run->cycles_lock += killing.start - start;
	return killing.start;
}

int
death_await_end(struct death_run *run, unsigned int proc, uint64_t us,
	bool *self)
{
	struct fastmem_test_mp *mp = &death_area->procs[proc];
	uint64_t start = rte_get_timer_cycles(), cycles;

	death_where("waits for a process to end");
	cycles = us * rte_get_timer_hz() / 1000000;
	while (rte_get_timer_cycles() - start < cycles) {
		if (fastmem_test_mp_ended(mp))
			break;
		if (us > 1000)
			rte_delay_us_sleep(100);
		else
			rte_pause();
	}
	start = rte_get_timer_cycles();
	*self = fastmem_test_mp_ended(mp);
	if (*self)
		TEST_ASSERT(run->at_points && mp->code == CLD_KILLED &&
			mp->status == SIGKILL,
			"process %u ended early, code %d, status %d", proc,
			mp->code, mp->status);
	else if (run->polite)
		rte_atomic_store_explicit(&death_area->stops[proc], 1,
			rte_memory_order_relaxed);
	else
		start = kill_process(run, mp);
	if (run->polite && fastmem_test_mp_end(mp) != TEST_SUCCESS)
		return TEST_FAILED;
	run->cycles_death += rte_get_timer_cycles() - start;
	run->n_self += *self;
	run->n_done++;
	TEST_ASSERT(!death_failed(), "a process has failed");
	return TEST_SUCCESS;
}

/* Let the others stand still, and end what the dead one was about. */
static void
stop_all(struct death_run *run, unsigned int proc)
{
	uint64_t start = rte_get_timer_cycles();
	unsigned int i;

	death_where("waits until all threads stand still");
	/* it stands nowhere any more */
	for (i = 0; i < DEATH_N_ACTORS; i++)
		fastmem_test_ledger_leave(&death_area->all,
			death_ledger_id(proc, i));
	fastmem_test_ledgers_stop(&death_area->all);
	while (!fastmem_test_ledgers_stand(&death_area->all))
		rte_delay_us_sleep(50);
	run->cycles_stop += rte_get_timer_cycles() - start;
}

static void
reclaim(struct death_run *run)
{
	uint64_t start = rte_get_timer_cycles();
	int ret;

	death_where("reclaims");
	ret = rte_fastmem_process_reclaim();
	run->cycles_reclaim += rte_get_timer_cycles() - start;
	if (ret < 0)
		rte_atomic_store_explicit(&death_area->failed, 1,
			rte_memory_order_relaxed);
	else
		run->n_reclaimed += ret;
}

int
death_check(struct death_run *run, unsigned int proc)
{
	bool early = death_rnd(run, 2) == 0;
	uint64_t start;
	int ret;

	/* the primary goes on as if nothing had happened */
	if (!early)
		rte_delay_us_sleep(death_rnd(run, 2000));
	else
		reclaim(run);
	stop_all(run, proc);
	if (!early)
		reclaim(run);
	start = rte_get_timer_cycles();
	ret = death_check_state(run, proc);
	fastmem_test_ledgers_go_on(&death_area->all);
	run->cycles_check += rte_get_timer_cycles() - start;
	return ret == 0 ? TEST_SUCCESS : TEST_FAILED;
}

static void
run_abort(struct death_run *run)
{
	unsigned int i;

	rte_atomic_store_explicit(&death_area->failed, 1,
		rte_memory_order_relaxed);
	fastmem_test_ledgers_go_on(&death_area->all);
	death_where("gives up");
	for (i = 1; i < DEATH_N_PROCS; i++)
		if (death_area->procs[i].pid != 0)
			kill_process(run, &death_area->procs[i]);
	death_where("gives up");
	stop_threads(run);
	rte_fastmem_process_reclaim();
}

static int
run_end(struct death_run *run)
{
	unsigned int proc;

	death_where("ends");
	for (proc = 1; proc < DEATH_N_PROCS; proc++)
		rte_atomic_store_explicit(&death_area->stops[proc], 1,
			rte_memory_order_relaxed);
	for (proc = 1; proc < DEATH_N_PROCS; proc++) {
		death_where("waits for the last processes to end");
		if (death_area->procs[proc].pid != 0)
			TEST_ASSERT_SUCCESS(fastmem_test_mp_end(
				&death_area->procs[proc]), "process %u", proc);
	}
	death_where("waits for its threads to end");
	if (stop_threads(run) != 0)
		return -1;
	TEST_ASSERT(!death_failed(), "a process has failed");
	return death_check_end(run);
}

static int
run_deaths(struct death_run *run)
{
	unsigned int proc;
	bool self;
	int ret;

	for (proc = 1; proc <= run->n_procs; proc++)
		if (death_spawn(run, proc, run->task, NULL) != TEST_SUCCESS)
			return TEST_FAILED;
	while (run->n_done < run->n_deaths) {
		proc = 1 + death_rnd(run, run->n_procs);
		ret = death_await_start(run, proc, run->task);
		if (ret != TEST_SUCCESS)
			return ret;
		if (death_await_end(run, proc, death_rnd(run, 20000), &self) !=
				TEST_SUCCESS ||
				death_check(run, proc) != TEST_SUCCESS ||
				death_spawn(run, proc, run->task, NULL) != TEST_SUCCESS)
			return TEST_FAILED;
	}
	for (proc = 1; proc <= run->n_procs; proc++) {
		ret = death_await_start(run, proc, run->task);
		if (ret != TEST_SUCCESS)
			return ret;
	}
	return TEST_SUCCESS;
}

int
death_run_finish(struct death_run *run, int ret)
{
	if (ret == TEST_SUCCESS && run_end(run) != 0)
		ret = TEST_FAILED;
	if (ret != TEST_SUCCESS) {
		run_abort(run);
		printf("FASTMEM_TEST_SEED=%" PRIu64 "\n", death_area->seed);
	}
	if (run->watched) {
		rte_atomic_store_explicit(&watch_stop, 1,
			rte_memory_order_relaxed);
		rte_thread_join(watch_thread, NULL);
	}
	return ret;
}

int
death_run(struct death_run *run)
{
	return death_run_finish(run, death_run_begin(run) == 0 ?
		run_deaths(run) : TEST_FAILED);
}
