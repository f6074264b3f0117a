/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * The pattern is that of DPDK's mempool_perf_autotest: each lcore gets objects
 * in bulks until it has as many as it is to keep, and puts all of them back in
 * bulks. The objects are not touched.
 *
 * All drivers are measured in turns, round after round, as allocators are.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mempool.h>

#include "bench.h"
#include "mempool_ops.h"
#include "report.h"

#define OBJ_SIZE 64

/*
 * The lcores have to be at it at the same time for this part of a measurement,
 * or it is repeated: one that is not on its CPU leaves the pool to the others.
 * A busy machine gets this many times as many attempts as there are rounds.
 */
#define MIN_OVERLAP 0.9
#define ATTEMPTS 200

/*
 * The pools are made anew so many times, each time in another order, as where
 * they lie makes a difference, too.
 */
#define LAYOUTS 4

/* How often a cell is measured, see measure_cell(). */
#define MAX_TRIES 8

/*
 * Where the table of pointers lies within a page differs from round to round:
 * a CPU is slower if what it reads and what it writes have the same place in
 * their pages, and which pool that hits would be a matter of chance.
 */
#define TABLE_SHIFTS 64
#define TABLE_STEP 11
#define TABLE_UNIT (RTE_CACHE_LINE_SIZE / sizeof(void *))

struct __rte_cache_aligned lcore_run {
	struct rte_mempool *mp;
	unsigned int lcore;
	unsigned int keep;
	unsigned int bulk;
	uint64_t repeat;
	void **table;
	void **objs;
	uint64_t start;
	uint64_t end;
	int ret;
};

/* A driver in a cell of the table. */
struct contender {
	const char *ops;
	struct rte_mempool *mp;
	uint64_t repeat;
	bool called; /* Not all objects stay in mempool's caches. */
	unsigned int n_samples;
	double *samples;
	struct summary cycles;
};

struct cell_params {
	unsigned int cache;
	unsigned int lcores;
	unsigned int keep;
	unsigned int bulk;
};

static struct lcore_run runs[RTE_MAX_LCORE];
static struct gate gate;

/* Inlined with a constant bulk, as in most applications. */
static inline int
get_and_put(struct lcore_run *run, struct rte_mempool_cache *cache,
	unsigned int bulk)
{
	struct rte_mempool *mp = run->mp;
	void **objs = run->objs;
	unsigned int i;
	uint64_t n;

	for (n = 0; n < run->repeat; n++) {
		for (i = 0; i < run->keep; i += bulk)
			if (unlikely(rte_mempool_generic_get(mp, &objs[i],
					bulk, cache) < 0))
				return -ENOBUFS;
		for (i = 0; i < run->keep; i += bulk)
			rte_mempool_generic_put(mp, &objs[i], bulk, cache);
	}

	return 0;
}

static int
run_lcore(void *arg)
{
	struct rte_mempool_cache *cache;
	struct lcore_run *run = arg;

	cache = rte_mempool_default_cache(run->mp, rte_lcore_id());
	gate_pass(&gate);

	run->start = rte_rdtsc_precise();
	switch (run->bulk) {
	case 1:
		run->ret = get_and_put(run, cache, 1);
		break;
	case 4:
		run->ret = get_and_put(run, cache, 4);
		break;
	case 8:
		run->ret = get_and_put(run, cache, 8);
		break;
	case 32:
		run->ret = get_and_put(run, cache, 32);
		break;
	default:
		run->ret = get_and_put(run, cache, run->bulk);
	}
	run->end = rte_rdtsc_precise();

	return 0;
}

/*
 * The cycles of an lcore for each object got and put, all lcores together
 * having as many objects in a cycle as they had in this run. Returns 0 if the
 * run does not count, 1 if it does, or a negative errno.
 */
static int
measure(const struct cell_params *params, struct rte_mempool *mp,
	uint64_t repeat, unsigned int round, double *cycles, uint64_t *elapsed)
{
	const unsigned int shift = round * TABLE_STEP % TABLE_SHIFTS;
	uint64_t first = UINT64_MAX, last = 0, from = 0, to = UINT64_MAX;
	const double objs = (double)repeat * params->keep;
	unsigned int lcore = rte_get_main_lcore();
	struct lcore_run *run;
	double rate = 0;
	unsigned int i;
	int ret = 0;

	gate_init(&gate, params->lcores);
	for (i = 0; i < params->lcores; i++) {
		run = &runs[i];
		run->mp = mp;
		run->objs = run->table + shift * TABLE_UNIT;
		run->lcore = lcore;
		run->keep = params->keep;
		run->bulk = params->bulk;
		run->repeat = repeat;
		lcore = rte_get_next_lcore(i == 0 ? -1U : lcore, 1, 0);
	}
	for (i = 1; i < params->lcores; i++)
		rte_eal_remote_launch(run_lcore, &runs[i], runs[i].lcore);
	run_lcore(&runs[0]);
	for (i = 1; i < params->lcores; i++)
		scenario_wait_lcore(runs[i].lcore);

	for (i = 0; i < params->lcores; i++) {
		run = &runs[i];
		if (run->ret < 0)
			ret = run->ret;
		first = RTE_MIN(first, run->start);
		last = RTE_MAX(last, run->end);
		from = RTE_MAX(from, run->start);
		to = RTE_MIN(to, run->end);
		rate += objs / (run->end - run->start);
	}
	*cycles = params->lcores / rate;
	*elapsed = last - first;
	if (ret < 0)
		return ret;

	return to > from && to - from >= MIN_OVERLAP * (last - first);
}

/* As many objects as the lcores keep, and as their caches may have besides. */
static int
open_pool(struct contender *contender, const struct cell_params *params)
{
	char name[RTE_MEMPOOL_NAMESIZE];
	static unsigned int serial;
	unsigned int n;
	int ret;

	n = params->lcores * (params->keep + params->bulk + 2 * params->cache);
	snprintf(name, sizeof(name), "test_fastmem_%u", serial++);
	contender->mp = rte_mempool_create_empty(name, n, OBJ_SIZE,
			params->cache, 0, rte_socket_id(), 0);
	if (contender->mp == NULL)
		return -rte_errno;
	ret = rte_mempool_set_ops_byname(contender->mp, contender->ops, NULL);
	if (ret < 0) {
		report_error("no mempool driver '%s'; is it among EAL's -d?",
			contender->ops);
		return ret;
	}
	ret = rte_mempool_populate_default(contender->mp);

	return RTE_MIN(ret, 0);
}

static void
close_pool(struct contender *contender)
{
	rte_mempool_free(contender->mp);
	contender->mp = NULL;
}

/* Objects that the driver has, and maybe other lcores' caches. */
static unsigned int
count_in_driver(const struct rte_mempool *mp,
	const struct rte_mempool_cache *cache)
{
	return rte_mempool_avail_count(mp) - (cache == NULL ? 0 : cache->len);
}

/*
 * Find out if the driver is called, once the caches are full. Gets take objects
 * from it only, and puts give it some, so if both are called, or one is, it
 * has less in between. The lcores do the same, so one of them will do.
 */
static int
find_calls(struct contender *contender, const struct cell_params *params)
{
	struct rte_mempool *mp = contender->mp;
	struct rte_mempool_cache *cache;
	void **objs = runs[0].table;
	unsigned int i, n_kept;
	int ret = 0;

	cache = rte_mempool_default_cache(mp, rte_lcore_id());
	for (i = 0; i < params->keep && ret == 0; i += params->bulk)
		ret = rte_mempool_generic_get(mp, &objs[i], params->bulk, cache);
	if (ret < 0)
		return ret;
	n_kept = count_in_driver(mp, cache);
	for (i = 0; i < params->keep; i += params->bulk)
		rte_mempool_generic_put(mp, &objs[i], params->bulk, cache);
	if (n_kept != count_in_driver(mp, cache))
		contender->called = true;

	return 0;
}

static int
calibrate(struct contender *contender, const struct cell_params *params,
	uint64_t duration)
{
	uint64_t elapsed, fastest = UINT64_MAX;
	unsigned int i;
	double cycles;
	int ret;

	contender->repeat = RTE_MAX(4096 / params->keep, 1U);
	/* The first runs fill the caches. */
	for (i = 0; i < 5; i++) {
		ret = measure(params, contender->mp, contender->repeat, i,
				&cycles, &elapsed);
		if (ret < 0)
			return ret;
		fastest = RTE_MIN(fastest, elapsed);
	}
	fastest = RTE_MAX(fastest, UINT64_C(1));
	contender->repeat = contender->repeat * duration / fastest;
	contender->repeat = RTE_MAX(contender->repeat, UINT64_C(1));

	return find_calls(contender, params);
}

/* Measure all of them until they have that many samples. */
static int
sample(struct contender *contenders, const struct options *opts,
	const struct cell_params *params, unsigned int n_samples)
{
	const uint64_t duration = rte_get_tsc_hz() / 1000 * opts->duration;
	const unsigned int n = opts->n_mempool_ops;
	struct contender *contender;
	unsigned int round, i;
	uint64_t elapsed;
	double cycles;
	int ret = 0;

	for (i = 0; i < n && ret == 0; i++)
		ret = calibrate(&contenders[i], params, duration);

	for (round = 0; round < opts->rounds * ATTEMPTS && ret >= 0; round++) {
		for (i = 0; i < n && ret >= 0; i++) {
			if (bench_stop)
				return -EINTR;
			contender = &contenders[(round + i) % n];
			if (contender->n_samples >= n_samples)
				continue;
			ret = measure(params, contender->mp, contender->repeat,
					contender->n_samples, &cycles, &elapsed);
			if (ret > 0)
				contender->samples[contender->n_samples++] = cycles;
		}
	}

	return RTE_MIN(ret, 0);
}

/* Measure all of them in so many rounds more. */
static int
compare(struct contender *contenders, const struct options *opts,
	const struct cell_params *params, unsigned int n_before)
{
	const unsigned int n = opts->n_mempool_ops;
	unsigned int layout, i;
	int ret = 0;

	for (layout = 1; layout <= LAYOUTS && ret == 0; layout++) {
		for (i = 0; i < n && ret == 0; i++)
			ret = open_pool(&contenders[(layout + i) % n], params);
		if (ret == 0)
			ret = sample(contenders, opts, params,
					n_before + opts->rounds * layout /
					LAYOUTS);
		for (i = 0; i < n; i++)
			close_pool(&contenders[i]);
	}

	return ret;
}

static int
summarize(struct contender *contender)
{
	if (contender->n_samples == 0) {
		report_error("the lcores never ran at the same time");
		return -EBUSY;
	}

	return stats_summarize(contender->samples, contender->n_samples,
			&contender->cycles);
}

static void
report_head(const struct options *opts, const struct cell_params *params)
{
	unsigned int i;

	printf("\n%s, %u lcore%s\n",
		params->cache == 0 ? "no cache" :
			"cache of " RTE_STR(RTE_MEMPOOL_CACHE_MAX_SIZE),
		params->lcores, params->lcores > 1 ? "s" : "");
	printf("%7s%6s", "n_keep", "bulk");
	for (i = 0; i < opts->n_mempool_ops; i++)
		printf("%16s", opts->mempool_ops[i]);
	printf("%16s\n", "best / fastest");
}

/* The best of the first one, as a ratio to that of the fastest other one. */
static double
ratio_of_best(const struct contender *contenders, unsigned int n)
{
	double fastest = 0;
	unsigned int i;

	for (i = 1; i < n; i++)
		if (i == 1 || contenders[i].cycles.best < fastest)
			fastest = contenders[i].cycles.best;

	return fastest > 0 ? contenders[0].cycles.best / fastest : 0;
}

/*
 * Whether there is anything to judge: where all objects stay in mempool's
 * caches, the drivers are not called, and any difference is mempool's.
 */
static bool
is_called(const struct contender *contenders, const struct options *opts)
{
	bool called = false;
	unsigned int i;

	for (i = 0; i < opts->n_mempool_ops; i++)
		called |= contenders[i].called;

	return called;
}

/* Whether the first one is as fast as any other. */
static bool
is_good(const struct contender *contenders, const struct options *opts)
{
	return !is_called(contenders, opts) || ratio_of_best(contenders, opts->n_mempool_ops) <=
		1 + opts->tolerance / 100.0;
}

static void
report_cell(const struct options *opts, const struct cell_params *params,
	const struct contender *contenders, bool again)
{
	unsigned int i;

	printf("%7u%6u", params->keep, params->bulk);
	for (i = 0; i < opts->n_mempool_ops; i++)
		printf("%8.2f /%6.2f", contenders[i].cycles.best,
			contenders[i].cycles.median);
	printf("%10.2f%s%s\n", ratio_of_best(contenders, opts->n_mempool_ops),
		again ? "*" : "", is_good(contenders, opts) ?
		is_called(contenders, opts) ? "" : " -" : " slower");
	fflush(stdout);
}

/*
 * Where the first one is slower, all of them are measured again: what another
 * one's best is the better for may be that nothing disturbed it.
 */
static int
measure_cell(struct contender *contenders, const struct options *opts,
	const struct cell_params *params, unsigned int *tries)
{
	unsigned int i;
	int ret;

	for (*tries = 1; ; (*tries)++) {
		ret = compare(contenders, opts, params,
				(*tries - 1) * opts->rounds);
		for (i = 0; i < opts->n_mempool_ops && ret == 0; i++)
			ret = summarize(&contenders[i]);
		if (ret < 0 || is_good(contenders, opts) || *tries == MAX_TRIES)
			return ret;
	}
}

static int
run_cell(const struct options *opts, const struct cell_params *params,
	bool *called, bool *good)
{
	struct contender contenders[MAX_MEMPOOL_OPS] = { 0 };
	unsigned int tries, i;
	int ret = 0;

	for (i = 0; i < opts->n_mempool_ops && ret == 0; i++) {
		contenders[i].ops = opts->mempool_ops[i];
		contenders[i].samples = calloc(MAX_TRIES * opts->rounds,
				sizeof(double));
		if (contenders[i].samples == NULL)
			ret = -ENOMEM;
	}
	if (ret == 0)
		ret = measure_cell(contenders, opts, params, &tries);
	if (ret == 0) {
		report_cell(opts, params, contenders, tries > 1);
		*called = is_called(contenders, opts);
		*good = is_good(contenders, opts);
	}
	for (i = 0; i < opts->n_mempool_ops; i++)
		free(contenders[i].samples);

	return ret;
}

/* All cells of a table. */
static int
run_table(const struct options *opts, struct cell_params *params,
	unsigned int *n_cells, unsigned int *n_missed)
{
	unsigned int i, j;
	bool called, good;
	int ret;

	report_head(opts, params);
	for (i = 0; i < opts->n_keeps; i++) {
		for (j = 0; j < opts->n_bulks; j++) {
			params->keep = opts->keeps[i];
			params->bulk = opts->bulks[j];
			if (params->keep % params->bulk != 0)
				continue;
			ret = run_cell(opts, params, &called, &good);
			if (ret < 0)
				return ret;
			*n_cells += called;
			*n_missed += !good;
		}
	}

	return 0;
}

static int
alloc_tables(const struct options *opts)
{
	unsigned int max = 0, i;

	for (i = 0; i < opts->n_keeps; i++)
		max = RTE_MAX(max, opts->keeps[i]);
	for (i = 0; i < MAX_MEMPOOL_LCORES; i++) {
		runs[i].table = calloc(max + TABLE_SHIFTS * TABLE_UNIT,
				sizeof(void *));
		if (runs[i].table == NULL)
			return -ENOMEM;
	}

	return 0;
}

int
mempool_ops_run(const struct options *opts, unsigned int *n_missed)
{
	struct cell_params params;
	unsigned int n_cells = 0, i;
	int ret;

	*n_missed = 0;
	ret = alloc_tables(opts);
	for (i = 0; i < 2 * MAX_MEMPOOL_LCORES && ret == 0; i++) {
		params.cache = i < MAX_MEMPOOL_LCORES ? 0 :
			RTE_MEMPOOL_CACHE_MAX_SIZE;
		params.lcores = 1 + i % MAX_MEMPOOL_LCORES;
		if (params.lcores > rte_lcore_count())
			continue;
		ret = run_table(opts, &params, &n_cells, n_missed);
	}
	for (i = 0; i < MAX_MEMPOOL_LCORES; i++)
		free(runs[i].table);
	if (ret == 0)
		printf("\n%s: %u cells with calls, slower by more than %u %% than the fastest other one in %u\n"
			"*: all measured up to %u times, since it was slower at first\n"
			"-: not judged, as no driver is called: all objects stay in mempool's caches\n",
			opts->mempool_ops[0], n_cells, opts->tolerance,
			*n_missed, MAX_TRIES);

	return ret;
}
