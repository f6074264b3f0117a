/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef RTE_FASTMEM_MALLOC_H
#define RTE_FASTMEM_MALLOC_H

/**
 * @file
 * The interface of rte_malloc.h, served by fastmem.
 *
 * For each function of rte_malloc.h that allocates, frees, or is about a
 * pointer, there is one here, with rte_fastmem_heap_ in place of rte_ or
 * rte_malloc_. Arguments, results and meaning are the same.
 *
 * What fastmem cannot serve is handed to rte_malloc.h's own functions: objects
 * of a size or alignment above rte_fastmem_max_size(), those on the socket of
 * an external heap, all of them as long as rte_fastmem_init() was not called,
 * and those for which fastmem's sockets, or their limits, have no memory left.
 * Where the heap has none either, memory without objects is taken back from
 * fastmem (rte_fastmem_trim()) for another try.
 *
 * Pointers of both kinds may be passed to any function here: it finds
 * out which one it is. They must not be passed to those of rte_malloc.h unless
 * they came from there.
 *
 * A source file that defines RTE_FASTMEM_REPLACE_MALLOC before it includes this
 * header has all of its own calls of rte_malloc.h's functions replaced, and
 * pointers to them, too. What other files have allocated by rte_malloc() may be
 * freed there, but not the other way round.
 *
 * An object of fastmem is aligned to a cache line at least, and takes as much
 * memory as the power of two that its size is rounded up to.
 * The name of the object's type, the first argument, is passed on
 * to rte_malloc.h's functions, and otherwise ignored.
 *
 * Threads and processes
 * ---------------------
 * All functions are MT-safe, and there are caches for threads and for secondary
 * processes, as rte_fastmem.h says. All processes that free what another
 * one has allocated have to use these functions. A process created by fork()
 * must not pass what fastmem has allocated to any function here.
 */

#include <stddef.h>
#include <stdint.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_compat.h>
#include <rte_malloc.h>
#include <rte_memory.h>

#include <rte_fastmem.h>
#include <rte_fastmem_malloc_core.h>

#ifdef ALLOW_EXPERIMENTAL_API

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Allocate memory as rte_malloc() does.
 *
 * MT-safe.
 *
 * @param type
 *   The name of the type of object, may be NULL.
 * @param size
 *   The size in bytes.
 * @param align
 *   The least alignment in bytes, 0 or a power of two. Memory is aligned to
 *   RTE_CACHE_LINE_SIZE at least.
 * @return
 *   The memory, on the calling thread's own socket if that has some left. NULL
 *   if @p size is 0, @p align is not a power of two, or there is no memory.
 */
__rte_experimental
static inline void *
rte_fastmem_heap_malloc(const char *type, size_t size, unsigned int align)
	__rte_alloc_size(2) __rte_alloc_align(3) __rte_malloc;

__rte_experimental
static inline void *
rte_fastmem_heap_malloc(const char *type, size_t size, unsigned int align)
{
	void *obj;

	if (likely(__rte_fastmem_heap_pop(size, align, &obj)))
		return obj;
	return __rte_fastmem_heap_alloc(type, size, align, SOCKET_ID_ANY, 0);
}

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Allocate zeroed memory as rte_zmalloc() does.
 *
 * MT-safe.
 *
 * @param type
 *   The name of the type of object, may be NULL.
 * @param size
 *   The size in bytes; that many are zeroed.
 * @param align
 *   The least alignment in bytes, see rte_fastmem_heap_malloc().
 * @return
 *   The memory, or NULL, see rte_fastmem_heap_malloc().
 */
__rte_experimental
static inline void *
rte_fastmem_heap_zmalloc(const char *type, size_t size, unsigned int align)
	__rte_alloc_size(2) __rte_alloc_align(3) __rte_malloc;

__rte_experimental
static inline void *
rte_fastmem_heap_zmalloc(const char *type, size_t size, unsigned int align)
{
	void *obj;

	if (likely(__rte_fastmem_heap_pop(size, align, &obj)))
		return __rte_fastmem_heap_zero(obj, size);
	return __rte_fastmem_heap_alloc(type, size, align, SOCKET_ID_ANY,
		RTE_FASTMEM_F_ZERO);
}

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Allocate a zeroed array as rte_calloc() does.
 *
 * MT-safe.
 *
 * @param type
 *   The name of the type of object, may be NULL.
 * @param num
 *   The number of elements.
 * @param size
 *   The size of an element in bytes.
 * @param align
 *   The least alignment in bytes, see rte_fastmem_heap_malloc().
 * @return
 *   The memory, or NULL, see rte_fastmem_heap_malloc(); NULL also if the size
 *   of the array is more than a size_t holds.
 */
__rte_experimental
static inline void *
rte_fastmem_heap_calloc(const char *type, size_t num, size_t size,
	unsigned int align)
	__rte_alloc_size(2, 3) __rte_alloc_align(4) __rte_malloc;

__rte_experimental
static inline void *
rte_fastmem_heap_calloc(const char *type, size_t num, size_t size,
	unsigned int align)
{
	return rte_fastmem_heap_zmalloc(type,
		__rte_fastmem_heap_bytes(num, size), align);
}

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Allocate memory on a given socket as rte_malloc_socket() does.
 *
 * MT-safe.
 *
 * @param type
 *   The name of the type of object, may be NULL.
 * @param size
 *   The size in bytes.
 * @param align
 *   The least alignment in bytes, see rte_fastmem_heap_malloc().
 * @param socket
 *   The socket, or that of an external heap, whose memory is the heap's then.
 *   SOCKET_ID_ANY: as rte_fastmem_heap_malloc() chooses.
 * @return
 *   The memory, or NULL, see rte_fastmem_heap_malloc(); NULL also if there is
 *   no such socket.
 */
__rte_experimental
static inline void *
rte_fastmem_heap_malloc_socket(const char *type, size_t size,
	unsigned int align, int socket)
	__rte_alloc_size(2) __rte_alloc_align(3) __rte_malloc;

__rte_experimental
static inline void *
rte_fastmem_heap_malloc_socket(const char *type, size_t size,
	unsigned int align, int socket)
{
	return __rte_fastmem_heap_alloc(type, size, align, socket, 0);
}

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Allocate zeroed memory on a given socket as rte_zmalloc_socket() does.
 *
 * MT-safe.
 *
 * @param type
 *   The name of the type of object, may be NULL.
 * @param size
 *   The size in bytes; that many are zeroed.
 * @param align
 *   The least alignment in bytes, see rte_fastmem_heap_malloc().
 * @param socket
 *   The socket, see rte_fastmem_heap_malloc_socket().
 * @return
 *   The memory, or NULL, see rte_fastmem_heap_malloc_socket().
 */
__rte_experimental
static inline void *
rte_fastmem_heap_zmalloc_socket(const char *type, size_t size,
	unsigned int align, int socket)
	__rte_alloc_size(2) __rte_alloc_align(3) __rte_malloc;

__rte_experimental
static inline void *
rte_fastmem_heap_zmalloc_socket(const char *type, size_t size,
	unsigned int align, int socket)
{
	return __rte_fastmem_heap_alloc(type, size, align, socket,
		RTE_FASTMEM_F_ZERO);
}

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Allocate a zeroed array on a given socket as rte_calloc_socket() does.
 *
 * MT-safe.
 *
 * @param type
 *   The name of the type of object, may be NULL.
 * @param num
 *   The number of elements.
 * @param size
 *   The size of an element in bytes.
 * @param align
 *   The least alignment in bytes, see rte_fastmem_heap_malloc().
 * @param socket
 *   The socket, see rte_fastmem_heap_malloc_socket().
 * @return
 *   The memory, or NULL, see rte_fastmem_heap_malloc_socket(); NULL also if the
 *   size of the array is more than a size_t holds.
 */
__rte_experimental
static inline void *
rte_fastmem_heap_calloc_socket(const char *type, size_t num, size_t size,
	unsigned int align, int socket)
	__rte_alloc_size(2, 3) __rte_alloc_align(4) __rte_malloc;

__rte_experimental
static inline void *
rte_fastmem_heap_calloc_socket(const char *type, size_t num, size_t size,
	unsigned int align, int socket)
{
	return rte_fastmem_heap_zmalloc_socket(type,
		__rte_fastmem_heap_bytes(num, size), align, socket);
}

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Free memory as rte_free() does.
 *
 * MT-safe.
 *
 * @param ptr
 *   Memory that was allocated by a function of this header or of rte_malloc.h;
 *   NULL is ignored.
 */
__rte_experimental
static inline void
rte_fastmem_heap_free(void *ptr)
{
	if (unlikely(!__rte_fastmem_push_last(ptr)))
		__rte_fastmem_heap_free(ptr);
}

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Tell how many bytes may be used of what was allocated.
 *
 * MT-safe.
 *
 * @param ptr
 *   The memory.
 * @return
 *   The size in bytes, at least that which was asked for. 0 if @p ptr is NULL
 *   or is not the start of such memory.
 */
__rte_experimental
static inline size_t
rte_fastmem_heap_usable_size(const void *ptr)
{
	size_t size = 0;

	if (rte_fastmem_contains(ptr))
		return rte_fastmem_usable_size(ptr);
	if (ptr == NULL || rte_malloc_validate(ptr, &size) != 0)
		return 0;
	return size;
}

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Check a pointer as rte_malloc_validate() does.
 *
 * The objects of fastmem have no header that could be damaged: of those, it is
 * checked whether one begins there. See rte_fastmem_audit() for more.
 *
 * MT-safe.
 *
 * @param ptr
 *   The memory.
 * @param size
 *   If not NULL, the number of usable bytes is stored here.
 * @return
 *   - 0 if the pointer is valid.
 *   - -1 if it is not, or is NULL.
 */
__rte_experimental
static inline int
rte_fastmem_heap_validate(const void *ptr, size_t *size)
{
	size_t usable;

	if (!rte_fastmem_contains(ptr))
		return rte_malloc_validate(ptr, size);
	usable = rte_fastmem_usable_size(ptr);
	if (usable == 0)
		return -1;
	if (size != NULL)
		*size = usable;
	return 0;
}

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Translate the address of allocated memory into its IO address, as
 * rte_malloc_virt2iova() does.
 *
 * An object of fastmem is contiguous in IO addresses; what rte_malloc.h's
 * functions have allocated may not be.
 *
 * MT-safe.
 *
 * @param ptr
 *   The memory.
 * @return
 *   The IO address, or RTE_BAD_IOVA if there is none.
 */
__rte_experimental
static inline rte_iova_t
rte_fastmem_heap_virt2iova(const void *ptr)
{
	return rte_fastmem_contains(ptr) ? rte_fastmem_virt2iova(ptr) :
		rte_malloc_virt2iova(ptr);
}

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Change the size of memory, on a given socket, as rte_realloc_socket() does.
 *
 * What the heap has allocated stays the heap's. An object of fastmem stays where
 * it is as long as it is large enough, aligned well enough and on the socket,
 * and more than a quarter of it is used. Otherwise its content is copied to
 * new memory. What becomes smaller, and could stay, never fails.
 *
 * MT-safe for different memory.
 *
 * @param ptr
 *   The memory; if NULL, new memory is allocated.
 * @param size
 *   The new size in bytes; if 0, the memory is freed and NULL returned.
 * @param align
 *   The least alignment in bytes, see rte_fastmem_heap_malloc().
 * @param socket
 *   The socket, see rte_fastmem_heap_malloc_socket(). SOCKET_ID_ANY: the old one
 *   if the memory can stay, otherwise as rte_fastmem_heap_malloc() chooses.
 * @return
 *   The memory. NULL, and the old memory left as it is, as
 *   rte_fastmem_heap_malloc_socket() fails, or if @p ptr is in the middle
 *   of an object of fastmem.
 */
__rte_experimental
static inline void *
rte_fastmem_heap_realloc_socket(void *ptr, size_t size, unsigned int align,
	int socket)
	__rte_alloc_size(2) __rte_alloc_align(3);

__rte_experimental
static inline void *
rte_fastmem_heap_realloc_socket(void *ptr, size_t size, unsigned int align,
	int socket)
{
	return __rte_fastmem_heap_realloc(ptr, size, align, socket);
}

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Change the size of memory as rte_realloc() does.
 *
 * The same as rte_fastmem_heap_realloc_socket() with SOCKET_ID_ANY.
 *
 * MT-safe for different memory.
 *
 * @param ptr
 *   The memory; if NULL, new memory is allocated.
 * @param size
 *   The new size in bytes; if 0, the memory is freed and NULL returned.
 * @param align
 *   The least alignment in bytes, see rte_fastmem_heap_malloc().
 * @return
 *   The memory, or NULL, see rte_fastmem_heap_realloc_socket().
 */
__rte_experimental
static inline void *
rte_fastmem_heap_realloc(void *ptr, size_t size, unsigned int align)
	__rte_alloc_size(2) __rte_alloc_align(3);

__rte_experimental
static inline void *
rte_fastmem_heap_realloc(void *ptr, size_t size, unsigned int align)
{
	return __rte_fastmem_heap_realloc(ptr, size, align, SOCKET_ID_ANY);
}

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Fill memory with zeros and free it, as rte_free_sensitive() does.
 *
 * MT-safe.
 *
 * @param ptr
 *   The memory, see rte_fastmem_heap_free(); NULL is ignored.
 */
__rte_experimental
static inline void
rte_fastmem_heap_free_sensitive(void *ptr)
{
	if (ptr == NULL)
		return;
	__rte_fastmem_heap_clear(ptr, rte_fastmem_heap_usable_size(ptr));
	rte_fastmem_heap_free(ptr);
}

#ifdef __cplusplus
}
#endif

#endif /* ALLOW_EXPERIMENTAL_API */

#endif /* RTE_FASTMEM_MALLOC_H */

/* The header may have been included before, without the macro. */
#if defined(RTE_FASTMEM_REPLACE_MALLOC) && !defined(RTE_FASTMEM_MALLOC_REPLACED)
#define RTE_FASTMEM_MALLOC_REPLACED
/* It names a function which is another one from here on, and inline. */
#ifdef __rte_dealloc_free
#undef __rte_dealloc_free
#define __rte_dealloc_free
#endif
#define rte_malloc rte_fastmem_heap_malloc
#define rte_zmalloc rte_fastmem_heap_zmalloc
#define rte_calloc rte_fastmem_heap_calloc
#define rte_realloc rte_fastmem_heap_realloc
#define rte_malloc_socket rte_fastmem_heap_malloc_socket
#define rte_zmalloc_socket rte_fastmem_heap_zmalloc_socket
#define rte_calloc_socket rte_fastmem_heap_calloc_socket
#define rte_realloc_socket rte_fastmem_heap_realloc_socket
#define rte_free rte_fastmem_heap_free
#define rte_free_sensitive rte_fastmem_heap_free_sensitive
#define rte_malloc_validate rte_fastmem_heap_validate
#define rte_malloc_virt2iova rte_fastmem_heap_virt2iova
#endif
