/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <errno.h>

#include <jansson.h>

#include "report.h"

bool
report_json_available(void)
{
	return true;
}

/*
 * Jansson's functions return NULL for lack of memory, and take NULL for a
 * value by failing; "o" hands the value over, and "[]" grows empty arrays.
 */

static json_t *
describe_machine(const struct machine *machine)
{
	return json_pack("{s:s, s:s, s:I, s:i, s:b}",
		"cpu", machine->cpu,
		"arch", machine->arch,
		"tsc_hz", (json_int_t)machine->tsc_hz,
		"lcores", (int)machine->lcores,
		"pinned", machine->pinned);
}

static json_t *
describe_eal(const struct machine *machine)
{
	return json_pack("{s:b, s:s}",
		"hugepages", machine->hugepages,
		"iova_mode", machine->iova);
}

static json_t *
describe_options(const struct options *opts, const struct machine *machine)
{
	return json_pack("{s:i, s:i, s:s, s:i, s:I, s:I}",
		"rounds", (int)opts->rounds,
		"duration_ms", (int)opts->duration,
		"reference", REFERENCE_ALLOCATOR->name,
		"mempool_cache", MEMPOOL_CACHE,
		"fastmem_reserved", (json_int_t)machine->fastmem_reserved,
		"latency_overhead", (json_int_t)latency_overhead());
}

/* The size of objects, or the least and the most of them if mixed. */
static json_t *
describe_size(size_t size)
{
	json_t *sizes = json_array();

	if (size != 0) {
		json_array_append_new(sizes, json_integer(size));
		return sizes;
	}
	json_array_append_new(sizes, json_integer(MIXED_MIN));
	json_array_append_new(sizes, json_integer(MIXED_MAX));

	return sizes;
}

/* If there is what it refers to. */
static json_t *
ratio_or_null(double ratio)
{
	return ratio > 0 ? json_real(ratio) : json_null();
}

static int
add_figure(json_t *array, const struct results *results,
	const struct result *result, unsigned int metric)
{
	const struct summary *s = &result->metrics[metric];

	return json_array_append_new(array,
		json_pack("{s:s, s:s, s:s, s:s, s:o, s:i, s:f, s:f, s:f, s:o, s:o}",
			"scenario", result->scenario->name,
			"metric", result->scenario->metrics[metric],
			"allocator", result->allocator->name,
			"caller", result->caller->name,
			"sizes", describe_size(result->size),
			"rounds", (int)result->rounds,
			"median", s->median,
			"best", s->best,
			"spread", s->spread,
			"ratio", ratio_or_null(results_ratio(results, result,
					metric)),
			"caller_ratio", ratio_or_null(results_caller_ratio(
					results, result, metric))));
}

static int
add_skipped(json_t *array, const struct result *result)
{
	return json_array_append_new(array,
		json_pack("{s:s, s:s, s:s, s:o, s:s}",
			"scenario", result->scenario->name,
			"allocator", result->allocator->name,
			"caller", result->caller->name,
			"sizes", describe_size(result->size),
			"reason", result->skipped));
}

static int
add_results(json_t *figures, json_t *skipped, const struct results *results)
{
	const struct result *result;
	unsigned int i, metric;
	int ret = 0;

	for (i = 0; i < results->n; i++) {
		result = &results->array[i];
		if (result->skipped != NULL) {
			ret |= add_skipped(skipped, result);
			continue;
		}
		for (metric = 0; metric < scenario_n_metrics(result->scenario);
				metric++)
			ret |= add_figure(figures, results, result, metric);
	}

	return ret;
}

static int
add_verdicts(json_t *array, const struct verdicts *verdicts)
{
	const struct verdict *verdict;
	const struct target *target;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < verdicts->n; i++) {
		verdict = &verdicts->array[i];
		target = verdict->target;
		ret |= json_array_append_new(array,
			json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:f, s:o, s:b, s:b, s:s}",
				"scenario", target->scenario->name,
				"metric", target->scenario->metrics[target->metric],
				"allocator", target->allocator->name,
				"caller", target->caller->name,
				"reference", target->reference->name,
				"sizes", describe_size(verdict->size),
				"target", target->limit,
				"ratio", verdict->skipped != NULL ?
					json_null() : json_real(verdict->ratio),
				"met", verdict->met,
				"again", verdict->again,
				"reason", verdict->skipped != NULL ?
					verdict->skipped : ""));
	}

	return ret;
}

int
report_json(FILE *f, const struct machine *machine,
	const struct options *opts, const struct results *results,
	const struct verdicts *verdicts)
{
	json_t *judged = json_array();
	json_t *figures = json_array();
	json_t *skipped = json_array();
	json_t *root;
	int ret;

	ret = add_results(figures, skipped, results);
	ret |= add_verdicts(judged, verdicts);
	root = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:s, s:b, s:o, s:o, s:o}",
			"program", "dpdk-test-fastmem",
			"dpdk", machine->dpdk,
			"compiler", machine->compiler,
			"machine", describe_machine(machine),
			"eal", describe_eal(machine),
			"options", describe_options(opts, machine),
			"unit", "TSC cycles per object",
			"complete", !results->interrupted,
			"results", figures,
			"skipped", skipped,
			"targets", judged);
	if (ret != 0 || root == NULL) {
		json_decref(root);
		return -ENOMEM;
	}

	ret = json_dumpf(root, f, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	json_decref(root);
	if (ret < 0 || fputc('\n', f) == EOF || fflush(f) == EOF)
		return -EIO;

	return 0;
}
