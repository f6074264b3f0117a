/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef TARGETS_H
#define TARGETS_H

/*
 * What the figures are to be, read from a file.
 */

#include <stdbool.h>

#include "allocator.h"
#include "caller.h"
#include "scenario.h"

#define MAX_TARGETS 256

/* The figure of an allocator, for each size. */
struct target {
	const struct scenario *scenario;
	unsigned int metric;
	const struct allocator *allocator;
	const struct caller *caller;
	/* Always with the reference caller. */
	const struct allocator *reference;
	/* The largest allowed ratio. */
	double limit;
	/* Of the best rounds, rather than the median of all rounds' ratios. */
	bool best;
};

struct targets {
	struct target array[MAX_TARGETS];
	unsigned int n;
};

/*
 * Read those that apply to the release of DPDK in use. What is wrong with the
 * file is told on stderr. Returns 0 or a negative errno.
 */
int
targets_load(const char *path, struct targets *targets);

/* Whether a target compares this, or compares something else to it. */
bool
targets_need(const struct targets *targets, const struct scenario *scenario,
	const struct allocator *allocator, const struct caller *caller);

#endif /* TARGETS_H */
