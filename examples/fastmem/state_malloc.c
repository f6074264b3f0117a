/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * State in the DPDK heap, by rte_malloc().
 */

#include <rte_common.h>
#include <rte_malloc.h>

#include "state.h"

static int
malloc_open(__rte_unused const unsigned int max[STATE_N_TYPES])
{
	return 0;
}

static void *
malloc_alloc(__rte_unused enum state_type type, size_t size)
{
	return rte_malloc(NULL, size, 0);
}

static void
malloc_free(__rte_unused enum state_type type, void *obj)
{
	rte_free(obj);
}

/* What is left in the heap is for the caller to find. */
static unsigned int
malloc_close(void)
{
	return 0;
}

const struct state_ops state_malloc = {
	.name = "malloc",
	.open = malloc_open,
	.alloc = malloc_alloc,
	.free = malloc_free,
	.close = malloc_close,
};
