/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Tables that can be read as they are and pasted into a page: each of them has
 * a caption of its own that tells where its figures come from.
 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "figure.h"
#include "report.h"

#define CELL_LEN 64

/* Of the allocator and the caller. */
#define MAX_NAMES 2

/* A column has the figures of one metric and one size. */
struct column {
	unsigned int metric;
	size_t size;
};

static_assert(N_QUANTILES <= MAX_SIZES, "a table has too few columns");

struct table {
	const struct scenario *scenario;
	struct column columns[MAX_SIZES];
	unsigned int n_columns;
	/* All are of one metric, or else of one size. */
	bool by_size;
	/* Cells that name a row, in front of its figures. */
	unsigned int n_names;
};

/* The cells of a table, from left to right and from top to bottom. */
struct grid {
	char (*cells)[CELL_LEN];
	unsigned int n;
	unsigned int width;
};

static char *
grid_add(struct grid *grid)
{
	return grid->cells[grid->n++];
}

static unsigned int
column_width(const struct grid *grid, unsigned int column)
{
	unsigned int i, width = 0;

	for (i = column; i < grid->n; i += grid->width)
		width = RTE_MAX(width, (unsigned int)strlen(grid->cells[i]));

	return width;
}

/* The line below the head, by which figures are aligned to the right. */
static void
write_rule(FILE *f, const struct grid *grid, unsigned int n_names)
{
	unsigned int i, j;

	for (i = 0; i < grid->width; i++) {
		fputs("|-", f);
		for (j = column_width(grid, i); j > 0; j--)
			fputc('-', f);
		fputc(i < n_names ? '-' : ':', f);
	}
	fputs("|\n", f);
}

static void
write_grid(FILE *f, const struct grid *grid, unsigned int n_names)
{
	unsigned int i, column;

	for (i = 0; i < grid->n; i++) {
		column = i % grid->width;
		fprintf(f, column < n_names ? "| %-*s " : "| %*s ",
			(int)column_width(grid, column), grid->cells[i]);
		if (column + 1 < grid->width)
			continue;
		fputs("|\n", f);
		if (i < grid->width)
			write_rule(f, grid, n_names);
	}
}

static void
add_figure(struct grid *grid, const struct results *results,
	const struct result *result, unsigned int metric)
{
	char median[32], best[32], ratio[32];
	char *cell = grid_add(grid);
	struct figure figure;

	if (result == NULL || result->skipped != NULL) {
		strcpy(cell, "-");
		return;
	}
	figure_get(results, result, metric, &figure);
	snprintf(cell, CELL_LEN, "%s / %s / %s",
		figure_format(median, sizeof(median),
			figure.unstable ? "~" : "", figure.median, 1),
		figure_format(best, sizeof(best), "", figure.best, 1),
		figure.ratio > 0 ? figure_format(ratio, sizeof(ratio), "",
			figure.ratio, 2) : "-");
}

static void
add_head(struct grid *grid, const struct table *table)
{
	const struct column *column;
	unsigned int i;

	strcpy(grid_add(grid), "allocator");
	if (table->n_names > 1)
		strcpy(grid_add(grid), "caller");
	for (i = 0; i < table->n_columns; i++) {
		column = &table->columns[i];
		if (table->by_size)
			figure_format_size(grid_add(grid), CELL_LEN,
				column->size);
		else
			snprintf(grid_add(grid), CELL_LEN, "%s",
				table->scenario->metrics[column->metric]);
	}
}

static void
add_row(struct grid *grid, const struct table *table,
	const struct results *results, const struct allocator *allocator,
	const struct caller *caller)
{
	const struct column *column;
	unsigned int i;

	snprintf(grid_add(grid), CELL_LEN, "%s", allocator->name);
	if (table->n_names > 1)
		snprintf(grid_add(grid), CELL_LEN, "%s", caller->name);
	for (i = 0; i < table->n_columns; i++) {
		column = &table->columns[i];
		add_figure(grid, results, results_find(results, table->scenario,
				allocator, caller, column->size),
			column->metric);
	}
}

static void
write_caption(FILE *f, const struct table *table, const struct report *report)
{
	const struct machine *machine = report->machine;

	fprintf(f, "\n%s, median / best of up to %u rounds of %u ms / ratio of the median to that of %s;\n"
		"~: spread above %.0f per cent.\n",
		figure_unit(table->scenario, table->columns[0].metric),
		report->opts->rounds, report->opts->duration,
		REFERENCE_ALLOCATOR->name, MAX_SPREAD * 100);
	fprintf(f, "%s, %s, TSC %.0f MHz, %u lcore%s%s;\n"
		"fastmem %s, %s, %s, Linux %s, %s, IOVA as %s; %s.\n",
		machine->cpu, machine->arch, machine->tsc_hz / 1e6,
		machine->lcores, machine->lcores == 1 ? "" : "s",
		machine->pinned ? "" : " that share CPUs or move between them",
		machine->fastmem, machine->dpdk, machine->compiler,
		machine->kernel,
		machine->hugepages ? "hugepages" : "no hugepages",
		machine->iova, machine->date);
}

static int
write_table(FILE *f, const struct table *table, const struct report *report)
{
	const struct options *opts = report->opts;
	struct grid grid = { .width = table->n_names + table->n_columns };
	const struct caller *caller;
	unsigned int i, j;

	grid.cells = calloc((opts->n_allocators * opts->n_callers + 1) *
			grid.width, CELL_LEN);
	if (grid.cells == NULL)
		return -ENOMEM;

	add_head(&grid, table);
	for (i = 0; i < opts->n_allocators; i++) {
		for (j = 0; j < opts->n_callers; j++) {
			caller = opts->callers[j];
			if (caller == REFERENCE_CALLER ||
					table->scenario->any_caller)
				add_row(&grid, table, report->results,
					opts->allocators[i], caller);
		}
	}
	write_grid(f, &grid, table->n_names);
	free(grid.cells);
	write_caption(f, table, report);

	return 0;
}

/* One call and one size: a column for each quantile. */
static int
write_quantiles(FILE *f, struct table *table, const struct report *report,
	unsigned int first, size_t size)
{
	const char *call = table->scenario->metrics[first];
	unsigned int i;

	table->by_size = false;
	table->n_columns = N_QUANTILES;
	for (i = 0; i < N_QUANTILES; i++)
		table->columns[i] = (struct column) { first + i, size };
	fprintf(f, "\n## %s: %s, %.*s, %zu B\n\n", table->scenario->name,
		table->scenario->desc, (int)strcspn(call, " "), call, size);

	return write_table(f, table, report);
}

/* One metric: a column for each size. */
static int
write_sizes(FILE *f, struct table *table, const struct report *report,
	unsigned int metric)
{
	const struct scenario *scenario = table->scenario;
	const struct options *opts = report->opts;
	unsigned int i;

	table->by_size = true;
	table->n_columns = scenario->mixed ? 1 : opts->n_sizes;
	for (i = 0; i < table->n_columns; i++)
		table->columns[i] = (struct column) {
			metric, scenario->mixed ? 0 : opts->sizes[i] };
	fprintf(f, "\n## %s: %s, %s\n\n", scenario->name, scenario->desc,
		scenario->metrics[metric]);

	return write_table(f, table, report);
}

static int
write_scenario(FILE *f, const struct scenario *scenario,
	const struct report *report)
{
	const struct options *opts = report->opts;
	struct table table = {
		.scenario = scenario,
		.n_names = scenario->any_caller && options_by_caller(opts) ?
			MAX_NAMES : 1,
	};
	unsigned int metric = 0, i;
	int ret = 0;

	for (; scenario->quantiles && metric < 2 * N_QUANTILES;
			metric += N_QUANTILES)
		for (i = 0; i < opts->n_sizes && ret == 0; i++)
			ret = write_quantiles(f, &table, report, metric,
					opts->sizes[i]);
	for (; metric < scenario_n_metrics(scenario) && ret == 0; metric++)
		ret = write_sizes(f, &table, report, metric);

	return ret;
}

static bool
was_run(const struct scenario *scenario, const struct results *results)
{
	unsigned int i;

	for (i = 0; i < results->n; i++)
		if (results->array[i].scenario == scenario)
			return true;

	return false;
}

int
report_markdown(FILE *f, const struct report *report)
{
	const struct options *opts = report->opts;
	unsigned int i;
	int ret = 0;

	fprintf(f, "# dpdk-test-fastmem\n");
	if (report->results->interrupted)
		fprintf(f, "\nThe run was interrupted.\n");
	for (i = 0; i < opts->n_scenarios && ret == 0; i++) {
		if (!was_run(opts->scenarios[i], report->results))
			continue;
		ret = write_scenario(f, opts->scenarios[i], report);
		report_skipped(f, "\n- ", opts, opts->scenarios[i],
			report->results);
	}
	if (ret < 0)
		return ret;

	return fflush(f) == EOF || ferror(f) ? -EIO : 0;
}
