/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * What the threads of all processes do until one of them is killed.
 */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_memory.h>

#include "test_fastmem_death.h"

/* Classes are turned to by all threads at once, for a while. */
#define N_FOCUS 3
#define EPOCH_STEPS 4096

#define MAX_BULK 300
#define BIG_BULK_MIN 2060
#define BIG_BULK_MAX 2400
/* From this class on, objects are what growth is needed for. */
#define GROW_MIN_CLASS (FASTMEM_TEST_N_CLASSES - 3)

struct death_area *death_area;

enum call {
	CALL_NONE,
	CALL_ALLOC,
	CALL_ALLOC_SOCKET,
	CALL_ALLOC_BULK,
	CALL_HALLOC,
	CALL_HALLOC_BULK,
	CALL_FREE,
	CALL_FREE_SIZED,
	CALL_FREE_BULK,
	CALL_HFREE,
	CALL_HFREE_BULK,
	CALL_FLUSH,
	CALL_STATS,
	CALL_LOOKUP,
	N_CALLS
};

static const char *const call_names[N_CALLS] = {
	"none",
	"rte_fastmem_alloc",
	"rte_fastmem_alloc_socket",
	"rte_fastmem_alloc_bulk",
	"rte_fastmem_halloc",
	"rte_fastmem_halloc_bulk",
	"rte_fastmem_free",
	"rte_fastmem_free_sized",
	"rte_fastmem_free_bulk",
	"rte_fastmem_hfree",
	"rte_fastmem_hfree_bulk",
	"rte_fastmem_cache_flush",
	"rte_fastmem_stats",
	"rte_fastmem_usable_size",
};

const char *
death_call_name(uint32_t call)
{
	return call < N_CALLS ? call_names[call] : "unknown";
}

static uint64_t
rnd(struct death_actor *a, uint64_t n)
{
	return (fastmem_test_rand(&a->state) >> 16) % n;
}

static struct fastmem_test_ledger *
ledger_of(const struct death_actor *a)
{
	return &death_area->all.ledgers[a->id];
}

static void
note_call(const struct death_actor *a, enum call call)
{
	struct fastmem_test_ledger *ledger = ledger_of(a);

	/* Relaxed: for messages. */
	rte_atomic_store_explicit(&ledger->call, call, rte_memory_order_relaxed);
	rte_atomic_store_explicit(&ledger->n_calls,
		rte_atomic_load_explicit(&ledger->n_calls,
			rte_memory_order_relaxed) + 1,
		rte_memory_order_relaxed);
}

void
death_actor_init(struct death_actor *a, unsigned int proc, unsigned int actor,
	enum death_task task, uint64_t seed)
{
	struct fastmem_test_ledger *ledger;
	unsigned int i;

	memset(a, 0, sizeof(*a));
	a->proc = proc;
	a->id = death_ledger_id(proc, actor);
	a->task = task;
	a->state = seed * 2 + 1 + a->id * 1000;
	fastmem_test_rand(&a->state);
	ledger = ledger_of(a);
	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++)
		a->bytes += fastmem_test_ledger_n(ledger, i) *
			fastmem_test_sizes[i];
}

static unsigned int
pick_class(struct death_actor *a)
{
	uint64_t r = rnd(a, 16);
	uint64_t epoch;

	if (a->task == DEATH_TASK_GROW)
		return GROW_MIN_CLASS + r % 3;
	if (r == 0)
		return rnd(a, FASTMEM_TEST_N_CLASSES);
	/* one step of all threads, more or less */
	epoch = death_area->seed + rte_get_timer_cycles() /
		(rte_get_timer_hz() / 64);
	return (epoch * 5 + r % N_FOCUS * 7) % FASTMEM_TEST_N_CLASSES;
}

/* How many objects to ask for: within a magazine, about one, or a slab. */
static unsigned int
pick_bulk(struct death_actor *a, unsigned int class_idx)
{
	struct fastmem_test_ledger *ledger = ledger_of(a);
	uint64_t r = rnd(a, 256), room;
	uint64_t n;

	n = r < 160 ? 1 + rnd(a, 32) : r < 250 ? 1 + rnd(a, MAX_BULK) :
		BIG_BULK_MIN + rnd(a, BIG_BULK_MAX - BIG_BULK_MIN);
	room = (death_area->budget - RTE_MIN(a->bytes, death_area->budget)) /
		fastmem_test_sizes[class_idx];
	n = RTE_MIN(n, room);
	room = FASTMEM_TEST_LEDGER_OBJS -
		fastmem_test_ledger_n(ledger, class_idx);
	return RTE_MIN(n, room);
}

/* A size and an alignment that the class is the smallest for. */
static void
pick_size(struct death_actor *a, unsigned int class_idx, size_t *size,
	size_t *align)
{
	size_t class_size = fastmem_test_sizes[class_idx];

	*size = class_size - rnd(a, class_size / 2);
	/* of classes with colored objects, those are others */
	*align = rnd(a, 8) == 0 ? class_size : 8;
}

static int
call_alloc(struct death_actor *a, unsigned int class_idx, void **objs,
	unsigned int n)
{
	unsigned int flags = rnd(a, 64) == 0 ? RTE_FASTMEM_F_NO_GROW : 0;
	rte_fastmem_handle_t handle = death_area->handles[class_idx];
	uint64_t r = rnd(a, 8);
	size_t size, align;

	pick_size(a, class_idx, &size, &align);
	if (n > 1 || r == 0) {
		note_call(a, r < 4 ? CALL_ALLOC_BULK : CALL_HALLOC_BULK);
		return r < 4 ? rte_fastmem_alloc_bulk(objs, n, size, align,
				flags) :
			rte_fastmem_halloc_bulk(handle, objs, n, flags);
	}
	if (r < 4) {
		note_call(a, CALL_ALLOC);
		objs[0] = rte_fastmem_alloc(size, align, flags);
	} else if (r < 7) {
		note_call(a, CALL_HALLOC);
		objs[0] = rte_fastmem_halloc(handle, flags);
	} else {
		note_call(a, CALL_ALLOC_SOCKET);
		objs[0] = rte_fastmem_alloc_socket(size, align, flags,
			death_area->socket_id);
	}
	return objs[0] == NULL ? -rte_errno : 0;
}

static int
do_alloc(struct death_actor *a)
{
	unsigned int class_idx = pick_class(a), n = 1;
	void **objs;
	int ret;

	if (a->task != DEATH_TASK_GROW && rnd(a, 4) == 0)
		n = pick_bulk(a, class_idx);
	if (n == 0 || a->bytes + n * fastmem_test_sizes[class_idx] >
			death_area->budget ||
			n + fastmem_test_ledger_n(ledger_of(a), class_idx) >
			FASTMEM_TEST_LEDGER_OBJS)
		return 0;
	objs = fastmem_test_ledger_alloc_begin(ledger_of(a), class_idx, n);
	ret = call_alloc(a, class_idx, objs, n);
	if (ret != 0)
		n = 0;
	a->bytes += n * fastmem_test_sizes[class_idx];
	if (fastmem_test_ledger_alloc_end(&death_area->all, a->id, class_idx,
			n) != 0)
		return -1;
	TEST_ASSERT(ret == 0 || ret == -ENOMEM, "allocation returned %d", ret);
	return 0;
}

static void
call_free(struct death_actor *a, unsigned int class_idx, void **objs,
	unsigned int n)
{
	rte_fastmem_handle_t handle = death_area->handles[class_idx];
	size_t size = fastmem_test_sizes[class_idx];
	uint64_t r = rnd(a, 8);

	/* what a handle frees has to be its socket's */
	if (rte_socket_count() > 1)
		r = r % 4;
	if (n > 1 || r == 0) {
		note_call(a, r < 4 ? CALL_FREE_BULK : CALL_HFREE_BULK);
		if (r < 4)
			rte_fastmem_free_bulk(objs, n);
		else
			rte_fastmem_hfree_bulk(handle, objs, n);
	} else if (r < 3) {
		note_call(a, CALL_FREE);
		rte_fastmem_free(objs[0]);
	} else if (r < 4) {
		note_call(a, CALL_FREE_SIZED);
		rte_fastmem_free_sized(objs[0], size, 8);
	} else {
		note_call(a, CALL_HFREE);
		rte_fastmem_hfree(handle, objs[0]);
	}
}

static int
free_some(struct death_actor *a, unsigned int class_idx, uint32_t pos,
	uint32_t n)
{
	void **objs = fastmem_test_ledger_free_begin(&death_area->all, a->id,
		class_idx, pos, n);

	if (objs == NULL)
		return -1;
	call_free(a, class_idx, objs, n);
	fastmem_test_ledger_free_end(ledger_of(a), class_idx);
	a->bytes -= n * fastmem_test_sizes[class_idx];
	return 0;
}

/* A class of which there are objects, or else any one. */
static unsigned int
pick_held(struct death_actor *a)
{
	unsigned int class_idx = pick_class(a), i;

	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
		if (fastmem_test_ledger_n(ledger_of(a), class_idx) != 0)
			break;
		class_idx = (class_idx + 1) % FASTMEM_TEST_N_CLASSES;
	}
	return class_idx;
}

/* Objects of up to three classes in one bulk. */
static int
do_free_mixed(struct death_actor *a)
{
	unsigned int classes[3], n = 0, m, i, k;
	struct fastmem_test_ledger *ledger = ledger_of(a);
	void *bulk[3 * MAX_BULK], *obj, **objs;

	for (i = 0; i < RTE_DIM(classes); i++) {
		classes[i] = i == 0 ? pick_held(a) :
			(classes[i - 1] + 1) % FASTMEM_TEST_N_CLASSES;
		m = fastmem_test_ledger_n(ledger, classes[i]);
		m = RTE_MIN(m, 1 + rnd(a, MAX_BULK - 1));
		objs = fastmem_test_ledger_free_begin(&death_area->all, a->id,
			classes[i], 0, m);
		if (objs == NULL)
			return -1;
		for (k = 0; k < m; k++)
			bulk[n++] = objs[k];
		a->bytes -= m * fastmem_test_sizes[classes[i]];
	}
	/* neighbours of different classes, but not only those */
	for (i = 0; i < n / 2; i++) {
		k = rnd(a, n);
		obj = bulk[i];
		bulk[i] = bulk[k];
		bulk[k] = obj;
	}
	note_call(a, CALL_FREE_BULK);
	rte_fastmem_free_bulk(bulk, n);
	for (i = 0; i < RTE_DIM(classes); i++)
		fastmem_test_ledger_free_end(ledger, classes[i]);
	return 0;
}

static int
do_free(struct death_actor *a)
{
	unsigned int class_idx = pick_held(a);
	uint32_t held = fastmem_test_ledger_n(ledger_of(a), class_idx), n = 1;

	if (held == 0)
		return 0;
	if (rnd(a, 8) == 0)
		return do_free_mixed(a);
	if (rnd(a, 4) == 0)
		n = 1 + rnd(a, RTE_MIN(held, MAX_BULK + 0u));
	return free_some(a, class_idx, rnd(a, held - n + 1), n);
}

static int
do_send(struct death_actor *a)
{
	unsigned int class_idx = pick_held(a);
	uint32_t held = fastmem_test_ledger_n(ledger_of(a), class_idx);

	if (held != 0 && fastmem_test_ledger_send(ledger_of(a), class_idx,
			rnd(a, held)))
		a->bytes -= fastmem_test_sizes[class_idx];
	return 0;
}

static int
do_receive(struct death_actor *a)
{
	uint32_t peer = rnd(a, death_area->all.n), i;
	int class_idx;
	size_t size;

	for (i = 0; i < FASTMEM_TEST_LEDGER_SLOTS; i++) {
		class_idx = fastmem_test_ledger_receive(&death_area->all, a->id,
			peer, i);
		if (class_idx == -2)
			return -1;
		if (class_idx < 0)
			continue;
		a->bytes += fastmem_test_sizes[class_idx];
		note_call(a, CALL_LOOKUP);
		size = rte_fastmem_usable_size(ledger_of(a)->stacks[class_idx]
			.objs[fastmem_test_ledger_n(ledger_of(a), class_idx) - 1]);
		TEST_ASSERT_EQUAL(size, fastmem_test_sizes[class_idx],
			"an object of %zu B has %zu",
			fastmem_test_sizes[class_idx], size);
	}
	return 0;
}

static int
do_other(struct death_actor *a)
{
	struct rte_fastmem_class_stats cs;
	struct rte_fastmem_stats stats;

	if (rnd(a, 2) == 0) {
		note_call(a, CALL_FLUSH);
		rte_fastmem_cache_flush();
		return 0;
	}
	note_call(a, CALL_STATS);
	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&stats), "no statistics");
	TEST_ASSERT((int64_t)stats.bytes_in_use >= 0, "%" PRId64 " B in use",
		(int64_t)stats.bytes_in_use);
	TEST_ASSERT_SUCCESS(rte_fastmem_stats_class(
		fastmem_test_sizes[pick_class(a)], &cs), "no statistics");
	return 0;
}

/* Who allocates more and who frees more changes. */
static int
step(struct death_actor *a)
{
	uint64_t role = (a->id + rte_get_timer_cycles() /
		(rte_get_timer_hz() / 16)) % 3;
	uint64_t r = rnd(a, 1024);

	if (a->task == DEATH_TASK_GROW) {
		if (a->bytes + fastmem_test_sizes[FASTMEM_TEST_N_CLASSES - 1] >
				death_area->budget)
			return death_free_all(a);
		return r < 8 ? do_other(a) : do_alloc(a);
	}
	if (r < 4)
		return do_other(a);
	if (role == 0)
		return r < 200 ? do_send(a) : r < 300 ? do_free(a) : do_alloc(a);
	if (role == 1)
		return r < 200 ? do_receive(a) : r < 600 ? do_alloc(a) :
			do_free(a);
	return r < 100 ? do_send(a) : r < 200 ? do_receive(a) :
		r < 600 ? do_alloc(a) : do_free(a);
}

/* Flush for a pause, and say so: see fastmem_test_ledgers_stop(). */
static void
flush(struct death_actor *a)
{
	uint32_t pause = death_pause();

	if (pause == 0)
		return;
	note_call(a, CALL_FLUSH);
	rte_fastmem_cache_flush();
	rte_atomic_store_explicit(&ledger_of(a)->flushed, pause,
		rte_memory_order_relaxed);
}

int
death_act(struct death_actor *a)
{
	struct fastmem_test_ledgers *all = &death_area->all;

	fastmem_test_ledger_enter(all, a->id);
	while (a->result == 0 && !death_stopped(a->proc) && !death_failed() &&
			(a->end == 0 || rte_get_timer_cycles() < a->end)) {
		if (death_pause() != 0) {
			flush(a);
			fastmem_test_ledger_enter(all, a->id);
		}
		a->result = step(a);
	}
	fastmem_test_ledger_leave(all, a->id);
	if (a->result != 0)
		rte_atomic_store_explicit(&death_area->failed, 1,
			rte_memory_order_relaxed);
	return a->result;
}

int
death_free_all(struct death_actor *a)
{
	unsigned int i;
	uint32_t n;

	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++)
		while ((n = fastmem_test_ledger_n(ledger_of(a), i)) != 0) {
			n = RTE_MIN(n, 1 + rnd(a, MAX_BULK));
			if (free_some(a, i, 0, n) != 0)
				return -1;
		}
	return 0;
}
