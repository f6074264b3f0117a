/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Secondary processes that kill themselves at race points, see the programmer's
 * guide: between any two steps that matter to others.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "test_fastmem_death.h"

/* How long a process is watched to see which points it comes to. */
#define SURVEY_US 300000
/* How long one is waited for to come to its point, and how often. */
#define POINT_US 3000000
#define TRIES 3
/* It dies within this part of what was seen of it. */
#define SURVEY_FRACTION 8

/* The tasks that differ in the points they come to. */
static const enum death_task tasks[] = {
	DEATH_TASK_WORK, DEATH_TASK_GROW, DEATH_TASK_THREADS, DEATH_TASK_ATTACH,
};

struct point {
	char name[DEATH_POINT_NAME];
	uint64_t n_seen[RTE_DIM(tasks)];
	unsigned int n_killed;
	unsigned int n_missed;
};

static struct point points[DEATH_MAX_POINTS];
static unsigned int n_points;

static void
note_points(unsigned int task_idx)
{
	unsigned int i;

	n_points = death_area->n_points;
	for (i = 0; i < n_points; i++) {
		memcpy(points[i].name, death_area->points[i].name,
			sizeof(points[i].name));
		points[i].n_seen[task_idx] = death_area->points[i].n;
	}
}

/* One process after the other has the number 1; the others only stand by. */
static int
survey(struct death_run *run)
{
	unsigned int i;
	bool self;
	int ret;

	run->polite = true;
	for (i = 0; i < RTE_DIM(tasks); i++) {
		if (death_spawn(run, 1, tasks[i], NULL) != TEST_SUCCESS)
			return TEST_FAILED;
		ret = death_await_start(run, 1, tasks[i]);
		if (ret != TEST_SUCCESS)
			return ret;
		if (death_await_end(run, 1, SURVEY_US, &self) != TEST_SUCCESS ||
				death_check(run, 1) != TEST_SUCCESS)
			return TEST_FAILED;
		note_points(i);
	}
	run->polite = false;
	TEST_ASSERT(n_points != 0, "no race points");
	return TEST_SUCCESS;
}

/* One of the tasks that come to a point, or -1. */
static int
pick_task(struct death_run *run, const struct point *point)
{
	unsigned int i, k = death_rnd(run, RTE_DIM(tasks));

	for (i = 0; i < RTE_DIM(tasks); i++, k++)
		if (point->n_seen[k % RTE_DIM(tasks)] != 0)
			break;
	return i < RTE_DIM(tasks) ? (int)(k % RTE_DIM(tasks)) : -1;
}

static int
kill_at(struct death_run *run, struct point *point)
{
	bool self = false;
	unsigned int i;
	uint64_t n;
	int k, ret;

	for (i = 0; i < TRIES && !self; i++) {
		k = pick_task(run, point);
		n = i == 0 ? point->n_seen[k] / SURVEY_FRACTION : 0;
		snprintf(run->env, sizeof(run->env), "FASTMEM_RACE_KILL=%s:%"
			PRIu64, point->name, 1 + death_rnd(run, 1 + n));
		if (death_spawn(run, 1, tasks[k], run->env) != TEST_SUCCESS)
			return TEST_FAILED;
		ret = death_await_start(run, 1, tasks[k]);
		if (ret != TEST_SUCCESS)
			return ret;
		if (death_await_end(run, 1, POINT_US, &self) != TEST_SUCCESS ||
				death_check(run, 1) != TEST_SUCCESS) {
			printf("%s\n", run->env);
			return TEST_FAILED;
		}
	}
	if (self)
		point->n_killed++;
	else
		point->n_missed++;
	return TEST_SUCCESS;
}

/* As many as there are to be, all of them equally often, about. */
static int
kill_at_all(struct death_run *run, unsigned int n_deaths)
{
	unsigned int i, n = 0, first = death_rnd(run, n_points);
	int ret;

	while (n < n_deaths) {
		for (i = first; i < first + n_points && n < n_deaths; i++) {
			if (pick_task(run, &points[i % n_points]) < 0)
				continue;
			ret = kill_at(run, &points[i % n_points]);
			if (ret != TEST_SUCCESS)
				return ret;
			n++;
		}
		TEST_ASSERT(n != 0, "no process came to any point");
	}
	return TEST_SUCCESS;
}

static bool
point_was_seen(const struct point *point)
{
	unsigned int i;

	for (i = 0; i < RTE_DIM(tasks); i++)
		if (point->n_seen[i] != 0)
			return true;
	return false;
}

/* In a form that devtools/test-deaths.sh adds up. */
static void
print_points(void)
{
	unsigned int i, k;

	printf(" points where processes killed themselves, and how often they were seen while processes worked, grew, had threads, attached:\n");
	for (i = 0; i < n_points; i++) {
		if (!point_was_seen(&points[i]))
			continue;
		printf("  %-28s killed %u missed %u seen", points[i].name,
			points[i].n_killed, points[i].n_missed);
		for (k = 0; k < RTE_DIM(tasks); k++)
			printf(" %" PRIu64, points[i].n_seen[k]);
		printf("\n");
	}
}

static int
run_points(struct death_run *run)
{
	unsigned int proc;
	int ret;

	for (proc = 2; proc <= run->n_procs; proc++)
		if (death_spawn(run, proc, DEATH_TASK_WORK, NULL) !=
				TEST_SUCCESS)
			return TEST_FAILED;
	for (proc = 2; proc <= run->n_procs; proc++) {
		ret = death_await_start(run, proc, DEATH_TASK_WORK);
		if (ret != TEST_SUCCESS)
			return ret;
	}
	memset(points, 0, sizeof(points));
	ret = survey(run);
	return ret == TEST_SUCCESS ? kill_at_all(run, run->n_deaths) : ret;
}

int
death_run_points(struct death_run *run)
{
	int ret;

	ret = death_run_begin(run) == 0 ? run_points(run) : TEST_FAILED;
	ret = death_run_finish(run, ret);
	print_points();
	return ret;
}
