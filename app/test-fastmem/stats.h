/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef STATS_H
#define STATS_H

struct summary {
	double median;
	double best;
	/* Interquartile range, as a part of the median. */
	double spread;
};

/* Sorts the samples; there must be one at least. */
void
stats_summarize(double *samples, unsigned int n, struct summary *summary);

#endif /* STATS_H */
