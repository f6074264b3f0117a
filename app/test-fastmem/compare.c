/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <errno.h>
#include <string.h>

#include <jansson.h>

#include <rte_common.h>

#include "compare.h"
#include "figure.h"
#include "report.h"
#include "scenario.h"

#define NAME_LEN 256
#define NAME_WIDTH 48

/*
 * A figure of a file, the size apart. What a single caller does can only be
 * disturbed for the worse, so its best rounds are compared, and medians
 * otherwise.
 */
struct cell {
	char name[NAME_LEN];
	char size[32];
	double value;
};

struct run {
	const char *path;
	json_t *root;
	json_t *results;
	/* The values, by name and size. */
	json_t *values;
};

struct comparison {
	FILE *f;
	struct run runs[N_COMPARED];
	unsigned int tolerance;
	unsigned int n_agree;
	unsigned int n_differ;
	/* Names, each with its sizes: of what differs, and is in one run alone. */
	json_t *differ;
	json_t *alone[N_COMPARED];
};

/* What makes figures incomparable, and where it is. */
static const struct {
	const char *object;
	const char *member;
	const char *label;
} conditions[] = {
	{ "machine", "cpu", "CPU" },
	{ "machine", "arch", "architecture" },
	{ "machine", "kernel", "kernel" },
	{ "machine", "tsc_hz", "TSC frequency" },
	{ "machine", "lcores", "number of lcores" },
	{ "machine", "pinned", "pinning" },
	{ "eal", "hugepages", "use of hugepages" },
	{ "eal", "iova_mode", "IOVA mode" },
	{ "options", "rounds", "number of rounds" },
	{ "options", "duration_ms", "duration" },
	{ NULL, "fastmem", "version of fastmem" },
	{ NULL, "dpdk", "version of DPDK" },
	{ NULL, "compiler", "compiler" },
	{ NULL, "complete", "completeness" },
};

static const char run_names[N_COMPARED] = { 'A', 'B' };

static int
read_cell(json_t *figure, struct cell *cell, json_error_t *error)
{
	const char *name, *metric, *allocator, *caller;
	const struct scenario *scenario;
	double median, best;
	json_t *sizes;
	int n, min, max;

	if (json_unpack_ex(figure, error, 0,
			"{s:s, s:s, s:s, s:s, s:o, s:F, s:F}",
			"scenario", &name, "metric", &metric,
			"allocator", &allocator, "caller", &caller,
			"sizes", &sizes, "median", &median, "best", &best) < 0)
		return -EINVAL;
	scenario = scenario_find(name);
	cell->value = scenario != NULL && scenario->any_caller &&
		!scenario->quantiles ? best : median;

	figure_name(cell->name, sizeof(cell->name), name, metric, allocator,
		caller);
	n = json_array_size(sizes);
	if (json_unpack_ex(sizes, error, 0, n == 2 ? "[i, i!]" : "[i!]", &min,
			&max) < 0)
		return -EINVAL;
	if (n == 2)
		snprintf(cell->size, sizeof(cell->size), "%d-%d", min, max);
	else
		snprintf(cell->size, sizeof(cell->size), "%d", min);

	return 0;
}

/* What identifies a cell: the name has no blank at its end. */
static const char *
cell_key(const struct cell *cell, char *buf, size_t len)
{
	snprintf(buf, len, "%s %s", cell->name, cell->size);

	return buf;
}

static int
index_results(struct run *run, json_error_t *error)
{
	struct cell cell;
	char key[NAME_LEN + 32];
	json_t *figure;
	size_t i;

	run->values = json_object();
	json_array_foreach(run->results, i, figure) {
		if (read_cell(figure, &cell, error) < 0)
			return -EINVAL;
		if (json_object_set_new(run->values, cell_key(&cell, key,
				sizeof(key)), json_real(cell.value)) < 0)
			return -ENOMEM;
	}

	return 0;
}

/* Jansson's errors may quote what is in the file, line breaks included. */
static int
refuse(const struct run *run, const char *text)
{
	report_error("'%s' is not JSON of %s: %.*s", run->path, REPORT_PROGRAM,
		(int)strcspn(text, "\r\n"), text);

	return -EINVAL;
}

static int
read_run(struct run *run, const char *path)
{
	const char *program;
	json_error_t error;
	int ret, version;
	FILE *f;

	run->path = path;
	f = fopen(path, "r");
	if (f == NULL) {
		ret = -errno;
		report_error("cannot read '%s': %s", path, strerror(-ret));
		return ret;
	}
	run->root = json_loadf(f, 0, &error);
	fclose(f);
	if (run->root == NULL || json_unpack_ex(run->root, &error, 0,
			"{s:s, s:i, s:o}", "program", &program,
			"version", &version, "results", &run->results) < 0)
		return refuse(run, error.text);
	if (strcmp(program, REPORT_PROGRAM) != 0)
		return refuse(run, "it is of another program");
	if (version != REPORT_VERSION)
		return refuse(run, "it has another version of the format");
	if (!json_is_array(run->results))
		return refuse(run, "the results are no array");

	ret = index_results(run, &error);
	return ret == -EINVAL ? refuse(run, error.text) : ret;
}

static json_t *
condition(const struct run *run, unsigned int i)
{
	json_t *object = run->root;

	if (conditions[i].object != NULL)
		object = json_object_get(object, conditions[i].object);

	return json_object_get(object, conditions[i].member);
}

static void
write_value(FILE *f, const json_t *value)
{
	if (json_is_string(value))
		fputs(json_string_value(value), f);
	else if (value == NULL || json_dumpf(value, f, JSON_ENCODE_ANY) < 0)
		fputs("unknown", f);
}

static void
write_conditions(const struct comparison *comparison)
{
	const struct run *runs = comparison->runs;
	FILE *f = comparison->f;
	json_t *a, *b;
	unsigned int i;

	for (i = 0; i < N_COMPARED; i++) {
		fprintf(f, "%c: %s, ", run_names[i], runs[i].path);
		write_value(f, json_object_get(runs[i].root, "date"));
		fputc('\n', f);
	}
	for (i = 0; i < RTE_DIM(conditions); i++) {
		a = condition(&runs[0], i);
		b = condition(&runs[1], i);
		if (a == b || json_equal(a, b))
			continue;
		fprintf(f, "warning: the %s differs: ", conditions[i].label);
		write_value(f, a);
		fputs(" / ", f);
		write_value(f, b);
		fputc('\n', f);
	}
}

/* Neither of them may be 0 if the other one is not. */
static bool
agree(double a, double b, unsigned int tolerance)
{
	return RTE_MAX(a, b) <= RTE_MIN(a, b) * (1 + tolerance / 100.0);
}

/* Remember a name and one more of its sizes. */
static int
remember(json_t *names, const struct cell *cell)
{
	const char *sizes = json_string_value(json_object_get(names,
			cell->name));

	return json_object_set_new(names, cell->name, sizes == NULL ?
			json_string(cell->size) :
			json_sprintf("%s,%s", sizes, cell->size));
}

static int
compare_cell(struct comparison *comparison, const struct cell *cell,
	double other)
{
	char a[32], b[32], ratio[32], label[NAME_LEN + 64];
	const bool same = agree(cell->value, other, comparison->tolerance);

	snprintf(label, sizeof(label), "%s/%s B", cell->name, cell->size);
	fprintf(comparison->f, "%-*s %9s %9s %7s%s\n", NAME_WIDTH, label,
		figure_format(a, sizeof(a), "", cell->value, 1),
		figure_format(b, sizeof(b), "", other, 1),
		cell->value > 0 ? figure_format(ratio, sizeof(ratio), "",
			other / cell->value, 2) : "-",
		same ? "" : " *");
	if (same) {
		comparison->n_agree++;
		return 0;
	}
	comparison->n_differ++;

	return remember(comparison->differ, cell);
}

/* All cells of a run: those of the first one with the other's. */
static int
compare_run(struct comparison *comparison, unsigned int i)
{
	const struct run *other = &comparison->runs[1 - i];
	char key[NAME_LEN + 32];
	json_t *figure, *value;
	json_error_t error;
	struct cell cell;
	int ret = 0;
	size_t j;

	json_array_foreach(comparison->runs[i].results, j, figure) {
		if (read_cell(figure, &cell, &error) < 0)
			continue;
		value = json_object_get(other->values,
				cell_key(&cell, key, sizeof(key)));
		if (value == NULL)
			ret |= remember(comparison->alone[i], &cell);
		else if (i == 0)
			ret |= compare_cell(comparison, &cell,
					json_real_value(value));
	}

	return ret;
}

static void
write_names(FILE *f, int width, json_t *names)
{
	char label[2 * NAME_LEN];
	struct name_list list;
	const char *name;
	json_t *sizes;

	name_list_begin(&list, f, width);
	json_object_foreach(names, name, sizes) {
		snprintf(label, sizeof(label), "%s/%s B", name,
			json_string_value(sizes));
		name_list_add(&list, label);
	}
	name_list_end(&list);
}

static void
write_summary(const struct comparison *comparison)
{
	FILE *f = comparison->f;
	unsigned int i;

	fputc('\n', f);
	for (i = 0; i < N_COMPARED; i++)
		if (json_object_size(comparison->alone[i]) > 0)
			write_names(f, fprintf(f, "only in %c:", run_names[i]),
				comparison->alone[i]);
	write_names(f, fprintf(f,
			"compared %u cells: %u agree within %u per cent, %u don't%s",
			comparison->n_agree + comparison->n_differ,
			comparison->n_agree, comparison->tolerance,
			comparison->n_differ,
			comparison->n_differ > 0 ? ":" : ""),
		comparison->differ);
}

static int
compare(struct comparison *comparison)
{
	unsigned int i;
	int ret = 0;

	write_conditions(comparison);
	fprintf(comparison->f, "\n%-*s %9s %9s %7s\n", NAME_WIDTH,
		"Best of one caller, else median",
		"A", "B", "B/A");
	for (i = 0; i < N_COMPARED; i++)
		ret |= compare_run(comparison, i);
	if (ret != 0) {
		report_error("cannot compare: %s", strerror(ENOMEM));
		return -ENOMEM;
	}
	write_summary(comparison);
	if (fflush(comparison->f) == EOF) {
		report_error("cannot write the comparison");
		return -EIO;
	}

	return 0;
}

int
compare_files(FILE *f, const char * const paths[N_COMPARED],
	unsigned int tolerance)
{
	struct comparison comparison = {
		.f = f,
		.tolerance = tolerance,
		.differ = json_object(),
	};
	unsigned int i;
	int ret = 0;

	for (i = 0; i < N_COMPARED; i++)
		comparison.alone[i] = json_object();
	for (i = 0; i < N_COMPARED && ret == 0; i++)
		ret = read_run(&comparison.runs[i], paths[i]);
	if (ret == 0)
		ret = compare(&comparison);

	for (i = 0; i < N_COMPARED; i++) {
		json_decref(comparison.alone[i]);
		json_decref(comparison.runs[i].values);
		json_decref(comparison.runs[i].root);
	}
	json_decref(comparison.differ);

	return ret;
}
