/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "allocator.h"
#include "caller.h"
#include "scenario.h"
#include "targets.h"

#define MAX_SIZES 32
#define MAX_SCENARIOS 32
#define MAX_ALLOCATORS 32

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
	/* Where to write JSON to; NULL for nowhere, "-" for stdout. */
	const char *json;
	/* To be judged by, or NULL. */
	const struct targets *targets;
	/* Be the secondary process of another one. */
	bool secondary;
	bool help;
	bool list;
};

/*
 * Parse the application's own arguments (argv[0] is not looked at). What is
 * wrong with them is told on stderr. Returns 0 or -EINVAL.
 */
int
options_parse(int argc, char **argv, struct options *opts);

/* Whether anyone but the reference caller is to be measured. */
bool
options_by_caller(const struct options *opts);

void
options_usage(const char *prgname);

void
options_list(void);

#endif /* OPTIONS_H */
