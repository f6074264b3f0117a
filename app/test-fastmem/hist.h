/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef HIST_H
#define HIST_H

/*
 * A log-linear histogram of times: as many buckets for each power of two, so
 * that the resolution is a part of the value, 1/32 or about 3 per cent.
 * Values below 64 have a bucket each.
 */

#include <stdint.h>

#include <rte_bitops.h>
#include <rte_common.h>

#define HIST_SUB_BITS 5
#define HIST_SUB (1u << HIST_SUB_BITS)
/* Larger values are counted as this one: some minutes, in cycles. */
#define HIST_MAX (RTE_BIT64(40) - 1)
#define HIST_BUCKETS ((40 - HIST_SUB_BITS + 1) * HIST_SUB)

struct hist {
	uint64_t n;
	uint64_t max;
	uint32_t buckets[HIST_BUCKETS];
};

void
hist_reset(struct hist *hist);

/* The value that is not exceeded by this part of all, rounded up. */
uint64_t
hist_quantile(const struct hist *hist, double q);

static inline void
hist_add(struct hist *hist, uint64_t value)
{
	unsigned int shift = 0;

	hist->n++;
	if (value > hist->max)
		hist->max = value;
	value = RTE_MIN(value, HIST_MAX);
	if (value >= HIST_SUB)
		shift = 63 - HIST_SUB_BITS - rte_clz64(value);
	hist->buckets[shift * HIST_SUB + (value >> shift)]++;
}

#endif /* HIST_H */
