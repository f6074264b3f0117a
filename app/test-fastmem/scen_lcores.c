/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * All lcores at once, each with objects of its own.
 */

#include <errno.h>

#include <rte_launch.h>
#include <rte_lcore.h>

#include "machine.h"
#include "scenario.h"

struct lcore_work {
	const struct subject *subject;
	uint64_t n;
	uint64_t start;
	uint64_t end;
	char padding[RTE_CACHE_LINE_SIZE];
};

static struct lcore_work works[RTE_MAX_LCORE];
static struct gate gate;

static int
work_lcore(void *arg __rte_unused)
{
	struct lcore_work *work = &works[rte_lcore_id()];
	const struct subject *subject = work->subject;
	int ret;

	gate_pass(&gate);

	work->start = rte_rdtsc_precise();
	ret = subject->calls->loops->single(subject->keys[0], work->n);
	work->end = rte_rdtsc_precise();

	return ret;
}

/*
 * The mean of the lcores. If they share CPUs, when one of them happens to have
 * its turn says nothing, yet the time until the last has finished does.
 */
static uint64_t
summarize(void)
{
	uint64_t total = 0, start = UINT64_MAX, end = 0;
	unsigned int lcore;

	RTE_LCORE_FOREACH(lcore) {
		total += works[lcore].end - works[lcore].start;
		start = RTE_MIN(start, works[lcore].start);
		end = RTE_MAX(end, works[lcore].end);
	}

	return machine_lcores_pinned() ? total / rte_lcore_count() :
		end - start;
}

static int
run_lcores(const struct scenario *scenario __rte_unused,
	const struct subject *subject, uint64_t n, struct sample *sample)
{
	unsigned int lcore;
	int ret;

	RTE_LCORE_FOREACH(lcore) {
		works[lcore].subject = subject;
		works[lcore].n = n;
	}
	gate_init(&gate, rte_lcore_count());

	ret = rte_eal_mp_remote_launch(work_lcore, NULL, SKIP_MAIN);
	if (ret < 0)
		return ret;
	ret = work_lcore(NULL);

	RTE_LCORE_FOREACH_WORKER(lcore)
		if (scenario_wait_lcore(lcore) < 0)
			ret = -ENOMEM;
	if (ret < 0)
		return ret;

	sample->elapsed = summarize();
	sample->cycles[0] = (double)sample->elapsed / n;

	return 0;
}

const struct scenario scenario_lcores = {
	.name = "lcores",
	.desc = "one object, all lcores at once with objects of their own",
	.metrics = { "alloc + free" },
	.batch = 1,
	.live = 1,
	.live_lcores = 1,
	.min_lcores = 2,
	.run = run_lcores,
};
