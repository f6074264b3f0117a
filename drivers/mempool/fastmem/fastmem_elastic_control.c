/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/**
 * @file
 * Control of elastic pools.
 */

#include <errno.h>
#include <string.h>

#include <eal_export.h>
#include <rte_eal.h>
#include <rte_lcore.h>

#include "fastmem_elastic.h"

bool
fastmem_elastic_is(const struct rte_mempool *mp)
{
	return mp != NULL && mp->pool_data != NULL &&
		strcmp(rte_mempool_get_ops(mp->ops_index)->name,
			RTE_FASTMEM_ELASTIC_OPS_NAME) == 0;
}

/* Begin an interval of the policy. */
static void
pool_reckon(struct elastic_pool *pool)
	__rte_requires_capability(&pool->local->trim_lock)
{
	pool->local->n_ticks = 0;
	rte_atomic_store_explicit(&pool->used_max, elastic_n_used(pool),
		rte_memory_order_relaxed);
}

void
fastmem_elastic_set_policy(struct elastic_pool *pool,
	const struct rte_fastmem_elastic_policy *policy)
{
	elastic_lock(&pool->local->trim_lock);
	pool->local->policy = *policy;
	pool_reckon(pool);
	elastic_unlock(&pool->local->trim_lock);
}

/* 0, or what a call that is for the primary process has to return. */
static int
control_check(const struct rte_mempool *mp)
{
	if (!fastmem_elastic_is(mp))
		return -EINVAL;
	return rte_eal_process_type() == RTE_PROC_PRIMARY ? 0 : -ENOTSUP;
}

static uint64_t
slab_releases(const struct elastic_pool *pool)
{
	struct rte_fastmem_class_stats stats;

	return rte_fastmem_type_stats(pool->handle, &stats) == 0 ?
		stats.slab_releases : 0;
}

static uint64_t
pool_trim(struct elastic_pool *pool, unsigned int keep)
	__rte_requires_capability(&pool->local->trim_lock)
{
	unsigned int lcore_id = rte_lcore_id();
	struct rte_mempool_cache *cache = NULL;
	uint64_t before = slab_releases(pool);

#ifdef RTE_LIBRTE_MEMPOOL_DEBUG
	keep = pool->size;
#endif
	if (lcore_id != LCORE_ID_ANY)
		cache = rte_mempool_default_cache(pool->mp, lcore_id);
	if (cache != NULL)
		rte_mempool_cache_flush(cache, pool->mp);
	fastmem_elastic_shrink(pool, keep);
	return (slab_releases(pool) - before) * ELASTIC_SLAB_BYTES;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_elastic_trim, 26.11)
int
rte_fastmem_elastic_trim(struct rte_mempool *mp, unsigned int keep,
	size_t *bytes)
{
	int ret = control_check(mp);
	struct elastic_pool *pool;
	uint64_t n;

	if (ret != 0)
		return ret;
	pool = mp->pool_data;
	elastic_lock(&pool->local->trim_lock);
	n = pool_trim(pool, keep);
	elastic_unlock(&pool->local->trim_lock);
	if (bytes != NULL)
		*bytes = n;
	return 0;
}

/* Objects that the policy wants to be kept. */
static uint64_t
pool_need(struct elastic_pool *pool)
	__rte_requires_capability(&pool->local->trim_lock)
{
	const struct rte_fastmem_elastic_policy *policy = &pool->local->policy;
	uint64_t used = rte_atomic_load_explicit(&pool->used_max,
		rte_memory_order_relaxed);

	used += (used * policy->spare_percent + 99) / 100;
	return RTE_MAX(used, (uint64_t)policy->min_objs);
}

static bool
pool_tick(struct elastic_pool *pool)
	__rte_requires_capability(&pool->local->trim_lock)
{
	struct elastic_local *local = pool->local;
	/* of the slab that has the fewest */
	const uint64_t slab_objs = RTE_MAX(ELASTIC_SLAB_LEAST_BYTES /
		pool->obj_bytes, UINT64_C(1));
	uint64_t need, n = 0;

	if (local->policy.n_ticks == 0 ||
			++local->n_ticks < local->policy.n_ticks)
		return false;
	need = pool_need(pool);
	if (elastic_n_constructed(pool) >= need + slab_objs)
		n = pool_trim(pool, need);
	pool_reckon(pool);
	return n != 0;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_elastic_tick, 26.11)
int
rte_fastmem_elastic_tick(struct rte_mempool *mp)
{
	int ret = control_check(mp);
	struct elastic_pool *pool;

	if (ret != 0)
		return ret;
	pool = mp->pool_data;
	elastic_lock(&pool->local->trim_lock);
	ret = pool_tick(pool);
	elastic_unlock(&pool->local->trim_lock);
	return ret;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_elastic_policy_set, 26.11)
int
rte_fastmem_elastic_policy_set(struct rte_mempool *mp,
	const struct rte_fastmem_elastic_policy *policy)
{
	int ret = control_check(mp);

	if (ret != 0 || policy == NULL)
		return ret != 0 ? ret : -EINVAL;
	fastmem_elastic_set_policy(mp->pool_data, policy);
	return 0;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_elastic_obj_iter, 26.11)
int64_t
rte_fastmem_elastic_obj_iter(struct rte_mempool *mp,
	rte_mempool_obj_cb_t *obj_cb, void *obj_cb_arg)
{
	int64_t ret = control_check(mp);
	struct elastic_pool *pool;

	if (ret != 0)
		return ret;
	pool = mp->pool_data;
	elastic_lock(&pool->local->list_lock);
	ret = rte_mempool_obj_iter(mp, obj_cb, obj_cb_arg);
	elastic_unlock(&pool->local->list_lock);
	return ret;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_elastic_stats, 26.11)
int
rte_fastmem_elastic_stats(const struct rte_mempool *mp,
	struct rte_fastmem_elastic_stats *stats)
{
	struct rte_fastmem_class_stats ts;
	struct elastic_pool *pool;
	int ret;

	if (!fastmem_elastic_is(mp) || stats == NULL)
		return -EINVAL;
	pool = mp->pool_data;
	ret = rte_fastmem_type_stats(pool->handle, &ts);
	if (ret != 0)
		return ret;
	memset(stats, 0, sizeof(*stats));
	stats->size = pool->size;
	stats->n_constructed = elastic_n_constructed(pool);
	stats->n_used = RTE_MIN(elastic_n_used(pool), pool->size);
	stats->n_used_max = rte_atomic_load_explicit(&pool->used_max,
		rte_memory_order_relaxed);
	stats->bytes = (ts.slabs_partial + ts.slabs_full) * ELASTIC_SLAB_BYTES;
	return 0;
}
