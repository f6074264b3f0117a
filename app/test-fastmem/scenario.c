/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <string.h>

#include <rte_launch.h>

#include "scenario.h"

const size_t mixed_classes[MAX_KEYS] = {
	8, 16, 32, 64, 128, 256, 512, MIXED_MAX
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
	&scenario_duplex1,
	&scenario_duplex32,
	&scenario_duplex128,
	&scenario_large,
	&scenario_firsttouch,
	&scenario_latency,
	&scenario_latency_growth,
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

int
scenario_wait_lcore(unsigned int lcore)
{
	unsigned int pauses = 0;

	while (rte_eal_get_lcore_state(lcore) == RUNNING)
		relax(&pauses);

	return rte_eal_wait_lcore(lcore);
}
