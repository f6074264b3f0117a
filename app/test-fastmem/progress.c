/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_lcore.h>

#include "progress.h"

/* Between two updates: writing is not to be a part of what is measured. */
#define UPDATE_MS 200

/* To warm up and to count repetitions takes about as long as so many rounds. */
#define WARM_UP_ROUNDS 3

/* What alloc and free take in the slower half of the scenarios, about. */
#define OBJECT_NS 150

#define MAX_WIDTH 79

static struct {
	bool on;
	/* Characters that the line has now. */
	int width;
	uint64_t start;
	uint64_t last_update;
	const struct options *opts;
	/*
	 * What is planned, in seconds: the run, its part that is over, and
	 * what is measured now.
	 */
	double total;
	double over;
	double current;
	const struct scenario *scenario;
	size_t size;
} progress;

/* Seconds for one size, by the rules of how many rounds there will be. */
static double
plan(const struct options *opts, const struct scenario *scenario)
{
	const double each = RTE_MAX((double)opts->duration,
			1e-6 * OBJECT_NS * scenario->batch);
	double rounds;

	rounds = RTE_MAX(opts->rounds * 2 * opts->duration / each,
			(double)opts->min_rounds);
	rounds = RTE_MIN(rounds, (double)opts->rounds);

	return 1e-3 * each * (rounds + WARM_UP_ROUNDS) * opts->n_allocators *
		(scenario->any_caller ? opts->n_callers : 1);
}

void
progress_start(const struct options *opts)
{
	const struct scenario *scenario;
	unsigned int i;

	memset(&progress, 0, sizeof(progress));
	progress.on = isatty(STDERR_FILENO) && isatty(STDOUT_FILENO);
	progress.opts = opts;
	progress.start = rte_get_tsc_cycles();
	for (i = 0; i < opts->n_scenarios; i++) {
		scenario = opts->scenarios[i];
		if (rte_lcore_count() >= scenario->min_lcores)
			progress.total += plan(opts, scenario) *
				(scenario->mixed ? 1 : opts->n_sizes);
	}
}

/* What is over tells by how much the plan is wrong. */
static double
seconds_left(double part)
{
	const double elapsed = (double)(rte_get_tsc_cycles() - progress.start) /
		rte_get_tsc_hz();
	const double done = progress.over + progress.current * part;
	const double left = progress.total - done;

	return progress.over > 0 ? left * elapsed / done : left;
}

/* Rounded up: the more, the further away the end is. */
static void
describe_rest(char *buf, size_t len, double left)
{
	const unsigned int s = RTE_MAX(left, 0.0) + 1;

	if (s > 90)
		snprintf(buf, len, "%u min", s / 60 + 1);
	else
		snprintf(buf, len, "%u s", s > 10 ? s / 5 * 5 + 5 : s);
}

/* A line that is broken could not be erased. */
static int
terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return MAX_WIDTH;

	return RTE_MIN(size.ws_col - 1, MAX_WIDTH);
}

static void
update(const char *what, double part)
{
	char line[MAX_WIDTH + 1], size[32], rest[32];
	int width;

	progress.last_update = rte_get_tsc_cycles();
	describe_rest(rest, sizeof(rest), seconds_left(part));
	if (progress.size == 0)
		snprintf(size, sizeof(size), "%u to %u B", MIXED_MIN, MIXED_MAX);
	else
		snprintf(size, sizeof(size), "%zu B", progress.size);
	snprintf(line, RTE_MIN((int)sizeof(line), terminal_width() + 1),
		"%s, %s: %s, about %s left", progress.scenario->name, size,
		what, rest);
	width = strlen(line);
	/* Blanks over what was longer. */
	fprintf(stderr, "\r%-*s", RTE_MAX(width, progress.width), line);
	progress.width = width;
}

void
progress_begin(const struct scenario *scenario, size_t size)
{
	if (!progress.on)
		return;
	/* What is measured once more was counted before. */
	if (scenario != progress.scenario || size != progress.size) {
		progress.over += progress.current;
		progress.current = plan(progress.opts, scenario);
	}
	progress.scenario = scenario;
	progress.size = size;
	update("warming up", 0);
}

void
progress_round(unsigned int round, unsigned int n_rounds)
{
	const uint64_t now = rte_get_tsc_cycles();
	char what[32];

	if (!progress.on || now - progress.last_update <
			rte_get_tsc_hz() / 1000 * UPDATE_MS)
		return;
	snprintf(what, sizeof(what), "round %u/%u", round + 1, n_rounds);
	update(what, (double)(round + WARM_UP_ROUNDS) /
		(n_rounds + WARM_UP_ROUNDS));
}

void
progress_erase(void)
{
	if (progress.width > 0)
		fprintf(stderr, "\r%*s\r", progress.width, "");
	progress.width = 0;
}
