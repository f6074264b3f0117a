/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "scen_pair.h"

/* A measurement ends after this time, or a little later. */
#define MAX_MS 250

/* How many objects are sent before the time is looked at. */
#define CHECK_OBJS 1024

static struct pair pairs[RTE_MAX_LCORE / 2];
static unsigned int n_pairs;
static struct gate gate;

void
pairs_teardown(void)
{
	unsigned int i;

	for (i = 0; i < n_pairs; i++) {
		rte_ring_free(pairs[i].sides[0].out);
		rte_ring_free(pairs[i].sides[0].in);
	}
	memset(pairs, 0, sizeof(pairs));
	n_pairs = 0;
}

static struct rte_ring *
create_ring(unsigned int pair, unsigned int direction, unsigned int burst)
{
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "test_fastmem_%u_%u", pair, direction);

	return rte_ring_create(name, PAIR_RING(burst), rte_socket_id(),
			RING_F_SP_ENQ | RING_F_SC_DEQ);
}

/* The lcores in their order, the main lcore first: two by two. */
int
pairs_setup(unsigned int burst, bool both_ways)
{
	unsigned int lcore = rte_get_main_lcore();
	struct pair *pair;
	unsigned int i;

	for (i = 0; i < rte_lcore_count() / 2; i++) {
		pair = &pairs[i];
		n_pairs++;
		pair->burst = burst;
		pair->sides[0].pair = pair;
		pair->sides[1].pair = pair;
		pair->sides[0].lcore = lcore;
		lcore = rte_get_next_lcore(i == 0 ? -1U : lcore, 1, 0);
		pair->sides[1].lcore = lcore;
		lcore = rte_get_next_lcore(lcore, 1, 0);

		pair->sides[0].out = create_ring(i, 0, burst);
		if (pair->sides[0].out == NULL)
			goto failed;
		pair->sides[1].in = pair->sides[0].out;
		if (!both_ways)
			continue;
		pair->sides[0].in = create_ring(i, 1, burst);
		if (pair->sides[0].in == NULL)
			goto failed;
		pair->sides[1].out = pair->sides[0].in;
	}

	return 0;

failed:
	pairs_teardown();
	return -rte_errno;
}

static int
run_side(void *arg)
{
	struct side *side = arg;
	struct pair *pair = side->pair;

	gate_pass(&gate);

	side->start = rte_rdtsc_precise();
	side->deadline = side->start + rte_get_tsc_hz() / 1000 * MAX_MS;
	side->ret = pair->role[side == &pair->sides[1]](side);
	side->end = rte_rdtsc_precise();

	return 0;
}

/* After a failure only. */
static void
empty_ring(struct rte_ring *ring, const struct subject *subject)
{
	void *obj;

	if (ring == NULL)
		return;
	while (rte_ring_sc_dequeue(ring, &obj) == 0)
		subject->calls->free(subject->keys[0], obj);
}

static int
launch_sides(void)
{
	struct side *side;
	unsigned int i;
	int ret;

	gate_init(&gate, 2 * n_pairs);
	/* The first one is on this lcore. */
	for (i = 1; i < 2 * n_pairs; i++) {
		side = &pairs[i / 2].sides[i % 2];
		ret = rte_eal_remote_launch(run_side, side, side->lcore);
		/* The lcores are idle, and those launched wait at the gate. */
		if (ret < 0)
			return ret;
	}
	run_side(&pairs[0].sides[0]);
	for (i = 1; i < 2 * n_pairs; i++)
		scenario_wait_lcore(pairs[i / 2].sides[i % 2].lcore);

	return 0;
}

int
pairs_run(const struct subject *subject, uint64_t n,
	int (*first)(struct side *side), int (*second)(struct side *side),
	uint64_t *cycles, double *bursts)
{
	uint64_t start = UINT64_MAX, end = 0, sent = 0;
	struct side *side;
	struct pair *pair;
	unsigned int i, j;
	int ret;

	for (i = 0; i < n_pairs; i++) {
		pair = &pairs[i];
		pair->subject = subject;
		pair->role[0] = first;
		pair->role[1] = second;
		pair->n = n;
		pair->n_check = RTE_MAX(CHECK_OBJS / pair->burst, 1U);
		side_stop(&pair->sides[0], UINT64_MAX);
		side_stop(&pair->sides[1], UINT64_MAX);
		rte_atomic_store_explicit(&pair->failed, false,
			rte_memory_order_relaxed);
	}

	ret = launch_sides();

	for (i = 0; i < n_pairs; i++) {
		pair = &pairs[i];
		if (pair->sides[0].ret < 0 || pair->sides[1].ret < 0)
			ret = -ENOMEM;
		empty_ring(pair->sides[0].out, subject);
		empty_ring(pair->sides[1].out, subject);
		for (j = 0; j < 2; j++) {
			side = &pair->sides[j];
			start = RTE_MIN(start, side->start);
			end = RTE_MAX(end, side->end);
			if (side->out != NULL)
				sent += rte_atomic_load_explicit(&side->sent,
					rte_memory_order_acquire);
		}
	}
	*cycles = end - start;
	*bursts = (double)sent / n_pairs;

	return ret;
}
