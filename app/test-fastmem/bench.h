/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef BENCH_H
#define BENCH_H

/*
 * Measures allocators against each other, and keeps the results.
 */

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "allocator.h"
#include "caller.h"
#include "options.h"
#include "scenario.h"
#include "stats.h"

struct result {
	const struct scenario *scenario;
	const struct allocator *allocator;
	const struct caller *caller;
	/* 0 for all sizes of a mixed scenario. */
	size_t size;
	/* Why there are no figures, or NULL. */
	const char *skipped;
	unsigned int rounds;
	struct summary metrics[MAX_METRICS];
	/* The figure of each round, in their order. */
	double *samples[MAX_METRICS];
};

struct footprint;
struct replay;

struct results {
	struct result *array;
	unsigned int n;
	/* What was measured instead, or NULL. */
	const struct footprint *memory;
	const struct replay *replay;
	/* Stopped by a signal before everything was measured. */
	bool interrupted;
};

/* Set by a signal: stop as soon as the measurement under way has ended. */
extern volatile sig_atomic_t bench_stop;

/*
 * Measure all allocators in a scenario with one size (0 if it is mixed), with
 * all callers if the scenario is for any, and add to the results. When there
 * are targets, measure what these are about. Returns 0 or a negative errno:
 * -EINTR if stopped, in which case nothing is added.
 */
int
bench_measure(const struct options *opts, const struct scenario *scenario,
	size_t size, struct results *results);

/* The result for these, or NULL. */
const struct result *
results_find(const struct results *results, const struct scenario *scenario,
	const struct allocator *allocator, const struct caller *caller,
	size_t size);

/*
 * The ratio of a figure's median to that of the reference allocator with the
 * same caller, or 0 without one.
 */
double
results_ratio(const struct results *results, const struct result *result,
	unsigned int metric);

/*
 * The median of a figure without what the measurement itself takes, which is
 * the median of the null allocator with the same caller. Less than 0 if there is
 * none: that was not measured, or is taken off already, as from latencies.
 */
double
results_net(const struct results *results, const struct result *result,
	unsigned int metric);

/*
 * The ratio of a figure's best to that of the same allocator with the reference
 * caller, or 0 without one.
 */
double
results_caller_ratio(const struct results *results,
	const struct result *result, unsigned int metric);

void
results_free(struct results *results);

#endif /* BENCH_H */
