/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/**
 * @file
 * The control path of the public interface.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <eal_export.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_memzone.h>

#include "fastmem_control.h"
#include "fastmem_keeper.h"
#include "fastmem_lcore.h"
#include "fastmem_remote.h"
#include "fastmem_thread.h"
#include "rte_fastmem.h"

RTE_LOG_REGISTER_DEFAULT(fastmem_logtype, INFO);

/* Meta memory that each socket has from the start, the root's own together
 * with the root: enough for the bitmaps, magazines and blocks of a small user,
 * so that no slab has to serve as meta for them. And an lcore's block lies on
 * its own socket, even if all objects that it ever meets are of another one.
 */
#define ROOT_META_BYTES RTE_BIT64(18)
#define META_ZONE_FORMAT "fastmem_meta_%d"

/* Positions in the depots' stacks have 48 bits. */
#define ROOT_ADDR_MAX RTE_BIT64(48)

static size_t
root_bytes(uint32_t n_sockets)
{
	return RTE_ALIGN_CEIL(sizeof(struct fastmem_root) +
		n_sockets * sizeof(struct fastmem_socket), RTE_CACHE_LINE_SIZE);
}

static size_t
shared_base_bytes(uint32_t n_sockets)
{
	return RTE_ALIGN_CEIL((1 + n_sockets * FASTMEM_N_BINS +
		FASTMEM_MAX_TYPES) *
		sizeof(struct fastmem_cache_base), RTE_CACHE_LINE_SIZE);
}

/* Get meta memory for a socket other than the root's; false: it has none. */
static bool
socket_feed_meta(struct fastmem_socket *socket)
{
	const struct rte_memzone *mz;
	char name[RTE_MEMZONE_NAMESIZE];

	snprintf(name, sizeof(name), META_ZONE_FORMAT, socket->backing.socket_id);
	mz = rte_memzone_reserve(name, ROOT_META_BYTES,
		socket->backing.socket_id, 0);
	if (mz == NULL)
		return false;
	fastmem_meta_add(&socket->backing.meta, mz->addr, mz->len);
	return true;
}

static void
sockets_free_meta(void)
{
	const struct rte_memzone *mz;
	char name[RTE_MEMZONE_NAMESIZE];
	unsigned int i;

	for (i = 0; i < rte_socket_count(); i++) {
		snprintf(name, sizeof(name), META_ZONE_FORMAT,
			rte_socket_id_by_idx(i));
		mz = rte_memzone_lookup(name);
		if (mz != NULL && rte_memzone_free(mz) != 0)
			FASTMEM_LOG(ERR, "cannot free memzone %s", name);
	}
}

/* Set up all sockets, and give what is left of the root's memory to meta. */
static void
root_init(struct fastmem_root *root, const struct rte_memzone *mz,
	uintptr_t base, uintptr_t bytes)
{
	uint32_t n_sockets = rte_socket_count(), i, k;
	struct fastmem_socket *socket;
	void *tables, *rest;

	memset(root, 0, mz->len);
	root->n_sockets = n_sockets;
	root->n_bins = n_sockets * FASTMEM_N_BINS;
	root->n_caches = root->n_bins + FASTMEM_MAX_TYPES;
	root->shared_base = RTE_PTR_ADD(root, root_bytes(n_sockets));
	tables = RTE_PTR_ADD(root->shared_base, shared_base_bytes(n_sockets));
	fastmem_dir_init(&root->dir, base, bytes, tables);
	fastmem_lock_init(&root->block_lock);
	fastmem_lock_init(&root->stats_lock);
	rte_seqcount_init(&root->stats_sequence);
	fastmem_lock_init(&root->type_lock);
	for (i = 0; i < n_sockets; i++) {
		socket = &root->sockets[i];
		fastmem_backing_init(&socket->backing, &root->dir,
			&root->zone_ids, rte_socket_id_by_idx(i));
		fastmem_lock_init(&socket->reap_lock);
		socket->types = root->types;
		for (k = 0; k < FASTMEM_N_BINS; k++)
			fastmem_depot_init(&socket->depots[k], socket,
				fastmem_root_bin_index(i, k),
				fastmem_slab_class_shape(fastmem_bin_class(k),
					fastmem_bin_is_colored(k)));
		for (k = FASTMEM_N_CLASSES; k < FASTMEM_N_BINS; k++)
			socket->depots[fastmem_bin_number(fastmem_bin_class(k),
				0)].bin.kin = &socket->depots[k].bin;
	}
	rest = RTE_PTR_ADD(tables, fastmem_dir_footprint(bytes));
	root->home = RTE_MAX(fastmem_root_socket_idx(root, mz->socket_id), 0);
	fastmem_meta_add(&root->sockets[root->home].backing.meta, rest,
		mz->len - RTE_PTR_DIFF(rest, root));
	for (i = 0; i < n_sockets; i++)
		root->sockets[i].home = i == root->home ||
			socket_feed_meta(&root->sockets[i]) ? i : root->home;
}

static int
root_create(struct fastmem_root **root)
{
	const struct rte_memzone *mz;
	uintptr_t base, bytes;
	size_t len;

	fastmem_dir_range(&base, &bytes);
	if (bytes == 0 || (uint64_t)base + bytes > ROOT_ADDR_MAX) {
		FASTMEM_LOG(ERR, "cannot cover EAL's address range of %#" PRIxPTR " bytes at %#" PRIxPTR,
			bytes, base);
		return -ENOMEM;
	}
	len = root_bytes(rte_socket_count()) +
		shared_base_bytes(rte_socket_count()) +
		fastmem_dir_footprint(bytes) + ROOT_META_BYTES;
	mz = rte_memzone_reserve(FASTMEM_ROOT_NAME, len, rte_socket_id(), 0);
	if (mz == NULL)
		mz = rte_memzone_reserve(FASTMEM_ROOT_NAME, len, SOCKET_ID_ANY, 0);
	if (mz == NULL) {
		FASTMEM_LOG(ERR, "cannot reserve %zu bytes for the directory: %s",
			len, rte_strerror(rte_errno));
		return -ENOMEM;
	}
	*root = mz->addr;
	root_init(*root, mz, base, bytes);
	fastmem_keeper_open(*root);
	/* Release: a secondary that sees it sees all of the above. */
	rte_atomic_store_explicit(&(*root)->layout, FASTMEM_LAYOUT,
		rte_memory_order_release);
	return 0;
}

/* The root's address, or NULL if there is none. EAL's lock of memzones lies in
 * shared memory, where a process that is killed in a lookup leaves it locked for
 * ever. So a process looks only once, and later at what it found then: EAL clears
 * what it frees, and writes the address of what it reserves last.
 */
static struct fastmem_root *
root_lookup(void)
{
	static const struct rte_memzone *mz; /* under the attach lock */
	void *addr;

	if (mz != NULL && strncmp(mz->name, FASTMEM_ROOT_NAME,
			sizeof(mz->name)) == 0) {
		/* Acquire: not the address that was there before the name. */
		rte_atomic_thread_fence(rte_memory_order_acquire);
		addr = mz->addr;
		if (addr != NULL)
			return addr;
	}
	mz = rte_memzone_lookup(FASTMEM_ROOT_NAME);
	return mz == NULL ? NULL : mz->addr;
}

static int
root_find(struct fastmem_root **root)
{
	*root = root_lookup();
	if (*root == NULL) {
		FASTMEM_LOG(ERR, "the primary process has not initialized fastmem");
		return -ENODEV;
	}
	if (rte_atomic_load_explicit(&(*root)->layout,
			rte_memory_order_acquire) != FASTMEM_LAYOUT) {
		FASTMEM_LOG(ERR, "the primary process has another version of fastmem");
		return -ENOTSUP;
	}
	return fastmem_remote_attach(*root);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_init, 26.11)
int
rte_fastmem_init(void)
{
	struct fastmem_root *root;
	int ret = -EBUSY;

	fastmem_lock(&fastmem_process.attach_lock);
	if (fastmem_process.root != NULL)
		goto out;
	ret = fastmem_thread_watch();
	if (ret == 0)
		ret = rte_eal_process_type() == RTE_PROC_PRIMARY ?
			root_create(&root) : root_find(&root);
	if (ret == 0)
		fastmem_lcore_attach(root);
out:
	fastmem_unlock(&fastmem_process.attach_lock);
	return ret;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_deinit, 26.11)
void
rte_fastmem_deinit(void)
{
	struct fastmem_root *root;

	fastmem_lock(&fastmem_process.attach_lock);
	root = fastmem_process.root;
	if (root == NULL)
		goto out;
	fastmem_lcore_detach();
	if (rte_eal_process_type() != RTE_PROC_PRIMARY) {
		fastmem_remote_detach();
		goto out;
	}

	/* No secondary may attach any more. */
	rte_atomic_store_explicit(&root->layout, 0, rte_memory_order_release);
	fastmem_keeper_close();
	fastmem_zone_free_all();
	sockets_free_meta();
	if (rte_memzone_free(rte_memzone_lookup(FASTMEM_ROOT_NAME)) != 0)
		FASTMEM_LOG(ERR, "cannot free memzone %s", FASTMEM_ROOT_NAME);
out:
	fastmem_unlock(&fastmem_process.attach_lock);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(__rte_fastmem_cleanup_begin, 26.11)
void
__rte_fastmem_cleanup_begin(void)
{
	fastmem_lock(&fastmem_process.attach_lock);
	if (fastmem_process.root != NULL && !fastmem_is_remote()) {
		/* No secondary may attach any more. */
		rte_atomic_store_explicit(&fastmem_process.root->layout, 0,
			rte_memory_order_release);
		fastmem_keeper_close();
	}
	fastmem_unlock(&fastmem_process.attach_lock);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(__rte_fastmem_cleanup_end, 26.11)
void
__rte_fastmem_cleanup_end(void)
{
	fastmem_lock(&fastmem_process.attach_lock);
	if (fastmem_process.root != NULL) {
		/* Dropping its lock has the primary process reclaim the caches
		 * of this one, as if it had been killed.
		 */
		if (fastmem_is_remote())
			fastmem_remote_close();
		fastmem_lcore_abandon();
	}
	fastmem_unlock(&fastmem_process.attach_lock);
}

int
fastmem_control_reserve(struct fastmem_root *root, size_t size, int socket_id,
	unsigned int own)
{
	size_t got[RTE_MAX_NUMA_NODES] = { 0 };
	unsigned int i, n = root->n_sockets;
	size_t left = size;
	int idx;

	if (socket_id != SOCKET_ID_ANY) {
		idx = fastmem_root_socket_idx(root, socket_id);
		if (idx < 0)
			return -EINVAL;
		own = idx;
		n = 1;
	}
	for (i = 0; i < n && left != 0; i++) {
		/* Own socket first, the others in their order. */
		idx = i == 0 ? own : i <= own ? i - 1 : i;
		got[idx] = fastmem_backing_reserve(&root->sockets[idx].backing,
			left);
		left -= RTE_MIN(got[idx], left);
	}
	if (left == 0)
		return 0;
	for (i = 0; i < root->n_sockets; i++)
		fastmem_backing_unreserve(&root->sockets[i].backing, got[i]);
	return -ENOMEM;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_reserve, 26.11)
int
rte_fastmem_reserve(size_t size, int socket_id)
{
	struct fastmem_root *root = fastmem_process.root;
	unsigned int own;

	if (root == NULL)
		return -ENODEV;
	own = fastmem_root_own_socket(root);
	return fastmem_is_remote() ?
		fastmem_remote_reserve(size, socket_id, own) :
		fastmem_control_reserve(root, size, socket_id, own);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_set_limit, 26.11)
int
rte_fastmem_set_limit(int socket_id, size_t max_bytes)
{
	struct fastmem_root *root = fastmem_process.root;
	int idx;

	if (root == NULL)
		return -ENODEV;
	idx = fastmem_root_socket_idx(root, socket_id);
	if (idx < 0)
		return -EINVAL;
	fastmem_backing_set_limit(&root->sockets[idx].backing, max_bytes);
	return 0;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_get_limit, 26.11)
size_t
rte_fastmem_get_limit(int socket_id)
{
	struct fastmem_root *root = fastmem_process.root;
	struct fastmem_backing_info info;
	int idx;

	if (root == NULL) {
		rte_errno = ENODEV;
		return 0;
	}
	idx = fastmem_root_socket_idx(root, socket_id);
	if (idx < 0) {
		rte_errno = EINVAL;
		return 0;
	}
	fastmem_backing_get_info(&root->sockets[idx].backing, &info);
	return info.limit;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_set_cache_limit, 26.11)
int
rte_fastmem_set_cache_limit(size_t max_bytes)
{
	struct fastmem_root *root = fastmem_process.root;
	unsigned int i;

	if (root == NULL)
		return -ENODEV;
	if (rte_eal_process_type() != RTE_PROC_PRIMARY)
		return -ENOTSUP;
	for (i = 1; i <= root->n_bins; i++)
		if (fastmem_bin_was_used(&fastmem_root_depot(root, i)->bin))
			return -EBUSY;
	for (i = 1; i <= root->n_bins; i++)
		if (!fastmem_depot_set_cache_limit(fastmem_root_depot(root, i),
				max_bytes))
			return -EBUSY;
	fastmem_block_resize_all(root);
	return 0;
}

void
fastmem_control_flush(struct fastmem_root *root, struct fastmem_block *block)
{
	unsigned int i;

	fastmem_block_flush(root, block);
	for (i = 0; i < root->n_sockets; i++)
		fastmem_depot_reap_socket(&root->sockets[i]);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_cache_flush, 26.11)
void
rte_fastmem_cache_flush(void)
{
	struct fastmem_block *block = fastmem_lcore_self()->block;
	struct fastmem_root *root = fastmem_process.root;

	if (root == NULL)
		FASTMEM_LOG(ERR, "cannot flush, fastmem is not initialized");
	else if (fastmem_is_remote())
		fastmem_remote_flush(block);
	else
		fastmem_control_flush(root, block);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_process_reclaim, 26.11)
int
rte_fastmem_process_reclaim(void)
{
	if (fastmem_process.root == NULL)
		return -ENODEV;
	if (rte_eal_process_type() != RTE_PROC_PRIMARY)
		return -ENOTSUP;
	return fastmem_keeper_reclaim(true);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_trim, 26.11)
int
rte_fastmem_trim(int socket_id, size_t *bytes)
{
	struct fastmem_root *root = fastmem_process.root;
	uint64_t total = 0;
	unsigned int i;

	if (root == NULL)
		return -ENODEV;
	if (socket_id != SOCKET_ID_ANY &&
			fastmem_root_socket_idx(root, socket_id) < 0)
		return -EINVAL;
	if (rte_eal_process_type() != RTE_PROC_PRIMARY)
		return -ENOTSUP;
	fastmem_keeper_reclaim(true);
	fastmem_control_flush(root, fastmem_lcore_self()->block);
	for (i = 0; i < root->n_sockets; i++)
		if (socket_id == SOCKET_ID_ANY || socket_id ==
				root->sockets[i].backing.socket_id)
			total += fastmem_backing_trim(&root->sockets[i].backing);
	if (bytes != NULL)
		*bytes = total;
	return 0;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_max_size, 26.11)
size_t
rte_fastmem_max_size(void)
{
	return FASTMEM_MAX_SIZE;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_classes, 26.11)
unsigned int
rte_fastmem_classes(size_t *sizes)
{
	unsigned int i;

	for (i = 0; sizes != NULL && i < FASTMEM_N_CLASSES; i++)
		sizes[i] = fastmem_class_bytes(i);
	return FASTMEM_N_CLASSES;
}
