/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_SLAB_H
#define FASTMEM_SLAB_H

/**
 * @file
 * Slab: the memory of one granule, cut into objects of one shape.
 *
 * Object number i of a slab stands at i times the object's size from the
 * granule's border, so that every object of a class is aligned to its size, and
 * one of a type to what its size is a multiple of. Where EAL has
 * put a memzone's header into the granule (see fastmem_backing.h), at its start
 * or its end, the objects that would overlap it are left out: numbers start at
 * `first` and stop before `end`.
 *
 * Objects at multiples of a large power of two fall into the same few sets of
 * the CPU's caches, above all their first lines, which are those that programs
 * use most. So the slabs of most bins are colored, as J. Bonwick calls it in
 * "The Slab Allocator" (USENIX 1994): every 32 KiB, objects are shifted by one
 * cache line more, modulo their size. Where the shift starts over at 0, and at
 * the end of the slab, one object's place is lost, that is at most one in 512
 * for objects up to 4 KiB. Places, which are computed from addresses, include
 * the lost ones; numbers do not.
 *
 *   0 <= first <= carved <= end
 *   objects never handed out:  end - carved
 *   objects in the slab again: n_free = bits set in bitmap, all of them in
 *                              [first, carved)
 *   objects outside (allocated, in a cache or in a depot):
 *                              carved - first - n_free
 *
 * The functions here take no lock: a slab in a bin is guarded by the bin's.
 */

#include <rte_common.h>

#include "fastmem_private.h"

struct fastmem_bin;
struct fastmem_zone;

/** The size of objects and where they stand in a slab. */
struct fastmem_shape {
	uint32_t size;  /**< In bytes; places are multiples of it. */
	uint16_t color; /**< Bits of an offset that tell the shift, or 0. */
};

enum fastmem_slab_state {
	FASTMEM_SLAB_STOCK,
	FASTMEM_SLAB_META,
	FASTMEM_SLAB_BIN
};

/* Up to this many objects the bitmap fits into the descriptor. */
#define FASTMEM_SLAB_INLINE_WORDS 8

struct fastmem_slab {
	struct fastmem_slab *next; /**< In the stock's or the bin's list. */
	struct fastmem_slab *prev;
	uintptr_t addr;    /**< The granule's border. */
	rte_iova_t iova;   /**< IO address of that, or RTE_BAD_IOVA. */
	struct fastmem_zone *zone;
	struct fastmem_bin *bin; /**< NULL, or the bin, set under its lock. */
	uint64_t *bitmap;
	uint16_t head;     /**< Bytes at the start which are not ours. */
	uint16_t tail;     /**< Bytes at the end which are not ours. */
	uint32_t first;
	RTE_ATOMIC(uint32_t) carved; /**< Read without the lock by checks. */
	uint32_t end;
	uint32_t n_free;
	uint32_t hint;     /**< No bit is set in the words before this one. */
	struct fastmem_shape shape;
	uint8_t state;     /**< enum fastmem_slab_state */
	bool listed;       /**< In the list of its bin's partial slabs. */
	uint64_t words[FASTMEM_SLAB_INLINE_WORDS];
};
static_assert(sizeof(struct fastmem_slab) <= 192,
	"a slab's descriptor has to fit into three cache lines");

/** The shape of a class's objects. */
static inline struct fastmem_shape
fastmem_slab_class_shape(unsigned int class_idx, bool colored)
{
	const uint16_t shifts = ((RTE_BIT32(FASTMEM_SLAB_SHIFT -
		RTE_FASTMEM_COLOR_SHIFT) - 1) << RTE_FASTMEM_COLOR_STEP_SHIFT);
	const uint32_t size = fastmem_class_bytes(class_idx);

	return (struct fastmem_shape){
		.size = size,
		.color = colored ? shifts & (size - 1) : 0
	};
}

/** The number of bytes of a slab's bitmap, 0 if it needs no memory. */
size_t
fastmem_slab_bitmap_bytes(struct fastmem_shape shape);

/** Tell how many objects of a shape a slab would hold. */
uint32_t
fastmem_slab_capacity(const struct fastmem_slab *slab,
	struct fastmem_shape shape);

/**
 * Make a slab one of empty, uncarved objects of a shape.
 *
 * @param bitmap
 *   Memory for the bitmap where fastmem_slab_bitmap_bytes() is not 0.
 */
void
fastmem_slab_format(struct fastmem_slab *slab, struct fastmem_shape shape,
	void *bitmap);

/**
 * Find the number of an object.
 *
 * @return
 *   False if the address is not one where an object of the slab stands.
 */
bool
fastmem_slab_number(const struct fastmem_slab *slab, const void *ptr,
	uint32_t *number);

/**
 * Take up to n objects.
 *
 * @param most_fresh
 *   How many of them may be carved for it.
 * @param[out] fresh
 *   How many of them, the last ones, were.
 * @return
 *   How many.
 */
unsigned int
fastmem_slab_take(struct fastmem_slab *slab, void **objs, unsigned int n,
	uint32_t most_fresh, uint32_t *fresh);

/** Call a function for all objects that were ever carved. */
void
fastmem_slab_walk(const struct fastmem_slab *slab,
	void (*func)(void *obj, void *arg), void *arg);

/** List up to n objects that are outside. */
unsigned int
fastmem_slab_list_outside(const struct fastmem_slab *slab, void **objs,
	unsigned int n);

/**
 * Put an object back.
 *
 * @return
 *   False, with nothing changed, if it is not one that is outside.
 */
bool
fastmem_slab_put(struct fastmem_slab *slab, void *obj);

/** Tell if an address is the start of an object that was once handed out. */
bool
fastmem_slab_is_object(const struct fastmem_slab *slab, const void *ptr);

/** Tell if the slab has no object left to take. */
static inline bool
fastmem_slab_is_full(const struct fastmem_slab *slab)
{
	return slab->n_free == 0 &&
		rte_atomic_load_explicit(&slab->carved,
			rte_memory_order_relaxed) == slab->end;
}

/** Tell how many objects were carved. */
static inline uint32_t
fastmem_slab_n_carved(const struct fastmem_slab *slab)
{
	return rte_atomic_load_explicit(&slab->carved,
		rte_memory_order_relaxed) - slab->first;
}

/** Tell how many objects are outside. */
static inline uint32_t
fastmem_slab_outside(const struct fastmem_slab *slab)
{
	return fastmem_slab_n_carved(slab) - slab->n_free;
}

/* Doubly linked lists of slabs. */
struct fastmem_slab_list {
	struct fastmem_slab *first;
	struct fastmem_slab *last;
};

void
fastmem_slab_list_push(struct fastmem_slab_list *list,
	struct fastmem_slab *slab);

void
fastmem_slab_list_append(struct fastmem_slab_list *list,
	struct fastmem_slab *slab);

void
fastmem_slab_list_remove(struct fastmem_slab_list *list,
	struct fastmem_slab *slab);

#endif /* FASTMEM_SLAB_H */
