/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef REPORT_TRACE_H
#define REPORT_TRACE_H

/*
 * Tables of a replayed trace, and of memory.
 */

#include <stdio.h>

#include "footprint.h"
#include "options.h"
#include "replay.h"

void
report_replay(FILE *f, const struct options *opts, const struct replay *replay);

void
report_memory(FILE *f, const struct footprint *footprint);

#endif /* REPORT_TRACE_H */
