/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/**
 * @file
 * Pools: mempool's interface on types. A pool is an object of the library
 * itself, which its type points to.
 */

#include <errno.h>
#include <string.h>

#include <eal_export.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_string_fns.h>

#include "fastmem_control.h"
#include "fastmem_lcore.h"
#include "rte_fastmem_mempool.h"

#define POOL_PREFIX "MP_"
#define POOL_FLAGS_ALL ( \
	RTE_FASTMEM_MEMPOOL_F_NO_SPREAD | \
	RTE_FASTMEM_MEMPOOL_F_NO_CACHE_ALIGN | \
	RTE_FASTMEM_MEMPOOL_F_SP_PUT | \
	RTE_FASTMEM_MEMPOOL_F_SC_GET | \
	RTE_FASTMEM_MEMPOOL_F_NO_IOVA_CONTIG)

/* Objects freed at once along with their pool. */
#define POOL_FREE_BULK 256

static_assert(sizeof(POOL_PREFIX) - 1 + RTE_FASTMEM_MEMPOOL_NAMESIZE <=
	FASTMEM_TYPE_NAMESIZE, "a pool's name has to fit into that of a type");
static_assert(sizeof(struct rte_fastmem_mempool) % RTE_CACHE_LINE_SIZE == 0,
	"private data is aligned to a cache line");

/* How the primary process initializes the objects of a pool. */
struct pool_init {
	rte_fastmem_mempool_obj_cb_t *func;
	void *arg;
	struct rte_fastmem_mempool *mp;
	/* Objects initialized; relaxed, each number is for one object. */
	RTE_ATOMIC(uint32_t) n_objs;
};

/* By type. */
static struct pool_init pool_inits[FASTMEM_MAX_TYPES];

static void
pool_init_obj(void *obj, void *arg)
{
	struct pool_init *init = arg;

	init->func(init->mp, init->arg, obj, rte_atomic_fetch_add_explicit(
		&init->n_objs, 1, rte_memory_order_relaxed));
}

static int
pool_attach(void)
{
	int ret;

	if (fastmem_process.root != NULL)
		return 0;
	ret = rte_fastmem_init();
	return ret == -EBUSY ? 0 : ret;
}

static int
pool_check(const char *name, unsigned int n, unsigned int cache_size,
	unsigned int flags)
{
	if (name == NULL || n == 0 || cache_size > n ||
			cache_size > RTE_FASTMEM_MEMPOOL_CACHE_MAX_SIZE ||
			(flags & ~POOL_FLAGS_ALL) != 0)
		return -EINVAL;
	if (strnlen(name, RTE_FASTMEM_MEMPOOL_NAMESIZE) ==
			RTE_FASTMEM_MEMPOOL_NAMESIZE)
		return -ENAMETOOLONG;
	return 0;
}

static void
pool_type_name(char type_name[FASTMEM_TYPE_NAMESIZE], const char *name)
{
	snprintf(type_name, FASTMEM_TYPE_NAMESIZE, POOL_PREFIX "%s", name);
}

/* Make the type of a pool, which is set up but for the handle. */
static int
pool_create_type(struct rte_fastmem_mempool *mp,
	rte_fastmem_mempool_obj_cb_t *obj_init, void *obj_init_arg)
{
	char type_name[FASTMEM_TYPE_NAMESIZE];
	struct rte_fastmem_type_params params = {
		.name = type_name,
		.size = mp->elt_size,
		.align = (mp->flags & RTE_FASTMEM_MEMPOOL_F_NO_CACHE_ALIGN) != 0 ?
			sizeof(uint64_t) : 0,
		.socket_id = mp->socket_id,
		.max_objs = mp->size,
		.cache_size = mp->cache_size != 0 ? mp->cache_size :
			RTE_FASTMEM_TYPE_NO_CACHE,
		.ctor = obj_init != NULL ? pool_init_obj : NULL,
	};
	struct fastmem_type *type;
	struct pool_init *init;
	unsigned int index;
	int ret;

	pool_type_name(type_name, mp->name);
	ret = rte_fastmem_type_create(&params, &mp->handle);
	if (ret != 0)
		return ret;
	type = fastmem_type_of_handle(mp->handle, &index);
	init = &pool_inits[type - fastmem_process.root->types];
	init->func = obj_init;
	init->arg = obj_init_arg;
	init->mp = mp;
	rte_atomic_store_explicit(&init->n_objs, 0, rte_memory_order_relaxed);
	/* Nobody has the handle yet. */
	type->local.arg = init;
	return 0;
}

/* Let a pool be found. Release: as it is now. */
static void
pool_publish(struct rte_fastmem_mempool *mp)
{
	unsigned int index;

	rte_atomic_store_explicit(
		&fastmem_type_of_handle(mp->handle, &index)->owner,
		(uintptr_t)mp, rte_memory_order_release);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_mempool_create, 26.11)
struct rte_fastmem_mempool *
rte_fastmem_mempool_create(const char *name, unsigned int n,
	unsigned int elt_size, unsigned int cache_size,
	unsigned int private_data_size,
	rte_fastmem_mempool_ctor_t *mp_init, void *mp_init_arg,
	rte_fastmem_mempool_obj_cb_t *obj_init, void *obj_init_arg,
	int socket_id, unsigned int flags)
{
	struct rte_fastmem_mempool *mp = NULL;
	int ret;

	ret = pool_check(name, n, cache_size, flags);
	if (ret != 0) {
		rte_errno = -ret;
		return NULL;
	}
	fastmem_lock(&fastmem_process.pool_lock);
	ret = pool_attach();
	if (ret != 0)
		goto fail;
	/* What is added to them below must not wrap around. */
	if (elt_size > FASTMEM_MAX_SIZE || private_data_size > FASTMEM_MAX_SIZE) {
		ret = -E2BIG;
		goto fail;
	}
	private_data_size = RTE_CACHE_LINE_ROUNDUP(private_data_size);
	mp = rte_fastmem_alloc_socket(sizeof(*mp) + private_data_size, 0,
		RTE_FASTMEM_F_ZERO, socket_id);
	if (mp == NULL) {
		ret = -rte_errno;
		goto fail;
	}
	mp->size = n;
	mp->cache_size = cache_size;
	mp->elt_size = RTE_ALIGN_CEIL(elt_size, (unsigned int)sizeof(uint64_t));
	mp->private_data_size = private_data_size;
	mp->flags = flags;
	mp->socket_id = socket_id;
	strlcpy(mp->name, name, sizeof(mp->name));
	ret = pool_create_type(mp, obj_init, obj_init_arg);
	if (ret != 0)
		goto fail;
	fastmem_unlock(&fastmem_process.pool_lock);
	if (mp_init != NULL)
		mp_init(mp, mp_init_arg);
	pool_publish(mp);
	return mp;

fail:
	fastmem_unlock(&fastmem_process.pool_lock);
	rte_fastmem_free(mp);
	rte_errno = -ret;
	return NULL;
}

/* Free what is still allocated. All other objects are in their slabs. */
static void
pool_free_objs(struct rte_fastmem_mempool *mp)
{
	void *objs[POOL_FREE_BULK];
	struct fastmem_type *type;
	unsigned int index, n;

	type = fastmem_type_of_handle(mp->handle, &index);
	while ((n = fastmem_bin_list_outside(&type->depot.bin, objs,
			RTE_DIM(objs))) != 0) {
		rte_fastmem_hfree_bulk(mp->handle, objs, n);
		rte_fastmem_type_flush(mp->handle);
	}
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_mempool_free, 26.11)
void
rte_fastmem_mempool_free(struct rte_fastmem_mempool *mp)
{
	int ret;

	if (mp == NULL)
		return;
	ret = rte_fastmem_type_destroy(mp->handle);
	if (ret == -EBUSY) {
		pool_free_objs(mp);
		ret = rte_fastmem_type_destroy(mp->handle);
	}
	if (ret == 0)
		rte_fastmem_free(mp);
	else
		FASTMEM_LOG(ERR, "pool %p cannot be freed: %s", (void *)mp,
			rte_strerror(-ret));
}

static struct rte_fastmem_mempool *
pool_of_type(rte_fastmem_handle_t handle)
{
	struct fastmem_type *type;
	unsigned int index;

	type = fastmem_type_of_handle(handle, &index);
	/* Acquire: the pool as it was published. */
	return type == NULL ? NULL : (struct rte_fastmem_mempool *)
		rte_atomic_load_explicit(&type->owner, rte_memory_order_acquire);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_mempool_lookup, 26.11)
struct rte_fastmem_mempool *
rte_fastmem_mempool_lookup(const char *name)
{
	char type_name[FASTMEM_TYPE_NAMESIZE];
	struct rte_fastmem_mempool *mp = NULL;
	rte_fastmem_handle_t handle;
	int ret = 0;

	/* Initialized by nobody, the primary process has no pools. */
	fastmem_lock(&fastmem_process.pool_lock);
	if (rte_eal_process_type() != RTE_PROC_PRIMARY)
		ret = pool_attach();
	fastmem_unlock(&fastmem_process.pool_lock);
	if (ret == 0 && pool_check(name, 1, 0, 0) == 0) {
		pool_type_name(type_name, name);
		if (rte_fastmem_type_lookup(type_name, &handle) == 0)
			mp = pool_of_type(handle);
	}
	if (mp == NULL)
		rte_errno = ret == 0 ? ENOENT : -ret;
	return mp;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_mempool_from_obj, 26.11)
struct rte_fastmem_mempool *
rte_fastmem_mempool_from_obj(void *obj)
{
	const struct fastmem_dir *dir = &fastmem_process.dir;
	uintptr_t offset = (uintptr_t)obj - dir->base;

	if (offset >= dir->bytes)
		return NULL;
	return pool_of_type(fastmem_dir_bin(dir, offset) *
		sizeof(struct fastmem_cache));
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_mempool_in_use_count, 26.11)
unsigned int
rte_fastmem_mempool_in_use_count(const struct rte_fastmem_mempool *mp)
{
	struct rte_fastmem_class_stats stats;

	if (rte_fastmem_type_stats(mp->handle, &stats) != 0)
		return 0;
	/* While others get and put, some may be counted twice. */
	return RTE_MIN(stats.in_use, (uint64_t)mp->size);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_mempool_avail_count, 26.11)
unsigned int
rte_fastmem_mempool_avail_count(const struct rte_fastmem_mempool *mp)
{
	return mp->size - rte_fastmem_mempool_in_use_count(mp);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_mempool_full, 26.11)
int
rte_fastmem_mempool_full(const struct rte_fastmem_mempool *mp)
{
	return rte_fastmem_mempool_in_use_count(mp) == 0;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_mempool_empty, 26.11)
int
rte_fastmem_mempool_empty(const struct rte_fastmem_mempool *mp)
{
	return rte_fastmem_mempool_in_use_count(mp) == mp->size;
}

struct pool_iter {
	struct rte_fastmem_mempool *mp;
	rte_fastmem_mempool_obj_cb_t *func;
	void *arg;
	uint32_t n;
};

static void
pool_visit(void *obj, void *arg)
{
	struct pool_iter *iter = arg;

	iter->func(iter->mp, iter->arg, obj, iter->n++);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_mempool_obj_iter, 26.11)
uint32_t
rte_fastmem_mempool_obj_iter(struct rte_fastmem_mempool *mp,
	rte_fastmem_mempool_obj_cb_t *obj_cb, void *obj_cb_arg)
{
	struct pool_iter iter = {
		.mp = mp,
		.func = obj_cb,
		.arg = obj_cb_arg,
	};
	int64_t ret = rte_fastmem_type_walk(mp->handle, pool_visit, &iter);

	if (ret < 0)
		rte_errno = -ret;
	return iter.n;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_mempool_dump, 26.11)
void
rte_fastmem_mempool_dump(FILE *f, struct rte_fastmem_mempool *mp)
{
	struct rte_fastmem_class_stats stats;

	if (rte_fastmem_type_stats(mp->handle, &stats) != 0)
		memset(&stats, 0, sizeof(stats));
	fprintf(f, "fastmem mempool <%s>@%p\n", mp->name, (void *)mp);
	fprintf(f, "  flags=%x\n", mp->flags);
	fprintf(f, "  socket_id=%d\n", mp->socket_id);
	fprintf(f, "  size=%u\n", mp->size);
	fprintf(f, "  elt_size=%u\n", mp->elt_size);
	fprintf(f, "  cache_size=%u\n", mp->cache_size);
	fprintf(f, "  private_data_size=%u\n", mp->private_data_size);
	fprintf(f, "  in_use_count=%u\n", rte_fastmem_mempool_in_use_count(mp));
	fprintf(f, "  slabs=%u\n", stats.slabs_partial + stats.slabs_full);
}
