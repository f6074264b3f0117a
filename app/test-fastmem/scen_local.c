/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Patterns of a single lcore, or of another single caller.
 *
 * Arrays of objects begin a cache line, for all callers alike: bulk calls are up
 * to twice as slow where what they copy straddles lines.
 */

#include <errno.h>
#include <stdalign.h>

#include "scenario.h"

#define BATCH 256

static int
run_single(const struct scenario *scenario __rte_unused,
	const struct subject *subject, uint64_t n, struct sample *sample)
{
	const uint64_t start = rte_rdtsc_precise();
	int ret;

	ret = subject->calls->loops->single(subject->keys[0], n);
	sample->elapsed = rte_rdtsc_precise() - start;
	sample->cycles[0] = (double)sample->elapsed / n;

	return ret;
}

static int
run_batch(const struct scenario *scenario, const struct subject *subject,
	uint64_t n, struct sample *sample)
{
	const struct loops *loops = subject->calls->loops;
	const uintptr_t key = subject->keys[0];
	uint64_t t_alloc = 0, t_free = 0;
	uint64_t t0, t1, t2, i;
	alignas(RTE_CACHE_LINE_SIZE) void *objs[BATCH];

	for (i = 0; i < n; i++) {
		t0 = rte_rdtsc_precise();
		if (unlikely(loops->alloc(key, objs, BATCH) < 0))
			return -ENOMEM;
		t1 = rte_rdtsc_precise();
		if (scenario == &scenario_lifo)
			loops->free_reverse(key, objs, BATCH);
		else
			loops->free(key, objs, BATCH);
		t2 = rte_rdtsc_precise();
		t_alloc += t1 - t0;
		t_free += t2 - t1;
	}

	sample->elapsed = t_alloc + t_free;
	sample->cycles[0] = (double)t_alloc / n / BATCH;
	sample->cycles[1] = (double)t_free / n / BATCH;

	return 0;
}

static int
run_bulk(const struct scenario *scenario, const struct subject *subject,
	uint64_t n, struct sample *sample)
{
	const unsigned int bulk = scenario->batch;
	alignas(RTE_CACHE_LINE_SIZE) void *objs[MAX_BURST];
	const uint64_t start = rte_rdtsc_precise();
	int ret;

	ret = subject->calls->loops->bulk(subject->keys[0], objs, bulk, n);
	sample->elapsed = rte_rdtsc_precise() - start;
	sample->cycles[0] = (double)sample->elapsed / n / bulk;

	return ret;
}

static int
run_random(const struct scenario *scenario __rte_unused,
	const struct subject *subject, uint64_t n, struct sample *sample)
{
	const uint64_t start = rte_rdtsc_precise();
	int ret;

	ret = subject->calls->loops->keys(subject->random_keys, N_RANDOM, n);
	sample->elapsed = rte_rdtsc_precise() - start;
	sample->cycles[0] = (double)sample->elapsed / n;

	return ret;
}

const struct scenario scenario_single = {
	.name = "single",
	.desc = "one object",
	.metrics = { "alloc + free" },
	.batch = 1,
	.live = 1,
	.any_caller = true,
	.run = run_single,
};

const struct scenario scenario_fifo = {
	.name = "fifo",
	.desc = "batch of " RTE_STR(BATCH) ", freed in FIFO order",
	.metrics = { "alloc", "free" },
	.batch = BATCH,
	.live = BATCH,
	.any_caller = true,
	.run = run_batch,
};

const struct scenario scenario_lifo = {
	.name = "lifo",
	.desc = "batch of " RTE_STR(BATCH) ", freed in LIFO order",
	.metrics = { "alloc", "free" },
	.batch = BATCH,
	.live = BATCH,
	.any_caller = true,
	.run = run_batch,
};

const struct scenario scenario_bulk8 = {
	.name = "bulk8",
	.desc = "bulk of 8",
	.metrics = { "alloc + free" },
	.batch = 8,
	.live = 8,
	.any_caller = true,
	.run = run_bulk,
};

const struct scenario scenario_bulk32 = {
	.name = "bulk32",
	.desc = "bulk of 32",
	.metrics = { "alloc + free" },
	.batch = 32,
	.live = 32,
	.any_caller = true,
	.run = run_bulk,
};

const struct scenario scenario_random = {
	.name = "random",
	.desc = "one object of a random size",
	.metrics = { "alloc + free" },
	.batch = 1,
	.live = 1,
	.mixed = true,
	.any_caller = true,
	.run = run_random,
};
