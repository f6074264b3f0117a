/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_REMOTE_H
#define FASTMEM_REMOTE_H

/**
 * @file
 * Remote: what a secondary process asks the primary process for.
 *
 * A process that is killed leaves the locks behind that it held, in memory that
 * others go on using, and EAL has such locks, too. So a secondary process never
 * takes a lock in shared memory, nor does it take memory from EAL. It has
 * caches, exchanges magazines at depots, and looks up the directory, all by
 * itself; for anything else it posts a request, which a keeper serves (see
 * fastmem_keeper.h), and waits.
 *
 * Each block of caches has a request, for the thread that uses it, and each
 * process has one, under a lock of its own.
 */

#include "fastmem_cache.h"
#include "fastmem_private.h"

struct fastmem_block;
struct fastmem_root;

/* How many secondary processes may be attached at once. */
#define FASTMEM_MAX_PEERS 64

enum fastmem_request_op {
	FASTMEM_REQUEST_ALLOC,   /**< An object for a cache. */
	FASTMEM_REQUEST_FREE,    /**< An object to free through a cache. */
	FASTMEM_REQUEST_ROOM,    /**< Room for an object in a cache. */
	FASTMEM_REQUEST_COLLECT, /**< n objects for a cache's chain. */
	FASTMEM_REQUEST_BLOCK,   /**< A block of caches for an lcore. */
	FASTMEM_REQUEST_RETIRE,  /**< To give a block up. */
	FASTMEM_REQUEST_FLUSH,   /**< To flush a block, if any, and depots. */
	FASTMEM_REQUEST_FLUSH_TYPE, /**< The same for one bin. */
	FASTMEM_REQUEST_RESERVE,
	FASTMEM_REQUEST_AUDIT,
	FASTMEM_REQUEST_RESET,   /**< Of the statistics. */
	FASTMEM_REQUEST_ATTACH,
	FASTMEM_REQUEST_DETACH
};

/** Who is to do something about a request. */
enum fastmem_request_state {
	FASTMEM_REQUEST_IDLE,   /**< Nobody; or it is being written. */
	FASTMEM_REQUEST_POSTED, /**< The keeper, unless it is withdrawn. */
	FASTMEM_REQUEST_SERVED, /**< The keeper, which is at it. */
	FASTMEM_REQUEST_GROWS,  /**< The keeper that may wait for EAL. */
	FASTMEM_REQUEST_DONE    /**< The thread that posted it. */
};

struct __rte_cache_aligned fastmem_request {
	/** Released by who writes the rest, acquired by who reads it. */
	RTE_ATOMIC(uint32_t) state;
	uint32_t op;
	struct fastmem_cache *cache;
	struct fastmem_block *block;
	size_t n;            /**< Objects, or bytes. */
	uint32_t flags;
	int32_t id;          /**< Of an lcore, socket or bin. */
	uint32_t socket_idx; /**< The thread's own socket. */
	int32_t result;
	void *obj;
};

/** A secondary process. */
struct __rte_cache_aligned fastmem_peer {
	/**
	 * Set by the process, when it holds its lock, cleared by a keeper;
	 * released and acquired.
	 */
	RTE_ATOMIC(uint32_t) used;
	uint32_t pid;                /**< To print. */
	struct fastmem_block *spare; /**< For threads that have no block. */
	struct fastmem_request request;
};

/**
 * Attach a secondary process.
 *
 * @return
 *   - 0 on success.
 *   - -ENOTSUP if EAL's processes cannot talk to each other, -EAGAIN if there
 *     are too many of them, -ENOMEM if the primary process has no memory,
 *     -EIO if it does not answer.
 */
int
fastmem_remote_attach(struct fastmem_root *root);

void
fastmem_remote_detach(void);

/** Leave without a word, as if the process had ended. */
void
fastmem_remote_close(void);

/** The block for threads that have none. Locked until put back. */
struct fastmem_block *
fastmem_remote_spare_get(void);

void
fastmem_remote_spare_put(void);

void *
fastmem_remote_alloc(struct fastmem_cache *cache, unsigned int flags);

void
fastmem_remote_free(struct fastmem_cache *cache, void *obj);

enum fastmem_cache_result
fastmem_remote_make_room(struct fastmem_cache *cache);

bool
fastmem_remote_collect(struct fastmem_cache *cache, unsigned int n,
	unsigned int flags);

struct fastmem_block *
fastmem_remote_block(unsigned int lcore_id, unsigned int socket_idx);

void
fastmem_remote_retire(struct fastmem_block *block);

void
fastmem_remote_flush(struct fastmem_block *block);

void
fastmem_remote_flush_type(struct fastmem_block *block, unsigned int index);

int
fastmem_remote_reserve(size_t size, int socket_id, unsigned int socket_idx);

int
fastmem_remote_audit(void);

void
fastmem_remote_reset(void);

#endif /* FASTMEM_REMOTE_H */
