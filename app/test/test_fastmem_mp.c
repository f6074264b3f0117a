/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Secondary processes, one at a time.
 */

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_memory.h>
#include <rte_memzone.h>
#include <rte_ring.h>
#include <rte_stdatomic.h>
#include <rte_thread.h>

#include <rte_fastmem_mempool.h>

#include "test_fastmem_mp_util.h"
#include "test_fastmem_util.h"

#define COMMAND "fastmem_mp_autotest"
#define AREA_NAME "test_fm_mp_area"
#define RING_NAME "test_fm_mp_ring%u"
#define RING_SIZE 256
#define MAX_OBJS 400
#define N_EXCHANGED 40000

enum task {
	TASK_NOT_INITIALIZED,
	TASK_FREE,
	TASK_ALLOC,
	TASK_GROW,
	TASK_HANDLE,
	TASK_POOL,
	TASK_REATTACH,
	TASK_COUNT,
	TASK_EXCHANGE,
	TASK_THREAD,
	TASK_DIE
};

/* What both processes see. */
struct area {
	struct fastmem_test_mp mp;
	rte_fastmem_handle_t handle;
	unsigned int n;
	struct {
		void *obj;
		size_t size, align;
		rte_iova_t iova;
	} objs[MAX_OBJS];
};

static const struct rte_memzone *area_zone;
static struct area *area;
static struct rte_ring *rings[2];

static size_t
size_of(unsigned int i)
{
	return fastmem_test_sizes[i % 14] - i % 3;
}

static size_t
align_of(unsigned int i)
{
	return i % 5 == 0 ? 256 : 8;
}

/* In either process: allocate all objects of the area, or check and free. */
static int
area_alloc(unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		area->objs[i].size = size_of(i);
		area->objs[i].align = align_of(i);
		area->objs[i].obj = rte_fastmem_alloc(size_of(i), align_of(i), 0);
		TEST_ASSERT_NOT_NULL(area->objs[i].obj, "object %u", i);
		area->objs[i].iova = rte_fastmem_virt2iova(area->objs[i].obj);
		fastmem_test_fill(area->objs[i].obj, size_of(i), i);
	}
	area->n = n;
	return 0;
}

static int
area_free(void)
{
	rte_fastmem_handle_t handle;
	unsigned int i, n = 0;
	void *bulk[MAX_OBJS];

	for (i = 0; i < area->n; i++) {
		void *obj = area->objs[i].obj;
		size_t size = area->objs[i].size;
		size_t align = area->objs[i].align;

		TEST_ASSERT_SUCCESS(fastmem_test_check(obj, size, i),
			"object %u", i);
		if (fastmem_test_check_object(obj, size, align) != 0)
			return -1;
		TEST_ASSERT_EQUAL(rte_fastmem_virt2iova(obj),
			area->objs[i].iova, "other IO address");
		switch (i % 4) {
		case 0:
			rte_fastmem_free(obj);
			break;
		case 1:
			if (i % 8 == 1 || align > RTE_CACHE_LINE_SIZE)
				rte_fastmem_free_sized(obj, size, align);
			else
				fastmem_test_free_constant(obj,
					fastmem_test_class_of(size, align));
			break;
		case 2:
			/* aligned objects may be freed as others */
			TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(
				rte_fastmem_usable_size(obj), i % 8 < 4 ? 8 :
				align, rte_fastmem_socket_id(obj), &handle),
				"no handle");
			rte_fastmem_hfree(handle, obj);
			break;
		default:
			bulk[n++] = obj;
		}
	}
	rte_fastmem_free_bulk(bulk, n);
	area->n = 0;
	return 0;
}

/* Move objects between the rings: produce on one, check what comes. */
static int
exchange(struct rte_ring *out, struct rte_ring *in, uint64_t seed)
{
	unsigned int sent = 0, received = 0, spins = 0;
	uint64_t end = rte_get_timer_cycles() + 20 * rte_get_timer_hz();
	size_t size;
	void *obj;

	while (sent < N_EXCHANGED || received < N_EXCHANGED) {
		if (sent < N_EXCHANGED && !rte_ring_full(out)) {
			size = fastmem_test_sizes[sent % 8 + 2];
			obj = rte_fastmem_alloc(size, 8, 0);
			TEST_ASSERT_NOT_NULL(obj, "cannot allocate");
			/* the reader knows it by its class and its address */
			fastmem_test_fill(obj, size, seed);
			TEST_ASSERT_SUCCESS(rte_ring_enqueue(out, obj),
				"ring is full");
			sent++;
		}
		if (rte_ring_dequeue(in, &obj) == 0) {
			size = rte_fastmem_usable_size(obj);
			TEST_ASSERT_SUCCESS(fastmem_test_check(obj, size,
				!seed), "object of %zu B", size);
			rte_fastmem_free(obj);
			received++;
		} else if (++spins % 64 == 0) {
			TEST_ASSERT(rte_get_timer_cycles() < end,
				"the other process stopped");
			rte_delay_us_sleep(1);
		}
	}
	return 0;
}

static int
secondary_not_initialized(void)
{
	TEST_ASSERT_EQUAL(rte_fastmem_init(), -ENODEV, "primary has none");
	rte_errno = 0;
	TEST_ASSERT_NULL(rte_fastmem_alloc(64, 0, 0), "allocated");
	TEST_ASSERT_EQUAL(rte_errno, ENODEV, "errno %d", rte_errno);
	rte_fastmem_deinit();
	TEST_ASSERT_EQUAL(rte_fastmem_audit(), -ENODEV, "not initialized");
	return 0;
}

static int
secondary_free(void)
{
	struct rte_fastmem_stats before, after;
	size_t bytes;

	TEST_ASSERT_EQUAL(rte_fastmem_init(), -EBUSY, "attached twice");
	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&before), "no statistics");
	TEST_ASSERT_EQUAL(before.alloc_total - before.free_total, area->n,
		"other statistics");
	TEST_ASSERT_EQUAL(rte_fastmem_trim(SOCKET_ID_ANY, &bytes), -ENOTSUP,
		"trimmed by a secondary process");
	TEST_ASSERT_EQUAL(rte_fastmem_set_cache_limit(0), -ENOTSUP,
		"limited by a secondary process");
	if (area_free() != 0)
		return -1;
	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&after), "no statistics");
	TEST_ASSERT_EQUAL(after.bytes_in_use, 0, "in use");
	return 0;
}

/* More than the primary has taken from EAL, so that this process grows it. */
static int
secondary_grow(void)
{
	uint64_t backing = fastmem_test_backing();
	unsigned int i;

	for (i = 0; i < 12; i++) {
		area->objs[i].size = FASTMEM_TEST_MAX_SIZE;
		area->objs[i].align = 8;
		area->objs[i].obj = rte_fastmem_alloc(FASTMEM_TEST_MAX_SIZE, 8,
			0);
		TEST_ASSERT_NOT_NULL(area->objs[i].obj, "object %u", i);
		area->objs[i].iova = rte_fastmem_virt2iova(area->objs[i].obj);
		fastmem_test_fill(area->objs[i].obj, FASTMEM_TEST_MAX_SIZE, i);
	}
	area->n = 12;
	TEST_ASSERT(fastmem_test_backing() > backing, "memory did not grow");
	return 0;
}

static int
secondary_handle(void)
{
	void *objs[50];

	TEST_ASSERT_SUCCESS(rte_fastmem_halloc_bulk(area->handle, objs, 50,
		RTE_FASTMEM_F_ZERO), "cannot allocate");
	TEST_ASSERT_EQUAL(rte_fastmem_usable_size(objs[49]), 512,
		"another class");
	TEST_ASSERT_EQUAL(fastmem_test_in_use(512), 50, "in use");
	rte_fastmem_hfree_bulk(area->handle, objs, 50);
	area->objs[0].obj = rte_fastmem_halloc(area->handle, 0);
	TEST_ASSERT_NOT_NULL(area->objs[0].obj, "cannot allocate");
	return 0;
}

/* Put what the primary process got, get twice as many, and fail borders. */
static int
secondary_pool(void)
{
	struct rte_fastmem_mempool *mp;
	unsigned int i;
	void *objs[MAX_OBJS + 1];

	/* looking it up attaches */
	rte_fastmem_deinit();
	mp = rte_fastmem_mempool_lookup("mp");
	TEST_ASSERT_NOT_NULL(mp, "no pool, errno %d", rte_errno);
	TEST_ASSERT_EQUAL(rte_fastmem_init(), -EBUSY, "not attached");
	TEST_ASSERT(rte_fastmem_mempool_lookup("none") == NULL &&
		rte_errno == ENOENT, "errno %d", rte_errno);
	TEST_ASSERT(rte_fastmem_mempool_create("here", 10, 8, 0, 0, NULL, NULL,
		NULL, NULL, SOCKET_ID_ANY, 0) == NULL && rte_errno == ENOTSUP,
		"created, errno %d", rte_errno);
	TEST_ASSERT_EQUAL(rte_fastmem_mempool_in_use_count(mp), area->n,
		"%u in use", rte_fastmem_mempool_in_use_count(mp));
	for (i = 0; i < area->n; i++) {
		TEST_ASSERT(rte_fastmem_mempool_from_obj(area->objs[i].obj) ==
			mp, "object %u is not of the pool", i);
		rte_fastmem_mempool_put(mp, area->objs[i].obj);
	}
	TEST_ASSERT_EQUAL(rte_fastmem_mempool_get_bulk(mp, objs, MAX_OBJS + 1),
		-ENOBUFS, "more than all");
	TEST_ASSERT_SUCCESS(rte_fastmem_mempool_get_bulk(mp, objs, 20),
		"cannot get");
	for (i = 0; i < 20; i++)
		area->objs[i].obj = objs[i];
	TEST_ASSERT_EQUAL(rte_fastmem_mempool_in_use_count(mp), 20,
		"%u in use", rte_fastmem_mempool_in_use_count(mp));
	return 0;
}

static int
secondary_reattach(void)
{
	unsigned int i;

	for (i = 0; i < 30; i++) {
		if (area_alloc(MAX_OBJS) != 0 || area_free() != 0)
			return -1;
		rte_fastmem_deinit();
		rte_errno = 0;
		TEST_ASSERT_NULL(rte_fastmem_alloc(64, 0, 0), "allocated");
		TEST_ASSERT_EQUAL(rte_errno, ENODEV, "errno %d", rte_errno);
		/* a second one does nothing */
		rte_fastmem_deinit();
		TEST_ASSERT_SUCCESS(rte_fastmem_init(), "cannot attach again");
	}
	return 0;
}

static int
secondary_count(void)
{
	unsigned int i;

	for (i = 0; i < 1000; i++)
		rte_fastmem_free(rte_fastmem_alloc(2048, 0, 0));
	return 0;
}

static int
secondary_exchange(void)
{
	struct rte_ring *to, *from;
	char name[32];

	snprintf(name, sizeof(name), RING_NAME, 1);
	to = rte_ring_lookup(name);
	snprintf(name, sizeof(name), RING_NAME, 0);
	from = rte_ring_lookup(name);
	TEST_ASSERT(to != NULL && from != NULL, "no rings");
	return exchange(to, from, 1);
}

static pthread_barrier_t barrier;

static uint32_t
caching_thread(void *arg)
{
	*(int *)arg = fastmem_test_check_caches(NULL);
	pthread_barrier_wait(&barrier);
	/* detached by the other thread */
	pthread_barrier_wait(&barrier);
	return 0;
}

/* Detach while a thread without an lcore id has objects in caches. */
static int
secondary_thread(void)
{
	rte_thread_t thread;
	int result = -1;

	pthread_barrier_init(&barrier, NULL, 2);
	TEST_ASSERT_SUCCESS(rte_thread_create(&thread, NULL, caching_thread,
		&result), "cannot create a thread");
	pthread_barrier_wait(&barrier);
	rte_fastmem_deinit();
	pthread_barrier_wait(&barrier);
	TEST_ASSERT_SUCCESS(rte_thread_join(thread, NULL),
		"cannot join a thread");
	pthread_barrier_destroy(&barrier);
	return result;
}

/* End with objects in caches, without detaching. */
static int
secondary_die(void)
{
	if (area_alloc(MAX_OBJS) != 0 || area_free() != 0)
		return -1;
	area->mp.result = 0;
	rte_atomic_store_explicit(&area->mp.state, FASTMEM_TEST_MP_DONE,
		rte_memory_order_release);
	kill(getpid(), SIGKILL);
	return -1;
}

static int
secondary_task(uint32_t task)
{
	int ret;

	if (task == TASK_NOT_INITIALIZED)
		return secondary_not_initialized();
	TEST_ASSERT_SUCCESS(rte_fastmem_init(), "cannot attach");
	switch (task) {
	case TASK_FREE:
		ret = secondary_free();
		break;
	case TASK_ALLOC:
		ret = area_alloc(MAX_OBJS);
		break;
	case TASK_GROW:
		ret = secondary_grow();
		break;
	case TASK_HANDLE:
		ret = secondary_handle();
		break;
	case TASK_POOL:
		ret = secondary_pool();
		break;
	case TASK_REATTACH:
		ret = secondary_reattach();
		break;
	case TASK_COUNT:
		ret = secondary_count();
		break;
	case TASK_EXCHANGE:
		ret = secondary_exchange();
		break;
	case TASK_THREAD:
		ret = secondary_thread();
		break;
	case TASK_DIE:
		ret = secondary_die();
		break;
	default:
		ret = -1;
	}
	rte_fastmem_deinit();
	return ret;
}

/* The arguments of a process with one lcore. */
static struct fastmem_test_mp_args
args_of(unsigned int lcore_id)
{
	return (struct fastmem_test_mp_args){
		.command = COMMAND,
		.lcore_id = lcore_id,
		.n_lcores = 1,
	};
}

static int
run_secondary(enum task task, unsigned int lcore_id)
{
	struct fastmem_test_mp_args args = args_of(lcore_id);

	return fastmem_test_mp_run(&area->mp, task, &args);
}

#define RUN_SECONDARY(task, lcore_id) do { \
	int ret_ = run_secondary(task, lcore_id); \
	if (ret_ != TEST_SUCCESS) \
		return ret_; \
} while (0)

static int
test_not_initialized(void)
{
	rte_fastmem_deinit();
	RUN_SECONDARY(TASK_NOT_INITIALIZED, rte_lcore_id());
	TEST_ASSERT_EQUAL(fastmem_test_count_zones(), 0,
		"secondary process left memzones");
	TEST_ASSERT_SUCCESS(rte_fastmem_init(), "cannot initialize");
	return TEST_SUCCESS;
}

/* Both processes may use the same lcore id. */
static int
test_free_there(void)
{
	if (area_alloc(MAX_OBJS) != 0)
		return TEST_FAILED;
	RUN_SECONDARY(TASK_FREE, rte_lcore_id());
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	/* it has emptied its caches when it detached */
	return fastmem_test_all_back();
}

static int
test_alloc_there(void)
{
	struct rte_fastmem_stats stats;

	RUN_SECONDARY(TASK_ALLOC, rte_lcore_id() + 1);
	TEST_ASSERT_EQUAL(area->n, MAX_OBJS, "wrong number");
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&stats), "no statistics");
	TEST_ASSERT_EQUAL(stats.alloc_total, MAX_OBJS, "not counted");
	if (area_free() != 0)
		return TEST_FAILED;
	return fastmem_test_all_back();
}

static int
test_grow_there(void)
{
	RUN_SECONDARY(TASK_GROW, rte_lcore_id());
	TEST_ASSERT_EQUAL(area->n, 12, "wrong number");
	if (area_free() != 0)
		return TEST_FAILED;
	TEST_ASSERT_SUCCESS(rte_fastmem_trim(SOCKET_ID_ANY, NULL), "trim");
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	return fastmem_test_all_back();
}

static int
test_handle_there(void)
{
	TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(512, 0, SOCKET_ID_ANY,
		&area->handle), "no handle");
	RUN_SECONDARY(TASK_HANDLE, rte_lcore_id());
	rte_fastmem_hfree(area->handle, area->objs[0].obj);
	return fastmem_test_all_back();
}

/* A pool, with caches and without. */
static int
test_pool_there(void)
{
	struct rte_fastmem_mempool *mp;
	unsigned int i, cache_size;
	void *obj;

	for (cache_size = 0; cache_size <= 32; cache_size += 32) {
		mp = rte_fastmem_mempool_create("mp", MAX_OBJS, 100, cache_size,
			0, NULL, NULL, NULL, NULL, SOCKET_ID_ANY, 0);
		TEST_ASSERT_NOT_NULL(mp, "no pool, errno %d", rte_errno);
		for (i = 0; i < 10; i++)
			TEST_ASSERT_SUCCESS(rte_fastmem_mempool_get(mp,
				&area->objs[i].obj), "cannot get");
		area->n = 10;
		RUN_SECONDARY(TASK_POOL, rte_lcore_id());
		/* it has put those, and got others */
		TEST_ASSERT_EQUAL(rte_fastmem_mempool_in_use_count(mp), 20,
			"%u in use", rte_fastmem_mempool_in_use_count(mp));
		for (i = 0; i < 20; i++)
			rte_fastmem_mempool_put(mp, area->objs[i].obj);
		/* and all the rest is there */
		for (i = 0; i < MAX_OBJS; i++)
			TEST_ASSERT_SUCCESS(rte_fastmem_mempool_get(mp, &obj),
				"object %u of %u", i, MAX_OBJS);
		rte_fastmem_mempool_free(mp);
	}
	return fastmem_test_all_back();
}

static int
test_reattach(void)
{
	RUN_SECONDARY(TASK_REATTACH, rte_lcore_id());
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	return fastmem_test_all_back();
}

static int
test_thread_there(void)
{
	RUN_SECONDARY(TASK_THREAD, rte_lcore_id());
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	return fastmem_test_all_back();
}

static int
test_statistics(void)
{
	unsigned int lcore_id = rte_lcore_id(), other = lcore_id + 1, i;
	struct rte_fastmem_lcore_stats ls;

	for (i = 0; i < 500; i++)
		rte_fastmem_free(rte_fastmem_alloc(2048, 0, 0));
	RUN_SECONDARY(TASK_COUNT, lcore_id);
	RUN_SECONDARY(TASK_COUNT, other);
	RUN_SECONDARY(TASK_COUNT, lcore_id);
	/* an lcore's figures are those of all processes, gone ones too */
	TEST_ASSERT_SUCCESS(rte_fastmem_stats_lcore(lcore_id, &ls), "lcore");
	TEST_ASSERT(ls.alloc_cache_hits + ls.alloc_cache_misses == 2500 &&
		ls.free_cache_hits + ls.free_cache_misses == 2500,
		"lcore %u: %" PRIu64 " objects of 2500", lcore_id,
		ls.alloc_cache_hits + ls.alloc_cache_misses);
	TEST_ASSERT_SUCCESS(rte_fastmem_stats_lcore(other, &ls), "lcore");
	TEST_ASSERT_EQUAL(ls.alloc_cache_hits + ls.alloc_cache_misses, 1000,
		"lcore %u: %" PRIu64 " objects of 1000", other,
		ls.alloc_cache_hits + ls.alloc_cache_misses);
	return fastmem_test_all_back();
}

/* Both at once, on the same lcore id, passing objects to each other. */
static int
test_exchange(void)
{
	struct fastmem_test_mp_args args = args_of(rte_lcore_id());
	int ret, exchanged;

	ret = fastmem_test_mp_start(&area->mp, TASK_EXCHANGE, &args);
	if (ret != TEST_SUCCESS)
		return ret;
	exchanged = exchange(rings[0], rings[1], 0);
	ret = fastmem_test_mp_end(&area->mp);
	TEST_ASSERT_SUCCESS(exchanged, "exchange failed");
	if (ret != TEST_SUCCESS)
		return ret;
	return fastmem_test_all_back();
}

/* A process that is killed takes its caches with it, and nothing else. */
static int
test_killed(void)
{
	struct rte_fastmem_stats stats;

	fastmem_test_log_expect("ended without detaching");
	RUN_SECONDARY(TASK_DIE, rte_lcore_id());
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&stats), "no statistics");
	TEST_ASSERT_EQUAL(stats.bytes_in_use, 0, "in use");
	if (area_alloc(MAX_OBJS) != 0 || area_free() != 0)
		return TEST_FAILED;
	return TEST_SUCCESS;
}

static int
suite_setup(void)
{
	char name[32];
	unsigned int i;

	if (!fastmem_test_mp_possible())
		return TEST_SKIPPED;
	area_zone = fastmem_test_mp_reserve(AREA_NAME, sizeof(*area));
	TEST_ASSERT_NOT_NULL(area_zone, "no memory");
	area = area_zone->addr;
	for (i = 0; i < RTE_DIM(rings); i++) {
		snprintf(name, sizeof(name), RING_NAME, i);
		rings[i] = rte_ring_create(name, RING_SIZE, SOCKET_ID_ANY,
			RING_F_SP_ENQ | RING_F_SC_DEQ);
		TEST_ASSERT_NOT_NULL(rings[i], "no memory");
	}
	return TEST_SUCCESS;
}

static void
suite_teardown(void)
{
	unsigned int i;

	for (i = 0; i < RTE_DIM(rings); i++)
		rte_ring_free(rings[i]);
	rte_memzone_free(area_zone);
}

static struct unit_test_suite fastmem_mp_testsuite = {
	.suite_name = "fastmem secondary processes",
	.setup = suite_setup,
	.teardown = suite_teardown,
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_shared,
			test_not_initialized),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_shared,
			test_free_there),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_shared,
			test_alloc_there),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_shared,
			test_grow_there),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_shared,
			test_handle_there),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_shared,
			test_pool_there),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_shared,
			test_reattach),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_shared,
			test_thread_there),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_shared,
			test_statistics),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_shared,
			test_exchange),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown_shared,
			test_killed),
		TEST_CASES_END()
	}
};

static int
test_fastmem_mp(void)
{
	if (rte_eal_process_type() == RTE_PROC_SECONDARY) {
		area = fastmem_test_mp_lookup(AREA_NAME);
		return area == NULL ? TEST_SKIPPED :
			fastmem_test_mp_main(&area->mp, secondary_task);
	}
	return fastmem_test_run(&fastmem_mp_testsuite);
}

REGISTER_FAST_TEST(fastmem_mp_autotest, NOHUGE_OK, ASAN_OK, test_fastmem_mp);
