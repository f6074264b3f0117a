/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/**
 * @file
 * The data path of the public interface.
 *
 * The fast path deals with nothing but an object and a loaded magazine, and is
 * inline in the public headers. It has one branch to what is here, which
 * starts again from the arguments, checks all of them, and serves the call
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

#include "fastmem_lcore.h"
#include "rte_fastmem.h"

/* Handles are offsets into a block's caches, so that none is computed. */
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

/* Allocate n objects of a bin, or count them as failed. */
static int
alloc_from(unsigned int index, void **ptrs, unsigned int n, unsigned int flags)
{
	if (likely(fastmem_lcore_alloc(index, ptrs, n, flags)))
		return 0;
	fastmem_lcore_count_nomem(index, n);
	return -ENOMEM;
}

/* Allocate n objects of the bins of a number, the own socket's first. A socket
 * for which EAL had no more memory a moment ago gives what it has, but does not
 * ask EAL: that would make each allocation take milliseconds which another
 * socket serves. Sets *hasty if there was such a socket.
 */
static bool
alloc_from_sockets(unsigned int number, void **ptrs, unsigned int n,
	unsigned int flags, bool *hasty)
{
	const struct fastmem_root *root = fastmem_process.root;
	unsigned int own = fastmem_root_own_socket(root), i, idx, f;

	for (i = 0; i < root->n_sockets; i++) {
		/* Own socket first, the others in their order. */
		idx = i == 0 ? own : i <= own ? i - 1 : i;
		f = flags;
		if (hasty != NULL && fastmem_backing_is_short(
				&root->sockets[idx].backing)) {
			f |= RTE_FASTMEM_F_NO_GROW;
			*hasty = true;
		}
		if (likely(fastmem_lcore_alloc(fastmem_root_bin_index(idx,
				number), ptrs, n, f)))
			return true;
	}
	return false;
}

/* The same, or count them as failed. */
static int
alloc_from_any(unsigned int number, void **ptrs, unsigned int n,
	unsigned int flags)
{
	bool hasty = false;

	if (likely(alloc_from_sockets(number, ptrs, n, flags, &hasty)))
		return 0;
	if (hasty && (flags & RTE_FASTMEM_F_NO_GROW) == 0 &&
			alloc_from_sockets(number, ptrs, n, flags, NULL))
		return 0;
	fastmem_lcore_count_nomem(fastmem_root_bin_index(
		fastmem_root_own_socket(fastmem_process.root), number), n);
	return -ENOMEM;
}

/* Allocate n objects where the caller asks for them. */
static int
alloc_slow(void **ptrs, unsigned int n, size_t size, size_t align,
	unsigned int flags, int socket_id)
{
	const struct fastmem_root *root = fastmem_process.root;
	unsigned int number, i;
	int ret, socket_idx;

	ret = request_check(size, align, flags);
	if (ret != 0)
		return -ret;
	socket_idx = fastmem_root_socket_idx(root, socket_id);
	if (socket_idx < 0 && socket_id != SOCKET_ID_ANY)
		return -EINVAL;
	if (n == 0)
		return 0;
	number = fastmem_bin_number(fastmem_class(size, align), align);
	ret = socket_idx < 0 ? alloc_from_any(number, ptrs, n, flags) :
		alloc_from(fastmem_root_bin_index(socket_idx, number), ptrs, n,
			flags);
	if (ret == 0 && (flags & RTE_FASTMEM_F_ZERO) != 0)
		for (i = 0; i < n; i++)
			memset(ptrs[i], 0, size);
	return ret;
}

static void *
alloc_one(size_t size, size_t align, unsigned int flags, int socket_id)
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

RTE_EXPORT_EXPERIMENTAL_SYMBOL(__rte_fastmem_alloc, 26.11)
void *
__rte_fastmem_alloc(size_t size, size_t align, unsigned int flags)
{
	return alloc_one(size, align, flags, SOCKET_ID_ANY);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_alloc_socket, 26.11)
void *
rte_fastmem_alloc_socket(size_t size, size_t align, unsigned int flags,
	int socket_id)
{
	return alloc_one(size, align, flags, socket_id);
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

/* The bin of an object that can be freed at once; 0: the slow path decides. */
static inline unsigned int
object_bin_unchecked(const void *ptr)
{
	const struct fastmem_process *process = &fastmem_process;
	uintptr_t offset = (uintptr_t)ptr - process->dir.base;
	unsigned int index, number;
	struct fastmem_shape shape;

	if (unlikely(offset >= process->dir.bytes))
		return FASTMEM_BIN_NONE;
	index = fastmem_dir_bin(&process->dir, offset);
	/* None wraps around. */
	if (unlikely(index - 1 >= process->n_bins))
		return FASTMEM_BIN_NONE;
	number = (index - 1) % FASTMEM_N_BINS;
	shape = fastmem_slab_class_shape(fastmem_bin_class(number),
		fastmem_bin_is_colored(number));
	offset = __rte_fastmem_shift_back(offset, shape.color);
	return (offset & (shape.size - 1)) == 0 ? index : FASTMEM_BIN_NONE;
}

static __rte_noinline void
free_slow(void *ptr)
{
	unsigned int index;

	if (ptr == NULL)
		return;
	index = object_bin(ptr);
	if (index != FASTMEM_BIN_NONE)
		fastmem_lcore_free(index, &ptr, 1);
	else if (rte_errno == ENODEV)
		FASTMEM_LOG(ERR, "%p is freed, but fastmem is not initialized",
			ptr);
	else
		FASTMEM_LOG(ERR, "%p is freed, but is not an object of fastmem",
			ptr);
}

/* Free objects of a cache's bin by all means, if a magazine is loaded. */
static inline bool
free_to_cache(struct rte_fastmem_cache *cache, void * const *ptrs,
	unsigned int n)
{
	/* The thread has no cache, or has not used this one yet. */
	if (unlikely(cache->capacity == 0))
		return false;
	fastmem_cache_free_bulk((struct fastmem_cache *)cache, ptrs, n);
	return true;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(__rte_fastmem_free, 26.11)
void
__rte_fastmem_free(void *ptr)
{
	struct rte_fastmem_lcore *self = &RTE_PER_LCORE(_rte_fastmem_lcore);
	unsigned int index = object_bin_unchecked(ptr);
	struct rte_fastmem_cache *cache;

	/* Most often, the cache used last was merely another one. */
	if (likely(index != FASTMEM_BIN_NONE)) {
		cache = __rte_fastmem_handle_cache(self,
			index * RTE_FASTMEM_CACHE_STRIDE);
		if (likely(__rte_fastmem_push(cache, ptr) ||
				free_to_cache(cache, &ptr, 1))) {
			__rte_fastmem_note_free(self, cache);
			return;
		}
	}
	free_slow(ptr);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_realloc, 26.11)
void *
rte_fastmem_realloc(void *ptr, size_t size, size_t align)
{
	struct fastmem_root *root = fastmem_process.root;
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
	if (index > root->n_bins) {
		FASTMEM_LOG(ERR, "%p is reallocated, but is an object of a type",
			ptr);
		rte_errno = EINVAL;
		return NULL;
	}
	old_class = fastmem_root_bin_class(index);
	new_class = fastmem_class(size, align);
	/* It must not depend on its address whether an object may be freed
	 * through a handle of that alignment.
	 */
	if (old_class == new_class && (align <= RTE_CACHE_LINE_SIZE ||
			fastmem_root_depot(root, index)->bin.shape.color == 0))
		return ptr;
	obj = rte_fastmem_alloc(size, align, 0);
	if (obj == NULL)
		return NULL;
	rte_memcpy(obj, ptr, fastmem_class_bytes(RTE_MIN(old_class, new_class)));
	rte_fastmem_free(ptr);
	return obj;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(__rte_fastmem_alloc_bulk, 26.11)
int
__rte_fastmem_alloc_bulk(void **ptrs, unsigned int n, size_t size,
	size_t align, unsigned int flags)
{
	return alloc_slow(ptrs, n, size, align, flags, SOCKET_ID_ANY);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_alloc_bulk_socket, 26.11)
int
rte_fastmem_alloc_bulk_socket(void **ptrs, unsigned int n, size_t size,
	size_t align, unsigned int flags, int socket_id)
{
	return alloc_slow(ptrs, n, size, align, flags, socket_id);
}

/* What some pointers have in common, each bit by itself. */
struct bulk_bits {
	__rte_fastmem_vector shift; /* Bits of a shift that are not the part's. */
	__rte_fastmem_vector any;   /* Bits that any offset has. */
	__rte_fastmem_vector other; /* Those in which any is not the first one. */
};

static inline void
bulk_add(struct bulk_bits *bits, __rte_fastmem_vector ptrs,
	__rte_fastmem_vector base, __rte_fastmem_vector first)
{
	bits->shift |= ptrs ^ (ptrs >> RTE_FASTMEM_COLOR_DOWN);
	bits->any |= ptrs - base;
	bits->other |= ptrs ^ first;
}

/* The granules of pointers that are of neither of two slabs; no bits else. */
static inline __rte_fastmem_vector
bulk_third(__rte_fastmem_vector ptrs, __rte_fastmem_vector first,
	__rte_fastmem_vector second)
{
	const __rte_fastmem_vector none = { 0 };
	const __rte_fastmem_vector granule =
		((ptrs ^ first) >> FASTMEM_SLAB_SHIFT) << FASTMEM_SLAB_SHIFT;

	return (__rte_fastmem_vector)(granule != none) &
		(__rte_fastmem_vector)(granule != second);
}

static inline __rte_fastmem_vector
vector_of(uintptr_t value)
{
	__rte_fastmem_vector vector = { 0 };

	vector |= value;
	return vector;
}

static inline uintptr_t
vector_or(__rte_fastmem_vector vector)
{
	uintptr_t bits = 0;
	unsigned int i;

	for (i = 0; i < RTE_FASTMEM_LANES; i++)
		bits |= vector[i];
	return bits;
}

/* The pointers from one on, as many as a vector has. */
static inline __rte_fastmem_vector
vector_load(void * const *ptrs)
{
	__rte_fastmem_vector vector;

	memcpy(&vector, ptrs, sizeof(vector));
	return vector;
}

/* Tell if all are objects of a cache's bin, and note down if they are of more
 * than one slab: the inline function, which is for those of one, leaves the next
 * ones to this at once then. As a rule, they come from two slabs by turns, so
 * nothing is decided before the end: branches would be mispredicted. If the
 * granules of two slabs are all there are, then all bits in which any differs
 * from the first one are those in which the second does. Of more slabs, each
 * object is looked up.
 */
static bool
bulk_is_of_bin(struct rte_fastmem_cache *cache, void * const *ptrs,
	unsigned int n)
{
	const struct fastmem_dir *dir = &fastmem_process.dir;
	const unsigned int whole = n - n % RTE_FASTMEM_LANES;
	const uintptr_t base = dir->base, first = (uintptr_t)ptrs[0];
	const __rte_fastmem_vector one_base = { base }, one_first = { first };
	const __rte_fastmem_vector bases = vector_of(base);
	const __rte_fastmem_vector firsts = vector_of(first);
	const uint32_t index = cache->index;
	struct bulk_bits bits = { { 0 }, { 0 }, { 0 } };
	__rte_fastmem_vector third = { 0 }, seconds;
	unsigned int differ, i;
	uintptr_t second;

	for (i = 0; i < whole; i += RTE_FASTMEM_LANES)
		bulk_add(&bits, vector_load(&ptrs[i]), bases, firsts);
	for (; i < n; i++) {
		const __rte_fastmem_vector one = { (uintptr_t)ptrs[i] };

		bulk_add(&bits, one, one_base, one_first);
	}
	second = vector_or(bits.other) & ~(uintptr_t)(FASTMEM_SLAB_SIZE - 1);
	seconds = vector_of(second);
	for (i = 0; i < whole; i += RTE_FASTMEM_LANES)
		third |= bulk_third(vector_load(&ptrs[i]), firsts, seconds);
	for (; i < n; i++) {
		const __rte_fastmem_vector one = { (uintptr_t)ptrs[i] };

		third |= bulk_third(one, one_first, seconds);
	}
	if (unlikely(__rte_fastmem_any_has(bits.shift, cache->color) ||
			__rte_fastmem_any_has(bits.any, cache->misalign &
			~(uintptr_t)cache->color)))
		return false;
	/* What is here is in the directory's range. */
	differ = fastmem_dir_bin(dir, first - base) ^ index;
	if (vector_or(third) == 0)
		differ |= fastmem_dir_bin(dir, (first ^ second) - base) ^ index;
	else
		for (i = 1; i < n; i++)
			differ |= fastmem_dir_bin(dir, (uintptr_t)ptrs[i] -
				base) ^ index;
	if (unlikely(differ != 0))
		return false;
	/* Seldom: it may have the offset of what the next call reads. */
	if (unlikely(cache->mixed != (second != 0)))
		cache->mixed = second != 0;
	return true;
}

/* How many from the first one on are objects of the same bin. The first one is
 * known to be that.
 */
static unsigned int
bulk_run(unsigned int index, void * const *ptrs, unsigned int n)
{
	unsigned int run = 1;

	while (run < n && object_bin_unchecked(ptrs[run]) == index)
		run++;
	return run;
}

/* Free objects of any bins. Runs of the same one go into its cache at once. */
static __rte_noinline void
free_runs(struct rte_fastmem_lcore *self, void * const *ptrs, unsigned int n)
{
	struct rte_fastmem_cache *cache;
	unsigned int index, run;
	bool first = true;

	for (; n > 0; ptrs += run, n -= run, first = false) {
		run = 1;
		index = object_bin_unchecked(ptrs[0]);
		if (unlikely(index == FASTMEM_BIN_NONE)) {
			free_slow(ptrs[0]);
			continue;
		}
		cache = __rte_fastmem_handle_cache(self,
			index * RTE_FASTMEM_CACHE_STRIDE);
		/* The caches of a thread that has none are of no bin. If not
		 * all objects are of one bin, there is no use in asking again.
		 */
		run = first && cache->index == index &&
			bulk_is_of_bin(cache, ptrs, n) ? n :
			bulk_run(index, ptrs, n);
		if (likely(__rte_fastmem_push_bulk(cache, ptrs, run)))
			__rte_fastmem_note_free(self, cache);
		else
			fastmem_lcore_free(index, ptrs, run);
	}
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(__rte_fastmem_free_bulk, 26.11)
void
__rte_fastmem_free_bulk(void * const *ptrs, unsigned int n)
{
	struct rte_fastmem_lcore *self = &RTE_PER_LCORE(_rte_fastmem_lcore);
	struct rte_fastmem_cache *cache = self->last;

	/* Most often, the objects were merely of several slabs. */
	if (likely(n > 0 && cache->index != FASTMEM_BIN_NONE &&
			bulk_is_of_bin(cache, ptrs, n) &&
			(__rte_fastmem_push_bulk(cache, ptrs, n) ||
			free_to_cache(cache, ptrs, n))))
		return;
	free_runs(self, ptrs, n);
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
	*handle = fastmem_root_bin_index(socket_idx, fastmem_bin_number(
		fastmem_class(size, align), align)) *
		sizeof(struct fastmem_cache);
	return 0;
}

/* 0, or the errno that a call with a handle has to be refused with. */
static int
handle_check(rte_fastmem_handle_t handle, unsigned int flags)
{
	unsigned int index = handle_bin_index(handle);

	if (fastmem_process.root == NULL)
		return ENODEV;
	if (handle % sizeof(struct fastmem_cache) != 0 ||
			!fastmem_root_has_bin(fastmem_process.root, index) ||
			(flags & ~FASTMEM_FLAGS_ALL) != 0)
		return EINVAL;
	return 0;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(__rte_fastmem_halloc_bulk, 26.11)
int
__rte_fastmem_halloc_bulk(uint32_t handle, void **ptrs, unsigned int n,
	unsigned int flags)
{
	unsigned int index = handle_bin_index(handle), i;
	int ret;

	ret = handle_check(handle, flags);
	if (ret != 0)
		return -ret;
	if (n == 0)
		return 0;
	ret = alloc_from(index, ptrs, n, flags);
	if (ret == 0 && (flags & RTE_FASTMEM_F_ZERO) != 0)
		for (i = 0; i < n; i++)
			memset(ptrs[i], 0, fastmem_bin_size(
				&fastmem_root_depot(fastmem_process.root,
					index)->bin));
	return ret;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(__rte_fastmem_halloc, 26.11)
void *
__rte_fastmem_halloc(uint32_t handle, unsigned int flags)
{
	void *obj = NULL;
	int ret;

	ret = __rte_fastmem_halloc_bulk(handle, &obj, 1, flags);
	if (unlikely(ret != 0)) {
		rte_errno = -ret;
		return NULL;
	}
	return obj;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(__rte_fastmem_hfree_bulk, 26.11)
void
__rte_fastmem_hfree_bulk(uint32_t handle, void * const *ptrs, unsigned int n)
{
	int ret = handle_check(handle, 0);

	if (n == 0)
		return;
	if (ret == 0)
		fastmem_lcore_free(handle_bin_index(handle), ptrs, n);
	else if (ret == ENODEV)
		FASTMEM_LOG(ERR, "%p is freed, but fastmem is not initialized",
			ptrs[0]);
	else
		FASTMEM_LOG(ERR, "%p is freed by %#x, which is not a handle",
			ptrs[0], handle);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(__rte_fastmem_hfree, 26.11)
void
__rte_fastmem_hfree(uint32_t handle, void *ptr)
{
	if (ptr != NULL)
		__rte_fastmem_hfree_bulk(handle, &ptr, 1);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(rte_fastmem_usable_size, 26.11)
size_t
rte_fastmem_usable_size(const void *ptr)
{
	unsigned int index = object_bin(ptr);

	return index == FASTMEM_BIN_NONE ? 0 :
		fastmem_bin_size(&fastmem_root_depot(fastmem_process.root,
			index)->bin);
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(__rte_fastmem_contains, 26.11)
bool
__rte_fastmem_contains(const void *ptr)
{
	const struct fastmem_dir *dir = &fastmem_process.dir;
	uintptr_t offset = (uintptr_t)ptr - dir->base;

	return offset < dir->bytes &&
		fastmem_dir_bin(dir, offset) != FASTMEM_BIN_NONE;
}

RTE_EXPORT_EXPERIMENTAL_SYMBOL(__rte_fastmem_get_dir, 26.11)
void
__rte_fastmem_get_dir(struct rte_fastmem_lcore *self)
{
	fastmem_lcore_get_dir(self);
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
	return fastmem_root_depot(process->root, index)->bin.backing->socket_id;
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
