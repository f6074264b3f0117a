/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Lcores and threads exchange magazines and slabs as often as possible. All of
 * them turn to the same few classes for a while, where some allocate what
 * others free; lcore ids come and go, caches and depots are emptied, memory is
 * taken, trimmed and refused, and statistics are read meanwhile.
 *
 * Each object is stamped by who holds it: one which two of them are given is
 * noticed, here or by a checker of data races. It is meant for a library with
 * race points, see the programmer's guide, but holds without them.
 *
 * FASTMEM_TEST_SEED repeats a run as far as threads can be repeated,
 * FASTMEM_TEST_SECONDS makes it longer.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_memory.h>
#include <rte_pause.h>
#include <rte_random.h>
#include <rte_stdatomic.h>
#include <rte_thread.h>

#include "test_fastmem_stress.h"
#include "test_fastmem_util.h"

#define N_THREADS 2
#define N_VISITORS 2
#define VISIT_STEPS 300
#define N_FOCUS 3
#define N_LOOKS 400
#define EPOCHS_PER_SECOND 50
#define MAX_HELD 8192
/* Live bytes of all together, for EAL may have little. */
#define BUDGET ((size_t)16 << 20)

/* Above the holder's number and the number of the stamp. */
#define STAMP_LIVE (UINT64_C(0xfa57) << 48)
#define STAMP_MASK (UINT64_C(0xffff) << 48)
#define STAMP_FREE UINT64_C(0x0badf00d0badf00d)

struct held {
	uint64_t *obj;
	uint64_t stamp;
	uint32_t class_idx;
};

struct actor {
	uint64_t state;     /* of its random numbers */
	uint64_t id;
	uint64_t stamp;     /* the last one written */
	uint64_t n_allocs;
	uint64_t n_frees;
	uint64_t n_nomem;
	uint64_t n_received;
	uint64_t last_allocs; /* in the statistics */
	uint64_t last_frees;
	size_t bytes;
	size_t max_bytes;
	unsigned int n;
	int result;
	bool visitor;
	struct held held[MAX_HELD];
};

static struct actor lcore_actors[RTE_MAX_LCORE];
static struct actor thread_actors[N_THREADS + N_VISITORS];
static struct fastmem_test_mailbox mailbox;
static RTE_ATOMIC(uint32_t) stop;
static RTE_ATOMIC(uint32_t) epoch;
static bool can_register;

static uint64_t
rnd(struct actor *a, uint64_t n)
{
	return (fastmem_test_rand(&a->state) >> 16) % n;
}

static bool
stopped(void)
{
	return rte_atomic_load_explicit(&stop, rte_memory_order_relaxed) != 0;
}

static uint32_t
now(void)
{
	return rte_atomic_load_explicit(&epoch, rte_memory_order_relaxed);
}

/* A class that all are at in this epoch, or rarely any other one. */
static unsigned int
pick_class(struct actor *a)
{
	uint64_t r = rnd(a, 64);

	if (r == 0)
		return rnd(a, FASTMEM_TEST_N_CLASSES);
	return (now() / 4 * 5 + r % N_FOCUS * 7) % FASTMEM_TEST_N_CLASSES;
}

static uint64_t *
last_word(const struct held *h)
{
	return &h->obj[fastmem_test_sizes[h->class_idx] / sizeof(uint64_t) - 1];
}

static void
stamp(struct actor *a, struct held *h)
{
	h->stamp = STAMP_LIVE | a->id << 32 | (uint32_t)++a->stamp;
	*h->obj = h->stamp;
	*last_word(h) = h->stamp;
}

static int
check_stamp(const struct held *h)
{
	TEST_ASSERT(*h->obj == h->stamp && *last_word(h) == h->stamp,
		"%p of %zu B: stamped %#" PRIx64 ", is %#" PRIx64 " %#" PRIx64,
		h->obj, fastmem_test_sizes[h->class_idx], h->stamp, *h->obj,
		*last_word(h));
	return 0;
}

static int
add(struct actor *a, void *obj, unsigned int class_idx)
{
	struct held *h = &a->held[a->n++];

	h->obj = obj;
	h->class_idx = class_idx;
	a->bytes += fastmem_test_sizes[class_idx];
	TEST_ASSERT((*h->obj & STAMP_MASK) != STAMP_LIVE &&
		(*last_word(h) & STAMP_MASK) != STAMP_LIVE,
		"%p of %zu B was handed out twice: %#" PRIx64 " %#" PRIx64, obj,
		fastmem_test_sizes[class_idx], *h->obj, *last_word(h));
	stamp(a, h);
	return 0;
}

static struct held
take(struct actor *a, unsigned int i)
{
	struct held h = a->held[i];

	a->held[i] = a->held[--a->n];
	a->bytes -= fastmem_test_sizes[h.class_idx];
	return h;
}

/* Take an object that is to be freed. */
static int
take_to_free(struct actor *a, unsigned int i, void **obj)
{
	struct held h = take(a, i);

	if (check_stamp(&h) != 0)
		return -1;
	*h.obj = STAMP_FREE;
	*last_word(&h) = STAMP_FREE;
	a->n_frees++;
	*obj = h.obj;
	return 0;
}

/* How many objects to ask for: within a magazine, about one, or a slab. */
static unsigned int
pick_bulk(struct actor *a, unsigned int class_idx)
{
	uint64_t r = rnd(a, 256);
	size_t room = (a->max_bytes - RTE_MIN(a->bytes, a->max_bytes)) /
		fastmem_test_sizes[class_idx];
	unsigned int n;

	n = r < 160 ? 1 + rnd(a, 32) : r < 248 ? 1 + rnd(a, 300) :
		2300 + rnd(a, 1700);
	room = RTE_MIN(room, (size_t)(MAX_HELD - a->n));
	return RTE_MIN((size_t)n, room);
}

static int
do_alloc(struct actor *a)
{
	unsigned int class_idx = pick_class(a), n = 1, i;
	unsigned int flags = rnd(a, 64) == 0 ? RTE_FASTMEM_F_NO_GROW : 0;
	size_t size = fastmem_test_sizes[class_idx];
	bool bulk = rnd(a, 4) == 0;
	void *objs[MAX_HELD / 2];
	int ret = 0;

	if (bulk)
		n = pick_bulk(a, class_idx);
	if (a->n + n > MAX_HELD || a->bytes + n * size > a->max_bytes)
		return 0;
	if (bulk) {
		ret = rte_fastmem_alloc_bulk(objs, n, size, size, flags);
	} else {
		objs[0] = rte_fastmem_alloc(size, size, flags);
		if (objs[0] == NULL)
			ret = -rte_errno;
	}
	if (ret == -ENOMEM) {
		a->n_nomem += n;
		return 0;
	}
	TEST_ASSERT_SUCCESS(ret, "allocation returned %d", ret);
	a->n_allocs += n;
	for (i = 0; i < n; i++)
		if (add(a, objs[i], class_idx) != 0)
			return -1;
	return 0;
}

static int
do_free(struct actor *a)
{
	unsigned int n = 1, k = 0;
	void *objs[300];

	if (rnd(a, 4) == 0)
		n = 1 + rnd(a, RTE_DIM(objs));
	for (k = 0; k < n && a->n > 0; k++)
		/* of a bulk, neighbours, which are of few classes */
		if (take_to_free(a, n == 1 ? rnd(a, a->n) : a->n - 1,
				&objs[k]) != 0)
			return -1;
	if (n == 1 && k == 1)
		rte_fastmem_free(objs[0]);
	else
		rte_fastmem_free_bulk(objs, k);
	return 0;
}

static int
do_send(struct actor *a)
{
	unsigned int n = 1 + rnd(a, 64);
	struct held h;

	for (; n > 0 && a->n > 0; n--) {
		h = take(a, a->n - 1);
		if (check_stamp(&h) != 0)
			return -1;
		if (fastmem_test_mailbox_put(&mailbox, rnd(a, UINT32_MAX),
				h.obj))
			continue;
		/* no room: keep it */
		a->held[a->n++] = h;
		a->bytes += fastmem_test_sizes[h.class_idx];
		break;
	}
	return 0;
}

static int
do_receive(struct actor *a)
{
	unsigned int n = 1 + rnd(a, 64);
	struct held h;

	for (; n > 0 && a->n < MAX_HELD; n--) {
		h.obj = fastmem_test_mailbox_get(&mailbox, rnd(a, UINT32_MAX));
		if (h.obj == NULL)
			break;
		h.class_idx = fastmem_test_class_index(
			rte_fastmem_usable_size(h.obj));
		h.stamp = *h.obj;
		TEST_ASSERT((h.stamp & STAMP_MASK) == STAMP_LIVE,
			"%p was sent, but is stamped %#" PRIx64, h.obj, h.stamp);
		if (check_stamp(&h) != 0)
			return -1;
		stamp(a, &h);
		a->held[a->n++] = h;
		a->bytes += fastmem_test_sizes[h.class_idx];
		a->n_received++;
	}
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

/* What one lcore has done of a class does not go back either. The window for a
 * wrong look at it is short, hence many.
 */
static int
check_lcore(struct actor *a)
{
	unsigned int lcore_id = rte_get_next_lcore(rnd(a, RTE_MAX_LCORE), 0, 1);
	size_t size = fastmem_test_sizes[pick_class(a)];
	struct rte_fastmem_lcore_class_stats cs;
	uint64_t allocs = 0, frees = 0, hits = 0, n, i;

	for (i = 0; i < N_LOOKS; i++) {
		TEST_ASSERT_SUCCESS(rte_fastmem_stats_lcore_class(lcore_id,
			size, &cs), "lcore");
		n = cs.alloc_cache_hits + cs.alloc_cache_misses;
		TEST_ASSERT(n >= allocs, "%" PRIu64 " objects of %zu B allocated, then %"
			PRIu64, allocs, size, n);
		allocs = n;
		n = cs.free_cache_hits + cs.free_cache_misses;
		TEST_ASSERT(n >= frees, "%" PRIu64 " objects of %zu B freed, then %"
			PRIu64, frees, size, n);
		frees = n;
		TEST_ASSERT(cs.alloc_cache_hits >= hits, "%" PRIu64
			" hits for %zu B, then %" PRIu64, hits, size,
			cs.alloc_cache_hits);
		hits = cs.alloc_cache_hits;
		rte_pause();
	}
	return 0;
}

/* What holds of the statistics while all are at work: counters do not go back,
 * and nothing is less than zero.
 */
static int
check_running(struct actor *a)
{
	struct rte_fastmem_class_stats cs;
	struct rte_fastmem_stats stats;

	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&stats), "stats");
	TEST_ASSERT(stats.alloc_total >= a->last_allocs &&
		stats.free_total >= a->last_frees,
		"totals went from %" PRIu64 " and %" PRIu64 " to %" PRIu64
		" and %" PRIu64, a->last_allocs, a->last_frees,
		stats.alloc_total, stats.free_total);
	a->last_allocs = stats.alloc_total;
	a->last_frees = stats.free_total;
	/* own objects are allocated, whatever others do */
	TEST_ASSERT((int64_t)stats.bytes_in_use >= (int64_t)a->bytes &&
		(int64_t)stats.alloc_total >= 0 && (int64_t)stats.free_total >= 0,
		"%" PRIu64 " B in use, %zu B are mine", stats.bytes_in_use,
		a->bytes);
	TEST_ASSERT_SUCCESS(rte_fastmem_stats_class(
		fastmem_test_sizes[pick_class(a)], &cs), "class");
	TEST_ASSERT((int64_t)cs.in_use >= 0 && cs.slab_acquires ==
		cs.slab_releases + cs.slabs_partial + cs.slabs_full,
		"class %zu: %" PRIu64 " in use", cs.class_size, cs.in_use);
	return check_lcore(a);
}

static int
do_other(struct actor *a)
{
	uint64_t r = rnd(a, 100);

	if (r < 2 && rte_fastmem_get_limit(fastmem_test_socket()) < 4 * BUDGET)
		/*
		 * A failure for lack of memory is as good. Without a limit,
		 * EAL would be busy with 128 MiB for long.
		 */
		rte_fastmem_reserve(rnd(a, 1 << 21), SOCKET_ID_ANY);
	else if (r < 10)
		TEST_ASSERT_SUCCESS(rte_fastmem_trim(SOCKET_ID_ANY, NULL),
			"trim");
	else if (r < 50)
		rte_fastmem_cache_flush();
	else
		return check_running(a);
	return 0;
}

/* Who allocates more and who frees more changes with the epochs. */
static int
step(struct actor *a)
{
	unsigned int role = (a->id + now()) % 3;
	uint64_t r = rnd(a, 1024);

	if (r < 4)
		return do_other(a);
	if (role == 0)
		return r < 200 ? do_send(a) : r < 300 ? do_free(a) : do_alloc(a);
	if (role == 1)
		return r < 400 ? do_receive(a) : r < 600 ? do_alloc(a) :
			do_free(a);
	return r < 100 ? do_send(a) : r < 200 ? do_receive(a) :
		r < 600 ? do_alloc(a) : do_free(a);
}

static int
act(void *arg)
{
	struct actor *a = arg;
	unsigned int steps = 0;

	while (a->result == 0 && !stopped() &&
			!(a->visitor && ++steps > VISIT_STEPS))
		a->result = step(a);
	/* nobody shall wait for a failed one */
	if (a->result != 0)
		rte_atomic_store_explicit(&stop, 1, rte_memory_order_relaxed);
	while (a->result == 0 && a->n > 0)
		a->result = do_free(a);
	return a->result;
}

static uint32_t
act_thread(void *arg)
{
	struct actor *a = arg;
	bool registered;

	do {
		registered = a->visitor && can_register && rnd(a, 4) != 0 &&
			rte_thread_register() == 0;
		act(a);
		if (registered)
			rte_thread_unregister();
	} while (a->visitor && a->result == 0 && !stopped());
	return 0;
}

static void
actor_init(struct actor *a, uint64_t seed, uint64_t id, unsigned int n_actors)
{
	memset(a, 0, sizeof(*a));
	a->state = seed * 2 + 1 + id * 1000;
	fastmem_test_rand(&a->state);
	a->id = id;
	a->max_bytes = BUDGET / n_actors;
}

struct control {
	struct actor reader;
	double seconds;
	bool limited;
};

/* Ends the run; changes epoch and limit, and reads statistics, meanwhile. */
static uint32_t
control_thread(void *arg)
{
	struct control *c = arg;
	uint64_t hz = rte_get_timer_hz(), start = rte_get_timer_cycles(), cycles;
	uint64_t n = 0;

	while ((cycles = rte_get_timer_cycles() - start) < c->seconds * hz &&
			c->reader.result == 0 && !stopped()) {
		if (cycles / (hz / EPOCHS_PER_SECOND) != n) {
			n = cycles / (hz / EPOCHS_PER_SECOND);
			rte_atomic_fetch_add_explicit(&epoch, 1,
				rte_memory_order_relaxed);
			if (c->limited)
				fastmem_test_limit((2 + rnd(&c->reader, 16)) *
					FASTMEM_TEST_SLAB_SIZE);
		}
		c->reader.result = check_running(&c->reader);
		rte_delay_us_sleep(100);
	}
	rte_atomic_store_explicit(&stop, 1, rte_memory_order_relaxed);
	fastmem_test_limit(SIZE_MAX);
	return 0;
}

static void
add_actor(struct actor *sum, const struct actor *a)
{
	sum->n_allocs += a->n_allocs;
	sum->n_frees += a->n_frees;
	sum->n_nomem += a->n_nomem;
	sum->n_received += a->n_received;
}

/* Compare the statistics with what was done. */
static int
check_counts(void)
{
	struct rte_fastmem_lcore_stats ls;
	uint64_t allocs, frees;
	struct rte_fastmem_stats stats;
	unsigned int lcore_id, i;
	static struct actor sum;

	memset(&sum, 0, sizeof(sum));
	TEST_ASSERT_SUCCESS(rte_fastmem_stats_shared(&ls), "shared");
	allocs = allocs_of(&ls);
	frees = frees_of(&ls);
	for (lcore_id = 0; lcore_id < RTE_MAX_LCORE; lcore_id++) {
		TEST_ASSERT_SUCCESS(rte_fastmem_stats_lcore(lcore_id, &ls),
			"lcore");
		allocs += allocs_of(&ls);
		frees += frees_of(&ls);
	}
	RTE_LCORE_FOREACH(lcore_id)
		add_actor(&sum, &lcore_actors[lcore_id]);
	for (i = 0; i < RTE_DIM(thread_actors); i++)
		add_actor(&sum, &thread_actors[i]);
	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&stats), "stats");
	TEST_ASSERT(stats.alloc_total == sum.n_allocs && allocs == sum.n_allocs &&
		stats.free_total == sum.n_frees && frees == sum.n_frees &&
		stats.alloc_nomem == sum.n_nomem,
		"%" PRIu64 ", %" PRIu64 " and %" PRIu64 " objects, counted %"
		PRIu64 ", %" PRIu64 " and %" PRIu64 ", and %" PRIu64 ", %"
		PRIu64 " as hits and misses", sum.n_allocs, sum.n_frees,
		sum.n_nomem, stats.alloc_total, stats.free_total,
		stats.alloc_nomem, allocs, frees);
	printf("%" PRIu64 " objects allocated, %" PRIu64
		" not for lack of memory, %" PRIu64 " passed on, %u epochs\n",
		sum.n_allocs, sum.n_nomem, sum.n_received, now());
	TEST_ASSERT(sum.n_allocs > 0, "nothing was done");
	return 0;
}

/* Start all but the calling lcore's own actor. */
static int
start_actors(uint64_t seed, rte_thread_t *threads)
{
	unsigned int n_actors = rte_lcore_count() + RTE_DIM(thread_actors);
	unsigned int lcore_id, i;
	struct actor *a;

	RTE_LCORE_FOREACH(lcore_id)
		actor_init(&lcore_actors[lcore_id], seed, 1 + lcore_id,
			n_actors);
	for (i = 0; i < RTE_DIM(thread_actors); i++) {
		a = &thread_actors[i];
		actor_init(a, seed, 1 + RTE_MAX_LCORE + i, n_actors);
		a->visitor = i >= N_THREADS;
		TEST_ASSERT_SUCCESS(rte_thread_create(&threads[i], NULL,
			act_thread, a), "cannot create a thread");
	}
	RTE_LCORE_FOREACH_WORKER(lcore_id)
		TEST_ASSERT_SUCCESS(rte_eal_remote_launch(act,
			&lcore_actors[lcore_id], lcore_id), "cannot launch");
	return 0;
}

/* Let all actors act until the time is over. */
static int
run_actors(struct control *control, uint64_t seed)
{
	struct actor *mine = &lcore_actors[rte_lcore_id()];
	rte_thread_t threads[RTE_DIM(thread_actors) + 1];
	unsigned int lcore_id, i;

	/* what a failed run has left */
	while (fastmem_test_mailbox_get(&mailbox, 0) != NULL)
		;
	rte_atomic_store_explicit(&stop, 0, rte_memory_order_relaxed);
	rte_atomic_store_explicit(&epoch, seed % 1000, rte_memory_order_relaxed);
	if (start_actors(seed, threads) != 0)
		return -1;
	/* the time starts when all others have started */
	TEST_ASSERT_SUCCESS(rte_thread_create(&threads[RTE_DIM(thread_actors)],
		NULL, control_thread, control), "cannot create a thread");
	act(mine);

	rte_eal_mp_wait_lcore();
	for (i = 0; i < RTE_DIM(threads); i++)
		TEST_ASSERT_SUCCESS(rte_thread_join(threads[i], NULL),
			"cannot join a thread");
	TEST_ASSERT_SUCCESS(control->reader.result, "statistics");
	for (i = 0; i < RTE_DIM(thread_actors); i++)
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
run_race(bool limited)
{
	uint64_t seed = fastmem_test_env("FASTMEM_TEST_SEED", rte_rand() >> 32);
	uint64_t seconds = fastmem_test_env("FASTMEM_TEST_SECONDS",
		FASTMEM_TEST_SECONDS);
	static struct control control;

	actor_init(&control.reader, seed, 0, 1);
	/* one half for each case, less what the checks take */
	control.seconds = seconds / 2.0 - seconds / 20.0;
	control.limited = limited;
	if (limited)
		fastmem_test_limit(4 * FASTMEM_TEST_SLAB_SIZE);
	printf("FASTMEM_TEST_SEED=%" PRIu64 " FASTMEM_TEST_SECONDS=%" PRIu64 "\n",
		seed, seconds);
	can_register = !fastmem_test_shared_config() && rte_mp_disable();
	if (run_actors(&control, seed) != 0)
		TEST_ASSERT(0, "failed with FASTMEM_TEST_SEED=%" PRIu64, seed);
	if (check_counts() != 0)
		return TEST_FAILED;
	return fastmem_test_all_back();
}

static int
test_exchange(void)
{
	return run_race(false);
}

/* Lack of memory again and again, so that depots are reaped. */
static int
test_exchange_limited(void)
{
	return run_race(true);
}

static void
teardown_dump(void)
{
	/* has the number of times that race points were come to */
	rte_fastmem_dump(stdout);
	fastmem_test_teardown();
}

static struct unit_test_suite fastmem_race_testsuite = {
	.suite_name = "fastmem race",
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_setup, teardown_dump, test_exchange),
		TEST_CASE_ST(fastmem_test_setup, teardown_dump,
			test_exchange_limited),
		TEST_CASES_END()
	}
};

static int
test_fastmem_race(void)
{
	int ret = fastmem_test_run(&fastmem_race_testsuite);

	return ret == TEST_SUCCESS ?
		fastmem_test_run(&fastmem_race_type_testsuite) : ret;
}

REGISTER_FAST_TEST(fastmem_race_autotest, NOHUGE_OK, ASAN_OK, test_fastmem_race);
