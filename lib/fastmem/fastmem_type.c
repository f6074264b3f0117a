/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/**
 * @file
 * Types: caches of objects of one exact size, which are constructed once. Their
 * bins come behind those of the classes; all else is the same.
 */

#include <errno.h>
#include <string.h>

#include <eal_export.h>
#include <rte_string_fns.h>

#include "fastmem_control.h"
#include "fastmem_keeper.h"
#include "fastmem_lcore.h"
#include "fastmem_stats.h"
#include "rte_fastmem.h"

/* Objects in a magazine of a type without caches: with the header, they fill
 * a cache line. Small, since a thread may take all objects of a magazine while
 * another one could do with one of them.
 */
#define UNCACHED_MAG_OBJECTS 6

struct fastmem_type *
fastmem_type_of_handle(uint32_t handle, unsigned int *index)
{
	struct fastmem_root *root = fastmem_process.root;

	*index = handle / sizeof(struct fastmem_cache);
	return handle % sizeof(struct fastmem_cache) == 0 &&
		*index > root->n_bins && fastmem_root_has_bin(root, *index) ?
		fastmem_root_type(root, *index) : NULL;
}

static rte_fastmem_handle_t
type_handle(const struct fastmem_root *root, const struct fastmem_type *type)
{
	return fastmem_root_type_index(root, type - root->types) *
		sizeof(struct fastmem_cache);
}

static bool
type_is_used(struct fastmem_type *type)
{
	return rte_atomic_load_explicit(&type->used,
		rte_memory_order_acquire) != 0;
}

/* Find a type by its name, or one that is free by NULL. */
static struct fastmem_type *
type_find(struct fastmem_root *root, const char *name)
{
	struct fastmem_type *type;
	unsigned int i;

	for (i = 0; i < FASTMEM_MAX_TYPES; i++) {
		type = &root->types[i];
		if (name == NULL ? !type_is_used(type) : type_is_used(type) &&
				strcmp(type->name, name) == 0)
			return type;
	}
	return NULL;
}

static int
params_check(const struct rte_fastmem_type_params *params)
{
	if (params == NULL || params->name == NULL || params->name[0] == '\0' ||
			strnlen(params->name, FASTMEM_TYPE_NAMESIZE) ==
			FASTMEM_TYPE_NAMESIZE ||
			!fastmem_align_valid(params->align))
		return -EINVAL;
	if (params->size > FASTMEM_MAX_SIZE || params->align > FASTMEM_MAX_SIZE)
		return -E2BIG;
	return 0;
}

/* Bytes of objects in a cache. */
static size_t
type_cache_bytes(const struct rte_fastmem_type_params *params, size_t size)
{
	if (params->cache_size == 0)
		return fastmem_depot_cache_bytes(size);
	/* Two magazines, of a cache line each. */
	if (params->cache_size == RTE_FASTMEM_TYPE_NO_CACHE)
		return 2 * UNCACHED_MAG_OBJECTS * size;
	return params->cache_size * size;
}

static void
type_init(struct fastmem_root *root, struct fastmem_type *type,
	const struct rte_fastmem_type_params *params, unsigned int socket_idx,
	uint32_t zone_end)
{
	size_t align = params->align == 0 ? RTE_CACHE_LINE_SIZE :
		RTE_MAX(params->align, sizeof(void *));
	const struct fastmem_shape shape = {
		.size = RTE_ALIGN_CEIL(RTE_MAX(params->size, (size_t)1), align)
	};
	struct fastmem_depot *depot = &type->depot;

	strlcpy(type->name, params->name, sizeof(type->name));
	type->local.ctor = params->ctor;
	type->local.dtor = params->dtor;
	type->local.arg = params->arg;
	fastmem_depot_set_shape(depot, &root->sockets[socket_idx],
		fastmem_root_type_index(root, type - root->types), shape,
		type_cache_bytes(params, shape.size));
	depot->uncached = params->cache_size == RTE_FASTMEM_TYPE_NO_CACHE;
	depot->bin.type = &type->local;
	if (params->max_objs != 0)
		depot->bin.max_objs = params->max_objs;
	rte_atomic_store_explicit(&type->owner, 0, rte_memory_order_relaxed);
	depot->bin.zone_end = zone_end;
	fastmem_stats_start_type(root, type);
	/* Release: whoever finds it finds all of the above. */
	rte_atomic_store_explicit(&type->used, 1, rte_memory_order_release);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_type_create, 26.11)
int
rte_fastmem_type_create(const struct rte_fastmem_type_params *params,
	rte_fastmem_handle_t *handle)
{
	struct fastmem_root *root = fastmem_process.root;
	int ret = params_check(params), socket_idx;
	uint32_t zone_end = FASTMEM_ZONE_ANY;
	struct fastmem_type *type;

	if (root == NULL)
		return -ENODEV;
	if (ret != 0 || handle == NULL)
		return ret != 0 ? ret : -EINVAL;
	if (fastmem_is_remote())
		return -ENOTSUP;
	socket_idx = params->socket_id == SOCKET_ID_ANY ?
		(int)fastmem_root_own_socket(root) :
		fastmem_root_socket_idx(root, params->socket_id);
	if (socket_idx < 0)
		return -EINVAL;

	/* A reset of the statistics counts the bins of all types, used or not. */
	fastmem_lock(&root->stats_lock);
	fastmem_lock(&root->type_lock);
	type = type_find(root, NULL);
	if (type_find(root, params->name) != NULL) {
		ret = -EEXIST;
	} else if (type == NULL) {
		ret = -ENOSPC;
	} else if (params->fixed_memory != 0 && !fastmem_backing_pin(
			&root->sockets[socket_idx].backing,
			params->fixed_memory, &zone_end)) {
		ret = -ENOMEM;
	} else {
		type_init(root, type, params, socket_idx, zone_end);
		*handle = type_handle(root, type);
	}
	fastmem_unlock(&root->type_lock);
	fastmem_unlock(&root->stats_lock);
	return ret;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_type_lookup, 26.11)
int
rte_fastmem_type_lookup(const char *name, rte_fastmem_handle_t *handle)
{
	struct fastmem_root *root = fastmem_process.root;
	struct fastmem_type *type;

	if (root == NULL)
		return -ENODEV;
	if (name == NULL || handle == NULL)
		return -EINVAL;
	type = type_find(root, name);
	if (type == NULL)
		return -ENOENT;
	*handle = type_handle(root, type);
	return 0;
}

/* Take the type's objects out of all caches. Nobody uses them. */
static void
type_retire(struct fastmem_root *root, unsigned int index)
{
	struct fastmem_block *block;

	block = (struct fastmem_block *)rte_atomic_load_explicit(&root->blocks,
		rte_memory_order_acquire);
	for (; block != NULL; block = block->next)
		fastmem_cache_retire(&block->caches[index]);
}

/* With all objects that nobody uses in their slabs, do something to a type. */
static int64_t
type_settle(rte_fastmem_handle_t handle,
	int64_t (*func)(struct fastmem_type *type))
{
	struct fastmem_root *root = fastmem_process.root;
	struct fastmem_type *type;
	unsigned int index;
	int64_t ret = -EINVAL;

	if (root == NULL)
		return -ENODEV;
	if (fastmem_is_remote())
		return -ENOTSUP;
	fastmem_keeper_reclaim(true);
	fastmem_keeper_pause();
	fastmem_lock(&root->type_lock);
	type = fastmem_type_of_handle(handle, &index);
	if (type != NULL) {
		type_retire(root, index);
		fastmem_depot_reap_one(&type->depot);
		ret = func(type);
	}
	fastmem_unlock(&root->type_lock);
	fastmem_keeper_resume();
	return ret;
}

static int64_t
type_purge(struct fastmem_type *type)
{
	return fastmem_depot_purge(&type->depot);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_type_purge, 26.11)
int64_t
rte_fastmem_type_purge(rte_fastmem_handle_t handle)
{
	return type_settle(handle, type_purge);
}

static int64_t
type_destroy(struct fastmem_type *type)
{
	struct fastmem_bin *bin = &type->depot.bin;
	struct fastmem_bin_info info;

	fastmem_bin_get_info(bin, &info);
	if (info.n_partial + info.n_full != 0)
		return -EBUSY;
	if (bin->zone_end != FASTMEM_ZONE_ANY)
		fastmem_backing_unpin(bin->backing, bin->zone_end);
	/* Not while a thread reaps the depots of the socket, this one among them. */
	fastmem_lock(&type->depot.socket->reap_lock);
	rte_atomic_store_explicit(&type->used, 0, rte_memory_order_release);
	fastmem_unlock(&type->depot.socket->reap_lock);
	return 0;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_type_destroy, 26.11)
int
rte_fastmem_type_destroy(rte_fastmem_handle_t handle)
{
	return type_settle(handle, type_destroy);
}

void
fastmem_control_flush_type(struct fastmem_root *root,
	struct fastmem_block *block, unsigned int index)
{
	if (block != NULL)
		fastmem_cache_flush(&block->caches[index]);
	fastmem_depot_reap_one(fastmem_root_depot(root, index));
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_type_flush, 26.11)
int
rte_fastmem_type_flush(rte_fastmem_handle_t handle)
{
	struct fastmem_block *block = fastmem_lcore_self()->block;
	struct fastmem_root *root = fastmem_process.root;
	unsigned int index;

	if (root == NULL)
		return -ENODEV;
	if (fastmem_type_of_handle(handle, &index) == NULL)
		return -EINVAL;
	if (fastmem_is_remote())
		fastmem_remote_flush_type(block, index);
	else
		fastmem_control_flush_type(root, block, index);
	return 0;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_type_walk, 26.11)
int64_t
rte_fastmem_type_walk(rte_fastmem_handle_t handle,
	void (*func)(void *obj, void *arg), void *arg)
{
	struct fastmem_root *root = fastmem_process.root;
	struct fastmem_type *type;
	unsigned int index;

	if (root == NULL)
		return -ENODEV;
	type = fastmem_type_of_handle(handle, &index);
	if (type == NULL)
		return -EINVAL;
	if (fastmem_is_remote())
		return -ENOTSUP;
	return fastmem_bin_walk(&type->depot.bin, func, arg);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_type_mem_walk, 26.11)
int
rte_fastmem_type_mem_walk(rte_fastmem_handle_t handle,
	void (*func)(void *addr, rte_iova_t iova, size_t len, void *arg),
	void *arg)
{
	struct fastmem_root *root = fastmem_process.root;
	struct fastmem_type *type;
	unsigned int index;

	if (root == NULL)
		return -ENODEV;
	type = fastmem_type_of_handle(handle, &index);
	if (type == NULL || type->depot.bin.zone_end == FASTMEM_ZONE_ANY)
		return -EINVAL;
	if (fastmem_is_remote())
		return -ENOTSUP;
	return fastmem_backing_walk(type->depot.bin.backing,
		type->depot.bin.zone_end, func, arg);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_type_stats, 26.11)
int
rte_fastmem_type_stats(rte_fastmem_handle_t handle,
	struct rte_fastmem_class_stats *stats)
{
	struct fastmem_root *root = fastmem_process.root;
	struct fastmem_type *type;
	unsigned int index;

	if (root == NULL)
		return -ENODEV;
	type = fastmem_type_of_handle(handle, &index);
	if (type == NULL || stats == NULL)
		return -EINVAL;
	fastmem_stats_get_type(root, type, stats);
	return 0;
}
