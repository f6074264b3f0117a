/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <stdlib.h>

#include "stats.h"

static int
compare(const void *a, const void *b)
{
	const double x = *(const double *)a;
	const double y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Of sorted samples, interpolated between neighbours. */
static double
quantile(const double *samples, unsigned int n, double q)
{
	const double pos = q * (n - 1);
	const unsigned int i = pos;

	if (i + 1 >= n)
		return samples[n - 1];

	return samples[i] + (pos - i) * (samples[i + 1] - samples[i]);
}

void
stats_summarize(double *samples, unsigned int n, struct summary *summary)
{
	qsort(samples, n, sizeof(*samples), compare);

	summary->best = samples[0];
	summary->median = quantile(samples, n, 0.5);
	if (summary->median == 0) {
		summary->spread = 0;
		return;
	}
	summary->spread = (quantile(samples, n, 0.75) -
		quantile(samples, n, 0.25)) / summary->median;
}
