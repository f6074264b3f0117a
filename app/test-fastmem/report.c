/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "figure.h"
#include "progress.h"
#include "quiet.h"
#include "report.h"

/* As many sizes as fit side by side. */
#define MAX_COLUMNS 5
#define NAME_WIDTH 16
/* Of a figure, and of a caller's ratio beside it. */
#define FIGURE_WIDTH 21
#define CALLER_WIDTH 7

void
report_error(const char *format, ...)
{
	va_list ap;

	progress_erase();
	fputs("dpdk-test-fastmem: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void
report_machine(FILE *f, const struct machine *machine,
	const struct options *opts)
{
	fprintf(f, "%s, %s, TSC %.0f MHz, %u lcore%s\n"
		"%s, %s, %s, IOVA as %s, %zu MiB reserved for fastmem\n",
		machine->cpu, machine->arch, machine->tsc_hz / 1e6,
		machine->lcores, machine->lcores == 1 ? "" : "s",
		machine->dpdk, machine->compiler,
		machine->hugepages ? "hugepages" : "no hugepages",
		machine->iova, machine->fastmem_reserved >> 20);
	if (!machine->pinned)
		fprintf(f, "Lcores share CPUs or move between them: the figures are doubtful.\n");
	if (opts->memory || opts->replay) {
		fflush(f);
		return;
	}
	if (opts->targets != NULL) {
		fprintf(f, "\nRatios of TSC cycles per object, median over %u rounds of %u ms; "
			"*: measured again\nin more rounds, after it had missed the target; "
			"<%s: missed, and less\nthan %s takes, which allocates nothing\n",
			opts->rounds, opts->duration, NULL_ALLOCATOR->name,
			NULL_ALLOCATOR->name);
		fflush(f);
		return;
	}
	if (opts->n_mempool_ops > 0) {
		fprintf(f, "\nTSC cycles per object got and put, best / median of %u rounds of %u ms\n",
			opts->rounds, opts->duration);
		fflush(f);
		return;
	}
	fprintf(f, "\nTSC cycles per object, median and best of %u rounds of %u ms; "
		"x: ratio of the\nmedian to that of %s; "
		"~: spread (interquartile range) above %.0f per cent\n",
		opts->rounds, opts->duration, REFERENCE_ALLOCATOR->name,
		MAX_SPREAD * 100);
	if (opts->net)
		fprintf(f, "net: the median less that of %s, which is what the measurement itself takes\n",
			NULL_ALLOCATOR->name);
	if (options_by_caller(opts))
		fprintf(f, "/%s: ratio of the best to that with the caller %s\n",
			REFERENCE_CALLER->name, REFERENCE_CALLER->name);
	fflush(f);
}

/* What a figure consists of: see report_figure(). */
static void
report_figure_head(FILE *f, const struct options *opts)
{
	fprintf(f, " %7s %6s %5s", "median", opts->net ? "net" : "best", "x");
}

/* The figure between the median and the ratio, or less than 0 without one. */
static double
second_figure(const struct options *opts, const struct results *results,
	const struct result *result, unsigned int metric)
{
	return opts->net ? results_net(results, result, metric) :
		result->metrics[metric].best;
}

static void
report_figure(FILE *f, const struct options *opts,
	const struct results *results, const struct result *result,
	unsigned int metric)
{
	char median[32], second[32], ratio[32];
	const struct summary *s;
	double r, other;

	if (result == NULL || result->skipped != NULL) {
		fprintf(f, " %7s %6s %5s", "-", "-", "-");
		return;
	}

	s = &result->metrics[metric];
	r = results_ratio(results, result, metric);
	other = second_figure(opts, results, result, metric);
	fprintf(f, " %7s %6s %5s",
		figure_format(median, sizeof(median),
			s->spread > MAX_SPREAD ? "~" : "", s->median, 1),
		other >= 0 ? figure_format(second, sizeof(second), "", other, 1) :
			"-",
		r > 0 ? figure_format(ratio, sizeof(ratio), "", r, 2) : "-");
}

static void
report_block(FILE *f, const struct options *opts,
	const struct scenario *scenario, const struct results *results,
	unsigned int metric, const size_t *sizes, unsigned int n_sizes)
{
	const struct result *result;
	unsigned int i, j;
	char label[32];

	fprintf(f, "%-*s", NAME_WIDTH, "");
	for (j = 0; j < n_sizes; j++) {
		fprintf(f, "%*s", FIGURE_WIDTH, figure_format_size(label,
				sizeof(label), sizes[j]));
	}
	fprintf(f, "\n%-*s", NAME_WIDTH, "");
	for (j = 0; j < n_sizes; j++)
		report_figure_head(f, opts);
	fputc('\n', f);

	for (i = 0; i < opts->n_allocators; i++) {
		fprintf(f, "%-*s", NAME_WIDTH, opts->allocators[i]->name);
		for (j = 0; j < n_sizes; j++) {
			result = results_find(results, scenario,
					opts->allocators[i], REFERENCE_CALLER,
					sizes[j]);
			report_figure(f, opts, results, result, metric);
		}
		fputc('\n', f);
	}
}

/* One metric and one size: columns for each caller. */
static void
report_callers(FILE *f, const struct options *opts,
	const struct scenario *scenario, const struct results *results,
	unsigned int metric, size_t size)
{
	const struct result *result;
	char label[32], ratio[32];
	unsigned int i, j;
	double r;

	fprintf(f, "%-*s", NAME_WIDTH, figure_format_size(label, sizeof(label),
			size));
	for (j = 0; j < opts->n_callers; j++)
		fprintf(f, "%*s", opts->callers[j] == REFERENCE_CALLER ?
			FIGURE_WIDTH : FIGURE_WIDTH + CALLER_WIDTH,
			opts->callers[j]->name);
	fprintf(f, "\n%-*s", NAME_WIDTH, "");
	for (j = 0; j < opts->n_callers; j++) {
		report_figure_head(f, opts);
		if (opts->callers[j] != REFERENCE_CALLER) {
			snprintf(label, sizeof(label), "/%s",
				REFERENCE_CALLER->name);
			fprintf(f, "%*s", CALLER_WIDTH, label);
		}
	}
	fputc('\n', f);

	for (i = 0; i < opts->n_allocators; i++) {
		fprintf(f, "%-*s", NAME_WIDTH, opts->allocators[i]->name);
		for (j = 0; j < opts->n_callers; j++) {
			result = results_find(results, scenario,
					opts->allocators[i], opts->callers[j],
					size);
			report_figure(f, opts, results, result, metric);
			if (opts->callers[j] == REFERENCE_CALLER)
				continue;
			r = result == NULL ? 0 : results_caller_ratio(results,
					result, metric);
			fprintf(f, "%*s", CALLER_WIDTH, r > 0 ?
				figure_format(ratio, sizeof(ratio), "", r, 2) :
				"-");
		}
		fputc('\n', f);
	}
}

/* One call and one size: a column for each quantile. */
static void
report_quantiles(FILE *f, const struct options *opts,
	const struct scenario *scenario, const struct results *results,
	unsigned int first, size_t size)
{
	char median[32], ratio[32];
	const struct result *result;
	unsigned int i, j;
	double r;

	fprintf(f, "\n%s: %s\n%-*s", scenario->name, scenario->desc,
		NAME_WIDTH, "");
	for (j = 0; j < N_QUANTILES; j++)
		fprintf(f, " %14s", scenario->metrics[first + j]);
	snprintf(median, sizeof(median), "%zu B", size);
	fprintf(f, "\n%-*s", NAME_WIDTH, median);
	for (j = 0; j < N_QUANTILES; j++)
		fprintf(f, " %8s %5s", "median", "x");
	fputc('\n', f);

	for (i = 0; i < opts->n_allocators; i++) {
		fprintf(f, "%-*s", NAME_WIDTH, opts->allocators[i]->name);
		result = results_find(results, scenario, opts->allocators[i],
				REFERENCE_CALLER, size);
		for (j = 0; j < N_QUANTILES; j++) {
			if (result == NULL || result->skipped != NULL) {
				fprintf(f, " %8s %5s", "-", "-");
				continue;
			}
			r = results_ratio(results, result, first + j);
			fprintf(f, " %8s %5s",
				figure_format(median, sizeof(median), "",
					result->metrics[first + j].median, 0),
				r > 0 ? figure_format(ratio, sizeof(ratio),
					"", r, 2) : "-");
		}
		fputc('\n', f);
	}
}

static void
report_latency(FILE *f, const struct options *opts,
	const struct scenario *scenario, const struct results *results)
{
	unsigned int metric, i;

	for (metric = 0; metric < 2 * N_QUANTILES; metric += N_QUANTILES)
		for (i = 0; i < opts->n_sizes; i++)
			report_quantiles(f, opts, scenario, results, metric,
				opts->sizes[i]);
	fprintf(f, "The %" PRIu64 " cycles of an empty measurement are taken off.\n",
		latency_overhead());
}

/* Whether an allocator has no figures of any size, for one and the same reason. */
static bool
skipped_everywhere(const struct results *results, const struct result *result)
{
	const struct result *other;
	unsigned int i;

	for (i = 0; i < results->n; i++) {
		other = &results->array[i];
		if (other->scenario == result->scenario &&
				other->allocator == result->allocator &&
				other->caller == result->caller &&
				other->skipped != result->skipped)
			return false;
	}

	return true;
}

static void
skipped_by(FILE *f, const char *prefix, const struct scenario *scenario,
	const struct allocator *allocator, const struct caller *caller,
	const struct results *results)
{
	const struct result *result;
	char label[64];
	unsigned int i;

	snprintf(label, sizeof(label), "%s%s%s%s", prefix, allocator->name,
		caller == REFERENCE_CALLER ? "" : ", ",
		caller == REFERENCE_CALLER ? "" : caller->name);
	for (i = 0; i < results->n; i++) {
		result = &results->array[i];
		if (result->scenario != scenario ||
				result->allocator != allocator ||
				result->caller != caller ||
				result->skipped == NULL ||
				result->skipped == caller_obstacle(caller) ||
				result->skipped == allocator_missing(allocator))
			continue;
		if (skipped_everywhere(results, result)) {
			fprintf(f, "%s: %s\n", label, result->skipped);
			break;
		}
		fprintf(f, "%s, %zu B: %s\n", label, result->size,
			result->skipped);
	}
}

/* What is not there for any scenario. */
static void
report_missing(FILE *f, const char *prefix, const struct options *opts)
{
	const char *missing;
	unsigned int i;

	for (i = 0; i < opts->n_allocators; i++) {
		missing = allocator_missing(opts->allocators[i]);
		if (missing != NULL)
			fprintf(f, "%s%s is missing: %s\n", prefix,
				opts->allocators[i]->name, missing);
	}
}

void
report_skipped(FILE *f, const char *prefix, const struct options *opts,
	const struct scenario *scenario, const struct results *results)
{
	const struct caller *caller;
	unsigned int i, j;

	report_missing(f, prefix, opts);
	for (j = 0; j < opts->n_callers; j++) {
		caller = opts->callers[j];
		if (scenario->any_caller && caller_obstacle(caller) != NULL)
			fprintf(f, "%s%s: %s\n", prefix, caller->name,
				caller_obstacle(caller));
		for (i = 0; i < opts->n_allocators; i++)
			skipped_by(f, prefix, scenario, opts->allocators[i],
				caller, results);
	}
}

void
report_scenario(FILE *f, const struct options *opts,
	const struct scenario *scenario, const struct results *results)
{
	const bool by_caller = scenario->any_caller && options_by_caller(opts);
	static const size_t mixed[] = { 0 };
	const size_t *sizes = scenario->mixed ? mixed : opts->sizes;
	unsigned int n = scenario->mixed ? 1 : opts->n_sizes;
	unsigned int metric = 0;
	unsigned int i;

	if (scenario->quantiles) {
		report_latency(f, opts, scenario, results);
		metric = 2 * N_QUANTILES;
	}
	for (; metric < scenario_n_metrics(scenario); metric++) {
		fprintf(f, "\n%s: %s, %s\n", scenario->name, scenario->desc,
			scenario->metrics[metric]);
		for (i = 0; i < n && by_caller; i++)
			report_callers(f, opts, scenario, results, metric,
				sizes[i]);
		for (i = 0; i < n && !by_caller; i += MAX_COLUMNS)
			report_block(f, opts, scenario, results, metric,
				&sizes[i], RTE_MIN(n - i, (unsigned int)MAX_COLUMNS));
	}
	report_skipped(f, "", opts, scenario, results);
	fflush(f);
}

static void
report_verdict(FILE *f, const struct verdict *verdict)
{
	const char *mark = verdict->met ? "ok" :
		judge_is_below_floor(verdict) ? "<null" : "MISSED";

	if (verdict->skipped != NULL)
		fprintf(f, " %7s %-7s", "-", mark);
	else
		fprintf(f, " %7.3f%c%-7s", verdict->ratio,
			verdict->again ? '*' : ' ', mark);
}

/* What was not measured, after the row. */
static void
report_reasons(FILE *f, const struct verdict *verdicts, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (verdicts[i].skipped != NULL)
			fprintf(f, "    %zu B: %s\n", verdicts[i].size,
				verdicts[i].skipped);
}

/* The verdicts on a target, for all sizes. */
static void
report_target(FILE *f, const struct target *target,
	const struct verdicts *verdicts)
{
	struct verdict row[MAX_SIZES];
	unsigned int i, n = 0;
	char label[128];

	for (i = 0; i < verdicts->n; i++)
		if (verdicts->array[i].target == target)
			row[n++] = verdicts->array[i];
	if (n == 0)
		return;

	if (target->caller == REFERENCE_CALLER)
		snprintf(label, sizeof(label), "%s to %s",
			target->allocator->name, target->reference->name);
	else
		snprintf(label, sizeof(label), "%s, %s to %s, %s",
			target->allocator->name, target->caller->name,
			target->reference->name, REFERENCE_CALLER->name);
	fprintf(f, "%-51s%-13s%6.3f", label,
		target->scenario->metrics[target->metric], target->limit);
	for (i = 0; i < n; i++)
		report_verdict(f, &row[i]);
	fputc('\n', f);
	report_reasons(f, row, n);
}

void
report_verdicts(FILE *f, const struct options *opts,
	const struct scenario *scenario, const struct verdicts *verdicts)
{
	char label[32];
	unsigned int i;

	fprintf(f, "\n%s: %s\n%-64s%6s", scenario->name, scenario->desc,
		"", "target");
	for (i = 0; i < opts->n_sizes && !scenario->mixed; i++) {
		snprintf(label, sizeof(label), "%zu B", opts->sizes[i]);
		fprintf(f, " %7s %-7s", label, "");
	}
	fputc('\n', f);
	for (i = 0; i < opts->targets->n; i++)
		if (opts->targets->array[i].scenario == scenario)
			report_target(f, &opts->targets->array[i], verdicts);
	fflush(f);
}

void
report_summary(FILE *f, const struct verdicts *verdicts)
{
	unsigned int met = 0, missed = 0, below = 0, skipped = 0, again = 0;
	const struct verdict *verdict;
	unsigned int i;

	for (i = 0; i < verdicts->n; i++) {
		verdict = &verdicts->array[i];
		if (verdict->skipped != NULL)
			skipped++;
		else if (verdict->met)
			met++;
		else
			missed++;
		below += judge_is_below_floor(verdict);
		again += verdict->again;
	}
	fprintf(f, "\ntargets: %u met, %u missed (%u of them below what %s takes), "
		"%u not measured; %u measured again (*); %u s\n",
		met, missed, below, NULL_ALLOCATOR->name, skipped, again,
		verdicts->duration);
	fflush(f);
}

void
report_duration(FILE *f, const struct results *results, unsigned int seconds)
{
	unsigned int i, n = 0;

	for (i = 0; i < results->n; i++)
		if (results->array[i].skipped == NULL)
			n += scenario_n_metrics(results->array[i].scenario);
	fprintf(f, "%u figures in %u s", n, seconds);
	if (quiet_count() > 0)
		fprintf(f, "; %u measurements were made again, as something slowed the CPU down",
			quiet_count());
	fputc('\n', f);
	fflush(f);
}
