/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * What a single caller does can only be disturbed for the worse, so the best of
 * many short rounds is what the code is able to do. Where lcores work together
 * there is no such thing: a ratio is taken within each round, so that
 * what disturbs the machine for longer than a round disturbs both of its
 * figures, and the median of all of them is judged. What misses its target is
 * measured once more, and longer: that figure counts then.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_lcore.h>

#include "judge.h"

/* So many times the rounds when something is measured again. */
#define AGAIN_FACTOR 3

/* The ratio that a target is about, or a negative value. */
static double
target_ratio(const struct target *target, const struct result *result,
	const struct result *reference)
{
	if (target->best)
		return result->metrics[target->metric].best /
			reference->metrics[target->metric].best;

	return stats_ratio(result->samples[target->metric], result->rounds,
			reference->samples[target->metric], reference->rounds);
}

/* Judge by what was measured last. */
static void
judge(struct verdict *verdict, const struct results *results)
{
	const struct target *target = verdict->target;
	const struct result *result, *reference, *null;

	result = results_find(results, target->scenario, target->allocator,
			target->caller, verdict->size);
	reference = results_find(results, target->scenario, target->reference,
			REFERENCE_CALLER, verdict->size);
	null = results_find(results, target->scenario, NULL_ALLOCATOR,
			REFERENCE_CALLER, verdict->size);
	verdict->met = false;
	verdict->skipped = NULL;
	verdict->floor = -1;
	if (result->skipped != NULL) {
		verdict->skipped = result->skipped;
		return;
	}
	if (reference->skipped != NULL) {
		verdict->skipped = reference->skipped;
		return;
	}
	verdict->ratio = target_ratio(target, result, reference);
	if (null != NULL && null->skipped == NULL &&
			!target->scenario->quantiles)
		verdict->floor = target_ratio(target, null, reference);
	if (verdict->ratio < 0)
		verdict->skipped = "out of memory";
	else
		verdict->met = verdict->ratio <= target->limit;
}

static int
judge_again(const struct options *opts, const struct scenario *scenario,
	struct verdict *verdicts, unsigned int n)
{
	struct options longer = *opts;
	struct results results = { 0 };
	bool missed = false;
	unsigned int i;
	int ret;

	for (i = 0; i < n; i++)
		missed |= !verdicts[i].met && verdicts[i].skipped == NULL;
	if (!missed)
		return 0;

	longer.rounds *= AGAIN_FACTOR;
	longer.min_rounds *= AGAIN_FACTOR;
	ret = bench_measure(&longer, scenario, verdicts[0].size, &results);
	for (i = 0; i < n && ret == 0; i++) {
		if (verdicts[i].met || verdicts[i].skipped != NULL)
			continue;
		verdicts[i].again = true;
		judge(&verdicts[i], &results);
	}
	results_free(&results);

	return ret;
}

static int
judge_size(const struct options *opts, const struct scenario *scenario,
	size_t size, struct results *results, struct verdicts *verdicts)
{
	const struct targets *targets = opts->targets;
	struct verdict *array, *verdict;
	const unsigned int first = verdicts->n;
	unsigned int i;
	int ret;

	array = realloc(verdicts->array,
			(first + targets->n) * sizeof(*array));
	if (array == NULL)
		return -ENOMEM;
	verdicts->array = array;

	ret = bench_measure(opts, scenario, size, results);
	if (ret < 0)
		return ret;
	for (i = 0; i < targets->n; i++) {
		if (targets->array[i].scenario != scenario)
			continue;
		verdict = &array[verdicts->n++];
		memset(verdict, 0, sizeof(*verdict));
		verdict->target = &targets->array[i];
		verdict->size = size;
		judge(verdict, results);
	}

	return judge_again(opts, scenario, &array[first], verdicts->n - first);
}

/* There is nothing to measure, yet the targets are not met. */
static int
judge_nothing(const struct options *opts, const struct scenario *scenario,
	struct verdicts *verdicts)
{
	const struct targets *targets = opts->targets;
	struct verdict *array;
	unsigned int i, j;

	array = realloc(verdicts->array, (verdicts->n +
			targets->n * opts->n_sizes) * sizeof(*array));
	if (array == NULL)
		return -ENOMEM;
	verdicts->array = array;

	for (i = 0; i < targets->n; i++) {
		for (j = 0; j < opts->n_sizes; j++) {
			if (targets->array[i].scenario != scenario)
				continue;
			array[verdicts->n++] = (struct verdict) {
				.target = &targets->array[i],
				.size = opts->sizes[j],
				.skipped = "too few lcores",
				.floor = -1,
			};
		}
	}

	return 0;
}

int
judge_scenario(const struct options *opts, const struct scenario *scenario,
	struct results *results, struct verdicts *verdicts)
{
	const unsigned int n_sizes = scenario->mixed ? 1 : opts->n_sizes;
	unsigned int i;
	int ret = 0;

	if (rte_lcore_count() < scenario->min_lcores)
		return judge_nothing(opts, scenario, verdicts);

	for (i = 0; i < n_sizes && ret == 0; i++)
		ret = judge_size(opts, scenario,
				scenario->mixed ? 0 : opts->sizes[i], results,
				verdicts);
	return ret;
}

bool
judge_is_below_floor(const struct verdict *verdict)
{
	return !verdict->met && verdict->skipped == NULL &&
		verdict->target->limit < verdict->floor;
}

bool
judge_passed(const struct verdicts *verdicts)
{
	unsigned int i;

	for (i = 0; i < verdicts->n; i++)
		if (!verdicts->array[i].met)
			return false;

	return true;
}

void
judge_free(struct verdicts *verdicts)
{
	free(verdicts->array);
	memset(verdicts, 0, sizeof(*verdicts));
}
