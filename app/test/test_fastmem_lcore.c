/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Part of fastmem_threads_autotest: what threads know of their caches, and
 * others of what they know, when the library is torn down and initialized again.
 */

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_fastmem_malloc.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_per_lcore.h>

#include "test_fastmem_util.h"

#define SIZE 100

/* Threads which call the library again after it was torn down. */
enum resident_kind {
	RESIDENT_LCORE,      /* a worker */
	RESIDENT_THREAD,     /* without an lcore id */
	RESIDENT_REGISTERED,
	N_RESIDENTS
};

static struct resident {
	enum resident_kind kind;
	pthread_t thread;
	pthread_barrier_t barrier; /* before and after each piece of work */
	int (*fn)(void *arg);      /* NULL: to end */
	void *arg;
	int result;
} resident;

static bool
can_register(void)
{
	return !fastmem_test_shared_config() && rte_mp_disable();
}

static void *
resident_main(__rte_unused void *arg)
{
	bool registers = resident.kind == RESIDENT_REGISTERED;

	resident.result = registers ? rte_thread_register() : 0;
	for (;;) {
		pthread_barrier_wait(&resident.barrier);
		if (resident.fn == NULL)
			break;
		resident.result = resident.fn(resident.arg);
		pthread_barrier_wait(&resident.barrier);
	}
	if (registers)
		rte_thread_unregister();
	return NULL;
}

/* Start such a thread, if there can be one. */
static int
resident_start(enum resident_kind kind)
{
	resident.kind = kind;
	if (kind == RESIDENT_LCORE &&
			rte_get_next_lcore(-1, 1, 0) >= RTE_MAX_LCORE) {
		printf("a worker takes a second lcore, skipped\n");
		return TEST_SKIPPED;
	}
	if (kind == RESIDENT_REGISTERED && !can_register()) {
		printf("threads cannot be registered, skipped\n");
		return TEST_SKIPPED;
	}
	if (kind == RESIDENT_LCORE)
		return TEST_SUCCESS;
	pthread_barrier_init(&resident.barrier, NULL, 2);
	TEST_ASSERT_SUCCESS(pthread_create(&resident.thread, NULL,
		resident_main, NULL), "cannot create a thread");
	return TEST_SUCCESS;
}

static int
resident_run(int (*fn)(void *arg), void *arg)
{
	unsigned int lcore_id = rte_get_next_lcore(-1, 1, 0);

	if (resident.kind == RESIDENT_LCORE) {
		TEST_ASSERT_SUCCESS(rte_eal_remote_launch(fn, arg, lcore_id),
			"cannot launch");
		return rte_eal_wait_lcore(lcore_id);
	}
	resident.fn = fn;
	resident.arg = arg;
	pthread_barrier_wait(&resident.barrier);
	pthread_barrier_wait(&resident.barrier);
	return resident.result;
}

static void
resident_stop(void)
{
	if (resident.kind == RESIDENT_LCORE)
		return;
	resident.fn = NULL;
	pthread_barrier_wait(&resident.barrier);
	pthread_join(resident.thread, NULL);
	pthread_barrier_destroy(&resident.barrier);
}

/* What a thread does first after the library was initialized. */
enum first_call {
	FIRST_ALLOC,
	FIRST_ALLOC_BULK,
	FIRST_HALLOC,
	FIRST_FREE,
	FIRST_FREE_SIZED,
	FIRST_FREE_BULK,
	FIRST_HFREE,
	FIRST_REALLOC,
	FIRST_CONTAINS,
	FIRST_HEAP_FREE,
	FIRST_FLUSH,
	N_FIRST_CALLS
};

struct work {
	enum first_call first;
	rte_fastmem_handle_t handle;
	void *obj;  /* of another thread */
	void *heap; /* not of fastmem */
};

/* The caller's cache of a handle. */
static const struct rte_fastmem_cache *
own_cache(rte_fastmem_handle_t handle)
{
	return __rte_fastmem_handle_cache(&RTE_PER_LCORE(_rte_fastmem_lcore),
		handle);
}

static int
call_first(struct work *w)
{
	void *obj = NULL, *freed = w->obj;

	switch (w->first) {
	case FIRST_ALLOC:
		obj = rte_fastmem_alloc(SIZE, 8, 0);
		break;
	case FIRST_ALLOC_BULK:
		TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(&obj, 1, SIZE, 8,
			0), "bulk");
		break;
	case FIRST_HALLOC:
		obj = rte_fastmem_halloc(w->handle, 0);
		break;
	case FIRST_FREE_SIZED:
		rte_fastmem_free_sized(freed, SIZE, 8);
		return 0;
	case FIRST_FREE_BULK:
		/* one alone is freed as by rte_fastmem_free() */
		rte_fastmem_free_bulk((void *[]){ freed, NULL }, 2);
		return 0;
	case FIRST_HFREE:
		rte_fastmem_hfree(w->handle, freed);
		return 0;
	case FIRST_REALLOC:
		w->obj = rte_fastmem_realloc(freed, 10 * SIZE, 8);
		TEST_ASSERT_NOT_NULL(w->obj, "cannot reallocate");
		rte_fastmem_free(w->obj);
		return 0;
	case FIRST_CONTAINS:
		TEST_ASSERT(rte_fastmem_contains(freed), "not an object");
		TEST_ASSERT(!rte_fastmem_contains(w->heap), "an object");
		break;
	case FIRST_HEAP_FREE:
		rte_fastmem_heap_free(w->heap);
		w->heap = NULL;
		rte_fastmem_heap_free(freed);
		return 0;
	case FIRST_FLUSH:
		rte_fastmem_cache_flush();
		break;
	default:
		break;
	}
	TEST_ASSERT((obj != NULL) == (w->first <= FIRST_HALLOC), "no object");
	rte_fastmem_free(obj);
	rte_fastmem_free(freed);
	return 0;
}

static int
call_and_use(void *arg)
{
	const struct rte_fastmem_lcore *self = &RTE_PER_LCORE(_rte_fastmem_lcore);
	struct work *w = arg;
	void *objs[20];

	if (call_first(w) != 0)
		return -1;
	TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk(objs, RTE_DIM(objs), SIZE,
		8, 0), "cannot allocate");
	rte_fastmem_free_bulk(objs, RTE_DIM(objs));
	rte_fastmem_hfree(w->handle, rte_fastmem_halloc(w->handle, 0));
	TEST_ASSERT(own_cache(w->handle)->capacity > 0, "no caches");
	TEST_ASSERT_EQUAL(__rte_fastmem_bin(self, (uintptr_t)objs[0] -
		self->dir_base), own_cache(w->handle)->index, "no directory");
	return 0;
}

/* Nothing is left of the caches when the library is torn down. */
static int
refuse(void *arg)
{
	const struct work *w = arg;
	void *obj = w->obj;

	TEST_ASSERT(own_cache(w->handle)->capacity == 0, "caches");
	rte_errno = 0;
	TEST_ASSERT(rte_fastmem_alloc(SIZE, 8, 0) == NULL &&
		rte_errno == ENODEV, "alloc");
	rte_errno = 0;
	TEST_ASSERT(rte_fastmem_halloc(w->handle, 0) == NULL &&
		rte_errno == ENODEV, "halloc");
	TEST_ASSERT(rte_fastmem_alloc_bulk(&obj, 1, SIZE, 8, 0) == -ENODEV,
		"bulk");
	TEST_ASSERT(!rte_fastmem_contains(obj), "an object");
	rte_fastmem_free(obj);
	rte_fastmem_free_sized(obj, SIZE, 8);
	rte_fastmem_free_bulk(&obj, 1);
	rte_fastmem_free_bulk((void *[]){ obj, obj }, 2);
	rte_fastmem_hfree(w->handle, obj);
	return 0;
}

static int
check_first_call(enum first_call first)
{
	struct work w = { .first = first };
	char *log;
	int ret;

	TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(SIZE, 8, SOCKET_ID_ANY,
		&w.handle), "no handle");
	w.obj = rte_fastmem_alloc(SIZE, 8, 0);
	w.heap = rte_malloc(NULL, SIZE, 0);
	TEST_ASSERT(w.obj != NULL && w.heap != NULL, "no memory");
	TEST_ASSERT_SUCCESS(resident_run(call_and_use, &w), "first call %u",
		first);
	rte_free(w.heap);
	TEST_ASSERT_EQUAL(fastmem_test_in_use(128), 0, "in use after %u", first);
	TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged after %u", first);
	rte_fastmem_deinit();
	TEST_ASSERT_SUCCESS(fastmem_test_log_start(), "cannot catch the log");
	ret = resident_run(refuse, &w);
	log = fastmem_test_log_stop();
	TEST_ASSERT_SUCCESS(ret, "not refused after %u: %s", first, log);
	TEST_ASSERT_EQUAL(fastmem_test_log_lines(log, "not initialized"), 6,
		"not reported after %u: %s", first, log);
	free(log);
	TEST_ASSERT_SUCCESS(rte_fastmem_init(), "cannot initialize");
	return 0;
}

static int
check_resident(enum resident_kind kind)
{
	enum first_call first;
	int ret;

	ret = resident_start(kind);
	if (ret != TEST_SUCCESS)
		return ret;
	for (first = 0; ret == 0 && first < N_FIRST_CALLS; first++)
		ret = check_first_call(first);
	resident_stop();
	return ret == 0 ? fastmem_test_all_back() : TEST_FAILED;
}

static int
test_first_calls_lcore(void)
{
	return check_resident(RESIDENT_LCORE);
}

static int
test_first_calls_thread(void)
{
	return check_resident(RESIDENT_THREAD);
}

static int
test_first_calls_registered(void)
{
	return check_resident(RESIDENT_REGISTERED);
}

/* Threads that end, whose memory must not be written to any more. */
enum mortal_kind {
	MORTAL_THREAD,
	MORTAL_EXITS,      /* by pthread_exit() */
	MORTAL_REGISTERED,
	MORTAL_KEEPS_ID,   /* ends without being unregistered */
	N_MORTALS
};

#define STACK_BYTES ((size_t)4 << 20)
#define DEAD 0x5a

static struct mortal {
	pthread_t thread;
	void *stack; /* with the thread's own variables, too */
	bool exits;
	bool registers;
	bool unregisters;
	unsigned int lcore_id;
	int result;
} mortals[N_MORTALS];

static pthread_barrier_t barrier;

static int
mortal_live(void)
{
	void *objs[40];
	unsigned int i;

	for (i = 0; i < RTE_DIM(objs); i++) {
		objs[i] = rte_fastmem_alloc(8 << i % 5, 8, 0);
		TEST_ASSERT_NOT_NULL(objs[i], "cannot allocate");
	}
	for (i = 0; i < RTE_DIM(objs); i++)
		rte_fastmem_free(objs[i]);
	return 0;
}

static void *
mortal_main(void *arg)
{
	struct mortal *self = arg;

	if (self->registers && rte_thread_register() != 0)
		self->result = -1;
	self->lcore_id = rte_lcore_id();
	self->result |= mortal_live();
	pthread_barrier_wait(&barrier);
	/* torn down, or not */
	pthread_barrier_wait(&barrier);
	if (self->unregisters)
		rte_thread_unregister();
	if (self->exits)
		pthread_exit(NULL);
	return NULL;
}

static int
mortal_start(struct mortal *self, enum mortal_kind kind)
{
	pthread_attr_t attr;
	int ret;

	memset(self, 0, sizeof(*self));
	self->exits = kind == MORTAL_EXITS;
	self->registers = kind >= MORTAL_REGISTERED && can_register();
	self->unregisters = self->registers && kind == MORTAL_REGISTERED;
	TEST_ASSERT_SUCCESS(posix_memalign(&self->stack, 4096, STACK_BYTES),
		"no stack");
	pthread_attr_init(&attr);
	ret = pthread_attr_setstack(&attr, self->stack, STACK_BYTES);
	if (ret == 0)
		ret = pthread_create(&self->thread, &attr, mortal_main, self);
	pthread_attr_destroy(&attr);
	TEST_ASSERT_SUCCESS(ret, "cannot create a thread: %d", ret);
	return 0;
}

/* Give back an lcore id that a thread took with it. */
static void *
mortal_unregister(void *arg)
{
	RTE_PER_LCORE(_lcore_id) = *(unsigned int *)arg;
	rte_thread_unregister();
	return NULL;
}

static int
mortals_bury(void)
{
	struct mortal *m;
	pthread_t thread;
	unsigned int i;

	for (i = 0; i < N_MORTALS; i++) {
		m = &mortals[i];
		TEST_ASSERT(fastmem_test_all_bytes(m->stack, STACK_BYTES, DEAD),
			"written to what was thread %u", i);
		free(m->stack);
		if (!m->registers || m->unregisters)
			continue;
		TEST_ASSERT_SUCCESS(pthread_create(&thread, NULL,
			mortal_unregister, &m->lcore_id),
			"cannot create a thread");
		pthread_join(thread, NULL);
	}
	return 0;
}

/*
 * Threads end before the library is torn down, or after it was. Nobody writes
 * to what was theirs, then or later.
 */
static int
check_mortals(bool torn_down)
{
	unsigned int i;

	pthread_barrier_init(&barrier, NULL, N_MORTALS + 1);
	for (i = 0; i < N_MORTALS; i++)
		if (mortal_start(&mortals[i], i) != 0)
			return TEST_FAILED;
	pthread_barrier_wait(&barrier);
	if (torn_down)
		rte_fastmem_deinit();
	pthread_barrier_wait(&barrier);
	for (i = 0; i < N_MORTALS; i++) {
		pthread_join(mortals[i].thread, NULL);
		TEST_ASSERT_SUCCESS(mortals[i].result, "thread %u", i);
		memset(mortals[i].stack, DEAD, STACK_BYTES);
	}
	pthread_barrier_destroy(&barrier);
	if (!torn_down) {
		/* what they had in their caches is back */
		if (fastmem_test_all_back() != 0)
			return TEST_FAILED;
		rte_fastmem_deinit();
	}
	TEST_ASSERT_SUCCESS(rte_fastmem_init(), "cannot initialize");
	if (mortal_live() != 0)
		return TEST_FAILED;
	rte_fastmem_deinit();
	TEST_ASSERT_SUCCESS(rte_fastmem_init(), "cannot initialize");
	return mortals_bury();
}

static int
test_ends(void)
{
	if (check_mortals(false) != 0 || check_mortals(true) != 0)
		return TEST_FAILED;
	return fastmem_test_all_back();
}

/* A thread that had an lcore id, which another one has when it ends. */
static void *
predecessor_main(void *arg)
{
	struct mortal *self = arg;

	self->result = rte_thread_register();
	self->lcore_id = rte_lcore_id();
	self->result |= mortal_live();
	rte_thread_unregister();
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return NULL;
}

static int
inherit(__rte_unused void *arg)
{
	struct mortal *before = &mortals[0];
	rte_fastmem_handle_t handle;

	TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(SIZE, 8, SOCKET_ID_ANY,
		&handle), "no handle");
	TEST_ASSERT_SUCCESS(pthread_create(&before->thread, NULL,
		predecessor_main, before), "cannot create a thread");
	pthread_barrier_wait(&barrier);
	TEST_ASSERT_SUCCESS(rte_thread_register(), "cannot register a thread");
	TEST_ASSERT_EQUAL(rte_lcore_id(), before->lcore_id, "another lcore id");
	rte_fastmem_hfree(handle, rte_fastmem_halloc(handle, 0));
	pthread_barrier_wait(&barrier);
	pthread_join(before->thread, NULL);
	TEST_ASSERT_SUCCESS(before->result, "the other thread");
	TEST_ASSERT(own_cache(handle)->capacity > 0,
		"caches went with another thread");
	rte_thread_unregister();
	TEST_ASSERT(own_cache(handle)->capacity == 0,
		"caches without the lcore id");
	return 0;
}

static int
test_inherits_id(void)
{
	int ret;

	if (!can_register()) {
		printf("threads cannot be registered, skipped\n");
		return TEST_SKIPPED;
	}
	pthread_barrier_init(&barrier, NULL, 2);
	ret = fastmem_test_in_thread(inherit, NULL);
	pthread_barrier_destroy(&barrier);
	return ret == 0 ? fastmem_test_all_back() : TEST_FAILED;
}

/* More threads than have caches. */
#define N_CROWD 140

static struct one_of_many {
	pthread_t thread;
	void *obj; /* of another thread */
	int result;
} crowd[N_CROWD];

static int
crowd_live(struct one_of_many *self)
{
	int ret = mortal_live();

	pthread_barrier_wait(&barrier);
	/* torn down */
	pthread_barrier_wait(&barrier);
	if (rte_fastmem_alloc(SIZE, 8, 0) != NULL || rte_errno != ENODEV)
		ret = -1;
	pthread_barrier_wait(&barrier);
	/* initialized again, and an object is there */
	pthread_barrier_wait(&barrier);
	if (!rte_fastmem_contains(self->obj))
		ret = -1;
	rte_fastmem_free(self->obj);
	return ret | mortal_live();
}

static void *
crowd_main(void *arg)
{
	struct one_of_many *self = arg;

	self->result = crowd_live(self);
	return NULL;
}

static int
test_crowd_outlives(void)
{
	unsigned int i;

	pthread_barrier_init(&barrier, NULL, N_CROWD + 1);
	for (i = 0; i < N_CROWD; i++)
		TEST_ASSERT_SUCCESS(pthread_create(&crowd[i].thread, NULL,
			crowd_main, &crowd[i]), "cannot create a thread");
	pthread_barrier_wait(&barrier);
	rte_fastmem_deinit();
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	TEST_ASSERT_SUCCESS(rte_fastmem_init(), "cannot initialize");
	for (i = 0; i < N_CROWD; i++) {
		crowd[i].obj = rte_fastmem_alloc(SIZE, 8, 0);
		TEST_ASSERT_NOT_NULL(crowd[i].obj, "cannot allocate");
	}
	pthread_barrier_wait(&barrier);
	for (i = 0; i < N_CROWD; i++) {
		pthread_join(crowd[i].thread, NULL);
		TEST_ASSERT_SUCCESS(crowd[i].result, "thread %u", i);
	}
	pthread_barrier_destroy(&barrier);
	return fastmem_test_all_back();
}

struct unit_test_suite fastmem_lcore_testsuite = {
	.suite_name = "fastmem threads and what they know",
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_first_calls_lcore),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_first_calls_thread),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_first_calls_registered),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_ends),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_inherits_id),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_crowd_outlives),
		TEST_CASES_END()
	}
};
