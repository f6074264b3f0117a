/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Scenarios whose name ends in a number of objects, which may be any number up
 * to a limit. Those with the usual numbers are in the list of all scenarios;
 * the others are made after their model when somebody asks for them.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "scen_pair.h"
#include "scenario.h"

#define MAX_MADE 64
#define MAX_DESC 128

static unsigned int
bulk_live(unsigned int n)
{
	return n;
}

static unsigned int
pipeline_live(unsigned int n)
{
	return PAIR_LIVE(n);
}

static unsigned int
duplex_live(unsigned int n)
{
	return 2 * PAIR_LIVE(n);
}

static const struct family {
	const char *prefix;
	/* Its description ends in its number. */
	const struct scenario *model;
	unsigned int (*live)(unsigned int n);
} families[] = {
	{ "bulk", &scenario_bulk32, bulk_live },
	{ "pipeline", &scenario_pipeline32, pipeline_live },
	{ "duplex", &scenario_duplex32, duplex_live },
};

static struct made {
	struct scenario scenario;
	char name[MAX_SCENARIO_NAME];
	char desc[MAX_DESC];
} made[MAX_MADE];
static unsigned int n_made;

static const struct scenario *
make(const struct family *family, const char *name, unsigned int n)
{
	struct made *new;
	size_t len;

	if (n_made == MAX_MADE)
		return NULL;
	new = &made[n_made++];
	new->scenario = *family->model;
	/* The model's description, up to its number. */
	len = strlen(family->model->desc) - strlen("32");
	snprintf(new->desc, sizeof(new->desc), "%.*s%u", (int)len,
		family->model->desc, n);
	snprintf(new->name, sizeof(new->name), "%s", name);
	new->scenario.name = new->name;
	new->scenario.desc = new->desc;
	new->scenario.batch = n;
	new->scenario.live = family->live(n);

	return &new->scenario;
}

/* The number behind the prefix, without zeros in front of it, or 0. */
static unsigned int
parse_number(const char *text)
{
	unsigned long n;
	char *end;

	if (text[0] < '1' || text[0] > '9')
		return 0;
	n = strtoul(text, &end, 10);

	return *end == '\0' && n <= MAX_BURST ? n : 0;
}

const struct scenario *
family_find(const char *name)
{
	const struct family *family;
	unsigned int i, n;
	size_t len;

	for (i = 0; i < n_made; i++)
		if (strcmp(made[i].name, name) == 0)
			return &made[i].scenario;

	for (i = 0; i < RTE_DIM(families); i++) {
		family = &families[i];
		len = strlen(family->prefix);
		if (strncmp(name, family->prefix, len) != 0)
			continue;
		n = parse_number(name + len);

		return n == 0 ? NULL : make(family, name, n);
	}

	return NULL;
}
