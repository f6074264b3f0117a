/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef TEST_FASTMEM_ELASTIC_H
#define TEST_FASTMEM_ELASTIC_H

/*
 * What the tests of elastic mempools share.
 */

#include <stdbool.h>
#include <stdint.h>

#include <rte_mempool.h>

#include "test.h"

#define FASTMEM_TEST_ELASTIC_COMMAND "fastmem_elastic_autotest"
#define FASTMEM_TEST_ELASTIC_OBJS 3000
#define FASTMEM_TEST_ELASTIC_SIZE 1000

extern struct unit_test_suite fastmem_elastic_memory_testsuite;

/* Objects that the constructor has made. */
extern unsigned int fastmem_test_n_built;

int
fastmem_test_elastic_setup(void);

void
fastmem_test_elastic_teardown(void);

/* In the secondary process. */
int
fastmem_test_elastic_peer(uint32_t task, void *data);

/* The constructor of objects, whose argument is &fastmem_test_n_built. */
void
fastmem_test_elastic_init(struct rte_mempool *mp, void *arg, void *obj,
	unsigned int idx);

bool
fastmem_test_elastic_built(const void *obj);

/* A pool named "elastic", or NULL. */
struct rte_mempool *
fastmem_test_elastic(unsigned int n, unsigned int elt_size,
	unsigned int cache_size);

/* Objects that a pool has. */
unsigned int
fastmem_test_constructed(const struct rte_mempool *mp);

/* Expect mempool's list to have all objects that there are, each once. */
int
fastmem_test_elastic_list(struct rte_mempool *mp);

/* Expect so many objects to be in use. */
int
fastmem_test_elastic_counts(struct rte_mempool *mp, unsigned int in_use);

#endif /* TEST_FASTMEM_ELASTIC_H */
