/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef JUDGE_H
#define JUDGE_H

/*
 * Measures what there are targets for, and compares.
 */

#include <stdbool.h>
#include <stddef.h>

#include "bench.h"
#include "options.h"
#include "targets.h"

/* A target's outcome for one size. */
struct verdict {
	const struct target *target;
	/* 0 for all sizes of a mixed scenario. */
	size_t size;
	/* Why it was not measured, or NULL. */
	const char *skipped;
	/* The median over the rounds of the ratio within each. */
	double ratio;
	/* That of the allocator null, or a negative value if there is none. */
	double floor;
	bool met;
	/* It was missed at first, and measured again. */
	bool again;
};

struct verdicts {
	struct verdict *array;
	unsigned int n;
	/* Whole seconds. */
	unsigned int duration;
};

/*
 * Judge a scenario, and add to the results and the verdicts. Returns what
 * bench_measure() does.
 */
int
judge_scenario(const struct options *opts, const struct scenario *scenario,
	struct results *results, struct verdicts *verdicts);

/* Whether a target was missed that what does nothing misses as well. */
bool
judge_is_below_floor(const struct verdict *verdict);

/* Whether all targets are met. */
bool
judge_passed(const struct verdicts *verdicts);

void
judge_free(struct verdicts *verdicts);

#endif /* JUDGE_H */
