/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * The life of a fixed pool, and its count.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_memzone.h>
#include <rte_pause.h>

#include "fastmem_fixed.h"
#include "fastmem_mag.h"

/* Magazines of small pools are as large as the pool, so that a thread which is
 * alone never needs another one. Those of large pools need not be larger: what
 * an exchange costs is little, divided by this. Counts have to fit in a state.
 */
#define MAG_MIN_SIZE (RTE_CACHE_LINE_SIZE / sizeof(void *))
#define MAG_MAX_SIZE 128

static_assert(MAG_MAX_SIZE <= FIXED_STATE_COUNT_MASK,
	"count of a magazine does not fit in a state");

/* How long to wait for a lock when counting; its holder may be preempted. */
#define COUNT_PAUSES 1000

/* Beside "MP_", which memzones of mempools begin with, and as short as what
 * begins the names of rings, which limits the names of mempools.
 */
#define ZONE_FORMAT "FM_" RTE_MEMPOOL_MZ_FORMAT

static_assert(sizeof(ZONE_FORMAT) - sizeof("%s") + RTE_MEMPOOL_NAMESIZE <=
	RTE_MEMZONE_NAMESIZE, "name of a memzone is too long");

RTE_LOG_REGISTER_DEFAULT(fastmem_fixed_logtype, NOTICE);

static size_t
mag_bytes(uint32_t mag_size)
{
	return sizeof(struct fixed_mag) + mag_size * sizeof(void *);
}

static void
pool_init(struct fixed_pool *pool, uint32_t mag_size, size_t n_mags)
{
	struct fixed_shard *shard;
	struct fixed_mag *mag;
	unsigned int i;
	size_t n;

	memset(pool, 0, sizeof(*pool));
	pool->mag_size = mag_size;
	for (n = n_mags; n > 0; n--) {
		mag = RTE_PTR_ADD(pool, sizeof(*pool) +
			(n - 1) * mag_bytes(mag_size));
		memset(mag, 0, sizeof(*mag));
		if (n > FIXED_N_SHARDS)
			stack_push(pool, &pool->empty, mag);
		else
			pool->shards[n - 1].loaded = mag;
	}
	for (i = 0; i < FIXED_N_SHARDS; i++) {
		shard = &pool->shards[i];
		/* Relaxed: a mempool is not shared before it is populated. */
		rte_atomic_store_explicit(&shard->state, FIXED_STATE_UNUSED,
			rte_memory_order_relaxed);
	}
}

int
fastmem_fixed_create(struct rte_mempool *mp)
{
	char name[RTE_MEMZONE_NAMESIZE];
	const struct rte_memzone *zone;
	struct fixed_pool *pool;
	uint32_t mag_size;
	size_t n_mags, bytes;
	int err;

	mag_size = RTE_MIN(mp->size, (uint32_t)MAG_MAX_SIZE);
	mag_size = rte_align32pow2(RTE_MAX(mag_size, (uint32_t)MAG_MIN_SIZE));
	n_mags = mp->size / mag_size + FIXED_N_SHARDS;
	bytes = sizeof(*pool) + n_mags * mag_bytes(mag_size);
	if (bytes / RTE_CACHE_LINE_SIZE > UINT32_MAX)
		return -E2BIG;

	snprintf(name, sizeof(name), ZONE_FORMAT, mp->name);
	zone = rte_memzone_reserve_aligned(name, bytes, mp->socket_id, 0,
		FIXED_SHARD_ALIGN);
	if (zone == NULL) {
		err = rte_errno;
		FIXED_LOG(ERR, "No memzone %s of %zu B: %s", name, bytes,
			rte_strerror(err));
		return -err;
	}
	pool = zone->addr;
	pool_init(pool, mag_size, n_mags);
	pool->zone = zone;
	mp->pool_data = pool;
	return 0;
}

void
fastmem_fixed_free(struct rte_mempool *mp)
{
	struct fixed_pool *pool = mp->pool_data;

	if (pool != NULL)
		rte_memzone_free(pool->zone);
}

/* The state of a shard that is not locked, or FIXED_STATE_UNUSED if that takes
 * too long: what is in the loaded magazine is not known then. Acquire: the
 * counts of that moment.
 */
static uint64_t
shard_wait(const struct fixed_shard *shard)
{
	uint64_t state;
	unsigned int i;

	for (i = 0; i < COUNT_PAUSES; i++) {
		state = rte_atomic_load_explicit(&shard->state,
			rte_memory_order_acquire);
		if (state != FIXED_STATE_TAKEN)
			return state;
		rte_pause();
	}
	return FIXED_STATE_UNUSED;
}

unsigned int
fastmem_fixed_count(const struct rte_mempool *mp)
{
	const struct fixed_pool *pool = mp->pool_data;
	const struct fixed_shard *shard;
	uint64_t objs = 0, mags = 0;
	uint64_t state;
	unsigned int i;

	for (i = 0; i < FIXED_N_SHARDS; i++) {
		shard = &pool->shards[i];
		state = shard_wait(shard);
		if (fixed_state_is_free(state))
			objs += fixed_state_count(state);
		mags += rte_atomic_load_explicit(&shard->full.count,
			rte_memory_order_relaxed);
	}
	mags += stack_count(pool, &pool->full);
	objs += mags * pool->mag_size;
	/* What moves while we count may be counted twice. */
	return RTE_MIN(objs, (uint64_t)mp->size);
}
