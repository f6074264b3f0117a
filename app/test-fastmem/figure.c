/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <string.h>

#include "figure.h"

#define LINE_WIDTH 79
#define INDENT "    "

#define FIELD(type, name, member) \
	{ name, type, offsetof(struct figure, member) }

const struct figure_field figure_fields[] = {
	FIELD(FIELD_TEXT, "scenario", scenario),
	FIELD(FIELD_TEXT, "metric", metric),
	FIELD(FIELD_TEXT, "allocator", allocator),
	FIELD(FIELD_TEXT, "caller", caller),
	FIELD(FIELD_SIZES, "sizes", min_size),
	FIELD(FIELD_TEXT, "unit", unit),
	FIELD(FIELD_COUNT, "rounds", rounds),
	FIELD(FIELD_NUMBER, "median", median),
	FIELD(FIELD_NUMBER, "best", best),
	FIELD(FIELD_NUMBER, "spread", spread),
	FIELD(FIELD_FLAG, "unstable", unstable),
	FIELD(FIELD_NET, "net", net),
	FIELD(FIELD_RATIO, "ratio", ratio),
	FIELD(FIELD_RATIO, "caller_ratio", caller_ratio),
	{ NULL, FIELD_TEXT, 0 },
};

const char *
figure_unit(const struct scenario *scenario, unsigned int metric)
{
	if (!scenario->quantiles)
		return "TSC cycles per object";

	return metric < 2 * N_QUANTILES ? "TSC cycles per call" :
		"TSC cycles per growth";
}

void
figure_get(const struct results *results, const struct result *result,
	unsigned int metric, struct figure *figure)
{
	const struct summary *s = &result->metrics[metric];

	*figure = (struct figure) {
		.scenario = result->scenario->name,
		.metric = result->scenario->metrics[metric],
		.allocator = result->allocator->name,
		.caller = result->caller->name,
		.min_size = result->size != 0 ? result->size : MIXED_MIN,
		.max_size = result->size != 0 ? result->size : MIXED_MAX,
		.unit = figure_unit(result->scenario, metric),
		.rounds = result->rounds,
		.median = s->median,
		.best = s->best,
		.spread = s->spread,
		.unstable = s->spread > MAX_SPREAD,
		.net = results_net(results, result, metric),
		.ratio = results_ratio(results, result, metric),
		.caller_ratio = results_caller_ratio(results, result, metric),
	};
}

size_t
figure_name(char *buf, size_t len, const char *scenario, const char *metric,
	const char *allocator, const char *caller)
{
	const bool usual = strcmp(caller, REFERENCE_CALLER->name) == 0;

	snprintf(buf, len, "%s/%s/%s%s%s", scenario, metric, allocator,
		usual ? "" : "/", usual ? "" : caller);

	return strlen(buf);
}

const char *
figure_format_size(char *buf, size_t len, size_t size)
{
	if (size == 0)
		snprintf(buf, len, "%u to %u B", MIXED_MIN, MIXED_MAX);
	else
		snprintf(buf, len, "%zu B", size);

	return buf;
}

const char *
figure_format(char *buf, size_t len, const char *prefix, double number,
	unsigned int decimals)
{
	if (number >= 99.95)
		decimals = 0;
	else if (number >= 9.995)
		decimals = 1;
	snprintf(buf, len, "%s%.*f", prefix, decimals, number);

	return buf;
}

void
name_list_begin(struct name_list *list, FILE *f, unsigned int width)
{
	list->f = f;
	list->n = 0;
	list->width = width;
}

void
name_list_add(struct name_list *list, const char *name)
{
	const unsigned int len = strlen(name);

	if (list->n++ > 0) {
		fputc(',', list->f);
		list->width++;
	}
	/* A blank before it, and a comma behind. */
	if (list->width + len + 2 > LINE_WIDTH) {
		fputs("\n" INDENT, list->f);
		list->width = strlen(INDENT);
	} else {
		fputc(' ', list->f);
		list->width++;
	}
	fputs(name, list->f);
	list->width += len;
}

void
name_list_end(struct name_list *list)
{
	fputc('\n', list->f);
}
