/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_DIR_H
#define FASTMEM_DIR_H

/**
 * @file
 * Directory: from an address to its bin and its slab, in one load each.
 *
 * The tables cover all addresses that EAL can ever use for memory (the memseg
 * lists' ranges are fixed when EAL starts), hence they never move or grow, and
 * an address that is not the library's is told by an empty entry.
 * They are indexed by granule and lie in shared memory at the same address in
 * all processes.
 *
 * The bin's table has two bytes an entry, 32 granules in a cache line, for the
 * sake of the fast path; and a power of two of entries, so that this need not
 * compare: the bits that no object's offset has include those beyond the range.
 */

#include <stddef.h>

#include "fastmem_private.h"

struct fastmem_slab;

/** No objects in this granule. */
#define FASTMEM_BIN_NONE 0

struct fastmem_dir {
	uintptr_t base;  /**< First address covered, at a granule's border. */
	uintptr_t bytes; /**< Bytes covered; 0 when not initialized. */
	uintptr_t mask;  /**< Entries of `bins`, a power of two, less one. */
	RTE_ATOMIC(uint16_t) *bins;   /**< Index of the bin, by granule. */
	struct fastmem_slab **slabs;  /**< Slab, by granule; NULL: not ours. */
};

/** Find the range of addresses to cover. */
void
fastmem_dir_range(uintptr_t *base, uintptr_t *bytes);

/** Tell how many bytes the tables take for a range. */
size_t
fastmem_dir_footprint(uintptr_t bytes);

/** Set up empty tables in zeroed memory. */
void
fastmem_dir_init(struct fastmem_dir *dir, uintptr_t base, uintptr_t bytes,
	void *mem);

static inline size_t
fastmem_dir_granule(uintptr_t offset)
{
	return offset >> FASTMEM_SLAB_SHIFT;
}

/**
 * Find the bin of an address.
 *
 * The entry is only ever read by a thread that holds an object in the granule,
 * and was written before that object was first handed out: what passed the
 * object on has ordered the two, so relaxed will do. For a stray pointer any
 * value is right.
 */
static inline unsigned int
fastmem_dir_bin(const struct fastmem_dir *dir, uintptr_t offset)
{
	return rte_atomic_load_explicit(&dir->bins[fastmem_dir_granule(offset)],
		rte_memory_order_relaxed);
}

/** Find the slab at an address, whatever its state; NULL if there is none. */
static inline struct fastmem_slab *
fastmem_dir_slab(const struct fastmem_dir *dir, const void *ptr)
{
	uintptr_t offset = (uintptr_t)ptr - dir->base;

	return offset < dir->bytes ?
		dir->slabs[fastmem_dir_granule(offset)] : NULL;
}

/**
 * Bits that the offset of no object of a size has, its shift taken back: its
 * own size's, and those beyond the range of the table of bins.
 */
static inline uintptr_t
fastmem_dir_misalign(const struct fastmem_dir *dir, size_t size)
{
	return (size - 1) | ~(((dir->mask + 1) << FASTMEM_SLAB_SHIFT) - 1);
}

/** Enter a granule's bin; relaxed: see fastmem_dir_bin(). */
static inline void
fastmem_dir_set_bin(struct fastmem_dir *dir, uintptr_t addr, unsigned int bin)
{
	rte_atomic_store_explicit(
		&dir->bins[fastmem_dir_granule(addr - dir->base)],
		(uint16_t)bin, rte_memory_order_relaxed);
}

static inline void
fastmem_dir_set_slab(struct fastmem_dir *dir, uintptr_t addr,
	struct fastmem_slab *slab)
{
	dir->slabs[fastmem_dir_granule(addr - dir->base)] = slab;
}

#endif /* FASTMEM_DIR_H */
