/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

int
stats_summarize(const double *samples, unsigned int n,
	struct summary *summary)
{
	double *sorted;

	sorted = malloc(n * sizeof(*sorted));
	if (sorted == NULL)
		return -ENOMEM;
	memcpy(sorted, samples, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare);

	summary->best = sorted[0];
	summary->median = quantile(sorted, n, 0.5);
	summary->spread = 0;
	if (summary->median > 0)
		summary->spread = (quantile(sorted, n, 0.75) -
			quantile(sorted, n, 0.25)) / summary->median;
	free(sorted);

	return 0;
}

double
stats_ratio(const double *samples, unsigned int n, const double *reference,
	unsigned int n_reference)
{
	struct summary summary;
	unsigned int i, used = 0;
	double *ratios;
	int ret = -1;

	ratios = calloc(n, sizeof(*ratios));
	if (ratios == NULL)
		return -1;
	for (i = 0; i < n && i < n_reference; i++)
		if (reference[i] > 0)
			ratios[used++] = samples[i] / reference[i];
	if (used > 0)
		ret = stats_summarize(ratios, used, &summary);
	free(ratios);

	return ret < 0 ? -1 : summary.median;
}
