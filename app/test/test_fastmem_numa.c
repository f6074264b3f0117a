/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Several NUMA nodes: what their tests share, and whether they make sense.
 */

#include <errno.h>
#include <stdio.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_memory.h>
#include <rte_memzone.h>

#include "test_fastmem_numa.h"
#include "test_fastmem_util.h"

#ifdef RTE_EXEC_ENV_LINUX
#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#define PROBE_NAME "test_fm_numa_probe"
#define PAGE 4096

struct fastmem_test_numa_socket fastmem_test_sockets[RTE_MAX_NUMA_NODES];
unsigned int fastmem_test_n_sockets;

#ifdef RTE_EXEC_ENV_LINUX
int
fastmem_test_node(const void *addr)
{
	void *page = (void *)RTE_ALIGN_FLOOR((uintptr_t)addr, PAGE);
	int node = -1, status = -1;

	/* two ways to ask, and both have to agree */
	if (syscall(SYS_move_pages, 0, 1UL, &page, NULL, &status, 0) != 0)
		return -errno;
	if (syscall(SYS_get_mempolicy, &node, NULL, 0UL, addr,
			MPOL_F_NODE | MPOL_F_ADDR) != 0)
		return -errno;
	return node == status ? node : -EIO;
}
#else
int
fastmem_test_node(__rte_unused const void *addr)
{
	return -ENOSYS;
}
#endif

int
fastmem_test_lies_on(const void *obj, size_t size, int socket_id)
{
	int first, last;

	TEST_ASSERT_NOT_NULL(obj, "no object of %zu B on socket %d: %s", size,
		socket_id, rte_strerror(rte_errno));
	first = fastmem_test_node(obj);
	last = fastmem_test_node(RTE_PTR_ADD(obj, size - 1));
	TEST_ASSERT(first == socket_id && last == socket_id,
		"%p of %zu B lies on nodes %d and %d, not on %d", obj, size,
		first, last, socket_id);
	TEST_ASSERT_EQUAL(rte_fastmem_socket_id(obj), socket_id,
		"%p on socket %d, and not %d", obj, rte_fastmem_socket_id(obj),
		socket_id);
	return 0;
}

int
fastmem_test_home(void)
{
	const struct fastmem_test_numa_socket *s;
	struct rte_fastmem_lcore self;

	FASTMEM_TEST_FOREACH_SOCKET(s)
		if (s->id == (int)rte_socket_id() && !s->bare)
			return s->id;
	/* that of the directory stands in */
	__rte_fastmem_get_dir(&self);
	return fastmem_test_node((const void *)(uintptr_t)self.dir_bins);
}

unsigned int
fastmem_test_n_with_memory(void)
{
	const struct fastmem_test_numa_socket *s;
	unsigned int n = 0;

	FASTMEM_TEST_FOREACH_SOCKET(s)
		n += !s->bare;
	return n;
}

const struct fastmem_test_numa_socket *
fastmem_test_other_socket(int socket_id)
{
	const struct fastmem_test_numa_socket *s;

	FASTMEM_TEST_FOREACH_SOCKET(s)
		if (s->id != socket_id && !s->bare)
			return s;
	return NULL;
}

int
fastmem_test_on_lcore(unsigned int lcore_id, int (*fn)(void *arg), void *arg)
{
	if (lcore_id == rte_lcore_id())
		return fn(arg);
	TEST_ASSERT_SUCCESS(rte_eal_remote_launch(fn, arg, lcore_id),
		"cannot launch on lcore %u", lcore_id);
	return rte_eal_wait_lcore(lcore_id);
}

int
fastmem_test_setup_several(void)
{
	if (fastmem_test_n_with_memory() < 2) {
		printf("one node with memory only, skipped\n");
		return TEST_SKIPPED;
	}
	return fastmem_test_setup();
}

int
fastmem_test_numa_exhaust(void *arg)
{
	struct fastmem_test_numa_work *work = arg;
	void *obj;

	for (work->n = 0; work->n < FASTMEM_TEST_NUMA_OBJS; work->n++) {
		obj = rte_fastmem_alloc_socket(FASTMEM_TEST_NUMA_SIZE, 0, 0, work->socket_id);
		if (obj == NULL)
			break;
		if (fastmem_test_lies_on(obj, FASTMEM_TEST_NUMA_SIZE, work->socket_id) != 0)
			return -1;
		fastmem_test_fill(obj, FASTMEM_TEST_NUMA_SIZE, work->n);
		work->objs[work->n] = obj;
	}
	TEST_ASSERT(work->n < FASTMEM_TEST_NUMA_OBJS && rte_errno == ENOMEM, "no end: %s",
		rte_strerror(rte_errno));
	return 0;
}

/* Find out what sockets there are; false if the kernel tells nothing. */
static bool
find_sockets(void)
{
	struct fastmem_test_numa_socket *s;
	const struct rte_memzone *mz;
	bool told = false;
	unsigned int i;
	int node;

	fastmem_test_n_sockets = rte_socket_count();
	for (i = 0; i < fastmem_test_n_sockets; i++) {
		s = &fastmem_test_sockets[i];
		s->id = rte_socket_id_by_idx(i);
		s->lcore_id = 0;
		while (s->lcore_id < RTE_MAX_LCORE &&
				(!rte_lcore_is_enabled(s->lcore_id) ||
				(int)rte_lcore_to_socket_id(s->lcore_id) != s->id))
			s->lcore_id++;
		if (s->lcore_id == RTE_MAX_LCORE)
			s->lcore_id = LCORE_ID_ANY;
		mz = rte_memzone_reserve(PROBE_NAME, PAGE, s->id, 0);
		s->bare = mz == NULL;
		node = mz == NULL ? -1 : fastmem_test_node(mz->addr);
		rte_memzone_free(mz);
		printf("socket %d: %s%s\n", s->id, s->bare ? "no memory" :
			"has memory", s->lcore_id == LCORE_ID_ANY ?
			", no lcore" : "");
		told = told || node >= 0;
	}
	return told;
}

static int
test_fastmem_numa(void)
{
	struct unit_test_suite *suites[] = {
		&fastmem_numa_place_testsuite,
		&fastmem_numa_shortage_testsuite,
		&fastmem_numa_limits_testsuite,
	};

	if (rte_socket_count() < 2) {
		printf("one NUMA node only, skipped\n");
		return TEST_SKIPPED;
	}
	if (!rte_eal_has_hugepages()) {
		printf("without hugepages, EAL's memory is of no node, skipped\n");
		return TEST_SKIPPED;
	}
	if (!find_sockets()) {
		printf("the kernel does not tell where memory lies, skipped\n");
		return TEST_SKIPPED;
	}
	return fastmem_test_run_all(suites, RTE_DIM(suites));
}

REGISTER_FAST_TEST(fastmem_numa_autotest, NOHUGE_OK, ASAN_OK, test_fastmem_numa);
