/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef TEST_FASTMEM_PEER_H
#define TEST_FASTMEM_PEER_H

/*
 * Tasks for a secondary process. A suite starts its own program as one, with
 * the name of its own command, which finds there what it is to do in a memzone
 * and writes its result there.
 */

#include <stddef.h>
#include <stdint.h>

/*
 * For the setup of a suite: make room for some bytes that both processes see.
 * Returns TEST_SKIPPED, having said why, where there are no secondary ones.
 */
int
fastmem_test_peer_setup(size_t bytes, void **shared);

/* For its teardown. */
void
fastmem_test_peer_teardown(void);

/* Start a secondary process and wait until it has its task. */
int
fastmem_test_peer_start(const char *command, uint32_t task);

/* Wait until it has ended; its result. */
int
fastmem_test_peer_end(void);

/* Both. */
int
fastmem_test_peer_run(const char *command, uint32_t task);

/* What the command does when it runs in the secondary process. */
int
fastmem_test_peer_main(int (*fn)(uint32_t task, void *shared));

#endif /* TEST_FASTMEM_PEER_H */
