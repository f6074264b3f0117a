/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <string.h>

#include "hist.h"

void
hist_reset(struct hist *hist)
{
	memset(hist, 0, sizeof(*hist));
}

/* The largest value of a bucket. */
static uint64_t
bucket_value(unsigned int bucket)
{
	unsigned int shift;

	if (bucket < 2 * HIST_SUB)
		return bucket;
	shift = bucket / HIST_SUB - 1;

	return ((uint64_t)(bucket - shift * HIST_SUB + 1) << shift) - 1;
}

uint64_t
hist_quantile(const struct hist *hist, double q)
{
	uint64_t below = 0, value;
	unsigned int i;

	for (i = 0; i < HIST_BUCKETS; i++) {
		below += hist->buckets[i];
		if (below >= q * hist->n)
			break;
	}
	value = bucket_value(i);

	return RTE_MIN(value, hist->max);
}
