/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Random calls by all lcores and some threads without lcore ids, against a
 * shadow model: what each object contains is a function of its address, its
 * size and a seed, and what the statistics say is counted apart.
 *
 * FASTMEM_TEST_SEED repeats a run as far as threads can be repeated,
 * FASTMEM_TEST_SECONDS makes it longer.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_memory.h>
#include <rte_random.h>
#include <rte_stdatomic.h>
#include <rte_thread.h>

#include "test_fastmem_stress.h"
#include "test_fastmem_util.h"

#define N_THREADS 3
#define N_ITEMS 1500
#define MAX_BULK 64
/* What has to be done at least, and the time that there is more for it. */
#define ENOUGH_ALLOCS 20000
#define MORE_SECONDS 60
/* Live bytes of all threads together, for EAL may have little. */
#define BUDGET ((size_t)12 << 20)

/* An object of the model. Also what is sent from thread to thread. */
struct item {
	char *obj;
	uint32_t size;
	uint32_t align;
	uint64_t seed;
};

struct actor {
	uint64_t state;   /* of its random numbers */
	uint64_t n_allocs;
	uint64_t n_frees;
	uint64_t n_nomem;
	uint64_t n_short;  /* of these, where growth was allowed */
	uint64_t n_received; /* that came from others */
	size_t bytes;
	size_t max_bytes;
	unsigned int n;
	int result;
	struct item items[N_ITEMS];
};

static struct fastmem_test_mailbox mailbox;
static RTE_ATOMIC(uint32_t) stop;
static struct actor lcore_actors[RTE_MAX_LCORE];
static struct actor thread_actors[N_THREADS];

static uint64_t
rnd(struct actor *a, uint64_t n)
{
	return (fastmem_test_rand(&a->state) >> 16) % n;
}

/* Small sizes are more frequent, but each class has its turn. */
static size_t
random_size(struct actor *a)
{
	uint64_t r = rnd(a, 1000);
	unsigned int class_idx = r < 600 ? rnd(a, 8) : r < 900 ? rnd(a, 12) :
		r < 990 ? rnd(a, 16) : rnd(a, FASTMEM_TEST_N_CLASSES);
	size_t size = fastmem_test_sizes[class_idx];

	return rnd(a, 3) == 0 ? size : size / 2 + 1 + rnd(a, size / 2);
}

static size_t
random_align(struct actor *a)
{
	/* the default, none, or up to 4 KiB */
	uint64_t r = rnd(a, 8);

	return r < 3 ? 0 : r < 6 ? 1 : (size_t)1 << rnd(a, 13);
}

static void
item_add(struct actor *a, void *obj, size_t size, size_t align)
{
	struct item *item = &a->items[a->n++];

	item->obj = obj;
	item->size = size;
	item->align = align;
	item->seed = fastmem_test_rand(&a->state);
	fastmem_test_fill(obj, size, item->seed);
	a->bytes += fastmem_test_class_of(size, align);
}

static struct item
item_remove(struct actor *a, unsigned int i)
{
	struct item item = a->items[i];

	a->items[i] = a->items[--a->n];
	a->bytes -= fastmem_test_class_of(item.size, item.align);
	return item;
}

static int
item_check(const struct item *item)
{
	return fastmem_test_check(item->obj, item->size, item->seed);
}

static rte_fastmem_handle_t
handle_of(size_t size, size_t align, int socket_id)
{
	rte_fastmem_handle_t handle = 0;

	rte_fastmem_hlookup(size, align, socket_id, &handle);
	return handle;
}

/* Check and count what an allocation gave. */
static int
took(struct actor *a, void **objs, unsigned int n, size_t size, size_t align,
	unsigned int flags, int ret)
{
	unsigned int i;

	if (ret == -ENOMEM) {
		a->n_nomem += n;
		if ((flags & RTE_FASTMEM_F_NO_GROW) == 0)
			a->n_short += n;
		return 0;
	}
	TEST_ASSERT_SUCCESS(ret, "allocation returned %d", ret);
	a->n_allocs += n;
	for (i = 0; i < n; i++) {
		if (fastmem_test_check_object(objs[i], size, align) != 0)
			return -1;
		TEST_ASSERT((flags & RTE_FASTMEM_F_ZERO) == 0 ||
			fastmem_test_all_bytes(objs[i], size, 0),
			"object of %zu B not zeroed", size);
		item_add(a, objs[i], size, align);
	}
	return 0;
}

static int
do_alloc(struct actor *a)
{
	unsigned int flags = rnd(a, 8) == 0 ? RTE_FASTMEM_F_ZERO : 0;
	size_t size = random_size(a), align = random_align(a);
	void *obj;

	if (rnd(a, 32) == 0)
		flags |= RTE_FASTMEM_F_NO_GROW;
	rte_errno = 0;
	switch (rnd(a, 4)) {
	case 0:
		obj = rte_fastmem_alloc_socket(size, align, flags,
			SOCKET_ID_ANY);
		break;
	case 1:
		obj = rte_fastmem_halloc(handle_of(size, align, SOCKET_ID_ANY),
			flags);
		break;
	case 2:
		obj = rte_fastmem_realloc(NULL, size, align);
		flags = 0;
		break;
	default:
		obj = rte_fastmem_alloc(size, align, flags);
	}
	return took(a, &obj, 1, size, align, flags,
		obj == NULL ? -rte_errno : 0);
}

static int
do_alloc_bulk(struct actor *a)
{
	unsigned int flags = rnd(a, 8) == 0 ? RTE_FASTMEM_F_ZERO : 0;
	unsigned int n = 1 + rnd(a, MAX_BULK);
	size_t size = random_size(a), align = random_align(a);
	void *objs[MAX_BULK];
	int ret;

	while (n > 1 && n * fastmem_test_class_of(size, align) > a->max_bytes / 4)
		n /= 2;
	if (rnd(a, 2) == 0)
		ret = rte_fastmem_alloc_bulk(objs, n, size, align, flags);
	else
		ret = rte_fastmem_halloc_bulk(handle_of(size, align,
			SOCKET_ID_ANY), objs, n, flags);
	return took(a, objs, n, size, align, flags, ret);
}

static int
do_free(struct actor *a)
{
	struct item item = item_remove(a, rnd(a, a->n));

	if (item_check(&item) != 0)
		return -1;
	a->n_frees++;
	switch (rnd(a, 5)) {
	case 0:
		rte_fastmem_free_sized(item.obj, item.size, item.align);
		break;
	case 4:
		/* on a machine with several sockets, from any of them */
		fastmem_test_free_constant(item.obj,
			fastmem_test_class_of(item.size, item.align));
		break;
	case 1:
		rte_fastmem_hfree(handle_of(item.size, item.align,
			rte_fastmem_socket_id(item.obj)), item.obj);
		break;
	case 2:
		TEST_ASSERT_NULL(rte_fastmem_realloc(item.obj, 0, 0),
			"realloc to nothing");
		break;
	default:
		rte_fastmem_free(item.obj);
	}
	return 0;
}

/* Any objects, or those of one class and socket through a handle. */
static int
do_free_bulk(struct actor *a)
{
	unsigned int n = 1 + rnd(a, MAX_BULK), k = 0, i;
	rte_fastmem_handle_t handle = 0, h;
	bool by_handle = rnd(a, 2) == 0;
	struct item item;
	void *objs[MAX_BULK];

	for (i = rnd(a, a->n); i < a->n && k < n; ) {
		item = a->items[i];
		h = handle_of(item.size, item.align,
			rte_fastmem_socket_id(item.obj));
		if (by_handle && handle != 0 && h != handle) {
			i++;
			continue;
		}
		handle = h;
		if (item_check(&item) != 0)
			return -1;
		item_remove(a, i);
		objs[k++] = item.obj;
	}
	a->n_frees += k;
	if (by_handle)
		rte_fastmem_hfree_bulk(handle, objs, k);
	else
		rte_fastmem_free_bulk(objs, k);
	return 0;
}

static int
do_realloc(struct actor *a)
{
	struct item item = item_remove(a, rnd(a, a->n));
	size_t size = random_size(a), align = random_align(a);
	size_t keep = RTE_MIN(size, (size_t)item.size);
	char head[256];
	char *moved;

	if (item_check(&item) != 0)
		return -1;
	keep = RTE_MIN(keep, sizeof(head));
	memcpy(head, item.obj, keep);
	rte_errno = 0;
	moved = rte_fastmem_realloc(item.obj, size, align);
	if (moved == NULL) {
		TEST_ASSERT_EQUAL(rte_errno, ENOMEM, "realloc: errno %d",
			rte_errno);
		a->n_nomem++;
		a->n_short++;
		if (item_check(&item) != 0)
			return -1;
		/* the old one is as it was, so it stays in the model */
		item_add(a, item.obj, item.size, item.align);
		return 0;
	}
	TEST_ASSERT(memcmp(head, moved, keep) == 0, "realloc lost content");
	if (fastmem_test_check_object(moved, size, align) != 0)
		return -1;
	if (moved != item.obj) {
		a->n_allocs++;
		a->n_frees++;
	}
	item_add(a, moved, size, align);
	return 0;
}

static int
do_send(struct actor *a)
{
	unsigned int n = 1 + rnd(a, 32);
	struct item item, *sent;

	for (; n > 0 && a->n > 0; n--) {
		sent = malloc(sizeof(*sent));
		TEST_ASSERT_NOT_NULL(sent, "no memory of libc");
		item = item_remove(a, rnd(a, a->n));
		*sent = item;
		if (fastmem_test_mailbox_put(&mailbox, rnd(a, UINT32_MAX), sent))
			continue;
		/* full: keep it */
		free(sent);
		a->bytes += fastmem_test_class_of(item.size, item.align);
		a->items[a->n++] = item;
		break;
	}
	return 0;
}

static int
do_receive(struct actor *a)
{
	unsigned int n = 1 + rnd(a, 32);
	struct item item, *sent;

	for (; n > 0 && a->n < N_ITEMS; n--) {
		sent = fastmem_test_mailbox_get(&mailbox, rnd(a, UINT32_MAX));
		if (sent == NULL)
			break;
		item = *sent;
		free(sent);
		if (item_check(&item) != 0)
			return -1;
		a->n_received++;
		a->bytes += fastmem_test_class_of(item.size, item.align);
		a->items[a->n++] = item;
	}
	return 0;
}

/* What does not change the model. */
static int
do_other(struct actor *a)
{
	struct rte_fastmem_class_stats cs;
	struct rte_fastmem_stats stats;
	uint64_t r = rnd(a, 400);
	struct item *item;
	size_t size;

	if (r == 0) {
		/* a failure for lack of memory is as good */
		rte_fastmem_reserve(rnd(a, 1 << 21), SOCKET_ID_ANY);
	} else if (r == 1) {
		TEST_ASSERT_SUCCESS(rte_fastmem_trim(SOCKET_ID_ANY, NULL),
			"trim");
	} else if (r < 20) {
		rte_fastmem_cache_flush();
	} else if (r < 100) {
		TEST_ASSERT_SUCCESS(rte_fastmem_stats(&stats), "stats");
		/* own objects are allocated, whatever others do */
		TEST_ASSERT(stats.bytes_in_use >= a->bytes &&
			stats.bytes_backing >= a->bytes,
			"%" PRIu64 " B in use, %zu B are mine",
			stats.bytes_in_use, a->bytes);
	} else if (a->n > 0) {
		item = &a->items[rnd(a, a->n)];
		size = rte_fastmem_usable_size(item->obj);
		TEST_ASSERT_EQUAL(size, fastmem_test_class_of(item->size,
			item->align), "class changed to %zu", size);
		TEST_ASSERT_SUCCESS(rte_fastmem_stats_class(size, &cs),
			"class");
		TEST_ASSERT(cs.in_use > 0 && cs.slabs_partial + cs.slabs_full >
			0, "class %zu is empty", size);
		return item_check(item);
	}
	return 0;
}

static int
step(struct actor *a)
{
	uint64_t r = rnd(a, 1000);
	bool more = a->bytes < a->max_bytes && a->n + MAX_BULK <= N_ITEMS;

	if (r < 4)
		return do_other(a);
	if (r < 40)
		return do_receive(a);
	if (a->n > 0 && r < 80)
		return do_send(a);
	if (a->n > 0 && r < 120)
		return a->n < N_ITEMS ? do_realloc(a) : 0;
	if (a->n > 0 && (r < 520 || !more))
		return r % 8 == 0 ? do_free_bulk(a) : do_free(a);
	if (more)
		return r % 16 == 0 ? do_alloc_bulk(a) : do_alloc(a);
	return 0;
}

static int
act(void *arg)
{
	struct actor *a = arg;

	while (a->result == 0 &&
			!rte_atomic_load_explicit(&stop, rte_memory_order_relaxed))
		a->result = step(a);
	/* nobody shall wait for a failed one */
	if (a->result != 0)
		rte_atomic_store_explicit(&stop, 1, rte_memory_order_relaxed);
	while (a->result == 0 && a->n > 0)
		a->result = a->n % 4 ? do_free(a) : do_free_bulk(a);
	return a->result;
}

static uint32_t
act_thread(void *arg)
{
	act(arg);
	return 0;
}

static void
actor_init(struct actor *a, uint64_t seed, unsigned int n_actors)
{
	memset(a, 0, sizeof(*a));
	a->state = seed * 2 + 1;
	fastmem_test_rand(&a->state);
	a->max_bytes = BUDGET / n_actors;
}

struct control {
	uint64_t state;
	double seconds;
	bool limited;
};

/* A machine with much else to do is given more time, up to a limit. */
static bool
enough_was_done(uint64_t end)
{
	struct rte_fastmem_stats stats;

	return rte_get_timer_cycles() > end + MORE_SECONDS * rte_get_timer_hz() ||
		rte_fastmem_stats(&stats) != 0 ||
		stats.alloc_total > ENOUGH_ALLOCS;
}

/* Ends the run, and changes the limit meanwhile if that is the case. */
static uint32_t
control_thread(void *arg)
{
	struct control *c = arg;
	uint64_t end = rte_get_timer_cycles() +
		c->seconds * rte_get_timer_hz();

	while ((rte_get_timer_cycles() < end || !enough_was_done(end)) &&
			!rte_atomic_load_explicit(&stop, rte_memory_order_relaxed)) {
		if (c->limited)
			fastmem_test_limit((2 + fastmem_test_rand(&c->state) %
				16) * FASTMEM_TEST_SLAB_SIZE);
		rte_delay_us_sleep(20000);
	}
	rte_atomic_store_explicit(&stop, 1, rte_memory_order_relaxed);
	fastmem_test_limit(SIZE_MAX);
	return 0;
}

static uint64_t
allocs_of(const struct rte_fastmem_lcore_stats *ls)
{
	return ls->alloc_cache_hits + ls->alloc_cache_misses;
}

static uint64_t
frees_of(const struct rte_fastmem_lcore_stats *ls)
{
	return ls->free_cache_hits + ls->free_cache_misses;
}

static void
add_actor(struct actor *sum, const struct actor *a)
{
	sum->n_allocs += a->n_allocs;
	sum->n_frees += a->n_frees;
	sum->n_nomem += a->n_nomem;
	sum->n_short += a->n_short;
	sum->n_received += a->n_received;
}

/*
 * Compare the statistics with the model. An lcore is counted among those that
 * have no cache until there is memory for its caches.
 */
static int
check_counts(bool limited)
{
	struct rte_fastmem_lcore_stats ls;
	uint64_t uncached_allocs = 0, uncached_frees = 0;
	struct rte_fastmem_stats stats;
	unsigned int lcore_id, i;
	const struct actor *a;
	static struct actor sum;

	memset(&sum, 0, sizeof(sum));
	RTE_LCORE_FOREACH(lcore_id) {
		a = &lcore_actors[lcore_id];
		TEST_ASSERT_SUCCESS(rte_fastmem_stats_lcore(lcore_id, &ls),
			"lcore");
		TEST_ASSERT(allocs_of(&ls) <= a->n_allocs &&
			frees_of(&ls) <= a->n_frees,
			"lcore %u: %" PRIu64 " and %" PRIu64 " objects, counted %"
			PRIu64 " and %" PRIu64, lcore_id, a->n_allocs,
			a->n_frees, allocs_of(&ls), frees_of(&ls));
		uncached_allocs += a->n_allocs - allocs_of(&ls);
		uncached_frees += a->n_frees - frees_of(&ls);
		add_actor(&sum, a);
	}
	for (i = 0; i < N_THREADS; i++) {
		uncached_allocs += thread_actors[i].n_allocs;
		uncached_frees += thread_actors[i].n_frees;
		add_actor(&sum, &thread_actors[i]);
	}
	TEST_ASSERT_SUCCESS(rte_fastmem_stats_shared(&ls), "shared");
	TEST_ASSERT(allocs_of(&ls) == uncached_allocs &&
		frees_of(&ls) == uncached_frees,
		"shared: %" PRIu64 " and %" PRIu64 " objects, counted %" PRIu64
		" and %" PRIu64, uncached_allocs, uncached_frees,
		allocs_of(&ls), frees_of(&ls));
	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&stats), "stats");
	TEST_ASSERT(stats.alloc_total == sum.n_allocs &&
		stats.free_total == sum.n_frees, "totals are wrong");
	TEST_ASSERT(stats.alloc_nomem == sum.n_nomem, "%" PRIu64
		" objects not served, counted %" PRIu64, sum.n_nomem,
		stats.alloc_nomem);
	printf("%" PRIu64 " objects allocated, %" PRIu64
		" not for lack of memory, %" PRIu64 " passed on\n",
		sum.n_allocs, sum.n_nomem, sum.n_received);
	TEST_ASSERT(sum.n_allocs > 100 && sum.n_received > 0,
		"hardly anything was done");
	TEST_ASSERT(limited || fastmem_test_bounded() || sum.n_short == 0,
		"%" PRIu64 " objects not served, though there is memory",
		sum.n_short);
	return 0;
}

/* Let all actors act until the time is over. */
static int
run_actors(struct control *control, uint64_t seed)
{
	unsigned int n_actors = rte_lcore_count() + N_THREADS, lcore_id, i;
	struct actor *mine = &lcore_actors[rte_lcore_id()];
	rte_thread_t threads[N_THREADS + 1];
	void *sent;

	/* what a failed run has left */
	while ((sent = fastmem_test_mailbox_get(&mailbox, 0)) != NULL)
		free(sent);
	rte_atomic_store_explicit(&stop, 0, rte_memory_order_relaxed);
	for (i = 0; i < N_THREADS; i++) {
		actor_init(&thread_actors[i], seed + i, n_actors);
		TEST_ASSERT_SUCCESS(rte_thread_create(&threads[i], NULL,
			act_thread, &thread_actors[i]),
			"cannot create a thread");
	}
	RTE_LCORE_FOREACH(lcore_id)
		actor_init(&lcore_actors[lcore_id], seed + 1000 + lcore_id,
			n_actors);
	RTE_LCORE_FOREACH_WORKER(lcore_id)
		TEST_ASSERT_SUCCESS(rte_eal_remote_launch(act,
			&lcore_actors[lcore_id], lcore_id), "cannot launch");
	/* the time starts when all others have started */
	TEST_ASSERT_SUCCESS(rte_thread_create(&threads[N_THREADS], NULL,
		control_thread, control), "cannot create a thread");
	act(mine);

	rte_eal_mp_wait_lcore();
	for (i = 0; i <= N_THREADS; i++)
		TEST_ASSERT_SUCCESS(rte_thread_join(threads[i], NULL),
			"cannot join a thread");
	for (i = 0; i < N_THREADS; i++)
		TEST_ASSERT_SUCCESS(thread_actors[i].result, "thread %u", i);
	RTE_LCORE_FOREACH(lcore_id)
		TEST_ASSERT_SUCCESS(lcore_actors[lcore_id].result, "lcore %u",
			lcore_id);

	/* what was not fetched */
	for (i = 0; i < FASTMEM_TEST_MAILBOX_SLOTS; i++) {
		if (do_receive(mine) != 0)
			return -1;
		while (mine->n > 0)
			if (do_free(mine) != 0)
				return -1;
	}
	return 0;
}

static int
run_stress(bool limited)
{
	uint64_t seed = fastmem_test_env("FASTMEM_TEST_SEED", rte_rand() >> 32);
	uint64_t seconds = fastmem_test_env("FASTMEM_TEST_SECONDS",
		FASTMEM_TEST_SECONDS);
	struct control control = {
		.state = seed + 1,
		/* one half for each case, less what the checks take */
		.seconds = seconds / 2.0 - seconds / 20.0,
		.limited = limited,
	};

	printf("FASTMEM_TEST_SEED=%" PRIu64 " FASTMEM_TEST_SECONDS=%" PRIu64 "\n",
		seed, seconds);
	if (run_actors(&control, seed) != 0)
		TEST_ASSERT(0, "failed with FASTMEM_TEST_SEED=%" PRIu64, seed);
	if (check_counts(limited) != 0)
		return TEST_FAILED;
	return fastmem_test_all_back();
}

static int
test_unlimited(void)
{
	return run_stress(false);
}

/* Lack of memory again and again, at all places. */
static int
test_limited(void)
{
	return run_stress(true);
}

static struct unit_test_suite fastmem_stress_testsuite = {
	.suite_name = "fastmem stress",
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_unlimited),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_limited),
		TEST_CASES_END()
	}
};

static int
test_fastmem_stress(void)
{
	return fastmem_test_run(&fastmem_stress_testsuite);
}

REGISTER_FAST_TEST(fastmem_stress_autotest, NOHUGE_OK, ASAN_OK, test_fastmem_stress);
