/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/**
 * @file
 * The data path of the public interface.
 *
 * Each function has one visible branch from the fast path, which deals with
 * nothing but an object and a loaded magazine, to the slow path, which starts
 * again from the arguments, checks all of them, and serves the call
 * by whatever is needed.
 *
 * Freeing an object of unknown size takes its bin from the directory. If the
 * cache were found by that, the following allocation would wait for
 * a chain of loads, from the object to the cache's state. So the bin is only
 * compared with that of the cache used last, and when they agree, which the
 * processor predicts, the cache is known without waiting.
 */

#include <string.h>

#include <eal_export.h>
#include <rte_errno.h>
#include <rte_memcpy.h>

#include "fastmem_block.h"
#include "rte_fastmem.h"

/* Handles are offsets into a block's caches, so that none is computed. */
static inline struct fastmem_cache *
handle_cache(rte_fastmem_handle_t handle)
{
	return RTE_PTR_ADD(fastmem_lcore_self()->caches, handle);
}

static inline unsigned int
handle_bin_index(rte_fastmem_handle_t handle)
{
	return handle / sizeof(struct fastmem_cache);
}

/* 0, or the errno that a request has to be refused with. */
static int
request_check(size_t size, size_t align, unsigned int flags)
{
	if (fastmem_process.root == NULL)
		return ENODEV;
	if (!fastmem_align_valid(align) || (flags & ~FASTMEM_FLAGS_ALL) != 0)
		return EINVAL;
	if (size > FASTMEM_MAX_SIZE || align > FASTMEM_MAX_SIZE)
		return E2BIG;
	return 0;
}

/* Allocate n objects of a class on one socket. */
static int
alloc_on(unsigned int socket_idx, unsigned int class_idx, void **ptrs,
	unsigned int n, unsigned int flags)
{
	unsigned int index = fastmem_root_bin_index(socket_idx, class_idx);

	return fastmem_block_alloc(index, ptrs, n, flags) ? 0 : -ENOMEM;
}

/* Allocate n objects where the caller asks for them. */
static int
alloc_slow(void **ptrs, unsigned int n, size_t size, size_t align,
	unsigned int flags, int socket_id)
{
	const struct fastmem_root *root = fastmem_process.root;
	unsigned int class_idx, own, i;
	int ret, socket_idx;

	ret = request_check(size, align, flags);
	if (ret != 0)
		return -ret;
	class_idx = fastmem_class(size, align);

	if (socket_id != SOCKET_ID_ANY) {
		socket_idx = fastmem_root_socket_idx(root, socket_id);
		if (socket_idx < 0)
			return -EINVAL;
		ret = n == 0 ? 0 :
			alloc_on(socket_idx, class_idx, ptrs, n, flags);
	} else {
		own = fastmem_root_own_socket(root);
		ret = n == 0 ? 0 : alloc_on(own, class_idx, ptrs, n, flags);
		for (i = 0; ret == -ENOMEM && i < root->n_sockets; i++)
			if (i != own)
				ret = alloc_on(i, class_idx, ptrs, n, flags);
	}
	if (ret == 0 && (flags & RTE_FASTMEM_F_ZERO) != 0)
		for (i = 0; i < n; i++)
			memset(ptrs[i], 0, size);
	return ret;
}

static __rte_noinline void *
alloc_one_slow(size_t size, size_t align, unsigned int flags, int socket_id)
{
	void *obj = NULL;
	int ret;

	ret = alloc_slow(&obj, 1, size, align, flags, socket_id);
	if (unlikely(ret != 0)) {
		rte_errno = -ret;
		return NULL;
	}
	return obj;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_alloc, 26.11)
void *
rte_fastmem_alloc(size_t size, size_t align, unsigned int flags)
{
	struct fastmem_lcore *self = fastmem_lcore_self();
	unsigned int class_idx = fastmem_class(size, align);
	struct fastmem_cache *cache;
	void *obj;

	if (likely(class_idx < FASTMEM_N_CLASSES &&
			((align & (align - 1)) | flags) == 0)) {
		cache = &self->own[class_idx];
		if (likely(fastmem_cache_pop(cache, &obj))) {
			self->last = cache;
			return obj;
		}
	}
	return alloc_one_slow(size, align, flags, SOCKET_ID_ANY);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_alloc_socket, 26.11)
void *
rte_fastmem_alloc_socket(size_t size, size_t align, unsigned int flags,
	int socket_id)
{
	return alloc_one_slow(size, align, flags, socket_id);
}

/* Find the bin of an object; 0 with rte_errno set if it is none. */
static unsigned int
object_bin(const void *ptr)
{
	const struct fastmem_process *process = &fastmem_process;
	const struct fastmem_slab *slab;
	unsigned int index;

	if (process->root == NULL) {
		rte_errno = ENODEV;
		return FASTMEM_BIN_NONE;
	}
	slab = fastmem_dir_slab(&process->dir, ptr);
	if (slab != NULL) {
		index = fastmem_dir_bin(&process->dir,
			(uintptr_t)ptr - process->dir.base);
		if (index != FASTMEM_BIN_NONE &&
				fastmem_slab_is_object(slab, ptr))
			return index;
	}
	rte_errno = EINVAL;
	return FASTMEM_BIN_NONE;
}

static __rte_noinline void
free_slow(void *ptr)
{
	unsigned int index;

	if (ptr == NULL)
		return;
	index = object_bin(ptr);
	if (index != FASTMEM_BIN_NONE)
		fastmem_block_free(index, &ptr, 1);
	else if (rte_errno == ENODEV)
		FASTMEM_LOG(ERR, "%p is freed, but fastmem is not initialized",
			ptr);
	else
		FASTMEM_LOG(ERR, "%p is freed, but is not an object of fastmem",
			ptr);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_free, 26.11)
void
rte_fastmem_free(void *ptr)
{
	struct fastmem_process *process = &fastmem_process;
	uintptr_t offset = (uintptr_t)ptr - process->dir.base;
	struct fastmem_lcore *self;
	struct fastmem_cache *cache;
	unsigned int index;

	/* Nothing is in range when the library is not initialized. */
	if (unlikely(offset >= process->dir.bytes))
		goto slow;
	self = fastmem_lcore_self();
	index = fastmem_dir_bin(&process->dir, offset);
	cache = self->last;
	if (likely(cache->index == index)) {
		if (likely((offset & cache->misalign) == 0 &&
				fastmem_cache_push(cache, ptr)))
			return;
	} else {
		cache = &self->caches[index];
		if (likely((offset & cache->misalign) == 0 &&
				fastmem_cache_push(cache, ptr))) {
			self->last = cache;
			return;
		}
	}
slow:
	free_slow(ptr);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_free_sized, 26.11)
void
rte_fastmem_free_sized(void *ptr, size_t size, size_t align)
{
	struct fastmem_process *process = &fastmem_process;
	uintptr_t offset = (uintptr_t)ptr - process->dir.base;
	unsigned int class_idx = fastmem_class(size, align);
	struct fastmem_cache *cache;

	/* The cache follows from the size; the directory only confirms it. */
	if (likely(offset < process->dir.bytes &&
			class_idx < FASTMEM_N_CLASSES)) {
		cache = &fastmem_lcore_self()->own[class_idx];
		if (likely(cache->index == fastmem_dir_bin(&process->dir, offset) &&
				(offset & cache->misalign) == 0 &&
				fastmem_cache_push(cache, ptr)))
			return;
	}
	free_slow(ptr);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_realloc, 26.11)
void *
rte_fastmem_realloc(void *ptr, size_t size, size_t align)
{
	unsigned int index, old_class, new_class;
	void *obj;
	int ret;

	if (ptr == NULL)
		return rte_fastmem_alloc(size, align, 0);
	if (size == 0) {
		rte_fastmem_free(ptr);
		return NULL;
	}
	ret = request_check(size, align, 0);
	if (ret != 0) {
		rte_errno = ret;
		return NULL;
	}
	index = object_bin(ptr);
	if (index == FASTMEM_BIN_NONE) {
		FASTMEM_LOG(ERR, "%p is reallocated, but is not an object of fastmem",
			ptr);
		return NULL;
	}
	old_class = (index - 1) % FASTMEM_N_CLASSES;
	new_class = fastmem_class(size, align);
	if (old_class == new_class)
		return ptr;
	obj = rte_fastmem_alloc(size, align, 0);
	if (obj == NULL)
		return NULL;
	rte_memcpy(obj, ptr, fastmem_class_bytes(RTE_MIN(old_class, new_class)));
	rte_fastmem_free(ptr);
	return obj;
}

/* Serve a bulk from the loaded magazine alone. */
static inline bool
bulk_pop(struct fastmem_cache *cache, void **ptrs, unsigned int n)
{
	uint64_t state = fastmem_cache_state(cache);
	unsigned int n_loaded = state & FASTMEM_CACHE_COUNT_MASK;

	if (unlikely(n > n_loaded))
		return false;
	fastmem_cache_set_state(cache,
		state + n * FASTMEM_CACHE_ONE_ALLOC - n);
	rte_memcpy(ptrs, &cache->objs[n_loaded - n], n * sizeof(ptrs[0]));
	return true;
}

static inline bool
bulk_push(struct fastmem_cache *cache, void *const *ptrs, unsigned int n)
{
	uint64_t state = fastmem_cache_state(cache);
	unsigned int n_loaded = state & FASTMEM_CACHE_COUNT_MASK;

	if (unlikely(n > cache->capacity - n_loaded))
		return false;
	rte_memcpy(&cache->objs[n_loaded], ptrs, n * sizeof(ptrs[0]));
	fastmem_cache_set_state(cache, state + n);
	return true;
}

static __rte_noinline int
alloc_bulk_slow(void **ptrs, unsigned int n, size_t size, size_t align,
	unsigned int flags, int socket_id)
{
	return alloc_slow(ptrs, n, size, align, flags, socket_id);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_alloc_bulk, 26.11)
int
rte_fastmem_alloc_bulk(void **ptrs, unsigned int n, size_t size, size_t align,
	unsigned int flags)
{
	struct fastmem_lcore *self = fastmem_lcore_self();
	unsigned int class_idx = fastmem_class(size, align);
	struct fastmem_cache *cache;

	if (likely(class_idx < FASTMEM_N_CLASSES && n != 0 &&
			((align & (align - 1)) | flags) == 0)) {
		cache = &self->own[class_idx];
		if (likely(bulk_pop(cache, ptrs, n))) {
			self->last = cache;
			return 0;
		}
	}
	return alloc_bulk_slow(ptrs, n, size, align, flags, SOCKET_ID_ANY);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_alloc_bulk_socket, 26.11)
int
rte_fastmem_alloc_bulk_socket(void **ptrs, unsigned int n, size_t size,
	size_t align, unsigned int flags, int socket_id)
{
	return alloc_bulk_slow(ptrs, n, size, align, flags, socket_id);
}

/* The bin of an object that can be freed at once; 0: the slow path decides. */
static inline unsigned int
bulk_bin(const struct fastmem_process *process, const void *ptr)
{
	uintptr_t offset = (uintptr_t)ptr - process->dir.base;
	unsigned int index;

	if (unlikely(offset >= process->dir.bytes))
		return FASTMEM_BIN_NONE;
	index = fastmem_dir_bin(&process->dir, offset);
	if (unlikely(index == FASTMEM_BIN_NONE))
		return FASTMEM_BIN_NONE;
	return (offset & (fastmem_class_bytes(
		(index - 1) % FASTMEM_N_CLASSES) - 1)) == 0 ?
		index : FASTMEM_BIN_NONE;
}

/* Free runs of objects of the same bin each. */
static __rte_noinline void
free_bulk_slow(struct fastmem_lcore *self, void *const *ptrs, unsigned int n)
{
	const struct fastmem_process *process = &fastmem_process;
	unsigned int index, i, j;

	for (i = 0; i < n; i = j) {
		j = i + 1;
		index = bulk_bin(process, ptrs[i]);
		if (unlikely(index == FASTMEM_BIN_NONE)) {
			free_slow(ptrs[i]);
			continue;
		}
		while (j < n && bulk_bin(process, ptrs[j]) == index)
			j++;
		if (likely(bulk_push(&self->caches[index], &ptrs[i], j - i)))
			self->last = &self->caches[index];
		else
			fastmem_block_free(index, &ptrs[i], j - i);
	}
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_free_bulk, 26.11)
void
rte_fastmem_free_bulk(void **ptrs, unsigned int n)
{
	struct fastmem_process *process = &fastmem_process;
	struct fastmem_lcore *self = fastmem_lcore_self();
	struct fastmem_cache *cache = self->last;
	uintptr_t first, differ = 0;
	unsigned int i;

	if (unlikely(n == 0))
		return;

	/* Most bulks are of one slab, where objects differ in some bits only.
	 * Without a branch in it, and starting with the first pointer, the loop
	 * becomes vector code that loads what other such code has stored.
	 */
	first = (uintptr_t)ptrs[0];
	for (i = 0; i < n; i++)
		differ |= (uintptr_t)ptrs[i] ^ first;
	differ |= first & (FASTMEM_SLAB_SIZE - 1);
	first -= process->dir.base;
	if (likely((differ & ~(FASTMEM_SLAB_SIZE - 1 - cache->misalign)) == 0 &&
			first < process->dir.bytes &&
			fastmem_dir_bin(&process->dir, first) == cache->index &&
			bulk_push(cache, ptrs, n)))
		return;
	free_bulk_slow(self, ptrs, n);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_hlookup, 26.11)
int
rte_fastmem_hlookup(size_t size, size_t align, int socket_id,
	rte_fastmem_handle_t *handle)
{
	const struct fastmem_root *root = fastmem_process.root;
	int ret, socket_idx;

	ret = request_check(size, align, 0);
	if (ret != 0)
		return -ret;
	if (handle == NULL)
		return -EINVAL;
	if (socket_id == SOCKET_ID_ANY)
		socket_idx = fastmem_root_own_socket(root);
	else
		socket_idx = fastmem_root_socket_idx(root, socket_id);
	if (socket_idx < 0)
		return -EINVAL;
	*handle = fastmem_root_bin_index(socket_idx,
		fastmem_class(size, align)) * sizeof(struct fastmem_cache);
	return 0;
}

/* 0, or the errno that a call with a handle has to be refused with. */
static int
handle_check(rte_fastmem_handle_t handle, unsigned int flags)
{
	unsigned int index = handle_bin_index(handle);

	if (fastmem_process.root == NULL)
		return ENODEV;
	if (handle % sizeof(struct fastmem_cache) != 0 || index == 0 ||
			index > fastmem_process.root->n_bins ||
			(flags & ~FASTMEM_FLAGS_ALL) != 0)
		return EINVAL;
	return 0;
}

static __rte_noinline int
halloc_slow(rte_fastmem_handle_t handle, void **ptrs, unsigned int n,
	unsigned int flags)
{
	unsigned int index = handle_bin_index(handle), i;
	unsigned int class_idx = (index - 1) % FASTMEM_N_CLASSES;
	int ret;

	ret = handle_check(handle, flags);
	if (ret != 0)
		return -ret;
	if (n == 0)
		return 0;
	ret = alloc_on((index - 1) / FASTMEM_N_CLASSES, class_idx, ptrs, n, flags);
	if (ret == 0 && (flags & RTE_FASTMEM_F_ZERO) != 0)
		for (i = 0; i < n; i++)
			memset(ptrs[i], 0, fastmem_class_bytes(class_idx));
	return ret;
}

static __rte_noinline void *
halloc_one_slow(rte_fastmem_handle_t handle, unsigned int flags)
{
	void *obj = NULL;
	int ret;

	ret = halloc_slow(handle, &obj, 1, flags);
	if (unlikely(ret != 0)) {
		rte_errno = -ret;
		return NULL;
	}
	return obj;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_halloc, 26.11)
void *
rte_fastmem_halloc(rte_fastmem_handle_t handle, unsigned int flags)
{
	void *obj;

	if (likely(flags == 0 && fastmem_cache_pop(handle_cache(handle), &obj)))
		return obj;
	return halloc_one_slow(handle, flags);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_halloc_bulk, 26.11)
int
rte_fastmem_halloc_bulk(rte_fastmem_handle_t handle, void **ptrs,
	unsigned int n, unsigned int flags)
{
	if (likely(flags == 0 && n != 0 &&
			bulk_pop(handle_cache(handle), ptrs, n)))
		return 0;
	return halloc_slow(handle, ptrs, n, flags);
}

static __rte_noinline void
hfree_slow(rte_fastmem_handle_t handle, void *const *ptrs, unsigned int n)
{
	int ret = handle_check(handle, 0);

	if (n == 0)
		return;
	if (ret == 0)
		fastmem_block_free(handle_bin_index(handle), ptrs, n);
	else if (ret == ENODEV)
		FASTMEM_LOG(ERR, "%p is freed, but fastmem is not initialized",
			ptrs[0]);
	else
		FASTMEM_LOG(ERR, "%p is freed by %#x, which is not a handle",
			ptrs[0], handle);
}

static __rte_noinline void
hfree_one_slow(rte_fastmem_handle_t handle, void *ptr)
{
	if (ptr != NULL)
		hfree_slow(handle, &ptr, 1);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_hfree, 26.11)
void
rte_fastmem_hfree(rte_fastmem_handle_t handle, void *ptr)
{
	if (unlikely(ptr == NULL ||
			!fastmem_cache_push(handle_cache(handle), ptr)))
		hfree_one_slow(handle, ptr);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_hfree_bulk, 26.11)
void
rte_fastmem_hfree_bulk(rte_fastmem_handle_t handle, void **ptrs,
	unsigned int n)
{
	if (unlikely(n == 0 || !bulk_push(handle_cache(handle), ptrs, n)))
		hfree_slow(handle, ptrs, n);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_usable_size, 26.11)
size_t
rte_fastmem_usable_size(const void *ptr)
{
	unsigned int index = object_bin(ptr);

	return index == FASTMEM_BIN_NONE ? 0 :
		fastmem_class_bytes((index - 1) % FASTMEM_N_CLASSES);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_socket_id, 26.11)
int
rte_fastmem_socket_id(const void *ptr)
{
	const struct fastmem_process *process = &fastmem_process;
	uintptr_t offset = (uintptr_t)ptr - process->dir.base;
	unsigned int index;

	if (process->root == NULL)
		return -ENODEV;
	if (offset >= process->dir.bytes)
		return -EINVAL;
	index = fastmem_dir_bin(&process->dir, offset);
	if (index == FASTMEM_BIN_NONE)
		return -EINVAL;
	return process->root->sockets[(index - 1) / FASTMEM_N_CLASSES]
		.backing.socket_id;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_virt2iova, 26.11)
rte_iova_t
rte_fastmem_virt2iova(const void *ptr)
{
	const struct fastmem_dir *dir = &fastmem_process.dir;
	const struct fastmem_slab *slab = fastmem_dir_slab(dir, ptr);

	if (unlikely(slab == NULL || slab->iova == RTE_BAD_IOVA ||
			fastmem_dir_bin(dir, (uintptr_t)ptr - dir->base) ==
			FASTMEM_BIN_NONE))
		return RTE_BAD_IOVA;
	return slab->iova + ((uintptr_t)ptr - slab->addr);
}
