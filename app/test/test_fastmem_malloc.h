/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef TEST_FASTMEM_MALLOC_H
#define TEST_FASTMEM_MALLOC_H

#include <stdbool.h>
#include <stddef.h>

#include "test.h"

/* All ways to allocate; those from WAY_SOCKET on take a socket. */
enum fastmem_test_malloc_way { WAY_MALLOC, WAY_ZMALLOC, WAY_CALLOC, WAY_REALLOC,
	WAY_SOCKET, WAY_ZSOCKET, WAY_CSOCKET, WAY_RSOCKET, N_WAYS };

extern struct unit_test_suite fastmem_malloc_heap_testsuite;
/* In a file that has rte_malloc.h's functions replaced. */
extern struct unit_test_suite fastmem_malloc_macro_testsuite;

void *
fastmem_test_malloc(unsigned int way, size_t size, unsigned int align,
	int socket);

/* Whether it fills memory with zeros. */
bool
fastmem_test_malloc_zeroes(unsigned int way);

/* Check all that can be asked of memory that was just allocated. */
int
fastmem_test_check_malloc(const void *ptr, size_t size, unsigned int align);

#endif /* TEST_FASTMEM_MALLOC_H */
