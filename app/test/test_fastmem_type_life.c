/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * The life of types and of their memory: their ends and successors, what they
 * hold when there is little memory, secondary processes, and load.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_stdatomic.h>

#include "test_fastmem_peer.h"
#include "test_fastmem_stress.h"
#include "test_fastmem_type.h"
#include "test_fastmem_util.h"

#define MAX_TYPES 64
#define N_CYCLES 200
#define MAX_OBJS 4000
#define STRESS_LIVE 64
#define STRESS_FLUSHES 300

static void *objs[MAX_OBJS];

/* What both processes see. */
struct shared {
	rte_fastmem_handle_t handle;
	unsigned int n;
	void *objs[256];
};

static struct shared *shared;

static int
check_stats(rte_fastmem_handle_t handle, uint64_t in_use, uint64_t allocs,
	uint64_t frees, uint64_t nomem)
{
	struct rte_fastmem_class_stats cs;
	struct rte_fastmem_stats stats;

	TEST_ASSERT_SUCCESS(rte_fastmem_type_stats(handle, &cs), "statistics");
	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&stats), "statistics");
	TEST_ASSERT(cs.in_use == in_use &&
		cs.alloc_cache_hits + cs.alloc_cache_misses == allocs &&
		cs.free_cache_hits + cs.free_cache_misses == frees &&
		cs.alloc_nomem == nomem, "%" PRIu64 " in use, %" PRIu64 " + %"
		PRIu64 " allocated, %" PRIu64 " + %" PRIu64 " freed, %" PRIu64
		" failed", cs.in_use, cs.alloc_cache_hits,
		cs.alloc_cache_misses, cs.free_cache_hits,
		cs.free_cache_misses, cs.alloc_nomem);
	TEST_ASSERT_EQUAL(stats.bytes_in_use, in_use * cs.class_size,
		"%" PRIu64 " B in use", stats.bytes_in_use);
	TEST_ASSERT_EQUAL(cs.slab_acquires - cs.slab_releases,
		cs.slabs_partial + cs.slabs_full, "%" PRIu64 " - %" PRIu64
		" slabs, %u + %u", cs.slab_acquires, cs.slab_releases,
		cs.slabs_partial, cs.slabs_full);
	return 0;
}

static int
test_stats(void)
{
	struct rte_fastmem_type_params params = fastmem_test_type_built("counted", 1000);
	struct rte_fastmem_class_stats cs;
	struct rte_fastmem_stats before, after;
	rte_fastmem_handle_t handle;
	unsigned int i;

	params.max_objs = 2500;
	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&before), "statistics");
	if (fastmem_test_type_create(&params, &handle) != 0 ||
			check_stats(handle, 0, 0, 0, 0) != 0)
		return TEST_FAILED;
	for (i = 0; i < 10; i++)
		objs[i] = rte_fastmem_halloc(handle, 0);
	if (check_stats(handle, 10, 10, 0, 0) != 0)
		return TEST_FAILED;
	TEST_ASSERT_SUCCESS(rte_fastmem_halloc_bulk(handle, &objs[10], 2400, 0),
		"cannot allocate");
	TEST_ASSERT_EQUAL(rte_fastmem_halloc_bulk(handle, &objs[2410], 100, 0),
		-ENOMEM, "more than the limit");
	if (check_stats(handle, 2410, 2410, 0, 100) != 0)
		return TEST_FAILED;
	TEST_ASSERT_SUCCESS(rte_fastmem_type_stats(handle, &cs), "statistics");
	TEST_ASSERT(cs.class_size == 1024 && cs.slab_acquires == 2 &&
		cs.slab_releases == 0, "%" PRIu64 " slabs", cs.slab_acquires);
	rte_fastmem_hfree_bulk(handle, &objs[10], 2400);
	for (i = 0; i < 9; i++)
		rte_fastmem_hfree(handle, objs[i]);
	if (check_stats(handle, 1, 2410, 2409, 100) != 0)
		return TEST_FAILED;
	TEST_ASSERT_SUCCESS(rte_fastmem_type_flush(handle), "cannot flush");
	if (check_stats(handle, 1, 2410, 2409, 100) != 0)
		return TEST_FAILED;
	TEST_ASSERT_SUCCESS(rte_fastmem_type_stats(handle, &cs), "statistics");
	TEST_ASSERT(cs.slab_releases == 1 && cs.slabs_partial == 1,
		"%" PRIu64 " slabs released", cs.slab_releases);
	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&after), "statistics");
	TEST_ASSERT(after.alloc_total - before.alloc_total == 2410 &&
		after.free_total - before.free_total == 2409 &&
		after.alloc_nomem - before.alloc_nomem == 100, "totals");

	/* a reset is one for types, too */
	rte_fastmem_stats_reset();
	TEST_ASSERT_SUCCESS(rte_fastmem_type_stats(handle, &cs), "statistics");
	TEST_ASSERT(cs.in_use == 1 && cs.slabs_partial == 1 &&
		cs.alloc_cache_hits + cs.alloc_cache_misses +
		cs.free_cache_hits + cs.free_cache_misses + cs.alloc_nomem +
		cs.slab_acquires + cs.slab_releases == 0,
		"counters were not reset");
	rte_fastmem_hfree(handle, objs[9]);
	return fastmem_test_type_destroy(handle) == 0 ? TEST_SUCCESS : TEST_FAILED;
}

static int
test_destroy(void)
{
	struct rte_fastmem_type_params params = fastmem_test_type_built("gone", 1000);
	rte_fastmem_handle_t handle;
	unsigned int i;

	if (fastmem_test_type_create(&params, &handle) != 0)
		return TEST_FAILED;
	TEST_ASSERT_SUCCESS(rte_fastmem_halloc_bulk(handle, objs, 3000, 0),
		"cannot allocate");
	rte_fastmem_hfree_bulk(handle, &objs[1], 2999);
	for (i = 0; i < 3; i++) {
		TEST_ASSERT_EQUAL(rte_fastmem_type_destroy(handle), -EBUSY,
			"destroyed with an object in use");
		TEST_ASSERT(fastmem_test_object_is_built(objs[0]), "object was destroyed");
		TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
		/* and it serves on */
		objs[1] = rte_fastmem_halloc(handle, 0);
		TEST_ASSERT(fastmem_test_object_is_built(objs[1]), "not constructed");
		rte_fastmem_hfree(handle, objs[1]);
	}
	rte_fastmem_hfree(handle, objs[0]);
	if (fastmem_test_type_destroy(handle) != 0)
		return TEST_FAILED;
	/* of the same name, and never used */
	if (fastmem_test_type_create(&params, &handle) != 0)
		return TEST_FAILED;
	return fastmem_test_type_destroy(handle) == 0 ? TEST_SUCCESS : TEST_FAILED;
}

/* Objects are taken back from those who have them, wherever they are. */
static int
test_purge(void)
{
	struct rte_fastmem_type_params params = fastmem_test_type_built("purged", 1000);
	rte_fastmem_handle_t handle;
	unsigned int round, n;

	if (fastmem_test_type_create(&params, &handle) != 0)
		return TEST_FAILED;
	TEST_ASSERT_EQUAL(rte_fastmem_type_purge(handle), 0, "none was there");
	for (round = 0; round < 3; round++) {
		TEST_ASSERT_SUCCESS(rte_fastmem_halloc_bulk(handle, objs, 3000,
			0), "cannot allocate");
		n = round * 1000;
		rte_fastmem_hfree_bulk(handle, &objs[3000 - n], n);
		TEST_ASSERT_EQUAL(rte_fastmem_type_purge(handle), 3000 - n,
			"not as many as allocated");
		TEST_ASSERT_EQUAL(rte_fastmem_type_walk(handle, NULL, NULL), 0,
			"objects are left");
		TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
		if (check_stats(handle, 0, (round + 1) * 3000,
				(round + 1) * 3000, 0) != 0)
			return TEST_FAILED;
	}
	return fastmem_test_type_destroy(handle) == 0 ? fastmem_test_all_back() : TEST_FAILED;
}

/* Types come and go in the same place, and so do the caches of their objects. */
static int
test_cycles(void)
{
	struct rte_fastmem_type_params params;
	rte_fastmem_handle_t handle;
	uint64_t state = 1, total = 0;
	struct rte_fastmem_stats stats;
	unsigned int i, n;
	size_t size;

	for (i = 0; i < N_CYCLES; i++) {
		size = 32 + fastmem_test_rand(&state) % (i % 4 == 0 ? 200000 :
			4000);
		params = fastmem_test_type_built("cycle", size);
		params.cache_size = fastmem_test_rand(&state) % 600;
		if (fastmem_test_type_create(&params, &handle) != 0)
			return TEST_FAILED;
		n = RTE_MIN(FASTMEM_TEST_TYPE_BUDGET / 2 / size, (size_t)1500);
		TEST_ASSERT_SUCCESS(rte_fastmem_halloc_bulk(handle, objs, n,
			0), "cannot allocate");
		TEST_ASSERT_EQUAL(rte_fastmem_usable_size(objs[0]),
			fastmem_test_type_size(size, 0), "size of another type");
		if (check_stats(handle, n, n, 0, 0) != 0)
			return TEST_FAILED;
		if (i % 10 == 0)
			TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
		rte_fastmem_hfree_bulk(handle, objs, n);
		if (check_stats(handle, 0, n, n, 0) != 0 || fastmem_test_type_destroy(handle) != 0)
			return TEST_FAILED;
		if (i % 10 == 0)
			TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
		total += n;
	}
	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&stats), "statistics");
	TEST_ASSERT(stats.alloc_total == total && stats.free_total == total &&
		stats.bytes_in_use == 0, "%" PRIu64 " allocated of %" PRIu64,
		stats.alloc_total, total);
	return fastmem_test_all_back();
}

static int
test_many(void)
{
	struct rte_fastmem_type_params params;
	rte_fastmem_handle_t handles[MAX_TYPES], handle;
	char name[32];
	unsigned int i;

	for (i = 0; i < MAX_TYPES; i++) {
		snprintf(name, sizeof(name), "type%u", i);
		params = fastmem_test_type_params(name, 32 + 8 * i, 8);
		if (fastmem_test_type_create(&params, &handles[i]) != 0)
			return TEST_FAILED;
	}
	params.name = "one_more";
	TEST_ASSERT_EQUAL(rte_fastmem_type_create(&params, &handle), -ENOSPC,
		"too many types");
	for (i = 0; i < MAX_TYPES; i++) {
		snprintf(name, sizeof(name), "type%u", i);
		TEST_ASSERT_SUCCESS(rte_fastmem_type_lookup(name, &handle),
			"lookup");
		TEST_ASSERT_EQUAL(handle, handles[i], "another one");
		/* a slab for each */
		objs[i] = i % 8 == 0 ? rte_fastmem_halloc(handle, 0) : NULL;
		TEST_ASSERT(objs[i] == NULL || rte_fastmem_usable_size(objs[i])
			== 32 + 8 * i, "usable size");
	}
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	/* a free place serves again, with the others in use */
	TEST_ASSERT_SUCCESS(rte_fastmem_type_destroy(handles[33]), "destroy");
	if (fastmem_test_type_create(&params, &handles[33]) != 0)
		return TEST_FAILED;
	for (i = 0; i < MAX_TYPES; i++) {
		rte_fastmem_hfree(handles[i], objs[i]);
		TEST_ASSERT_SUCCESS(rte_fastmem_type_destroy(handles[i]),
			"destroy");
	}
	return fastmem_test_all_back();
}

/* When memory is short, what types hold idle serves others, destroyed before. */
static int
test_shortage(void)
{
	struct rte_fastmem_type_params params = fastmem_test_type_built("idle", 4000);
	rte_fastmem_handle_t handle;
	unsigned int n = 0;

	TEST_ASSERT_SUCCESS(fastmem_test_limit(8 << 20), "limit");
	if (fastmem_test_type_create(&params, &handle) != 0)
		return TEST_FAILED;
	while (n < MAX_OBJS && (objs[n] = rte_fastmem_halloc(handle, 0)) != NULL)
		n++;
	TEST_ASSERT(n > 1000 && n <= 2080, "%u objects in 8 MiB", n);
	TEST_ASSERT_NULL(rte_fastmem_alloc(FASTMEM_TEST_MAX_SIZE / 2, 0, 0),
		"more than 8 MiB");
	rte_fastmem_hfree_bulk(handle, objs, n);
	/* but for what is in the cache, see rte_fastmem_cache_flush() */
	n = 0;
	while ((objs[n] = rte_fastmem_alloc(65536, 0, 0)) != NULL)
		n++;
	TEST_ASSERT(n >= 32, "%u objects of 64 KiB", n);
	TEST_ASSERT(fastmem_test_gone(0) >= n * 16, "%" PRIu64
		" destroyed", fastmem_test_gone(0));
	rte_fastmem_free_bulk(objs, n);
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	return fastmem_test_type_destroy(handle) == 0 ? fastmem_test_all_back() : TEST_FAILED;
}

enum task { TASK_USE, TASK_KEEP };

/* In the secondary process. */
int
fastmem_test_type_peer(uint32_t task, void *data)
{
	struct rte_fastmem_type_params params = fastmem_test_type_params("new", 8, 0);
	struct rte_fastmem_class_stats cs;
	rte_fastmem_handle_t handle;
	unsigned int i;

	shared = data;
	TEST_ASSERT_SUCCESS(rte_fastmem_init(), "cannot attach");
	TEST_ASSERT_EQUAL(rte_fastmem_type_lookup("none", &handle), -ENOENT,
		"no such type");
	TEST_ASSERT_SUCCESS(rte_fastmem_type_lookup("shared", &handle),
		"lookup");
	TEST_ASSERT_EQUAL(handle, shared->handle, "other handle");
	TEST_ASSERT_EQUAL(rte_fastmem_type_create(&params, &handle), -ENOTSUP,
		"created");
	TEST_ASSERT_EQUAL(rte_fastmem_type_destroy(handle), -ENOTSUP, "destroyed");
	TEST_ASSERT_EQUAL(rte_fastmem_type_purge(handle), -ENOTSUP, "purged");
	TEST_ASSERT_EQUAL(rte_fastmem_type_walk(handle, NULL, NULL), -ENOTSUP,
		"walked");
	/* what the primary has allocated, it frees, in all ways */
	for (i = 0; i < shared->n; i++) {
		TEST_ASSERT(fastmem_test_object_is_built(shared->objs[i]) &&
			rte_fastmem_usable_size(shared->objs[i]) == 1024,
			"object of the primary process");
		if (i % 2 == 0)
			rte_fastmem_free(shared->objs[i]);
		else
			rte_fastmem_hfree(handle, shared->objs[i]);
	}
	for (i = 0; i < 3; i++) {
		TEST_ASSERT_SUCCESS(rte_fastmem_halloc_bulk(handle, objs, 1000,
			0), "cannot allocate");
		rte_fastmem_hfree_bulk(handle, objs, 1000);
		TEST_ASSERT_SUCCESS(rte_fastmem_type_flush(handle), "flush");
	}
	TEST_ASSERT_EQUAL(rte_fastmem_halloc_bulk(handle, objs, 1001, 0),
		-ENOMEM, "more than the limit");
	TEST_ASSERT_SUCCESS(rte_fastmem_halloc_bulk(handle, shared->objs, 256,
		0), "cannot allocate");
	for (i = 0; i < 256; i++)
		TEST_ASSERT(fastmem_test_object_is_built(shared->objs[i]), "not constructed");
	TEST_ASSERT_SUCCESS(rte_fastmem_type_stats(handle, &cs), "statistics");
	TEST_ASSERT_EQUAL(cs.in_use, 256, "%" PRIu64 " in use", cs.in_use);
	shared->n = 256;
	if (task == TASK_USE) {
		rte_fastmem_hfree_bulk(handle, shared->objs, shared->n);
		shared->n = 0;
	}
	rte_fastmem_deinit();
	return 0;
}

static int
run_peer(enum task task)
{
	struct rte_fastmem_type_params params = fastmem_test_type_built("shared", 1000);
	int ret;

	params.max_objs = 1000;
	if (fastmem_test_type_create(&params, &shared->handle) != 0)
		return TEST_FAILED;
	shared->n = 100;
	TEST_ASSERT_SUCCESS(rte_fastmem_halloc_bulk(shared->handle,
		shared->objs, shared->n, 0), "cannot allocate");
	TEST_ASSERT_SUCCESS(rte_fastmem_type_flush(shared->handle), "flush");
	ret = fastmem_test_peer_run(FASTMEM_TEST_TYPE_COMMAND, task);
	if (ret == TEST_FAILED)
		return ret;
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	rte_fastmem_hfree_bulk(shared->handle, shared->objs, shared->n);
	return fastmem_test_type_destroy(shared->handle) == 0 ? ret : TEST_FAILED;
}

static int
test_secondary(void)
{
	int ret;

	ret = fastmem_test_peer_setup(sizeof(*shared), (void **)&shared);
	if (ret != TEST_SUCCESS)
		return ret;
	ret = run_peer(TASK_USE);
	if (ret == TEST_SUCCESS)
		ret = run_peer(TASK_KEEP);
	fastmem_test_peer_teardown();
	return ret == TEST_SUCCESS ? fastmem_test_all_back() : ret;
}

static struct fastmem_test_mailbox mailbox;
static rte_fastmem_handle_t stress_handles[FASTMEM_TEST_TYPE_COUNTS];
static RTE_ATOMIC(uint32_t) stop;

/* Take an object: it is constructed, and nobody else has it. */
static bool
own(struct fastmem_test_typed *obj, uint32_t owner)
{
	return fastmem_test_object_is_built(obj) &&
		rte_atomic_exchange_explicit(&obj->owner, owner,
			rte_memory_order_relaxed) == 0;
}

static bool
disown(struct fastmem_test_typed *obj, uint32_t owner)
{
	return fastmem_test_object_is_built(obj) &&
		rte_atomic_exchange_explicit(&obj->owner, 0,
			rte_memory_order_relaxed) == owner;
}

static int
stress_bulk(uint64_t *state, uint32_t owner)
{
	rte_fastmem_handle_t handle;
	struct fastmem_test_typed *mine[STRESS_LIVE];
	unsigned int n = 1 + fastmem_test_rand(state) % STRESS_LIVE, i;

	handle = stress_handles[fastmem_test_rand(state) % FASTMEM_TEST_TYPE_COUNTS];
	if (rte_fastmem_halloc_bulk(handle, (void **)mine, n, 0) != 0)
		return 0;
	for (i = 0; i < n; i++)
		TEST_ASSERT(own(mine[i], owner), "object is another's");
	for (i = 0; i < n; i++)
		TEST_ASSERT(disown(mine[i], owner), "object was taken");
	if (n % 3 == 0)
		rte_fastmem_free_bulk((void **)mine, n);
	else
		rte_fastmem_hfree_bulk(handle, (void **)mine, n);
	return 0;
}

/* Objects wander from one lcore to another in between. */
static int
stress_send(uint64_t *state, uint32_t owner)
{
	struct fastmem_test_typed *obj;

	obj = rte_fastmem_halloc(stress_handles[fastmem_test_rand(state) %
		FASTMEM_TEST_TYPE_COUNTS], 0);
	if (obj != NULL) {
		TEST_ASSERT(own(obj, owner), "object is another's");
		TEST_ASSERT(disown(obj, owner), "object was taken");
		if (!fastmem_test_mailbox_put(&mailbox,
				fastmem_test_rand(state), obj))
			rte_fastmem_free(obj);
	}
	obj = fastmem_test_mailbox_get(&mailbox, fastmem_test_rand(state));
	if (obj != NULL) {
		TEST_ASSERT(own(obj, owner), "object is another's");
		TEST_ASSERT(disown(obj, owner), "object was taken");
		rte_fastmem_free(obj);
	}
	return 0;
}

static int
stress(void *arg)
{
	uint64_t state = (uintptr_t)arg * UINT64_C(0x9e3779b97f4a7c15) | 1;
	uint32_t owner = (uintptr_t)arg;
	int ret = 0;

	while (ret == 0 && rte_atomic_load_explicit(&stop,
			rte_memory_order_relaxed) == 0) {
		ret = fastmem_test_rand(&state) % 2 == 0 ?
			stress_bulk(&state, owner) : stress_send(&state, owner);
		if (fastmem_test_rand(&state) % STRESS_FLUSHES == 0)
			rte_fastmem_type_flush(stress_handles[
				fastmem_test_rand(&state) % FASTMEM_TEST_TYPE_COUNTS]);
	}
	rte_fastmem_cache_flush();
	return ret;
}

static int
test_stress(void)
{
	static const size_t sizes[FASTMEM_TEST_TYPE_COUNTS] = { 24, 1000, 30000 };
	struct rte_fastmem_type_params params;
	unsigned int lcore_id, i;
	uint64_t end;
	int ret = 0;
	void *obj;

	memset(&mailbox, 0, sizeof(mailbox));
	rte_atomic_store_explicit(&stop, 0, rte_memory_order_relaxed);
	for (i = 0; i < FASTMEM_TEST_TYPE_COUNTS; i++) {
		params = fastmem_test_type_built(i == 0 ? "one" :
			i == 1 ? "two" : "three", sizes[i]);
		params.arg = &fastmem_test_counts[i];
		params.cache_size = i == 1 ? 16 : 0;
		params.max_objs = i == 1 ? 150 : 0;
		if (fastmem_test_type_create(&params, &stress_handles[i]) != 0)
			return TEST_FAILED;
	}
	RTE_LCORE_FOREACH_WORKER(lcore_id)
		TEST_ASSERT_SUCCESS(rte_eal_remote_launch(stress,
			(void *)(uintptr_t)(lcore_id + 1), lcore_id), "launch");
	end = rte_get_timer_cycles() + rte_get_timer_hz() *
		fastmem_test_env("FASTMEM_TEST_SECONDS", 2);
	while (ret == 0 && rte_get_timer_cycles() < end) {
		uint64_t state = end;

		for (i = 0; i < 100 && ret == 0; i++)
			ret = stress_bulk(&state, rte_lcore_id() + 1) |
				stress_send(&state, rte_lcore_id() + 1);
		for (i = 0; i < FASTMEM_TEST_TYPE_COUNTS && ret == 0; i++)
			rte_fastmem_type_walk(stress_handles[i], NULL, NULL);
	}
	rte_atomic_store_explicit(&stop, 1, rte_memory_order_relaxed);
	RTE_LCORE_FOREACH_WORKER(lcore_id)
		ret |= rte_eal_wait_lcore(lcore_id);
	while ((obj = fastmem_test_mailbox_get(&mailbox, 0)) != NULL)
		rte_fastmem_free(obj);
	TEST_ASSERT_SUCCESS(ret, "an lcore failed");
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
	for (i = 0; i < FASTMEM_TEST_TYPE_COUNTS; i++) {
		TEST_ASSERT_SUCCESS(rte_fastmem_type_destroy(stress_handles[i]),
			"objects are missing");
		TEST_ASSERT(fastmem_test_built(i) ==
			fastmem_test_gone(i) && fastmem_test_wrong(i)
			== 0, "%" PRIu64 " constructed, %" PRIu64
			" destroyed, %" PRIu64 " wrongly",
			fastmem_test_built(i), fastmem_test_gone(i),
			fastmem_test_wrong(i));
	}
	return fastmem_test_all_back();
}

struct unit_test_suite fastmem_type_life_testsuite = {
	.suite_name = "fastmem types' life",
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_type_setup, fastmem_test_teardown,
			test_stats),
		TEST_CASE_ST(fastmem_test_type_setup, fastmem_test_teardown,
			test_destroy),
		TEST_CASE_ST(fastmem_test_type_setup, fastmem_test_teardown,
			test_purge),
		TEST_CASE_ST(fastmem_test_type_setup, fastmem_test_teardown,
			test_cycles),
		TEST_CASE_ST(fastmem_test_type_setup, fastmem_test_teardown,
			test_many),
		TEST_CASE_ST(fastmem_test_type_setup, fastmem_test_teardown,
			test_shortage),
		TEST_CASE_ST(fastmem_test_type_setup, fastmem_test_teardown_shared,
			test_secondary),
		TEST_CASE_ST(fastmem_test_type_setup, fastmem_test_teardown,
			test_stress),
		TEST_CASES_END()
	}
};
