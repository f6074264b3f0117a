/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_META_H
#define FASTMEM_META_H

/**
 * @file
 * Meta: the arena for bookkeeping on one socket.
 *
 * Chunks have a power of two bytes and are aligned to their size, up to a
 * page. A freed chunk is kept for requests of its size or, cut in halves, of
 * smaller ones; halves are not joined again, since sizes recur.
 *
 * Magazines have free lists of their own and are never cut: a thread which
 * was preempted while it took a magazine from a stack still reads its link
 * afterwards, and must find an atomic link there.
 */

#include <stddef.h>

#include "fastmem_lock.h"
#include "fastmem_private.h"

/* Chunks from 64 B to 1 MiB. */
#define FASTMEM_META_MIN_ORDER 6
#define FASTMEM_META_MAX_ORDER 20
#define FASTMEM_META_N_ORDERS \
	(FASTMEM_META_MAX_ORDER - FASTMEM_META_MIN_ORDER + 1)

enum fastmem_meta_kind {
	FASTMEM_META_PLAIN,
	FASTMEM_META_MAGAZINE,
	FASTMEM_META_KINDS
};

struct fastmem_meta_chunk {
	RTE_ATOMIC(uint64_t) next; /**< Address of the next free chunk. */
};

struct fastmem_meta {
	struct fastmem_lock lock;
	uintptr_t cur __rte_guarded_var; /**< Unused memory begins. */
	uintptr_t end __rte_guarded_var; /**< Unused memory ends. */
	/** Freed chunks by kind and size. */
	struct fastmem_meta_chunk *free[FASTMEM_META_KINDS][FASTMEM_META_N_ORDERS]
		__rte_guarded_var;
	struct fastmem_figure bytes_used; /**< In chunks taken. */
	struct fastmem_figure bytes_total; /**< Ever added. */
};

void
fastmem_meta_init(struct fastmem_meta *meta);

/** Add memory to the arena, for good. */
void
fastmem_meta_add(struct fastmem_meta *meta, void *mem, size_t len);

/**
 * Take a chunk of at least the given number of bytes. Not cleared.
 *
 * @return
 *   The chunk, or NULL if the arena needs more memory first.
 */
void *
fastmem_meta_alloc(struct fastmem_meta *meta, enum fastmem_meta_kind kind,
	size_t size);

/** Give a chunk back; kind and size are those it was taken with. */
void
fastmem_meta_free(struct fastmem_meta *meta, enum fastmem_meta_kind kind,
	void *chunk, size_t size);

/** The bytes that a chunk of at least the given number of bytes takes. */
size_t
fastmem_meta_chunk_bytes(size_t size);

/** Read the figures. */
void
fastmem_meta_usage(struct fastmem_meta *meta, uint64_t *used, uint64_t *total);

#endif /* FASTMEM_META_H */
