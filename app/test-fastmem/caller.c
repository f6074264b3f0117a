/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <stdbool.h>
#include <string.h>

#include "caller.h"

const struct caller * const callers[] = {
	&lcore_caller,
	&thread_caller,
	&secondary_caller,
	NULL,
};

static_assert(RTE_DIM(callers) == MAX_CALLERS + 1, "MAX_CALLERS is wrong");

/* Of the callers above. */
static struct {
	bool started;
	const char *obstacle;
} states[MAX_CALLERS];

static unsigned int
caller_index(const struct caller *caller)
{
	unsigned int i = 0;

	while (callers[i] != caller)
		i++;

	return i;
}

const struct caller *
caller_find(const char *name)
{
	unsigned int i;

	for (i = 0; callers[i] != NULL; i++)
		if (strcmp(callers[i]->name, name) == 0)
			return callers[i];

	return NULL;
}

void
callers_start(const struct caller * const *chosen, unsigned int n)
{
	unsigned int i, j;

	for (i = 0; i < n; i++) {
		if (chosen[i]->start == NULL)
			continue;
		j = caller_index(chosen[i]);
		states[j].obstacle = chosen[i]->start();
		states[j].started = states[j].obstacle == NULL;
	}
}

void
callers_stop(void)
{
	unsigned int i;

	for (i = 0; i < MAX_CALLERS; i++) {
		if (states[i].started && callers[i]->stop != NULL)
			callers[i]->stop();
		states[i].started = false;
	}
}

void
callers_renew(void)
{
	unsigned int i;

	for (i = 0; i < MAX_CALLERS; i++)
		if (states[i].started && callers[i]->renew != NULL)
			callers[i]->renew();
}

const char *
caller_obstacle(const struct caller *caller)
{
	return states[caller_index(caller)].obstacle;
}

static int
lcore_run(const struct scenario *scenario, const struct subject *subject,
	uint64_t n, struct sample *sample)
{
	return scenario_run(scenario, subject, n, sample);
}

const struct caller lcore_caller = {
	.name = "lcore",
	.desc = "the main lcore",
	.run = lcore_run,
};
