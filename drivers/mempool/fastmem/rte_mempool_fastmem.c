/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <rte_mempool.h>

#include "fastmem_fixed.h"

static int
fixed_enqueue(struct rte_mempool *mp, void * const *obj_table, unsigned int n)
{
	struct fixed_pool *pool = mp->pool_data;
	struct fixed_shard *shard = fixed_home(pool);
	uint64_t state = fixed_lock_try(shard);
	uint32_t count = fixed_state_count(state);

	if (likely(fixed_state_is_free(state) && n <= pool->mag_size - count)) {
		fixed_copy(&shard->loaded->objs[count], obj_table, n);
		fixed_unlock(shard, state, n);
		return 0;
	}
	return fastmem_shard_enqueue(pool, shard, state, obj_table, n);
}

static int
fixed_dequeue(struct rte_mempool *mp, void **obj_table, unsigned int n)
{
	struct fixed_pool *pool = mp->pool_data;
	struct fixed_shard *shard = fixed_home(pool);
	uint64_t state = fixed_lock_try(shard);
	uint32_t count = fixed_state_count(state);

	if (likely(fixed_state_is_free(state) && n <= count)) {
		fixed_copy(obj_table, &shard->loaded->objs[count - n], n);
		fixed_unlock(shard, state, -(int64_t)n);
		return 0;
	}
	return fastmem_shard_dequeue(pool, shard, state, obj_table, n);
}

static const struct rte_mempool_ops ops_fastmem = {
	.name = "fastmem",
	.alloc = fastmem_fixed_create,
	.free = fastmem_fixed_free,
	.enqueue = fixed_enqueue,
	.dequeue = fixed_dequeue,
	.get_count = fastmem_fixed_count,
};

RTE_MEMPOOL_REGISTER_OPS(ops_fastmem);
