/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <inttypes.h>
#include <string.h>

#include "report_trace.h"

#define NAME_WIDTH 15
#define CELL_WIDTH 13

/* As in the other tables. */
#define MAX_SPREAD 0.10

#define MIB (1024.0 * 1024)

static void
report_trace(FILE *f, const char *path, const struct trace *trace)
{
	fprintf(f, "\n%s: %zu allocations and %zu frees by %u thread%s, "
		"%u size%s from %u to %u B,\n"
		"at most %u objects of %.1f MiB at once, checksum %08x\n",
		path != NULL ? path : "built-in load", trace->n_allocs,
		trace->n_frees, trace->n_threads,
		trace->n_threads == 1 ? "" : "s",
		trace->n_sizes, trace->n_sizes == 1 ? "" : "s",
		trace->sizes[0], trace->sizes[trace->n_sizes - 1],
		trace->peak_objects, trace->peak_bytes / MIB, trace->checksum);
}

static void
report_player(FILE *f, const struct replay *replay,
	const struct replay_result *result)
{
	const double ratio = replay_ratio(replay, result);
	char median[32], text[32] = "-";

	snprintf(median, sizeof(median), "%s%.1f",
		result->cycles.spread > MAX_SPREAD ? "~" : "",
		result->cycles.median);
	if (ratio > 0)
		snprintf(text, sizeof(text), "%.2f", ratio);
	fprintf(f, "%-*s %9s %9.1f %7s %7.1f %7u  %08x\n", NAME_WIDTH,
		result->allocator->name, median, result->cycles.best, text,
		result->cycles.spread * 100, result->rounds, result->checksum);
}

void
report_replay(FILE *f, const struct options *opts, const struct replay *replay)
{
	const struct replay_result *result;
	unsigned int i;

	if (replay->n_results == 0)
		return;
	report_trace(f, replay->path, replay->trace);
	fprintf(f, "\nTSC cycles per operation, of up to %u rounds of %u ms or "
		"once the trace\n%-*s %9s %9s %7s %7s %7s  %s\n",
		opts->rounds, opts->duration, NAME_WIDTH, "", "median", "best",
		"x", "spread%", "rounds", "checksum");
	for (i = 0; i < replay->n_results; i++) {
		result = &replay->results[i];
		if (result->skipped == NULL)
			report_player(f, replay, result);
		else
			fprintf(f, "%-*s %9s %9s %7s %7s %7s  %s\n", NAME_WIDTH,
				result->allocator->name, "-", "-", "-", "-",
				"-", "-");
	}
	if (replay->n_large > 0)
		fprintf(f, "fastmem and pools: %zu allocation%s too large and "
			"served by the DPDK heap\n", replay->n_large,
			replay->n_large == 1 ? " was" : "s were");
	for (i = 0; i < replay->n_results; i++)
		if (replay->results[i].skipped != NULL)
			fprintf(f, "%s: %s\n", replay->results[i].allocator->name,
				replay->results[i].skipped);
	fflush(f);
}

/* What a table shows of a point. */
enum figure {
	BACKING,
	FRAGMENTATION,
	CACHED,
};

static double
per_cent(uint64_t part, uint64_t whole)
{
	return whole > 0 ? 100.0 * part / whole : 0;
}

static void
report_point(FILE *f, const struct footprint_point *point, enum figure figure)
{
	char text[32] = "-", ratio[16] = "-";

	switch (figure) {
	case BACKING:
		if (point->requested > 0)
			snprintf(ratio, sizeof(ratio), "%.2f",
				(double)point->backing / point->requested);
		snprintf(text, sizeof(text), "%.1f %5s", point->backing / MIB,
			ratio);
		break;
	case FRAGMENTATION:
		if (point->requested > 0)
			snprintf(text, sizeof(text), "%.0f %5.0f",
				per_cent(point->live - point->requested,
					point->live),
				per_cent(point->backing - point->live,
					point->backing));
		break;
	case CACHED:
		if (point->cached != FOOTPRINT_UNKNOWN)
			snprintf(text, sizeof(text), "%.2f", point->cached / MIB);
		break;
	}
	fprintf(f, " %*s", CELL_WIDTH, text);
}

/* The most that was taken, to the most that was asked for at once. */
static void
report_peak(FILE *f, const struct footprint *footprint,
	const struct footprint_row *row)
{
	struct footprint_point peak = { 0 };
	unsigned int i;

	for (i = 0; i < row->n_points; i++)
		peak.backing = RTE_MAX(peak.backing, row->points[i].backing);
	peak.requested = footprint->trace->peak_bytes;
	report_point(f, &peak, BACKING);
}

static void
report_phases(FILE *f, const struct footprint *footprint, const char *title,
	enum figure figure)
{
	const struct footprint_row *row;
	unsigned int i, j;

	fprintf(f, "\n%s\n%-*s", title, NAME_WIDTH, "");
	for (i = 0; i < footprint->n_phases; i++)
		fprintf(f, " %*s", CELL_WIDTH, footprint->phases[i].name);
	if (figure == BACKING)
		fprintf(f, " %*s", CELL_WIDTH, "peak");
	fputc('\n', f);
	for (i = 0; i < footprint->n_rows; i++) {
		row = &footprint->rows[i];
		if (row->skipped != NULL)
			continue;
		fprintf(f, "%-*s", NAME_WIDTH, row->name);
		for (j = 0; j < footprint->n_phases; j++)
			report_point(f, footprint_at(row,
				&footprint->phases[j]), figure);
		if (figure == BACKING)
			report_peak(f, footprint, row);
		fputc('\n', f);
	}
}

/* The same for all of them. */
static void
report_requested(FILE *f, const struct footprint *footprint)
{
	const struct footprint_row *row = NULL;
	unsigned int i;

	for (i = 0; i < footprint->n_rows && row == NULL; i++)
		if (footprint->rows[i].skipped == NULL)
			row = &footprint->rows[i];
	if (row == NULL)
		return;
	fprintf(f, "\nMiB in objects, as asked for\n%-*s", NAME_WIDTH, "");
	for (i = 0; i < footprint->n_phases; i++)
		fprintf(f, " %*s", CELL_WIDTH, footprint->phases[i].name);
	fprintf(f, "\n%-*s", NAME_WIDTH, "");
	for (i = 0; i < footprint->n_phases; i++)
		fprintf(f, " %*.1f", CELL_WIDTH, footprint_at(row,
			&footprint->phases[i])->requested / MIB);
	fputc('\n', f);
}

void
report_memory(FILE *f, const struct footprint *footprint)
{
	const struct footprint_row *row;
	unsigned int i;

	if (footprint->n_rows == 0)
		return;
	report_trace(f, footprint->path, footprint->trace);
	report_requested(f, footprint);
	report_phases(f, footprint, "MiB taken from the system, and the ratio to "
		"what was asked for", BACKING);
	report_phases(f, footprint, "Fragmentation in per cent: internal, of the "
		"bytes in objects; external, of those taken", FRAGMENTATION);
	report_phases(f, footprint, "MiB of free objects in caches", CACHED);
	fputc('\n', f);
	for (i = 0; i < footprint->n_rows; i++) {
		row = &footprint->rows[i];
		fprintf(f, "%s: %s\n", row->name,
			row->skipped != NULL ? row->skipped : row->desc);
	}
	fflush(f);
}
