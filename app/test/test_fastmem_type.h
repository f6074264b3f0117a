/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef TEST_FASTMEM_TYPE_H
#define TEST_FASTMEM_TYPE_H

/*
 * What the tests of types share.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_fastmem.h>
#include <rte_stdatomic.h>

#include "test.h"

#define FASTMEM_TEST_TYPE_COMMAND "fastmem_type_autotest"
#define FASTMEM_TEST_TYPE_COUNTS 3
/* Live bytes at a time, since EAL may have little. */
#define FASTMEM_TEST_TYPE_BUDGET ((size_t)6 << 20)

extern struct unit_test_suite fastmem_type_fixed_testsuite;
extern struct unit_test_suite fastmem_type_life_testsuite;

/* What the constructor makes. */
struct fastmem_test_typed {
	uint64_t mark;
	struct fastmem_test_typed *self;
	RTE_ATOMIC(uint32_t) owner; /* 0 while it is free */
};

/* How often constructors and destructors ran, by type. */
struct fastmem_test_type_counts {
	RTE_ATOMIC(uint64_t) n_built;
	RTE_ATOMIC(uint64_t) n_gone;
	RTE_ATOMIC(uint64_t) n_wrong;
};

extern struct fastmem_test_type_counts fastmem_test_counts[FASTMEM_TEST_TYPE_COUNTS];

int
fastmem_test_type_setup(void);

/* In the secondary process. */
int
fastmem_test_type_peer(uint32_t task, void *data);

/* Objects that the constructor of a type has made, that its destructor has ended,
 * and that either has found to be wrong.
 */
uint64_t
fastmem_test_built(unsigned int type);

uint64_t
fastmem_test_gone(unsigned int type);

uint64_t
fastmem_test_wrong(unsigned int type);

bool
fastmem_test_object_is_built(const struct fastmem_test_typed *obj);

/* The parameters of a type on the own socket. */
struct rte_fastmem_type_params
fastmem_test_type_params(const char *name, size_t size, size_t align);

/* The same with a constructor and a destructor, which use the first counts. */
struct rte_fastmem_type_params
fastmem_test_type_built(const char *name, size_t size);

int
fastmem_test_type_create(const struct rte_fastmem_type_params *params,
	rte_fastmem_handle_t *handle);

/* All objects were freed by this thread: expect nothing to be left. */
int
fastmem_test_type_destroy(rte_fastmem_handle_t handle);

/* The size of the objects of a type. */
size_t
fastmem_test_type_size(size_t size, size_t align);

#endif /* TEST_FASTMEM_TYPE_H */
