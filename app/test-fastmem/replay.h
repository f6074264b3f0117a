/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef REPLAY_H
#define REPLAY_H

/*
 * Makes the allocations and frees of a trace with each of the allocators.
 */

#include <stdint.h>

#include "allocator.h"
#include "options.h"
#include "stats.h"
#include "trace.h"

struct replay_result {
	const struct allocator *allocator;
	/* Why there are no figures, or NULL. */
	const char *skipped;
	unsigned int rounds;
	/* TSC cycles of an allocation or a free. */
	struct summary cycles;
	/* Of the operations as they were made. */
	uint32_t checksum;
};

struct replay {
	const char *path;
	const struct trace *trace;
	/* Objects too large for fastmem and for pools, by number of allocs. */
	size_t n_large;
	struct replay_result results[MAX_ALLOCATORS];
	unsigned int n_results;
};

/*
 * Replay the trace which the options name. Allocators have been started. What
 * goes wrong is told on stderr. Returns 0 or a negative errno: -EINTR if
 * stopped, with the results so far.
 */
int
replay_run(const struct options *opts, struct replay *replay);

/* The ratio to the median of the reference allocator, or 0 without one. */
double
replay_ratio(const struct replay *replay, const struct replay_result *result);

#endif /* REPLAY_H */
