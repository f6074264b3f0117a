/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cfgfile.h>
#include <rte_string_fns.h>
#include <rte_version.h>

#include "report.h"
#include "targets.h"

#define MAX_SECTIONS 64
#define MAX_ENTRIES 32

/* A section of the file. */
struct section {
	const char *path;
	const char *name;
	struct rte_cfgfile_entry entries[MAX_ENTRIES];
	unsigned int n;
};

static int
refuse(const struct section *section, const char *what, const char *value)
{
	report_error("%s: [%s]: %s '%s'", section->path, section->name, what,
		value);
	return -EINVAL;
}

static const char *
get_entry(const struct section *section, const char *name)
{
	unsigned int i;

	for (i = 0; i < section->n; i++)
		if (strcmp(section->entries[i].name, name) == 0)
			return section->entries[i].value;

	return NULL;
}

/* YEAR.MONTH, as a number that grows with the release. */
static int
parse_release(const struct section *section, const char *text,
	unsigned int *release)
{
	unsigned int year, month;
	char rest;

	if (sscanf(text, "%2u.%2u%c", &year, &month, &rest) != 2)
		return refuse(section, "this is not a release of DPDK:", text);
	*release = year * 100 + month;

	return 0;
}

/* Whether the section is for the release in use: 1 if so, 0 if not. */
static int
section_applies(const struct section *section)
{
	const unsigned int current = rte_version_year() * 100 +
		rte_version_month();
	const char *since = get_entry(section, "since");
	const char *before = get_entry(section, "before");
	unsigned int first = 0, last = -1U;
	int ret = 0;

	if (since != NULL)
		ret = parse_release(section, since, &first);
	if (ret == 0 && before != NULL)
		ret = parse_release(section, before, &last);
	if (ret < 0)
		return ret;

	return current >= first && current < last;
}

/* A number, or a fraction of two. */
static int
parse_limit(const struct section *section, const char *text, double *limit)
{
	double divisor = 1;
	char *end;

	*limit = strtod(text, &end);
	if (*end == '/')
		divisor = strtod(end + 1, &end);
	if (*end != '\0' || !(*limit > 0) || !(divisor > 0))
		return refuse(section, "this is not a ratio:", text);
	*limit /= divisor;

	return 0;
}

static int
add_target(const struct section *section, const struct target *target,
	struct targets *targets)
{
	if (targets->n == MAX_TARGETS)
		return refuse(section, "too many targets at",
			target->scenario->name);
	targets->array[targets->n++] = *target;

	return 0;
}

/* An allocator's ratio, for one metric of the scenario or for all of them. */
static int
add_limit(const struct section *section, const struct rte_cfgfile_entry *entry,
	struct target *target, struct targets *targets)
{
	const char *metric = get_entry(section, "metric");
	unsigned int before = targets->n;
	unsigned int i;
	int ret;

	target->allocator = allocator_find(entry->name);
	if (target->allocator == NULL)
		return refuse(section, "there is no key or allocator",
			entry->name);
	ret = parse_limit(section, entry->value, &target->limit);
	if (ret < 0)
		return ret;

	for (i = 0; i < scenario_n_metrics(target->scenario); i++) {
		if (metric != NULL &&
				strcmp(metric, target->scenario->metrics[i]) != 0)
			continue;
		target->metric = i;
		ret = add_target(section, target, targets);
		if (ret < 0)
			return ret;
	}
	if (targets->n == before)
		return refuse(section, "the scenario has no metric", metric);

	return 0;
}

static bool
is_key(const char *name)
{
	static const char * const keys[] = {
		"scenario", "metric", "figure", "reference", "caller", "since",
		"before",
	};
	unsigned int i;

	for (i = 0; i < RTE_DIM(keys); i++)
		if (strcmp(name, keys[i]) == 0)
			return true;

	return false;
}

static int
add_scenario(const struct section *section, const char *name,
	struct targets *targets)
{
	const char *reference = get_entry(section, "reference");
	const char *figure = get_entry(section, "figure");
	const char *caller = get_entry(section, "caller");
	struct target target = {
		.caller = REFERENCE_CALLER,
		.reference = REFERENCE_ALLOCATOR,
	};
	unsigned int i;
	int ret = 0;

	target.scenario = scenario_find(name);
	if (target.scenario == NULL)
		return refuse(section, "there is no scenario", name);
	if (reference != NULL) {
		target.reference = allocator_find(reference);
		if (target.reference == NULL)
			return refuse(section, "there is no allocator",
				reference);
	}

	if (caller != NULL) {
		target.caller = caller_find(caller);
		if (target.caller == NULL)
			return refuse(section, "there is no caller", caller);
		if (target.caller != REFERENCE_CALLER &&
				!target.scenario->any_caller)
			return refuse(section, "only lcores can do", name);
	}
	if (figure != NULL) {
		target.best = strcmp(figure, "best") == 0;
		if (!target.best && strcmp(figure, "median") != 0)
			return refuse(section, "there is no figure", figure);
	}

	for (i = 0; i < section->n && ret == 0; i++)
		if (!is_key(section->entries[i].name))
			ret = add_limit(section, &section->entries[i], &target,
					targets);

	return ret;
}

/* Those for other releases are checked, too. */
static int
add_section(const struct section *section, struct targets *targets)
{
	const char *list = get_entry(section, "scenario");
	const unsigned int before = targets->n;
	char text[CFG_VALUE_LEN];
	char *name, *next;
	int applies, ret;

	applies = section_applies(section);
	if (applies < 0)
		return applies;
	if (list == NULL)
		return refuse(section, "there is no key", "scenario");

	rte_strscpy(text, list, sizeof(text));
	for (name = text; name != NULL; name = next) {
		next = strchr(name, ',');
		if (next != NULL)
			*next++ = '\0';
		ret = add_scenario(section, name, targets);
		if (ret < 0)
			return ret;
	}
	if (!applies)
		targets->n = before;

	return 0;
}

static int
add_file(struct rte_cfgfile *file, const char *path, struct targets *targets)
{
	static char names[MAX_SECTIONS][CFG_NAME_LEN];
	char *sections[MAX_SECTIONS];
	struct section section = { .path = path };
	int i, n, ret;

	for (i = 0; i < MAX_SECTIONS; i++)
		sections[i] = names[i];
	n = rte_cfgfile_num_sections(file, NULL, 0);
	if (n > MAX_SECTIONS) {
		report_error("%s: more than %u sections", path, MAX_SECTIONS);
		return -EINVAL;
	}
	rte_cfgfile_sections(file, sections, MAX_SECTIONS);

	for (i = 0; i < n; i++) {
		section.name = names[i];
		ret = rte_cfgfile_section_num_entries(file, names[i]);
		if (ret > MAX_ENTRIES)
			return refuse(&section, "too many entries in", names[i]);
		section.n = RTE_MAX(ret, 0);
		rte_cfgfile_section_entries(file, names[i], section.entries,
			MAX_ENTRIES);
		ret = add_section(&section, targets);
		if (ret < 0)
			return ret;
	}
	if (targets->n == 0) {
		report_error("%s: no targets for this release of DPDK", path);
		return -EINVAL;
	}

	return 0;
}

int
targets_load(const char *path, struct targets *targets)
{
	struct rte_cfgfile *file;
	int ret;

	memset(targets, 0, sizeof(*targets));
	/* This one can tell why not. */
	if (access(path, R_OK) < 0) {
		report_error("cannot read '%s': %s", path, strerror(errno));
		return -errno;
	}
	file = rte_cfgfile_load(path, 0);
	if (file == NULL) {
		report_error("%s: cannot be parsed", path);
		return -EINVAL;
	}
	ret = add_file(file, path, targets);
	rte_cfgfile_close(file);

	return ret;
}

bool
targets_need(const struct targets *targets, const struct scenario *scenario,
	const struct allocator *allocator, const struct caller *caller)
{
	const struct target *target;
	unsigned int i;

	for (i = 0; i < targets->n; i++) {
		target = &targets->array[i];
		if (target->scenario != scenario)
			continue;
		if (target->allocator == allocator && target->caller == caller)
			return true;
		if (caller != REFERENCE_CALLER)
			continue;
		if (target->reference == allocator ||
				(allocator == NULL_ALLOCATOR &&
				!scenario->quantiles))
			return true;
	}

	return false;
}
