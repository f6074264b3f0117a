/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef WORKER_H
#define WORKER_H

/*
 * An lcore that receives packets of its ports, and keeps a table of their flows.
 * What is to be told of flows that have ended, it sends to the main lcore.
 */

#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>
#include <rte_ethdev.h>
#include <rte_fastmem.h> /* with atomics, which older releases have not */
#include <rte_ring.h>

#include "flow.h"

/* Records on their way to the main lcore. */
#define WORKER_RING_SIZE 16384

/* How long a port that has an end may be silent. */
#define SILENCE_S 10

struct worker {
	unsigned int lcore_id;
	unsigned int n_ports;
	struct {
		uint16_t id;
		uint64_t packets;
	} ports[RTE_MAX_ETHPORTS];
	uint64_t most_packets; /* of each port; 0: no end */
	uint32_t tick;
	uint64_t replay; /* packets of a file that is replayed; or 0 */
	/* Called between bursts, if the main lcore works itself; or NULL. */
	void (*idle)(void);
	struct rte_ring *ring;
	bool closing; /* wait for the reader of the ring */
	struct flow_table table;

	/* for the main lcore to read */
	RTE_ATOMIC(uint64_t) live_bytes;
	bool silent; /* ended for lack of packets */
	uint64_t packets;
	uint64_t cycles;
	uint64_t cpu_ns; /* less than that, if the CPU had others to run */
};

/* What the main lcore has made of the records. */
struct exporter {
	uint64_t records;
	uint64_t bytes; /* of the packets of these flows */
};

/* Set by a signal: end soon. Relaxed, nothing else depends on it. */
extern RTE_ATOMIC(int) worker_stop;

/* Returns NULL if there is no memory. */
struct worker *
worker_create(unsigned int lcore_id, uint32_t max_flows);

void
worker_free(struct worker *worker);

/* Begin with an empty table and an allocator. */
void
worker_open(struct worker *worker, const struct state_ops *ops);

/* Receive until all ports have given their packets, or have given none for
 * SILENCE_S seconds: then there is nothing to wait for, such as behind the end of
 * a file. To be launched.
 */
int
worker_run(void *worker);

/* End all flows; to be launched. */
int
worker_close(void *worker);

/* Take what the worker has sent; returns how many records there were. */
unsigned int
worker_export(struct worker *worker, const struct state_ops *ops,
	struct exporter *exporter);

#endif /* WORKER_H */
