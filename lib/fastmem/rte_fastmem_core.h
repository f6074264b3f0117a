/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef RTE_FASTMEM_CORE_H
#define RTE_FASTMEM_CORE_H

/**
 * @file
 * What the inline functions of rte_fastmem.h need to know: an lcore's view of
 * the allocator, and the head of its caches. Not for use by applications; use
 * rte_fastmem.h.
 *
 * The functions here end where the loaded magazine does. Whatever else there
 * is to be done is behind a call into the library, which starts again from the
 * arguments.
 */

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rte_bitops.h>
#include <rte_branch_prediction.h>
#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_compat.h>
#include <rte_per_lcore.h>
#include <rte_stdatomic.h>
#include <rte_vect.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @internal Smallest and largest class: binary logarithms of their sizes. */
#define RTE_FASTMEM_MIN_SHIFT 3
#define RTE_FASTMEM_MAX_SHIFT 20

/** @internal Leading zeros of the largest class's size less one. */
#define RTE_FASTMEM_MIN_ZEROS (64 - RTE_FASTMEM_MAX_SHIFT)

/** @internal Bytes of a slab: binary logarithm. */
#define RTE_FASTMEM_SLAB_SHIFT 21

/** @internal Bytes of memory whose objects are shifted alike: logarithm. */
#define RTE_FASTMEM_COLOR_SHIFT 15

/** @internal Bytes by which they are shifted: logarithm. */
#define RTE_FASTMEM_COLOR_STEP_SHIFT RTE_CACHE_LINE_SIZE_LOG2

/** @internal By how many bits the number of such a part is above its shift. */
#define RTE_FASTMEM_COLOR_DOWN \
	(RTE_FASTMEM_COLOR_SHIFT - RTE_FASTMEM_COLOR_STEP_SHIFT)

/** @internal Bits of a cache's state that count objects. */
#define RTE_FASTMEM_COUNT_BITS 16
#define RTE_FASTMEM_COUNT_MASK (RTE_BIT64(RTE_FASTMEM_COUNT_BITS) - 1)
#define RTE_FASTMEM_ONE_ALLOC RTE_BIT64(RTE_FASTMEM_COUNT_BITS)

/** @internal Bits of a cache's state: 0 at one in 1024 of its allocations. */
#define RTE_FASTMEM_NOTED_MASK (1023 * RTE_FASTMEM_ONE_ALLOC)

/** @internal Bytes from one cache of an lcore to the next one. */
#define RTE_FASTMEM_CACHE_STRIDE (2 * RTE_CACHE_LINE_SIZE)

/** @internal The part of an lcore's cache of one bin that is always in use. */
struct rte_fastmem_cache {
	/**
	 * Objects in the loaded magazine in the lower bits, allocations above.
	 * Written by the owner only; relaxed, a counter for readers.
	 */
	RTE_ATOMIC(uint64_t) state;
	void **objs;        /**< The loaded magazine's. */
	uintptr_t misalign; /**< Bits that no object's shifted-back offset has. */
	/** These three are read by one load: see __rte_fastmem_tag(). */
#if RTE_BYTE_ORDER == RTE_LITTLE_ENDIAN
	uint16_t index;     /**< Of the bin. */
	uint16_t color;     /**< Bits of an offset that tell the shift. */
	uint32_t capacity;  /**< Of the loaded magazine; 0 if there is none. */
#else
	uint32_t capacity;
	uint16_t color;
	uint16_t index;
#endif
	uint16_t mixed;     /**< The last bulk freed was of several slabs. */
	uint32_t plain;     /**< Bits within a slab that no object has, but for
			     *   those of the shift.
			     */
};

/** @internal Where the three fields of a tag begin. */
#define RTE_FASTMEM_TAG_OFFSET \
	(offsetof(struct rte_fastmem_cache, misalign) + sizeof(uintptr_t))
static_assert(RTE_FASTMEM_TAG_OFFSET % sizeof(uint64_t) == 0 &&
	offsetof(struct rte_fastmem_cache, mixed) ==
	RTE_FASTMEM_TAG_OFFSET + sizeof(uint64_t), "a tag is one word");

/**
 * @internal What the thread of an lcore, or one without an lcore id, knows by
 * itself, in a cache line of its own. For threads which have no caches, or have
 * not called the library yet, all caches are empty and have no room, and the
 * directory has no bins.
 *
 * Processors that compare the lowest 12 bits of two addresses to tell if a load
 * depends on a store before it make the load wait when these agree. So what each
 * call writes here or to a cache, which is `last` and `state`, has another
 * offset in its cache line than what a call reads from the other one. `noting` is
 * hardly ever written.
 */
struct __rte_cache_aligned rte_fastmem_lcore {
	uint64_t unused; /**< The offset of a cache's state. */
	struct rte_fastmem_cache *caches; /**< By bin. */
	/**
	 * Address of the caches of the own socket's bins, by the leading zeros
	 * of their classes, which begin with RTE_FASTMEM_MIN_ZEROS.
	 */
	uintptr_t own;
	uintptr_t dir_base; /**< First address of the directory. */
	uint32_t dir_mask; /**< The number of its entries less one. */
	uint32_t noting;   /**< Whether allocations set `last`; frees do anyway. */
	const RTE_ATOMIC(uint16_t) *dir_bins; /**< Bins, by granule. */
	/** The cache where a free looks first: see __rte_fastmem_pop_noted(). */
	struct rte_fastmem_cache *last;
	/**
	 * As `own` where the library knows of one socket only, so that the class
	 * of an object tells its bin; else that of caches that have no room.
	 */
	uintptr_t sole;
};

/** @internal The calling thread's. */
RTE_DECLARE_PER_LCORE(struct rte_fastmem_lcore, _rte_fastmem_lcore);

/*
 * The functions that call those below are experimental. So are these, but
 * without ALLOW_EXPERIMENTAL_API the header could not be included then.
 */
#ifdef ALLOW_EXPERIMENTAL_API
#define __rte_fastmem_slow_path __rte_experimental
#else
#define __rte_fastmem_slow_path
#endif

/** @internal The slow path of rte_fastmem_alloc(). */
__rte_fastmem_slow_path
void *
__rte_fastmem_alloc(size_t size, size_t align, unsigned int flags);

/** @internal The slow path of rte_fastmem_alloc_bulk(). */
__rte_fastmem_slow_path
int
__rte_fastmem_alloc_bulk(void **ptrs, unsigned int n, size_t size,
	size_t align, unsigned int flags);

/** @internal The slow path of rte_fastmem_free(). */
__rte_fastmem_slow_path
void
__rte_fastmem_free(void *ptr);

/** @internal The slow path of rte_fastmem_free_bulk(). */
__rte_fastmem_slow_path
void
__rte_fastmem_free_bulk(void * const *ptrs, unsigned int n);

/** @internal The slow path of rte_fastmem_halloc(). */
__rte_fastmem_slow_path
void *
__rte_fastmem_halloc(uint32_t handle, unsigned int flags);

/** @internal The slow path of rte_fastmem_halloc_bulk(). */
__rte_fastmem_slow_path
int
__rte_fastmem_halloc_bulk(uint32_t handle, void **ptrs, unsigned int n,
	unsigned int flags);

/** @internal The slow path of rte_fastmem_hfree(). */
__rte_fastmem_slow_path
void
__rte_fastmem_hfree(uint32_t handle, void *ptr);

/** @internal The slow path of rte_fastmem_hfree_bulk(). */
__rte_fastmem_slow_path
void
__rte_fastmem_hfree_bulk(uint32_t handle, void * const *ptrs, unsigned int n);

/** @internal The slow path of rte_fastmem_contains(). */
__rte_fastmem_slow_path
bool
__rte_fastmem_contains(const void *ptr);

/**
 * @internal Set the directory to that of the process, which threads without
 * caches do not know by themselves.
 */
__rte_fastmem_slow_path
void
__rte_fastmem_get_dir(struct rte_fastmem_lcore *self);

/**
 * @internal Get ready for rte_eal_cleanup(): let no thread of the library use
 * EAL's memory any more by itself. Secondary processes are no longer served,
 * but the caller's own goes on to be.
 */
__rte_fastmem_slow_path
void
__rte_fastmem_cleanup_begin(void);

/**
 * @internal Take leave of the allocator after rte_eal_cleanup(), which has
 * unmapped its memory: nothing is touched there.
 */
__rte_fastmem_slow_path
void
__rte_fastmem_cleanup_end(void);

/**
 * @internal What tells the class that holds both a size, which is not 0, and
 * an alignment, which is 0 or a power of two: the leading zeros of the size of
 * the class less one.
 */
static inline unsigned int
__rte_fastmem_zeros(size_t size, size_t align)
{
	if (align == 0)
		align = RTE_CACHE_LINE_SIZE;
	/* The larger one less one has the highest bit of both less one each.
	 * The bits below the smallest class's are set: no class is below it.
	 */
	return rte_clz64((uint64_t)(size - 1) | (align - 1) |
		(RTE_BIT64(RTE_FASTMEM_MIN_SHIFT) - 1));
}

/**
 * @internal Tell if a request is for the inline functions: a known class, no
 * flags, and an alignment that all objects of that size have.
 */
static inline bool
__rte_fastmem_is_plain(unsigned int zeros, size_t align, unsigned int flags)
{
	if (unlikely(zeros < RTE_FASTMEM_MIN_ZEROS))
		return false;
	return ((align & (align - 1)) | flags) == 0 &&
		align <= RTE_CACHE_LINE_SIZE;
}

/** @internal The cache of a class on the lcore's own socket. */
static inline struct rte_fastmem_cache *
__rte_fastmem_own_cache(const struct rte_fastmem_lcore *self,
	unsigned int zeros)
{
	return (struct rte_fastmem_cache *)(self->own +
		zeros * RTE_FASTMEM_CACHE_STRIDE);
}

/** @internal The same if there is no other socket, else one that has no room. */
static inline struct rte_fastmem_cache *
__rte_fastmem_sole_cache(const struct rte_fastmem_lcore *self,
	unsigned int zeros)
{
	return (struct rte_fastmem_cache *)(self->sole +
		zeros * RTE_FASTMEM_CACHE_STRIDE);
}

/** @internal The cache of a handle, which is an offset. */
static inline struct rte_fastmem_cache *
__rte_fastmem_handle_cache(const struct rte_fastmem_lcore *self,
	uint32_t handle)
{
	return (struct rte_fastmem_cache *)RTE_PTR_ADD(self->caches, handle);
}

/**
 * @internal The bin of the objects at an offset from the directory's first
 * address, which has to be in its range.
 *
 * The entry is only ever read by a thread that holds an object in the granule,
 * and was written before that object was first handed out: what passed the
 * object on has ordered the two, so relaxed will do. For a stray pointer any
 * value is right.
 */
static inline uint16_t
__rte_fastmem_bin(const struct rte_fastmem_lcore *self, uintptr_t offset)
{
	return rte_atomic_load_explicit(
		&self->dir_bins[offset >> RTE_FASTMEM_SLAB_SHIFT],
		rte_memory_order_relaxed);
}

/**
 * @internal An offset with the shift of its part of the slab taken back, which
 * makes it a multiple of the object's size if it is that of an object.
 */
static inline uintptr_t
__rte_fastmem_shift_back(uintptr_t offset, uint32_t color)
{
	return offset - ((offset >> RTE_FASTMEM_COLOR_DOWN) & color);
}

/**
 * @internal Take an object from the loaded magazine; false if it is empty. Gives
 * the state before, too.
 */
static inline bool
__rte_fastmem_pop_state(struct rte_fastmem_cache *cache, void **obj,
	uint64_t *state)
{
	uint64_t n;

	*state = rte_atomic_load_explicit(&cache->state,
		rte_memory_order_relaxed);
	n = *state & RTE_FASTMEM_COUNT_MASK;
	if (unlikely(n == 0))
		return false;
	rte_atomic_store_explicit(&cache->state,
		*state + RTE_FASTMEM_ONE_ALLOC - 1, rte_memory_order_relaxed);
	*obj = cache->objs[n - 1];
	return true;
}

/** @internal The same without giving the state. */
static inline bool
__rte_fastmem_pop(struct rte_fastmem_cache *cache, void **obj)
{
	uint64_t state;

	return __rte_fastmem_pop_state(cache, obj, &state);
}

/**
 * @internal Take an object likewise; the next free looks for its own in this
 * cache first, if frees have lately looked in vain.
 *
 * Where objects go to another lcore, what bounds the allocating one is how many
 * stores its processor can keep until the other one gives up its cache lines.
 * So a program whose frees find the right cache anyway is spared this store,
 * which is tried again after some allocations.
 */
static inline bool
__rte_fastmem_pop_noted(struct rte_fastmem_lcore *self,
	struct rte_fastmem_cache *cache, void **obj)
{
	uint64_t state;

	if (unlikely(!__rte_fastmem_pop_state(cache, obj, &state)))
		return false;
	if (unlikely(self->noting != 0)) {
		self->last = cache;
		if (unlikely((state & RTE_FASTMEM_NOTED_MASK) == 0))
			self->noting = 0;
	}
	return true;
}

/** @internal A free's object was of this cache; it may have looked in vain. */
static inline void
__rte_fastmem_note_free(struct rte_fastmem_lcore *self,
	struct rte_fastmem_cache *cache)
{
	self->noting |= self->last != cache;
	self->last = cache;
}

/** @internal Put an object into the loaded magazine; false if it is full. */
static inline bool
__rte_fastmem_push_below(struct rte_fastmem_cache *cache, void *obj,
	uint32_t capacity)
{
	uint64_t state = rte_atomic_load_explicit(&cache->state,
		rte_memory_order_relaxed);
	uint64_t n = state & RTE_FASTMEM_COUNT_MASK;

	if (unlikely((uint32_t)n >= capacity))
		return false;
	cache->objs[n] = obj;
	rte_atomic_store_explicit(&cache->state, state + 1,
		rte_memory_order_relaxed);
	return true;
}

/** @internal The same, the capacity read by itself. */
static inline bool
__rte_fastmem_push(struct rte_fastmem_cache *cache, void *obj)
{
	return __rte_fastmem_push_below(cache, obj, cache->capacity);
}

/**
 * @internal A cache's bin in the 16 lowest bits, its color in the next ones, and
 * its capacity above.
 */
static inline uint64_t
__rte_fastmem_tag(const struct rte_fastmem_cache *cache)
{
	uint64_t tag;

	memcpy(&tag, (const char *)cache + RTE_FASTMEM_TAG_OFFSET, sizeof(tag));
	return tag;
}

/**
 * @internal Put an object into the loaded magazine; false if it is not of the
 * cache's bin, or the magazine is full. What is out of the directory's range,
 * such as the memory of external heaps, has other bits than an object.
 *
 * Where objects come from another lcore, what bounds a loop that frees them is
 * how many loads a processor can have under way, rather than its instructions.
 * So one load reads three fields, and the directory comes last, when the offset
 * is known to be in its range.
 */
static inline bool
__rte_fastmem_push_object(const struct rte_fastmem_lcore *self,
	struct rte_fastmem_cache *cache, void *ptr)
{
	uintptr_t offset = (uintptr_t)ptr - self->dir_base;
	const uint64_t tag = __rte_fastmem_tag(cache);

	return (__rte_fastmem_shift_back(offset, (uint32_t)tag >> 16) &
		cache->misalign) == 0 &&
		__rte_fastmem_bin(self, offset) == (uint16_t)tag &&
		__rte_fastmem_push_below(cache, ptr, tag >> 32);
}

/**
 * @internal Put an object into the loaded magazine of the cache used last; false
 * if it is not of that bin, or the magazine is full.
 */
static inline bool
__rte_fastmem_push_last(void *ptr)
{
	struct rte_fastmem_lcore *self = &RTE_PER_LCORE(_rte_fastmem_lcore);

	/* Were the cache found by the bin, the next allocation would wait for
	 * the loads from the object to the cache's state. The comparison is
	 * predicted.
	 */
	return __rte_fastmem_push_object(self, self->last, ptr);
}

/** @internal What rte_fastmem_free() does. */
static inline void
__rte_fastmem_free_one(void *ptr)
{
	if (unlikely(!__rte_fastmem_push_last(ptr)))
		__rte_fastmem_free(ptr);
}

/** @internal Pointers that are copied or compared at a time. */
#ifdef __AVX2__
typedef rte_v256u64_t __rte_fastmem_vector;
#else
typedef rte_v128u64_t __rte_fastmem_vector;
#endif
#define RTE_FASTMEM_LANES (sizeof(__rte_fastmem_vector) / sizeof(uint64_t))
static_assert(sizeof(void *) == sizeof(uint64_t),
	"a pointer has to be a number of a vector");

/** @internal Tell if any number of a vector has one of some bits. */
static inline bool
__rte_fastmem_any_has(__rte_fastmem_vector vector, uint64_t bits)
{
#if defined(__AVX2__)
	return _mm256_testz_si256((__m256i)vector,
		_mm256_set1_epi64x((long long)bits)) == 0;
#elif defined(__SSE4_1__)
	return _mm_testz_si128((__m128i)vector,
		_mm_set1_epi64x((long long)bits)) == 0;
#else
	return ((vector[0] | vector[1]) & bits) != 0;
#endif
}

/** @internal Copy a vector of pointers. */
static inline __rte_fastmem_vector
__rte_fastmem_copy_vector(void **dst, void * const *src)
{
	__rte_fastmem_vector vector;

	memcpy(&vector, src, sizeof(vector));
	memcpy(dst, &vector, sizeof(vector));
	return vector;
}

/** @internal Copy four pointers. */
static inline void
__rte_fastmem_copy_four(void **dst, void * const *src)
{
	__rte_fastmem_copy_vector(dst, src);
	if (RTE_FASTMEM_LANES < 4)
		__rte_fastmem_copy_vector(dst + 2, src + 2);
}

/**
 * @internal Copy pointers, in blocks that do not overlap: a processor passes what
 * was stored to a load of the same block only. What was taken is put the same
 * way.
 */
static inline void
__rte_fastmem_copy(void **dst, void * const *src, unsigned int n)
{
	void * const *end = src + (n & ~7u);

	for (; src != end; dst += 8, src += 8) {
		__rte_fastmem_copy_four(dst, src);
		__rte_fastmem_copy_four(dst + 4, src + 4);
	}
	if ((n & 4) != 0) {
		__rte_fastmem_copy_four(dst, src);
		src += 4;
		dst += 4;
	}
	for (n &= 3; n > 0; n--)
		*dst++ = *src++;
}

/** @internal Take objects from the loaded magazine, all or none. */
static inline bool
__rte_fastmem_pop_bulk(struct rte_fastmem_cache *cache, void **objs,
	unsigned int n)
{
	uint64_t state = rte_atomic_load_explicit(&cache->state,
		rte_memory_order_relaxed);
	unsigned int n_loaded = state & RTE_FASTMEM_COUNT_MASK;

	if (unlikely(n > n_loaded))
		return false;
	rte_atomic_store_explicit(&cache->state,
		state + n * RTE_FASTMEM_ONE_ALLOC - n, rte_memory_order_relaxed);
	__rte_fastmem_copy(objs, &cache->objs[n_loaded - n], n);
	return true;
}

/** @internal Put objects into the loaded magazine, all or none. */
static inline bool
__rte_fastmem_push_bulk(struct rte_fastmem_cache *cache, void * const *objs,
	unsigned int n)
{
	uint64_t state = rte_atomic_load_explicit(&cache->state,
		rte_memory_order_relaxed);
	uint64_t n_loaded = state & RTE_FASTMEM_COUNT_MASK;

	/* In 64 bits: a number that is no good is not taken for a small one. */
	if (unlikely(n_loaded + n > cache->capacity))
		return false;
	__rte_fastmem_copy(&cache->objs[n_loaded], objs, n);
	rte_atomic_store_explicit(&cache->state, state + n,
		rte_memory_order_relaxed);
	return true;
}

/** @internal In which bits any of some pointers is not as it should be. */
struct __rte_fastmem_odd {
	__rte_fastmem_vector shift; /**< In those of the shift. */
	__rte_fastmem_vector slab;  /**< In all others. */
};

/** @internal Compare pointers with their slab. */
static inline void
__rte_fastmem_check(__rte_fastmem_vector ptrs, __rte_fastmem_vector slab,
	struct __rte_fastmem_odd *odd)
{
	odd->shift |= ptrs ^ (ptrs >> RTE_FASTMEM_COLOR_DOWN);
	odd->slab |= ptrs ^ slab;
}

/** @internal Copy four pointers, and compare them with their slab. */
static inline void
__rte_fastmem_check_four(void **dst, void * const *src,
	__rte_fastmem_vector slab, struct __rte_fastmem_odd *odd)
{
	__rte_fastmem_check(__rte_fastmem_copy_vector(dst, src), slab, odd);
	if (RTE_FASTMEM_LANES < 4)
		__rte_fastmem_check(__rte_fastmem_copy_vector(dst + 2, src + 2),
			slab, odd);
}

/** @internal Copy a pointer, and compare it with its slab. */
static inline void
__rte_fastmem_check_one(void **dst, void *src, uintptr_t slab,
	struct __rte_fastmem_odd *odd)
{
	const __rte_fastmem_vector one = { (uintptr_t)src };
	const __rte_fastmem_vector its_slab = { slab };

	*dst = src;
	__rte_fastmem_check(one, its_slab, odd);
}

/**
 * @internal Put objects into the loaded magazine of the cache used last if
 * they are those of a single slab of its bin, all or none.
 *
 * They are written behind the objects in the magazine while being checked, and
 * belong to it only when the count says so: nothing is decided before the end.
 * All are objects if the first one's slab is of the bin; if in each, the bits of
 * the shift are those which tell it; and if in all others that no object has,
 * none differs from the address of the slab. Addresses will do in place of
 * offsets, as the directory begins with a slab.
 *
 * They are copied as __rte_fastmem_copy() does.
 */
static inline bool
__rte_fastmem_push_slab(struct rte_fastmem_lcore *self, void * const *objs,
	unsigned int n)
{
	struct rte_fastmem_cache *cache = self->last;
	uint64_t state = rte_atomic_load_explicit(&cache->state,
		rte_memory_order_relaxed);
	uint64_t n_loaded = state & RTE_FASTMEM_COUNT_MASK;
	struct __rte_fastmem_odd odd = { { 0 }, { 0 } };
	const uintptr_t granule = ~(uintptr_t)
		(RTE_BIT64(RTE_FASTMEM_SLAB_SHIFT) - 1);
	void * const *end = objs + (n & ~7u);
	__rte_fastmem_vector slabs = { 0 };
	uintptr_t slab, offset;
	unsigned int left;
	void **room;

	if (unlikely(n == 0 || n_loaded + n > cache->capacity ||
			cache->mixed != 0))
		return false;
	slab = (uintptr_t)objs[0] & granule;
	offset = slab - self->dir_base;
	if (unlikely((offset >> RTE_FASTMEM_SLAB_SHIFT) > self->dir_mask ||
			__rte_fastmem_bin(self, offset) != cache->index))
		return false;
	slabs |= slab;
	for (room = &cache->objs[n_loaded]; objs != end; objs += 8, room += 8) {
		__rte_fastmem_check_four(room, objs, slabs, &odd);
		__rte_fastmem_check_four(room + 4, objs + 4, slabs, &odd);
	}
	if ((n & 4) != 0) {
		__rte_fastmem_check_four(room, objs, slabs, &odd);
		objs += 4;
		room += 4;
	}
	for (left = n & 3; left > 0; left--)
		__rte_fastmem_check_one(room++, *objs++, slab, &odd);
	if (unlikely(__rte_fastmem_any_has(odd.shift, cache->color) ||
			__rte_fastmem_any_has(odd.slab, granule | cache->plain)))
		return false;
	rte_atomic_store_explicit(&cache->state, state + n,
		rte_memory_order_relaxed);
	return true;
}

#ifdef __cplusplus
}
#endif

#endif /* RTE_FASTMEM_CORE_H */
