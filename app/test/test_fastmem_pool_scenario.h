/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef TEST_FASTMEM_POOL_SCENARIO_H
#define TEST_FASTMEM_POOL_SCENARIO_H

/*
 * A program that uses mempools. It is compiled twice, the second time with
 * RTE_FASTMEM_REPLACE_MEMPOOL, and has to come to the same results.
 */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_memory.h>
#include <rte_mempool.h>
#include <rte_stdatomic.h>

#include "test.h"
#include "test_fastmem_pool.h"
#include "test_fastmem_stress.h"
#include "test_fastmem_util.h"

#include <rte_fastmem_mempool.h>

#define MAX_OBJS 5000
#define BULK 32
#define INIT_ARG 0x1234
#define PRIV_SIZE 100

#define STRESS_OBJS 2000
#define STRESS_HELD 64
#define STRESS_ROUNDS 20000
/* When there are more lcores than CPUs, those that share a ring may wait for a
 * preempted one in each call.
 */
#define STRESS_MS 400

#define CYCLES_OBJS 8192
#define CYCLES_CACHE 256
#define CYCLES_ROUNDS 15
#define CYCLES_CALLS 4000

/* What a scenario keeps in an object of 24 bytes or more. */
struct scenario_obj {
	RTE_ATOMIC(uint64_t) owner; /* 0 while it is free */
	uint64_t idx;
	uint64_t seen;
};

static void *objs[MAX_OBJS + 1];
static uint8_t seen_idx[MAX_OBJS];
static RTE_ATOMIC(uint32_t) n_init;
static unsigned int n_iter;

static void
note(struct fastmem_pool_notes *notes, const char *what, uint64_t value)
{
	if (notes->n < FASTMEM_POOL_MAX_NOTES) {
		notes->list[notes->n].what = what;
		notes->list[notes->n].value = value;
	}
	notes->n++;
}

static void
init_pool(struct rte_mempool *mp, void *opaque)
{
	memset(rte_mempool_get_priv(mp), 0x5a, PRIV_SIZE);
	*(int *)opaque += 1;
}

static void
init_obj(__rte_unused struct rte_mempool *mp, void *opaque, void *obj,
	unsigned int idx)
{
	struct scenario_obj *o = obj;

	rte_atomic_store_explicit(&o->owner, 0, rte_memory_order_relaxed);
	o->idx = idx;
	o->seen = (uintptr_t)opaque;
	rte_atomic_fetch_add_explicit(&n_init, 1, rte_memory_order_relaxed);
}

static void
count_obj(__rte_unused struct rte_mempool *mp, void *opaque, void *obj,
	__rte_unused unsigned int idx)
{
	const struct scenario_obj *o = obj;

	if (opaque == objs && o->seen == INIT_ARG)
		n_iter++;
}

static struct rte_mempool *
create(const char *name, unsigned int n, unsigned int elt_size,
	unsigned int cache_size, unsigned int flags)
{
	return rte_mempool_create(name, n, elt_size, cache_size, 0, NULL, NULL,
		NULL, NULL, SOCKET_ID_ANY, flags);
}

/* The errno of a creation that fails; 0 if it does not. */
static int
create_error(const char *name, unsigned int n, unsigned int elt_size,
	unsigned int cache_size, unsigned int flags)
{
	struct rte_mempool *mp;

	rte_errno = 0;
	mp = create(name, n, elt_size, cache_size, flags);
	if (mp == NULL)
		return rte_errno;
	rte_mempool_free(mp);
	return 0;
}

static int
scenario_borders(struct fastmem_pool_notes *notes)
{
	struct rte_mempool *mp, *other;
	int n_pools = 0;

	note(notes, "no objects", create_error("s", 0, 64, 0, 0));
	note(notes, "cache too large", create_error("s", 4096, 64,
		RTE_MEMPOOL_CACHE_MAX_SIZE + 1, 0));
	note(notes, "cache of the largest size", create_error("s", 4096, 64,
		RTE_MEMPOOL_CACHE_MAX_SIZE, 0));
	note(notes, "cache larger than the pool",
		create_error("s", 10, 64, 11, 0));
	note(notes, "unknown flag", create_error("s", 10, 64, 0, 0x8000));
	note(notes, "no size", create_error("s", 10, 0, 0, 0));
	note(notes, "longest name", create_error("0123456789012345678901234",
		10, 64, 0, 0));
	/* for one that is a bit too long, mempool loses a memzone */
	note(notes, "name too long", create_error(
		"01234567890123456789012345678", 10, 64, 0, 0));
	note(notes, "all flags", create_error("s", 10, 64, 0,
		RTE_MEMPOOL_F_NO_SPREAD | RTE_MEMPOOL_F_NO_CACHE_ALIGN |
		RTE_MEMPOOL_F_SP_PUT | RTE_MEMPOOL_F_SC_GET |
		RTE_MEMPOOL_F_NO_IOVA_CONTIG));
	rte_errno = 0;
	note(notes, "lookup of nothing", rte_mempool_lookup("s") == NULL);
	note(notes, "its errno", rte_errno);
	rte_mempool_free(NULL);

	mp = rte_mempool_create("s", 100, 61, 10, PRIV_SIZE, init_pool,
		&n_pools, NULL, NULL, SOCKET_ID_ANY, RTE_MEMPOOL_F_NO_SPREAD);
	TEST_ASSERT_NOT_NULL(mp, "cannot create a pool");
	note(notes, "pool's initializer", n_pools);
	note(notes, "private data", fastmem_test_all_bytes(
		rte_mempool_get_priv(mp), PRIV_SIZE, 0x5a));
	note(notes, "its alignment", (uintptr_t)rte_mempool_get_priv(mp) %
		RTE_CACHE_LINE_SIZE);
	note(notes, "its size", mp->private_data_size);
	note(notes, "size", mp->size);
	note(notes, "object size", mp->elt_size);
	note(notes, "cache size", mp->cache_size);
	note(notes, "name", strcmp(mp->name, "s"));
	note(notes, "lookup", rte_mempool_lookup("s") == mp);
	note(notes, "lookup of another", rte_mempool_lookup("t") == NULL);
	note(notes, "same name", create_error("s", 10, 64, 0, 0));
	other = create("t", 10, 8, 0, 0);
	TEST_ASSERT_NOT_NULL(other, "cannot create a second pool");
	note(notes, "lookup of that", rte_mempool_lookup("t") == other);
	rte_mempool_free(other);
	note(notes, "lookup of what is freed", rte_mempool_lookup("t") == NULL);
	note(notes, "lookup of the first", rte_mempool_lookup("s") == mp);
	rte_mempool_free(mp);
	return 0;
}

/* All objects of a pool at once, and one more. Returns how many there were. */
static unsigned int
get_all(struct rte_mempool *mp, struct fastmem_pool_notes *notes)
{
	void *none = notes;
	unsigned int n = 0;
	int ret = 0;

	while (n <= MAX_OBJS && (ret = rte_mempool_get(mp, &objs[n])) == 0)
		n++;
	note(notes, "objects got", n);
	note(notes, "the next one", -ret);
	note(notes, "again", -rte_mempool_get(mp, &none));
	note(notes, "and leaves the pointer", none == notes);
	note(notes, "several", -rte_mempool_get_bulk(mp, &objs[n], 1));
	note(notes, "in use", rte_mempool_in_use_count(mp));
	note(notes, "available", rte_mempool_avail_count(mp));
	note(notes, "empty", rte_mempool_empty(mp));
	note(notes, "full", rte_mempool_full(mp));
	return n;
}

/* What the first n objects are like, which have been got. */
static void
note_objs(struct rte_mempool *mp, struct fastmem_pool_notes *notes,
	unsigned int n, unsigned int elt_size, size_t align)
{
	unsigned int n_aligned = 0, n_idx = 0, n_content = 0, n_from = 0;
	unsigned int n_apart = 0, n_iova = 0, i;
	const struct scenario_obj *o;

	memset(seen_idx, 0, sizeof(seen_idx));
	fastmem_test_sort(objs, n);
	for (i = 0; i < n; i++) {
		o = objs[i];
		n_aligned += ((uintptr_t)o & (align - 1)) == 0;
		n_content += o->seen == INIT_ARG;
		if (o->idx < n && seen_idx[o->idx]++ == 0)
			n_idx++;
		n_from += rte_mempool_from_obj(objs[i]) == mp;
		n_apart += i == 0 || (uintptr_t)objs[i] -
			(uintptr_t)objs[i - 1] >= elt_size;
		n_iova += rte_mempool_virt2iova(o) == rte_mem_virt2iova(o) ||
			rte_eal_iova_mode() != RTE_IOVA_PA;
	}
	note(notes, "aligned", n_aligned);
	note(notes, "apart", n_apart);
	note(notes, "initialized", n_content);
	note(notes, "numbered differently", n_idx);
	note(notes, "known to be the pool's", n_from);
	note(notes, "known IOVA", n_iova);
}

static int
scenario_life(struct fastmem_pool_notes *notes, unsigned int n,
	unsigned int elt_size, unsigned int cache_size, unsigned int flags)
{
	struct rte_mempool *mp;
	unsigned int i, got;

	rte_atomic_store_explicit(&n_init, 0, rte_memory_order_relaxed);
	mp = rte_mempool_create("life", n, elt_size, cache_size, 0, NULL, NULL,
		init_obj, (void *)(uintptr_t)INIT_ARG, rte_socket_id(), flags);
	TEST_ASSERT_NOT_NULL(mp, "cannot create a pool of %u", n);
	note(notes, "full when new", rte_mempool_full(mp));
	note(notes, "available when new", rte_mempool_avail_count(mp));
	note(notes, "more than all", -rte_mempool_get_bulk(mp, objs, n + 1));
	note(notes, "in use after that", rte_mempool_in_use_count(mp));

	got = get_all(mp, notes);
	TEST_ASSERT_EQUAL(got, n, "%u objects of %u", got, n);
	/* by now, each of them was initialized, whenever that was */
	note(notes, "initializations", n_init);
	note_objs(mp, notes, n, elt_size, (flags &
		RTE_MEMPOOL_F_NO_CACHE_ALIGN) != 0 ? 8 : RTE_CACHE_LINE_SIZE);
	n_iter = 0;
	note(notes, "visited", rte_mempool_obj_iter(mp, count_obj, objs));
	note(notes, "and found initialized", n_iter);

	for (i = 0; i < n; i++)
		fastmem_test_fill(objs[i], elt_size, i);
	for (i = 0; i < n; i++)
		TEST_ASSERT_SUCCESS(fastmem_test_check(objs[i], elt_size, i),
			"object %u was overwritten", i);
	for (i = 0; i < n; i++)
		((struct scenario_obj *)objs[i])->seen = INIT_ARG;

	/* one by one, then in bulks */
	for (i = 0; i < n / 2; i++)
		rte_mempool_put(mp, objs[i]);
	note(notes, "in use after half", rte_mempool_in_use_count(mp));
	for (; i < n; i += BULK)
		rte_mempool_put_bulk(mp, &objs[i], RTE_MIN(n - i, (unsigned int)BULK));
	rte_mempool_put_bulk(mp, objs, 0);
	note(notes, "full again", rte_mempool_full(mp));
	note(notes, "all in a bulk", -rte_mempool_get_bulk(mp, objs, n));
	note(notes, "empty then", rte_mempool_empty(mp));
	for (i = 0, got = 0; i < n; i++)
		got += ((struct scenario_obj *)objs[i])->seen == INIT_ARG;
	note(notes, "with what was left in them", got);
	note(notes, "initializations in all", n_init);

	/* a third of them is still in use */
	rte_mempool_put_bulk(mp, &objs[n / 3], n - n / 3);
	note(notes, "in use at the end", rte_mempool_in_use_count(mp));
	rte_mempool_free(mp);
	mp = create("life", n, elt_size, cache_size, flags);
	TEST_ASSERT_NOT_NULL(mp, "cannot create it again");
	note(notes, "available when new again", rte_mempool_avail_count(mp));
	rte_mempool_free(mp);
	return 0;
}

static struct rte_mempool *shared;

static int
token_turn(__rte_unused void *arg)
{
	void *obj;
	int ret = rte_mempool_get(shared, &obj);

	TEST_ASSERT_SUCCESS(ret, "nobody uses it, but get says %d", ret);
	rte_mempool_put(shared, obj);
	return 0;
}

static int
scenario_token(void)
{
	unsigned int sizes[] = { 1, 2, 7, 13, 64 }, i, j;
	int ret = 0;

	for (i = 0; ret == 0 && i < RTE_DIM(sizes); i++) {
		shared = create("token", sizes[i], 40, 0, 0);
		TEST_ASSERT_NOT_NULL(shared, "cannot create a pool");
		/* but for the last object, they stay with an lcore */
		for (j = 0; j < sizes[i] - 1; j++)
			TEST_ASSERT_SUCCESS(rte_mempool_get(shared, &objs[j]),
				"cannot get object %u", j);
		for (j = 0; ret == 0 && j < 10; j++) {
			ret = token_turn(NULL);
			if (ret == 0)
				ret = fastmem_test_elsewhere(token_turn, NULL);
		}
		rte_mempool_put_bulk(shared, objs, sizes[i] - 1);
		rte_mempool_free(shared);
	}
	return ret;
}

static RTE_ATOMIC(uint32_t) n_got;

/* An object got by this lcore: it must have been free. */
static int
stress_own(void *obj, uint64_t me)
{
	struct scenario_obj *o = obj;
	uint64_t owner;

	/* relaxed: that it is seen is up to the pool */
	owner = rte_atomic_exchange_explicit(&o->owner, me,
		rte_memory_order_relaxed);
	TEST_ASSERT_EQUAL(owner, 0, "object of %" PRIu64 " was got by %" PRIu64,
		owner, me);
	return 0;
}

static int
stress_disown(void *obj, uint64_t me)
{
	struct scenario_obj *o = obj;
	uint64_t owner;

	owner = rte_atomic_exchange_explicit(&o->owner, 0,
		rte_memory_order_relaxed);
	TEST_ASSERT_EQUAL(owner, me, "object of %" PRIu64 " is now of %" PRIu64,
		me, owner);
	return 0;
}

static int
stress_lcore(__rte_unused void *arg)
{
	uint64_t random = rte_lcore_id() + 1, me = rte_lcore_id() + 1;
	unsigned int rounds = fastmem_test_scale(STRESS_ROUNDS, 100);
	uint64_t end = rte_get_timer_cycles() + (uint64_t)
		fastmem_test_scale(STRESS_MS, 10) * rte_get_timer_hz() / 1000;
	unsigned int held = 0, i, j, k, n;
	void *mine[STRESS_HELD];

	for (i = 0; i < rounds && rte_get_timer_cycles() < end; i++) {
		n = fastmem_test_rand(&random) % BULK + 1;
		if (held + n <= RTE_DIM(mine) &&
				(fastmem_test_rand(&random) & 1) != 0) {
			if ((n == 1 ? rte_mempool_get(shared, &mine[held]) :
					rte_mempool_get_bulk(shared,
					&mine[held], n)) != 0)
				continue;
			for (j = 0; j < n; j++)
				if (stress_own(mine[held + j], me) != 0)
					return -1;
			held += n;
			k = rte_atomic_fetch_add_explicit(&n_got, n,
				rte_memory_order_relaxed) + n;
			TEST_ASSERT(k <= STRESS_OBJS, "%u objects in use", k);
		} else {
			n = RTE_MIN(n, held);
			held -= n;
			for (j = 0; j < n; j++)
				if (stress_disown(mine[held + j], me) != 0)
					return -1;
			rte_atomic_fetch_sub_explicit(&n_got, n,
				rte_memory_order_relaxed);
			if (n == 1)
				rte_mempool_put(shared, mine[held]);
			else
				rte_mempool_put_bulk(shared, &mine[held], n);
		}
	}
	for (j = 0; j < held; j++)
		if (stress_disown(mine[j], me) != 0)
			return -1;
	rte_atomic_fetch_sub_explicit(&n_got, held, rte_memory_order_relaxed);
	rte_mempool_put_bulk(shared, mine, held);
	return 0;
}

static int
scenario_stress(unsigned int cache_size)
{
	unsigned int lcore_id, got;
	int ret;

	rte_atomic_store_explicit(&n_init, 0, rte_memory_order_relaxed);
	rte_atomic_store_explicit(&n_got, 0, rte_memory_order_relaxed);
	shared = rte_mempool_create("stress", STRESS_OBJS,
		sizeof(struct scenario_obj), cache_size, 0, NULL, NULL,
		init_obj, (void *)(uintptr_t)INIT_ARG, rte_socket_id(), 0);
	TEST_ASSERT_NOT_NULL(shared, "cannot create a pool");
	RTE_LCORE_FOREACH_WORKER(lcore_id)
		TEST_ASSERT_SUCCESS(rte_eal_remote_launch(stress_lcore, NULL,
			lcore_id), "cannot launch on lcore %u", lcore_id);
	ret = stress_lcore(NULL);
	RTE_LCORE_FOREACH_WORKER(lcore_id)
		ret |= rte_eal_wait_lcore(lcore_id);
	got = rte_mempool_avail_count(shared);
	if (ret == 0 && got != STRESS_OBJS) {
		printf("%u of %u objects are back\n", got, STRESS_OBJS);
		ret = -1;
	}
	if (n_init > STRESS_OBJS) {
		printf("%u initializations of %u objects\n", n_init, STRESS_OBJS);
		ret = -1;
	}
	rte_mempool_free(shared);
	return ret;
}

/* The best of several rounds; 0 if the pool is found empty. */
static double
cycles_of(struct rte_mempool *mp, unsigned int bulk)
{
	uint64_t begin, took, best = UINT64_MAX;
	unsigned int i, j;

	for (i = 0; i < CYCLES_ROUNDS; i++) {
		begin = rte_rdtsc_precise();
		for (j = 0; j < CYCLES_CALLS; j++) {
			if (bulk == 1) {
				if (rte_mempool_get(mp, &objs[0]) != 0)
					return -1;
				rte_mempool_put(mp, objs[0]);
			} else {
				if (rte_mempool_get_bulk(mp, objs, bulk) != 0)
					return -1;
				rte_mempool_put_bulk(mp, objs, bulk);
			}
		}
		took = rte_rdtsc_precise() - begin;
		best = RTE_MIN(best, took);
	}
	return (double)best / CYCLES_CALLS / bulk;
}

static struct fastmem_pool_cycles
scenario_cycles(void)
{
	struct fastmem_pool_cycles cycles = { .single = -1, .bulk = -1 };
	struct rte_mempool *mp;

	mp = create("cycles", CYCLES_OBJS, 64, CYCLES_CACHE, 0);
	if (mp == NULL)
		return cycles;
	cycles.single = cycles_of(mp, 1);
	cycles.bulk = cycles_of(mp, BULK);
	rte_mempool_free(mp);
	return cycles;
}

#define SCENARIO_IMPL(name_) { \
	.name = name_, \
	.borders = scenario_borders, \
	.life = scenario_life, \
	.token = scenario_token, \
	.stress = scenario_stress, \
	.cycles = scenario_cycles, \
}

#endif /* TEST_FASTMEM_POOL_SCENARIO_H */
