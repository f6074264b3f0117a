/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <errno.h>

#include <jansson.h>

#include "figure.h"
#include "report.h"
#include "report_json_trace.h"

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
	return json_pack("{s:s, s:s, s:s, s:I, s:i, s:b}",
		"cpu", machine->cpu,
		"arch", machine->arch,
		"kernel", machine->kernel,
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
describe_sizes(size_t min, size_t max)
{
	json_t *sizes = json_array();

	json_array_append_new(sizes, json_integer(min));
	if (max != min)
		json_array_append_new(sizes, json_integer(max));

	return sizes;
}

static json_t *
describe_size(size_t size)
{
	return size != 0 ? describe_sizes(size, size) :
		describe_sizes(MIXED_MIN, MIXED_MAX);
}

static json_t *
describe_field(const struct figure *figure, const struct figure_field *field)
{
	const void *value = figure_member(figure, field);
	const size_t *sizes = value;

	switch (field->type) {
	case FIELD_TEXT:
		return json_string(*(const char * const *)value);
	case FIELD_SIZES:
		return describe_sizes(sizes[0], sizes[1]);
	case FIELD_COUNT:
		return json_integer(*(const unsigned int *)value);
	case FIELD_NUMBER:
		return json_real(*(const double *)value);
	case FIELD_RATIO:
		return *(const double *)value != 0 ?
			json_real(*(const double *)value) : json_null();
	case FIELD_NET:
		return *(const double *)value >= 0 ?
			json_real(*(const double *)value) : json_null();
	case FIELD_FLAG:
		return json_boolean(*(const bool *)value);
	}

	return NULL;
}

static int
add_figure(json_t *array, const struct figure *figure)
{
	const struct figure_field *field;
	json_t *object = json_object();
	int ret = 0;

	for (field = figure_fields; field->name != NULL; field++)
		ret |= json_object_set_new(object, field->name,
				describe_field(figure, field));

	return ret | json_array_append_new(array, object);
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
	struct figure figure;
	unsigned int i, metric;
	int ret = 0;

	for (i = 0; i < results->n; i++) {
		result = &results->array[i];
		if (result->skipped != NULL) {
			ret |= add_skipped(skipped, result);
			continue;
		}
		for (metric = 0; metric < scenario_n_metrics(result->scenario);
				metric++) {
			figure_get(results, result, metric, &figure);
			ret |= add_figure(figures, &figure);
		}
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
			json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:f, s:o, s:o, s:b, s:b, s:s}",
				"scenario", target->scenario->name,
				"metric", target->scenario->metrics[target->metric],
				"allocator", target->allocator->name,
				"caller", target->caller->name,
				"reference", target->reference->name,
				"sizes", describe_size(verdict->size),
				"target", target->limit,
				"ratio", verdict->skipped != NULL ?
					json_null() : json_real(verdict->ratio),
				"floor", verdict->skipped != NULL ||
					verdict->floor < 0 ?
					json_null() : json_real(verdict->floor),
				"met", verdict->met,
				"again", verdict->again,
				"reason", verdict->skipped != NULL ?
					verdict->skipped : ""));
	}

	return ret;
}

int
report_json(FILE *f, const struct report *report)
{
	const struct machine *machine = report->machine;
	json_t *judged = json_array();
	json_t *figures = json_array();
	json_t *skipped = json_array();
	json_t *root;
	int ret;

	ret = add_results(figures, skipped, report->results);
	ret |= add_verdicts(judged, report->verdicts);
	root = json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:b, s:o, s:o, s:o}",
			"program", REPORT_PROGRAM,
			"version", REPORT_VERSION,
			"date", machine->date,
			"fastmem", machine->fastmem,
			"dpdk", machine->dpdk,
			"compiler", machine->compiler,
			"machine", describe_machine(machine),
			"eal", describe_eal(machine),
			"options", describe_options(report->opts, machine),
			"complete", !report->results->interrupted,
			"results", figures,
			"skipped", skipped,
			"targets", judged);
	if (root != NULL)
		ret |= report_json_trace(root, report->results);
	if (ret != 0 || root == NULL) {
		json_decref(root);
		return -ENOMEM;
	}

	ret = json_dumpf(root, f, JSON_INDENT(2) |
			JSON_REAL_PRECISION(FIGURE_DIGITS));
	json_decref(root);
	if (ret < 0 || fputc('\n', f) == EOF || fflush(f) == EOF)
		return -EIO;

	return 0;
}
