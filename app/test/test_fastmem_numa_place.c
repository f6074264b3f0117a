/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Several NUMA nodes: where objects and bookkeeping lie, and that objects may
 * cross from node to node.
 */

#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_memory.h>
#include <rte_stdatomic.h>

#include "test_fastmem_numa.h"
#include "test_fastmem_stats.h"
#include "test_fastmem_stress.h"
#include "test_fastmem_util.h"

#define SLAB FASTMEM_TEST_SLAB_SIZE
#define PAGE 4096

#define N_SOME 40
#define N_SLAB_OBJS 100
#define N_EXCHANGED 20000

static struct fastmem_test_mailbox mailboxes[RTE_MAX_LCORE];
static RTE_ATOMIC(uint32_t) n_senders;

/* Run a function on each lcore, one after the other. */
static int
on_each_lcore(int (*fn)(void *arg), void *arg)
{
	unsigned int lcore_id;

	RTE_LCORE_FOREACH(lcore_id)
		if (fastmem_test_on_lcore(lcore_id, fn, arg) != 0)
			TEST_ASSERT(0, "on lcore %u of socket %u", lcore_id,
				rte_lcore_to_socket_id(lcore_id));
	return 0;
}

/*
 * Objects of all classes, one by one, as a bulk, and aligned to their size. They
 * are freed as of constant sizes, or together; the caches of the lcore's own
 * socket have room for them, too, which is where the former must not go.
 */
static int
place_objects_on(int socket_id, int expected, bool constant)
{
	void *ptrs[N_SOME];
	unsigned int i, j, n;
	size_t size;

	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
		size = fastmem_test_sizes[i];
		n = size >= SLAB / 4 ? 4 : N_SOME;
		for (j = 0; j < n / 4; j++)
			ptrs[j] = rte_fastmem_alloc_socket(size, 8, 0, socket_id);
		for (; j < n / 2; j++)
			ptrs[j] = rte_fastmem_alloc_socket(size, size, 0,
				socket_id);
		TEST_ASSERT_SUCCESS(rte_fastmem_alloc_bulk_socket(&ptrs[j],
			n - j, size, 8, RTE_FASTMEM_F_ZERO, socket_id),
			"no bulk of %zu B on socket %d", size, socket_id);
		for (j = 0; j < n; j++) {
			if (fastmem_test_lies_on(ptrs[j], size, expected) != 0)
				return -1;
			fastmem_test_fill(ptrs[j], size, j);
		}
		for (j = 0; j < n; j++)
			TEST_ASSERT_SUCCESS(fastmem_test_check(ptrs[j], size, j),
				"object %u", j);
		for (j = 0; constant && j < n; j++)
			fastmem_test_free_constant(ptrs[j], size);
		if (!constant)
			rte_fastmem_free_bulk(ptrs, n);
	}
	return 0;
}

static int
place_objects(__rte_unused void *arg)
{
	const struct fastmem_test_numa_socket *s;
	void *rooms[FASTMEM_TEST_N_CLASSES];
	int home = fastmem_test_home();
	unsigned int i;
	void *obj;

	for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
		rooms[i] = rte_fastmem_alloc(fastmem_test_sizes[i], 8, 0);
		TEST_ASSERT_NOT_NULL(rooms[i], "cannot allocate %zu B",
			fastmem_test_sizes[i]);
	}
	for (i = 0; i < 4; i++) {
		FASTMEM_TEST_FOREACH_SOCKET(s)
			if (!s->bare && place_objects_on(s->id, s->id,
					i % 2 == 1) != 0)
				return -1;
		if (place_objects_on(SOCKET_ID_ANY, home, i % 2 == 0) != 0)
			return -1;
	}
	/* the calls that have no socket to choose, and are inline */
	for (i = 0; i < 2000; i++) {
		obj = rte_fastmem_alloc(200, 0, 0);
		if (fastmem_test_lies_on(obj, 200, home) != 0)
			return -1;
		if (i % 100 == 0)
			rte_fastmem_free(obj);
		else
			rte_fastmem_free_sized(obj, 200, 0);
	}
	rte_fastmem_free_bulk(rooms, FASTMEM_TEST_N_CLASSES);
	return 0;
}

static int
test_objects(void)
{
	if (on_each_lcore(place_objects, NULL) != 0)
		return TEST_FAILED;
	return fastmem_test_all_back();
}

/* Slabs in all of their length, and IO addresses across nodes. */
static int
test_slabs(void)
{
	const struct fastmem_test_numa_socket *s;
	void *ptrs[N_SLAB_OBJS];
	rte_iova_t iova;
	unsigned int i;
	size_t at;

	FASTMEM_TEST_FOREACH_SOCKET(s) {
		if (s->bare)
			continue;
		for (i = 0; i < N_SLAB_OBJS; i++) {
			ptrs[i] = rte_fastmem_alloc_socket(65536, 0, 0, s->id);
			if (fastmem_test_lies_on(ptrs[i], 65536, s->id) != 0)
				return TEST_FAILED;
			iova = rte_fastmem_virt2iova(ptrs[i]);
			for (at = 0; at < 65536; at += PAGE)
				TEST_ASSERT_EQUAL(rte_mem_virt2iova(
					RTE_PTR_ADD(ptrs[i], at)), iova + at,
					"%p + %#zx has another IO address",
					ptrs[i], at);
		}
		rte_fastmem_free_bulk(ptrs, N_SLAB_OBJS);
	}
	return fastmem_test_all_back();
}

/* The caches of the calling lcore, and their magazines, one for each handle. */
static int
check_state(__rte_unused void *arg)
{
	struct rte_fastmem_lcore *self = &RTE_PER_LCORE(_rte_fastmem_lcore);
	const struct fastmem_test_numa_socket *s;
	int home = fastmem_test_home();
	struct rte_fastmem_cache *cache;
	rte_fastmem_handle_t handle;
	unsigned int i;
	void *obj;

	FASTMEM_TEST_FOREACH_SOCKET(s) {
		for (i = 0; i < FASTMEM_TEST_N_CLASSES; i++) {
			TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(
				fastmem_test_sizes[i], 8, s->id, &handle),
				"no handle");
			cache = __rte_fastmem_handle_cache(self, handle);
			TEST_ASSERT(cache->index != 0, "lcore %u has no caches",
				rte_lcore_id());
			TEST_ASSERT_EQUAL(fastmem_test_node(cache), home,
				"lcore %u: cache of socket %d lies on node %d, not on %d",
				rte_lcore_id(), s->id, fastmem_test_node(cache),
				home);
			TEST_ASSERT((cache == __rte_fastmem_own_cache(self,
				__rte_fastmem_zeros(fastmem_test_sizes[i], 8))) ==
				(s->id == home), "the own socket is another one");
			if (s->bare)
				continue;
			obj = rte_fastmem_halloc(handle, 0);
			if (fastmem_test_lies_on(obj, fastmem_test_sizes[i],
					s->id) != 0)
				return -1;
			rte_fastmem_hfree(handle, obj);
			TEST_ASSERT_NOT_NULL(cache->objs, "no magazine");
			TEST_ASSERT_EQUAL(fastmem_test_node(cache->objs), s->id,
				"magazine of socket %d lies on node %d", s->id,
				fastmem_test_node(cache->objs));
		}
	}
	return 0;
}

/* An lcore has no caches before it has asked for something. */
static int
touch(__rte_unused void *arg)
{
	rte_fastmem_free(rte_fastmem_alloc(64, 0, 0));
	return 0;
}

static int
test_state(void)
{
	unsigned int i;

	if (on_each_lcore(touch, NULL) != 0)
		return TEST_FAILED;
	for (i = 0; i < 2; i++) {
		if (on_each_lcore(check_state, NULL) != 0)
			return TEST_FAILED;
		/* empty magazines come from the depot then */
		TEST_ASSERT_SUCCESS(fastmem_test_flush_all(), "cannot flush");
	}
	return TEST_SUCCESS;
}

enum first_call { FIRST_OWN, FIRST_REMOTE, FIRST_FREE, FIRST_NO_GROW, N_FIRST };

struct first {
	enum first_call call;
	int remote; /* a socket with memory */
	void *obj;  /* an object of it */
};

static int
make_object(void *arg)
{
	struct first *first = arg;

	first->obj = rte_fastmem_alloc_socket(64, 0, 0, first->remote);
	return first->obj == NULL;
}

static int
call_first(void *arg)
{
	struct first *first = arg;
	void *obj = first->obj;

	switch (first->call) {
	case FIRST_OWN:
		rte_fastmem_free(rte_fastmem_alloc(64, 0, 0));
		break;
	case FIRST_REMOTE:
		rte_fastmem_free(rte_fastmem_alloc_socket(64, 0, 0,
			first->remote));
		break;
	case FIRST_FREE:
		rte_fastmem_free(obj);
		obj = NULL;
		break;
	default:
		rte_fastmem_free(rte_fastmem_alloc(64, 0, RTE_FASTMEM_F_NO_GROW));
		break;
	}
	TEST_ASSERT(RTE_PER_LCORE(_rte_fastmem_lcore).caches[0].index == 0,
		"the first cache is of a bin");
	rte_fastmem_free(obj);
	return check_state(NULL);
}

/* An lcore's caches lie on its socket whatever it does first. */
static int
test_first_call(void)
{
	const struct fastmem_test_numa_socket *other;
	struct rte_fastmem_lcore_stats shared;
	struct first first;
	unsigned int lcore_id;

	RTE_LCORE_FOREACH(lcore_id) {
		other = fastmem_test_other_socket(
			rte_lcore_to_socket_id(lcore_id));
		first.remote = other != NULL ? other->id :
			(int)rte_lcore_to_socket_id(lcore_id);
		for (first.call = 0; first.call < N_FIRST; first.call++) {
			rte_fastmem_deinit();
			TEST_ASSERT_SUCCESS(rte_fastmem_init(), "cannot init");
			/* a thread without caches leaves no trace of caches */
			if (fastmem_test_in_thread(make_object, &first) != 0 ||
					fastmem_test_on_lcore(lcore_id,
						call_first, &first) != 0)
				TEST_ASSERT(0, "lcore %u, call %u", lcore_id,
					first.call);
			TEST_ASSERT_SUCCESS(rte_fastmem_stats_shared(&shared),
				"no statistics");
			TEST_ASSERT(ALLOCS(shared) == 1 && FREES(shared) == 0,
				"lcore %u, call %u: counted as no lcore's",
				lcore_id, first.call);
		}
	}
	return fastmem_test_all_back();
}

/* Handles of each socket, used on this lcore. */
static int
use_handles(__rte_unused void *arg)
{
	const struct fastmem_test_numa_socket *s;
	rte_fastmem_handle_t handle, own;
	void *ptrs[N_SOME], *obj;
	unsigned int i, j;
	size_t size;

	FASTMEM_TEST_FOREACH_SOCKET(s) {
		for (i = 0; i < FASTMEM_TEST_N_CLASSES && !s->bare; i++) {
			size = fastmem_test_sizes[i];
			TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(size, 8, s->id,
				&handle), "no handle");
			TEST_ASSERT_SUCCESS(rte_fastmem_hlookup(size, 8,
				SOCKET_ID_ANY, &own), "no handle");
			TEST_ASSERT((own == handle) == (s->id ==
				fastmem_test_home()), "handle of another socket");
			TEST_ASSERT_SUCCESS(rte_fastmem_halloc_bulk(handle, ptrs,
				4, RTE_FASTMEM_F_ZERO), "no bulk");
			ptrs[4] = rte_fastmem_halloc(handle, 0);
			for (j = 0; j < 5; j++)
				if (fastmem_test_lies_on(ptrs[j], size,
						s->id) != 0)
					return -1;
			/* the last one freed comes first, from its socket */
			rte_fastmem_hfree(handle, ptrs[4]);
			obj = rte_fastmem_alloc_socket(size, 8, 0, s->id);
			TEST_ASSERT(obj == ptrs[4], "%p, not %p", obj, ptrs[4]);
			rte_fastmem_free(obj);
			rte_fastmem_free_bulk(ptrs, 4);
		}
	}
	return 0;
}

static int
test_handles(void)
{
	if (on_each_lcore(use_handles, NULL) != 0)
		return TEST_FAILED;
	return fastmem_test_all_back();
}

/* A thread without an lcore id that is bound to the CPUs of a socket. */
static int
place_bound(void *arg)
{
	const struct fastmem_test_numa_socket *s = arg;
	rte_cpuset_t cpus = rte_lcore_cpuset(s->lcore_id);
	unsigned int i;
	void *obj;

	TEST_ASSERT_EQUAL(rte_lcore_id(), LCORE_ID_ANY, "has an lcore id");
	TEST_ASSERT_SUCCESS(rte_thread_set_affinity(&cpus), "cannot be bound");
	for (i = 0; i < N_SOME; i++) {
		obj = rte_fastmem_alloc(300, 0, 0);
		if (fastmem_test_lies_on(obj, 300, fastmem_test_home()) != 0)
			return -1;
		rte_fastmem_free(obj);
	}
	return place_objects_on(SOCKET_ID_ANY, fastmem_test_home(), false);
}

static int
test_bound_thread(void)
{
	struct fastmem_test_numa_socket *s;

	FASTMEM_TEST_FOREACH_SOCKET(s)
		if (s->lcore_id != LCORE_ID_ANY &&
				fastmem_test_in_thread(place_bound, s) != 0)
			TEST_ASSERT(0, "socket %d", s->id);
	return fastmem_test_all_back();
}

/* Allocate on one socket after the other, and send it to another lcore. */
static int
send_object(unsigned int n, unsigned int *next, uint64_t *rand)
{
	const struct fastmem_test_numa_socket *s =
		&fastmem_test_sockets[n % fastmem_test_n_sockets];
	size_t size = (size_t)16 << n % 9;
	uint64_t *obj;

	obj = rte_fastmem_alloc_socket(size, 8, 0, s->bare ? SOCKET_ID_ANY :
		s->id);
	TEST_ASSERT_NOT_NULL(obj, "no memory");
	TEST_ASSERT(s->bare || rte_fastmem_socket_id(obj) == s->id,
		"of another socket");
	obj[0] = size;
	obj[1] = (uintptr_t)obj;
	do {
		*next = rte_get_next_lcore(*next, 0, 1);
	} while (*next == rte_lcore_id() && rte_lcore_count() > 1);
	if (!fastmem_test_mailbox_put(&mailboxes[*next],
			fastmem_test_rand(rand), obj))
		rte_fastmem_free(obj);
	return 0;
}

/* Free what others have sent; 1: there was nothing. */
static int
receive_object(uint64_t *rand)
{
	uint64_t *obj = fastmem_test_mailbox_get(&mailboxes[rte_lcore_id()],
		fastmem_test_rand(rand));

	if (obj == NULL)
		return 1;
	TEST_ASSERT(obj[1] == (uintptr_t)obj &&
		rte_fastmem_usable_size(obj) == obj[0], "%p was overwritten",
		obj);
	rte_fastmem_free(obj);
	return 0;
}

/* Until all have sent what they had to, and nothing is on its way. */
static int
exchange(void *arg)
{
	unsigned int n_objs = *(const unsigned int *)arg, n;
	unsigned int next = rte_lcore_id();
	uint64_t rand = next + 1;
	int ret = 0;

	for (n = 0; n < n_objs && ret >= 0; n++) {
		ret = send_object(n, &next, &rand);
		if (ret == 0)
			ret = receive_object(&rand);
	}
	/* Release: whoever sees that all have sent finds what they sent. */
	rte_atomic_fetch_sub_explicit(&n_senders, 1, rte_memory_order_release);
	while (ret >= 0 && rte_atomic_load_explicit(&n_senders,
			rte_memory_order_acquire) != 0)
		ret = receive_object(&rand);
	while (ret == 0 || ret == 1) {
		ret = receive_object(&rand);
		if (ret == 1)
			return 0;
	}
	return -1;
}

static int
test_exchange(void)
{
	unsigned int n = fastmem_test_scale(N_EXCHANGED, 500), lcore_id;
	struct rte_fastmem_stats stats;
	int ret;

	memset(mailboxes, 0, sizeof(mailboxes));
	rte_atomic_store_explicit(&n_senders, rte_lcore_count(),
		rte_memory_order_release);
	RTE_LCORE_FOREACH_WORKER(lcore_id)
		rte_eal_remote_launch(exchange, &n, lcore_id);
	ret = exchange(&n);
	RTE_LCORE_FOREACH_WORKER(lcore_id)
		ret |= rte_eal_wait_lcore(lcore_id);
	TEST_ASSERT_SUCCESS(ret, "exchange failed");
	TEST_ASSERT_SUCCESS(rte_fastmem_stats(&stats), "no statistics");
	TEST_ASSERT(stats.alloc_total == (uint64_t)n * rte_lcore_count() &&
		stats.free_total == stats.alloc_total && stats.alloc_nomem == 0,
		"%" PRIu64 " allocated, %" PRIu64 " freed", stats.alloc_total,
		stats.free_total);
	return fastmem_test_all_back();
}

/* Leave objects in the caches of others, and some allocated. */
static int
cross(void *arg)
{
	unsigned int i = rte_lcore_id() % 2;
	void **ptrs = arg;

	/* frees those of the lcore before, on all sockets */
	for (; i < N_SOME; i += 2) {
		rte_fastmem_free(ptrs[i]);
		ptrs[i] = rte_fastmem_alloc_socket(1000 + i, 0, 0,
			fastmem_test_sockets[i % fastmem_test_n_sockets].bare ?
			SOCKET_ID_ANY :
			fastmem_test_sockets[i % fastmem_test_n_sockets].id);
		TEST_ASSERT_NOT_NULL(ptrs[i], "no memory");
	}
	return 0;
}

static int
test_deinit_crossed(void)
{
	void *ptrs[N_SOME];
	unsigned int round;

	for (round = 0; round < 6; round++) {
		memset(ptrs, 0, sizeof(ptrs));
		if (on_each_lcore(cross, ptrs) != 0 ||
				on_each_lcore(cross, ptrs) != 0 ||
				on_each_lcore(check_state, NULL) != 0)
			TEST_ASSERT(0, "round %u", round);
		TEST_ASSERT_SUCCESS(rte_fastmem_audit(), "damaged");
		/* EAL gets everything back, on each socket */
		fastmem_test_teardown();
		TEST_ASSERT_SUCCESS(fastmem_test_setup(), "cannot init");
	}
	return TEST_SUCCESS;
}

struct unit_test_suite fastmem_numa_place_testsuite = {
	.suite_name = "fastmem NUMA placement",
	.unit_test_cases = {
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_objects),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_slabs),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_state),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_first_call),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_handles),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_bound_thread),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_exchange),
		TEST_CASE_ST(fastmem_test_setup, fastmem_test_teardown,
			test_deinit_crossed),
		TEST_CASES_END()
	}
};
