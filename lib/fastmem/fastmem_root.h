/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_ROOT_H
#define FASTMEM_ROOT_H

/**
 * @file
 * Root: where all that processes share begins.
 */

#include <rte_memory.h>

#include "fastmem_depot.h"
#include "fastmem_keeper.h"
#include "fastmem_private.h"
#include "fastmem_remote.h"

#define FASTMEM_ROOT_NAME "fastmem_root"

/** Changes with any structure in shared memory. */
#define FASTMEM_LAYOUT UINT64_C(0xfa57a110c000000b)

struct fastmem_block;
struct fastmem_cache_base;

struct __rte_cache_aligned fastmem_root {
	/** FASTMEM_LAYOUT once the rest is set up: released, acquired. */
	RTE_ATOMIC(uint64_t) layout;
	uint32_t n_sockets;
	uint32_t n_bins;   /**< Of classes. */
	uint32_t n_caches; /**< Bins of classes and types. */
	uint32_t home; /**< Index of the socket that the root lies on. */
	struct fastmem_dir dir;
	/** Number of the next memzone; relaxed, has to be unique only. */
	RTE_ATOMIC(uint32_t) zone_ids;

	struct fastmem_lock block_lock;
	/** Newest first. Read without the lock: blocks are only ever added. */
	RTE_ATOMIC(uintptr_t) blocks;

	/** Written under the block lock; relaxed, for who has not got it. */
	RTE_ATOMIC(uint32_t) n_blocks;

	/** Rung for the keeper when a request was posted. */
	struct fastmem_bell bell;
	struct fastmem_peer peers[FASTMEM_MAX_PEERS];

	/** Held by a reset of the statistics. */
	struct fastmem_lock stats_lock;
	/** Readers take no lock; writers are in the primary process. */
	rte_seqcount_t stats_sequence;
	/** Of threads without caches at the last reset, by bin. */
	struct fastmem_cache_base *shared_base;

	struct fastmem_lock type_lock;
	struct fastmem_type types[FASTMEM_MAX_TYPES];

	struct fastmem_socket sockets[];
};

/** Index of a socket, or -1 if there is no such socket. */
static inline int
fastmem_root_socket_idx(const struct fastmem_root *root, int socket_id)
{
	uint32_t i;

	for (i = 0; i < root->n_sockets; i++)
		if (root->sockets[i].backing.socket_id == socket_id)
			return i;
	return -1;
}

/** Index of a bin, from its number on its socket. Index 0 is none. */
static inline unsigned int
fastmem_root_bin_index(unsigned int socket_idx, unsigned int number)
{
	return 1 + socket_idx * FASTMEM_N_BINS + number;
}

/** Index of the bin of a type. */
static inline unsigned int
fastmem_root_type_index(const struct fastmem_root *root, unsigned int type)
{
	return 1 + root->n_bins + type;
}

/** The type of a bin, which is there if it has ever been; or NULL. */
static inline struct fastmem_type *
fastmem_root_type(struct fastmem_root *root, unsigned int index)
{
	return index > root->n_bins ? &root->types[index - root->n_bins - 1] :
		NULL;
}

/** Class of the objects of a bin, which is not a type's. */
static inline unsigned int
fastmem_root_bin_class(unsigned int index)
{
	return fastmem_bin_class((index - 1) % FASTMEM_N_BINS);
}

static inline struct fastmem_depot *
fastmem_root_depot(struct fastmem_root *root, unsigned int index)
{
	struct fastmem_type *type = fastmem_root_type(root, index);

	return type != NULL ? &type->depot :
		&root->sockets[(index - 1) / FASTMEM_N_BINS]
			.depots[(index - 1) % FASTMEM_N_BINS];
}

/** Tell if there is such a bin. Acquires what is there of a type. */
static inline bool
fastmem_root_has_bin(struct fastmem_root *root, unsigned int index)
{
	return index != 0 && (index <= root->n_bins ||
		(index <= root->n_caches && rte_atomic_load_explicit(
			&fastmem_root_type(root, index)->used,
			rte_memory_order_acquire) != 0));
}

/**
 * Index of the calling thread's own socket or, if it has none or that has no
 * memory, of the one that stands in: for the thread's block as for its objects. Were it
 * tried first by each allocation, all of these would have to go through EAL.
 */
static inline unsigned int
fastmem_root_own_socket(const struct fastmem_root *root)
{
	int idx = fastmem_root_socket_idx(root, rte_socket_id());

	/* Most often this is the main lcore's, as with EAL's heap. */
	return idx < 0 ? root->home : root->sockets[idx].home;
}

#endif /* FASTMEM_ROOT_H */
