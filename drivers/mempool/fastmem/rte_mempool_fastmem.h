/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef RTE_MEMPOOL_FASTMEM_H
#define RTE_MEMPOOL_FASTMEM_H

/**
 * @file
 * Elastic mempools: pools that hold memory for the objects which are needed
 * rather than for as many as there may be.
 *
 * An elastic pool is a mempool as any other to those who use it. Its objects
 * are those of a type of the fastmem library (rte_fastmem_type_create()). They
 * are taken from slabs, and constructed, when the pool has no free ones, and
 * their slabs are given back to the stock of the socket by
 * rte_fastmem_elastic_trim() and rte_fastmem_elastic_tick(), to serve other
 * pools and sizes.
 *
 * The stock is what the library has taken from EAL before the pool was
 * created, see rte_fastmem_reserve(). All of it is published as the pool's
 * memory, which does not change: drivers may register it once. A pool never
 * takes memory from EAL, so that no call of the data path waits for it. If the
 * stock is smaller than what the pool may need, its creation enlarges it.
 *
 * rte_fastmem_init() has to be called before, in each process.
 * There may be as many elastic pools as types.
 */

#include <stddef.h>
#include <stdint.h>

#include <rte_compat.h>
#include <rte_mempool.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Name of the operations of elastic pools, which only these can use. */
#define RTE_FASTMEM_ELASTIC_OPS_NAME "fastmem_elastic"

/** When to give memory back, see rte_fastmem_elastic_tick(). */
struct rte_fastmem_elastic_policy {
	/**
	 * Number of ticks after which the need is reckoned up: the most objects
	 * that were in use at a time. 0: never give memory back.
	 */
	unsigned int n_ticks;
	/** Objects to keep beyond that, in per cent of it. */
	unsigned int spare_percent;
	/** Objects to keep in any case. */
	unsigned int min_objs;
};

/** The policy that a pool begins with. */
#define RTE_FASTMEM_ELASTIC_POLICY_DEFAULT { \
	.n_ticks = 8, \
	.spare_percent = 25, \
	.min_objs = 0, \
}

/** What an elastic pool holds. */
struct rte_fastmem_elastic_stats {
	unsigned int size;          /**< Objects that may be in use. */
	unsigned int n_constructed; /**< Objects that there are. */
	/** Objects in use, in caches of lcores included. */
	unsigned int n_used;
	/** The most that were, since the need was reckoned up last. */
	unsigned int n_used_max;
	uint64_t bytes;             /**< Bytes of the slabs that they lie in. */
};

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Create an elastic pool of objects.
 *
 * As rte_mempool_create(), but for what the documentation of the driver lists.
 * MT-safe. In the primary process only.
 *
 * @param name
 *   The name of the mempool.
 * @param n
 *   The number of objects that may be in use at a time.
 * @param elt_size
 *   The size of an object in bytes. With what mempool adds, it may be
 *   rte_fastmem_max_size() at most.
 * @param cache_size
 *   Objects that each lcore's cache may hold, see rte_mempool_create().
 *   They keep their slabs from being given back.
 * @param private_data_size
 *   The size of the private data of the pool in bytes.
 * @param obj_init
 *   Called once for each object, each time that its memory was taken from
 *   a slab, before it is first handed out; or NULL. By any thread that gets
 *   objects from the pool, or by a control thread. Its last argument is always
 *   0. It must not use the pool.
 * @param obj_init_arg
 *   Its second argument.
 * @param socket_id
 *   The socket, or SOCKET_ID_ANY for the caller's own.
 * @param flags
 *   As of rte_mempool_create().
 * @return
 *   The pool, or NULL with rte_errno set:
 *   - as by rte_mempool_create().
 *   - E2BIG if the object is too large, @p private_data_size is greater than
 *     2 GiB, or @p n about as great as 2^28.
 *   - ENOSPC if there are too many types of objects.
 *   - ENOMEM if there is no memory for n objects, in use or not. What the
 *     stock was enlarged by in vain goes back to EAL.
 *   - ENODEV if fastmem is not initialized.
 *   - ENOTSUP in a secondary process.
 */
__rte_experimental
struct rte_mempool *
rte_fastmem_elastic_create(const char *name, unsigned int n,
	unsigned int elt_size, unsigned int cache_size,
	unsigned int private_data_size, rte_mempool_obj_cb_t *obj_init,
	void *obj_init_arg, int socket_id, unsigned int flags);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Create an elastic pool of mbufs.
 *
 * As rte_pktmbuf_pool_create(), but for what the documentation of the driver
 * lists. MT-safe. In the primary process only.
 *
 * @param name
 *   The name of the mempool.
 * @param n
 *   The number of mbufs that may be in use at a time.
 * @param cache_size
 *   Mbufs that each lcore's cache may hold, see rte_mempool_create().
 * @param priv_size
 *   The size of the application's private area of an mbuf in bytes, a multiple
 *   of RTE_MBUF_PRIV_ALIGN.
 * @param data_room_size
 *   The size of the data buffer of an mbuf in bytes, with
 *   RTE_PKTMBUF_HEADROOM.
 * @param socket_id
 *   The socket, or SOCKET_ID_ANY for the caller's own.
 * @return
 *   The pool, or NULL with rte_errno set as by rte_fastmem_elastic_create();
 *   EINVAL also if @p priv_size is not a multiple of RTE_MBUF_PRIV_ALIGN.
 */
__rte_experimental
struct rte_mempool *
rte_fastmem_pktmbuf_pool_create(const char *name, unsigned int n,
	unsigned int cache_size, uint16_t priv_size, uint16_t data_room_size,
	int socket_id);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Give memory of free objects back to the stock of the socket.
 *
 * What is in the mempool cache of the calling lcore is put back first. Objects
 * that are in use, or in the caches of others, keep their slabs: an lcore that
 * goes idle should flush its cache by rte_mempool_cache_flush().
 *
 * MT-safe; others may get and put objects meanwhile, but not walk over them.
 * Visits each free object, hence not for the data path.
 * In the primary process only.
 *
 * @param mp
 *   The pool.
 * @param keep
 *   Stop when no more than so many objects are left, used and free ones.
 * @param[out] bytes
 *   If not NULL, receives the number of bytes given back.
 * @return
 *   - 0 on success, also when there was nothing to give back.
 *   - -EINVAL if it is not an elastic pool.
 *   - -ENOTSUP in a secondary process.
 */
__rte_experimental
int
rte_fastmem_elastic_trim(struct rte_mempool *mp, unsigned int keep,
	size_t *bytes);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Give back what has been idle for long, by the pool's policy.
 *
 * To be called at regular intervals, such as once a second, by a control
 * thread or an alarm. Every so many calls, as the policy says, what was needed
 * since is reckoned up: the most objects that were in use at a time, and a
 * reserve. What there is beyond is given back as by
 * rte_fastmem_elastic_trim(), if it is at least as much as a slab.
 * All other calls do nothing but count.
 *
 * MT-safe, as rte_fastmem_elastic_trim(). In the primary process only.
 *
 * @param mp
 *   The pool.
 * @return
 *   - 1 if memory was given back, 0 if not.
 *   - -EINVAL if it is not an elastic pool.
 *   - -ENOTSUP in a secondary process.
 */
__rte_experimental
int
rte_fastmem_elastic_tick(struct rte_mempool *mp);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Set the policy of a pool, and begin to count anew.
 *
 * MT-safe. In the primary process only.
 *
 * @param mp
 *   The pool.
 * @param policy
 *   The policy.
 * @return
 *   - 0 on success.
 *   - -EINVAL if it is not an elastic pool or @p policy is NULL.
 *   - -ENOTSUP in a secondary process.
 */
__rte_experimental
int
rte_fastmem_elastic_policy_set(struct rte_mempool *mp,
	const struct rte_fastmem_elastic_policy *policy);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Call a function for each object that there is.
 *
 * As rte_mempool_obj_iter(), which can be used as well as long as nobody gets
 * objects from the pool or trims it. This function may be used at any time; the
 * callback must not use the pool.
 *
 * MT-safe. In the primary process only.
 *
 * @param mp
 *   The pool.
 * @param obj_cb
 *   The function.
 * @param obj_cb_arg
 *   Its second argument.
 * @return
 *   - The number of objects (not negative).
 *   - -EINVAL if it is not an elastic pool.
 *   - -ENOTSUP in a secondary process.
 */
__rte_experimental
int64_t
rte_fastmem_elastic_obj_iter(struct rte_mempool *mp,
	rte_mempool_obj_cb_t *obj_cb, void *obj_cb_arg);

/**
 * @warning
 * @b EXPERIMENTAL: this API may change without prior notice.
 *
 * Tell what a pool holds.
 *
 * MT-safe.
 *
 * @param mp
 *   The pool.
 * @param[out] stats
 *   Receives the figures.
 * @return
 *   - 0 on success.
 *   - -EINVAL if it is not an elastic pool or @p stats is NULL.
 *   - -ENODEV if fastmem is not initialized.
 */
__rte_experimental
int
rte_fastmem_elastic_stats(const struct rte_mempool *mp,
	struct rte_fastmem_elastic_stats *stats);

#ifdef __cplusplus
}
#endif

#endif /* RTE_MEMPOOL_FASTMEM_H */
