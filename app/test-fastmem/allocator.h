/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef ALLOCATOR_H
#define ALLOCATOR_H

/*
 * What is compared: an allocator, seen through one set of adapters.
 *
 * The measuring loops exist once. Those around calls that take a few cycles
 * are compiled for each allocator, see loops.h; the others call every allocator
 * through the same function pointers. Either way, all of them run the same
 * machine code around the calls: the compiler neither inlines an allocator into
 * a loop nor specializes a loop for one of them.
 * What an allocator's header defines inline (rte_fastmem, rte_mempool) is
 * inlined into its adapter; what a library exports (rte_malloc, libc) is jumped
 * to by the adapter.
 *
 * The key is the one word that an allocator wants to know about the objects
 * asked for: their size, a handle, or a pool. It is only known at run time,
 * but for adapters that are about constants.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_common.h>

#include "loops.h"

/*
 * A function of an allocator that is measured. Without the attribute, gcc would
 * let its callers know which registers it leaves alone, or what it returns.
 */
#ifndef __has_attribute
#define __has_attribute(attribute) 0
#endif
#if __has_attribute(noipa)
#define ADAPTER static __rte_noinline __attribute__((noipa))
#else
#define ADAPTER static __rte_noinline
#endif

/* Objects in an lcore's cache of a mempool. */
#define MEMPOOL_CACHE 512

/* What is measured, and the loops around it. */
struct calls {
	void *(*alloc)(uintptr_t key);
	void (*free)(uintptr_t key, void *obj);
	int (*alloc_bulk)(uintptr_t key, void **objs, unsigned int n);
	void (*free_bulk)(uintptr_t key, void **objs, unsigned int n);
	const struct loops *loops;
};

/* Define them, given the adapters: name_calls. */
#define CALLS(name, alloc_fn, free_fn, alloc_bulk_fn, free_bulk_fn) \
LOOPS(name, alloc_fn, free_fn, alloc_bulk_fn, free_bulk_fn); \
\
static const struct calls name##_calls = { \
	.alloc = alloc_fn, \
	.free = free_fn, \
	.alloc_bulk = alloc_bulk_fn, \
	.free_bulk = free_bulk_fn, \
	.loops = &name##_loops, \
}

struct allocator {
	const char *name;
	const char *desc;

	/*
	 * Why it is not there and what to do about it, or NULL if it is. What
	 * is missing is not started. Optional.
	 */
	const char *(*missing)(void);

	/* Once in a run, before the first and after the last measurement. */
	int (*start)(void);
	void (*stop)(void);

	/* Its objects are not memory of their own: there is no use in writing. */
	bool fake;

	/*
	 * A key stands for memory of its own, for objects of just one size,
	 * and has to be closed. Otherwise, there may be as many keys as there
	 * are sizes, and close() is called once after the use of any number.
	 */
	bool pooled;

	/*
	 * Before and after the measurements of one size: prepare for this
	 * many objects alive at once. Returns 0 or a negative errno.
	 */
	int (*open)(size_t size, unsigned int live, uintptr_t *key);
	void (*close)(uintptr_t key);

	/*
	 * Let the calling thread, which is not to be measured any more, keep
	 * no free objects to itself. Optional.
	 */
	void (*flush)(void);

	/* For objects of any size. */
	const struct calls *calls;

	/*
	 * For those of one size, which the adapters know when they are compiled;
	 * NULL if there are none. Optional.
	 */
	const struct calls *(*calls_of)(size_t size);
};

extern const struct allocator fastmem_allocator;
extern const struct allocator fastmem_handle_allocator;
extern const struct allocator fastmem_sized_allocator;
extern const struct allocator mempool_allocator;
extern const struct allocator mempool_stack_allocator;
extern const struct allocator mempool_lf_stack_allocator;
extern const struct allocator mempool_fastmem_allocator;
extern const struct allocator rte_malloc_allocator;
extern const struct allocator libc_allocator;
extern const struct allocator mimalloc_allocator;
extern const struct allocator jemalloc_allocator;
extern const struct allocator tcmalloc_allocator;
extern const struct allocator null_allocator;

/* All allocators, ended by NULL. */
extern const struct allocator * const allocators[];

/* The one that the others are compared to. */
#define REFERENCE_ALLOCATOR (&mempool_allocator)

/* The one whose figures are what the measurement itself takes. */
#define NULL_ALLOCATOR (&null_allocator)

const struct allocator *
allocator_find(const char *name);

/* How it is called for objects of a size, or of several if that is 0. */
const struct calls *
allocator_calls(const struct allocator *allocator, size_t size);

/* See the allocator's missing(). */
const char *
allocator_missing(const struct allocator *allocator);

/* Bytes that could be reserved for fastmem at start. */
size_t
fastmem_reserved(void);

#endif /* ALLOCATOR_H */
