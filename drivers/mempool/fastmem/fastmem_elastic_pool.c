/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/**
 * @file
 * Creation and end of elastic pools.
 *
 * A pool becomes what it is by mempool's own functions: it is populated, with
 * each range of memory that its objects may come to lie in, but no object is
 * entered by that. Mempool's function which enters one is noted down for the
 * constructor.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <eal_export.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

#include "fastmem_elastic.h"

/* Objects that the store has room for beyond those of the pool, in case that a
 * process is killed while it uses it.
 */
#define STORE_SPARE 1024

/* The most objects of a pool: the stack library reckons the bytes of a stack in
 * 32 bits. Those beside its elements are less than a page.
 */
#define STORE_MAX_OBJS ((UINT32_MAX - RTE_PGSIZE_4K) / \
	sizeof(struct rte_stack_lf_elem) - STORE_SPARE)

/* What the type's caches may hold. They do not keep it. */
#define TYPE_CACHE_OBJS 256

RTE_LOG_REGISTER_SUFFIX(fastmem_elastic_logtype, elastic, INFO);

/* In front of each object's header. */
struct elastic_link {
	/** The pointer to the object's header in mempool's list. */
	struct rte_mempool_objhdr **prev;
};

static struct rte_mempool_objhdr *
link_header(const struct elastic_pool *pool, struct elastic_link *link)
{
	return rte_mempool_get_header(RTE_PTR_ADD(link, pool->offset));
}

static struct elastic_link *
header_link(const struct elastic_pool *pool, struct rte_mempool_objhdr *hdr)
{
	return RTE_PTR_SUB(hdr, pool->offset - sizeof(*hdr));
}

/* Construct an object: only then is it entered into the list. */
static void
object_ctor(void *ptr, void *arg)
{
	struct elastic_local *local = arg;
	struct elastic_pool *pool = local->pool;
	struct rte_mempool *mp = pool->mp;
	struct elastic_link *link = ptr;
	struct rte_mempool_objhdr *hdr = link_header(pool, link);
	void *obj = RTE_PTR_ADD(ptr, pool->offset);

	hdr->mp = mp;
	hdr->iova = rte_fastmem_virt2iova(obj);
	if (local->init != NULL)
		local->init(mp, local->init_arg, obj, 0);
	elastic_lock(&local->list_lock);
	link->prev = mp->elt_list.stqh_last;
	local->enter(mp, local->enter_arg, obj, hdr->iova);
	/* This is for how many the pool has room. */
	mp->populated_size = mp->size;
	rte_atomic_fetch_add_explicit(&pool->n_constructed, 1,
		rte_memory_order_relaxed);
	elastic_unlock(&local->list_lock);
}

static void
object_dtor(void *ptr, void *arg)
{
	struct elastic_local *local = arg;
	struct elastic_pool *pool = local->pool;
	struct elastic_link *link = ptr;
	struct rte_mempool_objhdr *hdr = link_header(pool, link), *next;

	elastic_lock(&local->list_lock);
	rte_atomic_fetch_sub_explicit(&pool->n_constructed, 1,
		rte_memory_order_relaxed);
	/* At its end, mempool has taken the list apart itself. */
	if (rte_atomic_load_explicit(&pool->ends,
			rte_memory_order_relaxed) == 0) {
		next = STAILQ_NEXT(hdr, next);
		*link->prev = next;
		if (next != NULL)
			header_link(pool, next)->prev = link->prev;
		else
			pool->mp->elt_list.stqh_last = link->prev;
	}
	elastic_unlock(&local->list_lock);
}

/* Mempool is about to free a pool: it dequeues as many objects as are listed,
 * for which none must be constructed.
 */
static void
pool_event(enum rte_mempool_event event, struct rte_mempool *mp,
	void *arg __rte_unused)
{
	struct elastic_pool *pool;

	if (event != RTE_MEMPOOL_EVENT_DESTROY || !fastmem_elastic_is(mp))
		return;
	pool = mp->pool_data;
	rte_atomic_store_explicit(&pool->ends, 1, rte_memory_order_relaxed);
}

static void
pool_free(struct elastic_pool *pool)
{
	if (pool->handle != 0) {
		rte_fastmem_type_purge(pool->handle);
		if (rte_fastmem_type_destroy(pool->handle) != 0)
			ELASTIC_LOG(ERR, "objects of pool %s are in use",
				pool->mp->name);
	}
	rte_stack_free(pool->store);
	free(pool->local);
	rte_memzone_free(pool->zone);
}

int
fastmem_elastic_alloc(struct rte_mempool *mp)
{
	if (mp->pool_config == NULL) {
		ELASTIC_LOG(ERR, "pool %s is not created by rte_fastmem_elastic_create()",
			mp->name);
		return -ENOTSUP;
	}
	mp->pool_data = mp->pool_config;
	return 0;
}

void
fastmem_elastic_free(struct rte_mempool *mp)
{
	struct elastic_pool *pool = mp->pool_data;

	if (pool == NULL)
		return;
	if (rte_eal_process_type() != RTE_PROC_PRIMARY)
		ELASTIC_LOG(ERR, "pool %s can be freed in the primary process only",
			mp->name);
	else
		pool_free(pool);
}

int
fastmem_elastic_populate(struct rte_mempool *mp,
	unsigned int max_objs __rte_unused, void *vaddr __rte_unused,
	rte_iova_t iova __rte_unused, size_t len __rte_unused,
	rte_mempool_populate_obj_cb_t *obj_cb, void *obj_cb_arg)
{
	struct elastic_pool *pool = mp->pool_data;
	struct elastic_local *local = pool->local;

	local->enter = obj_cb;
	local->enter_arg = obj_cb_arg;
	/* With the last range, mempool announces the pool. */
	if (--local->n_ranges == 0)
		mp->populated_size = mp->size;
	/* As if there was an object, so that mempool takes the range. */
	return 1;
}

/* Bytes of slabs that hold all objects, if one of them lacks some at an end. */
static size_t
pool_bytes(const struct elastic_pool *pool)
{
	size_t n = RTE_MAX(ELASTIC_SLAB_BYTES / pool->obj_bytes, UINT64_C(1));

	return ((pool->size + n - 1) / n + 1) * ELASTIC_SLAB_BYTES;
}

static size_t
obj_align(const struct rte_mempool *mp)
{
	return (mp->flags & RTE_MEMPOOL_F_NO_CACHE_ALIGN) != 0 ?
		sizeof(uint64_t) : RTE_MEMPOOL_ALIGN;
}

/* Create the type, in a stock that may hold all objects. */
static int
pool_create_type(struct elastic_pool *pool, int socket_id)
{
	const struct rte_mempool *mp = pool->mp;
	char name[RTE_MEMPOOL_NAMESIZE + sizeof("mpe_")];
	const struct rte_fastmem_type_params params = {
		.name = name,
		.size = pool->obj_bytes,
		.align = obj_align(mp),
		.socket_id = socket_id,
		.max_objs = mp->size,
		.cache_size = TYPE_CACHE_OBJS,
		.ctor = object_ctor,
		.dtor = object_dtor,
		.arg = pool->local,
		.fixed_memory = pool_bytes(pool),
	};

	snprintf(name, sizeof(name), "mpe_%s", mp->name);
	return rte_fastmem_type_create(&params, &pool->handle);
}

struct range {
	char *addr;
	rte_iova_t iova;
	size_t len;
};

struct ranges {
	struct range *range;
	unsigned int n;
};

static void
ranges_add(void *addr, rte_iova_t iova, size_t len, void *arg)
{
	struct ranges *ranges = arg;

	ranges->range[ranges->n++] = (struct range){
		.addr = addr,
		.iova = iova,
		.len = len
	};
}

static int
ranges_get(struct ranges *ranges, rte_fastmem_handle_t handle)
{
	int n = rte_fastmem_type_mem_walk(handle, NULL, NULL);

	memset(ranges, 0, sizeof(*ranges));
	if (n < 0)
		return n;
	ranges->range = calloc(n, sizeof(ranges->range[0]));
	if (ranges->range == NULL)
		return -ENOMEM;
	rte_fastmem_type_mem_walk(handle, ranges_add, ranges);
	return 0;
}

static struct rte_stack *
store_create(const struct rte_mempool *mp)
{
	char name[RTE_STACK_NAMESIZE];
	unsigned int n = mp->size + STORE_SPARE;
	struct rte_stack *store;

	/* It has to be short, to leave room for a mempool's longest name. */
	snprintf(name, sizeof(name), "E_%s", mp->name);
	store = rte_stack_create(name, n, mp->socket_id, RTE_STACK_F_LF);
	if (store == NULL && rte_errno == ENOTSUP)
		store = rte_stack_create(name, n, mp->socket_id, 0);
	return store;
}

/* Make what a pool has beside mempool's structure, but for the type. */
static struct elastic_pool *
pool_create(struct rte_mempool *mp, rte_mempool_obj_cb_t *obj_init,
	void *obj_init_arg)
{
	char name[RTE_MEMZONE_NAMESIZE];
	const struct rte_memzone *zone;
	struct elastic_pool *pool;

	snprintf(name, sizeof(name), "FME_%s", mp->name);
	zone = rte_memzone_reserve(name, sizeof(*pool), mp->socket_id, 0);
	if (zone == NULL)
		return NULL;
	pool = zone->addr;
	memset(pool, 0, sizeof(*pool));
	pool->zone = zone;
	pool->mp = mp;
	pool->size = mp->size;
	/* As a rule, the header leaves room for the link. */
	pool->offset = RTE_MAX(mp->header_size, (uint32_t)
		(sizeof(struct elastic_link) + sizeof(struct rte_mempool_objhdr)));
	pool->obj_bytes = RTE_ALIGN_CEIL(pool->offset + (uint64_t)mp->elt_size +
		mp->trailer_size, obj_align(mp));
	pool->store = store_create(mp);
	if (pool->store == NULL) {
		rte_memzone_free(zone);
		return NULL;
	}
	pool->local = calloc(1, sizeof(*pool->local));
	if (pool->local == NULL) {
		pool_free(pool);
		rte_errno = ENOMEM;
		return NULL;
	}
	pool->local->pool = pool;
	pool->local->init = obj_init;
	pool->local->init_arg = obj_init_arg;
	elastic_lock_init(&pool->local->list_lock);
	elastic_lock_init(&pool->local->trim_lock);
	fastmem_elastic_set_policy(pool, &(struct rte_fastmem_elastic_policy)
		RTE_FASTMEM_ELASTIC_POLICY_DEFAULT);
	return pool;
}

/* Give a mempool its pool, and publish its memory. */
static int
pool_publish(struct elastic_pool *pool, const struct ranges *ranges)
{
	const struct range *range;
	unsigned int i;
	int ret;

	ret = rte_mempool_set_ops_byname(pool->mp,
		RTE_FASTMEM_ELASTIC_OPS_NAME, pool);
	if (ret != 0)
		return ret;
	pool->local->n_ranges = ranges->n;
	for (i = 0; i < ranges->n; i++) {
		range = &ranges->range[i];
		ret = rte_mempool_populate_iova(pool->mp, range->addr,
			(pool->mp->flags & RTE_MEMPOOL_F_NO_IOVA_CONTIG) != 0 ?
			RTE_BAD_IOVA : range->iova, range->len, NULL, NULL);
		if (ret <= 0)
			return ret == 0 ? -ENOBUFS : ret;
	}
	return 0;
}

#ifdef RTE_LIBRTE_MEMPOOL_DEBUG
/* Mempool checks then that all objects are listed. */
static int
pool_fill(struct elastic_pool *pool)
{
	void **objs = calloc(pool->size, sizeof(objs[0]));
	int ret = -ENOMEM;

	if (objs != NULL && rte_mempool_ops_dequeue_bulk(pool->mp, objs,
			pool->size) == 0)
		ret = rte_mempool_ops_enqueue_bulk(pool->mp, objs, pool->size);
	free(objs);
	return ret;
}
#else
#define pool_fill(pool) 0
#endif

/* Make an empty mempool an elastic one. */
static int
mp_make_elastic(struct rte_mempool *mp, rte_mempool_obj_cb_t *obj_init,
	void *obj_init_arg)
{
	int socket_id = mp->socket_id, ret;
	struct elastic_pool *pool;
	struct ranges ranges;

	if (socket_id == SOCKET_ID_ANY)
		socket_id = rte_socket_id();
	if (socket_id == SOCKET_ID_ANY)
		socket_id = rte_socket_id_by_idx(0);
	pool = pool_create(mp, obj_init, obj_init_arg);
	if (pool == NULL)
		return -rte_errno;
	ret = pool_create_type(pool, socket_id);
	if (ret == 0)
		ret = ranges_get(&ranges, pool->handle);
	if (ret != 0) {
		pool_free(pool);
		return ret;
	}
	ret = pool_publish(pool, &ranges);
	free(ranges.range);
	/* From when mempool knows the pool, it will free it. */
	if (ret != 0 && mp->pool_data == NULL)
		pool_free(pool);
	return ret != 0 ? ret : pool_fill(pool);
}

static struct rte_mempool *
mp_create(const char *name, unsigned int n, unsigned int elt_size,
	unsigned int cache_size, unsigned int private_data_size,
	rte_mempool_ctor_t *mp_init, void *mp_init_arg,
	rte_mempool_obj_cb_t *obj_init, void *obj_init_arg, int socket_id,
	unsigned int flags)
{
	struct rte_mempool *mp;
	int ret;

	if (rte_eal_process_type() != RTE_PROC_PRIMARY) {
		rte_errno = ENOTSUP;
		return NULL;
	}
	/* Mempool rounds sizes up, and would take the largest ones for 0. */
	if (n > STORE_MAX_OBJS || elt_size > rte_fastmem_max_size() ||
			private_data_size > UINT32_MAX / 2) {
		rte_errno = E2BIG;
		return NULL;
	}
	if (rte_mempool_event_callback_register(pool_event, NULL) != 0 &&
			rte_errno != EEXIST)
		return NULL;
	mp = rte_mempool_create_empty(name, n, elt_size, cache_size,
		private_data_size, socket_id, flags);
	if (mp == NULL)
		return NULL;
	if (mp_init != NULL)
		mp_init(mp, mp_init_arg);
	ret = mp_make_elastic(mp, obj_init, obj_init_arg);
	if (ret != 0) {
		rte_mempool_free(mp);
		rte_errno = -ret;
		return NULL;
	}
	return mp;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_elastic_create, 26.11)
struct rte_mempool *
rte_fastmem_elastic_create(const char *name, unsigned int n,
	unsigned int elt_size, unsigned int cache_size,
	unsigned int private_data_size, rte_mempool_obj_cb_t *obj_init,
	void *obj_init_arg, int socket_id, unsigned int flags)
{
	return mp_create(name, n, elt_size, cache_size, private_data_size, NULL,
		NULL, obj_init, obj_init_arg, socket_id, flags);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_pktmbuf_pool_create, 26.11)
struct rte_mempool *
rte_fastmem_pktmbuf_pool_create(const char *name, unsigned int n,
	unsigned int cache_size, uint16_t priv_size, uint16_t data_room_size,
	int socket_id)
{
	struct rte_pktmbuf_pool_private priv = {
		.mbuf_data_room_size = data_room_size,
		.mbuf_priv_size = priv_size,
	};

	if (RTE_ALIGN(priv_size, RTE_MBUF_PRIV_ALIGN) != priv_size) {
		rte_errno = EINVAL;
		return NULL;
	}
	return mp_create(name, n, sizeof(struct rte_mbuf) + priv_size +
		data_room_size, cache_size, sizeof(priv), rte_pktmbuf_pool_init,
		&priv, rte_pktmbuf_init, NULL, socket_id, 0);
}
