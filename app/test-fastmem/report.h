/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef REPORT_H
#define REPORT_H

/*
 * Shows results: tables on a terminal, JSON for other programs.
 */

#include <stdbool.h>
#include <stdio.h>

#include <rte_common.h>

#include "bench.h"
#include "judge.h"
#include "machine.h"
#include "options.h"

/* One line on stderr. */
void
report_error(const char *format, ...) __rte_format_printf(1, 2);

void
report_machine(FILE *f, const struct machine *machine,
	const struct options *opts);

/* The tables of a scenario, one for each metric. */
void
report_scenario(FILE *f, const struct options *opts,
	const struct scenario *scenario, const struct results *results);

/* The verdicts on a scenario's targets. */
void
report_verdicts(FILE *f, const struct options *opts,
	const struct scenario *scenario, const struct verdicts *verdicts);

/* One line on all verdicts. */
void
report_summary(FILE *f, const struct verdicts *verdicts);

/* Whether the program was built with Jansson. */
bool
report_json_available(void);

/* Returns 0 or a negative errno. */
int
report_json(FILE *f, const struct machine *machine,
	const struct options *opts, const struct results *results,
	const struct verdicts *verdicts);

#endif /* REPORT_H */
