/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef TRACE_RECORD_H
#define TRACE_RECORD_H

/*
 * Records what is allocated and freed. When something fails, a line in the log
 * says so, and recording ends. The functions are MT-safe, but for the first.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_log.h>

extern int fastmem_trace_logtype;
#define RTE_LOGTYPE_FASTMEM_TRACE fastmem_trace_logtype

/* Before there is a second thread. Returns 0 or -ENOMEM. */
int
record_init(const char *path);

/* When it has been allocated. */
void
record_alloc(const void *ptr, size_t size, unsigned int align);

/* Before it is freed. Does nothing for what is not recorded. */
void
record_free(const void *ptr);

/*
 * Before its size is changed: forget where it is, as it may be another
 * thread's before that is done, but keep its slot. Returns whether there was
 * such an object.
 */
bool
record_take(const void *ptr, uint32_t *slot);

/* It was not changed. */
void
record_put_back(const void *ptr, uint32_t slot);

/* It has become this one. */
void
record_realloc(const void *ptr, uint32_t slot, size_t size,
	unsigned int align);

/* Complete the file. */
void
record_end(void);

#endif /* TRACE_RECORD_H */
