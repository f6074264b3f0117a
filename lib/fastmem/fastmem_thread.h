/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_THREAD_H
#define FASTMEM_THREAD_H

/**
 * @file
 * Thread: what becomes of a block when its thread ends, gets or loses its lcore
 * id, or forks.
 */

/**
 * Watch the process's threads, from the first call on and for good: what a
 * thread knows of its caches outlives the allocator.
 *
 * @return
 *   - 0 on success.
 *   - -ENOMEM if there is no memory, or no key for thread-specific data.
 *   - -ENOTSUP if the process was forked by one that uses the library.
 */
int
fastmem_thread_watch(void);

#endif /* FASTMEM_THREAD_H */
