/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_BACKING_H
#define FASTMEM_BACKING_H

/**
 * @file
 * Backing: the memzones of one socket and the stock of slabs made of them.
 *
 * A bin may be bound to the zones that there are at some moment, whose numbers
 * are below that of the next one. These zones are pinned: they are not given
 * back to EAL, and their slabs stand in front of the others in stock, where
 * such a bin finds them.
 *
 *   bytes = granules of all zones * 2 MiB
 *   granules of all zones = slabs in stock + slabs in bins + slabs of meta
 *   meta in use = zones + bitmaps of slabs + magazines + blocks of caches
 */

#include <stddef.h>

#include "fastmem_lock.h"
#include "fastmem_private.h"
#include "fastmem_zone.h"

/** The number of no zone, which is above all: any zone will do. */
#define FASTMEM_ZONE_ANY UINT32_MAX

struct fastmem_backing {
	struct fastmem_dir *dir;
	RTE_ATOMIC(uint32_t) *zone_ids; /**< Next number for a memzone's name. */
	int socket_id;

	struct fastmem_meta meta;

	struct fastmem_lock grow_lock;
	/** Zones; only walked or changed under the grow lock. */
	struct fastmem_zone *zones __rte_guarded_var;
	uint64_t reserve_asked __rte_guarded_var; /**< Bytes. */
	uint64_t reserve_taken __rte_guarded_var; /**< Bytes. */

	struct fastmem_lock lock;
	/** Slabs which are whole, and slabs which lack bytes at an end. */
	struct fastmem_slab_list whole __rte_guarded_var;
	struct fastmem_slab_list clipped __rte_guarded_var;
	/** The slabs of a zone that was pinned or unpinned are being moved in
	 * these, so pinned ones may stand behind others.
	 */
	bool pins_change __rte_guarded_var;
	struct fastmem_figure n_stock;
	struct fastmem_figure n_meta;
	/**
	 * What threads hold that is neither allocated nor to be found: above,
	 * how often that ended; in the lower half, how many are at it.
	 */
	RTE_ATOMIC(uint64_t) transit;
	/** Written under the lock, read relaxed as a hint. */
	RTE_ATOMIC(uint64_t) bytes;
	RTE_ATOMIC(uint64_t) limit;
	/** EAL had no more memory, and will be asked in vain until this time, as
	 * a hint, in TSC cycles; 0 if it had some.
	 */
	RTE_ATOMIC(uint64_t) short_until;
};

/** Figures of a backing, for statistics and debugging. */
struct fastmem_backing_info {
	uint64_t bytes;
	uint64_t limit;
	uint32_t n_stock;
	uint32_t n_meta;
};

void
fastmem_backing_init(struct fastmem_backing *backing, struct fastmem_dir *dir,
	RTE_ATOMIC(uint32_t) *zone_ids, int socket_id);

/**
 * Take a slab out of stock for objects of a shape.
 *
 * @param zone_end
 *   Of a zone whose number is less, or FASTMEM_ZONE_ANY.
 * @param grow
 *   Whether to take memory from EAL when the stock is empty.
 * @return
 *   The slab, in state FASTMEM_SLAB_BIN but not yet formatted, or NULL.
 */
struct fastmem_slab *
fastmem_backing_get(struct fastmem_backing *backing, struct fastmem_shape shape,
	uint32_t zone_end, bool grow);

/** Put a slab that is in stock where it has to stand now. */
void
fastmem_backing_restock(struct fastmem_backing *backing,
	struct fastmem_slab *slab)
	__rte_requires_capability(&backing->lock);

/**
 * Grow to so many bytes, in as few zones as can be had.
 *
 * @return
 *   Whether there are as many.
 */
bool
fastmem_backing_grow_to(struct fastmem_backing *backing, uint64_t bytes)
	__rte_requires_capability(&backing->grow_lock);

/** Put a slab without objects back in stock. */
void
fastmem_backing_put(struct fastmem_backing *backing, struct fastmem_slab *slab);

/**
 * Take a chunk of meta memory, feeding meta with a slab of the stock if it
 * has none.
 */
void *
fastmem_backing_meta_alloc(struct fastmem_backing *backing,
	enum fastmem_meta_kind kind, size_t size, bool grow);

/**
 * Take memory from EAL in advance.
 *
 * @return
 *   How many of the bytes asked for are there now.
 */
size_t
fastmem_backing_reserve(struct fastmem_backing *backing, size_t bytes);

/** Take back what fastmem_backing_reserve() noted down as asked for. */
void
fastmem_backing_unreserve(struct fastmem_backing *backing, size_t bytes);

void
fastmem_backing_set_limit(struct fastmem_backing *backing, uint64_t limit);

/** Tell if EAL had no more memory for a socket a moment ago. */
bool
fastmem_backing_is_short(const struct fastmem_backing *backing);

/** Give zones without objects back to EAL; returns the bytes given back. */
uint64_t
fastmem_backing_trim(struct fastmem_backing *backing);

/** The same for zones with numbers from one on. */
uint64_t
fastmem_backing_trim_from(struct fastmem_backing *backing, uint32_t zone_begin)
	__rte_requires_capability(&backing->grow_lock);

/**
 * Pin all zones that there are, having made them as large as asked for.
 *
 * @param[out] zone_end
 *   The number that the next one may have.
 * @return
 *   False, with nothing pinned or taken, if there is no memory for it.
 */
bool
fastmem_backing_pin(struct fastmem_backing *backing, uint64_t bytes,
	uint32_t *zone_end);

/** Let the zones go that were pinned when that was returned. */
void
fastmem_backing_unpin(struct fastmem_backing *backing, uint32_t zone_end);

/**
 * Call a function for each range of addresses of zones with numbers below one,
 * in the order of the addresses; returns how many there are.
 */
unsigned int
fastmem_backing_walk(struct fastmem_backing *backing, uint32_t zone_end,
	void (*func)(void *addr, rte_iova_t iova, size_t len, void *arg),
	void *arg);

void
fastmem_backing_get_info(struct fastmem_backing *backing,
	struct fastmem_backing_info *info);

#define FASTMEM_TRANSIT_COUNT_MASK UINT64_C(0xffffffff)
#define FASTMEM_TRANSIT_ENDED (FASTMEM_TRANSIT_COUNT_MASK + 1)

/**
 * A thread is about to hold objects or a slab which others may look for.
 *
 * Who has not found memory knows by this that there may be some, and tries
 * again instead of giving up. Acquire and release: so that what the thread
 * takes and puts back lies in between for who reads the counter before and
 * after looking for it.
 */
static inline void
fastmem_backing_transit_begin(struct fastmem_backing *backing)
{
	rte_atomic_fetch_add_explicit(&backing->transit, 1,
		rte_memory_order_acq_rel);
}

static inline void
fastmem_backing_transit_end(struct fastmem_backing *backing)
{
	rte_atomic_fetch_add_explicit(&backing->transit,
		FASTMEM_TRANSIT_ENDED - 1, rte_memory_order_acq_rel);
}

static inline uint64_t
fastmem_backing_transit(struct fastmem_backing *backing)
{
	return rte_atomic_load_explicit(&backing->transit,
		rte_memory_order_acquire);
}

/** The bytes taken from EAL, as a hint. */
static inline uint64_t
fastmem_backing_bytes(struct fastmem_backing *backing)
{
	return rte_atomic_load_explicit(&backing->bytes,
		rte_memory_order_relaxed);
}

/**
 * Check the invariants.
 *
 * @param n_bin_slabs
 *   Slabs found in bins.
 * @param meta_bytes
 *   Bytes of meta memory found in use above this layer.
 * @return
 *   The number of violations.
 */
unsigned int
fastmem_backing_audit(struct fastmem_backing *backing, uint32_t n_bin_slabs,
	uint64_t meta_bytes);

#endif /* FASTMEM_BACKING_H */
