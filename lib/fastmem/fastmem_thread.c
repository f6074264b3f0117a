/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/**
 * @file
 * A thread may call the library once more after it was told here to give up
 * its caches, from callbacks and destructors of others. It does without caches
 * then: nobody would take them from it any more.
 */

#include <errno.h>

#include "fastmem_block.h"
#include "fastmem_thread.h"

/* Let the calling thread do without caches as long as it has an lcore id. */
static void
thread_set_bare(uint32_t lcore_id)
{
	fastmem_lcore_set_self(&fastmem_process.lcores[0]);
	RTE_PER_LCORE(_fastmem_bare_id) = lcore_id;
}

/* Give up an entry that the calling thread has claimed. */
static void
thread_leave(struct fastmem_lcore *thread)
{
	thread_set_bare(LCORE_ID_ANY);
	fastmem_block_release(thread);
}

/* Called by the thread that is registered, before it has its lcore id; and for
 * lcores that there are already, by the one that initializes the library.
 */
static int
lcore_init(unsigned int lcore_id __rte_unused, void *arg __rte_unused)
{
	struct fastmem_lcore *thread;

	if (rte_lcore_id() != LCORE_ID_ANY)
		return 0;
	thread = pthread_getspecific(fastmem_process.thread_key);
	if (thread == NULL) {
		thread_set_bare(LCORE_ID_ANY);
		return 0;
	}
	pthread_setspecific(fastmem_process.thread_key, NULL);
	thread_leave(thread);
	return 0;
}

/* Called by the thread that is unregistered, while it has its lcore id; or
 * which was refused one.
 */
static void
lcore_uninit(unsigned int lcore_id, void *arg __rte_unused)
{
	fastmem_block_retire(&fastmem_process.lcores[1 + lcore_id]);
	thread_set_bare(rte_lcore_id() != LCORE_ID_ANY ? lcore_id :
		FASTMEM_BARE_NEVER);
}

/* Called by a thread that ends, with the entry that it has claimed. */
static void
thread_end(void *arg)
{
	thread_leave(arg);
}

/* Called in the child, by its only thread. The other threads of the parent may
 * have been anywhere, so locks and claims mean nothing here. What is shared
 * belongs to the parent, and is left alone.
 */
static void
thread_fork_child(void)
{
	struct fastmem_process *process = &fastmem_process;
	unsigned int i;

	fastmem_lock_init(&process->attach_lock);
	fastmem_lock_init(&process->pool_lock);
	for (i = 0; i < FASTMEM_MAX_THREADS; i++) {
		fastmem_lock_init(&process->threads[i].lock);
		rte_atomic_store_explicit(&process->threads[i].claimed, 0,
			rte_memory_order_relaxed);
	}
	rte_atomic_store_explicit(&process->n_threads, 0,
		rte_memory_order_relaxed);
	fastmem_block_attach(NULL);
	fastmem_lcore_set_self(&process->lcores[0]);
	pthread_setspecific(process->thread_key, NULL);
	process->forked = true;
}

int
fastmem_thread_watch(void)
{
	static bool has_key, has_fork_handler;
	static void *lcore_callback;
	uint32_t bare_id = RTE_PER_LCORE(_fastmem_bare_id);

	if (fastmem_process.forked) {
		FASTMEM_LOG(ERR, "a forked process cannot use its parent's fastmem");
		return -ENOTSUP;
	}
	if (!has_key)
		has_key = pthread_key_create(&fastmem_process.thread_key,
			thread_end) == 0;
	if (!has_fork_handler)
		has_fork_handler = pthread_atfork(NULL, NULL,
			thread_fork_child) == 0;
	if (!has_key || !has_fork_handler)
		return -ENOMEM;
	if (lcore_callback == NULL) {
		lcore_callback = rte_lcore_callback_register("fastmem",
			lcore_init, lcore_uninit, NULL);
		/* This was not about the calling thread. */
		RTE_PER_LCORE(_fastmem_bare_id) = bare_id;
	}
	return lcore_callback != NULL ? 0 : -ENOMEM;
}
