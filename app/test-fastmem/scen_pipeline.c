/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * An lcore allocates objects and sends them to another one over a ring;
 * that one reads each of them and frees it.
 *
 * Both lcores deal with a burst at a time, and use the allocators' bulk calls
 * for it when it is more than one object.
 */

#include <errno.h>

#include "scen_pair.h"

static int
setup_pipeline(const struct scenario *scenario)
{
	return pairs_setup(scenario->batch, false);
}

/* Send a burst, and wait for room as long as it takes. */
static inline void
send_burst(struct rte_ring *ring, void **objs, unsigned int burst)
{
	unsigned int pauses = 0;

	while (rte_ring_sp_enqueue_bulk(ring, objs, burst, NULL) == 0)
		relax(&pauses);
}

static inline void
receive_burst(struct rte_ring *ring, void **objs, unsigned int burst)
{
	unsigned int pauses = 0;

	while (rte_ring_sc_dequeue_bulk(ring, objs, burst, NULL) == 0)
		relax(&pauses);
}

/* A burst that begins with NULL is the last one, and has no objects. */
static __rte_noinline uint64_t
consume_bulk(const struct subject *subject, struct rte_ring *ring,
	unsigned int burst)
{
	void (*release)(uintptr_t key, void **objs, unsigned int n) =
		subject->calls->free_bulk;
	const uintptr_t key = subject->keys[0];
	void *objs[MAX_BURST];
	uint64_t sum = 0;
	unsigned int i;

	for (;;) {
		receive_burst(ring, objs, burst);
		if (unlikely(objs[0] == NULL))
			return sum;
		for (i = 0; i < burst; i++)
			sum += *(const uint64_t *)objs[i];
		release(key, objs, burst);
	}
}

static __rte_noinline uint64_t
consume_one(const struct subject *subject, struct rte_ring *ring)
{
	void (*release)(uintptr_t key, void *obj) = subject->calls->free;
	const uintptr_t key = subject->keys[0];
	uint64_t sum = 0;
	void *obj;

	for (;;) {
		receive_burst(ring, &obj, 1);
		if (unlikely(obj == NULL))
			return sum;
		sum += *(const uint64_t *)obj;
		release(key, obj);
	}
}

/* The functions that produce leave in n how many bursts they have sent. */
static __rte_noinline int
produce_bulk(const struct subject *subject, struct rte_ring *ring,
	unsigned int burst, uint64_t *n)
{
	int (*alloc)(uintptr_t key, void **objs, unsigned int n) =
		subject->calls->alloc_bulk;
	const uintptr_t key = subject->keys[0];
	void *objs[MAX_BURST];
	uint64_t i;

	for (i = 0; i < *n; i++) {
		if (unlikely(alloc(key, objs, burst) < 0)) {
			*n = i;
			return -ENOMEM;
		}
		send_burst(ring, objs, burst);
	}

	return 0;
}

static __rte_noinline int
produce_one(const struct subject *subject, struct rte_ring *ring, uint64_t *n)
{
	void *(*alloc)(uintptr_t key) = subject->calls->alloc;
	const uintptr_t key = subject->keys[0];
	void *obj;
	uint64_t i;

	for (i = 0; i < *n; i++) {
		obj = alloc(key);
		if (unlikely(obj == NULL)) {
			*n = i;
			return -ENOMEM;
		}
		send_burst(ring, &obj, 1);
	}

	return 0;
}

static int
produce(struct side *side)
{
	const struct pair *pair = side->pair;
	void *last[MAX_BURST] = { NULL };
	uint64_t sent = 0, n;
	int ret = 0;

	while (sent < pair->n && ret == 0) {
		n = RTE_MIN(pair->n_check, pair->n - sent);
		if (pair->burst == 1)
			ret = produce_one(pair->subject, side->out, &n);
		else
			ret = produce_bulk(pair->subject, side->out,
					pair->burst, &n);
		sent += n;
		if (rte_rdtsc() > side->deadline)
			break;
	}
	send_burst(side->out, last, pair->burst);
	side_stop(side, sent);

	return ret;
}

static int
consume(struct side *side)
{
	const struct pair *pair = side->pair;

	if (pair->burst == 1)
		side->sum = consume_one(pair->subject, side->in);
	else
		side->sum = consume_bulk(pair->subject, side->in, pair->burst);

	return 0;
}

static int
run_pipeline(const struct scenario *scenario, const struct subject *subject,
	uint64_t n, struct sample *sample)
{
	double bursts;
	int ret;

	ret = pairs_run(subject, n, produce, consume, &sample->elapsed,
			&bursts);
	sample->cycles[0] = sample->elapsed / bursts / scenario->batch;

	return ret;
}

#define PIPELINE_DESC "to another lcore over a ring, read there and freed, " \
	"bursts of "

const struct scenario scenario_pipeline1 = {
	.name = "pipeline1",
	.desc = PIPELINE_DESC "1",
	.metrics = { "alloc + transfer + free" },
	.batch = 1,
	.live = PAIR_LIVE(1),
	.live_lcores = 2,
	.min_lcores = 2,
	.setup = setup_pipeline,
	.teardown = pairs_teardown,
	.run = run_pipeline,
};

const struct scenario scenario_pipeline32 = {
	.name = "pipeline32",
	.desc = PIPELINE_DESC "32",
	.metrics = { "alloc + transfer + free" },
	.batch = 32,
	.live = PAIR_LIVE(32),
	.live_lcores = 2,
	.min_lcores = 2,
	.setup = setup_pipeline,
	.teardown = pairs_teardown,
	.run = run_pipeline,
};

const struct scenario scenario_pipeline128 = {
	.name = "pipeline128",
	.desc = PIPELINE_DESC "128",
	.metrics = { "alloc + transfer + free" },
	.batch = 128,
	.live = PAIR_LIVE(128),
	.live_lcores = 2,
	.min_lcores = 2,
	.setup = setup_pipeline,
	.teardown = pairs_teardown,
	.run = run_pipeline,
};
