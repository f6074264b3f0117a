/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef RTE_FASTMEM_MEMPOOL_H
#define RTE_FASTMEM_MEMPOOL_H

/**
 * @file
 * Mempool's interface on types of fastmem, to compare the two by a recompile.
 *
 * A source file that defines RTE_FASTMEM_REPLACE_MEMPOOL and then includes this
 * header, behind all others, uses fastmem wherever it says rte_mempool: the name
 * of the structure, of functions and of callbacks. Nothing else has to be
 * changed; rte_fastmem_init() is called when it is needed. The file
 * must not pass its pools to files that were compiled otherwise, nor to
 * libraries: what takes mbufs from a pool needs a mempool, and may use the
 * mempool driver. Compilers report such a pool as a pointer of another type.
 *
 * What differs from a mempool:
 *
 *  - Memory is taken for the objects that are in use, and those in caches,
 *    rather than for all of them at creation. Hence a get may take longer,
 *    and fail when there is no more memory, although there are less than the
 *    pool's number of objects.
 *  - An object is initialized once, when its memory is taken: by the thread
 *    of the primary process that gets objects, or by a control thread for
 *    secondary processes, and not at creation. When idle memory is given back
 *    (rte_fastmem_type_flush(), rte_fastmem_cache_flush(), shortage of memory)
 *    and taken again, it is an object like any other, and initialized anew.
 *    obj_idx is the number of objects initialized before. It is unique,
 *    and less than the pool's number as long as no memory was given back.
 *  - rte_fastmem_mempool_obj_iter() visits the objects that there are.
 *  - An object has neither a header nor a trailer, its size is at most
 *    rte_fastmem_max_size(), and it is contiguous in IO addresses.
 *  - There may be 64 pools, together with types.
 *  - With SOCKET_ID_ANY, all objects are on the socket of the thread
 *    that creates the pool.
 *  - A pool is created and freed by the primary process, before the library
 *    is torn down by rte_fastmem_deinit().
 *
 * Not there at all, and an error at compile time: creation in several steps,
 * choice of a driver, caches of the user's own, contiguous blocks,
 * audits, walks over all pools or over the memory of one, and event callbacks.
 */

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_compat.h>
#include <rte_fastmem.h>

#ifdef RTE_FASTMEM_REPLACE_MEMPOOL
/* What is to mean a mempool must not be included behind the macros below. */
#include <rte_mempool.h>
#ifdef __has_include
#if __has_include(<rte_mbuf.h>)
#include <rte_mbuf.h>
#endif
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of a pool's name, with the zero behind it. */
#define RTE_FASTMEM_MEMPOOL_NAMESIZE 26

/** The largest cache_size. */
#define RTE_FASTMEM_MEMPOOL_CACHE_MAX_SIZE 512

/** Flag: no effect, objects are spread over memory channels anyhow. */
#define RTE_FASTMEM_MEMPOOL_F_NO_SPREAD 0x0001
/** Flag: objects are aligned to 8 bytes rather than to a cache line. */
#define RTE_FASTMEM_MEMPOOL_F_NO_CACHE_ALIGN 0x0002
/** Flag: no effect. */
#define RTE_FASTMEM_MEMPOOL_F_SP_PUT 0x0004
/** Flag: no effect. */
#define RTE_FASTMEM_MEMPOOL_F_SC_GET 0x0008
/** Flag: no effect. */
#define RTE_FASTMEM_MEMPOOL_F_NO_IOVA_CONTIG 0x0020

/**
 * A pool. To be read only; members have the names and meanings of those of a
 * mempool.
 */
struct __rte_cache_aligned rte_fastmem_mempool {
	rte_fastmem_handle_t handle; /**< Of the objects' type. */
	uint32_t size;               /**< The most objects there may be. */
	uint32_t cache_size;         /**< As asked for. */
	uint32_t elt_size;           /**< Bytes, a multiple of 8. */
	uint32_t private_data_size;  /**< Bytes, a multiple of a cache line. */
	unsigned int flags;          /**< As asked for. */
	int socket_id;               /**< As asked for. */
	char name[RTE_FASTMEM_MEMPOOL_NAMESIZE]; /**< The pool's name. */
};

/**
 * Called for an object.
 *
 * @param mp
 *   The pool.
 * @param opaque
 *   The argument given along with the function.
 * @param obj
 *   The object.
 * @param obj_idx
 *   A number.
 */
typedef void (rte_fastmem_mempool_obj_cb_t)(struct rte_fastmem_mempool *mp,
	void *opaque, void *obj, unsigned int obj_idx);

/**
 * Called for a pool.
 *
 * @param mp
 *   The pool.
 * @param opaque
 *   The argument given along with the function.
 */
typedef void (rte_fastmem_mempool_ctor_t)(struct rte_fastmem_mempool *mp,
	void *opaque);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Create a pool. Calls rte_fastmem_init() if that was not done.
 *
 * MT-safe against other functions for pools, and not against rte_fastmem_init()
 * and rte_fastmem_deinit(); if the library is not initialized yet, no thread
 * may be inside of it.
 *
 * @param name
 *   The name, of 25 characters at most.
 * @param n
 *   The most objects there may be, not 0.
 * @param elt_size
 *   Bytes of an object.
 * @param cache_size
 *   So many objects may be in each thread's cache, about, which nobody else can
 *   get; at most RTE_FASTMEM_MEMPOOL_CACHE_MAX_SIZE and @p n.
 *   With 0, every object that is not in use can be got by all threads
 *   (those in threads of secondary processes: up to 12 each cannot).
 * @param private_data_size
 *   Bytes behind the structure, see rte_fastmem_mempool_get_priv(); zeroed.
 * @param mp_init
 *   Called for the pool, with @p mp_init_arg; or NULL.
 * @param mp_init_arg
 *   Argument of @p mp_init.
 * @param obj_init
 *   Called once for each object, with @p obj_init_arg, when its memory is taken;
 *   it must not use the pool. Or NULL.
 * @param obj_init_arg
 *   Argument of @p obj_init, to be valid as long as the pool.
 * @param socket_id
 *   The socket, or SOCKET_ID_ANY for the caller's.
 * @param flags
 *   RTE_FASTMEM_MEMPOOL_F_* flags.
 * @return
 *   The pool, or NULL with rte_errno set:
 *   - EINVAL if @p n, @p cache_size or @p flags is bad, @p name is NULL, or there
 *     is no such socket.
 *   - E2BIG if @p elt_size is greater than rte_fastmem_max_size(), or
 *     @p private_data_size about as large.
 *   - ENAMETOOLONG if the name is.
 *   - EEXIST if there is a pool of that name.
 *   - ENOSPC if there are too many pools and types.
 *   - ENOMEM if there is no memory.
 *   - ENOTSUP in a secondary process.
 *   - Those of rte_fastmem_init().
 */
__rte_experimental
struct rte_fastmem_mempool *
rte_fastmem_mempool_create(const char *name, unsigned int n,
	unsigned int elt_size, unsigned int cache_size,
	unsigned int private_data_size,
	rte_fastmem_mempool_ctor_t *mp_init, void *mp_init_arg,
	rte_fastmem_mempool_obj_cb_t *obj_init, void *obj_init_arg,
	int socket_id, unsigned int flags);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Free a pool, and all objects, which must no longer be used.
 *
 * No thread may use the pool meanwhile. In the primary process only; elsewhere
 * it is logged and otherwise ignored.
 *
 * @param mp
 *   The pool; NULL is ignored.
 */
__rte_experimental
void
rte_fastmem_mempool_free(struct rte_fastmem_mempool *mp);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Find a pool by its name, in any process. Calls rte_fastmem_init() if that was
 * not done in a secondary process.
 *
 * MT-safe like rte_fastmem_mempool_create().
 *
 * @param name
 *   The name.
 * @return
 *   The pool, or NULL with rte_errno set:
 *   - ENOENT if there is none of that name.
 *   - Those of rte_fastmem_init().
 */
__rte_experimental
struct rte_fastmem_mempool *
rte_fastmem_mempool_lookup(const char *name);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Find the pool of an object.
 *
 * MT-safe, no lock taken.
 *
 * @param obj
 *   An object of a pool.
 * @return
 *   The pool, or NULL if the pointer is not into a pool's memory.
 */
__rte_experimental
struct rte_fastmem_mempool *
rte_fastmem_mempool_from_obj(void *obj);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Count the objects in use.
 *
 * MT-safe. Looks into the caches of all threads, hence not for the data path.
 *
 * @param mp
 *   The pool.
 * @return
 *   The number of objects that were got and not put.
 */
__rte_experimental
unsigned int
rte_fastmem_mempool_in_use_count(const struct rte_fastmem_mempool *mp);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Count the objects that are not in use, whether there is memory for them or
 * not, see rte_fastmem_mempool_in_use_count().
 *
 * @param mp
 *   The pool.
 * @return
 *   The pool's number of objects less those in use.
 */
__rte_experimental
unsigned int
rte_fastmem_mempool_avail_count(const struct rte_fastmem_mempool *mp);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Tell if no object is in use, see rte_fastmem_mempool_in_use_count().
 *
 * @param mp
 *   The pool.
 * @return
 *   1 if so, 0 otherwise.
 */
__rte_experimental
int
rte_fastmem_mempool_full(const struct rte_fastmem_mempool *mp);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Tell if all objects are in use, see rte_fastmem_mempool_in_use_count().
 *
 * @param mp
 *   The pool.
 * @return
 *   1 if so, 0 otherwise.
 */
__rte_experimental
int
rte_fastmem_mempool_empty(const struct rte_fastmem_mempool *mp);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Call a function for each object whose memory was taken, in use or not.
 *
 * The function must not use the library. What it sets up in an object is lost
 * when idle memory is given back: that is for the obj_init of the pool.
 *
 * MT-safe. In the primary process only.
 *
 * @param mp
 *   The pool.
 * @param obj_cb
 *   The function; obj_idx counts the calls.
 * @param obj_cb_arg
 *   Its argument.
 * @return
 *   The number of objects; 0 with rte_errno set to ENOTSUP in a secondary
 *   process.
 */
__rte_experimental
uint32_t
rte_fastmem_mempool_obj_iter(struct rte_fastmem_mempool *mp,
	rte_fastmem_mempool_obj_cb_t *obj_cb, void *obj_cb_arg);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Print what a pool is like and how many of its objects are in use.
 *
 * MT-safe.
 *
 * @param f
 *   The file to print to.
 * @param mp
 *   The pool.
 */
__rte_experimental
void
rte_fastmem_mempool_dump(FILE *f, struct rte_fastmem_mempool *mp);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Get several objects, all or none.
 *
 * MT-safe.
 *
 * @param mp
 *   The pool.
 * @param obj_table
 *   Receives the objects; not written to on failure.
 * @param n
 *   Their number; 0 succeeds.
 * @return
 *   - 0 on success.
 *   - -ENOBUFS if there are not enough objects, or there is no memory for them.
 *     That is what the drivers of mempools say; mempool's documentation
 *     has -ENOENT.
 */
__rte_experimental
static inline int
rte_fastmem_mempool_get_bulk(struct rte_fastmem_mempool *mp, void **obj_table,
	unsigned int n)
{
	struct rte_fastmem_cache *cache = __rte_fastmem_handle_cache(
		&RTE_PER_LCORE(_rte_fastmem_lcore), mp->handle);

	if (likely(n != 0 && __rte_fastmem_pop_bulk(cache, obj_table, n)))
		return 0;
	return __rte_fastmem_halloc_bulk(mp->handle, obj_table, n, 0) == 0 ?
		0 : -ENOBUFS;
}

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Get an object.
 *
 * MT-safe.
 *
 * @param mp
 *   The pool.
 * @param obj_p
 *   Receives the object; not written to on failure.
 * @return
 *   See rte_fastmem_mempool_get_bulk().
 */
__rte_experimental
static inline int
rte_fastmem_mempool_get(struct rte_fastmem_mempool *mp, void **obj_p)
{
	struct rte_fastmem_cache *cache = __rte_fastmem_handle_cache(
		&RTE_PER_LCORE(_rte_fastmem_lcore), mp->handle);

	if (likely(__rte_fastmem_pop(cache, obj_p)))
		return 0;
	return __rte_fastmem_halloc_bulk(mp->handle, obj_p, 1, 0) == 0 ?
		0 : -ENOBUFS;
}

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Put several objects back.
 *
 * MT-safe.
 *
 * @param mp
 *   The pool that they are from.
 * @param obj_table
 *   The objects.
 * @param n
 *   Their number.
 */
__rte_experimental
static inline void
rte_fastmem_mempool_put_bulk(struct rte_fastmem_mempool *mp,
	void * const *obj_table, unsigned int n)
{
	struct rte_fastmem_cache *cache = __rte_fastmem_handle_cache(
		&RTE_PER_LCORE(_rte_fastmem_lcore), mp->handle);

	if (unlikely(n == 0 || !__rte_fastmem_push_bulk(cache, obj_table, n)))
		__rte_fastmem_hfree_bulk(mp->handle, obj_table, n);
}

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Put an object back.
 *
 * MT-safe.
 *
 * @param mp
 *   The pool that it is from.
 * @param obj
 *   The object.
 */
__rte_experimental
static inline void
rte_fastmem_mempool_put(struct rte_fastmem_mempool *mp, void *obj)
{
	struct rte_fastmem_cache *cache = __rte_fastmem_handle_cache(
		&RTE_PER_LCORE(_rte_fastmem_lcore), mp->handle);

	if (unlikely(!__rte_fastmem_push(cache, obj)))
		__rte_fastmem_hfree_bulk(mp->handle, &obj, 1);
}

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Tell where a pool's private data is.
 *
 * @param mp
 *   The pool.
 * @return
 *   The private data, aligned to a cache line.
 */
__rte_experimental
static inline void *
rte_fastmem_mempool_get_priv(struct rte_fastmem_mempool *mp)
{
	return RTE_PTR_ADD(mp, sizeof(*mp));
}

#ifdef __cplusplus
}
#endif

#ifdef RTE_FASTMEM_REPLACE_MEMPOOL

static_assert(RTE_FASTMEM_MEMPOOL_NAMESIZE == RTE_MEMPOOL_NAMESIZE &&
	RTE_FASTMEM_MEMPOOL_CACHE_MAX_SIZE == RTE_MEMPOOL_CACHE_MAX_SIZE,
	"limits differ from those of a mempool");
static_assert(
	RTE_FASTMEM_MEMPOOL_F_NO_SPREAD == RTE_MEMPOOL_F_NO_SPREAD &&
	RTE_FASTMEM_MEMPOOL_F_NO_CACHE_ALIGN == RTE_MEMPOOL_F_NO_CACHE_ALIGN &&
	RTE_FASTMEM_MEMPOOL_F_SP_PUT == RTE_MEMPOOL_F_SP_PUT &&
	RTE_FASTMEM_MEMPOOL_F_SC_GET == RTE_MEMPOOL_F_SC_GET &&
	RTE_FASTMEM_MEMPOOL_F_NO_IOVA_CONTIG == RTE_MEMPOOL_F_NO_IOVA_CONTIG,
	"flags differ from those of a mempool");

#define rte_mempool rte_fastmem_mempool
#define rte_mempool_ctor_t rte_fastmem_mempool_ctor_t
#define rte_mempool_obj_cb_t rte_fastmem_mempool_obj_cb_t

#define rte_mempool_avail_count rte_fastmem_mempool_avail_count
#define rte_mempool_create rte_fastmem_mempool_create
#define rte_mempool_dump rte_fastmem_mempool_dump
#define rte_mempool_empty rte_fastmem_mempool_empty
#define rte_mempool_free rte_fastmem_mempool_free
#define rte_mempool_from_obj rte_fastmem_mempool_from_obj
#define rte_mempool_full rte_fastmem_mempool_full
#define rte_mempool_get rte_fastmem_mempool_get
#define rte_mempool_get_bulk rte_fastmem_mempool_get_bulk
#define rte_mempool_get_priv rte_fastmem_mempool_get_priv
#define rte_mempool_in_use_count rte_fastmem_mempool_in_use_count
#define rte_mempool_lookup rte_fastmem_mempool_lookup
#define rte_mempool_obj_iter rte_fastmem_mempool_obj_iter
#define rte_mempool_put rte_fastmem_mempool_put
#define rte_mempool_put_bulk rte_fastmem_mempool_put_bulk
#define rte_mempool_virt2iova rte_fastmem_virt2iova

/** @internal What there is not, as an error that says so. */
#define __RTE_FASTMEM_MEMPOOL_LACKS(name) sizeof(struct { \
	static_assert(sizeof(name) == 0, "fastmem lacks " name); int unused; })

#define rte_mempool_audit(...) \
	__RTE_FASTMEM_MEMPOOL_LACKS("rte_mempool_audit()")
#define rte_mempool_cache_create(...) \
	__RTE_FASTMEM_MEMPOOL_LACKS("rte_mempool_cache_create()")
#define rte_mempool_cache_flush(...) \
	__RTE_FASTMEM_MEMPOOL_LACKS("rte_mempool_cache_flush()")
#define rte_mempool_cache_free(...) \
	__RTE_FASTMEM_MEMPOOL_LACKS("rte_mempool_cache_free()")
#define rte_mempool_create_empty(...) \
	__RTE_FASTMEM_MEMPOOL_LACKS("rte_mempool_create_empty()")
#define rte_mempool_default_cache(...) \
	__RTE_FASTMEM_MEMPOOL_LACKS("rte_mempool_default_cache()")
#define rte_mempool_event_callback_register(...) \
	__RTE_FASTMEM_MEMPOOL_LACKS("rte_mempool_event_callback_register()")
#define rte_mempool_generic_get(...) \
	__RTE_FASTMEM_MEMPOOL_LACKS("rte_mempool_generic_get()")
#define rte_mempool_generic_put(...) \
	__RTE_FASTMEM_MEMPOOL_LACKS("rte_mempool_generic_put()")
#define rte_mempool_get_contig_blocks(...) \
	__RTE_FASTMEM_MEMPOOL_LACKS("rte_mempool_get_contig_blocks()")
#define rte_mempool_get_page_size(...) \
	__RTE_FASTMEM_MEMPOOL_LACKS("rte_mempool_get_page_size()")
#define rte_mempool_list_dump(...) \
	__RTE_FASTMEM_MEMPOOL_LACKS("rte_mempool_list_dump()")
#define rte_mempool_mem_iter(...) \
	__RTE_FASTMEM_MEMPOOL_LACKS("rte_mempool_mem_iter()")
#define rte_mempool_populate_anon(...) \
	__RTE_FASTMEM_MEMPOOL_LACKS("rte_mempool_populate_anon()")
#define rte_mempool_populate_default(...) \
	__RTE_FASTMEM_MEMPOOL_LACKS("rte_mempool_populate_default()")
#define rte_mempool_populate_iova(...) \
	__RTE_FASTMEM_MEMPOOL_LACKS("rte_mempool_populate_iova()")
#define rte_mempool_populate_virt(...) \
	__RTE_FASTMEM_MEMPOOL_LACKS("rte_mempool_populate_virt()")
#define rte_mempool_set_ops_byname(...) \
	__RTE_FASTMEM_MEMPOOL_LACKS("rte_mempool_set_ops_byname()")
#define rte_mempool_walk(...) \
	__RTE_FASTMEM_MEMPOOL_LACKS("rte_mempool_walk()")

#endif /* RTE_FASTMEM_REPLACE_MEMPOOL */

#endif /* RTE_FASTMEM_MEMPOOL_H */
