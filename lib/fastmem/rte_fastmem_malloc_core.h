/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef RTE_FASTMEM_MALLOC_CORE_H
#define RTE_FASTMEM_MALLOC_CORE_H

/**
 * @file
 * What the inline functions of rte_fastmem_malloc.h are made of: the steps to
 * fastmem and to the heap. Not for use by applications; use
 * rte_fastmem_malloc.h.
 *
 * They are compiled where they are used, rather than in the library, so that
 * who replaces rte_malloc.h's functions tells which ones the heap's are.
 */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rte_atomic.h>
#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_memcpy.h>
#include <rte_memory.h>

#include <rte_fastmem.h>

#ifdef ALLOW_EXPERIMENTAL_API

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @internal After the heap has failed, give it what fastmem does not need,
 * which may be just what it lacks; false if there is nothing.
 */
static inline bool
__rte_fastmem_heap_feed(int socket)
{
	size_t bytes;

	return rte_fastmem_trim(socket, &bytes) == 0 && bytes != 0;
}

/** @internal Let the heap serve a request. */
static __rte_noinline __rte_unused void *
__rte_fastmem_heap_fallback(const char *type, size_t size, unsigned int align,
	int socket, unsigned int flags)
{
	bool again = false;
	void *ptr;

	do {
		ptr = (flags & RTE_FASTMEM_F_ZERO) != 0 ?
			rte_zmalloc_socket(type, size, align, socket) :
			rte_malloc_socket(type, size, align, socket);
		again = ptr == NULL && !again && __rte_fastmem_heap_feed(socket);
	} while (again);
	return ptr;
}

/**
 * @internal Tell if nobody can serve a request, and why. EAL adds to sizes, and
 * takes those that are next to SIZE_MAX for small ones then.
 */
static inline bool
__rte_fastmem_heap_refuses(size_t size, unsigned int align)
{
	if (likely(size - 1 < SIZE_MAX / 2 && (align & (align - 1)) == 0))
		return false;
	rte_errno = size > SIZE_MAX / 2 ? ENOMEM : EINVAL;
	return true;
}

/** @internal All that the inline functions do not allocate themselves. */
static __rte_noinline __rte_unused void *
__rte_fastmem_heap_alloc(const char *type, size_t size, unsigned int align,
	int socket, unsigned int flags)
{
	void *ptr;

	if (__rte_fastmem_heap_refuses(size, align))
		return NULL;
	align = RTE_MAX(align, (unsigned int)RTE_CACHE_LINE_SIZE);
	/* Larger ones are none of its business, nor of its statistics. */
	if (RTE_MAX(size, (size_t)align) <= RTE_BIT64(RTE_FASTMEM_MAX_SHIFT)) {
		/* Lesser alignments than a cache line's have come to here. */
		ptr = socket == SOCKET_ID_ANY ?
			rte_fastmem_alloc(size, align, flags) :
			rte_fastmem_alloc_socket(size, align, flags, socket);
		if (likely(ptr != NULL))
			return ptr;
	}
	return __rte_fastmem_heap_fallback(type, size, align, socket, flags);
}

/**
 * @internal Take an object from the cache of the own socket's class, if the
 * alignment is one of the usual two; false if that does not work. Few
 * instructions matter more than the other alignments.
 */
static inline bool
__rte_fastmem_heap_pop(size_t size, unsigned int align, void **obj)
{
	struct rte_fastmem_lcore *self = &RTE_PER_LCORE(_rte_fastmem_lcore);
	/* No class holds a size of 0: there is no zero in front of it less 1. */
	unsigned int zeros = __rte_fastmem_zeros(size, RTE_CACHE_LINE_SIZE);
	struct rte_fastmem_cache *cache;

	if (unlikely(zeros < RTE_FASTMEM_MIN_ZEROS ||
			(align & ~(unsigned int)RTE_CACHE_LINE_SIZE) != 0))
		return false;
	cache = __rte_fastmem_own_cache(self, zeros);
	if (unlikely(!__rte_fastmem_pop(cache, obj)))
		return false;
	/* In any case: requests of malloc() are of all sizes in turn. */
	self->last = cache;
	return true;
}

/**
 * @internal Fill a new object with zeros. It consists of whole cache lines, so
 * a few of them are faster filled here than by a call of unknown size.
 */
static inline void *
__rte_fastmem_heap_zero(void *obj, size_t size)
{
	uint8_t *line = (uint8_t *)obj;
	uint8_t *end = line + size;

	if (__extension__(__builtin_constant_p(size)) ||
			size > 4 * RTE_CACHE_LINE_SIZE)
		return memset(obj, 0, size);
	do {
		memset(line, 0, RTE_CACHE_LINE_SIZE);
		line += RTE_CACHE_LINE_SIZE;
	} while (line < end);
	return obj;
}

/** @internal All that the inline function does not free itself. */
static __rte_noinline __rte_unused void
__rte_fastmem_heap_free(void *ptr)
{
	if (rte_fastmem_contains(ptr))
		__rte_fastmem_free(ptr);
	else
		rte_free(ptr);
}

/**
 * @internal Fill memory with zeros, as much as may be used. Not inline: there,
 * compilers would take what is beyond the size asked for as out of bounds.
 */
static __rte_noinline __rte_unused void
__rte_fastmem_heap_clear(void *ptr, size_t size)
{
	memset(ptr, 0, size);
	/* Nobody reads it, but it must not be left out. */
	rte_compiler_barrier();
}

/** @internal The number of objects' bytes, SIZE_MAX if there is none. */
static inline size_t
__rte_fastmem_heap_bytes(size_t num, size_t size)
{
	/* A division takes longer than the allocation. */
	if (unlikely(((num | size) >> (sizeof(size_t) * 4)) != 0 &&
			size != 0 && num > SIZE_MAX / size))
		return SIZE_MAX;
	return num * size;
}

/** @internal See rte_fastmem_heap_realloc_socket(). */
static __rte_noinline __rte_unused void *
__rte_fastmem_heap_realloc(void *ptr, size_t size, unsigned int align,
	int socket)
{
	size_t usable;
	bool fits;
	void *to;

	if (ptr == NULL)
		return __rte_fastmem_heap_alloc(NULL, size, align, socket, 0);
	if (size == 0) {
		__rte_fastmem_heap_free(ptr);
		return NULL;
	}
	if (__rte_fastmem_heap_refuses(size, align))
		return NULL;
	/* The heap may be able to do without a copy, but EAL takes an alignment
	 * of 0 for one that no memory has.
	 */
	align = RTE_MAX(align, (unsigned int)RTE_CACHE_LINE_SIZE);
	if (!rte_fastmem_contains(ptr)) {
		to = rte_realloc_socket(ptr, size, align, socket);
		if (to == NULL && __rte_fastmem_heap_feed(socket))
			to = rte_realloc_socket(ptr, size, align, socket);
		return to;
	}

	usable = rte_fastmem_usable_size(ptr);
	if (usable == 0)
		return NULL;
	fits = size <= usable &&
		((uintptr_t)ptr & (align - 1)) == 0 &&
		(socket == SOCKET_ID_ANY ||
		 socket == rte_fastmem_socket_id(ptr));
	/* A copy pays where most of the object would be left unused. */
	if (fits && RTE_MAX(size, (size_t)RTE_CACHE_LINE_SIZE) > usable / 4)
		return ptr;
	to = __rte_fastmem_heap_alloc(NULL, size, align, socket, 0);
	if (to == NULL)
		return fits ? ptr : NULL;
	rte_memcpy(to, ptr, RTE_MIN(usable, size));
	__rte_fastmem_heap_free(ptr);
	return to;
}

#ifdef __cplusplus
}
#endif

#endif /* ALLOW_EXPERIMENTAL_API */

#endif /* RTE_FASTMEM_MALLOC_CORE_H */
