/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "allocator.h"
#include "caller.h"
#include "compare.h"
#include "scenario.h"
#include "targets.h"

#define MAX_SIZES 32
#define MAX_SCENARIOS 32
#define MAX_ALLOCATORS 32
#define MAX_MEMPOOL_OPS 8
#define MAX_MEMPOOL_LCORES 2
#define MAX_NUMBERS 16

/* Forms in which results are written to a file. */
enum output {
	OUTPUT_JSON,
	OUTPUT_CSV,
	OUTPUT_MARKDOWN,
	N_OUTPUTS,
};

/* In per cent, when files are compared. */
#define COMPARE_TOLERANCE 10

struct options {
	size_t sizes[MAX_SIZES];
	unsigned int n_sizes;
	const struct scenario *scenarios[MAX_SCENARIOS];
	unsigned int n_scenarios;
	const struct allocator *allocators[MAX_ALLOCATORS];
	unsigned int n_allocators;
	const struct caller *callers[MAX_CALLERS];
	unsigned int n_callers;
	unsigned int rounds;
	/* What takes long is measured in fewer rounds, yet not in fewer than these. */
	unsigned int min_rounds;
	/* Of one measurement, in milliseconds. */
	unsigned int duration;
	/* Where to write results to; NULL for nowhere, "-" for stdout. */
	const char *outputs[N_OUTPUTS];
	/*
	 * Replay the trace and measure nothing else, or measure memory: by the
	 * trace, or by the load that is built in if there is none.
	 */
	bool replay;
	bool memory;
	const char *trace_path;
	struct trace *trace;
	/* To be judged by, or NULL. */
	const struct targets *targets;
	/* Be the secondary process of another one. */
	bool secondary;
	/*
	 * The mempool drivers to compare; if there are any, nothing else is
	 * measured. The first one may be slower by this percentage, or
	 * medians differ by it when files are compared.
	 */
	const char *mempool_ops[MAX_MEMPOOL_OPS];
	unsigned int n_mempool_ops;
	unsigned int tolerance;
	/* How many objects are kept and, of these, got and put at once. */
	unsigned int keeps[MAX_NUMBERS];
	unsigned int n_keeps;
	unsigned int bulks[MAX_NUMBERS];
	unsigned int n_bulks;
	/* Compare these files with results, rather than to measure anything. */
	bool compare;
	const char *compared[N_COMPARED];
	/* Show figures without what the measurement itself takes. */
	bool net;
	bool help;
	bool list;
};

/*
 * Parse the application's own arguments (argv[0] is not looked at). What is
 * wrong with them is told on stderr. Returns 0 or -EINVAL.
 */
int
options_parse(int argc, char **argv, struct options *opts);

/*
 * The part of it for files to be compared: the arguments that are no options,
 * and the name of an option that nothing is compared with, or NULL.
 */
int
options_parse_compared(int n, char **paths, const char *other,
	struct options *opts);

/* Whether anyone but the reference caller is to be measured. */
bool
options_by_caller(const struct options *opts);

void
options_usage(const char *prgname);

void
options_list(void);

#endif /* OPTIONS_H */
