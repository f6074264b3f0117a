/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <string.h>
#include <unistd.h>

#include "fastmem_block.h"

#define MAX_CACHES (1 + RTE_MAX_NUMA_NODES * FASTMEM_N_CLASSES)

/* Stands for the block of those who have none; never written to. */
static union {
	struct fastmem_block block;
	uint8_t bytes[sizeof(struct fastmem_block) +
		MAX_CACHES * sizeof(struct fastmem_cache)];
} block_nil;

struct fastmem_process fastmem_process;
RTE_DEFINE_PER_LCORE(struct fastmem_lcore *, fastmem_self) =
	&fastmem_process.lcores[0];

static void
lcore_set_nil(struct fastmem_lcore *lcore)
{
	lcore->block = NULL;
	lcore->caches = block_nil.block.caches;
	lcore->own = block_nil.block.caches;
	lcore->last = block_nil.block.caches;
}

RTE_INIT(fastmem_block_init_lcores)
{
	unsigned int i;

	for (i = 0; i < RTE_DIM(fastmem_process.lcores); i++)
		lcore_set_nil(&fastmem_process.lcores[i]);
}

void
fastmem_block_attach(struct fastmem_root *root)
{
	unsigned int i;

	for (i = 0; i < RTE_DIM(fastmem_process.lcores); i++)
		lcore_set_nil(&fastmem_process.lcores[i]);
	memset(&fastmem_process.dir, 0, sizeof(fastmem_process.dir));
	if (root != NULL)
		fastmem_process.dir = root->dir;
	fastmem_process.root = root;
}

static size_t
block_bytes(const struct fastmem_root *root)
{
	return sizeof(struct fastmem_block) + (1 + root->n_bins) *
		(sizeof(struct fastmem_cache) + sizeof(struct fastmem_cache_counts));
}

static void
block_init(struct fastmem_block *block, struct fastmem_root *root,
	unsigned int lcore_id, unsigned int socket_idx)
{
	struct fastmem_cache *cache;
	unsigned int i;

	memset(block, 0, block_bytes(root));
	block->lcore_id = lcore_id;
	block->own_row = fastmem_root_bin_index(socket_idx, 0);
	block->base = (void *)&block->caches[1 + root->n_bins];
	for (i = 1; i <= root->n_bins; i++) {
		cache = &block->caches[i];
		cache->index = i;
		cache->depot = fastmem_root_depot(root, i);
		cache->misalign = fastmem_bin_size(&cache->depot->bin) - 1;
	}
}

/* Find a block that the lcore's predecessor gave up, and go on counting. */
static struct fastmem_block *
block_reuse(struct fastmem_root *root, unsigned int lcore_id, uint32_t own_row)
{
	struct fastmem_block *block;

	rte_spinlock_lock(&root->block_lock);
	block = (struct fastmem_block *)rte_atomic_load_explicit(&root->blocks,
		rte_memory_order_relaxed);
	for (; block != NULL; block = block->next)
		if (block->owner == 0 && block->lcore_id == lcore_id &&
				block->own_row == own_row)
			break;
	if (block != NULL)
		block->owner = getpid();
	rte_spinlock_unlock(&root->block_lock);
	fastmem_race_point(FASTMEM_RACE_BLOCK_SEARCHED);
	return block;
}

static struct fastmem_block *
block_create(struct fastmem_root *root, unsigned int lcore_id,
	unsigned int socket_idx)
{
	struct fastmem_block *block;

	/* No growth for it: until there is memory, the lcore does without. */
	block = fastmem_backing_meta_alloc(&root->sockets[socket_idx].backing,
		FASTMEM_META_PLAIN, block_bytes(root), false);
	if (block == NULL)
		return NULL;
	block_init(block, root, lcore_id, socket_idx);
	fastmem_race_point(FASTMEM_RACE_BLOCK_CREATED);
	rte_spinlock_lock(&root->block_lock);
	block->owner = getpid();
	block->next = (struct fastmem_block *)rte_atomic_load_explicit(
		&root->blocks, rte_memory_order_relaxed);
	/* Release: readers of statistics follow the list without the lock. */
	rte_atomic_store_explicit(&root->blocks, (uintptr_t)block,
		rte_memory_order_release);
	rte_spinlock_unlock(&root->block_lock);
	return block;
}

/* The calling thread's block; NULL if it has none and cannot have one. */
static struct fastmem_block *
block_self(void)
{
	struct fastmem_lcore *self = fastmem_lcore_self();
	struct fastmem_root *root = fastmem_process.root;
	unsigned int lcore_id = rte_lcore_id(), socket_idx;
	struct fastmem_block *block;

	if (self->block != NULL)
		return self->block;
	if (lcore_id == LCORE_ID_ANY)
		return NULL;
	self = &fastmem_process.lcores[1 + lcore_id];
	RTE_PER_LCORE(fastmem_self) = self;
	socket_idx = fastmem_root_own_socket(root);
	block = block_reuse(root, lcore_id, fastmem_root_bin_index(socket_idx, 0));
	if (block == NULL)
		block = block_create(root, lcore_id, socket_idx);
	if (block != NULL) {
		fastmem_race_point(FASTMEM_RACE_BLOCK_FOUND);
		self->block = block;
		fastmem_race_point(FASTMEM_RACE_BLOCK_SET);
		self->caches = block->caches;
		self->own = &block->caches[block->own_row];
		self->last = block->caches;
	}
	return block;
}

bool
fastmem_block_alloc(unsigned int index, void **ptrs, unsigned int n,
	unsigned int flags)
{
	struct fastmem_block *block = block_self();
	struct fastmem_depot *depot;
	void *obj;

	if (n != 1) {
		if (block != NULL)
			return fastmem_cache_alloc_bulk(&block->caches[index],
				ptrs, n, flags);
		depot = fastmem_root_depot(fastmem_process.root, index);
		return fastmem_depot_shared_alloc_bulk(depot, ptrs, n, flags);
	}
	if (block != NULL) {
		obj = fastmem_cache_alloc(&block->caches[index], flags);
	} else {
		depot = fastmem_root_depot(fastmem_process.root, index);
		obj = fastmem_depot_shared_alloc(depot, flags);
	}
	if (obj == NULL)
		return false;
	ptrs[0] = obj;
	return true;
}

void
fastmem_block_free(unsigned int index, void *const *ptrs, unsigned int n)
{
	struct fastmem_block *block = block_self();

	if (block != NULL)
		fastmem_cache_free_bulk(&block->caches[index], ptrs, n);
	else
		fastmem_depot_shared_free(fastmem_root_depot(
			fastmem_process.root, index), ptrs, n);
}

void
fastmem_block_flush_self(void)
{
	struct fastmem_block *block = fastmem_lcore_self()->block;
	unsigned int i;

	for (i = 1; block != NULL && i <= fastmem_process.root->n_bins; i++)
		fastmem_cache_flush(&block->caches[i]);
}

void
fastmem_block_retire(unsigned int lcore_id)
{
	struct fastmem_lcore *lcore = &fastmem_process.lcores[1 + lcore_id];
	struct fastmem_root *root = fastmem_process.root;
	struct fastmem_block *block = lcore->block;
	unsigned int i;

	if (block == NULL)
		return;
	for (i = 1; i <= root->n_bins; i++)
		fastmem_cache_retire(&block->caches[i]);
	fastmem_race_point(FASTMEM_RACE_BLOCK_EMPTIED);
	lcore_set_nil(lcore);
	fastmem_race_point(FASTMEM_RACE_BLOCK_LEFT);
	rte_spinlock_lock(&root->block_lock);
	block->owner = 0;
	rte_spinlock_unlock(&root->block_lock);
}

void
fastmem_block_forget_self(void)
{
	RTE_PER_LCORE(fastmem_self) = &fastmem_process.lcores[0];
}
