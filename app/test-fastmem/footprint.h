/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FOOTPRINT_H
#define FOOTPRINT_H

/*
 * How much memory each of the allocators takes for one and the same sequence
 * of operations.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "options.h"
#include "trace.h"

/* Samples in a run, besides those at the ends of phases. */
#define FOOTPRINT_POINTS 200
#define FOOTPRINT_MAX_PHASES 8
#define FOOTPRINT_MAX_ROWS 8

#define FOOTPRINT_UNKNOWN UINT64_MAX

/* All in bytes. */
struct footprint_point {
	/* How many have been made. */
	size_t operation;
	/* In objects: what was asked for, and what the allocator spends on it. */
	uint64_t requested;
	uint64_t live;
	/* Taken from where the allocator has its memory from. */
	uint64_t backing;
	/* In caches, of free objects; or FOOTPRINT_UNKNOWN. */
	uint64_t cached;
};

struct footprint_phase {
	const char *name;
	/* How many have been made at its end. */
	size_t operation;
};

struct footprint_row {
	const char *name;
	const char *desc;
	/* Why there are no points, or NULL. */
	const char *skipped;
	struct footprint_point points[FOOTPRINT_POINTS + FOOTPRINT_MAX_PHASES];
	unsigned int n_points;
};

struct footprint {
	/* The file, or NULL for the load that is built in. */
	const char *path;
	const struct trace *trace;
	struct trace built;
	struct footprint_phase phases[FOOTPRINT_MAX_PHASES];
	unsigned int n_phases;
	struct footprint_row rows[FOOTPRINT_MAX_ROWS];
	unsigned int n_rows;
};

/*
 * Run the load with each of the chosen allocators, none of which has been
 * started. What goes wrong is told on stderr. Returns 0 or a negative errno:
 * -EINTR if stopped, with the rows that are complete.
 */
int
footprint_run(const struct options *opts, struct footprint *footprint);

/* The point at the end of a phase. */
const struct footprint_point *
footprint_at(const struct footprint_row *row,
	const struct footprint_phase *phase);

void
footprint_free(struct footprint *footprint);

/* The load that is built in, and its phases. Returns 0 or a negative errno. */
int
footprint_build(struct footprint *footprint);

#endif /* FOOTPRINT_H */
