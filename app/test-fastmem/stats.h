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

/* There must be one sample at least. Returns 0 or -ENOMEM. */
int
stats_summarize(const double *samples, unsigned int n,
	struct summary *summary);

/*
 * The median of the ratios of each sample to the one of the same number in
 * the reference, as far as there are both, or -1 for lack of memory or samples.
 */
double
stats_ratio(const double *samples, unsigned int n, const double *reference,
	unsigned int n_reference);

#endif /* STATS_H */
