/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_FUTEX_H
#define FASTMEM_FUTEX_H

/**
 * @file
 * To wait for a word in shared memory to change, across processes.
 *
 * Linux has futexes, which need no cleaning up when a process is killed. On
 * other systems a waiting thread looks again every now and then.
 */

#include <stdint.h>
#include <time.h>

#ifdef RTE_EXEC_ENV_LINUX
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <rte_cycles.h>
#include <rte_stdatomic.h>

#define FASTMEM_FUTEX_POLL_US 50

/** Wait while a word has a value, for some ms at most. May return at any time. */
static inline void
fastmem_futex_wait(RTE_ATOMIC(uint32_t) *word, uint32_t value, unsigned int ms)
{
#ifdef RTE_EXEC_ENV_LINUX
	struct timespec ts = {
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000
	};

	syscall(SYS_futex, word, FUTEX_WAIT, value, &ts, NULL, 0);
#else
	if (ms != 0 && rte_atomic_load_explicit(word,
			rte_memory_order_relaxed) == value)
		rte_delay_us_sleep(FASTMEM_FUTEX_POLL_US);
#endif
}

/** Wake those who wait for a word, which has changed. */
static inline void
fastmem_futex_wake(RTE_ATOMIC(uint32_t) *word)
{
#ifdef RTE_EXEC_ENV_LINUX
	syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
#else
	(void)word;
#endif
}

#endif /* FASTMEM_FUTEX_H */
