/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <string.h>

#include "scenario.h"

const size_t mixed_sizes[MAX_KEYS] = {
	8, 16, 32, 64, 128, 256, 512, 1024
};

const struct scenario * const scenarios[] = {
	&scenario_single,
	&scenario_fifo,
	&scenario_lifo,
	&scenario_bulk8,
	&scenario_bulk32,
	&scenario_random,
	&scenario_lcores,
	&scenario_pipeline1,
	&scenario_pipeline32,
	&scenario_pipeline128,
	&scenario_large,
	NULL,
};

const struct scenario *
scenario_find(const char *name)
{
	unsigned int i;

	for (i = 0; scenarios[i] != NULL; i++)
		if (strcmp(scenarios[i]->name, name) == 0)
			return scenarios[i];

	return NULL;
}

unsigned int
scenario_n_metrics(const struct scenario *scenario)
{
	unsigned int n = 0;

	while (n < MAX_METRICS && scenario->metrics[n] != NULL)
		n++;

	return n;
}
