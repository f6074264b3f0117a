/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef TEST_FASTMEM_POOL_H
#define TEST_FASTMEM_POOL_H

/*
 * What test_fastmem_pool_scenario.h does with pools, for each of the files that
 * it is compiled in: one with mempool's own pools, one with those of fastmem.
 */

#include <stdint.h>

/* What a scenario has seen, to be compared with the other pools'. */
#define FASTMEM_POOL_MAX_NOTES 256

struct fastmem_pool_notes {
	unsigned int n;
	struct {
		const char *what;
		uint64_t value;
	} list[FASTMEM_POOL_MAX_NOTES];
};

struct fastmem_pool_cycles {
	double single;
	double bulk;
};

struct fastmem_pool_impl {
	const char *name;
	/* Arguments that are refused, names, and what a pool tells of itself. */
	int (*borders)(struct fastmem_pool_notes *notes);
	/* A pool is emptied and filled: n objects, and its cache size. */
	int (*life)(struct fastmem_pool_notes *notes, unsigned int n,
		unsigned int elt_size, unsigned int cache_size,
		unsigned int flags);
	/* Two lcores use the same object in turns. */
	int (*token)(void);
	/* All lcores get and put; each object belongs to one at a time. */
	int (*stress)(unsigned int cache_size);
	/* TSC cycles of get + put, per object; less than 0: failed. */
	struct fastmem_pool_cycles (*cycles)(void);
};

extern const struct fastmem_pool_impl fastmem_pool_mempool;
extern const struct fastmem_pool_impl fastmem_pool_fastmem;

#endif /* TEST_FASTMEM_POOL_H */
