/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef SCENARIO_H
#define SCENARIO_H

/*
 * What is done with the objects while the time is taken.
 */

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_branch_prediction.h>
#include <rte_cycles.h>
#include <rte_pause.h>

#include "allocator.h"

/* Waiting for longer than this means that the other lcore is preempted. */
#define MAX_PAUSES 128

#define MAX_METRICS 3
#define MAX_KEYS 8

/* One measurement. */
struct sample {
	/* TSC cycles that were measured, without preparations. */
	uint64_t elapsed;
	/* Mean TSC cycles for each object, for each metric. */
	double cycles[MAX_METRICS];
};

/* An allocator, ready to serve the sizes of the scenario. */
struct subject {
	const struct allocator *alloc;
	uintptr_t keys[MAX_KEYS];
};

struct scenario {
	const char *name;
	const char *desc;
	/* What each figure covers; as many as are not NULL. */
	const char *metrics[MAX_METRICS];
	/* Objects in each repetition of the pattern. */
	unsigned int batch;
	/* Objects that are alive at once, or one for each lcore if 0. */
	unsigned int live;
	unsigned int min_lcores;
	/* All of mixed_sizes at once, rather than one size. */
	bool mixed;
	/* Needs the bulk calls. */
	bool bulk;

	/* Before and after the measurements of one size; optional. */
	int (*setup)(const struct scenario *scenario);
	void (*teardown)(void);

	/*
	 * Repeat the pattern n times and measure it. Frees every object, also
	 * on failure. Returns 0 or a negative errno.
	 */
	int (*run)(const struct scenario *scenario,
		const struct subject *subject, uint64_t n,
		struct sample *sample);
};

/* All scenarios, ended by NULL. */
extern const struct scenario * const scenarios[];

/* The sizes of mixed scenarios. */
extern const size_t mixed_sizes[MAX_KEYS];

extern const struct scenario scenario_single;
extern const struct scenario scenario_fifo;
extern const struct scenario scenario_lifo;
extern const struct scenario scenario_bulk8;
extern const struct scenario scenario_bulk32;
extern const struct scenario scenario_random;
extern const struct scenario scenario_lcores;
extern const struct scenario scenario_pipeline1;
extern const struct scenario scenario_pipeline32;
extern const struct scenario scenario_pipeline128;
extern const struct scenario scenario_large;

const struct scenario *
scenario_find(const char *name);

unsigned int
scenario_n_metrics(const struct scenario *scenario);

/*
 * The pattern of the scenario "single", for any lcore. Gives the cycles of
 * the whole loop.
 */
int
single_loop(const struct subject *subject, uint64_t n, uint64_t *cycles);

/* A step of a busy wait for another lcore, which may need this CPU. */
static inline void
relax(unsigned int *pauses)
{
	if (unlikely(++*pauses == MAX_PAUSES)) {
		*pauses = 0;
		sched_yield();
	}
	rte_pause();
}

/*
 * When lcores are to begin together: launching them takes less than that.
 */
static inline uint64_t
start_time(void)
{
	return rte_rdtsc() + rte_get_tsc_hz() / 1000;
}

static inline void
wait_until(uint64_t tsc)
{
	unsigned int pauses = 0;

	while (rte_rdtsc() < tsc)
		relax(&pauses);
}

/* Pseudo-random numbers, the same in each run. */
static inline uint32_t
scenario_rand(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) +
		UINT64_C(1442695040888963407);

	return *state >> 32;
}

#endif /* SCENARIO_H */
