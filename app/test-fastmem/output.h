/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef OUTPUT_H
#define OUTPUT_H

/*
 * The files that results are written to, besides the tables on stdout.
 */

#include <stdio.h>

#include "options.h"
#include "report.h"

/* NULL for those that were not asked for. */
struct outputs {
	FILE *files[N_OUTPUTS];
};

/* What is wrong is told on stderr. Returns 0 or -EINVAL. */
int
output_parse(enum output output, const char *path, struct options *opts);

/* Whether there is any. */
bool
outputs_wanted(const struct options *opts);

/*
 * Before EAL starts, so that nothing is measured that could not be written.
 * What is wrong is told on stderr, and no file loses what is in it then.
 * Returns 0 or a negative errno.
 */
int
outputs_open(const struct options *opts, struct outputs *outputs);

/* The same; what can be written is. */
int
outputs_write(const struct outputs *outputs, const struct report *report);

int
outputs_close(const struct outputs *outputs, const struct options *opts);

#endif /* OUTPUT_H */
