/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef OPTIONS_TRACE_H
#define OPTIONS_TRACE_H

#include "options.h"

/*
 * See whether --replay or --memory stands by itself, and load the trace. What
 * is wrong is told on stderr. Returns 0 or a negative errno.
 */
int
options_trace(struct options *opts);

#endif /* OPTIONS_TRACE_H */
