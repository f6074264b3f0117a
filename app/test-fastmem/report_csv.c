/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * RFC 4180: lines end in CR LF, and what has a comma, a quote or the end of a
 * line is quoted.
 */

#include <errno.h>
#include <string.h>

#include "figure.h"
#include "report.h"

#define END_OF_LINE "\r\n"

static void
write_text(FILE *f, const char *text)
{
	if (strpbrk(text, ",\"" END_OF_LINE) == NULL) {
		fputs(text, f);
		return;
	}
	fputc('"', f);
	for (; *text != '\0'; text++) {
		if (*text == '"')
			fputc('"', f);
		fputc(*text, f);
	}
	fputc('"', f);
}

/* As precise as in JSON. */
static void
write_number(FILE *f, double number)
{
	fprintf(f, "%.*g", FIGURE_DIGITS, number);
}

static void
write_field(FILE *f, const struct figure *figure,
	const struct figure_field *field)
{
	const void *value = figure_member(figure, field);
	const size_t *sizes = value;

	switch (field->type) {
	case FIELD_TEXT:
		write_text(f, *(const char * const *)value);
		break;
	case FIELD_SIZES:
		fprintf(f, "%zu", sizes[0]);
		if (sizes[1] != sizes[0])
			fprintf(f, "-%zu", sizes[1]);
		break;
	case FIELD_COUNT:
		fprintf(f, "%u", *(const unsigned int *)value);
		break;
	case FIELD_NUMBER:
		write_number(f, *(const double *)value);
		break;
	case FIELD_RATIO:
		if (*(const double *)value != 0)
			write_number(f, *(const double *)value);
		break;
	case FIELD_NET:
		if (*(const double *)value >= 0)
			write_number(f, *(const double *)value);
		break;
	case FIELD_FLAG:
		fputs(*(const bool *)value ? "true" : "false", f);
		break;
	}
}

static void
write_figure(FILE *f, const struct figure *figure)
{
	const struct figure_field *field;

	for (field = figure_fields; field->name != NULL; field++) {
		if (field != figure_fields)
			fputc(',', f);
		write_field(f, figure, field);
	}
	fputs(END_OF_LINE, f);
}

int
report_csv(FILE *f, const struct report *report)
{
	const struct figure_field *field;
	const struct result *result;
	struct figure figure;
	unsigned int i, j;

	for (field = figure_fields; field->name != NULL; field++)
		fprintf(f, "%s%s", field == figure_fields ? "" : ",",
			field->name);
	fputs(END_OF_LINE, f);

	for (i = 0; i < report->results->n; i++) {
		result = &report->results->array[i];
		if (result->skipped != NULL)
			continue;
		for (j = 0; j < scenario_n_metrics(result->scenario); j++) {
			figure_get(report->results, result, j, &figure);
			write_figure(f, &figure);
		}
	}

	return fflush(f) == EOF || ferror(f) ? -EIO : 0;
}
