/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <string.h>

#include <eal_export.h>
#include <rte_eal.h>

#include "fastmem_lcore.h"
#include "fastmem_remote.h"

#define MAX_CACHES (1 + RTE_MAX_NUMA_NODES * FASTMEM_N_BINS + FASTMEM_MAX_TYPES)

/* Stand for the caches of those who have none; never written to. Handles may be
 * of any of them.
 */
static struct fastmem_cache caches_nil[MAX_CACHES];

/* Those of the own socket: nothing is an object of theirs, so that nobody reads a
 * directory which is not there.
 */
static struct fastmem_cache own_nil[FASTMEM_N_BINS] = {
	[0 ... FASTMEM_N_BINS - 1] = { .core.misalign = UINTPTR_MAX },
};

struct fastmem_process fastmem_process;
bool fastmem_process_is_remote;
RTE_DEFINE_PER_LCORE(struct fastmem_lcore *, _fastmem_lcore) =
	&fastmem_process.lcores[0];
RTE_DEFINE_PER_LCORE(uint32_t, _fastmem_bare_id) = FASTMEM_BARE_NEVER;

/* The directory of those who have none. */
static RTE_ATOMIC(uint16_t) bins_nil[1];

/* What a thread knows of its own socket's caches, from the first one. */
#define CORE_OWN(first) ((uintptr_t)(first) - \
	RTE_FASTMEM_MIN_ZEROS * RTE_FASTMEM_CACHE_STRIDE)

/* What it knows if it has none, or has never been here. */
#define CORE_NIL { \
	.caches = &caches_nil[0].core, \
	.own = CORE_OWN(own_nil), \
	.dir_bins = bins_nil, \
	.last = &own_nil[0].core, \
	.sole = CORE_OWN(own_nil), \
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(per_lcore__rte_fastmem_lcore, 26.11)
RTE_DEFINE_PER_LCORE(struct rte_fastmem_lcore, _rte_fastmem_lcore) = CORE_NIL;

void
fastmem_lcore_get_dir(struct rte_fastmem_lcore *core)
{
	const struct fastmem_dir *dir = &fastmem_process.dir;

	core->dir_base = dir->base;
	core->dir_mask = dir->mask;
	core->dir_bins = dir->bytes == 0 ? bins_nil : dir->bins;
}

/* Leave a block alone. The entry's thread knows of none then, nor does anybody of
 * the thread.
 */
static void
lcore_drop(struct fastmem_lcore *lcore)
	__rte_requires_capability(&lcore->lock)
{
	if (lcore->block == NULL)
		return;
	*lcore->core = (struct rte_fastmem_lcore)CORE_NIL;
	lcore->core = NULL;
	lcore->block = NULL;
}

/* Put an entry's objects into their slabs and give up its block, if it has one. */
static void
lcore_retire(struct fastmem_lcore *lcore)
	__rte_requires_capability(&lcore->lock)
{
	struct fastmem_block *block = lcore->block;

	if (block == NULL)
		return;
	lcore_drop(lcore);
	fastmem_race_point(FASTMEM_RACE_BLOCK_EMPTIED);
	if (fastmem_is_remote())
		fastmem_remote_retire(block);
	else
		fastmem_block_give_up(fastmem_process.root, block);
}

/* Make an entry that of the calling thread; false if its end would not be noticed,
 * and others would write to what it had known.
 */
static bool
lcore_take(struct fastmem_lcore *lcore)
{
	/* Where malloc() is this library's, this may come back to here. */
	RTE_PER_LCORE(_fastmem_lcore) = lcore;
	if (pthread_setspecific(fastmem_process.thread_key, lcore) == 0)
		return true;
	fastmem_lcore_leave(lcore);
	return false;
}

/* Claim an entry for a thread without an lcore id; NULL if there is none. */
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
		thread = &process->lcores[1 + RTE_MAX_LCORE + i];
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
	return thread;
}

/* Let the calling thread know of its new block. */
static void
lcore_set_block(struct fastmem_lcore *self, struct fastmem_block *block)
{
	struct rte_fastmem_lcore *core = &RTE_PER_LCORE(_rte_fastmem_lcore);

	fastmem_race_point(FASTMEM_RACE_BLOCK_FOUND);
	self->core = core;
	self->block = block;
	fastmem_race_point(FASTMEM_RACE_BLOCK_SET);
	fastmem_lcore_get_dir(core);
	core->caches = &block->caches[0].core;
	core->own = CORE_OWN(&block->caches[block->own_row]);
	core->last = core->caches;
	core->sole = fastmem_process.root->n_sockets == 1 ? core->own :
		CORE_OWN(own_nil);
}

/* The calling thread's block; NULL if it has none and cannot have one. */
static struct fastmem_block *
lcore_block(void)
{
	struct fastmem_lcore *self = fastmem_lcore_self();
	struct fastmem_root *root = fastmem_process.root;
	unsigned int lcore_id = rte_lcore_id(), socket_idx;
	struct fastmem_block *block;

	if (self->block != NULL)
		return self->block;
	if (lcore_id == RTE_PER_LCORE(_fastmem_bare_id))
		return NULL;
	if (self == &fastmem_process.lcores[0]) {
		self = lcore_id == LCORE_ID_ANY ? thread_claim() :
			&fastmem_process.lcores[1 + lcore_id];
		if (self == NULL || !lcore_take(self))
			return NULL;
		/* A call from within there has found one. */
		if (self->block != NULL)
			return self->block;
	}
	socket_idx = fastmem_root_own_socket(root);
	block = fastmem_is_remote() ?
		fastmem_remote_block(lcore_id, socket_idx) :
		fastmem_block_find(root, FASTMEM_PROCESS_PRIMARY, lcore_id,
			socket_idx);
	if (block != NULL)
		lcore_set_block(self, block);
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
fastmem_lcore_count_nomem(unsigned int index, unsigned int n)
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
	struct fastmem_block *block = lcore_block();

	if (!fastmem_is_remote() && fastmem_root_depot(fastmem_process.root,
			index)->uncached)
		block = NULL;
	*spare = block == NULL && fastmem_is_remote();
	return *spare ? fastmem_remote_spare_get() : block;
}

bool
fastmem_lcore_alloc(unsigned int index, void **ptrs, unsigned int n,
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
fastmem_lcore_free(unsigned int index, void *const *ptrs, unsigned int n)
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
fastmem_lcore_attach(struct fastmem_root *root)
{
	fastmem_process.dir = root->dir;
	fastmem_process.n_bins = root->n_bins;
	fastmem_process.root = root;
	fastmem_process_is_remote =
		rte_eal_process_type() != RTE_PROC_PRIMARY;
}

static void
process_clear(void)
{
	memset(&fastmem_process.dir, 0, sizeof(fastmem_process.dir));
	fastmem_process.n_bins = 0;
	fastmem_process.root = NULL;
	fastmem_process_is_remote = false;
}

/* Threads keep their entries, which they will use again. */
static void
lcores_walk(void (*fn)(struct fastmem_lcore *lcore))
{
	struct fastmem_lcore *lcore;
	unsigned int i;

	for (i = 0; i < RTE_DIM(fastmem_process.lcores); i++) {
		lcore = &fastmem_process.lcores[i];
		fastmem_lock(&lcore->lock);
		fn(lcore);
		fastmem_unlock(&lcore->lock);
	}
}

void
fastmem_lcore_detach(void)
{
	lcores_walk(lcore_retire);
	process_clear();
}

void
fastmem_lcore_abandon(void)
{
	process_clear();
	lcores_walk(lcore_drop);
}

void
fastmem_lcore_fork_child(void)
{
	unsigned int i;

	process_clear();
	for (i = 0; i < RTE_DIM(fastmem_process.lcores); i++)
		fastmem_process.lcores[i] = (struct fastmem_lcore){
			.lock = FASTMEM_LOCK_INITIALIZER };
	rte_atomic_store_explicit(&fastmem_process.n_threads, 0,
		rte_memory_order_relaxed);
	RTE_PER_LCORE(_fastmem_lcore) = &fastmem_process.lcores[0];
	RTE_PER_LCORE(_rte_fastmem_lcore) =
		(struct rte_fastmem_lcore)CORE_NIL;
}

void
fastmem_lcore_leave(struct fastmem_lcore *lcore)
{
	RTE_PER_LCORE(_fastmem_lcore) = &fastmem_process.lcores[0];
	fastmem_lock(&lcore->lock);
	lcore_retire(lcore);
	fastmem_unlock(&lcore->lock);
	fastmem_race_point(FASTMEM_RACE_THREAD_LEAVES);
	/* An lcore's is not claimed. */
	if (rte_atomic_load_explicit(&lcore->claimed,
			rte_memory_order_relaxed) == 0)
		return;
	/* Release: the next thread finds the entry as it is now. */
	rte_atomic_store_explicit(&lcore->claimed, 0, rte_memory_order_release);
	rte_atomic_fetch_sub_explicit(&fastmem_process.n_threads, 1,
		rte_memory_order_relaxed);
}
