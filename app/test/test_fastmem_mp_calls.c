/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * What secondary processes may call, several of them at once, and what they get
 * while the primary process has other things to do.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_memory.h>
#include <rte_memzone.h>
#include <rte_pause.h>
#include <rte_stdatomic.h>

#include "test_fastmem_mp_util.h"
#include "test_fastmem_util.h"

#define COMMAND "fastmem_mp_calls_autotest"
#define AREA_NAME "test_fm_mp_calls_area"
#define N_PROCS 3
#define N_LCORES 3u
#define N_COUNTED 5000
#define N_PASSED 600
#define N_LARGE 24
#define N_BULK 100000
#define SECONDS_TO_WAIT 60
#define SLAB FASTMEM_TEST_SLAB_SIZE
#define LIMIT_SLABS 12
#define LIMIT_SIZE ((size_t)64 << 10)

enum task {
	TASK_COUNT,
	TASK_HANDLES,
	TASK_LIMIT,
	TASK_CALLS,
	TASK_BULK,
	TASK_BORDERS,
	TASK_GROW
};

/* What all processes see. */
struct area {
	struct fastmem_test_mp procs[N_PROCS];
	RTE_ATOMIC(uint32_t) n_ready;
	RTE_ATOMIC(uint32_t) phase;
	int32_t socket_id;
	rte_fastmem_handle_t handles[FASTMEM_TEST_N_CLASSES];
	struct rte_fastmem_stats stats;
	uint64_t n;
	void *objs[N_PASSED];
};

static const struct rte_memzone *area_zone;
static struct area *area;

/* Wait until another process has come so far; -1 if it does not. */
static int
wait_for(RTE_ATOMIC(uint32_t) *counter, uint32_t value)
{
	uint64_t end = rte_get_timer_cycles() +
		SECONDS_TO_WAIT * rte_get_timer_hz();

	while (rte_atomic_load_explicit(counter, rte_memory_order_acquire) <
			value) {
		TEST_ASSERT(rte_get_timer_cycles() < end,
			"another process is not ready");
		rte_delay_us_sleep(100);
	}
	return 0;
}

static void
say(RTE_ATOMIC(uint32_t) *counter)
{
	rte_atomic_fetch_add_explicit(counter, 1, rte_memory_order_release);
}

/* The socket's memory is used up; what errors there are. */
static int
check_nomem(size_t size, unsigned int flags)
{
	uint64_t backing = fastmem_test_backing();
	void *objs[2] = { area, area };
	void *obj;

	rte_errno = 0;
	obj = rte_fastmem_alloc_socket(size, 8, flags, area->socket_id);
	TEST_ASSERT(obj == NULL && rte_errno == ENOMEM, "%p, errno %d", obj,
		rte_errno);
	TEST_ASSERT_EQUAL(rte_fastmem_alloc_bulk_socket(objs, 2, size, 8, flags,
		area->socket_id), -ENOMEM, "bulk");
	TEST_ASSERT(objs[0] == area && objs[1] == area, "bulk was written to");
	TEST_ASSERT_EQUAL(fastmem_test_backing(), backing, "memory has grown");
	return 0;
}

static int
count_lcore(void *arg __rte_unused)
{
	unsigned int i;
	void *obj;

	for (i = 0; i < N_COUNTED; i++) {
		obj = rte_fastmem_alloc(2048, 0, 0);
		TEST_ASSERT_NOT_NULL(obj, "no memory");
		fastmem_test_fill(obj, 64, i);
		TEST_ASSERT_SUCCESS(fastmem_test_check(obj, 64, i),
			"shared with somebody");
		rte_fastmem_free(obj);
	}
	return 0;
}

/* The result of what was launched on all lcores. */
static int
wait_lcores(void)
{
	unsigned int lcore_id;
	int ret = 0;

	RTE_LCORE_FOREACH(lcore_id)
		if (rte_eal_wait_lcore(lcore_id) != 0)
			ret = -1;
	return ret;
}

static int
secondary_count(void)
{
	say(&area->n_ready);
	if (wait_for(&area->n_ready, N_PROCS) != 0)
		return -1;
	rte_eal_mp_remote_launch(count_lcore, NULL, CALL_MAIN);
	return wait_lcores();
}

/* A handle found here, objects from here; the primary uses both. */
static int
secondary_handles(void)
{
	unsigned int i, class_idx;

	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++)
		TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(fastmem_test_sizes[i],
			8, area->socket_id, &area->handles[i]), "no handle");
	for (i = 0; i < N_PASSED; i++) {
		class_idx = i % 14;
		area->objs[i] = rte_fastmem_halloc(area->handles[class_idx], 0);
		TEST_ASSERT_NOT_NULL(area->objs[i], "no memory");
		fastmem_test_fill(area->objs[i], fastmem_test_sizes[class_idx],
			i);
	}
	return 0;
}

static int
secondary_limit(void)
{
	size_t n, more, max = 4 * LIMIT_SLABS * SLAB / LIMIT_SIZE;
	void **objs = calloc(max, sizeof(*objs));
	struct rte_fastmem_class_stats cs;

	TEST_ASSERT_NOT_NULL(objs, "no memory");
	TEST_ASSERT_EQUAL(fastmem_test_backing(), 0, "there is memory");
	if (check_nomem(64, RTE_FASTMEM_F_NO_GROW) != 0)
		return -1;
	n = fastmem_test_exhaust(objs, max, LIMIT_SIZE);
	/* a slab may lack an object, and there is bookkeeping */
	TEST_ASSERT(n > (LIMIT_SLABS - 2) * (SLAB / LIMIT_SIZE - 1) &&
		n <= LIMIT_SLABS * (SLAB / LIMIT_SIZE), "%zu objects", n);
	TEST_ASSERT(fastmem_test_backing() <= LIMIT_SLABS * SLAB,
		"%" PRIu64 " B of backing", fastmem_test_backing());
	if (check_nomem(LIMIT_SIZE, 0) != 0)
		return -1;
	TEST_ASSERT_SUCCESS(rte_fastmem_stats_class(LIMIT_SIZE, &cs), "stats");
	TEST_ASSERT(cs.in_use == n && cs.alloc_nomem != 0,
		"%" PRIu64 " in use, %" PRIu64 " were not to be had",
		cs.in_use, cs.alloc_nomem);
	/* the primary raises the limit */
	say(&area->n_ready);
	if (wait_for(&area->phase, 1) != 0)
		return -1;
	more = fastmem_test_exhaust(&objs[n], max - n, LIMIT_SIZE);
	TEST_ASSERT(more > (LIMIT_SLABS - 2) * (SLAB / LIMIT_SIZE - 1),
		"%zu more objects", more);
	fastmem_test_free_all(objs, n + more);
	free(objs);
	return 0;
}

static int
secondary_dump(void)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f;

	f = open_memstream(&text, &len);
	TEST_ASSERT_NOT_NULL(f, "no memory");
	rte_fastmem_dump(f);
	fclose(f);
	TEST_ASSERT(fastmem_test_log_lines(text, "") > 3, "%s", text);
	free(text);
	return 0;
}

static int
secondary_calls(void)
{
	uint64_t backing = fastmem_test_backing();
	struct rte_fastmem_stats stats;
	size_t bytes;
	void *obj;

	TEST_ASSERT_EQUAL(rte_fastmem_trim(SOCKET_ID_ANY, &bytes), -ENOTSUP,
		"trimmed");
	TEST_ASSERT_EQUAL(rte_fastmem_set_cache_limit(0), -ENOTSUP, "limited");
	TEST_ASSERT_EQUAL(rte_fastmem_process_reclaim(), -ENOTSUP, "reclaimed");
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");

	TEST_ASSERT_SUCCESS(rte_fastmem_reserve(3 * SLAB, area->socket_id),
		"cannot reserve");
	TEST_ASSERT(fastmem_test_backing() >= backing + 3 * SLAB,
		"nothing was reserved");
	TEST_ASSERT_EQUAL(rte_fastmem_reserve(SLAB, RTE_MAX_NUMA_NODES),
		-EINVAL, "no such socket");
	obj = rte_fastmem_alloc_socket(FASTMEM_TEST_MAX_SIZE, 0,
		RTE_FASTMEM_F_NO_GROW, area->socket_id);
	TEST_ASSERT_NOT_NULL(obj, "reserved memory has no room");

	/* a limit below what is there: no more growth, but what is there */
	TEST_ASSERT_SUCCESS(rte_fastmem_set_limit(area->socket_id, SLAB),
		"cannot set the limit");
	TEST_ASSERT_EQUAL(rte_fastmem_get_limit(area->socket_id), SLAB,
		"another limit");
	TEST_ASSERT_EQUAL(rte_fastmem_reserve(64 * SLAB, area->socket_id),
		-ENOMEM, "reserved beyond the limit");
	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&stats), "no statistics");
	TEST_ASSERT_EQUAL(stats.bytes_in_use, FASTMEM_TEST_MAX_SIZE, "in use");
	rte_fastmem_stats_reset();
	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&stats), "no statistics");
	TEST_ASSERT(stats.alloc_total == 0 &&
		stats.bytes_in_use == FASTMEM_TEST_MAX_SIZE,
		"%" PRIu64 " objects after a reset", stats.alloc_total);
	rte_fastmem_free(obj);
	rte_fastmem_cache_flush();
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&area->stats), "no statistics");
	return secondary_dump();
}

/* All of them, or none and no trace. */
static int
bulk(void *arg __rte_unused)
{
	void **objs = malloc(N_BULK * sizeof(*objs));
	unsigned int i;

	TEST_ASSERT_NOT_NULL(objs, "no memory");
	memset(objs, 0x5a, N_BULK * sizeof(*objs));
	TEST_ASSERT_EQUAL(rte_fastmem_alloc_bulk(objs, N_BULK, 1024, 8, 0),
		-ENOMEM, "more than the limit");
	TEST_ASSERT(fastmem_test_all_bytes(objs, N_BULK * sizeof(*objs), 0x5a),
		"written to on failure");
	TEST_ASSERT_EQUAL(fastmem_test_in_use(1024), 0, "in use");

	TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(objs, N_BULK, 64, 8, 0),
		"less than the limit");
	TEST_ASSERT_EQUAL(fastmem_test_in_use(64), N_BULK, "in use");
	fastmem_test_sort(objs, N_BULK);
	for (i = 1; i < N_BULK; i++)
		TEST_ASSERT((uintptr_t)objs[i] >= (uintptr_t)objs[i - 1] + 64,
			"%p and %p", objs[i - 1], objs[i]);
	rte_fastmem_free_bulk(objs, N_BULK);
	TEST_ASSERT_EQUAL(fastmem_test_in_use(64), 0, "in use");
	free(objs);
	return 0;
}

static int
secondary_bulk(void)
{
	if (bulk(NULL) != 0)
		return -1;
	/* the memory was for another class */
	rte_fastmem_cache_flush();
	return fastmem_test_in_thread(bulk, NULL);
}

/* On every lcore, and in a thread without one. */
static int
grow(void *arg __rte_unused)
{
	void *objs[N_LARGE];
	unsigned int i;

	for (i = 0; i < N_LARGE; i++) {
		objs[i] = rte_fastmem_alloc(FASTMEM_TEST_MAX_SIZE >> i % 3, 8,
			0);
		TEST_ASSERT_NOT_NULL(objs[i], "no memory");
		fastmem_test_fill(objs[i], FASTMEM_TEST_MAX_SIZE >> i % 3, i);
	}
	for (i = 0; i < N_LARGE; i++)
		TEST_ASSERT_SUCCESS(fastmem_test_check(objs[i],
			FASTMEM_TEST_MAX_SIZE >> i % 3, i), "object %u", i);
	fastmem_test_free_all(objs, N_LARGE);
	return 0;
}

static int
secondary_grow(void)
{
	rte_eal_mp_remote_launch(grow, NULL, CALL_MAIN);
	if (wait_lcores() != 0)
		return -1;
	return fastmem_test_in_thread(grow, NULL);
}

static int
secondary_task(uint32_t task)
{
	int ret = -1;

	TEST_ASSERT_SUCCESS(rte_fastmem_init(), "cannot attach");
	switch (task) {
	case TASK_COUNT:
		ret = secondary_count();
		break;
	case TASK_HANDLES:
		ret = secondary_handles();
		break;
	case TASK_LIMIT:
		ret = secondary_limit();
		break;
	case TASK_CALLS:
		ret = secondary_calls();
		break;
	case TASK_BULK:
		ret = secondary_bulk();
		break;
	case TASK_BORDERS:
		ret = fastmem_test_borders();
		break;
	case TASK_GROW:
		ret = secondary_grow();
		break;
	}
	rte_fastmem_deinit();
	return ret;
}

/* The arguments of a process whose lcores have ids that others have, too. */
static struct fastmem_test_mp_args
args_of(unsigned int proc)
{
	return (struct fastmem_test_mp_args){
		.command = COMMAND,
		.number = proc,
		.lcore_id = rte_lcore_id(),
		.n_lcores = RTE_MIN(N_LCORES, RTE_MAX_LCORE - rte_lcore_id()),
	};
}

static int
run_secondary(enum task task)
{
	struct fastmem_test_mp_args args = args_of(0);

	return fastmem_test_mp_run(&area->procs[0], task, &args);
}

#define RUN_SECONDARY(task) do { \
	int ret_ = run_secondary(task); \
	if (ret_ != TEST_SUCCESS) \
		return ret_; \
} while (0)

/* Several processes on the same lcore ids, each with caches of its own. */
static int
test_same_lcores(void)
{
	unsigned int first = rte_lcore_id(), lcore_id, i, n;
	struct rte_fastmem_lcore_stats ls;
	struct fastmem_test_mp_args args;
	int ret = TEST_SUCCESS;

	/* an lcore for whose caches there is no memory is counted elsewhere */
	TEST_ASSERT_SUCCESS(rte_fastmem_reserve(4 * SLAB, area->socket_id),
		"cannot reserve");
	for (i = 0; i < N_PROCS && ret == TEST_SUCCESS; i++) {
		args = args_of(i);
		ret = fastmem_test_mp_start(&area->procs[i], TASK_COUNT, &args);
	}
	if (ret == TEST_SUCCESS) {
		rte_eal_mp_remote_launch(count_lcore, NULL, CALL_MAIN);
		ret = wait_lcores();
	} else {
		/* those that have started wait no longer */
		for (n = 0; n < N_PROCS; n++)
			say(&area->n_ready);
	}
	for (i = 0; i < N_PROCS; i++)
		if (area->procs[i].pid != 0 && fastmem_test_mp_end(
				&area->procs[i]) != TEST_SUCCESS)
			ret = TEST_FAILED;
	if (ret != TEST_SUCCESS)
		return ret;
	args = args_of(0);
	for (lcore_id = 0; lcore_id < RTE_MAX_LCORE; lcore_id++) {
		n = N_COUNTED * rte_lcore_is_enabled(lcore_id);
		if (lcore_id >= first && lcore_id < first + args.n_lcores)
			n += N_COUNTED * N_PROCS;
		TEST_ASSERT_SUCCESS(rte_fastmem_stats_lcore(lcore_id, &ls),
			"no statistics");
		TEST_ASSERT(ls.alloc_cache_hits + ls.alloc_cache_misses == n &&
			ls.free_cache_hits + ls.free_cache_misses == n,
			"lcore %u: %" PRIu64 " of %u", lcore_id,
			ls.alloc_cache_hits + ls.alloc_cache_misses, n);
	}
	return fastmem_test_all_back();
}

static int
test_handles_from_there(void)
{
	void *objs[N_PASSED];
	unsigned int i, class_idx;

	RUN_SECONDARY(TASK_HANDLES);
	for (i = 0; i < N_PASSED; i++) {
		class_idx = i % 14;
		TEST_ASSERT_SUCCESS(fastmem_test_check(area->objs[i],
			fastmem_test_sizes[class_idx], i), "object %u", i);
		objs[i] = rte_fastmem_halloc(area->handles[class_idx],
			RTE_FASTMEM_F_ZERO);
		TEST_ASSERT_NOT_NULL(objs[i], "no memory");
		TEST_ASSERT_EQUAL(rte_fastmem_usable_size(objs[i]),
			fastmem_test_sizes[class_idx], "another class");
		rte_fastmem_hfree(area->handles[class_idx], area->objs[i]);
	}
	for (i = 0; i < N_PASSED; i++)
		rte_fastmem_hfree_bulk(area->handles[i % 14], &objs[i], 1);
	return fastmem_test_all_back();
}

static int
test_limit_there(void)
{
	struct fastmem_test_mp_args args = args_of(0);
	int ret;

	TEST_ASSERT_SUCCESS(fastmem_test_limit(LIMIT_SLABS * SLAB), "limit");
	ret = fastmem_test_mp_start(&area->procs[0], TASK_LIMIT, &args);
	if (ret != TEST_SUCCESS)
		return ret;
	ret = wait_for(&area->n_ready, 1);
	TEST_ASSERT_SUCCESS(fastmem_test_limit(2 * LIMIT_SLABS * SLAB), "limit");
	say(&area->phase);
	if (fastmem_test_mp_end(&area->procs[0]) != TEST_SUCCESS || ret != 0)
		return TEST_FAILED;
	return fastmem_test_all_back();
}

static int
test_calls_there(void)
{
	struct rte_fastmem_stats stats;

	RUN_SECONDARY(TASK_CALLS);
	TEST_ASSERT_EQUAL(rte_fastmem_get_limit(area->socket_id), SLAB,
		"another limit");
	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&stats), "no statistics");
	TEST_ASSERT(stats.bytes_in_use == area->stats.bytes_in_use &&
		stats.alloc_total == area->stats.alloc_total &&
		stats.free_total == area->stats.free_total &&
		stats.bytes_backing == area->stats.bytes_backing,
		"other statistics");
	TEST_ASSERT_SUCCESS(rte_fastmem_trim(SOCKET_ID_ANY, NULL), "trim");
	return fastmem_test_all_back();
}

static int
test_bulk_there(void)
{
	TEST_ASSERT_SUCCESS(fastmem_test_limit(LIMIT_SLABS * SLAB), "limit");
	RUN_SECONDARY(TASK_BULK);
	return fastmem_test_all_back();
}

static int
test_borders_there(void)
{
	RUN_SECONDARY(TASK_BORDERS);
	return fastmem_test_all_back();
}

/* Be busy, in the library or not, until the secondary process has ended. */
static int
be_busy(void *arg)
{
	uint64_t end = rte_get_timer_cycles() +
		SECONDS_TO_WAIT * rte_get_timer_hz();
	bool with_it = arg != NULL;
	void *objs[32];

	while (fastmem_test_mp_state(&area->procs[0]) !=
			FASTMEM_TEST_MP_DONE && rte_get_timer_cycles() < end) {
		if (!with_it)
			rte_pause();
		else if (rte_fastmem_alloc_bulk(objs, RTE_DIM(objs), 256, 0,
				0) == 0)
			rte_fastmem_free_bulk(objs, RTE_DIM(objs));
	}
	return 0;
}

/* None of the primary's lcores looks after the others. */
static int
run_busy(void *arg)
{
	struct fastmem_test_mp_args args = args_of(0);
	int ret;

	ret = fastmem_test_mp_start(&area->procs[0], TASK_GROW, &args);
	if (ret != TEST_SUCCESS)
		return ret;
	rte_eal_mp_remote_launch(be_busy, arg, CALL_MAIN);
	rte_eal_mp_wait_lcore();
	if (fastmem_test_mp_end(&area->procs[0]) != TEST_SUCCESS)
		return TEST_FAILED;
	return fastmem_test_all_back();
}

static int
test_primary_busy(void)
{
	return run_busy(NULL);
}

static int
test_primary_busy_with_it(void)
{
	return run_busy(area);
}

static int
setup(void)
{
	memset(area, 0, sizeof(*area));
	area->socket_id = fastmem_test_socket();
	return fastmem_test_setup();
}

static int
suite_setup(void)
{
	if (!fastmem_test_mp_possible())
		return TEST_SKIPPED;
	area_zone = fastmem_test_mp_reserve(AREA_NAME, sizeof(*area));
	TEST_ASSERT_NOT_NULL(area_zone, "no memory");
	area = area_zone->addr;
	return TEST_SUCCESS;
}

static void
suite_teardown(void)
{
	rte_memzone_free(area_zone);
}

static struct unit_test_suite fastmem_mp_calls_testsuite = {
	.suite_name = "fastmem calls of secondary processes",
	.setup = suite_setup,
	.teardown = suite_teardown,
	.unit_test_cases = {
		TEST_CASE_ST(setup, fastmem_test_teardown_shared,
			test_same_lcores),
		TEST_CASE_ST(setup, fastmem_test_teardown_shared,
			test_handles_from_there),
		TEST_CASE_ST(setup, fastmem_test_teardown_shared,
			test_limit_there),
		TEST_CASE_ST(setup, fastmem_test_teardown_shared,
			test_calls_there),
		TEST_CASE_ST(setup, fastmem_test_teardown_shared,
			test_bulk_there),
		TEST_CASE_ST(setup, fastmem_test_teardown_shared,
			test_borders_there),
		TEST_CASE_ST(setup, fastmem_test_teardown_shared,
			test_primary_busy),
		TEST_CASE_ST(setup, fastmem_test_teardown_shared,
			test_primary_busy_with_it),
		TEST_CASES_END()
	}
};

static int
test_fastmem_mp_calls(void)
{
	if (rte_eal_process_type() == RTE_PROC_SECONDARY) {
		area = fastmem_test_mp_lookup(AREA_NAME);
		return area == NULL ? TEST_SKIPPED :
			fastmem_test_mp_main(&area->procs[
				fastmem_test_mp_number()], secondary_task);
	}
	return fastmem_test_run(&fastmem_mp_calls_testsuite);
}

REGISTER_FAST_TEST(fastmem_mp_calls_autotest, NOHUGE_OK, ASAN_OK,
	test_fastmem_mp_calls);
