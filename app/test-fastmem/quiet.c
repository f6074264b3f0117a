/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * A loop of a few microseconds tells how fast a CPU is now. Its steps depend on
 * each other and have a branch each, so it slows down when the core has to fetch
 * the instructions of another thread in turns, and when the frequency falls.
 */

#include <string.h>

#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "bench.h"
#include "machine.h"
#include "quiet.h"
#include "scenario.h"

/* A probe is the fastest of some loops: an interrupt hits one of them. */
#define PROBE_STEPS 4096
#define PROBE_LOOPS 3

/* Slower than this, in comparison to the fastest probe, is disturbed. */
#define MAX_SLOWDOWN 1.15

/* For so long is probed at start. */
#define START_MS 50

/*
 * The run may become longer by this part of it, and by some more at first: enough
 * for a machine whose other users take half of the time.
 */
#define EXTRA_PART 1.0
#define EXTRA_MS 500

/* Of each lcore, which writes to it. */
struct __rte_cache_aligned probe {
	uint64_t fastest;
	uint64_t last;
};

static struct {
	bool on;
	struct probe probes[RTE_MAX_LCORE];
	/* Cycles of measurements that count, and of all that does not. */
	uint64_t kept;
	uint64_t lost;
	unsigned int n_again;
} quiet;

static uint64_t
loop(void)
{
	const uint64_t start = rte_rdtsc_precise();
	unsigned int i;

	for (i = 0; i < PROBE_STEPS; i++)
		asm volatile("" : "+r" (i));

	return rte_rdtsc_precise() - start;
}

static int
probe(void *arg __rte_unused)
{
	struct probe *own = &quiet.probes[rte_lcore_id()];
	unsigned int i;

	own->last = UINT64_MAX;
	for (i = 0; i < PROBE_LOOPS; i++)
		own->last = RTE_MIN(own->last, loop());
	if (own->fastest == 0 || own->last < own->fastest)
		own->fastest = own->last;

	return 0;
}

static bool
was_fast(unsigned int lcore)
{
	return quiet.probes[lcore].last <
		MAX_SLOWDOWN * quiet.probes[lcore].fastest;
}

static bool
is_quiet(bool all_lcores)
{
	unsigned int lcore;
	bool fast;

	if (!quiet.on)
		return true;
	if (all_lcores)
		rte_eal_mp_remote_launch(probe, NULL, SKIP_MAIN);
	probe(NULL);
	fast = was_fast(rte_lcore_id());
	if (!all_lcores)
		return fast;
	RTE_LCORE_FOREACH_WORKER(lcore) {
		scenario_wait_lcore(lcore);
		fast = fast && was_fast(lcore);
	}

	return fast;
}

static bool
may_lose(uint64_t cycles)
{
	return quiet.lost + cycles < EXTRA_PART * quiet.kept +
		rte_get_tsc_hz() / 1000 * EXTRA_MS;
}

void
quiet_start(void)
{
	const uint64_t end = rte_get_tsc_cycles() +
		rte_get_tsc_hz() / 1000 * START_MS;

	memset(&quiet, 0, sizeof(quiet));
	/* Lcores that share a CPU slow each other down. */
	quiet.on = machine_lcores_pinned();
	while (rte_get_tsc_cycles() < end)
		is_quiet(true);
}

bool
quiet_wait(bool all_lcores)
{
	uint64_t start, now;

	start = rte_get_tsc_cycles();
	while (!is_quiet(all_lcores)) {
		now = rte_get_tsc_cycles();
		if (!may_lose(now - start) || bench_stop) {
			quiet.lost += now - start;
			return false;
		}
	}
	quiet.lost += rte_get_tsc_cycles() - start;

	return true;
}

bool
quiet_again(bool all_lcores, bool was_quiet, uint64_t elapsed)
{
	if (!was_quiet || is_quiet(all_lcores) || !may_lose(elapsed) ||
			bench_stop) {
		quiet.kept += elapsed;
		return false;
	}
	quiet.lost += elapsed;
	quiet.n_again++;

	return true;
}

unsigned int
quiet_count(void)
{
	return quiet.n_again;
}
