/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef MEMPOOL_OPS_H
#define MEMPOOL_OPS_H

/*
 * Compares mempool drivers: a mode of its own, as their callers are pools.
 */

#include "options.h"

/*
 * Measure the drivers of the options, and judge the first one by the fastest
 * of the others. Returns 0 or a negative errno, and the cells in which the
 * first one was slower.
 */
int
mempool_ops_run(const struct options *opts, unsigned int *n_missed);

#endif /* MEMPOOL_OPS_H */
