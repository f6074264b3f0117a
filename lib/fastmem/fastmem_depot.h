/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_DEPOT_H
#define FASTMEM_DEPOT_H

/**
 * @file
 * Depot: the magazines of one bin.
 *
 * Magazines and depots are those of J. Bonwick and J. Adams, "Magazines and
 * Vmem: Extending the Slab Allocator to Many CPUs and Arbitrary Resources",
 * USENIX 2001, with the depot's lock replaced by lock-free stacks (R. K.
 * Treiber, 1986; the tag against the ABA problem is from the IBM System/370
 * manual), see fastmem_mag.h.
 */

#include "fastmem_bin.h"
#include "fastmem_mag.h"
#include "fastmem_private.h"
#include "rte_fastmem.h"

/* What an lcore's cache of one bin may hold at most, in bytes of objects, unless
 * told otherwise: its two magazines of larger objects have fewer of them. Those
 * of up to a page, such as most packets' buffers, have as many as there may be.
 */
#define FASTMEM_CACHE_MAX_BYTES RTE_BIT64(21)
#define FASTMEM_CACHE_MAX_BYTES_PAGES RTE_BIT64(22)
#define FASTMEM_CACHE_PAGE RTE_BIT64(12)

static inline size_t
fastmem_depot_cache_bytes(size_t size)
{
	return size <= FASTMEM_CACHE_PAGE ? FASTMEM_CACHE_MAX_BYTES_PAGES :
		FASTMEM_CACHE_MAX_BYTES;
}

struct __rte_cache_aligned fastmem_depot {
	struct fastmem_bin bin;
	struct fastmem_socket *socket;
	uint32_t slots;    /**< Objects that a magazine has room for. */
	/** Objects in a full magazine; does not change once there are any. */
	uint32_t capacity;
	/** The primary process's threads use it as if they had no caches. */
	bool uncached;

	/* Read without a lock, of depots that may become another type's
	 * meanwhile: relaxed, for hints.
	 */
	RTE_ATOMIC(uintptr_t) home;      /**< The socket. */
	RTE_ATOMIC(uint64_t) full_bytes; /**< Of objects in a full magazine. */

	struct fastmem_stack full;
	struct fastmem_stack partial; /**< 0 < objects < capacity */
	struct fastmem_stack empty;

	/** What threads without caches did, in objects; relaxed. */
	struct __rte_cache_aligned {
		RTE_ATOMIC(uint64_t) allocs;
		RTE_ATOMIC(uint64_t) alloc_misses;
		RTE_ATOMIC(uint64_t) alloc_nomem;
		RTE_ATOMIC(uint64_t) frees;
		RTE_ATOMIC(uint64_t) free_misses;
	} shared;
};

/** All that belongs to one socket. */
struct __rte_cache_aligned fastmem_socket {
	struct fastmem_backing backing;
	/** Held by the thread that empties all depots of the socket. */
	struct fastmem_lock reap_lock;
	/**
	 * Index of the socket whose memory threads of this socket use when they
	 * do not choose: this one, unless it had none when it was set up.
	 */
	uint32_t home;
	struct fastmem_depot depots[FASTMEM_N_BINS]; /**< By bin's number. */
	struct fastmem_type *types; /**< Of all sockets, see the root. */
};

/** What the counters of a cache say. */
struct fastmem_cache_counts {
	uint64_t allocs;
	uint64_t alloc_misses;
	uint64_t alloc_nomem;
	uint64_t frees;
	uint64_t free_misses;
	uint64_t cached; /**< Objects in the cache. */
};

/** The counters at the last reset of the statistics. */
struct fastmem_cache_base {
	struct fastmem_figure allocs;
	struct fastmem_figure alloc_misses;
	struct fastmem_figure alloc_nomem;
	struct fastmem_figure frees;
	struct fastmem_figure free_misses;
};

/* How many types there may be. Each has a cache in each block. */
#define FASTMEM_MAX_TYPES 64

#define FASTMEM_TYPE_NAMESIZE 32

/** A type of objects, see rte_fastmem_type_create(). */
struct fastmem_type {
	/** Whether there is one: released, acquired. */
	RTE_ATOMIC(uint32_t) used;
	uint32_t align;
	char name[FASTMEM_TYPE_NAMESIZE];
	struct fastmem_type_local local; /**< The primary process's. */
	/** What was made of it in front of the library, such as a pool; or 0. */
	RTE_ATOMIC(uintptr_t) owner;
	/** When it was created, or at the last reset. */
	struct fastmem_cache_base start;
	struct fastmem_depot depot;
};

/** What a large allocation has collected: magazines, and fresh slabs. */
struct fastmem_chain {
	struct fastmem_mag *first;   /**< Linked as in a stack. */
	struct fastmem_slab *slabs;  /**< Linked by `next`. */
	uint64_t count; /**< Objects in all of them. */
	uint64_t fresh; /**< Those of them that were taken from slabs. */
};

void
fastmem_depot_init(struct fastmem_depot *depot, struct fastmem_socket *socket,
	unsigned int index, struct fastmem_shape shape);

/**
 * Give a depot that is empty another bin. What it counted goes on, and so do
 * the tags of its stacks.
 *
 * @param cache_bytes
 *   What a cache may hold, in bytes of objects.
 */
void
fastmem_depot_set_shape(struct fastmem_depot *depot,
	struct fastmem_socket *socket, unsigned int index,
	struct fastmem_shape shape, size_t cache_bytes);

/**
 * Limit what a cache of the depot's bin may hold.
 *
 * @return
 *   False, with nothing changed, if there have been objects already.
 */
bool
fastmem_depot_set_cache_limit(struct fastmem_depot *depot, size_t max_bytes);

/**
 * Take a full magazine; NULL if there is none.
 *
 * @param hand
 *   The hand of a block, in which the magazine stays until the caller has put
 *   it where it belongs; or NULL, for the primary process.
 */
struct fastmem_mag *
fastmem_depot_get_full(struct fastmem_depot *depot, struct fastmem_hand *hand);

/** Take a magazine with objects; NULL if there is none. */
struct fastmem_mag *
fastmem_depot_get_used(struct fastmem_depot *depot, struct fastmem_hand *hand);

/** What an empty magazine is for. */
enum fastmem_mag_use {
	/**
	 * It takes the place of a full one that goes to the depot. The memory
	 * for those is bounded: it is lost to objects for good, and as large
	 * as the smallest objects themselves.
	 */
	FASTMEM_MAG_HOARD,
	/** For the objects of a cache. */
	FASTMEM_MAG_KEEP,
	/** For an allocation which may make the backing grow. */
	FASTMEM_MAG_GROW
};

/** Take an empty magazine or, in the primary process, make one; NULL if there
 * is no memory for it.
 */
struct fastmem_mag *
fastmem_depot_get_empty(struct fastmem_depot *depot, enum fastmem_mag_use use,
	struct fastmem_hand *hand);

/** What a magazine for an allocation with the given flags is for. */
static inline enum fastmem_mag_use
fastmem_mag_use(unsigned int flags)
{
	return (flags & RTE_FASTMEM_F_NO_GROW) != 0 ?
		FASTMEM_MAG_KEEP : FASTMEM_MAG_GROW;
}

/** Give a magazine to the stack that its count says. */
void
fastmem_depot_put(struct fastmem_depot *depot, struct fastmem_mag *mag,
	struct fastmem_hand *hand);

/** Give a magazine that was claimed from the hand of a killed thread back. */
void
fastmem_depot_rescue(struct fastmem_depot *depot, struct fastmem_mag *mag);

/**
 * Get free objects from slabs, by all means.
 *
 * In turn: slabs of the bin and of the stock; slabs that become free when
 * depots which hold much are emptied; growth; slabs that become free when all
 * depots of the socket are emptied.
 *
 * While other threads hold objects or slabs that they may put back, this is
 * tried again a number of times.
 *
 * @param flags
 *   RTE_FASTMEM_F_NO_GROW is obeyed.
 * @param held
 *   How often the caller has begun such a transit itself.
 * @return
 *   The number of objects, 1 to n; 0 if there is no memory.
 */
unsigned int
fastmem_depot_fill(struct fastmem_depot *depot, void **objs, unsigned int n,
	unsigned int flags, unsigned int held);

/**
 * Collect magazines and slabs which hold at least n objects together.
 *
 * Pointers to objects take memory as well, as much as the smallest objects
 * themselves. So large numbers are collected as slabs, as far as possible.
 *
 * @return
 *   False, with everything given back, if there is no memory for it.
 */
bool
fastmem_depot_collect(struct fastmem_depot *depot, unsigned int n,
	unsigned int flags, struct fastmem_chain *chain);

/** Take up to n objects from a chain's slabs, all of which leave it. */
unsigned int
fastmem_chain_take_slabs(struct fastmem_chain *chain,
	struct fastmem_depot *depot, void **ptrs, unsigned int n);

/** Take a magazine off a chain; NULL at its end. */
struct fastmem_mag *
fastmem_chain_pop(struct fastmem_chain *chain);

/** Empty a depot into the slabs. */
void
fastmem_depot_reap_one(struct fastmem_depot *depot);

/** Empty the depots of a socket into the slabs. */
void
fastmem_depot_reap_socket(struct fastmem_socket *socket);

/** Purge the bin of a depot that is empty; returns how many were freed. */
uint64_t
fastmem_depot_purge(struct fastmem_depot *depot);

/** Allocate and free for a thread that has no cache. */
void *
fastmem_depot_shared_alloc(struct fastmem_depot *depot, unsigned int flags);

bool
fastmem_depot_shared_alloc_bulk(struct fastmem_depot *depot, void **ptrs,
	unsigned int n, unsigned int flags);

void
fastmem_depot_count_nomem(struct fastmem_depot *depot, unsigned int n);

void
fastmem_depot_shared_free(struct fastmem_depot *depot, void *const *ptrs,
	unsigned int n);

/** The bytes of meta memory that are asked for a magazine. */
size_t
fastmem_depot_mag_bytes(const struct fastmem_depot *depot);

#endif /* FASTMEM_DEPOT_H */
