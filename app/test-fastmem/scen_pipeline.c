/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * The main lcore allocates objects and sends them to a worker over a ring;
 * the worker reads each of them and frees it.
 *
 * Both lcores deal with a burst at a time, and use the allocators' bulk calls
 * for it when it is more than one object.
 */

#include <errno.h>

#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_ring.h>

#include "scenario.h"

#define RING_SIZE 1024
#define MAX_BURST 128

struct pipeline {
	struct rte_ring *ring;
	const struct subject *subject;
	unsigned int burst;
	uint64_t start;
	/* Written by the worker when it has finished. */
	uint64_t end;
	uint64_t sum;
};

static struct pipeline pipeline;

static void
teardown_pipeline(void)
{
	rte_ring_free(pipeline.ring);
	pipeline.ring = NULL;
}

static int
setup_pipeline(const struct scenario *scenario)
{
	pipeline.burst = scenario->batch;
	pipeline.ring = rte_ring_create("test_fastmem_pipeline", RING_SIZE,
			rte_socket_id(), RING_F_SP_ENQ | RING_F_SC_DEQ);

	return pipeline.ring == NULL ? -rte_errno : 0;
}

/* Send a burst, and wait for room as long as it takes. */
static inline void
send_burst(void **objs, unsigned int burst)
{
	unsigned int pauses = 0;

	while (rte_ring_sp_enqueue_bulk(pipeline.ring, objs, burst, NULL) == 0)
		relax(&pauses);
}

static inline void
receive_burst(void **objs, unsigned int burst)
{
	unsigned int pauses = 0;

	while (rte_ring_sc_dequeue_bulk(pipeline.ring, objs, burst, NULL) == 0)
		relax(&pauses);
}

/* A burst that begins with NULL is the last one, and has no objects. */
static __rte_noinline uint64_t
consume_bulk(const struct subject *subject, unsigned int burst)
{
	void (*release)(uintptr_t key, void **objs, unsigned int n) =
		subject->alloc->free_bulk;
	const uintptr_t key = subject->keys[0];
	void *objs[MAX_BURST];
	uint64_t sum = 0;
	unsigned int i;

	for (;;) {
		receive_burst(objs, burst);
		if (unlikely(objs[0] == NULL))
			return sum;
		for (i = 0; i < burst; i++)
			sum += *(const uint64_t *)objs[i];
		release(key, objs, burst);
	}
}

static __rte_noinline uint64_t
consume_one(const struct subject *subject)
{
	void (*release)(uintptr_t key, void *obj) = subject->alloc->free;
	const uintptr_t key = subject->keys[0];
	uint64_t sum = 0;
	void *obj;

	for (;;) {
		receive_burst(&obj, 1);
		if (unlikely(obj == NULL))
			return sum;
		sum += *(const uint64_t *)obj;
		release(key, obj);
	}
}

static __rte_noinline int
produce_bulk(const struct subject *subject, unsigned int burst, uint64_t n)
{
	int (*alloc)(uintptr_t key, void **objs, unsigned int n) =
		subject->alloc->alloc_bulk;
	const uintptr_t key = subject->keys[0];
	void *objs[MAX_BURST];
	uint64_t i;

	for (i = 0; i < n; i++) {
		if (unlikely(alloc(key, objs, burst) < 0))
			return -ENOMEM;
		send_burst(objs, burst);
	}

	return 0;
}

static __rte_noinline int
produce_one(const struct subject *subject, uint64_t n)
{
	void *(*alloc)(uintptr_t key) = subject->alloc->alloc;
	const uintptr_t key = subject->keys[0];
	void *obj;
	uint64_t i;

	for (i = 0; i < n; i++) {
		obj = alloc(key);
		if (unlikely(obj == NULL))
			return -ENOMEM;
		send_burst(&obj, 1);
	}

	return 0;
}

static int
consumer(void *arg __rte_unused)
{
	wait_until(pipeline.start);

	if (pipeline.burst == 1)
		pipeline.sum = consume_one(pipeline.subject);
	else
		pipeline.sum = consume_bulk(pipeline.subject, pipeline.burst);
	pipeline.end = rte_rdtsc_precise();

	return 0;
}

static int
run_pipeline(const struct scenario *scenario, const struct subject *subject,
	uint64_t n, struct sample *sample)
{
	const unsigned int worker = rte_get_next_lcore(-1, 1, 0);
	const unsigned int burst = scenario->batch;
	void *last[MAX_BURST] = { NULL };
	unsigned int pauses = 0;
	int ret;

	pipeline.subject = subject;
	pipeline.start = start_time();

	ret = rte_eal_remote_launch(consumer, NULL, worker);
	if (ret < 0)
		return ret;

	wait_until(pipeline.start);

	if (burst == 1)
		ret = produce_one(subject, n);
	else
		ret = produce_bulk(subject, burst, n);

	send_burst(last, burst);
	/* rte_eal_wait_lcore() never yields the CPU to the worker. */
	while (rte_eal_get_lcore_state(worker) == RUNNING)
		relax(&pauses);
	rte_eal_wait_lcore(worker);

	sample->elapsed = pipeline.end - pipeline.start;
	sample->cycles[0] = (double)sample->elapsed / n / burst;

	return ret;
}

#define PIPELINE_DESC "to another lcore over a ring, read there and freed, " \
	"bursts of "

const struct scenario scenario_pipeline1 = {
	.name = "pipeline1",
	.desc = PIPELINE_DESC "1",
	.metrics = { "alloc + transfer + free" },
	.batch = 1,
	.live = RING_SIZE + 2,
	.min_lcores = 2,
	.setup = setup_pipeline,
	.teardown = teardown_pipeline,
	.run = run_pipeline,
};

const struct scenario scenario_pipeline32 = {
	.name = "pipeline32",
	.desc = PIPELINE_DESC "32",
	.metrics = { "alloc + transfer + free" },
	.batch = 32,
	.live = RING_SIZE + 2 * 32,
	.min_lcores = 2,
	.bulk = true,
	.setup = setup_pipeline,
	.teardown = teardown_pipeline,
	.run = run_pipeline,
};

const struct scenario scenario_pipeline128 = {
	.name = "pipeline128",
	.desc = PIPELINE_DESC "128",
	.metrics = { "alloc + transfer + free" },
	.batch = MAX_BURST,
	.live = RING_SIZE + 2 * MAX_BURST,
	.min_lcores = 2,
	.bulk = true,
	.setup = setup_pipeline,
	.teardown = teardown_pipeline,
	.run = run_pipeline,
};
