/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * All allocators, with all callers, take turns, round after round, so whatever
 * disturbs the machine for a while disturbs all of them; and every round
 * begins with another one, so that none always follows the same predecessor.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_lcore.h>

#include "bench.h"
#include "memory.h"
#include "quiet.h"
#include "progress.h"

/*
 * In one measurement: otherwise, a thread that happens to be preempted while
 * the number of repetitions is determined would make it far too small.
 */
#define MIN_OBJECTS 4096

/*
 * So often is a secondary process started anew: where the kernel puts code and
 * data of a process makes a difference of up to a fifth for all of its life.
 */
#define RENEW_ROUNDS 8

volatile sig_atomic_t bench_stop;

/* An allocator under test, and who calls it. */
struct cell {
	struct subject subject;
	const struct caller *caller;
	/* The caller is ready for the subject. */
	bool called;
	unsigned int n_keys;
	const char *skipped;
	/* How often the pattern is repeated in one measurement. */
	uint64_t repeat;
	unsigned int rounds;
	unsigned int min_rounds;
	unsigned int n_samples;
	double *samples[MAX_METRICS];
};

static const char *
reason(int error)
{
	switch (error) {
	case -ENOMEM:
		return "out of memory";
	case -EEXIST:
		return "name in use";
	case -ECONNRESET:
		return "the secondary process has ended";
	default:
		return strerror(-error);
	}
}

static void
cell_close(struct cell *cell, const struct scenario *scenario)
{
	const struct allocator *allocator = cell->subject.alloc;
	unsigned int i;

	/* What the caller still has goes back before the memory does. */
	if (cell->called && cell->caller->close != NULL)
		cell->caller->close(scenario, &cell->subject);
	for (i = 0; i < MAX_METRICS; i++)
		free(cell->samples[i]);
	free(cell->subject.random_keys);
	if (!allocator->pooled)
		cell->n_keys = RTE_MIN(cell->n_keys, 1U);
	if (allocator->close != NULL)
		for (i = 0; i < cell->n_keys; i++)
			allocator->close(cell->subject.keys[i]);
	cell->n_keys = 0;
	if (scenario->fresh && memory_ops(allocator)->restore != NULL)
		memory_ops(allocator)->restore();
}

/* As many objects as the scenario has alive at once. */
static unsigned int
count_live(const struct scenario *scenario, size_t size)
{
	unsigned int live = scenario->live;

	if (scenario->live_bytes > 0 && size > 0)
		live = RTE_MIN(live, scenario->live_bytes / size);
	if (scenario->live_lcores > 0)
		live *= rte_lcore_count() / scenario->live_lcores;

	return RTE_MAX(live, 1U);
}

static int
cell_open_keys(struct cell *cell, const struct scenario *scenario)
{
	const unsigned int n_keys = scenario->mixed ? MAX_KEYS : 1;
	struct subject *subject = &cell->subject;
	unsigned int i;
	int ret;

	for (i = 0; i < n_keys; i++) {
		ret = subject->alloc->open(
				scenario->mixed ? mixed_classes[i] : subject->size,
				subject->live, &subject->keys[i]);
		if (ret < 0)
			return ret;
		cell->n_keys++;
	}

	return scenario->mixed ? subject_draw_keys(subject) : 0;
}

static int
cell_open(struct cell *cell, const struct allocator *allocator,
	const struct caller *caller, const struct scenario *scenario,
	size_t size, const struct options *opts)
{
	unsigned int i;
	int ret;

	memset(cell, 0, sizeof(*cell));
	cell->subject.alloc = allocator;
	cell->subject.calls = allocator_calls(allocator, size);
	cell->subject.size = size;
	cell->subject.live = count_live(scenario, size);
	cell->caller = caller;
	cell->rounds = opts->rounds;
	cell->min_rounds = opts->min_rounds;

	cell->skipped = allocator_missing(allocator);
	if (cell->skipped == NULL)
		cell->skipped = caller_obstacle(caller);
	if (cell->skipped != NULL)
		return 0;
	if (scenario->fresh && memory_ops(allocator)->refresh == NULL) {
		cell->skipped = "its memory cannot be made fresh";
		return 0;
	}

	for (i = 0; i < scenario_n_metrics(scenario); i++) {
		cell->samples[i] = calloc(cell->rounds, sizeof(double));
		if (cell->samples[i] == NULL)
			return -ENOMEM;
	}

	ret = cell_open_keys(cell, scenario);
	if (ret == 0) {
		cell->called = true;
		if (caller->open != NULL)
			ret = caller->open(scenario, &cell->subject);
	}
	if (ret < 0)
		cell->skipped = reason(ret);

	return 0;
}

/* A measurement. Returns what a scenario's run() does. */
static int
cell_run(struct cell *cell, const struct scenario *scenario, uint64_t n,
	struct sample *sample)
{
	struct subject *subject = &cell->subject;
	uint64_t start;
	int ret;

	if (!scenario->fresh)
		return cell->caller->run(scenario, subject, n, sample);

	start = rte_rdtsc();
	ret = memory_ops(subject->alloc)->refresh(subject->alloc, subject->size,
			subject->live, &subject->keys[0]);
	if (ret < 0) {
		/* There is no pool any more. */
		cell->n_keys = 0;
		return ret;
	}
	ret = cell->caller->run(scenario, subject, n, sample);
	/* That it takes so much longer makes for fewer rounds. */
	sample->elapsed = rte_rdtsc() - start;

	return ret;
}

/*
 * The pattern is not to be repeated more than this often in a measurement,
 * yet may take longer than it should: in fewer rounds, then.
 */
static void
cell_limit(struct cell *cell, uint64_t repeat, uint64_t duration,
	uint64_t elapsed)
{
	uint64_t rounds;

	cell->repeat = repeat;
	rounds = (double)cell->rounds * 2 * duration / RTE_MAX(elapsed, UINT64_C(1));
	rounds = RTE_MAX(rounds, (uint64_t)cell->min_rounds);
	cell->rounds = RTE_MIN(rounds, (uint64_t)cell->rounds);
}

/*
 * Whether the pattern is measured in no more rounds than it has to be, so that
 * it does not matter exactly how long it takes.
 */
static bool
takes_long(const struct cell *cell, uint64_t duration, uint64_t elapsed)
{
	return elapsed / 2 * cell->min_rounds > cell->rounds * duration;
}

/*
 * Warm up, and find out how often the pattern has to be repeated to last for
 * the given number of cycles.
 */
static void
cell_calibrate(struct cell *cell, const struct scenario *scenario,
	uint64_t duration)
{
	const uint64_t min = (MIN_OBJECTS + scenario->batch - 1) /
		scenario->batch;
	uint64_t n, elapsed = 0, growth;
	bool confirmed = false;
	struct sample sample;
	int ret;

	for (n = min;;) {
		quiet_wait(scenario->min_lcores > 1);
		ret = cell_run(cell, scenario, n, &sample);
		if (ret < 0) {
			cell->skipped = reason(ret);
			return;
		}
		/* Fresh memory is so just once. */
		if (scenario->fresh) {
			cell_limit(cell, 1, duration, sample.elapsed);
			return;
		}
		/* Of two runs, the one that was disturbed less. */
		if (!confirmed || sample.elapsed < elapsed)
			elapsed = RTE_MAX(sample.elapsed, UINT64_C(1));
		if (elapsed >= duration / 2) {
			if (confirmed || bench_stop ||
					takes_long(cell, duration, elapsed))
				break;
			confirmed = true;
			continue;
		}
		growth = RTE_MIN(duration / 2 / elapsed, UINT64_C(16));
		n *= RTE_MAX(growth, UINT64_C(2));
		confirmed = false;
	}

	cell->repeat = (double)n * duration / elapsed;
	if (cell->repeat < min)
		cell_limit(cell, min, duration, (double)elapsed * min / n);
}

static void
cell_sample(struct cell *cell, const struct scenario *scenario)
{
	const bool all_lcores = scenario->min_lcores > 1;
	struct sample sample;
	bool was_quiet;
	unsigned int i;
	int ret;

	if (cell->skipped != NULL || cell->n_samples == cell->rounds)
		return;

	do {
		was_quiet = quiet_wait(all_lcores);
		ret = cell_run(cell, scenario, cell->repeat, &sample);
		if (ret < 0) {
			cell->skipped = reason(ret);
			return;
		}
	} while (quiet_again(all_lcores, was_quiet, sample.elapsed));
	for (i = 0; i < scenario_n_metrics(scenario); i++)
		cell->samples[i][cell->n_samples] = sample.cycles[i];
	cell->n_samples++;
}

/* The samples are the result's from now on. */
static int
cell_result(struct cell *cell, const struct scenario *scenario,
	struct result *result)
{
	unsigned int i;
	int ret = 0;

	memset(result, 0, sizeof(*result));
	result->scenario = scenario;
	result->allocator = cell->subject.alloc;
	result->caller = cell->caller;
	result->size = cell->subject.size;
	result->skipped = cell->skipped;
	if (cell->skipped != NULL)
		return 0;

	result->rounds = cell->n_samples;
	for (i = 0; i < scenario_n_metrics(scenario) && ret == 0; i++) {
		ret = stats_summarize(cell->samples[i], cell->n_samples,
				&result->metrics[i]);
		result->samples[i] = cell->samples[i];
		cell->samples[i] = NULL;
	}

	return ret;
}

static int
measure_cells(struct cell *cells, unsigned int n_cells,
	const struct options *opts, const struct scenario *scenario)
{
	const uint64_t duration = rte_get_tsc_hz() / 1000 * opts->duration;
	unsigned int round, i;

	for (i = 0; i < n_cells && !bench_stop; i++)
		if (cells[i].skipped == NULL)
			cell_calibrate(&cells[i], scenario, duration);

	for (round = 0; round < opts->rounds && !bench_stop; round++) {
		progress_round(round, opts->rounds);
		if (scenario->any_caller &&
				round % RENEW_ROUNDS == RENEW_ROUNDS - 1)
			callers_renew();
		for (i = 0; i < n_cells && !bench_stop; i++)
			cell_sample(&cells[(round + i) % n_cells], scenario);
	}

	return bench_stop ? -EINTR : 0;
}

static int
results_extend(struct results *results, unsigned int n)
{
	struct result *array;

	array = realloc(results->array, (results->n + n) * sizeof(*array));
	if (array == NULL)
		return -ENOMEM;
	results->array = array;

	return 0;
}

/* Whether there is anything to measure of this allocator and caller. */
static bool
is_wanted(const struct options *opts, const struct scenario *scenario,
	const struct allocator *allocator, const struct caller *caller)
{
	if (caller != REFERENCE_CALLER && !scenario->any_caller)
		return false;

	return opts->targets == NULL ||
		targets_need(opts->targets, scenario, allocator, caller);
}

/* Callers of an allocator are neighbors, as they are what is compared. */
static int
open_cells(struct cell *cells, unsigned int *n_cells,
	const struct options *opts, const struct scenario *scenario,
	size_t size)
{
	unsigned int i, j;
	int ret;

	for (i = 0; i < opts->n_allocators; i++) {
		for (j = 0; j < opts->n_callers; j++) {
			if (!is_wanted(opts, scenario, opts->allocators[i],
					opts->callers[j]))
				continue;
			ret = cell_open(&cells[(*n_cells)++],
					opts->allocators[i], opts->callers[j],
					scenario, size, opts);
			if (ret < 0)
				return ret;
		}
	}

	return 0;
}

int
bench_measure(const struct options *opts, const struct scenario *scenario,
	size_t size, struct results *results)
{
	struct cell cells[MAX_ALLOCATORS * MAX_CALLERS];
	unsigned int n_cells = 0;
	unsigned int i;
	int ret;

	ret = results_extend(results, opts->n_allocators * opts->n_callers);
	if (ret < 0)
		return ret;

	if (scenario->setup != NULL) {
		ret = scenario->setup(scenario);
		if (ret < 0)
			return ret;
	}

	progress_begin(scenario, size);
	ret = open_cells(cells, &n_cells, opts, scenario, size);
	if (ret == 0)
		ret = measure_cells(cells, n_cells, opts, scenario);
	progress_erase();

	for (i = 0; i < n_cells; i++) {
		if (ret == 0)
			ret = cell_result(&cells[i], scenario,
					&results->array[results->n++]);
		cell_close(&cells[i], scenario);
	}
	if (scenario->teardown != NULL)
		scenario->teardown();

	return ret;
}

const struct result *
results_find(const struct results *results, const struct scenario *scenario,
	const struct allocator *allocator, const struct caller *caller,
	size_t size)
{
	const struct result *result;
	unsigned int i;

	for (i = 0; i < results->n; i++) {
		result = &results->array[i];
		if (result->scenario == scenario &&
				result->allocator == allocator &&
				result->caller == caller &&
				result->size == size)
			return result;
	}

	return NULL;
}

double
results_ratio(const struct results *results, const struct result *result,
	unsigned int metric)
{
	const struct result *reference;

	reference = results_find(results, result->scenario,
			REFERENCE_ALLOCATOR, result->caller, result->size);
	if (reference == NULL || reference->skipped != NULL ||
			result->skipped != NULL ||
			reference->metrics[metric].median == 0)
		return 0;

	return result->metrics[metric].median /
		reference->metrics[metric].median;
}

double
results_net(const struct results *results, const struct result *result,
	unsigned int metric)
{
	const struct result *null;

	null = results_find(results, result->scenario, NULL_ALLOCATOR,
			result->caller, result->size);
	if (null == NULL || null->skipped != NULL || result->skipped != NULL ||
			result->scenario->quantiles)
		return -1;

	return RTE_MAX(result->metrics[metric].median -
			null->metrics[metric].median, 0.0);
}

double
results_caller_ratio(const struct results *results,
	const struct result *result, unsigned int metric)
{
	const struct result *reference;

	reference = results_find(results, result->scenario, result->allocator,
			REFERENCE_CALLER, result->size);
	if (reference == NULL || reference->skipped != NULL ||
			result->skipped != NULL ||
			reference->metrics[metric].best == 0)
		return 0;

	return result->metrics[metric].best / reference->metrics[metric].best;
}

void
results_free(struct results *results)
{
	unsigned int i, j;

	for (i = 0; i < results->n; i++)
		for (j = 0; j < MAX_METRICS; j++)
			free(results->array[i].samples[j]);
	free(results->array);
	memset(results, 0, sizeof(*results));
}
