/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef MEMORY_H
#define MEMORY_H

/*
 * Where an allocator's memory comes from: what the scenarios need which are
 * about that, rather than about the calls.
 */

#include "allocator.h"

struct memory_ops {
	/*
	 * Give back all memory, and get this much anew, so that none of the
	 * objects to come has been handed out before. No object is alive.
	 * Optional. Returns 0 or a negative errno.
	 */
	int (*refresh)(const struct allocator *allocator, size_t size,
		unsigned int live, uintptr_t *key);
	/* Get back to what there was at start; only after a refresh. */
	void (*restore)(void);
	/*
	 * Make more memory be taken from EAL, or from the kernel, and give it
	 * back. Tells how long it took to get it, in cycles. Returns 0 or a
	 * negative errno.
	 */
	int (*grow)(const struct allocator *allocator, uint64_t *cycles);
};

/* Of an allocator; never NULL. */
const struct memory_ops *
memory_ops(const struct allocator *allocator);

#endif /* MEMORY_H */
