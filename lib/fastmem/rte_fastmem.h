/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef RTE_FASTMEM_H
#define RTE_FASTMEM_H

/**
 * @file
 * Fast allocator of objects of any size, for the data path.
 *
 * Fastmem hands out objects from 8 B to 1 MiB out of NUMA-local hugepage
 * memory, at the speed of a mempool and without one pool for each size.
 * A request is rounded up to one of 18 size classes (powers of two).
 * The objects of one class on one socket, called a bin, are kept in slabs
 * of 2 MiB, which a bin takes from its socket's common stock and gives back
 * when all their objects are free. Every lcore has a private cache of each
 * bin in front of them. The memory comes from memzones;
 * the DPDK heap is not used.
 *
 * There is one allocator, shared by the primary process and its secondary
 * processes: an object, or a handle, may be passed to another process and be
 * used and freed there.
 *
 * Threads
 * -------
 * Unless said otherwise, every function may be called by any thread of any
 * attached process, at any time, except for rte_fastmem_init() and
 * rte_fastmem_deinit(): no thread of the process may be inside of another
 * function of the library, of rte_thread_register(), or of
 * rte_thread_unregister(), while one of those runs; but threads may end.
 * Threads with an lcore id (EAL threads, and threads registered by
 * rte_thread_register()) have private caches, and so have up to 128 other
 * threads of each process at a time, from their first call until they end or
 * get an lcore id. What is in their caches is given back then.
 * Threads beyond that number share magazines of objects by means of lock-free
 * lists (in a secondary process, the caches of one thread under a lock), at a
 * higher cost for each call, and so do threads that call the library from
 * callbacks or destructors which EAL or the C library runs when they are
 * registered or unregistered, or end, after it was told.
 *
 * Processes
 * ---------
 * A secondary process has private caches like the primary one, and exchanges
 * their contents with other threads by itself. Where memory has to be taken
 * from a slab, or from EAL, a thread of the primary process does it, for
 * which the caller waits, without spinning.
 *
 * A secondary process may be killed at any moment once it has attached: it holds
 * no lock that others wait for, and what was in its caches is reclaimed
 * (rte_fastmem_process_reclaim()). An allocation or a free that it was about
 * to make has either happened or not.
 * That a process has ended is told by a record lock on a file in EAL's runtime
 * directory. So neither the primary process nor an attached one may close file
 * descriptors that are not its own, as with closefrom(): it would be taken for
 * dead.
 * When the primary process has ended, secondary processes go on with
 * what is in their caches and depots, and get ENOMEM then; the call which is the
 * first to ask for more waits a second for that.
 *
 * A process that was created by fork() and has not called one of the exec()
 * functions cannot use the allocator of its parent, nor initialize one.
 * There the library is not initialized: allocations fail with ENODEV, and what
 * is freed is reported and otherwise ignored. The parent is not disturbed. The
 * memory of its objects is shared with the child, not copied.
 *
 * Preemption
 * ----------
 * A call that is served by the private cache, or by a magazine of the depot
 * behind it, takes no lock, so a thread preempted there delays nobody but
 * itself.
 * A bin's slabs, and a socket's stock of slabs, are guarded by locks,
 * held while the objects of a magazine or of a bulk are moved, and for longer
 * by rte_fastmem_trim(), rte_fastmem_audit(), and what visits all objects of a
 * type only.
 * A lock held while memory is taken from EAL is only ever waited for
 * by threads that need memory from EAL themselves.
 * Functions of this library must not be called from a signal handler, and a
 * thread must not be cancelled by pthread_cancel() while it is in one of them:
 * they do not expect to be left that way.
 *
 * Misuse
 * ------
 * A pointer outside of the library's memory, or into the middle of an object,
 * is reported by one line in the log and otherwise ignored, and so is a free
 * before rte_fastmem_init().
 * What is freed through a handle is not checked at all, and what is freed as of
 * a size that the compiler knows may not be; see rte_fastmem_free_sized().
 * Neither is it detected when it happens that an object is freed twice, or a
 * pointer to a place in a slab which has the address of an object but is none:
 * it was never handed out, or does not have room for one, being next to EAL's
 * header of a memzone or to objects that are shifted. rte_fastmem_audit() finds
 * all of these, as long as they have not been handed out.
 */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <rte_bitops.h>
#include <rte_common.h>
#include <rte_compat.h>

#include <rte_fastmem_core.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Allocation flag: fill the object with zeros. */
#define RTE_FASTMEM_F_ZERO RTE_BIT32(0)

/**
 * Allocation flag: do not take more memory from EAL.
 *
 * Fail with ENOMEM where the request can only be served by growth, which
 * may take milliseconds.
 */
#define RTE_FASTMEM_F_NO_GROW RTE_BIT32(1)

/**
 * A size class on a socket, resolved in advance by rte_fastmem_hlookup().
 *
 * An alignment above RTE_CACHE_LINE_SIZE may make it another handle of
 * the class: see rte_fastmem_hfree().
 *
 * A handle is a plain value, valid in any thread and any attached process
 * until rte_fastmem_deinit() is called in the primary process. Zero is never
 * a valid handle, and is refused as such; the use of any other value that
 * rte_fastmem_hlookup() did not give is undefined.
 */
typedef uint32_t rte_fastmem_handle_t;

/** Statistics of the allocator as a whole. */
struct rte_fastmem_stats {
	/**
	 * Bytes of backing memory taken from EAL, all sockets, without the
	 * directory that rte_fastmem_init() takes.
	 */
	uint64_t bytes_backing;
	/** Bytes in allocated objects, counted in sizes of their classes. */
	uint64_t bytes_in_use;
	uint64_t alloc_total; /**< Objects allocated. */
	uint64_t free_total;  /**< Objects freed. */
	/** Objects that could not be allocated for lack of memory. */
	uint64_t alloc_nomem;
	unsigned int n_classes; /**< Number of size classes. */
};

/** Statistics of one size class, all sockets. */
struct rte_fastmem_class_stats {
	size_t class_size; /**< Size of the class's objects, in bytes. */
	uint64_t in_use;   /**< Objects allocated and not yet freed. */
	/** Objects allocated without leaving a cache. */
	uint64_t alloc_cache_hits;
	/** Objects allocated from the layers behind a cache. */
	uint64_t alloc_cache_misses;
	/** Objects that could not be allocated for lack of memory. */
	uint64_t alloc_nomem;
	/** Objects freed without leaving a cache. */
	uint64_t free_cache_hits;
	/** Objects freed to the layers behind a cache. */
	uint64_t free_cache_misses;
	uint64_t slab_acquires; /**< Slabs taken from the sockets' stock. */
	uint64_t slab_releases; /**< Slabs given back to the sockets' stock. */
	/** Slabs that have free objects (outside of caches and depots). */
	uint32_t slabs_partial;
	uint32_t slabs_full; /**< Slabs that have none. */
};

/** Statistics of one lcore, or of all threads without an lcore id. */
struct rte_fastmem_lcore_stats {
	/** Objects allocated without leaving a cache. */
	uint64_t alloc_cache_hits;
	/** Objects allocated from the layers behind a cache. */
	uint64_t alloc_cache_misses;
	/** Objects that could not be allocated for lack of memory. */
	uint64_t alloc_nomem;
	/** Objects freed without leaving a cache. */
	uint64_t free_cache_hits;
	/** Objects freed to the layers behind a cache. */
	uint64_t free_cache_misses;
};

/** Statistics of one size class on one lcore, or of one class's threads
 * without an lcore id.
 */
struct rte_fastmem_lcore_class_stats {
	size_t class_size; /**< Size of the class's objects, in bytes. */
	/** Objects allocated without leaving a cache. */
	uint64_t alloc_cache_hits;
	/** Objects allocated from the layers behind a cache. */
	uint64_t alloc_cache_misses;
	/** Objects that could not be allocated for lack of memory. */
	uint64_t alloc_nomem;
	/** Objects freed without leaving a cache. */
	uint64_t free_cache_hits;
	/** Objects freed to the layers behind a cache. */
	uint64_t free_cache_misses;
};

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Initialize the allocator, or attach to it.
 *
 * In the primary process, set up the allocator; it takes memory for its
 * directory and for bookkeeping, on each socket that has some, but none for
 * objects. Threads of a socket that has no memory now are served from
 * another one, as if it were their own. In a secondary process, attach to the allocator that the
 * primary process has set up.
 *
 * Not MT-safe against other functions of this library in the same process.
 *
 * @return
 *   - 0 on success.
 *   - -EBUSY if the allocator is initialized in this process already.
 *   - -ENOMEM if EAL has no memory for the directory, or the process no memory
 *     or no key for thread-specific data left to watch its threads; in a
 *     secondary process also if the primary's has no memory for its caches.
 *   - -ENOTSUP in a process that was forked by one which used the library.
 *   - -ENODEV in a secondary process: the primary's is not initialized.
 *   - -EAGAIN in a secondary process: there are 64 of them already.
 *   - -EIO in a secondary process: the primary does not answer.
 *   - -ENOTSUP in a secondary process: the primary has another version of
 *     this library.
 */
__rte_experimental
int
rte_fastmem_init(void);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Tear down the allocator, or detach from it.
 *
 * In the primary process, give all memory back to EAL, whether objects are
 * still allocated or not; every pointer and handle becomes invalid. Types are
 * gone as well, and no destructor is called.
 * All secondary processes must have detached before.
 * In a secondary process, empty the private caches of the process's threads
 * and detach; objects that it has allocated stay valid.
 *
 * Does nothing when the allocator is not initialized in this process.
 *
 * To be called before rte_eal_cleanup(), which takes the memory away: the
 * library's control threads would go on using it, and so would each thread that
 * has used the library, when it ends.
 *
 * Not MT-safe: no other thread of the process may be inside of a function
 * of the library.
 */
__rte_experimental
void
rte_fastmem_deinit(void);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Take memory from EAL in advance.
 *
 * The sizes of all calls for one socket are added up, and compared with
 * what was reserved by them; memory that allocations made the library take
 * does not count. Memory is taken in units of 128 MiB where EAL has them, in
 * smaller ones otherwise.
 * When the call fails, memory that it took before it failed stays with the
 * library, and is used by later allocations and reservations.
 *
 * MT-safe. Calls EAL to reserve memzones, hence not for the data path.
 *
 * @param size
 *   Number of bytes to reserve, rounded up to a multiple of 2 MiB.
 * @param socket_id
 *   The socket, or SOCKET_ID_ANY: the caller's own socket first, and others
 *   for what that cannot give.
 * @return
 *   - 0 on success.
 *   - -ENODEV if the allocator is not initialized.
 *   - -EINVAL if there is no such socket.
 *   - -ENOMEM if EAL, or the socket's limit, does not give that much.
 */
__rte_experimental
int
rte_fastmem_reserve(size_t size, int socket_id);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Limit the backing memory of a socket.
 *
 * A limit below what is taken already stops further growth. It does not
 * give anything back; see rte_fastmem_trim().
 *
 * MT-safe.
 *
 * @param socket_id
 *   The socket.
 * @param max_bytes
 *   The limit in bytes; SIZE_MAX (the initial value) for none.
 * @return
 *   - 0 on success.
 *   - -ENODEV if the allocator is not initialized.
 *   - -EINVAL if there is no such socket.
 */
__rte_experimental
int
rte_fastmem_set_limit(int socket_id, size_t max_bytes);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Tell the limit of a socket's backing memory.
 *
 * MT-safe.
 *
 * @param socket_id
 *   The socket.
 * @return
 *   The limit in bytes, SIZE_MAX for none. On error 0, with rte_errno set:
 *   - ENODEV if the allocator is not initialized.
 *   - EINVAL if there is no such socket.
 */
__rte_experimental
size_t
rte_fastmem_get_limit(int socket_id);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Limit what private caches may hold.
 *
 * An lcore's cache of one size class on one socket keeps up to 1,020 objects,
 * in two magazines, and up to 2 MiB of them unless told otherwise, or 4 MiB if
 * they are of 4 KiB, but at least one object in each magazine. What is kept there serves nobody else until the
 * lcore allocates it, or flushes its caches. The smaller the caches, the more
 * often calls leave them.
 *
 * To be called after rte_fastmem_init() and before the first allocation.
 * Not MT-safe against allocations.
 *
 * @param max_bytes
 *   Bytes of objects that a cache may hold, if that is less than the above.
 * @return
 *   - 0 on success.
 *   - -EBUSY if objects have been allocated already.
 *   - -ENODEV if the allocator is not initialized.
 *   - -ENOTSUP in a secondary process.
 */
__rte_experimental
int
rte_fastmem_set_cache_limit(size_t max_bytes);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Give backing memory without objects back to EAL.
 *
 * Empties the caches of the calling thread and all depots first, as
 * rte_fastmem_cache_flush() does. Backing is given back in the units in which
 * it was taken. What rte_fastmem_reserve() took is given back too, and no
 * longer counts as reserved.
 *
 * MT-safe. Calls EAL to free memzones, hence not for the data path.
 *
 * @param socket_id
 *   The socket, or SOCKET_ID_ANY for all of them.
 * @param bytes
 *   If not NULL, the number of bytes given back is stored here.
 * @return
 *   - 0 on success, also when there was nothing to give back.
 *   - -ENODEV if the allocator is not initialized.
 *   - -EINVAL if there is no such socket.
 *   - -ENOTSUP in a secondary process.
 */
__rte_experimental
int
rte_fastmem_trim(int socket_id, size_t *bytes);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Tell the size of the largest object that can be allocated.
 *
 * MT-safe; needs no initialization.
 *
 * @return
 *   The size in bytes, at least 1 MiB.
 */
__rte_experimental
size_t
rte_fastmem_max_size(void);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * List the size classes.
 *
 * MT-safe; needs no initialization.
 *
 * @param sizes
 *   If not NULL, an array which receives the sizes of the objects of all
 *   classes in bytes, in ascending order.
 * @return
 *   The number of size classes.
 */
__rte_experimental
unsigned int
rte_fastmem_classes(size_t *sizes);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Free an object.
 *
 * A pointer which is not to an object is logged and ignored, as is any pointer
 * when the allocator is not initialized; see "Misuse" for the exceptions.
 *
 * MT-safe; the object may have been allocated by any thread or process.
 *
 * @param ptr
 *   The object; NULL is ignored.
 */
__rte_experimental
static inline void
rte_fastmem_free(void *ptr)
{
	__rte_fastmem_free_one(ptr);
}

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Free an object whose size is known.
 *
 * Spares the library finding out the object's class. Where the compiler inlines
 * the call and can tell the class, as for constants, the alignment is one of at
 * most RTE_CACHE_LINE_SIZE, and rte_socket_count() is 1, this takes what
 * rte_fastmem_hfree() does. The class is believed then, and nothing is reported
 * if it is another one. Otherwise, it only tells where to look first, and the
 * object is served whatever its class and socket are.
 *
 * MT-safe; the object may have been allocated by any thread or process.
 *
 * @param ptr
 *   The object; NULL is ignored. It must not be of a type.
 * @param size
 *   The size in bytes that the object was allocated with, or reallocated last.
 * @param align
 *   The alignment that it was allocated or reallocated with. It counts for the
 *   class as the size does: 0 is RTE_CACHE_LINE_SIZE.
 */
__rte_experimental
static inline void
rte_fastmem_free_sized(void *ptr, size_t size, size_t align)
{
	struct rte_fastmem_lcore *self = &RTE_PER_LCORE(_rte_fastmem_lcore);
	unsigned int zeros = __rte_fastmem_zeros(size, align);

	if (__extension__(__builtin_constant_p(zeros)) &&
			__extension__(__builtin_constant_p(align)) &&
			zeros >= RTE_FASTMEM_MIN_ZEROS &&
			align <= RTE_CACHE_LINE_SIZE && likely(ptr != NULL) &&
			likely(__rte_fastmem_push(
				__rte_fastmem_sole_cache(self, zeros), ptr)))
		return;
	/* The cache follows from the size; the directory only confirms it. */
	if (unlikely(!__rte_fastmem_is_plain(zeros, 0, 0) ||
			!__rte_fastmem_push_object(self,
				__rte_fastmem_own_cache(self, zeros), ptr)))
		__rte_fastmem_free(ptr);
}

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Free an object through its handle.
 *
 * The fastest way: nothing is looked up.
 *
 * MT-safe; the object may have been allocated by any thread or process, by
 * means of a handle or without.
 *
 * @param handle
 *   A handle of the class and socket that the object belongs to. If it was
 *   looked up with an alignment above RTE_CACHE_LINE_SIZE, so must the object
 *   have been allocated.
 * @param ptr
 *   The object; NULL is ignored.
 */
__rte_experimental
static inline void
rte_fastmem_hfree(rte_fastmem_handle_t handle, void *ptr)
{
	struct rte_fastmem_cache *cache = __rte_fastmem_handle_cache(
		&RTE_PER_LCORE(_rte_fastmem_lcore), handle);

	if (unlikely(ptr == NULL || !__rte_fastmem_push(cache, ptr)))
		__rte_fastmem_hfree(handle, ptr);
}

/**
 * How objects of functions which are not inline are to be freed. Compilers do
 * not accept inline functions here either, hence those behind them.
 *
 * Without ALLOW_EXPERIMENTAL_API, even naming the functions that free it
 * would make the compiler complain.
 */
#ifdef ALLOW_EXPERIMENTAL_API
#define __rte_dealloc_fastmem_free \
	__rte_dealloc(__rte_fastmem_free, 1) \
	__rte_dealloc(__rte_fastmem_hfree, 2)
#else
#define __rte_dealloc_fastmem_free
#endif

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Allocate an object on a given socket.
 *
 * MT-safe.
 *
 * @param size
 *   The size in bytes, see rte_fastmem_alloc().
 * @param align
 *   The least alignment in bytes, see rte_fastmem_alloc().
 * @param flags
 *   0 or RTE_FASTMEM_F_* flags.
 * @param socket_id
 *   The socket, or SOCKET_ID_ANY: as rte_fastmem_alloc() chooses.
 * @return
 *   The object, or NULL with rte_errno set:
 *   - E2BIG, EINVAL, ENODEV: see rte_fastmem_alloc().
 *   - EINVAL also if there is no such socket.
 *   - ENOMEM if the socket has no memory left.
 */
__rte_experimental
void *
rte_fastmem_alloc_socket(size_t size, size_t align, unsigned int flags,
	int socket_id)
	__rte_alloc_size(1) __rte_alloc_align(2)
	__rte_malloc __rte_dealloc_fastmem_free;

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Allocate an object on the calling thread's own socket, or on another one
 * if that has no memory left.
 *
 * The object belongs to the smallest class which holds both @p size and
 * @p align. Its content is undefined unless RTE_FASTMEM_F_ZERO is given.
 *
 * MT-safe.
 *
 * @param size
 *   The size in bytes, at most rte_fastmem_max_size(). 0 stands for 1.
 * @param align
 *   The least alignment in bytes, a power of two and at most
 *   rte_fastmem_max_size(); 0 stands for RTE_CACHE_LINE_SIZE.
 * @param flags
 *   0 or RTE_FASTMEM_F_* flags.
 * @return
 *   The object, or NULL with rte_errno set:
 *   - E2BIG if @p size or @p align is greater than rte_fastmem_max_size().
 *   - EINVAL if @p align is not a power of two, or a flag is unknown.
 *   - ENOMEM if no memory is left on any socket.
 *   - ENODEV if the allocator is not initialized.
 */
__rte_experimental
static inline void *
rte_fastmem_alloc(size_t size, size_t align, unsigned int flags)
	__rte_alloc_size(1) __rte_alloc_align(2) __rte_malloc;

__rte_experimental
static inline void *
rte_fastmem_alloc(size_t size, size_t align, unsigned int flags)
{
	struct rte_fastmem_lcore *self = &RTE_PER_LCORE(_rte_fastmem_lcore);
	unsigned int zeros = __rte_fastmem_zeros(size, align);
	struct rte_fastmem_cache *cache;
	void *obj;

	if (likely(__rte_fastmem_is_plain(zeros, align, flags))) {
		cache = __rte_fastmem_own_cache(self, zeros);
		if (likely(__rte_fastmem_pop_noted(self, cache, &obj)))
			return obj;
	}
	return __rte_fastmem_alloc(size, align, flags);
}

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Change the size of an object.
 *
 * An object whose class is that of the new size and alignment stays where it
 * is, unless it would have to be aligned to more than a cache line and was not
 * allocated like that. Otherwise its content is copied to a new one, on the calling thread's
 * own socket if possible, up to the smaller of both classes' sizes, and the
 * old object is freed.
 *
 * MT-safe for different objects.
 *
 * @param ptr
 *   The object; if NULL, a new object is allocated.
 * @param size
 *   The new size in bytes; if 0 and @p ptr is not NULL, the object is freed
 *   and NULL returned.
 * @param align
 *   The least alignment in bytes, see rte_fastmem_alloc().
 * @return
 *   The object, or NULL with rte_errno set and the old object left as it is:
 *   - E2BIG, EINVAL, ENOMEM, ENODEV: see rte_fastmem_alloc().
 *   - EINVAL also if @p ptr is not the start of an object.
 */
__rte_experimental
void *
rte_fastmem_realloc(void *ptr, size_t size, size_t align)
	__rte_alloc_size(2) __rte_alloc_align(3);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Allocate several objects of one size on a given socket, all or none.
 *
 * MT-safe.
 *
 * @param ptrs
 *   Receives the objects; not written to on failure.
 * @param n
 *   The number of objects; 0 succeeds.
 * @param size
 *   The size of an object in bytes, see rte_fastmem_alloc().
 * @param align
 *   The least alignment in bytes, see rte_fastmem_alloc().
 * @param flags
 *   0 or RTE_FASTMEM_F_* flags.
 * @param socket_id
 *   The socket, or SOCKET_ID_ANY, see rte_fastmem_alloc_socket().
 * @return
 *   - 0 on success.
 *   - -E2BIG, -EINVAL, -ENOMEM, -ENODEV: see rte_fastmem_alloc_socket().
 */
__rte_experimental
int
rte_fastmem_alloc_bulk_socket(void **ptrs, unsigned int n, size_t size,
	size_t align, unsigned int flags, int socket_id);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Allocate several objects of one size, all of them or none.
 *
 * All of them lie on the same socket.
 *
 * MT-safe.
 *
 * @param ptrs
 *   Receives the objects; not written to on failure.
 * @param n
 *   The number of objects; 0 succeeds.
 * @param size
 *   The size of an object in bytes, see rte_fastmem_alloc().
 * @param align
 *   The least alignment in bytes, see rte_fastmem_alloc().
 * @param flags
 *   0 or RTE_FASTMEM_F_* flags.
 * @return
 *   - 0 on success.
 *   - -E2BIG, -EINVAL, -ENOMEM, -ENODEV: see rte_fastmem_alloc().
 */
__rte_experimental
static inline int
rte_fastmem_alloc_bulk(void **ptrs, unsigned int n, size_t size, size_t align,
	unsigned int flags)
{
	struct rte_fastmem_lcore *self = &RTE_PER_LCORE(_rte_fastmem_lcore);
	unsigned int zeros = __rte_fastmem_zeros(size, align);
	struct rte_fastmem_cache *cache;

	if (likely(__rte_fastmem_is_plain(zeros, align, flags) && n != 0)) {
		cache = __rte_fastmem_own_cache(self, zeros);
		if (likely(__rte_fastmem_pop_bulk(cache, ptrs, n))) {
			self->last = cache;
			return 0;
		}
	}
	return __rte_fastmem_alloc_bulk(ptrs, n, size, align, flags);
}

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Free several objects, of any sizes and sockets.
 *
 * Each pointer is treated as rte_fastmem_free() treats it.
 *
 * MT-safe.
 *
 * @param ptrs
 *   The objects; not written to. NULLs among them are ignored.
 * @param n
 *   The number of objects.
 */
__rte_experimental
static inline void
rte_fastmem_free_bulk(void **ptrs, unsigned int n)
{
	/* What is done for many at a time takes longer for one. */
	if (n == 1)
		__rte_fastmem_free_one(ptrs[0]);
	else if (unlikely(!__rte_fastmem_push_slab(
			&RTE_PER_LCORE(_rte_fastmem_lcore), ptrs, n)))
		__rte_fastmem_free_bulk(ptrs, n);
}

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Find the handle of a size class on a socket.
 *
 * MT-safe.
 *
 * @param size
 *   The size of the objects in bytes, see rte_fastmem_alloc().
 * @param align
 *   The least alignment in bytes, see rte_fastmem_alloc().
 * @param socket_id
 *   The socket, or SOCKET_ID_ANY for the calling thread's own socket.
 * @param[out] handle
 *   Receives the handle; not written to on failure.
 * @return
 *   - 0 on success.
 *   - -E2BIG if @p size or @p align is greater than rte_fastmem_max_size().
 *   - -EINVAL if @p align is not a power of two, there is no such socket, or
 *     @p handle is NULL.
 *   - -ENODEV if the allocator is not initialized.
 */
__rte_experimental
int
rte_fastmem_hlookup(size_t size, size_t align, int socket_id,
	rte_fastmem_handle_t *handle);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Allocate an object through a handle.
 *
 * MT-safe.
 *
 * @param handle
 *   A handle from rte_fastmem_hlookup().
 * @param flags
 *   0 or RTE_FASTMEM_F_* flags. RTE_FASTMEM_F_ZERO clears the whole object,
 *   up to the size of its class.
 * @return
 *   The object, or NULL with rte_errno set:
 *   - EINVAL if @p handle is 0, or a flag is unknown.
 *   - ENOMEM if the handle's socket has no memory left.
 *   - ENODEV if the allocator is not initialized.
 */
__rte_experimental
static inline void *
rte_fastmem_halloc(rte_fastmem_handle_t handle, unsigned int flags)
	__rte_malloc;

__rte_experimental
static inline void *
rte_fastmem_halloc(rte_fastmem_handle_t handle, unsigned int flags)
{
	struct rte_fastmem_cache *cache = __rte_fastmem_handle_cache(
		&RTE_PER_LCORE(_rte_fastmem_lcore), handle);
	void *obj;

	if (likely(flags == 0 && __rte_fastmem_pop(cache, &obj)))
		return obj;
	return __rte_fastmem_halloc(handle, flags);
}

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Allocate several objects through a handle, all of them or none.
 *
 * MT-safe.
 *
 * @param handle
 *   A handle from rte_fastmem_hlookup().
 * @param ptrs
 *   Receives the objects; not written to on failure.
 * @param n
 *   The number of objects; 0 succeeds.
 * @param flags
 *   0 or RTE_FASTMEM_F_* flags, see rte_fastmem_halloc().
 * @return
 *   - 0 on success.
 *   - -EINVAL, -ENOMEM, -ENODEV: see rte_fastmem_halloc().
 */
__rte_experimental
static inline int
rte_fastmem_halloc_bulk(rte_fastmem_handle_t handle, void **ptrs,
	unsigned int n, unsigned int flags)
{
	struct rte_fastmem_cache *cache = __rte_fastmem_handle_cache(
		&RTE_PER_LCORE(_rte_fastmem_lcore), handle);

	if (likely(flags == 0 && n != 0 &&
			__rte_fastmem_pop_bulk(cache, ptrs, n)))
		return 0;
	return __rte_fastmem_halloc_bulk(handle, ptrs, n, flags);
}

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Free several objects of one handle.
 *
 * MT-safe.
 *
 * @param handle
 *   A handle of the class and socket that the objects belong to, see
 *   rte_fastmem_hfree().
 * @param ptrs
 *   The objects; not written to. None of them may be NULL.
 * @param n
 *   The number of objects.
 */
__rte_experimental
static inline void
rte_fastmem_hfree_bulk(rte_fastmem_handle_t handle, void **ptrs,
	unsigned int n)
{
	struct rte_fastmem_cache *cache = __rte_fastmem_handle_cache(
		&RTE_PER_LCORE(_rte_fastmem_lcore), handle);

	if (unlikely(n == 0 || !__rte_fastmem_push_bulk(cache, ptrs, n)))
		__rte_fastmem_hfree_bulk(handle, ptrs, n);
}

/**
 * A type's cache size: no caches.
 *
 * What any thread frees is there for all others at once, which the objects in
 * another thread's cache are not. Calls take several atomic operations then.
 * Threads of secondary processes keep up to 12 objects each nevertheless.
 */
#define RTE_FASTMEM_TYPE_NO_CACHE UINT_MAX

/** What a type of objects is like, see rte_fastmem_type_create(). */
struct rte_fastmem_type_params {
	/** A name that no other type has, of 31 characters at most. */
	const char *name;
	/** Bytes of an object; rounded up to a multiple of the alignment. */
	size_t size;
	/** Bytes, 0 (a cache line) or a power of two; at least a pointer's. */
	size_t align;
	/** Where the objects lie; SOCKET_ID_ANY: the caller's own socket. */
	int socket_id;
	/** So many objects may be constructed at a time; 0: no limit. */
	uint64_t max_objs;
	/**
	 * So many objects may be in each thread's cache, about; 0: as many as
	 * of a class of that size; or RTE_FASTMEM_TYPE_NO_CACHE.
	 */
	unsigned int cache_size;
	/**
	 * Called once for each object, when its memory is taken from a slab,
	 * before the object is handed out for the first time; or NULL.
	 */
	void (*ctor)(void *obj, void *arg);
	/** Called before the memory of an object serves others; or NULL. */
	void (*dtor)(void *obj, void *arg);
	/** Argument of both. */
	void *arg;
	/**
	 * If not 0, objects may lie in memory only that backs the socket when
	 * the type is created. If it is less than so many bytes by then, it is
	 * enlarged. None of it is given back to EAL as long as the type exists.
	 * So its addresses, see rte_fastmem_type_mem_walk(), can be made known
	 * to devices once.
	 */
	size_t fixed_memory;
};

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Create a type of objects, also known as an object cache (J. Bonwick, "The
 * Slab Allocator", USENIX 1994).
 *
 * Objects of a type have exactly the size that is asked for, and keep their
 * content while they are free: what the constructor has set up
 * is there whenever the object is allocated again.
 * They are allocated and freed by the functions that take a handle,
 * in all processes, through caches which the type has for itself.
 * rte_fastmem_free() and rte_fastmem_free_bulk() take them as well, at a higher
 * cost; rte_fastmem_free_sized() and rte_fastmem_realloc() do not.
 *
 * A slab whose objects are all free is given back to the stock of its socket,
 * after their destruction, once they are out of the caches, see
 * rte_fastmem_type_flush().
 *
 * The constructor and the destructor are called by any thread
 * of the primary process that allocates or frees, and by control threads which
 * do that for secondary processes, with no lock of a bin held. They may use
 * the library, but for this type. The destructor must not allocate or flush,
 * since it may be called by a thread that is looking for memory itself.
 *
 * MT-safe. There may be 64 types. In the primary process only.
 *
 * @param params
 *   What they are like.
 * @param[out] handle
 *   Receives the handle; not written to on failure.
 * @return
 *   - 0 on success.
 *   - -EINVAL if an argument or a member of @p params is bad.
 *   - -E2BIG if the size or the alignment is greater than
 *     rte_fastmem_max_size().
 *   - -EEXIST if there is a type of that name.
 *   - -ENOMEM if there is not as much fixed memory as asked for.
 *   - -ENOSPC if there are too many types.
 *   - -ENOTSUP in a secondary process.
 *   - -ENODEV if the allocator is not initialized.
 */
__rte_experimental
int
rte_fastmem_type_create(const struct rte_fastmem_type_params *params,
	rte_fastmem_handle_t *handle);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Find the handle of a type by its name, in any process.
 *
 * MT-safe.
 *
 * @param name
 *   The name.
 * @param[out] handle
 *   Receives the handle; not written to on failure.
 * @return
 *   - 0 on success.
 *   - -EINVAL if an argument is NULL.
 *   - -ENOENT if there is no such type.
 *   - -ENODEV if the allocator is not initialized.
 */
__rte_experimental
int
rte_fastmem_type_lookup(const char *name, rte_fastmem_handle_t *handle);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Destroy a type.
 *
 * All caches of it are emptied. No thread of any process may use the handle
 * meanwhile, nor ever after if it succeeds.
 *
 * @param handle
 *   The type's handle.
 * @return
 *   - 0 on success.
 *   - -EBUSY if objects are still allocated; nothing is destroyed then but
 *     objects that were free.
 *   - -EINVAL if it is not the handle of a type.
 *   - -ENOTSUP in a secondary process.
 *   - -ENODEV if the allocator is not initialized.
 */
__rte_experimental
int
rte_fastmem_type_destroy(rte_fastmem_handle_t handle);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Free all objects of a type, those in the hands of others included.
 *
 * For an owner that knows that nobody uses them any more, but not where they
 * are. All objects are destroyed and their memory is given back. No thread of
 * any process may use the handle or one of the objects meanwhile, nor the
 * objects ever after.
 *
 * @param handle
 *   The type's handle.
 * @return
 *   - The number of objects that were allocated (not negative).
 *   - -EINVAL if it is not the handle of a type.
 *   - -ENOTSUP in a secondary process.
 *   - -ENODEV if the allocator is not initialized.
 */
__rte_experimental
int64_t
rte_fastmem_type_purge(rte_fastmem_handle_t handle);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Give a type's free objects in the caller's cache and in the depot back to
 * their slabs, and slabs without objects to the stock.
 *
 * MT-safe. Visits each free object, hence not for the data path.
 *
 * @param handle
 *   The type's handle.
 * @return
 *   - 0 on success.
 *   - -EINVAL if it is not the handle of a type.
 *   - -ENODEV if the allocator is not initialized.
 */
__rte_experimental
int
rte_fastmem_type_flush(rte_fastmem_handle_t handle);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Call a function for all objects of a type whose memory was taken from a slab,
 * whether they are allocated or free.
 *
 * The function is called with a lock held and must not use the library. It may
 * meet objects that another thread is about to construct.
 *
 * MT-safe. In the primary process only.
 *
 * @param handle
 *   The type's handle.
 * @param func
 *   The function, or NULL to count only.
 * @param arg
 *   Its argument.
 * @return
 *   - The number of objects (not negative).
 *   - -EINVAL if it is not the handle of a type.
 *   - -ENOTSUP in a secondary process.
 *   - -ENODEV if the allocator is not initialized.
 */
__rte_experimental
int64_t
rte_fastmem_type_walk(rte_fastmem_handle_t handle,
	void (*func)(void *obj, void *arg), void *arg);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Call a function for each range of memory that objects of a type of fixed
 * memory may lie in, now or later.
 *
 * The ranges are in the order of their addresses. In each, the IO addresses
 * are contiguous, or there are none. They do not change as long as the type
 * exists. Objects of other types and classes lie in them as well.
 *
 * The function is called with a lock held and must not use the library, but
 * may call EAL.
 *
 * MT-safe. In the primary process only.
 *
 * @param handle
 *   The type's handle.
 * @param func
 *   The function, which gets the address, the IO address or RTE_BAD_IOVA,
 *   and the number of bytes of a range; or NULL to count only.
 * @param arg
 *   Its last argument.
 * @return
 *   - The number of ranges (not negative).
 *   - -EINVAL if it is not the handle of a type of fixed memory.
 *   - -ENOTSUP in a secondary process.
 *   - -ENODEV if the allocator is not initialized.
 */
__rte_experimental
int
rte_fastmem_type_mem_walk(rte_fastmem_handle_t handle,
	void (*func)(void *addr, rte_iova_t iova, size_t len, void *arg),
	void *arg);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Read the statistics of a type, since it was created, or since the last
 * rte_fastmem_stats_reset().
 *
 * They are part of the totals of rte_fastmem_stats(), and of no class.
 *
 * MT-safe.
 *
 * @param handle
 *   The type's handle.
 * @param[out] stats
 *   Receives the statistics; class_size is the size of an object.
 * @return
 *   - 0 on success.
 *   - -EINVAL if it is not the handle of a type or @p stats is NULL.
 *   - -ENODEV if the allocator is not initialized.
 */
__rte_experimental
int
rte_fastmem_type_stats(rte_fastmem_handle_t handle,
	struct rte_fastmem_class_stats *stats);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Tell how many bytes an object has: the size of its class.
 *
 * Compilers that know the size that an object was allocated with may take
 * the use of more than that for an error.
 *
 * MT-safe.
 *
 * @param ptr
 *   The object.
 * @return
 *   The size in bytes, or 0 with rte_errno set to EINVAL if @p ptr is NULL or
 *   not the start of an object, to ENODEV if the allocator is not initialized.
 */
__rte_experimental
size_t
rte_fastmem_usable_size(const void *ptr);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Tell whether a pointer points into memory of the library's objects.
 *
 * For who gets pointers of several allocators. Whether it is the start of an
 * object, or the object is allocated, is not looked at.
 *
 * MT-safe, no lock taken. For objects that the caller holds, and for memory
 * of others that is not returned to EAL meanwhile.
 *
 * @param ptr
 *   Any pointer; NULL too.
 * @return
 *   True if it does. False if not, or if the allocator is not initialized.
 */
__rte_experimental
static inline bool
rte_fastmem_contains(const void *ptr)
{
	const struct rte_fastmem_lcore *self = &RTE_PER_LCORE(_rte_fastmem_lcore);
	uintptr_t offset = (uintptr_t)ptr - self->dir_base;

	/* Threads without caches know of no directory. */
	if (unlikely((offset >> RTE_FASTMEM_SLAB_SHIFT) > self->dir_mask))
		return __rte_fastmem_contains(ptr);
	return __rte_fastmem_bin(self, offset) != 0;
}

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Tell which socket an object lies on.
 *
 * MT-safe.
 *
 * @param ptr
 *   A pointer to an object or into one.
 * @return
 *   - The socket id (not negative).
 *   - -EINVAL if @p ptr does not point into memory of the library's objects.
 *   - -ENODEV if the allocator is not initialized.
 */
__rte_experimental
int
rte_fastmem_socket_id(const void *ptr);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Translate a virtual address of an object into its IO address.
 *
 * An object is contiguous in IO addresses.
 *
 * MT-safe, no lock taken.
 *
 * @param ptr
 *   A pointer to an object or into one.
 * @return
 *   The IO address, or RTE_BAD_IOVA if @p ptr does not point into memory of
 *   the library's objects or EAL knows no IO address for it.
 */
__rte_experimental
rte_iova_t
rte_fastmem_virt2iova(const void *ptr);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Give the free objects of the caller's caches and of all depots back to
 * their slabs.
 *
 * A slab whose objects are then all free goes back to the stock of its
 * socket, where every size class can use it. For idle lcores, and before
 * memory is needed for other sizes.
 *
 * MT-safe. Visits each free object, hence not for the data path.
 */
__rte_experimental
void
rte_fastmem_cache_flush(void);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Reclaim what secondary processes had in their caches that ended without
 * detaching, by being killed for instance.
 *
 * The library does so by itself within a second, for as long as the primary
 * process runs; this call is for who cannot wait. What such a process had
 * allocated stays allocated: it may be in use elsewhere.
 *
 * MT-safe. In the primary process only.
 *
 * @return
 *   - The number of processes that were found (not negative).
 *   - -ENODEV if the allocator is not initialized.
 *   - -ENOTSUP in a secondary process.
 */
__rte_experimental
int
rte_fastmem_process_reclaim(void);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Read the statistics of the allocator as a whole.
 *
 * All functions that read statistics may run at any time. Figures are exact
 * when no other thread allocates or frees meanwhile; otherwise each figure
 * of one cache is exact at some moment during the call.
 *
 * MT-safe.
 *
 * @param[out] stats
 *   Receives the statistics.
 * @return
 *   - 0 on success.
 *   - -EINVAL if @p stats is NULL.
 *   - -ENODEV if the allocator is not initialized.
 */
__rte_experimental
int
rte_fastmem_stats(struct rte_fastmem_stats *stats);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Read the statistics of a size class.
 *
 * MT-safe.
 *
 * @param class_size
 *   The size of the class in bytes, as rte_fastmem_classes() lists it.
 * @param[out] stats
 *   Receives the statistics.
 * @return
 *   - 0 on success.
 *   - -EINVAL if there is no such class or @p stats is NULL.
 *   - -ENODEV if the allocator is not initialized.
 */
__rte_experimental
int
rte_fastmem_stats_class(size_t class_size,
	struct rte_fastmem_class_stats *stats);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Read the statistics of an lcore, in all processes.
 *
 * MT-safe.
 *
 * @param lcore_id
 *   The lcore, less than RTE_MAX_LCORE. One that never used the library has
 *   all figures 0.
 * @param[out] stats
 *   Receives the statistics.
 * @return
 *   - 0 on success.
 *   - -EINVAL if @p lcore_id is out of range or @p stats is NULL.
 *   - -ENODEV if the allocator is not initialized.
 */
__rte_experimental
int
rte_fastmem_stats_lcore(unsigned int lcore_id,
	struct rte_fastmem_lcore_stats *stats);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Read the statistics of a size class on an lcore, in all processes.
 *
 * MT-safe.
 *
 * @param lcore_id
 *   The lcore, less than RTE_MAX_LCORE.
 * @param class_size
 *   The size of the class in bytes, as rte_fastmem_classes() lists it.
 * @param[out] stats
 *   Receives the statistics.
 * @return
 *   - 0 on success.
 *   - -EINVAL if @p lcore_id is out of range, there is no such class or
 *     @p stats is NULL.
 *   - -ENODEV if the allocator is not initialized.
 */
__rte_experimental
int
rte_fastmem_stats_lcore_class(unsigned int lcore_id, size_t class_size,
	struct rte_fastmem_lcore_class_stats *stats);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Read the statistics of all threads without an lcore id.
 *
 * Where such a thread has no private cache, a hit is an object that was taken
 * from, or put into, a magazine of the depot without going to a slab.
 *
 * MT-safe.
 *
 * @param[out] stats
 *   Receives the statistics.
 * @return
 *   - 0 on success.
 *   - -EINVAL if @p stats is NULL.
 *   - -ENODEV if the allocator is not initialized.
 */
__rte_experimental
int
rte_fastmem_stats_shared(struct rte_fastmem_lcore_stats *stats);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Read the statistics of a size class for all threads without an lcore id.
 *
 * MT-safe.
 *
 * @param class_size
 *   The size of the class in bytes, as rte_fastmem_classes() lists it.
 * @param[out] stats
 *   Receives the statistics.
 * @return
 *   - 0 on success.
 *   - -EINVAL if there is no such class or @p stats is NULL.
 *   - -ENODEV if the allocator is not initialized.
 */
__rte_experimental
int
rte_fastmem_stats_shared_class(size_t class_size,
	struct rte_fastmem_lcore_class_stats *stats);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Set the counters of all statistics to zero.
 *
 * What is in use or backing memory, and the numbers of slabs, stay as they
 * are. Does nothing when the allocator is not initialized.
 *
 * Processes that were killed are reclaimed before, see
 * rte_fastmem_process_reclaim().
 *
 * MT-safe.
 */
__rte_experimental
void
rte_fastmem_stats_reset(void);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Print the state of the allocator in readable form.
 *
 * MT-safe.
 *
 * @param f
 *   The file to print to.
 */
__rte_experimental
void
rte_fastmem_dump(FILE *f);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Check every invariant of every layer.
 *
 * For tests and debugging. Finds objects that were freed twice or through a
 * handle or as of a constant size of another class and have not been handed out
 * again since, objects that were lost, memory for bookkeeping that was lost, and
 * damaged bookkeeping; each is reported by a line in the log.
 *
 * No other thread, in any process, may allocate, free or flush meanwhile,
 * attach or detach, or end after it has done so; the call is not disturbed by
 * what other threads read.
 * In the primary process, what belonged to processes that were killed is
 * reclaimed first.
 *
 * @return
 *   - 0 if all invariants hold.
 *   - -EFAULT if one does not.
 *   - -ENODEV if the allocator is not initialized.
 */
__rte_experimental
int
rte_fastmem_audit(void);

#ifdef __cplusplus
}
#endif

#endif /* RTE_FASTMEM_H */
