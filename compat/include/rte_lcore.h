/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_COMPAT_RTE_LCORE_H
#define FASTMEM_COMPAT_RTE_LCORE_H

/* Releases before 23.07 have control threads of the type pthread_t only. */

#include_next <rte_lcore.h>

#include <rte_thread.h>

#include <rte_version.h>

#if RTE_VERSION < RTE_VERSION_NUM(23, 7, 0, 0)

static inline int
rte_thread_create_control(rte_thread_t *thread, const char *name,
	rte_thread_func thread_func, void *arg)
{
	/* Functions of both types return in the same register. */
	void *(*func)(void *) = (void *(*)(void *))(void (*)(void))thread_func;
	pthread_t id;
	int ret;

	ret = rte_ctrl_thread_create(&id, name, NULL, func, arg);
	thread->opaque_id = (uintptr_t)id;
	return ret < 0 ? -ret : ret;
}

#endif

#endif /* FASTMEM_COMPAT_RTE_LCORE_H */
