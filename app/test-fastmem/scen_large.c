/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * A working set far larger than any cache, whose objects die in another order
 * than they were born in.
 */

#include <errno.h>
#include <stdlib.h>

#include "scenario.h"

#define N_OBJS 100000

static void **objs;
static void **shuffled;
static uint32_t *order;

static void
teardown_large(void)
{
	free(objs);
	free(shuffled);
	free(order);
	objs = NULL;
	shuffled = NULL;
	order = NULL;
}

static int
setup_large(const struct scenario *scenario __rte_unused)
{
	uint64_t state = 1;
	uint32_t i, j, tmp;

	objs = calloc(N_OBJS, sizeof(*objs));
	shuffled = calloc(N_OBJS, sizeof(*shuffled));
	order = calloc(N_OBJS, sizeof(*order));
	if (objs == NULL || shuffled == NULL || order == NULL) {
		teardown_large();
		return -ENOMEM;
	}

	for (i = 0; i < N_OBJS; i++)
		order[i] = i;
	for (i = N_OBJS - 1; i > 0; i--) {
		j = scenario_rand(&state) % (i + 1);
		tmp = order[i];
		order[i] = order[j];
		order[j] = tmp;
	}

	return 0;
}

static int
run_large(const struct scenario *scenario __rte_unused,
	const struct subject *subject, uint64_t n, struct sample *sample)
{
	const struct loops *loops = subject->calls->loops;
	const uintptr_t key = subject->keys[0];
	uint64_t t_alloc = 0, t_free = 0;
	uint64_t start, i;
	unsigned int j;

	for (i = 0; i < n; i++) {
		start = rte_rdtsc_precise();
		if (loops->alloc(key, objs, N_OBJS) < 0)
			return -ENOMEM;
		t_alloc += rte_rdtsc_precise() - start;

		/* Outside of the time taken: it misses caches on its own. */
		for (j = 0; j < N_OBJS; j++)
			shuffled[j] = objs[order[j]];

		start = rte_rdtsc_precise();
		loops->free(key, shuffled, N_OBJS);
		t_free += rte_rdtsc_precise() - start;
	}

	sample->elapsed = t_alloc + t_free;
	sample->cycles[0] = (double)sample->elapsed / n / N_OBJS;
	sample->cycles[1] = (double)t_alloc / n / N_OBJS;
	sample->cycles[2] = (double)t_free / n / N_OBJS;

	return 0;
}

const struct scenario scenario_large = {
	.name = "large",
	.desc = RTE_STR(N_OBJS) " objects, freed in random order",
	.metrics = { "alloc + free", "alloc", "free" },
	.batch = N_OBJS,
	.live = N_OBJS,
	.setup = setup_large,
	.teardown = teardown_large,
	.run = run_large,
};
