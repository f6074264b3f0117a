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
#include <rte_stdatomic.h>

#include "allocator.h"

/* Waiting for longer than this means that the other lcore is preempted. */
#define MAX_PAUSES 128

#define MAX_METRICS 12
#define MAX_SCENARIO_NAME 24

/* Objects that are dealt with at once, in any scenario. */
#define MAX_BURST 512
#define MAX_KEYS 8

/* The quantiles of a call's latency, the maximum among them. */
#define N_QUANTILES 5

/* The smallest and the largest size of mixed scenarios. */
#define MIXED_MIN 8
#define MIXED_MAX 1024

/*
 * Objects of random sizes before they repeat: more than a branch predictor
 * remembers, and read in sequence, which costs next to nothing.
 */
#define N_RANDOM 32768

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
	/* The allocator's for that size. */
	const struct calls *calls;
	/* Bytes of an object, or 0 if mixed. */
	size_t size;
	/* Objects that are alive at once, on all lcores. */
	unsigned int live;
	/* One of the size, or one of each of mixed_classes. */
	uintptr_t keys[MAX_KEYS];
	/* Mixed: N_RANDOM keys for random sizes, in the order of their use. */
	uintptr_t *random_keys;
};

struct scenario {
	const char *name;
	const char *desc;
	/* What each figure covers; as many as are not NULL. */
	const char *metrics[MAX_METRICS];
	/* Objects in each repetition of the pattern. */
	unsigned int batch;
	/*
	 * Objects that are alive at once: for every so many lcores, or for all
	 * of them together if 0.
	 */
	unsigned int live;
	unsigned int live_lcores;
	/* There are fewer of them if they had more bytes than that (0: any). */
	size_t live_bytes;
	unsigned int min_lcores;
	/* Random sizes, rather than one size. */
	bool mixed;
	/* Needs memory that is fresh in each measurement. */
	bool fresh;
	/*
	 * All is done by the thread that runs it, which may be any thread, of
	 * any process.
	 */
	bool any_caller;
	/*
	 * The metrics are N_QUANTILES of the latency of one call, as many of
	 * another one, and maybe others.
	 */
	bool quantiles;

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

/* The sizes of the pools that serve mixed scenarios. */
extern const size_t mixed_classes[MAX_KEYS];

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
extern const struct scenario scenario_duplex1;
extern const struct scenario scenario_duplex32;
extern const struct scenario scenario_duplex128;
extern const struct scenario scenario_large;
extern const struct scenario scenario_firsttouch;
extern const struct scenario scenario_latency;
extern const struct scenario scenario_latency_growth;

/* One of all, or one that is made for any number of objects; or NULL. */
const struct scenario *
scenario_find(const char *name);

/* What scenario_find() does for the latter. */
const struct scenario *
family_find(const char *name);

/* A measurement by the calling thread: see the scenario's run(). */
int
scenario_run(const struct scenario *scenario, const struct subject *subject,
	uint64_t n, struct sample *sample);

/*
 * Draw the random keys, the keys being open. They are on the heap, to be freed
 * by the caller, also on failure. Returns 0 or a negative errno.
 */
int
subject_draw_keys(struct subject *subject);

unsigned int
scenario_n_metrics(const struct scenario *scenario);

/* Cycles that were taken off each latency: those of an empty measurement. */
uint64_t
latency_overhead(void);

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
 * Where lcores wait for each other, so as to begin together. Opened for as
 * many as come, and used once.
 */
struct gate {
	RTE_ATOMIC(unsigned int) missing;
};

static inline void
gate_init(struct gate *gate, unsigned int n)
{
	rte_atomic_store_explicit(&gate->missing, n, rte_memory_order_release);
}

/* Acquire and release: what the others did before is seen behind the gate. */
static inline void
gate_pass(struct gate *gate)
{
	unsigned int pauses = 0;

	rte_atomic_fetch_sub_explicit(&gate->missing, 1,
		rte_memory_order_acq_rel);
	while (rte_atomic_load_explicit(&gate->missing,
			rte_memory_order_acquire) != 0)
		relax(&pauses);
}

/*
 * As rte_eal_wait_lcore(), which never yields the CPU to the other lcore.
 */
int
scenario_wait_lcore(unsigned int lcore);

/* Pseudo-random numbers, the same in each run. */
static inline uint32_t
scenario_rand(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) +
		UINT64_C(1442695040888963407);

	return *state >> 32;
}

#endif /* SCENARIO_H */
