/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_BIN_H
#define FASTMEM_BIN_H

/**
 * @file
 * Bin: the slabs of one size class, or type, on one socket.
 *
 * Slabs with objects to take are listed; full ones are found again by the
 * directory when an object comes back. Objects of slabs that have been in use
 * are taken before those of a fresh slab.
 *
 *   slab_acquires - slab_releases = n_partial + n_full
 *
 * The counters of acquired and released slabs may be set to zero
 * by a reset of the statistics, hence they are kept as differences.
 */

#include <rte_seqcount.h>

#include "fastmem_backing.h"
#include "fastmem_lock.h"
#include "fastmem_private.h"
#include "fastmem_slab.h"

/** How objects of a type are made, in the process that makes them. */
struct fastmem_type_local {
	void (*ctor)(void *obj, void *arg);
	void (*dtor)(void *obj, void *arg);
	void *arg;
};

struct __rte_cache_aligned fastmem_bin {
	struct fastmem_backing *backing;
	uint16_t index;     /**< In the directory and in blocks of caches. */
	struct fastmem_shape shape;
	/** Of a type: its constructor and so on, in the primary process. */
	const struct fastmem_type_local *type;
	/** Its slabs are of zones with numbers below this. */
	uint32_t zone_end;
	/** Objects that may be carved. */
	uint64_t max_objs;
	/** Objects that are. */
	uint64_t n_carved __rte_guarded_var;
	/** Of a colored bin: that of the class's aligned objects; else NULL. */
	struct fastmem_bin *kin;

	struct fastmem_lock lock;
	struct fastmem_slab_list partial __rte_guarded_var;
	/**
	 * Readers of what follows take no lock. Writers do, all in the primary
	 * process, so that no reader waits for a process that was killed.
	 */
	rte_seqcount_t sequence;
	struct fastmem_figure n_partial;
	struct fastmem_figure n_full;
	struct fastmem_figure acquires;
	struct fastmem_figure releases;
	struct fastmem_figure acquires_base; /**< At last reset. */
	struct fastmem_figure releases_base;
};

struct fastmem_bin_info {
	uint64_t slab_acquires; /**< Since the last reset. */
	uint64_t slab_releases;
	uint32_t n_partial;
	uint32_t n_full;
};

void
fastmem_bin_init(struct fastmem_bin *bin, struct fastmem_backing *backing,
	unsigned int index, struct fastmem_shape shape);

/**
 * Take free objects out of slabs.
 *
 * @param grow
 *   Whether memory may be taken from EAL.
 * @return
 *   The number of objects, 1 to n, or 0 if there are none.
 */
unsigned int
fastmem_bin_fill(struct fastmem_bin *bin, void **objs, unsigned int n,
	bool grow);

/** Take up to n free objects out of the slabs that the bin has already. */
unsigned int
fastmem_bin_take(struct fastmem_bin *bin, void **objs, unsigned int n);

/**
 * Put objects back into their slabs, and slabs without objects in stock.
 *
 * What is not an object of this bin, or is free already, is logged and
 * dropped.
 */
void
fastmem_bin_drain(struct fastmem_bin *bin, void *const *objs, unsigned int n);

/**
 * Get a fresh slab, which is the caller's own until it is adopted; NULL if
 * there is no memory.
 */
struct fastmem_slab *
fastmem_bin_acquire(struct fastmem_bin *bin, bool grow);

/** Give such a slab back unused. */
void
fastmem_bin_release(struct fastmem_bin *bin, struct fastmem_slab *slab);

/** Take up to n objects from such a slab, and enter it into the bin. */
unsigned int
fastmem_bin_adopt(struct fastmem_bin *bin, struct fastmem_slab *slab,
	void **objs, unsigned int n);

/** Call a function for all objects that were carved and not given back. */
uint64_t
fastmem_bin_walk(struct fastmem_bin *bin, void (*func)(void *obj, void *arg),
	void *arg);

/** List up to n objects that are outside of their slabs. */
unsigned int
fastmem_bin_list_outside(struct fastmem_bin *bin, void **objs, unsigned int n);

/**
 * Give all slabs back, whatever objects are outside. Nobody may use them.
 *
 * @return
 *   How many were outside.
 */
uint64_t
fastmem_bin_purge(struct fastmem_bin *bin);

/** The size of the bin's objects in bytes. */
static inline size_t
fastmem_bin_size(const struct fastmem_bin *bin)
{
	return bin->shape.size;
}

/** Tell if the bin ever had a slab. */
bool
fastmem_bin_was_used(struct fastmem_bin *bin);

void
fastmem_bin_get_info(struct fastmem_bin *bin, struct fastmem_bin_info *info);

void
fastmem_bin_reset(struct fastmem_bin *bin);

/**
 * Check the invariants of the bin's slabs.
 *
 * @param[out] n_slabs
 *   How many slabs there are.
 * @param[out] outside
 *   How many objects are outside of their slabs.
 * @param[out] meta_bytes
 *   Bytes of meta memory that their bitmaps take.
 * @return
 *   The number of violations.
 */
unsigned int
fastmem_bin_audit(struct fastmem_bin *bin, uint32_t *n_slabs,
	uint64_t *outside, uint64_t *meta_bytes);

#endif /* FASTMEM_BIN_H */
