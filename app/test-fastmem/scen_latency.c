/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * What a single call takes, rather than many of them on average: the number
 * of live objects walks up and down, so that caches run empty and full, and
 * the layers behind them are visited as well.
 *
 * Memory is at hand: all objects are allocated before, and one in each
 * hugepage stays allocated, so the pages, slabs and pools that they are of do
 * not go back to where others could take them.
 */

#include <errno.h>

#include <rte_launch.h>
#include <rte_lcore.h>

#include "hist.h"
#include "memory.h"
#include "scenario.h"

/* Of which a fifth remains at hand at the top of the walk. */
#define MAX_OBJS 5120
#define MAX_BYTES ((size_t)64 << 20)

/*
 * Allocs and frees of a walk, half of them each: fewer if they take longer
 * than the time, which is counted from the first of them.
 */
#define N_CALLS 524288
#define WALK_MS 100
#define CALLS_PER_CHECK 256

/* Between growths. */
#define GROWTH_PAUSE_US 1000

#define PIN_SHIFT 21
#define MAX_PINS 64u

/* While memory grows, a measurement lasts for this many growths at least. */
#define MIN_GROWTHS 3

static const double quantiles[N_QUANTILES - 1] = {
	0.5, 0.99, 0.999, 0.9999
};

static void *objs[MAX_OBJS];
static struct hist hist_alloc, hist_free;
static uint64_t overhead;

struct grower {
	const struct allocator *alloc;
	RTE_ATOMIC(bool) stop;
	RTE_ATOMIC(unsigned int) growths;
	RTE_ATOMIC(bool) failed;
	uint64_t cycles;
};

static struct grower grower;

uint64_t
latency_overhead(void)
{
	return overhead;
}

/* What the measurement of nothing takes. */
static int
setup_latency(const struct scenario *scenario __rte_unused)
{
	struct hist *hist = &hist_alloc;
	uint64_t start;
	unsigned int i;

	hist_reset(hist);
	for (i = 0; i < N_CALLS; i++) {
		start = rte_rdtsc_precise();
		hist_add(hist, rte_rdtsc_precise() - start);
	}
	overhead = hist_quantile(hist, 0.5);

	return 0;
}

/* Leaves one object for each hugepage in objs, and returns their number. */
static int
pin_memory(const struct subject *subject)
{
	const uintptr_t key = subject->keys[0];
	const struct calls *calls = subject->calls;
	uintptr_t pages[MAX_PINS];
	unsigned int n = 0;
	unsigned int i, j;
	uintptr_t page;
	void *obj;

	for (i = 0; i < subject->live; i++) {
		objs[i] = calls->alloc(key);
		if (objs[i] == NULL)
			break;
	}
	if (i < subject->live) {
		while (i-- > 0)
			calls->free(key, objs[i]);
		return -ENOMEM;
	}

	for (i = 0; i < subject->live; i++) {
		obj = objs[i];
		page = (uintptr_t)obj >> PIN_SHIFT;
		for (j = 0; j < n && pages[j] != page; j++)
			;
		if (j == n && n < RTE_MIN(MAX_PINS, subject->live / 10 + 1)) {
			pages[n] = page;
			objs[n++] = obj;
		} else {
			calls->free(key, obj);
		}
	}

	return n;
}

/* From no object to none. */
static __rte_noinline int
walk(const struct subject *subject, void **live_objs, unsigned int max)
{
	void *(*alloc)(uintptr_t key) = subject->calls->alloc;
	void (*release)(uintptr_t key, void *obj) = subject->calls->free;
	const uintptr_t key = subject->keys[0];
	const uint64_t end = rte_rdtsc() + rte_get_tsc_hz() / 1000 * WALK_MS;
	unsigned int live = 0, target = 0, i, n;
	bool going_on = true;
	uint64_t state = 1;
	uint64_t start;
	void *obj;

	for (n = 1; going_on || live > 0; n++) {
		if (n == N_CALLS || (n % CALLS_PER_CHECK == 0 && rte_rdtsc() > end))
			going_on = false;
		if (!going_on)
			target = 0;
		else if (live == target)
			target = (target + 1 + scenario_rand(&state) % max) %
				(max + 1);
		if (live < target) {
			start = rte_rdtsc_precise();
			obj = alloc(key);
			hist_add(&hist_alloc, rte_rdtsc_precise() - start);
			if (unlikely(obj == NULL))
				goto nomem;
			live_objs[live++] = obj;
		} else if (live > 0) {
			i = scenario_rand(&state) % live;
			obj = live_objs[i];
			live_objs[i] = live_objs[--live];
			start = rte_rdtsc_precise();
			release(key, obj);
			hist_add(&hist_free, rte_rdtsc_precise() - start);
		}
	}

	return 0;

nomem:
	while (live-- > 0)
		release(key, live_objs[live]);

	return -ENOMEM;
}

static double
net_cycles(uint64_t cycles)
{
	return cycles > overhead ? cycles - overhead : 0;
}

static void
summarize(const struct hist *hist, double *cycles)
{
	unsigned int i;

	for (i = 0; i < RTE_DIM(quantiles); i++)
		cycles[i] = net_cycles(hist_quantile(hist, quantiles[i]));
	cycles[i] = net_cycles(hist->max);
}

static bool
walk_on(bool growing)
{
	if (!growing)
		return false;

	return rte_atomic_load_explicit(&grower.growths,
			rte_memory_order_relaxed) < MIN_GROWTHS &&
		!rte_atomic_load_explicit(&grower.failed,
			rte_memory_order_relaxed);
}

static int
measure(const struct subject *subject, uint64_t n, bool growing,
	struct sample *sample)
{
	const uint64_t start = rte_rdtsc();
	unsigned int i;
	int pins, ret;
	uint64_t j;

	pins = pin_memory(subject);
	if (pins < 0)
		return pins;

	hist_reset(&hist_alloc);
	hist_reset(&hist_free);
	j = 0;
	do {
		ret = walk(subject, &objs[pins],
				RTE_MAX(subject->live * 4 / 5, 2U));
	} while (ret == 0 && (++j < n || walk_on(growing)));

	for (i = 0; i < (unsigned int)pins; i++)
		subject->calls->free(subject->keys[0], objs[i]);

	summarize(&hist_alloc, &sample->cycles[0]);
	summarize(&hist_free, &sample->cycles[N_QUANTILES]);
	sample->elapsed = rte_rdtsc() - start;

	return ret;
}

static int
run_latency(const struct scenario *scenario __rte_unused,
	const struct subject *subject, uint64_t n, struct sample *sample)
{
	return measure(subject, n, false, sample);
}

/* On another lcore: growth upon growth. */
static int
grow_on(void *arg __rte_unused)
{
	uint64_t cycles;
	int ret = 0;

	while (!rte_atomic_load_explicit(&grower.stop,
			rte_memory_order_relaxed)) {
		ret = memory_ops(grower.alloc)->grow(grower.alloc, &cycles);
		if (ret < 0) {
			rte_atomic_store_explicit(&grower.failed, true,
				rte_memory_order_relaxed);
			break;
		}
		grower.cycles += cycles;
		rte_delay_us_sleep(GROWTH_PAUSE_US);
		rte_atomic_fetch_add_explicit(&grower.growths, 1,
			rte_memory_order_relaxed);
	}

	return ret;
}

static int
run_growth(const struct scenario *scenario __rte_unused,
	const struct subject *subject, uint64_t n, struct sample *sample)
{
	const unsigned int lcore = rte_get_next_lcore(-1, 1, 0);
	unsigned int growths;
	int ret, growth_ret;

	grower.alloc = subject->alloc;
	grower.cycles = 0;
	rte_atomic_store_explicit(&grower.growths, 0, rte_memory_order_relaxed);
	rte_atomic_store_explicit(&grower.failed, false,
		rte_memory_order_relaxed);
	rte_atomic_store_explicit(&grower.stop, false,
		rte_memory_order_relaxed);

	ret = rte_eal_remote_launch(grow_on, NULL, lcore);
	if (ret < 0)
		return ret;
	ret = measure(subject, n, true, sample);
	rte_atomic_store_explicit(&grower.stop, true, rte_memory_order_relaxed);
	growth_ret = scenario_wait_lcore(lcore);

	growths = rte_atomic_load_explicit(&grower.growths,
			rte_memory_order_relaxed);
	if (growths > 0)
		sample->cycles[2 * N_QUANTILES] =
			(double)grower.cycles / growths;

	return ret < 0 ? ret : growth_ret;
}

#define QUANTILE_NAMES(call) \
	call " p50", call " p99", call " p99.9", call " p99.99", call " max"

const struct scenario scenario_latency = {
	.name = "latency",
	.desc = "single calls, live objects come and go in thousands",
	.metrics = { QUANTILE_NAMES("alloc"), QUANTILE_NAMES("free") },
	.batch = N_CALLS,
	.live = MAX_OBJS,
	.live_bytes = MAX_BYTES,
	.quantiles = true,
	.setup = setup_latency,
	.run = run_latency,
};

const struct scenario scenario_latency_growth = {
	.name = "latency-growth",
	.desc = "as latency, while another lcore takes memory from EAL",
	.metrics = {
		QUANTILE_NAMES("alloc"),
		QUANTILE_NAMES("free"),
		"growth",
	},
	.batch = N_CALLS,
	.live = MAX_OBJS,
	.live_bytes = MAX_BYTES,
	.min_lcores = 2,
	.quantiles = true,
	.setup = setup_latency,
	.run = run_growth,
};
