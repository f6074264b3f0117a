/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_launch.h>

#include "scenario.h"

/*
 * The stack begins at another place in each measurement. Where it happens to
 * be in relation to the allocator's own data makes a difference of up to a
 * fifth in batches, as processors guess from some bits of an address in which
 * way of a cache it is found, or which store it depends on. It would decide
 * which of two processes is faster. So everyone's best round is one in a good
 * place. The number of places is a prime: everyone gets to all of them,
 * however many take turns. They differ in the page and in the cache line.
 */
#define N_PLACES 61
#define PLACE_STEP (4096 + RTE_CACHE_LINE_SIZE)

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

	return family_find(name);
}

unsigned int
scenario_n_metrics(const struct scenario *scenario)
{
	unsigned int n = 0;

	while (n < MAX_METRICS && scenario->metrics[n] != NULL)
		n++;

	return n;
}

static unsigned int
mixed_class(size_t size)
{
	unsigned int i = 0;

	while (mixed_classes[i] < size)
		i++;

	return i;
}

__rte_noinline int
scenario_run(const struct scenario *scenario, const struct subject *subject,
	uint64_t n, struct sample *sample)
{
	static unsigned int serial;
	void *unused = alloca(1 + serial++ % N_PLACES * PLACE_STEP);

	/* Or else it would not be there. */
	asm volatile("" : : "r" (unused) : "memory");

	return scenario->run(scenario, subject, n, sample);
}

/*
 * The caller of a pool knows which one the size needs; the others are told the
 * size itself, or know a handle for it. Either way, it is one word for each
 * object.
 */
int
subject_draw_keys(struct subject *subject)
{
	const struct allocator *allocator = subject->alloc;
	uint64_t state = 1;
	uintptr_t *keys;
	unsigned int i;
	size_t size;
	int ret;

	keys = calloc(N_RANDOM, sizeof(*keys));
	if (keys == NULL)
		return -ENOMEM;
	subject->random_keys = keys;

	for (i = 0; i < N_RANDOM; i++) {
		size = MIXED_MIN + scenario_rand(&state) %
			(MIXED_MAX - MIXED_MIN + 1);
		if (allocator->pooled) {
			keys[i] = subject->keys[mixed_class(size)];
			continue;
		}
		ret = allocator->open(size, subject->live, &keys[i]);
		if (ret < 0)
			return ret;
	}

	return 0;
}

int
scenario_wait_lcore(unsigned int lcore)
{
	unsigned int pauses = 0;

	while (rte_eal_get_lcore_state(lcore) == RUNNING)
		relax(&pauses);

	return rte_eal_wait_lcore(lcore);
}
