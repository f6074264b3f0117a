/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Patterns of a single lcore, or of another single caller.
 *
 * The pointers to an allocator's functions are copied to local variables
 * before a loop starts, since they would be loaded again for each call
 * otherwise. Arrays of objects begin a cache line, for all callers alike: bulk
 * calls are up to twice as slow where what they copy straddles lines.
 */

#include <errno.h>
#include <stdalign.h>

#include "scenario.h"

#define BATCH 256
#define MAX_BULK 32

__rte_noinline int
single_loop(const struct subject *subject, uint64_t n, uint64_t *cycles)
{
	void *(*alloc)(uintptr_t key) = subject->alloc->alloc;
	void (*release)(uintptr_t key, void *obj) = subject->alloc->free;
	const uintptr_t key = subject->keys[0];
	uint64_t start, i;
	void *obj;

	start = rte_rdtsc_precise();
	for (i = 0; i < n; i++) {
		obj = alloc(key);
		if (unlikely(obj == NULL))
			return -ENOMEM;
		release(key, obj);
	}
	*cycles = rte_rdtsc_precise() - start;

	return 0;
}

static int
run_single(const struct scenario *scenario __rte_unused,
	const struct subject *subject, uint64_t n, struct sample *sample)
{
	int ret;

	ret = single_loop(subject, n, &sample->elapsed);
	if (ret == 0)
		sample->cycles[0] = (double)sample->elapsed / n;

	return ret;
}

static int
run_batch(const struct scenario *scenario, const struct subject *subject,
	uint64_t n, struct sample *sample)
{
	void *(*alloc)(uintptr_t key) = subject->alloc->alloc;
	void (*release)(uintptr_t key, void *obj) = subject->alloc->free;
	const bool lifo = scenario == &scenario_lifo;
	const uintptr_t key = subject->keys[0];
	uint64_t t_alloc = 0, t_free = 0;
	uint64_t t0, t1, t2, i;
	alignas(RTE_CACHE_LINE_SIZE) void *objs[BATCH];
	unsigned int j;

	for (i = 0; i < n; i++) {
		t0 = rte_rdtsc_precise();
		for (j = 0; j < BATCH; j++) {
			objs[j] = alloc(key);
			if (unlikely(objs[j] == NULL))
				goto nomem;
		}
		t1 = rte_rdtsc_precise();
		if (lifo) {
			for (j = BATCH; j > 0; j--)
				release(key, objs[j - 1]);
		} else {
			for (j = 0; j < BATCH; j++)
				release(key, objs[j]);
		}
		t2 = rte_rdtsc_precise();
		t_alloc += t1 - t0;
		t_free += t2 - t1;
	}

	sample->elapsed = t_alloc + t_free;
	sample->cycles[0] = (double)t_alloc / n / BATCH;
	sample->cycles[1] = (double)t_free / n / BATCH;

	return 0;

nomem:
	while (j-- > 0)
		release(key, objs[j]);

	return -ENOMEM;
}

static int
run_bulk(const struct scenario *scenario, const struct subject *subject,
	uint64_t n, struct sample *sample)
{
	int (*alloc)(uintptr_t key, void **objs, unsigned int n) =
		subject->alloc->alloc_bulk;
	void (*release)(uintptr_t key, void **objs, unsigned int n) =
		subject->alloc->free_bulk;
	const uintptr_t key = subject->keys[0];
	const unsigned int bulk = scenario->batch;
	uint64_t start, i;
	alignas(RTE_CACHE_LINE_SIZE) void *objs[MAX_BULK];

	start = rte_rdtsc_precise();
	for (i = 0; i < n; i++) {
		if (unlikely(alloc(key, objs, bulk) < 0))
			return -ENOMEM;
		release(key, objs, bulk);
	}
	sample->elapsed = rte_rdtsc_precise() - start;

	sample->cycles[0] = (double)sample->elapsed / n / bulk;

	return 0;
}

static int
run_random(const struct scenario *scenario __rte_unused,
	const struct subject *subject, uint64_t n, struct sample *sample)
{
	void *(*alloc)(uintptr_t key) = subject->alloc->alloc;
	void (*release)(uintptr_t key, void *obj) = subject->alloc->free;
	const uintptr_t *keys = subject->random_keys;
	uint64_t start, i;
	uintptr_t key;
	void *obj;

	start = rte_rdtsc_precise();
	for (i = 0; i < n; i++) {
		key = keys[i % N_RANDOM];
		obj = alloc(key);
		if (unlikely(obj == NULL))
			return -ENOMEM;
		release(key, obj);
	}
	sample->elapsed = rte_rdtsc_precise() - start;

	sample->cycles[0] = (double)sample->elapsed / n;

	return 0;
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
	.bulk = true,
	.any_caller = true,
	.run = run_bulk,
};

const struct scenario scenario_bulk32 = {
	.name = "bulk32",
	.desc = "bulk of 32",
	.metrics = { "alloc + free" },
	.batch = MAX_BULK,
	.live = MAX_BULK,
	.bulk = true,
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
