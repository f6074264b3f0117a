/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FOOTPRINT_OPS_H
#define FOOTPRINT_OPS_H

/*
 * Where the memory of an allocator is, and how much of it there is. All are
 * about one run, which begins with no object and no memory.
 */

#include <stdint.h>

#include "allocator.h"
#include "footprint.h"
#include "trace.h"

/* What an allocator has been given so far, as far as it does not know. */
struct footprint_state {
	const struct trace *trace;
	/* For each size of the trace. */
	uintptr_t *keys;
	/* The object of each slot, or NULL. */
	void **objs;
	/* The sizes of those. */
	uint32_t *types;
};

struct footprint_ops {
	const char *name;
	const char *desc;
	/* By which it is chosen, and whose calls are made. */
	const struct allocator *alloc;
	/* Returns NULL, or why it cannot be done. */
	const char *(*start)(struct footprint_state *state);
	/* Give back what can be given back. Optional. */
	void (*trim)(void);
	/* All but what was asked for. */
	void (*read)(const struct footprint_state *state,
		struct footprint_point *point);
	/* Also after start() has failed. */
	void (*stop)(void);
};

/* Ended by NULL. */
extern const struct footprint_ops * const footprint_ops[];

extern const struct footprint_ops footprint_fastmem;
extern const struct footprint_ops footprint_fastmem_trim;
extern const struct footprint_ops footprint_mempool;
extern const struct footprint_ops footprint_rte_malloc;
extern const struct footprint_ops footprint_libc;

#endif /* FOOTPRINT_OPS_H */
