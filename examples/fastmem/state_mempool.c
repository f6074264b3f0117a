/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * State in mempools: one for each kind of objects, which holds as many as there
 * may ever be, of the largest size.
 */

#include <errno.h>
#include <stdio.h>

#include <rte_common.h>
#include <rte_lcore.h>
#include <rte_memory.h>
#include <rte_mempool.h>

#include "state.h"

#define CACHE_SIZE 256

static struct rte_mempool *pools[STATE_N_TYPES];

static unsigned int
mempool_close(void)
{
	unsigned int errors = 0, i;

	for (i = 0; i < STATE_N_TYPES; i++) {
		if (pools[i] != NULL && !rte_mempool_full(pools[i])) {
			printf("mempool: %u objects of %s are left\n",
				rte_mempool_in_use_count(pools[i]),
				state_infos[i].name);
			errors++;
		}
		rte_mempool_free(pools[i]);
		pools[i] = NULL;
	}
	return errors;
}

/* Pools for the worst case. 8< */
static int
mempool_open(const unsigned int max[STATE_N_TYPES])
{
	/* What other lcores have in their caches cannot be got. */
	const unsigned int cached = rte_lcore_count() * 2 * CACHE_SIZE;
	unsigned int i;

	for (i = 0; i < STATE_N_TYPES; i++) {
		pools[i] = rte_mempool_create(state_infos[i].name,
			max[i] + cached, state_infos[i].size, CACHE_SIZE, 0,
			NULL, NULL, NULL, NULL, SOCKET_ID_ANY, 0);
		if (pools[i] == NULL) {
			/* rte_errno may be that of what cleaned up behind it */
			mempool_close();
			return -ENOMEM;
		}
	}
	return 0;
}

/* >8 End of pools for the worst case. */

static void *
mempool_alloc(enum state_type type, __rte_unused size_t size)
{
	void *obj;

	return rte_mempool_get(pools[type], &obj) == 0 ? obj : NULL;
}

static void
mempool_free(enum state_type type, void *obj)
{
	rte_mempool_put(pools[type], obj);
}

const struct state_ops state_mempool = {
	.name = "mempool",
	.open = mempool_open,
	.alloc = mempool_alloc,
	.free = mempool_free,
	.close = mempool_close,
};
