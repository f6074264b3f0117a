/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Which figures should not be relied upon, for those who do not look for them
 * in the tables.
 */

#include "figure.h"
#include "report.h"

#define NAME_LEN 512

struct row {
	const struct scenario *scenario;
	unsigned int metric;
	const struct allocator *allocator;
	const struct caller *caller;
};

static bool
is_unstable(const struct result *result, unsigned int metric)
{
	return result->skipped == NULL && metric <
			scenario_n_metrics(result->scenario) &&
		result->metrics[metric].spread > MAX_SPREAD;
}

/* One name for all sizes. */
static void
add_row(struct name_list *list, const struct row *row,
	const struct results *results)
{
	const struct result *result;
	char name[NAME_LEN] = "";
	unsigned int i, n = 0;
	size_t len = 0;

	for (i = 0; i < results->n; i++) {
		result = &results->array[i];
		if (result->scenario != row->scenario ||
				result->allocator != row->allocator ||
				result->caller != row->caller ||
				!is_unstable(result, row->metric))
			continue;
		if (n++ == 0)
			len = figure_name(name, sizeof(name),
				row->scenario->name,
				row->scenario->metrics[row->metric],
				row->allocator->name, row->caller->name);
		len += snprintf(name + len, sizeof(name) - len, "%s%zu",
			n == 1 ? "/" : ",",
			result->size != 0 ? result->size : MIXED_MIN);
		if (result->size == 0)
			len += snprintf(name + len, sizeof(name) - len, "-%u",
				MIXED_MAX);
		len = RTE_MIN(len, sizeof(name) - 1);
	}
	if (n > 0) {
		snprintf(name + len, sizeof(name) - len, " B");
		name_list_add(list, name);
	}
}

static void
add_scenario(struct name_list *list, const struct report *report,
	const struct scenario *scenario)
{
	const struct options *opts = report->opts;
	struct row row = { .scenario = scenario };
	unsigned int i, j;

	for (; row.metric < scenario_n_metrics(scenario); row.metric++) {
		for (i = 0; i < opts->n_allocators; i++) {
			for (j = 0; j < opts->n_callers; j++) {
				row.allocator = opts->allocators[i];
				row.caller = opts->callers[j];
				add_row(list, &row, report->results);
			}
		}
	}
}

void
report_spread(FILE *f, const struct report *report)
{
	const struct results *results = report->results;
	unsigned int i, metric, n = 0, n_unstable = 0;
	struct name_list list;
	int width;

	for (i = 0; i < results->n; i++) {
		if (results->array[i].skipped != NULL)
			continue;
		for (metric = 0; metric < scenario_n_metrics(
				results->array[i].scenario); metric++) {
			n++;
			n_unstable += is_unstable(&results->array[i], metric);
		}
	}

	width = fprintf(f, "\n%u of %u figures have a spread above %.0f per cent%s",
			n_unstable, n, MAX_SPREAD * 100,
			n_unstable > 0 ? ":" : "");
	name_list_begin(&list, f, width);
	for (i = 0; i < report->opts->n_scenarios; i++)
		add_scenario(&list, report, report->opts->scenarios[i]);
	name_list_end(&list);
	fflush(f);
}
