/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <errno.h>
#include <string.h>

#include <eal_export.h>
#include <rte_eal.h>

#include "fastmem_block.h"
#include "fastmem_remote.h"

/* Blocks are used again and again, so this takes that many threads at once. The
 * few that may be made at the same moment have numbers left, too.
 */
#define BLOCKS_MAX (FASTMEM_OWNER_MAX - FASTMEM_OWNER_BLOCKS - 1024)

#define MAX_CACHES \
	(1 + RTE_MAX_NUMA_NODES * FASTMEM_N_BINS + FASTMEM_MAX_TYPES)

/* Stands for the block of those who have none; never written to. */
static union {
	struct fastmem_block block;
	uint8_t bytes[sizeof(struct fastmem_block) +
		MAX_CACHES * sizeof(struct fastmem_cache)];
} block_nil;

struct fastmem_process fastmem_process;
bool fastmem_process_is_remote;
RTE_EXPORT_EXPERIMENTAL_SYMBOL(per_lcore__rte_fastmem_lcore, 26.11)
RTE_DEFINE_PER_LCORE(struct rte_fastmem_lcore *, _rte_fastmem_lcore) =
	&fastmem_process.lcores[0].core;
RTE_DEFINE_PER_LCORE(uint32_t, _fastmem_bare_id) = FASTMEM_BARE_NEVER;

/* The directory of those who have none. */
static RTE_ATOMIC(uint16_t) bins_nil[1];

/* What a socket's first cache makes of an lcore's entry. */
static uintptr_t
lcore_own(const struct fastmem_cache *first)
{
	return (uintptr_t)first -
		RTE_FASTMEM_MIN_ZEROS * RTE_FASTMEM_CACHE_STRIDE;
}

static void
lcore_set_nil(struct fastmem_lcore *lcore)
{
	const struct fastmem_dir *dir = &fastmem_process.dir;

	lcore->block = NULL;
	lcore->core.caches = &block_nil.block.caches[0].core;
	lcore->core.own = lcore_own(block_nil.block.caches);
	lcore->core.last = lcore->core.caches;
	lcore->core.dir_base = dir->base;
	lcore->core.dir_mask = dir->mask;
	lcore->core.dir_bins = dir->bytes == 0 ? bins_nil : dir->bins;
}

static void
lcores_set_nil(void)
{
	struct fastmem_lcore *thread;
	unsigned int i;

	for (i = 0; i < RTE_DIM(fastmem_process.lcores); i++)
		lcore_set_nil(&fastmem_process.lcores[i]);
	for (i = 0; i < FASTMEM_MAX_THREADS; i++) {
		thread = &fastmem_process.threads[i];
		fastmem_lock(&thread->lock);
		lcore_set_nil(thread);
		fastmem_unlock(&thread->lock);
	}
}

RTE_INIT(fastmem_block_init_lcores)
{
	lcores_set_nil();
}

void
fastmem_block_attach(struct fastmem_root *root)
{
	memset(&fastmem_process.dir, 0, sizeof(fastmem_process.dir));
	if (root != NULL)
		fastmem_process.dir = root->dir;
	fastmem_process.n_bins = root != NULL ? root->n_bins : 0;
	fastmem_process.root = root;
	fastmem_process_is_remote = root != NULL &&
		rte_eal_process_type() != RTE_PROC_PRIMARY;
	lcores_set_nil();
}

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
		if (i > root->n_bins)
			continue;
		shape = cache->depot->bin.shape;
		cache->core.color = shape.color;
		cache->core.misalign = fastmem_dir_misalign(&root->dir,
			shape.size);
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

/* Claim an entry for the calling thread; NULL if there is none. */
static struct fastmem_lcore *
thread_claim(void)
{
	struct fastmem_process *process = &fastmem_process;
	struct fastmem_lcore *thread = NULL;
	uint32_t free = 0;
	unsigned int i;

	if (rte_atomic_load_explicit(&process->n_threads,
			rte_memory_order_relaxed) >= FASTMEM_MAX_THREADS)
		return NULL;
	for (i = 0; i < FASTMEM_MAX_THREADS; i++, free = 0) {
		thread = &process->threads[i];
		/* Acquire: the former thread's last changes to it. */
		if (rte_atomic_load_explicit(&thread->claimed,
				rte_memory_order_relaxed) == 0 &&
				rte_atomic_compare_exchange_strong_explicit(
				&thread->claimed, &free, 1,
				rte_memory_order_acquire,
				rte_memory_order_relaxed))
			break;
	}
	if (i == FASTMEM_MAX_THREADS)
		return NULL;
	rte_atomic_fetch_add_explicit(&process->n_threads, 1,
		rte_memory_order_relaxed);
	fastmem_race_point(FASTMEM_RACE_THREAD_CLAIMED);
	/* Where malloc() is this library's, this may come back to here. */
	fastmem_lcore_set_self(thread);
	if (pthread_setspecific(process->thread_key, thread) == 0)
		return thread;
	fastmem_lcore_set_self(&process->lcores[0]);
	fastmem_block_release(thread);
	return NULL;
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
	if (lcore_id == RTE_PER_LCORE(_fastmem_bare_id))
		return NULL;
	if (lcore_id != LCORE_ID_ANY) {
		self = &fastmem_process.lcores[1 + lcore_id];
		fastmem_lcore_set_self(self);
	} else if (self == &fastmem_process.lcores[0]) {
		self = thread_claim();
		if (self == NULL)
			return NULL;
	}
	socket_idx = fastmem_root_own_socket(root);
	block = fastmem_is_remote() ?
		fastmem_remote_block(lcore_id, socket_idx) :
		fastmem_block_find(root, FASTMEM_PROCESS_PRIMARY, lcore_id,
			socket_idx);
	if (block != NULL) {
		fastmem_race_point(FASTMEM_RACE_BLOCK_FOUND);
		self->block = block;
		fastmem_race_point(FASTMEM_RACE_BLOCK_SET);
		self->core.caches = &block->caches[0].core;
		self->core.own = lcore_own(&block->caches[block->own_row]);
		self->core.last = self->core.caches;
	}
	return block;
}

static bool
block_alloc(struct fastmem_block *block, unsigned int index, void **ptrs,
	unsigned int n, unsigned int flags)
{
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

/* The same, or failing that, of the kin. */
static bool
block_alloc_any(struct fastmem_block *block, unsigned int index, void **ptrs,
	unsigned int n, unsigned int flags)
{
	const struct fastmem_depot *depot;

	if (likely(block_alloc(block, index, ptrs, n, flags)))
		return true;
	/* What is aligned to its size will do. */
	depot = fastmem_root_depot(fastmem_process.root, index);
	return depot->bin.kin != NULL && block_alloc(block,
		depot->bin.kin->index, ptrs, n, flags);
}

void
fastmem_block_count_nomem(unsigned int index, unsigned int n)
{
	struct fastmem_block *block = fastmem_lcore_self()->block;

	if (block != NULL)
		fastmem_cache_count_nomem(&block->caches[index], n);
	else
		fastmem_depot_count_nomem(fastmem_root_depot(
			fastmem_process.root, index), n);
}

/* The calling thread's block or, in a secondary process, the spare one; none
 * for bins that are used without caches.
 */
static struct fastmem_block *
block_get(unsigned int index, bool *spare)
{
	struct fastmem_block *block = block_self();

	if (!fastmem_is_remote() && fastmem_root_depot(fastmem_process.root,
			index)->uncached)
		block = NULL;
	*spare = block == NULL && fastmem_is_remote();
	return *spare ? fastmem_remote_spare_get() : block;
}

bool
fastmem_block_alloc(unsigned int index, void **ptrs, unsigned int n,
	unsigned int flags)
{
	struct fastmem_block *block;
	bool spare, ret;

	block = block_get(index, &spare);
	ret = block_alloc_any(block, index, ptrs, n, flags);
	if (unlikely(spare))
		fastmem_remote_spare_put();
	return ret;
}

void
fastmem_block_free(unsigned int index, void *const *ptrs, unsigned int n)
{
	struct fastmem_block *block;
	bool spare;

	block = block_get(index, &spare);
	if (block != NULL)
		fastmem_cache_free_bulk(&block->caches[index], ptrs, n);
	else
		fastmem_depot_shared_free(fastmem_root_depot(
			fastmem_process.root, index), ptrs, n);
	if (unlikely(spare))
		fastmem_remote_spare_put();
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

void
fastmem_block_retire(struct fastmem_lcore *lcore)
{
	struct fastmem_block *block = lcore->block;

	if (block == NULL)
		return;
	lcore_set_nil(lcore);
	fastmem_race_point(FASTMEM_RACE_BLOCK_EMPTIED);
	if (fastmem_is_remote())
		fastmem_remote_retire(block);
	else
		fastmem_block_give_up(fastmem_process.root, block);
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

void
fastmem_block_detach(void)
{
	struct fastmem_lcore *thread;
	unsigned int i;

	for (i = 0; i < RTE_DIM(fastmem_process.lcores); i++)
		fastmem_block_retire(&fastmem_process.lcores[i]);
	/* Threads keep their entries, which they still point to. */
	for (i = 0; i < FASTMEM_MAX_THREADS; i++) {
		thread = &fastmem_process.threads[i];
		fastmem_lock(&thread->lock);
		fastmem_block_retire(thread);
		fastmem_unlock(&thread->lock);
	}
	fastmem_block_attach(NULL);
}

void
fastmem_block_release(struct fastmem_lcore *thread)
{
	fastmem_lock(&thread->lock);
	fastmem_block_retire(thread);
	fastmem_unlock(&thread->lock);
	fastmem_race_point(FASTMEM_RACE_THREAD_LEAVES);
	/* Release: the next thread finds the entry as it is now. */
	rte_atomic_store_explicit(&thread->claimed, 0, rte_memory_order_release);
	rte_atomic_fetch_sub_explicit(&fastmem_process.n_threads, 1,
		rte_memory_order_relaxed);
}
