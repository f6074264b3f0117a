/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Kinds of threads: control threads, service cores, the threads of a process
 * that forks, and all kinds that come and go at once.
 *
 * FASTMEM_TEST_SECONDS makes it longer, or shorter.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_memory.h>
#include <rte_random.h>
#include <rte_service.h>
#include <rte_service_component.h>
#include <rte_stdatomic.h>
#include <rte_thread.h>
#include <rte_version.h>

#include <rte_fastmem_mempool.h>

#include "test_fastmem_stats.h"
#include "test_fastmem_stress.h"
#include "test_fastmem_util.h"

static int control_result;

#if RTE_VERSION >= RTE_VERSION_NUM(23, 11, 0, 0)

static uint32_t
control_main(__rte_unused void *arg)
{
	control_result = fastmem_test_check_caches(NULL);
	return 0;
}

static int
create_control_thread(rte_thread_t *thread)
{
	return rte_thread_create_control(thread, "test_fastmem", control_main,
		NULL);
}

#else

static void *
control_main(__rte_unused void *arg)
{
	control_result = fastmem_test_check_caches(NULL);
	return NULL;
}

static int
create_control_thread(rte_thread_t *thread)
{
	pthread_t id;
	int ret;

	ret = rte_ctrl_thread_create(&id, "test_fastmem", NULL, control_main,
		NULL);
	thread->opaque_id = (uintptr_t)id;
	return ret;
}

#endif

static int
test_control_thread(void)
{
	rte_thread_t thread;

	control_result = -1;
	TEST_ASSERT_SUCCESS(create_control_thread(&thread),
		"cannot create a thread");
	TEST_ASSERT_SUCCESS(rte_thread_join(thread, NULL),
		"cannot join a thread");
	TEST_ASSERT_SUCCESS(control_result, "failed in the thread");
	return fastmem_test_all_back();
}

/* A service of one lcore: some calls at a time. */
static struct {
	RTE_ATOMIC(uint32_t) n_runs;
	RTE_ATOMIC(uint32_t) n_failed;
} service;

static int32_t
run_service(__rte_unused void *arg)
{
	void *objs[10];
	uint32_t n_failed = 0;
	unsigned int i;

	if (rte_fastmem_alloc_bulk(objs, RTE_DIM(objs), 100, 8, 0) == 0) {
		for (i = 0; i < RTE_DIM(objs); i++)
			fastmem_test_fill(objs[i], 100, i);
		for (i = 0; i < RTE_DIM(objs); i++) {
			n_failed += fastmem_test_check(objs[i], 100, i) != 0;
			rte_fastmem_free(objs[i]);
		}
	} else {
		n_failed++;
	}
	rte_atomic_fetch_add_explicit(&service.n_failed, n_failed,
		rte_memory_order_relaxed);
	rte_atomic_fetch_add_explicit(&service.n_runs, 1,
		rte_memory_order_relaxed);
	return 0;
}

static int
serve(unsigned int lcore_id, uint32_t id)
{
	TEST_ASSERT_SUCCESS(rte_service_map_lcore_set(id, lcore_id, 1), "map");
	TEST_ASSERT_SUCCESS(rte_service_component_runstate_set(id, 1), "state");
	TEST_ASSERT_SUCCESS(rte_service_runstate_set(id, 1), "state");
	TEST_ASSERT_SUCCESS(rte_service_lcore_start(lcore_id), "start");
	while (rte_atomic_load_explicit(&service.n_runs,
			rte_memory_order_relaxed) < 1000)
		rte_delay_us_sleep(100);
	TEST_ASSERT_SUCCESS(rte_service_runstate_set(id, 0), "state");
	while (rte_service_may_be_active(id) == 1)
		rte_delay_us_sleep(100);
	TEST_ASSERT_SUCCESS(rte_service_lcore_stop(lcore_id), "stop");
	rte_eal_wait_lcore(lcore_id);
	return 0;
}

static int
test_service_core(void)
{
	const struct rte_service_spec spec = {
		.name = "test_fastmem",
		.callback = run_service,
		.socket_id = SOCKET_ID_ANY,
	};
	unsigned int lcore_id = rte_get_next_lcore(-1, 1, 0);
	struct rte_fastmem_lcore_stats ls;
	uint32_t id, n_runs;
	int ret;

	if (lcore_id >= RTE_MAX_LCORE) {
		printf("a service core takes a second lcore, skipped\n");
		return TEST_SKIPPED;
	}
	rte_atomic_store_explicit(&service.n_runs, 0, rte_memory_order_relaxed);
	rte_atomic_store_explicit(&service.n_failed, 0,
		rte_memory_order_relaxed);
	TEST_ASSERT_SUCCESS(rte_service_component_register(&spec, &id),
		"cannot register a service");
	TEST_ASSERT_SUCCESS(rte_service_lcore_add(lcore_id), "cannot add");
	ret = serve(lcore_id, id);
	rte_service_lcore_del(lcore_id);
	rte_service_component_unregister(id);
	if (ret != 0)
		return TEST_FAILED;
	n_runs = rte_atomic_load_explicit(&service.n_runs,
		rte_memory_order_relaxed);
	TEST_ASSERT_EQUAL(rte_atomic_load_explicit(&service.n_failed,
		rte_memory_order_relaxed), 0, "failed on the lcore");
	TEST_ASSERT_SUCCESS(rte_fastmem_stats_lcore(lcore_id, &ls),
		"no statistics");
	TEST_ASSERT(ALLOCS(ls) == n_runs * UINT64_C(10) &&
		FREES(ls) == ALLOCS(ls), "%" PRIu64 " and %" PRIu64 " objects",
		ALLOCS(ls), FREES(ls));
	return fastmem_test_all_back();
}

/* Nothing that a forked process does takes so long. */
#define FORKED_SECONDS 60

/* What a forked process sees: the number of the first thing that is wrong. */
static int
forked(void *obj, rte_fastmem_handle_t handle)
{
	rte_fastmem_handle_t other;
	struct rte_fastmem_stats stats;
	void *objs[4];
	unsigned int i;

	for (i = 0; i < 2; i++) {
		rte_errno = 0;
		if (rte_fastmem_alloc(100, 8, 0) != NULL || rte_errno != ENODEV)
			return 1;
		rte_errno = 0;
		if (rte_fastmem_halloc(handle, 0) != NULL || rte_errno != ENODEV)
			return 2;
		if (rte_fastmem_alloc_bulk(objs, 4, 64, 0, 0) != -ENODEV ||
				rte_fastmem_hlookup(64, 0, SOCKET_ID_ANY,
				&other) != -ENODEV ||
				rte_fastmem_stats(&stats) != -ENODEV ||
				rte_fastmem_audit() != -ENODEV ||
				rte_fastmem_trim(SOCKET_ID_ANY, NULL) != -ENODEV)
			return 3;
		rte_fastmem_free(obj);
		rte_fastmem_free_sized(obj, 100, 8);
		rte_fastmem_free_bulk(&obj, 1);
		rte_fastmem_free_bulk((void *[]){ obj, obj }, 2);
		rte_fastmem_hfree(handle, obj);
		rte_fastmem_cache_flush();
		rte_errno = 0;
		if (rte_fastmem_realloc(obj, 1000, 8) != NULL ||
				rte_errno != ENODEV)
			return 4;
		if (rte_fastmem_init() != -ENOTSUP)
			return 5;
		rte_errno = 0;
		if (rte_fastmem_mempool_create("test_fastmem", 1, 8, 0, 0, NULL,
				NULL, NULL, NULL, SOCKET_ID_ANY, 0) != NULL ||
				rte_errno != ENOTSUP ||
				rte_fastmem_mempool_lookup("test_fastmem") !=
				NULL)
			return 7;
		rte_fastmem_deinit();
		if (rte_fastmem_contains(obj))
			return 8;
	}
	return fastmem_test_check(obj, 100, 1) == 0 ? 0 : 6;
}

static int
fork_and_wait(void *obj, rte_fastmem_handle_t handle, bool calls_exit)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	TEST_ASSERT(pid >= 0, "cannot fork: %d", errno);
	if (pid == 0) {
		/* it may wait for a lock that nobody holds */
		alarm(FORKED_SECONDS);
		rte_log_set_level_pattern("*fastmem", RTE_LOG_CRIT);
		status = forked(obj, handle);
		if (calls_exit)
			exit(status);
		_exit(status);
	}
	TEST_ASSERT(waitpid(pid, &status, 0) == pid, "cannot wait: %d", errno);
	TEST_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		"the child ended with status %#x", status);
	return 0;
}

/*
 * A leak checker that runs at a child's exit() takes for lost what only the
 * other threads of the parent's pointed to: it ends by _exit() only.
 */
#if defined(__SANITIZE_ADDRESS__)
#define LEAKS_CHECKED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LEAKS_CHECKED
#endif
#endif

struct fork_case {
	bool calls_exit;
	bool alone;
};

/* The caches that the caller has are what they were. */
static int
check_fork(void *arg)
{
	const struct fork_case *c = arg;
	rte_fastmem_handle_t handle;
	void *obj, *cached[3];
	unsigned int i;

	TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(100, 8, SOCKET_ID_ANY, &handle),
		"no handle");
	obj = rte_fastmem_alloc(100, 8, 0);
	TEST_ASSERT_NOT_NULL(obj, "cannot allocate");
	fastmem_test_fill(obj, 100, 1);
	TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(cached, RTE_DIM(cached),
		100, 8, 0), "cannot allocate");
	for (i = 0; i < RTE_DIM(cached); i++)
		rte_fastmem_free(cached[i]);
	if (fork_and_wait(obj, handle, c->calls_exit) != 0)
		return -1;
	TEST_ASSERT_SUCCESS(fastmem_test_check(obj, 100, 1), "overwritten");
	/* others may leave no memory for a magazine */
	for (i = RTE_DIM(cached); c->alone && i-- > 0; )
		TEST_ASSERT(rte_fastmem_alloc(100, 8, 0) == cached[i],
			"another object than the one freed last");
	if (c->alone)
		rte_fastmem_free_bulk(cached, RTE_DIM(cached));
	rte_fastmem_free(obj);
	return 0;
}

static int
test_fork(void)
{
	struct fork_case c = { .alone = true };

	do {
		if (check_fork(&c) != 0 ||
				fastmem_test_in_thread(check_fork, &c) != 0 ||
				fastmem_test_elsewhere(check_fork, &c) != 0)
			return TEST_FAILED;
		TEST_ASSERT_EQUAL(fastmem_test_in_use(128), 0, "in use");
		TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
#ifndef LEAKS_CHECKED
		c.calls_exit = !c.calls_exit;
#endif
	} while (c.calls_exit);
	return fastmem_test_all_back();
}

#define N_POOL_FORKS 20

static RTE_ATOMIC(uint32_t) pools_stop;

static uint32_t
pools_main(__rte_unused void *arg)
{
	struct rte_fastmem_mempool *mp;

	while (rte_atomic_load_explicit(&pools_stop,
			rte_memory_order_relaxed) == 0) {
		mp = rte_fastmem_mempool_create("test_fastmem", 1, 8, 0, 0,
			NULL, NULL, NULL, NULL, SOCKET_ID_ANY, 0);
		if (mp == NULL)
			return 1;
		rte_fastmem_mempool_free(mp);
	}
	return 0;
}

/* Forks while another thread creates pools. */
static int
test_fork_pools(void)
{
	struct fork_case c = { .alone = false };
	rte_thread_t thread;
	uint32_t result = 1;
	unsigned int i;
	int ret = 0;

	rte_atomic_store_explicit(&pools_stop, 0, rte_memory_order_relaxed);
	TEST_ASSERT_SUCCESS(rte_thread_create(&thread, NULL, pools_main, NULL),
		"cannot create a thread");
	for (i = 0; i < N_POOL_FORKS && ret == 0; i++) {
		rte_delay_us_sleep(1000);
		ret = check_fork(&c);
	}
	rte_atomic_store_explicit(&pools_stop, 1, rte_memory_order_relaxed);
	TEST_ASSERT_SUCCESS(rte_thread_join(thread, &result),
		"cannot join a thread");
	TEST_ASSERT(ret == 0 && result == 0, "fork %u, thread %u", i, result);
	return fastmem_test_all_back();
}

/* Threads of all kinds that pass objects on, and end in any state. */
#define N_SLOTS 12

static struct fastmem_test_mailbox mailbox;
static RTE_ATOMIC(uint32_t) stop;
static bool can_register;

static struct nomad {
	uint64_t seed;
	RTE_ATOMIC(uint32_t) ended;
	int result;
} nomads[N_SLOTS], lcores[RTE_MAX_LCORE];

/* Each object tells its length. */
static int
receive(uint64_t *seed)
{
	uint64_t *obj = fastmem_test_mailbox_get(&mailbox,
		fastmem_test_rand(seed));
	size_t len;

	if (obj == NULL)
		return 0;
	len = obj[0];
	TEST_ASSERT(len >= 8 && len <= 1024 && fastmem_test_check(obj + 1,
		len - 8, len) == 0, "wrong content");
	if (len % 2 == 0)
		rte_fastmem_free(obj);
	else
		rte_fastmem_free_sized(obj, len, 8);
	return 0;
}

static int
send_one(uint64_t *seed)
{
	size_t len = 8 + (fastmem_test_rand(seed) & 31) *
		(fastmem_test_rand(seed) & 31);
	uint64_t *obj = rte_fastmem_alloc(len, 8, 0);

	TEST_ASSERT_NOT_NULL(obj, "cannot allocate");
	obj[0] = len;
	fastmem_test_fill(obj + 1, len - 8, len);
	if (!fastmem_test_mailbox_put(&mailbox, fastmem_test_rand(seed), obj))
		rte_fastmem_free(obj);
	return 0;
}

static int
wander(uint64_t *seed, unsigned int n)
{
	uint64_t r;

	while (n-- > 0) {
		r = fastmem_test_rand(seed);
		if ((r & 1 ? receive(seed) : send_one(seed)) != 0)
			return -1;
		if ((r >> 8) % 5000 == 0)
			rte_fastmem_cache_flush();
	}
	return 0;
}

static uint32_t
nomad_thread(void *arg)
{
	struct nomad *self = arg;
	uint64_t r = fastmem_test_rand(&self->seed);
	int ret;

	ret = wander(&self->seed, r & 1 ? r / 2 % 20 : r / 2 % 2000);
	if (ret == 0 && can_register && (r >> 32) % 4 == 0 &&
			rte_thread_register() == 0) {
		ret = wander(&self->seed, (r >> 16) % 1000);
		rte_thread_unregister();
		if (r & 2)
			ret |= wander(&self->seed, (r >> 16) % 1000);
	}
	self->result |= ret;
	rte_atomic_store_explicit(&self->ended, 1, rte_memory_order_release);
	return 0;
}

static int
resident(void *arg)
{
	struct nomad *self = arg;
	int ret = 0;

	while (ret == 0 && !rte_atomic_load_explicit(&stop,
			rte_memory_order_relaxed))
		ret = wander(&self->seed, 1000);
	return ret;
}

static void
nomads_init(struct nomad *array, unsigned int n, uint64_t seed)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		array[i].seed = (seed + i) * UINT64_C(0x9e3779b97f4a7c15) | 1;
		array[i].result = 0;
	}
}

/* Replace each thread that has ended, until the time is over. */
static int
run_nomads(bool forks, unsigned int *n_lives)
{
	uint64_t hz = rte_get_timer_hz(), end = rte_get_timer_cycles() +
		hz * fastmem_test_scale(1000, 100) / 1000;
	rte_thread_t threads[N_SLOTS];
	struct fork_case c = { .alone = false };
	unsigned int i, turn;

	*n_lives = 0;
	for (turn = 0; rte_get_timer_cycles() < end || *n_lives < 2 * N_SLOTS;
			turn++) {
		for (i = 0; i < N_SLOTS; i++) {
			if (turn != 0 && !rte_atomic_load_explicit(
					&nomads[i].ended,
					rte_memory_order_acquire))
				continue;
			if (turn != 0)
				TEST_ASSERT_SUCCESS(rte_thread_join(threads[i],
					NULL), "cannot join a thread");
			rte_atomic_store_explicit(&nomads[i].ended, 0,
				rte_memory_order_relaxed);
			TEST_ASSERT_SUCCESS(rte_thread_create(&threads[i],
				NULL, nomad_thread, &nomads[i]),
				"cannot create a thread");
			++*n_lives;
		}
		if (forks && check_fork(&c) != 0)
			return -1;
		rte_delay_us_sleep(1);
	}
	for (i = 0; i < N_SLOTS; i++) {
		TEST_ASSERT_SUCCESS(rte_thread_join(threads[i], NULL),
			"cannot join a thread");
		TEST_ASSERT_SUCCESS(nomads[i].result, "thread %u", i);
	}
	return 0;
}

static int
run_all(bool forks)
{
	uint64_t seed = fastmem_test_env("FASTMEM_TEST_SEED", rte_rand() >> 32);
	unsigned int lcore_id, n_lives, i;
	int ret;

	printf("FASTMEM_TEST_SEED=%" PRIu64 "\n", seed);
	can_register = !fastmem_test_shared_config() && rte_mp_disable();
	rte_atomic_store_explicit(&stop, 0, rte_memory_order_relaxed);
	nomads_init(nomads, N_SLOTS, seed);
	nomads_init(lcores, RTE_MAX_LCORE, seed + N_SLOTS);
	RTE_LCORE_FOREACH_WORKER(lcore_id)
		TEST_ASSERT_SUCCESS(rte_eal_remote_launch(resident,
			&lcores[lcore_id], lcore_id), "cannot launch");
	ret = run_nomads(forks, &n_lives);
	rte_atomic_store_explicit(&stop, 1, rte_memory_order_relaxed);
	RTE_LCORE_FOREACH_WORKER(lcore_id)
		ret |= rte_eal_wait_lcore(lcore_id);
	TEST_ASSERT_SUCCESS(ret, "failed with FASTMEM_TEST_SEED=%" PRIu64, seed);
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	for (i = 0; i < FASTMEM_TEST_MAILBOX_SLOTS; i++)
		if (receive(&seed) != 0)
			return TEST_FAILED;
	return fastmem_test_all_back();
}

static int
test_all_kinds(void)
{
	return run_all(false);
}

/* Forks at any moment of the other threads. */
static int
test_all_kinds_and_forks(void)
{
	return run_all(true);
}

struct unit_test_suite fastmem_kinds_testsuite = {
	.suite_name = "fastmem kinds of threads",
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_control_thread),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_service_core),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_fork),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_fork_pools),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_all_kinds),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_all_kinds_and_forks),
		TEST_CASES_END()
	}
};
