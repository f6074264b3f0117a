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

/*
 * By which JSON of this program is known, and its format: to be increased when
 * a member is removed or gets another meaning.
 */
#define REPORT_PROGRAM "dpdk-test-fastmem"
#define REPORT_VERSION 1

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

/* What could not be measured of a scenario, a line each with a prefix. */
void
report_skipped(FILE *f, const char *prefix, const struct options *opts,
	const struct scenario *scenario, const struct results *results);

/* The verdicts on a scenario's targets. */
void
report_verdicts(FILE *f, const struct options *opts,
	const struct scenario *scenario, const struct verdicts *verdicts);

/* One line on all verdicts. */
void
report_summary(FILE *f, const struct verdicts *verdicts);

/* All that there is to tell about a run. */
struct report {
	const struct machine *machine;
	const struct options *opts;
	const struct results *results;
	const struct verdicts *verdicts;
};

/* Which figures have too large a spread. */
void
report_spread(FILE *f, const struct report *report);

/* The last line: how much was measured, and in what time. */
void
report_duration(FILE *f, const struct results *results, unsigned int seconds);

/* Whether the program was built with Jansson. */
bool
report_json_available(void);

/* All of it, in several formats. These return 0 or a negative errno. */
int
report_json(FILE *f, const struct report *report);

int
report_csv(FILE *f, const struct report *report);

int
report_markdown(FILE *f, const struct report *report);

#endif /* REPORT_H */
