/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef REPORT_JSON_TRACE_H
#define REPORT_JSON_TRACE_H

#include <jansson.h>

#include "bench.h"

/*
 * Add what was measured of memory or by replaying a trace, if any. Returns 0,
 * or another number for lack of memory.
 */
int
report_json_trace(json_t *root, const struct results *results);

#endif /* REPORT_JSON_TRACE_H */
