/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef TEST_FASTMEM_NUMA_H
#define TEST_FASTMEM_NUMA_H

/*
 * What the tests on several NUMA nodes share. Where memory lies is asked from
 * the kernel, not from the library or EAL.
 */

#include <stdbool.h>
#include <stddef.h>

#include <rte_fastmem.h>
#include <rte_lcore.h>

#include "test.h"

/* A socket that EAL knows: a node which has CPUs. */
struct fastmem_test_numa_socket {
	int id;
	bool bare;             /* EAL has no memory there. */
	unsigned int lcore_id; /* One of its lcores, or LCORE_ID_ANY. */
};

extern struct fastmem_test_numa_socket fastmem_test_sockets[RTE_MAX_NUMA_NODES];
extern unsigned int fastmem_test_n_sockets;

#define FASTMEM_TEST_FOREACH_SOCKET(s) \
	for ((s) = &fastmem_test_sockets[0]; \
		(s) < &fastmem_test_sockets[fastmem_test_n_sockets]; (s)++)

/* Of most objects where one size will do. */
#define FASTMEM_TEST_NUMA_SIZE ((size_t)65536)

/* More of them than the limits of the tests allow. */
#define FASTMEM_TEST_NUMA_OBJS 1024

/* Work with the objects of one socket, on any lcore. */
struct fastmem_test_numa_work {
	int socket_id;
	void **objs;
	unsigned int n;
};

extern struct unit_test_suite fastmem_numa_limits_testsuite;
extern struct unit_test_suite fastmem_numa_place_testsuite;
extern struct unit_test_suite fastmem_numa_shortage_testsuite;

/* The node of an address, by the kernel; negative if it does not tell. */
int
fastmem_test_node(const void *addr);

/* Expect an object to lie wholly on a socket. */
int
fastmem_test_lies_on(const void *obj, size_t size, int socket_id);

/* The socket that serves the calling thread when it does not choose. */
int
fastmem_test_home(void);

/* How many sockets have memory. */
unsigned int
fastmem_test_n_with_memory(void);

/* A socket with memory other than a given one; NULL if there is none. */
const struct fastmem_test_numa_socket *
fastmem_test_other_socket(int socket_id);

/* Set up for a case that needs two sockets with memory. */
int
fastmem_test_setup_several(void);

/* Take all objects that a socket may give; for a piece of work. */
int
fastmem_test_numa_exhaust(void *arg);

/* Run a function on an lcore; returns its result. */
int
fastmem_test_on_lcore(unsigned int lcore_id, int (*fn)(void *arg), void *arg);

#endif /* TEST_FASTMEM_NUMA_H */
