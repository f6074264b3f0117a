/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * The pipeline in both directions at once: each lcore of a pair allocates
 * objects and sends them to the other one, and reads and frees what it
 * receives from there.
 *
 * An lcore that finds no room goes on to receive, which makes room for the
 * other one, so the two of them never wait for each other.
 */

#include <errno.h>

#include "scen_pair.h"

static int
setup_duplex(const struct scenario *scenario)
{
	return pairs_setup(scenario->batch, true);
}

/* Whether the burst was allocated, now or before, and sent. */
static inline int
send_next(struct side *side, void **objs, unsigned int burst, bool *pending)
{
	const struct subject *subject = side->pair->subject;

	if (!*pending) {
		if (burst == 1) {
			objs[0] = subject->calls->alloc(subject->keys[0]);
			if (unlikely(objs[0] == NULL))
				return -ENOMEM;
		} else if (unlikely(subject->calls->alloc_bulk(subject->keys[0],
				objs, burst) < 0)) {
			return -ENOMEM;
		}
		*pending = true;
	}
	if (rte_ring_sp_enqueue_bulk(side->out, objs, burst, NULL) == 0)
		return 0;
	*pending = false;

	return 1;
}

static inline int
receive_next(struct side *side, unsigned int burst)
{
	const struct subject *subject = side->pair->subject;
	void *objs[MAX_BURST];
	unsigned int i;

	if (rte_ring_sc_dequeue_bulk(side->in, objs, burst, NULL) == 0)
		return 0;
	for (i = 0; i < burst; i++)
		side->sum += *(const uint64_t *)objs[i];
	if (burst == 1)
		subject->calls->free(subject->keys[0], objs[0]);
	else
		subject->calls->free_bulk(subject->keys[0], objs, burst);

	return 1;
}

/* Send until it is all, or the time is over. Returns whether it was sent. */
static inline int
send_on(struct side *side, void **objs, unsigned int burst, bool *pending,
	uint64_t *sent)
{
	const struct pair *pair = side->pair;
	int ret;

	if (!*pending && (*sent == pair->n || (*sent % pair->n_check == 0 &&
			rte_rdtsc() > side->deadline))) {
		side_stop(side, *sent);
		return 0;
	}
	ret = send_next(side, objs, burst, pending);
	if (ret > 0)
		*sent += 1;

	return ret;
}

/* Whether there are no bursts to come that have not been received. */
static inline bool
all_received(struct side *side, uint64_t received)
{
	struct side *other = &side->pair->sides[side == side->pair->sides];

	return rte_atomic_load_explicit(&other->sent,
			rte_memory_order_acquire) == received;
}

static inline int
exchange(struct side *side, unsigned int burst)
{
	struct pair *pair = side->pair;
	uint64_t sent = 0, received = 0;
	unsigned int pauses = 0;
	void *objs[MAX_BURST];
	bool pending = false;
	int out, in;
	unsigned int i;

	do {
		out = 0;
		if (rte_atomic_load_explicit(&side->sent,
				rte_memory_order_relaxed) == UINT64_MAX)
			out = send_on(side, objs, burst, &pending, &sent);
		if (unlikely(out < 0)) {
			rte_atomic_store_explicit(&pair->failed, true,
				rte_memory_order_relaxed);
			break;
		}
		in = receive_next(side, burst);
		received += in;
		if (out == 0 && in == 0) {
			relax(&pauses);
			if (unlikely(rte_atomic_load_explicit(&pair->failed,
					rte_memory_order_relaxed)))
				break;
		}
	} while (rte_atomic_load_explicit(&side->sent,
			rte_memory_order_relaxed) == UINT64_MAX ||
			!all_received(side, received));

	for (i = 0; i < burst && pending; i++)
		pair->subject->calls->free(pair->subject->keys[0], objs[i]);

	return rte_atomic_load_explicit(&pair->failed,
			rte_memory_order_relaxed) ? -ENOMEM : 0;
}

static int
exchange_one(struct side *side)
{
	return exchange(side, 1);
}

static int
exchange_bulk(struct side *side)
{
	return exchange(side, side->pair->burst);
}

static int
run_duplex(const struct scenario *scenario, const struct subject *subject,
	uint64_t n, struct sample *sample)
{
	int (*role)(struct side *side) =
		scenario->batch == 1 ? exchange_one : exchange_bulk;
	double bursts;
	int ret;

	ret = pairs_run(subject, n, role, role, &sample->elapsed, &bursts);
	sample->cycles[0] = sample->elapsed / bursts / scenario->batch;

	return ret;
}

#define DUPLEX_DESC "between two lcores over rings in both directions, " \
	"bursts of "

const struct scenario scenario_duplex1 = {
	.name = "duplex1",
	.desc = DUPLEX_DESC "1",
	.metrics = { "alloc + transfer + free" },
	.batch = 1,
	.live = 2 * PAIR_LIVE(1),
	.live_lcores = 2,
	.min_lcores = 2,
	.setup = setup_duplex,
	.teardown = pairs_teardown,
	.run = run_duplex,
};

const struct scenario scenario_duplex32 = {
	.name = "duplex32",
	.desc = DUPLEX_DESC "32",
	.metrics = { "alloc + transfer + free" },
	.batch = 32,
	.live = 2 * PAIR_LIVE(32),
	.live_lcores = 2,
	.min_lcores = 2,
	.setup = setup_duplex,
	.teardown = pairs_teardown,
	.run = run_duplex,
};

const struct scenario scenario_duplex128 = {
	.name = "duplex128",
	.desc = DUPLEX_DESC "128",
	.metrics = { "alloc + transfer + free" },
	.batch = 128,
	.live = 2 * PAIR_LIVE(128),
	.live_lcores = 2,
	.min_lcores = 2,
	.setup = setup_duplex,
	.teardown = pairs_teardown,
	.run = run_duplex,
};
