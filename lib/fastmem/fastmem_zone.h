/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_ZONE_H
#define FASTMEM_ZONE_H

/**
 * @file
 * Zones: memzones, and the slabs that they consist of.
 *
 * EAL puts a header in front of each memzone. If a zone's start were aligned
 * to a granule, the header would cost a hugepage of its own. So a zone is
 * asked for that is shorter than its granules by a header: both together then
 * fill them exactly, and the zone's first slab lacks its first bytes, or,
 * where the next zone's header comes before the border, the last slab its
 * last bytes. Where EAL places the zone otherwise, an aligned one is asked for
 * instead. If there is none, as in memory that consists of single pages, a zone
 * of one granule is asked for that crosses no border of granules.
 *
 * Only IO addresses within a slab have to be contiguous, so zones are not
 * asked to be.
 */

#include <stdbool.h>
#include <stddef.h>

#include "fastmem_dir.h"
#include "fastmem_meta.h"
#include "fastmem_slab.h"

/**
 * When a secondary process starts, EAL writes the first word of each page back
 * as it has read it (see alloc_seg()), so a change in between is lost. No
 * bookkeeping lies there.
 */
#define FASTMEM_ZONE_PAGE_EDGE RTE_CACHE_LINE_SIZE

/** A memzone. */
struct fastmem_zone {
	struct fastmem_zone *next;
	uintptr_t addr;     /**< Border of the first granule. */
	uint32_t id;        /**< Number in the memzone's name. */
	uint32_t n_slabs;
	uint32_t n_stock;   /**< How many of them are in stock. */
	/** For how many it has to stay; changed under both locks. */
	uint32_t n_pins;
	bool reserved;      /**< Taken by rte_fastmem_reserve(). */
	struct fastmem_slab slabs[];
};

/** Where a memzone lies within granules. */
struct fastmem_zone_place {
	uintptr_t addr; /**< Border of the first granule. */
	uint16_t head;  /**< Bytes of that which are not the zone's. */
	uint16_t tail;  /**< Bytes of the last granule which are not. */
};

/** Take a memzone of n granules from EAL; false if it has none. */
bool
fastmem_zone_reserve(const struct fastmem_dir *dir, int socket_id, uint32_t id,
	unsigned int n, struct fastmem_zone_place *place);

/**
 * Describe a memzone. The description lies in meta or, if it has no memory, in
 * the zone's first slab, the rest of which then feeds meta.
 *
 * @param[out] n_meta
 *   How many of the first slabs have become meta: 0 or 1.
 * @return
 *   The zone, its slabs not yet initialized.
 */
struct fastmem_zone *
fastmem_zone_describe(struct fastmem_meta *meta,
	const struct fastmem_zone_place *place, uint32_t id, unsigned int n,
	unsigned int *n_meta);

/** Initialize a slab of a zone, in state FASTMEM_SLAB_META. */
void
fastmem_zone_init_slab(struct fastmem_zone *zone,
	const struct fastmem_zone_place *place, unsigned int i);

/** The bytes of the description of a zone of n slabs. */
size_t
fastmem_zone_bytes(unsigned int n);

/** The meta memory of a zone's description: none if it lies in the zone. */
uint64_t
fastmem_zone_meta_bytes(const struct fastmem_zone *zone);

/** Give a memzone back to EAL. */
void
fastmem_zone_free(uint32_t id);

/**
 * Free the memzones of all sockets. Everything that lies in them is gone, the
 * descriptions of zones and slabs included.
 */
void
fastmem_zone_free_all(void);

#endif /* FASTMEM_ZONE_H */
