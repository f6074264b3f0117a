/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * For ThreadSanitizer: the installed EAL was built without it, so what EAL
 * orders between the lcore that launches and the one that is launched is not
 * seen. These functions are called in place of EAL's (ld's --wrap), call them,
 * and order the same by atomics that are seen.
 *
 * The same goes for EAL's lock of lcores, between a thread that gives up its
 * lcore id and the next one that gets it. What EAL writes itself under that
 * lock is not looked at.
 */

#include <stdbool.h>

#include <rte_common.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_stdatomic.h>

struct launch {
	lcore_function_t *fn;
	void *arg;
	RTE_ATOMIC(uint32_t) launched;
	RTE_ATOMIC(uint32_t) done;
};

static struct launch launches[RTE_MAX_LCORE];

/* What the library has EAL call under its lock of lcores. */
static struct {
	rte_lcore_init_cb init;
	rte_lcore_uninit_cb uninit;
	void *arg;
	RTE_ATOMIC(uint32_t) lock;
} watcher;

static __thread bool registers;

int
__real_rte_eal_remote_launch(lcore_function_t *fn, void *arg,
	unsigned int lcore_id);
int
__wrap_rte_eal_remote_launch(lcore_function_t *fn, void *arg,
	unsigned int lcore_id);
int
__real_rte_eal_wait_lcore(unsigned int lcore_id);
int
__wrap_rte_eal_wait_lcore(unsigned int lcore_id);
void
__wrap_rte_eal_mp_wait_lcore(void);
int
__real_rte_thread_register(void);
int
__wrap_rte_thread_register(void);
void *
__real_rte_lcore_callback_register(const char *name, rte_lcore_init_cb init,
	rte_lcore_uninit_cb uninit, void *arg);
void *
__wrap_rte_lcore_callback_register(const char *name, rte_lcore_init_cb init,
	rte_lcore_uninit_cb uninit, void *arg);

/* ThreadSanitizer's own, which no header declares. */
void
__tsan_ignore_thread_begin(void);
void
__tsan_ignore_thread_end(void);

static int
launched(void *arg)
{
	struct launch *launch = arg;
	int ret;

	rte_atomic_load_explicit(&launch->launched, rte_memory_order_acquire);
	ret = launch->fn(launch->arg);
	rte_atomic_store_explicit(&launch->done, 1, rte_memory_order_release);
	return ret;
}

int
__wrap_rte_eal_remote_launch(lcore_function_t *fn, void *arg,
	unsigned int lcore_id)
{
	struct launch *launch = &launches[lcore_id];

	if (rte_eal_get_lcore_state(lcore_id) != WAIT)
		return __real_rte_eal_remote_launch(fn, arg, lcore_id);
	launch->fn = fn;
	launch->arg = arg;
	rte_atomic_store_explicit(&launch->launched, 1,
		rte_memory_order_release);
	return __real_rte_eal_remote_launch(launched, launch, lcore_id);
}

int
__wrap_rte_eal_wait_lcore(unsigned int lcore_id)
{
	int ret = __real_rte_eal_wait_lcore(lcore_id);

	rte_atomic_load_explicit(&launches[lcore_id].done,
		rte_memory_order_acquire);
	return ret;
}

void
__wrap_rte_eal_mp_wait_lcore(void)
{
	unsigned int lcore_id;

	RTE_LCORE_FOREACH_WORKER(lcore_id)
		__wrap_rte_eal_wait_lcore(lcore_id);
}

int
__wrap_rte_thread_register(void)
{
	int ret;

	__tsan_ignore_thread_begin();
	registers = true;
	ret = __real_rte_thread_register();
	registers = false;
	__tsan_ignore_thread_end();
	return ret;
}

static int
watcher_init(unsigned int lcore_id, void *arg __rte_unused)
{
	int ret;

	rte_atomic_load_explicit(&watcher.lock, rte_memory_order_acquire);
	if (watcher.init == NULL)
		return 0;
	/* what the library does is looked at */
	if (registers)
		__tsan_ignore_thread_end();
	ret = watcher.init(lcore_id, watcher.arg);
	if (registers)
		__tsan_ignore_thread_begin();
	return ret;
}

static void
watcher_uninit(unsigned int lcore_id, void *arg __rte_unused)
{
	watcher.uninit(lcore_id, watcher.arg);
	/* a read and a write, so that what others released stays released */
	rte_atomic_fetch_add_explicit(&watcher.lock, 1,
		rte_memory_order_acq_rel);
}

void *
__wrap_rte_lcore_callback_register(const char *name, rte_lcore_init_cb init,
	rte_lcore_uninit_cb uninit, void *arg)
{
	/* The library's are the first. */
	if (watcher.uninit != NULL)
		return __real_rte_lcore_callback_register(name, init, uninit,
			arg);
	watcher.init = init;
	watcher.uninit = uninit;
	watcher.arg = arg;
	return __real_rte_lcore_callback_register(name, watcher_init,
		watcher_uninit, NULL);
}
