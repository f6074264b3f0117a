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

#include "fastmem_lcore.h"
#include "fastmem_thread.h"

/* Let the calling thread give up its entry, if it has one, and do without caches
 * as long as it has an lcore id.
 */
static void
thread_leave(struct fastmem_lcore *lcore, uint32_t lcore_id)
{
	RTE_PER_LCORE(_fastmem_bare_id) = lcore_id;
	if (lcore != NULL)
		fastmem_lcore_leave(lcore);
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
	if (thread != NULL)
		pthread_setspecific(fastmem_process.thread_key, NULL);
	thread_leave(thread, LCORE_ID_ANY);
	return 0;
}

/* Called by the thread that is unregistered, while it has its lcore id; or
 * which was refused one.
 */
static void
lcore_uninit(unsigned int lcore_id, void *arg __rte_unused)
{
	pthread_setspecific(fastmem_process.thread_key, NULL);
	thread_leave(&fastmem_process.lcores[1 + lcore_id],
		rte_lcore_id() != LCORE_ID_ANY ? lcore_id : FASTMEM_BARE_NEVER);
}

/* Called by a thread that ends, with its entry. It may have an lcore id, which it
 * keeps for ever then.
 */
static void
thread_end(void *arg)
{
	thread_leave(arg, rte_lcore_id());
}

/* Called in the child, by its only thread. The other threads of the parent may
 * have been anywhere, so locks and claims mean nothing here. What is shared
 * belongs to the parent, and is left alone.
 */
static void
thread_fork_child(void)
{
	struct fastmem_process *process = &fastmem_process;

	fastmem_lock_init(&process->attach_lock);
	fastmem_lock_init(&process->pool_lock);
	fastmem_lcore_fork_child();
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
	if (!has_key) {
		has_key = pthread_key_create(&fastmem_process.thread_key,
			thread_end) == 0;
		/* Nothing is there yet. But the dynamic linker may take longer to
		 * find the function than a thousand allocations, one of which
		 * would be the first to wait for it.
		 */
		if (has_key)
			pthread_setspecific(fastmem_process.thread_key, NULL);
	}
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
