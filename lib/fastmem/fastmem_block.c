/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <errno.h>
#include <string.h>

#include "fastmem_block.h"

/* Blocks are used again and again, so this takes that many threads at once. The
 * few that may be made at the same moment have numbers left, too.
 */
#define BLOCKS_MAX (FASTMEM_OWNER_MAX - FASTMEM_OWNER_BLOCKS - 1024)

static size_t
block_bytes(const struct fastmem_root *root)
{
	return sizeof(struct fastmem_block) + (1 + root->n_caches) *
		(sizeof(struct fastmem_cache) + sizeof(struct fastmem_cache_base));
}

static void
block_init(struct fastmem_block *block, struct fastmem_root *root,
	unsigned int lcore_id, unsigned int socket_idx)
{
	struct fastmem_shape shape;
	struct fastmem_cache *cache;
	unsigned int i;

	memset(block, 0, block_bytes(root));
	/* Of what is in no bin, nothing is an object. */
	block->caches[0].core.misalign = UINTPTR_MAX;
	block->caches[0].core.plain = UINT32_MAX;
	block->lcore_id = lcore_id;
	block->journal.request = &block->request;
	block->own_row = fastmem_root_bin_index(socket_idx, 0);
	block->base = (void *)&block->caches[1 + root->n_caches];
	for (i = 1; i <= root->n_caches; i++) {
		cache = &block->caches[i];
		cache->depot = fastmem_root_depot(root, i);
		cache->journal = &block->journal;
		cache->core.index = i;
		/* Inline functions know no types; handles need no check. */
		cache->core.misalign = UINTPTR_MAX;
		cache->core.plain = UINT32_MAX;
		if (i > root->n_bins)
			continue;
		shape = cache->depot->bin.shape;
		cache->core.color = shape.color;
		cache->core.misalign = fastmem_dir_misalign(&root->dir,
			shape.size);
		cache->core.plain = (shape.size - 1) & ~shape.color;
	}
}

/* Find a block that the lcore's predecessor gave up, or any ended thread on the
 * same socket, and go on counting.
 */
static struct fastmem_block *
block_reuse(struct fastmem_root *root, unsigned int owner,
	unsigned int lcore_id, uint32_t own_row)
{
	struct fastmem_block *block;

	fastmem_lock(&root->block_lock);
	block = (struct fastmem_block *)rte_atomic_load_explicit(&root->blocks,
		rte_memory_order_relaxed);
	for (; block != NULL; block = block->next)
		if (fastmem_block_owner(block) == FASTMEM_PROCESS_NONE &&
				block->lcore_id == lcore_id &&
				block->own_row == own_row)
			break;
	if (block != NULL)
		fastmem_block_set_owner(block, owner);
	fastmem_unlock(&root->block_lock);
	fastmem_race_point(FASTMEM_RACE_BLOCK_SEARCHED);
	return block;
}

static struct fastmem_block *
block_create(struct fastmem_root *root, unsigned int owner,
	unsigned int lcore_id, unsigned int socket_idx, bool grow)
{
	struct fastmem_block *block;
	uint32_t n_blocks;

	if (rte_atomic_load_explicit(&root->n_blocks,
			rte_memory_order_relaxed) >= BLOCKS_MAX)
		return NULL;
	block = fastmem_backing_meta_alloc(&root->sockets[socket_idx].backing,
		FASTMEM_META_PLAIN, block_bytes(root), grow);
	if (block == NULL)
		return NULL;
	block_init(block, root, lcore_id, socket_idx);
	fastmem_race_point(FASTMEM_RACE_BLOCK_CREATED);
	fastmem_lock(&root->block_lock);
	fastmem_block_set_owner(block, owner);
	n_blocks = rte_atomic_load_explicit(&root->n_blocks,
		rte_memory_order_relaxed);
	rte_atomic_store_explicit(&root->n_blocks, n_blocks + 1,
		rte_memory_order_relaxed);
	block->journal.hand.owner = FASTMEM_OWNER_BLOCKS + n_blocks;
	block->next = (struct fastmem_block *)rte_atomic_load_explicit(
		&root->blocks, rte_memory_order_relaxed);
	/* Release: readers of statistics follow the list without the lock. */
	rte_atomic_store_explicit(&root->blocks, (uintptr_t)block,
		rte_memory_order_release);
	fastmem_unlock(&root->block_lock);
	return block;
}

struct fastmem_block *
fastmem_block_find(struct fastmem_root *root, unsigned int owner,
	unsigned int lcore_id, unsigned int socket_idx)
{
	struct fastmem_block *block = block_reuse(root, owner, lcore_id,
		fastmem_root_bin_index(socket_idx, 0));

	/* No growth for it: until there is memory, the lcore does without. */
	return block != NULL ? block :
		block_create(root, owner, lcore_id, socket_idx, false);
}

void
fastmem_block_flush(struct fastmem_root *root, struct fastmem_block *block)
{
	unsigned int i;

	for (i = 1; block != NULL && i <= root->n_caches; i++)
		fastmem_cache_flush(&block->caches[i]);
}

void
fastmem_block_resize_all(struct fastmem_root *root)
{
	struct fastmem_block *block;
	unsigned int i;

	block = (struct fastmem_block *)rte_atomic_load_explicit(&root->blocks,
		rte_memory_order_acquire);
	for (; block != NULL; block = block->next)
		for (i = 1; i <= root->n_caches; i++)
			fastmem_cache_resize(&block->caches[i]);
}

void
fastmem_block_give_up(struct fastmem_root *root, struct fastmem_block *block)
{
	unsigned int i;

	for (i = 1; i <= root->n_caches; i++)
		fastmem_cache_retire(&block->caches[i]);
	fastmem_race_point(FASTMEM_RACE_BLOCK_LEFT);
	fastmem_lock(&root->block_lock);
	fastmem_block_set_owner(block, FASTMEM_PROCESS_NONE);
	fastmem_unlock(&root->block_lock);
}

int
fastmem_block_attach_peer(struct fastmem_root *root, unsigned int owner,
	unsigned int socket_idx, unsigned int flags)
{
	struct fastmem_peer *peer = &root->peers[owner - FASTMEM_PROCESS_PEERS];

	peer->spare = fastmem_block_find(root, owner, LCORE_ID_ANY, socket_idx);
	if (peer->spare == NULL && (flags & RTE_FASTMEM_F_NO_GROW) == 0)
		peer->spare = block_create(root, owner, LCORE_ID_ANY,
			socket_idx, true);
	return peer->spare != NULL ? 0 : -ENOMEM;
}

static struct fastmem_depot *
find_depot(void *root, unsigned int index)
{
	return fastmem_root_depot(root, index);
}

/* Take back an object that a killed thread had asked for and did not get. */
static void
block_take_back(struct fastmem_request *request)
{
	if (rte_atomic_load_explicit(&request->state,
			rte_memory_order_acquire) == FASTMEM_REQUEST_DONE &&
			request->op == FASTMEM_REQUEST_ALLOC &&
			request->obj != NULL)
		fastmem_cache_free_bulk(request->cache, &request->obj, 1);
	rte_atomic_store_explicit(&request->state, FASTMEM_REQUEST_IDLE,
		rte_memory_order_relaxed);
}

/* Give up a block whose thread may have been killed at any point. */
static void
block_rescue(struct fastmem_root *root, struct fastmem_block *block)
{
	unsigned int i;

	fastmem_journal_finish(&block->journal, find_depot, root);
	for (i = 1; i <= root->n_caches; i++)
		fastmem_cache_settle(&block->caches[i]);
	block_take_back(&block->request);
	fastmem_block_give_up(root, block);
}

void
fastmem_block_detach_peer(struct fastmem_root *root, unsigned int owner)
{
	struct fastmem_block *block;

	block = (struct fastmem_block *)rte_atomic_load_explicit(&root->blocks,
		rte_memory_order_acquire);
	for (; block != NULL; block = block->next)
		if (fastmem_block_owner(block) == owner)
			block_rescue(root, block);
}

/* Tell if nothing is left of who gave a block up. */
static bool
block_is_empty(const struct fastmem_root *root,
	const struct fastmem_block *block)
{
	const struct fastmem_cache *cache;
	unsigned int i;

	for (i = 1; i <= root->n_caches; i++) {
		cache = &block->caches[i];
		if (cache->core.objs != NULL || cache->prev != NULL)
			return false;
	}
	return true;
}

/* Tell if a block belongs to nobody, or to a process that is there. */
static bool
block_is_owned(const struct fastmem_root *root, uint32_t owner)
{
	return owner < FASTMEM_PROCESS_PEERS ||
		(owner - FASTMEM_PROCESS_PEERS < FASTMEM_MAX_PEERS &&
		rte_atomic_load_explicit(
			&root->peers[owner - FASTMEM_PROCESS_PEERS].used,
			rte_memory_order_acquire) != 0);
}

unsigned int
fastmem_block_audit(struct fastmem_root *root, unsigned int socket_idx,
	uint64_t *meta_bytes)
{
	const struct fastmem_block *block;
	unsigned int errors = 0;
	uint32_t owner;

	*meta_bytes = 0;
	block = (const struct fastmem_block *)rte_atomic_load_explicit(
		&root->blocks, rte_memory_order_acquire);
	for (; block != NULL; block = block->next) {
		if (block->own_row != fastmem_root_bin_index(socket_idx, 0))
			continue;
		*meta_bytes += fastmem_meta_chunk_bytes(block_bytes(root));
		owner = fastmem_block_owner(block);
		if (!block_is_owned(root, owner)) {
			FASTMEM_LOG(ERR, "audit: the caches of block %u are those of a process that is gone",
				block->journal.hand.owner);
			errors++;
		}
		/* A thread that waits for nothing has nothing on its way. */
		if (block->journal.chain != NULL ||
				(owner == FASTMEM_PROCESS_NONE &&
				!block_is_empty(root, block))) {
			FASTMEM_LOG(ERR, "audit: block %u has magazines that nobody uses",
				block->journal.hand.owner);
			errors++;
		}
	}
	return errors;
}
